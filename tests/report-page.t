#!/bin/sh
# pipelines/report.mk: the page of a model and of several, and what it says of files that are missing or
# broken. "make test-browser" looks at it in a browser.
. tests/lib.sh

PATH=$BIN:$PATH

# report MODELS VARIABLES...: without the options of a calling make
report() {
	report_models=$1
	shift
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/report.mk BIN="$BIN" MODEL="$report_models" \
		SAMPLES=4 DENOISE_OPTIONS='--steps 8 -j 1' "$@"
}

# train_small DIRECTORY OPTIONS...: a model and its logs
train_small() {
	small=$1
	shift
	mkdir -p "$small"
	noise -q -e 4 -s 1 --mask mixed "$T/train.rows" | train -q -x tiny --layers 1 --width 32 --heads 2 -n 40 -B 8 -j 1 \
		--valid "$T/valid.noised" --valid-every 10 -l "$small/steps.csv" --loss-log "$small/loss.csv" \
		-o "$small/model.safetensors" "$@"
}

# unbalanced PAGE: elements that are not closed in order, ids that occur twice, & that begins nothing
unbalanced() {
	perl -0777 -ne '
		s/^<!DOCTYPE html>\n// or print "no doctype\n";
		s/<style>.*?<\/style>//gs;
		while (/<(\/?)([a-zA-Z]+)((?:[^>"]|"[^"]*")*?)(\/?)>/g) {
			if ($1) {
				my $open = pop @open;
				print "</$2> closes <$open>\n" if $open ne $2;
			} elsif (!$4) {
				push @open, $2;
			}
			$n{$1}++ while $3 =~ /\bid="([^"]*)"/g;
		}
		print "open: @open\n" if @open;
		print "twice: $_\n" for grep { $n{$_} > 1 } keys %n;
		print "a bare &\n" if /&(?!(amp|lt|gt|quot|#\d+);)/;' "$1" | head -n 5
}

# outside PAGE: what the page would load or run
outside() {
	grep -Eio '<script|<link|<iframe|(src|href)="[^d#][^"]{0,40}|@import|url\((https?:)?//' "$1" | head -n 5
}

pipelines/stories generate -n 80 -s 1 >"$T/train.jsonl"
pipelines/stories generate -n 8 -s 2 >"$T/valid.jsonl"
tok --learn 1000 "$T/train.jsonl" >"$T/vocab.txt"
for part in train valid; do
	tok -q -w "$T/vocab.txt" "$T/$part.jsonl" | pack -q -T 72 -o "$T/$part.rows"
done
noise -q -s 7 -o "$T/valid.noised" "$T/valid.rows"

# --- one model with its logs ---

one=$T/one
train_small "$one"
ok 'report.mk: makes a page of a model' report "$one/model.safetensors"
page=$one/model-report/report.html
is 'report.mk: the page is well-formed, and its ids differ' "$(unbalanced "$page")" ''
is 'report.mk: the page loads and runs nothing' "$(outside "$page")" ''
is 'report.mk: the page has a title' "$(sed -n 's/^<title>\(.*\)<\/title>$/\1/p' "$page" | head -n 1)" "Model $one/model.safetensors"
is 'report.mk: the page has six pictures, each with a caption, and an animation' \
	"$(grep -c '^<svg .*role="img"' "$page") $(grep -c '<figcaption>' "$page") $(grep -c 'src="data:image/svg+xml,%3Csvg' "$page")" \
	'6 7 1'
is 'report.mk: the page states the last validation of the log' \
	"$(sed -n 's/.*>held-out cross-entropy<[^0-9]*\([0-9.]*\) nats.*/\1/p' "$page")" \
	"$(awk -F, '$10 { x = $10 } END { printf "%.4g\n", x }' "$one/steps.csv")"
is 'report.mk: the page says that a model of few tokens may not write text yet' \
	"$(grep -c 'tokens of these rows</th><td>23,040, 0[.][0-9]* per parameter<' "$page") $(grep -c 'fewer tokens than it has parameters' "$page")" '1 1'
is 'report.mk: the page shows the samples in their order' "$(sed -n 's/<li>\(.*\)<\/li>/\1/p' "$page" | cksum)" \
	"$(denoise -q -m "$one/model.safetensors" -s 1 -n 4 --steps 8 -j 1 | tok -d | cksum)"
is 'report.mk: rows with given positions are drawn apart from those without' \
	"$(awk 'END { print NR - 1 }' "$one/model-report/1/noised.csv") $(awk 'END { print NR - 1 }' "$one/model-report/1/given.csv")" \
	"$(awk -F, '$4 == "train" { n[$5 > 0]++ } END { print n[0], n[1] }' "$one/loss.csv")"
ok 'report.mk: the page has the command that made the samples, and those of the training rows' sh -c \
	"grep -q 'Command: <code>denoise .* -n 4 ' '$page' && grep -q '^    noise .* -e 4 -s 1' '$page'"
ok 'report.mk: the page has the settings of the checkpoint' grep -q '>train.lr</th><td>0.003</td>' "$page"
is 'report.mk: the page says only that the table of measures is missing, and how to make it' \
	"$(grep '^<p class="missing"' "$page" | sed 's/<[^>]*>//g')" \
	"The table of measures is missing: $one/model-eval/table.csv does not exist or is older than the checkpoint; make -f pipelines/eval.mk MODEL=$one/model.safetensors makes it"
ok 'report.mk: does nothing if all is up to date' report "$one/model.safetensors" -q "$page"

mkdir "$one/model-eval"
printf '%s\n' text,stories,word_nats held-out,8,1.25 model,8,2.5 >"$one/model-eval/table.csv"
printf '%s\n' stories,grammatical,consistent,duplicates 4,0.5000,0.2500,0 >"$one/summary.csv"
report "$one/model.safetensors" >"$T/log" 2>&1
is 'report.mk: the page has the table of eval.mk, with a row for each measure' \
	"$(grep '>word_nats</th>' "$page" | sed 's/<[^>]*>/ /g' | xargs)" 'word_nats 1.25 2.5'
ok 'report.mk: the page has the fraction of samples that follow the grammar' \
	grep -q 'follow the grammar</th><td>50.0 % of 4<' "$page"
is 'report.mk: the page then lacks nothing' "$(grep -c '^<p class="missing"' "$page")" 0
not_ok 'report.mk: a table of measures does not generate samples again' grep -q '^denoise' "$T/log"

# --- samples and a trace of another command, and thousands of samples ---

denoise -q -m "$one/model.safetensors" -n 1200 -s 5 --steps 1 -o "$one/samples.rows"
ok 'report.mk: takes the samples beside the model' report "$one/model.safetensors"
is 'report.mk: the page shows 200 of thousands of samples, eight of them not folded' \
	"$(grep -c '^<li>' "$page") $(grep -c 'The first of 1,200, not picked' "$page") $(grep -c '<summary>Samples 9 to 200<' "$page")" \
	'200 1 1'
denoise -q -m "$one/model.safetensors" -n 1 --steps 8 --trace "$T/trace.csv" -o "$T/one.rows"
head -c 3000 "$T/trace.csv" >"$one/trace.csv"
ok 'report.mk: makes a page with a truncated trace' report "$one/model.safetensors"
ok 'report.mk: the page says that the trace is truncated' \
	grep -q 'The animation is missing: watch: .*trace.csv: truncated' "$page"

# --- a checkpoint alone ---

mkdir "$T/alone"
cp "$one/model.safetensors" "$T/alone"
ok 'report.mk: makes a page of a checkpoint alone' report "$T/alone/model.safetensors"
page=$T/alone/model-report/report.html
is 'report.mk: the page of a checkpoint alone is well-formed' "$(unbalanced "$page")" ''
is 'report.mk: the page of a checkpoint alone has samples, the animation and the schedule' \
	"$(grep -c '^<li>' "$page") $(grep -c '<img' "$page") $(grep -c '^<svg .*role="img"' "$page")" '4 1 1'
is 'report.mk: the page of a checkpoint alone says which logs are missing' \
	"$(grep '^<p class="missing"' "$page" | grep -o '[a-z]*.csv does not exist; train [a-z-]* writes it' | sort | uniq -c | xargs)" \
	'2 loss.csv does not exist; train --loss-log writes it 2 steps.csv does not exist; train --log writes it'
fails 'report.mk: refuses a checkpoint that does not exist' 2 "MODEL: $T/none.safetensors does not exist" \
	report "$T/none.safetensors"
head -c 5000 "$one/model.safetensors" >"$T/alone/cut.safetensors"
not_ok 'report.mk: refuses a truncated checkpoint' report "$T/alone/cut.safetensors"
ok 'report.mk: a truncated checkpoint leaves no page' [ ! -e "$T/alone/cut-report/report.html" ]

# --- several models: a name with markup, a log without the newer columns, a truncated log ---

odd="$T/several/a<b>&\"c'"
train_small "$odd" --lr 1e-3
mkdir -p "$T/several/old" "$T/several/cut"
for dir in old cut; do
	cp "$one/model.safetensors" "$one/steps.csv" "$one/loss.csv" "$T/several/$dir"
done
cut -d, -f1-9 "$one/steps.csv" >"$T/several/old/steps.csv"
# The last line is never whole, wherever byte 1000 is.
for log in loss steps; do
	{
		head -c 1000 "$one/$log.csv" | sed '$d'
		printf 1,0
	} >"$T/several/cut/$log.csv"
done
several() {
	report "$T/several/*/model.safetensors" OUT="$T/several/page" "$@"
}
ok 'report.mk: makes a page of several models' several
page=$T/several/page/report.html
is 'report.mk: the page of several models is well-formed' "$(unbalanced "$page")" ''
is 'report.mk: the page of several models loads and runs nothing' "$(outside "$page")" ''
is 'report.mk: names of models are escaped' "$(sed -n 's/^<summary><h2>\(.*\)<\/h2><\/summary>$/\1/p' "$page" | tr '\n' ' ')" \
	"a&lt;b&gt;&amp;&quot;c' cut old "
is 'report.mk: the comparison shows the settings that differ' \
	"$(grep '>train[.]' "$page" | sed 's/<[^>]*>/ /g' | head -n 1 | xargs)" 'train.lr 0.001 0.003 0.003'
is 'report.mk: the comparison draws the logs that have validations' \
	"$(sed -n '/<h2>Learning/,/<h2>Settings/p' "$page" | grep -c '<desc>.*a&lt;b&gt;&amp;&quot;c.*cut')" 2
ok 'report.mk: a log without validations is drawn, and the page says what it lacks' sh -c \
	"sed -n '/^<summary><h2>old</,\$p' '$page' | grep -q 'The learning curve is missing: no numbers in a column valid_nats,even_nats'"
ok 'report.mk: the page says that a log of losses is truncated' \
	grep -q 'The schedule over training is missing: fitsched: .*cut/loss.csv: line [0-9]*: truncated' "$page"
ok 'report.mk: the page says if the log of steps ends before the checkpoint' \
	grep -q 'The log of steps ends with step [0-9]*, the checkpoint is of step 40' "$page"

# --- the parts ---

ok 'checkpoint: prints the vocabulary of a checkpoint' sh -c \
	"pipelines/checkpoint vocab '$one/model.safetensors' | cmp - '$T/vocab.txt'"
is 'checkpoint: prints the schedule of a checkpoint, which fitsched reads' \
	"$(pipelines/checkpoint schedule "$one/model.safetensors" | fitsched --curve | awk -F, 'END { print NR, $1, $2 }')" \
	'201 40 logistic'
fails 'checkpoint: refuses another file' 1 "$T/vocab.txt: not a checkpoint" pipelines/checkpoint vocab "$T/vocab.txt"
fails 'checkpoint: refuses a truncated checkpoint' 1 'cut.safetensors: not a checkpoint' \
	pipelines/checkpoint vocab "$T/alone/cut.safetensors"
fails 'checkpoint: refuses a missing file' 1 "$T/none: cannot be read" pipelines/checkpoint schedule "$T/none"
names() {
	MODELS=$1 awk -f pipelines/names.awk | xargs
}
is 'names.awk: leaves out what all paths have' "$(names 'o/a/model.st o/b/model.st')" 'a b'
is 'names.awk: keeps directories of different depth' "$(names 'o/a/x.st o/a/b/x.st')" 'x b/x'
is 'names.awk: leaves out the suffix' "$(names 'x.safetensors y.safetensors')" 'x y'
is 'elapsed.awk: adds the seconds of runs that continued the training, and leaves out a truncated line' \
	"$(printf '%s\n' step,seconds 1,2 2,3.5 step,seconds 3,1 4 | awk -f pipelines/elapsed.awk 2>"$T/err" | cut -d, -f3 | xargs)" \
	'elapsed_s 2.000 3.500 4.500'
mkdir "$T/info" "$T/info/1"
printf '%s\n' 'step: 50' 'rows: 1600' 'parameters: 100000' 'model.row_len: 72' 'train.steps: 50' >"$T/info/1/info.txt"
OUT=$T/info MODELS=m.st awk -f pipelines/html.awk -f pipelines/page.awk >"$T/info/page"
is 'page.awk: does not say so of a model that was trained on more tokens than it has parameters' \
	"$(grep -c 'tokens of these rows</th><td>115,200, 1.2 per parameter<' "$T/info/page") $(grep -c 'fewer tokens' "$T/info/page")" '1 0'
is 'given.awk: prints the rows after a step' \
	"$(printf '%s\n' step,t,ce_nats,split,given 9,2,3,train,0 10,2,3,train,0 | awk -v given=0 -v after=9 -f pipelines/given.awk | cut -d, -f1 | xargs)" 'step 10'
rows_of_kind() {
	printf '%s\n' "$2" 1,2,3,train,0 2,2,3,train,5 3,2,3,valid,0 4,2 | awk -v given="$1" -f pipelines/given.awk | cut -d, -f1 | xargs
}
is 'given.awk: prints training rows without given positions' "$(rows_of_kind 0 step,t,ce_nats,split,given)" 'step 1'
is 'given.awk: prints training rows with given positions' "$(rows_of_kind 1 step,t,ce_nats,split,given)" 'step 2'
is 'given.awk: takes rows of an older log for rows without given positions' \
	"$(rows_of_kind 0 step,t,ce_nats,split,other)/$(rows_of_kind 1 step,t,ce_nats,split,other)" 'step 1 2/step'
parts() { # parts AWK: the page, written by this awk
	OUT=$T/several/page MODELS="$(echo "$T"/several/*/model.safetensors)" SHOWN=200 \
		$1 -f pipelines/html.awk -f pipelines/page.awk
}
same_from_awks parts

done_testing
