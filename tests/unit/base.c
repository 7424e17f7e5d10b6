#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train/even_loss.h"
#include "train/steplog.h"
#include "base/cgroup.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/number.h"
#include "base/path.h"
#include "base/rng.h"
#include "base/strings.h"
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
	ok(fabs(m1 / N) < 0.01, "rng: the mean of normal numbers, %.4f, is 0 within 4 sigma",
	    m1 / N);
	ok(fabs(m2 / N - 1) < 0.013,
	    "rng: the variance of normal numbers, %.4f, is 1 within 4 sigma", m2 / N);
	ok(fabs(m4 / N - 3) < 0.1,
	    "rng: the fourth moment of normal numbers, %.4f, is 3 within 4 sigma", m4 / N);
	rng_normal(7, RNG_TEST, 3, part, 7);
	ok(!memcmp(part, z, sizeof part),
	    "rng: normal component i does not depend on the number of components requested");
	free(z);
}

static void test_permutation(void)
{
	enum { N = 1000 };
	uint32_t order[N], other[N];
	unsigned char seen[N] = {0};
	int missing = 0, count[9] = {0}, worst = 0;

	rng_permutation(1, 0, order, N);
	rng_permutation(1, 1, other, N);
	for (int i = 0; i < N; i++)
		seen[order[i]] = 1;
	for (int i = 0; i < N; i++)
		missing += !seen[i];
	ok(missing == 0, "rng: a permutation contains every row once");
	ok(memcmp(order, other, sizeof order) != 0, "rng: another round gives another permutation");
	for (uint32_t round = 0; round < 6000; round++) {
		rng_permutation(1, round, order, 3);
		count[3 * order[0] + order[1]]++;
	}
	for (int i = 0; i < 9; i++)
		if (i % 4) /* 0, 4 and 8: one row twice */
			worst = abs(count[i] - 1000) > worst ? abs(count[i] - 1000) : worst;
	ok(worst < 150, "rng: all six permutations of three are equally frequent (at most %d off)",
	    worst);
}

static void test_below(void)
{
	int count[6] = {0}, worst = 0;

	for (int i = 0; i < 60000; i++)
		count[rng_below(5, RNG_TEST, 0, (uint64_t)i, 6)]++;
	for (int i = 0; i < 6; i++)
		worst = abs(count[i] - 10000) > worst ? abs(count[i] - 10000) : worst;
	ok(worst < 450,
	    "rng: the six values below 6 are equally frequent (at most %d of 10000 off)", worst);
}

static void test_replace(void)
{
	char dir[] = "/tmp/cdcd-base.XXXXXX", path[64];
	struct output out;
	struct input in;
	struct err e = {0};
	const char *line = "";
	size_t n = 0;

	if (!ok(mkdtemp(dir) != NULL, "io: the test creates a temporary directory"))
		return;
	snprintf(path, sizeof path, "%s/file", dir);
	ok(!output_open(&out, path, &e) && !output_write(&out, "one\ntwo", 7, &e) &&
	        !output_write(&out, NULL, 0, &e) && !output_commit(&out, &e),
	    "io: a file is written and committed: %s", e.msg);
	ok(!output_open(&out, path, &e) && !output_write(&out, "three", 5, &e),
	    "io: the same file is written again");
	output_abort(&out);
	ok(!input_open(&in, path, &e) && input_line(&in, &line, &n, &e) == 1 && n == 3 &&
	        !memcmp(line, "one", 3),
	    "io: an aborted write leaves the old file");
	ok(input_line(&in, &line, &n, &e) == 1 && n == 3 && !memcmp(line, "two", 3),
	    "io: the last line needs no line end");
	ok(input_line(&in, &line, &n, &e) == 0, "io: the end of the file follows the last line");
	input_close(&in);
	unlink(path);
	ok(!rmdir(dir), "io: writing leaves no temporary file");
}

