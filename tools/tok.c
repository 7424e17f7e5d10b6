/* tok - turn stories into token ids and back; learn a vocabulary from stories. */

#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "encode.h"
#include "formats/shard.h"
#include "formats/story.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/pool.h"
#include "text/detokenize.h"
#include "text/learn.h"
#include "text/vocab.h"
#include "text/wordpiece.h"
#include "vocab_carried.h"
#include "vocab_file.h"

enum { LEARN_ALPHABET = 1000, LEARN_MIN_COUNT = 2 };

/* Shares from which on a warning is printed: of unknown words, and of tokens with capital letters
 * where the text is converted to lower case. */
enum { UNKNOWN_PERCENT = 1, CAPITALS_PERCENT = 2 };

static const char *vocab_path, *field, *output;
static bool decode, lines, text, no_special, pad, left, cased, literal, keep_special, no_cleanup,
    skip_bad, json;
static int64_t threads = 1, level = SHARD_AUTO, learn;
static size_t truncate_to;

static const struct option_entry options[] = {
    {.letter = 'w',
        .name = "vocab",
        .type = OPTION_STRING,
        .value = &vocab_path,
        .arg = "FILE",
        .help = "vocabulary, one token per line; or a shard or checkpoint"},
    {.letter = 'd',
        .name = "decode",
        .type = OPTION_FLAG,
        .value = &decode,
        .help = "turn ids into text, one record per line"},
    {.name = "learn",
        .type = OPTION_INT,
        .value = &learn,
        .arg = "N",
        .help = "learn a vocabulary of N tokens from the input and print it",
        .min = 1,
        .max = 1 << 24},
    {.name = "field",
        .type = OPTION_STRING,
        .value = &field,
        .arg = "NAME",
        .help = "JSON member with the text [story, or else text]"},
    {.name = "lines",
        .type = OPTION_FLAG,
        .value = &lines,
        .help = "read plain text, one document per line"},
    {.name = "text",
        .type = OPTION_FLAG,
        .value = &text,
        .help = "read plain text with " STORY_MARK " after each document"},
    {.name = "skip-bad",
        .type = OPTION_FLAG,
        .value = &skip_bad,
        .help = "skip lines that hold no document, and count them"},
    {.name = "truncate",
        .type = OPTION_SIZE,
        .value = &truncate_to,
        .arg = "N",
        .help = "largest number of ids per record; 0: no limit",
        .max = 1 << 30},
    {.name = "pad",
        .type = OPTION_FLAG,
        .value = &pad,
        .help = "fill records with [PAD] up to --truncate"},
    {.name = "left",
        .type = OPTION_FLAG,
        .value = &left,
        .help = "truncate and pad at the left end"},
    {.name = "no-special",
        .type = OPTION_FLAG,
        .value = &no_special,
        .help = "add no [CLS] before and no [SEP] after a record"},
    {.name = "literal-special",
        .type = OPTION_FLAG,
        .value = &literal,
        .help = "treat [SEP] and other special tokens in a text as text"},
    {.name = "cased", .type = OPTION_FLAG, .value = &cased, .help = "keep case and accents"},
    {.name = "keep-special",
        .type = OPTION_FLAG,
        .value = &keep_special,
        .help = "with -d: show special tokens"},
    {.name = "no-cleanup",
        .type = OPTION_FLAG,
        .value = &no_cleanup,
        .help = "with -d: keep spaces before punctuation"},
    {.name = "json",
        .type = OPTION_FLAG,
        .value = &json,
        .help = "print JSON lines of ids and tokens; with -d: of stories"},
    CLI_THREADS(&threads),
    CLI_OUTPUT(&output, CLI_STANDARD_OUTPUT),
    CLI_COMPRESS(&level),
    CLI_FORCE_TERMINAL,
    CLI_QUIET,
    CLI_VERBOSE,
};

static const struct cli_removed removed[] = {
    {.letter = 'T', .use = "--truncate"},
};

