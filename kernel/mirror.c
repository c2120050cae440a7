// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel tells of each route and rule in atomic context, so that the mirror
 * notes it, with references, and a work item does it in order. Whatever goes wrong
 * there, the router gives its packets to the Linux stack until everything has been
 * built anew.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/fib_notifier.h>
#include <net/l3mdev.h>

#include "change.h"
#include "mirror.h"
#include "netlink.h"
#include "port.h"
#include "rib.h"
#include "router.h"
#include "rules.h"

#define VR_MIRROR_PENDING_MAX	65536
#define VR_MIRROR_RETRY		(HZ / 10)

/**
 * struct vr_mirror_flags - a pass over all routes to set or clear their flags
 * @nb: hears of the routes
 * @mirror: whose
 * @lock: protects @events
 * @events: the routes
 */
struct vr_mirror_flags {
	struct notifier_block nb;
	struct vr_mirror *mirror;
	spinlock_t lock; /* protects @events */
	struct list_head events;
};

static struct workqueue_struct *vr_mirror_wq;

/**
 * struct vr_mirror - the mirror of a router, from going up to going down
 *
 * Notifiers only note what happened; the work does it, in order. The work also
 * does the first and the last thing, since registering for routes takes RTNL in
 * the kernels up to 6.14.
 *
 * @router: router; its net device is held
 * @tracker: of that reference
 * @fib_nb: hears of routes and rules
 * @net: namespace
 * @table: routing table that is mirrored
 * @vrf: the table is a VRF's
 * @lock: protects all that follows up to the rules, and &vr_router.rib
 * @events: what is to be done
 * @pending: length of @events
 * @lost: an event could not be noted or done; everything is to be built anew
 * @replaying: in register_fib_notifier(); the number of events is not limited
 * @stopped: the router is down; the work takes everything down, too
 * @rules4: IPv4 rules of the namespace
 * @rules6: IPv6 rules of the namespace
 * @work: does the job; the only one who touches what follows
 * @rib: the routes
 * @registered: hears of routes
 * @recheck: ports or neighbours changed; set by anyone
 */
struct vr_mirror {
	struct vr_router *router;
	netdevice_tracker tracker;
	struct notifier_block fib_nb;
	struct net *net;
	u32 table;
	bool vrf;

	spinlock_t lock; /* protects up to the rules, and &vr_router.rib */
	struct list_head events;
	u32 pending;
	bool lost;
	bool replaying;
	bool stopped;
	struct vr_rules rules4;
	struct vr_rules rules6;

	struct delayed_work work;
	struct vr_rib *rib;
	bool registered;
	bool recheck;
};

/* Publish what the rules mean for the data path. */
static void vr_mirror_judge(struct vr_mirror *mirror)
{
	struct vr_router *router = mirror->router;

	lockdep_assert_held(&mirror->lock);
	if (mirror->stopped)
		return;
	WRITE_ONCE(router->blocked4,
		   vr_rules_plain(&mirror->rules4, mirror->vrf) ? 0 :
		   VROUTER_PUNT_RULES);
	WRITE_ONCE(router->blocked6,
		   vr_rules_plain(&mirror->rules6, mirror->vrf) ? 0 :
		   VROUTER_PUNT_RULES);
}

static void vr_mirror_kick(struct vr_mirror *mirror, unsigned long delay)
{
	mod_delayed_work(vr_mirror_wq, &mirror->work, delay);
}

/* Something is missing from now on: stop forwarding before anything else. */
static void vr_mirror_lose(struct vr_mirror *mirror)
{
	lockdep_assert_held(&mirror->lock);
	if (mirror->lost || mirror->stopped)
		return;
	mirror->lost = true;
	RCU_INIT_POINTER(mirror->router->rib, NULL);
	vr_mirror_kick(mirror, 0);
}

static void vr_mirror_note(struct vr_mirror *mirror, unsigned long event,
			   const struct fib_notifier_info *info)
{
	u32 table = vr_change_table(info);
	struct vr_change *change;

	if (table != mirror->table && table != RT_TABLE_LOCAL)
		return;
	change = vr_change_alloc(event, info);
	spin_lock_bh(&mirror->lock);
	if (!change || (!mirror->replaying &&
			mirror->pending >= VR_MIRROR_PENDING_MAX)) {
		vr_mirror_lose(mirror);
	} else if (!mirror->lost || mirror->replaying) {
		list_add_tail(&change->list, &mirror->events);
		if (!mirror->pending++ && !mirror->replaying)
			vr_mirror_kick(mirror, 0);
		change = NULL;
	}
	spin_unlock_bh(&mirror->lock);
	if (change)
		vr_change_free(change);
}

