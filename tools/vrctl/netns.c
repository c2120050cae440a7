// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"
#include "nl.h"
#include "out.h"
#include "vrctl.h"

#define NETNS_SELF	"/proc/thread-self/ns/net"

static void netns_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", NETNS_DIR, name);
}

/* Return: file descriptor or -errno */
int netns_open(const char *name)
{
	char path[512];
	int fd;

	netns_path(path, sizeof(path), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The namespace that this program is in. Return: file descriptor or -errno */
int netns_here(void)
{
	int fd = open(NETNS_SELF, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int netns_enter(int fd)
{
	return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

/*
 * /run/netns has to be a shared mount, so that names made and removed in one
 * mount namespace are so in all of them; `ip netns add` does the same.
 */
static int netns_share_dir(void)
{
	if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (!mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL))
		return 0;
	if (errno != EINVAL)
		return -errno;
	/* not a mount point yet */
	if (mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) ||
	    mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL))
		return -errno;
	return 0;
}

/* Make a namespace, put its name on it, and come back. */
static int netns_unshare(const char *path)
{
	int err = 0, here = netns_here();

	if (here < 0)
		return here;
	if (unshare(CLONE_NEWNET) < 0) {
		err = -errno;
		goto out;
	}
	if (mount(NETNS_SELF, path, "none", MS_BIND, NULL) < 0)
		err = -errno;
	if (netns_enter(here)) {
		/* Whatever we did next would hit the wrong namespace. */
		umount2(path, MNT_DETACH);
		unlink(path);
		exit(failure("cannot come back to the namespace"));
	}
out:
	close(here);
	return err;
}

/**
 * netns_create() - what `ip netns add` does
 * @name: name for it
 *
 * Return: 0 or -errno
 */
int netns_create(const char *name)
{
	char path[512];
	int fd, err;

	err = netns_share_dir();
	if (err)
		return err;
	netns_path(path, sizeof(path), name);
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	close(fd);
	err = netns_unshare(path);
	if (err)
		unlink(path);
	return err;
}

/* What `ip netns delete` does. Return: 0 or -errno */
int netns_remove(const char *name)
{
	char path[512];

	netns_path(path, sizeof(path), name);
	umount2(path, MNT_DETACH);
	return unlink(path) < 0 ? -errno : 0;
}

static void netns_read_id(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtgenmsg))
		if (mnl_attr_get_type(attr) == NETNSA_NSID &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			*(int *)data = mnl_attr_get_u32(attr);
}

/* The id of the namespace behind @fd in ours, -1 when it has none. */
static int netns_get_id(struct nl *nl, int fd)
{
	struct rtgenmsg *gen;
	struct nl_msg msg;
	int id = -1;

	gen = nl_msg_start(&msg, RTM_GETNSID, 0, sizeof(*gen));
	gen->rtgen_family = AF_UNSPEC;
	mnl_attr_put_u32(msg.nlh, NETNSA_FD, fd);
	nl_talk(nl, &msg, netns_read_id, &id);
	return id;
}

/* Call @match for each named namespace until it returns true; copy the name. */
static bool netns_find(bool (*match)(const char *name, int fd, void *data), void *data,
		       char found[NETNS_NAME_SIZE])
{
	DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	bool done = false;
	int fd;

	if (!dir)
		return false;
	while (!done && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		fd = netns_open(entry->d_name);
		if (fd < 0)
			continue;
		done = match(entry->d_name, fd, data);
		close(fd);
		if (done)
			snprintf(found, NETNS_NAME_SIZE, "%s", entry->d_name);
	}
	closedir(dir);
	return done;
}

/**
 * struct netns_list - the namespaces that have a name and an id
 * @nl: to ask for ids
 * @v: the namespaces
 * @n: how many
 */
struct netns_list {
	struct nl nl;
	struct { int id; char name[NETNS_NAME_SIZE]; } *v;
	size_t n;
};

static bool netns_collect(const char *name, int fd, void *data)
{
	struct netns_list *list = data;
	int id = netns_get_id(&list->nl, fd);

	if (id < 0)
		return false;
	list->v = xrealloc(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n].id = id;
	snprintf(list->v[list->n++].name, NETNS_NAME_SIZE, "%s", name);
	return false;
}

/* What the list says may have changed: ask again. */
static const char *netns_look_up(struct netns_list *list, int netnsid)
{
	bool still;
	size_t i;
	int fd;

	for (i = 0; i < list->n; i++) {
		if (list->v[i].id != netnsid)
			continue;
		fd = netns_open(list->v[i].name);
		still = fd >= 0 && netns_get_id(&list->nl, fd) == netnsid;
		if (fd >= 0)
			close(fd);
		if (still)
			return list->v[i].name;
	}
	return NULL;
}

/**
 * netns_find_name() - the name of a namespace
 * @netnsid: its id in the current namespace, which is used again as soon as the
 *	namespace is gone
 *
 * Return: the name, until the next call; "" when it has none
 */
const char *netns_find_name(int netnsid)
{
	static struct netns_list list;
	const char *name;

	if (netnsid < 0 || nl_open(&list.nl, NETLINK_ROUTE))
		return "";
	name = netns_look_up(&list, netnsid);
	if (!name) {
		list.n = 0;
		netns_find(netns_collect, &list, NULL);
		name = netns_look_up(&list, netnsid);
	}
	nl_close(&list.nl);
	return name ? name : "";
}

/* The same for people: "nsid NUMBER" when it has no name. */
const char *netns_name(int netnsid)
{
	static char number[24];
	const char *name = netns_find_name(netnsid);

	if (*name)
		return name;
	snprintf(number, sizeof(number), "nsid %d", netnsid);
	return netnsid < 0 ? "?" : number;
}

static bool netns_match_stat(const char *name, int fd, void *data)
{
	struct stat *wanted = data, st;

	(void)name;
	return !fstat(fd, &st) && st.st_ino == wanted->st_ino &&
	       st.st_dev == wanted->st_dev;
}

/* The name of the namespace that we are in, "" when it has none. */
const char *netns_name_here(void)
{
	static char name[NETNS_NAME_SIZE];
	static bool known;
	struct stat st;

	if (!known && !stat(NETNS_SELF, &st))
		netns_find(netns_match_stat, &st, name);
	known = true;
	return name;
}

/**
 * netns_json() - member "netns" of the open object, when there is a name
 * @foreign: it is another namespace than ours
 * @netnsid: its id, if so
 */
void netns_json(bool foreign, int netnsid)
{
	const char *name = foreign ? netns_find_name(netnsid) : netns_name_here();

	if (*name)
		json_string("netns", name);
}
