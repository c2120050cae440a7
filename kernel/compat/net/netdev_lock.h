/* SPDX-License-Identifier: GPL-2.0 */
/* 6.15 moved netdev_lockdep_set_classes() here from linux/netdevice.h. */
#include <linux/netdevice.h>
