/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink family "vrouter".
 */
#ifndef VROUTER_NETLINK_H
#define VROUTER_NETLINK_H

#include <linux/types.h>
#include <net/net_trackers.h>
#include <uapi/linux/vrouter.h>

struct genl_info;
struct net;
struct net_device;
struct netlink_callback;
struct netlink_ext_ack;
struct nlattr;
struct sk_buff;
struct vr_mirror_info;
struct vr_port;
struct vr_router;

void vr_netlink_notify_router(struct vr_router *router, u8 cmd);
void vr_netlink_notify_port(struct vr_port *port, u8 cmd);
int vr_netlink_init(void);
void vr_netlink_exit(void);

int vr_netlink_fill_router(struct sk_buff *skb, struct vr_router *router,
			   const struct net *net);
int vr_netlink_fill_port(struct sk_buff *skb, const struct vr_port *port,
			 const struct net *net);
int vr_netlink_put_mirror(struct sk_buff *skb, int attr,
			  const struct vr_mirror_info *info);

/**
 * struct vr_netlink_key - how a request names a device
 * @ifindex: attribute of its index
 * @name: attribute of its name
 * @netnsid: attribute of its namespace's id
 * @is: is a device of the right kind?
 * @missing: error text if there is no such device
 */
struct vr_netlink_key {
	u16 ifindex;
	u16 name;
	u16 netnsid;
	bool (*is)(const struct net_device *dev);
	const char *missing;
};

int vr_netlink_reply(struct genl_info *info, u8 cmd, size_t size,
		     int (*fill)(struct sk_buff *skb, const void *arg),
		     const void *arg);
void *vr_netlink_dump_put(struct sk_buff *skb, struct netlink_callback *cb,
			  u8 cmd);
struct net_device *vr_netlink_find(struct net *net, struct nlattr **attrs,
				   struct netlink_ext_ack *extack,
				   const struct vr_netlink_key *key);
struct net *vr_netlink_get_net(struct sk_buff *skb, struct nlattr **attrs,
			       struct netlink_ext_ack *extack, u16 attr,
			       netns_tracker *tracker);

#endif
