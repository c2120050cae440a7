// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes are found by their contents in one hash of all tables, and counted. A node
 * whose contents would be those of another one is that one; so the equality of
 * pointers is the equality of all that is below.
 *
 * A node may change in place if one reference leads there, and if no reader is left
 * who came by another one, or still will from a node that waits to be freed. So it
 * notes the round (fib_round.c) in which it last lost one.
 *
 * Locking: one writer at a time in all tables, fib.c sees to it. Readers under RCU
 * know nodes by pointer only, never by the hash.
 */
#include <linux/build_bug.h>
#include <linux/jhash.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fib_node.h"

#define VR_FIB_HASH_MIN_BITS	10
#define VR_FIB_HASH_MAX_BITS	24
/* The bits that are of the contents: the highest ones, which choose the bucket. */
#define VR_FIB_HASH_MASK	(~(u32)(VR_FIB_KIND_MASK | VR_FIB_ROUND_MASK))

/*
 * Sizes of nodes, in bytes: close where most of them are. 2080 is a flat node, 4160
 * the largest branch.
 */
static const u16 vr_fib_node_sizes[] = {
	40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144, 152, 160,
	176, 192, 208, 224, 240, 256, 272, 288, 304, 320, 336, 352, 368, 384,
	400, 416, 432, 448, 464, 480, 496, 512, 528, 544, 568, 592, 640, 704,
	832, 960, 1088, 1536, 2080, 3072, 4160,
};

/**
 * struct vr_fib_nodes - all nodes of all tables
 * @bucket: chains by hash
 * @bits: log2 of the number of buckets
 * @count: nodes
 * @grow: number of nodes from which on to have more buckets
 * @seed: who may choose prefixes must not be able to choose buckets
 * @cache: by size
 */
struct vr_fib_nodes {
	struct vr_fib_node **bucket;
	unsigned int bits;
	unsigned int count;
	unsigned int grow;
	u32 seed;
	struct kmem_cache *cache[ARRAY_SIZE(vr_fib_node_sizes)];
};

static struct vr_fib_nodes vr_fib_nodes;

#ifdef VR_FIB_KUNIT
u32 vr_fib_node_mask = ~0U;
#endif

static unsigned int vr_fib_node_class(size_t size)
{
	unsigned int i;

	for (i = 0; vr_fib_node_sizes[i] < size; i++)
		;
	return i;
}

/**
 * vr_fib_node_bytes() - how much memory a node takes
 * @node: node
 *
 * Return: bytes, with what the allocator adds.
 */
size_t vr_fib_node_bytes(const struct vr_fib_node *node)
{
	return vr_fib_node_sizes[vr_fib_node_class(vr_fib_shape_size(node))];
}

/*
 * Nodes that change in place have a sum as their hash, of which one term changes.
 * The lowest bits are left to the kind and the round.
 */
static u32 vr_fib_hash_term(unsigned int i, unsigned long value)
{
	return jhash_3words(i, value, (u64)value >> 32, vr_fib_nodes.seed) &
	       vr_fib_node_mask & VR_FIB_HASH_MASK;
}

static u32 vr_fib_hash_branch(const struct vr_fib_branch *branch)
{
	u32 hash = jhash2((const u32 *)&branch->child[branch->children],
			  branch->owned, vr_fib_nodes.seed);
	unsigned int i;

	for (i = 0; i < VR_FIB_WORDS; i++)
		hash = jhash_3words(branch->bitmap[i], branch->bitmap[i] >> 32,
				    hash, vr_fib_nodes.seed);
	hash &= vr_fib_node_mask & VR_FIB_HASH_MASK;
	for (i = 0; i < branch->children; i++)
		hash += vr_fib_hash_term(i, (unsigned long)branch->child[i]);
	return hash;
}

static u32 vr_fib_hash_mixed(const struct vr_fib_mixed *mixed)
{
	const unsigned long *below = vr_fib_mixed_below(mixed);
	unsigned int i;
	u32 hash;

	hash = jhash(mixed->bitmap, (const u8 *)below - (const u8 *)mixed->bitmap,
		     vr_fib_nodes.seed) & vr_fib_node_mask & VR_FIB_HASH_MASK;
	for (i = 0; i <= mixed->children; i++)
		hash += vr_fib_hash_term(i, below[i]);
	return hash;
}

