# Reads a grammar of stories, and expands it into an automaton. Run by ./stories, before
# stories.awk.
#
# The automaton over words is acyclic. It has a state for each word or slot of each use of a rule,
# and an edge from each state to every state that may follow, with the probability of the choices
# between them. Generator, checker and entropy use this automaton. verify() refuses ambiguous
# grammars, so a text has at most one path, and its probability is that of its path times that of
# its draws.

function fail(message) {
	print "stories: " message >"/dev/stderr"
	failed = 1
	exit 1
}

# ---- the grammar

function complain(message) {
	fail(grammar ":" line_number ": " message)
}

function load(    line, got, section, name, f, nf, i) {
	while ((got = (getline line <grammar)) > 0) {
		line_number++
		sub(/#.*/, "", line)
		nf = split(line, f, /[ \t:]+/)
		if (line ~ /^[ \t]*$/)
			continue
		if (line ~ /^[ \t]/) {
			sub(/^[ \t]+/, "", line)
			if (section == "table")
				add_record(name, line)
			else if (section == "rule")
				rule_line[name, ++rule_lines[name]] = line
			else
				complain("indented line without a table or rule before it")
			continue
		}
		section = f[1]
		name = f[2]
		if (name == "")
			complain("missing name after \"" section "\"")
		if (section == "table")
			add_table(name, f, nf)
		else if (section == "draw")
			add_draw(name, f, nf)
		else if (section != "rule" || name in rule_lines)
			complain("expected table, draw or a new rule: " line)
		else
			rule_lines[name] = 0
	}
	if (got < 0)
		fail(grammar ": cannot be read")
	close(grammar)
}

function add_table(name, f, nf,    i) {
	if (name in records)
		complain("table " name " is defined twice")
	records[name] = 0
	for (i = 3; i <= nf; i++)
		if (f[i] != "")
			column[name, ++columns[name]] = f[i]
}

function add_record(table, line,    f, nf, i, r) {
	nf = split(line, f, /[ \t]+/)
	if (nf && f[nf] == "")
		nf--
	if (nf != columns[table])
		complain("table " table " has " columns[table] " columns, this record " nf)
	r = ++records[table]
	for (i = 1; i <= nf; i++) {
		cell[table, column[table, i], r] = f[i]
		in_column[table, column[table, i], f[i]] = 1
	}
}

# add_draw - variables of one draw get different records
function add_draw(table, f, nf,    i) {
	if (!(table in records))
		complain("no table " table)
	group_table[++groups] = table
	for (i = 3; i <= nf; i++)
		if (f[i] != "") {
			if (f[i] in group_of)
				complain(f[i] " is drawn already")
			variable[groups, ++group_size[groups]] = f[i]
			group_of[f[i]] = groups
			rank[f[i]] = group_size[groups]
		}
	if (group_size[groups] > records[table])
		complain("table " table " has too few records for " group_size[groups] \
		    " different variables")
}

# ---- the automaton
#
# States are 1 (the start), 2, ... and `last` (the end); edges lead to higher numbers only. A
# frontier is the set of states that may come before the next word: a string "state/ways state/ways
# ...", where 1/ways is the probability of the choices.

function unfold(    frontier) {
	last = 1
	frontier = expand("story", "1/1", " ")
	connect(frontier, ++last)
}

function connect(frontier, to,    f, nf, i, part) {
	nf = split(frontier, f, " ")
	for (i = 1; i <= nf; i++) {
		split(f[i], part, "/")
		if (last_edge[part[1]] == to)
			fail(grammar ": ambiguous: two empty ways to \"" label[to] "\"")
		last_edge[part[1]] = to
		edge[part[1], ++edges[part[1]]] = to
		ways[part[1], edges[part[1]]] = part[2]
	}
}

function scaled(frontier, k,    f, nf, i, part, out) {
	nf = split(frontier, f, " ")
	for (i = 1; i <= nf; i++) {
		split(f[i], part, "/")
		out = out " " part[1] "/" part[2] * k
	}
	return out
}

function expand(name, frontier, inside,    i, out) {
	if (!(name in rule_lines) || !rule_lines[name])
		fail(grammar ": no rule " name)
	if (index(inside, " " name " "))
		fail(grammar ": rule " name " contains itself")
	frontier = scaled(frontier, rule_lines[name])
	for (i = 1; i <= rule_lines[name]; i++)
		out = out " " sequence(rule_line[name, i], frontier, inside name " ")
	return out
}

# token - the length of the first token of a line
function token(line) {
	if (match(line, /^[{][a-z0-9_.]+[}]/) || match(line, /^<[a-z0-9_]+>/) || match(line, /^[a-z]+/) ||
	    match(line, /^[(|).,!?]/))
		return RLENGTH
	fail(grammar ": expected a word, a {slot}, a <rule>, a choice or punctuation: " line)
}

function sequence(line, frontier, inside,    t, n) {
	for (;;) {
		sub(/^[ \t]+/, "", line)
		if (line == "")
			return frontier
		n = token(line)
		t = substr(line, 1, n)
		if (t == "|" || t == ")")
			fail(grammar ": unexpected " line)
		if (t == "(") {
			n = closing(line)
			frontier = choice(substr(line, 2, n - 2), frontier, inside)
		} else if (substr(t, 1, 1) == "<")
			frontier = expand(substr(t, 2, n - 2), frontier, inside)
		else {
			connect_word(t, frontier)
			frontier = last "/1"
		}
		line = substr(line, n + 1)
	}
}

# closing - the position of the parenthesis that closes the first one
function closing(line,    i, c, depth) {
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		depth += (c == "(") - (c == ")")
		if (!depth)
			return i
	}
	fail(grammar ": no closing parenthesis: " line)
}

