// SPDX-License-Identifier: GPL-2.0
/* In the place of sock.c: sockets whose other end is this file. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/vrouter.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "sock.h"

#define GROUP	9
#define QUEUE	64

struct sock {
	int bus;
	bool joined;
	int lost;
	int head, tail;
	struct { char *data; size_t len; } queue[QUEUE];
};

static int dumps;

bool fake_is(const char *word)
{
	const char *all = getenv("VRCTL_FAKE");

	return all && strstr(all, word);
}

void fake_log(const char *fmt, ...)
{
	const char *path = getenv("VRCTL_FAKE_LOG");
	FILE *f = path ? fopen(path, "a") : NULL;
	va_list ap;

	if (!f)
		return;
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	putc('\n', f);
	fclose(f);
}

struct nlmsghdr *fake_start(char *buf, const struct nlmsghdr *req, uint16_t type,
			    uint16_t flags, size_t header)
{
	struct nlmsghdr *nlh;

	memset(buf, 0, 8192);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_seq = req->nlmsg_seq;
	nlh->nlmsg_pid = req->nlmsg_pid;
	mnl_nlmsg_put_extra_header(nlh, header);
	return nlh;
}

void fake_queue(struct sock *sock, const struct nlmsghdr *nlh)
{
	int i = sock->tail++ % QUEUE;

	free(sock->queue[i].data);
	sock->queue[i].data = malloc(nlh->nlmsg_len);
	sock->queue[i].len = nlh->nlmsg_len;
	memcpy(sock->queue[i].data, nlh, nlh->nlmsg_len);
}

void fake_ack(struct sock *sock, const struct nlmsghdr *req, int error, const char *text,
	      uint32_t offset)
{
	struct nlmsgerr *err;
	struct nlmsghdr *nlh;
	char buf[8192];

	nlh = fake_start(buf, req, NLMSG_ERROR, NLM_F_CAPPED, sizeof(*err));
	err = mnl_nlmsg_get_payload(nlh);
	err->error = error;
	err->msg = *req;
	if (error) {
		/* the whole request comes back */
		nlh->nlmsg_flags &= ~NLM_F_CAPPED;
		mnl_nlmsg_put_extra_header(nlh, req->nlmsg_len - sizeof(*req));
		memcpy(&err->msg, req, req->nlmsg_len);
	}
	if (text) {
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, text);
	}
	if (offset) {
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
		mnl_attr_put_u32(nlh, NLMSGERR_ATTR_OFFS, offset);
	}
	fake_queue(sock, nlh);
}

void fake_done(struct sock *sock, const struct nlmsghdr *req, uint16_t flags, int error,
	       const char *text)
{
	struct nlmsghdr *nlh;
	char buf[8192];

	nlh = fake_start(buf, req, NLMSG_DONE, NLM_F_MULTI | flags, sizeof(int));
	*(int *)mnl_nlmsg_get_payload(nlh) = error;
	if (text) {
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, text);
	}
	fake_queue(sock, nlh);
}

static void fake_family(struct sock *sock, const struct nlmsghdr *req)
{
	struct nlattr *groups, *group;
	struct nlmsghdr *nlh;
	char buf[8192];

	if (fake_is("absent")) {
		fake_ack(sock, req, -ENOENT, NULL, 0);
		return;
	}
	nlh = fake_start(buf, req, GENL_ID_CTRL, 0, sizeof(struct genlmsghdr));
	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, FAKE_FAMILY);
	groups = mnl_attr_nest_start(nlh, CTRL_ATTR_MCAST_GROUPS);
	group = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_MCAST_GRP_NAME, VROUTER_MCGRP_CHANGES);
	mnl_attr_put_u32(nlh, CTRL_ATTR_MCAST_GRP_ID, GROUP);
	mnl_attr_nest_end(nlh, group);
	mnl_attr_nest_end(nlh, groups);
	fake_queue(sock, nlh);
	fake_ack(sock, req, 0, NULL, 0);
}

static void fake_put_delay(struct nlmsghdr *nlh, uint64_t min, uint64_t packets)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VROUTER_A_STATS_DELAY);

	mnl_attr_put_u64(nlh, VROUTER_A_DELAY_MIN_NS, min);
	mnl_attr_put_u64(nlh, VROUTER_A_DELAY_PACKETS, packets);
	mnl_attr_nest_end(nlh, nest);
}

