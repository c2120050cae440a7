// SPDX-License-Identifier: GPL-2.0
/*
 * Makes nexthops of what the kernel has for a route: a fib_info, or fib6_infos.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <net/ip6_route.h>
#include <net/nexthop.h>

#include "nexthop_make.h"
#include "port.h"

static struct vr_nexthop *vr_nexthop_alloc(unsigned int npaths)
{
	struct vr_nexthop *nh;

	nh = kzalloc(struct_size(nh, path, npaths), GFP_KERNEL_ACCOUNT);
	if (nh)
		nh->npaths = npaths;
	return nh;
}

static void vr_nexthop_path_init(struct vr_path *path,
				 const struct fib_nh_common *nhc)
{
	path->dev = nhc->nhc_dev;
	if (path->dev && vr_port_is(path->dev))
		path->port = netdev_priv(path->dev);
	path->gw_family = nhc->nhc_gw_family;
	if (path->gw_family == AF_INET)
		path->gw.ip4 = nhc->nhc_gw.ipv4;
	else if (path->gw_family == AF_INET6)
		path->gw.ip6 = nhc->nhc_gw.ipv6;
	path->weight = nhc->nhc_weight;
}

static u8 vr_nexthop_type_reason(u8 type)
{
	switch (type) {
	case RTN_UNICAST:
		return 0;
	case RTN_LOCAL:
	case RTN_ANYCAST:
		return VROUTER_PUNT_LOCAL;
	case RTN_BROADCAST:
	case RTN_MULTICAST:
		return VROUTER_PUNT_MULTICAST;
	default:
		return VROUTER_PUNT_ROUTE_TYPE;
	}
}

static u8 vr_nexthop_path_reason4(const struct fib_nh_common *nhc)
{
	if (nhc->nhc_lwtstate)
		return VROUTER_PUNT_ENCAP;
	return vr_nexthop_was_own(nhc) ? VROUTER_PUNT_ROUTE_UNSUPPORTED : 0;
}

static u8 vr_nexthop_reason4(const struct fib_info *fi, u8 type, bool tos)
{
	u8 reason = vr_nexthop_type_reason(type);
	unsigned int i;

	if (!reason && (tos || fi->fib_nhs > VR_NEXTHOP_PATHS_MAX))
		reason = VROUTER_PUNT_ROUTE_UNSUPPORTED;
	/* a lock without an MTU makes it that of the minimum, behind a gateway */
	if (!reason && !fi->fib_mtu &&
	    fi->fib_metrics->metrics[RTAX_LOCK - 1] & BIT(RTAX_MTU))
		reason = VROUTER_PUNT_ROUTE_UNSUPPORTED;
	for (i = 0; !reason && !fi->nh && i < fi->fib_nhs; i++)
		reason = vr_nexthop_path_reason4(&fi->fib_nh[i].nh_common);
	return reason;
}

/**
 * vr_nexthop_get4() - nexthop of an IPv4 route
 * @table: nexthops
 * @fi: the kernel's
 * @type: RTN_...
 * @tos: the route is for one TOS only
 *
 * Context: the mirror's work, may sleep.
 * Return: nexthop with one more user, or ERR_PTR(): -ENOMEM, -ENOSPC.
 */
struct vr_nexthop *vr_nexthop_get4(struct vr_nexthops *table,
				   struct fib_info *fi, u8 type, bool tos)
{
	u8 reason = vr_nexthop_reason4(fi, type, tos);
	struct vr_nexthop *nh;
	unsigned int i;

	/* routes that are punted need no fib_info of their own */
	nh = vr_nexthop_known4(table, reason ? NULL : fi, reason);
	if (nh) {
		nh->users++;
		return nh;
	}
	nh = vr_nexthop_alloc(reason || fi->nh ? 0 : fi->fib_nhs);
	if (!nh)
		return ERR_PTR(-ENOMEM);
	nh->reason = reason;
	if (reason)
		return vr_nexthop_share(table, nh);
	nh->mtu = fi->fib_mtu;
	nh->object = fi->nh;
	nh->fi = fi;
	fib_info_hold(fi);
	for (i = 0; i < nh->npaths; i++) {
		vr_nexthop_path_init(&nh->path[i], &fi->fib_nh[i].nh_common);
		nh->path[i].nhc = &fi->fib_nh[i].nh_common;
#ifdef CONFIG_IP_ROUTE_MULTIPATH
		nh->path[i].bound = &fi->fib_nh[i].fib_nh_upper_bound;
#endif
	}
	return vr_nexthop_share(table, nh);
}

/*
 * The kernel tells of the first route of a prefix and its siblings. Others of that
 * metric, which it asks as well, come later without a word, and lifetimes change likewise.
 * Where that is usual, with prefixes of links and default routes, packets ask the kernel's
 * own route.
 */
static bool vr_nexthop_is_own(const struct vr_nexthops *table,
			      const struct fib6_info *f6i)
{
	return (!f6i->fib6_dst.plen ||
		(!f6i->nh && !f6i->fib6_nh->fib_nh_gw_family)) &&
	       READ_ONCE(table->count) < VR_NEXTHOP_OWN_MAX;
}

/* Is it the only route of its metric, but for its siblings? They are in the order of their
 * metrics.
 */
