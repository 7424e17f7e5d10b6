# Computes the mean cross-entropies and the likelihood bound
#
#   d / (2 t_max^2)  +  CE(t_min)  +  integral of t^-3 E|e - estimate|^2 dt
#
# of cdcd-csv(5), in nats per token and in nats per row (held_out_nats). The input is, in this
# order: the output of "denoise --info"; the losses of rows at the lowest level; the losses of rows
# at levels spread evenly over ln t, sorted by t.
#
# Each row is weighted by its number of targets, so that nats per token are the mean over all
# tokens. Nats per row are nats per token times the mean number of targets. The standard error of
# the integral is estimated from the differences of neighbours in t, because the levels themselves
# are spread without gaps.

/^model.embed: / { d = $2 }
/^schedule: / { t_min = $5; t_max = $7 }

/^t,u,/ {
	part++
	if ($0 !~ /^t,u,ce_nats,squared_error,targets$/) {
		print "bound: no column targets: an older denoise made these losses; " \
		    "run denoise --loss again" >"/dev/stderr"
		failed = 1
		exit
	}
	next
}

{
	if (split($0, f, ",") < 5 || f[3] == "")
		next
	if (part == 1) {
		lowest += f[5] * f[3]
		lowest_targets += f[5]
	} else if (part == 2) {
		n++
		ce += f[3]
		u[n] = f[2]
		ce_of[n] = f[3]
		x = f[4] / (f[1] * f[1])
		sum += f[5] * x
		targets += f[5]
		if (n > 1)
			squares += f[5] * last * (x - before) * (x - before) / 2
		before = x
		last = f[5]
	}
}

# over_schedule - the integral of the cross-entropy over u from 0 to 1
function over_schedule(    i, sum) {
	sum = u[1] * ce_of[1] + (1 - u[n]) * ce_of[n]
	for (i = 2; i <= n; i++)
		sum += (u[i] - u[i - 1]) * (ce_of[i] + ce_of[i - 1]) / 2
	return sum
}

END {
	if (failed)
		exit 1
	if (!targets || !lowest_targets || !(t_max > t_min)) {
		print "bound: no losses, or t_max is not above t_min" >"/dev/stderr"
		exit 1
	}
	whole = log(t_max / t_min)
	bound = d / (2 * t_max * t_max) + lowest / lowest_targets + whole * sum / targets
	print "held_out_nats,ce_nats,ce_schedule_nats,bound_token_nats,bound_token_error"
	printf "%.4f,%.6f,%.6f,%.6f,%.6f\n", bound * targets / n, ce / n, over_schedule(), bound,
	    whole * sqrt(squares) / targets
}
