/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When readers have gone who may have come by a reference that is no more.
 *
 * For the files of the FIB only.
 */
#ifndef VROUTER_FIB_ROUND_H
#define VROUTER_FIB_ROUND_H

#include <linux/types.h>

/* Rounds have the numbers 1..VR_FIB_ROUNDS, and then from the beginning again. */
#define VR_FIB_ROUNDS	31U

u32 vr_fib_round_note(void);
bool vr_fib_round_is_over(u32 number);
void vr_fib_round_init(void);

#endif