static void test_messages(void)
{
	struct err e;

	err_set(&e, "file\x1b[2J: '%s'", "a\nb\x7f\xc3\xa9");
	ok(!strcmp(e.msg, "file?[2J: 'a?b?\xc3\xa9'"),
	    "err: control characters in a message are replaced");
	err_prefix(&e, "\r%s", "\t");
	ok(!strncmp(e.msg, "??: file", 8), "err: control characters in a prefix are replaced");
	err_set(&e, "\xc2\x9b, \x9b, \xc4\x9b, \xc3");
	ok(!strcmp(e.msg, "??, ?, \xc4\x9b, ?"),
	    "err: control characters above ASCII and invalid UTF-8 are replaced: %s", e.msg);
	ok(err_is_printable("\xc4\x9b \xe2\x80\xa6") && !err_is_printable("a\xc2\x9b") &&
	        !err_is_printable("\t"),
	    "err: err_is_printable accepts UTF-8 and refuses control characters");
}

static int put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	return f && fputs(text, f) >= 0 && !fclose(f) ? 0 : -1;
}

/* The file at vanishing is removed just before it is locked, as if its last holder released it. */
static const char *vanishing;

int flock(int fd, int how)
{
	if (vanishing)
		unlink(vanishing);
	vanishing = NULL;
	return (int)syscall(SYS_flock, fd, how);
}

static void test_lock(const char *dir)
{
	char path[64], beside[80];
	struct lock l, other, none = {0};
	int in = open("/dev/null", O_RDONLY);
	struct err e = {0};
	FILE *f;

	ok(dup2(in, STDIN_FILENO) == STDIN_FILENO && (lock_release(&none), 1) &&
	        fcntl(STDIN_FILENO, F_GETFD) >= 0 && !close(in),
	    "lock: the release of a struct of zeros leaves descriptor 0 open");
	snprintf(path, sizeof path, "%s/locked", dir);
	snprintf(beside, sizeof beside, "%s.lock", path);
	ok(!lock_take(&l, path, &e) && !access(beside, F_OK), "lock: a file can be locked: %s",
	    e.msg);
	ok(lock_take(&other, path, &e) && strstr(e.msg, "is being written by another process, "),
	    "lock: a locked file cannot be locked again: %s", e.msg);
	lock_release(&other);
	lock_release(&l);
	ok(access(beside, F_OK), "lock: the release removes the lock file");
	lock_release(&l);
	f = fopen(beside, "w");
	fputs("1\n", f);
	fclose(f);
	ok(!lock_take(&l, path, &e), "lock: a lock file that a killed process left does not lock");
	ok(!unlink(beside) && !lock_take(&other, path, &e),
	    "lock: after the lock file was removed, another lock makes a new one: %s", e.msg);
	lock_release(&l);
	ok(!access(beside, F_OK) && lock_take(&l, path, &e),
	    "lock: the release of the first lock leaves the lock file of the second");
	lock_release(&other);
	vanishing = beside;
	ok(!lock_take(&l, path, &e) && !vanishing && !access(beside, F_OK),
	    "lock: a lock file that was removed before it was locked is made again");
	lock_release(&l);
	ok(!lock_take(&l, "/dev/null", &e) && access("/dev/null.lock", F_OK),
	    "lock: a device gets no lock file");
	lock_release(&l);
	ok(lock_take(&l, "/nonexistent/x", &e) && strstr(e.msg, "/nonexistent/x.lock"),
	    "lock: a file in a missing directory cannot be locked: %s", e.msg);
}

/* The name of the temporary file of path, from the last '/' on. */
static void temporary_of(const char *path, char name[64])
{
	struct output out;
	struct err e;

	*name = '\0';
	if (output_open(&out, path, &e))
		return;
	snprintf(name, 64, "%s", strrchr(out.temporary, '/'));
	output_abort(&out);
}

