#!/bin/sh
# Truncated files, for every tool that reads them: at every STRIDE-th length (every length by "make
# torture") the exit status is 1, with one line that names the file. And hostile files: sizes that they
# claim do not cost memory, and the time is linear in their length.
# tests/unit/{shard,safetensors,checkpoint,csv}.c try every length within one process.
. tests/lib.sh
. tests/torture/sample

STRIDE=${STRIDE:-0}
head -n 3 "$T/stories.jsonl" >"$T/few.jsonl"
tok -q -w "$T/vocab.txt" "$T/few.jsonl" -o "$T/few.tok"
pack -q -T 72 -o "$T/few.rows" "$T/few.tok"
noise -q -e 8 -o "$T/few.noised" "$T/few.rows"
tiny "$T/model" -n 24 --loss-log "$T/loss.csv" --schedule-log "$T/fits.csv"
fitsched -q --curve --points 5 "$T/fits.csv" -o "$T/curve.csv"
head -n 12 "$T/loss.csv" >"$T/short.csv"

# cuts FILE TIMES COMMAND...: COMMAND reads $T/cut; at TIMES lengths, spread over FILE
cuts() {
	cuts_file=$1 cuts_size=$(wc -c <"$1") cuts_stride=$STRIDE
	[ "$cuts_stride" -gt 0 ] || cuts_stride=$(((cuts_size + $2 - 1) / $2))
	shift 2
	cuts_n=0 cuts_bad=0 cuts_at=0
	while [ $cuts_at -lt "$cuts_size" ]; do
		head -c $cuts_at "$cuts_file" >"$T/cut"
		"$@" >/dev/null 2>"$T/err"
		cuts_status=$?
		if [ $cuts_status -ne 1 ] || [ "$(grep -c "cut:" "$T/err")" -ne 1 ] ||
			[ "$(wc -l <"$T/err")" -ne 1 ]; then
			[ $cuts_bad -ge 5 ] || echo "# $cuts_at bytes: status $cuts_status, $(cat "$T/err")"
			cuts_bad=$((cuts_bad + 1))
		fi
		cuts_n=$((cuts_n + 1))
		cuts_at=$((cuts_at + cuts_stride))
	done
	is "$(echo "$*" | sed "s|$T/||g"): reports $cuts_n truncations of ${cuts_file##*/}" $cuts_bad 0
}

cuts "$T/few.tok" 12 pack -q "$T/cut" -T 60
cuts "$T/few.tok" 12 pack --check "$T/cut"
cuts "$T/few.tok" 12 pack --info "$T/cut"
cuts "$T/few.tok" 12 pack --ids "$T/cut"
cuts "$T/few.tok" 12 tok -q -d -w "$T/vocab.txt" "$T/cut"
cuts "$T/few.tok" 12 tok -q -d "$T/cut"
# tok -w reads a shard up to the end of its second frame, the vocabulary.
size_at() { # size_at OFFSET: of the frame of few.tok that begins there
	echo $((8 + $(od -An -tu4 -j $(($1 + 4)) -N 4 "$T/few.tok")))
}
head -c $(($(size_at 0) + $(size_at "$(size_at 0)"))) "$T/few.tok" >"$T/few.head"
ok 'tok: -w needs only the header and the vocabulary of a shard' tok -q -w "$T/few.head" "$T/few.jsonl" -o "$T/few.again"
cuts "$T/few.head" 24 tok -q -w "$T/cut" "$T/few.jsonl"
cuts "$T/few.tok" 12 denoise -q -j 1 --steps 1 -m "$T/model" --prefix "$T/cut"
cuts "$T/few.rows" 12 noise -q "$T/cut"
cuts "$T/few.rows" 12 noise -q --counts "$T/cut" "$T/few.rows"
cuts "$T/few.rows" 12 denoise -q -j 1 --steps 1 -m "$T/model" --infill "$T/cut"
cuts "$T/few.noised" 12 denoise -q -j 1 --steps 1 -m "$T/model" "$T/cut"
cuts "$T/few.noised" 12 pack --noise "$T/cut"
# shellcheck disable=SC2086
cuts "$T/few.noised" 12 train -q $shape -f -n 8 -o "$T/cut.st" "$T/cut"
# shellcheck disable=SC2086
cuts "$T/few.noised" 12 train -q $shape -f -n 1 -o "$T/cut.st" --valid "$T/cut" "$T/train.noised"
# A checkpoint has 70 KB: the steps of "make torture" are of 64 bytes there; tests/unit/checkpoint.c
# tries each length of a smaller one.
[ "$STRIDE" -ne 1 ] || STRIDE=64
cuts "$T/model" 12 denoise -q -j 1 --steps 1 -n 1 -m "$T/cut"
cuts "$T/model" 12 denoise --info -m "$T/cut"
cuts "$T/model" 12 tok -q -w "$T/cut" "$T/few.jsonl"
cuts "$T/model" 12 train -q -j 1 -r "$T/cut" "$T/train.noised"
[ "$STRIDE" -ne 64 ] || STRIDE=1

