/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tables of all routers are made of: nodes (fib_shape.h) that are found by
 * their contents, so that equal parts of tables exist once.
 *
 * For the files of the FIB only; the data path sees them through fib.h.
 */
#ifndef VROUTER_FIB_NODE_H
#define VROUTER_FIB_NODE_H

#include <linux/types.h>

#include "fib_round.h"
#include "fib_shape.h"

/* What else the low bits of a node's hash tell. */
#define VR_FIB_ROUND_SHIFT	3
#define VR_FIB_ROUND_MASK	(VR_FIB_ROUNDS << VR_FIB_ROUND_SHIFT)

#ifdef VR_FIB_KUNIT
/* Tests have hashes collide by clearing bits of this. */
extern u32 vr_fib_node_mask;
#else
#define vr_fib_node_mask	(~0U)
#endif

size_t vr_fib_node_bytes(const struct vr_fib_node *node);
struct vr_fib_node *vr_fib_node_intern(const struct vr_fib_node *draft,
				       enum vr_fib_kind kind, gfp_t gfp);
struct vr_fib_node *vr_fib_node_find_but(struct vr_fib_node *node, unsigned int i,
					 unsigned long value);
void vr_fib_node_alter(struct vr_fib_node *node, unsigned int i,
		       unsigned long value);
struct vr_fib_node *vr_fib_node_get(struct vr_fib_node *node);
void vr_fib_node_put(struct vr_fib_node *node);
void vr_fib_node_leave(struct vr_fib_node *node);
bool vr_fib_node_is_sole(const struct vr_fib_node *node);
unsigned int vr_fib_node_total(void);
int vr_fib_node_init(void);
void vr_fib_node_exit(void);

#endif
