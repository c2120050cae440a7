/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A qdisc and its classes.
 *
 * Only for sch_vrouter.c, which runs them, sch_class.c, which makes and ends them, and
 * sch_netlink.c, which shows them.
 */
#ifndef VROUTER_SCH_CLASS_H
#define VROUTER_SCH_CLASS_H

#include <linux/timerqueue.h>
#include <linux/xarray.h>
#include <net/codel.h>
#include <net/pkt_sched.h>
#include <uapi/linux/sch_vrouter.h>

#include "drr.h"

struct vr_share;

/**
 * struct vr_sched_class - a router's frames, or the host's
 * @flow: its turn
 * @wait: until when it may not send, if it is in &vr_sched.waiting
 * @share: the router's share, NULL for the host
 * @sched: the qdisc's private part
 * @id: minor number
 * @qlen: frames
 * @backlog: their bytes, as qdiscs count
 * @head: the first frame
 * @tail: the last one
 * @rate: bytes a second on the wire that @free_at and @target are by, 0 for any
 * @free_at: when the frames sent so far have used up the rate, ns
 * @target: least that CoDel may ask for at that rate
 * @cvars: CoDel's state
 * @cstats: CoDel's counters
 * @bstats: sent
 * @drops: dropped, by whatever
 * @overlimits: times that it had to wait for its rate
 * @x: more counters
 */
struct vr_sched_class {
	struct vr_drr_flow flow;
	struct timerqueue_node wait;
	struct vr_share *share;
	struct vr_sched *sched;
	u32 id;
	u32 qlen;
	u32 backlog;
	struct sk_buff *head;
	struct sk_buff *tail;
	u64 rate;
	u64 free_at;
	codel_time_t target;
	struct codel_vars cvars;
	struct codel_stats cstats;
	struct gnet_stats_basic_sync bstats;
	u32 drops;
	u32 overlimits;
	struct tc_vrouter_xstats x;
};

/**
 * struct vr_sched - a qdisc's private part
 * @qdisc: the qdisc
 * @drr: whose turn it is
 * @waiting: classes with frames that have to wait for their rate
 * @classes: by minor number
 * @host: the host's class
 * @recent: the class of the latest frame, or NULL
 * @bandwidth: bytes a second, 0 for any; read with READ_ONCE() elsewhere
 * @limit: most frames
 * @free_at: when the frames sent so far have used up @bandwidth, ns
 * @dropped: frames that CoDel dropped and the parents do not know of yet
 * @dropped_bytes: bytes of these
 * @codel: CoDel's settings
 * @watchdog: goes on when a rate allows
 */
struct vr_sched {
	struct Qdisc *qdisc;
	struct vr_drr drr;
	struct timerqueue_head waiting;
	struct xarray classes;
	struct vr_sched_class *host;
	struct vr_sched_class *recent;
	u64 bandwidth;
	u32 limit;
	u64 free_at;
	u32 dropped;
	u32 dropped_bytes;
	struct codel_params codel;
	struct qdisc_watchdog watchdog;
};

/**
 * vr_sched_class_waits() - does a class wait for its rate?
 * @class: class
 *
 * Context: the qdisc's root lock.
 * Return: whether it is in &vr_sched.waiting.
 */
static inline bool vr_sched_class_waits(const struct vr_sched_class *class)
{
	return !RB_EMPTY_NODE(&class->wait.node);
}

struct vr_sched_class *vr_sched_class_new(struct vr_sched *sched, u32 id,
					  struct vr_share *share, gfp_t gfp);
void vr_sched_class_free(struct vr_sched_class *class);
struct vr_sched_class *vr_sched_class_find(struct vr_sched *sched,
					   const struct sk_buff *skb);

#endif
