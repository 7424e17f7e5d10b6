#!/bin/sh
# Each system call that writes a file fails, one by one, or is the last one of the process: afterwards
# there is either the old file or the complete new one. tests/torture/faults.c reads FAULT.
. tests/lib.sh
. tests/torture/sample

faults=$(cd "${BUILD:-build}" && pwd)/faults.so
[ -e "$faults" ] || skip_all 'no faults.so: make builds it'
[ -z "${SAN:-}" ] || skip_all 'sanitizers do not let others load first'

# "make torture" tries one more error; the tools treat all errors alike.
hows='EIO KILL'
[ -z "${KILLS:-}" ] || hows='ENOSPC EIO KILL'

# with FAULT COMMAND...: run it with this fault; $T/mark exists if the call was reached
with() {
	with_fault=$1
	shift
	rm -f "$T/mark"
	FAULT=$with_fault FAULT_MARK=$T/mark LD_PRELOAD=$faults "$@"
}

# same FILE FILE: both have the same contents
same() {
	cmp -s "$1" "$2"
}

# try FILE CALLS COMMAND...: afterwards FILE must be equal to FILE.old or FILE.new
try() {
	try_file=$1 try_calls=$2
	shift 2
	cases=0 bad=0
	for call in $try_calls; do
		for how in $hows; do
			for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
				cp "$try_file.old" "$try_file"
				with "$call:$how:$n" "$@" >"$T/log" 2>"$T/err"
				status=$?
				[ -e "$T/mark" ] || break
				cases=$((cases + 1))
				judge "$how" $status || {
					bad=$((bad + 1))
					echo "# $call:$how:$n: status $status, $(cat "$T/err")"
				}
				find "$T" -name '*.tmp' -exec rm {} +
			done
		done
	done
	# The tools must handle these without an error.
	for fault in write:EINTR write:SHORT fsync:EINTR close:EINTR; do
		cp "$try_file.old" "$try_file"
		with $fault:0 "$@" >"$T/log" 2>"$T/err"
		status=$?
		cases=$((cases + 1))
		if [ ! -e "$T/mark" ] || [ $status -ne 0 ] || ! same "$try_file" "$try_file.new"; then
			bad=$((bad + 1))
			echo "# $fault: status $status, $(cat "$T/err")"
		fi
	done
}

judge() { # judge HOW STATUS
	same "$try_file" "$try_file.old" || same "$try_file" "$try_file.new" || return 1
	[ "$1" = KILL ] && return 0
	# If an error is harmless, for example in closing an input, the tool succeeds.
	if [ "$2" -eq 0 ]; then
		same "$try_file" "$try_file.new"
		return
	fi
	[ "$2" -eq 1 ] && [ "$(wc -l <"$T/err")" -eq 1 ] &&
		[ "$(find "$T" -name '*.tmp' | wc -l)" -eq 0 ]
}

# The new version is made under the same name, because the provenance of shards contains it.
tools() {
	name=$1
	shift
	"$@" -o "$T/$name" 2>/dev/null >&2
	mv "$T/$name" "$T/$name.new"
	head -c 100 "$T/vocab.txt" >"$T/$name.old"
	try "$T/$name" 'open write fsync rename close' "$@" -o "$T/$name"
	is "$name: each of $cases faults leaves the old or the new file" $bad 0
}

tools pack pack -q -T 60 --shuffle "$T/stories.tok"
tools noise noise -q -e 3 "$T/train.rows"
tools tok tok -q -w "$T/vocab.txt" "$T/stories.jsonl"
tools tok-d tok -q -d -w "$T/vocab.txt" "$T/stories.tok"
tools tok-learn tok -q --learn 200 "$T/stories.jsonl"
tiny "$T/model" -n 40 -l "$T/steps.csv" >"$T/loss.csv"
tools fitsched fitsched -q "$T/loss.csv"
tools plot.svg plotcsv -q -x t -y ce_nats --max-points 20 "$T/loss.csv"
tools denoise denoise -q -j 1 -m "$T/model" -n 3 --steps 3
tools denoise-traced denoise -q -j 1 -m "$T/model" -n 3 --steps 3 --trace "$T/trace.csv"

# --- checkpoints: of every save of a run ---

