# n-gram models, and measures of texts. Run by ./ngram, after common.awk; ngram sets
#   mode      generate, shuffle, score or measure
#   order     n of the n-grams: words that the model sees, the predicted one included
#   n, seed   number of stories to generate, and random seed
#   temperature   words are drawn by p^(1/temperature)
#   JUDGE     (in the environment) the text that the model is trained on
#   TRAIN     (in the environment) the text in which copies are searched
#
# The model is interpolated modified Kneser-Ney (Chen & Goodman 1999, An empirical study of
# smoothing techniques for language modeling, Computer Speech and Language 13, section 3). With a(h
# w) the number of different words before h w in the text (for the longest h w, and for h w at the
# start of a story: the number of occurrences),
#
#   p(w | h) = max(0, a(h w) - D(a)) / a(h .)  +  gamma(h) p(w | h without its first word)
#
# where gamma(h) is the probability that the discounts D removed. The shortest p is uniform over all
# words and one more, which represents all unknown words. A story is <s> words </s>; </s> counts as
# a word.
#
# The n-grams are a trie: child[v, w] is the node after node v and word w; node 1 is the root.

function fail(message) {
	print "ngram: " message >"/dev/stderr"
	failed = 1
	exit 1
}

# ---- text

function joined(w, nw,    i, text) {
	for (i = 1; i <= nw; i++)
		text = text (i == 1 || w[i] ~ /^[.,!?]$/ ? "" : " ") w[i]
	return text
}

# ---- the model

function new_node(parent, w,    v) {
	v = child[parent, w] = ++nodes
	word_of[v] = w
	parent_of[v] = parent
	sibling[v] = first_child[parent]
	first_child[parent] = v
	return v
}

# learn - train the model on a file
function learn(file,    line, got, w, nw, i, k, v, id, last, node) {
	nodes = 1
	word[begin = 1] = "<s>"
	word[end = words = 2] = "</s>"
	node[0] = 1
	while ((got = (getline line <file)) > 0) {
		nw = split_words(line, w)
		w[nw + 1] = "</s>"
		for (k = 2; k < order; k++)
			node[k] = 0
		node[1] = (1, begin) in child ? child[1, begin] : new_node(1, begin)
		for (i = 1; i <= nw + 1; i++) {
			id = i > nw ? end : identify(w[i])
			last = i < order ? i + 1 : order
			for (k = last; k >= 1; k--) {
				# a new longer n-gram means one more word before the shorter one
				v = child[node[k - 1], id]
				if (!v) {
					v = new_node(node[k - 1], id)
					fresh[k] = 1
				} else
					fresh[k] = 0
				node[k] = v
			}
			for (k = last; k >= 1; k--)
				if (k == order || k == i + 1 || fresh[k + 1])
					count[node[k]]++
		}
	}
	close(file)
	if (got < 0)
		fail(file ": cannot be read")
	if (words == 2)
		fail(file ": no words")
	discount_all()
}

function identify(w) {
	if (!(w in id_of)) {
		id_of[w] = ++words
		word[words] = w
	}
	return id_of[w]
}

# discount_all - the discounts of each order, from the numbers of n-grams that occur once, twice,
# ...; then the counts that they remove
function discount_all(    v, k, a, of, y, c, depth) {
	depth[1] = 0
	for (v = 2; v <= nodes; v++) {
		k = depth[v] = depth[parent_of[v]] + 1
		a = count[v]
		if (a >= 1 && a <= 4)
			of[k, a]++
	}
	for (k = 1; k <= order; k++) {
		y = of[k, 1] ? of[k, 1] / (of[k, 1] + 2 * of[k, 2]) : 0
		for (c = 1; c <= 3; c++) {
			discount[k, c] = of[k, c] ? c - (c + 1) * y * of[k, c + 1] / of[k, c] : 0
			if (!(discount[k, c] > 0 && discount[k, c] < c))
				discount[k, c] = c / 2 # too few to tell
		}
	}
	for (v = 2; v <= nodes; v++)
		if (a = count[v]) {
			total[parent_of[v]] += a
			taken[parent_of[v]] += discount[depth[v], a < 3 ? a : 3]
		}
}

# start, follow - the nodes of the contexts of each length, 0 if there is none: at the start of a
# story, and after one more word
function start(context,    k) {
	context[0] = 1
	context[1] = child[1, begin]
	for (k = 2; k < order; k++)
		context[k] = 0
}

function follow(context, id,    k) {
	for (k = order - 1; k >= 1; k--)
		context[k] = context[k - 1] && id && ((context[k - 1], id) in child) ? \
		    child[context[k - 1], id] : 0
}

function probability(context, id,    k, h, p, a) {
	p = 1 / words # all but <s>, and one for the unknown
	for (k = 1; k <= order && (h = context[k - 1]) && total[h]; k++) {
		p *= taken[h] / total[h]
		if (id && (h, id) in child && (a = count[child[h, id]]))
			p += (a - discount[k, a < 3 ? a : 3]) / total[h]
	}
	return p
}

