// SPDX-License-Identifier: GPL-2.0
/*
 * The FIB against a reference, with random changes: some of which fail for want of
 * memory, with hashes that collide, and readers of old default routes. Whatever the
 * way to a table was, one with the same prefixes must be the same nodes. Invariant 51.
 *
 * usage: fib_random [-s SEED] [-n OPERATIONS]
 */
#include <time.h>
#include <unistd.h>

#include "fib.h"
#include "fib_store.h"
#include "host.h"

#define VR_RANDOM_MAX		8192
#define VR_RANDOM_HASH		(2 * VR_RANDOM_MAX)
#define VR_RANDOM_COPIES	16
#define VR_RANDOM_BULK		50	/* changes before a table is built */

/**
 * struct vr_random_kind - a kind of tables
 * @name: for people
 * @bits: length of an address
 * @least: from so many prefixes on it grows again
 * @most: from so many on it shrinks
 * @dense: begins with so many prefixes side by side
 * @step: or that far apart
 * @plen: length of these prefixes, in IPv4
 * @ops: changes of one table
 * @inspect: one in so many is followed by a comparison of all
 * @part: changes of all tables of this kind, in percent of all changes
 */
struct vr_random_kind {
	const char *name;
	unsigned int bits;
	unsigned int least;
	unsigned int most;
	unsigned int dense;
	unsigned int step;
	unsigned int plen;
	unsigned int ops;
	unsigned int inspect;
	unsigned int part;
};

static const struct vr_random_kind vr_random_kinds[] = {
	{ "IPv4, few", 32, 0, 30, 0, 0, 0, 200, 50, 10 },
	{ "IPv6, few", 128, 0, 30, 0, 0, 0, 200, 50, 10 },
	{ "IPv4", 32, 0, 150, 0, 0, 0, 900, 100, 10 },
	{ "IPv6", 128, 0, 150, 0, 0, 0, 900, 100, 10 },
	{ "IPv4, many", 32, 0, 1200, 0, 0, 0, 3000, 500, 10 },
	{ "IPv6, many", 128, 0, 1200, 0, 0, 0, 3000, 500, 10 },
	{ "IPv4, flat", 32, 3900, 4300, 4096, 1, 24, 1200, 200, 10 },
	{ "IPv6, flat", 128, 3900, 4300, 4096, 1, 24, 1200, 200, 10 },
	/* where nodes become flat, and are flat no longer */
	{ "IPv4, hardly flat", 32, 4085, 4110, 4096, 1, 24, 400, 20, 5 },
	{ "IPv6, hardly flat", 128, 4085, 4110, 4096, 1, 24, 400, 20, 5 },
	{ "IPv4, many nodes", 32, 88, 108, 98, 2, 26, 1500, 15, 5 },
	{ "IPv6, many nodes", 128, 88, 108, 98, 2, 26, 1500, 15, 5 },
};

/**
 * struct vr_random_tally - what has happened in the tables of one kind
 * @changes: changes
 * @refused: of these, the ones without memory
 * @asked: addresses that were looked up
 * @twins: tables compared with one of the same prefixes
 * @in_place: changes of what lookups see that kept the first node
 * @heads: changes of the default route
 */
struct vr_random_tally {
	unsigned long changes;
	unsigned long refused;
	unsigned long asked;
	unsigned long twins;
	unsigned long in_place;
	unsigned long heads;
};

/**
 * struct vr_random - a table and its reference
 * @kind: its kind
 * @rnd: source of all choices
 * @tally: counts
 * @fib: table
 * @twin: one that was the same, or NULL
 * @bulk: it is being loaded in bulk
 * @fails: some allocations fail
 * @spread: how prefixes are chosen
 * @count: prefixes
 * @by_len: the same by length
 * @entry: these prefixes, without order
 * @chain: the next one with the same hash, less one
 * @first: the first one of each hash, less one
 * @told: prefixes that a walk has told
 * @last: the last one that it has told
 */
