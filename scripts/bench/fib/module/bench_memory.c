// SPDX-License-Identifier: GPL-2.0
/*
 * What tables take: memory, and the time to build and free them; one table, a
 * second one beside it, and many.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define BENCH_BUILDS	3	/* rounds */
#define BENCH_MANY	1024
/* what must stay free, in pages, for the rest of the system to live */
#define BENCH_SPARE	65536

static void bench_say_use(const char *what, const struct bench_set *set,
			  const struct bench_use *use)
{
	bench_say("memory.%u.%s.%s %lld %lld %lld %u\n",
		  set->bits == 32 ? 4 : 6, bench_model_names[set->model], what,
		  use->data, use->store, use->pages, set->count);
}

/* What one table more takes. */
static int bench_another(const char *what, const struct bench_set *set)
{
	struct bench_use use;
	struct vr_fib *fib;

	fib = bench_build(set, &use);
	if (IS_ERR(fib))
		return PTR_ERR(fib);
	bench_say_use(what, set, &use);
	vr_fib_free(fib);
	return 0;
}

/**
 * bench_memory() - the command
 * @args: family, model
 *
 * Return: 0 or an error.
 */
int bench_memory(const char *args)
{
	struct bench_set set, other;
	struct bench_use use;
	unsigned int family;
	struct vr_fib *fib;
	char model[16];
	int err;

	if (sscanf(args, "%u %15s", &family, model) != 2)
		return -EINVAL;
	err = bench_set_init(&set, 0, family, 100, model) ?:
	      bench_another("hundred", &set) ?:
	      bench_set_init(&set, 0, family, 0, model);
	if (err)
		return err;

	fib = bench_build(&set, &use);
	if (IS_ERR(fib))
		return PTR_ERR(fib);
	bench_say_use("full", &set, &use);
	other = set;
	err = bench_another("same", &other);
	if (err)
		goto out;
	other.shift = 1;
	other.one_of = 100;
	err = bench_another("percent", &other);
	if (err)
		goto out;
	other.one_of = 0;
	err = bench_another("other", &other);
	if (err)
		goto out;
	/* there need be no second table */
	if (!bench_set_init(&other, 1, family, 0, model))
		err = bench_another("unrelated", &other);
out:
	vr_fib_free(fib);
	return err;
}

/* ---- building ---- */

enum bench_way {
	BENCH_SORTED,
	BENCH_SHUFFLED,
	BENCH_BULK,
	BENCH_FREE,
	BENCH_WAYS,
};

static u32 *bench_order(u32 count, bool shuffled)
{
	u32 *order = vmalloc(count * sizeof(*order)), i, k;

	if (!order)
		return NULL;
	for (i = 0; i < count; i++)
		order[i] = i;
	for (i = count; shuffled && i > 1; i--) {
		k = bench_below(i);
		swap(order[i - 1], order[k]);
	}
	return order;
}

static u32 bench_us_since(u64 begin)
{
	return div_u64(ktime_get_ns() - begin, 1000);
}

/* Microseconds to build one, route by route. */
static int bench_one_by_one(const struct bench_set *set, bool shuffled, u32 *us)
{
	u32 *order = bench_order(set->count, shuffled), i;
	const struct bench_prefix *p;
	struct vr_fib *fib;
	int err = 0;
	u64 begin;

	fib = vr_fib_alloc(set->bits, GFP_KERNEL);
	if (!order || !fib)
		err = -ENOMEM;
	rcu_barrier();
	begin = ktime_get_ns();
	for (i = 0; !err && i < set->count; i++) {
		p = bench_nth(set, order[i]);
		err = vr_fib_set(fib, p->addr, p->plen, bench_nexthop(set, p),
				 NULL, GFP_KERNEL);
		if (i % 1024 == 0)
			cond_resched();
	}
	*us = bench_us_since(begin);
	if (!err && vr_fib_count(fib) != set->count)
		err = -EBADMSG;
	vr_fib_free(fib);
	vfree(order);
	return err;
}

/* Microseconds to build one at once, and to free it with all that waits. */
static int bench_bulk(const struct bench_set *set, u32 *bulk, u32 *freed)
{
	u64 begin = ktime_get_ns();
	struct vr_fib *fib;

	fib = bench_build(set, NULL);
	*bulk = bench_us_since(begin);
	if (IS_ERR(fib))
		return PTR_ERR(fib);
	rcu_barrier();
	begin = ktime_get_ns();
	vr_fib_free(fib);
	rcu_barrier();
	*freed = bench_us_since(begin);
	return 0;
}

/**
 * bench_builds() - the command
 * @args: family, model
 *
 * Return: 0 or an error.
 */
int bench_builds(const char *args)
{
	static const char * const names[] = { "sorted", "random", "bulk", "free" };
	u32 us[BENCH_WAYS][BENCH_BUILDS];
	unsigned int family, round, i;
	struct bench_set set;
	char model[16], name[64];
	int err;

	if (sscanf(args, "%u %15s", &family, model) != 2)
		return -EINVAL;
	err = bench_set_init(&set, 0, family, 0, model);
	for (round = 0; !err && round < BENCH_BUILDS; round++)
		err = bench_one_by_one(&set, false, &us[BENCH_SORTED][round]) ?:
		      bench_one_by_one(&set, true, &us[BENCH_SHUFFLED][round]) ?:
		      bench_bulk(&set, &us[BENCH_BULK][round],
				 &us[BENCH_FREE][round]);
	if (err)
		return err;
	for (i = 0; i < BENCH_WAYS; i++) {
		snprintf(name, sizeof(name), "build.%u.%s.%s", family, model,
			 names[i]);
		/* microseconds as milliseconds */
		bench_say_ps(name, us[i], BENCH_BUILDS);
	}
	return 0;
}