static void vr_mirror_rule(struct vr_mirror *mirror, bool add,
			   const struct fib_notifier_info *info)
{
	const struct fib_rule *rule =
		container_of(info, struct fib_rule_notifier_info, info)->rule;
	struct vr_rules *rules = info->family == AF_INET ? &mirror->rules4 :
							   &mirror->rules6;

	spin_lock_bh(&mirror->lock);
	if (!add)
		vr_rules_del(rules, rule, info->family);
	else if (vr_rules_add(rules, rule, info->family))
		vr_mirror_lose(mirror);
	vr_mirror_judge(mirror);
	spin_unlock_bh(&mirror->lock);
}

static int vr_mirror_fib_event(struct notifier_block *nb, unsigned long event,
			       void *ptr)
{
	struct vr_mirror *mirror = container_of(nb, struct vr_mirror, fib_nb);
	const struct fib_notifier_info *info = ptr;

	if (info->family != AF_INET && info->family != AF_INET6)
		return NOTIFY_DONE;
	switch (event) {
	case FIB_EVENT_ENTRY_REPLACE:
	case FIB_EVENT_ENTRY_APPEND:
	case FIB_EVENT_ENTRY_DEL:
		vr_mirror_note(mirror, event, info);
		break;
	case FIB_EVENT_RULE_ADD:
	case FIB_EVENT_RULE_DEL:
		vr_mirror_rule(mirror, event == FIB_EVENT_RULE_ADD, info);
		break;
	}
	return NOTIFY_DONE;
}

static void vr_mirror_forget(struct vr_mirror *mirror)
{
	LIST_HEAD(events);

	spin_lock_bh(&mirror->lock);
	list_splice_init(&mirror->events, &events);
	mirror->pending = 0;
	vr_rules_clear(&mirror->rules4);
	vr_rules_clear(&mirror->rules6);
	spin_unlock_bh(&mirror->lock);
	vr_change_free_all(&events);
}

/* The tables changed while they were dumped: the dump starts again. */
static void vr_mirror_restart(struct notifier_block *nb)
{
	vr_mirror_forget(container_of(nb, struct vr_mirror, fib_nb));
}

static bool vr_mirror_offload(struct vr_mirror *mirror,
			      const struct vr_nexthop *nh)
{
	bool offload;

	rcu_read_lock();
	offload = nh && vr_nexthop_offload(nh, mirror->router);
	rcu_read_unlock();
	return offload;
}

/* Tell the kernel whether the data plane takes a route's packets. */
static void vr_mirror_flag(struct vr_mirror *mirror,
			   const struct vr_change *change)
{
	bool offload = mirror->rib &&
		       vr_mirror_offload(mirror,
					 vr_change_nexthop(change, mirror->rib));

	vr_change_set_flags(change, mirror->net, offload);
}

static int vr_mirror_apply(struct vr_mirror *mirror, struct vr_change *change)
{
	int err = vr_change_apply(change, mirror->rib);

	if (!err)
		vr_mirror_flag(mirror, change);
	/* what was vetoed or never announced may be deleted all the same */
	return err == -ENOENT ? 0 : err;
}

/* Do what is noted. Return false if something is lost. */
static bool vr_mirror_drain(struct vr_mirror *mirror)
{
	struct vr_change *change, *tmp;
	LIST_HEAD(events);
	bool lost;

	spin_lock_bh(&mirror->lock);
	list_splice_init(&mirror->events, &events);
	mirror->pending = 0;
	lost = mirror->lost;
	spin_unlock_bh(&mirror->lock);

	list_for_each_entry_safe(change, tmp, &events, list) {
		if (!lost && vr_mirror_apply(mirror, change))
			lost = true;
		list_del(&change->list);
		vr_change_free(change);
		cond_resched();
	}
	if (lost) {
		spin_lock_bh(&mirror->lock);
		vr_mirror_lose(mirror);
		spin_unlock_bh(&mirror->lock);
	}
	return !lost;
}

static void vr_mirror_drop_rib(struct vr_mirror *mirror)
{
	struct vr_rib *rib = mirror->rib;

	if (!rib)
		return;
	mirror->rib = NULL;
	/* it is unpublished, and this waits for its last readers */
	synchronize_net();
	vr_rib_free(rib);
}

