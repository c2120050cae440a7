// SPDX-License-Identifier: GPL-2.0
/*
 * Longest prefix match for one address family of one router.
 *
 * Description: the prefixes as they were set are in a store (fib_store.c, changed by
 * fib_edit.c), from which what lookups see is made (fib_plane.c, fib_sheet.c). Both
 * are made of nodes that are found by their contents and shared between all tables
 * (fib_node.c), so that routers with the same routes have them once. The default
 * route stands apart: it would be in almost every node.
 *
 * An update makes the nodes on the way to its prefix anew and becomes visible with
 * one store, in the first node that can change in place or in the head; except that
 * new prefixes may wait for others next to them, see vr_fib_hold(). What fails for
 * want of memory changes nothing.
 *
 * Locking: vr_fib_lock for whoever changes any table; readers under RCU.
 */
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fib.h"
#include "fib_bulk.h"
#include "fib_census.h"
#include "fib_edit.h"
#include "fib_held.h"
#include "fib_plane.h"
#include "fib_sheet.h"

static DEFINE_MUTEX(vr_fib_lock);

static struct vr_fib_head *vr_fib_head(const struct vr_fib *fib)
{
	return rcu_dereference_protected(fib->head,
					 lockdep_is_held(&vr_fib_lock));
}

static struct vr_fib_node *vr_fib_store(const struct vr_fib *fib)
{
	return rcu_dereference_protected(fib->store,
					 lockdep_is_held(&vr_fib_lock));
}

static void vr_fib_free_heads(struct vr_fib_head *head)
{
	struct vr_fib_head *older;

	for (; head; head = older) {
		older = head->older;
		vr_fib_slot_put(head->root);
		kfree(head);
	}
}

/* Free the heads that have no readers any more: they are in order of age. */
static void vr_fib_reap(struct vr_fib *fib)
{
	struct vr_fib_head **p = &vr_fib_head(fib)->older;

	for (; *p; p = &(*p)->older) {
		if (!poll_state_synchronize_rcu((*p)->grace))
			continue;
		vr_fib_free_heads(*p);
		*p = NULL;
		return;
	}
}

/* Let go of what readers came by; of a second reference, if it has been kept. */
static void vr_fib_let_go(struct vr_fib_node *old, const struct vr_fib_node *new)
{
	if (old && old == new)
		vr_fib_node_put(old);
	else if (old)
		vr_fib_node_leave(old);
}

/* Show the root to readers, and let go of the one before. */
static void vr_fib_publish(struct vr_fib *fib, unsigned long root)
{
	struct vr_fib_head *head = vr_fib_head(fib);
	unsigned long old = head->root;

	/* pairs with the READ_ONCE() in vr_fib_start() */
	smp_store_release(&head->root, root);
	vr_fib_let_go(vr_fib_slot_node(old), vr_fib_slot_node(root));
}

static int vr_fib_set_default(struct vr_fib *fib, u16 nh, gfp_t gfp)
{
	struct vr_fib_head *old = vr_fib_head(fib), *head;

	head = kmalloc(sizeof(*head), gfp);
	if (!head)
		return -ENOMEM;
	*head = *old;
	head->fallback = nh;
	head->older = old;
	vr_fib_slot_get(head->root);
	rcu_assign_pointer(fib->head, head);
	old->grace = start_poll_synchronize_rcu();
	return 0;
}

/* Have lookups see what the prefixes say at and below one of them. */
static int vr_fib_show(struct vr_fib *fib, const struct vr_fib_node *store,
		       const struct vr_fib_entry *entry, gfp_t gfp)
{
	struct vr_fib_turn turn = { .entry = *entry, .gfp = gfp };
	unsigned long root;

	root = vr_fib_plane_turn(&turn, vr_fib_view(store),
				 vr_fib_head(fib)->root, 0, 0);
	if (!root) {
		vr_fib_plane_abort(&turn);
		return -ENOMEM;
	}
	vr_fib_plane_commit(&turn);
	vr_fib_publish(fib, root);
	return 0;
}

/* One after the other, or their branch as a whole, whichever is less work. */
static int vr_fib_unhold(struct vr_fib *fib)
{
	struct vr_fib_held *held = fib->held;
	struct vr_fib_entry branch;
	int err = 0;

	if (!held || !held->n)
		return 0;
	if (vr_fib_held_is_most(held, vr_fib_store(fib), &branch)) {
		err = vr_fib_show(fib, vr_fib_store(fib), &branch, held->gfp);
		if (!err)
			held->n = 0;
	}
	while (held->n && !err) {
		err = vr_fib_show(fib, vr_fib_store(fib),
				  &held->entry[held->n - 1], held->gfp);
		if (!err)
			held->n--;
	}
	return err;
}

