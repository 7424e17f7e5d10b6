#!/bin/sh
# plotcsv: its pictures, its output, and what it refuses.
. tests/lib.sh

plot() {
	"$BIN/plotcsv" "$@"
}

# golden DESCRIPTION NAME COMMAND...: standard output as in tests/golden/NAME
golden() {
	golden_what=$1 golden_file=tests/golden/$2
	shift 2
	"$@" >"$T/golden" 2>"$T/.err"
	if [ -n "${UPDATE_GOLDEN:-}" ]; then
		mkdir -p tests/golden
		cp "$T/golden" "$golden_file"
	fi
	ok "plotcsv: draws $golden_what" diff "$golden_file" "$T/golden"
}

# bytes FILE FROM COUNT: in hexadecimal
bytes() {
	od -An -tx1 -j "$2" -N "$3" "$1" | tr -d ' \n'
}

COLUMNS=64 LINES=20
# Memory that fontconfig keeps until the end is not a leak of plotcsv (for runs under a sanitizer).
echo 'leak:libfontconfig' >"$T/suppressions"
LSAN_OPTIONS=suppressions=$T/suppressions:print_suppressions=0
export COLUMNS LINES LSAN_OPTIONS
unset NO_COLOR

awk 'BEGIN {
	print "step,t,ce_nats,split"
	for (i = 0; i < 400; i++) {
		x = i * 7919 % 400 / 400
		t = exp(log(0.35) + x * log(300))
		c = (6 - i / 300) / (1 + (t / 3) ^ -1.8) * (1 + 0.1 * sin(i * i))
		printf "%d,%.9g,%.9g,%s\n", int(i / 4) + 1, t, c, i % 4 == 3 ? "valid" : "train"
	}
}' >"$T/loss.csv"
awk 'BEGIN {
	print "step,t,f_nats,density"
	for (s = 50; s <= 100; s += 50)
		for (i = 0; i <= 20; i++) {
			t = exp(log(0.35) + i / 20 * log(300))
			printf "%d,%.9g,%.9g,1\n", s, t, (6 - s / 75) / (1 + (t / 3) ^ -1.8)
		}
}' >"$T/curves.csv"
printf 'x,y,z\n1,10,a\n2,,b\n3,30,a\n4,nan,b\n5,-5,c\n6,inf,a\n7,70,b\n' >"$T/gaps.csv"

# --- the terminal ---

golden 'points and a fit on top' plot-points.txt \
	plot -x t -y ce_nats -c step --log-x --line "$T/curves.csv:t,f_nats:fit" "$T/loss.csv"
golden 'points and a fit on top in braille' plot-braille.txt env LC_ALL=C.UTF-8 \
	"$BIN/plotcsv" -x t -y ce_nats -c step --log-x --line "$T/curves.csv:t,f_nats:fit" "$T/loss.csv"
golden 'a family of lines' plot-lines.txt plot -x t -y f_nats -g step --log-x "$T/curves.csv"
golden 'a histogram' plot-hist.txt plot --hist -x ce_nats --bins 12 --title Histogram "$T/loss.csv"
env LC_ALL=C.UTF-8 "$BIN/plotcsv" --ascii -x t -y f_nats -g step --log-x "$T/curves.csv" >"$T/ascii"
ok 'plotcsv: --ascii writes only ASCII' cmp tests/golden/plot-lines.txt "$T/ascii"
ok 'plotcsv: reads standard input' sh -c "'$BIN/plotcsv' --ascii -x t -y f_nats -g step --log-x - <'$T/curves.csv' | cmp - '$T/ascii'"
not_ok 'plotcsv: writes no colours if standard output is not a terminal' grep -q "$(printf '\033')" "$T/ascii"
if command -v script >/dev/null && script -qec true /dev/null </dev/null >/dev/null 2>&1; then
	script -qec "stty cols 50 rows 15; TERM=xterm '$BIN/plotcsv' -x t -y ce_nats -c split '$T/loss.csv'" \
		/dev/null </dev/null >"$T/tty" 2>&1
	ok 'plotcsv: writes colours to a terminal' grep -q "$(printf '\033\\[38;5;')" "$T/tty"
	is 'plotcsv: the plot fits the height of the terminal' "$(wc -l <"$T/tty")" 14
	script -qec "stty cols 40; TERM=xterm '$BIN/plotcsv' -x t -y ce_nats -c step '$T/loss.csv'" \
		/dev/null </dev/null >"$T/tty" 2>&1
	ok 'plotcsv: the legend of a terminal explains the colours' grep -q 'step: 1 (light) to 100 (dark)' "$T/tty"
	script -qec "NO_COLOR=1 TERM=xterm '$BIN/plotcsv' -x t -y ce_nats '$T/loss.csv'" /dev/null \
		</dev/null >"$T/tty" 2>&1
	not_ok 'plotcsv: NO_COLOR switches colours off' grep -q '38;5' "$T/tty"
else
	skip 'plotcsv: writes colours to a terminal' 'no script(1) or no terminals here'
fi

# --- pictures ---

draw() {
	plot -x t -y ce_nats -c step --log-x --line "$T/curves.csv:t,f_nats:fit" "$@" "$T/loss.csv"
}
ok 'plotcsv: writes a PNG' draw -o "$T/a.png"
is 'plotcsv: a PNG has its signature' "$(bytes "$T/a.png" 0 8)" 89504e470d0a1a0a
is 'plotcsv: a PNG has 1200 x 750 pixels by default' "$(bytes "$T/a.png" 16 8)" 000004b0000002ee
is 'plotcsv: a PNG has its end' "$(tail -c 8 "$T/a.png" | od -An -tx1 | tr -d ' \n')" 49454e44ae426082
ok 'plotcsv: writes the same PNG again' draw -o "$T/b.png"
ok 'plotcsv: the same command writes the same PNG' cmp "$T/a.png" "$T/b.png"
ok 'plotcsv: --size writes a PNG of another size' draw --size 640x400 -o "$T/b.png"
is 'plotcsv: --size sets the size of a PNG' "$(bytes "$T/b.png" 16 8)" 0000028000000190
ok 'plotcsv: writes an SVG' draw -o "$T/a.svg"
ok 'plotcsv: writes an SVG for a suffix in upper case' draw -o "$T/b.SVG"
ok 'plotcsv: the same command writes the same SVG' cmp "$T/a.svg" "$T/b.SVG"
if command -v xmllint >/dev/null; then
	ok 'plotcsv: an SVG is well-formed' xmllint --noout "$T/a.svg"
