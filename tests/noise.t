#!/bin/sh
# noise: noise level, seed and mask of each row.
. tests/lib.sh

cd "$T" || exit 1
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' a b c d e f g h i j >vocab
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' a b c d e f g h i j >other

# rows N: N different rows of 13 ids
rows() {
	awk -v n="$1" 'BEGIN {
		for (i = 1; i <= n; i++) {
			s = substr("abcdefghij", i % 10 + 1, 1)
			for (k = i; k > 0; k = int(k / 3))
				s = s " " substr("abcdefghij", k % 3 + 1, 1)
			print "{\"story\":\"" s "\"}"
		}
	}' | "$BIN/tok" -q -w vocab | "$BIN/pack" -q -T 13
}

# records ...: of noise with these arguments, as CSV without its header
records() {
	"$BIN/noise" "$@" | "$BIN/pack" --noise | sed 1d
}

ids() {
	"$BIN/noise" "$@" | "$BIN/pack" --ids
}

# column N: of CSV
column() {
	cut -d , -f "$1"
}

lines() { # lines LINE...
	printf '%s\n' "$@"
}

rows 200 >a.rows
rows 5 >b.rows
cp b.rows c.rows
"$BIN/pack" --ids a.rows | sort >a.ids

# --- records ---

records a.rows >r
is 'noise: writes a record for each row' "$(wc -l <r)" 200
is 'noise: numbers records from 0' "$(column 1 <r | sed -n '1p;$p' | tr '\n' ' ')" '0 199 '
is 'noise: the noise level is open by default' "$(column 2 <r | sort -u)" ''
is 'noise: noises every position by default' "$(column 5 <r | sort -u)" 1111111111111
is 'noise: every record has its own seed' "$(column 4 <r | sort -u | wc -l)" 200
is 'noise: u is in [0, 1)' "$(column 3 <r | awk '$1 < 0 || $1 >= 1' | wc -l)" 0
# Among any 16 successive u, each sixth of [0, 1) has at least two.
is 'noise: u is stratified over any run of records' "$(column 3 <r | awk '
	{ u[NR] = int(6 * $1) }
	NR >= 16 {
		split("", n)
		for (i = NR - 15; i <= NR; i++)
			n[u[i]]++
		for (k = 0; k < 6; k++)
			bad += n[k] < 2
	}
	END { print bad + 0 }')" 0
ids a.rows >i
sort i >i.sorted
ok 'noise: every row occurs' cmp i.sorted a.ids
"$BIN/pack" --ids a.rows >plain
not_ok 'noise: shuffles rows by default' cmp -s i plain
ids --no-shuffle a.rows >kept
ok 'noise: --no-shuffle keeps the order of the rows' cmp kept plain

"$BIN/noise" -s 5 -e 2 --mask mixed a.rows >one
"$BIN/noise" -s 5 -e 2 --mask mixed a.rows >two
ok 'noise: the same command writes the same bytes' cmp one two
"$BIN/pack" --noise one | column 4 | sort >one.seeds
records -s 6 -e 2 a.rows | column 4 | sort >other.seeds
is 'noise: another seed gives other noise for every record' "$(comm -12 one.seeds other.seeds | wc -l)" 0

# --- epochs, and where to start ---

ids -e 3 a.rows >i
is 'noise: writes as many epochs as requested' "$(wc -l <i)" 600
for epoch in 1 2 3; do
	sed -n "$((200 * epoch - 199)),$((200 * epoch))p" i >"epoch$epoch"
	sort "epoch$epoch" >"epoch$epoch.sorted"
	ok "noise: epoch $epoch has every row once" cmp "epoch$epoch.sorted" a.ids
done
not_ok 'noise: two epochs have different orders' cmp -s epoch1 epoch2
records -s 5 -e 3 --mask mixed a.rows >whole
ids -s 5 -e 3 --mask mixed a.rows >whole.ids
for skip in 0 1 199 200 431 599; do
	records -s 5 -e 3 --mask mixed --skip $skip a.rows >got
	ids -s 5 -e 3 --mask mixed --skip $skip a.rows >got.ids
	sed "1,${skip}d" whole >want
	sed "1,${skip}d" whole.ids >want.ids
	[ $skip = 0 ] && cp whole want && cp whole.ids want.ids
	ok "noise: --skip $skip writes the rest of the whole stream" cmp got want
	ok "noise: --skip $skip writes the ids of the rest of the whole stream" cmp got.ids want.ids
