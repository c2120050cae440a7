// SPDX-License-Identifier: GPL-2.0
/*
 * Readers of the FIB who stand in nodes that their table has left, while it is all
 * that another table, or another place of the same one, has: none of them may see
 * what that one changes. One after the other, so that nothing is left to chance.
 * Invariant 52.
 *
 * usage: fib_share
 */
#include "fib.h"
#include "fib_store.h"
#include "host.h"

/* What readers ask for, what is in a node next to its, and what is like it elsewhere */
#define VR_SHARE_ASKED		0x0a010205U
#define VR_SHARE_BESIDE		0x0a030105U
#define VR_SHARE_LIKE		0x0b010205U
#define VR_SHARE_NEW		100
#define VR_SHARE_WRONG		200

/**
 * struct vr_share_step - a change
 * @second: of the second table
 * @addr: prefix of 32 bits
 * @nh: its new next hop
 */
struct vr_share_step {
	bool second;
	u32 addr;
	u16 nh;
};

/**
 * struct vr_share_case - what happens to the nodes in which a reader stands
 * @name: for people
 * @twice: in the first table the nodes stand in two places
 * @before: a change, or 0, long before the reader comes
 * @step: changes while it stands there
 * @last: one after it has gone
 */
struct vr_share_case {
	const char *name;
	bool twice;
	struct vr_share_step before;
	struct vr_share_step step[3];
	struct vr_share_step last;
};

static const struct vr_share_case vr_share_cases[] = {
	{
		"another table", false, {}, {
			{ false, VR_SHARE_ASKED, VR_SHARE_NEW },
			{ true, VR_SHARE_ASKED, VR_SHARE_WRONG },
		}, { true, VR_SHARE_ASKED, 1 },
	}, {
		"another table, after something beside it", false, {}, {
			{ false, VR_SHARE_ASKED, VR_SHARE_NEW },
			{ true, VR_SHARE_BESIDE, 300 },
			{ true, VR_SHARE_ASKED, VR_SHARE_WRONG },
		}, { true, VR_SHARE_ASKED, 1 },
	}, {
		"another table, below what changes in place", false,
		{ true, VR_SHARE_BESIDE, 300 }, {
			{ false, VR_SHARE_ASKED, VR_SHARE_NEW },
			{ true, VR_SHARE_ASKED, VR_SHARE_WRONG },
		}, { true, VR_SHARE_ASKED, 1 },
	}, {
		"another place of the table", true,
		{ true, VR_SHARE_BESIDE, 300 }, {
			{ false, VR_SHARE_ASKED, VR_SHARE_NEW },
			{ false, VR_SHARE_LIKE, VR_SHARE_WRONG },
		}, { false, VR_SHARE_LIKE, 1 },
	},
};

/**
 * struct vr_share - two tables of the same prefixes
 * @bits: length of an address
 * @fib: the tables; a reader asks the first
 * @steps: changes, or NULL once they are made
 * @told: what a walk was told about VR_SHARE_ASKED
 */
struct vr_share {
	unsigned int bits;
	struct vr_fib *fib[2];
	const struct vr_share_step *steps;
	u16 told;
};

static void vr_share_address(unsigned int bits, u32 addr, u8 *bytes)
{
	struct vr_fib_key key = { .hi = (u64)addr << 32 };

	if (bits == 128)
		key.hi = 0x2001ULL << 48 | key.hi >> 16;
	vr_fib_save(bits, key, bytes);
}

static void vr_share_set(struct vr_fib *fib, u32 addr, u16 nh)
{
	u8 bytes[16];

	vr_share_address(fib->bits, addr, bytes);
	vr_host_check(!vr_fib_set(fib, bytes, fib->bits == 32 ? 32 : 48, nh,
				  NULL, GFP_KERNEL), "a change fails");
}

static u16 vr_share_nh(u32 addr)
{
	return 1 + (addr >> 16 & 7) * 11 + (addr >> 8 & 3) * 3 + (addr & 15);
}

/*
 * Five nodes with three below each, in one place or two: none of them a lone prefix,
 * or so few, that they would know their place.
 */
static struct vr_fib *vr_share_table(unsigned int bits, bool twice)
{
	struct vr_fib *fib = vr_fib_alloc(bits, GFP_KERNEL);
	unsigned int i, net, host;
	u32 addr;

	vr_host_check(fib, "no table");
	for (i = 0; i < (twice ? 600 : 300); i++) {
		net = i / 20 % 15;
		host = 1 + 2 * (i % 20);
		addr = (10 + i / 300) << 24 | net / 3 << 16 | net % 3 << 8 | host;
		vr_share_set(fib, addr, vr_share_nh(addr));
	}
	return fib;
}

static void vr_share_change(struct vr_share *share,
			    const struct vr_share_step *step)
{
	vr_share_set(share->fib[step->second], step->addr, step->nh);
}

