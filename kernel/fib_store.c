// SPDX-License-Identifier: GPL-2.0
/*
 * The prefixes of a table: a trie of eight bits a level, in which a branch of few
 * prefixes is a list. Its shape follows from the prefixes alone, whatever the order
 * in which they came, so that equal parts of tables are equal nodes.
 *
 * Functions that go from level to level call themselves, at most VR_FIB_LEVELS deep.
 */
#include <linux/bitops.h>
#include <linux/string.h>

#include "fib_store.h"

/**
 * vr_fib_list_get() - one prefix of a list
 * @list: list
 * @i: number
 *
 * Return: the prefix.
 */
struct vr_fib_entry vr_fib_list_get(const struct vr_fib_list *list, unsigned int i)
{
	const u32 *p = &list->entry[i * (list->words + 1)];
	struct vr_fib_entry entry = {
		.key.hi = (u64)p[0] << 32,
		.nh = p[list->words] >> 16,
		.plen = p[list->words],
	};

	if (list->words > 1)
		entry.key.hi |= p[1];
	if (list->words > 2)
		entry.key.lo = (u64)p[2] << 32 | p[3];
	return entry;
}

/**
 * vr_fib_store_count() - how many prefixes there are
 * @node: store, or a part of it, or NULL
 *
 * Context: the writer.
 * Return: prefixes.
 */
unsigned int vr_fib_store_count(const struct vr_fib_node *node)
{
	if (!node)
		return 0;
	return vr_fib_store_kind(node) == VR_FIB_LIST ?
		vr_fib_to_list(node)->count : vr_fib_to_branch(node)->count;
}

/**
 * vr_fib_view() - look at a store
 * @node: store or NULL
 *
 * Return: view of all of it.
 */
struct vr_fib_view vr_fib_view(const struct vr_fib_node *node)
{
	struct vr_fib_view view = { .node = node };

	if (node && vr_fib_store_kind(node) == VR_FIB_LIST)
		view.to = vr_fib_to_list(node)->count;
	return view;
}

/**
 * vr_fib_view_slot() - go to the next level
 * @view: what is at @level
 * @level: bits decided so far
 * @slot: the next bits
 *
 * Context: the writer, or RCU read side.
 * Return: view of the prefixes with these bits that are longer.
 */
struct vr_fib_view vr_fib_view_slot(struct vr_fib_view view, unsigned int level,
				    unsigned int slot)
{
	const struct vr_fib_branch *branch;
	const struct vr_fib_list *list;
	struct vr_fib_view none = {};
	struct vr_fib_entry entry;
	bool some = false;
	unsigned int i;

	if (!view.node)
		return none;
	if (vr_fib_store_kind(view.node) == VR_FIB_BRANCH) {
		branch = vr_fib_to_branch(view.node);
		if (!vr_fib_has_child(branch, slot))
			return none;
		i = vr_fib_child_index(branch, slot);
		return vr_fib_view(READ_ONCE(branch->child[i]));
	}
	list = vr_fib_to_list(view.node);
	for (i = view.from; i < view.to; i++) {
		entry = vr_fib_list_get(list, i);
		if (vr_fib_byte(entry.key, level) < slot)
			view.from = i + 1;
		else if (vr_fib_byte(entry.key, level) > slot)
			break;
		else if (entry.plen > level + VR_FIB_STRIDE)
			some = true;
	}
	view.to = i;
	return some ? view : none;
}

/**
 * vr_fib_view_owned() - the prefixes that end at a level
 * @view: what is there
 * @level: bits decided so far
 * @buffer: room for VR_FIB_LIST_MAX of them
 * @n: gets their number
 *
 * Context: the writer.
 * Return: the prefixes, as &struct vr_fib_branch has them.
 */
const u32 *vr_fib_view_owned(struct vr_fib_view view, unsigned int level,
			     u32 *buffer, unsigned int *n)
{
	const struct vr_fib_branch *branch;
	struct vr_fib_entry entry;
	unsigned int i;

	*n = 0;
	if (!view.node)
		return buffer;
	if (vr_fib_store_kind(view.node) == VR_FIB_BRANCH) {
		branch = vr_fib_to_branch(view.node);
		*n = branch->owned;
		return vr_fib_owned(branch);
	}
	for (i = view.from; i < view.to; i++) {
		entry = vr_fib_list_get(vr_fib_to_list(view.node), i);
		if (entry.plen > level && entry.plen <= level + VR_FIB_STRIDE)
			buffer[(*n)++] = vr_fib_owned_word(&entry, level);
	}
	return buffer;
}

/**
 * vr_fib_owned_find() - the longest prefix of a level that covers a slot
 * @owned: the prefixes that end there
 * @n: their number
 * @slot: slot
 * @most: bits that it may have
 * @bits: gets those that it has, if there is one
 *
 * Return: its next hop, or 0.
 */
u16 vr_fib_owned_find(const u32 *owned, unsigned int n, unsigned int slot,
		      unsigned int most, unsigned int *bits)
{
	unsigned int i, has;
	u16 nh = 0;

	/* of those that cover a slot, longer ones come later */
	for (i = 0; i < n && vr_fib_owned_slot(owned[i]) <= slot; i++) {
		has = vr_fib_owned_bits(owned[i]);
		if (has > most || (vr_fib_owned_slot(owned[i]) ^ slot) >>
				  (VR_FIB_STRIDE - has))
			continue;
		nh = owned[i];
		*bits = has;
	}
	return nh;
}

