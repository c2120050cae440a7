/* SPDX-License-Identifier: GPL-2.0 */
/* Network devices, over rtnetlink. */
#ifndef VRCTL_LINK_H
#define VRCTL_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "nl.h"

/**
 * struct link - a device
 * @ifindex: its index
 * @flags: IFF_ flags
 * @name: its name
 * @kind: link kind, "" for none
 * @master: index of the device that it is enslaved to, or 0
 * @table: of a VRF
 */
struct link {
	int ifindex;
	unsigned int flags;
	char name[IFNAMSIZ];
	char kind[16];
	uint32_t master;
	uint32_t table;
};

/**
 * struct link_new - a device to make
 * @name: its name
 * @kind: link kind
 * @lower: index of the device below, or 0
 * @master: index of the device to enslave it to, or 0
 * @netns: file descriptor of the namespace to make it in, or -1
 * @vlan: of a vrport, or 0
 * @weight: of a vrouter, if @has_weight
 * @has_weight: @weight is given
 * @table: of a VRF
 */
struct link_new {
	const char *name;
	const char *kind;
	int lower;
	int master;
	int netns;
	uint32_t vlan;
	uint32_t weight;
	bool has_weight;
	uint32_t table;
};

int link_get(struct nl *nl, const char *name, struct link *link);
int link_add(struct nl *nl, const struct link_new *new);
int link_delete(struct nl *nl, int ifindex);
int link_set_up(struct nl *nl, int ifindex, bool up);
int link_each(struct nl *nl, void (*each)(const struct link *link, void *data),
	      void *data);

#endif
