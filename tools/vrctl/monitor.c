// SPDX-License-Identifier: GPL-2.0
/* monitor: changes, as the kernel tells them. */
#include <errno.h>
#include <linux/genetlink.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "names.h"
#include "netns.h"
#include "nl.h"
#include "out.h"
#include "port.h"
#include "router.h"
#include "vrctl.h"

#define MONITOR_BUF_SIZE	65536

/* What each notification is called. */
static const char * const event_names[VROUTER_CMD_MAX + 1] = {
	[VROUTER_CMD_ROUTER_ADD_NTF] = "router-add",
	[VROUTER_CMD_ROUTER_CHANGE_NTF] = "router-change",
	[VROUTER_CMD_ROUTER_DEL_NTF] = "router-del",
	[VROUTER_CMD_ROUTER_QUOTA_NTF] = "router-quota",
	[VROUTER_CMD_PORT_ADD_NTF] = "port-add",
	[VROUTER_CMD_PORT_CHANGE_NTF] = "port-change",
	[VROUTER_CMD_PORT_DEL_NTF] = "port-del",
};

/* Every event is flushed when it is whole, so there is nothing to lose. */
static void monitor_on_signal(int sig)
{
	(void)sig;
	_exit(VRCTL_OK);
}

static void monitor_catch_signals(void)
{
	struct sigaction sa = { .sa_handler = monitor_on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

static void monitor_print_router(const struct router *router)
{
	const struct record *rec = &router->rec;
	char domain[320];

	printf("%s state %s %s weight %u limit-packets %u limit-bytes %u netfilter %s ports %u",
	       record_string(rec, VROUTER_A_ROUTER_IFNAME),
	       rec_has(rec, VROUTER_A_ROUTER_STATE) ?
	       name_state(rec->u[VROUTER_A_ROUTER_STATE]) : "?",
	       router_domain(router, domain, sizeof(domain)),
	       rec->u[VROUTER_A_ROUTER_WEIGHT], rec->u[VROUTER_A_ROUTER_LIMIT_PACKETS],
	       rec->u[VROUTER_A_ROUTER_LIMIT_BYTES],
	       rec_has(rec, VROUTER_A_ROUTER_NETFILTER) ?
	       name_netfilter(rec->u[VROUTER_A_ROUTER_NETFILTER]) : "?",
	       rec->u[VROUTER_A_ROUTER_PORTS]);
	if (rec_has(rec, VROUTER_A_ROUTER_FALLBACK_REASON))
		printf(" because %s", name_punt(rec->u[VROUTER_A_ROUTER_FALLBACK_REASON]));
	if (rec->u[VROUTER_A_ROUTER_MAX_ROUTES])
		printf(" max-routes %u", rec->u[VROUTER_A_ROUTER_MAX_ROUTES]);
	if (rec_has(rec, VROUTER_A_ROUTER_ROUTES))
		printf(" routes %u %s", rec->u[VROUTER_A_ROUTER_ROUTES],
		       name_quota(rec->u[VROUTER_A_ROUTER_QUOTA_STATE]));
	putchar('\n');
}

static void monitor_print(const char *event, const struct router *router,
			  const struct record *port)
{
	struct timespec ts;
	struct tm tm;
	char when[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	printf("%s.%03ld %-13s ", when, ts.tv_nsec / 1000000, event);
	if (router)
		monitor_print_router(router);
	else
		port_print(port);
}

static void monitor_json(const char *event, const struct router *router,
			 const struct record *port)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	json_start(stdout);
	json_open(NULL, '{');
	json_fixed("time", ts.tv_sec + ts.tv_nsec / 1e9, 3);
	json_string("event", event);
	if (router)
		router_json("router", router);
	else if (port)
		port_json("port", port);
	json_close();
	json_end();
}

/*
 * One notification. The namespace stands in the message when the module put
 * it there, else the socket tells (netnsid).
 */
static void monitor_event(const struct nlmsghdr *nlh, int netnsid)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	struct router router;
	struct record port;
	const char *event;
	bool is_router;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl) ||
	    genl->cmd > VROUTER_CMD_MAX || !event_names[genl->cmd])
		return;
	event = event_names[genl->cmd];
	is_router = !strncmp(event, "router", 6);
	router_decode(&router, nlh);
	record_decode(&port, port_fields, VROUTER_A_PORT_MAX, nlh);
	if (netnsid >= 0) {
		router.rec.u[VROUTER_A_ROUTER_NETNSID] = netnsid;
		router.rec.has |= 1u << VROUTER_A_ROUTER_NETNSID;
		port.u[VROUTER_A_PORT_NETNSID] = netnsid;
		port.has |= 1u << VROUTER_A_PORT_NETNSID;
	}
	if (opt(OPT_JSON))
		monitor_json(event, is_router ? &router : NULL, is_router ? NULL : &port);
	else
		monitor_print(event, is_router ? &router : NULL, is_router ? NULL : &port);
	fflush(stdout);
}

/* Return: -errno that ended it; 0 when stdout is gone */
static int monitor_loop(struct nl *nl)
{
	static char buf[MONITOR_BUF_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh;
	int len, netnsid;

	while (!ferror(stdout)) {
		len = sock_recv(nl->sock, buf, sizeof(buf), &netnsid);
		if (len == -EINTR)
			continue;
		if (len == -ENOBUFS) {
			warning("events were lost: they came faster than they were read");
			if (opt(OPT_JSON))
				monitor_json("lost", NULL, NULL);
			continue;
		}
		if (len <= 0)
			return len;
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len))
			if (nlh->nlmsg_type == nl->family)
				monitor_event(nlh, netnsid);
	}
	return 0;
}

int monitor_run(int argc, char **argv)
{
	struct nl nl;
	int err;

	if (argc)
		return usage_error("monitor takes no '%s'", argv[0]);
	if (nl_open_vrouter(&nl))
		return VRCTL_FAILED;
	if (!nl.group) {
		nl_close(&nl);
		return failure("the vrouter module has no multicast group 'changes'");
	}
	monitor_catch_signals();
	err = sock_join(nl.sock, nl.group, opt(OPT_ALL));
	if (!err)
		err = monitor_loop(&nl);
	if (err)
		failure("%s", strerror(-err));
	nl_close(&nl);
	return err ? VRCTL_FAILED : VRCTL_OK;
}
