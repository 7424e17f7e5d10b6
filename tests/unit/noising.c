#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/noising.h"
#include "base/rng.h"
#include "tap.h"

enum { N = 100, T = 13 };

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Gaps between k successive values on the circle, times k: 1 for a grid. */
static void gaps(uint64_t from, int k, double *least, double *most)
{
	float *u = malloc((size_t)k * sizeof *u);

	for (int i = 0; i < k; i++)
		u[i] = noising_u(7, 0, from + (uint64_t)i);
	qsort(u, (size_t)k, sizeof *u, compare);
	for (int i = 0; i < k; i++) {
		double gap =
		    i + 1 < k ? (double)u[i + 1] - (double)u[i] : 1 + (double)u[0] - (double)u[i];

		*least = fmin(*least, gap * k);
		*most = fmax(*most, gap * k);
	}
	free(u);
}

static void test_u(void)
{
	double least = 1, most = 1;
	int low = 0;

	for (int k = 2; k <= 1100; k += 9)
		for (uint64_t from = 0; from < 4; from++)
			gaps(from * from * 1234567891011, k, &least, &most);
	ok(least > 0.38 && most < 1.9,
	    "noising_u: any run of u is even: gaps from %.3f to %.3f of those of a grid", least,
	    most);
	for (uint64_t i = 0; i < 10000; i++)
		low += noising_u(7, 0, i) < 0.25f;
	ok(low >= 2498 && low <= 2502, "noising_u: a quarter of 10000 values is below 0.25: %d",
	    low);
	ok(noising_u(7, 0, 5) != noising_u(8, 0, 5), "noising_u: another seed gives other levels");
}

static void make_rows(struct rows *rows)
{
	struct shard_header h = {.kind = SHARD_ROWS,
	    .id_bytes = 2,
	    .vocab_size = 1000,
	    .row_len = T,
	    .special = {.pad = 0}};
	struct err e;
	uint32_t ids[T];

	rows_init(rows, &h);
	for (uint32_t i = 0; i < N; i++) {
		for (uint32_t k = 0; k < T; k++)
			ids[k] = k < 1 + i % T ? 1 + i : 0;
		if (rows_add(rows, ids, &e))
			abort();
	}
}

static const struct noising_options plain = {
    .seed = 5, .shuffle = true, .t = NAN, .u = NAN, .mask = NOISING_ALL, .max_given = 1};

/* i/100 * 100 is an integer, although some products of doubles are a little smaller. */
static void test_max_given(void)
{
	int wrong = 0;

	for (uint32_t i = 0; i <= 100; i++)
		wrong += noising_max_given(i / 100.0, 100) != i;
	ok(wrong == 0,
	    "noise: --max-given F gives at most F of 100 tokens for F = 0.01, ..., 1.00: %d wrong",
	    wrong);
	ok(noising_max_given(0.299, 100) == 29 && noising_max_given(0.3, 13) == 3,
	    "noise: --max-given is rounded down to whole tokens");
}

static void test_epochs(const struct rows *rows)
{
	struct noising g;
	struct shard_record r;
	struct err e;
	int seen[2][N + 1] = {{0}}, wrong = 0, same = 0, alike = 0;
	uint32_t first[N];
	uint64_t seed[2 * N];

	noising_init(&g, &plain, rows, 0, &e);
	for (uint64_t n = 0; n < 2 * N; n++) {
		noising_record(&g, n, &r);
		seed[n] = r.noise_seed;
		for (uint64_t i = 0; i < n; i++)
			alike += seed[i] == seed[n];
		seen[n / N][r.ids[0]]++;
		if (n < N)
			first[n] = r.ids[0];
		else
			same += first[n - N] == r.ids[0];
	}
	for (int i = 1; i <= N; i++)
		wrong += seen[0][i] != 1 || seen[1][i] != 1;
	ok(wrong == 0, "noising: each epoch has every row once");
	ok(alike == 0, "noising: every record has its own noise seed");
	ok(same < N / 2, "noising: the second epoch has another order (%d of %d in place)", same,
	    N);
	noising_release(&g);
}

static void test_entry(const struct rows *rows)
{
	struct noising_options o = plain;
	struct noising a, b;
	struct err e;
	int wrong = 0;

	o.mask = NOISING_MIXED;
	noising_init(&a, &o, rows, 0, &e);
	noising_init(&b, &o, rows, 0, &e);
	for (uint64_t i = 0; i < 3 * N; i++) {
		struct shard_record x, y;
		uint64_t n = i * 7 % (3 * N); /* b is read in another order */

		noising_record(&b, n, &y);
		noising_record(&a, n, &x);
		wrong += memcmp(x.ids, y.ids, T * sizeof *x.ids) != 0 ||
		         x.noise_seed != y.noise_seed || x.u != y.u ||
		         memcmp(x.mask, y.mask, 2) != 0;
		noising_record(&b, rng_below(1, RNG_TEST, 0, i, 1000000), &y);
	}
	ok(wrong == 0, "noising: record n does not depend on the records before it");
	noising_release(&a);
	noising_release(&b);
}

struct tally {
	int given[T + 1], all, padded, holes, spare;
};

static struct tally tally_of(const struct rows *rows, enum noising_mask mask, double max_given)
{
	struct noising_options o = plain;
	struct tally t = {{0}, 0, 0, 0, 0};
	struct shard_record r;
	struct noising g;
	struct err e;

