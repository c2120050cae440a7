// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: Overview
 *
 * A port (kind vrport, port.c, port_link.c) takes the frames for its MAC address
 * off a NIC (nic.c, demux.c). A router (kind vrouter, router.c) drives a routing
 * domain: a namespace, or a VRF. Packets from its ports are queued per CPU and
 * router, served by weighted round robin (ingress.c, drr.c), and forwarded
 * (forward.c, gate.c, way.c, egress.c, sch_vrouter.c) by what the mirror (mirror.c,
 * mirror_note.c, quota.c, rib.c, nexthop.c, fib*.c, rules.c) has of the kernel's
 * tables; or they go to the Linux stack, when it could treat them differently.
 */

/**
 * DOC: Locking
 *
 * Configuration (ports, routers, which serves which) changes under RTNL. The data
 * path takes no lock: it reads under RCU, and queues and counters belong to their
 * CPU, with softirqs off. &vr_nic.lock serializes changes of a NIC's table, also
 * from under an address lock. &vr_mirror.lock guards what notifiers, which are
 * atomic, leave for the work. The works of all mirrors are in one ordered queue;
 * vr_fib_lock, within that, is for whoever changes or measures the tables' nodes,
 * which all routers share.
 */

/**
 * DOC: Lifetimes
 *
 * Routers and ports live in their net devices, which the core frees a grace
 * period after they are unregistered. A port holds its NIC. Queued packets hold
 * nothing: when a port leaves its router, it is unpublished, a grace period
 * passes, and its packets are taken from the queues. Nexthops hold the kernel's
 * route, which holds its devices, until the route is deleted; the neighbour
 * entries that they hold are let go when their device goes down.
 * A router's routes (&vr_rib) are read under RCU; who has to sleep over them
 * takes a reference. Classes of qdiscs hold the share of their router (&vr_share),
 * which outlives it; a qdisc holds the module.
 */
#include <linux/module.h>
#include <net/genetlink.h>
#include <net/rtnetlink.h>

#include "fib.h"
#include "ingress.h"
#include "mirror.h"
#include "netlink.h"
#include "port.h"
#include "router.h"
#include "sch_vrouter.h"
#include "watch.h"

static int __init vr_main_init(void)
{
	int err;

	err = vr_fib_init();
	if (err)
		return err;
	err = vr_ingress_init();
	if (err)
		goto err_fib;
	err = vr_mirror_init();
	if (err)
		goto err_ingress;
	err = vr_netlink_init();
	if (err)
		goto err_mirror;
	err = vr_watch_init();
	if (err)
		goto err_netlink;
	err = vr_sched_init();
	if (err)
		goto err_watch;
	err = vr_router_init();
	if (err)
		goto err_sched;
	err = vr_port_init();
	if (err)
		goto err_router;
	return 0;

err_router:
	vr_router_exit();
err_sched:
	vr_sched_exit();
err_watch:
	vr_watch_exit();
err_netlink:
	vr_netlink_exit();
err_mirror:
	vr_mirror_exit();
err_ingress:
	vr_ingress_exit();
err_fib:
	vr_fib_exit();
	return err;
}

static void __exit vr_main_exit(void)
{
	vr_port_exit();
	vr_router_exit();
	vr_sched_exit();
	vr_watch_exit();
	vr_netlink_exit();
	vr_mirror_exit();
	vr_ingress_exit();
	/* nexthops are freed by RCU callbacks of ours, and so are tables */
	rcu_barrier();
	vr_fib_exit();
}

module_init(vr_main_init);
module_exit(vr_main_exit);
MODULE_DESCRIPTION("Virtual routers on shared network devices");
MODULE_LICENSE("GPL");
MODULE_ALIAS_RTNL_LINK("vrouter");
MODULE_ALIAS_RTNL_LINK("vrport");
MODULE_ALIAS("sch_vrouter");
MODULE_ALIAS("net-sch-vrouter");
MODULE_ALIAS_GENL_FAMILY(VROUTER_FAMILY_NAME);
