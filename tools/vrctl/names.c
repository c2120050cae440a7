// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "vrctl.h"

const struct name punt_names[VROUTER_PUNT_MAX + 1] = {
	[VROUTER_PUNT_NOT_IP] = {
		"not-ip",
		"ARP, LLC and everything else that is neither IPv4 nor IPv6"
	},
	[VROUTER_PUNT_L2] = {
		"l2",
		"not a unicast frame to the port's own MAC address"
	},
	[VROUTER_PUNT_VLAN] = {
		"vlan",
		"a VLAN tag is left after the port's own"
	},
	[VROUTER_PUNT_HEADER] = {
		"header",
		"bad version, length or checksum in the IP header; the stack "
		"drops and counts it"
	},
	[VROUTER_PUNT_OPTIONS] = {
		"options",
		"IPv4 options or an IPv6 hop-by-hop header"
	},
	[VROUTER_PUNT_TTL] = {
		"ttl",
		"TTL or hop limit used up; the stack answers time exceeded"
	},
	[VROUTER_PUNT_MARTIAN] = {
		"martian",
		"source or destination address that no router forwards"
	},
	[VROUTER_PUNT_LOCAL] = {
		"local",
		"addressed to the router itself"
	},
	[VROUTER_PUNT_MULTICAST] = {
		"multicast",
		"multicast or broadcast destination"
	},
	[VROUTER_PUNT_NO_ROUTE] = {
		"no-route",
		"no route; the stack answers unreachable"
	},
	[VROUTER_PUNT_ROUTE_TYPE] = {
		"route-type",
		"blackhole, unreachable, prohibit or throw route"
	},
	[VROUTER_PUNT_ROUTE_UNSUPPORTED] = {
		"route-unsupported",
		"routes that the data plane does not take (by TOS, by source, "
		"default routes of router advertisements, by gateway with a "
		"lifetime, paths of different MTUs, several of one metric, "
		"more than 512 paths, an MTU lock without an MTU, IPv4 "
		"gateways that were the router's own)"
	},
	[VROUTER_PUNT_ENCAP] = {
		"encap",
		"the nexthop encapsulates (lwtunnel), "
		"or the way out is a port on a tunnel"
	},
	[VROUTER_PUNT_NEXTHOP_DEVICE] = {
		"nexthop-device",
		"the nexthop's device is not a port of this router that is up"
	},
	[VROUTER_PUNT_NEXTHOP_DEAD] = {
		"nexthop-dead",
		"the nexthop is dead or its link is down"
	},
	[VROUTER_PUNT_EXCEPTION] = {
		"exception",
		"the nexthop has learned path MTUs or redirects"
	},
	[VROUTER_PUNT_MULTIPATH] = {
		"multipath",
		"multipath hash that only the stack computes"
	},
	[VROUTER_PUNT_NEIGHBOUR] = {
		"neighbour",
		"the neighbour's address is not known, or a multicast one"
	},
	[VROUTER_PUNT_MTU] = {
		"mtu",
		"larger than the MTU of the way out; the stack fragments or "
		"answers"
	},
	[VROUTER_PUNT_SAME_PORT] = {
		"same-port",
		"would leave where it came in; the stack may owe a redirect"
	},
	[VROUTER_PUNT_FORWARDING] = {
		"forwarding",
		"forwarding is off on the port"
	},
	[VROUTER_PUNT_RP_FILTER] = {
		"rp-filter",
		"the reverse path filter wants a closer look at the source"
	},
	[VROUTER_PUNT_CONFIG] = {
		"config",
		"a setting of the port or namespace that only the stack "
		"implements"
	},
	[VROUTER_PUNT_RULES] = {
		"rules",
		"policy rules beyond the default set"
	},
	[VROUTER_PUNT_XFRM] = {
		"xfrm",
		"IPsec policies in the namespace"
	},
	[VROUTER_PUNT_TAP] = {
		"tap",
		"a packet socket listens on the port"
	},
	[VROUTER_PUNT_TC] = {
		"tc",
		"a tc filter, XDP program, qdisc, netfilter ingress or egress "
		"hook or an upper device's handler on a port"
	},
	[VROUTER_PUNT_NETFILTER] = {
		"netfilter",
		"netfilter hooks in the namespace"
	},
	[VROUTER_PUNT_MIRROR] = {
		"mirror",
		"the mirror of the kernel's tables is not up to date"
	},
	[VROUTER_PUNT_SKB] = {
		"skb",
		"LRO, socket or offload marks on the packet"
	},
};

