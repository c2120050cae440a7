// SPDX-License-Identifier: GPL-2.0
/*
 * The checks of headers, case by case, and what forwarding does to one.
 */
#include <kunit/test.h>
#include <linux/inet.h>
#include <linux/slab.h>

#include "../header.h"

/* Fields that differ from those of a packet that may be forwarded. */
struct vr_header_kunit_v4 {
	const char *name;
	u8 version;
	u8 ihl;
	u16 len;
	u16 got;
	u8 ttl;
	u16 wrong;
	u8 reason;
};

static const struct vr_header_kunit_v4 vr_header_kunit_v4[] = {
	{ "fine", 4, 5, 100, 100, 64 },
	{ "padded", 4, 5, 21, 46, 64 },
	{ "no payload", 4, 5, 20, 20, 2 },
	{ "as long as can be", 4, 5, 65535, 65535, 255 },
	{ "version 5", 5, 5, 100, 100, 64, 0, VROUTER_PUNT_HEADER },
	{ "version 0", 0, 5, 100, 100, 64, 0, VROUTER_PUNT_HEADER },
	{ "version 6", 6, 5, 100, 100, 64, 0, VROUTER_PUNT_HEADER },
	{ "16 bytes", 4, 4, 100, 100, 64, 0, VROUTER_PUNT_HEADER },
	{ "0 bytes", 4, 0, 100, 100, 64, 0, VROUTER_PUNT_HEADER },
	{ "options", 4, 6, 100, 100, 64, 0, VROUTER_PUNT_OPTIONS },
	{ "all options", 4, 15, 100, 100, 64, 0, VROUTER_PUNT_OPTIONS },
	{ "sum off by one", 4, 5, 100, 100, 64, 1, VROUTER_PUNT_HEADER },
	{ "sum off by a bit", 4, 5, 100, 100, 64, 0x8000, VROUTER_PUNT_HEADER },
	{ "shorter than it says", 4, 5, 100, 99, 64, 0, VROUTER_PUNT_HEADER },
	{ "shorter than its header", 4, 5, 19, 60, 64, 0, VROUTER_PUNT_HEADER },
	{ "no length", 4, 5, 0, 60, 64, 0, VROUTER_PUNT_HEADER },
	{ "last hop", 4, 5, 100, 100, 1, 0, VROUTER_PUNT_TTL },
	{ "after the last hop", 4, 5, 100, 100, 0, 0, VROUTER_PUNT_TTL },
	{ "last hop and cut", 4, 5, 100, 99, 1, 0, VROUTER_PUNT_HEADER },
};

static void vr_header_kunit_check4(struct kunit *test)
{
	const struct vr_header_kunit_v4 *c;
	unsigned int i, len;
	struct iphdr *iph;

	iph = kunit_kzalloc(test, sizeof(*iph), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, iph);
	for (i = 0; i < ARRAY_SIZE(vr_header_kunit_v4); i++) {
		c = &vr_header_kunit_v4[i];
		memset(iph, 0, sizeof(*iph));
		iph->version = c->version;
		iph->ihl = c->ihl;
		iph->tot_len = htons(c->len);
		iph->ttl = c->ttl;
		iph->protocol = IPPROTO_UDP;
		iph->check = ip_fast_csum(iph, 5);
		iph->check = (__force __sum16)((__force u16)iph->check ^ c->wrong);
		len = 0;
		KUNIT_EXPECT_EQ_MSG(test, vr_header_check4(iph, c->got, &len),
				    c->reason, "%s", c->name);
		if (!c->reason)
			KUNIT_EXPECT_EQ_MSG(test, len, c->len, "%s", c->name);
	}
}

