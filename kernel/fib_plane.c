// SPDX-License-Identifier: GPL-2.0
/*
 * What lookups see: a trie of eight bits a level, leaves of shorter prefixes pushed
 * down, so that the slot that ends a lookup is its answer. It follows from the
 * prefixes alone. An update makes the nodes on the way to its prefix anew, up to
 * the first one that can change in place; and of those below the prefix, the ones
 * that no longer prefix covers.
 *
 * Functions that go from level to level call themselves, at most VR_FIB_LEVELS deep.
 */
#include <linux/bitops.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "fib_plane.h"
#include "fib_sheet.h"

static unsigned long vr_fib_build_at(struct vr_fib_view view,
				     struct vr_fib_key key, unsigned int level,
				     u16 inherited, gfp_t gfp);

/* The slots for what is below, of one slot or of all. */
static bool vr_fib_sheet_below(struct vr_fib_sheet *sheet,
			       struct vr_fib_view view, struct vr_fib_key key,
			       unsigned int level, unsigned int i, gfp_t gfp)
{
	struct vr_fib_view below = vr_fib_view_slot(view, level, i);
	unsigned long slot;

	if (!below.node)
		return true;
	key = vr_fib_with_byte(vr_fib_and(key, vr_fib_mask(level)), level, i);
	slot = vr_fib_build_at(below, key, level + VR_FIB_STRIDE,
			       vr_fib_slot_nh(sheet->slot[i]), gfp);
	if (slot)
		vr_fib_sheet_set(sheet, i, slot);
	return slot;
}

static bool vr_fib_sheet_list(struct vr_fib_sheet *sheet,
			      struct vr_fib_view view, struct vr_fib_key key,
			      unsigned int level, gfp_t gfp)
{
	const struct vr_fib_list *list = vr_fib_to_list(view.node);
	struct vr_fib_entry entry;
	unsigned int i, slot, last = VR_FIB_SLOTS;

	for (i = view.from; i < view.to; i++) {
		entry = vr_fib_list_get(list, i);
		slot = vr_fib_byte(entry.key, level);
		if (entry.plen <= level + VR_FIB_STRIDE || slot == last)
			continue;
		last = slot;
		if (!vr_fib_sheet_below(sheet, view, key, level, slot, gfp))
			return false;
	}
	return true;
}

static bool vr_fib_sheet_branch(struct vr_fib_sheet *sheet,
				struct vr_fib_view view, struct vr_fib_key key,
				unsigned int level, gfp_t gfp)
{
	const struct vr_fib_branch *branch = vr_fib_to_branch(view.node);
	unsigned int i;
	u64 word;

	for (i = 0; i < VR_FIB_WORDS; i++)
		for (word = branch->bitmap[i]; word; word &= word - 1)
			if (!vr_fib_sheet_below(sheet, view, key, level,
						i * 64 + __ffs64(word), gfp))
				return false;
	return true;
}

/* A slot with a reference, 0 without memory. */
static unsigned long vr_fib_build_at(struct vr_fib_view view,
				     struct vr_fib_key key, unsigned int level,
				     u16 inherited, gfp_t gfp)
{
	struct vr_fib_sheet *sheet;
	unsigned long slot = 0;
	bool fine;

	cond_resched();
	sheet = vr_fib_sheet_take(level);
	vr_fib_sheet_own(sheet, view, level, inherited);
	fine = vr_fib_store_kind(view.node) == VR_FIB_LIST ?
		vr_fib_sheet_list(sheet, view, key, level, gfp) :
		vr_fib_sheet_branch(sheet, view, key, level, gfp);
	if (fine)
		slot = vr_fib_sheet_encode(sheet, view, key, level, gfp);
	vr_fib_sheet_put(sheet);
	return slot;
}

/**
 * vr_fib_plane_build() - make what lookups see
 * @view: prefixes, one at least
 * @gfp: how to allocate
 *
 * Context: the writer.
 * Return: slot with a reference, or 0 without memory.
 */
unsigned long vr_fib_plane_build(struct vr_fib_view view, gfp_t gfp)
{
	struct vr_fib_key zero = {};

	return vr_fib_build_at(view, zero, 0, 0, gfp);
}

