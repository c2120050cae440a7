// SPDX-License-Identifier: GPL-2.0
/*
 * CoDel keeps the queues of classes short: the kernel's own, with a target that leaves
 * a frame or two to wait for at a low rate, of the link or of a router.
 *
 * Locking: the qdisc's root lock.
 */
#include <net/codel.h>
#include <net/codel_impl.h>

#include "sch_codel.h"
#include "sch_queue.h"

static struct sk_buff *vr_sched_codel_pop(struct codel_vars *vars, void *ctx)
{
	return vr_sched_pop(ctx);
}

static void vr_sched_codel_drop(struct sk_buff *skb, void *ctx)
{
	struct vr_sched_class *class = ctx;

	class->drops++;
	qdisc_qstats_drop(class->sched->qdisc);
	kfree_skb(skb);
}

/* As codel_dequeue() does it with the last frame, but without the clock. */
static struct sk_buff *vr_sched_codel_last(struct vr_sched_class *class, u64 now)
{
	struct sk_buff *skb = vr_sched_pop(class);

	class->cvars.first_above_time = 0;
	class->cvars.dropping = false;
	class->cvars.ldelay = 0;
	if (now)
		class->cvars.ldelay = (codel_time_t)(now >> CODEL_SHIFT) -
				      vr_sched_came(skb);
	return skb;
}

static codel_time_t vr_sched_codel_target(u64 rate, u32 mtu)
{
	return (vr_sched_frame_time(rate, mtu) * 3 / 2) >> CODEL_SHIFT;
}

static void vr_sched_codel_raise(struct codel_params *codel, codel_time_t target)
{
	codel->target = max(codel->target, target);
	codel->interval = max(codel->interval, 2 * codel->target);
}

/**
 * vr_sched_codel_settings() - what is asked for on a link
 * @sched: the qdisc; its bandwidth, or the device's MTU, may have changed
 */
void vr_sched_codel_settings(struct vr_sched *sched)
{
	u32 mtu = psched_mtu(qdisc_dev(sched->qdisc));

	codel_params_init(&sched->codel);
	sched->codel.ecn = true;
	sched->codel.mtu = mtu;
	vr_sched_codel_raise(&sched->codel,
			     vr_sched_codel_target(sched->bandwidth, mtu));
}

/**
 * vr_sched_codel_init() - begin
 * @class: new class
 */
void vr_sched_codel_init(struct vr_sched_class *class)
{
	codel_vars_init(&class->cvars);
	codel_stats_init(&class->cstats);
}

/**
 * vr_sched_codel_reset() - begin anew, but count on
 * @class: class
 */
void vr_sched_codel_reset(struct vr_sched_class *class)
{
	codel_vars_init(&class->cvars);
}

/**
 * vr_sched_codel_rate() - a router's rate has changed
 * @class: its class
 */
void vr_sched_codel_rate(struct vr_sched_class *class)
{
	class->target = vr_sched_codel_target(class->rate, class->sched->codel.mtu);
}

/**
 * vr_sched_codel_params() - what is asked for of a class
 * @class: class
 *
 * Return: CoDel's settings.
 */
struct codel_params vr_sched_codel_params(const struct vr_sched_class *class)
{
	struct codel_params codel = class->sched->codel;

	vr_sched_codel_raise(&codel, class->target);
	return codel;
}

/**
 * vr_sched_codel_dequeue() - take the next frame that CoDel leaves
 * @class: class with frames
 * @now: ktime_get_ns(), or 0 if it was not asked for
 *
 * What is dropped is noted for the parents in &vr_sched.dropped.
 *
 * Return: frame, or NULL.
 */
struct sk_buff *vr_sched_codel_dequeue(struct vr_sched_class *class, u64 now)
{
	struct codel_stats *stats = &class->cstats;
	struct vr_sched *sched = class->sched;
	struct codel_params codel;
	struct sk_buff *skb;

	if (class->qlen == 1)
		return vr_sched_codel_last(class, now);
	codel = vr_sched_codel_params(class);
	stats->drop_count = 0;
	stats->drop_len = 0;
	stats->ecn_mark = 0;
	skb = codel_dequeue(class, &class->backlog, &codel, &class->cvars,
			    stats, qdisc_pkt_len, vr_sched_came, vr_sched_codel_drop,
			    vr_sched_codel_pop);
	class->x.codel_drops += stats->drop_count;
	class->x.marks += stats->ecn_mark;
	sched->dropped += stats->drop_count;
	sched->dropped_bytes += stats->drop_len;
	return skb;
}
