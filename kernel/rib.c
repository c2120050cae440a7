// SPDX-License-Identifier: GPL-2.0
/*
 * A router's routes, built by the mirror and read by the data path. The local
 * table stands apart, since the kernel asks it before the router's table, whatever
 * the lengths of the prefixes.
 */
#include <linux/random.h>
#include <linux/slab.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>

#include "change.h"
#include "rib.h"

static void vr_rib_free_fib(struct vr_fib *fib)
{
	if (fib)
		vr_fib_free(fib);
}

static void vr_rib_free(struct vr_rib *rib)
{
	vr_rib_free_fib(rib->fib4);
	vr_rib_free_fib(rib->fib6);
	vr_rib_free_fib(rib->local4);
	vr_rib_free_fib(rib->local6);
	if (rib->nexthops)
		vr_nexthop_table_free(rib->nexthops);
	vr_siblings_free(&rib->siblings);
	kfree(rib);
}

/**
 * vr_rib_alloc() - make an empty set of routes
 *
 * Context: may sleep.
 * Return: routes with one reference, or NULL.
 */
struct vr_rib *vr_rib_alloc(void)
{
	struct vr_rib *rib = kzalloc(sizeof(*rib), GFP_KERNEL_ACCOUNT);

	if (!rib)
		return NULL;
	refcount_set(&rib->refs, 1);
	rib->seq = get_random_u32();
	rib->fib4 = vr_fib_alloc(32, GFP_KERNEL_ACCOUNT);
	rib->fib6 = vr_fib_alloc(128, GFP_KERNEL_ACCOUNT);
	rib->local4 = vr_fib_alloc(32, GFP_KERNEL_ACCOUNT);
	rib->local6 = vr_fib_alloc(128, GFP_KERNEL_ACCOUNT);
	rib->nexthops = vr_nexthop_table_alloc();
	if (rib->fib4 && rib->fib6 && rib->local4 && rib->local6 &&
	    rib->nexthops)
		return rib;
	vr_rib_free(rib);
	return NULL;
}

/**
 * vr_rib_get() - take a reference
 * @rib: routes
 *
 * The routes still change and are still read, or not any more, as if there were
 * no such reference.
 *
 * Context: RCU read side.
 * Return: false if they are about to be freed.
 */
bool vr_rib_get(struct vr_rib *rib)
{
	return refcount_inc_not_zero(&rib->refs);
}

/**
 * vr_rib_put() - let go of a reference, and free routes that have none left
 * @rib: routes; if the reference is the mirror's, no reader finds them any more,
 *	and a grace period has passed
 *
 * Context: may sleep.
 */
void vr_rib_put(struct vr_rib *rib)
{
	if (refcount_dec_and_test(&rib->refs))
		vr_rib_free(rib);
}

static void vr_rib_filter_add(struct vr_rib_filter *filter, u32 hash, bool whole)
{
	if (!whole) {
		WRITE_ONCE(filter->all, filter->all + 1);
	} else if (filter->users[hash] != U16_MAX) {
		/* at the top it stays for good, which costs speed only */
		filter->users[hash]++;
		set_bit(hash, filter->map);
	}
}

static void vr_rib_filter_del(struct vr_rib_filter *filter, u32 hash, bool whole)
{
	if (!whole)
		WRITE_ONCE(filter->all, filter->all - 1);
	else if (filter->users[hash] != U16_MAX && !--filter->users[hash])
		clear_bit(hash, filter->map);
}

/* Those addresses are martians to the data path, which needs no table for that. */
static bool vr_rib_filtered4(__be32 dst)
{
	return !ipv4_is_loopback(dst) && !ipv4_is_multicast(dst);
}

static bool vr_rib_filtered6(const struct in6_addr *dst)
{
	return !(ipv6_addr_type(dst) & (IPV6_ADDR_LOOPBACK |
					IPV6_ADDR_MULTICAST |
					IPV6_ADDR_LINKLOCAL));
}

static u8 vr_rib_local_reason(u8 type)
{
	return type == RTN_BROADCAST || type == RTN_MULTICAST ?
		VROUTER_PUNT_MULTICAST : VROUTER_PUNT_LOCAL;
}

static int vr_rib_set_local(struct vr_fib *fib, struct vr_rib_filter *filter,
			    const void *dst, u8 plen, u8 type, u32 hash,
			    bool whole, bool filtered)
{
	u16 old = 0;
	int err;

	/* before the route, so that no reader misses it */
	if (filtered)
		vr_rib_filter_add(filter, hash, whole);
	err = vr_fib_set(fib, dst, plen, vr_rib_local_reason(type), &old,
			 GFP_KERNEL_ACCOUNT);
	/* not a new one */
	if (filtered && (err || old))
		vr_rib_filter_del(filter, hash, whole);
	return err;
}

