// SPDX-License-Identifier: GPL-2.0
/*
 * Changes are noted in atomic context, with references to all they name, and
 * applied later.
 */
#include <linux/slab.h>
#include <net/fib_notifier.h>

#include "change.h"
#include "rib.h"

/**
 * vr_change_table() - the routing table that a route is in
 * @info: the kernel's announcement
 *
 * Return: table id.
 */
u32 vr_change_table(const struct fib_notifier_info *info)
{
	if (info->family == AF_INET)
		return container_of(info, struct fib_entry_notifier_info,
				    info)->tb_id;
	return container_of(info, struct fib6_entry_notifier_info,
			    info)->rt->fib6_table->tb6_id;
}

/**
 * vr_change_key() - the prefix that is announced
 * @info: the kernel's announcement
 * @key: filled in, to the last bit
 *
 * Return: false if it is a route by source, which has no place in the FIB.
 */
bool vr_change_key(const struct fib_notifier_info *info,
		   struct vr_change_key *key)
{
	const struct fib_entry_notifier_info *fen;
	const struct fib6_info *rt;

	memset(key, 0, sizeof(*key));
	key->family = info->family;
	if (info->family == AF_INET) {
		fen = container_of(info, struct fib_entry_notifier_info, info);
		key->addr.s6_addr32[0] = htonl(fen->dst);
		key->plen = fen->dst_len;
		return true;
	}
	rt = container_of(info, struct fib6_entry_notifier_info, info)->rt;
	key->addr = rt->fib6_dst.addr;
	key->plen = rt->fib6_dst.plen;
	return !rt->fib6_src.plen;
}

/**
 * vr_change_counts() - does the prefix count among the router's routes?
 * @change: change
 *
 * Return: false for the local table's, and for routes by source.
 */
bool vr_change_counts(const struct vr_change *change)
{
	return !change->local && change->keyed;
}

/**
 * vr_change_is_own() - is it a route that the kernel makes for an address?
 * @info: the kernel's announcement
 *
 * Anyone can give a route the kernel's protocol number, but then there is someone
 * to be told why it was refused. Prefixes of router advertisements have it too, and
 * whoever is on the link can send any number of these.
 *
 * Return: true if so.
 */
bool vr_change_is_own(const struct fib_notifier_info *info)
{
	const struct fib6_info *rt;

	if (info->extack)
		return false;
	if (info->family == AF_INET)
		return container_of(info, struct fib_entry_notifier_info,
				    info)->fi->fib_protocol == RTPROT_KERNEL;
	rt = container_of(info, struct fib6_entry_notifier_info, info)->rt;
	return rt->fib6_protocol == RTPROT_KERNEL &&
	       !(rt->fib6_flags & RTF_ADDRCONF);
}

static struct vr_change *vr_change_alloc4(const struct fib_notifier_info *info)
{
	struct vr_change *change = kzalloc(sizeof(*change), GFP_ATOMIC);

	if (!change)
		return NULL;
	change->fen = *container_of(info, struct fib_entry_notifier_info, info);
	/* the message that it belongs to is gone by the time it is applied */
	change->fen.info.extack = NULL;
	fib_info_hold(change->fen.fi);
	return change;
}

/*
 * A route that stays, or NULL. What is deleted may be a path that was never announced:
 * the kernel takes back those that it put in before one that it refused. It tells of
 * several only where these are all, and about to go: it looks for others of the prefix
 * behind the last of them only. A path that is taken out of a list points to those that
 * stay (list_del_rcu()).
 */
static struct fib6_info *
vr_change_left6(const struct fib6_entry_notifier_info *fen6)
{
	if (fen6->nsiblings)
		return vr_siblings_other(fen6->rt);
	if (list_empty(&fen6->rt->fib6_siblings))
		return NULL;
	return list_next_entry(fen6->rt, fib6_siblings);
}

static void vr_change_drop6(struct vr_change *change)
{
	unsigned int i;

	for (i = 0; i < change->n; i++)
		fib6_info_release(change->rt[i]);
	if (change->rt != change->told)
		kfree(change->rt);
}

