/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is there somebody who would lose what he has a right to if the rings ran over?
 */
#ifndef VROUTER_GUARD_H
#define VROUTER_GUARD_H

#include <linux/types.h>

#include "drr.h"

struct vr_queue;

/**
 * struct vr_guard - what a CPU knows of that
 * @calm: jiffies when a router was last seen that would
 * @spilled: jiffies when a packet last found its queue full
 * @spills: packets that did
 * @marks: how often the queues' counters were noted
 * @marked: @calm, when they were noted last
 * @even: @calm, when what came was last found to be spread as the shares are
 */
struct vr_guard {
	u64 calm;
	u64 spilled;
	u32 spills;
	u32 marks;
	u64 marked;
	u64 even;
};

/**
 * struct vr_guard_mark - what is noted of a router's queue on a CPU
 * @spilled: number of the last packet that found it full, of all on this CPU
 * @lost: packets that did
 * @mark: &vr_guard.marks, when the following were noted
 * @rx: packets that had come
 * @lost_then: @lost
 */
struct vr_guard_mark {
	u32 spilled;
	u32 lost;
	u32 mark;
	u32 rx;
	u32 lost_then;
};

void vr_guard_init(struct vr_guard *guard);
void vr_guard_spill(struct vr_guard *guard, struct vr_queue *queue);
void vr_guard_served(struct vr_guard *guard, const struct vr_queue *queue);
void vr_guard_routing(struct vr_guard *guard);
bool vr_guard_is_on(struct vr_guard *guard, const struct vr_drr *drr);

#endif
