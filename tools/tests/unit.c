// SPDX-License-Identifier: GPL-2.0
/* The functions that need no kernel. Prints TAP. */
#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hist.h"
#include "names.h"
#include "nl.h"
#include "out.h"
#include "parse.h"
#include "rates.h"
#include "route.h"
#include "vrctl.h"

struct options opts;

static int planned, count, failed;

static void ok(bool good, const char *what, const char *arg)
{
	char name[128];

	snprintf(name, sizeof(name), "%s", arg);
	out_clean_line(name);
	for (char *c = name; *c; c++)
		if (*c == '#')
			*c = ' ';
	count++;
	failed += !good;
	printf("%sok %d %s %s\n", good ? "" : "not ", count, what, name);
}

static void ok_text(const char *got, const char *want, const char *what)
{
	ok(!strcmp(got, want), what, want);
	if (strcmp(got, want))
		printf("# got %s\n", got);
}

static const struct { const char *text; bool good; uint32_t value; } u32_cases[] = {
	{ "0", true, 0 }, { "1", true, 1 }, { "007", true, 7 },
	{ "4294967295", true, 4294967295u }, { "4294967296", false, 0 },
	{ "99999999999999999999999", false, 0 }, { "", false, 0 }, { "-1", false, 0 },
	{ "+1", false, 0 }, { " 1", false, 0 }, { "1 ", false, 0 }, { "0x10", false, 0 },
	{ "1k", false, 0 }, { "1.5", false, 0 }, { "ten", false, 0 },
};

static void test_u32(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(u32_cases); i++) {
		uint32_t v = 0;
		bool good = parse_u32(u32_cases[i].text, &v);

		ok(good == u32_cases[i].good && (!good || v == u32_cases[i].value),
		   "parse_u32", u32_cases[i].text);
	}
}

static const struct { const char *text; uint32_t ms; } ms_cases[] = {
	{ "1", 1000 }, { "0.5", 500 }, { ".25", 250 }, { "2.", 2000 }, { "0.01", 10 },
	{ "1.234", 1234 }, { "86400", 86400000 }, { "86401", 0 }, { "0", 0 },
	{ "0.009", 0 }, { "1.2345", 0 }, { "", 0 }, { ".", 0 }, { "-1", 0 }, { "1e3", 0 },
	{ "1.2.3", 0 }, { "99999999999999999999", 0 }, { "inf", 0 },
};

static void test_ms(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ms_cases); i++) {
		uint32_t ms = 0;
		bool good = parse_ms(ms_cases[i].text, &ms);

		ok(good == !!ms_cases[i].ms && ms == ms_cases[i].ms, "parse_ms",
		   ms_cases[i].text);
	}
}

static const struct { const char *text; bool good; uint64_t rate; } rate_cases[] = {
	{ "0", true, 0 }, { "8", true, 1 }, { "8bit", true, 1 }, { "1kbit", true, 125 },
	{ "200mbit", true, 25000000 }, { "200Mbit", true, 25000000 },
	{ "1gbit", true, 125000000 }, { "1tbit", true, 125000000000 }, { "5bps", true, 5 },
	{ "5kbps", true, 5000 }, { "18446744073709551615bps", true, UINT64_MAX },
	{ "18446744073709551616bps", false, 0 }, { "18446744073709551615kbit", false, 0 },
	{ "7bit", false, 0 }, { "1", false, 0 }, { "", false, 0 }, { "bit", false, 0 },
	{ "1k", false, 0 }, { "1.5mbit", false, 0 }, { "-1mbit", false, 0 },
	{ "1mbits", false, 0 }, { "1 mbit", false, 0 }, { "1pbit", false, 0 },
	{ "99999999999999999999", false, 0 },
};

static void test_bitrates(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rate_cases); i++) {
		uint64_t rate = 0;
		bool good = parse_rate(rate_cases[i].text, &rate);

		ok(good == rate_cases[i].good && (!good || rate == rate_cases[i].rate),
		   "parse_rate", rate_cases[i].text);
	}
}

