/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Longest prefix match for one address family of one router.
 *
 * Only the functions declared here are the interface. The structures are
 * visible for the sake of the inline lookups and belong to fib.c.
 */
#ifndef VROUTER_FIB_H
#define VROUTER_FIB_H

#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/in6.h>
#include <linux/prefetch.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include "fib_node.h"

struct vr_fib_bulk;
struct vr_fib_held;

/**
 * struct vr_fib_head - where lookups begin
 * @root: the first slot
 * @fallback: next hop of the default route, which no slot knows
 * @older: heads that had another default route and may have readers still; writer
 *	only
 * @grace: after which this one has none any more; writer only
 *
 * Who changes the default route makes a new head. The old one keeps its nodes from
 * changing until its last reader is gone: slots and default route are from one and
 * the same moment.
 */
struct vr_fib_head {
	unsigned long root;
	u16 fallback;
	struct vr_fib_head *older;
	unsigned long grace;
};

/**
 * struct vr_fib - a table
 * @head: where lookups begin
 * @store: the prefixes but for the default route, NULL if there are none
 * @bulk: prefixes that were set since vr_fib_bulk_begin(), or NULL
 * @held: new prefixes that lookups do not see yet, or NULL
 * @bits: length of an address, 32 or 128
 * @count: prefixes; writer only
 * @updates: changes since the table was made
 */
struct vr_fib {
	struct vr_fib_head __rcu *head;
	struct vr_fib_node __rcu *store;
	struct vr_fib_bulk *bulk;
	struct vr_fib_held *held;
	unsigned int bits;
	unsigned int count;
	u64 updates;
};

/**
 * struct vr_fib_info - what there is to know about a table
 * @prefixes: number of prefixes
 * @by_len: the same by length
 * @nodes: nodes that lookups read
 * @bytes: their memory
 * @shared_bytes: the part of it that other tables use as well
 * @store_bytes: memory of the prefixes as they were set
 * @store_shared_bytes: the part of it that other tables use as well
 * @updates: changes since the table was made
 */
struct vr_fib_info {
	u32 prefixes;
	u32 by_len[129];
	u32 nodes;
	u64 bytes;
	u64 shared_bytes;
	u64 store_bytes;
	u64 store_shared_bytes;
	u64 updates;
};

/**
 * typedef vr_fib_walk_fn - is told one prefix
 * @arg: what the caller of vr_fib_walk() gave
 * @prefix: 4 or 16 bytes, network order
 * @plen: bits
 * @nh: next hop
 *
 * Return: 0 to go on; anything else ends the walk.
 */
typedef int (*vr_fib_walk_fn)(void *arg, const void *prefix, u8 plen, u16 nh);

struct vr_fib *vr_fib_alloc(unsigned int bits, gfp_t gfp);
void vr_fib_free(struct vr_fib *fib);
int vr_fib_set(struct vr_fib *fib, const void *prefix, u8 plen, u16 nh,
	       u16 *old, gfp_t gfp);
int vr_fib_del(struct vr_fib *fib, const void *prefix, u8 plen, u16 *old,
	       gfp_t gfp);
u16 vr_fib_get(const struct vr_fib *fib, const void *prefix, u8 plen);
u16 vr_fib_match(const struct vr_fib *fib, const void *addr, void *prefix,
		 u8 *plen);
int vr_fib_walk(const struct vr_fib *fib, const void *from, u8 plen,
		vr_fib_walk_fn fn, void *arg);
int vr_fib_bulk_begin(struct vr_fib *fib);
int vr_fib_bulk_end(struct vr_fib *fib, gfp_t gfp);
void vr_fib_hold(struct vr_fib *fib, gfp_t gfp);
int vr_fib_release(struct vr_fib *fib);
unsigned int vr_fib_count(const struct vr_fib *fib);
int vr_fib_get_info(struct vr_fib *fib, struct vr_fib_info *info);
int vr_fib_verify(struct vr_fib *fib, unsigned int *bad);
int vr_fib_init(void);
void vr_fib_exit(void);

