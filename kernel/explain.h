/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the data plane would do with a packet, and why.
 */
#ifndef VROUTER_EXPLAIN_H
#define VROUTER_EXPLAIN_H

#include <linux/if_ether.h>
#include <linux/in6.h>

struct net_device;
struct vr_port;
struct vr_router;

/**
 * struct vr_explain - a question and its answer
 * @family: AF_INET or AF_INET6
 * @dst: destination address
 * @src: source address, unspecified to leave it out
 * @in: port that the packet comes in on, or NULL for any
 * @reason: enum vrouter_punt_reason why it would be punted, or 0
 * @matched: @prefix and @plen are valid
 * @prefix: route that matches
 * @plen: bits of @prefix
 * @paths: paths of the route
 * @gw_family: family of @gw, 0 if on link
 * @gw: gateway
 * @out: port that the packet leaves by, or NULL
 * @mtu: MTU of the way out
 * @known: @lladdr is valid
 * @lladdr: MAC address that the packet is sent to
 */
struct vr_explain {
	int family;
	struct in6_addr dst;
	struct in6_addr src;
	const struct vr_port *in;

	u8 reason;
	bool matched;
	struct in6_addr prefix;
	u8 plen;
	u16 paths;
	u8 gw_family;
	struct in6_addr gw;
	const struct net_device *out;
	u32 mtu;
	bool known;
	u8 lladdr[ETH_ALEN];
};

void vr_explain(const struct vr_router *router, struct vr_explain *ex);
u8 vr_explain_port(const struct vr_router *router, const struct vr_port *port);

#endif
