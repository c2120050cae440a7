/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * rtnetlink attributes of the link kinds "vrport" and "vrouter", inside
 * IFLA_LINKINFO / IFLA_INFO_DATA.
 */
#ifndef _UAPI_LINUX_IF_VROUTER_H
#define _UAPI_LINUX_IF_VROUTER_H

/**
 * enum ifla_vrport - attributes of link kind vrport
 * @IFLA_VRPORT_UNSPEC: not used
 * @IFLA_VRPORT_VLAN: u16, VLAN id 1..4094 of the port on its NIC; only at
 *   creation; untagged when left out
 */
enum ifla_vrport {
	IFLA_VRPORT_UNSPEC,
	IFLA_VRPORT_VLAN,

	/* private: */
	__IFLA_VRPORT_MAX
};

#define IFLA_VRPORT_MAX (__IFLA_VRPORT_MAX - 1)

/**
 * enum ifla_vrouter - attributes of link kind vrouter
 * @IFLA_VROUTER_UNSPEC: not used
 * @IFLA_VROUTER_WEIGHT: u32, share of the CPU against other routers, 1..1000;
 *   1 when left out; needs CAP_NET_ADMIN in the initial user namespace
 */
enum ifla_vrouter {
	IFLA_VROUTER_UNSPEC,
	IFLA_VROUTER_WEIGHT,

	/* private: */
	__IFLA_VROUTER_MAX
};

#define IFLA_VROUTER_MAX (__IFLA_VROUTER_MAX - 1)

#endif /* _UAPI_LINUX_IF_VROUTER_H */
