// SPDX-License-Identifier: GPL-2.0
/*
 * The operation route-get: the routes that the data plane has.
 */
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <net/genetlink.h>
#include <net/ipv6.h>
#include <net/netlink.h>

#include "compat.h"
#include "netlink-gen.h"
#include "netlink.h"
#include "rib.h"
#include "router.h"
#include "routes.h"

/* A route must fit the first message of a dump, of which one page is sure. */
#define VR_NETLINK_PATHS	64U
#define VR_NETLINK_ROUTE_SIZE	NLMSG_GOODSIZE

static const struct vr_netlink_key vr_netlink_route_key = {
	.ifindex = VROUTER_A_ROUTE_ROUTER_IFINDEX,
	.name = VROUTER_A_ROUTE_ROUTER_NAME,
	.netnsid = VROUTER_A_ROUTE_NETNSID,
	.is = vr_router_is,
	.missing = "No such router",
};

/**
 * struct vr_netlink_prefix - which routes are asked for
 * @family: AF_INET, AF_INET6, or 0 for both
 * @given: @addr and @plen are
 * @longer: only those within @addr and @plen
 * @addr: prefix
 * @plen: its length
 */
struct vr_netlink_prefix {
	u8 family;
	bool given;
	bool longer;
	struct in6_addr addr;
	u8 plen;
};

/**
 * struct vr_netlink_cursor - where a dump is
 *
 * A route, not a place in the table, which may change between two messages.
 *
 * @router: index of the router
 * @family: address family of the next route, 0 at the end
 * @plen: length of the next route
 * @addr: its prefix
 */
struct vr_netlink_cursor {
	u32 router;
	u8 family;
	u8 plen;
	struct in6_addr addr;
};

/**
 * struct vr_netlink_routes - one message of a dump
 * @skb: reply
 * @cb: state of the dump
 * @which: what is asked for
 */
struct vr_netlink_routes {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	struct vr_netlink_prefix which;
};

static int vr_netlink_route_refuse(struct netlink_ext_ack *extack,
				   const struct nlattr *attr, const char *text)
{
	NL_SET_BAD_ATTR(extack, attr);
	vr_compat_err_msg(extack, text);
	return -EINVAL;
}

static int vr_netlink_route_parse_prefix(struct nlattr **attrs,
					 struct netlink_ext_ack *extack,
					 struct vr_netlink_prefix *which)
{
	struct nlattr *plen = attrs[VROUTER_A_ROUTE_PREFIX_LEN];
	struct nlattr *addr = attrs[VROUTER_A_ROUTE_PREFIX];
	struct in6_addr host;
	u8 family;

	if (!addr || !plen)
		return vr_netlink_route_refuse(extack, addr ? : plen,
					       "A prefix and its length go together");
	if (nla_len(addr) == sizeof(struct in_addr))
		family = AF_INET;
	else if (nla_len(addr) == sizeof(struct in6_addr))
		family = AF_INET6;
	else
		return vr_netlink_route_refuse(extack, addr,
					       "An address has 4 or 16 bytes");
	if (which->family && which->family != family)
		return vr_netlink_route_refuse(extack, addr,
					       "The prefix is of another family");
	which->given = true;
	which->family = family;
	memcpy(&which->addr, nla_data(addr), nla_len(addr));
	if (nla_get_u32(plen) > nla_len(addr) * BITS_PER_BYTE)
		return vr_netlink_route_refuse(extack, plen,
					       "The prefix is longer than its address");
	which->plen = nla_get_u32(plen);
	ipv6_addr_prefix(&host, &which->addr, which->plen);
	if (!ipv6_addr_equal(&host, &which->addr))
		return vr_netlink_route_refuse(extack, addr,
					       "The prefix has bits beyond its length");
	return 0;
}

static int vr_netlink_route_parse(struct nlattr **attrs,
				  struct netlink_ext_ack *extack,
				  struct vr_netlink_prefix *which)
{
	struct nlattr *family = attrs[VROUTER_A_ROUTE_FAMILY];
	u32 wanted;

	memset(which, 0, sizeof(*which));
	if (family) {
		wanted = nla_get_u32(family);
		if (wanted != AF_INET && wanted != AF_INET6)
			return vr_netlink_route_refuse(extack, family,
						       "The family is IPv4 or IPv6");
		which->family = wanted;
	}
	which->longer = attrs[VROUTER_A_ROUTE_LONGER_PREFIXES];
	if (attrs[VROUTER_A_ROUTE_PREFIX] || attrs[VROUTER_A_ROUTE_PREFIX_LEN])
		return vr_netlink_route_parse_prefix(attrs, extack, which);
	if (which->longer)
		return vr_netlink_route_refuse(extack,
					       attrs[VROUTER_A_ROUTE_LONGER_PREFIXES],
					       "Longer than what? A prefix is missing");
	return 0;
}

