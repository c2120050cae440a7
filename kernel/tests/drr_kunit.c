// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler: bounds over every stretch of time, and its edges.
 */
#include <kunit/test.h>
#include <linux/ktime.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "../drr.h"

#define VR_DRR_KUNIT_FLOWS	5
#define VR_DRR_KUNIT_SERVICES	20000
#define VR_DRR_KUNIT_CROWD	1024

enum vr_drr_kunit_cost { EVEN, PACKETS, RANDOM, MEAN };

static const char * const vr_drr_kunit_cost_names[] = {
	[EVEN]		= "even",
	[PACKETS]	= "packets",
	[RANDOM]	= "random",
	[MEAN]		= "mean",
};

/**
 * struct vr_drr_kunit_case - one contest
 * @weight: of the flows; 0 ends the list
 * @quantum: of the scheduler
 * @max: dearest service
 * @cost: how costs are chosen
 * @part_time: as many flows, from the first, run empty all the time
 * @sleep: services that these may miss, at most
 * @save: rounds that may be saved up; 0 is one
 */
struct vr_drr_kunit_case {
	u32 weight[VR_DRR_KUNIT_FLOWS];
	s64 quantum;
	s64 max;
	enum vr_drr_kunit_cost cost;
	unsigned int part_time;
	unsigned int sleep;
	unsigned int save;
};

/**
 * struct vr_drr_kunit_run - a contest that is on
 * @test: the test
 * @c: the case
 * @rnd: source of all choices
 * @drr: the scheduler
 * @flow: the flows
 * @used: by each
 * @wake: service at which a sleeper has work again
 * @min: least used_i * w_j - used_j * w_i so far
 * @max: largest of them
 * @ahead: most that it has grown since any moment
 * @n: flows
 */
struct vr_drr_kunit_run {
	struct kunit *test;
	const struct vr_drr_kunit_case *c;
	struct rnd_state rnd;
	struct vr_drr drr;
	struct vr_drr_flow flow[VR_DRR_KUNIT_FLOWS];
	s64 used[VR_DRR_KUNIT_FLOWS];
	unsigned int wake[VR_DRR_KUNIT_FLOWS];
	s64 min[VR_DRR_KUNIT_FLOWS][VR_DRR_KUNIT_FLOWS];
	s64 max[VR_DRR_KUNIT_FLOWS][VR_DRR_KUNIT_FLOWS];
	s64 ahead[VR_DRR_KUNIT_FLOWS][VR_DRR_KUNIT_FLOWS];
	unsigned int n;
};

static struct vr_drr_kunit_run *
vr_drr_kunit_start(struct kunit *test, const struct vr_drr_kunit_case *c)
{
	struct vr_drr_kunit_run *run;
	u32 seed = get_random_u32();
	unsigned int i;

	run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, run);
	run->test = test;
	run->c = c;
	prandom_seed_state(&run->rnd, seed);
	vr_drr_init(&run->drr, c->quantum);
	vr_drr_set_quantum(&run->drr, c->quantum, c->save);
	for (i = 0; i < VR_DRR_KUNIT_FLOWS && c->weight[i]; i++) {
		vr_drr_flow_init(&run->flow[i], c->weight[i]);
		vr_drr_activate(&run->drr, &run->flow[i]);
	}
	run->n = i;
	kunit_info(test, "%u:%u quantum %lld, %s costs up to %lld, seed 0x%x\n",
		   c->weight[0], c->weight[1], c->quantum,
		   vr_drr_kunit_cost_names[c->cost], c->max, seed);
	return run;
}

static s64 vr_drr_kunit_cost(struct vr_drr_kunit_run *run, unsigned int i)
{
	static const s64 packets[] = { 64, 1500, 9000, 65536 };
	const s64 deficit = run->flow[i].deficit;
	const s64 max = run->c->max;

	switch (run->c->cost) {
	case EVEN:
		return max;
	case PACKETS:
		return min(max, packets[prandom_u32_state(&run->rnd) % 4]);
	case RANDOM:
		return prandom_u32_state(&run->rnd) % (u32)max + 1;
	default:
		/* every second flow overdraws as much as it can */
		if (i & 1)
			return min(max, deficit);
		return deficit > 1 ? min(max, deficit - 1) : max;
	}
}

