/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a table has.
 *
 * For the files of the FIB only.
 */
#ifndef VROUTER_FIB_CENSUS_H
#define VROUTER_FIB_CENSUS_H

#include "fib.h"

int vr_fib_census(const struct vr_fib_head *head, const struct vr_fib_node *store,
		  struct vr_fib_info *info);

#endif
