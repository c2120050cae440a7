// SPDX-License-Identifier: GPL-2.0
/*
 * The MAC table against an array.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "../mactable.h"

#define VR_MACTABLE_KUNIT_KEYS	600
#define VR_MACTABLE_KUNIT_OPS	100000

static void vr_mactable_kunit_key(struct kunit *test)
{
	static const struct { u16 vlan; u8 mac[7]; u64 key; } c[] = {
		{ 0, { 9, 0, 0, 0, 0, 0, 0 }, 0 },
		{ 0, { 9, 0, 0, 0, 0, 0, 1 }, 1 },
		{ 1, { 9, 0, 0, 0, 0, 0, 0 }, 1ULL << 48 },
		{ 0, { 9, 0x02, 0, 0, 0, 0, 0 }, 0x020000000000 },
		{ 0, { 9, 1, 2, 3, 4, 5, 6 }, 0x010203040506 },
		{ 4094, { 9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 0x0ffeffffffffffff },
		{ 0xffff, { 9, 1, 2, 3, 4, 5, 6 }, 0xffff010203040506 },
	};
	int i;

	/* the MAC stands at an odd address */
	for (i = 0; i < ARRAY_SIZE(c); i++)
		KUNIT_EXPECT_EQ(test, vr_mactable_key(c[i].vlan, &c[i].mac[1]),
				c[i].key);
}

static struct vr_mactable *vr_mactable_kunit_insert(const struct vr_mactable *old,
						    u64 key, void *value)
{
	struct vr_mactable *table;
	int err;

	table = vr_mactable_alloc(old ? old->count + 1 : 1, GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	err = vr_mactable_insert(table, old, key, value);
	if (err) {
		kvfree(table);
		return ERR_PTR(err);
	}
	return table;
}

static void vr_mactable_kunit_refuse(struct kunit *test)
{
	struct vr_mactable *t, *copy;
	u64 key = 5;

	KUNIT_EXPECT_EQ(test, PTR_ERR(vr_mactable_kunit_insert(NULL, 0, &key)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vr_mactable_kunit_insert(NULL, key, NULL)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vr_mactable_remove(NULL, key, GFP_KERNEL)), -ENOENT);
	KUNIT_EXPECT_NULL(test, vr_mactable_clear(NULL, key));

	t = vr_mactable_kunit_insert(NULL, key, &key);
	KUNIT_ASSERT_FALSE(test, IS_ERR(t));
	KUNIT_EXPECT_EQ(test, t->count, 1);
	KUNIT_EXPECT_PTR_EQ(test, vr_mactable_find(t, key), &key);
	KUNIT_EXPECT_NULL(test, vr_mactable_find(t, key + 1));
	KUNIT_EXPECT_EQ(test, PTR_ERR(vr_mactable_kunit_insert(t, key, t)), -EEXIST);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vr_mactable_remove(t, key + 1, GFP_KERNEL)), -ENOENT);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vr_mactable_remove(t, 0, GFP_KERNEL)), -ENOENT);

	copy = vr_mactable_remove(t, key, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(copy));
	KUNIT_EXPECT_EQ(test, copy->count, 0);
	KUNIT_EXPECT_NULL(test, vr_mactable_find(copy, key));
	KUNIT_EXPECT_PTR_EQ(test, vr_mactable_find(t, key), &key);
	kvfree(copy);

	KUNIT_EXPECT_PTR_EQ(test, vr_mactable_clear(t, key), &key);
	KUNIT_EXPECT_NULL(test, vr_mactable_clear(t, key));
	KUNIT_EXPECT_NULL(test, vr_mactable_find(t, key));
	KUNIT_EXPECT_EQ(test, t->count, 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vr_mactable_remove(t, key, GFP_KERNEL)), -ENOENT);
	copy = vr_mactable_kunit_insert(t, key, t);
	KUNIT_ASSERT_FALSE(test, IS_ERR(copy));
	KUNIT_EXPECT_PTR_EQ(test, vr_mactable_find(copy, key), t);
	kvfree(copy);
	kvfree(t);
}

