// SPDX-License-Identifier: GPL-2.0
/* lookup: what the data plane does with a packet, in words. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "out.h"
#include "parse.h"
#include "record.h"
#include "router.h"
#include "vrctl.h"

/**
 * struct question - what is asked
 * @router: router
 * @dst: destination
 * @src: source; len is 0 when it was left out
 * @iif: port that the packet comes in on, or NULL
 */
struct question {
	const char *router;
	struct address dst;
	struct address src;
	const char *iif;
};

/* Return: 0 or VRCTL_USAGE */
static int lookup_parse(int argc, char **argv, struct question *q)
{
	if (argc < 2)
		return usage_error("lookup wants a ROUTER and a destination");
	if (router_check_name(argv[0]))
		return VRCTL_USAGE;
	q->router = argv[0];
	if (!parse_address(argv[1], &q->dst))
		return usage_error("'%s' is not an IPv4 or IPv6 address", argv[1]);
	for (argc -= 2, argv += 2; argc; argc -= 2, argv += 2) {
		if (strcmp(argv[0], "from") && strcmp(argv[0], "iif"))
			return usage_error("lookup knows no '%s'", argv[0]);
		if (argc < 2)
			return usage_error("%s wants a value", argv[0]);
		if (!strcmp(argv[0], "iif")) {
			if (q->iif)
				return usage_error("iif is there twice");
			if (router_check_name(argv[1]))
				return VRCTL_USAGE;
			q->iif = argv[1];
			continue;
		}
		if (q->src.len)
			return usage_error("from is there twice");
		if (!parse_address(argv[1], &q->src))
			return usage_error("'%s' is not an IPv4 or IPv6 address", argv[1]);
		if (q->src.len != q->dst.len)
			return usage_error("source and destination are not of the same family");
	}
	return 0;
}

static void lookup_take(const struct nlmsghdr *nlh, void *data)
{
	record_decode(data, fib_fields, VROUTER_A_FIB_MAX, nlh);
}

/* Return: 0 or -errno */
static int lookup_ask(struct nl *nl, const struct question *q, unsigned int iif,
		      struct record *answer)
{
	struct nl_msg msg;

	nl_msg_genl(&msg, nl, VROUTER_CMD_FIB_GET, 0);
	mnl_attr_put_strz(msg.nlh, VROUTER_A_FIB_ROUTER_NAME, q->router);
	mnl_attr_put(msg.nlh, VROUTER_A_FIB_DST, q->dst.len, q->dst.bytes);
	if (q->src.len)
		mnl_attr_put(msg.nlh, VROUTER_A_FIB_SRC, q->src.len, q->src.bytes);
	if (iif)
		mnl_attr_put_u32(msg.nlh, VROUTER_A_FIB_IIF, iif);
	return nl_talk(nl, &msg, lookup_take, answer);
}

static void lookup_print_verdict(const struct record *a, const char *dst)
{
	uint32_t verdict = a->u[VROUTER_A_FIB_VERDICT];

	if (verdict == VROUTER_VERDICT_FORWARD)
		printf("%s: forwarded by the data plane\n", dst);
	else if (verdict == VROUTER_VERDICT_PUNT)
		printf("%s: punted, that is given to the Linux stack\n", dst);
	else
		printf("%s: verdict %s\n", dst, name_verdict(verdict));
	if (rec_has(a, VROUTER_A_FIB_REASON))
		printf("  %-10s%s: %s\n", "because", name_punt(a->u[VROUTER_A_FIB_REASON]),
		       doc_punt(a->u[VROUTER_A_FIB_REASON]));
}

static void lookup_print(const struct record *a, const char *dst)
{
	char buf[RECORD_ADDR_LEN];

	lookup_print_verdict(a, dst);
	if (rec_has(a, VROUTER_A_FIB_PREFIX)) {
		printf("  %-10s%s/%u", "route",
		       record_data(a, VROUTER_A_FIB_PREFIX, FIELD_ADDRESS, buf),
		       a->u[VROUTER_A_FIB_PREFIX_LEN]);
		if (a->u[VROUTER_A_FIB_PATHS] > 1)
			printf(", one of %u paths", a->u[VROUTER_A_FIB_PATHS]);
		putchar('\n');
	}
	if (rec_has(a, VROUTER_A_FIB_GATEWAY))
		printf("  %-10s%s\n", "gateway",
		       record_data(a, VROUTER_A_FIB_GATEWAY, FIELD_ADDRESS, buf));
	else if (rec_has(a, VROUTER_A_FIB_OIF))
		printf("  %-10s%s\n", "gateway", "none, the destination is on the link");
	if (rec_has(a, VROUTER_A_FIB_OIF_NAME))
		printf("  %-10s%s\n", "port", record_string(a, VROUTER_A_FIB_OIF_NAME));
	else if (rec_has(a, VROUTER_A_FIB_OIF))
		printf("  %-10sif%u\n", "port", a->u[VROUTER_A_FIB_OIF]);
	if (rec_has(a, VROUTER_A_FIB_LLADDR))
		printf("  %-10s%s\n", "neighbour",
		       record_data(a, VROUTER_A_FIB_LLADDR, FIELD_MAC, buf));
	if (rec_has(a, VROUTER_A_FIB_MTU))
		printf("  %-10s%u\n", "MTU", a->u[VROUTER_A_FIB_MTU]);
}

/* The answer as it came, and the meaning of the reason. */
static void lookup_json(const struct record *a, const char *dst)
{
	json_start(stdout);
	json_open(NULL, '{');
	if (!rec_has(a, VROUTER_A_FIB_DST))
		json_string("dst", dst);
	record_json(a, fib_fields, VROUTER_A_FIB_MAX);
	if (rec_has(a, VROUTER_A_FIB_REASON))
		json_string("meaning", doc_punt(a->u[VROUTER_A_FIB_REASON]));
	json_close();
	json_end();
}

int lookup_run(int argc, char **argv)
{
	struct question q = { 0 };
	struct record answer = { 0 };
	unsigned int iif = 0;
	struct nl nl;
	int err;

	if (lookup_parse(argc, argv, &q))
		return VRCTL_USAGE;
	if (nl_open_vrouter(&nl))
		return VRCTL_FAILED;
	if (q.iif) {
		iif = if_nametoindex(q.iif);
		if (!iif) {
			nl_close(&nl);
			return failure("there is no port %s", q.iif);
		}
	}
	err = lookup_ask(&nl, &q, iif, &answer);
	if (err)
		failure("%s", nl_why(&nl, err));
	else if (opt(OPT_JSON))
		lookup_json(&answer, argv[1]);
	else
		lookup_print(&answer, argv[1]);
	nl_close(&nl);
	return err ? VRCTL_FAILED : VRCTL_OK;
}
