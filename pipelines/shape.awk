# Prints the shape and the cost of a model as a CSV row, from the output of "train --dry-run".
# `row_len` is the length of the rows.

$1 == "parameters:" {
	parameters = $2
	layers = substr($3, 2)
	width = $6 + 0
	embed = $10 + 0
	words = $11
}

$1 == "operations:" {
	operations = $2
}

END {
	if (parameters == "" || operations == "") {
		print "shape: not the output of train --dry-run" >"/dev/stderr"
		exit 1
	}
	print "layers,width,embed,words,row_len,parameters,operations"
	print layers "," width "," embed "," words "," row_len "," parameters "," operations
}
