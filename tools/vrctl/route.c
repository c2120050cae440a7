// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "out.h"
#include "route.h"
#include "vrctl.h"

/* More paths than this the data plane does not take. */
#define ROUTE_PATHS_MAX	512

void route_list_clear(void *data)
{
	struct route_list *list = data;

	list->n = 0;
	list->npaths = 0;
}

void route_list_free(struct route_list *list)
{
	free(list->v);
	free(list->path);
	memset(list, 0, sizeof(*list));
}

/**
 * route_add() - one route more, all zero
 * @list: routes
 *
 * Return: the route, until the next one is added
 */
struct route *route_add(struct route_list *list)
{
	struct route *route;

	if (list->n == list->room) {
		list->room = list->room ? 2 * list->room : 256;
		list->v = xrealloc(list->v, list->room, sizeof(*list->v));
	}
	route = &list->v[list->n];
	memset(route, 0, sizeof(*route));
	route->order = list->n++;
	route->path = list->npaths;
	return route;
}

/**
 * route_add_path() - one path more, all zero
 * @list: routes
 * @route: the last one of them
 *
 * Return: the path, until the next one is added
 */
struct route_path *route_add_path(struct route_list *list, struct route *route)
{
	struct route_path *path;

	if (list->npaths == list->path_room) {
		list->path_room = list->path_room ? 2 * list->path_room : 256;
		list->path = xrealloc(list->path, list->path_room, sizeof(*list->path));
	}
	path = &list->path[list->npaths++];
	memset(path, 0, sizeof(*path));
	path->weight = 1;
	route->npaths++;
	return path;
}

static void route_read_gateway(struct route_path *path, const void *addr, size_t len)
{
	if (len != 4 && len != 16)
		return;
	memcpy(path->gw, addr, len);
	path->gw_len = len;
}

static uint32_t route_read_u32(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) < 0 ? 0 : mnl_attr_get_u32(attr);
}

/* A gateway of either kind. */
static void route_read_way(struct route_path *path, const struct nlattr *attr)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) == RTA_GATEWAY)
		route_read_gateway(path, via, len);
	else if (len > sizeof(*via))
		route_read_gateway(path, via->rtvia_addr, len - sizeof(*via));
}

/* Return: whether a path encapsulates */
static bool route_read_multipath(struct route_list *list, struct route *route,
				 const struct nlattr *nest)
{
	const struct rtnexthop *rtnh = mnl_attr_get_payload(nest);
	int left = mnl_attr_get_payload_len(nest);
	const struct nlattr *attr;
	struct route_path *path;
	bool encap = false;

	while (RTNH_OK(rtnh, left)) {
		path = route_add_path(list, route);
		path->oif = rtnh->rtnh_ifindex;
		path->weight = rtnh->rtnh_hops + 1;
		mnl_attr_for_each_payload((const void *)RTNH_DATA(rtnh),
					  rtnh->rtnh_len - RTNH_LENGTH(0)) {
			switch (mnl_attr_get_type(attr)) {
			case RTA_GATEWAY:
			case RTA_VIA:
				route_read_way(path, attr);
				break;
			case RTA_ENCAP:
				encap = true;
				break;
			}
		}
		left -= RTNH_ALIGN(rtnh->rtnh_len);
		rtnh = RTNH_NEXT(rtnh);
	}
	return encap;
}

/* Why packets for routes of this type go to the Linux stack, or 0. */
static uint8_t route_type_reason(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		return 0;
	case RTN_LOCAL:
	case RTN_ANYCAST:
		return VROUTER_PUNT_LOCAL;
	case RTN_BROADCAST:
	case RTN_MULTICAST:
		return VROUTER_PUNT_MULTICAST;
	default:
		return VROUTER_PUNT_ROUTE_TYPE;
	}
}

/**
 * struct route_attrs - attributes of a route of the kernel
 * @dst: prefix
 * @multipath: several paths
 * @way: gateway of the only path
 * @oif: device of the only path
 * @mtu: MTU
 * @metric: metric
 * @expires: it has a lifetime
 * @nhid: it has a nexthop object
 * @encap: the only path encapsulates
 * @table: routing table
 */
struct route_attrs {
	const struct nlattr *dst;
	const struct nlattr *multipath;
	const struct nlattr *way;
	uint32_t oif;
	uint32_t mtu;
	uint32_t metric;
	bool expires;
	bool nhid;
	bool encap;
	uint32_t table;
};

