#!/bin/sh
# fitsched: schedules fitted to the losses of train, their history, and their curves.
. tests/lib.sh
fitsched=$BIN/fitsched

# observations FAMILY: a training log of 60 steps of 64 rows. The curve moves in its second half;
# noise is uniform, one row in fifty is an outlier, every ninth row belongs to another split.
observations() {
	awk -v family="$1" '
	function random() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
	BEGIN {
		seed = 20; pi = atan2(0, -1)
		print "step,t,ce_nats,split"
		for (step = 1; step <= 60; step++) for (i = 0; i < 64; i++) {
			t = exp(log(1) + random() * log(288)); move = step > 30 ? 2 : 1
			if (family == "cauchy") f = 6 * (atan2(t - 6 * move, 3) / pi + 0.5) - 0.4
			if (family == "logistic") f = 5 / (1 + exp(-2.5 * log(t / 8 / move))) + 0.2
			if (family == "frechet") f = 5.5 * exp(-exp(-1.4 * log(t / 7 / move))) + 0.1
			f += random() - 0.5; if (random() < 0.02) f += 12
			valid = (step * 64 + i) % 9 == 0
			printf "%d,%.9g,%.9g,%s\n", step, t, valid ? 100 : f, valid ? "valid" : "train"
		}
	}'
}

# value COLUMN [FILE]: of the last row
value() {
	awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } END { print $at[name] }' \
		"$2"
}

# near GOT WANTED TOLERANCE
near() {
	awk -v a="$1" -v b="$2" -v tolerance="$3" \
		'BEGIN { d = a - b; exit !(a != "" && d < tolerance && d > -tolerance) }'
}

for f in cauchy logistic frechet; do
	observations $f >"$T/$f.csv"
done

# One fit

ok 'fitsched: --help succeeds' "$fitsched" --help
ok 'fitsched: fits a log' "$fitsched" -q --embed 256 --window 1600 -o "$T/sched.csv" "$T/cauchy.csv"
is 'fitsched: writes the columns of cdcd-csv(5)' "$(head -n 1 "$T/sched.csv")" \
	step,family,p1,p2,p3,p4,t_min,t_max,rmse_nats,knots
is 'fitsched: writes one row by default' "$(wc -l <"$T/sched.csv" | tr -d ' ')" 2
is 'fitsched: writes the step of the last row of the log' "$(value step "$T/sched.csv")" 60
ok 'fitsched: --window leaves out older rows, so mu is 12' near "$(value p1 "$T/sched.csv")" 12 0.5
ok 'fitsched: the fitted s is 3' near "$(value p2 "$T/sched.csv")" 3 0.4
ok 'fitsched: the fitted h is 6' near "$(value p3 "$T/sched.csv")" 6 0.2
ok 'fitsched: the fitted o is -0.4' near "$(value p4 "$T/sched.csv")" -0.4 0.2
is 'fitsched: --embed sets t_min to sqrt(d) / 16' "$(value t_min "$T/sched.csv")" 1
is 'fitsched: --embed sets t_max to 18 sqrt(d)' "$(value t_max "$T/sched.csv")" 288
"$fitsched" -q --embed 256 --window 1600 <"$T/cauchy.csv" >"$T/again.csv"
ok 'fitsched: a pipe gives the bytes that files give' cmp "$T/sched.csv" "$T/again.csv"
"$fitsched" -q --t-min 2 --t-max 200 "$T/cauchy.csv" >"$T/again.csv"
is 'fitsched: --t-min sets t_min' "$(value t_min "$T/again.csv")" 2
is 'fitsched: --t-max sets t_max' "$(value t_max "$T/again.csv")" 200
"$fitsched" -q --split valid --t-min 1 "$T/cauchy.csv" >"$T/out" 2>"$T/err"
is 'fitsched: --split selects other rows' "$?" 1
"$fitsched" -q "$T/cauchy.csv" >"$T/again.csv"
is 'fitsched: t_min is the smallest t of the log by default' "$(value t_min "$T/again.csv")" \
	"$(awk -F, '$4 == "train" { print $2 }' "$T/cauchy.csv" | sort -g | head -n 1 |
		awk '{ printf "%.17g", $1 }')"
cut -d, -f2,3 "$T/cauchy.csv" | awk -F, '$2 != 100' >"$T/bare.csv"
ok 'fitsched: columns step and split may be missing' "$fitsched" -q -o "$T/bare.sched" "$T/bare.csv"
is 'fitsched: a log without a column step gives an empty step' "$(sed -n 2p "$T/bare.sched" | cut -c 1-7)" ',cauchy'
is 'fitsched: the fit is the same without columns step and split' "$(sed -n 2p "$T/bare.sched")" "$(sed -n 's/^60,/,/p' "$T/again.csv")"

# Families