/* ---- many ---- */

/**
 * struct bench_routers - tables, looked into in turn
 * @fib: them
 * @built: how many
 * @use: sum of what each took when it came
 * @us: time to build them
 */
struct bench_routers {
	struct vr_fib *fib[BENCH_MANY];
	u32 built;
	struct bench_use use;
	u64 us;
};

static u32 bench_zero;
static u32 bench_result;

/* Not known to the compiler, as in bench_lookup.c. */
static u32 bench_in_turn(const struct bench_routers *routers,
			 const struct bench_keys *keys, bool dependent,
			 u32 *chunk)
{
	u32 zero = READ_ONCE(bench_zero), i, k, found, mix;
	u64 begin;

	for (i = 0; i < BENCH_KEYS / BENCH_CHUNK; i++) {
		found = 0;
		rcu_read_lock();
		begin = ktime_get_ns();
		for (k = i * BENCH_CHUNK; k < (i + 1) * BENCH_CHUNK; k++) {
			mix = dependent ? found & zero : 0;
			found += bench_find(routers->fib[k & (routers->built - 1)],
					    keys, k, mix);
		}
		chunk[i] = div_u64((ktime_get_ns() - begin) * 1000, BENCH_CHUNK);
		rcu_read_unlock();
		WRITE_ONCE(bench_result, found);
		cond_resched();
	}
	return bench_faster_half(chunk, BENCH_KEYS / BENCH_CHUNK);
}

static int bench_many_lookups(const struct bench_routers *routers,
			      const struct bench_set *set, const char *what)
{
	u32 ps[2][BENCH_ROUNDS], *chunk;
	struct bench_keys keys;
	unsigned int round;
	char name[80];
	int err;

	chunk = kmalloc_array(BENCH_KEYS / BENCH_CHUNK, sizeof(*chunk),
			      GFP_KERNEL);
	err = chunk ? bench_keys_init(&keys, set) : -ENOMEM;
	if (err) {
		kfree(chunk);
		return err;
	}
	for (round = 0; round < BENCH_ROUNDS; round++) {
		ps[0][round] = bench_in_turn(routers, &keys, false, chunk);
		ps[1][round] = bench_in_turn(routers, &keys, true, chunk);
	}
	snprintf(name, sizeof(name), "%s.thr", what);
	bench_say_ps(name, ps[0], BENCH_ROUNDS);
	snprintf(name, sizeof(name), "%s.dep", what);
	bench_say_ps(name, ps[1], BENCH_ROUNDS);
	bench_keys_free(&keys);
	kfree(chunk);
	return 0;
}

/* Build the tables, until there is no memory left. */
static int bench_many_build(struct bench_routers *routers, struct bench_set *set,
			    u32 count, bool other)
{
	s64 before = bench_free_pages();
	struct bench_use use;
	struct vr_fib *fib;
	u64 begin;
	u32 i;

	for (i = 0; i < count; i++) {
		if (si_mem_available() < BENCH_SPARE + 2 *
		    (i ? div_u64(routers->use.data + routers->use.store, i) >>
			 PAGE_SHIFT : 0))
			break;
		set->shift = other ? i : 0;
		begin = ktime_get_ns();
		fib = bench_build(set, NULL);
		routers->us += bench_us_since(begin);
		if (IS_ERR(fib))
			return PTR_ERR(fib);
		routers->fib[routers->built++] = fib;
		bench_table_use(fib, &use);
		routers->use.data += use.data;
		routers->use.store += use.store;
	}
	routers->use.pages = before - bench_free_pages();
	return 0;
}

/**
 * bench_many() - the command
 * @args: family, model, number of routers, routes of each, which next hops
 *
 * Return: 0 or an error.
 */
int bench_many(const char *args)
{
	char model[16], other[8], what[80], routes[16] = "full";
	struct bench_routers *routers;
	unsigned int family;
	struct bench_set set;
	u32 count, each, built;
	int err;

	if (sscanf(args, "%u %15s %u %u %7s", &family, model, &count, &each,
		   other) != 5 || !count || count > BENCH_MANY)
		return -EINVAL;
	err = bench_set_init(&set, 0, family, each, model);
	if (err)
		return err;
	if (each)
		snprintf(routes, sizeof(routes), "%u", each);
	routers = vzalloc(sizeof(*routers));
	if (!routers)
		return -ENOMEM;
	err = bench_many_build(routers, &set, count, !strcmp(other, "other"));
	if (err)
		goto out;
	snprintf(what, sizeof(what), "many.%u.%s.%u.%s.%s", family, model, count,
		 routes, other);
	bench_say("%s.memory %lld %lld %lld\n", what, routers->use.data,
		  routers->use.store, routers->use.pages);
	bench_say("%s.built %u %llu.%03llu\n", what, routers->built,
		  routers->us / 1000, routers->us % 1000);
	/* as many as fit are looked into, a power of two of them */
	built = routers->built;
	routers->built = rounddown_pow_of_two(built ?: 1);
	err = built ? bench_many_lookups(routers, &set, what) : -ENOMEM;
	routers->built = built;
out:
	while (routers->built)
		vr_fib_free(routers->fib[--routers->built]);
	vfree(routers);
	return err;
}