/**
 * struct vr_mactable_kunit_ref - the reference
 * @test: the test
 * @rnd: source of all choices
 * @table: what is tested
 * @key: keys to choose from
 * @there: which of them have a value, the address of the key
 * @count: how many
 */
struct vr_mactable_kunit_ref {
	struct kunit *test;
	struct rnd_state rnd;
	struct vr_mactable *table;
	u64 key[VR_MACTABLE_KUNIT_KEYS];
	bool there[VR_MACTABLE_KUNIT_KEYS];
	unsigned int count;
};

static void vr_mactable_kunit_check(struct vr_mactable_kunit_ref *ref)
{
	struct vr_mactable *t = ref->table;
	struct vr_mactable_slot *s = NULL;
	unsigned int i, used = 0, n = 0;
	size_t k;

	for (i = 0; i < VR_MACTABLE_KUNIT_KEYS; i++)
		KUNIT_ASSERT_PTR_EQ(ref->test, vr_mactable_find(t, ref->key[i]),
				    ref->there[i] ? (void *)&ref->key[i] : NULL);
	vr_mactable_for_each(t, s) {
		k = (u64 *)s->value - ref->key;
		KUNIT_ASSERT_LT(ref->test, k, VR_MACTABLE_KUNIT_KEYS);
		KUNIT_ASSERT_TRUE(ref->test, ref->there[k]);
		KUNIT_ASSERT_EQ(ref->test, s->key, ref->key[k]);
		n++;
	}
	KUNIT_ASSERT_EQ(ref->test, n, ref->count);
	KUNIT_ASSERT_EQ(ref->test, t->count, ref->count);
	for (i = 0; i <= t->mask; i++)
		used += !!t->slot[i].key;
	KUNIT_ASSERT_LE(ref->test, 4 * used, t->mask + 1);
	/* no larger than it must be */
	KUNIT_ASSERT_LE(ref->test, t->mask + 1, max(8 * used, 4U));
}

static void vr_mactable_kunit_replace(struct vr_mactable_kunit_ref *ref,
				      struct vr_mactable *table, long want)
{
	KUNIT_ASSERT_EQ(ref->test, IS_ERR(table) ? PTR_ERR(table) : 0, want);
	if (IS_ERR(table))
		return;
	kvfree(ref->table);
	ref->table = table;
}

static void vr_mactable_kunit_change(struct vr_mactable_kunit_ref *ref,
				     bool growing)
{
	unsigned int i = prandom_u32_state(&ref->rnd) % VR_MACTABLE_KUNIT_KEYS;
	unsigned int how = prandom_u32_state(&ref->rnd) % 8;
	const u64 key = ref->key[i];
	bool there = ref->there[i];

	if (how < (growing ? 6 : 2)) {
		vr_mactable_kunit_replace(ref,
					  vr_mactable_kunit_insert(ref->table,
								   key,
								   &ref->key[i]),
					  there ? -EEXIST : 0);
		ref->count += !there;
		ref->there[i] = true;
	} else if (how % 2) {
		vr_mactable_kunit_replace(ref,
					  vr_mactable_remove(ref->table, key,
							     GFP_KERNEL),
					  there ? 0 : -ENOENT);
		ref->count -= there;
		ref->there[i] = false;
	} else {
		KUNIT_ASSERT_PTR_EQ(ref->test,
				    vr_mactable_clear(ref->table, key),
				    there ? (void *)&ref->key[i] : NULL);
		ref->count -= there;
		ref->there[i] = false;
	}
	KUNIT_ASSERT_PTR_EQ(ref->test, vr_mactable_find(ref->table, key),
			    ref->there[i] ? (void *)&ref->key[i] : NULL);
}