# A text file that is cut between lines is a valid, shorter file. A cut within a line is detected in
# the CSV of cdcd, and in JSON lines unless only the last line end is missing.
cut_text() { # cut_text FILE STATUS COMMAND...
	cut_file=$1 cut_status=$2 cut_bad=0 cut_n=0 cut_at=1
	shift 2
	while [ $cut_at -lt "$(wc -c <"$cut_file")" ]; do
		head -c $cut_at "$cut_file" >"$T/cut"
		cut_at=$((cut_at + (STRIDE > 0 ? STRIDE : 17)))
		case $(tail -c 1 "$T/cut") in
		'' | '}') continue ;;
		esac
		cut_n=$((cut_n + 1))
		"$@" >/dev/null 2>"$T/err"
		if [ $? -ne "$cut_status" ] || [ "$(wc -l <"$T/err")" -ne 1 ] || ! grep -q 'cut:' "$T/err"; then
			echo "# to before byte $cut_at: $(cat "$T/err")"
			cut_bad=$((cut_bad + 1))
		fi
	done
	is "$(echo "$*" | sed "s|$T/||g"): reports $cut_n truncations within lines of ${cut_file##*/}" $cut_bad 0
}
cut_text "$T/short.csv" 1 fitsched -q "$T/cut"
# By RFC 4180 the last line may lack its end, so plotcsv draws a file that is cut within a line like a
# file that ends there.
cut_open() { # cut_open FILE COMMAND...: the command draws $T/cut.svg
	cut_file=$1 cut_bad=0 cut_n=0 cut_at=1
	shift
	while [ $cut_at -lt "$(wc -c <"$cut_file")" ]; do
		head -c $cut_at "$cut_file" >"$T/cut"
		cut_at=$((cut_at + (STRIDE > 0 ? STRIDE : 17)))
		[ -n "$(tail -c 1 "$T/cut")" ] || continue
		cut_n=$((cut_n + 1))
		rm -f "$T/cut.svg" "$T/open.svg"
		"$@" >"$T/open" 2>&1
		echo $? >>"$T/open"
		mv "$T/cut.svg" "$T/open.svg" 2>/dev/null
		echo >>"$T/cut"
		"$@" >"$T/ended" 2>&1
		echo $? >>"$T/ended"
		if ! cmp -s "$T/open" "$T/ended" || { [ -e "$T/cut.svg" ] && ! cmp -s "$T/open.svg" "$T/cut.svg"; }; then
			echo "# to before byte $cut_at: $(cat "$T/open")"
			cut_bad=$((cut_bad + 1))
		fi
	done
	is "$(echo "$*" | sed "s|$T/||g"): draws $cut_n truncations of ${cut_file##*/} as with a line end" $cut_bad 0
}
cut_open "$T/short.csv" plotcsv -q -x t -y ce_nats "$T/cut" -o "$T/cut.svg"
cut_open "$T/curve.csv" plotcsv -q -x t -y ce_nats --line "$T/cut:t,f_nats" "$T/short.csv" -o "$T/cut.svg"
cut_text "$T/fits.csv" 1 fitsched --curve "$T/cut"
cut_text "$T/few.jsonl" 1 tok -q -w "$T/vocab.txt" "$T/cut"
cut_text "$T/few.jsonl" 1 tok -q --learn 100 "$T/cut"

