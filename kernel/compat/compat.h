/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What older kernels lack. Features are tested, not only versions, since
 * distributions carry backports; see kernel/Makefile for VR_HAVE_*.
 */
#ifndef VROUTER_COMPAT_H
#define VROUTER_COMPAT_H

#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/sched/clock.h>
#include <linux/timekeeping.h>
#include <net/fib_notifier.h>
#include <net/genetlink.h>
#ifdef VR_HAVE_HOTDATA_PTYPE
#include <net/hotdata.h>
#endif
#include <net/ip.h>
#include <net/ip_fib.h>
#include <net/rtnetlink.h>

/* 6.12: a bit of the device instead of a feature */
#ifdef VR_HAVE_LLTX_BIT
#define VR_COMPAT_LLTX_FEATURE 0
static inline void vr_compat_set_lltx(struct net_device *dev)
{
	dev->lltx = true;
}
#else
#define VR_COMPAT_LLTX_FEATURE NETIF_F_LLTX
static inline void vr_compat_set_lltx(struct net_device *dev)
{
	dev->features |= NETIF_F_LLTX;
}
#endif

/* 6.6: tcx instead of mini qdiscs */
#if defined(VR_HAVE_TCX) && defined(CONFIG_NET_XGRESS)
#define vr_compat_tc_ingress(dev) rcu_access_pointer((dev)->tcx_ingress)
#define vr_compat_tc_egress(dev) rcu_access_pointer((dev)->tcx_egress)
#elif !defined(VR_HAVE_TCX) && defined(CONFIG_NET_CLS_ACT)
#define vr_compat_tc_ingress(dev) rcu_access_pointer((dev)->miniq_ingress)
#define vr_compat_tc_egress(dev) rcu_access_pointer((dev)->miniq_egress)
#else
#define vr_compat_tc_ingress(dev) NULL
#define vr_compat_tc_egress(dev) NULL
#endif

/*
 * 6.15: taps are per namespace, and the function says that it needs RCU. Before, it is
 * true for a tap on all devices of any namespace, and anybody can have one of his own:
 * look whose it is. Before 6.9 that cannot be seen from here.
 */
#if defined(VR_HAVE_NIT_ACTIVE_RCU)
#define vr_compat_nit_active(dev) dev_nit_active_rcu(dev)
#elif defined(VR_HAVE_HOTDATA_PTYPE)
static inline bool vr_compat_nit_active(const struct net_device *dev)
{
	const struct packet_type *tap;

	if (likely(!dev_nit_active((struct net_device *)dev)))
		return false;
	if (!list_empty(&dev->ptype_all))
		return true;
	list_for_each_entry_rcu(tap, &net_hotdata.ptype_all, list)
		if (!tap->af_packet_net ||
		    net_eq(tap->af_packet_net, dev_net(dev)))
			return true;
	return false;
}
#else
#define vr_compat_nit_active(dev) dev_nit_active((struct net_device *)(dev))
#endif

/* 6.15: parameters of newlink in a struct */
#ifdef VR_HAVE_NEWLINK_PARAMS
#define VR_COMPAT_NEWLINK(name, create)					\
static int name(struct net_device *dev,					\
		struct rtnl_newlink_params *params,			\
		struct netlink_ext_ack *extack)				\
{									\
	return create(rtnl_newlink_link_net(params), dev, params->tb,	\
		      params->data, extack);				\
}
#else
#define VR_COMPAT_NEWLINK(name, create)					\
static int name(struct net *net, struct net_device *dev,		\
		struct nlattr *tb[], struct nlattr *data[],		\
		struct netlink_ext_ack *extack)				\
{									\
	return create(net, dev, tb, data, extack);			\
}
#endif

/*
 * 6.2: room for a text in each message. Before, what @fmt tells has no place that
 * lives as long as the message, and the text is @plain, a literal.
 */
