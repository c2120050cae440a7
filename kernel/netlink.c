// SPDX-License-Identifier: GPL-2.0
/*
 * The operations of the generic netlink family; attributes are put together in
 * netlink_fill.c, policies and tables are generated from the YAML spec.
 */
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "compat.h"
#include "netlink-gen.h"
#include "netlink.h"
#include "port.h"
#include "router.h"

static struct genl_family vr_netlink_family;

/* Changes with the set of routers and ports: a dump that saw it says so. */
static atomic_t vr_netlink_generation = ATOMIC_INIT(1);

/**
 * vr_netlink_get_net() - the namespace that a request is about
 * @skb: request
 * @attrs: its attributes
 * @extack: for a text
 * @attr: attribute that has the namespace's id
 * @tracker: for put_net_track()
 *
 * Return: namespace with a reference, or ERR_PTR(): -EPERM, -EINVAL.
 */
struct net *vr_netlink_get_net(struct sk_buff *skb, struct nlattr **attrs,
			       struct netlink_ext_ack *extack, u16 attr,
			       netns_tracker *tracker)
{
	struct net *net;

	if (!attrs[attr])
		return get_net_track(sock_net(skb->sk), tracker, GFP_KERNEL);
	if (!netlink_capable(skb, CAP_NET_ADMIN)) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[attr],
				    "Other namespaces are for the host's administrator");
		return ERR_PTR(-EPERM);
	}
	net = get_net_ns_by_id(sock_net(skb->sk), nla_get_s32(attrs[attr]));
	if (!net) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[attr],
				    "No namespace has that id");
		return ERR_PTR(-EINVAL);
	}
	netns_tracker_alloc(net, tracker, GFP_KERNEL);
	return net;
}

static bool vr_netlink_is_port(const struct net_device *dev)
{
	return vr_port_is(dev);
}

static const struct vr_netlink_key vr_netlink_router_key = {
	.ifindex = VROUTER_A_ROUTER_IFINDEX,
	.name = VROUTER_A_ROUTER_IFNAME,
	.netnsid = VROUTER_A_ROUTER_NETNSID,
	.is = vr_router_is,
	.missing = "No such router",
};

static const struct vr_netlink_key vr_netlink_port_key = {
	.ifindex = VROUTER_A_PORT_IFINDEX,
	.name = VROUTER_A_PORT_IFNAME,
	.netnsid = VROUTER_A_PORT_NETNSID,
	.is = vr_netlink_is_port,
	.missing = "No such port",
};

/**
 * vr_netlink_find() - the device that a request is about
 * @net: namespace
 * @attrs: attributes of the request
 * @extack: for a text
 * @key: how it is named
 *
 * Context: RCU read side or RTNL, which keeps the device.
 * Return: device, or ERR_PTR(): -EINVAL, -ENODEV.
 */
struct net_device *vr_netlink_find(struct net *net, struct nlattr **attrs,
				   struct netlink_ext_ack *extack,
				   const struct vr_netlink_key *key)
{
	struct nlattr *index = attrs[key->ifindex];
	struct nlattr *name = attrs[key->name];
	struct net_device *dev;

	if (!index == !name) {
		NL_SET_ERR_MSG(extack, "Give either the index or the name");
		return ERR_PTR(-EINVAL);
	}
	rcu_read_lock();
	dev = index ? dev_get_by_index_rcu(net, nla_get_u32(index)) :
		      dev_get_by_name_rcu(net, nla_data(name));
	rcu_read_unlock();
	if (!dev || !key->is(dev)) {
		vr_compat_err_msg(extack, key->missing);
		return ERR_PTR(-ENODEV);
	}
	return dev;
}

