# Prints those columns of a CSV file that have a number, of the wanted ones, separated by commas.
#
# wanted  names of columns, separated by commas

BEGIN {
	FS = ","
	n = split(wanted, name, ",")
}

{ sub(/\r$/, "") }

FNR == 1 {
	for (i = 1; i <= NF; i++)
		at[$i] = i
	next
}

{
	for (i = 1; i <= n; i++)
		if (name[i] in at && $at[name[i]] ~ /^[-+]?[0-9.]/)
			found[i] = 1
}

END {
	for (i = 1; i <= n; i++)
		if (i in found)
			out = out (out == "" ? "" : ",") name[i]
	if (out != "")
		print out
}
