// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that leave a port go to another port on the same NIC and VLAN, or out
 * on the wire. Where no qdisc, tap or hook could notice, forwarded frames go to
 * the driver in batches, past dev_queue_xmit().
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "egress.h"
#include "hooks.h"
#include "nic.h"
#include "port.h"
#include "share.h"

/* A frame for another port takes the way of one that came in on the NIC. */
static int vr_egress_loop(const struct vr_port *port, struct sk_buff *skb)
{
	return dev_forward_skb(port->lower, skb) == NET_RX_SUCCESS ?
		NET_XMIT_SUCCESS : NET_XMIT_DROP;
}

/* The qdiscs on the way are told whose it is, also if it is nobody's. */
static int vr_egress_queue(const struct vr_port *port, struct sk_buff *skb)
{
	struct vr_share_sent old = vr_share_tell(skb, READ_ONCE(port->link));
	int ret = dev_queue_xmit(skb);

	vr_share_told(old);
	return ret;
}

/**
 * vr_egress_vlan() - the VLAN that a frame has on the NIC
 * @port: port that it is sent on
 * @skb: frame, its data begins with the Ethernet header
 *
 * Return: VLAN, by vr_port_vlan().
 */
u16 vr_egress_vlan(const struct vr_port *port, const struct sk_buff *skb)
{
	const struct vlan_ethhdr *eth;
	struct vlan_ethhdr buffer;

	if (port->vlan)
		return port->vlan;
	if (skb_vlan_tag_present(skb))
		return vr_port_vlan(skb->vlan_proto, skb_vlan_tag_get(skb));
	/* within the frame: the NIC inserts none, or a packet socket sent it */
	eth = skb_header_pointer(skb, 0, sizeof(buffer), &buffer);
	if (likely(!eth || !eth_type_vlan(eth->h_vlan_proto)))
		return 0;
	return vr_port_vlan(eth->h_vlan_proto, ntohs(eth->h_vlan_TCI));
}

/**
 * vr_egress_tag() - give a frame the tag of the port's VLAN, if it has one
 * @port: port that it is sent on
 * @skb: frame, its data begins with the Ethernet header; a tag of its own goes
 *	inside
 *
 * Return: the frame, or NULL if there was no memory and it is gone.
 */
struct sk_buff *vr_egress_tag(const struct vr_port *port, struct sk_buff *skb)
{
	if (!port->vlan)
		return skb;
	if (skb_vlan_tag_present(skb)) {
		skb = __vlan_hwaccel_push_inside(skb);
		if (!skb)
			return NULL;
	}
	__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), port->vlan);
	return skb;
}

/**
 * vr_egress_xmit_port() - send a frame that the Linux stack put on a port
 * @port: port
 * @skb: frame, its data begins with the Ethernet header; consumed
 *
 * Context: softirq or BH disabled, RCU read side.
 * Return: NET_XMIT_...
 */
int vr_egress_xmit_port(const struct vr_port *port, struct sk_buff *skb)
{
	const struct ethhdr *eth = (const struct ethhdr *)skb->data;
	const struct vr_mactable *table = rcu_dereference(port->nic->table);
	u64 key = vr_mactable_key(vr_egress_vlan(port, skb), eth->h_dest);

	skb_reset_mac_header(skb);
	skb = vr_egress_tag(port, skb);
	if (!skb)
		return NET_XMIT_DROP;
	if (vr_port_find(table, key))
		return vr_egress_loop(port, skb);
	/* a frame that waits on the NIC must not hold up the end of the namespace that its
	 * connection is of
	 */
	if (!net_eq(dev_net(port->dev), dev_net(port->lower)))
		nf_reset_ct(skb);
	skb->dev = port->lower;
	return vr_egress_queue(port, skb);
}

/* May frames go to the driver, past dev_queue_xmit()? */
static bool vr_egress_may_direct(struct net_device *dev)
{
	return dev->real_num_tx_queues == 1 && (dev->flags & IFF_UP) &&
	       !vr_hooks_qdisc(dev) && !vr_hooks_tap(dev) &&
	       !vr_hooks_egress(dev);
}

static void vr_egress_start(struct sk_buff *skb, struct net_device *dev,
			    struct netdev_queue *txq, bool more)
{
	netdev_tx_t rc = NETDEV_TX_BUSY;

	if (likely(!netif_xmit_frozen_or_stopped(txq))) {
		dev_xmit_recursion_inc();
		rc = netdev_start_xmit(skb, dev, txq, more);
		dev_xmit_recursion_dec();
	}
	/* a device without a qdisc has nowhere to put it */
	if (unlikely(!dev_xmit_complete(rc))) {
		dev_core_stats_tx_dropped_inc(dev);
		kfree_skb(skb);
	}
}