# nats - -ln of the probability of a story; adds to unknown_words
function nats(w, nw,    i, id, context, sum) {
	start(context)
	for (i = 1; i <= nw + 1; i++) {
		id = i > nw ? end : w[i] in id_of ? id_of[w[i]] : 0
		unknown_words += !id
		sum -= logarithm(probability(context, id))
		follow(context, id)
	}
	return sum
}

# ---- generate

# draw_word - draw a word by its probability: with the longest context, or, with the probability
# that the discounts removed, with the next shorter one
function draw_word(context,    k, h, r, v, a) {
	for (k = order; k >= 1; k--) {
		h = context[k - 1]
		if (!h || !total[h])
			continue
		r = uniform() * total[h]
		for (v = first_child[h]; v; v = sibling[v])
			if (a = count[v]) {
				r -= a - discount[k, a < 3 ? a : 3]
				if (r < 0)
					return word_of[v]
			}
	}
	return 2 + int(uniform() * (words - 1))
}

# draw_at_temperature - the same with p^(1/temperature), normalised. The probability of a word that
# never followed the last one is that of the single word, times the factor that all longer contexts
# leave for it. So only the words that did follow are computed one by one.
function draw_at_temperature(context,    k, v, id, left, here, sum, known, rest, candidate, n, weight,
    r) {
	for (k = 2; k <= order; k++)
		if (context[k - 1] && total[context[k - 1]])
			left = (k == 2 ? 1 : left) * taken[context[k - 1]] / total[context[k - 1]]
	if (order > 1 && context[1] && total[context[1]])
		for (v = first_child[context[1]]; v; v = sibling[v]) {
			candidate[++n] = id = word_of[v]
			sum += weight[n] = probability(context, id) ^ (1 / temperature)
			known += weight_of[id]
			here[id] = 1
		}
	else
		left = 1
	rest = left ^ (1 / temperature) * (all_weights - known)
	r = uniform() * (sum + (rest > 0 ? rest : 0))
	for (k = 1; k <= n; k++)
		if ((r -= weight[k]) < 0)
			return candidate[k]
	r = uniform() * (all_weights - known)
	for (id = end; id <= words; id++)
		if (!(id in here) && (r -= weight_of[id]) < 0)
			return id
	return n ? candidate[n] : end
}

# weigh_words - p^(1/temperature) of each single word, without context
function weigh_words(    id, context) {
	for (id = end; id <= words; id++) {
		context[0] = 1
		all_weights += weight_of[id] = probability(context, id) ^ (1 / temperature)
	}
}

function generate(    made, context, id, w, nw) {
	if (temperature != 1)
		weigh_words()
	for (made = 0; made < n; made++) {
		start(context)
		for (nw = 0; nw < 10000; follow(context, id)) {
			id = temperature == 1 ? draw_word(context) : draw_at_temperature(context)
			if (id == end)
				break
			w[++nw] = word[id]
		}
		print joined(w, nw)
	}
}

function shuffle(file,    line, got, w, nw, i, j, kept) {
	while ((got = (getline line <file)) > 0) {
		nw = split_words(line, w)
		for (i = nw; i > 1; i--) {
			j = 1 + int(uniform() * i)
			kept = w[i]
			w[i] = w[j]
			w[j] = kept
		}
		print joined(w, nw)
	}
	if (got < 0)
		fail(file ": cannot be read")
}

# ---- copies
#
# The measured texts, with separators between the stories, are made into one suffix automaton
# (Blumer et al. 1985, The smallest automaton recognizing the subwords of a text). TRAIN is read
# once through the automaton, which stores at each state the length of its longest string that
# occurs in TRAIN.

function add_symbol(s,    v, p, q, clone, f, nf, i) {
	v = ++states
	length_of[v] = length_of[tail] + 1
	for (p = tail; p && !((p, s) in next_state); p = link[p])
		set_next(p, s, v)
	tail = v
	if (!p) {
		link[v] = 1
		return
	}
	q = next_state[p, s]
	if (length_of[q] == length_of[p] + 1) {
		link[v] = q
		return
	}
	clone = ++states
	length_of[clone] = length_of[p] + 1
	link[clone] = link[q]
	nf = split(symbols[q], f, " ")
	for (i = 1; i <= nf; i++)
		set_next(clone, f[i], next_state[q, f[i]])
	for (; p && (p, s) in next_state && next_state[p, s] == q; p = link[p])
		next_state[p, s] = clone
	link[q] = link[v] = clone
}

function set_next(v, s, to) {
	if (!((v, s) in next_state))
		symbols[v] = symbols[v] " " s
	next_state[v, s] = to
}

function add_story(w, nw,    i) {
	if (!states)
		tail = states = 1
	for (i = 1; i <= nw; i++)
		add_symbol(identify_symbol(w[i]))
	add_symbol("|" ++marks)
}

