// SPDX-License-Identifier: GPL-2.0
/*
 * The operation fib-get: what becomes of a packet, and why.
 */
#include <net/genetlink.h>
#include <net/netlink.h>

#include "explain.h"
#include "netlink-gen.h"
#include "netlink.h"
#include "port.h"
#include "router.h"

/**
 * struct vr_netlink_answer - what is told
 * @router: index of the router
 * @name: name of the router
 * @oif: index of the port that the packet leaves by, or 0
 * @oif_name: its name
 * @ex: question and answer
 */
struct vr_netlink_answer {
	u32 router;
	char name[IFNAMSIZ];
	u32 oif;
	char oif_name[IFNAMSIZ];
	struct vr_explain ex;
};

static int vr_netlink_fib_addr_len(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) :
				   sizeof(struct in6_addr);
}

static int vr_netlink_fib_parse(struct genl_info *info, struct vr_explain *ex)
{
	struct nlattr *dst = info->attrs[VROUTER_A_FIB_DST];
	struct nlattr *src = info->attrs[VROUTER_A_FIB_SRC];

	if (!dst) {
		NL_SET_ERR_MSG(info->extack, "A destination address is missing");
		return -EINVAL;
	}
	if (nla_len(dst) == sizeof(struct in_addr)) {
		ex->family = AF_INET;
	} else if (nla_len(dst) == sizeof(struct in6_addr)) {
		ex->family = AF_INET6;
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, dst,
				    "An address has 4 or 16 bytes");
		return -EINVAL;
	}
	if (src && nla_len(src) != nla_len(dst)) {
		NL_SET_ERR_MSG_ATTR(info->extack, src,
				    "Source and destination are of different families");
		return -EINVAL;
	}
	memcpy(&ex->dst, nla_data(dst), nla_len(dst));
	if (src)
		memcpy(&ex->src, nla_data(src), nla_len(src));
	return 0;
}

static int vr_netlink_fib_port(const struct vr_router *router,
			       struct genl_info *info, struct vr_explain *ex)
{
	struct nlattr *iif = info->attrs[VROUTER_A_FIB_IIF];
	struct net_device *dev;
	struct vr_port *port;

	if (!iif)
		return 0;
	dev = dev_get_by_index_rcu(dev_net(router->dev), nla_get_u32(iif));
	if (dev && vr_port_is(dev)) {
		port = netdev_priv(dev);
		if (rcu_access_pointer(port->router) == router) {
			ex->in = port;
			return 0;
		}
	}
	NL_SET_ERR_MSG_ATTR(info->extack, iif, "The router has no such port");
	return -ENODEV;
}

static int vr_netlink_fib_fill_route(struct sk_buff *skb,
				     const struct vr_explain *ex)
{
	int len = vr_netlink_fib_addr_len(ex->family);

	if (!ex->matched)
		return 0;
	return nla_put(skb, VROUTER_A_FIB_PREFIX, len, &ex->prefix) ? :
	       nla_put_u32(skb, VROUTER_A_FIB_PREFIX_LEN, ex->plen);
}

static int vr_netlink_fib_fill(struct sk_buff *skb, const void *arg)
{
	const struct vr_netlink_answer *answer = arg;
	const struct vr_explain *ex = &answer->ex;

	if (nla_put_u32(skb, VROUTER_A_FIB_ROUTER_IFINDEX, answer->router) ||
	    nla_put_string(skb, VROUTER_A_FIB_ROUTER_NAME, answer->name) ||
	    nla_put_u32(skb, VROUTER_A_FIB_VERDICT, ex->reason ?
			VROUTER_VERDICT_PUNT : VROUTER_VERDICT_FORWARD) ||
	    (ex->reason && nla_put_u32(skb, VROUTER_A_FIB_REASON,
				       ex->reason)) ||
	    vr_netlink_fib_fill_route(skb, ex) ||
	    (ex->gw_family && nla_put(skb, VROUTER_A_FIB_GATEWAY,
				      vr_netlink_fib_addr_len(ex->gw_family),
				      &ex->gw)) ||
	    (answer->oif &&
	     (nla_put_u32(skb, VROUTER_A_FIB_OIF, answer->oif) ||
	      nla_put_string(skb, VROUTER_A_FIB_OIF_NAME, answer->oif_name))) ||
	    (ex->known && nla_put(skb, VROUTER_A_FIB_LLADDR, ETH_ALEN,
				  ex->lladdr)) ||
	    (ex->mtu && nla_put_u32(skb, VROUTER_A_FIB_MTU, ex->mtu)) ||
	    (ex->paths && nla_put_u32(skb, VROUTER_A_FIB_PATHS, ex->paths)))
		return -EMSGSIZE;
	return 0;
}

/* Names and numbers are copied, since a reply is allocated outside of RCU. */
static int vr_netlink_fib_ask(struct net *net, struct genl_info *info,
			      struct vr_netlink_answer *answer)
{
	struct vr_explain *ex = &answer->ex;
	struct vr_router *router;
	int err;

	router = vr_netlink_find_fib(net, info);
	if (IS_ERR(router))
		return PTR_ERR(router);
	err = vr_netlink_fib_port(router, info, ex);
	if (err)
		return err;
	vr_explain(router, ex);
	answer->router = router->dev->ifindex;
	strscpy(answer->name, router->dev->name, sizeof(answer->name));
	if (ex->out) {
		answer->oif = ex->out->ifindex;
		strscpy(answer->oif_name, ex->out->name,
			sizeof(answer->oif_name));
	}
	return 0;
}

/**
 * vrouter_nl_fib_get_doit() - tell what becomes of a packet
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int vrouter_nl_fib_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vr_netlink_answer answer = {};
	struct net *net;
	int err;

	err = vr_netlink_fib_parse(info, &answer.ex);
	if (err)
		return err;
	net = vr_netlink_get_net(skb, info, VROUTER_A_FIB_NETNSID);
	if (IS_ERR(net))
		return PTR_ERR(net);
	local_bh_disable();
	rcu_read_lock();
	err = vr_netlink_fib_ask(net, info, &answer);
	rcu_read_unlock();
	local_bh_enable();
	put_net(net);
	return err ? : vr_netlink_reply_fib(info, vr_netlink_fib_fill, &answer);
}
