/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vrouter.yaml */
/* YNL-GEN uapi header */

#ifndef _UAPI_LINUX_VROUTER_H
#define _UAPI_LINUX_VROUTER_H

#define VROUTER_FAMILY_NAME	"vrouter"
#define VROUTER_FAMILY_VERSION	1

#define VROUTER_WEIGHT_MAX	1000

/**
 * enum vrouter_state - What the data plane of a router does.
 * @VROUTER_STATE_DOWN: off; the ports are plain devices of the Linux stack
 * @VROUTER_STATE_FALLBACK: on, but every packet goes to the Linux stack, see
 *   fallback-reason
 * @VROUTER_STATE_ACTIVE: on, forwarding by itself
 */
enum vrouter_state {
	VROUTER_STATE_DOWN = 1,
	VROUTER_STATE_FALLBACK,
	VROUTER_STATE_ACTIVE,
};

/**
 * enum vrouter_netfilter - What to do when netfilter hooks exist in the
 *   router's namespace.
 * @VROUTER_NETFILTER_HONOUR: give every packet to the Linux stack, so that the
 *   hooks see it
 * @VROUTER_NETFILTER_BYPASS: forward as if there were no hooks
 */
enum vrouter_netfilter {
	VROUTER_NETFILTER_HONOUR = 1,
	VROUTER_NETFILTER_BYPASS,
};

/**
 * enum vrouter_verdict - What becomes of a packet.
 * @VROUTER_VERDICT_FORWARD: forwarded by the data plane
 * @VROUTER_VERDICT_PUNT: given to the Linux stack
 */
enum vrouter_verdict {
	VROUTER_VERDICT_FORWARD = 1,
	VROUTER_VERDICT_PUNT,
};

/**
 * enum vrouter_quota_state - How many routes there are against max-routes.
 * @VROUTER_QUOTA_STATE_OK: below the warning level
 * @VROUTER_QUOTA_STATE_WARNING: reached the warning level, and not gone well
 *   below it since
 * @VROUTER_QUOTA_STATE_FULL: reached max-routes, and not gone well below it
 *   since
 */
enum vrouter_quota_state {
	VROUTER_QUOTA_STATE_OK = 1,
	VROUTER_QUOTA_STATE_WARNING,
	VROUTER_QUOTA_STATE_FULL,
};

/**
 * enum vrouter_punt_reason - Why a packet is given to the Linux stack.
 * @VROUTER_PUNT_NOT_IP: ARP, LLC and everything else that is neither IPv4 nor
 *   IPv6
 * @VROUTER_PUNT_L2: not a unicast frame to the port's own MAC address
 * @VROUTER_PUNT_VLAN: a VLAN tag is left after the port's own
 * @VROUTER_PUNT_HEADER: bad version, length or checksum in the IP header; the
 *   stack drops and counts it
 * @VROUTER_PUNT_OPTIONS: IPv4 options or an IPv6 hop-by-hop header
 * @VROUTER_PUNT_TTL: TTL or hop limit used up; the stack answers time exceeded
 * @VROUTER_PUNT_MARTIAN: source or destination address that no router forwards
 * @VROUTER_PUNT_LOCAL: addressed to the router itself
 * @VROUTER_PUNT_MULTICAST: multicast or broadcast destination
 * @VROUTER_PUNT_NO_ROUTE: no route; the stack answers unreachable
 * @VROUTER_PUNT_ROUTE_TYPE: blackhole, unreachable, prohibit or throw route
 * @VROUTER_PUNT_ROUTE_UNSUPPORTED: routes that the data plane does not take
 *   (by TOS, by source, local prefixes)
 * @VROUTER_PUNT_ENCAP: the nexthop encapsulates (lwtunnel)
 * @VROUTER_PUNT_NEXTHOP_DEVICE: the nexthop's device is not a port of this
 *   router that is up
 * @VROUTER_PUNT_NEXTHOP_DEAD: the nexthop is dead or its link is down
 * @VROUTER_PUNT_EXCEPTION: the nexthop has learned path MTUs or redirects
 * @VROUTER_PUNT_MULTIPATH: multipath hash that only the stack computes
 * @VROUTER_PUNT_NEIGHBOUR: the neighbour's address is not known, or a
 *   multicast one
 * @VROUTER_PUNT_MTU: larger than the MTU of the way out; the stack fragments
 *   or answers
 * @VROUTER_PUNT_SAME_PORT: would leave where it came in; the stack may owe a
 *   redirect
 * @VROUTER_PUNT_FORWARDING: forwarding is off on the port
 * @VROUTER_PUNT_RP_FILTER: the reverse path filter wants a closer look at the
 *   source
 * @VROUTER_PUNT_CONFIG: a setting of the port or namespace that only the stack
 *   implements
 * @VROUTER_PUNT_RULES: policy rules beyond the default set
 * @VROUTER_PUNT_XFRM: IPsec policies in the namespace
 * @VROUTER_PUNT_TAP: a packet socket listens on the port
 * @VROUTER_PUNT_TC: a tc filter, XDP program, qdisc, netfilter ingress or
 *   egress hook or an upper device's handler on a port
 * @VROUTER_PUNT_NETFILTER: netfilter hooks in the namespace
 * @VROUTER_PUNT_MIRROR: the mirror of the kernel's tables is not up to date
 * @VROUTER_PUNT_SKB: LRO, socket or offload marks on the packet
 */
