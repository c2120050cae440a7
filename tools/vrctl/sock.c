// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "sock.h"

/* struct sock is a struct mnl_socket here. */
static struct mnl_socket *sock_mnl(struct sock *sock)
{
	return (struct mnl_socket *)sock;
}

static int sock_set(struct mnl_socket *mnl, int option)
{
	int on = 1;

	return mnl_socket_setsockopt(mnl, option, &on, sizeof(on));
}

/**
 * sock_open() - a netlink socket in the current namespace
 * @bus: NETLINK_GENERIC or NETLINK_ROUTE
 * @portid: result, its address
 *
 * Return: the socket, or NULL with errno
 */
struct sock *sock_open(int bus, uint32_t *portid)
{
	struct mnl_socket *mnl = mnl_socket_open2(bus, SOCK_CLOEXEC);
	int err;

	if (!mnl)
		return NULL;
	if (sock_set(mnl, NETLINK_EXT_ACK) < 0 ||
	    sock_set(mnl, NETLINK_GET_STRICT_CHK) < 0 ||
	    mnl_socket_bind(mnl, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = errno;
		mnl_socket_close(mnl);
		errno = err;
		return NULL;
	}
	*portid = mnl_socket_get_portid(mnl);
	return (struct sock *)mnl;
}

void sock_close(struct sock *sock)
{
	mnl_socket_close(sock_mnl(sock));
}

/**
 * sock_join() - receive notifications
 * @sock: socket
 * @group: multicast group
 * @all_netns: also those of other namespaces that have an id in this one
 *
 * Return: 0 or -errno
 */
int sock_join(struct sock *sock, uint32_t group, bool all_netns)
{
	struct mnl_socket *mnl = sock_mnl(sock);

	if (all_netns && sock_set(mnl, NETLINK_LISTEN_ALL_NSID) < 0)
		return -errno;
	if (mnl_socket_setsockopt(mnl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -errno;
	return 0;
}

int sock_send(struct sock *sock, const void *buf, size_t len)
{
	return mnl_socket_sendto(sock_mnl(sock), buf, len) < 0 ? -errno : 0;
}

/**
 * sock_recv() - receive what the kernel sent
 * @sock: socket
 * @buf: where to put it
 * @len: size of @buf, bytes
 * @netnsid: result, namespace of a notification, or -1 when it is this one
 *
 * Return: bytes, or -errno; -EINTR when a signal came
 */
ssize_t sock_recv(struct sock *sock, void *buf, size_t len, int *netnsid)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	char control[CMSG_SPACE(sizeof(int)) * 4];
	struct msghdr msg = { 0 };
	struct cmsghdr *cmsg;
	ssize_t n;

	do {
		msg = (struct msghdr) {
			.msg_name = &from, .msg_namelen = sizeof(from),
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		n = recvmsg(mnl_socket_get_fd(sock_mnl(sock)), &msg, 0);
		if (n < 0)
			return -errno;
	} while (from.nl_pid); /* not from the kernel */
	if (msg.msg_flags & MSG_TRUNC)
		return -ENOSPC;

	*netnsid = -1;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cmsg->cmsg_level == SOL_NETLINK &&
		    cmsg->cmsg_type == NETLINK_LISTEN_ALL_NSID)
			memcpy(netnsid, CMSG_DATA(cmsg), sizeof(int));
	return n;
}