/* After flow i was served: how far is each pair apart, and since when? */
static void vr_drr_kunit_measure(struct vr_drr_kunit_run *run, unsigned int i)
{
	unsigned int j;
	s64 d;

	for (j = 0; j < run->n; j++) {
		if (j == i)
			continue;
		d = run->used[i] * run->c->weight[j] -
		    run->used[j] * run->c->weight[i];
		run->min[i][j] = min(run->min[i][j], d);
		run->max[i][j] = max(run->max[i][j], d);
		run->ahead[i][j] = max(run->ahead[i][j], d - run->min[i][j]);
		run->min[j][i] = min(run->min[j][i], -d);
		run->max[j][i] = max(run->max[j][i], -d);
	}
}

static int vr_drr_kunit_serve(struct vr_drr_kunit_run *run, bool empty)
{
	struct vr_drr_flow *flow = vr_drr_next(&run->drr);
	unsigned int i;
	s64 cost;

	if (!flow)
		return -1;
	i = flow - run->flow;
	cost = vr_drr_kunit_cost(run, i);
	vr_drr_charge(&run->drr, flow, cost, empty && i < run->c->part_time);
	run->used[i] += cost;
	vr_drr_kunit_measure(run, i);
	return i;
}

/* The bound, times both weights. */
static s64 vr_drr_kunit_bound(const struct vr_drr_kunit_case *c, unsigned int i,
			      unsigned int j, unsigned int quanta)
{
	return quanta * c->quantum * c->weight[i] * c->weight[j] +
	       c->max * (c->weight[i] + c->weight[j]);
}

static const struct vr_drr_kunit_case vr_drr_kunit_busy_cases[] = {
	{ { 1, 1 }, 1500, 1500, EVEN },
	{ { 1, 1 }, 1500, 65536, PACKETS },
	{ { 1, 1 }, 1500, 65536, MEAN },
	{ { 1, 1 }, 1, 65536, RANDOM },
	{ { 1, 1, 1, 1, 1 }, 10000, 65536, MEAN },
	{ { 1, 2, 3, 4 }, 1500, 65536, PACKETS },
	{ { 1, 2, 3, 4 }, 100000, 65536, MEAN },
	{ { 4, 3, 2, 1 }, 300, 65536, MEAN },
	{ { 1, 100 }, 1500, 65536, PACKETS },
	{ { 100, 1 }, 1500, 65536, MEAN },
	{ { 1, 1000 }, 1500, 9000, PACKETS },
	{ { 1, 1000 }, 1500, 65536, MEAN },
	{ { 1000, 1 }, 64, 65536, MEAN },
	{ { 1000, 999, 1, 1000, 2 }, 1000, 65536, RANDOM },
};

static void vr_drr_kunit_busy(struct kunit *test)
{
	struct vr_drr_kunit_run *run;
	unsigned int k, i, j;
	s64 apart;

	for (k = 0; k < ARRAY_SIZE(vr_drr_kunit_busy_cases); k++) {
		run = vr_drr_kunit_start(test, &vr_drr_kunit_busy_cases[k]);
		for (i = 0; i < VR_DRR_KUNIT_SERVICES; i++)
			KUNIT_ASSERT_GE(test, vr_drr_kunit_serve(run, false), 0);
		for (i = 0; i < run->n; i++) {
			KUNIT_EXPECT_GT(test, run->used[i], 0);
			for (j = 0; j < i; j++) {
				apart = run->max[i][j] - run->min[i][j];
				KUNIT_EXPECT_LE_MSG(test, apart,
						    vr_drr_kunit_bound(run->c, i, j, 1),
						    "case %u, %u and %u", k, i, j);
			}
		}
	}
}

static const struct vr_drr_kunit_case vr_drr_kunit_part_time_cases[] = {
	{ { 1, 1 }, 1500, 1500, EVEN, 1, 0 },
	{ { 1, 1 }, 100000, 1500, EVEN, 1, 0 },
	{ { 1, 1 }, 100000, 1500, EVEN, 1, 3 },
	{ { 1, 1 }, 100000, 1500, MEAN, 1, 200 },
	{ { 1, 1, 1, 1, 1 }, 10000, 65536, MEAN, 4, 0 },
	{ { 1, 1, 1, 1, 1 }, 10000, 65536, RANDOM, 4, 20 },
	{ { 1, 2, 3, 4, 5 }, 30000, 9000, PACKETS, 3, 2 },
	{ { 100, 1 }, 1500, 65536, PACKETS, 1, 0 },
	{ { 1, 100 }, 1500, 65536, PACKETS, 1, 1 },
	{ { 1000, 1, 1 }, 1500, 1500, RANDOM, 2, 100 },
	{ { 1, 1000 }, 1500, 1500, MEAN, 1, 7 },
	{ { 1, 1 }, 1500, 1500, EVEN, 1, 0, 8 },
	{ { 1, 1 }, 1500, 1500, EVEN, 1, 30, 8 },
	{ { 1, 1, 1, 1, 1 }, 1500, 9000, PACKETS, 4, 20, 64 },
	{ { 1, 2, 3, 4, 5 }, 3000, 9000, MEAN, 3, 50, 8 },
	{ { 1, 1000 }, 1500, 1500, RANDOM, 1, 200, 4 },
};

