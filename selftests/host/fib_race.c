// SPDX-License-Identifier: GPL-2.0
/*
 * Readers of the FIB against writers. Each writer has tables of its own, which are
 * made of the same nodes; it says what is right for all that is asked before and
 * after each change, and readers find their answers among those that were right
 * while they asked.
 *
 * What readers and writers have in common here is atomic but orders nothing for
 * ThreadSanitizer, so that it judges what the FIB does by itself.
 *
 * usage: fib_race [-s SEED] [-t SECONDS]
 */
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "fib.h"
#include "fib_store.h"
#include "host.h"

#define VR_RACE_WRITERS		2
#define VR_RACE_READERS		3
#define VR_RACE_SETS		4
#define VR_RACE_BASE		4600	/* prefixes that stay, at most */
#define VR_RACE_CENTERS		24	/* addresses around which others change */
#define VR_RACE_FAR		6	/* those often without but the default route */
#define VR_RACE_LENGTHS		8
#define VR_RACE_CHANGING	(1 + VR_RACE_CENTERS * VR_RACE_LENGTHS)
#define VR_RACE_PROBES		(2 * VR_RACE_CENTERS)
#define VR_RACE_STATES		2048	/* a power of two */
#define VR_RACE_TOLD		100	/* prefixes that a walk is told */
#define VR_RACE_TWIN		256	/* one change in so many makes a twin */
#define VR_RACE_PAUSES		256	/* one access in so many waits a bit */
#define VR_RACE_PAUSES_OFTEN	8
#define VR_RACE_PAUSES_SELDOM	4096

enum {
	VR_RACE_LOOKUP,
	VR_RACE_MATCH,
	VR_RACE_GET,
	VR_RACE_WALK,
	VR_RACE_CHANGES,
	VR_RACE_IN_PLACE,
	VR_RACE_HEADS,
	VR_RACE_TWINS,
	VR_RACE_MISSED,
	VR_RACE_TALLIES,
};

/**
 * struct vr_race_state - what is right at one moment
 * @answer: of each probe, next hop << 8 | length
 * @nh: next hop of each prefix that changes; the first is the default route
 */
struct vr_race_state {
	u32 answer[VR_RACE_PROBES];
	u16 nh[VR_RACE_CHANGING];
};

/**
 * struct vr_race_set - the prefixes of one family
 * @bits: length of an address
 * @few: writers meet at few prefixes, and in nodes near the root, which they share
 *	and leave; the default route stays
 * @n: number of prefixes that stay
 * @centers: number of addresses around which others change
 * @lengths: of these, around each center
 * @base: prefixes that stay, in order
 * @far: number of prefixes that change and have no others around, after the first
 * @changing: number of prefixes that change
 * @change: these prefixes
 * @probe: addresses that are asked for
 * @under: of the prefixes that stay, which one is the longest for each probe
 */
struct vr_race_set {
	unsigned int bits;
	bool few;
	unsigned int n;
	unsigned int centers;
	u8 lengths[VR_RACE_LENGTHS];
	struct vr_fib_entry base[VR_RACE_BASE];
	unsigned int far;
	unsigned int changing;
	struct vr_fib_entry change[VR_RACE_CHANGING];
	struct vr_fib_key probe[VR_RACE_PROBES];
	const struct vr_fib_entry *under[VR_RACE_PROBES];
};

/**
 * struct vr_race_table - a table
 * @set: its prefixes
 * @fib: the table
 * @begun: number of the last change that was begun
 * @done: number of the last that is done
 * @state: after each of the last changes
 */
struct vr_race_table {
	const struct vr_race_set *set;
	struct vr_fib *fib;
	unsigned long begun;
	unsigned long done;
	struct vr_race_state state[VR_RACE_STATES];
};

/**
 * struct vr_race_thread - a thread
 * @thread: its handle
 * @rnd: source of its choices
 * @index: number among the writers, or the readers
 * @tally: what it did
 */
struct vr_race_thread {
	pthread_t thread;
	struct vr_host_rnd rnd;
	unsigned int index;
	unsigned long tally[VR_RACE_TALLIES];
};

