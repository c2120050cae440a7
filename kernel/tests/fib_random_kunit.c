// SPDX-License-Identifier: GPL-2.0
/*
 * The FIB against a list that is searched in full (invariant 51).
 */
#include <kunit/test.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../fib.h"
#include "../fib_store.h"
#include "fib_kunit.h"

#define VR_FIB_RANDOM_LIVE	2000
#define VR_FIB_RANDOM_FAILS	500
#define VR_FIB_RANDOM_WALKS	2000	/* operations between two walks */
#define VR_FIB_RANDOM_GFP	(GFP_NOWAIT | __GFP_NOWARN)

static uint vr_fib_random_n = 100000;
module_param_named(kunit_fib_ops, vr_fib_random_n, uint, 0444);
MODULE_PARM_DESC(kunit_fib_ops, "operations of the random tests of the FIB");

/**
 * struct vr_fib_random_prefix - an entry of the reference
 * @addr: prefix
 * @mask: its netmask
 * @plen: bits
 * @nh: next hop
 */
struct vr_fib_random_prefix {
	struct vr_fib_key addr;
	struct vr_fib_key mask;
	u8 plen;
	u16 nh;
};

/**
 * struct vr_fib_random_ref - the reference: a list, searched in full
 * @test: the test
 * @fib: what is tested
 * @rnd: source of all choices
 * @bits: length of an address
 * @count: entries
 * @walked: prefixes that the walk has told
 * @last: the one before, to check the order
 * @entry: entries, without order
 */
struct vr_fib_random_ref {
	struct kunit *test;
	struct vr_fib *fib;
	struct rnd_state rnd;
	unsigned int bits;
	unsigned int count;
	unsigned int walked;
	struct vr_fib_random_prefix last;
	struct vr_fib_random_prefix entry[VR_FIB_RANDOM_LIVE];
};

static u32 vr_fib_random_below(struct vr_fib_random_ref *ref, u32 n)
{
	return prandom_u32_state(&ref->rnd) % n;
}

static struct vr_fib_key vr_fib_random_key(struct vr_fib_random_ref *ref)
{
	struct vr_fib_key key;

	key.hi = (u64)prandom_u32_state(&ref->rnd) << 32;
	key.lo = 0;
	if (ref->bits == 128) {
		key.hi |= prandom_u32_state(&ref->rnd);
		key.lo = (u64)prandom_u32_state(&ref->rnd) << 32;
		key.lo |= prandom_u32_state(&ref->rnd);
	}
	return key;
}

static void vr_fib_random_bytes(struct vr_fib_key key, u8 *addr)
{
	__be64 half[2] = { cpu_to_be64(key.hi), cpu_to_be64(key.lo) };

	memcpy(addr, half, sizeof(half));
}

static int vr_fib_random_index(struct vr_fib_random_ref *ref,
			       const struct vr_fib_random_prefix *p)
{
	int i;

	for (i = 0; i < ref->count; i++)
		if (ref->entry[i].plen == p->plen &&
		    ref->entry[i].addr.hi == p->addr.hi &&
		    ref->entry[i].addr.lo == p->addr.lo)
			return i;
	return -1;
}

static const struct vr_fib_random_prefix *
vr_fib_random_longest(struct vr_fib_random_ref *ref, struct vr_fib_key key)
{
	const struct vr_fib_random_prefix *best = NULL, *p = ref->entry;
	int i;

	for (i = 0; i < ref->count; i++, p++)
		if ((key.hi & p->mask.hi) == p->addr.hi &&
		    (key.lo & p->mask.lo) == p->addr.lo &&
		    (!best || p->plen > best->plen))
			best = p;
	return best;
}

static void vr_fib_random_cut(struct vr_fib_random_prefix *p, u8 plen)
{
	p->plen = plen;
	p->mask.hi = plen ? ~0ULL << (64 - min_t(int, plen, 64)) : 0;
	p->mask.lo = plen > 64 ? ~0ULL << (128 - plen) : 0;
	p->addr.hi &= p->mask.hi;
	p->addr.lo &= p->mask.lo;
}

