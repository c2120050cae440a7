// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler against the rules in plain words, played round by round, and against
 * what drr.c promises: shares over every stretch of time, and work in one call.
 */
#include "bytes.h"
#include "drr.h"

#define VR_BYTES_FLOWS		8

const char * const vr_bytes_name = "DRR";

enum { SERVED, IDLE, CHANGED, REMOVED, SKIPPED, WAITED, CLAMPED };

struct vr_bytes_tally vr_bytes_tally[] = {
	[SERVED] = { "a flow was served" },
	[IDLE] = { "a flow ran empty" },
	[CHANGED] = { "weights or quantum changed" },
	[REMOVED] = { "a flow was removed" },
	[SKIPPED] = { "all were in debt" },
	[WAITED] = { "a newcomer was served" },
	[CLAMPED] = { "debts were cut" },
	{}
};

/**
 * struct vr_drr_flow_model - a flow, as it should be
 * @flow: as it is
 * @deficit: cost units that it may still use
 * @weight: share
 * @active: has work
 * @newcomer: became active, and was not served yet
 * @first: need not wait for its turn then
 * @settled: has ended a turn since it became active
 * @both: so had each other one, and this stretch began then
 * @used: in this stretch
 * @waited: used by each since this one became active
 * @min: least used * weight of the other - the same of the other, in this stretch
 * @max: most of it
 */
struct vr_drr_flow_model {
	struct vr_drr_flow flow;
	s64 deficit;
	u32 weight;
	bool active;
	bool newcomer;
	bool first;
	bool settled;
	bool both[VR_BYTES_FLOWS];
	s64 used[VR_BYTES_FLOWS];
	s64 waited[VR_BYTES_FLOWS];
	s64 min[VR_BYTES_FLOWS];
	s64 max[VR_BYTES_FLOWS];
};

/**
 * struct vr_drr_model_row - numbers of flows
 * @flow: the numbers
 * @n: how many
 */
struct vr_drr_model_row {
	unsigned int flow[VR_BYTES_FLOWS];
	unsigned int n;
};

/**
 * struct vr_drr_model - a scheduler, as it should be
 * @bytes: what to do
 * @drr: as it is
 * @flow: flows
 * @flows: how many
 * @fresh: flows that do not wait for their turns
 * @round: flows by turns
 * @quantum: of the scheduler
 * @save: rounds whose units may be saved up
 * @cost: no service is dearer
 * @fixed: weights and quantum do not change, only who is served pays
 */
struct vr_drr_model {
	struct vr_bytes bytes;
	struct vr_drr drr;
	struct vr_drr_flow_model flow[VR_BYTES_FLOWS];
	unsigned int flows;
	struct vr_drr_model_row fresh;
	struct vr_drr_model_row round;
	s64 quantum;
	unsigned int save;
	s64 cost;
	bool fixed;
};

static s64 vr_drr_model_step(const struct vr_drr_model *m, unsigned int i)
{
	return m->flow[i].weight * m->quantum;
}

static void vr_drr_model_append(struct vr_drr_model_row *row, unsigned int i)
{
	row->flow[row->n++] = i;
}

static bool vr_drr_model_has(const struct vr_drr_model_row *row, unsigned int i)
{
	unsigned int k;

	for (k = 0; k < row->n; k++)
		if (row->flow[k] == i)
			return true;
	return false;
}

/* Return: whether it was there. */
static bool vr_drr_model_drop(struct vr_drr_model_row *row, unsigned int i)
{
	unsigned int k = 0;

	if (!vr_drr_model_has(row, i))
		return false;
	while (row->flow[k] != i)
		k++;
	row->n--;
	memmove(&row->flow[k], &row->flow[k + 1],
		(row->n - k) * sizeof(row->flow[0]));
	return true;
}

/* A stretch of time in which both have work begins. */
static void vr_drr_model_meet(struct vr_drr_model *m, unsigned int i,
			      unsigned int j)
{
	struct vr_drr_flow_model *flow = &m->flow[i], *other = &m->flow[j];

	flow->both[j] = flow->settled && other->settled;
	flow->used[j] = 0;
	flow->min[j] = 0;
	flow->max[j] = 0;
}

