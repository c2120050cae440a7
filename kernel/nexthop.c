// SPDX-License-Identifier: GPL-2.0
/*
 * Nexthops are shared by contents: IPv4 by the kernel's fib_info, which is shared
 * itself; IPv6 by device, gateway, weight and MTU, since the kernel has a
 * fib6_info for each route. What the kernel changes without a word (flags of IPv4
 * paths, exceptions, whole nexthop objects) is not copied but read live.
 */
#include <linux/jhash.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/ip6_route.h>
#include <net/nexthop.h>

#include "nexthop.h"
#include "port.h"
#include "router.h"

#define VR_NEXTHOP_INDEX_MIN	16
#define VR_NEXTHOP_FORGET_MAX	4096U

/**
 * vr_nexthop_table_alloc() - make a table without nexthops
 *
 * Context: may sleep.
 * Return: table or NULL.
 */
struct vr_nexthops *vr_nexthop_table_alloc(void)
{
	struct vr_nexthop_index *index;
	struct vr_nexthops *table;

	table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	index = kzalloc(struct_size(index, nh, VR_NEXTHOP_INDEX_MIN),
			GFP_KERNEL_ACCOUNT);
	if (!table || !index) {
		kfree(table);
		kfree(index);
		return NULL;
	}
	index->size = VR_NEXTHOP_INDEX_MIN;
	RCU_INIT_POINTER(table->index, index);
	ida_init(&table->ids);
	refcount_set(&table->refs, 1);
	return table;
}

static void vr_nexthop_table_put(struct vr_nexthops *table)
{
	if (!refcount_dec_and_test(&table->refs))
		return;
	ida_destroy(&table->ids);
	kvfree(rcu_dereference_protected(table->index, true));
	kfree(table);
}

static struct vr_nexthop_index *vr_nexthop_index(const struct vr_nexthops *table)
{
	/* the mirror's work is the only writer, and ordered */
	return rcu_dereference_protected(table->index, true);
}

static void vr_nexthop_release(struct vr_nexthop *nh)
{
	struct neighbour *neigh;
	unsigned int i;

	for (i = 0; i < nh->npaths; i++) {
		neigh = rcu_dereference_protected(nh->path[i].neigh, true);
		if (neigh)
			neigh_release(neigh);
		if (nh->path[i].f6i)
			fib6_info_release(nh->path[i].f6i);
	}
	if (nh->f6i)
		fib6_info_release(nh->f6i);
	if (nh->fi)
		fib_info_put(nh->fi);
}

static void vr_nexthop_free_rcu(struct rcu_head *head)
{
	struct vr_nexthop *nh = container_of(head, struct vr_nexthop, rcu);
	struct vr_nexthops *table = nh->table;

	vr_nexthop_release(nh);
	ida_free(&table->ids, nh->id);
	kfree(nh);
	vr_nexthop_table_put(table);
}

static void vr_nexthop_unlink(struct vr_nexthop *nh)
{
	struct vr_nexthops *table = nh->table;

	hlist_del(&nh->node);
	RCU_INIT_POINTER(vr_nexthop_index(table)->nh[nh->id], NULL);
	WRITE_ONCE(table->count, table->count - 1);
	call_rcu(&nh->rcu, vr_nexthop_free_rcu);
}

/**
 * vr_nexthop_table_free() - let go of a table and all nexthops in it
 * @table: table; no reader finds it any more
 */
void vr_nexthop_table_free(struct vr_nexthops *table)
{
	struct vr_nexthop *nh;
	struct hlist_node *tmp;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table->by_contents); i++)
		hlist_for_each_entry_safe(nh, tmp, &table->by_contents[i], node)
			vr_nexthop_unlink(nh);
	vr_nexthop_table_put(table);
}

