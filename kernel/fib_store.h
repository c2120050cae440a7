/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The prefixes of a table, as they were set: what the writer goes by.
 *
 * For the files of the FIB only.
 */
#ifndef VROUTER_FIB_STORE_H
#define VROUTER_FIB_STORE_H

#include <linux/minmax.h>

#include "fib_node.h"

/* Branches with more prefixes are not lists. */
#define VR_FIB_LIST_MAX		16
/* One key of 128 bits needs that many levels of VR_FIB_STRIDE bits. */
#define VR_FIB_LEVELS		16

/**
 * struct vr_fib_key - an address; IPv4 stands in the upper half of @hi
 * @hi: the first 64 bits
 * @lo: the last 64 bits
 */
struct vr_fib_key {
	u64 hi;
	u64 lo;
};

/**
 * struct vr_fib_entry - a prefix
 * @key: address, host bits 0
 * @nh: next hop; 0 for none
 * @plen: bits
 */
struct vr_fib_entry {
	struct vr_fib_key key;
	u16 nh;
	u8 plen;
};

/**
 * struct vr_fib_view - the prefixes below one place, longer than its bits
 * @node: list, branch, or NULL if there are none
 * @from: first entry of a list that may be meant
 * @to: the one after the last
 */
struct vr_fib_view {
	const struct vr_fib_node *node;
	u16 from;
	u16 to;
};

/**
 * struct vr_fib_edit - a change on its way into the store
 * @entry: prefix; without next hop it is to be deleted
 * @count: how the number of prefixes changes: -1, 0, 1
 * @gfp: how to allocate
 * @way: branches on the way to it, by level
 * @depth: how many of them stay, and count more or less
 * @at: the last of these, which changes in place, or NULL
 * @index: which child
 * @child: its new value, with a reference; once that is there, the old one
 */
struct vr_fib_edit {
	struct vr_fib_entry entry;
	int count;
	gfp_t gfp;
	struct vr_fib_branch *way[VR_FIB_LEVELS];
	unsigned int depth;
	struct vr_fib_branch *at;
	unsigned int index;
	struct vr_fib_node *child;
};

static inline struct vr_fib_key vr_fib_mask(unsigned int plen)
{
	struct vr_fib_key mask = {
		.hi = plen ? ~0ULL << (64 - min(plen, 64U)) : 0,
		.lo = plen > 64 ? ~0ULL << (128 - plen) : 0,
	};

	return mask;
}

static inline struct vr_fib_key vr_fib_and(struct vr_fib_key a,
					   struct vr_fib_key b)
{
	a.hi &= b.hi;
	a.lo &= b.lo;
	return a;
}

/* The eight bits of an address that a level decides. */
static inline unsigned int vr_fib_byte(struct vr_fib_key key, unsigned int level)
{
	return (level < 64 ? key.hi >> (56 - level) : key.lo >> (120 - level)) &
	       (VR_FIB_SLOTS - 1);
}

/* The same, set where they are 0. */
static inline struct vr_fib_key
vr_fib_with_byte(struct vr_fib_key key, unsigned int level, unsigned int byte)
{
	if (level < 64)
		key.hi |= (u64)byte << (56 - level);
	else
		key.lo |= (u64)byte << (120 - level);
	return key;
}

/* By address, the shorter one first. */
static inline int vr_fib_cmp(const struct vr_fib_entry *a,
			     const struct vr_fib_entry *b)
{
	if (a->key.hi != b->key.hi)
		return a->key.hi < b->key.hi ? -1 : 1;
	if (a->key.lo != b->key.lo)
		return a->key.lo < b->key.lo ? -1 : 1;
	return (int)a->plen - b->plen;
}

/* For readers as well, unlike vr_fib_node_kind(). */
static inline enum vr_fib_kind
vr_fib_store_kind(const struct vr_fib_node *node)
{
	return container_of(node, struct vr_fib_list, node)->kind;
}

static inline const struct vr_fib_list *
vr_fib_to_list(const struct vr_fib_node *node)
{
	return container_of(node, struct vr_fib_list, node);
}

static inline const struct vr_fib_branch *
vr_fib_to_branch(const struct vr_fib_node *node)
{
	return container_of(node, struct vr_fib_branch, node);
}

static inline const u32 *vr_fib_owned(const struct vr_fib_branch *branch)
{
	return (const u32 *)&branch->child[branch->children];
}

/* Of a prefix that ends in a branch: where its slots begin, and its bits there. */
static inline unsigned int vr_fib_owned_slot(u32 owned)
{
	return owned >> 24;
}

static inline unsigned int vr_fib_owned_bits(u32 owned)
{
	return owned >> 16 & 0xff;
}

struct vr_fib_entry vr_fib_list_get(const struct vr_fib_list *list,
				    unsigned int i);
unsigned int vr_fib_store_count(const struct vr_fib_node *node);
struct vr_fib_view vr_fib_view(const struct vr_fib_node *node);
struct vr_fib_view vr_fib_view_slot(struct vr_fib_view view, unsigned int level,
				    unsigned int slot);
const u32 *vr_fib_view_owned(struct vr_fib_view view, unsigned int level,
			     u32 *buffer, unsigned int *n);
u16 vr_fib_owned_find(const u32 *owned, unsigned int n, unsigned int slot,
		      unsigned int most, unsigned int *bits);
u16 vr_fib_store_match(const struct vr_fib_node *node,
		       const struct vr_fib_entry *entry, bool exact, u8 *plen);
int vr_fib_store_walk(const struct vr_fib_node *node, unsigned int level,
		      struct vr_fib_key key, const struct vr_fib_entry *from,
		      int (*fn)(void *arg, const struct vr_fib_entry *entry),
		      void *arg);
struct vr_fib_node *vr_fib_store_build(const struct vr_fib_entry *entry,
				       size_t n, unsigned int level, gfp_t gfp);
struct vr_fib_node *vr_fib_store_edit(struct vr_fib_edit *edit,
				      struct vr_fib_node *node,
				      unsigned int level);
void vr_fib_store_commit(struct vr_fib_edit *edit);
void vr_fib_store_undo(struct vr_fib_edit *edit);
void vr_fib_store_end(struct vr_fib_edit *edit);

#endif
