// SPDX-License-Identifier: GPL-2.0
#include <linux/string.h>

#include "stats.h"

/* The fields of vr_stats from rx_packets on are the array that vr_stats_sum
 * is: that keeps reading one loop.
 */
#define VR_STATS_WORDS (sizeof(struct vr_stats_sum) / sizeof(u64))

/**
 * vr_stats_add() - add the counters of one CPU
 * @sum: where to
 * @stats: counters that their CPU may change meanwhile
 */
void vr_stats_add(struct vr_stats_sum *sum, const struct vr_stats *stats)
{
	const u64_stats_t *from = &stats->rx_packets;
	u64 copy[VR_STATS_WORDS], *to = (u64 *)sum;
	unsigned int start, i;

	BUILD_BUG_ON(sizeof(struct vr_stats) -
		     offsetof(struct vr_stats, rx_packets) !=
		     VR_STATS_WORDS * sizeof(u64_stats_t));
	do {
		start = u64_stats_fetch_begin(&stats->syncp);
		for (i = 0; i < VR_STATS_WORDS; i++)
			copy[i] = u64_stats_read(&from[i]);
	} while (u64_stats_fetch_retry(&stats->syncp, start));
	for (i = 0; i < VR_STATS_WORDS; i++)
		to[i] += copy[i];
}

/**
 * vr_stats_sub() - take the counters at the last reset off
 * @sum: counters
 * @base: what they were at the last reset
 */
void vr_stats_sub(struct vr_stats_sum *sum, const struct vr_stats_sum *base)
{
	const u64 *from = (const u64 *)base;
	u64 *to = (u64 *)sum;
	unsigned int i;

	for (i = 0; i < VR_STATS_WORDS; i++)
		to[i] -= from[i];
}

/**
 * vr_stats_total() - sum of an array of counters
 * @counter: array
 * @n: its length
 *
 * Return: the sum.
 */
u64 vr_stats_total(const u64 *counter, unsigned int n)
{
	u64 total = 0;

	while (n--)
		total += *counter++;
	return total;
}
