#include "encode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "formats/shard.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/minmax.h"
#include "base/ordered.h"
#include "progress.h"
#include "text/unicode.h"

enum { JOBS_A_THREAD = 3, UNKNOWN_SEARCHED = 32 };

/* --- jobs, each a block of the input --- */

/* Where a record ends in the ids, spans and quoted words of a job. */
struct record_end {
	size_t ids, spans, quoted;
};

struct job {
	const struct encoding *encoding;
	const struct wordpiece *wordpiece; /* shared by all */
	struct story_parser *parser;
	struct wordpiece_encoder *encoder;
	const char *name; /* of the input */
	char *data;
	size_t data_cap;
	struct story_block block;
	struct wordpiece_ids ids; /* of all records */
	struct wordpiece_spans
	    spans;    /* --json: of all records, special tokens and padding left out */
	char *quoted; /* --json: the unknown words of all records, each as a JSON string and ',' */
	size_t n_quoted, quoted_cap;
	struct record_end *end; /* [n] of each record */
	size_t n, end_cap;
	uint64_t bad;
	struct err first_bad, e;
	struct wordpiece_counts counts;
	struct err first_malformed;
	unsigned searched; /* documents searched for unknown words */
	struct unknown_words unknown;
	bool failed;
};

static void add_unknown(struct unknown_words *u, const char *text, size_t n)
{
	char word[UNKNOWN_ROOM] = "";
	size_t length = min_size(n, UNKNOWN_ROOM - 1);

	/* A long word is cut between two characters. */
	while (length < n && length > 0 && (text[length] & 0xC0) == 0x80)
		length--;
	memcpy(word, text, length);
	for (size_t i = 0; i < u->n; i++)
		if (!strcmp(u->word[i], word))
			return;
	if (u->n < UNKNOWN_SHOWN)
		memcpy(u->word[u->n++], word, UNKNOWN_ROOM);
}

/* Find the unknown words of a document. */
static int search_unknown(struct job *job, const struct story *story)
{
	const struct vocab *v = job->encoding->vocab;
	struct wordpiece_spans spans = {0};
	int failed = wordpiece_trace(job->wordpiece, story->text, story->n, &spans, &job->e);

	for (size_t i = 0; i < spans.n && !failed; i++) {
		const struct wordpiece_span *s = &spans.span[i];

		if (s->id == v->special[VOCAB_UNK])
			add_unknown(&job->unknown, story->text + s->begin, s->end - s->begin);
	}
	free(spans.span);
	return failed;
}

/* Add the counts of the document that has just been encoded. */
static int count_document(struct job *job, const struct story *story)
{
	struct wordpiece_counts c = wordpiece_take_counts(job->encoder);

	if (c.malformed > 0 && job->counts.malformed == 0)
		err_set(&job->first_malformed, "%s: %s %" PRIu64, job->name,
		    job->block.elements ? "element" : "line", story->line);
	job->counts.words += c.words;
	job->counts.unknown += c.unknown;
	job->counts.malformed += c.malformed;
	/* Searching is slow: only the documents at the beginning are searched. */
	if (c.unknown == 0 || job->block.line > 1 || job->searched == UNKNOWN_SEARCHED)
		return 0;
	job->searched++;
	return search_unknown(job, story);
}

/* Append a word as a JSON string. Its bytes that are not UTF-8, or control characters, are not part
 * of the word and left out. */
static int quote_word(struct job *job, const char *word, size_t n)
{
	char *to;

	if (mem_grow(&job->quoted, &job->quoted_cap, job->n_quoted + 2 * n + 3, 1, &job->e))
		return -1;
	to = job->quoted + job->n_quoted;
	*to++ = '"';
	while (n > 0) {
		size_t valid = unicode_valid((const unsigned char *)word, n);
		size_t used = min_size(valid + 1, n);

		for (size_t i = 0; i < valid; i++) {
			if (word[i] == '"' || word[i] == '\\')
				*to++ = '\\';
			if ((unsigned char)word[i] >= ' ')
				*to++ = word[i];
		}
		word += used;
		n -= used;
	}
	*to++ = '"';
	*to++ = ',';
	job->n_quoted = (size_t)(to - job->quoted);
	return 0;
}