for f in cauchy logistic frechet; do
	"$fitsched" --schedule all --window 1600 --embed 256 "$T/$f.csv" >"$T/all.csv" 2>"$T/err"
	is "fitsched: --schedule all on $f data writes a row for each family" "$(sed 1d "$T/all.csv" | cut -d, -f2 | sort | tr '\n' ' ')" \
		'cauchy frechet logistic piecewise uniform '
	is "fitsched: --schedule all on $f data puts $f last of the families with parameters" \
		"$(sed 1d "$T/all.csv" | cut -d, -f2 | grep -v piecewise | tail -n 1)" $f
	is "fitsched: --schedule all on $f data sorts by decreasing misfit" \
		"$(sed -n 's/.*misfit \(.*\) nats/\1/p' "$T/err" | sort -gr)" \
		"$(sed -n 's/.*misfit \(.*\) nats/\1/p' "$T/err")"
	is "fitsched: --schedule all on $f data prints rmse and misfit" "$(grep -Ec \
		'^fitsched: step 60: [a-z]*: 1600 rows, rmse [0-9.]* nats, misfit [0-9.]* nats$' "$T/err")" 5
done
is 'fitsched: -q prints no messages' "$("$fitsched" -q --schedule all "$T/frechet.csv" 2>&1 >"$T/out")" ''
"$fitsched" -q --schedule piecewise "$T/cauchy.csv" >"$T/knots.csv"
is 'fitsched: a piecewise schedule has 101 knots' "$(value knots "$T/knots.csv" | wc -w | tr -d ' ')" 101
"$fitsched" -v --schedule logistic "$T/cauchy.csv" 2>"$T/err" >"$T/out"
ok 'fitsched: -v prints time and memory' grep -q 's wall, .* MiB peak' "$T/err"

# History

"$fitsched" -q --every 10 --window 500 --embed 256 "$T/cauchy.csv" >"$T/history.csv"
is 'fitsched: --every writes a row for each refit' "$(sed 1d "$T/history.csv" | cut -d, -f1 | tr '\n' ' ')" '10 20 30 40 50 60 '
ok 'fitsched: --every fits the first mu to the first half of the log' near "$(sed -n 3p "$T/history.csv" | cut -d, -f3)" 6 0.7
ok 'fitsched: --every fits the last mu to the second half of the log' near "$(value p1 "$T/history.csv")" 12 1
"$fitsched" --every 7 --schedule all --embed 256 "$T/cauchy.csv" 2>"$T/err" >"$T/out"
is 'fitsched: --every also fits at the last step' "$(value step "$T/out")" 60
head -n 12 "$T/cauchy.csv" >"$T/part.csv"
sed 1d "$T/cauchy.csv" | awk -F, '$1 > 20' >>"$T/part.csv"
"$fitsched" --every 10 --window 800 "$T/part.csv" 2>"$T/err" >"$T/out"
is 'fitsched: --every reports a refit that fails, and writes the others' "$(sed 1d "$T/out" | cut -d, -f1 | tr '\n' ' ')$(
	grep -c 'step 1: cauchy: .* at least 16 are needed' "$T/err")" '30 40 50 60 1'

# Curves

for f in uniform cauchy logistic frechet piecewise; do
	"$fitsched" -q --schedule $f --embed 256 "$T/cauchy.csv" >"$T/one.csv"
	"$fitsched" --curve --points 20000 "$T/one.csv" >"$T/curve.csv"
	is "fitsched --curve, $f: writes the columns of cdcd-csv(5)" "$(head -n 1 "$T/curve.csv")" step,family,t,f_nats,density
	is "fitsched --curve, $f: F never decreases from t_min to t_max, and the density integrates to 1" "$(awk -F, '
		NR == 2 { first = $3 } NR > 2 { sum += ($3 - t) * ($5 + d) / 2; falls += $4 < f }
		{ t = $3; f = $4; d = $5 } END { printf "%g %g %d %.2f", first, t, falls, sum }' \
		"$T/curve.csv")" '1 288 0 1.00'
done
"$fitsched" --curve "$T/history.csv" >"$T/curve.csv"
is 'fitsched --curve: draws the schedule of the last row' "$(sed 1d "$T/curve.csv" | cut -d, -f1 | sort -u)" 60
is 'fitsched --curve: writes 200 points by default' "$(sed 1d "$T/curve.csv" | wc -l | tr -d ' ')" 200
"$fitsched" --curve --history --points 2 "$T/history.csv" >"$T/curve.csv"
is 'fitsched --curve: --history draws every row' "$(sed 1d "$T/curve.csv" | cut -d, -f1 | tr '\n' ' ')" \
	'10 10 20 20 30 30 40 40 50 50 60 60 '

# Bad input

