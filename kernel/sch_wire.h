/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a packet takes on the wire.
 */
#ifndef VROUTER_SCH_WIRE_H
#define VROUTER_SCH_WIRE_H

#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/minmax.h>
#include <net/sch_generic.h>

/* Preamble and start of frame, FCS, and the gap after it. */
#define VR_SCHED_WIRE		24

u32 vr_sched_count_frames(const struct sk_buff *skb);
u64 vr_sched_frame_time(u64 rate, u32 mtu);

/**
 * vr_sched_frames() - what the driver makes of a packet
 * @skb: packet
 *
 * Return: number of frames.
 */
static inline u32 vr_sched_frames(const struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);

	if (!skb_is_gso(skb))
		return 1;
	/* guests do not say how many, and who might lie is not asked */
	if (unlikely(!shinfo->gso_segs || shinfo->gso_type & SKB_GSO_DODGY))
		return vr_sched_count_frames(skb);
	return shinfo->gso_segs;
}

/**
 * vr_sched_wire() - length on the wire
 * @skb: frame
 *
 * Return: bytes of all segments, each of which the driver makes a frame.
 */
static inline u32 vr_sched_wire(const struct sk_buff *skb)
{
	u32 more = VR_SCHED_WIRE + (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);
	u32 frames = vr_sched_frames(skb);

	return max_t(u32, qdisc_pkt_len(skb), frames * ETH_ZLEN) + frames * more;
}

#endif