done
is 'noise: --skip of all records writes none' "$(records -e 3 --skip 600 a.rows)" ''
fails 'noise: --skip refuses more records than the stream has' 2 'skip: 601 is more than the 600 records of the stream' "$BIN/noise" -e 3 --skip 601 a.rows -o no
records -s 5 -e 3 --mask mixed --skip 190 --limit 20 a.rows >part
sed -n 191,210p whole >want
ok 'noise: --limit writes a part of the whole stream' cmp part want
is 'noise: --limit 0 writes no records' "$(records --limit 0 a.rows)" ''
# A shard that is in parts is one shard.
"$BIN/noise" -s 5 -e 3 --mask mixed --limit 250 a.rows >part1
"$BIN/noise" -s 5 -e 3 --mask mixed --skip 250 a.rows >part2
cat part1 part2 | "$BIN/pack" --noise | sed 1d >glued
ok 'noise: concatenated parts are the whole stream' cmp glued whole
is 'noise: the header of a part contains its first record' "$("$BIN/pack" --info part2 | grep '^first')" 'first       250'

# --- shares of the stream ---

for world in 1 2 3 7; do
	r=0
	: >got
	while [ $r -lt $world ]; do
		records -s 5 -e 3 --mask mixed --skip 5 --limit 411 --rank $r --world $world a.rows >>got
		r=$((r + 1))
	done
	sort -n got >sorted
	records -s 5 -e 3 --mask mixed --skip 5 --limit 411 a.rows >want
	ok "noise: the shares of $world ranks are together the whole stream" cmp sorted want
done
is 'noise: rank 3 of 4 gets every fourth record' "$(records --rank 3 --world 4 --limit 12 a.rows | column 1 | tr '\n' ' ')" \
	'3 7 11 '
is 'noise: the header of one rank stores its first record and its stride' "$("$BIN/noise" --rank 1 --world 4 --limit 12 a.rows | "$BIN/pack" --info |
	grep -E '^(first|stride|records)' | tr -s '\n ' ' ')" 'records 3 first 1 stride 4 '
is 'noise: the header of a whole stream has no stride' "$("$BIN/noise" a.rows | "$BIN/pack" --info | grep -c ^stride)" 0
is 'noise: the part of a rank may be empty' "$("$BIN/noise" --rank 3 --world 4 --limit 3 a.rows | "$BIN/pack" --info |
	grep ^records | tr -s ' ')" 'records 0'
records -s 5 --rank 2 --world 3 a.rows >want
for variables in 'OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=3' 'PMI_RANK=2 PMI_SIZE=3' \
	'SLURM_PROCID=2 SLURM_NTASKS=3' \
	'SLURM_JOB_ID=9 SLURM_STEP_ID=0 SLURM_PROCID=2 SLURM_NTASKS=9 SLURM_STEP_NUM_TASKS=3' \
	'OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=3 SLURM_PROCID=0 SLURM_NTASKS=1'; do
	# A list of assignments.
	# shellcheck disable=SC2086
	env $variables "$BIN/noise" -s 5 a.rows | "$BIN/pack" --noise | sed 1d >got
	ok "noise: takes the rank from the launcher: $variables" cmp got want
done
records -s 5 a.rows >whole
env SLURM_JOB_ID=9 SLURM_PROCID=0 SLURM_NTASKS=3 "$BIN/noise" -s 5 a.rows | "$BIN/pack" --noise | sed 1d >got
ok 'noise: the script of a Slurm job is not a task of it' cmp got whole
env PMI_RANK=2 PMI_SIZE=3 "$BIN/noise" -s 5 --world 1 a.rows | "$BIN/pack" --noise | sed 1d >got
ok 'noise: --world 1 writes the whole stream in spite of a launcher' cmp got whole
fails 'noise: --rank requires --world' 2 'both must be given' "$BIN/noise" --rank 1 a.rows
fails 'noise: refuses rank 4 of 4' 2 '4 is too large .expected less than --world 4' "$BIN/noise" --rank 4 --world 4 a.rows
fails 'noise: refuses a rank from the launcher that is not a number' 2 "PMI_RANK is 'x' in the environment" \
	env PMI_RANK=x PMI_SIZE=2 "$BIN/noise" a.rows
fails 'noise: refuses a rank from the launcher that is too large' 2 'PMI_RANK is 2 and PMI_SIZE is 2 in the environment' \
	env PMI_RANK=2 PMI_SIZE=2 "$BIN/noise" a.rows

# --- levels ---

