// SPDX-License-Identifier: GPL-2.0
/*
 * The FIB: what tables have in common, and what readers see of a change.
 */
#include <kunit/test.h>
#include <linux/hrtimer.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "../fib.h"
#include "../fib_node.h"
#include "fib_kunit.h"

#define VR_FIB_SHARE_N		6000	/* more than one flat node takes */
#define VR_FIB_RACE_PROBES	16
#define VR_FIB_RACE_OPS		20000
#define VR_FIB_RACE_LIVE	300
#define VR_FIB_RACE_NS		50000

/* A prefix that follows from its number, all of them different. */
static u8 vr_fib_share_prefix(unsigned int i, unsigned int bits, u8 *addr)
{
	u32 high = i * 2654435761U;

	memset(addr, 0, 16);
	addr[0] = bits == 128 ? 0x20 : high >> 24;
	addr[1] = i % 7 ? 1 : high >> 16;
	addr[2] = i >> 8;
	addr[3] = i;
	return i % 5 ? 32 : bits;
}

static void vr_fib_share_set(struct kunit *test, struct vr_fib *fib,
			     unsigned int i, u16 nh)
{
	u8 addr[16], plen = vr_fib_share_prefix(i, fib->bits, addr);

	KUNIT_ASSERT_EQ(test, 0, vr_fib_set(fib, addr, plen, nh, NULL,
					    GFP_KERNEL));
}

static void vr_fib_share_del(struct kunit *test, struct vr_fib *fib,
			     unsigned int i)
{
	u8 addr[16], plen = vr_fib_share_prefix(i, fib->bits, addr);

	KUNIT_ASSERT_EQ(test, 0, vr_fib_del(fib, addr, plen, NULL, GFP_KERNEL));
}

static u16 vr_fib_share_nh(unsigned int i)
{
	return 1 + i % 11;
}

/* Prefixes forwards or backwards, with some in between that do not stay. */
static struct vr_fib *vr_fib_share_table(struct kunit *test, unsigned int bits,
					 bool backwards)
{
	struct vr_fib *fib = vr_fib_alloc(bits, GFP_KERNEL);
	unsigned int i, j;

	KUNIT_ASSERT_NOT_NULL(test, fib);
	for (i = 0; i < VR_FIB_SHARE_N; i++) {
		j = backwards ? VR_FIB_SHARE_N - 1 - i : i;
		if (j % 3)
			vr_fib_share_set(test, fib, j, vr_fib_share_nh(j));
		else if (backwards)
			vr_fib_share_set(test, fib, j, 77);
	}
	for (i = 0; backwards && i < VR_FIB_SHARE_N; i += 3)
		vr_fib_share_del(test, fib, i);
	KUNIT_ASSERT_TRUE(test, vr_fib_kunit_verify(fib));
	return fib;
}

static void vr_fib_share_compare(struct kunit *test, unsigned int bits)
{
	struct vr_fib_info *info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	unsigned int before = vr_fib_node_total(), one;
	struct vr_fib *a, *b;

	KUNIT_ASSERT_NOT_NULL(test, info);
	a = vr_fib_share_table(test, bits, false);
	KUNIT_ASSERT_EQ(test, 0, vr_fib_get_info(a, info));
	KUNIT_EXPECT_EQ(test, info->shared_bytes + info->store_shared_bytes, 0);
	one = vr_fib_node_total();
	b = vr_fib_share_table(test, bits, true);
	KUNIT_EXPECT_EQ_MSG(test, vr_fib_node_total(), one,
			    "an equal table takes no more nodes");
	KUNIT_ASSERT_EQ(test, 0, vr_fib_get_info(b, info));
	KUNIT_EXPECT_EQ(test, info->bytes - info->shared_bytes,
			sizeof(struct vr_fib) + sizeof(struct vr_fib_head));
	KUNIT_EXPECT_EQ(test, info->store_bytes, info->store_shared_bytes);
	KUNIT_EXPECT_EQ(test, info->prefixes, vr_fib_count(a));

	/* one changes and changes back, the other one does not */
	vr_fib_share_set(test, b, 1, 500);
	KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(a));
	KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(b));
	KUNIT_EXPECT_GT(test, vr_fib_node_total(), one);
	vr_fib_share_set(test, b, 1, vr_fib_share_nh(1));
	KUNIT_EXPECT_EQ(test, vr_fib_node_total(), one);
	vr_fib_free(a);
	KUNIT_EXPECT_EQ(test, vr_fib_node_total(), one);
	KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(b));
	vr_fib_free(b);
	KUNIT_EXPECT_EQ(test, vr_fib_node_total(), before);
}

