# Generates, checks and measures stories of a known grammar. Run by ./stories, after common.awk and
# grammar.awk; stories sets
#   mode      generate, check, summary, entropy or words
#   n, seed   number of stories to generate, and random seed
#   GRAMMAR   (in the environment) the grammar; stories.grammar explains the notation
#   EXCLUDE   (in the environment) a file of stories: generate leaves them out, summary counts them
#             as seen
#
# The awk is portable: mawk, gawk, busybox and the one true awk give the same bytes. Integers stay
# below 2^53, and awk's own random numbers are not used.

# ---- generate

function draw_all(    g, k, i, r, table, used) {
	for (g = 1; g <= groups; g++) {
		table = group_table[g]
		split("", used)
		for (k = 1; k <= group_size[g]; k++) {
			r = 1 + int(uniform() * (records[table] - k + 1))
			for (i = 1; i <= r; i++)
				r += i in used
			used[r] = 1
			drawn[variable[g, k]] = r
		}
	}
}

function story(    p, i, r, word, text) {
	draw_all()
	for (p = 1;;) {
		r = uniform()
		for (i = 1; i < edges[p]; i++)
			if ((r -= 1 / ways[p, i]) < 0)
				break
		p = edge[p, i]
		if (p == last)
			return substr(text, 2)
		word = p in slot ? cell[slot_table[p], slot_column[p], drawn[slot[p]]] : label[p]
		text = text (word ~ /^[.,!?]$/ ? "" : " ") word
	}
}

function generate(    made, tries, text) {
	seed_with(seed)
	while (made < n) {
		text = story()
		if (spaced(text) in excluded) {
			if (++tries > 100 * n + 1000)
				fail("nearly all stories of this grammar are in " exclude)
			continue
		}
		print "{\"story\": \"" text "\"}"
		made++
	}
}

# ---- check

# ln - the logarithm of a number of ways, cached because few numbers occur
function ln(x) {
	if (!(x in ln_of))
		ln_of[x] = logarithm(x)
	return ln_of[x]
}

# spaced - a story with one space between all words and punctuation marks
function spaced(line) {
	line = plain(line)
	gsub(/[.,!?]/, " & ", line)
	gsub(/[ \t\r]+/, " ", line)
	sub(/^ /, "", line)
	sub(/ $/, "", line)
	return line
}

function exclude_all(    line, got) {
	while ((got = (getline line <exclude)) > 0)
		excluded[spaced(line)] = 1
	if (got < 0)
		fail(exclude ": cannot be read")
	close(exclude)
}

# steps - the states after state p and a word, with the ways: "q/ways q/ways ..."
function steps(p, word,    i, out) {
	if ((p, word) in step)
		return step[p, word]
	for (i = 1; i <= edges[p]; i++)
		if (accepts(edge[p, i], word))
			out = out " " edge[p, i] "/" ways[p, i]
	return step[p, word] = out
}

# judge - read a spaced text; sets grammatical, consistent, reason and nats (-ln of its probability)
function judge(text,    w, nw, i, j, k, now, active, nf, f, part, came, next_active, path) {
	grammatical = consistent = 0
	reason = nats = ""
	nw = split(text, w, " ")
	w[nw + 1] = ""
	now = active[1] = 1
	for (i = 1; i <= nw + 1; i++) {
		k = 0
		for (j = 1; j <= now; j++) {
			nf = split(steps(active[j], w[i]), f, " ")
			for (; nf; nf--) {
				split(f[nf], part, "/")
				next_active[++k] = part[1]
				came[i, part[1]] = active[j] "/" part[2]
			}
		}
		if (!k) {
			reason = misfit(w, nw, i)
			return
		}
		now = k
		for (j = 1; j <= now; j++)
			active[j] = next_active[j]
	}
	grammatical = 1
	nats = 0
	path[nw + 1] = last
	for (i = nw + 1; i >= 1; i--) {
		split(came[i, path[i]], part, "/")
		path[i - 1] = part[1]
		nats += ln(part[2])
	}
	bind(w, nw, path)
}