/* Hear of everything, from the beginning. */
static int vr_mirror_replay(struct vr_mirror *mirror)
{
	int err;

	mirror->rib = vr_rib_alloc();
	if (!mirror->rib)
		return -ENOMEM;
	mirror->replaying = true;
	err = register_fib_notifier(mirror->net, &mirror->fib_nb,
				    vr_mirror_restart, NULL);
	mirror->registered = !err;
	spin_lock_bh(&mirror->lock);
	mirror->replaying = false;
	spin_unlock_bh(&mirror->lock);
	return err;
}

/* Let the data path have the routes, unless that is not wanted any more. */
static bool vr_mirror_publish(struct vr_mirror *mirror)
{
	bool fine;

	spin_lock_bh(&mirror->lock);
	vr_mirror_judge(mirror);
	fine = !mirror->lost;
	if (fine && !mirror->stopped)
		rcu_assign_pointer(mirror->router->rib, mirror->rib);
	spin_unlock_bh(&mirror->lock);
	return fine;
}

static void vr_mirror_unregister(struct vr_mirror *mirror)
{
	if (!mirror->registered)
		return;
	unregister_fib_notifier(mirror->net, &mirror->fib_nb);
	mirror->registered = false;
}

/* Build everything; what fails is tried again a bit later. */
static void vr_mirror_build(struct vr_mirror *mirror)
{
	vr_mirror_unregister(mirror);
	vr_mirror_forget(mirror);
	vr_mirror_drop_rib(mirror);
	spin_lock_bh(&mirror->lock);
	mirror->lost = false;
	spin_unlock_bh(&mirror->lock);
	if (!vr_mirror_replay(mirror) && vr_mirror_drain(mirror) &&
	    vr_mirror_publish(mirror))
		return;
	spin_lock_bh(&mirror->lock);
	mirror->lost = true;
	spin_unlock_bh(&mirror->lock);
	vr_mirror_kick(mirror, VR_MIRROR_RETRY);
}

static int vr_mirror_flags_event(struct notifier_block *nb, unsigned long event,
				 void *ptr)
{
	struct vr_mirror_flags *flags =
		container_of(nb, struct vr_mirror_flags, nb);
	const struct fib_notifier_info *info = ptr;
	struct vr_change *change;

	if ((info->family != AF_INET && info->family != AF_INET6) ||
	    event != FIB_EVENT_ENTRY_REPLACE ||
	    vr_change_table(info) != flags->mirror->table)
		return NOTIFY_DONE;
	change = vr_change_alloc(event, info);
	if (!change)
		return NOTIFY_DONE;
	spin_lock_bh(&flags->lock);
	list_add_tail(&change->list, &flags->events);
	spin_unlock_bh(&flags->lock);
	return NOTIFY_DONE;
}

static void vr_mirror_flags_restart(struct notifier_block *nb)
{
	struct vr_mirror_flags *flags =
		container_of(nb, struct vr_mirror_flags, nb);

	vr_change_free_all(&flags->events);
}

/* Set the flags of all routes anew. */
static void vr_mirror_reflag(struct vr_mirror *mirror)
{
	struct vr_mirror_flags flags = {
		.nb.notifier_call = vr_mirror_flags_event,
		.mirror = mirror,
		.events = LIST_HEAD_INIT(flags.events),
	};
	struct vr_change *change;

	spin_lock_init(&flags.lock);
	/* a dump without staying registered: routes that come later are flagged
	 * when they come
	 */
	if (register_fib_notifier(mirror->net, &flags.nb,
				  vr_mirror_flags_restart, NULL))
		return;
	unregister_fib_notifier(mirror->net, &flags.nb);
	list_for_each_entry(change, &flags.events, list)
		vr_mirror_flag(mirror, change);
	vr_change_free_all(&flags.events);
}

static void vr_mirror_notify(struct vr_mirror *mirror)
{
	rtnl_lock();
	if (!READ_ONCE(mirror->stopped))
		vr_netlink_notify_router(mirror->router,
					 VROUTER_CMD_ROUTER_CHANGE_NTF);
	rtnl_unlock();
}

static void vr_mirror_resync(struct vr_mirror *mirror)
{
	struct vr_router *router = mirror->router;

	WRITE_ONCE(router->resyncs, router->resyncs + 1);
	vr_mirror_notify(mirror);
	vr_mirror_build(mirror);
	vr_mirror_notify(mirror);
}

/* The last thing that the work does. */
static void vr_mirror_teardown(struct vr_mirror *mirror)
{
	vr_mirror_unregister(mirror);
	vr_mirror_forget(mirror);
	vr_mirror_drop_rib(mirror);
	vr_mirror_reflag(mirror);
	/* nobody kicks it any more */
	cancel_delayed_work(&mirror->work);
	netdev_put(mirror->router->dev, &mirror->tracker);
	kfree(mirror);
}