static struct vr_change *vr_change_alloc6(unsigned long event,
					  const struct fib_notifier_info *info)
{
	const struct fib6_entry_notifier_info *fen6 =
		container_of(info, struct fib6_entry_notifier_info, info);
	struct vr_change *change;
	struct fib6_info *rt;

	change = kzalloc(max(struct_size(change, told, fen6->nsiblings + 1),
			     sizeof(*change)), GFP_ATOMIC);
	if (!change)
		return NULL;
	change->rt = change->told;
	if (event == FIB_EVENT_ENTRY_DEL)
		change->left = vr_change_left6(fen6);
	if (change->left)
		fib6_info_hold(change->left);
	fib6_info_hold(fen6->rt);
	change->rt[change->n++] = fen6->rt;
	if (!fen6->nsiblings)
		return change;
	/* from 7.2 on others may change the list meanwhile: the work reads it again */
	list_for_each_entry_rcu(rt, &fen6->rt->fib6_siblings, fib6_siblings) {
		if (change->n > fen6->nsiblings)
			break;
		if (!fib6_info_hold_safe(rt))
			goto err_drop;
		change->rt[change->n++] = rt;
	}
	return change;

err_drop:
	if (change->left)
		fib6_info_release(change->left);
	vr_change_drop6(change);
	kfree(change);
	return NULL;
}

/**
 * vr_change_alloc() - note a change
 * @event: FIB_EVENT_ENTRY_...
 * @info: the kernel's announcement
 *
 * Context: any, within the notifier.
 * Return: change, or NULL.
 */
struct vr_change *vr_change_alloc(unsigned long event,
				  const struct fib_notifier_info *info)
{
	struct vr_change *change;

	change = info->family == AF_INET ? vr_change_alloc4(info) :
					   vr_change_alloc6(event, info);
	if (!change)
		return NULL;
	change->event = event;
	change->family = info->family;
	change->keyed = vr_change_key(info, &change->key);
	change->local = vr_change_table(info) == RT_TABLE_LOCAL;
	return change;
}

/**
 * vr_change_free() - let go of a change
 * @change: change
 */
void vr_change_free(struct vr_change *change)
{
	if (change->left)
		fib6_info_release(change->left);
	if (change->family == AF_INET)
		fib_info_put(change->fen.fi);
	else
		vr_change_drop6(change);
	kfree(change);
}

/**
 * vr_change_free_all() - let go of many changes
 * @list: changes; empty afterwards
 */
void vr_change_free_all(struct list_head *list)
{
	struct vr_change *change, *tmp;

	list_for_each_entry_safe(change, tmp, list, list) {
		list_del(&change->list);
		vr_change_free(change);
	}
}

static void vr_change_set_flag4(const struct fib_entry_notifier_info *fen,
				struct net *net, bool offload)
{
	struct fib_rt_info fri = {
		.fi = fen->fi,
		.tb_id = fen->tb_id,
		.dst = htonl(fen->dst),
		.dst_len = fen->dst_len,
		.dscp = fen->dscp,
		.type = fen->type,
		.offload = offload,
	};

	fib_alias_hw_flags_set(net, &fri);
}

static struct vr_nexthop *vr_change_apply4(const struct vr_change *change,
					   struct vr_rib *rib)
{
	struct fib_entry_notifier_info fen = change->fen;
	struct fib_info *was = NULL;
	struct vr_nexthop *nh;

	if (change->event == FIB_EVENT_ENTRY_DEL)
		return ERR_PTR(vr_rib_del4(rib, htonl(fen.dst), fen.dst_len,
					   change->local));
	nh = vr_rib_set4(rib, htonl(fen.dst), fen.dst_len, fen.fi, fen.type,
			 inet_dscp_to_dsfield(fen.dscp), change->local, &was);
	if (!was)
		return nh;
	/* it may still be in the kernel's table, behind this one */
	fen.fi = was;
	fen.type = RTN_UNICAST;
	fen.dscp = inet_dsfield_to_dscp(0);
	vr_change_set_flag4(&fen, was->fib_net, false);
	fib_info_put(was);
	return nh;
}

/* Is the one route that was announced all that the kernel uses of the prefix? */
static bool vr_change_is_all6(const struct vr_change *change)
{
	const struct fib6_info *rt = change->rt[0];
	const struct fib6_node *node;
	bool all;

	if (change->event != FIB_EVENT_ENTRY_REPLACE || change->n > 1)
		return false;
	rcu_read_lock();
	node = rcu_dereference(rt->fib6_node);
	all = !node || (rcu_access_pointer(node->leaf) == rt &&
			!READ_ONCE(rt->fib6_nsiblings));
	rcu_read_unlock();
	return all;
}