struct vr_random {
	const struct vr_random_kind *kind;
	struct vr_host_rnd rnd;
	struct vr_random_tally tally;
	struct vr_fib *fib;
	struct vr_fib *twin;
	bool bulk;
	bool fails;
	unsigned int spread;
	unsigned int count;
	unsigned int by_len[129];
	struct vr_fib_entry entry[VR_RANDOM_MAX];
	u32 chain[VR_RANDOM_MAX];
	u32 first[VR_RANDOM_HASH];
	unsigned int told;
	struct vr_fib_entry last;
};

static u32 vr_random_below(struct vr_random *r, u32 n)
{
	return vr_host_below(&r->rnd, n);
}

/* The reference's own: no function of what is tested. */
static struct vr_fib_key vr_random_cut(struct vr_fib_key key, unsigned int plen)
{
	if (plen <= 64)
		key.lo = 0;
	else if (plen < 128)
		key.lo &= ~(~0ULL >> (plen - 64));
	if (!plen)
		key.hi = 0;
	else if (plen < 64)
		key.hi &= ~(~0ULL >> plen);
	return key;
}

static struct vr_fib_key vr_random_key(struct vr_random *r)
{
	struct vr_fib_key key = { vr_host_rnd64(&r->rnd), vr_host_rnd64(&r->rnd) };

	return vr_random_cut(key, r->kind->bits);
}

/* The first bits of one, and the others of another. */
static struct vr_fib_key vr_random_join(struct vr_fib_key a, struct vr_fib_key b,
					unsigned int bits)
{
	struct vr_fib_key front = vr_random_cut(b, bits);

	a = vr_random_cut(a, bits);
	a.hi |= b.hi ^ front.hi;
	a.lo |= b.lo ^ front.lo;
	return a;
}

static void vr_random_bytes(struct vr_fib_key key, u8 *addr)
{
	__be64 half[2] = { cpu_to_be64(key.hi), cpu_to_be64(key.lo) };

	memcpy(addr, half, sizeof(half));
}

static struct vr_fib_key vr_random_unbytes(const struct vr_random *r,
					   const void *addr)
{
	__be64 half[2] = {};
	struct vr_fib_key key;

	memcpy(half, addr, r->kind->bits / 8);
	key.hi = be64_to_cpu(half[0]);
	key.lo = be64_to_cpu(half[1]);
	return key;
}

static u32 *vr_random_bucket(struct vr_random *r, struct vr_fib_key key,
			     unsigned int plen)
{
	u64 hash = (key.hi * 31 + key.lo) * 129 + plen;

	return &r->first[hash * 0x9e3779b97f4a7c15ULL >> 32 & (VR_RANDOM_HASH - 1)];
}

static struct vr_fib_entry *vr_random_find(struct vr_random *r,
					   struct vr_fib_key key,
					   unsigned int plen)
{
	u32 i = *vr_random_bucket(r, key, plen);
	struct vr_fib_entry *entry;

	for (; i; i = r->chain[i - 1]) {
		entry = &r->entry[i - 1];
		if (entry->key.hi == key.hi && entry->key.lo == key.lo &&
		    entry->plen == plen)
			return entry;
	}
	return NULL;
}

static const struct vr_fib_entry *vr_random_longest(struct vr_random *r,
						    struct vr_fib_key key)
{
	const struct vr_fib_entry *entry = NULL;
	int plen;

	for (plen = r->kind->bits; plen >= 0 && !entry; plen--)
		if (r->by_len[plen])
			entry = vr_random_find(r, vr_random_cut(key, plen), plen);
	return entry;
}

static void vr_random_link(struct vr_random *r, const struct vr_fib_entry *entry)
{
	u32 *bucket = vr_random_bucket(r, entry->key, entry->plen);

	r->chain[entry - r->entry] = *bucket;
	*bucket = entry - r->entry + 1;
}

