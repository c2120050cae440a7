// SPDX-License-Identifier: GPL-2.0
/*
 * How many prefixes a table has.
 *
 * Description: the kernel announces a new route and one in the place of another
 * in the same words. What tells them apart is whether the prefix is there
 * already. The FIB knows that, but for the changes that wait to be applied; so
 * these stand in a hash by prefix, the latest one of each, with whether the prefix
 * will be there after it.
 *
 * A change leaves the hash after it is applied, never before, and under the lock
 * under which changes are noted, so that a prefix is never in neither place.
 */
#include <linux/minmax.h>
#include <linux/once.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <net/fib_notifier.h>

#include "change.h"
#include "quota.h"
#include "rib.h"

/* Whoever announces prefixes must not be able to choose buckets. */
static siphash_key_t vr_quota_key __read_mostly;

/**
 * vr_quota_alloc() - make a count of nothing
 * @state: what was last found, by a count before this one
 *
 * Context: may sleep.
 * Return: count or NULL.
 */
struct vr_quota *vr_quota_alloc(enum vrouter_quota_state state)
{
	struct vr_quota *quota = kvzalloc(sizeof(*quota), GFP_KERNEL_ACCOUNT);

	get_random_once(&vr_quota_key, sizeof(vr_quota_key));
	if (quota)
		quota->state = state;
	return quota;
}

/**
 * vr_quota_free() - give a count up
 * @quota: count, or NULL; no change is in it that will be used again
 */
void vr_quota_free(struct vr_quota *quota)
{
	kvfree(quota);
}

/**
 * vr_quota_forget() - let go of all changes, which stay noted elsewhere
 * @quota: count
 *
 * Context: the owner's lock.
 */
void vr_quota_forget(struct vr_quota *quota)
{
	struct vr_change *change;
	struct hlist_node *tmp;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(quota->pending); i++)
		hlist_for_each_entry_safe(change, tmp, &quota->pending[i], hash)
			hlist_del_init(&change->hash);
}

static u32 vr_quota_hash(const struct vr_change_key *key)
{
	return siphash(key, sizeof(*key), &vr_quota_key) &
	       ((1 << VR_QUOTA_BITS) - 1);
}

static struct vr_change *vr_quota_find(const struct vr_quota *quota,
				       const struct vr_change_key *key)
{
	struct vr_change *change;

	hlist_for_each_entry(change, &quota->pending[vr_quota_hash(key)], hash)
		if (!memcmp(&change->key, key, sizeof(*key)))
			return change;
	return NULL;
}

/**
 * vr_quota_has() - is a prefix in the table?
 * @quota: count
 * @rib: routes as far as they are applied
 * @key: prefix
 *
 * Context: the owner's lock, RCU read side.
 * Return: true if so, with everything that is noted.
 */
bool vr_quota_has(const struct vr_quota *quota, const struct vr_rib *rib,
		  const struct vr_change_key *key)
{
	const struct vr_change *change = vr_quota_find(quota, key);

	return change ? change->there : vr_rib_has(rib, key);
}

/**
 * vr_quota_note() - count a change
 * @quota: count
 * @rib: routes as far as they are applied
 * @change: change of a prefix that counts; its key is set
 *
 * Context: the owner's lock, RCU read side.
 */
void vr_quota_note(struct vr_quota *quota, const struct vr_rib *rib,
		   struct vr_change *change)
{
	struct vr_change *last = vr_quota_find(quota, &change->key);
	bool before;

	before = last ? last->there : vr_rib_has(rib, &change->key);
	change->there = change->event != FIB_EVENT_ENTRY_DEL ||
			(before && change->left);
	if (last)
		hlist_del_init(&last->hash);
	hlist_add_head(&change->hash,
		       &quota->pending[vr_quota_hash(&change->key)]);
	if (!before && change->there)
		quota->count++;
	else if (before && !change->there)
		quota->count--;
}

/**
 * vr_quota_applied() - the routes have a change now
 * @change: change, noted or not
 *
 * Context: the owner's lock.
 */
void vr_quota_applied(struct vr_change *change)
{
	if (!hlist_unhashed(&change->hash))
		hlist_del_init(&change->hash);
}

/* Is a level reached, or was it, and the count is not well below it yet? */
static bool vr_quota_above(u32 count, u32 level, u32 slack, bool was)
{
	if (count >= level)
		return true;
	return was && (u64)count + min(slack, level) > level;
}

/**
 * vr_quota_judge() - see how the count stands against the limit
 * @quota: count
 * @max: limit, or 0 for none
 * @warn: percentage of @max from which on to warn, or 0
 *
 * A state is left only where the count is 5 % of the limit below it, so that a
 * few routes that come and go do not change it each time.
 *
 * Context: the owner's lock.
 * Return: the state.
 */
enum vrouter_quota_state vr_quota_judge(struct vr_quota *quota, u32 max,
					u32 warn)
{
	u32 level = DIV_ROUND_UP_ULL((u64)max * warn, 100);
	enum vrouter_quota_state was = quota->state;
	u32 slack = max(max / 20, 2U);

	quota->state = VROUTER_QUOTA_STATE_OK;
	if (max && vr_quota_above(quota->count, max, slack,
				  was == VROUTER_QUOTA_STATE_FULL))
		quota->state = VROUTER_QUOTA_STATE_FULL;
	else if (level && vr_quota_above(quota->count, level, slack,
					 was != VROUTER_QUOTA_STATE_OK))
		quota->state = VROUTER_QUOTA_STATE_WARNING;
	return quota->state;
}
