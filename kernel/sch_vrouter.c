// SPDX-License-Identifier: GPL-2.0
/*
 * Qdisc "vrouter": the routers on a NIC share its link.
 *
 * Description: each router has a class, made when its first frame comes; frames that
 * no router sent are the host's, in a class of its own. Classes take turns by deficit
 * round robin over the bytes that their frames take on the wire, with the routers'
 * weights as they are now. CoDel keeps each queue short. A full queue drops its own
 * router's frames; when all together are too many, the longest one gives.
 *
 * Whose a frame is, its port says while it sends it: vr_share_of().
 *
 * Locking: the qdisc's root lock, but for what is said otherwise. There is no qdisc
 * inside a class, so nobody comes back in here while a class changes.
 */
#include <linux/module.h>
#include <net/gso.h>

#include "drr.h"
#include "sch_class.h"
#include "sch_codel.h"
#include "sch_netlink.h"
#include "sch_queue.h"
#include "sch_vrouter.h"
#include "share.h"

#define VR_SCHED_LIMIT		10240
/* Frames that the longest queue gives at once, since looking for it takes time. */
#define VR_SCHED_DROPS		64
/*
 * Bytes a round for each unit of weight. Less than a frame, since a weight of 1000
 * sends a thousand times as much in one go; who is in debt for a frame waits for a few
 * rounds, which vr_drr_next() plays at once.
 */
#define VR_SCHED_QUANTUM	256
/* Frames of 64 KiB would take too long at less than that, bytes a second. */
#define VR_SCHED_SPLIT		125000000ULL
/* What a late timer may be made up for. */
#define VR_SCHED_CATCH_UP	(10 * NSEC_PER_MSEC)
/* A limit that is changed takes effect after that. */
#define VR_SCHED_WAIT_MAX	(50 * NSEC_PER_MSEC)

/* ---- enqueue ---- */

static u32 vr_sched_limit(const struct vr_sched *sched,
			  const struct vr_sched_class *class)
{
	return class->share ? READ_ONCE(class->share->limit) : sched->limit;
}

/* Return whether it is in the queue. */
static bool vr_sched_enqueue_one(struct Qdisc *qdisc, struct vr_sched_class *class,
				 struct sk_buff *skb, struct sk_buff **to_free)
{
	struct vr_sched *sched = qdisc_priv(qdisc);

	if (unlikely(class->qlen >= vr_sched_limit(sched, class))) {
		class->drops++;
		class->x.full_drops++;
		qdisc_drop(skb, qdisc, to_free);
		return false;
	}
	vr_sched_push(qdisc, class, skb);
	if (!vr_sched_class_waits(class))
		vr_drr_activate(&sched->drr, &class->flow);
	return true;
}

static bool vr_sched_splits(const struct vr_sched *sched,
			    const struct vr_sched_class *class,
			    const struct sk_buff *skb)
{
	u64 rate = class->share ? READ_ONCE(class->share->max_rate) : 0;

	return skb_is_gso(skb) &&
	       ((sched->bandwidth && sched->bandwidth < VR_SCHED_SPLIT) ||
		(rate && rate < VR_SCHED_SPLIT));
}

/* Frames of a rate come one by one. Return NET_XMIT_... */
static int vr_sched_enqueue_split(struct Qdisc *qdisc,
				  struct vr_sched_class *class,
				  struct sk_buff *skb, struct sk_buff **to_free)
{
	unsigned int len = qdisc_pkt_len(skb), bytes = 0;
	struct sk_buff *segs, *next;
	int n = 0;

	segs = skb_gso_segment(skb, netif_skb_features(skb) & ~NETIF_F_GSO_MASK);
	if (IS_ERR_OR_NULL(segs)) {
		class->drops++;
		return qdisc_drop(skb, qdisc, to_free);
	}
	for (; segs; segs = next) {
		next = segs->next;
		skb_mark_not_on_list(segs);
		qdisc_skb_cb(segs)->pkt_len = segs->len;
		vr_compat_pkt_segs(segs, 1);
		if (vr_sched_enqueue_one(qdisc, class, segs, to_free)) {
			bytes += qdisc_pkt_len(segs);
			n++;
		}
	}
	if (!n) {
		/* its parts are counted */
		__qdisc_drop(skb, to_free);
		return NET_XMIT_DROP;
	}
	consume_skb(skb);
	/* parents count one */
	qdisc_tree_reduce_backlog(qdisc, 1 - n, len - bytes);
	return NET_XMIT_SUCCESS;
}

