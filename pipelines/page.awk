# Prints the page of report.mk about the models in $MODELS, from the files in $OUT. Needs html.awk.

BEGIN {
	out = ENVIRON["OUT"]
	n_models = split(ENVIRON["MODELS"], model, " ")
	while ((getline line <(out "/names.txt")) > 0)
		name[++n_names] = line
	for (n = 1; n <= n_models; n++) {
		read_info(n)
		read_steps(n)
		read_measures(n)
	}
	title = n_models > 1 ? "Comparison of " n_models " models" : "Model " name[1]
	if (n_models > 1)
		body = comparison()
	for (n = 1; n <= n_models; n++)
		body = body (n_models > 1 ? "<details>\n<summary><h2>" escaped(name[n]) \
		    "</h2></summary>\n" : "") page(n) (n_models > 1 ? "</details>\n" : "")
	print_page()
}

# ---- what the files say

# found, said - what is known of a model, or "". Elements that do not exist are never read: gawk 5.2
# frees them twice.
function found(n, key) {
	return (n, key) in fact ? fact[n, key] : ""
}

function said(n, key) {
	return (n, key) in info ? info[n, key] : ""
}

# read_info - info[n, key], and keys[]: those of all models
function read_info(n,    line, key, file) {
	file = out "/" n "/info.txt"
	while ((getline line <file) > 0) {
		key = line
		sub(/: .*/, "", key)
		info[n, key] = substr(line, length(key) + 3)
		if (!(key in known)) {
			known[key]
			keys[++n_keys] = key
		}
	}
	close(file)
}

function read_steps(n,    r, x, memory, comm) {
	if (!read_csv(out "/" n "/steps.csv"))
		return
	fact[n, "last"] = value(n_rows, "step")
	fact[n, "elapsed"] = value(n_rows, "elapsed_s")
	fact[n, "speed"] = value(n_rows, "tokens_per_s")
	for (r = 1; r <= n_rows; r++) {
		if (value(r, "rss_mib") + 0 > memory + 0)
			memory = value(r, "rss_mib")
		comm += value(r, "comm_s")
		x = value(r, "valid_nats")
		if (x == "")
			continue
		fact[n, "valid"] = x
		fact[n, "valid step"] = value(r, "step")
		if (!((n, "lowest") in fact) || x + 0 < fact[n, "lowest"] + 0) {
			fact[n, "lowest"] = x
			fact[n, "lowest step"] = value(r, "step")
		}
	}
	fact[n, "memory"] = memory
	fact[n, "comm"] = comm
}

# read_measures - the row of the model in the table of eval.mk, or in that of an experiment, where it has
# the name of the directory
function read_measures(n,    r, i, k, part) {
	k = split(model[n], part, "/")
	if (!read_csv(out "/" n "/table.csv"))
		return
	for (r = 1; r <= n_rows; r++)
		for (i = 2; (cell[r, 1] == "model" || k > 1 && cell[r, 1] == part[k - 1]) && i <= n_columns; i++) {
			fact[n, "measure", cell[0, i]] = cell[r, i]
			if (!(cell[0, i] in measured)) {
				measured[cell[0, i]]
				measures[++n_measures] = cell[0, i]
			}
		}
}

# ---- parts of a page

function heading(text,    level) {
	level = n_models > 1 ? "h3" : "h2"
	return element(level, text)
}

# missing - a sentence in place of what a file would show; source: a file that it was made from
function missing(what, file, source,    why) {
	why = reason(file)
	if (why == "" && source != "")
		why = reason(source)
	return "<p class=\"missing\">" what " missing" (why == "" ? "." : ": " escaped(why)) "</p>\n"
}

# picture - a figure, or why there is none. Files are named without the directory of the page.
function picture(what, file, source, caption,    inner) {
	inner = svg(out "/" file)
	return inner == "" ? missing(what " is", out "/" file, out "/" source) : \
	    figure(scrolling(what, inner), caption)
}

function fact_row(label, text) {
	return text == "" ? "" : "<tr><th scope=\"row\">" label "</th><td>" text "</td></tr>\n"
}

