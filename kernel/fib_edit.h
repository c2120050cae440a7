/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Changes of the prefixes of a table.
 *
 * For the files of the FIB only.
 */
#ifndef VROUTER_FIB_EDIT_H
#define VROUTER_FIB_EDIT_H

#include "fib_store.h"

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

struct vr_fib_node *vr_fib_edit_build(const struct vr_fib_entry *entry,
				      size_t n, unsigned int level, gfp_t gfp);
struct vr_fib_node *vr_fib_edit_prepare(struct vr_fib_edit *edit,
					struct vr_fib_node *node,
					unsigned int level);
void vr_fib_edit_commit(struct vr_fib_edit *edit);
void vr_fib_edit_undo(struct vr_fib_edit *edit);
void vr_fib_edit_end(struct vr_fib_edit *edit);

#endif
