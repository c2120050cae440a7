// SPDX-License-Identifier: GPL-2.0
/*
 * What a mirror's work tells others: the kernel, which routes the data plane takes;
 * and who listens, how the router stands.
 */
#include <linux/rtnetlink.h>

#include "change.h"
#include "gate.h"
#include "mirror_note.h"
#include "netlink.h"
#include "nexthop.h"
#include "quota.h"
#include "rib.h"
#include "router.h"

/**
 * vr_mirror_flag() - tell the kernel whether the data plane takes a route's packets
 * @mirror: mirror
 * @change: change that added the route
 * @nh: its next hop, or NULL
 *
 * Context: the work.
 */
void vr_mirror_flag(struct vr_mirror *mirror, const struct vr_change *change,
		    struct vr_nexthop *nh)
{
	vr_change_set_flags(change, mirror->net,
			    nh && vr_nexthop_offload(nh, mirror->router));
}

/**
 * vr_mirror_reflag() - set the flags of all routes anew
 * @mirror: mirror
 *
 * Later ones are flagged when they come.
 *
 * Context: the work.
 * Return: 0 or a negative errno.
 */
int vr_mirror_reflag(struct vr_mirror *mirror)
{
	struct vr_change_pass pass = { .table = mirror->table };
	struct vr_change *change;
	LIST_HEAD(changes);
	int err;

	err = vr_change_dump(mirror->net, &pass, &changes);
	vr_change_dump_end(&pass);
	list_for_each_entry(change, &changes, list)
		vr_mirror_flag(mirror, change, mirror->rib ?
			       vr_change_nexthop(change, mirror->rib) : NULL);
	vr_change_free_all(&changes);
	return err;
}

static void vr_mirror_notify(struct vr_mirror *mirror, u8 cmd)
{
	rtnl_lock();
	if (!READ_ONCE(mirror->stopped))
		vr_netlink_notify_router(mirror->router, cmd);
	rtnl_unlock();
}

/* Return: why the router falls back: enum vrouter_punt_reason, or 0 */
static u8 vr_mirror_reason(const struct vr_mirror *mirror)
{
	u8 reason;

	rcu_read_lock();
	reason = vr_gate_fallback(mirror->router);
	rcu_read_unlock();
	return reason;
}

/**
 * vr_mirror_tell_state() - tell listeners how the router stands
 * @mirror: mirror
 *
 * Context: the work.
 */
void vr_mirror_tell_state(struct vr_mirror *mirror)
{
	mirror->told = vr_mirror_reason(mirror);
	vr_mirror_notify(mirror, VROUTER_CMD_ROUTER_CHANGE_NTF);
}

/**
 * vr_mirror_check_state() - the same, if it left packets to the stack, or took them back
 * @mirror: mirror
 *
 * Context: the work.
 */
void vr_mirror_check_state(struct vr_mirror *mirror)
{
	if (vr_mirror_reason(mirror) != mirror->told)
		vr_mirror_tell_state(mirror);
}

/* Begin to count prefixes, or end it. The work has nothing in its hands. */
static void vr_mirror_set_quota(struct vr_mirror *mirror)
{
	bool want = READ_ONCE(mirror->router->max_routes);
	struct vr_quota *quota = mirror->quota;
	struct vr_change *change;

	if (want == !!quota)
		return;
	if (want) {
		quota = vr_quota_alloc(READ_ONCE(mirror->router->quota_told));
		if (!quota) {
			vr_mirror_retry(mirror);
			return;
		}
		quota->count = vr_fib_count(mirror->rib->fib4) +
			       vr_fib_count(mirror->rib->fib6);
	}
	spin_lock_bh(&mirror->lock);
	if (want && mirror->lost) {
		/* to be counted when there is something to count again */
		want = false;
	} else if (want) {
		mirror->quota = quota;
		rcu_read_lock();
		list_for_each_entry(change, &mirror->events, list)
			vr_mirror_count(mirror, change);
		rcu_read_unlock();
	} else {
		vr_quota_forget(quota);
		mirror->quota = NULL;
		WRITE_ONCE(mirror->tell, mirror->router->quota_told !=
					 VROUTER_QUOTA_STATE_OK);
	}
	spin_unlock_bh(&mirror->lock);
	if (!want)
		vr_quota_free(quota);
}

/**
 * vr_mirror_check_quota() - follow the limit of routes, and tell listeners
 * @mirror: mirror that has its routes
 *
 * Context: the work.
 */
void vr_mirror_check_quota(struct vr_mirror *mirror)
{
	bool tell;

	vr_mirror_set_quota(mirror);
	spin_lock_bh(&mirror->lock);
	if (mirror->quota)
		vr_mirror_judge_quota(mirror);
	tell = mirror->tell;
	mirror->tell = false;
	WRITE_ONCE(mirror->router->quota_told, mirror->quota ?
		   mirror->quota->state : VROUTER_QUOTA_STATE_OK);
	spin_unlock_bh(&mirror->lock);
	if (tell)
		vr_mirror_notify(mirror, VROUTER_CMD_ROUTER_QUOTA_NTF);
}
