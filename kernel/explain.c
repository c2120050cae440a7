// SPDX-License-Identifier: GPL-2.0
/*
 * Asks the same functions that the data path asks, in the same order, without a
 * packet.
 */
#include <linux/etherdevice.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "explain.h"
#include "gate.h"
#include "header.h"
#include "port.h"
#include "rib.h"
#include "router.h"
#include "way.h"

static __be32 vr_explain_addr4(const struct in6_addr *addr)
{
	return addr->s6_addr32[0];
}

static void vr_explain_match(const struct vr_rib *rib, struct vr_explain *ex)
{
	const struct vr_fib *fib = ex->family == AF_INET ? rib->fib4 :
							   rib->fib6;

	ex->matched = vr_fib_match(fib, &ex->dst, &ex->prefix, &ex->plen);
}

static u8 vr_explain_way(const struct vr_rib *rib, const struct net *net,
			 const struct vr_explain *ex, struct vr_way *way)
{
	struct ipv6hdr hdr = { .version = 6 };
	struct iphdr iph = { .version = 4 };
	u8 reason;

	if (ex->family == AF_INET) {
		iph.saddr = vr_explain_addr4(&ex->src);
		iph.daddr = vr_explain_addr4(&ex->dst);
		reason = vr_rib_local4(rib, iph.daddr);
		if (!reason && iph.saddr && vr_rib_local4(rib, iph.saddr))
			reason = VROUTER_PUNT_MARTIAN;
		return reason ? : vr_way_route4(rib,
						 vr_fib_lookup4(rib->fib4,
								iph.daddr),
						 net, &iph, NULL, way);
	}
	hdr.saddr = ex->src;
	hdr.daddr = ex->dst;
	return vr_rib_local6(rib, &hdr.daddr) ? :
	       vr_way_route6(rib, vr_fib_lookup6(rib->fib6, &hdr.daddr), net,
			     &hdr, NULL, way);
}

static void vr_explain_show_way(const struct vr_way *way, struct vr_explain *ex)
{
	ex->paths = way->path ? way->nh->npaths : 0;
	ex->gw_family = way->gw_family;
	if (way->gw_family)
		memcpy(&ex->gw, way->gw, way->gw_family == AF_INET ?
		       sizeof(__be32) : sizeof(struct in6_addr));
	if (way->port)
		ex->out = way->port->dev;
}

static bool vr_explain_passes(const struct vr_rib *rib,
			      const struct vr_explain *ex, u8 rpf)
{
	__be32 src = vr_explain_addr4(&ex->src);

	return !rpf || !src || vr_way_source4(rib, src, ex->in, rpf == 1);
}

static u8 vr_explain_out(const struct vr_router *router,
			 const struct vr_rib *rib, const struct vr_way *way,
			 u8 rpf, struct vr_explain *ex)
{
	struct vr_forward_out out = {};
	u64 lladdr;
	u8 reason;

	if (!way->port)
		return VROUTER_PUNT_NEXTHOP_DEVICE;
	if (way->port == ex->in)
		return VROUTER_PUNT_SAME_PORT;
	reason = vr_gate_out4(&out, router, way->port);
	if (ex->family == AF_INET6)
		reason = vr_gate_out6(&out);
	ex->mtu = ex->family == AF_INET ? out.mtu : out.mtu6;
	if (way->nh->mtu && (ex->family == AF_INET || way->nh->mtu < ex->mtu))
		ex->mtu = way->nh->mtu;
	if (reason)
		return reason;
	if (!vr_explain_passes(rib, ex, rpf))
		return VROUTER_PUNT_RP_FILTER;
	reason = vr_way_neigh(way, ex->family, &ex->dst, &lladdr, false);
	ex->known = !reason;
	if (ex->known)
		u64_to_ether_addr(lladdr, ex->lladdr);
	return reason;
}

/* A source that was left out is as good as the destination. */
static u8 vr_explain_address(const struct vr_explain *ex)
{
	const struct in6_addr *src = ipv6_addr_any(&ex->src) ? &ex->dst :
							       &ex->src;

	if (ex->family == AF_INET)
		return vr_header_address4(vr_explain_addr4(src),
					  vr_explain_addr4(&ex->dst));
	return vr_header_address6(src, &ex->dst);
}

static u8 vr_explain_in(const struct vr_router *router,
			const struct vr_rib *rib, struct vr_explain *ex,
			u8 *rpf)
{
	struct vr_forward_in in = {};
	u8 reason;

	reason = vr_gate_router(router, rib, dev_net(router->dev),
				ex->family == AF_INET6);
	if (reason || !ex->in)
		return reason;
	in.port = ex->in;
	in.net = dev_net(ex->in->dev);
	if (ex->family == AF_INET6)
		return vr_gate_in6(&in, router, rib);
	reason = vr_gate_in4(&in, router, rib);
	*rpf = in.rpf;
	return reason;
}

/**
 * vr_explain() - what would become of a packet?
 * @router: router
 * @ex: question, and the answer as far as it goes
 *
 * Context: BH disabled, RCU read side.
 */
void vr_explain(const struct vr_router *router, struct vr_explain *ex)
{
	const struct vr_rib *rib = rcu_dereference(router->rib);
	struct vr_way way = {};
	u8 reason, rpf = 0;

	reason = vr_explain_in(router, rib, ex, &rpf);
	if (!rib) {
		ex->reason = reason;
		return;
	}
	vr_explain_match(rib, ex);
	reason = reason ? : vr_explain_address(ex);
	if (!reason) {
		reason = vr_explain_way(rib, dev_net(router->dev), ex, &way);
		if (!reason) {
			vr_explain_show_way(&way, ex);
			reason = vr_explain_out(router, rib, &way, rpf, ex);
		}
	}
	ex->reason = reason;
}

/**
 * vr_explain_port() - why does no IPv4 packet from this port get forwarded?
 * @router: router that serves the port
 * @port: port
 *
 * Context: BH disabled, RCU read side.
 * Return: enum vrouter_punt_reason, or 0 if they do get forwarded.
 */
u8 vr_explain_port(const struct vr_router *router, const struct vr_port *port)
{
	struct vr_forward_in in = {
		.port = port,
		.net = dev_net(port->dev),
	};

	return vr_gate_in4(&in, router, rcu_dereference(router->rib));
}
