# Prints the first `n` lines of several texts in columns of `width` characters, side by side. The
# arguments are NAME=FILE.

# wrap - break a text into lines of the column c, and return their number
function wrap(text, c,    w, words, i, lines, line) {
	words = split(text, w, " ")
	for (i = 1; i <= words; i++) {
		if (line != "" && length(line) + 1 + length(w[i]) > width) {
			cell[c, ++lines] = line
			line = ""
		}
		line = line (line == "" ? "" : " ") w[i]
	}
	cell[c, ++lines] = line
	return lines
}

# print_row - print a row of texts text[1...columns]
function print_row(    c, i, out, most) {
	split("", cell)
	for (c = 1; c <= columns; c++) {
		i = wrap(text[c], c)
		most = i > most ? i : most
	}
	for (i = 1; i <= most; i++) {
		out = ""
		for (c = 1; c <= columns; c++)
			out = out sprintf("%-" width + 3 "s", cell[c, i])
		sub(/ *$/, "", out)
		print out
	}
	print ""
}

BEGIN {
	for (columns = 0; columns < ARGC - 1; ) {
		equals = index(ARGV[++columns], "=")
		text[columns] = substr(ARGV[columns], 1, equals - 1)
		file[columns] = substr(ARGV[columns], equals + 1)
	}
	print_row()
	for (row = 1; row <= n; row++) {
		found = 0
		for (c = 1; c <= columns; c++) {
			if ((got = (getline line <file[c])) < 0) {
				print "beside: " file[c] ": cannot be read" >"/dev/stderr"
				exit 1
			}
			text[c] = got ? line : ""
			found += got
		}
		if (!found)
			break
		print_row()
	}
	exit
}
