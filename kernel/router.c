// SPDX-License-Identifier: GPL-2.0
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/memcontrol.h>
#include <linux/rtnetlink.h>
#include <linux/xarray.h>
#include <net/l3mdev.h>
#include <net/rtnetlink.h>
#include <uapi/linux/if_vrouter.h>

#include "compat.h"
#include "gate.h"
#include "ingress.h"
#include "netlink.h"
#include "port.h"
#include "router.h"
#include "share.h"

static DEFINE_XARRAY_ALLOC1(vr_routers);
static const struct net_device_ops vr_router_netdev_ops;

static const struct nla_policy vr_router_policy[IFLA_VROUTER_MAX + 1] = {
	[IFLA_VROUTER_WEIGHT] = NLA_POLICY_RANGE(NLA_U32, 1, VROUTER_WEIGHT_MAX),
};

/**
 * vr_router_is() - is this a router?
 * @dev: net device
 *
 * Return: true for a device of kind vrouter.
 */
bool vr_router_is(const struct net_device *dev)
{
	return dev->netdev_ops == &vr_router_netdev_ops;
}

/**
 * vr_router_next() - go through all routers
 * @id: 0 at first; the function counts on
 *
 * Context: RTNL or RCU read side.
 * Return: the next one, NULL after the last.
 */
struct vr_router *vr_router_next(u32 *id)
{
	unsigned long index = *id + 1;
	struct vr_router *router;

	router = xa_find(&vr_routers, &index, U32_MAX, XA_PRESENT);
	if (router)
		*id = index;
	return router;
}

/**
 * vr_router_domain() - the VRF that a device is in
 * @dev: net device
 *
 * Context: RTNL.
 * Return: VRF device, NULL if the device is in none.
 */
struct net_device *vr_router_domain(struct net_device *dev)
{
	struct net_device *master = netdev_master_upper_dev_get(dev);

	return master && netif_is_l3_master(master) ? master : NULL;
}

static struct vr_router *vr_router_other(const struct net_device *dev,
					 const struct net_device *vrf, bool up)
{
	struct vr_router *router;
	u32 id = 0;

	ASSERT_RTNL();
	while ((router = vr_router_next(&id)))
		if (router->dev != dev && (router->up || !up) &&
		    net_eq(dev_net(router->dev), dev_net(dev)) &&
		    vr_router_domain(router->dev) == vrf)
			return router;
	return NULL;
}

/* One that is down stands in the way of those who come, where they can be refused, but
 * not of the one who was there before.
 */
static int vr_router_check_alone(const struct net_device *dev,
				 const struct net_device *vrf, bool up,
				 struct netlink_ext_ack *extack)
{
	const struct vr_router *other = vr_router_other(dev, vrf, up);

	if (!other)
		return 0;
	vr_compat_err_msg_fmt(extack, "A router drives this domain already",
			      "Router %s drives this domain already",
			      other->dev->name);
	return -EEXIST;
}

/**
 * vr_router_has() - is a device in a router's domain?
 * @router: router; if it is down, that is where it was up until now, or will be
 * @dev: net device
 *
 * Context: RTNL.
 * Return: true if so; maybe for others as well, if the router is down.
 */
bool vr_router_has(const struct vr_router *router, struct net_device *dev)
{
	const struct net_device *domain = vr_router_domain(dev);

	return net_eq(dev_net(router->dev), dev_net(dev)) &&
	       (router->vrf == domain ||
		(!router->up && vr_router_domain(router->dev) == domain));
}

/**
 * vr_router_link() - whose share of the link is what a port sends that none serves?
 * @dev: the port's net device
 *
 * The router that is down: its tenant may set it down, but not leave its share.
 *
 * Context: RTNL.
 * Return: number of the share of the router in the port's domain, or 0.
 */
u32 vr_router_link(struct net_device *dev)
{
	struct net_device *domain = vr_router_domain(dev);
	struct vr_router *router;
	u32 id = 0;

	while ((router = vr_router_next(&id)))
		if (net_eq(dev_net(router->dev), dev_net(dev)) &&
		    vr_router_domain(router->dev) == domain)
			return router->share->id;
	return 0;
}

