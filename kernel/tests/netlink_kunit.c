// SPDX-License-Identifier: GPL-2.0
/*
 * What is told of a router fits the message that it is told in.
 */
#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <net/genetlink.h>

#include "../ingress.h"
#include "../netlink.h"
#include "../router.h"
#include "../share.h"

/* What only some routers have: VRF, table, namespace, routes and their quota; and the
 * number that tells a dump from a changed one.
 */
#define VR_NETLINK_KUNIT_MORE	(7 * nla_total_size(sizeof(u32)) + \
				 nla_total_size(IFNAMSIZ))

static void vr_netlink_kunit_counters(const struct vr_router *router)
{
	const size_t words = (sizeof(struct vr_stats) -
			      offsetof(struct vr_stats, rx_packets)) /
			     sizeof(u64_stats_t);
	u64_stats_t *word;
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		word = &per_cpu_ptr(router->queues, cpu)->stats.rx_packets;
		for (i = 0; i < words; i++)
			u64_stats_set(&word[i], U64_MAX / 2 - i);
	}
}

/* invariant 59: the largest notification of a router */
static void vr_netlink_kunit_router(struct kunit *test)
{
	struct vr_share share = { .max_rate = U64_MAX };
	struct vr_router *router;
	struct net_device *dev;
	struct sk_buff *skb;
	int err;

	dev = alloc_netdev(sizeof(*router), "fifteen-letters", NET_NAME_ENUM,
			   ether_setup);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	router = netdev_priv(dev);
	router->dev = dev;
	router->up = true;
	router->share = &share;
	spin_lock_init(&router->base_lock);
	router->queues = alloc_percpu(struct vr_queue);
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, (__force void *)router->queues);
	KUNIT_EXPECT_NOT_NULL(test, skb);
	if (router->queues && skb) {
		vr_netlink_kunit_counters(router);
		skb_put(skb, GENL_HDRLEN + NLMSG_HDRLEN);
		rcu_read_lock();
		err = vr_netlink_fill_router(skb, router, dev_net(dev));
		rcu_read_unlock();
		KUNIT_EXPECT_EQ(test, err, 0);
		/* all of the histogram, at least */
		KUNIT_EXPECT_GT(test, skb->len, VR_STATS_DELAY_BUCKETS * 28);
		KUNIT_EXPECT_GE_MSG(test, skb_tailroom(skb),
				    VR_NETLINK_KUNIT_MORE, "%u bytes", skb->len);
	}
	nlmsg_free(skb);
	free_percpu(router->queues);
	free_netdev(dev);
}

static struct kunit_case vr_netlink_kunit_list[] = {
	KUNIT_CASE(vr_netlink_kunit_router),
	{}
};

static struct kunit_suite vr_netlink_kunit_suite = {
	.name = "vrouter-netlink",
	.test_cases = vr_netlink_kunit_list,
};

kunit_test_suite(vr_netlink_kunit_suite);