static struct vr_race_set vr_race_sets[] = {
	{
		.bits = 32, .n = VR_RACE_BASE, .centers = VR_RACE_CENTERS,
		.lengths = { 3, 8, 11, 16, 20, 25, 28, 32 },
	}, {
		.bits = 128, .n = VR_RACE_BASE, .centers = VR_RACE_CENTERS,
		.lengths = { 11, 24, 32, 39, 44, 64, 97, 128 },
	},
	{ .bits = 32, .few = true, .n = 400, .centers = 2, .lengths = { 25, 28 } },
	{ .bits = 128, .few = true, .n = 400, .centers = 2, .lengths = { 44, 64 } },
};

static struct vr_race_table vr_race_tables[VR_RACE_WRITERS][VR_RACE_SETS];
static bool vr_race_over;

/* Readers see writers' notes, but ThreadSanitizer no order that comes of it. */
#define vr_race_load(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define vr_race_store(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)

static void vr_race_bytes(struct vr_fib_key key, u8 *addr)
{
	__be64 half[2] = { cpu_to_be64(key.hi), cpu_to_be64(key.lo) };

	memcpy(addr, half, sizeof(half));
}

static bool vr_race_covers(const struct vr_fib_entry *entry,
			   struct vr_fib_key key)
{
	struct vr_fib_key mask = vr_fib_mask(entry->plen);

	return !((key.hi ^ entry->key.hi) & mask.hi) &&
	       !((key.lo ^ entry->key.lo) & mask.lo);
}

static struct vr_fib_entry vr_race_entry(struct vr_fib_key key, u8 plen)
{
	struct vr_fib_key mask = vr_fib_mask(plen);
	struct vr_fib_entry entry = {
		.key = { key.hi & mask.hi, key.lo & mask.lo },
		.plen = plen,
	};

	return entry;
}

static void vr_race_add_change(struct vr_race_set *set, struct vr_fib_key key,
			       u8 plen)
{
	struct vr_fib_entry entry = vr_race_entry(key, plen);
	unsigned int i;

	for (i = 0; i < set->changing; i++)
		if (!vr_fib_cmp(&entry, &set->change[i]))
			return;
	for (i = 0; i < set->n; i++)
		if (!vr_fib_cmp(&entry, &set->base[i]))
			return;
	set->change[set->changing++] = entry;
}

/*
 * Two hundred prefixes a node, in 23 nodes: too many for nodes that do not change in
 * place. Centers are next to, and beyond, these.
 */
static void vr_race_set_fill(struct vr_race_set *set, struct vr_host_rnd *rnd)
{
	bool v6 = set->bits == 128, far;
	struct vr_fib_entry *entry;
	struct vr_fib_key key = {};
	unsigned int i, j, plen;

	for (i = 0; i < set->n; i++) {
		entry = &set->base[i];
		key.hi = 10ULL << 56 | (u64)(i / 200) << 48 | (u64)(i % 200) << 40;
		if (v6)
			key.hi = 0x2001ULL << 48 | key.hi >> 16;
		*entry = vr_race_entry(key, v6 ? 40 : 24);
		entry->nh = 1 + vr_host_below(rnd, 7);
	}
	key.hi = 0;
	vr_race_add_change(set, key, 0);
	for (i = 0; i < set->centers; i++) {
		far = !set->few && i < VR_RACE_FAR;
		plen = vr_host_below(rnd, 4) ? (v6 ? 40 : 24) : (v6 ? 24 : 8);
		if (set->few)
			plen = v6 ? 40 : 24;
		key = set->base[vr_host_below(rnd, set->n)].key;
		key.hi |= vr_host_rnd64(rnd) >> plen;
		if (far)
			key.hi = vr_host_rnd64(rnd);
		key.lo = vr_host_rnd64(rnd);
		key = vr_race_entry(key, set->bits).key;
		set->probe[2 * i] = key;
		for (j = 0; j < (far ? 2 : VR_RACE_LENGTHS) && set->lengths[j]; j++)
			vr_race_add_change(set, key, set->lengths[j]);
		if (far)
			set->far = set->changing;
		if (v6)
			key.lo ^= 1;
		else
			key.hi ^= 1ULL << 32;
		set->probe[2 * i + 1] = key;
	}
	for (i = 0; i < 2 * set->centers; i++)
		for (j = 0; j < set->n; j++)
			if (vr_race_covers(&set->base[j], set->probe[i]))
				set->under[i] = &set->base[j];
}

