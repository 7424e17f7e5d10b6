/* tok - stories to token ids and back; and a vocabulary out of stories. */

#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/shard.h"
#include "formats/story.h"
#include "ground/io.h"
#include "ground/mem.h"
#include "ground/ordered.h"
#include "progress.h"
#include "text/detokenize.h"
#include "text/learn.h"
#include "text/vocab.h"
#include "text/wordpiece.h"

enum { JOBS_A_THREAD = 3, LEARN_ALPHABET = 1000, LEARN_MIN_COUNT = 2 };

static const char *vocab_path, *field, *output;
static bool decode, lines, text, no_special, pad, left, cased, literal, keep_special, no_cleanup,
    threads_seen, skip_bad, json;
static int64_t truncate_to, threads = 1, level = SHARD_AUTO, learn;

static const struct option_entry options[] = {
    {'w', "vocab", OPTION_STRING, &vocab_path, "FILE", "the vocabulary: a token a line", 0, 0, 0,
        0},
    {'d', "decode", OPTION_FLAG, &decode, NULL, "ids to text, a record a line", 0, 0, 0, 0},
    {0, "learn", OPTION_INT, &learn, "N", "print a vocabulary of N tokens learnt from the input", 0,
        1 << 24, 0, 0},
    {0, "field", OPTION_STRING, &field, "NAME", "of the JSON objects; else story, or text", 0, 0, 0,
        0},
    {0, "lines", OPTION_FLAG, &lines, NULL, "the input is plain text, a document a line", 0, 0, 0,
        0},
    {0, "text", OPTION_FLAG, &text, NULL,
        "the input is plain text, " STORY_MARK " after each document", 0, 0, 0, 0},
    {0, "skip-bad", OPTION_FLAG, &skip_bad, NULL, "count lines that are no documents; go on", 0, 0,
        0, 0},
    {'T', "truncate", OPTION_INT, &truncate_to, "N", "ids a record at most; 0: any number", 0,
        1 << 30, 0, 0},
    {0, "pad", OPTION_FLAG, &pad, NULL, "with [PAD] up to -T", 0, 0, 0, 0},
    {0, "left", OPTION_FLAG, &left, NULL, "cut and pad on the left", 0, 0, 0, 0},
    {0, "no-special", OPTION_FLAG, &no_special, NULL, "no [CLS] before and no [SEP] behind", 0, 0,
        0, 0},
    {0, "literal-special", OPTION_FLAG, &literal, NULL, "[SEP] and the like in a text are text", 0,
        0, 0, 0},
    {0, "cased", OPTION_FLAG, &cased, NULL, "keep case and accents", 0, 0, 0, 0},
    {0, "keep-special", OPTION_FLAG, &keep_special, NULL, "with -d: show special tokens", 0, 0, 0,
        0},
    {0, "no-cleanup", OPTION_FLAG, &no_cleanup, NULL,
        "with -d: spaces stay, before punctuation too", 0, 0, 0, 0},
    {0, "json", OPTION_FLAG, &json, NULL, "print JSON lines: ids, tokens, offsets; with -d stories",
        0, 0, 0, 0},
    {'j', "threads", OPTION_INT, &threads, "N", "threads", 1, 1024, 0, &threads_seen},
    {'o', "output", OPTION_STRING, &output, "FILE", "write there, and not to standard output", 0, 0,
        0, 0},
    {'z', "compress", OPTION_INT, &level, "LEVEL",
        "1 to 19; 0: stored; -1: 3 into files, 0 into pipes", -1, 19, 0, 0},
    CLI_FORCE("write to a terminal"),
    CLI_QUIET,
    CLI_VERBOSE,
};

static const struct cli cli = {"tok", "-w FILE [-d] [option ...] [FILE ...] | --learn N [FILE ...]",
    "turn stories into token ids, ids into text, or stories into a vocabulary", options,
    CLI_COUNT(options), 0, -1};

static enum story_form form(void)
{
	return text ? STORY_TEXT : lines ? STORY_LINES : STORY_JSON;
}

/* What --skip-bad passed over. */
static void tell_bad(uint64_t bad, uint64_t good, const struct err *first)
{
	if (bad > 0)
		warn("passed over %" PRIu64 " bad lines of %" PRIu64 "; the first: %s", bad,
		    bad + good, first->msg);
}

