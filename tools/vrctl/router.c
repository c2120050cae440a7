// SPDX-License-Identifier: GPL-2.0
/* list, set, reset, and what all commands need to know about routers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "netns.h"
#include "out.h"
#include "parse.h"
#include "router.h"
#include "vrctl.h"

/* Return: 0 or VRCTL_USAGE after a message */
int router_check_name(const char *name)
{
	if (parse_ifname(name))
		return 0;
	return usage_error("'%s' is not a name for a device (1 to 15 characters)", name);
}

/**
 * router_failure() - say why the kernel refused
 * @nl: socket
 * @err: -errno
 *
 * Names the setting that it did not like, where it says which.
 *
 * Return: VRCTL_FAILED
 */
int router_failure(const struct nl *nl, int err)
{
	const char *what = NULL;

	if ((nl->bad_attr >= VROUTER_A_ROUTER_WEIGHT &&
	     nl->bad_attr <= VROUTER_A_ROUTER_NETFILTER) ||
	    nl->bad_attr == VROUTER_A_ROUTER_MAX_ROUTES ||
	    nl->bad_attr == VROUTER_A_ROUTER_MAX_ROUTES_WARN ||
	    nl->bad_attr == VROUTER_A_ROUTER_MAX_RATE)
		what = router_fields[nl->bad_attr].name;
	if (what)
		return failure("%s: %s", what, nl_why(nl, err));
	return failure("%s", nl_why(nl, err));
}

static void router_restart(void *data)
{
	((struct router_list *)data)->n = 0;
}

static void router_collect(const struct nlmsghdr *nlh, void *data)
{
	struct router_list *list = data;

	if (list->n == list->room) {
		list->room = list->room ? 2 * list->room : 16;
		list->v = xrealloc(list->v, list->room, sizeof(*list->v));
	}
	router_decode(&list->v[list->n++], nlh);
}

/**
 * router_dump() - all routers of the namespace, or with -a of all
 * @nl: socket
 * @list: result; v is to be freed
 *
 * Return: 0 or -errno
 */
int router_dump(struct nl *nl, struct router_list *list)
{
	struct nl_msg msg;

	nl_msg_genl(&msg, nl, VROUTER_CMD_ROUTER_GET, NLM_F_DUMP);
	if (opt(OPT_ALL))
		mnl_attr_put(msg.nlh, VROUTER_A_ROUTER_ALL_NETNS, 0, NULL);
	return nl_dump(nl, &msg, router_restart, router_collect, list);
}

static void router_take(const struct nlmsghdr *nlh, void *data)
{
	router_decode(data, nlh);
}

/* Return: 0 or -errno */
int router_get(struct nl *nl, const char *name, struct router *router)
{
	struct nl_msg msg;
	int err;

	memset(router, 0, sizeof(*router));
	nl_msg_genl(&msg, nl, VROUTER_CMD_ROUTER_GET, 0);
	mnl_attr_put_strz(msg.nlh, VROUTER_A_ROUTER_IFNAME, name);
	err = nl_talk(nl, &msg, router_take, router);
	if (!err && !router->rec.has)
		err = -ENODEV;
	return err;
}

/**
 * router_domain() - what the router drives, in words
 * @router: router
 * @buf: where to write
 * @size: of @buf, bytes
 *
 * Return: @buf
 */
const char *router_domain(const struct router *router, char *buf, size_t size)
{
	const struct record *rec = &router->rec;
	bool foreign = rec_has(rec, VROUTER_A_ROUTER_NETNSID);
	const char *netns;

	netns = foreign ? netns_name(rec->u[VROUTER_A_ROUTER_NETNSID]) : netns_name_here();
	netns = out_clean(netns);
	if (rec_has(rec, VROUTER_A_ROUTER_VRF_IFINDEX))
		snprintf(buf, size, foreign ? "vrf %s in netns %s" : "vrf %s",
			 record_string(rec, VROUTER_A_ROUTER_VRF_NAME), netns);
	else
		snprintf(buf, size, "netns %s", *netns ? netns : "-");
	return buf;
}

/* A router as an object, a member called @key, or an item when that is NULL. */
void router_json(const char *key, const struct router *router)
{
	const struct record *rec = &router->rec;

	json_open(key, '{');
	record_json(rec, router_fields, VROUTER_A_ROUTER_MAX);
	netns_json(rec_has(rec, VROUTER_A_ROUTER_NETNSID),
		   rec->u[VROUTER_A_ROUTER_NETNSID]);
	if (rec_has(rec, VROUTER_A_ROUTER_MIRROR))
		mirror_json(router->mirror);
	if (rec_has(rec, VROUTER_A_ROUTER_STATS))
		stats_json(&router->stats);
	json_close();
}

static void list_print(const struct router_list *list)
{
	const struct record *rec;
	char domain[320];
	size_t i;

	for (i = 0; i < list->n; i++) {
		rec = &list->v[i].rec;
		router_domain(&list->v[i], domain, sizeof(domain));
		printf("%-15s  %-8s  %-22s  weight %-4u  ports %-3u  routes %u+%u",
		       record_string(rec, VROUTER_A_ROUTER_IFNAME),
		       rec_has(rec, VROUTER_A_ROUTER_STATE) ?
		       name_state(rec->u[VROUTER_A_ROUTER_STATE]) : "?",
		       domain, rec->u[VROUTER_A_ROUTER_WEIGHT],
		       rec->u[VROUTER_A_ROUTER_PORTS],
		       rec->u[VROUTER_A_ROUTER_ROUTES4],
		       rec->u[VROUTER_A_ROUTER_ROUTES6]);
		if (rec_has(rec, VROUTER_A_ROUTER_FALLBACK_REASON))
			printf("  (%s)",
			       name_punt(rec->u[VROUTER_A_ROUTER_FALLBACK_REASON]));
		putchar('\n');
	}
}

