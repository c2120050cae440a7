// SPDX-License-Identifier: GPL-2.0
/*
 * The nodes that lookups see, spread out to slots, and made of slots.
 */
#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fib.h"
#include "fib_sheet.h"

/*
 * Nodes with more nodes below are flat, and those with more prefixes below, which
 * many lookups come by: it takes memory, and saves time.
 */
#define VR_FIB_BELOW_MAX	96
#define VR_FIB_PREFIXES_MAX	4096

/* The one writer's scratch: a sheet for each level, and the node to be. */
static struct vr_fib_sheet *vr_fib_sheets;

static union {
	struct vr_fib_node node;
	struct vr_fib_leaves leaves;
	struct vr_fib_mixed mixed;
	struct vr_fib_flat flat;
	struct vr_fib_skip skip;
	/* what is copied as a whole, beyond the fixed part of a struct */
	u8 bytes[sizeof(struct vr_fib_flat)];
} vr_fib_draft;

/**
 * vr_fib_slot_get() - take a reference to what a slot leads to
 * @slot: slot
 *
 * Context: the writer.
 */
void vr_fib_slot_get(unsigned long slot)
{
	struct vr_fib_node *node = vr_fib_slot_node(slot);

	if (node)
		vr_fib_node_get(node);
}

/**
 * vr_fib_slot_put() - give a reference back to what a slot leads to
 * @slot: slot
 *
 * Context: the writer.
 */
void vr_fib_slot_put(unsigned long slot)
{
	struct vr_fib_node *node = vr_fib_slot_node(slot);

	if (node)
		vr_fib_node_put(node);
}

/**
 * vr_fib_sheet_take() - the sheet of a level, without references
 * @level: bits decided before
 *
 * Context: the writer, up to the next call for this level.
 * Return: the sheet; its slots are of no meaning yet.
 */
struct vr_fib_sheet *vr_fib_sheet_take(unsigned int level)
{
	struct vr_fib_sheet *sheet = &vr_fib_sheets[level / VR_FIB_STRIDE];

	memset(sheet->fresh, 0, sizeof(sheet->fresh));
	return sheet;
}

/**
 * vr_fib_sheet_set() - set a slot of its own
 * @sheet: sheet
 * @i: which slot
 * @slot: its value; the reference goes over to the sheet
 *
 * Context: the writer.
 */
void vr_fib_sheet_set(struct vr_fib_sheet *sheet, unsigned int i,
		      unsigned long slot)
{
	sheet->slot[i] = slot;
	sheet->fresh[i / 64] |= BIT_ULL(i % 64);
}

/**
 * vr_fib_sheet_put() - give back the references of a sheet
 * @sheet: sheet
 *
 * Context: the writer.
 */
void vr_fib_sheet_put(struct vr_fib_sheet *sheet)
{
	unsigned int i;
	u64 word;

	for (i = 0; i < VR_FIB_WORDS; i++)
		for (word = sheet->fresh[i]; word; word &= word - 1)
			vr_fib_slot_put(sheet->slot[i * 64 + __ffs64(word)]);
}

static void vr_fib_fill(unsigned long *slot, unsigned int from, unsigned int n,
			unsigned long value)
{
	while (n--)
		slot[from++] = value;
}

/**
 * vr_fib_sheet_own() - the slots that the prefixes of a level give
 * @sheet: sheet
 * @view: prefixes; those that are longer are not asked
 * @level: bits decided before
 * @inherited: next hop of the longest prefix that has no more than @level bits
 *
 * Context: the writer.
 */
void vr_fib_sheet_own(struct vr_fib_sheet *sheet, struct vr_fib_view view,
		      unsigned int level, u16 inherited)
{
	u32 buffer[VR_FIB_LIST_MAX];
	const u32 *owned;
	unsigned int i, n;

	vr_fib_fill(sheet->slot, 0, VR_FIB_SLOTS, vr_fib_leaf(inherited));
	owned = vr_fib_view_owned(view, level, buffer, &n);
	/* what covers another one comes before it */
	for (i = 0; i < n; i++)
		vr_fib_fill(sheet->slot, vr_fib_owned_slot(owned[i]),
			    VR_FIB_SLOTS >> vr_fib_owned_bits(owned[i]),
			    vr_fib_leaf(owned[i]));
}