/*
 * A route of the prefix by which to find out what the kernel uses of it now; or NULL if
 * that is what was announced. A deletion must not bring in a prefix.
 */
static const struct fib6_info *vr_change_ask6(const struct vr_change *change,
					      const struct vr_rib *rib)
{
	if (!vr_change_counts(change) || vr_change_is_all6(change))
		return NULL;
	if (change->event != FIB_EVENT_ENTRY_DEL)
		return change->rt[0];
	return vr_change_nexthop(change, rib) ? change->left : NULL;
}

static_assert(VR_SIBLINGS_MAX > VR_NEXTHOP_PATHS_MAX);

/*
 * The kernel announces paths that come and go. Where there are other routes of their
 * metric, or a path is deleted that was not known here, that does not say what it uses of
 * the prefix, but its table does: the change becomes that. What was done since is still
 * to come as a change of its own, and then says the same. From 7.2 on, where several add
 * paths to a prefix at once, an announcement may have paths of another one; but each comes
 * when its own are in the table, so that the last one finds them all.
 */
static int vr_change_read6(struct vr_change *change, const struct fib6_info *f6i)
{
	unsigned int n = READ_ONCE(f6i->fib6_nsiblings) + 1, room;
	struct fib6_info **rt = NULL;

	do {
		room = min(n, VR_SIBLINGS_MAX);
		kfree(rt);
		rt = kmalloc_array(room, sizeof(*rt), GFP_KERNEL);
		if (!rt)
			return -ENOMEM;
		n = vr_siblings_read(f6i, rt, room);
	} while (n > room);
	if (!n) {
		kfree(rt);
		return 0;
	}
	vr_change_drop6(change);
	change->event = FIB_EVENT_ENTRY_REPLACE;
	change->rt = rt;
	change->n = n;
	return 0;
}

static struct vr_nexthop *vr_change_apply6(struct vr_change *change,
					   struct vr_rib *rib)
{
	const struct fib6_info *f6i;
	int err = 0;

	/* what is being loaded has to be seen */
	if (change->left)
		err = vr_rib_bulk_end(rib);
	f6i = err ? NULL : vr_change_ask6(change, rib);
	if (f6i)
		err = vr_change_read6(change, f6i);
	if (err)
		return ERR_PTR(err);
	if (change->event == FIB_EVENT_ENTRY_DEL)
		return ERR_PTR(vr_rib_del6(rib, change->rt, change->n,
					   change->left, change->local));
	return vr_rib_set6(rib, change->rt, change->n,
			   change->event == FIB_EVENT_ENTRY_APPEND,
			   change->local);
}

/**
 * vr_change_apply() - make a change
 * @change: change
 * @rib: routes
 *
 * Context: the mirror's work, may sleep.
 * Return: the nexthop that the route has now; NULL if it was deleted, or is in the
 * local table; or an ERR_PTR(), see vr_rib_set4() and its likes.
 */
struct vr_nexthop *vr_change_apply(struct vr_change *change, struct vr_rib *rib)
{
	return change->family == AF_INET ? vr_change_apply4(change, rib) :
					   vr_change_apply6(change, rib);
}

/**
 * vr_change_nexthop() - the nexthop that a changed route has now
 * @change: change
 * @rib: routes
 *
 * Context: the mirror's work.
 * Return: nexthop, or NULL if the route is not there or in the local table.
 */
struct vr_nexthop *vr_change_nexthop(const struct vr_change *change,
				     const struct vr_rib *rib)
{
	const struct rt6key *key;

	if (change->local)
		return NULL;
	if (change->family == AF_INET)
		return vr_rib_exact4(rib, htonl(change->fen.dst),
				     change->fen.dst_len);
	if (change->rt[0]->fib6_src.plen)
		return NULL;
	key = &change->rt[0]->fib6_dst;
	return vr_rib_exact6(rib, &key->addr, key->plen);
}

static void vr_change_set_flags6(const struct vr_change *change,
				 struct net *net, bool offload)
{
	struct fib6_info *stale;
	unsigned int i;

