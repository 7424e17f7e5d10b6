# Prints the training rows of a loss log of train of one kind: those with given positions, or those
# without. A log of an earlier version does not tell them apart: all its rows are printed as the
# latter. A line that is not complete is left out.
#
# given  1: rows with given positions; 0: rows without
# after  the rows after this step only, if it is set

BEGIN {
	FS = ","
}

{ sub(/\r$/, "") }

NR == 1 {
	for (i = 1; i <= NF; i++)
		at[$i] = i
	columns = NF
	header = $0
	print
	next
}

NF == columns && $0 != header && (!("split" in at) || $at["split"] == "train") {
	if ((("given" in at) && $at["given"] > 0) == given && (after == "" || $at["step"] + 0 > after))
		print
}
