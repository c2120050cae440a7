// SPDX-License-Identifier: GPL-2.0
/*
 * What a port offers on NICs that none of the rigs has.
 */
#include <kunit/test.h>
#include <linux/etherdevice.h>

#include "../port.h"

#define VR_PORT_KUNIT_IP	(NETIF_F_IP_CSUM | NETIF_F_IPV6_CSUM)

struct vr_port_kunit {
	struct net_device *lower;
	struct net_device *dev;
};

static int vr_port_kunit_init(struct kunit *test)
{
	struct vr_port_kunit *k = kunit_kzalloc(test, sizeof(*k), GFP_KERNEL);
	struct vr_port *port;

	KUNIT_ASSERT_NOT_NULL(test, k);
	test->priv = k;
	k->lower = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(test, k->lower);
	k->dev = alloc_etherdev(sizeof(*port));
	KUNIT_ASSERT_NOT_NULL(test, k->dev);
	port = netdev_priv(k->dev);
	port->dev = k->dev;
	port->lower = k->lower;
	return 0;
}

static void vr_port_kunit_exit(struct kunit *test)
{
	struct vr_port_kunit *k = test->priv;

	if (k && k->lower)
		free_netdev(k->lower);
	if (k && k->dev)
		free_netdev(k->dev);
}

/* The core warns of who says twice what the hardware can sum up. */
static void vr_port_kunit_checksum(struct kunit *test)
{
	static const netdev_features_t lowers[] = {
		0, NETIF_F_IP_CSUM, NETIF_F_IPV6_CSUM, VR_PORT_KUNIT_IP, NETIF_F_HW_CSUM,
	};
	struct vr_port_kunit *k = test->priv;
	netdev_features_t wanted, got;
	unsigned int i, on;

	for (i = 0; i < 2 * ARRAY_SIZE(lowers); i++) {
		on = i & 1;
		k->lower->features = lowers[i / 2] | NETIF_F_SG | NETIF_F_TSO;
		wanted = NETIF_F_SG | NETIF_F_TSO | (on ? NETIF_F_HW_CSUM : 0);
		got = vr_port_netdev_ops.ndo_fix_features(k->dev, wanted);
		KUNIT_EXPECT_EQ_MSG(test, got & (NETIF_F_HW_CSUM | VR_PORT_KUNIT_IP),
				    wanted & NETIF_F_HW_CSUM,
				    "on a NIC with %pNF", &k->lower->features);
	}
}

static struct kunit_case vr_port_kunit_list[] = {
	KUNIT_CASE(vr_port_kunit_checksum),
	{}
};

static struct kunit_suite vr_port_kunit_suite = {
	.name = "vrouter-port",
	.init = vr_port_kunit_init,
	.exit = vr_port_kunit_exit,
	.test_cases = vr_port_kunit_list,
};

kunit_test_suite(vr_port_kunit_suite);