/**
 * vr_router_serving() - the router whose data plane serves a port
 * @dev: the port's net device
 *
 * Context: RTNL.
 * Return: router that is up in the port's domain, or NULL.
 */
struct vr_router *vr_router_serving(struct net_device *dev)
{
	struct vr_router *router;
	u32 id = 0;

	while ((router = vr_router_next(&id)))
		if (router->up && vr_router_has(router, dev))
			return router;
	return NULL;
}

/**
 * vr_router_state() - what a router's data plane does
 * @router: router
 * @reason: enum vrouter_punt_reason why not VROUTER_STATE_ACTIVE, or 0
 *
 * Context: RCU read side.
 * Return: state.
 */
enum vrouter_state vr_router_state(const struct vr_router *router, u32 *reason)
{
	*reason = 0;
	if (!READ_ONCE(router->up))
		return VROUTER_STATE_DOWN;
	*reason = vr_gate_fallback(router);
	return *reason ? VROUTER_STATE_FALLBACK : VROUTER_STATE_ACTIVE;
}

static void vr_router_sum(const struct vr_router *router,
			  struct vr_router_counters *counters)
{
	const struct vr_queue *queue;
	int cpu;

	memset(counters, 0, sizeof(*counters));
	for_each_possible_cpu(cpu) {
		queue = per_cpu_ptr(router->queues, cpu);
		vr_stats_add(&counters->sum, &queue->stats);
		counters->queued_packets +=
			READ_ONCE(queue->control.packets) +
			READ_ONCE(queue->data.packets);
		counters->queued_bytes += READ_ONCE(queue->control.bytes) +
					  READ_ONCE(queue->data.bytes);
		counters->queued_peak = max_t(u64, counters->queued_peak,
					      READ_ONCE(queue->peak));
	}
}

/**
 * vr_router_count() - read a router's counters
 * @router: router
 * @counters: filled in
 *
 * Context: any.
 */
void vr_router_count(struct vr_router *router,
		     struct vr_router_counters *counters)
{
	/* the sum must not be older than the base */
	spin_lock_bh(&router->base_lock);
	vr_router_sum(router, counters);
	vr_stats_sub(&counters->sum, &router->base);
	spin_unlock_bh(&router->base_lock);
}

/**
 * vr_router_reset() - count from zero again
 * @router: router
 *
 * Context: RTNL, may sleep.
 */
void vr_router_reset(struct vr_router *router)
{
	struct vr_stats_sum base = {};

	vr_ingress_reset(router, &base);
	spin_lock_bh(&router->base_lock);
	router->base = base;
	spin_unlock_bh(&router->base_lock);
	vr_mirror_reset(router);
}

/**
 * vr_router_get_conf() - read a router's settings
 * @router: router
 * @conf: filled in
 */
void vr_router_get_conf(const struct vr_router *router,
			struct vr_router_conf *conf)
{
	conf->weight = READ_ONCE(router->weight);
	conf->limit_packets = READ_ONCE(router->limit_packets);
	conf->limit_bytes = READ_ONCE(router->limit_bytes);
	conf->netfilter = READ_ONCE(router->netfilter);
	conf->max_routes = READ_ONCE(router->max_routes);
	conf->max_routes_warn = READ_ONCE(router->max_routes_warn);
	conf->max_rate = READ_ONCE(router->share->max_rate);
}

/**
 * vr_router_set_conf() - change a router's settings
 * @router: router
 * @conf: all of them, valid
 *
 * Context: RTNL.
 */
