// SPDX-License-Identifier: GPL-2.0
/*
 * New prefixes next to each other that lookups do not see yet. They are of one branch,
 * so that they can be shown at once, by making that anew.
 */
#include <linux/slab.h>

#include "fib_held.h"

/* Making a branch anew takes as long as so many updates in it. */
#define VR_FIB_HELD_SHARE	16

/**
 * vr_fib_held_alloc() - make room for prefixes
 * @bits: length of an address, 32 or 128
 * @gfp: how to allocate, now and when they are to be seen
 *
 * Context: as @gfp says.
 * Return: room for VR_FIB_HELD_MAX prefixes, none there, or NULL.
 */
struct vr_fib_held *vr_fib_held_alloc(unsigned int bits, gfp_t gfp)
{
	struct vr_fib_held *held = kzalloc(sizeof(*held), gfp | __GFP_NOWARN);

	if (!held)
		return NULL;
	held->gfp = gfp;
	held->bits = bits == 32 ? 16 : 32;
	return held;
}

/* The branch of a prefix, as a prefix. */
static struct vr_fib_entry vr_fib_held_branch(const struct vr_fib_held *held,
					      const struct vr_fib_entry *entry)
{
	struct vr_fib_entry branch = { .plen = held->bits };

	branch.key = vr_fib_and(entry->key, vr_fib_mask(branch.plen));
	return branch;
}

/* Prefixes in a branch */
static unsigned int vr_fib_held_count(const struct vr_fib_node *store,
				      const struct vr_fib_entry *branch)
{
	struct vr_fib_view view = vr_fib_view(store);
	unsigned int level;

	for (level = 0; level < branch->plen; level += VR_FIB_STRIDE)
		view = vr_fib_view_slot(view, level,
					vr_fib_byte(branch->key, level));
	return vr_fib_store_count(view.node);
}

/**
 * vr_fib_held_may() - may a new prefix wait for others?
 * @held: those that wait
 * @entry: prefix
 *
 * Context: the writer.
 * Return: true if it is in a branch.
 */
bool vr_fib_held_may(const struct vr_fib_held *held,
		     const struct vr_fib_entry *entry)
{
	return entry->plen > held->bits;
}

/**
 * vr_fib_held_fits() - may a prefix wait together with those that do?
 * @held: those that wait
 * @entry: prefix
 *
 * Context: the writer.
 * Return: true if there are some, they are of the same branch, and there is room.
 */
bool vr_fib_held_fits(const struct vr_fib_held *held,
		      const struct vr_fib_entry *entry)
{
	struct vr_fib_entry a, b;

	if (!held->n || held->n == VR_FIB_HELD_MAX)
		return false;
	a = vr_fib_held_branch(held, &held->entry[0]);
	b = vr_fib_held_branch(held, entry);
	return !vr_fib_cmp(&a, &b);
}

/**
 * vr_fib_held_add() - have a prefix wait
 * @held: those that wait: none, or vr_fib_held_fits()
 * @entry: prefix, vr_fib_held_may()
 *
 * Context: the writer.
 */
void vr_fib_held_add(struct vr_fib_held *held, const struct vr_fib_entry *entry)
{
	held->entry[held->n++] = *entry;
}

/**
 * vr_fib_held_is_most() - is it less work to make their branch anew?
 * @held: those that wait, one at least
 * @store: all prefixes of the table
 * @branch: gets the branch, as a prefix
 *
 * Context: the writer.
 * Return: whether it is less than to show one after the other.
 */
bool vr_fib_held_is_most(const struct vr_fib_held *held,
			 const struct vr_fib_node *store,
			 struct vr_fib_entry *branch)
{
	*branch = vr_fib_held_branch(held, &held->entry[0]);
	return held->n > 1 &&
	       held->n * VR_FIB_HELD_SHARE >= vr_fib_held_count(store, branch);
}
