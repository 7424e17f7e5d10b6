# Adds a column text_token_nats to a table of likelihoods: held_out_nats divided by the mean number of
# tokens of text of a row, which are all but [PAD] and [CLS]. The input is, in this order: the output
# of "pack --info" and of "pack --ids" for the held-out rows, and the table.

$1 == "special" {
	for (i = 2; i < NF; i += 2)
		skipped[$(i + 1)] = $i == "[PAD]" || $i == "[CLS]"
}

!at && /^[0-9 ]+$/ {
	rows++
	for (i = 1; i <= NF; i++)
		tokens += !skipped[$i]
}

/^text,/ {
	FS = ","
	$0 = $0
	for (i = 1; i <= NF; i++)
		if ($i == "held_out_nats")
			at = i
	if (!at || !tokens) {
		print "token_nats: no held-out rows, or no column held_out_nats" >"/dev/stderr"
		failed = 1
		exit
	}
	print $0 ",text_token_nats"
	next
}

at {
	print $0 "," ($at == "" ? "" : sprintf("%.4f", $at * rows / tokens))
}

END {
	if (!at)
		failed = 1
	exit failed
}