is 'noise: a noise level for all records is stored' "$(records -t 2.5 a.rows | column 2,3 | sort -u)" 2.5,
is 'noise: a u for all records is stored' "$(records -u 0.25 a.rows | column 2,3 | sort -u)" ,0.25
is 'pack --info: counts open noise levels' "$("$BIN/noise" a.rows | "$BIN/pack" --info | grep ^levels)" \
	'levels      200 open'
is 'pack --info: prints the range of fixed noise levels' "$("$BIN/noise" -t 3 a.rows | "$BIN/pack" --info | grep ^levels)" \
	'levels      0 open, 200 from 3 to 3'
fails 'noise: refuses a noise level together with u' 2 '-t and -u: only one' "$BIN/noise" -t 2 -u 0.5 a.rows
fails 'noise: --no-shuffle refuses an argument' 2 'no-shuffle: takes no argument' "$BIN/noise" --no-shuffle=yes a.rows
fails 'noise: refuses u = 1' 2 '--uniform: 1 is too large' "$BIN/noise" -u 1 a.rows
fails 'noise: refuses a noise level of 0' 2 'level' "$BIN/noise" -t 0 a.rows
fails 'noise: refuses 0 epochs' 2 'epochs' "$BIN/noise" -e 0 a.rows

# --- masks ---

records -e 5 --mask prefix a.rows | column 5 >masks
is 'noise: --mask prefix gives only tokens at the beginning' "$(grep -cv '^0*11*$' masks)" 0
ok 'noise: --mask prefix gives no token in some records' grep -qx 1111111111111 masks
ok 'noise: --mask prefix gives five tokens or more in some records' grep -q '^00000' masks
"$BIN/noise" -e 5 --mask prefix a.rows >prefixed
"$BIN/pack" --ids prefixed >i
is 'noise: --mask prefix gives neither padding nor a whole story' "$(paste -d , i masks | awk -F '[ ,]' '{
	content = 0
	for (k = 1; k <= 13; k++)
		content += $k > 0
	given = index($14, "1") - 1
	bad += given >= content
} END { print bad + 0 }')" 0
records -e 5 --mask random a.rows | column 5 >masks
ok 'noise: --mask random gives tokens at any position' grep -q '10.*1.*0.*1' masks
not_ok 'noise: --mask random never gives all tokens' grep -qx 0000000000000 masks
records -e 5 --mask random --max-given 0 a.rows | column 5 >masks
is 'noise: --max-given 0 gives no tokens' "$(sort -u masks)" 1111111111111
records -e 5 --mask random a.rows | column 5 >masks
for skip in 0 3 12; do
	records -e 5 --mask random --all-first 8 --skip $skip a.rows | column 5 >first
	is "noise: --all-first noises every position of the first records, from record $skip on" \
		"$(head -n $((8 > skip ? 8 - skip : 0)) first | sort -u)" "$([ $skip -ge 8 ] || echo 1111111111111)"
	is "noise: --all-first changes no other records, from record $skip on" \
		"$(tail -n +$((8 > skip ? 9 - skip : 1)) first)" "$(tail -n +$((skip > 8 ? skip + 1 : 9)) masks)"
done
fails 'noise: refuses --all-first with --mask all' 2 'all-first does not go with' "$BIN/noise" --all-first 3 a.rows
fails 'noise: refuses --max-given with --mask all' 2 'max-given does not go with' \
	"$BIN/noise" --max-given 0.3 a.rows
records -e 5 --mask prefix --max-given 0.3 a.rows | column 5 >masks
not_ok 'noise: --max-given 0.3 gives at most 3 of 13 tokens' grep -q '^0000' masks
ok 'noise: --max-given 0.3 gives 2 of 13 tokens in some records' grep -q '^001' masks
fails 'noise: --max-given warns if it is less than one token of each row' 0 \
	'--max-given 0.07 of rows of 13 tokens is less than one token' "$BIN/noise" -o few --mask prefix --max-given 0.07 a.rows
is 'noise: --max-given of one token of the longest story gives it' \
	"$(records --mask prefix --max-given 0.15 -e 20 a.rows 2>err | column 5 | sort -u | xargs) $(cat err)" \
	'0111111111111 1111111111111 '
records -e 5 --mask mixed a.rows | column 5 >masks
is 'noise: --mask mixed gives no token in a third of the records, and in a few more' \
	"$(grep -cx 1111111111111 masks | awk '{ print ($1 > 333 && $1 < 520) }')" 1
