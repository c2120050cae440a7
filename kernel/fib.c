// SPDX-License-Identifier: GPL-2.0
/*
 * Longest prefix match for one address family of one router.
 *
 * Description: a trie whose nodes decide four bits each. A node exists where
 * prefixes end or where two nodes part, so a chain of single nodes is skipped
 * by comparing the bits in between. Leaves are pushed down: each slot holds the
 * answer for the addresses that it stands for, so a lookup takes its answer
 * from one slot and is right at every moment of an update. What ends in a
 * node is kept in the node, so that deleting finds the next shorter prefix
 * without a second table and without memory.
 *
 * Cost: an update touches its node, and below it those nodes that its prefix
 * and no longer one covers: a default route of a full table all of them. A node
 * takes 256 bytes; there are fewer than twice as many as prefixes.
 *
 * Locking: one writer at a time, the caller sees to it; readers under RCU.
 */
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fib.h"

/**
 * struct vr_fib_place - where a prefix is, or would be
 * @key: the prefix
 * @plen: its length
 * @pos: the bit at which its node stands
 * @node: the node, or the one above the place for it
 */
struct vr_fib_place {
	struct vr_fib_key key;
	u8 plen;
	u8 pos;
	struct vr_fib_node *node;
};

static struct vr_fib_key vr_fib_mask(unsigned int plen)
{
	struct vr_fib_key mask = {
		.hi = plen ? ~0ULL << (64 - min(plen, 64U)) : 0,
		.lo = plen > 64 ? ~0ULL << (128 - plen) : 0,
	};

	return mask;
}

static struct vr_fib_key vr_fib_and(struct vr_fib_key a, struct vr_fib_key b)
{
	a.hi &= b.hi;
	a.lo &= b.lo;
	return a;
}

/* The first bit in which two addresses differ, 128 if they do not. */
static unsigned int vr_fib_differ(struct vr_fib_key a, struct vr_fib_key b)
{
	if (a.hi != b.hi)
		return 64 - fls64(a.hi ^ b.hi);
	return 128 - fls64(a.lo ^ b.lo);
}

static struct vr_fib_key vr_fib_load(const struct vr_fib *fib, const void *addr)
{
	struct vr_fib_key key = {};
	__be64 half[2] = {};

	memcpy(half, addr, fib->bits / 8);
	key.hi = be64_to_cpu(half[0]);
	key.lo = be64_to_cpu(half[1]);
	return key;
}

static void vr_fib_store(const struct vr_fib *fib, struct vr_fib_key key,
			 void *addr)
{
	__be64 half[2] = { cpu_to_be64(key.hi), cpu_to_be64(key.lo) };

	memcpy(addr, half, fib->bits / 8);
}

static unsigned long vr_fib_leaf(u16 nh, u8 plen)
{
	return (unsigned long)nh << 16 | plen << 1 | VR_FIB_LEAF;
}

static u8 vr_fib_leaf_plen(unsigned long leaf)
{
	return leaf >> 1;
}

static struct vr_fib_node *vr_fib_child(unsigned long slot)
{
	return slot & VR_FIB_LEAF ? NULL : (struct vr_fib_node *)slot;
}

static unsigned int vr_fib_index(const struct vr_fib_node *node,
				 struct vr_fib_key key)
{
	return ((node->low ? key.lo : key.hi) >> node->shift) &
	       (VR_FIB_SLOTS - 1);
}

/* Where in node->own a prefix stands that ends in the node. */
static unsigned int vr_fib_heap(const struct vr_fib_place *place)
{
	unsigned int depth = place->plen - place->pos;
	unsigned int i = vr_fib_index(place->node, place->key);

	return (1 << depth) + (i >> (VR_FIB_STRIDE - depth));
}

static void vr_fib_init_node(struct vr_fib_node *node, struct vr_fib_key key,
			     unsigned int pos, unsigned long miss)
{
	unsigned int i;

	node->mask = vr_fib_mask(pos);
	node->key = vr_fib_and(key, node->mask);
	node->miss = miss;
	node->pos = pos;
	node->low = pos >= 64;
	node->shift = (node->low ? 128 : 64) - VR_FIB_STRIDE - pos;
	for (i = 0; i < VR_FIB_SLOTS; i++)
		node->slot[i] = miss;
}

/* Let readers see a node; the parent's slot may have led to another one. */
static void vr_fib_publish(struct vr_fib_node *parent, struct vr_fib_node *node)
{
	node->parent = parent;
	/* pairs with the READ_ONCE() of the slots in vr_fib_find4() and 6() */
	smp_store_release(&parent->slot[vr_fib_index(parent, node->key)],
			  (unsigned long)node);
}