/* A prefix that is often within, around, or next to another one. */
static void vr_fib_random_choose(struct vr_fib_random_ref *ref,
				 struct vr_fib_random_prefix *p)
{
	unsigned int how = vr_fib_random_below(ref, 16);
	struct vr_fib_random_prefix near;
	u8 plen;

	p->addr = vr_fib_random_key(ref);
	p->nh = 1 + vr_fib_random_below(ref, 32767);
	plen = vr_fib_random_below(ref, ref->bits + 1);
	if (how < 2 || !ref->count) {
		vr_fib_random_cut(p, plen);
		return;
	}
	near = ref->entry[vr_fib_random_below(ref, ref->count)];
	if (how < 12) {
		/* shares bits with the other one, some beyond its length */
		vr_fib_random_cut(&near, min_t(int, plen, near.plen + how));
		p->addr.hi = near.addr.hi | (p->addr.hi & ~near.mask.hi);
		p->addr.lo = near.addr.lo | (p->addr.lo & ~near.mask.lo);
		vr_fib_random_cut(p, min_t(int, ref->bits, near.plen +
					  vr_fib_random_below(ref, 7)));
	} else if (how < 14) {
		p->addr = near.addr;
		vr_fib_random_cut(p, near.plen);
	} else {
		p->addr = near.addr;
		vr_fib_random_cut(p, min_t(int, plen, near.plen));
	}
}

static void vr_fib_random_ask(struct vr_fib_random_ref *ref, struct vr_fib_key key)
{
	const struct vr_fib_random_prefix *want;
	u8 addr[16], prefix[16] = {}, expect[16] = {};
	u8 plen;
	u16 nh;

	/* what was added to an IPv4 address may stand outside of it */
	if (ref->bits == 32) {
		key.hi &= ~0ULL << 32;
		key.lo = 0;
	}
	want = vr_fib_random_longest(ref, key);
	vr_fib_random_bytes(key, addr);
	nh = vr_fib_kunit_lookup(ref->fib, addr, prefix, &plen);
	if (want)
		vr_fib_random_bytes(want->addr, expect);
	KUNIT_ASSERT_EQ_MSG(ref->test, nh, want ? want->nh : 0, "%*phC", 16, addr);
	KUNIT_ASSERT_EQ(ref->test, plen, want ? want->plen : 0);
	KUNIT_ASSERT_EQ(ref->test, 0, memcmp(prefix, expect, ref->bits / 8));
}

/* Ask at random and at the edges of a prefix: first, last, and one beyond. */
static void vr_fib_random_probe(struct vr_fib_random_ref *ref,
				const struct vr_fib_random_prefix *p)
{
	u64 one = ref->bits == 32 ? 1ULL << 32 : 1;
	u64 *low, host_hi = ~p->mask.hi, host_lo = ~p->mask.lo;
	struct vr_fib_key key = p->addr;

	low = ref->bits == 32 ? &key.hi : &key.lo;
	switch (vr_fib_random_below(ref, 6)) {
	case 0:
		*low -= one;
		if (ref->bits == 128 && *low == ~0ULL)
			key.hi--;
		break;
	case 1:
		break;
	case 2:
		key.hi |= host_hi;
		key.lo |= host_lo;
		break;
	case 3:
		key.hi |= host_hi;
		key.lo |= host_lo;
		*low += one;
		if (ref->bits == 128 && !*low)
			key.hi++;
		break;
	case 4:
		key = vr_fib_random_key(ref);
		key.hi = p->addr.hi | (key.hi & host_hi);
		key.lo = p->addr.lo | (key.lo & host_lo);
		break;
	default:
		key = vr_fib_random_key(ref);
	}
	vr_fib_random_ask(ref, key);
}

