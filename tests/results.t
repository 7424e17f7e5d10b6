#!/bin/sh
# The figures of the pages: pipelines/results.csv has a row for each, and the pages say what it says.
. tests/lib.sh

# rows FILE: the rows of a CSV file without its header, as tab-separated cells
rows() {
	perl -ne 'next if $. == 1; chomp; @f = ();
		while (/\G(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g) {
			$cell = defined $1 ? $1 : $2;
			$cell =~ s/""/"/g;
			push @f, $cell;
			last if $+[0] == length;
		}
		push @f, "" if /,$/;
		print join("\t", @f), "\n"' "$1"
}

# normal: one space between words, and no commas within numbers
normal() {
	tr -s '\n\t ' ' ' | perl -pe 's/(?<=\d),(?=\d\d\d)//g'
}

# wrong FILE: rows without a cell that they need, with a malformed one, or whose quoted text is not in
# its page or lacks the value
wrong() {
	rows "$1" >"$T/rows"
	line=1
	tab=$(printf '\t')
	while IFS=$tab read -r figure value unit page quote command commit processor rest; do
		line=$((line + 1))
		for cell in "$figure" "$value" "$unit" "$command" "$processor"; do
			[ -n "$cell" ] || echo "row $line: an empty cell"
		done
		echo "$commit $rest" | grep -Eq '^[0-9a-f]{7} .*20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]$' ||
			echo "row $line: no commit or no date"
		printf '%s' "$quote" | normal >"$T/quote"
		[ -e "$T/$page" ] || {
			mkdir -p "$T/$(dirname "$page")"
			normal <"$page" >"$T/$page"
		}
		grep -qF -e "$value" "$T/quote" || echo "row $line: '$value' is not in '$quote'"
		grep -qFf "$T/quote" "$T/$page" || echo "row $line: '$quote' is not in $page"
	done <"$T/rows"
}

# unlisted PAGE FILE: the bold numbers of a page that no row of FILE has as its value
unlisted() {
	rows "$2" | awk -F'\t' -v page="$1" '$4 == page { print $2 }' | sort >"$T/values"
	grep -o '\*\*[0-9][0-9.,]*\*\*' "$1" | tr -d '*,' | sort -u | grep -vxFf "$T/values"
}

is 'results.csv: each row is complete, and its quoted text is in its page' \
	"$(wrong pipelines/results.csv)" ''
is 'results.csv: has the documented columns' "$(head -n 1 pipelines/results.csv)" \
	figure,value,unit,file,quote,command,commit,processor,seed,date
ok 'results.csv: has rows of README.md, pipelines/README.md and three man pages' \
	[ "$(rows pipelines/results.csv | cut -f4 | sort -u | wc -l)" -ge 5 ]
is 'README.md: results.csv has a row for each bold number' \
	"$(unlisted README.md pipelines/results.csv)" ''

echo 'speed: **1,234** words, **5** tests' >"$T/page.md"
{
	echo figure,value,unit,file,quote,command,commit,processor,seed,date
	echo "speed,1234,words,$T/page.md,\"**1,234** words\",cmd,0123abc,cpu,,2026-01-01"
	echo "other,4,words,$T/page.md,**5** tests,cmd,0123abc,cpu,,2026-01-01"
	echo "absent,7,words,$T/page.md,**7** tests,cmd,0123abc,cpu,,2026-01-01"
	echo "short,5,words,$T/page.md,**5** tests,,0123abc,cpu,,"
} >"$T/wrong.csv"
is 'results.t: finds quotes that the page lacks, values that the quote lacks, and empty cells' \
	"$(wrong "$T/wrong.csv" | cut -d: -f1 | xargs)" 'row 3 row 4 row 5 row 5'
is 'results.t: finds numbers without a row' "$(sed 3,5d "$T/wrong.csv" >"$T/one.csv" && unlisted "$T/page.md" "$T/one.csv")" 5

done_testing
