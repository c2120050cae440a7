/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Qdisc "vrouter" as user space sets and sees it.
 */
#ifndef VROUTER_SCH_NETLINK_H
#define VROUTER_SCH_NETLINK_H

#include <net/netlink.h>
#include <net/sch_generic.h>

#include "sch_class.h"

extern const struct Qdisc_class_ops vr_sched_class_ops;

int vr_sched_parse(struct nlattr *tb[], struct nlattr *opt,
		   struct netlink_ext_ack *extack);
void vr_sched_apply(struct vr_sched *sched, struct nlattr *tb[]);
int vr_sched_dump(struct Qdisc *qdisc, struct sk_buff *skb);

#endif
