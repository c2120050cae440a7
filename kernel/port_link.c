// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a port: rtnetlink, and what happens to its NIC.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include <linux/xarray.h>
#include <net/geneve.h>
#include <net/gre.h>
#include <net/rtnetlink.h>
#include <net/vxlan.h>
#include <uapi/linux/if_vrouter.h>

#include "compat.h"
#include "netlink.h"
#include "port.h"

static DEFINE_XARRAY_ALLOC1(vr_ports);

static const struct nla_policy vr_port_policy[IFLA_VRPORT_MAX + 1] = {
	[IFLA_VRPORT_VLAN] = NLA_POLICY_RANGE(NLA_U16, 1, VLAN_VID_MASK - 1),
};

/**
 * vr_port_next() - go through all ports
 * @id: 0 at first; the function counts on
 *
 * Context: RTNL or RCU read side.
 * Return: the next one, NULL after the last.
 */
struct vr_port *vr_port_next(u32 *id)
{
	unsigned long index = *id + 1;
	struct vr_port *port;

	port = xa_find(&vr_ports, &index, U32_MAX, XA_PRESENT);
	if (port)
		*id = index;
	return port;
}

/**
 * vr_port_forget() - take a port out of the table of all ports
 * @port: port that is going away
 *
 * Context: RTNL.
 */
void vr_port_forget(struct vr_port *port)
{
	if (!port->id)
		return;
	vr_netlink_notify_port(port, VROUTER_CMD_PORT_DEL_NTF);
	xa_erase(&vr_ports, port->id);
}

static void vr_port_link_free(struct net_device *dev)
{
	struct vr_port *port = netdev_priv(dev);

	netdev_put(port->lower, &port->tracker);
}

static void vr_port_link_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->max_mtu = ETH_MAX_MTU;
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	/* netpoll sends with interrupts off, and cannot ask the NIC's driver */
	dev->priv_flags |= IFF_NO_QUEUE | IFF_UNICAST_FLT |
			   IFF_DISABLE_NETPOLL;
	vr_compat_set_lltx(dev);
	netif_keep_dst(dev);
	dev->netdev_ops = &vr_port_netdev_ops;
	dev->ethtool_ops = &vr_port_ethtool_ops;
	dev->needs_free_netdev = true;
	dev->priv_destructor = vr_port_link_free;
}

static int vr_port_link_validate(struct nlattr *tb[], struct nlattr *data[],
				 struct netlink_ext_ack *extack)
{
	if (!tb[IFLA_ADDRESS])
		return 0;
	if (nla_len(tb[IFLA_ADDRESS]) != ETH_ALEN) {
		NL_SET_ERR_MSG_ATTR(extack, tb[IFLA_ADDRESS],
				    "A MAC address has 6 bytes");
		return -EINVAL;
	}
	if (!is_valid_ether_addr(nla_data(tb[IFLA_ADDRESS]))) {
		NL_SET_ERR_MSG_ATTR(extack, tb[IFLA_ADDRESS],
				    "The MAC address is zero or multicast");
		return -EADDRNOTAVAIL;
	}
	return 0;
}

static const char *vr_port_link_refusal(const struct net_device *lower)
{
	if (lower->flags & IFF_LOOPBACK)
		return "A loopback device cannot carry ports";
	if (vr_port_is(lower))
		return "A port cannot carry ports; use its NIC";
	if (netif_is_l3_master(lower))
		return "A VRF device cannot carry ports";
	if (lower->type != ARPHRD_ETHER)
		return "The NIC is not an Ethernet device";
	return NULL;
}

static int vr_port_link_check_lower(const struct vr_port *port,
				    struct netlink_ext_ack *extack)
{
	const char *refusal = vr_port_link_refusal(port->lower);
	bool taken;

	if (refusal) {
		vr_compat_err_msg(extack, refusal);
		return -EINVAL;
	}
	if (!port->vlan)
		return 0;
	rcu_read_lock();
	taken = __vlan_find_dev_deep_rcu(port->lower, htons(ETH_P_8021Q),
					 port->vlan);
	rcu_read_unlock();
	if (taken) {
		NL_SET_ERR_MSG(extack, "A VLAN device takes that VLAN's frames");
		return -EBUSY;
	}
	return 0;
}

static int vr_port_link_is_tunnel(struct net_device *dev,
				  struct netdev_nested_priv *priv)
{
	const struct rtnl_link_ops *ops = dev->rtnl_link_ops;

