/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The namespace's policy rules, as far as the data plane cares.
 */
#ifndef VROUTER_RULES_H
#define VROUTER_RULES_H

#include <linux/list.h>

struct fib_rule;

/**
 * struct vr_rules - the rules of one family
 * @list: all of them
 */
struct vr_rules {
	struct list_head list;
};

void vr_rules_init(struct vr_rules *rules);
void vr_rules_clear(struct vr_rules *rules);
int vr_rules_add(struct vr_rules *rules, struct fib_rule *rule, int family);
void vr_rules_del(struct vr_rules *rules, struct fib_rule *rule, int family);
bool vr_rules_plain(const struct vr_rules *rules, bool vrf);

#endif
