# Converts CSV (RFC 4180), or TSV with -v separator=TAB, to JSON lines with the texts of one column in
# the member `member`. The first row has the names of the columns. The environment names the file, INPUT,
# and the column, COLUMN; by default story or text, or the column with the longest texts.

function fail(message) {
	print "own: " input ": " message >"/dev/stderr"
	failed = 1
	exit 1
}

# next_row - reads a row into field[1..fields]; 0 at the end of the file. A field in quotes may have
# line ends.
function next_row(    line, more, got) {
	if ((got = (getline line <input)) < 0)
		fail("cannot be read")
	if (!got)
		return 0
	rows++
	while (gsub(/"/, "\"", line) % 2) {
		if ((getline more <input) <= 0)
			fail("row " rows ": a quoted field does not end")
		line = line "\n" more
	}
	sub(/\r$/, "", line)
	fields = 0
	do {
		if (match(line, /^"([^"]|"")*"/)) {
			more = substr(line, 2, RLENGTH - 2)
			gsub(/""/, "\"", more)
			line = substr(line, RLENGTH + 1)
			got = index(line, separator)
		} else {
			got = index(line, separator)
			more = got ? substr(line, 1, got - 1) : line
		}
		field[++fields] = more
		line = substr(line, got + 1)
	} while (got)
	return 1
}

# guess - the separator: a comma, or what the first line has instead, such as the semicolons of
# spreadsheets in many languages
function guess(    line) {
	getline line <input
	close(input)
	gsub(/"[^"]*"/, "", line)
	return line ~ /,/ ? "," : line ~ /;/ ? ";" : line ~ /\t/ ? "\t" : ","
}

# choose - the number of the column with the texts
function choose(    i, best, size) {
	for (i = 1; i <= fields; i++) {
		names = names (i > 1 ? ", " : "") field[i]
		name[i] = field[i]
		if (column != "" ? field[i] == column : field[i] == "story" || field[i] == "text" && !best)
			best = i
	}
	if (best)
		return best
	if (column != "")
		fail("no column '" column "'; its columns are " names)
	while (rows < 1000 && next_row())
		for (i = 1; i <= fields; i++)
			size[i] += length(field[i])
	for (i in name)
		if (!best || size[i] > size[best])
			best = i
	close(input)
	rows = 0
	next_row()
	printf "own: %s: reading the column %s, the longest of %s (FIELD=NAME reads another)\n", input,
		name[best], names >"/dev/stderr"
	return best
}

BEGIN {
	input = ENVIRON["INPUT"]
	column = ENVIRON["COLUMN"]
	if (separator == "")
		separator = guess()
	gsub(/["\\]/, "\\\\&", member)
	if (!next_row())
		exit
	sub(/^\357\273\277/, "", field[1])
	chosen = choose()
	while (next_row()) {
		if (fields < chosen)
			continue
		text = field[chosen]
		gsub(/[\001-\040\177]+/, " ", text)
		gsub(/[\\"]/, "\\\\&", text)
		if (text !~ /^ *$/)
			print "{\"" member "\": \"" text "\"}"
	}
}
