# Prints the mean cross-entropy by noise level, from the output of "denoise --loss": bins of 1/4 of
# ln t, each at the mean of its ln t.

BEGIN {
	FS = ","
	print "t,ce_nats"
}

NR > 1 && $3 != "" {
	# The sum is positive for all levels, so int() rounds down.
	bin = int(log($1) * 4 + 1000)
	t[bin] += log($1)
	ce[bin] += $3
	n[bin]++
}

END {
	for (bin = 0; bin < 2000; bin++)
		if (n[bin])
			printf "%.6g,%.6g\n", exp(t[bin] / n[bin]), ce[bin] / n[bin]
}
