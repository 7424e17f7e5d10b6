#!/bin/sh
# Pipelines whose processes die: the upstream is killed at random moments (KILLS of them; 200 by "make
# torture"), or the reader exits. Each tool has the right exit status and leaves no partial file.
. tests/lib.sh
. tests/torture/sample

KILLS=${KILLS:-4}

# Every story 400 times, so that it takes a while.
for _ in 1 2 3 4 5 6 7 8 9 10; do cat "$T/stories.jsonl"; done >"$T/ten.jsonl"
for _ in 1 2 3 4 5 6 7 8 9 10; do cat "$T/ten.jsonl"; done >"$T/many.jsonl"
tok -q -w "$T/vocab.txt" "$T/many.jsonl" -o "$T/many.tok"
pack -q -T 72 -o "$T/many.rows" "$T/many.tok"
tiny "$T/model" -n 24 >"$T/loss.csv"
for _ in 1 2 3 4 5 6 7 8 9 10; do sed 1d "$T/loss.csv"; done >"$T/rows.csv"

# cut_pipe MS PRODUCER -- CONSUMER...: the producer is killed after this number of ms, or never if it is
# -. Sets produced, its exit status, ended, the time at which it ended, and status, that of the
# consumer. It uses a pipe of the shell, not a FIFO: if the producer were killed before it opens the
# FIFO, the reader would wait forever.
cut_pipe() {
	cut_ms=$1 producer=$2
	shift 3
	rm -f "$T/pid" "$T/produced"
	{
		sh -c "echo \$\$ >'$T/pid'; exec $producer" 2>/dev/null
		echo "$? $(date +%s%N)" >"$T/produced"
	} 2>/dev/null | "$@" 2>"$T/err" &
	consumer=$!
	if [ "$cut_ms" != - ]; then
		until [ -s "$T/pid" ]; do sleep 0.001; done
		sleep "$(hundredth "$cut_ms")"
		kill -KILL "$(cat "$T/pid")" 2>/dev/null
	fi
	wait $consumer
	status=$?
	until [ -s "$T/produced" ]; do sleep 0.01; done
	read -r produced ended <"$T/produced"
}

# upstream NAME PRODUCER -- CONSUMER...: the producer is killed at KILLS random moments
upstream() {
	what=$1
	shift
	wrong=0 killed=0 n=0
	began=$(date +%s%N)
	cut_pipe - "$@" >"$T/stdout"
	ms=$(((ended - began) / 1000000))
	cat "$T/stdout" "$T/out" >"$T/all" 2>/dev/null
	# If the load of the machine varies, most producers may end before the kill: stop trying then.
	while [ $killed -lt "$KILLS" ] && [ $n -lt $((20 * KILLS)) ]; do
		n=$((n + 1))
		rm -f "$T/out" "$T"/out.*
		cut_pipe "$(random $ms)" "$@" >"$T/stdout"
		# The producer had ended before, or had written all its output.
		if [ $status -eq 0 ] && cat "$T/stdout" "$T/out" 2>/dev/null | cmp -s - "$T/all"; then
			continue
		fi
		killed=$((killed + 1))
		if [ "$produced" -ne 137 ] || [ $status -ne 1 ] || [ -e "$T/out" ] ||
			[ -n "$(find "$T" -name '*.tmp')" ] || ! grep -q 'standard input: .*truncated' "$T/err"; then
			echo "# upstream's status $produced, status $status: $(cat "$T/err")"
			wrong=$((wrong + 1))
		fi
	done
	is "$what: reports that the upstream was killed ($killed kills in $n runs of $ms ms)" "$wrong $killed" "0 $KILLS"
}

w="-w $T/vocab.txt"
# shellcheck disable=SC2086
{
	upstream 'tok | pack' "tok -q $w -z 0 $T/many.jsonl $T/many.jsonl" -- pack -q -T 72 -o "$T/out"
	upstream 'pack | noise' "pack -q -T 72 -z 0 $T/many.tok $T/many.tok" -- noise -q -o "$T/out"
	upstream 'pack | pack --check' "pack -q -T 72 -z 0 $T/many.tok $T/many.tok" -- pack --check
	upstream 'tok | tok -d' "tok -q $w -z 0 $T/many.jsonl $T/many.jsonl" -- tok -q -d $w -o "$T/out"
	upstream 'noise | denoise' "noise -q -e 40 --limit 3000 $T/many.rows" -- denoise -q -j 1 --steps 1 -m "$T/model" -o "$T/out"
}

