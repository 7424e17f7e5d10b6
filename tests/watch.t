#!/bin/sh
# pipelines/watch: what it shows of a trace on a terminal, without one and as a picture, and what it
# refuses.
. tests/lib.sh

PATH=$BIN:$PATH
watch=pipelines/watch
unset COLUMNS LINES NO_COLOR TERM LANG LC_CTYPE

# A vocabulary with parts of words, markup, a control character, an escape sequence and wide characters.
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' . , the cat dog jump '##ing' '##ed' '<b>&"x' \
	"$(printf 'e\033[31m')" 'é' '日本' "'s" was so elephant >"$T/vocab.txt"

# trace TEXT...: a trace of row 0 whose steps have these tokens, each as word:probability; word: alone
# is given. Row 1 has [PAD] everywhere.
trace() {
	echo step,t,row,position,id,probability
	number=0
	for line; do
		echo "$line" | tr ' ' '\n' | awk -F: -v step=$number '
			BEGIN {
				while ((getline token < ENVIRON["VOCAB"]) > 0)
					id[token] = n++
			}
			{ print step "," 8 / (step + 1) ",0," NR - 1 "," id[$1] "," $2 }
			{ rest = rest step "," 8 / (step + 1) ",1," NR - 1 ",0,1\n" }
			END { printf "%s", rest }'
		number=$((number + 1))
	done
}
VOCAB=$T/vocab.txt
export VOCAB

w() { # w MODE OPTIONS...
	w_mode=$1
	shift
	$watch "$w_mode" -w "$T/vocab.txt" "$@"
}

trace '[CLS]:1 the:0.4 ,:0.2 dog:0.1 jump:0.6 .:0.3 [SEP]:0.5 the:0.1' \
	'[CLS]:1 the:0.9 cat:0.45 was:0.55 jump:0.9 ##ing:0.3 .:0.7 [SEP]:1' \
	'[CLS]:1 the:1 cat:0.99 was:1 jump:0.9 ##ing:0.6 .:1 [SEP]:1' >"$T/trace.csv"

# --- without a terminal ---

w show "$T/trace.csv" >"$T/out"
cat >"$T/want" <<'END'
step 0, t = 8
____ ___ jump_ ___

step 1, t = 4
the ___ was jump___.

step 2, t = 2.67
the cat was jumping.

END
ok 'watch: show prints the steps without a terminal, with blanks for uncertain words' diff "$T/want" "$T/out"
w show -r 1 "$T/trace.csv" | grep -c . >"$T/out"
is 'watch: show prints only the heading of a row of padding' "$(cat "$T/out")" 3
is 'watch: show reads standard input' "$(w show <"$T/trace.csv" | cksum)" "$(w show "$T/trace.csv" | cksum)"
w show -f 2 "$T/trace.csv" | grep step >"$T/out"
is 'watch: -f 2 shows the first and the last step' "$(cat "$T/out")" "$(printf 'step 0, t = 8\nstep 2, t = 2.67')"
w show -c 10 "$T/trace.csv" | tail -n 5 | xargs >"$T/out"
is 'watch: -c 10 breaks lines between words' "$(w show -c 10 "$T/trace.csv" | tail -n 4)" \
	"$(printf 'the cat\nwas\njumping.')"
is 'watch: COLUMNS is the width without -c' "$(COLUMNS=10 w show "$T/trace.csv" | cksum)" \
	"$(w show -c 10 "$T/trace.csv" | cksum)"
trace 'elephant:1 ##ing:1 ##ed:1' 'elephant:1 ##ing:1 ##ed:1' >"$T/long.csv"
is 'watch: a word that is longer than a line continues on the next' "$(w show -c 10 "$T/long.csv" | tail -n 3)" \
	"$(printf 'elephantin\nged')"
sed 's/$/\r/; 1s/^/row,extra,/; 2,$s/^\([^,]*,[^,]*\),\([^,]*\)/\2,"x",\1,\2/' "$T/trace.csv" |
	sed '1s/t,row/t,again/' >"$T/other.csv"
is 'watch: finds columns by name, and accepts CR LF' "$(w show "$T/other.csv")" "$(cat "$T/want")"

