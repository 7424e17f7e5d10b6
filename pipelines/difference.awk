# Prints how much the losses of two runs of train differ, as a CSV file with one row. The input is
# their logs of steps side by side (paste -d ,): the columns of the first, then those of the second.

BEGIN {
	FS = ","
}

NR == 1 {
	half = NF / 2
	for (i = 1; i <= half; i++)
		at[$i] = i
	next
}

{
	loss = at["loss_nats"]
	difference = $loss - $(half + loss)
	if (difference < 0)
		difference = -difference
	if (difference > largest)
		largest = difference
	sum += difference
	steps += $at["step"] == $(half + at["step"]) && $at["rows"] == $(half + at["rows"])
}

END {
	if (NR < 2) {
		print "difference: no steps" >"/dev/stderr"
		exit 1
	}
	print "steps,max_nats,mean_nats"
	printf "%d,%.2g,%.2g\n", steps, largest, sum / (NR - 1)
}
