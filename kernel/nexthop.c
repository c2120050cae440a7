// SPDX-License-Identifier: GPL-2.0
/*
 * Nexthops are shared by contents: IPv4 by the kernel's fib_info, which is shared
 * itself; IPv6 by device, gateway, weight and MTU, since the kernel has a
 * fib6_info for each route (see nexthop_make.c). What the kernel changes without a
 * word (flags of IPv4 paths, exceptions, whole nexthop objects) is not copied but
 * read live.
 */
#include <linux/jhash.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/nexthop.h>

#include "nexthop_make.h"
#include "port.h"
#include "router.h"

#define VR_NEXTHOP_INDEX_MIN	16
#define VR_NEXTHOP_LOOK_MAX	4096U

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

/* Are its flows shared out here, and not by the kernel? */
static bool vr_nexthop_is_balanced(const struct vr_nexthop *nh)
{
	return nh->npaths > 1 && nh->path[0].f6i;
}

static void vr_nexthop_unlink(struct vr_nexthop *nh)
{
	struct vr_nexthops *table = nh->table;

	hlist_del(&nh->node);
	RCU_INIT_POINTER(vr_nexthop_index(table)->nh[nh->id], NULL);
	WRITE_ONCE(table->count, table->count - 1);
	WRITE_ONCE(table->balanced, table->balanced - vr_nexthop_is_balanced(nh));
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

/**
 * vr_nexthop_path_equal() - are two paths the same?
 * @a: path
 * @b: path
 *
 * Return: whether they are.
 */
bool vr_nexthop_path_equal(const struct vr_path *a, const struct vr_path *b)
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
	    a->own || b->own || a->mtu != b->mtu ||
	    a->object != b->object || a->npaths != b->npaths)
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
	/* equal to nobody: those of a link must not all be in one bucket */
	if (nh->own && nh->npaths)
		return jhash(&nh->path[0].f6i, sizeof(nh->path[0].f6i), 0);
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
	WRITE_ONCE(table->balanced, table->balanced + vr_nexthop_is_balanced(nh));
	return 0;
}

/**
 * vr_nexthop_share() - put a new nexthop into the table
 * @table: nexthops
 * @nh: nexthop; given up for an equal one if there is one
 *
 * Context: the mirror's work, may sleep.
 * Return: nexthop with one more user, or ERR_PTR(): -ENOMEM, -ENOSPC.
 */
