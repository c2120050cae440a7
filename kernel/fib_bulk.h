/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prefixes of a table that is loaded as a whole.
 *
 * For the files of the FIB only.
 */
#ifndef VROUTER_FIB_BULK_H
#define VROUTER_FIB_BULK_H

#include "fib_key.h"

/**
 * struct vr_fib_bulk - prefixes that were set since vr_fib_bulk_begin()
 * @entry: in order
 * @size: length of @entry
 * @count: prefixes
 * @moves: how many of them had to move for others
 */
struct vr_fib_bulk {
	struct vr_fib_entry *entry;
	size_t size;
	size_t count;
	u64 moves;
};

size_t vr_fib_bulk_seek(const struct vr_fib_bulk *bulk,
			const struct vr_fib_entry *entry, bool *found);
int vr_fib_bulk_insert(struct vr_fib_bulk *bulk, const struct vr_fib_entry *entry,
		       size_t at, gfp_t gfp);
bool vr_fib_bulk_is_slow(const struct vr_fib_bulk *bulk);
void vr_fib_bulk_free(struct vr_fib_bulk *bulk);

#endif