enum vrouter_punt_reason {
	VROUTER_PUNT_NOT_IP = 1,
	VROUTER_PUNT_L2,
	VROUTER_PUNT_VLAN,
	VROUTER_PUNT_HEADER,
	VROUTER_PUNT_OPTIONS,
	VROUTER_PUNT_TTL,
	VROUTER_PUNT_MARTIAN,
	VROUTER_PUNT_LOCAL,
	VROUTER_PUNT_MULTICAST,
	VROUTER_PUNT_NO_ROUTE,
	VROUTER_PUNT_ROUTE_TYPE,
	VROUTER_PUNT_ROUTE_UNSUPPORTED,
	VROUTER_PUNT_ENCAP,
	VROUTER_PUNT_NEXTHOP_DEVICE,
	VROUTER_PUNT_NEXTHOP_DEAD,
	VROUTER_PUNT_EXCEPTION,
	VROUTER_PUNT_MULTIPATH,
	VROUTER_PUNT_NEIGHBOUR,
	VROUTER_PUNT_MTU,
	VROUTER_PUNT_SAME_PORT,
	VROUTER_PUNT_FORWARDING,
	VROUTER_PUNT_RP_FILTER,
	VROUTER_PUNT_CONFIG,
	VROUTER_PUNT_RULES,
	VROUTER_PUNT_XFRM,
	VROUTER_PUNT_TAP,
	VROUTER_PUNT_TC,
	VROUTER_PUNT_NETFILTER,
	VROUTER_PUNT_MIRROR,
	VROUTER_PUNT_SKB,

	/* private: */
	__VROUTER_PUNT_MAX,
	VROUTER_PUNT_MAX = (__VROUTER_PUNT_MAX - 1)
};

/**
 * enum vrouter_drop_reason - Why a packet is dropped.
 * @VROUTER_DROP_QUEUE_PACKETS: the router's queue was full, in packets
 * @VROUTER_DROP_QUEUE_BYTES: the router's queue was full, in bytes
 * @VROUTER_DROP_CONTROL: the router's control queue was full
 * @VROUTER_DROP_DOWN: the router was set down or deleted with the packet in
 *   its queue
 * @VROUTER_DROP_PORT: the port went away with the packet in its router's queue
 * @VROUTER_DROP_MEMORY: out of memory for headers
 */
enum vrouter_drop_reason {
	VROUTER_DROP_QUEUE_PACKETS = 1,
	VROUTER_DROP_QUEUE_BYTES,
	VROUTER_DROP_CONTROL,
	VROUTER_DROP_DOWN,
	VROUTER_DROP_PORT,
	VROUTER_DROP_MEMORY,

	/* private: */
	__VROUTER_DROP_MAX,
	VROUTER_DROP_MAX = (__VROUTER_DROP_MAX - 1)
};

