/* SPDX-License-Identifier: GPL-2.0 */
/* What every part of vrctl shares: options, exit status, messages. */
#ifndef VRCTL_H
#define VRCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define VRCTL_VERSION	"1.0"

/* Exit status, as the manual has it. */
enum {
	VRCTL_OK = 0,
	VRCTL_FAILED = 1,
	VRCTL_USAGE = 2,
};

/* One bit for each option that a command may take. */
#define OPT_JSON	(1 << 0)
#define OPT_ALL		(1 << 1)
#define OPT_DETAILS	(1 << 2)
#define OPT_WATCH	(1 << 3)
#define OPT_COUNT	(1 << 4)
#define OPT_NETNS	(1 << 5)

/**
 * struct options - what the command line's options say
 * @given: OPT_ bits
 * @netns: namespace to work in, or NULL
 * @watch_ms: -w, ms
 * @count: -c
 */
struct options {
	unsigned int given;
	const char *netns;
	uint32_t watch_ms;
	uint32_t count;
};

extern struct options opts;

static inline bool opt(unsigned int bit)
{
	return opts.given & bit;
}

/**
 * struct command - one command of vrctl
 * @name: its word
 * @options: OPT_ bits that it takes
 * @run: does it; argv[0] is the first word after the command
 * @usage: arguments, for the help
 * @help: what it does, lines
 */
struct command {
	const char *name;
	unsigned int options;
	int (*run)(int argc, char **argv);
	const char *usage;
	const char *help;
};

extern const struct command commands[];

const struct command *command_find(const char *name);
void help_print(const struct command *cmd);

/* One line on stderr each; what they return is the exit status. */
int usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int failure(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *xrealloc(void *p, size_t n, size_t size);

int list_run(int argc, char **argv);
int show_run(int argc, char **argv);
int set_run(int argc, char **argv);
int reset_run(int argc, char **argv);
int port_run(int argc, char **argv);
int nic_run(int argc, char **argv);
int stats_run(int argc, char **argv);
int lookup_run(int argc, char **argv);
int fib_run(int argc, char **argv);
int monitor_run(int argc, char **argv);
int create_run(int argc, char **argv);
int delete_run(int argc, char **argv);
int help_run(int argc, char **argv);

#endif
