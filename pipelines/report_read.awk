# Reads the output of "tok --json", and writes files to the directory `dir`: lengths, a number of tokens
# per line; unknown, an unknown word per line; documents, per line the tokens of a document, a tab, and
# its number; words, the number of all words.

# between - the part of text between two marks
function between(text, from, to,    at) {
	at = index(text, from)
	text = substr(text, at + length(from))
	return substr(text, 1, index(text, to) - 1)
}

BEGIN {
	printf "" >(dir "/lengths")
	printf "" >(dir "/unknown")
	printf "" >(dir "/documents")
}

{
	ids = between($0, "{\"ids\":[", "],\"tokens\":[")
	tokens = between($0, "],\"tokens\":[", "],\"offsets\":[")
	unknown = between($0, "],\"unknown\":[", "]}")
	n = ids == "" ? 0 : gsub(/,/, ",", ids) + 1
	print n >(dir "/lengths")
	# Known and unknown words together identify the document.
	print ids "|" unknown "\t" NR >(dir "/documents")
	words += n - gsub(/"##/, "", tokens) - gsub(/"\[(CLS|SEP|PAD)\]"/, "", tokens)
	while (match(unknown, /^"([^"\\]|\\.)*"/)) {
		word = substr(unknown, 2, RLENGTH - 2)
		unknown = substr(unknown, RLENGTH + 2)
		gsub(/\\"/, "\"", word)
		gsub(/\\\\/, "\\", word)
		print word >(dir "/unknown")
	}
}

END {
	print words + 0 >(dir "/words")
}