else
	ok 'plotcsv: an SVG begins and ends as SVG' sh -c "head -n 2 '$T/a.svg' | grep -q '<svg ' && tail -n 1 '$T/a.svg' | grep -q '</svg>'"
fi
ok 'plotcsv: an SVG has its texts as texts' grep -q '<text .*>cross-entropy (nats)</text>' "$T/a.svg"
not_ok 'plotcsv: an SVG has no texts as shapes' grep -q glyph "$T/a.svg"
draw -o "$T/b.svg" --title 'A "title" & <more>'
ok 'plotcsv: an SVG has a title' grep -qx '<title>A &quot;title&quot; &amp; &lt;more&gt;</title>' "$T/b.svg"
ok 'plotcsv: an SVG has a description' grep -q '<desc>Horizontal axis: noise level t, from .*, logarithmic. Vertical axis: .* Series: fit</desc>' "$T/b.svg"
ok 'plotcsv: writes a PDF' draw -o "$T/a.pdf"
is 'plotcsv: a PDF has its signature' "$(head -c 5 "$T/a.pdf")" '%PDF-'
draw -o "$T/b.pdf"
ok 'plotcsv: the same command writes the same PDF' cmp "$T/a.pdf" "$T/b.pdf"
if command -v pdftotext >/dev/null; then
	ok 'plotcsv: a PDF has its texts as texts' sh -c "pdftotext '$T/a.pdf' - | grep -q 'cross-entropy (nats)'"
fi
draw -o - --format png >"$T/b.png"
ok 'plotcsv: -o - writes a PNG to standard output' cmp "$T/a.png" "$T/b.png"
draw -o "$T/picture" --format png
ok 'plotcsv: --format sets the format of a file without a suffix' cmp "$T/a.png" "$T/picture"
if command -v script >/dev/null && script -qec true /dev/null </dev/null >/dev/null 2>&1; then
	script -qec "'$BIN/plotcsv' -x x -y y -o - --format png '$T/gaps.csv'" /dev/null </dev/null >"$T/tty" 2>&1
	ok 'plotcsv: -o - refuses to write a PNG to a terminal' grep -q 'binary output to a terminal' "$T/tty"
fi
draw --background none -o "$T/c.png"
is 'plotcsv: a picture has no transparency by default, and has it with --background none' \
	"$(bytes "$T/a.png" 25 1) $(bytes "$T/c.png" 25 1)" '02 06'
draw --background dark -o "$T/c.svg"
ok 'plotcsv: --background dark fills the picture with a dark colour' \
	grep -q '^<rect x="0" y="0" width="1200" height="750" style="fill:rgb(5' "$T/c.svg"
draw --background none -o "$T/c.svg"
not_ok 'plotcsv: --background none fills no background' grep -q '^<rect x="0" y="0"' "$T/c.svg"
is 'plotcsv: leaves no temporary file of a picture' "$(find "$T" -name '*.tmp')" ''

# different DESCRIPTION OPTION...: another picture than without the options
different() {
	different_what=$1
	shift
	if draw "$@" -o "$T/c.png" 2>"$T/.err"; then
		not_ok "plotcsv: $different_what changes the picture" cmp "$T/a.png" "$T/c.png"
	else
		ok "plotcsv: $different_what changes the picture" false
		show "$T/.err"
	fi
}
different '--title' --title 'A title'
different '--xlabel' --xlabel level
different '--ylabel' --ylabel entropy
different '--lines' --lines
different '--points, --lines' --points --lines
different '--smooth' --smooth 21
different '--smooth, --mean' --smooth 21 --mean
different '--discrete' --discrete
different '--where' --where split=train
different '--where twice' --where split=train --where step=3
different '--log-y' --log-y
different '--log-c' --log-c
different '--xlim' --xlim 1:10
different '--xlim, one end' --xlim :10
different '--ylim' --ylim 0:3
different '--dot' --dot 6
different '--alpha' --alpha 0.05
different '--background' --background dark
different '--max-points' --max-points 50
different '-c text' -c split
different '-g' -g split
# The texts beside the colour bar: the title, and labels at both ends.
bar() {
	plot -x t -y ce_nats "$@" -o "$T/bar.svg"
	sed -n 's/.*<text .*>\([^<]*\)<.text>$/\1/p' "$T/bar.svg" | sed -n '/^step$/,$p' | tr '\n' ' '
}
is 'plotcsv: a bar of colours has labels at both ends' "$(bar -c step "$T/loss.csv")" 'step 20 40 60 80 1 100 '
is 'plotcsv: a bar of one colour has one label' "$(bar -c step --where step=7 "$T/loss.csv")" 'step 7 '
plot -x t -y ce_nats --line "$T/curves.csv" -o "$T/named.svg" "$T/loss.csv"
plot -x t -y ce_nats --line "$T/curves.csv:t,f_nats" -o "$T/default.svg" "$T/loss.csv"
ok 'plotcsv: --line FILE uses the column of the same name and the one after it' cmp "$T/named.svg" "$T/default.svg"
printf 'density,x\n1,2\n2,3\n' >"$T/other.csv"
fails 'plotcsv: --line FILE reports that no column follows' 1 "no column after 'density'; name both" \
	plot -x density -y x --line "$T/curves.csv" "$T/other.csv"

# Of the points in half a pixel only the first, lowest, highest and last are drawn: a line of 6,000
# points looks like the line of those. The ends have columns of their own, so that the axes are equal.
awk 'BEGIN {
	print "x,y,few"
	print "0,0,1"
	for (i = 0; i < 60; i++) {
		n = split("", y)
		for (j = 0; j < 100; j++) {
			y[j] = sin(i * 100 + j * (1 + i % 5) * 0.7) * (i % 7 - 3)
			if (j == 0 || y[j] < y[low]) low = j
			if (j == 0 || y[j] > y[high]) high = j
		}
		for (j = 0; j < 100; j++)
			printf "%.9g,%.9g,%d\n", 10 * (i + 1) + j * 1e-6, y[j], j == 0 || j == low || j == high || j == 99
	}
	print "700,0,1"
}' >"$T/dense.csv"
plot -x x -y y --lines -o "$T/dense.png" "$T/dense.csv"
plot -x x -y y --lines --where few=1 -o "$T/sparse.png" "$T/dense.csv"
ok 'plotcsv: a dense line is drawn as its extremes' cmp "$T/dense.png" "$T/sparse.png"

