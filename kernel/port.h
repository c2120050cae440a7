/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Link kind "vrport": a port of a virtual router on a NIC.
 */
#ifndef VROUTER_PORT_H
#define VROUTER_PORT_H

#include <linux/hash.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/unaligned.h>

#include "nic.h"

struct vr_router;

#define VR_PORT_GROUP_BITS	8

/* Of a VLAN id where it is that of a service tag: no port has it for its own. */
#define VR_PORT_SERVICE		BIT(12)

/**
 * struct vr_port - a port, the private part of its net device
 * @router: router whose data plane serves the port, or NULL
 * @nic: the NIC under the port
 * @dev: the port's net device
 * @lower: the NIC's net device
 * @vlan: VLAN id on the NIC, 0 for untagged
 * @up: takes frames; written under RTNL
 * @tunnel: @lower or a device below it is a tunnel; written under RTNL
 * @promisc: wants frames that are for nobody else, too; protected by RTNL
 * @groups: which broadcast and multicast it wants, by vr_port_group(): maybe more, as
 *	with a NIC's hash filter; protected by the device's address lock
 * @id: index in the table of all ports, 0 before it is in
 * @list: in &vr_nic.ports
 * @addresses: vr_nic_addresses_work(); queued only while the port is up
 * @link: number of the share of links that its frames are of, 0 for the host's
 * @tracker: of the reference to @lower
 */
struct vr_port {
	struct vr_router __rcu *router;
	struct vr_nic *nic;
	struct net_device *dev;
	struct net_device *lower;
	u16 vlan;
	bool up;
	bool tunnel;
	bool promisc;
	DECLARE_BITMAP(groups, 1 << VR_PORT_GROUP_BITS);

	u32 id;
	struct list_head list;
	struct work_struct addresses;
	u16 link;
	netdevice_tracker tracker;
};

extern const struct net_device_ops vr_port_netdev_ops;
extern const struct ethtool_ops vr_port_ethtool_ops;

/**
 * vr_port_is() - is this a port?
 * @dev: net device
 *
 * Return: true for a device of kind vrport.
 */
static inline bool vr_port_is(const struct net_device *dev)
{
	return dev->netdev_ops == &vr_port_netdev_ops;
}

/**
 * vr_port_group() - the bit of a multicast address
 * @addr: MAC address, or the broadcast address
 *
 * Return: index into &vr_port.groups.
 */
static inline unsigned int vr_port_group(const u8 *addr)
{
	return hash_32(get_unaligned_be32(addr + 2), VR_PORT_GROUP_BITS);
}

/**
 * vr_port_vlan() - what the data path calls a VLAN
 * @proto: ETH_P_8021Q or ETH_P_8021AD
 * @tci: what the tag says
 *
 * Return: VLAN id, with VR_PORT_SERVICE for a service tag, 0 for none.
 */
static inline u16 vr_port_vlan(__be16 proto, u16 tci)
{
	u16 vlan = tci & VLAN_VID_MASK;

	if (unlikely(vlan && proto != htons(ETH_P_8021Q)))
		vlan |= VR_PORT_SERVICE;
	return vlan;
}

/**
 * vr_port_takes() - does a port take frames of a VLAN?
 * @port: port
 * @vlan: by vr_port_vlan()
 *
 * An untagged port takes tagged frames for a VLAN device that stands on it.
 *
 * Context: RCU read side.
 * Return: true if so.
 */
static inline bool vr_port_takes(const struct vr_port *port, u16 vlan)
{
	__be16 proto = vlan & VR_PORT_SERVICE ? htons(ETH_P_8021AD) :
						htons(ETH_P_8021Q);

	return port->vlan == vlan ||
	       (!port->vlan && __vlan_find_dev_deep_rcu(port->dev, proto,
							vlan & VLAN_VID_MASK));
}

/**
 * vr_port_find() - find the port that a frame is for
 * @table: addresses of the ports on its NIC, or NULL
 * @key: VLAN id and destination, see vr_mactable_key()
 *
 * Context: RCU read side.
 * Return: the port's address, plus 1 if this is not its first MAC address, or 0.
 */
static inline unsigned long vr_port_find(const struct vr_mactable *table,
					 u64 key)
{
	unsigned long value;
	u16 vlan = key >> 48;

	if (unlikely(!table))
		return 0;
	value = (unsigned long)vr_mactable_find(table, key);
	if (likely(value || !vlan))
		return value;
	value = (unsigned long)vr_mactable_find(table, key << 16 >> 16);
	if (value && !vr_port_takes((struct vr_port *)(value & ~1UL), vlan))
		return 0;
	return value;
}

void vr_port_bind(struct vr_port *port);
void vr_port_bind_domain(struct vr_router *router);
void vr_port_unlink(u32 id);
struct vr_port *vr_port_next(u32 *id);
void vr_port_forget(struct vr_port *port);
int vr_port_event(struct net_device *dev, unsigned long event, void *ptr);
int vr_port_init(void);
void vr_port_exit(void);

#endif
