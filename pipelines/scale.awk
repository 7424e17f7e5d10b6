# Computes the time of a step on many nodes: the cost model of cdcd-cluster(7). `mode` selects the
# output. The first rows of the input files name their columns:
#
# mode     input, output
# models   shapes.csv, node.csv: a row for each model, with its shape and measurements on one node
# machine  models.csv, calls.csv: the speed of all processors of this machine relative to one, and
#          latency and bandwidth between two processes
# compare  models.csv, machine.csv, ranks.csv: measured and predicted times of several processes on
#          this machine. The processors that compute also copy the messages, so no communication is
#          hidden. More processes than processors share the processors.
# predict  models.csv: a row for each model, network, speed of the nodes, and number of nodes
#
# Further variables:
#
# model        the row of models.csv that the processes trained, with one thread each
# whole        the row of the same model, trained with all threads of the machine
# batch        rows per step of all nodes (strong scaling, compare)
# rows         rows per step of each node (weak scaling)
# gbit         bandwidth of the network, in Gbit/s in each direction; "inf" is allowed
# latency_us   latency of a message, in microseconds
# speeds       speed of the nodes, relative to the measured one
# most         largest number of nodes; the numbers are the powers of 2 up to this one
# bucket       size of a bucket, in bytes

BEGIN {
	FS = ","
	# A step is a forward pass, a backward pass (twice the time), and a second forward pass of
	# half the rows, for self-conditioning.
	BACKWARD = 2 / 3.5
	# All-reductions of a few numbers, which all ranks wait for; with sharding there is one
	# more.
	SMALL = 6
}

# ---- messages
#
# The properties of a run are global variables:
#
# n            number of nodes
# wire, shard  the options of train
# sums         algorithm of the reduction of floats in MPI: "ring" or "tree"
# progress     when messages make progress: "calls": only inside MPI calls; "free": always; "none":
#              no communication is hidden

function log2(n,    k, p) {
	for (p = 1; p < n; p *= 2)
		k++
	return k + 0
}

# volume - how many times the gradient, as floats, is sent over the slowest link. For bf16, train
# exchanges the parts itself by all-to-all messages.
function volume(    share) {
	share = (n - 1) / n
	if (wire == "bf16")
		return shard == "on" ? share / 2 : share
	if (sums == "tree")
		return shard == "on" ? log2(n) + share : 2 * log2(n)
	return shard == "on" ? share : 2 * share
}

# rounds - number of messages of a bucket that are sent one after the other
function rounds() {
	if (wire == "float" && sums == "tree")
		return shard == "on" ? log2(n) + n - 1 : 2 * log2(n)
	return shard == "on" ? n - 1 : 2 * (n - 1)
}

# calls - number of MPI calls that a bucket needs; all-to-all messages are sent to all ranks at once
function calls() {
	return wire == "float" ? rounds() : shard == "on" ? 1 : 2
}

function seconds(bytes, messages) {
	return bytes / bandwidth + messages * latency
}

function small_sums() {
	return seconds(0, log2(n) * (SMALL + (shard == "on")))
}

# ---- the gradient of a model: P numbers in `buckets` buckets and a last one with `tail` numbers

# add - append a tensor to the current bucket, and close the bucket if it is full
function add(size) {
	tail += size
	if (4 * tail < bucket)
		return
	buckets++
	tail = 0
}

# plan - divide the gradient into buckets like lib/train/buckets.c, except for small tensors: from
# the end of the flat array to its beginning. First head and copy attention, then the blocks, then
# all tensors before the first block. The last ones are sent when the backward pass has ended, so
# their communication cannot be hidden.
function plan(m,    C, l, first, blocks) {
	P = parameters[m]
	C = width[m]
	first = words[m] * (embed[m] + 1) + C * (4 * embed[m] + 17 + row_len[m]) + 2 * 128 * 129
	blocks = layers[m] * C * (12 * C + 6 * 128)
	buckets = tail = 0
	add(P - blocks - first)
	for (l = 1; l <= layers[m]; l++) {
		add(4 * C * C)
		add(4 * C * C)
		add(C * C)
		add(3 * C * C)
		add(6 * 128 * C)
	}
	tail += first
}

# hideable - the fraction of the communication of the other buckets that can be hidden. For each
# bucket, train makes an MPI call after each block that the backward pass still has to compute.
function hideable(m,    l, sum) {
	if (progress != "calls")
		return progress == "free"
	for (l = 1; l <= layers[m]; l++)
		sum += l < calls() ? l / calls() : 1
	return sum / layers[m]
}

# ---- a step
#
# model_step - the time of a step with `tokens` tokens per node. Sets step, comm, wired and hidden,
# in seconds. Nodes are `speed` times as fast as the measured one. `crowd` processes share the
# processors on which one was measured, and `queue` times as many processes as in the measurement
# share a link.

function model_step(m, tokens,    compute, early, pass) {
	plan(m)
	compute = tokens * token_s[m] / speed
	step = crowd * (compute + (fixed_s[m] + update_s[m] / (shard == "on" ? n : 1)) / speed)
	wired = hidden = comm = 0
	if (n == 1)
		return
	early = queue * seconds(4 * (P - tail) * volume(), buckets * rounds())
	pass = compute * BACKWARD
	hidden = hideable(m) * (early < pass ? early : pass)
	wired = early + queue * (seconds(4 * tail * volume(), rounds()) + small_sums())
	if (shard == "on")
		wired += queue * seconds(4 * P * (n - 1) / n, (buckets + 1) * (n - 1))
	comm = wired - hidden
	step += comm
}

# ---- input

