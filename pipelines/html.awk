# Functions that write parts of a page: text, tables of CSV files and pictures, each a string.

# escaped - text as the content of an element or attribute. A control character becomes ?.
function escaped(s) {
	gsub(/[\001-\010\013-\037\177]/, "?", s)
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	gsub(/>/, "\\&gt;", s)
	gsub(/"/, "\\&quot;", s)
	return s
}

# content - the lines of a file, "" if it is empty or missing
function content(file,    line, text) {
	text = ""
	while ((getline line <file) > 0)
		text = text line "\n"
	close(file)
	return text
}

# reason - why a file is empty: the first lines of FILE.why
function reason(file,    line, text, n) {
	while (n++ < 3 && (getline line <(file ".why")) > 0)
		text = text (text == "" ? "" : "; ") line
	close(file ".why")
	return text
}

# read_csv - the file as cell[row, column], the rows counted from 0, the header; column_of[name]; n_rows,
# without the header, and n_columns. A row with too few or too many fields is left out.
function read_csv(file,    line, n, i, field) {
	split("", cell)
	split("", column_of)
	n_rows = -1
	n_columns = 0
	while ((getline line <file) > 0) {
		sub(/\r$/, "", line)
		n = split(line, field, ",")
		if (n_rows >= 0 && n != n_columns)
			continue
		n_rows++
		n_columns = n
		for (i = 1; i <= n; i++) {
			cell[n_rows, i] = field[i]
			if (n_rows == 0)
				column_of[field[i]] = i
		}
	}
	close(file)
	return n_rows > 0
}

# value - the cell of a row in the column of this name
function value(row, name) {
	return name in column_of ? cell[row, column_of[name]] : ""
}

function element(name, text) {
	return "<" name ">" text "</" name ">\n"
}

function scrolling(label, inner) {
	return "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"" escaped(label) "\">\n" \
	    inner "</div>\n"
}

# table - what read_csv has read; turned: a row for each column
function table(label, turned,    i, r, rows, out) {
	for (i = turned ? 1 : 0; i <= (turned ? n_columns : n_rows); i++) {
		out = out "<tr>"
		for (r = turned ? 0 : 1; r <= (turned ? n_rows : n_columns); r++)
			out = out table_cell(turned ? cell[r, i] : cell[i, r], i == (turned ? 1 : 0), r == (turned ? 0 : 1))
		out = out "</tr>\n"
	}
	return scrolling(label, "<table>\n" out "</table>\n")
}

function table_cell(text, at_top, at_left) {
	return at_top ? "<th scope=\"col\">" escaped(text) "</th>" : \
	    at_left ? "<th scope=\"row\">" escaped(text) "</th>" : "<td>" escaped(text) "</td>"
}

# svg - a picture to stand in the page. Its ids get a prefix, because those of another are the same.
function svg(file,    line, text, prefix) {
	prefix = "p" ++pictures "-"
	while ((getline line <file) > 0) {
		if (line ~ /^<[?]xml/)
			continue
		gsub(/ id="/, "&" prefix, line)
		gsub(/url\(#/, "&" prefix, line)
		gsub(/href="#/, "&" prefix, line)
		text = text line "\n"
	}
	close(file)
	return text
}

# image - an animated picture, whose style must not become that of the page; description: its text
function image(file,    text, description) {
	text = content(file)
	match(text, /<desc>[^<]*<\/desc>/)
	description = RLENGTH > 13 ? substr(text, RSTART + 6, RLENGTH - 13) : ""
	gsub(/%/, "%25", text)
	gsub(/#/, "%23", text)
	gsub(/"/, "%22", text)
	gsub(/</, "%3C", text)
	gsub(/>/, "%3E", text)
	gsub(/&/, "%26", text)
	gsub(/\n/, "%0A", text)
	return "<img alt=\"" description "\" src=\"data:image/svg+xml," text "\"/>\n"
}

function figure(inner, caption) {
	return "<figure>\n" inner "<figcaption>" caption "</figcaption>\n</figure>\n"
}

# ---- numbers

# grouped - a whole number with commas between thousands
function grouped(n,    text, rest) {
	text = sprintf("%.0f", n)
	while (length(text) > 3) {
		rest = "," substr(text, length(text) - 2) rest
		text = substr(text, 1, length(text) - 3)
	}
	return text rest
}

# short - a number with at most six digits; other text is unchanged
function short(text) {
	return text ~ /^[-+]?[0-9]*[.]?[0-9]+(e[-+]?[0-9]+)?$/ ? sprintf("%.6g", text) : text
}

function duration(s) {
	return s < 120 ? sprintf("%.0f s", s) : s < 7200 ? sprintf("%.1f minutes", s / 60) : \
	    sprintf("%.1f hours", s / 3600)
}