# A no-break space is not visible, but moves the end of its text, from which no shape may begin.
for blank in '' '\0302\0240\0302\0240'; do
	printf 'x,y,name\n1,1,a%b\n2,3,bbbbbbbbbb\n3,2,cccccccccc\n' "$blank" >"$T/names.csv"
	plot -x x -y y -c name -o "$T/names-${blank:+with}.png" "$T/names.csv"
done
ok 'plotcsv: the shapes in a legend do not depend on where the text before them ends' \
	cmp "$T/names-.png" "$T/names-with.png"

different 'a second line' --line "$T/curves.csv:t,density"
ok 'plotcsv: draws two columns of y' plot -x t -y f_nats,density --lines -o "$T/c.svg" "$T/curves.csv"
ok 'plotcsv: draws without a column of x' plot -y ce_nats -o "$T/c.png" "$T/loss.csv"
ok 'plotcsv: draws a histogram by split' plot --hist -x t --log-x --log-y -c split -o "$T/c.png" "$T/loss.csv"
printf 'x,y\n5,5\n' >"$T/one.csv"
ok 'plotcsv: draws one point' plot -x x -y y -o "$T/c.png" "$T/one.csv"
ok 'plotcsv: draws one point on logarithmic axes' plot -x x -y y --log-x --log-y -o "$T/c.svg" "$T/one.csv"
printf 'x,y\n-1e308,1e-300\n1e300,1e300\n' >"$T/far.csv"
ok 'plotcsv: draws numbers of very different sizes' plot -x x -y y --lines -o "$T/c.png" "$T/far.csv"
awk 'BEGIN { print "x,c"; for (i = 0; i < 60; i++) printf "%d,name %d\n", i, i % 20 }' >"$T/many.csv"
plot -x x -y x -c c "$T/many.csv" >"$T/many"
ok 'plotcsv: draws more texts than it has colours' grep -q '13 others' "$T/many"
printf 'x,c\n1,\377\001\n2,a"b<&>\n' | sed 's/a"b/"a""b/;s/>$/>"/' >"$T/odd.csv"
ok 'plotcsv: draws odd names' plot -x x -y x -c c --title "$(printf '\377<&>\001')" -o "$T/c.svg" "$T/odd.csv"
ok 'plotcsv: draws very long names' plot -x x -y x --title "$(printf '%0999d' 1)" --line "$T/one.csv:x,y:$(printf '%0999d' 1)" \
	-o "$T/c.png" "$T/one.csv"

# --- several files ---

mkdir -p "$T/runs/adam" "$T/runs/muon"
printf 'step,loss,seed\n1,4,1\n2,3,1\n3,2,1\n1,6,2\n2,5,2\n3,2,2\n' >"$T/runs/adam/log.csv"
printf 'step,loss,seed\n1,3,1\n2,2,1\n3,1,1\n1,5,2\n2,2,2\n3,3,2\n' >"$T/runs/muon/log.csv"
# legend ARGUMENT...: the lines of the legend on the terminal
legend() {
	plot "$@" | sed -n 's/^ *\(--\|\*\) \([^ ].*\)/\2/p' | tr '\n' ' '
}
is 'plotcsv: files in different directories are named by the directory' \
	"$(legend -x step -y loss "$T/runs/muon/log.csv" "$T/runs/adam/log.csv")" 'muon adam '
cp "$T/runs/adam/log.csv" "$T/runs/first.csv"
cp "$T/runs/muon/log.csv" "$T/runs/sec=ond.csv"
is 'plotcsv: files in one directory are named by the file' \
	"$(legend -x step -y loss "$T/runs/first.csv" "$T/runs/sec=ond.csv")" 'first sec=ond '
is 'plotcsv: LABEL=FILE names a file' \
	"$(legend -x step -y loss "A=$T/runs/first.csv" "B b=$T/runs/sec=ond.csv")" 'A B b '
fails 'plotcsv: LABEL=FILE reports a missing file' 1 "$T/runs/none.csv: No such file" \
	plot -y loss "A=$T/runs/none.csv" "$T/runs/first.csv"
# Together they look like one file with the name of the run as a column.
{
	echo step,loss,seed,run
	for run in adam muon; do
		sed -n "2,\$ s/\$/,$run/p" "$T/runs/$run/log.csv"
	done
} >"$T/runs.csv"
plot -x step -y loss -c run -o "$T/stacked.svg" "$T/runs.csv"
plot -x step -y loss -o "$T/files.svg" "$T/runs/adam/log.csv" "$T/runs/muon/log.csv"
ok 'plotcsv: several files have one colour each' cmp "$T/stacked.svg" "$T/files.svg"
plot -x step -y loss -g run -c seed --discrete -o "$T/stacked.svg" "$T/runs.csv"
plot -x step -y loss --lines -c seed --discrete -o "$T/files.svg" "$T/runs/adam/log.csv" "$T/runs/muon/log.csv"
ok 'plotcsv: -c sets the colours of several files, and lines do not join them' cmp "$T/stacked.svg" "$T/files.svg"
printf 'step,valid\n1,2\n' >"$T/runs/other.csv"
fails 'plotcsv: names the one of several files that lacks a column' 1 \
	"runs/other.csv: no column 'loss'; there are step, valid$" plot -x step -y loss "$T/runs/first.csv" "$T/runs/other.csv"
fails 'plotcsv: refuses several files with several columns' 2 'several files need a single column of -y, or --panels, but 2 are given' \
	plot -x step -y loss,seed "$T/runs/first.csv" "$T/runs/first.csv"
fails 'plotcsv: --follow refuses two files' 2 'follow takes one file, but 2 are given' \
	plot --follow -y loss "$T/runs/first.csv" "$T/runs/first.csv"
fails 'plotcsv: refuses standard input twice' 2 'standard input: cannot be read twice' plot -y loss - -
is 'plotcsv: standard input can be one of several files' \
	"$(legend -x step -y loss A=- "$T/runs/first.csv" <"$T/runs/muon/log.csv")" 'A first '
mkdir "$T/thousands"
(cd "$T/thousands" && awk 'BEGIN { for (i = 1; i <= 3000; i++) { f = i ".csv"; printf "x,y\n1,%d\n2,%d\n", i, i >f; close(f) } }')
is 'plotcsv: draws 3000 files' "$(legend --lines -x x -y y "$T/thousands"/*.csv | sed 's/.* 1003 //')" '2993 others '

