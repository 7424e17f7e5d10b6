# Tables whose first column names the rows. With join=1: CSV files side by side, all rows of the
# first; what another does not have stays empty. Else one such file as text: with rows=1 as it is,
# without a column a row, for there are more measures than texts. No field may hold a comma.

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