run() {
	rm -f "$T/cp"
	cp "$T/cp.old" "$T/cp" 2>/dev/null
	"$@" train -q -j 1 -r "$T/cp" --save-every 2 "$T/train.noised"
}
tiny "$T/cp.old" -n 8 --stop-after 2 >/dev/null
run env >/dev/null
cp "$T/cp" "$T/cp.new"
cases=0 bad=0
for call in open write fsync rename close; do
	for how in $hows; do
		for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do
			run with "$call:$how:$n" >/dev/null 2>"$T/err"
			status=$?
			[ -e "$T/mark" ] || break
			cases=$((cases + 1))
			rm -f "$T"/*.tmp
			step=$(denoise -m "$T/cp" --info 2>&1 | sed -n 's/^step: //p')
			case $step:$how:$status in
			[2468]:KILL:* | [2468]:*:1 | 8:*:0) ;;
			*)
				bad=$((bad + 1))
				echo "# $call:$how:$n: status $status, step '$step', $(cat "$T/err")"
				;;
			esac
			# The run can be resumed from there, with the same result.
			train -q -j 1 -r "$T/cp" "$T/train.noised" >/dev/null 2>"$T/err"
			same "$T/cp" "$T/cp.new" || {
				bad=$((bad + 1))
				echo "# $call:$how:$n: resumed, it gives another checkpoint: $(cat "$T/err")"
			}
		done
	done
done
is "train: $cases faults: each checkpoint loads and can be resumed to the same bytes" $bad 0
for fault in write:EINTR write:SHORT fsync:EINTR close:EINTR; do
	ok "train: $fault is no error" run with $fault:0
	ok "train: $fault does not change the checkpoint" same "$T/cp" "$T/cp.new"
done

# --- what a power cut may not undo: a file is synced before it is renamed, the directory after ---

traced() { # traced COMMAND...: the calls that write files, in their order, repeated ones once
	rm -f "$T/trace"
	FAULT_TRACE=$T/trace LD_PRELOAD=$faults "$@" >/dev/null
	uniq "$T/trace" | paste -s -d, -
}
is 'pack: syncs the file, renames it, and syncs the directory' \
	"$(traced pack -q -T 60 -o "$T/synced" "$T/stories.tok")" 'open,write,fsync file,rename,fsync directory'
tiny "$T/synced.st" -n 1 >/dev/null
is 'train: syncs the directory of a new log, and the log before the checkpoint' \
	"$(traced train -q -j 1 -r "$T/synced.st" -n 2 -l "$T/synced.csv" "$T/train.noised")" \
	'open,fsync directory,write,fsync file,open,write,fsync file,rename,fsync directory'
traced train -q -j 1 -r "$T/synced.st" -n 7 --save-every 2 "$T/train.noised" >/dev/null
is 'train: --save-every 2 saves after steps 4, 6 and, at the end, 7' "$(grep -c rename "$T/trace")" 3

# --- full disks, that the kernel makes ---

if [ -w /dev/full ]; then
	for name in 'pack -q -T 60' 'noise -q' "tok -q -w $T/vocab.txt" "tok -q -d -w $T/vocab.txt" \
		'fitsched -q' "denoise -q -j 1 --steps 2 -n 1 -m $T/model" 'tok -q --learn 200' 'pack --info' 'pack --ids'; do
		case $name in
		pack*) in=$T/stories.tok ;;
		noise*) in=$T/train.rows ;;
		*-d*) in=$T/stories.tok ;;
		tok*) in=$T/stories.jsonl ;;
		fitsched*) in=$T/loss.csv ;;
		denoise*) in= ;;
		esac
		short=$(echo "$name" | sed "s|$T/||g")
		# shellcheck disable=SC2086
		fails "$short: reports that standard output is full" 1 'standard output: cannot write.*No space' \
			sh -c '"$@" >/dev/full' sh $name $in
		# shellcheck disable=SC2086
		fails "$short: reports that the output file is full" 1 '/dev/full: cannot write.*No space' $name $in -o /dev/full
	done
	for tool in tok pack noise train fitsched denoise plotcsv; do
		fails "$tool --help: reports that standard output is full" 1 'standard output: cannot write' sh -c "$tool --help >/dev/full"
	done
else
	skip 'all tools: report a full disk' 'no /dev/full'
fi

# --- files that may not grow: an error, and not a signal that leaves the half of a file ---

limited() {
	# dash, bash and ksh have it.
	# shellcheck disable=SC3045
	(ulimit -f 2 && exec "$@")
}
fails 'noise: reports a limit of file sizes' 1 'limit: cannot write: File too large' \
	limited noise -q -z 0 -e 20 "$T/train.rows" -o "$T/limit"
is 'noise: a limit of file sizes leaves no file' "$(find "$T" -name 'limit*' -o -name '*.tmp')" ''
cp "$T/cp" "$T/limit.st"
limited train -q -j 1 -r "$T/limit.st" -n 100 --loss-log "$T/limit.csv" "$T/train.noised" 2>"$T/err"
is 'train: reports a limit of file sizes for log and checkpoint' "$? $(sed "s|.*$T/||" "$T/err" | tr '\n' ';')" \
	'1 limit.csv: cannot write: File too large;limit.st: cannot write: File too large;'
ok 'train: a limit of file sizes leaves the old checkpoint' cmp "$T/limit.st" "$T/cp"
rm -f "$T"/limit*

# --- no output takes the place of what is read, or of another, however it is spelt ---

cp "$T/model" "$T/kept"
ln -s model "$T/link"
ln "$T/loss.csv" "$T/rows.png"
for command in "tok -q -w $T/vocab.txt $T/stories.jsonl -o $T/./vocab.txt" \
	"tok -q -w $T/vocab.txt $T/stories.jsonl -o $T/./stories.jsonl" "pack -q $T/stories.tok -o $T/./stories.tok" \
	"noise -q $T/train.rows -o $T/./train.rows" "noise -q --counts $T/train.rows $T/train.rows -o $T/train.rows" \
	"fitsched -q $T/loss.csv -o $T/./loss.csv" "denoise -n 1 -m $T/model -o $T/./model" \
	"denoise -n 1 -m $T/model -o $T/link" "denoise --prefix -m $T/model $T/stories.tok -o $T/./stories.tok" \
	"denoise -n 1 -m $T/model -o $T/a --profile $T/./a" "train -o $T/./train.noised -f $T/train.noised" \
	"train -o $T/a -f -l $T/./a $T/train.noised" "train -o $T/a -f -l $T/./train.noised $T/train.noised" \
	"train -r $T/model -l $T/link $T/train.noised" "train -r $T/model -o $T/a --profile $T/./model $T/train.noised" \
	"train -o $T/a -f -l $T/./a.lock $T/train.noised" \
	"train -o $T/a -f --valid $T/train.noised --keep-best $T/b -l $T/./b.lock $T/train.noised" \
	"plotcsv -y t $T/rows.png -o $T/./rows.png" "plotcsv -y t $T/loss.csv --line $T/rows.png:t,t -o $T/./rows.png"; do
	# shellcheck disable=SC2086
	fails "$(echo "$command" | sed "s|$T/||g"): refuses to use a file twice" 2 'the same file is (input and output|output of two options|input and standard output|output and standard input)' $command
done
ok 'train, denoise: a command refused for using a file twice leaves the model unchanged' cmp "$T/model" "$T/kept"
same_as_stdin() { # same_as_stdin FILE COMMAND...
	in=$1
	shift
	"$@" <"$in"
}
cp "$T/train.noised" "$T/rows.in"
fails 'train: refuses a log that is also standard input' 2 'the same file is output and standard input' \
	same_as_stdin "$T/rows.in" train -o "$T/a" --loss-log "$T/./rows.in"
fails 'fitsched: refuses an output that is also standard input' 2 'the same file is output and standard input' \
	same_as_stdin "$T/loss.csv" fitsched -q -o "$T/./loss.csv"
ok 'train: refusing a log that is also standard input leaves the rows unchanged' cmp "$T/rows.in" "$T/train.noised"
to_file() { # to_file FILE COMMAND...: standard output is appended to it
	to=$1
	shift
	"$@" >>"$to"
}
cp "$T/model" "$T/on.st"
cp "$T/train.rows" "$T/on.rows"
fails 'train: refuses a checkpoint that is also standard output' 2 'a checkpoint cannot be written to standard output' \
	to_file "$T/on.st" train -q -r "$T/on.st" "$T/train.noised"
fails 'train: refuses two logs that are both standard output' 2 'only one log' \
	to_file "$T/both.csv" train -o "$T/a" -l "$T/both.csv" "$T/train.noised"
fails 'noise: refuses rows that are also standard output' 2 'the same file is input and standard output' to_file "$T/on.rows" noise "$T/on.rows"
ok 'train: refusing a checkpoint that is standard output leaves it unchanged' cmp "$T/on.st" "$T/model"
ok 'noise: a refused redirection onto the input leaves the rows unchanged' cmp "$T/on.rows" "$T/train.rows"
ln -s late.log "$T/late.st"
fails 'train: refuses a checkpoint that is a link to its log' 2 'the same file is (input and output|output of two options|input and standard output|output and standard input)' \
	tiny "$T/late.st" -n 2 --loss-log "$T/late.log"
fails 'train: refuses two logs on standard output' 2 'only one log' train -o "$T/a" -l - "$T/train.noised"
fails 'denoise: refuses rows and a profile on standard output' 2 'standard output is already used for the rows' denoise -n 1 -m "$T/model" --profile -
fails 'noise: refuses --counts and rows from standard input' 2 'standard input: cannot be read twice' noise --counts -
fails 'noise: refuses --counts and rows from standard input named -' 2 'standard input: cannot be read twice' noise --counts - -
fails 'tok: refuses vocabulary and text from standard input' 2 'standard input: cannot be read twice' tok -w -
fails 'pack: refuses standard input twice' 2 'standard input: cannot be read twice' pack -T 72 - -
fails 'plotcsv: refuses rows and a line from standard input' 2 'standard input: cannot be read twice' \
	plotcsv -y ce_nats --line -:t,ce_nats -
mkfifo "$T/once"
fails 'noise: refuses one FIFO for --counts and the rows' 2 'once: cannot be read twice' \
	timeout 10 noise --counts "$T/once" "$T/./once"
fails 'plotcsv: --follow refuses a FIFO as --line' 2 '--follow needs a file' \
	timeout 10 plotcsv -y ce_nats --follow --line "$T/once"
fails 'plotcsv: refuses two lines from one FIFO' 2 'once: cannot be read twice' \
	timeout 10 plotcsv -y ce_nats --line "$T/once:t,ce_nats" --line "$T/once:u,ce_nats" "$T/stories.jsonl"
fails 'train: --valid refuses a FIFO' 2 'once: is a stream' \
	timeout 10 train --valid "$T/once" "$T/train.noised"
fails 'train: --resume refuses a FIFO' 1 'once: is not a regular file' timeout 10 train -r "$T/once" "$T/train.noised"
fails 'denoise: refuses a FIFO as the model' 1 'once: is not a regular file' timeout 10 denoise -n 1 -m "$T/once"
ok 'pack: accepts one file twice' pack --check "$T/train.rows" "$T/train.rows"
fails 'train: refuses a checkpoint on standard output' 2 'a checkpoint cannot be written to standard output' train -o - "$T/train.noised"
for command in "pack -q $T/stories.tok" "tok --learn 100 $T/stories.jsonl" "fitsched $T/loss.csv"; do
	# shellcheck disable=SC2086
	fails "${command%% *}: refuses an empty name of an output" 1 'empty file name for an output' $command -o ''
done

for option in -l --loss-log --schedule-log; do
	fails "train $option: refuses an empty name of a log" 1 'empty file name for an output' tiny "$T/a" -f -n 2 $option ''
done
fails 'train: refuses an empty name of the checkpoint' 1 'empty file name for an output' tiny '' -n 2
echo precious >"$T/poem.lock"
fails 'train: refuses to use another file as its lock' 1 'poem.lock: is not a lock file' tiny "$T/poem" -n 2
is 'train: a refused lock leaves the other file unchanged' "$(cat "$T/poem.lock")" precious
rm "$T/poem.lock"

# --- what a shell has sent into a file is that file's end ---

echo earlier >"$T/log.csv"
cp "$T/log.csv" "$T/log.err"
tiny "$T/dev.st" -n 2 -l /dev/stdout --loss-log /dev/stderr >>"$T/log.csv" 2>>"$T/log.err"
is 'train: a log named /dev/stdout appends to the redirected standard output' "$(cut -d, -f1 "$T/log.csv" | tr '\n' ' ')" 'earlier step 1 2 '
is 'train: --loss-log /dev/stderr appends to the redirected standard error' "$(head -n 2 "$T/log.err" | tr '\n' ' ')" 'earlier step,t,ce_nats,split,given '

# --- pipes by a name, and a directory that goes ---

mkfifo "$T/profile"
cat "$T/profile" >"$T/profile.csv" &
tiny "$T/dev.st" -f -n 2 --profile "$T/profile" >/dev/null
wait
is 'train: --profile writes to a pipe' "$(head -n 1 "$T/profile.csv" | cut -d, -f1)" kernel
vanishing() { # vanishing CALL: the directory goes while train is about to make that call in it
	mkdir "$T/gone"
	rm -f "$T/mark"
	(
		FAULT=$1:SLEEP:4 FAULT_MARK=$T/mark LD_PRELOAD=$faults RUN=exec
		export FAULT FAULT_MARK LD_PRELOAD
		tiny "$T/gone/a.st" -n 8 --save-every 1
	) &
	await [ -e "$T/mark" ]
	rm -r "$T/gone"
	kill $!
	wait $!
}
fails 'train: a directory removed before a checkpoint is opened gives one message' 1 'gone/a.st: cannot create' vanishing open
fails 'train: a directory removed before the rename of a checkpoint gives one message' 1 'gone/a.st: cannot be replaced' vanishing rename

# --- a run that fails before its first step changes nothing ---

tiny "$T/good.st" -n 3 --loss-log "$T/good.csv"
cp "$T/good.st" "$T/good.st.was"
cp "$T/good.csv" "$T/good.csv.was"
head -c 600 "$T/train.noised" >"$T/cut.noised"
# shellcheck disable=SC2086
fails 'train: -f reports truncated rows' 1 'cut.noised: truncated' train -q $shape -f -n 3 -o "$T/good.st" \
	--loss-log "$T/good.csv" "$T/cut.noised"
fails 'train: -f reports a log that cannot be opened' 1 'nowhere/steps.csv: No such file' \
	tiny "$T/good.st" -f -n 3 --loss-log "$T/good.csv" -l "$T/nowhere/steps.csv"
fails 'train: -f reports a profile that cannot be written' 1 'nowhere/profile.csv' \
	tiny "$T/good.st" -f -n 3 --loss-log "$T/good.csv" --profile "$T/nowhere/profile.csv"
ok 'train: -f with a failed start leaves the old checkpoint unchanged' cmp "$T/good.st" "$T/good.st.was"
ok 'train: -f with a failed start leaves the old log of losses unchanged' cmp "$T/good.csv" "$T/good.csv.was"
# shellcheck disable=SC2086
fails 'train: reports truncated rows without an existing checkpoint' 1 'cut.noised: truncated' \
	train -q $shape -n 3 -o "$T/none.st" "$T/cut.noised"
ok 'train: truncated rows make no checkpoint' [ ! -e "$T/none.st" ]

# --- what a link names is replaced, and not the link; permissions stay ---

mkdir "$T/far"
pack -q -T 60 -o "$T/packed" "$T/stories.tok"
cp "$T/packed" "$T/far/target"
chmod 640 "$T/far/target"
ln -s far/target "$T/near"
pack -q -T 60 -o "$T/near" "$T/stories.tok"
is 'pack: an output that is a symbolic link remains a link' "$(readlink "$T/near") $(ls "$T/far")" 'far/target target'
ok 'pack: -o through a symbolic link replaces the target' pack --check "$T/far/target"
is 'pack: an output through a symbolic link keeps the permissions of the target' "$(stat -c %a "$T/far/target")" 640
ln -s far/later "$T/dangling"
pack -q -T 60 -o "$T/dangling" "$T/stories.tok"
ok 'pack: an output that is a dangling link makes the target' pack --check "$T/far/later"
ln -s circle "$T/circle"
fails 'pack: refuses a circle of links' 1 'circle: Too many levels of symbolic links' pack -q -T 60 -o "$T/circle" "$T/stories.tok"
ln -s /proc/self/fd/1 "$T/out"
pack -q -T 60 -o "$T/out" "$T/stories.tok" >"$T/by-shell"
ok 'pack: an output that links to standard output is written to its file' pack --check "$T/by-shell"
ln -s good.st "$T/link.st"
ok 'train: --resume accepts a symbolic link' train -q -r "$T/link.st" -n 4 "$T/train.noised"
is 'train: --resume through a symbolic link keeps the link and leaves no lock' "$(readlink "$T/link.st") $(find "$T" -name '*.lock')" 'good.st '
ok 'train: --resume through a symbolic link continues the checkpoint' sh -c "denoise -m '$T/good.st' --info | grep -q '^step: 4'"

# --- written files respect the umask ---

for mask in 077 027 022; do
	rm -f "$T"/mode*
	(umask $mask && pack -q -T 60 -o "$T/mode" "$T/stories.tok" && tiny "$T/mode.st" -f -n 1 --loss-log "$T/mode.csv")
	is "pack, train: files have the permissions of umask $mask" "$(stat -c %a "$T/mode" "$T/mode.st" "$T/mode.csv" | sort -u)" \
		"$(printf '%o' $((0666 & ~0$mask)))"
done

done_testing