# --- panels and marks ---

printf 'step,loss\n1,5\n2,4\n3,2\n' >"$T/means.csv"
printf 'c,t\na=b,1\na=c,2\n' >"$T/texts.csv"
plot -x step -y loss,seed --panels --lines "$T/runs/adam/log.csv" "$T/runs/muon/log.csv" >"$T/panels"
is 'plotcsv: --panels draws a panel for each column, with one x axis and one legend' \
	"$(sed -n 's/ *|.*//; s/^ *+[-+]*$/axis/; /[a-z]/p' "$T/panels" | tr -s ' ' | tr '\n' ';')" 'loss;axis;seed;axis; step; -- adam; -- muon;'
plot -x step -y loss --lines "$T/runs/adam/log.csv" >"$T/one"
plot -x step -y loss --panels --lines "$T/runs/adam/log.csv" >"$T/panels"
ok 'plotcsv: --panels with one column is a plain plot' cmp "$T/one" "$T/panels"
printf 'x,a,b\n1,1,1000\n2,2,\n3,3,3000\n4,,4000\n' >"$T/scales.csv"
plot -x x -y a,b --panels -o "$T/panels.svg" "$T/scales.csv" 2>"$T/.err"
is 'plotcsv: panels have axes of their own' "$(sed -n 's/.*text-anchor="end".*>\(.*\)<.text>/\1/p' "$T/panels.svg" | tr '\n' ' ')" \
	'1.0 1.5 2.0 2.5 3.0 1000 1500 2000 2500 3000 3500 4000 '
is 'plotcsv: missing values of all panels are counted' "$(cat "$T/.err")" 'plotcsv: left out: 2 missing, infinite or not a number'
is 'plotcsv: panels share the x axis' "$(sed -n 's/.*text-anchor="middle".*>\(.*\)<.text>/\1/p' "$T/panels.svg" | tr '\n' ' ')" \
	'1.0 1.5 2.0 2.5 3.0 3.5 4.0 x '
fails 'plotcsv: names the panel without values' 1 "scales.csv: column 'b': nothing to draw: left out: 1 missing" \
	plot -x x -y a,b --panels --where x=2 "$T/scales.csv"
fails 'plotcsv: refuses --panels with --hist' 2 'panels does not go with --hist' plot --hist -x x --panels "$T/scales.csv"
fails 'plotcsv: refuses --panels with --line' 2 'panels does not go with --line' plot -x x -y a,b --panels --line "$T/scales.csv" "$T/scales.csv"
fails 'plotcsv: refuses --panels with --ylabel' 2 'panels does not go with --ylabel' plot -x x -y a,b --panels --ylabel l "$T/scales.csv"
printf 'step,family\n2,a\n2,b\n3,c\n' >"$T/refits.csv"
plot -x step -y loss --lines --mark "$T/refits.csv" "$T/means.csv" -o "$T/marks.svg"
plot -x step -y loss --lines --mark "$T/refits.csv:step:refits" "$T/means.csv" -o "$T/labelled.svg"
is 'plotcsv: --mark draws a dashed line at each x, and one in the legend' "$(grep -c dasharray "$T/marks.svg")" 3
is 'plotcsv: --mark is named by its file, or by its label' \
	"$(sed -n 's/.*>\(refits*\)<.text>/\1/p' "$T/marks.svg" "$T/labelled.svg" | tr '\n' ' ')" 'refits refits '
is 'plotcsv: marks do not change the axes' \
	"$(printf 'step\n100\n' >"$T/far-mark.csv" && plot -x step -y loss --lines --mark "$T/far-mark.csv:step:far" "$T/means.csv" | tail -n 3 | head -n 1)" \
	"$(plot -x step -y loss --lines "$T/means.csv" | tail -n 2 | head -n 1)"
fails 'plotcsv: --mark reports a missing column' 1 "mark: $T/refits.csv: no column 'w'" plot -y loss --mark "$T/refits.csv:w" "$T/means.csv"
fails 'plotcsv: --mark reports a missing file' 1 'none: No such file' plot -y loss --mark "$T/none" "$T/means.csv"
fails 'plotcsv: refuses standard input for rows and marks' 2 'standard input: cannot be read twice' plot -y loss --mark -:step -
fails 'plotcsv: --log-c requires -c or -g' 2 'log-c: needs -c, or -g' plot -y loss --log-c "$T/means.csv"
fails 'plotcsv: --log-c refuses --discrete' 2 'log-c does not go with --discrete' plot -y loss -c step --discrete --log-c "$T/means.csv"
fails 'plotcsv: --log-c refuses texts' 2 'the colours of .*texts.csv stand for texts' plot -y t -c c --log-c "$T/texts.csv"

# --- density ---

awk 'BEGIN { print "x,y"; print "0,0"; for (i = 0; i < 1000; i++) print "1,1"; print "2,2" }' >"$T/dense.points.csv"
plot -x x -y y --density -o "$T/density.svg" "$T/dense.points.csv"
is 'plotcsv: --density labels the bar of colours with the numbers of points' \
	"$(sed -n 's/.*<text .*>\([^<]*\)<.text>$/\1/p' "$T/density.svg" | sed -n '/^points$/,$p' | tr '\n' ' ')" 'points 10 100 1 1000 '
is 'plotcsv: --density draws cells, one path for each colour' "$(grep -c '<path style=" stroke:none;fill-rule:nonzero;fill:rgb' "$T/density.svg")" 2
ok 'plotcsv: --density draws on the terminal' sh -c "'$BIN/plotcsv' -x x -y y --density '$T/dense.points.csv' | grep -c '[|+].*[.:]' >'$T/n' && test \"\$(cat '$T/n')\" = 3"
ok 'plotcsv: --density draws several panels' plot -x x -y x,y --density --panels -o "$T/c.png" "$T/dense.points.csv"
fails 'plotcsv: refuses --density with -c' 2 'colour does not go with --density' plot -x x -y y -c y --density "$T/dense.points.csv"
fails 'plotcsv: refuses --density with --max-points' 2 'max-points does not go with --density' \
	plot -x x -y y --max-points 5 --density "$T/dense.points.csv"
fails 'plotcsv: refuses --density with two columns' 2 'density needs a single file and a single column' plot -y x,y --density "$T/dense.points.csv"

# --- means ---

