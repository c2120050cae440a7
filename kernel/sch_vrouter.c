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
 * A frame says whose it is in skb->tc_index, see vr_egress.
 *
 * Locking: the qdisc's root lock, but for what is said otherwise. There is no qdisc
 * inside a class, so nobody comes back in here while a class changes.
 */
#include <linux/module.h>
#include <linux/timerqueue.h>
#include <linux/xarray.h>
#include <net/codel.h>
#include <net/codel_impl.h>
#include <net/codel_qdisc.h>
#include <net/gso.h>
#include <net/pkt_sched.h>
#include <uapi/linux/sch_vrouter.h>

#include "compat.h"
#include "drr.h"
#include "sch_vrouter.h"
#include "share.h"

#define VR_SCHED_LIMIT		10240
/* Frames that the longest queue gives at once, since looking for it takes time. */
#define VR_SCHED_DROPS		64
/* Preamble and start of frame, FCS, and the gap after it. */
#define VR_SCHED_WIRE		24
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
/* A limit that is lifted takes effect after that. */
#define VR_SCHED_WAIT_MAX	(50 * NSEC_PER_MSEC)

/**
 * struct vr_sched_cb - of a frame in a queue
 * @codel: CoDel's
 * @wire: bytes on the wire
 */
struct vr_sched_cb {
	struct codel_skb_cb codel;
	u32 wire;
};

/**
 * struct vr_sched_class - a router's frames, or the host's
 * @flow: its turn
 * @wait: until when it may not send, if it is in &vr_sched.waiting
 * @share: the router's share, NULL for the host
 * @sched: the qdisc's private part
 * @id: minor number
 * @qlen: frames
 * @backlog: their bytes, as qdiscs count
 * @head: the first frame
 * @tail: the last one
 * @free_at: when the frames sent so far have used up the rate, ns
 * @cvars: CoDel's state
 * @cstats: CoDel's counters
 * @bstats: sent
 * @drops: dropped, by whatever
 * @overlimits: times that it had to wait for its rate
 * @x: more counters
 */
struct vr_sched_class {
	struct vr_drr_flow flow;
	struct timerqueue_node wait;
	struct vr_share *share;
	struct vr_sched *sched;
	u32 id;
	u32 qlen;
	u32 backlog;
	struct sk_buff *head;
	struct sk_buff *tail;
	u64 free_at;
	struct codel_vars cvars;
	struct codel_stats cstats;
	struct gnet_stats_basic_sync bstats;
	u32 drops;
	u32 overlimits;
	struct tc_vrouter_xstats x;
};

/**
 * struct vr_sched - a qdisc's private part
 * @qdisc: the qdisc
 * @drr: whose turn it is
 * @waiting: classes with frames that have to wait for their rate
 * @classes: by minor number
 * @host: the host's class
 * @recent: the class of the latest frame, or NULL
 * @bandwidth: bytes a second, 0 for any; read with READ_ONCE() elsewhere
 * @limit: most frames
 * @free_at: when the frames sent so far have used up @bandwidth, ns
 * @codel: CoDel's settings
 * @watchdog: goes on when a rate allows
 */
struct vr_sched {
	struct Qdisc *qdisc;
	struct vr_drr drr;
	struct timerqueue_head waiting;
	struct xarray classes;
	struct vr_sched_class *host;
	struct vr_sched_class *recent;
	u64 bandwidth;
	u32 limit;
	u64 free_at;
	struct codel_params codel;
	struct qdisc_watchdog watchdog;
};

static struct vr_sched_cb *vr_sched_cb(const struct sk_buff *skb)
{
	qdisc_cb_private_validate(skb, sizeof(struct vr_sched_cb));
	return (struct vr_sched_cb *)qdisc_skb_cb(skb)->data;
}