static const struct { const char *text; bool good; } name_cases[] = {
	{ "vr-red", true }, { "a", true }, { "fifteen-letters", true },
	{ "sixteen-letters!", false }, { "", false }, { ".", false }, { "..", false },
	{ "...", true }, { "a/b", false }, { "a:1", false }, { "a b", false },
	{ "a\tb", false }, { "vr%d", false }, { "\xc3\xa9", true },
};

static void test_names(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(name_cases); i++)
		ok(parse_ifname(name_cases[i].text) == name_cases[i].good, "parse_ifname",
		   name_cases[i].text);
	ok(parse_netns("blue"), "parse_netns", "blue");
	ok(!parse_netns("a/b") && !parse_netns("..") && !parse_netns(""), "parse_netns",
	   "bad ones");
}

static const struct {
	const char *text, *nic, *name;
	uint32_t vlan;
} port_cases[] = {
	{ "eth0=red0", "eth0", "red0", 0 }, { "eth0:10=red0", "eth0", "red0", 10 },
	{ "eth0:4094=r", "eth0", "r", 4094 }, { "eth0:1=r", "eth0", "r", 1 },
	{ "e=a=b", "e", "a=b", 0 },
	{ "eth0", NULL, NULL, 0 }, { "=red0", NULL, NULL, 0 }, { "eth0=", NULL, NULL, 0 },
	{ "eth0:0=r", NULL, NULL, 0 }, { "eth0:4095=r", NULL, NULL, 0 },
	{ "eth0:=r", NULL, NULL, 0 }, { "eth0:x=r", NULL, NULL, 0 },
	{ "eth0:-1=r", NULL, NULL, 0 }, { "eth0:1:2=r", NULL, NULL, 0 },
	{ ":1=r", NULL, NULL, 0 }, { "eth0=a:b", NULL, NULL, 0 },
	{ "sixteen-letters!=r", NULL, NULL, 0 }, { "eth0=sixteen-letters!", NULL, NULL, 0 },
	{ "eth0:00000000000000000000010=r", NULL, NULL, 0 },
};

static void test_ports(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(port_cases); i++) {
		struct port_spec spec;
		bool good = !parse_port(port_cases[i].text, &spec);

		if (good && port_cases[i].nic)
			good = !strcmp(spec.nic, port_cases[i].nic) &&
			       !strcmp(spec.name, port_cases[i].name) &&
			       spec.vlan == port_cases[i].vlan;
		else
			good = good == !!port_cases[i].nic;
		ok(good, "parse_port", port_cases[i].text);
	}
}

static const struct { const char *text; int len; } addr_cases[] = {
	{ "10.0.0.1", 4 }, { "::1", 16 }, { "2001:db8::1", 16 }, { "::ffff:1.2.3.4", 16 },
	{ "10.0.0", 0 }, { "10.0.0.256", 0 }, { "10.0.0.1/8", 0 }, { "fe80::1%eth0", 0 },
	{ "", 0 }, { "host", 0 },
};

static void test_addresses(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(addr_cases); i++) {
		struct address addr;

		parse_address(addr_cases[i].text, &addr);
		ok(addr.len == addr_cases[i].len, "parse_address", addr_cases[i].text);
	}
}

static const struct { const char *text; int len; uint32_t plen; } prefix_cases[] = {
	{ "10.0.0.0/8", 4, 8 }, { "0.0.0.0/0", 4, 0 }, { "::/0", 16, 0 }, { "10.0.0.1", 4, 32 },
	{ "2001:db8::/32", 16, 32 }, { "::1", 16, 128 }, { "10.0.0.128/25", 4, 25 },
	{ "10.0.0.1/8", 0, 0 }, { "10.0.0.128/24", 0, 0 }, { "::1/127", 0, 0 },
	{ "10.0.0.0/33", 0, 0 }, { "::/129", 0, 0 }, { "10.0.0.0/", 0, 0 }, { "/8", 0, 0 },
	{ "10.0.0.0/-1", 0, 0 }, { "10.0.0.0/8/8", 0, 0 }, { "host/8", 0, 0 },
	{ "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/8", 0, 0 },
};

