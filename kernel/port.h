/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Link kind "vrport": a port of a virtual router on a NIC.
 */
#ifndef VROUTER_PORT_H
#define VROUTER_PORT_H

#include <linux/netdevice.h>

#include "nic.h"

struct vr_router;

/**
 * struct vr_port - a port, the private part of its net device
 * @router: router whose data plane serves the port, or NULL
 * @nic: the NIC under the port
 * @dev: the port's net device
 * @lower: the NIC's net device
 * @vlan: VLAN id on the NIC, 0 for untagged
 * @up: takes frames; protected by RTNL
 * @promisc: wants frames that are for nobody else, too; protected by RTNL
 * @id: index in the table of all ports, 0 before it is in
 * @list: in &vr_nic.ports
 * @tracker: of the reference to @lower
 */
struct vr_port {
	struct vr_router __rcu *router;
	struct vr_nic *nic;
	struct net_device *dev;
	struct net_device *lower;
	u16 vlan;
	bool up;
	bool promisc;

	u32 id;
	struct list_head list;
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

void vr_port_bind(struct vr_port *port);
void vr_port_bind_domain(struct vr_router *router);
struct vr_port *vr_port_next(u32 *id);
void vr_port_forget(struct vr_port *port);
int vr_port_event(struct net_device *dev, unsigned long event, void *ptr);
int vr_port_init(void);
void vr_port_exit(void);

#endif