static int vr_fib_change(struct vr_fib *fib, struct vr_fib_edit *edit)
{
	struct vr_fib_node *old, *store;
	bool hold = fib->held && edit->count == 1 &&
		    vr_fib_held_may(fib->held, &edit->entry);
	int err = 0;

	if (!hold || !vr_fib_held_fits(fib->held, &edit->entry))
		err = vr_fib_unhold(fib);
	if (err)
		return err;
	old = vr_fib_store(fib);
	store = vr_fib_edit_prepare(edit, old, 0);
	if (IS_ERR(store))
		return PTR_ERR(store);
	vr_fib_edit_commit(edit);
	if (hold)
		vr_fib_held_add(fib->held, &edit->entry);
	else
		err = vr_fib_show(fib, store, &edit->entry, edit->gfp);
	if (err) {
		vr_fib_edit_undo(edit);
		swap(old, store);
	}
	if (!err)
		rcu_assign_pointer(fib->store, store);
	vr_fib_let_go(old, store);
	vr_fib_edit_end(edit);
	return err;
}

static u16 vr_fib_exact(const struct vr_fib *fib,
			const struct vr_fib_entry *entry)
{
	u8 plen;

	if (!entry->plen)
		return vr_fib_head(fib)->fallback;
	return vr_fib_store_match(vr_fib_store(fib), entry, true, &plen);
}

static int vr_fib_update(struct vr_fib *fib, const struct vr_fib_entry *entry,
			 u16 before, gfp_t gfp)
{
	int change = (entry->nh ? 1 : 0) - (before ? 1 : 0);
	struct vr_fib_edit edit = {
		.entry = *entry,
		.count = change,
		.gfp = gfp,
	};
	int err;

	if (entry->nh == before) {
		fib->updates++;
		return 0;
	}
	vr_fib_reap(fib);
	err = entry->plen ? vr_fib_change(fib, &edit) :
			    vr_fib_set_default(fib, entry->nh, gfp);
	if (err)
		return err;
	WRITE_ONCE(fib->count, fib->count + change);
	fib->updates++;
	return 0;
}

static int vr_fib_bulk_build(struct vr_fib *fib, gfp_t gfp)
{
	const struct vr_fib_entry *entry = fib->bulk->entry;
	unsigned long root = vr_fib_leaf(0);
	struct vr_fib_node *store = NULL;
	size_t n = fib->bulk->count;
	u16 fallback = 0;

	/* the default route comes first, if there is one */
	if (n && !entry->plen) {
		fallback = entry->nh;
		entry++;
		n--;
	}
	if (n) {
		store = vr_fib_edit_build(entry, n, 0, gfp);
		if (!store)
			return -ENOMEM;
		root = vr_fib_plane_build(vr_fib_view(store), gfp);
	}
	if (!root || (fallback && vr_fib_set_default(fib, fallback, gfp))) {
		vr_fib_slot_put(root ? : vr_fib_leaf(0));
		if (store)
			vr_fib_node_put(store);
		return -ENOMEM;
	}
	vr_fib_publish(fib, root);
	rcu_assign_pointer(fib->store, store);
	return 0;
}

static int vr_fib_bulk_flush(struct vr_fib *fib, gfp_t gfp)
{
	int err;

	if (!fib->bulk)
		return 0;
	err = vr_fib_bulk_build(fib, gfp);
	if (err)
		return err;
	vr_fib_bulk_free(fib->bulk);
	fib->bulk = NULL;
	return 0;
}

static int vr_fib_bulk_set(struct vr_fib *fib, const struct vr_fib_entry *entry,
			   size_t at, gfp_t gfp)
{
	int err = vr_fib_bulk_insert(fib->bulk, entry, at, gfp);

	if (err)
		return err;
	WRITE_ONCE(fib->count, fib->count + 1);
	fib->updates++;
	return 0;
}

/* What the prefix has now; @at is its place if the table is loaded in bulk. */
static int vr_fib_before(struct vr_fib *fib, const struct vr_fib_entry *entry,
			 u16 *before, size_t *at, gfp_t gfp)
{
	struct vr_fib_bulk *bulk = fib->bulk;
	bool found;
	int err;

	if (bulk && !vr_fib_bulk_is_slow(bulk)) {
		*at = vr_fib_bulk_seek(bulk, entry, &found);
		*before = found ? bulk->entry[*at].nh : 0;
		return 0;
	}
	/* it is in no order: the rest one by one */
	err = vr_fib_bulk_flush(fib, gfp);
	if (err)
		return err;
	*before = vr_fib_exact(fib, entry);
	return 0;
}

