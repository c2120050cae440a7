/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of the bench of vrouter's tables. One process at a time writes commands
 * to the device, so nothing here is locked.
 */
#ifndef VR_FIB_BENCH_H
#define VR_FIB_BENCH_H

#include <linux/in6.h>
#include <linux/ktime.h>
#include <linux/types.h>

#include "fib.h"
#include "table.h"

#define BENCH_ROUNDS	5
#define BENCH_KEYS	1048576
#define BENCH_CHUNK	4096	/* lookups from one look at the clock to the next */

/**
 * enum bench_model - which next hops the prefixes have
 * @BENCH_MODEL_ONE: all the same
 * @BENCH_MODEL_LOCAL: see struct bench_prefix
 * @BENCH_MODEL_RANDOM: see struct bench_prefix
 * @BENCH_MODELS: how many there are
 */
enum bench_model {
	BENCH_MODEL_ONE,
	BENCH_MODEL_LOCAL,
	BENCH_MODEL_RANDOM,
	BENCH_MODELS,
};

extern const char * const bench_model_names[];

/**
 * struct bench_set - the routes of one router
 * @at: table of one family
 * @total: prefixes in @at
 * @count: how many of them, evenly chosen
 * @bits: length of an address
 * @model: next hops
 * @shift: added to the number of each next hop, so that others are other ones
 * @one_of: only to one prefix of so many, if not 0
 */
struct bench_set {
	const struct bench_prefix *at;
	u32 total;
	u32 count;
	unsigned int bits;
	enum bench_model model;
	u32 shift;
	u32 one_of;
};

/**
 * struct bench_use - what memory is used for, in bytes
 * @data: nodes that lookups read
 * @store: prefixes
 * @pages: free pages fewer than before
 */
struct bench_use {
	s64 data;
	s64 store;
	s64 pages;
};

/**
 * struct bench_keys - addresses to look up
 * @v4: IPv4, or NULL
 * @v6: IPv6, or NULL
 */
struct bench_keys {
	__be32 *v4;
	struct in6_addr *v6;
};

__printf(1, 2) void bench_say(const char *fmt, ...);
u64 bench_random(void);
u32 bench_below(u32 limit);
int bench_set_init(struct bench_set *set, unsigned int slot,
		   unsigned int family, u32 count, const char *model);
const struct bench_prefix *bench_nth(const struct bench_set *set, u32 i);
u16 bench_nexthop(const struct bench_set *set, const struct bench_prefix *p);
struct vr_fib *bench_build(const struct bench_set *set, struct bench_use *use);
s64 bench_free_pages(void);
void bench_table_use(const struct vr_fib *fib, struct bench_use *use);
int bench_keys_init(struct bench_keys *keys, const struct bench_set *set);
void bench_keys_free(struct bench_keys *keys);
u64 bench_faster_half(u32 *ps, unsigned int count);
void bench_say_ps(const char *name, const u32 *ps, unsigned int count);

int bench_lookup(const char *args);
int bench_verify(const struct vr_fib *fib, const struct bench_set *set,
		 const struct bench_keys *keys);
int bench_memory(const char *args);
int bench_builds(const char *args);
int bench_many(const char *args);
int bench_update(const char *args);

/**
 * bench_find() - look an address up
 * @fib: table
 * @keys: addresses
 * @i: which one
 * @mix: 0 that depends on what was found before, or a constant 0
 *
 * Context: RCU read side.
 * Return: next hop.
 */
static __always_inline u16 bench_find(const struct vr_fib *fib,
				      const struct bench_keys *keys, u32 i,
				      u32 mix)
{
	struct in6_addr addr;

	if (keys->v4)
		return vr_fib_lookup4(fib, keys->v4[i] ^ (__force __be32)mix);
	addr = keys->v6[i];
	addr.s6_addr32[0] ^= (__force __be32)mix;
	return vr_fib_lookup6(fib, &addr);
}

#endif
