// SPDX-License-Identifier: GPL-2.0
/*
 * Prefixes of a table that is loaded as a whole: in order, in one piece of memory.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fib_bulk.h"

#define VR_FIB_BULK_MIN		1024
/* Prefixes to move for each one, on average: a dump may tell what covers others last. */
#define VR_FIB_BULK_MOVES	128

/**
 * vr_fib_bulk_seek() - find a prefix
 * @bulk: prefixes
 * @entry: prefix
 * @found: gets whether it is there
 *
 * Context: the writer.
 * Return: where it is, or would be.
 */
size_t vr_fib_bulk_seek(const struct vr_fib_bulk *bulk,
			const struct vr_fib_entry *entry, bool *found)
{
	size_t lo = 0, hi = bulk->count, mid;

	/* most come in order */
	if (hi && vr_fib_cmp(entry, &bulk->entry[hi - 1]) > 0)
		lo = hi;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (vr_fib_cmp(entry, &bulk->entry[mid]) > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = lo < bulk->count && !vr_fib_cmp(entry, &bulk->entry[lo]);
	return lo;
}

static int vr_fib_bulk_grow(struct vr_fib_bulk *bulk, gfp_t gfp)
{
	size_t size = bulk->size * 2 ? : VR_FIB_BULK_MIN;
	struct vr_fib_entry *entry;

	if (bulk->count < bulk->size)
		return 0;
	entry = kvmalloc_array(size, sizeof(*entry), gfp);
	if (!entry)
		return -ENOMEM;
	if (bulk->count)
		memcpy(entry, bulk->entry, bulk->count * sizeof(*entry));
	kvfree(bulk->entry);
	bulk->entry = entry;
	bulk->size = size;
	return 0;
}

/**
 * vr_fib_bulk_insert() - add a prefix
 * @bulk: prefixes
 * @entry: a new one
 * @at: its place, of vr_fib_bulk_seek()
 * @gfp: how to allocate
 *
 * Context: the writer.
 * Return: 0 or -ENOMEM.
 */
int vr_fib_bulk_insert(struct vr_fib_bulk *bulk, const struct vr_fib_entry *entry,
		       size_t at, gfp_t gfp)
{
	int err = vr_fib_bulk_grow(bulk, gfp);

	if (err)
		return err;
	bulk->moves += bulk->count - at;
	memmove(&bulk->entry[at + 1], &bulk->entry[at],
		(bulk->count++ - at) * sizeof(*entry));
	bulk->entry[at] = *entry;
	return 0;
}

/**
 * vr_fib_bulk_is_slow() - has too much to be moved?
 * @bulk: prefixes
 *
 * Context: the writer.
 * Return: whether the prefixes come in no order, so that it is better to end here.
 */
bool vr_fib_bulk_is_slow(const struct vr_fib_bulk *bulk)
{
	return bulk->moves > VR_FIB_BULK_MOVES * (u64)bulk->count;
}

/**
 * vr_fib_bulk_free() - free it
 * @bulk: prefixes, or NULL
 *
 * Context: may sleep.
 */
void vr_fib_bulk_free(struct vr_fib_bulk *bulk)
{
	if (!bulk)
		return;
	kvfree(bulk->entry);
	kfree(bulk);
}
