/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of frames know of each other; what it does is said in frames.c. */
#ifndef FRAMES_H
#define FRAMES_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define DESTS 4096
#define MAX_DESTS 262144
#define MACS 1024
#define CHUNK 4096		/* packets */
#define MAX_CHUNKS 65536
#define MAX_CPUS 8

#define ETH_LEN 14
#define FRAME4 60
#define FRAME6 62

/* What the XDP program reads, and the count of packets that it keeps. */
struct mac_row {
	uint8_t dst[6];
	uint8_t src[6];
	uint8_t pad[4];
};

struct dest_row {
	uint8_t word[4];	/* IPv4: TTL, protocol, checksum */
	uint8_t pad[4];
	uint8_t addr[16];
	uint8_t pad2[8];
};

struct table {
	uint64_t seen;
	uint64_t pad;
	struct mac_row mac[MACS];
	struct dest_row dest[];
};

#define TABLE_SIZE (sizeof(struct table) + MAX_DESTS * sizeof(struct dest_row))

struct cell {
	char harness[16], name[32], netns[64], in[IFNAMSIZ], sink[IFNAMSIZ], action[8];
	unsigned int family, routes, mac, count, shift;
	char dests[PATH_MAX];
	unsigned int ndests;
	bool pktgen, has_sink;
	int prog[MAX_CPUS];
	unsigned int ifindex;
	uint8_t frame[FRAME6];
	unsigned int len;
};

/* frames.c */
extern unsigned int cpus;

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
uint64_t tx_packets(const char *dev);
uint64_t now_ns(void);

/* packet.c */
void bench_mac(uint8_t *mac, unsigned int number);
/* the cell's frame, its length and number of destinations, and the program's table */
void fill_packets(struct table *table, struct cell *cell);

/*
 * live.c and pktgen.c: the namespace is the cell's, but for live_hold(). Who sends
 * leaves in chunk_ns what a packet took in each chunk, and returns how many there are.
 */
void live_setup(struct cell *cell);
void live_hold(const struct cell *cell);
unsigned int live_send(const struct cell *cell, unsigned int cpu, unsigned int packets,
		       const bool *over, double *chunk_ns);
void pktgen_setup(const struct cell *cell);
void pktgen_select(const struct cell *cell);
unsigned int pktgen_send(const struct cell *cell, unsigned int packets, double *chunk_ns);

#endif
