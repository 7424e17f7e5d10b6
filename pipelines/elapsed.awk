# Prints a log of steps of train with a further column elapsed_s: the seconds of all runs that
# continued the training. In the log, each run counts from 0. A line that is not complete is left
# out.

BEGIN {
	FS = ","
}

{ sub(/\r$/, "") }

NR == 1 {
	for (i = 1; i <= NF; i++)
		if ($i == "seconds")
			at = i
	columns = NF
	header = $0
	if ($1 != "step") {
		print FILENAME ": not a log of steps of train" >"/dev/stderr"
		exit 1
	}
	print $0 ",elapsed_s"
	next
}

$0 == header { next }

NF != columns || $1 !~ /^[0-9]+$/ {
	print FILENAME ": line " NR " has " NF " fields (expected " columns "): left out" >"/dev/stderr"
	next
}

!at {
	print $0 ","
	next
}

{
	if ($at + 0 < last)
		before += last
	last = $at + 0
	printf "%s,%.3f\n", $0, before + last
}
