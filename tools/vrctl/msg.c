// SPDX-License-Identifier: GPL-2.0
/* Messages for people: one line on stderr each. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "out.h"
#include "vrctl.h"

static void msg_print(const char *prefix, const char *fmt, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof(line), fmt, ap);
	out_clean_line(line);
	fflush(stdout);
	fprintf(stderr, "vrctl: %s%s\n", prefix, line);
}

int usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_print("", fmt, ap);
	va_end(ap);
	return VRCTL_USAGE;
}

int failure(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_print("", fmt, ap);
	va_end(ap);
	return VRCTL_FAILED;
}

void warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	msg_print("warning: ", fmt, ap);
	va_end(ap);
}

/* realloc() that does not come back without memory */
void *xrealloc(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n ? n : 1, size);
	if (!p) {
		fputs("vrctl: out of memory\n", stderr);
		exit(VRCTL_FAILED);
	}
	return p;
}
