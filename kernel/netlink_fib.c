// SPDX-License-Identifier: GPL-2.0
/*
 * The operations fib-get: what becomes of a packet, and why; and fib-stats: what
 * the tables take, and whether they are right.
 */
#include <net/genetlink.h>
#include <net/netlink.h>

#include "compat.h"
#include "explain.h"
#include "netlink-gen.h"
#include "netlink.h"
#include "port.h"
#include "rib.h"
#include "router.h"

#define VR_NETLINK_STATS_SIZE	8192

static const struct vr_netlink_key vr_netlink_fib_key = {
	.ifindex = VROUTER_A_FIB_ROUTER_IFINDEX,
	.name = VROUTER_A_FIB_ROUTER_NAME,
	.netnsid = VROUTER_A_FIB_NETNSID,
	.is = vr_router_is,
	.missing = "No such router",
};

static const struct vr_netlink_key vr_netlink_stats_key = {
	.ifindex = VROUTER_A_FIB_STATS_ROUTER_IFINDEX,
	.name = VROUTER_A_FIB_STATS_ROUTER_NAME,
	.netnsid = VROUTER_A_FIB_STATS_NETNSID,
	.is = vr_router_is,
	.missing = "No such router",
};

/**
 * struct vr_netlink_answer - what is told
 * @router: index of the router
 * @name: name of the router
 * @oif: index of the port that the packet leaves by, or 0
 * @oif_name: its name
 * @ex: question and answer
 */
struct vr_netlink_answer {
	u32 router;
	char name[IFNAMSIZ];
	u32 oif;
	char oif_name[IFNAMSIZ];
	struct vr_explain ex;
};

static int vr_netlink_fib_addr_len(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) :
				   sizeof(struct in6_addr);
}

static int vr_netlink_fib_parse(struct genl_info *info, struct vr_explain *ex)
{
	struct nlattr *dst = info->attrs[VROUTER_A_FIB_DST];
	struct nlattr *src = info->attrs[VROUTER_A_FIB_SRC];

	if (!dst) {
		NL_SET_ERR_MSG(info->extack, "A destination address is missing");
		return -EINVAL;
	}
	if (nla_len(dst) == sizeof(struct in_addr)) {
		ex->family = AF_INET;
	} else if (nla_len(dst) == sizeof(struct in6_addr)) {
		ex->family = AF_INET6;
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, dst,
				    "An address has 4 or 16 bytes");
		return -EINVAL;
	}
	if (src && nla_len(src) != nla_len(dst)) {
		NL_SET_ERR_MSG_ATTR(info->extack, src,
				    "Source and destination are of different families");
		return -EINVAL;
	}
	memcpy(&ex->dst, nla_data(dst), nla_len(dst));
	if (src)
		memcpy(&ex->src, nla_data(src), nla_len(src));
	return 0;
}

static int vr_netlink_fib_port(const struct vr_router *router,
			       struct genl_info *info, struct vr_explain *ex)
{
	struct nlattr *iif = info->attrs[VROUTER_A_FIB_IIF];
	struct net_device *dev;
	struct vr_port *port;

	if (!iif)
		return 0;
	dev = dev_get_by_index_rcu(dev_net(router->dev), nla_get_u32(iif));
	if (dev && vr_port_is(dev)) {
		port = netdev_priv(dev);
		if (rcu_access_pointer(port->router) == router) {
			ex->in = port;
			return 0;
		}
	}
	NL_SET_ERR_MSG_ATTR(info->extack, iif, "The router has no such port");
	return -ENODEV;
}

static int vr_netlink_fib_fill_route(struct sk_buff *skb,
				     const struct vr_explain *ex)
{
	int len = vr_netlink_fib_addr_len(ex->family);

	if (!ex->matched)
		return 0;
	return nla_put(skb, VROUTER_A_FIB_PREFIX, len, &ex->prefix) ? :
	       nla_put_u32(skb, VROUTER_A_FIB_PREFIX_LEN, ex->plen);
}