function at_step(nats, step) {
	return sprintf("%.4g nats a token, after step %s", nats, grouped(step))
}

function facts(n,    rows, tokens, each) {
	tokens = said(n, "rows") * said(n, "model.row_len")
	each = tokens / said(n, "parameters")
	rows = fact_row("steps", grouped(said(n, "step")) " of " grouped(said(n, "train.steps")))
	rows = rows fact_row("parameters", grouped(said(n, "parameters")))
	rows = rows fact_row("rows that it was trained on", grouped(said(n, "rows")))
	rows = rows fact_row("tokens of these rows", \
	    grouped(tokens) ", " sprintf(each < 10 ? "%.2g" : "%.0f", each) " per parameter")
	if (found(n, "valid") != "")
		rows = rows fact_row("held-out cross-entropy", at_step(found(n, "valid"), found(n, "valid step")))
	if (found(n, "valid") != "" && found(n, "lowest step") != found(n, "valid step"))
		rows = rows fact_row("the lowest of all", at_step(found(n, "lowest"), found(n, "lowest step")))
	rows = rows summary(n) cost(n)
	return scrolling("Facts", "<table class=\"facts\">\n" rows "</table>\n") \
	    (each < 1 ? element("p", "It was trained on fewer tokens than it has " \
	    "parameters: its samples may not read as text yet. The model of <code>make demo</code> is trained " \
	    "on eight tokens per parameter.") : "") \
	    (found(n, "last") != "" && found(n, "last") != said(n, "step") ? "<p class=\"missing\">The log of " \
	    "steps ends with step " escaped(found(n, "last")) ", the checkpoint is of step " \
	    escaped(said(n, "step")) ".</p>\n" : "")
}

function summary(n) {
	if (!read_csv(out "/" n "/summary.csv"))
		return ""
	return fact_row("samples that follow the grammar", sprintf("%.1f %% of %s", \
	    100 * value(1, "grammatical"), grouped(value(1, "stories")))) \
	    fact_row("samples that are consistent", sprintf("%.1f %%", 100 * value(1, "consistent")))
}

function cost(n) {
	return (found(n, "elapsed") != "" ? \
	    fact_row("time of training", duration(found(n, "elapsed"))) : "") \
	    (found(n, "comm") > 0 ? fact_row("of it for communication", duration(found(n, "comm"))) : "") \
	    (found(n, "speed") != "" ? fact_row("trained positions per second", grouped(found(n, "speed"))) : "") \
	    (found(n, "memory") != "" ? fact_row("peak memory of training", grouped(found(n, "memory")) " MiB") : "")
}

# samples - the first few samples, and the others folded
function samples(n, few,    file, line, i, shown, rest, from, count, kept) {
	file = out "/" n "/samples.txt"
	while ((getline line <file) > 0) {
		line = "<li>" escaped(line) "</li>\n"
		if (++i <= few)
			shown = shown line
		else
			rest = rest line
	}
	close(file)
	if (!i)
		return missing("Samples are", file, out "/" n "/samples.rows")
	while ((getline line <(file ".info")) > 0) {
		if (line ~ /^provenance/)
			from = substr(line, 13)
		if (line ~ /^records/)
			count = substr(line, 13)
	}
	close(file ".info")
	kept = n_models > 1 && few < 8 ? "" : "<p>The first of " grouped(count) ", not picked. Command: <code>" \
	    escaped(from) "</code></p>\n"
	return kept "<ol>\n" shown "</ol>\n" (rest == "" || kept == "" ? "" : "<details><summary>Samples " few + 1 \
	    " to " i "</summary>\n<ol start=\"" few + 1 "\">\n" rest "</ol>\n</details>\n")
}

function animation(n,    file) {
	file = out "/" n "/story.svg"
	return content(file) == "" ? missing("The animation is", file, out "/" n "/trace.csv") : figure(image(file), \
	    "How a sample forms from noise: the most probable words before each step. A word is the " \
	    "dimmer, the less probable it is.")
}

