#!/bin/sh
# The measures of coherence, on texts whose values can be counted by hand.
# shellcheck disable=SC2016 # awk programs
. tests/lib.sh
coherence=pipelines/coherence

# The lexicon

story='There was a girl named Lily. One day Lily found a red ball. Lily saw that she liked the ball.'
for n in 1 2 3 4 5; do
	printf '{"story": "%s\\nThe end.", "source": "%s"}\n' "$story" "$n"
done >"$T/five.jsonl"
$coherence learn "$T/five.jsonl" >"$T/five.txt"
# The last sentences have 10 words, the others 100, and "the" occurs 5 times in both: ln of 6/11 divided
# by 6/101. No other word of the last sentences occurs ten times.
is 'coherence learn: prints names, their pronouns, things that return, and words of endings' \
	"$(cat "$T/five.txt")" "$(printf '%s\n' 'end the 2.2172' 'name lily' 'she lily' 'thing ball')"
sed 's/Lily saw that she/Lily saw that he/' "$T/five.jsonl" | $coherence learn >"$T/he.txt"
is 'coherence learn: a name after which "he" follows' "$(grep lily "$T/he.txt" | xargs)" 'he lily name lily'
{
	cat "$T/five.jsonl"
	sed -n '1,2s/Lily saw that she/Lily saw that he/p' "$T/five.jsonl"
} | $coherence learn >"$T/both.txt"
is 'coherence learn: a name has no pronoun if a third of them differ' "$(grep lily "$T/both.txt" | xargs)" 'name lily'
sed 's/saw that/saw lily and lily that/' "$T/five.jsonl" | $coherence learn >"$T/small.txt"
is 'coherence learn: a word that is as often small is no name' "$(grep -c lily "$T/small.txt")" 0
{
	cat "$T/five.jsonl"
	tr '[:upper:]' '[:lower:]' <"$T/five.jsonl"
} | $coherence learn >"$T/lower.txt"
is 'coherence learn: stories without capitals do not count against names' "$(grep -c 'name lily' "$T/lower.txt")" 1
sed 's/liked the ball/liked a ball/' "$T/five.jsonl" | $coherence learn >"$T/lost.txt"
is 'coherence learn: what is never mentioned as known is no thing' "$(grep -c thing "$T/lost.txt")" 0
for n in 1 2 3 4 5; do
	printf '%s\nThe end.\n<|endoftext|>\n' "$story"
done | $coherence learn >"$T/plain.txt"
ok 'coherence learn: reads plain text with <|endoftext|> like JSON' cmp "$T/plain.txt" "$T/five.txt"

# The measures of a story

cat >"$T/lexicon.txt" <<'END_LEXICON'
end happy 1.5000
end park -2.0000
he tim
name lily
name tim
she lily
thing ball
thing dog
END_LEXICON
checked() { # checked DESCRIPTION STORY ROW: the row of check for one story
	printf '%s\n' "$2" >"$T/story.txt"
	is "coherence check: $1" "$($coherence check -l "$T/lexicon.txt" "$T/story.txt" | tail -n 1)" "$3"
}
printf 'a\n' >"$T/story.txt"
is 'coherence check: the columns' "$($coherence check -l "$T/lexicon.txt" "$T/story.txt" | head -n 1)" \
	name,names,name_recurs,pronouns_agree,things_return,things_known,quotes_closed,sentence_closed,ends
checked 'a story that holds together' 'lily had a ball. she lost the ball. lily was happy.' \
	lily,1,1.0000,1.0000,1.0000,1.0000,,1.0000,1.0000
checked 'a story that does not' 'lily had a ball. he lost the dog. tim was in the park' \
	lily,2,0.0000,0.0000,0.0000,0.0000,,0.0000,0.0000
