// SPDX-License-Identifier: GPL-2.0
/*
 * Routes: what the local tables' numbers become.
 */
#include <kunit/test.h>
#include <linux/in6.h>

#include "../rib.h"

/**
 * struct vr_rib_kunit_number - a number of a local table
 * @nh: number
 * @reason: what it is to the data path
 */
struct vr_rib_kunit_number {
	u16 nh;
	u8 reason;
};

static const struct vr_rib_kunit_number vr_rib_kunit_numbers[] = {
	{ VROUTER_PUNT_LOCAL, VROUTER_PUNT_LOCAL },
	{ VROUTER_PUNT_MULTICAST, VROUTER_PUNT_MULTICAST },
	{ VROUTER_PUNT_MAX, VROUTER_PUNT_MAX },
	/* none of these may be an index, or be cut off to one, or to none */
	{ VROUTER_PUNT_MAX + 1, VROUTER_PUNT_LOCAL },
	{ 255, VROUTER_PUNT_LOCAL },
	{ 256, VROUTER_PUNT_LOCAL },
	{ VR_FIB_NH_MAX, VROUTER_PUNT_LOCAL },
};

static u8 vr_rib_kunit_find4(const struct vr_rib *rib, __be32 addr)
{
	u8 reason;

	rcu_read_lock();
	reason = vr_rib_find_local4(rib, addr);
	rcu_read_unlock();
	return reason;
}

static u8 vr_rib_kunit_find6(const struct vr_rib *rib,
			     const struct in6_addr *addr)
{
	u8 reason;

	rcu_read_lock();
	reason = vr_rib_find_local6(rib, addr);
	rcu_read_unlock();
	return reason;
}

static void vr_rib_kunit_local(struct kunit *test)
{
	const struct vr_rib_kunit_number *number = vr_rib_kunit_numbers;
	struct in6_addr v6 = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8 } };
	__be32 v4 = cpu_to_be32(0xc0000201);
	struct vr_rib *rib = vr_rib_alloc();
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, rib);
	KUNIT_EXPECT_EQ(test, 0, vr_rib_kunit_find4(rib, v4));
	KUNIT_EXPECT_EQ(test, 0, vr_rib_kunit_find6(rib, &v6));
	for (i = 0; i < ARRAY_SIZE(vr_rib_kunit_numbers); i++, number++) {
		KUNIT_ASSERT_EQ(test, 0, vr_fib_set(rib->local4, &v4, 32,
						    number->nh, NULL, GFP_KERNEL));
		KUNIT_ASSERT_EQ(test, 0, vr_fib_set(rib->local6, &v6, 128,
						    number->nh, NULL, GFP_KERNEL));
		KUNIT_EXPECT_EQ(test, number->reason,
				vr_rib_kunit_find4(rib, v4));
		KUNIT_EXPECT_EQ(test, number->reason,
				vr_rib_kunit_find6(rib, &v6));
	}
	vr_rib_put(rib);
}

static struct kunit_case vr_rib_kunit_cases[] = {
	KUNIT_CASE(vr_rib_kunit_local),
	{}
};

static struct kunit_suite vr_rib_kunit_suite = {
	.name = "vrouter-rib",
	.test_cases = vr_rib_kunit_cases,
};

kunit_test_suite(vr_rib_kunit_suite);
