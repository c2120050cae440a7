// SPDX-License-Identifier: GPL-2.0
/*
 * A work item does, in order, what the kernel has told of routes (mirror_note.c).
 * Whatever goes wrong there, the router gives its packets to the Linux stack until
 * everything has been built anew.
 */
#include <linux/rtnetlink.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <net/l3mdev.h>

#include "change.h"
#include "mirror.h"
#include "mirror_note.h"
#include "port.h"
#include "rib.h"
#include "router.h"

#define VR_MIRROR_RETRY		(HZ / 10)
#define VR_MIRROR_BACKOFF	7	/* times two */
/* All mirrors take turns in one queue: how many changes a turn may do, and how much longer
 * than building everything took is there a rest before it is built again. Who deletes a
 * device waits for that, since what is out of date may hold it.
 */
#define VR_MIRROR_TURN		8192
#define VR_MIRROR_REST		8
#define VR_MIRROR_REST_MAX	(2 * HZ)
#define VR_MIRROR_LOOK		(HZ / 2)

static struct workqueue_struct *vr_mirror_wq;
static LIST_HEAD(vr_mirrors);
static DEFINE_SPINLOCK(vr_mirrors_lock);
static DECLARE_WAIT_QUEUE_HEAD(vr_mirrors_gone);

/**
 * vr_mirror_kick() - have the work run
 * @mirror: mirror
 * @delay: not before, jiffies
 *
 * Context: any.
 */
void vr_mirror_kick(struct vr_mirror *mirror, unsigned long delay)
{
	mod_delayed_work(vr_mirror_wq, &mirror->work, delay);
}

/* As vr_mirror_kick(), by the work. Once it is stopped it takes everything down, which
 * must neither wait nor come after the work of another mirror of the router.
 */
static void vr_mirror_again(struct vr_mirror *mirror, unsigned long delay)
{
	spin_lock_bh(&mirror->lock);
	if (!mirror->stopped)
		vr_mirror_kick(mirror, delay);
	spin_unlock_bh(&mirror->lock);
}

/**
 * vr_mirror_retry() - try again what there was no memory for
 * @mirror: mirror
 *
 * Who kicked the work meanwhile does not wait.
 *
 * Context: the work.
 */
void vr_mirror_retry(struct vr_mirror *mirror)
{
	queue_delayed_work(vr_mirror_wq, &mirror->work, VR_MIRROR_RETRY);
}

/* Forget what is noted; the count goes with it. */
static void vr_mirror_forget(struct vr_mirror *mirror)
{
	struct vr_quota *quota;
	LIST_HEAD(events);

	spin_lock_bh(&mirror->lock);
	list_splice_init(&mirror->events, &events);
	mirror->pending = 0;
	mirror->since = 0;
	quota = mirror->quota;
	mirror->quota = NULL;
	vr_rules_clear(&mirror->rules4);
	vr_rules_clear(&mirror->rules6);
	spin_unlock_bh(&mirror->lock);
	vr_change_free_all(&events);
	vr_quota_free(quota);
}

static int vr_mirror_apply(struct vr_mirror *mirror, struct vr_change *change)
{
	struct vr_nexthop *nh = vr_change_apply(change, mirror->rib);
	int err = PTR_ERR_OR_ZERO(nh);

	if (!err)
		vr_mirror_flag(mirror, change, nh);
	/* what was vetoed or never announced may be deleted all the same */
	if (err && err != -ENOENT)
		return err;
	/* the work is the only one who sets it */
	if (mirror->quota) {
		spin_lock_bh(&mirror->lock);
		vr_quota_applied(change);
		spin_unlock_bh(&mirror->lock);
	}
	return 0;
}

/* Where so many changes end, or NULL if there are no more. The way there takes no lock:
 * others put changes behind the last one, and only the work takes any out.
 */
static struct list_head *vr_mirror_end(struct vr_mirror *mirror, u32 max)
{
	struct list_head *last = &mirror->events;
	bool more;

	spin_lock_bh(&mirror->lock);
	more = mirror->pending > max;
	spin_unlock_bh(&mirror->lock);
	if (!more)
		return NULL;
	while (max--)
		last = last->next;
	return last;
}

/* Take what is noted, or the first of it. The time when the oldest one came is that of
 * the others, too, for want of a better one. Return false if something is lost.
 */
