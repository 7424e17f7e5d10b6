#include "text/vocab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"
#include "base/minmax.h"
#include "text/unicode.h"

#define MAX_TOKENS (1u << 24)
#define MAX_BYTES (1u << 27) /* with a line feed after each token */

/* FNV-1a, because it can be extended byte by byte: vocab_longest looks up each prefix in turn. */
#define HASH_START UINT64_C(0xCBF29CE484222325)
#define HASH_PRIME UINT64_C(0x100000001B3)

struct vocab_slot {
	uint32_t tag; /* the upper half of the hash, compared before the bytes */
	uint32_t id;  /* VOCAB_NONE: free */
};

static uint64_t hash_add(uint64_t h, unsigned char byte)
{
	return (h ^ byte) * HASH_PRIME;
}

static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = hash_add(h, p[i]);
	return h;
}

static uint32_t hash_index(uint64_t h)
{
	return (uint32_t)(h ^ h >> 32);
}

static uint32_t hash_tag(uint64_t h)
{
	return (uint32_t)(h >> 32);
}

/* Find the token that consists of the first skip bytes of "##" and of p [n], with hash h. */
static uint32_t find_token(const struct vocab *v, uint64_t h, size_t skip, const void *p, size_t n)
{
	for (uint32_t i = hash_index(h) & v->mask;; i = (i + 1) & v->mask) {
		const struct vocab_slot *slot = &v->slot[i];
		const char *token;
		size_t length;

		if (slot->id == VOCAB_NONE)
			return VOCAB_NONE;
		if (slot->tag != hash_tag(h))
			continue;
		token = vocab_token(v, slot->id, &length);
		if (length == skip + n && !memcmp(token, VOCAB_CONTINUED, skip) &&
		    !memcmp(token + skip, p, n))
			return slot->id;
	}
}

uint32_t vocab_find(const struct vocab *v, const void *token, size_t n)
{
	return find_token(v, hash_bytes(HASH_START, token, n), 0, token, n);
}

uint32_t vocab_longest(
    const struct vocab *v, bool continued, const unsigned char *p, size_t n, size_t *length)
{
	size_t skip = continued ? strlen(VOCAB_CONTINUED) : 0;
	uint64_t h = hash_bytes(HASH_START, VOCAB_CONTINUED, skip);
	uint32_t best = VOCAB_NONE;

	n = min_size(n, v->longest[continued]);
	for (size_t i = 0; i < n; i++) {
		uint32_t id;

		h = hash_add(h, p[i]);
		id = find_token(v, h, skip, p, i + 1);
		if (id != VOCAB_NONE) {
			best = id;
			*length = i + 1;
		}
	}
	return best;
}

/* --- reading --- */