printf 'step,loss\n1,5\n2,4\n3,2\n' >"$T/means.csv"
plot -x step -y loss --by step --ylim 1.91:5.09 "$T/runs/adam/log.csv" >"$T/by"
plot -x step -y loss --lines --ylim 1.91:5.09 "$T/means.csv" >"$T/plain"
ok 'plotcsv: --by draws the means of the rows with the same value' cmp "$T/plain" "$T/by"
printf 'run,step,loss\nadam,1,5\nadam,2,4\nadam,3,2\nmuon,1,4\nmuon,2,2\nmuon,3,2\n' >"$T/means.csv"
plot -x step -y loss -g run --ylim 1:6 "$T/means.csv" >"$T/plain"
plot -x step -y loss -c run --by step --ylim 1:6 "$T/runs.csv" >"$T/by"
ok 'plotcsv: --by averages within each colour' cmp "$T/plain" "$T/by"
plot -x step -y loss --by step --ylim 1:6 "$T/runs/adam/log.csv" "$T/runs/muon/log.csv" >"$T/by"
ok 'plotcsv: --by averages within each file' cmp "$T/plain" "$T/by"
plot -x step -y loss --by step --ylim 1:6 adam="$T/runs/adam/log.csv" muon="$T/runs/muon/log.csv" \
	adam="$T/runs/adam/log.csv" >"$T/by"
ok 'plotcsv: --by averages files with the same label' cmp "$T/plain" "$T/by"
for band in sd se range; do
	plot -x step -y loss --by step --band $band -o "$T/$band.svg" "$T/runs/adam/log.csv"
done
not_ok 'plotcsv: --band se differs from sd' cmp "$T/sd.svg" "$T/se.svg"
not_ok 'plotcsv: --band range differs from sd' cmp "$T/sd.svg" "$T/range.svg"
fails 'plotcsv: --by reports a missing column' 1 "no column 'w'" plot -x step -y loss --by w "$T/runs.csv"
fails 'plotcsv: --band requires --by' 2 'band: needs --by' plot -y loss --band se "$T/runs.csv"
fails 'plotcsv: refuses --hist with --by' 2 'by does not go with --hist' plot --hist -x loss --by step "$T/runs.csv"

# --- ticks ---

# axis OPTION...: the labels below x, on the terminal
axis() {
	plot "$@" | tail -n 2 | head -n 1 | tr -s ' ' | sed 's/^ //; s/ $//'
}
printf 'time,loss\n1700000000,5\n1700001800,4\n1700003600,3\n' >"$T/unix.csv"
is 'plotcsv: ticks of Unix times differ' "$(axis -x time -y loss "$T/unix.csv")" '1,700,000,000 1,700,002,000'
is 'plotcsv: ticks of a histogram of Unix times differ' "$(axis --hist -x time "$T/unix.csv")" \
	'1,700,000,000 1,700,002,000'
printf 'step,lr\n1,0.0002\n2,0.00020001\n3,0.00020002\n' >"$T/rate.csv"
for log in '' --log-y; do
	# shellcheck disable=SC2086
	is "plotcsv: ticks of small numbers with small steps differ $log" \
		"$(plot -x step -y lr $log "$T/rate.csv" | sed -n 's/ *\(.*e-4\) +.*/\1/p' | tr '\n' ' ')" \
		'2.0002e-4 2.00015e-4 2.0001e-4 2.00005e-4 2e-4 '
done
if command -v script >/dev/null && script -qec true /dev/null </dev/null >/dev/null 2>&1; then
	script -qec "stty cols 72; TERM=xterm '$BIN/plotcsv' --ascii -x loss -y loss -c time '$T/unix.csv'" \
		/dev/null </dev/null >"$T/tty" 2>&1
	ok 'plotcsv: the ends of the colours of Unix times differ' \
		grep -q 'time: 1,700,000,000 (light) to 1,700,003,600 (dark)' "$T/tty"
else
	skip 'plotcsv: the ends of the colours of Unix times differ' 'no script(1) or no terminals here'
fi

# --- wide ranges ---

printf 'x,y\n1,1e-160\n2,1\n3,1e160\n' >"$T/wide.csv"
is 'plotcsv: a log axis may cover 320 decades' \
	"$(plot -x x -y y --log-y "$T/wide.csv" | sed -n 's/ *\([^ ][^ ]*\) +.*/\1/p' | tr '\n' ' ')" '1e150 1e100 1e50 1 1e-50 1e-100 1e-150 '
printf 'x,y\n1,-1e308\n2,0\n3,1e308\n' >"$T/wide.csv"
is 'plotcsv: a linear axis may cover -1e308 to 1e308' \
	"$(plot -x x -y y "$T/wide.csv" | sed -n 's/ *\([^ ][^ ]*\) +.*/\1/p' | tr '\n' ' ')" '1e308 5e307 0 -5e307 -1e308 '
is 'plotcsv: a linear axis from -1e308 to 1e308 has the three points' "$(plot -x x -y y "$T/wide.csv" | grep -c '[|+].*[.:]')" 3

# --- names ---

printf '"a,b",c=d,"e:f",g\\h\n1,2,3,4\n2,3,5,6\n3,5,4,1\n' >"$T/names.csv"
printf 'a,c,e,g\n1,2,3,4\n2,3,5,6\n3,5,4,1\n' >"$T/plain.csv"
# alike DESCRIPTION ARGUMENTS-OF-PLAIN ARGUMENT...: the same picture except for its texts
alike() {
	alike_what=$1 alike_plain=$2
	shift 2
	# shellcheck disable=SC2086
	plot --xlabel x --ylabel y $alike_plain "$T/plain.csv" >"$T/plain" 2>&1
	plot --xlabel x --ylabel y "$@" "$T/names.csv" >"$T/named" 2>&1
	ok "$alike_what" cmp "$T/plain" "$T/named"
}
alike 'plotcsv: -y takes a comma after a backslash' '-x a -y a' -x 'a,b' -y 'a\,b'
is 'plotcsv: -y takes three columns, one with a comma in its name' \
	"$(plot -y 'a\,b,e\:f,g\h' "$T/names.csv" | tail -n 3 | tr -s ' ' | tr '\n' ';')" ' * a,b; * e:f; * g\h;'
alike 'plotcsv: -x and -y take two backslashes as one' '-x g -y g' -x 'g\\h' -y 'g\\h'
alike 'plotcsv: -x takes the same names as -y' '-x a -y c' -x 'a\,b' -y 'c\=d'
alike 'plotcsv: -c takes the same names as -y' '-x a -y e -c c' -x 'a\,b' -y 'e:f' -c 'c\=d'
alike 'plotcsv: -g takes the same names as -y' '-x a -y e -g c' -x 'a\,b' -y 'e:f' -g 'c\=d'
alike 'plotcsv: --where takes an equals sign after a backslash' '-x a -y e --where c=3' \
	-x 'a,b' -y 'e:f' --where 'c\=d=3'