static struct vr_sched_class *vr_sched_longest(struct vr_sched *sched)
{
	struct vr_sched_class *class, *longest = sched->host;
	unsigned long id;

	xa_for_each(&sched->classes, id, class)
		if (class->backlog > longest->backlog)
			longest = class;
	return longest;
}

/*
 * The longest queue gives half of what it has, or VR_SCHED_DROPS; but not its last
 * frame, after others: a parent that hands us a frame must not find us empty.
 */
static void vr_sched_shrink(struct Qdisc *qdisc, struct sk_buff **to_free)
{
	struct vr_sched_class *class = vr_sched_longest(qdisc_priv(qdisc));
	u32 goal = class->backlog / 2, n = 0, bytes = 0;
	struct sk_buff *skb;

	do {
		skb = vr_sched_pop(class);
		if (!skb)
			break;
		bytes += qdisc_pkt_len(skb);
		class->drops++;
		class->x.longest_drops++;
		qdisc_drop(skb, qdisc, to_free);
	} while (++n < VR_SCHED_DROPS && class->backlog > goal && class->qlen > 1);
	qdisc_tree_reduce_backlog(qdisc, n, bytes);
}

static int vr_sched_enqueue(struct sk_buff *skb, struct Qdisc *qdisc,
			    struct sk_buff **to_free)
{
	struct vr_sched *sched = qdisc_priv(qdisc);
	struct vr_sched_class *class = vr_sched_class_find(sched, skb);
	int rc = NET_XMIT_SUCCESS;

	if (vr_sched_splits(sched, class, skb))
		rc = vr_sched_enqueue_split(qdisc, class, skb, to_free);
	else if (!vr_sched_enqueue_one(qdisc, class, skb, to_free))
		rc = NET_XMIT_DROP;
	if (unlikely(qdisc_qlen(qdisc) > sched->limit))
		vr_sched_shrink(qdisc, to_free);
	return rc;
}

/* ---- dequeue ---- */

/* When a rate has taken so many bytes, after those before. */
static u64 vr_sched_taken(u64 free_at, u64 now, u64 rate, u32 bytes)
{
	free_at = max(free_at, now - min_t(u64, now, VR_SCHED_CATCH_UP));
	return free_at + div64_u64((u64)bytes * NSEC_PER_SEC, rate);
}

static void vr_sched_sent(struct vr_sched *sched, struct vr_sched_class *class,
			  const struct sk_buff *skb, u64 now)
{
	u32 wire = vr_sched_cb(skb)->wire;

	if (class->share)
		WRITE_ONCE(class->flow.weight, READ_ONCE(class->share->weight));
	vr_drr_charge(&sched->drr, &class->flow, wire, !class->qlen);
	if (class->rate)
		class->free_at = vr_sched_taken(class->free_at, now, class->rate,
						wire);
	if (sched->bandwidth)
		sched->free_at = vr_sched_taken(sched->free_at, now,
						sched->bandwidth, wire);
	bstats_update(&class->bstats, skb);
	class->x.wire_bytes += wire;
	qdisc_bstats_update(sched->qdisc, skb);
}

/* Let those go on whose time has come. */
static void vr_sched_wake(struct vr_sched *sched, u64 now)
{
	struct timerqueue_node *node;
	struct vr_sched_class *class;

	while ((node = timerqueue_getnext(&sched->waiting))) {
		if (node->expires > now)
			return;
		timerqueue_del(&sched->waiting, node);
		class = container_of(node, struct vr_sched_class, wait);
		if (class->qlen)
			vr_drr_activate(&sched->drr, &class->flow);
	}
}

