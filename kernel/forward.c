// SPDX-License-Identifier: GPL-2.0
/*
 * A packet is forwarded here only if the result is exactly what the Linux stack
 * would have made of it. Everything is checked before anything is changed; the
 * first doubt sends the packet to the stack.
 */
#include <linux/etherdevice.h>
#include <linux/icmpv6.h>
#include <linux/if_vlan.h>
#include <linux/netfilter_netdev.h>
#include <linux/unaligned.h>
#include <net/addrconf.h>
#include <net/gso.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/route.h>
#include <net/sock.h>

#include "compat.h"
#include "forward.h"
#include "gate.h"
#include "header.h"
#include "hooks.h"
#include "port.h"
#include "rib.h"
#include "router.h"
#include "way.h"

static void vr_forward_mib4(struct net *net, struct vr_forward_mib *mib)
{
	unsigned int i;

	if (!mib->in)
		return;
	__IP_ADD_STATS(net, IPSTATS_MIB_INPKTS, mib->in);
	__IP_ADD_STATS(net, IPSTATS_MIB_INOCTETS, mib->in_bytes);
	for (i = 0; i < ARRAY_SIZE(mib->ecn); i++)
		if (mib->ecn[i])
			__IP_ADD_STATS(net, IPSTATS_MIB_NOECTPKTS + i,
				       mib->ecn[i]);
	__IP_ADD_STATS(net, IPSTATS_MIB_OUTFORWDATAGRAMS, mib->out);
	vr_compat_ip_out(net, mib->out, mib->out_bytes);
	*mib = (struct vr_forward_mib){};
}

static void vr_forward_mib6_in(struct net *net, const struct net_device *dev,
			       struct vr_forward_mib *mib)
{
	struct inet6_dev *idev = __in6_dev_get(dev);
	unsigned int i;

	if (!mib->in)
		return;
	__IP6_ADD_STATS(net, idev, IPSTATS_MIB_INPKTS, mib->in);
	__IP6_ADD_STATS(net, idev, IPSTATS_MIB_INOCTETS, mib->in_bytes);
	for (i = 0; i < ARRAY_SIZE(mib->ecn); i++)
		if (mib->ecn[i])
			__IP6_ADD_STATS(net, idev, IPSTATS_MIB_NOECTPKTS + i,
					mib->ecn[i]);
	*mib = (struct vr_forward_mib){};
}

static void vr_forward_mib6_out(struct net *net, const struct net_device *dev,
				struct vr_forward_mib *mib)
{
	struct inet6_dev *idev = __in6_dev_get(dev);

	if (!mib->out)
		return;
	__IP6_ADD_STATS(net, idev, IPSTATS_MIB_OUTFORWDATAGRAMS, mib->out);
	vr_compat_ip6_out(net, idev, mib->out, mib->out_bytes);
	*mib = (struct vr_forward_mib){};
}

static void vr_forward_leave_in(struct vr_forward *fw)
{
	const struct net_device *vrf = READ_ONCE(fw->router->vrf);
	struct vr_forward_in *in = &fw->in;
	struct pcpu_sw_netstats *tstats;

	if (!in->port)
		return;
	tstats = this_cpu_ptr(in->port->dev->tstats);
	u64_stats_update_begin(&tstats->syncp);
	u64_stats_add(&tstats->rx_packets, in->packets);
	u64_stats_add(&tstats->rx_bytes, in->bytes);
	u64_stats_update_end(&tstats->syncp);
	in->packets = 0;
	in->bytes = 0;
	if (vrf)
		vr_compat_vrf_rx(vrf, in->fwd_packets, in->fwd_bytes);
	in->fwd_packets = 0;
	in->fwd_bytes = 0;
	vr_forward_mib4(in->net, &in->mib4);
	vr_forward_mib6_in(in->net, in->port->dev, &in->mib6);
	in->port = NULL;
}

static void vr_forward_enter_in(struct vr_forward *fw,
				const struct vr_port *port)
{
	const struct net_device *vrf = READ_ONCE(fw->router->vrf);
	struct vr_forward_in *in = &fw->in;

	vr_forward_leave_in(fw);
	in->port = port;
	in->net = dev_net(port->dev);
	in->iif = READ_ONCE((vrf ? : port->dev)->ifindex);
	in->asked4 = false;
	in->asked6 = false;
}

static void vr_forward_leave_out(struct vr_forward *fw)
{
	struct vr_forward_out *out = &fw->out;

	if (!out->port)
		return;
	if (out->packets) {
		dev_sw_netstats_tx_add(out->port->dev, out->packets,
				       out->bytes);
		out->packets = 0;
		out->bytes = 0;
	}
	/* also if none of them was sent */
	vr_forward_mib6_out(dev_net(out->port->dev), out->port->dev,
			    &out->mib6);
	out->port = NULL;
}

