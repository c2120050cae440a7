/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How many nodes a table has, and how much of them is its own.
 *
 * For the files of the FIB only.
 */
#ifndef VROUTER_FIB_CENSUS_H
#define VROUTER_FIB_CENSUS_H

#include <linux/xarray.h>

#include "fib_node.h"

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

int vr_fib_census(struct vr_fib_census *census, const struct vr_fib_node *node);

#endif
