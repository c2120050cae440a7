// SPDX-License-Identifier: GPL-2.0
/*
 * Lookups: how long they take, next to the kernel's, and whether they are right.
 *
 * The kernel's are fib_table_lookup() in the main table, and fib6_table_lookup() by
 * ipv6_stub: the search for the node and the choice of a route there, without rules,
 * reference counts, or a dst_entry.
 */
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/ipv6_stubs.h>
#include <net/net_namespace.h>

#include "bench.h"

/**
 * struct bench_peers - who looks up
 * @fib: vrouter's table
 * @net: namespace with the same routes
 * @table: its main IPv4 table
 * @keys: addresses
 * @one: look up only the first address
 */
struct bench_peers {
	const struct vr_fib *fib;
	struct net *net;
	struct fib_table *table;
	struct bench_keys keys;
	bool one;
};

typedef u32 (*bench_run_fn)(const struct bench_peers *peers, u32 from,
			    u32 mask);

/* Not known to the compiler, which would drop what is computed with it. */
static u32 bench_zero;
static u32 bench_result;

static u32 bench_fib_run(const struct bench_peers *peers, u32 from, u32 mask)
{
	u32 i, found = 0;

	for (i = from; i < from + BENCH_CHUNK; i++)
		found += bench_find(peers->fib, &peers->keys, i & mask, 0);
	return found;
}

static u32 bench_fib_run_dependent(const struct bench_peers *peers, u32 from,
				   u32 mask)
{
	u32 zero = READ_ONCE(bench_zero), i, found = 0;

	for (i = from; i < from + BENCH_CHUNK; i++)
		found += bench_find(peers->fib, &peers->keys, i & mask,
				    found & zero);
	return found;
}

static bool bench_kernel_find4(const struct bench_peers *peers,
			       struct flowi4 *fl4, __be32 addr,
			       struct fib_result *res)
{
	fl4->daddr = addr;
	/* none in a namespace that never had a route */
	return peers->table &&
	       !fib_table_lookup(peers->table, fl4, res, FIB_LOOKUP_NOREF);
}

static bool bench_kernel_find6(const struct bench_peers *peers,
			       struct flowi6 *fl6, const struct in6_addr *addr,
			       struct fib6_result *res)
{
	fl6->daddr = *addr;
	return !ipv6_stub->fib6_table_lookup(peers->net,
					     peers->net->ipv6.fib6_main_tbl, 0,
					     fl6, res, 0) &&
	       res->f6i != peers->net->ipv6.fib6_null_entry;
}

static u32 bench_kernel_find(const struct bench_peers *peers, struct flowi *fl,
			     u32 i, u32 mix)
{
	struct fib6_result res6;
	struct fib_result res4;
	struct in6_addr addr;

	if (peers->keys.v4)
		return bench_kernel_find4(peers, &fl->u.ip4, peers->keys.v4[i] ^
					  (__force __be32)mix, &res4) ?
		       res4.prefixlen : 0;
	addr = peers->keys.v6[i];
	addr.s6_addr32[0] ^= (__force __be32)mix;
	return bench_kernel_find6(peers, &fl->u.ip6, &addr, &res6) ?
	       res6.f6i->fib6_dst.plen : 0;
}

static u32 bench_kernel_run(const struct bench_peers *peers, u32 from, u32 mask)
{
	struct flowi fl = {};
	u32 i, found = 0;

	for (i = from; i < from + BENCH_CHUNK; i++)
		found += bench_kernel_find(peers, &fl, i & mask, 0);
	return found;
}

static u32 bench_kernel_run_dependent(const struct bench_peers *peers, u32 from,
				      u32 mask)
{
	u32 zero = READ_ONCE(bench_zero), i, found = 0;
	struct flowi fl = {};

	for (i = from; i < from + BENCH_CHUNK; i++)
		found += bench_kernel_find(peers, &fl, i & mask, found & zero);
	return found;
}

/* Picoseconds a lookup: all addresses once. */
static u32 bench_round(const struct bench_peers *peers, bench_run_fn run,
		       u32 *chunk)
{
	u32 i, mask = peers->one ? 0 : BENCH_KEYS - 1;
	u64 begin;

	for (i = 0; i < BENCH_KEYS / BENCH_CHUNK; i++) {
		rcu_read_lock();
		begin = ktime_get_ns();
		WRITE_ONCE(bench_result, run(peers, i * BENCH_CHUNK, mask));
		chunk[i] = div_u64((ktime_get_ns() - begin) * 1000, BENCH_CHUNK);
		rcu_read_unlock();
		cond_resched();
	}
	return bench_faster_half(chunk, BENCH_KEYS / BENCH_CHUNK);
}

static const struct {
	const char *name;
	bench_run_fn run;
} bench_ways[] = {
	{ "vrouter.thr", bench_fib_run },
	{ "vrouter.dep", bench_fib_run_dependent },
	{ "kernel.thr", bench_kernel_run },
	{ "kernel.dep", bench_kernel_run_dependent },
};

