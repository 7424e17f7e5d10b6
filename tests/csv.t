#!/bin/sh
# CSV as specified in cdcd-csv(5), read by plotcsv: special cases, and invalid files.
. tests/lib.sh

plot() {
	"$BIN/plotcsv" -q --ascii -y b "$@"
}

# same DESCRIPTION CSV: this CSV gives the drawing of the plain file
same() {
	printf %b "$2" >"$T/other.csv"
	plot "$T/other.csv" >"$T/other.out" 2>&1
	ok "plotcsv: accepts $1" cmp "$T/plain.out" "$T/other.out"
}

# refused DESCRIPTION PATTERN CSV
refused() {
	printf %b "$3" >"$T/bad.csv"
	fails "plotcsv: refuses $1" 1 "^plotcsv: $T/bad.csv: $2" plot "$T/bad.csv"
}

COLUMNS=60 LINES=16
export COLUMNS LINES
printf 'a,b\n1,2\n3,4\n5,7\n' >"$T/plain.csv"
plot "$T/plain.csv" >"$T/plain.out"

same 'quotes' '"a","b"\n"1","2"\n3,4\n5,"7"\n'
same 'carriage returns' 'a,b\r\n1,2\r\n3,4\r\n5,7\r\n'
same 'a byte order mark' '\0357\0273\0277a,b\n1,2\n3,4\n5,7\n'
same 'empty lines' 'a,b\n\n1,2\n3,4\n\n\n5,7\n\n'
same 'other columns, and commas and lines within quotes' 'c,b,a\n"x,y",2,1\n"x\ny",4,3\n"""",7,5\n'
same 'other notations of numbers' 'a,b\n1,+2.0\n3,4e0\n5, 7\n'

same 'a last line without an end' 'a,b\n1,2\n3,4\n5,7'
same 'a last line without an end, within quotes' 'a,b\r\n1,2\r\n3,4\r\n5,"7"'
same 'duplicate names of columns that are not used' 'a,b,,,a\n1,2,,,\n3,4,,,\n5,7,,,\n'

# overlaid DESCRIPTION OVERLAY CSV: as an overlay, this CSV gives the drawing of the plain file
overlaid() {
	printf %b "$3" >"$T/other.csv"
	plot --line "$T/plain.csv:a,b:fit" "$T/plain.csv" >"$T/plain.line"
	plot --line "$T/other.csv$2" "$T/plain.csv" >"$T/other.out" 2>&1
	ok "plotcsv: $1" cmp "$T/plain.line" "$T/other.out"
}
overlaid '--line accepts a last line without an end' :a,b:fit 'a,b\n1,2\n3,4\n5,7'
overlaid '--line accepts duplicate names of columns' :a,b:fit 'a,,b,\n1,,2,\n3,,4,\n5,,7,\n'

refused 'an empty file' 'empty: expected a header row$' ''
refused 'too few fields' 'line 3: wrong number of fields: 1 \(expected 2\)$' 'a,b\n1,2\n3\n'
refused 'too many fields' 'line 2: wrong number of fields: 3 \(expected 2\)$' 'a,b\n1,2,3\n'
refused 'a quote that never ends' 'line 2: a quoted field has no closing quote$' 'a,b\n1,"2\n3,4\n'
refused 'a quote within a field' 'line 2: misplaced quote; is this a CSV file' 'a,b\n1,2"\n'
refused 'a NUL byte' 'line 2: a NUL byte' 'a,b\n1,2\00003\n'
refused 'semicolons between fields' "no column 'b'; there are a;b; separate the fields by commas$" 'a;b\n1;2\n'
refused 'two columns with the name of a used column' \
	"two columns are named 'b', the fields 2 and 3 of the header; rename one of them$" 'a,b,b\n1,2,3\n'
refused 'a last line without an end and with too few fields' 'line 3: wrong number of fields: 1 \(expected 2\)$' \
	'a,b\n1,2\n3'
refused 'a text instead of a number' "line 3: column 'b': 'four' is not a number$" 'a,b\n1,2\n3,four\n'
fails 'plotcsv: refuses a binary file' 1 '^plotcsv: ' plot "$BIN/plotcsv"
fails 'plotcsv: refuses a directory' 1 'is a directory' plot "$T"
fails 'plotcsv: reports a missing file' 1 'none.csv: No such file' plot "$T/none.csv"

# A file cut anywhere is drawn as if its last line had a line end.
bytes=$(wc -c <"$T/plain.csv") wrong=0 at=1
while [ $at -lt "$bytes" ]; do
	head -c $at "$T/plain.csv" >"$T/cut.csv"
	plot "$T/cut.csv" >"$T/cut.out" 2>&1
	echo $? >>"$T/cut.out"
	[ -z "$(tail -c 1 "$T/cut.csv")" ] || echo >>"$T/cut.csv"
	plot "$T/cut.csv" >"$T/ended.out" 2>&1
	echo $? >>"$T/ended.out"
	cmp -s "$T/cut.out" "$T/ended.out" || wrong=$((wrong + 1))
	at=$((at + 1))
done
is "plotcsv: a file cut after each of $bytes bytes is drawn as with a line end" $wrong 0

# The logs of cdcd must follow cdcd-csv(5).
printf 'step,t,ce_nats,split\n1,2,3,train' >"$T/bad.csv"
fails 'fitsched: refuses a last line without an end' 1 'line 2: truncated: the last line has no line feed$' \
	"$BIN/fitsched" -q "$T/bad.csv"
printf 'step,t,ce_nats,split,,\n1,2,3,train,,\n' >"$T/bad.csv"
fails 'fitsched: refuses two columns with the same name' 1 "two columns are named '', the fields 5 and 6" \
	"$BIN/fitsched" -q "$T/bad.csv"

done_testing
