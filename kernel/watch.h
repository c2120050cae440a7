/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's notifiers, and who wants to hear of what.
 */
#ifndef VROUTER_WATCH_H
#define VROUTER_WATCH_H

int vr_watch_init(void);
void vr_watch_exit(void);

#endif
