/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The queues of the classes: nobody else changes their lengths.
 *
 * Only for sch_vrouter.c.
 */
#ifndef VROUTER_SCH_QUEUE_H
#define VROUTER_SCH_QUEUE_H

#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/minmax.h>
#include <net/codel_qdisc.h>

#include "compat.h"
#include "sch_netlink.h"

/* Preamble and start of frame, FCS, and the gap after it. */
#define VR_SCHED_WIRE		24

/**
 * struct vr_sched_cb - of a frame in a queue
 * @codel: CoDel's
 * @wire: bytes on the wire
 */
struct vr_sched_cb {
	struct codel_skb_cb codel;
	u32 wire;
};

/**
 * vr_sched_cb() - what a queue notes of a frame
 * @skb: frame
 *
 * Return: a part of skb->cb.
 */
static inline struct vr_sched_cb *vr_sched_cb(const struct sk_buff *skb)
{
	qdisc_cb_private_validate(skb, sizeof(struct vr_sched_cb));
	return (struct vr_sched_cb *)qdisc_skb_cb(skb)->data;
}

/**
 * vr_sched_wire() - length on the wire
 * @skb: frame
 *
 * Return: bytes of all segments, each of which the driver makes a frame.
 */
static inline u32 vr_sched_wire(const struct sk_buff *skb)
{
	u32 frames = max_t(u32, skb_shinfo(skb)->gso_segs, 1);
	u32 more = VR_SCHED_WIRE + (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);

	if (!skb_is_gso(skb))
		frames = 1;
	return max_t(u32, qdisc_pkt_len(skb), frames * ETH_ZLEN) + frames * more;
}

/**
 * vr_sched_push() - put a frame at the end of a queue
 * @qdisc: the qdisc
 * @class: whose queue
 * @skb: frame
 */
static inline void vr_sched_push(struct Qdisc *qdisc,
				 struct vr_sched_class *class,
				 struct sk_buff *skb)
{
	codel_set_enqueue_time(skb);
	vr_sched_cb(skb)->wire = vr_sched_wire(skb);
	skb->next = NULL;
	if (class->head)
		class->tail->next = skb;
	else
		class->head = skb;
	class->tail = skb;
	class->qlen++;
	class->backlog += qdisc_pkt_len(skb);
	vr_compat_qlen_inc(qdisc);
	qdisc_qstats_backlog_inc(qdisc, skb);
}

/**
 * vr_sched_pop() - take the first frame of a queue
 * @class: whose queue
 *
 * Return: frame, or NULL.
 */
static inline struct sk_buff *vr_sched_pop(struct vr_sched_class *class)
{
	struct Qdisc *qdisc = class->sched->qdisc;
	struct sk_buff *skb = class->head;

	if (!skb)
		return NULL;
	class->head = skb->next;
	skb_mark_not_on_list(skb);
	class->qlen--;
	class->backlog -= qdisc_pkt_len(skb);
	vr_compat_qlen_dec(qdisc);
	qdisc_qstats_backlog_dec(qdisc, skb);
	return skb;
}

#endif
