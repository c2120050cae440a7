// SPDX-License-Identifier: GPL-2.0
/*
 * The FIB against an array of prefixes.
 */
#include "bytes.h"
#include "fib.h"
#include "fib_store.h"

#define VR_BYTES_MAX		128

const char * const vr_bytes_name = "FIB";

enum { SET, DELETED, REFUSED, INVALID, BULK, HELD, WALKED, TWINS };

struct vr_bytes_tally vr_bytes_tally[] = {
	[SET] = { "a prefix was set" },
	[DELETED] = { "a prefix was deleted" },
	[REFUSED] = { "there was no memory" },
	[INVALID] = { "what is no prefix was refused" },
	[BULK] = { "a table was built in bulk" },
	[HELD] = { "new prefixes waited" },
	[WALKED] = { "a walk began in the middle" },
	[TWINS] = { "a table with the same prefixes was the same" },
	{}
};

/**
 * struct vr_fib_model - a table and what should be in it
 * @bytes: what to do
 * @fib: table
 * @bits: length of an address
 * @bulk: it is being loaded in bulk
 * @held: new prefixes may wait
 * @count: prefixes
 * @entry: these prefixes, in no order
 * @told: prefixes that a walk has told
 * @last: the last one that it has told
 */
struct vr_fib_model {
	struct vr_bytes bytes;
	struct vr_fib *fib;
	unsigned int bits;
	bool bulk;
	bool held;
	unsigned int count;
	struct vr_fib_entry entry[VR_BYTES_MAX];
	unsigned int told;
	struct vr_fib_entry last;
};

/* Bit by bit: no function of what is tested. */
static bool vr_fib_model_bit(struct vr_fib_key key, unsigned int n)
{
	return (n < 64 ? key.hi << n : key.lo << (n - 64)) >> 63;
}

static bool vr_fib_model_matches(const struct vr_fib_entry *entry,
				 struct vr_fib_key key)
{
	unsigned int n;

	for (n = 0; n < entry->plen; n++)
		if (vr_fib_model_bit(entry->key, n) != vr_fib_model_bit(key, n))
			return false;
	return true;
}

static struct vr_fib_key vr_fib_model_cut(struct vr_fib_key key, unsigned int plen)
{
	unsigned int n;

	for (n = plen; n < 128; n++) {
		if (n < 64)
			key.hi &= ~(1ULL << (63 - n));
		else
			key.lo &= ~(1ULL << (127 - n));
	}
	return key;
}

static struct vr_fib_entry *vr_fib_model_find(struct vr_fib_model *m,
					      const struct vr_fib_entry *want)
{
	unsigned int i;

	for (i = 0; i < m->count; i++)
		if (m->entry[i].plen == want->plen &&
		    m->entry[i].key.hi == want->key.hi &&
		    m->entry[i].key.lo == want->key.lo)
			return &m->entry[i];
	return NULL;
}

static void vr_fib_model_note(struct vr_fib_model *m,
			      const struct vr_fib_entry *entry)
{
	struct vr_fib_entry *old = vr_fib_model_find(m, entry);

	if (old && entry->nh)
		old->nh = entry->nh;
	else if (old)
		*old = m->entry[--m->count];
	else if (entry->nh)
		m->entry[m->count++] = *entry;
}

static void vr_fib_bytes_save(struct vr_fib_key key, u8 *addr)
{
	__be64 half[2] = { cpu_to_be64(key.hi), cpu_to_be64(key.lo) };

	memcpy(addr, half, sizeof(half));
}

static void vr_fib_bytes_ask(struct vr_fib_model *m, struct vr_fib_key key)
{
	struct vr_fib_entry none = {}, *want = &none;
	struct in6_addr v6;
	unsigned int i;
	__be32 v4;
	u16 nh;

	key = vr_fib_model_cut(key, m->bits);
	for (i = 0; i < m->count; i++)
		if (m->entry[i].plen >= want->plen &&
		    vr_fib_model_matches(&m->entry[i], key))
			want = &m->entry[i];
	vr_fib_bytes_save(key, v6.s6_addr);
	memcpy(&v4, &v6, sizeof(v4));
	rcu_read_lock();
	nh = m->bits == 32 ? vr_fib_lookup4(m->fib, v4) :
			     vr_fib_lookup6(m->fib, &v6);
	rcu_read_unlock();
	vr_host_check(nh == want->nh, "%016lx%016lx: %u, not %u of /%u", key.hi,
		      key.lo, nh, want->nh, want->plen);
}

