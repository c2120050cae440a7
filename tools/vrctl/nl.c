// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/vrouter.h>
#include <stdio.h>
#include <string.h>

#include "nl.h"
#include "vrctl.h"

#define NL_DUMP_TRIES	5
/* Greater than what the kernel puts into one message of a dump. */
#define NL_BUF_SIZE	65536

/* nl_talk() says so when a dump may have missed or doubled something. */
#define NL_INTERRUPTED	1

int nl_open(struct nl *nl, int bus)
{
	memset(nl, 0, sizeof(*nl));
	nl->sock = sock_open(bus, &nl->portid);
	return nl->sock ? 0 : -errno;
}

void nl_close(struct nl *nl)
{
	if (nl->sock)
		sock_close(nl->sock);
	nl->sock = NULL;
}

/**
 * nl_msg_start() - begin a request
 * @msg: the request
 * @type: message type
 * @flags: NLM_F_ flags besides NLM_F_REQUEST
 * @header: size of the family's own header, bytes
 *
 * Return: that header, all zero
 */
void *nl_msg_start(struct nl_msg *msg, uint16_t type, uint16_t flags, size_t header)
{
	memset(msg->buf, 0, sizeof(msg->buf));
	msg->nlh = mnl_nlmsg_put_header(msg->buf);
	msg->nlh->nlmsg_type = type;
	msg->nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	return mnl_nlmsg_put_extra_header(msg->nlh, header);
}

/* The same for family vrouter. */
void nl_msg_genl(struct nl_msg *msg, const struct nl *nl, uint8_t cmd, uint16_t flags)
{
	struct genlmsghdr *genl;

	genl = nl_msg_start(msg, nl->family, flags, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = VROUTER_FAMILY_VERSION;
}

/* Which attribute stands at this offset of our request? */
static uint16_t nl_attr_at(const struct nlmsghdr *req, uint32_t offset)
{
	const struct nlattr *attr = (const void *)((const char *)req + offset);

	if (offset < sizeof(*req) || offset % NLMSG_ALIGNTO ||
	    offset + sizeof(*attr) > req->nlmsg_len)
		return 0;
	return mnl_attr_get_type(attr);
}

/* Read the TLVs (extended ack) from here to the end of the message. */
static void nl_read_extack(struct nl *nl, const struct nlmsghdr *nlh, size_t offset,
			   const struct nlmsghdr *req)
{
	const struct nlattr *attr;
	size_t len;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) ||
	    mnl_nlmsg_get_payload_len(nlh) < offset)
		return;
	mnl_attr_for_each(attr, nlh, offset) {
		len = mnl_attr_get_payload_len(attr);
		switch (mnl_attr_get_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			len = strnlen(mnl_attr_get_payload(attr), len);
			snprintf(nl->text, sizeof(nl->text), "%.*s", (int)len,
				 mnl_attr_get_str(attr));
			break;
		case NLMSGERR_ATTR_OFFS:
			if (len == sizeof(uint32_t))
				nl->bad_attr = nl_attr_at(req, mnl_attr_get_u32(attr));
			break;
		}
	}
}

/* Return: 0 or -errno that ended the request */
static int nl_read_end(struct nl *nl, const struct nlmsghdr *nlh,
		       const struct nlmsghdr *req)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t size = sizeof(*err);
	int code = 0;

	if (nlh->nlmsg_type == NLMSG_DONE) {
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(code))
			memcpy(&code, err, sizeof(code));
		nl_read_extack(nl, nlh, sizeof(code), req);
	} else {
		if (mnl_nlmsg_get_payload_len(nlh) < size)
			return -EBADMSG;
		code = err->error;
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
			size += err->msg.nlmsg_len - sizeof(err->msg);
		nl_read_extack(nl, nlh, size, req);
	}
	return code > 0 ? -code : code;
}

/**
 * nl_talk() - send a request and take all of the answer
 * @nl: socket
 * @msg: the request; NLM_F_ACK is added unless it is a dump
 * @cb: called for each message of the answer, or NULL
 * @data: for @cb
 *
 * What the kernel had to say is in @nl->text afterwards; when it went well all
 * the same, it is a warning.
 *
 * Return: 0, NL_INTERRUPTED or -errno
 */
