/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a router knows of the kernel's tables.
 */
#ifndef VROUTER_RIB_H
#define VROUTER_RIB_H

#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/refcount.h>

#include "fib.h"
#include "nexthop.h"
#include "siblings.h"

struct vr_change_key;

#define VR_RIB_FILTER_BITS	10

/**
 * struct vr_rib_filter - which addresses may be local: a set bit says maybe
 * @map: by hash of the address
 * @all: prefixes shorter than an address; if there are any, all may be local
 * @users: addresses by hash; writer only
 */
struct vr_rib_filter {
	DECLARE_BITMAP(map, 1 << VR_RIB_FILTER_BITS);
	u32 all;
	u16 users[1 << VR_RIB_FILTER_BITS];
};

/**
 * struct vr_rib - a router's routes
 * @fib4: IPv4 routes of the router's table
 * @fib6: IPv6 routes of the router's table
 * @nexthops: what the numbers in @fib4 and @fib6 stand for
 * @local4: the namespace's local IPv4 table, which is asked first; the numbers
 *	in it are enum vrouter_punt_reason
 * @local6: the same for IPv6
 * @siblings: IPv6 routes of several paths in the router's table; writer only
 * @by_source: there are IPv6 routes by source, so only the stack can tell
 * @filter4: spares most packets the look into @local4
 * @filter6: the same for IPv6
 * @refs: the mirror, and those who look at the routes without RCU
 * @seq: another number after each change of @fib4 and @fib6, and in each rib
 */
struct vr_rib {
	struct vr_fib *fib4;
	struct vr_fib *fib6;
	struct vr_nexthops *nexthops;
	struct vr_fib *local4;
	struct vr_fib *local6;
	struct vr_siblings siblings;
	bool by_source;
	struct vr_rib_filter filter4;
	struct vr_rib_filter filter6;
	refcount_t refs;
	u32 seq;
};

struct vr_rib *vr_rib_alloc(void);
bool vr_rib_get(struct vr_rib *rib);
void vr_rib_put(struct vr_rib *rib);
int vr_rib_bulk_begin(struct vr_rib *rib);
int vr_rib_bulk_end(struct vr_rib *rib);
void vr_rib_hold(struct vr_rib *rib);
int vr_rib_release(struct vr_rib *rib);
struct vr_nexthop *vr_rib_set4(struct vr_rib *rib, __be32 dst, u8 plen,
			       struct fib_info *fi, u8 type, bool tos,
			       bool local, struct fib_info **was);
int vr_rib_del4(struct vr_rib *rib, __be32 dst, u8 plen, bool local);
struct vr_nexthop *vr_rib_set6(struct vr_rib *rib, struct fib6_info **routes,
			       unsigned int n, bool append, bool local);
int vr_rib_del6(struct vr_rib *rib, struct fib6_info **routes, unsigned int n,
		struct fib6_info *left, bool local);
struct vr_nexthop *vr_rib_exact4(const struct vr_rib *rib, __be32 dst, u8 plen);
struct vr_nexthop *vr_rib_exact6(const struct vr_rib *rib,
				 const struct in6_addr *dst, u8 plen);
bool vr_rib_has(const struct vr_rib *rib, const struct vr_change_key *key);
u8 vr_rib_find_local4(const struct vr_rib *rib, __be32 addr);
u8 vr_rib_find_local6(const struct vr_rib *rib, const struct in6_addr *addr);

static inline u32 vr_rib_hash4(__be32 addr)
{
	return hash_32((__force u32)addr, VR_RIB_FILTER_BITS);
}

static inline u32 vr_rib_hash6(const struct in6_addr *addr)
{
	return hash_32((__force u32)(addr->s6_addr32[0] ^ addr->s6_addr32[1] ^
				     addr->s6_addr32[2] ^ addr->s6_addr32[3]),
		       VR_RIB_FILTER_BITS);
}

/**
 * vr_rib_local4() - is an address the router's own, or a broadcast address?
 * @rib: routes
 * @addr: address
 *
 * Context: RCU read side.
 * Return: 0 if not, else enum vrouter_punt_reason.
 */
static inline u8 vr_rib_local4(const struct vr_rib *rib, __be32 addr)
{
	if (likely(!test_bit(vr_rib_hash4(addr), rib->filter4.map) &&
		   !READ_ONCE(rib->filter4.all)))
		return 0;
	return vr_rib_find_local4(rib, addr);
}

/**
 * vr_rib_local6() - is an address the router's own?
 * @rib: routes
 * @addr: address
 *
 * Context: RCU read side.
 * Return: 0 if not, else enum vrouter_punt_reason.
 */
static inline u8 vr_rib_local6(const struct vr_rib *rib,
			       const struct in6_addr *addr)
{
	if (likely(!test_bit(vr_rib_hash6(addr), rib->filter6.map) &&
		   !READ_ONCE(rib->filter6.all)))
		return 0;
	return vr_rib_find_local6(rib, addr);
}

#endif
