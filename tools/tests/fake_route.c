// SPDX-License-Identifier: GPL-2.0
/* Routes of a kernel that is none, and of its router. */
#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <linux/vrouter.h>
#include <string.h>

#include "fake.h"

#define TABLE	1001

static const uint8_t gw[4] = { 192, 0, 2, 1 }, gw_wrong[4] = { 192, 0, 2, 9 };
static const uint8_t gw6[16] = { 0xfe, 0x80, [15] = 1 };
static const uint8_t net8[4] = { 10 }, net16[4] = { 10, 1 };
static const uint8_t net6[16] = { 0x20, 0x01, 0x0d, 0xb8 };

static void fake_put_path(struct nlmsghdr *nlh, const uint8_t *addr, size_t len, uint32_t oif,
			  uint32_t weight)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VROUTER_A_ROUTE_PATH);

	mnl_attr_put(nlh, VROUTER_A_PATH_GATEWAY, len, addr);
	mnl_attr_put_u32(nlh, VROUTER_A_PATH_OIF, oif);
	mnl_attr_put_u32(nlh, VROUTER_A_PATH_WEIGHT, weight);
	mnl_attr_nest_end(nlh, nest);
}

static struct nlmsghdr *fake_route_start(char *buf, const struct nlmsghdr *req,
					 const uint8_t *prefix, size_t len, uint32_t plen)
{
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;

	nlh = fake_start(buf, req, FAKE_FAMILY, NLM_F_MULTI, sizeof(*genl));
	genl = mnl_nlmsg_get_payload(nlh);
	genl->cmd = VROUTER_CMD_ROUTE_GET;
	mnl_attr_put(nlh, VROUTER_A_ROUTE_PREFIX, len, prefix);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTE_PREFIX_LEN, plen);
	return nlh;
}

/* Three routes for a dump, the first of them for a question. */
void fake_routes(struct sock *sock, const struct nlmsghdr *req)
{
	struct nlmsghdr *nlh;
	char buf[8192];

	if (fake_is("empty"))
		return;
	nlh = fake_route_start(buf, req, net8, 4, 8);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTE_MTU, 1400);
	fake_put_path(nlh, gw, 4, 21, 1);
	fake_queue(sock, nlh);
	if ((req->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		return;
	nlh = fake_route_start(buf, req, net16, 4, 16);
	fake_put_path(nlh, gw, 4, 21, 3);
	fake_put_path(nlh, gw6, 16, 22, 1);
	fake_queue(sock, nlh);
	nlh = fake_route_start(buf, req, net6, 16, 32);
	mnl_attr_put_u32(nlh, VROUTER_A_ROUTE_REASON,
			 fake_is("odd") ? 200 : VROUTER_PUNT_ROUTE_TYPE);
	fake_queue(sock, nlh);
	if (fake_is("odd")) {
		/* no address is that long */
		nlh = fake_route_start(buf, req, net6, 5, 300);
		mnl_attr_put(nlh, VROUTER_A_ROUTE_PATH, 0, NULL);
		fake_queue(sock, nlh);
	}
}

static struct nlmsghdr *fake_kernel_start(char *buf, const struct nlmsghdr *req, uint8_t type,
					  const uint8_t *prefix, size_t len, uint8_t plen)
{
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;

	nlh = fake_start(buf, req, RTM_NEWROUTE, NLM_F_MULTI, sizeof(*rtm));
	rtm = mnl_nlmsg_get_payload(nlh);
	rtm->rtm_family = len == 4 ? AF_INET : AF_INET6;
	rtm->rtm_dst_len = plen;
	rtm->rtm_type = type;
	mnl_attr_put_u32(nlh, RTA_TABLE, TABLE);
	mnl_attr_put(nlh, RTA_DST, len, prefix);
	return nlh;
}

static void fake_put_hop(struct nlmsghdr *nlh, uint32_t oif, uint8_t hops, uint16_t type,
			 const void *way, size_t len)
{
	struct rtnexthop *rtnh = mnl_nlmsg_get_payload_tail(nlh);

	memset(rtnh, 0, sizeof(*rtnh));
	rtnh->rtnh_ifindex = oif;
	rtnh->rtnh_hops = hops;
	nlh->nlmsg_len += sizeof(*rtnh);
	mnl_attr_put(nlh, type, len, way);
	rtnh->rtnh_len = (char *)mnl_nlmsg_get_payload_tail(nlh) - (char *)rtnh;
}

static void fake_kernel_routes4(struct sock *sock, const struct nlmsghdr *req)
{
	uint8_t via[2 + sizeof(gw6)] = { AF_INET6 & 0xff, AF_INET6 >> 8 };
	struct nlattr *nest;
	struct nlmsghdr *nlh;
	char buf[8192];

	/* the paths in another order */
	memcpy(via + 2, gw6, sizeof(gw6));
	nlh = fake_kernel_start(buf, req, RTN_UNICAST, net16, 4, 16);
	nest = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
	fake_put_hop(nlh, 22, 0, RTA_VIA, via, sizeof(via));
	fake_put_hop(nlh, 21, 2, RTA_GATEWAY, gw, sizeof(gw));
	mnl_attr_nest_end(nlh, nest);
	fake_queue(sock, nlh);
	nlh = fake_kernel_start(buf, req, RTN_UNICAST, net8, 4, 8);
	mnl_attr_put(nlh, RTA_GATEWAY, 4, fake_is("wrong") ? gw_wrong : gw);
	mnl_attr_put_u32(nlh, RTA_OIF, 21);
	nest = mnl_attr_nest_start(nlh, RTA_METRICS);
	mnl_attr_put_u32(nlh, RTAX_MTU, 1400);
	mnl_attr_nest_end(nlh, nest);
	fake_queue(sock, nlh);
	/* a worse one for the same prefix */
	nlh = fake_kernel_start(buf, req, RTN_BLACKHOLE, net8, 4, 8);
	fake_queue(sock, nlh);
}

/* The same, as rtnetlink has it. */
void fake_kernel_routes(struct sock *sock, const struct nlmsghdr *req)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(req);
	const struct nlattr *attr;
	struct nlmsghdr *nlh;
	uint32_t table = 0;
	char buf[8192];

	mnl_attr_for_each(attr, req, sizeof(*rtm))
		if (mnl_attr_get_type(attr) == RTA_TABLE)
			table = mnl_attr_get_u32(attr);
	if (table != TABLE)
		return;
	if (rtm->rtm_family == AF_INET) {
		fake_kernel_routes4(sock, req);
		return;
	}
	nlh = fake_kernel_start(buf, req, RTN_PROHIBIT, net6, 16, 32);
	fake_queue(sock, nlh);
}

