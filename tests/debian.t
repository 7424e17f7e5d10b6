#!/bin/sh
# What debian/ repeats from elsewhere: version, packages, programs, licence. "make deb" builds it.
. tests/lib.sh

# packages: the names in a list, one per line, sorted, without versions, profiles and build-essential
packages() {
	tr -s ', \t\n' '\n' | grep -v -e '^[(<!=]' -e '[>)]$' -e '^$' -e '^gcc$' -e '^libc6-dev$' \
		-e '^make$' -e '^debhelper-compat$' | sort
}

is 'debian: the version is that of the tools' \
	"cdcd ($("$BIN/tok" --version | sed 's/.* //'))" \
	"$(sed -n '1s/).*/)/p' debian/changelog)"
sed -n '/^Build-Depends:/,/^Standards-Version:/p' debian/control | sed -e '$d' -e 's/^Build-Depends://' |
	packages >"$T/control"
sed -n "/^debian='/,/'\$/p" pipelines/deps | sed -e "s/^debian='//" -e "s/'\$//" | packages >"$T/deps"
ok 'debian: the package is built with what pipelines/deps installs' cmp "$T/control" "$T/deps"
for tool in tok pack noise train fitsched denoise plotcsv; do
	ok "debian: $tool is also installed under its own name" \
		grep -qx "usr/bin/cdcd-$tool usr/lib/cdcd/$tool" debian/cdcd.links
done
sed -n '/^Permission/,$p' LICENSE >"$T/license"
sed -n '/^ Permission/,$s/^ //p' debian/copyright | sed 's/^\.$//' >"$T/copyright"
ok 'debian: the licence is that of LICENSE' cmp "$T/license" "$T/copyright"

done_testing