static bool vr_mirror_take(struct vr_mirror *mirror, struct list_head *events, u32 max)
{
	struct list_head *last = vr_mirror_end(mirror, max);
	bool fine;

	spin_lock_bh(&mirror->lock);
	fine = !mirror->lost;
	mirror->reading = false;
	if (fine) {
		WRITE_ONCE(mirror->doing, last ? max : mirror->pending);
		WRITE_ONCE(mirror->doing_since, mirror->since);
		mirror->pending -= mirror->doing;
		if (last)
			list_cut_position(events, &mirror->events, last);
		else
			list_splice_init(&mirror->events, events);
		if (!mirror->pending)
			mirror->since = 0;
	}
	spin_unlock_bh(&mirror->lock);
	return fine;
}

/* Give back what could not be done: as long as it is noted, it counts. */
static void vr_mirror_give_back(struct vr_mirror *mirror,
				struct list_head *events)
{
	spin_lock_bh(&mirror->lock);
	list_splice(events, &mirror->events);
	mirror->pending += mirror->doing;
	mirror->since = mirror->doing_since ? : mirror->since;
	WRITE_ONCE(mirror->doing, 0);
	vr_mirror_lose(mirror);
	spin_unlock_bh(&mirror->lock);
}

static void vr_mirror_measure(struct vr_mirror *mirror)
{
	struct vr_router *router = mirror->router;
	u64 lag;

	if (!mirror->doing_since)
		return;
	lag = ktime_get_ns() - mirror->doing_since;
	WRITE_ONCE(router->lag_last, lag);
	if (lag > READ_ONCE(router->lag_peak))
		WRITE_ONCE(router->lag_peak, lag);
}

/* Do what is noted, so many changes at most. Return false if something is lost. */
static bool vr_mirror_drain(struct vr_mirror *mirror, u32 max)
{
	struct vr_router *router = mirror->router;
	struct vr_change *change, *tmp;
	LIST_HEAD(events);

	if (!vr_mirror_take(mirror, &events, max))
		return false;
	if (list_empty(&events))
		return true;
	if (mirror->doing > 1)
		vr_rib_hold(mirror->rib);
	list_for_each_entry_safe(change, tmp, &events, list) {
		if (vr_mirror_apply(mirror, change)) {
			vr_mirror_give_back(mirror, &events);
			return false;
		}
		list_del(&change->list);
		vr_change_free(change);
		WRITE_ONCE(mirror->doing, mirror->doing - 1);
		WRITE_ONCE(router->changes, router->changes + 1);
		cond_resched();
	}
	if (vr_rib_release(mirror->rib)) {
		vr_mirror_give_back(mirror, &events);
		return false;
	}
	vr_mirror_measure(mirror);
	/* who notes a change kicks only where none is noted */
	if (READ_ONCE(mirror->pending))
		vr_mirror_again(mirror, 0);
	return true;
}

static int vr_mirror_load(struct vr_mirror *mirror, struct list_head *routes)
{
	struct vr_change *change, *tmp;
	int err;

	list_for_each_entry_safe(change, tmp, routes, list) {
		err = vr_mirror_apply(mirror, change);
		if (err)
			return err;
		list_del(&change->list);
		vr_change_free(change);
		cond_resched();
	}
	return vr_rib_bulk_end(mirror->rib);
}

/* Read all routes and rules. What changes from the beginning on is noted, and is done
 * after that: vr_mirror_take().
 */
