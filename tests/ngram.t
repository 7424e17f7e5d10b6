#!/bin/sh
# n-gram models: their probabilities, the texts that they generate, and measures that can be counted by
# hand.
. tests/lib.sh
ngram=pipelines/ngram

measured() { # measured NAME COLUMN FILE: a field of the CSV that measure writes
	awk -F, -v name="$1" -v column="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		$1 == name { print $at[column] }' "$3"
}

# Probabilities

printf '%s\n' 'a b' 'b a b' b a 'a b a c' b 'c a' 'a b' 'b a' 'a b b' 'b a' 'b c' >"$T/model.txt"
printf '%s\n' 'a b' '' 'c c a' 'x b' >"$T/asked.txt"
# The formulas of ngram.awk, evaluated once by brute force in another language.
while read -r order wanted; do
	is "ngram score: the probabilities of order $order are those of the formula" \
		"$($ngram score -k "$order" -j "$T/model.txt" "$T/asked.txt" | tail -n +2 | cut -d, -f2 | xargs)" \
		"$wanted"
done <<'END'
1 3.64145017 1.15132907 7.72545338 5.7312545
2 2.63452713 2.66437514 7.01643212 5.74776835
3 2.23425411 2.73687064 6.50972007 6.15790636
END
awk 'BEGIN {
	words = split("a b c unheard", w, " ")
	print all[1] = ""
	n = 1
	for (length_ = 1; length_ <= 6; length_++) {
		m = 0
		for (i = 1; i <= n; i++)
			for (j = 1; j <= words; j++)
				print longer[++m] = all[i] " " w[j]
		for (n = 1; n < m; n++)
			all[n] = longer[n]
		all[n] = longer[n]
	} }' >"$T/strings.txt"
is 'ngram: the test lists all stories of up to six words' "$(wc -l <"$T/strings.txt" | tr -d ' ')" 5461
for order in 1 2 3; do
	$ngram score -k $order -j "$T/model.txt" "$T/strings.txt" |
		awk -F, 'NR > 1 { sum += exp(-$2) } NR == 2 { stop = exp(-$2) }
			END { print (sum > 0.9 && sum < 1), sum, 1 - (1 - stop) ^ 7 }' >"$T/sum"
	ok "ngram score: the probabilities of order $order sum to almost one" grep -q '^1 ' "$T/sum"
	[ $order -ne 1 ] || is 'ngram score: the probabilities of words without context sum to one' \
		"$(awk '{ print ($2 - $3 < 1e-5 && $3 - $2 < 1e-5) }' "$T/sum")" 1
done

# Texts

$ngram generate -k 3 -n 4000 -s 3 "$T/model.txt" >"$T/made.txt"
is 'ngram generate: writes as many stories as requested' "$(wc -l <"$T/made.txt" | tr -d ' ')" 4000
$ngram score -k 3 -j "$T/model.txt" "$T/strings.txt" | tail -n +2 | paste -d, "$T/strings.txt" - |
	awk -F, 'NR == FNR { count[$0]++; next }
		{ sub(/^ /, "", $1); e = 4000 * exp(-$3); if (e >= 5 && $1 !~ /unheard/) { chi2 += (count[$1] - e) ^ 2 / e; k++ } }
		END { print (k > 20 && chi2 < k + 5 * sqrt(2 * k)); print "# chi-square " chi2 " of " k " stories" }' "$T/made.txt" - >"$T/chi"
tail -n 1 "$T/chi"
is 'ngram generate: stories are as frequent as their probability' "$(head -n 1 "$T/chi")" 1
$ngram generate -k 3 -n 4000 -s 3 "$T/model.txt" | cmp -s - "$T/made.txt"
is 'ngram generate: the same seed gives the same stories' $? 0
$ngram generate -k 3 -n 4000 -s 4 "$T/model.txt" | cmp -s - "$T/made.txt"
is 'ngram generate: another seed gives other stories' $? 1
pipelines/stories generate -n 300 -s 1 >"$T/train.jsonl"
pipelines/stories generate -n 40 -s 2 -x "$T/train.jsonl" >"$T/held.jsonl"
is 'ngram generate: with only the longest context it copies stories' \
	"$($ngram generate -k 9 -n 5 "$T/train.jsonl" | wc -l | tr -d ' ')" 5
