# shellcheck shell=sh
# Helpers for the TAP scripts of this directory. Run from the top of the repository by prove.

BIN=${BIN:-build/bin}
BIN=$(cd "$BIN" && pwd)
LC_ALL=C
export LC_ALL
T=$(mktemp -d "${TMPDIR:-/tmp}/cdcd-test.XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 1' INT TERM HUP
test_count=0

# For AddressSanitizer: memory that fontconfig keeps until the end is not a leak of the tools.
echo 'leak:libfontconfig' >"$T/.suppressions"
LSAN_OPTIONS=suppressions=$T/.suppressions:print_suppressions=0
export LSAN_OPTIONS

result() { # result STATUS DESCRIPTION
	test_count=$((test_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $test_count - $2"
	else
		echo "not ok $test_count - $2"
	fi
}

# show FILE: its first lines as TAP comments
show() {
	head -n 12 "$1" | sed 's/^/# /'
}

# compared COMMAND...: fails if the command is cmp of a missing or empty file: such a comparison means
# nothing, because the command that should have made the file may have failed
compared() {
	[ "$1" = cmp ] || return 0
	for compared_file; do
		case $compared_file in
		cmp | -*) ;;
		*) [ -s "$compared_file" ] || return 1 ;;
		esac
	done
}

# ok DESCRIPTION COMMAND...: the command succeeds
ok() {
	ok_what=$1
	shift
	"$@" >"$T/.out" 2>&1
	ok_got=$?
	compared "$@" || ok_got=125
	if [ $ok_got -eq 0 ]; then
		result 0 "$ok_what"
	else
		result 1 "$ok_what"
		echo "# exit status $ok_got of: $*"
		show "$T/.out"
	fi
}

# not_ok DESCRIPTION COMMAND...: the command exists and fails. cmp and grep must exit with 1; 2 means
# that a file is missing
not_ok() {
	not_ok_what=$1
	shift
	"$@" >"$T/.out" 2>&1
	not_ok_got=$?
	compared "$@" || not_ok_got=125
	case $1 in
	cmp | grep) not_ok_most=1 ;;
	*) not_ok_most=125 ;;
	esac
	if [ $not_ok_got -ge 1 ] && [ $not_ok_got -le $not_ok_most ]; then
		result 0 "$not_ok_what"
	else
		result 1 "$not_ok_what"
		echo "# exit status $not_ok_got of: $*"
		show "$T/.out"
	fi
}

# is DESCRIPTION GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		result 0 "$1"
	else
		result 1 "$1"
		printf '#   got: %s\n# want: %s\n' "$2" "$3" | head -n 24 | sed 's/^[^#]/# &/'
	fi
}

# fails DESCRIPTION STATUS PATTERN COMMAND...: the command exits with STATUS and prints one line on
# standard error, which matches the extended regular expression PATTERN
fails() {
	fails_what=$1 fails_status=$2 fails_pattern=$3
	shift 3
	"$@" >"$T/.out" 2>"$T/.err"
	fails_got=$?
	if [ $fails_got -eq "$fails_status" ] && [ "$(wc -l <"$T/.err")" -eq 1 ] &&
		grep -Eq -- "$fails_pattern" "$T/.err"; then
		result 0 "$fails_what"
	else
		result 1 "$fails_what"
		echo "# exit status $fails_got, wanted $fails_status; standard error, wanted /$fails_pattern/:"
		show "$T/.err"
	fi
}

skip() { # skip DESCRIPTION REASON
	test_count=$((test_count + 1))
	echo "ok $test_count - $1 # SKIP $2"
}

# await COMMAND...: repeat it until it succeeds, for at most two minutes
await() {
	await_n=0
	until "$@" 2>/dev/null; do
		await_n=$((await_n + 1))
		[ $await_n -lt 1200 ] || return 1
		sleep 0.1
	done
}

# for_mpi: set the environment for MPI. Open MPI must be told that root may start it. Leaks are not
# detected, because no MPI frees all its memory, and its libraries are unloaded before the check. Open
# MPI's own transport takes locks in two orders.
for_mpi() {
	OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
	ASAN_OPTIONS=${SAN:+detect_leaks=0}
	echo 'deadlock:mca_btl_tcp' >"$T/.locks"
	TSAN_OPTIONS=suppressions=$T/.locks
	export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM ASAN_OPTIONS TSAN_OPTIONS
}

# same_from_awks COMMAND: with every installed awk as its argument, it prints the same bytes
same_from_awks() {
	printf '#!/bin/sh\nexec busybox awk "$@"\n' >"$T/busybox-awk"
	chmod +x "$T/busybox-awk"
	"$1" awk >"$T/awk.out" 2>&1
	for awk in mawk gawk original-awk "$T/busybox-awk"; do
		if $awk 'BEGIN { exit 0 }' </dev/null >"$T/.out" 2>&1; then
			"$1" "$awk" >"$T/other.out" 2>&1
			ok "${0##*/}: ${awk##*/} writes the same bytes as awk" cmp "$T/awk.out" "$T/other.out"
		else
			skip "${0##*/}: ${awk##*/} writes the same bytes as awk" 'not installed'
		fi
	done
}

# story_vocab: prints the vocabulary of the stories of the grammar, a token per line
story_vocab() {
	printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]'
	pipelines/stories words
}

# csv_column FILE NAME: the cells of a column of a CSV file, without its name, on one line
csv_column() {
	awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $at[name] }' "$1" | xargs
}

# interrupted_tools DIR: makes DIR with the tools, where train stops after step 3 as if by a signal
interrupted_tools() {
	mkdir "$1"
	ln -s "$BIN"/* "$1"
	rm "$1/train"
	cat >"$1/train" <<END
#!/bin/sh
'$BIN/train' "\$@" --stop-after 3
kill -TERM \$\$
END
	chmod +x "$1/train"
}

skip_all() { # skip_all REASON
	echo "1..0 # SKIP $1"
	exit 0
}

# data FILE: the path of a file of the data that is outside the repository
data() {
	data_path=${CDCD_DATA:-../shared/data}/$1
	[ -r "$data_path" ] && echo "$data_path"
}

done_testing() {
	echo "1..$test_count"
}
