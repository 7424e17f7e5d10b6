# Prints the steps of a log of steps that have a validation, and its loss: step,valid_nats.

BEGIN { FS = "," }

NR == 1 {
	for (i = 1; i <= NF; i++)
		at[$i] = i
}

$at["valid_nats"] != "" { print $at["step"] "," $at["valid_nats"] }
