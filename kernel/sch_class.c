// SPDX-License-Identifier: GPL-2.0
/*
 * The classes of a qdisc: made when a router's first frame comes, found for each frame,
 * and freed when their routers are gone and all is sent.
 */
#include <linux/slab.h>
#include <net/gen_stats.h>

#include "sch_class.h"
#include "sch_codel.h"
#include "share.h"

/**
 * vr_sched_class_new() - make a class
 * @sched: the qdisc
 * @id: minor number, of which there is no class
 * @share: the router's share, a reference to which is the class's then; NULL for the host
 * @gfp: how to allocate
 *
 * Context: the qdisc's root lock, or before anybody knows the qdisc.
 * Return: class, or NULL without memory.
 */
struct vr_sched_class *vr_sched_class_new(struct vr_sched *sched, u32 id,
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
	vr_sched_codel_init(class);
	gnet_stats_basic_sync_init(&class->bstats);
	if (xa_err(xa_store_bh(&sched->classes, id, class, gfp))) {
		kfree(class);
		return NULL;
	}
	return class;
}

/**
 * vr_sched_class_free() - free a class
 * @class: class without frames, or of a qdisc that ends
 *
 * Context: the qdisc's root lock, or after anybody knows the qdisc.
 */
void vr_sched_class_free(struct vr_sched_class *class)
{
	struct vr_sched *sched = class->sched;

	vr_drr_remove(&sched->drr, &class->flow);
	if (vr_sched_class_waits(class))
		timerqueue_del(&sched->waiting, &class->wait);
	xa_erase_bh(&sched->classes, class->id);
	if (sched->recent == class)
		sched->recent = NULL;
	if (class->share)
		vr_share_put(class->share);
	kfree(class);
}

/* Classes of routers that are gone, once all is sent. */
static void vr_sched_class_sweep(struct vr_sched *sched)
{
	struct vr_sched_class *class;
	unsigned long id;

	xa_for_each(&sched->classes, id, class)
		if (class->share && READ_ONCE(class->share->dead) && !class->qlen)
			vr_sched_class_free(class);
}

static struct vr_sched_class *vr_sched_class_add(struct vr_sched *sched, u32 id)
{
	struct vr_sched_class *class;
	struct vr_share *share;

	share = vr_share_get(id);
	if (!share)
		return sched->host;
	vr_sched_class_sweep(sched);
	class = vr_sched_class_new(sched, id, share, GFP_ATOMIC | __GFP_NOWARN);
	if (class)
		return class;
	vr_share_put(share);
	return sched->host;
}

/**
 * vr_sched_class_find() - whose frame is it?
 * @sched: the qdisc
 * @skb: frame
 *
 * Context: the qdisc's root lock.
 * Return: the router's class, made if need be and possible, or the host's.
 */
struct vr_sched_class *vr_sched_class_find(struct vr_sched *sched,
					   const struct sk_buff *skb)
{
	struct vr_sched_class *class;
	u32 id = vr_share_of(skb);

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
		vr_sched_class_free(class);
	return vr_sched_class_add(sched, id);
}
