// SPDX-License-Identifier: GPL-2.0
/*
 * Which of a router's packets is next.
 */
#include <kunit/test.h>
#include <linux/skbuff.h>

#include "../ingress_queue.h"

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

static struct kunit_case vr_ingress_kunit_list[] = {
	KUNIT_CASE(vr_ingress_kunit_turns),
	KUNIT_CASE(vr_ingress_kunit_first),
	KUNIT_CASE(vr_ingress_kunit_flood),
	{}
};

static struct kunit_suite vr_ingress_kunit_suite = {
	.name = "vrouter-ingress",
	.test_cases = vr_ingress_kunit_list,
};

kunit_test_suite(vr_ingress_kunit_suite);