function evaluation(n,    file) {
	file = out "/" n "/table.csv"
	return read_csv(file) ? table("Measures", 1) "<p>Each column is a text, with the same number of " \
	    "stories. <code>held_out_nats</code>: nats per held-out story, for the model an upper bound. " \
	    "<code>word_nats</code>: of a 5-gram judge; compare it only at equal <code>entropy_nats</code>. " \
	    "<code>pipelines/README.md</code> explains the other rows.</p>\n" : missing("The table of measures is", file)
}

function settings(n,    i, rows) {
	for (i = 1; i <= n_keys; i++)
		if (keys[i] != "provenance" && (n, keys[i]) in info)
			rows = rows fact_row(escaped(keys[i]), escaped(short(said(n, keys[i]))))
	return "<details><summary>All settings of the checkpoint</summary>\n" \
	    scrolling("Settings", "<table class=\"facts\">\n" rows "</table>\n") "</details>\n"
}

function provenance(n,    text) {
	text = escaped(said(n, "provenance"))
	gsub(/ \| /, " |\n    ", text)
	return element("p", "Checkpoint: <code>" escaped(model[n]) "</code>. The commands that made its " \
	    "training rows, with their versions:") scrolling("Commands", "<pre>" text "</pre>\n")
}

function page(n) {
	return facts(n) heading("Samples") samples(n, 8) animation(n) \
	    heading("Learning") learning(n) heading("Noise levels") noise_levels(n) \
	    heading("Measures") evaluation(n) heading("Settings and provenance") provenance(n) settings(n)
}

function learning(n) {
	return picture("The learning curve", n "/learning.svg", n "/steps.csv", \
	    "Cross-entropy of held-out text and of recent training rows, both as if noise levels were " \
	    "spread evenly in ln t: comparable over the whole training. Lower is better; if only the " \
	    "held-out loss rises, the model overfits.") \
	    picture("The picture of the steps", n "/steps.svg", n "/steps.csv", \
	    "Loss of each step, norm of the gradient, and learning rate. The loss is the mean over the " \
	    "noise levels of its step. As these change with each fit of F, it need not fall.")
}

function noise_levels(n,    of_given) {
	of_given = svg(out "/" n "/given.svg") == "" ? "" : picture("The cross-entropy of rows with given tokens", \
	    n "/given.svg", "", "The same for rows with given tokens: the more are given, the less is left to predict.")
	return (of_given != "" && svg(out "/" n "/entropy.svg") == "" ? "" : \
	    picture("The cross-entropy by noise level", n "/entropy.svg", n "/noised.csv", \
	    "Cross-entropy by noise level, of training rows that are noised as a whole (of all of " \
	    "them, if the log does not tell). Early rows are orange, recent ones purple. F is the schedule that was in force at the end, fitted to " \
	    grouped(said(n, "train.window")) " rows of all kinds; mean: that of those of them that are drawn here.")) of_given \
	    picture("The schedule over training", n "/schedules.svg", n "/fits.csv", \
	    "F(t), fitted to the losses during training. It falls as the model learns.") \
	    picture("The schedule", n "/levels.svg", n "/force.csv", \
	    "F(t) of the checkpoint, and the density with which it draws noise levels: high where F is steep.")
}

# ---- several models

function comparison(    n) {
	return element("h2", "Results") results() element("h2", "Learning") \
	    picture("The comparison", "learning.svg", "names.txt", "Held-out cross-entropy during training. " \
	    "Lower is better. Compare only models that were validated on the same rows.") \
	    picture("The comparison by time", "elapsed.svg", "names.txt", "The same by time of training. " \
	    "Compare only times of the same machine.") \
	    element("h2", "Settings that differ") differing() element("h2", "Samples") compared_samples()
}