/**
 * vr_fib_run() - the run of slots that has a number
 * @bitmap: begins of runs
 * @rank: runs that begin before each word
 * @k: slot
 *
 * Return: index of the run.
 */
static __always_inline unsigned int
vr_fib_run(const u64 *bitmap, const u8 *rank, unsigned int k)
{
	/* all bits up to k; two shifts since there is none by 64 */
	return rank[k / 64] +
	       hweight64(bitmap[k / 64] << (63 - k % 64)) - 1;
}

/**
 * struct vr_fib_cursor - a lookup on its way
 * @slot: where it is; a leaf is its end
 * @hi: the half of the address that is being decided
 * @lo: the half after it
 * @shift: bits of @hi after the eight that are next
 */
struct vr_fib_cursor {
	unsigned long slot;
	u64 hi;
	u64 lo;
	u32 shift;
};

static __always_inline void vr_fib_start(struct vr_fib_cursor *at,
					 const struct vr_fib_head *head, u64 hi,
					 u64 lo)
{
	/* the address dependency orders us after the smp_store_release() of
	 * vr_fib_node_alter() and vr_fib_publish()
	 */
	at->slot = READ_ONCE(head->root);
	at->hi = hi;
	at->lo = lo;
	at->shift = 64 - VR_FIB_STRIDE;
}

static __always_inline unsigned long vr_fib_step_skip(struct vr_fib_cursor *at)
{
	const struct vr_fib_skip *skip = (void *)(at->slot - VR_FIB_SKIP);

	at->shift = skip->shift;
	return (at->hi ^ skip->key) >> skip->shift ? vr_fib_leaf(skip->miss) :
						     skip->hit;
}

static __always_inline unsigned long
vr_fib_step_mixed(const struct vr_fib_mixed *mixed, unsigned int k)
{
	u16 value = mixed->value[vr_fib_run(mixed->bitmap, mixed->rank, k)];

	return value & VR_FIB_BELOW ?
	       READ_ONCE(vr_fib_mixed_below(mixed)[value - VR_FIB_BELOW]) :
	       vr_fib_leaf(value);
}

/**
 * vr_fib_step() - go on to the next slot
 * @at: lookup that is not at a leaf
 * @wide: there is a second half of the address
 *
 * Context: RCU read side.
 */
static __always_inline void vr_fib_step(struct vr_fib_cursor *at, bool wide)
{
	unsigned int k = at->hi >> at->shift & (VR_FIB_SLOTS - 1);
	const struct vr_fib_leaves *leaves;
	const struct vr_fib_flat *flat;

	switch (at->slot & VR_FIB_KIND_MASK) {
	case VR_FIB_FLAT:
		flat = (void *)(at->slot - VR_FIB_FLAT);
		at->slot = READ_ONCE(flat->slot[k]);
		break;
	case VR_FIB_SKIP:
		at->slot = vr_fib_step_skip(at);
		break;
	case VR_FIB_MIXED:
		at->slot = vr_fib_step_mixed((void *)(at->slot - VR_FIB_MIXED),
					     k);
		break;
	default:
		leaves = (void *)at->slot;
		at->slot = vr_fib_leaf(leaves->value[vr_fib_run(leaves->bitmap,
								leaves->rank,
								k)]);
		return;
	}
	if (wide && !at->shift) {
		at->hi = at->lo;
		at->shift = 64;
	}
	at->shift -= VR_FIB_STRIDE;
}

/**
 * vr_fib_done() - is a lookup at its end?
 * @at: lookup
 *
 * Return: whether it is.
 */
static __always_inline bool vr_fib_done(const struct vr_fib_cursor *at)
{
	return at->slot & VR_FIB_LEAF;
}