/* Of all segments, each of which the driver makes a frame. */
static u32 vr_sched_wire(const struct sk_buff *skb)
{
	u32 frames = max_t(u32, skb_shinfo(skb)->gso_segs, 1);
	u32 more = VR_SCHED_WIRE + (skb_vlan_tag_present(skb) ? VLAN_HLEN : 0);

	if (!skb_is_gso(skb))
		frames = 1;
	return max_t(u32, qdisc_pkt_len(skb), frames * ETH_ZLEN) + frames * more;
}

/* ---- classes ---- */

static struct vr_sched_class *vr_sched_class_new(struct vr_sched *sched, u32 id,
						 struct vr_share *share, gfp_t gfp)
{
	struct vr_sched_class *class = kzalloc(sizeof(*class), gfp);

	if (!class)
		return NULL;
	class->id = id;
	class->sched = sched;
	class->share = share;
	vr_drr_flow_init(&class->flow, share ? READ_ONCE(share->weight) : 1);
	timerqueue_init(&class->wait);
	codel_vars_init(&class->cvars);
	codel_stats_init(&class->cstats);
	gnet_stats_basic_sync_init(&class->bstats);
	if (xa_err(xa_store_bh(&sched->classes, id, class, gfp))) {
		kfree(class);
		return NULL;
	}
	return class;
}

static bool vr_sched_is_waiting(const struct vr_sched_class *class)
{
	return !RB_EMPTY_NODE(&class->wait.node);
}

static void vr_sched_class_free(struct vr_sched *sched,
				struct vr_sched_class *class)
{
	vr_drr_remove(&sched->drr, &class->flow);
	if (vr_sched_is_waiting(class))
		timerqueue_del(&sched->waiting, &class->wait);
	xa_erase_bh(&sched->classes, class->id);
	if (sched->recent == class)
		sched->recent = NULL;
	if (class->share)
		vr_share_put(class->share);
	kfree(class);
}

/* Classes of routers that are gone, once all is sent. */
static void vr_sched_sweep(struct vr_sched *sched)
{
	struct vr_sched_class *class;
	unsigned long id;

	xa_for_each(&sched->classes, id, class)
		if (class->share && READ_ONCE(class->share->dead) && !class->qlen)
			vr_sched_class_free(sched, class);
}

static struct vr_sched_class *vr_sched_class_add(struct vr_sched *sched, u32 id)
{
	struct vr_sched_class *class;
	struct vr_share *share;

	share = vr_share_get(id);
	if (!share)
		return sched->host;
	vr_sched_sweep(sched);
	class = vr_sched_class_new(sched, id, share, GFP_ATOMIC | __GFP_NOWARN);
	if (class)
		return class;
	vr_share_put(share);
	return sched->host;
}

static struct vr_sched_class *vr_sched_classify(struct vr_sched *sched,
						const struct sk_buff *skb)
{
	struct vr_sched_class *class;
	u32 id = skb->tc_index;

	if (id <= VR_SHARE_HOST)
		return sched->host;
	class = sched->recent;
	if (!class || class->id != id)
		class = xa_load(&sched->classes, id);
	sched->recent = class;
	if (likely(class && !READ_ONCE(class->share->dead)))
		return class;
	/* what its router had on the way when it went */
	if (class && class->qlen)
		return sched->host;
	/* the number may be another's by now */
	if (class)
		vr_sched_class_free(sched, class);
	return vr_sched_class_add(sched, id);
}

/* ---- queues: nobody else changes lengths ---- */

static void vr_sched_push(struct Qdisc *qdisc, struct vr_sched_class *class,
			  struct sk_buff *skb)
{
	codel_set_enqueue_time(skb);
	vr_sched_cb(skb)->wire = vr_sched_wire(skb);
	skb->next = NULL;
	if (class->head)
		class->tail->next = skb;
	else
		class->head = skb;
	class->tail = skb;
	class->qlen++;
	class->backlog += qdisc_pkt_len(skb);
	vr_compat_qlen_inc(qdisc);
	qdisc_qstats_backlog_inc(qdisc, skb);
}

static struct sk_buff *vr_sched_pop(struct vr_sched_class *class)
{
	struct Qdisc *qdisc = class->sched->qdisc;
	struct sk_buff *skb = class->head;