/* Who runs empty and comes back at once, or later, gets no more than others. */
static void vr_drr_kunit_part_time(struct kunit *test)
{
	struct vr_drr_kunit_run *run;
	unsigned int k, i, j, t;
	int served;

	for (k = 0; k < ARRAY_SIZE(vr_drr_kunit_part_time_cases); k++) {
		run = vr_drr_kunit_start(test, &vr_drr_kunit_part_time_cases[k]);
		for (t = 0; t < VR_DRR_KUNIT_SERVICES; t++) {
			for (i = 0; i < run->c->part_time; i++)
				if (t >= run->wake[i])
					vr_drr_activate(&run->drr, &run->flow[i]);
			served = vr_drr_kunit_serve(run, prandom_u32_state(&run->rnd) % 4);
			KUNIT_ASSERT_GE(test, served, 0);
			run->wake[served] = t + 1 + prandom_u32_state(&run->rnd) %
					    (run->c->sleep + 1);
		}
		for (i = 0; i < run->n; i++)
			for (j = run->c->part_time; j < run->n; j++)
				KUNIT_EXPECT_LE_MSG(test, run->ahead[i][j],
						    vr_drr_kunit_bound(run->c, i, j, 1 +
								       max(run->c->save, 1)),
						    "case %u, %u and %u", k, i, j);
	}
}

static void vr_drr_kunit_weight(struct kunit *test)
{
	static const struct vr_drr_kunit_case before = {
		{ 1, 1, 1 }, 5000, 1500, RANDOM
	};
	static const struct vr_drr_kunit_case after = {
		{ 1, 7, 300 }, 5000, 1500, RANDOM
	};
	struct vr_drr_kunit_run *run = vr_drr_kunit_start(test, &before);
	unsigned int i, j;

	for (i = 0; i < VR_DRR_KUNIT_SERVICES; i++)
		vr_drr_kunit_serve(run, false);
	for (i = 0; i < run->n; i++)
		WRITE_ONCE(run->flow[i].weight, after.weight[i]);
	/* one round is still under way by the old weights */
	for (i = 0; i < 1000; i++)
		vr_drr_kunit_serve(run, false);

	memset(run->used, 0, sizeof(run->used));
	memset(run->min, 0, sizeof(run->min));
	memset(run->max, 0, sizeof(run->max));
	run->c = &after;
	for (i = 0; i < 10 * VR_DRR_KUNIT_SERVICES; i++)
		vr_drr_kunit_serve(run, false);
	for (i = 0; i < run->n; i++)
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_LE(test, run->max[i][j] - run->min[i][j],
					vr_drr_kunit_bound(run->c, i, j, 1));
}

/* Weights, quanta and costs that make no sense. */
static void vr_drr_kunit_limits(struct kunit *test)
{
	static const struct { s64 quantum; u32 weight; s64 first; } c[] = {
		{ 0, 1, 1 },
		{ -5, 1, 1 },
		{ S64_MIN, 0, 1 },
		{ 100, 0, 100 },
		{ 100, 3, 300 },
		{ S64_MAX, 1, VR_DRR_QUANTUM_MAX },
		{ 1, U32_MAX, VR_DRR_WEIGHT_MAX },
		{ S64_MAX, U32_MAX, VR_DRR_QUANTUM_MAX * VR_DRR_WEIGHT_MAX },
	};
	struct vr_drr_flow flow;
	struct vr_drr drr;
	int i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		vr_drr_init(&drr, c[i].quantum);
		vr_drr_flow_init(&flow, c[i].weight);
		vr_drr_activate(&drr, &flow);
		KUNIT_EXPECT_EQ(test, flow.deficit, c[i].first);
		vr_drr_charge(&drr, &flow, -1, false);
		KUNIT_EXPECT_EQ(test, flow.deficit, c[i].first);
	}
	vr_drr_init(&drr, 10);
	vr_drr_flow_init(&flow, 1);
	vr_drr_activate(&drr, &flow);
	for (i = 0; i < 100; i++)
		vr_drr_charge(&drr, &flow, S64_MAX, false);
	KUNIT_EXPECT_EQ(test, flow.deficit, -VR_DRR_COST_MAX);
	vr_drr_set_quantum(&drr, 20, 1);
	KUNIT_EXPECT_PTR_EQ(test, vr_drr_next(&drr), &flow);
	KUNIT_EXPECT_GT(test, flow.deficit, 0);
	KUNIT_EXPECT_LE(test, flow.deficit, 20);
}

