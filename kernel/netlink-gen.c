// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vrouter.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/vrouter.h>

/* Integer value ranges */
static const struct netlink_range_validation vrouter_a_router_limit_packets_range = {
	.min	= 1ULL,
	.max	= 1048576ULL,
};

static const struct netlink_range_validation vrouter_a_router_limit_bytes_range = {
	.min	= 2048ULL,
	.max	= 2147483648ULL,
};

/* VROUTER_CMD_ROUTER_GET - do */
const struct nla_policy vrouter_router_get_nl_policy[VROUTER_A_ROUTER_ALL_NETNS + 1] = {
	[VROUTER_A_ROUTER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[VROUTER_A_ROUTER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[VROUTER_A_ROUTER_NETNSID] = { .type = NLA_S32, },
	[VROUTER_A_ROUTER_ALL_NETNS] = { .type = NLA_FLAG, },
};

/* VROUTER_CMD_ROUTER_SET - do */
const struct nla_policy vrouter_router_set_nl_policy[VROUTER_A_ROUTER_MAX_RATE + 1] = {
	[VROUTER_A_ROUTER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[VROUTER_A_ROUTER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[VROUTER_A_ROUTER_NETNSID] = { .type = NLA_S32, },
	[VROUTER_A_ROUTER_WEIGHT] = NLA_POLICY_RANGE(NLA_U32, 1, VROUTER_WEIGHT_MAX),
	[VROUTER_A_ROUTER_LIMIT_PACKETS] = NLA_POLICY_FULL_RANGE(NLA_U32, &vrouter_a_router_limit_packets_range),
	[VROUTER_A_ROUTER_LIMIT_BYTES] = NLA_POLICY_FULL_RANGE(NLA_U32, &vrouter_a_router_limit_bytes_range),
	[VROUTER_A_ROUTER_NETFILTER] = NLA_POLICY_RANGE(NLA_U32, 1, 2),
	[VROUTER_A_ROUTER_MAX_ROUTES] = { .type = NLA_U32, },
	[VROUTER_A_ROUTER_MAX_ROUTES_WARN] = NLA_POLICY_MAX(NLA_U32, 100),
	[VROUTER_A_ROUTER_MAX_RATE] = { .type = NLA_U64, },
};

/* VROUTER_CMD_ROUTER_RESET - do */
const struct nla_policy vrouter_router_reset_nl_policy[VROUTER_A_ROUTER_NETNSID + 1] = {
	[VROUTER_A_ROUTER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[VROUTER_A_ROUTER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[VROUTER_A_ROUTER_NETNSID] = { .type = NLA_S32, },
};

/* VROUTER_CMD_PORT_GET - do */
const struct nla_policy vrouter_port_get_nl_policy[VROUTER_A_PORT_ALL_NETNS + 1] = {
	[VROUTER_A_PORT_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[VROUTER_A_PORT_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[VROUTER_A_PORT_NETNSID] = { .type = NLA_S32, },
	[VROUTER_A_PORT_ROUTER_IFINDEX] = { .type = NLA_U32, },
	[VROUTER_A_PORT_ALL_NETNS] = { .type = NLA_FLAG, },
};

/* VROUTER_CMD_FIB_GET - do */
const struct nla_policy vrouter_fib_get_nl_policy[VROUTER_A_FIB_IIF + 1] = {
	[VROUTER_A_FIB_ROUTER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[VROUTER_A_FIB_ROUTER_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[VROUTER_A_FIB_NETNSID] = { .type = NLA_S32, },
	[VROUTER_A_FIB_DST] = { .type = NLA_BINARY, },
	[VROUTER_A_FIB_SRC] = { .type = NLA_BINARY, },
	[VROUTER_A_FIB_IIF] = { .type = NLA_U32, },
};

/* VROUTER_CMD_ROUTE_GET - do */
const struct nla_policy vrouter_route_get_nl_policy[VROUTER_A_ROUTE_LONGER_PREFIXES + 1] = {
	[VROUTER_A_ROUTE_ROUTER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[VROUTER_A_ROUTE_ROUTER_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[VROUTER_A_ROUTE_NETNSID] = { .type = NLA_S32, },
	[VROUTER_A_ROUTE_FAMILY] = { .type = NLA_U32, },
	[VROUTER_A_ROUTE_PREFIX] = { .type = NLA_BINARY, },
	[VROUTER_A_ROUTE_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U32, 128),
	[VROUTER_A_ROUTE_LONGER_PREFIXES] = { .type = NLA_FLAG, },
};

/* VROUTER_CMD_FIB_STATS - do */
const struct nla_policy vrouter_fib_stats_nl_policy[VROUTER_A_FIB_STATS_VERIFY + 1] = {
	[VROUTER_A_FIB_STATS_ROUTER_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[VROUTER_A_FIB_STATS_ROUTER_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[VROUTER_A_FIB_STATS_NETNSID] = { .type = NLA_S32, },
	[VROUTER_A_FIB_STATS_VERIFY] = { .type = NLA_FLAG, },
};

/* Ops table for vrouter */
const struct genl_ops vrouter_nl_ops[7] = {
	{
		.cmd		= VROUTER_CMD_ROUTER_GET,
		.doit		= vrouter_nl_router_get_doit,
		.dumpit		= vrouter_nl_router_get_dumpit,
		.policy		= vrouter_router_get_nl_policy,
		.maxattr	= VROUTER_A_ROUTER_ALL_NETNS,
	},
	{
		.cmd		= VROUTER_CMD_ROUTER_SET,
		.doit		= vrouter_nl_router_set_doit,
		.policy		= vrouter_router_set_nl_policy,
		.maxattr	= VROUTER_A_ROUTER_MAX_RATE,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VROUTER_CMD_ROUTER_RESET,
		.doit		= vrouter_nl_router_reset_doit,
		.policy		= vrouter_router_reset_nl_policy,
		.maxattr	= VROUTER_A_ROUTER_NETNSID,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VROUTER_CMD_PORT_GET,
		.doit		= vrouter_nl_port_get_doit,
		.dumpit		= vrouter_nl_port_get_dumpit,
		.policy		= vrouter_port_get_nl_policy,
		.maxattr	= VROUTER_A_PORT_ALL_NETNS,
	},
	{
		.cmd		= VROUTER_CMD_FIB_GET,
		.doit		= vrouter_nl_fib_get_doit,
		.policy		= vrouter_fib_get_nl_policy,
		.maxattr	= VROUTER_A_FIB_IIF,
	},
	{
		.cmd		= VROUTER_CMD_ROUTE_GET,
		.doit		= vrouter_nl_route_get_doit,
		.dumpit		= vrouter_nl_route_get_dumpit,
		.policy		= vrouter_route_get_nl_policy,
		.maxattr	= VROUTER_A_ROUTE_LONGER_PREFIXES,
	},
	{
		.cmd		= VROUTER_CMD_FIB_STATS,
		.doit		= vrouter_nl_fib_stats_doit,
		.policy		= vrouter_fib_stats_nl_policy,
		.maxattr	= VROUTER_A_FIB_STATS_VERIFY,
	},
};

static const struct genl_multicast_group vrouter_nl_mcgrps[] = {
	[VROUTER_NLGRP_CHANGES] = { "changes", },
};