#ifdef NL_SET_ERR_MSG_FMT
#define vr_compat_err_msg_fmt(extack, plain, fmt, args...)		\
	NL_SET_ERR_MSG_FMT(extack, fmt, ##args)
#define vr_compat_err_msg(extack, text)					\
	NL_SET_ERR_MSG_FMT(extack, "%s", text)
#else
#define vr_compat_err_msg_fmt(extack, plain, fmt, args...)		\
do {									\
	no_printk(fmt, ##args);						\
	NL_SET_ERR_MSG(extack, plain);					\
} while (0)
/* text: of static storage */
#define vr_compat_err_msg(extack, text)					\
do {									\
	if (extack)							\
		(extack)->_msg = (text);				\
} while (0)
#endif

/* 6.11: the VRF device's counters are the core's; 6.12: as u64_stats_t */
#ifdef VR_HAVE_DSTATS
#ifdef VR_HAVE_DSTATS_T
#define VR_COMPAT_DSTATS_ADD(counter, n) u64_stats_add(counter, n)
#else
#define VR_COMPAT_DSTATS_ADD(counter, n) (*(counter) += (n))
#endif
#define vr_compat_vrf_rx(dev, n, bytes)					\
do {									\
	struct pcpu_dstats *vr_dstats = this_cpu_ptr((dev)->dstats);	\
									\
	u64_stats_update_begin(&vr_dstats->syncp);			\
	VR_COMPAT_DSTATS_ADD(&vr_dstats->rx_packets, n);		\
	VR_COMPAT_DSTATS_ADD(&vr_dstats->rx_bytes, bytes);		\
	u64_stats_update_end(&vr_dstats->syncp);			\
} while (0)
#else
#define vr_compat_vrf_rx(dev, n, bytes) ((void)(dev))
#endif

/* 6.8: OutTransmits beside OutRequests, and octets counted with them */
#ifdef VR_HAVE_OUTTRANSMITS
#define vr_compat_ip_out(net, n, bytes)					\
do {									\
	__IP_ADD_STATS(net, IPSTATS_MIB_OUTPKTS, n);			\
	__IP_ADD_STATS(net, IPSTATS_MIB_OUTOCTETS, bytes);		\
} while (0)
#define vr_compat_ip6_out(net, idev, n, bytes)				\
do {									\
	__IP6_ADD_STATS(net, idev, IPSTATS_MIB_OUTPKTS, n);		\
	__IP6_ADD_STATS(net, idev, IPSTATS_MIB_OUTOCTETS, bytes);	\
} while (0)
#else
/* what is forwarded over IPv4 is a request as well, and its octets count twice */
#define vr_compat_ip_out(net, n, bytes)					\
do {									\
	__IP_ADD_STATS(net, IPSTATS_MIB_OUTPKTS, n);			\
	__IP_ADD_STATS(net, IPSTATS_MIB_OUTOCTETS, 2 * (bytes));	\
} while (0)
#define vr_compat_ip6_out(net, idev, n, bytes) \
	__IP6_ADD_STATS(net, idev, IPSTATS_MIB_OUTOCTETS, bytes)
#endif

/* 6.11: the hash of multipath routes has a seed of the namespace's */
#ifdef VR_HAVE_MULTIPATH_SEED
#define vr_compat_multipath_hash(net, keys) \
	fib_multipath_hash_from_keys(net, keys)
#else
#define vr_compat_multipath_hash(net, keys) flow_hash_from_keys(keys)
#endif

/* 7.2: lengths of queues are read without their lock */
#ifdef VR_HAVE_QLEN_INC
#define vr_compat_qlen_inc(qdisc) qdisc_qlen_inc(qdisc)
#define vr_compat_qlen_dec(qdisc) qdisc_qlen_dec(qdisc)
#else
#define vr_compat_qlen_inc(qdisc) ((void)(qdisc)->q.qlen++)
#define vr_compat_qlen_dec(qdisc) ((void)(qdisc)->q.qlen--)
#endif

/* 7.2: statistics count the segments that are noted there */
#ifdef VR_HAVE_PKT_SEGS
#define vr_compat_pkt_segs(skb, n) ((void)(qdisc_skb_cb(skb)->pkt_segs = (n)))
#else
#define vr_compat_pkt_segs(skb, n) ((void)(skb))
#endif

/* switchdev hardware has forwarded the packet already */
static inline bool vr_compat_l3_forwarded(const struct sk_buff *skb)
{
#ifdef CONFIG_NET_SWITCHDEV
	return skb->offload_l3_fwd_mark;
#else
	return false;
#endif
}

/* 6.11: skb_is_decrypted(), and an option of its own */
static inline bool vr_compat_decrypted(const struct sk_buff *skb)
{
#if defined(CONFIG_SKB_DECRYPTED) || defined(CONFIG_TLS_DEVICE)
	return skb->decrypted;
#else
	return false;
#endif
}

/* 6.12: a net device for nothing but NAPI has a function of its own */
static inline struct net_device *vr_compat_dummy_alloc(void)
{
#ifdef VR_HAVE_DUMMY
	return alloc_netdev_dummy(0);
#else
	struct net_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (dev)
		init_dummy_netdev(dev);
	return dev;
#endif
}

static inline void vr_compat_dummy_free(struct net_device *dev)
{
#ifdef VR_HAVE_DUMMY
	free_netdev(dev);
#else
	kfree(dev);
#endif
}

/* 6.6: a dump has the same struct of information as a request */
#ifdef VR_HAVE_GENL_INFO_DUMP
#define vr_compat_dump_attrs(cb) (genl_info_dump(cb)->attrs)
#else
#define vr_compat_dump_attrs(cb) (genl_dumpit_info(cb)->attrs)
#endif

/**
 * vr_compat_clock() - a clock for measuring short times on one CPU
 *
 * Return: ns since some time in the past.
 */
static inline u64 vr_compat_clock(void)
{
	/* User-Mode Linux has only jiffies under local_clock() */
	return IS_ENABLED(CONFIG_UML) ? ktime_get_ns() : local_clock();
}

#endif