const struct name drop_names[VROUTER_DROP_MAX + 1] = {
	[VROUTER_DROP_QUEUE_PACKETS] = {
		"queue-packets",
		"the router's queue was full, in packets"
	},
	[VROUTER_DROP_QUEUE_BYTES] = {
		"queue-bytes",
		"the router's queue was full, in bytes"
	},
	[VROUTER_DROP_CONTROL] = {
		"control",
		"the router's control queue was full"
	},
	[VROUTER_DROP_DOWN] = {
		"down",
		"the router was set down or deleted with the packet in its "
		"queue"
	},
	[VROUTER_DROP_PORT] = {
		"port",
		"the port went away with the packet in its router's queue"
	},
	[VROUTER_DROP_MEMORY] = {
		"memory",
		"out of memory for headers"
	},
};

/*
 * A new reason in the spec stops the build here until it has its name above;
 * the attributes that carry the counters are numbered like the reasons.
 */
_Static_assert(VROUTER_PUNT_MAX == VROUTER_PUNT_SKB, "punt_names lacks a reason");
_Static_assert(VROUTER_DROP_MAX == VROUTER_DROP_MEMORY, "drop_names lacks a reason");
_Static_assert(VROUTER_A_PUNT_PAD == VROUTER_PUNT_MAX + 1, "punt counters differ");
_Static_assert(VROUTER_A_DROP_PAD == VROUTER_DROP_MAX + 1, "drop counters differ");

static const char * const state_names[] = {
	[VROUTER_STATE_DOWN] = "down",
	[VROUTER_STATE_FALLBACK] = "fallback",
	[VROUTER_STATE_ACTIVE] = "active",
};

static const char * const netfilter_names[] = {
	[VROUTER_NETFILTER_HONOUR] = "honour",
	[VROUTER_NETFILTER_BYPASS] = "bypass",
};

static const char * const verdict_names[] = {
	[VROUTER_VERDICT_FORWARD] = "forward",
	[VROUTER_VERDICT_PUNT] = "punt",
};

static const char * const quota_names[] = {
	[VROUTER_QUOTA_STATE_OK] = "ok",
	[VROUTER_QUOTA_STATE_WARNING] = "warning",
	[VROUTER_QUOTA_STATE_FULL] = "full",
};

static const char *name_unknown(uint32_t value)
{
	static char buf[24];

	snprintf(buf, sizeof(buf), "unknown-%u", value);
	return buf;
}

static const char *name_of(const char * const *table, size_t size, uint32_t value)
{
	return value < size && table[value] ? table[value] : name_unknown(value);
}

const char *name_state(uint32_t state)
{
	return name_of(state_names, ARRAY_SIZE(state_names), state);
}

const char *name_netfilter(uint32_t mode)
{
	return name_of(netfilter_names, ARRAY_SIZE(netfilter_names), mode);
}

const char *name_verdict(uint32_t verdict)
{
	return name_of(verdict_names, ARRAY_SIZE(verdict_names), verdict);
}

const char *name_quota(uint32_t state)
{
	return name_of(quota_names, ARRAY_SIZE(quota_names), state);
}

const char *name_punt(uint32_t reason)
{
	if (reason > VROUTER_PUNT_MAX || !punt_names[reason].name)
		return name_unknown(reason);
	return punt_names[reason].name;
}

const char *doc_punt(uint32_t reason)
{
	if (reason > VROUTER_PUNT_MAX || !punt_names[reason].doc)
		return "a reason that this vrctl is too old to know";
	return punt_names[reason].doc;
}

/**
 * value_netfilter() - the number of a netfilter mode
 * @name: honour or bypass
 *
 * Return: 0 when there is no such mode
 */
uint32_t value_netfilter(const char *name)
{
	uint32_t i;

	for (i = 1; i < ARRAY_SIZE(netfilter_names); i++)
		if (!strcmp(name, netfilter_names[i]))
			return i;
	return 0;
}