# --- files that do not fit together: both are named, and what they differ in ---

# A smaller vocabulary, and the same vocabulary in another order.
head -n 150 "$T/vocab.txt" >"$T/fewer.txt"
{
	head -n 5 "$T/vocab.txt"
	sed 1,5d "$T/vocab.txt" | sort -r
} >"$T/other.txt"
for name in fewer other; do
	tok -q -w "$T/$name.txt" "$T/few.jsonl" | pack -q -T 72 -o "$T/$name.rows"
	noise -q -e 8 "$T/$name.rows" -o "$T/$name.noised"
done
pack -q -T 50 "$T/few.tok" | noise -q -e 8 -o "$T/length.noised"
for name in fewer other length; do
	case $name in
	fewer) says="$name.noised has a vocabulary of 150 tokens, but $T/model has a vocabulary of 237 .encode the text with tok -w $T/model" ;;
	other) says="$name.noised has vocabulary [0-9a-f]{16}, but $T/model has [0-9a-f]{16} .encode the text with tok -w $T/model" ;;
	length) says="$name.noised has rows of 50 tokens, but $T/model has rows of 72" ;;
	esac
	fails "train: --resume refuses rows that do not fit the checkpoint ($name)" 1 "$says" train -q -r "$T/model" "$T/$name.noised"
	fails "denoise: refuses rows that do not fit the model ($name)" 1 "$says" denoise -q -m "$T/model" "$T/$name.noised"
	fails "denoise: --loss refuses rows that do not fit the model ($name)" 1 "$says" denoise -q --loss -m "$T/model" "$T/$name.noised"
	# shellcheck disable=SC2086
	fails "train: --valid refuses rows that do not fit the model ($name)" 1 "$name.noised: has (vocabulary|rows of 50 tokens).*, but the training rows have " \
		train -q $shape -f -n 1 -o "$T/cut.st" --valid "$T/$name.noised" "$T/train.noised"
done
fails 'tok: -d refuses a shard of another vocabulary' 1 "few.tok: made with another vocabulary than $T/fewer.txt: 237 tokens, .* .expected 150" \
	tok -q -d -w "$T/fewer.txt" "$T/few.tok"
fails 'noise: refuses rows of two vocabularies, and names both files' 1 "fewer.rows: does not fit .*: the vocabulary's size differs: 150 \(expected 237\)" \
	noise -q "$T/few.rows" "$T/fewer.rows"
# shellcheck disable=SC2086
fails 'train: --valid refuses a stream' 2 'is a stream' train -q $shape -f -n 1 -o "$T/cut.st" --valid - "$T/train.noised"
fails 'train: --resume refuses records of another kind' 1 'few.rows: holds rows records, expected noised records' train -q -r "$T/model" "$T/few.rows"

# --- the end of the rows ---

noise -q -e 1 --limit 0 -o "$T/none.noised" "$T/few.rows"
# shellcheck disable=SC2086
fails 'train: refuses a file without rows' 1 'none.noised: has no rows' train -q $shape -n 5 -o "$T/none.st" "$T/none.noised"
ok 'train: a file without rows makes no checkpoint' test ! -e "$T/none.st"
head -c -20 "$T/train.noised" >"$T/cut.noised"
rm -f "$T/cut.st"
# shellcheck disable=SC2086
fails 'train: reports rows without a trailer' 1 'cut.noised: truncated' train -q $shape -o "$T/cut.st" "$T/cut.noised"
ok 'train: all steps are saved before rows without a trailer are reported' sh -c "denoise -m '$T/cut.st' --info | grep -q '^step: 300'"

# --- reading that fails, and that is only slow: by tests/torture/faults.c ---

