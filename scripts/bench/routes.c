// SPDX-License-Identifier: GPL-2.0
/*
 * Add the routes of topology.sh, quickly: a system call costs some 10 us in the uml
 * rig, and `ip -batch` makes many for each route.
 *
 * usage: routes [-f FILE [-4 | -6]] ROUTES GATEWAYS DEV TABLE NETNS...
 *	-f FILE  routes as in fib/table.h: of each family ROUTES, evenly chosen, or
 *		 all if there are not so many. Prints "FAMILY COUNT SECONDS" for each.
 *	-4, -6   only that family
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fib/table.h"

#define BATCH 100

static char buffer[BATCH * 128];
static size_t used;
static struct nlmsghdr *last;

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
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
	rtm->rtm_family = family;
	rtm->rtm_dst_len = plen;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_type = RTN_UNICAST;
	add_attr(nlh, RTA_DST, dst, len);
	add_attr(nlh, RTA_GATEWAY, gateway, len);
	add_attr(nlh, RTA_OIF, &ifindex, sizeof(ifindex));
	add_attr(nlh, RTA_TABLE, &table, sizeof(table));
	used += NLMSG_ALIGN(nlh->nlmsg_len);
	last = nlh;
}

/* The last message has an answer, and each that fails: one of these ends us. */
static void flush(int sock)
{
	static char answer[65536];
	bool done = false;

	last->nlmsg_flags |= NLM_F_ACK;
	if (send(sock, buffer, used, 0) != (ssize_t)used)
		die("send", errno);
	used = 0;
	while (!done) {
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
			done = true;
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
		flush(sock);
		waiting = 0;
	}
	close(sock);
}

/* All of one family, IPv4 first. */
static const struct bench_prefix *read_file(const char *path, size_t count[2])
{
	struct bench_prefix *at;
	struct stat st;
	FILE *file;

	file = fopen(path, "r");
	if (!file || fstat(fileno(file), &st))
		die(path, errno);
	at = malloc(st.st_size + 1);
	if (!at || fread(at, 1, st.st_size, file) != (size_t)st.st_size)
		die(path, at ? EIO : ENOMEM);
	fclose(file);
	count[0] = 0;
	count[1] = 0;
	for (size_t i = 0; i < st.st_size / sizeof(*at); i++)
		count[at[i].family == 6]++;
	return at;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void add_prefix(const struct bench_prefix *p, unsigned int gateways,
		       uint32_t ifindex, uint32_t table)
{
	/* fd00:0:2:: */
	uint8_t gateway6[16] = { [0] = 0xfd, [5] = 2 };
	unsigned int gateway = 2 + (p->local - 1) % gateways;
	uint32_t gateway4 = htonl(0xc0000200 + gateway);

	gateway6[15] = gateway;
	add_route(p->family == 4 ? AF_INET : AF_INET6, p->plen, p->addr,
		  p->family == 4 ? (void *)&gateway4 : gateway6, ifindex, table);
}

static void add_prefixes(const struct bench_prefix *at, size_t total,
			 size_t count, const char *dev, unsigned int gateways,
			 uint32_t table)
{
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	uint32_t ifindex = if_nametoindex(dev);
	double begin = now();

	if (sock < 0 || !ifindex)
		die(dev, errno);
	if (count > total)
		count = total;
	for (size_t i = 0; i < count; i++) {
		/* the same as bench_nth() of the module chooses */
		add_prefix(&at[i * total / count], gateways, ifindex, table);
		if ((i + 1) % BATCH == 0 || i + 1 == count)
			flush(sock);
	}
	close(sock);
	if (count)
		printf("%u %zu %.6f\n", at->family, count, now() - begin);
}

int main(int argc, char **argv)
{
	const struct bench_prefix *at = NULL;
	bool family4 = true, family6 = true;
	size_t count[2];
	int opt;

	while ((opt = getopt(argc, argv, "f:46")) != -1) {
		switch (opt) {
		case 'f':
			at = read_file(optarg, count);
			break;
		case '4':
			family6 = false;
			break;
		case '6':
			family4 = false;
			break;
		default:
			return 2;
		}
	}
	argc -= optind - 1;
	argv += optind - 1;
	if (argc < 6) {
		fprintf(stderr, "see the head of routes.c\n");
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
		if (!at) {
			add_routes(argv[3], atoi(argv[1]), atoi(argv[2]),
				   atoi(argv[4]));
			continue;
		}
		if (family4)
			add_prefixes(at, count[0], atoi(argv[1]), argv[3],
				     atoi(argv[2]), atoi(argv[4]));
		if (family6)
			add_prefixes(at + count[0], count[1], atoi(argv[1]),
				     argv[3], atoi(argv[2]), atoi(argv[4]));
	}
	return 0;
}
