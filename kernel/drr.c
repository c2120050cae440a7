// SPDX-License-Identifier: GPL-2.0
/*
 * Weighted deficit round robin where the cost is known after the service.
 *
 * Description: each flow on the round may use weight * quantum cost units a
 * round. A flow is served while its deficit is above 0, so it may overdraw by
 * the cost of its last batch, which it then owes. With C the dearest batch and
 * Q the quantum, two flows that always have work differ by
 *	|used_i / w_i - used_j / w_j| <= Q + C / w_i + C / w_j
 * over every stretch of time that begins when both have ended a turn. A flow that was
 * idle may be S quanta more ahead, S being the rounds whose units may be saved up (1, if
 * nobody asks for more): it cuts in with them when the others' turns are not over, or
 * are, but the units of their next ones were not given yet.
 *
 * Algorithm: a flow that becomes active is fresh while it has units left, and served
 * before the round (DRR++): who needs few of them waits for nobody's turn. When they
 * are used up it is given those of its turn, and waits for that. A flow that is idle
 * when its turn comes is given the units of it, until it has those of S rounds, the
 * most that may be saved up; then it leaves the round, and has as many when it is back.
 * So nobody is given units twice without a turn of all the others in between, however
 * often it goes idle and back. If all are idle all are full, but for their debts.
 *
 * Bound: with n flows linked, vr_drr_next() moves or unlinks at most 3 * n of
 * them and walks the round twice more, whatever the debts are.
 */
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "drr.h"

static s64 vr_drr_step(const struct vr_drr *drr, const struct vr_drr_flow *flow)
{
	u32 weight = READ_ONCE(flow->weight);

	return clamp(weight, 1U, VR_DRR_WEIGHT_MAX) * READ_ONCE(drr->quantum);
}

/* Would another turn give an idle flow more than it may save up? */
static bool vr_drr_is_full(const struct vr_drr *drr, const struct vr_drr_flow *flow)
{
	return flow->deficit >= vr_drr_step(drr, flow) * (READ_ONCE(drr->save) - 1);
}

static void vr_drr_unlink(struct vr_drr *drr, struct vr_drr_flow *flow)
{
	list_del_init(&flow->turn);
	/* credit is what it will have anyway, debt is not */
	flow->deficit = min(flow->deficit, 0LL);
	drr->linked--;
}

/* The first one that has units left. The others are given those of their turns. */
static struct vr_drr_flow *vr_drr_next_fresh(struct vr_drr *drr)
{
	struct vr_drr_flow *flow;

	while ((flow = list_first_entry_or_null(&drr->fresh,
						struct vr_drr_flow, fresh))) {
		if (flow->deficit > 0)
			return flow;
		list_del_init(&flow->fresh);
		flow->deficit += vr_drr_step(drr, flow);
	}
	return NULL;
}

/*
 * If everybody who is active is in debt, play at once the rounds until somebody is not.
 * Each flow was looked at before: none is fresh.
 */
static void vr_drr_skip(struct vr_drr *drr)
{
	struct vr_drr_flow *flow, *next;
	s64 rounds = S64_MAX;
	unsigned int save;

	list_for_each_entry(flow, &drr->round, turn) {
		/* remembered, as the weight may change before the next loop */
		flow->step = vr_drr_step(drr, flow);
		if (!flow->active)
			continue;
		if (flow->deficit > 0)
			return;
		rounds = min(rounds, div64_s64(-flow->deficit, flow->step) + 1);
	}
	save = READ_ONCE(drr->save);
	list_for_each_entry_safe(flow, next, &drr->round, turn) {
		flow->deficit += rounds * flow->step;
		/* in the last of these rounds it was full already */
		if (!flow->active && flow->deficit >= flow->step * save)
			vr_drr_unlink(drr, flow);
	}
}

/* Nobody has work. */
static void vr_drr_rest(struct vr_drr *drr)
{
	struct vr_drr_flow *flow, *next;

	list_for_each_entry_safe(flow, next, &drr->round, turn)
		vr_drr_unlink(drr, flow);
}

/**
 * vr_drr_init() - set up a scheduler
 * @drr: scheduler
 * @quantum: cost units that a flow of weight 1 may use in a round
 *
 * Context: any.
 */
void vr_drr_init(struct vr_drr *drr, s64 quantum)
{
	INIT_LIST_HEAD(&drr->fresh);
	INIT_LIST_HEAD(&drr->round);
	drr->linked = 0;
	drr->active = 0;
	vr_drr_set_quantum(drr, quantum, 1);
}

