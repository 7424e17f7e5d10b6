#!/bin/sh
# The cost model of many nodes gives plausible predictions for given constants; and its pipeline, with
# the smallest settings, measures and predicts.
# shellcheck disable=SC2016 # awk programs
. tests/lib.sh

cat >"$T/models.csv" <<'END'
model,layers,width,embed,words,row_len,parameters,operations,token_s,fixed_s,update_s
even,12,768,128,8000,128,94895760,6.43e8,1e-3,0,0
real,12,768,128,8000,128,94895760,6.43e8,1e-3,0.1,0.2
END

predict() { # predict GBIT LATENCY_US FILE
	awk -v mode=predict -v gbit="$1" -v latency_us="$2" -v speeds='1 16' -v batch=512 -v rows=32 \
		-v most=64 -v bucket=4194304 -f pipelines/scale.awk "$T/models.csv" >"$3"
}

# all DESCRIPTION FILE CONDITION: the condition, of awk, holds for every row
all() {
	awk -F, -v OFS=, 'NR > 1 {
		m = $1; scaling = $2; gbit = $3; speed = $4; wire = $5; shard = $6; sums = $7
		progress = $8; n = $9; step = $11; comm = $12; wired = $13; hidden = $14; efficiency = $16
		P = 94895760; log2 = int(log(n) / log(2) + 0.5); rows++
		if (!('"$3"')) print
	}
	# Figures are printed to six digits.
	function near(a, b) { return (a > b ? a - b : b - a) <= 2e-5 * (b > 0 ? b : -b) }
	END { if (!rows) print "no rows" }' "$2" >"$T/wrong"
	ok "scale.awk: $1" sh -c "head -n 4 '$T/wrong'; test ! -s '$T/wrong'"
}

predict '1 10' 0 "$T/bytes.csv"
is 'scale.awk: writes a row for each combination' "$(awk 'END { print NR - 1 }' "$T/bytes.csv")" $((2 * 2 * 2 * 2 * 6 * 2 * 7))
all 'one node has efficiency 1 and no communication' "$T/bytes.csv" 'n > 1 || (efficiency == 1 && comm == 0)'
all 'more nodes are not more efficient than one, unless they shard the optimiser' "$T/bytes.csv" \
	'efficiency > 0 && (efficiency <= 1 || shard == "on")'
all 'a ring of floats sends 2 (N - 1) / N of the gradient' "$T/bytes.csv" \
	'sums != "ring" || near(wired, 2 * (n - 1) / n * 4 * P * 8 / (gbit * 1e9))'
all 'a ring of bf16 sends half of the bytes of floats; sharding sends the weights as floats' "$T/bytes.csv" \
	'sums != "swap" || near(wired, (shard == "on" ? 1.5 : 1) * (n - 1) / n * 4 * P * 8 / (gbit * 1e9))'
all 'a tree sends the whole gradient up and down each level' "$T/bytes.csv" \
	'sums != "tree" || shard == "on" || near(wired, 2 * log2 * 4 * P * 8 / (gbit * 1e9))'
all 'hidden communication is not waited for, and fits into the backward pass' "$T/bytes.csv" \
	'n == 1 || (near(wired, comm + hidden) && hidden <= 2 / 3.5 * step)'

predict inf 0 "$T/inf.csv"
all 'with infinite bandwidth there is no waiting' "$T/inf.csv" 'comm < 1e-15'
all 'with infinite bandwidth the efficiency is 1, except for work that every node does' "$T/inf.csv" \
	'efficiency == 1 || (m == "real" && (scaling == "strong" || shard == "on"))'

# 37 buckets and the last one
predict inf 25 "$T/latency.csv"
all 'latency counts for every message of every bucket and of small sums' "$T/latency.csv" \
	'sums != "ring" || shard == "on" || near(wired, 25e-6 * (38 * 2 * (n - 1) + 6 * log2))'
predict 10 25 "$T/both.csv"
all 'the times of bytes and of latency add up' "$T/both.csv" 'sums != "ring" || shard == "on" || near(wired,
	2 * (n - 1) / n * 4 * P * 8 / (gbit * 1e9) + 25e-6 * (38 * 2 * (n - 1) + 6 * log2))'
awk -F, 'NR > 1 { key = $1; for (i = 2; i <= 9; i++) if (i != 8) key = key "," $i
	if ($8 == "calls") calls[key] = $14; else if ($14 < calls[key]) print key }' "$T/both.csv" >"$T/wrong"
ok 'scale.awk: messages that need calls overlap no better than free ones' [ ! -s "$T/wrong" ]
awk -F, -v wanted=real,strong,16,free -f pipelines/efficiency.awk "$T/both.csv" >"$T/table"
is 'efficiency.awk: writes a table of efficiencies' "$(wc -l <"$T/table" | tr -d ' ') $(awk '{ print NF }' "$T/table" | sort -u | tr '\n' ' ')" '7 12 8 '

# Two processes: an empty bucket in 8 messages, and 8 bytes per parameter at 1e9 bytes per second
cat >"$T/calls.csv" <<'END'
what,step_s,comm_s
latency,1,0.00008
bytes,1,0.75998608
END
awk -v mode=machine -v model=even -v whole=even -v batch=8 -v sums=tree -v bucket=4194304 -f pipelines/scale.awk \
	"$T/models.csv" "$T/calls.csv" >"$T/machine.csv"
is 'scale.awk: computes latency and bandwidth of this machine from two runs' "$(tail -n 1 "$T/machine.csv")" '1,1e-05,1e+09'

# --- the pipeline

MPIRUN=${MPIRUN:-$(echo "${MPICC:-mpicc}" | sed 's/mpicc/mpirun/')}
for_mpi

scale() {
	# Without the options of a calling make.
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/scale.mk BIN="$BIN" OUT="$T/out" \
		MPIRUN="$MPIRUN" STEPS=2 RANK_STEPS=2 T=16 MODELS=tiny RANK_MODEL=tiny RANK_ROWS=4 SHOWN=tiny \
		EQUAL_ROWS=66 RUNS='1-float-off 2-float-off 2-bf16-on' "$@"
}

ok 'scale.mk: predicts without MPI' scale MPIRUN=/nowhere/mpirun predict
for picture in strong weak; do
	is "scale.mk: $picture.png is a PNG" "$(head -c 8 "$T/out/$picture.png" | od -An -tx1 | tr -d ' ')" 89504e470d0a1a0a
done
if [ ! -x "${BIN%/*}/mpi/train" ]; then
	scale MPIRUN=/nowhere/mpirun >"$T/said" 2>&1
	ok 'scale.mk: reports a missing mpirun' grep -q '^scale.mk: no /nowhere/mpirun here' "$T/said"
fi
if ! command -v "$MPIRUN" >/dev/null || [ ! -x "${BIN%/*}/mpi/train" ]; then
	skip 'scale.mk: measures several processes' 'no MPI here'
else
	ok 'scale.mk: measures several processes' scale
	is 'scale.mk: writes measured values beside predicted ones' "$(cut -d, -f1-3 "$T/out/compare.csv" | tr '\n' ' ')" \
		'ranks,wire,shard 1,float,off 2,float,off 2,bf16,on '
	ok 'scale.mk: 5 steps have the same losses, with sums in another order' awk -F, 'NR > 1 {
		n += $4 == 5; bad += $5 > ($2 == "bf16" ? 0.03 : 1e-5) } END { exit !(n == 3 && !bad) }' \
		"$T/out/equality.csv"
	ok 'scale.mk: does nothing if all is up to date' scale -q "$T/out/compare.csv" "$T/out/equality.csv" "$T/out/weak.png"
fi

done_testing
