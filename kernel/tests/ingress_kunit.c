// SPDX-License-Identifier: GPL-2.0
/*
 * Which of a router's packets is next, and which are dropped with their port.
 */
#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>

#include "../ingress_queue.h"
#include "../port.h"
#include "../router.h"

#define VR_INGRESS_KUNIT_LEN	60

/* Each packet has a number, which stands in its mark. */
static void vr_ingress_kunit_push(struct kunit *test, struct vr_fifo *fifo, u32 mark)
{
	struct sk_buff *skb = alloc_skb(VR_INGRESS_KUNIT_LEN, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb->mark = mark;
	vr_ingress_cb(skb)->len = VR_INGRESS_KUNIT_LEN;
	vr_ingress_push(fifo, skb, VR_INGRESS_KUNIT_LEN);
}

/* Return: the next packet's number, 0 if there is none. */
static u32 vr_ingress_kunit_next(struct vr_queue *queue)
{
	struct sk_buff *skb = vr_ingress_dequeue(queue);
	u32 mark = skb ? skb->mark : 0;

	kfree_skb(skb);
	return mark;
}

static void vr_ingress_kunit_expect(struct kunit *test, struct vr_queue *queue,
				    const u32 *mark, int n)
{
	int i;

	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ_MSG(test, vr_ingress_kunit_next(queue), mark[i],
				    "packet %d", i);
}

static struct vr_queue *vr_ingress_kunit_start(struct kunit *test)
{
	struct vr_queue *queue = kunit_kzalloc(test, sizeof(*queue), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, queue);
	return queue;
}

static void vr_ingress_kunit_turns(struct kunit *test)
{
	static const u32 order[] = { 100, 1, 101, 2, 102, 103, 0 };
	struct vr_queue *queue = vr_ingress_kunit_start(test);
	u32 mark;

	for (mark = 1; mark <= 2; mark++)
		vr_ingress_kunit_push(test, &queue->data, mark);
	for (mark = 100; mark <= 103; mark++)
		vr_ingress_kunit_push(test, &queue->control, mark);
	vr_ingress_kunit_expect(test, queue, order, ARRAY_SIZE(order));
	KUNIT_EXPECT_EQ(test, queue->data.packets, 0U);
	KUNIT_EXPECT_EQ(test, queue->data.bytes, 0U);
	KUNIT_EXPECT_EQ(test, queue->control.packets, 0U);
	KUNIT_EXPECT_EQ(test, queue->control.bytes, 0U);
}

/* Control that no data waited for owes nothing to data that comes later. */
static void vr_ingress_kunit_first(struct kunit *test)
{
	static const u32 order[] = { 101, 1, 2, 0 };
	struct vr_queue *queue = vr_ingress_kunit_start(test);

	vr_ingress_kunit_push(test, &queue->control, 100);
	KUNIT_EXPECT_EQ(test, vr_ingress_kunit_next(queue), 100U);
	vr_ingress_kunit_push(test, &queue->data, 1);
	vr_ingress_kunit_push(test, &queue->data, 2);
	vr_ingress_kunit_push(test, &queue->control, 101);
	vr_ingress_kunit_expect(test, queue, order, ARRAY_SIZE(order));
}

/* A flood of control, and turns of one packet each, in which more of it comes. */
static void vr_ingress_kunit_flood(struct kunit *test)
{
	struct vr_queue *queue = vr_ingress_kunit_start(test);
	u32 mark, data = 0;

	for (mark = 1; mark <= 50; mark++)
		vr_ingress_kunit_push(test, &queue->data, mark);
	for (mark = 0; mark < 60; mark++) {
		vr_ingress_kunit_push(test, &queue->control, 100);
		data += vr_ingress_kunit_next(queue) < 100;
	}
	KUNIT_EXPECT_EQ(test, data, 30U);
	while (vr_ingress_kunit_next(queue))
		;
}

/* A router with ports, a queue on each CPU, and nothing else. */
#define VR_INGRESS_KUNIT_PORTS	3

struct vr_ingress_kunit {
	struct vr_router router;
	bool control;
	struct net_device *port[VR_INGRESS_KUNIT_PORTS];
};

static void vr_ingress_kunit_set_port(struct net_device *dev, struct vr_router *router)
{
	struct vr_port *port = netdev_priv(dev);

	RCU_INIT_POINTER(port->router, router);
}

static struct vr_ingress_kunit *vr_ingress_kunit_router(struct kunit *test, bool control)
{
	struct vr_ingress_kunit *k = kunit_kzalloc(test, sizeof(*k), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, k);
	test->priv = k;
	k->control = control;
	k->router.weight = 1;
	k->router.up = true;
	k->router.queues = vr_ingress_queues_alloc(&k->router);
	KUNIT_ASSERT_NOT_NULL(test, (__force void *)k->router.queues);
	for (i = 0; i < VR_INGRESS_KUNIT_PORTS; i++) {
		k->port[i] = alloc_etherdev(sizeof(struct vr_port));
		KUNIT_ASSERT_NOT_NULL(test, k->port[i]);
		vr_ingress_kunit_set_port(k->port[i], &k->router);
	}
	return k;
}

static void vr_ingress_kunit_exit(struct kunit *test)
{
	struct vr_ingress_kunit *k = test->priv;
	int i, cpu;

	if (!k)
		return;
	for_each_possible_cpu(cpu)
		while (k->router.queues &&
		       vr_ingress_kunit_next(per_cpu_ptr(k->router.queues, cpu)))
			;
	for (i = 0; i < VR_INGRESS_KUNIT_PORTS; i++)
		if (k->port[i])
			free_netdev(k->port[i]);
	vr_ingress_queues_free(k->router.queues);
}

static struct vr_fifo *vr_ingress_kunit_fifo(struct vr_ingress_kunit *k, int cpu)
{
	struct vr_queue *queue = per_cpu_ptr(k->router.queues, cpu);

	return k->control ? &queue->control : &queue->data;
}

/* Marks count from 1 on, and ports take turns. */
static void vr_ingress_kunit_fill(struct kunit *test, struct vr_ingress_kunit *k, int cpu,
				  u32 packets)
{
	struct vr_queue *queue = per_cpu_ptr(k->router.queues, cpu);
	struct vr_fifo *fifo = vr_ingress_kunit_fifo(k, cpu);
	u32 mark;

	for (mark = 1; mark <= packets; mark++) {
		vr_ingress_kunit_push(test, fifo, mark);
		fifo->tail->dev = k->port[mark % VR_INGRESS_KUNIT_PORTS];
	}
	u64_stats_add(&queue->stats.rx_packets, packets);
}

static void vr_ingress_kunit_flush(struct vr_ingress_kunit *k)
{
	rtnl_lock();
	vr_ingress_flush(&k->router);
	rtnl_unlock();
}

static void vr_ingress_kunit_dropped(struct kunit *test, struct vr_ingress_kunit *k, int cpu,
				     enum vrouter_drop_reason reason, u64 packets)
{
	struct vr_stats *stats = &per_cpu_ptr(k->router.queues, cpu)->stats;

	KUNIT_EXPECT_EQ_MSG(test, u64_stats_read(&stats->drop[reason]), packets, "CPU %d", cpu);
}

/* Two of three ports leave; what came in on the other one stays, in its order. */
static void vr_ingress_kunit_leave(struct kunit *test, bool control)
{
	static const u32 order[] = { 2, 5, 8, 0 };
	struct vr_ingress_kunit *k = vr_ingress_kunit_router(test, control);
	struct vr_fifo *fifo;
	int cpu;

	for_each_online_cpu(cpu)
		vr_ingress_kunit_fill(test, k, cpu, 10);
	vr_ingress_kunit_flush(k);
	for_each_online_cpu(cpu)
		KUNIT_EXPECT_EQ(test, vr_ingress_kunit_fifo(k, cpu)->packets, 10U);

	vr_ingress_kunit_set_port(k->port[0], NULL);
	vr_ingress_kunit_set_port(k->port[1], NULL);
	vr_ingress_kunit_flush(k);
	for_each_online_cpu(cpu) {
		fifo = vr_ingress_kunit_fifo(k, cpu);
		KUNIT_EXPECT_EQ(test, fifo->packets, 3U);
		KUNIT_EXPECT_EQ(test, fifo->bytes, 3U * VR_INGRESS_KUNIT_LEN);
		vr_ingress_kunit_dropped(test, k, cpu, VROUTER_DROP_PORT, 7);
		vr_ingress_kunit_expect(test, per_cpu_ptr(k->router.queues, cpu), order,
					ARRAY_SIZE(order));
	}
}

static void vr_ingress_kunit_leave_data(struct kunit *test)
{
	vr_ingress_kunit_leave(test, false);
}

static void vr_ingress_kunit_leave_control(struct kunit *test)
{
	vr_ingress_kunit_leave(test, true);
}

static void vr_ingress_kunit_down(struct kunit *test)
{
	struct vr_ingress_kunit *k = vr_ingress_kunit_router(test, false);
	int i, cpu;

	for_each_online_cpu(cpu)
		vr_ingress_kunit_fill(test, k, cpu, 10);
	k->router.up = false;
	for (i = 0; i < VR_INGRESS_KUNIT_PORTS; i++)
		vr_ingress_kunit_set_port(k->port[i], NULL);
	vr_ingress_kunit_flush(k);
	for_each_online_cpu(cpu) {
		KUNIT_EXPECT_TRUE(test, vr_ingress_empty(per_cpu_ptr(k->router.queues, cpu)));
		vr_ingress_kunit_dropped(test, k, cpu, VROUTER_DROP_PORT, 0);
		vr_ingress_kunit_dropped(test, k, cpu, VROUTER_DROP_DOWN, 10);
	}
}

static struct kunit_case vr_ingress_kunit_list[] = {
	KUNIT_CASE(vr_ingress_kunit_turns),
	KUNIT_CASE(vr_ingress_kunit_first),
	KUNIT_CASE(vr_ingress_kunit_flood),
	KUNIT_CASE(vr_ingress_kunit_leave_data),
	KUNIT_CASE(vr_ingress_kunit_leave_control),
	KUNIT_CASE(vr_ingress_kunit_down),
	{}
};

static struct kunit_suite vr_ingress_kunit_suite = {
	.name = "vrouter-ingress",
	.exit = vr_ingress_kunit_exit,
	.test_cases = vr_ingress_kunit_list,
};

kunit_test_suite(vr_ingress_kunit_suite);