# train saves its last step and reports the error.
wrong=0 n=0
while [ $n -lt "$KILLS" ]; do
	n=$((n + 1))
	rm -f "$T/out.st"
	# shellcheck disable=SC2086
	cut_pipe $((100 + $(random 200))) "noise -q -e 1000 -z 0 $T/many.rows" -- \
		train -q $shape -n 100000 -o "$T/out.st" >"$T/log"
	step=$(tail -n 1 "$T/log" | cut -d, -f1)
	case $step in
	step | '') step=0 ;;
	esac
	saved=$(denoise --info -m "$T/out.st" 2>/dev/null | sed -n 's/^step: //p')
	if [ $status -ne 1 ] || ! grep -q 'standard input: truncated' "$T/err" || [ "${saved:-0}" != "$step" ]; then
		echo "# status $status, step $step, saved ${saved:-nothing}: $(cat "$T/err")"
		wrong=$((wrong + 1))
	fi
done
is "noise | train: upstream killed $n times, each step is kept" $wrong 0

# --- the reader has gone: a filter ends by SIGPIPE, without a word, as cat does ---

# gone COMMAND...
gone() {
	{
		"$@" 2>"$T/err"
		echo $? >"$T/status"
	} | head -c 10 >/dev/null
	gone_status=$(cat "$T/status")
	is "$(echo "$*" | sed "s|$T/||g"): ends by SIGPIPE without a message if its reader exits" "$gone_status $(cat "$T/err")" '141 '
}
gone tok -q -w "$T/vocab.txt" -z 0 "$T/many.jsonl"
gone tok -q -d -w "$T/vocab.txt" "$T/many.tok"
gone tok -q --json -w "$T/vocab.txt" "$T/many.jsonl"
gone pack -q -z 0 -T 72 "$T/many.tok"
gone pack --ids "$T/many.tok"
gone noise -q -z 0 -e 40 "$T/many.rows"
gone denoise -q -j 1 --steps 1 -n 2000 -m "$T/model"
cat "$T/loss.csv" "$T/rows.csv" >"$T/long.csv"
gone fitsched -q --every 1 --schedule piecewise "$T/long.csv"

# --- and one that never was: standard output and input closed ---

closed() { # closed WHAT STATUS COMMAND
	sh -c "$3" >/dev/null 2>"$T/err"
	is "$1" $? "$2"
}
closed 'tok: standard output that is closed is an error' 1 "tok -q $w '$T/stories.jsonl' >&-"
closed 'pack: standard input that is closed is an error' 1 'pack -q <&-'
closed 'noise: standard output that is closed is an error' 1 "noise -q '$T/train.rows' >&-"
closed 'tok -d: standard output that is closed is an error' 1 "tok -q -d $w '$T/stories.tok' >&-"
closed 'pack --help: standard output that is closed is an error' 1 'pack --help >&-'
rm -f "$T/closed.st"
closed 'train: standard output that is closed is an error, because the losses cannot be written' 1 \
	"train -q $shape -n 8 -o '$T/closed.st' '$T/train.noised' >&-"
rm -f "$T/closed.st"
closed 'train: standard error may be closed' 0 \
	"train $shape -n 8 -o '$T/closed.st' '$T/train.noised' 2>&-"
ok 'train: a closed standard error does not send messages to the checkpoint' denoise --info -m "$T/closed.st"

# The process at the other end of a pipe may have made it non-blocking.
impatient() {
	perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_WRONLY | O_NONBLOCK); exec @ARGV' "$@"
}
{ impatient pack -q -z 0 -T 72 "$T/many.tok"; echo $? >"$T/status"; } | { sleep 0.5; cat >"$T/slow"; }
is 'pack: writes to a non-blocking pipe that is full' "$(cat "$T/status") $(pack --ids "$T/slow" | cksum)" \
	"0 $(pack --ids "$T/many.rows" | cksum)"

done_testing
