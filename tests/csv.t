#!/bin/sh
# CSV as cdcd-csv(5) has it, through the tool that reads any: corners, and whatever is no CSV.
. tests/lib.sh

plot() {
	"$BIN/plotcsv" -q --ascii -y b "$@"
}

# same DESCRIPTION CSV: draws what the plain file draws
same() {
	printf %b "$2" >"$T/other.csv"
	plot "$T/other.csv" >"$T/other.out" 2>&1
	ok "$1" cmp "$T/plain.out" "$T/other.out"
}

# refused DESCRIPTION PATTERN CSV
refused() {
	printf %b "$3" >"$T/bad.csv"
	fails "$1" 1 "^plotcsv: $T/bad.csv: $2" plot "$T/bad.csv"
}

COLUMNS=60 LINES=16
export COLUMNS LINES
printf 'a,b\n1,2\n3,4\n5,7\n' >"$T/plain.csv"
plot "$T/plain.csv" >"$T/plain.out"

same 'quotes' '"a","b"\n"1","2"\n3,4\n5,"7"\n'
same 'carriage returns' 'a,b\r\n1,2\r\n3,4\r\n5,7\r\n'
same 'a byte order mark' '\0357\0273\0277a,b\n1,2\n3,4\n5,7\n'
same 'empty lines' 'a,b\n\n1,2\n3,4\n\n\n5,7\n\n'
same 'other columns, commas and lines within quotes' 'c,b,a\n"x,y",2,1\n"x\ny",4,3\n"""",7,5\n'
same 'other ways to write numbers' 'a,b\n1,+2.0\n3,4e0\n5, 7\n'

refused 'an empty file' 'empty: not even a header row$' ''
refused 'too few fields' 'line 3: 1 field, where 2 are wanted$' 'a,b\n1,2\n3\n'
refused 'too many fields' 'line 2: 3 fields, where 2 are wanted$' 'a,b\n1,2,3\n'
refused 'a last line without an end' 'line 3: cut short: no end of line$' 'a,b\n1,2\n3,4'
refused 'a quote that never ends' 'line 2: a quote that never ends$' 'a,b\n1,"2\n3,4\n'
refused 'a quote within a field' 'line 2: a quote where none may stand' 'a,b\n1,2"\n'
refused 'a NUL byte' 'line 2: a NUL byte' 'a,b\n1,2\00003\n'
refused 'two columns of one name' "line 1: two columns are named 'b'" 'a,b,b\n1,2,3\n'
refused 'a text for a number' "line 3: column 'b': 'four' is not a number$" 'a,b\n1,2\n3,four\n'
fails 'binary' 1 '^plotcsv: ' plot "$BIN/plotcsv"
fails 'a directory' 1 'is a directory' plot "$T"
fails 'no such file' 1 'none.csv: No such file' plot "$T/none.csv"

# Cut anywhere but at the end of a line, the file is refused in one line.
bytes=$(wc -c <"$T/plain.csv") wrong=0 at=1
while [ $at -lt "$bytes" ]; do
	head -c $at "$T/plain.csv" >"$T/cut.csv"
	if plot "$T/cut.csv" >"$T/.out" 2>"$T/.err"; then
		[ -z "$(tail -c 1 "$T/cut.csv" | tr -d '\n')" ] || wrong=$((wrong + 1))
	else
		[ "$(wc -l <"$T/.err")" -eq 1 ] || wrong=$((wrong + 1))
	fi
	at=$((at + 1))
done
is "cut after each of $bytes bytes" $wrong 0

done_testing