function identify_symbol(w) {
	if (!(w in symbol_of))
		symbol_of[w] = ++symbols_known
	return symbol_of[w]
}

function look_for_copies(file,    line, got, w, nw, i, s, v, l, u) {
	while ((got = (getline line <file)) > 0) {
		nw = split_words(line, w)
		in_train[joined(w, nw)] = 1
		v = 1
		l = 0
		for (i = 1; i <= nw; i++) {
			s = w[i] in symbol_of ? symbol_of[w[i]] : 0
			while (v > 1 && !((v, s) in next_state)) {
				v = link[v]
				l = length_of[v]
			}
			if (!((v, s) in next_state))
				continue
			v = next_state[v, s]
			if (++l <= copied[v])
				continue
			copied[v] = l
			for (u = link[v]; u > 1 && copied[u] < length_of[u]; u = link[u])
				copied[u] = length_of[u]
		}
	}
	close(file)
	if (got < 0)
		fail(file ": cannot be read")
}

# longest_copy - length of the longest run of words of a story that also occurs in TRAIN
function longest_copy(w, nw,    i, v, u, most) {
	v = 1
	for (i = 1; i <= nw; i++) {
		v = next_state[v, symbol_of[w[i]]]
		for (u = v; u > 1 && !copied[u]; u = link[u])
			;
		if (u > 1 && copied[u] > most)
			most = copied[u]
	}
	return most + 0
}

# ---- measure

function add_file(file,    line, got, w, nw) {
	while ((got = (getline line <file)) > 0) {
		nw = split_words(line, w)
		add_story(w, nw)
	}
	close(file)
	if (got < 0)
		fail(file ": cannot be read")
}

function measure_header() {
	print "text,stories,words,story_nats,word_nats,unknown,entropy_nats,distinct_1,distinct_2," \
	    "distinct_3,distinct_4,duplicates,seen,copy_mean,copy_max"
}

function measure(name, file,    line, got, w, nw, i, k, gram, ngrams, distinct, grams, stories, all, sum,
    before, duplicates, seen, copy, copies, most, often, h) {
	unknown_words = 0
	while ((got = (getline line <file)) > 0) {
		nw = split_words(line, w)
		stories++
		all += nw
		sum += nats(w, nw)
		line = joined(w, nw)
		duplicates += line in before
		before[line] = 1
		seen += line in in_train
		for (i = 1; i <= nw; i++) {
			often[w[i]]++
			gram = ""
			for (k = 1; k <= 4 && i + k - 1 <= nw; k++) {
				gram = gram " " w[i + k - 1]
				ngrams[k]++
				if (!(gram in grams)) {
					grams[gram] = 1
					distinct[k]++
				}
			}
		}
		if (train != "") {
			copies += copy = longest_copy(w, nw)
			if (copy > most)
				most = copy
		}
	}
	close(file)
	if (got < 0)
		fail(file ": cannot be read")
	if (!stories)
		fail(file ": no stories")
	for (i in often)
		h -= often[i] / all * logarithm(often[i] / all)
	printf "%s,%d,%d,%.4f,%.4f,%.4f,%.4f", quoted(name), stories, all, sum / stories,
	    sum / (all + stories), all ? unknown_words / all : 0, h
	for (k = 1; k <= 4; k++)
		printf ",%s", ngrams[k] ? sprintf("%.4f", distinct[k] / ngrams[k]) : ""
	if (train != "")
		printf ",%d,%d,%.2f,%d\n", duplicates, seen, copies / stories, most
	else
		printf ",%d,,,\n", duplicates
}

function quoted(text) {
	gsub(/"/, "\"\"", text)
	return text ~ /[",\r]/ ? "\"" text "\"" : text
}

function score(file,    line, got, w, nw) {
	print "words,nats"
	while ((got = (getline line <file)) > 0) {
		nw = split_words(line, w)
		printf "%d,%.9g\n", nw, nats(w, nw)
	}
	if (got < 0)
		fail(file ": cannot be read")
}

# ---- modes

function main(    i, at) {
	train = ENVIRON["TRAIN"]
	seed_with(seed)
	if (mode == "shuffle") {
		shuffle(ARGV[1])
		return
	}
	learn(ENVIRON["JUDGE"])
	if (mode == "generate")
		generate()
	else if (mode == "score")
		score(ARGV[1])
	if (mode != "measure")
		return
	for (i = 1; i < ARGC && train != ""; i++)
		add_file(substr(ARGV[i], index(ARGV[i], "=") + 1))
	if (train != "")
		look_for_copies(train)
	measure_header()
	for (i = 1; i < ARGC; i++) {
		at = index(ARGV[i], "=")
		measure(substr(ARGV[i], 1, at - 1), substr(ARGV[i], at + 1))
	}
}

BEGIN {
	main()
	exit failed
}