static void vr_fib_hang(struct vr_fib_node *parent, struct vr_fib_node *node)
{
	node->parent = parent;
	parent->slot[vr_fib_index(parent, node->key)] = (unsigned long)node;
	parent->children++;
}

/* Check a prefix and go down to its node, or to the last one on the way. */
static int vr_fib_seek(const struct vr_fib *fib, struct vr_fib_place *place,
		       const void *prefix, u8 plen)
{
	struct vr_fib_node *node = (struct vr_fib_node *)&fib->root;
	struct vr_fib_key host;

	if (plen > fib->bits)
		return -EINVAL;
	place->plen = plen;
	place->pos = plen ? round_down(plen - 1, VR_FIB_STRIDE) : 0;
	place->key = vr_fib_load(fib, prefix);
	host = vr_fib_and(place->key, vr_fib_mask(plen));
	if (host.hi != place->key.hi || host.lo != place->key.lo)
		return -EINVAL;

	while (node && node->pos <= place->pos &&
	       vr_fib_differ(node->key, place->key) >= node->pos) {
		place->node = node;
		if (node->pos == place->pos)
			break;
		node = vr_fib_child(node->slot[vr_fib_index(node, place->key)]);
	}
	return 0;
}

/* Hang a copy of a node below a new one. */
static void vr_fib_move(struct vr_fib_node *parent, struct vr_fib_node *copy)
{
	struct vr_fib_node *child;
	unsigned int i;

	vr_fib_hang(parent, copy);
	for (i = 0; i < VR_FIB_SLOTS; i++) {
		child = vr_fib_child(copy->slot[i]);
		if (child)
			child->parent = copy;
	}
}

/*
 * Make the node that a prefix needs, and the fork where it parts from another.
 * A node that gets below a new one is replaced by a copy: readers on their way
 * to the old one may still want its miss for addresses that are now the new
 * node's, and must not see what becomes of it later.
 */
static int vr_fib_grow(struct vr_fib *fib, struct vr_fib_place *place, gfp_t gfp)
{
	struct vr_fib_node *above = place->node, *child, *copy, *fork, *node;
	unsigned int parting = place->pos;
	unsigned long slot, miss;

	slot = above->slot[vr_fib_index(above, place->key)];
	child = vr_fib_child(slot);
	miss = child ? child->miss : slot;
	if (child)
		parting = min_t(unsigned int, child->pos,
				vr_fib_differ(child->key, place->key));
	parting = round_down(parting, VR_FIB_STRIDE);

	node = kzalloc(sizeof(*node), gfp);
	fork = parting < place->pos ? kzalloc(sizeof(*fork), gfp) : node;
	copy = child ? kmemdup(child, sizeof(*child), gfp) : NULL;
	if (!node || !fork || (child && !copy)) {
		if (fork != node)
			kfree(fork);
		kfree(node);
		kfree(copy);
		return -ENOMEM;
	}

	vr_fib_init_node(node, place->key, place->pos, miss);
	fib->nodes++;
	if (fork != node) {
		vr_fib_init_node(fork, place->key, parting, miss);
		vr_fib_hang(fork, node);
		fib->nodes++;
	}
	if (copy)
		vr_fib_move(fork, copy);
	else
		above->children++;
	vr_fib_publish(above, fork);
	if (child)
		kfree_rcu(child, rcu);
	place->node = node;
	return 0;
}

/* Give a leaf to all below a prefix that has no longer prefix than plen. */
static void vr_fib_push(struct vr_fib_node *top, unsigned int heap, u8 plen,
			unsigned long leaf)
{
	unsigned int depth = __fls(heap);
	unsigned int i = (heap - (1 << depth)) << (VR_FIB_STRIDE - depth);
	unsigned int end = i + (VR_FIB_SLOTS >> depth);
	struct vr_fib_node *node = top, *child;

	for (;;) {
		if (i == (node == top ? end : VR_FIB_SLOTS)) {
			if (node == top)
				return;
			i = vr_fib_index(node->parent, node->key) + 1;
			node = node->parent;
			continue;
		}
		child = vr_fib_child(node->slot[i]);
		if (!child) {
			if (vr_fib_leaf_plen(node->slot[i]) <= plen)
				WRITE_ONCE(node->slot[i], leaf);
		} else if (vr_fib_leaf_plen(child->miss) <= plen) {
			WRITE_ONCE(child->miss, leaf);
			node = child;
			i = 0;
			continue;
		}
		i++;
	}
}

