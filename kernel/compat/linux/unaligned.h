/* SPDX-License-Identifier: GPL-2.0 */
/* 6.12 moved it here from asm/unaligned.h. */
#include <asm/unaligned.h>
