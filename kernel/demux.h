/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a NIC's frames to the ports.
 */
#ifndef VROUTER_DEMUX_H
#define VROUTER_DEMUX_H

#include <linux/netdevice.h>

struct vr_port;

rx_handler_result_t vr_demux_rx(struct sk_buff **pskb);
void vr_demux_local(const struct vr_port *port, const struct sk_buff *skb,
		    u16 vlan);

#endif
