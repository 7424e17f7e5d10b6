#!/bin/sh
# A run that is killed at random moments, KILLS times (200 by "make torture"), and resumed: its
# checkpoint and logs are those of an undisturbed run. Also signals, and two runs with one output.
. tests/lib.sh
. tests/torture/sample
set +m

KILLS=${KILLS:-6}
STEPS=120 SAVE=7

logs() {
	logs_name=$1
	shift
	"$@" --save-every $SAVE --loss-log "$T/$logs_name.loss" --schedule-log "$T/$logs_name.fits"
}

started=$(date +%s%N)
logs whole tiny "$T/whole.st" -n $STEPS
ms=$((($(date +%s%N) - started) / 1000000))

go() { # go NAME: begin, or go on
	if [ -e "$T/$1.st" ]; then
		logs "$1" exec train -q -j 1 -r "$T/$1.st" "$T/train.noised"
	else
		RUN='exec' logs "$1" tiny "$T/$1.st" -n $STEPS
	fi
}

end() { # end PID: and let the shell say nothing about it
	{ kill "$1" && wait "$1"; } 2>/dev/null
}

step_of() {
	denoise -m "$1" --info | sed -n 's/^step: //p'
}

# kill_once NAME: start the run and kill it at a random moment within about its duration, which depends
# on the load of the machine; it may end before
kill_once() {
	go "$1" &
	kill_once_pid=$!
	sleep "$(hundredth "$(random $((ms + 20)))")"
	kill -KILL $kill_once_pid 2>/dev/null
	wait $kill_once_pid 2>/dev/null
	if [ $? -eq 137 ]; then
		killed=$((killed + 1))
		ms=$((ms + ms / 20 + 1))
	else
		ms=$((ms - ms / 4))
	fi
	[ ! -e "$T/$1.st" ] && return 0
	kill_once_step=$(step_of "$T/$1.st") || {
		echo "# a checkpoint that does not load"
		bad=$((bad + 1))
		return 0
	}
	kill_once_logged=$(tail -n 2 "$T/$1.loss" | head -n 1 | cut -d, -f1)
	case $kill_once_logged in
	'' | *[!0-9]*) return 0 ;;
	esac
	if [ $((kill_once_logged - kill_once_step)) -gt $SAVE ]; then
		echo "# logged up to step $kill_once_logged, saved at $kill_once_step"
		lost=$((lost + 1))
	fi
}

killed=0 bad=0 lost=0 differ=0 runs=0
while [ $killed -lt "$KILLS" ]; do
	rm -f "$T"/victim.*
	runs=$((runs + 1))
	# Each run is killed at most three times, so that kills cover its whole duration.
	for _ in 1 2 3; do
		[ $killed -ge "$KILLS" ] || kill_once victim
	done
	(go victim)
	for what in st loss fits; do
		cmp "$T/victim.$what" "$T/whole.$what" >"$T/cmp" 2>&1 && continue
		sed 's/^/# /' "$T/cmp"
		differ=$((differ + 1))
	done
done
is "train: after $killed kills in $runs runs of $ms ms every checkpoint loads" $bad 0
is 'train: no kill loses more steps than since the last checkpoint' $lost 0
is 'train: killed and resumed runs write the bytes of an undisturbed run, including logs' $differ 0
is 'train: kills leave only the checkpoint and its logs' "$(cd "$T" && echo victim.* *.tmp)" 'victim.fits victim.loss victim.st *.tmp'

# --- signals ---

# A source of rows that stalls, so that a run of $STEPS steps waits for more.
noise -q -e 4 -s 1 "$T/train.rows" -o "$T/few.noised"
stall() {
	cat "$T/few.noised"
	exec sleep 100
}

mkfifo "$T/pipe"
for signal in INT TERM; do
	rm -f "$T/sig.st" "$T/sig.loss"
	(stall >"$T/pipe") &
	source=$!
	# A shell starts background processes with SIGINT ignored.
	# shellcheck disable=SC2086
	perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' train -q $shape -n $STEPS -o "$T/sig.st" --loss-log "$T/sig.loss" "$T/pipe" &
	pid=$!
	await grep -q '^2,' "$T/sig.loss"
	sleep 0.2
	kill -$signal $pid
	wait $pid
	status=$?
	end $source
	case $signal in
	INT) ends=130 ;;
	*) ends=143 ;;
	esac
	is "train: SIG$signal while waiting for rows ends the run with its status" $status $ends
	is "train: SIG$signal saves all steps that were logged" "$(step_of "$T/sig.st")" \
		"$(tail -n 1 "$T/sig.loss" | cut -d, -f1)"
	ok "train: SIG$signal leaves no lock" test ! -e "$T/sig.st.lock"
done

# The same if another process that shares the pipe has made it non-blocking.
rm -f "$T/sig.st" "$T/sig.loss"
(stall >"$T/pipe") &
source=$!
# shellcheck disable=SC2086
perl -e 'use Fcntl; fcntl(STDIN, F_SETFL, O_RDONLY | O_NONBLOCK); exec @ARGV' \
	train -q $shape -n $STEPS -o "$T/sig.st" --loss-log "$T/sig.loss" <"$T/pipe" &