static void vr_fib_share_equal(struct kunit *test)
{
	vr_fib_share_compare(test, 32);
	vr_fib_share_compare(test, 128);
}

/* Everything in few chains of the hash: only slower. */
static void vr_fib_share_collide(struct kunit *test)
{
	if (vr_fib_node_total())
		kunit_skip(test, "there are tables already");
	vr_fib_node_mask = 0x1f00;
	vr_fib_share_compare(test, 32);
	vr_fib_share_compare(test, 128);
	vr_fib_node_mask = ~0U;
}

/**
 * struct vr_fib_share_list - the prefixes of a table
 * @bits: length of an address
 * @n: number
 * @entry: the prefixes in order
 */
struct vr_fib_share_list {
	unsigned int bits;
	unsigned int n;
	struct {
		u8 prefix[16];
		u8 plen;
		u16 nh;
	} entry[VR_FIB_SHARE_N];
};

static int vr_fib_share_note(void *arg, const void *prefix, u8 plen, u16 nh)
{
	struct vr_fib_share_list *list = arg;

	memcpy(list->entry[list->n].prefix, prefix, list->bits / 8);
	list->entry[list->n].plen = plen;
	list->entry[list->n++].nh = nh;
	return list->n == VR_FIB_SHARE_N ? -ENOSPC : 0;
}