enum {
	VROUTER_A_ROUTER_IFINDEX = 1,
	VROUTER_A_ROUTER_IFNAME,
	VROUTER_A_ROUTER_NETNSID,
	VROUTER_A_ROUTER_PAD,
	VROUTER_A_ROUTER_STATE,
	VROUTER_A_ROUTER_FALLBACK_REASON,
	VROUTER_A_ROUTER_VRF_IFINDEX,
	VROUTER_A_ROUTER_VRF_NAME,
	VROUTER_A_ROUTER_TABLE,
	VROUTER_A_ROUTER_WEIGHT,
	VROUTER_A_ROUTER_LIMIT_PACKETS,
	VROUTER_A_ROUTER_LIMIT_BYTES,
	VROUTER_A_ROUTER_NETFILTER,
	VROUTER_A_ROUTER_PORTS,
	VROUTER_A_ROUTER_ROUTES4,
	VROUTER_A_ROUTER_ROUTES6,
	VROUTER_A_ROUTER_NEXTHOPS,
	VROUTER_A_ROUTER_RESYNCS,
	VROUTER_A_ROUTER_STATS,
	VROUTER_A_ROUTER_ALL_NETNS,
	VROUTER_A_ROUTER_MAX_ROUTES,
	VROUTER_A_ROUTER_MAX_ROUTES_WARN,
	VROUTER_A_ROUTER_ROUTES,
	VROUTER_A_ROUTER_QUOTA_STATE,
	VROUTER_A_ROUTER_ROUTES_REFUSED,
	VROUTER_A_ROUTER_MIRROR,

	__VROUTER_A_ROUTER_MAX,
	VROUTER_A_ROUTER_MAX = (__VROUTER_A_ROUTER_MAX - 1)
};

enum {
	VROUTER_A_MIRROR_PENDING = 1,
	VROUTER_A_MIRROR_PENDING_PEAK,
	VROUTER_A_MIRROR_CHANGES,
	VROUTER_A_MIRROR_LAG_NS,
	VROUTER_A_MIRROR_LAG_LAST_NS,
	VROUTER_A_MIRROR_LAG_PEAK_NS,
	VROUTER_A_MIRROR_PAD,

	__VROUTER_A_MIRROR_MAX,
	VROUTER_A_MIRROR_MAX = (__VROUTER_A_MIRROR_MAX - 1)
};

enum {
	VROUTER_A_STATS_RX_PACKETS = 1,
	VROUTER_A_STATS_RX_BYTES,
	VROUTER_A_STATS_FORWARDED_PACKETS,
	VROUTER_A_STATS_FORWARDED_BYTES,
	VROUTER_A_STATS_PUNTED_PACKETS,
	VROUTER_A_STATS_PUNTED_BYTES,
	VROUTER_A_STATS_DROPPED_PACKETS,
	VROUTER_A_STATS_DROPPED_BYTES,
	VROUTER_A_STATS_QUEUED_PACKETS,
	VROUTER_A_STATS_QUEUED_BYTES,
	VROUTER_A_STATS_QUEUED_PEAK,
	VROUTER_A_STATS_CPU_NS,
	VROUTER_A_STATS_PUNT,
	VROUTER_A_STATS_DROP,
	VROUTER_A_STATS_DELAY,
	VROUTER_A_STATS_PAD,

	__VROUTER_A_STATS_MAX,
	VROUTER_A_STATS_MAX = (__VROUTER_A_STATS_MAX - 1)
};

enum {
	VROUTER_A_PUNT_NOT_IP = 1,
	VROUTER_A_PUNT_L2,
	VROUTER_A_PUNT_VLAN,
	VROUTER_A_PUNT_HEADER,
	VROUTER_A_PUNT_OPTIONS,
	VROUTER_A_PUNT_TTL,
	VROUTER_A_PUNT_MARTIAN,
	VROUTER_A_PUNT_LOCAL,
	VROUTER_A_PUNT_MULTICAST,
	VROUTER_A_PUNT_NO_ROUTE,
	VROUTER_A_PUNT_ROUTE_TYPE,
	VROUTER_A_PUNT_ROUTE_UNSUPPORTED,
	VROUTER_A_PUNT_ENCAP,
	VROUTER_A_PUNT_NEXTHOP_DEVICE,
	VROUTER_A_PUNT_NEXTHOP_DEAD,
	VROUTER_A_PUNT_EXCEPTION,
	VROUTER_A_PUNT_MULTIPATH,
	VROUTER_A_PUNT_NEIGHBOUR,
	VROUTER_A_PUNT_MTU,
	VROUTER_A_PUNT_SAME_PORT,
	VROUTER_A_PUNT_FORWARDING,
	VROUTER_A_PUNT_RP_FILTER,
	VROUTER_A_PUNT_CONFIG,
	VROUTER_A_PUNT_RULES,
	VROUTER_A_PUNT_XFRM,
	VROUTER_A_PUNT_TAP,
	VROUTER_A_PUNT_TC,
	VROUTER_A_PUNT_NETFILTER,
	VROUTER_A_PUNT_MIRROR,
	VROUTER_A_PUNT_SKB,
	VROUTER_A_PUNT_PAD,