static void vr_share_changes(struct vr_share *share)
{
	unsigned int i;

	for (i = 0; share->steps && i < 3 && share->steps[i].addr; i++)
		vr_share_change(share, &share->steps[i]);
	share->steps = NULL;
}

static void vr_share_start(struct vr_share *share, struct vr_fib_cursor *at,
			   const struct vr_fib_head *head)
{
	struct in6_addr v6;
	u8 bytes[16];
	__be32 v4;

	vr_share_address(share->bits, VR_SHARE_ASKED, bytes);
	memcpy(&v4, bytes, sizeof(v4));
	memcpy(&v6, bytes, sizeof(v6));
	if (share->bits == 32)
		vr_fib_start4(at, head, v4);
	else
		vr_fib_start6(at, head, &v6);
}

/* A lookup that is interrupted after so many steps; return whether it was. */
static bool vr_share_lookup(struct vr_share *share, unsigned int steps, u16 *nh)
{
	const struct vr_fib_head *head = rcu_dereference(share->fib[0]->head);
	bool wide = share->bits == 128, before;
	struct vr_fib_cursor at;

	vr_share_start(share, &at, head);
	for (; steps && !vr_fib_done(&at); steps--)
		vr_fib_step(&at, wide);
	before = !vr_fib_done(&at);
	vr_share_changes(share);
	while (!vr_fib_done(&at))
		vr_fib_step(&at, wide);
	*nh = vr_fib_answer(&at, head);
	return before;
}

static int vr_share_tell(void *arg, const void *prefix, u8 plen, u16 nh)
{
	struct vr_share *share = arg;
	u8 bytes[16];

	(void)plen;
	vr_share_address(share->bits, VR_SHARE_ASKED, bytes);
	if (!memcmp(prefix, bytes, share->bits / 8))
		share->told = nh;
	vr_share_changes(share);
	return 0;
}

/* A walk that is interrupted at the first prefix, in a node that has the other below. */
static bool vr_share_walk(struct vr_share *share, unsigned int steps, u16 *nh)
{
	vr_fib_walk(share->fib[0], NULL, 0, vr_share_tell, share);
	*nh = share->told;
	return !steps;
}

/* Return whether the reader was interrupted. */
static bool vr_share_run(unsigned int bits, const struct vr_share_case *c,
			 bool (*read)(struct vr_share *share, unsigned int steps,
				      u16 *nh), unsigned int steps)
{
	struct vr_share share = { .bits = bits, .steps = c->step };
	unsigned int i, bad = 1;
	unsigned long root;
	u16 before, nh;
	bool some;

	vr_host_check(!vr_fib_init(), "no memory");
	for (i = 0; i < 2; i++)
		share.fib[i] = vr_share_table(bits, c->twice && !i);
	if (c->before.nh)
		vr_share_change(&share, &c->before);
	vr_host_rcu_pass();
	before = vr_share_nh(VR_SHARE_ASKED);
	rcu_read_lock();
	some = read(&share, steps, &nh);
	rcu_read_unlock();
	vr_host_check(nh == before || nh == VR_SHARE_NEW,
		      "after %u steps: %u, which is neither %u nor %u", steps, nh,
		      before, VR_SHARE_NEW);
	/* from then on all is as if there had been one table and one place */
	vr_host_rcu_pass();
	root = share.fib[c->last.second]->head->root;
	vr_share_change(&share, &c->last);
	vr_host_check(root == share.fib[c->last.second]->head->root,
		      "no change in place without readers");
	for (i = 0; i < 2; i++) {
		vr_host_check(!vr_fib_verify(share.fib[i], &bad) && !bad,
			      "%u bad places", bad);
		vr_fib_free(share.fib[i]);
	}
	vr_fib_exit();
	vr_host_check(!vr_host_live(), "%ld allocations are left",
		      vr_host_live());
	return some;
}

int main(void)
{
	const struct vr_share_case *c = vr_share_cases;
	unsigned int bits, steps;

	vr_host_plan(4 * ARRAY_SIZE(vr_share_cases));
	for (; c < vr_share_cases + ARRAY_SIZE(vr_share_cases); c++) {
		for (bits = 32; bits <= 128; bits += 96) {
			vr_host_case("IPv%c, lookup: %s", bits == 32 ? '4' : '6',
				     c->name);
			for (steps = 0; vr_share_run(bits, c, vr_share_lookup,
						     steps); steps++)
				;
			vr_host_check(steps > 2, "only %u steps", steps);
			vr_host_pass("%u steps", steps);
			vr_host_case("IPv%c, walk: %s", bits == 32 ? '4' : '6',
				     c->name);
			vr_share_run(bits, c, vr_share_walk, 0);
			vr_host_pass("as before or after");
		}
	}
	return 0;
}
