// SPDX-License-Identifier: GPL-2.0
/*
 * Add the routes of topology.sh, quickly: a system call costs some 10 us in the uml
 * rig, and `ip -batch` makes many for each route.
 *
 * usage: routes ROUTES GATEWAYS DEV TABLE NETNS...
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* few enough for the answers to fit the socket's buffer */
#define BATCH 100

static char buffer[BATCH * 128];
static size_t used;

static void __attribute__((noreturn)) die(const char *what, int err)
{
	fprintf(stderr, "routes: %s: %s\n", what, strerror(err));
	exit(1);
}

static void add_attr(struct nlmsghdr *nlh, int type, const void *data, int len)
{
	struct rtattr *attr = (void *)((char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(attr), data, len);
	nlh->nlmsg_len = NLMSG_ALIGN(nlh->nlmsg_len) + RTA_ALIGN(attr->rta_len);
}

static void add_route(int family, int plen, const void *dst, const void *gateway,
		      uint32_t ifindex, uint32_t table)
{
	struct nlmsghdr *nlh = (void *)(buffer + used);
	struct rtmsg *rtm = NLMSG_DATA(nlh);
	int len = family == AF_INET ? 4 : 16;

	memset(nlh, 0, NLMSG_SPACE(sizeof(*rtm)));
	nlh->nlmsg_len = NLMSG_LENGTH(sizeof(*rtm));
	nlh->nlmsg_type = RTM_NEWROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	rtm->rtm_family = family;
	rtm->rtm_dst_len = plen;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_type = RTN_UNICAST;
	add_attr(nlh, RTA_DST, dst, len);
	add_attr(nlh, RTA_GATEWAY, gateway, len);
	add_attr(nlh, RTA_OIF, &ifindex, sizeof(ifindex));
	add_attr(nlh, RTA_TABLE, &table, sizeof(table));
	used += NLMSG_ALIGN(nlh->nlmsg_len);
}

/* each message has an answer */
static void flush(int sock, unsigned int count)
{
	static char answer[65536];

	if (send(sock, buffer, used, 0) != (ssize_t)used)
		die("send", errno);
	used = 0;
	while (count) {
		ssize_t len = recv(sock, answer, sizeof(answer), 0);
		struct nlmsghdr *nlh = (void *)answer;

		if (len < 0)
			die("recv", errno);
		for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			const struct nlmsgerr *err = NLMSG_DATA(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			if (err->error)
				die("route", -err->error);
			count--;
		}
	}
}

static void add_routes(const char *dev, unsigned int routes,
		       unsigned int gateways, uint32_t table)
{
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	uint32_t ifindex = if_nametoindex(dev);
	unsigned int waiting = 0;
	char text[64];

	if (sock < 0 || !ifindex)
		die(dev, errno);
	for (unsigned int i = 0; i < routes; i++) {
		uint32_t dst4 = htonl(10U << 24 | i << (routes <= 10 ? 16 : 8));
		struct in6_addr dst6, gateway6;
		uint32_t gateway4 = htonl(0xc0000202 + i % gateways);

		snprintf(text, sizeof(text), "fd00:0:2::%x", 2 + i % gateways);
		inet_pton(AF_INET6, text, &gateway6);
		snprintf(text, sizeof(text),
			 routes <= 10 ? "2001:db8:%x::" : "2001:db8:0:%x::", i);
		inet_pton(AF_INET6, text, &dst6);
		add_route(AF_INET, routes <= 10 ? 16 : 24, &dst4, &gateway4,
			  ifindex, table);
		add_route(AF_INET6, routes <= 10 ? 48 : 64, &dst6, &gateway6,
			  ifindex, table);
		waiting += 2;
		if (waiting + 2 <= BATCH && i + 1 < routes)
			continue;
		flush(sock, waiting);
		waiting = 0;
	}
	close(sock);
}

int main(int argc, char **argv)
{
	if (argc < 6) {
		fprintf(stderr, "usage: routes ROUTES GATEWAYS DEV TABLE NETNS...\n");
		return 2;
	}
	for (int i = 5; i < argc; i++) {
		char path[PATH_MAX];
		int fd;

		snprintf(path, sizeof(path), "/run/netns/%s", argv[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, CLONE_NEWNET))
			die(argv[i], errno);
		close(fd);
		add_routes(argv[3], atoi(argv[1]), atoi(argv[2]), atoi(argv[4]));
	}
	return 0;
}
