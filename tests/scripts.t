#!/bin/sh
# No script gives shellcheck anything to say, and no assertion is true whatever happens.
. tests/lib.sh

# idle FILE...: print assertions that are always true: on the status of an awk without exit, on that of
# a command that always succeeds, or on the negated status of grep or cmp, which is 2 without a file
idle() {
	awk '
		FNR == 1 { statement = "" }
		{
			statement = statement $0
			gsub(/\047\\\047\047/, "", statement)
			quotes = gsub(/\047/, "&", statement)
			if (quotes % 2 || sub(/\\$/, " ", statement))
				next
			if (statement ~ /^[ \t]*(not_)?ok ("[^"]*"|\047[^\047]*\047)[ \t]+(awk|sh -c .*[|] *awk [^|;&]*$)/ && statement !~ /exit/ ||
				statement ~ /^[ \t]*ok ("[^"]*"|\047[^\047]*\047)[ \t]+(true|:|sh -c .*([|][|]|;) *(true|:)["\047]?$)/ ||
				statement ~ /^[ \t]*(not_)?ok .* sh -c ["\047]! *(grep|cmp) /)
				print FILENAME ":" FNR ": " statement
			statement = ""
		}' "$@"
}

idle tests/*.t >"$T/idle"
is 'tests: no assertion of a script is true whatever happens' "$(cat "$T/idle")" ''
sed 's/^| //' >"$T/idle.t" <<'END'
| ok 'no status' awk -F, '$1 == 2' file
| not_ok "no status over two lines" \
| 	awk '$1 == 2' file
| ok 'no status over two lines in quotes' awk '
| 	$1 == 2' file
| ok 'no status at the end of a pipe' sh -c "cat file | awk '{ print }'"
| ok 'never fails' true
| ok 'never fails either' sh -c 'false || true'
| ok 'no file' sh -c "! grep -q x nowhere"
| ok 'a status' awk '$1 == 2 { n++ } END { exit !n }' file
| is 'what awk prints' "$(awk '{ print }' file)" x
| ok 'awk, and then a status' sh -c "awk '{ print }' file | grep x"
END
is 'tests: assertions that are always true are found' "$(idle "$T/idle.t" | cut -d: -f2 | xargs)" '1 3 5 6 7 8 9'

# unreadable MAKEFILE...: lines wider than 100 columns, and awk programs in recipes
unreadable() {
	awk '
		{ line = $0; gsub(/\t/, "        ", line) }
		length(line) > 100 { print FILENAME ":" FNR ": " length(line) " columns" }
		/awk [^|]*\047[^\047]*[{]/ { print FILENAME ":" FNR ": an awk program" }' "$@"
}

is 'makefiles: no line is wider than 100 columns, and no recipe contains an awk program' \
	"$(unreadable Makefile config.mk tests/*.mk tests/bench/*.mk pipelines/*.mk)" ''
printf '\t@awk -F, '"'"'NR == 2 { print }'"'"' $<\n\tawk -v a='"'"'b c'"'"' -f d.awk\n\t%093d\n' 1 >"$T/wide.mk"
is 'makefiles: wide lines and awk programs are found' "$(unreadable "$T/wide.mk" | cut -d: -f2 | xargs)" '1 3'

if ! command -v shellcheck >/dev/null; then
	skip 'scripts: shellcheck accepts all scripts' 'no shellcheck here'
	done_testing
	exit
fi

for script in .ci/* pipelines/* pipelines/slurm/* tests/*.t tests/lib.sh tests/arm tests/browser tests/emulated tests/bench/* tests/fuzz/* tests/mutants/* tests/torture/*; do
	[ -f "$script" ] || continue
	case $(head -n 1 "$script" | tr -d '\0') in
	'#!/bin/sh' | '#!/bin/bash' | '#!/usr/bin/env bash' | '# shellcheck shell=sh')
		ok "scripts: shellcheck accepts $script" shellcheck -x "$script"
		;;
	esac
done

done_testing