printf 'c,t\na=b,1\na=c,2\n' >"$T/texts.csv"
fails 'plotcsv: --where takes a backslash after the equals sign as text' 1 'nothing to draw' \
	plot -y t --where 'c=a\=b' "$T/texts.csv"
ok 'plotcsv: the text of --where may have an equals sign' plot -y t --where 'c=a=b' "$T/texts.csv"
alike 'plotcsv: --line takes commas and colons after backslashes' "-x a -y e --line $T/plain.csv:a,e:fit" \
	-x 'a,b' -y 'e:f' --line "$T/names.csv:a\\,b,e\\:f:fit"
alike 'plotcsv: --line takes a label with a slash' "-x a -y e --line $T/plain.csv:a,e:x/y:z" \
	-x 'a,b' -y 'e:f' --line "$T/names.csv:a\\,b,e\\:f:x/y:z"
mkdir "$T/d:e"
cp "$T/names.csv" "$T/d:e/n:1"
alike 'plotcsv: --line takes a file with colons in its path' "-x a -y e --line $T/plain.csv:a,e:fit" \
	-x 'a,b' -y 'e:f' --line "$T/d:e/n:1:a\\,b,e\\:f:fit"
fails 'plotcsv: --line reports a missing file in a directory with a colon' 1 'd:e/none: No such file' \
	plot -x 'a,b' -y 'e:f' --line "$T/d:e/none:a,b" "$T/names.csv"

# --- lines of one point ---

printf 'x,y,g\n1,2,a\n3,4,b\n' >"$T/lone.csv"
plot -x x -y y -g g "$T/lone.csv" >"$T/lone"
plot -x x -y y -g g --points "$T/lone.csv" >"$T/dots"
is 'plotcsv: a line of one point is a dot on the terminal' "$(grep -c '[|+].*[.:]' "$T/lone")" 2
ok 'plotcsv: a line of one point is drawn at the point' sh -c "head -n 16 '$T/lone' >'$T/lone.16'; head -n 16 '$T/dots' | cmp - '$T/lone.16'"
plot -x x -y y -g g -o "$T/lone.svg" "$T/lone.csv"
is 'plotcsv: a line of one point is a dot in a picture' \
	"$(grep 'linecap:round;stroke-linejoin:round' "$T/lone.svg" | sed 's/.* d="M \([^"]*\) L \([^"]*\) ".*/\1=\2/' |
		awk -F= '{ n += $1 == $2 } END { print n }')" 2

# --- what is left out ---

plot -x x -y y "$T/gaps.csv" >"$T/.out" 2>"$T/.err"
is 'plotcsv: counts missing values' "$(cat "$T/.err")" 'plotcsv: left out: 3 missing, infinite or not a number'
plot -x x -y y --log-y "$T/gaps.csv" >"$T/.out" 2>"$T/.err"
is 'plotcsv: counts values that a log axis cannot show' "$(tail -n 1 "$T/.err")" \
	'plotcsv: left out: 1 not positive, on a logarithmic axis'
plot -q -x x -y y "$T/gaps.csv" >"$T/.out" 2>"$T/.err"
is 'plotcsv: -q prints nothing' "$(cat "$T/.err")" ''
plot -v -x x -y y "$T/gaps.csv" >"$T/.out" 2>"$T/.err"
ok 'plotcsv: -v prints time and memory' grep -q 'MiB peak' "$T/.err"
draw --max-points 100 -o "$T/c.svg" 2>"$T/.err"
is 'plotcsv: reports that it thins points' "$(cat "$T/.err")" 'plotcsv: 100 of 400 points drawn; --max-points 0 draws all'

# --- --follow ---

head -n 200 "$T/loss.csv" >"$T/grow.csv"
printf '51,1.5' >>"$T/grow.csv"
"$BIN/plotcsv" --follow --interval 0.1 -x t -y ce_nats -o "$T/grow.png" "$T/grow.csv" 2>"$T/.err" &
pid=$!
# wait_for COMMAND...: until it succeeds, 10 seconds at most
wait_for() {
	tries=0
	while ! "$@" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || return 1
		sleep 0.1
	done
}
ok 'plotcsv: --follow draws the rows of a file' wait_for test -s "$T/grow.png"
head -n 200 "$T/loss.csv" >"$T/now.csv"
plot -x t -y ce_nats -o "$T/now.png" "$T/now.csv"
ok 'plotcsv: --follow does not draw an incomplete line' cmp "$T/now.png" "$T/grow.png"
printf ',2.5,train\n' >>"$T/grow.csv"
plot -x t -y ce_nats -o "$T/now.png" "$T/grow.csv"
ok 'plotcsv: --follow draws appended rows' wait_for cmp -s "$T/now.png" "$T/grow.png"
head -n 50 "$T/loss.csv" >"$T/grow.csv"
plot -x t -y ce_nats -o "$T/now.png" "$T/grow.csv"
ok 'plotcsv: --follow starts again if the file does' wait_for cmp -s "$T/now.png" "$T/grow.png"
kill -TERM $pid
wait $pid
is 'plotcsv: --follow ends with status 0 on SIGTERM' "$?$(cat "$T/.err")" 0
if command -v timeout >/dev/null; then
	timeout --preserve-status -s INT 0.5 "$BIN/plotcsv" -F -x t -y ce_nats "$T/loss.csv" >"$T/follow"
	is 'plotcsv: --follow ends with status 0 on SIGINT' "$?" 0
	ok 'plotcsv -F: SIGINT leaves a complete picture' sh -c "tail -n 1 '$T/follow' | grep -q ' t$'"
else
	skip 'plotcsv: --follow ends with status 0 on SIGINT' 'no timeout here'
