#include "text/learn.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strings.h"
#include "text/vocab.h"
#include "text/words.h"

/* --- counting --- */

struct learner {
	struct unicode *unicode;
	struct strings words;
	uint64_t *count; /* [words.n] how often each word occurs */
	size_t count_cap;
	struct word word;
};

struct learner *learner_new(bool cased, struct err *e)
{
	struct learner *l = mem_array(1, sizeof *l, e);

	if (!l)
		return NULL;
	l->unicode = unicode_new(cased, e);
	if (!l->unicode) {
		learner_free(l);
		return NULL;
	}
	return l;
}

void learner_free(struct learner *l)
{
	if (!l)
		return;
	unicode_free(l->unicode);
	strings_release(&l->words);
	free(l->count);
	free(l);
}

static int count_word(struct learner *l, struct err *e)
{
	size_t known = l->words.n;
	int64_t i = strings_add(&l->words, (const char *)l->word.bytes, l->word.n, e);

	if (i < 0 || mem_grow(&l->count, &l->count_cap, l->words.n, sizeof *l->count, e))
		return -1;
	if (l->words.n > known)
		l->count[i] = 0;
	l->count[i]++;
	return 0;
}

int learner_add(struct learner *l, const char *text, size_t n, struct err *e)
{
	struct words words = {l->unicode, (const unsigned char *)text, n, 0, 0};

	while (words_next(&words, &l->word))
		if (!l->word.too_long && count_word(l, e))
			return -1;
	return 0;
}

size_t learner_words(const struct learner *l)
{
	return l->words.n;
}

/* --- merging pairs --- */

struct pair {
	uint32_t left, right;
	uint64_t count;
	uint32_t *word; /* the words that may contain it; a word can be listed twice */
	size_t n, cap;
	bool fresh; /* it has become more frequent since it was last pushed on the heap */
};

/* An entry of the heap of pairs, most frequent first. count may be out of date. */
struct candidate {
	uint64_t count;
	uint32_t left, right, pair;
};

struct joiner {
	const struct learn_options *options;
	const struct strings *words;
	const uint64_t *count; /* [words->n] */
	struct strings tokens;
	uint32_t *symbol; /* the tokens of all words */
	size_t *start;    /* [words->n] where each word begins in symbol */
	uint32_t *length; /* [words->n] number of tokens of each word */
	struct pair *pair;
	size_t n_pairs, pair_cap;
	uint32_t *slot; /* hash table of pairs: number + 1, or 0 */
	size_t n_slots;
	struct candidate *heap;
	size_t n_heap, heap_cap;
	uint32_t *fresh; /* numbers of the pairs that are fresh */
	size_t n_fresh, fresh_cap;
};

static void joiner_release(struct joiner *j)
{
	strings_release(&j->tokens);
	free(j->symbol);
	free(j->start);
	free(j->length);
	for (size_t i = 0; i < j->n_pairs; i++)
		free(j->pair[i].word);
	free(j->pair);
	free(j->slot);
	free(j->heap);
	free(j->fresh);
}

static bool candidate_precedes(const struct candidate *a, const struct candidate *b)
{
	if (a->count != b->count)
		return a->count > b->count;
	return a->left != b->left ? a->left < b->left : a->right < b->right;
}

static int heap_push(struct joiner *j, uint32_t pair, struct err *e)
{
	const struct pair *p = &j->pair[pair];
	struct candidate new = {p->count, p->left, p->right, pair};
	size_t i = j->n_heap;

	if (mem_grow(&j->heap, &j->heap_cap, j->n_heap + 1, sizeof *j->heap, e))
		return -1;
	for (j->n_heap++; i > 0 && candidate_precedes(&new, &j->heap[(i - 1) / 2]); i = (i - 1) / 2)
		j->heap[i] = j->heap[(i - 1) / 2];
	j->heap[i] = new;
	return 0;
}