ok 'noise: --mask mixed gives tokens at any position in other records' grep -q '10.*1.*0.*1' masks
fails 'noise: --mask refuses an unknown value' 2 'expected one of: all, prefix, random, mixed' "$BIN/noise" --mask some a.rows
fails 'noise: the message about -m names --mask' 2 'noise: -m: is now --mask' "$BIN/noise" -m mixed a.rows

# --- several inputs, headers, counts ---

is 'noise: reads the rows of all files' "$(ids --no-shuffle b.rows b.rows | sort -u | wc -l)" 5
is 'noise: reads the rows of a file and of standard input' "$(ids --no-shuffle b.rows - <c.rows | wc -l)" 10
ok 'noise: the provenance lists the commands' sh -c "'$BIN/noise' -s 9 b.rows | '$BIN/pack' --info |
	grep -Eq '^provenance +tok .* [|] pack .* [|] noise [0-9.]+ -s 9 b.rows\$'"
is 'noise: the header stores the seed' "$("$BIN/noise" -s 9 b.rows | "$BIN/pack" --info | grep ^seed)" 'seed        9'
# b.rows has a b c d e f and [PAD] [CLS] [SEP], a.rows the rest as well.
is 'noise: stores counts of the ids that occur' "$("$BIN/noise" b.rows | "$BIN/pack" --info | grep ^counts)" \
	'counts of   9 ids'
is 'noise: --limit does not change the counts' \
	"$("$BIN/noise" --limit 1 b.rows | "$BIN/pack" --info | grep ^counts)" 'counts of   9 ids'
is 'noise: --counts counts other rows' \
	"$("$BIN/noise" --counts a.rows b.rows | "$BIN/pack" --info | grep ^counts)" 'counts of   13 ids'
"$BIN/noise" --limit 3 a.rows >a.noised
is 'noise: --counts counts noised rows' \
	"$("$BIN/noise" --counts a.noised b.rows | "$BIN/pack" --info | grep ^counts)" 'counts of   13 ids'
is 'noise: --counts reads rows from standard input' \
	"$("$BIN/noise" --counts - b.rows <a.rows | "$BIN/pack" --info | grep ^counts)" 'counts of   13 ids'
is 'noise: --counts reads rows from a pipe' \
	"$({ cat a.rows; } | "$BIN/noise" --counts /dev/stdin b.rows | "$BIN/pack" --info | grep ^counts)" 'counts of   13 ids'
mkfifo counts.fifo
cat a.rows >counts.fifo &
is 'noise: --counts reads rows from a FIFO' \
	"$(timeout 10 "$BIN/noise" --counts counts.fifo b.rows | "$BIN/pack" --info | grep ^counts)" 'counts of   13 ids'
"$BIN/pack" -q -T 20 a.rows -o no.rows 2>/dev/null
printf '{"story":"a b c"}\n' | "$BIN/tok" -q -w vocab >s.tok
printf '{"story":"a b c"}\n' | "$BIN/tok" -q -w other | "$BIN/pack" -q -T 13 >o.rows
"$BIN/pack" -q -T 14 s.tok >long.rows
is 'noise: --counts accepts rows of another length' \
	"$("$BIN/noise" --counts long.rows b.rows | "$BIN/pack" --info | grep ^counts)" 'counts of   6 ids'

# --- printed: numbers of the stream, places for --take ---

"$BIN/noise" -q --skip 10 --limit 3 a.rows >late.noised
is 'pack --noise: prints the number of each record in the stream' \
	"$("$BIN/pack" --noise late.noised | cut -d, -f1 | tr '\n' ' ')" 'record 10 11 12 '
is 'pack --noise: --take counts records from 0' \
	"$("$BIN/pack" --noise --take 1:2 late.noised | cut -d, -f1 | tr '\n' ' ')" 'record 11 '
is 'pack --noise: --take continues across files, each with its own record numbers' \
	"$(cat a.noised late.noised | "$BIN/pack" --noise --take 2:5 | cut -d, -f1 | tr '\n' ' ')" 'record 2 10 11 '
is 'pack --noise: --take continues across files that are operands' \
	"$("$BIN/pack" --noise --take 2:5 a.noised late.noised | cut -d, -f1 | tr '\n' ' ')" 'record 2 10 11 '

# --- what cannot be ---