static void vr_random_unlink(struct vr_random *r, const struct vr_fib_entry *entry)
{
	u32 *p = vr_random_bucket(r, entry->key, entry->plen);

	while (*p != entry - r->entry + 1)
		p = &r->chain[*p - 1];
	*p = r->chain[entry - r->entry];
}

static void vr_random_note(struct vr_random *r, const struct vr_fib_entry *entry)
{
	struct vr_fib_entry *old = vr_random_find(r, entry->key, entry->plen);
	const struct vr_fib_entry *last;

	if (entry->nh && old) {
		old->nh = entry->nh;
	} else if (entry->nh) {
		r->by_len[entry->plen]++;
		r->entry[r->count] = *entry;
		vr_random_link(r, &r->entry[r->count++]);
	} else if (old) {
		r->by_len[entry->plen]--;
		vr_random_unlink(r, old);
		last = &r->entry[--r->count];
		if (old == last)
			return;
		vr_random_unlink(r, last);
		*old = *last;
		vr_random_link(r, old);
	}
}

static u16 vr_random_lookup(const struct vr_random *r, const u8 *addr)
{
	struct in6_addr v6;
	__be32 v4;

	if (r->kind->bits == 32) {
		memcpy(&v4, addr, sizeof(v4));
		return vr_fib_lookup4(r->fib, v4);
	}
	memcpy(&v6, addr, sizeof(v6));
	return vr_fib_lookup6(r->fib, &v6);
}

static void vr_random_ask(struct vr_random *r, struct vr_fib_key key)
{
	const struct vr_fib_entry none = {}, *want;
	u8 addr[16], prefix[16] = {}, plen = 0xff;
	struct vr_fib_key got;
	u16 nh, match;

	key = vr_random_cut(key, r->kind->bits);
	want = vr_random_longest(r, key) ? : &none;
	vr_random_bytes(key, addr);
	rcu_read_lock();
	nh = vr_random_lookup(r, addr);
	match = vr_fib_match(r->fib, addr, prefix, &plen);
	rcu_read_unlock();
	got = vr_random_unbytes(r, prefix);
	r->tally.asked++;
	vr_host_check(nh == want->nh && match == nh && plen == want->plen &&
		      got.hi == want->key.hi && got.lo == want->key.lo,
		      "%016lx%016lx: %u /%u is right, lookup %u, match %u /%u %016lx%016lx",
		      key.hi, key.lo, want->nh, want->plen, nh, match, plen,
		      got.hi, got.lo);
}

/* At the edges of a prefix and within. */
static void vr_random_probe(struct vr_random *r, const struct vr_fib_entry *entry)
{
	struct vr_fib_key ones = { ~0ULL, ~0ULL }, key = entry->key;
	u64 one = r->kind->bits == 32 ? 1ULL << 32 : 1;
	u64 *low = r->kind->bits == 32 ? &key.hi : &key.lo;

	vr_random_ask(r, key);
	vr_random_ask(r, vr_random_join(key, vr_random_key(r), entry->plen));
	*low -= one;
	if (low == &key.lo && key.lo == ~0ULL)
		key.hi--;
	vr_random_ask(r, key);
	key = vr_random_join(entry->key, ones, entry->plen);
	vr_random_ask(r, key);
	*low += one;
	if (low == &key.lo && !key.lo)
		key.hi++;
	vr_random_ask(r, key);
}

static int vr_random_tell(void *arg, const void *prefix, u8 plen, u16 nh)
{
	struct vr_random *r = arg;
	struct vr_fib_entry entry = { .plen = plen, .nh = nh };
	const struct vr_fib_entry *want;

	entry.key = vr_random_unbytes(r, prefix);
	want = vr_random_find(r, entry.key, plen);
	vr_host_check(want && want->nh == nh, "a walk tells %016lx%016lx/%u %u",
		      entry.key.hi, entry.key.lo, plen, nh);
	vr_host_check(!r->told || vr_fib_cmp(&entry, &r->last) > 0,
		      "a walk tells %016lx%016lx/%u out of order",
		      entry.key.hi, entry.key.lo, plen);
	r->last = entry;
	r->told++;
	return 0;
}

