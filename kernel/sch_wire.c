// SPDX-License-Identifier: GPL-2.0
/*
 * What a packet takes on the wire, and how long that lasts.
 */
#include <linux/math64.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "sch_wire.h"

static u32 vr_sched_transport_len(const struct sk_buff *skb, u32 offset)
{
	const struct tcphdr *tcp;
	struct tcphdr buffer;

	if (!(skb_shinfo(skb)->gso_type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6)))
		return sizeof(struct udphdr);
	tcp = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);
	return tcp ? __tcp_hdrlen(tcp) : sizeof(*tcp);
}

/**
 * vr_sched_count_frames() - how many segments does a GSO packet have?
 * @skb: packet whose sender did not say so, or is not to be believed
 *
 * As the kernel counts them for its own qdiscs. Headers that were not found count as
 * data.
 *
 * Return: number of segments, 1 at least.
 */
u32 vr_sched_count_frames(const struct sk_buff *skb)
{
	u32 header = 0;

	if (skb_transport_header_was_set(skb)) {
		header = skb->encapsulation ? skb_inner_transport_offset(skb) :
					      skb_transport_offset(skb);
		header += vr_sched_transport_len(skb, header);
	}
	if (header >= skb->len)
		return 1;
	return DIV_ROUND_UP(skb->len - header, skb_shinfo(skb)->gso_size);
}

/**
 * vr_sched_frame_time() - how long a full frame takes
 * @rate: bytes a second on the wire, 0 for any
 * @mtu: of the device, with its header
 *
 * Return: ns, a second at most.
 */
u64 vr_sched_frame_time(u64 rate, u32 mtu)
{
	if (!rate)
		return 0;
	return min_t(u64, NSEC_PER_SEC,
		     div64_u64((u64)(mtu + VR_SCHED_WIRE) * NSEC_PER_SEC, rate));
}
