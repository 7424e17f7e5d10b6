#!/bin/sh
# Each of the first allocations of a tool fails, one by one: the tool reports it and exits with 1,
# without a partial file.
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
			# A library may not need the memory: then the tool succeeds.
			[ $status -eq 0 ] && [ -e "$T/out" ] && continue
			# OpenBLAS and glib end the process themselves, before main.
			grep -q '^OpenBLAS\|^Allocating cleared memory failed' "$T/err" && continue
			if [ $status -ne 1 ] || [ "$(wc -l <"$T/err")" -ne 1 ] || [ -n "$(find "$T" -name '*.tmp')" ]; then
				bad=$((bad + 1))
				echo "# $call $n: status $status: $(cat "$T/err")"
			fi
		done
	done
	is "$name: each of $cases failing allocations is reported" $bad 0
}

most=25
[ -z "${KILLS:-}" ] || most=1000
short tok "$most" tok -q -w "$T/vocab.txt" "$T/stories.jsonl"
short 'tok -j 2' "$most" tok -q -j 2 -w "$T/vocab.txt" "$T/stories.jsonl"
short 'tok -d -w' "$most" tok -q -d -w "$T/vocab.txt" "$T/stories.tok"
short 'tok -d' "$most" tok -q -d "$T/stories.tok"
short 'tok -w' "$most" tok -q -w "$T/model" "$T/stories.jsonl"
short 'tok --learn' "$most" tok -q --learn 300 "$T/stories.jsonl"
short pack "$most" pack -q -T 60 --shuffle "$T/stories.tok"
short noise "$most" noise -q "$T/train.rows"
short fitsched "$most" fitsched -q "$T/loss.csv"
short denoise "$most" denoise -q -j 1 --steps 2 -n 2 -m "$T/model"
# shellcheck disable=SC2086
short train $most train -q $shape -n 2 "$T/train.noised"

# A limit of address space, under which OpenBLAS would retry to allocate its buffers forever.
limited() { # limited KIB COMMAND...
	(
		# shellcheck disable=SC3045
		ulimit -v "$1"
		shift
		timeout 60 "$@"
	) >"$T/log" 2>"$T/err"
}
bad=0
for kib in 50000 100000 150000 200000 250000 300000 400000 4000000; do
	rm -f "$T/out"
	limited $kib denoise -q -j 1 --steps 2 -n 2 -m "$T/model" -o "$T/out"
	status=$?
	[ $status -eq 0 ] && [ -e "$T/out" ] && continue
	# The loader and the start of OpenBLAS have messages of their own.
	[ $status -ne 124 ] && [ $status -ne 137 ] && [ ! -e "$T/out" ] && [ -s "$T/err" ] && [ $kib -lt 4000000 ] && continue
	bad=$((bad + 1))
	echo "# $kib KiB: status $status: $(cat "$T/err")"
done
is 'denoise: a limit of address space gives the rows or a message' $bad 0
limited 170000 denoise -q -j 1 --steps 2 -n 2 -m "$T/model" -o "$T/out"
is 'denoise: the out-of-memory message names what needs the memory' "$? $(sed 's/ need .*//' "$T/err")" \
	'1 denoise: out of memory: matrix products'
limited 170000 train --no-such-option
is 'train: the out-of-memory message comes before all others' "$? $(sed 's/ need .*//' "$T/err")" '1 train: out of memory: matrix products'

done_testing
