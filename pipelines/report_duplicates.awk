# From documents in the order of their text, as report_read.awk writes them: the documents that occur
# more than once, in the first `most` of the groups.

function close_group() {
	if (count < 2)
		return
	groups++
	copies += count - 1
	if (groups <= most)
		line[groups] = sprintf("%12d  documents %s", count, numbers (count > 5 ? " ..." : ""))
}

BEGIN {
	FS = "\t"
}

{
	if (NR > 1 && $1 != text) {
		close_group()
		count = 0
	}
	text = $1
	numbers = count == 0 ? $2 : count < 5 ? numbers ", " $2 : numbers
	count++
}

END {
	close_group()
	printf "\n%d exact copies of other documents, in %d groups\n", copies, groups
	for (i = 1; i <= groups && i <= most; i++)
		print line[i]
	if (groups > most)
		print "             ..."
}
