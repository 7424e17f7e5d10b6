# Selects rows and columns of a table whose first column names the rows: the rows named in `wanted`,
# in the order of the table, and those of `columns` that the table has. A row
# SAMPLER-EVALUATIONS-TEMPERATURE or SAMPLER-EVALUATIONS-TEMPERATURE-WEIGHT also has the columns
# sampler, evaluations and temperature; the weight is a part of the sampler. The sampler of any other
# row is its name.

function value(column,    part, n) {
	if (column in at)
		return $at[column]
	n = split($1, part, "-")
	if (n != 3 && n != 4)
		return column == "sampler" ? $1 : ""
	if (column == "sampler")
		return part[1] (n == 4 ? " guidance " part[4] : "")
	return part[column == "evaluations" ? 2 : 3]
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
