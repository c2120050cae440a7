/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of a router, one set a CPU, written by the CPU that counts.
 */
#ifndef VROUTER_STATS_H
#define VROUTER_STATS_H

#include <linux/log2.h>
#include <linux/u64_stats_sync.h>
#include <uapi/linux/vrouter.h>

#define VR_STATS_DELAY_BUCKETS	32

/**
 * struct vr_stats - counters of a router on one CPU
 * @syncp: lets 32-bit readers see whole values
 * @rx_packets: packets that the router received, whatever became of them
 * @rx_bytes: with the Ethernet header
 * @fwd_packets: packets forwarded
 * @fwd_bytes: with the Ethernet header
 * @punt_bytes: bytes of the packets given to the Linux stack
 * @drop_bytes: bytes of the packets dropped
 * @cpu_ns: CPU time spent on the router's packets
 * @punt: packets given to the Linux stack, by enum vrouter_punt_reason
 * @drop: packets dropped, by enum vrouter_drop_reason
 * @delay: packets by log2 of their time in the queue, ns
 */
struct vr_stats {
	struct u64_stats_sync syncp;
	u64_stats_t rx_packets;
	u64_stats_t rx_bytes;
	u64_stats_t fwd_packets;
	u64_stats_t fwd_bytes;
	u64_stats_t punt_bytes;
	u64_stats_t drop_bytes;
	u64_stats_t cpu_ns;
	u64_stats_t punt[VROUTER_PUNT_MAX + 1];
	u64_stats_t drop[VROUTER_DROP_MAX + 1];
	u64_stats_t delay[VR_STATS_DELAY_BUCKETS];
};

/**
 * struct vr_stats_sum - counters of a router over all CPUs
 * @rx_packets: see &struct vr_stats
 * @rx_bytes: see &struct vr_stats
 * @fwd_packets: see &struct vr_stats
 * @fwd_bytes: see &struct vr_stats
 * @punt_bytes: see &struct vr_stats
 * @drop_bytes: see &struct vr_stats
 * @cpu_ns: see &struct vr_stats
 * @punt: see &struct vr_stats
 * @drop: see &struct vr_stats
 * @delay: see &struct vr_stats
 */
struct vr_stats_sum {
	u64 rx_packets;
	u64 rx_bytes;
	u64 fwd_packets;
	u64 fwd_bytes;
	u64 punt_bytes;
	u64 drop_bytes;
	u64 cpu_ns;
	u64 punt[VROUTER_PUNT_MAX + 1];
	u64 drop[VROUTER_DROP_MAX + 1];
	u64 delay[VR_STATS_DELAY_BUCKETS];
};

void vr_stats_add(struct vr_stats_sum *sum, const struct vr_stats *stats);
void vr_stats_sub(struct vr_stats_sum *sum, const struct vr_stats_sum *base);
u64 vr_stats_total(const u64 *counter, unsigned int n);

/**
 * vr_stats_bucket() - bucket of the delay histogram
 * @ns: time in the queue, ns
 *
 * Return: index into &vr_stats.delay; bucket n begins at 2^n ns, the last one
 * has no end, and the first one begins at 0.
 */
static inline unsigned int vr_stats_bucket(u64 ns)
{
	unsigned int n = ns ? ilog2(ns) : 0;

	return n < VR_STATS_DELAY_BUCKETS ? n : VR_STATS_DELAY_BUCKETS - 1;
}

/**
 * vr_stats_drop() - count a dropped packet
 * @stats: this CPU's counters
 * @reason: why
 * @len: bytes, with the Ethernet header
 */
static inline void vr_stats_drop(struct vr_stats *stats,
				 enum vrouter_drop_reason reason,
				 unsigned int len)
{
	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->drop[reason]);
	u64_stats_add(&stats->drop_bytes, len);
	u64_stats_update_end(&stats->syncp);
}

#endif
