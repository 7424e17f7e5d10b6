#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/csv.h"
#include "tap.h"

/* A reader of text that the test wrote to a file. */
struct fixture {
	char path[64];
	struct input in;
	struct csv_reader *r;
	struct err e;
};

static bool put(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "ab");
	bool done = f && fwrite(text, 1, n, f) == n;

	return f && fclose(f) == 0 && done;
}

static bool begin_bytes(struct fixture *x, const char *text, size_t n, enum csv_rules rules)
{
	int fd;

	memset(x, 0, sizeof *x);
	strcpy(x->path, "/tmp/cdcd-csv.XXXXXX");
	fd = mkstemp(x->path);
	if (fd < 0 || close(fd) || !put(x->path, text, n) || input_open(&x->in, x->path, &x->e))
		exit(1);
	x->r = csv_open(&x->in, rules, &x->e);
	return x->r != NULL;
}

static bool begin(struct fixture *x, const char *text)
{
	return begin_bytes(x, text, strlen(text), CSV_CDCD);
}

static void end(struct fixture *x)
{
	csv_close(x->r);
	input_close(&x->in);
	unlink(x->path);
}

/* All rows of text, each in [], with | between fields, or the error. */
static const char *dump_bytes(const char *text, size_t n, enum csv_rules rules)
{
	static char all[4096];
	struct fixture x;
	size_t used = 0;
	int got = -1;

	all[0] = '\0';
	if (begin_bytes(&x, text, n, rules))
		while ((got = csv_next(x.r, &x.e)) == 1) {
			used += (size_t)snprintf(all + used, sizeof all - used, "[");
			for (size_t i = 0; i < csv_n_columns(x.r); i++)
				used += (size_t)snprintf(all + used, sizeof all - used, "%s%s",
				    i ? "|" : "", csv_field(x.r, i));
			used += (size_t)snprintf(all + used, sizeof all - used, "]");
		}
	if (got < 0)
		snprintf(all + used, sizeof all - used, "!%s", x.e.msg + strlen(x.path));
	end(&x);
	return all;
}

static void reads_by(enum csv_rules rules, const char *what, const char *text, const char *wanted)
{
	const char *got = dump_bytes(text, strlen(text), rules);

	if (!ok(!strcmp(got, wanted), "csv: %s", what))
		diag("got %s, wanted %s", got, wanted);
}

static void reads(const char *what, const char *text, const char *wanted)
{
	reads_by(CSV_CDCD, what, text, wanted);
}

static void test_rows(void)
{
	reads("plain rows", "a,b\n1,2\n3,4\n", "[1|2][3|4]");
	reads("missing values are empty fields", "a,b\n,\n1,\n", "[|][1|]");
	reads("quotes hide commas, quotes and line ends", "a,b\n\"x,\"\"y\"\"\",\"1\n\n2\"\n",
	    "[x,\"y\"|1\n\n2]");
	reads("carriage returns before line ends pass", "a,b\r\n1,2\r\n\"3\",\"4\"\r\n",
	    "[1|2][3|4]");
	reads("empty lines pass", "a,b\n\n1,2\n\r\n3,4\n\n", "[1|2][3|4]");
	reads("blanks belong to their field", "a,b\n 1 ,2 \n", "[ 1 |2 ]");
	reads("a byte order mark passes", "\xef\xbb\xbf\"a\",b\n1,2\n", "[1|2]");
	reads("a header alone is no error", "a,b\n", "");
	reads("one column", "a\n1\n\"\"\n2\n", "[1][][2]");
}

static void test_errors(void)
{
	reads("empty", "", "!: empty: expected a header row");
	reads("too few fields", "a,b\n1,2\n3\n",
	    "[1|2]!: line 3: wrong number of fields: 1 (expected 2)");
	reads("too many fields", "a,b\n\n1,2,3\n",
	    "!: line 3: wrong number of fields: 3 (expected 2)");
	reads("cut short", "a,b\n1,2\n3,4",
	    "[1|2]!: line 3: truncated: the last line has no line feed");
	reads("a header cut short", "a,b", "!: line 1: truncated: the last line has no line feed");
	reads(
	    "an open quote", "a,b\n1,\"2\n3,4\n", "!: line 2: a quoted field has no closing quote");
	reads("a quote within a field", "a,b\n1,2\n3,x\"y\n",
	    "[1|2]!: line 3: misplaced quote; is this a CSV file? (RFC 4180, 2.5)");
	reads("text after a quote", "a,b\n\"1\"x,2\n",
	    "!: line 2: misplaced quote; is this a CSV file? (RFC 4180, 2.5)");
	reads("lines within quotes count", "a,b\n\"1\n\n\",2\nx\n",
	    "[1\n\n|2]!: line 5: wrong number of fields: 1 (expected 2)");
	reads("two columns of one name", "a,b,a\n",
	    "!: two columns are named 'a', the fields 1 and 3 of the header; rename one of them");
	ok(!strcmp(
	       dump_bytes("a,b\n1,\0002\n", 9, CSV_CDCD), "!: line 2: a NUL byte: not a text file"),
	    "csv: a NUL byte is refused");
}

