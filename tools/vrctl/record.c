// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "out.h"
#include "record.h"

_Static_assert(VROUTER_A_ROUTER_MAX < RECORD_ATTRS, "RECORD_ATTRS is too small");
_Static_assert(VROUTER_A_PORT_MAX < RECORD_ATTRS, "RECORD_ATTRS is too small");
_Static_assert(VROUTER_A_FIB_MAX < RECORD_ATTRS, "RECORD_ATTRS is too small");

const struct field router_fields[VROUTER_A_ROUTER_MAX + 1] = {
	[VROUTER_A_ROUTER_IFINDEX] = { "ifindex", FIELD_U32 },
	[VROUTER_A_ROUTER_IFNAME] = { "ifname", FIELD_STRING },
	[VROUTER_A_ROUTER_NETNSID] = { "netnsid", FIELD_S32 },
	[VROUTER_A_ROUTER_STATE] = { "state", FIELD_ENUM, name_state },
	[VROUTER_A_ROUTER_FALLBACK_REASON] = { "fallback-reason", FIELD_ENUM, name_punt },
	[VROUTER_A_ROUTER_VRF_IFINDEX] = { "vrf-ifindex", FIELD_U32 },
	[VROUTER_A_ROUTER_VRF_NAME] = { "vrf-name", FIELD_STRING },
	[VROUTER_A_ROUTER_TABLE] = { "table", FIELD_U32 },
	[VROUTER_A_ROUTER_WEIGHT] = { "weight", FIELD_U32 },
	[VROUTER_A_ROUTER_LIMIT_PACKETS] = { "limit-packets", FIELD_U32 },
	[VROUTER_A_ROUTER_LIMIT_BYTES] = { "limit-bytes", FIELD_U32 },
	[VROUTER_A_ROUTER_NETFILTER] = { "netfilter", FIELD_ENUM, name_netfilter },
	[VROUTER_A_ROUTER_PORTS] = { "ports", FIELD_U32 },
	[VROUTER_A_ROUTER_ROUTES4] = { "routes4", FIELD_U32 },
	[VROUTER_A_ROUTER_ROUTES6] = { "routes6", FIELD_U32 },
	[VROUTER_A_ROUTER_NEXTHOPS] = { "nexthops", FIELD_U32 },
	[VROUTER_A_ROUTER_RESYNCS] = { "resyncs", FIELD_U32 },
	[VROUTER_A_ROUTER_MAX_ROUTES] = { "max-routes", FIELD_U32 },
	[VROUTER_A_ROUTER_MAX_ROUTES_WARN] = { "max-routes-warn", FIELD_U32 },
	[VROUTER_A_ROUTER_ROUTES] = { "routes", FIELD_U32 },
	[VROUTER_A_ROUTER_QUOTA_STATE] = { "quota-state", FIELD_ENUM, name_quota },
	[VROUTER_A_ROUTER_ROUTES_REFUSED] = { "routes-refused", FIELD_U32 },
	[VROUTER_A_ROUTER_MAX_RATE] = { "max-rate", FIELD_U64 },
};

const struct field port_fields[VROUTER_A_PORT_MAX + 1] = {
	[VROUTER_A_PORT_IFINDEX] = { "ifindex", FIELD_U32 },
	[VROUTER_A_PORT_IFNAME] = { "ifname", FIELD_STRING },
	[VROUTER_A_PORT_NETNSID] = { "netnsid", FIELD_S32 },
	[VROUTER_A_PORT_ROUTER_IFINDEX] = { "router-ifindex", FIELD_U32 },
	[VROUTER_A_PORT_ROUTER_NAME] = { "router-name", FIELD_STRING },
	[VROUTER_A_PORT_LOWER_IFINDEX] = { "lower-ifindex", FIELD_U32 },
	[VROUTER_A_PORT_LOWER_NAME] = { "lower-name", FIELD_STRING },
	[VROUTER_A_PORT_LOWER_NETNSID] = { "lower-netnsid", FIELD_S32 },
	[VROUTER_A_PORT_VLAN] = { "vlan", FIELD_U32 },
	[VROUTER_A_PORT_ADDRESS] = { "address", FIELD_MAC },
	[VROUTER_A_PORT_MTU] = { "mtu", FIELD_U32 },
	[VROUTER_A_PORT_BLOCKED] = { "blocked", FIELD_ENUM, name_punt },
};

