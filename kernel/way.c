// SPDX-License-Identifier: GPL-2.0
/*
 * Finds a packet's route, path and neighbour, as fib_lookup(), fib_select_path()
 * and their IPv6 likes would.
 */
#include <linux/bits.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/prefetch.h>
#include <net/arp.h>
#include <net/flow_dissector.h>
#include <net/ip6_route.h>
#include <net/ip_fib.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/nexthop.h>

#include "compat.h"
#include "mactable.h"
#include "port.h"
#include "rib.h"
#include "way.h"

#define VR_WAY_MULTICAST	BIT_ULL(40)	/* in a MAC address as a number */

/* An ICMP error follows the flow that it is about; the stack can do that. */
static bool vr_way_icmp_error4(const struct sk_buff *skb,
			       const struct iphdr *iph)
{
	const struct icmphdr *icmp;
	struct icmphdr buffer;

	if (iph->protocol != IPPROTO_ICMP || !skb)
		return false;
	icmp = skb_header_pointer(skb, skb_network_offset(skb) + sizeof(*iph),
				  sizeof(buffer), &buffer);
	return !icmp || icmp_is_err(icmp->type);
}

static bool vr_way_icmp_error6(const struct sk_buff *skb,
			       const struct ipv6hdr *hdr)
{
	const struct icmp6hdr *icmp;
	struct icmp6hdr buffer;

	if (hdr->nexthdr != IPPROTO_ICMPV6 || !skb)
		return false;
	icmp = skb_header_pointer(skb, skb_network_offset(skb) + sizeof(*hdr),
				  sizeof(buffer), &buffer);
	return !icmp || icmpv6_is_err(icmp->icmp6_type);
}

/*
 * Ports and protocol, as of a packet of @len bytes: the stack has cut off what
 * follows, where ports may seem to be. False if that cannot be done here.
 */
static bool vr_way_dissect(const struct net *net, const struct sk_buff *skb,
			   unsigned int len, struct flow_keys *keys)
{
	const unsigned int flags = FLOW_DISSECTOR_F_STOP_AT_ENCAP;
	struct flow_keys found = {};

	if (!skb)
		return true;
	if (skb->len == len)
		skb_flow_dissect_flow_keys(skb, &found, flags);
	else if (len <= skb_headlen(skb))
		__skb_flow_dissect(net, NULL, &flow_keys_dissector, &found,
				   skb_network_header(skb), skb->protocol, 0,
				   len, flags);
	else
		return false;
	keys->ports.src = found.ports.src;
	keys->ports.dst = found.ports.dst;
	keys->basic.ip_proto = found.basic.ip_proto;
	return true;
}

/* As fib_multipath_hash(), or -1 for what it does not do. */
static int vr_way_hash4(const struct net *net, const struct iphdr *iph,
			const struct sk_buff *skb)
{
	struct flow_keys keys = {};

	keys.control.addr_type = FLOW_DISSECTOR_KEY_IPV4_ADDRS;
	keys.addrs.v4addrs.src = iph->saddr;
	keys.addrs.v4addrs.dst = iph->daddr;
	switch (READ_ONCE(net->ipv4.sysctl_fib_multipath_hash_policy)) {
	case 0:
		if (vr_way_icmp_error4(skb, iph))
			return -1;
		break;
	case 1:
		if (skb && skb->l4_hash)
			return skb_get_hash_raw(skb) >> 1;
		if (!vr_way_dissect(net, skb, ntohs(iph->tot_len), &keys))
			return -1;
		break;
	default:
		return -1;
	}
	return vr_compat_multipath_hash(net, &keys) >> 1;
}

/* As rt6_multipath_hash(), or -1 for what it does not do. */
static int vr_way_hash6(const struct net *net, const struct ipv6hdr *hdr,
			const struct sk_buff *skb)
{
	struct flow_keys keys = {};

	/* both policies follow the flow that an error is about */
	if (vr_way_icmp_error6(skb, hdr))
		return -1;
	keys.control.addr_type = FLOW_DISSECTOR_KEY_IPV6_ADDRS;
	keys.addrs.v6addrs.src = hdr->saddr;
	keys.addrs.v6addrs.dst = hdr->daddr;
	switch (ip6_multipath_hash_policy(net)) {
	case 0:
		keys.tags.flow_label = (__force u32)ip6_flowlabel(hdr);
		keys.basic.ip_proto = hdr->nexthdr;
		break;
	case 1:
		if (skb && skb->l4_hash)
			return skb_get_hash_raw(skb) >> 1;
		if (!vr_way_dissect(net, skb,
				    ntohs(hdr->payload_len) + sizeof(*hdr),
				    &keys))
			return -1;
		break;
	default:
		return -1;
	}
	return vr_compat_multipath_hash(net, &keys) >> 1;
}

