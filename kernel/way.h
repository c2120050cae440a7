/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way of a packet: route, path, neighbour.
 */
#ifndef VROUTER_WAY_H
#define VROUTER_WAY_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>

struct net;
struct vr_nexthop;
struct vr_path;
struct vr_port;
struct vr_rib;

/**
 * struct vr_way - where a packet goes
 * @nh: nexthop of its route
 * @path: its path, NULL where @nh is a nexthop object
 * @port: port that it leaves by, or NULL if the device is no port
 * @gw: gateway, in network order, or NULL if the destination is on link
 * @gw_family: family of @gw
 */
struct vr_way {
	const struct vr_nexthop *nh;
	struct vr_path *path;
	const struct vr_port *port;
	const void *gw;
	u8 gw_family;
};

const struct vr_nexthop *vr_way_expect(const struct vr_rib *rib, u16 id);
void vr_way_expect_path(const struct vr_nexthop *nh);
u8 vr_way_route4(const struct vr_rib *rib, u16 id, const struct net *net,
		 const struct iphdr *iph, const struct sk_buff *skb,
		 struct vr_way *way);
u8 vr_way_route6(const struct vr_rib *rib, u16 id, const struct net *net,
		 const struct ipv6hdr *hdr, const struct sk_buff *skb,
		 struct vr_way *way);
u8 vr_way_neigh(const struct vr_way *way, int family, const void *daddr,
		u64 *lladdr, bool use);
bool vr_way_source4(const struct vr_rib *rib, __be32 saddr,
		    const struct vr_port *port, bool strict);

#endif
