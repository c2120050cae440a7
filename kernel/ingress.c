// SPDX-License-Identifier: GPL-2.0
/*
 * Description: each router has a queue on each CPU, filled by the demux and
 * emptied by a NAPI instance of that CPU, by deficit round robin with CPU time as
 * the currency.
 *
 * Algorithm: a visit serves up to VR_INGRESS_BATCH packets at a time. The clock is
 * read after VR_INGRESS_CLOCK packets at the earliest; a visit that served at least
 * that many is charged what it took, a smaller one the average cost of its
 * router's packets, so that many routers with a packet each do not pay for the
 * clock with each packet. One visit in VR_INGRESS_SAMPLE is timed whatever it serves.
 *
 * Quantum: the time of VR_INGRESS_CLOCK packets. Where that is more than VR_INGRESS_TURN,
 * as packets are dear, the round would be long, and who had more than that to send would
 * wait for it: the quantum is a part of that time, a packet's at least, and a router may
 * save up all of it.
 *
 * A lone packet: the first packet for a CPU in each run of its receive softirq,
 * while nobody waits there, is served at once. There is nobody to share with, and
 * if no second one follows, the round trip over NAPI is saved.
 *
 * Overload: a poll serves at most VR_INGRESS_QUOTA packets, and takes no longer
 * than a slice of time. If the NICs deliver a full poll's worth between two polls
 * of ours while we are behind, they may have more in their rings: the slice is
 * halved, down to one packet and to 1/2^VR_INGRESS_SQUEEZE of the time outside. As
 * long as they deliver less than half of that, it grows. So what the CPU cannot
 * forward is dropped here, at the queue of the router it is for, and not in the
 * ring, where it would hit everyone; and a flood does not take all of the CPU.
 *
 * That costs: what is taken in only to be dropped is time in which nothing is forwarded.
 * So it is done as long as somebody gains by it (see guard.c). If nobody does, a poll
 * serves nearly what a NIC's poll delivers, but not all of it: who is in overload goes
 * on dropping.
 */
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/kernel_stat.h>
#include <linux/netdevice.h>
#include <net/dsfield.h>
#include <net/ipv6.h>
#include <net/ndisc.h>

#include "ahead.h"
#include "compat.h"
#include "gate.h"
#include "ingress_queue.h"
#include "router.h"

#define VR_INGRESS_BATCH	16
#define VR_INGRESS_CLOCK	8
#define VR_INGRESS_QUOTA	48
#define VR_INGRESS_QUOTA_ALL	60	/* less than NAPI_POLL_WEIGHT */
#define VR_INGRESS_SLICE	(200 * NSEC_PER_USEC)
#define VR_INGRESS_SQUEEZE	3
#define VR_INGRESS_TURN		(100 * NSEC_PER_USEC)
#define VR_INGRESS_CONTROL	128	/* packets in a control queue */
#define VR_INGRESS_COST_SHIFT	8
#define VR_INGRESS_SAMPLE	16	/* visits */
#define VR_INGRESS_COST_MAX	BIT(20)	/* ns a packet */
#define VR_INGRESS_EXCESS	48	/* packets */
#define VR_INGRESS_WINDOW	256	/* packets */

DEFINE_PER_CPU(struct vr_ingress, vr_ingress);

/* IPv4: CS6 and CS7, and 224.0.0.0/24 */
static bool vr_ingress_is_control4(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);

	return iph->tos >= 0xc0 || ipv4_is_local_multicast(iph->daddr);
}

/* IPv6: CS6 and CS7, ND, and everything to ff02::/16 */
static bool vr_ingress_is_control6(const struct sk_buff *skb)
{
	const struct ipv6hdr *hdr = ipv6_hdr(skb);
	const struct icmp6hdr *icmp;

	if (ipv6_get_dsfield(hdr) >= 0xc0 ||
	    hdr->daddr.s6_addr16[0] == htons(0xff02))
		return true;
	if (hdr->nexthdr != IPPROTO_ICMPV6 ||
	    skb_headlen(skb) < sizeof(*hdr) + sizeof(*icmp))
		return false;
	icmp = (const struct icmp6hdr *)(hdr + 1);
	return icmp->icmp6_type >= NDISC_ROUTER_SOLICITATION &&
	       icmp->icmp6_type <= NDISC_REDIRECT;
}