const char *vocab_special_name(enum vocab_special_token which)
{
	static const char *const name[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

	return name[which];
}

bool vocab_is_special(const struct vocab *v, uint32_t id)
{
	for (int i = 0; i < VOCAB_SPECIALS; i++)
		if (v->special[i] == id)
			return true;
	return false;
}

uint32_t vocab_capitals(const struct vocab *v)
{
	uint32_t count = 0;

	for (uint32_t id = 0; id < v->size; id++) {
		size_t n, i = 0;
		const char *token = vocab_token(v, id, &n);

		while (i < n && !(token[i] >= 'A' && token[i] <= 'Z'))
			i++;
		count += i < n && token[0] != '[';
	}
	return count;
}

bool vocab_defect(const struct vocab *v, int i, char *text, size_t capacity)
{
	const struct vocab_defects *d = &v->defects;

	switch (i) {
	case 0:
		snprintf(text, capacity,
		    "line %u: a duplicate token; %u such lines, and the last line of each token is "
		    "used",
		    d->first_duplicate, d->duplicates);
		return d->duplicates > 0;
	case 1:
		snprintf(text, capacity, "%u empty lines; their ids are never used", d->empty);
		return d->empty > 0;
	case 2:
		snprintf(text, capacity, "%u lines end in CR LF; the CR is ignored", d->crlf);
		return d->crlf > 0;
	case 3:
		snprintf(text, capacity, "begins with a byte order mark, which is ignored");
		return d->bom;
	default:
		snprintf(
		    text, capacity, "no %s", vocab_special_name((enum vocab_special_token)(i - 4)));
		return d->missing >> (i - 4) & 1;
	}
}

struct capacity {
	size_t text, start;
};

static int add_token(struct vocab *v, struct capacity *capacity, const char *name, const char *line,
    size_t n, struct err *e)
{
	size_t at = v->size ? v->start[v->size] : 0, valid;

	valid = unicode_valid((const unsigned char *)line, n);
	if (valid < n || memchr(line, '\0', n))
		return err_set(e,
		    "%s: line %u: not UTF-8; a vocabulary is a text file with one token per line",
		    name, v->size + 1);
	if (v->size == MAX_TOKENS || at + v->size + n >= MAX_BYTES)
		return err_set(e, "%s: too large: more than %u tokens or %u bytes", name,
		    MAX_TOKENS, MAX_BYTES);
	if (mem_grow(&v->text, &capacity->text, at + n + 1, 1, e) ||
	    mem_grow(&v->start, &capacity->start, (size_t)v->size + 2, sizeof *v->start, e))
		return -1;
	memcpy(v->text + at, line, n);
	v->start[v->size++] = (uint32_t)at;
	v->start[v->size] = (uint32_t)(at + n);
	return 0;
}

/* Add a line of a file. */
static int add_line(struct vocab *v, struct capacity *capacity, const char *name, const char *line,
    size_t n, struct err *e)
{
	if (v->size == 0 && n >= 3 && !memcmp(line, "\xEF\xBB\xBF", 3)) {
		v->defects.bom = true;
		line += 3;
		n -= 3;
	}
	if (n > 0 && line[n - 1] == '\r') {
		v->defects.crlf++;
		n--;
	}
	return add_token(v, capacity, name, line, n, e);
}

static void note_length(struct vocab *v, const char *token, size_t n)
{
	size_t skip = strlen(VOCAB_CONTINUED);
	bool continued = n > skip && !memcmp(token, VOCAB_CONTINUED, skip);

	if (n > v->longest[0])
		v->longest[0] = (uint32_t)n;
	if (continued && n - skip > v->longest[1])
		v->longest[1] = (uint32_t)(n - skip);
}

static void insert_token(struct vocab *v, uint32_t id)
{
	size_t n;
	const char *token = vocab_token(v, id, &n);
	uint64_t h = hash_bytes(HASH_START, token, n);
	uint32_t old = find_token(v, h, 0, token, n), i = hash_index(h) & v->mask;

	if (old != VOCAB_NONE && v->defects.duplicates++ == 0)
		v->defects.first_duplicate = id + 1;
	while (v->slot[i].id != old)
		i = (i + 1) & v->mask;
	v->slot[i] = (struct vocab_slot){hash_tag(h), id};
	note_length(v, token, n);
}

static int index_tokens(struct vocab *v, struct err *e)
{
	uint32_t slots = 16;

	while (slots / 2 < v->size)
		slots *= 2;
	v->slot = mem_array(slots, sizeof *v->slot, e);
	if (!v->slot)
		return -1;
	v->mask = slots - 1;
	for (uint32_t i = 0; i < slots; i++)
		v->slot[i].id = VOCAB_NONE;
	for (uint32_t id = 0; id < v->size; id++) {
		if (v->start[id] == v->start[id + 1])
			v->defects.empty++;
		else
			insert_token(v, id);
	}
	for (int i = 0; i < VOCAB_SPECIALS; i++) {
		const char *name = vocab_special_name((enum vocab_special_token)i);

		v->special[i] = vocab_find(v, name, strlen(name));
		v->defects.missing |= (uint32_t)(v->special[i] == VOCAB_NONE) << i;
	}
	return 0;
}

int vocab_set_cased(struct vocab *v, bool cased, struct err *e)
{
	XXH64_state_t *state = XXH64_createState();

	if (!state)
		return err_set(e, "out of memory: a checksum");
	XXH64_reset(state, 0);
	for (uint32_t id = 0; id < v->size; id++) {
		size_t n;
		const char *token = vocab_token(v, id, &n);

		XXH64_update(state, token, n);
		XXH64_update(state, "\n", 1);
	}
	if (cased)
		XXH64_update(state, VOCAB_CASED_MARK, sizeof VOCAB_CASED_MARK - 1);
	v->cased = cased;
	v->hash = XXH64_digest(state);
	XXH64_freeState(state);
	return 0;
}

/* Complete a vocabulary with all its tokens; failed: adding them failed. Returns v, or NULL after
 * freeing it. */
static struct vocab *finish_vocab(struct vocab *v, bool failed, const char *name, struct err *e)
{
	if (!failed && v->size == 0)
		failed = err_set(e, "%s: empty: expected a vocabulary, one token per line", name);
	if (failed || index_tokens(v, e) || vocab_set_cased(v, v->cased, e)) {
		vocab_free(v);
		return NULL;
	}
	return v;
}

struct vocab *vocab_read(struct input *in, struct err *e)
{
	struct vocab *v = mem_array(1, sizeof *v, e);
	struct capacity capacity = {0, 0};
	const char *line;
	int more = 0;
	size_t n;

	while (v && (more = input_line(in, &line, &n, e)) > 0)
		if (add_line(v, &capacity, in->name, line, n, e))
			break;
	return v ? finish_vocab(v, more != 0, in->name, e) : NULL;
}

struct vocab *vocab_open(const char *path, struct err *e)
{
	struct input in;
	struct vocab *v;

	if (input_open(&in, path, e))
		return NULL;
	v = vocab_read(&in, e);
	input_close(&in);
	return v;
}

static const char cased_mark[] = VOCAB_CASED_MARK;
enum { MARK = sizeof cased_mark - 1 };

char *vocab_text(const struct vocab *v, size_t *n, struct err *e)
{
	char *text = mem_array((size_t)v->start[v->size] + v->size + MARK, 1, e), *to = text;

	for (uint32_t id = 0; text && id < v->size; id++) {
		size_t length;
		const char *token = vocab_token(v, id, &length);

		memcpy(to, token, length);
		to += length;
		*to++ = '\n';
	}
	if (text && v->cased) {
		memcpy(to, cased_mark, MARK);
		to += MARK;
	}
	*n = (size_t)(to - text);
	return text;
}

struct vocab *vocab_parse(const char *text, size_t n, const char *name, struct err *e)
{
	struct vocab *v = mem_array(1, sizeof *v, e);
	struct capacity capacity = {0, 0};
	const char *p = text, *end = text + n;
	int failed = 0;

	if (!v)
		return NULL;
	v->cased = n >= MARK && !memcmp(end - MARK, cased_mark, MARK);
	if (v->cased)
		end -= MARK;
	while (p < end && !failed) {
		const char *line = memchr(p, '\n', (size_t)(end - p));

		if (line)
			failed = add_token(v, &capacity, name, p, (size_t)(line - p), e);
		else
			failed = err_set(e, "%s: its last token has no line feed", name);
		p = line ? line + 1 : end;
	}
	return finish_vocab(v, failed, name, e);
}

void vocab_free(struct vocab *v)
{
	if (!v)
		return;
	free(v->text);
	free(v->start);
	free(v->slot);
	free(v);
}