static void route_read_metrics(struct route_attrs *attrs, const struct nlattr *nest)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == RTAX_MTU)
			attrs->mtu = route_read_u32(attr);
}

static bool route_expires(const struct nlattr *attr)
{
	struct rta_cacheinfo info;

	if (mnl_attr_get_payload_len(attr) < sizeof(info))
		return false;
	memcpy(&info, mnl_attr_get_payload(attr), sizeof(info));
	return info.rta_expires;
}

static void route_read_attrs(struct route_attrs *attrs, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	memset(attrs, 0, sizeof(*attrs));
	attrs->table = rtm->rtm_table;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			attrs->dst = attr;
			break;
		case RTA_MULTIPATH:
			attrs->multipath = attr;
			break;
		case RTA_GATEWAY:
		case RTA_VIA:
			attrs->way = attr;
			break;
		case RTA_OIF:
			attrs->oif = route_read_u32(attr);
			break;
		case RTA_METRICS:
			route_read_metrics(attrs, attr);
			break;
		case RTA_PRIORITY:
			attrs->metric = route_read_u32(attr);
			break;
		case RTA_CACHEINFO:
			attrs->expires = route_expires(attr);
			break;
		case RTA_NH_ID:
			attrs->nhid = true;
			break;
		case RTA_ENCAP:
			attrs->encap = true;
			break;
		case RTA_TABLE:
			attrs->table = route_read_u32(attr);
			break;
		}
	}
}

/* What the data plane should make of a route of type unicast. */
static void route_expect(struct route *route, const struct rtmsg *rtm,
			 const struct route_attrs *attrs, bool encap)
{
	if (rtm->rtm_family == AF_INET && rtm->rtm_tos)
		route->reason = VROUTER_PUNT_ROUTE_UNSUPPORTED;
	else if (encap)
		route->reason = VROUTER_PUNT_ENCAP;
	else if (route->npaths > ROUTE_PATHS_MAX && !attrs->nhid)
		route->reason = VROUTER_PUNT_ROUTE_UNSUPPORTED;
	else if (rtm->rtm_family == AF_INET6 &&
		 (attrs->expires || (rtm->rtm_protocol == RTPROT_RA && attrs->way)))
		/* the kernel does not tell whether it takes turns between them */
		route->maybe = VROUTER_PUNT_ROUTE_UNSUPPORTED;
	else if (attrs->nhid && !route->npaths)
		route->unknown = true;
}

/**
 * route_decode_kernel() - a route that rtnetlink tells
 * @list: gets it, unless it is of another table, by source, or a copy
 * @nlh: the message
 * @table: routing table
 */
void route_decode_kernel(struct route_list *list, const struct nlmsghdr *nlh, uint32_t table)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct route_attrs attrs;
	struct route_path *path;
	struct route *route;
	bool encap;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) ||
	    (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) ||
	    rtm->rtm_src_len || rtm->rtm_flags & RTM_F_CLONED)
		return;
	route_read_attrs(&attrs, nlh);
	if (attrs.table != table)
		return;
	route = route_add(list);
	route->len = rtm->rtm_family == AF_INET ? 4 : 16;
	route->plen = rtm->rtm_dst_len;
	if (attrs.dst && mnl_attr_get_payload_len(attrs.dst) == route->len)
		memcpy(route->addr, mnl_attr_get_payload(attrs.dst), route->len);
	route->metric = attrs.metric;
	route->reason = route_type_reason(rtm->rtm_type);
	if (route->reason)
		return;
	route->mtu = attrs.mtu;
	encap = attrs.encap;
	if (attrs.multipath) {
		encap |= route_read_multipath(list, route, attrs.multipath);
	} else if (attrs.oif || attrs.way) {
		path = route_add_path(list, route);
		path->oif = attrs.oif;
		if (attrs.way)
			route_read_way(path, attrs.way);
	}
	route_expect(route, rtm, &attrs, encap);
}

static void route_decode_path(struct route_path *path, const struct nlattr *nest)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case VROUTER_A_PATH_GATEWAY:
			route_read_gateway(path, mnl_attr_get_payload(attr),
					   mnl_attr_get_payload_len(attr));
			break;
		case VROUTER_A_PATH_OIF:
			path->oif = route_read_u32(attr);
			break;
		case VROUTER_A_PATH_WEIGHT:
			path->weight = route_read_u32(attr);
			break;
		}
	}
}

