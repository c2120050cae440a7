/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeps a router's routes as the kernel's tables are.
 */
#ifndef VROUTER_MIRROR_H
#define VROUTER_MIRROR_H

#include <linux/types.h>

struct net;
struct net_device;
struct vr_router;

/**
 * struct vr_mirror_info - what there is to know about a mirror
 * @table: routing table
 * @routes4: IPv4 prefixes
 * @routes6: IPv6 prefixes
 * @nexthops: distinct nexthops
 * @resyncs: times that everything was built anew after something was lost
 * @counted: @routes and @quota_state are valid
 * @routes: prefixes, those not applied yet included
 * @quota_state: enum vrouter_quota_state
 * @refused: routes that were kept out since the last reset
 * @pending: changes announced and not applied yet
 * @pending_peak: most of them since the last reset
 * @changes: changes applied since the last reset
 * @lag: age of the oldest pending change, ns
 * @lag_last: age of the oldest change of the latest batch when all was applied, ns
 * @lag_peak: greatest of those since the last reset, ns
 */
struct vr_mirror_info {
	u32 table;
	u32 routes4;
	u32 routes6;
	u32 nexthops;
	u32 resyncs;
	bool counted;
	u32 routes;
	u32 quota_state;
	u32 refused;
	u32 pending;
	u32 pending_peak;
	u64 changes;
	u64 lag;
	u64 lag_last;
	u64 lag_peak;
};

int vr_mirror_start(struct vr_router *router, struct net_device *vrf);
void vr_mirror_stop(struct vr_router *router);
void vr_mirror_recheck(const struct vr_router *router);
void vr_mirror_device_changed(const struct vr_router *router,
			      const struct net_device *dev, bool gone);
void vr_mirror_object_changed(const struct vr_router *router, u32 id);
void vr_mirror_limit(const struct vr_router *router);
void vr_mirror_reset(struct vr_router *router);
void vr_mirror_get_info(const struct vr_router *router,
			struct vr_mirror_info *info);
void vr_mirror_wait(const struct net *net);
void vr_mirror_flush(void);
int vr_mirror_init(void);
void vr_mirror_exit(void);

#endif
