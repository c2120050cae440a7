// SPDX-License-Identifier: GPL-2.0
/*
 * The FIB: one line per case.
 */
#include <kunit/test.h>
#include <linux/inet.h>
#include <linux/unaligned.h>

#include "../fib.h"
#include "fib_kunit.h"

enum vr_fib_kunit_op { NEW4, NEW6, SET, DEL, GET, FIND, COUNT };

/**
 * struct vr_fib_kunit_step - one line of a scenario
 * @op: NEW4 and NEW6 begin a new table
 * @addr: prefix or address
 * @plen: bits; of FIND, those of the prefix that must match
 * @nh: next hop to set, or the one expected of FIND, DEL, GET
 * @ret: what SET and DEL must return; of COUNT, the prefixes
 */
struct vr_fib_kunit_step {
	enum vr_fib_kunit_op op;
	const char *addr;
	u8 plen;
	u16 nh;
	int ret;
};

static const struct vr_fib_kunit_step vr_fib_kunit_steps[] = {
	{ NEW4 },
	{ FIND, "1.2.3.4" },
	{ DEL, "0.0.0.0", 0, 0, -ENOENT },
	{ DEL, "1.2.3.4", 32, 0, -ENOENT },
	{ GET, "0.0.0.0" },
	{ SET, "0.0.0.0", 0, 0, -EINVAL },
	{ SET, "0.0.0.0", 0, 32768, -EINVAL },
	{ SET, "0.0.0.0", 33, 1, -EINVAL },
	{ SET, "1.2.3.4", 31, 1 },
	{ SET, "1.2.3.5", 31, 1, -EINVAL },
	{ SET, "128.0.0.0", 0, 1, -EINVAL },
	{ DEL, "1.2.3.5", 31, 0, -EINVAL },
	{ DEL, "1.2.3.4", 33, 0, -EINVAL },
	{ GET, "1.2.3.5", 31 },
	{ COUNT, .ret = 1 },

	/* default route and host route */
	{ NEW4 },
	{ SET, "0.0.0.0", 0, 1 },
	{ SET, "255.255.255.255", 32, 32767 },
	{ FIND, "0.0.0.0", 0, 1 },
	{ FIND, "255.255.255.254", 0, 1 },
	{ FIND, "255.255.255.255", 32, 32767 },
	{ SET, "0.0.0.0", 32, 3 },
	{ FIND, "0.0.0.0", 32, 3 },
	{ FIND, "0.0.0.1", 0, 1 },
	{ DEL, "0.0.0.0", 0, 1 },
	{ FIND, "0.0.0.1" },
	{ GET, "0.0.0.0", 32, 3 },
	{ GET, "0.0.0.0", 0, 0 },
	{ COUNT, .ret = 2 },

	/* replace, and what it covers */
	{ NEW4 },
	{ SET, "10.0.0.0", 8, 1 },
	{ SET, "10.1.0.0", 16, 2 },
	{ SET, "10.0.0.0", 8, 3 },
	{ FIND, "10.0.255.255", 8, 3 },
	{ FIND, "10.1.0.0", 16, 2 },
	{ FIND, "10.1.255.255", 16, 2 },
	{ FIND, "10.2.0.0", 8, 3 },
	{ FIND, "9.255.255.255" },
	{ FIND, "11.0.0.0" },
	{ COUNT, .ret = 2 },

	/* a covering prefix comes last, goes first */
	{ NEW4 },
	{ SET, "10.1.2.0", 24, 3 },
	{ SET, "10.1.0.0", 16, 2 },
	{ SET, "10.0.0.0", 8, 1 },
	{ FIND, "10.1.2.3", 24, 3 },
	{ FIND, "10.1.3.3", 16, 2 },
	{ DEL, "10.1.0.0", 16, 2 },
	{ FIND, "10.1.2.3", 24, 3 },
	{ FIND, "10.1.3.3", 8, 1 },
	{ DEL, "10.0.0.0", 8, 1 },
	{ FIND, "10.1.3.3" },
	{ FIND, "10.1.2.3", 24, 3 },
	{ DEL, "10.1.2.0", 24, 3 },
	{ DEL, "10.1.2.0", 24, 0, -ENOENT },
	{ FIND, "10.1.2.3" },
	{ COUNT, .ret = 0 },

	/* covers within one node, and next to each other */
	{ NEW4 },
	{ SET, "192.0.2.0", 25, 1 },
	{ SET, "192.0.2.0", 26, 2 },
	{ SET, "192.0.2.0", 27, 3 },
	{ SET, "192.0.2.0", 28, 4 },
	{ SET, "192.0.2.64", 26, 5 },
	{ FIND, "192.0.2.15", 28, 4 },
	{ FIND, "192.0.2.16", 27, 3 },
	{ FIND, "192.0.2.32", 26, 2 },
	{ FIND, "192.0.2.64", 26, 5 },
	{ FIND, "192.0.2.128" },
	{ DEL, "192.0.2.0", 27, 3 },
	{ FIND, "192.0.2.15", 28, 4 },
	{ FIND, "192.0.2.16", 26, 2 },
	{ DEL, "192.0.2.0", 28, 4 },
	{ FIND, "192.0.2.15", 26, 2 },
	{ DEL, "192.0.2.64", 26, 5 },
	{ FIND, "192.0.2.64", 25, 1 },

	/* nodes part, the parting gets a prefix, all merge again */
	{ NEW4 },
	{ SET, "0.0.0.0", 0, 9 },
	{ SET, "172.16.1.1", 32, 1 },
	{ SET, "172.16.1.129", 32, 2 },
	{ FIND, "172.16.1.1", 32, 1 },
	{ FIND, "172.16.1.2", 0, 9 },
	{ FIND, "172.17.1.1", 0, 9 },
	{ SET, "172.16.1.128", 25, 3 },
	{ FIND, "172.16.1.1", 32, 1 },
	{ FIND, "172.16.1.129", 32, 2 },
	{ FIND, "172.16.1.130", 25, 3 },
	{ DEL, "172.16.1.129", 32, 2 },
	{ FIND, "172.16.1.129", 25, 3 },
	{ DEL, "172.16.1.128", 25, 3 },
	{ FIND, "172.16.1.129", 0, 9 },
	{ FIND, "172.16.1.1", 32, 1 },
	{ SET, "172.16.0.0", 16, 4 },
	{ FIND, "172.16.1.129", 16, 4 },
	{ FIND, "172.16.1.1", 32, 1 },

	{ NEW6 },
	{ FIND, "::" },
	{ SET, "::", 0, 1 },
	{ SET, "2000::", 3, 2 },
	{ SET, "2001:db8::", 32, 3 },
	{ SET, "2001:db8:1::", 48, 4 },
	{ SET, "2001:db8:1:2::", 64, 5 },
	{ SET, "2001:db8:1:2::1", 128, 6 },
	{ SET, "fe80::", 10, 7 },
	{ SET, "::1", 128, 8 },
	{ SET, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128, 9 },
	{ SET, "2001:db8::1", 32, 3, -EINVAL },
	{ SET, "2001:db8::1", 127, 3, -EINVAL },
	{ SET, "::", 129, 3, -EINVAL },
	{ FIND, "::", 0, 1 },
	{ FIND, "::1", 128, 8 },
	{ FIND, "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, 1 },
	{ FIND, "2000::", 3, 2 },
	{ FIND, "3fff::", 3, 2 },
	{ FIND, "4000::", 0, 1 },
	{ FIND, "2001:db8::", 32, 3 },
	{ FIND, "2001:db9::", 3, 2 },
	{ FIND, "2001:db8:1:1::", 48, 4 },
	{ FIND, "2001:db8:1:2::", 64, 5 },
	{ FIND, "2001:db8:1:2::1", 128, 6 },
	{ FIND, "2001:db8:1:2:ffff::1", 64, 5 },
	{ FIND, "2001:db8:1:3::1", 48, 4 },
	{ FIND, "febf::1", 10, 7 },
	{ FIND, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128, 9 },
	{ FIND, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 0, 1 },
	{ DEL, "2001:db8:1::", 48, 4 },
	{ FIND, "2001:db8:1:1::", 32, 3 },
	{ FIND, "2001:db8:1:2::1", 128, 6 },
	{ DEL, "2001:db8:1:2::", 64, 5 },
	{ FIND, "2001:db8:1:2::2", 32, 3 },
	{ DEL, "::", 0, 1 },
	{ FIND, "4000::" },
	{ COUNT, .ret = 6 },
};

static void vr_fib_kunit_find(struct kunit *test, struct vr_fib *fib, int line,
			      const struct vr_fib_kunit_step *step,
			      const void *addr)
{
	u8 prefix[16] = {};
	u8 plen;
	u16 nh;

	nh = vr_fib_kunit_lookup(fib, addr, prefix, &plen);
	KUNIT_EXPECT_EQ_MSG(test, nh, step->nh, "step %d", line);
	KUNIT_EXPECT_EQ_MSG(test, plen, step->plen, "step %d", line);
	if (nh)
		KUNIT_EXPECT_EQ_MSG(test, vr_fib_get(fib, prefix, plen), nh,
				    "step %d", line);
}

static void vr_fib_kunit_step(struct kunit *test, struct vr_fib *fib, int line,
			      const struct vr_fib_kunit_step *step)
{
	u16 old, before = 0;
	u8 addr[16] = {};
	int ret;

	if (step->addr && fib->bits == 32)
		KUNIT_ASSERT_TRUE(test, in4_pton(step->addr, -1, addr, -1, NULL));
	else if (step->addr)
		KUNIT_ASSERT_TRUE(test, in6_pton(step->addr, -1, addr, -1, NULL));

	switch (step->op) {
	case SET:
		before = vr_fib_get(fib, addr, step->plen);
		ret = vr_fib_set(fib, addr, step->plen, step->nh, &old,
				 GFP_KERNEL);
		KUNIT_EXPECT_EQ_MSG(test, ret, step->ret, "step %d", line);
		if (!ret)
			KUNIT_EXPECT_EQ_MSG(test, old, before, "step %d", line);
		break;
	case DEL:
		ret = vr_fib_del(fib, addr, step->plen, &old, GFP_KERNEL);
		KUNIT_EXPECT_EQ_MSG(test, ret, step->ret, "step %d", line);
		if (!ret)
			KUNIT_EXPECT_EQ_MSG(test, old, step->nh, "step %d", line);
		break;
	case GET:
		KUNIT_EXPECT_EQ_MSG(test, vr_fib_get(fib, addr, step->plen),
				    step->nh, "step %d", line);
		break;
	case FIND:
		vr_fib_kunit_find(test, fib, line, step, addr);
		break;
	default:
		KUNIT_EXPECT_EQ_MSG(test, vr_fib_count(fib), step->ret,
				    "step %d", line);
	}
}

static void vr_fib_kunit_cases(struct kunit *test)
{
	const struct vr_fib_kunit_step *step = vr_fib_kunit_steps;
	struct vr_fib *fib = NULL;
	int i;

	for (i = 0; i < ARRAY_SIZE(vr_fib_kunit_steps); i++, step++) {
		if (step->op == NEW4 || step->op == NEW6) {
			vr_fib_free(fib);
			fib = vr_fib_alloc(step->op == NEW4 ? 32 : 128,
					   GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, fib);
			continue;
		}
		vr_fib_kunit_step(test, fib, i, step);
	}
	vr_fib_free(fib);
	vr_fib_free(NULL);
	KUNIT_EXPECT_NULL(test, vr_fib_alloc(64, GFP_KERNEL));
}

static void vr_fib_kunit_ones(u8 *prefix, unsigned int plen)
{
	memset(prefix, 0, 16);
	memset(prefix, 0xff, plen / 8);
	if (plen % 8)
		prefix[plen / 8] = 0xff << (8 - plen % 8);
}

/* The longest prefix of ones in the table that has at most j bits, plus 1. */
static unsigned int vr_fib_kunit_want(struct vr_fib *fib, unsigned int j)
{
	unsigned int want;
	u8 prefix[16];

	for (want = j + 1; want; want--) {
		vr_fib_kunit_ones(prefix, want - 1);
		if (vr_fib_get(fib, prefix, want - 1))
			break;
	}
	return want;
}

/* Addresses that agree with the prefixes of ones up to each number of bits. */
static void vr_fib_kunit_nest_probe(struct kunit *test, struct vr_fib *fib)
{
	u8 prefix[16], addr[16], plen;
	unsigned int j;

	for (j = 0; j <= fib->bits; j++) {
		memset(addr, 0xff, sizeof(addr));
		if (j < fib->bits)
			addr[j / 8] ^= 0x80 >> j % 8;
		KUNIT_ASSERT_EQ(test, vr_fib_kunit_want(fib, j),
				vr_fib_kunit_lookup(fib, addr, prefix, &plen));
	}
}

/* A prefix of every length on one address, deleted in several orders. */
static void vr_fib_kunit_nest(struct kunit *test, unsigned int bits, int order)
{
	struct vr_fib *fib = vr_fib_alloc(bits, GFP_KERNEL);
	unsigned int i, j, len;
	u8 prefix[16];
	u64 empty;
	int err;

	KUNIT_ASSERT_NOT_NULL(test, fib);
	empty = vr_fib_kunit_bytes(fib);
	for (i = 0; i <= 2 * bits + 1; i++) {
		/* 37 and 47 have no factor in common with 33 and 129 */
		j = i % (bits + 1);
		len = order == 0 ? j : order == 1 ? bits - j :
		      j * (order == 2 ? 37 : 47) % (bits + 1);
		vr_fib_kunit_ones(prefix, len);
		if (i <= bits)
			err = vr_fib_set(fib, prefix, len, len + 1, NULL,
					 GFP_KERNEL);
		else
			err = vr_fib_del(fib, prefix, len, NULL, GFP_KERNEL);
		KUNIT_ASSERT_EQ(test, err, 0);
		vr_fib_kunit_nest_probe(test, fib);
		KUNIT_ASSERT_TRUE(test, vr_fib_kunit_verify(fib));
	}
	KUNIT_EXPECT_EQ(test, vr_fib_count(fib), 0);
	KUNIT_EXPECT_EQ(test, vr_fib_kunit_bytes(fib), empty);
	vr_fib_free(fib);
}

static void vr_fib_kunit_nests(struct kunit *test)
{
	int order;

	for (order = 0; order < 4; order++) {
		vr_fib_kunit_nest(test, 32, order);
		vr_fib_kunit_nest(test, 128, order);
	}
}

static void vr_fib_kunit_host(struct kunit *test, struct vr_fib *fib,
			      unsigned int addr)
{
	u8 prefix[16] = {};

	put_unaligned_be32(addr, prefix);
	KUNIT_ASSERT_EQ(test, 0, vr_fib_set(fib, prefix, 32, 1 + addr % 7, NULL,
					    GFP_KERNEL));
}

/*
 * A node changes its kind between one above that only gets a new pointer and one
 * below that changes in place: each of them keeps its own numbers. Those here follow
 * from VR_FIB_BELOW_MAX and VR_FIB_PREFIXES_MAX of fib_sheet.c.
 */
static void vr_fib_kunit_kind(struct kunit *test, unsigned int bits)
{
	struct vr_fib *fib = vr_fib_alloc(bits, GFP_KERNEL);
	unsigned int i;
	u8 prefix[16];

	KUNIT_ASSERT_NOT_NULL(test, fib);
	/* 10.0.0.0/16: flat for its nodes below */
	for (i = 0; i < 200; i++)
		vr_fib_kunit_host(test, fib, 0x0a000001 + (i << 8));
	/* 10.0.0.0/8: as many prefixes as it may have without being flat */
	for (i = 200; i < 4096; i++)
		vr_fib_kunit_host(test, fib, 0x0a010001 + (i << 8));
	/* all: flat for its prefixes, whatever happens to 10.0.0.0/8 */
	for (i = 0; i < 10; i++)
		vr_fib_kunit_host(test, fib, 0x0b000001 + (i << 8));
	KUNIT_ASSERT_TRUE(test, vr_fib_kunit_verify(fib));
	for (i = 0; i < 3; i++) {
		vr_fib_kunit_host(test, fib, 0x0a000002);
		KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(fib));
		memset(prefix, 0, sizeof(prefix));
		put_unaligned_be32(0x0a000002, prefix);
		KUNIT_EXPECT_EQ(test, 0, vr_fib_del(fib, prefix, 32, NULL,
						    GFP_KERNEL));
		KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(fib));
	}
	vr_fib_free(fib);
}

static void vr_fib_kunit_kinds(struct kunit *test)
{
	vr_fib_kunit_kind(test, 32);
	vr_fib_kunit_kind(test, 128);
}

static struct kunit_case vr_fib_kunit_list[] = {
	KUNIT_CASE(vr_fib_kunit_cases),
	KUNIT_CASE(vr_fib_kunit_nests),
	KUNIT_CASE(vr_fib_kunit_kinds),
	{}
};

static struct kunit_suite vr_fib_kunit_suite = {
	.name = "vrouter-fib",
	.test_cases = vr_fib_kunit_list,
};

kunit_test_suite(vr_fib_kunit_suite);
