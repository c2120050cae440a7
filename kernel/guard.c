// SPDX-License-Identifier: GPL-2.0
/*
 * Description: what is taken in only to be dropped costs time in which nothing is
 * forwarded. It is worth that as long as somebody would lose what he has a right to if
 * the NIC's ring dropped instead, which does so for everyone.
 *
 * Algorithm: nobody would if for VR_GUARD_TIME there was
 *   - no router within its share: one that has all of its packets served, and dropped none
 *     while others dropped VR_GUARD_GREEDY;
 *   - no routing protocol's packet;
 *   - no router with a larger share than its part of what comes. It is in overload
 *     as long as all is taken in, but with what the ring has room for it might not be, and
 *     others would have the rest of its share. In the second half of that time the part of
 *     each one's packets that is served is compared with that of all. Who was charged for
 *     an interrupt has a smaller one, by chance: so a quarter more than all is not too much,
 *     and the first rule sees to the rest.
 */
#include <linux/jiffies.h>
#include <linux/math64.h>

#include "guard.h"
#include "ingress.h"

#define VR_GUARD_TIME		(30 * HZ)
#define VR_GUARD_GREEDY		2048	/* packets */
#define VR_GUARD_FORGET		(5 * HZ)
#define VR_GUARD_PART_SHIFT	20
#define VR_GUARD_UNEVEN_SHIFT	2	/* a part is too large by a quarter */

static struct vr_queue *vr_guard_queue(struct vr_drr_flow *flow)
{
	return container_of(flow, struct vr_queue, flow);
}

static u32 vr_guard_rx(const struct vr_queue *queue)
{
	return u64_stats_read(&queue->stats.rx_packets);
}

/**
 * vr_guard_init() - begin, as if there was somebody
 * @guard: what is known
 *
 * Context: any.
 */
void vr_guard_init(struct vr_guard *guard)
{
	guard->calm = get_jiffies_64();
}

/**
 * vr_guard_spill() - a packet found its queue full
 * @guard: what is known
 * @queue: the queue
 *
 * Context: the queue's CPU, BH disabled.
 */
void vr_guard_spill(struct vr_guard *guard, struct vr_queue *queue)
{
	guard->spilled = get_jiffies_64();
	queue->guard.spilled = ++guard->spills;
	queue->guard.lost++;
}

/**
 * vr_guard_served() - all of a router's packets were served
 * @guard: what is known
 * @queue: its queue
 *
 * That may be because it is within its share, or because a flood pauses.
 *
 * Context: the queue's CPU, BH disabled.
 */
void vr_guard_served(struct vr_guard *guard, const struct vr_queue *queue)
{
	u64 now = get_jiffies_64();

	if (likely(now - guard->spilled > VR_GUARD_FORGET) ||
	    guard->spills - queue->guard.spilled >= VR_GUARD_GREEDY)
		guard->calm = now;
}

/**
 * vr_guard_routing() - a packet of a routing protocol came
 * @guard: what is known
 *
 * Context: the guard's CPU, BH disabled.
 */
void vr_guard_routing(struct vr_guard *guard)
{
	guard->calm = get_jiffies_64();
}

static void vr_guard_mark(struct vr_guard *guard, const struct vr_drr *drr)
{
	struct vr_drr_flow *flow;
	struct vr_queue *queue;

	guard->marked = guard->calm;
	guard->marks++;
	vr_drr_for_each(flow, drr) {
		queue = vr_guard_queue(flow);
		queue->guard.mark = guard->marks;
		queue->guard.rx = vr_guard_rx(queue);
		queue->guard.lost_then = queue->guard.lost;
	}
}

static bool vr_guard_is_even(const struct vr_guard *guard, const struct vr_drr *drr)
{
	u64 part, most = 0, came = 0, lost = 0;
	struct vr_drr_flow *flow;
	struct vr_queue *queue;
	u32 rx, gone;

	vr_drr_for_each(flow, drr) {
		queue = vr_guard_queue(flow);
		rx = vr_guard_rx(queue) - queue->guard.rx;
		gone = queue->guard.lost - queue->guard.lost_then;
		if (queue->guard.mark != guard->marks || gone > rx || !rx)
			return false;
		came += rx;
		lost += gone;
		part = div_u64((u64)(rx - gone) << VR_GUARD_PART_SHIFT, rx);
		most = max(most, part);
	}
	if (!came)
		return false;
	part = div64_u64((came - lost) << VR_GUARD_PART_SHIFT, came);
	return most <= part + (part >> VR_GUARD_UNEVEN_SHIFT);
}

/**
 * vr_guard_is_on() - would anybody lose if the rings ran over?
 * @guard: what is known
 * @drr: the scheduler of this CPU
 *
 * Twice in VR_GUARD_TIME, at most, it looks at all the queues that have packets.
 *
 * Context: the guard's CPU, BH disabled; at each poll that may leave packets behind.
 * Return: true if so, or if that is not known.
 */
bool vr_guard_is_on(struct vr_guard *guard, const struct vr_drr *drr)
{
	u64 now = get_jiffies_64(), since = now - guard->calm;

	if (likely(since < VR_GUARD_TIME / 2))
		return true;
	if (guard->even == guard->calm)
		return false;
	if (since < VR_GUARD_TIME) {
		if (guard->marked != guard->calm)
			vr_guard_mark(guard, drr);
		return true;
	}
	if (guard->marked == guard->calm && vr_guard_is_even(guard, drr)) {
		guard->even = guard->calm;
		return false;
	}
	guard->calm = now;
	return true;
}
