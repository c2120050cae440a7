// SPDX-License-Identifier: GPL-2.0
/* show: everything about a router. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "out.h"
#include "router.h"
#include "vrctl.h"

#define BAR_WIDTH	40

static void show_quota(const struct record *rec)
{
	const uint32_t *u = rec->u;

	if (!u[VROUTER_A_ROUTER_MAX_ROUTES] && !u[VROUTER_A_ROUTER_ROUTES_REFUSED])
		return;
	if (u[VROUTER_A_ROUTER_MAX_ROUTES])
		printf("  %-14s%u", "max routes", u[VROUTER_A_ROUTER_MAX_ROUTES]);
	else
		printf("  %-14sno limit", "max routes");
	if (u[VROUTER_A_ROUTER_MAX_ROUTES] && u[VROUTER_A_ROUTER_MAX_ROUTES_WARN])
		printf(", warn at %u %%", u[VROUTER_A_ROUTER_MAX_ROUTES_WARN]);
	if (rec_has(rec, VROUTER_A_ROUTER_ROUTES))
		printf(", %u used (%s)", u[VROUTER_A_ROUTER_ROUTES],
		       name_quota(u[VROUTER_A_ROUTER_QUOTA_STATE]));
	printf(", %u refused\n", u[VROUTER_A_ROUTER_ROUTES_REFUSED]);
}

static void show_rate(const struct record *rec)
{
	if (rec->q[VROUTER_A_ROUTER_MAX_RATE])
		printf("  %-14s%" PRIu64 " bit/s on each link\n", "max rate",
		       rec->q[VROUTER_A_ROUTER_MAX_RATE] * 8);
}

/**
 * show_mirror() - print how far a router is behind the kernel's tables
 * @mirror: numbers, by attribute
 */
void show_mirror(const uint64_t *mirror)
{
	char a[24], b[24], c[24];

	printf("  %-14s%" PRIu64 " changes, %" PRIu64 " pending, %" PRIu64 " at most\n",
	       "mirror", mirror[VROUTER_A_MIRROR_CHANGES],
	       mirror[VROUTER_A_MIRROR_PENDING], mirror[VROUTER_A_MIRROR_PENDING_PEAK]);
	printf("  %-14snow %s, latest %s, at most %s\n", "mirror lag",
	       out_ns(a, sizeof(a), mirror[VROUTER_A_MIRROR_LAG_NS]),
	       out_ns(b, sizeof(b), mirror[VROUTER_A_MIRROR_LAG_LAST_NS]),
	       out_ns(c, sizeof(c), mirror[VROUTER_A_MIRROR_LAG_PEAK_NS]));
}

/* A line is left out when the kernel did not tell. */
static void show_settings(const struct router *router)
{
	const struct record *rec = &router->rec;
	const uint32_t *u = rec->u;
	char domain[320];

	printf("%s: %s", record_string(rec, VROUTER_A_ROUTER_IFNAME),
	       rec_has(rec, VROUTER_A_ROUTER_STATE) ?
	       name_state(u[VROUTER_A_ROUTER_STATE]) : "?");
	if (rec_has(rec, VROUTER_A_ROUTER_FALLBACK_REASON))
		printf(" (%s: %s)", name_punt(u[VROUTER_A_ROUTER_FALLBACK_REASON]),
		       doc_punt(u[VROUTER_A_ROUTER_FALLBACK_REASON]));
	printf("\n  %-14s%s", "domain", router_domain(router, domain, sizeof(domain)));
	if (rec_has(rec, VROUTER_A_ROUTER_TABLE))
		printf(", table %u", u[VROUTER_A_ROUTER_TABLE]);
	if (rec_has(rec, VROUTER_A_ROUTER_WEIGHT))
		printf("\n  %-14s%u", "weight", u[VROUTER_A_ROUTER_WEIGHT]);
	if (rec_has(rec, VROUTER_A_ROUTER_LIMIT_PACKETS))
		printf("\n  %-14s%u packets, %u bytes, per CPU", "queue limit",
		       u[VROUTER_A_ROUTER_LIMIT_PACKETS],
		       u[VROUTER_A_ROUTER_LIMIT_BYTES]);
	if (rec_has(rec, VROUTER_A_ROUTER_NETFILTER))
		printf("\n  %-14s%s", "netfilter",
		       name_netfilter(u[VROUTER_A_ROUTER_NETFILTER]));
	printf("\n  %-14s%u", "ports", u[VROUTER_A_ROUTER_PORTS]);
	printf("\n  %-14s%u IPv4, %u IPv6, %u nexthops, %u resyncs\n", "routes",
	       u[VROUTER_A_ROUTER_ROUTES4], u[VROUTER_A_ROUTER_ROUTES6],
	       u[VROUTER_A_ROUTER_NEXTHOPS], u[VROUTER_A_ROUTER_RESYNCS]);
	show_quota(rec);
	show_rate(rec);
	if (rec_has(rec, VROUTER_A_ROUTER_MIRROR))
		show_mirror(router->mirror);
}