static int vr_nexthop_grow(struct vr_nexthops *table, u32 id)
{
	struct vr_nexthop_index *old = vr_nexthop_index(table), *new;
	u32 size = old->size, i;

	while (size <= id)
		size *= 2;
	if (size == old->size)
		return 0;
	new = kvzalloc(struct_size(new, nh, size), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->size = size;
	for (i = 0; i < old->size; i++)
		RCU_INIT_POINTER(new->nh[i],
				 rcu_dereference_protected(old->nh[i], true));
	rcu_assign_pointer(table->index, new);
	kvfree_rcu(old, rcu);
	return 0;
}

static bool vr_nexthop_path_equal(const struct vr_path *a,
				  const struct vr_path *b)
{
	return a->dev == b->dev && a->weight == b->weight &&
	       a->gw_family == b->gw_family &&
	       !memcmp(&a->gw, &b->gw, sizeof(a->gw));
}

static bool vr_nexthop_equal(const struct vr_nexthop *a,
			     const struct vr_nexthop *b)
{
	unsigned int i;

	/* a fib_info says it all */
	if (a->hash != b->hash || a->fi != b->fi || a->reason != b->reason ||
	    a->mtu != b->mtu || a->object != b->object ||
	    a->npaths != b->npaths)
		return false;
	for (i = 0; i < a->npaths; i++)
		if (!vr_nexthop_path_equal(&a->path[i], &b->path[i]))
			return false;
	return true;
}

static u32 vr_nexthop_hash4(const struct fib_info *fi, u8 reason)
{
	return jhash(&fi, sizeof(fi), reason);
}

static u32 vr_nexthop_hash(const struct vr_nexthop *nh)
{
	unsigned int i;
	u32 hash;

	/* what is punted is the same for both families */
	if (nh->fi || nh->reason)
		return vr_nexthop_hash4(nh->fi, nh->reason);
	hash = jhash_2words(nh->mtu, nh->npaths, 0);
	hash = jhash(&nh->object, sizeof(nh->object), hash);
	for (i = 0; i < nh->npaths; i++) {
		hash = jhash(&nh->path[i].gw, sizeof(nh->path[i].gw), hash);
		hash = jhash(&nh->path[i].dev, sizeof(nh->path[i].dev), hash);
	}
	return hash;
}

static struct hlist_head *vr_nexthop_bucket(struct vr_nexthops *table, u32 hash)
{
	return &table->by_contents[hash_32(hash, VR_NEXTHOP_HASH_BITS)];
}

static int vr_nexthop_link(struct vr_nexthops *table, struct vr_nexthop *nh)
{
	int id, err;

	id = ida_alloc_range(&table->ids, 1, VR_NEXTHOP_ID_MAX,
			     GFP_KERNEL_ACCOUNT);
	if (id < 0)
		return id;
	err = vr_nexthop_grow(table, id);
	if (err) {
		ida_free(&table->ids, id);
		return err;
	}
	nh->id = id;
	nh->table = table;
	refcount_inc(&table->refs);
	hlist_add_head(&nh->node, vr_nexthop_bucket(table, nh->hash));
	rcu_assign_pointer(vr_nexthop_index(table)->nh[id], nh);
	WRITE_ONCE(table->count, table->count + 1);
	return 0;
}

/* Put a new nexthop into the table, or give it up for an equal one there. */
static struct vr_nexthop *vr_nexthop_share(struct vr_nexthops *table,
					   struct vr_nexthop *nh)
{
	struct vr_nexthop *same;
	int err;

	nh->hash = vr_nexthop_hash(nh);
	hlist_for_each_entry(same, vr_nexthop_bucket(table, nh->hash), node) {
		if (vr_nexthop_equal(same, nh)) {
			vr_nexthop_release(nh);
			kfree(nh);
			same->users++;
			return same;
		}
	}
	err = vr_nexthop_link(table, nh);
	if (err) {
		vr_nexthop_release(nh);
		kfree(nh);
		return ERR_PTR(err);
	}
	nh->users = 1;
	return nh;
}

static struct vr_nexthop *vr_nexthop_alloc(unsigned int npaths)
{
	struct vr_nexthop *nh;

	nh = kzalloc(struct_size(nh, path, npaths), GFP_KERNEL_ACCOUNT);
	if (nh)
		nh->npaths = npaths;
	return nh;
}

static void vr_nexthop_path_init(struct vr_path *path,
				 const struct fib_nh_common *nhc)
{
	path->dev = nhc->nhc_dev;
	if (path->dev && vr_port_is(path->dev))
		path->port = netdev_priv(path->dev);
	path->gw_family = nhc->nhc_gw_family;
	if (path->gw_family == AF_INET)
		path->gw.ip4 = nhc->nhc_gw.ipv4;
	else if (path->gw_family == AF_INET6)
		path->gw.ip6 = nhc->nhc_gw.ipv6;
	path->weight = nhc->nhc_weight;
}

static u8 vr_nexthop_type_reason(u8 type)
{
	switch (type) {
	case RTN_UNICAST:
		return 0;
	case RTN_LOCAL:
	case RTN_ANYCAST:
		return VROUTER_PUNT_LOCAL;
	case RTN_BROADCAST:
	case RTN_MULTICAST:
		return VROUTER_PUNT_MULTICAST;
	default:
		return VROUTER_PUNT_ROUTE_TYPE;
	}
}

static u8 vr_nexthop_reason4(const struct fib_info *fi, u8 type, bool tos)
{
	u8 reason = vr_nexthop_type_reason(type);
	unsigned int i;

	if (!reason && (tos || fi->fib_nhs > VR_NEXTHOP_PATHS_MAX))
		reason = VROUTER_PUNT_ROUTE_UNSUPPORTED;
	for (i = 0; !reason && !fi->nh && i < fi->fib_nhs; i++)
		if (fi->fib_nh[i].fib_nh_lws)
			reason = VROUTER_PUNT_ENCAP;
	return reason;
}

/* Most routes have a fib_info in common with others: no need to make it up first. */
static struct vr_nexthop *vr_nexthop_known4(struct vr_nexthops *table,
					    const struct fib_info *fi, u8 reason)
{
	u32 hash = vr_nexthop_hash4(fi, reason);
	struct vr_nexthop *nh;

	hlist_for_each_entry(nh, vr_nexthop_bucket(table, hash), node)
		if (nh->hash == hash && nh->fi == fi && nh->reason == reason)
			return nh;
	return NULL;
}

/**
 * vr_nexthop_get4() - nexthop of an IPv4 route
 * @table: nexthops
 * @fi: the kernel's
 * @type: RTN_...
 * @tos: the route is for one TOS only
 *
 * Context: the mirror's work, may sleep.
 * Return: nexthop with one more user, or ERR_PTR(): -ENOMEM, -ENOSPC.
 */
struct vr_nexthop *vr_nexthop_get4(struct vr_nexthops *table,
				   struct fib_info *fi, u8 type, bool tos)
{
	u8 reason = vr_nexthop_reason4(fi, type, tos);
	struct vr_nexthop *nh;
	unsigned int i;

	/* routes that are punted need no fib_info of their own */
	nh = vr_nexthop_known4(table, reason ? NULL : fi, reason);
	if (nh) {
		nh->users++;
		return nh;
	}
	nh = vr_nexthop_alloc(reason || fi->nh ? 0 : fi->fib_nhs);
	if (!nh)
		return ERR_PTR(-ENOMEM);
	nh->reason = reason;
	if (reason)
		return vr_nexthop_share(table, nh);
	nh->mtu = fi->fib_mtu;
	nh->object = fi->nh;
	nh->fi = fi;
	fib_info_hold(fi);
	for (i = 0; i < nh->npaths; i++) {
		vr_nexthop_path_init(&nh->path[i], &fi->fib_nh[i].nh_common);
		nh->path[i].nhc = &fi->fib_nh[i].nh_common;
#ifdef CONFIG_IP_ROUTE_MULTIPATH
		nh->path[i].bound = &fi->fib_nh[i].fib_nh_upper_bound;
#endif
	}
	return vr_nexthop_share(table, nh);
}

static u8 vr_nexthop_reason6(const struct fib6_info *f6i)
{
	u8 reason = vr_nexthop_type_reason(f6i->fib6_type);

	if (reason)
		return reason;
	if (f6i->fib6_flags & RTF_REJECT)
		return VROUTER_PUNT_ROUTE_TYPE;
	/* The kernel takes turns between default routers from advertisements,
	 * and announces only one of them.
	 */
	if ((f6i->fib6_flags & (RTF_ADDRCONF | RTF_GATEWAY)) ==
	    (RTF_ADDRCONF | RTF_GATEWAY))
		return VROUTER_PUNT_ROUTE_UNSUPPORTED;
	if (!f6i->nh && f6i->fib6_nh->fib_nh_lws)
		return VROUTER_PUNT_ENCAP;
	return 0;
}

static void vr_nexthop_rebalance(struct vr_nexthop *nh)
{
	u64 total = 0, sum = 0;
	struct vr_path *path;

	for (path = nh->path; path < nh->path + nh->npaths; path++)
		if (netif_running(path->dev))
			total += path->weight;
	/* as rt6_multipath_rebalance() does */
	for (path = nh->path; path < nh->path + nh->npaths; path++) {
		int bound = -1;

		if (netif_running(path->dev)) {
			sum += path->weight;
			bound = DIV_ROUND_CLOSEST_ULL(sum << 31, total) - 1;
		}
		atomic_set(&path->own_bound, bound);
	}
}

static void vr_nexthop_add6(struct vr_nexthop *nh, struct fib6_info *f6i)
{
	struct vr_path *path = &nh->path[nh->npaths++];

	vr_nexthop_path_init(path, &f6i->fib6_nh->nh_common);
	path->bound = &path->own_bound;
	path->f6i = f6i;
	fib6_info_hold(f6i);
}

static bool vr_nexthop_has6(struct fib6_info **routes, unsigned int n,
			    const struct vr_path *path)
{
	struct vr_path other;
	unsigned int i;

	for (i = 0; i < n; i++) {
		memset(&other, 0, sizeof(other));
		vr_nexthop_path_init(&other, &routes[i]->fib6_nh->nh_common);
		if (vr_nexthop_path_equal(path, &other))
			return true;
	}
	return false;
}

static void vr_nexthop_fill6(struct vr_nexthop *nh,
			     const struct vr_nexthop *old,
			     struct fib6_info **routes, unsigned int n, bool add)
{
	unsigned int i;

	nh->npaths = 0;
	for (i = 0; old && i < old->npaths; i++)
		if (add || !vr_nexthop_has6(routes, n, &old->path[i]))
			vr_nexthop_add6(nh, old->path[i].f6i);
	for (i = 0; add && i < n; i++)
		vr_nexthop_add6(nh, routes[i]);
	vr_nexthop_rebalance(nh);
}

/**
 * vr_nexthop_get6() - nexthop of an IPv6 route
 * @table: nexthops
 * @old: what the route has now, if that is to be changed, or NULL
 * @routes: the kernel's, one a path
 * @n: number of @routes
 * @add: add them to the paths of @old, else take them away
 *
 * Context: the mirror's work, may sleep.
 * Return: nexthop with one more user, NULL if no path is left, or ERR_PTR():
 * -ENOMEM, -ENOSPC.
 */
struct vr_nexthop *vr_nexthop_get6(struct vr_nexthops *table,
				   const struct vr_nexthop *old,
				   struct fib6_info **routes, unsigned int n,
				   bool add)
{
	struct nexthop *object = add ? routes[0]->nh : NULL;
	unsigned int npaths = n + (old ? old->npaths : 0), i;
	u8 reason = old ? old->reason : 0;
	struct vr_nexthop *nh;

	for (i = 0; !reason && i < n; i++)
		reason = vr_nexthop_reason6(routes[i]);
	if (!reason && npaths > VR_NEXTHOP_PATHS_MAX)
		reason = VROUTER_PUNT_ROUTE_UNSUPPORTED;
	if (reason || object)
		npaths = 0;
	nh = vr_nexthop_alloc(npaths);
	if (!nh)
		return ERR_PTR(-ENOMEM);
	nh->reason = reason;
	if (reason)
		return vr_nexthop_share(table, nh);
	nh->mtu = old ? old->mtu : routes[0]->fib6_pmtu;
	if (object) {
		nh->object = object;
		nh->f6i = routes[0];
		fib6_info_hold(nh->f6i);
		return vr_nexthop_share(table, nh);
	}
	vr_nexthop_fill6(nh, old, routes, n, add);
	if (!nh->npaths) {
		kfree(nh);
		return NULL;
	}
	return vr_nexthop_share(table, nh);
}

/**
 * vr_nexthop_put() - a route does not use a nexthop any more
 * @nh: nexthop
 *
 * Context: the mirror's work.
 */
void vr_nexthop_put(struct vr_nexthop *nh)
{
	if (!--nh->users)
		vr_nexthop_unlink(nh);
}

/**
 * vr_nexthop_by_id() - nexthop by its number, for the writer
 * @table: nexthops
 * @id: number
 *
 * Context: the mirror's work.
 * Return: nexthop or NULL.
 */
struct vr_nexthop *vr_nexthop_by_id(const struct vr_nexthops *table, u16 id)
{
	const struct vr_nexthop_index *index = vr_nexthop_index(table);

	return id < index->size ?
		rcu_dereference_protected(index->nh[id], true) : NULL;
}

static void vr_nexthop_drop_neigh(struct vr_path *path)
{
	struct neighbour *neigh;

	rcu_read_lock();
	neigh = rcu_dereference(path->neigh);
	if (neigh && (READ_ONCE(neigh->dead) || !netif_running(path->dev) ||
		      !(READ_ONCE(neigh->nud_state) & NUD_VALID)) &&
	    cmpxchg((struct neighbour **)&path->neigh, neigh, NULL) == neigh)
		neigh_release(neigh);
	rcu_read_unlock();
}

/**
 * vr_nexthop_forget() - let go of a neighbour entry
 * @table: nexthops
 * @neigh: entry that is not valid any more; the caller has a reference
 *
 * An entry that is held cannot be deleted. Looks at the first VR_NEXTHOP_FORGET_MAX
 * nexthops only, the others are vr_nexthop_recheck()'s.
 *
 * Context: any, RCU read side.
 * Return: false if there are others.
 */
bool vr_nexthop_forget(const struct vr_nexthops *table, struct neighbour *neigh)
{
	const struct vr_nexthop_index *index = rcu_dereference(table->index);
	u32 id, size = min(index->size, VR_NEXTHOP_FORGET_MAX);
	struct vr_nexthop *nh;
	struct vr_path *path;
	unsigned int i;

	for (id = 0; id < size; id++) {
		nh = rcu_dereference(index->nh[id]);
		for (i = 0; nh && i < nh->npaths; i++) {
			path = &nh->path[i];
			if (rcu_access_pointer(path->neigh) == neigh &&
			    cmpxchg((struct neighbour **)&path->neigh, neigh,
				    NULL) == neigh)
				neigh_release(neigh);
		}
	}
	return size == index->size;
}

/**
 * vr_nexthop_recheck() - follow devices that went up or down
 * @table: nexthops
 *
 * Lets go of neighbour entries that are of no use, which would hold their devices,
 * and shares the flows of IPv6 multipath routes out anew.
 *
 * Context: the mirror's work.
 */
void vr_nexthop_recheck(struct vr_nexthops *table)
{
	struct vr_nexthop *nh;
	unsigned int i, p;

	for (i = 0; i < ARRAY_SIZE(table->by_contents); i++) {
		hlist_for_each_entry(nh, &table->by_contents[i], node) {
			for (p = 0; p < nh->npaths; p++)
				vr_nexthop_drop_neigh(&nh->path[p]);
			if (nh->npaths && nh->path[0].f6i)
				vr_nexthop_rebalance(nh);
		}
	}
}

static bool vr_nexthop_is_ours(const struct net_device *dev,
			       const struct vr_router *router)
{
	const struct vr_port *port;

	if (!dev || !vr_port_is(dev))
		return false;
	port = netdev_priv(dev);
	return rcu_access_pointer(port->router) == router;
}

static bool vr_nexthop_object_offload(struct nexthop *object,
				      const struct vr_router *router)
{
	unsigned int i;

	if (nexthop_is_blackhole(object))
		return false;
	for (i = 0; i < nexthop_num_path(object); i++)
		if (vr_nexthop_is_ours(nexthop_fib_nhc(object, i)->nhc_dev,
				       router))
			return true;
	return false;
}

/**
 * vr_nexthop_offload() - does the data plane take packets for this nexthop?
 * @nh: nexthop
 * @router: router
 *
 * Context: RCU read side.
 * Return: true if at least one path leads to a port of the router.
 */
bool vr_nexthop_offload(const struct vr_nexthop *nh,
			const struct vr_router *router)
{
	unsigned int i;

	if (nh->reason)
		return false;
	if (nh->object)
		return vr_nexthop_object_offload(nh->object, router);
	for (i = 0; i < nh->npaths; i++)
		if (vr_nexthop_is_ours(nh->path[i].dev, router))
			return true;
	return false;
}
