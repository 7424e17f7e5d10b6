#!/bin/sh
# Each of the first allocations of a tool fails, one by one: it says so and ends with status 1, and
# leaves no half of a file.
. tests/lib.sh
. tests/torture/sample

faults=$(cd "${BUILD:-build}" && pwd)/faults.so
[ -e "$faults" ] || skip_all 'no faults.so: make builds it'
[ -z "${SAN:-}" ] || skip_all 'sanitizers do not let others load first'
tiny "$T/model" -n 24 --loss-log "$T/loss.csv"

# short NAME MOST COMMAND...: -o $T/out is added
short() {
	name=$1 most=$2 cases=0 bad=0
	shift 2
	for call in calloc realloc; do
		n=0
		while [ $n -lt "$most" ]; do
			n=$((n + 1))
			rm -f "$T/mark" "$T"/out*
			FAULT=$call:ENOMEM:$n FAULT_MARK=$T/mark LD_PRELOAD=$faults "$@" -o "$T/out" >/dev/null 2>"$T/err"
			status=$?
			[ -e "$T/mark" ] || break
			cases=$((cases + 1))
			# A library may do without: then all is well.
			[ $status -eq 0 ] && [ -e "$T/out" ] && continue
			# OpenBLAS and glib end the process themselves, before the tool has begun.
			grep -q '^OpenBLAS\|^Allocating cleared memory failed' "$T/err" && continue
			if [ $status -ne 1 ] || [ "$(wc -l <"$T/err")" -ne 1 ] || [ -n "$(find "$T" -name 'out*.tmp')" ]; then
				bad=$((bad + 1))
				echo "# $call $n: status $status: $(cat "$T/err")"
			fi
		done
	done
	is "$name: $cases allocations that fail" $bad 0
}

most=25
[ -z "${KILLS:-}" ] || most=1000
short tok "$most" tok -q -w "$T/vocab.txt" "$T/stories.jsonl"
short 'tok -j 2' "$most" tok -q -j 2 -w "$T/vocab.txt" "$T/stories.jsonl"
short 'tok -d' "$most" tok -q -d -w "$T/vocab.txt" "$T/stories.tok"
short 'tok --learn' "$most" tok -q --learn 300 "$T/stories.jsonl"
short pack "$most" pack -q -T 60 --shuffle "$T/stories.tok"
short noise "$most" noise -q "$T/train.rows"
short fitsched "$most" fitsched -q "$T/loss.csv"
short denoise "$most" denoise -q -j 1 -N 2 -n 2 -m "$T/model"
# shellcheck disable=SC2086
short train $most train -q $shape -n 2 "$T/train.noised"

done_testing
