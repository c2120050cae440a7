/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The qdisc counts what it has, whatever happens to it: a part of sch_vrouter.c,
 * since nothing of it can be called from elsewhere.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/tcp.h>

#define VR_SCHED_KUNIT_SHARES	5
#define VR_SCHED_KUNIT_OPS	100000

/**
 * struct vr_sched_kunit - a qdisc and what it should have counted
 * @test: the test
 * @rnd: source of all choices
 * @dev: its device, which nobody knows
 * @qdisc: the qdisc
 * @share: shares of routers
 * @gone: number of the last one that was given up
 * @taken: frames that it has taken
 * @refused: frames that it has not
 * @sent: of those taken, the ones that it gave back
 */
struct vr_sched_kunit {
	struct kunit *test;
	struct rnd_state rnd;
	struct net_device *dev;
	struct Qdisc *qdisc;
	struct vr_share *share[VR_SCHED_KUNIT_SHARES];
	u32 gone;
	u32 taken;
	u32 refused;
	u32 sent;
};

static u32 vr_sched_kunit_below(struct vr_sched_kunit *k, u32 n)
{
	return prandom_u32_state(&k->rnd) % n;
}

/* invariant 67: lengths are the sums of what is in the lists */
static void vr_sched_kunit_check(struct vr_sched_kunit *k)
{
	struct vr_sched *sched = qdisc_priv(k->qdisc);
	u32 all = 0, all_bytes = 0, n, bytes;
	struct vr_sched_class *class;
	const struct sk_buff *skb;
	unsigned long id;

	xa_for_each(&sched->classes, id, class) {
		n = 0;
		bytes = 0;
		for (skb = class->head; skb; skb = skb->next) {
			n++;
			bytes += qdisc_pkt_len(skb);
		}
		KUNIT_ASSERT_EQ(k->test, class->qlen, n);
		KUNIT_ASSERT_EQ(k->test, class->backlog, bytes);
		if (n)
			KUNIT_ASSERT_TRUE(k->test, vr_drr_active(&class->flow));
		all += n;
		all_bytes += bytes;
	}
	KUNIT_ASSERT_EQ(k->test, qdisc_qlen(k->qdisc), all);
	KUNIT_ASSERT_EQ(k->test, k->qdisc->qstats.backlog, all_bytes);
	KUNIT_ASSERT_LE(k->test, all, sched->limit);
	KUNIT_ASSERT_EQ(k->test, k->taken + k->refused,
			k->sent + k->qdisc->qstats.drops + all);
}

/* A frame that says that it is so long. */
static struct sk_buff *vr_sched_kunit_frame(struct vr_sched_kunit *k, u32 len)
{
	struct sk_buff *skb = alloc_skb(64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(k->test, skb);
	skb->dev = k->dev;
	skb_put_zero(skb, ETH_ZLEN);
	qdisc_skb_cb(skb)->pkt_len = len;
	return skb;
}

static struct vr_sched_class *vr_sched_kunit_class(struct vr_sched_kunit *k,
						   const struct sk_buff *skb, u32 number)
{
	struct vr_sched_class *class;
	struct vr_share_sent old;

	local_bh_disable();
	old = vr_share_tell(skb, number);
	class = vr_sched_class_find(qdisc_priv(k->qdisc), skb);
	vr_share_told(old);
	local_bh_enable();
	return class;
}

static int vr_sched_kunit_send(struct vr_sched_kunit *k, struct sk_buff *skb, u32 number,
			       struct sk_buff **to_free)
{
	struct vr_share_sent old;
	int rc;