static u32 vr_fib_hash_flat(const struct vr_fib_flat *flat)
{
	unsigned int i;
	u32 hash = 0;

	for (i = 0; i < VR_FIB_SLOTS; i++)
		hash += vr_fib_hash_term(i, flat->slot[i]);
	return hash;
}

static u32 vr_fib_hash(const struct vr_fib_node *node, enum vr_fib_kind kind,
		       size_t size)
{
	u32 hash;

	if (kind == VR_FIB_BRANCH)
		hash = vr_fib_hash_branch(container_of(node,
						       struct vr_fib_branch,
						       node));
	else if (kind == VR_FIB_MIXED)
		hash = vr_fib_hash_mixed(container_of(node, struct vr_fib_mixed,
						      node));
	else if (kind == VR_FIB_FLAT)
		hash = vr_fib_hash_flat(container_of(node, struct vr_fib_flat,
						     node));
	else
		hash = jhash(node + 1, size - sizeof(*node),
			     vr_fib_nodes.seed) & vr_fib_node_mask;
	return (hash & VR_FIB_HASH_MASK) | kind;
}

/* But for the round, which is no part of the contents. */
static bool vr_fib_has_hash(const struct vr_fib_node *node, u32 hash)
{
	return !((node->hash ^ hash) & ~VR_FIB_ROUND_MASK);
}

static struct vr_fib_node **vr_fib_bucket(u32 hash)
{
	return &vr_fib_nodes.bucket[hash >> (32 - vr_fib_nodes.bits)];
}

static void vr_fib_link(struct vr_fib_node *node)
{
	struct vr_fib_node **bucket = vr_fib_bucket(node->hash);

	node->next = *bucket;
	*bucket = node;
}

static void vr_fib_unlink(struct vr_fib_node *node)
{
	struct vr_fib_node **p = vr_fib_bucket(node->hash);

	while (*p != node)
		p = &(*p)->next;
	*p = node->next;
}

static void vr_fib_rehash(unsigned int bits)
{
	struct vr_fib_node **old = vr_fib_nodes.bucket, **new, *node;
	unsigned int i, size = 1U << vr_fib_nodes.bits;

	/* without memory the chains are longer, and it is tried again later */
	vr_fib_nodes.grow = max(vr_fib_nodes.count + vr_fib_nodes.count / 4,
				2U << vr_fib_nodes.bits);
	if (bits < VR_FIB_HASH_MIN_BITS || bits > VR_FIB_HASH_MAX_BITS)
		return;
	new = kvcalloc(1U << bits, sizeof(*new), GFP_KERNEL | __GFP_NOWARN);
	if (!new)
		return;
	vr_fib_nodes.bucket = new;
	vr_fib_nodes.bits = bits;
	vr_fib_nodes.grow = 2U << bits;
	for (i = 0; i < size; i++) {
		while ((node = old[i])) {
			old[i] = node->next;
			vr_fib_link(node);
		}
		cond_resched();
	}
	kvfree(old);
}

static void vr_fib_count_nodes(int change)
{
	WRITE_ONCE(vr_fib_nodes.count, vr_fib_nodes.count + change);
	if (vr_fib_nodes.count > vr_fib_nodes.grow)
		vr_fib_rehash(vr_fib_nodes.bits + 1);
	else if (vr_fib_nodes.count < 1U << vr_fib_nodes.bits >> 2)
		vr_fib_rehash(vr_fib_nodes.bits - 1);
}

static struct vr_fib_node *vr_fib_node_find(const struct vr_fib_node *draft,
					    u32 hash, size_t size)
{
	size_t from = vr_fib_shape_head(hash & VR_FIB_KIND_MASK);
	struct vr_fib_node *node;

	for (node = *vr_fib_bucket(hash); node; node = node->next)
		if (vr_fib_has_hash(node, hash) &&
		    vr_fib_shape_size(node) == size &&
		    !memcmp((const u8 *)node + from, (const u8 *)draft + from,
			    size - from))
			return node;
	return NULL;
}

/**
 * vr_fib_node_intern() - the node that has certain contents, made if need be
 * @draft: the contents; padding and unused bytes are 0
 * @kind: what it is
 * @gfp: how to allocate
 *
 * Context: the writer.
 * Return: node with one more reference, or NULL without memory.
 */
