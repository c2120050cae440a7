/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The scheduler of a CPU and what it has queued.
 *
 * Only for ingress.c, which runs it, and ingress_queue.c, which makes and ends it.
 */
#ifndef VROUTER_INGRESS_QUEUE_H
#define VROUTER_INGRESS_QUEUE_H

#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/prefetch.h>
#include <linux/workqueue.h>

#include "ahead.h"
#include "drr.h"
#include "forward.h"
#include "guard.h"
#include "ingress.h"

struct vr_ingress_job;

/**
 * struct vr_ingress - the scheduler of one CPU
 * @napi: empties the queues
 * @drr: routers that have something to do
 * @forward: what the data path keeps within a batch
 * @ahead: lookups of packets that are to come
 * @active: @napi is scheduled or running, or a lone packet is being served
 * @run: run of the receive softirq in which the last lone packet came
 * @again: the last poll left packets behind
 * @arrived: packets that came since the last poll
 * @guard: whether somebody would lose if the rings ran over
 * @timed: the clock was read since the poll began
 * @limited: the poll's time is limited
 * @slice: how long a poll may take, ns
 * @now: clock a short while ago, ns
 * @last: clock up to which time has been charged, ns
 * @left: clock at the end of the last poll, if that left packets behind, ns
 * @limit: clock at which the poll should be over, if it is limited, ns
 * @cost: average cost of a packet here, ns << VR_INGRESS_COST_SHIFT
 * @untimed: packets served since the clock was read
 * @work: sees to queues on this CPU
 * @job: what @work is to do, protected by RTNL
 */
struct vr_ingress {
	struct napi_struct napi;
	struct vr_drr drr;
	struct vr_forward forward;
	struct vr_ahead ahead;
	bool active;
	bool again;
	unsigned int run;
	unsigned int arrived;
	struct vr_guard guard;
	bool timed;
	bool limited;
	u32 slice;
	u64 now;
	u64 last;
	u64 left;
	u64 limit;
	u32 cost;
	unsigned int untimed;
	struct work_struct work;
	struct vr_ingress_job *job;
};

/**
 * struct vr_ingress_cb - what the queue notes in skb->cb
 * @forward: what the data path notes there
 * @time: when the packet came, ns
 * @len: its length then, with the Ethernet header
 */
struct vr_ingress_cb {
	struct vr_forward_cb forward;
	u32 len;
	u64 time;
};

DECLARE_PER_CPU(struct vr_ingress, vr_ingress);

/**
 * vr_ingress_cb() - what the queue notes of a packet
 * @skb: packet
 *
 * Return: a part of skb->cb.
 */
static inline struct vr_ingress_cb *vr_ingress_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct vr_ingress_cb) > sizeof(skb->cb));
	return (struct vr_ingress_cb *)skb->cb;
}

/**
 * vr_ingress_push() - put a packet at the end of a queue
 * @fifo: queue
 * @skb: packet
 * @len: its length, with the Ethernet header
 *
 * Context: the queue's CPU, BH disabled.
 */
static inline void vr_ingress_push(struct vr_fifo *fifo, struct sk_buff *skb,
				   u32 len)
{
	skb->next = NULL;
	if (fifo->head)
		fifo->tail->next = skb;
	else
		fifo->head = skb;
	fifo->tail = skb;
	WRITE_ONCE(fifo->packets, fifo->packets + 1);
	WRITE_ONCE(fifo->bytes, fifo->bytes + len);
}

/**
 * vr_ingress_pop() - take the first packet of a queue
 * @fifo: queue
 *
 * Context: the queue's CPU, BH disabled.
 * Return: packet, or NULL.
 */
static inline struct sk_buff *vr_ingress_pop(struct vr_fifo *fifo)
{
	struct sk_buff *skb = fifo->head;

	if (!skb)
		return NULL;
	fifo->head = skb->next;
	/* a burst is larger than the first cache */
	if (skb->next) {
		prefetch(skb->next);
		prefetch(skb->next->data);
	}
	skb_mark_not_on_list(skb);
	WRITE_ONCE(fifo->packets, fifo->packets - 1);
	WRITE_ONCE(fifo->bytes, fifo->bytes - vr_ingress_cb(skb)->len);
	return skb;
}

/**
 * vr_ingress_dequeue() - take the packet of a router that is served next
 * @queue: its queue on this CPU
 *
 * Control goes first, but while data waits only every other time, of all visits: one
 * may be a single packet.
 *
 * Context: the queue's CPU, BH disabled.
 * Return: packet, or NULL.
 */
static inline struct sk_buff *vr_ingress_dequeue(struct vr_queue *queue)
{
	if (unlikely(queue->control.head)) {
		queue->owed = !queue->owed && queue->data.head;
		if (queue->owed || !queue->data.head)
			return vr_ingress_pop(&queue->control);
	}
	return vr_ingress_pop(&queue->data);
}

/**
 * vr_ingress_drop() - drop a packet, and count it
 * @queue: whose counters
 * @skb: packet, in no queue
 * @reason: why
 * @len: its length, with the Ethernet header
 *
 * Context: the queue's CPU, BH disabled.
 */
static inline void vr_ingress_drop(struct vr_queue *queue, struct sk_buff *skb,
				   enum vrouter_drop_reason reason, u32 len)
{
	vr_stats_drop(&queue->stats, reason, len);
	dev_core_stats_rx_dropped_inc(skb->dev);
	kfree_skb_reason(skb, SKB_DROP_REASON_QDISC_DROP);
}

/**
 * vr_ingress_empty() - has a router nothing here?
 * @queue: its queue on this CPU
 *
 * Return: whether it has not.
 */
static inline bool vr_ingress_empty(const struct vr_queue *queue)
{
	return !queue->control.head && !queue->data.head;
}

void vr_ingress_setup(struct vr_ingress *in, struct net_device *dev);

#endif
