// SPDX-License-Identifier: GPL-2.0
/*
 * Net device operations of a port. Its life (rtnetlink) is in port_link.c.
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include <net/netdev_lock.h>

#include "compat.h"
#include "demux.h"
#include "egress.h"
#include "ingress.h"
#include "netlink.h"
#include "port.h"
#include "router.h"
#include "share.h"

#define VR_PORT_FEATURES \
	(NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_HIGHDMA | NETIF_F_FRAGLIST | \
	 NETIF_F_GSO | NETIF_F_TSO | NETIF_F_GSO_ROBUST | NETIF_F_TSO_ECN | \
	 NETIF_F_TSO6 | NETIF_F_GRO | NETIF_F_RXCSUM | NETIF_F_GSO_UDP_L4 | \
	 NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_CTAG_FILTER | \
	 NETIF_F_HW_VLAN_STAG_FILTER)

static struct vr_router *vr_port_choose(struct vr_port *port)
{
	struct vr_router *router;

	router = port->up ? vr_router_serving(port->dev) : NULL;
	WRITE_ONCE(port->link, router ? router->share->id :
					vr_router_link(port->dev));
	return router;
}

/* vr_port_left() must follow. */
static void vr_port_leave(struct vr_port *port, struct vr_router *router)
{
	RCU_INIT_POINTER(port->router, NULL);
	WRITE_ONCE(router->ports, router->ports - 1);
}

/* Once for all that left: who holds RTNL has others wait. */
static void vr_port_left(struct vr_router *router)
{
	/* nobody enqueues any more, and what is queued can go */
	synchronize_net();
	vr_ingress_flush(router);
	vr_mirror_recheck(router);
}

/**
 * vr_port_bind() - find the router that serves a port
 * @port: port
 *
 * To be called when anything changed on which that depends: the port or a
 * router goes up or down (moves between domains include that).
 *
 * Context: RTNL.
 */
void vr_port_bind(struct vr_port *port)
{
	struct vr_router *old = rtnl_dereference(port->router);
	struct vr_router *router = vr_port_choose(port);

	if (router == old)
		return;
	if (old) {
		vr_port_leave(port, old);
		vr_port_left(old);
	}
	if (router) {
		WRITE_ONCE(router->ports, router->ports + 1);
		rcu_assign_pointer(port->router, router);
		vr_mirror_recheck(router);
	}
	vr_netlink_notify_port(port, VROUTER_CMD_PORT_CHANGE_NTF);
}

/**
 * vr_port_bind_domain() - a router came up, went down or moved: find its ports
 * @router: router
 *
 * Those that it left find out who serves them now, and whose share of links they have.
 *
 * Context: RTNL.
 */
void vr_port_bind_domain(struct vr_router *router)
{
	struct vr_port *port;
	bool left = false;
	u32 id = 0;

	while ((port = vr_port_next(&id))) {
		if (rtnl_dereference(port->router) == router) {
			if (!vr_port_choose(port)) {
				vr_port_leave(port, router);
				left = true;
				vr_netlink_notify_port(port, VROUTER_CMD_PORT_CHANGE_NTF);
				continue;
			}
		} else if (port->link != router->share->id &&
			   !vr_router_has(router, port->dev)) {
			continue;
		}
		vr_port_bind(port);
	}
	if (left)
		vr_port_left(router);
}

/**
 * vr_port_unlink() - a share of links is no more
 * @id: its number
 *
 * Context: RTNL.
 */
void vr_port_unlink(u32 id)
{
	struct vr_port *port;
	u32 i = 0;

	while ((port = vr_port_next(&i)))
		if (port->link == id)
			WRITE_ONCE(port->link, 0);
}

static void vr_port_set_promisc(struct vr_port *port, int inc)
{
	dev_set_promiscuity(port->lower, inc);
	WRITE_ONCE(port->promisc, inc > 0);
	WRITE_ONCE(port->nic->sniffers, port->nic->sniffers + inc);
}

static int vr_port_open(struct net_device *dev)
{
	struct vr_port *port = netdev_priv(dev);
	struct net_device *lower = port->lower;
	int err;

	/* the NIC may have taken it while the port was down */
	if (vr_nic_is_own(port->nic, port->vlan, dev->dev_addr))
		return -EADDRINUSE;
	/* VLAN 0: frames with a priority only, once the NIC filters VLANs */
	err = vlan_vid_add(lower, htons(ETH_P_8021Q), port->vlan);
	if (err)
		return err;
	err = dev_uc_add(lower, dev->dev_addr);
	if (err)
		goto err_vid;
	if (dev->flags & IFF_ALLMULTI) {
		err = dev_set_allmulti(lower, 1);
		if (err)
			goto err_uc;
	}
	err = vr_nic_add_address(port, dev->dev_addr, true, GFP_KERNEL);
	if (err)
		goto err_allmulti;
	if (dev->flags & IFF_PROMISC)
		vr_port_set_promisc(port, 1);
	WRITE_ONCE(port->up, true);
	vr_port_bind(port);
	return 0;

err_allmulti:
	if (dev->flags & IFF_ALLMULTI)
		dev_set_allmulti(lower, -1);
err_uc:
	dev_uc_del(lower, dev->dev_addr);
err_vid:
	vlan_vid_del(lower, htons(ETH_P_8021Q), port->vlan);
	return err == -EEXIST ? -EADDRINUSE : err;
}

