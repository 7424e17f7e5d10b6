# From the lengths of documents in ascending order, one per line: the rows for them. Prints documents,
# tokens, the length of a row, cut or split, the number of rows, the percentage of tokens that is left
# out, and the percentage of padding. The length of a row may be given as `length_given`, and cut or
# split as `long_given`.

# rows_of - rows of t tokens if long documents are split; each row has [CLS] and [SEP]
function rows_of(t,    i, n) {
	for (i = 1; i <= NR; i++)
		n += len[i] <= t ? 1 : int((len[i] - 3) / (t - 2)) + 1
	return n
}

# lost - the tokens that rows of t tokens cut off
function lost(t,    i, n) {
	for (i = NR; i > 0 && len[i] > t; i--)
		n += len[i] - t
	return n + 0
}

function padding(t) {
	return 1 - (tokens - lost(t)) / (NR * t)
}

{
	len[NR] = $1
	tokens += $1
}

END {
	if (!NR)
		exit
	long = long_given
	if (length_given)
		t = length_given
	else {
		for (t = 16; t < 256 && lost(t) > 0.01 * tokens; t += 8)
			continue
		# Longer documents, or a few long ones among many short ones: windows
		if (lost(t) > 0.01 * tokens || padding(t) > 0.7) {
			t = 8 * int(2 * tokens / NR / 8 + 1)
			t = t < 32 ? 32 : t > 128 ? 128 : t
			long = long ? long : "split"
		}
	}
	if (!long)
		long = lost(t) > 0.01 * tokens ? "split" : "cut"
	rows = long == "split" ? rows_of(t) : NR
	kept = tokens - (long == "split" ? 0 : lost(t)) + 2 * (rows - NR)
	printf "%d %d %d %s %d %.1f %.0f\n", NR, tokens, t, long, rows,
		long == "split" ? 0 : 100 * lost(t) / tokens, 100 * (1 - kept / (rows * t))
}