/* For --json: find the tokens of the document with their positions. */
static int trace_story(struct job *job, const struct story *story)
{
	const struct encoding *g = job->encoding;
	size_t first = job->spans.n;

	if (wordpiece_trace(job->wordpiece, story->text, story->n, &job->spans, &job->e))
		return -1;
	wordpiece_frame_spans(&g->frame, &job->spans, first);
	for (size_t i = first; i < job->spans.n; i++) {
		const struct wordpiece_span *s = &job->spans.span[i];

		if (s->id == g->vocab->special[VOCAB_UNK] &&
		    quote_word(job, story->text + s->begin, s->end - s->begin))
			return -1;
	}
	return 0;
}

static int encode_story(struct job *job, const struct story *story)
{
	const struct encoding *g = job->encoding;
	size_t begin = job->ids.n;

	if (mem_grow(&job->end, &job->end_cap, job->n + 1, sizeof *job->end, &job->e))
		return -1;
	if (wordpiece_encode(job->encoder, story->text, story->n, &job->ids, &job->e) ||
	    (g->json && trace_story(job, story)))
		return err_prefix(&job->e, "%s: %s %" PRIu64, job->name,
		    job->block.elements ? "element" : "line", story->line);
	if (count_document(job, story) ||
	    wordpiece_frame(&g->frame, g->vocab, &job->ids, begin, &job->e))
		return -1;
	job->end[job->n++] = (struct record_end){job->ids.n, job->spans.n, job->n_quoted};
	return 0;
}