/* What was sent at another rate does not count against this one. */
static void vr_sched_set_rate(struct vr_sched_class *class, u64 rate)
{
	class->rate = rate;
	class->free_at = 0;
	vr_sched_codel_rate(class);
}

/* Does a class have to wait for its rate? It is not active then. */
static bool vr_sched_must_wait(struct vr_sched *sched,
			       struct vr_sched_class *class, u64 *now)
{
	u64 rate = class->share ? READ_ONCE(class->share->max_rate) : 0;

	if (unlikely(rate != class->rate))
		vr_sched_set_rate(class, rate);
	if (!rate)
		return false;
	*now = *now ? : ktime_get_ns();
	if (class->free_at <= *now)
		return false;
	vr_drr_charge(&sched->drr, &class->flow, 0, true);
	class->overlimits++;
	qdisc_qstats_overlimit(sched->qdisc);
	class->wait.expires = min(class->free_at, *now + VR_SCHED_WAIT_MAX);
	timerqueue_add(&sched->waiting, &class->wait);
	return true;
}

static void vr_sched_sleep(struct vr_sched *sched)
{
	struct timerqueue_node *node = timerqueue_getnext(&sched->waiting);

	if (node)
		qdisc_watchdog_schedule_ns(&sched->watchdog, node->expires);
}

static struct sk_buff *vr_sched_take(struct Qdisc *qdisc)
{
	struct vr_sched *sched = qdisc_priv(qdisc);
	struct vr_sched_class *class;
	struct vr_drr_flow *flow;
	struct sk_buff *skb;
	u64 now = 0;

	if (!qdisc_qlen(qdisc))
		return NULL;
	/* reading the clock is what takes longest here */
	if (sched->bandwidth || timerqueue_getnext(&sched->waiting))
		now = ktime_get_ns();
	if (sched->bandwidth && sched->free_at > now) {
		qdisc_qstats_overlimit(qdisc);
		qdisc_watchdog_schedule_ns(&sched->watchdog,
					   min(sched->free_at,
					       now + VR_SCHED_WAIT_MAX));
		return NULL;
	}
	if (now)
		vr_sched_wake(sched, now);
	/* each turn sends a frame, or one flow less is active */
	while ((flow = vr_drr_next(&sched->drr))) {
		class = container_of(flow, struct vr_sched_class, flow);
		if (vr_sched_must_wait(sched, class, &now))
			continue;
		skb = vr_sched_codel_dequeue(class, now);
		if (skb) {
			vr_sched_sent(sched, class, skb, now);
			return skb;
		}
		vr_drr_charge(&sched->drr, flow, 0, true);
	}
	vr_sched_sleep(sched);
	return NULL;
}

/* Tell the parents what CoDel dropped. */
static void vr_sched_tell(struct Qdisc *qdisc)
{
	struct vr_sched *sched = qdisc_priv(qdisc);

	if (likely(!sched->dropped))
		return;
	qdisc_tree_reduce_backlog(qdisc, sched->dropped, sched->dropped_bytes);
	sched->dropped = 0;
	sched->dropped_bytes = 0;
}

static struct sk_buff *vr_sched_dequeue(struct Qdisc *qdisc)
{
	struct sk_buff *skb = vr_sched_take(qdisc);

	vr_sched_tell(qdisc);
	return skb;
}

/* The frame must be back in the queue when the parents are told: they take a class that
 * is empty then off their lists, while they look at what it has.
 */
static struct sk_buff *vr_sched_peek(struct Qdisc *qdisc)
{
	struct sk_buff *skb = skb_peek(&qdisc->gso_skb);

	if (skb)
		return skb;
	skb = vr_sched_take(qdisc);
	if (skb) {
		__skb_queue_head(&qdisc->gso_skb, skb);
		qdisc_qstats_backlog_inc(qdisc, skb);
		vr_compat_qlen_inc(qdisc);
	}
	vr_sched_tell(qdisc);
	return skb;
}

/* ---- settings ---- */

