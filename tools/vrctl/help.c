// SPDX-License-Identifier: GPL-2.0
/* The table of commands, and what help makes of it. */
#include <stdio.h>
#include <string.h>

#include "vrctl.h"

#define OPT_READ	(OPT_JSON | OPT_ALL | OPT_NETNS)

const struct command commands[] = {
	{
		"list", OPT_READ, list_run, "",
		"One line a router: name, state, domain (network namespace or VRF),\n"
		"weight, number of ports, number of IPv4 + IPv6 routes."
	}, {
		"show", OPT_READ | OPT_DETAILS, show_run, "[ROUTER]",
		"Everything about a router: settings, counters, punts and drops by\n"
		"reason, histogram of the time in the queue. -d: reasons that never\n"
		"came about as well."
	}, {
		"set", OPT_NETNS, set_run,
		"ROUTER [weight N] [limit-packets N] [limit-bytes N]\n"
		"                 [netfilter honour|bypass] [max-routes N [warn PERCENT]]\n"
		"                 [max-rate RATE]",
		"Change settings, all that are given or none. The limits of the queue are\n"
		"per CPU. max-routes is the most IPv4 + IPv6 routes that the router takes,\n"
		"0 for no limit; warn says at how many percent of it to tell. max-rate is\n"
		"what the router sends at most on each NIC with the qdisc vrouter, like\n"
		"200mbit; 0 for no limit."
	}, {
		"port", OPT_READ | OPT_DETAILS, port_run, "list [ROUTER]",
		"One line a port: name, router, NIC and VLAN, MAC address, MTU, and why\n"
		"it is blocked, that is why its IPv4 packets all go to the Linux stack."
	}, {
		"nic", OPT_JSON | OPT_NETNS, nic_run, "[DEV bandwidth RATE]",
		"One line for each qdisc of kind vrouter, which shares a NIC's link between\n"
		"the routers: bandwidth, limit, and what it has sent and dropped. With\n"
		"bandwidth, give DEV one, that sends no more than RATE, like 100mbit; 0\n"
		"for what the device takes. tc -s class show dev DEV tells of the routers."
	}, {
		"stats", OPT_READ | OPT_WATCH | OPT_COUNT, stats_run,
		"[-w SECONDS] [-c COUNT] [ROUTER...]",
		"Without -w, the counters since creation or reset. With -w, rates, again\n"
		"and again: the whole screen on a terminal (q ends), else a block each\n"
		"time. -c ends after COUNT blocks, and means -w 1 where no -w is given.\n"
		"CPU/WGT is the share of the CPU time against the share of the weights."
	}, {
		"lookup", OPT_JSON | OPT_NETNS, lookup_run,
		"ROUTER DST [from SRC] [iif PORT]",
		"What the data plane does with a packet to DST, by which route, gateway,\n"
		"port and neighbour; or why it gives it to the Linux stack."
	}, {
		"fib", OPT_JSON | OPT_NETNS, fib_run,
		"show ROUTER [PREFIX [longer-prefixes]]\n"
		"       vrctl fib stats ROUTER\n"
		"       vrctl fib check ROUTER",
		"show: the routes of the data plane; with PREFIX, the one that is PREFIX,\n"
		"or else is the longest to contain it; with longer-prefixes, all within\n"
		"PREFIX. stats: the size of the tables, and how far they are behind the\n"
		"kernel's. check: compare the routes with the kernel's, one by one, and\n"
		"what lookups find with the routes; exit status 1 if anything differs."
	}, {
		"monitor", OPT_READ | OPT_DETAILS, monitor_run, "",
		"Print changes of routers and ports until interrupted."
	}, {
		"reset", OPT_NETNS, reset_run, "ROUTER",
		"Set the counters of a router to zero."
	}, {
		"create", OPT_NETNS, create_run,
		"NAME [netns NS | vrf VRF] [weight W]\n"
		"                    port NIC[:VLAN]=PORT [port ...]",
		"Make a router with ports on NICs of this namespace. NS and VRF are made\n"
		"where they do not exist. Everything is set up and forwards, but for IPv6\n"
		"in a namespace that was there, which needs net.ipv6.conf.all.forwarding.\n"
		"If a step fails, those before it are undone."
	}, {
		"delete", OPT_NETNS, delete_run, "NAME [netns NS] [purge]",
		"Delete a router and its ports. purge: its VRF, or else its namespace,\n"
		"as well; refused while that holds any other device."
	}, {
		"help", 0, help_run, "[COMMAND]",
		"Say how vrctl is used."
	},
	{ NULL, 0, NULL, NULL, NULL }
};

/* Return: the command, or NULL */
const struct command *command_find(const char *name)
{
	const struct command *cmd;

	for (cmd = commands; cmd->name; cmd++)
		if (!strcmp(cmd->name, name))
			return cmd;
	return NULL;
}

static void help_print_options(unsigned int options)
{
	static const struct {
		unsigned int bit;
		const char *text;
	} lines[] = {
		{ OPT_NETNS, "-n, --netns NETNS    work in this network namespace" },
		{ OPT_ALL, "-a, --all            all network namespaces, for the host's root" },
		{ OPT_JSON, "-j, --json           JSON" },
		{ OPT_DETAILS, "-d, -v, --details    more of it" },
		{ OPT_WATCH, "-w, --watch SECONDS  rates, every so many seconds" },
		{ OPT_COUNT, "-c, --count COUNT    end after so many blocks" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		if (options & lines[i].bit)
			printf("  %s\n", lines[i].text);
}

/**
 * help_print() - help for a command
 * @cmd: the command, or NULL for all of them in short
 */
void help_print(const struct command *cmd)
{
	if (cmd) {
		printf("usage: vrctl %s%s%s\n\n%s\n", cmd->name, *cmd->usage ? " " : "",
		       cmd->usage, cmd->help);
		if (cmd->options)
			printf("\noptions:\n");
		help_print_options(cmd->options);
		return;
	}
	printf("usage: vrctl [OPTIONS] COMMAND [ARGUMENTS]\n"
	       "Show and set virtual routers (kernel module vrouter).\n\ncommands:\n");
	for (cmd = commands; cmd->name; cmd++)
		printf("  %s%s%s\n", cmd->name, *cmd->usage ? " " : "", cmd->usage);
	printf("\noptions:\n");
	help_print_options(~0u);
	printf("  -V, --version        print the version\n"
	       "  -h, --help           this help\n"
	       "\n'vrctl help COMMAND' tells more, the manual vrctl(8) all.\n");
}

int help_run(int argc, char **argv)
{
	const struct command *cmd;

	if (argc > 1)
		return usage_error("help takes one COMMAND at most");
	cmd = argc ? command_find(argv[0]) : NULL;
	if (argc && !cmd)
		return usage_error("there is no command '%s', see 'vrctl help'", argv[0]);
	help_print(cmd);
	return VRCTL_OK;
}