static void vr_drr_model_begin(struct vr_drr_model *m, unsigned int i)
{
	struct vr_drr_flow_model *flow = &m->flow[i];
	unsigned int j;

	flow->newcomer = flow->deficit > 0;
	flow->settled = false;
	for (j = 0; j < m->flows; j++) {
		flow->waited[j] = 0;
		vr_drr_model_meet(m, i, j);
		vr_drr_model_meet(m, j, i);
	}
}

static void vr_drr_model_settle(struct vr_drr_model *m, unsigned int i)
{
	unsigned int j;

	if (m->flow[i].settled)
		return;
	m->flow[i].settled = true;
	for (j = 0; j < m->flows; j++) {
		if (!m->flow[j].settled || j == i)
			continue;
		vr_drr_model_meet(m, i, j);
		vr_drr_model_meet(m, j, i);
	}
}

static void vr_drr_model_activate(struct vr_drr_model *m, unsigned int i)
{
	struct vr_drr_flow_model *flow = &m->flow[i];

	if (flow->active)
		return;
	flow->active = true;
	flow->first = flow->deficit > 0;
	if (!vr_drr_model_has(&m->round, i)) {
		vr_drr_model_append(&m->round, i);
		flow->first = true;
		flow->deficit += vr_drr_model_step(m, i) * m->save;
	} else if (!flow->first) {
		flow->deficit += vr_drr_model_step(m, i);
	}
	if (flow->first)
		vr_drr_model_append(&m->fresh, i);
	vr_drr_model_begin(m, i);
}

/* An idle flow's turn: does it leave the round? */
static bool vr_drr_model_leaves(struct vr_drr_model *m, unsigned int i)
{
	s64 step = vr_drr_model_step(m, i);
	bool all = true;
	unsigned int k;

	for (k = 0; k < m->flows; k++)
		all &= !m->flow[k].active;
	/* invariant 66: what is more than may be saved up is lost */
	if (!all && m->flow[i].deficit + step < step * m->save)
		return false;
	m->flow[i].deficit = min(m->flow[i].deficit, 0);
	return true;
}

/* Return: number of the flow, or -1. */
static int vr_drr_model_next(struct vr_drr_model *m)
{
	struct vr_drr_flow_model *flow;
	unsigned int i, steps = 0;

	while (m->fresh.n) {
		i = m->fresh.flow[0];
		if (m->flow[i].deficit > 0)
			return i;
		vr_drr_model_drop(&m->fresh, i);
		m->flow[i].deficit += vr_drr_model_step(m, i);
	}
	while (m->round.n) {
		i = m->round.flow[0];
		flow = &m->flow[i];
		if (flow->active && flow->deficit > 0)
			return i;
		vr_drr_model_drop(&m->round, i);
		if (!flow->active && vr_drr_model_leaves(m, i))
			continue;
		flow->deficit += vr_drr_model_step(m, i);
		vr_drr_model_append(&m->round, i);
		if (flow->active)
			vr_drr_model_settle(m, i);
		vr_bytes_tally[SKIPPED].n += ++steps > 2 * VR_BYTES_FLOWS;
	}
	return -1;
}

static void vr_drr_model_charge(struct vr_drr_model *m, unsigned int i, s64 cost,
				bool empty)
{
	struct vr_drr_flow_model *flow = &m->flow[i];

	flow->deficit -= cost;
	if (flow->deficit < -VR_DRR_COST_MAX) {
		flow->deficit = -VR_DRR_COST_MAX;
		vr_bytes_tally[CLAMPED].n++;
	}
	if (!empty || !flow->active)
		return;
	flow->active = false;
	if (!vr_drr_model_drop(&m->fresh, i)) {
		vr_drr_model_drop(&m->round, i);
		vr_drr_model_append(&m->round, i);
	}
	vr_bytes_tally[IDLE].n++;
}

