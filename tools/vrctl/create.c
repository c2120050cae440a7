// SPDX-License-Identifier: GPL-2.0
/*
 * create: the usual rtnetlink steps for a router, all of them or none. Each
 * step that makes something is noted; when one fails, the others are undone.
 */
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "netns.h"
#include "parse.h"
#include "router.h"
#include "sysctl.h"
#include "undo.h"
#include "vrctl.h"
#include "vrf.h"

/**
 * struct plan - what the command line asks for
 * @name: of the router
 * @netns: namespace to put it in, or NULL
 * @vrf: VRF to put it in, or NULL
 * @weight: if @has_weight
 * @has_weight: a weight is given
 * @ports: the ports
 * @n_ports: how many
 */
struct plan {
	const char *name;
	const char *netns;
	const char *vrf;
	uint32_t weight;
	bool has_weight;
	struct port_spec *ports;
	int n_ports;
};

/**
 * struct work - a plan that is being carried out
 * @plan: the plan
 * @undo: what was done
 * @here: rtnetlink, where the NICs are
 * @there: rtnetlink, where the router goes
 * @netns: file descriptor of that namespace, or -1 when it is the same
 * @new_netns: we made it
 * @vrf: index of the VRF device, or 0
 * @router: index of the router
 * @port: indices of the ports
 */
struct work {
	const struct plan *plan;
	struct undo undo;
	struct nl here;
	struct nl there;
	int netns;
	bool new_netns;
	int vrf;
	int router;
	int *port;
};

static int create_parse_port(struct plan *plan, const char *word)
{
	struct port_spec *spec = &plan->ports[plan->n_ports];
	const char *wrong = parse_port(word, spec);
	int i;

	if (wrong)
		return usage_error("port '%s': %s", word, wrong);
	if (!strcmp(spec->name, plan->name))
		return usage_error("the name %s is there twice", spec->name);
	for (i = 0; i < plan->n_ports; i++)
		if (!strcmp(spec->name, plan->ports[i].name))
			return usage_error("the name %s is there twice", spec->name);
	plan->n_ports++;
	return 0;
}

static int create_parse_word(struct plan *plan, const char *word, const char *value)
{
	if (!strcmp(word, "port"))
		return create_parse_port(plan, value);
	if (!strcmp(word, "weight")) {
		if (plan->has_weight)
			return usage_error("weight is there twice");
		plan->has_weight = true;
		if (!parse_u32(value, &plan->weight))
			return usage_error("weight wants a number from 0 to 4294967295, not '%s'",
					   value);
		return 0;
	}
	if (plan->netns || plan->vrf)
		return usage_error("only one of netns and vrf, and only once");
	if (!strcmp(word, "vrf")) {
		plan->vrf = value;
		if (!strcmp(value, plan->name))
			return usage_error("the name %s is there twice", value);
		return router_check_name(value);
	}
	plan->netns = value;
	if (!parse_netns(value))
		return usage_error("'%s' is not a name for a namespace", value);
	return 0;
}

/* Return: 0 or VRCTL_USAGE */
static int create_parse(int argc, char **argv, struct plan *plan)
{
	static const char * const words[] = { "netns", "vrf", "weight", "port" };
	size_t i;

	if (!argc)
		return usage_error("create wants a NAME and ports, see 'vrctl help create'");
	if (router_check_name(argv[0]))
		return VRCTL_USAGE;
	plan->name = argv[0];
	for (argc--, argv++; argc; argc -= 2, argv += 2) {
		for (i = 0; i < 4 && strcmp(argv[0], words[i]); i++)
			;
		if (i == 4)
			return usage_error("create knows no '%s'", argv[0]);
		if (argc < 2)
			return usage_error("%s wants a value", argv[0]);
		if (create_parse_word(plan, argv[0], argv[1]))
			return VRCTL_USAGE;
	}
	if (!plan->n_ports)
		return usage_error("create wants a port at least");
	for (i = 0; plan->vrf && i < (size_t)plan->n_ports; i++)
		if (!strcmp(plan->ports[i].name, plan->vrf))
			return usage_error("the name %s is there twice", plan->vrf);
	return 0;
}

