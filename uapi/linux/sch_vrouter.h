/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The qdisc "vrouter", which shares a NIC's link between virtual routers.
 */
#ifndef _UAPI_LINUX_SCH_VROUTER_H
#define _UAPI_LINUX_SCH_VROUTER_H

#include <linux/types.h>

/**
 * enum tca_vrouter - options of the qdisc, in TCA_OPTIONS
 * @TCA_VROUTER_UNSPEC: not used
 * @TCA_VROUTER_PAD: aligns what follows
 * @TCA_VROUTER_BANDWIDTH: bytes a second on the wire that the link is to send at most,
 *	u64; 0, also if it is left out at creation, for what the device takes
 * @TCA_VROUTER_LIMIT: most packets in all queues, u32, at least 1; 10240 if it is left
 *	out at creation
 * @__TCA_VROUTER_MAX: not used
 */
enum tca_vrouter {
	TCA_VROUTER_UNSPEC,
	TCA_VROUTER_PAD,
	TCA_VROUTER_BANDWIDTH,
	TCA_VROUTER_LIMIT,
	__TCA_VROUTER_MAX,
};

#define TCA_VROUTER_MAX (__TCA_VROUTER_MAX - 1)

/**
 * enum tca_vrouter_class - of a class, in TCA_OPTIONS, to be read only
 * @TCA_VROUTER_CLASS_UNSPEC: not used
 * @TCA_VROUTER_CLASS_PAD: aligns what follows
 * @TCA_VROUTER_CLASS_NAME: the router's name, string; left out for the host's class
 * @TCA_VROUTER_CLASS_WEIGHT: share, u32
 * @TCA_VROUTER_CLASS_MAX_RATE: bytes a second that it gets at most, u64, 0 for any
 * @TCA_VROUTER_CLASS_GONE: the router is no more, flag; what is queued is still sent
 * @__TCA_VROUTER_CLASS_MAX: not used
 */
enum tca_vrouter_class {
	TCA_VROUTER_CLASS_UNSPEC,
	TCA_VROUTER_CLASS_PAD,
	TCA_VROUTER_CLASS_NAME,
	TCA_VROUTER_CLASS_WEIGHT,
	TCA_VROUTER_CLASS_MAX_RATE,
	TCA_VROUTER_CLASS_GONE,
	__TCA_VROUTER_CLASS_MAX,
};

#define TCA_VROUTER_CLASS_MAX (__TCA_VROUTER_CLASS_MAX - 1)

/**
 * struct tc_vrouter_xstats - statistics of a class, in TCA_STATS_APP
 * @wire_bytes: sent, with 24 bytes of preamble, FCS and gap for each frame
 * @sojourn_us: how long the latest frame was queued, in us; 0 if it had no other one
 *	behind it and there was no rate to wait for
 * @codel_drops: frames that CoDel dropped
 * @marks: frames that CoDel marked (ECN) in place of that
 * @full_drops: frames dropped because the router's queue was full
 * @longest_drops: frames dropped because all queues together were full, and this was
 *	the longest one
 */
struct tc_vrouter_xstats {
	__u64 wire_bytes;
	__u32 sojourn_us;
	__u32 codel_drops;
	__u32 marks;
	__u32 full_drops;
	__u32 longest_drops;
	__u32 pad;
};

#endif
