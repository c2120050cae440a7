// SPDX-License-Identifier: GPL-2.0
/* Qdisc vrouter for stock `tc`: bandwidth and limit, and what classes tell. */
#include <linux/pkt_sched.h>
#include <linux/sch_vrouter.h>
#include <stdbool.h>
#include <strings.h>

#include "plugin.h"
#include "../vrctl/out.h"
#include "../vrctl/parse.h"

/* struct qdisc_util of tc is the same from 6.1 to 7.1. */
struct qdisc_util {
	struct qdisc_util *next;
	const char *id;
	int (*parse_qopt)(const struct qdisc_util *qu, int argc, char **argv,
			  struct nlmsghdr *n, const char *dev);
	int (*print_qopt)(const struct qdisc_util *qu, FILE *f, struct rtattr *opt);
	int (*print_xstats)(const struct qdisc_util *qu, FILE *f, struct rtattr *xstats);
	int (*parse_copt)(const struct qdisc_util *qu, int argc, char **argv,
			  struct nlmsghdr *n, const char *dev);
	int (*print_copt)(const struct qdisc_util *qu, FILE *f, struct rtattr *opt);
	int (*has_block)(const struct qdisc_util *qu, struct rtattr *opt,
			 uint32_t block_idx, bool *p_has);
};

extern int print_color_string(int type, int color, const char *key, const char *fmt,
			      const char *value) __attribute__((weak));
extern int print_color_u64(int type, int color, const char *key, const char *fmt,
			   uint64_t value) __attribute__((weak));

static void vrouter_usage(FILE *f)
{
	fprintf(f, "Usage: ... vrouter [ bandwidth RATE ] [ limit PACKETS ]\n"
		"\n"
		"RATE := bits a second on the wire, like 100mbit; 0 for what the device takes\n"
		"PACKETS := 1-4294967295, of all routers together; 10240 when left out\n");
}

static int vrouter_add_option(struct nlmsghdr *n, const char *word, const char *text)
{
	uint32_t limit;
	uint64_t rate;

	if (!strcmp(word, "bandwidth")) {
		if (!text || !parse_rate(text, &rate)) {
			fprintf(stderr, "Error: \"bandwidth\" wants a rate like 100mbit%s%s.\n",
				text ? ", not " : "", text ? text : "");
			return -1;
		}
		return plugin_add(n, TCA_VROUTER_BANDWIDTH, &rate, sizeof(rate));
	}
	if (!strcmp(word, "limit")) {
		if (plugin_number(word, text, 1, UINT32_MAX, &limit))
			return -1;
		return plugin_add(n, TCA_VROUTER_LIMIT, &limit, sizeof(limit));
	}
	fprintf(stderr, "vrouter: unknown option \"%s\"?\n", word);
	vrouter_usage(stderr);
	return -1;
}

static int vrouter_parse_qopt(const struct qdisc_util *qu, int argc, char **argv,
			      struct nlmsghdr *n, const char *dev)
{
	struct rtattr *nest = (struct rtattr *)((char *)n + NLMSG_ALIGN(n->nlmsg_len));

	(void)qu;
	(void)dev;
	if (plugin_add(n, TCA_OPTIONS | NLA_F_NESTED, NULL, 0))
		return -1;
	for (; argc > 0; argc -= 2, argv += 2) {
		if (!strcmp(argv[0], "help")) {
			vrouter_usage(stderr);
			return -1;
		}
		if (vrouter_add_option(n, argv[0], argc > 1 ? argv[1] : NULL))
			return -1;
	}
	nest->rta_len = (char *)n + NLMSG_ALIGN(n->nlmsg_len) - (char *)nest;
	return 0;
}

static void vrouter_number(FILE *f, const char *key, const char *fmt, uint64_t value)
{
	if (print_color_u64) {
		print_color_u64(PLUGIN_PRINT_ANY, PLUGIN_COLOR_NONE, key, fmt, value);
		return;
	}
	fprintf(f, "%s %llu ", key, (unsigned long long)value);
}

static void vrouter_text(FILE *f, const char *key, const char *fmt, const char *value)
{
	if (print_color_string) {
		print_color_string(PLUGIN_PRINT_ANY, PLUGIN_COLOR_NONE, key, fmt, value);
		return;
	}
	fprintf(f, "%s %s ", key, value);
}

