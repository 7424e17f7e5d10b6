# Measures of the coherence of stories. Run by ./coherence, after common.awk; coherence sets
#   mode      learn, check or measure
#   LEXICON   (in the environment) for check and measure: what learn printed
#   TRAIN     (in the environment) for measure: the training text, cut like the measured texts
#
# A story is a list of words in lower case; a punctuation mark is a word. learn needs the capital
# letters of the stories, and prints a lexicon: a kind, a word, and for some kinds a number.
#
#   name     a word that is capitalised within sentences more often than not, and is introduced
#            by "named"
#   he, she  names that are followed by these pronouns, four times as often as by the others
#   thing    a noun that, once introduced with "a" or "an", is mentioned as known in a third of the
#            stories
#   end      the logarithm of how much more frequent the word is in last sentences than in others

function fail(message) {
	print "coherence: " message >"/dev/stderr"
	failed = 1
	exit 1
}

function make_set(set, words,    i, n, w) {
	n = split(words, w, " ")
	for (i = 1; i <= n; i++)
		set[w[i]] = 1
}

function define_sets() {
	make_set(he, "he him his himself")
	make_set(she, "she her hers herself")
	make_set(definite, "the this that his her my your our their its")
	# words that may follow a noun, but rarely an adjective
	make_set(follower, ". , ! ? ; : \" ' and or but so to in on at of for from with by near under" \
	    " behind inside into that who which was were is are had has did could would can will" \
	    " because when while named called said came went")
	make_set(masculine, "boy boys man men dad daddy father papa son brother grandpa grandfather" \
	    " uncle husband king prince mr sir")
	make_set(feminine, "girl girls woman women mom mommy mum mummy mother mama daughter sister" \
	    " grandma grandmother granny aunt wife lady queen princess mrs miss ms")
}

# ---- text

