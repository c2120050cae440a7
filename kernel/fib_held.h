/* SPDX-License-Identifier: GPL-2.0 */
/*
 * New prefixes next to each other that lookups do not see yet.
 *
 * For the files of the FIB only.
 */
#ifndef VROUTER_FIB_HELD_H
#define VROUTER_FIB_HELD_H

#include "fib_store.h"

#define VR_FIB_HELD_MAX		32

/**
 * struct vr_fib_held - new prefixes of one branch that lookups do not see yet
 * @gfp: how to allocate when they are to be seen
 * @bits: that the prefixes of a branch have in common
 * @n: number of them
 * @entry: the prefixes
 */
struct vr_fib_held {
	gfp_t gfp;
	u8 bits;
	unsigned int n;
	struct vr_fib_entry entry[VR_FIB_HELD_MAX];
};

struct vr_fib_held *vr_fib_held_alloc(unsigned int bits, gfp_t gfp);
bool vr_fib_held_may(const struct vr_fib_held *held,
		     const struct vr_fib_entry *entry);
bool vr_fib_held_fits(const struct vr_fib_held *held,
		      const struct vr_fib_entry *entry);
void vr_fib_held_add(struct vr_fib_held *held, const struct vr_fib_entry *entry);
bool vr_fib_held_is_most(const struct vr_fib_held *held,
			 const struct vr_fib_node *store,
			 struct vr_fib_entry *branch);

#endif
