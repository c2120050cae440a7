/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites for the FIB share.
 */
#ifndef VROUTER_TESTS_FIB_KUNIT_H
#define VROUTER_TESTS_FIB_KUNIT_H

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

#endif