void vr_router_set_conf(struct vr_router *router,
			const struct vr_router_conf *conf)
{
	ASSERT_RTNL();
	WRITE_ONCE(router->limit_packets, conf->limit_packets);
	WRITE_ONCE(router->limit_bytes, conf->limit_bytes);
	WRITE_ONCE(router->netfilter, conf->netfilter);
	WRITE_ONCE(router->weight, conf->weight);
	vr_ingress_set_weight(router, conf->weight);
	WRITE_ONCE(router->share->weight, conf->weight);
	WRITE_ONCE(router->share->limit, conf->limit_packets);
	WRITE_ONCE(router->share->max_rate, conf->max_rate);
	WRITE_ONCE(router->max_routes, conf->max_routes);
	WRITE_ONCE(router->max_routes_warn, conf->max_routes_warn);
	vr_mirror_limit(router);
	vr_netlink_notify_router(router, VROUTER_CMD_ROUTER_CHANGE_NTF);
}

static int vr_router_open(struct net_device *dev)
{
	struct vr_router *router = netdev_priv(dev);
	struct net_device *vrf = vr_router_domain(dev);
	int err;

	/* its VRF will set it down and up again */
	if (router->awaits)
		return 0;
	err = vr_router_check_alone(dev, vrf, true, NULL);
	if (err)
		return err;
	err = vr_mirror_start(router, vrf);
	if (err)
		return err;
	WRITE_ONCE(router->vrf, vrf);
	WRITE_ONCE(router->up, true);
	netif_carrier_on(dev);
	vr_port_bind_domain(router);
	vr_netlink_notify_router(router, VROUTER_CMD_ROUTER_CHANGE_NTF);
	return 0;
}

static int vr_router_stop(struct net_device *dev)
{
	struct vr_router *router = netdev_priv(dev);

	if (!router->up)
		return 0;
	WRITE_ONCE(router->up, false);
	netif_carrier_off(dev);
	vr_port_bind_domain(router);
	vr_mirror_stop(router);
	WRITE_ONCE(router->vrf, NULL);
	vr_netlink_notify_router(router, VROUTER_CMD_ROUTER_CHANGE_NTF);
	return 0;
}

/* Nothing is sent to a router: its ports are what packets come and go by. */
static netdev_tx_t vr_router_start_xmit(struct sk_buff *skb,
					struct net_device *dev)
{
	dev_core_stats_tx_dropped_inc(dev);
	kfree_skb(skb);
	return NETDEV_TX_OK;
}

static void vr_router_get_stats64(struct net_device *dev,
				  struct rtnl_link_stats64 *stats)
{
	const struct vr_router *router = netdev_priv(dev);
	struct vr_router_counters counters;

	/* since creation: vrctl's reset is not for the tools that poll these */
	vr_router_sum(router, &counters);
	stats->rx_packets = counters.sum.rx_packets;
	stats->rx_bytes = counters.sum.rx_bytes;
	stats->tx_packets = counters.sum.fwd_packets;
	stats->tx_bytes = counters.sum.fwd_bytes;
	stats->rx_dropped = vr_stats_total(counters.sum.drop,
					   ARRAY_SIZE(counters.sum.drop));
}

static void vr_router_name_share(const struct vr_router *router)
{
	strscpy(router->share->name, router->dev->name, sizeof(router->share->name));
}

static int vr_router_init_dev(struct net_device *dev)
{
	struct vr_router *router = netdev_priv(dev);

	router->queues = vr_ingress_queues_alloc(router);
	if (!router->queues)
		return -ENOMEM;
	router->share = vr_share_create();
	if (!router->share) {
		/* the core calls the destructor only for what was registered */
		vr_ingress_queues_free(router->queues);
		router->queues = NULL;
		return -ENOMEM;
	}
	router->share->weight = router->weight;
	router->share->limit = router->limit_packets;
	vr_router_name_share(router);
	router->memcg = get_mem_cgroup_from_mm(current->mm);
	return 0;
}

static void vr_router_uninit(struct net_device *dev)
{
	struct vr_router *router = netdev_priv(dev);

	if (router->id) {
		vr_netlink_notify_router(router, VROUTER_CMD_ROUTER_DEL_NTF);
		xa_erase(&vr_routers, router->id);
	}
	vr_port_unlink(router->share->id);
	vr_share_retire(router->share);
}

