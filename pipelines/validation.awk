# Prints the mean of each validation in a loss log of train, in the order of the log.

BEGIN {
	FS = ","
	print "step,held_out_nats"
}

$4 == "valid" && $3 != "" {
	if (!n[$1]++)
		step[++steps] = $1
	sum[$1] += $3
}

END {
	for (i = 1; i <= steps; i++)
		printf "%d,%.6g\n", step[i], sum[step[i]] / n[step[i]]
}
