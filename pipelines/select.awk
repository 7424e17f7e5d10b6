# Selects rows and columns of a table whose first column names the rows: the rows named in `wanted`,
# in the order of the table, and those of `columns` that the table has. A row
# SAMPLER-EVALUATIONS-TEMPERATURE also has the columns sampler, evaluations and temperature; the
# sampler of any other row is its name.

function value(column,    part) {
	if (column in at)
		return $at[column]
	if (split($1, part, "-") != 3)
		return column == "sampler" ? $1 : ""
	return part[column == "sampler" ? 1 : column == "evaluations" ? 2 : 3]
}

BEGIN {
	n = split(wanted, w, " ")
	for (i = 1; i <= n; i++)
		take[w[i]] = 1
}

NR == 1 {
	for (i = 1; i <= NF; i++)
		at[$i] = i
	n = split(columns, c, ",")
	for (i = 1; i <= n; i++)
		if (c[i] in at || c[i] ~ /^(sampler|evaluations|temperature)$/)
			kept[++m] = c[i]
	for (i = 1; i <= m; i++)
		printf "%s%s", kept[i], (i < m ? "," : "\n")
}

$1 in take {
	for (i = 1; i <= m; i++)
		printf "%s%s", value(kept[i]), (i < m ? "," : "\n")
}