static const struct cli cli = {
    .tool = "tok",
    .usage = "(-w FILE | -d | --learn N) [option ...] [FILE ...]",
    .summary = "Turn stories into token ids, ids into text, or learn a vocabulary from stories.",
    .options = options,
    .n_options = CLI_COUNT(options),
    .max_operands = -1,
    .removed = removed,
    .n_removed = CLI_COUNT(removed),
};

static enum story_form input_form(void)
{
	return text ? STORY_TEXT : lines ? STORY_LINES : STORY_JSON;
}

/* Report the lines that --skip-bad skipped. */
static void warn_of_bad_lines(uint64_t bad, uint64_t good, const struct err *first)
{
	if (bad > 0)
		warn("skipped %" PRIu64 " bad lines of %" PRIu64 "; the first: %s", bad, bad + good,
		    first->msg);
}

/* --- encoding --- */

/* The words in the form " (a, b, c ...)". */
static void list_unknown(const struct unknown_words *u, char *list, size_t room)
{
	size_t used = 0;

	*list = '\0';
	for (size_t i = 0; i < u->n; i++)
		used +=
		    (size_t)snprintf(list + used, room - used, "%s%s", i ? ", " : " (", u->word[i]);
	if (u->n > 0)
		snprintf(list + used, room - used, u->n == UNKNOWN_SHOWN ? " ...)" : ")");
}

static void report_encoded(const struct encoded *d, const struct vocab *v)
{
	char list[UNKNOWN_SHOWN * (UNKNOWN_ROOM + 2) + 8];
	double unknown = cli_percent(d->counts.unknown, d->counts.words);

	warn_of_bad_lines(d->bad, d->records, &d->first_bad);
	list_unknown(&d->unknown, list, sizeof list);
	if (unknown >= UNKNOWN_PERCENT)
		warn("%.3g %% of the words are not in the vocabulary %s, and became [UNK]%s",
		    unknown, vocab_path, list);
	note("%" PRIu64 " %s, %" PRIu64 " tokens, %.3g %% of %" PRIu64 " words unknown%s",
	    d->records, d->records == 1 ? "document" : "documents", d->ids, unknown,
	    d->counts.words, unknown >= UNKNOWN_PERCENT ? "" : list);
	if (d->counts.malformed > 0)
		warn("%" PRIu64
		     " bytes are not UTF-8, and were left out, the first in %s; if the text is in "
		     "Latin-1, convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE | tok ...",
		    d->counts.malformed, d->first_malformed.msg);
	if (!v->cased && vocab_capitals(v) >= CAPITALS_PERCENT * 0.01 * v->size)
		warn("%s: %" PRIu32 " tokens have capital letters, which occur only with --cased",
		    vocab_path, vocab_capitals(v));
}

static int run_encode(int n, char **paths, const char *provenance, struct err *e)
{
	struct vocab *vocab = vocab_file_open(vocab_path, cased, e);
	const struct encoding g = {.vocab = vocab,
	    .options = {.literal = literal},
	    .frame = {.bare = no_special, .limit = truncate_to, .pad = pad, .left = left},
	    .form = input_form(),
	    .field = field,
	    .skip_bad = skip_bad,
	    .json = json,
	    .threads = threads ? (int)threads : pool_cpus(),
	    .output = output,
	    .level = (int)level,
	    .provenance = provenance};
	struct encoded done;
	int failed = !vocab || encode(&g, n, paths, &done, e);

	if (!failed)
		report_encoded(&done, vocab);
	vocab_free(vocab);
	return failed ? -1 : 0;
}

/* --- decoding --- */

struct decoding {
	struct vocab *vocab; /* NULL: not yet known */
	char *vocab_name;    /* the file it is from */
	struct detokenizer *detokenizer;
	struct detokenized line;
	struct output out;
};

static int decode_record(struct decoding *d, const struct shard_record *record, struct err *e)
{
	struct detokenized *line = &d->line;

	line->n = 0;
	if (detokenize(d->detokenizer, record->ids, record->n, keep_special, line, e))
		return -1;
	if (!json)
		return output_write(&d->out, line->text, line->n, e) ||
		               output_write(&d->out, "\n", 1, e)
		           ? -1
		           : 0;
	return output_printf(&d->out, e, "{\"story\":") ||
	               story_put_string(&d->out, line->text, line->n, e) ||
	               output_write(&d->out, "}\n", 2, e)
	           ? -1
	           : 0;
}