/* What is not IP is control, but for what carries anybody's data. */
static bool vr_ingress_is_control(const struct sk_buff *skb)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return skb_headlen(skb) >= sizeof(struct iphdr) &&
		       vr_ingress_is_control4(skb);
	case htons(ETH_P_IPV6):
		return skb_headlen(skb) >= sizeof(struct ipv6hdr) &&
		       vr_ingress_is_control6(skb);
	case htons(ETH_P_8021Q):
	case htons(ETH_P_8021AD):
	case htons(ETH_P_MPLS_UC):
	case htons(ETH_P_MPLS_MC):
	case htons(ETH_P_PPP_SES):
		return false;
	}
	return true;
}

/* A control packet of those whose loss ends a session: not ARP, ND, or what hosts
 * announce, which are sent again, nor ICMP errors, which have CS6 with Linux.
 */
static bool vr_ingress_is_routing(const struct sk_buff *skb)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return ip_hdr(skb)->tos >= 0xc0 &&
		       ip_hdr(skb)->protocol != IPPROTO_ICMP &&
		       ip_hdr(skb)->protocol != IPPROTO_IGMP;
	case htons(ETH_P_IPV6):
		return ipv6_get_dsfield(ipv6_hdr(skb)) >= 0xc0 &&
		       ipv6_hdr(skb)->nexthdr != IPPROTO_ICMPV6;
	}
	return skb->protocol != htons(ETH_P_ARP);
}

static u32 vr_ingress_full(const struct vr_router *router,
			   const struct vr_queue *queue, bool control, u32 len)
{
	if (unlikely(control))
		return queue->control.packets >= VR_INGRESS_CONTROL ?
			VROUTER_DROP_CONTROL : 0;
	if (queue->data.packets >= READ_ONCE(router->limit_packets))
		return VROUTER_DROP_QUEUE_PACKETS;
	if (queue->data.bytes + len > READ_ONCE(router->limit_bytes))
		return VROUTER_DROP_QUEUE_BYTES;
	return 0;
}

/* Time stamps are coarse: one reading of the clock for 32 packets. */
static u64 vr_ingress_stamp(struct vr_ingress *in)
{
	if (!in->active || !(in->arrived & 31))
		in->now = vr_compat_clock();
	return in->now;
}

static unsigned int vr_ingress_serve(struct vr_ingress *in,
				     struct vr_queue *queue, unsigned int max)
{
	struct vr_stats *stats = &queue->stats;
	struct sk_buff *skb;
	unsigned int n = 0;
	u64 time;

	vr_forward_begin(&in->forward, queue);
	while (n < max && (skb = vr_ingress_dequeue(queue))) {
		time = in->now - vr_ingress_cb(skb)->time;
		u64_stats_update_begin(&stats->syncp);
		u64_stats_inc(&stats->delay[vr_stats_bucket(time)]);
		u64_stats_update_end(&stats->syncp);
		vr_forward_packet(&in->forward, skb);
		n++;
	}
	vr_forward_end(&in->forward);
	return n;
}

/* Is the packet that came the only one so far, and nobody else is waiting? */
static bool vr_ingress_is_lone(struct vr_ingress *in)
{
	unsigned int run = __this_cpu_read(kstat.softirqs[NET_RX_SOFTIRQ]);

	if (in->active || run == in->run)
		return false;
	in->run = run;
	return true;
}

/* Packets that the stack sends back meanwhile find the scheduler active, and wait. */
static noinline void vr_ingress_serve_lone(struct vr_ingress *in,
					   struct vr_queue *queue,
					   struct sk_buff *skb)
{
	struct vr_stats *stats = &queue->stats;

	in->active = true;
	vr_guard_served(&in->guard, queue);
	vr_forward_begin(&in->forward, queue);
	vr_forward_packet(&in->forward, skb);
	vr_forward_end(&in->forward);
	vr_egress_forget(&in->forward.egress);
	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->delay[0]);
	u64_stats_add(&stats->cpu_ns, (queue->cost ? : in->cost) >>
				      VR_INGRESS_COST_SHIFT);
	u64_stats_update_end(&stats->syncp);
	in->active = vr_drr_next(&in->drr);
	if (unlikely(in->active))
		napi_schedule(&in->napi);
}

