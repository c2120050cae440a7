// SPDX-License-Identifier: GPL-2.0
/*
 * The MAC table against an array, with keys that want the same slots, too little
 * room, and no memory.
 */
#include "bytes.h"
#include "mactable.h"

#define VR_BYTES_KEYS		96
#define VR_BYTES_ROOM		4	/* slots for a key */
#define VR_BYTES_INVERSE	0x0e217c1e66c88cc3ULL	/* of GOLDEN_RATIO_64 */

const char * const vr_bytes_name = "MAC table";

enum { ADDED, TWICE, FULL, REMOVED, MEMORY, CLEARED, WALKED, WRAPPED };

struct vr_bytes_tally vr_bytes_tally[] = {
	[ADDED] = { "a key was added" },
	[TWICE] = { "a key was there already" },
	[FULL] = { "there was no room" },
	[REMOVED] = { "a key was removed" },
	[MEMORY] = { "there was no memory" },
	[CLEARED] = { "a key was cleared" },
	[WALKED] = { "keys were cleared on a walk" },
	[WRAPPED] = { "a search went on at the first slot" },
	{}
};

/**
 * struct vr_mactable_model - a table and what should be in it
 * @bytes: what to do
 * @table: table, or NULL
 * @there: keys that have a value
 * @count: how many
 */
struct vr_mactable_model {
	struct vr_bytes bytes;
	struct vr_mactable *table;
	bool there[VR_BYTES_KEYS];
	u32 count;
};

/* A third of the keys want the first slot, a third the last; none is 0. */
static u64 vr_mactable_bytes_key(unsigned int i)
{
	static const u64 hash[] = { 0, ~0ULL << 32, 0x9e3779b97f4a7c15ULL };

	return (hash[i % 3] * (i % 3 == 2 ? i : 1) + i + 1) * VR_BYTES_INVERSE;
}

static void *vr_mactable_bytes_value(unsigned int i)
{
	return (void *)(16UL * (i + 1));
}

static void vr_mactable_bytes_compare(const struct vr_mactable_model *m)
{
	const struct vr_mactable *t = m->table;
	unsigned int i, used = 0;
	u64 key;

	if (!t) {
		vr_host_check(!m->count, "no table");
		return;
	}
	for (i = 0; i < VR_BYTES_KEYS; i++) {
		key = vr_mactable_bytes_key(i);
		vr_host_check(vr_mactable_find(t, key) ==
			      (m->there[i] ? vr_mactable_bytes_value(i) : NULL),
			      "key %u is %sthere", i, m->there[i] ? "not " : "");
		vr_bytes_tally[WRAPPED].n += m->there[i] &&
			vr_mactable_index(t, key) == t->mask &&
			t->slot[t->mask].key != key;
	}
	vr_host_check(t->count == m->count, "count is %u, not %u", t->count,
		      m->count);
	for (i = 0; i <= t->mask; i++)
		used += !!t->slot[i].key;
	vr_host_check(VR_BYTES_ROOM * used <= t->mask + 1, "%u keys in %u slots", used,
		      t->mask + 1);
}

static void vr_mactable_bytes_replace(struct vr_mactable_model *m,
				      struct vr_mactable *table)
{
	kvfree(m->table);
	m->table = table;
}

static void vr_mactable_bytes_insert(struct vr_mactable_model *m, unsigned int i,
				     u32 room)
{
	struct vr_mactable *table = vr_mactable_alloc(room, GFP_KERNEL);
	u64 key = vr_mactable_bytes_key(i);
	int err, want = 0;

	vr_host_check(table, "no table for %u", room);
	vr_host_check(table->mask + 1 >= VR_BYTES_ROOM * room, "%u slots for %u",
		      table->mask + 1, room);
	if (m->there[i])
		want = -EEXIST;
	else if (VR_BYTES_ROOM * (m->count + 1) > table->mask + 1)
		want = -ENOSPC;
	err = vr_mactable_insert(table, m->table, key, vr_mactable_bytes_value(i));
	vr_host_check(err == want, "insert: %d, not %d", err, want);
	vr_host_check(vr_mactable_insert(table, NULL, 0, m) == -EINVAL &&
		      vr_mactable_insert(table, NULL, key, NULL) == -EINVAL,
		      "nothing can be inserted");
	vr_bytes_tally[TWICE].n += err == -EEXIST;
	vr_bytes_tally[FULL].n += err == -ENOSPC;
	if (err) {
		vr_host_check(!table->count, "a table is not empty");
		kvfree(table);
		return;
	}
	vr_mactable_bytes_replace(m, table);
	m->there[i] = true;
	m->count++;
	vr_bytes_tally[ADDED].n++;
}

