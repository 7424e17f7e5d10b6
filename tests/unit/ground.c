#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ground/io.h"
#include "ground/rng.h"
#include "tap.h"

static void test_normal(void)
{
	enum { N = 200000 };
	float *z = malloc(N * sizeof *z), part[7];
	double m1 = 0, m2 = 0, m4 = 0;

	rng_normal(7, RNG_TEST, 3, z, N);
	for (int i = 0; i < N; i++) {
		m1 += z[i];
		m2 += (double)z[i] * z[i];
		m4 += pow(z[i], 4);
	}
	ok(fabs(m1 / N) < 0.01, "normal: mean %.4f is 0 within 4 sigma", m1 / N);
	ok(fabs(m2 / N - 1) < 0.013, "normal: variance %.4f is 1 within 4 sigma", m2 / N);
	ok(fabs(m4 / N - 3) < 0.1, "normal: fourth moment %.4f is 3 within 4 sigma", m4 / N);
	rng_normal(7, RNG_TEST, 3, part, 7);
	ok(!memcmp(part, z, sizeof part), "normal: component i does not depend on how many are asked");
	free(z);
}

static void test_permutation(void)
{
	enum { N = 1000 };
	uint32_t order[N], other[N];
	unsigned char seen[N] = {0};
	int missing = 0;

	rng_permutation(1, 0, order, N);
	rng_permutation(1, 1, other, N);
	for (int i = 0; i < N; i++)
		seen[order[i]] = 1;
	for (int i = 0; i < N; i++)
		missing += !seen[i];
	ok(missing == 0, "permutation: every row once");
	ok(memcmp(order, other, sizeof order) != 0, "permutation: another round, another order");
}

static void test_below(void)
{
	int count[6] = {0}, worst = 0;

	for (int i = 0; i < 60000; i++)
		count[rng_below(5, RNG_TEST, 0, (uint64_t)i, 6)]++;
	for (int i = 0; i < 6; i++)
		worst = abs(count[i] - 10000) > worst ? abs(count[i] - 10000) : worst;
	ok(worst < 450, "below: six sides fall evenly (worst deviation %d of 10000)", worst);
}

static void test_replace(void)
{
	char dir[] = "/tmp/cdcd-ground.XXXXXX", path[64];
	struct output out;
	struct input in;
	struct err e = {0};
	const char *line = "";
	size_t n = 0;

	if (!ok(mkdtemp(dir) != NULL, "temporary directory"))
		return;
	snprintf(path, sizeof path, "%s/file", dir);
	ok(!output_open(&out, path, &e) && !output_write(&out, "one\ntwo", 7, &e) &&
	        !output_commit(&out, &e),
	    "write and commit: %s", e.msg);
	ok(!output_open(&out, path, &e) && !output_write(&out, "three", 5, &e), "write again");
	output_abort(&out);
	ok(!input_open(&in, path, &e) && input_line(&in, &line, &n, &e) == 1 && n == 3 &&
	        !memcmp(line, "one", 3),
	    "an aborted write leaves the old file");
	ok(input_line(&in, &line, &n, &e) == 1 && n == 3 && !memcmp(line, "two", 3),
	    "a last line needs no end");
	ok(input_line(&in, &line, &n, &e) == 0, "then the end");
	input_close(&in);
	unlink(path);
	ok(!rmdir(dir), "no temporary is left behind");
}

int main(void)
{
	test_normal();
	test_permutation();
	test_below();
	test_replace();
	return tap_done();
}