# What the terminal cannot show, or what would change it.
trace 'é:1 日本:1 <b>&"x:1' "é:1 日本:1 $(printf 'e\033[31m'):1" >"$T/odd.csv"
is 'watch: show prints ? for other characters than ASCII if the locale is not UTF-8' \
	"$(LC_ALL=C w show "$T/odd.csv" | sed -n 2p)" '? ?? <b>&"x'
is 'watch: show prints all characters if the locale is UTF-8' "$(LC_ALL=C.UTF-8 w show "$T/odd.csv" | sed -n 2p)" \
	'é 日本 <b>&"x'
is 'watch: show prints ? for control characters' "$(LC_ALL=C.UTF-8 w show "$T/odd.csv" | sed -n 5p)" 'é 日本 e?[31m'
is 'watch: show counts wide characters as two columns' "$(LC_ALL=C.UTF-8 w show -c 12 "$T/odd.csv" | sed -n 2,3p)" \
	"$(printf 'é 日本\n<b>&"x')"

# The last step is the text that tok -d prints.
tok -q --text --no-special -w "$T/vocab.txt" -o "$T/text.tok" <<'END'
the cat ' s jumping was so so, the dog. jumped, the elephant jumping
END
pack --ids "$T/text.tok" | tr ' ' '\n' | awk '
	BEGIN { print "step,t,row,position,id,probability" }
	{ print "0,2,0," NR - 1 "," $1 ",1"; rest = rest "1,1,0," NR - 1 "," $1 ",\n" }
	END { printf "%s", rest }' >"$T/text.csv"
is 'watch: show prints the text of tok -d' "$(w show -c 1000 "$T/text.csv" | sed -n 5p)" \
	"$(tok -d -w "$T/vocab.txt" "$T/text.tok")"

# --- on a terminal ---

# tty SIZE ENVIRONMENT OPTIONS...: show on a terminal of this many rows and columns, with ESC as ^[
tty() {
	tty_size=$1 tty_environment=$2
	shift 2
	script -qec "stty rows ${tty_size% *} cols ${tty_size#* }; $tty_environment $watch show -d 0 -w $T/vocab.txt $*" \
		/dev/null </dev/null | tr -d '\r' | sed 's/\x1b/^[/g'
}
if ! command -v script >/dev/null; then
	skip 'watch: show draws on a terminal' 'no script(1) here'
else
	tty '24 80' TERM=xterm "$T/trace.csv" >"$T/out"
	printf '%s\n' '^[[?25l^[[2Kstep 0, t = 8' \
		'^[[2K^[[2mthe^[[0m^[[90m,^[[0m ^[[90mdog^[[0m ^[[2mjump^[[0m^[[2m.^[[0m ^[[90mthe^[[0m' >"$T/want"
	is 'watch: show makes uncertain words on a terminal grey or faint' "$(head -n 2 "$T/out")" "$(cat "$T/want")"
	is 'watch: show draws each step over the one before' "$(grep -c '^^\[\[J^\[\[2A^\[\[2Kstep' "$T/out")" 2
	is 'watch: the last step on the terminal has no uncertain words' "$(tail -n 2 "$T/out" | head -n 1)" \
		'^[[2Kthe cat was jump^[[2ming^[[0m.'
	is 'watch: show shows the cursor again' "$(tail -n 1 "$T/out")" '^[[J^[[0m^[[?25h'
	tty '24 80' 'TERM=xterm NO_COLOR=1' "$T/trace.csv" >"$T/out"
	is 'watch: NO_COLOR: show prints blanks instead of grey words, in place' "$(sed -n 2,3p "$T/out")" \
		"$(printf '%s\n' '^[[2K____ ___ jump_ ___' '^[[J^[[2A^[[2Kstep 1, t = 4')"
	is 'watch: TERM=dumb: show writes no escape sequences' "$(tty '24 80' TERM=dumb "$T/trace.csv")" \
		"$(w show "$T/trace.csv")"
	is 'watch: show takes the width from the terminal' "$(tty '24 20' 'TERM=xterm NO_COLOR=1' "$T/text.csv" |
		sed 's/\^\[\[[?0-9]*[A-Za-z]//g' | awk 'length > m { m = length } END { print m }')" 20
	is 'watch: show draws no more lines than the terminal has, but all of the last step' \
		"$(tty '4 20' 'TERM=xterm NO_COLOR=1' "$T/text.csv" | grep -c '^^\[\[2K')" \
		$((2 + 2 + $(w show -c 20 -f 2 "$T/text.csv" | grep -cv '^step\|^$') / 2))
	mkfifo "$T/keys"
	# A shell starts background jobs with SIGINT ignored.
	# shellcheck disable=SC2016 # perl
	perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' script -qec \
		"TERM=xterm $watch show -d 60 -w '$T/vocab.txt' '$T/trace.csv'" /dev/null <"$T/keys" >"$T/out" 2>&1 &
	exec 3>"$T/keys"
	await grep -q 'step 0' "$T/out"
	printf '\003' >&3
	wait $!
	is 'watch: Ctrl-C ends show at once, and the cursor is shown again' \
		"$? $(tr -d '\r' <"$T/out" | tail -n 1 | sed 's/\x1b/^[/g')" '130 ^[[0m^[[?25h'
	exec 3>&-
	trace 'the: cat:0.9' 'the: dog:0.9' >"$T/given.csv"
	is 'watch: show prints given words bold' "$(tty '24 80' TERM=xterm "$T/given.csv" | sed -n 2p)" '^[[2K^[[1mthe^[[0m cat'