static void vr_drr_kunit_idle(struct kunit *test)
{
	struct vr_drr_flow a, b;
	struct vr_drr drr;
	int i;

	vr_drr_init(&drr, 100);
	vr_drr_flow_init(&a, 2);
	vr_drr_flow_init(&b, 1);
	KUNIT_EXPECT_NULL(test, vr_drr_next(&drr));
	for (i = 0; i < 100; i++) {
		vr_drr_activate(&drr, &a);
		vr_drr_activate(&drr, &a);
		KUNIT_EXPECT_TRUE(test, vr_drr_active(&a));
		KUNIT_EXPECT_EQ(test, a.deficit, i % 2 ? 199 : 200);
		KUNIT_EXPECT_PTR_EQ(test, vr_drr_next(&drr), &a);
		vr_drr_charge(&drr, &a, 1, true);
		KUNIT_EXPECT_FALSE(test, vr_drr_active(&a));
		/* who leaves the round keeps nothing */
		if (i % 2) {
			KUNIT_EXPECT_NULL(test, vr_drr_next(&drr));
			KUNIT_EXPECT_EQ(test, drr.linked, 0);
			KUNIT_EXPECT_EQ(test, a.deficit, 0);
		}
	}

	/* the newcomer goes first, in the middle of the other one's turn */
	vr_drr_activate(&drr, &a);
	vr_drr_charge(&drr, vr_drr_next(&drr), 199, false);
	KUNIT_EXPECT_PTR_EQ(test, vr_drr_next(&drr), &a);
	vr_drr_activate(&drr, &b);
	vr_drr_charge(&drr, &a, 1, false);
	KUNIT_EXPECT_PTR_EQ(test, vr_drr_next(&drr), &b);
	vr_drr_charge(&drr, &b, 130, true);
	KUNIT_EXPECT_EQ(test, b.deficit, -30);
	KUNIT_EXPECT_PTR_EQ(test, vr_drr_next(&drr), &a);
	vr_drr_activate(&drr, &b);
	KUNIT_EXPECT_EQ(test, b.deficit, 70);
	KUNIT_EXPECT_PTR_EQ(test, vr_drr_next(&drr), &a);
}

/* Who needs little waits for nobody's turn, but gets no more than the others. */
static void vr_drr_kunit_sparse(struct kunit *test)
{
	struct vr_drr_flow busy[3], *next, sparse;
	s64 used = 0, others = 0;
	struct vr_drr drr;
	int i, cuts = 0;

	vr_drr_init(&drr, 100);
	vr_drr_flow_init(&sparse, 1);
	for (i = 0; i < 3; i++) {
		vr_drr_flow_init(&busy[i], 1);
		vr_drr_activate(&drr, &busy[i]);
		vr_drr_charge(&drr, vr_drr_next(&drr), 100, false);
	}
	/* a tenth of its share: whenever it comes, it is next */
	for (i = 0; i < 1000; i++) {
		if (i % 3 == 0) {
			vr_drr_activate(&drr, &sparse);
			KUNIT_ASSERT_PTR_EQ(test, vr_drr_next(&drr), &sparse);
			vr_drr_charge(&drr, &sparse, 10, true);
		}
		next = vr_drr_next(&drr);
		KUNIT_ASSERT_PTR_NE(test, next, &sparse);
		vr_drr_charge(&drr, next, 100, false);
	}
	/* after each service of another one it has work again: no more than its share */
	for (i = 0; i < 30000; i++) {
		vr_drr_activate(&drr, &sparse);
		next = vr_drr_next(&drr);
		if (next == &sparse) {
			used += 30;
			cuts++;
			vr_drr_charge(&drr, next, 30, true);
		} else {
			others += 10;
			vr_drr_charge(&drr, next, 10, false);
		}
	}
	KUNIT_EXPECT_GT(test, cuts, 1000);
	KUNIT_EXPECT_LE(test, used, others / 3 + 2 * 100 + 30 + 10);
}

