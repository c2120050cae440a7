/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Link kind "vrouter": a virtual router.
 */
#ifndef VROUTER_ROUTER_H
#define VROUTER_ROUTER_H

#include <linux/netdevice.h>

#include "ingress.h"
#include "mirror.h"

struct mem_cgroup;
struct vr_mirror;
struct vr_rib;
struct vr_share;

#define VR_ROUTER_LIMIT_PACKETS	1000
#define VR_ROUTER_LIMIT_BYTES	(4 << 20)
#define VR_ROUTER_WARN		80

/**
 * struct vr_router - a virtual router, the private part of its net device
 * @queues: queues and counters, one a CPU
 * @rib: what the mirror has built from the kernel's tables, or NULL while the
 *	router must not forward by itself
 * @vrf: VRF device whose table the router drives, or NULL; set while up
 * @blocked4: enum vrouter_punt_reason why no IPv4 packet may be forwarded, or 0
 * @blocked6: the same for IPv6
 * @limit_packets: most packets in a data queue
 * @limit_bytes: most bytes in a data queue
 * @netfilter: enum vrouter_netfilter
 * @dev: its net device
 * @up: its data plane is on; set under RTNL
 * @awaits: it was made for a VRF and is not in it yet, protected by RTNL
 * @id: index in the table of all routers, protected by RTNL
 * @weight: share of the CPU, 1..VROUTER_WEIGHT_MAX
 * @ports: ports that the router serves, protected by RTNL
 * @share: its share of links; set before the device is registered
 * @memcg: memory cgroup of who made it, which its routes are charged to, or NULL
 * @base_lock: protects @base
 * @base: counters at the last reset
 * @mirror: keeps @rib while the router is up; set under RTNL
 * @resyncs: times that @rib was built anew after something was lost
 * @max_routes: most prefixes in the table, or 0
 * @max_routes_warn: percentage of @max_routes from which on to warn, or 0
 * @quota_told: enum vrouter_quota_state that listeners know
 * @refused: routes that @max_routes kept out, protected by the mirror's lock
 * @pending_peak: most changes that the mirror had to do, likewise
 * @changes: changes that the mirror did; the mirror's work writes it
 * @lag_last: how late its latest batch was done, ns, likewise
 * @lag_peak: greatest of those, ns, likewise
 */
struct vr_router {
	struct vr_queue __percpu *queues;
	struct vr_rib __rcu *rib;
	struct net_device *vrf;
	u8 blocked4;
	u8 blocked6;
	u32 limit_packets;
	u32 limit_bytes;
	u32 netfilter;

	struct net_device *dev;
	bool up;
	bool awaits;
	u32 id;
	u32 weight;
	u32 ports;
	struct vr_share *share;
	struct mem_cgroup *memcg;
	spinlock_t base_lock; /* protects @base */
	struct vr_stats_sum base;
	struct vr_mirror __rcu *mirror;
	u32 resyncs;
	u32 max_routes;
	u32 max_routes_warn;
	u32 quota_told;
	u32 refused;
	u32 pending_peak;
	u64 changes;
	u64 lag_last;
	u64 lag_peak;
};

/**
 * struct vr_router_conf - settings of a router that can change
 * @weight: share of the CPU, 1..VROUTER_WEIGHT_MAX
 * @limit_packets: most packets in a data queue, per CPU
 * @limit_bytes: most bytes in a data queue, per CPU
 * @netfilter: enum vrouter_netfilter
 * @max_routes: most prefixes in the table, or 0
 * @max_routes_warn: percentage of @max_routes from which on to warn, or 0
 * @max_rate: bytes a second that it sends at most on each NIC's link, or 0
 */
struct vr_router_conf {
	u32 weight;
	u32 limit_packets;
	u32 limit_bytes;
	u32 netfilter;
	u32 max_routes;
	u32 max_routes_warn;
	u64 max_rate;
};

/**
 * struct vr_router_counters - what a router counts
 * @sum: since the last reset
 * @queued_packets: in the queues now
 * @queued_bytes: in the queues now
 * @queued_peak: most packets that were queued on one CPU since the last reset
 */
struct vr_router_counters {
	struct vr_stats_sum sum;
	u64 queued_packets;
	u64 queued_bytes;
	u64 queued_peak;
};

bool vr_router_is(const struct net_device *dev);
struct vr_router *vr_router_next(u32 *id);
struct net_device *vr_router_domain(struct net_device *dev);
bool vr_router_has(const struct vr_router *router, struct net_device *dev);
u32 vr_router_link(struct net_device *dev);
struct vr_router *vr_router_serving(struct net_device *dev);
enum vrouter_state vr_router_state(const struct vr_router *router,
				   u32 *reason);
void vr_router_count(struct vr_router *router,
		     struct vr_router_counters *counters);
void vr_router_reset(struct vr_router *router);
void vr_router_get_conf(const struct vr_router *router,
			struct vr_router_conf *conf);
void vr_router_set_conf(struct vr_router *router,
			const struct vr_router_conf *conf);
int vr_router_event(struct net_device *dev, unsigned long event, void *ptr);
int vr_router_init(void);
void vr_router_exit(void);

#endif
