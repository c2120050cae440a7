/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A router's routes, for those who want to look at them.
 */
#ifndef VROUTER_ROUTES_H
#define VROUTER_ROUTES_H

#include <linux/in6.h>
#include <linux/types.h>

struct vr_nexthop;
struct vr_rib;

/**
 * struct vr_routes_entry - a route
 * @family: AF_INET or AF_INET6
 * @prefix: prefix; IPv4 in the first four bytes
 * @plen: bits of @prefix
 * @reason: enum vrouter_punt_reason why its packets are punted, or 0
 * @mtu: MTU that the route sets, or 0
 * @npaths: number of its paths
 * @nh: where they are
 */
struct vr_routes_entry {
	int family;
	struct in6_addr prefix;
	u8 plen;
	u8 reason;
	u32 mtu;
	unsigned int npaths;
	const struct vr_nexthop *nh;
};

/**
 * struct vr_routes_path - one of the ways out
 * @gw_family: family of @gw, 0 if on link
 * @gw: gateway
 * @oif: index of the device
 * @weight: share of the path
 */
struct vr_routes_path {
	int gw_family;
	struct in6_addr gw;
	u32 oif;
	u32 weight;
};

/**
 * typedef vr_routes_fn - is told one route
 * @arg: what the caller of vr_routes_walk() gave
 * @entry: the route
 *
 * Return: 0 to go on; anything else ends the walk.
 */
typedef int (*vr_routes_fn)(void *arg, const struct vr_routes_entry *entry);

int vr_routes_walk(const struct vr_rib *rib, int family, const void *from,
		   u8 plen, vr_routes_fn fn, void *arg);
bool vr_routes_find(const struct vr_rib *rib, int family, const void *prefix,
		    u8 plen, struct vr_routes_entry *entry);
bool vr_routes_path(const struct vr_routes_entry *entry, unsigned int i,
		    struct vr_routes_path *path);
bool vr_routes_within(const struct in6_addr *addr, u8 addr_plen,
		      const struct in6_addr *prefix, u8 plen);

#endif