/* The flow was served, and others had work meanwhile. */
static void vr_drr_model_compare(struct vr_drr_model *m, unsigned int i, s64 cost)
{
	struct vr_drr_flow_model *other, *flow = &m->flow[i];
	s64 apart, bound;
	unsigned int j;

	vr_bytes_tally[WAITED].n += flow->newcomer;
	flow->newcomer = false;
	for (j = 0; j < m->flows; j++) {
		other = &m->flow[j];
		if (j == i || !other->active)
			continue;
		/* invariant 66: a newcomer waits one round; if it has to wait for its
		 * turn, another one may leave meanwhile and come back
		 */
		other->waited[i] += cost;
		bound = (vr_drr_model_step(m, i) * m->save + m->cost) *
			(other->first ? 1 : 2);
		vr_host_check(!other->newcomer || other->waited[i] <= bound,
			      "%u waits for %ld units of %u, more than %ld", j,
			      other->waited[i], i, bound);
		/* invariant 65; a newcomer may cut in */
		flow->used[j] += cost;
		apart = flow->used[j] * other->weight - other->used[i] * flow->weight;
		flow->min[j] = min(flow->min[j], apart);
		flow->max[j] = max(flow->max[j], apart);
		other->min[i] = min(other->min[i], -apart);
		other->max[i] = max(other->max[i], -apart);
		bound = m->quantum * (flow->both[j] ? 1 : 1 + m->save) * flow->weight *
			other->weight + m->cost * (flow->weight + other->weight);
		vr_host_check(flow->max[j] - flow->min[j] <= bound,
			      "%u and %u are %ld apart, more than %ld", i, j,
			      flow->max[j] - flow->min[j], bound);
	}
}

static void vr_drr_bytes_serve(struct vr_drr_model *m)
{
	int want = vr_drr_model_next(m);
	unsigned long steps, moves, linked = m->drr.linked;
	struct vr_drr_flow *flow;
	bool empty;
	s64 cost;
	u8 how;

	vr_host_list_moves = 0;
	vr_host_list_steps = 0;
	flow = vr_drr_next(&m->drr);
	/* invariant 64: the bound of one call */
	moves = vr_host_list_moves;
	steps = vr_host_list_steps;
	vr_host_check(moves <= 3 * linked && steps <= 2 * linked,
		      "%lu flows, %lu moved, %lu seen", linked, moves, steps);
	vr_host_check(m->drr.linked == m->round.n, "%u linked, not %u",
		      m->drr.linked, m->round.n);
	if (want < 0) {
		vr_host_check(!flow, "a flow of none");
		return;
	}
	vr_host_check(flow == &m->flow[want].flow, "not %d is next", want);
	how = vr_bytes_u8(&m->bytes);
	empty = how % 4 == 0;
	cost = how & 0x80 ? vr_bytes_u16(&m->bytes) * m->cost / 0xffff : m->cost;
	vr_drr_charge(&m->drr, flow, cost, empty);
	if (m->fixed)
		vr_drr_model_compare(m, want, cost);
	vr_drr_model_charge(m, want, cost, empty);
	vr_bytes_tally[SERVED].n++;
}

static void vr_drr_bytes_change(struct vr_drr_model *m, unsigned int i)
{
	struct vr_drr_flow_model *flow = &m->flow[i];
	u8 how = vr_bytes_u8(&m->bytes);
	s64 debt = m->quantum * 64, cost = debt;

	switch (how % 4) {
	case 0:
		flow->weight = 1 + how / 4;
		WRITE_ONCE(flow->flow.weight, flow->weight);
		break;
	case 1:
		/* not so small that the model plays rounds for ever */
		m->quantum = max(m->cost / 64, 1) + how;
		m->quantum = min(m->quantum, VR_DRR_QUANTUM_MAX);
		vr_drr_set_quantum(&m->drr, m->quantum, m->save);
		break;
	case 2:
		if (flow->deficit < -debt)
			return;
		/* some are dearer than anything can be */
		if (m->quantum >= VR_DRR_QUANTUM_MAX / 4)
			cost = 2 * VR_DRR_COST_MAX;
		vr_drr_charge(&m->drr, &flow->flow, cost, how & 4);
		vr_drr_model_charge(m, i, min(cost, VR_DRR_COST_MAX), how & 4);
		break;
	default:
		/* less than nothing is nothing */
		vr_drr_charge(&m->drr, &flow->flow, -1 - how, false);
	}
	vr_bytes_tally[CHANGED].n++;
}

