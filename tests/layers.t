#!/bin/sh
# Each directory of lib/ includes only its own headers and those of the directories that
# CONTRIBUTING.md puts below it; tools include lib/ and tools/; nothing includes tools/.
. tests/lib.sh

# below DIRECTORY: the directories that it may include
below() {
	case $1 in
	base) echo base ;;
	text | formats | compute | diffusion | comm) echo "$1 base" ;;
	data) echo data formats base ;;
	picture) echo picture formats base ;;
	model) echo model diffusion compute formats base ;;
	train) echo train comm model diffusion compute formats base ;;
	*) return 1 ;;
	esac
}

for dir in lib/*/; do
	dir=${dir#lib/}
	dir=${dir%/}
	if ! dirs=$(below "$dir"); then
		ok "lib/$dir: has a rule in this test" false
		continue
	fi
	grep -rHno '^#[ \t]*include "[^"]*"' lib/"$dir" 2>/dev/null |
		awk -F: -v dirs="$dirs" '
			BEGIN { n = split(dirs, r, " "); for (i = 1; i <= n; i++) may[r[i]] = 1 }
			{ split($3, q, "\""); split(q[2], part, "/")
			  if (!(part[1] in may) || index(q[2], "..")) print $1 ":" $2 ": " q[2] }' >"$T/wrong"
	ok "lib/$dir: includes only headers of $dirs" sh -c "cat '$T/wrong'; test ! -s '$T/wrong'"
done

grep -Hno '^#[ \t]*include "[^"]*"' tools/*.[ch] |
	awk -F'"' '$2 ~ /[.][.]/ || ($2 !~ /^(base|formats|data|text|compute|diffusion|comm|model|train|picture)\// && $2 ~ /\//)' >"$T/wrong"
ok 'tools: include headers of lib by directory, and headers of tools without one' sh -c "cat '$T/wrong'; test ! -s '$T/wrong'"

grep -EHn '\b(printf|puts|putchar|perror|exit|abort|_exit|err|errx|warn|warnx)[ \t]*\(|\bf(printf|puts|putc|write)[ \t]*\((stdout|stderr)|\b(stdout|stderr)\b' \
	lib/*/*.c lib/*/*/*.c | grep -Ev '^[^:]*:[0-9]*:[ \t]*(\*|/[/*])' | grep -v '__attribute__' >"$T/wrong"
ok 'lib: no function prints or exits' sh -c "cat '$T/wrong'; test ! -s '$T/wrong'"

# Constant tables of pointers are relocated, and lie in .data.rel.ro; other data could be changed.
lib=${BUILD:-build}/libcdcd.a
if [ ! -r "$lib" ]; then
	skip 'lib: contains no mutable globals' 'not built'
elif [ -n "${SAN:-}" ]; then
	skip 'lib: contains no mutable globals' 'the sanitizers add their own'
else
	nm -f sysv "$lib" 2>/dev/null | awk -F'|' '
		{ gsub(/ /, "", $7) }
		$7 ~ /^[.]text/ { functions++ }
		END { if (!functions) print "nm: no functions" }
		$7 ~ /^[.](data|bss|tdata|tbss)/ && $7 !~ /rel[.]ro/ || $7 == "*COM*" { print $1, $7 }' >"$T/wrong"
	ok 'lib: contains no mutable globals' sh -c "cat '$T/wrong'; test ! -s '$T/wrong'"
fi

# The cap of CONTRIBUTING.md, with dir for "about".
wc -l lib/*/*.[ch] lib/*/*/*.[ch] tools/*.[ch] tests/unit/*.c | awk '$2 != "total" && $1 > 660' >"$T/wrong"
ok 'lib, tools, tests/unit: no file has more than 660 lines' sh -c "cat '$T/wrong'; test ! -s '$T/wrong'"

done_testing