static int vr_mirror_read(struct vr_mirror *mirror)
{
	LIST_HEAD(routes);
	int err;

	mirror->rib = vr_rib_alloc();
	if (!mirror->rib || vr_rib_bulk_begin(mirror->rib))
		return -ENOMEM;
	spin_lock_bh(&mirror->lock);
	mirror->reading = true;
	mirror->lost = false;
	spin_unlock_bh(&mirror->lock);
	mirror->pass.table = mirror->table;
	mirror->pass.rule = vr_mirror_read_rule;
	mirror->pass.arg = mirror;
	err = vr_mirror_net_join(mirror) ? :
	      vr_change_dump(mirror->net, &mirror->pass, &routes) ? :
	      vr_mirror_load(mirror, &routes);
	vr_change_free_all(&routes);
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

static void vr_mirror_clear(struct vr_mirror *mirror)
{
	struct vr_rib *rib = mirror->rib;

	vr_mirror_net_leave(mirror);
	/* for who still notes changes, and for readers of the routes, which are unpublished;
	 * before it had any there was nobody, and others that come up would have to wait
	 */
	if (rib)
		synchronize_net();
	vr_mirror_forget(mirror);
	vr_change_dump_end(&mirror->pass);
	mirror->rib = NULL;
	if (rib)
		vr_rib_put(rib);
}

/* How long others have their turns, after what went through all routes. */
static u64 vr_mirror_rest(u64 start)
{
	u64 now = get_jiffies_64();

	return now + min_t(u64, (now - start) * VR_MIRROR_REST,
			   VR_MIRROR_REST_MAX);
}

/* Build everything; what fails is tried again a bit later, but not before. */
static void vr_mirror_build(struct vr_mirror *mirror)
{
	u64 start = get_jiffies_64(), rest;

	vr_mirror_clear(mirror);
	if (!vr_mirror_read(mirror) && vr_mirror_drain(mirror, U32_MAX) &&
	    vr_mirror_publish(mirror)) {
		mirror->failures = 0;
		mirror->rest = vr_mirror_rest(start);
		return;
	}
	spin_lock_bh(&mirror->lock);
	mirror->lost = true;
	spin_unlock_bh(&mirror->lock);
	/* it would hold devices until then */
	vr_mirror_clear(mirror);
	/* what there are too many of will still be there: ever more rarely */
	rest = VR_MIRROR_RETRY << mirror->failures;
	mirror->rest = get_jiffies_64() + rest;
	vr_mirror_again(mirror, rest);
	if (mirror->failures < VR_MIRROR_BACKOFF)
		mirror->failures++;
}

static void vr_mirror_resync(struct vr_mirror *mirror)
{
	struct vr_router *router = mirror->router;
	u64 now = get_jiffies_64();

	/* others wait for their turns meanwhile */
	if (time_before64(now, mirror->rest)) {
		vr_mirror_again(mirror, mirror->rest - now);
		return;
	}
	if (mirror->rest) {
		WRITE_ONCE(router->resyncs, router->resyncs + 1);
		vr_mirror_tell_state(mirror);
	}
	vr_mirror_build(mirror);
}

/* The last thing that the work does. */
static void vr_mirror_teardown(struct vr_mirror *mirror)
{
	vr_mirror_clear(mirror);
	vr_mirror_reflag(mirror);
	/* nobody kicks it any more */
	cancel_delayed_work(&mirror->work);
	netdev_put(mirror->router->dev, &mirror->tracker);
	/* and nobody uses the namespace */
	spin_lock(&vr_mirrors_lock);
	list_del(&mirror->list);
	spin_unlock(&vr_mirrors_lock);
	wake_up_all(&vr_mirrors_gone);
	kfree(mirror);
}

/* Follow what is no change of a route. */
static void vr_mirror_follow(struct vr_mirror *mirror)
{
	u64 now = get_jiffies_64();

	if (READ_ONCE(mirror->recheck)) {
		WRITE_ONCE(mirror->recheck, false);
		/* who is about to change an object says so before it does */
		rtnl_lock();
		rtnl_unlock();
		if (vr_nexthop_recheck(mirror->rib->nexthops, mirror->router))
			mirror->reflag = true;
	}
	if (!mirror->reflag)
		return;
	/* flags are for the eye: they can wait */
	if (time_before64(now, mirror->flag_rest)) {
		queue_delayed_work(vr_mirror_wq, &mirror->work,
				   mirror->flag_rest - now);
		return;
	}
	mirror->reflag = vr_mirror_reflag(mirror);
	mirror->flag_rest = vr_mirror_rest(now);
	if (mirror->reflag)
		vr_mirror_retry(mirror);
}

/* Look from time to time for routes that went without a word. */
static void vr_mirror_look(struct vr_mirror *mirror)
{
	struct vr_siblings *siblings = &mirror->rib->siblings;
	u64 now = get_jiffies_64();

	/* what is missing may be among what is still to be done */
	if (RB_EMPTY_ROOT(&siblings->root) || READ_ONCE(mirror->pending))
		return;
	if (time_after_eq64(now, mirror->look)) {
		mirror->look = now + VR_MIRROR_LOOK;
		if (vr_siblings_lost(siblings, mirror->net)) {
			spin_lock_bh(&mirror->lock);
			vr_mirror_lose(mirror);
			spin_unlock_bh(&mirror->lock);
			return;
		}
	}
	/* unless something else is to be done before */
	queue_delayed_work(vr_mirror_wq, &mirror->work, VR_MIRROR_LOOK);
}

static void vr_mirror_work(struct work_struct *work)
{
	struct vr_mirror *mirror = container_of(to_delayed_work(work),
						struct vr_mirror, work);
	struct mem_cgroup *memcg;
	bool stopped;

	/* who stops it lets go of it with the lock */
	spin_lock_bh(&mirror->lock);
	stopped = mirror->stopped;
	spin_unlock_bh(&mirror->lock);
	if (stopped) {
		vr_mirror_teardown(mirror);
		return;
	}
	memcg = set_active_memcg(mirror->router->memcg);
	if (!mirror->rib || !vr_mirror_drain(mirror, VR_MIRROR_TURN))
		vr_mirror_resync(mirror);
	else
		vr_mirror_follow(mirror);
	vr_mirror_check_state(mirror);
	if (mirror->rib) {
		vr_mirror_check_quota(mirror);
		vr_mirror_look(mirror);
	}
	set_active_memcg(memcg);
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
	mirror->told = VROUTER_PUNT_MIRROR;
	spin_lock_init(&mirror->lock);
	INIT_LIST_HEAD(&mirror->events);
	vr_rules_init(&mirror->rules4);
	vr_rules_init(&mirror->rules6);
	INIT_DELAYED_WORK(&mirror->work, vr_mirror_work);
	netdev_hold(router->dev, &mirror->tracker, GFP_KERNEL);
	spin_lock(&vr_mirrors_lock);
	list_add(&mirror->list, &vr_mirrors);
	spin_unlock(&vr_mirrors_lock);
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
	RCU_INIT_POINTER(router->mirror, NULL);
	/* nobody has it from there any more */
	synchronize_net();
	spin_lock_bh(&mirror->lock);
	WRITE_ONCE(mirror->stopped, true);
	RCU_INIT_POINTER(router->rib, NULL);
	WRITE_ONCE(router->blocked4, 0);
	WRITE_ONCE(router->blocked6, 0);
	vr_mirror_kick(mirror, 0);
	/* from here on it may be gone */
	spin_unlock_bh(&mirror->lock);
}

/**
 * vr_mirror_limit() - follow a change of the router's limit of routes
 * @router: router
 *
 * The routes are counted soon, and not when this returns; vr_mirror_flush() waits
 * for it.
 *
 * Context: RTNL.
 */
void vr_mirror_limit(const struct vr_router *router)
{
	struct vr_mirror *mirror = vr_mirror_of(router);

	if (mirror)
		vr_mirror_kick(mirror, 0);
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

static bool vr_mirror_in(const struct net *net)
{
	const struct vr_mirror *mirror;
	bool found = false;

	spin_lock(&vr_mirrors_lock);
	list_for_each_entry(mirror, &vr_mirrors, list)
		found |= net_eq(mirror->net, net);
	spin_unlock(&vr_mirrors_lock);
	return found;
}

/**
 * vr_mirror_wait() - wait until a namespace has no mirrors
 * @net: namespace that has no routers any more; the mirror of one that left may still
 *	have to be taken down
 *
 * Context: may sleep, without RTNL.
 */
void vr_mirror_wait(const struct net *net)
{
	wait_event(vr_mirrors_gone, !vr_mirror_in(net));
}

/**
 * vr_mirror_init() - prepare for mirrors
 *
 * Return: 0 or a negative errno.
 */
int vr_mirror_init(void)
{
	int err;

	vr_mirror_wq = alloc_ordered_workqueue("vrouter", 0);
	if (!vr_mirror_wq)
		return -ENOMEM;
	err = vr_mirror_net_init();
	if (err)
		destroy_workqueue(vr_mirror_wq);
	return err;
}

/**
 * vr_mirror_exit() - no mirrors any more
 */
void vr_mirror_exit(void)
{
	vr_mirror_net_exit();
	destroy_workqueue(vr_mirror_wq);
}
