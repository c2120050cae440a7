// SPDX-License-Identifier: GPL-2.0
/*
 * A table as it was set, for those who ask about prefixes. None of them waits for
 * the writer.
 */
#include <linux/rcupdate.h>

#include "fib.h"
#include "fib_store.h"

/**
 * vr_fib_get() - look for a prefix itself
 * @fib: table
 * @prefix: 4 or 16 bytes, network order; host bits 0
 * @plen: bits
 *
 * Context: any, with or without RCU; the answer of a moment ago, unless from the
 * one who writes. What is being loaded in bulk is not there yet for others.
 * Return: its next hop, or 0.
 */
u16 vr_fib_get(const struct vr_fib *fib, const void *prefix, u8 plen)
{
	struct vr_fib_entry entry;
	u16 nh;

	if (vr_fib_read(fib->bits, prefix, plen, 0, &entry))
		return 0;
	rcu_read_lock();
	nh = plen ? vr_fib_store_match(rcu_dereference(fib->store), &entry,
				       true, &plen) :
		    rcu_dereference(fib->head)->fallback;
	rcu_read_unlock();
	return nh;
}

/**
 * vr_fib_match() - find the route of an address, and tell its prefix
 * @fib: table
 * @addr: 4 or 16 bytes, network order
 * @prefix: gets the matching prefix, 4 or 16 bytes
 * @plen: gets its length
 *
 * Asks the prefixes as they were set, not what lookups see.
 *
 * Context: RCU read side.
 * Return: the next hop, or 0 if there is no match; @prefix and @plen are
 * those of the default route then.
 */
u16 vr_fib_match(const struct vr_fib *fib, const void *addr, void *prefix,
		 u8 *plen)
{
	struct vr_fib_entry entry = { .key = vr_fib_load(fib->bits, addr) };
	u16 nh;

	*plen = 0;
	nh = vr_fib_store_match(rcu_dereference(fib->store), &entry, false,
				plen);
	if (!nh)
		nh = rcu_dereference(fib->head)->fallback;
	vr_fib_save(fib->bits, vr_fib_and(entry.key, vr_fib_mask(*plen)), prefix);
	return nh;
}

/**
 * struct vr_fib_telling - a walk
 * @fib: table
 * @fn: is told
 * @arg: for @fn
 */
struct vr_fib_telling {
	const struct vr_fib *fib;
	vr_fib_walk_fn fn;
	void *arg;
};

static int vr_fib_tell(void *arg, const struct vr_fib_entry *entry)
{
	const struct vr_fib_telling *telling = arg;
	u8 prefix[16];

	vr_fib_save(telling->fib->bits, entry->key, prefix);
	return telling->fn(telling->arg, prefix, entry->plen, entry->nh);
}

/**
 * vr_fib_walk() - tell prefixes, by address, the shorter one first
 * @fib: table
 * @from: 4 or 16 bytes, network order: where to begin; or NULL for all
 * @plen: length of the prefix to begin with
 * @fn: is told
 * @arg: for @fn
 *
 * Prefixes that change meanwhile may be told or not, all others are told once.
 *
 * Context: RCU read side.
 * Return: the first result of @fn that is not 0, or 0.
 */
int vr_fib_walk(const struct vr_fib *fib, const void *from, u8 plen,
		vr_fib_walk_fn fn, void *arg)
{
	struct vr_fib_telling telling = { .fib = fib, .fn = fn, .arg = arg };
	struct vr_fib_entry start = { .plen = plen }, first = {};
	int err = 0;

	if (from)
		start.key = vr_fib_load(fib->bits, from);
	first.nh = rcu_dereference(fib->head)->fallback;
	if (first.nh && (!from || vr_fib_cmp(&first, &start) >= 0))
		err = vr_fib_tell(&telling, &first);
	return err ? : vr_fib_store_walk(rcu_dereference(fib->store), 0,
					 first.key, from ? &start : NULL,
					 vr_fib_tell, &telling);
}

/**
 * vr_fib_count() - how many prefixes a table has
 * @fib: table
 *
 * Context: any; the number of a moment ago, unless called by the writer.
 * Return: prefixes.
 */
unsigned int vr_fib_count(const struct vr_fib *fib)
{
	return READ_ONCE(fib->count);
}
