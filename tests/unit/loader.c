/* Which rank has which rows, and what one process reads of a stream. */

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "train/loader.h"
#include "tap.h"

enum { WORDS = 8, T = 4, SIZE = 5 };

static struct active_vocab active;
static struct schedule schedule;

/* A stream of rows whose noise seeds are their numbers. */
static struct shard_header header(uint64_t first, uint64_t stride)
{
	return (struct shard_header){.kind = SHARD_NOISED,
	    .id_bytes = 2,
	    .vocab_size = WORDS,
	    .row_len = T,
	    .special = {0, 1, SHARD_NO_ID, SHARD_NO_ID, SHARD_NO_ID},
	    .first = first,
	    .stride = stride};
}

static struct shard_reader *open_rows(uint64_t first, uint64_t stride, uint64_t n, float t)
{
	char path[] = "/tmp/cdcd-loader.XXXXXX";
	const uint32_t ids[T] = {2, 3, 4, 5};
	const uint8_t mask[1] = {0xf};
	struct shard_header h = header(first, stride);
	struct shard_reader *rows;
	struct shard_writer *w;
	struct err e = {0};

	close(mkstemp(path));
	w = shard_create(path, &h, NULL, NULL, SHARD_STORED, &e);
	for (uint64_t i = 0; w && i < n; i++) {
		struct shard_record r = {ids, T, t, 0.25f, first + i * stride, mask};

		if (shard_write(w, &r, &e))
			diag("%s", e.msg);
	}
	if (!w || shard_commit(w, &e))
		diag("%s", e.msg);
	rows = shard_open(path, &e);
	if (!rows)
		diag("%s", e.msg);
	unlink(path);
	return rows;
}

static struct loader new_loader(struct comm *comm)
{
	return (struct loader){
	    .comm = comm, .size = SIZE, .active = &active, .schedule = &schedule};
}

/* For each number of ranks, first row and length of a batch: each row has one rank, which is its
 * number modulo that of the ranks. */
static void test_partition(void)
{
	int wrong = 0;

	for (int ranks = 1; ranks <= 5; ranks++)
		for (uint64_t first = 0; first < 12; first++)
			for (size_t n = 0; n <= 12; n++) {
				size_t all = 0, most = 0;

				for (int r = 0; r < ranks; r++) {
					struct comm comm = {.rank = r, .size = ranks};
					struct loader l = {.comm = &comm, .first = first, .n = n};
					size_t count = loader_count(&l, n), has = 0;

					for (size_t i = 0; i < n; i++) {
						bool own = (int)((first + i) % (size_t)ranks) == r;

						has += loader_has(&l, i);
						wrong += loader_has(&l, i) != own;
					}
					wrong += has != count;
					all += count;
					most = count > most ? count : most;
				}
				wrong += all != n;
				wrong += most != loader_capacity(&(struct comm){.size = ranks}, n);
			}
	ok(wrong == 0,
	    "loader: each row of a batch has one rank, by its number in the stream: %d wrong",
	    wrong);
}

static void test_batches(void)
{
	struct shard_reader *rows = open_rows(0, 1, 13, NAN);
	struct loader l = new_loader(NULL);
	struct batch b;
	struct err e = {0};
	int n[4] = {0};
	bool right;

	batch_init(&b, SIZE, T, &e);
	right = rows && !loader_open(&l, rows, 2, &e);
	for (int i = 0; right && i < 4; i++) {
		n[i] = loader_next(&l, &b, &e);
		for (size_t j = 0; j < b.B; j++)
			right &= b.seed[j] == 2 + (uint64_t)i * SIZE + j;
	}
	ok(right && n[0] == 5 && n[1] == 5 && n[2] == 1 && n[3] == 0,
	    "loader: 13 rows from row 2 on are batches of 5, 5 and 1: %d, %d, %d, %d %s", n[0],
	    n[1], n[2], n[3], e.msg);
	shard_close(rows);
	batch_release(&b);
}

