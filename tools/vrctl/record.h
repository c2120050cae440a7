/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel says of a router, a port or a destination, decoded. */
#ifndef VRCTL_RECORD_H
#define VRCTL_RECORD_H

#include <libmnl/libmnl.h>
#include <linux/vrouter.h>
#include <stdbool.h>
#include <stdint.h>

#include "hist.h"
#include "netns.h"

#define RECORD_ATTRS	32
#define RECORD_DATA	16

/**
 * struct record - attributes of a message, by their numbers
 * @has: bit for each attribute that was there
 * @u: numbers of 32 bits
 * @q: numbers of 64 bits
 * @len: of binary data, bytes
 * @s: strings
 * @b: binary data
 */
struct record {
	uint32_t has;
	uint32_t u[RECORD_ATTRS];
	uint64_t q[RECORD_ATTRS];
	uint8_t len[RECORD_ATTRS];
	union {
		char s[RECORD_ATTRS][RECORD_DATA];
		uint8_t b[RECORD_ATTRS][RECORD_DATA];
	};
};

/**
 * struct stats - counters of a router
 * @value: by attribute, up to VROUTER_A_STATS_CPU_NS
 * @punt: packets, by reason
 * @drop: packets, by reason
 * @delay: time in the queue, ns
 */
struct stats {
	uint64_t value[VROUTER_A_STATS_CPU_NS + 1];
	uint64_t punt[VROUTER_PUNT_MAX + 1];
	uint64_t drop[VROUTER_DROP_MAX + 1];
	struct hist delay;
};

/**
 * struct router - a router as the kernel tells it
 * @rec: its VROUTER_A_ROUTER attributes
 * @stats: its counters, zero where it told none
 * @mirror: its VROUTER_A_MIRROR attributes, likewise
 * @netns: name of its namespace, where somebody filled that in
 */
struct router {
	struct record rec;
	struct stats stats;
	uint64_t mirror[VROUTER_A_MIRROR_LAG_PEAK_NS + 1];
	char netns[NETNS_NAME_SIZE];
};

enum field_type {
	FIELD_NONE,
	FIELD_U32,
	FIELD_U64,
	FIELD_S32,
	FIELD_STRING,
	FIELD_ENUM,
	FIELD_ADDRESS,
	FIELD_MAC,
};

/**
 * struct field - how to read and show an attribute
 * @name: its name in the spec
 * @type: what it is
 * @value_name: for FIELD_ENUM
 */
struct field {
	const char *name;
	enum field_type type;
	const char *(*value_name)(uint32_t value);
};

extern const struct field router_fields[VROUTER_A_ROUTER_MAX + 1];
extern const struct field port_fields[VROUTER_A_PORT_MAX + 1];
extern const struct field fib_fields[VROUTER_A_FIB_MAX + 1];
extern const char * const stats_names[VROUTER_A_STATS_CPU_NS + 1];
extern const char * const mirror_names[VROUTER_A_MIRROR_LAG_PEAK_NS + 1];

#define RECORD_ADDR_LEN	48

static inline bool rec_has(const struct record *rec, int attr)
{
	return rec->has & (1u << attr);
}

void record_decode(struct record *rec, const struct field *fields, int max,
		   const struct nlmsghdr *nlh);
void record_json(const struct record *rec, const struct field *fields, int max);
const char *record_string(const struct record *rec, int attr);
const char *record_data(const struct record *rec, int attr, enum field_type type,
			char buf[RECORD_ADDR_LEN]);
void router_decode(struct router *router, const struct nlmsghdr *nlh);
void stats_json(const struct stats *stats);
void stats_decode_table(uint64_t *table, unsigned int max, const struct nlattr *nest);
void mirror_json(const uint64_t *mirror);

#endif