static void vr_mactable_bytes_remove(struct vr_mactable_model *m, unsigned int i,
				     bool fails)
{
	long err, want = m->there[i] ? 0 : -ENOENT;
	struct vr_mactable *table;

	vr_host_fail_nth = m->there[i] && fails;
	table = vr_mactable_remove(m->table, vr_mactable_bytes_key(i), GFP_KERNEL);
	if (vr_host_fail_nth != (m->there[i] && fails))
		want = -ENOMEM;
	err = IS_ERR(table) ? PTR_ERR(table) : 0;
	vr_host_check(err == want, "remove: %ld, not %ld", err, want);
	vr_bytes_tally[MEMORY].n += err == -ENOMEM;
	if (err)
		return;
	vr_mactable_bytes_replace(m, table);
	m->there[i] = false;
	m->count--;
	vr_bytes_tally[REMOVED].n++;
}

static void vr_mactable_bytes_clear(struct vr_mactable_model *m, unsigned int i)
{
	void *want = m->there[i] ? vr_mactable_bytes_value(i) : NULL;

	vr_host_check(vr_mactable_clear(m->table, vr_mactable_bytes_key(i)) == want,
		      "clear returns another value");
	m->count -= m->there[i];
	vr_bytes_tally[CLEARED].n += m->there[i];
	m->there[i] = false;
}

/* Each is told once; every so many are cleared meanwhile. */
static void vr_mactable_bytes_walk(struct vr_mactable_model *m, unsigned int every)
{
	bool told[VR_BYTES_KEYS] = {};
	struct vr_mactable_slot *s = NULL;
	unsigned int i, n = 0, want = m->count;

	vr_mactable_for_each(m->table, s) {
		i = (unsigned long)s->value / 16 - 1;
		vr_host_check(i < VR_BYTES_KEYS && m->there[i] && !told[i] &&
			      s->key == vr_mactable_bytes_key(i),
			      "a walk tells key %u", i);
		told[i] = true;
		if (++n % every)
			continue;
		vr_mactable_bytes_clear(m, i);
		vr_bytes_tally[WALKED].n++;
	}
	vr_host_check(n == want, "a walk tells %u keys of %u", n, want);
}

int vr_bytes_run(const u8 *data, size_t size)
{
	struct vr_mactable_model m = { .bytes = { data, data + size } };
	unsigned int i;
	u8 op;

	while (vr_bytes_left(&m.bytes)) {
		op = vr_bytes_u8(&m.bytes);
		i = vr_bytes_u8(&m.bytes) % VR_BYTES_KEYS;
		switch (op % 16) {
		case 0 ... 7:
			vr_mactable_bytes_insert(&m, i, m.count + 1);
			break;
		case 8:
			vr_mactable_bytes_insert(&m, i, op / 16);
			break;
		case 9 ... 11:
			vr_mactable_bytes_remove(&m, i, op & 0x80);
			break;
		case 12 ... 14:
			vr_mactable_bytes_clear(&m, i);
			break;
		default:
			vr_mactable_bytes_walk(&m, 1 + op / 16);
		}
		vr_mactable_bytes_compare(&m);
	}
	kvfree(m.table);
	vr_host_fail_nth = 0;
	vr_host_check(!vr_host_live(), "%ld allocations are left", vr_host_live());
	return 0;
}
