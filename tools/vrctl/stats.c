// SPDX-License-Identifier: GPL-2.0
/* stats: counters and rates of routers, once or again and again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "names.h"
#include "netns.h"
#include "out.h"
#include "rates.h"
#include "term.h"
#include "vrctl.h"

/**
 * struct sample - one reading of all routers
 * @list: the routers
 * @ms: when, on a clock that nobody sets
 */
struct sample {
	struct router_list list;
	uint64_t ms;
};

/**
 * struct view - what to show, and how
 * @names: of the routers to show
 * @n_names: how many, 0 for all
 * @totals: counters since creation, not rates
 * @screen: stdout is a terminal that we have taken
 */
struct view {
	char **names;
	int n_names;
	bool totals;
	bool screen;
};

/* Return: 0 or -errno */
static int stats_read(struct nl *nl, struct sample *sample)
{
	int err = router_dump(nl, &sample->list);
	struct router *router;
	size_t i;

	sample->ms = term_now_ms();
	for (i = 0; !err && i < sample->list.n; i++) {
		router = &sample->list.v[i];
		if (rec_has(&router->rec, VROUTER_A_ROUTER_NETNSID))
			snprintf(router->netns, sizeof(router->netns), "%s",
				 netns_find_name(router->rec.u[VROUTER_A_ROUTER_NETNSID]));
	}
	return err;
}

static bool stats_wanted(const struct view *view, const struct router *router)
{
	int i;

	for (i = 0; i < view->n_names; i++)
		if (!strcmp(view->names[i], router->rec.s[VROUTER_A_ROUTER_IFNAME]))
			return true;
	return !view->n_names;
}

/* Return: 0, or VRCTL_FAILED when a router that was asked for is not there */
static int stats_check_names(const struct view *view, const struct sample *sample)
{
	size_t j;
	int i;

	for (i = 0; i < view->n_names; i++) {
		for (j = 0; j < sample->list.n; j++)
			if (!strcmp(view->names[i],
				    sample->list.v[j].rec.s[VROUTER_A_ROUTER_IFNAME]))
				break;
		if (j == sample->list.n)
			return failure("there is no router %s", view->names[i]);
	}
	return 0;
}

static void stats_print_head(FILE *f, const struct view *view)
{
	fprintf(f, "%-15s %6s %6s %6s %6s %7s %6s %9s %6s %6s %7s %7s\n", "ROUTER",
		view->totals ? "RECV" : "RECV/s", view->totals ? "FWD" : "FWD/s",
		view->totals ? "PUNT" : "PUNT/s", view->totals ? "DROP" : "DROP/s",
		view->totals ? "MByte" : "Mbit/s", view->totals ? "CPU s" : "CPU %",
		"CPU/WGT %", "QUEUE", "PEAK", "P50", "P99");
}

static void stats_print_row(FILE *f, const struct view *view, const struct rate *rate)
{
	const struct record *rec = &rate->router->rec;
	const uint64_t *value = rate->router->stats.value;
	char c[6][16], share[32], p50[24], p99[24], name[320];

	snprintf(name, sizeof(name), "%s", record_string(rec, VROUTER_A_ROUTER_IFNAME));
	if (rec_has(rec, VROUTER_A_ROUTER_NETNSID))
		snprintf(name + strlen(name), sizeof(name) - strlen(name), "@%s",
			 out_clean(netns_name(rec->u[VROUTER_A_ROUTER_NETNSID])));
	snprintf(share, sizeof(share), "%.0f/%.0f", 100 * rate->cpu_share,
		 100 * rate->weight_share);
	fprintf(f, "%-15s %6s %6s %6s %6s %7.1f %6.1f %9s %6s %6s %7s %7s\n", name,
		out_count(c[0], sizeof(c[0]), rate->received),
		out_count(c[1], sizeof(c[1]), rate->forwarded),
		out_count(c[2], sizeof(c[2]), rate->punted),
		out_count(c[3], sizeof(c[3]), rate->dropped),
		rate->bits / (view->totals ? 8e6 : 1e6),
		view->totals ? rate->cpu : 100 * rate->cpu, share,
		out_count(c[4], sizeof(c[4]), value[VROUTER_A_STATS_QUEUED_PACKETS]),
		out_count(c[5], sizeof(c[5]), value[VROUTER_A_STATS_QUEUED_PEAK]),
		out_ns(p50, sizeof(p50), rate->p50), out_ns(p99, sizeof(p99), rate->p99));
}

static void stats_print(FILE *f, const struct view *view, const struct rate *rates,
			size_t n)
{
	size_t i;

	stats_print_head(f, view);
	for (i = 0; i < n; i++)
		if (stats_wanted(view, rates[i].router))
			stats_print_row(f, view, &rates[i]);
}

