# Predicts the time of a training step with p threads from a profile with one thread (train
# --profile), whose kernels k have work w_k in parts n_k that cannot be divided further:
#
#   T(p) = serial + sum over k of w_k ceil(n_k / p) / n_k + regions loop (p - 1) / (all - 1)
#
# serial is the time of what only one thread computes: small calls, and the work between the kernels.
# loop is what a loop over `all` threads takes longer than the work of one of them. The input files
# are PRESET.THREADS.RUN.profile and then PRESET.THREADS.RUN.steps, the log of steps (train --log), one
# pair for each run. A profile is scaled to the fastest step, because other programs on the machine
# can only make a step slower; of several runs the fastest counts.
#
# output   "steps": a row for each step measured or predicted; "kernels": a row for each kernel, with
#          the fraction of the predicted step that its uneven division costs
# loop_us  microseconds of loop
# all      its number of threads
# counts   numbers of threads to predict

BEGIN {
	FS = ","
	n_counts = split(counts, count, " ")
}

FNR == 1 {
	split("", at)
	for (i = 1; i <= NF; i++)
		at[$i] = i
	file = FILENAME
	sub(/.*\//, "", file)
	split(file, name, ".")
	preset = name[1]
	threads = name[2]
	run = preset SUBSEP threads SUBSEP name[3]
	if (!(preset in seen)) {
		seen[preset] = 1
		order[++presets] = preset
	}
	next
}

"kernel" in at {
	rows[run]++
	r = run SUBSEP rows[run]
	kernel[r] = $1
	work[r] = $at["seconds"] - $at["serial_seconds"]
	parts[r] = $at["parts"]
	serial[run] += $at["serial_seconds"]
	total[run] += $at["seconds"]
	regions[run] += $at["regions"]
	next
}

# The steps; the first one warms up.
{
	steps[run] = FNR - 1
	if (FNR > 2 && (!(run in fastest) || $at["seconds"] - last < fastest[run]))
		fastest[run] = $at["seconds"] - last
	last = $at["seconds"]
	which = preset SUBSEP threads
	if (FNR > 2 && (!(which in best) || fastest[run] < fastest[best[which]]))
		best[which] = run
}

# uneven - what a kernel takes longer because its parts are not divided evenly, as a fraction of its
# work
function uneven(n, p,    each) {
	if (p == 1)
		return 0
	each = n / p
	if (each > int(each))
		each = int(each) + 1
	return each / n - 1 / p
}

# predict - set the four parts of the time of a step, and their sum, step
function predict(run, p,    i, r, scale) {
	scale = fastest[run] / total[run]
	alone = scale * serial[run]
	divided = late = 0
	for (i = 1; i <= rows[run]; i++) {
		r = run SUBSEP i
		if (parts[r] == "")
			continue
		divided += scale * work[r] / p
		cost[i] = scale * work[r] * uneven(parts[r], p)
		late += cost[i]
	}
	waiting = p == 1 ? 0 : regions[run] / steps[run] * loop_us / 1e6 * (p - 1) / (all - 1)
	step = alone + divided + late + waiting
}

function print_measured(preset, p,    run) {
	run = best[preset, p]
	printf "%s,measured,%d,%.6f,%.3f,,,,,%d\n", preset, p, fastest[run],
	    fastest[best[preset, 1]] / fastest[run], regions[run] / steps[run]
}

function print_predicted(preset, p,    run) {
	run = best[preset, 1]
	predict(run, p)
	printf "%s,predicted,%d,%.6f,%.3f,%.6f,%.6f,%.6f,%.6f,%d\n", preset, p, step,
	    fastest[run] / step, alone, divided, late, waiting, regions[run] / steps[run]
}

function print_kernels(preset, p,    i, r, run) {
	run = best[preset, 1]
	predict(run, p)
	for (i = 1; i <= rows[run]; i++) {
		r = run SUBSEP i
		if (parts[r] != "")
			printf "%s,%d,%s,%s,%.4f\n", preset, p, kernel[r], parts[r], cost[i] / step
	}
}

END {
	if (output == "steps")
		print "preset,kind,threads,step_s,speedup,serial_s,divided_s,uneven_s,waiting_s,regions"
	else
		print "preset,threads,kernel,parts,uneven"
	for (i_preset = 1; i_preset <= presets; i_preset++) {
		preset = order[i_preset]
		if (output == "steps") {
			print_measured(preset, 1)
			print_measured(preset, all)
		}
		for (i_count = 1; i_count <= n_counts; i_count++)
			if (output == "steps")
				print_predicted(preset, count[i_count])
			else
				print_kernels(preset, count[i_count])
	}
}
