#include "formats/signature.h"

#include <string.h>

static const struct {
	const char *name, *command, *magic;
	size_t n;
} compressed[] = {
    {"zstd", "zstd -dc", "\x28\xB5\x2F\xFD", 4}, /* RFC 8878, 3.1.1 */
    {"gzip", "gzip -dc", "\x1F\x8B", 2},         /* RFC 1952, 2.3.1 */
};

static const char shard[] = "\x5C\x2A\x4D\x18"; /* cdcd-shard(5), Frames */

int signature_refuse(const unsigned char *p, size_t n, const char *name, struct err *e)
{
	for (size_t i = 0; i < sizeof compressed / sizeof *compressed; i++)
		if (n >= compressed[i].n && !memcmp(p, compressed[i].magic, compressed[i].n))
			return err_set(e,
			    "%s: is compressed with %s; decompress it: %s FILE | tok ...", name,
			    compressed[i].name, compressed[i].command);
	if (n >= sizeof shard - 1 && !memcmp(p, shard, sizeof shard - 1))
		return err_set(
		    e, "%s: is a shard of token ids, not text; tok -d makes text of it", name);
	return 0;
}