static void vr_fib_spread_runs(unsigned long *slot, const u64 *bitmap,
			       const u16 *value, const unsigned long *below)
{
	unsigned int w, i;
	u64 word;

	for (w = 0; w < VR_FIB_WORDS; w++) {
		word = bitmap[w];
		/* the first bit of the first word is set */
		value -= !(word & 1);
		for (i = 0; i < 64; i++) {
			*slot++ = *value & VR_FIB_BELOW ?
				below[*value - VR_FIB_BELOW] :
				vr_fib_leaf(*value);
			word >>= 1;
			value += word & 1;
		}
		value++;
	}
}

static void vr_fib_spread_skip(unsigned long *slot, unsigned long self,
			       const struct vr_fib_skip *skip, unsigned int level)
{
	/* bits of the key that count from here on */
	unsigned int bits = 64 - skip->shift - level % 64;
	unsigned int byte = skip->key >> (56 - level % 64) & (VR_FIB_SLOTS - 1);

	vr_fib_fill(slot, 0, VR_FIB_SLOTS, vr_fib_leaf(skip->miss));
	if (bits > VR_FIB_STRIDE)
		slot[byte] = self;
	else
		vr_fib_fill(slot, byte, VR_FIB_SLOTS >> bits, skip->hit);
}

/**
 * vr_fib_sheet_spread() - the slots of a node, or of a leaf, or of a part of a skip
 * @slot: filled in, VR_FIB_SLOTS of them, without references
 * @from: slot that leads there
 * @level: bits decided before
 *
 * Context: the writer.
 */
void vr_fib_sheet_spread(unsigned long *slot, unsigned long from,
			 unsigned int level)
{
	const struct vr_fib_node *node = vr_fib_slot_node(from);
	const struct vr_fib_leaves *leaves;
	const struct vr_fib_mixed *mixed;

	if (!node) {
		vr_fib_fill(slot, 0, VR_FIB_SLOTS, from);
		return;
	}
	switch (vr_fib_node_kind(node)) {
	case VR_FIB_LEAVES:
		leaves = container_of(node, struct vr_fib_leaves, node);
		vr_fib_spread_runs(slot, leaves->bitmap, leaves->value, NULL);
		break;
	case VR_FIB_MIXED:
		mixed = container_of(node, struct vr_fib_mixed, node);
		vr_fib_spread_runs(slot, mixed->bitmap, mixed->value,
				   vr_fib_mixed_below(mixed));
		break;
	case VR_FIB_FLAT:
		memcpy(slot, container_of(node, struct vr_fib_flat, node)->slot,
		       VR_FIB_SLOTS * sizeof(*slot));
		break;
	default:
		vr_fib_spread_skip(slot, from,
				   container_of(node, struct vr_fib_skip, node),
				   level);
	}
}

static u16 vr_fib_mixed_value(const struct vr_fib_mixed *mixed, unsigned int i)
{
	return mixed->value[vr_fib_run(mixed->bitmap, mixed->rank, i)];
}

static unsigned long vr_fib_skip_one(unsigned long self,
				     const struct vr_fib_skip *skip,
				     unsigned int i, unsigned int level)
{
	unsigned int bits = 64 - skip->shift - level % 64;
	unsigned int differ = i ^ (skip->key >> (56 - level % 64) &
				   (VR_FIB_SLOTS - 1));

	if (bits < VR_FIB_STRIDE)
		differ >>= VR_FIB_STRIDE - bits;
	if (differ)
		return vr_fib_leaf(skip->miss);
	return bits > VR_FIB_STRIDE ? self : skip->hit;
}

/**
 * vr_fib_sheet_one() - one of the slots that vr_fib_sheet_spread() gives
 * @from: slot that leads there
 * @i: which one
 * @level: bits decided before
 *
 * Context: the writer.
 * Return: slot, without a reference.
 */
