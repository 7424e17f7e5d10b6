# Puts CSV files under each other, as one table. The arguments are LABEL=FILE; each row begins with
# the label of its file, which may have commas: then it fills several columns.
#
# label    name of the first column, or names, separated by commas
# columns  names of the further columns; a file without such a column leaves its cells empty

function fail(message) {
	print "stack: " message >"/dev/stderr"
	failed = 1
	exit 1
}

# add_file - print the rows of a file; a file without rows is an error
function add_file(name, file,    line, got, f, n, i, at, rows, out) {
	while ((got = (getline line <file)) > 0) {
		n = split(line, f, ",")
		if (!rows++) {
			for (i = 1; i <= n; i++)
				at[f[i]] = i
			continue
		}
		out = name
		for (i = 1; i <= m; i++)
			out = out "," (column[i] in at ? f[at[column[i]]] : "")
		print out
	}
	close(file)
	if (got < 0)
		fail(file ": cannot be read")
	if (rows < 2)
		fail(file ": no rows")
}

BEGIN {
	m = split(columns, column, ",")
	print label "," columns
	for (k = 1; k < ARGC && !failed; k++) {
		equals = index(ARGV[k], "=")
		add_file(substr(ARGV[k], 1, equals - 1), substr(ARGV[k], equals + 1))
	}
	exit failed
}