	return netif_is_vxlan(dev) || netif_is_geneve(dev) ||
	       netif_is_gretap(dev) || netif_is_ip6gretap(dev) ||
	       (ops && (!strcmp(ops->kind, "erspan") ||
			!strcmp(ops->kind, "ip6erspan")));
}

static bool vr_port_link_on_tunnel(struct net_device *dev)
{
	struct netdev_nested_priv priv = {};

	return vr_port_link_is_tunnel(dev, &priv) ||
	       netdev_walk_all_lower_dev(dev, vr_port_link_is_tunnel, &priv);
}

static int vr_port_link_set_address(struct vr_port *port, struct nlattr *tb[],
				    struct netlink_ext_ack *extack)
{
	if (!tb[IFLA_ADDRESS]) {
		eth_hw_addr_random(port->dev);
	} else if (!port->vlan && ether_addr_equal(port->lower->dev_addr,
						   port->dev->dev_addr)) {
		NL_SET_ERR_MSG_ATTR(extack, tb[IFLA_ADDRESS],
				    "The NIC itself has that address");
		return -EADDRINUSE;
	}
	return 0;
}

static int vr_port_link_set_mtu(struct vr_port *port, struct nlattr *tb[],
				struct netlink_ext_ack *extack)
{
	if (!tb[IFLA_MTU]) {
		port->dev->mtu = port->lower->mtu;
	} else if (port->dev->mtu > port->lower->mtu) {
		NL_SET_ERR_MSG_ATTR(extack, tb[IFLA_MTU],
				    "The MTU is larger than the NIC's");
		return -EINVAL;
	}
	return 0;
}

static int vr_port_link_register(struct vr_port *port,
				 struct netlink_ext_ack *extack)
{
	struct net_device *dev = port->dev;
	int err;

	err = register_netdevice(dev);
	if (err)
		return err;
	err = netdev_upper_dev_link(port->lower, dev, extack);
	if (err == -EMLINK)
		NL_SET_ERR_MSG(extack, "Too many devices stand on each other");
	if (err)
		goto err_unregister;
	err = xa_alloc(&vr_ports, &port->id, port, xa_limit_32b,
		       GFP_KERNEL_ACCOUNT);
	if (err)
		goto err_id;
	list_add_tail_rcu(&port->list, &port->nic->ports);
	netif_stacked_transfer_operstate(port->lower, dev);
	linkwatch_fire_event(dev);
	vr_netlink_notify_port(port, VROUTER_CMD_PORT_ADD_NTF);
	return 0;

err_id:
	/* may be set all the same, and would be told of when it goes */
	port->id = 0;
	netdev_upper_dev_unlink(port->lower, dev);
err_unregister:
	unregister_netdevice(dev);
	return err;
}

static int vr_port_link_create(struct net *link_net, struct net_device *dev,
			       struct nlattr *tb[], struct nlattr *data[],
			       struct netlink_ext_ack *extack)
{
	struct vr_port *port = netdev_priv(dev);
	struct vr_nic *nic;
	int err;

	if (!tb[IFLA_LINK]) {
		NL_SET_ERR_MSG(extack, "A port needs a NIC: link NIC");
		return -EINVAL;
	}
	port->dev = dev;
	port->lower = __dev_get_by_index(link_net, nla_get_u32(tb[IFLA_LINK]));
	if (!port->lower) {
		NL_SET_ERR_MSG_ATTR(extack, tb[IFLA_LINK], "No such NIC");
		return -ENODEV;
	}
	if (data && data[IFLA_VRPORT_VLAN])
		port->vlan = nla_get_u16(data[IFLA_VRPORT_VLAN]);
	port->tunnel = vr_port_link_on_tunnel(port->lower);
	err = vr_port_link_check_lower(port, extack);
	if (!err)
		err = vr_port_link_set_address(port, tb, extack);
	if (!err)
		err = vr_port_link_set_mtu(port, tb, extack);
	if (err)
		return err;

	nic = vr_nic_get(port->lower, extack);
	if (IS_ERR(nic))
		return PTR_ERR(nic);
	port->nic = nic;
	err = vr_port_link_register(port, extack);
	/* ndo_uninit has done it if the device got that far */
	if (err && port->nic)
		vr_nic_put(port->nic);
	return err;
}

static int vr_port_link_changelink(struct net_device *dev, struct nlattr *tb[],
				   struct nlattr *data[],
				   struct netlink_ext_ack *extack)
{
	const struct vr_port *port = netdev_priv(dev);

