// SPDX-License-Identifier: GPL-2.0
/*
 * Each path of an IPv6 route is a route to the kernel (a sibling). It does not tell the
 * notifier chain of all that becomes of them: what it uses of a prefix is read in its
 * table. Who deletes them all by the device of one that is not the first (ip -6 route
 * del PREFIX dev DEVICE) does so without a word. So one path of each such route is
 * kept here, to look from time to time whether it is still there.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/net_namespace.h>

#include "siblings.h"

/**
 * struct vr_sibling - a path, for all of its route
 * @node: in the tree
 * @f6i: the kernel's, held
 * @missing: it was not in the kernel's table when last looked for
 */
struct vr_sibling {
	struct rb_node node;
	struct fib6_info *f6i;
	bool missing;
};

static int vr_siblings_compare(const void *key, const struct rb_node *node)
{
	const struct vr_sibling *sibling =
		rb_entry(node, struct vr_sibling, node);

	return memcmp(key, &sibling->f6i->fib6_dst, sizeof(struct rt6key));
}

static int vr_siblings_compare_new(struct rb_node *new,
				   const struct rb_node *node)
{
	return vr_siblings_compare(&rb_entry(new, struct vr_sibling,
					     node)->f6i->fib6_dst, node);
}

static struct vr_sibling *vr_siblings_find(const struct vr_siblings *siblings,
					   const struct rt6key *key)
{
	struct rb_node *node = rb_find(key, &siblings->root,
				       vr_siblings_compare);

	return node ? rb_entry(node, struct vr_sibling, node) : NULL;
}

/* Are two routes of a prefix paths of one, or the same? */
static bool vr_siblings_are(const struct fib6_info *a, const struct fib6_info *b)
{
	return a == b || (a->fib6_metric == b->fib6_metric &&
			  rt6_qualify_for_ecmp(a) && rt6_qualify_for_ecmp(b));
}

/**
 * vr_siblings_other() - a route of the same prefix that is no path of a given one
 * @f6i: route
 *
 * Context: RCU read side.
 * Return: the first such route in the kernel's table, or NULL.
 */
struct fib6_info *vr_siblings_other(const struct fib6_info *f6i)
{
	const struct fib6_node *node = rcu_dereference(f6i->fib6_node);
	struct fib6_info *other = node ? rcu_dereference(node->leaf) : NULL;

	while (other && vr_siblings_are(other, f6i))
		other = rcu_dereference(other->fib6_next);
	return other;
}

/**
 * vr_siblings_read() - the paths that the kernel uses of a prefix now
 * @f6i: one of the routes of the prefix
 * @paths: filled in with routes, one a path, held; unless there are more than @room
 * @room: length of @paths
 *
 * Context: may sleep.
 * Return: how many there are, VR_SIBLINGS_MAX if it is more than that; 0 if @f6i is in
 * the table no more.
 */
unsigned int vr_siblings_read(const struct fib6_info *f6i,
			      struct fib6_info **paths, unsigned int room)
{
	spinlock_t *lock = &f6i->fib6_table->tb6_lock;
	const struct fib6_node *node;
	unsigned int n = 0, i = 0;
	struct fib6_info *path;

	/* what is told of before it is put into the table is there then */
	spin_lock_bh(lock);
	node = rcu_dereference_protected(f6i->fib6_node, lockdep_is_held(lock));
	if (node) {
		path = rcu_dereference_protected(node->leaf,
						 lockdep_is_held(lock));
		n = min(path->fib6_nsiblings + 1, VR_SIBLINGS_MAX);
	}
	for (; n <= room && i < n; i++) {
		fib6_info_hold(path);
		paths[i] = path;
		path = list_next_entry(path, fib6_siblings);
	}
	spin_unlock_bh(lock);
	return n;
}

/**
 * vr_siblings_stale() - a route of a prefix that is marked, but should not be
 * @f6i: one of the routes of the prefix, by which the kernel forwards
 * @offload: it is marked rightly, as one whose packets the data plane takes
 *
 * The one that was marked before is not far: looks at twice VR_SIBLINGS_MAX routes.
 *
 * Context: may sleep.
 * Return: the first such route, held, or NULL.
 */
