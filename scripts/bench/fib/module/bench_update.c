// SPDX-License-Identifier: GPL-2.0
/*
 * Updates of a table in use: how many a second, and what lookups take meanwhile.
 *
 * An update is a random route of the table: announced if it is not there, else
 * withdrawn or given another next hop, as often the one as the other.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define BENCH_SLICE_NS	50000
#define BENCH_SLICE	10	/* updates in it: 200,000 a second */
#define BENCH_SLICES	4096
#define BENCH_BEHIND	(20 * BENCH_SLICE_NS)
#define BENCH_LOOKUPS	128	/* from one look at the clock to the next */

/**
 * struct bench_flux - a table that changes
 * @fib: it
 * @set: its routes
 * @keys: addresses
 * @gone: which of the routes are withdrawn
 * @next: address to look up next
 */
struct bench_flux {
	struct vr_fib *fib;
	struct bench_set set;
	struct bench_keys keys;
	unsigned long *gone;
	u32 next;
};

static u32 bench_result;

static int bench_update_one(struct bench_flux *flux)
{
	u32 i = bench_below(flux->set.count);
	const struct bench_prefix *p = bench_nth(&flux->set, i);

	if (test_bit(i, flux->gone)) {
		__clear_bit(i, flux->gone);
		return vr_fib_set(flux->fib, p->addr, p->plen,
				  bench_nexthop(&flux->set, p), NULL,
				  GFP_KERNEL);
	}
	if (bench_random() >> 63) {
		__set_bit(i, flux->gone);
		return vr_fib_del(flux->fib, p->addr, p->plen, NULL, GFP_KERNEL);
	}
	return vr_fib_set(flux->fib, p->addr, p->plen,
			  1 + bench_below(BENCH_LOCAL), NULL, GFP_KERNEL);
}

/* Nanoseconds an update, told as picoseconds. */
static int bench_sustained(struct bench_flux *flux, u32 count, u32 *ps)
{
	u64 begin = ktime_get_ns();
	int err = 0;
	u32 i;

	for (i = 0; !err && i < count; i++) {
		err = bench_update_one(flux);
		if (i % 256 == 0)
			cond_resched();
	}
	*ps = min_t(u64, div_u64((ktime_get_ns() - begin) * 1000, count), U32_MAX);
	return err;
}

/* Picoseconds a lookup in one slice of time, which lasts until @end. */
static int bench_slice(struct bench_flux *flux, bool updates, u64 end, u32 *ps)
{
	u64 last, now, spent = 0;
	u32 count = 0, found = 0, i;
	int err = 0;

	for (i = 0; updates && !err && i < BENCH_SLICE; i++)
		err = bench_update_one(flux);
	rcu_read_lock();
	do {
		last = ktime_get_ns();
		for (i = 0; i < BENCH_LOOKUPS; i++)
			found += bench_find(flux->fib, &flux->keys, (flux->next +
					    i) & (BENCH_KEYS - 1), 0);
		flux->next += BENCH_LOOKUPS;
		count += BENCH_LOOKUPS;
		now = ktime_get_ns();
		spent += now - last;
	} while (now < end);
	rcu_read_unlock();
	WRITE_ONCE(bench_result, found);
	*ps = div_u64(spent * 1000, count);
	return err;
}

/* Also how many updates a second there were. */
static int bench_slices(struct bench_flux *flux, bool updates, u32 *chunk,
			u32 *ps, u32 *rate)
{
	u64 begin = ktime_get_ns(), end = begin;
	int err = 0;
	u32 i;

	for (i = 0; !err && i < BENCH_SLICES; i++) {
		end += BENCH_SLICE_NS;
		/* what the host takes away at once is not made up for */
		if (ktime_get_ns() > end + BENCH_BEHIND)
			end = ktime_get_ns() + BENCH_SLICE_NS;
		err = bench_slice(flux, updates, end, &chunk[i]);
		if (i % 16 == 0)
			cond_resched();
	}
	*rate = div64_u64((u64)BENCH_SLICES * BENCH_SLICE * NSEC_PER_SEC,
			  ktime_get_ns() - begin);
	*ps = bench_faster_half(chunk, BENCH_SLICES);
	return err;
}

