/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the headers of a packet say for themselves: nothing here knows the packet, or
 * what is configured.
 */
#ifndef VROUTER_HEADER_H
#define VROUTER_HEADER_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <uapi/linux/vrouter.h>

/**
 * vr_header_check4() - may a packet with this header be forwarded?
 * @iph: header, 20 bytes
 * @got: bytes that there are, from the header on
 * @len: gets the packet's length, unless the header is of no use
 *
 * Return: 0, or enum vrouter_punt_reason.
 */
static inline u8 vr_header_check4(const struct iphdr *iph, unsigned int got,
				  unsigned int *len)
{
	if (unlikely(iph->version != 4 || iph->ihl < 5))
		return VROUTER_PUNT_HEADER;
	if (unlikely(iph->ihl != 5))
		return VROUTER_PUNT_OPTIONS;
	if (unlikely(ip_fast_csum(iph, 5)))
		return VROUTER_PUNT_HEADER;
	*len = ntohs(iph->tot_len);
	if (unlikely(got < *len || *len < sizeof(*iph)))
		return VROUTER_PUNT_HEADER;
	if (unlikely(iph->ttl <= 1))
		return VROUTER_PUNT_TTL;
	return 0;
}

/**
 * vr_header_check6() - may a packet with this header be forwarded?
 * @hdr: header, 40 bytes
 * @got: bytes that there are, from the header on
 * @huge: its length does not stand in the header
 * @len: gets the packet's length, unless the header is of no use
 *
 * Return: 0, or enum vrouter_punt_reason.
 */
static inline u8 vr_header_check6(const struct ipv6hdr *hdr, unsigned int got,
				  bool huge, unsigned int *len)
{
	if (unlikely(hdr->version != 6))
		return VROUTER_PUNT_HEADER;
	if (unlikely(hdr->nexthdr == NEXTHDR_HOP))
		return VROUTER_PUNT_OPTIONS;
	*len = ntohs(hdr->payload_len) + sizeof(*hdr);
	if (unlikely(got < *len || huge))
		return VROUTER_PUNT_HEADER;
	if (unlikely(hdr->hop_limit <= 1))
		return VROUTER_PUNT_TTL;
	return 0;
}

static inline bool vr_header_martian4(__be32 saddr)
{
	return ipv4_is_multicast(saddr) || ipv4_is_lbcast(saddr) ||
	       ipv4_is_zeronet(saddr) || ipv4_is_loopback(saddr);
}

/**
 * vr_header_address4() - may packets between two addresses be forwarded anywhere?
 * @saddr: source
 * @daddr: destination
 *
 * Return: 0, or enum vrouter_punt_reason.
 */
static inline u8 vr_header_address4(__be32 saddr, __be32 daddr)
{
	if (unlikely(ipv4_is_multicast(daddr) || ipv4_is_lbcast(daddr)))
		return VROUTER_PUNT_MULTICAST;
	if (unlikely(ipv4_is_zeronet(daddr) || ipv4_is_loopback(daddr) ||
		     vr_header_martian4(saddr)))
		return VROUTER_PUNT_MARTIAN;
	return 0;
}

/**
 * vr_header_address6() - may packets between two addresses be forwarded anywhere?
 * @from: source
 * @to: destination
 *
 * Return: 0, or enum vrouter_punt_reason.
 */
static inline u8 vr_header_address6(const struct in6_addr *from,
				    const struct in6_addr *to)
{
	int saddr = ipv6_addr_type(from);
	int daddr = ipv6_addr_type(to);

	if (unlikely(daddr & IPV6_ADDR_MULTICAST))
		return VROUTER_PUNT_MULTICAST;
	if (unlikely(saddr == IPV6_ADDR_ANY || daddr == IPV6_ADDR_ANY ||
		     (saddr & IPV6_ADDR_MULTICAST) ||
		     ((saddr | daddr) & (IPV6_ADDR_LOOPBACK |
					 IPV6_ADDR_LINKLOCAL))))
		return VROUTER_PUNT_MARTIAN;
	return 0;
}

#endif
