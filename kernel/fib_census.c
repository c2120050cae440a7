// SPDX-License-Identifier: GPL-2.0
/*
 * What a table has: how many nodes, how much of them is its own, and prefixes by
 * length.
 *
 * Functions that go from level to level call themselves, at most VR_FIB_LEVELS deep.
 */
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "fib_census.h"
#include "fib_store.h"

#define VR_FIB_COUNTED	1UL
#define VR_FIB_SHARED	2UL
#define VR_FIB_REF	4UL

/**
 * struct vr_fib_census - a count of nodes
 * @seen: by address: references from within the table << 2 | shared << 1 | counted
 * @nodes: nodes
 * @bytes: their memory
 * @shared: the part of it that has references from elsewhere
 */
struct vr_fib_census {
	struct xarray seen;
	u32 nodes;
	u64 bytes;
	u64 shared;
};

static unsigned long vr_fib_census_load(struct vr_fib_census *census,
					const struct vr_fib_node *node)
{
	void *entry = xa_load(&census->seen, (unsigned long)node >> 3);

	return entry ? xa_to_value(entry) : 0;
}

static int vr_fib_census_store(struct vr_fib_census *census,
			       const struct vr_fib_node *node,
			       unsigned long value)
{
	return xa_err(xa_store(&census->seen, (unsigned long)node >> 3,
			       xa_mk_value(value), GFP_KERNEL));
}

/* Count the references that a table has to its nodes. */
static int vr_fib_census_refs(struct vr_fib_census *census,
			      const struct vr_fib_node *node)
{
	unsigned long value = vr_fib_census_load(census, node);
	const struct vr_fib_node *below;
	unsigned int i, n;
	int err;

	err = vr_fib_census_store(census, node, value + VR_FIB_REF);
	if (err || value)
		return err;
	cond_resched();
	n = vr_fib_shape_degree(node);
	for (i = 0; i < n && !err; i++) {
		below = vr_fib_shape_below(node, i);
		if (below)
			err = vr_fib_census_refs(census, below);
	}
	return err;
}

/* Count nodes, and those to which there are others; all below them is shared. */
static int vr_fib_census_nodes(struct vr_fib_census *census,
			       const struct vr_fib_node *node, bool shared)
{
	unsigned long value = vr_fib_census_load(census, node), before = value;
	const struct vr_fib_node *below;
	unsigned int i, n;
	int err;

	value |= VR_FIB_COUNTED;
	if (shared || node->refs > before / VR_FIB_REF)
		value |= VR_FIB_SHARED;
	if (value == before)
		return 0;
	if (!(before & VR_FIB_COUNTED)) {
		census->nodes++;
		census->bytes += vr_fib_node_bytes(node);
	}
	if ((value ^ before) & VR_FIB_SHARED)
		census->shared += vr_fib_node_bytes(node);
	err = vr_fib_census_store(census, node, value);
	n = vr_fib_shape_degree(node);
	for (i = 0; i < n && !err; i++) {
		below = vr_fib_shape_below(node, i);
		if (below)
			err = vr_fib_census_nodes(census, below,
						  value & VR_FIB_SHARED);
	}
	return err;
}

static int vr_fib_census_count(struct vr_fib_census *census,
			       const struct vr_fib_node *node)
{
	int err;

	memset(census, 0, sizeof(*census));
	if (!node)
		return 0;
	xa_init(&census->seen);
	err = vr_fib_census_refs(census, node) ? :
	      vr_fib_census_nodes(census, node, false);
	xa_destroy(&census->seen);
	return err;
}

static int vr_fib_census_tell(void *arg, const struct vr_fib_entry *entry)
{
	struct vr_fib_info *info = arg;

	info->by_len[entry->plen]++;
	cond_resched();
	return 0;
}

/**
 * vr_fib_census() - count what a table has
 * @head: where lookups begin
 * @store: the prefixes, or NULL
 * @info: zero; nodes, memory and prefixes by length are filled in
 *
 * Context: the writer, may sleep; takes as long as the table is large.
 * Return: 0 or -ENOMEM.
 */
int vr_fib_census(const struct vr_fib_head *head, const struct vr_fib_node *store,
		  struct vr_fib_info *info)
{
	struct vr_fib_census census;
	struct vr_fib_key zero = {};
	int err;

	err = vr_fib_census_count(&census, vr_fib_slot_node(head->root));
	if (err)
		return err;
	info->nodes = census.nodes;
	info->bytes = census.bytes + sizeof(*head);
	info->shared_bytes = census.shared;
	err = vr_fib_census_count(&census, store);
	if (err)
		return err;
	info->store_bytes = census.bytes;
	info->store_shared_bytes = census.shared;
	info->by_len[0] = head->fallback ? 1 : 0;
	return vr_fib_store_walk(store, 0, zero, NULL, vr_fib_census_tell, info);
}
