#include "formats/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "formats/jsontext.h"
#include "formats/safetensors_header.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/minmax.h"

_Static_assert(
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are stored as they lie in memory");

enum { READ_SIZE = 1 << 20 };

struct safetensors {
	int fd;
	char *path;
	uint64_t file_size, data_start;
	struct json_object *header; /* owns the strings of tensor and meta */
	struct json_object *meta;   /* inside of header, or NULL */
	struct safetensor *tensor;
	size_t n;
};

static const struct {
	const char *name;
	int bits;
	enum safetensors_dtype dtype;
} dtypes[] = {
    {"F32", 32, ST_F32},
    {"F64", 64, ST_F64},
    {"I32", 32, ST_I32},
    {"I64", 64, ST_I64},
    {"U8", 8, ST_U8},
    {"U32", 32, ST_U32},
    {"U64", 64, ST_U64},
    {"BF16", 16, ST_OTHER},
    {"F16", 16, ST_OTHER},
    {"I16", 16, ST_OTHER},
    {"U16", 16, ST_OTHER},
    {"I8", 8, ST_OTHER},
    {"BOOL", 8, ST_OTHER},
    {"C64", 64, ST_OTHER},
    {"F8_E4M3", 8, ST_OTHER},
    {"F8_E5M2", 8, ST_OTHER},
    {"F8_E8M0", 8, ST_OTHER},
    {"F8_E4M3FNUZ", 8, ST_OTHER},
    {"F8_E5M2FNUZ", 8, ST_OTHER},
    {"F6_E2M3", 6, ST_OTHER},
    {"F6_E3M2", 6, ST_OTHER},
    {"F4", 4, ST_OTHER},
};

const char *safetensors_dtype_name(enum safetensors_dtype dtype, int *bits)
{
	for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
		if (dtypes[i].dtype == dtype && dtype != ST_OTHER) {
			*bits = dtypes[i].bits;
			return dtypes[i].name;
		}
	}
	*bits = 0;
	return "another type";
}

int safetensors_bytes(int bits, int n_dims, const uint64_t *shape, uint64_t *bytes)
{
	uint64_t n = 1;

	for (int i = 0; i < n_dims; i++)
		if (__builtin_mul_overflow(n, shape[i], &n))
			return -1;
	if (__builtin_mul_overflow(n, (uint64_t)bits, &n) || n % 8)
		return -1;
	*bytes = n / 8;
	return 0;
}

/* --- the header as text --- */

static int read_at(const struct safetensors *st, void *p, size_t n, uint64_t offset, struct err *e)
{
	unsigned char *to = p;

	while (n > 0) {
		ssize_t got = pread(st->fd, to, n, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, "%s: cannot read at byte %" PRIu64, st->path, offset);
		if (got == 0)
			return err_set(e, "%s: truncated at byte %" PRIu64, st->path, offset);
		to += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

static int open_file(struct safetensors *st, struct err *e)
{
	struct stat s;

	st->fd = open(st->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (st->fd < 0)
		return err_errno(e, "%s", st->path);
	if (fstat(st->fd, &s))
		return err_errno(e, "%s", st->path);
	if (!S_ISREG(s.st_mode))
		return err_set(e, "%s: is not a regular file", st->path);
	st->file_size = (uint64_t)s.st_size;
	return 0;
}

/* Check the header's checksum. A file must have both checksums or none, so that a damaged key is
 * detected too. */
static int check_header_hash(struct safetensors *st, char *whole, size_t size, struct err *e)
{
	static const char mark[] = SAFETENSORS_HASH_MARK;
	const char *stored = safetensors_meta(st, SAFETENSORS_HEADER_HASH);
	char want[SAFETENSORS_DIGITS + 1], got[SAFETENSORS_DIGITS + 1];
	char *place;

	if (!stored && !safetensors_meta(st, SAFETENSORS_DATA_HASH))
		return 0;
	place = memmem(whole, size, mark, sizeof mark - 1);
	if (!stored || !safetensors_meta(st, SAFETENSORS_DATA_HASH) || !place ||
	    strlen(stored) != SAFETENSORS_DIGITS ||
	    (size_t)(whole + size - place) < sizeof mark - 1 + SAFETENSORS_DIGITS ||
	    memcmp(place + sizeof mark - 1, stored, SAFETENSORS_DIGITS) != 0)
		return err_set(
		    e, "%s: the header is corrupt: its checksums are incomplete", st->path);
	memcpy(want, stored, sizeof want);
	memset(place + sizeof mark - 1, '0', SAFETENSORS_DIGITS);
	snprintf(got, sizeof got, "%016" PRIx64, (uint64_t)XXH64(whole, size, 0));
	if (strcmp(got, want))
		return err_set(
		    e, "%s: the header is corrupt: xxh64 is %s, should be %s", st->path, got, want);
	return 0;
}

/* The number of members of all objects in o. */
static size_t count_members(struct json_object *o)
{
	size_t n = 0;

	if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, key, value)
		{
			(void)key;
			n += 1 + count_members(value);
		}
	} else if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			n += count_members(json_object_array_get_idx(o, i));
	}
	return n;
}