static void fake_put_length(struct nlmsghdr *nlh, uint32_t plen)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VROUTER_A_FIB_TABLE_LENGTH);

	mnl_attr_put_u32(nlh, VROUTER_A_FIB_LENGTH_PREFIX_LEN, plen);
	mnl_attr_put_u32(nlh, VROUTER_A_FIB_LENGTH_PREFIXES, 1);
	mnl_attr_nest_end(nlh, nest);
}

static void fake_put_table(struct nlmsghdr *nlh, uint32_t family, uint32_t prefixes)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, VROUTER_A_FIB_STATS_TABLE);

	mnl_attr_put_u32(nlh, VROUTER_A_FIB_TABLE_FAMILY, family);
	mnl_attr_put_u32(nlh, VROUTER_A_FIB_TABLE_PREFIXES, prefixes);
	mnl_attr_put_u32(nlh, VROUTER_A_FIB_TABLE_NODES, 3);
	mnl_attr_put_u64(nlh, VROUTER_A_FIB_TABLE_BYTES, 1000);
	mnl_attr_put_u64(nlh, VROUTER_A_FIB_TABLE_SHARED_BYTES, 100);
	mnl_attr_put_u64(nlh, VROUTER_A_FIB_TABLE_STORE_BYTES, 200);
	mnl_attr_put_u64(nlh, VROUTER_A_FIB_TABLE_STORE_SHARED_BYTES, 20);
	mnl_attr_put_u64(nlh, VROUTER_A_FIB_TABLE_UPDATES, 7);
	mnl_attr_put_u32(nlh, VROUTER_A_FIB_TABLE_ERRORS, fake_is("corrupt"));
	if (family == AF_INET) {
		fake_put_length(nlh, 8);
		fake_put_length(nlh, 16);
	} else {
		fake_put_length(nlh, 32);
		fake_put_length(nlh, 129);
	}
	mnl_attr_nest_end(nlh, nest);
}

void fake_fib_stats(struct sock *sock, const struct nlmsghdr *req)
{
	struct nlattr *nest;
	struct nlmsghdr *nlh;
	char buf[8192];

	nlh = fake_start(buf, req, FAKE_FAMILY, 0, sizeof(struct genlmsghdr));
	mnl_attr_put_strz(nlh, VROUTER_A_FIB_STATS_ROUTER_NAME, "vr-red");
	if (!fake_is("empty")) {
		fake_put_table(nlh, AF_INET, 2);
		fake_put_table(nlh, AF_INET6, 1);
	}
	nest = mnl_attr_nest_start(nlh, VROUTER_A_FIB_STATS_MIRROR);
	mnl_attr_put_u32(nlh, VROUTER_A_MIRROR_PENDING, 0);
	mnl_attr_put_u64(nlh, VROUTER_A_MIRROR_CHANGES, 5);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_put_u32(nlh, VROUTER_A_FIB_STATS_RESYNCS, 0);
	fake_queue(sock, nlh);
}
