/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The nodes that lookups see, spread out to slots.
 *
 * For the files of the FIB only.
 */
#ifndef VROUTER_FIB_SHEET_H
#define VROUTER_FIB_SHEET_H

#include "fib_store.h"

/**
 * struct vr_fib_sheet - a node, spread out
 * @slot: slots
 * @fresh: which of them have a reference of their own
 */
struct vr_fib_sheet {
	unsigned long slot[VR_FIB_SLOTS];
	u64 fresh[VR_FIB_WORDS];
};

static inline u16 vr_fib_slot_nh(unsigned long slot)
{
	return slot >> VR_FIB_LEAF_SHIFT;
}

void vr_fib_slot_get(unsigned long slot);
void vr_fib_slot_put(unsigned long slot);
struct vr_fib_sheet *vr_fib_sheet_take(unsigned int level);
void vr_fib_sheet_set(struct vr_fib_sheet *sheet, unsigned int i,
		      unsigned long slot);
void vr_fib_sheet_put(struct vr_fib_sheet *sheet);
void vr_fib_sheet_own(struct vr_fib_sheet *sheet, struct vr_fib_view view,
		      unsigned int level, u16 inherited);
void vr_fib_sheet_spread(unsigned long *slot, unsigned long from,
			 unsigned int level);
unsigned long vr_fib_sheet_one(unsigned long from, unsigned int i,
			       unsigned int level);
bool vr_fib_sheet_is_flat(struct vr_fib_view view, unsigned int below);
unsigned long vr_fib_sheet_encode(const struct vr_fib_sheet *sheet,
				  struct vr_fib_view view, struct vr_fib_key key,
				  unsigned int level, gfp_t gfp);
bool vr_fib_sheet_is_alone(const struct vr_fib_node *node, unsigned int i);
int vr_fib_sheet_index(const struct vr_fib_mixed *mixed, unsigned int i,
		       unsigned long below);
unsigned long vr_fib_sheet_but(const struct vr_fib_mixed *mixed, unsigned int n,
			       unsigned long below, gfp_t gfp);
int vr_fib_sheet_init(void);
void vr_fib_sheet_exit(void);

#endif