	for (i = 0; i < change->n; i++)
		fib6_info_hw_flags_set(net, change->rt[i], offload, false,
				       false);
	/* those that were used before, and are still in the kernel's table */
	while ((stale = vr_siblings_stale(change->rt[0], offload))) {
		fib6_info_hw_flags_set(net, stale, false, false, false);
		fib6_info_release(stale);
	}
}

/**
 * vr_change_set_flags() - tell the kernel who forwards by a route
 * @change: change that added the route
 * @net: namespace
 * @offload: the data plane does
 *
 * For IPv6, takes the flags from all other routes of the prefix. For IPv4,
 * vr_change_apply() does so.
 *
 * Context: may sleep.
 */
void vr_change_set_flags(const struct vr_change *change, struct net *net,
			 bool offload)
{
	if (change->local || change->event == FIB_EVENT_ENTRY_DEL)
		return;
	if (change->family == AF_INET)
		vr_change_set_flag4(&change->fen, net, offload);
	else
		vr_change_set_flags6(change, net, offload);
}

static void vr_change_pass_note(struct vr_change_pass *pass, unsigned long event,
				const struct fib_notifier_info *info)
{
	struct vr_change *change;
	u32 table;

	lockdep_assert_held(&pass->lock);
	if (event == FIB_EVENT_RULE_ADD && pass->rule)
		pass->rule(pass->arg, info);
	if (event != FIB_EVENT_ENTRY_REPLACE)
		return;
	table = vr_change_table(info);
	if (table != pass->table && table != RT_TABLE_LOCAL)
		return;
	change = vr_change_alloc(event, info);
	if (change)
		list_add_tail(&change->list, pass->changes);
	else
		pass->lost = true;
}

static int vr_change_pass_event(struct notifier_block *nb, unsigned long event,
				void *ptr)
{
	struct vr_change_pass *pass =
		container_of(nb, struct vr_change_pass, nb);
	const struct fib_notifier_info *info = ptr;

	/* in the end it hears of everybody's changes, which are not for it */
	if (READ_ONCE(pass->over) ||
	    (info->family != AF_INET && info->family != AF_INET6))
		return NOTIFY_DONE;
	spin_lock_bh(&pass->lock);
	if (!pass->over)
		vr_change_pass_note(pass, event, info);
	spin_unlock_bh(&pass->lock);
	return NOTIFY_DONE;
}

/* The kernel has gone through all of them. If something changed meanwhile it begins
 * again, which is no news. No error would end that: by then it may be told of a change,
 * and would refuse it.
 */
static void vr_change_pass_over(struct notifier_block *nb)
{
	struct vr_change_pass *pass =
		container_of(nb, struct vr_change_pass, nb);

	spin_lock_bh(&pass->lock);
	WRITE_ONCE(pass->over, true);
	spin_unlock_bh(&pass->lock);
}

/**
 * vr_change_dump() - read the routes of a table
 * @net: namespace
 * @pass: all zero, but for @table, @rule and @arg; vr_change_dump_end() must follow
 * @changes: empty list; gets the routes, as changes that added them, also where there was
 *	no memory for all
 *
 * What changes meanwhile is told as it was or as it is then. So whoever has to know
 * hears of changes elsewhere, from before this on, and makes them afterwards.
 *
 * Context: may sleep, without RTNL.
 * Return: 0 or -ENOMEM.
 */
int vr_change_dump(struct net *net, struct vr_change_pass *pass,
		   struct list_head *changes)
{
	int err;

	spin_lock_init(&pass->lock);
	pass->changes = changes;
	pass->nb.notifier_call = vr_change_pass_event;
	err = register_fib_notifier(net, &pass->nb, vr_change_pass_over, NULL);
	if (!err)
		pass->net = net;
	else if (!pass->over)
		return err;
	vr_change_pass_over(&pass->nb);
	return pass->lost ? -ENOMEM : 0;
}

/**
 * vr_change_dump_end() - let go of what vr_change_dump() has used
 * @pass: of vr_change_dump(), or all zero; all zero afterwards
 *
 * Context: may sleep.
 */
void vr_change_dump_end(struct vr_change_pass *pass)
{
	if (pass->net)
		unregister_fib_notifier(pass->net, &pass->nb);
	memset(pass, 0, sizeof(*pass));
}