static int vr_sched_change(struct Qdisc *qdisc, struct nlattr *opt,
			   struct netlink_ext_ack *extack)
{
	struct vr_sched *sched = qdisc_priv(qdisc);
	struct nlattr *tb[TCA_VROUTER_MAX + 1];
	struct sk_buff *to_free = NULL;
	int err;

	err = vr_sched_parse(tb, opt, extack);
	if (err < 0)
		return err;
	sch_tree_lock(qdisc);
	vr_sched_apply(sched, tb);
	vr_sched_codel_settings(sched);
	while (vr_sched_longest(sched)->qlen && qdisc_qlen(qdisc) > sched->limit)
		vr_sched_shrink(qdisc, &to_free);
	sch_tree_unlock(qdisc);
	/* after the lock: there may be many */
	kfree_skb_list(to_free);
	return 0;
}

static int vr_sched_init_qdisc(struct Qdisc *qdisc, struct nlattr *opt,
			       struct netlink_ext_ack *extack)
{
	struct vr_sched *sched = qdisc_priv(qdisc);

	sched->qdisc = qdisc;
	sched->limit = VR_SCHED_LIMIT;
	vr_drr_init(&sched->drr, VR_SCHED_QUANTUM);
	timerqueue_init_head(&sched->waiting);
	xa_init_flags(&sched->classes, XA_FLAGS_LOCK_BH);
	qdisc_watchdog_init(&sched->watchdog, qdisc);
	sched->host = vr_sched_class_new(sched, VR_SHARE_HOST, NULL, GFP_KERNEL);
	if (!sched->host)
		return -ENOMEM;
	if (opt)
		return vr_sched_change(qdisc, opt, extack);
	vr_sched_codel_settings(sched);
	return 0;
}

static void vr_sched_reset(struct Qdisc *qdisc)
{
	struct vr_sched *sched = qdisc_priv(qdisc);
	struct vr_sched_class *class;
	unsigned long id;

	xa_for_each(&sched->classes, id, class) {
		rtnl_kfree_skbs(class->head, class->tail);
		class->head = NULL;
		class->qlen = 0;
		class->backlog = 0;
		class->free_at = 0;
		vr_sched_codel_reset(class);
		vr_drr_remove(&sched->drr, &class->flow);
		if (vr_sched_class_waits(class))
			timerqueue_del(&sched->waiting, &class->wait);
	}
	sched->free_at = 0;
	qdisc_watchdog_cancel(&sched->watchdog);
}

static void vr_sched_destroy(struct Qdisc *qdisc)
{
	struct vr_sched *sched = qdisc_priv(qdisc);
	struct vr_sched_class *class;
	unsigned long id;

	/* before Linux 6.1.13, a size table that is no good ends here without init */
	if (!sched->qdisc)
		return;
	qdisc_watchdog_cancel(&sched->watchdog);
	xa_for_each(&sched->classes, id, class)
		vr_sched_class_free(class);
	xa_destroy(&sched->classes);
}

static struct Qdisc_ops vr_sched_ops __read_mostly = {
	.id		= "vrouter",
	.priv_size	= sizeof(struct vr_sched),
	.cl_ops		= &vr_sched_class_ops,
	.enqueue	= vr_sched_enqueue,
	.dequeue	= vr_sched_dequeue,
	.peek		= vr_sched_peek,
	.init		= vr_sched_init_qdisc,
	.reset		= vr_sched_reset,
	.destroy	= vr_sched_destroy,
	.change		= vr_sched_change,
	.dump		= vr_sched_dump,
	.owner		= THIS_MODULE,
};

/**
 * vr_sched_init() - have the qdisc known
 *
 * Return: 0 or a negative error.
 */
int vr_sched_init(void)
{
	return register_qdisc(&vr_sched_ops);
}

/**
 * vr_sched_exit() - none of them is left, and there will be no more
 */
void vr_sched_exit(void)
{
	unregister_qdisc(&vr_sched_ops);
}

#ifdef VR_SCHED_KUNIT
#include "tests/sch_kunit.h"
#endif
