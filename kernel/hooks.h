/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who else wants to see the packets: taps, tc, XDP, netfilter. Most of these come
 * and go without a notifier, so they are looked at directly, once a batch.
 */
#ifndef VROUTER_HOOKS_H
#define VROUTER_HOOKS_H

#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/sch_generic.h>
#include <net/xfrm.h>

#include "compat.h"

/**
 * vr_hooks_tap() - does a packet socket listen on the device?
 * @dev: net device
 *
 * Context: RCU read side.
 * Return: true if so.
 */
static inline bool vr_hooks_tap(const struct net_device *dev)
{
	return vr_compat_nit_active(dev) || !list_empty(&dev->ptype_specific);
}

/**
 * vr_hooks_ingress() - does tc, XDP, netfilter or an upper device take packets
 * that come in on the device?
 * @dev: net device
 *
 * Context: RCU read side.
 * Return: true if so.
 */
static inline bool vr_hooks_ingress(const struct net_device *dev)
{
	if (rcu_access_pointer(dev->rx_handler) ||
	    rcu_access_pointer(dev->xdp_prog) || vr_compat_tc_ingress(dev))
		return true;
#ifdef CONFIG_NETFILTER_INGRESS
	if (rcu_access_pointer(dev->nf_hooks_ingress))
		return true;
#endif
	return false;
}

/**
 * vr_hooks_egress() - does tc or netfilter look at packets that leave?
 * @dev: net device
 *
 * Context: RCU read side.
 * Return: true if so.
 */
static inline bool vr_hooks_egress(const struct net_device *dev)
{
	if (vr_compat_tc_egress(dev))
		return true;
#ifdef CONFIG_NETFILTER_EGRESS
	if (rcu_access_pointer(dev->nf_hooks_egress))
		return true;
#endif
	return false;
}

/**
 * vr_hooks_qdisc() - does a device that needs no qdisc have one?
 * @dev: net device
 *
 * Context: RCU read side.
 * Return: true if so.
 */
static inline bool vr_hooks_qdisc(const struct net_device *dev)
{
	return rcu_dereference_bh(netdev_get_tx_queue(dev, 0)->qdisc)->enqueue;
}

#ifdef CONFIG_NETFILTER
/* AppArmor, which most distributions start with, has a hook in each namespace. It
 * lets packets pass that have no security mark. Nobody else uses that priority on
 * POSTROUTING but for nftables chains, which have a type of their own.
 */
static inline bool vr_hooks_is_lsm(const struct nf_hook_entries *entries)
{
	struct nf_hook_ops **ops = nf_hook_entries_get_hook_ops(entries);
	const struct nf_hook_ops *op = READ_ONCE(ops[0]);

	return entries->num_hook_entries == 1 &&
	       op->priority == NF_IP_PRI_SELINUX_FIRST &&
	       op->hook_ops_type == NF_HOOK_OP_UNDEFINED;
}

static inline bool vr_hooks_any(struct nf_hook_entries __rcu * const *hooks)
{
	const struct nf_hook_entries *post;

	if (rcu_access_pointer(hooks[NF_INET_PRE_ROUTING]) ||
	    rcu_access_pointer(hooks[NF_INET_FORWARD]))
		return true;
	post = rcu_dereference(hooks[NF_INET_POST_ROUTING]);
	return post && !vr_hooks_is_lsm(post);
}
#endif

/**
 * vr_hooks_netfilter() - does netfilter look at forwarded packets?
 * @net: namespace
 * @ipv6: for IPv6, else for IPv4
 *
 * Context: RCU read side.
 * Return: true if so.
 */
static inline bool vr_hooks_netfilter(const struct net *net, bool ipv6)
{
#ifdef CONFIG_NETFILTER
	return vr_hooks_any(ipv6 ? net->nf.hooks_ipv6 : net->nf.hooks_ipv4);
#else
	return false;
#endif
}

/**
 * vr_hooks_secmark() - does a security module look at the packet?
 * @skb: packet
 *
 * Return: true if so.
 */
static inline bool vr_hooks_secmark(const struct sk_buff *skb)
{
#ifdef CONFIG_NETWORK_SECMARK
	return skb->secmark;
#else
	return false;
#endif
}

/**
 * vr_hooks_xfrm() - are there IPsec policies?
 * @net: namespace
 *
 * Return: true if so.
 */
static inline bool vr_hooks_xfrm(const struct net *net)
{
#ifdef CONFIG_XFRM
	return READ_ONCE(net->xfrm.policy_count[XFRM_POLICY_FWD]) ||
	       READ_ONCE(net->xfrm.policy_count[XFRM_POLICY_OUT]) ||
	       READ_ONCE(net->xfrm.policy_default[XFRM_POLICY_FWD]) !=
	       XFRM_USERPOLICY_ACCEPT ||
	       READ_ONCE(net->xfrm.policy_default[XFRM_POLICY_OUT]) !=
	       XFRM_USERPOLICY_ACCEPT;
#else
	return false;
#endif
}

#endif
