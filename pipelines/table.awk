# Prints tables whose first column names the rows; no field may contain a comma.
#
# join=1   joins CSV files side by side: all rows of the first file; cells that another file lacks
#          are empty
# rows=1   prints one CSV file as text
# neither  the same, transposed: a line per column, because there are more measures than texts

BEGIN {
	FS = ","
}

FNR == 1 {
	file++
	width[file] = NF
}

{
	if (file == 1)
		name[++n] = $1
	line[file, $1] = substr($0, length($1) + 1)
	for (i = 1; i <= NF; i++)
		cell[FNR, i] = $i
}

function empty(n,    text) {
	while (n-- > 1)
		text = text ","
	return text
}

END {
	for (r = 1; join && r <= n; r++) {
		out = name[r]
		for (f = 1; f <= file; f++)
			out = out ((f, name[r]) in line ? line[f, name[r]] : empty(width[f]))
		print out
	}
	for (r = 1; rows && r <= n; r++) {
		out = sprintf("%-16s", cell[r, 1])
		for (i = 2; i <= width[1]; i++)
			out = out sprintf(" %12s", cell[r, i])
		print out
	}
	for (i = 1; !join && !rows && i <= width[1]; i++) {
		out = sprintf("%-16s", cell[1, i])
		for (r = 2; r <= n; r++) {
			long[r] = length(cell[r, 1]) > 9 ? length(cell[r, 1]) : 9
			out = out sprintf(" %" long[r] "s", cell[r, i])
		}
		print out
	}
}
