// SPDX-License-Identifier: GPL-2.0
/*
 * The rtnetlink side: a few devices that can be made, set up and deleted.
 * $VRCTL_FAKE_FAIL is the number of the change that is refused, 1 for the
 * first. What is left in the end goes to the log.
 */
#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/if_link.h>
#include <linux/if_vrouter.h>
#include <linux/net_namespace.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"

struct device {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[16];
	bool up;
	uint32_t master;
	uint32_t table;
};

static struct device devices[32] = {
	{ 1, "lo", "", true, 0, 0 },
	{ 2, "eth0", "", true, 0, 0 },
	{ 3, "eth1", "", false, 0, 0 },
	{ 4, "red", "vrf", true, 0, 1001 },
	{ 10, "vr-red", "vrouter", true, 4, 0 },
	{ 20, "red0", "vrport", true, 4, 0 },
	{ 21, "red1", "vrport", true, 4, 0 },
	{ 22, "far0", "vrport", true, 0, 0 },
	{ 23, "", "", true, 4, 0 },
};
static int n_devices = 8, next_ifindex = 50, changes;

static struct device *fake_find(const char *name, int ifindex)
{
	int i;

	for (i = 0; i < n_devices; i++)
		if (name ? !strcmp(devices[i].name, name) : devices[i].ifindex == ifindex)
			return &devices[i];
	return NULL;
}

/* In the same VRF as vr-red, and no port. */
static void fake_add_tenant(void)
{
	if (fake_is("tenant") && n_devices == 8)
		strcpy(devices[n_devices++].name, "tap0");
}

static void fake_log_rest(void)
{
	char line[512] = "left:";
	int i;

	for (i = 0; i < n_devices; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " %s%s",
			 devices[i].name, devices[i].up ? "+" : "");
	fake_log("%s", line);
}

static const char *fake_read_data(const struct nlattr *data, const char *kind, uint32_t *table)
{
	static char text[64];
	const struct nlattr *attr;
	uint16_t vlan;

	text[0] = '\0';
	mnl_attr_for_each_nested(attr, data) {
		if (!strcmp(kind, "vrport")) {
			memcpy(&vlan, mnl_attr_get_payload(attr), sizeof(vlan));
			snprintf(text, sizeof(text), " vlan %u", vlan);
		} else if (!strcmp(kind, "vrouter")) {
			snprintf(text, sizeof(text), " weight %u", mnl_attr_get_u32(attr));
		} else {
			*table = mnl_attr_get_u32(attr);
			snprintf(text, sizeof(text), " table %u", *table);
		}
	}
	return text;
}

static int fake_link_add(const struct nlmsghdr *req)
{
	const struct nlattr *attr, *inner;
	const char *data = "", *netns = "";
	struct device new = { 0 };
	uint32_t lower = 0;

	mnl_attr_for_each(attr, req, sizeof(struct ifinfomsg)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			snprintf(new.name, sizeof(new.name), "%s", mnl_attr_get_str(attr));
			break;
		case IFLA_LINK:
			lower = mnl_attr_get_u32(attr);
			break;
		case IFLA_MASTER:
			new.master = mnl_attr_get_u32(attr);
			break;
		case IFLA_NET_NS_FD:
			netns = " netns";
			break;
		case IFLA_LINKINFO:
			mnl_attr_for_each_nested(inner, attr) {
				if (mnl_attr_get_type(inner) == IFLA_INFO_KIND)
					snprintf(new.kind, sizeof(new.kind), "%s",
						 mnl_attr_get_str(inner));
				else
					data = fake_read_data(inner, new.kind, &new.table);
			}
			break;
		}
	}
	if (!strcmp(new.kind, "vrport") && !lower)
		return -EINVAL;
	if (fake_find(new.name, 0))
		return -EEXIST;
	new.ifindex = next_ifindex++;
	fake_log("add %s %s lower %u master %u%s%s", new.kind, new.name, lower, new.master,
		 data, netns);
	devices[n_devices++] = new;
	return 0;
}

static int fake_link_change(const struct nlmsghdr *req)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(req);
	struct device *dev = fake_find(NULL, ifi->ifi_index);

	if (!dev)
		return -ENODEV;
	if (req->nlmsg_type == RTM_DELLINK) {
		fake_log("del %s", dev->name);
		*dev = devices[--n_devices];
		return 0;
	}
	dev->up = ifi->ifi_flags & IFF_UP;
	fake_log("%s %s", dev->up ? "up" : "down", dev->name);
	return 0;
}

static int fake_route(const struct nlmsghdr *req)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(req);
	const struct nlattr *attr;

	mnl_attr_for_each(attr, req, sizeof(*rtm))
		if (mnl_attr_get_type(attr) == RTA_TABLE)
			fake_log("route %s %u type %u table %u",
				 req->nlmsg_type == RTM_NEWROUTE ? "add" : "del",
				 rtm->rtm_family, rtm->rtm_type, mnl_attr_get_u32(attr));
	return 0;
}