static int vr_fib_apply(struct vr_fib *fib, const struct vr_fib_entry *entry,
			u16 *old, gfp_t gfp)
{
	u16 before = 0;
	size_t at = 0;
	int err;

	err = vr_fib_before(fib, entry, &before, &at, gfp);
	if (err)
		return err;
	if (!entry->nh && !before)
		return -ENOENT;
	if (old)
		*old = before;
	if (!fib->bulk)
		return vr_fib_update(fib, entry, before, gfp);
	if (!before)
		return vr_fib_bulk_set(fib, entry, at, gfp);
	if (entry->nh) {
		fib->bulk->entry[at].nh = entry->nh;
		fib->updates++;
		return 0;
	}
	err = vr_fib_bulk_flush(fib, gfp);
	return err ? : vr_fib_update(fib, entry, before, gfp);
}

/**
 * vr_fib_alloc() - make an empty table
 * @bits: length of an address, 32 or 128
 * @gfp: how to allocate
 *
 * Context: as @gfp says.
 * Return: the table, or NULL without memory or for another length.
 */
struct vr_fib *vr_fib_alloc(unsigned int bits, gfp_t gfp)
{
	struct vr_fib_head *head;
	struct vr_fib *fib;

	if (bits != 32 && bits != 128)
		return NULL;
	fib = kzalloc(sizeof(*fib), gfp);
	head = kzalloc(sizeof(*head), gfp);
	if (!fib || !head) {
		kfree(fib);
		kfree(head);
		return NULL;
	}
	head->root = vr_fib_leaf(0);
	RCU_INIT_POINTER(fib->head, head);
	fib->bits = bits;
	return fib;
}

/**
 * vr_fib_free() - free a table and all that only it has
 * @fib: table, or NULL
 *
 * Context: may sleep; no reader and no writer uses the table any more.
 */
void vr_fib_free(struct vr_fib *fib)
{
	if (!fib)
		return;
	mutex_lock(&vr_fib_lock);
	vr_fib_free_heads(vr_fib_head(fib));
	if (vr_fib_store(fib))
		vr_fib_node_put(vr_fib_store(fib));
	mutex_unlock(&vr_fib_lock);
	vr_fib_bulk_free(fib->bulk);
	kfree(fib->held);
	kfree(fib);
}

/**
 * vr_fib_set() - insert a prefix, or replace its next hop
 * @fib: table
 * @prefix: 4 or 16 bytes, network order; host bits 0
 * @plen: bits
 * @nh: next hop, 1..VR_FIB_NH_MAX
 * @old: gets the next hop replaced, 0 if the prefix is new; may be NULL
 * @gfp: how to allocate
 *
 * Context: may sleep, even if @gfp does not allow allocating to.
 * Return: 0, -EINVAL, or -ENOMEM, upon which the table is as it was.
 */
int vr_fib_set(struct vr_fib *fib, const void *prefix, u8 plen, u16 nh,
	       u16 *old, gfp_t gfp)
{
	struct vr_fib_entry entry;
	int err;

	err = vr_fib_read(fib->bits, prefix, plen, nh, &entry);
	if (err || !nh || nh > VR_FIB_NH_MAX)
		return -EINVAL;
	mutex_lock(&vr_fib_lock);
	err = vr_fib_apply(fib, &entry, old, gfp);
	mutex_unlock(&vr_fib_lock);
	return err;
}

/**
 * vr_fib_del() - delete a prefix
 * @fib: table
 * @prefix: 4 or 16 bytes, network order; host bits 0
 * @plen: bits
 * @old: gets the next hop that the prefix had; may be NULL
 * @gfp: how to allocate
 *
 * Context: may sleep, even if @gfp does not allow allocating to.
 * Return: 0, -ENOENT if the prefix is not there, -EINVAL, or -ENOMEM, upon which
 * the table is as it was.
 */
int vr_fib_del(struct vr_fib *fib, const void *prefix, u8 plen, u16 *old,
	       gfp_t gfp)
{
	struct vr_fib_entry entry;
	int err;

	err = vr_fib_read(fib->bits, prefix, plen, 0, &entry);
	if (err)
		return err;
	mutex_lock(&vr_fib_lock);
	err = vr_fib_apply(fib, &entry, old, gfp);
	mutex_unlock(&vr_fib_lock);
	return err;
}

