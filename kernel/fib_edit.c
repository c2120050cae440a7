// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of the prefixes of a table. All memory is taken, and all that is new made,
 * before anything is changed.
 *
 * Functions that go from level to level call themselves, at most VR_FIB_LEVELS deep.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fib_edit.h"

/* The one writer's scratch. */
static union {
	struct vr_fib_node node;
	struct vr_fib_list list;
	struct vr_fib_branch branch;
	u8 bytes[VR_FIB_NODE_SIZE_MAX];
} vr_fib_draft;

static struct vr_fib_node *vr_fib_list_make(const struct vr_fib_entry *entry,
					    unsigned int n, gfp_t gfp)
{
	struct vr_fib_list *list = &vr_fib_draft.list;
	u32 *p = list->entry;
	unsigned int i, plen = 0;

	for (i = 0; i < n; i++)
		plen = max_t(unsigned int, plen, entry[i].plen);
	list->kind = VR_FIB_LIST;
	list->count = n;
	list->words = plen <= 32 ? 1 : plen <= 64 ? 2 : 4;
	for (i = 0; i < n; i++) {
		*p++ = entry[i].key.hi >> 32;
		if (list->words > 1)
			*p++ = entry[i].key.hi;
		if (list->words > 2) {
			*p++ = entry[i].key.lo >> 32;
			*p++ = entry[i].key.lo;
		}
		*p++ = (u32)entry[i].nh << 16 | entry[i].plen;
	}
	return vr_fib_node_intern(&list->node, VR_FIB_LIST, gfp);
}

