#include "batches.h"

#include <inttypes.h>

int batches_init(struct batches *s, const struct model *m, size_t B, batches_function *run,
    void *arg, struct progress *progress, struct err *e)
{
	*s = (struct batches){
	    .m = m, .pad_loss = true, .run = run, .arg = arg, .progress = progress};
	return batch_init(&s->b, B, m->cp.c.row_len, e);
}

void batches_release(struct batches *s)
{
	batch_release(&s->b);
}

size_t batches_bytes(const struct model *m, size_t B)
{
	return batch_bytes(B, m->cp.c.row_len);
}

int batches_finish(struct batches *s, struct err *e)
{
	if (s->b.B == 0)
		return 0;
	if (s->run(s->arg, &s->b, e))
		return -1;
	s->rows += s->b.B;
	s->b.B = 0;
	if (progress_due(s->progress))
		progress_show(s->progress, "%" PRIu64 " rows, %.1f a second", s->rows,
		    (double)s->rows / progress_seconds(s->progress));
	return 0;
}

int batches_add(
    struct batches *s, const struct shard_record *r, double t, uint64_t record, struct err *e)
{
	struct batch *b = &s->b;

	if (batch_add(b, r, &s->m->active, &s->m->cp.schedule, s->pad_loss, e))
		return s->name ? err_prefix(e, "%s: record %" PRIu64, s->name, record) : -1;
	b->t[b->B - 1] = t;
	return b->B == b->room ? batches_finish(s, e) : 0;
}