static void vr_router_free(struct net_device *dev)
{
	struct vr_router *router = netdev_priv(dev);

	vr_ingress_queues_free(router->queues);
	mem_cgroup_put(router->memcg);
}

static const struct net_device_ops vr_router_netdev_ops = {
	.ndo_init		= vr_router_init_dev,
	.ndo_uninit		= vr_router_uninit,
	.ndo_open		= vr_router_open,
	.ndo_stop		= vr_router_stop,
	.ndo_start_xmit		= vr_router_start_xmit,
	.ndo_get_stats64	= vr_router_get_stats64,
};

static void vr_router_setup(struct net_device *dev)
{
	struct vr_router *router = netdev_priv(dev);

	dev->netdev_ops = &vr_router_netdev_ops;
	/* void: no addresses, not even IPv6's link-local ones */
	dev->type = ARPHRD_VOID;
	dev->flags = IFF_NOARP;
	dev->priv_flags |= IFF_NO_QUEUE | IFF_DISABLE_NETPOLL;
	vr_compat_set_lltx(dev);
	dev->mtu = ETH_DATA_LEN;
	dev->needs_free_netdev = true;
	dev->priv_destructor = vr_router_free;
	netif_carrier_off(dev);

	router->dev = dev;
	router->weight = 1;
	router->limit_packets = VR_ROUTER_LIMIT_PACKETS;
	router->limit_bytes = VR_ROUTER_LIMIT_BYTES;
	router->netfilter = VROUTER_NETFILTER_HONOUR;
	router->max_routes_warn = VR_ROUTER_WARN;
	router->quota_told = VROUTER_QUOTA_STATE_OK;
	spin_lock_init(&router->base_lock);
}

/* Shares are the host's business, also for a router in a tenant's namespace. */
static int vr_router_check_weight(struct nlattr *data[],
				  struct netlink_ext_ack *extack)
{
	if (!data || !data[IFLA_VROUTER_WEIGHT] || capable(CAP_NET_ADMIN))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, data[IFLA_VROUTER_WEIGHT],
			    "Only the host's administrator may set weights");
	return -EPERM;
}

static int vr_router_changelink(struct net_device *dev, struct nlattr *tb[],
				struct nlattr *data[],
				struct netlink_ext_ack *extack)
{
	struct vr_router *router = netdev_priv(dev);
	struct vr_router_conf conf;
	int err;

	err = vr_router_check_weight(data, extack);
	if (err || !data || !data[IFLA_VROUTER_WEIGHT])
		return err;
	vr_router_get_conf(router, &conf);
	conf.weight = nla_get_u32(data[IFLA_VROUTER_WEIGHT]);
	vr_router_set_conf(router, &conf);
	return 0;
}

static int vr_router_create(struct net *link_net, struct net_device *dev,
			    struct nlattr *tb[], struct nlattr *data[],
			    struct netlink_ext_ack *extack)
{
	struct vr_router *router = netdev_priv(dev);
	struct net_device *vrf = NULL;
	int err;

	/* the master is set after this, but the domain is known already */
	if (tb[IFLA_MASTER])
		vrf = __dev_get_by_index(dev_net(dev),
					 nla_get_u32(tb[IFLA_MASTER]));
	err = vr_router_check_weight(data, extack);
	if (!err)
		err = vr_router_check_alone(dev, vrf, false, extack);
	if (err)
		return err;
	router->awaits = vrf;
	if (data && data[IFLA_VROUTER_WEIGHT])
		router->weight = nla_get_u32(data[IFLA_VROUTER_WEIGHT]);
	err = register_netdevice(dev);
	if (err)
		return err;
	err = xa_alloc(&vr_routers, &router->id, router, xa_limit_32b,
		       GFP_KERNEL_ACCOUNT);
	if (err) {
		/* may be set all the same, and would be told of when it goes */
		router->id = 0;
		unregister_netdevice(dev);
		return err;
	}
	vr_netlink_notify_router(router, VROUTER_CMD_ROUTER_ADD_NTF);
	return 0;
}