fi
is 'plotcsv: --follow leaves no temporary file' "$(find "$T" -name '*.tmp')" ''
(
	head -n 100 "$T/loss.csv"
	sleep 0.5
	tail -n +101 "$T/loss.csv"
) | plot --follow --interval 0.1 -x t -y ce_nats -c step >"$T/follow" 2>"$T/.err"
is 'plotcsv: --follow reads a pipe to its end' "$?" 0
plot -x t -y ce_nats -c step "$T/loss.csv" >"$T/whole"
tail -n "$(wc -l <"$T/whole")" "$T/follow" >"$T/last"
ok 'plotcsv: --follow of a pipe draws all rows last' cmp "$T/whole" "$T/last"
ok 'plotcsv --follow: draws a picture before the pipe ends' test "$(grep -c '^ *cross-entropy (nats)$' "$T/follow")" -ge 2
printf 'x,y\n1,2\n3,4' | plot --follow --interval 0.05 -x x -y y >"$T/follow"
printf 'x,y\n1,2\n3,4\n' | plot -x x -y y >"$T/whole"
tail -n "$(wc -l <"$T/whole")" "$T/follow" >"$T/last"
ok 'plotcsv: --follow takes a last line without an end where a pipe ends' cmp "$T/whole" "$T/last"
fails 'plotcsv: --follow reports a pipe that ends within a row' 1 'standard input: line 3: wrong number of fields: 1 \(expected 2\)' \
	sh -c "printf 'x,y\n1,2\n3' | '$BIN/plotcsv' --follow --interval 0.05 -q -y y >/dev/null"

fails 'plotcsv: --follow refuses a pipe without rows' 1 'standard input: nothing to draw: no rows follow the header$' \
	sh -c "printf 'x,y\n' | '$BIN/plotcsv' --follow --interval 0.05 -y y"

printf 'x,y\n1,2\nx,y\n3,4\n' >"$T/appended.csv"
printf 'x,y\n1,2\n3,4\n' >"$T/joined.csv"
plot -y y "$T/appended.csv" >"$T/appended"
plot -y y "$T/joined.csv" >"$T/joined"
ok 'plotcsv: passes over a row that repeats the header' cmp "$T/joined" "$T/appended"

# --- bad input ---

fails 'plotcsv: the message about a missing column lists all columns' 1 \
	"gaps.csv: no column 'w'; there are x, y, z$" plot -x x -y w "$T/gaps.csv"
fails 'plotcsv: -c reports a missing column' 1 "no column 'w'" plot -x x -y y -c w "$T/gaps.csv"
fails 'plotcsv: -g reports a missing column' 1 "no column 'w'" plot -x x -y y -g w "$T/gaps.csv"
fails 'plotcsv: --where reports a missing column' 1 "no column 'w'" plot -x x -y y --where w=1 "$T/gaps.csv"
fails 'plotcsv: --line reports a missing column' 1 "line: $T/curves.csv: no column 'w'" plot -x x -y y --line "$T/curves.csv:t,w" "$T/gaps.csv"
fails 'plotcsv: --line reports a missing file' 1 'none: No such file' plot -x x -y y --line "$T/none" "$T/gaps.csv"
fails 'plotcsv: refuses a text instead of a number' 1 "gaps.csv: line 2: column 'z': 'a' is not a number$" plot -x x -y z "$T/gaps.csv"
fails 'plotcsv: refuses a --where that no row matches' 1 \
	'gaps.csv: nothing to draw: none of 7 rows satisfies --where$' plot -x x -y y --where x=0 "$T/gaps.csv"
fails 'plotcsv: refuses an --xlim without points' 1 \
	'gaps.csv: nothing to draw: left out: 3 missing, infinite or not a number, 4 outside the limits of x, which runs from 1 to 7$' \
	plot -x x -y y --xlim 100:200 "$T/gaps.csv"
fails 'plotcsv: refuses an --xlim without values of a histogram' 1 \
	'nothing to draw: left out: 7 outside the limits of x, which runs from 1 to 7$' \
	plot --hist -x x --xlim 100:200 "$T/gaps.csv"
fails 'plotcsv: refuses a --ylim without points' 1 \
	'gaps.csv: nothing to draw: y is limited to 100 and more, its values run from -5 to 70$' \
	plot -x x -y y --ylim 100:200 "$T/gaps.csv"
printf 'x,y\n1,0\n2,0\n3,-1\n4,nan\n' >"$T/zeros.csv"
fails 'plotcsv: refuses a log axis without positive values' 1 \
	'zeros.csv: nothing to draw: left out: 1 missing, infinite or not a number, 3 not positive, on a logarithmic axis$' \
	plot -x x -y y --log-y "$T/zeros.csv"
fails 'plotcsv: refuses values that are all nan' 1 'nothing to draw: left out: 1 missing, infinite or not a number$' \
	plot -x x -y y --where x=4 "$T/zeros.csv"
printf 'x,y\n1,1\n2,9\n' >"$T/corners.csv"
fails 'plotcsv: refuses limits between the points' 1 'corners.csv: nothing to draw: no point is within the limits of x and y$' \
	plot -x x -y y --ylim 4:6 "$T/corners.csv"
ok 'plotcsv: draws a line whose points are outside the limits' plot -x x -y y --lines --ylim 4:6 "$T/corners.csv"
awk 'BEGIN { print "x,y"; for (i = 0; i < 200; i++) print i "," i % 100; print "7,1000" }' >"$T/outlier.csv"
plot -x x -y y --ylim :99% "$T/outlier.csv" >"$T/percent" 2>"$T/.err"
plot -x x -y y --ylim :99 "$T/outlier.csv" >"$T/number" 2>"$T/.err2"
ok 'plotcsv: an end of --ylim may be a percentile of y' cmp "$T/number" "$T/percent"
is 'plotcsv: counts the points outside the limits' "$(cat "$T/.err")" 'plotcsv: left out: 1 outside the limits of the axes'
printf 'x,y\n' >"$T/header.csv"
fails 'plotcsv: refuses a header without rows' 1 'nothing to draw: no rows follow the header$' plot -y y "$T/header.csv"
printf 'x,y\n1,2\n3' >"$T/cut.csv"
fails 'plotcsv: refuses a truncated file' 1 'cut.csv: line 3: wrong number of fields' plot -x x -y y -o "$T/none.png" "$T/cut.csv"
not_ok 'plotcsv: a truncated file leaves no picture' test -e "$T/none.png"
cp "$T/a.png" "$T/old.png"
fails 'plotcsv: a truncated file is refused for an existing picture' 1 'line 3: wrong number of fields' plot -x x -y y -o "$T/old.png" "$T/cut.csv"
ok 'plotcsv: a failure leaves the old picture' cmp "$T/a.png" "$T/old.png"
fails 'plotcsv: reports a missing directory' 1 "$T/none/a.png" draw -o "$T/none/a.png"
if [ -w /dev/full ]; then
	fails 'plotcsv: reports a full disk' 1 'standard output: cannot write' sh -c "'$BIN/plotcsv' -y y -q '$T/gaps.csv' >/dev/full"
	ln -s /dev/full "$T/full.png"
	ln -s /dev/full "$T/full.svg"
	fails 'plotcsv: reports a full disk for a PNG' 1 'full.png: cannot write' draw -o "$T/full.png"
	fails 'plotcsv: reports a full disk for an SVG' 1 'full.svg: cannot write' draw -q -o "$T/full.svg"