/* As a list that is searched in full. */
static u32 vr_race_answer(const struct vr_race_set *set, const u16 *nh,
			  unsigned int probe)
{
	const struct vr_fib_entry *under = set->under[probe];
	int plen = under ? under->plen : -1;
	u32 best = under ? under->nh : 0;
	unsigned int i;

	for (i = 0; i < set->changing; i++) {
		if (!nh[i] || set->change[i].plen <= plen ||
		    !vr_race_covers(&set->change[i], set->probe[probe]))
			continue;
		plen = set->change[i].plen;
		best = nh[i];
	}
	return best << 8 | (plen > 0 ? plen : 0);
}

static struct vr_race_state *vr_race_at(struct vr_race_table *table,
					unsigned long number)
{
	return &table->state[number % VR_RACE_STATES];
}

/* Say what is right once the next change is done. */
static void vr_race_announce(struct vr_race_table *table, unsigned int i, u16 nh)
{
	const struct vr_race_set *set = table->set;
	struct vr_race_state *old = vr_race_at(table, table->begun), *new;
	unsigned int j;
	u32 answer;

	new = vr_race_at(table, table->begun + 1);
	for (j = 0; j < set->changing; j++)
		vr_race_store(new->nh[j], j == i ? nh : old->nh[j]);
	for (j = 0; j < 2 * set->centers; j++) {
		answer = old->answer[j];
		if (vr_race_covers(&set->change[i], set->probe[j]))
			answer = vr_race_answer(set, new->nh, j);
		vr_race_store(new->answer[j], answer);
	}
	/* the state before its number: pairs with vr_race_close() */
	smp_mb();
	vr_race_store(table->begun, table->begun + 1);
	/* its number before the change: who sees that, sees this */
	smp_mb();
}

static void vr_race_finish(struct vr_race_table *table)
{
	/* the change before its number: pairs with vr_race_open() */
	smp_mb();
	vr_race_store(table->done, table->begun);
}

/* What the other writer has there, often, so that there are nodes to share. */
static u16 vr_race_choose(struct vr_race_thread *self,
			  const struct vr_race_table *table, unsigned int i)
{
	struct vr_race_table *other;

	other = &vr_race_tables[!self->index][table->set - vr_race_sets];
	if (vr_host_below(&self->rnd, 2))
		return vr_race_load(vr_race_at(other,
					       vr_race_load(other->done))->nh[i]);
	if (vr_host_below(&self->rnd, 2))
		return 0;
	return 1 + vr_host_below(&self->rnd, VR_FIB_NH_MAX);
}

static unsigned int vr_race_which(struct vr_race_thread *self,
				  const struct vr_race_set *set)
{
	if (set->few)
		return 1 + vr_host_below(&self->rnd, set->changing - 1);
	/* the default route, and what has it as the alternative, more often */
	if (!vr_host_below(&self->rnd, 4))
		return 0;
	return vr_host_below(&self->rnd, vr_host_below(&self->rnd, 3) ?
					 set->changing : set->far);
}

static void vr_race_change(struct vr_race_thread *self,
			   struct vr_race_table *table)
{
	unsigned int i = vr_race_which(self, table->set);
	struct vr_fib_head *head = table->fib->head;
	const struct vr_fib_entry *entry;
	unsigned long root = head->root;
	u16 old = 0, before, nh;
	u8 addr[16];
	int err;

	entry = &table->set->change[i];
	before = vr_race_at(table, table->begun)->nh[i];
	nh = vr_race_choose(self, table, i);
	vr_race_bytes(entry->key, addr);
	vr_race_announce(table, i, nh);
	err = nh ? vr_fib_set(table->fib, addr, entry->plen, nh, &old,
			      GFP_KERNEL) :
		   vr_fib_del(table->fib, addr, entry->plen, &old, GFP_KERNEL);
	vr_race_finish(table);
	vr_host_check(err == (nh || before ? 0 : -ENOENT) && old == before,
		      "writer: error %d, %u is replaced, not %u", err, old,
		      before);
	self->tally[VR_RACE_CHANGES]++;
	self->tally[VR_RACE_HEADS] += head != table->fib->head;
	self->tally[VR_RACE_IN_PLACE] += entry->plen && nh != before &&
					 root == table->fib->head->root;
}

