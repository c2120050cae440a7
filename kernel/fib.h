/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Longest prefix match for one address family of one router.
 *
 * Only the functions declared here are the interface. The structures are
 * visible for the sake of the inline lookups and belong to fib.c.
 */
#ifndef VROUTER_FIB_H
#define VROUTER_FIB_H

#include <linux/bits.h>
#include <linux/in6.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#define VR_FIB_STRIDE		4
#define VR_FIB_SLOTS		BIT(VR_FIB_STRIDE)

/* A slot is a node, or a leaf: next hop << 16 | prefix length << 1 | 1. */
#define VR_FIB_LEAF		1UL
#define VR_FIB_NONE		VR_FIB_LEAF

/**
 * struct vr_fib_key - an address; IPv4 stands in the upper half of @hi
 * @hi: the first 64 bits
 * @lo: the last 64 bits
 */
struct vr_fib_key {
	u64 hi;
	u64 lo;
};

/**
 * struct vr_fib_node - the slots for four bits of the address
 * @key: the address bits before @pos, the rest zero
 * @mask: ones for the bits before @pos
 * @miss: leaf for addresses that differ from @key before @pos
 * @parent: the node whose slot points here; writer only
 * @pos: first address bit that this node decides
 * @shift: how far to shift the half that holds the bits
 * @low: the bits are in the lower half
 * @owned: prefixes in @own; writer only
 * @children: slots that are nodes; writer only
 * @slot: what an address gets, leaves of shorter prefixes pushed down
 * @own: next hops of the prefixes that end in this node, as a heap: root at 1,
 *	children of i at 2i and 2i+1; writer only
 * @rcu: frees the node, when @own has served its time
 */
struct vr_fib_node {
	struct vr_fib_key key;
	struct vr_fib_key mask;
	unsigned long miss;
	struct vr_fib_node *parent;
	u8 pos;
	u8 shift;
	bool low;
	u8 owned;
	u8 children;
	unsigned long slot[VR_FIB_SLOTS] __aligned(64);
	union {
		u16 own[2 * VR_FIB_SLOTS];
		struct rcu_head rcu;
	};
};

/**
 * struct vr_fib - a table
 * @root: the node for the first bits; never freed before the table
 * @bits: length of an address, 32 or 128
 * @count: prefixes in the table; writer only
 * @nodes: nodes besides @root; writer only
 */
struct vr_fib {
	struct vr_fib_node root;
	unsigned int bits;
	unsigned int count;
	unsigned int nodes;
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
int vr_fib_del(struct vr_fib *fib, const void *prefix, u8 plen, u16 *old);
u16 vr_fib_get(const struct vr_fib *fib, const void *prefix, u8 plen);
u16 vr_fib_match(const struct vr_fib *fib, const void *addr, void *prefix,
		 u8 *plen);
int vr_fib_walk(struct vr_fib *fib, vr_fib_walk_fn fn, void *arg);
unsigned int vr_fib_count(const struct vr_fib *fib);
size_t vr_fib_bytes(const struct vr_fib *fib);

/**
 * vr_fib_find4() - find the leaf for an IPv4 address
 * @fib: table of 32 bits
 * @hi: address in the upper half
 *
 * The slot that ends the search is the only one whose leaf counts, so the
 * answer was right at one moment of the call, whatever a writer does.
 *
 * Context: RCU read side. For the functions of this file and fib.c only.
 * Return: a leaf.
 */
static inline unsigned long vr_fib_find4(const struct vr_fib *fib, u64 hi)
{
	const struct vr_fib_node *node = &fib->root;
	unsigned long slot;

	slot = READ_ONCE(node->slot[hi >> (64 - VR_FIB_STRIDE)]);
	/* the address dependency on READ_ONCE() orders us after the
	 * smp_store_release() in vr_fib_publish()
	 */
	while (!(slot & VR_FIB_LEAF)) {
		node = (const struct vr_fib_node *)slot;
		if (unlikely((hi ^ node->key.hi) & node->mask.hi))
			return READ_ONCE(node->miss);
		slot = READ_ONCE(node->slot[(hi >> node->shift) &
					    (VR_FIB_SLOTS - 1)]);
	}
	return slot;
}

/**
 * vr_fib_find6() - find the leaf for an IPv6 address
 * @fib: table of 128 bits
 * @hi: first half of the address
 * @lo: second half of the address
 *
 * Context: RCU read side. For the functions of this file and fib.c only.
 * Return: a leaf.
 */
static inline unsigned long vr_fib_find6(const struct vr_fib *fib, u64 hi,
					 u64 lo)
{
	const struct vr_fib_node *node = &fib->root;
	unsigned long slot;

	slot = READ_ONCE(node->slot[hi >> (64 - VR_FIB_STRIDE)]);
	while (!(slot & VR_FIB_LEAF)) {
		node = (const struct vr_fib_node *)slot;
		if (unlikely(((hi ^ node->key.hi) & node->mask.hi) |
			     ((lo ^ node->key.lo) & node->mask.lo)))
			return READ_ONCE(node->miss);
		slot = READ_ONCE(node->slot[((node->low ? lo : hi) >>
					     node->shift) &
					    (VR_FIB_SLOTS - 1)]);
	}
	return slot;
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
	return vr_fib_find4(fib, (u64)be32_to_cpu(addr) << 32) >> 16;
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
	u64 hi = (u64)be32_to_cpu(addr->s6_addr32[0]) << 32 |
		 be32_to_cpu(addr->s6_addr32[1]);
	u64 lo = (u64)be32_to_cpu(addr->s6_addr32[2]) << 32 |
		 be32_to_cpu(addr->s6_addr32[3]);

	return vr_fib_find6(fib, hi, lo) >> 16;
}

#endif