# next_story - read the next story of the input into next_text: the member story or text of a JSON
# line, or plain text up to <|endoftext|>. Returns 0 at the end.
function next_story(    line) {
	next_text = ""
	while ((getline line) > 0) {
		if (line ~ /^[ \t]*[{]/) {
			next_text = json_text(line)
			return 1
		}
		if (line ~ /^<\|endoftext\|>/)
			return 1
		next_text = next_text " " line
	}
	return next_text != ""
}

function json_text(line,    text) {
	if (!match(line, /"(story|text)"[ \t]*:[ \t]*"/))
		fail("line " NR ": no member story or text")
	text = substr(line, RSTART + RLENGTH)
	match(text, /^([^"\\]|\\.)*/)
	text = substr(text, 1, RLENGTH)
	gsub(/\\\\/, "\001", text)
	gsub(/\\"/, "\"", text)
	gsub(/\\u[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]/, " ", text)
	gsub(/\\[a-z]/, " ", text)
	gsub(/\001/, "\\", text)
	return text
}

# words_of - split a text into words w[1...]; quotation marks become straight. Returns the number.
function words_of(text, w) {
	gsub(/\342\200[\234\235]/, "\"", text)
	gsub(/\342\200[\230\231]/, "'", text)
	return split_words(text, w)
}

function is_word(w) {
	return w ~ /^[a-z]+$/
}

# follows_naming - whether word i is one that the text introduces as a name
function follows_naming(w, i) {
	return is_word(w[i]) && !(w[i] in definite) && w[i] != "a" && w[i] != "an" &&
	    (w[i - 1] == "named" || w[i - 1] == "was" && w[i - 2] == "name")
}

# introduced - the place of the noun of the phrase that an article at i begins; 0 if there is none
function introduced(w, nw, i,    j) {
	if (w[i] != "a" && w[i] != "an")
		return 0
	for (j = i + 1; j <= i + 4 && j <= nw && is_word(w[j]); j++)
		if (is_noun(w, j))
			return j
	return 0
}

# is_noun - whether word j of a phrase is its noun: learn sees it from the word after it
function is_noun(w, j) {
	if (mode == "learn")
		return w[j + 1] in follower
	return w[j] in thing && !(w[j + 1] in thing)
}

# is_known - whether word i is mentioned as known: after "the", "her" ..., or an adjective after that
function is_known(w, i) {
	return w[i - 1] in definite || w[i - 2] in definite && is_word(w[i - 1])
}

# last_sentence - the place where the last sentence of a story begins
function last_sentence(w, nw,    i) {
	for (i = nw; i > 1 && w[i] ~ /^[.!?"]$/; i--)
		;
	for (; i > 1 && w[i - 1] !~ /^[.!?]$/; i--)
		;
	return i
}

# ---- learn

function learn(    w, nw, i, n) {
	while (next_story()) {
		n++
		nw = words_of(next_text, w)
		# A text without capital letters says nothing about names.
		if (next_text ~ /[A-Z]/)
			learn_names(w, nw)
		for (i = 1; i <= nw; i++)
			w[i] = tolower(w[i])
		learn_things(w, nw)
		learn_end(w, nw)
	}
	if (!n)
		fail("no stories in the input")
	print_lexicon()
}

# learn_names - count capitals, and the first pronoun in the twelve words after a name
function learn_names(w, nw,    i, low, current, left) {
	for (i = 1; i <= nw; i++) {
		low = tolower(w[i])
		if (w[i] ~ /^[A-Z][a-z]+$/ && i > 1 && w[i - 1] ~ /^([a-zA-Z]+|,)$/) {
			capital[low]++
			named[low] += w[i - 1] == "named"
			current = low
			left = 12
		} else if (is_word(w[i]))
			small[w[i]]++
		if (low in masculine || low in feminine || left-- <= 0)
			current = ""
		else if (low in he || low in she) {
			if (low in he)
				after_he[current]++
			else
				after_she[current]++
			current = ""
		}
	}
}

function learn_things(w, nw,    i, j, state) {
	for (i = 1; i <= nw; i++) {
		if (is_word(w[i]) && (w[i - 1] in definite || w[i - 1] == "a" || w[i - 1] == "an")) {
			phrases[w[i]]++
			nouns[w[i]] += w[i + 1] in follower
		}
		if (state[w[i]] == 1 && is_known(w, i)) {
			state[w[i]] = 2
			returns[w[i]]++
		}
		j = introduced(w, nw, i)
		if (j && !state[w[j]]) {
			state[w[j]] = 1
			introductions[w[j]]++
		}
	}
}

function learn_end(w, nw,    i, from) {
	from = last_sentence(w, nw)
	for (i = 1; i <= nw; i++) {
		if (!is_word(w[i]))
			continue
		if (i < from) {
			other[w[i]]++
			others++
		} else {
			last[w[i]]++
			lasts++
		}
	}
}

function print_lexicon(    x, weight) {
	for (x in capital) {
		if (capital[x] < 3 || capital[x] <= small[x] || named[x] < 2)
			continue
		print "name", x
		if (after_he[x] >= 5 && after_he[x] >= 4 * after_she[x])
			print "he", x
		if (after_she[x] >= 5 && after_she[x] >= 4 * after_he[x])
			print "she", x
	}
	for (x in introductions)
		if (introductions[x] >= 5 && 2.5 * nouns[x] >= phrases[x] &&
		    3 * returns[x] >= introductions[x])
			print "thing", x
	for (x in last)
		if (last[x] + other[x] >= 10) {
			weight = (last[x] + 1) / (lasts + 1) / ((other[x] + 1) / (others + 1))
			printf "end %s %.4f\n", x, logarithm(weight)
		}
}

# ---- measures of one story
#
# measure_story sets hits[c] and tries[c] of each column c: how often what the column asks for could
# have been and was the case.

function read_lexicon(file,    line, got, f, n) {
	while ((got = (getline line <file)) > 0) {
		if (split(line, f, " ") < 2 || f[1] !~ /^(name|he|she|thing|end)$/)
			fail(file ": not a lexicon (expected the output of coherence learn)")
		n++
		if (f[1] == "name")
			name[f[2]] = 1
		else if (f[1] == "he")
			masculine[f[2]] = 1
		else if (f[1] == "she")
			feminine[f[2]] = 1
		else if (f[1] == "thing")
			thing[f[2]] = 1
		else
			end_weight[f[2]] = f[3]
	}
	close(file)
	if (got < 0)
		fail(file ": cannot be read")
	if (!n)
		fail(file ": an empty lexicon")
}

function count(column, hit) {
	tries[column]++
	hits[column] += hit ? 1 : 0
}

function measure_story(w, nw,    c) {
	for (c in tries)
		tries[c] = hits[c] = 0
	measure_names(w, nw)
	measure_pronouns(w, nw)
	measure_things(w, nw)
	measure_form(w, nw)
}

# measure_names - sets names, the number of different names, first_name, and is_name[WORD] for the
# names of the lexicon and those that the story introduces
function measure_names(w, nw,    i, x, times, at) {
	split("", local_name)
	for (i = 1; i <= nw; i++)
		if (follows_naming(w, i))
			local_name[w[i]] = 1
	names = 0
	first_name = ""
	for (i = 1; i <= nw; i++) {
		if (!is_name(w[i]) || times[w[i]]++)
			continue
		if (!names++)
			first_name = w[i]
		at[w[i]] = i
	}
	for (x in at)
		if (2 * at[x] <= nw)
			count("name_recurs", times[x] > 1)
}

function is_name(x) {
	return x in name || x in local_name
}

function measure_pronouns(w, nw,    i, x, some_he, some_she) {
	for (i = 1; i <= nw; i++) {
		x = w[i]
		if ((x in he || x in she) && some_he + some_she == 1)
			count("pronouns_agree", x in he ? some_he : some_she)
		if (x in masculine)
			some_he = 1
		else if (x in feminine)
			some_she = 1
		else if (is_name(x))
			some_he = some_she = 1
	}
}

function measure_things(w, nw,    i, j, x, seen, open, back) {
	for (i = 1; i <= nw; i++) {
		x = w[i]
		if (x in thing && w[i - 1] == "the" && 2 * i > nw)
			count("things_known", x in seen)
		if (x in open && is_known(w, i))
			back[x] = 1
		j = introduced(w, nw, i)
		if (j && 2 * j <= nw && !(w[j] in seen) && !(w[j] in open))
			open[w[j]] = 1
		seen[x] = 1
	}
	for (x in open)
		count("things_return", x in back)
}

function measure_form(w, nw,    i, quotes, bad, from, weight) {
	for (i = 1; i <= nw; i++)
		if (w[i] == "\"" && ++quotes % 2 == 0 && w[i - 1] !~ /^[.,!?]$/)
			bad = 1
	if (quotes)
		count("quotes_closed", quotes % 2 == 0 && !bad)
	count("sentence_closed", w[nw] ~ /^[.!?]$/ || w[nw] == "\"" && w[nw - 1] ~ /^[.!?]$/)
	for (i = last_sentence(w, nw); i <= nw; i++)
		weight += end_weight[w[i]]
	count("ends", hits["sentence_closed"] && weight > 0)
}

# ---- check and measure

function read_story(file,    line, got) {
	got = (getline line <file)
	if (got < 0)
		fail(file ": cannot be read")
	if (got > 0)
		n_story = words_of(tolower(plain(line)), story)
	else
		close(file)
	return got
}

function check(file,    i) {
	print "name,names," joined_columns
	while (read_story(file) > 0) {
		measure_story(story, n_story)
		printf "%s,%d", first_name, names
		for (i = 1; i <= columns; i++)
			printf ",%s", tries[column[i]] ? sprintf("%.4f", hits[column[i]] / tries[column[i]]) : ""
		print ""
	}
}

function bin(n) {
	return n > 4 ? 4 : n
}

# learn_number_of_names - usual[k]: the fraction of stories of the training text with k names, 4 or more
# for k = 4
function learn_number_of_names(file,    n, k) {
	while (read_story(file) > 0) {
		measure_names(story, n_story)
		usual[bin(names)]++
		n++
	}
	if (!n)
		fail(file ": no stories")
	for (k = 0; k <= 4; k++)
		usual[k] /= n
}

# add_story - sums for the ratio of sums and its standard error
function add_story(    i, c) {
	for (i = 1; i <= columns; i++) {
		c = column[i]
		h[c] += hits[c]
		t[c] += tries[c]
		hh[c] += hits[c] * hits[c]
		ht[c] += hits[c] * tries[c]
		tt[c] += tries[c] * tries[c]
	}
}

# ratio - h / t and its standard error, whose unit is the story: what is within one is not independent
function ratio(c, n,    r, squares) {
	if (!t[c])
		return ","
	r = h[c] / t[c]
	squares = hh[c] - 2 * r * ht[c] + r * r * tt[c]
	if (squares < 0)
		squares = 0
	return sprintf("%.4f,%.4f", r, n > 1 ? sqrt(squares * n / (n - 1)) / t[c] : 0)
}

# names_usual - the overlap of two distributions of the number of names, sum min(p, q); the standard
# error is that of the part that can vary, the fraction of stories with a number that is too rare
function names_usual(number, n,    k, p, overlap, rare) {
	if (!train)
		return ","
	for (k = 0; k <= 4; k++) {
		p = number[k] / n
		overlap += p < usual[k] ? p : usual[k]
		if (p < usual[k])
			rare += p
	}
	return sprintf("%.4f,%.4f", overlap, n > 1 ? sqrt(rare * (1 - rare) / (n - 1)) : 0)
}

function measure(label, file,    n, i, number) {
	split("", h)
	split("", t)
	split("", hh)
	split("", ht)
	split("", tt)
	while (read_story(file) > 0) {
		measure_story(story, n_story)
		add_story()
		number[bin(names)]++
		n++
	}
	if (!n)
		fail(file ": no stories")
	printf "%s", label
	printf ",%s", names_usual(number, n)
	for (i = 1; i <= columns; i++)
		printf ",%s", ratio(column[i], n)
	print ""
}

function main(    i, at) {
	define_sets()
	joined_columns = "name_recurs,pronouns_agree,things_return,things_known,quotes_closed," \
	    "sentence_closed,ends"
	columns = split(joined_columns, column, ",")
	if (mode == "learn") {
		learn()
		return
	}
	read_lexicon(ENVIRON["LEXICON"])
	if (mode == "check") {
		check(ARGV[1])
		return
	}
	train = ENVIRON["TRAIN"]
	if (train != "")
		learn_number_of_names(train)
	printf "text,names_usual,names_usual_se"
	for (i = 1; i <= columns; i++)
		printf ",%s,%s_se", column[i], column[i]
	print ""
	for (i = 1; i < ARGC; i++) {
		at = index(ARGV[i], "=")
		measure(substr(ARGV[i], 1, at - 1), substr(ARGV[i], at + 1))
	}
}

BEGIN {
	main()
	exit failed
}