static struct candidate heap_pop(struct joiner *j)
{
	struct candidate top = j->heap[0], last = j->heap[--j->n_heap];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < j->n_heap &&
		    candidate_precedes(&j->heap[child + 1], &j->heap[child]))
			child++;
		if (child >= j->n_heap || !candidate_precedes(&j->heap[child], &last))
			break;
		j->heap[i] = j->heap[child];
		i = child;
	}
	j->heap[i] = last;
	return top;
}

static uint32_t *pair_slot(const struct joiner *j, uint32_t left, uint32_t right)
{
	uint64_t key = (uint64_t)left << 32 | right;
	size_t i = (key * UINT64_C(0x9E3779B97F4A7C15)) >> 20 & (j->n_slots - 1);

	while (j->slot[i] &&
	       (j->pair[j->slot[i] - 1].left != left || j->pair[j->slot[i] - 1].right != right))
		i = (i + 1) & (j->n_slots - 1);
	return &j->slot[i];
}

static int pairs_grow_slots(struct joiner *j, struct err *e)
{
	free(j->slot);
	j->n_slots = j->n_slots ? 2 * j->n_slots : 4096;
	j->slot = mem_array(j->n_slots, sizeof *j->slot, e);
	if (!j->slot)
		return -1;
	for (size_t i = 0; i < j->n_pairs; i++)
		*pair_slot(j, j->pair[i].left, j->pair[i].right) = (uint32_t)i + 1;
	return 0;
}

/* Add count occurrences of a pair, which word contains. */
static int pair_add(
    struct joiner *j, uint32_t left, uint32_t right, uint64_t count, uint32_t word, struct err *e)
{
	uint32_t *slot;
	struct pair *p;

	if (j->n_slots / 2 <= j->n_pairs && pairs_grow_slots(j, e))
		return -1;
	slot = pair_slot(j, left, right);
	if (!*slot) {
		if (mem_grow(&j->pair, &j->pair_cap, j->n_pairs + 1, sizeof *j->pair, e))
			return -1;
		j->pair[j->n_pairs] = (struct pair){.left = left, .right = right};
		*slot = (uint32_t)++j->n_pairs;
	}
	p = &j->pair[*slot - 1];
	p->count += count;
	if (!p->fresh) {
		if (mem_grow(&j->fresh, &j->fresh_cap, j->n_fresh + 1, sizeof *j->fresh, e))
			return -1;
		j->fresh[j->n_fresh++] = *slot - 1;
		p->fresh = true;
	}
	if (p->n > 0 && p->word[p->n - 1] == word)
		return 0;
	if (mem_grow(&p->word, &p->cap, p->n + 1, sizeof *p->word, e))
		return -1;
	p->word[p->n++] = word;
	return 0;
}

static int push_fresh(struct joiner *j, struct err *e)
{
	for (size_t i = 0; i < j->n_fresh; i++) {
		j->pair[j->fresh[i]].fresh = false;
		if (heap_push(j, j->fresh[i], e))
			return -1;
	}
	j->n_fresh = 0;
	return 0;
}

static void pair_subtract(struct joiner *j, uint32_t left, uint32_t right, uint64_t count)
{
	uint32_t slot = *pair_slot(j, left, right);

	if (slot)
		j->pair[slot - 1].count -= count;
}

/* Merge every occurrence of the pair in word. */
static int join_in_word(
    struct joiner *j, uint32_t left, uint32_t right, uint32_t joined, uint32_t word, struct err *e)
{
	uint32_t *s = j->symbol + j->start[word], n = j->length[word], put = 0;
	uint64_t count = j->count[word];

	for (uint32_t i = 0; i < n; i++) {
		if (i + 1 == n || s[i] != left || s[i + 1] != right) {
			s[put++] = s[i];
			continue;
		}
		pair_subtract(j, left, right, count);
		if (put > 0) {
			pair_subtract(j, s[put - 1], left, count);
			if (pair_add(j, s[put - 1], joined, count, word, e))
				return -1;
		}
		if (i + 2 < n) {
			pair_subtract(j, right, s[i + 2], count);
			if (pair_add(j, joined, s[i + 2], count, word, e))
				return -1;
		}
		s[put++] = joined;
		i++;
	}
	j->length[word] = put;
	return 0;
}

