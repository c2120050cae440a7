/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CoDel keeps the queues of classes short.
 *
 * Only for sch_vrouter.c and sch_class.c.
 */
#ifndef VROUTER_SCH_CODEL_H
#define VROUTER_SCH_CODEL_H

#include "sch_class.h"

void vr_sched_codel_settings(struct vr_sched *sched);
void vr_sched_codel_init(struct vr_sched_class *class);
void vr_sched_codel_reset(struct vr_sched_class *class);
void vr_sched_codel_rate(struct vr_sched_class *class);
struct codel_params vr_sched_codel_params(const struct vr_sched_class *class);
struct sk_buff *vr_sched_codel_dequeue(struct vr_sched_class *class, u64 now);

#endif