/* The leaf of the longest prefix that covers one, but is not it. */
static unsigned long vr_fib_cover(const struct vr_fib_node *node,
				  unsigned int heap)
{
	for (heap >>= 1; heap; heap >>= 1)
		if (node->own[heap])
			return vr_fib_leaf(node->own[heap],
					   node->pos + __fls(heap));
	return node->miss;
}

/* Take out the nodes that a deletion has left without a purpose. */
static void vr_fib_prune(struct vr_fib *fib, struct vr_fib_node *node)
{
	struct vr_fib_node *parent, *child;
	unsigned int i;

	/* at most two: the node itself, and then the fork that it hung on */
	for (; node != &fib->root && !node->owned && node->children < 2;
	     node = parent) {
		parent = node->parent;
		for (i = 0, child = NULL; node->children && !child; i++)
			child = vr_fib_child(node->slot[i]);
		if (child) {
			vr_fib_publish(parent, child);
		} else {
			i = vr_fib_index(parent, node->key);
			WRITE_ONCE(parent->slot[i], node->miss);
			parent->children--;
		}
		fib->nodes--;
		kfree_rcu(node, rcu);
	}
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
	struct vr_fib_key zero = {};
	struct vr_fib *fib;

	BUILD_BUG_ON(IS_ENABLED(CONFIG_64BIT) &&
		     sizeof(struct vr_fib_node) != 256);

	if (bits != 32 && bits != 128)
		return NULL;
	fib = kzalloc(sizeof(*fib), gfp);
	if (!fib)
		return NULL;
	fib->bits = bits;
	vr_fib_init_node(&fib->root, zero, 0, VR_FIB_NONE);
	return fib;
}

/**
 * vr_fib_free() - free a table and all that it holds
 * @fib: table, or NULL
 *
 * Context: any; no reader and no writer uses the table any more.
 */
void vr_fib_free(struct vr_fib *fib)
{
	struct vr_fib_node *node, *child;
	unsigned int i = 0;

	if (!fib)
		return;
	for (node = &fib->root; node;) {
		if (i < VR_FIB_SLOTS) {
			child = vr_fib_child(node->slot[i++]);
			if (child) {
				node = child;
				i = 0;
			}
			continue;
		}
		child = node;
		node = node->parent;
		if (node) {
			i = vr_fib_index(node, child->key) + 1;
			kfree(child);
		}
	}
	kfree(fib);
}

/**
 * vr_fib_set() - insert a prefix, or replace its next hop
 * @fib: table
 * @prefix: 4 or 16 bytes, network order; host bits 0
 * @plen: bits
 * @nh: next hop, not 0
 * @old: gets the next hop replaced, 0 if the prefix is new; may be NULL
 * @gfp: how to allocate
 *
 * Context: one writer at a time; may allocate as @gfp says.
 * Return: 0, -EINVAL, or -ENOMEM, upon which the table is as it was.
 */
int vr_fib_set(struct vr_fib *fib, const void *prefix, u8 plen, u16 nh,
	       u16 *old, gfp_t gfp)
{
	struct vr_fib_place place;
	unsigned int heap;
	u16 before;
	int err;

	if (!nh)
		return -EINVAL;
	err = vr_fib_seek(fib, &place, prefix, plen);
	if (err)
		return err;
	if (place.node->pos != place.pos) {
		err = vr_fib_grow(fib, &place, gfp);
		if (err)
			return err;
	}

	heap = vr_fib_heap(&place);
	before = place.node->own[heap];
	place.node->own[heap] = nh;
	vr_fib_push(place.node, heap, plen, vr_fib_leaf(nh, plen));
	if (!before) {
		place.node->owned++;
		fib->count++;
	}
	if (old)
		*old = before;
	return 0;
}

/**
 * vr_fib_del() - delete a prefix; needs no memory
 * @fib: table
 * @prefix: 4 or 16 bytes, network order; host bits 0
 * @plen: bits
 * @old: gets the next hop that the prefix had; may be NULL
 *
 * Context: one writer at a time; does not sleep.
 * Return: 0, -ENOENT if the prefix is not there, -EINVAL.
 */
