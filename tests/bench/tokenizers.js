// tokenizers.js VOCABULARY FILE: what "tok -z 0 | zstd -d" writes, by Hugging Face tokenizers, the npm
// package: the ids of JSON lines, little-endian, 2 or 4 bytes each. For tests/bench/tok.
const fs = require('fs');
const path = require('path');
const t = require('tokenizers');

if (process.argv[2] === '--version') {
	const main = require.resolve('tokenizers');

	console.log(JSON.parse(fs.readFileSync(path.join(path.dirname(main), 'package.json'))).version);
	process.exit(0);
}

const BATCH = 1000;
const tokens = fs.readFileSync(process.argv[2], 'utf8').replace(/\n$/, '').split('\n');
const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
const tokenizer = new t.Tokenizer(t.WordPiece.init(vocab,
	{unkToken: '[UNK]', continuingSubwordPrefix: '##', maxInputCharsPerWord: 100}));
tokenizer.setNormalizer(t.bertNormalizer({cleanText: true, handleChineseChars: true, lowercase: true}));
tokenizer.setPreTokenizer(t.bertPreTokenizer());
tokenizer.setPostProcessor(t.bertProcessing(['[SEP]', vocab['[SEP]']], ['[CLS]', vocab['[CLS]']]));
tokenizer.addSpecialTokens(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']);

(async () => {
	const lines = fs.readFileSync(process.argv[3], 'utf8').split('\n').filter(line => line);
	const ids = tokens.length <= 65536 ? Uint16Array : Uint32Array;

	for (let i = 0; i < lines.length; i += BATCH) {
		const stories = lines.slice(i, i + BATCH).map(line => JSON.parse(line).story);

		for (const encoding of await tokenizer.encodeBatch(stories))
			fs.writeSync(1, Buffer.from(ids.from(encoding.getIds()).buffer));
	}
})();
