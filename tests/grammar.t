#!/bin/sh
# pipelines/stories: generated stories pass the check, damaged ones do not, and the entropy is exact.
. tests/lib.sh
stories=pipelines/stories

field() { # field NAME FILE: a column of a CSV of one row without quotes
	awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $at[name] }' "$2"
}

# verdict TEXT: "grammatical consistent" and the reason
verdict() {
	echo "$1" | $stories check | sed -n 's/^"*[^"]*"*,\([01]\),\([01]\),\(.*\),[^,]*$/\1 \2 \3/p' |
		sed 's/"//g'
}

# The whole grammar

$stories generate -n 1000 -s 7 >"$T/a.jsonl"
is 'stories generate: writes as many stories as requested' "$(wc -l <"$T/a.jsonl")" 1000
$stories generate -n 1000 -s 7 >"$T/b.jsonl"
ok 'stories generate: the same seed gives the same stories' cmp "$T/a.jsonl" "$T/b.jsonl"
$stories generate -n 10 -s 7 >"$T/b.jsonl"
is 'stories generate: fewer stories are the first of more' "$(cat "$T/b.jsonl")" "$(head -n 10 "$T/a.jsonl")"
$stories generate -n 1000 -s 8 >"$T/b.jsonl"
is 'stories generate: another seed gives other stories' \
	"$(sort "$T/a.jsonl" "$T/b.jsonl" | uniq -d | wc -l | tr -d ' ')" 0
$stories summary "$T/a.jsonl" >"$T/summary.csv"
is 'stories check: every generated story is grammatical' "$(field grammatical "$T/summary.csv")" 1.0000
is 'stories check: every generated story is consistent' "$(field consistent "$T/summary.csv")" 1.0000
sed 's/^{"story": "//; s/"}$//' "$T/a.jsonl" >"$T/a.txt"
ok 'stories generate: writes JSON lines and nothing else' \
	awk '!/^[{]"story": "[a-z .,!?]+"[}]$/ { bad++ } END { exit bad || NR == 0 }' "$T/a.jsonl"
$stories check "$T/a.txt" >"$T/plain.csv"
$stories check "$T/a.jsonl" >"$T/json.csv"
ok 'stories check: treats plain text like JSON' cmp "$T/plain.csv" "$T/json.csv"
mkdir "$T/odd"
cp "$T/a.jsonl" "$T/odd/n=1.jsonl"
top=$PWD
is 'stories check: reads a file whose name looks like an assignment' \
	"$(cd "$T/odd" && "$top/pipelines/stories" summary n=1.jsonl)" "$(cat "$T/summary.csv")"
sed 's/[.,!?]/ &/g' "$T/a.txt" | $stories summary >"$T/spaced.csv"
ok 'stories check: ignores spaces before punctuation' cmp "$T/summary.csv" "$T/spaced.csv"

$stories entropy >"$T/entropy.csv"
ok 'stories.grammar: stories have 40 to 78 tokens, so that they fit into 80 with [CLS] and [SEP]' \
	[ "$(field tokens_min "$T/entropy.csv")" -ge 40 -a "$(field tokens_max "$T/entropy.csv")" -le 78 ]
sed 's/[.,!?]/ &/g' "$T/a.txt" | awk -v min="$(field tokens_min "$T/entropy.csv")" \
	-v max="$(field tokens_max "$T/entropy.csv")" -v mean="$(field tokens_mean "$T/entropy.csv")" '
	NF < min || NF > max { out++ } { sum += NF }
	END { d = sum / NR - mean; print out + 0, (d > -0.5 && d < 0.5) }' >"$T/lengths"
is 'stories entropy: computes the lengths of stories' "$(cat "$T/lengths")" '0 1'
is 'stories entropy: counts the words' "$($stories words | sort -u | wc -l | tr -d ' ')" \
	"$(field words "$T/entropy.csv")"
