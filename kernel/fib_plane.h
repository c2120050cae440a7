/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What lookups see of a table: made from its prefixes.
 *
 * For the files of the FIB only.
 */
#ifndef VROUTER_FIB_PLANE_H
#define VROUTER_FIB_PLANE_H

#include "fib_store.h"

/**
 * struct vr_fib_turn - a change on its way into what lookups see
 * @entry: prefix that changes
 * @gfp: how to allocate
 * @way: nodes on the way to it, by level; NULL where other slots go the same way
 * @at: node that changes in place, or NULL
 * @index: which slot, see vr_fib_node_alter()
 * @slot: its new value, with a reference
 * @below: slots of @at that are nodes then, if it is flat
 */
struct vr_fib_turn {
	struct vr_fib_entry entry;
	gfp_t gfp;
	const struct vr_fib_node *way[VR_FIB_LEVELS];
	struct vr_fib_node *at;
	unsigned int index;
	unsigned long slot;
	u32 below;
};

unsigned long vr_fib_plane_build(struct vr_fib_view view, gfp_t gfp);
unsigned long vr_fib_plane_turn(struct vr_fib_turn *turn,
				struct vr_fib_view view, unsigned long slot,
				unsigned int level, u16 inherited);
void vr_fib_plane_commit(struct vr_fib_turn *turn);
void vr_fib_plane_abort(struct vr_fib_turn *turn);
int vr_fib_plane_verify(struct vr_fib_view view, unsigned long slot,
			unsigned int *bad);

#endif