/**
 * route_decode_fib() - a route that the module tells
 * @list: gets it
 * @nlh: the message
 *
 * Return: false if it is none
 */
bool route_decode_fib(struct route_list *list, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	struct route *route;
	uint32_t paths = 0;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return false;
	route = route_add(list);
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case VROUTER_A_ROUTE_PREFIX:
			route->len = mnl_attr_get_payload_len(attr);
			if (route->len == 4 || route->len == 16)
				memcpy(route->addr, mnl_attr_get_payload(attr), route->len);
			break;
		case VROUTER_A_ROUTE_PREFIX_LEN:
			route->plen = route_read_u32(attr);
			break;
		case VROUTER_A_ROUTE_REASON:
			route->reason = route_read_u32(attr);
			break;
		case VROUTER_A_ROUTE_MTU:
			route->mtu = route_read_u32(attr);
			break;
		case VROUTER_A_ROUTE_PATH:
			route_decode_path(route_add_path(list, route), attr);
			break;
		case VROUTER_A_ROUTE_PATHS:
			paths = route_read_u32(attr);
			break;
		}
	}
	route->unknown = paths > route->npaths;
	if (route->len == 4 || route->len == 16)
		return true;
	list->npaths = route->path;
	list->n--;
	return false;
}

static int route_order(const struct route *a, const struct route *b)
{
	int diff = a->len - b->len;

	diff = diff ? diff : memcmp(a->addr, b->addr, sizeof(a->addr));
	return diff ? diff : a->plen - b->plen;
}

static int route_qsort(const void *a, const void *b)
{
	const struct route *r1 = a, *r2 = b;
	int diff = route_order(r1, r2);

	return diff ? diff : (r1->order > r2->order) - (r1->order < r2->order);
}

static int route_path_qsort(const void *a, const void *b)
{
	/* there is no padding inside, only after it */
	return memcmp(a, b, offsetof(struct route_path, gw) + sizeof(((struct route_path *)0)->gw));
}

/**
 * route_sort() - by family, address and length, and the paths of each
 * @list: routes
 */
void route_sort(struct route_list *list)
{
	size_t i;

	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), route_qsort);
	for (i = 0; i < list->n; i++)
		if (list->v[i].npaths > 1)
			qsort(&list->path[list->v[i].path], list->v[i].npaths,
			      sizeof(*list->path), route_path_qsort);
}

/**
 * route_first() - leave the first route for each prefix, which is the one in use
 * @list: sorted routes
 */
void route_first(struct route_list *list)
{
	struct route *first = NULL;
	size_t i, n = 0;

	for (i = 0; i < list->n; i++) {
		if (!n || route_order(first, &list->v[i])) {
			first = &list->v[n++];
			*first = list->v[i];
		} else if (first->len == 16 && first->metric == list->v[i].metric) {
			/* no sibling: only the kernel knows which one a packet takes */
			first->maybe = VROUTER_PUNT_ROUTE_UNSUPPORTED;
		}
	}
	list->n = n;
}

/* Return: in what they differ, or NULL */
static const char *route_differs(const struct route_list *kernel, const struct route *want,
				 const struct route_list *fib, const struct route *got)
{
	const struct route_path *a, *b;
	uint32_t i;

	if (want->maybe && got->reason == want->maybe)
		return NULL;
	if (want->reason != got->reason)
		return "type";
	if (want->reason || want->unknown || got->unknown)
		return NULL;
	if (want->npaths != got->npaths)
		return "number of paths";
	for (i = 0; i < want->npaths; i++) {
		a = &kernel->path[want->path + i];
		b = &fib->path[got->path + i];
		if (a->oif != b->oif)
			return "device";
		if (a->gw_len != b->gw_len || memcmp(a->gw, b->gw, sizeof(a->gw)))
			return "gateway";
		/* nobody asks, or tells, the weight of an only path */
		if (want->npaths > 1 && a->weight != b->weight)
			return "weight";
	}
	return want->mtu != got->mtu ? "mtu" : NULL;
}

/**
 * route_compare() - find the differences
 * @kernel: sorted routes of the kernel, one a prefix
 * @fib: sorted routes of a router
 * @differ: told of each
 * @data: for @differ
 *
 * Return: how many there are
 */