int nl_talk(struct nl *nl, struct nl_msg *msg, nl_cb cb, void *data)
{
	static char buf[NL_BUF_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *req = msg->nlh, *nlh;
	int err, len, netnsid, interrupted = 0;

	nl->text[0] = '\0';
	nl->bad_attr = 0;
	if ((req->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		req->nlmsg_flags |= NLM_F_ACK;
	req->nlmsg_seq = ++nl->seq;
	req->nlmsg_pid = nl->portid;
	err = sock_send(nl->sock, req, req->nlmsg_len);
	if (err)
		return err;
	for (;;) {
		do
			len = sock_recv(nl->sock, buf, sizeof(buf), &netnsid);
		while (len == -EINTR);
		if (len <= 0)
			return len ? len : -EPIPE;
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_seq != nl->seq)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				interrupted = NL_INTERRUPTED;
			if (nlh->nlmsg_type == NLMSG_ERROR ||
			    nlh->nlmsg_type == NLMSG_DONE) {
				err = nl_read_end(nl, nlh, req);
				if (!err && nl->text[0])
					warning("%s", nl->text);
				return err ? err : interrupted;
			}
			if (cb && nlh->nlmsg_type >= NLMSG_MIN_TYPE)
				cb(nlh, data);
		}
	}
}

/**
 * nl_dump() - dump, again when it was interrupted by a change
 * @nl: socket
 * @msg: the request
 * @restart: forgets what @cb has collected so far
 * @cb: called for each message
 * @data: for @cb and @restart
 *
 * Return: 0 or -errno
 */
int nl_dump(struct nl *nl, struct nl_msg *msg, void (*restart)(void *data),
	    nl_cb cb, void *data)
{
	int i, err = 0;

	for (i = 0; i < NL_DUMP_TRIES; i++) {
		if (restart)
			restart(data);
		err = nl_talk(nl, msg, cb, data);
		if (err != NL_INTERRUPTED)
			return err;
	}
	warning("things change faster than they can be read: the list may be incomplete");
	return 0;
}

/**
 * nl_why() - why a request failed
 * @nl: socket
 * @err: -errno
 *
 * Return: the kernel's words, else the C library's
 */
const char *nl_why(const struct nl *nl, int err)
{
	return nl->text[0] ? nl->text : strerror(-err);
}

static void nl_read_group(struct nl *nl, const struct nlattr *nest)
{
	const struct nlattr *attr;
	const char *name = "";
	uint32_t id = 0;

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			name = mnl_attr_get_str(attr);
		else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
			 mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			id = mnl_attr_get_u32(attr);
	}
	if (!strcmp(name, VROUTER_MCGRP_CHANGES))
		nl->group = id;
}

static void nl_read_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *group;
	struct nl *nl = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case CTRL_ATTR_FAMILY_ID:
			if (mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
				nl->family = mnl_attr_get_u16(attr);
			break;
		case CTRL_ATTR_MCAST_GROUPS:
			mnl_attr_for_each_nested(group, attr)
				nl_read_group(nl, group);
			break;
		}
	}
}

/**
 * nl_find_family() - look family vrouter up
 * @nl: generic netlink socket
 *
 * Return: 0 or -errno, -ENOENT when the module is not loaded
 */
int nl_find_family(struct nl *nl)
{
	struct genlmsghdr *genl;
	struct nl_msg msg;
	int err;

	genl = nl_msg_start(&msg, GENL_ID_CTRL, 0, sizeof(*genl));
	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = 1;
	mnl_attr_put_strz(msg.nlh, CTRL_ATTR_FAMILY_NAME, VROUTER_FAMILY_NAME);
	err = nl_talk(nl, &msg, nl_read_family, nl);
	if (!err && !nl->family)
		err = -ENOENT;
	return err;
}

/**
 * nl_open_vrouter() - a socket for family vrouter
 * @nl: the socket
 *
 * Return: exit status, after a message when it is not 0
 */
int nl_open_vrouter(struct nl *nl)
{
	int err;

	err = nl_open(nl, NETLINK_GENERIC);
	if (!err)
		err = nl_find_family(nl);
	if (!err)
		return VRCTL_OK;
	if (err == -ENOENT || err == -EPROTONOSUPPORT)
		failure("the vrouter module is not loaded");
	else
		failure("netlink: %s", nl_why(nl, err));
	nl_close(nl);
	return VRCTL_FAILED;
}
