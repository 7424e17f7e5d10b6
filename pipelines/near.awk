# Finds near duplicates: texts of which more than the fraction `share` of the word 5-grams occur in
# one text of the first file. Prints for each such line of the second file its number, the number of
# the line of the first file that has most of its 5-grams, and the fraction. A text of fewer than
# five words is one n-gram. Needs common.awk.

# read_grams - put the n-grams of a text into g[1...]; returns their number
function read_grams(line, g,    w, n, i) {
	n = split_words(line, w)
	if (n == 0)
		return 0
	g[1] = w[1]
	for (i = 2; i < 5 && i <= n; i++)
		g[1] = g[1] " " w[i]
	for (i = 1; i <= n - 4; i++)
		g[i] = w[i] " " w[i + 1] " " w[i + 2] " " w[i + 3] " " w[i + 4]
	return n > 4 ? n - 4 : 1
}

# most_like - find the text of the first file that has most of the n-grams g[1...n], of which it sets
# `shared`; 0 if all together have too few, which is the usual case and quick to see
function most_like(g, n,    i, j, k, known, list, count, best) {
	for (i = 1; i <= n; i++)
		known += g[i] in texts
	shared = 0
	if (known <= share * n)
		return 0
	for (i = 1; i <= n; i++) {
		if (!(g[i] in texts))
			continue
		k = split(texts[g[i]], list, " ")
		for (j = 1; j <= k; j++)
			if (++count[list[j]] > shared) {
				shared = count[list[j]]
				best = list[j]
			}
	}
	return best
}

BEGIN {
	print "story,like,share"
}

FNR == 1 {
	file++
}

{
	n = read_grams($0, g)
}

file == 1 {
	for (i = 1; i <= n; i++) {
		if (last[g[i]] == FNR)
			continue
		last[g[i]] = FNR
		texts[g[i]] = texts[g[i]] " " FNR
	}
}

file == 2 && n {
	like = most_like(g, n)
	if (shared > share * n)
		printf "%d,%d,%.3f\n", FNR, like, shared / n
}