$stories generate -n 5000 -s 3 | $stories check >"$T/mc.csv"
awk -F, -v h="$(field entropy_nats "$T/entropy.csv")" 'NR > 1 { s += $NF; q += $NF * $NF; n++ }
	END { m = s / n; z = (m - h) / sqrt((q / n - m * m) / n); print (z > -4 && z < 4)
	      print "# entropy", h, "nats; mean of -ln p over", n, "stories", m, "z", z }' "$T/mc.csv" >"$T/z"
tail -n 1 "$T/z"
is 'stories entropy: the mean of -ln p agrees within four standard errors' "$(head -n 1 "$T/z")" 1

# Damage by hand: each story has one wrong word

good='tom was a good boy. he had a red ball. his friend lily had a blue kite. tom wanted the kite, and lily wanted the ball. so they met at the park and traded. now tom has the blue kite and lily has the red ball.'
damage() { # damage DESCRIPTION SED-SCRIPT WANTED
	is "stories check: verdict on $1" "$(verdict "$(echo "$good" | sed "$2")")" "$3"
}
damage 'no damage' '' '1 1 '
damage 'a wrong pronoun' 's/he had/she had/' '1 0 word 7: she for hero, who was tom at word 1'
damage 'a wrong possessive' 's/his friend/her friend/' '1 0 word 13: her for hero, who was tom at word 1'
damage 'a wrong noun of the hero' 's/boy/girl/' '1 0 word 5: girl for hero, who was tom at word 1'
damage 'another toy in one place' 's/kite and lily/drum and lily/' \
	'1 0 word 46: drum for toy2, which was kite at word 19'
damage 'another colour in one place' 's/red ball\.$/pink ball./' \
	'1 0 word 51: pink for colour, which was red at word 10'
damage 'another friend in one place' 's/and lily wanted/and emma wanted/' \
	'1 0 word 27: emma for friend, who was lily at word 15'
damage 'a friend with the name of the hero' 's/lily/tom/g' '1 0 hero and friend are the same'
damage 'another place where it occurs once' 's/park/zoo/' '1 1 '
damage 'a word of another class' 's/park/kite/' '0 0 word 37: kite after the'
damage 'an unknown word' 's/park/moon/' '0 0 word 37: moon is not a word of the grammar'
damage 'a word left out' 's/wanted the/the/' '0 0 word 22: the after tom'
damage 'a word twice' 's/wanted the/wanted the the/' '0 0 word 24: the after the'
damage 'a story without its end' 's/ red ball\.$//' '0 0 ends too early, after the'
damage 'a word too many' 's/$/ the/' '0 0 word 54: the after .'
damage 'upper case' 's/^tom/Tom/' '0 0 word 1: Tom is not a word of the grammar'
damage 'an empty story' 's/.*//' '0 0 is empty'
is 'stories check: verdict on the sound of another animal' "$(verdict 'rex was a big dog, and he lived near the park. one day, rex was lost and sad. he sat under a tree and meowed. a boy named tom saw him and gave him some cake. he took the dog back to the park. rex ate the cake and was not sad any more.')" \
	'1 0 word 29: meowed for pet, which was dog at word 5'
is 'stories check: quotes quotes' "$(echo 'he said "no"' | $stories check | sed -n 2p)" \
	'"he said ""no""",0,0,"word 1: ""he"" at the start",'

# Hundreds of damaged stories: every wrong pronoun is detected

sed 's/[.,!?]/ &/g' "$T/a.txt" | head -n 150 | awk '
	BEGIN { split("he she she he his her him her", p, " "); for (i = 1; i < 9; i += 2) other[p[i]] = p[i + 1] }
	{ for (i = 1; i <= NF; i++) {
		was = $i
		if (was in other) { $i = other[was]; print; $i = was }
		if (was == "her") { $i = "his"; print; $i = "him"; print; $i = was } } }' >"$T/pronouns.txt"
$stories summary "$T/pronouns.txt" >"$T/pronouns.csv"
is 'stories check: no story with a wrong pronoun is consistent' "$(field consistent "$T/pronouns.csv")" 0.0000
ok 'stories check: the test has more than 500 damaged stories' [ "$(field stories "$T/pronouns.csv")" -gt 500 ]
ok 'stories check: many stories with a wrong pronoun are grammatical' \
	awk -v share="$(field grammatical "$T/pronouns.csv")" 'BEGIN { exit !(share > 0.5) }'

