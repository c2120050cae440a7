// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <string.h>

#include "fibstats.h"
#include "out.h"
#include "router.h"
#include "vrctl.h"

static const struct {
	int attr;
	const char *name;
} table_names[] = {
	{ VROUTER_A_FIB_TABLE_FAMILY, "family" },
	{ VROUTER_A_FIB_TABLE_PREFIXES, "prefixes" },
	{ VROUTER_A_FIB_TABLE_NODES, "nodes" },
	{ VROUTER_A_FIB_TABLE_BYTES, "bytes" },
	{ VROUTER_A_FIB_TABLE_SHARED_BYTES, "shared-bytes" },
	{ VROUTER_A_FIB_TABLE_STORE_BYTES, "store-bytes" },
	{ VROUTER_A_FIB_TABLE_STORE_SHARED_BYTES, "store-shared-bytes" },
	{ VROUTER_A_FIB_TABLE_UPDATES, "updates" },
};

static void fibstats_decode_length(struct fib_table *table, const struct nlattr *nest)
{
	uint64_t value[VROUTER_A_FIB_LENGTH_PREFIXES + 1] = { 0 };

	stats_decode_table(value, VROUTER_A_FIB_LENGTH_PREFIXES, nest);
	if (value[VROUTER_A_FIB_LENGTH_PREFIX_LEN] < ARRAY_SIZE(table->by_len))
		table->by_len[value[VROUTER_A_FIB_LENGTH_PREFIX_LEN]] =
			value[VROUTER_A_FIB_LENGTH_PREFIXES];
}

static void fibstats_decode_table(struct fib_table *table, const struct nlattr *nest)
{
	const struct nlattr *attr;

	stats_decode_table(table->value, VROUTER_A_FIB_TABLE_UPDATES, nest);
	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == VROUTER_A_FIB_TABLE_LENGTH)
			fibstats_decode_length(table, attr);
		else if (mnl_attr_get_type(attr) == VROUTER_A_FIB_TABLE_ERRORS &&
			 mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			table->errors = mnl_attr_get_u32(attr);
	}
}

/**
 * fibstats_decode() - an answer of the module
 * @stats: result
 * @nlh: the message
 */
void fibstats_decode(struct fib_stats *stats, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	memset(stats, 0, sizeof(*stats));
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case VROUTER_A_FIB_STATS_ROUTER_NAME:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
				snprintf(stats->name, sizeof(stats->name), "%s",
					 mnl_attr_get_str(attr));
			break;
		case VROUTER_A_FIB_STATS_TABLE:
			if (stats->tables < ARRAY_SIZE(stats->table))
				fibstats_decode_table(&stats->table[stats->tables++], attr);
			break;
		case VROUTER_A_FIB_STATS_MIRROR:
			stats_decode_table(stats->mirror, VROUTER_A_MIRROR_LAG_PEAK_NS,
					   attr);
			break;
		case VROUTER_A_FIB_STATS_RESYNCS:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				stats->resyncs = mnl_attr_get_u32(attr);
			break;
		}
	}
}

static void fibstats_take(const struct nlmsghdr *nlh, void *data)
{
	fibstats_decode(data, nlh);
}

/**
 * fibstats_get() - ask the module
 * @nl: socket
 * @router: name of the router
 * @verify: have the tables verified
 * @stats: result
 *
 * Return: 0 or -errno
 */
int fibstats_get(struct nl *nl, const char *router, bool verify, struct fib_stats *stats)
{
	struct nl_msg msg;
	int err;

	memset(stats, 0, sizeof(*stats));
	nl_msg_genl(&msg, nl, VROUTER_CMD_FIB_STATS, 0);
	mnl_attr_put_strz(msg.nlh, VROUTER_A_FIB_STATS_ROUTER_NAME, router);
	if (verify)
		mnl_attr_put(msg.nlh, VROUTER_A_FIB_STATS_VERIFY, 0, NULL);
	err = nl_talk(nl, &msg, fibstats_take, stats);
	stats->verified = verify;
	return err;
}

static void fibstats_print_table(const struct fib_table *table)
{
	const uint64_t *v = table->value;
	unsigned int i, column = 0;

	printf("  %-14s%" PRIu64 " prefixes, %" PRIu64 " updates\n",
	       v[VROUTER_A_FIB_TABLE_FAMILY] == AF_INET ? "IPv4" : "IPv6",
	       v[VROUTER_A_FIB_TABLE_PREFIXES], v[VROUTER_A_FIB_TABLE_UPDATES]);
	printf("    %-12s%" PRIu64 " nodes, %" PRIu64 " bytes, of which %" PRIu64 " shared\n",
	       "lookup", v[VROUTER_A_FIB_TABLE_NODES], v[VROUTER_A_FIB_TABLE_BYTES],
	       v[VROUTER_A_FIB_TABLE_SHARED_BYTES]);
	printf("    %-12s%" PRIu64 " bytes, of which %" PRIu64 " shared\n", "prefixes",
	       v[VROUTER_A_FIB_TABLE_STORE_BYTES], v[VROUTER_A_FIB_TABLE_STORE_SHARED_BYTES]);
	for (i = 0; i < ARRAY_SIZE(table->by_len); i++) {
		if (!table->by_len[i])
			continue;
		printf("%s/%-3u %8u", column % 5 ? "  " : "    ", i, table->by_len[i]);
		if (!(++column % 5))
			putchar('\n');
	}
	if (column % 5)
		putchar('\n');
}

void fibstats_print(const struct fib_stats *stats)
{
	unsigned int i;

	printf("%s:%s\n", out_clean(stats->name), stats->tables ? "" : " no tables");
	for (i = 0; i < stats->tables; i++)
		fibstats_print_table(&stats->table[i]);
	show_mirror(stats->mirror);
	printf("  %-14s%u\n", "resyncs", stats->resyncs);
}

static void fibstats_json_table(const struct fib_table *table)
{
	unsigned int i;

	json_open(NULL, '{');
	for (i = 0; i < ARRAY_SIZE(table_names); i++)
		json_u64(table_names[i].name, table->value[table_names[i].attr]);
	json_open("length", '[');
	for (i = 0; i < ARRAY_SIZE(table->by_len); i++) {
		if (!table->by_len[i])
			continue;
		json_open(NULL, '{');
		json_u64("prefix-len", i);
		json_u64("prefixes", table->by_len[i]);
		json_close();
	}
	json_close();
	json_close();
}

void fibstats_json(const struct fib_stats *stats)
{
	unsigned int i;

	json_start(stdout);
	json_open(NULL, '{');
	json_string("router-name", stats->name);
	json_open("table", '[');
	for (i = 0; i < stats->tables; i++)
		fibstats_json_table(&stats->table[i]);
	json_close();
	mirror_json(stats->mirror);
	json_u64("resyncs", stats->resyncs);
	json_close();
	json_end();
}
