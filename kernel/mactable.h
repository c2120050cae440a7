/* SPDX-License-Identifier: GPL-2.0 */
/*
 * (VLAN, MAC) -> pointer, looked up for each frame, changed rarely.
 */
#ifndef VROUTER_MACTABLE_H
#define VROUTER_MACTABLE_H

#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/unaligned.h>

/**
 * struct vr_mactable_slot - a place in the table
 * @key: see vr_mactable_key(); 0 in a slot that was never used
 * @value: what the key stands for; NULL once cleared
 */
struct vr_mactable_slot {
	u64 key;
	void *value;
};

/**
 * struct vr_mactable - an open-addressing hash table
 *
 * Apart from vr_mactable_clear() nobody changes a table: a writer makes a new
 * one, publishes it, and frees the old one with kfree_rcu(table, rcu).
 *
 * @rcu: for the caller, to free the table
 * @factor: odd, at random, since tenants choose MAC addresses: nobody is to know
 *	which of them collide
 * @shift: 64 - log2 of the number of slots
 * @mask: number of slots - 1; at least three quarters of the slots have key 0
 * @count: keys that have a value; writer only
 * @slot: linear probing
 */
struct vr_mactable {
	struct rcu_head rcu;
	u64 factor;
	u32 shift;
	u32 mask;
	u32 count;
	struct vr_mactable_slot slot[];
};

struct vr_mactable *vr_mactable_alloc(u32 count, gfp_t gfp);
int vr_mactable_insert(struct vr_mactable *table, const struct vr_mactable *old,
		       u64 key, void *value);
int vr_mactable_fill(struct vr_mactable *table, const struct vr_mactable *old,
		     const void *except);
int vr_mactable_put(struct vr_mactable *table, u64 key, void *value);
struct vr_mactable *vr_mactable_remove(const struct vr_mactable *old, u64 key,
				       gfp_t gfp);
void *vr_mactable_clear(struct vr_mactable *table, u64 key);

/**
 * vr_mactable_key() - make a key
 * @vlan: VLAN id, 0 for none
 * @mac: MAC address, any alignment
 *
 * Return: the key; 0, which is no valid key, only for VLAN 0 and MAC 0.
 */
static inline u64 vr_mactable_key(u16 vlan, const u8 *mac)
{
	return (u64)vlan << 48 | (u64)get_unaligned_be32(mac) << 16 |
	       get_unaligned_be16(mac + 4);
}

/**
 * vr_mactable_index() - the slot where the search for a key starts
 * @table: table
 * @key: key
 *
 * Return: index of a slot.
 */
static inline u32 vr_mactable_index(const struct vr_mactable *table, u64 key)
{
	return key * table->factor >> table->shift;
}

/**
 * vr_mactable_find() - look up a key
 * @table: table; not NULL
 * @key: key; not 0
 *
 * Context: RCU read side, or as the writer.
 * Return: the value, or NULL if the key is not there.
 */
static inline void *vr_mactable_find(const struct vr_mactable *table, u64 key)
{
	u32 i = vr_mactable_index(table, key);

	/* ends: most of the slots have key 0 */
	while (table->slot[i].key != key) {
		if (!table->slot[i].key)
			return NULL;
		i = (i + 1) & table->mask;
	}
	return READ_ONCE(table->slot[i].value);
}

/**
 * vr_mactable_next() - go to the next key that has a value
 * @table: table, or NULL
 * @cursor: NULL at first
 *
 * Context: as the writer. The slot under the cursor may be cleared.
 * Return: false after the last one; the cursor is NULL again then.
 */
static inline bool vr_mactable_next(struct vr_mactable *table,
				    struct vr_mactable_slot **cursor)
{
	struct vr_mactable_slot *s = *cursor;

	*cursor = NULL;
	if (!table)
		return false;
	for (s = s ? s + 1 : table->slot; s <= &table->slot[table->mask]; s++) {
		if (s->value) {
			*cursor = s;
			return true;
		}
	}
	return false;
}

/**
 * vr_mactable_for_each() - for each key that has a value
 * @table: table, or NULL
 * @s: struct vr_mactable_slot *, the cursor; must be NULL before the loop
 */
#define vr_mactable_for_each(table, s) \
	for (; vr_mactable_next(table, &(s)); )

#endif