static void vr_fib_random_change(struct vr_fib_random_ref *ref, bool insert)
{
	struct vr_fib_random_prefix p;
	u16 old = 0, want = 0;
	u8 addr[16];
	int i, err;

	if (!insert && ref->count && vr_fib_random_below(ref, 8))
		p = ref->entry[vr_fib_random_below(ref, ref->count)];
	else
		vr_fib_random_choose(ref, &p);
	i = vr_fib_random_index(ref, &p);
	if (i >= 0)
		want = ref->entry[i].nh;
	vr_fib_random_bytes(p.addr, addr);
	KUNIT_ASSERT_EQ(ref->test, vr_fib_get(ref->fib, addr, p.plen), want);

	if (insert) {
		err = vr_fib_set(ref->fib, addr, p.plen, p.nh, &old, GFP_KERNEL);
		KUNIT_ASSERT_EQ(ref->test, err, 0);
		ref->entry[i < 0 ? ref->count++ : i] = p;
	} else {
		err = vr_fib_del(ref->fib, addr, p.plen, &old, GFP_KERNEL);
		KUNIT_ASSERT_EQ(ref->test, err, i < 0 ? -ENOENT : 0);
		if (i >= 0)
			ref->entry[i] = ref->entry[--ref->count];
	}
	KUNIT_ASSERT_EQ(ref->test, old, want);
	KUNIT_ASSERT_EQ(ref->test, vr_fib_count(ref->fib), ref->count);
	vr_fib_random_probe(ref, &p);
	if (ref->count) {
		i = vr_fib_random_below(ref, ref->count);
		vr_fib_random_probe(ref, &ref->entry[i]);
	}
}

static int vr_fib_random_told(void *arg, const void *prefix, u8 plen, u16 nh)
{
	struct vr_fib_random_ref *ref = arg;
	struct vr_fib_random_prefix p = {};
	__be64 half[2] = {};
	bool sorted;
	int i;

	memcpy(half, prefix, ref->bits / 8);
	p.addr.hi = be64_to_cpu(half[0]);
	p.addr.lo = be64_to_cpu(half[1]);
	p.plen = plen;
	i = vr_fib_random_index(ref, &p);
	if (i < 0 || ref->entry[i].nh != nh)
		return -EIO;

	sorted = !ref->walked || p.addr.hi > ref->last.addr.hi ||
		 (p.addr.hi == ref->last.addr.hi &&
		  (p.addr.lo > ref->last.addr.lo ||
		   (p.addr.lo == ref->last.addr.lo && plen > ref->last.plen)));
	ref->last = p;
	ref->walked++;
	return sorted ? 0 : -ERANGE;
}

static void vr_fib_random_walk(struct vr_fib_random_ref *ref)
{
	const struct vr_fib_random_prefix *from = ref->entry;
	unsigned int i, want = 0;
	u8 addr[16];
	int err;

	ref->walked = 0;
	rcu_read_lock();
	err = vr_fib_walk(ref->fib, NULL, 0, vr_fib_random_told, ref);
	rcu_read_unlock();
	KUNIT_ASSERT_EQ(ref->test, err, 0);
	KUNIT_ASSERT_EQ(ref->test, ref->walked, ref->count);
	KUNIT_ASSERT_TRUE(ref->test, vr_fib_kunit_verify(ref->fib));
	if (!ref->count)
		return;

	/* from any of them on */
	for (i = 0; i < ref->count; i++)
		want += ref->entry[i].addr.hi > from->addr.hi ||
			(ref->entry[i].addr.hi == from->addr.hi &&
			 (ref->entry[i].addr.lo > from->addr.lo ||
			  (ref->entry[i].addr.lo == from->addr.lo &&
			   ref->entry[i].plen >= from->plen)));
	vr_fib_random_bytes(from->addr, addr);
	ref->walked = 0;
	rcu_read_lock();
	err = vr_fib_walk(ref->fib, addr, from->plen, vr_fib_random_told, ref);
	rcu_read_unlock();
	KUNIT_ASSERT_EQ(ref->test, err, 0);
	KUNIT_ASSERT_EQ(ref->test, ref->walked, want);
}

