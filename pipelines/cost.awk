# Prints the processor time of a program as CSV, from the output of times in a shell that ran only
# this program: user and system time, such as 1m2.5s 0m0.25s, of the shell and then of its children.
# If there are several such outputs, of a run that was continued, it is their sum.

function seconds(t,    part) {
	split(t, part, "m")
	return 60 * part[1] + part[2]
}

NR % 2 == 0 {
	sum += seconds($1) + seconds($2)
}

END {
	if (!NR || NR % 2) {
		print "cost: not the output of times" >"/dev/stderr"
		exit 1
	}
	print "processor_s"
	printf "%.6g\n", sum
}
