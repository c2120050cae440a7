// SPDX-License-Identifier: GPL-2.0
/*
 * Net devices, their addresses, neighbours and nexthop objects. Routes and rules are the
 * mirror's.
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include <net/neighbour.h>
#include <net/netevent.h>
#include <net/netns/generic.h>
#include <net/nexthop.h>

#include "mirror.h"
#include "netlink.h"
#include "nexthop.h"
#include "port.h"
#include "rib.h"
#include "router.h"
#include "watch.h"

/**
 * struct vr_watch_net - what is heard of in one namespace
 * @nexthop: nexthop objects
 * @net: the namespace
 */
struct vr_watch_net {
	struct notifier_block nexthop;
	struct net *net;
};

static unsigned int vr_watch_net_id;

/* A route of any router of the namespace may lead out by a device. Whether packets take
 * it changes for a port's own router only, which vr_port_bind() sees to.
 */
static void vr_watch_device(const struct net_device *dev, bool gone)
{
	struct vr_router *router;
	u32 id = 0;

	rcu_read_lock();
	while ((router = vr_router_next(&id)))
		if (net_eq(dev_net(router->dev), dev_net(dev)))
			vr_mirror_device_changed(router, dev, gone);
	rcu_read_unlock();
}

/* Who listens in a namespace hears of a port that leaves it for another one, or comes,
 * or is called otherwise.
 */
static void vr_watch_port_moves(struct vr_port *port, unsigned long event)
{
	/* not when it is registered first, or goes for good */
	if (!port->id || port->dev->reg_state != NETREG_REGISTERED)
		return;
	if (event == NETDEV_UNREGISTER)
		vr_netlink_notify_port(port, VROUTER_CMD_PORT_DEL_NTF);
	else if (event == NETDEV_REGISTER)
		vr_netlink_notify_port(port, VROUTER_CMD_PORT_ADD_NTF);
	else if (event == NETDEV_CHANGENAME)
		vr_netlink_notify_port(port, VROUTER_CMD_PORT_CHANGE_NTF);
}

static int vr_watch_netdev(struct notifier_block *nb, unsigned long event,
			   void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	if (vr_router_is(dev))
		return vr_router_event(dev, event, ptr);
	if (vr_port_is(dev))
		vr_watch_port_moves(netdev_priv(dev), event);
	switch (event) {
	case NETDEV_DOWN:
	case NETDEV_UNREGISTER:
		vr_watch_device(dev, vr_port_is(dev));
		break;
	case NETDEV_UP:
	case NETDEV_CHANGE:
	case NETDEV_CHANGEMTU:
		vr_watch_device(dev, false);
		break;
	}
	return vr_port_event(dev, event, ptr);
}

static struct notifier_block vr_watch_netdev_nb = {
	.notifier_call = vr_watch_netdev,
};

/* Nobody tells when IPv6 is switched off or on at a device, but addresses go and come. */
static int vr_watch_addr6(struct notifier_block *nb, unsigned long event,
			  void *ptr)
{
	const struct inet6_ifaddr *ifa = ptr;

	vr_watch_device(ifa->idev->dev, false);
	return NOTIFY_DONE;
}

static struct notifier_block vr_watch_addr6_nb = {
	.notifier_call = vr_watch_addr6,
};

/* A neighbour entry of no use must not be held by a nexthop: it holds its device,
 * and who deletes the entry is to see it gone. The wire makes and breaks neighbours as
 * it likes: that must not cost more.
 */
static void vr_watch_forget(struct neighbour *neigh)
{
	const struct vr_port *port = netdev_priv(neigh->dev);
	const struct vr_router *router;
	const struct vr_rib *rib;

	rcu_read_lock();
	router = rcu_dereference(port->router);
	rib = router ? rcu_dereference(router->rib) : NULL;
	if (rib && !vr_nexthop_forget(rib->nexthops, neigh))
		vr_mirror_recheck(router);
	rcu_read_unlock();
}

static int vr_watch_netevent(struct notifier_block *nb, unsigned long event,
			     void *ptr)
{
	struct neighbour *neigh = ptr;

	if (event == NETEVENT_NEIGH_UPDATE && vr_port_is(neigh->dev) &&
	    !(READ_ONCE(neigh->nud_state) & NUD_VALID))
		vr_watch_forget(neigh);
	return NOTIFY_DONE;
}

static struct notifier_block vr_watch_netevent_nb = {
	.notifier_call = vr_watch_netevent,
};

/* Nexthop objects are read live, but routes over them may need another flag. */
static int vr_watch_nexthop(struct notifier_block *nb, unsigned long event,
			    void *ptr)
{
	const struct vr_watch_net *watch =
		container_of(nb, struct vr_watch_net, nexthop);
	const struct nh_notifier_info *info = ptr;
	struct vr_router *router;
	u32 id = 0;

	if (event != NEXTHOP_EVENT_REPLACE &&
	    event != NEXTHOP_EVENT_BUCKET_REPLACE)
		return NOTIFY_DONE;
	rcu_read_lock();
	while ((router = vr_router_next(&id)))
		if (net_eq(dev_net(router->dev), watch->net))
			vr_mirror_object_changed(router, info->id);
	rcu_read_unlock();
	return NOTIFY_DONE;
}

static int __net_init vr_watch_net_init(struct net *net)
{
	struct vr_watch_net *watch = net_generic(net, vr_watch_net_id);

	watch->net = net;
	watch->nexthop.notifier_call = vr_watch_nexthop;
	return register_nexthop_notifier(net, &watch->nexthop, NULL);
}

static void __net_exit vr_watch_net_exit(struct net *net)
{
	struct vr_watch_net *watch = net_generic(net, vr_watch_net_id);

	unregister_nexthop_notifier(net, &watch->nexthop);
}

static struct pernet_operations vr_watch_net_ops = {
	.init	= vr_watch_net_init,
	.exit	= vr_watch_net_exit,
	.id	= &vr_watch_net_id,
	.size	= sizeof(struct vr_watch_net),
};

/**
 * vr_watch_init() - begin to listen
 *
 * Return: 0 or a negative errno.
 */
int vr_watch_init(void)
{
	int err;

	err = register_pernet_subsys(&vr_watch_net_ops);
	if (err)
		return err;
	err = register_netevent_notifier(&vr_watch_netevent_nb);
	if (err)
		goto err_pernet;
	err = register_inet6addr_notifier(&vr_watch_addr6_nb);
	if (err)
		goto err_netevent;
	err = register_netdevice_notifier(&vr_watch_netdev_nb);
	if (err)
		goto err_addr6;
	return 0;

err_addr6:
	unregister_inet6addr_notifier(&vr_watch_addr6_nb);
err_netevent:
	unregister_netevent_notifier(&vr_watch_netevent_nb);
err_pernet:
	unregister_pernet_subsys(&vr_watch_net_ops);
	return err;
}

/**
 * vr_watch_exit() - stop listening
 */
void vr_watch_exit(void)
{
	unregister_netdevice_notifier(&vr_watch_netdev_nb);
	unregister_inet6addr_notifier(&vr_watch_addr6_nb);
	unregister_netevent_notifier(&vr_watch_netevent_nb);
	unregister_pernet_subsys(&vr_watch_net_ops);
}
