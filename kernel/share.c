// SPDX-License-Identifier: GPL-2.0
/*
 * Shares of links: what routers tell the qdiscs of NICs. A qdisc finds a share by
 * the number that it is told with a frame, and keeps a reference as long as it has a class for
 * it; so a router can go while its frames are queued.
 *
 * Numbers are given in turn, so that one that is old means nobody for long.
 */
#include <linux/slab.h>
#include <linux/xarray.h>

#include "share.h"

static DEFINE_XARRAY_ALLOC(vr_shares);
static u32 vr_share_next;

DEFINE_PER_CPU(struct vr_share_sent, vr_share_sent);

/**
 * vr_share_create() - give a router a share
 *
 * Context: RTNL.
 * Return: share with a reference, of weight 1 and without limits; NULL without
 * memory, or if there are VR_SHARE_MAX routers.
 */
struct vr_share *vr_share_create(void)
{
	struct vr_share *share = kzalloc(sizeof(*share), GFP_KERNEL_ACCOUNT);

	if (!share)
		return NULL;
	share->weight = 1;
	share->limit = U32_MAX;
	refcount_set(&share->refs, 1);
	if (xa_alloc_cyclic(&vr_shares, &share->id, share,
			    XA_LIMIT(VR_SHARE_HOST + 1, VR_SHARE_MAX),
			    &vr_share_next, GFP_KERNEL_ACCOUNT) < 0) {
		kfree(share);
		return NULL;
	}
	return share;
}

/**
 * vr_share_retire() - a router goes
 * @share: its share, or NULL; the reference is given back
 *
 * Context: RTNL.
 */
void vr_share_retire(struct vr_share *share)
{
	if (!share)
		return;
	xa_erase(&vr_shares, share->id);
	WRITE_ONCE(share->dead, true);
	vr_share_put(share);
}

/**
 * vr_share_get() - find a share
 * @id: its number
 *
 * Context: any.
 * Return: share with a reference, or NULL.
 */
struct vr_share *vr_share_get(u32 id)
{
	struct vr_share *share;

	rcu_read_lock();
	share = xa_load(&vr_shares, id);
	if (share && !refcount_inc_not_zero(&share->refs))
		share = NULL;
	rcu_read_unlock();
	return share;
}

/**
 * vr_share_put() - give a reference back
 * @share: share
 *
 * Context: any.
 */
void vr_share_put(struct vr_share *share)
{
	if (refcount_dec_and_test(&share->refs))
		kfree_rcu(share, rcu);
}
