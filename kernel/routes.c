// SPDX-License-Identifier: GPL-2.0
/*
 * Routes as the FIB has them, with what their nexthops stand for.
 */
#include <net/ipv6.h>
#include <net/nexthop.h>

#include "rib.h"
#include "routes.h"

static const struct vr_fib *vr_routes_fib(const struct vr_rib *rib, int family)
{
	return family == AF_INET ? rib->fib4 : rib->fib6;
}

static bool vr_routes_fill(const struct vr_rib *rib, int family,
			   const void *prefix, u8 plen, u16 id,
			   struct vr_routes_entry *entry)
{
	const struct vr_nexthop *nh = vr_nexthop_find(rib->nexthops, id);

	/* it went away in this moment, or is another one in the next */
	if (!nh)
		return false;
	memset(entry, 0, sizeof(*entry));
	entry->family = family;
	memcpy(&entry->prefix, prefix, family == AF_INET ?
	       sizeof(struct in_addr) : sizeof(struct in6_addr));
	entry->plen = plen;
	entry->reason = nh->reason;
	entry->mtu = nh->mtu;
	entry->npaths = nh->npaths;
	entry->nh = nh;
	if (nh->object) {
		entry->npaths = nexthop_num_path(nh->object);
		if (nexthop_is_blackhole(nh->object)) {
			entry->npaths = 0;
			entry->reason = VROUTER_PUNT_ROUTE_TYPE;
		}
	}
	return true;
}

/**
 * struct vr_routes_told - a walk
 * @rib: routes
 * @family: address family
 * @fn: is told of each
 * @arg: for @fn
 */
struct vr_routes_told {
	const struct vr_rib *rib;
	int family;
	vr_routes_fn fn;
	void *arg;
};

static int vr_routes_tell(void *arg, const void *prefix, u8 plen, u16 id)
{
	const struct vr_routes_told *told = arg;
	struct vr_routes_entry entry;

	if (!vr_routes_fill(told->rib, told->family, prefix, plen, id, &entry))
		return 0;
	return told->fn(told->arg, &entry);
}

/**
 * vr_routes_walk() - tell routes, by address, the shorter prefix first
 * @rib: routes
 * @family: AF_INET or AF_INET6
 * @from: first prefix to tell, 4 or 16 bytes
 * @plen: length of @from
 * @fn: is told
 * @arg: for @fn
 *
 * Context: RCU read side.
 * Return: the first result of @fn that is not 0, or 0.
 */
int vr_routes_walk(const struct vr_rib *rib, int family, const void *from,
		   u8 plen, vr_routes_fn fn, void *arg)
{
	struct vr_routes_told told = {
		.rib = rib, .family = family, .fn = fn, .arg = arg,
	};

	return vr_fib_walk(vr_routes_fib(rib, family), from, plen,
			   vr_routes_tell, &told);
}

static void vr_routes_mask(struct in6_addr *addr, u8 plen)
{
	struct in6_addr whole = *addr;

	ipv6_addr_prefix(addr, &whole, plen);
}

/**
 * vr_routes_find() - the route that is, or is the longest to contain, a prefix
 * @rib: routes
 * @family: AF_INET or AF_INET6
 * @prefix: prefix, 4 or 16 bytes
 * @plen: bits of @prefix
 * @entry: gets the route
 *
 * Context: RCU read side.
 * Return: false if there is none.
 */
bool vr_routes_find(const struct vr_rib *rib, int family, const void *prefix,
		    u8 plen, struct vr_routes_entry *entry)
{
	const struct vr_fib *fib = vr_routes_fib(rib, family);
	struct in6_addr addr = {};
	int len;
	u16 id;

	memcpy(&addr, prefix, family == AF_INET ? sizeof(struct in_addr) :
						  sizeof(struct in6_addr));
	for (len = plen; len >= 0; len--) {
		vr_routes_mask(&addr, len);
		/* a nexthop that goes away makes place for another one first */
		while ((id = vr_fib_get(fib, &addr, len)))
			if (vr_routes_fill(rib, family, &addr, len, id, entry))
				return true;
	}
	return false;
}

static bool vr_routes_object_path(struct nexthop *object, unsigned int i,
				  struct vr_routes_path *path)
{
	const struct fib_nh_common *nhc;
	const struct nh_group *group;

	if (object->is_group) {
		group = rcu_dereference(object->nh_grp);
		if (i >= group->num_nh)
			return false;
		path->weight = group->nh_entries[i].weight;
	}
	nhc = nexthop_fib_nhc(object, i);
	if (!nhc)
		return false;
	if (!object->is_group)
		path->weight = nhc->nhc_weight;
	path->gw_family = nhc->nhc_gw_family;
	if (path->gw_family == AF_INET)
		path->gw.s6_addr32[0] = nhc->nhc_gw.ipv4;
	else if (path->gw_family == AF_INET6)
		path->gw = nhc->nhc_gw.ipv6;
	path->oif = nhc->nhc_dev ? nhc->nhc_dev->ifindex : 0;
	return true;
}

/**
 * vr_routes_path() - one of the paths of a route
 * @entry: route
 * @i: which one, less than its number of paths
 * @path: filled in
 *
 * Context: RCU read side, the same in which the route was told.
 * Return: false if the kernel has taken it away meanwhile.
 */
bool vr_routes_path(const struct vr_routes_entry *entry, unsigned int i,
		    struct vr_routes_path *path)
{
	const struct vr_path *from;

	memset(path, 0, sizeof(*path));
	if (entry->nh->object)
		return vr_routes_object_path(entry->nh->object, i, path);
	from = &entry->nh->path[i];
	path->gw_family = from->gw_family;
	memcpy(&path->gw, &from->gw, sizeof(path->gw));
	path->oif = from->dev ? from->dev->ifindex : 0;
	path->weight = from->weight;
	return true;
}

/**
 * vr_routes_within() - is a prefix another one, or part of it?
 * @addr: the one; IPv4 in the first four bytes
 * @addr_plen: its length
 * @prefix: the other
 * @plen: its length
 *
 * Return: true if so.
 */
bool vr_routes_within(const struct in6_addr *addr, u8 addr_plen,
		      const struct in6_addr *prefix, u8 plen)
{
	return addr_plen >= plen && ipv6_prefix_equal(addr, prefix, plen);
}
