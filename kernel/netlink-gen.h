/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vrouter.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_VROUTER_GEN_H
#define _LINUX_VROUTER_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/vrouter.h>

extern const struct nla_policy vrouter_router_get_nl_policy[VROUTER_A_ROUTER_ALL_NETNS + 1];

extern const struct nla_policy vrouter_router_set_nl_policy[VROUTER_A_ROUTER_MAX_RATE + 1];

extern const struct nla_policy vrouter_router_reset_nl_policy[VROUTER_A_ROUTER_NETNSID + 1];

extern const struct nla_policy vrouter_port_get_nl_policy[VROUTER_A_PORT_ALL_NETNS + 1];

extern const struct nla_policy vrouter_fib_get_nl_policy[VROUTER_A_FIB_IIF + 1];

extern const struct nla_policy vrouter_route_get_nl_policy[VROUTER_A_ROUTE_LONGER_PREFIXES + 1];

extern const struct nla_policy vrouter_fib_stats_nl_policy[VROUTER_A_FIB_STATS_VERIFY + 1];

/* Ops table for vrouter */
extern const struct genl_ops vrouter_nl_ops[7];

int vrouter_nl_router_get_doit(struct sk_buff *skb, struct genl_info *info);
int vrouter_nl_router_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int vrouter_nl_router_set_doit(struct sk_buff *skb, struct genl_info *info);
int vrouter_nl_router_reset_doit(struct sk_buff *skb, struct genl_info *info);
int vrouter_nl_port_get_doit(struct sk_buff *skb, struct genl_info *info);
int vrouter_nl_port_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int vrouter_nl_fib_get_doit(struct sk_buff *skb, struct genl_info *info);
int vrouter_nl_route_get_doit(struct sk_buff *skb, struct genl_info *info);
int vrouter_nl_route_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int vrouter_nl_fib_stats_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	VROUTER_NLGRP_CHANGES,
};

#endif /* _LINUX_VROUTER_GEN_H */