printf '%s\n' '' a b c >"$T/single.txt"
$ngram generate -k 1 -n 6000 -T 0.5 "$T/model.txt" | tr ' ' '\n' | grep . | sort | uniq -c | awk '{ print $1 }' >"$T/often"
$ngram score -k 1 -j "$T/model.txt" "$T/single.txt" | awk -F, 'NR > 2 { print exp(-$2) ^ 2 }' | paste - "$T/often" |
	awk '{ p[NR] = $1; n[NR] = $2; all += $1; sum += $2 }
		END { for (i in p) chi2 += (n[i] - sum * p[i] / all) ^ 2 / (sum * p[i] / all); print (chi2 < 13.8), chi2, NR }' >"$T/chi"
is 'ngram generate: at temperature 1/2 words have the squares of their probabilities' "$(cut -d' ' -f1,3 "$T/chi")" '1 3'
for heat in 0.5 0.99999 1 1.5; do
	$ngram generate -k 3 -n 3000 -T $heat "$T/model.txt" >"$T/heat.txt"
	$ngram measure -k 3 -j "$T/model.txt" heat="$T/heat.txt" | awk -F, 'NR == 2 { print $5 }'
done | xargs >"$T/heats"
is 'ngram generate: stories are less likely at higher temperatures, and temperature 1 changes nothing' "$(awk '{
	print ($1 < 0.9 * $2 && $2 < 1.03 * $3 && $3 < 1.03 * $2 && $3 < 0.95 * $4) }' "$T/heats")" 1
$ngram shuffle "$T/held.jsonl" >"$T/shuffled.txt"
words_of() {
	sed 's/^{"story": "//; s/"}$//; s/[.,!]/ & /g' "$1" | awk '{ for (i = 1; i <= NF; i++) print NR, $i }' | sort
}
is 'ngram shuffle: each story keeps its words' "$(words_of "$T/shuffled.txt")" "$(words_of "$T/held.jsonl")"

# Measures

cat >"$T/a.txt" <<'END'
the cat sat. the cat ran
the cat sat. the cat ran
a dog
END
cat >"$T/b.txt" <<'END'
yes, the cat sat. the cat slept
a dog
END
$ngram measure -k 2 -j "$T/b.txt" -x "$T/b.txt" a="$T/a.txt" b="$T/b.txt" "c,d=$T/a.txt" >"$T/measures.csv"
is 'ngram measure: counts stories, words, duplicates and seen stories' "$(grep '^a,' "$T/measures.csv" | cut -d, -f2,3,12,13)" 3,16,1,1
is 'ngram measure: counts distinct words, pairs, triples and quadruples' "$(grep '^a,' "$T/measures.csv" | cut -d, -f8-11)" \
	"$(awk 'BEGIN { printf "%.4f,%.4f,%.4f,%.4f", 7 / 16, 6 / 13, 5 / 10, 4 / 8 }')"
is 'ngram measure: finds the longest copies' "$(grep '^a,' "$T/measures.csv" | cut -d, -f14,15)" \
	"$(awk 'BEGIN { printf "%.2f,%d", (6 + 6 + 2) / 3, 6 }')"
is 'ngram measure: a text is a copy of itself' "$(grep '^b,' "$T/measures.csv" | cut -d, -f14,15)" 5.50,9
is 'ngram measure: computes the entropy of the words' "$(measured a entropy_nats "$T/measures.csv")" \
	"$(awk 'BEGIN { split("4 4 2 2 2 1 1", n, " "); for (i in n) h -= n[i] / 16 * log(n[i] / 16); printf "%.4f", h }')"
is 'ngram measure: counts unknown words' "$(measured a unknown "$T/measures.csv")" "$(awk 'BEGIN { printf "%.4f", 2 / 16 }')"
is 'ngram measure: the nats are those of score' "$(measured a story_nats "$T/measures.csv")" \
	"$($ngram score -k 2 -j "$T/b.txt" "$T/a.txt" | awk -F, 'NR > 1 { s += $2 } END { printf "%.4f", s / (NR - 1) }')"