static int parse_json(struct safetensors *st, const char *text, size_t n, struct err *e)
{
	enum { DEPTH = 8 };
	static const struct jsontext_rules rules = {.depth = DEPTH, .unicode = true, .sizes = true};
	struct jsontext_result r;
	struct json_tokener *tok;
	enum json_tokener_error failed;

	while (n > 0 && text[n - 1] == ' ')
		n--;
	if (n == 0 || text[0] != '{')
		return err_set(
		    e, "%s: not a safetensors file: the header does not begin with '{'", st->path);
	if (jsontext_check(text, n, &rules, &r))
		return err_set(e, "%s: the header is not valid JSON at byte %zu: %s", st->path,
		    SAFETENSORS_LENGTH + r.at, r.what);
	tok = json_tokener_new_ex(DEPTH + 2);
	if (!tok)
		return err_set(e, "%s: out of memory", st->path);
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	st->header = json_tokener_parse_ex(tok, text, (int)n);
	failed = json_tokener_get_error(tok);
	if (failed == json_tokener_success && json_tokener_get_parse_end(tok) != n)
		failed = json_tokener_error_parse_unexpected;
	if (failed != json_tokener_success)
		err_set(e, "%s: the header is not valid JSON at byte %zu: %s", st->path,
		    (size_t)SAFETENSORS_LENGTH + json_tokener_get_parse_end(tok),
		    json_tokener_error_desc(failed));
	json_tokener_free(tok);
	if (failed != json_tokener_success)
		return -1;
	/* json-c drops duplicate members: compare the number of members with that in the text. */
	if (count_members(st->header) != r.members)
		return err_set(e, "%s: the header has two members of the same name", st->path);
	return 0;
}

/* --- the contents of the header --- */

static int check_meta(struct safetensors *st, struct err *e)
{
	if (!json_object_object_get_ex(st->header, SAFETENSORS_META, &st->meta))
		return 0;
	if (!json_object_is_type(st->meta, json_type_object))
		return err_set(e, "%s: __metadata__ is not an object", st->path);
	json_object_object_foreach(st->meta, key, value)
	{
		if (!err_is_printable(key))
			return err_set(
			    e, "%s: __metadata__: a control character in a key", st->path);
		if (!json_object_is_type(value, json_type_string))
			return err_set(e, "%s: __metadata__: '%s' is not a string", st->path, key);
		if (strlen(json_object_get_string(value)) !=
		    (size_t)json_object_get_string_len(value))
			return err_set(e, "%s: __metadata__: '%s' holds a NUL", st->path, key);
	}
	return 0;
}

/* jsontext_check has refused all numbers that are not sizes. */
static int get_u64(struct json_object *o, uint64_t *value)
{
	if (!json_object_is_type(o, json_type_int))
		return -1;
	*value = json_object_get_uint64(o);
	return 0;
}

static int parse_shape(
    struct safetensors *st, struct safetensor *t, struct json_object *o, struct err *e)
{
	size_t n;

	if (!json_object_is_type(o, json_type_array))
		return err_set(e, "%s: %s: no shape", st->path, t->name);
	n = json_object_array_length(o);
	if (n > SAFETENSORS_DIMS)
		return err_set(e, "%s: %s: too many dimensions: %zu, expected at most %d", st->path,
		    t->name, n, SAFETENSORS_DIMS);
	for (size_t i = 0; i < n; i++)
		if (get_u64(json_object_array_get_idx(o, i), &t->shape[i]))
			return err_set(
			    e, "%s: %s: dimension %zu is not a size", st->path, t->name, i);
	t->n_dims = (int)n;
	return 0;
}

static int parse_dtype(
    struct safetensors *st, struct safetensor *t, struct json_object *o, int *bits, struct err *e)
{
	if (!json_object_is_type(o, json_type_string))
		return err_set(e, "%s: %s: no dtype", st->path, t->name);
	t->dtype_name = json_object_get_string(o);
	t->dtype = ST_OTHER;
	for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
		if (!strcmp(dtypes[i].name, t->dtype_name)) {
			t->dtype = dtypes[i].dtype;
			*bits = dtypes[i].bits;
		}
	}
	return *bits
	           ? 0
	           : err_set(e, "%s: %s: unknown dtype '%.100s'", st->path, t->name, t->dtype_name);
}