checked 'half of the names recur' 'lily and tim sat down. then lily sat and sat.' lily,2,0.5000,,,,,1.0000,0.0000
checked 'a name in the second half need not recur' 'the sun was high, and so tim ran.' tim,1,,,,,,1.0000,0.0000
checked 'a word after "named" is a name' 'a bird named spot sang. spot slept.' spot,1,1.0000,,,,,1.0000,0.0000
checked 'a pronoun agrees with a noun' 'the girl ran. she fell. he fell.' ,0,,0.5000,,,,1.0000,0.0000
checked 'pronouns do not count once they may mean both' 'lily met tim. he ran.' lily,2,0.0000,,,,,1.0000,0.0000
checked 'pronouns do not count before anyone is mentioned' 'he ran.' ,0,,,,,,1.0000,0.0000
checked 'a thing returns after an adjective' 'a big dog ran. i saw your old dog there again.' ,0,,,1.0000,,,1.0000,0.0000
checked 'a thing that is introduced again does not return' 'a big dog ran. i saw a dog there again.' ,0,,,0.0000,,,1.0000,0.0000
checked 'a thing is known only after it was mentioned' 'dog and cat ran to the dog. see the ball.' ,0,,,,0.5000,,1.0000,0.0000
checked 'quotation marks are closed' '" hi, " said tim. " no. "' tim,1,,,,,1.0000,1.0000,0.0000
checked 'a quotation ends after a punctuation mark' 'tim said " hi " and left.' tim,1,0.0000,,,,0.0000,1.0000,0.0000
checked 'a quotation mark is not closed' '" hi, said tim.' tim,1,,,,,0.0000,1.0000,0.0000
checked 'curly quotation marks are like straight ones' '“hi,” said tim.' tim,1,,,,,1.0000,1.0000,0.0000
checked 'the last sentence decides whether a story ends' 'we are happy. we go to the park.' ,0,,,,,,1.0000,0.0000
checked 'a story that is cut does not end' 'we go to the park. we are happy and' ,0,,,,,,0.0000,0.0000
checked 'an empty story' '' ,0,,,,,,0.0000,0.0000

# Texts

cat >"$T/a.txt" <<'END_TEXT'
lily had a ball. she lost the ball. lily was happy.
lily had a ball. he lost the dog. tim was in the park
END_TEXT
head -n 1 "$T/a.txt" >"$T/train.txt"
# One of two: the standard error is 1/2. All pairs of values below are computed by hand.
cat >"$T/b.txt" <<'END_TEXT'
lily and tim sat down. then lily sat and sat.
tim ran and ran. tim sat.
END_TEXT
$coherence measure -l "$T/lexicon.txt" -x "$T/train.txt" a="$T/a.txt" b="$T/b.txt" >"$T/measures.csv"
is 'coherence measure: names each column and its standard error' "$(head -n 1 "$T/measures.csv")" \
	text,names_usual,names_usual_se,name_recurs,name_recurs_se,pronouns_agree,pronouns_agree_se,things_return,things_return_se,things_known,things_known_se,quotes_closed,quotes_closed_se,sentence_closed,sentence_closed_se,ends,ends_se
is 'coherence measure: means and standard errors over the stories' "$(grep '^a,' "$T/measures.csv")" \
	a,0.5000,0.5000,0.5000,0.5000,0.5000,0.5000,0.5000,0.5000,0.5000,0.5000,,,0.5000,0.5000,0.5000,0.5000
# Two of three names: residuals 1 - 2 * 2/3 and 1 - 2/3, so sqrt(2 * (1/9 + 1/9)) / 3.
is 'coherence measure: a mean over all names, with an error by story' "$(grep '^b,' "$T/measures.csv" | cut -d, -f4,5)" \
	"$(awk 'BEGIN { printf "%.4f,%.4f", 2 / 3, sqrt(4 / 9) / 3 }')"
is 'coherence measure: the usual number of names needs training text' \
	"$($coherence measure -l "$T/lexicon.txt" a="$T/a.txt" | tail -n 1 | cut -d, -f1-4)" a,,,0.5000
is 'coherence measure: a text with the usual number of names' \
	"$($coherence measure -l "$T/lexicon.txt" -x "$T/a.txt" a="$T/a.txt" | tail -n 1 | cut -d, -f2,3)" 1.0000,0.0000

