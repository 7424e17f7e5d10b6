#!/bin/sh
# Every tool has a page with exactly the options that --help prints, and mandoc has no complaints.
. tests/lib.sh

for bin in "$BIN"/*; do
	tool=${bin##*/}
	page=man/$tool.1
	if [ ! -r "$page" ]; then
		ok "man: $tool has a page" false
		continue
	fi
	"$bin" --help >"$T/help"
	# The first column of the help; in the page, what follows Fl: ".It Fl x , Fl -long Ar arg", or
	# without the second Fl.
	sed -n 's/^ *\(-[^ ].*\)/\1/p' "$T/help" | grep -Eo '^(-[A-Za-z0-9],? )?--[a-z0-9-]+|^-[A-Za-z0-9]' |
		grep -Eo -- '(--[a-z0-9-]+|-[A-Za-z0-9])( |,|$)' | tr -d ' ,' | sort -u >"$T/has"
	awk '$1 == ".It" && $2 == "Fl" {
		for (i = 2; i <= NF; i++)
			if ($i == "Fl")
				flag = 1
			else if ($i ~ /^[A-Z][a-z]$/)
				flag = 0
			else if (flag && $i != ",")
				print "-" $i
	}' "$page" | sort -u >"$T/says"
	ok "man: $tool --help lists options" grep -q -- --help "$T/has"
	ok "man: the page of $tool and its --help have the same options" diff "$T/has" "$T/says"
	# "Heading" and "Heading --option" of the help, and of the subsections with these headings.
	awk '/^[A-Z].*:$/ { sub(/:$/, ""); print heading = $0 }
		heading && match($0, /--[a-z0-9-]+/) && /^   ? ? ? ?-/ {
			print heading, substr($0, RSTART, RLENGTH)
		}' "$T/help" | sort >"$T/has_groups"
	awk 'NR == FNR { known[$0] = 1; next }
		/^\.S[sh] / {
			heading = substr($0, 5)
			if (!(heading in known))
				heading = ""
			else
				print heading
		}
		heading && $1 == ".It" {
			for (i = 3; i <= NF; i++)
				if ($i ~ /^-[a-z]/)
					print heading, "-" $i
		}' "$T/has_groups" "$page" | sort >"$T/says_groups"
	ok "man: the page of $tool has the options under the same headings as --help" \
		diff "$T/has_groups" "$T/says_groups"
	for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
		grep -qx ".Sh $section" "$page" || echo "$section"
	done >"$T/lacks"
	ok "man: the page of $tool has all sections" sh -c "cat '$T/lacks'; test ! -s '$T/lacks'"
done

# A key is in the page as "prefix.*" and the name behind it, or as a whole. Of an option of train, the
# key is the name, but for _ and -.
"$BIN/denoise" --info -m tests/fixtures/0.1/model.safetensors | sed -nE 's/^(model|train)\.(.*): .*/\2/p' \
	>"$T/keys"
ok 'man: denoise --info prints the keys of a checkpoint' test -s "$T/keys"
sort -u "$T/keys" | while read -r key; do
	grep -qE "^\.Li $key( |\$)" man/cdcd-checkpoint.5 || echo "$key"
done >"$T/lacks"
ok 'man: cdcd-checkpoint(5) lists each key that a checkpoint stores' sh -c "cat '$T/lacks'; test ! -s '$T/lacks'"
"$BIN/train" --help | grep -oE -- '--[a-z0-9-]+' | sed 's/^--//' | tr - _ | sort -u >"$T/options"
is 'man: every key of a checkpoint is an option of train, except eps and the keys that follow from the rows' \
	"$(sort -u "$T/keys" | comm -23 - "$T/options" | xargs)" 'active eps row_len'

# Cross references lead somewhere: to a page here or to one of the system's.
for page in man/*.[157]; do
	awk '$1 == ".Xr" { print $2 "." $3 }' "$page" | sort -u | while read -r other; do
		case $other in
		cdcd* | tok.* | pack.* | noise.* | train.* | fitsched.* | denoise.* | plotcsv.*)
			[ -r "man/$other" ] || echo "$other"
			;;
		esac
	done >"$T/nowhere"
	ok "man: the pages of this project that $page refers to exist" sh -c "cat '$T/nowhere'; test ! -s '$T/nowhere'"
done

if command -v mandoc >/dev/null; then
	for page in man/*.[157]; do
		# The referenced pages need not be installed; .Os names the project of the pages.
		mandoc -Tlint "$page" 2>&1 |
			grep -Ev 'manual not found|mandoc.db|operating system explicitly specified' >"$T/lint"
		ok "man: mandoc -Tlint accepts $page" sh -c "cat '$T/lint'; test ! -s '$T/lint'"
	done
else
	skip 'man: mandoc -Tlint accepts all pages' 'no mandoc here'
fi

done_testing
