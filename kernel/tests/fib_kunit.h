/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites for the FIB share.
 */
#ifndef VROUTER_TESTS_FIB_KUNIT_H
#define VROUTER_TESTS_FIB_KUNIT_H

#include <linux/hrtimer.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../fib.h"

/**
 * vr_fib_kunit_lookup() - look up an address by both functions
 * @fib: table
 * @addr: 4 or 16 bytes, network order
 * @prefix: gets the matching prefix
 * @plen: gets its length
 *
 * Return: the next hop, 0xdead if the functions do not agree.
 */
static inline u16 vr_fib_kunit_lookup(struct vr_fib *fib, const void *addr,
				      void *prefix, u8 *plen)
{
	u16 found, matched;
	__be32 v4;

	rcu_read_lock();
	if (fib->bits == 32) {
		memcpy(&v4, addr, sizeof(v4));
		found = vr_fib_lookup4(fib, v4);
	} else {
		found = vr_fib_lookup6(fib, addr);
	}
	matched = vr_fib_match(fib, addr, prefix, plen);
	rcu_read_unlock();
	return found == matched ? found : 0xdead;
}

/**
 * vr_fib_kunit_bytes() - all memory of a table
 * @fib: table
 *
 * Return: bytes, or 0 without memory to count them.
 */
static inline u64 vr_fib_kunit_bytes(struct vr_fib *fib)
{
	struct vr_fib_info *info = kmalloc(sizeof(*info), GFP_KERNEL);
	u64 bytes = 0;

	if (info && !vr_fib_get_info(fib, info))
		bytes = info->bytes + info->store_bytes;
	kfree(info);
	return bytes;
}

/**
 * vr_fib_kunit_verify() - does the table's own check find it right?
 * @fib: table
 *
 * Return: true if so.
 */
static inline bool vr_fib_kunit_verify(struct vr_fib *fib)
{
	unsigned int bad;

	return !vr_fib_verify(fib, &bad) && !bad;
}

/* 6.15: one function does both */
static inline void
vr_fib_kunit_timer_setup(struct hrtimer *timer,
			 enum hrtimer_restart (*fn)(struct hrtimer *timer))
{
#ifdef VR_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	timer->function = fn;
#endif
}

#endif