/* --- the vocabulary --- */

static struct vocab *open_vocab(void)
{
	struct err e;
	struct vocab *v;
	char defect[128];

	if (!vocab_path)
		die_usage("a vocabulary is needed: -w FILE");
	v = vocab_open(vocab_path, &e);
	if (!v)
		die(&e);
	for (int i = 0; i < VOCAB_DEFECTS; i++)
		if (vocab_defect(v, i, defect, sizeof defect))
			note("%s: %s", vocab_path, defect);
	return v;
}

/* --- encoding: jobs, each a block of the input --- */

/* What all jobs share. */
struct encoding {
	const struct vocab *vocab;
	struct wordpiece *wordpiece;
	struct wordpiece_frame frame;
};

struct job {
	const struct encoding *encoding;
	struct story_parser *parser;
	struct wordpiece_encoder *encoder;
	const char *name; /* of the input */
	char *data;
	size_t data_cap;
	struct story_block block;
	struct wordpiece_ids ids; /* of all records */
	struct wordpiece_spans
	    spans;              /* --json: of all records, special tokens and padding left out */
	size_t *end, *span_end; /* of each record in ids and spans */
	size_t n, end_cap, span_end_cap;
	uint64_t bad;
	struct err first_bad, e;
	bool failed;
};

static int encode_story(struct job *job, const struct story *story)
{
	const struct encoding *g = job->encoding;
	size_t begin = job->ids.n, first = job->spans.n;

	if (mem_grow(&job->end, &job->end_cap, job->n + 1, sizeof *job->end, &job->e) ||
	    mem_grow(
	        &job->span_end, &job->span_end_cap, job->n + 1, sizeof *job->span_end, &job->e))
		return -1;
	if (wordpiece_encode(job->encoder, story->text, story->n, &job->ids, &job->e) ||
	    (json && wordpiece_trace(g->wordpiece, story->text, story->n, &job->spans, &job->e)))
		return err_prefix(&job->e, "%s: line %" PRIu64, job->name, story->line);
	wordpiece_frame_spans(&g->frame, &job->spans, first);
	job->span_end[job->n] = job->spans.n;
	if (wordpiece_frame(&g->frame, g->vocab, &job->ids, begin, &job->e))
		return -1;
	job->end[job->n++] = job->ids.n;
	return 0;
}

static void encode_block(void *arg)
{
	struct job *job = arg;
	struct story story;
	enum story_result result;

	job->n = job->ids.n = job->spans.n = 0;
	job->bad = 0;
	story_start(job->parser, job->name, &job->block);
	while ((result = story_next(job->parser, &story, &job->e)) != STORY_END) {
		if (result == STORY_BAD && skip_bad) {
			if (job->bad++ == 0)
				job->first_bad = job->e;
			continue;
		}
		job->failed = result != STORY_OK || encode_story(job, &story);
		if (job->failed)
			return;
	}
}

static void job_release(struct job *job)
{
	story_parser_free(job->parser);
	wordpiece_encoder_free(job->encoder);
	free(job->data);
	free(job->ids.id);
	free(job->spans.span);
	free(job->end);
	free(job->span_end);
}

static int job_init(struct job *job, const struct encoding *g, struct err *e)
{
	job->encoding = g;
	job->parser = story_parser_new(form(), field, e);
	job->encoder = wordpiece_encoder_new(g->wordpiece, e);
	return job->parser && job->encoder ? 0 : -1;
}

/* --- where the records go --- */

struct sink {
	const struct vocab *vocab;
	struct shard_writer *shard; /* or, with --json: */
	struct output out;
	uint64_t records, bytes, bad;
	struct err first_bad;
	struct progress progress;
};

static struct shard_header header(const struct vocab *v, int argc, char **argv)
{
	struct shard_header h = {.kind = SHARD_STREAM,
	    .id_bytes = v->size <= 65536 ? 2 : 4,
	    .vocab_size = v->size,
	    .vocab_hash = v->hash,
	    .special = {v->special[VOCAB_PAD], v->special[VOCAB_UNK], v->special[VOCAB_CLS],
	        v->special[VOCAB_SEP], v->special[VOCAB_MASK]}};

	cli_provenance(h.provenance, sizeof h.provenance, argc, argv);
	return h;
}