/**
 * vr_ingress_enqueue() - queue a packet for a router
 * @router: router
 * @skb: packet, skb->dev is the port that it came in on; consumed
 * @at_once: it may be served now if nothing waits; not so where a packet is on
 *	its way out, since its sender may hold locks that the stack takes
 *
 * Context: BH disabled, RCU read side.
 */
void vr_ingress_enqueue(struct vr_router *router, struct sk_buff *skb,
			bool at_once)
{
	struct vr_queue *queue = this_cpu_ptr(router->queues);
	struct vr_ingress *in = this_cpu_ptr(&vr_ingress);
	u32 len = skb->len + ETH_HLEN, reason;
	bool control;

	u64_stats_update_begin(&queue->stats.syncp);
	u64_stats_inc(&queue->stats.rx_packets);
	u64_stats_add(&queue->stats.rx_bytes, len);
	u64_stats_update_end(&queue->stats.syncp);
	vr_ingress_cb(skb)->forward.rib = NULL;

	if (unlikely(at_once && vr_ingress_is_lone(in))) {
		vr_ingress_serve_lone(in, queue, skb);
		return;
	}
	in->arrived++;
	control = vr_ingress_is_control(skb);
	reason = vr_ingress_full(router, queue, control, len);
	if (unlikely(reason)) {
		vr_guard_spill(&in->guard, queue);
		vr_ingress_drop(queue, skb, reason, len);
		return;
	}
	if (unlikely(control) && vr_ingress_is_routing(skb))
		vr_guard_routing(&in->guard);
	vr_ingress_cb(skb)->time = vr_ingress_stamp(in);
	vr_ingress_cb(skb)->len = len;
	vr_ingress_push(control ? &queue->control : &queue->data, skb, len);
	if (queue->control.packets + queue->data.packets > queue->peak)
		WRITE_ONCE(queue->peak,
			   queue->control.packets + queue->data.packets);
	if (!vr_drr_active(&queue->flow))
		vr_drr_activate(&in->drr, &queue->flow);
	if (!in->active) {
		in->active = true;
		napi_schedule(&in->napi);
	}
}

/* Time that an interrupt or the host took is not the router's fault: it counts as
 * VR_INGRESS_EXCESS packets at most, and no more than a poll may take. If all packets
 * have just become dear, a router that is served rarely must not be the last one to
 * know.
 */
static u64 vr_ingress_clip(u64 time, u32 average, unsigned int n)
{
	u64 excess = (u64)average * VR_INGRESS_EXCESS >> VR_INGRESS_COST_SHIFT;
	u64 most = (u64)average * n >> VR_INGRESS_COST_SHIFT;

	most += min_t(u64, excess, VR_INGRESS_SLICE);
	return min3(time, most, (u64)VR_INGRESS_COST_MAX * n);
}

static u32 vr_ingress_average(u32 average, u64 time, unsigned int n)
{
	s64 diff = (time << VR_INGRESS_COST_SHIFT) - (u64)average * n;

	return average + diff / VR_INGRESS_WINDOW;
}

/* Read the clock: what did the packets cost that came since? */
static u64 vr_ingress_time(struct vr_ingress *in)
{
	unsigned int untimed = in->untimed;
	u64 time;

	vr_egress_flush(&in->forward.egress);
	in->now = vr_compat_clock();
	time = in->now - in->last;
	in->last = in->now;
	in->untimed = 0;
	if (untimed && in->timed)
		in->cost = vr_ingress_average(in->cost,
					      vr_ingress_clip(time, in->cost, untimed),
					      untimed);
	in->timed = true;
	return time;
}

/* Who never has many packets at a time is timed now and then all the same. */
static bool vr_ingress_is_sample(struct vr_ingress *in, struct vr_queue *queue)
{
	if (likely(++queue->visits % VR_INGRESS_SAMPLE))
		return false;
	vr_ingress_time(in);
	return true;
}