/* Whether the shard has the tokens of the vocabulary; decoding does not depend on the casing. */
static int check_vocab(const struct decoding *d, const struct shard_reader *r, struct err *e)
{
	const struct shard_header *h = shard_header(r);

	for (int i = 0; i < 2; i++) {
		if (h->vocab_hash == d->vocab->hash && h->vocab_size == d->vocab->size)
			return 0;
		if (vocab_set_cased(d->vocab, !d->vocab->cased, e))
			return -1;
	}
	return err_set(e,
	    "%s: made with another vocabulary than %s: %" PRIu32 " tokens, hash %016" PRIx64
	    " (expected %" PRIu32 ", %016" PRIx64 ")",
	    shard_name(r), d->vocab_name, h->vocab_size, h->vocab_hash, d->vocab->size,
	    d->vocab->hash);
}

/* Use the vocabulary of --vocab or, without it, that of the first shard, which is open. */
static int prepare_vocab(struct decoding *d, const struct shard_reader *first, struct err *e)
{
	d->vocab = vocab_path ? vocab_file_open(vocab_path, false, e) : vocab_of_shard(first, e);
	if (!d->vocab)
		return -1;
	d->vocab_name = mem_copy_string(vocab_path ? vocab_path : shard_name(first), e);
	d->detokenizer = detokenizer_new(d->vocab, !no_cleanup, e);
	return d->vocab_name && d->detokenizer ? 0 : -1;
}

static int decode_shard(struct decoding *d, const char *path, struct err *e)
{
	struct shard_reader *r = shard_open(path, e);
	struct shard_record record;
	int more;

	if (!r)
		return -1;
	more = (!d->vocab && prepare_vocab(d, r, e)) || check_vocab(d, r, e) ? -1 : 0;
	if (!more)
		while ((more = shard_read(r, &record, e)) > 0)
			if (decode_record(d, &record, e)) {
				more = -1;
				break;
			}
	shard_close(r);
	return more;
}

/* After an error, what was decoded before it is written. */
static int decode_shards(struct decoding *d, int n, char **paths, struct err *e)
{
	struct err ignored;

	if (output_open(&d->out, output, e))
		return -1;
	cli_unlink_at_end(d->out.temporary);
	for (int i = 0; i < (n > 0 ? n : 1); i++)
		if (decode_shard(d, n > 0 ? paths[i] : NULL, e)) {
			output_flush(&d->out, &ignored);
			output_abort(&d->out);
			return -1;
		}
	return output_commit(&d->out, e);
}

static int run_decode(int n, char **paths, struct err *e)
{
	struct decoding d = {.vocab = NULL};
	int failed = vocab_path ? prepare_vocab(&d, NULL, e) : 0;

	failed = failed || decode_shards(&d, n, paths, e) ? -1 : 0;
	cli_unlink_nothing();
	free(d.line.text);
	free(d.vocab_name);
	detokenizer_free(d.detokenizer);
	vocab_free(d.vocab);
	return failed;
}

/* --- learning --- */

struct learning {
	struct learner *learner;
	struct story_parser *parser;
	uint64_t documents, bad;
	struct err first_bad;
};

static int learn_block(struct learning *l, struct err *e)
{
	struct story story;
	enum story_result result;

	while ((result = story_next(l->parser, &story, e)) != STORY_END) {
		if (result == STORY_BAD && skip_bad) {
			if (l->bad++ == 0)
				l->first_bad = *e;
			continue;
		}
		if (result != STORY_OK || learner_add(l->learner, story.text, story.n, e))
			return -1;
		l->documents++;
	}
	return 0;
}

