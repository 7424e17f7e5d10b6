#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "base/clock.h"

void progress_start(struct progress *p)
{
	p->started = p->last = clock_seconds();
	p->terminal = isatty(STDERR_FILENO);
}

bool progress_due(struct progress *p)
{
	double t = clock_seconds();

	if (cli_quiet || t - p->last < (p->terminal ? 0.2 : 60.0))
		return false;
	p->last = t;
	return true;
}

void progress_show(struct progress *p, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (p->terminal)
		fprintf(stderr, "\r\033[K%s", line);
	else
		fprintf(stderr, "%s\n", line);
	cli_line_drawn = p->terminal;
}

void progress_end(void)
{
	if (cli_line_drawn)
		fputc('\n', stderr);
	cli_line_drawn = false;
}

double progress_seconds(const struct progress *p)
{
	return clock_seconds() - p->started;
}

const char *progress_eta(const struct progress *p, double done, char text[16])
{
	double left = done > 0 ? progress_seconds(p) * (1 - done) / done : 0;
	long s = left < 3.6e6 ? (long)(left + 0.5) : 3599999;

	snprintf(text, 16, "%ld:%02ld:%02ld", s / 3600 % 1000, s / 60 % 60, s % 60);
	return text;
}
