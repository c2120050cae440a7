// SPDX-License-Identifier: GPL-2.0
/*
 * The kinds of nodes: how long each is, and where its pointers are.
 */
#include <linux/bitops.h>

#include "fib_shape.h"

static unsigned int vr_fib_shape_weight(const u64 *bitmap)
{
	return hweight64(bitmap[0]) + hweight64(bitmap[1]) +
	       hweight64(bitmap[2]) + hweight64(bitmap[3]);
}

static const u64 *vr_fib_shape_bitmap(const struct vr_fib_node *node)
{
	return container_of(node, struct vr_fib_leaves, node)->bitmap;
}

/**
 * vr_fib_shape_size_as() - how long a node is
 * @node: node, or the draft of one
 * @kind: what it is
 *
 * Return: bytes.
 */
size_t vr_fib_shape_size_as(const struct vr_fib_node *node, enum vr_fib_kind kind)
{
	const struct vr_fib_branch *branch;
	const struct vr_fib_mixed *mixed;
	const struct vr_fib_list *list;

	switch (kind) {
	case VR_FIB_LEAVES:
		return offsetof(struct vr_fib_leaves, value) + sizeof(u16) *
		       vr_fib_shape_weight(vr_fib_shape_bitmap(node));
	case VR_FIB_MIXED:
		mixed = container_of(node, struct vr_fib_mixed, node);
		return sizeof(unsigned long) *
		       (mixed->below + mixed->children + 1);
	case VR_FIB_FLAT:
		return sizeof(struct vr_fib_flat);
	case VR_FIB_SKIP:
		return sizeof(struct vr_fib_skip);
	case VR_FIB_LIST:
		list = container_of(node, struct vr_fib_list, node);
		return offsetof(struct vr_fib_list, entry) +
		       sizeof(u32) * list->count * (list->words + 1);
	case VR_FIB_BRANCH:
		branch = container_of(node, struct vr_fib_branch, node);
		return sizeof(*branch) + branch->children * sizeof(void *) +
		       branch->owned * sizeof(u32);
	}
	return 0;
}

/**
 * vr_fib_shape_degree() - how many slots of a node may be nodes
 * @node: node
 *
 * Return: number for vr_fib_shape_below().
 */
unsigned int vr_fib_shape_degree(const struct vr_fib_node *node)
{
	switch (vr_fib_node_kind(node)) {
	case VR_FIB_MIXED:
		return container_of(node, struct vr_fib_mixed,
				    node)->children + 1;
	case VR_FIB_FLAT:
		return VR_FIB_SLOTS;
	case VR_FIB_SKIP:
		return 1;
	case VR_FIB_BRANCH:
		return container_of(node, struct vr_fib_branch, node)->children;
	default:
		return 0;
	}
}

/**
 * vr_fib_shape_below() - one of the nodes that a node points to
 * @node: node
 * @i: 0..vr_fib_shape_degree() - 1
 *
 * Context: the writer.
 * Return: node, or NULL if that slot is a leaf.
 */
struct vr_fib_node *vr_fib_shape_below(const struct vr_fib_node *node,
				       unsigned int i)
{
	switch (vr_fib_node_kind(node)) {
	case VR_FIB_MIXED:
		return vr_fib_slot_node(vr_fib_mixed_below(container_of(node,
					struct vr_fib_mixed, node))[i]);
	case VR_FIB_FLAT:
		return vr_fib_slot_node(container_of(node, struct vr_fib_flat,
						     node)->slot[i]);
	case VR_FIB_SKIP:
		return vr_fib_slot_node(container_of(node, struct vr_fib_skip,
						     node)->hit);
	case VR_FIB_BRANCH:
		return container_of(node, struct vr_fib_branch, node)->child[i];
	default:
		return NULL;
	}
}

/**
 * vr_fib_shape_head() - where what makes a node itself begins
 * @kind: what it is
 *
 * Return: bytes before it: the header, and numbers that follow from the rest.
 */
size_t vr_fib_shape_head(enum vr_fib_kind kind)
{
	if (kind == VR_FIB_BRANCH)
		return offsetofend(struct vr_fib_branch, count);
	if (kind == VR_FIB_FLAT)
		return offsetof(struct vr_fib_flat, slot);
	return sizeof(struct vr_fib_node);
}

/**
 * vr_fib_shape_value() - one of the pointers of a node that change in place
 * @node: VR_FIB_MIXED, VR_FIB_FLAT or VR_FIB_BRANCH
 * @i: slot of a flat node, number of the node below of others
 *
 * Context: the writer.
 * Return: where it is.
 */
unsigned long *vr_fib_shape_value(struct vr_fib_node *node, unsigned int i)
{
	switch (vr_fib_node_kind(node)) {
	case VR_FIB_MIXED:
		return (unsigned long *)
			&vr_fib_mixed_below(container_of(node,
							 struct vr_fib_mixed,
							 node))[i];
	case VR_FIB_FLAT:
		return &container_of(node, struct vr_fib_flat, node)->slot[i];
	default:
		return (unsigned long *)&container_of(node, struct vr_fib_branch,
						      node)->child[i];
	}
}
