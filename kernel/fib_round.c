// SPDX-License-Identifier: GPL-2.0
/*
 * When readers have gone who may have come by a reference that is no more. A node has
 * five bits for that, not room for what RCU tells: so time goes in rounds, each of
 * which lasts until the readers of the round before have gone. What was in neither
 * of the last two is over.
 *
 * Locking: the one writer of all tables.
 */
#include <linux/rcupdate.h>

#include "fib_round.h"

/**
 * struct vr_fib_round - a time in which references were given back
 * @number: 1..VR_FIB_ROUNDS
 * @grace: after which all readers have gone who came by one of them
 */
struct vr_fib_round {
	u32 number;
	unsigned long grace;
};

static struct vr_fib_round vr_fib_round, vr_fib_round_before;

/**
 * vr_fib_round_note() - a reference is given back
 *
 * Context: the writer; no new reader comes by that reference.
 * Return: number of the round.
 */
u32 vr_fib_round_note(void)
{
	vr_fib_round.grace = get_state_synchronize_rcu();
	return vr_fib_round.number;
}

/**
 * vr_fib_round_is_over() - have all readers gone who were there in a round?
 * @number: of vr_fib_round_note()
 *
 * When a number comes again, what has it from long ago may be taken for something of
 * now.
 *
 * Context: the writer.
 * Return: true only if they have.
 */
bool vr_fib_round_is_over(u32 number)
{
	struct vr_fib_round *before = &vr_fib_round_before;
	struct vr_fib_round *round = &vr_fib_round;

	if (poll_state_synchronize_rcu(before->grace)) {
		*before = *round;
		round->number = round->number % VR_FIB_ROUNDS + 1;
	}
	return (number != round->number && number != before->number) ||
	       poll_state_synchronize_rcu(round->grace);
}

/**
 * vr_fib_round_init() - begin the first round
 */
void vr_fib_round_init(void)
{
	vr_fib_round.number = 1;
	vr_fib_round.grace = get_state_synchronize_rcu();
	vr_fib_round_before.number = 0;
	vr_fib_round_before.grace = vr_fib_round.grace;
}
