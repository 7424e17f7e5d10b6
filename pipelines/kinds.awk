# Computes mean and standard deviation over the seeds of the most important measures, from a table
# of runs named KIND.SEED. `runs` names the rows.

BEGIN {
	n = split(runs, r, " ")
	for (i = 1; i <= n; i++)
		run[r[i]] = 1
	m = split("held_out_nats ce_nats word_nats entropy_nats grammatical consistent", column, " ")
}

NR == 1 {
	for (i = 1; i <= NF; i++)
		at[$i] = i
}

$1 in run {
	kind = $1
	sub(/\.[^.]*$/, "", kind)
	if (!seeds[kind]++)
		kinds[++k] = kind
	# Sums are relative to the first seed: squares of the values would lose the digits of a
	# small deviation.
	for (i = 1; i <= m; i++) {
		if (seeds[kind] == 1)
			first[kind, i] = $at[column[i]]
		x = $at[column[i]] - first[kind, i]
		sum[kind, i] += x
		squares[kind, i] += x * x
	}
}

END {
	printf "kind,seeds"
	for (i = 1; i <= m; i++)
		printf ",%s,%s_sd", column[i], column[i]
	print ""
	for (j = 1; j <= k; j++) {
		kind = kinds[j]
		s = seeds[kind]
		printf "%s,%d", kind, s
		for (i = 1; i <= m; i++) {
			mean = sum[kind, i] / s
			printf ",%.6g,", first[kind, i] + mean
			if (s == 1)
				continue
			variance = (squares[kind, i] - s * mean * mean) / (s - 1)
			if (variance < 0)
				variance = 0
			printf "%.2g", sqrt(variance)
		}
		print ""
	}
}