/* Add the merged token of a pair: the two strings, without the "##" of the second. */
static int join_strings(
    struct joiner *j, uint32_t left, uint32_t right, uint32_t *joined, struct err *e)
{
	size_t a, b, skip = strlen(VOCAB_CONTINUED);
	const char *first = strings_get(&j->tokens, left, &a);
	const char *second = strings_get(&j->tokens, right, &b);
	char *both = mem_array(a + b, 1, e);
	int64_t added;

	if (!both)
		return -1;
	if (b >= skip && !memcmp(second, VOCAB_CONTINUED, skip)) {
		second += skip;
		b -= skip;
	}
	memcpy(both, first, a);
	memcpy(both + a, second, b);
	added = strings_add(&j->tokens, both, a + b, e);
	free(both);
	if (added < 0)
		return -1;
	*joined = (uint32_t)added;
	return 0;
}

static int join_pairs(struct joiner *j, struct err *e)
{
	while (j->tokens.n < j->options->size && j->n_heap > 0) {
		struct candidate top = heap_pop(j);
		struct pair now = j->pair[top.pair];
		uint32_t joined;

		if (now.count != top.count) {
			if (now.count > 0 && now.count < top.count && heap_push(j, top.pair, e))
				return -1;
			continue;
		}
		if (now.count == 0 || now.count < j->options->min_count)
			break;
		if (join_strings(j, now.left, now.right, &joined, e))
			return -1;
		/* Merging can create this pair again in a word: collect those in a new list. */
		j->pair[top.pair].word = NULL;
		j->pair[top.pair].n = j->pair[top.pair].cap = 0;
		for (size_t i = 0; i < now.n; i++) {
			if (join_in_word(j, now.left, now.right, joined, now.word[i], e)) {
				free(now.word);
				return -1;
			}
		}
		free(now.word);
		if (push_fresh(j, e))
			return -1;
	}
	return 0;
}

/* --- the initial tokens: characters --- */

struct letter {
	uint32_t code;
	uint64_t count;
};

static int by_count(const void *a, const void *b)
{
	const struct letter *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->code < y->code ? -1 : x->code > y->code;
}

static int by_code(const void *a, const void *b)
{
	const struct letter *x = a, *y = b;

	return x->code < y->code ? -1 : x->code > y->code;
}

static int add_letter(struct joiner *j, const char *prefix, uint32_t code, struct err *e)
{
	char s[8];
	size_t n = strlen(prefix);

	memcpy(s, prefix, n);
	n += unicode_encode(code, (unsigned char *)s + n);
	return strings_add(&j->tokens, s, n, e) < 0 ? -1 : 0;
}

/* Set counts [UNICODE_COUNT], the occurrences of each character, and continued [UNICODE_COUNT],
 * which characters occur after the first of a word. */
static void count_letters(const struct joiner *j, uint64_t *counts, bool *continued)
{
	for (size_t w = 0; w < j->words->n; w++) {
		size_t n;
		const unsigned char *s = (const unsigned char *)strings_get(j->words, w, &n);

		for (size_t i = 0, length; i < n; i += length) {
			uint32_t code;

			length = unicode_decode(s + i, n - i, &code);
			counts[code] += j->count[w];
			continued[code] = continued[code] || i > 0;
		}
	}
}

static int add_alphabet(struct joiner *j, struct err *e)
{
	uint64_t *counts = mem_array(UNICODE_COUNT, sizeof *counts, e);
	bool *continued = mem_array(UNICODE_COUNT, sizeof *continued, e);
	struct letter *letter = mem_array(UNICODE_COUNT, sizeof *letter, e);
	size_t n = 0;
	int failed = -1;

	if (!counts || !continued || !letter)
		goto out;
	count_letters(j, counts, continued);
	for (uint32_t c = 0; c < UNICODE_COUNT; c++)
		if (counts[c])
			letter[n++] = (struct letter){c, counts[c]};
	qsort(letter, n, sizeof *letter, by_count);
	if (j->options->alphabet && n > j->options->alphabet)
		n = j->options->alphabet;
	qsort(letter, n, sizeof *letter, by_code);
	for (size_t i = 0; i < n; i++)
		if (add_letter(j, "", letter[i].code, e))
			goto out;
	for (size_t i = 0; i < n; i++)
		if (continued[letter[i].code] && add_letter(j, VOCAB_CONTINUED, letter[i].code, e))
			goto out;
	failed = 0;
out:
	free(counts);
	free(continued);
	free(letter);
	return failed;
}