pid=$!
await grep -q '^2,' "$T/sig.loss"
sleep 0.2
kill -TERM $pid
(sleep 20 && kill -KILL $pid) 2>/dev/null &
late=$!
wait $pid
status=$?
end $late
end $source
is 'train: SIGTERM ends a run whose standard input is non-blocking' $status 143
is 'train: SIGTERM saves the steps of a run whose standard input is non-blocking' \
	"$(step_of "$T/sig.st")" "$(tail -n 1 "$T/sig.loss" | cut -d, -f1)"

# Before the first checkpoint, a signal only ends the run; SIGHUP does nothing, as always.
for signal in HUP TERM; do
	# shellcheck disable=SC2217
	sleep 100 >"$T/pipe" &
	source=$!
	# shellcheck disable=SC2086
	train -q $shape -n $STEPS -o "$T/first.st" "$T/pipe" 2>"$T/err" &
	pid=$!
	await test -e "$T/first.st.lock"
	sleep 0.2
	kill -$signal $pid
	sleep 0.2
	end $source
	wait $pid 2>/dev/null
	status=$?
	case $signal in
	HUP) ends='1 train: x/pipe: truncated at byte 0 (block 0): it is empty' ;;
	*) ends='143 ' ;;
	esac
	is "train: SIG$signal while waiting for the header ends the run" "$status $(sed "s|$T|x|" "$T/err")" "$ends"
	is "train: SIG$signal while waiting for the header leaves no file" "$(find "$T" -name 'first.st*' -o -name '*.tmp')" ''
done

# Validation rows that take long.
noise -q -e 400 -s 1 --mask mixed "$T/train.rows" -o "$T/valid.noised"
# shellcheck disable=SC2086
train -q $shape -n 8 --valid-every 4 --valid "$T/valid.noised" -o "$T/valid.st" --loss-log "$T/valid.csv" "$T/train.noised" &
pid=$!
await grep -q valid "$T/valid.csv"
kill -TERM $pid
wait $pid
is 'train: SIGTERM during a validation ends the run with status 143' $? 143
is 'train: SIGTERM during a validation ends it early, and saves the step' "$(step_of "$T/valid.st") $(($(grep -c valid "$T/valid.csv") < 24000))" '4 1'

# Signals that the shell ignores.
(
	trap '' INT TERM
	RUN='exec' tiny "$T/deafened.st" -n $STEPS --loss-log "$T/deafened.loss"
) &
pid=$!
await grep -q '^1,' "$T/deafened.loss"
kill -INT $pid
kill -TERM $pid
wait $pid
is 'train: signals that were ignored from the start do nothing' "$? $(step_of "$T/deafened.st")" "0 $STEPS"

# All steps are done, and the rows have not ended.
(
	cat "$T/train.noised"
	exec sleep 100
) >"$T/pipe" &
source=$!
# shellcheck disable=SC2086
train -q $shape -o "$T/done.st" "$T/pipe" >"$T/done.csv" &
pid=$!
await test -e "$T/done.st"
is 'train: the last step is saved before waiting for the end of the rows' "$(step_of "$T/done.st")" 300
kill -TERM $pid
wait $pid
is 'train: SIGTERM after the last step ends the run with status 143' $? 143
end $source

# A reader that does not read: the pipe gets full and train waits.
rm -f "$T/deaf.st"
# shellcheck disable=SC2217
sleep 100 <"$T/pipe" &
deaf=$!
RUN='exec' tiny "$T/deaf.st" -n 2000 -B 120 --save-every 1 >"$T/pipe" 2>"$T/err" &
pid=$!
# A step takes a fraction of a second; the pipe holds the log lines of a few dozen steps.
stands() {
	before=$(step_of "$T/deaf.st")
	sleep 5
	stood=$(step_of "$T/deaf.st")
	[ "${before:-0}" -gt 10 ] && [ "$before" = "$stood" ]
}
await stands
kill -TERM $pid
wait $pid
is 'train: SIGTERM while the log is blocked ends the run and reports the lost lines' "$? $(sed 's/.*train: //' "$T/err")" \
	'1 standard output: its reader has accepted no data for 5 seconds'
end $deaf
ok 'train: SIGTERM while the log is blocked saves the step that was not logged' [ "$(step_of "$T/deaf.st")" -gt "$stood" ]

rm -f "$T/hup.st"
RUN='exec' tiny "$T/hup.st" -n $STEPS --loss-log "$T/hup.loss" &
pid=$!
await grep -q '^1,' "$T/hup.loss"
for _ in 1 2 3 4 5; do
	kill -HUP $pid 2>/dev/null
	sleep 0.02
done
wait $pid
is 'train: SIGHUP does nothing' $? 0
tiny "$T/gone.st" -n $STEPS 2>/dev/null | head -n 1 >/dev/null
ok 'train: a reader of the log that exits does not change the checkpoint' cmp -s "$T/gone.st" "$T/hup.st"