static int vr_port_stop(struct net_device *dev)
{
	struct vr_port *port = netdev_priv(dev);
	struct net_device *lower = port->lower;

	WRITE_ONCE(port->up, false);
	netif_addr_lock_bh(dev);
	vr_nic_sync_addresses(port);
	netif_addr_unlock_bh(dev);
	cancel_work_sync(&port->addresses);
	vr_nic_del_address(port, dev->dev_addr);
	vr_port_bind(port);

	if (dev->flags & IFF_PROMISC)
		vr_port_set_promisc(port, -1);
	if (dev->flags & IFF_ALLMULTI)
		dev_set_allmulti(lower, -1);
	dev_uc_unsync(lower, dev);
	dev_mc_unsync(lower, dev);
	dev_uc_del(lower, dev->dev_addr);
	vlan_vid_del(lower, htons(ETH_P_8021Q), port->vlan);
	return 0;
}

static netdev_tx_t vr_port_start_xmit(struct sk_buff *skb,
				      struct net_device *dev)
{
	struct vr_port *port = netdev_priv(dev);
	unsigned int len = skb->len;
	int ret;

	rcu_read_lock();
	if (unlikely(is_multicast_ether_addr(skb->data)))
		vr_demux_local(port, skb, vr_egress_vlan(port, skb));
	ret = vr_egress_xmit_port(port, skb);
	rcu_read_unlock();
	if (likely(ret == NET_XMIT_SUCCESS || ret == NET_XMIT_CN))
		dev_sw_netstats_tx_add(dev, 1, len);
	else
		dev_core_stats_tx_dropped_inc(dev);
	return NETDEV_TX_OK;
}

/* What is for a group that nobody here listens to must not cost each port on the NIC a
 * clone, and each router its time.
 */
static void vr_port_set_groups(struct net_device *dev)
{
	DECLARE_BITMAP(groups, 1 << VR_PORT_GROUP_BITS) = {};
	struct vr_port *port = netdev_priv(dev);
	struct netdev_hw_addr *ha;

	__set_bit(vr_port_group(dev->broadcast), groups);
	netdev_for_each_mc_addr(ha, dev)
		__set_bit(vr_port_group(ha->addr), groups);
	/* link-local groups, too, if it is `bridge fdb` that adds them */
	netdev_for_each_uc_addr(ha, dev)
		if (is_multicast_ether_addr(ha->addr))
			__set_bit(vr_port_group(ha->addr), groups);
	if (dev->flags & (IFF_PROMISC | IFF_ALLMULTI))
		bitmap_fill(groups, 1 << VR_PORT_GROUP_BITS);
	bitmap_copy(port->groups, groups, 1 << VR_PORT_GROUP_BITS);
}

static void vr_port_set_rx_mode(struct net_device *dev)
{
	struct vr_port *port = netdev_priv(dev);

	vr_port_set_groups(dev);
	dev_uc_sync(port->lower, dev);
	dev_mc_sync(port->lower, dev);
	vr_nic_sync_addresses(port);
}

static void vr_port_change_rx_flags(struct net_device *dev, int change)
{
	struct vr_port *port = netdev_priv(dev);

	if (!(dev->flags & IFF_UP))
		return;
	if (change & IFF_ALLMULTI)
		dev_set_allmulti(port->lower,
				 dev->flags & IFF_ALLMULTI ? 1 : -1);
	if (change & IFF_PROMISC)
		vr_port_set_promisc(port, dev->flags & IFF_PROMISC ? 1 : -1);
}

static int vr_port_set_mac_address(struct net_device *dev, void *p)
{
	struct vr_port *port = netdev_priv(dev);
	struct sockaddr *addr = p;
	int err;

	if (!is_valid_ether_addr(addr->sa_data))
		return -EADDRNOTAVAIL;
	if (ether_addr_equal(dev->dev_addr, addr->sa_data))
		return 0;
	if (vr_nic_is_own(port->nic, port->vlan, addr->sa_data))
		return -EADDRINUSE;
	if (!port->up) {
		eth_hw_addr_set(dev, addr->sa_data);
		return 0;
	}

	err = dev_uc_add(port->lower, addr->sa_data);
	if (err)
		return err;
	err = vr_nic_add_address(port, addr->sa_data, true, GFP_KERNEL);
	if (err) {
		dev_uc_del(port->lower, addr->sa_data);
		return err == -EEXIST ? -EADDRINUSE : err;
	}
	vr_nic_del_address(port, dev->dev_addr);
	dev_uc_del(port->lower, dev->dev_addr);
	eth_hw_addr_set(dev, addr->sa_data);
	return 0;
}

