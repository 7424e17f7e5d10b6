# Joins the learning curves of a diffusion model and of an autoregressive one. The input is, in this
# order: run.awk's output for the diffusion model; its bounds, with the columns step and
# text_token_nats; and, if there is one, the learning.csv of autoregressive.mk.
#
# The processor time at a step of the diffusion model is its fraction of that of the whole run.

BEGIN {
	FS = ","
	print "model,step,processor_s,token_nats"
}

FNR == 1 {
	file++
	split("", at)
	for (i = 1; i <= NF; i++)
		at[$i] = i
	next
}

file == 1 {
	step_s = $at["processor_s"] / $at["steps"]
}

file == 2 {
	printf "diffusion,%d,%.1f,%s\n", $at["step"], step_s * $at["step"], $at["text_token_nats"]
}

file == 3 {
	print "autoregressive," $at["step"] "," $at["processor_s"] "," $at["token_nats"]
}
