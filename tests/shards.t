#!/bin/sh
# Data preparation on many machines: each file of stories by itself, by make -j, by a list or by a job
# array, then concatenated.
. tests/lib.sh

shards() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/shards.mk BIN="$BIN" "$@"
}

ok 'shards.mk: make -j2 prepares stories in four files' shards -j2 OUT="$T/four" STORIES=50
is 'shards.mk: four files become one shard' "$("$BIN/pack" --info "$T/four/train.rows" | grep -E '^(segments|records)' | tr -s ' \n' ' ')" \
	'segments 4 records 200 '
cat "$T"/four/stories/[1-4].jsonl | "$BIN/tok" -q -w "$T/four/vocab.txt" | "$BIN/pack" -q -T 72 >"$T/whole.rows"
"$BIN/pack" --ids "$T/whole.rows" >"$T/want"
"$BIN/pack" --ids "$T/four/train.rows" >"$T/got"
ok 'shards.mk: the shard has the rows that one process makes' cmp "$T/got" "$T/want"
ok 'shards.mk: does nothing if all is up to date' shards -q OUT="$T/four" STORIES=50

mkdir "$T/in" "$T/in/more"
cp "$T/four/stories/1.jsonl" "$T/in/a.jsonl"
zstd -q "$T/four/stories/2.jsonl" -o "$T/in/b.jsonl.zst"
sed 's/^{"story": "//; s/"}$//; a <|endoftext|>' "$T/four/stories/3.jsonl" >"$T/in/c.txt"
cp "$T/four/stories/4.jsonl" "$T/in/more/a.jsonl"
of="FILES=$T/in/*.jsonl $T/in/*.zst $T/in/*.txt $T/in/more/*"
shards -s list "$of" VOCAB="$T/four/vocab.txt" OUT="$T/list" >"$T/parts"
is 'shards.mk: list prints a line for each file' "$(wc -l <"$T/parts" | tr -d ' ')" 4
ok 'shards.mk: xargs runs each line of list as a job' xargs -n 1 -P 2 env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
	make -f pipelines/shards.mk BIN="$BIN" "$of" VOCAB="$T/four/vocab.txt" OUT="$T/list" <"$T/parts"
if command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q GNU; then
	sed "s:^$T/list:$T/parallel:" "$T/parts" >"$T/parts2"
	ok 'shards.mk: parts are made by GNU parallel' parallel --will-cite env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/shards.mk \
		BIN="$BIN" "'$of'" VOCAB="$T/four/vocab.txt" OUT="$T/parallel" <"$T/parts2"
	is 'shards.mk: GNU parallel makes the rows of each file' "$(find "$T/parallel" -name '*.rows' | wc -l | tr -d ' ')" 4
fi
ok 'shards.mk: parts are concatenated' shards -s "$of" VOCAB="$T/four/vocab.txt" OUT="$T/list"
"$BIN/pack" --ids "$T/list/train.rows" >"$T/got"
ok 'shards.mk: the rows do not depend on the format of the files' cmp "$T/got" "$T/want"

for task in 1 2 3 4; do
	ok "rows.sbatch: task $task of a job array succeeds" env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL SLURM_ARRAY_TASK_ID=$task \
		sh pipelines/slurm/rows.sbatch BIN="$BIN" "$of" VOCAB="$T/four/vocab.txt" OUT="$T/array"
done
ok 'shards.mk: runs only cat after a job array' sh -c "
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/shards.mk BIN='$BIN' '$of' \
		VOCAB='$T/four/vocab.txt' OUT='$T/array' >'$T/said' && test \$(wc -l <'$T/said') = 1"
"$BIN/pack" --ids "$T/array/train.rows" >"$T/got"
ok 'shards.mk: a job array gives the same rows' cmp "$T/got" "$T/want"
not_ok 'rows.sbatch: refuses a task without a file' env SLURM_ARRAY_TASK_ID=5 sh pipelines/slurm/rows.sbatch BIN="$BIN" "$of" \
	VOCAB="$T/four/vocab.txt" OUT="$T/array"
not_ok 'rows.sbatch: refuses a task without a file under a make that prints its folder' \
	env MAKEFLAGS=w MAKELEVEL=1 SLURM_ARRAY_TASK_ID=5 sh pipelines/slurm/rows.sbatch BIN="$BIN" "$of" \
	VOCAB="$T/four/vocab.txt" OUT="$T/array"
not_ok 'shards.mk: another length of rows is not up to date' shards -q OUT="$T/four" STORIES=50 T=60
not_ok 'shards.mk: reports a missing file' shards FILES="$T/in/a.jsonl $T/in/none.jsonl" VOCAB="$T/four/vocab.txt" OUT="$T/none"
mkdir -p "$T/p" "$T/p_"
cp "$T/in/a.jsonl" "$T/p/_q.jsonl"
cp "$T/in/a.jsonl" "$T/p_/q.jsonl"
cp "$T/in/a.jsonl" "$T/p__q.jsonl"
is 'shards.mk: different files have different parts' "$(shards -s list FILES="$T/p/_q.jsonl $T/p_/q.jsonl $T/p__q.jsonl" OUT="$T/names" | sort -u | wc -l | tr -d ' ')" 3
ok 'shards.mk: learns a vocabulary from plain text' shards FILES="$T/in/c.txt" OUT="$T/plain"
not_ok 'shards.mk: refuses a vocabulary from plain text and JSON lines' shards FILES="$T/in/c.txt $T/in/a.jsonl" OUT="$T/both"
head -c 2000 "$T/in/b.jsonl.zst" >"$T/in/cut.jsonl.zst"
not_ok 'shards.mk: reports a truncated file' shards FILES="$T/in/cut.jsonl.zst" VOCAB="$T/four/vocab.txt" OUT="$T/cut"
is 'shards.mk: a truncated file leaves no rows' "$(find "$T/cut" -name '*.rows')" ''

done_testing
