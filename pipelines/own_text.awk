# Converts plain text to JSON lines, one document per line, with the text in the member `member`. The
# input is a list of file names, one per line.
#
# documents  what a document is: files (a file, or the text up to <|endoftext|>), lines, or paragraphs
#            (the text up to a blank line)
# passage    documents of more bytes are cut into passages of about this length, at blank lines, or
#            else where a sentence ends, or else between two words; 0: they are not cut
# report     if not empty, print only the numbers that choose the other two: documents, the 0.95
#            quantile of their bytes (up to a power of 1.1), lines, blank lines, lines of more than 120
#            bytes, and documents that <|endoftext|> ends

BEGIN {
	if (documents == "")
		documents = "files"
	gsub(/["\\]/, "\\\\&", member)
}

# emit - prints a document; blanks and line ends become single spaces, as tok reads them
function emit(text) {
	gsub(/[\001-\040\177]+/, " ", text)
	sub(/^ /, "", text)
	sub(/ $/, "", text)
	if (text == "")
		return
	written++
	if (report != "") {
		size[int(log(length(text)) / log(1.1))]++
		return
	}
	gsub(/[\\"]/, "\\\\&", text)
	print "{\"" member "\": \"" text "\"}"
}

# pieces - cuts a paragraph that is longer than a passage, and emits all of it but its end, which it
# returns
function pieces(text,    from, at, head) {
	for (from = 1; length(text) - from >= 1.5 * passage; from += at) {
		head = substr(text, from, passage)
		at = 0
		if (match(head, /^.*([.!?][")\047]?[ \n]|\343\200\202|\357\274\201|\357\274\237)/))
			at = RLENGTH
		if (at < passage / 3 && match(head, /^.*[ \n\t]/))
			at = RLENGTH
		if (at < passage / 3) # no words: not within a character of UTF-8
			for (at = passage; at > passage - 4; at--)
				if (substr(text, from + at, 1) !~ /[\200-\277]/)
					break
		emit(substr(text, from, at))
	}
	return substr(text, from)
}

# paragraph_ends - the paragraph goes to the passage, or, if that would be too long, begins the next; a
# short one, such as a title, stays with what follows
function paragraph_ends() {
	if (paragraph == "")
		return
	if (documents == "paragraphs" || (passage && length(held) > passage / 3 && \
	    length(held) + length(paragraph) > passage)) {
		emit(held)
		held = ""
	}
	held = held paragraph "\n"
	paragraph = ""
	if (passage)
		held = pieces(held)
}

function document_ends() {
	paragraph_ends()
	emit(held)
	held = ""
}

# Lines of a paragraph are collected in parts, because awk copies a text that grows.
function add(line) {
	part = part line "\n"
	if (length(part) > 4000)
		flush()
}

function flush() {
	paragraph = paragraph part
	part = ""
	# A text without blank lines, such as a book on one line
	if (passage && length(paragraph) > 20 * passage)
		paragraph = pieces(paragraph)
}

# take - a line of text
function take(line,    n, i, of_line) {
	lines++
	sub(/\r$/, "", line)
	long_lines += length(line) > 120
	if (documents == "lines")
		emit(line)
	else if (line ~ /^[ \t\f]*$/) {
		blank_lines++
		flush()
		if (passage || documents == "paragraphs")
			paragraph_ends()
	} else {
		n = split(line, of_line, /<[|]endoftext[|]>/)
		for (i = 1; i <= n; i++) {
			add(of_line[i])
			if (i < n) {
				marked++
				flush()
				document_ends()
			}
		}
	}
}

{
	for (first = 1; (got = (getline line <$0)) > 0; first = 0) {
		if (first)
			sub(/^\357\273\277/, "", line)
		take(line)
	}
	if (got < 0) {
		print "own: " $0 ": cannot be read" >"/dev/stderr"
		failed = 1
		exit
	}
	close($0)
	flush()
	document_ends()
}

END {
	if (failed)
		exit 1
	if (report == "")
		exit
	for (i = 0; i < 400 && below < 0.95 * written; i++)
		below += size[i]
	printf "%d %d %d %d %d %d\n", written, exp(i * log(1.1)), lines, blank_lines, long_lines, marked
}