static const struct {
	const char *name;
	u8 version;
	u8 nexthdr;
	u16 payload;
	u32 got;
	bool huge;
	u8 hop_limit;
	u8 reason;
} vr_header_kunit_v6[] = {
	{ "fine", 6, IPPROTO_UDP, 60, 100, false, 64 },
	{ "padded", 6, IPPROTO_UDP, 2, 46, false, 64 },
	{ "no payload", 6, NEXTHDR_NONE, 0, 40, false, 2 },
	{ "as long as can be", 6, IPPROTO_TCP, 65535, 65575, false, 255 },
	{ "a fragment", 6, NEXTHDR_FRAGMENT, 60, 100, false, 64 },
	{ "version 4", 4, IPPROTO_UDP, 60, 100, false, 64, VROUTER_PUNT_HEADER },
	{ "version 7", 7, IPPROTO_UDP, 60, 100, false, 64, VROUTER_PUNT_HEADER },
	{ "hop by hop", 6, NEXTHDR_HOP, 60, 100, false, 64, VROUTER_PUNT_OPTIONS },
	{ "shorter than it says", 6, IPPROTO_UDP, 61, 100, false, 64,
	  VROUTER_PUNT_HEADER },
	{ "only a header of more", 6, IPPROTO_UDP, 65535, 40, false, 64,
	  VROUTER_PUNT_HEADER },
	{ "more than 64 kB", 6, IPPROTO_TCP, 0, 70000, true, 64,
	  VROUTER_PUNT_HEADER },
	{ "last hop", 6, IPPROTO_UDP, 60, 100, false, 1, VROUTER_PUNT_TTL },
	{ "after the last hop", 6, IPPROTO_UDP, 60, 100, false, 0,
	  VROUTER_PUNT_TTL },
};

static void vr_header_kunit_check6(struct kunit *test)
{
	struct ipv6hdr *hdr;
	unsigned int i, len;

	hdr = kunit_kzalloc(test, sizeof(*hdr), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, hdr);
	for (i = 0; i < ARRAY_SIZE(vr_header_kunit_v6); i++) {
		memset(hdr, 0, sizeof(*hdr));
		hdr->version = vr_header_kunit_v6[i].version;
		hdr->nexthdr = vr_header_kunit_v6[i].nexthdr;
		hdr->payload_len = htons(vr_header_kunit_v6[i].payload);
		hdr->hop_limit = vr_header_kunit_v6[i].hop_limit;
		len = 0;
		KUNIT_EXPECT_EQ_MSG(test,
				    vr_header_check6(hdr, vr_header_kunit_v6[i].got,
						     vr_header_kunit_v6[i].huge,
						     &len),
				    vr_header_kunit_v6[i].reason, "%s",
				    vr_header_kunit_v6[i].name);
		if (!vr_header_kunit_v6[i].reason)
			KUNIT_EXPECT_EQ_MSG(test, len,
					    vr_header_kunit_v6[i].payload + 40,
					    "%s", vr_header_kunit_v6[i].name);
	}
}

static const struct {
	const char *from;
	const char *to;
	u8 reason;
} vr_header_kunit_address[] = {
	{ "10.0.0.1", "192.0.2.1" },
	{ "1.0.0.0", "223.255.255.255" },
	{ "126.255.255.255", "128.0.0.0" },
	{ "169.254.1.1", "10.0.0.1" },
	/* class E, and what begins with 0, as Linux has them */
	{ "0.0.0.1", "10.0.0.1" },
	{ "10.0.0.1", "0.255.255.255" },
	{ "240.0.0.1", "10.0.0.1" },
	{ "10.0.0.1", "240.0.0.1" },
	{ "10.0.0.1", "255.255.255.254" },
	{ "10.0.0.1", "255.255.255.255", VROUTER_PUNT_MULTICAST },
	{ "10.0.0.1", "224.0.0.0", VROUTER_PUNT_MULTICAST },
	{ "10.0.0.1", "239.255.255.255", VROUTER_PUNT_MULTICAST },
	{ "10.0.0.1", "0.0.0.0", VROUTER_PUNT_MARTIAN },
	{ "10.0.0.1", "127.0.0.0", VROUTER_PUNT_MARTIAN },
	{ "10.0.0.1", "127.255.255.255", VROUTER_PUNT_MARTIAN },
	{ "0.0.0.0", "10.0.0.1", VROUTER_PUNT_MARTIAN },
	{ "127.0.0.1", "10.0.0.1", VROUTER_PUNT_MARTIAN },
	{ "224.0.0.1", "10.0.0.1", VROUTER_PUNT_MARTIAN },
	{ "239.255.255.255", "10.0.0.1", VROUTER_PUNT_MARTIAN },
	{ "255.255.255.255", "10.0.0.1", VROUTER_PUNT_MARTIAN },
	{ "2001:db8::1", "2001:db8::2" },
	{ "fd00::1", "2001:db8::2" },
	{ "fec0::1", "2001:db8::2" },
	{ "::2", "2001:db8::2" },
	{ "2001:db8::1", "::ffff:10.0.0.1" },
	{ "2001:db8::1", "fe7f:ffff::1" },
	{ "2001:db8::1", "ff00::", VROUTER_PUNT_MULTICAST },
	{ "::", "ff02::1", VROUTER_PUNT_MULTICAST },
	{ "2001:db8::1", "::", VROUTER_PUNT_MARTIAN },
	{ "2001:db8::1", "::1", VROUTER_PUNT_MARTIAN },
	{ "2001:db8::1", "fe80::1", VROUTER_PUNT_MARTIAN },
	{ "2001:db8::1", "febf:ffff::1", VROUTER_PUNT_MARTIAN },
	{ "::", "2001:db8::1", VROUTER_PUNT_MARTIAN },
	{ "::1", "2001:db8::1", VROUTER_PUNT_MARTIAN },
	{ "fe80::1", "2001:db8::1", VROUTER_PUNT_MARTIAN },
	{ "ff02::1", "2001:db8::1", VROUTER_PUNT_MARTIAN },
};