/* Counters grow with every dump, so that there are rates. */
static void fake_put_stats(struct nlmsghdr *nlh, uint64_t n)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VROUTER_A_ROUTER_STATS), *inner;
	int i;

	for (i = VROUTER_A_STATS_RX_PACKETS; i <= VROUTER_A_STATS_CPU_NS; i++)
		mnl_attr_put_u64(nlh, i, n * i);
	inner = mnl_attr_nest_start(nlh, VROUTER_A_STATS_PUNT);
	mnl_attr_put_u64(nlh, VROUTER_A_PUNT_NO_ROUTE, n);
	if (fake_is("odd"))
		mnl_attr_put_u64(nlh, 200, n);
	mnl_attr_nest_end(nlh, inner);
	inner = mnl_attr_nest_start(nlh, VROUTER_A_STATS_DROP);
	mnl_attr_put_u64(nlh, VROUTER_A_DROP_QUEUE_BYTES, 2 * n);
	mnl_attr_nest_end(nlh, inner);
	fake_put_delay(nlh, 1024, 98 * n);
	fake_put_delay(nlh, 4096, 2 * n);
	mnl_attr_nest_end(nlh, nest);
}

static void fake_put_mirror(struct nlmsghdr *nlh, int attr)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, attr);

	mnl_attr_put_u32(nlh, VROUTER_A_MIRROR_PENDING, 0);
	mnl_attr_put_u64(nlh, VROUTER_A_MIRROR_CHANGES, 5);
	mnl_attr_put_u64(nlh, VROUTER_A_MIRROR_LAG_PEAK_NS, 1500);
	mnl_attr_nest_end(nlh, nest);
}

static void fake_put_router(struct nlmsghdr *nlh, int i)
{
	static const char * const names[] = { "vr-red", "vr-blue" };

	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_IFINDEX, 10 + i);
	mnl_attr_put_strz(nlh, VROUTER_A_ROUTER_IFNAME,
			  fake_is("evil") ? "a\033\"\\b\303" : names[i]);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_STATE,
			 i ? VROUTER_STATE_FALLBACK : VROUTER_STATE_ACTIVE);
	if (i) {
		mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_NETNSID, 7);
		mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_FALLBACK_REASON, VROUTER_PUNT_MIRROR);
	} else {
		mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_VRF_IFINDEX, 4);
		mnl_attr_put_strz(nlh, VROUTER_A_ROUTER_VRF_NAME, "red");
		mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_TABLE, 1001);
	}
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_WEIGHT, i ? 1 : 3);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_LIMIT_PACKETS, 1000);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_LIMIT_BYTES, 2000000);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_NETFILTER, VROUTER_NETFILTER_HONOUR);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_PORTS, 2);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_ROUTES4, 12);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_ROUTES6, 6);
	if (!i) {
		mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_MAX_ROUTES, 20);
		mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_MAX_ROUTES_WARN, 90);
		mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_ROUTES, 18);
		mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_QUOTA_STATE,
				 VROUTER_QUOTA_STATE_WARNING);
	}
	fake_put_mirror(nlh, VROUTER_A_ROUTER_MIRROR);
	fake_put_stats(nlh, 1000 * (dumps + 1) * (i + 1));
}

/* Things that a later or a broken kernel could send. */
static void fake_put_odd(struct nlmsghdr *nlh, int i)
{
	if (!i)
		return; /* no attribute at all */
	mnl_attr_put_strz(nlh, VROUTER_A_ROUTER_IFNAME, "a-name-that-is-much-too-long");
	mnl_attr_put_u64(nlh, VROUTER_A_ROUTER_WEIGHT, 5);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_STATE, 99);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTER_FALLBACK_REASON, 1000);
	mnl_attr_put_u32(nlh, 999, 1);
	mnl_attr_put(nlh, VROUTER_A_ROUTER_STATS, 0, NULL);
}

static void fake_router(struct sock *sock, const struct nlmsghdr *req, uint16_t flags,
			uint8_t cmd, int i)
{
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;
	char buf[8192];

	nlh = fake_start(buf, req, FAKE_FAMILY, flags, sizeof(*genl));
	genl = mnl_nlmsg_get_payload(nlh);
	genl->cmd = cmd;
	if (fake_is("odd"))
		fake_put_odd(nlh, i);
	else
		fake_put_router(nlh, i);
	fake_queue(sock, nlh);
}