/* Invariant 66: what was saved up in eight idle rounds can be used at once, but only once. */
static void vr_drr_kunit_save(struct kunit *test)
{
	struct vr_drr_flow busy[3], *next, idle;
	int i, k, turns = 0, wait = 0, late = 0;
	struct vr_drr drr;

	vr_drr_init(&drr, 10);
	vr_drr_set_quantum(&drr, 10, 8);
	vr_drr_flow_init(&idle, 1);
	for (i = 0; i < 3; i++) {
		vr_drr_flow_init(&busy[i], 1);
		vr_drr_activate(&drr, &busy[i]);
		vr_drr_charge(&drr, &busy[i], 80, false);
	}
	for (k = 0; k < 100; k++) {
		/* eight turns of it, and the others' after it was used up */
		for (i = 0; i < 3 * 9; i++) {
			next = vr_drr_next(&drr);
			KUNIT_ASSERT_PTR_NE(test, next, &idle);
			vr_drr_charge(&drr, next, 10, false);
		}
		vr_drr_activate(&drr, &idle);
		for (i = 0; i < 8; i++) {
			KUNIT_ASSERT_PTR_EQ(test, vr_drr_next(&drr), &idle);
			vr_drr_charge(&drr, &idle, 10, i == 7);
		}
	}
	/* it wants more than it has saved: from then on it has its share */
	vr_drr_activate(&drr, &idle);
	for (i = 0; i < 4000; i++) {
		next = vr_drr_next(&drr);
		turns += next == &idle;
		wait = next == &idle ? 0 : wait + 1;
		late = max(late, wait);
		vr_drr_charge(&drr, next, 10, false);
	}
	KUNIT_EXPECT_GE(test, turns, 1000 - 1);
	KUNIT_EXPECT_LE(test, turns, 1000 + 8);
	KUNIT_EXPECT_LE(test, late, 3);
	vr_drr_charge(&drr, &idle, 85, true);
	/* a debt is paid off while it is idle */
	for (i = 0; i < 3 * 9; i++)
		vr_drr_charge(&drr, vr_drr_next(&drr), 10, false);
	vr_drr_activate(&drr, &idle);
	KUNIT_EXPECT_PTR_EQ(test, vr_drr_next(&drr), &idle);
	for (i = 0; i < 3; i++)
		vr_drr_remove(&drr, &busy[i]);
	vr_drr_remove(&drr, &idle);
}

/* Debts of 2^40 with a quantum of 1: thirty years, if played round by round. */
static void vr_drr_kunit_debt(struct kunit *test)
{
	struct vr_drr_flow *flow, *first;
	ktime_t start = ktime_get();
	struct vr_drr drr;
	int i, k;

	flow = kunit_kcalloc(test, VR_DRR_KUNIT_CROWD, sizeof(*flow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, flow);
	vr_drr_init(&drr, 1);
	for (i = 0; i < VR_DRR_KUNIT_CROWD; i++) {
		vr_drr_flow_init(&flow[i], i % 1000 + 1);
		vr_drr_activate(&drr, &flow[i]);
		vr_drr_charge(&drr, &flow[i], S64_MAX, false);
	}
	for (k = 0; k < 100; k++) {
		first = vr_drr_next(&drr);
		KUNIT_ASSERT_NOT_NULL(test, first);
		/* the heaviest pays off first, by no more than its step */
		KUNIT_EXPECT_GT(test, first->deficit, 0);
		KUNIT_EXPECT_LE(test, first->deficit, first->weight);
		KUNIT_EXPECT_EQ(test, first->weight, 1000 - k);
		for (i = 0; i < VR_DRR_KUNIT_CROWD; i++)
			if (&flow[i] != first)
				KUNIT_ASSERT_LE(test, flow[i].deficit,
						flow[i].weight);
		KUNIT_ASSERT_EQ(test, drr.linked, VR_DRR_KUNIT_CROWD - k);
		vr_drr_remove(&drr, first);
	}
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), start), 5000);
}

