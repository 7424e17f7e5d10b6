/*
 * A main for the fuzz targets without libFuzzer. It runs the target on the files given as
 * arguments, or in directories given as arguments, and then on EXECUTIONS (20,000) mutations of
 * them, which are the same each time. It prints TAP.
 */

#include <dirent.h>
#include <string.h>

#include "fuzz.h"
#include "base/mem.h"
#include "base/rng.h"

enum { MAX_FILES = 4096, ROOM = 1 << 14 };

static struct corpus {
	uint8_t *data;
	size_t n;
} corpus[MAX_FILES];
static size_t files;

static void take_file(const char *path)
{
	struct corpus *c = &corpus[files];
	FILE *f = fopen(path, "rb");

	CHECK(f && files < MAX_FILES);
	c->data = malloc(ROOM);
	c->n = fread(c->data, 1, ROOM, f);
	fclose(f);
	c->data = realloc(c->data, c->n ? c->n : 1);
	files++;
}

static void take(const char *path)
{
	struct dirent **entry;
	char name[4096];
	int n = scandir(path, &entry, NULL, alphasort);

	if (n < 0) {
		take_file(path);
		return;
	}
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%s/%s", path, entry[i]->d_name);
		if (entry[i]->d_name[0] != '.')
			take_file(name);
		free(entry[i]);
	}
	free(entry);
}

/* Change a bit, a byte, a number of 8 bytes, or insert a piece of another file. */
static size_t mutate(uint8_t *p, size_t n, uint32_t round, uint32_t i)
{
	static const uint64_t odd[] = {0, 1, 0x7f, 0xff, 0xffff, UINT32_MAX, INT64_MAX, UINT64_MAX};
	size_t at = (size_t)rng_below(1, RNG_TEST, round, i, n ? n : 1);
	uint64_t r = rng_u64(2, RNG_TEST, round, i);
	const struct corpus *other = &corpus[rng_below(3, RNG_TEST, round, i, files)];
	size_t from = other->n ? (size_t)(r >> 16) % other->n : 0, length = (size_t)(r >> 40) % 32;

	switch (r % 5) {
	case 0:
		p[at] ^= (uint8_t)(1 << (r >> 8) % 8);
		break;
	case 1:
		p[at] = (uint8_t)(r >> 8);
		break;
	case 2:
		memcpy(p + at, &odd[(r >> 8) % 8], n - at < 8 ? n - at : 8);
		break;
	case 3:
		n = at;
		break;
	default:
		length = other->n - from < length ? other->n - from : length;
		length = ROOM - n < length ? ROOM - n : length;
		memmove(p + at + length, p + at, n - at);
		memcpy(p + at, other->data + from, length);
		n += length;
	}
	return n;
}

int main(int argc, char **argv)
{
	const char *text = getenv("EXECUTIONS");
	uint32_t executions = text ? (uint32_t)strtoul(text, NULL, 10) : 20000;

	for (int i = 1; i < argc; i++)
		take(argv[i]);
	CHECK(files > 0);
	for (size_t i = 0; i < files; i++)
		LLVMFuzzerTestOneInput(corpus[i].data, corpus[i].n);
	printf("ok 1 - %zu files\n", files);
	for (uint32_t round = 0; round < executions; round++) {
		const struct corpus *c = &corpus[round % files];
		uint8_t *p = malloc(ROOM), *exact;
		size_t n = c->n;

		memcpy(p, c->data, n);
		for (uint32_t i = 0; i < 1 + round % 4 && n > 0; i++)
			n = mutate(p, n, round, i);
		exact = malloc(n ? n : 1); /* so that AddressSanitizer finds a read beyond it */
		memcpy(exact, p, n);
		LLVMFuzzerTestOneInput(exact, n);
		free(exact);
		free(p);
	}
	printf("ok 2 - %u mutations of them\n1..2\n", executions);
	for (size_t i = 0; i < files; i++)
		free(corpus[i].data);
	return 0;
}