struct vr_nexthop *vr_nexthop_share(struct vr_nexthops *table,
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

/**
 * vr_nexthop_known4() - is the nexthop of an IPv4 route in the table?
 * @table: nexthops
 * @fi: the kernel's, or NULL if packets are punted
 * @reason: enum vrouter_punt_reason why they are, or 0
 *
 * Most routes have a fib_info in common with others: no need to make it up first.
 *
 * Context: the mirror's work.
 * Return: nexthop or NULL.
 */
struct vr_nexthop *vr_nexthop_known4(struct vr_nexthops *table,
				     const struct fib_info *fi, u8 reason)
{
	u32 hash = vr_nexthop_hash4(fi, reason);
	struct vr_nexthop *nh;

	hlist_for_each_entry(nh, vr_nexthop_bucket(table, hash), node)
		if (nh->hash == hash && nh->fi == fi && nh->reason == reason)
			return nh;
	return NULL;
}

/* Is a path one that Linux surely counts? */
static bool vr_nexthop_path_is_up(const struct vr_path *path)
{
	const struct inet6_dev *idev = __in6_dev_get(path->dev);

	return netif_running(path->dev) && netif_oper_up(path->dev) && idev &&
	       !READ_ONCE(idev->cnf.disable_ipv6) &&
	       READ_ONCE(idev->if_flags) & IF_READY;
}

/**
 * vr_nexthop_rebalance() - share the flows of a multipath route out
 * @nh: nexthop of an IPv6 route, with paths
 *
 * If a path is down, only the stack knows whether it has shares left, and so which way
 * each flow goes: no path is chosen here then.
 *
 * Context: the mirror's work.
 */
void vr_nexthop_rebalance(struct vr_nexthop *nh)
{
	u64 total = 0, sum = 0;
	struct vr_path *path;
	bool up = true;

	rcu_read_lock();
	for (path = nh->path; path < nh->path + nh->npaths; path++) {
		total += path->weight;
		up &= vr_nexthop_path_is_up(path);
	}
	rcu_read_unlock();
	/* as rt6_multipath_rebalance() does */
	for (path = nh->path; path < nh->path + nh->npaths; path++) {
		sum += path->weight;
		atomic_set(&path->own_bound, up ?
			   (int)DIV_ROUND_CLOSEST_ULL(sum << 31, total) - 1 : -1);
	}
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
 * An entry that is held cannot be deleted. Looks at VR_NEXTHOP_LOOK_MAX nexthops and paths
 * only, the others are vr_nexthop_recheck()'s.
 *
 * Context: any, RCU read side.
 * Return: false if there are others.
 */
bool vr_nexthop_forget(const struct vr_nexthops *table, struct neighbour *neigh)
{
	const struct vr_nexthop_index *index = rcu_dereference(table->index);
	unsigned int i, looks = 0;
	struct vr_nexthop *nh;
	struct vr_path *path;
	u32 id;

	for (id = 0; id < index->size; id++) {
		nh = rcu_dereference(index->nh[id]);
		looks += nh ? 1 + nh->npaths : 1;
		if (looks > VR_NEXTHOP_LOOK_MAX)
			return false;
		for (i = 0; nh && i < nh->npaths; i++) {
			path = &nh->path[i];
			if (rcu_access_pointer(path->neigh) == neigh &&
			    cmpxchg((struct neighbour **)&path->neigh, neigh,
				    NULL) == neigh)
				neigh_release(neigh);
		}
	}
	return true;
}

static bool vr_nexthop_uses_device(const struct vr_nexthop *nh, const void *dev)
{
	unsigned int i;

	for (i = 0; i < nh->npaths; i++)
		if (nh->path[i].dev == dev)
			return true;
	return false;
}

static bool vr_nexthop_balances_device(const struct vr_nexthop *nh,
				       const void *dev)
{
	return vr_nexthop_is_balanced(nh) && vr_nexthop_uses_device(nh, dev);
}

static bool vr_nexthop_is_object(const struct vr_nexthop *nh, const void *id)
{
	return nh->object && nh->object->id == *(const u32 *)id;
}

static bool vr_nexthop_has(const struct vr_nexthops *table,
			   bool (*is)(const struct vr_nexthop *nh, const void *arg),
			   const void *arg)
{
	const struct vr_nexthop_index *index = rcu_dereference(table->index);
	const struct vr_nexthop *nh;
	u32 id;

	if (index->size > VR_NEXTHOP_LOOK_MAX)
		return true;
	for (id = 0; id < index->size; id++) {
		nh = rcu_dereference(index->nh[id]);
		if (nh && is(nh, arg))
			return true;
	}
	return false;
}

/**
 * vr_nexthop_has_device() - may a nexthop lead out by a device?
 * @table: nexthops
 * @dev: device
 *
 * Nexthop objects are not asked: nothing of theirs is kept.
 *
 * Context: RCU read side.
 * Return: false if none does; true if one does, or if there are too many to look at.
 */
bool vr_nexthop_has_device(const struct vr_nexthops *table,
			   const struct net_device *dev)
{
	return vr_nexthop_has(table, vr_nexthop_uses_device, dev);
}

/**
 * vr_nexthop_has_balanced() - may flows be shared out here between a device and others?
 * @table: nexthops
 * @dev: device
 *
 * Context: RCU read side.
 * Return: false if none are; true if some are, or if there are too many to look at.
 */
bool vr_nexthop_has_balanced(const struct vr_nexthops *table,
			     const struct net_device *dev)
{
	return READ_ONCE(table->balanced) &&
	       vr_nexthop_has(table, vr_nexthop_balances_device, dev);
}

/**
 * vr_nexthop_has_object() - may a nexthop be an object of the kernel's?
 * @table: nexthops
 * @id: the object's number; of what happens to one in a group, the group is told of, too
 *
 * Context: RCU read side.
 * Return: false if none is; true if one is, or if there are too many to look at.
 */
bool vr_nexthop_has_object(const struct vr_nexthops *table, u32 id)
{
	return vr_nexthop_has(table, vr_nexthop_is_object, &id);
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
	const struct fib_nh_common *nhc;
	unsigned int i;

	if (nexthop_is_blackhole(object))
		return false;
	for (i = 0; i < nexthop_num_path(object); i++) {
		/* a group may have fewer paths by now */
		nhc = nexthop_fib_nhc(object, i);
		if (nhc && vr_nexthop_is_ours(nhc->nhc_dev, router))
			return true;
	}
	return false;
}

/* Does at least one path lead to a port of the router? */
static bool vr_nexthop_leads_to(const struct vr_nexthop *nh,
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

/**
 * vr_nexthop_offload() - does the data plane take packets for this nexthop?
 * @nh: nexthop
 * @router: router
 *
 * Context: the mirror's work.
 * Return: true if at least one path led to a port of the router when it was last
 * asked, here or by vr_nexthop_recheck(): the same for all of its routes.
 */
bool vr_nexthop_offload(struct vr_nexthop *nh, const struct vr_router *router)
{
	if (!nh->asked) {
		rcu_read_lock();
		nh->offload = vr_nexthop_leads_to(nh, router);
		rcu_read_unlock();
		nh->asked = true;
	}
	return nh->offload;
}

static void vr_nexthop_follow(struct vr_nexthop *nh)
{
	unsigned int i;

	for (i = 0; i < nh->npaths; i++)
		vr_nexthop_drop_neigh(&nh->path[i]);
	if (vr_nexthop_is_balanced(nh))
		vr_nexthop_rebalance(nh);
}

/**
 * vr_nexthop_recheck() - follow ports and nexthop objects that changed
 * @table: nexthops
 * @router: router
 *
 * Lets go of neighbour entries that are of no use, which would hold their devices,
 * and shares the flows of IPv6 multipath routes out anew.
 *
 * Context: the mirror's work.
 * Return: whether vr_nexthop_offload() says something else than before.
 */
bool vr_nexthop_recheck(struct vr_nexthops *table,
			const struct vr_router *router)
{
	struct vr_nexthop *nh;
	bool changed = false;
	unsigned int i;
	bool old;

	for (i = 0; i < ARRAY_SIZE(table->by_contents); i++) {
		hlist_for_each_entry(nh, &table->by_contents[i], node) {
			vr_nexthop_follow(nh);
			old = nh->offload;
			nh->asked = false;
			changed |= vr_nexthop_offload(nh, router) != old;
		}
	}
	return changed;
}
