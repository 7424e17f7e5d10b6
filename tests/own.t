#!/bin/sh
# pipelines/own: trains on one's own files, whatever they are, and refuses what it cannot read.
. tests/lib.sh

own() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL BIN="$BIN" TMPDIR="$T" pipelines/own "$@"
}
# read_only NAME ARGUMENT...: read the files and choose the settings, but do not train
read_only() {
	name=$1
	shift
	case "$*" in
	*MINUTES=*) ;;
	*) set -- STEPS=30 "$@" ;;
	esac
	own -n OUT="$T/$name" "$@" >"$T/$name.log" 2>&1
}
texts() { # texts NAME: the texts that tok reads, in order
	cat "$T/$1"/input/*.json | sed 's/^{"[a-z]*": "//; s/"}$//; s/\\\(.\)/\1/g'
}

in="$T/my texts"
mkdir "$in" "$in/it's a folder"
pipelines/stories generate -n 60 -s 1 >"$in/s.jsonl"
sed 's/^{"story": "//; s/"}$//' "$in/s.jsonl" >"$in/lines.txt"

# --- what is read ---

read_only lines "$in/lines.txt"
is 'own: of plain text with long lines, each line is a document' "$(texts lines)" "$(cat "$in/lines.txt")"
ok 'own: says what a document is, and how to change it' grep -q 'each line is a document (DOCUMENTS=files' "$T/lines.log"
ok 'own: reports documents, rows and what is left out' grep -Eq \
	'^own: 60 rows of 72 tokens: one document each; 0.0 % of the text is longer' "$T/lines.log"
ok 'own: with -n does not train' [ ! -e "$T/lines/model.safetensors" ]

i=0
while IFS= read -r line; do
	i=$((i + 1))
	printf '%s\n' "$line" >"$in/it's a folder/$((i + 100)).txt"
done <"$in/lines.txt"
gzip "$in/it's a folder/102.txt"
zstd -q --rm "$in/it's a folder/103.txt"
: >"$in/it's a folder/empty.txt"
: >"$in/it's a folder/.hidden.txt"
printf 'a\0b' >"$in/it's a folder/binary"
echo '<html>' >"$in/it's a folder/page.html"
head -c 2000 "$BIN/tok" | gzip >"$in/it's a folder/program.gz"
ln -s 101.txt "$in/it's a folder/link.txt"
read_only folder "$in/it's a folder"
is 'own: reads the texts of a folder, compressed or not, each once' "$(texts folder | sort)" "$(sort "$in/lines.txt")"
ok 'own: names what it does not read in a folder' grep -Eq '^own: 3 files .* left out, such as .*(binary|page.html|program.gz)' "$T/folder.log"

awk 'BEGIN { print "id,story,note" } { gsub(/,/, "\",\""); gsub(/"/, "\"\""); gsub(/"",""/, ",")
	print NR ",\"say \"\"hi\"\",\n" $0 "\",x" }' "$in/lines.txt" >"$in/t.csv"
read_only csv "$in/t.csv"
is 'own: reads quotes, separators and line ends within the fields of CSV' "$(texts csv)" "$(sed 's/^/say "hi", /' "$in/lines.txt")"
sed 's/story/body/' "$in/t.csv" >"$in/b.csv"
read_only column "$in/b.csv"
ok 'own: of a table without story and text, reads the longest column and says so' grep -q 'reading the column body, the longest of id, body, note' "$T/column.log"
is 'own: of such a table, reads all rows' "$(texts column)" "$(texts csv)"
read_only named "$in/b.csv" FIELD=note
is 'own: reads the column that FIELD names' "$(texts named | sort -u)" x
fails 'own: lists the columns if FIELD names none' 1 "no column 'x'; its columns are id, body, note" \
	own -n OUT="$T/none" "$in/b.csv" FIELD=x
awk -F '"body": "|"}$' 'BEGIN { print "id;\"body\";note" } { print NR ";\"" $0 "\";a, b" }' "$in/lines.txt" >"$in/semicolons.csv"
read_only semicolons "$in/semicolons.csv"
is 'own: reads CSV with semicolons' "$(texts semicolons)" "$(cat "$in/lines.txt")"
awk 'BEGIN { print "text\tn" } { print $0 "\t" NR }' "$in/lines.txt" >"$in/t.tsv"
read_only tsv "$in/t.tsv"
is 'own: reads TSV' "$(texts tsv)" "$(cat "$in/lines.txt")"

gzip -c "$in/s.jsonl" >"$in/z.jsonl.gz"
read_only json "$in/z.jsonl.gz" "$in/s.jsonl"
ok 'own: reads JSON lines, compressed or not' grep -q '^own: 120 documents' "$T/json.log"
read_only mixed "$in/z.jsonl.gz" "$in/lines.txt" "$in/t.csv"
ok 'own: reads files of several kinds together' grep -q '^own: 180 documents' "$T/mixed.log"
sed 's/"story"/"body"/' "$in/s.jsonl" >"$in/b.jsonl"
read_only field "$in/b.jsonl" "$in/lines.txt" FIELD=body
ok 'own: reads the field that FIELD names, and plain text beside it' grep -q '^own: 120 documents' "$T/field.log"
for program in gzip zstd; do
	$program -c <"$in/s.jsonl" >"$in/compressed.txt"
	read_only compressed "$in/compressed.txt"
	ok "own: reads JSON lines compressed with $program under any name" grep -q '^own: 60 documents' "$T/compressed.log"
done
fails 'own: names the fields if JSON has none of them' 1 "b.jsonl: no field story or text; name one with FIELD=NAME: body" \
	own -n OUT="$T/none" "$in/b.jsonl"
fails 'own: names the fields if JSON has not the one that FIELD names' 1 "s.jsonl: no field x; name one with FIELD=NAME: story" \
	own -n OUT="$T/none" "$in/s.jsonl" FIELD=x
iconv -f UTF-8 -t UTF-16 "$in/lines.txt" >"$in/u.txt"
read_only utf16 "$in/u.txt"
is 'own: reads UTF-16' "$(texts utf16)" "$(cat "$in/lines.txt")"
printf '\357\273\277one two <|endoftext|>three\nfour<|endoftext|>\n\nfive' >"$in/marks.txt"
read_only marks "$in/marks.txt"
is 'own: <|endoftext|> ends a document' "$(texts marks)" 'one two
three four
five'
printf 'one\ntwo\n\nthree\n' >"$in/paragraphs.txt"
read_only paragraphs "$in/paragraphs.txt" DOCUMENTS=paragraphs
is 'own: DOCUMENTS=paragraphs: a blank line ends a document' "$(texts paragraphs)" 'one two
three'

# Man pages
mkdir "$in/man1"
for name in one two; do
	printf '.TH %s 1 2026 a b\n.SH NAME\n%s \\- \\fBdoes \303\251\\fP nothing\n.PP\nOr, when it \\fImay\\fP,\nsomething.\n' "$name" "$name" |
		gzip >"$in/man1/$name.1.gz"
done
echo '.so man1/one.1' >"$in/man1/three.1"
printf 'Not a\nman page.\n' >"$in/man1/four.1"
if command -v mandoc >/dev/null; then
	read_only pages "$in/man1" T=8
	is 'own: reads man pages without their markup' "$(texts pages)" 'NAME one - does é nothing Or, when it may, something.
NAME two - does é nothing Or, when it may, something.
Not a man page.'
else
	skip 'own: reads man pages without their markup' 'no mandoc here'
fi

# Accents
sed 's/boy/Jüngling/g; s/girl/Mädchen/g; s/the/für/g' "$in/lines.txt" >"$in/accents.txt"
read_only accents "$in/accents.txt"
ok 'own: of a text with many accents, keeps accents and capital letters, and says so' sh -c "
	grep -q '^own: the text has many accents' '$T/accents.log' && grep -qx für '$T/accents/vocab.txt'"
read_only plain "$in/accents.txt" CASED=
ok 'own: CASED= keeps no accents' grep -qx fur "$T/plain/vocab.txt"
not_ok 'own: of English text, keeps no accents' grep -q accents "$T/lines.log"

# Parquet, with a stand-in for pandas that reads JSON lines
if command -v python3 >/dev/null; then
	mkdir "$T/python"
	cat >"$T/python/pandas.py" <<'PY'
class Table:
    def __init__(self, name): self.name = name
    def to_json(self, out, **options): out.write(open(self.name).read())
read_parquet = Table
PY
	cp "$in/s.jsonl" "$in/s.parquet"
	PYTHONPATH=$T/python read_only parquet "$in/s.parquet"
	ok 'own: reads parquet with pandas' grep -q '^own: 60 documents' "$T/parquet.log"
	echo 'raise ImportError' >"$T/python/pandas.py"
	rm -rf "$T/parquet"
	PYTHONPATH=$T/python read_only parquet "$in/s.parquet"
	ok 'own: without pandas, says what parquet needs' grep -q 's.parquet: is a parquet file; .*pip install pandas' "$T/parquet.log"
else
	skip 'own: reads parquet with pandas' 'no python3 here'
fi

# A long text: as above, folded and without marks
tr '\n' ' ' <"$in/lines.txt" | fold -s -w 70 >"$in/book.txt"
read_only book "$in/book.txt"
ok 'own: cuts a long text into passages, and says so' grep -q 'cut into passages of about 600 bytes' "$T/book.log"
is 'own: passages contain all of the text' "$(texts book | tr -d ' \n')" "$(tr -d ' \n' <"$in/book.txt")"
is 'own: passages end where sentences end' "$(texts book | grep -cv '[.!]$')" 0
ok 'own: passages have about the length' sh -c "cat '$T/book/input/text.json' | awk '{ s += length } length > 950 { exit 1 }
	END { exit !(s / NR > 450 && s / NR < 700) }'"
printf 'x%.0s' $(seq 3000) | sed 's/x/日本/g' >"$in/one.txt"
read_only one "$in/one.txt" PASSAGE=100
is 'own: a text without blanks is not cut within a character' "$(texts one | tr -d '\n')" "$(cat "$in/one.txt")"
ok 'own: pieces of a text without blanks are valid UTF-8' iconv -f UTF-8 -t UTF-8 "$T/one/input/text.json"
printf 'one\0 two\n' >"$in/nul.txt"
read_only nul "$in/nul.txt" T=8 "$in/lines.txt"
is 'own: leaves NUL bytes out' "$(texts nul | head -n 1)" 'one two'
printf '%s\n' "$in/book.txt" "$in/marks.txt" "$in/one.txt" "$in/t.csv" >"$T/list"
converted() {
	LC_ALL=C "$1" -v member=text -v passage=100 -f pipelines/own_text.awk "$T/list"
	LC_ALL=C COLUMN='' INPUT=$in/b.csv "$1" -v member=text -f pipelines/own_csv.awk
	seq 3 300 | "$1" -v length_given='' -v long_given='' -f pipelines/own_rows.awk
	# The scripts run awk by its name.
	mkdir -p "$T/awk"
	printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v "$1")" >"$T/awk/awk"
	chmod +x "$T/awk/awk"
	PATH=$T/awk:$PATH read_only as "$in/lines.txt" "$in/b.csv" "$in/marks.txt" MINUTES=1 BATCH=8 SAMPLES=2 \
		SAMPLE_STEPS=2 TRAIN_OPTIONS='--layers 1 -j 1' DENOISE_OPTIONS='-j 1'
	grep -E '^own: .*(documents|rows of [0-9]+ tokens|error)|syntax' "$T/as.log"
	rm -rf "$T/awk" "$T/as"
}
same_from_awks converted
read_only windows "$in/s.jsonl" T=24
ok 'own: documents longer than a row become several rows' grep -Eq '^own: [0-9]+ rows of 24 tokens: longer documents are cut into several rows' "$T/windows.log"

# --- refusals ---

: >"$in/empty.txt"
printf '%%PDF-1.4\n' >"$in/x.pdf"
printf 'caf\351\n' >"$in/latin.txt"
echo Hello. >"$in/short.txt"
fails 'own: refuses a file without text' 1 'empty.txt: contains no text' own OUT="$T/o" "$in/empty.txt"
fails 'own: refuses a missing file' 1 'none.txt: no such file' own OUT="$T/o" "$in/none.txt"
fails 'own: refuses a PDF, and says how to convert it' 1 'is a PDF; extract its text: pdftotext' own OUT="$T/o" "$in/x.pdf"
tar -cf "$in/x.tar" -C "$in" lines.txt
gzip -f "$in/x.tar"
fails 'own: names a compressed archive, and says how to unpack it' 1 'my texts/x.tar.gz: is a tar archive; unpack it: tar -xOf FILE > NEW' \
	own OUT="$T/o" "$in/x.tar.gz"
fails 'own: refuses an unknown setting' 2 "'STEP=3': there is no such setting; there are .* STEPS" own OUT="$T/o" "$in/lines.txt" STEP=3
fails 'own: says that settings have capital letters' 1 'minutes=3: no such file; names of settings have capital' \
	own OUT="$T/o" "$in/lines.txt" minutes=3
read_only long "$in/lines.txt" LONG=x
ok 'own: refuses an unknown treatment of long documents' grep -q "LONG: 'x' is not known (expected cut or split)" "$T/long.log"
read_only hot "$in/lines.txt" MINUTES=1 TEMPERATURE=hot BATCH=8 TRAIN_OPTIONS='--layers 1 -j 1' SAMPLES=2
ok 'own: refuses settings of the samples before it trains' grep -q "temperature: 'hot' is not a number" "$T/hot.log"
not_ok 'own: after a trial that fails, chooses nothing' test -e "$T/hot/chosen.mk"
fails 'own: refuses standard input' 2 'cannot be read again' own OUT="$T/o" -
fails 'own: refuses an unknown option' 2 "'-x': there is no such option" own OUT="$T/o" -x
fails 'own: refuses an unknown kind of documents' 2 "DOCUMENTS: 'x' is not known" own OUT="$T/o" "$in/lines.txt" DOCUMENTS=x
fails 'own: refuses a directory that make cannot name' 2 'has blanks' own OUT="$T/a b" "$in/lines.txt"
fails 'own: without files says so' 2 'no file is named' own OUT="$T/o"
not_ok 'own: without arguments prints its usage and fails' own
ok 'own: --help succeeds' own --help
read_only short "$in/short.txt"
ok 'own: refuses a text of one row, and says what to do' grep -q 'make one row of .*: add more text' "$T/short.log"
not_ok 'own: a text of one row gives no settings' test -e "$T/short/chosen.mk"
read_only latin "$in/latin.txt"
ok 'own: warns of a text that is not UTF-8' grep -q 'my texts/latin.txt: is not UTF-8.* iconv' "$T/latin.log"
gzip -c "$in/latin.txt" >"$in/latin.txt.gz"
read_only latin "$in/lines.txt" "$in/latin.txt.gz"
ok 'own: names a compressed text that is not UTF-8' grep -q 'my texts/latin.txt.gz: is not UTF-8' "$T/latin.log"
read_only minutes "$in/lines.txt" MINUTES=soon
ok 'own: refuses a duration that is no number' grep -q "MINUTES: 'soon' is not a number of minutes" "$T/minutes.log"

# --- training ---

short() {
	own "$in/lines.txt" OUT="$T/o" BATCH=8 SAMPLES=2 SAMPLE_STEPS=2 TRAIN_OPTIONS='--layers 1 -j 1' DENOISE_OPTIONS='-j 1' "$@" 2>&1
}
rm -rf "$T/o"
ok 'own: chooses the steps for a duration' sh -c "BIN='$BIN' pipelines/own -n '$in/lines.txt' OUT='$T/o' BATCH=8 SAMPLES=2 \
	SAMPLE_STEPS=2 MINUTES=1 2>&1 | grep -q '^own: this takes about [01][.][0-9] minutes here'"
ok 'own: runs to its end' short STEPS=40
cp "$T/.out" "$T/first.log"
ok 'own: prints samples on the way' grep -q '^Two samples after step' "$T/first.log"
ok 'own: prints texts, held-out figures, pictures and what to do next' awk '
	/^Six texts/ { n++ } /^Held-out text costs the model at most [0-9.]+ nats a token/ { n++ }
	/^Held-out cross-entropy: [0-9.]+ nats a token at the end, after 40 steps/ { n++ }
	/validation.png: Cross-entropy/ { n++ } /pipelines.ask/ { n++ } END { exit n != 5 }' "$T/first.log"
is 'own: held-out rows are no training rows' "$("$BIN/pack" --ids "$T/o/valid.rows" >"$T/valid.ids"
	"$BIN/pack" --ids "$T/o/train.rows" | grep -cFxf "$T/valid.ids"; wc -l <"$T/valid.ids" | tr -d ' ')" '0
3'
cp "$T/o/model.safetensors" "$T/first"
touch "$T/again"
ok 'own: the same command again does not train' short STEPS=40
not_ok 'own: the same command again makes no rows and samples' test "$T/o/samples.rows" -nt "$T/again" -o "$T/o/train.rows" -nt "$T/again"
ok 'own: the same command again keeps the model' cmp "$T/first" "$T/o/model.safetensors"
touch -d '2 years ago' "$in/t.csv"
ok 'own: runs with another, older file' short STEPS=40 "$in/t.csv"
not_ok 'own: another file gives a new model' cmp "$T/first" "$T/o/model.safetensors"
ok 'own: keeps the model of the former file' cmp "$T/first" "$T/o/model.safetensors.before"

# In a process group of its own. Like a terminal: send SIGINT to own and all its processes.
stoppable() {
	# shellcheck disable=SC2016
	exec env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL BIN="$BIN" TMPDIR="$T" \
		perl -e 'setpgrp; $SIG{INT} = "DEFAULT"; exec @ARGV' pipelines/own "$in/lines.txt" OUT="$T/stopped" STEPS=300 \
		BATCH=8 SAMPLES=2 SAMPLE_STEPS=2 TRAIN_OPTIONS='--layers 1 -j 1' DENOISE_OPTIONS='-j 1'
}
(stoppable) >"$T/stopped.log" 2>&1 &
pid=$!
await grep -q '^3,' "$T/stopped/steps.csv"
kill -INT "-$pid"
wait $pid
is 'own: an interrupted run fails' $? 130
ok 'own: an interrupted run says how to continue' grep -q 'own: interrupted; .*continues' "$T/stopped.log"
ok 'own: an interrupted run leaves a checkpoint but is not taken for finished' \
	test -s "$T/stopped/model.safetensors" -a ! -e "$T/stopped/trained"
(stoppable) >"$T/continued.log" 2>&1
is 'own: the same command continues an interrupted training' \
	"$? $(grep -c 'train -x' "$T/continued.log") $(cut -d, -f1 "$T/stopped/steps.csv" | xargs)" "0 0 step $(seq -s ' ' 300)"

done_testing