struct vr_fib_node *vr_fib_node_intern(const struct vr_fib_node *draft,
				       enum vr_fib_kind kind, gfp_t gfp)
{
	size_t size = vr_fib_shape_size_as(draft, kind);
	u32 hash = vr_fib_hash(draft, kind, size);
	struct vr_fib_node *node, *below;
	unsigned int i, n;

	node = vr_fib_node_find(draft, hash, size);
	if (node)
		return vr_fib_node_get(node);
	node = kmem_cache_alloc(vr_fib_nodes.cache[vr_fib_node_class(size)],
				gfp);
	if (!node)
		return NULL;
	memcpy(node, draft, size);
	node->hash = hash;
	node->refs = 1;
	n = vr_fib_shape_degree(node);
	for (i = 0; i < n; i++) {
		below = vr_fib_shape_below(node, i);
		if (below)
			below->refs++;
	}
	vr_fib_link(node);
	vr_fib_count_nodes(1);
	return node;
}

static u32 vr_fib_hash_but(struct vr_fib_node *node, unsigned int i,
			   unsigned long value)
{
	return node->hash - vr_fib_hash_term(i, *vr_fib_shape_value(node, i)) +
	       vr_fib_hash_term(i, value);
}

/**
 * vr_fib_node_find_but() - find what a node would be with one pointer changed
 * @node: VR_FIB_MIXED, VR_FIB_FLAT or VR_FIB_BRANCH
 * @i: slot of a flat node, number of the node below of others
 * @value: its new value
 *
 * Context: the writer.
 * Return: node with one more reference, or NULL if there is none.
 */
struct vr_fib_node *vr_fib_node_find_but(struct vr_fib_node *node, unsigned int i,
					 unsigned long value)
{
	size_t size = vr_fib_shape_size(node), at, from;
	u32 hash = vr_fib_hash_but(node, i, value);
	const u8 *a = (const u8 *)node, *b;
	struct vr_fib_node *other;

	from = vr_fib_shape_head(vr_fib_node_kind(node));
	at = (const u8 *)vr_fib_shape_value(node, i) - a;
	for (other = *vr_fib_bucket(hash); other; other = other->next) {
		b = (const u8 *)other;
		if (vr_fib_has_hash(other, hash) &&
		    vr_fib_shape_size(other) == size &&
		    *(const unsigned long *)(b + at) == value &&
		    !memcmp(a + from, b + from, at - from) &&
		    !memcmp(a + at + sizeof(value), b + at + sizeof(value),
			    size - at - sizeof(value)))
			return vr_fib_node_get(other);
	}
	return NULL;
}

/**
 * vr_fib_node_alter() - change one pointer of a node in place
 * @node: VR_FIB_MIXED, VR_FIB_FLAT or VR_FIB_BRANCH that one table alone leads to:
 *	it and all above are vr_fib_node_is_sole()
 * @i: slot of a flat node, number of the node below of others
 * @value: its new value, of which there is no equal node
 *
 * Context: the writer.
 */
void vr_fib_node_alter(struct vr_fib_node *node, unsigned int i,
		       unsigned long value)
{
	struct vr_fib_node *old = vr_fib_shape_below(node, i), *new;
	u32 hash = vr_fib_hash_but(node, i, value);

	vr_fib_unlink(node);
	/* pairs with the dependent reads of those who look up */
	smp_store_release(vr_fib_shape_value(node, i), value);
	node->hash = hash;
	vr_fib_link(node);
	new = vr_fib_shape_below(node, i);
	if (new)
		vr_fib_node_get(new);
	if (old)
		vr_fib_node_leave(old);
}

/**
 * vr_fib_node_get() - take a reference
 * @node: node
 *
 * Context: the writer.
 * Return: @node.
 */
struct vr_fib_node *vr_fib_node_get(struct vr_fib_node *node)
{
	node->refs++;
	return node;
}

static void vr_fib_node_free_rcu(struct rcu_head *head)
{
	kfree(container_of(head, struct vr_fib_node, rcu));
}

/* Readers may have come by the reference that is given back, or still will. */
static void vr_fib_node_mark(struct vr_fib_node *node)
{
	/* what has none below does not change in place */
	if (!vr_fib_shape_degree(node))
		return;
	node->hash &= ~VR_FIB_ROUND_MASK;
	node->hash |= vr_fib_round_note() << VR_FIB_ROUND_SHIFT;
}

