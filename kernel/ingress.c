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
 * clock with each packet.
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
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/kernel_stat.h>
#include <linux/netdevice.h>
#include <linux/prefetch.h>
#include <linux/workqueue.h>
#include <net/dsfield.h>
#include <net/ipv6.h>
#include <net/ndisc.h>

#include "compat.h"
#include "forward.h"
#include "ingress.h"
#include "port.h"
#include "router.h"

#define VR_INGRESS_BATCH	16
#define VR_INGRESS_CLOCK	8
#define VR_INGRESS_QUOTA	48
#define VR_INGRESS_SLICE	(200 * NSEC_PER_USEC)
#define VR_INGRESS_SQUEEZE	3
#define VR_INGRESS_CONTROL	128	/* packets in a control queue */
#define VR_INGRESS_COST_SHIFT	8
#define VR_INGRESS_COST_MAX	BIT(20)	/* ns a packet */
#define VR_INGRESS_EXCESS	48	/* packets */
#define VR_INGRESS_WINDOW	256	/* packets */
#define VR_INGRESS_RETURN	10000	/* ms */

/**
 * struct vr_ingress_flush - what a flush takes away
 * @router: from the queues of this router
 * @dev: packets that came in on this port
 * @reason: counted for each packet
 */
struct vr_ingress_flush {
	struct vr_router *router;
	const struct net_device *dev;
	enum vrouter_drop_reason reason;
};

/**
 * struct vr_ingress - the scheduler of one CPU
 * @napi: empties the queues
 * @drr: routers that have something to do
 * @forward: what the data path keeps within a batch
 * @active: @napi is scheduled or running, or a lone packet is being served
 * @run: run of the receive softirq in which the last lone packet came
 * @again: the last poll left packets behind
 * @arrived: packets that came since the last poll
 * @limited: the poll's time is limited
 * @slice: how long a poll may take, ns
 * @now: clock a short while ago, ns
 * @last: clock up to which time has been charged, ns
 * @left: clock at the end of the last poll, if that left packets behind, ns
 * @limit: clock at which the poll should be over, if it is limited, ns
 * @cost: average cost of a packet here, ns << VR_INGRESS_COST_SHIFT
 * @untimed: packets served since the clock was read
 * @work: flushes queues on this CPU
 * @flush: what @work is to do, protected by RTNL
 */
struct vr_ingress {
	struct napi_struct napi;
	struct vr_drr drr;
	struct vr_forward forward;
	bool active;
	bool again;
	unsigned int run;
	unsigned int arrived;
	bool limited;
	u32 slice;
	u64 now;
	u64 last;
	u64 left;
	u64 limit;
	u32 cost;
	unsigned int untimed;
	struct work_struct work;
	const struct vr_ingress_flush *flush;
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

static DEFINE_PER_CPU(struct vr_ingress, vr_ingress);
static struct net_device *vr_ingress_dev;
static enum cpuhp_state vr_ingress_cpuhp;

static struct vr_ingress_cb *vr_ingress_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct vr_ingress_cb) > sizeof(skb->cb));
	return (struct vr_ingress_cb *)skb->cb;
}

static void vr_ingress_push(struct vr_fifo *fifo, struct sk_buff *skb, u32 len)
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

static struct sk_buff *vr_ingress_pop(struct vr_fifo *fifo)
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

static bool vr_ingress_is_control(const struct sk_buff *skb)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return skb_headlen(skb) >= sizeof(struct iphdr) &&
		       vr_ingress_is_control4(skb);
	case htons(ETH_P_IPV6):
		return skb_headlen(skb) >= sizeof(struct ipv6hdr) &&
		       vr_ingress_is_control6(skb);
	}
	return true;
}

