// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "rates.h"

/* The same router, earlier. Numbers are used again: the namespace has its name, too. */
static const struct router *rates_find(const struct router_list *list,
				       const struct router *now)
{
	const struct record *rec = &now->rec;
	size_t i;

	for (i = 0; list && i < list->n; i++) {
		const struct record *r = &list->v[i].rec;

		if (r->u[VROUTER_A_ROUTER_IFINDEX] == rec->u[VROUTER_A_ROUTER_IFINDEX] &&
		    r->u[VROUTER_A_ROUTER_NETNSID] == rec->u[VROUTER_A_ROUTER_NETNSID] &&
		    rec_has(r, VROUTER_A_ROUTER_NETNSID) ==
		    rec_has(rec, VROUTER_A_ROUTER_NETNSID) &&
		    !strcmp(list->v[i].netns, now->netns))
			return &list->v[i];
	}
	return NULL;
}

/* A counter that is less than before was reset, and started at zero again. */
static double rates_delta(const struct router *now, const struct router *then, int attr)
{
	uint64_t a = now->stats.value[attr], b = then ? then->stats.value[attr] : 0;

	return a >= b ? a - b : a;
}

static void rates_one(struct rate *rate, const struct router *now,
		      const struct router *then, double seconds)
{
	static const struct hist empty;
	struct hist delay;

	memset(rate, 0, sizeof(*rate));
	rate->router = now;
	rate->received = rates_delta(now, then, VROUTER_A_STATS_RX_PACKETS) / seconds;
	rate->forwarded = rates_delta(now, then, VROUTER_A_STATS_FORWARDED_PACKETS) / seconds;
	rate->punted = rates_delta(now, then, VROUTER_A_STATS_PUNTED_PACKETS) / seconds;
	rate->dropped = rates_delta(now, then, VROUTER_A_STATS_DROPPED_PACKETS) / seconds;
	rate->bits = rates_delta(now, then, VROUTER_A_STATS_FORWARDED_BYTES) * 8 / seconds;
	rate->cpu = rates_delta(now, then, VROUTER_A_STATS_CPU_NS) / 1e9 / seconds;
	hist_since(&delay, &now->stats.delay, then ? &then->stats.delay : &empty);
	rate->p50 = hist_percentile(&delay, 0.50);
	rate->p99 = hist_percentile(&delay, 0.99);
}

/**
 * rates_compute() - rates of all routers
 * @rates: result, as many as @now has routers
 * @now: later reading
 * @then: earlier reading, or NULL for totals
 * @seconds: between them; 1 for totals
 */
void rates_compute(struct rate *rates, const struct router_list *now,
		   const struct router_list *then, double seconds)
{
	double cpu = 0, weight = 0;
	size_t i;

	for (i = 0; i < now->n; i++) {
		rates_one(&rates[i], &now->v[i], rates_find(then, &now->v[i]),
			  seconds);
		cpu += rates[i].cpu;
		weight += now->v[i].rec.u[VROUTER_A_ROUTER_WEIGHT];
	}
	for (i = 0; i < now->n; i++) {
		if (cpu > 0)
			rates[i].cpu_share = rates[i].cpu / cpu;
		if (weight > 0)
			rates[i].weight_share =
				now->v[i].rec.u[VROUTER_A_ROUTER_WEIGHT] / weight;
	}
}

static int rates_compare(const void *a, const void *b)
{
	const struct rate *x = a, *y = b;

	if (x->forwarded != y->forwarded)
		return x->forwarded < y->forwarded ? 1 : -1;
	return strcmp(x->router->rec.s[VROUTER_A_ROUTER_IFNAME],
		      y->router->rec.s[VROUTER_A_ROUTER_IFNAME]);
}

/* Most forwarded first. */
void rates_sort(struct rate *rates, size_t n)
{
	qsort(rates, n, sizeof(*rates), rates_compare);
}
