// SPDX-License-Identifier: GPL-2.0
/*
 * Asks all that stands in a packet's way by configuration, not by the packet
 * itself. The answers hold for a batch.
 */
#include <linux/inetdevice.h>
#include <linux/prefetch.h>
#include <net/addrconf.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>

#include "gate.h"
#include "hooks.h"
#include "port.h"
#include "rib.h"
#include "router.h"

/**
 * vr_gate_router() - may the router forward by itself at all?
 * @router: router
 * @rib: its routes, or NULL
 * @net: its namespace
 * @ipv6: for IPv6, else for IPv4
 *
 * Context: RCU read side.
 * Return: 0, or enum vrouter_punt_reason.
 */
u8 vr_gate_router(const struct vr_router *router, const struct vr_rib *rib,
		  const struct net *net, bool ipv6)
{
	u8 blocked = ipv6 ? READ_ONCE(router->blocked6) :
			    READ_ONCE(router->blocked4);

	if (!rib)
		return VROUTER_PUNT_MIRROR;
	if (blocked)
		return blocked;
	if (ipv6 && READ_ONCE(rib->by_source))
		return VROUTER_PUNT_ROUTE_UNSUPPORTED;
	if (vr_hooks_xfrm(net))
		return VROUTER_PUNT_XFRM;
	if (READ_ONCE(router->netfilter) == VROUTER_NETFILTER_HONOUR &&
	    vr_hooks_netfilter(net, ipv6))
		return VROUTER_PUNT_NETFILTER;
	return 0;
}

/**
 * vr_gate_fallback() - why does a router give all packets of a family to the stack?
 * @router: router that is up
 *
 * Context: RCU read side.
 * Return: 0, or enum vrouter_punt_reason: IPv4's, if both have one.
 */
u8 vr_gate_fallback(const struct vr_router *router)
{
	const struct vr_rib *rib = rcu_dereference(router->rib);
	const struct net *net = dev_net(router->dev);

	return vr_gate_router(router, rib, net, false) ? :
	       vr_gate_router(router, rib, net, true);
}

static u8 vr_gate_in_common(const struct vr_router *router,
			    const struct vr_port *port)
{
	const struct net_device *vrf = READ_ONCE(router->vrf);

	/* on the move to another router */
	if (rcu_access_pointer(port->router) != router)
		return VROUTER_PUNT_CONFIG;
	if (vr_hooks_tap(port->dev) || (vrf && vr_hooks_tap(vrf)))
		return VROUTER_PUNT_TAP;
	if (vr_hooks_ingress(port->dev))
		return VROUTER_PUNT_TC;
	if (vrf && !(vrf->flags & IFF_UP))
		return VROUTER_PUNT_CONFIG;
	return 0;
}

static u8 vr_gate_port4(struct net *net, const struct vr_port *port, u8 *rpf)
{
	struct in_device *in_dev = __in_dev_get_rcu(port->dev);

	if (!in_dev || !IN_DEV_FORWARD(in_dev))
		return VROUTER_PUNT_FORWARDING;
	if (fib_num_tclassid_users(net))
		return VROUTER_PUNT_CONFIG;
	*rpf = IN_DEV_RPFILTER(in_dev);
	/* a port without addresses fails the filter by a rule of its own */
	if (*rpf && !rcu_access_pointer(in_dev->ifa_list))
		return VROUTER_PUNT_RP_FILTER;
	return 0;
}

static u8 vr_gate_port6(const struct net *net, const struct vr_port *port)
{
	const struct inet6_dev *idev = __in6_dev_get(port->dev);

	if (!idev || READ_ONCE(idev->cnf.disable_ipv6) ||
	    !READ_ONCE(net->ipv6.devconf_all->forwarding))
		return VROUTER_PUNT_FORWARDING;
	if (READ_ONCE(net->ipv6.devconf_all->proxy_ndp))
		return VROUTER_PUNT_CONFIG;
	/* IPv6 has them by route, the nexthops here are shared by routes */
	if (READ_ONCE(net->ipv6.rt6_stats->fib_rt_cache))
		return VROUTER_PUNT_EXCEPTION;
	return 0;
}

/**
 * vr_gate_expect() - packets that came in on a port are to come
 * @port: port
 *
 * What is asked for each port lies in many places.
 *
 * Context: RCU read side, softirq.
 */