static void vr_random_walk(struct vr_random *r, const struct vr_fib_entry *from)
{
	unsigned int i, want = 0;
	u8 addr[16];

	for (i = 0; i < r->count; i++)
		want += !from || vr_fib_cmp(&r->entry[i], from) >= 0;
	if (from)
		vr_random_bytes(from->key, addr);
	r->told = 0;
	rcu_read_lock();
	vr_fib_walk(r->fib, from ? addr : NULL, from ? from->plen : 0,
		    vr_random_tell, r);
	rcu_read_unlock();
	vr_host_check(r->told == want, "a walk tells %u prefixes of %u", r->told,
		      want);
}

static int vr_random_cmp(const void *a, const void *b)
{
	return vr_fib_cmp(a, b);
}

/* The same prefixes, in bulk, or each by itself, or in groups. */
static struct vr_fib *vr_random_twin(struct vr_random *r, bool bulk)
{
	struct vr_fib *twin = vr_fib_alloc(r->kind->bits, GFP_KERNEL);
	static struct vr_fib_entry entry[VR_RANDOM_MAX];
	unsigned int i, n = r->count;
	unsigned int start = n ? vr_random_below(r, n) : 0;
	u8 addr[16];
	int err = 0;

	memcpy(entry, &r->entry[start], (n - start) * sizeof(*entry));
	memcpy(&entry[n - start], r->entry, start * sizeof(*entry));
	if (bulk) {
		qsort(entry, n, sizeof(*entry), vr_random_cmp);
		err = vr_fib_bulk_begin(twin);
	}
	for (i = 0; i < n && !err; i++) {
		/* now and then it lets new prefixes wait, or no more */
		if (!vr_random_below(r, 100))
			vr_fib_hold(twin, GFP_KERNEL);
		if (!vr_random_below(r, 200))
			err = vr_fib_release(twin);
		if (err)
			break;
		vr_random_bytes(entry[i].key, addr);
		err = vr_fib_set(twin, addr, entry[i].plen, entry[i].nh, NULL,
				 GFP_KERNEL);
	}
	err = err ? : vr_fib_bulk_end(twin, GFP_KERNEL);
	err = err ? : vr_fib_release(twin);
	vr_host_check(!err, "error %d in a twin", err);
	return twin;
}

/* What a table tells about itself; all its nodes are a twin's as well, or none. */
static void vr_random_info(struct vr_random *r, bool shared)
{
	static struct vr_fib_info info;
	unsigned int i;
	u64 bytes;

	/* an older default route is a use of nodes as well */
	vr_host_rcu_pass();
	vr_host_check(!vr_fib_get_info(r->fib, &info), "info fails");
	bytes = info.bytes - sizeof(struct vr_fib) - sizeof(struct vr_fib_head);
	vr_host_check(info.prefixes == r->count, "info: %u prefixes of %u",
		      info.prefixes, r->count);
	for (i = 0; i <= r->kind->bits; i++)
		vr_host_check(info.by_len[i] == r->by_len[i],
			      "info: %u prefixes of %u bits are %u",
			      r->by_len[i], i, info.by_len[i]);
	vr_host_check(info.shared_bytes == (shared ? bytes : 0) &&
		      info.store_shared_bytes == (shared ? info.store_bytes : 0),
		      "info: of %lu and %lu bytes %lu and %lu are shared", bytes,
		      info.store_bytes, info.shared_bytes,
		      info.store_shared_bytes);
}

/* What has changed since must not have changed a twin. */
static void vr_random_drop_twin(struct vr_random *r)
{
	unsigned int bad = 1;

	if (!r->twin)
		return;
	vr_host_check(!vr_fib_verify(r->twin, &bad) && !bad,
		      "%u bad places in a twin of before", bad);
	vr_fib_free(r->twin);
	r->twin = NULL;
}

