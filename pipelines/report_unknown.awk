# From "uniq -c" of the unknown words, the most frequent first: the first `most` of them. `words` is the
# number of all words.

{
	count = $1
	sub(/^ *[0-9]+ /, "")
	total += count
	if (NR <= most)
		line[NR] = sprintf("%12d  %s", count, $0)
}

END {
	printf "\n%d of %d words unknown (%.3g %%), %d different\n", total, words, words ? 100 * total / words : 0, NR
	for (i = 1; i <= NR && i <= most; i++)
		print line[i]
	if (NR > most)
		print "             ..."
}