/* At both ends of a prefix, and beside. */
static void vr_fib_bytes_probe(struct vr_fib_model *m,
			       const struct vr_fib_entry *entry)
{
	u64 unit = m->bits == 32 ? 1ULL << 32 : 1;
	struct vr_fib_key key = entry->key;
	u64 *low = m->bits == 32 ? &key.hi : &key.lo;
	unsigned int n;

	vr_fib_bytes_ask(m, key);
	*low -= unit;
	vr_fib_bytes_ask(m, key);
	key = entry->key;
	for (n = entry->plen; n < m->bits; n++) {
		if (n < 64)
			key.hi |= 1ULL << (63 - n);
		else
			key.lo |= 1ULL << (127 - n);
	}
	vr_fib_bytes_ask(m, key);
	*low += unit;
	vr_fib_bytes_ask(m, key);
}

/* A new one, or one that shares some bytes with one that there is. */
static struct vr_fib_entry vr_fib_bytes_entry(struct vr_fib_model *m)
{
	struct vr_fib_entry entry = { .plen = vr_bytes_u8(&m->bytes) % (m->bits + 1) };
	u8 how = vr_bytes_u8(&m->bytes), shift = how % 16 * 8;
	u64 value;

	if (how & 0x80 && m->count) {
		entry.key = m->entry[vr_bytes_u8(&m->bytes) % m->count].key;
		value = vr_bytes_u8(&m->bytes);
		if (shift < 64)
			entry.key.hi ^= value << (56 - shift);
		else
			entry.key.lo ^= value << (120 - shift);
	} else {
		entry.key.hi = (u64)vr_bytes_u32(&m->bytes) << 32;
		if (how & 0x40)
			entry.key.hi |= vr_bytes_u32(&m->bytes);
		if (how & 0x20)
			entry.key.lo = (u64)vr_bytes_u16(&m->bytes) << 48 |
				       vr_bytes_u16(&m->bytes);
	}
	entry.key = vr_fib_model_cut(entry.key, entry.plen);
	return entry;
}

static int vr_fib_bytes_apply(struct vr_fib_model *m,
			      const struct vr_fib_entry *entry, u16 *old)
{
	u8 addr[16];

	vr_fib_bytes_save(entry->key, addr);
	return entry->nh ? vr_fib_set(m->fib, addr, entry->plen, entry->nh, old,
				      GFP_KERNEL) :
			   vr_fib_del(m->fib, addr, entry->plen, old, GFP_KERNEL);
}

/* nth: the allocation that fails; upon which nothing has changed */
static void vr_fib_bytes_change(struct vr_fib_model *m, bool set, unsigned int nth)
{
	struct vr_fib_entry entry = vr_fib_bytes_entry(m), *before;
	u16 want, old;
	int err;

	if (set)
		entry.nh = 1 + vr_bytes_u8(&m->bytes) % 5;
	before = vr_fib_model_find(m, &entry);
	want = before ? before->nh : 0;
	old = want;
	if (set && !before && m->count == VR_BYTES_MAX)
		return;
	vr_host_fail_nth = nth;
	err = vr_fib_bytes_apply(m, &entry, &old);
	if (nth && !vr_host_fail_nth && err == -ENOMEM) {
		vr_bytes_tally[REFUSED].n++;
		if (!m->bulk && !m->held)
			vr_fib_bytes_probe(m, &entry);
		err = vr_fib_bytes_apply(m, &entry, &old);
	}
	vr_host_fail_nth = 0;
	vr_host_check(err == (set || want ? 0 : -ENOENT), "error %d", err);
	vr_host_check(old == want, "replaced %u, not %u", old, want);
	vr_fib_model_note(m, &entry);
	vr_host_check(vr_fib_count(m->fib) == m->count, "count is %u, not %u",
		      vr_fib_count(m->fib), m->count);
	vr_bytes_tally[SET].n += set;
	vr_bytes_tally[DELETED].n += !set && want;
	if (!m->bulk && !m->held)
		vr_fib_bytes_probe(m, &entry);
}

/* Too long, or with bits beyond its length */
static void vr_fib_bytes_invalid(struct vr_fib_model *m)
{
	struct vr_fib_entry entry = vr_fib_bytes_entry(m);
	u8 addr[16];
	u16 old = 0;

	if (entry.plen < m->bits) {
		vr_fib_bytes_save(entry.key, addr);
		addr[m->bits / 8 - 1] |= 1;
	} else {
		memset(addr, 0, sizeof(addr));
		entry.plen++;
	}
	vr_host_check(vr_fib_set(m->fib, addr, entry.plen, 1, &old,
				 GFP_KERNEL) == -EINVAL &&
		      vr_fib_del(m->fib, addr, entry.plen, &old,
				 GFP_KERNEL) == -EINVAL, "no prefix is taken");
	vr_bytes_tally[INVALID].n++;
}