/* A table with the prefixes that stay, and those that @nh has. */
static struct vr_fib *vr_race_build(const struct vr_race_set *set, const u16 *nh)
{
	struct vr_fib *fib = vr_fib_alloc(set->bits, GFP_KERNEL);
	const struct vr_fib_entry *entry;
	unsigned int i;
	int err;
	u8 addr[16];

	err = vr_fib_bulk_begin(fib);
	for (i = 0; i < set->n && !err; i++) {
		entry = &set->base[i];
		vr_race_bytes(entry->key, addr);
		err = vr_fib_set(fib, addr, entry->plen, entry->nh, NULL,
				 GFP_KERNEL);
	}
	err = err ? : vr_fib_bulk_end(fib, GFP_KERNEL);
	for (i = 0; i < set->changing && !err; i++) {
		entry = &set->change[i];
		vr_race_bytes(entry->key, addr);
		if (nh && nh[i])
			err = vr_fib_set(fib, addr, entry->plen, nh[i], NULL,
					 GFP_KERNEL);
	}
	vr_host_check(!err, "no table: error %d", err);
	return fib;
}

/* One more table of the same nodes, for a while. */
static void vr_race_twin(struct vr_race_thread *self, struct vr_race_table *table,
			 struct vr_fib **twin)
{
	unsigned int bad = 1;

	if (!*twin) {
		*twin = vr_race_build(table->set,
				      vr_race_at(table, table->begun)->nh);
		vr_host_check((*twin)->head->root == table->fib->head->root &&
			      (*twin)->store == table->fib->store,
			      "writer: a twin differs");
		self->tally[VR_RACE_TWINS]++;
	} else {
		/* other tables have changed, this one must not have */
		vr_host_check(!vr_fib_verify(*twin, &bad) && !bad,
			      "writer: %u bad places in a twin", bad);
		vr_fib_free(*twin);
		*twin = NULL;
	}
}

static void *vr_race_write(void *arg)
{
	struct vr_race_thread *self = arg;
	struct vr_race_table *tables = vr_race_tables[self->index];
	struct vr_fib *twin[VR_RACE_SETS] = {};
	unsigned int i, bad = 1;

	while (!vr_race_load(vr_race_over)) {
		i = vr_host_below(&self->rnd, VR_RACE_SETS);
		vr_host_pauses = tables[i].set->few ? VR_RACE_PAUSES_SELDOM :
						      VR_RACE_PAUSES;
		vr_race_change(self, &tables[i]);
		if (!vr_host_below(&self->rnd, VR_RACE_TWIN))
			vr_race_twin(self, &tables[i], &twin[i]);
	}
	for (i = 0; i < VR_RACE_SETS; i++) {
		vr_fib_free(twin[i]);
		vr_host_check(!vr_fib_verify(tables[i].fib, &bad) && !bad,
			      "writer: %u bad places", bad);
	}
	return NULL;
}

/**
 * struct vr_race_span - what was right while a reader asked
 * @table: table
 * @from: first state
 * @to: last state
 */
struct vr_race_span {
	struct vr_race_table *table;
	unsigned long from;
	unsigned long to;
};

static void vr_race_open(struct vr_race_span *span)
{
	span->from = vr_race_load(span->table->done);
	/* pairs with vr_race_finish() */
	smp_mb();
}

static void vr_race_close(struct vr_race_span *span)
{
	/* what was asked before the number: pairs with vr_race_announce() */
	smp_mb();
	span->to = vr_race_load(span->table->begun);
	/* the number before the states: pairs with vr_race_announce() */
	smp_mb();
}

/* The states are still what they were: the next change may write to the oldest. */
static bool vr_race_valid(const struct vr_race_span *span)
{
	/* the states before the number: pairs with vr_race_announce() */
	smp_mb();
	return vr_race_load(span->table->begun) + 1 < span->from + VR_RACE_STATES;
}