const struct field fib_fields[VROUTER_A_FIB_MAX + 1] = {
	[VROUTER_A_FIB_ROUTER_IFINDEX] = { "router-ifindex", FIELD_U32 },
	[VROUTER_A_FIB_ROUTER_NAME] = { "router-name", FIELD_STRING },
	[VROUTER_A_FIB_NETNSID] = { "netnsid", FIELD_S32 },
	[VROUTER_A_FIB_DST] = { "dst", FIELD_ADDRESS },
	[VROUTER_A_FIB_SRC] = { "src", FIELD_ADDRESS },
	[VROUTER_A_FIB_IIF] = { "iif", FIELD_U32 },
	[VROUTER_A_FIB_VERDICT] = { "verdict", FIELD_ENUM, name_verdict },
	[VROUTER_A_FIB_REASON] = { "reason", FIELD_ENUM, name_punt },
	[VROUTER_A_FIB_PREFIX] = { "prefix", FIELD_ADDRESS },
	[VROUTER_A_FIB_PREFIX_LEN] = { "prefix-len", FIELD_U32 },
	[VROUTER_A_FIB_GATEWAY] = { "gateway", FIELD_ADDRESS },
	[VROUTER_A_FIB_OIF] = { "oif", FIELD_U32 },
	[VROUTER_A_FIB_OIF_NAME] = { "oif-name", FIELD_STRING },
	[VROUTER_A_FIB_LLADDR] = { "lladdr", FIELD_MAC },
	[VROUTER_A_FIB_MTU] = { "mtu", FIELD_U32 },
	[VROUTER_A_FIB_PATHS] = { "paths", FIELD_U32 },
};

const char * const stats_names[VROUTER_A_STATS_CPU_NS + 1] = {
	[VROUTER_A_STATS_RX_PACKETS] = "rx-packets",
	[VROUTER_A_STATS_RX_BYTES] = "rx-bytes",
	[VROUTER_A_STATS_FORWARDED_PACKETS] = "forwarded-packets",
	[VROUTER_A_STATS_FORWARDED_BYTES] = "forwarded-bytes",
	[VROUTER_A_STATS_PUNTED_PACKETS] = "punted-packets",
	[VROUTER_A_STATS_PUNTED_BYTES] = "punted-bytes",
	[VROUTER_A_STATS_DROPPED_PACKETS] = "dropped-packets",
	[VROUTER_A_STATS_DROPPED_BYTES] = "dropped-bytes",
	[VROUTER_A_STATS_QUEUED_PACKETS] = "queued-packets",
	[VROUTER_A_STATS_QUEUED_BYTES] = "queued-bytes",
	[VROUTER_A_STATS_QUEUED_PEAK] = "queued-peak",
	[VROUTER_A_STATS_CPU_NS] = "cpu-ns",
};

const char * const mirror_names[VROUTER_A_MIRROR_LAG_PEAK_NS + 1] = {
	[VROUTER_A_MIRROR_PENDING] = "pending",
	[VROUTER_A_MIRROR_PENDING_PEAK] = "pending-peak",
	[VROUTER_A_MIRROR_CHANGES] = "changes",
	[VROUTER_A_MIRROR_LAG_NS] = "lag-ns",
	[VROUTER_A_MIRROR_LAG_LAST_NS] = "lag-last-ns",
	[VROUTER_A_MIRROR_LAG_PEAK_NS] = "lag-peak-ns",
};

