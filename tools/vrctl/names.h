/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names and meanings, as Documentation/netlink/specs/vrouter.yaml has them.
 * Tables are indexed by the uapi enums; tests compare them with the YAML.
 */
#ifndef VRCTL_NAMES_H
#define VRCTL_NAMES_H

#include <linux/vrouter.h>
#include <stdint.h>

/**
 * struct name - a value of an enum
 * @name: with dashes
 * @doc: what it means
 */
struct name {
	const char *name;
	const char *doc;
};

extern const struct name punt_names[VROUTER_PUNT_MAX + 1];
extern const struct name drop_names[VROUTER_DROP_MAX + 1];

/* A value that this program does not know comes out as "unknown-NUMBER". */
const char *name_state(uint32_t state);
const char *name_netfilter(uint32_t mode);
const char *name_verdict(uint32_t verdict);
const char *name_quota(uint32_t state);
const char *name_punt(uint32_t reason);
const char *doc_punt(uint32_t reason);
uint32_t value_netfilter(const char *name);

#endif
