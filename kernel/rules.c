// SPDX-License-Identifier: GPL-2.0
/*
 * The data plane asks the local table, then the router's own, and leaves the rest
 * to the stack. That is what the kernel does as long as there are no rules but the
 * default ones and the one for VRFs, and the router's table comes before what the
 * stack would ask next.
 */
#include <linux/slab.h>
#include <net/fib_rules.h>
#include <net/flow.h>
#include <net/ip6_route.h>
#include <net/net_namespace.h>

#include "rules.h"

/**
 * enum vr_rules_kind - what a rule does
 * @VR_RULES_LOCAL: asks the local table
 * @VR_RULES_L3MDEV: asks the table of the packet's VRF
 * @VR_RULES_MAIN: asks the main table
 * @VR_RULES_DEFAULT: asks the default table
 * @VR_RULES_OTHER: anything else
 * @VR_RULES_KINDS: number of kinds
 */
enum vr_rules_kind {
	VR_RULES_LOCAL,
	VR_RULES_L3MDEV,
	VR_RULES_MAIN,
	VR_RULES_DEFAULT,
	VR_RULES_OTHER,
	VR_RULES_KINDS,
};

/**
 * struct vr_rule - a rule
 * @list: in &vr_rules.list
 * @pref: place in the order
 * @kind: what it does
 */
struct vr_rule {
	struct list_head list;
	u32 pref;
	enum vr_rules_kind kind;
};

/*
 * Does a rule take every packet? The kernel's own test passes over some selectors, such
 * as protocols or DSCP 0. No selector matches all zeros and all ones, though.
 */
static bool vr_rules_matchall(struct fib_rule *rule, int family)
{
	struct fib_rules_ops *ops;
	struct flowi flow;

	if (!fib_rule_matchall(rule) || rule->mark_mask)
		return false;
	list_for_each_entry_rcu(ops, &rule->fr_net->rules_ops, list) {
		if (ops->family != family)
			continue;
		memset(&flow, 0, sizeof(flow));
		if (!ops->match(rule, &flow, RT6_LOOKUP_F_HAS_SADDR))
			return false;
		memset(&flow, 0xff, sizeof(flow));
		return ops->match(rule, &flow, RT6_LOOKUP_F_HAS_SADDR);
	}
	return false;
}

static enum vr_rules_kind vr_rules_kind(struct fib_rule *rule, int family)
{
	if (rule->action != FR_ACT_TO_TBL || !vr_rules_matchall(rule, family))
		return VR_RULES_OTHER;
	if (rule->l3mdev)
		return VR_RULES_L3MDEV;
	switch (rule->table) {
	case RT_TABLE_LOCAL:
		return VR_RULES_LOCAL;
	case RT_TABLE_MAIN:
		return VR_RULES_MAIN;
	case RT_TABLE_DEFAULT:
		return VR_RULES_DEFAULT;
	}
	return VR_RULES_OTHER;
}

/**
 * vr_rules_init() - no rules yet
 * @rules: rules
 */
void vr_rules_init(struct vr_rules *rules)
{
	INIT_LIST_HEAD(&rules->list);
}

/**
 * vr_rules_clear() - forget all rules
 * @rules: rules
 */
void vr_rules_clear(struct vr_rules *rules)
{
	struct vr_rule *r, *tmp;

	list_for_each_entry_safe(r, tmp, &rules->list, list) {
		list_del(&r->list);
		kfree(r);
	}
}

/**
 * vr_rules_add() - a rule came
 * @rules: rules
 * @rule: the kernel's
 * @family: AF_INET or AF_INET6
 *
 * Context: RCU read side.
 * Return: 0 or -ENOMEM.
 */
int vr_rules_add(struct vr_rules *rules, struct fib_rule *rule, int family)
{
	struct vr_rule *r = kmalloc(sizeof(*r), GFP_ATOMIC);

	if (!r)
		return -ENOMEM;
	r->pref = rule->pref;
	r->kind = vr_rules_kind(rule, family);
	list_add_tail(&r->list, &rules->list);
	return 0;
}

/**
 * vr_rules_del() - a rule went
 * @rules: rules
 * @rule: the kernel's
 * @family: AF_INET or AF_INET6
 *
 * Context: RCU read side.
 */
void vr_rules_del(struct vr_rules *rules, struct fib_rule *rule, int family)
{
	enum vr_rules_kind kind = vr_rules_kind(rule, family);
	struct vr_rule *r;

	list_for_each_entry(r, &rules->list, list) {
		if (r->pref == rule->pref && r->kind == kind) {
			list_del(&r->list);
			kfree(r);
			return;
		}
	}
}

/**
 * vr_rules_plain() - does the data plane do what the rules say?
 * @rules: rules
 * @vrf: the router drives a VRF
 *
 * The local table may stand anywhere: what is in it, is punted in any case. Of rules
 * with the same preference, the order is not known here.
 *
 * Return: true if so.
 */
bool vr_rules_plain(const struct vr_rules *rules, bool vrf)
{
	enum vr_rules_kind own = vrf ? VR_RULES_L3MDEV : VR_RULES_MAIN;
	u64 first[VR_RULES_KINDS];
	struct vr_rule *r;
	unsigned int i;

	for (i = 0; i < VR_RULES_KINDS; i++)
		first[i] = U64_MAX;
	list_for_each_entry(r, &rules->list, list)
		first[r->kind] = min_t(u64, first[r->kind], r->pref);
	if (first[VR_RULES_OTHER] != U64_MAX || first[own] == U64_MAX)
		return false;
	return first[own] < first[VR_RULES_DEFAULT] &&
	       (!vrf || first[own] < first[VR_RULES_MAIN]);
}
