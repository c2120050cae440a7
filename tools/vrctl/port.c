// SPDX-License-Identifier: GPL-2.0
/* port list */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "netns.h"
#include "out.h"
#include "port.h"
#include "router.h"
#include "vrctl.h"

static void port_restart(void *data)
{
	((struct port_list *)data)->n = 0;
}

static void port_collect(const struct nlmsghdr *nlh, void *data)
{
	struct port_list *list = data;

	if (list->n == list->room) {
		list->room = list->room ? 2 * list->room : 16;
		list->v = xrealloc(list->v, list->room, sizeof(*list->v));
	}
	record_decode(&list->v[list->n++], port_fields, VROUTER_A_PORT_MAX, nlh);
}

/**
 * port_dump() - ports of the namespace, or with -a of all
 * @nl: socket
 * @router_ifindex: only those of this router, or 0
 * @list: result; v is to be freed
 *
 * Return: 0 or -errno
 */
int port_dump(struct nl *nl, uint32_t router_ifindex, struct port_list *list)
{
	struct nl_msg msg;

	nl_msg_genl(&msg, nl, VROUTER_CMD_PORT_GET, NLM_F_DUMP);
	if (router_ifindex)
		mnl_attr_put_u32(msg.nlh, VROUTER_A_PORT_ROUTER_IFINDEX, router_ifindex);
	if (opt(OPT_ALL))
		mnl_attr_put(msg.nlh, VROUTER_A_PORT_ALL_NETNS, 0, NULL);
	return nl_dump(nl, &msg, port_restart, port_collect, list);
}

/* NIC, NIC:VLAN, or what is left of it when the NIC is out of sight */
static void port_lower(const struct record *port, char *buf, size_t size)
{
	char nic[64];

	if (rec_has(port, VROUTER_A_PORT_LOWER_NAME))
		snprintf(nic, sizeof(nic), "%s",
			 record_string(port, VROUTER_A_PORT_LOWER_NAME));
	else if (rec_has(port, VROUTER_A_PORT_LOWER_IFINDEX))
		snprintf(nic, sizeof(nic), "if%u", port->u[VROUTER_A_PORT_LOWER_IFINDEX]);
	else
		strcpy(nic, "?");
	if (rec_has(port, VROUTER_A_PORT_VLAN))
		snprintf(buf, size, "%s:%u", nic, port->u[VROUTER_A_PORT_VLAN]);
	else
		snprintf(buf, size, "%s", nic);
}

/* One line. */
void port_print(const struct record *port)
{
	char mac[RECORD_ADDR_LEN], nic[80];

	port_lower(port, nic, sizeof(nic));
	printf("%-15s  router %-15s  on %-20s  %s  mtu %u",
	       record_string(port, VROUTER_A_PORT_IFNAME),
	       rec_has(port, VROUTER_A_PORT_ROUTER_NAME) ?
	       record_string(port, VROUTER_A_PORT_ROUTER_NAME) : "-", nic,
	       record_data(port, VROUTER_A_PORT_ADDRESS, FIELD_MAC, mac),
	       port->u[VROUTER_A_PORT_MTU]);
	if (rec_has(port, VROUTER_A_PORT_NETNSID))
		printf("  netns %s", out_clean(netns_name(port->u[VROUTER_A_PORT_NETNSID])));
	if (rec_has(port, VROUTER_A_PORT_BLOCKED)) {
		printf("  blocked: %s", name_punt(port->u[VROUTER_A_PORT_BLOCKED]));
		if (opt(OPT_DETAILS))
			printf(" (%s)", doc_punt(port->u[VROUTER_A_PORT_BLOCKED]));
	}
	putchar('\n');
}

/* A port as an object, a member called @key, or an item when that is NULL. */
void port_json(const char *key, const struct record *port)
{
	json_open(key, '{');
	record_json(port, port_fields, VROUTER_A_PORT_MAX);
	netns_json(rec_has(port, VROUTER_A_PORT_NETNSID), port->u[VROUTER_A_PORT_NETNSID]);
	json_close();
}

/* Keep the ports whose router has this name; for -a. */
static void port_filter(struct port_list *list, const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		if (!strcmp(list->v[i].s[VROUTER_A_PORT_ROUTER_NAME], name))
			list->v[n++] = list->v[i];
	list->n = n;
}

/* Return: 0 or -errno */
static int port_find(struct nl *nl, const char *name, struct port_list *list)
{
	struct router router = { 0 };
	int err = 0;

	if (name && !opt(OPT_ALL))
		err = router_get(nl, name, &router);
	if (!err)
		err = port_dump(nl, router.rec.u[VROUTER_A_ROUTER_IFINDEX], list);
	if (!err && name && opt(OPT_ALL))
		port_filter(list, name);
	return err;
}

int port_run(int argc, char **argv)
{
	struct port_list list = { 0 };
	struct nl nl;
	size_t i;
	int err;

	if (argc && strcmp(argv[0], "list"))
		return usage_error("port knows no '%s', only list", argv[0]);
	if (argc > 2)
		return usage_error("port list takes one ROUTER at most");
	if (argc == 2 && router_check_name(argv[1]))
		return VRCTL_USAGE;
	if (nl_open_vrouter(&nl))
		return VRCTL_FAILED;
	err = port_find(&nl, argc == 2 ? argv[1] : NULL, &list);
	if (err) {
		failure("%s", nl_why(&nl, err));
	} else if (opt(OPT_JSON)) {
		json_start(stdout);
		json_open(NULL, '[');
		for (i = 0; i < list.n; i++)
			port_json(NULL, &list.v[i]);
		json_close();
		json_end();
	} else {
		for (i = 0; i < list.n; i++)
			port_print(&list.v[i]);
	}
	free(list.v);
	nl_close(&nl);
	return err ? VRCTL_FAILED : VRCTL_OK;
}