static void test_sweep(const char *dir)
{
	char path[6][128], name[64], other[64];
	bool there = false;

	snprintf(path[0], sizeof path[0], "%s/s", dir);
	temporary_of(path[0], name);
	snprintf(path[1], sizeof path[1], "%s/t", dir);
	temporary_of(path[1], other);
	snprintf(path[1], sizeof path[1], "%s%s", dir, other);
	snprintf(path[2], sizeof path[2], "%s%.*s.tmp", dir, (int)strlen(name) - 5, name);
	snprintf(path[3], sizeof path[3], "%s%s2", dir, name);
	snprintf(path[4], sizeof path[4], "%s%.*sX.tmp", dir, (int)strlen(name) - 5, name);
	snprintf(path[5], sizeof path[5], "%s%s", dir, name);
	for (int i = 0; i < 6; i++)
		ok(!put_file(path[i], ""), "sweep: the test plants %s", path[i]);
	output_sweep(path[0]);
	for (int i = 0; i < 5; i++)
		there = (i == 0 || there) && !access(path[i], F_OK);
	ok(access(path[5], F_OK) && there,
	    "sweep: removes the temporary files of a killed writer, and no others");
	for (int i = 0; i < 5; i++)
		unlink(path[i]);
}

static void test_long_name(const char *dir)
{
	char path[320], text[4] = "";
	struct output out;
	struct err e = {0};
	FILE *f;

	for (int n = 238; n <= 255; n++) {
		snprintf(path, sizeof path, "%s/%0*d", dir, n, n);
		ok(!output_open(&out, path, &e) && !output_write(&out, "x", 1, &e) &&
		        !output_commit(&out, &e) && (f = fopen(path, "r")) &&
		        fgets(text, sizeof text, f) && !fclose(f) && !strcmp(text, "x"),
		    "output: a name of %d bytes can be written: %s", n, e.msg);
		unlink(path);
	}
}

/* The contents of path after a log of these rows is opened to continue after step 2. */
static const char *after(const char *path, const char *rows, int64_t keep, struct err *e)
{
	static char text[128];
	FILE *f = fopen(path, "w");
	struct steplog log;
	size_t n;

	fputs(rows, f);
	fclose(f);
	if (steplog_open(&log, path, "step,x", keep, e))
		return e->msg;
	if (steplog_begin(&log, "step,x", e) || output_printf(&log.out, e, "3,new\n") ||
	    output_commit(&log.out, e))
		return e->msg;
	f = fopen(path, "r");
	n = fread(text, 1, sizeof text - 24, f);
	fclose(f);
	snprintf(text + n, 24, "%d", (int)log.cut);
	return text;
}

/* The loss 3 + ln t, measured n times at levels of which the share u^power is below t_max^u. */
static double skewed_loss(double power)
{
	struct even_loss l = {.t_min = 1, .t_max = 100};
	const int n = 100000;

	for (int i = 0; i < n; i++) {
		double t = pow(100, pow((i + 0.5) / n, power));

		even_loss_add(&l, t, 3 + log(t));
	}
	return even_loss_mean(&l);
}

static void test_even_loss(void)
{
	struct even_loss l = {.t_min = 1, .t_max = exp(16)};
	double even = 3 + log(100) / 2;

	ok(isnan(even_loss_mean(&l)), "even_loss: is NAN without losses");
	even_loss_add(&l, exp(3.5), 1);
	even_loss_add(&l, exp(3.9), 3);
	ok(even_loss_mean(&l) == 2, "even_loss: losses of one interval count for all");
	even_loss_add(&l, exp(7.5), 6);
	even_loss_add(&l, exp(99), 10);
	/* 2 in intervals 0 to 3; 3, 4, 5; 6 in interval 7; then to 10 in interval 15. */
	ok(fabs(even_loss_mean(&l) - (8 + 12 + 6 + 6.5 + 7 + 7.5 + 8 + 8.5 + 9 + 9.5 + 10) / 16) <
	        1e-12,
	    "even_loss: intervals without losses are interpolated: %g", even_loss_mean(&l));
	ok(fabs(skewed_loss(1) - even) < 1e-3 && fabs(skewed_loss(3) - even) < 0.03 &&
	        fabs(skewed_loss(0.3) - even) < 0.03,
	    "even_loss: does not depend on the levels at which the losses are measured");
}