/* Take one attribute, unless its size is not what its type says. */
static void record_decode_attr(struct record *rec, enum field_type type,
			       const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);
	const void *data = mnl_attr_get_payload(attr);
	int t = mnl_attr_get_type(attr);

	switch (type) {
	case FIELD_NONE:
		return;
	case FIELD_U32:
	case FIELD_S32:
	case FIELD_ENUM:
		if (len != sizeof(uint32_t))
			return;
		memcpy(&rec->u[t], data, sizeof(uint32_t));
		break;
	case FIELD_U64:
		if (len != sizeof(uint64_t))
			return;
		memcpy(&rec->q[t], data, sizeof(uint64_t));
		break;
	case FIELD_STRING:
		len = strnlen(data, len);
		if (len >= RECORD_DATA)
			return;
		memcpy(rec->s[t], data, len);
		rec->s[t][len] = '\0';
		break;
	case FIELD_ADDRESS:
		if (len != 4 && len != 16)
			return;
		goto binary;
	case FIELD_MAC:
		if (len != 6)
			return;
binary:
		memcpy(rec->b[t], data, len);
		rec->len[t] = len;
		break;
	}
	rec->has |= 1u << t;
}

/**
 * record_decode() - attributes of a generic netlink message
 * @rec: result
 * @fields: what to take; others are passed over
 * @max: greatest number in @fields
 * @nlh: the message
 */
void record_decode(struct record *rec, const struct field *fields, int max,
		   const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	int type;

	memset(rec, 0, sizeof(*rec));
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		type = mnl_attr_get_type(attr);
		if (type <= max)
			record_decode_attr(rec, fields[type].type, attr);
	}
}

/* "" when it is not there; safe to print */
const char *record_string(const struct record *rec, int attr)
{
	return rec_has(rec, attr) ? out_clean(rec->s[attr]) : "";
}

/**
 * record_data() - an address as text
 * @rec: record
 * @attr: attribute of @rec
 * @type: FIELD_ADDRESS or FIELD_MAC
 * @buf: where to write
 *
 * Return: @buf, "" in it when there is no such attribute
 */
const char *record_data(const struct record *rec, int attr, enum field_type type,
			char buf[RECORD_ADDR_LEN])
{
	const uint8_t *b = rec->b[attr];

	buf[0] = '\0';
	if (!rec_has(rec, attr))
		return buf;
	if (type == FIELD_MAC)
		snprintf(buf, RECORD_ADDR_LEN, "%02x:%02x:%02x:%02x:%02x:%02x",
			 b[0], b[1], b[2], b[3], b[4], b[5]);
	else
		inet_ntop(rec->len[attr] == 4 ? AF_INET : AF_INET6, b, buf,
			  RECORD_ADDR_LEN);
	return buf;
}

/**
 * record_json() - what a record holds, as members of the open object
 * @rec: record
 * @fields: its names and types
 * @max: greatest number in @fields
 */
void record_json(const struct record *rec, const struct field *fields, int max)
{
	char buf[RECORD_ADDR_LEN];
	int i;

	for (i = 1; i <= max; i++) {
		if (!rec_has(rec, i))
			continue;
		switch (fields[i].type) {
		case FIELD_NONE:
			break;
		case FIELD_U32:
			json_u64(fields[i].name, rec->u[i]);
			break;
		case FIELD_U64:
			json_u64(fields[i].name, rec->q[i]);
			break;
		case FIELD_S32:
			json_s64(fields[i].name, (int32_t)rec->u[i]);
			break;
		case FIELD_STRING:
			json_string(fields[i].name, rec->s[i]);
			break;
		case FIELD_ENUM:
			json_string(fields[i].name, fields[i].value_name(rec->u[i]));
			break;
		case FIELD_ADDRESS:
		case FIELD_MAC:
			json_string(fields[i].name,
				    record_data(rec, i, fields[i].type, buf));
			break;
		}
	}
}

/* Counters come as 64 bit, as the spec says, or as 32 where they would fit. */
static uint64_t stats_value(const struct nlattr *attr)
{
	switch (mnl_attr_get_payload_len(attr)) {
	case sizeof(uint64_t):
		return mnl_attr_get_u64(attr);
	case sizeof(uint32_t):
		return mnl_attr_get_u32(attr);
	}
	return 0;
}