# A small grammar, all stories of which can be listed: the list is the oracle

cat >"$T/small.grammar" <<'END'
table child: name noun he
	tom   boy   he
	sam   boy   he
	lily  girl  she
table toy: name
	ball
	kite
draw child: hero friend
draw toy: toy
rule story
	(a {hero.noun}|{hero}) met {friend}<more>.
	{friend} and {hero} met, and {friend.he} (ran|ran away|).
rule more
	(| and {hero.he} had a {toy}, a (good |){toy}).
END
small() {
	$stories generate -g "$T/small.grammar" "$@"
}
small -n 20000 -s 1 | sort -u | sed 's/^{"story": "//; s/"}$//' >"$T/all.txt"
$stories check -g "$T/small.grammar" "$T/all.txt" >"$T/all.csv"
is 'small grammar: every story is consistent' "$(grep -c ',1,1,,[0-9.]*$' "$T/all.csv")" \
	"$(wc -l <"$T/all.txt" | tr -d ' ')"
$stories entropy -g "$T/small.grammar" >"$T/small.csv"
awk -F, -v h="$(field entropy_nats "$T/small.csv")" '
	NR > 1 { p = exp(-$NF); one += p; sum += p * $NF }
	END { print (one > 1 - 1e-7 && one < 1 + 1e-7), (sum - h < 1e-6 && h - sum < 1e-6)
	      print "# " NR - 1 " stories, probabilities sum to " one ", entropy " sum " and " h }' "$T/all.csv" >"$T/sums"
tail -n 1 "$T/sums"
is 'small grammar: the probabilities sum to one, and the entropy is correct' "$(head -n 1 "$T/sums")" '1 1'
small -n 20000 -s 2 >"$T/many.jsonl"
$stories check -g "$T/small.grammar" "$T/many.jsonl" | awk -F, '
	NR > 1 { nats = $NF; sub(/,1,1,,[0-9.]*$/, ""); count[$0]++; p[$0] = exp(-nats); n++ }
	END { for (s in count) chi2 += (count[s] - n * p[s]) ^ 2 / (n * p[s]); for (s in p) k++
	      print (chi2 < k + 5 * sqrt(2 * k)); print "# chi-square " chi2 " of " k " stories" }' >"$T/chi"
tail -n 1 "$T/chi"
is 'small grammar: stories are as frequent as expected (chi-square)' "$(head -n 1 "$T/chi")" 1
$stories words -g "$T/small.grammar" >"$T/small.words"
sed 's/[.,!?]/ &/g' "$T/all.txt" >"$T/all.spaced"
awk 'NR == FNR { word[++n] = $0; next } FNR == 1 { file++ } { good[$0] = 1 }
	END { for (s in good) { m = split(s, w, " ")
		for (i = 1; i <= m; i++) { was = w[i]
			for (k = 1; k <= n; k++) { w[i] = word[k]; t = w[1]; for (j = 2; j <= m; j++) t = t " " w[j]; print t }
			w[i] = was } } }' "$T/small.words" "$T/all.spaced" | sort -u >"$T/mutants"
$stories check -g "$T/small.grammar" "$T/mutants" | sed -n 's/^"*\([^"]*\)"*,1,1,,.*/\1/p' |
	sed 's/  */ /g' | sort >"$T/survivors"
sort "$T/all.spaced" >"$T/wanted"
echo "# $(wc -l <"$T/mutants") mutants"
ok 'small grammar: the consistent ones of all one-word changes are the stories of the grammar' \
	cmp "$T/survivors" "$T/wanted"

# Excluded stories

small -n 100 -s 1 >"$T/train.jsonl"
small -n 200 -s 2 -x "$T/train.jsonl" >"$T/held.jsonl"
is 'stories generate: -x omits the given stories' "$(sort -u "$T/train.jsonl" | cat - "$T/held.jsonl" | grep -cxFf "$T/train.jsonl" -)" \
	"$(sort -u "$T/train.jsonl" | wc -l | tr -d ' ')"
