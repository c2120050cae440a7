// SPDX-License-Identifier: GPL-2.0
/* vrctl: options, and on to the command. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netns.h"
#include "parse.h"
#include "vrctl.h"

struct options opts;

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "all", no_argument, NULL, 'a' },
	{ "details", no_argument, NULL, 'd' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "netns", required_argument, NULL, 'n' },
	{ "watch", required_argument, NULL, 'w' },
	{ "count", required_argument, NULL, 'c' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

/* The letter of each OPT_ bit. */
static const char option_letters[] = "jadwcn";

/* Return: 0 or VRCTL_USAGE */
static int main_take_option(int letter)
{
	switch (letter) {
	case 'j':
		opts.given |= OPT_JSON;
		break;
	case 'a':
		opts.given |= OPT_ALL;
		break;
	case 'd':
	case 'v':
		opts.given |= OPT_DETAILS;
		break;
	case 'n':
		opts.given |= OPT_NETNS;
		opts.netns = optarg;
		if (!parse_netns(optarg))
			return usage_error("'%s' is not a name for a namespace", optarg);
		break;
	case 'w':
		opts.given |= OPT_WATCH;
		if (!parse_ms(optarg, &opts.watch_ms))
			return usage_error("-w wants seconds, from 0.01 to 86400, not '%s'",
					   optarg);
		break;
	case 'c':
		opts.given |= OPT_COUNT;
		if (!parse_u32(optarg, &opts.count) || !opts.count)
			return usage_error("-c wants a number from 1 to 4294967295, not '%s'",
					   optarg);
		break;
	}
	return 0;
}

/**
 * main_parse() - options, wherever they stand
 * @help: set for -h
 * @version: set for -V
 *
 * Return: 0 or VRCTL_USAGE
 */
static int main_parse(int argc, char **argv, bool *help, bool *version)
{
	int c;

	opterr = 0;
	for (;;) {
		c = getopt_long(argc, argv, ":jadvn:w:c:Vh", long_options, NULL);
		switch (c) {
		case -1:
			return 0;
		case 'h':
			*help = true;
			break;
		case 'V':
			*version = true;
			break;
		case ':':
			return usage_error("option %s wants a value", argv[optind - 1]);
		case '?':
			if (optopt && !strchr("jadvnwcVh", optopt))
				return usage_error("there is no option -%c", optopt);
			return usage_error("there is no option %s", argv[optind - 1]);
		default:
			if (main_take_option(c))
				return VRCTL_USAGE;
		}
	}
}

/* Return: 0 or VRCTL_USAGE */
static int main_check_options(const struct command *cmd)
{
	unsigned int wrong = opts.given & ~cmd->options;
	int i;

	for (i = 0; option_letters[i]; i++)
		if (wrong & 1u << i)
			return usage_error("%s takes no option -%c", cmd->name,
					   option_letters[i]);
	if (opt(OPT_ALL) && opt(OPT_NETNS))
		return usage_error("-a and -n do not go together");
	return 0;
}

/* Do as `ip -n` does. Return: exit status */
static int main_enter_netns(void)
{
	int fd, err;

	fd = netns_open(opts.netns);
	err = fd < 0 ? fd : netns_enter(fd);
	if (fd >= 0)
		close(fd);
	return err ? failure("namespace %s: %s", opts.netns, strerror(-err)) : 0;
}

static int main_run(int argc, char **argv, bool help)
{
	const struct command *cmd;
	int rc;

	if (!argc && help) {
		help_print(NULL);
		return VRCTL_OK;
	}
	if (!argc)
		return usage_error("no command is given, see 'vrctl help'");
	cmd = command_find(argv[0]);
	if (!cmd)
		return usage_error("there is no command '%s', see 'vrctl help'", argv[0]);
	if (help || (argc == 2 && !strcmp(argv[1], "help") && cmd->run != help_run)) {
		help_print(cmd);
		return VRCTL_OK;
	}
	if (main_check_options(cmd))
		return VRCTL_USAGE;
	rc = opts.netns ? main_enter_netns() : 0;
	return rc ? rc : cmd->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	bool help = false, version = false;
	int rc;

	rc = main_parse(argc, argv, &help, &version);
	if (!rc && version)
		printf("vrctl %s\n", VRCTL_VERSION);
	else if (!rc)
		rc = main_run(argc - optind, argv + optind, help);
	if ((fflush(stdout) || ferror(stdout)) && !rc)
		rc = failure("cannot write the output");
	return rc;
}
