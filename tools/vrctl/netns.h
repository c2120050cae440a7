/* SPDX-License-Identifier: GPL-2.0 */
/* Named network namespaces, as `ip netns` keeps them in /run/netns. */
#ifndef VRCTL_NETNS_H
#define VRCTL_NETNS_H

#include <stdbool.h>
#include <stddef.h>

#define NETNS_DIR	"/run/netns"
/* Of a file in it, with the final zero. */
#define NETNS_NAME_SIZE	256

int netns_open(const char *name);
int netns_here(void);
int netns_enter(int fd);
int netns_create(const char *name);
int netns_remove(const char *name);
const char *netns_find_name(int netnsid);
const char *netns_name(int netnsid);
void netns_json(bool foreign, int netnsid);
const char *netns_name_here(void);

#endif