/* What n packets of this router cost; if it is a sample, nobody else's are untimed. */
static u64 vr_ingress_charge(struct vr_ingress *in, struct vr_queue *queue,
			     unsigned int n, bool sample)
{
	unsigned int untimed = in->untimed + n;
	bool timed = in->timed;
	u64 time;

	/* a router that was never measured costs what the others do */
	if (!queue->cost)
		queue->cost = in->cost;
	in->untimed = untimed;
	if (untimed < VR_INGRESS_CLOCK && !in->limited && likely(!sample))
		return (u64)queue->cost * n >> VR_INGRESS_COST_SHIFT;

	time = vr_ingress_time(in);
	/* the time is this router's alone only if all of the packets are */
	if (n < untimed || unlikely(!timed))
		return (u64)queue->cost * n >> VR_INGRESS_COST_SHIFT;
	time = vr_ingress_clip(time, max(queue->cost, in->cost), n);
	queue->cost = vr_ingress_average(queue->cost, time, n);
	return time;
}

static void vr_ingress_visit(struct vr_ingress *in, struct vr_queue *queue,
			     unsigned int n, bool sample)
{
	struct vr_stats *stats = &queue->stats;
	u64 cost = vr_ingress_charge(in, queue, n, sample);
	bool empty = vr_ingress_empty(queue);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->cpu_ns, cost);
	u64_stats_update_end(&stats->syncp);
	vr_drr_charge(&in->drr, &queue->flow, cost, empty);
	if (empty)
		vr_guard_served(&in->guard, queue);
}

/* What a router of weight 1 may use in a round: average costs change slowly. */
static void vr_ingress_set_quantum(struct vr_ingress *in)
{
	u64 quantum = (u64)in->cost * VR_INGRESS_CLOCK >> VR_INGRESS_COST_SHIFT;
	unsigned int parts = 1;

	while (unlikely(quantum > VR_INGRESS_TURN && parts < VR_INGRESS_CLOCK)) {
		quantum /= 2;
		parts *= 2;
	}
	vr_drr_set_quantum(&in->drr, quantum, parts);
}

/* How long may this poll take? What it would take anyway is no limit. A few packets
 * that came only now need none: the clock was not read for them. Returns how many
 * packets it may serve.
 */
static unsigned int vr_ingress_budget(struct vr_ingress *in)
{
	u64 least;

	if (unlikely(in->again && !vr_guard_is_on(&in->guard, &in->drr))) {
		in->limited = false;
		in->arrived = 0;
		return VR_INGRESS_QUOTA_ALL;
	}
	if (in->again && in->arrived >= NAPI_POLL_WEIGHT) {
		least = (in->now - in->left) >> VR_INGRESS_SQUEEZE;
		in->slice = clamp_t(u64, least, in->slice / 2, VR_INGRESS_SLICE);
	} else if (in->arrived < NAPI_POLL_WEIGHT / 2) {
		in->slice = min_t(u32, in->slice + in->slice / 4 + 1,
				  VR_INGRESS_SLICE);
	}
	in->limited = (in->again || in->arrived >= VR_INGRESS_CLOCK) &&
		      (u64)in->cost * VR_INGRESS_QUOTA >> VR_INGRESS_COST_SHIFT >
		      in->slice;
	in->limit = in->now + in->slice;
	in->arrived = 0;
	return VR_INGRESS_QUOTA;
}

/* How many packets a visit may serve; a poll that is limited serves one at least. Where
 * packets are dear, a visit is no longer than what the router has left.
 */
static unsigned int vr_ingress_max(const struct vr_ingress *in,
				   const struct vr_queue *queue,
				   unsigned int quota)
{
	u64 time, cost = max(queue->cost ? : in->cost, 1U);

	quota = min(quota, VR_INGRESS_BATCH);
	if (likely(!in->limited))
		return quota;
	time = in->limit - in->now;
	if (vr_drr_saves(&in->drr))
		time = min_t(u64, time, queue->flow.deficit);
	return min_t(u64, quota, div64_u64(time << VR_INGRESS_COST_SHIFT, cost) + 1);
}