function results(    n, i, rows, best) {
	rows = "<tr>" table_cell("model", 1) table_cell("step", 1) table_cell("parameters", 1) table_cell("rows", 1) \
	    table_cell("held-out, nats", 1) table_cell("lowest", 1) table_cell("time", 1) table_cell("positions per s", 1) \
	    table_cell("MiB", 1)
	for (i = 1; i <= n_measures; i++)
		rows = rows table_cell(measures[i], 1)
	rows = rows "</tr>\n"
	for (n = 1; n <= n_models; n++)
		if (found(n, "valid") != "" && (!best || found(n, "valid") + 0 < found(best, "valid") + 0))
			best = n
	for (n = 1; n <= n_models; n++) {
		rows = rows "<tr" (n == best ? " class=\"best\"" : "") ">" table_cell(name[n], 0, 1) \
		    table_cell(grouped(said(n, "step"))) table_cell(grouped(said(n, "parameters"))) \
		    table_cell(grouped(said(n, "rows"))) table_cell(digits(found(n, "valid"))) \
		    table_cell(digits(found(n, "lowest"))) \
		    table_cell(found(n, "elapsed") == "" ? "" : duration(found(n, "elapsed"))) \
		    table_cell(found(n, "speed") == "" ? "" : grouped(found(n, "speed"))) \
		    table_cell(found(n, "memory") == "" ? "" : grouped(found(n, "memory")))
		for (i = 1; i <= n_measures; i++)
			rows = rows table_cell(found(n, "measure" SUBSEP measures[i]))
		rows = rows "</tr>\n"
	}
	return scrolling("Results", "<table>\n" rows "</table>\n") (best ? element("p", "Bold: the lowest " \
	    "held-out cross-entropy at the end.") : "")
}

function digits(x) {
	return x == "" ? "" : sprintf("%.4g", x)
}

function differs(key,    n) {
	for (n = 2; n <= n_models; n++)
		if (said(n, key) != said(1, key))
			return 1
	return 0
}

function differing(    i, n, rows) {
	for (i = 1; i <= n_keys; i++) {
		if (!differs(keys[i]) || keys[i] ~ /^(step|rows|parameters|schedule)$/)
			continue
		rows = rows "<tr>" table_cell(keys[i], 0, 1)
		for (n = 1; n <= n_models; n++)
			rows = rows table_cell(short(said(n, keys[i])))
		rows = rows "</tr>\n"
	}
	if (rows == "")
		return element("p", "None.")
	for (n = 1; n <= n_models; n++)
		head = head table_cell(name[n], 1)
	return scrolling("Settings that differ", "<table>\n<tr>" table_cell("setting", 1) head "</tr>\n" rows "</table>\n")
}

function compared_samples(    n, text) {
	text = element("p", "The first three of each, not picked.")
	for (n = 1; n <= n_models; n++)
		text = text element("h3", escaped(name[n])) samples(n, 3)
	return text
}

# ---- the whole

function print_page() {
	print "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>"
	print "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"
	print "<title>" escaped(title) "</title>\n<style>"
	print ":root{color-scheme:light dark;--ink:#1f2328;--paper:#fff;--grey:#59636e;--line:#d1d9e0;--soft:#f6f8fa}"
	print "@media(prefers-color-scheme:dark){:root{--ink:#f0f6fc;--paper:#0d1117;--grey:#9198a1;--line:#3d444d;" \
	    "--soft:#151b23}}"
	print "body{max-width:58rem;margin:0 auto;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);" \
	    "background:var(--paper)}"
	print "h1,h2,h3{line-height:1.25;margin:2rem 0 .75rem}h1{margin-top:1rem;overflow-wrap:anywhere}"
	print "summary h2{display:inline}summary{cursor:pointer;margin:.5rem 0}"
	print ".scroll{overflow-x:auto}.scroll>svg{display:block;width:100%;min-width:38rem;height:auto}"
	print "img{max-width:100%;height:auto}figure{margin:1.5rem 0}figcaption,.missing{color:var(--grey);font-size:.9rem}"
	print "table{border-collapse:collapse;font-size:.9rem}td,th{border:1px solid var(--line);padding:.25rem .6rem;" \
	    "text-align:right;white-space:nowrap}th{background:var(--soft);font-weight:600}th[scope=row]{text-align:left}"
	print ".facts th,.facts td{text-align:left;white-space:normal;overflow-wrap:break-word}.best{font-weight:700}"
	print "pre,code{font:.85rem/1.5 ui-monospace,monospace;overflow-wrap:anywhere}li{margin:.5rem 0}"
	print "</style>\n</head>\n<body>\n<h1>" escaped(title) "</h1>"
	printf "%s</body>\n</html>\n", body
}