/* Split the words into tokens of one character; skip characters that are not in the alphabet. */
static int split_words(struct joiner *j, struct err *e)
{
	size_t all = strings_bytes(j->words), at = 0;

	j->symbol = mem_array(all, sizeof *j->symbol, e);
	j->start = mem_array(j->words->n, sizeof *j->start, e);
	j->length = mem_array(j->words->n, sizeof *j->length, e);
	if (!j->symbol || !j->start || !j->length)
		return -1;
	for (size_t w = 0; w < j->words->n; w++) {
		size_t n;
		const char *s = strings_get(j->words, w, &n);
		char piece[8] = VOCAB_CONTINUED;

		j->start[w] = at;
		for (size_t i = 0, length; i < n; i += length) {
			size_t skip = i > 0 ? strlen(VOCAB_CONTINUED) : 0;
			uint32_t code;
			int64_t token;

			length = unicode_decode((const unsigned char *)s + i, n - i, &code);
			memcpy(piece + skip, s + i, length);
			token = strings_find(&j->tokens, piece, skip + length);
			memcpy(piece, VOCAB_CONTINUED, strlen(VOCAB_CONTINUED));
			if (token >= 0)
				j->symbol[at++] = (uint32_t)token;
		}
		j->length[w] = (uint32_t)(at - j->start[w]);
	}
	return 0;
}

static int count_pairs(struct joiner *j, struct err *e)
{
	for (size_t w = 0; w < j->words->n; w++) {
		const uint32_t *s = j->symbol + j->start[w];

		for (uint32_t i = 0; i + 1 < j->length[w]; i++)
			if (pair_add(j, s[i], s[i + 1], j->count[w], (uint32_t)w, e))
				return -1;
	}
	return push_fresh(j, e);
}

static int init_joiner(struct joiner *j, struct err *e)
{
	for (int i = 0; i < VOCAB_SPECIALS; i++) {
		const char *name = vocab_special_name((enum vocab_special_token)i);

		if (strings_add(&j->tokens, name, strlen(name), e) < 0)
			return -1;
	}
	if (add_alphabet(j, e))
		return -1;
	if (j->tokens.n > j->options->size)
		return err_set(e,
		    "--learn: %u is too small (expected at least %zu, for special tokens and "
		    "single characters)",
		    j->options->size, j->tokens.n);
	return split_words(j, e) || count_pairs(j, e) ? -1 : 0;
}

static int write_tokens(const struct strings *tokens, struct learned *learned, struct err *e)
{
	char *p = mem_array(strings_bytes(tokens), 1, e);

	if (!p)
		return -1;
	learned->text = p;
	for (size_t i = 0; i < tokens->n; i++) {
		size_t n;
		const char *s = strings_get(tokens, i, &n);

		memcpy(p, s, n);
		p[n] = '\n';
		p += n + 1;
	}
	learned->n = (size_t)(p - learned->text);
	learned->tokens = (uint32_t)tokens->n;
	return 0;
}

int learner_finish(const struct learner *l, const struct learn_options *options,
    struct learned *learned, struct err *e)
{
	struct joiner j = {.options = options, .words = &l->words, .count = l->count};
	int failed;

	memset(learned, 0, sizeof *learned);
	if (l->words.n == 0)
		return err_set(e, "the input has no words, expected text to learn from");
	failed = init_joiner(&j, e) || join_pairs(&j, e) || write_tokens(&j.tokens, learned, e);
	joiner_release(&j);
	return failed ? -1 : 0;
}
