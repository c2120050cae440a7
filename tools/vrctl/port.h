/* SPDX-License-Identifier: GPL-2.0 */
/* Ports: how the commands get at them. */
#ifndef VRCTL_PORT_H
#define VRCTL_PORT_H

#include <stddef.h>

#include "nl.h"
#include "record.h"

/**
 * struct port_list - ports that a dump found
 * @v: the ports
 * @n: how many
 * @room: for how many @v has room
 */
struct port_list {
	struct record *v;
	size_t n;
	size_t room;
};

int port_dump(struct nl *nl, uint32_t router_ifindex, struct port_list *list);
void port_print(const struct record *port);
void port_json(const char *key, const struct record *port);

#endif