# reading COMMAND...: each of its first reads fails, or all reads are short or interrupted
reading() {
	"$@" >"$T/want" 2>/dev/null
	reading_n=0 reading_bad=0
	while [ $reading_n -lt "$most" ]; do
		rm -f "$T/mark"
		FAULT=read:EIO:$((reading_n + 1)) FAULT_MARK=$T/mark LD_PRELOAD=$faults "$@" >"$T/out" 2>"$T/err"
		reading_status=$?
		[ -e "$T/mark" ] || break
		reading_n=$((reading_n + 1))
		[ $reading_status -eq 0 ] && cmp -s "$T/out" "$T/want" && continue
		if [ $reading_status -ne 1 ] || [ "$(wc -l <"$T/err")" -ne 1 ] || ! grep -q 'cannot read at byte' "$T/err"; then
			echo "# read $reading_n: status $reading_status, $(cat "$T/err")"
			reading_bad=$((reading_bad + 1))
		fi
	done
	for reading_how in EINTR SHORT; do
		FAULT=read:$reading_how:0 LD_PRELOAD=$faults "$@" >"$T/out" 2>"$T/err" && cmp -s "$T/out" "$T/want" && continue
		echo "# $reading_how: $(cat "$T/err")"
		reading_bad=$((reading_bad + 1))
	done
	is "$(echo "$*" | sed "s|$T/||g"): reports each of $reading_n failing reads" "$reading_bad $((reading_n > 0))" '0 1'
}

faults=$(cd "${BUILD:-build}" && pwd)/faults.so
if [ -e "$faults" ] && [ -z "${SAN:-}" ]; then
	most=12
	[ -z "${KILLS:-}" ] || most=1000
	reading tok -q -w "$T/vocab.txt" "$T/few.jsonl"
	reading tok -q -d -w "$T/vocab.txt" "$T/few.tok"
	reading tok -q --learn 100 "$T/few.jsonl"
	reading pack -q -T 60 "$T/few.tok"
	reading pack --info "$T/few.tok"
	reading noise -q "$T/few.rows"
	reading fitsched -q "$T/loss.csv"
	reading plotcsv -q --ascii -x t -y ce_nats "$T/loss.csv"
	reading denoise -q -j 1 --steps 1 -n 1 -m "$T/model"
	reading denoise -q -j 1 --steps 1 -m "$T/model" "$T/few.noised"
	# shellcheck disable=SC2086
	reading train -q $shape -f -n 3 -o "$T/read.st" "$T/train.noised"
fi

# --- sizes that are not there: 400 MB of address space are enough to say so ---

if [ -z "${SAN:-}" ]; then
	limited() {
		# dash, bash and ksh have it.
		# shellcheck disable=SC3045
		(ulimit -v 400000 && exec "$@")
	}
	printf '\377\377\377\377\377\377\377\177{}' >"$T/huge.st"
	fails 'denoise: refuses a header of 2^63 bytes without memory for it' 1 'huge.st: .*the header is too long: 9223372036854775807 bytes' \
		limited denoise -m "$T/huge.st" --info
	printf '\000\341\365\005\000\000\000\000{}' >"$T/huge.st"
	fails 'denoise: refuses a missing header of the largest size without memory for it' 1 'huge.st: truncated at byte 10' \
		limited denoise -m "$T/huge.st" --info
	printf '\134\052\115\030\377\377\377\377CDCH' >"$T/huge.tok"
	fails 'pack: refuses a frame of 2^32 bytes without memory for it' 1 'huge.tok: corrupt at byte 0 .*the frame is too long: 4294967295 bytes' \
		limited pack --check "$T/huge.tok"
	printf '\134\052\115\030\000\000\000\020CDCH' >"$T/huge.tok"
	fails 'pack: refuses a missing frame of the largest size without memory for it' 1 'huge.tok: truncated at byte 12' \
		limited pack --check "$T/huge.tok"
fi

# Endless input is read up to a line of 1 GiB, which only "make torture" has time for.
if [ -z "${SAN:-}" ] && [ -n "${KILLS:-}" ]; then
	endless() {
		# shellcheck disable=SC3045
		(ulimit -v 3000000 && exec "$@" /dev/zero)
	}
	fails 'tok: refuses endless stories' 1 '/dev/zero: at byte 0: [0-9]* bytes, and still no end' endless tok -q -w "$T/vocab.txt" --skip-bad
	fails 'tok: --learn refuses an endless text' 1 '/dev/zero: at byte 0: [0-9]* bytes, and still no end' endless tok -q --lines --learn 100
	fails 'tok: refuses an endless vocabulary' 1 '/dev/zero: at byte 0: [0-9]* bytes, and still no end' endless tok -q "$T/few.jsonl" -w
	fails 'fitsched: refuses an endless CSV' 1 '/dev/zero: at byte 0: [0-9]* bytes, and still no end' endless fitsched -q
