# Prints the mean of a column of a CSV file, as a CSV file with one row; empty cells do not count.
#
# column  name of the column
# name    its name in the output
# format  printf format of the mean [%.4f]

BEGIN {
	FS = ","
}

NR == 1 {
	for (i = 1; i <= NF; i++)
		if ($i == column)
			at = i
	next
}

at && $at != "" {
	n++
	sum += $at
}

END {
	if (!n) {
		print "mean: no numbers in a column " column >"/dev/stderr"
		exit 1
	}
	print name
	printf (format == "" ? "%.4f" : format) "\n", sum / n
}