static int vr_rib_del_local(struct vr_fib *fib, struct vr_rib_filter *filter,
			    const void *dst, u8 plen, u32 hash, bool whole,
			    bool filtered)
{
	u16 old;
	int err;

	err = vr_fib_del(fib, dst, plen, &old, GFP_KERNEL_ACCOUNT);
	if (!err && filtered)
		vr_rib_filter_del(filter, hash, whole);
	return err;
}

static bool vr_rib_is_own(const struct vr_nexthop *nh)
{
	return nh && (nh->reason == VROUTER_PUNT_LOCAL ||
		      nh->reason == VROUTER_PUNT_MULTICAST);
}

/*
 * A VRF's own addresses stand in its own table: the filter knows them as well. @was is
 * for IPv4: what is not used of the prefix any more, held.
 */
static struct vr_nexthop *vr_rib_set(struct vr_rib *rib, struct vr_fib *fib,
				     struct vr_rib_filter *filter,
				     const void *dst, u8 plen,
				     struct vr_nexthop *nh, u32 hash, bool whole,
				     struct fib_info **was)
{
	struct vr_nexthop *old;
	u16 id = 0;
	int err;

	if (IS_ERR(nh))
		return nh;
	/* before the route, so that no reader misses it */
	if (vr_rib_is_own(nh))
		vr_rib_filter_add(filter, hash, whole);
	err = vr_fib_set(fib, dst, plen, nh->id, &id, GFP_KERNEL_ACCOUNT);
	if (err) {
		if (vr_rib_is_own(nh))
			vr_rib_filter_del(filter, hash, whole);
		vr_nexthop_put(nh);
		return ERR_PTR(err);
	}
	WRITE_ONCE(rib->seq, rib->seq + 1);
	old = vr_nexthop_by_id(rib->nexthops, id);
	if (vr_rib_is_own(old))
		vr_rib_filter_del(filter, hash, whole);
	if (old && old->fi && old != nh) {
		*was = old->fi;
		fib_info_hold(*was);
	}
	if (old)
		vr_nexthop_put(old);
	return nh;
}

