/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The paths of IPv6 routes, and whether those of several are still there.
 */
#ifndef VROUTER_SIBLINGS_H
#define VROUTER_SIBLINGS_H

#include <linux/rbtree.h>
#include <linux/types.h>

struct fib6_info;
struct net;
struct rt6key;

/* more than a route may have that is not punted */
#define VR_SIBLINGS_MAX		1024U

/**
 * struct vr_siblings - IPv6 routes of several paths
 *
 * Used by the mirror's work only.
 *
 * @root: one path of each, by prefix
 * @deleted: how many routes the namespace had ever deleted when all were there
 */
struct vr_siblings {
	struct rb_root root;
	u32 deleted;
};

struct fib6_info *vr_siblings_other(const struct fib6_info *f6i);
unsigned int vr_siblings_read(const struct fib6_info *f6i,
			      struct fib6_info **paths, unsigned int room);
struct fib6_info *vr_siblings_stale(const struct fib6_info *f6i, bool offload);
int vr_siblings_set(struct vr_siblings *siblings, struct fib6_info *f6i);
void vr_siblings_del(struct vr_siblings *siblings, const struct rt6key *key);
bool vr_siblings_lost(struct vr_siblings *siblings, const struct net *net);
void vr_siblings_free(struct vr_siblings *siblings);

#endif
