#include "formats/tokenizerjson.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/minmax.h"
#include "formats/jsontext.h"

enum { DEPTH = 64, MAX_ID = 1 << 24, WORD_LENGTH = 100 };

/* --- the vocabulary as text --- */

struct text {
	struct input_source base;
	char *bytes;
	size_t n, pos;
};

static ssize_t text_read(struct input_source *source, void *p, size_t n, struct err *e)
{
	struct text *t = (struct text *)source;

	(void)e;
	n = min_size(n, t->n - t->pos);
	memcpy(p, t->bytes + t->pos, n);
	t->pos += n;
	return (ssize_t)n;
}

static void text_release(struct input_source *source)
{
	free(((struct text *)source)->bytes);
	free(source);
}

/* --- tokens --- */

struct tokens {
	struct json_object *json; /* the strings live as long as it */
	const char *name;         /* of the file */
	const char **token;       /* [n] by id; NULL: none */
	size_t n, cap;
};

static int add_token(struct tokens *t, const char *token, struct json_object *id, struct err *e)
{
	int64_t i = json_object_is_type(id, json_type_int) ? json_object_get_int64(id) : -1;

	if (i < 0 || i >= MAX_ID)
		return err_set(e, "%s: token '%.50s': its id is not a number below %d", t->name,
		    token, MAX_ID);
	if (!*token || strpbrk(token, "\r\n"))
		return err_set(
		    e, "%s: token %lld: is empty or contains a line end", t->name, (long long)i);
	if (mem_grow(&t->token, &t->cap, (size_t)i + 1, sizeof *t->token, e))
		return -1;
	while (t->n <= (size_t)i)
		t->token[t->n++] = NULL;
	if (t->token[i] && strcmp(t->token[i], token))
		return err_set(e, "%s: tokens '%.50s' and '%.50s' have the same id, %lld", t->name,
		    t->token[i], token, (long long)i);
	t->token[i] = token;
	return 0;
}

static int add_vocabulary(struct tokens *t, struct json_object *vocab, struct err *e)
{
	if (!json_object_is_type(vocab, json_type_object))
		return err_set(e, "%s: no object model.vocab", t->name);
	{
		json_object_object_foreach(vocab, token, id)
		{
			if (add_token(t, token, id, e))
				return -1;
		}
	}
	return 0;
}

static bool is_special(const char *token)
{
	static const char *const special[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		if (!strcmp(token, special[i]))
			return true;
	return false;
}

/* Added tokens are usually in model.vocab too. */
static int add_added(struct tokens *t, struct tokenizerjson *result, struct err *e)
{
	struct json_object *list, *content, *id;

	if (!json_object_object_get_ex(t->json, "added_tokens", &list) ||
	    !json_object_is_type(list, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (!json_object_is_type(entry, json_type_object) ||
		    !json_object_object_get_ex(entry, "content", &content) ||
		    !json_object_is_type(content, json_type_string) ||
		    !json_object_object_get_ex(entry, "id", &id))
			return err_set(
			    e, "%s: added_tokens: entry %zu has no id or no content", t->name, i);
		if (add_token(t, json_object_get_string(content), id, e))
			return -1;
		if (!result->added[0] && !is_special(json_object_get_string(content)))
			snprintf(result->added, sizeof result->added, "%.50s",
			    json_object_get_string(content));
	}
	return 0;
}

/* --- settings --- */

static struct json_object *get(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, name, &value);
	return value;
}

/* Check that a member is a string, number or boolean that is written as wanted. */
static int check(
    const struct tokens *t, const char *part, const char *name, const char *wanted, struct err *e)
{
	struct json_object *value = get(get(t->json, part), name);
	const char *text = value ? json_object_get_string(value) : "missing";

	if (text && !strcmp(text, wanted))
		return 0;
	return err_set(e,
	    "%s: %s.%s is %.50s, expected %s, as in BERT; or learn a vocabulary: tok --learn 8000 "
	    "FILE > vocab.txt",
	    t->name, part, name, text ? text : "null", wanted);
}

static int check_settings(const struct tokens *t, struct tokenizerjson *result, struct err *e)
{
	struct json_object *normalizer = get(t->json, "normalizer");
	struct json_object *lower = get(normalizer, "lowercase");
	struct json_object *strip = get(normalizer, "strip_accents"); /* null: as lowercase */
	struct json_object *length = get(get(t->json, "model"), "max_input_chars_per_word");

	/* Early files have no model.type. */
	if ((get(get(t->json, "model"), "type") && check(t, "model", "type", "WordPiece", e)) ||
	    check(t, "model", "unk_token", "[UNK]", e) ||
	    check(t, "model", "continuing_subword_prefix", "##", e) ||
	    check(t, "pre_tokenizer", "type", "BertPreTokenizer", e) ||
	    check(t, "normalizer", "type", "BertNormalizer", e) ||
	    check(t, "normalizer", "clean_text", "true", e) ||
	    check(t, "normalizer", "handle_chinese_chars", "true", e))
		return -1;
	if (length && json_object_get_int64(length) != WORD_LENGTH)
		return check(t, "model", "max_input_chars_per_word", "100", e);
	result->cased = !json_object_get_boolean(lower);
	if (strip && json_object_get_boolean(strip) == result->cased)
		return check(t, "normalizer", "strip_accents", result->cased ? "false" : "true", e);
	return 0;
}

/* --- the file --- */

static struct json_object *parse(struct input *in, struct err *e)
{
	static const struct jsontext_rules rules = {.depth = DEPTH};
	const char *text;
	struct jsontext_result r;
	struct json_tokener *tokener;
	struct json_object *json;
	int more;

	while ((more = input_fill(in, e)) > 0)
		;
	if (more < 0)
		return NULL;
	text = (const char *)in->buf + in->pos;
	if (jsontext_check(text, in->len - in->pos, &rules, &r)) {
		err_set(e, "%s: byte %zu: not JSON: %s", in->name, r.at + 1, r.what);
		return NULL;
	}
	tokener = json_tokener_new_ex(DEPTH + 2);
	json = tokener ? json_tokener_parse_ex(tokener, text, (int)(in->len - in->pos)) : NULL;
	if (!json)
		err_set(e, "%s: json-c cannot read it", in->name);
	if (tokener)
		json_tokener_free(tokener);
	return json;
}

static int write_text(const struct tokens *t, struct text *text, struct err *e)
{
	size_t cap = 0;

	for (size_t i = 0; i < t->n; i++) {
		size_t n = t->token[i] ? strlen(t->token[i]) : 0;

		if (mem_grow(&text->bytes, &cap, text->n + n + 1, 1, e))
			return -1;
		if (n > 0)
			memcpy(text->bytes + text->n, t->token[i], n);
		text->bytes[text->n + n] = '\n';
		text->n += n + 1;
	}
	return 0;
}

int tokenizerjson_convert(struct input *in, struct tokenizerjson *result, struct err *e)
{
	struct tokens t = {.name = in->name};
	struct text *text = mem_array(1, sizeof *text, e);
	int failed = -1;

	*result = (struct tokenizerjson){0};
	if (text && (t.json = parse(in, e)) && !check_settings(&t, result, e) &&
	    !add_vocabulary(&t, get(get(t.json, "model"), "vocab"), e) &&
	    !add_added(&t, result, e) && !write_text(&t, text, e)) {
		text->base.read = text_read;
		text->base.release = text_release;
		failed = input_convert(in, &text->base, e);
	} else if (text) {
		text_release(&text->base);
	}
	json_object_put(t.json);
	free(t.token);
	return failed;
}
