// SPDX-License-Identifier: GPL-2.0
/*
 * The rx_handler of a NIC that has ports. It looks at VLAN and MAC address only.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "demux.h"
#include "egress.h"
#include "ingress.h"
#include "nic.h"
#include "port.h"

/* The frame is the port's from here on, as if it had come in on a NIC of its
 * own: without the port's tag, typed by the port's address.
 */
static void vr_demux_claim(struct vr_port *port, struct sk_buff *skb, u8 type)
{
	skb->dev = port->dev;
	skb->pkt_type = type;
	/* VLAN 0 is priority only */
	if (skb_vlan_tag_present(skb) &&
	    (port->vlan || !skb_vlan_tag_get_id(skb)))
		__vlan_hwaccel_clear_tag(skb);
}

static rx_handler_result_t vr_demux_deliver(struct vr_port *port,
					    struct sk_buff *skb, bool at_once)
{
	struct vr_router *router = rcu_dereference(port->router);

	if (likely(router)) {
		vr_ingress_enqueue(router, skb, at_once);
		return RX_HANDLER_CONSUMED;
	}
	dev_sw_netstats_rx_add(port->dev, skb->len + ETH_HLEN);
	return RX_HANDLER_ANOTHER;
}

static void vr_demux_copy(struct vr_port *port, struct sk_buff *skb,
			  u8 type)
{
	struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

	if (!copy) {
		dev_core_stats_rx_dropped_inc(port->dev);
		return;
	}
	vr_demux_claim(port, copy, type);
	/* as a macvlan counts them: what is for many */
	if (type != PACKET_OTHERHOST)
		DEV_STATS_INC(port->dev, multicast);
	if (vr_demux_deliver(port, copy, false) == RX_HANDLER_ANOTHER)
		netif_rx(copy);
}

static bool vr_demux_wants(const struct vr_port *port, u16 vlan)
{
	return READ_ONCE(port->up) && vr_port_takes(port, vlan);
}

static void vr_demux_sniff(const struct vr_nic *nic, struct sk_buff *skb,
			   u16 vlan)
{
	struct vr_port *port;

	list_for_each_entry_rcu(port, &nic->ports, list)
		if (READ_ONCE(port->promisc) && vr_demux_wants(port, vlan))
			vr_demux_copy(port, skb, PACKET_OTHERHOST);
}

static void vr_demux_flood(const struct vr_nic *nic, struct sk_buff *skb,
			   u16 vlan, const struct vr_port *sender)
{
	unsigned int group = vr_port_group(eth_hdr(skb)->h_dest);
	struct vr_port *port;

	list_for_each_entry_rcu(port, &nic->ports, list)
		if (port != sender && test_bit(group, port->groups) &&
		    vr_demux_wants(port, vlan))
			vr_demux_copy(port, skb, skb->pkt_type);
}

/**
 * vr_demux_local() - give a port's broadcast or multicast to the other ports
 * @port: port that the Linux stack sends it on
 * @skb: frame, its data begins with the Ethernet header; not consumed
 * @vlan: VLAN that it is in on the NIC, by vr_port_vlan()
 *
 * Context: BH disabled, RCU read side.
 */
void vr_demux_local(const struct vr_port *port, const struct sk_buff *skb,
		    u16 vlan)
{
	struct sk_buff *copy;

	if (list_is_singular(&port->nic->ports))
		return;
	copy = skb_clone((struct sk_buff *)skb, GFP_ATOMIC);
	if (copy)
		copy = vr_egress_tag(port, copy);
	if (!copy)
		return;
	skb_orphan(copy);
	skb_scrub_packet(copy, true);
	copy->protocol = eth_type_trans(copy, port->lower);
	/* as the core does it before vr_demux_rx() */
	if (eth_type_vlan(copy->protocol))
		copy = skb_vlan_untag(copy);
	if (!copy)
		return;
	vr_demux_flood(port->nic, copy, vlan, port);
	consume_skb(copy);
}

/**
 * vr_demux_rx() - take a frame off a NIC if it is for a port
 * @pskb: frame; its MAC header is set, its data begins behind it
 *
 * Context: softirq, RCU read side.
 * Return: what the core does next, see &enum rx_handler_result.
 */
rx_handler_result_t vr_demux_rx(struct sk_buff **pskb)
{
	const struct vr_nic *nic;
	struct sk_buff *skb;
	unsigned long value;
	u16 vlan = 0;
	u8 *dest;

	if (unlikely((*pskb)->pkt_type == PACKET_LOOPBACK))
		return RX_HANDLER_PASS;
	skb = skb_share_check(*pskb, GFP_ATOMIC);
	if (unlikely(!skb))
		return RX_HANDLER_CONSUMED;
	*pskb = skb;
	nic = rcu_dereference(skb->dev->rx_handler_data);
	if (skb_vlan_tag_present(skb))
		vlan = vr_port_vlan(skb->vlan_proto, skb_vlan_tag_get(skb));
	dest = eth_hdr(skb)->h_dest;
	if (unlikely(is_multicast_ether_addr(dest))) {
		vr_demux_flood(nic, skb, vlan, NULL);
		return RX_HANDLER_PASS;
	}
	value = vr_port_find(rcu_dereference(nic->table),
			     vr_mactable_key(vlan, dest));
	if (unlikely(!value)) {
		/* what is for the host is not for nobody else */
		if (READ_ONCE(nic->sniffers) && skb->pkt_type != PACKET_HOST)
			vr_demux_sniff(nic, skb, vlan);
		return RX_HANDLER_PASS;
	}
	vr_demux_claim((struct vr_port *)(value & ~1UL), skb,
		       value & 1 ? PACKET_OTHERHOST : PACKET_HOST);
	return vr_demux_deliver(netdev_priv(skb->dev), skb, true);
}
