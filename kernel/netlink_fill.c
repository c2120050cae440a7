// SPDX-License-Identifier: GPL-2.0
/*
 * Routers and ports as netlink attributes.
 */
#include <linux/rtnetlink.h>
#include <net/netlink.h>

#include "explain.h"
#include "netlink.h"
#include "port.h"
#include "router.h"

static int vr_netlink_put_u64(struct sk_buff *skb, int attr, u64 value, int pad)
{
	return nla_put_u64_64bit(skb, attr, value, pad);
}

static int vr_netlink_put_array(struct sk_buff *skb, int attr, const u64 *value,
				unsigned int n, int pad)
{
	struct nlattr *nest = nla_nest_start(skb, attr);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	/* a reason's number is its attribute's */
	for (i = 1; i < n; i++)
		if (vr_netlink_put_u64(skb, i, value[i], pad))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vr_netlink_put_delay(struct sk_buff *skb,
				const struct vr_stats_sum *sum)
{
	struct nlattr *nest;
	unsigned int i;

	for (i = 0; i < VR_STATS_DELAY_BUCKETS; i++) {
		if (!sum->delay[i])
			continue;
		nest = nla_nest_start(skb, VROUTER_A_STATS_DELAY);
		if (!nest ||
		    vr_netlink_put_u64(skb, VROUTER_A_DELAY_MIN_NS,
				       i ? BIT_ULL(i) : 0,
				       VROUTER_A_DELAY_PAD) ||
		    vr_netlink_put_u64(skb, VROUTER_A_DELAY_PACKETS,
				       sum->delay[i], VROUTER_A_DELAY_PAD))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int vr_netlink_put_totals(struct sk_buff *skb,
				 const struct vr_router_counters *counters)
{
	const struct vr_stats_sum *sum = &counters->sum;
	const struct {
		int attr;
		u64 value;
	} total[] = {
		{ VROUTER_A_STATS_RX_PACKETS, sum->rx_packets },
		{ VROUTER_A_STATS_RX_BYTES, sum->rx_bytes },
		{ VROUTER_A_STATS_FORWARDED_PACKETS, sum->fwd_packets },
		{ VROUTER_A_STATS_FORWARDED_BYTES, sum->fwd_bytes },
		{ VROUTER_A_STATS_PUNTED_PACKETS,
		  vr_stats_total(sum->punt, ARRAY_SIZE(sum->punt)) },
		{ VROUTER_A_STATS_PUNTED_BYTES, sum->punt_bytes },
		{ VROUTER_A_STATS_DROPPED_PACKETS,
		  vr_stats_total(sum->drop, ARRAY_SIZE(sum->drop)) },
		{ VROUTER_A_STATS_DROPPED_BYTES, sum->drop_bytes },
		{ VROUTER_A_STATS_QUEUED_PACKETS, counters->queued_packets },
		{ VROUTER_A_STATS_QUEUED_BYTES, counters->queued_bytes },
		{ VROUTER_A_STATS_QUEUED_PEAK, counters->queued_peak },
		{ VROUTER_A_STATS_CPU_NS, sum->cpu_ns },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(total); i++)
		if (vr_netlink_put_u64(skb, total[i].attr, total[i].value,
				       VROUTER_A_STATS_PAD))
			return -EMSGSIZE;
	return 0;
}

static int vr_netlink_put_stats(struct sk_buff *skb, struct vr_router *router)
{
	struct vr_router_counters *counters;
	struct nlattr *nest;
	int err = -EMSGSIZE;

	BUILD_BUG_ON(VROUTER_A_PUNT_SKB != (int)VROUTER_PUNT_SKB);
	BUILD_BUG_ON(VROUTER_A_DROP_MEMORY != (int)VROUTER_DROP_MEMORY);

	/* too large for the stack */
	counters = kmalloc(sizeof(*counters), GFP_ATOMIC);
	if (!counters)
		return -ENOMEM;
	vr_router_count(router, counters);
	nest = nla_nest_start(skb, VROUTER_A_ROUTER_STATS);
	if (!nest || vr_netlink_put_totals(skb, counters) ||
	    vr_netlink_put_array(skb, VROUTER_A_STATS_PUNT,
				 counters->sum.punt,
				 ARRAY_SIZE(counters->sum.punt),
				 VROUTER_A_PUNT_PAD) ||
	    vr_netlink_put_array(skb, VROUTER_A_STATS_DROP,
				 counters->sum.drop,
				 ARRAY_SIZE(counters->sum.drop),
				 VROUTER_A_DROP_PAD) ||
	    vr_netlink_put_delay(skb, &counters->sum))
		goto out;
	nla_nest_end(skb, nest);
	err = 0;
out:
	kfree(counters);
	return err;
}

/* The namespace of a device, where it is not the socket's own. */
static int vr_netlink_put_nsid(struct sk_buff *skb, int attr,
			       const struct net_device *dev,
			       const struct net *net)
{
	int id;

	if (net_eq(dev_net(dev), net))
		return 0;
	id = peernet2id_alloc((struct net *)net, dev_net(dev), GFP_ATOMIC);
	return id < 0 ? 0 : nla_put_s32(skb, attr, id);
}

static int vr_netlink_put_conf(struct sk_buff *skb,
			       const struct vr_router *router)
{
	struct vr_router_conf conf;

	vr_router_get_conf(router, &conf);
	if (nla_put_u32(skb, VROUTER_A_ROUTER_WEIGHT, conf.weight) ||
	    nla_put_u32(skb, VROUTER_A_ROUTER_LIMIT_PACKETS,
			conf.limit_packets) ||
	    nla_put_u32(skb, VROUTER_A_ROUTER_LIMIT_BYTES, conf.limit_bytes) ||
	    nla_put_u32(skb, VROUTER_A_ROUTER_NETFILTER, conf.netfilter) ||
	    nla_put_u32(skb, VROUTER_A_ROUTER_MAX_ROUTES, conf.max_routes) ||
	    nla_put_u32(skb, VROUTER_A_ROUTER_MAX_ROUTES_WARN,
			conf.max_routes_warn) ||
	    nla_put_u64_64bit(skb, VROUTER_A_ROUTER_MAX_RATE, conf.max_rate,
			      VROUTER_A_ROUTER_PAD))
		return -EMSGSIZE;
	return 0;
}

/**
 * vr_netlink_put_mirror() - how far a mirror is behind
 * @skb: message
 * @attr: attribute
 * @info: what there is to know about the mirror
 *
 * Return: 0 or -EMSGSIZE.
 */
int vr_netlink_put_mirror(struct sk_buff *skb, int attr,
			  const struct vr_mirror_info *info)
{
	struct nlattr *nest = nla_nest_start(skb, attr);

	if (!nest ||
	    nla_put_u32(skb, VROUTER_A_MIRROR_PENDING, info->pending) ||
	    nla_put_u32(skb, VROUTER_A_MIRROR_PENDING_PEAK,
			info->pending_peak) ||
	    vr_netlink_put_u64(skb, VROUTER_A_MIRROR_CHANGES, info->changes,
			       VROUTER_A_MIRROR_PAD) ||
	    vr_netlink_put_u64(skb, VROUTER_A_MIRROR_LAG_NS, info->lag,
			       VROUTER_A_MIRROR_PAD) ||
	    vr_netlink_put_u64(skb, VROUTER_A_MIRROR_LAG_LAST_NS,
			       info->lag_last, VROUTER_A_MIRROR_PAD) ||
	    vr_netlink_put_u64(skb, VROUTER_A_MIRROR_LAG_PEAK_NS,
			       info->lag_peak, VROUTER_A_MIRROR_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vr_netlink_put_quota(struct sk_buff *skb,
				const struct vr_mirror_info *info)
{
	if (info->counted &&
	    (nla_put_u32(skb, VROUTER_A_ROUTER_ROUTES, info->routes) ||
	     nla_put_u32(skb, VROUTER_A_ROUTER_QUOTA_STATE,
			 info->quota_state)))
		return -EMSGSIZE;
	return nla_put_u32(skb, VROUTER_A_ROUTER_ROUTES_REFUSED, info->refused);
}

static int vr_netlink_put_domain(struct sk_buff *skb, struct vr_router *router)
{
	struct net_device *vrf =
		netdev_master_upper_dev_get_rcu(router->dev);
	struct vr_mirror_info info;

	vr_mirror_get_info(router, &info);
	if (vrf && netif_is_l3_master(vrf) &&
	    (nla_put_u32(skb, VROUTER_A_ROUTER_VRF_IFINDEX, vrf->ifindex) ||
	     nla_put_string(skb, VROUTER_A_ROUTER_VRF_NAME, vrf->name)))
		return -EMSGSIZE;
	if ((info.table &&
	     nla_put_u32(skb, VROUTER_A_ROUTER_TABLE, info.table)) ||
	    nla_put_u32(skb, VROUTER_A_ROUTER_ROUTES4, info.routes4) ||
	    nla_put_u32(skb, VROUTER_A_ROUTER_ROUTES6, info.routes6) ||
	    nla_put_u32(skb, VROUTER_A_ROUTER_NEXTHOPS, info.nexthops) ||
	    nla_put_u32(skb, VROUTER_A_ROUTER_RESYNCS, info.resyncs) ||
	    vr_netlink_put_quota(skb, &info))
		return -EMSGSIZE;
	return vr_netlink_put_mirror(skb, VROUTER_A_ROUTER_MIRROR, &info);
}

/**
 * vr_netlink_fill_router() - a router as attributes
 * @skb: message
 * @router: router
 * @net: namespace of the socket
 *
 * Context: RCU read side.
 * Return: 0, -EMSGSIZE or -ENOMEM.
 */
int vr_netlink_fill_router(struct sk_buff *skb, struct vr_router *router,
			   const struct net *net)
{
	const struct net_device *dev = router->dev;
	u32 state, reason;

	state = vr_router_state(router, &reason);
	if (nla_put_u32(skb, VROUTER_A_ROUTER_IFINDEX, dev->ifindex) ||
	    nla_put_string(skb, VROUTER_A_ROUTER_IFNAME, dev->name) ||
	    vr_netlink_put_nsid(skb, VROUTER_A_ROUTER_NETNSID, dev, net) ||
	    nla_put_u32(skb, VROUTER_A_ROUTER_STATE, state) ||
	    (reason && nla_put_u32(skb, VROUTER_A_ROUTER_FALLBACK_REASON,
				   reason)) ||
	    nla_put_u32(skb, VROUTER_A_ROUTER_PORTS,
			READ_ONCE(router->ports)) ||
	    vr_netlink_put_conf(skb, router) ||
	    vr_netlink_put_domain(skb, router))
		return -EMSGSIZE;
	return vr_netlink_put_stats(skb, router);
}

static int vr_netlink_put_serving(struct sk_buff *skb,
				  const struct vr_port *port)
{
	const struct vr_router *router = rcu_dereference(port->router);
	u8 blocked;

	if (!router)
		return 0;
	if (nla_put_u32(skb, VROUTER_A_PORT_ROUTER_IFINDEX,
			router->dev->ifindex) ||
	    nla_put_string(skb, VROUTER_A_PORT_ROUTER_NAME, router->dev->name))
		return -EMSGSIZE;
	blocked = vr_explain_port(router, port);
	return blocked ? nla_put_u32(skb, VROUTER_A_PORT_BLOCKED, blocked) : 0;
}

/**
 * vr_netlink_fill_port() - a port as attributes
 * @skb: message
 * @port: port
 * @net: namespace of the socket
 *
 * Context: BH disabled, RCU read side.
 * Return: 0 or -EMSGSIZE.
 */
int vr_netlink_fill_port(struct sk_buff *skb, const struct vr_port *port,
			 const struct net *net)
{
	const struct net_device *dev = port->dev, *lower = port->lower;

	if (nla_put_u32(skb, VROUTER_A_PORT_IFINDEX, dev->ifindex) ||
	    nla_put_string(skb, VROUTER_A_PORT_IFNAME, dev->name) ||
	    vr_netlink_put_nsid(skb, VROUTER_A_PORT_NETNSID, dev, net) ||
	    vr_netlink_put_serving(skb, port) ||
	    nla_put_u32(skb, VROUTER_A_PORT_LOWER_IFINDEX, lower->ifindex) ||
	    nla_put_string(skb, VROUTER_A_PORT_LOWER_NAME, lower->name) ||
	    vr_netlink_put_nsid(skb, VROUTER_A_PORT_LOWER_NETNSID, lower,
				net) ||
	    (port->vlan && nla_put_u32(skb, VROUTER_A_PORT_VLAN, port->vlan)) ||
	    nla_put(skb, VROUTER_A_PORT_ADDRESS, ETH_ALEN, dev->dev_addr) ||
	    nla_put_u32(skb, VROUTER_A_PORT_MTU, READ_ONCE(dev->mtu)))
		return -EMSGSIZE;
	return 0;
}