static int parse_tensor(struct safetensors *st, struct safetensor *t, const char *name,
    struct json_object *o, struct err *e)
{
	struct json_object *dtype = NULL, *shape = NULL, *offsets = NULL;
	uint64_t begin, end, bytes;
	int bits = 0;

	if (!err_is_printable(name))
		return err_set(e, "%s: a control character in a tensor's name", st->path);
	t->name = name;
	if (!json_object_is_type(o, json_type_object))
		return err_set(e, "%s: %s: is not a tensor's description", st->path, name);
	json_object_object_get_ex(o, "dtype", &dtype);
	json_object_object_get_ex(o, "shape", &shape);
	json_object_object_get_ex(o, "data_offsets", &offsets);
	if (parse_dtype(st, t, dtype, &bits, e) || parse_shape(st, t, shape, e))
		return -1;
	if (!json_object_is_type(offsets, json_type_array) ||
	    json_object_array_length(offsets) != 2 ||
	    get_u64(json_object_array_get_idx(offsets, 0), &begin) ||
	    get_u64(json_object_array_get_idx(offsets, 1), &end) || begin > end)
		return err_set(
		    e, "%s: %s: data_offsets are not two ascending sizes", st->path, name);
	if (end > st->file_size - st->data_start)
		return err_set(e,
		    "%s: truncated at byte %" PRIu64 ": %s needs %" PRIu64 " bytes more", st->path,
		    st->file_size, name, end - (st->file_size - st->data_start));
	t->offset = st->data_start + begin;
	t->bytes = end - begin;
	if (safetensors_bytes(bits, t->n_dims, t->shape, &bytes) || bytes != t->bytes)
		return err_set(e,
		    "%s: %s: wrong size: %" PRIu64
		    " bytes, expected the size of its shape and dtype",
		    st->path, name, t->bytes);
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct safetensor *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The tensors fill the file from the header to its end, without a gap. */
static int check_layout(struct safetensors *st, struct err *e)
{
	uint64_t at = st->data_start;

	qsort(st->tensor, st->n, sizeof *st->tensor, by_offset);
	for (size_t i = 0; i < st->n; i++) {
		if (st->tensor[i].offset != at)
			return err_set(e, "%s: %s: %s at byte %" PRIu64, st->path,
			    st->tensor[i].name,
			    st->tensor[i].offset < at ? "overlaps the tensor before it"
			                              : "unused bytes before it",
			    at);
		at += st->tensor[i].bytes;
	}
	if (at != st->file_size)
		return err_set(e, "%s: %" PRIu64 " bytes follow the last tensor, expected none",
		    st->path, st->file_size - at);
	return 0;
}

static int parse_tensors(struct safetensors *st, struct err *e)
{
	size_t members = (size_t)json_object_object_length(st->header);

	st->tensor = mem_array(members, sizeof *st->tensor, e);
	if (!st->tensor)
		return err_prefix(e, "%s", st->path);
	json_object_object_foreach(st->header, key, value)
	{
		if (!strcmp(key, SAFETENSORS_META))
			continue;
		if (parse_tensor(st, &st->tensor[st->n], key, value, e))
			return -1;
		st->n++;
	}
	return check_layout(st, e);
}

static int read_header(struct safetensors *st, struct err *e)
{
	unsigned char length[SAFETENSORS_LENGTH];
	uint64_t n;
	char *whole;
	int failed;

	if (st->file_size < SAFETENSORS_LENGTH)
		return err_set(
		    e, "%s: truncated at byte %" PRIu64 ": no header", st->path, st->file_size);
	if (read_at(st, length, sizeof length, 0, e))
		return -1;
	n = get_le(length, SAFETENSORS_LENGTH);
	if (n > SAFETENSORS_HEADER_MAX)
		return err_set(e,
		    "%s: not a safetensors file: the header is too long: %" PRIu64 " bytes",
		    st->path, n);
	if (n > st->file_size - SAFETENSORS_LENGTH)
		return err_set(e,
		    "%s: truncated at byte %" PRIu64 ": the header has %" PRIu64 " bytes", st->path,
		    st->file_size, n);
	st->data_start = SAFETENSORS_LENGTH + n;
	whole = mem_array((size_t)st->data_start, 1, e);
	if (!whole)
		return err_prefix(e, "%s", st->path);
	failed = read_at(st, whole, (size_t)st->data_start, 0, e) ||
	         parse_json(st, whole + SAFETENSORS_LENGTH, (size_t)n, e) || check_meta(st, e) ||
	         check_header_hash(st, whole, (size_t)st->data_start, e) || parse_tensors(st, e);
	free(whole);
	return failed ? -1 : 0;
}

/* --- reading --- */

struct safetensors *safetensors_open(const char *path, struct err *e)
{
	struct safetensors *st = mem_array(1, sizeof *st, e);

