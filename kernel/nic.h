/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the ports on one NIC share.
 */
#ifndef VROUTER_NIC_H
#define VROUTER_NIC_H

#include <linux/netdevice.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "mactable.h"

struct vr_port;

/**
 * struct vr_nic - a net device with ports on it; its rx_handler_data
 * @table: (VLAN, MAC) -> port, the lowest bit set where the address is not the
 *	port's first; never NULL
 * @ports: all ports, RCU list, changed under RTNL
 * @sniffers: number of promiscuous ports
 * @users: ports, also those being made, protected by RTNL
 * @lock: serializes changes of @table, which come with RTNL or with the address
 *	lock of a port
 * @dev: the NIC
 * @rcu: to free it
 */
struct vr_nic {
	struct vr_mactable __rcu *table;
	struct list_head ports;
	u32 sniffers;

	u32 users;
	spinlock_t lock; /* protects @table */
	struct net_device *dev;
	struct rcu_head rcu;
};

struct vr_nic *vr_nic_get(struct net_device *dev,
			  struct netlink_ext_ack *extack);
void vr_nic_put(struct vr_nic *nic);
struct vr_nic *vr_nic_find(const struct net_device *dev);
int vr_nic_add_address(struct vr_port *port, const u8 *mac, bool first,
		       gfp_t gfp);
void vr_nic_del_address(struct vr_port *port, const u8 *mac);
bool vr_nic_has_address(const struct vr_nic *nic, u16 vlan, const u8 *mac);
bool vr_nic_is_own(const struct vr_nic *nic, u16 vlan, const u8 *mac);
void vr_nic_sync_addresses(struct vr_port *port);
void vr_nic_addresses_work(struct work_struct *work);

#endif
