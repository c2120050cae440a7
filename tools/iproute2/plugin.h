/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `ip` wants of a plugin for a link kind. iproute2 installs no header for
 * it; struct link_util is the same from 6.1 to 7.1. Options are read and
 * written with libc alone. ip's own JSON printer is used where ip exports it.
 */
#ifndef IPROUTE2_PLUGIN_H
#define IPROUTE2_PLUGIN_H

#include <errno.h>
#include <linux/if_vrouter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN_EXPORT	__attribute__((visibility("default")))

struct link_util {
	struct link_util *next;
	const char *id;
	int maxattr;
	int (*parse_opt)(struct link_util *lu, int argc, char **argv,
			 struct nlmsghdr *n);
	void (*print_opt)(struct link_util *lu, FILE *f, struct rtattr *tb[]);
	void (*print_xstats)(struct link_util *lu, FILE *f, struct rtattr *xstats);
	void (*print_help)(struct link_util *lu, int argc, char **argv, FILE *f);
	int (*parse_ifla_xstats)(struct link_util *lu, int argc, char **argv);
	int (*print_ifla_xstats)(struct nlmsghdr *n, void *arg);
};

/* ip's request has room for this many bytes of attributes. */
#define PLUGIN_MAX_MSG	1024

/* enum output_type and enum color_attr of iproute2 */
#define PLUGIN_PRINT_ANY	4
#define PLUGIN_COLOR_NONE	6

extern int print_color_uint(int type, int color, const char *key, const char *fmt,
			    unsigned int value) __attribute__((weak));

static inline void plugin_print(FILE *f, const char *key, const char *fmt,
				unsigned int value)
{
	if (print_color_uint)
		print_color_uint(PLUGIN_PRINT_ANY, PLUGIN_COLOR_NONE, key, fmt, value);
	else
		fprintf(f, "%s %u ", key, value);
}

/* Return: 0, or -1 after a message */
static inline int plugin_add(struct nlmsghdr *n, unsigned short type, const void *data,
			     size_t len)
{
	size_t at = NLMSG_ALIGN(n->nlmsg_len), size = RTA_LENGTH(len);
	struct rtattr *rta = (struct rtattr *)((char *)n + at);

	if (at + RTA_ALIGN(size) > PLUGIN_MAX_MSG) {
		fprintf(stderr, "Too many options\n");
		return -1;
	}
	memset(rta, 0, RTA_ALIGN(size));
	rta->rta_type = type;
	rta->rta_len = size;
	if (len)
		memcpy(RTA_DATA(rta), data, len);
	n->nlmsg_len = at + RTA_ALIGN(size);
	return 0;
}

/* A decimal number in a range. Return: 0, or -1 after a message */
static inline int plugin_number(const char *word, const char *text, uint32_t min,
				uint32_t max, uint32_t *value)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = text ? strtoul(text, &end, 10) : 0;
	if (!text || *text < '0' || *text > '9' || *end || errno || v < min || v > max) {
		fprintf(stderr, "Error: \"%s\" wants a number from %u to %u%s%s.\n", word,
			min, max, text ? ", not " : "", text ? text : "");
		return -1;
	}
	*value = v;
	return 0;
}

#endif
