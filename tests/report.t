#!/bin/sh
# pipelines/report: lengths, rows, unknown words and duplicates of documents that can be counted by hand.
. tests/lib.sh
report=pipelines/report
TOK=$BIN/tok
export TOK

printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' a b '##c' , '"' >"$T/vocab.txt"
# 20 documents of 3 to 22 tokens, with [CLS] and [SEP], then a copy of the fifth and two of the second.
awk 'BEGIN { for (i = 1; i <= 20; i++) { for (j = 1; j <= i; j++) printf "%s ", j % 2 ? "a" : "b"; print "" }
	print "a b a b a"; print "A b"; print "a b" }' >"$T/docs.txt"
"$report" -w "$T/vocab.txt" --lines "$T/docs.txt" >"$T/out" 2>"$T/err"

line() { # line PATTERN: the line of the report that begins so, blanks squeezed
	tr -s ' ' <"$T/out" | sed 's/^ //' | grep -E "^($1)" | head -n 1
}
is 'report: counts documents and tokens' "$(head -n 1 "$T/out")" '23 documents, 265 tokens'
is 'report: prints the mean length' "$(line 'tokens of a')" 'tokens of a document: mean 11.5'
is 'report: prints the quantiles of the lengths' "$(grep -A 1 least "$T/out" | tail -n 1 | tr -s ' ' | sed 's/^ //')" '3 4 6 11 17 21 22 22'
is 'report: the bins of the histogram contain all documents' \
	"$(sed -n '/tokens *documents/,/^$/p' "$T/out" | awk 'NR > 1 && NF { n += $2 } END { print n }')" 23
is 'report: the histogram counts the documents of a length' "$(line '4-5 ')" '4-5 4 ##################################################'
is 'report: rows of 16 tokens cut the longer documents' "$(line '16 ')" '16 6 26.1 % 21 7.9 % 33.7 %'
is 'report: rows of 32 tokens cut nothing' "$(line '32 ')" '32 0 0.0 % 0 0.0 % 64.0 %'
is 'report: the table of rows ends when nothing is cut' "$(line '64 ')" ''
"$BIN/tok" -q -w "$T/vocab.txt" --lines "$T/docs.txt" | "$BIN/pack" -T 16 2>"$T/pack" >/dev/null
ok 'report: pack cuts what the report says' grep -q '; 6 cut, 0 dropped, 7.9% of the ids left out; 23 rows of 16 ids, 33.7% padding' "$T/pack"
is 'report: finds exact duplicates, whatever their case' "$(line '[0-9]+ exact')" '3 exact copies of other documents, in 2 groups'
is 'report: names the documents of a group' "$(grep -E '^ +3 ' "$T/out" | grep documents | tr -s ' ')" ' 3 documents 2, 22, 23'
is 'report: no word is unknown' "$(line '0 of')" '0 of 219 words unknown (0 %), 0 different'
is 'report: tok reports as usual' "$(cat "$T/err")" 'tok: 23 documents, 265 tokens, 0 % of 219 words unknown'

# Unknown words; documents that differ in them only are no copies.
printf '%s\n' '{"t":{"x":"a Zorg, \"q\\ ac"}}' '{"t":{"x":"a Yorg, \"q\\ ac"}}' '{"t":{"x":"\"ac\" q Zorg"}}' >"$T/docs.jsonl"
WORDS=3 "$report" -w "$T/vocab.txt" --field t.x "$T/docs.jsonl" >"$T/out" 2>"$T/err"
is 'report: passes options to tok, and counts words and unknown words' "$(line '[0-9]+ of')" '8 of 19 words unknown (42.1 %), 4 different'
is 'report: prints unknown words as they stand in the text, the most frequent first' \
	"$(sed -n '/words unknown/,/^$/p' "$T/out" | tail -n +2 | tr -s ' ')" " 3 q
 2 Zorg
 2 \\
 ..."
is 'report: documents that differ in an unknown word are no copies' "$(line '[0-9]+ exact')" '0 exact copies of other documents, in 0 groups'

# The edges
"$report" -w "$T/vocab.txt" --lines /dev/null >"$T/out" 2>/dev/null
is 'report: an empty input has no documents' "$(head -n 1 "$T/out")" '0 documents, 0 tokens'
printf '\n' | "$report" -w "$T/vocab.txt" --lines --no-special >"$T/out" 2>/dev/null
is 'report: an empty document has no tokens' "$(head -n 1 "$T/out")" '1 documents, 0 tokens'
fails 'report: fails as tok does' 1 'tok: .*none.jsonl: No such file' "$report" -w "$T/vocab.txt" "$T/none.jsonl"
fails 'report: a damaged line is an error' 1 'line 3, byte' sh -c "printf '{\"text\":\"a\"}\n\n{\n' | $report -w '$T/vocab.txt'"
not_ok 'report: without arguments prints its usage and fails' "$report"
ok 'report: --help succeeds' "$report" --help
is 'report: leaves no files' "$(mkdir "$T/tmp" && TMPDIR=$T/tmp "$report" -w "$T/vocab.txt" --lines "$T/docs.txt" >/dev/null 2>&1
	ls "$T/tmp")" ''

# The same bytes from every awk.
cat >"$T/with" <<END
#!/bin/sh
AWK=\$1 exec "$report" -w "$T/vocab.txt" --field t.x "$T/docs.jsonl"
END
chmod +x "$T/with"
same_from_awks "$T/with"
done_testing