static void vr_random_inspect(struct vr_random *r)
{
	bool bulk = r->count > 1500 || vr_random_below(r, 2);
	struct vr_fib *twin;
	unsigned int bad = 1;

	vr_random_drop_twin(r);
	vr_host_check(!vr_fib_verify(r->fib, &bad) && !bad, "%u bad places", bad);
	vr_random_walk(r, NULL);
	if (r->count)
		vr_random_walk(r, &r->entry[vr_random_below(r, r->count)]);
	twin = vr_random_twin(r, bulk);
	vr_host_check(twin->head->root == r->fib->head->root,
		      "what lookups see of %u prefixes differs from a twin's%s",
		      r->count, bulk ? ", built in bulk" : "");
	vr_host_check(twin->store == r->fib->store,
		      "the store of %u prefixes differs from a twin's%s",
		      r->count, bulk ? ", built in bulk" : "");
	vr_random_info(r, true);
	r->tally.twins++;
	/* another time */
	if (vr_random_below(r, 2)) {
		r->twin = twin;
		return;
	}
	vr_fib_free(twin);
	vr_random_info(r, false);
}

/* A prefix that is often within, around, or next to another one. */
static struct vr_fib_entry vr_random_choose(struct vr_random *r)
{
	unsigned int how = vr_random_below(r, 8), bits = r->kind->bits, share;
	struct vr_fib_entry entry, near;

	entry.key = vr_random_key(r);
	entry.plen = vr_random_below(r, 32) ? vr_random_below(r, bits + 1) : 0;
	entry.nh = 1 + vr_random_below(r, r->spread == 3 ? VR_FIB_NH_MAX : 7);
	if (!r->count || !how || !entry.plen)
		goto cut;
	near = r->entry[vr_random_below(r, r->count)];
	if (how < 5) {
		share = r->spread < 2 ? bits - 1 - vr_random_below(r, 12) :
			vr_random_below(r, bits + 1);
		entry.key = vr_random_join(near.key, entry.key, share);
		if (!r->spread)
			entry.plen = min(near.plen + vr_random_below(r, 5), bits);
	} else {
		entry.key = near.key;
		entry.plen = how < 7 ? near.plen :
			     vr_random_below(r, near.plen + 1);
	}
cut:
	entry.key = vr_random_cut(entry.key, entry.plen);
	return entry;
}

/* Where memory fails, each allocation fails in its turn. */
static void vr_random_apply(struct vr_random *r, const struct vr_fib_entry *entry)
{
	struct vr_fib_entry *before = vr_random_find(r, entry->key, entry->plen);
	const struct vr_fib_head *head = r->fib->head;
	u16 want = before ? before->nh : 0, old = want;
	unsigned int nth = 0;
	unsigned long root = head->root;
	u8 addr[16];
	int err;

	vr_random_bytes(entry->key, addr);
	vr_host_check(r->bulk || vr_fib_get(r->fib, addr, entry->plen) == want,
		      "get does not tell %u", want);
	for (;;) {
		vr_host_fail_nth = r->fails ? ++nth : 0;
		err = entry->nh ? vr_fib_set(r->fib, addr, entry->plen, entry->nh,
					     &old, GFP_KERNEL) :
				  vr_fib_del(r->fib, addr, entry->plen, &old,
					     GFP_KERNEL);
		vr_host_fail_nth = 0;
		if (err != -ENOMEM || !r->fails)
			break;
		r->tally.refused++;
		if (!r->bulk)
			vr_random_ask(r, entry->key);
	}
	vr_host_check(err == (entry->nh || want ? 0 : -ENOENT), "error %d", err);
	vr_host_check(old == want, "replaced %u, not %u", old, want);
	vr_random_note(r, entry);
	r->tally.changes++;
	r->tally.heads += head != r->fib->head;
	r->tally.in_place += !r->bulk && entry->plen && want != entry->nh &&
			     vr_fib_slot_node(root) && root == head->root;
	vr_host_check(vr_fib_count(r->fib) == r->count, "count is %u, not %u",
		      vr_fib_count(r->fib), r->count);
}

