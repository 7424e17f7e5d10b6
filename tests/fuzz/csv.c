/* CSV: rows, numbers, names, schedules. */

#include <string.h>

#include "formats/csv.h"
#include "fuzz.h"
#include "diffusion/schedule.h"

static void use_schedule(const struct csv_reader *csv)
{
	const char *field[SCHEDULE_FIELDS];
	char text[4096];
	struct schedule s;
	struct err e;

	if (csv_n_columns(csv) < SCHEDULE_FIELDS)
		return;
	for (int i = 0; i < SCHEDULE_FIELDS; i++)
		field[i] = csv_field(csv, (size_t)i);
	if (schedule_parse(&s, field, &e)) {
		fuzz_error(&e);
		return;
	}
	CHECK(!schedule_print(&s, text, sizeof text));
	for (double u = 0; u <= 1; u += 0.125) {
		double t = schedule_t(&s, u);

		CHECK(t >= s.t_min && t <= s.t_max);
	}
}

/* Read all rows. Returns the number of fields, so that the compiler does not remove the work. */
static size_t read_rows(struct csv_reader *csv, struct err *e)
{
	size_t sum = 0;
	uint64_t line = 0;
	int more;

	while ((more = csv_next(csv, e)) > 0) {
		CHECK(csv_line(csv) > line);
		line = csv_line(csv);
		for (size_t i = 0; i < csv_n_columns(csv); i++) {
			double value;

			sum += strlen(csv_field(csv, i));
			if (csv_number(csv, i, &value, e))
				fuzz_error(e);
		}
		use_schedule(csv);
	}
	if (more < 0)
		fuzz_error(e);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct csv_reader *csv;
	struct err e = {0};
	struct input in;

	if (n < 1)
		return 0;
	fuzz_input(&in, data + 1, n - 1);
	csv = csv_open(&in, data[0] & 2 ? CSV_RFC4180 : CSV_CDCD, &e);
	if (!csv) {
		fuzz_error(&e);
		input_close(&in);
		return 0;
	}
	for (size_t i = 0; i < csv_n_columns(csv); i++)
		CHECK(csv_count(csv, csv_name(csv, i)) == 1
		          ? csv_column(csv, csv_name(csv, i), &e) == (int)i
		          : csv_column(csv, csv_name(csv, i), &e) == -1 && data[0] & 2);
	if (csv_column(csv, "no such column", &e) < 0)
		fuzz_error(&e);
	csv_follow(csv, data[0] & 1);
	read_rows(csv, &e);
	csv_close(csv);
	input_close(&in);
	return 0;
}
