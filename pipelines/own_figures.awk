# Prints what the logs and measures of a training say about held-out text. Its inputs, in this order,
# with `part` set before each: 1, the log of the steps; 2, the ids of the training rows; 3, the ids of
# the held-out rows; 4, the output of bound.awk; 5, the texts of the training rows; 6, the samples.

part == 1 {
	if (split($0, f, ",") && !at) {
		for (i in f)
			if (f[i] == "valid_nats")
				at = i
			else if (f[i] == "step")
				step_at = i
	} else if (f[at] != "") {
		last = f[at]
		if (lowest == "" || last < lowest) {
			lowest = last
			lowest_step = f[step_at]
		}
		last_step = f[step_at]
	}
}

part == 2 {
	for (i = 1; i <= NF; i++)
		if (!count[$i]++)
			kinds++
	total += NF
}

# The entropy by frequencies, with one added to each, and one for all others
part == 3 {
	for (i = 1; i <= NF; i++)
		nats -= log((count[$i] + 1) / (total + kinds + 1))
	held += NF
}

part == 4 && /^[0-9]/ {
	split($0, f, ",")
	bound = f[4]
}

part == 5 {
	known[$0]
}

part == 6 {
	samples++
	copies += $0 in known
}

END {
	printf "Held-out text costs the model at most %.2f nats a token; by the frequencies of the tokens alone it would cost %.2f.\n",
		bound, nats / held
	if (bound >= nats / held)
		print "It has not learnt more than the frequencies yet: train longer, with more MINUTES."
	printf "Held-out cross-entropy: %.3f nats a token at the end, after %d steps", last, last_step
	if (last > 1.02 * lowest)
		printf "; %.3f after %d steps was lower: the model begins to repeat its text. Fewer MINUTES or more text would be better.\n",
			lowest, lowest_step
	else
		print "."
	printf "%d of %d samples are word for word in the training text.\n", copies, samples
}