static size_t vr_router_get_size(const struct net_device *dev)
{
	return nla_total_size(sizeof(u32)); /* IFLA_VROUTER_WEIGHT */
}

static int vr_router_fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	const struct vr_router *router = netdev_priv(dev);

	return nla_put_u32(skb, IFLA_VROUTER_WEIGHT, READ_ONCE(router->weight));
}

VR_COMPAT_NEWLINK(vr_router_newlink, vr_router_create)

static struct rtnl_link_ops vr_router_link_ops = {
	.kind		= "vrouter",
	.priv_size	= sizeof(struct vr_router),
	.maxtype	= IFLA_VROUTER_MAX,
	.policy		= vr_router_policy,
	.setup		= vr_router_setup,
	.newlink	= vr_router_newlink,
	.changelink	= vr_router_changelink,
	.get_size	= vr_router_get_size,
	.fill_info	= vr_router_fill_info,
};

static int vr_router_change_upper(struct net_device *dev,
				  struct netdev_notifier_changeupper_info *info)
{
	struct netlink_ext_ack *extack =
		netdev_notifier_info_to_extack(&info->info);
	int err = 0;

	if (!info->linking || !info->master)
		return NOTIFY_DONE;
	if (!netif_is_l3_master(info->upper_dev)) {
		NL_SET_ERR_MSG(extack,
			       "A router can be a slave of a VRF device only");
		err = -EINVAL;
	} else {
		err = vr_router_check_alone(dev, info->upper_dev, false,
					    extack);
	}
	return notifier_from_errno(err);
}

/* It came from another namespace, maybe with another name. */
static void vr_router_arrived(struct vr_router *router)
{
	/* not when it is registered first */
	if (!router->id)
		return;
	vr_router_name_share(router);
	vr_port_bind_domain(router);
	vr_netlink_notify_router(router, VROUTER_CMD_ROUTER_ADD_NTF);
}

/**
 * vr_router_event() - follow what happens to routers
 * @dev: a router's net device
 * @event: NETDEV_...
 * @ptr: the notifier's information
 *
 * Going up and down comes by ndo_open and ndo_stop. A router that is up goes down for
 * each move to another domain, and up again if that is a VRF.
 *
 * Context: RTNL.
 * Return: NOTIFY_... as a notifier does.
 */
int vr_router_event(struct net_device *dev, unsigned long event, void *ptr)
{
	struct vr_router *router = netdev_priv(dev);
	int err;

	switch (event) {
	case NETDEV_PRECHANGEUPPER:
		return vr_router_change_upper(dev, ptr);
	case NETDEV_PRE_UP:
		/* here with a text, which ndo_open cannot give */
		err = router->awaits ? 0 :
		      vr_router_check_alone(dev, vr_router_domain(dev), true,
					    netdev_notifier_info_to_extack(ptr));
		return notifier_from_errno(err);
	case NETDEV_CHANGENAME:
		vr_router_name_share(router);
		vr_netlink_notify_router(router, VROUTER_CMD_ROUTER_CHANGE_NTF);
		break;
	case NETDEV_CHANGEUPPER:
		router->awaits = false;
		/* the share of the link moves, too */
		if (!router->up)
			vr_port_bind_domain(router);
		break;
	case NETDEV_UNREGISTER:
		/* it goes to another namespace */
		if (dev->reg_state == NETREG_REGISTERED)
			vr_netlink_notify_router(router, VROUTER_CMD_ROUTER_DEL_NTF);
		break;
	case NETDEV_REGISTER:
		vr_router_arrived(router);
		break;
	}
	return NOTIFY_DONE;
}

/**
 * vr_router_init() - make the link kind known
 *
 * Return: 0 or a negative errno.
 */
int vr_router_init(void)
{
	return rtnl_link_register(&vr_router_link_ops);
}

/**
 * vr_router_exit() - delete all routers and the link kind
 */
void vr_router_exit(void)
{
	rtnl_link_unregister(&vr_router_link_ops);
}
