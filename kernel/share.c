// SPDX-License-Identifier: GPL-2.0
/*
 * Shares of links: what routers tell the qdiscs of NICs. A qdisc finds a share by
 * the number that it is told with a frame, and keeps a reference as long as it has a class for
 * it; so a router can go while its frames are queued.
 *
 * Numbers are given in turn, so that one that is old means nobody for long.
 */
#include <linux/net.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <net/sch_generic.h>

#include "share.h"

static DEFINE_XARRAY_ALLOC(vr_shares);
static u32 vr_share_next;

DEFINE_PER_CPU(struct vr_share_sent, vr_share_sent);

/**
 * struct vr_share_note - whose a frame is, in the part of skb->cb that is for qdiscs
 * @seal: nobody else can make it, and it is good for this frame alone
 * @id: number of the share
 */
struct vr_share_note {
	u64 seal;
	u32 id;
};

static struct vr_share_note *vr_share_note_of(const struct sk_buff *skb)
{
	qdisc_cb_private_validate(skb, sizeof(struct vr_share_note));
	return (struct vr_share_note *)qdisc_skb_cb(skb)->data;
}

static u64 vr_share_seal(const struct sk_buff *skb, u32 id)
{
	static siphash_key_t key __read_mostly;

	net_get_random_once(&key, sizeof(key));
	return siphash_2u64((unsigned long)skb, id, &key);
}

/**
 * vr_share_note() - write into a frame whose it is
 * @skb: frame
 * @id: number of the share, 0 for the host's
 *
 * Context: any.
 */
void vr_share_note(const struct sk_buff *skb, u32 id)
{
	struct vr_share_note *note = vr_share_note_of(skb);

	note->id = id;
	note->seal = id ? vr_share_seal(skb, id) : 0;
}

/**
 * vr_share_noted() - whose is a frame, by what is written in it?
 * @skb: frame of anybody
 *
 * Context: any.
 * Return: number of the share, 0 for the host's.
 */
u32 vr_share_noted(const struct sk_buff *skb)
{
	const struct vr_share_note *note = vr_share_note_of(skb);
	u32 id = note->id;

	return id && note->seal == vr_share_seal(skb, id) ? id : 0;
}

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
