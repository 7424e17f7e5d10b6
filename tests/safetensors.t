#!/bin/sh
# Exchange of files with other programs: they read files that the library writes, and the reverse.
. tests/lib.sh
safetensors=${BIN%/*}/tests/safetensors

[ -x "$safetensors" ] || skip_all "no $safetensors: make test builds it"

ok 'safetensors: writes a file' "$safetensors" write "$T/file"
n=$(od -An -tu8 -N8 "$T/file" | tr -d ' ')
is 'safetensors: od and head read the header' "$(tail -c +9 "$T/file" | head -c "$n" | cut -c 1-17)" '{"__metadata__":{'
is 'safetensors: od reads the data' "$(tail -c +$((n + 9)) "$T/file" | od -An -tf4 -N8 | tr -s ' ')" ' 1 -2.5'

# digits KEY: a checksum of the header
digits() {
	head -c $((n + 8)) "$T/file" | tail -c +9 | grep -Eo "\"$1\":\"[0-9a-f]{16}\"" | cut -d'"' -f4
}

if command -v xxhsum >/dev/null; then
	is 'safetensors: xxhsum computes the same xxh64' "$(tail -c +$((n + 9)) "$T/file" | xxhsum -H1 - 2>/dev/null | cut -c 1-16)" \
		"$(digits xxh64)"
	is 'safetensors: xxhsum computes the same header_xxh64' "$(head -c $((n + 8)) "$T/file" |
		LC_ALL=C sed "s/\"header_xxh64\":\"$(digits header_xxh64)\"/\"header_xxh64\":\"0000000000000000\"/" |
		xxhsum -H1 - 2>/dev/null | cut -c 1-16)" "$(digits header_xxh64)"
else
	skip 'safetensors: xxhsum computes the same checksums' 'no xxhsum here'
fi

if command -v python3 >/dev/null; then
	cat >"$T/read.py" <<'END'
import json, struct, sys

data = open(sys.argv[1], "rb").read()
n, = struct.unpack("<Q", data[:8])
header = json.loads(data[8:8 + n].decode("utf-8"))
body = data[8 + n:]
meta = header.pop("__metadata__")
assert all(isinstance(v, str) for v in meta.values())
assert meta["format_version"] == "1" and meta["note"] == 'a "quoted" caf\u00e9\n\\ /'
sizes = {"F32": (4, "f"), "F64": (8, "d"), "I64": (8, "q"), "U8": (1, "B")}
at = 0
for name, t in header.items():
    size, letter = sizes[t["dtype"]]
    count = 1
    for dim in t["shape"]:
        count *= dim
    begin, end = t["data_offsets"]
    assert begin == at and end - begin == count * size
    at = end
    print(name, t["dtype"], *t["shape"], "=", *struct.unpack("<%d%s" % (count, letter), body[begin:end]))
assert at == len(body) and (8 + n) % 64 == 0
END
	is 'safetensors: Python reads a file' "$(python3 "$T/read.py" "$T/file")" \
		'w F32 2 3 = 1.0 -2.5 3.0000000095132306e-30 inf -0.0 7.0
odd U8 3 = 32 0 255
empty I64 0 9 =
scalar F64 = 0.1'
	cat >"$T/write.py" <<'END'
import json, struct, sys

header = {"b": {"dtype": "F32", "shape": [1, 1], "data_offsets": [4, 8]},
          "a \u00e9": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
          "__metadata__": {"format": "pt"}}
text = json.dumps(header, indent=1).encode() + b" " * 5
open(sys.argv[1], "wb").write(struct.pack("<Q", len(text)) + text + struct.pack("<2Hf", 1, 2, 0.25))
END
	python3 "$T/write.py" "$T/other"
	is 'safetensors: reads a file that Python wrote' "$("$safetensors" list "$T/other")" \
		"$(printf 'a \303\251 BF16 2\nb F32 1 1 = 0.25')"
else
	skip 'safetensors: Python reads and writes a file' 'no python3 here'
fi

if python3 -c 'import safetensors.numpy' 2>/dev/null; then
	cat >"$T/module.py" <<'END'
import sys
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

tensors = load_file(sys.argv[1])
with safe_open(sys.argv[1], "numpy") as f:
    assert f.metadata()["format_version"] == "1"
print(tensors["w"][0, 1], tensors["odd"][2], tensors["scalar"][()], tensors["empty"].shape)
save_file({"x": tensors["w"][:1, :1].copy()}, sys.argv[2])
END
	is 'safetensors: the Python module safetensors reads a file' "$(python3 "$T/module.py" "$T/file" "$T/module")" \
		'-2.5 255 0.1 (0, 9)'
	is 'safetensors: reads a file that the Python module safetensors wrote' "$("$safetensors" list "$T/module")" 'x F32 1 1 = 1'
else
	skip 'safetensors: the Python module safetensors reads and writes a file' 'not here'
fi

head -c 200 "$T/file" >"$T/cut"
fails 'safetensors: refuses a truncated file' 1 'cut: truncated at byte 200' "$safetensors" list "$T/cut"
done_testing
