/* SPDX-License-Identifier: GPL-2.0 */
/* Routes, as the kernel's tables and as a router's FIB have them. */
#ifndef VRCTL_ROUTE_H
#define VRCTL_ROUTE_H

#include <libmnl/libmnl.h>
#include <linux/vrouter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct route_path - one of the ways out
 * @oif: index of the device, or 0
 * @weight: share of the path
 * @gw_len: bytes of @gw, 0 where on link
 * @gw: gateway
 */
struct route_path {
	uint32_t oif;
	uint32_t weight;
	uint8_t gw_len;
	uint8_t gw[16];
};

/**
 * struct route - a route
 * @addr: prefix, the rest zero
 * @len: bytes of an address, 4 or 16
 * @plen: bits of @addr
 * @reason: enum vrouter_punt_reason why packets are punted, or 0
 * @maybe: where that is another one in the FIB, it is right as well, or 0
 * @unknown: where the paths lead was not told
 * @mtu: MTU that the route sets, or 0
 * @metric: which one is used, of several for a prefix
 * @path: index of its first path
 * @npaths: number of its paths
 * @order: place in the dump
 */
struct route {
	uint8_t addr[16];
	uint8_t len;
	uint8_t plen;
	uint8_t reason;
	uint8_t maybe;
	bool unknown;
	uint32_t mtu;
	uint32_t metric;
	uint32_t path;
	uint32_t npaths;
	uint32_t order;
};

/**
 * struct route_list - routes of one table
 * @v: the routes
 * @n: how many
 * @room: for how many @v has room
 * @path: their paths
 * @npaths: how many
 * @path_room: for how many @path has room
 */
struct route_list {
	struct route *v;
	size_t n;
	size_t room;
	struct route_path *path;
	size_t npaths;
	size_t path_room;
};

/**
 * struct route_diff - what route_compare() tells
 * @want: the route of the kernel, or NULL
 * @got: the route of the FIB, or NULL
 * @what: in what they differ, in a word or two
 */
struct route_diff {
	const struct route *want;
	const struct route *got;
	const char *what;
};

#define ROUTE_TEXT	128

void route_list_clear(void *list);
void route_list_free(struct route_list *list);
struct route *route_add(struct route_list *list);
struct route_path *route_add_path(struct route_list *list, struct route *route);
void route_decode_kernel(struct route_list *list, const struct nlmsghdr *nlh, uint32_t table);
bool route_decode_fib(struct route_list *list, const struct nlmsghdr *nlh);
void route_sort(struct route_list *list);
void route_first(struct route_list *list);
size_t route_compare(const struct route_list *kernel, const struct route_list *fib,
		     void (*differ)(const struct route_diff *diff, void *data), void *data);
const char *route_prefix(const struct route *route, char buf[ROUTE_TEXT]);
void route_print(const struct route_list *list, const struct route *route);
void route_json(const struct route_list *list, const struct route *route);

#endif
