/* SPDX-License-Identifier: GPL-2.0 */
/* Histogram with buckets that double: percentiles and differences. */
#ifndef VRCTL_HIST_H
#define VRCTL_HIST_H

#include <stdint.h>

#define HIST_BUCKETS	65

/**
 * struct hist_bucket - values from @min to below twice @min
 * @min: ns; 0 holds the value 0 or whatever is below the next bucket
 * @count: how many
 */
struct hist_bucket {
	uint64_t min;
	uint64_t count;
};

/**
 * struct hist - buckets in ascending order
 * @n: how many are in use
 * @bucket: the buckets
 */
struct hist {
	unsigned int n;
	struct hist_bucket bucket[HIST_BUCKETS];
};

void hist_add(struct hist *hist, uint64_t min, uint64_t count);
uint64_t hist_total(const struct hist *hist);
uint64_t hist_percentile(const struct hist *hist, double p);
void hist_since(struct hist *diff, const struct hist *now, const struct hist *then);

#endif
