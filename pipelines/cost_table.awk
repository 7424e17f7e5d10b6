# Joins the processor times of runs named SETTINGS-STEPS.SEED with their row in table.csv. The
# arguments are table.csv, and run=NAME before each file of cost.awk.

BEGIN {
	FS = ","
	print "settings,steps,seed,processor_s,ce_nats,held_out_nats,consistent"
}

FNR == 1 {
	if (!n)
		for (n = 1; n <= NF; n++)
			at[$n] = n
	next
}

run == "" {
	row[$1] = $at["ce_nats"] "," $at["held_out_nats"] "," $at["consistent"]
	next
}

{
	settings = run
	sub(/-[0-9]*[.][0-9]*$/, "", settings)
	split(substr(run, length(settings) + 2), part, ".")
	print settings "," part[1] "," part[2] "," $1 "," row[run]
}
