#include "vocab_carried.h"

#include "base/bytes.h"
#include "train/checkpoint_vocab.h"

struct vocab *vocab_of_shard(const struct shard_reader *in, struct err *e)
{
	const struct shard_vocab *text = shard_vocab(in);

	if (text->text)
		return vocab_parse(text->text, text->n, shard_name(in), e);
	err_with(e, ERR_USAGE,
	    "%s: contains no vocabulary, as earlier versions made it: name one with --vocab FILE",
	    shard_name(in));
	return NULL;
}

static struct vocab *of_checkpoint(const char *path, struct err *e)
{
	struct shard_vocab text;
	struct vocab *v;

	if (checkpoint_vocab_open(path, &text, e))
		return NULL;
	v = vocab_parse(text.text, text.n, path, e);
	shard_vocab_release(&text);
	return v;
}

/* The bytes that tell apart a shard, a checkpoint, and text, in which no byte is NUL. */
enum { START = 9 };

/* A header of less than 2^32 bytes: cdcd-checkpoint(5), Layout. */
static bool is_checkpoint(const unsigned char *p, size_t n)
{
	return n >= START && get_le(p + 4, 4) == 0 && p[8] == '{';
}

int vocab_carried(struct input *in, const char *path, struct vocab **v, struct err *e)
{
	struct shard_reader *shard;
	int more = 1;

	while (more > 0 && in->len - in->pos < START)
		more = input_fill(in, e);
	if (more < 0) {
		input_close(in);
		return -1;
	}
	if (shard_begins(in->buf + in->pos, in->len - in->pos)) {
		shard = shard_open_input(in, e);
		*v = shard ? vocab_of_shard(shard, e) : NULL;
		shard_close(shard);
		return *v ? 1 : -1;
	}
	if (!is_checkpoint(in->buf + in->pos, in->len - in->pos))
		return 0;
	input_close(in);
	*v = of_checkpoint(path, e);
	return *v ? 1 : -1;
}