	local_bh_disable();
	old = vr_share_tell(skb, number);
	rc = vr_sched_enqueue(skb, k->qdisc, to_free);
	vr_share_told(old);
	local_bh_enable();
	return rc;
}

static void vr_sched_kunit_enqueue(struct vr_sched_kunit *k)
{
	u32 i = vr_sched_kunit_below(k, VR_SCHED_KUNIT_SHARES + 2), before, now;
	u32 number = i > VR_SCHED_KUNIT_SHARES ? k->gone : i ? k->share[i - 1]->id : 0;
	struct vr_sched *sched = qdisc_priv(k->qdisc);
	struct sk_buff *skb, *to_free = NULL;
	struct vr_sched_class *class;
	int rc;

	skb = vr_sched_kunit_frame(k, 1 + vr_sched_kunit_below(k, 65536));
	class = vr_sched_kunit_class(k, skb, number);
	/* who is gone sends no more: what bears its number is the host's */
	if (!i || i > VR_SCHED_KUNIT_SHARES)
		KUNIT_ASSERT_PTR_EQ(k->test, class, sched->host);
	before = class->qlen;
	rc = vr_sched_kunit_send(k, skb, number, &to_free);
	now = class->qlen;
	kfree_skb_list(to_free);
	k->taken += rc == NET_XMIT_SUCCESS;
	k->refused += rc != NET_XMIT_SUCCESS;
	/* invariant 68: a queue at its limit takes no more */
	KUNIT_ASSERT_EQ(k->test, rc == NET_XMIT_SUCCESS,
			before < vr_sched_limit(sched, class));
	if (rc != NET_XMIT_SUCCESS) {
		KUNIT_ASSERT_EQ(k->test, now, before);
		return;
	}
	/* a parent takes it for active from now on */
	KUNIT_ASSERT_GT(k->test, qdisc_qlen(k->qdisc), 0);
}

static void vr_sched_kunit_dequeue(struct vr_sched_kunit *k)
{
	u32 before = qdisc_qlen(k->qdisc);
	struct sk_buff *skb = vr_sched_dequeue(k->qdisc);

	/* CoDel leaves the last one */
	KUNIT_ASSERT_EQ(k->test, !!skb, before > 0);
	k->sent += !!skb;
	kfree_skb(skb);
}

/* As from user space */
static void vr_sched_kunit_limit(struct vr_sched_kunit *k, u32 limit)
{
	struct sk_buff *skb = alloc_skb(256, GFP_KERNEL);
	struct nlattr *opts;
	int err;

	KUNIT_ASSERT_NOT_NULL(k->test, skb);
	opts = nla_nest_start(skb, TCA_OPTIONS);
	nla_put_u32(skb, TCA_VROUTER_LIMIT, limit);
	nla_nest_end(skb, opts);
	rtnl_lock();
	err = vr_sched_change(k->qdisc, opts, NULL);
	rtnl_unlock();
	kfree_skb(skb);
	KUNIT_ASSERT_EQ(k->test, err, limit ? 0 : -ERANGE);
}

/* invariant 67: after a flush there is nothing, and nothing of it is sent */
static void vr_sched_kunit_flush(struct vr_sched_kunit *k)
{
	/* what it has is not dropped, as far as it counts */
	k->sent += qdisc_qlen(k->qdisc);
	rtnl_lock();
	qdisc_reset(k->qdisc);
	rtnl_unlock();
	KUNIT_ASSERT_EQ(k->test, qdisc_qlen(k->qdisc), 0);
	KUNIT_ASSERT_EQ(k->test, k->qdisc->qstats.backlog, 0);
	KUNIT_ASSERT_NULL(k->test, vr_sched_dequeue(k->qdisc));
}

static void vr_sched_kunit_router(struct vr_sched_kunit *k)
{
	u32 i = vr_sched_kunit_below(k, VR_SCHED_KUNIT_SHARES);

	switch (vr_sched_kunit_below(k, 4)) {
	case 0:
		k->gone = k->share[i]->id;
		vr_share_retire(k->share[i]);
		k->share[i] = vr_share_create();
		KUNIT_ASSERT_NOT_NULL(k->test, k->share[i]);
		break;
	case 1:
		WRITE_ONCE(k->share[i]->weight, 1 + vr_sched_kunit_below(k, 1000));
		break;
	default:
		WRITE_ONCE(k->share[i]->limit, vr_sched_kunit_below(k, 200));
	}
}

static void vr_sched_kunit_op(struct vr_sched_kunit *k)
{
	static const u32 limits[] = { 0, 1, 2, 5, 50, 1000 };

	switch (vr_sched_kunit_below(k, 2000)) {
	case 0 ... 9:
		vr_sched_kunit_limit(k, limits[vr_sched_kunit_below(k, 6)]);
		break;
	case 10:
		vr_sched_kunit_flush(k);
		break;
	case 11 ... 40:
		vr_sched_kunit_router(k);
		break;
	case 41 ... 900:
		vr_sched_kunit_dequeue(k);
		break;
	default:
		vr_sched_kunit_enqueue(k);
	}
}

static struct vr_sched_kunit *vr_sched_kunit_begin(struct kunit *test)
{
	struct vr_sched_kunit *k;
	struct netdev_queue *queue;
	unsigned int i;