static int vr_netlink_put_router(struct sk_buff *skb, struct vr_router *router,
				 const struct net *net, u32 portid, u32 seq,
				 int flags, u8 cmd, struct netlink_callback *cb)
{
	void *hdr = genlmsg_put(skb, portid, seq, &vr_netlink_family, flags,
				cmd);
	int err;

	if (!hdr)
		return -EMSGSIZE;
	if (cb)
		genl_dump_check_consistent(cb, hdr);
	rcu_read_lock();
	err = vr_netlink_fill_router(skb, router, net);
	rcu_read_unlock();
	if (err) {
		genlmsg_cancel(skb, hdr);
		return err;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static int vr_netlink_put_port(struct sk_buff *skb, const struct vr_port *port,
			       const struct net *net, u32 portid, u32 seq,
			       int flags, u8 cmd, struct netlink_callback *cb)
{
	void *hdr = genlmsg_put(skb, portid, seq, &vr_netlink_family, flags,
				cmd);
	int err;

	if (!hdr)
		return -EMSGSIZE;
	if (cb)
		genl_dump_check_consistent(cb, hdr);
	/* it asks what the data plane asks, as the data plane does */
	local_bh_disable();
	rcu_read_lock();
	err = vr_netlink_fill_port(skb, port, net);
	rcu_read_unlock();
	local_bh_enable();
	if (err) {
		genlmsg_cancel(skb, hdr);
		return err;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/* Tell about one device, which put() does. */
static int vr_netlink_get(struct sk_buff *skb, struct genl_info *info,
			  const struct vr_netlink_key *key,
			  int (*put)(struct sk_buff *reply, struct net_device *dev,
				     struct genl_info *info))
{
	struct net_device *dev;
	struct sk_buff *reply;
	netns_tracker tracker;
	struct net *net;
	int err;

	net = vr_netlink_get_net(skb, info->attrs, info->extack, key->netnsid,
				 &tracker);
	if (IS_ERR(net))
		return PTR_ERR(net);
	reply = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	err = reply ? 0 : -ENOMEM;
	rcu_read_lock();
	if (!err) {
		dev = vr_netlink_find(net, info->attrs, info->extack, key);
		err = PTR_ERR_OR_ZERO(dev);
	}
	if (!err)
		err = put(reply, dev, info);
	rcu_read_unlock();
	put_net_track(net, &tracker);
	if (!err)
		return genlmsg_reply(reply, info);
	nlmsg_free(reply);
	return err;
}

static int vr_netlink_get_router(struct sk_buff *reply, struct net_device *dev,
				 struct genl_info *info)
{
	return vr_netlink_put_router(reply, netdev_priv(dev), genl_info_net(info),
				     info->snd_portid, info->snd_seq, 0,
				     VROUTER_CMD_ROUTER_GET, NULL);
}

static int vr_netlink_get_port(struct sk_buff *reply, struct net_device *dev,
			       struct genl_info *info)
{
	return vr_netlink_put_port(reply, netdev_priv(dev), genl_info_net(info),
				   info->snd_portid, info->snd_seq, 0,
				   VROUTER_CMD_PORT_GET, NULL);
}

/**
 * vrouter_nl_router_get_doit() - tell about one router
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int vrouter_nl_router_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return vr_netlink_get(skb, info, &vr_netlink_router_key,
			      vr_netlink_get_router);
}

/**
 * struct vr_netlink_dump - what a dump is about
 * @net: namespace of the socket
 * @all: all namespaces
 * @router: index of the only router whose ports are asked for, or 0
 */
struct vr_netlink_dump {
	const struct net *net;
	bool all;
	u32 router;
};

static int vr_netlink_dump_begin(struct sk_buff *skb,
				 struct netlink_callback *cb, u16 all,
				 struct vr_netlink_dump *dump)
{
	struct nlattr **attrs = vr_compat_dump_attrs(cb);

	dump->net = sock_net(skb->sk);
	dump->all = attrs[all];
	dump->router = 0;
	cb->seq = atomic_read(&vr_netlink_generation);
	if (dump->all && !netlink_capable(cb->skb, CAP_NET_ADMIN)) {
		NL_SET_ERR_MSG_ATTR(cb->extack, attrs[all],
				    "Other namespaces are for the host's administrator");
		return -EPERM;
	}
	return 0;
}

static int vr_netlink_unwanted(struct netlink_callback *cb, u16 attr)
{
	struct nlattr **attrs = vr_compat_dump_attrs(cb);

	if (!attrs[attr])
		return 0;
	NL_SET_ERR_MSG_ATTR(cb->extack, attrs[attr], "Not for a dump");
	return -EINVAL;
}

static bool vr_netlink_dump_wants(const struct vr_netlink_dump *dump,
				  const struct net_device *dev)
{
	return dump->all || net_eq(dev_net(dev), dump->net);
}

/**
 * vrouter_nl_router_get_dumpit() - tell about all routers
 * @skb: reply
 * @cb: state of the dump; args[0] is the router told about last
 *
 * Return: bytes, 0 at the end, or a negative errno.
 */
int vrouter_nl_router_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb)
{
	struct vr_netlink_dump dump;
	struct vr_router *router;
	u32 id = cb->args[0];
	int err;

	err = vr_netlink_dump_begin(skb, cb, VROUTER_A_ROUTER_ALL_NETNS, &dump) ? :
	      vr_netlink_unwanted(cb, VROUTER_A_ROUTER_IFINDEX) ? :
	      vr_netlink_unwanted(cb, VROUTER_A_ROUTER_IFNAME) ? :
	      vr_netlink_unwanted(cb, VROUTER_A_ROUTER_NETNSID);
	if (err)
		return err;
	rcu_read_lock();
	while ((router = vr_router_next(&id))) {
		if (vr_netlink_dump_wants(&dump, router->dev))
			err = vr_netlink_put_router(skb, router, dump.net,
						    NETLINK_CB(cb->skb).portid,
						    cb->nlh->nlmsg_seq,
						    NLM_F_MULTI,
						    VROUTER_CMD_ROUTER_GET, cb);
		if (err)
			break;
		cb->args[0] = id;
	}
	rcu_read_unlock();
	return skb->len ? : err;
}

static void vr_netlink_get_quota(struct nlattr **attrs,
				 struct vr_router_conf *conf)
{
	if (attrs[VROUTER_A_ROUTER_MAX_ROUTES])
		conf->max_routes =
			nla_get_u32(attrs[VROUTER_A_ROUTER_MAX_ROUTES]);
	if (attrs[VROUTER_A_ROUTER_MAX_ROUTES_WARN])
		conf->max_routes_warn =
			nla_get_u32(attrs[VROUTER_A_ROUTER_MAX_ROUTES_WARN]);
}

/**
 * vrouter_nl_router_set_doit() - change a router's settings
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int vrouter_nl_router_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct vr_router_conf conf;
	struct net_device *dev;
	netns_tracker tracker;
	struct net *net;

	net = vr_netlink_get_net(skb, info->attrs, info->extack,
				 VROUTER_A_ROUTER_NETNSID, &tracker);
	if (IS_ERR(net))
		return PTR_ERR(net);
	rtnl_lock();
	dev = vr_netlink_find(net, info->attrs, info->extack,
			      &vr_netlink_router_key);
	if (!IS_ERR(dev)) {
		vr_router_get_conf(netdev_priv(dev), &conf);
		if (attrs[VROUTER_A_ROUTER_WEIGHT])
			conf.weight = nla_get_u32(attrs[VROUTER_A_ROUTER_WEIGHT]);
		if (attrs[VROUTER_A_ROUTER_LIMIT_PACKETS])
			conf.limit_packets =
				nla_get_u32(attrs[VROUTER_A_ROUTER_LIMIT_PACKETS]);
		if (attrs[VROUTER_A_ROUTER_LIMIT_BYTES])
			conf.limit_bytes =
				nla_get_u32(attrs[VROUTER_A_ROUTER_LIMIT_BYTES]);
		if (attrs[VROUTER_A_ROUTER_NETFILTER])
			conf.netfilter =
				nla_get_u32(attrs[VROUTER_A_ROUTER_NETFILTER]);
		if (attrs[VROUTER_A_ROUTER_MAX_RATE])
			conf.max_rate =
				nla_get_u64(attrs[VROUTER_A_ROUTER_MAX_RATE]);
		vr_netlink_get_quota(attrs, &conf);
		vr_router_set_conf(netdev_priv(dev), &conf);
	}
	rtnl_unlock();
	/* who sets a limit may rely on it from now on */
	if (!IS_ERR(dev) && attrs[VROUTER_A_ROUTER_MAX_ROUTES])
		vr_mirror_flush();
	put_net_track(net, &tracker);
	return PTR_ERR_OR_ZERO(dev);
}

/**
 * vrouter_nl_router_reset_doit() - set a router's counters to zero
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int vrouter_nl_router_reset_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct net_device *dev;
	netns_tracker tracker;
	struct net *net;

	net = vr_netlink_get_net(skb, info->attrs, info->extack,
				 VROUTER_A_ROUTER_NETNSID, &tracker);
	if (IS_ERR(net))
		return PTR_ERR(net);
	rtnl_lock();
	dev = vr_netlink_find(net, info->attrs, info->extack,
			      &vr_netlink_router_key);
	if (!IS_ERR(dev))
		vr_router_reset(netdev_priv(dev));
	rtnl_unlock();
	put_net_track(net, &tracker);
	return PTR_ERR_OR_ZERO(dev);
}

/**
 * vrouter_nl_port_get_doit() - tell about one port
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative errno.
 */
int vrouter_nl_port_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return vr_netlink_get(skb, info, &vr_netlink_port_key, vr_netlink_get_port);
}

static bool vr_netlink_dump_serves(const struct vr_netlink_dump *dump,
				   const struct vr_port *port)
{
	const struct vr_router *router = rcu_dereference(port->router);

	return !dump->router ||
	       (router && router->dev->ifindex == dump->router);
}

/**
 * vrouter_nl_port_get_dumpit() - tell about all ports
 * @skb: reply
 * @cb: state of the dump; args[0] is the port told about last
 *
 * Return: bytes, 0 at the end, or a negative errno.
 */
int vrouter_nl_port_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr **attrs = vr_compat_dump_attrs(cb);
	struct vr_netlink_dump dump;
	struct vr_port *port;
	u32 id = cb->args[0];
	int err;

	err = vr_netlink_dump_begin(skb, cb, VROUTER_A_PORT_ALL_NETNS, &dump) ? :
	      vr_netlink_unwanted(cb, VROUTER_A_PORT_IFINDEX) ? :
	      vr_netlink_unwanted(cb, VROUTER_A_PORT_IFNAME) ? :
	      vr_netlink_unwanted(cb, VROUTER_A_PORT_NETNSID);
	if (err)
		return err;
	if (attrs[VROUTER_A_PORT_ROUTER_IFINDEX])
		dump.router = nla_get_u32(attrs[VROUTER_A_PORT_ROUTER_IFINDEX]);
	rcu_read_lock();
	while ((port = vr_port_next(&id))) {
		if (vr_netlink_dump_wants(&dump, port->dev) &&
		    vr_netlink_dump_serves(&dump, port))
			err = vr_netlink_put_port(skb, port, dump.net,
						  NETLINK_CB(cb->skb).portid,
						  cb->nlh->nlmsg_seq,
						  NLM_F_MULTI,
						  VROUTER_CMD_PORT_GET, cb);
		if (err)
			break;
		cb->args[0] = id;
	}
	rcu_read_unlock();
	return skb->len ? : err;
}