static int vr_rib_del(struct vr_rib *rib, struct vr_fib *fib,
		      struct vr_rib_filter *filter, const void *dst, u8 plen,
		      u32 hash, bool whole)
{
	struct vr_nexthop *nh;
	u16 id;
	int err;

	err = vr_fib_del(fib, dst, plen, &id, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	WRITE_ONCE(rib->seq, rib->seq + 1);
	nh = vr_nexthop_by_id(rib->nexthops, id);
	if (vr_rib_is_own(nh))
		vr_rib_filter_del(filter, hash, whole);
	vr_nexthop_put(nh);
	return 0;
}

/**
 * vr_rib_bulk_begin() - begin to load many routes, in the order of a dump
 * @rib: empty routes, which nobody reads yet
 *
 * Context: the mirror's work, may sleep.
 * Return: 0 or -ENOMEM.
 */
int vr_rib_bulk_begin(struct vr_rib *rib)
{
	return vr_fib_bulk_begin(rib->fib4) ? : vr_fib_bulk_begin(rib->fib6);
}

/**
 * vr_rib_bulk_end() - have the routes ready to be read
 * @rib: routes
 *
 * Context: the mirror's work, may sleep.
 * Return: 0 or -ENOMEM.
 */
int vr_rib_bulk_end(struct vr_rib *rib)
{
	return vr_fib_bulk_end(rib->fib4, GFP_KERNEL_ACCOUNT) ? :
	       vr_fib_bulk_end(rib->fib6, GFP_KERNEL_ACCOUNT);
}

/**
 * vr_rib_hold() - many changes are to come
 * @rib: routes
 *
 * Up to vr_rib_release(), readers may not see new routes. Others show at once: what
 * a route pointed to is let go, and readers must not find it any more.
 *
 * Context: the mirror's work, may sleep.
 */
void vr_rib_hold(struct vr_rib *rib)
{
	vr_fib_hold(rib->fib4, GFP_KERNEL_ACCOUNT);
	vr_fib_hold(rib->fib6, GFP_KERNEL_ACCOUNT);
}

/**
 * vr_rib_release() - have readers see all routes
 * @rib: routes
 *
 * Context: the mirror's work, may sleep.
 * Return: 0 or -ENOMEM.
 */
int vr_rib_release(struct vr_rib *rib)
{
	return vr_fib_release(rib->fib4) ? : vr_fib_release(rib->fib6);
}

/**
 * vr_rib_set4() - add or replace an IPv4 route
 * @rib: routes
 * @dst: destination
 * @plen: bits of @dst
 * @fi: the kernel's nexthops
 * @type: RTN_...
 * @tos: the route is for one TOS only
 * @local: into the local table
 * @was: set if the data plane does not take packets of another route of the prefix any
 *	more: its nexthops, held; it is one of type RTN_UNICAST and for each TOS
 *
 * Context: the mirror's work, may sleep.
 * Return: the route's nexthop, NULL for one of the local table; or ERR_PTR():
 * -ENOMEM, or -ENOSPC if there are too many nexthops.
 */
struct vr_nexthop *vr_rib_set4(struct vr_rib *rib, __be32 dst, u8 plen,
			       struct fib_info *fi, u8 type, bool tos,
			       bool local, struct fib_info **was)
{
	u32 hash = vr_rib_hash4(dst);

	if (local)
		return ERR_PTR(vr_rib_set_local(rib->local4, &rib->filter4,
						&dst, plen, type, hash,
						plen == 32,
						vr_rib_filtered4(dst)));
	return vr_rib_set(rib, rib->fib4, &rib->filter4, &dst, plen,
			  vr_nexthop_get4(rib->nexthops, fi, type, tos), hash,
			  plen == 32, was);
}

/**
 * vr_rib_del4() - delete an IPv4 route
 * @rib: routes
 * @dst: destination
 * @plen: bits of @dst
 * @local: from the local table
 *
 * Context: the mirror's work, may sleep.
 * Return: 0, -ENOENT or -ENOMEM.
 */
int vr_rib_del4(struct vr_rib *rib, __be32 dst, u8 plen, bool local)
{
	u32 hash = vr_rib_hash4(dst);

	if (local)
		return vr_rib_del_local(rib->local4, &rib->filter4, &dst, plen,
					hash, plen == 32,
					vr_rib_filtered4(dst));
	return vr_rib_del(rib, rib->fib4, &rib->filter4, &dst, plen, hash,
			  plen == 32);
}

/**
 * vr_rib_exact4() - the nexthop of one IPv4 route
 * @rib: routes
 * @dst: destination
 * @plen: bits of @dst
 *
 * Context: the mirror's work.
 * Return: nexthop, or NULL if there is no such route.
 */
struct vr_nexthop *vr_rib_exact4(const struct vr_rib *rib, __be32 dst, u8 plen)
{
	return vr_nexthop_by_id(rib->nexthops,
				vr_fib_get(rib->fib4, &dst, plen));
}

/**
 * vr_rib_exact6() - the nexthop of one IPv6 route
 * @rib: routes
 * @dst: destination
 * @plen: bits of @dst
 *
 * Context: the mirror's work.
 * Return: nexthop, or NULL if there is no such route.
 */
struct vr_nexthop *vr_rib_exact6(const struct vr_rib *rib,
				 const struct in6_addr *dst, u8 plen)
{
	return vr_nexthop_by_id(rib->nexthops,
				vr_fib_get(rib->fib6, dst, plen));
}

/**
 * vr_rib_has() - is a prefix there?
 * @rib: routes
 * @key: prefix
 *
 * Context: RCU read side; nobody changes this prefix meanwhile.
 * Return: true if so.
 */
bool vr_rib_has(const struct vr_rib *rib, const struct vr_change_key *key)
{
	return vr_fib_get(key->family == AF_INET ? rib->fib4 : rib->fib6,
			  &key->addr, key->plen);
}

/**
 * vr_rib_set6() - add, replace, or add paths to an IPv6 route
 * @rib: routes
 * @routes: the kernel's, one a path
 * @n: number of @routes
 * @append: add the paths to those that the route has
 * @local: into the local table
 *
 * Context: the mirror's work, may sleep.
 * Return: the route's nexthop, NULL for one of the local table or by source; or
 * ERR_PTR(): -ENOMEM, or -ENOSPC if there are too many nexthops.
 */
struct vr_nexthop *vr_rib_set6(struct vr_rib *rib, struct fib6_info **routes,
			       unsigned int n, bool append, bool local)
{
	const struct rt6key *key = &routes[0]->fib6_dst;
	u32 hash = vr_rib_hash6(&key->addr);
	struct vr_nexthop *old = NULL;
	int err;

	if (routes[0]->fib6_src.plen) {
		WRITE_ONCE(rib->by_source, true);
		return NULL;
	}
	if (local)
		return ERR_PTR(vr_rib_set_local(rib->local6, &rib->filter6,
						&key->addr, key->plen,
						routes[0]->fib6_type, hash,
						key->plen == 128,
						vr_rib_filtered6(&key->addr)));
	if (append) {
		/* no dump does that: what is being loaded has to be seen */
		err = vr_rib_bulk_end(rib);
		if (err)
			return ERR_PTR(err);
		old = vr_rib_exact6(rib, &key->addr, key->plen);
	}
	if (append || n > 1) {
		err = vr_siblings_set(&rib->siblings, routes[0]);
		if (err)
			return ERR_PTR(err);
	} else {
		vr_siblings_del(&rib->siblings, key);
	}
	return vr_rib_set(rib, rib->fib6, &rib->filter6, &key->addr, key->plen,
			  vr_nexthop_get6(rib->nexthops, old, routes, n, true),
			  hash, key->plen == 128, NULL);
}

/**
 * vr_rib_del6() - delete an IPv6 route, or paths of it
 * @rib: routes
 * @routes: the kernel's, one a path
 * @n: number of @routes
 * @left: a route of the prefix that stays, or NULL if there is none
 * @local: from the local table
 *
 * Context: the mirror's work, may sleep.
 * Return: 0, -ENOENT, -ENOMEM, -ENOSPC, or -ESTALE if only building everything
 * anew can tell what is left.
 */
int vr_rib_del6(struct vr_rib *rib, struct fib6_info **routes, unsigned int n,
		struct fib6_info *left, bool local)
{
	const struct rt6key *key = &routes[0]->fib6_dst;
	u32 hash = vr_rib_hash6(&key->addr);
	struct vr_nexthop *old, *nh;
	int err;

	/* nobody counts them here: it may have been the last one */
	if (routes[0]->fib6_src.plen)
		return -ESTALE;
	/* one of several paths went; the last one is told of by itself */
	if (local && left)
		return 0;
	if (local)
		return vr_rib_del_local(rib->local6, &rib->filter6, &key->addr,
					key->plen, hash, key->plen == 128,
					vr_rib_filtered6(&key->addr));
	err = vr_rib_bulk_end(rib);
	if (err)
		return err;
	old = vr_rib_exact6(rib, &key->addr, key->plen);
	if (!old)
		return -ENOENT;
	if (!left && old->npaths <= n) {
		vr_siblings_del(&rib->siblings, key);
		return vr_rib_del(rib, rib->fib6, &rib->filter6, &key->addr,
				  key->plen, hash, key->plen == 128);
	}
	/* more went than was announced; or the paths of a punted route, unknown here */
	if (!left || !old->npaths)
		return -ESTALE;
	err = vr_siblings_set(&rib->siblings, left);
	if (err)
		return err;
	nh = vr_nexthop_get6(rib->nexthops, old, routes, n, false);
	if (!nh)
		return -ESTALE;
	nh = vr_rib_set(rib, rib->fib6, &rib->filter6, &key->addr, key->plen,
			nh, hash, key->plen == 128, NULL);
	return PTR_ERR_OR_ZERO(nh);
}

static u8 vr_rib_own_reason(const struct vr_rib *rib, u16 id)
{
	const struct vr_nexthop *nh = vr_nexthop_find(rib->nexthops, id);

	return vr_rib_is_own(nh) ? nh->reason : 0;
}

/* The reason is an index of counters: a table's number is not, until looked at. */
static u8 vr_rib_local_found(u16 nh)
{
	return nh <= VROUTER_PUNT_MAX ? nh : VROUTER_PUNT_LOCAL;
}

/**
 * vr_rib_find_local4() - is an address the router's own? without the filter
 * @rib: routes
 * @addr: address
 *
 * Context: RCU read side.
 * Return: 0 if not, else enum vrouter_punt_reason.
 */
u8 vr_rib_find_local4(const struct vr_rib *rib, __be32 addr)
{
	return vr_rib_local_found(vr_fib_lookup4(rib->local4, addr)) ? :
	       vr_rib_own_reason(rib, vr_fib_lookup4(rib->fib4, addr));
}

/**
 * vr_rib_find_local6() - is an address the router's own? without the filter
 * @rib: routes
 * @addr: address
 *
 * Context: RCU read side.
 * Return: 0 if not, else enum vrouter_punt_reason.
 */
u8 vr_rib_find_local6(const struct vr_rib *rib, const struct in6_addr *addr)
{
	return vr_rib_local_found(vr_fib_lookup6(rib->local6, addr)) ? :
	       vr_rib_own_reason(rib, vr_fib_lookup6(rib->fib6, addr));
}
