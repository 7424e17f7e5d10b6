# Prints the size and the cost of a training run as a CSV file with one row. The input is, in any
# order: the output of "pack --info" of its rows, of "denoise --info", and of "train --dry-run" for
# its checkpoint; and the output of cost.awk.

$1 == "records" { stories = $2 }
$1 == "step:" { steps = $2 }
$1 == "parameters:" { parameters = $2 }
$1 == "model.row_len:" { row_len = $2 }
$1 == "train.batch:" { batch = $2 }
$1 == "operations:" { operations = $2 }
cost { processor_s = $1 }
{ cost = $1 == "processor_s" }

END {
	if (stories == "" || steps == "" || operations == "" || processor_s == "") {
		print "run: not the size and the cost of a run" >"/dev/stderr"
		exit 1
	}
	print "steps,stories,parameters,operations,processor_s"
	printf "%d,%d,%d,%.4g,%s\n", steps, stories, parameters, operations * row_len * batch * steps,
	    processor_s
}