static void vr_fib_cover(u64 *covered, unsigned int from, unsigned int n)
{
	for (; n--; from++)
		covered[from / 64] |= BIT_ULL(from % 64);
}

/* The slots that a prefix of this level gives now, where no longer one does. */
static bool vr_fib_turn_own(struct vr_fib_turn *turn, struct vr_fib_view view,
			    struct vr_fib_sheet *sheet, unsigned int level,
			    u16 inherited)
{
	unsigned int bits = turn->entry.plen - level, has, slot, i, n;
	unsigned int from = vr_fib_byte(turn->entry.key, level);
	unsigned int to = from + (VR_FIB_SLOTS >> bits);
	u64 covered[VR_FIB_WORDS] = {};
	u32 buffer[VR_FIB_LIST_MAX];
	const u32 *owned;

	owned = vr_fib_view_owned(view, level, buffer, &n);
	inherited = vr_fib_owned_find(owned, n, from, bits, &has) ? : inherited;
	for (i = 0; i < n; i++) {
		slot = vr_fib_owned_slot(owned[i]);
		has = vr_fib_owned_bits(owned[i]);
		if (has > bits && slot >= from && slot < to)
			vr_fib_cover(covered, slot, VR_FIB_SLOTS >> has);
	}
	for (i = from; i < to; i++) {
		if (covered[i / 64] & BIT_ULL(i % 64))
			continue;
		sheet->slot[i] = vr_fib_leaf(inherited);
		if (!vr_fib_sheet_below(sheet, view, turn->entry.key, level, i,
					turn->gfp))
			return false;
	}
	return true;
}

/* What the prefixes that end at a level give to what is below one slot. */
static u16 vr_fib_turn_inherit(struct vr_fib_view view, unsigned int level,
			       unsigned int slot, u16 inherited)
{
	u32 buffer[VR_FIB_LIST_MAX];
	unsigned int n, bits;
	const u32 *owned;

	owned = vr_fib_view_owned(view, level, buffer, &n);
	return vr_fib_owned_find(owned, n, slot, VR_FIB_STRIDE, &bits) ? :
	       inherited;
}

/*
 * Does only this table lead to the node of a level, and only once, and all readers
 * that may come there by it? To be asked after all below has been prepared, since
 * that may have found it a second use.
 */
static bool vr_fib_turn_ours(const struct vr_fib_turn *turn, unsigned int level)
{
	unsigned int i;

	for (i = 0; i <= level / VR_FIB_STRIDE; i++)
		if (!turn->way[i] || !vr_fib_node_is_sole(turn->way[i]))
			return false;
	return true;
}

/* Note a change in place, if it is possible; else 0. */
static unsigned long vr_fib_turn_in_place(struct vr_fib_turn *turn,
					  struct vr_fib_node *node,
					  unsigned int index, unsigned int level,
					  unsigned long slot)
{
	struct vr_fib_node *same;

	/* one place is enough; there may be one below a node that changes its kind */
	if (turn->at || !vr_fib_turn_ours(turn, level))
		return 0;
	same = vr_fib_node_find_but(node, index, slot);
	if (same)
		return vr_fib_node_slot(same);
	vr_fib_slot_get(slot);
	turn->at = vr_fib_node_get(node);
	turn->index = index;
	turn->slot = slot;
	return vr_fib_node_slot(node);
}

/* A node may have to change its kind though its slots stay. */
static bool vr_fib_keeps_kind(struct vr_fib_view view,
			      const struct vr_fib_node *node)
{
	if (!node)
		return true;
	if (vr_fib_node_kind(node) == VR_FIB_FLAT)
		return vr_fib_sheet_is_flat(view, container_of(node,
							 struct vr_fib_flat,
							 node)->below);
	return vr_fib_node_kind(node) != VR_FIB_MIXED ||
	       !vr_fib_sheet_is_flat(view, 0);
}