static void fake_port(struct sock *sock, const struct nlmsghdr *req, uint16_t flags,
		      uint8_t cmd, int i)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0xab, 1 };
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;
	char buf[8192];

	nlh = fake_start(buf, req, FAKE_FAMILY, flags, sizeof(*genl));
	genl = mnl_nlmsg_get_payload(nlh);
	genl->cmd = cmd;
	if (!fake_is("odd")) {
		mnl_attr_put_u32(nlh, VROUTER_A_PORT_IFINDEX, 20 + i);
		mnl_attr_put_strz(nlh, VROUTER_A_PORT_IFNAME, i ? "red1" : "red0");
		mnl_attr_put_u32(nlh, VROUTER_A_PORT_ROUTER_IFINDEX, 10);
		mnl_attr_put_strz(nlh, VROUTER_A_PORT_ROUTER_NAME, "vr-red");
		mnl_attr_put_u32(nlh, VROUTER_A_PORT_LOWER_IFINDEX, 2);
		mnl_attr_put_strz(nlh, VROUTER_A_PORT_LOWER_NAME, "eth0");
		mnl_attr_put(nlh, VROUTER_A_PORT_ADDRESS, sizeof(mac), mac);
		mnl_attr_put_u32(nlh, VROUTER_A_PORT_MTU, 1500);
	}
	if (i) {
		mnl_attr_put_u32(nlh, VROUTER_A_PORT_VLAN, 10);
		mnl_attr_put_u32(nlh, VROUTER_A_PORT_BLOCKED, VROUTER_PUNT_TAP);
	}
	fake_queue(sock, nlh);
}

/* 10.0.0.0/8 and IPv6 forward, the rest does not. */
static void fake_fib(struct sock *sock, const struct nlmsghdr *req)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0xcd, 1 };
	uint8_t prefix[16] = { 0x20, 0x01, 0x0d, 0xb8 }, gw[4] = { 192, 0, 2, 1 };
	const struct nlattr *attr, *dst = NULL;
	struct nlmsghdr *nlh;
	char buf[8192];
	bool v6;

	mnl_attr_for_each(attr, req, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == VROUTER_A_FIB_DST)
			dst = attr;
	nlh = fake_start(buf, req, FAKE_FAMILY, 0, sizeof(struct genlmsghdr));
	v6 = mnl_attr_get_payload_len(dst) == 16;
	if (v6 || *(uint8_t *)mnl_attr_get_payload(dst) == 10) {
		if (!v6)
			memset(prefix, 0, sizeof(prefix));
		if (!v6)
			prefix[0] = 10;
		mnl_attr_put_u32(nlh, VROUTER_A_FIB_VERDICT, VROUTER_VERDICT_FORWARD);
		mnl_attr_put(nlh, VROUTER_A_FIB_PREFIX, v6 ? 16 : 4, prefix);
		mnl_attr_put_u32(nlh, VROUTER_A_FIB_PREFIX_LEN, v6 ? 32 : 8);
		if (!v6)
			mnl_attr_put(nlh, VROUTER_A_FIB_GATEWAY, 4, gw);
		mnl_attr_put_u32(nlh, VROUTER_A_FIB_OIF, 21);
		mnl_attr_put_strz(nlh, VROUTER_A_FIB_OIF_NAME, "red1");
		mnl_attr_put(nlh, VROUTER_A_FIB_LLADDR, sizeof(mac), mac);
		mnl_attr_put_u32(nlh, VROUTER_A_FIB_MTU, 1500);
		mnl_attr_put_u32(nlh, VROUTER_A_FIB_PATHS, 2);
	} else {
		mnl_attr_put_u32(nlh, VROUTER_A_FIB_VERDICT, VROUTER_VERDICT_PUNT);
		mnl_attr_put_u32(nlh, VROUTER_A_FIB_REASON,
				 fake_is("odd") ? 1000 : VROUTER_PUNT_NO_ROUTE);
	}
	fake_queue(sock, nlh);
	fake_ack(sock, req, 0, NULL, 0);
}

/* The namespace goes, and another one gets its id. */
static void fake_reuse(void)
{
	if (fake_is("reuse") && rename("/run/netns/blue", "/run/netns/green"))
		abort();
}

static void fake_dump(struct sock *sock, const struct nlmsghdr *req, uint8_t cmd)
{
	uint16_t intr = fake_is("busy") || (fake_is("intr") && !dumps) ?
			NLM_F_DUMP_INTR : 0;
	int i, n = fake_is("empty") ? 0 : 2;

	if (cmd == VROUTER_CMD_ROUTE_GET && !fake_is("forbid")) {
		fake_routes(sock, req);
		fake_done(sock, req, intr, 0, NULL);
		dumps++;
		return;
	}
	if (fake_is("forbid")) {
		fake_done(sock, req, 0, -EPERM, "Not from here");
		return;
	}
	if (dumps == 2)
		fake_reuse();
	for (i = 0; i < n; i++) {
		if (cmd == VROUTER_CMD_PORT_GET)
			fake_port(sock, req, NLM_F_MULTI | intr, cmd, i);
		else
			fake_router(sock, req, NLM_F_MULTI | intr, cmd, i);
	}
	fake_done(sock, req, intr, 0, NULL);
	dumps++;
}