/**
 * vr_forward_begin() - begin a batch
 * @fw: state of this CPU
 * @queue: queue of the router that the packets are for
 *
 * Context: softirq, RCU read side; vr_forward_end() must follow in it.
 */
void vr_forward_begin(struct vr_forward *fw, struct vr_queue *queue)
{
	fw->queue = queue;
	fw->router = queue->router;
	fw->rib = rcu_dereference(fw->router->rib);
}

static u16 vr_forward_route(const struct vr_rib *rib, const struct sk_buff *skb)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return vr_fib_lookup4(rib->fib4, ip_hdr(skb)->daddr);
	default:
		return vr_fib_lookup6(rib->fib6, &ipv6_hdr(skb)->daddr);
	}
}

/**
 * vr_forward_end() - end a batch: count what there was
 * @fw: state of this CPU
 *
 * What waits in @fw->egress still does.
 *
 * Context: softirq, RCU read side.
 */
void vr_forward_end(struct vr_forward *fw)
{
	struct vr_stats *stats = &fw->queue->stats;

	vr_forward_leave_in(fw);
	vr_forward_leave_out(fw);
	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->fwd_packets, fw->packets);
	u64_stats_add(&stats->fwd_bytes, fw->bytes);
	u64_stats_update_end(&stats->syncp);
	fw->packets = 0;
	fw->bytes = 0;
}

static void vr_forward_punt(struct vr_forward *fw, struct sk_buff *skb, u8 reason)
{
	struct vr_stats *stats = &fw->queue->stats;

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->punt[reason]);
	u64_stats_add(&stats->punt_bytes, skb->len + ETH_HLEN);
	u64_stats_update_end(&stats->syncp);
	/* packets of one flow may go both ways, in order */
	vr_egress_flush(&fw->egress);
	netif_receive_skb_core(skb);
}

static u8 vr_forward_address4(const struct vr_forward *fw, __be32 saddr,
			      __be32 daddr)
{
	u8 reason = vr_header_address4(saddr, daddr) ? :
		    vr_rib_local4(fw->rib, daddr);

	if (unlikely(reason))
		return reason;
	if (unlikely(vr_rib_local4(fw->rib, saddr)))
		return VROUTER_PUNT_MARTIAN;
	return 0;
}

/* What lies behind a packet is taken off, but where half a checksum is to be finished
 * may lie there.
 */
static u8 vr_forward_rest(const struct sk_buff *skb, unsigned int len)
{
	return unlikely(skb->len > len && skb->ip_summed == CHECKSUM_PARTIAL) ?
		VROUTER_PUNT_HEADER : 0;
}

static u8 vr_forward_header4(struct sk_buff *skb, unsigned int *len)
{
	if (unlikely(!pskb_may_pull(skb, sizeof(struct iphdr))))
		return VROUTER_PUNT_HEADER;
	return vr_header_check4(ip_hdr(skb), skb->len, len) ? :
	       vr_forward_rest(skb, *len);
}

static u8 vr_forward_header6(struct sk_buff *skb, unsigned int *len)
{
	const struct ipv6hdr *hdr;

	if (unlikely(!pskb_may_pull(skb, sizeof(*hdr))))
		return VROUTER_PUNT_HEADER;
	hdr = ipv6_hdr(skb);
	/* a GRO packet of more than 64 kB says 0 */
	return vr_header_check6(hdr, skb->len,
				unlikely(!hdr->payload_len) && skb_is_gso(skb),
				len) ? :
	       vr_forward_rest(skb, *len);
}

static u8 vr_forward_address6(const struct vr_forward *fw,
			      const struct ipv6hdr *hdr)
{
	return vr_header_address6(&hdr->saddr, &hdr->daddr) ? :
	       vr_rib_local6(fw->rib, &hdr->daddr);
}

static bool vr_forward_fits(const struct sk_buff *skb, unsigned int len,
			    u32 mtu)
{
	return likely(len <= mtu) ||
	       (skb_is_gso(skb) && skb_gso_validate_network_len(skb, mtu));
}

/* A VRF device neither counts neighbour discovery nor is where it came in, not even on
 * its way through.
 */
static bool vr_forward_is_nd(const struct sk_buff *skb)
{
	const struct icmp6hdr *icmp;
	struct icmp6hdr buffer;

	icmp = skb_header_pointer(skb, skb_network_offset(skb) +
				  sizeof(struct ipv6hdr), sizeof(buffer),
				  &buffer);
	return icmp && icmp->icmp6_type >= NDISC_ROUTER_SOLICITATION &&
	       icmp->icmp6_type <= NDISC_REDIRECT;
}