static void vr_random_bulk_end(struct vr_random *r)
{
	unsigned int nth = 0;
	int err;

	if (!r->bulk)
		return;
	do {
		vr_host_fail_nth = r->fails ? ++nth : 0;
		err = vr_fib_bulk_end(r->fib, GFP_KERNEL);
		vr_host_fail_nth = 0;
		vr_host_check(!err || (r->fails && err == -ENOMEM), "error %d",
			      err);
		r->tally.refused += !!err;
	} while (err);
	r->bulk = false;
	vr_random_inspect(r);
}

/* The prefixes of one slot once more in the slot beside: often the same node. */
static void vr_random_copy(struct vr_random *r)
{
	struct vr_fib_entry copy[VR_RANDOM_COPIES], near;
	unsigned int i, level, n = 0;
	struct vr_fib_key a, b;

	near = r->entry[vr_random_below(r, r->count)];
	if (near.plen <= VR_FIB_STRIDE)
		return;
	level = VR_FIB_STRIDE * (1 + vr_random_below(r, (near.plen - 1) /
						     VR_FIB_STRIDE));
	a = vr_random_cut(near.key, level);
	for (i = 0; i < r->count && n < ARRAY_SIZE(copy); i++) {
		b = vr_random_cut(r->entry[i].key, level);
		if (r->entry[i].plen <= level || a.hi != b.hi || a.lo != b.lo)
			continue;
		copy[n] = r->entry[i];
		if (level <= 64)
			copy[n++].key.hi ^= 1ULL << (64 - level);
		else
			copy[n++].key.lo ^= 1ULL << (128 - level);
	}
	for (i = 0; i < n; i++)
		vr_random_apply(r, &copy[i]);
}

static void vr_random_change(struct vr_random *r, bool insert)
{
	struct vr_fib_entry entry = vr_random_choose(r);

	if (!insert)
		entry.nh = 0;
	vr_random_apply(r, &entry);
	if (r->count && r->count < r->kind->most && !vr_random_below(r, 16))
		vr_random_copy(r);
	if (r->bulk)
		return;
	vr_random_probe(r, &entry);
	vr_random_ask(r, vr_random_key(r));
	if (r->count) {
		entry = r->entry[vr_random_below(r, r->count)];
		vr_random_ask(r, vr_random_join(entry.key, vr_random_key(r),
						entry.plen));
	}
}

/* Side by side, in order: enough for flat nodes. */
static void vr_random_fill(struct vr_random *r)
{
	bool fails = r->fails;
	struct vr_fib_entry entry = {};
	unsigned int i;

	if (!r->kind->dense)
		return;
	vr_host_check(!vr_fib_bulk_begin(r->fib), "no bulk");
	r->bulk = true;
	r->fails = false;
	for (i = 0; i < r->kind->dense; i++) {
		entry.key.hi = 10ULL << 56 | (u64)i * r->kind->step << 40;
		entry.plen = r->kind->plen;
		if (r->kind->bits == 128) {
			entry.key.hi = 0x2001ULL << 48 | entry.key.hi >> 16;
			entry.plen += 16;
		}
		entry.nh = 1 + vr_random_below(r, 7);
		vr_random_apply(r, &entry);
	}
	r->fails = fails;
	vr_random_bulk_end(r);
}

static void vr_random_changes(struct vr_random *r)
{
	bool grow = true;
	unsigned int i;

	for (i = 0; i < r->kind->ops; i++) {
		if (i == VR_RANDOM_BULK)
			vr_random_bulk_end(r);
		if (!vr_random_below(r, 64))
			vr_host_rcu_pass();
		if (r->count <= r->kind->least)
			grow = true;
		else if (r->count >= r->kind->most)
			grow = false;
		vr_random_change(r, vr_random_below(r, 8) < (grow ? 6 : 2));
		if (!r->bulk && !vr_random_below(r, r->kind->inspect))
			vr_random_inspect(r);
	}
	vr_random_bulk_end(r);
	vr_random_inspect(r);
	vr_random_drop_twin(r);
}