static bool vr_nexthop_is_alone(const struct fib6_info *f6i)
{
	spinlock_t *lock = &f6i->fib6_table->tb6_lock;
	const struct fib6_info *other = NULL;
	const struct fib6_node *node;
	bool ecmp = rt6_qualify_for_ecmp(f6i);

	/* it is told of before it is put into the table */
	spin_lock_bh(lock);
	node = rcu_dereference_protected(f6i->fib6_node, lockdep_is_held(lock));
	if (node)
		other = rcu_dereference_protected(node->leaf,
						  lockdep_is_held(lock));
	while (other && (other == f6i || other->fib6_metric < f6i->fib6_metric ||
			 (other->fib6_metric == f6i->fib6_metric &&
			  ecmp && rt6_qualify_for_ecmp(other))))
		other = rcu_dereference_protected(other->fib6_next,
						  lockdep_is_held(lock));
	if (other && other->fib6_metric != f6i->fib6_metric)
		other = NULL;
	spin_unlock_bh(lock);
	return !other;
}

static u8 vr_nexthop_reason6(const struct fib6_info *f6i, bool own)
{
	u8 reason = vr_nexthop_type_reason(f6i->fib6_type);

	if (reason)
		return reason;
	if (f6i->fib6_flags & RTF_REJECT)
		return VROUTER_PUNT_ROUTE_TYPE;
	/* The kernel takes turns between default routers from advertisements,
	 * and announces only one of them.
	 */
	if ((f6i->fib6_flags & (RTF_ADDRCONF | RTF_GATEWAY)) ==
	    (RTF_ADDRCONF | RTF_GATEWAY))
		return VROUTER_PUNT_ROUTE_UNSUPPORTED;
	if (!f6i->nh && f6i->fib6_nh->fib_nh_lws)
		return VROUTER_PUNT_ENCAP;
	/* the kernel passes over what has expired, and deletes it later */
	if (!own && f6i->fib6_flags & RTF_EXPIRES)
		return VROUTER_PUNT_ROUTE_UNSUPPORTED;
	return 0;
}

static u8 vr_nexthop_reasons6(struct fib6_info **routes, unsigned int n, u32 mtu,
			      bool own)
{
	unsigned int i;
	u8 reason = 0;

	for (i = 0; !reason && i < n; i++) {
		reason = vr_nexthop_reason6(routes[i], own);
		/* a nexthop has one MTU for all of its paths */
		if (!reason && routes[i]->fib6_pmtu != mtu)
			reason = VROUTER_PUNT_ROUTE_UNSUPPORTED;
	}
	/* one speaks for all siblings */
	if (!reason && !own && !vr_nexthop_is_alone(routes[0]))
		reason = VROUTER_PUNT_ROUTE_UNSUPPORTED;
	return reason;
}

static void vr_nexthop_add6(struct vr_nexthop *nh, struct fib6_info *f6i)
{
	struct vr_path *path = &nh->path[nh->npaths++];

	vr_nexthop_path_init(path, &f6i->fib6_nh->nh_common);
	path->bound = &path->own_bound;
	path->f6i = f6i;
	fib6_info_hold(f6i);
}

static bool vr_nexthop_has6(struct fib6_info **routes, unsigned int n,
			    const struct vr_path *path)
{
	struct vr_path other;
	unsigned int i;

	for (i = 0; i < n; i++) {
		memset(&other, 0, sizeof(other));
		vr_nexthop_path_init(&other, &routes[i]->fib6_nh->nh_common);
		if (vr_nexthop_path_equal(path, &other))
			return true;
	}
	return false;
}

static void vr_nexthop_fill6(struct vr_nexthop *nh,
			     const struct vr_nexthop *old,
			     struct fib6_info **routes, unsigned int n, bool add)
{
	unsigned int i;

	nh->npaths = 0;
	/* one that is added may be there: a dump sees it before it is announced */
	for (i = 0; old && i < old->npaths; i++)
		if (!vr_nexthop_has6(routes, n, &old->path[i]))
			vr_nexthop_add6(nh, old->path[i].f6i);
	for (i = 0; add && i < n; i++)
		vr_nexthop_add6(nh, routes[i]);
	vr_nexthop_rebalance(nh);
}

/**
 * vr_nexthop_get6() - nexthop of an IPv6 route
 * @table: nexthops
 * @old: what the route has now, if that is to be changed, or NULL
 * @routes: the kernel's, one a path
 * @n: number of @routes
 * @add: add them to the paths of @old, else take them away
 *
 * Context: the mirror's work, may sleep.
 * Return: nexthop with one more user, NULL if no path is left, or ERR_PTR():
 * -ENOMEM, -ENOSPC.
 */
struct vr_nexthop *vr_nexthop_get6(struct vr_nexthops *table,
				   const struct vr_nexthop *old,
				   struct fib6_info **routes, unsigned int n,
				   bool add)
{
	struct nexthop *object = add ? routes[0]->nh : NULL;
	unsigned int npaths = n + (old ? old->npaths : 0);
	/* a path of what was shared may come from another route */
	bool own = old ? old->own : vr_nexthop_is_own(table, routes[0]);
	u32 mtu = old ? old->mtu : routes[0]->fib6_pmtu;
	u8 reason = old ? old->reason : 0;
	struct vr_nexthop *nh;

	if (!reason && add)
		reason = vr_nexthop_reasons6(routes, n, mtu, own);
	if (!reason && npaths > VR_NEXTHOP_PATHS_MAX)
		reason = VROUTER_PUNT_ROUTE_UNSUPPORTED;
	if (reason || object)
		npaths = 0;
	nh = vr_nexthop_alloc(npaths);
	if (!nh)
		return ERR_PTR(-ENOMEM);
	nh->reason = reason;
	if (reason)
		return vr_nexthop_share(table, nh);
	nh->own = own;
	nh->mtu = mtu;
	if (object) {
		nh->object = object;
		nh->f6i = routes[0];
		fib6_info_hold(nh->f6i);
		return vr_nexthop_share(table, nh);
	}
	vr_nexthop_fill6(nh, old, routes, n, add);
	if (!nh->npaths) {
		kfree(nh);
		return NULL;
	}
	return vr_nexthop_share(table, nh);
}
