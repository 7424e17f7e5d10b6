# What a step takes on many nodes: the cost model of cdcd(7), SCALE. `mode` says what is made of the
# files, whose first rows name their columns:
#
# models   shapes.csv, node.csv: a row a model, its shape and what was measured of it on one node
# machine  models.csv, calls.csv: what the processors of this machine are worth together, of one of
#          them, and latency and bandwidth between two processes
# compare  models.csv, machine.csv, ranks.csv: what was measured of processes of this machine beside
#          what the model makes of it. Their messages are copied by the processors that compute:
#          nothing is hidden, and what there are too few processors for takes its turn.
# predict  models.csv: a row for each model, network, speed of the nodes, and number of nodes
#
# model       the row of models.csv that the processes trained, each by one thread; whole is the same
#             model by all threads of the machine
# batch, rows rows of a step: of all nodes (strong scaling, compare), of each (weak scaling)
# gbit        of the network, in Gbit/s, each way at once; "inf" is allowed; latency_us of a message
# speeds      how many times as fast as the one that was measured the nodes are
# most        nodes; they are doubled from 1
# bucket      bytes

BEGIN {
	FS = ","
	# A step is forward, backward, and the forward pass of half the rows once more.
	BACKWARD = 2 / 3.5
	# Sums of a few numbers that all wait for; with sharding there is one more.
	SMALL = 6
}

# ---- messages. What is fixed about a run is global: n nodes; wire and shard as of train; sums,
# how floats are summed: "ring", or "tree", as MPI may do it; progress: "calls", where messages make
# headway in calls of MPI only, "free", or "none".

function log2(n,    k, p) {
	for (p = 1; p < n; p *= 2)
		k++
	return k + 0
}

# How many times the gradient, as floats, passes the slowest link. bf16 is swapped by train itself.
function volume(    share) {
	share = (n - 1) / n
	if (wire == "bf16")
		return shard == "on" ? share / 2 : share
	if (sums == "tree")
		return shard == "on" ? log2(n) + share : 2 * log2(n)
	return shard == "on" ? share : 2 * share
}

# Messages of a bucket that wait for one another.
function rounds() {
	if (wire == "float" && sums == "tree")
		return shard == "on" ? log2(n) + n - 1 : 2 * log2(n)
	return shard == "on" ? n - 1 : 2 * (n - 1)
}

# Calls of MPI that they take; what is swapped goes to all at once.
function calls() {
	return wire == "float" ? rounds() : shard == "on" ? 1 : 2
}

function seconds(bytes, messages) {
	return bytes / bandwidth + messages * latency
}

function small_sums() {
	return seconds(0, log2(n) * (SMALL + (shard == "on")))
}

# ---- a model's gradient: P numbers in so many buckets, besides the last, which has `tail` of them

# A tensor is complete: the bucket sets out if it is full.
function add(size) {
	tail += size
	if (4 * tail < bucket)
		return
	buckets++
	tail = 0
}

# From the end of the flat array to its beginning, as lib/model/exchange.c cuts it but for small tensors:
# head and recall, blocks, and what is before the first block, which comes last, and has nothing left
# to hide behind.
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

# The share of the others that can be hidden: each has the calls of the blocks after it.
function hideable(m,    l, sum) {
	if (progress != "calls")
		return progress == "free"
	for (l = 1; l <= layers[m]; l++)
		sum += l < calls() ? l / calls() : 1
	return sum / layers[m]
}

# ---- a step in which each node computes so many tokens: sets step, comm, wired, hidden, in seconds.
# Nodes are `speed` times as fast as measured; `crowd` processes share what one was measured on, and
# queue times as many a wire as when that was measured.

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

# Two rows for each model, of few and of many rows.
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
			print "scale: " m ": more rows take no longer; is the machine busy?" >"/dev/stderr"
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
	print "model,layers,width,embed,words,row_len,parameters,operations,token_s,fixed_s,update_s,gflop_per_s"
	for (i = 1; i <= models; i++) {
		m = name[i]
		printf "%s,%.6g,%.6g,%.6g,%.1f\n", line[m], token_s[m], fixed_s[m], update_s[m],
		    operations[m] / token_s[m] / 1e9
	}
}

function alone(m) {
	return batch * row_len[m] * token_s[m] + fixed_s[m] + update_s[m]
}

# Of two processes: a model of nearly nothing, whose time is that of its messages, and one whose time
# is that of its bytes.
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
	ways = split("float/off/ring float/off/tree float/on/ring float/on/tree bf16/off/swap bf16/on/swap",
	    way, " ")
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
	print "model,scaling,gbit_per_s,speed,wire,shard,sums,progress,nodes,rows,step_s,comm_s,wire_s,hidden_s,tokens_per_s,efficiency"
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
