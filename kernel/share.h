/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What qdiscs know of a router: its share of a link.
 */
#ifndef VROUTER_SHARE_H
#define VROUTER_SHARE_H

#include <linux/if.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct sk_buff;

/* Numbers of shares are minor numbers of classes; the first one is the host's. */
#define VR_SHARE_HOST		1
#define VR_SHARE_MAX		0xfffe

/**
 * struct vr_share - a router's share of links; outlives it for queued frames
 * @id: VR_SHARE_HOST + 1..VR_SHARE_MAX
 * @weight: 1..VROUTER_WEIGHT_MAX
 * @limit: most frames in a queue
 * @max_rate: bytes a second on the wire that a link sends at most, 0 for any
 * @dead: the router is gone
 * @name: the router's, protected by RTNL
 * @refs: the router, and classes
 * @rcu: frees it
 *
 * Read with READ_ONCE(), but for @id, @name and @refs: the router changes it.
 */
struct vr_share {
	u32 id;
	u32 weight;
	u32 limit;
	u64 max_rate;
	bool dead;
	char name[IFNAMSIZ];
	refcount_t refs;
	struct rcu_head rcu;
};

struct vr_share *vr_share_create(void);
void vr_share_retire(struct vr_share *share);
struct vr_share *vr_share_get(u32 id);
void vr_share_put(struct vr_share *share);

/**
 * struct vr_share_sent - a frame on its way to a NIC, and whose it is
 * @skb: frame, or NULL
 * @id: number of the share
 */
struct vr_share_sent {
	const struct sk_buff *skb;
	u32 id;
};

DECLARE_PER_CPU(struct vr_share_sent, vr_share_sent);

/* Another CPU than the sender's may put a frame into a qdisc. */
#ifdef VR_HAVE_DEFER_LIST
#define VR_SHARE_ELSEWHERE	1
#else
#define VR_SHARE_ELSEWHERE	0
#endif

void vr_share_note(const struct sk_buff *skb, u32 id);
u32 vr_share_noted(const struct sk_buff *skb);

/**
 * vr_share_tell() - say whose a frame is to the qdiscs that it is about to come to
 * @skb: frame
 * @id: number of the share, 0 for the host's
 *
 * Not written into the frame alone: tc and BPF programs overwrite what it has room for,
 * and who can set that could send at another's cost. From Linux 7.2 on it has a note all
 * the same, with a seal: another CPU, which sends on that device, may put it into the
 * queue.
 *
 * Context: BH disabled until vr_share_told(), which gets what this returns.
 * Return: what was told before.
 */
static inline struct vr_share_sent vr_share_tell(const struct sk_buff *skb, u32 id)
{
	struct vr_share_sent *sent = this_cpu_ptr(&vr_share_sent), old = *sent;

	*sent = (struct vr_share_sent){ .skb = skb, .id = id };
	if (VR_SHARE_ELSEWHERE)
		vr_share_note(skb, id);
	return old;
}

/**
 * vr_share_told() - the frame has been sent
 * @old: what vr_share_tell() returned
 *
 * Context: as vr_share_tell().
 */
static inline void vr_share_told(struct vr_share_sent old)
{
	*this_cpu_ptr(&vr_share_sent) = old;
}

/**
 * vr_share_of() - whose frame is it?
 * @skb: frame
 *
 * Context: BH disabled.
 * Return: number of the share, 0 for the host's.
 */
static inline u32 vr_share_of(const struct sk_buff *skb)
{
	const struct vr_share_sent *sent = this_cpu_ptr(&vr_share_sent);

	if (likely(sent->skb == skb))
		return sent->id;
	return VR_SHARE_ELSEWHERE ? vr_share_noted(skb) : 0;
}

#endif