/* Nobody asks for a while, and then finds all of it. */
static void vr_fib_random_held(struct vr_fib_random_ref *ref)
{
	struct vr_fib_random_prefix p;
	unsigned int i, n;
	u8 addr[16];
	int at;

	vr_fib_hold(ref->fib, GFP_KERNEL);
	n = vr_fib_random_below(ref, 200);
	for (i = 0; i < n && ref->count < VR_FIB_RANDOM_LIVE; i++) {
		vr_fib_random_choose(ref, &p);
		at = vr_fib_random_index(ref, &p);
		vr_fib_random_bytes(p.addr, addr);
		if (at >= 0 && vr_fib_random_below(ref, 2)) {
			KUNIT_ASSERT_EQ(ref->test, 0,
					vr_fib_del(ref->fib, addr, p.plen, NULL,
						   GFP_KERNEL));
			ref->entry[at] = ref->entry[--ref->count];
			continue;
		}
		KUNIT_ASSERT_EQ(ref->test, 0,
				vr_fib_set(ref->fib, addr, p.plen, p.nh, NULL,
					   GFP_KERNEL));
		ref->entry[at < 0 ? ref->count++ : at] = p;
		/* what changed, unlike what is new, shows at once */
		if (at >= 0)
			vr_fib_random_probe(ref, &p);
	}
	KUNIT_ASSERT_EQ(ref->test, 0, vr_fib_release(ref->fib));
	vr_fib_random_walk(ref);
	for (i = 0; i < ref->count; i += 10)
		vr_fib_random_probe(ref, &ref->entry[i]);
}

static struct vr_fib_random_ref *vr_fib_random_ref(struct kunit *test,
						   unsigned int bits)
{
	struct vr_fib_random_ref *ref;
	u32 seed = get_random_u32();

	ref = kunit_kzalloc(test, sizeof(*ref), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ref);
	ref->test = test;
	ref->bits = bits;
	ref->fib = vr_fib_alloc(bits, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ref->fib);
	kunit_info(test, "IPv%d seed 0x%x\n", bits == 32 ? 4 : 6, seed);
	prandom_seed_state(&ref->rnd, seed);
	return ref;
}

static void vr_fib_random_ops(struct kunit *test, unsigned int bits)
{
	struct vr_fib_random_ref *ref = vr_fib_random_ref(test, bits);
	u64 empty = vr_fib_kunit_bytes(ref->fib);
	bool growing = true;
	unsigned int i, full = 0;

	for (i = 0; i < vr_fib_random_n; i++) {
		if (!(i % VR_FIB_RANDOM_WALKS))
			vr_fib_random_held(ref);
		if (ref->count == VR_FIB_RANDOM_LIVE) {
			growing = false;
			full++;
		} else if (!ref->count) {
			growing = true;
		}
		vr_fib_random_change(ref, ref->count < VR_FIB_RANDOM_LIVE &&
				     vr_fib_random_below(ref, 8) < (growing ? 6 : 2));
		if (!(i % VR_FIB_RANDOM_WALKS))
			vr_fib_random_walk(ref);
	}
	while (ref->count)
		vr_fib_random_change(ref, false);
	KUNIT_EXPECT_EQ(test, vr_fib_kunit_bytes(ref->fib), empty);
	KUNIT_EXPECT_GT(test, full, 1);
	vr_fib_free(ref->fib);
}

static void vr_fib_random_ops4(struct kunit *test)
{
	vr_fib_random_ops(test, 32);
}

static void vr_fib_random_ops6(struct kunit *test)
{
	vr_fib_random_ops(test, 128);
}

