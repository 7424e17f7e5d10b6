#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "formats/shard.h"
#include "base/minmax.h"

enum { SHOWN = 100 }; /* bytes of a token in a message */

void shard_vocab_release(struct shard_vocab *v)
{
	free(v->text);
	*v = (struct shard_vocab){NULL, 0};
}

static uint64_t count_tokens(const struct shard_vocab *v)
{
	uint64_t tokens = 0;

	for (size_t i = 0; i < v->n; i++)
		tokens += v->text[i] == '\n';
	return tokens;
}

int shard_vocab_check(const struct shard_vocab *v, const struct shard_header *h, struct err *e)
{
	uint64_t tokens = count_tokens(v), hash = XXH64(v->text, v->n, 0);

	if (tokens != h->vocab_size)
		return err_set(e, "the vocabulary has %llu tokens, expected %u by the header",
		    (unsigned long long)tokens, h->vocab_size);
	if (hash != h->vocab_hash)
		return err_set(e,
		    "the vocabulary has the hash %016llx, expected %016llx by the header",
		    (unsigned long long)hash, (unsigned long long)h->vocab_hash);
	return 0;
}

/* Whether nothing follows the last token: it is a vocabulary for text without case. */
static bool ends_in_line(const struct shard_vocab *v)
{
	return v->text[v->n - 1] == '\n';
}

/* The length of the token that begins at v->text[start]. */
static size_t token_length(const struct shard_vocab *v, size_t start)
{
	const char *stop = memchr(v->text + start, '\n', v->n - start);

	return (stop ? (size_t)(stop - v->text) : v->n) - start;
}

const char *shard_vocab_token(const struct shard_vocab *v, uint32_t id, size_t *n)
{
	size_t start = 0;

	if (!v->text)
		return NULL;
	while (id-- > 0)
		start += token_length(v, start) + 1;
	*n = token_length(v, start);
	return v->text + start;
}

int shard_vocab_explain(
    const struct shard_vocab *ours, const struct shard_vocab *theirs, struct err *e)
{
	size_t both = ours->n < theirs->n ? ours->n : theirs->n, start = 0;
	char message[sizeof e->msg];
	unsigned id = 0;

	for (size_t i = 0; i < both && ours->text[i] == theirs->text[i]; i++)
		if (ours->text[i] == '\n') {
			start = i + 1;
			id++;
		}
	memcpy(message, e->msg, sizeof message);
	if (start < both)
		return err_set(e, "%s; token %u is '%.*s' (expected '%.*s')", message, id,
		    (int)min_size(token_length(theirs, start), SHOWN), theirs->text + start,
		    (int)min_size(token_length(ours, start), SHOWN), ours->text + start);
	if (start > 0 && ends_in_line(ours) != ends_in_line(theirs))
		return err_set(e,
		    "%s; the tokens are the same, but those of %s input keep case (tok --cased)",
		    message, ends_in_line(ours) ? "this" : "the expected");
	return -1;
}
