// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_vrouter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "link.h"

static void link_read_string(char *to, size_t size, const struct nlattr *attr)
{
	if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(to, size, "%s", mnl_attr_get_str(attr));
}

static uint32_t link_read_u32(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) < 0 ? 0 : mnl_attr_get_u32(attr);
}

static void link_read_info(struct link *link, const struct nlattr *nest)
{
	const struct nlattr *attr, *data = NULL, *option;

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			link_read_string(link->kind, sizeof(link->kind), attr);
		else if (mnl_attr_get_type(attr) == IFLA_INFO_DATA)
			data = attr;
	}
	if (!data || strcmp(link->kind, "vrf"))
		return;
	mnl_attr_for_each_nested(option, data)
		if (mnl_attr_get_type(option) == IFLA_VRF_TABLE)
			link->table = link_read_u32(option);
}

static bool link_read(const struct nlmsghdr *nlh, struct link *link)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	memset(link, 0, sizeof(*link));
	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return false;
	link->ifindex = ifi->ifi_index;
	link->flags = ifi->ifi_flags;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			link_read_string(link->name, sizeof(link->name), attr);
			break;
		case IFLA_MASTER:
			link->master = link_read_u32(attr);
			break;
		case IFLA_LINKINFO:
			link_read_info(link, attr);
			break;
		}
	}
	return true;
}

static void link_read_one(const struct nlmsghdr *nlh, void *data)
{
	struct link link;

	if (link_read(nlh, &link))
		*(struct link *)data = link;
}

/* Statistics are large and of no use here. */
static void link_put_mask(struct nl_msg *msg)
{
	mnl_attr_put_u32(msg->nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

/**
 * link_get() - look a device up
 * @nl: rtnetlink socket
 * @name: its name
 * @link: result
 *
 * Return: 0 or -errno, -ENODEV when there is none
 */
int link_get(struct nl *nl, const char *name, struct link *link)
{
	struct nl_msg msg;
	int err;

	memset(link, 0, sizeof(*link));
	nl_msg_start(&msg, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(msg.nlh, IFLA_IFNAME, name);
	link_put_mask(&msg);
	err = nl_talk(nl, &msg, link_read_one, link);
	if (!err && !link->ifindex)
		err = -ENODEV;
	return err;
}

static void link_put_data(struct nl_msg *msg, const struct link_new *new)
{
	struct nlattr *data = mnl_attr_nest_start(msg->nlh, IFLA_INFO_DATA);

	if (new->vlan)
		mnl_attr_put_u16(msg->nlh, IFLA_VRPORT_VLAN, new->vlan);
	if (new->has_weight)
		mnl_attr_put_u32(msg->nlh, IFLA_VROUTER_WEIGHT, new->weight);
	if (new->table)
		mnl_attr_put_u32(msg->nlh, IFLA_VRF_TABLE, new->table);
	mnl_attr_nest_end(msg->nlh, data);
}

/**
 * link_add() - make a device
 * @nl: rtnetlink socket in the namespace of the device below
 * @new: what to make
 *
 * Return: 0 or -errno
 */
int link_add(struct nl *nl, const struct link_new *new)
{
	struct nlattr *info;
	struct nl_msg msg;

	nl_msg_start(&msg, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
		     sizeof(struct ifinfomsg));
	if (new->name)
		mnl_attr_put_strz(msg.nlh, IFLA_IFNAME, new->name);
	if (new->lower)
		mnl_attr_put_u32(msg.nlh, IFLA_LINK, new->lower);
	if (new->master)
		mnl_attr_put_u32(msg.nlh, IFLA_MASTER, new->master);
	if (new->netns >= 0)
		mnl_attr_put_u32(msg.nlh, IFLA_NET_NS_FD, new->netns);
	info = mnl_attr_nest_start(msg.nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(msg.nlh, IFLA_INFO_KIND, new->kind);
	if (new->vlan || new->has_weight || new->table)
		link_put_data(&msg, new);
	mnl_attr_nest_end(msg.nlh, info);
	return nl_talk(nl, &msg, NULL, NULL);
}

int link_delete(struct nl *nl, int ifindex)
{
	struct ifinfomsg *ifi;
	struct nl_msg msg;

	ifi = nl_msg_start(&msg, RTM_DELLINK, 0, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	return nl_talk(nl, &msg, NULL, NULL);
}

int link_set_up(struct nl *nl, int ifindex, bool up)
{
	struct ifinfomsg *ifi;
	struct nl_msg msg;

	ifi = nl_msg_start(&msg, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	return nl_talk(nl, &msg, NULL, NULL);
}

struct link_walk {
	void (*each)(const struct link *link, void *data);
	void *data;
};

static void link_read_each(const struct nlmsghdr *nlh, void *data)
{
	struct link_walk *walk = data;
	struct link link;

	if (link_read(nlh, &link))
		walk->each(&link, walk->data);
}

/**
 * link_each() - all devices of a namespace
 * @nl: rtnetlink socket
 * @each: called for each, for some twice when they change meanwhile; must not
 *	use @nl
 * @data: for @each
 *
 * Return: 0 or -errno
 */
int link_each(struct nl *nl, void (*each)(const struct link *link, void *data),
	      void *data)
{
	struct link_walk walk = { each, data };
	struct nl_msg msg;

	nl_msg_start(&msg, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	link_put_mask(&msg);
	return nl_dump(nl, &msg, NULL, link_read_each, &walk);
}