static void vr_egress_direct(struct net_device *dev, struct sk_buff *skb,
			     bool plain)
{
	struct netdev_queue *txq = netdev_get_tx_queue(dev, 0);
	int cpu = smp_processor_id();
	struct sk_buff *next;
	bool again = false;

	if (!plain)
		skb = validate_xmit_skb_list(skb, dev, &again);
	HARD_TX_LOCK(dev, txq, cpu);
	for (; skb; skb = next) {
		next = skb->next;
		skb_mark_not_on_list(skb);
		vr_egress_start(skb, dev, txq, next);
	}
	HARD_TX_UNLOCK(dev, txq);
}

/**
 * vr_egress_flush() - send what waits
 * @egress: frames
 *
 * Context: softirq, RCU read side.
 */
void vr_egress_flush(struct vr_egress *egress)
{
	struct sk_buff *skb = egress->head;
	bool plain = egress->plain;

	if (!skb)
		return;
	egress->head = NULL;
	egress->plain = true;
	/* a driver that calls back here would recurse without bound */
	if (unlikely(dev_xmit_recursion())) {
		dev_core_stats_tx_dropped_inc(egress->dev);
		kfree_skb_list(skb);
		return;
	}
	vr_egress_direct(egress->dev, skb, plain);
}

/**
 * vr_egress_forget() - send what waits, and forget what was found out
 * @egress: frames
 *
 * To be called at the end of each batch, since nobody says when a tap or a
 * qdisc comes.
 *
 * Context: softirq, RCU read side.
 */
void vr_egress_forget(struct vr_egress *egress)
{
	vr_egress_flush(egress);
	egress->dev = NULL;
	egress->table = NULL;
	egress->foreign = 0;
}

static void vr_egress_turn(struct vr_egress *egress, struct net_device *dev)
{
	vr_egress_flush(egress);
	egress->dev = dev;
	egress->direct = vr_egress_may_direct(dev);
	egress->plain = true;
}

/* Would validate_xmit_skb() have nothing to do, whatever the device can? */
static bool vr_egress_is_plain(const struct sk_buff *skb)
{
	return !skb_is_nonlinear(skb) && !skb_is_gso(skb) &&
	       skb->ip_summed != CHECKSUM_PARTIAL &&
	       !skb_vlan_tag_present(skb);
}

/* Segments by somebody else's word: drivers rely on dev_queue_xmit(), which drops those
 * without a proper header.
 */
static bool vr_egress_is_dodgy(const struct sk_buff *skb)
{
	return skb_is_gso(skb) && skb_shinfo(skb)->gso_type & SKB_GSO_DODGY;
}

static bool vr_egress_is_local(struct vr_egress *egress,
			       const struct vr_port *port, u64 lladdr)
{
	const struct vr_mactable *table = rcu_dereference(port->nic->table);
	u64 key = (u64)port->vlan << 48 | lladdr;

	if (likely(key == egress->foreign && table == egress->table))
		return false;
	if (vr_port_find(table, key))
		return true;
	egress->table = table;
	egress->foreign = key;
	return false;
}

/**
 * vr_egress_xmit() - send a forwarded frame
 * @egress: frames of this CPU that wait
 * @port: port that it leaves by
 * @skb: frame, its data and its MAC header begin with the Ethernet header of a
 *	unicast frame; without VLAN tag; consumed
 * @lladdr: the address in it that it is sent to, as vr_mactable_key() has it
 *	without VLAN; it need not be read back from where it was just written
 *
 * Context: softirq, RCU read side; vr_egress_forget() must follow in it, and
 * vr_egress_flush() after each few dozen frames.
 * Return: NET_XMIT_..., success for a frame that waits.
 */
int vr_egress_xmit(struct vr_egress *egress, const struct vr_port *port,
		   struct sk_buff *skb, u64 lladdr)
{
	struct net_device *dev = port->lower;

	if (port->vlan)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), port->vlan);
	/* it is another NIC's; a port has one queue */
	skb_set_queue_mapping(skb, 0);
	/* a bond of a single queue reads that without having written it */
	qdisc_skb_cb(skb)->slave_dev_queue_mapping = 0;
	if (unlikely(vr_egress_is_local(egress, port, lladdr)))
		return vr_egress_loop(port, skb);
	skb->dev = dev;
	if (unlikely(egress->dev != dev))
		vr_egress_turn(egress, dev);
	if (!egress->direct)
		return vr_egress_queue(port, skb);
	if (!vr_egress_is_plain(skb)) {
		if (unlikely(vr_egress_is_dodgy(skb))) {
			vr_egress_flush(egress);
			return vr_egress_queue(port, skb);
		}
		egress->plain = false;
	}
	skb_mark_not_on_list(skb);
	if (egress->head)
		egress->tail->next = skb;
	else
		egress->head = skb;
	egress->tail = skb;
	return NET_XMIT_SUCCESS;
}
