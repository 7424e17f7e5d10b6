#include "inspect.h"

#include <inttypes.h>
#include <math.h>

#include "cli.h"
#include "base/minmax.h"
#include "formats/shard.h"

struct summary {
	uint64_t min, max, padding, noised, open;
	float t_min, t_max;
};

static void summarise_record(
    struct summary *s, const struct shard_header *h, const struct shard_record *r, bool first)
{
	if (first || r->n < s->min)
		s->min = r->n;
	if (first || r->n > s->max)
		s->max = r->n;
	for (uint32_t i = 0; i < r->n; i++)
		s->padding += r->ids[i] == h->special.pad;
	if (h->kind != SHARD_NOISED)
		return;
	for (uint32_t i = 0; i < r->n; i++)
		s->noised += shard_noised(r, i);
	if (isnan(r->t)) {
		s->open++;
		return;
	}
	s->t_min = fminf(r->t, s->t_min);
	s->t_max = fmaxf(r->t, s->t_max);
}

static int print_special(struct output *out, const char *name, uint32_t id, struct err *e)
{
	return id == SHARD_NO_ID ? 0 : output_printf(out, e, " [%s] %u", name, id);
}

static int print_header(struct output *out, const char *name, const struct shard_header *h,
    bool has_vocab, struct err *e)
{
	const struct shard_special *s = &h->special;

	return output_printf(
	           out, e, "%-12s%s\n%-12s%s\n", "file", name, "kind", shard_kind_name(h->kind)) ||
	       (h->row_len && output_printf(out, e, "%-12s%u ids\n", "row length", h->row_len)) ||
	       output_printf(out, e, "%-12s%u ids of %u bytes, hash %016" PRIx64 "%s\n%-11s",
	           "vocabulary", h->vocab_size, h->id_bytes, h->vocab_hash,
	           has_vocab ? ", in the file" : "", "special") ||
	       print_special(out, "PAD", s->pad, e) || print_special(out, "UNK", s->unk, e) ||
	       print_special(out, "CLS", s->cls, e) || print_special(out, "SEP", s->sep, e) ||
	       print_special(out, "MASK", s->mask, e) || output_printf(out, e, "\n") ||
	       output_printf(out, e, "%-12s%" PRIu64 "\n%-12s%s\n", "seed", h->seed, "provenance",
	           h->provenance);
}

static int print_totals(struct output *out, const struct shard_header *h,
    const struct shard_totals *t, const struct summary *s, struct err *e)
{
	double a_record = t->records ? (double)t->tokens / (double)t->records : 0;
	double ratio = (double)t->raw_bytes / (double)t->stored_bytes;

	if (output_printf(out, e, "%-12s%" PRIu64 "\n%-12s%" PRIu64 "\n%-12s%" PRIu64, "segments",
	        t->segments, "records", t->records, "tokens", t->tokens))
		return -1;
	if (h->kind == SHARD_STREAM
	        ? output_printf(out, e, ", %.1f a record, from %" PRIu64 " to %" PRIu64 "\n",
	              a_record, s->min, s->max)
	        : output_printf(
	              out, e, ", %.1f%% of them [PAD]\n", cli_percent(s->padding, t->tokens)))
		return -1;
	return output_printf(out, e, "%-12s%" PRIu64 " of ids in %" PRIu64 ", %.2f to 1\n", "bytes",
	    t->raw_bytes, t->stored_bytes, ratio);
}

static int print_noised(struct output *out, const struct shard_header *h, uint32_t counted,
    const struct shard_totals *t, const struct summary *s, struct err *e)
{
	if (output_printf(out, e, "%-12s%" PRIu64 "\n", "first", h->first) ||
	    (h->stride > 1 && output_printf(out, e, "%-12s%" PRIu64 "\n", "stride", h->stride)) ||
	    output_printf(out, e, "%-12s%" PRIu64 " open", "levels", s->open) ||
	    (s->open < t->records && output_printf(out, e, ", %" PRIu64 " from %g to %g",
	                                 t->records - s->open, (double)s->t_min, (double)s->t_max)))
		return -1;
	return output_printf(out, e, "\n%-12s%.1f%% of the positions\n%-12s%u ids\n", "noised",
	    cli_percent(s->noised, t->tokens), "counts of", counted);
}

int inspect_info(const char *path, struct output *out, struct err *e)
{
	struct summary s = {.t_min = INFINITY};
	struct shard_reader *in = shard_open(path, e);
	struct shard_record record;
	struct shard_totals t;
	struct shard_header h;
	uint32_t counted;
	bool first = true;
	int more;

	if (!in)
		return -1;
	h = *shard_header(in);
	counted = shard_counts(in)->n;
	while ((more = shard_read(in, &record, e)) > 0) {
		summarise_record(&s, &h, &record, first);
		first = false;
	}
	shard_totals(in, &t);
	if (more == 0 && (print_header(out, shard_name(in), &h, shard_vocab(in)->text != NULL, e) ||
	                     print_totals(out, &h, &t, &s, e) ||
	                     (h.kind == SHARD_NOISED && print_noised(out, &h, counted, &t, &s, e))))
		more = -1;
	shard_close(in);
	return more;
}

static int print_ids(const struct shard_record *r, struct output *out, struct err *e)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (output_printf(out, e, i ? " %u" : "%u", r->ids[i]))
			return -1;
	return output_write(out, "\n", 1, e);
}

static int print_noise(uint64_t n, const struct shard_record *r, struct output *out, struct err *e)
{
	bool open = isnan(r->t);

	if (output_printf(out, e,
	        open ? "%" PRIu64 ",,%.9g,%" PRIu64 "," : "%" PRIu64 ",%.9g,,%" PRIu64 ",", n,
	        (double)(open ? r->u : r->t), r->noise_seed))
		return -1;
	for (uint32_t i = 0; i < r->n; i++)
		if (output_write(out, shard_noised(r, i) ? "1" : "0", 1, e))
			return -1;
	return output_write(out, "\n", 1, e);
}

/* The number, in the stream of noised rows, of the record that was just read. last: the number of
 * the record before; *segment: the segment of that record, updated. */
static uint64_t next_number(const struct shard_reader *in, uint64_t last, uint64_t *segment)
{
	const struct shard_header *h = shard_header(in);
	struct shard_totals t;
	bool same;

	shard_totals(in, &t);
	same = t.segments == *segment;
	*segment = t.segments;
	return same ? last + max_u64(h->stride, 1) : h->first;
}

int inspect_records(
    const char *path, const struct inspection *what, uint64_t *n, struct output *out, struct err *e)
{
	struct shard_reader *in = shard_open(path, e);
	struct shard_record record;
	uint64_t record_number = 0, segment = UINT64_MAX;
	int more = -1;

	if (!in || (what->noise && shard_expect(in, SHARD_NOISED, e)))
		goto out;
	while ((more = shard_read(in, &record, e)) > 0) {
		uint64_t i = (*n)++;

		record_number = next_number(in, record_number, &segment);
		if (i < what->from || i >= what->to)
			continue;
		if (what->noise ? print_noise(record_number, &record, out, e)
		                : print_ids(&record, out, e)) {
			more = -1;
			break;
		}
	}
out:
	shard_close(in);
	return more;
}

int inspect_check(const char *path, struct err *e)
{
	struct shard_reader *in = shard_open(path, e);
	struct shard_record record;
	int more = -1;

	while (in && (more = shard_read(in, &record, e)) > 0)
		;
	shard_close(in);
	return more;
}