# every AWK MODE...: the output of all modes with one awk
every() {
	AWK=$1 $coherence learn "$T/five.jsonl" && AWK=$1 $coherence check -l "$T/lexicon.txt" "$T/a.txt" &&
		AWK=$1 $coherence measure -l "$T/lexicon.txt" -x "$T/b.txt" a="$T/a.txt" b="$T/b.txt"
}
if command -v mawk >/dev/null && command -v gawk >/dev/null; then
	every mawk >"$T/mawk.out" 2>&1
	every gawk >"$T/gawk.out" 2>&1
	ok 'coherence: mawk and gawk give the same results' cmp "$T/mawk.out" "$T/gawk.out"
else
	skip 'coherence: mawk and gawk give the same results' 'mawk or gawk is not installed'
fi

# Real text scores high, 5-gram text low.

if stories=$(data tinystories-train.jsonl.zst) && valid=$(data tinystories-valid.jsonl.zst); then
	# cut_to WORDS: the text of JSON lines in lower case, cut
	cut_to() {
		sed 's/^{"story": "//; s/", "source.*//; s/\\"/ " /g; s/\\n/ /g' | tr '[:upper:]' '[:lower:]' | cut -d ' ' -f "1-$1"
	}
	zstd -dcq "$stories" | head -n 2000 >"$T/real.jsonl"
	cut_to 60 <"$T/real.jsonl" >"$T/real.txt"
	zstd -dcq "$valid" | head -n 256 | cut_to 60 >"$T/held.txt"
	pipelines/ngram generate -n 256 "$T/real.txt" >"$T/5-gram.txt"
	$coherence learn "$T/real.jsonl" >"$T/real.lexicon"
	$coherence measure -l "$T/real.lexicon" -x "$T/real.txt" held="$T/held.txt" 5-gram="$T/5-gram.txt" >"$T/real.csv"
	for column in names_usual name_recurs pronouns_agree things_return things_known; do
		ok "coherence measure: real text has a higher $column than 5-gram text, by four standard errors" awk -F, \
			-v column=$column 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
			{ value[NR] = $at[column]; error[NR] = $at[column "_se"] }
			END { exit !(value[2] - value[3] > 4 * sqrt(error[2] ^ 2 + error[3] ^ 2) || print_all()) }
			function print_all() { print value[2], error[2], value[3], error[3]; return 0 }' "$T/real.csv"
	done
else
	skip 'coherence measure: real text scores higher than 5-gram text' 'the stories of TinyStories are not here'
fi

# The command line

fails 'coherence check: requires a lexicon' 2 '-l is missing' $coherence check "$T/a.txt"
fails 'coherence measure: refuses a file without a name' 2 'not NAME=FILE' $coherence measure -l "$T/lexicon.txt" "$T/a.txt"
fails 'coherence measure: requires a file' 2 'nothing to measure' $coherence measure -l "$T/lexicon.txt"
fails 'coherence check: reports a missing file' 1 'none: cannot be read' $coherence check -l "$T/lexicon.txt" "$T/none"
fails 'coherence check: reports a missing lexicon' 1 'none: cannot be read' $coherence check -l "$T/none" "$T/a.txt"
fails 'coherence check: refuses a lexicon of another form' 1 'not a lexicon' $coherence check -l "$T/a.txt" "$T/a.txt"
: >"$T/empty"
fails 'coherence check: refuses an empty lexicon' 1 'empty lexicon' $coherence check -l "$T/empty" "$T/a.txt"
fails 'coherence measure: refuses a text without stories' 1 'empty: no stories' $coherence measure -l "$T/lexicon.txt" x="$T/empty"
fails 'coherence learn: refuses a text without stories' 1 'no stories' $coherence learn "$T/empty"
echo '{"body": "a"}' >"$T/other.jsonl"
fails 'coherence learn: refuses JSON without a story' 1 'no member story or text' $coherence learn "$T/other.jsonl"
not_ok 'coherence: requires a mode' $coherence
ok 'coherence: --help succeeds' $coherence --help
not_ok 'coherence: reports a full disk' sh -c "$coherence learn '$T/five.jsonl' >/dev/full"

done_testing
