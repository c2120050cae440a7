// SPDX-License-Identifier: GPL-2.0
/*
 * What a mirror tells of itself.
 */
#include <linux/ktime.h>

#include "mirror.h"
#include "mirror_note.h"
#include "rib.h"
#include "router.h"

/**
 * vr_mirror_reset() - count from zero again
 * @router: router
 *
 * Context: any.
 */
void vr_mirror_reset(struct vr_router *router)
{
	WRITE_ONCE(router->refused, 0);
	WRITE_ONCE(router->pending_peak, 0);
	WRITE_ONCE(router->changes, 0);
	WRITE_ONCE(router->lag_last, 0);
	WRITE_ONCE(router->lag_peak, 0);
}

static void vr_mirror_get_lag(struct vr_mirror *mirror,
			      struct vr_mirror_info *info)
{
	u64 since = 0;
	u32 doing;

	spin_lock_bh(&mirror->lock);
	doing = READ_ONCE(mirror->doing);
	info->pending = mirror->pending + doing;
	if (doing)
		since = READ_ONCE(mirror->doing_since);
	if (!since)
		since = mirror->since;
	if (mirror->quota) {
		info->counted = true;
		info->routes = mirror->quota->count;
		info->quota_state = mirror->quota->state;
	}
	spin_unlock_bh(&mirror->lock);
	if (since)
		info->lag = ktime_get_ns() - since;
}

/**
 * vr_mirror_get_info() - tell about a mirror
 * @router: router
 * @info: filled in
 *
 * Context: RCU read side.
 */
void vr_mirror_get_info(const struct vr_router *router,
			struct vr_mirror_info *info)
{
	const struct vr_rib *rib = rcu_dereference(router->rib);
	struct vr_mirror *mirror = vr_mirror_of(router);

	memset(info, 0, sizeof(*info));
	info->resyncs = READ_ONCE(router->resyncs);
	info->refused = READ_ONCE(router->refused);
	info->pending_peak = READ_ONCE(router->pending_peak);
	info->changes = READ_ONCE(router->changes);
	info->lag_last = READ_ONCE(router->lag_last);
	info->lag_peak = READ_ONCE(router->lag_peak);
	if (mirror) {
		info->table = mirror->table;
		vr_mirror_get_lag(mirror, info);
	}
	if (!rib)
		return;
	info->routes4 = vr_fib_count(rib->fib4);
	info->routes6 = vr_fib_count(rib->fib6);
	info->nexthops = READ_ONCE(rib->nexthops->count);
}
