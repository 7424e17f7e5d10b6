/* A tokenizer.json: its tokens are those of the vocabulary that is read from it. */

#include <string.h>

#include "formats/tokenizerjson.h"
#include "fuzz.h"
#include "text/vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct tokenizerjson t;
	struct err e = {0};
	struct input in;
	struct vocab *v;

	fuzz_input(&in, data, n);
	if (tokenizerjson_convert(&in, &t, &e)) {
		fuzz_error(&e);
	} else {
		CHECK(strlen(t.added) < sizeof t.added);
		v = vocab_read(&in, &e);
		if (!v)
			fuzz_error(&e);
		vocab_free(v);
	}
	input_close(&in);
	return 0;
}