/* Print the text into the window from its top, cut where it does not fit. */
static void stats_paint(const char *text)
{
	int rows, cols, row = 0;
	size_t len;

	term_size(&rows, &cols);
	fputs("\033[H", stdout);
	while (*text && row < rows) {
		len = strcspn(text, "\n");
		printf("%s%.*s\033[K", row++ ? "\r\n" : "",
		       (int)(len < (size_t)cols ? len : (size_t)cols), text);
		text += len + (text[len] == '\n');
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

static void stats_paint_rates(const struct view *view, const struct rate *rates, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return;
	fprintf(f, "vrctl stats: %zu router%s, q ends\n", n, n == 1 ? "" : "s");
	stats_print(f, view, rates, n);
	if (!fclose(f))
		stats_paint(text);
	free(text);
}

static void stats_json_rates(const struct rate *rate)
{
	json_fixed("received-per-second", rate->received, 1);
	json_fixed("forwarded-per-second", rate->forwarded, 1);
	json_fixed("punted-per-second", rate->punted, 1);
	json_fixed("dropped-per-second", rate->dropped, 1);
	json_fixed("forwarded-bits-per-second", rate->bits, 0);
	json_fixed("cpu-percent", 100 * rate->cpu, 2);
}

/* One object, on one line. */
static void stats_json_sample(const struct view *view, const struct rate *rates,
			      size_t n, double seconds)
{
	const struct record *rec;
	struct timespec ts;
	size_t i;

	clock_gettime(CLOCK_REALTIME, &ts);
	json_start(stdout);
	json_open(NULL, '{');
	json_fixed("time", ts.tv_sec + ts.tv_nsec / 1e9, 3);
	if (!view->totals)
		json_fixed("interval", seconds, 3);
	json_open("routers", '[');
	for (i = 0; i < n; i++) {
		if (!stats_wanted(view, rates[i].router))
			continue;
		json_open(NULL, '{');
		rec = &rates[i].router->rec;
		record_json(rec, router_fields, VROUTER_A_ROUTER_MAX);
		netns_json(rec_has(rec, VROUTER_A_ROUTER_NETNSID),
			   rec->u[VROUTER_A_ROUTER_NETNSID]);
		if (!view->totals)
			stats_json_rates(&rates[i]);
		json_fixed("cpu-share-percent", 100 * rates[i].cpu_share, 2);
		json_fixed("weight-share-percent", 100 * rates[i].weight_share, 2);
		json_u64("delay-p50-ns", rates[i].p50);
		json_u64("delay-p99-ns", rates[i].p99);
		stats_json(&rates[i].router->stats);
		json_close();
	}
	json_close();
	json_close();
	json_end();
}

static void stats_show(const struct view *view, const struct sample *now,
		       const struct sample *then)
{
	double seconds = then ? (now->ms - then->ms) / 1e3 : 1;
	struct rate *rates = xrealloc(NULL, now->list.n, sizeof(*rates));

	if (seconds <= 0)
		seconds = 1e-3;
	rates_compute(rates, &now->list, then ? &then->list : NULL, seconds);
	if (!view->totals)
		rates_sort(rates, now->list.n);
	if (opt(OPT_JSON))
		stats_json_sample(view, rates, now->list.n, seconds);
	else if (view->screen)
		stats_paint_rates(view, rates, now->list.n);
	else
		stats_print(stdout, view, rates, now->list.n);
	if (!view->screen && !view->totals && !opt(OPT_JSON))
		putchar('\n');
	fflush(stdout);
	free(rates);
}

/* Show rates until told to stop. Return: 0 or -errno */
static int stats_watch(struct nl *nl, struct view *view, struct sample *sample)
{
	uint32_t every = opt(OPT_WATCH) ? opts.watch_ms : 1000, shown = 0;
	struct sample *then = &sample[0], *now = &sample[1], *swap;
	uint64_t next = then->ms + every;
	bool have = false, redraw;
	int err;

	view->screen = !opt(OPT_JSON) && term_full_screen();
	if (view->screen)
		stats_show(view, then, then);
	while (term_wait_until(next, &redraw)) {
		if (redraw) {
			/* after a swap, now holds the reading before */
			if (view->screen)
				stats_show(view, then, have ? now : then);
			continue;
		}
		err = stats_read(nl, now);
		if (err)
			return err;
		stats_show(view, now, then);
		swap = then;
		then = now;
		now = swap;
		have = true;
		if (opt(OPT_COUNT) && ++shown >= opts.count)
			break;
		if (ferror(stdout))
			break;
		/* When we were held up, do not hurry to catch up. */
		next = next + every > then->ms ? next + every : then->ms + every;
	}
	return 0;
}

int stats_run(int argc, char **argv)
{
	struct view view = { .names = argv, .n_names = argc };
	struct sample sample[2] = { 0 };
	struct nl nl;
	int i, err, rc;

	for (i = 0; i < argc; i++)
		if (router_check_name(argv[i]))
			return VRCTL_USAGE;
	if (nl_open_vrouter(&nl))
		return VRCTL_FAILED;
	view.totals = !opt(OPT_WATCH) && !opt(OPT_COUNT);
	if (!view.totals)
		term_catch_signals();
	err = stats_read(&nl, &sample[0]);
	rc = err ? 0 : stats_check_names(&view, &sample[0]);
	if (!err && !rc && view.totals)
		stats_show(&view, &sample[0], NULL);
	else if (!err && !rc)
		err = stats_watch(&nl, &view, sample);
	if (err)
		rc = router_failure(&nl, err);
	free(sample[0].list.v);
	free(sample[1].list.v);
	nl_close(&nl);
	return rc;
}
