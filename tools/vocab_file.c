#include "vocab_file.h"

#include <string.h>

#include "cli.h"
#include "base/io.h"
#include "formats/tokenizerjson.h"
#include "vocab_carried.h"

/* Whether the input begins with '{' and '"', with white space before and between them. */
static bool begins_object(const struct input *in)
{
	static const char wanted[] = "{\"";
	size_t found = 0;

	for (size_t i = in->pos; i < in->len && wanted[found]; i++)
		if (in->buf[i] == (unsigned char)wanted[found])
			found++;
		else if (!strchr(" \t\r\n", in->buf[i]) || in->buf[i] == '\0')
			return false;
	return !wanted[found];
}

/* Read the vocabulary of an open tokenizer.json. */
static struct vocab *read_tokenizer(struct input *in, bool cased, struct err *e)
{
	struct tokenizerjson t;
	struct vocab *v;

	if (tokenizerjson_convert(in, &t, e))
		return NULL;
	if (cased && !t.cased) {
		err_with(e, ERR_USAGE, "--cased: %s converts to lower case", in->name);
		return NULL;
	}
	if (t.added[0])
		note("%s: the added token '%s' is read as text", in->name, t.added);
	v = vocab_read(in, e);
	if (v && t.cased && vocab_set_cased(v, true, e)) {
		vocab_free(v);
		return NULL;
	}
	return v;
}

static struct vocab *read_file(struct input *in, bool cased, struct err *e)
{
	struct vocab *v;

	if (input_fill(in, e) < 0)
		return NULL;
	if (begins_object(in))
		return read_tokenizer(in, cased, e);
	v = vocab_read(in, e);
	if (v && cased && vocab_set_cased(v, true, e)) {
		vocab_free(v);
		return NULL;
	}
	return v;
}

/* Return v, the vocabulary of a shard or checkpoint; or NULL, after freeing it, if --cased asks for
 * another one. */
static struct vocab *check_casing(struct vocab *v, const char *path, bool cased, struct err *e)
{
	if (!v || v->cased || !cased)
		return v;
	err_with(e, ERR_USAGE,
	    "--cased: the vocabulary in %s is for text without case; leave out --cased", path);
	vocab_free(v);
	return NULL;
}

struct vocab *vocab_file_open(const char *path, bool cased, struct err *e)
{
	struct vocab *v = NULL;
	struct input in;
	char defect[128];

	if (input_open(&in, path, e))
		return NULL;
	if (vocab_carried(&in, path, &v, e))
		return check_casing(v, path, cased, e);
	v = read_file(&in, cased, e);
	input_close(&in);
	for (int i = 0; v && i < VOCAB_DEFECTS; i++)
		if (vocab_defect(v, i, defect, sizeof defect))
			note("%s: %s", path, defect);
	return v;
}
