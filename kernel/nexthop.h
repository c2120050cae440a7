/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Nexthops of a router's routes.
 */
#ifndef VROUTER_NEXTHOP_H
#define VROUTER_NEXTHOP_H

#include <linux/idr.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <net/ip_fib.h>
#include <net/ip6_fib.h>
#include <net/neighbour.h>
#include <uapi/linux/vrouter.h>

#include "fib_node.h"

struct vr_port;
struct vr_router;

#define VR_NEXTHOP_ID_MAX	VR_FIB_NH_MAX
#define VR_NEXTHOP_OWN_MAX	(VR_NEXTHOP_ID_MAX / 2)
#define VR_NEXTHOP_PATHS_MAX	512
#define VR_NEXTHOP_HASH_BITS	8

/**
 * struct vr_path - one way out
 * @port: port that it leaves by, or NULL if the device is no port
 * @nhc: the kernel's own, whose flags and exceptions are read live; IPv4 only
 * @neigh: the gateway's neighbour entry, once it was looked up
 * @gw_family: AF_INET, AF_INET6, or 0 for the destination itself
 * @gw: the gateway
 * @bound: hashes up to this one take the path; the kernel's own for IPv4
 * @dev: device
 * @f6i: the route that it comes from, which holds @dev; IPv6 only
 * @weight: share of the path
 * @own_bound: what @bound points to for IPv6
 */
struct vr_path {
	struct vr_port *port;
	const struct fib_nh_common *nhc;
	struct neighbour __rcu *neigh;
	u8 gw_family;
	union {
		__be32 ip4;
		struct in6_addr ip6;
	} gw;

	const atomic_t *bound;
	struct net_device *dev;
	struct fib6_info *f6i;
	int weight;
	atomic_t own_bound;
};

/**
 * struct vr_nexthop - where packets go, shared by all routes that say the same
 * @fi: the kernel's own, held; IPv4 only
 * @f6i: the route that holds @object; IPv6 only
 * @id: index in the table
 * @asked: @offload is known; writer only
 * @offload: what the kernel was told of its routes: the data plane takes their packets;
 *	writer only
 * @users: routes that use it; writer only
 * @hash: hash of its contents
 * @node: in the table's hash by contents
 * @table: the table
 * @rcu: frees it
 * @object: nexthop object, which is read live, instead of paths, or NULL
 * @mtu: MTU of the route, 0 for the device's
 * @npaths: number of paths
 * @reason: enum vrouter_punt_reason why they go to the Linux stack, or 0
 * @own: not shared, so that packets ask the kernel's route whether it still stands;
 *	IPv6 only
 * @path: the paths
 */
struct vr_nexthop {
	struct fib_info *fi;
	struct fib6_info *f6i;
	u16 id;
	bool asked;
	bool offload;
	u32 users;
	u32 hash;
	struct hlist_node node;
	struct vr_nexthops *table;
	struct rcu_head rcu;

	/* what packets look at, one line if there is one path */
	struct nexthop *object;
	u32 mtu;
	u16 npaths;
	u8 reason;
	bool own;
	struct vr_path path[];
};

/**
 * struct vr_nexthop_index - nexthops by their number
 * @rcu: frees it
 * @size: length
 * @nh: index 0 is no nexthop
 */
struct vr_nexthop_index {
	struct rcu_head rcu;
	u32 size;
	struct vr_nexthop __rcu *nh[];
};

/**
 * struct vr_nexthops - the nexthops of a router
 *
 * Changed by the mirror only, which is ordered.
 *
 * @index: by number
 * @ids: numbers in use; one is free again only after a grace period, since a
 *	reader may have it from the FIB still
 * @by_contents: to share them
 * @refs: the owner, and each nexthop that is not freed
 * @count: nexthops in use
 * @balanced: those of IPv6 routes with several paths
 */
struct vr_nexthops {
	struct vr_nexthop_index __rcu *index;
	struct ida ids;
	struct hlist_head by_contents[1 << VR_NEXTHOP_HASH_BITS];
	refcount_t refs;
	u32 count;
	u32 balanced;
};

struct vr_nexthops *vr_nexthop_table_alloc(void);
void vr_nexthop_table_free(struct vr_nexthops *table);
struct vr_nexthop *vr_nexthop_get4(struct vr_nexthops *table,
				   struct fib_info *fi, u8 type, bool tos);
struct vr_nexthop *vr_nexthop_get6(struct vr_nexthops *table,
				   const struct vr_nexthop *old,
				   struct fib6_info **routes, unsigned int n,
				   bool add);
void vr_nexthop_put(struct vr_nexthop *nh);
struct vr_nexthop *vr_nexthop_by_id(const struct vr_nexthops *table, u16 id);
bool vr_nexthop_forget(const struct vr_nexthops *table, struct neighbour *neigh);
bool vr_nexthop_has_device(const struct vr_nexthops *table,
			   const struct net_device *dev);
bool vr_nexthop_has_balanced(const struct vr_nexthops *table,
			     const struct net_device *dev);
bool vr_nexthop_has_object(const struct vr_nexthops *table, u32 id);
bool vr_nexthop_recheck(struct vr_nexthops *table,
			const struct vr_router *router);
bool vr_nexthop_offload(struct vr_nexthop *nh, const struct vr_router *router);

/**
 * vr_nexthop_was_own() - was the gateway an address of the router's own?
 * @nhc: the kernel's path
 *
 * It was when the route was made. Whatever becomes of it, the kernel sends straight to the
 * destination.
 *
 * Return: true if so.
 */
static inline bool vr_nexthop_was_own(const struct fib_nh_common *nhc)
{
	return nhc->nhc_gw_family == AF_INET && nhc->nhc_scope != RT_SCOPE_LINK;
}

/**
 * vr_nexthop_find() - nexthop by its number
 * @table: nexthops
 * @id: number from a FIB
 *
 * Context: RCU read side, the same in which the number was read.
 * Return: the nexthop, NULL in the moment in which a writer takes it away.
 */
static inline struct vr_nexthop *
vr_nexthop_find(const struct vr_nexthops *table, u16 id)
{
	const struct vr_nexthop_index *index = rcu_dereference(table->index);

	/* the number may be newer than the index that this CPU sees */
	return likely(id < index->size) ? rcu_dereference(index->nh[id]) : NULL;
}

#endif