# Two signals: the second ends the run while the checkpoint is being written, which fault injection
# delays.
faults=$(cd "${BUILD:-build}" && pwd)/faults.so
if [ -e "$faults" ] && [ -z "${SAN:-}" ]; then
	FAULT=fsync:SLEEP:2 FAULT_MARK=$T/slow LD_PRELOAD=$faults \
		perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' train -q -x tiny --layers 1 -n 100000 -o "$T/twice.st" "$T/train.noised" >"$T/twice.csv" &
	pid=$!
	await test -s "$T/twice.csv"
	kill -INT $pid
	await test -e "$T/slow"
	kill -INT $pid
	wait $pid
	is 'train: a second SIGINT during fsync ends the run at once' $? 130
	ok 'train: a second SIGINT leaves no partial checkpoint under the final name' test ! -e "$T/twice.st"
	timeout 20 train -q -x tiny --layers 1 -n 1 -o "$T/twice.st" "$T/train.noised" >/dev/null
	is 'train: the next run removes the temporary files of a killed run' "$(find "$T" -name 'twice.st.*' -o -name '*.tmp')" ''

	# A signal that was ignored from the start also does nothing after the other signal.
	rm -f "$T/slow" "$T/twice.st" "$T/twice.csv"
	FAULT=fsync:SLEEP:2 FAULT_MARK=$T/slow LD_PRELOAD=$faults \
		perl -e '$SIG{INT} = "IGNORE"; exec @ARGV' train -q -x tiny --layers 1 -n 100000 -o "$T/twice.st" "$T/train.noised" >"$T/twice.csv" &
	pid=$!
	await test -s "$T/twice.csv"
	kill -TERM $pid
	await test -e "$T/slow"
	kill -INT $pid
	wait $pid
	is 'train: SIGINT that was ignored from the start is ignored after SIGTERM' \
		"$? $(step_of "$T/twice.st" | grep -c '[1-9]')" '143 1'
fi

# --- two runs on one output ---

(stall >"$T/pipe") &
source=$!
rm -f "$T/one.st"
best="--valid $T/train.noised --keep-best $T/best.st"
# shellcheck disable=SC2086
train -q $shape -n $STEPS -o "$T/one.st" --save-every 1 $best "$T/pipe" >/dev/null &
pid=$!
await test -e "$T/one.st"
fails 'train: refuses a second run with the same output' 1 "one.st: is being written by another process, $pid\$" tiny "$T/one.st" -n 3
fails 'train: -f does not allow a second run with the same output' 1 'is being written by another' tiny "$T/one.st" -n 3 -f
fails 'train: -r refuses a checkpoint that another process is writing' 1 'is being written by another' train -q -r "$T/one.st" "$T/train.noised"
fails 'train: -o refuses another path of a checkpoint that another process is writing' 1 'is being written by another' tiny "$T/../${T##*/}/one.st" -n 3 -f
# shellcheck disable=SC2086
fails 'train: --keep-best refuses the file of --keep-best of another run' 1 "best.st: is being written by another process, $pid\$" \
	tiny "$T/two.st" -n 3 $best
fails 'train: -o refuses the file of --keep-best of another run' 1 'best.st: is being written by another' tiny "$T/best.st" -n 3 -f
fails 'train: --keep-best refuses the output of another run' 1 'one.st: is being written by another' \
	tiny "$T/two.st" -n 3 -f --valid "$T/train.noised" --keep-best "$T/one.st"
ok 'train: a run that is refused for its --keep-best leaves no lock' test ! -e "$T/two.st.lock"
ok 'train: allows another output in the same directory' tiny "$T/two.st" -n 3
ok 'train: --dry-run is allowed on a checkpoint that is being written' train --dry-run -r "$T/one.st" "$T/train.noised"
kill -KILL $pid
wait $pid 2>/dev/null
end $source
ok 'train: SIGKILL leaves the lock files' test -e "$T/one.st.lock" -a -e "$T/best.st.lock"
# shellcheck disable=SC2086
ok 'train: lock files of a killed run do not prevent resuming' train -q -r "$T/one.st" -n $STEPS $best "$T/train.noised"
ok 'train: a resumed run removes the lock files of a killed run' test ! -e "$T/one.st.lock" -a ! -e "$T/best.st.lock"

# A run that fails keeps its lock until its message is written: here standard error is a full pipe.
mkfifo "$T/full"
exec 3<>"$T/full"
perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_WRONLY | O_NONBLOCK); while (syswrite STDOUT, "x" x 4096) {}
	fcntl(STDOUT, F_SETFL, O_WRONLY)' >&3
train -o "$T/held.st" "$T/no-such-file" 2>&3 &
pid=$!
await test -e "$T/held.st.lock"
sleep 0.5
fails 'train: a second run is refused while one that has failed writes its message' 1 \
	"held.st: is being written by another process, $pid\$" tiny "$T/held.st" -n 3
cat <&3 >/dev/null &
drain=$!
wait $pid
is 'train: a run that fails removes its lock' "$? $(find "$T" -name 'held.st*' -o -name '*.tmp')" '1 '
end $drain
exec 3>&-

done_testing