static struct vr_path *vr_way_select(struct vr_nexthop *nh, int hash)
{
	unsigned int i;

	for (i = 0; i < nh->npaths; i++)
		if (hash <= atomic_read(nh->path[i].bound))
			return &nh->path[i];
	return NULL;
}

static u8 vr_way_take_path(struct vr_path *path, struct vr_way *way)
{
	const struct fib_nh_common *nhc = path->nhc;

	if (nhc) {
		if (READ_ONCE(nhc->nhc_flags) & (RTNH_F_DEAD | RTNH_F_LINKDOWN))
			return VROUTER_PUNT_NEXTHOP_DEAD;
		if (rcu_access_pointer(nhc->nhc_exceptions))
			return VROUTER_PUNT_EXCEPTION;
	}
	way->path = path;
	way->port = path->port;
	way->gw_family = path->gw_family;
	way->gw = path->gw_family ? &path->gw : NULL;
	return 0;
}

static u8 vr_way_take_object(struct nexthop *object, int hash,
			     struct vr_way *way)
{
	const struct fib_nh_common *nhc;

	if (nexthop_is_blackhole(object))
		return VROUTER_PUNT_ROUTE_TYPE;
	if (nexthop_is_multipath(object)) {
		object = nexthop_select_path(object, hash);
		if (!object)
			return VROUTER_PUNT_NEXTHOP_DEAD;
	}
	nhc = nexthop_fib_nhc(object, 0);
	if (!nhc || nhc->nhc_lwtstate)
		return VROUTER_PUNT_ENCAP;
	if (vr_nexthop_was_own(nhc))
		return VROUTER_PUNT_ROUTE_UNSUPPORTED;
	if (READ_ONCE(nhc->nhc_flags) & (RTNH_F_DEAD | RTNH_F_LINKDOWN))
		return VROUTER_PUNT_NEXTHOP_DEAD;
	if (rcu_access_pointer(nhc->nhc_exceptions))
		return VROUTER_PUNT_EXCEPTION;
	way->path = NULL;
	way->port = nhc->nhc_dev && vr_port_is(nhc->nhc_dev) ?
		netdev_priv(nhc->nhc_dev) : NULL;
	way->gw_family = nhc->nhc_gw_family;
	way->gw = nhc->nhc_gw_family ? &nhc->nhc_gw : NULL;
	return 0;
}

static bool vr_way_is_multipath(const struct vr_nexthop *nh)
{
	return nh->object ? nexthop_is_multipath(nh->object) : nh->npaths > 1;
}

static u8 vr_way_take(struct vr_nexthop *nh, int hash, struct vr_way *way)
{
	struct vr_path *path = nh->path;

	if (nh->object)
		return vr_way_take_object(nh->object, hash, way);
	if (nh->npaths > 1) {
		path = vr_way_select(nh, hash);
		if (!path)
			return VROUTER_PUNT_NEXTHOP_DEAD;
	}
	return vr_way_take_path(path, way);
}

static u8 vr_way_start(const struct vr_rib *rib, u16 id, struct vr_nexthop **nh)
{
	if (unlikely(!id))
		return VROUTER_PUNT_NO_ROUTE;
	*nh = vr_nexthop_find(rib->nexthops, id);
	if (unlikely(!*nh))
		return VROUTER_PUNT_MIRROR;
	return (*nh)->reason;
}

/**
 * vr_way_expect() - a packet with this route is to come
 * @rib: routes
 * @id: number of its nexthop
 *
 * Context: RCU read side.
 * Return: the nexthop, which may take a while to come from memory, or NULL.
 */
const struct vr_nexthop *vr_way_expect(const struct vr_rib *rib, u16 id)
{
	const struct vr_nexthop *nh = vr_nexthop_find(rib->nexthops, id);

	if (likely(nh))
		prefetch(&nh->object);
	return nh;
}