unsigned long vr_fib_sheet_one(unsigned long from, unsigned int i,
			       unsigned int level)
{
	const struct vr_fib_node *node = vr_fib_slot_node(from);
	const struct vr_fib_leaves *leaves;
	const struct vr_fib_mixed *mixed;
	u16 value;

	if (!node)
		return from;
	switch (vr_fib_node_kind(node)) {
	case VR_FIB_LEAVES:
		leaves = container_of(node, struct vr_fib_leaves, node);
		return vr_fib_leaf(leaves->value[vr_fib_run(leaves->bitmap,
							    leaves->rank, i)]);
	case VR_FIB_MIXED:
		mixed = container_of(node, struct vr_fib_mixed, node);
		value = vr_fib_mixed_value(mixed, i);
		return value & VR_FIB_BELOW ?
		       vr_fib_mixed_below(mixed)[value - VR_FIB_BELOW] :
		       vr_fib_leaf(value);
	case VR_FIB_FLAT:
		return container_of(node, struct vr_fib_flat, node)->slot[i];
	default:
		return vr_fib_skip_one(from,
				       container_of(node, struct vr_fib_skip,
						    node), i, level);
	}
}

static unsigned long vr_fib_make(enum vr_fib_kind kind, gfp_t gfp)
{
	struct vr_fib_node *node;

	node = vr_fib_node_intern(&vr_fib_draft.node, kind, gfp);
	return node ? vr_fib_node_slot(node) : 0;
}

static unsigned long vr_fib_make_skip(u64 key, unsigned int bits,
				      unsigned long hit, u16 miss, gfp_t gfp)
{
	struct vr_fib_skip *skip = &vr_fib_draft.skip;

	memset(skip, 0, sizeof(*skip));
	skip->shift = 64 - bits;
	skip->key = key >> skip->shift << skip->shift;
	skip->hit = hit;
	skip->miss = miss;
	return vr_fib_make(VR_FIB_SKIP, gfp);
}

/* All slots are the same leaf, but for one block that is a prefix? */
static bool vr_fib_is_skip(const unsigned long *slot, unsigned int from,
			   unsigned int to)
{
	unsigned int size = to - from;

	return (slot[to % VR_FIB_SLOTS] & VR_FIB_LEAF) &&
	       is_power_of_2(size) && !(from % size) &&
	       (size == 1 || (slot[from] & VR_FIB_LEAF));
}

static unsigned long vr_fib_encode_skip(const unsigned long *slot,
					unsigned int from, unsigned int to,
					struct vr_fib_key key,
					unsigned int level, gfp_t gfp)
{
	u16 miss = vr_fib_slot_nh(slot[to % VR_FIB_SLOTS]);
	const struct vr_fib_node *node = vr_fib_slot_node(slot[from]);
	u64 half = level < 64 ? key.hi : key.lo;
	unsigned int bits = level % 64;

	/* a skip below can begin here as well */
	if (node && vr_fib_node_kind(node) == VR_FIB_SKIP && bits < 56 &&
	    container_of(node, struct vr_fib_skip, node)->miss == miss) {
		vr_fib_slot_get(slot[from]);
		return slot[from];
	}
	half &= ~(~0ULL >> bits);
	half |= (u64)from << (56 - bits);
	return vr_fib_make_skip(half,
				bits + VR_FIB_STRIDE - ilog2(to - from),
				slot[from], miss, gfp);
}

/* Where runs of equal slots begin. Return their number. */
static unsigned int vr_fib_mark_runs(const unsigned long *slot, u64 *bitmap)
{
	unsigned long last = ~slot[0];
	unsigned int w, i, runs = 0;
	u64 word;

	for (w = 0; w < VR_FIB_WORDS; w++) {
		word = 0;
		for (i = 0; i < 64; i++) {
			word |= (u64)(*slot != last) << i;
			last = *slot++;
		}
		bitmap[w] = word;
		runs += hweight64(word);
	}
	return runs;
}

static unsigned long vr_fib_encode_leaves(const unsigned long *slot,
					  const u64 *bitmap, gfp_t gfp)
{
	struct vr_fib_leaves *leaves = &vr_fib_draft.leaves;
	unsigned int w, n = 0;
	u64 word;

	for (w = 0; w < VR_FIB_WORDS; w++) {
		leaves->bitmap[w] = bitmap[w];
		leaves->rank[w] = n;
		for (word = bitmap[w]; word; word &= word - 1)
			leaves->value[n++] =
				vr_fib_slot_nh(slot[w * 64 + __ffs64(word)]);
	}
	return vr_fib_make(VR_FIB_LEAVES, gfp);
}