/* Everything as it was, which the kernel can confirm. */
static int bench_settle(struct bench_flux *flux)
{
	const struct bench_prefix *p;
	int err = 0;
	u32 i;

	for (i = 0; !err && i < flux->set.count; i++) {
		p = bench_nth(&flux->set, i);
		err = vr_fib_set(flux->fib, p->addr, p->plen,
				 bench_nexthop(&flux->set, p), NULL, GFP_KERNEL);
		if (i % 1024 == 0)
			cond_resched();
	}
	return err ?: bench_verify(flux->fib, &flux->set, &flux->keys);
}

/* Nanoseconds to announce, change and withdraw a default route, a third each. */
static int bench_default(struct bench_flux *flux, u32 *ns)
{
	static const u8 any[16];
	u64 begin = ktime_get_ns();
	int err;

	err = vr_fib_set(flux->fib, any, 0, 1, NULL, GFP_KERNEL) ?:
	      vr_fib_set(flux->fib, any, 0, 2, NULL, GFP_KERNEL) ?:
	      vr_fib_del(flux->fib, any, 0, NULL, GFP_KERNEL);
	*ns = min_t(u64, div_u64(ktime_get_ns() - begin, 3), U32_MAX);
	return err;
}

static int bench_update_rounds(struct bench_flux *flux, const char *what,
			       u32 count)
{
	u32 sustained[BENCH_ROUNDS], quiet[BENCH_ROUNDS], busy[BENCH_ROUNDS];
	u32 any[BENCH_ROUNDS], rate[BENCH_ROUNDS], none;
	unsigned int round;
	char name[64];
	u32 *chunk;
	int err = 0;

	chunk = vmalloc(BENCH_SLICES * sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	for (round = 0; !err && round < BENCH_ROUNDS; round++)
		err = bench_sustained(flux, count / BENCH_ROUNDS,
				      &sustained[round]) ?:
		      bench_slices(flux, false, chunk, &quiet[round], &none) ?:
		      bench_slices(flux, true, chunk, &busy[round],
				   &rate[round]) ?:
		      bench_default(flux, &any[round]);
	vfree(chunk);
	if (err)
		return err;
	snprintf(name, sizeof(name), "%s.each", what);
	bench_say_ps(name, sustained, BENCH_ROUNDS);
	snprintf(name, sizeof(name), "%s.quiet", what);
	bench_say_ps(name, quiet, BENCH_ROUNDS);
	snprintf(name, sizeof(name), "%s.busy", what);
	bench_say_ps(name, busy, BENCH_ROUNDS);
	/* nanoseconds as microseconds */
	snprintf(name, sizeof(name), "%s.default", what);
	bench_say_ps(name, any, BENCH_ROUNDS);
	bench_say("%s.rate", what);
	for (round = 0; round < BENCH_ROUNDS; round++)
		bench_say(" %u", rate[round]);
	bench_say("\n");
	return 0;
}

/**
 * bench_update() - the command
 * @args: family, model, how many updates
 *
 * Return: 0 or an error.
 */
int bench_update(const char *args)
{
	struct bench_flux *flux;
	char what[48], model[16];
	unsigned int family;
	u32 count;
	int err;

	if (sscanf(args, "%u %15s %u", &family, model, &count) != 3 ||
	    count < BENCH_ROUNDS)
		return -EINVAL;
	flux = kzalloc(sizeof(*flux), GFP_KERNEL);
	if (!flux)
		return -ENOMEM;
	err = bench_set_init(&flux->set, 0, family, 0, model);
	if (err)
		goto out;
	flux->gone = vzalloc(BITS_TO_LONGS(flux->set.count) * sizeof(long));
	err = flux->gone ? bench_keys_init(&flux->keys, &flux->set) : -ENOMEM;
	if (err)
		goto out;
	flux->fib = bench_build(&flux->set, NULL);
	if (IS_ERR(flux->fib)) {
		err = PTR_ERR(flux->fib);
		flux->fib = NULL;
		goto out;
	}
	snprintf(what, sizeof(what), "update.%u.%s", family, model);
	err = bench_update_rounds(flux, what, count) ?: bench_settle(flux);
out:
	vr_fib_free(flux->fib);
	bench_keys_free(&flux->keys);
	vfree(flux->gone);
	kfree(flux);
	return err;
}
