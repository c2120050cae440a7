// SPDX-License-Identifier: GPL-2.0
/*
 * When the NIC's ring may drop what is too much.
 */
#include <kunit/test.h>
#include <linux/jiffies.h>

#include "../guard.h"
#include "../ingress.h"

#define VR_GUARD_KUNIT_QUEUES	3
#define VR_GUARD_KUNIT_HALF	(16 * HZ)	/* somewhat more than half of the time */

/**
 * struct vr_guard_kunit - routers in overload
 * @guard: what is known
 * @drr: their scheduler
 * @queue: their queues
 */
struct vr_guard_kunit {
	struct vr_guard guard;
	struct vr_drr drr;
	struct vr_queue queue[VR_GUARD_KUNIT_QUEUES];
};

static struct vr_guard_kunit *vr_guard_kunit_start(struct kunit *test)
{
	struct vr_guard_kunit *k;
	int i;

	k = kunit_kzalloc(test, sizeof(*k), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, k);
	vr_guard_init(&k->guard);
	vr_drr_init(&k->drr, 1000);
	for (i = 0; i < VR_GUARD_KUNIT_QUEUES; i++) {
		u64_stats_init(&k->queue[i].stats.syncp);
		vr_drr_flow_init(&k->queue[i].flow, 1);
		vr_drr_activate(&k->drr, &k->queue[i].flow);
	}
	return k;
}

/* Time goes by: everything that was noted is longer ago. */
static void vr_guard_kunit_age(struct vr_guard_kunit *k, u64 ticks)
{
	k->guard.calm -= ticks;
	k->guard.spilled -= ticks;
	k->guard.marked -= ticks;
	k->guard.even -= ticks;
}

/* Packets come for a router, and so many of them find its queue full. */
static void vr_guard_kunit_rx(struct vr_guard_kunit *k, int i, u32 packets, u32 lost)
{
	u64_stats_add(&k->queue[i].stats.rx_packets, packets);
	while (lost--)
		vr_guard_spill(&k->guard, &k->queue[i]);
}

static bool vr_guard_kunit_is_on(struct vr_guard_kunit *k)
{
	return vr_guard_is_on(&k->guard, &k->drr);
}

/* Half of the time is over, and after that so many of 1,000 packets of each were lost. */
static bool vr_guard_kunit_half(struct kunit *test, struct vr_guard_kunit *k,
				u32 a, u32 b, u32 c)
{
	KUNIT_EXPECT_TRUE(test, vr_guard_kunit_is_on(k));
	vr_guard_kunit_age(k, VR_GUARD_KUNIT_HALF);
	KUNIT_EXPECT_TRUE(test, vr_guard_kunit_is_on(k));
	vr_guard_kunit_rx(k, 0, 1000, a);
	vr_guard_kunit_rx(k, 1, 1000, b);
	vr_guard_kunit_rx(k, 2, 1000, c);
	KUNIT_EXPECT_TRUE(test, vr_guard_kunit_is_on(k));
	vr_guard_kunit_age(k, VR_GUARD_KUNIT_HALF);
	return vr_guard_kunit_is_on(k);
}

static void vr_guard_kunit_even(struct kunit *test)
{
	static const struct { u32 lost[VR_GUARD_KUNIT_QUEUES]; bool on; } c[] = {
		{ { 900, 900, 900 }, false },
		{ { 0, 0, 0 }, false },
		{ { 880, 900, 900 }, false },
		/* a larger share than its part of what comes */
		{ { 700, 900, 900 }, true },
		{ { 900, 900, 0 }, true },
		{ { 850, 900, 900 }, true },
		/* less than its part: what it was charged for was no fault of its own */
		{ { 900, 900, 930 }, false },
	};
	struct vr_guard_kunit *k;
	int i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		k = vr_guard_kunit_start(test);
		KUNIT_EXPECT_EQ_MSG(test, c[i].on,
				    vr_guard_kunit_half(test, k, c[i].lost[0],
							c[i].lost[1], c[i].lost[2]),
				    "case %d", i);
		/* the whole time once more, or the ring drops until something happens */
		KUNIT_EXPECT_EQ_MSG(test, c[i].on, vr_guard_kunit_is_on(k), "case %d", i);
		vr_guard_kunit_age(k, VR_GUARD_KUNIT_HALF);
		KUNIT_EXPECT_EQ_MSG(test, c[i].on, vr_guard_kunit_is_on(k), "case %d", i);
	}
}

