# Prints the efficiency by number of nodes as text, from the predictions of scale.awk: a line for
# each network and each way of summation. `wanted` is MODEL,SCALING,SPEED,PROGRESS.

BEGIN {
	FS = ","
	split(wanted, w, ",")
}

NR == 1 {
	for (i = 1; i <= NF; i++)
		at[$i] = i
	next
}

$at["model"] == w[1] && $at["scaling"] == w[2] && $at["speed"] == w[3] && $at["progress"] == w[4] {
	way = sprintf("%8s %-5s shard %-3s %-4s", $at["gbit_per_s"], $at["wire"], $at["shard"],
	    $at["sums"])
	if (!(way in text))
		order[++ways] = way
	text[way] = text[way] sprintf(" %6.2f", $at["efficiency"])
	if (ways == 1)
		head = head sprintf(" %6d", $at["nodes"])
}

END {
	printf "%-28s%s\n", "  Gbit/s", head
	for (i = 1; i <= ways; i++)
		print order[i] text[order[i]]
}
