# From the lengths of documents in ascending order, one per line: their quantiles, a histogram, and what
# "pack -T" cuts at each length of rows.

# quantile - the smallest length that a share q of the documents does not exceed
function quantile(q,    i) {
	i = int(q * NR)
	i += i < q * NR
	return length_of[i < 1 ? 1 : i]
}

# round - the smallest of 1, 2, 5, 10, 20, 50 ... that is at least x
function round(x,    unit) {
	for (unit = 1; unit * 10 <= x; unit *= 10)
		continue
	return x <= unit ? unit : x <= 2 * unit ? 2 * unit : x <= 5 * unit ? 5 * unit : 10 * unit
}

function repeat(n,    text) {
	while (length(text) < n)
		text = text "#"
	return text
}

function percent(part, whole) {
	return sprintf("%.1f %%", whole ? 100 * part / whole : 0)
}

# histogram - bins up to the quantile 0.99, and one for the rest
function histogram(    width, bins, bin, i, count, largest) {
	width = round(quantile(0.99) / 15)
	bins = int(quantile(0.99) / width) + 1
	for (i = 1; i <= NR; i++) {
		bin = int(length_of[i] / width)
		bin = bin < bins ? bin : bins
		if (++count[bin] > largest)
			largest = count[bin]
	}
	printf "\n%12s %12s\n", "tokens", "documents"
	for (bin = 0; bin <= bins; bin++)
		if (bin < bins || count[bin])
			printf "%12s %12d  %s\n", bin * width (bin < bins ? "-" (bin + 1) * width - 1 : "-"), \
				count[bin], repeat(int(50 * count[bin] / largest + 0.5))
}

# rows - a row of T tokens has one document, and loses what is longer
function rows(    t, i, over, lost) {
	printf "\n%12s %15s %10s %18s %10s %18s\n", "pack -T", "documents cut", "", "tokens left out", "", "padding"
	for (t = 16; t < 2 * length_of[NR] && t <= 65536 || t == 16; t *= 2) {
		over = lost = 0
		for (i = NR; i > 0 && length_of[i] > t; i--) {
			over++
			lost += length_of[i] - t
		}
		printf "%12d %15d %10s %18d %10s %18s\n", t, over, percent(over, NR), lost, percent(lost, tokens), \
			percent(NR * t - (tokens - lost), NR * t)
	}
}

{
	length_of[NR] = $1
	tokens += $1
}

END {
	printf "%d documents, %d tokens\n", NR, tokens
	if (!NR)
		exit
	printf "\ntokens of a document: mean %.1f\n", tokens / NR
	shares = split("0 0.05 0.25 0.5 0.75 0.95 0.99 1", share, " ")
	split("least,5 %,25 %,median,75 %,95 %,99 %,most", name, ",")
	for (i = 1; i <= shares; i++)
		printf "%9s", name[i]
	printf "\n"
	for (i = 1; i <= shares; i++)
		printf "%9d", quantile(share[i])
	printf "\n"
	histogram()
	rows()
}