/* Without memory there is no beginning. */
static void vr_random_begin(struct vr_random *r)
{
	unsigned int nth = 0;
	int err;

	do {
		vr_host_fail_nth = r->fails ? ++nth : 0;
		err = vr_fib_init();
		vr_host_fail_nth = 0;
		vr_host_check(!err || (r->fails && err == -ENOMEM), "error %d",
			      err);
		vr_host_check(!err || !vr_host_live(), "init leaks");
	} while (err);
	r->fib = vr_fib_alloc(r->kind->bits, GFP_KERNEL);
	vr_host_check(r->fib, "no table");
}

static void vr_random_end(struct vr_random *r)
{
	struct vr_fib_entry entry;

	r->fails = false;
	if (vr_random_below(r, 2)) {
		while (r->count) {
			entry = r->entry[r->count - 1];
			entry.nh = 0;
			vr_random_apply(r, &entry);
		}
		vr_host_check(r->fib->head->root == vr_fib_leaf(0) &&
			      !r->fib->store, "an empty table is not empty");
	}
	vr_fib_free(r->fib);
	vr_host_check(!vr_fib_node_total(), "%u nodes are left",
		      vr_fib_node_total());
	vr_fib_exit();
	vr_host_check(!vr_host_live(), "%ld allocations are left", vr_host_live());
}

static void vr_random_table(struct vr_random *r, u64 seed, bool fails)
{
	vr_host_rnd_seed(&r->rnd, seed);
	r->fails = fails;
	r->count = 0;
	memset(r->by_len, 0, sizeof(r->by_len));
	memset(r->first, 0, sizeof(r->first));
	r->spread = vr_random_below(r, 4);
	vr_fib_node_mask = vr_random_below(r, 3) || r->kind->most > 1200 ? ~0U :
									   0x7f00;
	vr_random_begin(r);
	vr_random_fill(r);
	if (!r->count && !vr_random_below(r, 4)) {
		vr_host_check(!vr_fib_bulk_begin(r->fib), "no bulk");
		r->bulk = true;
	}
	vr_random_changes(r);
	vr_random_end(r);
}

static void vr_random_kind(const struct vr_random_kind *kind, u64 seed,
			   unsigned long ops)
{
	static struct vr_random r;
	unsigned int tables = 0;

	memset(&r, 0, sizeof(r));
	r.kind = kind;
	/* every other one without memory, now and then */
	while (r.tally.changes < ops * kind->part / 100 || tables < 4) {
		vr_random_table(&r, seed + tables, tables % 2);
		tables++;
	}
	printf("# %u tables, %lu addresses, %lu twins\n", tables, r.tally.asked,
	       r.tally.twins);
	printf("# changes: %lu without memory, %lu in place, %lu default routes\n",
	       r.tally.refused, r.tally.in_place, r.tally.heads);
	vr_host_check(r.tally.asked && r.tally.twins && r.tally.heads &&
		      r.tally.refused, "too little was tested");
	vr_host_check(!kind->dense || r.tally.in_place,
		      "nothing changed in place");
	vr_host_pass("%lu changes", r.tally.changes);
}

int main(int argc, char **argv)
{
	unsigned long ops = 200000;
	u64 seed = time(NULL);
	unsigned int i;
	int opt;

	while ((opt = getopt(argc, argv, "s:n:")) != -1) {
		if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'n')
			ops = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	vr_host_plan(ARRAY_SIZE(vr_random_kinds));
	printf("# fib_random -s %lu -n %lu\n", seed, ops);
	for (i = 0; i < ARRAY_SIZE(vr_random_kinds); i++) {
		vr_host_case("%s", vr_random_kinds[i].name);
		vr_random_kind(&vr_random_kinds[i], seed * 1000003, ops);
	}
	return 0;
}
