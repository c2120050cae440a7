/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Qdisc "vrouter": the routers on a NIC share its link.
 */
#ifndef VROUTER_SCH_VROUTER_H
#define VROUTER_SCH_VROUTER_H

int vr_sched_init(void);
void vr_sched_exit(void);

#endif