static void show_counters(const uint64_t *value)
{
	static const struct {
		const char *word;
		int packets;
	} rows[] = {
		{ "received", VROUTER_A_STATS_RX_PACKETS },
		{ "forwarded", VROUTER_A_STATS_FORWARDED_PACKETS },
		{ "punted", VROUTER_A_STATS_PUNTED_PACKETS },
		{ "dropped", VROUTER_A_STATS_DROPPED_PACKETS },
		{ "queued", VROUTER_A_STATS_QUEUED_PACKETS },
	};
	uint64_t done = value[VROUTER_A_STATS_FORWARDED_PACKETS] +
			value[VROUTER_A_STATS_PUNTED_PACKETS];
	size_t i;

	/* each number of packets is followed by that of bytes */
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		printf("  %-14s%" PRIu64 " packets, %" PRIu64 " bytes\n", rows[i].word,
		       value[rows[i].packets], value[rows[i].packets + 1]);
	printf("  %-14s%" PRIu64 " packets on one CPU\n", "queued peak",
	       value[VROUTER_A_STATS_QUEUED_PEAK]);
	printf("  %-14s%.6f s", "CPU time", value[VROUTER_A_STATS_CPU_NS] / 1e9);
	if (done)
		printf(", %.0f ns a packet",
		       (double)value[VROUTER_A_STATS_CPU_NS] / done);
	putchar('\n');
}

static void show_reasons(const char *head, const uint64_t *count,
			 const struct name *names, int max)
{
	bool any = false;
	int i;

	for (i = 1; i <= max; i++) {
		if (!count[i] && !opt(OPT_DETAILS))
			continue;
		if (!any)
			printf("  %s\n", head);
		any = true;
		printf("    %-18s %12" PRIu64 "  %s\n", names[i].name, count[i],
		       names[i].doc);
	}
}

static void show_delay(const struct hist *hist)
{
	uint64_t most = 0;
	char a[24], b[24];
	unsigned int i;
	int width;

	if (!hist_total(hist))
		return;
	printf("  delay in the queue: p50 %s, p99 %s\n",
	       out_ns(a, sizeof(a), hist_percentile(hist, 0.50)),
	       out_ns(b, sizeof(b), hist_percentile(hist, 0.99)));
	for (i = 0; i < hist->n; i++)
		if (hist->bucket[i].count > most)
			most = hist->bucket[i].count;
	for (i = 0; i < hist->n; i++) {
		if (!hist->bucket[i].count)
			continue;
		/* what is there shows, however little */
		width = (double)hist->bucket[i].count / most * (BAR_WIDTH - 1) + 1;
		printf("    >= %-9s %12" PRIu64 "  %.*s\n",
		       out_ns(a, sizeof(a), hist->bucket[i].min), hist->bucket[i].count,
		       width, "########################################");
	}
}

/**
 * router_show() - print everything about a router
 * @router: router
 */
void router_show(const struct router *router)
{
	show_settings(router);
	if (!rec_has(&router->rec, VROUTER_A_ROUTER_STATS))
		return;
	show_counters(router->stats.value);
	show_reasons("punted, by reason", router->stats.punt, punt_names,
		     VROUTER_PUNT_MAX);
	show_reasons("dropped, by reason", router->stats.drop, drop_names,
		     VROUTER_DROP_MAX);
	show_delay(&router->stats.delay);
}

/* Keep the routers of this name; with -a there may be several. */
static void show_filter(struct router_list *list, const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		if (!strcmp(list->v[i].rec.s[VROUTER_A_ROUTER_IFNAME], name))
			list->v[n++] = list->v[i];
	list->n = n;
}

/* Return: exit status */
static int show_find(struct nl *nl, const char *name, struct router_list *list)
{
	int err;

	if (name && !opt(OPT_ALL)) {
		list->v = xrealloc(NULL, 1, sizeof(*list->v));
		list->n = 1;
		err = router_get(nl, name, list->v);
	} else {
		err = router_dump(nl, list);
	}
	if (err)
		return router_failure(nl, err);
	if (name && opt(OPT_ALL)) {
		show_filter(list, name);
		if (!list->n)
			return failure("no namespace has a router %s", name);
	}
	return VRCTL_OK;
}

int show_run(int argc, char **argv)
{
	struct router_list list = { 0 };
	struct nl nl;
	size_t i;
	int rc;

	if (argc > 1)
		return usage_error("show takes one ROUTER at most");
	if (argc && router_check_name(argv[0]))
		return VRCTL_USAGE;
	if (nl_open_vrouter(&nl))
		return VRCTL_FAILED;
	rc = show_find(&nl, argc ? argv[0] : NULL, &list);
	if (!rc && opt(OPT_JSON)) {
		json_start(stdout);
		json_open(NULL, '[');
		for (i = 0; i < list.n; i++)
			router_json(NULL, &list.v[i]);
		json_close();
		json_end();
	} else if (!rc) {
		for (i = 0; i < list.n; i++) {
			if (i)
				putchar('\n');
			router_show(&list.v[i]);
		}
	}
	free(list.v);
	nl_close(&nl);
	return rc;
}