static int vr_port_change_mtu(struct net_device *dev, int mtu)
{
	struct vr_port *port = netdev_priv(dev);

	if (mtu > port->lower->mtu)
		return -EINVAL;
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

static int vr_port_vlan_rx_add_vid(struct net_device *dev, __be16 proto, u16 vid)
{
	struct vr_port *port = netdev_priv(dev);

	return port->vlan ? 0 : vlan_vid_add(port->lower, proto, vid);
}

static int vr_port_vlan_rx_kill_vid(struct net_device *dev, __be16 proto,
				    u16 vid)
{
	struct vr_port *port = netdev_priv(dev);

	if (!port->vlan)
		vlan_vid_del(port->lower, proto, vid);
	return 0;
}

static netdev_features_t vr_port_fix_features(struct net_device *dev,
					      netdev_features_t features)
{
	struct vr_port *port = netdev_priv(dev);
	netdev_features_t lower = port->lower->features, mask = features;

	/* the port's own tag is the one that hardware inserts */
	if (port->vlan)
		lower &= ~NETIF_F_HW_VLAN_CTAG_TX;
	lower = netdev_intersect_features(lower, mask | VR_PORT_FEATURES);
	/* hardware that sums up IP only does what a port of ours asks for; the core
	 * complains about who has both
	 */
	if (lower & (NETIF_F_IP_CSUM | NETIF_F_IPV6_CSUM))
		lower |= NETIF_F_HW_CSUM;
	features = netdev_intersect_features(lower, features);
	features |= mask & (NETIF_F_GSO_SOFTWARE | NETIF_F_SG |
			    NETIF_F_HW_CSUM | NETIF_F_FRAGLIST |
			    NETIF_F_HIGHDMA);
	return features | VR_COMPAT_LLTX_FEATURE;
}

static int vr_port_get_iflink(const struct net_device *dev)
{
	const struct vr_port *port = netdev_priv(dev);

	return READ_ONCE(port->lower->ifindex);
}

static int vr_port_init_dev(struct net_device *dev)
{
	struct vr_port *port = netdev_priv(dev);
	struct net_device *lower = port->lower;

	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (!dev->tstats)
		return -ENOMEM;
	netdev_lockdep_set_classes(dev);
	dev->state = (dev->state & ~BIT(__LINK_STATE_NOCARRIER)) |
		     (lower->state & BIT(__LINK_STATE_NOCARRIER));
	dev->hw_features = VR_PORT_FEATURES;
	dev->features = VR_PORT_FEATURES | VR_COMPAT_LLTX_FEATURE;
	dev->vlan_features = lower->vlan_features & VR_PORT_FEATURES;
	dev->hw_enc_features = lower->hw_enc_features & VR_PORT_FEATURES;
	netif_inherit_tso_max(dev, lower);
	dev->hard_header_len = lower->hard_header_len;
	dev->needed_headroom = READ_ONCE(lower->needed_headroom);
	dev->needed_tailroom = READ_ONCE(lower->needed_tailroom);
	netdev_hold(lower, &port->tracker, GFP_KERNEL);
	INIT_WORK(&port->addresses, vr_nic_addresses_work);
	return 0;
}

static void vr_port_uninit(struct net_device *dev)
{
	struct vr_port *port = netdev_priv(dev);

	vr_port_forget(port);
	vr_nic_put(port->nic);
	port->nic = NULL;
	free_percpu(dev->tstats);
}

const struct net_device_ops vr_port_netdev_ops = {
	.ndo_init		= vr_port_init_dev,
	.ndo_uninit		= vr_port_uninit,
	.ndo_open		= vr_port_open,
	.ndo_stop		= vr_port_stop,
	.ndo_start_xmit		= vr_port_start_xmit,
	.ndo_set_rx_mode	= vr_port_set_rx_mode,
	.ndo_change_rx_flags	= vr_port_change_rx_flags,
	.ndo_set_mac_address	= vr_port_set_mac_address,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_change_mtu		= vr_port_change_mtu,
	.ndo_vlan_rx_add_vid	= vr_port_vlan_rx_add_vid,
	.ndo_vlan_rx_kill_vid	= vr_port_vlan_rx_kill_vid,
	.ndo_fix_features	= vr_port_fix_features,
	.ndo_features_check	= passthru_features_check,
	.ndo_get_stats64	= dev_get_tstats64,
	.ndo_get_iflink		= vr_port_get_iflink,
};

static int vr_port_get_link_ksettings(struct net_device *dev,
				      struct ethtool_link_ksettings *cmd)
{
	const struct vr_port *port = netdev_priv(dev);

	return __ethtool_get_link_ksettings(port->lower, cmd);
}

static void vr_port_get_drvinfo(struct net_device *dev,
				struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "vrport", sizeof(info->driver));
}

const struct ethtool_ops vr_port_ethtool_ops = {
	.get_drvinfo		= vr_port_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= vr_port_get_link_ksettings,
};