is 'ngram measure: a name with a comma is quoted' "$(tail -n 1 "$T/measures.csv" | cut -c1-6)" '"c,d",'
# Compared with a simple search: the longest run of words of each story that is in the training text.
$ngram measure -k 2 -j "$T/train.jsonl" -x "$T/train.jsonl" held="$T/held.jsonl" shuffled="$T/shuffled.txt" >"$T/m.csv"
sed 's/^{"story": "//; s/"}$//; s/[.,!]/ & /g; s/  */ /g; s/^/ /; s/ *$/ /' "$T/train.jsonl" >"$T/train.spaced"
longest() { # longest FILE: mean and maximum, by search
	sed 's/^{"story": "//; s/"}$//; s/[.,!]/ & /g' "$1" | awk -v train="$T/train.spaced" '
		BEGIN { while ((getline line <train) > 0) all = all line "\n" }
		{ best = 0
		  for (i = 1; i + best <= NF; i++) {
			run = " "
			for (j = i; j <= NF; j++) {
				run = run $j " "
				if (j - i + 1 > best) { if (!index(all, run)) break; best = j - i + 1 } } }
		  sum += best; if (best > most) most = best }
		END { printf "%.2f,%d\n", sum / NR, most }'
}
is 'ngram measure: finds the copies that a simple search finds' "$(tail -n +2 "$T/m.csv" | cut -d, -f14,15)" \
	"$(longest "$T/held.jsonl" && longest "$T/shuffled.txt")"
ok 'ngram measure: shuffled stories are less likely' awk "BEGIN { exit !($(measured shuffled word_nats "$T/m.csv") > \
	2 * $(measured held word_nats "$T/m.csv")) }"
is 'ngram measure: shuffled stories have the same entropy of words' "$(measured shuffled entropy_nats "$T/m.csv")" "$(measured held entropy_nats "$T/m.csv")"

# The command line

sed "s/\$/$(printf '\r')/" "$T/a.txt" >"$T/crlf.txt"
is 'ngram score: lines may end in CR LF' "$($ngram score -k 2 -j "$T/b.txt" "$T/crlf.txt")" "$($ngram score -k 2 -j "$T/b.txt" "$T/a.txt")"
fails 'ngram score: requires a judge' 2 '-j is missing' $ngram score "$T/a.txt"
fails 'ngram measure: refuses a file without a name' 2 'not NAME=FILE' $ngram measure -j "$T/a.txt" "$T/a.txt"
fails 'ngram measure: requires a file' 2 'nothing to measure' $ngram measure -j "$T/a.txt"
fails 'ngram measure: reports a missing file' 1 'none: cannot be read' $ngram measure -j "$T/a.txt" x="$T/none"
fails 'ngram score: reports a missing judge' 1 'none: cannot be read' $ngram score -j "$T/none" "$T/a.txt"
fails 'ngram generate: refuses a temperature of 0' 2 'temperature' $ngram generate -T 0.0 "$T/a.txt"
fails 'ngram generate: refuses an order of 0' 2 'order' $ngram generate -k 0 "$T/a.txt"
: >"$T/empty"
fails 'ngram score: refuses a judge without words' 1 'empty: no words' $ngram score -j "$T/empty" "$T/a.txt"
fails 'ngram measure: refuses a text without stories' 1 'empty: no stories' $ngram measure -j "$T/a.txt" x="$T/empty"
not_ok 'ngram: requires a mode' $ngram
ok 'ngram: --help succeeds' $ngram --help
not_ok 'ngram: reports a full disk' sh -c "$ngram generate -n 3000 '$T/train.jsonl' >/dev/full"

# Every installed awk writes the same bytes

everything() { # everything AWK
	AWK=$1 $ngram generate -n 20 -s 999999999 "$T/held.jsonl"
	AWK=$1 $ngram shuffle "$T/held.jsonl"
	AWK=$1 $ngram measure -k 3 -j "$T/train.jsonl" -x "$T/train.jsonl" a="$T/a.txt" held="$T/held.jsonl"
}
same_from_awks everything

done_testing
