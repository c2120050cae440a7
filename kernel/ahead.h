/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lookups for packets that are to come, of several routers at once.
 */
#ifndef VROUTER_AHEAD_H
#define VROUTER_AHEAD_H

#include "fib.h"

struct sk_buff;
struct vr_nexthop;
struct vr_rib;

/* Lookups in step: enough that memory comes before their turn. */
#define VR_AHEAD_MAX	16

/**
 * struct vr_ahead_hunt - the lookup of one packet's route
 * @skb: the packet
 * @rib: its router's routes
 * @first: the first one in @rib
 * @fib: its table in @rib
 * @head: what @fib is now
 * @at: where the lookup is
 * @nh: what was found
 */
struct vr_ahead_hunt {
	struct sk_buff *skb;
	const struct vr_rib *rib;
	bool first;
	const struct vr_fib *fib;
	const struct vr_fib_head *head;
	struct vr_fib_cursor at;
	const struct vr_nexthop *nh;
};

/**
 * struct vr_ahead - lookups that go in step
 * @n: number of them
 * @hunt: the lookups
 */
struct vr_ahead {
	unsigned int n;
	struct vr_ahead_hunt hunt[VR_AHEAD_MAX];
};

void vr_ahead_add(struct vr_ahead *ahead, const struct vr_rib *rib,
		  struct sk_buff *skb, unsigned int n);
void vr_ahead_look(struct vr_ahead *ahead, u32 look);

#endif
