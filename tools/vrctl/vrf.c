// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "vrctl.h"
#include "vrf.h"

#define VRF_TABLE_FIRST	1001
#define VRF_TABLE_LAST	65535

/*
 * Metric of the route that ends a lookup in a VRF; any other route is better.
 * It is the kernel documentation's (Documentation/networking/vrf.rst).
 */
#define VRF_LAST_METRIC	4278198272u

/**
 * struct tables - tables that something refers to
 * @v: their numbers, in no order
 * @n: how many
 */
struct tables {
	uint32_t *v;
	size_t n;
};

static void vrf_note_table(struct tables *tables, uint32_t table)
{
	tables->v = xrealloc(tables->v, tables->n + 1, sizeof(*tables->v));
	tables->v[tables->n++] = table;
}

static void vrf_note_link(const struct link *link, void *data)
{
	if (link->table)
		vrf_note_table(data, link->table);
}

static void vrf_note_rule(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct fib_rule_hdr))
		return;
	mnl_attr_for_each(attr, nlh, sizeof(struct fib_rule_hdr))
		if (mnl_attr_get_type(attr) == FRA_TABLE &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			vrf_note_table(data, mnl_attr_get_u32(attr));
}

static int vrf_note_rules(struct nl *nl, int family, struct tables *tables)
{
	struct fib_rule_hdr *rule;
	struct nl_msg msg;
	int err;

	rule = nl_msg_start(&msg, RTM_GETRULE, NLM_F_DUMP, sizeof(*rule));
	rule->family = family;
	err = nl_dump(nl, &msg, NULL, vrf_note_rule, tables);
	return err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

static void vrf_count(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct tables *count = data;
	const struct nlattr *attr;

	/* A kernel that does not filter sends the routes of all tables. */
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
		if (mnl_attr_get_type(attr) == RTA_TABLE &&
		    mnl_attr_get_u32(attr) == *count->v)
			count->n++;
}

/* Return: number of routes in a table, or -errno */
static int vrf_count_routes(struct nl *nl, int family, uint32_t table)
{
	struct tables count = { &table, 0 };
	struct rtmsg *rtm;
	struct nl_msg msg;
	int err;

	rtm = nl_msg_start(&msg, RTM_GETROUTE, NLM_F_DUMP, sizeof(*rtm));
	rtm->rtm_family = family;
	mnl_attr_put_u32(msg.nlh, RTA_TABLE, table);
	err = nl_dump(nl, &msg, NULL, vrf_count, &count);
	if (err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP)
		return 0;
	return err ? err : (int)count.n;
}

static int vrf_table_routes(struct nl *nl, uint32_t table)
{
	int n = vrf_count_routes(nl, AF_INET, table);

	return n ? n : vrf_count_routes(nl, AF_INET6, table);
}

/**
 * vrf_free_table() - a table that no VRF, rule or route uses
 * @nl: rtnetlink socket
 * @table: result
 *
 * Return: 0 or -errno, -ENOSPC when all are taken
 */
int vrf_free_table(struct nl *nl, uint32_t *table)
{
	struct tables tables = { 0 };
	int err, routes;
	uint32_t t;
	size_t i;

	err = link_each(nl, vrf_note_link, &tables);
	if (!err)
		err = vrf_note_rules(nl, AF_INET, &tables);
	if (!err)
		err = vrf_note_rules(nl, AF_INET6, &tables);
	for (t = VRF_TABLE_FIRST; !err && t <= VRF_TABLE_LAST; t++) {
		for (i = 0; i < tables.n && tables.v[i] != t; i++)
			;
		if (i < tables.n)
			continue;
		routes = vrf_table_routes(nl, t);
		if (!routes) {
			*table = t;
			break;
		}
		err = routes < 0 ? routes : 0;
	}
	free(tables.v);
	if (!err && t > VRF_TABLE_LAST)
		err = -ENOSPC;
	return err;
}

static int vrf_last_route(struct nl *nl, int family, uint32_t table, bool add)
{
	struct rtmsg *rtm;
	struct nl_msg msg;
	int err;

	rtm = nl_msg_start(&msg, add ? RTM_NEWROUTE : RTM_DELROUTE,
			   add ? NLM_F_CREATE | NLM_F_EXCL : 0, sizeof(*rtm));
	rtm->rtm_family = family;
	rtm->rtm_type = RTN_UNREACHABLE;
	rtm->rtm_protocol = RTPROT_BOOT;
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	rtm->rtm_table = RT_TABLE_UNSPEC;
	mnl_attr_put_u32(msg.nlh, RTA_TABLE, table);
	mnl_attr_put_u32(msg.nlh, RTA_PRIORITY, VRF_LAST_METRIC);
	err = nl_talk(nl, &msg, NULL, NULL);
	return err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

/**
 * vrf_close_table() - keep a VRF's packets out of the other tables
 * @nl: rtnetlink socket
 * @table: the VRF's table
 *
 * Without a last resort in its own table, a lookup goes on to table main.
 *
 * Return: 0 or -errno
 */
int vrf_close_table(struct nl *nl, uint32_t table)
{
	int err = vrf_last_route(nl, AF_INET, table, true);
	char text[sizeof(nl->text)];

	if (err)
		return err;
	err = vrf_last_route(nl, AF_INET6, table, true);
	if (err) {
		memcpy(text, nl->text, sizeof(text));
		vrf_last_route(nl, AF_INET, table, false);
		memcpy(nl->text, text, sizeof(text));
	}
	return err;
}

/* Take that back; the routes would outlive the VRF. Return: 0 or -errno */
int vrf_open_table(struct nl *nl, uint32_t table)
{
	int err = vrf_last_route(nl, AF_INET, table, false);
	int err6 = vrf_last_route(nl, AF_INET6, table, false);

	return err ? err : err6;
}
