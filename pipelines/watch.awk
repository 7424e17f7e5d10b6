# Reads a trace of "denoise --trace" and a vocabulary, and calls show_frame(step) for the steps to
# show, and then show_end(). watch-show.awk and watch-svg.awk have these functions.
#
# The arrays, with the names of the options of watch: id[step, position], probability[step, position]
# (empty for given tokens), level[step], positions; of each token of the vocabulary, text[id] and
# joined[id] (whether no space precedes it), and hidden[id], whether it is a special token. Frames are
# shown as they arrive if their number is not set.

BEGIN {
	trace = ENVIRON["TRACE"] == "-" ? "standard input" : ENVIRON["TRACE"]
	read_vocabulary(ENVIRON["VOCAB"])
	FS = ","
	positions = 0
	n_steps = 0
}

function fail(message) {
	print "watch: " message >"/dev/stderr"
	failed = 1
	exit 1
}

function wrong(message) {
	fail(trace ": line " NR ": " message)
}

# ---- the vocabulary, as tok -d prints it

function read_vocabulary(path,    line, status, i, names, n) {
	n = split("[PAD] [UNK] [CLS] [SEP] [MASK]", names, " ")
	for (i = 1; i <= n; i++)
		special[names[i]]
	n = split(". ? ! , n't 'm 's 've 're", names, " ")
	for (i = 1; i <= n; i++)
		closes[names[i]]
	for (vocabulary = 0; (status = (getline line < path)) > 0; vocabulary++) {
		sub(/\r$/, "", line)
		if (vocabulary == 0)
			sub(/^\357\273\277/, "", line)
		hidden[vocabulary] = line in special
		joined[vocabulary] = line in closes || line ~ /^##/
		sub(/^##/, "", line)
		text[vocabulary] = printable(line)
	}
	if (status < 0 || vocabulary == 0)
		fail(path ": no tokens")
}

# printable - the text with ? for control characters, which could change the terminal or end the
# picture, and for what the terminal cannot show
function printable(s) {
	gsub(/[\001-\037\177]|\302[\200-\237]/, "?", s)
	if (!unicode)
		gsub(/[\300-\377][\200-\277]*/, "?", s)
	return s
}

# width - the number of columns of a text. A character is a byte and the bytes 0x80 to 0xbf after it;
# those of East Asian scripts and emoji, roughly, take two columns.
function width(s,    wide) {
	wide = gsub(/[\343-\355\360-\367]/, "&", s)
	gsub(/[\200-\277]/, "", s)
	return length(s) + wide
}

# ---- the trace

function read_header(    i, n, names) {
	for (i = 1; i <= NF; i++)
		column[$i] = i
	n_columns = NF
	n = split("step t row position id probability", names, " ")
	for (i = 1; i <= n; i++)
		if (!(names[i] in column))
			fail(trace ": no column '" names[i] "': not a trace of denoise")
}

function whole_number(name,    value) {
	value = $column[name]
	if (value !~ /^[0-9]+$/)
		wrong(name " '" value "' is not a whole number")
	return value + 0
}

function real_number(name,    value) {
	value = $column[name]
	if (value !~ /^[0-9]+([.][0-9]+)?(e[-+]?[0-9]+)?$/)
		wrong(name " '" value "' is not a number")
	return value
}

function end_step() {
	if (n_steps == 1)
		positions = n_read
	else if (n_read != positions)
		fail(trace ": truncated: step " step " of row " row " has " n_read " positions (expected " \
		    positions ")")
	if (!frames)
		show_frame(step)
}

function begin_step(number) {
	if (n_steps > 0) {
		if (number <= step)
			wrong("step " number " of row " row " follows step " step)
		end_step()
	}
	step = number
	steps[n_steps++] = step
	level[step] = real_number("t")
	n_read = 0
}

# Without this line at the end, the last line is truncated.
/end of trace$/ {
	if ($0 != "end of trace")
		fail(trace ": truncated in line " NR)
	complete = 1
	next
}

{ sub(/\r$/, "") }

NR == 1 {
	read_header()
	next
}

NF != n_columns { wrong(NF " fields (expected " n_columns ")") }

whole_number("row") != row { next }

{
	number = whole_number("step")
	if (n_steps == 0 || number != step)
		begin_step(number)
	position = whole_number("position")
	if (position != n_read)
		wrong("position " position " (expected " n_read ")")
	token = whole_number("id")
	if (token >= vocabulary)
		wrong("id " token " is not in " ENVIRON["VOCAB"] ", which has " vocabulary " tokens")
	id[step, position] = token
	p = $column["probability"] == "" ? "" : real_number("probability")
	if (p > 1)
		wrong("probability " p " is above 1")
	probability[step, position] = p
	n_read++
}

END {
	if (failed)
		exit 1
	if (!n_columns)
		fail(trace ": empty: not a trace of denoise")
	if (n_steps == 0)
		fail(trace ": no row " row)
	end_step()
	if (n_steps == 1)
		fail(trace ": truncated: row " row " has only one step")
	show_chosen()
	show_end()
}

# show_chosen - show as many steps as there are to be frames, from the first to the last. They are
# denser, up to five times, where more changes: most of a text forms in a small part of the steps.
function show_chosen(    i, k, n, mean, sum) {
	n = frames < n_steps ? frames : n_steps
	mean = 1e-9
	for (i = 1; i < n_steps; i++)
		mean += change(steps[i - 1], steps[i]) / (n_steps - 1)
	for (i = 1; i < n_steps; i++)
		sum[i] = sum[i - 1] + 1 + least(4, change(steps[i - 1], steps[i]) / mean)
	k = -1
	for (i = 0; frames && i < n; i++) {
		for (k++; k < n_steps - n + i && sum[k] < i / (n - 1) * sum[n_steps - 1]; k++)
			;
		step = steps[k]
		show_frame(step)
	}
}

function least(a, b) {
	return a < b ? a : b
}

# change - how much differs between two steps: 1 for another token, else the change of its probability
function change(a, b,    i, sum, difference) {
	for (i = 0; i < positions; i++) {
		difference = certain(a, i) - certain(b, i)
		sum += id[a, i] != id[b, i] ? 1 : difference < 0 ? -difference : difference
	}
	return sum
}

# certain - the probability of a token; 1 for given ones
function certain(step, position) {
	return probability[step, position] == "" ? 1 : probability[step, position] + 0
}
