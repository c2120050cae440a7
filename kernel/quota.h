/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How many prefixes a router's table has, exactly, at the moment of each
 * announcement.
 */
#ifndef VROUTER_QUOTA_H
#define VROUTER_QUOTA_H

#include <linux/list.h>
#include <linux/types.h>
#include <uapi/linux/vrouter.h>

struct vr_change;
struct vr_change_key;
struct vr_rib;

#define VR_QUOTA_BITS	12

/**
 * struct vr_quota - the number of prefixes, and the changes on their way
 *
 * The owner's lock protects all of it.
 *
 * @count: prefixes, as they will be once everything noted is applied
 * @state: what was last found
 * @pending: the latest change of each prefix that is noted and not yet applied,
 *	by hash of the prefix
 */
struct vr_quota {
	u32 count;
	enum vrouter_quota_state state;
	struct hlist_head pending[1 << VR_QUOTA_BITS];
};

struct vr_quota *vr_quota_alloc(enum vrouter_quota_state state);
void vr_quota_free(struct vr_quota *quota);
void vr_quota_forget(struct vr_quota *quota);
bool vr_quota_has(const struct vr_quota *quota, const struct vr_rib *rib,
		  const struct vr_change_key *key);
void vr_quota_note(struct vr_quota *quota, const struct vr_rib *rib,
		   struct vr_change *change);
void vr_quota_applied(struct vr_change *change);
enum vrouter_quota_state vr_quota_judge(struct vr_quota *quota, u32 max,
					u32 warn);

#endif