/* Open a socket in the namespace of the router. Return: exit status */
static int create_open_there(struct work *work)
{
	int here = netns_here(), err;

	err = here < 0 ? here : netns_enter(work->netns);
	if (!err) {
		err = nl_open(&work->there, NETLINK_ROUTE);
		if (netns_enter(here))
			exit(failure("cannot come back to the namespace"));
	}
	if (here >= 0)
		close(here);
	return err ? failure("namespace %s: %s", work->plan->netns, strerror(-err)) : 0;
}

/* Find or make the namespace. Return: exit status */
static int create_netns(struct work *work)
{
	const char *name = work->plan->netns;
	int err;

	work->netns = netns_open(name);
	if (work->netns == -ENOENT) {
		err = netns_create(name);
		if (err)
			return failure("cannot make namespace %s: %s", name, strerror(-err));
		work->new_netns = true;
		undo_note(&work->undo, UNDO_NETNS, NULL, 0, name);
		work->netns = netns_open(name);
	}
	if (work->netns < 0)
		return failure("namespace %s: %s", name, strerror(-work->netns));
	return create_open_there(work);
}

/* Find or make the VRF. Return: exit status */
static int create_vrf(struct work *work)
{
	struct link_new new = { .name = work->plan->vrf, .kind = "vrf", .netns = -1 };
	struct nl *nl = &work->there;
	struct link link;
	int err;

	err = link_get(nl, new.name, &link);
	if (!err && strcmp(link.kind, "vrf"))
		return failure("%s is there, and is not a VRF", new.name);
	if (err == -ENODEV) {
		err = vrf_free_table(nl, &new.table);
		if (err)
			return failure("no free routing table for VRF %s: %s", new.name,
				       nl_why(nl, err));
		err = link_add(nl, &new);
		if (!err)
			err = link_get(nl, new.name, &link);
		if (!err)
			undo_note(&work->undo, UNDO_LINK, nl, link.ifindex, new.name);
		if (!err)
			err = vrf_close_table(nl, new.table);
		if (!err)
			undo_note(&work->undo, UNDO_TABLE, nl, new.table, new.name);
	}
	if (!err && !(link.flags & IFF_UP)) {
		err = link_set_up(nl, link.ifindex, true);
		if (!err)
			undo_note(&work->undo, UNDO_UP, nl, link.ifindex, new.name);
	}
	work->vrf = link.ifindex;
	return err ? failure("VRF %s: %s", new.name, nl_why(nl, err)) : 0;
}

/* Make a device and find its index. Return: 0 or -errno */
static int create_link(struct work *work, const struct link_new *new, int *ifindex)
{
	struct link link;
	int err;

	err = link_add(&work->here, new);
	if (err)
		return err;
	err = link_get(&work->there, new->name, &link);
	if (err) {
		/* Made, and gone: someone else renames or deletes. */
		warning("%s vanished after it was made", new->name);
		return err;
	}
	*ifindex = link.ifindex;
	undo_note(&work->undo, UNDO_LINK, &work->there, link.ifindex, new->name);
	return 0;
}

/* Return: exit status */
static int create_port(struct work *work, int i)
{
	const struct port_spec *spec = &work->plan->ports[i];
	struct link_new new = {
		.name = spec->name, .kind = "vrport", .vlan = spec->vlan,
		.master = work->vrf, .netns = work->netns,
	};
	struct link nic;
	int err;

	err = link_get(&work->here, spec->nic, &nic);
	if (err)
		return failure("NIC %s: %s", spec->nic, nl_why(&work->here, err));
	if (!(nic.flags & IFF_UP)) {
		err = link_set_up(&work->here, nic.ifindex, true);
		if (err)
			return failure("cannot set NIC %s up: %s", spec->nic,
				       nl_why(&work->here, err));
		undo_note(&work->undo, UNDO_UP, &work->here, nic.ifindex, spec->nic);
	}
	new.lower = nic.ifindex;
	err = create_link(work, &new, &work->port[i]);
	return err ? failure("port %s: %s", spec->name, nl_why(&work->here, err)) : 0;
}