size_t route_compare(const struct route_list *kernel, const struct route_list *fib,
		     void (*differ)(const struct route_diff *diff, void *data), void *data)
{
	size_t i = 0, j = 0, n = 0;
	struct route_diff diff;
	int order;

	while (i < kernel->n || j < fib->n) {
		order = i == kernel->n ? 1 : j == fib->n ? -1 :
			route_order(&kernel->v[i], &fib->v[j]);
		diff.want = order <= 0 ? &kernel->v[i++] : NULL;
		diff.got = order >= 0 ? &fib->v[j++] : NULL;
		diff.what = !diff.got ? "missing" : !diff.want ? "left over" :
			    route_differs(kernel, diff.want, fib, diff.got);
		if (!diff.what)
			continue;
		n++;
		differ(&diff, data);
	}
	return n;
}

/* The prefix as text, in @buf. */
const char *route_prefix(const struct route *route, char buf[ROUTE_TEXT])
{
	size_t len;

	inet_ntop(route->len == 4 ? AF_INET : AF_INET6, route->addr, buf, INET6_ADDRSTRLEN);
	len = strlen(buf);
	snprintf(buf + len, ROUTE_TEXT - len, "/%u", route->plen);
	return buf;
}

/* Most routes lead to the same few devices. */
static const char *route_device(uint32_t oif)
{
	static struct {
		uint32_t oif;
		char name[IFNAMSIZ];
	} cache[64];
	unsigned int i = oif % ARRAY_SIZE(cache);

	if (cache[i].oif != oif) {
		cache[i].oif = oif;
		if (!if_indextoname(oif, cache[i].name))
			snprintf(cache[i].name, sizeof(cache[i].name), "if%u", oif);
	}
	return cache[i].name;
}

static const char *route_gateway(const struct route_path *path, char buf[INET6_ADDRSTRLEN])
{
	buf[0] = '\0';
	if (path->gw_len)
		inet_ntop(path->gw_len == 4 ? AF_INET : AF_INET6, path->gw, buf,
			  INET6_ADDRSTRLEN);
	return buf;
}

/**
 * route_print() - a route as a line, the way that ip shows it
 * @list: where it is
 * @route: route
 */
void route_print(const struct route_list *list, const struct route *route)
{
	const struct route_path *path = &list->path[route->path];
	char buf[ROUTE_TEXT];
	uint32_t i;

	fputs(route_prefix(route, buf), stdout);
	if (route->reason)
		printf(" punt %s", name_punt(route->reason));
	for (i = 0; i < route->npaths; i++, path++) {
		if (route->npaths > 1)
			fputs(" nexthop", stdout);
		if (path->gw_len)
			printf(" via %s%s", path->gw_len != route->len ? "inet6 " : "",
			       route_gateway(path, buf));
		if (path->oif)
			printf(" dev %s", out_clean(route_device(path->oif)));
		if (route->npaths > 1)
			printf(" weight %u", path->weight);
	}
	if (route->unknown && route->npaths)
		fputs(" nexthop ...", stdout);
	if (route->mtu)
		printf(" mtu %u", route->mtu);
	putchar('\n');
}

/**
 * route_json() - a route as an object
 * @list: where it is
 * @route: route
 */
void route_json(const struct route_list *list, const struct route *route)
{
	const struct route_path *path = &list->path[route->path];
	char buf[INET6_ADDRSTRLEN];
	uint32_t i;

	json_open(NULL, '{');
	inet_ntop(route->len == 4 ? AF_INET : AF_INET6, route->addr, buf, sizeof(buf));
	json_string("prefix", buf);
	json_u64("prefix-len", route->plen);
	json_string("verdict", name_verdict(route->reason ? VROUTER_VERDICT_PUNT :
							    VROUTER_VERDICT_FORWARD));
	if (route->reason)
		json_string("reason", name_punt(route->reason));
	if (route->mtu)
		json_u64("mtu", route->mtu);
	json_open("path", '[');
	for (i = 0; i < route->npaths; i++, path++) {
		json_open(NULL, '{');
		if (path->gw_len)
			json_string("gateway", route_gateway(path, buf));
		if (path->oif) {
			json_u64("oif", path->oif);
			json_string("oif-name", route_device(path->oif));
		}
		json_u64("weight", path->weight);
		json_close();
	}
	json_close();
	json_close();
}