void vr_gate_expect(const struct vr_port *port)
{
	const struct in_device *in_dev = rcu_dereference(port->dev->ip_ptr);
	const struct net *net = dev_net(port->dev);

	prefetch(&port->dev->xdp_prog);
	prefetch(this_cpu_ptr(port->dev->tstats));
	if (in_dev)
		prefetch(&in_dev->cnf);
#ifdef CONFIG_XFRM
	prefetch(&net->xfrm.policy_count);
#endif
#ifdef CONFIG_NETFILTER
	prefetch(&net->nf.hooks_ipv4);
#endif
	prefetch(this_cpu_ptr(net->mib.ip_statistics));
}

/**
 * vr_gate_in4() - ask what lets IPv4 packets in
 * @in: port and namespace; the answers are filled in
 * @router: router
 * @rib: its routes, or NULL
 *
 * Context: RCU read side.
 * Return: 0, or enum vrouter_punt_reason.
 */
u8 vr_gate_in4(struct vr_forward_in *in, const struct vr_router *router,
	       const struct vr_rib *rib)
{
	in->asked4 = true;
	in->rpf = 0;
	in->reason4 = vr_gate_router(router, rib, in->net, false) ? :
		      vr_gate_in_common(router, in->port) ? :
		      vr_gate_port4(in->net, in->port, &in->rpf);
	return in->reason4;
}

/**
 * vr_gate_in6() - ask what lets IPv6 packets in
 * @in: port and namespace; the answers are filled in
 * @router: router
 * @rib: its routes, or NULL
 *
 * Context: RCU read side.
 * Return: 0, or enum vrouter_punt_reason.
 */
u8 vr_gate_in6(struct vr_forward_in *in, const struct vr_router *router,
	       const struct vr_rib *rib)
{
	in->asked6 = true;
	in->reason6 = vr_gate_router(router, rib, in->net, true) ? :
		      vr_gate_in_common(router, in->port) ? :
		      vr_gate_port6(in->net, in->port);
	return in->reason6;
}

static u8 vr_gate_out_common(const struct vr_router *router,
			     const struct vr_port *port)
{
	struct net_device *dev = port->dev;

	if (rcu_access_pointer(port->router) != router ||
	    !(dev->flags & IFF_UP))
		return VROUTER_PUNT_NEXTHOP_DEVICE;
	if (!netif_carrier_ok(dev))
		return VROUTER_PUNT_NEXTHOP_DEAD;
	/* it answers too big, and notes a path MTU, by the stack's route */
	if (READ_ONCE(port->tunnel))
		return VROUTER_PUNT_ENCAP;
	if (vr_hooks_tap(dev))
		return VROUTER_PUNT_TAP;
	if (vr_hooks_egress(dev) || vr_hooks_qdisc(dev))
		return VROUTER_PUNT_TC;
	return 0;
}

/**
 * vr_gate_out4() - ask what lets IPv4 packets out
 * @out: answers, filled in, but for what only IPv6 needs
 * @router: router
 * @port: port that packets leave by
 *
 * Context: RCU read side.
 * Return: 0, or enum vrouter_punt_reason.
 */
u8 vr_gate_out4(struct vr_forward_out *out, const struct vr_router *router,
		const struct vr_port *port)
{
	out->port = port;
	out->asked6 = false;
	out->reason4 = vr_gate_out_common(router, port);
	out->mtu = min_t(u32, READ_ONCE(port->dev->mtu), IP_MAX_MTU);
	out->headroom = LL_RESERVED_SPACE(port->dev);
	return out->reason4;
}

/**
 * vr_gate_out6() - ask what lets IPv6 packets out
 * @out: answers of vr_gate_out4(); the others are filled in
 *
 * Context: RCU read side.
 * Return: 0, or enum vrouter_punt_reason.
 */
u8 vr_gate_out6(struct vr_forward_out *out)
{
	const struct inet6_dev *idev = __in6_dev_get(out->port->dev);

	out->asked6 = true;
	out->reason6 = out->reason4;
	out->mtu6 = idev ? READ_ONCE(idev->cnf.mtu6) : IPV6_MIN_MTU;
	if (!out->reason6 && (!idev || READ_ONCE(idev->cnf.disable_ipv6)))
		out->reason6 = VROUTER_PUNT_CONFIG;
	return out->reason6;
}
