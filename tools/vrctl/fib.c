// SPDX-License-Identifier: GPL-2.0
/* fib: the routes of a router's data plane, what they take, and whether they are right. */
#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fibstats.h"
#include "names.h"
#include "out.h"
#include "parse.h"
#include "route.h"
#include "router.h"
#include "vrctl.h"

#define CHECK_TRIES	10
#define CHECK_WAIT_MS	20
#define CHECK_WAITS	1500

/**
 * struct fib_query - what show is asked for
 * @router: router
 * @given: @prefix and @plen are
 * @longer: all routes within them
 * @prefix: address
 * @plen: bits
 */
struct fib_query {
	const char *router;
	bool given;
	bool longer;
	struct address prefix;
	uint32_t plen;
};

/**
 * struct fib_print - routes that are printed as they come
 * @list: has one of them at a time
 * @n: how many there were
 */
struct fib_print {
	struct route_list list;
	size_t n;
};

static int fib_show_parse(int argc, char **argv, struct fib_query *query)
{
	const char *why;

	if (argc < 1 || argc > 3)
		return usage_error("fib show wants a ROUTER, see 'vrctl help fib'");
	if (router_check_name(argv[0]))
		return VRCTL_USAGE;
	query->router = argv[0];
	if (argc == 1)
		return 0;
	why = parse_prefix(argv[1], &query->prefix, &query->plen);
	if (why)
		return usage_error("'%s' is %s", argv[1], why);
	query->given = true;
	if (argc == 3 && strcmp(argv[2], "longer-prefixes"))
		return usage_error("fib show knows no '%s'", argv[2]);
	query->longer = argc == 3;
	return 0;
}

static void fib_show_one(const struct nlmsghdr *nlh, void *data)
{
	struct fib_print *print = data;

	route_list_clear(&print->list);
	if (!route_decode_fib(&print->list, nlh))
		return;
	print->n++;
	if (opt(OPT_JSON))
		route_json(&print->list, &print->list.v[0]);
	else
		route_print(&print->list, &print->list.v[0]);
}

static int fib_show(int argc, char **argv)
{
	struct fib_query query = { 0 };
	struct fib_print print = { 0 };
	struct nl_msg msg;
	struct nl nl;
	bool dump;
	int err;

	if (fib_show_parse(argc, argv, &query))
		return VRCTL_USAGE;
	if (nl_open_vrouter(&nl))
		return VRCTL_FAILED;
	dump = !query.given || query.longer;
	nl_msg_genl(&msg, &nl, VROUTER_CMD_ROUTE_GET, dump ? NLM_F_DUMP : 0);
	mnl_attr_put_strz(msg.nlh, VROUTER_A_ROUTE_ROUTER_NAME, query.router);
	if (query.given) {
		mnl_attr_put(msg.nlh, VROUTER_A_ROUTE_PREFIX, query.prefix.len,
			     query.prefix.bytes);
		mnl_attr_put_u32(msg.nlh, VROUTER_A_ROUTE_PREFIX_LEN, query.plen);
	}
	if (query.longer)
		mnl_attr_put(msg.nlh, VROUTER_A_ROUTE_LONGER_PREFIXES, 0, NULL);
	if (opt(OPT_JSON)) {
		json_start(stdout);
		json_open(NULL, '[');
	}
	err = nl_talk(&nl, &msg, fib_show_one, &print);
	if (opt(OPT_JSON)) {
		json_close();
		json_end();
	}
	if (err > 0)
		warning("routes changed meanwhile: these are not those of one moment");
	else if (err)
		failure("%s", nl_why(&nl, err));
	route_list_free(&print.list);
	nl_close(&nl);
	return err < 0 ? VRCTL_FAILED : VRCTL_OK;
}

static int fib_stats(int argc, char **argv)
{
	struct fib_stats stats;
	struct nl nl;
	int err;

	if (argc != 1)
		return usage_error("fib stats wants one ROUTER");
	if (router_check_name(argv[0]))
		return VRCTL_USAGE;
	if (nl_open_vrouter(&nl))
		return VRCTL_FAILED;
	err = fibstats_get(&nl, argv[0], false, &stats);
	if (err)
		failure("%s", nl_why(&nl, err));
	else if (opt(OPT_JSON))
		fibstats_json(&stats);
	else
		fibstats_print(&stats);
	nl_close(&nl);
	return err ? VRCTL_FAILED : VRCTL_OK;
}