static void vr_mactable_kunit_random(struct kunit *test)
{
	struct vr_mactable_kunit_ref *ref;
	u32 seed = get_random_u32();
	u64 key = 0;
	int i;

	ref = kunit_kzalloc(test, sizeof(*ref), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ref);
	kunit_info(test, "seed 0x%x\n", seed);
	prandom_seed_state(&ref->rnd, seed);
	ref->test = test;
	ref->table = vr_mactable_kunit_insert(NULL, U64_MAX, ref);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ref->table));
	vr_mactable_clear(ref->table, U64_MAX);

	for (i = 0; i < VR_MACTABLE_KUNIT_KEYS; i++) {
		key += 1 + prandom_u32_state(&ref->rnd) % 1000;
		ref->key[i] = key;
	}
	for (i = 0; i < VR_MACTABLE_KUNIT_OPS; i++) {
		/* up to all of the keys, and down to none */
		vr_mactable_kunit_change(ref, i / 5000 % 2 == 0);
		if (i % 100 == 0)
			vr_mactable_kunit_check(ref);
	}
	vr_mactable_kunit_check(ref);
	kvfree(ref->table);
}

/* what others added between the two calls may not fit */
static void vr_mactable_kunit_full(struct kunit *test)
{
	struct vr_mactable *t = NULL, *next, *small;
	int value;
	u64 key;

	small = vr_mactable_alloc(1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, small);
	for (key = 1; key <= 100; key++) {
		KUNIT_EXPECT_EQ(test, vr_mactable_insert(small, t, key, NULL), -EINVAL);
		if (key > (small->mask + 1) / 4)
			KUNIT_EXPECT_EQ(test, vr_mactable_insert(small, t, key, &value),
					-ENOSPC);
		KUNIT_EXPECT_EQ(test, small->count, 0);
		next = vr_mactable_kunit_insert(t, key, &value);
		KUNIT_ASSERT_FALSE(test, IS_ERR(next));
		kvfree(t);
		t = next;
	}
	kvfree(small);
	kvfree(t);
}

/* Slots that a search for the keys looks at, all together. */
static u32 vr_mactable_kunit_cost(const struct vr_mactable *t, const u64 *key,
				  unsigned int n)
{
	u32 cost = 0, i;

	while (n--) {
		i = vr_mactable_index(t, key[n]);
		for (; t->slot[i].key != key[n]; cost++)
			i = (i + 1) & t->mask;
	}
	return cost;
}

/* keys that collide in one table, and so in all if the hash is always the same */
static void vr_mactable_kunit_collide(struct kunit *test)
{
	const unsigned int n = 256, rounds = 8;
	struct vr_mactable *t = vr_mactable_alloc(n, GFP_KERNEL);
	u64 *key = kunit_kcalloc(test, n, sizeof(*key), GFP_KERNEL), k;
	unsigned int i, round;
	u32 cost = 0;

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_ASSERT_NOT_NULL(test, key);
	for (i = 0, k = 0x020000000000; i < n; k++)
		if (!vr_mactable_index(t, k))
			key[i++] = k;
	kvfree(t);
	for (round = 0; round < rounds; round++) {
		t = vr_mactable_alloc(n, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, t);
		for (i = 0; i < n; i++)
			KUNIT_ASSERT_EQ(test, vr_mactable_put(t, key[i], key), 0);
		KUNIT_ASSERT_EQ(test, vr_mactable_put(t, key[0], key), -EEXIST);
		cost += vr_mactable_kunit_cost(t, key, n);
		kvfree(t);
	}
	/* one after the other, they would take n / 2 steps */
	KUNIT_EXPECT_LT(test, cost / rounds / n, n / 8);
}

static struct kunit_case vr_mactable_kunit_list[] = {
	KUNIT_CASE(vr_mactable_kunit_key),
	KUNIT_CASE(vr_mactable_kunit_refuse),
	KUNIT_CASE(vr_mactable_kunit_full),
	KUNIT_CASE(vr_mactable_kunit_random),
	KUNIT_CASE(vr_mactable_kunit_collide),
	{}
};

static struct kunit_suite vr_mactable_kunit_suite = {
	.name = "vrouter-mactable",
	.test_cases = vr_mactable_kunit_list,
};

kunit_test_suite(vr_mactable_kunit_suite);
