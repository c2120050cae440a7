/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a port to its NIC.
 */
#ifndef VROUTER_EGRESS_H
#define VROUTER_EGRESS_H

#include <linux/netdevice.h>

struct vr_mactable;
struct vr_port;

/**
 * struct vr_egress - frames on their way to one NIC
 *
 * Lives on one CPU, within one softirq.
 *
 * @dev: NIC that the frames are for, NULL if there is none yet
 * @direct: they may be given to the driver at once, nobody would notice
 * @plain: none of the frames that wait needs anything done to it before
 * @head: first frame that waits
 * @tail: the last one
 * @table: table in which @foreign was not found
 * @foreign: key of an address that no port on the NIC has, 0 if none
 */
struct vr_egress {
	struct net_device *dev;
	bool direct;
	bool plain;
	struct sk_buff *head;
	struct sk_buff *tail;
	const struct vr_mactable *table;
	u64 foreign;
};

int vr_egress_xmit(struct vr_egress *egress, const struct vr_port *port,
		   struct sk_buff *skb, u64 lladdr);
void vr_egress_flush(struct vr_egress *egress);
void vr_egress_forget(struct vr_egress *egress);
u16 vr_egress_vlan(const struct vr_port *port, const struct sk_buff *skb);
struct sk_buff *vr_egress_tag(const struct vr_port *port, struct sk_buff *skb);
int vr_egress_xmit_port(const struct vr_port *port, struct sk_buff *skb);

#endif