fi

# --- the picture ---

w svg "$T/trace.csv" >"$T/trace.svg"
is 'watch: the picture has a text element for each word that a position has in turn' \
	"$(grep -c '^<text class="[fw][0-9]' "$T/trace.svg")" 9
is 'watch: of these, the words of the last step can be seen if nothing moves' \
	"$(sed -n 's/^<text class="f[0-9].*>\([^>]*\)<\/text>$/\1/p' "$T/trace.svg" | xargs)" 'the cat was jump ing .'
is 'watch: the picture has the last text as its description' "$(grep '^<desc' "$T/trace.svg")" \
	'<desc>the cat was jumping.</desc>'
ok 'watch: the picture stands still if the reader prefers reduced motion' grep -q \
	'^@media(prefers-reduced-motion:reduce){\*{animation:none!important}}$' "$T/trace.svg"
not_ok 'watch: the picture has no script and no link' grep -Eiq '<script|href|url\(|@import|<foreignObject' "$T/trace.svg"
is 'watch: the picture names no address but that of SVG' "$(grep -o 'http[^"]*' "$T/trace.svg")" http://www.w3.org/2000/svg
w svg "$T/odd.csv" >"$T/odd.svg"
is 'watch: the picture has markup in words as text, and ? for control characters' \
	"$(sed -n 's/^<text class="[fw].*>\([^>]*\)<\/text>$/\1/p' "$T/odd.svg" | head -n 4 | xargs -d '\n')" \
	'é 日本 &lt;b&gt;&amp;&quot;x e?[31m'
if command -v xmllint >/dev/null; then
	ok 'watch: the picture is well-formed XML' xmllint --noout "$T/trace.svg" "$T/odd.svg"
else
	skip 'watch: the picture is well-formed XML' 'no xmllint here'
fi
awk 'BEGIN {
	print "step,t,row,position,id,probability"
	for (s = 0; s <= 100; s++)
		for (p = 0; p < 72; p++)
			print s "," 101 - s ",0," p "," 5 + (s < p ? int(8 * s / p) * (p + 7) : p) % 16 "," (s < p ? (s + 1) / (p + 1) : 1)
}' >"$T/large.csv"
ok 'watch: the picture of 72 tokens in 100 steps has less than 100 kB' sh -c \
	"test \$($watch svg -w '$T/vocab.txt' '$T/large.csv' | wc -c) -lt 100000"

ok 'pipelines/story.svg: has less than 100 kB' test "$(wc -c <pipelines/story.svg)" -lt 100000
not_ok 'pipelines/story.svg: has no script and no link' grep -Eiq '<script|href|url\(|@import|<foreignObject' \
	pipelines/story.svg