/**
 * vr_fib_node_put() - give a reference back that no reader comes by
 * @node: node; freed after a grace period, if that was the last one, and with it
 *	what only it led to
 *
 * Context: the writer.
 */
void vr_fib_node_put(struct vr_fib_node *node)
{
	struct vr_fib_node *doomed = NULL, *below;
	unsigned int i, n;

	if (--node->refs)
		return;
	vr_fib_unlink(node);
	node->next = doomed;
	doomed = node;
	while (doomed) {
		node = doomed;
		doomed = node->next;
		n = vr_fib_shape_degree(node);
		for (i = 0; i < n; i++) {
			below = vr_fib_shape_below(node, i);
			if (!below)
				continue;
			if (--below->refs) {
				vr_fib_node_mark(below);
				continue;
			}
			vr_fib_unlink(below);
			below->next = doomed;
			doomed = below;
		}
		vr_fib_count_nodes(-1);
		cond_resched();
		call_rcu(&node->rcu, vr_fib_node_free_rcu);
	}
}

/**
 * vr_fib_node_leave() - give a reference back that readers may have come by
 * @node: as for vr_fib_node_put(); nobody finds it by this reference any more
 *
 * Context: the writer.
 */
void vr_fib_node_leave(struct vr_fib_node *node)
{
	if (node->refs > 1)
		vr_fib_node_mark(node);
	vr_fib_node_put(node);
}

/**
 * vr_fib_node_is_sole() - do all come to a node by one and the same reference?
 * @node: node
 *
 * Context: the writer.
 * Return: whether the readers do who are there, or still come.
 */
bool vr_fib_node_is_sole(const struct vr_fib_node *node)
{
	u32 round = (node->hash & VR_FIB_ROUND_MASK) >> VR_FIB_ROUND_SHIFT;

	return node->refs == 1 && (!round || vr_fib_round_is_over(round));
}

/**
 * vr_fib_node_total() - how many nodes there are
 *
 * Context: any; the number of a moment ago, unless called by the writer.
 * Return: nodes of all tables.
 */
unsigned int vr_fib_node_total(void)
{
	return READ_ONCE(vr_fib_nodes.count);
}

/**
 * vr_fib_node_exit() - no nodes any more
 */
void vr_fib_node_exit(void)
{
	unsigned int i;

	WARN_ON_ONCE(vr_fib_nodes.count);
	/* those that wait for a grace period */
	rcu_barrier();
	for (i = 0; i < ARRAY_SIZE(vr_fib_nodes.cache); i++)
		kmem_cache_destroy(vr_fib_nodes.cache[i]);
	kvfree(vr_fib_nodes.bucket);
	memset(&vr_fib_nodes, 0, sizeof(vr_fib_nodes));
}

/**
 * vr_fib_node_init() - prepare for nodes
 *
 * Return: 0 or -ENOMEM.
 */
int vr_fib_node_init(void)
{
	char name[32];
	unsigned int i;

	BUILD_BUG_ON(VR_FIB_NODE_SIZE_MAX >
		     vr_fib_node_sizes[ARRAY_SIZE(vr_fib_node_sizes) - 1]);
	vr_fib_nodes.bits = VR_FIB_HASH_MIN_BITS;
	vr_fib_nodes.grow = 2U << VR_FIB_HASH_MIN_BITS;
	vr_fib_nodes.seed = get_random_u32();
	vr_fib_round_init();
	vr_fib_nodes.bucket = kvcalloc(1U << vr_fib_nodes.bits,
				       sizeof(*vr_fib_nodes.bucket), GFP_KERNEL);
	if (!vr_fib_nodes.bucket)
		goto err;
	for (i = 0; i < ARRAY_SIZE(vr_fib_nodes.cache); i++) {
		snprintf(name, sizeof(name), "vrouter_fib_%u",
			 vr_fib_node_sizes[i]);
		vr_fib_nodes.cache[i] =
			kmem_cache_create(name, vr_fib_node_sizes[i], 8, 0,
					  NULL);
		if (!vr_fib_nodes.cache[i])
			goto err;
	}
	return 0;
err:
	vr_fib_node_exit();
	return -ENOMEM;
}
