# Shared by the measurements of train: rows of random words, and a run that is timed step by step.
# From the environment: BIN, THREADS, PROFILE, as tests/bench/steps says.
# shellcheck shell=sh
set -eu

BIN=${BIN:-build/bin}
threads=${THREADS:-$(getconf _NPROCESSORS_ONLN)}
LC_ALL=C
export LC_ALL
T=$(mktemp -d "${TMPDIR:-/tmp}/cdcd-bench.XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 1' INT TERM HUP

# The precisions that this processor has.
precisions=fp32
"$BIN/train" --precision bf16 -n 1 -o "$T/none" /dev/null 2>&1 | grep -q 'precision bf16' ||
	precisions='fp32 bf16'

# rows WORDS LENGTH N FILE: N noised rows of random words out of WORDS
rows() {
	awk -v n="$1" 'BEGIN { print "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]"; for (i = 5; i < n; i++) print "w" i }' \
		>"$T/vocab"
	awk -v words="$1" -v length_="$2" -v n="$3" 'BEGIN {
		srand(1)
		for (w = 5; w < words; w++)
			printf "w%d%s", w, (w - 4) % (length_ - 2) ? " " : "\n"
		print ""
		for (i = 0; i < n; i++)
			for (j = 2; j < length_; j++)
				printf "w%d%s", 5 + int(rand() * (words - 5)), j + 1 < length_ ? " " : "\n"
	}' | "$BIN/tok" -q --lines -w "$T/vocab" | "$BIN/pack" -q -T "$2" | "$BIN/noise" -q >"$4"
}

# train_at NAME PRECISION STEPS OPTIONS...: a row; the options set the whole shape. The optimiser is
# that of the PyTorch model, which has no copy attention either.
train_at() {
	name=$1
	precision=$2
	n=$3
	shift 3
	operations=$("$BIN/train" --dry-run --copy-heads 0 --optimizer adamw "$@" "$T/rows" |
		sed -n 's/^operations: \([^ ]*\).*/\1/p')
	"$BIN/train" -q -f -n $((n + 1)) -j "$threads" --precision "$precision" --refit-every 0 --copy-heads 0 \
		--optimizer adamw -l "$T/steps.csv" -o "$T/$name" ${PROFILE:+--profile "$PROFILE/$name-$precision.csv"} \
		"$@" "$T/rows" >/dev/null
	awk -F, -v name="$name" -v precision="$precision" -v threads="$threads" '
		NR == 2 { rows = $2 }
		NR > 2 { v[NR - 3] = $3 - last }
		{ last = $3; rss = $8 }
		END {
			n = NR - 2
			for (i = 1; i < n; i++)
				for (j = i; j > 0 && v[j - 1] > v[j]; j--) {
					t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
				}
			median = (v[int((n - 1) / 2)] + v[int(n / 2)]) / 2
			printf "%s,%s,train,%.1f,%.0f,%d,%s\n", name, precision, rows * length_ / median, rss,
				threads, operations
		}' length_="$length" operations="$operations" "$T/steps.csv"
}

# shape WORDS LENGTH BATCH STEPS
shape() {
	length=$2
	rows "$1" "$2" $(($3 * ($4 + 2))) "$T/rows"
}