int vr_fib_del(struct vr_fib *fib, const void *prefix, u8 plen, u16 *old)
{
	struct vr_fib_place place;
	unsigned int heap;
	int err;

	err = vr_fib_seek(fib, &place, prefix, plen);
	if (err)
		return err;
	if (place.node->pos != place.pos)
		return -ENOENT;
	heap = vr_fib_heap(&place);
	if (!place.node->own[heap])
		return -ENOENT;

	if (old)
		*old = place.node->own[heap];
	place.node->own[heap] = 0;
	place.node->owned--;
	fib->count--;
	vr_fib_push(place.node, heap, plen, vr_fib_cover(place.node, heap));
	vr_fib_prune(fib, place.node);
	return 0;
}

/**
 * vr_fib_get() - look for a prefix itself
 * @fib: table
 * @prefix: 4 or 16 bytes, network order; host bits 0
 * @plen: bits
 *
 * Context: the writer.
 * Return: its next hop, or 0.
 */
u16 vr_fib_get(const struct vr_fib *fib, const void *prefix, u8 plen)
{
	struct vr_fib_place place;

	if (vr_fib_seek(fib, &place, prefix, plen) ||
	    place.node->pos != place.pos)
		return 0;
	return place.node->own[vr_fib_heap(&place)];
}

/**
 * vr_fib_match() - find the route of an address, and tell its prefix
 * @fib: table
 * @addr: 4 or 16 bytes, network order
 * @prefix: gets the matching prefix, 4 or 16 bytes
 * @plen: gets its length
 *
 * Context: RCU read side.
 * Return: the next hop, or 0 if there is no match; @prefix and @plen are
 * those of the default route then.
 */
u16 vr_fib_match(const struct vr_fib *fib, const void *addr, void *prefix,
		 u8 *plen)
{
	struct vr_fib_key key = vr_fib_load(fib, addr);
	unsigned long leaf = fib->bits == 32 ? vr_fib_find4(fib, key.hi) :
					       vr_fib_find6(fib, key.hi, key.lo);

	*plen = vr_fib_leaf_plen(leaf);
	vr_fib_store(fib, vr_fib_and(key, vr_fib_mask(*plen)), prefix);
	return leaf >> 16;
}

/* Tell the prefixes of a node that start at a slot, the shortest first. */
static int vr_fib_walk_slot(const struct vr_fib *fib,
			    const struct vr_fib_node *node, unsigned int i,
			    vr_fib_walk_fn fn, void *arg)
{
	struct vr_fib_key key = node->key;
	unsigned int depth, heap;
	u8 prefix[16];
	int err = 0;

	if (node->low)
		key.lo |= (u64)i << node->shift;
	else
		key.hi |= (u64)i << node->shift;
	vr_fib_store(fib, key, prefix);
	for (depth = 0; depth <= VR_FIB_STRIDE && !err; depth++) {
		if (i & ((VR_FIB_SLOTS >> depth) - 1))
			continue;
		heap = (1 << depth) + (i >> (VR_FIB_STRIDE - depth));
		if (node->own[heap])
			err = fn(arg, prefix, node->pos + depth,
				 node->own[heap]);
	}
	return err;
}

/**
 * vr_fib_walk() - tell all prefixes, by address, the shorter one first
 * @fib: table
 * @fn: is told; may sleep if the caller may, must not change the table
 * @arg: for @fn
 *
 * Context: the writer.
 * Return: the first result of @fn that is not 0, or 0.
 */
int vr_fib_walk(struct vr_fib *fib, vr_fib_walk_fn fn, void *arg)
{
	struct vr_fib_node *node = &fib->root, *child;
	unsigned int i = 0;
	int err;

	while (node) {
		if (i == VR_FIB_SLOTS) {
			if (node->parent)
				i = vr_fib_index(node->parent, node->key) + 1;
			node = node->parent;
			continue;
		}
		err = vr_fib_walk_slot(fib, node, i, fn, arg);
		if (err)
			return err;
		child = vr_fib_child(node->slot[i++]);
		if (child) {
			node = child;
			i = 0;
		}
	}
	return 0;
}

/**
 * vr_fib_count() - how many prefixes a table has
 * @fib: table
 *
 * Context: any; the number of a moment ago, unless called by the writer.
 * Return: prefixes.
 */
unsigned int vr_fib_count(const struct vr_fib *fib)
{
	return READ_ONCE(fib->count);
}

/**
 * vr_fib_bytes() - how much memory a table takes
 * @fib: table
 *
 * Context: the writer.
 * Return: bytes, without what waits for a grace period.
 */
size_t vr_fib_bytes(const struct vr_fib *fib)
{
	return sizeof(*fib) + fib->nodes * sizeof(struct vr_fib_node);
}
