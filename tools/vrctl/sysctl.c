// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netns.h"
#include "sysctl.h"
#include "vrctl.h"

/*
 * Write "1". What is not there (IPv6 is off, say) needs no switch, and a
 * read-only /proc is the administrator's choice: warn, do not fail.
 */
static void sysctl_enable(const char *path)
{
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		err = errno;
	} else {
		if (write(fd, "1\n", 2) != 2)
			err = errno;
		close(fd);
	}
	if (err && err != ENOENT)
		warning("cannot turn on %s: %s", path, strerror(err));
}

/* /proc/sys/net is that of the namespace of whoever opens it. */
static void sysctl_enable_in(int netns, const char * const *paths, int n)
{
	int i, here = -1;

	if (netns >= 0) {
		here = netns_here();
		if (here < 0 || netns_enter(netns)) {
			warning("cannot turn forwarding on: no way into the namespace");
			if (here >= 0)
				close(here);
			return;
		}
	}
	for (i = 0; i < n; i++)
		sysctl_enable(paths[i]);
	if (here >= 0) {
		if (netns_enter(here))
			exit(failure("cannot come back to the namespace"));
		close(here);
	}
}

/**
 * sysctl_forward_netns() - make all of a namespace a router
 * @netns: file descriptor, or -1 for this one
 */
void sysctl_forward_netns(int netns)
{
	static const char * const paths[] = {
		"/proc/sys/net/ipv4/ip_forward",
		"/proc/sys/net/ipv6/conf/all/forwarding",
	};

	sysctl_enable_in(netns, paths, 2);
}

/**
 * sysctl_forward_port() - let a port forward
 * @netns: file descriptor, or -1 for this one
 * @port: its name
 */
void sysctl_forward_port(int netns, const char *port)
{
	char v4[80], v6[80];
	const char *paths[] = { v4, v6 };

	snprintf(v4, sizeof(v4), "/proc/sys/net/ipv4/conf/%s/forwarding", port);
	snprintf(v6, sizeof(v6), "/proc/sys/net/ipv6/conf/%s/forwarding", port);
	sysctl_enable_in(netns, paths, 2);
}