/* In JSON as the kernel has it, in bytes a second; else in bits. */
static void vrouter_rate(FILE *f, const char *key, uint64_t rate)
{
	static const char * const units[] = { "bit", "Kbit", "Mbit", "Gbit", "Tbit" };
	char fmt[64];
	unsigned int i;

	if (rate > UINT64_MAX / 8) {
		snprintf(fmt, sizeof(fmt), "%s %%lluBps ", key);
	} else {
		uint64_t bits = rate * 8;

		for (i = 0; i < 4 && bits && bits % 1000 == 0; i++)
			bits /= 1000;
		snprintf(fmt, sizeof(fmt), "%s %llu%s ", key, (unsigned long long)bits,
			 units[i]);
	}
	vrouter_number(f, key, fmt, rate);
}

static bool vrouter_get(const struct rtattr *rta, void *data, size_t len)
{
	if (!rta || RTA_PAYLOAD(rta) < len)
		return false;
	memcpy(data, RTA_DATA(rta), len);
	return true;
}

static void vrouter_parse(struct rtattr *tb[], int max, struct rtattr *opt)
{
	struct rtattr *rta = RTA_DATA(opt);
	int len = RTA_PAYLOAD(opt), type;

	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len)) {
		type = rta->rta_type & NLA_TYPE_MASK;
		if (type <= max)
			tb[type] = rta;
	}
}

static int vrouter_print_qopt(const struct qdisc_util *qu, FILE *f, struct rtattr *opt)
{
	struct rtattr *tb[TCA_VROUTER_MAX + 1] = { NULL };
	uint32_t limit;
	uint64_t rate;

	(void)qu;
	if (!opt)
		return 0;
	vrouter_parse(tb, TCA_VROUTER_MAX, opt);
	if (vrouter_get(tb[TCA_VROUTER_BANDWIDTH], &rate, sizeof(rate))) {
		if (rate)
			vrouter_rate(f, "bandwidth", rate);
		else
			vrouter_number(f, "bandwidth", "bandwidth unlimited ", 0);
	}
	if (vrouter_get(tb[TCA_VROUTER_LIMIT], &limit, sizeof(limit)))
		vrouter_number(f, "limit", "limit %llup ", limit);
	return 0;
}

/* The kernel lets a tenant put escapes into it, and tc prints what it gets. */
static void vrouter_name(FILE *f, const struct rtattr *rta)
{
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)RTA_PAYLOAD(rta),
		 (const char *)RTA_DATA(rta));
	out_clean_line(name);
	vrouter_text(f, "router", "router %s ", name);
}

static int vrouter_print_copt(const struct qdisc_util *qu, FILE *f, struct rtattr *opt)
{
	struct rtattr *tb[TCA_VROUTER_CLASS_MAX + 1] = { NULL };
	uint32_t weight;
	uint64_t rate;

	(void)qu;
	if (!opt)
		return 0;
	vrouter_parse(tb, TCA_VROUTER_CLASS_MAX, opt);
	if (tb[TCA_VROUTER_CLASS_NAME])
		vrouter_name(f, tb[TCA_VROUTER_CLASS_NAME]);
	else
		vrouter_text(f, "router", "%s ", "host");
	if (vrouter_get(tb[TCA_VROUTER_CLASS_WEIGHT], &weight, sizeof(weight)))
		vrouter_number(f, "weight", "weight %llu ", weight);
	if (vrouter_get(tb[TCA_VROUTER_CLASS_MAX_RATE], &rate, sizeof(rate)) && rate)
		vrouter_rate(f, "max_rate", rate);
	if (tb[TCA_VROUTER_CLASS_GONE])
		vrouter_text(f, "gone", "%s ", "gone");
	return 0;
}

static int vrouter_print_xstats(const struct qdisc_util *qu, FILE *f, struct rtattr *xstats)
{
	struct tc_vrouter_xstats x;

	(void)qu;
	if (!vrouter_get(xstats, &x, sizeof(x)))
		return 0;
	vrouter_number(f, "wire_bytes", "  wire %llu bytes ", x.wire_bytes);
	vrouter_number(f, "sojourn_us", "sojourn %lluus ", x.sojourn_us);
	vrouter_number(f, "marks", "marks %llu ", x.marks);
	vrouter_number(f, "codel_drops", "drops: codel %llu ", x.codel_drops);
	vrouter_number(f, "full_drops", "full %llu ", x.full_drops);
	vrouter_number(f, "longest_drops", "longest %llu", x.longest_drops);
	return 0;
}

extern struct qdisc_util vrouter_qdisc_util;

PLUGIN_EXPORT struct qdisc_util vrouter_qdisc_util = {
	.id = "vrouter",
	.parse_qopt = vrouter_parse_qopt,
	.print_qopt = vrouter_print_qopt,
	.print_copt = vrouter_print_copt,
	.print_xstats = vrouter_print_xstats,
};
