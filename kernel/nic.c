// SPDX-License-Identifier: GPL-2.0
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "demux.h"
#include "nic.h"
#include "port.h"

/* With more addresses on a NIC, those that are added to a port are taken a bit later: who
 * may add them must not fill the memory with tables that wait for a grace period.
 */
#define VR_NIC_AT_ONCE	256

static struct vr_mactable *vr_nic_replace(struct vr_nic *nic,
					  struct vr_mactable *table)
{
	return rcu_replace_pointer(nic->table, table,
				   lockdep_is_held(&nic->lock));
}

static void vr_nic_publish(struct vr_nic *nic, struct vr_mactable *table)
{
	struct vr_mactable *old = vr_nic_replace(nic, table);

	if (old)
		kfree_rcu(old, rcu);
}

static struct vr_mactable *vr_nic_table(const struct vr_nic *nic)
{
	return rcu_dereference_protected(nic->table,
					 lockdep_is_held(&nic->lock));
}

/* The lowest bit of a pointer to a port tells its other addresses apart. */
static void *vr_nic_value(struct vr_port *port, bool first)
{
	return (void *)((unsigned long)port | (first ? 0UL : 1UL));
}

/**
 * vr_nic_find() - the ports' common part on a NIC
 * @dev: net device
 *
 * Context: RTNL.
 * Return: the common part, NULL if there are no ports on @dev.
 */
struct vr_nic *vr_nic_find(const struct net_device *dev)
{
	ASSERT_RTNL();
	if (rcu_access_pointer(dev->rx_handler) != vr_demux_rx)
		return NULL;
	return rtnl_dereference(dev->rx_handler_data);
}

/**
 * vr_nic_get() - find or make the ports' common part on a NIC
 * @dev: net device
 * @extack: says why not
 *
 * Context: RTNL. The caller calls vr_nic_put() once.
 * Return: the common part, or an ERR_PTR(): -EBUSY if a bridge, bond or the
 * like takes the device's frames already, -ENOMEM.
 */
struct vr_nic *vr_nic_get(struct net_device *dev,
			  struct netlink_ext_ack *extack)
{
	struct vr_nic *nic = vr_nic_find(dev);
	int err;

	if (nic) {
		nic->users++;
		return nic;
	}
	nic = kzalloc(sizeof(*nic), GFP_KERNEL);
	if (!nic)
		return ERR_PTR(-ENOMEM);
	nic->dev = dev;
	nic->users = 1;
	INIT_LIST_HEAD(&nic->ports);
	spin_lock_init(&nic->lock);
	err = netdev_rx_handler_register(dev, vr_demux_rx, nic);
	if (err) {
		NL_SET_ERR_MSG(extack,
			       "The NIC's frames go to a bridge, bond, macvlan or the like already");
		kfree(nic);
		return ERR_PTR(err);
	}
	/* a merged packet cannot be forwarded */
	dev_disable_lro(dev);
	return nic;
}

/**
 * vr_nic_put() - let go of the ports' common part; the last one frees it
 * @nic: common part
 *
 * Context: RTNL.
 */
void vr_nic_put(struct vr_nic *nic)
{
	struct vr_mactable *table;

	ASSERT_RTNL();
	if (--nic->users)
		return;
	/* waits for vr_demux_rx() to leave */
	netdev_rx_handler_unregister(nic->dev);
	table = rcu_dereference_protected(nic->table, true);
	kvfree(table);
	kfree_rcu(nic, rcu);
}

static u32 vr_nic_addresses(struct vr_nic *nic)
{
	const struct vr_mactable *table;
	u32 count;

	spin_lock_bh(&nic->lock);
	table = vr_nic_table(nic);
	count = table ? table->count : 0;
	spin_unlock_bh(&nic->lock);
	return count;
}

