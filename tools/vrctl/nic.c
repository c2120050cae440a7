// SPDX-License-Identifier: GPL-2.0
/* nic: the qdiscs that share links, for those whose tc does not know them */
#include <inttypes.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sch_vrouter.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nl.h"
#include "out.h"
#include "parse.h"
#include "vrctl.h"

/**
 * struct nic - a qdisc of kind vrouter
 * @name: the NIC
 * @parent: where it is, TC_H_ROOT or a class of another qdisc
 * @bandwidth: bytes a second, 0 for no limit
 * @limit: packets
 * @queue: what it counts
 * @bytes: that it has sent
 * @packets: likewise
 */
struct nic {
	char name[IF_NAMESIZE];
	uint32_t parent;
	uint64_t bandwidth;
	uint32_t limit;
	struct gnet_stats_queue queue;
	uint64_t bytes;
	uint64_t packets;
};

struct nic_list {
	struct nic *v;
	size_t n;
};

static void nic_number(const struct nlattr *attr, void *data, size_t len)
{
	if (mnl_attr_get_payload_len(attr) >= len)
		memcpy(data, mnl_attr_get_payload(attr), len);
}

static int nic_option(const struct nlattr *attr, void *data)
{
	struct nic *nic = data;

	switch (mnl_attr_get_type(attr)) {
	case TCA_VROUTER_BANDWIDTH:
		nic_number(attr, &nic->bandwidth, sizeof(nic->bandwidth));
		break;
	case TCA_VROUTER_LIMIT:
		nic_number(attr, &nic->limit, sizeof(nic->limit));
		break;
	}
	return MNL_CB_OK;
}

/* The kernel's struct may end with padding that ours has not. */
static void nic_basic(const struct nlattr *attr, struct nic *nic)
{
	const char *basic = mnl_attr_get_payload(attr);
	uint32_t packets;

	if (mnl_attr_get_payload_len(attr) < sizeof(nic->bytes) + sizeof(packets))
		return;
	memcpy(&nic->bytes, basic, sizeof(nic->bytes));
	memcpy(&packets, basic + sizeof(nic->bytes), sizeof(packets));
	nic->packets = packets;
}

static int nic_stats(const struct nlattr *attr, void *data)
{
	struct nic *nic = data;

	switch (mnl_attr_get_type(attr)) {
	case TCA_STATS_QUEUE:
		nic_number(attr, &nic->queue, sizeof(nic->queue));
		break;
	case TCA_STATS_BASIC:
		nic_basic(attr, nic);
		break;
	case TCA_STATS_PKT64:
		/* comes after the other one, when that has not room for all */
		nic_number(attr, &nic->packets, sizeof(nic->packets));
		break;
	}
	return MNL_CB_OK;
}

static int nic_attr(const struct nlattr *attr, void *data)
{
	switch (mnl_attr_get_type(attr)) {
	case TCA_OPTIONS:
		mnl_attr_parse_nested(attr, nic_option, data);
		break;
	case TCA_STATS2:
		mnl_attr_parse_nested(attr, nic_stats, data);
		break;
	}
	return MNL_CB_OK;
}

static int nic_kind(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == TCA_KIND &&
	    !strcmp(mnl_attr_get_str(attr), "vrouter"))
		*(bool *)data = true;
	return MNL_CB_OK;
}

static void nic_collect(const struct nlmsghdr *nlh, void *data)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	struct nic_list *list = data;
	bool ours = false;
	struct nic *nic;

	mnl_attr_parse(nlh, sizeof(*tcm), nic_kind, &ours);
	if (!ours)
		return;
	list->v = xrealloc(list->v, list->n + 1, sizeof(*list->v));
	nic = &list->v[list->n++];
	memset(nic, 0, sizeof(*nic));
	nic->parent = tcm->tcm_parent;
	if (!if_indextoname(tcm->tcm_ifindex, nic->name))
		snprintf(nic->name, sizeof(nic->name), "if%d", tcm->tcm_ifindex);
	mnl_attr_parse(nlh, sizeof(*tcm), nic_attr, nic);
}

static void nic_restart(void *data)
{
	((struct nic_list *)data)->n = 0;
}

