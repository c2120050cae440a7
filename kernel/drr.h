/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Weighted deficit round robin where the cost is known after the service.
 */
#ifndef VROUTER_DRR_H
#define VROUTER_DRR_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

#define VR_DRR_WEIGHT_MAX	((u32)BIT(16))
#define VR_DRR_QUANTUM_MAX	((s64)BIT_ULL(32))
#define VR_DRR_COST_MAX		((s64)BIT_ULL(40))
#define VR_DRR_SAVE_MAX		64

/**
 * struct vr_drr - a scheduler; used by one CPU at a time, the caller sees to it
 * @fresh: active flows that need not wait for their turns, served first
 * @round: all flows that are active, and those that are in debt or save up, by turns
 * @quantum: cost units that a flow of weight 1 may use in a round; may change
 *	at any time
 * @save: rounds whose units a flow may save up; may change at any time
 * @linked: flows on the round
 * @active: those of them that have work
 */
struct vr_drr {
	struct list_head fresh;
	struct list_head round;
	s64 quantum;
	unsigned int save;
	unsigned int linked;
	unsigned int active;
};

/**
 * struct vr_drr_flow - what is scheduled; owned by the scheduler but for @weight
 * @fresh: on that list of the scheduler, or empty
 * @turn: on the round, or empty
 * @deficit: cost units that the flow may still use; below 0 it is in debt
 * @step: cost units that a round gives it; scratch of vr_drr_next()
 * @weight: share; 0 counts as 1; read with READ_ONCE(), written at any time
 * @active: has work; if not, it may be on the round, where it is given units until it
 *	has saved up what it may
 */
struct vr_drr_flow {
	struct list_head fresh;
	struct list_head turn;
	s64 deficit;
	s64 step;
	u32 weight;
	bool active;
};

void vr_drr_init(struct vr_drr *drr, s64 quantum);
void vr_drr_set_quantum(struct vr_drr *drr, s64 quantum, unsigned int save);
void vr_drr_flow_init(struct vr_drr_flow *flow, u32 weight);
void vr_drr_activate(struct vr_drr *drr, struct vr_drr_flow *flow);
struct vr_drr_flow *vr_drr_next(struct vr_drr *drr);
void vr_drr_charge(struct vr_drr *drr, struct vr_drr_flow *flow, s64 cost,
		   bool empty);
void vr_drr_remove(struct vr_drr *drr, struct vr_drr_flow *flow);

/**
 * vr_drr_for_each() - walk the flows on the round: all that are active, and some others
 * @flow: cursor
 * @drr: scheduler
 *
 * Context: as the scheduler.
 */
#define vr_drr_for_each(flow, drr) \
	list_for_each_entry(flow, &(drr)->round, turn)

/**
 * vr_drr_active() - does a flow wait for service?
 * @flow: flow
 *
 * Context: as the scheduler.
 * Return: true if vr_drr_next() will return it sooner or later.
 */
static inline bool vr_drr_active(const struct vr_drr_flow *flow)
{
	return flow->active;
}

/**
 * vr_drr_saves() - may a flow save up the units of more than one round?
 * @drr: scheduler
 *
 * Context: any.
 * Return: true if a quantum is but a part of what may be used at a time.
 */
static inline bool vr_drr_saves(const struct vr_drr *drr)
{
	return READ_ONCE(drr->save) > 1;
}

/**
 * vr_drr_after() - who is probably served after a flow?
 * @drr: scheduler
 * @flow: flow on the round, active or not
 *
 * Fresh flows come once, before those that wait for their turns.
 *
 * Context: as the scheduler.
 * Return: flow, maybe an idle one, or NULL if it is the last one.
 */
static inline struct vr_drr_flow *vr_drr_after(const struct vr_drr *drr,
					       const struct vr_drr_flow *flow)
{
	const struct list_head *next = flow->turn.next;
	struct vr_drr_flow *other;

	if (!list_empty(&flow->fresh)) {
		if (!list_is_last(&flow->fresh, &drr->fresh))
			return list_entry(flow->fresh.next,
					  struct vr_drr_flow, fresh);
		next = drr->round.next;
	}
	for (; next != &drr->round; next = next->next) {
		other = list_entry(next, struct vr_drr_flow, turn);
		if (list_empty(&other->fresh))
			return other;
	}
	return NULL;
}

#endif
