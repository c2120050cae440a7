// SPDX-License-Identifier: GPL-2.0
/*
 * The counters of some CPUs, and the buckets of the histogram of delays, against
 * plain sums and loops.
 */
#include "bytes.h"
#include "stats.h"

#define VR_BYTES_CPUS		4
#define VR_BYTES_WORDS		(sizeof(struct vr_stats_sum) / sizeof(u64))

const char * const vr_bytes_name = "counters";

enum { COUNTED, DROPPED, RESET, DELAYED, LONG };

struct vr_bytes_tally vr_bytes_tally[] = {
	[COUNTED] = { "something was counted" },
	[DROPPED] = { "a packet was dropped" },
	[RESET] = { "counters were reset" },
	[DELAYED] = { "a delay of less than the last bucket's" },
	[LONG] = { "a delay of the last bucket" },
	{}
};

/**
 * struct vr_stats_model - counters, and what they should be
 * @cpu: counters
 * @base: what they were at the last reset
 * @want: what they count since then
 */
struct vr_stats_model {
	struct vr_stats cpu[VR_BYTES_CPUS];
	struct vr_stats_sum base;
	struct vr_stats_sum want;
};

static void vr_stats_bytes_sum(const struct vr_stats_model *m,
			       struct vr_stats_sum *sum)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < VR_BYTES_CPUS; i++)
		vr_stats_add(sum, &m->cpu[i]);
}

static void vr_stats_bytes_compare(const struct vr_stats_model *m)
{
	u64 total = 0, plain[VR_STATS_DELAY_BUCKETS];
	const u64 *want = (const u64 *)&m->want;
	struct vr_stats_sum sum;
	const u64 *got = (const u64 *)&sum;
	unsigned int i;

	vr_stats_bytes_sum(m, &sum);
	vr_stats_sub(&sum, &m->base);
	for (i = 0; i < VR_BYTES_WORDS; i++)
		vr_host_check(got[i] == want[i], "word %u is %lu, not %lu", i,
			      got[i], want[i]);
	/* of this very size, so that who reads on is caught */
	memcpy(plain, sum.delay, sizeof(plain));
	for (i = 0; i < VR_STATS_DELAY_BUCKETS; i++) {
		vr_host_check(vr_stats_total(plain, i) == total,
			      "%u buckets are %lu, not %lu", i,
			      vr_stats_total(plain, i), total);
		total += plain[i];
	}
}

/* Bucket n begins at 2^n, but the first one at 0, and the last has no end. */
static unsigned int vr_stats_model_bucket(u64 ns)
{
	unsigned int n = 0;

	while (n < VR_STATS_DELAY_BUCKETS - 1 && ns >= 2ULL << n)
		n++;
	return n;
}

static void vr_stats_bytes_delay(struct vr_stats_model *m, struct vr_stats *cpu,
				 struct vr_bytes *bytes)
{
	u8 shift = vr_bytes_u8(bytes);
	unsigned int want;
	u64 ns;

	/* around the powers of two */
	ns = (1ULL << shift % 64) + (shift >> 6) - 1;
	want = vr_stats_model_bucket(ns);
	vr_host_check(vr_stats_bucket(ns) == want, "%lu ns: bucket %u, not %u",
		      ns, vr_stats_bucket(ns), want);
	u64_stats_inc(&cpu->delay[vr_stats_bucket(ns)]);
	m->want.delay[want]++;
	vr_bytes_tally[want == VR_STATS_DELAY_BUCKETS - 1 ? LONG : DELAYED].n++;
}

static void vr_stats_bytes_count(struct vr_stats_model *m, struct vr_stats *cpu,
				 struct vr_bytes *bytes)
{
	u64 n = (u64)vr_bytes_u32(bytes) << vr_bytes_u8(bytes) % 33;

	switch (vr_bytes_u8(bytes) % 4) {
	case 0:
		u64_stats_add(&cpu->rx_packets, n);
		m->want.rx_packets += n;
		break;
	case 1:
		u64_stats_add(&cpu->cpu_ns, n);
		m->want.cpu_ns += n;
		break;
	case 2:
		u64_stats_add(&cpu->punt[n % (VROUTER_PUNT_MAX + 1)], n);
		m->want.punt[n % (VROUTER_PUNT_MAX + 1)] += n;
		break;
	default:
		u64_stats_add(&cpu->fwd_bytes, n);
		m->want.fwd_bytes += n;
	}
	vr_bytes_tally[COUNTED].n++;
}

int vr_bytes_run(const u8 *data, size_t size)
{
	struct vr_bytes bytes = { data, data + size };
	struct vr_stats_model m = {};
	struct vr_stats *cpu;
	unsigned int reason;
	u8 op;

	while (vr_bytes_left(&bytes)) {
		op = vr_bytes_u8(&bytes);
		cpu = &m.cpu[op % VR_BYTES_CPUS];
		switch (op >> 4) {
		case 0:
			vr_stats_bytes_sum(&m, &m.base);
			memset(&m.want, 0, sizeof(m.want));
			vr_bytes_tally[RESET].n++;
			break;
		case 1 ... 5:
			vr_stats_bytes_delay(&m, cpu, &bytes);
			break;
		case 6 ... 9:
			reason = vr_bytes_u8(&bytes) % (VROUTER_DROP_MAX + 1);
			vr_stats_drop(cpu, reason, op);
			m.want.drop[reason]++;
			m.want.drop_bytes += op;
			vr_bytes_tally[DROPPED].n++;
			break;
		default:
			vr_stats_bytes_count(&m, cpu, &bytes);
		}
	}
	vr_stats_bytes_compare(&m);
	return 0;
}
