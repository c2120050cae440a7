// SPDX-License-Identifier: GPL-2.0
/*
 * The mirrors of a namespace hear of routes and rules by one notifier. It stays as long
 * as the namespace, since the kernel lets nobody listen whom it cannot tell all routes
 * without one of them changing meanwhile: where tables are large and change all the
 * time, a router that comes up later than they do would wait for good.
 */
#include <linux/limits.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <net/fib_notifier.h>
#include <net/netns/generic.h>

#include "mirror.h"
#include "mirror_note.h"

/**
 * struct vr_mirror_net - the mirrors of a namespace
 * @nb: hears of routes and rules
 * @listening: it does; only for the work of mirrors, which is one at a time
 * @mirrors: those that are told, under RCU
 */
struct vr_mirror_net {
	struct notifier_block nb;
	bool listening;
	struct list_head mirrors;
};

static unsigned int vr_mirror_net_id;

/* A route was refused: the kernel tells nobody that it is gone, but those before the one
 * that refused it have it.
 */
static void vr_mirror_net_take_back(struct vr_mirror_net *all,
				    const struct vr_mirror *by,
				    const struct fib_notifier_info *info)
{
	struct vr_mirror *mirror;

	list_for_each_entry_rcu(mirror, &all->mirrors, hearers) {
		if (mirror == by)
			break;
		vr_mirror_take_back(mirror, info);
	}
}

static int vr_mirror_net_event(struct notifier_block *nb, unsigned long event,
			       void *ptr)
{
	struct vr_mirror_net *all = container_of(nb, struct vr_mirror_net, nb);
	struct vr_mirror *mirror;
	int err;

	list_for_each_entry_rcu(mirror, &all->mirrors, hearers) {
		err = vr_mirror_event(mirror, event, ptr);
		if (err) {
			vr_mirror_net_take_back(all, mirror, ptr);
			return notifier_from_errno(err);
		}
	}
	return NOTIFY_DONE;
}

/**
 * vr_mirror_net_join() - have a mirror hear of routes and rules
 * @mirror: mirror that does not
 *
 * Whatever changes from now on is told to vr_mirror_event(), and everything else has
 * changed when this returns.
 *
 * Context: the work, without RTNL.
 * Return: 0, or -EBUSY if the first one of a namespace finds tables that never rest.
 */
int vr_mirror_net_join(struct vr_mirror *mirror)
{
	struct vr_mirror_net *all = net_generic(mirror->net, vr_mirror_net_id);
	int err;

	if (!all->listening) {
		/* no mirror is told of what there is, so that it does not take long */
		err = register_fib_notifier(mirror->net, &all->nb, NULL, NULL);
		if (err)
			return err;
		all->listening = true;
	}
	mirror->joined = true;
	list_add_tail_rcu(&mirror->hearers, &all->mirrors);
	/* IPv4 routes and rules are announced before they are in their place, and before
	 * they leave it, IPv6 routes with their table's lock
	 */
	rtnl_lock();
	rtnl_unlock();
	return 0;
}

/**
 * vr_mirror_net_leave() - have a mirror hear of nothing any more
 * @mirror: mirror; no effect if it does not
 *
 * Context: the work; vr_mirror_net_join() after a grace period only.
 */
void vr_mirror_net_leave(struct vr_mirror *mirror)
{
	if (!mirror->joined)
		return;
	mirror->joined = false;
	list_del_rcu(&mirror->hearers);
}

static int __net_init vr_mirror_net_start(struct net *net)
{
	struct vr_mirror_net *all = net_generic(net, vr_mirror_net_id);

	all->nb.notifier_call = vr_mirror_net_event;
	/* the last one: a driver that is asked later and refuses a route is heard by
	 * the kernel only
	 */
	all->nb.priority = INT_MIN;
	INIT_LIST_HEAD(&all->mirrors);
	return 0;
}

static void __net_exit vr_mirror_net_end(struct net *net)
{
	struct vr_mirror_net *all = net_generic(net, vr_mirror_net_id);

	vr_mirror_wait(net);
	if (all->listening)
		unregister_fib_notifier(net, &all->nb);
}

static struct pernet_operations vr_mirror_net_ops = {
	.init	= vr_mirror_net_start,
	.exit	= vr_mirror_net_end,
	.id	= &vr_mirror_net_id,
	.size	= sizeof(struct vr_mirror_net),
};

/**
 * vr_mirror_net_init() - prepare for namespaces
 *
 * Return: 0 or a negative errno.
 */
int vr_mirror_net_init(void)
{
	return register_pernet_subsys(&vr_mirror_net_ops);
}

/**
 * vr_mirror_net_exit() - no mirrors any more
 */
void vr_mirror_net_exit(void)
{
	unregister_pernet_subsys(&vr_mirror_net_ops);
}
