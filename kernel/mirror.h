/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeps a router's routes as the kernel's tables are.
 */
#ifndef VROUTER_MIRROR_H
#define VROUTER_MIRROR_H

#include <linux/types.h>

struct net_device;
struct vr_router;

/**
 * struct vr_mirror_info - what there is to know about a mirror
 * @table: routing table
 * @routes4: IPv4 prefixes
 * @routes6: IPv6 prefixes
 * @nexthops: distinct nexthops
 * @resyncs: times that everything was built anew after something was lost
 */
struct vr_mirror_info {
	u32 table;
	u32 routes4;
	u32 routes6;
	u32 nexthops;
	u32 resyncs;
};

int vr_mirror_start(struct vr_router *router, struct net_device *vrf);
void vr_mirror_stop(struct vr_router *router);
void vr_mirror_recheck(const struct vr_router *router);
void vr_mirror_get_info(const struct vr_router *router,
			struct vr_mirror_info *info);
void vr_mirror_flush(void);
int vr_mirror_init(void);
void vr_mirror_exit(void);

#endif
