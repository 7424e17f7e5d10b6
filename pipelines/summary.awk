# Prints the output of "stories summary" as a sentence.

BEGIN {
	FS = ","
}

NR == 2 {
	printf "Of %d stories %.1f %% are grammatical and %.1f %% consistent from the first\n", \
	    $1, 100 * $2, 100 * $3
	printf "sentence to the last; %d appear twice, %d are in the training text.\n", $4, $5
}