static int vr_netlink_fib_fill(struct sk_buff *skb, const void *arg)
{
	const struct vr_netlink_answer *answer = arg;
	const struct vr_explain *ex = &answer->ex;

	if (nla_put_u32(skb, VROUTER_A_FIB_ROUTER_IFINDEX, answer->router) ||
	    nla_put_string(skb, VROUTER_A_FIB_ROUTER_NAME, answer->name) ||
	    nla_put_u32(skb, VROUTER_A_FIB_VERDICT, ex->reason ?
			VROUTER_VERDICT_PUNT : VROUTER_VERDICT_FORWARD) ||
	    (ex->reason && nla_put_u32(skb, VROUTER_A_FIB_REASON,
				       ex->reason)) ||
	    vr_netlink_fib_fill_route(skb, ex) ||
	    (ex->gw_family && nla_put(skb, VROUTER_A_FIB_GATEWAY,
				      vr_netlink_fib_addr_len(ex->gw_family),
				      &ex->gw)) ||
	    (answer->oif &&
	     (nla_put_u32(skb, VROUTER_A_FIB_OIF, answer->oif) ||
	      nla_put_string(skb, VROUTER_A_FIB_OIF_NAME, answer->oif_name))) ||
	    (ex->known && nla_put(skb, VROUTER_A_FIB_LLADDR, ETH_ALEN,
				  ex->lladdr)) ||
	    (ex->mtu && nla_put_u32(skb, VROUTER_A_FIB_MTU, ex->mtu)) ||
	    (ex->paths && nla_put_u32(skb, VROUTER_A_FIB_PATHS, ex->paths)))
		return -EMSGSIZE;
	return 0;
}

/* Names and numbers are copied, since a reply is allocated outside of RCU. */
static int vr_netlink_fib_ask(struct net *net, struct genl_info *info,
			      struct vr_netlink_answer *answer)
{
	struct vr_explain *ex = &answer->ex;
	struct vr_router *router;
	struct net_device *dev;
	int err;

	dev = vr_netlink_find(net, info->attrs, info->extack,
			      &vr_netlink_fib_key);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	router = netdev_priv(dev);
	err = vr_netlink_fib_port(router, info, ex);
	if (err)
		return err;
	vr_explain(router, ex);
	answer->router = router->dev->ifindex;
	strscpy(answer->name, router->dev->name, sizeof(answer->name));
	if (ex->out) {
		answer->oif = ex->out->ifindex;
		strscpy(answer->oif_name, ex->out->name,
			sizeof(answer->oif_name));
	}
	return 0;
}

/**
 * vrouter_nl_fib_get_doit() - tell what becomes of a packet
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int vrouter_nl_fib_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vr_netlink_answer answer = {};
	netns_tracker tracker;
	struct net *net;
	int err;

	err = vr_netlink_fib_parse(info, &answer.ex);
	if (err)
		return err;
	net = vr_netlink_get_net(skb, info->attrs, info->extack,
				 VROUTER_A_FIB_NETNSID, &tracker);
	if (IS_ERR(net))
		return PTR_ERR(net);
	local_bh_disable();
	rcu_read_lock();
	err = vr_netlink_fib_ask(net, info, &answer);
	rcu_read_unlock();
	local_bh_enable();
	put_net_track(net, &tracker);
	return err ? : vr_netlink_reply(info, VROUTER_CMD_FIB_GET,
					NLMSG_GOODSIZE, vr_netlink_fib_fill,
					&answer);
}

/**
 * struct vr_netlink_stats - what is told of tables
 * @router: index of the router
 * @name: name of the router
 * @mirror: what there is to know about the mirror
 * @rib: its routes, or NULL while it has none
 * @verify: also look for errors
 * @errors: found, for IPv4 and IPv6
 * @fib: the tables, likewise
 */
struct vr_netlink_stats {
	u32 router;
	char name[IFNAMSIZ];
	struct vr_mirror_info mirror;
	struct vr_rib *rib;
	bool verify;
	u32 errors[2];
	struct vr_fib_info fib[2];
};