/**
 * stats_decode_table() - numbers by the types of their attributes
 * @table: result
 * @max: greatest type that @table has room for; others are passed over
 * @nest: the attributes
 */
void stats_decode_table(uint64_t *table, unsigned int max, const struct nlattr *nest)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) <= max)
			table[mnl_attr_get_type(attr)] = stats_value(attr);
}

static void stats_decode_delay(struct hist *hist, const struct nlattr *nest)
{
	uint64_t value[VROUTER_A_DELAY_PACKETS + 1] = { 0 };

	stats_decode_table(value, VROUTER_A_DELAY_PACKETS, nest);
	hist_add(hist, value[VROUTER_A_DELAY_MIN_NS], value[VROUTER_A_DELAY_PACKETS]);
}

static void stats_decode(struct stats *stats, const struct nlattr *nest)
{
	const struct nlattr *attr;
	int type;

	mnl_attr_for_each_nested(attr, nest) {
		type = mnl_attr_get_type(attr);
		if (type == VROUTER_A_STATS_PUNT)
			stats_decode_table(stats->punt, VROUTER_PUNT_MAX, attr);
		else if (type == VROUTER_A_STATS_DROP)
			stats_decode_table(stats->drop, VROUTER_DROP_MAX, attr);
		else if (type == VROUTER_A_STATS_DELAY)
			stats_decode_delay(&stats->delay, attr);
		else if (type <= VROUTER_A_STATS_CPU_NS)
			stats->value[type] = stats_value(attr);
	}
}

/**
 * router_decode() - a router and its counters
 * @router: result
 * @nlh: reply or notification
 */
void router_decode(struct router *router, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	memset(router, 0, sizeof(*router));
	record_decode(&router->rec, router_fields, VROUTER_A_ROUTER_MAX, nlh);
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == VROUTER_A_ROUTER_STATS) {
			stats_decode(&router->stats, attr);
			router->rec.has |= 1u << VROUTER_A_ROUTER_STATS;
		} else if (mnl_attr_get_type(attr) == VROUTER_A_ROUTER_MIRROR) {
			stats_decode_table(router->mirror, VROUTER_A_MIRROR_LAG_PEAK_NS,
					   attr);
			router->rec.has |= 1u << VROUTER_A_ROUTER_MIRROR;
		}
	}
}

static void stats_json_table(const char *key, const uint64_t *table,
			     const struct name *names, int max)
{
	int i;

	json_open(key, '{');
	for (i = 1; i <= max; i++)
		json_u64(names[i].name, table[i]);
	json_close();
}

/**
 * stats_json() - the counters, as member "stats" of the open object
 * @stats: counters
 *
 * All reasons are there, so that a reader need not test for them.
 */
void stats_json(const struct stats *stats)
{
	unsigned int i;

	json_open("stats", '{');
	for (i = 1; i <= VROUTER_A_STATS_CPU_NS; i++)
		json_u64(stats_names[i], stats->value[i]);
	stats_json_table("punt", stats->punt, punt_names, VROUTER_PUNT_MAX);
	stats_json_table("drop", stats->drop, drop_names, VROUTER_DROP_MAX);
	json_open("delay", '[');
	for (i = 0; i < stats->delay.n; i++) {
		json_open(NULL, '{');
		json_u64("min-ns", stats->delay.bucket[i].min);
		json_u64("packets", stats->delay.bucket[i].count);
		json_close();
	}
	json_close();
	json_u64("delay-p50-ns", hist_percentile(&stats->delay, 0.50));
	json_u64("delay-p99-ns", hist_percentile(&stats->delay, 0.99));
	json_close();
}

/* How far the mirror is behind, as member "mirror" of the open object. */
void mirror_json(const uint64_t *mirror)
{
	unsigned int i;

	json_open("mirror", '{');
	for (i = 1; i <= VROUTER_A_MIRROR_LAG_PEAK_NS; i++)
		json_u64(mirror_names[i], mirror[i]);
	json_close();
}