fi

# --- time: eight times the input takes no longer than about eight runs ---

# make_nasty KIND N: a hostile input of about N KB
make_nasty() {
	perl -e '
		my ($kind, $n) = @ARGV; $n *= 1024;
		my %made = (
			brackets => sub { "{\"text\":\"\",\"a\":" . "[" x ($n / 2) . "]" x ($n / 2) . "}\n" },
			quotes => sub { "{\"text\":\"" . "\\\"" x ($n / 2) . "\"}\n" },
			escapes => sub { "{\"text\":\"" . "\\ud83d" x ($n / 6) . "\"}\n" },
			members => sub { "{\"text\":\"\"" . join("", map { ",\"$_\":$_.5" } 1 .. $n / 16) . "}\n" },
			lines => sub { "{\"a\":1}\n" x ($n / 8) },
			word => sub { "{\"text\":\"" . "a" x $n . "\"}\n" },
			marks => sub { "{\"text\":\"a" . "\xCC\x81\xCC\xA3" x ($n / 4) . "\"}\n" },
			special => sub { "{\"text\":\"" . "[CLS" x ($n / 4) . "\"}\n" },
			invalid => sub { "{\"text\":\"" . "\xE5\x8D" x ($n / 2) . "\"}\n" },
			fields => sub { join(",", 1 .. $n / 8) . "\n" . join(",", map { "\"x\"\"\"" } 1 .. $n / 8) . "\n" },
			quoted => sub { "t,ce_nats\n1,\"" . "x\n" x ($n / 2) . "\"\n" },
			rows => sub { "t,ce_nats\n" . "1,2.5\n" x ($n / 6) },
			tensors => sub { my $j = "{" . join(",", map { "\"t$_\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}" } 1 .. $n / 54) . "}"; pack("Q<", length $j) . $j });
		print $made{$kind}->();' "$1" "$2"
}

# time_of N COMMAND...: the processor time of N runs in ms, with the exit status of the last put in
# $T/status. It counts in steps of 10 ms, so that one run may take none.
time_of() {
	perl -e 'my ($n, @command) = @ARGV; my $s; $s = system { $command[0] } @command for 1 .. $n;
		my @t = times; open my $f, ">", $ENV{STATUS}; print $f $s;
		printf "%d\n", 1000 * ($t[2] + $t[3])' "$@" 2>"$T/err"
}

linear() { # linear KIND KB COMMAND...: COMMAND reads $T/nasty
	linear_kind=$1 linear_kb=$2
	shift 2
	make_nasty "$linear_kind" "$linear_kb" >"$T/nasty"
	small=$(STATUS=$T/status time_of 8 "$@" | tail -n 1)
	make_nasty "$linear_kind" $((8 * linear_kb)) >"$T/nasty"
	large=$(STATUS=$T/status time_of 1 "$@" | tail -n 1)
	# Twice, for the caches.
	if [ "$large" -le $((2 * small + 100)) ] && [ $(($(cat "$T/status") & 127)) -eq 0 ]; then
		result 0 "input of kind $linear_kind: $small ms for eight runs, $large ms for eight times the input"
	else
		result 1 "input of kind $linear_kind: $small ms for eight runs of $linear_kb KB, $large ms for eight times the input"
		show "$T/err"
	fi
}

if [ -z "${SAN:-}" ]; then
	for kind in brackets quotes escapes members lines word marks special invalid; do
		linear $kind 512 tok -q -w "$T/vocab.txt" -o "$T/out" --skip-bad "$T/nasty"
	done
	linear word 512 tok -q --learn 300 -o "$T/out" "$T/nasty"
	for kind in fields quoted rows; do
		linear $kind 512 fitsched -q -o "$T/out" "$T/nasty"
	done
	linear tensors 512 denoise --info -m "$T/nasty"
fi

done_testing