/* A message for those who listen, or NULL. Dumps that go on say that there was a change. */
static struct sk_buff *vr_netlink_news(struct net *net)
{
	atomic_inc(&vr_netlink_generation);
	if (!genl_has_listeners(&vr_netlink_family, net, VROUTER_NLGRP_CHANGES))
		return NULL;
	return genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
}

static void vr_netlink_tell(struct net *net, struct sk_buff *skb, int err)
{
	if (err)
		nlmsg_free(skb);
	else
		genlmsg_multicast_netns(&vr_netlink_family, net, skb, 0,
					VROUTER_NLGRP_CHANGES, GFP_KERNEL);
}

/**
 * vr_netlink_notify_router() - tell listeners that a router changed
 * @router: router
 * @cmd: VROUTER_CMD_ROUTER_..._NTF
 *
 * Context: RTNL, may sleep.
 */
void vr_netlink_notify_router(struct vr_router *router, u8 cmd)
{
	struct net *net = dev_net(router->dev);
	struct sk_buff *skb = vr_netlink_news(net);

	if (skb)
		vr_netlink_tell(net, skb,
				vr_netlink_put_router(skb, router, net, 0, 0, 0,
						      cmd, NULL));
}

/**
 * vr_netlink_notify_port() - tell listeners that a port changed
 * @port: port
 * @cmd: VROUTER_CMD_PORT_..._NTF
 *
 * Context: RTNL, may sleep.
 */
