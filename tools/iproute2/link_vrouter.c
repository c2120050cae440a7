// SPDX-License-Identifier: GPL-2.0
/* Link kind vrouter for stock `ip`: option weight. */
#include "plugin.h"

#define WEIGHT_MAX	1000

static void vrouter_usage(FILE *f)
{
	fprintf(f, "Usage: ... type vrouter [ weight WEIGHT ]\n"
		"\n"
		"WEIGHT := 1-1000, share of the CPU against other routers; 1 when left out\n");
}

static int vrouter_parse_opt(struct link_util *lu, int argc, char **argv,
			     struct nlmsghdr *n)
{
	uint32_t value;
	uint32_t data;

	(void)lu;
	for (; argc > 0; argc -= 2, argv += 2) {
		if (!strcmp(argv[0], "help")) {
			vrouter_usage(stderr);
			return -1;
		}
		if (strcmp(argv[0], "weight")) {
			fprintf(stderr, "vrouter: unknown option \"%s\"?\n", argv[0]);
			vrouter_usage(stderr);
			return -1;
		}
		if (plugin_number("weight", argc > 1 ? argv[1] : NULL, 1, WEIGHT_MAX,
				  &value))
			return -1;
		data = value;
		if (plugin_add(n, IFLA_VROUTER_WEIGHT, &data, sizeof(data)))
			return -1;
	}
	return 0;
}

static void vrouter_print_opt(struct link_util *lu, FILE *f, struct rtattr *tb[])
{
	uint32_t value;

	(void)lu;
	if (!tb || !tb[IFLA_VROUTER_WEIGHT] || RTA_PAYLOAD(tb[IFLA_VROUTER_WEIGHT]) < sizeof(value))
		return;
	memcpy(&value, RTA_DATA(tb[IFLA_VROUTER_WEIGHT]), sizeof(value));
	plugin_print(f, "weight", "weight %u ", value);
}

static void vrouter_print_help(struct link_util *lu, int argc, char **argv, FILE *f)
{
	(void)lu;
	(void)argc;
	(void)argv;
	vrouter_usage(f);
}

extern struct link_util vrouter_link_util;

PLUGIN_EXPORT struct link_util vrouter_link_util = {
	.id = "vrouter",
	.maxattr = IFLA_VROUTER_MAX,
	.parse_opt = vrouter_parse_opt,
	.print_opt = vrouter_print_opt,
	.print_help = vrouter_print_help,
};