static void encode_block(void *arg)
{
	struct job *job = arg;
	struct story story;
	enum story_result result;

	job->n = job->ids.n = job->spans.n = job->n_quoted = 0;
	job->bad = 0;
	job->counts = (struct wordpiece_counts){0};
	job->unknown.n = job->searched = 0;
	story_start(job->parser, job->name, &job->block);
	while ((result = story_next(job->parser, &story, &job->e)) != STORY_END) {
		if (result == STORY_BAD && job->encoding->skip_bad) {
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
	free(job->quoted);
	free(job->end);
}

static int job_init(
    struct job *job, const struct encoding *g, const struct wordpiece *wordpiece, struct err *e)
{
	job->encoding = g;
	job->wordpiece = wordpiece;
	job->parser = story_parser_new(g->form, g->field, e);
	job->encoder = wordpiece_encoder_new(wordpiece, e);
	return job->parser && job->encoder ? 0 : -1;
}

/* --- output --- */

struct sink {
	const struct encoding *encoding;
	struct shard_writer *shard; /* or, with --json: */
	struct output out;
	struct encoded done;
	uint64_t bytes;
	struct progress progress;
};

static struct shard_header make_header(const struct encoding *g)
{
	const struct vocab *v = g->vocab;
	struct shard_header h = {.kind = SHARD_STREAM,
	    .id_bytes = v->size <= 65536 ? 2 : 4,
	    .vocab_size = v->size,
	    .vocab_hash = v->hash,
	    .special = {v->special[VOCAB_PAD], v->special[VOCAB_UNK], v->special[VOCAB_CLS],
	        v->special[VOCAB_SEP], v->special[VOCAB_MASK]}};

	shard_add_provenance(&h, g->provenance);
	return h;
}

/* Create the shard, with the vocabulary. */
static int create_shard(struct sink *s, const struct encoding *g, struct err *e)
{
	struct shard_header h = make_header(g);
	struct shard_vocab vocab;

	vocab.text = vocab_text(g->vocab, &vocab.n, e);
	if (!vocab.text)
		return -1;
	s->shard = shard_create(g->output, &h, &vocab, NULL, g->level, e);
	shard_vocab_release(&vocab);
	if (!s->shard)
		return -1;
	cli_unlink_at_end(shard_temporary(s->shard));
	return 0;
}

static int sink_open(struct sink *s, const struct encoding *g, struct err *e)
{
	*s = (struct sink){.encoding = g};
	progress_start(&s->progress);
	if (!g->json)
		return create_shard(s, g, e);
	if (output_open(&s->out, g->output, e))
		return -1;
	cli_unlink_at_end(s->out.temporary);
	return 0;
}

/* Print the offsets of the tokens, bytes in the text: the first n_spans after the special token at
 * the beginning and the padding; [0,0] for others. */
static int put_offsets(
    struct sink *s, size_t n, const struct wordpiece_span *span, size_t n_spans, struct err *e)
{
	const struct wordpiece_frame *frame = &s->encoding->frame;
	size_t edge = frame->bare ? 0 : 1, lead = edge;

	if (frame->left && frame->pad && n_spans + 2 * edge < n)
		lead += n - n_spans - 2 * edge;
	for (size_t i = 0; i < n; i++) {
		bool shown = i >= lead && i - lead < n_spans && i + edge < n;

		if (output_printf(&s->out, e, "%s[%zu,%zu]", i ? "," : "",
		        shown ? span[i - lead].begin : 0, shown ? span[i - lead].end : 0))
			return -1;
	}
	return 0;
}

/* Print {"ids":[...],"tokens":[...],"offsets":[[begin,end],...],"unknown":[...]} for a record that
 * begins at from and ends at to in the job. */
static int put_json(struct sink *s, const struct job *job, struct record_end from,
    struct record_end to, struct err *e)
{
	struct output *out = &s->out;
	size_t n = to.ids - from.ids, spans = to.spans - from.spans;
	size_t quoted = to.quoted - from.quoted;
	/* Arrays without elements may be NULL. */
	const uint32_t *id = n > 0 ? job->ids.id + from.ids : NULL;
	const struct wordpiece_span *span = spans > 0 ? job->spans.span + from.spans : NULL;

	if (output_printf(out, e, "{\"ids\":["))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (output_printf(out, e, "%s%" PRIu32, i ? "," : "", id[i]))
			return -1;
	if (output_printf(out, e, "],\"tokens\":["))
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t length;
		const char *token = vocab_token(s->encoding->vocab, id[i], &length);

		if ((i && output_write(out, ",", 1, e)) || story_put_string(out, token, length, e))
			return -1;
	}
	if (output_printf(out, e, "],\"offsets\":[") || put_offsets(s, n, span, spans, e) ||
	    output_printf(out, e, "],\"unknown\":[") ||
	    /* without the last ',' */
	    (quoted > 0 && output_write(out, job->quoted + from.quoted, quoted - 1, e)))
		return -1;
	return output_printf(out, e, "]}\n");
}

static int put_record(struct sink *s, const struct job *job, size_t i, struct err *e)
{
	struct record_end from = i ? job->end[i - 1] : (struct record_end){0}, to = job->end[i];
	struct shard_record record = {
	    .ids = job->ids.id + from.ids, .n = (uint32_t)(to.ids - from.ids)};

	return s->encoding->json ? put_json(s, job, from, to, e)
	                         : shard_write(s->shard, &record, e);
}

/* After an error, write the records before it. The missing trailer shows that more should follow.
 */
static void sink_abort(struct sink *s)
{
	struct err ignored;

	if (s->encoding->json) {
		output_flush(&s->out, &ignored);
		output_abort(&s->out);
	} else {
		shard_flush(s->shard, &ignored);
		shard_abort(s->shard);
	}
}

static int sink_commit(struct sink *s, struct err *e)
{
	return s->encoding->json ? output_commit(&s->out, e) : shard_commit(s->shard, e);
}

/* --- the order of the input --- */

static void collect_counts(struct encoded *done, const struct job *job)
{
	done->ids += job->ids.n;
	if (job->counts.malformed > 0 && done->counts.malformed == 0)
		done->first_malformed = job->first_malformed;
	done->counts.words += job->counts.words;
	done->counts.unknown += job->counts.unknown;
	done->counts.malformed += job->counts.malformed;
	for (size_t i = 0; i < job->unknown.n; i++)
		add_unknown(&done->unknown, job->unknown.word[i], strlen(job->unknown.word[i]));
}

static int collect_job(struct sink *s, const struct job *job, struct err *e)
{
	for (size_t i = 0; i < job->n; i++)
		if (put_record(s, job, i, e))
			return -1;
	if (job->failed) {
		*e = job->e;
		return -1;
	}
	s->done.records += job->n;
	s->bytes += job->block.n;
	if (job->bad > 0 && s->done.bad == 0)
		s->done.first_bad = job->first_bad;
	s->done.bad += job->bad;
	collect_counts(&s->done, job);
	if (progress_due(&s->progress))
		progress_show(&s->progress, "%" PRIu64 " documents, %.0f MB, %.0f MB/s",
		    s->done.records, (double)s->bytes / 1e6,
		    (double)s->bytes / 1e6 / progress_seconds(&s->progress));
	return 0;
}

/* Collect the oldest job, which exists, and make it free. */
static int collect_oldest(struct ordered *o, struct sink *s, struct err *e)
{
	if (collect_job(s, ordered_oldest(o), e))
		return -1;
	ordered_release(o);
	return 0;
}

static int collect_rest(struct ordered *o, struct sink *s, struct err *e)
{
	while (ordered_oldest(o))
		if (collect_oldest(o, s, e))
			return -1;
	return 0;
}

/* Read the next block of the input into a free job. Returns 1; 0 at the end; -1 on error. */
static int fill_job(struct job *job, struct story_input *in, struct err *e)
{
	const struct encoding *g = job->encoding;
	int more = story_block(in, &job->block, e);

	if (more <= 0)
		return more;
	job->name = in->in.name;
	/* With one thread, the job is done before the buffer is reused: no copy is needed. */
	if (g->threads == 1)
		return 1;
	if (mem_grow(&job->data, &job->data_cap, job->block.n, 1, e))
		return -1;
	job->block.data = memcpy(job->data, job->block.data, job->block.n);
	return 1;
}

/* Submit the blocks of one input as jobs, until it ends, and collect all jobs. */
static int encode_input(struct ordered *o, struct sink *s, struct story_input *in, struct err *e)
{
	struct err why;
	int more;

	for (;;) {
		struct job *job;

		while (!(job = ordered_free(o)))
			if (collect_oldest(o, s, e))
				return -1;
		more = fill_job(job, in, &why);
		if (more <= 0)
			break;
		ordered_submit(o);
	}
	/* An error in an earlier block comes first. */
	if (collect_rest(o, s, e))
		return -1;
	if (more < 0)
		*e = why;
	return more;
}

static int encode_inputs(struct ordered *o, struct sink *s, int n, char **paths, struct err *e)
{
	int failed = 0;

	for (int i = 0; i < (n > 0 ? n : 1) && !failed; i++) {
		struct story_input in;

		if (story_open(&in, n > 0 ? paths[i] : NULL, s->encoding->form, e))
			return -1;
		if (in.doubt)
			warn("%s: %s", in.in.name, in.doubt);
		failed = encode_input(o, s, &in, e);
		story_close(&in);
	}
	return failed;
}

static int encode_all(
    struct sink *s, const struct wordpiece *wordpiece, int n, char **paths, struct err *e)
{
	const struct encoding *g = s->encoding;
	size_t n_jobs = g->threads > 1 ? (size_t)g->threads * JOBS_A_THREAD : 1;
	struct job *jobs = mem_array(n_jobs, sizeof *jobs, e);
	void **slots = mem_array(n_jobs, sizeof *slots, e);
	struct ordered *o = NULL;
	int failed = !jobs || !slots;

	for (size_t i = 0; i < n_jobs && !failed; i++) {
		slots[i] = &jobs[i];
		failed = job_init(&jobs[i], g, wordpiece, e);
	}
	if (!failed)
		failed = !(o = ordered_new(g->threads, slots, n_jobs, encode_block, e)) ||
		         encode_inputs(o, s, n, paths, e);
	ordered_end(o);
	for (size_t i = 0; jobs && i < n_jobs; i++)
		job_release(&jobs[i]);
	free(jobs);
	free(slots);
	return failed ? -1 : 0;
}

int encode(const struct encoding *g, int n, char **paths, struct encoded *done, struct err *e)
{
	struct wordpiece *wordpiece;
	struct sink s;
	int failed;

	if (wordpiece_frame_check(&g->frame, g->vocab, e) ||
	    !(wordpiece = wordpiece_new(g->vocab, &g->options, e)))
		return -1;
	failed = sink_open(&s, g, e);
	if (!failed) {
		failed = encode_all(&s, wordpiece, n, paths, e);
		progress_end();
		if (failed)
			sink_abort(&s);
		else
			failed = sink_commit(&s, e);
		cli_unlink_nothing();
		*done = s.done;
	}
	wordpiece_free(wordpiece);
	return failed ? -1 : 0;
}
