/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Per-CPU queues of the routers and the weighted round robin between them.
 */
#ifndef VROUTER_INGRESS_H
#define VROUTER_INGRESS_H

#include <linux/skbuff.h>
#include <linux/version.h>

#include "drr.h"
#include "guard.h"
#include "stats.h"

/* From 6.18 on, softirqs of a PREEMPT_RT kernel can preempt each other on a CPU. The
 * queues of a CPU have no other lock.
 */
#if defined(CONFIG_PREEMPT_RT) && !defined(CONFIG_PREEMPT_RT_NEEDS_BH_LOCK) && \
	KERNEL_VERSION(6, 18, 0) <= LINUX_VERSION_CODE
#error "On PREEMPT_RT, vrouter needs CONFIG_PREEMPT_RT_NEEDS_BH_LOCK"
#endif

struct vr_router;

/**
 * struct vr_fifo - a queue of packets, linked by skb->next
 * @head: first packet
 * @tail: last packet; valid where @head is
 * @packets: packets in the queue
 * @bytes: their bytes, with the Ethernet header
 */
struct vr_fifo {
	struct sk_buff *head;
	struct sk_buff *tail;
	u32 packets;
	u32 bytes;
};

/**
 * struct vr_queue - queues and counters of one router on one CPU
 *
 * Only that CPU touches it, in softirq context; others read the counters.
 *
 * @flow: place in the round
 * @router: whose queue it is
 * @control: ARP, ND, routing protocols; served first
 * @data: everything else
 * @cost: moving average of CPU time a packet, ns << VR_INGRESS_COST_SHIFT
 * @peak: most packets that were queued
 * @visits: times that it was served
 * @owed: a control packet went before data that waits
 * @guard: what is noted of packets that found it full
 * @stats: counters
 */
struct vr_queue {
	struct vr_drr_flow flow;
	struct vr_router *router;
	struct vr_fifo control;
	struct vr_fifo data;
	u32 cost;
	u32 peak;
	u32 visits;
	bool owed;
	struct vr_guard_mark guard;
	struct vr_stats stats;
};

void vr_ingress_enqueue(struct vr_router *router, struct sk_buff *skb,
			bool at_once);
void vr_ingress_flush(struct vr_router *router);
void vr_ingress_reset(struct vr_router *router, struct vr_stats_sum *base);
void vr_ingress_set_weight(struct vr_router *router, u32 weight);
struct vr_queue __percpu *vr_ingress_queues_alloc(struct vr_router *router);
void vr_ingress_queues_free(struct vr_queue __percpu *queues);
int vr_ingress_init(void);
void vr_ingress_exit(void);

#endif
