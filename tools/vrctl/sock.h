/* SPDX-License-Identifier: GPL-2.0 */
/* The netlink socket itself, apart, so that tests can put another in its place. */
#ifndef VRCTL_SOCK_H
#define VRCTL_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sock;

struct sock *sock_open(int bus, uint32_t *portid);
void sock_close(struct sock *sock);
int sock_join(struct sock *sock, uint32_t group, bool all_netns);
int sock_send(struct sock *sock, const void *buf, size_t len);
ssize_t sock_recv(struct sock *sock, void *buf, size_t len, int *netnsid);

#endif