static void fake_log_set(const struct nlmsghdr *req, uint8_t cmd)
{
	const struct nlattr *attr;
	char line[256];
	size_t len;

	len = snprintf(line, sizeof(line), "cmd %u", cmd);
	mnl_attr_for_each(attr, req, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == VROUTER_A_ROUTER_IFNAME)
			len += snprintf(line + len, sizeof(line) - len, " %s",
					mnl_attr_get_str(attr));
		else
			len += snprintf(line + len, sizeof(line) - len, " %u=%u",
					mnl_attr_get_type(attr), mnl_attr_get_u32(attr));
	}
	fake_log("%s", line);
}

static void fake_genl(struct sock *sock, const struct nlmsghdr *req)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(req);
	uint32_t offset;

	if (req->nlmsg_type == GENL_ID_CTRL) {
		fake_family(sock, req);
		return;
	}
	if (fake_is("refuse") || fake_is("mute")) {
		/* it is the second attribute that is wrong */
		offset = sizeof(*req) + sizeof(*genl) + (fake_is("where") ? 12 : 0);
		fake_ack(sock, req, -ERANGE, fake_is("mute") ? NULL : "no, thank\nyou",
			 fake_is("where") || fake_is("name") ? offset : 0);
		return;
	}
	if ((req->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP) {
		fake_dump(sock, req, genl->cmd);
		return;
	}
	if (genl->cmd == VROUTER_CMD_FIB_GET) {
		fake_fib(sock, req);
		return;
	}
	if (genl->cmd == VROUTER_CMD_ROUTE_GET) {
		fake_routes(sock, req);
		fake_ack(sock, req, 0, NULL, 0);
		return;
	}
	if (genl->cmd == VROUTER_CMD_FIB_STATS) {
		fake_fib_stats(sock, req);
		fake_ack(sock, req, 0, NULL, 0);
		return;
	}
	if (genl->cmd == VROUTER_CMD_ROUTER_GET)
		fake_router(sock, req, 0, genl->cmd, 0);
	else
		fake_log_set(req, genl->cmd);
	fake_ack(sock, req, 0, fake_is("warn") ? "mind the step" : NULL, 0);
}

struct sock *sock_open(int bus, uint32_t *portid)
{
	struct sock *sock = calloc(1, sizeof(*sock));

	if (!sock)
		abort();
	sock->bus = bus;
	*portid = 4711;
	return sock;
}

void sock_close(struct sock *sock)
{
	int i;

	for (i = 0; i < QUEUE; i++)
		free(sock->queue[i].data);
	free(sock);
}

/* Whoever joins gets all of these at once. */
int sock_join(struct sock *sock, uint32_t group, bool all_netns)
{
	static const struct nlmsghdr from;

	if (group != GROUP)
		return -EINVAL;
	sock->joined = true;
	sock->lost = fake_is("lost");
	fake_log("join%s", all_netns ? " all" : "");
	fake_router(sock, &from, 0, VROUTER_CMD_ROUTER_ADD_NTF, 0);
	fake_port(sock, &from, 0, VROUTER_CMD_PORT_CHANGE_NTF, 1);
	fake_port(sock, &from, 0, VROUTER_CMD_PORT_DEL_NTF, 0);
	fake_router(sock, &from, 0, VROUTER_CMD_ROUTER_QUOTA_NTF, 0);
	fake_router(sock, &from, 0, 77, 0);
	return 0;
}

int sock_send(struct sock *sock, const void *buf, size_t len)
{
	(void)len;
	if (sock->bus == NETLINK_GENERIC)
		fake_genl(sock, buf);
	else
		fake_link_request(sock, buf);
	return 0;
}

ssize_t sock_recv(struct sock *sock, void *buf, size_t len, int *netnsid)
{
	static int events;
	int i;

	*netnsid = -1;
	if (sock->lost-- > 0)
		return -ENOBUFS;
	if (sock->head == sock->tail)
		return sock->joined ? 0 : -ETIMEDOUT;
	if (sock->joined && fake_is("reuse")) {
		*netnsid = 7;
		if (events++ == 2)
			fake_reuse();
	}
	i = sock->head++ % QUEUE;
	if (sock->queue[i].len > len)
		return -ENOSPC;
	memcpy(buf, sock->queue[i].data, sock->queue[i].len);
	return sock->queue[i].len;
}
