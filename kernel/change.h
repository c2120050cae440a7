/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A change of a route, as the kernel announced it.
 */
#ifndef VROUTER_CHANGE_H
#define VROUTER_CHANGE_H

#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <net/ip_fib.h>
#include <net/ip6_fib.h>

struct net;
struct vr_nexthop;
struct vr_rib;

/**
 * struct vr_change_key - a prefix
 * @addr: address; IPv4 in the first four bytes
 * @family: AF_INET or AF_INET6
 * @plen: bits
 */
struct vr_change_key {
	struct in6_addr addr;
	u16 family;
	u16 plen;
};

/**
 * struct vr_change - a change of a route; there may be a million of them
 * @list: for the one who notes it
 * @hash: for the one who counts prefixes
 * @key: the prefix
 * @left: IPv6, a deletion: one of the prefix' routes that stay, held, or NULL
 * @event: FIB_EVENT_ENTRY_...
 * @family: AF_INET or AF_INET6
 * @local: in the local table
 * @keyed: @key is valid: not a route by source
 * @there: for the one who counts, the prefix is there afterwards
 * @fen: IPv4: the route; its fib_info is held
 * @n: IPv6: number of routes
 * @rt: IPv6: the routes, one a path, held; @told, or what was read instead
 * @told: IPv6: the routes as announced
 */
struct vr_change {
	struct list_head list;
	struct hlist_node hash;
	struct vr_change_key key;
	struct fib6_info *left;
	u8 event;
	u8 family;
	bool local;
	bool keyed;
	bool there;
	union {
		struct fib_entry_notifier_info fen;
		struct {
			unsigned int n;
			struct fib6_info **rt;
			struct fib6_info *told[];
		};
	};
};

struct vr_change *vr_change_alloc(unsigned long event,
				  const struct fib_notifier_info *info);
void vr_change_free(struct vr_change *change);
void vr_change_free_all(struct list_head *list);
u32 vr_change_table(const struct fib_notifier_info *info);
bool vr_change_key(const struct fib_notifier_info *info,
		   struct vr_change_key *key);
bool vr_change_counts(const struct vr_change *change);
bool vr_change_is_own(const struct fib_notifier_info *info);
struct vr_nexthop *vr_change_apply(struct vr_change *change,
				   struct vr_rib *rib);
struct vr_nexthop *vr_change_nexthop(const struct vr_change *change,
				     const struct vr_rib *rib);
void vr_change_set_flags(const struct vr_change *change, struct net *net,
			 bool offload);

/**
 * struct vr_change_pass - a pass over the routes of a table
 * @nb: hears of the routes
 * @net: @nb is registered there; NULL if it is not
 * @table: the table; the local table's routes are told as well
 * @rule: is told of each rule, in an RCU read side with BH disabled; or NULL
 * @arg: for @rule
 * @lock: protects what follows
 * @over: the kernel has gone through all of them
 * @changes: the routes
 * @lost: there was no memory for one
 *
 * The kernel has it registered in the end, and taking that back takes a grace period.
 */
struct vr_change_pass {
	struct notifier_block nb;
	struct net *net;
	u32 table;
	void (*rule)(void *arg, const struct fib_notifier_info *info);
	void *arg;
	spinlock_t lock; /* protects what follows */
	bool over;
	struct list_head *changes;
	bool lost;
};

int vr_change_dump(struct net *net, struct vr_change_pass *pass,
		   struct list_head *changes);
void vr_change_dump_end(struct vr_change_pass *pass);

#endif
