/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The prefixes of a table, as they were set: what the writer goes by.
 *
 * For the files of the FIB only.
 */
#ifndef VROUTER_FIB_STORE_H
#define VROUTER_FIB_STORE_H

#include <linux/bitops.h>

#include "fib_key.h"

/* Branches with more prefixes are not lists. */
#define VR_FIB_LIST_MAX		16

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

static inline unsigned int vr_fib_child_index(const struct vr_fib_branch *branch,
					      unsigned int slot)
{
	unsigned int i, n = 0;

	for (i = 0; i < slot / 64; i++)
		n += hweight64(branch->bitmap[i]);
	return n + hweight64(branch->bitmap[i] & (BIT_ULL(slot % 64) - 1));
}

static inline bool vr_fib_has_child(const struct vr_fib_branch *branch,
				    unsigned int slot)
{
	return branch->bitmap[slot / 64] & BIT_ULL(slot % 64);
}

static inline u32 vr_fib_owned_word(const struct vr_fib_entry *entry,
				    unsigned int level)
{
	return vr_fib_byte(entry->key, level) << 24 |
	       (entry->plen - level) << 16 | entry->nh;
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

#endif
