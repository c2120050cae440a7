/* SPDX-License-Identifier: GPL-2.0 */
/* Words of the command line: pure functions, no message, no side effect. */
#ifndef VRCTL_PARSE_H
#define VRCTL_PARSE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct port_spec - NIC[:VLAN]=NAME
 * @nic: the NIC
 * @name: the port
 * @vlan: 1..4094, 0 for none
 */
struct port_spec {
	char nic[IFNAMSIZ];
	char name[IFNAMSIZ];
	uint32_t vlan;
};

/**
 * struct address - an IPv4 or IPv6 address
 * @len: 4 or 16
 * @bytes: network order
 */
struct address {
	int len;
	uint8_t bytes[16];
};

bool parse_u32(const char *text, uint32_t *value);
bool parse_rate(const char *text, uint64_t *rate);
bool parse_ms(const char *text, uint32_t *ms);
bool parse_ifname(const char *text);
bool parse_netns(const char *text);
bool parse_address(const char *text, struct address *addr);
const char *parse_prefix(const char *text, struct address *addr, uint32_t *plen);
const char *parse_port(const char *text, struct port_spec *spec);

#endif
