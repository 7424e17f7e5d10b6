#!/bin/sh
# The examples of the manual pages run unchanged, in their order.
. tests/lib.sh

command -v bash >/dev/null || skip_all 'no bash here'
[ "${SAN:-}" != thread ] || skip_all 'takes an hour under ThreadSanitizer, and has no threads of its own'
top=$PWD
PATH=$BIN:$PATH

# examples PAGE SECTION: the literal displays of a section, as a script
examples() {
	awk -v section="$2" '
		/^\.Sh / { inside = substr($0, 5) == section }
		inside && /^\.Bd -literal/ { display = 1; next }
		/^\.Ed/ { if (display) print ""; display = 0 }
		display { gsub(/\\e/, "\\"); gsub(/\\&/, ""); gsub(/\\-/, "-"); gsub(/\\\(aq/, "\047"); sub(/^[$] /, ""); print }
		inside && /^\.Dl / { sub(/^\.Dl /, ""); print }' "$1"
}

# The files that the examples use. They are small, because each page gets its own copy.
mkdir "$T/fixture"
cd "$T/fixture" || exit 1
ln -s "$top/pipelines" pipelines
{
	pipelines/stories generate -n 60 -s 1 >stories.jsonl
	pipelines/stories generate -n 20 -s 2 -x stories.jsonl >valid.jsonl
	sed 's/^{"story": "//; s/"}$//' stories.jsonl >stories.txt
	tok --learn 1000 stories.jsonl >vocab.txt
	tok -w vocab.txt -o stories.tok stories.jsonl
	pack -T 80 -o train.rows stories.tok
	pack --take 0:4 -o some.rows train.rows
	tok -w vocab.txt valid.jsonl | pack -T 80 -o valid.rows
	noise -s 7 -o valid.noised valid.rows
	noise -e 10 -s 1 train.rows |
		train -q -x tiny -n 20 -B 8 --refit-every 10 --save-every 10 --valid valid.noised --valid-every 10 \
			--schedule-log sched.csv -l steps.csv -o model.safetensors >loss.csv
	cp sched.csv schedule.csv
	cp steps.csv log.csv
} >"$T/fixture.log" 2>&1
cd "$top" || exit 1
ok 'examples: the files that the examples use are made' sh -c "test -s '$T/fixture/model.safetensors' || { cat '$T/fixture.log'; false; }"

for page in man/*.1 man/cdcd.7; do
	section=EXAMPLES
	[ "$page" != man/cdcd.7 ] || section=TUTORIAL
	examples "$page" "$section" >"$T/script"
	if [ ! -s "$T/script" ]; then
		ok "$page: has examples" false
		continue
	fi
	rm -rf "$T/run"
	cp -R "$T/fixture" "$T/run"
	# The only changes: small models instead of large ones, and no endless --follow.
	sed -e 's/generate -n 20000/generate -n 60/' -e '/plotcsv.*\(-F\|--follow\)/d' "$T/script" >"$T/run/script"
	if grep -q '^[^#]*train.* -o model.safetensors' "$T/script"; then
		rm "$T/run/model.safetensors"
	fi
	ok "$page: the examples run" sh -c \
		"cd '$T/run' && bash -ex script </dev/null >log 2>&1 || { tail -n 10 log; false; }"
done

done_testing