static void test_prefixes(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefix_cases); i++) {
		struct address addr;
		uint32_t plen = 0;
		bool good = !parse_prefix(prefix_cases[i].text, &addr, &plen);

		if (prefix_cases[i].len)
			good = good && addr.len == prefix_cases[i].len &&
			       plen == prefix_cases[i].plen;
		else
			good = !good;
		ok(good, "parse_prefix", prefix_cases[i].text);
	}
}

/* A list of routes as text: PREFIX [REASON] [via GATEWAY[*WEIGHT][@OIF]]... [mtu N] */
static void read_routes(struct route_list *list, const char *text)
{
	char line[512], *word, *save, *c;
	struct route_path *path;
	struct route *route = NULL;
	struct address addr;
	uint32_t plen;

	route_list_clear(list);
	snprintf(line, sizeof(line), "%s", text);
	for (word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (!parse_prefix(word, &addr, &plen)) {
			route = route_add(list);
			route->len = addr.len;
			route->plen = plen;
			memcpy(route->addr, addr.bytes, sizeof(route->addr));
		} else if (!strcmp(word, "via")) {
			word = strtok_r(NULL, " ", &save);
			path = route_add_path(list, route);
			c = strchr(word, '@');
			path->oif = c ? atoi(c + 1) : 5;
			if (c)
				*c = '\0';
			c = strchr(word, '*');
			path->weight = c ? atoi(c + 1) : 1;
			if (c)
				*c = '\0';
			if (parse_address(word, &addr)) {
				path->gw_len = addr.len;
				memcpy(path->gw, addr.bytes, sizeof(path->gw));
			}
		} else if (!strcmp(word, "mtu")) {
			route->mtu = atoi(strtok_r(NULL, " ", &save));
		} else if (!strcmp(word, "unknown")) {
			route->unknown = true;
		} else if (!strcmp(word, "maybe")) {
			route->maybe = atoi(strtok_r(NULL, " ", &save));
		} else {
			route->reason = atoi(word + 1);
		}
	}
}

static const struct { const char *kernel, *fib, *want; } compare_cases[] = {
	{ "", "", "" },
	{ "10.0.0.0/8 via 1.1.1.1 ::/0 r10", "::/0 r10 10.0.0.0/8 via 1.1.1.1", "" },
	/* the first of several is the one in use */
	{ "10.0.0.0/8 via 1.1.1.1 10.0.0.0/8 via 2.2.2.2", "10.0.0.0/8 via 1.1.1.1", "" },
	{ "10.0.0.0/8 via 1.1.1.1 10.0.0.0/8 via 2.2.2.2", "10.0.0.0/8 via 2.2.2.2",
	  "10.0.0.0/8 gateway;" },
	{ "10.0.0.0/8 via 1.1.1.1", "", "10.0.0.0/8 missing;" },
	{ "", "10.0.0.0/8 via 1.1.1.1", "10.0.0.0/8 left over;" },
	{ "10.0.0.0/8 via 1.1.1.1", "10.0.0.0/9 via 1.1.1.1",
	  "10.0.0.0/8 missing;10.0.0.0/9 left over;" },
	{ "0.0.0.0/0 via 1.1.1.1", "::/0 via 1.1.1.1", "0.0.0.0/0 missing;::/0 left over;" },
	{ "10.0.0.0/8 via 1.1.1.1", "10.0.0.0/8 via 1.1.1.1@6", "10.0.0.0/8 device;" },
	{ "10.0.0.0/8 via 1.1.1.1", "10.0.0.0/8 via link", "10.0.0.0/8 gateway;" },
	{ "10.0.0.0/8 via 1.1.1.1", "10.0.0.0/8 via 101:101::", "10.0.0.0/8 gateway;" },
	{ "10.0.0.0/8 via 1.1.1.1", "10.0.0.0/8 r11", "10.0.0.0/8 type;" },
	{ "10.0.0.0/8 r11", "10.0.0.0/8 via 1.1.1.1", "10.0.0.0/8 type;" },
	{ "10.0.0.0/8 r11", "10.0.0.0/8 r12", "10.0.0.0/8 type;" },
	{ "10.0.0.0/8 via 1.1.1.1", "10.0.0.0/8 via 1.1.1.1 mtu 1300", "10.0.0.0/8 mtu;" },
	{ "10.0.0.0/8 r11 via 1.1.1.1 mtu 9", "10.0.0.0/8 r11", "" },
	{ "10.0.0.0/8 via 1.1.1.1*7", "10.0.0.0/8 via 1.1.1.1", "" },
	{ "10.0.0.0/8 via 1.1.1.1*7 via 1.1.1.2", "10.0.0.0/8 via 1.1.1.2 via 1.1.1.1*7", "" },
	{ "10.0.0.0/8 via 1.1.1.1*7 via 1.1.1.2", "10.0.0.0/8 via 1.1.1.2 via 1.1.1.1*6",
	  "10.0.0.0/8 weight;" },
	{ "10.0.0.0/8 via 1.1.1.1 via 1.1.1.2", "10.0.0.0/8 via 1.1.1.1",
	  "10.0.0.0/8 number of paths;" },
	{ "10.0.0.0/8 unknown", "10.0.0.0/8 via 1.1.1.1", "" },
	{ "10.0.0.0/8 unknown", "10.0.0.0/8 r11", "10.0.0.0/8 type;" },
	{ "::/0 maybe 12 via fe80::1", "::/0 r12", "" },
	{ "::/0 maybe 12 via fe80::1", "::/0 r11", "::/0 type;" },
	{ "10.0.0.0/8 r11 10.0.0.0/16 r11 10.1.0.0/16 r11 ::/0 r11 ::/1 r11",
	  "10.0.0.0/8 r11 10.0.0.0/16 r11 10.1.0.0/16 r12 ::/1 r11 8000::/1 r11",
	  "10.1.0.0/16 type;::/0 missing;8000::/1 left over;" },
};