	k = kunit_kzalloc(test, sizeof(*k), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, k);
	k->test = test;
	for (i = 0; i < VR_SCHED_KUNIT_SHARES; i++) {
		k->share[i] = vr_share_create();
		KUNIT_ASSERT_NOT_NULL(k->test, k->share[i]);
	}
	k->dev = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(k->test, k->dev);
	queue = netdev_get_tx_queue(k->dev, 0);
	rtnl_lock();
	k->qdisc = qdisc_create_dflt(queue, &vr_sched_ops, TC_H_ROOT, NULL);
	if (k->qdisc)
		rcu_assign_pointer(queue->qdisc_sleeping, k->qdisc);
	/* which a timer is to find */
	rcu_assign_pointer(queue->qdisc, &noop_qdisc);
	rtnl_unlock();
	KUNIT_ASSERT_NOT_NULL(k->test, k->qdisc);
	return k;
}

static void vr_sched_kunit_end(struct vr_sched_kunit *k)
{
	unsigned int i;

	rtnl_lock();
	qdisc_put(k->qdisc);
	rtnl_unlock();
	for (i = 0; i < VR_SCHED_KUNIT_SHARES; i++)
		vr_share_retire(k->share[i]);
	/* the qdisc is freed after a grace period, and it holds the device */
	rcu_barrier();
	free_netdev(k->dev);
}

static void vr_sched_kunit_random(struct kunit *test)
{
	struct vr_sched_kunit *k;
	u32 seed = get_random_u32();
	unsigned int i;

	k = vr_sched_kunit_begin(test);
	kunit_info(test, "seed 0x%x\n", seed);
	prandom_seed_state(&k->rnd, seed);
	for (i = 0; i < VR_SCHED_KUNIT_OPS; i++) {
		vr_sched_kunit_op(k);
		vr_sched_kunit_check(k);
	}
	KUNIT_EXPECT_GT(test, k->sent, 1000);
	vr_sched_kunit_flush(k);
	vr_sched_kunit_end(k);
}

/* A class that waits for its rate loses its last frame, and then its router. */
static void vr_sched_kunit_waiting(struct kunit *test)
{
	struct sk_buff *skb, *to_free = NULL;
	struct vr_sched_kunit *k;
	struct vr_sched *sched;
	unsigned int i;
	u32 id;

	k = vr_sched_kunit_begin(test);
	sched = qdisc_priv(k->qdisc);
	id = k->share[0]->id;
	k->share[0]->max_rate = 1;
	for (i = 0; i < 2; i++) {
		skb = vr_sched_kunit_frame(k, 1000);
		KUNIT_ASSERT_EQ(test, NET_XMIT_SUCCESS,
				vr_sched_kunit_send(k, skb, id, &to_free));
	}
	skb = vr_sched_dequeue(k->qdisc);
	KUNIT_EXPECT_NOT_NULL(test, skb);
	kfree_skb(skb);
	KUNIT_EXPECT_NULL(test, vr_sched_dequeue(k->qdisc));
	KUNIT_EXPECT_NOT_NULL(test, timerqueue_getnext(&sched->waiting));

	vr_share_retire(k->share[0]);
	k->share[0] = NULL;
	vr_sched_kunit_limit(k, 1);
	skb = vr_sched_kunit_frame(k, 10);
	KUNIT_EXPECT_EQ(test, NET_XMIT_SUCCESS, vr_sched_kunit_send(k, skb, 0, &to_free));
	KUNIT_EXPECT_EQ(test, 1, qdisc_qlen(k->qdisc));
	/* another router's first frame: the classes of those that are gone go, too */
	skb = vr_sched_kunit_frame(k, 9);
	KUNIT_EXPECT_EQ(test, NET_XMIT_SUCCESS,
			vr_sched_kunit_send(k, skb, k->share[1]->id, &to_free));
	KUNIT_EXPECT_NULL(test, xa_load(&sched->classes, id));
	KUNIT_EXPECT_NULL(test, timerqueue_getnext(&sched->waiting));
	kfree_skb_list(to_free);
	vr_sched_kunit_end(k);
}

/* What was sent at a low rate is forgotten when the rate is another one. */
static void vr_sched_kunit_rate(struct kunit *test)
{
	struct sk_buff *skb, *to_free = NULL;
	const struct vr_sched_class *class;
	struct vr_sched_kunit *k;
	struct codel_params codel;
	struct vr_sched *sched;
	unsigned int i;
	u32 id;

	k = vr_sched_kunit_begin(test);
	sched = qdisc_priv(k->qdisc);
	id = k->share[0]->id;
	WRITE_ONCE(k->share[0]->max_rate, 1);
	for (i = 0; i < 3; i++) {
		skb = vr_sched_kunit_frame(k, 1000);
		KUNIT_ASSERT_EQ(test, NET_XMIT_SUCCESS,
				vr_sched_kunit_send(k, skb, id, &to_free));
	}
	kfree_skb(vr_sched_dequeue(k->qdisc));
	KUNIT_EXPECT_NULL(test, vr_sched_dequeue(k->qdisc));
	KUNIT_EXPECT_EQ(test, 2, qdisc_qlen(k->qdisc));

	/* 12.3 ms for a frame of 1538 bytes */
	WRITE_ONCE(k->share[0]->max_rate, 125000);
	msleep(VR_SCHED_WAIT_MAX / NSEC_PER_MSEC + 20);
	kfree_skb(vr_sched_dequeue(k->qdisc));
	KUNIT_EXPECT_EQ(test, 1, qdisc_qlen(k->qdisc));
	class = xa_load(&sched->classes, id);
	codel = vr_sched_codel_params(class);
	KUNIT_EXPECT_GE(test, codel.target, MS2TIME(18));
	KUNIT_EXPECT_LE(test, codel.target, MS2TIME(20));
	KUNIT_EXPECT_EQ(test, codel.interval, sched->codel.interval);
	codel = vr_sched_codel_params(sched->host);
	KUNIT_EXPECT_EQ(test, codel.target, sched->codel.target);

	WRITE_ONCE(k->share[0]->max_rate, 0);
	msleep(VR_SCHED_WAIT_MAX / NSEC_PER_MSEC + 20);
	kfree_skb(vr_sched_dequeue(k->qdisc));
	KUNIT_EXPECT_EQ(test, 0, qdisc_qlen(k->qdisc));
	kfree_skb_list(to_free);
	vr_sched_kunit_end(k);
}

/* Who sends segments does not always say how many. */
static void vr_sched_kunit_segments(struct kunit *test)
{
	static const struct { u32 type, size, payload, segs, frames; } c[] = {
		{ SKB_GSO_TCPV4, 1000, 10000, 10, 10 },
		{ SKB_GSO_TCPV4, 1000, 10000, 0, 10 },
		{ SKB_GSO_TCPV4 | SKB_GSO_DODGY, 1000, 10000, 1, 10 },
		{ SKB_GSO_TCPV6 | SKB_GSO_DODGY, 1000, 10001, 0, 11 },
		{ SKB_GSO_TCPV4 | SKB_GSO_DODGY, 8, 8000, 0, 1000 },
		{ SKB_GSO_UDP_L4 | SKB_GSO_DODGY, 1000, 3012, 0, 4 },
		{ 0, 0, 1000, 0, 1 },
	};
	struct sk_buff *skb;
	struct tcphdr *tcp;
	int i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		skb = alloc_skb(16384, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		skb_put_zero(skb, ETH_HLEN + sizeof(struct iphdr));
		skb_set_transport_header(skb, skb->len);
		tcp = skb_put_zero(skb, sizeof(*tcp));
		tcp->doff = 5;
		skb_put_zero(skb, c[i].payload);
		skb_shinfo(skb)->gso_type = c[i].type;
		skb_shinfo(skb)->gso_size = c[i].size;
		skb_shinfo(skb)->gso_segs = c[i].segs;
		KUNIT_EXPECT_EQ_MSG(test, vr_sched_frames(skb), c[i].frames,
				    "case %d", i);
		kfree_skb(skb);
	}
}

/* A frame's note is good for this frame alone, and for what was written. */
static void vr_sched_kunit_note(struct kunit *test)
{
	struct sk_buff *skb = alloc_skb(64, GFP_KERNEL);
	struct sk_buff *other = alloc_skb(64, GFP_KERNEL);
	struct vr_share_sent old;
	u32 *word;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_EXPECT_EQ(test, vr_share_noted(skb), 0U);
	vr_share_note(skb, 5);
	KUNIT_EXPECT_EQ(test, vr_share_noted(skb), 5U);
	memcpy(other->cb, skb->cb, sizeof(skb->cb));
	KUNIT_EXPECT_EQ(test, vr_share_noted(other), 0U);
	/* seal and number: whatever tc's programs write there */
	for (i = 0; i < 3; i++) {
		word = (u32 *)qdisc_skb_cb(skb)->data + i;
		*word ^= 1;
		KUNIT_EXPECT_EQ_MSG(test, vr_share_noted(skb), 0U, "word %d", i);
		*word ^= 1;
	}
	KUNIT_EXPECT_EQ(test, vr_share_noted(skb), 5U);
	vr_share_note(skb, 0);
	KUNIT_EXPECT_EQ(test, vr_share_noted(skb), 0U);

	/* another CPU finds nothing on its own account */
	local_bh_disable();
	old = vr_share_tell(skb, 7);
	KUNIT_EXPECT_EQ(test, vr_share_of(skb), 7U);
	vr_share_told(old);
	KUNIT_EXPECT_EQ(test, vr_share_of(skb), VR_SHARE_ELSEWHERE ? 7U : 0U);
	local_bh_enable();
	kfree_skb(other);
	kfree_skb(skb);
}

static struct kunit_case vr_sched_kunit_list[] = {
	KUNIT_CASE(vr_sched_kunit_random),
	KUNIT_CASE(vr_sched_kunit_waiting),
	KUNIT_CASE(vr_sched_kunit_rate),
	KUNIT_CASE(vr_sched_kunit_segments),
	KUNIT_CASE(vr_sched_kunit_note),
	{}
};

static struct kunit_suite vr_sched_kunit_suite = {
	.name = "vrouter-sch",
	.test_cases = vr_sched_kunit_list,
};

kunit_test_suite(vr_sched_kunit_suite);