int list_run(int argc, char **argv)
{
	struct router_list list = { 0 };
	struct nl nl;
	size_t i;
	int err;

	if (argc)
		return usage_error("list takes no '%s'", argv[0]);
	if (nl_open_vrouter(&nl))
		return VRCTL_FAILED;
	err = router_dump(&nl, &list);
	if (err) {
		router_failure(&nl, err);
	} else if (opt(OPT_JSON)) {
		json_start(stdout);
		json_open(NULL, '[');
		for (i = 0; i < list.n; i++)
			router_json(NULL, &list.v[i]);
		json_close();
		json_end();
	} else {
		list_print(&list);
	}
	free(list.v);
	nl_close(&nl);
	return err ? VRCTL_FAILED : VRCTL_OK;
}

/* Settings of the set command, and the words for them. */
static const struct {
	const char *word;
	uint16_t attr;
} set_words[] = {
	{ "weight", VROUTER_A_ROUTER_WEIGHT },
	{ "limit-packets", VROUTER_A_ROUTER_LIMIT_PACKETS },
	{ "limit-bytes", VROUTER_A_ROUTER_LIMIT_BYTES },
	{ "netfilter", VROUTER_A_ROUTER_NETFILTER },
	{ "max-routes", VROUTER_A_ROUTER_MAX_ROUTES },
	{ "warn", VROUTER_A_ROUTER_MAX_ROUTES_WARN },
	{ "max-rate", VROUTER_A_ROUTER_MAX_RATE },
};

static int set_value(uint16_t attr, const char *word, const char *text,
		     uint64_t *value)
{
	uint32_t number = 0;

	switch (attr) {
	case VROUTER_A_ROUTER_NETFILTER:
		*value = value_netfilter(text);
		if (!*value)
			return usage_error("netfilter is honour or bypass, not '%s'",
					   text);
		return 0;
	case VROUTER_A_ROUTER_MAX_RATE:
		if (!parse_rate(text, value))
			return usage_error("%s wants a rate like 200mbit, or 0, not '%s'",
					   word, text);
		return 0;
	default:
		if (!parse_u32(text, &number))
			return usage_error("%s wants a number from 0 to 4294967295, not '%s'",
					   word, text);
		*value = number;
		return 0;
	}
}

static int set_parse(int argc, char **argv, uint64_t *value, uint32_t *given)
{
	size_t i;

	for (; argc; argc -= 2, argv += 2) {
		for (i = 0; i < ARRAY_SIZE(set_words); i++)
			if (!strcmp(argv[0], set_words[i].word))
				break;
		if (i == ARRAY_SIZE(set_words))
			return usage_error("set knows no '%s'", argv[0]);
		if (argc < 2)
			return usage_error("%s wants a value", argv[0]);
		if (*given & 1u << i)
			return usage_error("%s is there twice", argv[0]);
		*given |= 1u << i;
		if (set_value(set_words[i].attr, argv[0], argv[1], &value[i]))
			return VRCTL_USAGE;
	}
	return 0;
}

int set_run(int argc, char **argv)
{
	uint64_t value[ARRAY_SIZE(set_words)] = { 0 };
	uint32_t given = 0, i;
	struct nl_msg msg;
	struct nl nl;
	int err;

	if (argc < 3)
		return usage_error("set wants a ROUTER and settings, see 'vrctl help set'");
	if (router_check_name(argv[0]) ||
	    set_parse(argc - 1, argv + 1, value, &given))
		return VRCTL_USAGE;
	if (nl_open_vrouter(&nl))
		return VRCTL_FAILED;
	nl_msg_genl(&msg, &nl, VROUTER_CMD_ROUTER_SET, 0);
	mnl_attr_put_strz(msg.nlh, VROUTER_A_ROUTER_IFNAME, argv[0]);
	for (i = 0; i < ARRAY_SIZE(set_words); i++) {
		if (!(given & 1u << i))
			continue;
		if (set_words[i].attr == VROUTER_A_ROUTER_MAX_RATE)
			mnl_attr_put_u64(msg.nlh, set_words[i].attr, value[i]);
		else
			mnl_attr_put_u32(msg.nlh, set_words[i].attr, value[i]);
	}
	err = nl_talk(&nl, &msg, NULL, NULL);
	if (err)
		router_failure(&nl, err);
	nl_close(&nl);
	return err ? VRCTL_FAILED : VRCTL_OK;
}

int reset_run(int argc, char **argv)
{
	struct nl_msg msg;
	struct nl nl;
	int err;

	if (argc != 1)
		return usage_error("reset wants one ROUTER");
	if (router_check_name(argv[0]))
		return VRCTL_USAGE;
	if (nl_open_vrouter(&nl))
		return VRCTL_FAILED;
	nl_msg_genl(&msg, &nl, VROUTER_CMD_ROUTER_RESET, 0);
	mnl_attr_put_strz(msg.nlh, VROUTER_A_ROUTER_IFNAME, argv[0]);
	err = nl_talk(&nl, &msg, NULL, NULL);
	if (err)
		router_failure(&nl, err);
	nl_close(&nl);
	return err ? VRCTL_FAILED : VRCTL_OK;
}
