// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "parse.h"

#define VLAN_MAX	4094
#define WATCH_MS_MIN	10
#define WATCH_MS_MAX	86400000

/**
 * parse_u32() - a decimal number
 * @text: digits and nothing else
 * @value: result
 *
 * Return: false for junk, signs and what does not fit 32 bits
 */
bool parse_u32(const char *text, uint32_t *value)
{
	uint64_t v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (*text - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*value = v;
	return true;
}

/**
 * parse_rate() - a rate as tc takes it, but without fractions
 * @text: number and unit: bit, kbit, mbit, gbit, tbit (powers of 1000), or bps, kbps,
 *	mbps, gbps, tbps for bytes a second; no unit for bit
 * @rate: result, bytes a second
 *
 * Return: false for anything else, for what does not fit 64 bits, and for less than
 * one byte a second that is not 0
 */
bool parse_rate(const char *text, uint64_t *rate)
{
	static const char prefixes[] = "kmgt";
	uint64_t v = 0, by = 1;
	const char *p;
	bool bits;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, *text - '0', &v))
			return false;
	if (*text) {
		p = strchr(prefixes, tolower((unsigned char)*text));
		if (p) {
			for (text++; p >= prefixes; p--)
				by *= 1000;
		}
	}
	bits = !*text || !strcasecmp(text, "bit");
	if ((!*text && by != 1) || (!bits && strcasecmp(text, "bps")))
		return false;
	if (__builtin_mul_overflow(v, by, &v))
		return false;
	*rate = bits ? v / 8 : v;
	return *rate || !v;
}

/**
 * parse_ms() - seconds with up to three decimals
 * @text: "2", "0.5"
 * @ms: result, ms, 10 to a day
 *
 * Return: false for anything else
 */
bool parse_ms(const char *text, uint32_t *ms)
{
	uint64_t v = 0;
	int digits = 0, decimals = -1;

	for (; *text; text++) {
		if (*text == '.' && decimals < 0) {
			decimals = 0;
			continue;
		}
		if (*text < '0' || *text > '9' || decimals == 3)
			return false;
		v = v * 10 + (*text - '0');
		if (v > WATCH_MS_MAX)
			return false;
		digits++;
		if (decimals >= 0)
			decimals++;
	}
	for (decimals = decimals < 0 ? 0 : decimals; decimals < 3; decimals++)
		v *= 10;
	if (!digits || v < WATCH_MS_MIN || v > WATCH_MS_MAX)
		return false;
	*ms = v;
	return true;
}

/**
 * parse_ifname() - is it a name for a device?
 * @text: the name
 *
 * The kernel's own rule, and no '%', which it would replace by a number.
 */
bool parse_ifname(const char *text)
{
	size_t len = strlen(text);

	if (!len || len >= IFNAMSIZ || !strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	return !strpbrk(text, "/:% \t\n\v\f\r\xa0");
}

/**
 * parse_netns() - is it a name for a network namespace, a file name that is?
 * @text: the name
 */
bool parse_netns(const char *text)
{
	size_t len = strlen(text);

	if (!len || len > NAME_MAX || !strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	return !strchr(text, '/');
}

bool parse_address(const char *text, struct address *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET, text, addr->bytes) == 1)
		addr->len = 4;
	else if (inet_pton(AF_INET6, text, addr->bytes) == 1)
		addr->len = 16;
	return addr->len;
}

/**
 * parse_prefix() - ADDRESS[/BITS]
 * @text: the word; without BITS it is a single address
 * @addr: result
 * @plen: result, bits
 *
 * Return: what it is instead of a prefix, or NULL
 */
const char *parse_prefix(const char *text, struct address *addr, uint32_t *plen)
{
	const char *slash = strchr(text, '/');
	char word[INET6_ADDRSTRLEN];
	uint32_t bit;

	if (snprintf(word, sizeof(word), "%.*s",
		     (int)(slash ? slash - text : (ptrdiff_t)strlen(text)), text) >=
	    (int)sizeof(word) || !parse_address(word, addr))
		return "not an IPv4 or IPv6 prefix";
	*plen = addr->len * 8;
	if (slash && (!parse_u32(slash + 1, plen) || *plen > (uint32_t)addr->len * 8))
		return "not an IPv4 or IPv6 prefix";
	for (bit = *plen; bit < (uint32_t)addr->len * 8; bit++)
		if (addr->bytes[bit / 8] & 0x80 >> bit % 8)
			return "not a prefix: it has bits beyond its length";
	return NULL;
}

static bool parse_part(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

/**
 * parse_port() - NIC[:VLAN]=NAME
 * @text: the word
 * @spec: result
 *
 * Return: what is wrong with it, or NULL
 */
const char *parse_port(const char *text, struct port_spec *spec)
{
	const char *eq = strchr(text, '='), *colon;
	char number[16];

	memset(spec, 0, sizeof(*spec));
	if (!eq)
		return "not NIC[:VLAN]=NAME";
	if (!parse_ifname(eq + 1))
		return "not a name for a port";
	strcpy(spec->name, eq + 1);
	colon = memchr(text, ':', eq - text);
	if (colon) {
		if (!parse_part(number, sizeof(number), colon + 1, eq - colon - 1) ||
		    !parse_u32(number, &spec->vlan) || spec->vlan < 1 ||
		    spec->vlan > VLAN_MAX)
			return "the VLAN is not a number from 1 to 4094";
		eq = colon;
	}
	if (!parse_part(spec->nic, sizeof(spec->nic), text, eq - text) ||
	    !parse_ifname(spec->nic))
		return "not a name for a NIC";
	return NULL;
}
