#!/bin/sh
# The scripts of make bench and make bench-growth, with the smallest settings: they write the
# documented rows.
# shellcheck disable=SC2016 # awk programs
. tests/lib.sh

export BIN
STEPS=1 SHAPES=tiny PROFILE=$T tests/bench/steps >"$T/steps.csv" 2>"$T/err"
is 'bench/steps: prints no messages' "$(cat "$T/err")" ''
is 'bench/steps: writes a header' "$(head -n 1 "$T/steps.csv")" \
	name,precision,phase,tokens_per_s,peak_rss_mib,threads,operations_per_token
ok 'bench/steps: writes a row of numbers for each precision' awk -F, '
	NR > 1 { n++; bad += $1 != "tiny" || $3 != "train" || $4 <= 0 || $5 <= 0 || $7 < 1e6 }
	END { exit !(n >= 1 && !bad) }' "$T/steps.csv"
ok 'bench/steps: writes the profile of each run' test -s "$T/tiny-fp32.csv"
STEPS=1 QUICK=1 AXES=layers tests/bench/growth >"$T/growth.csv" 2>"$T/err"
is 'bench/growth: prints no messages' "$(cat "$T/err")" ''
ok 'bench/growth: writes two values in two precisions, and twice the layers need more operations' awk -F, '
	NR > 1 { n++; operations[$2] = $7 }
	END { exit !(n == 4 && operations[2] > 1.3 * operations[1]) }' "$T/growth.csv"
printf '%s\n' '#!/bin/sh' 'printf "%s\\n" what,unit,value "fp32 products,GFLOP/s,100" "bf16 products,GFLOP/s,200" "copy,GB/s,10"' >"$T/machine"
chmod +x "$T/machine"
STEPS=1 SHAPES=tiny THREADS=1 MACHINE=$T/machine OUT=$T/bench PYTHON=/nowhere tests/bench/all >"$T/all" 2>"$T/err"
is 'bench/all: prints no messages' "$(cat "$T/err")" ''
ok 'bench/all: ends with a table of the shapes, after the kernels' awk '
	/^Kernels of tiny/ { kernels = NR } /^ +tiny +fp32 +train/ { table = NR }
	END { exit !(kernels && table > kernels) }' "$T/all"
ok 'bench/all: the share of the peak is the rate of operations over the peak' awk -F, '
	FNR == 1 { next }
	FILENAME ~ /steps/ { rate[$2] = 1e-9 * $4 * $7 / ($2 == "fp32" ? 100 : 200); next }
	{ n++; split($2, who, " "); bad += who[1] != "cdcd" || ($4 - rate[who[2]]) ^ 2 > 1e-7 }
	END { exit !(n >= 1 && !bad) }' "$T/bench/steps.csv" "$T/bench/shares.csv"
ok 'bench/all: draws the shares of the peak' test -s "$T/bench/shares.png"
fails 'bench/torch-root: requires a directory' 2 'usage: torch-root DIR' tests/bench/torch-root
fails 'bench/steps: refuses an unknown shape' 2 'known are base' env SHAPES=nothing tests/bench/steps

done_testing