both() {
	AWK=$1 w show "$T/odd.csv"
	AWK=$1 w show "$T/large.csv"
	AWK=$1 w svg "$T/odd.csv"
	AWK=$1 w svg "$T/large.csv"
	AWK=$1 w show -r 2 "$T/trace.csv"
}
same_from_awks both

# --- bad input ---

trace 'the:0.5 cat:0.25' 'the:1 dog:1' | grep -v ',1,[01],0,' >"$T/small.csv"
size=$(wc -c <"$T/small.csv") n=0 bad=0
while [ $n -lt "$size" ]; do
	head -c $n "$T/small.csv" >"$T/cut.csv"
	for mode in show svg; do
		w $mode "$T/cut.csv" >"$T/out" 2>"$T/err"
		[ $? -eq 1 ] && [ "$(wc -l <"$T/err")" -eq 1 ] && grep -q '^watch: .*cut.csv: ' "$T/err" || bad=$((bad + 1))
		[ $mode = show ] || [ ! -s "$T/out" ] || bad=$((bad + 1))
	done
	n=$((n + 1))
done
is "watch: each of $n truncations of a trace gives one line, and no picture" $bad 0

refused() { # refused TITLE PATTERN EDIT: the small trace after an edit by sed
	sed "$3" "$T/small.csv" >"$T/bad.csv"
	fails "watch: refuses $1" 1 "^watch: .*bad.csv: $2" w svg "$T/bad.csv"
}
fails 'watch: reports a truncated last line' 1 'cut.csv: truncated in line 5$' w show "$T/cut.csv"
head -n 4 "$T/small.csv" >"$T/cut.csv"
fails 'watch: reports a truncated step' 1 'cut.csv: truncated: step 1 of row 0 has 1 positions .expected 2' w svg "$T/cut.csv"
refused 'an empty file' 'empty: not a trace' d
refused 'another CSV file' "no column 'id': not a trace of denoise" '1s/id/ids/'
refused 'a line with too few fields' 'line 3: 5 fields .expected 6' '3s/,[^,]*$//'
refused 'a position that is not a number' "line 3: position 'x' is not a whole number" '3s/,1,/,x,/'
refused 'a missing position' 'line 3: position 3 .expected 1' '3s/,0,1,/,0,3,/'
refused 'a step that follows a later one' 'line 4: step 0 of row 0 follows step 3' '2,3s/^0/3/;4,5s/^1/0/'
refused 'an id outside the vocabulary' 'line 2: id 99 is not in .*vocab.txt, which has 21 tokens' '2s/,7,/,99,/'
refused 'a probability that is not a number' "line 2: probability 'nan' is not a number" '2s/[^,]*$/nan/'
refused 'a probability above 1' 'line 2: probability 1.5 is above 1' '2s/[^,]*$/1.5/'
fails 'watch: reports a row that the trace does not have' 1 'trace.csv: no row 2' w show -r 2 "$T/trace.csv"
fails 'watch: needs a vocabulary' 2 '^watch: -w is missing' $watch show "$T/trace.csv"
fails 'watch: reports a missing vocabulary' 1 'nowhere: cannot be read' $watch show -w nowhere "$T/trace.csv"
fails 'watch: reports a missing trace' 1 'nowhere: cannot be read' w svg nowhere
fails 'watch: reports a directory' 1 'cannot be read' w svg "$T"
printf '\377\n' >"$T/latin"
fails 'watch: refuses a vocabulary that is not UTF-8' 1 'latin: not UTF-8' $watch svg -w "$T/latin" "$T/trace.csv"
fails 'watch: refuses two traces' 2 'at most one trace' w svg a b
for bad in '-r x' '-f 1' '-f 1001' '-c 9' '-d x' '-d 1.2.3' '-d 61'; do
	# shellcheck disable=SC2086
	fails "watch: refuses $bad" 2 "^watch: ${bad%% *}: " w svg $bad "$T/trace.csv"
done
fails 'watch: refuses an empty row number' 2 '^watch: -r: needs a number' w svg -r '' "$T/trace.csv"
fails 'watch: reports an unknown mode' 2 . sh -c "$watch draw 2>&1 | head -n 1 >&2; exit 2"
ok 'watch: --help prints the options' sh -c "$watch --help | grep -q -- '-f FRAMES'"

done_testing