/**
 * vr_fib_answer() - what a lookup has found
 * @at: lookup that is at its end
 * @head: table
 *
 * The slot that ends the search is the only one whose next hop counts, so the
 * answer was right at one moment since vr_fib_start(), whatever a writer does.
 *
 * Return: next hop, 0 if none matches.
 */
static __always_inline u16 vr_fib_answer(const struct vr_fib_cursor *at,
					 const struct vr_fib_head *head)
{
	return at->slot >> VR_FIB_LEAF_SHIFT ? : head->fallback;
}

/**
 * vr_fib_expect() - a step of this lookup is to come
 * @at: lookup
 */
static __always_inline void vr_fib_expect(const struct vr_fib_cursor *at)
{
	const u8 *node = (const u8 *)(at->slot & ~VR_FIB_KIND_MASK);
	unsigned int k = at->hi >> at->shift & (VR_FIB_SLOTS - 1);

	if (at->slot & VR_FIB_FLAT) {
		prefetch(at->slot & VR_FIB_MIXED ?
			 node + offsetof(struct vr_fib_skip, key) :
			 node + offsetof(struct vr_fib_flat, slot[k]));
		return;
	}
	/* most of the others end in the next line */
	prefetch(node + offsetof(struct vr_fib_leaves, bitmap));
	prefetch(node + offsetof(struct vr_fib_leaves, bitmap) + L1_CACHE_BYTES);
}

/**
 * vr_fib_start4() - begin the lookup of an IPv4 address
 * @at: filled in
 * @head: table of 32 bits
 * @addr: address, network order
 *
 * Context: RCU read side, the same as for the steps.
 */
static __always_inline void vr_fib_start4(struct vr_fib_cursor *at,
					  const struct vr_fib_head *head,
					  __be32 addr)
{
	vr_fib_start(at, head, (u64)be32_to_cpu(addr) << 32, 0);
}

/**
 * vr_fib_start6() - begin the lookup of an IPv6 address
 * @at: filled in
 * @head: table of 128 bits
 * @addr: address; need only be aligned to 4 bytes
 *
 * Context: RCU read side, the same as for the steps.
 */
static __always_inline void vr_fib_start6(struct vr_fib_cursor *at,
					  const struct vr_fib_head *head,
					  const struct in6_addr *addr)
{
	vr_fib_start(at, head,
		     (u64)be32_to_cpu(addr->s6_addr32[0]) << 32 |
		     be32_to_cpu(addr->s6_addr32[1]),
		     (u64)be32_to_cpu(addr->s6_addr32[2]) << 32 |
		     be32_to_cpu(addr->s6_addr32[3]));
}

/**
 * vr_fib_lookup4() - find the route of an IPv4 address
 * @fib: table of 32 bits
 * @addr: address, network order
 *
 * Context: RCU read side (rcu_read_lock() or softirqs off). Never waits.
 * Return: next hop of the longest matching prefix, 0 if none matches.
 */
static inline u16 vr_fib_lookup4(const struct vr_fib *fib, __be32 addr)
{
	const struct vr_fib_head *head = rcu_dereference(fib->head);
	struct vr_fib_cursor at;

	vr_fib_start4(&at, head, addr);
	while (!vr_fib_done(&at))
		vr_fib_step(&at, false);
	return vr_fib_answer(&at, head);
}

/**
 * vr_fib_lookup6() - find the route of an IPv6 address
 * @fib: table of 128 bits
 * @addr: address; need only be aligned to 4 bytes
 *
 * Context: RCU read side (rcu_read_lock() or softirqs off). Never waits.
 * Return: next hop of the longest matching prefix, 0 if none matches.
 */
static inline u16 vr_fib_lookup6(const struct vr_fib *fib,
				 const struct in6_addr *addr)
{
	const struct vr_fib_head *head = rcu_dereference(fib->head);
	struct vr_fib_cursor at;

	vr_fib_start6(&at, head, addr);
	while (!vr_fib_done(&at))
		vr_fib_step(&at, true);
	return vr_fib_answer(&at, head);
}

#endif