/* How many of the entries have the same next bits as the first one. */
static size_t vr_fib_group(const struct vr_fib_entry *entry, size_t n,
			   unsigned int level)
{
	unsigned int slot = vr_fib_byte(entry->key, level);
	size_t lo = 1, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (vr_fib_byte(entry[mid].key, level) == slot)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void vr_fib_put_all(struct vr_fib_node **node, unsigned int n)
{
	while (n)
		vr_fib_node_put(node[--n]);
}

/*
 * Entries that end at a level come before those of the same slot that are longer:
 * they have fewer bits that can be set.
 */
static struct vr_fib_node *vr_fib_branch_build(const struct vr_fib_entry *entry,
					       size_t n, unsigned int level,
					       struct vr_fib_node **child,
					       gfp_t gfp)
{
	struct vr_fib_branch *branch = &vr_fib_draft.branch;
	u64 bitmap[VR_FIB_WORDS] = {};
	unsigned int children = 0, owned = 0, slot;
	const struct vr_fib_entry *p, *end;
	struct vr_fib_node *node;
	size_t group;
	u32 *word;

	for (p = entry; p < entry + n; p += group) {
		group = vr_fib_group(p, entry + n - p, level);
		slot = vr_fib_byte(p->key, level);
		for (end = p + group;
		     p < end && p->plen <= level + VR_FIB_STRIDE; p++)
			owned++;
		group = end - p;
		if (!group)
			continue;
		node = vr_fib_edit_build(p, group, level + VR_FIB_STRIDE, gfp);
		if (!node)
			goto err;
		child[children++] = node;
		bitmap[slot / 64] |= BIT_ULL(slot % 64);
	}
	branch->kind = VR_FIB_BRANCH;
	branch->owned = owned;
	branch->children = children;
	branch->count = n;
	memcpy(branch->bitmap, bitmap, sizeof(bitmap));
	for (slot = 0; slot < children; slot++)
		branch->child[slot] = child[slot];
	word = (u32 *)&branch->child[children];
	for (p = entry; p < entry + n; p++)
		if (p->plen <= level + VR_FIB_STRIDE)
			*word++ = vr_fib_owned_word(p, level);
	node = vr_fib_node_intern(&branch->node, VR_FIB_BRANCH, gfp);
	vr_fib_put_all(child, children);
	return node;
err:
	vr_fib_put_all(child, children);
	return NULL;
}

/**
 * vr_fib_edit_build() - make a store
 * @entry: prefixes, ordered; longer than @level
 * @n: number of prefixes, not 0
 * @level: bits that they have in common
 * @gfp: how to allocate
 *
 * Context: the writer.
 * Return: store with a reference, or NULL without memory.
 */
struct vr_fib_node *vr_fib_edit_build(const struct vr_fib_entry *entry, size_t n,
				      unsigned int level, gfp_t gfp)
{
	struct vr_fib_node **child, *node;

	if (n <= VR_FIB_LIST_MAX)
		return vr_fib_list_make(entry, n, gfp);
	child = kmalloc_array(min_t(size_t, n, VR_FIB_SLOTS), sizeof(*child),
			      gfp);
	if (!child)
		return NULL;
	node = vr_fib_branch_build(entry, n, level, child, gfp);
	kfree(child);
	return node;
}

/**
 * struct vr_fib_gather - prefixes of a branch that becomes a list
 * @n: number
 * @entry: the prefixes
 */
struct vr_fib_gather {
	unsigned int n;
	struct vr_fib_entry entry[VR_FIB_LIST_MAX + 1];
};

static int vr_fib_gather(void *arg, const struct vr_fib_entry *entry)
{
	struct vr_fib_gather *all = arg;

	all->entry[all->n++] = *entry;
	return 0;
}

static void vr_fib_gather_edit(struct vr_fib_gather *all,
			       const struct vr_fib_entry *entry)
{
	unsigned int i = 0;
	int cmp = -1;

	for (; i < all->n; i++) {
		cmp = vr_fib_cmp(entry, &all->entry[i]);
		if (cmp <= 0)
			break;
	}
	if (i < all->n && !cmp && entry->nh) {
		all->entry[i].nh = entry->nh;
	} else if (entry->nh) {
		memmove(&all->entry[i + 1], &all->entry[i],
			(all->n++ - i) * sizeof(*entry));
		all->entry[i] = *entry;
	} else {
		memmove(&all->entry[i], &all->entry[i + 1],
			(--all->n - i) * sizeof(*entry));
	}
}

/* A list that changes, or a branch that is a list afterwards. */
static struct vr_fib_node *vr_fib_edit_few(struct vr_fib_edit *edit,
					   const struct vr_fib_node *node,
					   unsigned int level)
{
	struct vr_fib_gather all = { .n = 0 };

	vr_fib_store_walk(node, level,
			  vr_fib_and(edit->entry.key, vr_fib_mask(level)), NULL,
			  vr_fib_gather, &all);
	vr_fib_gather_edit(&all, &edit->entry);
	if (!all.n)
		return NULL;
	return vr_fib_edit_build(all.entry, all.n, level, edit->gfp) ? :
	       ERR_PTR(-ENOMEM);
}

/* Begin a draft with a part of a branch. Return the place for what follows. */
static void *vr_fib_draft_begin(const struct vr_fib_branch *branch, size_t size)
{
	memcpy(vr_fib_draft.bytes, branch, size);
	return vr_fib_draft.bytes + size;
}

/* A branch whose own prefixes change. */
static struct vr_fib_node *vr_fib_edit_owned(struct vr_fib_edit *edit,
					     const struct vr_fib_branch *branch,
					     unsigned int level)
{
	size_t fixed = (const u8 *)vr_fib_owned(branch) - (const u8 *)branch;
	u32 word = vr_fib_owned_word(&edit->entry, level), *to;
	struct vr_fib_branch *draft = &vr_fib_draft.branch;
	const u32 *from = vr_fib_owned(branch);
	unsigned int i;

	to = vr_fib_draft_begin(branch, fixed);
	draft->count += edit->count;
	draft->owned += edit->count;
	for (i = 0; i < branch->owned && from[i] >> 16 < word >> 16; i++)
		*to++ = from[i];
	if (edit->entry.nh)
		*to++ = word;
	if (edit->count != 1)
		i++;
	for (; i < branch->owned; i++)
		*to++ = from[i];
	return vr_fib_node_intern(&draft->node, VR_FIB_BRANCH, edit->gfp) ? :
	       ERR_PTR(-ENOMEM);
}

/* A branch that gets a child, loses one, or another one in its place. */
static struct vr_fib_node *vr_fib_edit_child(struct vr_fib_edit *edit,
					     const struct vr_fib_branch *branch,
					     unsigned int slot,
					     struct vr_fib_node *child)
{
	unsigned int i = vr_fib_child_index(branch, slot);
	struct vr_fib_branch *draft = &vr_fib_draft.branch;
	bool had = vr_fib_has_child(branch, slot);
	const u32 *owned = vr_fib_owned(branch);
	struct vr_fib_node **to;
	u32 *word;

	to = vr_fib_draft_begin(branch, offsetof(struct vr_fib_branch, child) +
				i * sizeof(*to));
	draft->count += edit->count;
	if (child)
		*to++ = child;
	if (!child || !had)
		draft->bitmap[slot / 64] ^= BIT_ULL(slot % 64);
	draft->children += (child ? 1 : 0) - (had ? 1 : 0);
	for (i += had; i < branch->children; i++)
		*to++ = branch->child[i];
	for (word = (u32 *)to, i = 0; i < branch->owned; i++)
		*word++ = owned[i];
	return vr_fib_node_intern(&draft->node, VR_FIB_BRANCH, edit->gfp) ? :
	       ERR_PTR(-ENOMEM);
}

/*
 * Does only this table lead to a branch, and only once, and all readers that may
 * come there by it? To be asked after all below has been prepared, since that may
 * have found the branch a second use.
 */
static bool vr_fib_edit_ours(const struct vr_fib_edit *edit, unsigned int depth)
{
	while (depth)
		if (!vr_fib_node_is_sole(&edit->way[--depth]->node))
			return false;
	return true;
}

/* The same number of children: perhaps it can change in place. */
static struct vr_fib_node *vr_fib_edit_replace(struct vr_fib_edit *edit,
					       struct vr_fib_branch *branch,
					       unsigned int level,
					       struct vr_fib_node *child)
{
	unsigned int slot = vr_fib_byte(edit->entry.key, level);
	unsigned int depth = level / VR_FIB_STRIDE + 1, index;
	struct vr_fib_node *node;

	if (!vr_fib_edit_ours(edit, depth))
		return vr_fib_edit_child(edit, branch, slot, child);
	index = vr_fib_child_index(branch, slot);
	node = vr_fib_node_find_but(&branch->node, index, (unsigned long)child);
	if (node)
		return node;
	edit->at = branch;
	edit->depth = depth;
	edit->index = index;
	edit->child = vr_fib_node_get(child);
	return vr_fib_node_get(&branch->node);
}

/**
 * vr_fib_edit_prepare() - prepare a change
 * @edit: change; its &vr_fib_edit.count says what it is
 * @node: store, or a part of it, or NULL
 * @level: bits decided so far
 *
 * Nothing is changed until vr_fib_edit_commit(). vr_fib_edit_end() must follow.
 *
 * Context: the writer.
 * Return: what is to stand in the place of @node, with a reference; @node itself
 * if it changes in place; NULL if nothing is left; ERR_PTR(-ENOMEM).
 */
struct vr_fib_node *vr_fib_edit_prepare(struct vr_fib_edit *edit,
					struct vr_fib_node *node,
					unsigned int level)
{
	struct vr_fib_node *child = NULL, *new;
	struct vr_fib_branch *branch;
	unsigned int slot;

	if (!node || vr_fib_store_kind(node) == VR_FIB_LIST ||
	    vr_fib_store_count(node) + edit->count <= VR_FIB_LIST_MAX)
		return vr_fib_edit_few(edit, node, level);
	branch = container_of(node, struct vr_fib_branch, node);
	if (edit->entry.plen <= level + VR_FIB_STRIDE)
		return vr_fib_edit_owned(edit, branch, level);

	edit->way[level / VR_FIB_STRIDE] = branch;
	slot = vr_fib_byte(edit->entry.key, level);
	if (vr_fib_has_child(branch, slot))
		child = branch->child[vr_fib_child_index(branch, slot)];
	new = vr_fib_edit_prepare(edit, child, level + VR_FIB_STRIDE);
	if (IS_ERR(new))
		return new;
	if (new && new == child)
		node = vr_fib_node_get(node);
	else if (new && child)
		node = vr_fib_edit_replace(edit, branch, level, new);
	else
		node = vr_fib_edit_child(edit, branch, slot, new);
	if (new)
		vr_fib_node_put(new);
	return node;
}

/**
 * vr_fib_edit_commit() - make the change in place, if there is one
 * @edit: change
 *
 * Context: the writer.
 */
void vr_fib_edit_commit(struct vr_fib_edit *edit)
{
	struct vr_fib_node *old;
	unsigned int i;

	if (!edit->at)
		return;
	for (i = 0; i < edit->depth; i++)
		edit->way[i]->count += edit->count;
	old = vr_fib_node_get(edit->at->child[edit->index]);
	vr_fib_node_alter(&edit->at->node, edit->index,
			  (unsigned long)edit->child);
	vr_fib_node_put(edit->child);
	edit->child = old;
}

/**
 * vr_fib_edit_undo() - take back what vr_fib_edit_commit() did
 * @edit: change
 *
 * Context: the writer.
 */
void vr_fib_edit_undo(struct vr_fib_edit *edit)
{
	edit->count = -edit->count;
	vr_fib_edit_commit(edit);
}

/**
 * vr_fib_edit_end() - let go of what the change in place needed
 * @edit: change
 *
 * Context: the writer.
 */
void vr_fib_edit_end(struct vr_fib_edit *edit)
{
	if (edit->at)
		vr_fib_node_put(edit->child);
}
