/* SPDX-License-Identifier: GPL-2.0 */
/* Routers: how the commands get at them. */
#ifndef VRCTL_ROUTER_H
#define VRCTL_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "nl.h"
#include "record.h"

/**
 * struct router_list - routers that a dump found
 * @v: the routers
 * @n: how many
 * @room: for how many @v has room
 */
struct router_list {
	struct router *v;
	size_t n;
	size_t room;
};

int router_dump(struct nl *nl, struct router_list *list);
int router_get(struct nl *nl, const char *name, struct router *router);
const char *router_domain(const struct router *router, char *buf, size_t size);
void router_json(const char *key, const struct router *router);
int router_check_name(const char *name);
int router_failure(const struct nl *nl, int err);
void router_show(const struct router *router);
void show_mirror(const uint64_t *mirror);

#endif