static int bench_rounds(const struct bench_peers *peers, const char *what)
{
	u32 ps[ARRAY_SIZE(bench_ways)][BENCH_ROUNDS], *chunk;
	unsigned int i, round;
	char name[64];

	chunk = kmalloc_array(BENCH_KEYS / BENCH_CHUNK, sizeof(*chunk),
			      GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	for (round = 0; round < BENCH_ROUNDS; round++)
		for (i = 0; i < ARRAY_SIZE(bench_ways); i++)
			ps[i][round] = bench_round(peers, bench_ways[i].run,
						   chunk);
	for (i = 0; i < ARRAY_SIZE(bench_ways); i++) {
		snprintf(name, sizeof(name), "%s.%s", what, bench_ways[i].name);
		bench_say_ps(name, ps[i], BENCH_ROUNDS);
	}
	kfree(chunk);
	return 0;
}

static int bench_compare(const struct bench_prefix *p, const void *addr,
			 u8 plen, unsigned int bits)
{
	return memcmp(p->addr, addr, bits / 8) ?: (int)p->plen - (int)plen;
}

/* The next hop that a prefix has, 0 if the set has no such prefix. */
static u16 bench_expect(const struct bench_set *set, const void *addr, u8 plen)
{
	u32 low = 0, high = set->count;

	while (low < high) {
		u32 mid = low + (high - low) / 2;
		const struct bench_prefix *p = bench_nth(set, mid);
		int diff = bench_compare(p, addr, plen, set->bits);

		if (!diff)
			return bench_nexthop(set, p);
		if (diff < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return 0;
}

/* What the route that the kernel finds should give. */
static u16 bench_kernel_says(const struct bench_peers *peers,
			     const struct bench_set *set, u32 i)
{
	struct fib6_result res6;
	struct fib_result res4;
	struct flowi fl = {};

	if (peers->keys.v4)
		return bench_kernel_find4(peers, &fl.u.ip4, peers->keys.v4[i],
					  &res4) ?
		       bench_expect(set, &res4.prefix, res4.prefixlen) : 0;
	return bench_kernel_find6(peers, &fl.u.ip6, &peers->keys.v6[i], &res6) ?
	       bench_expect(set, &res6.f6i->fib6_dst.addr,
			    res6.f6i->fib6_dst.plen) : 0;
}

/**
 * bench_verify() - compare a table's answers with the kernel's
 * @fib: table
 * @set: what is in it, and in the kernel's table in the caller's namespace
 * @keys: addresses; a quarter of them is looked up
 *
 * Return: 0, or -EBADMSG if they differ.
 */
int bench_verify(const struct vr_fib *fib, const struct bench_set *set,
		 const struct bench_keys *keys)
{
	struct bench_peers peers = {
		.fib = fib,
		.net = current->nsproxy->net_ns,
		.keys = *keys,
	};
	u32 i, wrong = 0;
	u16 want, got;

	for (i = 0; i < BENCH_KEYS; i += 4) {
		rcu_read_lock();
		peers.table = rcu_dereference(peers.net->ipv4.fib_main);
		want = bench_kernel_says(&peers, set, i);
		got = bench_find(fib, keys, i, 0);
		rcu_read_unlock();
		/* there is a prefix for each of the addresses */
		if (want && want == got)
			continue;
		if (!wrong++) {
			if (keys->v4)
				pr_err("%pI4: next hop %u, not %u\n",
				       &keys->v4[i], got, want);
			else
				pr_err("%pI6c: next hop %u, not %u\n",
				       &keys->v6[i], got, want);
		}
	}
	bench_say("wrong.%u %u\n", keys->v4 ? 4 : 6, wrong);
	return wrong ? -EBADMSG : 0;
}

/**
 * bench_lookup() - the command
 * @args: family, number of routes, model, slot
 *
 * Return: 0 or an error.
 */
int bench_lookup(const char *args)
{
	struct bench_peers peers = { .net = current->nsproxy->net_ns };
	char what[64], routes[16] = "full", model[16];
	unsigned int family, slot = 0;
	struct bench_set set;
	struct vr_fib *fib;
	u32 count;
	int err;

	if (sscanf(args, "%u %u %15s %u", &family, &count, model, &slot) < 3)
		return -EINVAL;
	err = bench_set_init(&set, slot, family, count, model);
	if (err)
		return err;
	if (count)
		snprintf(routes, sizeof(routes), "%u", count);
	fib = bench_build(&set, NULL);
	if (IS_ERR(fib))
		return PTR_ERR(fib);
	err = bench_keys_init(&peers.keys, &set);
	if (err)
		goto out;
	peers.fib = fib;
	/* nobody adds the rule that would replace it */
	peers.table = rcu_access_pointer(peers.net->ipv4.fib_main);
	err = bench_verify(fib, &set, &peers.keys);
	if (err)
		goto out;
	snprintf(what, sizeof(what), "lookup.%u.%s.%s", family, routes, model);
	err = bench_rounds(&peers, what);
	if (err || count)
		goto out;
	peers.one = true;
	snprintf(what, sizeof(what), "warm.%u.%s.%s", family, routes, model);
	err = bench_rounds(&peers, what);
out:
	bench_keys_free(&peers.keys);
	vr_fib_free(fib);
	return err;
}