static int vr_netlink_route_put_addr(struct sk_buff *skb, int attr, int family,
				     const struct in6_addr *addr)
{
	return nla_put(skb, attr, family == AF_INET ? sizeof(struct in_addr) :
						      sizeof(*addr), addr);
}

static int vr_netlink_route_put_path(struct sk_buff *skb,
				     const struct vr_routes_path *path)
{
	struct nlattr *nest = nla_nest_start(skb, VROUTER_A_ROUTE_PATH);

	if (!nest ||
	    (path->gw_family &&
	     vr_netlink_route_put_addr(skb, VROUTER_A_PATH_GATEWAY,
				       path->gw_family, &path->gw)) ||
	    (path->oif && nla_put_u32(skb, VROUTER_A_PATH_OIF, path->oif)) ||
	    nla_put_u32(skb, VROUTER_A_PATH_WEIGHT, path->weight))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vr_netlink_route_fill(struct sk_buff *skb, const void *arg)
{
	const struct vr_routes_entry *entry = arg;
	struct vr_routes_path path;
	unsigned int i;

	if (vr_netlink_route_put_addr(skb, VROUTER_A_ROUTE_PREFIX,
				      entry->family, &entry->prefix) ||
	    nla_put_u32(skb, VROUTER_A_ROUTE_PREFIX_LEN, entry->plen) ||
	    nla_put_u32(skb, VROUTER_A_ROUTE_VERDICT, entry->reason ?
			VROUTER_VERDICT_PUNT : VROUTER_VERDICT_FORWARD) ||
	    (entry->reason &&
	     nla_put_u32(skb, VROUTER_A_ROUTE_REASON, entry->reason)) ||
	    (entry->mtu && nla_put_u32(skb, VROUTER_A_ROUTE_MTU, entry->mtu)) ||
	    (entry->npaths &&
	     nla_put_u32(skb, VROUTER_A_ROUTE_PATHS, entry->npaths)))
		return -EMSGSIZE;
	for (i = 0; i < min(entry->npaths, VR_NETLINK_PATHS); i++)
		if (vr_routes_path(entry, i, &path) &&
		    vr_netlink_route_put_path(skb, &path))
			return -EMSGSIZE;
	return 0;
}

/* The routes of a router, or ERR_PTR() with a text. RCU keeps them. */
static struct vr_rib *vr_netlink_route_rib(const struct net_device *dev,
					   struct netlink_ext_ack *extack)
{
	const struct vr_router *router = netdev_priv(dev);
	struct vr_rib *rib = rcu_dereference(router->rib);

	if (rib)
		return rib;
	NL_SET_ERR_MSG(extack, "The router has no routes: it is down, or reads them just now");
	return ERR_PTR(-ENETDOWN);
}

/**
 * struct vr_netlink_found - an answer that outlives RCU
 * @which: the question
 * @rib: routes
 */
struct vr_netlink_found {
	struct vr_netlink_prefix which;
	struct vr_rib *rib;
};

static int vr_netlink_route_fill_found(struct sk_buff *skb, const void *arg)
{
	const struct vr_netlink_found *found = arg;
	const struct vr_netlink_prefix *which = &found->which;
	struct vr_routes_entry entry;
	int err = -ESRCH;

	rcu_read_lock();
	if (vr_routes_find(found->rib, which->family, &which->addr,
			   which->plen, &entry))
		err = vr_netlink_route_fill(skb, &entry);
	rcu_read_unlock();
	return err;
}

static int vr_netlink_route_begin(struct net *net, struct genl_info *info,
				  struct vr_netlink_found *found)
{
	struct net_device *dev;
	struct vr_rib *rib;

	dev = vr_netlink_find(net, info->attrs, info->extack,
			      &vr_netlink_route_key);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	rib = vr_netlink_route_rib(dev, info->extack);
	if (IS_ERR(rib))
		return PTR_ERR(rib);
	if (!vr_rib_get(rib))
		return -ENETDOWN;
	found->rib = rib;
	return 0;
}

/**
 * vrouter_nl_route_get_doit() - tell the route that is, or contains, a prefix
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int vrouter_nl_route_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vr_netlink_found found;
	netns_tracker tracker;
	struct net *net;
	int err;

	err = vr_netlink_route_parse(info->attrs, info->extack, &found.which);
	if (err)
		return err;
	if (!found.which.given || found.which.longer) {
		NL_SET_ERR_MSG(info->extack, "Give a prefix, or ask for a dump");
		return -EINVAL;
	}
	net = vr_netlink_get_net(skb, info->attrs, info->extack,
				 VROUTER_A_ROUTE_NETNSID, &tracker);
	if (IS_ERR(net))
		return PTR_ERR(net);
	rcu_read_lock();
	err = vr_netlink_route_begin(net, info, &found);
	rcu_read_unlock();
	put_net_track(net, &tracker);
	if (err)
		return err;
	err = vr_netlink_reply(info, VROUTER_CMD_ROUTE_GET,
			       VR_NETLINK_ROUTE_SIZE,
			       vr_netlink_route_fill_found, &found);
	vr_rib_put(found.rib);
	if (err == -ESRCH)
		NL_SET_ERR_MSG(info->extack, "The router has no such route");
	return err;
}

static struct vr_netlink_cursor *vr_netlink_cursor(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct vr_netlink_cursor) > sizeof(cb->ctx));
	return (struct vr_netlink_cursor *)cb->ctx;
}

static int vr_netlink_route_dump_one(void *arg,
				     const struct vr_routes_entry *entry)
{
	struct vr_netlink_routes *routes = arg;
	struct vr_netlink_cursor *cursor = vr_netlink_cursor(routes->cb);
	const struct vr_netlink_prefix *which = &routes->which;
	void *hdr;

	if (which->longer && !vr_routes_within(&entry->prefix, entry->plen,
					       &which->addr, which->plen))
		return 1;
	hdr = vr_netlink_dump_put(routes->skb, routes->cb,
				  VROUTER_CMD_ROUTE_GET);
	if (hdr && !vr_netlink_route_fill(routes->skb, entry)) {
		genlmsg_end(routes->skb, hdr);
		return 0;
	}
	if (hdr)
		genlmsg_cancel(routes->skb, hdr);
	cursor->addr = entry->prefix;
	cursor->plen = entry->plen;
	return -EMSGSIZE;
}

/* Go on from the cursor to the end of the table, and to the other table. */
static int vr_netlink_route_dump(struct vr_netlink_routes *routes,
				 const struct vr_rib *rib)
{
	struct vr_netlink_cursor *cursor = vr_netlink_cursor(routes->cb);
	int err;

	while (cursor->family) {
		err = vr_routes_walk(rib, cursor->family, &cursor->addr,
				     cursor->plen, vr_netlink_route_dump_one,
				     routes);
		if (err < 0)
			return err;
		cursor->family = cursor->family == AF_INET &&
				 !routes->which.family ? AF_INET6 : 0;
		memset(&cursor->addr, 0, sizeof(cursor->addr));
		cursor->plen = 0;
	}
	return 0;
}

/* The router of a dump; its name may change while it lasts. */
static struct net_device *vr_netlink_route_dev(struct netlink_callback *cb,
					       struct net *net)
{
	struct vr_netlink_cursor *cursor = vr_netlink_cursor(cb);
	struct net_device *dev;

	if (!cursor->router)
		return vr_netlink_find(net, vr_compat_dump_attrs(cb),
				       cb->extack, &vr_netlink_route_key);
	dev = dev_get_by_index_rcu(net, cursor->router);
	return dev && vr_router_is(dev) ? dev : ERR_PTR(-ENODEV);
}

static int vr_netlink_route_dump_net(struct vr_netlink_routes *routes,
				     struct net *net)
{
	struct netlink_callback *cb = routes->cb;
	struct vr_netlink_cursor *cursor = vr_netlink_cursor(cb);
	struct net_device *dev;
	struct vr_rib *rib;

	dev = vr_netlink_route_dev(cb, net);
	rib = IS_ERR(dev) ? ERR_CAST(dev) :
			    vr_netlink_route_rib(dev, cb->extack);
	if (IS_ERR(rib)) {
		if (!cursor->router)
			return PTR_ERR(rib);
		/* it was there: this is the end, and not all that there was */
		cb->seq++;
		return 0;
	}
	if (!cursor->router) {
		cursor->router = dev->ifindex;
		cursor->family = routes->which.family ? : AF_INET;
		cursor->addr = routes->which.addr;
		cursor->plen = routes->which.plen;
	}
	/* not 0, which means that nobody looks */
	cb->seq = READ_ONCE(rib->seq) ? : 1;
	return vr_netlink_route_dump(routes, rib);
}

/**
 * vrouter_nl_route_get_dumpit() - tell about the routes of a router
 * @skb: reply
 * @cb: state of the dump
 *
 * A route that is there all the time is told once, whatever else changes.
 *
 * Return: bytes, 0 at the end, or a negative errno.
 */
int vrouter_nl_route_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb)
{
	struct vr_netlink_routes routes = { .skb = skb, .cb = cb };
	struct nlattr **attrs = vr_compat_dump_attrs(cb);
	netns_tracker tracker;
	struct net *net;
	int err;

	err = vr_netlink_route_parse(attrs, cb->extack, &routes.which);
	if (err)
		return err;
	net = vr_netlink_get_net(cb->skb, attrs, cb->extack,
				 VROUTER_A_ROUTE_NETNSID, &tracker);
	if (IS_ERR(net))
		return PTR_ERR(net);
	rcu_read_lock();
	err = vr_netlink_route_dump_net(&routes, net);
	rcu_read_unlock();
	put_net_track(net, &tracker);
	return skb->len ? : err;
}