	if (!skb)
		return NULL;
	class->head = skb->next;
	skb_mark_not_on_list(skb);
	class->qlen--;
	class->backlog -= qdisc_pkt_len(skb);
	vr_compat_qlen_dec(qdisc);
	qdisc_qstats_backlog_dec(qdisc, skb);
	return skb;
}

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
	if (!vr_sched_is_waiting(class))
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
	struct vr_sched_class *class = vr_sched_classify(sched, skb);
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

static struct sk_buff *vr_sched_codel_pop(struct codel_vars *vars, void *ctx)
{
	return vr_sched_pop(ctx);
}

static void vr_sched_codel_drop(struct sk_buff *skb, void *ctx)
{
	struct vr_sched_class *class = ctx;

	class->drops++;
	qdisc_qstats_drop(class->sched->qdisc);
	kfree_skb(skb);
}

/* As codel_dequeue() does it with the last frame, but without the clock. */
static struct sk_buff *vr_sched_class_last(struct vr_sched_class *class, u64 now)
{
	struct sk_buff *skb = vr_sched_pop(class);

	class->cvars.first_above_time = 0;
	class->cvars.dropping = false;
	class->cvars.ldelay = 0;
	if (now)
		class->cvars.ldelay = (codel_time_t)(now >> CODEL_SHIFT) -
				      codel_get_enqueue_time(skb);
	return skb;
}

/* A frame, if CoDel leaves one. */
static struct sk_buff *vr_sched_class_dequeue(struct vr_sched *sched,
					      struct vr_sched_class *class,
					      u64 now)
{
	struct codel_stats *stats = &class->cstats;
	struct sk_buff *skb;

	if (class->qlen == 1)
		return vr_sched_class_last(class, now);
	stats->drop_count = 0;
	stats->drop_len = 0;
	stats->ecn_mark = 0;
	skb = codel_dequeue(class, &class->backlog, &sched->codel, &class->cvars,
			    stats, qdisc_pkt_len, codel_get_enqueue_time,
			    vr_sched_codel_drop, vr_sched_codel_pop);
	class->x.codel_drops += stats->drop_count;
	class->x.marks += stats->ecn_mark;
	if (stats->drop_count)
		qdisc_tree_reduce_backlog(sched->qdisc, stats->drop_count,
					  stats->drop_len);
	return skb;
}

/* When a rate has taken so many bytes, after those before. */
static u64 vr_sched_taken(u64 free_at, u64 now, u64 rate, u32 bytes)
{
	free_at = max(free_at, now - min_t(u64, now, VR_SCHED_CATCH_UP));
	return free_at + div64_u64((u64)bytes * NSEC_PER_SEC, rate);
}

static void vr_sched_sent(struct vr_sched *sched, struct vr_sched_class *class,
			  const struct sk_buff *skb, u64 now)
{
	u64 rate = class->share && now ? READ_ONCE(class->share->max_rate) : 0;
	u32 wire = vr_sched_cb(skb)->wire;

	if (class->share)
		WRITE_ONCE(class->flow.weight, READ_ONCE(class->share->weight));
	vr_drr_charge(&sched->drr, &class->flow, wire, !class->qlen);
	if (rate)
		class->free_at = vr_sched_taken(class->free_at, now, rate, wire);
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

/* Does a class have to wait for its rate? It is not active then. */
static bool vr_sched_must_wait(struct vr_sched *sched,
			       struct vr_sched_class *class, u64 *now)
{
	if (!class->share || !READ_ONCE(class->share->max_rate))
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

static struct sk_buff *vr_sched_dequeue(struct Qdisc *qdisc)
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
		skb = vr_sched_class_dequeue(sched, class, now);
		if (skb) {
			vr_sched_sent(sched, class, skb, now);
			return skb;
		}
		vr_drr_charge(&sched->drr, flow, 0, true);
	}
	vr_sched_sleep(sched);
	return NULL;
}

/* ---- settings ---- */