static unsigned long vr_fib_encode_mixed(const unsigned long *slot,
					 const u64 *bitmap, unsigned int runs,
					 gfp_t gfp)
{
	struct vr_fib_mixed *mixed = &vr_fib_draft.mixed;
	unsigned int w, n = 0, children = 0;
	unsigned long *below, one;
	u64 word;

	mixed->below = DIV_ROUND_UP(offsetof(struct vr_fib_mixed, value) +
				    runs * sizeof(u16), sizeof(*below));
	below = (unsigned long *)mixed + mixed->below;
	/* what is between the values and the slots */
	memset(&mixed->value[runs], 0,
	       (u8 *)below - (u8 *)&mixed->value[runs]);
	for (w = 0; w < VR_FIB_WORDS; w++) {
		mixed->bitmap[w] = bitmap[w];
		mixed->rank[w] = n;
		for (word = bitmap[w]; word; word &= word - 1) {
			one = slot[w * 64 + __ffs64(word)];
			if (one & VR_FIB_LEAF) {
				mixed->value[n++] = vr_fib_slot_nh(one);
				continue;
			}
			mixed->value[n++] = VR_FIB_BELOW | children;
			below[children++] = one;
		}
	}
	mixed->children = children - 1;
	return vr_fib_make(VR_FIB_MIXED, gfp);
}

/**
 * vr_fib_sheet_is_flat() - is this to be a flat node?
 * @view: prefixes at and below it
 * @below: how many of its slots are nodes, not 0
 *
 * Context: the writer.
 * Return: whether it is.
 */
bool vr_fib_sheet_is_flat(struct vr_fib_view view, unsigned int below)
{
	return below > VR_FIB_BELOW_MAX ||
	       vr_fib_store_count(view.node) > VR_FIB_PREFIXES_MAX;
}

static unsigned long vr_fib_encode_flat(const unsigned long *slot,
					unsigned int below, gfp_t gfp)
{
	vr_fib_draft.flat.below = below;
	memcpy(vr_fib_draft.flat.slot, slot, sizeof(vr_fib_draft.flat.slot));
	return vr_fib_make(VR_FIB_FLAT, gfp);
}

/* The slot where the next run begins, VR_FIB_SLOTS after the last one. */
static unsigned int vr_fib_next_run(const u64 *bitmap, unsigned int slot)
{
	unsigned int w;
	u64 word;

	for (slot++, w = slot / 64; w < VR_FIB_WORDS; slot = ++w * 64) {
		word = bitmap[w] & ~0ULL << slot % 64;
		if (word)
			return w * 64 + __ffs64(word);
	}
	return VR_FIB_SLOTS;
}

/* How many slots are nodes. */
static unsigned int vr_fib_count_below(const unsigned long *slot,
				       const u64 *bitmap)
{
	unsigned int from, to, n = 0;

	for (from = 0; from < VR_FIB_SLOTS; from = to) {
		to = vr_fib_next_run(bitmap, from);
		if (!(slot[from] & VR_FIB_LEAF))
			n += to - from;
	}
	return n;
}

/**
 * vr_fib_sheet_encode() - make a node of slots, or a leaf if they are all the same
 * @sheet: the slots
 * @view: the prefixes that they are of
 * @key: address of these, up to @level bits
 * @level: bits decided before
 * @gfp: how to allocate
 *
 * Context: the writer.
 * Return: slot with a reference, or 0 without memory.
 */