	if (data && data[IFLA_VRPORT_VLAN] &&
	    nla_get_u16(data[IFLA_VRPORT_VLAN]) != port->vlan) {
		NL_SET_ERR_MSG_ATTR(extack, data[IFLA_VRPORT_VLAN],
				    "The VLAN of a port cannot change");
		return -EOPNOTSUPP;
	}
	return 0;
}

static void vr_port_link_dellink(struct net_device *dev, struct list_head *head)
{
	struct vr_port *port = netdev_priv(dev);

	/* its NIC may go in the same batch, and must not find it again */
	list_del_rcu(&port->list);
	unregister_netdevice_queue(dev, head);
	netdev_upper_dev_unlink(port->lower, dev);
}

static size_t vr_port_link_get_size(const struct net_device *dev)
{
	return nla_total_size(sizeof(u16)); /* IFLA_VRPORT_VLAN */
}

static int vr_port_link_fill_info(struct sk_buff *skb,
				  const struct net_device *dev)
{
	const struct vr_port *port = netdev_priv(dev);

	if (port->vlan && nla_put_u16(skb, IFLA_VRPORT_VLAN, port->vlan))
		return -EMSGSIZE;
	return 0;
}

static struct net *vr_port_link_get_net(const struct net_device *dev)
{
	const struct vr_port *port = netdev_priv(dev);

	return dev_net(port->lower);
}

VR_COMPAT_NEWLINK(vr_port_link_newlink, vr_port_link_create)

static struct rtnl_link_ops vr_port_link_ops = {
	.kind		= "vrport",
	.priv_size	= sizeof(struct vr_port),
	.maxtype	= IFLA_VRPORT_MAX,
	.policy		= vr_port_policy,
	.setup		= vr_port_link_setup,
	.validate	= vr_port_link_validate,
	.newlink	= vr_port_link_newlink,
	.changelink	= vr_port_link_changelink,
	.dellink	= vr_port_link_dellink,
	.get_size	= vr_port_link_get_size,
	.fill_info	= vr_port_link_fill_info,
	.get_link_net	= vr_port_link_get_net,
};

static void vr_port_link_lower_gone(struct vr_nic *nic)
{
	struct vr_port *port, *tmp;
	LIST_HEAD(kill);

	list_for_each_entry_safe(port, tmp, &nic->ports, list)
		vr_port_link_dellink(port->dev, &kill);
	unregister_netdevice_many(&kill);
}

/* The NIC's own address is nobody else's; the one that it had may be. */
static void vr_port_link_lower_changed(struct vr_nic *nic)
{
	struct vr_port *port;

	list_for_each_entry(port, &nic->ports, list) {
		if (port->vlan || netdev_uc_empty(port->dev))
			continue;
		netif_addr_lock_bh(port->dev);
		vr_nic_sync_addresses(port);
		netif_addr_unlock_bh(port->dev);
	}
}

/* A move to another namespace flushes the NIC's filters, but what ports have put there
 * would count as being there: out before, and in again.
 */
static void vr_port_link_lower_leaves(struct vr_nic *nic)
{
	struct vr_port *port;

	list_for_each_entry(port, &nic->ports, list) {
		if (!port->up)
			continue;
		dev_uc_unsync(nic->dev, port->dev);
		dev_mc_unsync(nic->dev, port->dev);
		dev_uc_del(nic->dev, port->dev->dev_addr);
	}
}

static void vr_port_link_lower_arrives(struct vr_nic *nic)
{
	struct vr_port *port;

	list_for_each_entry(port, &nic->ports, list) {
		if (!port->up)
			continue;
		if (dev_uc_add(nic->dev, port->dev->dev_addr))
			netdev_warn(port->dev, "no memory for its address in the NIC's filter\n");
		netif_addr_lock_bh(port->dev);
		dev_uc_sync(nic->dev, port->dev);
		dev_mc_sync(nic->dev, port->dev);
		netif_addr_unlock_bh(port->dev);
	}
}

static void vr_port_link_lower_mtu(struct vr_nic *nic)
{
	struct vr_port *port;

	list_for_each_entry(port, &nic->ports, list)
		if (port->dev->mtu > nic->dev->mtu)
			dev_set_mtu(port->dev, nic->dev->mtu);
}

static void vr_port_link_lower_features(struct vr_nic *nic)
{
	struct vr_port *port;

	list_for_each_entry(port, &nic->ports, list) {
		netif_inherit_tso_max(port->dev, nic->dev);
		netdev_update_features(port->dev);
	}
}