static void nic_print(const struct nic *nic)
{
	char rate[32] = "unlimited", parent[24] = "root";

	if (nic->bandwidth)
		snprintf(rate, sizeof(rate), "%" PRIu64 "bit", nic->bandwidth * 8);
	if (nic->parent != TC_H_ROOT)
		snprintf(parent, sizeof(parent), "%x:%x", TC_H_MAJ(nic->parent) >> 16,
			 TC_H_MIN(nic->parent));
	printf("%-15s  %-8s  bandwidth %-14s  limit %u  sent %" PRIu64 "  dropped %u  queued %u\n",
	       out_clean(nic->name), parent, rate, nic->limit, nic->packets,
	       nic->queue.drops, nic->queue.qlen);
}

static void nic_json(const struct nic *nic)
{
	json_open(NULL, '{');
	json_string("nic", nic->name);
	json_u64("parent", nic->parent);
	json_u64("bandwidth", nic->bandwidth);
	json_u64("limit", nic->limit);
	json_u64("packets", nic->packets);
	json_u64("bytes", nic->bytes);
	json_u64("drops", nic->queue.drops);
	json_u64("overlimits", nic->queue.overlimits);
	json_u64("queued-packets", nic->queue.qlen);
	json_u64("queued-bytes", nic->queue.backlog);
	json_close();
}

static int nic_list(struct nl *nl)
{
	struct nic_list list = { 0 };
	struct nl_msg msg;
	size_t i;
	int err;

	nl_msg_start(&msg, RTM_GETQDISC, NLM_F_DUMP, sizeof(struct tcmsg));
	err = nl_dump(nl, &msg, nic_restart, nic_collect, &list);
	if (err) {
		failure("cannot read qdiscs: %s", nl_why(nl, err));
	} else if (opt(OPT_JSON)) {
		json_start(stdout);
		json_open(NULL, '[');
		for (i = 0; i < list.n; i++)
			nic_json(&list.v[i]);
		json_close();
		json_end();
	} else {
		for (i = 0; i < list.n; i++)
			nic_print(&list.v[i]);
	}
	free(list.v);
	return err;
}

static int nic_set(struct nl *nl, const char *dev, uint64_t bandwidth)
{
	struct nl_msg msg;
	struct nlattr *nest;
	struct tcmsg *tcm;
	int err;

	/* one of this kind that is there is changed, another one replaced */
	tcm = nl_msg_start(&msg, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*tcm));
	tcm->tcm_ifindex = if_nametoindex(dev);
	tcm->tcm_parent = TC_H_ROOT;
	if (!tcm->tcm_ifindex) {
		failure("there is no device %s", dev);
		return -1;
	}
	mnl_attr_put_strz(msg.nlh, TCA_KIND, "vrouter");
	nest = mnl_attr_nest_start(msg.nlh, TCA_OPTIONS);
	mnl_attr_put_u64(msg.nlh, TCA_VROUTER_BANDWIDTH, bandwidth);
	mnl_attr_nest_end(msg.nlh, nest);
	err = nl_talk(nl, &msg, NULL, NULL);
	if (err)
		failure("%s: %s", dev, nl_why(nl, err));
	return err;
}

int nic_run(int argc, char **argv)
{
	uint64_t bandwidth = 0;
	struct nl nl;
	int err;

	if (argc && argc != 3)
		return usage_error("nic wants nothing, or DEV bandwidth RATE");
	if (argc && !parse_ifname(argv[0]))
		return usage_error("'%s' is no name of a device", argv[0]);
	if (argc && strcmp(argv[1], "bandwidth"))
		return usage_error("nic knows no '%s', only bandwidth", argv[1]);
	if (argc && !parse_rate(argv[2], &bandwidth))
		return usage_error("bandwidth wants a rate like 100mbit, or 0, not '%s'",
				   argv[2]);
	if (nl_open(&nl, NETLINK_ROUTE))
		return VRCTL_FAILED;
	err = argc ? nic_set(&nl, argv[0], bandwidth) : nic_list(&nl);
	nl_close(&nl);
	return err ? VRCTL_FAILED : VRCTL_OK;
}