function misfit(w, nw, i,    p, known) {
	if (i > nw)
		return nw ? "ends too early, after \"" w[nw] "\"" : "is empty"
	for (p = 2; p <= last && !known; p++)
		known = accepts(p, w[i])
	if (!known)
		return "word " i ": \"" w[i] "\" is not a word of the grammar"
	return "word " i ": \"" w[i] "\" " (i > 1 ? "after \"" w[i - 1] "\"" : "at the start")
}

# bind - whether one draw explains every slot of the path. able[v, r]: record r is possible for v.
function bind(w, nw, path,    i, r, p, v, table, left, able, first, touched, g) {
	for (i = 1; i <= nw; i++) {
		p = path[i]
		if (!(p in slot))
			continue
		v = slot[p]
		table = slot_table[p]
		left = 0
		for (r = 1; r <= records[table]; r++)
			if ((!(v in first) || (v, r) in able) && cell[table, slot_column[p], r] == w[i]) {
				able[v, r] = 1
				left++
			} else
				delete able[v, r]
		if (!left) {
			reason = "word " i ": \"" w[i] "\" for " v ", who was \"" w[first[v]] "\" at word " first[v]
			if (table != "child" && table != "family" && table != "sex")
				sub(/, who was/, ", which was", reason)
			nats = ""
			return
		}
		if (!(v in first))
			first[v] = i
		touched[group_of[v]] = 1
	}
	for (g = 1; g <= groups; g++) {
		if (!(g in touched))
			continue
		left = assignments(g, 1, able, first)
		if (!left) {
			reason = variable[g, 1] " and " variable[g, 2] " are the same"
			nats = ""
			return
		}
		nats += ln(draws(g) / left)
	}
	consistent = 1
}

# assignments - number of draws of a group's variables, from the k-th on, that agree with the text
function assignments(g, k, able, first,    v, r, sum) {
	if (k > group_size[g])
		return 1
	v = variable[g, k]
	for (r = 1; r <= records[group_table[g]]; r++)
		if (!((g, r) in taken) && (!(v in first) || (v, r) in able)) {
			taken[g, r] = 1
			sum += assignments(g, k + 1, able, first)
			delete taken[g, r]
		}
	return sum + 0
}

function draws(g,    k, product) {
	product = 1
	for (k = 0; k < group_size[g]; k++)
		product *= records[group_table[g]] - k
	return product
}