static void test_rfc4180(void)
{
	reads_by(CSV_RFC4180, "RFC 4180: a last row without an end", "a,b\n1,2\n3,4", "[1|2][3|4]");
	reads_by(CSV_RFC4180, "RFC 4180: a last row without an end, within quotes",
	    "a,b\n1,2\n3,\"4\"", "[1|2][3|4]");
	reads_by(CSV_RFC4180, "RFC 4180: a last row without an end, after an empty field",
	    "a,b\n1,", "[1|]");
	reads_by(CSV_RFC4180, "RFC 4180: one digit without an end", "a\n5", "[5]");
	reads_by(CSV_RFC4180, "RFC 4180: a carriage return without a line feed", "a,b\r\n1,2\r",
	    "[1|2]");
	reads_by(CSV_RFC4180, "RFC 4180: a carriage return alone is no row", "a,b\r\n1,2\r\n\r",
	    "[1|2]");
	reads_by(CSV_RFC4180, "RFC 4180: a header without an end", "a,b", "");
	reads_by(CSV_RFC4180, "RFC 4180: a byte order mark alone", "\xef\xbb\xbf",
	    "!: empty: expected a header row");
	reads_by(CSV_RFC4180, "RFC 4180: an open quote at the end", "a,b\n1,\"2",
	    "!: line 2: a quoted field has no closing quote");
	reads_by(CSV_RFC4180, "RFC 4180: too few fields at the end", "a,b\n1,2\n3",
	    "[1|2]!: line 3: wrong number of fields: 1 (expected 2)");
	reads_by(CSV_RFC4180, "RFC 4180: two columns of one name", "a,,\n1,2,3\n", "[1|2|3]");
}

static void test_ambiguous(void)
{
	static const char text[] = "a,,b,\n1,2,3,4\n";
	struct fixture x;

	ok(begin_bytes(&x, text, sizeof text - 1, CSV_RFC4180) && csv_column(x.r, "b", &x.e) == 2 &&
	        csv_count(x.r, "b") == 1 && csv_count(x.r, "") == 2 && csv_count(x.r, "z") == 0,
	    "csv_column: finds a column beside two columns with the same name");
	ok(csv_column(x.r, "", &x.e) == -1 &&
	        !strcmp(x.e.msg + strlen(x.path),
	            ": two columns are named '', the fields 2 and 4 of the header; rename one of "
	            "them"),
	    "csv_column: a name that two columns have is refused: %s", x.e.msg + strlen(x.path));
	end(&x);
}

/* A truncated file gives some of its rows and then an error, unless it ends at the end of a line,
 * but never a wrong row. */
static void test_truncation(void)
{
	static const char text[] = "step,name\n1,\"a\"\"b\"\n2,\"c\nd\"\r\n3,e\n";
	static const char *const whole = "[1|a\"b][2|c\nd][3|e]";
	int wrong = 0;

	for (size_t n = 0; n < sizeof text; n++) {
		const char *got = dump_bytes(text, n, CSV_CDCD);
		const char *error = strchr(got, '!');
		size_t good = error ? (size_t)(error - got) : strlen(got);
		bool clean = n == 10 || n == 19 || n == 28 || n == 32;

		wrong += strncmp(got, whole, good) != 0 || clean == (error != NULL);
	}
	ok(wrong == 0, "csv: a file cut at each of %zu bytes gives whole rows, then an error",
	    sizeof text - 1);
}

static void test_numbers(void)
{
	struct fixture x;
	double v[4] = {0};
	bool good;

	ok(begin(&x, "a,b,c,d\n1.5,,-inf,nan\n 2e3 ,0x1F,1,2x\n"), "open: %s", x.e.msg);
	good = csv_next(x.r, &x.e) == 1;
	for (size_t i = 0; i < 4; i++)
		good = good && csv_number(x.r, i, &v[i], &x.e) == 0;
	ok(good && v[0] == 1.5 && isnan(v[1]) && v[2] == -INFINITY && isnan(v[3]),
	    "csv_number: numbers, empty fields, infinity and NaN are read");
	ok(csv_next(x.r, &x.e) == 1 && csv_line(x.r) == 3 && !csv_number(x.r, 0, v, &x.e) &&
	        v[0] == 2000,
	    "blanks around a number pass");
	ok(csv_number(x.r, 1, v, &x.e) == -1, "a hexadecimal number is refused");
	ok(csv_number(x.r, 3, v, &x.e) == -1 &&
	        !strcmp(x.e.msg + strlen(x.path), ": line 3: column 'd': '2x' is not a number"),
	    "csv_number: the message about a field that is not a number names its line: %s",
	    x.e.msg + strlen(x.path));
	ok(csv_column(x.r, "c", &x.e) == 2, "csv_column: finds a column by name");
	ok(csv_column(x.r, "z", &x.e) == -1 &&
	        strstr(x.e.msg, "no column 'z'; there are a, b, c, d"),
	    "csv_column: the message about a missing column lists all columns");
	end(&x);
}