static int sink_open(struct sink *s, const struct vocab *v, int argc, char **argv, struct err *e)
{
	struct shard_header h = header(v, argc, argv);

	s->vocab = v;
	progress_start(&s->progress);
	if (json) {
		if (output_open(&s->out, output, e))
			return -1;
		cli_unlink_on_signal(s->out.temporary);
		return 0;
	}
	cli_refuse_terminal(output);
	s->shard = shard_create(output, &h, NULL, (int)level, e);
	if (!s->shard)
		return -1;
	cli_unlink_on_signal(shard_temporary(s->shard));
	return 0;
}

/* {"ids":[...],"tokens":[...],"offsets":[[begin,end],...]}: bytes of the document's text. */
static int show(struct sink *s, const uint32_t *id, size_t n, const struct wordpiece_span *span,
    size_t n_spans, struct err *e)
{
	size_t edge = no_special ? 0 : 1, lead = edge;
	struct output *out = &s->out;

	if (left && pad && n_spans + 2 * edge < n)
		lead += n - n_spans - 2 * edge;
	if (output_printf(out, e, "{\"ids\":["))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (output_printf(out, e, "%s%" PRIu32, i ? "," : "", id[i]))
			return -1;
	if (output_printf(out, e, "],\"tokens\":["))
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t length;
		const char *token = vocab_token(s->vocab, id[i], &length);

		if ((i && output_write(out, ",", 1, e)) || story_put_string(out, token, length, e))
			return -1;
	}
	if (output_printf(out, e, "],\"offsets\":["))
		return -1;
	for (size_t i = 0; i < n; i++) {
		bool shown = i >= lead && i - lead < n_spans && i + edge < n;

		if (output_printf(out, e, "%s[%zu,%zu]", i ? "," : "",
		        shown ? span[i - lead].begin : 0, shown ? span[i - lead].end : 0))
			return -1;
	}
	return output_printf(out, e, "]}\n");
}

static int put_record(struct sink *s, const struct job *job, size_t i, struct err *e)
{
	size_t begin = i ? job->end[i - 1] : 0, first = i ? job->span_end[i - 1] : 0;
	struct shard_record record = {
	    .ids = job->ids.id + begin, .n = (uint32_t)(job->end[i] - begin)};

	if (json)
		return show(
		    s, record.ids, record.n, job->spans.span + first, job->span_end[i] - first, e);
	return shard_write(s->shard, &record, e);
}

/* Hand on what is there when the rest cannot be; the missing trailer tells the reader. */
static void give_up(struct sink *s, const struct err *why)
{
	struct err e;

	if (json)
		output_flush(&s->out, &e);
	else
		shard_flush(s->shard, &e);
	if (json)
		output_abort(&s->out);
	else
		shard_abort(s->shard);
	progress_end(&s->progress);
	die(why);
}

static void collect(struct sink *s, const struct job *job)
{
	struct err e;

	for (size_t i = 0; i < job->n; i++)
		if (put_record(s, job, i, &e))
			give_up(s, &e);
	if (job->failed)
		give_up(s, &job->e);
	s->records += job->n;
	s->bytes += job->block.n;
	if (job->bad > 0 && s->bad == 0)
		s->first_bad = job->first_bad;
	s->bad += job->bad;
	if (progress_due(&s->progress))
		progress_show(&s->progress, "%" PRIu64 " documents, %.0f MB, %.0f MB/s", s->records,
		    (double)s->bytes / 1e6,
		    (double)s->bytes / 1e6 / progress_seconds(&s->progress));
}

/* Jobs for one input, until it ends. */
static void encode_input(struct ordered *o, struct sink *s, struct input *in)
{
	uint64_t line = 1;

	for (;;) {
		struct job *job;
		struct err e;
		int more;

		while (!(job = ordered_free(o))) {
			collect(s, ordered_oldest(o));
			ordered_release(o);
		}
		more = story_block(in, form(), &line, &job->block, &e);
		if (more == 0)
			return;
		if (more > 0 && threads > 1 &&
		    mem_grow(&job->data, &job->data_cap, job->block.n, 1, &e))
			more = -1;
		if (more < 0) {
			while ((job = ordered_oldest(o))) {
				collect(s, job);
				ordered_release(o);
			}
			give_up(s, &e);
		}
		/* Alone, the work is done before the buffer is used again. */
		if (threads > 1)
			job->block.data = memcpy(job->data, job->block.data, job->block.n);
		job->name = in->name;
		ordered_submit(o);
	}
}