function choice(text, frontier, inside,    i, c, depth, from, n, part, out) {
	text = text "|"
	from = 1
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		depth += (c == "(") - (c == ")")
		if (c == "|" && !depth) {
			part[++n] = substr(text, from, i - from)
			from = i + 1
		}
	}
	frontier = scaled(frontier, n)
	for (i = 1; i <= n; i++)
		out = out " " sequence(part[i], frontier, inside)
	return out
}

function connect_word(t, frontier,    part, name) {
	label[++last] = t
	if (substr(t, 1, 1) == "{") {
		split(substr(t, 2, length(t) - 2), part, ".")
		if (!(part[1] in group_of))
			fail(grammar ": nothing draws " t)
		slot[last] = part[1]
		name = group_table[group_of[part[1]]]
		slot_column[last] = part[2] == "" ? column[name, 1] : part[2]
		slot_table[last] = name
		if (!((name, slot_column[last], 1) in cell))
			fail(grammar ": no column: " t)
	}
	connect(frontier, last)
}

# accepts - whether a state may read a word, regardless of the rest of the story
function accepts(state, word) {
	if (state in slot)
		return (slot_table[state], slot_column[state], word) in in_column
	return label[state] == word
}

# ---- ambiguity
#
# The automaton is ambiguous if and only if two different paths read the same text, that is, if a
# pair of different states is on a path from the start to the end of the product of the automaton
# with itself.

function verify(    queue, seen, from, into, head, tail, pair, i, j, p, q, useful) {
	queue[tail = 1] = "1 1"
	seen["1 1"] = 1
	for (head = 1; head <= tail; head++) {
		split(queue[head], pair, " ")
		for (i = 1; i <= edges[pair[1]]; i++)
			for (j = 1; j <= edges[pair[2]]; j++) {
				p = edge[pair[1], i]
				q = edge[pair[2], j]
				if (!meet(p, q))
					continue
				p = p < q ? p " " q : q " " p
				into[p] = into[p] "," queue[head]
				if (p in seen)
					continue
				seen[p] = 1
				from[p] = queue[head]
				queue[++tail] = p
			}
	}
	split("", seen)
	queue[tail = 1] = last " " last
	for (head = 1; head <= tail; head++) {
		split(queue[head], pair, " ")
		if (pair[1] != pair[2])
			fail(grammar ": ambiguous: two ways to read \"" reading(queue[head], from) "\"")
		j = split(into[queue[head]], useful, ",")
		for (i = 2; i <= j; i++)
			if (!(useful[i] in seen)) {
				seen[useful[i]] = 1
				queue[++tail] = useful[i]
			}
	}
}

# meet - whether two states can read the same word
function meet(a, b,    kind, table, r) {
	if (label[a] == label[b])
		return 1
	if (!(a in slot))
		return accepts(b, label[a])
	kind = label[a] " " label[b]
	if (!(kind in meets)) {
		meets[kind] = 0
		table = slot_table[a]
		for (r = 1; r <= records[table] && !meets[kind]; r++)
			meets[kind] = accepts(b, cell[table, slot_column[a], r])
	}
	return meets[kind]
}

# reading - the words that lead to a pair of states, for the message
function reading(pair, from,    text, part) {
	while (pair != "1 1") {
		split(pair, part, " ")
		text = label[part[1]] " " text
		pair = from[pair]
	}
	sub(/ +$/, "", text)
	return text
}