/* What is left of the quota may be too little to be worth a visit. */
static bool vr_ingress_may_go_on(const struct vr_ingress *in, unsigned int done,
				 unsigned int quota)
{
	return !done || (quota - done >= VR_INGRESS_CLOCK &&
			 (likely(!in->limited) || in->now < in->limit));
}

static struct vr_queue *vr_ingress_queue(struct vr_drr_flow *flow)
{
	return container_of(flow, struct vr_queue, flow);
}

static bool vr_ingress_was_looked_at(const struct vr_ingress *in,
				     const struct sk_buff *skb)
{
	return vr_forward_cb(skb)->rib &&
	       vr_forward_cb(skb)->look == in->forward.look;
}

/* Look up the routes of packets that are served now, and if there is room, of those
 * routers whose turn comes then.
 */
static void vr_ingress_look_ahead(struct vr_ingress *in,
				  struct vr_drr_flow *flow, unsigned int max)
{
	struct vr_queue *queue = vr_ingress_queue(flow);
	struct vr_ahead *ahead = &in->ahead;
	unsigned int flows = VR_AHEAD_MAX;
	struct sk_buff *skb;
	struct vr_rib *rib;

	skb = queue->data.head;
	if (!skb || vr_ingress_was_looked_at(in, skb))
		return;
	ahead->n = 0;
	do {
		queue = vr_ingress_queue(flow);
		skb = queue->data.head;
		rib = rcu_dereference(queue->router->rib);
		if (unlikely(!skb || !rib))
			continue;
		if (ahead->n) {
			/* the others would be looked up one by one */
			if (ahead->n + queue->data.packets > max)
				break;
			vr_gate_expect(netdev_priv(skb->dev));
		}
		vr_ahead_add(ahead, rib, skb, max);
	} while (--flows && ahead->n < max &&
		 (flow = vr_drr_after(&in->drr, flow)));
	vr_ahead_look(ahead, in->forward.look);
}

static int vr_ingress_poll(struct napi_struct *napi, int budget)
{
	struct vr_ingress *in = container_of(napi, struct vr_ingress, napi);
	struct vr_drr_flow *flow;
	unsigned int quota, n, max, done = 0;
	struct vr_queue *queue;
	bool sample;

	/* netpoll wants transmission only */
	if (unlikely(!budget))
		return 0;
	vr_ingress_set_quantum(in);
	in->untimed = 0;
	/* a few packets are not timed, and came only now */
	in->timed = in->again || in->arrived >= VR_INGRESS_CLOCK;
	if (in->timed)
		in->now = vr_compat_clock();
	in->last = in->now;
	quota = min_t(unsigned int, vr_ingress_budget(in), budget);
	rcu_read_lock();
	in->forward.look++;
	while (vr_ingress_may_go_on(in, done, quota) &&
	       (flow = vr_drr_next(&in->drr))) {
		queue = vr_ingress_queue(flow);
		max = vr_ingress_max(in, queue, quota - done);
		sample = vr_ingress_is_sample(in, queue);
		vr_ingress_look_ahead(in, flow, max);
		n = vr_ingress_serve(in, queue, max);
		vr_ingress_visit(in, queue, n, sample);
		done += n;
	}
	vr_egress_forget(&in->forward.egress);
	rcu_read_unlock();
	in->again = vr_drr_next(&in->drr);
	if (in->again) {
		in->left = vr_compat_clock();
		return budget;
	}
	in->active = false;
	napi_complete_done(napi, min_t(int, done, budget - 1));
	return min_t(int, done, budget - 1);
}

/**
 * vr_ingress_setup() - make the scheduler of a CPU
 * @in: scheduler, all zero
 * @dev: device that its NAPI instance is of
 *
 * Context: may sleep.
 */
void vr_ingress_setup(struct vr_ingress *in, struct net_device *dev)
{
	vr_drr_init(&in->drr, VR_INGRESS_BATCH * 1000);
	in->cost = 1000 << VR_INGRESS_COST_SHIFT;
	in->slice = VR_INGRESS_SLICE;
	vr_guard_init(&in->guard);
	set_bit(NAPI_STATE_NO_BUSY_POLL, &in->napi.state);
	netif_napi_add(dev, &in->napi, vr_ingress_poll);
}