static void vr_drr_bytes_remove(struct vr_drr_model *m, unsigned int i)
{
	struct vr_drr_flow_model *flow = &m->flow[i];
	unsigned int j;

	vr_drr_remove(&m->drr, &flow->flow);
	vr_drr_model_drop(&m->fresh, i);
	vr_drr_model_drop(&m->round, i);
	/* if it comes back, then as another one */
	for (j = 0; j < m->flows; j++)
		m->flow[j].waited[i] = 0;
	flow->active = false;
	flow->deficit = min(flow->deficit, 0);
	vr_bytes_tally[REMOVED].n++;
}

static void vr_drr_bytes_compare(const struct vr_drr_model *m)
{
	const struct vr_drr_flow_model *flow;
	unsigned int i;

	for (i = 0; i < m->flows; i++) {
		flow = &m->flow[i];
		vr_host_check(flow->flow.deficit == flow->deficit,
			      "%u has %ld, not %ld", i, flow->flow.deficit,
			      flow->deficit);
		vr_host_check(vr_drr_active(&flow->flow) == flow->active,
			      "%u is active, or is not", i);
	}
}

/* invariant 63: whatever is asked for, there is a quantum, and a weight */
static void vr_drr_bytes_begin(struct vr_drr_model *m)
{
	u8 how = vr_bytes_u8(&m->bytes);
	unsigned int i, scale = how & 8 ? 20 : 0;

	m->flows = 1 + how % VR_BYTES_FLOWS;
	m->fixed = how & 0x10;
	m->quantum = (s64)vr_bytes_u16(&m->bytes) << scale;
	vr_drr_init(&m->drr, how & 0x20 ? -m->quantum : m->quantum);
	if (how & 0x20 || !m->quantum)
		m->quantum = 1;
	m->quantum = min(m->quantum, VR_DRR_QUANTUM_MAX);
	m->save = 1;
	if (how & 0x80) {
		m->save = vr_bytes_u8(&m->bytes);
		vr_drr_set_quantum(&m->drr, m->quantum, m->save);
		m->save = max(min(m->save, VR_DRR_SAVE_MAX), 1);
	}
	/* up to 64 rounds, and debts that are cut */
	m->cost = 1 + m->quantum * (how & 0x40 ? 64 : 1);
	for (i = 0; i < m->flows; i++) {
		m->flow[i].weight = vr_bytes_u8(&m->bytes);
		if (m->flow[i].weight == 255)
			m->flow[i].weight = m->fixed ? 1000 : VR_DRR_WEIGHT_MAX + 1;
		vr_drr_flow_init(&m->flow[i].flow, m->flow[i].weight);
		m->flow[i].weight = max(m->flow[i].weight, 1);
		m->flow[i].weight = min(m->flow[i].weight, VR_DRR_WEIGHT_MAX);
	}
}

int vr_bytes_run(const u8 *data, size_t size)
{
	struct vr_drr_model m = { .bytes = { data, data + size } };
	unsigned int i;
	u8 op;

	vr_drr_bytes_begin(&m);
	while (vr_bytes_left(&m.bytes)) {
		op = vr_bytes_u8(&m.bytes);
		i = op / 32 % m.flows;
		switch (op % 32) {
		case 0:
			vr_drr_bytes_remove(&m, i);
			break;
		case 1:
			if (!m.fixed)
				vr_drr_bytes_change(&m, i);
			break;
		case 2 ... 9:
			vr_drr_activate(&m.drr, &m.flow[i].flow);
			vr_drr_model_activate(&m, i);
			break;
		default:
			vr_drr_bytes_serve(&m);
		}
		vr_drr_bytes_compare(&m);
	}
	for (i = 0; i < m.flows; i++)
		vr_drr_bytes_remove(&m, i);
	vr_host_check(!vr_drr_next(&m.drr) && !m.drr.linked, "flows are left");
	return 0;
}