static int vr_fib_bytes_tell(void *arg, const void *prefix, u8 plen, u16 nh)
{
	struct vr_fib_model *m = arg;
	struct vr_fib_entry entry = { .plen = plen }, *want;
	__be64 half[2] = {};

	memcpy(half, prefix, m->bits / 8);
	entry.key.hi = be64_to_cpu(half[0]);
	entry.key.lo = be64_to_cpu(half[1]);
	want = vr_fib_model_find(m, &entry);
	vr_host_check(want && want->nh == nh, "a walk tells /%u %u", plen, nh);
	vr_host_check(!m->told || vr_fib_cmp(&entry, &m->last) > 0,
		      "a walk is out of order");
	m->last = entry;
	m->told++;
	return 0;
}

static void vr_fib_bytes_walk(struct vr_fib_model *m)
{
	struct vr_fib_entry from = vr_fib_bytes_entry(m);
	unsigned int i, want = 0;
	u8 addr[16];

	for (i = 0; i < m->count; i++)
		want += vr_fib_cmp(&m->entry[i], &from) >= 0;
	vr_fib_bytes_save(from.key, addr);
	m->told = 0;
	rcu_read_lock();
	vr_fib_walk(m->fib, addr, from.plen, vr_fib_bytes_tell, m);
	rcu_read_unlock();
	vr_host_check(m->told == want, "a walk tells %u prefixes of %u", m->told,
		      want);
	vr_bytes_tally[WALKED].n += want && want < m->count;
}

static void vr_fib_bytes_settle(struct vr_fib_model *m)
{
	int err = 0;

	if (m->bulk)
		err = vr_fib_bulk_end(m->fib, GFP_KERNEL);
	if (m->held)
		err = err ? : vr_fib_release(m->fib);
	vr_host_check(!err, "error %d", err);
	vr_bytes_tally[BULK].n += m->bulk;
	vr_bytes_tally[HELD].n += m->held;
	m->bulk = false;
	m->held = false;
}

/* Set in another order, the same prefixes are the same nodes. */
static void vr_fib_bytes_twin(struct vr_fib_model *m)
{
	struct vr_fib_model twin = { .bits = m->bits };
	unsigned int i, bad = 1;
	u16 old;

	vr_fib_bytes_settle(m);
	vr_host_check(!vr_fib_verify(m->fib, &bad) && !bad, "%u bad places", bad);
	twin.fib = vr_fib_alloc(m->bits, GFP_KERNEL);
	vr_host_check(twin.fib, "no twin");
	for (i = m->count; i--; )
		vr_host_check(!vr_fib_bytes_apply(&twin, &m->entry[i], &old),
			      "a twin refuses a prefix");
	vr_host_check(twin.fib->head->root == m->fib->head->root &&
		      twin.fib->head->fallback == m->fib->head->fallback &&
		      twin.fib->store == m->fib->store, "a twin is not the same");
	vr_fib_free(twin.fib);
	vr_bytes_tally[TWINS].n += m->count > 1;
}

static void vr_fib_bytes_op(struct vr_fib_model *m, u8 op)
{
	switch (op % 16) {
	case 0 ... 7:
		vr_fib_bytes_change(m, true, 0);
		break;
	case 8 ... 9:
		vr_fib_bytes_change(m, false, 0);
		break;
	case 10:
		vr_fib_bytes_change(m, op & 0x80, op / 16 % 8);
		break;
	case 11:
		vr_host_rcu_pass();
		break;
	case 12:
		if (!m->bulk)
			vr_fib_bytes_invalid(m);
		break;
	case 13:
		if (m->bulk)
			break;
		vr_fib_hold(m->fib, GFP_KERNEL);
		m->held = true;
		break;
	case 14:
		vr_fib_bytes_settle(m);
		vr_fib_bytes_walk(m);
		break;
	default:
		vr_fib_bytes_twin(m);
	}
}

int vr_bytes_run(const u8 *data, size_t size)
{
	struct vr_fib_model m = { .bytes = { data, data + size } };
	u8 how = vr_bytes_u8(&m.bytes);

	m.bits = how & 1 ? 128 : 32;
	/* hashes that collide */
	vr_fib_node_mask = how & 2 ? 0x700 : ~0U;
	vr_host_check(!vr_fib_init(), "init");
	m.fib = vr_fib_alloc(m.bits, GFP_KERNEL);
	vr_host_check(m.fib, "no table");
	if (how & 4) {
		vr_host_check(!vr_fib_bulk_begin(m.fib), "no bulk");
		m.bulk = true;
	}
	while (vr_bytes_left(&m.bytes))
		vr_fib_bytes_op(&m, vr_bytes_u8(&m.bytes));
	vr_fib_bytes_twin(&m);
	vr_fib_free(m.fib);
	vr_host_check(!vr_fib_node_total(), "%u nodes are left",
		      vr_fib_node_total());
	vr_fib_exit();
	vr_host_check(!vr_host_live(), "%ld allocations are left", vr_host_live());
	return 0;
}
