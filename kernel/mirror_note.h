/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mirror, for those who make it up.
 */
#ifndef VROUTER_MIRROR_NOTE_H
#define VROUTER_MIRROR_NOTE_H

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "change.h"
#include "quota.h"
#include "router.h"
#include "rules.h"

struct fib_notifier_info;
struct vr_nexthop;
struct vr_rib;

/**
 * struct vr_mirror - the mirror of a router, from going up to going down
 *
 * Notifiers only note what happened; the work does it, in order. The work also
 * does the first and the last thing, since reading all routes takes RTNL.
 *
 * @list: all mirrors
 * @router: router; its net device is held
 * @tracker: of that reference
 * @hearers: the namespace's mirrors that hear of routes and rules, if it does
 * @net: namespace
 * @table: routing table that is mirrored
 * @vrf: the table is a VRF's
 * @lock: protects all that follows up to the rules, and &vr_router.rib
 * @events: what is to be done
 * @pending: length of @events
 * @since: when the first of @events came, ns, or 0
 * @quota: counts the prefixes while that is limited, or NULL; set by the work
 * @tell: the quota's state changed, and nobody was told yet
 * @lost: an event could not be noted or done; everything is to be built anew
 * @reading: the routes are being read; @events are to be done after that
 * @stopped: the router is down; the work takes everything down, too
 * @rules4: IPv4 rules of the namespace
 * @rules6: IPv6 rules of the namespace
 * @work: does the job; the only one who touches what follows
 * @rib: the routes
 * @joined: hears of routes and rules; @rib is there then
 * @pass: by which the routes were read
 * @told: why the router falls back, as listeners know: enum vrouter_punt_reason, or 0
 * @failures: how often building everything failed since it last did not
 * @rest: it is not built again before that, jiffies; 0 if it never was
 * @reflag: the kernel is still to be told of routes whose nexthops changed
 * @flag_rest: it is not told again before that, jiffies
 * @recheck: ports, neighbours or nexthop objects changed; set by anyone
 * @look: when to look for routes that went without a word, jiffies
 * @doing: changes that the work has taken from @events and not applied yet
 * @doing_since: the same as @since for them
 */
struct vr_mirror {
	struct list_head list;
	struct vr_router *router;
	netdevice_tracker tracker;
	struct list_head hearers;
	struct net *net;
	u32 table;
	bool vrf;

	spinlock_t lock; /* protects up to the rules, and &vr_router.rib */
	struct list_head events;
	u32 pending;
	u64 since;
	struct vr_quota *quota;
	bool tell;
	bool lost;
	bool reading;
	bool stopped;
	struct vr_rules rules4;
	struct vr_rules rules6;

	struct delayed_work work;
	struct vr_rib *rib;
	bool joined;
	struct vr_change_pass pass;
	u8 told;
	u8 failures;
	u64 rest;
	bool reflag;
	u64 flag_rest;
	bool recheck;
	u64 look;
	u32 doing;
	u64 doing_since;
};

/* The mirror of a router, or NULL. Context: RTNL or RCU read side. */
static inline struct vr_mirror *vr_mirror_of(const struct vr_router *router)
{
	return rcu_dereference_rtnl(router->mirror);
}

void vr_mirror_kick(struct vr_mirror *mirror, unsigned long delay);
void vr_mirror_retry(struct vr_mirror *mirror);
void vr_mirror_lose(struct vr_mirror *mirror);
void vr_mirror_judge(struct vr_mirror *mirror);
void vr_mirror_judge_quota(struct vr_mirror *mirror);
void vr_mirror_count(struct vr_mirror *mirror, struct vr_change *change);
void vr_mirror_flag(struct vr_mirror *mirror, const struct vr_change *change,
		    struct vr_nexthop *nh);
int vr_mirror_reflag(struct vr_mirror *mirror);
void vr_mirror_tell_state(struct vr_mirror *mirror);
void vr_mirror_check_state(struct vr_mirror *mirror);
void vr_mirror_check_quota(struct vr_mirror *mirror);
int vr_mirror_event(struct vr_mirror *mirror, unsigned long event,
		    const struct fib_notifier_info *info);
void vr_mirror_take_back(struct vr_mirror *mirror,
			 const struct fib_notifier_info *info);
void vr_mirror_read_rule(void *arg, const struct fib_notifier_info *info);
int vr_mirror_net_join(struct vr_mirror *mirror);
void vr_mirror_net_leave(struct vr_mirror *mirror);
int vr_mirror_net_init(void);
void vr_mirror_net_exit(void);

#endif