	if (!st)
		return NULL;
	st->fd = -1;
	st->path = mem_copy_string(path, e);
	if (!st->path || open_file(st, e) || read_header(st, e)) {
		safetensors_close(st);
		return NULL;
	}
	return st;
}

void safetensors_close(struct safetensors *st)
{
	if (!st)
		return;
	if (st->fd >= 0)
		close(st->fd);
	json_object_put(st->header);
	free(st->tensor);
	free(st->path);
	free(st);
}

size_t safetensors_n(const struct safetensors *st)
{
	return st->n;
}

const struct safetensor *safetensors_at(const struct safetensors *st, size_t i)
{
	return i < st->n ? &st->tensor[i] : NULL;
}

const struct safetensor *safetensors_find(const struct safetensors *st, const char *name)
{
	for (size_t i = 0; i < st->n; i++)
		if (!strcmp(st->tensor[i].name, name))
			return &st->tensor[i];
	return NULL;
}

const char *safetensors_meta(const struct safetensors *st, const char *key)
{
	struct json_object *value;

	if (!st->meta || !json_object_object_get_ex(st->meta, key, &value))
		return NULL;
	return json_object_get_string(value);
}

/* "[8,384]" */
static void format_shape(char *to, size_t capacity, int n_dims, const uint64_t *shape)
{
	size_t n = (size_t)snprintf(to, capacity, "[");

	for (int i = 0; i < n_dims && n < capacity; i++)
		n += (size_t)snprintf(to + n, capacity - n, "%s%" PRIu64, i ? "," : "", shape[i]);
	if (n < capacity)
		snprintf(to + n, capacity - n, "]");
}

int safetensors_expect(const struct safetensors *st, const char *name, enum safetensors_dtype dtype,
    int n_dims, const uint64_t *shape, struct err *e)
{
	const struct safetensor *t = safetensors_find(st, name);
	char has[SAFETENSORS_DIMS * 21 + 3], want[sizeof has];
	int bits;
	const char *dtype_name = safetensors_dtype_name(dtype, &bits);

	if (!t)
		return err_set(e, "%s: no tensor '%s'", st->path, name);
	if (dtype != ST_OTHER && t->dtype == dtype && t->n_dims == n_dims &&
	    (n_dims == 0 || !memcmp(t->shape, shape, (size_t)n_dims * sizeof *shape)))
		return 0;
	format_shape(has, sizeof has, t->n_dims, t->shape);
	format_shape(want, sizeof want, n_dims, shape);
	return err_set(e, "%s: %s: has dtype %s and shape %s, expected %s and %s", st->path, name,
	    t->dtype_name, has, dtype_name, want);
}

int safetensors_load(struct safetensors *st, const char *name, enum safetensors_dtype dtype,
    int n_dims, const uint64_t *shape, void *data, struct err *e)
{
	const struct safetensor *t;

	if (safetensors_expect(st, name, dtype, n_dims, shape, e) ||
	    !(t = safetensors_find(st, name)))
		return -1;
	return read_at(st, data, (size_t)t->bytes, t->offset, e);
}

/* Update state with all tensor bytes, which are read into buf [READ_SIZE]. */
static int hash_tensors(
    struct safetensors *st, XXH64_state_t *state, unsigned char *buf, struct err *e)
{
	XXH64_reset(state, 0);
	for (uint64_t at = st->data_start; at < st->file_size;) {
		uint64_t left = st->file_size - at;
		size_t n = (size_t)min_u64(left, READ_SIZE);

		if (read_at(st, buf, n, at, e))
			return -1;
		XXH64_update(state, buf, n);
		at += n;
	}
	return 0;
}

int safetensors_verify(struct safetensors *st, struct err *e)
{
	const char *want = safetensors_meta(st, SAFETENSORS_DATA_HASH);
	char got[SAFETENSORS_DIGITS + 1];
	XXH64_state_t *state;
	unsigned char *buf;
	uint64_t size;
	int failed = -1;

	if (!want)
		return 0;
	/* A small buffer for small files: mem_array clears it, which would take most of the time of
	 * a fuzzer. */
	size = st->file_size - st->data_start;
	buf = mem_array(size < READ_SIZE ? (size_t)size : READ_SIZE, 1, e);
	state = XXH64_createState();
	if (!state)
		err_set(e, "%s: out of memory: a checksum", st->path);
	else if (buf)
		failed = hash_tensors(st, state, buf, e);
	if (!failed)
		snprintf(got, sizeof got, "%016" PRIx64, (uint64_t)XXH64_digest(state));
	XXH64_freeState(state);
	free(buf);
	if (!failed && strcmp(got, want))
		return err_set(e, "%s: the tensors are corrupt: xxh64 is %s, should be %s",
		    st->path, got, want);
	return failed;
}