/* Return: exit status */
static int create_router(struct work *work)
{
	const struct plan *plan = work->plan;
	struct link_new new = {
		.name = plan->name, .kind = "vrouter", .weight = plan->weight,
		.has_weight = plan->has_weight, .master = work->vrf,
		.netns = work->netns,
	};
	int err;

	err = create_link(work, &new, &work->router);
	return err ? failure("router %s: %s", plan->name, nl_why(&work->here, err)) : 0;
}

/* Set a device up; what we made goes down with its end. Return: exit status */
static int create_up(struct work *work, const char *name, int ifindex)
{
	int err = link_set_up(&work->there, ifindex, true);

	return err ? failure("cannot set %s up: %s", name, nl_why(&work->there, err)) : 0;
}

/* Ports and router up, and the ports forward. Return: exit status */
static int create_start(struct work *work)
{
	const struct plan *plan = work->plan;
	struct link lo;
	int i, rc = 0;

	if (work->new_netns) {
		sysctl_forward_netns(work->netns);
		if (!link_get(&work->there, "lo", &lo))
			rc = create_up(work, "lo", lo.ifindex);
	}
	for (i = 0; !rc && i < plan->n_ports; i++) {
		sysctl_forward_port(work->netns, plan->ports[i].name);
		rc = create_up(work, plan->ports[i].name, work->port[i]);
	}
	return rc ? rc : create_up(work, plan->name, work->router);
}

/* Return: exit status */
static int create_steps(struct work *work)
{
	int i, rc;

	rc = work->plan->netns ? create_netns(work) : 0;
	if (!rc && !work->plan->netns) {
		i = nl_open(&work->there, NETLINK_ROUTE);
		rc = i ? failure("netlink: %s", strerror(-i)) : 0;
	}
	if (!rc && work->plan->vrf)
		rc = create_vrf(work);
	for (i = 0; !rc && i < work->plan->n_ports; i++)
		rc = create_port(work, i);
	if (!rc)
		rc = create_router(work);
	return rc ? rc : create_start(work);
}

/*
 * Ask for the module before anything is made. A port without a NIC is always
 * refused, and asking for it has the kernel load the module if it can.
 */
static int create_need_module(void)
{
	struct link_new probe = { .kind = "vrport", .netns = -1 };
	int err = -ENOENT;
	struct nl nl;

	if (!nl_open(&nl, NETLINK_GENERIC)) {
		err = nl_find_family(&nl);
		nl_close(&nl);
	}
	if (err && !nl_open(&nl, NETLINK_ROUTE)) {
		link_add(&nl, &probe);
		nl_close(&nl);
	}
	if (nl_open_vrouter(&nl))
		return VRCTL_FAILED;
	nl_close(&nl);
	return 0;
}

static int create_work(const struct plan *plan)
{
	struct work work = { .plan = plan, .netns = -1 };
	sigset_t all, old;
	int rc;

	rc = nl_open(&work.here, NETLINK_ROUTE);
	if (rc)
		return failure("netlink: %s", strerror(-rc));
	work.port = xrealloc(NULL, plan->n_ports, sizeof(*work.port));
	/* Half a router is nothing to leave behind. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	rc = create_steps(&work);
	if (rc)
		undo_all(&work.undo);
	undo_forget(&work.undo);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (work.netns >= 0)
		close(work.netns);
	nl_close(&work.there);
	nl_close(&work.here);
	free(work.port);
	return rc;
}

int create_run(int argc, char **argv)
{
	struct plan plan = { 0 };
	int rc;

	plan.ports = xrealloc(NULL, argc, sizeof(*plan.ports));
	rc = create_parse(argc, argv, &plan);
	if (!rc)
		rc = create_need_module();
	if (!rc)
		rc = create_work(&plan);
	free(plan.ports);
	return rc;
}