/* Who comes after whom: the fresh ones, then the round, to its end. */
static void vr_drr_kunit_after(struct kunit *test)
{
	struct vr_drr_flow flow[4], *at;
	struct vr_drr drr;
	int i;

	vr_drr_init(&drr, 10);
	for (i = 0; i < 4; i++) {
		vr_drr_flow_init(&flow[i], 1);
		if (i < 2)
			vr_drr_activate(&drr, &flow[i]);
	}
	/* 0 and 1 have had their fresh turns, 2 and 3 have not */
	vr_drr_charge(&drr, vr_drr_next(&drr), 10, false);
	vr_drr_charge(&drr, vr_drr_next(&drr), 10, false);
	KUNIT_ASSERT_PTR_EQ(test, vr_drr_next(&drr), &flow[0]);
	vr_drr_activate(&drr, &flow[2]);
	vr_drr_activate(&drr, &flow[3]);
	at = vr_drr_next(&drr);
	KUNIT_ASSERT_PTR_EQ(test, at, &flow[2]);
	at = vr_drr_after(&drr, at);
	KUNIT_ASSERT_PTR_EQ(test, at, &flow[3]);
	at = vr_drr_after(&drr, at);
	KUNIT_ASSERT_PTR_EQ(test, at, &flow[0]);
	at = vr_drr_after(&drr, at);
	KUNIT_ASSERT_PTR_EQ(test, at, &flow[1]);
	/* 2 and 3 have turns, too, but are fresh */
	KUNIT_EXPECT_NULL(test, vr_drr_after(&drr, at));
	vr_drr_charge(&drr, vr_drr_next(&drr), 10, false);
	vr_drr_charge(&drr, vr_drr_next(&drr), 10, false);
	KUNIT_ASSERT_PTR_EQ(test, vr_drr_next(&drr), &flow[0]);
	at = vr_drr_after(&drr, at);
	KUNIT_ASSERT_PTR_EQ(test, at, &flow[2]);
	at = vr_drr_after(&drr, at);
	KUNIT_ASSERT_PTR_EQ(test, at, &flow[3]);
	KUNIT_EXPECT_NULL(test, vr_drr_after(&drr, at));
	for (i = 0; i < 4; i++)
		vr_drr_remove(&drr, &flow[i]);
}

static void vr_drr_kunit_remove(struct kunit *test)
{
	struct vr_drr_flow flow[3];
	int i, k, gone, when;
	struct vr_drr drr;

	/* every one of three, on the fresh list, at the head, idle, at the end */
	for (i = 0; i < 12; i++) {
		gone = i % 3;
		when = i / 3;
		vr_drr_init(&drr, 10);
		for (k = 0; k < 3; k++) {
			vr_drr_flow_init(&flow[k], 1);
			vr_drr_activate(&drr, &flow[k]);
		}
		if (when > 0)
			vr_drr_charge(&drr, vr_drr_next(&drr), 100, false);
		if (when > 1)
			vr_drr_charge(&drr, vr_drr_next(&drr), 1, true);
		if (when > 2)
			vr_drr_charge(&drr, vr_drr_next(&drr), 50, false);
		vr_drr_remove(&drr, &flow[gone]);
		vr_drr_remove(&drr, &flow[gone]);
		KUNIT_EXPECT_FALSE(test, vr_drr_active(&flow[gone]));
		KUNIT_EXPECT_LE(test, flow[gone].deficit, 0);
		KUNIT_EXPECT_EQ(test, drr.linked, 2);
		memset(&flow[gone], 0x6b, sizeof(flow[gone]));
		for (k = 0; k < 100; k++) {
			KUNIT_EXPECT_PTR_NE(test, vr_drr_next(&drr), &flow[gone]);
			vr_drr_charge(&drr, vr_drr_next(&drr), 7, false);
		}
		vr_drr_remove(&drr, &flow[(gone + 1) % 3]);
		vr_drr_remove(&drr, &flow[(gone + 2) % 3]);
		KUNIT_EXPECT_NULL(test, vr_drr_next(&drr));
		KUNIT_EXPECT_TRUE(test, list_empty(&drr.fresh));
		KUNIT_EXPECT_TRUE(test, list_empty(&drr.round));
	}
}

static struct kunit_case vr_drr_kunit_list[] = {
	KUNIT_CASE(vr_drr_kunit_busy),
	KUNIT_CASE(vr_drr_kunit_part_time),
	KUNIT_CASE(vr_drr_kunit_weight),
	KUNIT_CASE(vr_drr_kunit_limits),
	KUNIT_CASE(vr_drr_kunit_idle),
	KUNIT_CASE(vr_drr_kunit_sparse),
	KUNIT_CASE(vr_drr_kunit_save),
	KUNIT_CASE(vr_drr_kunit_debt),
	KUNIT_CASE(vr_drr_kunit_after),
	KUNIT_CASE(vr_drr_kunit_remove),
	{}
};

static struct kunit_suite vr_drr_kunit_suite = {
	.name = "vrouter-drr",
	.test_cases = vr_drr_kunit_list,
};

kunit_test_suite(vr_drr_kunit_suite);