static void test_steplog(const char *dir)
{
	static const struct {
		const char *rows, *want;
		int64_t keep;
	} t[] = {
	    {"", "step,x\n3,new\n0", 2},
	    {"step,x\n", "step,x\n3,new\n0", 2},
	    {"step,x\n1,a\n2,b\n2,c\n", "step,x\n1,a\n2,b\n2,c\n3,new\n0", 2},
	    {"step,x\n1,a\n2,b\n3,c\n4,d\n", "step,x\n1,a\n2,b\n3,new\n2", 2},
	    {"step,x\n1,a\n2,b\n3", "step,x\n1,a\n2,b\n3,new\n1", 2},
	    {"step,x\n1,a\n2,", "step,x\n1,a\n3,new\n1", 2},
	    {"step", "step,x\n3,new\n1", 2},
	    {"step,x\n0,a\n1,a\n", "step,x\n0,a\n3,new\n1", 0},
	    {"", "step,x\n3,new\n0", -1},
	    {"anything\n", "step,x\n3,new\n0", -1},
	};
	char path[64], what[64];
	struct err e = {0};

	snprintf(path, sizeof path, "%s/log", dir);
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		ok(!strcmp(after(path, t[i].rows, t[i].keep, &e), t[i].want),
		    "steplog: an existing log is continued correctly, case %zu", i);
	snprintf(what, sizeof what, "%s", strrchr(after(path, "y,x\n1,a\n", 2, &e), '/'));
	ok(!strncmp(what, "/log: its first line is not 'step,x'", 36),
	    "steplog: a file with another header is refused: %s", e.msg);
	ok(strstr(after(path, "my notes", 2, &e), "its first line is not 'step,x'"),
	    "steplog: a file of another kind without a line end is refused: %s", e.msg);
	ok(strstr(after(path, "step,x\n1,a\nb,c\n", 2, &e), "line 3 does not begin with a step"),
	    "steplog: a log with a row without a step is refused: %s", e.msg);
	unlink(path);
}

static void test_same(const char *dir)
{
	char file[64], other[64], link[64];

	snprintf(file, sizeof file, "%s/a", dir);
	snprintf(other, sizeof other, "%s/../%s/a", dir, strrchr(dir, '/') + 1);
	snprintf(link, sizeof link, "%s/b", dir);
	ok(path_same(file, other) && !path_same(file, link),
	    "path_same: two paths of one missing file are the same");
	ok(!put_file(file, "x") && path_same(file, other) && !path_same(file, link) &&
	        !path_same(link, file),
	    "path_same: two paths of one file are the same");
	ok(!symlink(file, link) && path_same(file, link) && path_same(link, other),
	    "path_same: a symbolic link is the same as its target");
	unlink(link);
	ok(!put_file(link, "x") && !path_same(link, file),
	    "path_same: two files with the same contents differ");
	ok(!path_same("-", "-") && !path_same(NULL, file) && !path_same(NULL, NULL),
	    "path_same: standard streams are no files");
	ok(!path_same("/dev/null", "/dev/../dev/null"),
	    "path_same: a device is never the same file");
	unlink(file);
	unlink(link);
}