static unsigned long vr_fib_turn_flat(struct vr_fib_turn *turn,
				      struct vr_fib_view view,
				      struct vr_fib_flat *flat,
				      unsigned int level, unsigned long slot)
{
	unsigned int i = vr_fib_byte(turn->entry.key, level);
	u32 below = flat->below + (flat->slot[i] & VR_FIB_LEAF ? 1 : 0);

	/* without its last node it would not be flat */
	if ((slot & VR_FIB_LEAF) || !vr_fib_sheet_is_flat(view, below))
		return 0;
	slot = vr_fib_turn_in_place(turn, &flat->node, i, level, slot);
	/* what changes in place may be a node below this one */
	if (turn->at == &flat->node)
		turn->below = below;
	return slot;
}

static unsigned long vr_fib_turn_mixed(struct vr_fib_turn *turn,
				       struct vr_fib_view view,
				       struct vr_fib_mixed *mixed,
				       unsigned int level, unsigned long slot)
{
	int n = vr_fib_sheet_index(mixed, vr_fib_byte(turn->entry.key, level),
				   slot);

	if (n < 0 || !vr_fib_keeps_kind(view, &mixed->node))
		return 0;
	return vr_fib_turn_in_place(turn, &mixed->node, n, level, slot) ? :
	       vr_fib_sheet_but(mixed, n, slot, turn->gfp);
}

/* Another value for one slot of a node, without all the others; else 0. */
static unsigned long vr_fib_turn_but(struct vr_fib_turn *turn,
				     struct vr_fib_view view,
				     struct vr_fib_node *node,
				     unsigned int level, unsigned long slot)
{
	if (!node)
		return 0;
	if (vr_fib_node_kind(node) == VR_FIB_FLAT)
		return vr_fib_turn_flat(turn, view,
					container_of(node, struct vr_fib_flat,
						     node), level, slot);
	if (vr_fib_node_kind(node) == VR_FIB_MIXED)
		return vr_fib_turn_mixed(turn, view,
					 container_of(node, struct vr_fib_mixed,
						      node), level, slot);
	return 0;
}

/* Where the prefix is longer than this level: one slot changes. */
static unsigned long vr_fib_turn_one(struct vr_fib_turn *turn,
				     struct vr_fib_view view,
				     unsigned long slot, unsigned int level,
				     u16 inherited)
{
	unsigned int i = vr_fib_byte(turn->entry.key, level);
	struct vr_fib_node *node = vr_fib_slot_node(slot);
	unsigned long old, new, result;
	struct vr_fib_sheet *sheet;

	turn->way[level / VR_FIB_STRIDE] =
		vr_fib_sheet_is_alone(node, i) ? node : NULL;
	old = vr_fib_sheet_one(slot, i, level);
	inherited = vr_fib_turn_inherit(view, level, i, inherited);
	new = vr_fib_plane_turn(turn, vr_fib_view_slot(view, level, i), old,
				level + VR_FIB_STRIDE, inherited);
	if (!new)
		return 0;
	if (new == old && vr_fib_keeps_kind(view, node)) {
		vr_fib_slot_get(slot);
		result = slot;
	} else {
		result = vr_fib_turn_but(turn, view, node, level, new);
	}
	if (!result) {
		sheet = vr_fib_sheet_take(level);
		vr_fib_sheet_spread(sheet->slot, slot, level);
		sheet->slot[i] = new;
		result = vr_fib_sheet_encode(sheet, view, turn->entry.key, level,
					     turn->gfp);
	}
	vr_fib_slot_put(new);
	return result;
}

/**
 * vr_fib_plane_turn() - prepare a change
 * @turn: change
 * @view: the prefixes here, as they are to be
 * @slot: what lookups see here, as it is
 * @level: bits decided so far
 * @inherited: next hop of the longest prefix that has no more than @level bits
 *
 * Nothing is changed until vr_fib_plane_commit().
 *
 * Context: the writer.
 * Return: what is to stand in the place of @slot, with a reference; @slot itself
 * if it changes in place, or not at all; 0 without memory.
 */
unsigned long vr_fib_plane_turn(struct vr_fib_turn *turn, struct vr_fib_view view,
				unsigned long slot, unsigned int level,
				u16 inherited)
{
	struct vr_fib_sheet *sheet;
	unsigned long new = 0;

	if (turn->entry.plen > level + VR_FIB_STRIDE)
		return vr_fib_turn_one(turn, view, slot, level, inherited);
	sheet = vr_fib_sheet_take(level);
	vr_fib_sheet_spread(sheet->slot, slot, level);
	if (vr_fib_turn_own(turn, view, sheet, level, inherited))
		new = vr_fib_sheet_encode(sheet, view, turn->entry.key, level,
					  turn->gfp);
	vr_fib_sheet_put(sheet);
	return new;
}

