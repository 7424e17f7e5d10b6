#!/bin/sh
# make install and uninstall, into a temporary directory, with and without a prefix of the names.
. tests/lib.sh

BUILD=${BUILD:-build}
# MAKEFLAGS of a calling make is kept: other flags would build everything again.
run_make() {
	make ${SAN:+SAN="$SAN"} BUILD="$BUILD" ${CC:+CC="$CC"} "$@"
}
listing() {
	(cd "$1" && find . -type f | sort)
}

ok 'make install: succeeds' run_make install DESTDIR="$T/plain" PREFIX=/usr
for tool in tok pack noise train fitsched denoise plotcsv; do
	ok "make install: $tool is installed and runs" "$T/plain/usr/bin/$tool" --version
	ok "make install: $tool(1) is installed" test -s "$T/plain/usr/share/man/man1/$tool.1"
done
ok 'make install: the pages of sections 5 and 7 are installed' \
	test -s "$T/plain/usr/share/man/man5/cdcd-shard.5" -a -s "$T/plain/usr/share/man/man7/cdcd.7"
ok 'make uninstall: succeeds' run_make uninstall DESTDIR="$T/plain" PREFIX=/usr
is 'make uninstall: leaves no files' "$(listing "$T/plain")" ''

ok 'make install: succeeds with a prefix of the names' run_make install DESTDIR="$T/prefixed" PREFIX=/opt PROGRAM_PREFIX=cdcd-
is 'make install: every program has the prefix' "$(cd "$T/prefixed/opt/bin" && echo *)" \
	'cdcd-denoise cdcd-fitsched cdcd-noise cdcd-pack cdcd-plotcsv cdcd-tok cdcd-train'
ok 'make install: the file name of every page of section 1 has the prefix' \
	sh -c "cd '$T/prefixed/opt/share/man/man1' && test -s cdcd-tok.1 && ! ls | grep -v '^cdcd-'"
ok 'install: the text of a page in section 1 has the program prefix' grep -qx '\.Nm cdcd-tok' "$T/prefixed/opt/share/man/man1/cdcd-tok.1"
not_ok 'install: the text of a page in section 1 has no name without the prefix' grep -qx '\.Nm tok' "$T/prefixed/opt/share/man/man1/cdcd-tok.1"
ok 'make uninstall: succeeds with a prefix of the names' run_make uninstall DESTDIR="$T/prefixed" PREFIX=/opt PROGRAM_PREFIX=cdcd-
is 'install: uninstall with a prefix leaves nothing' "$(listing "$T/prefixed")" ''

done_testing