static void test_levels(void)
{
	/* The rows have u = 0.25. */
	const struct {
		double even, level;
	} cases[] = {{0, schedule_t(&schedule, 0.25)}, {1, schedule_spread(&schedule, 0.25)},
	    {0.5, schedule_spread(&schedule, 0.5)}, {0.2, schedule_t(&schedule, 0.0625)}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct shard_reader *rows = open_rows(0, 1, 1, NAN);
		struct loader l = new_loader(NULL);
		struct batch b;
		struct err e = {0};

		l.even = cases[i].even;
		batch_init(&b, SIZE, T, &e);
		ok(rows && !loader_open(&l, rows, 0, &e) && loader_next(&l, &b, &e) == 1 &&
		        fabs(b.t[0] / cases[i].level - 1) < 1e-6,
		    "loader: if %g of the rows have even levels, u = 0.25 has level %g %s",
		    cases[i].even, cases[i].level, e.msg);
		shard_close(rows);
		batch_release(&b);
	}
}

static void refuse(struct comm *comm, uint64_t first, uint64_t stride, uint64_t n, uint64_t next,
    const char *words)
{
	struct shard_reader *rows = open_rows(first, stride, n, NAN);
	struct loader l = new_loader(comm);
	struct err e = {0};

	ok(rows && loader_open(&l, rows, next, &e) && strstr(e.msg, words), "loader: refuses: %s",
	    e.msg);
	shard_close(rows);
}

/* A rank's own stream: after 7 rows of all ranks, the next of rank 1 of 3 is row 7. */
static void test_own_stream(void)
{
	struct comm comm = {.rank = 1, .size = 3};
	struct shard_reader *rows = open_rows(1, 3, 4, NAN);
	struct loader l = new_loader(&comm);
	struct shard_record r = {0};
	struct err e = {0};
	bool right = rows && !loader_open(&l, rows, 7, &e) && shard_read(rows, &r, &e) == 1;

	ok(right && r.noise_seed == 7,
	    "loader: a stream of one rank is read from that rank's next row on: row %d %s",
	    (int)r.noise_seed, e.msg);
	shard_close(rows);
	refuse(&comm, 0, 3, 4, 0, "has the rows of rank 0 of 3, where this is rank 1 of 3");
	refuse(&comm, 1, 2, 4, 0, "has the rows of rank 1 of 2, where this is rank 1 of 3");
}

static void test_bad_row(void)
{
	struct shard_reader *rows = open_rows(0, 1, 3, 0);
	struct loader l = new_loader(NULL);
	struct batch b;
	struct err e = {0};

	batch_init(&b, SIZE, T, &e);
	ok(!rows || (!loader_open(&l, rows, 1, &e) && loader_next(&l, &b, &e) < 0 &&
	                strstr(e.msg, "row 1: ")),
	    "loader: an error names the row: %s", e.msg);
	shard_close(rows);
	batch_release(&b);
}

static void test_count(void)
{
	struct shard_header h = header(0, 1);
	uint64_t rows, end;
	struct err e = {0};
	int failed;

	for (h.expected = 0; h.expected <= 13; h.expected += 13)
		ok(!loader_count_rows(NULL, &h, &rows, &end, &e) && rows == h.expected &&
		        end == h.expected,
		    "loader: %d rows by the header, where 0 is unknown %s", (int)h.expected, e.msg);
	h.expected = UINT64_MAX;
	failed = loader_count_rows(NULL, &h, &rows, &end, &e);
	ok(!failed && rows == INT64_MAX && end == INT64_MAX,
	    "loader: more than 2^63 rows by the header count as 2^63 - 1: %" PRIu64, rows);
}

int main(void)
{
	struct shard_header h = header(0, 1);
	struct shard_counts none = {0};
	struct err e = {0};

	schedule_init(&schedule, SCHEDULE_CAUCHY, 16, 3, 0, 0);
	if (active_vocab_init(&active, &h, &none, 1, &e))
		diag("%s", e.msg);
	test_partition();
	test_batches();
	test_levels();
	test_own_stream();
	refuse(NULL, 4, 1, 3, 3, "begins with row 4 of its stream, but row 3 comes next");
	refuse(NULL, 0, 1, 3, 4, "ends at row 3, but row 4 comes next");
	test_bad_row();
	test_count();
	active_vocab_release(&active);
	return tap_done();
}