/**
 * vr_fib_plane_commit() - make the change in place, if there is one
 * @turn: change
 *
 * Context: the writer.
 */
void vr_fib_plane_commit(struct vr_fib_turn *turn)
{
	if (!turn->at)
		return;
	if (vr_fib_node_kind(turn->at) == VR_FIB_FLAT)
		container_of(turn->at, struct vr_fib_flat, node)->below =
			turn->below;
	vr_fib_node_alter(turn->at, turn->index, turn->slot);
	vr_fib_slot_put(turn->slot);
}

/**
 * vr_fib_plane_abort() - give up a change that vr_fib_plane_turn() could not prepare
 * @turn: change
 *
 * Context: the writer.
 */
void vr_fib_plane_abort(struct vr_fib_turn *turn)
{
	if (turn->at)
		vr_fib_slot_put(turn->slot);
}

/**
 * struct vr_fib_proof - what a level is compared with
 * @want: next hops that the prefixes give
 * @is: what lookups see
 */
struct vr_fib_proof {
	u16 want[VR_FIB_SLOTS];
	unsigned long is[VR_FIB_SLOTS];
};

/* Lookups never read it, but a flat node's count says how long it stays one. */
static bool vr_fib_flat_counts(const struct vr_fib_node *node)
{
	const struct vr_fib_flat *flat;
	unsigned int i, below = 0;

	if (!node || vr_fib_node_kind(node) != VR_FIB_FLAT)
		return true;
	flat = container_of(node, struct vr_fib_flat, node);
	for (i = 0; i < VR_FIB_SLOTS; i++)
		below += !(flat->slot[i] & VR_FIB_LEAF);
	return flat->below == below;
}

static unsigned int vr_fib_verify_at(struct vr_fib_proof *proof,
				     struct vr_fib_view view, unsigned long slot,
				     unsigned int level, u16 inherited)
{
	const struct vr_fib_node *node;
	struct vr_fib_sheet *sheet;
	struct vr_fib_view below;
	unsigned int i, bad = 0;

	if (level == VR_FIB_LEVELS * VR_FIB_STRIDE)
		return slot != vr_fib_leaf(inherited);
	cond_resched();
	sheet = vr_fib_sheet_take(level);
	vr_fib_sheet_own(sheet, view, level, inherited);
	for (i = 0; i < VR_FIB_SLOTS; i++)
		proof->want[i] = vr_fib_slot_nh(sheet->slot[i]);
	vr_fib_sheet_spread(proof->is, slot, level);
	node = vr_fib_slot_node(slot);
	bad += !vr_fib_flat_counts(node) || !vr_fib_keeps_kind(view, node);
	for (i = 0; i < VR_FIB_SLOTS; i++) {
		below = vr_fib_view_slot(view, level, i);
		if (below.node || !(proof->is[i] & VR_FIB_LEAF))
			bad += vr_fib_verify_at(proof + 1, below, proof->is[i],
						level + VR_FIB_STRIDE,
						proof->want[i]);
		else
			bad += vr_fib_slot_nh(proof->is[i]) != proof->want[i];
	}
	return bad;
}

/**
 * vr_fib_plane_verify() - compare what lookups see with the prefixes
 * @view: prefixes
 * @slot: what lookups see
 * @bad: gets the number of slots, and of nodes' kinds, that are not what they
 *       should be
 *
 * Context: the writer, may sleep.
 * Return: 0 or -ENOMEM.
 */
int vr_fib_plane_verify(struct vr_fib_view view, unsigned long slot,
			unsigned int *bad)
{
	struct vr_fib_proof *proof;

	proof = kvcalloc(VR_FIB_LEVELS, sizeof(*proof), GFP_KERNEL);
	if (!proof)
		return -ENOMEM;
	*bad = vr_fib_verify_at(proof, view, slot, 0, 0);
	kvfree(proof);
	return 0;
}