static int vr_netlink_stats_lengths(struct sk_buff *skb,
				    const struct vr_fib_info *fib)
{
	struct nlattr *nest;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fib->by_len); i++) {
		if (!fib->by_len[i])
			continue;
		nest = nla_nest_start(skb, VROUTER_A_FIB_TABLE_LENGTH);
		if (!nest ||
		    nla_put_u32(skb, VROUTER_A_FIB_LENGTH_PREFIX_LEN, i) ||
		    nla_put_u32(skb, VROUTER_A_FIB_LENGTH_PREFIXES,
				fib->by_len[i]))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int vr_netlink_stats_sizes(struct sk_buff *skb,
				  const struct vr_fib_info *fib)
{
	const struct {
		int attr;
		u64 value;
	} size[] = {
		{ VROUTER_A_FIB_TABLE_BYTES, fib->bytes },
		{ VROUTER_A_FIB_TABLE_SHARED_BYTES, fib->shared_bytes },
		{ VROUTER_A_FIB_TABLE_STORE_BYTES, fib->store_bytes },
		{ VROUTER_A_FIB_TABLE_STORE_SHARED_BYTES,
		  fib->store_shared_bytes },
		{ VROUTER_A_FIB_TABLE_UPDATES, fib->updates },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(size); i++)
		if (nla_put_u64_64bit(skb, size[i].attr, size[i].value,
				      VROUTER_A_FIB_TABLE_PAD))
			return -EMSGSIZE;
	return 0;
}

static int vr_netlink_stats_table(struct sk_buff *skb,
				  const struct vr_netlink_stats *stats, int i)
{
	struct nlattr *nest = nla_nest_start(skb, VROUTER_A_FIB_STATS_TABLE);
	const struct vr_fib_info *fib = &stats->fib[i];

	if (!nest ||
	    nla_put_u32(skb, VROUTER_A_FIB_TABLE_FAMILY,
			i ? AF_INET6 : AF_INET) ||
	    nla_put_u32(skb, VROUTER_A_FIB_TABLE_PREFIXES, fib->prefixes) ||
	    nla_put_u32(skb, VROUTER_A_FIB_TABLE_NODES, fib->nodes) ||
	    vr_netlink_stats_sizes(skb, fib) ||
	    (stats->verify && nla_put_u32(skb, VROUTER_A_FIB_TABLE_ERRORS,
					  stats->errors[i])) ||
	    vr_netlink_stats_lengths(skb, fib))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vr_netlink_stats_fill(struct sk_buff *skb, const void *arg)
{
	const struct vr_netlink_stats *stats = arg;

	if (nla_put_u32(skb, VROUTER_A_FIB_STATS_ROUTER_IFINDEX,
			stats->router) ||
	    nla_put_string(skb, VROUTER_A_FIB_STATS_ROUTER_NAME, stats->name) ||
	    (stats->rib && (vr_netlink_stats_table(skb, stats, 0) ||
			    vr_netlink_stats_table(skb, stats, 1))) ||
	    vr_netlink_put_mirror(skb, VROUTER_A_FIB_STATS_MIRROR,
				  &stats->mirror) ||
	    nla_put_u32(skb, VROUTER_A_FIB_STATS_RESYNCS,
			stats->mirror.resyncs))
		return -EMSGSIZE;
	return 0;
}

/* What is told while nobody may sleep; the tables are looked at later. */
static int vr_netlink_stats_begin(struct net *net, struct genl_info *info,
				  struct vr_netlink_stats *stats)
{
	struct vr_router *router;
	struct net_device *dev;
	struct vr_rib *rib;

	dev = vr_netlink_find(net, info->attrs, info->extack,
			      &vr_netlink_stats_key);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	router = netdev_priv(dev);
	stats->router = dev->ifindex;
	strscpy(stats->name, dev->name, sizeof(stats->name));
	vr_mirror_get_info(router, &stats->mirror);
	rib = rcu_dereference(router->rib);
	if (rib && vr_rib_get(rib))
		stats->rib = rib;
	return 0;
}

static int vr_netlink_stats_look(struct vr_netlink_stats *stats)
{
	struct vr_rib *rib = stats->rib;
	int err;

	err = vr_fib_get_info(rib->fib4, &stats->fib[0]) ? :
	      vr_fib_get_info(rib->fib6, &stats->fib[1]);
	if (err || !stats->verify)
		return err;
	return vr_fib_verify(rib->fib4, &stats->errors[0]) ? :
	       vr_fib_verify(rib->fib6, &stats->errors[1]);
}

/**
 * vrouter_nl_fib_stats_doit() - tell what the tables of a router take
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int vrouter_nl_fib_stats_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *verify = info->attrs[VROUTER_A_FIB_STATS_VERIFY];
	struct vr_netlink_stats *stats;
	netns_tracker tracker;
	struct net *net;
	int err;

	/* it takes its time, and meanwhile no table can change */
	if (!netlink_capable(skb, CAP_NET_ADMIN)) {
		NL_SET_ERR_MSG(info->extack,
			       "That work is for the host's administrator");
		return -EPERM;
	}
	net = vr_netlink_get_net(skb, info->attrs, info->extack,
				 VROUTER_A_FIB_STATS_NETNSID, &tracker);
	if (IS_ERR(net))
		return PTR_ERR(net);
	stats = kzalloc(sizeof(*stats), GFP_KERNEL);
	err = stats ? 0 : -ENOMEM;
	if (!err) {
		stats->verify = verify;
		rcu_read_lock();
		err = vr_netlink_stats_begin(net, info, stats);
		rcu_read_unlock();
	}
	put_net_track(net, &tracker);
	if (!err && stats->rib)
		err = vr_netlink_stats_look(stats);
	if (!err)
		err = vr_netlink_reply(info, VROUTER_CMD_FIB_STATS,
				       VR_NETLINK_STATS_SIZE,
				       vr_netlink_stats_fill, stats);
	if (stats && stats->rib)
		vr_rib_put(stats->rib);
	kfree(stats);
	return err;
}