static void encode_inputs(struct ordered *o, struct sink *s, int n, char **paths)
{
	for (int i = 0; i < (n > 0 ? n : 1); i++) {
		struct input in;
		struct err e;
		struct job *job;

		if (input_open(&in, n > 0 ? paths[i] : NULL, &e))
			give_up(s, &e);
		encode_input(o, s, &in);
		while ((job = ordered_oldest(o))) {
			collect(s, job);
			ordered_release(o);
		}
		input_close(&in);
	}
}

static int sink_commit(struct sink *s, struct err *e)
{
	return json ? output_commit(&s->out, e) : shard_commit(s->shard, e);
}

static void encode(struct encoding *g, struct sink *s, int n, char **paths)
{
	size_t n_jobs = threads > 1 ? (size_t)threads * JOBS_A_THREAD : 1;
	struct err e;
	struct job *jobs = mem_array(n_jobs, sizeof *jobs, &e);
	void **slots = mem_array(n_jobs, sizeof *slots, &e);
	struct ordered *o;

	if (!jobs || !slots)
		die(&e);
	for (size_t i = 0; i < n_jobs; i++) {
		slots[i] = &jobs[i];
		if (job_init(&jobs[i], g, &e))
			die(&e);
	}
	o = ordered_new((int)threads, slots, n_jobs, encode_block, &e);
	if (!o)
		die(&e);
	encode_inputs(o, s, n, paths);
	ordered_end(o);
	for (size_t i = 0; i < n_jobs; i++)
		job_release(&jobs[i]);
	free(jobs);
	free(slots);
}

static void run_encode(int argc, char **argv, int first)
{
	const struct wordpiece_options o = {.cased = cased, .literal = literal};
	struct vocab *vocab = open_vocab();
	struct encoding g = {.vocab = vocab,
	    .frame = {.bare = no_special, .limit = (size_t)truncate_to, .pad = pad, .left = left}};
	struct sink s = {0};
	struct err e;

	if (wordpiece_frame_check(&g.frame, vocab, &e))
		die(&e);
	g.wordpiece = wordpiece_new(vocab, &o, &e);
	if (!g.wordpiece || sink_open(&s, vocab, argc, argv, &e))
		die(&e);
	encode(&g, &s, argc - first, argv + first);
	progress_end(&s.progress);
	if (sink_commit(&s, &e))
		die(&e);
	cli_unlink_on_signal(NULL);
	tell_bad(s.bad, s.records, &s.first_bad);
	wordpiece_free(g.wordpiece);
	vocab_free(vocab);
}

/* --- decoding --- */

