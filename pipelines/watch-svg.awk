# Draws the frames of watch.awk as an animated picture without scripts. Each token has the place that
# the last frame gives it. Each word that is there for some frames is a text element, whose opacity
# follows its probability; elements with the same opacities share a class and its animation.

BEGIN {
	size = 16           # of the font, px
	advance = 0.6 * size # of a character of most monospaced fonts
	leading = 28
	margin = 24
	hold = 3            # seconds for which the last frame stays
	unicode = 1
}

function show_frame(step) {
	frame[n_frames++] = step
}

function escaped(s) {
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	gsub(/>/, "\\&gt;", s)
	gsub(/"/, "\\&quot;", s)
	return s
}

# lay_out - the place of each token of the last step: line_of, column_of, room; and the whole text
function lay_out(last,    i, j, n, used, token) {
	n_lines = 0
	used = 0
	whole = ""
	for (i = 0; i < positions; i++) {
		token = id[last, i]
		if (hidden[token])
			continue
		n = width(text[token])
		for (j = i + 1; j < positions && (hidden[id[last, j]] || joined[id[last, j]]); j++)
			if (!hidden[id[last, j]])
				n += width(text[id[last, j]])
		if (!joined[token] && used > 0) {
			whole = whole " "
			used++
		}
		if (used + n > columns && used > 0 && !joined[token]) {
			n_lines++
			used = 0
		}
		line_of[i] = n_lines
		column_of[i] = used
		room[i] = width(text[token])
		used += room[i]
		whole = whole text[token]
	}
	n_lines++
}

# percent - the time at which a frame begins, in per cent of the animation; rounded down, so that no
# caption stays when the next one begins
function percent(k) {
	return int(1e6 * k * delay / duration) / 1e4 "%"
}

function opacity(p) {
	return p >= 0.9 ? 1 : p >= 0.7 ? 0.8 : p >= 0.5 ? 0.65 : p >= 0.3 ? 0.5 : p >= 0.15 ? 0.35 : 0.2
}

# class_of - the class of a word that is at a position from one frame to before another
function class_of(position, from, to,    k, value, last, rule) {
	rule = from > 0 ? "0%{opacity:0}" : ""
	last = 0
	for (k = from; k < to; k++) {
		value = opacity(certain(frame[k], position))
		if (k > from && value == last)
			continue
		rule = rule percent(k) "{opacity:" value "}"
		last = value
	}
	rule = rule (to < n_frames ? percent(to) ",to{opacity:0}" : "to{opacity:" last "}")
	if (!(rule in class)) {
		class[rule] = (to == n_frames ? "f" : "w") n_classes++
		rules = rules "." class[rule] "{animation-name:" class[rule] "}@keyframes " class[rule] "{" \
		    rule "}\n"
	}
	return class[rule]
}

function word(position, token, from, to,    n) {
	if (hidden[token])
		return
	n = width(text[token])
	words = words sprintf("<text class=\"%s%s\" x=\"%.5g\" y=\"%d\"", class_of(position, from, to), \
	    probability[frame[from], position] == "" ? " given" : "", \
	    margin + column_of[position] * advance, margin + size + line_of[position] * leading)
	if (n > room[position])
		words = words sprintf(" textLength=\"%.5g\" lengthAdjust=\"spacingAndGlyphs\"", \
		    room[position] * advance)
	words = words ">" escaped(text[token]) "</text>\n"
}

function position_words(position,    k, from) {
	from = 0
	for (k = 1; k <= n_frames; k++)
		if (k == n_frames || id[frame[k], position] != id[frame[from], position]) {
			word(position, id[frame[from], position], from, k)
			from = k
		}
}

# caption - the line below the text, which says what each frame is
function caption(k) {
	captions = captions sprintf("<text class=\"%s\" x=\"%d\" y=\"%d\"%s>step %d, noise level %.3g</text>\n", \
	    k == n_frames - 1 ? "fc" : "c", margin, height - margin + 4, \
	    k == 0 || k == n_frames - 1 ? "" : " style=\"animation-delay:" sprintf("%.4g", k * delay) "s\"", \
	    frame[k], level[frame[k]])
}

# bars - the keyframes of the bar, whose length is the part of the steps that is left
function bars(    k, rule) {
	for (k = 0; k < n_frames; k++)
		rule = rule percent(k) "{transform:scaleX(" \
		    sprintf("%.3g", 1 - frame[k] / frame[n_frames - 1]) ")}"
	return rule "to{transform:scaleX(0)}"
}

function show_end(    i, k, width_px) {
	lay_out(frame[n_frames - 1])
	duration = n_frames * delay + hold
	for (i = 0; i < positions; i++)
		if (i in line_of)
			position_words(i)
	height = 2 * margin + n_lines * leading + 28
	width_px = 2 * margin + columns * advance
	for (k = 0; k < n_frames; k++)
		caption(k)
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" width_px "\" height=\"" height \
	    "\" viewBox=\"0 0 " width_px " " height "\" role=\"img\">"
	print "<title>Text that forms from noise, in " n_frames " steps</title>"
	print "<desc>" escaped(whole) "</desc>"
	print "<style>"
	print "svg{--ink:#1f2328;--paper:#fff;--grey:#59636e;--line:#d1d9e0;--bar:#0969da}"
	print "@media(prefers-color-scheme:dark){svg{--ink:#f0f6fc;--paper:#0d1117;--grey:#9198a1;--line:#3d444d;--bar:#4493f8}}"
	print "text{font:" size "px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;" \
	    "fill:var(--ink);opacity:0;white-space:pre;animation:" duration "s step-end infinite}"
	print ".c,.fc{font-size:13px;fill:var(--grey);animation-name:c}.fc{animation-name:fc}"
	print "[class^=f]{opacity:1}.given{font-weight:700}"
	print "rect{fill:var(--paper);stroke:var(--line)}"
	print ".bar{fill:var(--bar);stroke:none;transform:scaleX(0);animation:bar " duration "s step-end infinite}"
	print "@keyframes bar{" bars() "}"
	print "@keyframes c{0%{opacity:1}" percent(1) ",to{opacity:0}}"
	print "@keyframes fc{0%{opacity:0}" percent(n_frames - 1) ",to{opacity:1}}"
	printf "%s", rules
	print "@media(prefers-reduced-motion:reduce){*{animation:none!important}}"
	print "</style>"
	print "<rect x=\".5\" y=\".5\" width=\"" width_px - 1 "\" height=\"" height - 1 "\" rx=\"6\"/>"
	printf "%s", words
	print "<rect class=\"bar\" x=\"" margin "\" y=\"" height - margin - 20 "\" width=\"" width_px - 2 * margin \
	    "\" height=\"2\" style=\"transform-origin:" margin "px\"/>"
	printf "%s", captions
	print "</svg>"
}
