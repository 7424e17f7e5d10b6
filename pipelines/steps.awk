# A log of steps (train -l) as one row without a header: the seconds of the quickest step, for whoever
# shares the machine only takes away, and those of it that rank 0 spent in calls of MPI. The first step
# is left out; it warms up. `name` goes before.

BEGIN {
	FS = ","
}

FNR == 1 {
	for (i = 1; i <= NF; i++)
		at[$i] = i
	next
}

FNR > 2 {
	took = $at["seconds"] - last
	waited = $at["comm_s"]
	if (!n++ || took < step || (took == step && waited < comm)) {
		step = took
		comm = waited
	}
}

{
	last = $at["seconds"]
}

END {
	if (!n) {
		print "steps: a log of fewer than two steps" >"/dev/stderr"
		exit 1
	}
	printf "%s%.6f,%.6f\n", name, step, comm
}