/**
 * vr_way_expect_path() - a packet with this nexthop is to come
 * @nh: nexthop, or NULL
 *
 * Context: RCU read side, the same as of vr_way_expect().
 */
void vr_way_expect_path(const struct vr_nexthop *nh)
{
	const struct neighbour *neigh;
	const struct vr_path *path;

	if (unlikely(!nh || !nh->npaths))
		return;
	path = &nh->path[0];
	neigh = rcu_dereference(path->neigh);
	if (likely(neigh)) {
		prefetch(&neigh->nud_state);
		prefetch(&neigh->ha);
	}
	/* of IPv4 only */
	if (path->nhc) {
		prefetch(&path->nhc->nhc_flags);
		prefetch(&path->nhc->nhc_exceptions);
	}
}

/**
 * vr_way_route4() - find an IPv4 packet's path
 * @rib: routes
 * @id: number of its route's nexthop
 * @net: namespace
 * @iph: its header
 * @skb: the packet, or NULL to go by the addresses alone
 * @way: filled in
 *
 * Context: RCU read side.
 * Return: 0, or enum vrouter_punt_reason.
 */
u8 vr_way_route4(const struct vr_rib *rib, u16 id, const struct net *net,
		 const struct iphdr *iph, const struct sk_buff *skb,
		 struct vr_way *way)
{
	struct vr_nexthop *nh;
	int hash = 0;
	u8 reason;

	reason = vr_way_start(rib, id, &nh);
	if (unlikely(reason))
		return reason;
	way->nh = nh;
	if (unlikely(vr_way_is_multipath(nh))) {
		hash = vr_way_hash4(net, iph, skb);
		if (hash < 0 ||
		    (!nh->object &&
		     READ_ONCE(net->ipv4.sysctl_fib_multipath_use_neigh)))
			return VROUTER_PUNT_MULTIPATH;
	}
	return vr_way_take(nh, hash, way);
}

/*
 * Does a route stand for all of its metric, as when it was announced? As long as it is in
 * the table, so is what comes after it, or was in this RCU read side.
 */
static bool vr_way_stands(const struct vr_nexthop *nh)
{
	const struct fib6_info *f6i = nh->npaths ? nh->path[0].f6i : nh->f6i;
	const struct fib6_info *next;

	if (unlikely(!rcu_access_pointer(f6i->fib6_node) ||
		     fib6_check_expired(f6i)))
		return false;
	for (next = rcu_dereference(f6i->fib6_next);
	     unlikely(next && next->fib6_metric == f6i->fib6_metric);
	     next = rcu_dereference(next->fib6_next))
		if (nh->npaths < 2 || !rt6_qualify_for_ecmp(next) ||
		    fib6_check_expired(next))
			return false;
	return true;
}

/**
 * vr_way_route6() - find an IPv6 packet's path
 * @rib: routes
 * @id: number of its route's nexthop
 * @net: namespace
 * @hdr: its header
 * @skb: the packet, or NULL to go by the addresses alone
 * @way: filled in
 *
 * Context: RCU read side.
 * Return: 0, or enum vrouter_punt_reason.
 */
u8 vr_way_route6(const struct vr_rib *rib, u16 id, const struct net *net,
		 const struct ipv6hdr *hdr, const struct sk_buff *skb,
		 struct vr_way *way)
{
	struct vr_nexthop *nh;
	int hash = 0;
	u8 reason;

	reason = vr_way_start(rib, id, &nh);
	if (unlikely(reason))
		return reason;
	way->nh = nh;
	if (nh->own && unlikely(!vr_way_stands(nh)))
		return VROUTER_PUNT_ROUTE_UNSUPPORTED;
	if (unlikely(vr_way_is_multipath(nh))) {
		hash = vr_way_hash6(net, hdr, skb);
		if (hash < 0)
			return VROUTER_PUNT_MULTIPATH;
	}
	return vr_way_take(nh, hash, way);
}

/* Linux may pass over a path whose link is down: the stack can tell. */
static bool vr_way_is_back(const struct fib_nh_common *nhc,
			   const struct vr_port *port, bool strict)
{
	return nhc && (!strict || nhc->nhc_dev == port->dev) &&
	       !(READ_ONCE(nhc->nhc_flags) & (RTNH_F_DEAD | RTNH_F_LINKDOWN));
}

