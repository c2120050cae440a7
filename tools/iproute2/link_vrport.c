// SPDX-License-Identifier: GPL-2.0
/* Link kind vrport for stock `ip`: option vlan. */
#include "plugin.h"

#define VLAN_MAX	4094

static void vrport_usage(FILE *f)
{
	fprintf(f, "Usage: ... link NIC type vrport [ vlan VLANID ]\n"
		"\n"
		"VLANID := 1-4094, of the port on its NIC; untagged when left out\n");
}

static int vrport_parse_opt(struct link_util *lu, int argc, char **argv,
			    struct nlmsghdr *n)
{
	uint32_t value;
	uint16_t data;

	(void)lu;
	for (; argc > 0; argc -= 2, argv += 2) {
		if (!strcmp(argv[0], "help")) {
			vrport_usage(stderr);
			return -1;
		}
		if (strcmp(argv[0], "vlan")) {
			fprintf(stderr, "vrport: unknown option \"%s\"?\n", argv[0]);
			vrport_usage(stderr);
			return -1;
		}
		if (plugin_number("vlan", argc > 1 ? argv[1] : NULL, 1, VLAN_MAX,
				  &value))
			return -1;
		data = value;
		if (plugin_add(n, IFLA_VRPORT_VLAN, &data, sizeof(data)))
			return -1;
	}
	return 0;
}

static void vrport_print_opt(struct link_util *lu, FILE *f, struct rtattr *tb[])
{
	uint16_t value;

	(void)lu;
	if (!tb || !tb[IFLA_VRPORT_VLAN] || RTA_PAYLOAD(tb[IFLA_VRPORT_VLAN]) < sizeof(value))
		return;
	memcpy(&value, RTA_DATA(tb[IFLA_VRPORT_VLAN]), sizeof(value));
	plugin_print(f, "vlan", "vlan %u ", value);
}

static void vrport_print_help(struct link_util *lu, int argc, char **argv, FILE *f)
{
	(void)lu;
	(void)argc;
	(void)argv;
	vrport_usage(f);
}

extern struct link_util vrport_link_util;

PLUGIN_EXPORT struct link_util vrport_link_util = {
	.id = "vrport",
	.maxattr = IFLA_VRPORT_MAX,
	.parse_opt = vrport_parse_opt,
	.print_opt = vrport_print_opt,
	.print_help = vrport_print_help,
};