static u16 vr_fib_match_exact(const u32 *owned, unsigned int n,
			      const struct vr_fib_entry *entry,
			      unsigned int level, u8 *plen)
{
	u32 want = vr_fib_owned_word(entry, level) >> 16;
	unsigned int lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (owned[mid] >> 16 < want)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == n || owned[lo] >> 16 != want)
		return 0;
	*plen = entry->plen;
	return owned[lo];
}

static u16 vr_fib_match_list(const struct vr_fib_list *list,
			     const struct vr_fib_entry *want, bool exact,
			     u8 *plen)
{
	struct vr_fib_entry entry;
	struct vr_fib_key mask;
	unsigned int i;
	u16 nh = 0;

	for (i = 0; i < list->count; i++) {
		entry = vr_fib_list_get(list, i);
		mask = vr_fib_mask(entry.plen);
		if (exact ? vr_fib_cmp(&entry, want) :
		    ((entry.key.hi ^ want->key.hi) & mask.hi) |
		    ((entry.key.lo ^ want->key.lo) & mask.lo))
			continue;
		nh = entry.nh;
		*plen = entry.plen;
	}
	return nh;
}

/**
 * vr_fib_store_match() - find a prefix, or the longest that covers an address
 * @node: store or NULL
 * @entry: prefix, or address
 * @exact: the prefix itself
 * @plen: gets the length of what was found
 *
 * Context: the writer, or RCU read side.
 * Return: its next hop, or 0.
 */
u16 vr_fib_store_match(const struct vr_fib_node *node,
		       const struct vr_fib_entry *entry, bool exact, u8 *plen)
{
	const struct vr_fib_branch *branch;
	unsigned int level = 0, slot, bits;
	u16 nh = 0, found;

	for (; node && vr_fib_store_kind(node) == VR_FIB_BRANCH;
	     level += VR_FIB_STRIDE) {
		branch = vr_fib_to_branch(node);
		if (exact && entry->plen <= level + VR_FIB_STRIDE)
			return vr_fib_match_exact(vr_fib_owned(branch),
						  branch->owned, entry, level,
						  plen);
		slot = vr_fib_byte(entry->key, level);
		found = exact ? 0 :
			vr_fib_owned_find(vr_fib_owned(branch), branch->owned,
					  slot, VR_FIB_STRIDE, &bits);
		if (found) {
			nh = found;
			*plen = level + bits;
		}
		if (!vr_fib_has_child(branch, slot))
			return nh;
		node = READ_ONCE(branch->child[vr_fib_child_index(branch,
								  slot)]);
	}
	found = node ? vr_fib_match_list(vr_fib_to_list(node), entry, exact,
					 plen) : 0;
	return found ? : nh;
}

static int vr_fib_walk_list(const struct vr_fib_list *list,
			    const struct vr_fib_entry *from,
			    int (*fn)(void *arg,
				      const struct vr_fib_entry *entry),
			    void *arg)
{
	struct vr_fib_entry entry;
	unsigned int i;
	int err = 0;

	for (i = 0; i < list->count && !err; i++) {
		entry = vr_fib_list_get(list, i);
		if (!from || vr_fib_cmp(&entry, from) >= 0)
			err = fn(arg, &entry);
	}
	return err;
}

/**
 * vr_fib_store_walk() - tell prefixes by address, the shorter one first
 * @node: store, or a part of it, or NULL
 * @level: bits decided so far
 * @key: these bits
 * @from: where to begin, or NULL; has the same bits
 * @fn: is told
 * @arg: for @fn
 *
 * Context: the writer, or RCU read side.
 * Return: the first result of @fn that is not 0, or 0.
 */
int vr_fib_store_walk(const struct vr_fib_node *node, unsigned int level,
		      struct vr_fib_key key, const struct vr_fib_entry *from,
		      int (*fn)(void *arg, const struct vr_fib_entry *entry),
		      void *arg)
{
	unsigned int slot = from ? vr_fib_byte(from->key, level) : 0;
	const struct vr_fib_branch *branch;
	const struct vr_fib_node *below;
	unsigned int i = 0, start = slot;
	struct vr_fib_entry entry;
	const u32 *owned;
	int err = 0;

	if (!node)
		return 0;
	if (vr_fib_store_kind(node) == VR_FIB_LIST)
		return vr_fib_walk_list(vr_fib_to_list(node), from, fn, arg);
	branch = vr_fib_to_branch(node);
	owned = vr_fib_owned(branch);
	for (; slot < VR_FIB_SLOTS && !err; slot++) {
		entry.key = vr_fib_with_byte(key, level, slot);
		for (; i < branch->owned && !err; i++) {
			if (vr_fib_owned_slot(owned[i]) > slot)
				break;
			entry.nh = owned[i];
			entry.plen = level + vr_fib_owned_bits(owned[i]);
			if (vr_fib_owned_slot(owned[i]) == slot &&
			    (!from || vr_fib_cmp(&entry, from) >= 0))
				err = fn(arg, &entry);
		}
		if (err || !vr_fib_has_child(branch, slot))
			continue;
		below = READ_ONCE(branch->child[vr_fib_child_index(branch,
								   slot)]);
		err = vr_fib_store_walk(below, level + VR_FIB_STRIDE, entry.key,
					slot == start ? from : NULL, fn, arg);
	}
	return err;
}
