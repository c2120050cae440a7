/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The queues of the classes: nobody else changes their lengths.
 *
 * Only for sch_vrouter.c and sch_codel.c.
 */
#ifndef VROUTER_SCH_QUEUE_H
#define VROUTER_SCH_QUEUE_H

#include <net/codel_qdisc.h>

#include "compat.h"
#include "sch_class.h"
#include "sch_wire.h"

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
 * vr_sched_came() - when was a frame put into its queue?
 * @skb: frame in a queue, or just taken from it
 *
 * Return: as CoDel counts time.
 */
static inline codel_time_t vr_sched_came(const struct sk_buff *skb)
{
	return codel_get_enqueue_time(skb);
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