/**
 * struct fib_check - both sides of a comparison
 * @genl: socket for the module
 * @rtnl: socket for the kernel's tables
 * @router: name of the router
 * @table: routing table of its domain
 * @kernel: routes of the kernel
 * @fib: routes of the router
 * @stats: of the router
 * @interrupted: a dump was
 */
struct fib_check {
	struct nl genl;
	struct nl rtnl;
	const char *router;
	uint32_t table;
	struct route_list kernel;
	struct route_list fib;
	struct fib_stats stats;
	bool interrupted;
};

static void fib_check_kernel(const struct nlmsghdr *nlh, void *data)
{
	struct fib_check *check = data;

	route_decode_kernel(&check->kernel, nlh, check->table);
}

static void fib_check_fib(const struct nlmsghdr *nlh, void *data)
{
	struct fib_check *check = data;

	route_decode_fib(&check->fib, nlh);
}

static int fib_check_dump_kernel(struct fib_check *check, int family)
{
	struct rtmsg *rtm;
	struct nl_msg msg;
	int err;

	rtm = nl_msg_start(&msg, RTM_GETROUTE, NLM_F_DUMP, sizeof(*rtm));
	rtm->rtm_family = family;
	mnl_attr_put_u32(msg.nlh, RTA_TABLE, check->table);
	err = nl_talk(&check->rtnl, &msg, fib_check_kernel, check);
	check->interrupted |= err > 0;
	/* a table that nobody has put a route into */
	if (err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP || err > 0)
		return 0;
	return err ? failure("%s", nl_why(&check->rtnl, err)) : 0;
}

static int fib_check_dump_fib(struct fib_check *check)
{
	struct nl_msg msg;
	int err;

	nl_msg_genl(&msg, &check->genl, VROUTER_CMD_ROUTE_GET, NLM_F_DUMP);
	mnl_attr_put_strz(msg.nlh, VROUTER_A_ROUTE_ROUTER_NAME, check->router);
	err = nl_talk(&check->genl, &msg, fib_check_fib, check);
	check->interrupted |= err > 0;
	return err < 0 ? failure("%s", nl_why(&check->genl, err)) : 0;
}

static int fib_check_stats(struct fib_check *check, bool verify)
{
	int err = fibstats_get(&check->genl, check->router, verify, &check->stats);

	return err ? failure("%s", nl_why(&check->genl, err)) : 0;
}

/* Wait until the router has done what was announced. Return: exit status */
static int fib_check_settle(struct fib_check *check)
{
	int i;

	for (i = 0; i < CHECK_WAITS; i++) {
		if (fib_check_stats(check, false))
			return VRCTL_FAILED;
		if (!check->stats.mirror[VROUTER_A_MIRROR_PENDING])
			return 0;
		usleep(CHECK_WAIT_MS * 1000);
	}
	return failure("the router does not keep up with the changes of routes");
}

/* Read both sides. Return: exit status; *still is set if nothing changed meanwhile */
static int fib_check_read(struct fib_check *check, bool *still)
{
	uint64_t changes;
	uint32_t resyncs;

	if (fib_check_settle(check))
		return VRCTL_FAILED;
	changes = check->stats.mirror[VROUTER_A_MIRROR_CHANGES];
	resyncs = check->stats.resyncs;
	check->interrupted = false;
	route_list_clear(&check->kernel);
	route_list_clear(&check->fib);
	if (fib_check_dump_kernel(check, AF_INET) ||
	    fib_check_dump_kernel(check, AF_INET6) ||
	    fib_check_dump_fib(check) || fib_check_stats(check, true))
		return VRCTL_FAILED;
	*still = !check->interrupted &&
		 changes == check->stats.mirror[VROUTER_A_MIRROR_CHANGES] &&
		 resyncs == check->stats.resyncs &&
		 !check->stats.mirror[VROUTER_A_MIRROR_PENDING];
	return 0;
}

