/* SPDX-License-Identifier: GPL-2.0 */
/* Two readings of the counters made into rates. */
#ifndef VRCTL_RATES_H
#define VRCTL_RATES_H

#include "router.h"

/**
 * struct rate - what one router did, per second or in total
 * @router: the router, later reading
 * @received: packets
 * @forwarded: packets
 * @punted: packets
 * @dropped: packets
 * @bits: forwarded, bit
 * @cpu: CPU time, s
 * @cpu_share: of the CPU time of all routers, 0 to 1
 * @weight_share: of the weights of all routers, 0 to 1
 * @p50: delay in the queue, ns
 * @p99: delay in the queue, ns
 */
struct rate {
	const struct router *router;
	double received;
	double forwarded;
	double punted;
	double dropped;
	double bits;
	double cpu;
	double cpu_share;
	double weight_share;
	uint64_t p50;
	uint64_t p99;
};

void rates_compute(struct rate *rates, const struct router_list *now,
		   const struct router_list *then, double seconds);
void rates_sort(struct rate *rates, size_t n);

#endif