struct fib6_info *vr_siblings_stale(const struct fib6_info *f6i, bool offload)
{
	spinlock_t *lock = &f6i->fib6_table->tb6_lock;
	unsigned int room = 2 * VR_SIBLINGS_MAX;
	struct fib6_info *other = NULL;
	const struct fib6_node *node;

	spin_lock_bh(lock);
	node = rcu_dereference_protected(f6i->fib6_node, lockdep_is_held(lock));
	if (node)
		other = rcu_dereference_protected(node->leaf,
						  lockdep_is_held(lock));
	while (other && (!READ_ONCE(other->offload) ||
			 (offload && vr_siblings_are(other, f6i))))
		other = --room ? rcu_dereference_protected(other->fib6_next,
							   lockdep_is_held(lock)) :
				 NULL;
	if (other)
		fib6_info_hold(other);
	spin_unlock_bh(lock);
	return other;
}

/**
 * vr_siblings_set() - a route has several paths
 * @siblings: such routes
 * @f6i: one of its paths, in place of another one that stood for the route
 *
 * Context: the mirror's work, may sleep.
 * Return: 0 or -ENOMEM.
 */
int vr_siblings_set(struct vr_siblings *siblings, struct fib6_info *f6i)
{
	struct vr_sibling *sibling = vr_siblings_find(siblings, &f6i->fib6_dst);

	fib6_info_hold(f6i);
	if (sibling) {
		fib6_info_release(sibling->f6i);
		sibling->f6i = f6i;
		sibling->missing = false;
		return 0;
	}
	sibling = kzalloc(sizeof(*sibling), GFP_KERNEL_ACCOUNT);
	if (!sibling) {
		fib6_info_release(f6i);
		return -ENOMEM;
	}
	sibling->f6i = f6i;
	rb_find_add(&sibling->node, &siblings->root, vr_siblings_compare_new);
	return 0;
}

/**
 * vr_siblings_del() - a route is gone, or has one path only
 * @siblings: routes of several paths
 * @key: its prefix, which need not be one of theirs
 *
 * Context: the mirror's work.
 */
void vr_siblings_del(struct vr_siblings *siblings, const struct rt6key *key)
{
	struct vr_sibling *sibling = vr_siblings_find(siblings, key);

	if (!sibling)
		return;
	rb_erase(&sibling->node, &siblings->root);
	fib6_info_release(sibling->f6i);
	kfree(sibling);
}

/**
 * vr_siblings_lost() - look whether a route went without a word
 * @siblings: routes of several paths, with all changes that were announced
 * @net: their namespace
 *
 * A change may be announced a moment after it was made. Hence a route is lost if it is
 * missing the second time; who calls lets some time pass in between.
 *
 * Context: the mirror's work, may sleep.
 * Return: true if so.
 */
bool vr_siblings_lost(struct vr_siblings *siblings, const struct net *net)
{
	u32 deleted = READ_ONCE(net->ipv6.rt6_stats->fib_discarded_routes);
	struct vr_sibling *sibling;
	bool missing = false, gone;
	struct rb_node *node;

	if (deleted == siblings->deleted)
		return false;
	for (node = rb_first(&siblings->root); node; node = rb_next(node)) {
		sibling = rb_entry(node, struct vr_sibling, node);
		gone = !rcu_access_pointer(sibling->f6i->fib6_node);
		if (gone && sibling->missing)
			return true;
		sibling->missing = gone;
		missing |= gone;
		cond_resched();
	}
	if (!missing)
		siblings->deleted = deleted;
	return false;
}

/**
 * vr_siblings_free() - let go of all routes
 * @siblings: routes of several paths
 */
void vr_siblings_free(struct vr_siblings *siblings)
{
	struct vr_sibling *sibling, *tmp;

	rbtree_postorder_for_each_entry_safe(sibling, tmp, &siblings->root,
					     node) {
		fib6_info_release(sibling->f6i);
		kfree(sibling);
	}
	siblings->root = RB_ROOT;
}
