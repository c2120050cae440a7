// SPDX-License-Identifier: GPL-2.0
/*
 * (VLAN, MAC) -> pointer, looked up for each frame, changed rarely.
 */
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "mactable.h"

/* Slots for each key, at least. Most frames that leave are for addresses that are not
 * here, and the search for these goes on to a slot without a key: with half of the slots
 * taken, that is a step or two further.
 */
#define VR_MACTABLE_ROOM	4U

/**
 * vr_mactable_alloc() - make an empty table
 * @count: keys that there will be
 * @gfp: how to allocate
 *
 * Return: the table, for vr_mactable_insert(), or NULL.
 */
struct vr_mactable *vr_mactable_alloc(u32 count, gfp_t gfp)
{
	struct vr_mactable *table;
	unsigned int bits;

	if (count > BIT(28))
		return NULL;
	bits = order_base_2(max(count, 1U) * VR_MACTABLE_ROOM);
	table = kvzalloc(struct_size(table, slot, (size_t)1 << bits), gfp);
	if (!table)
		return NULL;
	table->factor = get_random_u64() | 1;
	table->shift = 64 - bits;
	table->mask = BIT(bits) - 1;
	return table;
}

static struct vr_mactable_slot *vr_mactable_slot(struct vr_mactable *table,
						 u64 key)
{
	u32 i = vr_mactable_index(table, key);

	while (table->slot[i].key && table->slot[i].key != key)
		i = (i + 1) & table->mask;
	return &table->slot[i];
}

static void vr_mactable_add(struct vr_mactable *table, u64 key, void *value)
{
	struct vr_mactable_slot *s = vr_mactable_slot(table, key);

	s->key = key;
	s->value = value;
	table->count++;
}

static bool vr_mactable_has_room(const struct vr_mactable *table, u32 count)
{
	return count <= (table->mask + 1) / VR_MACTABLE_ROOM;
}

/* Leaves out the cleared ones, and key except. */
static void vr_mactable_copy(struct vr_mactable *table,
			     const struct vr_mactable *old, u64 except)
{
	u32 i;

	for (i = 0; i <= old->mask; i++)
		if (old->slot[i].value && old->slot[i].key != except)
			vr_mactable_add(table, old->slot[i].key,
					old->slot[i].value);
}

/**
 * vr_mactable_insert() - fill a table with what is in another, and one key more
 * @table: empty table from vr_mactable_alloc(); stays empty on error
 * @old: table, or NULL for an empty one; stays as it is
 * @key: key; not 0
 * @value: what it stands for; not NULL
 *
 * Context: one writer at a time.
 * Return: 0, and @table is for the caller to publish; -EEXIST if the key has a
 * value already, -ENOSPC if @table has no room, -EINVAL for a key or value of 0.
 */
int vr_mactable_insert(struct vr_mactable *table, const struct vr_mactable *old,
		       u64 key, void *value)
{
	u32 count = old ? old->count + 1 : 1;

	if (!key || !value)
		return -EINVAL;
	if (old && vr_mactable_find(old, key))
		return -EEXIST;
	if (!vr_mactable_has_room(table, count))
		return -ENOSPC;
	if (old)
		vr_mactable_copy(table, old, key);
	vr_mactable_add(table, key, value);
	return 0;
}

/**
 * vr_mactable_fill() - fill a table with what is in another, but for one value
 * @table: empty table from vr_mactable_alloc(); of no use on error
 * @old: table, or NULL for an empty one; stays as it is
 * @except: value whose keys are left out
 *
 * Context: one writer at a time.
 * Return: 0, or -ENOSPC if @table has no room.
 */
int vr_mactable_fill(struct vr_mactable *table, const struct vr_mactable *old,
		     const void *except)
{
	const struct vr_mactable_slot *s;
	u32 i;

	for (i = 0; old && i <= old->mask; i++) {
		s = &old->slot[i];
		if (!s->value || s->value == except)
			continue;
		if (!vr_mactable_has_room(table, table->count + 1))
			return -ENOSPC;
		vr_mactable_add(table, s->key, s->value);
	}
	return 0;
}

/**
 * vr_mactable_put() - put a key into a table that nobody reads yet
 * @table: table, without cleared keys
 * @key: key; not 0
 * @value: what it stands for; not NULL
 *
 * Return: 0, -EEXIST if the key has a value already, -ENOSPC if @table has no
 * room, -EINVAL for a key or value of 0.
 */
int vr_mactable_put(struct vr_mactable *table, u64 key, void *value)
{
	if (!key || !value)
		return -EINVAL;
	if (vr_mactable_find(table, key))
		return -EEXIST;
	if (!vr_mactable_has_room(table, table->count + 1))
		return -ENOSPC;
	vr_mactable_add(table, key, value);
	return 0;
}

/**
 * vr_mactable_remove() - make a table with one key less
 * @old: table; stays as it is
 * @key: key; not 0
 * @gfp: how to allocate
 *
 * Context: one writer at a time.
 * Return: the new table, for the caller to publish; -ENOENT if the key has no
 * value, or -ENOMEM, upon which vr_mactable_clear() is the way out.
 */
struct vr_mactable *vr_mactable_remove(const struct vr_mactable *old, u64 key,
				       gfp_t gfp)
{
	struct vr_mactable *table;

	if (!old || !key || !vr_mactable_find(old, key))
		return ERR_PTR(-ENOENT);
	table = vr_mactable_alloc(old->count - 1, gfp);
	if (!table)
		return ERR_PTR(-ENOMEM);
	vr_mactable_copy(table, old, key);
	return table;
}

/**
 * vr_mactable_clear() - take the value from a key, in place; cannot fail
 * @table: table, or NULL
 * @key: key
 *
 * The slot stays taken until the next table is made.
 *
 * Context: one writer at a time; readers see the value or NULL.
 * Return: the value, or NULL if there was none.
 */
void *vr_mactable_clear(struct vr_mactable *table, u64 key)
{
	struct vr_mactable_slot *s;
	void *value;

	if (!table || !key)
		return NULL;
	s = vr_mactable_slot(table, key);
	value = s->value;
	if (value) {
		WRITE_ONCE(s->value, NULL);
		table->count--;
	}
	return value;
}
