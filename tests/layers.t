#!/bin/sh
# Each room of lib/ includes only its own headers and those of the rooms that CONTRIBUTING.md puts
# below it; tools include lib/ and tools/; nothing includes tools/.
. tests/lib.sh

# below ROOM: the rooms that it may include
below() {
	case $1 in
	ground) echo ground ;;
	formats | text | math) echo "$1 ground" ;;
	model) echo model math formats ground ;;
	picture) echo picture math formats ground ;;
	*) return 1 ;;
	esac
}

for room in lib/*/; do
	room=${room#lib/}
	room=${room%/}
	if ! rooms=$(below "$room"); then
		ok "lib/$room: a room that this test knows" false
		continue
	fi
	grep -Hno '^#[ \t]*include "[^"]*"' lib/"$room"/*.[ch] 2>/dev/null |
		awk -F: -v rooms="$rooms" '
			BEGIN { n = split(rooms, r, " "); for (i = 1; i <= n; i++) may[r[i]] = 1 }
			{ split($3, q, "\""); split(q[2], part, "/")
			  if (!(part[1] in may) || index(q[2], "..")) print $1 ":" $2 ": " q[2] }' >"$T/wrong"
	ok "lib/$room includes only: $rooms" sh -c "cat '$T/wrong'; test ! -s '$T/wrong'"
done

grep -Hno '^#[ \t]*include "[^"]*"' tools/*.[ch] |
	awk -F'"' '$2 ~ /[.][.]/ || ($2 !~ /^(ground|formats|text|math|model|picture)\// && $2 ~ /\//)' >"$T/wrong"
ok 'tools include headers of lib by room, and of tools' sh -c "cat '$T/wrong'; test ! -s '$T/wrong'"

grep -EHn '\b(printf|puts|putchar|perror|exit|abort|_exit|err|errx|warn|warnx)[ \t]*\(|\bf(printf|puts|putc|write)[ \t]*\((stdout|stderr)|\b(stdout|stderr)\b' \
	lib/*/*.c | grep -Ev '^[^:]*:[0-9]*:[ \t]*(\*|/[/*])' | grep -v '__attribute__' >"$T/wrong"
ok 'lib neither prints nor exits' sh -c "cat '$T/wrong'; test ! -s '$T/wrong'"

# Constant tables of pointers are relocated, and lie in .data.rel.ro; other data could be changed.
lib=${BUILD:-build}/libcdcd.a
if [ ! -r "$lib" ]; then
	skip 'lib keeps no mutable globals' 'not built'
elif [ -n "${SAN:-}" ]; then
	skip 'lib keeps no mutable globals' 'the sanitizers add their own'
else
	nm -f sysv "$lib" 2>/dev/null | awk -F'|' '
		{ gsub(/ /, "", $7) }
		$7 ~ /^[.]text/ { functions++ }
		END { if (!functions) print "nm: no functions" }
		$7 ~ /^[.](data|bss|tdata|tbss)/ && $7 !~ /rel[.]ro/ || $7 == "*COM*" { print $1, $7 }' >"$T/wrong"
	ok 'lib keeps no mutable globals' sh -c "cat '$T/wrong'; test ! -s '$T/wrong'"
fi

# The cap of CONTRIBUTING.md, with room for "about".
wc -l lib/*/*.[ch] tools/*.[ch] tests/unit/*.c | awk '$2 != "total" && $1 > 660' >"$T/wrong"
ok 'no file is much longer than 600 lines' sh -c "cat '$T/wrong'; test ! -s '$T/wrong'"

done_testing
