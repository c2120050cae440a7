// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel tells of each route and rule in atomic context, so that a mirror
 * notes it, with references, for its work. A route that would be one too many is
 * refused at once. Of devices and nexthop objects it is noted that they changed.
 */
#include <linux/rtnetlink.h>
#include <net/fib_notifier.h>

#include "change.h"
#include "compat.h"
#include "mirror.h"
#include "mirror_note.h"
#include "rib.h"
#include "router.h"

#define VR_MIRROR_PENDING_MAX	65536

/**
 * vr_mirror_judge() - publish what the rules mean for the data path
 * @mirror: mirror
 *
 * Context: its lock.
 */
void vr_mirror_judge(struct vr_mirror *mirror)
{
	struct vr_router *router = mirror->router;
	u8 blocked4, blocked6;

	lockdep_assert_held(&mirror->lock);
	if (mirror->stopped)
		return;
	blocked4 = vr_rules_plain(&mirror->rules4, mirror->vrf) ? 0 :
		   VROUTER_PUNT_RULES;
	blocked6 = vr_rules_plain(&mirror->rules6, mirror->vrf) ? 0 :
		   VROUTER_PUNT_RULES;
	/* the work tells listeners */
	if (blocked4 != router->blocked4 || blocked6 != router->blocked6)
		vr_mirror_kick(mirror, 0);
	WRITE_ONCE(router->blocked4, blocked4);
	WRITE_ONCE(router->blocked6, blocked6);
}

/**
 * vr_mirror_lose() - something is missing from now on
 * @mirror: mirror
 *
 * Stops forwarding before anything else.
 *
 * Context: its lock.
 */
void vr_mirror_lose(struct vr_mirror *mirror)
{
	lockdep_assert_held(&mirror->lock);
	if (mirror->lost || mirror->stopped)
		return;
	mirror->lost = true;
	RCU_INIT_POINTER(mirror->router->rib, NULL);
	vr_mirror_kick(mirror, 0);
}

/**
 * vr_mirror_judge_quota() - see how the number of routes stands
 * @mirror: mirror that counts them
 *
 * Context: its lock.
 */
void vr_mirror_judge_quota(struct vr_mirror *mirror)
{
	struct vr_router *router = mirror->router;

	lockdep_assert_held(&mirror->lock);
	WRITE_ONCE(mirror->tell,
		   vr_quota_judge(mirror->quota, READ_ONCE(router->max_routes),
				  READ_ONCE(router->max_routes_warn)) !=
		   READ_ONCE(router->quota_told));
}

static int vr_mirror_refuse(struct vr_mirror *mirror,
			    struct netlink_ext_ack *extack, u32 max)
{
	struct vr_router *router = mirror->router;

	WRITE_ONCE(router->refused, router->refused + 1);
	if (!extack)
		return mirror->lost ? -EBUSY : -ENOSPC;
	if (mirror->lost) {
		vr_compat_err_msg_fmt(extack,
				      "Routes are being read anew, try again (max-routes)",
				      "%s: routes are being read anew, try again (max-routes)",
				      router->dev->name);
		return -EBUSY;
	}
	vr_compat_err_msg_fmt(extack,
			      "The router has as many routes as it may (max-routes)",
			      "%s: no more than %u routes (max-routes)",
			      router->dev->name, max);
	return -ENOSPC;
}

/*
 * May this prefix come into the table? Once changes are lost, nobody knows how
 * many there are, so that only those come in again which were there then.
 */
static int vr_mirror_admit(struct vr_mirror *mirror, unsigned long event,
			   const struct fib_notifier_info *info)
{
	u32 max = READ_ONCE(mirror->router->max_routes);
	struct vr_change_key key;

	lockdep_assert_held(&mirror->lock);
	if (!mirror->quota || !max || event == FIB_EVENT_ENTRY_DEL ||
	    (mirror->quota->count < max && !mirror->lost) ||
	    vr_change_table(info) != mirror->table ||
	    !vr_change_key(info, &key) ||
	    vr_quota_has(mirror->quota, mirror->rib, &key) ||
	    vr_change_is_own(info))
		return 0;
	return vr_mirror_refuse(mirror, info->extack, max);
}

/**
 * vr_mirror_count() - count a change of a route, if that is wanted
 * @mirror: mirror
 * @change: change
 *
 * Context: its lock, RCU read side.
 */
void vr_mirror_count(struct vr_mirror *mirror, struct vr_change *change)
{
	lockdep_assert_held(&mirror->lock);
	if (!mirror->quota || !vr_change_counts(change))
		return;
	vr_quota_note(mirror->quota, mirror->rib, change);
	vr_mirror_judge_quota(mirror);
}

/* Put a change into the queue. */
static void vr_mirror_queue(struct vr_mirror *mirror, struct vr_change *change)
{
	struct vr_router *router = mirror->router;
	u32 pending;

	lockdep_assert_held(&mirror->lock);
	list_add_tail(&change->list, &mirror->events);
	vr_mirror_count(mirror, change);
	if (!mirror->since)
		mirror->since = ktime_get_ns();
	if (!mirror->pending++)
		vr_mirror_kick(mirror, 0);
	pending = mirror->pending + READ_ONCE(mirror->doing);
	if (pending > router->pending_peak)
		WRITE_ONCE(router->pending_peak, pending);
}