static void fake_link_put(struct sock *sock, const struct nlmsghdr *req,
			  const struct device *dev, uint16_t flags)
{
	struct nlattr *info, *data;
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;
	char buf[8192];

	nlh = fake_start(buf, req, RTM_NEWLINK, flags, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(nlh);
	ifi->ifi_index = dev->ifindex;
	ifi->ifi_flags = dev->up ? IFF_UP : 0;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, dev->name);
	if (dev->master)
		mnl_attr_put_u32(nlh, IFLA_MASTER, dev->master);
	if (dev->kind[0]) {
		info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
		mnl_attr_put_strz(nlh, IFLA_INFO_KIND, dev->kind);
		data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
		if (dev->table)
			mnl_attr_put_u32(nlh, IFLA_VRF_TABLE, dev->table);
		mnl_attr_nest_end(nlh, data);
		mnl_attr_nest_end(nlh, info);
	}
	fake_queue(sock, nlh);
}

/* As gnet_stats_copy_basic() does: the low half, and all of it when that is more. */
static void fake_qdisc(struct sock *sock, const struct nlmsghdr *req)
{
	struct gnet_stats_basic basic = { .bytes = 700, .packets = 7 };
	struct gnet_stats_queue queue = { .qlen = 3, .drops = 2 };
	struct nlmsghdr *nlh;
	struct nlattr *nest;
	struct tcmsg *tcm;
	char buf[8192];

	nlh = fake_start(buf, req, RTM_NEWQDISC, NLM_F_MULTI, sizeof(*tcm));
	tcm = mnl_nlmsg_get_payload(nlh);
	tcm->tcm_ifindex = 1;
	tcm->tcm_parent = TC_H_ROOT;
	mnl_attr_put_strz(nlh, TCA_KIND, "vrouter");
	nest = mnl_attr_nest_start(nlh, TCA_STATS2);
	mnl_attr_put(nlh, TCA_STATS_BASIC, fake_is("short") ? 8 : sizeof(basic), &basic);
	if (fake_is("many"))
		mnl_attr_put_u64(nlh, TCA_STATS_PKT64, (1ull << 32) + 7);
	mnl_attr_put(nlh, TCA_STATS_QUEUE, sizeof(queue), &queue);
	mnl_attr_nest_end(nlh, nest);
	fake_queue(sock, nlh);
}

static void fake_link_read(struct sock *sock, const struct nlmsghdr *req)
{
	const struct nlattr *attr;
	struct device *dev = NULL;
	int i;

	fake_add_tenant();
	if (req->nlmsg_type == RTM_GETROUTE)
		fake_kernel_routes(sock, req);
	if (req->nlmsg_type == RTM_GETQDISC)
		fake_qdisc(sock, req);
	if ((req->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP) {
		for (i = 0; req->nlmsg_type == RTM_GETLINK && i < n_devices; i++)
			fake_link_put(sock, req, &devices[i], NLM_F_MULTI);
		fake_done(sock, req, 0, 0, NULL);
		return;
	}
	mnl_attr_for_each(attr, req, sizeof(struct ifinfomsg))
		if (mnl_attr_get_type(attr) == IFLA_IFNAME)
			dev = fake_find(mnl_attr_get_str(attr), 0);
	if (dev)
		fake_link_put(sock, req, dev, 0);
	fake_ack(sock, req, dev ? 0 : -ENODEV, NULL, 0);
}

/* A plain file stands for a namespace; its id is what it holds. */
static void fake_nsid(struct sock *sock, const struct nlmsghdr *req)
{
	const struct nlattr *attr = mnl_nlmsg_get_payload_offset(req, sizeof(struct rtgenmsg));
	struct nlmsghdr *nlh;
	char buf[8192];
	char text[16] = "";

	if (pread(mnl_attr_get_u32(attr), text, sizeof(text) - 1, 0) <= 0) {
		fake_ack(sock, req, -ENODEV, NULL, 0);
		return;
	}
	nlh = fake_start(buf, req, RTM_NEWNSID, 0, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(nlh, NETNSA_NSID, atoi(text));
	fake_queue(sock, nlh);
	fake_ack(sock, req, 0, NULL, 0);
}

void fake_link_request(struct sock *sock, const struct nlmsghdr *req)
{
	const char *fail = getenv("VRCTL_FAKE_FAIL");
	int err;

	if (req->nlmsg_type == RTM_GETNSID) {
		fake_nsid(sock, req);
		return;
	}
	if (req->nlmsg_type != RTM_NEWLINK && req->nlmsg_type != RTM_DELLINK &&
	    req->nlmsg_type != RTM_NEWROUTE && req->nlmsg_type != RTM_DELROUTE) {
		fake_link_read(sock, req);
		return;
	}
	if (!changes++)
		atexit(fake_log_rest);
	if (fail && atoi(fail) == changes) {
		fake_ack(sock, req, -EBUSY, "No luck with this one", 0);
		return;
	}
	if (req->nlmsg_type == RTM_NEWROUTE || req->nlmsg_type == RTM_DELROUTE)
		err = fake_route(req);
	else if (req->nlmsg_flags & NLM_F_CREATE)
		err = fake_link_add(req);
	else
		err = fake_link_change(req);
	fake_ack(sock, req, err, NULL, 0);
}