/**
 * vr_fib_bulk_begin() - begin to load a table with many prefixes
 * @fib: empty table
 *
 * Up to vr_fib_bulk_end() vr_fib_set() only notes them, as long as they come more or
 * less by address. Nobody sees them before.
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int vr_fib_bulk_begin(struct vr_fib *fib)
{
	struct vr_fib_bulk *bulk;

	bulk = kzalloc(sizeof(*bulk), GFP_KERNEL);
	if (!bulk)
		return -ENOMEM;
	mutex_lock(&vr_fib_lock);
	WARN_ON_ONCE(fib->count || fib->bulk);
	vr_fib_bulk_free(fib->bulk);
	fib->bulk = bulk;
	mutex_unlock(&vr_fib_lock);
	return 0;
}

/**
 * vr_fib_bulk_end() - make the table of what was noted
 * @fib: table
 * @gfp: how to allocate
 *
 * Context: may sleep.
 * Return: 0; or -ENOMEM, upon which it can be tried again.
 */
int vr_fib_bulk_end(struct vr_fib *fib, gfp_t gfp)
{
	int err;

	mutex_lock(&vr_fib_lock);
	err = vr_fib_bulk_flush(fib, gfp);
	mutex_unlock(&vr_fib_lock);
	return err;
}

/**
 * vr_fib_hold() - let new prefixes wait for others next to them
 * @fib: table
 * @gfp: how to allocate when they are to be seen
 *
 * Up to vr_fib_release() lookups may not see prefixes that vr_fib_set() has added,
 * while all other changes show at once, in order. Where many prefixes of one branch
 * come one after the other, this is a third of the work. Without memory, nothing
 * is held.
 *
 * Context: may sleep.
 */
void vr_fib_hold(struct vr_fib *fib, gfp_t gfp)
{
	struct vr_fib_held *held = vr_fib_held_alloc(fib->bits, gfp);

	if (!held)
		return;
	mutex_lock(&vr_fib_lock);
	if (!fib->held)
		swap(fib->held, held);
	mutex_unlock(&vr_fib_lock);
	kfree(held);
}

/**
 * vr_fib_release() - have lookups see all prefixes
 * @fib: table
 *
 * Context: may sleep.
 * Return: 0; or -ENOMEM, upon which it can be tried again.
 */
int vr_fib_release(struct vr_fib *fib)
{
	int err;

	mutex_lock(&vr_fib_lock);
	err = vr_fib_unhold(fib);
	if (!err) {
		kfree(fib->held);
		fib->held = NULL;
	}
	mutex_unlock(&vr_fib_lock);
	return err;
}

/**
 * vr_fib_get_info() - tell about a table
 * @fib: table
 * @info: filled in
 *
 * Context: may sleep; takes as long as the table is large.
 * Return: 0 or -ENOMEM.
 */
int vr_fib_get_info(struct vr_fib *fib, struct vr_fib_info *info)
{
	int err;

	memset(info, 0, sizeof(*info));
	mutex_lock(&vr_fib_lock);
	/* an older head is one reference more to the root, for a moment */
	vr_fib_reap(fib);
	info->prefixes = fib->count;
	info->updates = fib->updates;
	err = vr_fib_census(vr_fib_head(fib), vr_fib_store(fib), info);
	mutex_unlock(&vr_fib_lock);
	info->bytes += sizeof(*fib);
	return err;
}

/**
 * vr_fib_verify() - compare what lookups see with the prefixes
 * @fib: table
 * @bad: gets the number of places that differ, and of nodes of the wrong kind
 *
 * Context: may sleep; takes as long as the table is large.
 * Return: 0 or -ENOMEM.
 */
int vr_fib_verify(struct vr_fib *fib, unsigned int *bad)
{
	int err;

	mutex_lock(&vr_fib_lock);
	err = vr_fib_unhold(fib) ? :
	      vr_fib_plane_verify(vr_fib_view(vr_fib_store(fib)),
				  vr_fib_head(fib)->root, bad);
	mutex_unlock(&vr_fib_lock);
	return err;
}

/**
 * vr_fib_init() - prepare for tables
 *
 * Return: 0 or -ENOMEM.
 */
int vr_fib_init(void)
{
	int err = vr_fib_node_init();

	if (err)
		return err;
	err = vr_fib_sheet_init();
	if (err)
		vr_fib_node_exit();
	return err;
}

/**
 * vr_fib_exit() - no tables any more
 */
void vr_fib_exit(void)
{
	vr_fib_sheet_exit();
	vr_fib_node_exit();
}
