# Prints the lines of the second file but those whose numbers are in the first column of the first, a
# CSV file.

FNR == 1 {
	file++
}

file == 1 {
	split($0, f, ",")
	left_out[f[1]] = 1
}

file == 2 && !(FNR in left_out)
