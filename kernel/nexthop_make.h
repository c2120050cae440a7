/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of nexthops, for those who make them.
 */
#ifndef VROUTER_NEXTHOP_MAKE_H
#define VROUTER_NEXTHOP_MAKE_H

#include "nexthop.h"

bool vr_nexthop_path_equal(const struct vr_path *a, const struct vr_path *b);
struct vr_nexthop *vr_nexthop_known4(struct vr_nexthops *table,
				     const struct fib_info *fi, u8 reason);
struct vr_nexthop *vr_nexthop_share(struct vr_nexthops *table,
				    struct vr_nexthop *nh);
void vr_nexthop_rebalance(struct vr_nexthop *nh);

#endif