else
	skip 'plotcsv: reports a full disk' 'no /dev/full here'
fi
ok 'plotcsv: ends quietly if its reader exits' sh -c "'$BIN/plotcsv' -y y -q '$T/gaps.csv' 2>'$T/.err2' | true; test ! -s '$T/.err2'"

printf 'x,y\n1,1\n2,1.0000000000000002\n' >"$T/narrow.csv"
fails 'plotcsv: refuses a terminal without room for the labels' 1 '24 columns are too few for this picture .25 at least.$' \
	env COLUMNS=24 "$BIN/plotcsv" -y y --ylim 1:1.0000000000000002 "$T/narrow.csv"
ok 'plotcsv: accepts a terminal with just enough room for the labels' \
	env COLUMNS=25 "$BIN/plotcsv" -y y --ylim 1:1.0000000000000002 "$T/narrow.csv"
ok 'plotcsv: COLUMNS that is not a number counts as 80' \
	env COLUMNS=24x "$BIN/plotcsv" -y y --ylim 1:1.0000000000000002 "$T/narrow.csv"
fails 'plotcsv: refuses a picture without room for the labels' 1 '100 x 4000 pixels have no room for the labels of this picture' \
	plot -y y --ylim 1:1.0000000000000002 --size 100x4000 -o "$T/c.png" "$T/narrow.csv"

# --- the command line ---

fails 'plotcsv: -o refuses another suffix' 2 'must end in .png, .svg or .pdf' plot -x x -y y -o "$T/a.jpg" "$T/gaps.csv"
fails 'plotcsv: -o - requires --format' 2 'standard output needs --format' plot -x x -y y -o - "$T/gaps.csv"
fails 'plotcsv: --format requires -o' 2 'format: needs --output' plot -x x -y y --format png "$T/gaps.csv"
fails 'plotcsv: --background requires -o' 2 'background: needs --output' plot -x x -y y --background dark "$T/gaps.csv"
fails 'plotcsv: --follow refuses -o -' 2 'follow needs a file' plot -F -y y --format svg -o - "$T/gaps.csv"
fails 'plotcsv: requires -y or --hist' 2 'name a column with -y' plot "$T/gaps.csv"
fails 'plotcsv: --hist requires -x' 2 'hist needs -x' plot --hist "$T/gaps.csv"
fails 'plotcsv: refuses --hist with -y' 2 'takes no -y' plot --hist -x x -y y "$T/gaps.csv"
fails 'plotcsv: refuses --hist with --smooth' 2 'smooth does not go with --hist' plot --hist -x x --smooth 3 "$T/gaps.csv"
fails 'plotcsv: --bins requires --hist' 2 'bins: needs --hist' plot -y y --bins 3 "$T/gaps.csv"
fails 'plotcsv: --mean requires --smooth' 2 'mean: needs --smooth' plot -y y --mean "$T/gaps.csv"
fails 'plotcsv: refuses -c with two columns of -y' 2 'needs a single column of -y, or --panels, but 2 are given' plot -y x,y -c z "$T/gaps.csv"
fails 'plotcsv: -y refuses more than 7 columns' 2 '-y: too many columns \(expected at most 7\)' plot -y a,b,c,d,e,f,g,h "$T/gaps.csv"
fails 'plotcsv: --where refuses a text without an equals sign' 2 'not COLUMN=TEXT' plot -y y --where z "$T/gaps.csv"
fails 'plotcsv: --line refuses one column' 2 'not X,Y' plot -y y --line "$T/curves.csv:t" "$T/gaps.csv"
fails 'plotcsv: --size refuses a single number' 2 'WIDTHxHEIGHT' plot -y y --size 12 "$T/gaps.csv"
fails 'plotcsv: --size refuses a size that is too large' 2 'WIDTHxHEIGHT' plot -y y --size 99999x99999 "$T/gaps.csv"
fails 'plotcsv: --xlim refuses a single number' 2 'not FROM:TO' plot -y y --xlim 3 "$T/gaps.csv"
for limits in 0x1:0x5 '+1:5' '1: 5' nan:5 1:inf; do
	fails "plotcsv: --xlim refuses $limits" 2 'not FROM:TO' plot -y y --xlim "$limits" "$T/gaps.csv"
done
for size in ' 900x600' +900x600 900x600x 900.5x600 0x384x600; do
	fails "plotcsv: --size refuses $size" 2 'WIDTHxHEIGHT' plot -y y --size "$size" "$T/gaps.csv"
done
fails 'plotcsv: --xlim refuses a start above the end' 2 'start must be below the end' plot -y y --xlim 3:1 "$T/gaps.csv"
for limits in 101%:5 -1%:5 %:5 50%:40% 1%%:5; do
	fails "plotcsv: --ylim refuses $limits" 2 'ylim: ' plot -y y --ylim "$limits" "$T/gaps.csv"
done
fails 'plotcsv: --xlim refuses percent' 2 'not FROM:TO$' plot -y y --xlim 1%:5 "$T/gaps.csv"
fails 'plotcsv: --xlim refuses zero on a log axis' 2 'logarithmic' plot -y y --xlim 0:1 --log-x "$T/gaps.csv"
fails 'plotcsv: --interval requires --follow' 2 'interval: needs --follow' \
	plot -y y --interval 2 "$T/gaps.csv"
fails 'plotcsv: refuses --ascii with --output' 2 'ascii does not go with --output' \
	plot -y y --ascii -o "$T/ascii.png" "$T/gaps.csv"
fails 'plotcsv: --interval refuses 0' 2 'interval' plot -y y --interval 0 "$T/gaps.csv"
ok 'plotcsv: --help lists --follow' sh -c "'$BIN/plotcsv' --help | grep -q -- --follow"
ok 'plotcsv: --version prints the version' sh -c "'$BIN/plotcsv' -V | grep -q '^plotcsv (cdcd)'"

done_testing