function quoted(text) {
	gsub(/"/, "\"\"", text)
	return text ~ /[",\r]/ ? "\"" text "\"" : text
}

# ---- entropy
#
# The entropy is exact, in nats per story. Each text has one path, and each path has one text for
# each distinguishable draw, so H = H(path) + sum over groups of E[H(the columns of the group's draw
# that the path mentions)].

function entropy_of_choices(    h, p, i) {
	h[last] = 0
	for (p = last - 1; p >= 1; p--)
		for (i = 1; i <= edges[p]; i++)
			h[p] += (ln(ways[p, i]) + h[edge[p, i]]) / ways[p, i]
	return h[1]
}

# entropy_of_group - computes, state by state, the distribution over the sets of columns of group g
# that a path mentions; the sets at the end state give the entropy
function entropy_of_group(g,    kinds, kind, p, q, i, m, nm, mask, list, share, told, sum) {
	for (p = 2; p < last; p++)
		if (p in slot && group_of[slot[p]] == g && !(label[p] in kind)) {
			kind[label[p]] = ++kinds
			told_variable[g, kinds] = slot[p]
			told_column[g, kinds] = slot_column[p]
		}
	for (i = 1; i <= kinds; i++)
		mask = mask "0"
	list[1] = mask
	share[1, mask] = 1
	for (p = 1; p < last; p++) {
		nm = split(list[p], told, " ")
		for (i = 1; i <= edges[p]; i++) {
			q = edge[p, i]
			for (m = 1; m <= nm; m++) {
				mask = told[m]
				if (label[q] in kind)
					mask = substr(mask, 1, kind[label[q]] - 1) "1" substr(mask, kind[label[q]] + 1)
				if (!((q, mask) in share))
					list[q] = list[q] " " mask
				share[q, mask] += share[p, told[m]] / ways[p, i]
			}
		}
	}
	nm = split(list[last], told, " ")
	for (m = 1; m <= nm; m++) {
		split("", seen_draw)
		distinguish(g, 1, told[m], "")
		for (i in seen_draw)
			sum += share[last, told[m]] * seen_draw[i] * ln(draws(g) / seen_draw[i]) / draws(g)
	}
	return sum + 0
}

# distinguish - count the draws of a group by the values of the mentioned columns
function distinguish(g, k, mask, shown,    i, r, more) {
	if (k > group_size[g]) {
		seen_draw[shown]++
		return
	}
	for (r = 1; r <= records[group_table[g]]; r++) {
		if ((g, r) in taken)
			continue
		taken[g, r] = 1
		more = ""
		for (i = 1; i <= length(mask); i++)
			if (substr(mask, i, 1) == "1" && told_variable[g, i] == variable[g, k])
				more = more " " cell[group_table[g], told_column[g, i], r]
		distinguish(g, k + 1, mask, shown "," more)
		delete taken[g, r]
	}
}

function entropy(    choices, slots, g, p, i, q, shortest, longest, mean) {
	choices = entropy_of_choices()
	for (g = 1; g <= groups; g++)
		slots += entropy_of_group(g)
	for (p = last - 1; p >= 1; p--)
		for (i = 1; i <= edges[p]; i++) {
			q = edge[p, i]
			if (!(p in shortest) || shortest[q] + 1 < shortest[p])
				shortest[p] = shortest[q] + 1
			if (longest[q] + 1 > longest[p])
				longest[p] = longest[q] + 1
			mean[p] += (mean[q] + 1) / ways[p, i]
		}
	print "entropy_nats,choices_nats,draws_nats,tokens_min,tokens_mean,tokens_max,words"
	printf "%.9g,%.9g,%.9g,%d,%.9g,%d,%d\n", choices + slots, choices, slots, shortest[1] - 1,
	    mean[1] - 1, longest[1] - 1, words()
}

# words - print (in mode words) every word and punctuation mark of the grammar; returns the number
function words(    p, r, word, known, n) {
	for (p = 2; p < last; p++)
		for (r = 1; r <= (p in slot ? records[slot_table[p]] : 1); r++) {
			word = p in slot ? cell[slot_table[p], slot_column[p], r] : label[p]
			if (!(word in known)) {
				known[word] = 1
				if (mode == "words")
					print word
				n++
			}
		}
	return n
}

# ---- modes

BEGIN {
	grammar = ENVIRON["GRAMMAR"]
	exclude = ENVIRON["EXCLUDE"]
	load()
	unfold()
	verify()
	if (exclude != "")
		exclude_all()
	if (mode == "generate")
		generate()
	else if (mode == "entropy")
		entropy()
	else if (mode == "words")
		words()
	if (mode != "check" && mode != "summary") {
		done = 1
		exit 0
	}
	if (mode == "check")
		print "story,grammatical,consistent,reason,nats"
}

{
	text = spaced($0)
	judge(text)
	if (mode == "check")
		print quoted(plain($0)) "," grammatical "," consistent "," quoted(reason) "," \
		    (nats == "" ? "" : sprintf("%.9g", nats))
	checked++
	sum_grammatical += grammatical
	sum_consistent += consistent
	duplicates += text in before
	before[text] = 1
	seen += text in excluded
}

END {
	if (failed)
		exit 1
	if (!done && mode == "summary") {
		print "stories,grammatical,consistent,duplicates,seen"
		printf "%d,%.4f,%.4f,%d,%d\n", checked, checked ? sum_grammatical / checked : 0,
		    checked ? sum_consistent / checked : 0, duplicates, seen
	}
}