/* Nothing is known of a router that came in between, or of a time without polls. */
static void vr_guard_kunit_unknown(struct kunit *test)
{
	struct vr_guard_kunit *k = vr_guard_kunit_start(test);

	vr_guard_kunit_age(k, 100 * VR_GUARD_KUNIT_HALF);
	KUNIT_EXPECT_TRUE(test, vr_guard_kunit_is_on(k));

	k = vr_guard_kunit_start(test);
	vr_drr_remove(&k->drr, &k->queue[2].flow);
	vr_guard_kunit_age(k, VR_GUARD_KUNIT_HALF);
	KUNIT_EXPECT_TRUE(test, vr_guard_kunit_is_on(k));
	vr_drr_activate(&k->drr, &k->queue[2].flow);
	vr_guard_kunit_rx(k, 0, 1000, 900);
	vr_guard_kunit_rx(k, 1, 1000, 900);
	vr_guard_kunit_rx(k, 2, 1000, 900);
	vr_guard_kunit_age(k, VR_GUARD_KUNIT_HALF);
	KUNIT_EXPECT_TRUE(test, vr_guard_kunit_is_on(k));

	/* nothing came for one of them */
	k = vr_guard_kunit_start(test);
	vr_guard_kunit_age(k, VR_GUARD_KUNIT_HALF);
	KUNIT_EXPECT_TRUE(test, vr_guard_kunit_is_on(k));
	vr_guard_kunit_rx(k, 0, 1000, 900);
	vr_guard_kunit_rx(k, 1, 1000, 900);
	vr_guard_kunit_age(k, VR_GUARD_KUNIT_HALF);
	KUNIT_EXPECT_TRUE(test, vr_guard_kunit_is_on(k));
}

/* Who ends it, and who does not. */
static void vr_guard_kunit_ends(struct kunit *test)
{
	struct vr_guard_kunit *k = vr_guard_kunit_start(test);

	KUNIT_ASSERT_FALSE(test, vr_guard_kunit_half(test, k, 900, 900, 900));
	vr_guard_routing(&k->guard);
	KUNIT_EXPECT_TRUE(test, vr_guard_kunit_is_on(k));

	/* a flood that pauses: all have dropped lately */
	k = vr_guard_kunit_start(test);
	KUNIT_ASSERT_FALSE(test, vr_guard_kunit_half(test, k, 900, 900, 900));
	vr_guard_kunit_rx(k, 0, 1, 1);
	vr_guard_kunit_rx(k, 1, 10, 10);
	vr_guard_served(&k->guard, &k->queue[0]);
	KUNIT_EXPECT_FALSE(test, vr_guard_kunit_is_on(k));

	/* others have dropped many since */
	k = vr_guard_kunit_start(test);
	KUNIT_ASSERT_FALSE(test, vr_guard_kunit_half(test, k, 900, 900, 900));
	vr_guard_kunit_rx(k, 1, 2048, 2048);
	vr_guard_served(&k->guard, &k->queue[1]);
	KUNIT_EXPECT_FALSE(test, vr_guard_kunit_is_on(k));
	vr_guard_served(&k->guard, &k->queue[0]);
	KUNIT_EXPECT_TRUE(test, vr_guard_kunit_is_on(k));

	/* nobody has to drop any more */
	k = vr_guard_kunit_start(test);
	KUNIT_ASSERT_FALSE(test, vr_guard_kunit_half(test, k, 900, 900, 900));
	vr_guard_kunit_age(k, 6 * HZ);
	vr_guard_served(&k->guard, &k->queue[0]);
	KUNIT_EXPECT_TRUE(test, vr_guard_kunit_is_on(k));
}

static struct kunit_case vr_guard_kunit_list[] = {
	KUNIT_CASE(vr_guard_kunit_even),
	KUNIT_CASE(vr_guard_kunit_unknown),
	KUNIT_CASE(vr_guard_kunit_ends),
	{}
};

static struct kunit_suite vr_guard_kunit_suite = {
	.name = "vrouter-guard",
	.test_cases = vr_guard_kunit_list,
};

kunit_test_suite(vr_guard_kunit_suite);
