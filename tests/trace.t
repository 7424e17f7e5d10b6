#!/bin/sh
# denoise --trace: what it writes, that it changes no row, and what it refuses; the file of the rows.
# shellcheck disable=SC2016 # awk programs
. tests/lib.sh

PATH=$BIN:$PATH
model=tests/fixtures/0.1/model.safetensors vocab=tests/fixtures/0.1/vocab.txt
length=$(denoise -m $model --info | sed -n 's/^model.row_len: //p')

# d OPTIONS...: five rows in batches of two, in six steps
d() {
	denoise -q -m $model -n 5 -B 2 --steps 6 "$@"
}

# ids FILE: the ids of the records, a line for each
ids() {
	pack --ids "$1"
}

# --- no change of the rows ---

for options in '-j 1' '-j 2' '-j 3' '-a heun' '-a 2m' '-a ancestral --temperature 0.9' '--tau 0.5'; do
	# shellcheck disable=SC2086
	{
		d $options -o "$T/plain.rows"
		d $options -o "$T/traced.rows" --trace "$T/trace.csv"
	}
	zstd -dcq "$T/plain.rows" >"$T/plain"
	zstd -dcq "$T/traced.rows" >"$T/traced"
	ok "denoise: --trace does not change the rows of $options" cmp "$T/plain" "$T/traced"
done

# --- contents ---

d -o "$T/rows" --trace "$T/trace.csv"
is 'denoise: --trace writes the documented columns' "$(head -n 1 "$T/trace.csv")" step,t,row,position,id,probability
is 'denoise: --trace writes a line for each row, prediction and position' \
	"$(tail -n +2 "$T/trace.csv" | wc -l)" $((5 * 7 * length))
is 'denoise: --trace writes rows that are computed together step by step, in the order of their positions' \
	"$(tail -n +2 "$T/trace.csv" | cut -d, -f1,3,4)" \
	"$(awk -v T="$length" 'BEGIN {
		for (b = 0; b < 5; b += 2)
			for (s = 0; s < 7; s++)
				for (r = b; r < b + 2 && r < 5; r++)
					for (p = 0; p < T; p++) print s "," r "," p }')"
awk -F, '$1 == 6 { printf "%s%s", $5, $4 + 1 == T ? "\n" : " " }' T="$length" "$T/trace.csv" >"$T/last"
ids "$T/rows" >"$T/written"
ok 'denoise: the ids of the last step of --trace are those of the rows' cmp "$T/last" "$T/written"
ok 'denoise: the probabilities of --trace are in (0, 1], and differ' awk -F, '
	NR > 1 && !($6 > 0 && $6 <= 1) { bad++ }
	NR > 1 && !seen[$6]++ { n++ }
	END { exit bad || n < 20 }' "$T/trace.csv"
is 'denoise: the first level of --trace is that of the pure noise' \
	"$(awk -F, '$1 == 0 && NR > 1 { print $2 + 0 }' "$T/trace.csv" | sort -u)" \
	"$(denoise -m $model --info | sed -n 's/^schedule: .* to //p')"
ok 'denoise: the levels of --trace fall from step to step' awk -F, '
	NR > 1 && $3 == 0 && $4 == 0 { if (n++ && $2 >= last) bad++; last = $2 }
	END { exit bad || n != 7 }' "$T/trace.csv"
d -o "$T/rows" --trace - >"$T/piped.csv"
ok 'denoise: --trace - writes the same bytes to standard output' cmp "$T/trace.csv" "$T/piped.csv"
d -o "$T/rows" --tau 0.1 --trace "$T/tau.csv"
is 'denoise: the probabilities of the first step of --trace do not depend on --tau' \
	"$(grep '^0,' "$T/tau.csv")" "$(grep '^0,' "$T/trace.csv")"

# --- given tokens, and rows with noise ---

