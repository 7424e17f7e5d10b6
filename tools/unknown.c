#include "unknown.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli.h"

enum { SHOWN = 8, ROOM = 400 };

static bool is_unknown(const struct model *m, uint32_t id)
{
	return id == m->cp.source.special.unk || m->active.index[id] < 0;
}

static bool is_repeated(const struct shard_record *r, uint32_t i)
{
	for (uint32_t j = 0; j < i; j++)
		if (r->ids[j] == r->ids[i])
			return true;
	return false;
}

/* Append the token to text [ROOM], which has *length bytes. */
static void append(char *text, size_t *length, const struct model *m, uint32_t id)
{
	const char *between = *length ? ", " : "";
	size_t n;
	const char *token = shard_vocab_token(&m->cp.vocab, id, &n);
	int added = token
	                ? snprintf(text + *length, ROOM - *length, "%s%.*s", between, (int)n, token)
	                : snprintf(text + *length, ROOM - *length, "%stoken %" PRIu32, between, id);

	*length += (size_t)added;
	if (*length >= ROOM)
		*length = ROOM - 1;
}

void unknown_check(struct unknown *u, const struct model *m, const char *name,
    const struct shard_record *r, uint32_t generated)
{
	uint32_t found = 0;
	char text[ROOM] = "";
	size_t length = 0;

	/* Without [UNK], such a record is an error. */
	if (m->active.unknown < 0)
		return;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->ids[i] != generated && is_unknown(m, r->ids[i]) && !is_repeated(r, i) &&
		    found++ < SHOWN)
			append(text, &length, m, r->ids[i]);
	if (found && u->records++ == 0)
		warn("%s: record %" PRIu64 ": the model does not know these tokens, and reads them "
		     "as [UNK]: %s%s",
		    name, u->of, text, found > SHOWN ? ", ..." : "");
	u->of++;
}

void unknown_end(const struct unknown *u, const char *name)
{
	if (u->records > 1)
		warn("%s: %" PRIu64 " of %" PRIu64
		     " records have tokens that the model does not know",
		    name, u->records, u->of);
}