FNR == 1 {
	split("", at)
	for (i = 1; i <= NF; i++)
		at[$i] = i
	file++
	next
}

file == 1 {
	m = $1
	name[++models] = m
	line[m] = $0
	layers[m] = $at["layers"]
	width[m] = $at["width"]
	embed[m] = $at["embed"]
	words[m] = $at["words"]
	row_len[m] = $at["row_len"]
	parameters[m] = $at["parameters"]
	operations[m] = $at["operations"]
	if (mode != "models") {
		token_s[m] = $at["token_s"]
		fixed_s[m] = $at["fixed_s"]
		update_s[m] = $at["update_s"]
	}
	next
}

# node.csv has two lines for each model: steps of few and of many rows.
mode == "models" {
	m = $1
	if (!(m in few)) {
		few[m] = $at["rows"] * row_len[m]
		few_s[m] = $at["step_s"]
		few_update[m] = $at["update_s"]
	} else {
		many = $at["rows"] * row_len[m]
		token_s[m] = ($at["step_s"] - few_s[m]) / (many - few[m])
		if (token_s[m] <= 0) {
			print "scale: " m ": a step of more rows took no longer; " \
			    "the machine may be busy" >"/dev/stderr"
			token_s[m] = $at["step_s"] / many
		}
		update_s[m] = ($at["update_s"] + few_update[m]) / 2
		fixed_s[m] = few_s[m] - few[m] * token_s[m] - update_s[m]
		if (fixed_s[m] < 0)
			fixed_s[m] = 0
	}
}

mode == "machine" {
	comm_of[$1] = $at["comm_s"]
}

mode == "compare" && file == 2 {
	cores = $at["cores"]
	latency = $at["latency_s"]
	bandwidth = $at["bytes_per_s"]
}

mode == "compare" && file == 3 {
	if (!compared++)
		print "ranks,wire,shard,step_s,predicted_s,ratio,comm_s,predicted_comm_s"
	n = $at["ranks"]
	wire = $at["wire"]
	shard = $at["shard"]
	speed = 1
	crowd = n > cores ? n / cores : 1
	queue = n > 2 ? n / 2 : 1
	progress = "none"
	model_step(model, batch / n * row_len[model])
	printf "%d,%s,%s,%.4f,%.4f,%.2f,%.4f,%.4f\n", n, wire, shard, $at["step_s"], step,
	    step / $at["step_s"], $at["comm_s"], comm
}

# ---- output

function print_models(    i, m) {
	print "model,layers,width,embed,words,row_len,parameters,operations,token_s,fixed_s," \
	    "update_s,gflop_per_s"
	for (i = 1; i <= models; i++) {
		m = name[i]
		printf "%s,%.6g,%.6g,%.6g,%.1f\n", line[m], token_s[m], fixed_s[m], update_s[m],
		    operations[m] / token_s[m] / 1e9
	}
}

function alone(m) {
	return batch * row_len[m] * token_s[m] + fixed_s[m] + update_s[m]
}

# print_machine - latency and bandwidth from two measurements with two processes: a tiny model,
# whose communication time is latency, and a model whose communication time is mostly bandwidth
function print_machine(    spent) {
	n = 2
	wire = "float"
	shard = "off"
	plan(model)
	cores = alone(model) / alone(whole)
	latency = comm_of["latency"] / (SMALL * log2(n) + rounds())
	spent = (SMALL * log2(n) + (buckets + 1) * rounds()) * latency
	bandwidth = 4 * P * volume() / (comm_of["bytes"] - spent)
	print "cores,latency_s,bytes_per_s"
	printf "%.3g,%.4g,%.4g\n", cores, latency, bandwidth
}

function print_run(m, scaling, gbit_per_s,    each, one) {
	for (n = 1; n <= most; n *= 2) {
		each = scaling == "strong" ? batch / n : rows
		model_step(m, each * row_len[m])
		if (n == 1)
			one = step
		printf "%s,%s,%s,%s,%s,%s,%s,%s,%d,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.4f\n", m, scaling,
		    gbit_per_s, speed, wire, shard, sums, progress, n, each * n, step, comm, wired, hidden,
		    each * n * row_len[m] / step, one / (scaling == "strong" ? n * step : step)
	}
}

function print_ways(m, scaling, gbit_per_s,    i, way, ways, part) {
	ways = split("float/off/ring float/off/tree float/on/ring float/on/tree " \
	    "bf16/off/swap bf16/on/swap", way, " ")
	for (i = 1; i <= ways; i++) {
		split(way[i], part, "/")
		wire = part[1]
		shard = part[2]
		sums = part[3]
		progress = "calls"
		print_run(m, scaling, gbit_per_s)
		progress = "free"
		print_run(m, scaling, gbit_per_s)
	}
}

function print_prediction(    g, networks, network, s, kinds, kind, k) {
	print "model,scaling,gbit_per_s,speed,wire,shard,sums,progress,nodes,rows,step_s,comm_s," \
	    "wire_s,hidden_s,tokens_per_s,efficiency"
	networks = split(gbit, network, " ")
	kinds = split(speeds, kind, " ")
	latency = latency_us / 1e6
	crowd = queue = 1
	for (k = 1; k <= models; k++)
		for (g = 1; g <= networks; g++) {
			bandwidth = network[g] == "inf" ? 1e30 : network[g] * 1e9 / 8
			for (s = 1; s <= kinds; s++) {
				speed = kind[s]
				print_ways(name[k], "strong", network[g])
				print_ways(name[k], "weak", network[g])
			}
		}
}

END {
	if (mode == "models")
		print_models()
	else if (mode == "machine")
		print_machine()
	else if (mode == "predict")
		print_prediction()
}