fails 'fitsched: reports a missing file' 1 'nonesuch: No such file' "$fitsched" "$T/nonesuch"
: >"$T/empty"
fails 'fitsched: refuses an empty file' 1 'empty' "$fitsched" "$T/empty"
echo step,t,ce_nats,split >"$T/header.csv"
fails 'fitsched: refuses a log without rows' 1 'no row of split train' "$fitsched" "$T/header.csv"
fails 'fitsched: reports a split without rows' 1 'no row of split test' "$fitsched" --split test "$T/cauchy.csv"
fails 'fitsched: reports a missing column' 1 "history.csv: no column 't'" "$fitsched" "$T/history.csv"
fails 'fitsched: --every requires a column step' 1 'step' "$fitsched" --every 5 "$T/bare.csv"
fails 'fitsched: --split requires a column split' 1 'split' "$fitsched" --split train "$T/bare.csv"
head -n 10 "$T/cauchy.csv" >"$T/few.csv"
fails 'fitsched: refuses too few rows' 1 'few.csv: no schedule could be fitted: cauchy: . observations: at least 16' \
	"$fitsched" "$T/few.csv"
{ cat "$T/cauchy.csv" && echo '61,1,many,train'; } >"$T/word.csv"
fails 'fitsched: refuses a word instead of a number' 1 'word.csv.*3842.*many' "$fitsched" "$T/word.csv"
{ cat "$T/cauchy.csv" && echo '61,-1,2,train' && echo '61,nan,2,train' && echo '61,2,,train'; } >"$T/odd.csv"
"$fitsched" "$T/odd.csv" 2>"$T/err" >"$T/out"
ok 'fitsched: counts rows without usable numbers' grep -q ': ignored 3 rows without a finite ce_nats or a finite t above 0' "$T/err"
"$fitsched" -q "$T/cauchy.csv" >"$T/again.csv"
is 'fitsched: rows without usable numbers do not change the fit' "$(cut -d, -f2- "$T/out")" "$(cut -d, -f2- "$T/again.csv")"
printf '61,1' | cat "$T/cauchy.csv" - >"$T/cut.csv"
fails 'fitsched: refuses a truncated row' 1 'cut.csv' "$fitsched" "$T/cut.csv"
fails 'fitsched --curve: refuses a file that is not a schedule' 1 'family' "$fitsched" --curve "$T/cauchy.csv"
head -n 1 "$T/history.csv" >"$T/none.csv"
fails 'fitsched --curve: refuses a file without a schedule' 1 'none.csv: contains no schedule' "$fitsched" --curve "$T/none.csv"
sed 's/cauchy/gauss/' "$T/sched.csv" >"$T/bad.csv"
fails 'fitsched --curve: refuses an unknown family' 1 "bad.csv: line 2: family: unknown family 'gauss'" \
	"$fitsched" --curve "$T/bad.csv"
fails 'fitsched: reports a full disk' 1 '/dev/full' "$fitsched" -q -o /dev/full "$T/cauchy.csv"
echo precious >"$T/kept"
"$fitsched" -q -o "$T/kept" "$T/few.csv" 2>"$T/err"
is 'fitsched: a failure leaves the old file' "$(cat "$T/kept")" precious
is 'fitsched: a failure leaves no temporary file' "$(find "$T" -name '*.tmp')" ''
fails 'fitsched: refuses an unknown schedule' 2 'schedule: unknown value' "$fitsched" --schedule gauss "$T/cauchy.csv"
fails 'fitsched: refuses two operands' 2 'operand' "$fitsched" a b
fails 'fitsched: --history requires --curve' 2 'history' "$fitsched" --history "$T/cauchy.csv"
fails 'fitsched: --points requires --curve' 2 'points' "$fitsched" --points 3 "$T/cauchy.csv"
fails 'fitsched: refuses --curve with --every' 2 'every' "$fitsched" --curve --every 3 "$T/cauchy.csv"
fails 'fitsched: refuses a --t-max below --t-min' 2 't-min' "$fitsched" --t-min 3 --t-max 2 "$T/cauchy.csv"
fails 'fitsched: --window refuses a word' 2 'window' "$fitsched" --window ten "$T/cauchy.csv"
fails 'fitsched: the message about -w names --window' 2 'fitsched: -w: is now --window' "$fitsched" -w 9 "$T/cauchy.csv"
fails 'fitsched: the message about -d names --embed' 2 'fitsched: -d: is now --embed' "$fitsched" -d 9 "$T/cauchy.csv"
fails 'fitsched: the message about --dim names --embed' 2 'fitsched: --dim: is now --embed' "$fitsched" --dim 9 "$T/cauchy.csv"
fails 'fitsched: the message about --family names --schedule' 2 'fitsched: --family: is now --schedule' \
	"$fitsched" --family all "$T/cauchy.csv"
done_testing
