// SPDX-License-Identifier: GPL-2.0
/*
 * A packet's way through the tables of its router is a chain of loads, and with
 * many routers each of them waits for memory. So the packets that are served next,
 * whosever they are, take these steps together: what one waits for comes while the
 * others are looked at.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/prefetch.h>
#include <linux/skbuff.h>

#include "ahead.h"
#include "forward.h"
#include "rib.h"
#include "way.h"

static bool vr_ahead_has_addresses(const struct sk_buff *skb)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return skb_headlen(skb) >= sizeof(struct iphdr);
	case htons(ETH_P_IPV6):
		return skb_headlen(skb) >= sizeof(struct ipv6hdr);
	default:
		return false;
	}
}

/**
 * vr_ahead_add() - packets of a router are to come
 * @ahead: lookups
 * @rib: the router's routes
 * @skb: the first packet of a list
 * @n: how many of them; those for which there is no room are left out
 *
 * Context: softirq, RCU read side.
 */
void vr_ahead_add(struct vr_ahead *ahead, const struct vr_rib *rib,
		  struct sk_buff *skb, unsigned int n)
{
	struct vr_ahead_hunt *hunt;
	bool first = true;

	prefetch(rib);
	for (; skb && n && ahead->n < VR_AHEAD_MAX; skb = skb->next, n--) {
		if (unlikely(!vr_ahead_has_addresses(skb)))
			continue;
		hunt = &ahead->hunt[ahead->n++];
		hunt->skb = skb;
		hunt->rib = rib;
		hunt->first = first;
		first = false;
	}
}

static bool vr_ahead_is_ipv4(const struct vr_ahead_hunt *hunt)
{
	return hunt->skb->protocol == htons(ETH_P_IP);
}

/* What a router's first packet meets, its others find there. */
static void vr_ahead_open(struct vr_ahead *ahead)
{
	struct vr_ahead_hunt *hunt, *end = ahead->hunt + ahead->n;

	for (hunt = ahead->hunt; hunt < end; hunt++) {
		hunt->fib = vr_ahead_is_ipv4(hunt) ? hunt->rib->fib4 :
						     hunt->rib->fib6;
		if (!hunt->first)
			continue;
		prefetch(&hunt->fib->head);
		prefetch(&hunt->rib->nexthops->index);
	}
	for (hunt = ahead->hunt; hunt < end; hunt++) {
		hunt->head = rcu_dereference(hunt->fib->head);
		if (!hunt->first)
			continue;
		prefetch(hunt->head);
		prefetch(rcu_dereference(hunt->rib->nexthops->index));
	}
}

static void vr_ahead_start(struct vr_ahead_hunt *hunt)
{
	if (vr_ahead_is_ipv4(hunt))
		vr_fib_start4(&hunt->at, hunt->head, ip_hdr(hunt->skb)->daddr);
	else
		vr_fib_start6(&hunt->at, hunt->head,
			      &ipv6_hdr(hunt->skb)->daddr);
}

/* Returns whether the lookup goes on. */
static bool vr_ahead_step(struct vr_ahead_hunt *hunt)
{
	if (vr_fib_done(&hunt->at))
		return false;
	vr_fib_step(&hunt->at, true);
	if (vr_fib_done(&hunt->at))
		return false;
	vr_fib_expect(&hunt->at);
	return true;
}

static void vr_ahead_note(struct vr_ahead_hunt *hunt, u32 look)
{
	struct vr_forward_cb *cb = vr_forward_cb(hunt->skb);

	cb->rib = hunt->rib;
	cb->look = look;
	cb->route = vr_fib_answer(&hunt->at, hunt->head);
	hunt->nh = vr_way_expect(hunt->rib, cb->route);
}

/**
 * vr_ahead_look() - look up the routes, and note them with the packets
 * @ahead: lookups
 * @look: number of this RCU read side
 *
 * Context: softirq, RCU read side.
 */
void vr_ahead_look(struct vr_ahead *ahead, u32 look)
{
	unsigned int i, left;

	vr_ahead_open(ahead);
	for (i = 0; i < ahead->n; i++)
		vr_ahead_start(&ahead->hunt[i]);
	do {
		for (left = 0, i = 0; i < ahead->n; i++)
			left += vr_ahead_step(&ahead->hunt[i]);
	} while (left);
	for (i = 0; i < ahead->n; i++)
		vr_ahead_note(&ahead->hunt[i], look);
	for (i = 0; i < ahead->n; i++)
		vr_way_expect_path(ahead->hunt[i].nh);
}
