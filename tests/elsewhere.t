#!/bin/sh
# Under an emulator (tests/emulated): the tools write the same files as on this processor, the losses
# agree except for the order of fp32 sums, and a model trained on one processor generates the same
# stories on the other.
. tests/lib.sh

[ -n "${NATIVE:-}" ] || skip_all 'make test-arm and make test-plain compare with another processor'
NATIVE=$(cd "$NATIVE" && pwd)
make_path=$PATH

pipelines/stories generate -n 100 -s 1 >"$T/stories.jsonl"
story_vocab >"$T/vocab.txt"

# run FOLDER: run the whole pipeline there, with the tools in PATH
run() {
	mkdir "$1" && cd "$1" &&
		tok -q --learn 300 ../stories.jsonl >learnt.txt &&
		tok -q -w ../vocab.txt ../stories.jsonl >stories.tok &&
		pack -q -T 72 stories.tok >stories.rows &&
		noise -q -e 2 -s 1 --mask mixed stories.rows >stories.noised &&
		train -q -x tiny --layers 2 --width 32 --heads 2 --embed 16 -B 8 -n 6 -j 1 --precision fp32 \
			-l loss.csv -o model.st stories.noised >/dev/null
}

# tell MODEL: generate two stories with the tools in PATH
tell() {
	denoise -q -m "$1" -n 2 --steps 3 -s 3 -j 1 --precision fp32 | tok -q -d -w "$T/vocab.txt"
}

here=$NATIVE:$make_path there=$BIN:$make_path
(PATH=$here && run "$T/here")
(PATH=$there && run "$T/there")
for file in learnt.txt stories.tok stories.rows stories.noised; do
	ok "another processor: writes the same bytes of $file" cmp "$T/here/$file" "$T/there/$file"
done
# shellcheck disable=SC2016 # an awk program
ok 'train: another processor gives the same losses within 1e-4, and gradients within 1e-3' sh -c '
	paste -d, "$1/here/loss.csv" "$1/there/loss.csv" | awk -F, '\''
		function far(a, b, part) { return !(a > 0 && b > 0 && (a - b) ^ 2 < (a * part) ^ 2) }
		NR > 1 { n++; if (far($4, $12, 1e-4) || far($6, $14, 1e-3)) { print; bad = 1 } }
		END { exit bad || n != 6 }'\' sh "$T"
for model in here there; do
	(PATH=$here && tell "$T/$model/model.st") >"$T/$model.here"
	(PATH=$there && tell "$T/$model/model.st") >"$T/$model.there"
	ok "denoise: both processors generate the same stories with the model from $model" cmp "$T/$model.here" "$T/$model.there"
	ok 'denoise: both stories of the model are generated' test "$(wc -l <"$T/$model.there")" -eq 2
done

done_testing