static void vr_port_link_lower_state(struct vr_nic *nic)
{
	struct vr_port *port;

	list_for_each_entry(port, &nic->ports, list)
		netif_stacked_transfer_operstate(nic->dev, port->dev);
}

static void vr_port_link_lower_forward(struct vr_nic *nic, unsigned long event)
{
	struct vr_port *port;

	list_for_each_entry(port, &nic->ports, list)
		call_netdevice_notifiers(event, port->dev);
}

/* A device came to stand on dev, or left it. Any port may be above that. */
static void vr_port_link_lower_moved(struct net_device *dev,
				     const struct netdev_notifier_changeupper_info *info)
{
	struct vr_port *port;
	u32 id = 0;

	if (vr_port_is(info->upper_dev) || !vr_port_link_on_tunnel(dev))
		return;
	while ((port = vr_port_next(&id)))
		WRITE_ONCE(port->tunnel, vr_port_link_on_tunnel(port->lower));
}

static int vr_port_link_lower_address(struct vr_nic *nic,
				      struct netdev_notifier_pre_changeaddr_info *info)
{
	struct netlink_ext_ack *extack;

	if (!vr_nic_has_address(nic, 0, info->dev_addr))
		return NOTIFY_DONE;
	extack = netdev_notifier_info_to_extack(&info->info);
	NL_SET_ERR_MSG(extack, "A port on the NIC has that address");
	return notifier_from_errno(-EADDRINUSE);
}

/* A VLAN device on the NIC would take the frames before the ports see them. */
static int vr_port_link_lower_upper(struct vr_nic *nic,
				    const struct netdev_notifier_changeupper_info *info)
{
	const struct net_device *upper = info->upper_dev;
	struct vr_port *port;
	u16 vlan;

	if (!info->linking || !is_vlan_dev(upper) ||
	    vlan_dev_vlan_proto(upper) != htons(ETH_P_8021Q))
		return NOTIFY_DONE;
	vlan = vlan_dev_vlan_id(upper);
	list_for_each_entry(port, &nic->ports, list) {
		if (!port->vlan || port->vlan != vlan)
			continue;
		NL_SET_ERR_MSG(netdev_notifier_info_to_extack(&info->info),
			       "A port takes that VLAN's frames");
		return notifier_from_errno(-EBUSY);
	}
	return NOTIFY_DONE;
}

/**
 * vr_port_event() - follow what happens to the NICs
 * @dev: net device
 * @event: NETDEV_...
 * @ptr: the notifier's information
 *
 * Context: RTNL.
 * Return: NOTIFY_... as a notifier does.
 */
int vr_port_event(struct net_device *dev, unsigned long event, void *ptr)
{
	struct vr_nic *nic = vr_nic_find(dev);

	if (event == NETDEV_CHANGEUPPER)
		vr_port_link_lower_moved(dev, ptr);
	if (!nic)
		return NOTIFY_DONE;
	switch (event) {
	case NETDEV_UNREGISTER:
		if (dev->reg_state == NETREG_UNREGISTERING)
			vr_port_link_lower_gone(nic);
		else
			vr_port_link_lower_leaves(nic);
		break;
	case NETDEV_REGISTER:
		vr_port_link_lower_arrives(nic);
		break;
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
		vr_port_link_lower_state(nic);
		break;
	case NETDEV_FEAT_CHANGE:
		vr_port_link_lower_features(nic);
		break;
	case NETDEV_CHANGEMTU:
		vr_port_link_lower_mtu(nic);
		break;
	case NETDEV_PRE_CHANGEADDR:
		return vr_port_link_lower_address(nic, ptr);
	case NETDEV_CHANGEADDR:
		vr_port_link_lower_changed(nic);
		break;
	case NETDEV_PRECHANGEUPPER:
		return vr_port_link_lower_upper(nic, ptr);
	case NETDEV_PRE_TYPE_CHANGE:
		/* the ports need an Ethernet device */
		return NOTIFY_BAD;
	case NETDEV_NOTIFY_PEERS:
	case NETDEV_BONDING_FAILOVER:
	case NETDEV_RESEND_IGMP:
		vr_port_link_lower_forward(nic, event);
		break;
	}
	return NOTIFY_DONE;
}

/**
 * vr_port_init() - make the link kind known
 *
 * Return: 0 or a negative errno.
 */
int vr_port_init(void)
{
	return rtnl_link_register(&vr_port_link_ops);
}

/**
 * vr_port_exit() - delete all ports and the link kind
 */
void vr_port_exit(void)
{
	rtnl_link_unregister(&vr_port_link_ops);
}
