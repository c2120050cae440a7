// SPDX-License-Identifier: GPL-2.0
/* delete: a router, its ports and, with purge, what it stood in. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "netns.h"
#include "parse.h"
#include "router.h"
#include "vrctl.h"
#include "vrf.h"

/**
 * struct domain - the router's domain, as rtnetlink has it
 * @link: all devices of the namespace
 * @n: how many
 * @router: index of the router
 * @vrf: the VRF that the router is in, or NULL
 *
 * While a router is down the module does not tell its ports and its VRF, so
 * they are found here: a router serves the ports with the same master.
 */
struct domain {
	struct link *link;
	size_t n;
	int router;
	const struct link *vrf;
};

/* Devices that are in a namespace from its beginning. */
static bool delete_is_native(const struct link *link)
{
	static const char * const names[] = {
		"lo", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0",
		"sit0", "ip6tnl0", "ip6gre0",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(link->name, names[i]))
			return true;
	return false;
}

static bool delete_is_port(const struct domain *domain, const struct link *link)
{
	return !strcmp(link->kind, "vrport") &&
	       link->master == (domain->vrf ? (uint32_t)domain->vrf->ifindex : 0);
}

static void delete_note(const struct link *link, void *data)
{
	struct domain *domain = data;

	domain->link = xrealloc(domain->link, domain->n + 1, sizeof(*domain->link));
	domain->link[domain->n++] = *link;
}

static const struct link *delete_find_link(const struct domain *domain, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < domain->n; i++)
		if ((uint32_t)domain->link[i].ifindex == ifindex)
			return &domain->link[i];
	return NULL;
}

/* Return: exit status */
static int delete_find(struct nl *nl, const char *name, struct domain *domain)
{
	const struct link *link;
	struct router router;
	struct nl genl;
	int err;

	if (nl_open_vrouter(&genl))
		return VRCTL_FAILED;
	err = router_get(&genl, name, &router);
	if (err)
		router_failure(&genl, err);
	nl_close(&genl);
	if (err)
		return VRCTL_FAILED;
	domain->router = router.rec.u[VROUTER_A_ROUTER_IFINDEX];
	err = link_each(nl, delete_note, domain);
	if (err)
		return failure("%s", nl_why(nl, err));
	link = delete_find_link(domain, domain->router);
	link = link ? delete_find_link(domain, link->master) : NULL;
	if (link && !strcmp(link->kind, "vrf"))
		domain->vrf = link;
	return 0;
}

/* May the domain go as well? Return: exit status */
static int delete_check_purge(const char *netns, const struct domain *domain)
{
	const struct link *link;
	size_t i;

	if (!domain->vrf && !netns)
		return failure("purge: the router is not in a VRF or a named namespace");
	for (i = 0; i < domain->n; i++) {
		link = &domain->link[i];
		if (link->ifindex == domain->router || link == domain->vrf ||
		    delete_is_port(domain, link) || delete_is_native(link))
			continue;
		if (!domain->vrf)
			return failure("purge: the namespace still holds %s", link->name);
		if (link->master == (uint32_t)domain->vrf->ifindex)
			return failure("purge: the VRF still holds %s", link->name);
	}
	return 0;
}

/* Return: 0 or -errno; what is gone already is fine */
static int delete_link(struct nl *nl, int ifindex)
{
	int err = link_delete(nl, ifindex);

	return err == -ENODEV ? 0 : err;
}

/* Return: exit status */
static int delete_all(struct nl *nl, const char *netns, const struct domain *domain,
		      bool purge)
{
	size_t i;
	int err;

	err = delete_link(nl, domain->router);
	for (i = 0; !err && i < domain->n; i++)
		if (delete_is_port(domain, &domain->link[i]))
			err = delete_link(nl, domain->link[i].ifindex);
	if (!err && purge && domain->vrf) {
		/* It may be another's VRF, without the routes that create makes. */
		if (domain->vrf->table)
			vrf_open_table(nl, domain->vrf->table);
		err = delete_link(nl, domain->vrf->ifindex);
	}
	if (err)
		return failure("%s", nl_why(nl, err));
	if (purge && !domain->vrf) {
		err = netns_remove(netns);
		if (err)
			return failure("namespace %s: %s", netns, strerror(-err));
	}
	return VRCTL_OK;
}

static int delete_work(const char *name, const char *netns, bool purge)
{
	struct domain domain = { 0 };
	struct nl nl;
	int rc;

	rc = nl_open(&nl, NETLINK_ROUTE);
	if (rc)
		return failure("netlink: %s", strerror(-rc));
	rc = delete_find(&nl, name, &domain);
	if (!rc && purge)
		rc = delete_check_purge(netns, &domain);
	if (!rc)
		rc = delete_all(&nl, netns, &domain, purge);
	nl_close(&nl);
	free(domain.link);
	return rc;
}

/* Return: 0 or VRCTL_USAGE */
static int delete_parse(int argc, char **argv, const char **netns, bool *purge)
{
	for (; argc; argc--, argv++) {
		if (!strcmp(argv[0], "purge")) {
			if (*purge)
				return usage_error("purge is there twice");
			*purge = true;
			continue;
		}
		if (strcmp(argv[0], "netns"))
			return usage_error("delete knows no '%s'", argv[0]);
		if (argc < 2)
			return usage_error("netns wants a value");
		if (*netns)
			return usage_error("the namespace is there twice");
		*netns = argv[1];
		if (!parse_netns(*netns))
			return usage_error("'%s' is not a name for a namespace", *netns);
		argc--;
		argv++;
	}
	return 0;
}

int delete_run(int argc, char **argv)
{
	const char *netns = NULL;
	bool purge = false;
	int fd, err;

	if (!argc)
		return usage_error("delete wants a NAME");
	if (router_check_name(argv[0]) ||
	    delete_parse(argc - 1, argv + 1, &netns, &purge))
		return VRCTL_USAGE;
	if (netns) {
		fd = netns_open(netns);
		err = fd < 0 ? fd : netns_enter(fd);
		if (fd >= 0)
			close(fd);
		if (err)
			return failure("namespace %s: %s", netns, strerror(-err));
	} else {
		netns = opts.netns;
	}
	return delete_work(argv[0], netns, purge);
}
