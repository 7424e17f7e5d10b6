# Fits a power law to the held-out nats of runs that differ in operations and in stories:
#
#   ln nats = a + b ln(operations / those of the first run) + c ln(stories / those of the first run)
#
# by least squares. An exponent whose quantity does not vary is left out. The input is a CSV file with
# the columns operations, stories, processor_s and held_out_nats; the first names the runs.
#
# mode=fit      prints the exponents and their standard errors as CSV
# mode=line     prints nats by the quantity `of`, with the other as in the run named `run`, as CSV
# mode=predict  prints a prediction for `for_stories` stories and `for_hours` processor hours, as text

function fail(message) {
	print "power: " message >"/dev/stderr"
	failed = 1
	exit 1
}

# invert - put the inverse of the symmetric, positive matrix m of order p into v
function invert(m, v, p,    i, j, k, pivot, factor) {
	for (i = 1; i <= p; i++)
		for (j = 1; j <= p; j++)
			v[i, j] = i == j
	for (k = 1; k <= p; k++) {
		pivot = m[k, k]
		if (pivot < 1e-9)
			fail("the runs do not tell operations and stories apart")
		for (j = 1; j <= p; j++) {
			m[k, j] /= pivot
			v[k, j] /= pivot
		}
		for (i = 1; i <= p; i++) {
			factor = m[i, k]
			for (j = 1; i != k && j <= p; j++) {
				m[i, j] -= factor * m[k, j]
				v[i, j] -= factor * v[k, j]
			}
		}
	}
}

# fit - coefficients beta[1...p], their covariance divided by variance, and variance, that of a run
function fit(    i, j, r, m, sums, error) {
	p = 1
	for (i = 1; i <= 2; i++)
		if (least[quantity[i]] < most[quantity[i]])
			term[++p] = quantity[i]
	if (n < p)
		fail(n " runs are too few for " p " coefficients")
	for (r = 1; r <= n; r++)
		for (i = 1; i <= p; i++) {
			sums[i] += x[r, term[i]] * y[r]
			for (j = 1; j <= p; j++)
				m[i, j] += x[r, term[i]] * x[r, term[j]]
		}
	invert(m, covariance, p)
	for (i = 1; i <= p; i++)
		for (j = 1; j <= p; j++)
			beta[i] += covariance[i, j] * sums[j]
	for (r = 1; r <= n; r++) {
		error = y[r]
		for (i = 1; i <= p; i++)
			error -= beta[i] * x[r, term[i]]
		squares += error * error
	}
	freedom = n - p
	variance = freedom ? squares / freedom : 0
}

# predicted - ln nats at at_point[1...p]; sets spread, the standard error for one more run
function predicted(at_point,    i, j, ln_nats) {
	spread = 1
	for (i = 1; i <= p; i++) {
		ln_nats += beta[i] * at_point[i]
		for (j = 1; j <= p; j++)
			spread += at_point[i] * covariance[i, j] * at_point[j]
	}
	spread = sqrt(spread * variance)
	return ln_nats
}

# quantile - 0.975 quantile of Student's t
function quantile(freedom,    q) {
	split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262 2.228", q, " ")
	return freedom in q ? q[freedom] : 2.2
}

function print_fit(    i) {
	print "quantity,exponent,standard_error,runs,degrees_of_freedom"
	for (i = 2; i <= p; i++)
		printf "%s,%.5f,%s,%d,%d\n", term[i], beta[i],
		    freedom ? sprintf("%.5f", sqrt(variance * covariance[i, i])) : "", n, freedom
}

function print_line(    i, k, value, point) {
	if (!(run in row))
		fail("no run " run)
	print of ",held_out_nats"
	for (i = 1; i <= p; i++)
		point[i] = x[row[run], term[i]]
	for (k = 0; k <= 20; k++) {
		value = log(least[of]) + k / 20 * log(most[of] / least[of])
		for (i = 2; i <= p; i++)
			if (term[i] == of)
				point[i] = value - log(first[of])
		printf "%.6g,%.6g\n", exp(value), exp(predicted(point))
	}
}

function print_prediction(    i, wanted, point, ln_nats, left) {
	wanted["stories"] = for_stories
	wanted["operations"] = for_hours * 3600 * first["operations"] / first["processor_s"]
	printf "Prediction for %d stories and %g processor hours (%.3g operations): ", for_stories,
	    for_hours, wanted["operations"]
	point[1] = 1
	for (i = 2; i <= p; i++)
		point[i] = log(wanted[term[i]] / first[term[i]])
	ln_nats = predicted(point)
	printf "%.2f nats a row\n", exp(ln_nats)
	if (freedom)
		printf "(95 %% interval of a further run, with %d degrees of freedom: %.4g to %.4g).\n", \
		    freedom, exp(ln_nats - quantile(freedom) * spread),
		    exp(ln_nats + quantile(freedom) * spread)
	else
		print "(no error can be given: there are as many coefficients as runs)."
	for (i = 1; i <= 2; i++) {
		left = quantity[i]
		if (least[left] == most[left])
			printf "It ignores the number of %s: all runs have the same.\n", left
		else if (wanted[left] > most[left])
			printf "It extrapolates %.3g times beyond the most %s of a run.\n", \
			    wanted[left] / most[left], left
		else if (wanted[left] < least[left])
			printf "It extrapolates %.3g times below the fewest %s of a run.\n", \
			    least[left] / wanted[left], left
	}
	print "The interval is that of the fit alone: it does not cover that the law may bend. The law has"
	print "no floor, but text has an entropy; more steps on few stories overfit; and the size of the"
	print "model does not change. So the prediction is likely too low, the more the farther it reaches."
}

BEGIN {
	FS = ","
	term[1] = "constant"
	quantity[1] = "operations"
	quantity[2] = "stories"
}

NR == 1 {
	for (i = 1; i <= NF; i++)
		at[$i] = i
	next
}

{
	n++
	row[$1] = n
	x[n, "constant"] = 1
	if (!($at["held_out_nats"] > 0))
		fail("a run without held_out_nats")
	y[n] = log($at["held_out_nats"])
	for (i = 1; i <= 2; i++) {
		q = quantity[i]
		value = $at[q] + 0
		if (n == 1)
			first[q] = least[q] = most[q] = value
		least[q] = value < least[q] ? value : least[q]
		most[q] = value > most[q] ? value : most[q]
		x[n, q] = log(value / first[q])
	}
	if (n == 1)
		first["processor_s"] = $at["processor_s"]
}

END {
	if (failed)
		exit 1
	if (!n)
		fail("no runs")
	fit()
	if (mode == "fit")
		print_fit()
	else if (mode == "line")
		print_line()
	else
		print_prediction()
}
