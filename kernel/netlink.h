/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink family "vrouter".
 */
#ifndef VROUTER_NETLINK_H
#define VROUTER_NETLINK_H

#include <uapi/linux/vrouter.h>

struct genl_info;
struct net;
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
int vr_netlink_reply_fib(struct genl_info *info,
			 int (*fill)(struct sk_buff *skb, const void *arg),
			 const void *arg);
struct vr_router *vr_netlink_find_fib(struct net *net, struct genl_info *info);
struct net *vr_netlink_get_net(struct sk_buff *skb, struct genl_info *info,
			       u16 attr);

#endif
