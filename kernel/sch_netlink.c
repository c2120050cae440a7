// SPDX-License-Identifier: GPL-2.0
/*
 * Qdisc "vrouter" as user space sets and sees it.
 */
#include <net/netlink.h>

#include "sch_netlink.h"
#include "share.h"

static const struct nla_policy vr_sched_policy[TCA_VROUTER_MAX + 1] = {
	[TCA_VROUTER_BANDWIDTH] = { .type = NLA_U64 },
	[TCA_VROUTER_LIMIT] = NLA_POLICY_MIN(NLA_U32, 1),
};

/**
 * vr_sched_parse() - read settings
 * @tb: filled in, TCA_VROUTER_MAX + 1 of them
 * @opt: what user space sent
 * @extack: for errors
 *
 * Return: 0 or a negative error.
 */
int vr_sched_parse(struct nlattr *tb[], struct nlattr *opt,
		   struct netlink_ext_ack *extack)
{
	return nla_parse_nested(tb, TCA_VROUTER_MAX, opt, vr_sched_policy, extack);
}

/**
 * vr_sched_apply() - change settings
 * @sched: the qdisc's private part
 * @tb: of vr_sched_parse()
 *
 * Context: RTNL, the qdisc's root lock.
 */
void vr_sched_apply(struct vr_sched *sched, struct nlattr *tb[])
{
	if (tb[TCA_VROUTER_BANDWIDTH]) {
		WRITE_ONCE(sched->bandwidth,
			   nla_get_u64(tb[TCA_VROUTER_BANDWIDTH]));
		sched->free_at = 0;
	}
	if (tb[TCA_VROUTER_LIMIT])
		WRITE_ONCE(sched->limit, nla_get_u32(tb[TCA_VROUTER_LIMIT]));
}

/**
 * vr_sched_dump() - tell the settings
 * @qdisc: the qdisc
 * @skb: message
 *
 * Context: RTNL.
 * Return: length of the message, or -EMSGSIZE.
 */
int vr_sched_dump(struct Qdisc *qdisc, struct sk_buff *skb)
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

/* ---- classes: named by their minor number, since they come and go ---- */

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

const struct Qdisc_class_ops vr_sched_class_ops = {
	.leaf		= vr_sched_leaf,
	.find		= vr_sched_find,
	.walk		= vr_sched_walk,
	.dump		= vr_sched_dump_class,
	.dump_stats	= vr_sched_dump_class_stats,
};