/* Is the packet one that the stack handles apart from all others? */
static u8 vr_forward_odd(struct sk_buff *skb)
{
	if (unlikely(skb->pkt_type != PACKET_HOST))
		return VROUTER_PUNT_L2;
	if (unlikely(skb_vlan_tag_present(skb)))
		return VROUTER_PUNT_VLAN;
	if (unlikely((skb->sk && skb_sk_is_prefetched(skb)) ||
		     secpath_exists(skb) || vr_hooks_secmark(skb) ||
		     vr_compat_l3_forwarded(skb) || vr_compat_decrypted(skb) ||
		     (skb_is_gso(skb) && !skb_shinfo(skb)->gso_type)))
		return VROUTER_PUNT_SKB;
	return 0;
}

/* Checks that are the same for both families, once the way is known. */
static u8 vr_forward_check_out(struct vr_forward *fw, const struct vr_way *way)
{
	if (unlikely(!way->port))
		return VROUTER_PUNT_NEXTHOP_DEVICE;
	if (unlikely(way->port == fw->in.port))
		return VROUTER_PUNT_SAME_PORT;
	if (unlikely(way->port != fw->out.port)) {
		vr_forward_leave_out(fw);
		vr_gate_out4(&fw->out, fw->router, way->port);
	}
	return 0;
}

/* Make the packet ours to change; false if it had to be dropped. */
static bool vr_forward_own(struct vr_forward *fw, struct sk_buff *skb,
			   unsigned int len)
{
	unsigned int received = skb->len + ETH_HLEN;

	if (likely((skb->len <= len || !pskb_trim_rcsum(skb, len)) &&
		   !skb_cow_head(skb, fw->out.headroom))) {
		skb->skb_iif = fw->in.iif;
		fw->packets++;
		fw->bytes += received;
		return true;
	}
	vr_stats_drop(&fw->queue->stats, VROUTER_DROP_MEMORY, received);
	kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
	return false;
}

static void vr_forward_send(struct vr_forward *fw, struct sk_buff *skb,
			    u64 lladdr)
{
	unsigned int len = skb->len + ETH_HLEN;
	struct ethhdr *eth;
	int ret;

	skb_forward_csum(skb);
	skb_clear_tstamp(skb);
	/* as on the stack's way through the ports: ifb and others had set it for theirs */
	nf_skip_egress(skb, false);
	skb_dst_drop(skb);
	skb_orphan(skb);
	fw->in.fwd_packets++;
	fw->in.fwd_bytes += skb->len;
	eth = skb_push(skb, ETH_HLEN);
	skb_reset_mac_header(skb);
	put_unaligned_be32(lladdr >> 16, eth->h_dest);
	put_unaligned_be16(lladdr, eth->h_dest + 4);
	ether_addr_copy(eth->h_source, fw->out.port->dev->dev_addr);
	eth->h_proto = skb->protocol;
	ret = vr_egress_xmit(&fw->egress, fw->out.port, skb, lladdr);
	if (likely(ret == NET_XMIT_SUCCESS || ret == NET_XMIT_CN)) {
		fw->out.packets++;
		fw->out.bytes += len;
	} else {
		dev_core_stats_tx_dropped_inc(fw->out.port->dev);
	}
}

static void vr_forward_count(struct vr_forward_mib *in,
			     struct vr_forward_mib *out,
			     const struct sk_buff *skb, unsigned int len, u8 tos)
{
	in->in++;
	in->in_bytes += skb->len;
	in->ecn[tos & INET_ECN_MASK] +=
		skb_is_gso(skb) ? max_t(u16, 1, skb_shinfo(skb)->gso_segs) : 1;
	out->out++;
	out->out_bytes += len;
}

static u16 vr_forward_find(const struct vr_forward *fw,
			   const struct sk_buff *skb)
{
	const struct vr_forward_cb *cb = vr_forward_cb(skb);

	return likely(cb->rib == fw->rib && cb->look == fw->look) ?
		cb->route : vr_forward_route(fw->rib, skb);
}