/* An empty table, with the prefixes set but not made into one yet. */
static struct vr_fib *vr_fib_share_begin(struct kunit *test, unsigned int bits,
					 const struct vr_fib_share_list *list)
{
	struct vr_fib *fib = vr_fib_alloc(bits, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, fib);
	KUNIT_ASSERT_EQ(test, 0, vr_fib_bulk_begin(fib));
	for (i = 0; i < list->n; i++)
		KUNIT_ASSERT_EQ(test, 0, vr_fib_set(fib, list->entry[i].prefix,
						    list->entry[i].plen,
						    list->entry[i].nh, NULL,
						    GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, vr_fib_count(fib), list->n);
	return fib;
}

static void vr_fib_share_load(struct kunit *test, unsigned int bits)
{
	struct vr_fib *a = vr_fib_share_table(test, bits, false), *b;
	struct vr_fib_share_list *list;
	const u8 *prefix;
	unsigned int total;
	u8 zero[16] = {}, plen;
	u16 old;

	list = kunit_kzalloc(test, sizeof(*list), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, list);
	list->bits = bits;
	KUNIT_ASSERT_EQ(test, 0, vr_fib_set(a, zero, 0, 9, NULL, GFP_KERNEL));
	total = vr_fib_node_total();
	rcu_read_lock();
	vr_fib_walk(a, NULL, 0, vr_fib_share_note, list);
	rcu_read_unlock();
	KUNIT_ASSERT_EQ(test, list->n, vr_fib_count(a));

	/* in bulk to the end */
	b = vr_fib_share_begin(test, bits, list);
	KUNIT_ASSERT_EQ(test, 0, vr_fib_bulk_end(b, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, vr_fib_node_total(), total);
	KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(b));
	vr_fib_free(b);

	/* a prefix that is noted already, far back */
	b = vr_fib_share_begin(test, bits, list);
	KUNIT_ASSERT_EQ(test, 0, vr_fib_set(b, zero, 0, 8, &old, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, old, 9);
	KUNIT_ASSERT_EQ(test, 0, vr_fib_bulk_end(b, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 8, vr_fib_get(b, zero, 0));
	KUNIT_EXPECT_EQ(test, vr_fib_node_total(), total);
	KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(b));
	vr_fib_free(b);

	/* one goes again: the others become a table first */
	b = vr_fib_share_begin(test, bits, list);
	prefix = list->entry[list->n / 2].prefix;
	plen = list->entry[list->n / 2].plen;
	KUNIT_ASSERT_EQ(test, 0, vr_fib_del(b, prefix, plen, &old, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, b->bulk);
	KUNIT_EXPECT_EQ(test, vr_fib_count(b), list->n - 1);
	KUNIT_EXPECT_EQ(test, 0, vr_fib_get(b, prefix, plen));
	KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(b));
	KUNIT_ASSERT_EQ(test, 0, vr_fib_set(b, prefix, plen, old, NULL, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, vr_fib_node_total(), total);
	vr_fib_free(b);

	/* given up */
	vr_fib_free(vr_fib_share_begin(test, bits, list));
	KUNIT_EXPECT_EQ(test, vr_fib_node_total(), total);
	vr_fib_free(a);
}

/* In no order at all: it has to be given up, and must come to the same. */
static void vr_fib_share_disorder(struct kunit *test, unsigned int bits)
{
	struct vr_fib *a = vr_fib_share_table(test, bits, false);
	struct vr_fib *b = vr_fib_alloc(bits, GFP_KERNEL);
	unsigned int total = vr_fib_node_total(), i, j;

	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_ASSERT_EQ(test, 0, vr_fib_bulk_begin(b));
	for (i = 0; i < VR_FIB_SHARE_N; i++) {
		/* has no factor in common with VR_FIB_SHARE_N */
		j = VR_FIB_SHARE_N - 1 - i * 1009 % VR_FIB_SHARE_N;
		if (j % 3)
			vr_fib_share_set(test, b, j, vr_fib_share_nh(j));
	}
	KUNIT_EXPECT_NULL_MSG(test, b->bulk, "it was in no order");
	KUNIT_ASSERT_EQ(test, 0, vr_fib_bulk_end(b, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, vr_fib_count(a), vr_fib_count(b));
	KUNIT_EXPECT_EQ(test, vr_fib_node_total(), total);
	KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(b));
	vr_fib_free(a);
	vr_fib_free(b);
}

static void vr_fib_share_bulk(struct kunit *test)
{
	vr_fib_share_disorder(test, 32);
	vr_fib_share_disorder(test, 128);

	vr_fib_share_load(test, 32);
	vr_fib_share_load(test, 128);
}

static struct in6_addr vr_fib_share_host(u8 net, u8 host)
{
	struct in6_addr addr = {};

	addr.s6_addr[0] = 0x20;
	addr.s6_addr[7] = net;
	addr.s6_addr[15] = host;
	return addr;
}

static u16 vr_fib_share_find(struct vr_fib *fib, u8 net, u8 host)
{
	struct in6_addr addr = vr_fib_share_host(net, host), prefix;
	u8 plen;

	return vr_fib_kunit_lookup(fib, &addr, &prefix, &plen);
}

/* All 256 slots of a node lead to the same one: a node with one run. */
static void vr_fib_share_one_run(struct kunit *test)
{
	struct vr_fib *fib = vr_fib_alloc(128, GFP_KERNEL);
	struct in6_addr addr;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, fib);
	for (i = 0; i < 256; i++) {
		addr = vr_fib_share_host(i, 1);
		KUNIT_ASSERT_EQ(test, 0, vr_fib_set(fib, &addr, 128, 3, NULL,
						    GFP_KERNEL));
	}
	KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(fib));
	for (i = 0; i < 256; i++) {
		KUNIT_EXPECT_EQ(test, 3, vr_fib_share_find(fib, i, 1));
		KUNIT_EXPECT_EQ(test, 0, vr_fib_share_find(fib, i, 2));
	}
	KUNIT_ASSERT_EQ(test, 0, vr_fib_del(fib, &addr, 128, NULL, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 0, vr_fib_share_find(fib, 255, 1));
	KUNIT_EXPECT_EQ(test, 3, vr_fib_share_find(fib, 254, 1));
	KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(fib));
	vr_fib_free(fib);
}

/**
 * struct vr_fib_race - a reader that interrupts the writer
 * @timer: the reader
 * @fib: table
 * @probe: addresses that it looks up
 * @before: what each of them was, and may still be
 * @after: what each of them is to become
 * @reads: lookups
 * @wrong: of these, the ones that found neither
 * @order: walks that told prefixes out of order
 * @live: prefixes, by the last byte of the address and the length
 */
struct vr_fib_race {
	struct hrtimer timer;
	struct vr_fib *fib;
	__be32 probe[VR_FIB_RACE_PROBES];
	u16 before[VR_FIB_RACE_PROBES];
	u16 after[VR_FIB_RACE_PROBES];
	unsigned long reads;
	unsigned long wrong;
	unsigned long order;
	struct {
		u32 addr;
		u8 plen;
		u16 nh;
	} live[VR_FIB_RACE_LIVE];
};

static int vr_fib_race_told(void *arg, const void *prefix, u8 plen, u16 nh)
{
	u64 *last = arg, now = (u64)get_unaligned_be32(prefix) << 8 | plen;

	if (!nh || plen > 32 || now < *last)
		return -ERANGE;
	*last = now + 1;
	return 0;
}

static enum hrtimer_restart vr_fib_race_read(struct hrtimer *timer)
{
	struct vr_fib_race *race = container_of(timer, struct vr_fib_race,
						timer);
	u64 last = 0;
	__be32 prefix;
	unsigned int i;
	u8 plen;
	u16 nh;

	rcu_read_lock();
	for (i = 0; i < VR_FIB_RACE_PROBES; i++) {
		nh = vr_fib_lookup4(race->fib, race->probe[i]);
		race->reads++;
		if (nh != READ_ONCE(race->before[i]) &&
		    nh != READ_ONCE(race->after[i]))
			race->wrong++;
		/* the store may be ahead of what lookups see, by one change */
		nh = vr_fib_match(race->fib, &race->probe[i], &prefix, &plen);
		if (nh != READ_ONCE(race->before[i]) &&
		    nh != READ_ONCE(race->after[i]))
			race->wrong++;
	}
	if (vr_fib_walk(race->fib, NULL, 0, vr_fib_race_told, &last))
		race->order++;
	rcu_read_unlock();
	hrtimer_forward_now(timer, ns_to_ktime(VR_FIB_RACE_NS));
	return HRTIMER_RESTART;
}

static u16 vr_fib_race_expect(const struct vr_fib_race *race, u32 addr)
{
	int best = -1;
	u16 nh = 0;
	int i;

	for (i = 0; i < VR_FIB_RACE_LIVE; i++) {
		if (!race->live[i].nh || race->live[i].plen < best ||
		    (race->live[i].plen && (addr ^ race->live[i].addr) >>
					   (32 - race->live[i].plen)))
			continue;
		best = race->live[i].plen;
		nh = race->live[i].nh;
	}
	return nh;
}

/* Prefixes of one slot differ, so that none is there twice. */
static void vr_fib_race_choose(struct vr_fib_race *race, unsigned int slot,
			       u32 rnd)
{
	u8 plen = slot % 33;
	u32 addr = plen ? slot / 33 * 0x1c71c71cU : 0;

	if (plen > 8)
		addr = (addr & 0xff000000) | (rnd & 0x00ff00ff);
	if (plen)
		addr = addr >> (32 - plen) << (32 - plen);
	race->live[slot].addr = addr;
	race->live[slot].plen = plen;
}

static bool vr_fib_race_taken(const struct vr_fib_race *race, unsigned int slot)
{
	int i;

	for (i = 0; i < VR_FIB_RACE_LIVE; i++)
		if (i != slot && race->live[i].nh &&
		    race->live[i].plen == race->live[slot].plen &&
		    race->live[i].addr == race->live[slot].addr)
			return true;
	return false;
}

static void vr_fib_race_step(struct kunit *test, struct vr_fib_race *race,
			     u32 rnd, u32 rnd2)
{
	unsigned int slot = rnd % VR_FIB_RACE_LIVE, i;
	u16 was = race->live[slot].nh, nh;
	__be32 addr;
	int err;

	if (!was) {
		vr_fib_race_choose(race, slot, rnd2);
		if (vr_fib_race_taken(race, slot))
			return;
	}
	nh = was && rnd & BIT(31) ? 0 : 1 + rnd2 % 30000;
	race->live[slot].nh = nh;
	for (i = 0; i < VR_FIB_RACE_PROBES; i++)
		WRITE_ONCE(race->after[i],
			   vr_fib_race_expect(race,
					      be32_to_cpu(race->probe[i])));
	addr = cpu_to_be32(race->live[slot].addr);
	err = nh ? vr_fib_set(race->fib, &addr, race->live[slot].plen, nh, NULL,
			      GFP_KERNEL) :
		   vr_fib_del(race->fib, &addr, race->live[slot].plen, NULL,
			      GFP_KERNEL);
	KUNIT_ASSERT_EQ(test, err, 0);
	for (i = 0; i < VR_FIB_RACE_PROBES; i++)
		WRITE_ONCE(race->before[i], race->after[i]);
}

/*
 * Whenever a reader comes, it finds what was there before the change, or after.
 * The timer interrupts the writer also where there is one CPU.
 */
static void vr_fib_share_race(struct kunit *test)
{
	struct vr_fib_race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	struct rnd_state rnd;
	unsigned int i;
	u32 seed = get_random_u32();

	KUNIT_ASSERT_NOT_NULL(test, race);
	kunit_info(test, "seed 0x%x\n", seed);
	prandom_seed_state(&rnd, seed);
	race->fib = vr_fib_alloc(32, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, race->fib);
	for (i = 0; i < VR_FIB_RACE_PROBES; i++)
		race->probe[i] = cpu_to_be32(i % 9 * 0x1c71c71cU |
					     (prandom_u32_state(&rnd) &
					      0x00ff00ff));
	vr_fib_kunit_timer_setup(&race->timer, vr_fib_race_read);
	hrtimer_start(&race->timer, ns_to_ktime(VR_FIB_RACE_NS),
		      HRTIMER_MODE_REL);
	for (i = 0; i < VR_FIB_RACE_OPS; i++) {
		vr_fib_race_step(test, race, prandom_u32_state(&rnd),
				 prandom_u32_state(&rnd));
		cond_resched();
	}
	hrtimer_cancel(&race->timer);
	kunit_info(test, "%lu lookups\n", race->reads);
	KUNIT_EXPECT_EQ(test, race->wrong, 0);
	KUNIT_EXPECT_EQ(test, race->order, 0);
	KUNIT_EXPECT_GT(test, race->reads, VR_FIB_RACE_PROBES * 100);
	KUNIT_EXPECT_TRUE(test, vr_fib_kunit_verify(race->fib));
	vr_fib_free(race->fib);
}

static struct kunit_case vr_fib_share_list[] = {
	KUNIT_CASE(vr_fib_share_collide),
	KUNIT_CASE(vr_fib_share_equal),
	KUNIT_CASE(vr_fib_share_bulk),
	KUNIT_CASE(vr_fib_share_one_run),
	KUNIT_CASE(vr_fib_share_race),
	{}
};

static struct kunit_suite vr_fib_share_suite = {
	.name = "vrouter-fib-share",
	.test_cases = vr_fib_share_list,
};

kunit_test_suite(vr_fib_share_suite);