static void note_difference(const struct route_diff *diff, void *data)
{
	char *text = data, buf[ROUTE_TEXT];
	size_t len = strlen(text);

	snprintf(text + len, 512 - len, "%s %s;",
		 route_prefix(diff->want ? diff->want : diff->got, buf), diff->what);
}

static void test_compare(void)
{
	struct route_list kernel = { 0 }, fib = { 0 };
	char text[512], name[32];

	for (size_t i = 0; i < ARRAY_SIZE(compare_cases); i++) {
		read_routes(&kernel, compare_cases[i].kernel);
		read_routes(&fib, compare_cases[i].fib);
		route_sort(&kernel);
		route_first(&kernel);
		route_sort(&fib);
		text[0] = '\0';
		route_compare(&kernel, &fib, note_difference, text);
		snprintf(name, sizeof(name), "route_compare, case %zu", i);
		ok_text(text, compare_cases[i].want, name);
	}
	route_list_free(&kernel);
	route_list_free(&fib);
}

static const struct { const char *text, *json; } json_cases[] = {
	{ "plain", "\"plain\"" }, { "", "\"\"" }, { "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "\033[2J\n", "\"\\u001b[2J\\u000a\"" }, { "\x7f", "\"\\u007f\"" },
	{ "\xc3\xa9", "\"\xc3\xa9\"" }, { "\xe2\x82\xac", "\"\xe2\x82\xac\"" },
	{ "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"" },
	{ "\xff", "\"\\ufffd\"" }, { "\xc3", "\"\\ufffd\"" }, { "\xc3(", "\"\\ufffd(\"" },
	{ "\xc0\xaf", "\"\\ufffd\\ufffd\"" }, /* overlong */
	{ "\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"" },
	{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" }, /* surrogate */
	{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
};

static void test_json(void)
{
	char *text;
	size_t size;
	FILE *f;

	for (size_t i = 0; i < ARRAY_SIZE(json_cases); i++) {
		f = open_memstream(&text, &size);
		json_start(f);
		json_string(NULL, json_cases[i].text);
		fclose(f);
		ok_text(text, json_cases[i].json, "json_string");
		free(text);
	}
	f = open_memstream(&text, &size);
	json_start(f);
	json_open(NULL, '[');
	json_open(NULL, '{');
	json_u64("a", UINT64_MAX);
	json_s64("b", -1);
	json_fixed("c", 1.25, 1);
	json_fixed("d", INFINITY, 1);
	json_open("e", '[');
	json_close();
	json_true("f");
	json_close();
	json_open(NULL, '{');
	json_close();
	json_close();
	json_end();
	fclose(f);
	ok_text(text, "[{\"a\":18446744073709551615,\"b\":-1,\"c\":1.2,\"d\":0.0,"
		"\"e\":[],\"f\":true},{}]\n", "json");
	free(text);
}

static const struct { uint64_t ns; const char *text; } ns_cases[] = {
	{ 0, "0 ns" }, { 999, "999 ns" }, { 1000, "1.00 us" }, { 1024, "1.02 us" },
	{ 9994, "9.99 us" }, { 9996, "10.0 us" }, { 99940, "99.9 us" }, { 99960, "100 us" },
	{ 999499, "999 us" }, { 999501, "1.00 ms" }, { 1500000000, "1.50 s" },
	{ 3600000000000, "3600 s" },
};

static const struct { double count; const char *text; } count_cases[] = {
	{ 0, "0" }, { 9999, "9999" }, { 10000, "10.0k" }, { 123456, "123k" },
	{ 999400, "999k" }, { 999600, "1.00M" }, { 14880952, "14.9M" }, { 1.8e19, "18.0E" },
};

static void test_text(void)
{
	char buf[32];

	for (size_t i = 0; i < ARRAY_SIZE(ns_cases); i++)
		ok_text(out_ns(buf, sizeof(buf), ns_cases[i].ns), ns_cases[i].text, "out_ns");
	for (size_t i = 0; i < ARRAY_SIZE(count_cases); i++)
		ok_text(out_count(buf, sizeof(buf), count_cases[i].count),
			count_cases[i].text, "out_count");
	ok_text(out_clean("a\033[2Jb\xc3\nc"), "a?[2Jb? c", "out_clean");
}

static const struct {
	struct hist hist;
	double p;
	uint64_t want;
} hist_cases[] = {
	{ { 0 }, 0.5, 0 },
	{ { 1, { { 1024, 0 } } }, 0.5, 0 },
	{ { 1, { { 1024, 100 } } }, 0.5, 1536 },
	{ { 1, { { 1024, 100 } } }, 1, 2048 },
	{ { 1, { { 1024, 100 } } }, 0, 1024 },
	{ { 1, { { 0, 100 } } }, 0.99, 0 },
	{ { 2, { { 1024, 50 }, { 2048, 50 } } }, 0.5, 2048 },
	{ { 2, { { 1024, 50 }, { 2048, 50 } } }, 0.75, 3072 },
	{ { 2, { { 1024, 99 }, { 1048576, 1 } } }, 0.99, 2048 },
	{ { 2, { { 1024, 98 }, { 1048576, 2 } } }, 0.99, 1572864 },
	{ { 3, { { 1, 10 }, { 2, 0 }, { 4, 10 } } }, 0.6, 4 },
};

static void test_hist(void)
{
	struct hist then = { 0 }, now = { 0 }, diff;
	char name[32];

	for (size_t i = 0; i < ARRAY_SIZE(hist_cases); i++) {
		uint64_t got = hist_percentile(&hist_cases[i].hist, hist_cases[i].p);

		snprintf(name, sizeof(name), "case %zu", i);
		ok(got == hist_cases[i].want, "hist_percentile", name);
		if (got != hist_cases[i].want)
			printf("# got %llu\n", (unsigned long long)got);
	}
	hist_add(&then, 8, 5);
	hist_add(&then, 2, 7);
	hist_add(&then, 32, 100);
	hist_add(&now, 2, 9);
	hist_add(&now, 4, 3);
	hist_add(&now, 8, 5);
	hist_add(&now, 32, 10);
	ok(then.n == 3 && then.bucket[0].min == 2 && then.bucket[1].min == 8, "hist_add",
	   "sorts");
	hist_since(&diff, &now, &then);
	ok(diff.n == 3 && diff.bucket[0].count == 2 && diff.bucket[1].count == 3 &&
	   diff.bucket[2].count == 10 && hist_total(&diff) == 15, "hist_since",
	   "with a reset");
	memset(&now, 0, sizeof(now));
	for (int i = 0; i < 100; i++)
		hist_add(&now, i + 1, 1);
	ok(now.n == HIST_BUCKETS, "hist_add", "more buckets than fit");
}

static void set_router(struct router *router, int ifindex, uint32_t weight, uint64_t packets,
		       uint64_t cpu)
{
	memset(router, 0, sizeof(*router));
	router->rec.u[VROUTER_A_ROUTER_IFINDEX] = ifindex;
	router->rec.u[VROUTER_A_ROUTER_WEIGHT] = weight;
	router->stats.value[VROUTER_A_STATS_FORWARDED_PACKETS] = packets;
	router->stats.value[VROUTER_A_STATS_FORWARDED_BYTES] = packets * 100;
	router->stats.value[VROUTER_A_STATS_CPU_NS] = cpu;
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

static void test_rates(void)
{
	struct router a[2], b[3];
	struct router_list then = { a, 2, 2 }, now = { b, 3, 3 };
	struct rate r[3];

	set_router(&a[0], 5, 1, 1000, 0);
	set_router(&a[1], 6, 1, 5000, 900000000);
	set_router(&b[0], 6, 1, 400, 500000000); /* was reset */
	set_router(&b[1], 5, 3, 3000, 1500000000);
	set_router(&b[2], 7, 0, 10000, 0); /* is new */
	rates_compute(r, &now, &then, 2);
	ok(near(r[0].forwarded, 200) && near(r[0].cpu, 0.25), "rates", "after a reset");
	ok(near(r[1].forwarded, 1000) && near(r[1].bits, 800000), "rates", "of two readings");
	ok(near(r[2].forwarded, 5000), "rates", "of a new router");
	ok(near(r[0].cpu_share, 0.25) && near(r[1].cpu_share, 0.75) &&
	   near(r[0].weight_share, 0.25) && near(r[1].weight_share, 0.75), "rates", "shares");
	rates_sort(r, 3);
	ok(r[0].router == &b[2] && r[1].router == &b[1] && r[2].router == &b[0], "rates",
	   "most first");
	rates_compute(r, &now, NULL, 1);
	ok(near(r[1].forwarded, 3000) && near(r[1].cpu, 1.5), "rates", "totals");
	now.n = 0;
	rates_compute(r, &now, &then, 1);
	ok(true, "rates", "of no router");
	b[0].rec.has |= 1u << VROUTER_A_ROUTER_NETNSID;
	now.n = 1;
	rates_compute(r, &now, &then, 1);
	ok(near(r[0].forwarded, 400), "rates", "same index in another namespace");
}

/* A router message cut off at every length must not be read beyond its end. */
static void test_decode(void)
{
	char buf[512] __attribute__((aligned(4))), *copy;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct router router;
	struct nlattr *nest;
	uint32_t len;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	mnl_attr_put_strz(nlh, VROUTER_A_ROUTER_IFNAME, "vr0");
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_WEIGHT, 7);
	mnl_attr_put_u8(nlh, VROUTER_A_ROUTER_TABLE, 1);
	nest = mnl_attr_nest_start(nlh, VROUTER_A_ROUTER_STATS);
	mnl_attr_put_u64(nlh, VROUTER_A_STATS_RX_PACKETS, 1ull << 40);
	mnl_attr_put_u32(nlh, VROUTER_A_STATS_RX_BYTES, 9);
	mnl_attr_put_u16(nlh, VROUTER_A_STATS_CPU_NS, 9);
	mnl_attr_nest_end(nlh, nest);
	router_decode(&router, nlh);
	ok(!strcmp(router.rec.s[VROUTER_A_ROUTER_IFNAME], "vr0") &&
	   router.rec.u[VROUTER_A_ROUTER_WEIGHT] == 7 &&
	   !rec_has(&router.rec, VROUTER_A_ROUTER_TABLE), "decode", "sizes");
	ok(router.stats.value[VROUTER_A_STATS_RX_PACKETS] == 1ull << 40 &&
	   router.stats.value[VROUTER_A_STATS_RX_BYTES] == 9 &&
	   !router.stats.value[VROUTER_A_STATS_CPU_NS], "decode", "counters");
	for (len = nlh->nlmsg_len; len >= sizeof(*nlh); len--) {
		/* libmnl reads up to the next multiple of four, as netlink pads */
		copy = calloc(1, MNL_ALIGN(len));
		if (!copy)
			abort();
		memcpy(copy, buf, len);
		((struct nlmsghdr *)copy)->nlmsg_len = len;
		router_decode(&router, (struct nlmsghdr *)copy);
		free(copy);
	}
	ok(true, "decode", "cut off messages (valgrind tells)");
}

static void test_enums(void)
{
	bool good = true;
	int i;

	for (i = 1; i <= VROUTER_PUNT_MAX; i++)
		good = good && punt_names[i].name && punt_names[i].doc;
	for (i = 1; i <= VROUTER_DROP_MAX; i++)
		good = good && drop_names[i].name && drop_names[i].doc;
	ok(good, "names", "all reasons have one");
	ok_text(name_punt(VROUTER_PUNT_NO_ROUTE), "no-route", "name_punt");
	ok_text(name_punt(0), "unknown-0", "name_punt");
	ok_text(name_punt(4000000000u), "unknown-4000000000", "name_punt");
	ok_text(name_state(VROUTER_STATE_ACTIVE), "active", "name_state");
	ok_text(name_state(4), "unknown-4", "name_state");
	ok(value_netfilter("bypass") == VROUTER_NETFILTER_BYPASS && !value_netfilter("x"),
	   "value_netfilter", "");
}

int main(int argc, char **argv)
{
	planned = ARRAY_SIZE(u32_cases) + ARRAY_SIZE(ms_cases) + ARRAY_SIZE(name_cases) + 2 +
		  ARRAY_SIZE(rate_cases) +
		  ARRAY_SIZE(port_cases) + ARRAY_SIZE(addr_cases) + ARRAY_SIZE(json_cases) + 1 +
		  ARRAY_SIZE(prefix_cases) + ARRAY_SIZE(compare_cases) +
		  ARRAY_SIZE(ns_cases) + ARRAY_SIZE(count_cases) + 1 +
		  ARRAY_SIZE(hist_cases) + 3 + 8 + 3 + 7;
	if (argc > 1 && !strcmp(argv[1], "--names")) {
		/* for the comparison with the spec */
		for (int i = 1; i <= VROUTER_PUNT_MAX; i++)
			printf("punt %d %s %s\n", i, punt_names[i].name, punt_names[i].doc);
		for (int i = 1; i <= VROUTER_DROP_MAX; i++)
			printf("drop %d %s %s\n", i, drop_names[i].name, drop_names[i].doc);
		for (int i = 1; i <= VROUTER_A_ROUTER_MAX; i++)
			printf("router %d %s\n", i, router_fields[i].name ?: "-");
		for (int i = 1; i <= VROUTER_A_PORT_MAX; i++)
			printf("port %d %s\n", i, port_fields[i].name ?: "-");
		for (int i = 1; i <= VROUTER_A_FIB_MAX; i++)
			printf("fib %d %s\n", i, fib_fields[i].name ?: "-");
		for (int i = 1; i <= VROUTER_A_STATS_CPU_NS; i++)
			printf("stats %d %s\n", i, stats_names[i]);
		for (int i = 1; i <= VROUTER_A_MIRROR_LAG_PEAK_NS; i++)
			printf("mirror %d %s\n", i, mirror_names[i]);
		return 0;
	}
	printf("1..%d\n", planned);
	test_u32();
	test_ms();
	test_bitrates();
	test_names();
	test_ports();
	test_addresses();
	test_prefixes();
	test_compare();
	test_json();
	test_text();
	test_hist();
	test_rates();
	test_decode();
	test_enums();
	return failed || count != planned;
}