is 'stories generate: -x writes as many stories as requested' "$(wc -l <"$T/held.jsonl" | tr -d ' ')" 200
cat "$T/train.jsonl" "$T/held.jsonl" | $stories summary -g "$T/small.grammar" -x "$T/train.jsonl" >"$T/seen.csv"
is 'stories summary: counts seen stories' "$(field seen "$T/seen.csv")" 100
is 'stories summary: counts duplicates' "$(field duplicates "$T/seen.csv")" \
	"$(cat "$T/train.jsonl" "$T/held.jsonl" | sort | uniq -c | awk '{ s += $1 - 1 } END { print s }')"
cp "$T/all.txt" "$T/everything"
fails 'stories generate: refuses to exclude all stories' 1 'nearly all stories' small -n 1 -x "$T/everything"

# Invalid grammars

refuses() { # refuses DESCRIPTION PATTERN, the grammar on standard input
	cat >"$T/bad.grammar"
	fails "stories: refuses $1" 1 "$2" $stories entropy -g "$T/bad.grammar"
}
refuses 'two ways to one text' 'ambiguous: two ways to read "a b c"' <<'END'
rule story
	a b c
	a (b|d) c
END
refuses 'an ambiguity of two words' 'ambiguous: two ways' <<'END'
rule story
	(a|)(a|) b
END
refuses 'an ambiguity of slots' 'ambiguous: two ways' <<'END'
table t: x
	b
	c
draw t: v
rule story
	a {v} d
	a c d
END
refuses 'two empty choices' 'ambiguous: two empty ways' <<'END'
rule story
	a (b|(|)) c
END
refuses 'a rule inside itself' 'rule story contains itself' <<'END'
rule story
	a <story>
END
refuses 'an unknown rule' 'no rule other' <<'END'
rule story
	a <other>
END
refuses 'an unknown variable' 'nothing draws \{v\}' <<'END'
rule story
	a {v}
END
refuses 'an unknown column' 'no column: \{v.y\}' <<'END'
table t: x
	b
draw t: v
rule story
	a {v.y}
END
refuses 'a missing closing parenthesis' 'no closing parenthesis' <<'END'
rule story
	a (b|c
END
refuses 'an unexpected closing parenthesis' 'unexpected \)' <<'END'
rule story
	a b) c
END
refuses 'a record with too few columns' 'bad.grammar:2: table t has 2 columns' <<'END'
table t: x y
	b
END
refuses 'a variable drawn twice' 'v is drawn already' <<'END'
table t: x
	b
draw t: v
draw t: v
END
refuses 'more variables than records' 'too few records' <<'END'
table t: x
	b
draw t: v w
END
refuses 'a character that is no part of the notation' 'expected a word' <<'END'
rule story
	a B
END
refuses 'an empty file' 'no rule story' </dev/null
printf 'rule story\n\t(a b|a c) d\n' >"$T/fine.grammar"
ok 'stories: accepts alternatives with the same beginning' $stories entropy -g "$T/fine.grammar"

# The command line

fails 'stories: refuses a number that is not one' 2 'not a number' $stories generate -n ten
fails 'stories: reports a missing file' 1 'cannot be read' $stories check "$T/none"
fails 'stories: reports a missing grammar' 1 'cannot be read' $stories entropy -g "$T/none"
fails 'stories: refuses an operand too many' 2 "unexpected 'x'" $stories generate x
not_ok 'stories: requires a mode' $stories
ok 'stories: --help succeeds' $stories --help
not_ok 'stories generate: reports a full disk' sh -c "$stories generate -n 1000 >/dev/full"

# Every installed awk writes the same bytes

everything() { # everything AWK
	AWK=$1 $stories generate -n 200 -s 999999999
	AWK=$1 $stories check "$T/pronouns.txt"
	AWK=$1 $stories entropy
}
same_from_awks everything

done_testing