static void test_wide(void)
{
	enum { N = 3000 };
	char *text = malloc(2 * N * 8 + 1), *p = text;
	struct fixture x;

	for (int i = 0; i < N; i++)
		p += sprintf(p, "c%d%c", i, i < N - 1 ? ',' : '\n');
	for (int i = 0; i < N; i++)
		p += sprintf(p, "%d%c", i, i < N - 1 ? ',' : '\n');
	ok(begin(&x, text) && csv_n_columns(x.r) == N && csv_next(x.r, &x.e) == 1 &&
	        !strcmp(csv_field(x.r, N - 1), "2999"),
	    "csv: 3000 columns are read");
	ok(csv_column(x.r, "none", &x.e) == -1 && strlen(x.e.msg) < sizeof x.e.msg &&
	        !strcmp(x.e.msg + strlen(x.e.msg) - 3, "..."),
	    "csv_column: a long list of columns in a message is cut");
	end(&x);
	free(text);
}

static void test_follow(void)
{
	struct fixture x;

	ok(begin(&x, "a,b\n1,2\n3,"), "csv_follow: a growing file is opened");
	csv_follow(x.r, true);
	ok(csv_next(x.r, &x.e) == 1 && csv_next(x.r, &x.e) == 0 && x.in.eof,
	    "csv_follow: an incomplete line is neither a row nor an error");
	put(x.path, "\"4\n", 3);
	ok(csv_next(x.r, &x.e) == 0, "csv_follow: no more rows are read until eof is cleared");
	x.in.eof = false;
	ok(csv_next(x.r, &x.e) == 0, "csv_follow: an incomplete row with a quote is not read");
	put(x.path, "\"\n5,6\n", 6);
	x.in.eof = false;
	ok(csv_next(x.r, &x.e) == 1 && !strcmp(csv_field(x.r, 1), "4\n") && csv_line(x.r) == 3,
	    "csv_follow: reading continues after the rest of a row was appended");
	put(x.path, "7", 1);
	ok(csv_next(x.r, &x.e) == 1 && csv_next(x.r, &x.e) == 0,
	    "csv_follow: the last complete row is read, and an incomplete one is not");
	x.in.eof = false;
	csv_follow(x.r, false);
	ok(csv_next(x.r, &x.e) == -1 && strstr(x.e.msg, "line 6: truncated"),
	    "csv_follow: without follow, an incomplete last line is an error");
	end(&x);
}

/* Even if the last line may lack its end, the reader waits for it while the file grows. */
static void test_follow_rfc4180(void)
{
	static const char text[] = "a,b\n1,2\n3,4";
	struct fixture x;

	ok(begin_bytes(&x, text, sizeof text - 1, CSV_RFC4180),
	    "csv_follow: a growing RFC 4180 file is opened");
	csv_follow(x.r, true);
	ok(csv_next(x.r, &x.e) == 1 && csv_next(x.r, &x.e) == 0,
	    "csv_follow, RFC 4180: an incomplete line is not a row yet");
	put(x.path, "5", 1);
	x.in.eof = false;
	ok(csv_next(x.r, &x.e) == 0,
	    "csv_follow, RFC 4180: a longer incomplete line is not a row either");
	csv_follow(x.r, false);
	ok(csv_next(x.r, &x.e) == 1 && !strcmp(csv_field(x.r, 1), "45") && csv_next(x.r, &x.e) == 0,
	    "csv_follow, RFC 4180: without follow, the incomplete line is the last row");
	end(&x);
}

static void test_quote(void)
{
	static const char text[] =
	    "v,w\nplain,\"\"\n\"a,b\",\"\"\"\"\n\"say \"\"a\"\" \"\"\"\"\",\"line\nend\"\n"
	    "\"cr\r\",\" blank \"\n";
	static const char *const values[] = {
	    "plain", "", "a,b", "\"", "say \"a\" \"\"", "line\nend", "cr\r", " blank "};
	enum { N = sizeof values / sizeof values[0] };
	struct fixture x;
	int wrong = begin(&x, text) ? 0 : 1;

	for (int i = 0; x.r && i < N; i += 2)
		wrong += csv_next(x.r, &x.e) != 1 || strcmp(csv_field(x.r, 0), values[i]) != 0 ||
		         strcmp(csv_field(x.r, 1), values[i + 1]) != 0;
	ok(x.r && !wrong && csv_next(x.r, &x.e) == 0, "csv: quoted fields are read: %s", x.e.msg);
	end(&x);
}

int main(void)
{
	test_rows();
	test_errors();
	test_rfc4180();
	test_ambiguous();
	test_truncation();
	test_numbers();
	test_wide();
	test_follow();
	test_follow_rfc4180();
	test_quote();
	return tap_done();
}
