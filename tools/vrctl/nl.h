/* SPDX-License-Identifier: GPL-2.0 */
/* Netlink requests and answers, for generic netlink and rtnetlink alike. */
#ifndef VRCTL_NL_H
#define VRCTL_NL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "sock.h"

/**
 * struct nl - a netlink socket and what the kernel last said on it
 * @sock: the socket
 * @portid: its address
 * @seq: of the last request
 * @family: id of the generic netlink family
 * @group: id of its multicast group "changes"
 * @bad_attr: type of the attribute that was refused, 0 when unknown
 * @text: the kernel's words (extack), "" when it had none
 */
struct nl {
	struct sock *sock;
	uint32_t portid;
	uint32_t seq;
	uint16_t family;
	uint32_t group;
	uint16_t bad_attr;
	char text[256];
};

/**
 * struct nl_msg - a request that is being built
 * @nlh: its header, in @buf
 * @buf: the message
 */
struct nl_msg {
	struct nlmsghdr *nlh;
	char buf[1024] __attribute__((aligned(NLMSG_ALIGNTO)));
};

typedef void (*nl_cb)(const struct nlmsghdr *nlh, void *data);

int nl_open(struct nl *nl, int bus);
void nl_close(struct nl *nl);
int nl_open_vrouter(struct nl *nl);
int nl_find_family(struct nl *nl);
void *nl_msg_start(struct nl_msg *msg, uint16_t type, uint16_t flags, size_t header);
void nl_msg_genl(struct nl_msg *msg, const struct nl *nl, uint8_t cmd, uint16_t flags);
int nl_talk(struct nl *nl, struct nl_msg *msg, nl_cb cb, void *data);
int nl_dump(struct nl *nl, struct nl_msg *msg, void (*restart)(void *data),
	    nl_cb cb, void *data);
const char *nl_why(const struct nl *nl, int err);

#endif
