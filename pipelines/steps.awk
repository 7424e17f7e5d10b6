# Prints one row without a header from a log of steps (train -l): `name`, the seconds of the fastest
# step, and how many of them rank 0 spent in MPI calls. The fastest step is used because other
# programs on the machine can only make a step slower. The first step is left out, because it warms
# up.

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
		print "steps: the log has fewer than two steps" >"/dev/stderr"
		exit 1
	}
	printf "%s%.6f,%.6f\n", name, step, comm
}
