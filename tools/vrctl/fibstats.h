/* SPDX-License-Identifier: GPL-2.0 */
/* What the tables of a router take. */
#ifndef VRCTL_FIBSTATS_H
#define VRCTL_FIBSTATS_H

#include <stdbool.h>
#include <stdint.h>

#include "nl.h"
#include "record.h"

/**
 * struct fib_table - the table of one address family
 * @value: numbers, by attribute
 * @by_len: prefixes, by length
 * @errors: places where lookups are wrong, where that was asked for
 */
struct fib_table {
	uint64_t value[VROUTER_A_FIB_TABLE_UPDATES + 1];
	uint32_t by_len[129];
	uint32_t errors;
};

/**
 * struct fib_stats - what the module tells
 * @name: name of the router
 * @tables: number of tables, 0 while it has none
 * @table: IPv4 and IPv6
 * @mirror: VROUTER_A_MIRROR attributes
 * @resyncs: times that the tables were made anew
 * @verified: the tables were verified
 */
struct fib_stats {
	char name[16];
	unsigned int tables;
	struct fib_table table[2];
	uint64_t mirror[VROUTER_A_MIRROR_LAG_PEAK_NS + 1];
	uint32_t resyncs;
	bool verified;
};

void fibstats_decode(struct fib_stats *stats, const struct nlmsghdr *nlh);
int fibstats_get(struct nl *nl, const char *router, bool verify, struct fib_stats *stats);
void fibstats_print(const struct fib_stats *stats);
void fibstats_json(const struct fib_stats *stats);

#endif