static void test_numbers(void)
{
	static const char *const none[] = {
	    "", " 1", "1 ", "+1", "0x10", "1_", "-", "--1", "inf", "nan", "1e", "."};
	int64_t i;
	uint64_t u;
	double d;

	for (size_t n = 0; n < sizeof none / sizeof *none; n++)
		ok(number_int(none[n], &i) && errno == EINVAL && number_unsigned(none[n], &u) &&
		        errno == EINVAL && number_real(none[n], &d) && errno == EINVAL,
		    "number: '%s' is refused", none[n]);
	ok(!number_int("-9223372036854775808", &i) && i == INT64_MIN,
	    "number: the smallest int64_t is accepted");
	ok(number_int("9223372036854775808", &i) && errno == ERANGE,
	    "number: an int64_t that is too large by one is refused");
	ok(!number_unsigned("18446744073709551615", &u) && u == UINT64_MAX,
	    "number: the largest uint64_t is accepted");
	ok(number_unsigned("18446744073709551616", &u) && errno == ERANGE,
	    "number: a uint64_t that is too large by one is refused");
	ok(number_unsigned("-1", &u) && errno == EINVAL,
	    "number: a negative number is refused as unsigned");
	ok(!number_real("-1.5e-3", &d) && d == -1.5e-3 && !number_real(".5", &d) && d == 0.5,
	    "number: real numbers are accepted");
	ok(number_real("1e400", &d) && errno == ERANGE && number_real("1e-400", &d) &&
	        errno == ERANGE,
	    "number: real numbers outside the range of double are refused");
}

static void test_data_numbers(void)
{
	static const char *const none[] = {
	    "", " 1", "1 ", "0x10", "1_", "-", "--1", "+-1", "-+1", "1e", ".", "nan(1)", "infinit"};
	double d, infinite, least;

	for (size_t n = 0; n < sizeof none / sizeof *none; n++)
		ok(number_data(none[n], &d) && errno == EINVAL, "data: '%s' is not a number",
		    none[n]);
	ok(!number_data("-1.5e-3", &d) && d == -1.5e-3 && !number_data("+.5", &d) && d == 0.5,
	    "data: reals with either sign");
	ok(!number_data("-NaN", &d) && isnan(d) && !number_data("-Inf", &d) && d == -INFINITY &&
	        !number_data("infinity", &d) && d == INFINITY,
	    "data: names of what is not finite");
	ok(!number_data("1e400", &infinite) && infinite == INFINITY &&
	        !number_data("4e-320", &least) && least == 4e-320,
	    "data: a real that is too large is infinite, a small one is subnormal");
}

static void test_strings(void)
{
	struct strings strings = {0};
	struct err e;
	char text[16];
	size_t n;
	int wrong = 0;

	ok(strings_find(&strings, "n1", 2) == -1, "strings: none is found before one is added");
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 5000; i++) {
			n = (size_t)snprintf(text, sizeof text, "n%d", i);
			wrong += strings_add(&strings, text, n, &e) != i;
			wrong += strings_find(&strings, text, n) != i;
			wrong += strcmp(strings_get(&strings, (size_t)i, NULL), text) != 0;
		}
	ok(!wrong && strings.n == 5000, "strings: 5000 keep the order in which they were added");
	ok(strings_add(&strings, "a\0b", 3, &e) == 5000 && strings_find(&strings, "a", 1) == -1 &&
	        strings_add(&strings, "", 0, &e) == 5001 && strings_get(&strings, 5000, &n) &&
	        n == 3 && strings_find(&strings, "", 0) == 5001,
	    "strings: the empty string, and one that contains a NUL byte");
	strings_release(&strings);
}

static void test_files(void)
{
	char dir[] = "/tmp/cdcd-base.XXXXXX";

	if (!ok(mkdtemp(dir) != NULL, "base: the test creates a temporary directory"))
		return;
	test_same(dir);
	test_lock(dir);
	test_sweep(dir);
	test_long_name(dir);
	test_even_loss();
	test_steplog(dir);
	ok(!rmdir(dir), "base: the tests leave no other file");
}

/* --- control groups, in a tree of files made by the test --- */

static char tree[] = "/tmp/cdcd-cgroup.XXXXXX";

/* Write a file of the tree, and make its directories. */
static void plant(const char *path, const char *text)
{
	char whole[256];

	snprintf(whole, sizeof whole, "%s%s", tree, path);
	for (char *p = whole + sizeof tree; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(whole, 0777);
	}
	ok(!put_file(whole, text), "cgroup: the test plants %s", path);
}