static void vr_ingress_drop(struct vr_queue *queue, struct sk_buff *skb,
			    enum vrouter_drop_reason reason, u32 len)
{
	vr_stats_drop(&queue->stats, reason, len);
	dev_core_stats_rx_dropped_inc(skb->dev);
	kfree_skb_reason(skb, SKB_DROP_REASON_QDISC_DROP);
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

static bool vr_ingress_empty(const struct vr_queue *queue)
{
	return !queue->control.head && !queue->data.head;
}

/* Control first, but while data waits only for every other packet. */
static struct sk_buff *vr_ingress_dequeue(struct vr_queue *queue,
					  unsigned int turn)
{
	struct sk_buff *skb = NULL;

	if (unlikely(queue->control.head) && (!(turn & 1) || !queue->data.head))
		skb = vr_ingress_pop(&queue->control);
	return skb ? : vr_ingress_pop(&queue->data);
}

static unsigned int vr_ingress_serve(struct vr_ingress *in,
				     struct vr_queue *queue, unsigned int max)
{
	struct vr_stats *stats = &queue->stats;
	struct sk_buff *skb;
	unsigned int n = 0;
	u64 time;

	vr_forward_begin(&in->forward, queue);
	vr_forward_look(&in->forward, queue->data.head, max);
	while (n < max && (skb = vr_ingress_dequeue(queue, n))) {
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
	vr_ingress_cb(skb)->forward.looked = false;

	if (unlikely(at_once && vr_ingress_is_lone(in))) {
		vr_ingress_serve_lone(in, queue, skb);
		return;
	}
	in->arrived++;
	control = vr_ingress_is_control(skb);
	reason = vr_ingress_full(router, queue, control, len);
	if (unlikely(reason)) {
		vr_ingress_drop(queue, skb, reason, len);
		return;
	}
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
 * VR_INGRESS_EXCESS packets at most. If all packets have just become dear, a router
 * that is served rarely must not be the last one to know.
 */
static u64 vr_ingress_clip(u64 time, u32 average, unsigned int n)
{
	u64 most = (u64)average * (n + VR_INGRESS_EXCESS) >>
		   VR_INGRESS_COST_SHIFT;

	return min3(time, most, (u64)VR_INGRESS_COST_MAX * n);
}

static u32 vr_ingress_average(u32 average, u64 time, unsigned int n)
{
	s64 diff = (time << VR_INGRESS_COST_SHIFT) - (u64)average * n;

	return average + diff / VR_INGRESS_WINDOW;
}

/* What n packets of this router cost. */
static u64 vr_ingress_charge(struct vr_ingress *in, struct vr_queue *queue,
			     unsigned int n)
{
	unsigned int untimed;
	u64 time;

	/* a router that was never measured costs what the others do */
	if (!queue->cost)
		queue->cost = in->cost;
	untimed = in->untimed + n;
	in->untimed = untimed;
	if (untimed < VR_INGRESS_CLOCK && !in->limited)
		return (u64)queue->cost * n >> VR_INGRESS_COST_SHIFT;

	vr_egress_flush(&in->forward.egress);
	in->now = vr_compat_clock();
	time = in->now - in->last;
	in->last = in->now;
	in->untimed = 0;
	in->cost = vr_ingress_average(in->cost,
				      vr_ingress_clip(time, in->cost, untimed),
				      untimed);
	/* the time is this router's alone only if all of the packets are */
	if (n < untimed)
		return (u64)queue->cost * n >> VR_INGRESS_COST_SHIFT;
	time = vr_ingress_clip(time, max(queue->cost, in->cost), n);
	queue->cost = vr_ingress_average(queue->cost, time, n);
	return time;
}

static void vr_ingress_visit(struct vr_ingress *in, struct vr_queue *queue,
			     unsigned int n)
{
	struct vr_stats *stats = &queue->stats;
	u64 cost = vr_ingress_charge(in, queue, n);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->cpu_ns, cost);
	u64_stats_update_end(&stats->syncp);
	vr_drr_charge(&in->drr, &queue->flow, cost, vr_ingress_empty(queue));
}

/* How long may this poll take? What it would take anyway is no limit. A few packets
 * that came only now need none: the clock was not read for them.
 */
static void vr_ingress_budget(struct vr_ingress *in)
{
	u64 least;

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
}

/* How many packets a visit may serve; a poll that is limited serves one at least. */
static unsigned int vr_ingress_max(const struct vr_ingress *in,
				   const struct vr_queue *queue,
				   unsigned int quota)
{
	u64 time, cost = max(queue->cost ? : in->cost, 1U);

	quota = min(quota, VR_INGRESS_BATCH);
	if (likely(!in->limited))
		return quota;
	time = (in->limit - in->now) << VR_INGRESS_COST_SHIFT;
	return min_t(u64, quota, div64_u64(time, cost) + 1);
}

static bool vr_ingress_may_go_on(const struct vr_ingress *in, unsigned int done,
				 unsigned int quota)
{
	return done < quota &&
	       (likely(!in->limited) || !done || in->now < in->limit);
}

static int vr_ingress_poll(struct napi_struct *napi, int budget)
{
	struct vr_ingress *in = container_of(napi, struct vr_ingress, napi);
	struct vr_drr_flow *flow;
	unsigned int quota, n, done = 0;
	struct vr_queue *queue;

	/* netpoll wants transmission only */
	if (unlikely(!budget))
		return 0;
	vr_drr_set_quantum(&in->drr, (u64)in->cost * VR_INGRESS_CLOCK >>
			   VR_INGRESS_COST_SHIFT);
	in->untimed = 0;
	/* a few packets are not timed, and came only now */
	if (in->again || in->arrived >= VR_INGRESS_CLOCK)
		in->now = vr_compat_clock();
	in->last = in->now;
	vr_ingress_budget(in);

	quota = min(VR_INGRESS_QUOTA, budget);
	rcu_read_lock();
	while (vr_ingress_may_go_on(in, done, quota) &&
	       (flow = vr_drr_next(&in->drr))) {
		queue = container_of(flow, struct vr_queue, flow);
		n = vr_ingress_serve(in, queue,
				     vr_ingress_max(in, queue, quota - done));
		vr_ingress_visit(in, queue, n);
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

static void vr_ingress_purge_fifo(struct vr_queue *queue, struct vr_fifo *fifo,
				  const struct net_device *dev,
				  enum vrouter_drop_reason reason)
{
	struct vr_fifo keep = {};
	struct sk_buff *skb;
	u32 len;

	while ((skb = vr_ingress_pop(fifo))) {
		len = vr_ingress_cb(skb)->len;
		if (skb->dev != dev)
			vr_ingress_push(&keep, skb, len);
		else
			vr_ingress_drop(queue, skb, reason, len);
	}
	*fifo = keep;
}

static void vr_ingress_purge(struct vr_ingress *in,
			     const struct vr_ingress_flush *flush, int cpu)
{
	struct vr_queue *queue = per_cpu_ptr(flush->router->queues, cpu);

	local_bh_disable();
	vr_ingress_purge_fifo(queue, &queue->control, flush->dev,
			      flush->reason);
	vr_ingress_purge_fifo(queue, &queue->data, flush->dev, flush->reason);
	if (vr_ingress_empty(queue))
		vr_drr_remove(&in->drr, &queue->flow);
	local_bh_enable();
}

static void vr_ingress_work(struct work_struct *work)
{
	struct vr_ingress *in = container_of(work, struct vr_ingress, work);

	vr_ingress_purge(in, in->flush, smp_processor_id());
}

/* When a CPU goes, another one goes on with its NAPI. */
static void vr_ingress_purge_offline(struct vr_ingress *in,
				     const struct vr_ingress_flush *flush,
				     int cpu)
{
	napi_disable(&in->napi);
	vr_ingress_purge(in, flush, cpu);
	napi_enable(&in->napi);
	local_bh_disable();
	in->active = vr_drr_next(&in->drr);
	if (in->active)
		napi_schedule(&in->napi);
	local_bh_enable();
}

/* Queues belong to their CPU: each one empties its own, with softirqs off. */
static void vr_ingress_run_flush(const struct vr_ingress_flush *flush)
{
	struct vr_ingress *in;
	int cpu;

	ASSERT_RTNL();
	cpus_read_lock();
	for_each_possible_cpu(cpu) {
		in = per_cpu_ptr(&vr_ingress, cpu);
		in->flush = flush;
		if (cpu_online(cpu))
			queue_work_on(cpu, system_highpri_wq, &in->work);
		else
			vr_ingress_purge_offline(in, flush, cpu);
	}
	for_each_online_cpu(cpu)
		flush_work(&per_cpu_ptr(&vr_ingress, cpu)->work);
	cpus_read_unlock();
}

/**
 * vr_ingress_flush() - drop what came in on a port
 * @router: router that served the port
 * @dev: the port; it leads to no router any more, and a grace period has passed
 *
 * Context: RTNL, may sleep.
 */
void vr_ingress_flush(struct vr_router *router, const struct net_device *dev)
{
	const struct vr_ingress_flush flush = {
		.router = router,
		.dev = dev,
		.reason = router->up ? VROUTER_DROP_PORT : VROUTER_DROP_DOWN,
	};

	vr_ingress_run_flush(&flush);
}

/**
 * vr_ingress_set_weight() - change a router's share
 * @router: router
 * @weight: 1..VROUTER_WEIGHT_MAX
 */
void vr_ingress_set_weight(struct vr_router *router, u32 weight)
{
	int cpu;

	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu_ptr(router->queues, cpu)->flow.weight,
			   weight);
}

/**
 * vr_ingress_queues_alloc() - make the queues of a router
 * @router: router
 *
 * Context: may sleep.
 * Return: queues, or NULL.
 */
struct vr_queue __percpu *vr_ingress_queues_alloc(struct vr_router *router)
{
	struct vr_queue __percpu *queues;
	struct vr_queue *queue;
	int cpu;

	queues = alloc_percpu_gfp(struct vr_queue, GFP_KERNEL_ACCOUNT);
	if (!queues)
		return NULL;
	for_each_possible_cpu(cpu) {
		queue = per_cpu_ptr(queues, cpu);
		vr_drr_flow_init(&queue->flow, router->weight);
		queue->router = router;
		u64_stats_init(&queue->stats.syncp);
	}
	return queues;
}

/**
 * vr_ingress_queues_free() - free the queues of a router
 * @queues: queues, empty
 */
void vr_ingress_queues_free(struct vr_queue __percpu *queues)
{
	free_percpu(queues);
}

static void vr_ingress_setup(struct vr_ingress *in)
{
	vr_drr_init(&in->drr, VR_INGRESS_BATCH * 1000);
	in->cost = 1000 << VR_INGRESS_COST_SHIFT;
	in->slice = VR_INGRESS_SLICE;
	INIT_WORK(&in->work, vr_ingress_work);
	set_bit(NAPI_STATE_NO_BUSY_POLL, &in->napi.state);
	netif_napi_add(vr_ingress_dev, &in->napi, vr_ingress_poll);
	napi_enable(&in->napi);
}

static void vr_ingress_end(void)
{
	struct vr_ingress *in;
	int cpu;

	for_each_possible_cpu(cpu) {
		in = per_cpu_ptr(&vr_ingress, cpu);
		napi_disable(&in->napi);
		netif_napi_del(&in->napi);
	}
	vr_compat_dummy_free(vr_ingress_dev);
}

/* A CPU that comes back waits until what it left behind is done elsewhere. */
static int vr_ingress_prepare(unsigned int cpu)
{
	const struct napi_struct *napi = &per_cpu(vr_ingress, cpu).napi;
	unsigned int tries = VR_INGRESS_RETURN / 20;

	while (test_bit(NAPI_STATE_SCHED, &napi->state)) {
		if (!tries--)
			return -EBUSY;
		msleep(20);
	}
	return 0;
}

/**
 * vr_ingress_init() - make the schedulers
 *
 * Return: 0, -ENOMEM, or what the kernel says to one more CPU hotplug state.
 */
int vr_ingress_init(void)
{
	int cpu, state;

	vr_ingress_dev = vr_compat_dummy_alloc();
	if (!vr_ingress_dev)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		vr_ingress_setup(per_cpu_ptr(&vr_ingress, cpu));
	state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN,
					  "net/vrouter:prepare",
					  vr_ingress_prepare, NULL);
	if (state < 0) {
		vr_ingress_end();
		return state;
	}
	vr_ingress_cpuhp = state;
	return 0;
}

/**
 * vr_ingress_exit() - end the schedulers; there are no routers any more
 */
void vr_ingress_exit(void)
{
	cpuhp_remove_state_nocalls(vr_ingress_cpuhp);
	vr_ingress_end();
}
