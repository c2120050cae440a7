/* SPDX-License-Identifier: GPL-2.0 */
/* A kernel that is none: answers the messages of vrctl out of a table. */
#ifndef VRCTL_FAKE_H
#define VRCTL_FAKE_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

struct sock;

/* Type of the module's messages. */
#define FAKE_FAMILY	0x1c

/* One of the words in $VRCTL_FAKE */
bool fake_is(const char *word);
/* A line for $VRCTL_FAKE_LOG */
void fake_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* An answer in its first state: header of @type, and @header bytes of the family's */
struct nlmsghdr *fake_start(char *buf, const struct nlmsghdr *req, uint16_t type,
			    uint16_t flags, size_t header);
void fake_queue(struct sock *sock, const struct nlmsghdr *nlh);
void fake_ack(struct sock *sock, const struct nlmsghdr *req, int error, const char *text,
	      uint32_t offset);
void fake_done(struct sock *sock, const struct nlmsghdr *req, uint16_t flags, int error,
	       const char *text);
void fake_routes(struct sock *sock, const struct nlmsghdr *req);
void fake_kernel_routes(struct sock *sock, const struct nlmsghdr *req);
void fake_fib_stats(struct sock *sock, const struct nlmsghdr *req);
void fake_link_request(struct sock *sock, const struct nlmsghdr *req);

#endif