static int vr_mirror_note(struct vr_mirror *mirror, unsigned long event,
			  const struct fib_notifier_info *info)
{
	u32 table = vr_change_table(info);
	struct vr_change *change;
	int err;

	if (table != mirror->table && table != RT_TABLE_LOCAL)
		return 0;
	change = vr_change_alloc(event, info);
	spin_lock_bh(&mirror->lock);
	err = mirror->stopped ? 0 : vr_mirror_admit(mirror, event, info);
	if (!err && !mirror->stopped) {
		if (!change || mirror->pending >= VR_MIRROR_PENDING_MAX) {
			vr_mirror_lose(mirror);
		} else if (!mirror->lost) {
			vr_mirror_queue(mirror, change);
			change = NULL;
		}
	}
	spin_unlock_bh(&mirror->lock);
	if (change)
		vr_change_free(change);
	return err;
}

static void vr_mirror_rule(struct vr_mirror *mirror, bool add,
			   const struct fib_notifier_info *info)
{
	struct fib_rule *rule =
		container_of(info, struct fib_rule_notifier_info, info)->rule;
	struct vr_rules *rules = info->family == AF_INET ? &mirror->rules4 :
							   &mirror->rules6;

	lockdep_assert_held(&mirror->lock);
	if (!add)
		vr_rules_del(rules, rule, info->family);
	else if (vr_rules_add(rules, rule, info->family))
		vr_mirror_lose(mirror);
}

/* While they are read, nobody knows whether this one was read already. */
static void vr_mirror_rule_changed(struct vr_mirror *mirror, bool add,
				   const struct fib_notifier_info *info)
{
	spin_lock_bh(&mirror->lock);
	if (mirror->reading) {
		vr_mirror_lose(mirror);
	} else {
		vr_mirror_rule(mirror, add, info);
		vr_mirror_judge(mirror);
	}
	spin_unlock_bh(&mirror->lock);
}

/**
 * vr_mirror_read_rule() - there is a rule
 * @arg: mirror
 * @info: the kernel's announcement
 *
 * Context: any, RCU read side.
 */
void vr_mirror_read_rule(void *arg, const struct fib_notifier_info *info)
{
	struct vr_mirror *mirror = arg;

	spin_lock_bh(&mirror->lock);
	vr_mirror_rule(mirror, true, info);
	spin_unlock_bh(&mirror->lock);
}

/**
 * vr_mirror_event() - the kernel tells of a route or rule
 * @mirror: mirror
 * @event: FIB_EVENT_...
 * @info: the kernel's announcement
 *
 * Context: any, RCU read side.
 * Return: 0 or a negative errno, which keeps a route out.
 */
int vr_mirror_event(struct vr_mirror *mirror, unsigned long event,
		    const struct fib_notifier_info *info)
{
	if (info->family != AF_INET && info->family != AF_INET6)
		return 0;
	switch (event) {
	case FIB_EVENT_ENTRY_REPLACE:
	case FIB_EVENT_ENTRY_APPEND:
	case FIB_EVENT_ENTRY_DEL:
		return vr_mirror_note(mirror, event, info);
	case FIB_EVENT_RULE_ADD:
	case FIB_EVENT_RULE_DEL:
		vr_mirror_rule_changed(mirror, event == FIB_EVENT_RULE_ADD, info);
		break;
	}
	return 0;
}

/**
 * vr_mirror_take_back() - a route that was told of does not come to be
 * @mirror: mirror
 * @info: the kernel's announcement
 *
 * What it stood for before is not known here: everything is read again.
 *
 * Context: any, RCU read side.
 */
void vr_mirror_take_back(struct vr_mirror *mirror,
			 const struct fib_notifier_info *info)
{
	u32 table = vr_change_table(info);

	if (table != mirror->table && table != RT_TABLE_LOCAL)
		return;
	spin_lock_bh(&mirror->lock);
	vr_mirror_lose(mirror);
	spin_unlock_bh(&mirror->lock);
}

/**
 * vr_mirror_recheck() - ports, neighbours or nexthop objects changed
 * @router: router that may have routes by them
 *
 * Context: RTNL or RCU read side.
 */
void vr_mirror_recheck(const struct vr_router *router)
{
	struct vr_mirror *mirror = vr_mirror_of(router);

	if (!mirror)
		return;
	WRITE_ONCE(mirror->recheck, true);
	vr_mirror_kick(mirror, 0);
}

/* What is still to be done may bring a nexthop that is not in the table yet. */
static bool vr_mirror_is_done(struct vr_mirror *mirror)
{
	bool done;

	spin_lock_bh(&mirror->lock);
	done = !mirror->pending && !READ_ONCE(mirror->doing);
	spin_unlock_bh(&mirror->lock);
	return done;
}

/**
 * vr_mirror_device_changed() - a device went up or down, maybe another router's port
 * @router: router of the device's namespace, which may have a route by it
 * @dev: the device
 * @gone: it is a port that went down
 *
 * Context: RCU read side.
 */
void vr_mirror_device_changed(const struct vr_router *router,
			      const struct net_device *dev, bool gone)
{
	const struct vr_rib *rib = rcu_dereference(router->rib);
	struct vr_mirror *mirror = vr_mirror_of(router);

	if (mirror && (!rib || !vr_mirror_is_done(mirror) ||
		       (gone ? vr_nexthop_has_device(rib->nexthops, dev) :
			       vr_nexthop_has_balanced(rib->nexthops, dev))))
		vr_mirror_recheck(router);
}

/**
 * vr_mirror_object_changed() - a nexthop object changes
 * @router: router of its namespace, which may have a route by it
 * @id: its number
 *
 * Context: RTNL and RCU read side.
 */
void vr_mirror_object_changed(const struct vr_router *router, u32 id)
{
	const struct vr_rib *rib = rcu_dereference(router->rib);
	struct vr_mirror *mirror = vr_mirror_of(router);

	if (mirror && (!rib || !vr_mirror_is_done(mirror) ||
		       vr_nexthop_has_object(rib->nexthops, id)))
		vr_mirror_recheck(router);
}