fails 'noise: refuses stories' 1 's.tok: holds stream records, expected rows records' "$BIN/noise" s.tok
fails 'noise: refuses noised rows' 1 'a.noised: holds noised records' "$BIN/noise" a.noised
fails 'noise: refuses rows of two vocabularies' 1 'o.rows: does not fit the files before it: the vocabulary' \
	"$BIN/noise" a.rows o.rows
fails 'noise: refuses rows of two lengths' 1 'long.rows: does not fit .*: the row length differs: 14 \(expected 13\)' \
	"$BIN/noise" a.rows long.rows
fails 'noise: --counts refuses rows of another vocabulary' 1 'o.rows: does not fit the rows to be noised: the vocabulary' \
	"$BIN/noise" --counts o.rows a.rows
fails 'noise: --counts refuses stories' 1 's.tok: holds stream records' "$BIN/noise" --counts s.tok a.rows
"$BIN/pack" -q -T 13 --take :0 s.tok >empty.rows
fails 'noise: --counts refuses an empty shard' 1 'empty.rows: contains no rows' "$BIN/noise" --counts empty.rows b.rows
fails 'noise: refuses an empty shard' 1 'empty.rows: contains no rows' "$BIN/noise" empty.rows
fails 'noise: refuses an empty input' 1 'standard input: truncated at byte 0 \(block 0\)' "$BIN/noise" </dev/null
head -c 400 a.rows >cut.rows
cp b.rows kept
fails 'noise: refuses truncated rows' 1 'cut.rows: truncated at byte 400 \(block [01]\): no trailer' \
	"$BIN/noise" cut.rows -o kept
ok 'noise: truncated rows do not change an existing output' cmp b.rows kept
is 'noise: a failure leaves no temporary file' "$(find . -name '*.tmp')" ''
if [ -c /dev/full ]; then
	fails 'noise: reports a full disk' 1 'cannot write: No space left' "$BIN/noise" -e 100 a.rows -o /dev/full
fi

# --- pipes, files, terminals ---

"$BIN/noise" -e 20 a.rows -o x.noised
"$BIN/noise" -e 20 a.rows | cat >x.stored
"$BIN/noise" -e 20 -z 19 a.rows | cat >x.small
"$BIN/noise" -e 20 -z 0 a.rows -o x.plain
is 'noise: compresses files but not pipes by default' \
	"$(wc -c x.small x.noised x.stored x.plain | awk 'NR < 5 { n[NR] = $1 }
		END { print (n[1] < n[2]), (n[2] < n[3]), (n[4] - n[3] < 50) }')" '1 1 1'
for x in noised small plain; do
	"$BIN/pack" --ids x.$x >got
	"$BIN/pack" --ids x.stored >want
	ok "noise: the compression does not change the ids: $x" cmp got want
done
# A shell that was started with SIGPIPE ignored cannot change that.
(
	yes
	echo $? >status
) 2>/dev/null | head -n 1 >/dev/null
if [ "$(cat status)" = 141 ]; then
	(
		"$BIN/noise" -e 100000 a.rows 2>said
		echo $? >status
	) | head -c 10 >/dev/null
	is 'noise: ends quietly if its reader exits' "$(cat status said)" 141
else
	skip 'noise: ends quietly if its reader exits' 'SIGPIPE is ignored here'
fi
"$BIN/noise" -e 1000000 a.rows -o killed &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -n "$(find . -name '*.tmp')" ] && break
	sleep 0.1
done
find . -name '*.tmp' | wc -l >temporaries
kill $pid
wait $pid 2>/dev/null
is 'noise: SIGTERM ends it with status 143' $? 143
is 'noise: writes a temporary file first' "$(cat temporaries)" 1
is 'noise: a signal removes the temporary file' "$(find . -name 'killed*' -o -name '*.tmp')" ''
if command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1; then
	script -qec "'$BIN/noise' b.rows" /dev/null >said </dev/null
	ok 'noise: refuses to write records to a terminal' grep -q 'binary output to a terminal' said
	script -qec "'$BIN/noise' -f b.rows" /dev/null >said </dev/null
	ok 'noise: -f writes records to a terminal' grep -q CDCH said
else
	skip 'noise: refuses to write records to a terminal' 'no script(1)'
fi
"$BIN/noise" -v b.rows -o x 2>said
ok 'noise: -v prints time and memory' grep -q 'MiB peak' said
is 'noise: -q prints nothing' "$("$BIN/noise" -q b.rows 2>&1 >/dev/null)" ''
is 'noise: -V prints the version' "$("$BIN/noise" --version | cut -d ' ' -f 1,2)" 'noise (cdcd)'
done_testing
