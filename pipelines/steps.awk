# Prints the times of a run as a CSV file with one row, from its log of steps (train --log): the
# seconds of the fastest step, and how many of them rank 0 spent in MPI calls. The fastest step is
# used because other programs on the machine can only make a step slower. The first step is left
# out, because it warms up. If the profile of the run (train --profile) is a second file, update_s
# is the seconds of the optimizer in a step.

BEGIN {
	FS = ","
}

FNR == 1 {
	split("", at)
	for (i = 1; i <= NF; i++)
		at[$i] = i
	next
}

"kernel" in at {
	if ($1 == "adamw" || $1 ~ /^muon/)
		update += $at["seconds"]
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
	print "step_s,comm_s,update_s"
	printf "%.6f,%.6f,%s\n", step, comm, update == "" ? "" : update / (n + 1)
}