/**
 * vr_nic_add_address() - let a port take the frames for an address
 * @port: port
 * @mac: MAC address
 * @first: the port's own address, not one added to it
 * @gfp: how to allocate
 *
 * Return: 0, -EEXIST if another port on that NIC and VLAN has it, -ENOMEM.
 */
int vr_nic_add_address(struct vr_port *port, const u8 *mac, bool first,
		       gfp_t gfp)
{
	u64 key = vr_mactable_key(port->vlan, mac);
	struct vr_nic *nic = port->nic;
	struct vr_mactable *table;
	int err;

	do {
		table = vr_mactable_alloc(vr_nic_addresses(nic) + 1, gfp);
		if (!table)
			return -ENOMEM;
		spin_lock_bh(&nic->lock);
		err = vr_mactable_insert(table, vr_nic_table(nic), key,
					 vr_nic_value(port, first));
		if (!err)
			vr_nic_publish(nic, table);
		spin_unlock_bh(&nic->lock);
		if (err)
			kvfree(table);
	} while (err == -ENOSPC);	/* another port was faster */
	return err;
}

static void vr_nic_del_key(struct vr_nic *nic, u64 key)
{
	struct vr_mactable *old = vr_nic_table(nic), *table;

	table = vr_mactable_remove(old, key, GFP_ATOMIC);
	if (!IS_ERR(table))
		vr_nic_publish(nic, table);
	else if (PTR_ERR(table) == -ENOMEM)
		vr_mactable_clear(old, key);
}

/**
 * vr_nic_del_address() - let a port take no more frames for an address
 * @port: port
 * @mac: MAC address
 *
 * Readers may see it until a grace period has passed.
 */
void vr_nic_del_address(struct vr_port *port, const u8 *mac)
{
	u64 key = vr_mactable_key(port->vlan, mac);
	struct vr_nic *nic = port->nic;

	spin_lock_bh(&nic->lock);
	if (vr_nic_table(nic))
		vr_nic_del_key(nic, key);
	spin_unlock_bh(&nic->lock);
}

/**
 * vr_nic_has_address() - does a port that is up have this address?
 * @nic: NIC
 * @vlan: VLAN id, 0 for untagged
 * @mac: MAC address
 *
 * Context: RTNL.
 * Return: true if so.
 */
bool vr_nic_has_address(const struct vr_nic *nic, u16 vlan, const u8 *mac)
{
	const struct vr_mactable *table;
	bool found;

	rcu_read_lock();
	table = rcu_dereference(nic->table);
	found = table && vr_mactable_find(table, vr_mactable_key(vlan, mac));
	rcu_read_unlock();
	return found;
}

/**
 * vr_nic_is_own() - is this the host's own address?
 * @nic: NIC
 * @vlan: VLAN id, 0 for untagged
 * @mac: MAC address
 *
 * Untagged frames for the NIC's address stay the host's, whatever ports want.
 *
 * Context: any; the answer holds for as long as RTNL is held.
 * Return: true if so.
 */
bool vr_nic_is_own(const struct vr_nic *nic, u16 vlan, const u8 *mac)
{
	return !vlan && ether_addr_equal(nic->dev->dev_addr, mac);
}

/* How many addresses the table has, but for those added to a port; *added gets these. */
static u32 vr_nic_others(struct vr_port *port, u32 *added)
{
	struct vr_mactable_slot *slot = NULL;
	struct vr_nic *nic = port->nic;
	u32 others = 0;

	*added = 0;
	spin_lock_bh(&nic->lock);
	vr_mactable_for_each(vr_nic_table(nic), slot) {
		if (slot->value == vr_nic_value(port, false))
			(*added)++;
		else
			others++;
	}
	spin_unlock_bh(&nic->lock);
	return others;
}

