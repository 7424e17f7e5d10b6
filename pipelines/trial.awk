# Prints the number of steps that take the processor time of a whole run: the input is the output of
# cost.awk for that run, and the learning.csv of autoregressive.mk for a trial of a few steps.

BEGIN {
	FS = ","
}

FNR == 1 {
	file++
}

file == 1 {
	whole = $1
}

file == 2 {
	steps = $1
	trial = $2
}

END {
	if (!(whole > 0) || !(trial > 0)) {
		print "trial: no processor time" >"/dev/stderr"
		exit 1
	}
	printf "%d\n", whole * steps / trial < 1 ? 1 : whole * steps / trial
}