static void vr_mirror_work(struct work_struct *work)
{
	struct vr_mirror *mirror = container_of(to_delayed_work(work),
						struct vr_mirror, work);

	if (READ_ONCE(mirror->stopped)) {
		vr_mirror_teardown(mirror);
		return;
	}
	if (!mirror->rib) {
		vr_mirror_build(mirror);
		vr_mirror_notify(mirror);
	} else if (!vr_mirror_drain(mirror)) {
		vr_mirror_resync(mirror);
	} else if (READ_ONCE(mirror->recheck)) {
		WRITE_ONCE(mirror->recheck, false);
		vr_nexthop_recheck(mirror->rib->nexthops);
		vr_mirror_reflag(mirror);
	}
}

static struct vr_mirror *vr_mirror_of(const struct vr_router *router)
{
	return rcu_dereference_rtnl(router->mirror);
}

/**
 * vr_mirror_start() - begin to mirror the tables of a router's domain
 * @router: router that goes up
 * @vrf: VRF device of the domain, or NULL
 *
 * The router gives its packets to the stack until its work has built the routes.
 *
 * Context: RTNL.
 * Return: 0 or -ENOMEM.
 */
int vr_mirror_start(struct vr_router *router, struct net_device *vrf)
{
	struct vr_mirror *mirror;

	ASSERT_RTNL();
	mirror = kzalloc(sizeof(*mirror), GFP_KERNEL_ACCOUNT);
	if (!mirror)
		return -ENOMEM;
	mirror->router = router;
	mirror->net = dev_net(router->dev);
	mirror->vrf = vrf;
	mirror->table = vrf ? l3mdev_fib_table(vrf) : RT_TABLE_MAIN;
	mirror->fib_nb.notifier_call = vr_mirror_fib_event;
	spin_lock_init(&mirror->lock);
	INIT_LIST_HEAD(&mirror->events);
	vr_rules_init(&mirror->rules4);
	vr_rules_init(&mirror->rules6);
	INIT_DELAYED_WORK(&mirror->work, vr_mirror_work);
	netdev_hold(router->dev, &mirror->tracker, GFP_KERNEL);
	rcu_assign_pointer(router->mirror, mirror);
	vr_mirror_kick(mirror, 0);
	return 0;
}

/**
 * vr_mirror_stop() - end mirroring
 * @router: router that goes down; the data path has left it
 *
 * The work takes everything down and lets go of the router's device; it is not
 * waited for, as it may wait for RTNL.
 *
 * Context: RTNL.
 */
void vr_mirror_stop(struct vr_router *router)
{
	struct vr_mirror *mirror = vr_mirror_of(router);

	ASSERT_RTNL();
	spin_lock_bh(&mirror->lock);
	WRITE_ONCE(mirror->stopped, true);
	RCU_INIT_POINTER(router->rib, NULL);
	WRITE_ONCE(router->blocked4, 0);
	WRITE_ONCE(router->blocked6, 0);
	spin_unlock_bh(&mirror->lock);
	RCU_INIT_POINTER(router->mirror, NULL);
	/* nobody has it from there any more */
	synchronize_net();
	vr_mirror_kick(mirror, 0);
}

/**
 * vr_mirror_recheck() - ports or neighbours of the router changed
 * @router: router
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
	const struct vr_mirror *mirror = vr_mirror_of(router);
	const struct vr_rib *rib = rcu_dereference(router->rib);

	memset(info, 0, sizeof(*info));
	info->resyncs = READ_ONCE(router->resyncs);
	if (mirror)
		info->table = mirror->table;
	if (!rib)
		return;
	info->routes4 = vr_fib_count(rib->fib4);
	info->routes6 = vr_fib_count(rib->fib6);
	info->nexthops = READ_ONCE(rib->nexthops->count);
}

/**
 * vr_mirror_flush() - wait until all mirrors have done what they were told
 *
 * Context: may sleep, without RTNL.
 */
void vr_mirror_flush(void)
{
	flush_workqueue(vr_mirror_wq);
}

/**
 * vr_mirror_init() - prepare for mirrors
 *
 * Return: 0 or -ENOMEM.
 */
int vr_mirror_init(void)
{
	vr_mirror_wq = alloc_ordered_workqueue("vrouter", 0);
	return vr_mirror_wq ? 0 : -ENOMEM;
}

/**
 * vr_mirror_exit() - no mirrors any more
 */
void vr_mirror_exit(void)
{
	destroy_workqueue(vr_mirror_wq);
}