void vr_netlink_notify_port(struct vr_port *port, u8 cmd)
{
	struct net *net = dev_net(port->dev);
	struct sk_buff *skb = vr_netlink_news(net);

	if (skb)
		vr_netlink_tell(net, skb,
				vr_netlink_put_port(skb, port, net, 0, 0, 0, cmd,
						    NULL));
}

static const struct genl_multicast_group vr_netlink_groups[] = {
	[VROUTER_NLGRP_CHANGES] = { .name = "changes" },
};

static struct genl_family vr_netlink_family __ro_after_init = {
	.name		= VROUTER_FAMILY_NAME,
	.version	= VROUTER_FAMILY_VERSION,
	.netnsok	= true,
	/* some wait for a mirror, or for a whole table */
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= vrouter_nl_ops,
	.n_ops		= ARRAY_SIZE(vrouter_nl_ops),
	.resv_start_op	= VROUTER_CMD_ROUTER_GET,
	.mcgrps		= vr_netlink_groups,
	.n_mcgrps	= ARRAY_SIZE(vr_netlink_groups),
};

/**
 * vr_netlink_reply() - begin and send the answer to a question
 * @info: the question
 * @cmd: operation
 * @size: most bytes that the attributes take
 * @fill: puts the attributes
 * @arg: for @fill
 *
 * Return: 0 or a negative errno.
 */