static void vr_header_kunit_addresses(struct kunit *test)
{
	const char *from, *to;
	struct in6_addr a, b;
	unsigned int i;
	u8 reason;

	for (i = 0; i < ARRAY_SIZE(vr_header_kunit_address); i++) {
		from = vr_header_kunit_address[i].from;
		to = vr_header_kunit_address[i].to;
		if (strchr(from, ':')) {
			KUNIT_ASSERT_TRUE(test, in6_pton(from, -1, a.s6_addr, -1, NULL));
			KUNIT_ASSERT_TRUE(test, in6_pton(to, -1, b.s6_addr, -1, NULL));
			reason = vr_header_address6(&a, &b);
		} else {
			KUNIT_ASSERT_TRUE(test, in4_pton(from, -1, a.s6_addr, -1, NULL));
			KUNIT_ASSERT_TRUE(test, in4_pton(to, -1, b.s6_addr, -1, NULL));
			reason = vr_header_address4(a.s6_addr32[0], b.s6_addr32[0]);
		}
		KUNIT_EXPECT_EQ_MSG(test, reason, vr_header_kunit_address[i].reason,
				    "%s to %s", from, to);
	}
}

/* invariant 29: the sum that is changed for one hop is the one of all the header */
static void vr_header_kunit_age(struct kunit *test, struct iphdr *iph)
{
	u8 ttl = iph->ttl;
	__sum16 sum;

	iph->check = 0;
	iph->check = ip_fast_csum(iph, 5);
	ip_decrease_ttl(iph);
	KUNIT_ASSERT_EQ(test, iph->ttl, ttl - 1);
	KUNIT_ASSERT_EQ_MSG(test, (__force u16)ip_fast_csum(iph, 5), 0,
			    "ttl %u, protocol %u, id %u", ttl, iph->protocol,
			    ntohs(iph->id));
	sum = iph->check;
	iph->check = 0;
	KUNIT_ASSERT_EQ_MSG(test, (__force u16)ip_fast_csum(iph, 5),
			    (__force u16)sum, "ttl %u, protocol %u, id %u", ttl,
			    iph->protocol, ntohs(iph->id));
}

static void vr_header_kunit_ttl(struct kunit *test)
{
	static const u8 ttl[] = { 2, 3, 64, 128, 129, 255 };
	struct iphdr *iph;
	unsigned int i, k;

	iph = kunit_kzalloc(test, sizeof(*iph), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, iph);
	iph->version = 4;
	iph->ihl = 5;
	iph->tot_len = htons(1500);
	iph->saddr = htonl(0x0a000001);
	iph->daddr = htonl(0xc0000201);
	/* each id, and with it each sum */
	for (k = 0; k < ARRAY_SIZE(ttl); k++) {
		for (i = 0; i <= U16_MAX; i++) {
			iph->ttl = ttl[k];
			iph->id = htons(i);
			vr_header_kunit_age(test, iph);
		}
	}
	/* each time with each protocol */
	for (i = 0; i <= U16_MAX; i++) {
		if (i >> 8 < 2)
			continue;
		iph->ttl = i >> 8;
		iph->protocol = i;
		vr_header_kunit_age(test, iph);
	}
}

static struct kunit_case vr_header_kunit_list[] = {
	KUNIT_CASE(vr_header_kunit_check4),
	KUNIT_CASE(vr_header_kunit_check6),
	KUNIT_CASE(vr_header_kunit_addresses),
	KUNIT_CASE(vr_header_kunit_ttl),
	{}
};

static struct kunit_suite vr_header_kunit_suite = {
	.name = "vrouter-header",
	.test_cases = vr_header_kunit_list,
};

kunit_test_suite(vr_header_kunit_suite);