static const struct nla_policy vr_sched_policy[TCA_VROUTER_MAX + 1] = {
	[TCA_VROUTER_BANDWIDTH] = { .type = NLA_U64 },
	[TCA_VROUTER_LIMIT] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* As little as leaves CoDel a frame or two to wait for, on a slow link. */
static void vr_sched_set_codel(struct vr_sched *sched)
{
	u32 mtu = psched_mtu(qdisc_dev(sched->qdisc));
	u64 frame = 0;

	if (sched->bandwidth)
		frame = div64_u64((u64)(mtu + VR_SCHED_WIRE) * NSEC_PER_SEC * 3 / 2,
				  sched->bandwidth);
	codel_params_init(&sched->codel);
	frame = min_t(u64, frame, NSEC_PER_SEC);
	sched->codel.target = max_t(codel_time_t, sched->codel.target,
				    frame >> CODEL_SHIFT);
	sched->codel.interval = max_t(codel_time_t, sched->codel.interval,
				      2 * sched->codel.target);
	sched->codel.ecn = true;
	sched->codel.mtu = mtu;
}

static int vr_sched_change(struct Qdisc *qdisc, struct nlattr *opt,
			   struct netlink_ext_ack *extack)
{
	struct vr_sched *sched = qdisc_priv(qdisc);
	struct nlattr *tb[TCA_VROUTER_MAX + 1];
	struct sk_buff *to_free = NULL;
	int err;

	err = nla_parse_nested(tb, TCA_VROUTER_MAX, opt, vr_sched_policy, extack);
	if (err < 0)
		return err;
	sch_tree_lock(qdisc);
	if (tb[TCA_VROUTER_BANDWIDTH]) {
		WRITE_ONCE(sched->bandwidth,
			   nla_get_u64(tb[TCA_VROUTER_BANDWIDTH]));
		sched->free_at = 0;
	}
	if (tb[TCA_VROUTER_LIMIT])
		WRITE_ONCE(sched->limit, nla_get_u32(tb[TCA_VROUTER_LIMIT]));
	vr_sched_set_codel(sched);
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
	vr_sched_set_codel(sched);
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
		codel_vars_init(&class->cvars);
		vr_drr_remove(&sched->drr, &class->flow);
		if (vr_sched_is_waiting(class))
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

	/* without it, making the qdisc has failed before there was anything */
	if (!sched->qdisc)
		return;
	qdisc_watchdog_cancel(&sched->watchdog);
	xa_for_each(&sched->classes, id, class)
		vr_sched_class_free(sched, class);
	xa_destroy(&sched->classes);
}

static int vr_sched_dump(struct Qdisc *qdisc, struct sk_buff *skb)
{
	struct vr_sched *sched = qdisc_priv(qdisc);
	struct nlattr *opts = nla_nest_start_noflag(skb, TCA_OPTIONS);

	if (!opts)
		return -EMSGSIZE;
	if (nla_put_u64_64bit(skb, TCA_VROUTER_BANDWIDTH,
			      READ_ONCE(sched->bandwidth), TCA_VROUTER_PAD) ||
	    nla_put_u32(skb, TCA_VROUTER_LIMIT, READ_ONCE(sched->limit))) {
		nla_nest_cancel(skb, opts);
		return -EMSGSIZE;
	}
	return nla_nest_end(skb, opts);
}

/* ---- classes, for others: named by their minor number, since they come and go ---- */

static struct Qdisc *vr_sched_leaf(struct Qdisc *qdisc, unsigned long id)
{
	return NULL;
}

static unsigned long vr_sched_find(struct Qdisc *qdisc, u32 classid)
{
	struct vr_sched *sched = qdisc_priv(qdisc);

	return xa_load(&sched->classes, TC_H_MIN(classid)) ? TC_H_MIN(classid) : 0;
}

static void vr_sched_walk(struct Qdisc *qdisc, struct qdisc_walker *walker)
{
	struct vr_sched *sched = qdisc_priv(qdisc);
	unsigned long id = 0;

	if (walker->stop)
		return;
	while (xa_find_after(&sched->classes, &id, ULONG_MAX, XA_PRESENT)) {
		if (walker->count >= walker->skip &&
		    walker->fn(qdisc, id, walker) < 0) {
			walker->stop = 1;
			return;
		}
		walker->count++;
	}
}

static int vr_sched_fill_class(struct sk_buff *skb, const struct vr_share *share)
{
	if (!share)
		return nla_put_u32(skb, TCA_VROUTER_CLASS_WEIGHT, 1);
	return nla_put_string(skb, TCA_VROUTER_CLASS_NAME, share->name) ? :
	       nla_put_u32(skb, TCA_VROUTER_CLASS_WEIGHT,
			   READ_ONCE(share->weight)) ? :
	       nla_put_u64_64bit(skb, TCA_VROUTER_CLASS_MAX_RATE,
				 READ_ONCE(share->max_rate),
				 TCA_VROUTER_CLASS_PAD) ? :
	       (READ_ONCE(share->dead) ?
		nla_put_flag(skb, TCA_VROUTER_CLASS_GONE) : 0);
}

static int vr_sched_dump_class(struct Qdisc *qdisc, unsigned long id,
			       struct sk_buff *skb, struct tcmsg *tcm)
{
	struct vr_sched *sched = qdisc_priv(qdisc);
	struct vr_sched_class *class;
	struct nlattr *opts;
	int err = -ENOENT;

	tcm->tcm_parent = TC_H_ROOT;
	tcm->tcm_handle = TC_H_MAKE(qdisc->handle, id);
	opts = nla_nest_start_noflag(skb, TCA_OPTIONS);
	if (!opts)
		return -EMSGSIZE;
	sch_tree_lock(qdisc);
	class = xa_load(&sched->classes, id);
	if (class)
		err = vr_sched_fill_class(skb, class->share);
	sch_tree_unlock(qdisc);
	/* it has gone since: tell what is left of it, a number */
	if (err && err != -ENOENT) {
		nla_nest_cancel(skb, opts);
		return err;
	}
	return nla_nest_end(skb, opts);
}

static int vr_sched_dump_class_stats(struct Qdisc *qdisc, unsigned long id,
				     struct gnet_dump *d)
{
	struct vr_sched *sched = qdisc_priv(qdisc);
	struct gnet_stats_basic_sync bstats;
	struct gnet_stats_queue qs = {};
	struct tc_vrouter_xstats x = {};
	struct vr_sched_class *class;
	u32 qlen = 0;

	gnet_stats_basic_sync_init(&bstats);
	sch_tree_lock(qdisc);
	class = xa_load(&sched->classes, id);
	if (class) {
		_bstats_update(&bstats, u64_stats_read(&class->bstats.bytes),
			       u64_stats_read(&class->bstats.packets));
		qs.drops = class->drops;
		qs.overlimits = class->overlimits;
		qs.backlog = class->backlog;
		qlen = class->qlen;
		x = class->x;
		x.sojourn_us = codel_time_to_us(class->cvars.ldelay);
	}
	sch_tree_unlock(qdisc);
	if (gnet_stats_copy_basic(d, NULL, &bstats, false) < 0 ||
	    gnet_stats_copy_queue(d, NULL, &qs, qlen) < 0)
		return -1;
	return gnet_stats_copy_app(d, &x, sizeof(x));
}

static const struct Qdisc_class_ops vr_sched_class_ops = {
	.leaf		= vr_sched_leaf,
	.find		= vr_sched_find,
	.walk		= vr_sched_walk,
	.dump		= vr_sched_dump_class,
	.dump_stats	= vr_sched_dump_class_stats,
};

static struct Qdisc_ops vr_sched_ops __read_mostly = {
	.id		= "vrouter",
	.priv_size	= sizeof(struct vr_sched),
	.cl_ops		= &vr_sched_class_ops,
	.enqueue	= vr_sched_enqueue,
	.dequeue	= vr_sched_dequeue,
	.peek		= qdisc_peek_dequeued,
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
