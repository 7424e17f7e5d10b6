#!/bin/sh
# make install and uninstall, into a directory of our own, with and without a prefix of the names.
. tests/lib.sh

BUILD=${BUILD:-build}
# MAKEFLAGS of a make above is kept: other flags would mean to build everything again.
run_make() {
	make ${SAN:+SAN="$SAN"} BUILD="$BUILD" ${CC:+CC="$CC"} "$@"
}
listing() {
	(cd "$1" && find . -type f | sort)
}

ok 'install' run_make install DESTDIR="$T/plain" PREFIX=/usr
for tool in tok pack noise train fitsched denoise plotcsv; do
	ok "$tool is there, and runs" "$T/plain/usr/bin/$tool" --version
	ok "$tool(1) is there" test -s "$T/plain/usr/share/man/man1/$tool.1"
done
ok 'the pages of section 5 and 7 are there' \
	test -s "$T/plain/usr/share/man/man5/cdcd-shard.5" -a -s "$T/plain/usr/share/man/man7/cdcd.7"
ok 'uninstall' run_make uninstall DESTDIR="$T/plain" PREFIX=/usr
is 'uninstall leaves nothing' "$(listing "$T/plain")" ''

ok 'install with a prefix' run_make install DESTDIR="$T/prefixed" PREFIX=/opt PROGRAM_PREFIX=cdcd-
is 'every program has the prefix' "$(cd "$T/prefixed/opt/bin" && echo *)" \
	'cdcd-denoise cdcd-fitsched cdcd-noise cdcd-pack cdcd-plotcsv cdcd-tok cdcd-train'
ok 'every page of section 1 has it in its file name' \
	sh -c "cd '$T/prefixed/opt/share/man/man1' && test -s cdcd-tok.1 && ! ls | grep -v '^cdcd-'"
ok 'install: the text of a page in section 1 has the program prefix' grep -qx '\.Nm cdcd-tok' "$T/prefixed/opt/share/man/man1/cdcd-tok.1"
not_ok 'install: the text of a page in section 1 has no name without the prefix' grep -qx '\.Nm tok' "$T/prefixed/opt/share/man/man1/cdcd-tok.1"
ok 'uninstall with a prefix' run_make uninstall DESTDIR="$T/prefixed" PREFIX=/opt PROGRAM_PREFIX=cdcd-
is 'install: uninstall with a prefix leaves nothing' "$(listing "$T/prefixed")" ''

done_testing