static bool vr_race_answered(const struct vr_race_span *span, unsigned int probe,
			     u32 nh, int plen)
{
	unsigned long i;
	u32 answer;

	for (i = span->from; i <= span->to; i++) {
		answer = vr_race_load(vr_race_at(span->table, i)->answer[probe]);
		if (answer >> 8 == nh &&
		    (plen < 0 || (answer & 0xff) == (u32)plen))
			return true;
	}
	return false;
}

static bool vr_race_had(const struct vr_race_span *span, unsigned int i, u16 nh)
{
	unsigned long k;

	for (k = span->from; k <= span->to; k++)
		if (vr_race_load(vr_race_at(span->table, k)->nh[i]) == nh)
			return true;
	return false;
}

/* What is wrong counts only if it can still be told from what is right. */
static void vr_race_judge(struct vr_race_thread *self,
			  const struct vr_race_span *span, unsigned int what,
			  bool fine, u32 nh, u32 plen)
{
	static const char * const name[] = { "lookup", "match", "get", "walk" };

	if (!vr_race_valid(span)) {
		self->tally[VR_RACE_MISSED]++;
		return;
	}
	vr_host_check(fine, "IPv%c: %s: %u /%u was right at no time, states %lu to %lu",
		      span->table->set->bits == 32 ? '4' : '6', name[what], nh,
		      plen, span->from, span->to);
	self->tally[what]++;
}

static void vr_race_lookup(struct vr_race_thread *self, struct vr_race_span *span)
{
	const struct vr_race_set *set = span->table->set;
	unsigned int i = vr_host_below(&self->rnd, 2 * set->centers);
	struct in6_addr v6;
	u8 addr[16];
	__be32 v4;
	u16 nh;

	vr_race_bytes(set->probe[i], addr);
	memcpy(&v4, addr, sizeof(v4));
	memcpy(&v6, addr, sizeof(v6));
	vr_race_open(span);
	rcu_read_lock();
	nh = set->bits == 32 ? vr_fib_lookup4(span->table->fib, v4) :
			       vr_fib_lookup6(span->table->fib, &v6);
	rcu_read_unlock();
	vr_race_close(span);
	vr_race_judge(self, span, VR_RACE_LOOKUP,
		      vr_race_answered(span, i, nh, -1), nh, 0);
}

/*
 * The prefixes and the default route are asked one after the other: where there is
 * no prefix, the default route is one of that time, not of the same moment.
 */
static void vr_race_match(struct vr_race_thread *self, struct vr_race_span *span)
{
	const struct vr_race_set *set = span->table->set;
	unsigned int i = vr_host_below(&self->rnd, 2 * set->centers);
	u8 addr[16], prefix[16], plen;
	bool fine;
	u16 nh;

	vr_race_bytes(set->probe[i], addr);
	vr_race_open(span);
	rcu_read_lock();
	nh = vr_fib_match(span->table->fib, addr, prefix, &plen);
	rcu_read_unlock();
	vr_race_close(span);
	fine = vr_race_answered(span, i, nh, plen) ||
	       (!plen && vr_race_had(span, 0, nh));
	vr_race_judge(self, span, VR_RACE_MATCH, fine, nh, plen);
}

static void vr_race_get(struct vr_race_thread *self, struct vr_race_span *span)
{
	const struct vr_race_set *set = span->table->set;
	unsigned int i = vr_host_below(&self->rnd, set->changing);
	const struct vr_fib_entry *entry = &set->change[i];
	u8 addr[16];
	u16 nh;

	vr_race_bytes(entry->key, addr);
	vr_race_open(span);
	nh = vr_fib_get(span->table->fib, addr, entry->plen);
	vr_race_close(span);
	vr_race_judge(self, span, VR_RACE_GET, vr_race_had(span, i, nh), nh,
		      entry->plen);
}

/**
 * struct vr_race_walk - a walk
 * @set: prefixes of the table
 * @told: number of prefixes told
 * @entry: these prefixes
 */
struct vr_race_walk {
	const struct vr_race_set *set;
	unsigned int told;
	struct vr_fib_entry entry[VR_RACE_TOLD];
};

