// SPDX-License-Identifier: GPL-2.0
/*
 * The checks of headers against another reading of the same rules: byte by byte, as
 * the RFCs have them.
 */
#include "bytes.h"
#include "header.h"

const char * const vr_bytes_name = "headers";

enum { FINE4, FINE6, HEADER, OPTIONS, TTL, MULTICAST, MARTIAN };

struct vr_bytes_tally vr_bytes_tally[] = {
	[FINE4] = { "IPv4 may be forwarded" },
	[FINE6] = { "IPv6 may be forwarded" },
	[HEADER] = { "a wrong header" },
	[OPTIONS] = { "options" },
	[TTL] = { "the end of its time" },
	[MULTICAST] = { "multicast or broadcast" },
	[MARTIAN] = { "a martian" },
	{}
};

static unsigned int vr_header_model_u16(const u8 *at)
{
	return at[0] * 256 + at[1];
}

/* RFC 1071, sum and fold, over 20 bytes */
static bool vr_header_model_sum(const u8 *at)
{
	unsigned int i, sum = 0;

	for (i = 0; i < 20; i += 2)
		sum += vr_header_model_u16(&at[i]);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* RFC 1812 5.2.2 and 5.3.1 */
static u8 vr_header_model4(const u8 *at, unsigned int got)
{
	unsigned int len = vr_header_model_u16(&at[2]);

	if (at[0] / 16 != 4 || at[0] % 16 < 5)
		return VROUTER_PUNT_HEADER;
	if (at[0] % 16 > 5)
		return VROUTER_PUNT_OPTIONS;
	if (!vr_header_model_sum(at) || len < 20 || len > got)
		return VROUTER_PUNT_HEADER;
	return at[8] < 2 ? VROUTER_PUNT_TTL : 0;
}

/* RFC 8200 3 and 4.3 */
static u8 vr_header_model6(const u8 *at, unsigned int got, bool huge)
{
	if (at[0] / 16 != 6)
		return VROUTER_PUNT_HEADER;
	if (!at[6])
		return VROUTER_PUNT_OPTIONS;
	if (huge || vr_header_model_u16(&at[4]) + 40 > got)
		return VROUTER_PUNT_HEADER;
	return at[7] < 2 ? VROUTER_PUNT_TTL : 0;
}

/* RFC 1812 5.3.7 and 5.3.5, but class E and all of 0/8 but its first address are
 * forwarded, as Linux does
 */
static u8 vr_header_model_address4(const u8 *from, const u8 *to)
{
	static const u8 broadcast[] = { 255, 255, 255, 255 }, zero[4];

	if (to[0] / 16 == 14 || !memcmp(to, broadcast, 4))
		return VROUTER_PUNT_MULTICAST;
	if (!memcmp(to, zero, 4) || to[0] == 127 || !memcmp(from, zero, 4) ||
	    from[0] == 127 || from[0] / 16 == 14 || !memcmp(from, broadcast, 4))
		return VROUTER_PUNT_MARTIAN;
	return 0;
}

/* RFC 4291 2.5.2, 2.5.3, 2.5.6: nothing that belongs to a link, or to a host */
static bool vr_header_model_martian6(const u8 *addr)
{
	static const u8 zero[15];

	return (!memcmp(addr, zero, 15) && addr[15] < 2) ||
	       (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80);
}

static u8 vr_header_model_address6(const u8 *from, const u8 *to)
{
	if (to[0] == 0xff)
		return VROUTER_PUNT_MULTICAST;
	return from[0] == 0xff || vr_header_model_martian6(from) ||
	       vr_header_model_martian6(to) ? VROUTER_PUNT_MARTIAN : 0;
}

static void vr_header_bytes_tell(u8 reason, unsigned int fine)
{
	static const u8 reasons[] = {
		[HEADER] = VROUTER_PUNT_HEADER,
		[OPTIONS] = VROUTER_PUNT_OPTIONS,
		[TTL] = VROUTER_PUNT_TTL,
		[MULTICAST] = VROUTER_PUNT_MULTICAST,
		[MARTIAN] = VROUTER_PUNT_MARTIAN,
	};
	unsigned int i;

	vr_bytes_tally[fine].n += !reason;
	for (i = HEADER; reason && i < ARRAY_SIZE(reasons); i++)
		vr_bytes_tally[i].n += reason == reasons[i];
}

/* An address that means something, every other time. */
static void vr_header_bytes_address(struct vr_bytes *bytes, u8 *addr, size_t size)
{
	static const u8 first[] = { 0, 127, 224, 239, 240, 255, 0xfe, 10 };
	u8 how = vr_bytes_u8(bytes), fill = how & 0x40 ? 255 : 0;
	size_t i;

	for (i = 0; i < size; i++)
		addr[i] = how & 0x80 ? vr_bytes_u8(bytes) : fill;
	addr[0] = how & 8 ? vr_bytes_u8(bytes) : first[how % 8];
	if (how & 0x10)
		addr[1] = vr_bytes_u8(bytes);
	if (how & 0x20)
		addr[size - 1] = vr_bytes_u8(bytes);
}

/* What comes before the two addresses, and these. */
static void vr_header_bytes_fill(struct vr_bytes *bytes, u8 *at, size_t before,
				 size_t size)
{
	size_t i;

	for (i = 0; i < before; i++)
		at[i] = vr_bytes_u8(bytes);
	vr_header_bytes_address(bytes, &at[before], size);
	vr_header_bytes_address(bytes, &at[before + size], size);
}

static void vr_header_bytes_v4(struct vr_bytes *bytes, u8 how)
{
	struct iphdr *iph = malloc(sizeof(*iph));
	unsigned int i, got, len = 0, sum = 0;
	u8 at[20], reason;

	vr_host_check(iph, "no memory");
	vr_header_bytes_fill(bytes, at, 12, 4);
	at[0] = how & 2 ? 0x45 : at[0];
	at[8] = how & 0x80 ? at[8] % 4 : at[8];
	got = how & 4 ? vr_header_model_u16(&at[2]) : 20 + vr_bytes_u16(bytes);
	/* most sums are right */
	if (how & 0x70) {
		at[10] = 0;
		at[11] = 0;
		for (i = 0; i < 20; i += 2)
			sum += vr_header_model_u16(&at[i]);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = 0xffff - ((sum & 0xffff) + (sum >> 16));
		at[10] = sum >> 8;
		at[11] = sum;
	}
	memcpy(iph, at, 20);
	reason = vr_header_check4(iph, got, &len);
	vr_host_check(reason == vr_header_model4(at, got), "IPv4: %u, not %u",
		      reason, vr_header_model4(at, got));
	vr_host_check(reason || len == vr_header_model_u16(&at[2]),
		      "length %u, not %u", len, vr_header_model_u16(&at[2]));
	if (!reason) {
		reason = vr_header_address4(iph->saddr, iph->daddr);
		vr_host_check(reason == vr_header_model_address4(&at[12], &at[16]),
			      "IPv4 addresses: %u, not %u", reason,
			      vr_header_model_address4(&at[12], &at[16]));
	}
	vr_header_bytes_tell(reason, FINE4);
	free(iph);
}

static void vr_header_bytes_v6(struct vr_bytes *bytes, u8 how)
{
	struct ipv6hdr *hdr = malloc(sizeof(*hdr));
	unsigned int got, len = 0;
	u8 at[40], reason;
	bool huge;

	vr_host_check(hdr, "no memory");
	vr_header_bytes_fill(bytes, at, 8, 16);
	at[0] = how & 2 ? 0x60 : at[0];
	at[7] = how & 0x80 ? at[7] % 4 : at[7];
	got = 40 + (how & 4 ? vr_header_model_u16(&at[4]) : vr_bytes_u16(bytes));
	huge = (how & 0x78) == 0x78;
	memcpy(hdr, at, 40);
	reason = vr_header_check6(hdr, got, huge, &len);
	vr_host_check(reason == vr_header_model6(at, got, huge), "IPv6: %u, not %u",
		      reason, vr_header_model6(at, got, huge));
	vr_host_check(reason || len == vr_header_model_u16(&at[4]) + 40,
		      "length %u, not %u", len, vr_header_model_u16(&at[4]) + 40);
	if (!reason) {
		reason = vr_header_address6(&hdr->saddr, &hdr->daddr);
		vr_host_check(reason == vr_header_model_address6(&at[8], &at[24]),
			      "IPv6 addresses: %u, not %u", reason,
			      vr_header_model_address6(&at[8], &at[24]));
	}
	vr_header_bytes_tell(reason, FINE6);
	free(hdr);
}

int vr_bytes_run(const u8 *data, size_t size)
{
	struct vr_bytes bytes = { data, data + size };
	u8 how;

	while (vr_bytes_left(&bytes)) {
		how = vr_bytes_u8(&bytes);
		if (how & 1)
			vr_header_bytes_v4(&bytes, how);
		else
			vr_header_bytes_v6(&bytes, how);
	}
	return 0;
}