static bool vr_way_object_is_back(struct nexthop *object,
				  const struct vr_port *port, bool strict)
{
	unsigned int i;

	if (nexthop_is_blackhole(object))
		return false;
	for (i = 0; i < nexthop_num_path(object); i++)
		if (vr_way_is_back(nexthop_fib_nhc(object, i), port, strict))
			return true;
	return false;
}

/**
 * vr_way_source4() - may a packet with this source come in here?
 * @rib: routes
 * @saddr: source address
 * @port: port that it came in on
 * @strict: the way back must lead through @port
 *
 * Context: RCU read side.
 * Return: true if the reverse path filter surely passes it.
 */
bool vr_way_source4(const struct vr_rib *rib, __be32 saddr,
		    const struct vr_port *port, bool strict)
{
	struct vr_nexthop *nh;
	unsigned int i;

	if (vr_way_start(rib, vr_fib_lookup4(rib->fib4, saddr), &nh))
		return false;
	if (nh->object)
		return vr_way_object_is_back(nh->object, port, strict);
	for (i = 0; i < nh->npaths; i++)
		if (vr_way_is_back(nh->path[i].nhc, port, strict))
			return true;
	return false;
}

static struct neighbour *vr_way_lookup(const struct vr_way *way, int family,
				       const void *key)
{
	struct net_device *dev = way->port->dev;

	if (family == AF_INET)
		return __ipv4_neigh_lookup_noref(dev,
						 (__force u32)*(const __be32 *)key);
	return __ipv6_neigh_lookup_noref(dev, key);
}

/* Keep the entry with the path, so that the next packet need not look for it. */
static void vr_way_remember(struct vr_path *path, struct neighbour *neigh)
{
	struct neighbour *old = rcu_dereference(path->neigh);

	if (!refcount_inc_not_zero(&neigh->refcnt))
		return;
	if (cmpxchg((struct neighbour **)&path->neigh, old, neigh) != old)
		neigh_release(neigh);
	else if (old)
		neigh_release(old);
}

static struct neighbour *vr_way_find_neigh(const struct vr_way *way, int family,
					   const void *daddr)
{
	struct neighbour *neigh;

	if (!way->path || !way->gw)
		return vr_way_lookup(way, way->gw ? way->gw_family : family,
				     way->gw ? : daddr);
	neigh = rcu_dereference(way->path->neigh);
	if (likely(neigh && !READ_ONCE(neigh->dead)))
		return neigh;
	neigh = vr_way_lookup(way, way->gw_family, way->gw);
	if (neigh && (READ_ONCE(neigh->nud_state) & NUD_VALID) &&
	    netif_running(way->port->dev))
		vr_way_remember(way->path, neigh);
	return neigh;
}

/**
 * vr_way_neigh() - find the MAC address that a packet is sent to
 * @way: its way
 * @family: family of the packet
 * @daddr: destination of the packet, in network order
 * @lladdr: the MAC address as vr_mactable_key() has it, without VLAN; filled in
 * @use: the neighbour is used, which keeps its entry fresh; else just look
 *
 * Context: softirq or BH disabled, RCU read side.
 * Return: 0, or enum vrouter_punt_reason.
 */
u8 vr_way_neigh(const struct vr_way *way, int family, const void *daddr,
		u64 *lladdr, bool use)
{
	struct neighbour *neigh = vr_way_find_neigh(way, family, daddr);
	unsigned int seq;
	u8 state;

	if (unlikely(!neigh))
		return VROUTER_PUNT_NEIGHBOUR;
	state = READ_ONCE(neigh->nud_state);
	if (unlikely(!(state & NUD_VALID)))
		return VROUTER_PUNT_NEIGHBOUR;
	/* as neigh_resolve_output() does: it may ask whether it is still there */
	if (unlikely(use && !(state & NUD_CONNECTED) &&
		     neigh_event_send(neigh, NULL)))
		return VROUTER_PUNT_NEIGHBOUR;
	do {
		seq = read_seqbegin(&neigh->ha_lock);
		*lladdr = vr_mactable_key(0, neigh->ha);
	} while (read_seqretry(&neigh->ha_lock, seq));
	/* a group may have members on this NIC as well as on the wire */
	if (unlikely(*lladdr & VR_WAY_MULTICAST))
		return VROUTER_PUNT_NEIGHBOUR;
	return 0;
}