unsigned long vr_fib_sheet_encode(const struct vr_fib_sheet *sheet,
				  struct vr_fib_view view, struct vr_fib_key key,
				  unsigned int level, gfp_t gfp)
{
	const unsigned long *slot = sheet->slot;
	unsigned int runs, from, to, below;
	u64 bitmap[VR_FIB_WORDS];

	runs = vr_fib_mark_runs(slot, bitmap);
	if (runs == 1 && (slot[0] & VR_FIB_LEAF))
		return slot[0];
	/* the block, if there is one, is the second of three runs, or one of two */
	if (runs == 2 || (runs == 3 && slot[0] == slot[VR_FIB_SLOTS - 1])) {
		from = vr_fib_next_run(bitmap, 0);
		to = vr_fib_next_run(bitmap, from);
		if (vr_fib_is_skip(slot, from, to))
			return vr_fib_encode_skip(slot, from, to, key, level,
						  gfp);
		if (runs == 2 && vr_fib_is_skip(slot, 0, from))
			return vr_fib_encode_skip(slot, 0, from, key, level,
						  gfp);
	}
	below = vr_fib_count_below(slot, bitmap);
	if (!below)
		return vr_fib_encode_leaves(slot, bitmap, gfp);
	if (vr_fib_sheet_is_flat(view, below))
		return vr_fib_encode_flat(slot, below, gfp);
	return vr_fib_encode_mixed(slot, bitmap, runs, gfp);
}

/**
 * vr_fib_sheet_is_alone() - does no other slot share the reference of this one?
 * @node: node, or NULL
 * @i: slot of it
 *
 * Context: the writer.
 * Return: whether what it leads to is for @i alone, if nothing else leads there.
 */
bool vr_fib_sheet_is_alone(const struct vr_fib_node *node, unsigned int i)
{
	const struct vr_fib_mixed *mixed;
	u16 value;

	if (!node || vr_fib_node_kind(node) != VR_FIB_MIXED)
		return true;
	mixed = container_of(node, struct vr_fib_mixed, node);
	value = vr_fib_mixed_value(mixed, i);
	return (!i || vr_fib_mixed_value(mixed, i - 1) != value) &&
	       (i == VR_FIB_SLOTS - 1 ||
		vr_fib_mixed_value(mixed, i + 1) != value);
}

/**
 * vr_fib_sheet_index() - can a node below be another one, and all else stay?
 * @mixed: node
 * @i: slot that leads to the node below
 * @below: what is to stand there
 *
 * Where it cannot, there would be other runs.
 *
 * Context: the writer.
 * Return: the number of the node below, or -ENOENT.
 */
int vr_fib_sheet_index(const struct vr_fib_mixed *mixed, unsigned int i,
		       unsigned long below)
{
	const unsigned long *old = vr_fib_mixed_below(mixed);
	u16 value = vr_fib_mixed_value(mixed, i);
	unsigned int n = value - VR_FIB_BELOW;

	if (!(value & VR_FIB_BELOW) || (below & VR_FIB_LEAF) ||
	    !vr_fib_sheet_is_alone(&mixed->node, i) ||
	    (n && old[n - 1] == below) ||
	    (n < mixed->children && old[n + 1] == below))
		return -ENOENT;
	return n;
}

/**
 * vr_fib_sheet_but() - a node with another node below
 * @mixed: node
 * @n: number of the node below, of vr_fib_sheet_index()
 * @below: what is to stand there
 * @gfp: how to allocate
 *
 * Context: the writer.
 * Return: slot with a reference, or 0 without memory.
 */
unsigned long vr_fib_sheet_but(const struct vr_fib_mixed *mixed, unsigned int n,
			       unsigned long below, gfp_t gfp)
{
	const unsigned long *end = vr_fib_mixed_below(mixed) +
				   mixed->children + 1;

	memcpy(vr_fib_draft.bytes, mixed, (const u8 *)end - (const u8 *)mixed);
	((unsigned long *)&vr_fib_draft.mixed)[mixed->below + n] = below;
	return vr_fib_make(VR_FIB_MIXED, gfp);
}

/**
 * vr_fib_sheet_init() - prepare for changes
 *
 * Return: 0 or -ENOMEM.
 */
int vr_fib_sheet_init(void)
{
	vr_fib_sheets = kvcalloc(VR_FIB_LEVELS, sizeof(*vr_fib_sheets),
				 GFP_KERNEL);
	return vr_fib_sheets ? 0 : -ENOMEM;
}

/**
 * vr_fib_sheet_exit() - no changes any more
 */
void vr_fib_sheet_exit(void)
{
	kvfree(vr_fib_sheets);
}