static u8 vr_forward_ipv4(struct vr_forward *fw, struct sk_buff *skb)
{
	struct net *net = fw->in.net;
	const struct iphdr *iph;
	struct vr_way way;
	unsigned int len;
	u64 lladdr;
	u8 reason;

	reason = fw->in.asked4 ? fw->in.reason4 :
				 vr_gate_in4(&fw->in, fw->router, fw->rib);
	reason = reason ? : vr_forward_header4(skb, &len);
	if (unlikely(reason))
		return reason;
	iph = ip_hdr(skb);
	reason = vr_forward_address4(fw, iph->saddr, iph->daddr) ? :
		 vr_way_route4(fw->rib, vr_forward_find(fw, skb), net, iph, skb,
			       &way) ? :
		 vr_forward_check_out(fw, &way) ? : fw->out.reason4;
	if (unlikely(reason))
		return reason;
	if (unlikely(fw->in.rpf && !vr_way_source4(fw->rib, iph->saddr,
						   fw->in.port,
						   fw->in.rpf == 1)))
		return VROUTER_PUNT_RP_FILTER;
	/* whoever sent it may have put that elsewhere, or nowhere */
	skb_set_transport_header(skb, sizeof(*iph));
	if (unlikely(!vr_forward_fits(skb, len, way.nh->mtu ? : fw->out.mtu)))
		return VROUTER_PUNT_MTU;
	reason = vr_way_neigh(&way, AF_INET, &iph->daddr, &lladdr, true);
	if (unlikely(reason))
		return reason;

	vr_forward_count(&fw->in.mib4, &fw->in.mib4, skb, len, iph->tos);
	if (unlikely(!vr_forward_own(fw, skb, len)))
		return 0;
	ip_decrease_ttl(ip_hdr(skb));
	if (READ_ONCE(net->ipv4.sysctl_ip_fwd_update_priority))
		skb->priority = rt_tos2priority(ip_hdr(skb)->tos);
	vr_forward_send(fw, skb, lladdr);
	return 0;
}

static u8 vr_forward_ipv6(struct vr_forward *fw, struct sk_buff *skb)
{
	const struct ipv6hdr *hdr;
	struct vr_way way;
	unsigned int len;
	u64 lladdr;
	u8 reason;
	u32 mtu;

	reason = fw->in.asked6 ? fw->in.reason6 :
				 vr_gate_in6(&fw->in, fw->router, fw->rib);
	reason = reason ? : vr_forward_header6(skb, &len);
	if (unlikely(reason))
		return reason;
	hdr = ipv6_hdr(skb);
	reason = vr_forward_address6(fw, hdr) ? :
		 vr_way_route6(fw->rib, vr_forward_find(fw, skb), fw->in.net, hdr,
			       skb, &way) ? :
		 vr_forward_check_out(fw, &way) ? :
		 (fw->out.asked6 ? fw->out.reason6 : vr_gate_out6(&fw->out));
	if (unlikely(reason))
		return reason;
	mtu = fw->out.mtu6;
	if (way.nh->mtu)
		mtu = min(mtu, way.nh->mtu);
	skb_set_transport_header(skb, sizeof(*hdr));
	if (unlikely(!vr_forward_fits(skb, len, mtu)))
		return VROUTER_PUNT_MTU;
	reason = vr_way_neigh(&way, AF_INET6, &hdr->daddr, &lladdr, true);
	if (unlikely(reason))
		return reason;

	vr_forward_count(&fw->in.mib6, &fw->out.mib6, skb, len,
			 ipv6_get_dsfield(hdr));
	if (unlikely(!vr_forward_own(fw, skb, len)))
		return 0;
	hdr = ipv6_hdr(skb);
	if (unlikely(hdr->nexthdr == IPPROTO_ICMPV6 && vr_forward_is_nd(skb))) {
		skb->skb_iif = fw->in.port->dev->ifindex;
		fw->in.fwd_packets--;
		fw->in.fwd_bytes -= skb->len;
	}
	ipv6_hdr(skb)->hop_limit--;
	vr_forward_send(fw, skb, lladdr);
	return 0;
}

/**
 * vr_forward_packet() - forward a packet or give it to the Linux stack
 * @fw: state of this CPU, in a batch
 * @skb: packet, skb->dev is the port that it came in on, its data begins with the
 *	network header; consumed
 *
 * Context: softirq, RCU read side.
 */
void vr_forward_packet(struct vr_forward *fw, struct sk_buff *skb)
{
	const struct vr_port *port = netdev_priv(skb->dev);
	u8 reason;

	if (unlikely(port != fw->in.port))
		vr_forward_enter_in(fw, port);
	fw->in.packets++;
	fw->in.bytes += skb->len + ETH_HLEN;

	reason = vr_forward_odd(skb);
	if (likely(!reason)) {
		switch (skb->protocol) {
		case htons(ETH_P_IP):
			reason = vr_forward_ipv4(fw, skb);
			break;
		case htons(ETH_P_IPV6):
			reason = vr_forward_ipv6(fw, skb);
			break;
		case htons(ETH_P_8021Q):
		case htons(ETH_P_8021AD):
			reason = VROUTER_PUNT_VLAN;
			break;
		default:
			reason = VROUTER_PUNT_NOT_IP;
		}
	}
	if (unlikely(reason))
		vr_forward_punt(fw, skb, reason);
}