	__VROUTER_A_PUNT_MAX,
	VROUTER_A_PUNT_MAX = (__VROUTER_A_PUNT_MAX - 1)
};

enum {
	VROUTER_A_DROP_QUEUE_PACKETS = 1,
	VROUTER_A_DROP_QUEUE_BYTES,
	VROUTER_A_DROP_CONTROL,
	VROUTER_A_DROP_DOWN,
	VROUTER_A_DROP_PORT,
	VROUTER_A_DROP_MEMORY,
	VROUTER_A_DROP_PAD,

	__VROUTER_A_DROP_MAX,
	VROUTER_A_DROP_MAX = (__VROUTER_A_DROP_MAX - 1)
};

enum {
	VROUTER_A_DELAY_MIN_NS = 1,
	VROUTER_A_DELAY_PACKETS,
	VROUTER_A_DELAY_PAD,

	__VROUTER_A_DELAY_MAX,
	VROUTER_A_DELAY_MAX = (__VROUTER_A_DELAY_MAX - 1)
};

enum {
	VROUTER_A_PORT_IFINDEX = 1,
	VROUTER_A_PORT_IFNAME,
	VROUTER_A_PORT_NETNSID,
	VROUTER_A_PORT_ROUTER_IFINDEX,
	VROUTER_A_PORT_ROUTER_NAME,
	VROUTER_A_PORT_LOWER_IFINDEX,
	VROUTER_A_PORT_LOWER_NAME,
	VROUTER_A_PORT_LOWER_NETNSID,
	VROUTER_A_PORT_VLAN,
	VROUTER_A_PORT_ADDRESS,
	VROUTER_A_PORT_MTU,
	VROUTER_A_PORT_BLOCKED,
	VROUTER_A_PORT_ALL_NETNS,

	__VROUTER_A_PORT_MAX,
	VROUTER_A_PORT_MAX = (__VROUTER_A_PORT_MAX - 1)
};

enum {
	VROUTER_A_FIB_ROUTER_IFINDEX = 1,
	VROUTER_A_FIB_ROUTER_NAME,
	VROUTER_A_FIB_NETNSID,
	VROUTER_A_FIB_DST,
	VROUTER_A_FIB_SRC,
	VROUTER_A_FIB_IIF,
	VROUTER_A_FIB_VERDICT,
	VROUTER_A_FIB_REASON,
	VROUTER_A_FIB_PREFIX,
	VROUTER_A_FIB_PREFIX_LEN,
	VROUTER_A_FIB_GATEWAY,
	VROUTER_A_FIB_OIF,
	VROUTER_A_FIB_OIF_NAME,
	VROUTER_A_FIB_LLADDR,
	VROUTER_A_FIB_MTU,
	VROUTER_A_FIB_PATHS,

	__VROUTER_A_FIB_MAX,
	VROUTER_A_FIB_MAX = (__VROUTER_A_FIB_MAX - 1)
};

enum {
	VROUTER_CMD_ROUTER_GET = 1,
	VROUTER_CMD_ROUTER_SET,
	VROUTER_CMD_ROUTER_RESET,
	VROUTER_CMD_ROUTER_ADD_NTF,
	VROUTER_CMD_ROUTER_CHANGE_NTF,
	VROUTER_CMD_ROUTER_DEL_NTF,
	VROUTER_CMD_PORT_GET,
	VROUTER_CMD_PORT_ADD_NTF,
	VROUTER_CMD_PORT_CHANGE_NTF,
	VROUTER_CMD_PORT_DEL_NTF,
	VROUTER_CMD_FIB_GET,
	VROUTER_CMD_ROUTER_QUOTA_NTF,

	__VROUTER_CMD_MAX,
	VROUTER_CMD_MAX = (__VROUTER_CMD_MAX - 1)
};

#define VROUTER_MCGRP_CHANGES	"changes"

#endif /* _UAPI_LINUX_VROUTER_H */
