// SPDX-License-Identifier: GPL-2.0
/*
 * The life of the queues and of what serves them (ingress.c): how they are made, are
 * rid of packets that nobody is to serve any more, and end.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/rtnetlink.h>

#include "compat.h"
#include "ingress_queue.h"
#include "port.h"
#include "router.h"

#define VR_INGRESS_RETURN	10000	/* ms */

/**
 * struct vr_ingress_job - what each CPU is to do with its queue of a router
 * @fn: does it, with softirqs off
 * @router: router
 * @reason: flush: counted for each packet
 * @lock: reset: protects @base
 * @base: reset: what was counted up to now
 */
struct vr_ingress_job {
	void (*fn)(struct vr_ingress_job *job, struct vr_ingress *in,
		   struct vr_queue *queue);
	struct vr_router *router;
	enum vrouter_drop_reason reason;
	spinlock_t lock; /* protects @base */
	struct vr_stats_sum *base;
};

static struct net_device *vr_ingress_dev;
static enum cpuhp_state vr_ingress_cpuhp;

/* Whoever waits for this holds RTNL, so that ports stay with their routers. */
static bool vr_ingress_is_left(const struct vr_router *router,
			       const struct sk_buff *skb)
{
	const struct vr_port *port = netdev_priv(skb->dev);

	return rcu_access_pointer(port->router) != router;
}

static void vr_ingress_purge_fifo(const struct vr_ingress_job *job,
				  struct vr_queue *queue, struct vr_fifo *fifo)
{
	struct vr_fifo keep = {};
	struct sk_buff *skb;
	u32 len;

	while ((skb = vr_ingress_pop(fifo))) {
		len = vr_ingress_cb(skb)->len;
		if (vr_ingress_is_left(job->router, skb))
			vr_ingress_drop(queue, skb, job->reason, len);
		else
			vr_ingress_push(&keep, skb, len);
	}
	*fifo = keep;
}

static void vr_ingress_purge(struct vr_ingress_job *job, struct vr_ingress *in,
			     struct vr_queue *queue)
{
	vr_ingress_purge_fifo(job, queue, &queue->control);
	vr_ingress_purge_fifo(job, queue, &queue->data);
	if (vr_ingress_empty(queue))
		vr_drr_remove(&in->drr, &queue->flow);
}

/* Here no packet is half counted. What is queued stays received. */
static void vr_ingress_base(struct vr_ingress_job *job, struct vr_ingress *in,
			    struct vr_queue *queue)
{
	spin_lock(&job->lock);
	vr_stats_add(job->base, &queue->stats);
	job->base->rx_packets -= queue->control.packets + queue->data.packets;
	job->base->rx_bytes -= queue->control.bytes;
	job->base->rx_bytes -= queue->data.bytes;
	spin_unlock(&job->lock);
	WRITE_ONCE(queue->peak, 0);
}

static void vr_ingress_do(struct vr_ingress_job *job, struct vr_ingress *in,
			  int cpu)
{
	local_bh_disable();
	job->fn(job, in, per_cpu_ptr(job->router->queues, cpu));
	local_bh_enable();
}

static void vr_ingress_work(struct work_struct *work)
{
	struct vr_ingress *in = container_of(work, struct vr_ingress, work);

	vr_ingress_do(in->job, in, smp_processor_id());
}

/* When a CPU goes, another one goes on with its NAPI. */
static void vr_ingress_do_offline(struct vr_ingress_job *job,
				  struct vr_ingress *in, int cpu)
{
	napi_disable(&in->napi);
	vr_ingress_do(job, in, cpu);
	napi_enable(&in->napi);
	local_bh_disable();
	in->active = vr_drr_next(&in->drr);
	if (in->active)
		napi_schedule(&in->napi);
	local_bh_enable();
}

/* Without a packet so far, a CPU has nothing of the router in its hands. It is not asked:
 * one that is kept for somebody else may never get round to answering.
 */
static bool vr_ingress_knows(const struct vr_router *router, int cpu)
{
	return u64_stats_read(&per_cpu_ptr(router->queues, cpu)->stats.rx_packets);
}

/* Queues belong to their CPU: each one sees to its own, with softirqs off. */
static void vr_ingress_run(struct vr_ingress_job *job)
{
	struct vr_ingress *in;
	int cpu;

	ASSERT_RTNL();
	cpus_read_lock();
	for_each_possible_cpu(cpu) {
		if (!vr_ingress_knows(job->router, cpu))
			continue;
		in = per_cpu_ptr(&vr_ingress, cpu);
		in->job = job;
		if (cpu_online(cpu))
			queue_work_on(cpu, system_highpri_wq, &in->work);
		else
			vr_ingress_do_offline(job, in, cpu);
	}
	for_each_online_cpu(cpu)
		flush_work(&per_cpu_ptr(&vr_ingress, cpu)->work);
	cpus_read_unlock();
}

/**
 * vr_ingress_flush() - drop what came in on ports that left a router
 * @router: router; a grace period has passed since they lead to it no more
 *
 * Context: RTNL, may sleep.
 */
void vr_ingress_flush(struct vr_router *router)
{
	struct vr_ingress_job job = {
		.fn = vr_ingress_purge,
		.router = router,
		.reason = router->up ? VROUTER_DROP_PORT : VROUTER_DROP_DOWN,
	};

	vr_ingress_run(&job);
}

/**
 * vr_ingress_reset() - begin to count anew
 * @router: router
 * @base: zeroed; gets what was counted up to now, but for packets that are queued, so
 *	that the sums still agree
 *
 * Context: RTNL, may sleep.
 */
void vr_ingress_reset(struct vr_router *router, struct vr_stats_sum *base)
{
	struct vr_ingress_job job = {
		.fn = vr_ingress_base,
		.router = router,
		.base = base,
	};

	spin_lock_init(&job.lock);
	vr_ingress_run(&job);
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
	struct vr_ingress *in;
	int cpu, state;

	vr_ingress_dev = vr_compat_dummy_alloc();
	if (!vr_ingress_dev)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		in = per_cpu_ptr(&vr_ingress, cpu);
		INIT_WORK(&in->work, vr_ingress_work);
		vr_ingress_setup(in, vr_ingress_dev);
		napi_enable(&in->napi);
	}
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
