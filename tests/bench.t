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
fails 'bench/steps: refuses an unknown shape' 2 'known are base' env SHAPES=nothing tests/bench/steps

done_testing