	o.mask = mask;
	o.max_given = max_given;
	noising_init(&g, &o, rows, 0, &e);
	for (uint64_t n = 0; n < 30 * N; n++) {
		int given = 0, content = 0, content_given = 0;

		noising_record(&g, n, &r);
		for (uint32_t i = 0; i < T; i++) {
			bool is_given = !shard_noised(&r, i);

			t.holes += is_given && i > 0 && shard_noised(&r, i - 1);
			t.padded += is_given && r.ids[i] == 0;
			content += r.ids[i] != 0;
			content_given += is_given && r.ids[i] != 0;
			given += is_given;
		}
		t.given[given]++;
		t.all += content == content_given;
		t.spare += r.mask[1] >> (T - 8) != 0;
	}
	noising_release(&g);
	return t;
}

static void test_masks(const struct rows *rows)
{
	struct tally all = tally_of(rows, NOISING_ALL, 1),
	             prefix = tally_of(rows, NOISING_PREFIX, 1);
	struct tally random = tally_of(rows, NOISING_RANDOM, 1);
	struct tally mixed = tally_of(rows, NOISING_MIXED, 1);
	struct tally half = tally_of(rows, NOISING_PREFIX, 0.5);
	int none, longest = 0;

	ok(all.given[0] == 30 * N, "noising, mask all: nothing is given");
	ok(prefix.holes == 0 && prefix.padded == 0 && prefix.all == 0,
	    "noising, mask prefix: a beginning is given, without padding, and never the whole "
	    "story");
	/* 1/13 of the rows has 13 ids and gives 0 to 12 of them, 1/13 has 12 ... */
	ok(prefix.given[12] > 5 && prefix.given[0] > 500 && prefix.given[6] > 50,
	    "noising, mask prefix: prefixes of all lengths occur (%d, %d, %d)", prefix.given[0],
	    prefix.given[6], prefix.given[12]);
	for (int i = 0; i <= T; i++)
		longest = half.given[i] ? i : longest;
	ok(longest == T / 2, "noising, mask prefix: at most half of 13 positions are given: %d",
	    longest);
	ok(random.given[T] == 0 && random.given[T - 1] > 100 && random.given[0] > 100 &&
	        random.given[6] > 100 && random.holes > 3000,
	    "noising, mask random: none to all but one positions are given, anywhere");
	none = (all.given[0] + prefix.given[0] + random.given[0]) / 3;
	ok(abs(mixed.given[0] - none) < 120,
	    "noising, mask mixed: a third of the records each (%d, expected %d)", mixed.given[0],
	    none);
	ok(all.spare + prefix.spare + random.spare + mixed.spare == 0,
	    "noising: no mask has a bit beyond the row");
}

static void test_levels(const struct rows *rows)
{
	struct noising_options o = plain;
	struct shard_record r;
	struct noising g;
	struct err e;
	int repeated = 0;
	float u[N];

	o.t = 3;
	noising_init(&g, &o, rows, 0, &e);
	noising_record(&g, 9, &r);
	ok(r.t == 3 && r.u == 0, "noising: a fixed t is in the record");
	noising_release(&g);
	o.t = NAN;
	o.u = 0.25f;
	noising_init(&g, &o, rows, 0, &e);
	noising_record(&g, 9, &r);
	ok(isnan(r.t) && r.u == 0.25f, "noising: a fixed u is in the record");
	noising_release(&g);
	o.u = NAN;
	o.shuffle = false;
	noising_init(&g, &o, rows, 0, &e);
	for (uint64_t n = 0; n < 2 * N; n++) {
		noising_record(&g, n, &r);
		if (r.ids[0] != 1 + n % N)
			repeated = N;
		if (n < N)
			u[n] = r.u;
		else
			repeated += fabsf(u[n - N] - r.u) < 0.01f;
	}
	ok(repeated < N / 2, "noising: rows in a fixed order get other levels in each epoch");
	noising_release(&g);
}

static void test_counts(const struct rows *rows)
{
	struct shard_counts c;
	struct err e;
	uint64_t sum = 0;

	ok(!rows_count(rows, 1000, &c, &e) && c.n == N + 1 && c.id[0] == 0 && c.id[N] == N &&
	        c.count[N] == 1 + (N - 1) % T,
	    "rows_count: the counts of all ids are correct");
	for (uint32_t i = 0; i < c.n; i++)
		sum += c.count[i];
	ok(sum == N * T, "rows_count: the counts sum to the number of ids");
	rows_counts_release(&c);
}

/* A vocabulary of more than 65536 tokens. */
static void test_wide_ids(void)
{
	struct shard_header h = {.id_bytes = 4, .vocab_size = 100000, .row_len = 2};
	uint32_t ids[] = {70000, 99999}, got[2];
	struct rows rows;
	struct err e;

	rows_init(&rows, &h);
	ok(!rows_add(&rows, ids, &e), "rows: a row of ids of 4 bytes is added");
	rows_get(&rows, 0, got);
	ok(got[0] == 70000 && got[1] == 99999, "rows: ids of 4 bytes are read back");
	rows_release(&rows);
}

int main(void)
{
	struct rows rows;

	make_rows(&rows);
	test_u();
	test_max_given();
	test_epochs(&rows);
	test_entry(&rows);
	test_masks(&rows);
	test_levels(&rows);
	test_counts(&rows);
	test_wide_ids();
	rows_release(&rows);
	return tap_done();
}
