#!/bin/sh
# The scripts of make bench, bench-growth and bench-threads, with the smallest settings: they write the
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
# Scaled to a step of 4 s: 0.5 s serial, 2 s in 64 parts and 1.5 s in 6 parts, 5 loops.
cat >"$T/x.1.1.profile" <<'END'
kernel,calls,seconds,regions,parts,serial_seconds
many,10,8,10,64.0,0
few,10,6,10,6.0,0
small,4,1,0,,1
elsewhere,1,1,0,,1
END
cp "$T/x.1.1.profile" "$T/x.2.1.profile"
sed 's/,8,/,80,/' "$T/x.1.1.profile" >"$T/x.1.2.profile"
printf '%s\n' step,seconds 1,5 2,9 3,15 4,20 >"$T/x.1.1.steps"
printf '%s\n' step,seconds 1,5 2,19 3,30 4,40 >"$T/x.1.2.steps"
printf '%s\n' step,seconds 1,5 2,7.5 3,11 4,15 >"$T/x.2.1.steps"
model() { # model OUTPUT
	awk -v output="$1" -v loop_us=100000 -v all=2 -v counts='1 4 8' -f tests/bench/threads.awk "$T"/x.*.profile "$T"/x.*.steps
}
is 'bench/threads.awk: predicts steps from the fastest one: serial time, work by thread, 2 of 6 parts and loops' \
	"$(model steps | tail -n +2 | tr '\n' ' ')" "x,measured,1,4.000000,1.000,,,,,5 x,measured,2,2.500000,1.600,,,,,5 \
x,predicted,1,4.000000,1.000,0.500000,3.500000,0.000000,0.000000,5 x,predicted,4,3.000000,1.333,0.500000,0.875000,0.125000,1.500000,5 \
x,predicted,8,4.500000,0.889,0.500000,0.437500,0.062500,3.500000,5 "
is 'bench/threads.awk: says which kernels have too few parts' \
	"$(model kernels | tail -n +4 | tr '\n' ' ')" 'x,4,many,64.0,0.0000 x,4,few,6.0,0.0417 x,8,many,64.0,0.0000 x,8,few,6.0,0.0139 '
printf '%s\n' '#!/bin/sh' 'printf "%s\n" what,unit,value "loop,us,2.5"' >"$T/machine"
PRESETS=tiny STEPS=1 RUNS=1 THREADS=2 COUNTS='1 2 64' MACHINE=$T/machine OUT=$T/threads tests/bench/threads >"$T/all" 2>"$T/err"
is 'bench/threads: prints no messages' "$(cat "$T/err")" ''
ok 'bench/threads: training of tiny is bounded by 64 threads, and its loops take 63 times those of 2' awk -F, '
	$2 == "predicted" { n++; speed[$3] = $5; waiting = $9; regions = $10 }
	END { exit !(n == 3 && speed[1] > 0.99 && speed[1] < 1.01 && speed[2] > 1.5 && speed[2] <= 2 && speed[64] < 64 &&
		regions > 300 && waiting > 63 * 2.5e-6 * regions * 0.99 && waiting < 63 * 2.5e-6 * (regions + 1)) }' \
	"$T/threads/steps.csv"
ok 'bench/threads: prints a table of predictions' grep -q '^  tiny  *64 .*%$' "$T/all"
ok 'bench/threads: says that it predicts' grep -q '^Predicted beyond 2 threads' "$T/all"
ok 'bench/threads: draws the speeds' test -s "$T/threads/speedup.png"
fails 'bench/threads: refuses one processor' 2 'at least 2' env THREADS=1 tests/bench/threads
fails 'bench/threads: refuses an unknown preset' 2 'known are tiny' env PRESETS=nothing THREADS=2 OUT="$T/none" tests/bench/threads
fails 'bench/torch-root: requires a directory' 2 'usage: torch-root DIR' tests/bench/torch-root
fails 'bench/steps: refuses an unknown shape' 2 'known are base' env SHAPES=nothing tests/bench/steps

done_testing