/**
 * vr_drr_set_quantum() - change the quantum
 * @drr: scheduler
 * @quantum: cost units, forced into 1 to VR_DRR_QUANTUM_MAX
 * @save: rounds whose units a flow may save up, forced into 1 to VR_DRR_SAVE_MAX
 *
 * Many small quanta that can be saved up make for short rounds, and still for bursts
 * that wait for nobody's turn.
 *
 * Context: any; at any time.
 */
void vr_drr_set_quantum(struct vr_drr *drr, s64 quantum, unsigned int save)
{
	WRITE_ONCE(drr->quantum, clamp(quantum, 1LL, VR_DRR_QUANTUM_MAX));
	WRITE_ONCE(drr->save, clamp(save, 1, VR_DRR_SAVE_MAX));
}

/**
 * vr_drr_flow_init() - set up a flow that is not active
 * @flow: flow
 * @weight: share; 0 counts as 1, at most VR_DRR_WEIGHT_MAX
 *
 * Context: any.
 */
void vr_drr_flow_init(struct vr_drr_flow *flow, u32 weight)
{
	INIT_LIST_HEAD(&flow->fresh);
	INIT_LIST_HEAD(&flow->turn);
	flow->deficit = 0;
	flow->step = 0;
	flow->active = false;
	WRITE_ONCE(flow->weight, weight);
}

/**
 * vr_drr_activate() - a flow has work; no effect if it is active
 * @drr: scheduler
 * @flow: flow
 *
 * Context: the caller serializes all calls for a scheduler.
 */
void vr_drr_activate(struct vr_drr *drr, struct vr_drr_flow *flow)
{
	if (flow->active)
		return;
	flow->active = true;
	drr->active++;
	if (list_empty(&flow->turn)) {
		list_add_tail(&flow->turn, &drr->round);
		drr->linked++;
		flow->deficit += vr_drr_step(drr, flow) * READ_ONCE(drr->save);
	} else if (flow->deficit <= 0) {
		flow->deficit += vr_drr_step(drr, flow);
		return;
	}
	list_add_tail(&flow->fresh, &drr->fresh);
}

/**
 * vr_drr_next() - find the flow to serve
 * @drr: scheduler
 *
 * Returns the same flow, as long as no other one becomes active, until that
 * flow has used up its deficit. Work is bounded, see the head of this file.
 *
 * Context: the caller serializes all calls for a scheduler.
 * Return: an active flow, or NULL if there is none.
 */
struct vr_drr_flow *vr_drr_next(struct vr_drr *drr)
{
	unsigned int unseen = drr->linked;
	struct vr_drr_flow *flow;

	if (!drr->active) {
		vr_drr_rest(drr);
		return NULL;
	}
	flow = vr_drr_next_fresh(drr);
	if (flow)
		return flow;
	for (;;) {
		flow = list_first_entry(&drr->round, struct vr_drr_flow, turn);
		if (flow->active && flow->deficit > 0)
			return flow;
		if (!flow->active && vr_drr_is_full(drr, flow)) {
			vr_drr_unlink(drr, flow);
		} else if (unseen) {
			flow->deficit += vr_drr_step(drr, flow);
			list_move_tail(&flow->turn, &drr->round);
		} else {
			vr_drr_skip(drr);
			unseen = drr->linked;
			continue;
		}
		unseen -= !!unseen;
	}
}

/**
 * vr_drr_charge() - a flow was served
 * @drr: scheduler
 * @flow: flow
 * @cost: cost units, forced into 0 to VR_DRR_COST_MAX
 * @empty: the flow has no more work and is not active from now on
 *
 * Debt stays with a flow, but for what exceeds VR_DRR_COST_MAX.
 *
 * Context: the caller serializes all calls for a scheduler.
 */
void vr_drr_charge(struct vr_drr *drr, struct vr_drr_flow *flow, s64 cost,
		   bool empty)
{
	flow->deficit -= clamp(cost, 0LL, VR_DRR_COST_MAX);
	flow->deficit = max(flow->deficit, -VR_DRR_COST_MAX);
	if (!empty || !flow->active)
		return;
	flow->active = false;
	drr->active--;
	if (list_empty(&flow->fresh))
		list_move_tail(&flow->turn, &drr->round);
	else
		list_del_init(&flow->fresh);
}

/**
 * vr_drr_remove() - forget a flow, active or not
 * @drr: scheduler
 * @flow: flow; may be freed afterwards, or activated again
 *
 * Context: the caller serializes all calls for a scheduler.
 */
void vr_drr_remove(struct vr_drr *drr, struct vr_drr_flow *flow)
{
	list_del_init(&flow->fresh);
	drr->active -= flow->active;
	flow->active = false;
	if (!list_empty(&flow->turn))
		vr_drr_unlink(drr, flow);
}