static int vr_race_tell(void *arg, const void *prefix, u8 plen, u16 nh)
{
	struct vr_race_walk *walk = arg;
	struct vr_fib_entry *entry = &walk->entry[walk->told++];
	__be64 half[2] = {};

	memcpy(half, prefix, walk->set->bits / 8);
	entry->key.hi = be64_to_cpu(half[0]);
	entry->key.lo = be64_to_cpu(half[1]);
	entry->plen = plen;
	entry->nh = nh;
	return walk->told == VR_RACE_TOLD;
}

static const struct vr_fib_entry *vr_race_told(const struct vr_race_walk *walk,
					       const struct vr_fib_entry *entry)
{
	unsigned int lo = 0, hi = walk->told, mid;
	int cmp;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		cmp = vr_fib_cmp(entry, &walk->entry[mid]);
		if (!cmp)
			return &walk->entry[mid];
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* All that was there all the time, nothing that never was, each once, in order. */
static bool vr_race_walk_fine(const struct vr_race_walk *walk,
			      const struct vr_race_span *span,
			      const struct vr_fib_entry *from)
{
	const struct vr_fib_entry *entry, *last = NULL, *told;
	const struct vr_race_set *set = walk->set;
	unsigned int i, known = 0;

	if (walk->told == VR_RACE_TOLD)
		last = &walk->entry[VR_RACE_TOLD - 1];
	for (i = 1; i < walk->told; i++)
		if (vr_fib_cmp(&walk->entry[i - 1], &walk->entry[i]) >= 0)
			return false;
	for (i = 0; i < set->n + set->changing; i++) {
		entry = i < set->n ? &set->base[i] : &set->change[i - set->n];
		told = vr_race_told(walk, entry);
		known += !!told;
		if (i < set->n ? told && told->nh != entry->nh :
		    told && !vr_race_had(span, i - set->n, told->nh))
			return false;
		if (told || vr_fib_cmp(entry, from) < 0 ||
		    (last && vr_fib_cmp(entry, last) > 0))
			continue;
		if (i < set->n || !vr_race_had(span, i - set->n, 0))
			return false;
	}
	return known == walk->told;
}

static void vr_race_walk(struct vr_race_thread *self, struct vr_race_span *span)
{
	const struct vr_race_set *set = span->table->set;
	struct vr_race_walk walk = { .set = set };
	const struct vr_fib_entry *from;
	u8 addr[16];

	from = &set->change[vr_host_below(&self->rnd, set->changing)];
	vr_race_bytes(from->key, addr);
	vr_race_open(span);
	rcu_read_lock();
	vr_fib_walk(span->table->fib, addr, from->plen, vr_race_tell, &walk);
	rcu_read_unlock();
	vr_race_close(span);
	vr_race_judge(self, span, VR_RACE_WALK,
		      vr_race_walk_fine(&walk, span, from), walk.told,
		      from->plen);
}

static void *vr_race_read(void *arg)
{
	struct vr_race_thread *self = arg;
	struct vr_race_span span;
	unsigned int how;

	while (!vr_race_load(vr_race_over)) {
		how = vr_host_below(&self->rnd, 128);
		span.table = &vr_race_tables[how % VR_RACE_WRITERS]
					    [vr_host_below(&self->rnd, VR_RACE_SETS)];
		vr_host_pauses = span.table->set->few ? VR_RACE_PAUSES_OFTEN :
							VR_RACE_PAUSES;
		if (how >= 32)
			vr_race_lookup(self, &span);
		else if (how >= 16)
			vr_race_match(self, &span);
		else if (how >= 2)
			vr_race_get(self, &span);
		else
			vr_race_walk(self, &span);
	}
	return NULL;
}

/* Grace periods, one after the other. */
static void *vr_race_grace(void *arg)
{
	(void)arg;
	while (!vr_race_load(vr_race_over)) {
		vr_host_rcu_pass();
		sched_yield();
	}
	return NULL;
}

static void vr_race_start(struct vr_race_thread *thread, u64 seed,
			  unsigned int index, void *(*fn)(void *arg))
{
	thread->index = index;
	vr_host_rnd_seed(&thread->rnd, seed + index);
	vr_host_check(!pthread_create(&thread->thread, NULL, fn, thread),
		      "no thread");
}

static void vr_race_setup(u64 seed)
{
	struct vr_race_table *table;
	struct vr_host_rnd rnd;
	unsigned int i, j;

	vr_host_rnd_seed(&rnd, seed);
	vr_host_check(!vr_fib_init(), "no memory");
	for (j = 0; j < VR_RACE_SETS; j++) {
		vr_race_set_fill(&vr_race_sets[j], &rnd);
		for (i = 0; i < VR_RACE_WRITERS; i++) {
			table = &vr_race_tables[i][j];
			table->set = &vr_race_sets[j];
			table->fib = vr_race_build(table->set, NULL);
		}
	}
	for (table = vr_race_tables[0]; table < vr_race_tables[VR_RACE_WRITERS];
	     table++)
		for (i = 0; i < 2 * table->set->centers; i++)
			table->state[0].answer[i] =
				vr_race_answer(table->set, table->state[0].nh, i);
}

static void vr_race_cleanup(void)
{
	struct vr_race_table *table;

	for (table = vr_race_tables[0]; table < vr_race_tables[VR_RACE_WRITERS];
	     table++)
		vr_fib_free(table->fib);
	vr_host_check(!vr_fib_node_total(), "%u nodes are left",
		      vr_fib_node_total());
	vr_fib_exit();
	vr_host_check(!vr_host_live(), "%ld allocations are left", vr_host_live());
}

/* How often each was done at least; what was missed, at most. */
static void vr_race_report(const struct vr_race_thread *thread, unsigned int n)
{
	static const struct {
		const char *name;
		unsigned long least;
	} want[] = {
		[VR_RACE_LOOKUP] = { "lookups", 1000 },
		[VR_RACE_MATCH] = { "matches", 100 },
		[VR_RACE_GET] = { "prefixes asked for", 100 },
		[VR_RACE_WALK] = { "walks", 20 },
		[VR_RACE_CHANGES] = { "changes", 500 },
		[VR_RACE_IN_PLACE] = { "changes in place", 50 },
		[VR_RACE_HEADS] = { "default routes", 50 },
		[VR_RACE_TWINS] = { "twins", 2 },
	};
	unsigned long sum[VR_RACE_TALLIES] = {};
	unsigned int i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < VR_RACE_TALLIES; j++)
			sum[j] += thread[i].tally[j];
	for (j = 0; j < ARRAY_SIZE(want); j++) {
		vr_host_case("%s", want[j].name);
		vr_host_check(sum[j] >= want[j].least, "only %lu", sum[j]);
		vr_host_pass("%lu", sum[j]);
	}
	vr_host_case("answers that came in time");
	vr_host_check(sum[VR_RACE_MISSED] < sum[VR_RACE_LOOKUP] / 10,
		      "%lu did not", sum[VR_RACE_MISSED]);
	vr_host_pass("%lu did not", sum[VR_RACE_MISSED]);
}

int main(int argc, char **argv)
{
	struct vr_race_thread thread[VR_RACE_WRITERS + VR_RACE_READERS + 1] = {};
	unsigned int i, seconds = 8, n = 0;
	u64 seed = time(NULL);
	int opt;

	while ((opt = getopt(argc, argv, "s:t:")) != -1) {
		if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 't')
			seconds = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	vr_host_plan(VR_RACE_MISSED + 2);
	printf("# fib_race -s %lu -t %u\n", seed, seconds);
	vr_host_case("each answer was right at some time");
	vr_race_setup(seed * 1000003);
	for (i = 0; i < VR_RACE_WRITERS; i++)
		vr_race_start(&thread[n++], seed * 31, i, vr_race_write);
	for (i = 0; i < VR_RACE_READERS; i++)
		vr_race_start(&thread[n++], seed * 37, i, vr_race_read);
	vr_race_start(&thread[n++], 0, 0, vr_race_grace);
	sleep(seconds);
	vr_race_store(vr_race_over, true);
	for (i = 0; i < n; i++)
		pthread_join(thread[i].thread, NULL);
	vr_race_cleanup();
	vr_host_pass("nothing is left");
	vr_race_report(thread, n);
	return 0;
}
