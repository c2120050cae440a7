/* SPDX-License-Identifier: GPL-2.0 */
/* 6.5 moved the declarations about GSO here from linux/skbuff.h. */
#include <linux/skbuff.h>
