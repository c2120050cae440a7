/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What qdiscs know of a router: its share of a link.
 */
#ifndef VROUTER_SHARE_H
#define VROUTER_SHARE_H

#include <linux/if.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>

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

#endif