static void fib_check_print_side(const char *who, const struct route_list *list,
				 const struct route *route)
{
	printf("  %-8s", who);
	if (route)
		route_print(list, route);
	else
		puts("none");
}

static void fib_check_differ(const struct route_diff *diff, void *data)
{
	const struct fib_check *check = data;
	char buf[ROUTE_TEXT];

	route_prefix(diff->want ? diff->want : diff->got, buf);
	if (opt(OPT_JSON)) {
		json_open(NULL, '{');
		json_string("what", diff->what);
		json_string("prefix", buf);
		json_open("kernel", '[');
		if (diff->want)
			route_json(&check->kernel, diff->want);
		json_close();
		json_open("fib", '[');
		if (diff->got)
			route_json(&check->fib, diff->got);
		json_close();
		json_close();
		return;
	}
	printf("%s: %s\n", buf, diff->what);
	fib_check_print_side("kernel", &check->kernel, diff->want);
	fib_check_print_side("router", &check->fib, diff->got);
}

/* Return: how much is wrong */
static uint64_t fib_check_tell(struct fib_check *check)
{
	uint64_t wrong, errors;

	errors = (uint64_t)check->stats.table[0].errors + check->stats.table[1].errors;
	route_sort(&check->kernel);
	route_first(&check->kernel);
	route_sort(&check->fib);
	if (opt(OPT_JSON)) {
		json_start(stdout);
		json_open(NULL, '{');
		json_open("differences", '[');
	}
	wrong = route_compare(&check->kernel, &check->fib, fib_check_differ, check);
	if (opt(OPT_JSON)) {
		json_close();
		json_u64("routes", check->kernel.n);
		json_u64("errors", errors);
		json_close();
		json_end();
		return wrong + errors;
	}
	if (errors)
		printf("lookups are wrong in %" PRIu64 " places\n", errors);
	printf("%s: %zu routes, %" PRIu64 " differences\n", check->router, check->kernel.n,
	       wrong);
	return wrong + errors;
}

/* Return: exit status */
static int fib_check_compare(struct fib_check *check)
{
	struct router router;
	bool still = false;
	int err, i;

	err = router_get(&check->genl, check->router, &router);
	if (err)
		return failure("%s", nl_why(&check->genl, err));
	if (!rec_has(&router.rec, VROUTER_A_ROUTER_TABLE))
		return failure("the router is down, it has no routes");
	check->table = router.rec.u[VROUTER_A_ROUTER_TABLE];
	for (i = 0; i < CHECK_TRIES && !still; i++)
		if (fib_check_read(check, &still))
			return VRCTL_FAILED;
	if (!still)
		return failure("routes change faster than they can be compared");
	return fib_check_tell(check) ? VRCTL_FAILED : VRCTL_OK;
}

static int fib_check(int argc, char **argv)
{
	struct fib_check check = { 0 };
	int err, rc;

	if (argc != 1)
		return usage_error("fib check wants one ROUTER");
	if (router_check_name(argv[0]))
		return VRCTL_USAGE;
	check.router = argv[0];
	if (nl_open_vrouter(&check.genl))
		return VRCTL_FAILED;
	err = nl_open(&check.rtnl, NETLINK_ROUTE);
	rc = err ? failure("netlink: %s", strerror(-err)) : fib_check_compare(&check);
	route_list_free(&check.kernel);
	route_list_free(&check.fib);
	nl_close(&check.rtnl);
	nl_close(&check.genl);
	return rc;
}

int fib_run(int argc, char **argv)
{
	if (!argc)
		return usage_error("fib wants show, stats or check, see 'vrctl help fib'");
	if (!strcmp(argv[0], "show"))
		return fib_show(argc - 1, argv + 1);
	if (!strcmp(argv[0], "stats"))
		return fib_stats(argc - 1, argv + 1);
	if (!strcmp(argv[0], "check"))
		return fib_check(argc - 1, argv + 1);
	return usage_error("fib knows no '%s'", argv[0]);
}
