/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What becomes of a packet: forwarded, or given to the Linux stack.
 */
#ifndef VROUTER_FORWARD_H
#define VROUTER_FORWARD_H

#include <linux/ipv6.h>
#include <linux/skbuff.h>

#include "egress.h"

struct vr_port;
struct vr_queue;
struct vr_rib;
struct vr_router;

/**
 * struct vr_forward_mib - what the stack would have counted for one family
 * @in: packets received
 * @in_bytes: their bytes, from the IP header on
 * @ecn: packets received by ECN codepoint, GRO packets by their segments
 * @out: packets forwarded
 * @out_bytes: their bytes, from the IP header on
 */
struct vr_forward_mib {
	u32 in;
	u32 ecn[4];
	u32 out;
	u64 in_bytes;
	u64 out_bytes;
};

/**
 * struct vr_forward_in - the port that packets come in on
 * @port: port, NULL if there is none yet
 * @net: its namespace
 * @iif: index of the device that packets say they came in on: the VRF's, or its own
 * @asked4: @reason4 and @rpf are known
 * @asked6: @reason6 is known
 * @reason4: enum vrouter_punt_reason why all its IPv4 packets are punted, or 0
 * @reason6: the same for IPv6
 * @rpf: reverse path filter: 0, 1 strict, 2 loose
 * @packets: packets received in this batch
 * @bytes: with the Ethernet header
 * @fwd_packets: packets forwarded in this batch
 * @fwd_bytes: from the IP header on
 * @mib4: IPv4 counters in this batch
 * @mib6: IPv6 counters in this batch
 */
struct vr_forward_in {
	const struct vr_port *port;
	struct net *net;
	int iif;
	bool asked4;
	bool asked6;
	u8 reason4;
	u8 reason6;
	u8 rpf;
	u32 packets;
	u64 bytes;
	u32 fwd_packets;
	u64 fwd_bytes;
	struct vr_forward_mib mib4;
	struct vr_forward_mib mib6;
};

/**
 * struct vr_forward_out - the port that packets leave by
 * @port: port, NULL if there is none yet
 * @asked6: @reason6 and @mtu6 are known
 * @reason4: enum vrouter_punt_reason why no IPv4 packet may leave, or 0
 * @reason6: the same for IPv6
 * @mtu: its MTU
 * @mtu6: its IPv6 MTU
 * @headroom: bytes that its packets need before the IP header
 * @packets: packets sent in this batch
 * @bytes: with the Ethernet header
 * @mib6: IPv6 counters in this batch
 */
struct vr_forward_out {
	const struct vr_port *port;
	bool asked6;
	u8 reason4;
	u8 reason6;
	u32 mtu;
	u32 mtu6;
	u32 headroom;
	u32 packets;
	u64 bytes;
	struct vr_forward_mib mib6;
};

/**
 * struct vr_forward - what the data path of a CPU keeps within a batch
 *
 * A batch is some packets of one router, within one softirq. Configuration that
 * has no notifier is looked at once a batch and port.
 *
 * @router: router
 * @rib: its routes, or NULL
 * @queue: its queue and counters on this CPU
 * @look: number of the RCU read side, so that what was looked up in another one is
 *	not used
 * @in: port that packets come in on
 * @out: port that packets leave by
 * @packets: packets forwarded in this batch
 * @bytes: their bytes as received, with the Ethernet header and padding
 * @egress: frames that wait to be sent
 */
struct vr_forward {
	const struct vr_router *router;
	const struct vr_rib *rib;
	struct vr_queue *queue;
	u32 look;
	struct vr_forward_in in;
	struct vr_forward_out out;
	u32 packets;
	u64 bytes;
	struct vr_egress egress;
};

/**
 * struct vr_forward_cb - what the data path notes in skb->cb
 * @rib: routes in which @route was looked up beforehand, or NULL
 * @look: when: &vr_forward.look
 * @route: number of its route's nexthop
 */
struct vr_forward_cb {
	const struct vr_rib *rib;
	u32 look;
	u16 route;
};

static inline struct vr_forward_cb *vr_forward_cb(const struct sk_buff *skb)
{
	return (struct vr_forward_cb *)skb->cb;
}

void vr_forward_begin(struct vr_forward *fw, struct vr_queue *queue);
void vr_forward_packet(struct vr_forward *fw, struct sk_buff *skb);
void vr_forward_end(struct vr_forward *fw);

#endif
