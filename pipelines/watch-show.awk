# Draws the frames of watch.awk as text. With rows, each frame replaces the one before, in at most as
# many lines. With marks, blanks replace uncertain words; without, uncertain words are dim.

# style - the escape sequence of a token: bold if it is given, grey or faint if it is uncertain
function style(step, position,    p) {
	if (marks)
		return ""
	if (probability[step, position] == "")
		return "\033[1m"
	p = probability[step, position]
	return p < 0.25 ? "\033[90m" : p < 0.75 ? "\033[2m" : ""
}

function blanks(n,    s) {
	for (s = ""; n > 0; n--)
		s = s "_"
	return s
}

# cut - the number of bytes of the characters of s that fit into n columns
function cut(s, n,    i, next_i) {
	for (i = 0; i < length(s); i = next_i) {
		for (next_i = i + 1; substr(s, next_i + 1, 1) ~ /[\200-\277]/; next_i++)
			;
		if (width(substr(s, 1, next_i)) > n)
			break
	}
	return i
}

# add - append s to the line, and what does not fit to further lines
function add(s, look,    n) {
	while (s != "") {
		n = width(s) <= columns - used ? length(s) : cut(s, columns - used)
		if (n > 0) {
			line = line look substr(s, 1, n) (look != "" ? "\033[0m" : "")
			used += width(substr(s, 1, n))
			s = substr(s, n + 1)
		}
		if (s != "")
			end_line()
	}
}

function end_line() {
	lines[n_lines++] = line
	line = ""
	used = 0
}

# lay_out - set lines, n_lines: the text of a step. Tokens without a space between them, the parts of
# a word and what follows it, stay on one line if they fit.
function lay_out(step,    i, j, k, token, s, n) {
	n_lines = used = 0
	line = ""
	for (i = 0; i < positions; i = j) {
		n = 0
		for (j = i; j < positions && (j == i || hidden[id[step, j]] || joined[id[step, j]]); j++)
			if (!hidden[id[step, j]])
				n += width(text[id[step, j]])
		if (n == 0)
			continue
		if (used > 0 && used + 1 + n > columns)
			end_line()
		else if (used > 0)
			add(" ", "")
		for (k = i; k < j; k++) {
			token = id[step, k]
			if (hidden[token])
				continue
			s = text[token]
			if (marks && certain(step, k) < 0.5)
				s = blanks(width(s))
			add(s, style(step, k))
		}
	}
	if (used > 0)
		end_line()
}

function show_frame(step) {
	draw(step, rows > 0 ? rows - 2 : 0)
	if (rows > 0) {
		fflush()
		pause()
	} else {
		print ""
	}
}

# pause - wait for the next frame. Ctrl-C ends the sleep, but not an awk that waits for it, and not every
# awk reports that a signal ended its command.
function pause() {
	if (delay > 0 && system("trap \"exit 1\" INT; sleep " delay) != 0) {
		failed = 1
		exit 1
	}
}

# draw - draw a step; at most so many lines of text, unless most is 0
function draw(step, most,    i, n) {
	lay_out(step)
	if (drawn > 0)
		printf "\033[%dA", drawn
	n = most && n_lines > most ? most : n_lines
	draw_line(substr(sprintf("step %d, t = %.3g", step, level[step]), 1, columns))
	for (i = 0; i < n; i++)
		draw_line(lines[i])
	if (rows > 0)
		printf "\033[J"
	drawn = rows > 0 ? n + 1 : 0
}

function draw_line(s) {
	print (rows > 0 ? "\033[2K" : "") s
}

# The whole text stays on the terminal, even if it scrolls.
function show_end() {
	if (n_lines > drawn - 1 && rows > 0)
		draw(step, 0)
}