struct decoding {
	struct vocab *vocab;
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

static int decode_shard(struct decoding *d, const char *path, struct err *e)
{
	struct shard_reader *r = shard_open(path, e);
	struct shard_record record;
	int more;

	if (!r)
		return -1;
	if (shard_header(r)->vocab_hash != d->vocab->hash ||
	    shard_header(r)->vocab_size != d->vocab->size) {
		err_set(e,
		    "%s: made with another vocabulary than %s: %" PRIu32 " tokens, hash %016" PRIx64
		    ", and not %" PRIu32 ", %016" PRIx64,
		    shard_name(r), vocab_path, shard_header(r)->vocab_size,
		    shard_header(r)->vocab_hash, d->vocab->size, d->vocab->hash);
		shard_close(r);
		return -1;
	}
	while ((more = shard_read(r, &record, e)) > 0)
		if (decode_record(d, &record, e)) {
			more = -1;
			break;
		}
	shard_close(r);
	return more;
}

static void run_decode(int n, char **paths)
{
	struct decoding d = {.vocab = open_vocab()};
	struct err e, late;

	d.detokenizer = detokenizer_new(d.vocab, !no_cleanup, &e);
	if (!d.detokenizer || output_open(&d.out, output, &e))
		die(&e);
	cli_unlink_on_signal(d.out.temporary);
	for (int i = 0; i < (n > 0 ? n : 1); i++)
		if (decode_shard(&d, n > 0 ? paths[i] : NULL, &e)) {
			output_flush(&d.out, &late);
			output_abort(&d.out);
			die(&e);
		}
	if (output_commit(&d.out, &e))
		die(&e);
	cli_unlink_on_signal(NULL);
	free(d.line.text);
	detokenizer_free(d.detokenizer);
	vocab_free(d.vocab);
}

/* --- learning --- */

struct learning {
	struct learner *learner;
	struct story_parser *parser;
	uint64_t documents, bad;
	struct err first_bad;
};

static void learn_input(struct learning *l, const char *path)
{
	struct input in;
	struct story_block block;
	struct story story;
	struct err e;
	enum story_result result;
	uint64_t line = 1;
	int more;

	if (input_open(&in, path, &e))
		die(&e);
	while ((more = story_block(&in, form(), &line, &block, &e)) > 0) {
		story_start(l->parser, in.name, &block);
		while ((result = story_next(l->parser, &story, &e)) != STORY_END) {
			if (result == STORY_BAD && skip_bad) {
				if (l->bad++ == 0)
					l->first_bad = e;
				continue;
			}
			if (result != STORY_OK || learner_add(l->learner, story.text, story.n, &e))
				die(&e);
			l->documents++;
		}
	}
	if (more < 0)
		die(&e);
	input_close(&in);
}

static void run_learn(int n, char **paths)
{
	const struct learn_options o = {.cased = cased,
	    .size = (uint32_t)learn,
	    .alphabet = LEARN_ALPHABET,
	    .min_count = LEARN_MIN_COUNT};
	struct learned learned;
	struct output out;
	struct err e;
	struct learning l = {
	    .learner = learner_new(cased, &e), .parser = story_parser_new(form(), field, &e)};

	if (!l.learner || !l.parser)
		die(&e);
	for (int i = 0; i < (n > 0 ? n : 1); i++)
		learn_input(&l, n > 0 ? paths[i] : NULL);
	if (learner_finish(l.learner, &o, &learned, &e) || output_open(&out, output, &e))
		die(&e);
	cli_unlink_on_signal(out.temporary);
	if (output_write(&out, learned.text, learned.n, &e) || output_commit(&out, &e)) {
		output_abort(&out);
		die(&e);
	}
	cli_unlink_on_signal(NULL);
	tell_bad(l.bad, l.documents, &l.first_bad);
	if (learned.tokens < o.size || cli_verbose)
		note("%" PRIu32 " tokens from %zu different words", learned.tokens,
		    learner_words(l.learner));
	free(learned.text);
	story_parser_free(l.parser);
	learner_free(l.learner);
}

static void check_options(void)
{
	const char *mode = decode ? "-d" : "--learn";

	cli_refuse(lines && text, "--lines", "--text");
	cli_refuse(field && (lines || text), "--field", "--lines or --text");
	cli_refuse(skip_bad && (lines || text), "--skip-bad", "--lines or --text");
	cli_refuse(no_cleanup && !decode, "--no-cleanup", "encoding or --learn");
	cli_refuse(level != SHARD_AUTO && (json || decode || learn), "-z", "--json, -d or --learn");
	if (!decode && !learn) {
		cli_refuse(keep_special, "--keep-special", "encoding");
		cli_refuse(left && !truncate_to, "--left", "no -T");
		return;
	}
	cli_refuse(decode && learn, "-d", "--learn");
	cli_refuse(threads_seen, "-j", mode);
	cli_refuse(decode && (lines || text || field || skip_bad), "a form of the input", mode);
	cli_refuse(decode && cased, "--cased", mode);
	cli_refuse(learn && vocab_path, "-w", mode);
	cli_refuse(learn && json, "--json", mode);
	cli_refuse(learn && keep_special, "--keep-special", mode);
	cli_refuse(truncate_to || pad || left, "-T, --pad or --left", mode);
	cli_refuse(no_special, "--no-special", mode);
	cli_refuse(literal, "--literal-special", mode);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&cli, argc, argv);

	check_options();
	cli_refuse_clashes(&output, 1, &vocab_path, 1, argv + first);
	if (learn)
		run_learn(argc - first, argv + first);
	else if (decode)
		run_decode(argc - first, argv + first);
	else
		run_encode(argc, argv, first);
	return cli_finish();
}
