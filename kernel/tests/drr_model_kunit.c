// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler against a plain model, which plays round by round.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "../drr.h"

#define VR_DRR_KUNIT_SERVICES	20000
#define VR_DRR_KUNIT_MODEL	12

/**
 * struct vr_drr_kunit_row - numbers of flows
 * @flow: the numbers
 * @n: how many
 */
struct vr_drr_kunit_row {
	int flow[VR_DRR_KUNIT_MODEL];
	int n;
};

/**
 * struct vr_drr_kunit_model - the rules in plain words, round by round
 * @fresh: flows that do not wait for their turns
 * @round: flows by turns
 * @deficit: of each flow
 * @weight: of each flow
 * @active: has work
 * @quantum: of the scheduler
 * @save: rounds that may be saved up
 */
struct vr_drr_kunit_model {
	struct vr_drr_kunit_row fresh;
	struct vr_drr_kunit_row round;
	s64 deficit[VR_DRR_KUNIT_MODEL];
	u32 weight[VR_DRR_KUNIT_MODEL];
	bool active[VR_DRR_KUNIT_MODEL];
	s64 quantum;
	unsigned int save;
};

static void vr_drr_kunit_append(struct vr_drr_kunit_row *list, int i)
{
	list->flow[list->n++] = i;
}

static bool vr_drr_kunit_has(const struct vr_drr_kunit_row *list, int i)
{
	int k;

	for (k = 0; k < list->n; k++)
		if (list->flow[k] == i)
			return true;
	return false;
}

/* Return: whether it was there. */
static bool vr_drr_kunit_drop(struct vr_drr_kunit_row *list, int i)
{
	int k = 0;

	if (!vr_drr_kunit_has(list, i))
		return false;
	while (list->flow[k] != i)
		k++;
	list->n--;
	memmove(&list->flow[k], &list->flow[k + 1],
		(list->n - k) * sizeof(list->flow[0]));
	return true;
}

static void vr_drr_kunit_model_give(struct vr_drr_kunit_model *m, int i)
{
	m->deficit[i] += m->weight[i] * m->quantum;
}

/* It has what it may save up after this turn; its debts stay. */
static bool vr_drr_kunit_model_leaves(struct vr_drr_kunit_model *m, int i)
{
	bool rest = !memchr_inv(m->active, false, sizeof(m->active));
	s64 most = m->weight[i] * m->quantum * m->save;

	if (!rest && m->deficit[i] + m->weight[i] * m->quantum < most)
		return false;
	m->deficit[i] = min(m->deficit[i], 0LL);
	return true;
}

static void vr_drr_kunit_model_activate(struct vr_drr_kunit_model *m, int i)
{
	bool fresh = m->deficit[i] > 0;

	if (m->active[i])
		return;
	m->active[i] = true;
	if (!vr_drr_kunit_has(&m->round, i)) {
		vr_drr_kunit_append(&m->round, i);
		fresh = true;
		m->deficit[i] += m->weight[i] * m->quantum * m->save;
	} else if (!fresh) {
		vr_drr_kunit_model_give(m, i);
	}
	if (fresh)
		vr_drr_kunit_append(&m->fresh, i);
}

static int vr_drr_kunit_model_next(struct vr_drr_kunit_model *m)
{
	int i;

	while (m->fresh.n) {
		i = m->fresh.flow[0];
		if (m->deficit[i] > 0)
			return i;
		vr_drr_kunit_drop(&m->fresh, i);
		vr_drr_kunit_model_give(m, i);
	}
	while (m->round.n) {
		i = m->round.flow[0];
		if (m->active[i] && m->deficit[i] > 0)
			return i;
		vr_drr_kunit_drop(&m->round, i);
		if (m->active[i] || !vr_drr_kunit_model_leaves(m, i)) {
			vr_drr_kunit_model_give(m, i);
			vr_drr_kunit_append(&m->round, i);
		}
	}
	return -1;
}

static void vr_drr_kunit_model_charge(struct vr_drr_kunit_model *m, int i,
				      s64 cost, bool empty)
{
	m->deficit[i] -= cost;
	if (!empty)
		return;
	m->active[i] = false;
	if (!vr_drr_kunit_drop(&m->fresh, i)) {
		vr_drr_kunit_drop(&m->round, i);
		vr_drr_kunit_append(&m->round, i);
	}
}

static void vr_drr_kunit_model_remove(struct vr_drr_kunit_model *m, int i)
{
	vr_drr_kunit_drop(&m->fresh, i);
	vr_drr_kunit_drop(&m->round, i);
	m->active[i] = false;
	m->deficit[i] = min(m->deficit[i], 0LL);
}

/* Debts of up to 2000 rounds; the model plays them all, one by one. */
static void vr_drr_kunit_random(struct kunit *test)
{
	struct vr_drr_flow flow[VR_DRR_KUNIT_MODEL], *next;
	struct vr_drr_kunit_model *m;
	u32 seed = get_random_u32();
	int op, i, want, served = 0;
	struct rnd_state rnd;
	struct vr_drr drr;
	bool empty;
	s64 cost;

	kunit_info(test, "seed 0x%x\n", seed);
	prandom_seed_state(&rnd, seed);
	m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m);
	m->quantum = 50;
	m->save = 1;
	vr_drr_init(&drr, m->quantum);
	for (i = 0; i < VR_DRR_KUNIT_MODEL; i++) {
		m->weight[i] = 1 + prandom_u32_state(&rnd) % 10;
		vr_drr_flow_init(&flow[i], m->weight[i]);
	}
	for (op = 0; op < 5 * VR_DRR_KUNIT_SERVICES; op++) {
		i = prandom_u32_state(&rnd) % VR_DRR_KUNIT_MODEL;
		switch (prandom_u32_state(&rnd) % 32) {
		case 0:
			m->weight[i] = 1 + prandom_u32_state(&rnd) % 10;
			WRITE_ONCE(flow[i].weight, m->weight[i]);
			continue;
		case 1:
			vr_drr_kunit_model_remove(m, i);
			vr_drr_remove(&drr, &flow[i]);
			continue;
		case 2:
			m->quantum = 1 + prandom_u32_state(&rnd) % 100;
			m->save = 1 + prandom_u32_state(&rnd) % 8;
			vr_drr_set_quantum(&drr, m->quantum, m->save);
			continue;
		case 3 ... 9:
			vr_drr_kunit_model_activate(m, i);
			vr_drr_activate(&drr, &flow[i]);
			continue;
		}
		want = vr_drr_kunit_model_next(m);
		next = vr_drr_next(&drr);
		KUNIT_ASSERT_EQ(test, drr.linked, m->round.n);
		KUNIT_ASSERT_EQ(test, next ? next - flow : -1, want);
		if (!next)
			continue;
		served++;
		KUNIT_ASSERT_EQ(test, next->deficit, m->deficit[want]);
		cost = prandom_u32_state(&rnd) % (op % 16 ? 300 : 100000);
		empty = prandom_u32_state(&rnd) % 4 == 0;
		vr_drr_kunit_model_charge(m, want, cost, empty);
		vr_drr_charge(&drr, next, cost, empty);
	}
	KUNIT_EXPECT_GT(test, served, VR_DRR_KUNIT_SERVICES);
}

static struct kunit_case vr_drr_model_kunit_list[] = {
	KUNIT_CASE(vr_drr_kunit_random),
	{}
};

static struct kunit_suite vr_drr_model_kunit_suite = {
	.name = "vrouter-drr-model",
	.test_cases = vr_drr_model_kunit_list,
};

kunit_test_suite(vr_drr_model_kunit_suite);