static int vr_nic_fill(struct vr_port *port, struct vr_mactable *table)
{
	void *value = vr_nic_value(port, false);
	struct netdev_hw_addr *ha;
	int err;

	err = vr_mactable_fill(table, vr_nic_table(port->nic), value);
	if (err || !READ_ONCE(port->up))
		return err;
	/* an address that another port has already stays with that one; a group is
	 * nobody's, see vr_port_set_groups()
	 */
	netdev_for_each_uc_addr(ha, port->dev) {
		if (is_multicast_ether_addr(ha->addr) ||
		    vr_nic_is_own(port->nic, port->vlan, ha->addr))
			continue;
		err = vr_mactable_put(table,
				      vr_mactable_key(port->vlan, ha->addr),
				      value);
		if (err == -ENOSPC)
			return err;
	}
	return 0;
}

/* Without memory the table stays, but nobody may find a port that goes down. */
static void vr_nic_clear(struct vr_port *port)
{
	struct vr_mactable *table = vr_nic_table(port->nic);
	struct vr_mactable_slot *slot = NULL;

	if (READ_ONCE(port->up))
		return;
	vr_mactable_for_each(table, slot)
		if (slot->value == vr_nic_value(port, false))
			vr_mactable_clear(table, slot->key);
}

/* How many addresses the table will have; false if no change is needed. */
static bool vr_nic_will_have(struct vr_port *port, u32 *count)
{
	u32 more = READ_ONCE(port->up) ? netdev_uc_count(port->dev) : 0, added;

	*count = vr_nic_others(port, &added) + more;
	return added || more;
}

/* Publish a table with what is added to the port now; *old gets the one before. */
static int vr_nic_exchange(struct vr_port *port, struct vr_mactable *table,
			   struct vr_mactable **old)
{
	struct vr_nic *nic = port->nic;
	int err;

	*old = NULL;
	spin_lock_bh(&nic->lock);
	err = table ? vr_nic_fill(port, table) : -ENOMEM;
	if (!err)
		*old = vr_nic_replace(nic, table);
	else if (err == -ENOMEM)
		vr_nic_clear(port);
	spin_unlock_bh(&nic->lock);
	if (err)
		kvfree(table);
	return err;
}

/**
 * vr_nic_sync_addresses() - take the frames for the addresses added to a port
 * @port: port; its address list is locked
 *
 * All at once: who may add addresses may add many, and this is called for each. If they
 * are more than VR_NIC_AT_ONCE on the NIC, or there is no memory that is contiguous, the
 * new ones are taken when &vr_port.addresses ran.
 */
void vr_nic_sync_addresses(struct vr_port *port)
{
	struct vr_mactable *table, *old;
	u32 count;
	int err;

	do {
		if (!vr_nic_will_have(port, &count))
			return;
		table = count <= VR_NIC_AT_ONCE ?
			vr_mactable_alloc(count, GFP_ATOMIC) : NULL;
		err = vr_nic_exchange(port, table, &old);
	} while (err == -ENOSPC);	/* another port was faster */
	if (old)
		kfree_rcu(old, rcu);
	if (err && READ_ONCE(port->up))
		schedule_work(&port->addresses);
}

/**
 * vr_nic_addresses_work() - vr_nic_sync_addresses() for large tables
 * @work: of the port
 *
 * What is added while it waits for readers of the old table makes one more run, however
 * much it is. Without any memory at all, the next change of addresses tries again.
 */
void vr_nic_addresses_work(struct work_struct *work)
{
	struct vr_port *port = container_of(work, struct vr_port, addresses);
	struct net_device *dev = port->dev;
	struct vr_mactable *table, *old;
	bool change;
	u32 count;
	int err;

	do {
		netif_addr_lock_bh(dev);
		change = vr_nic_will_have(port, &count);
		netif_addr_unlock_bh(dev);
		if (!change)
			return;
		table = vr_mactable_alloc(count, GFP_KERNEL);
		netif_addr_lock_bh(dev);
		err = vr_nic_exchange(port, table, &old);
		netif_addr_unlock_bh(dev);
	} while (err == -ENOSPC);	/* there is one more by now */
	if (old) {
		synchronize_rcu();
		kvfree(old);
	}
}
