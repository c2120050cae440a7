// SPDX-License-Identifier: GPL-2.0
/* What the packets of a cell look like: the same destinations in all cells, see topology.sh */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frames.h"

static uint32_t random_state;

static uint32_t random32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static void put16(uint8_t *p, uint32_t value)
{
	p[0] = value >> 8;
	p[1] = value;
}

static void put32(uint8_t *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

static uint32_t checksum(const uint8_t *p, unsigned int len)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < len; i += 2)
		sum += p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* 10 routes are 10.i.0.0/16 or 2001:db8:i::/48, more are /24 or /64 */
static void destination(const struct cell *cell, uint8_t *addr)
{
	uint32_t route = random32() % cell->routes, host = random32();

	if (cell->family == 4) {
		if (cell->routes <= 10)
			route = route << 8 | (host >> 8 & 255);
		put32(addr, 10U << 24 | route << 8 | (host % 254 + 1));
		return;
	}
	put32(addr, 0x20010db8);
	if (cell->routes <= 10)
		put32(addr + 4, route << 16 | (host >> 16));
	else
		put32(addr + 4, route);
	put32(addr + 8, random32());
	/* the same sum for each, so that the UDP checksum is right for all */
	put32(addr + 12, host & 0xffff0000);
	put16(addr + 14, checksum(addr, 14));
}

/* 02:76:72:00:HI:LO */
void bench_mac(uint8_t *mac, unsigned int number)
{
	mac[0] = 0x02;
	mac[1] = 0x76;
	mac[2] = 0x72;
	mac[3] = number >> 16;
	put16(mac + 4, number);
}

static void fill_frame(struct cell *cell)
{
	static const uint8_t src6[] = { 0xfd, 0, 0, 0, 0, 1, 0, 0,
					0, 0, 0, 0, 0, 0, 0, 2 };
	uint8_t *ip = cell->frame + ETH_LEN, *udp, sum[28] = "";

	if (cell->family == 4) {
		cell->len = FRAME4;
		put16(ip - 2, 0x0800);
		ip[0] = 0x45;
		put16(ip + 2, cell->len - ETH_LEN);
		ip[8] = 64;
		ip[9] = 17;
		put32(ip + 12, 0xc6336402);	/* 198.51.100.2 */
		udp = ip + 20;
	} else {
		cell->len = FRAME6;
		put16(ip - 2, 0x86dd);
		ip[0] = 0x60;
		put16(ip + 4, cell->len - ETH_LEN - 40);
		ip[6] = 17;
		ip[7] = 64;
		memcpy(ip + 8, src6, 16);	/* fd00:0:1::2 */
		udp = ip + 40;
	}
	put16(udp, 1234);
	put16(udp + 2, 9);
	put16(udp + 4, cell->frame + cell->len - udp);
	if (cell->family == 4)
		return;
	/* the destination adds nothing, nor does the payload */
	memcpy(sum, src6, 16);
	sum[17] = 17;
	memcpy(sum + 18, udp + 4, 2);
	memcpy(sum + 20, udp, 6);
	put16(udp + 6, checksum(sum, sizeof(sum)));
}

static unsigned int read_dests(const struct cell *cell, struct table *table)
{
	char line[INET6_ADDRSTRLEN + 2];
	unsigned int count = 0, power;
	FILE *file;

	file = fopen(cell->dests, "r");
	if (!file)
		die("%s", cell->dests);
	while (count < MAX_DESTS && fgets(line, sizeof(line), file)) {
		uint8_t *addr = table->dest[count].addr;

		line[strcspn(line, "\n")] = 0;
		if (inet_pton(cell->family == 4 ? AF_INET : AF_INET6, line, addr) != 1)
			continue;
		/* as in destination() */
		if (cell->family == 6)
			put16(addr + 14, checksum(addr, 14));
		count++;
	}
	fclose(file);
	errno = 0;
	for (power = 1; 2 * power <= count;)
		power *= 2;
	if (!count)
		die("%s: no IPv%u addresses", cell->dests, cell->family);
	return power;
}

void fill_packets(struct table *table, struct cell *cell)
{
	uint8_t ip[20];

	fill_frame(cell);
	memset(table, 0, TABLE_SIZE);
	random_state = 0x9e3779b9;
	for (unsigned int i = 0; i < MACS; i++) {
		bench_mac(table->mac[i].dst, cell->mac + i);
		memcpy(table->mac[i].src, "\x02\x76\x72\xff\x00\x01", 6);
	}
	memcpy(ip, cell->frame + ETH_LEN, sizeof(ip));
	cell->ndests = cell->dests[0] ? read_dests(cell, table) : DESTS;
	for (unsigned int i = 0; i < cell->ndests; i++) {
		struct dest_row *row = &table->dest[i];

		if (!cell->dests[0])
			destination(cell, row->addr);
		if (cell->family != 4)
			continue;
		put16(ip + 10, 0);
		memcpy(ip + 16, row->addr, 4);
		memcpy(row->word, ip + 8, 2);
		put16(row->word + 2, checksum(ip, sizeof(ip)));
	}
}
