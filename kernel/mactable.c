// SPDX-License-Identifier: GPL-2.0
/*
 * (VLAN, MAC) -> pointer, looked up for each frame, changed rarely.
 */
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "mactable.h"

#define VR_MACTABLE_MIN_SLOTS	4U

static struct vr_mactable *vr_mactable_alloc(u32 count, gfp_t gfp)
{
	struct vr_mactable *table;
	unsigned int bits;

	if (count > BIT(30))
		return NULL;
	bits = order_base_2(max(2 * count, VR_MACTABLE_MIN_SLOTS));
	table = kvzalloc(struct_size(table, slot, (size_t)1 << bits), gfp);
	if (!table)
		return NULL;
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

/* Room for count keys; leaves out the cleared ones, and key except. */
static struct vr_mactable *vr_mactable_copy(const struct vr_mactable *old,
					    u32 count, u64 except, gfp_t gfp)
{
	struct vr_mactable *table = vr_mactable_alloc(count, gfp);
	u32 i;

	if (!table || !old)
		return table;
	for (i = 0; i <= old->mask; i++)
		if (old->slot[i].value && old->slot[i].key != except)
			vr_mactable_add(table, old->slot[i].key,
					old->slot[i].value);
	return table;
}

/**
 * vr_mactable_insert() - make a table with one key more
 * @old: table, or NULL for an empty one; stays as it is
 * @key: key; not 0
 * @value: what it stands for; not NULL
 * @gfp: how to allocate
 *
 * Context: one writer at a time.
 * Return: the new table, for the caller to publish; -EEXIST if the key has a
 * value already, -ENOMEM, or -EINVAL for a key or value of 0.
 */
struct vr_mactable *vr_mactable_insert(const struct vr_mactable *old, u64 key,
				       void *value, gfp_t gfp)
{
	struct vr_mactable *table;

	if (!key || !value)
		return ERR_PTR(-EINVAL);
	if (old && vr_mactable_find(old, key))
		return ERR_PTR(-EEXIST);
	table = vr_mactable_copy(old, old ? old->count + 1 : 1, key, gfp);
	if (!table)
		return ERR_PTR(-ENOMEM);
	vr_mactable_add(table, key, value);
	return table;
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
	table = vr_mactable_copy(old, old->count - 1, key, gfp);
	return table ?: ERR_PTR(-ENOMEM);
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