static void remove_tree(void)
{
	char command[64];

	snprintf(command, sizeof command, "rm -rf %s/*", tree);
	ok(!system(command), "cgroup: the test removes the planted tree");
}

static void plant_unified(const char *top, const char *own)
{
	char text[256];

	snprintf(text, sizeof text,
	    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:26 %s /sys/fs/cgroup rw,nosuid shared:4 "
	    "- "
	    "cgroup2 cgroup2 rw\n",
	    top);
	plant("/proc/self/mountinfo", text);
	snprintf(text, sizeof text, "0::%s\n", own);
	plant("/proc/self/cgroup", text);
}

static void is_room(uint64_t want, const char *what)
{
	uint64_t got = cgroup_room(tree);

	ok(got == want, "cgroup: %s: the available memory is %llu (expected %llu)", what,
	    (unsigned long long)got, (unsigned long long)want);
}

static void test_unified(void)
{
	plant_unified("/", "/job/step");
	is_room(UINT64_MAX, "version 2 without limits");
	plant("/sys/fs/cgroup/job/step/memory.max", "max\n");
	plant("/sys/fs/cgroup/job/step/memory.high", "max\n");
	plant("/sys/fs/cgroup/job/step/memory.current", "3000\n");
	is_room(UINT64_MAX, "version 2, limits of max");
	plant("/sys/fs/cgroup/job/step/memory.max", "10000\n");
	is_room(7000, "version 2, memory.max less what is used");
	plant("/sys/fs/cgroup/job/step/memory.stat",
	    "anon 1500\nfile 1500\ninactive_file 400\nactive_file 200\n");
	is_room(7600, "version 2, where cache counts as free");
	plant("/sys/fs/cgroup/job/step/memory.high", "8000\n");
	is_room(5600, "version 2, memory.high where it is less");
	plant("/sys/fs/cgroup/job/memory.max", "9000\n");
	plant("/sys/fs/cgroup/job/memory.current", "8000\n");
	is_room(1000, "version 2, the limit of a group above");
	plant("/sys/fs/cgroup/job/memory.current", "9500\n");
	is_room(0, "version 2, above its limit");
	plant_unified("/", "/");
	plant("/sys/fs/cgroup/memory.max", "5000\n");
	is_room(5000, "version 2, the group that is mounted");
	plant_unified("/docker/1", "/docker/1");
	is_room(5000, "version 2, mounted from a group that the own one is");
	plant_unified("/doc", "/docker/1");
	is_room(5000, "version 2, mounted from a group that the own one is not in");
	remove_tree();
}

static void test_separate(void)
{
	plant("/proc/self/mountinfo",
	    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
	    "34 31 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
	    "35 31 0:32 /pods /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	plant("/proc/self/cgroup", "5:cpu:/other\n4:hugetlb,memory:/pods/a/b\n0::/\n");
	is_room(UINT64_MAX, "version 1 without limits");
	plant("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "6000\n");
	plant("/sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", "5000\n");
	plant("/sys/fs/cgroup/memory/a/b/memory.stat",
	    "inactive_file 9\ntotal_inactive_file 300\ntotal_active_file 100\n");
	is_room(1400, "version 1, the limit less what is used but cache");
	plant("/sys/fs/cgroup/memory/memory.limit_in_bytes", "6100\n");
	plant("/sys/fs/cgroup/memory/memory.usage_in_bytes", "6000\n");
	is_room(100, "version 1, the limit of the group that is mounted");
	remove_tree();
	is_room(UINT64_MAX, "no control groups");
}

static void test_cgroups(void)
{
	if (!ok(mkdtemp(tree) != NULL, "cgroup: the test creates a temporary directory"))
		return;
	test_unified();
	test_separate();
	ok(!rmdir(tree), "cgroup: the test leaves no other file");
}

int main(void)
{
	test_normal();
	test_permutation();
	test_below();
	test_replace();
	test_messages();
	test_numbers();
	test_data_numbers();
	test_strings();
	test_files();
	test_cgroups();
	return tap_done();
}