int vr_netlink_reply(struct genl_info *info, u8 cmd, size_t size,
		     int (*fill)(struct sk_buff *skb, const void *arg),
		     const void *arg)
{
	struct sk_buff *skb = genlmsg_new(size, GFP_KERNEL);
	void *hdr;
	int err;

	if (!skb)
		return -ENOMEM;
	hdr = genlmsg_put_reply(skb, info, &vr_netlink_family, 0, cmd);
	err = hdr ? fill(skb, arg) : -EMSGSIZE;
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/**
 * vr_netlink_dump_put() - begin a message of a dump
 * @skb: reply
 * @cb: state of the dump
 * @cmd: operation
 *
 * Return: header, for genlmsg_end() or genlmsg_cancel(), or NULL without room.
 */
void *vr_netlink_dump_put(struct sk_buff *skb, struct netlink_callback *cb,
			  u8 cmd)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, &vr_netlink_family,
				NLM_F_MULTI, cmd);

	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

/**
 * vr_netlink_init() - make the family known
 *
 * Return: 0 or a negative errno.
 */
int vr_netlink_init(void)
{
	return genl_register_family(&vr_netlink_family);
}

/**
 * vr_netlink_exit() - take the family away
 */
void vr_netlink_exit(void)
{
	genl_unregister_family(&vr_netlink_family);
}