static int learn_input(struct learning *l, const char *path, struct err *e)
{
	struct story_input in;
	struct story_block block;
	int more;

	if (story_open(&in, path, input_form(), e))
		return -1;
	if (in.doubt)
		warn("%s: %s", in.in.name, in.doubt);
	while ((more = story_block(&in, &block, e)) > 0) {
		story_start(l->parser, in.in.name, &block);
		if (learn_block(l, e)) {
			more = -1;
			break;
		}
	}
	story_close(&in);
	return more;
}

static int write_learned(const struct learned *learned, struct err *e)
{
	struct output out;

	if (output_open(&out, output, e))
		return -1;
	cli_unlink_at_end(out.temporary);
	if (output_write(&out, learned->text, learned->n, e)) {
		output_abort(&out);
		return -1;
	}
	return output_commit(&out, e);
}

static int learn_vocab(struct learning *l, int n, char **paths, struct err *e)
{
	const struct learn_options o = {.cased = cased,
	    .size = (uint32_t)learn,
	    .alphabet = LEARN_ALPHABET,
	    .min_count = LEARN_MIN_COUNT};
	struct learned learned;
	int failed;

	for (int i = 0; i < (n > 0 ? n : 1); i++)
		if (learn_input(l, n > 0 ? paths[i] : NULL, e))
			return -1;
	if (learner_finish(l->learner, &o, &learned, e))
		return -1;
	failed = write_learned(&learned, e);
	free(learned.text);
	if (failed)
		return -1;
	warn_of_bad_lines(l->bad, l->documents, &l->first_bad);
	if (learned.tokens < o.size || cli_verbose)
		note("%" PRIu32 " tokens from %zu different words", learned.tokens,
		    learner_words(l->learner));
	return 0;
}

static int run_learn(int n, char **paths, struct err *e)
{
	struct learning l = {0};
	int failed = -1;

	if ((l.learner = learner_new(cased, e)) &&
	    (l.parser = story_parser_new(input_form(), field, e)))
		failed = learn_vocab(&l, n, paths, e);
	cli_unlink_nothing();
	story_parser_free(l.parser);
	learner_free(l.learner);
	return failed;
}

/* --- main --- */

static void check_options(void)
{
	static const char *const not_encoding[] = {"keep-special", "no-cleanup", NULL};
	static const char *const not_decoding[] = {"learn", "threads", "compress", "lines", "text",
	    "field", "skip-bad", "cased", "truncate", "pad", "left", "no-special",
	    "literal-special", NULL};
	static const char *const not_learning[] = {"vocab", "threads", "compress", "json",
	    "keep-special", "no-cleanup", "truncate", "pad", "left", "no-special",
	    "literal-special", NULL};
	static const char *const only_json_lines[] = {"field", "skip-bad", NULL};

	if (decode)
		cli_refuse_given("--decode", not_decoding);
	else if (learn)
		cli_refuse_given("--learn", not_learning);
	else
		cli_refuse_given("encoding", not_encoding);
	cli_refuse(lines && text, "--lines", "--text");
	if (lines || text)
		cli_refuse_given("--lines or --text", only_json_lines);
	cli_refuse(json && cli_given("compress"), "--compress", "--json");
	if (left && !truncate_to)
		die_usage("--left: needs --truncate");
	cli_check_threads(threads);
	if (!decode && !learn && !vocab_path)
		die_usage("no vocabulary: name one with --vocab FILE");
}

int main(int argc, char **argv)
{
	char provenance[SHARD_PROVENANCE_MAX];
	int first = cli_parse(&cli, argc, argv), n = argc - first, failed;
	char **paths = argv + first;
	struct err e;

	check_options();
	cli_refuse_clashes(&output, 1, &vocab_path, 1, paths);
	if (!decode && !learn && !json)
		cli_refuse_terminal(output);
	cli_provenance(provenance, sizeof provenance, argc, argv);
	if (decode)
		failed = run_decode(n, paths, &e);
	else if (learn)
		failed = run_learn(n, paths, &e);
	else
		failed = run_encode(n, paths, provenance, &e);
	if (failed)
		die(&e);
	return cli_finish();
}