#ifdef CONFIG_FAILSLAB
/* Whatever allocation of a change fails, the table is as before. */
static unsigned int vr_fib_random_fail(struct vr_fib_random_ref *ref,
				       const struct vr_fib_random_prefix *p)
{
	unsigned int nth, failed = 0;
	u64 bytes;
	u8 addr[16];
	int err;

	vr_fib_random_bytes(p->addr, addr);
	bytes = vr_fib_kunit_bytes(ref->fib);
	for (nth = 1;; nth++) {
		current->fail_nth = nth;
		err = p->nh ? vr_fib_set(ref->fib, addr, p->plen, p->nh, NULL,
					 VR_FIB_RANDOM_GFP) :
			      vr_fib_del(ref->fib, addr, p->plen, NULL,
					 VR_FIB_RANDOM_GFP);
		current->fail_nth = 0;
		if (!err)
			return failed;
		failed++;
		KUNIT_ASSERT_EQ(ref->test, err, -ENOMEM);
		KUNIT_ASSERT_EQ(ref->test, bytes, vr_fib_kunit_bytes(ref->fib));
		KUNIT_ASSERT_EQ(ref->test, ref->count, vr_fib_count(ref->fib));
		KUNIT_ASSERT_TRUE(ref->test, vr_fib_kunit_verify(ref->fib));
		vr_fib_random_probe(ref, p);
	}
}
#endif

static void vr_fib_random_nomem(struct kunit *test)
{
#ifdef CONFIG_FAILSLAB
	struct vr_fib_random_ref *ref = vr_fib_random_ref(test, 128);
	unsigned int failed[2] = {};
	struct vr_fib_random_prefix p;
	int i;

	while (ref->count < VR_FIB_RANDOM_FAILS) {
		vr_fib_random_choose(ref, &p);
		i = vr_fib_random_index(ref, &p);
		failed[0] += vr_fib_random_fail(ref, &p);
		ref->entry[i < 0 ? ref->count++ : i] = p;
		vr_fib_random_probe(ref, &p);
	}
	vr_fib_random_walk(ref);
	while (ref->count) {
		i = vr_fib_random_below(ref, ref->count);
		p = ref->entry[i];
		p.nh = 0;
		failed[1] += vr_fib_random_fail(ref, &p);
		ref->entry[i] = ref->entry[--ref->count];
		vr_fib_random_probe(ref, &p);
	}
	kunit_info(test, "%u and %u failures\n", failed[0], failed[1]);
	KUNIT_EXPECT_GT(test, failed[0], VR_FIB_RANDOM_FAILS);
	KUNIT_EXPECT_GT(test, failed[1], VR_FIB_RANDOM_FAILS / 2);
	vr_fib_free(ref->fib);
#else
	kunit_skip(test, "needs CONFIG_FAILSLAB");
#endif
}

static int vr_fib_random_stop(void *arg, const void *prefix, u8 plen, u16 nh)
{
	int *left = arg;

	return --*left ? 0 : 42;
}

static int vr_fib_random_walk_to(struct vr_fib *fib, int left)
{
	int err;

	rcu_read_lock();
	err = vr_fib_walk(fib, NULL, 0, vr_fib_random_stop, &left);
	rcu_read_unlock();
	return left ? -EIO : err;
}

static void vr_fib_random_walk_stop(struct kunit *test)
{
	struct vr_fib_random_ref *ref = vr_fib_random_ref(test, 32);
	int i;

	vr_fib_random_walk(ref);
	while (ref->count < 50)
		vr_fib_random_change(ref, true);
	for (i = 1; i <= 50; i++)
		KUNIT_EXPECT_EQ(test, 42, vr_fib_random_walk_to(ref->fib, i));
	KUNIT_EXPECT_EQ(test, -EIO, vr_fib_random_walk_to(ref->fib, 51));
	vr_fib_free(ref->fib);
}

static struct kunit_case vr_fib_random_list[] = {
	KUNIT_CASE(vr_fib_random_walk_stop),
	KUNIT_CASE(vr_fib_random_nomem),
	KUNIT_CASE(vr_fib_random_ops4),
	KUNIT_CASE(vr_fib_random_ops6),
	{}
};

static struct kunit_suite vr_fib_random_suite = {
	.name = "vrouter-fib-random",
	.test_cases = vr_fib_random_list,
};

kunit_test_suite(vr_fib_random_suite);
