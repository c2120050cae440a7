/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kinds of nodes that the tables of all routers are made of.
 *
 * For the files of the FIB only; the data path sees them through fib.h.
 */
#ifndef VROUTER_FIB_SHAPE_H
#define VROUTER_FIB_SHAPE_H

#include <linux/bits.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#define VR_FIB_STRIDE	8
#define VR_FIB_SLOTS	BIT(VR_FIB_STRIDE)
#define VR_FIB_WORDS	(VR_FIB_SLOTS / 64)

/*
 * What lookups see is a slot: a leaf, next hop << 16 | 1, or a node's address with
 * its kind in bits 1 and 2.
 */
#define VR_FIB_LEAF		1UL
#define VR_FIB_LEAF_SHIFT	16
#define VR_FIB_KIND_MASK	7UL
#define VR_FIB_NH_MAX		0x7fff

/**
 * enum vr_fib_kind - what a node is; the even ones stand in slots
 * @VR_FIB_LEAVES: &struct vr_fib_leaves
 * @VR_FIB_LIST: &struct vr_fib_list
 * @VR_FIB_MIXED: &struct vr_fib_mixed
 * @VR_FIB_BRANCH: &struct vr_fib_branch
 * @VR_FIB_FLAT: &struct vr_fib_flat
 * @VR_FIB_SKIP: &struct vr_fib_skip
 */
enum vr_fib_kind {
	VR_FIB_LEAVES = 0,
	VR_FIB_LIST = 1,
	VR_FIB_MIXED = 2,
	VR_FIB_BRANCH = 3,
	VR_FIB_FLAT = 4,
	VR_FIB_SKIP = 6,
};

/**
 * struct vr_fib_node - what all nodes begin with
 * @next: in the bucket of its hash
 * @hash: hash of what follows; the kind in the lowest three bits, and in five more
 *	the round in which a reference that had readers was given back, or 0
 * @refs: nodes and tables that point here
 * @rcu: frees it
 *
 * Readers know none of this: who frees the node overwrites it at once.
 */
struct vr_fib_node {
	union {
		struct {
			struct vr_fib_node *next;
			u32 hash;
			u32 refs;
		};
		struct rcu_head rcu;
	};
} __aligned(8);

/**
 * struct vr_fib_leaves - eight bits of the address, next hops only
 * @node: what all nodes begin with
 * @bitmap: bit k is set where slot k differs from the one before; bit 0 always
 * @rank: set bits in the words before
 * @value: next hop of each run of equal slots
 */
struct vr_fib_leaves {
	struct vr_fib_node node;
	u64 bitmap[VR_FIB_WORDS];
	u8 rank[VR_FIB_WORDS];
	u16 value[];
};

/* In the place of a next hop: the number of a node below. */
#define VR_FIB_BELOW		0x8000

/**
 * struct vr_fib_mixed - eight bits of the address, next hops and nodes
 * @node: what all nodes begin with
 * @bitmap: as in &struct vr_fib_leaves
 * @rank: set bits in the words before
 * @below: where the slots of the nodes below begin, in words from here on
 * @children: number of these slots, less one
 * @value: of each run of equal slots the next hop, or VR_FIB_BELOW and the number
 *	of one of these slots, which change in place
 */
struct vr_fib_mixed {
	struct vr_fib_node node;
	u64 bitmap[VR_FIB_WORDS];
	u8 rank[VR_FIB_WORDS];
	u8 below;
	u8 children;
	u16 value[];
};

/**
 * struct vr_fib_flat - the same with many nodes; all its slots change in place
 * @node: what all nodes begin with
 * @below: slots that are nodes; writer only
 * @slot: slots
 */
struct vr_fib_flat {
	struct vr_fib_node node;
	u32 below;
	unsigned long slot[VR_FIB_SLOTS];
};

/**
 * struct vr_fib_skip - all that differ from one prefix get the same
 * @node: what all nodes begin with
 * @key: the prefix, in the half of the address that is being decided
 * @hit: slot for addresses in the prefix
 * @miss: next hop of all others
 * @shift: 64 less the bits of @key that count
 */
struct vr_fib_skip {
	struct vr_fib_node node;
	u64 key;
	unsigned long hit;
	u16 miss;
	u8 shift;
};

/**
 * struct vr_fib_list - a few prefixes, those of a branch that has no more
 * @node: what all nodes begin with
 * @kind: VR_FIB_LIST, for readers
 * @words: words of address that each one keeps: 1, 2 or 4
 * @count: number of prefixes
 * @entry: @words of address, then next hop << 16 | length; ordered by address,
 *	the shorter one first
 */
struct vr_fib_list {
	struct vr_fib_node node;
	u8 kind;
	u8 words;
	u16 count;
	u32 entry[];
};

/**
 * struct vr_fib_branch - prefixes by the next eight bits of their address
 * @node: what all nodes begin with
 * @kind: VR_FIB_BRANCH, for readers, in the same byte as in a list
 * @owned: number of prefixes that end here
 * @children: number of nodes below
 * @count: prefixes here and below; follows from the rest
 * @bitmap: which slots have a node below
 * @child: these nodes; their pointers change in place. After them, the prefixes
 *	that end here: slot << 24 | bits, 1 to 8, << 16 | next hop, ascending
 */
struct vr_fib_branch {
	struct vr_fib_node node;
	u32 kind : 8;
	u32 owned : 12;
	u32 children : 12;
	u32 count;
	u64 bitmap[VR_FIB_WORDS];
	struct vr_fib_node *child[];
};

#define VR_FIB_NODE_SIZE_MAX						\
	(sizeof(struct vr_fib_branch) + VR_FIB_SLOTS * sizeof(void *) +	\
	 2 * VR_FIB_SLOTS * sizeof(u32))

static inline enum vr_fib_kind vr_fib_node_kind(const struct vr_fib_node *node)
{
	return node->hash & VR_FIB_KIND_MASK;
}

static inline const unsigned long *
vr_fib_mixed_below(const struct vr_fib_mixed *mixed)
{
	return (const unsigned long *)mixed + mixed->below;
}

static inline unsigned long vr_fib_leaf(u16 nh)
{
	return (unsigned long)nh << VR_FIB_LEAF_SHIFT | VR_FIB_LEAF;
}

/* The node of a slot, NULL for a leaf. */
static inline struct vr_fib_node *vr_fib_slot_node(unsigned long slot)
{
	return slot & VR_FIB_LEAF ? NULL :
	       (struct vr_fib_node *)(slot & ~VR_FIB_KIND_MASK);
}

static inline unsigned long vr_fib_node_slot(const struct vr_fib_node *node)
{
	return (unsigned long)node | vr_fib_node_kind(node);
}

size_t vr_fib_shape_size_as(const struct vr_fib_node *node, enum vr_fib_kind kind);
unsigned int vr_fib_shape_degree(const struct vr_fib_node *node);
struct vr_fib_node *vr_fib_shape_below(const struct vr_fib_node *node,
				       unsigned int i);
size_t vr_fib_shape_head(enum vr_fib_kind kind);
unsigned long *vr_fib_shape_value(struct vr_fib_node *node, unsigned int i);

static inline size_t vr_fib_shape_size(const struct vr_fib_node *node)
{
	return vr_fib_shape_size_as(node, vr_fib_node_kind(node));
}

#endif