echo 'once upon a time' | tok -q --text --no-special -w $vocab -o "$T/prompt.tok"
given=$(ids "$T/prompt.tok" | wc -w)
denoise -q -m $model --prefix --steps 6 -o "$T/rows" --trace "$T/prefix.csv" "$T/prompt.tok"
is 'denoise: --trace writes no probability for the given tokens, and one for all others' \
	"$(awk -F, 'NR > 1 && $6 == "" { print $4 }' "$T/prefix.csv" | sort -n | uniq -c | xargs)" \
	"$(i=0 && while [ $i -lt "$given" ]; do echo "7 $i" && i=$((i + 1)); done | xargs)"
is 'denoise: --trace writes the ids of the given tokens in every step' \
	"$(awk -F, 'NR > 1 && $6 == "" { print $5 }' "$T/prefix.csv" | xargs -n "$given" | sort -u)" \
	"$(ids "$T/prompt.tok")"
noise -q -t 1.5 -s 1 tests/fixtures/0.1/stories.rows | denoise -q -m $model --steps 2 -o "$T/rows" --trace "$T/noised.csv"
is 'denoise: --trace begins at the level of a noised row' "$(sed -n 2p "$T/noised.csv" | cut -d, -f1,2)" 0,1.5

# --- refusals and failures ---

fails 'denoise: refuses --trace - without -o' 2 '^denoise: --trace: standard output is already used for the rows' \
	d --trace -
fails 'denoise: refuses --trace - and --profile -' 2 'profile: standard output is already used for the trace' \
	d -o "$T/x.rows" --trace - --profile -
fails 'denoise: refuses one file for the rows and the trace' 2 'output of two options' d -o "$T/x" --trace "$T/x"
fails 'denoise: refuses to overwrite the model with a trace' 2 'input and output' d -o "$T/x" --trace $model
fails 'denoise: --loss refuses --trace' 2 'trace does not go with --loss' \
	denoise -q -m $model --loss --trace "$T/x" tests/fixtures/0.1/valid.noised
fails 'denoise: --info refuses --trace' 2 'trace does not go with --info' denoise -m $model --info --trace "$T/x"
fails 'denoise: reports a trace in a directory that does not exist' 1 'nowhere/x.csv: ' \
	d -o "$T/x.rows" --trace "$T/nowhere/x.csv"
ok 'denoise: writes no rows if the trace cannot be created' test ! -e "$T/x.rows"
fails 'denoise: reports a full disk for the trace' 1 '/dev/full: .*No space' d -o "$T/x.rows" --trace /dev/full
ok 'denoise: writes no rows if the trace cannot be written' test ! -e "$T/x.rows"

# --- the file of the rows ---

# stored OPTIONS...: writes 200 rows to a pipe, and prints the number of bytes
stored() {
	d -n 200 --steps 1 -B 100 "$@" | cat >"$T/piped.rows"
	wc -c <"$T/piped.rows"
}
d -n 200 --steps 1 -B 100 -o "$T/named.rows"
d -n 200 --steps 1 -B 100 >"$T/redirected.rows"
half=$(($(wc -c <"$T/named.rows") * 3 / 2))
ok 'denoise: > FILE compresses the rows, as -o FILE does' [ "$(wc -c <"$T/redirected.rows")" -lt $half ]
ok 'denoise: does not compress the rows on a pipe' [ "$(stored)" -gt $half ]
ok 'denoise: does not compress the rows that -o - writes to a pipe' [ "$(stored -o -)" -gt $half ]
is 'denoise: compressed and uncompressed rows are the same' "$(ids "$T/piped.rows" | cksum)" "$(ids "$T/redirected.rows" | cksum)"

mkdir "$T/stopped"
denoise -q -m $model -n 1000000 -o "$T/stopped/x.rows" --trace "$T/stopped/x.csv" &
await sh -c "[ \$(find '$T/stopped' -name '*.tmp' | wc -l) -eq 2 ]"
found=$?
kill $!
wait $! 2>"$T/err"
is 'denoise: SIGTERM removes the unfinished rows and the unfinished trace' \
	"$found $(find "$T/stopped" -type f | wc -l)" '0 0'

done_testing
