/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A routing table as a file: an array of these, IPv4 before IPv6, each sorted by
 * address and then by length. Written by table.c, read by routes.c and the module.
 */
#ifndef BENCH_FIB_TABLE_H
#define BENCH_FIB_TABLE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

/* next hops, numbered from 1, of the two models that have more than one */
#define BENCH_LOCAL	200
#define BENCH_RANDOM	496

/**
 * struct bench_prefix - one route
 * @addr: prefix, network order; IPv4 in the first four bytes
 * @family: 4 or 6
 * @plen: bits
 * @local: next hop, four times of five that of the /16 or /32 that it is in
 * @random: next hop, any
 * @pad: 0
 */
struct bench_prefix {
	uint8_t addr[16];
	uint8_t family;
	uint8_t plen;
	uint16_t local;
	uint16_t random;
	uint16_t pad;
};

#endif
