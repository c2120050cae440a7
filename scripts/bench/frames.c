// SPDX-License-Identifier: GPL-2.0
/*
 * Send packets through a set of cells, in turn, and tell what each packet took.
 *
 * usage: frames [-r ROUNDS] [-p PACKETS] [-c CPUS] <CELLS
 *	PACKETS a run; CPUS that send at the same time, live frames only: each cell
 *	is run once by the first CPU and once by all of them
 *
 * Each line of CELLS names one thing to measure, in words:
 *
 *	HARNESS NAME FAMILY ROUTES NETNS IN SINK ACTION MAC COUNT SHIFT [DESTS]
 *
 * HARNESS  live: BPF_PROG_TEST_RUN with live frames, batches of 64; the time is
 *	    what the kernel gives, without the set-up, for chunks of 4,096 packets; with
 *	    CPUS that of the clock, as softirqs may then be served by ksoftirqd.
 *	    pktgen: a chunk is what it sends from one look at it to the next
 * NAME, FAMILY (4 or 6), ROUTES: copied to the output; the last two also choose
 *	    the destinations
 * NETNS    network namespace of the two devices
 * IN, SINK device the packets come in on (pktgen: the one it sends on), and the
 *	    one they must leave by, "-" for none
 * ACTION   pass or drop: what the XDP program returns
 * MAC	    number of the first destination MAC address, as in bench_mac()
 * COUNT    how many addresses follow each other, a power of two
 * SHIFT    2^SHIFT packets in a row go to the same address
 * DESTS    file of destinations, an address a line, of which those of FAMILY are
 *	    taken, a power of two of them; live only
 *
 * Output, a line a round and cell:
 *
 *	HARNESS NAME FAMILY ROUTES ROUND NS-PER-PACKET SENT LEFT SOFTIRQD
 *
 * One run is made of many chunks. NS-PER-PACKET is the mean of the faster half of
 * the chunks: what the rest shows is other processes on the host. LEFT counts what
 * SINK has sent, or SENT if there is no sink. SOFTIRQD: how often ksoftirqd ran
 * meanwhile, whose time the live frames' clock does not show. With CPUS the second
 * run of a cell is called NAME-CPUScpus; NS-PER-PACKET is of all of them together.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

#define BATCH 64
#define DESTS 4096
#define MAX_DESTS 262144
#define MACS 1024
#define CHUNK 4096		/* packets */
#define WARM_UP 32768	/* packets */
#define MAX_CELLS 256
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

static struct cell cells[MAX_CELLS];
static unsigned int ncells;
static unsigned int cpus = 1;
static double chunk_ns[MAX_CHUNKS];

/* What the processes that send at the same time know of each other. */
static struct together {
	unsigned int ready;
	bool over;
	double ns[MAX_CPUS];
	unsigned int sent[MAX_CPUS];
} *together;

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	fputs("frames: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (err)
		fprintf(stderr, ": %s", strerror(err));
	fputc('\n', stderr);
	exit(1);
}

/* ---- namespaces and counters ---- */

static void enter_netns(const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("namespace %s", name);
	close(fd);
}

/* packets that a device of this namespace has sent */
static uint64_t tx_packets(const char *dev)
{
	unsigned long long value;
	char line[512], name[64];
	FILE *file;

	file = fopen("/proc/self/net/dev", "r");
	if (!file)
		die("/proc/self/net/dev");
	/* the name, eight fields of reception, bytes, packets */
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %63[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu",
			   name, &value) == 2 && !strcmp(name, dev)) {
			fclose(file);
			return value;
		}
	}
	errno = 0;
	die("no device %s", dev);
}

/* ---- destinations: the same ones in all cells, see topology.sh ---- */

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
static void bench_mac(uint8_t *mac, unsigned int number)
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

static void fill_table(struct table *table, struct cell *cell)
{
	uint8_t ip[20];

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

/* ---- the XDP program ---- */

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int make_map(const struct table *table, unsigned int dests)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = sizeof(*table) + dests * sizeof(table->dest[0]),
		.max_entries = 1,
	};
	uint32_t key = 0;
	int fd = sys_bpf(BPF_MAP_CREATE, &attr);

	if (fd < 0)
		die("BPF map");
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)table;
	if (sys_bpf(BPF_MAP_UPDATE_ELEM, &attr))
		die("BPF map");
	return fd;
}

#define INSN(op, d, s, o, i) ((struct bpf_insn) { \
	.code = (op), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })
#define LOAD(size, d, s, o) INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define STORE(size, d, s, o) INSN(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define STORE_K(size, d, o, k) INSN(BPF_ST | BPF_MEM | (size), d, 0, o, k)
#define ALU(op, d, s) INSN(BPF_ALU64 | BPF_X | (op), d, s, 0, 0)
#define ALU_K(op, d, k) INSN(BPF_ALU64 | BPF_K | (op), d, 0, 0, k)

static int load_program(const struct cell *cell, int map)
{
	static char log[65536];
	struct bpf_insn insn[64], *p = insn;
	int rc = strcmp(cell->action, "drop") ? XDP_PASS : XDP_DROP;
	const int dest = offsetof(struct table, dest);
	const int mac = offsetof(struct table, mac);
	union bpf_attr attr;
	int fd;

	*p++ = LOAD(BPF_W, 6, 1, offsetof(struct xdp_md, data));
	*p++ = LOAD(BPF_W, 7, 1, offsetof(struct xdp_md, data_end));
	*p++ = ALU_K(BPF_MOV, 0, XDP_ABORTED);
	*p++ = ALU(BPF_MOV, 2, 6);
	*p++ = ALU_K(BPF_ADD, 2, cell->len);
	*p++ = INSN(BPF_JMP | BPF_JLE | BPF_X, 2, 7, 1, 0);
	*p++ = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	*p++ = INSN(BPF_LD | BPF_DW | BPF_IMM, 8, BPF_PSEUDO_MAP_VALUE, 0, map);
	*p++ = INSN(0, 0, 0, 0, 0);

	/* r1: number of this packet */
	*p++ = LOAD(BPF_DW, 1, 8, offsetof(struct table, seen));
	*p++ = ALU(BPF_MOV, 2, 1);
	*p++ = ALU_K(BPF_ADD, 2, 1);
	*p++ = STORE(BPF_DW, 8, 2, offsetof(struct table, seen));

	/* r2: row of the MAC addresses; the stack has changed both */
	*p++ = ALU(BPF_MOV, 2, 1);
	*p++ = ALU_K(BPF_RSH, 2, cell->shift);
	*p++ = ALU_K(BPF_AND, 2, cell->count - 1);
	*p++ = ALU_K(BPF_LSH, 2, 4);
	*p++ = ALU(BPF_ADD, 2, 8);
	*p++ = LOAD(BPF_DW, 3, 2, mac);
	*p++ = STORE(BPF_DW, 6, 3, 0);
	*p++ = LOAD(BPF_W, 3, 2, mac + 8);
	*p++ = STORE(BPF_W, 6, 3, 8);

	/*
	 * r1: row of the destination; one further after each 4,096 packets, so
	 * that each router sees all of them
	 */
	*p++ = ALU(BPF_MOV, 2, 1);
	*p++ = ALU_K(BPF_RSH, 2, 12);
	*p++ = ALU(BPF_ADD, 1, 2);
	*p++ = ALU_K(BPF_AND, 1, cell->ndests - 1);
	*p++ = ALU_K(BPF_LSH, 1, 5);
	*p++ = ALU(BPF_ADD, 1, 8);
	if (cell->family == 4) {
		*p++ = LOAD(BPF_W, 3, 1, dest);
		*p++ = STORE(BPF_W, 6, 3, ETH_LEN + 8);
		*p++ = LOAD(BPF_W, 3, 1, dest + 8);
		*p++ = STORE(BPF_W, 6, 3, ETH_LEN + 16);
	} else {
		*p++ = STORE_K(BPF_B, 6, ETH_LEN + 7, 64);
		*p++ = LOAD(BPF_DW, 3, 1, dest + 8);
		*p++ = STORE(BPF_DW, 6, 3, ETH_LEN + 24);
		*p++ = LOAD(BPF_DW, 3, 1, dest + 16);
		*p++ = STORE(BPF_DW, 6, 3, ETH_LEN + 32);
	}
	*p++ = ALU_K(BPF_MOV, 0, rc);
	*p++ = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (uintptr_t)insn;
	attr.insn_cnt = p - insn;
	attr.license = (uintptr_t)"GPL";
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	attr.prog_flags = BPF_F_ANY_ALIGNMENT;
	fd = sys_bpf(BPF_PROG_LOAD, &attr);
	if (fd < 0)
		die("BPF program: %s", log);
	return fd;
}

/* ---- live frames ---- */

/*
 * A test run enters its program in a dispatcher, by patching the kernel's text, unless
 * it is there because a device has it. QEMU's emulation of two CPUs does not survive
 * thousands of that; so namespace hold has devices hold0, hold1, ... for them.
 */
static void hold_program(int prog)
{
	union bpf_attr attr = { .link_create = {
		.prog_fd = prog,
		.attach_type = BPF_XDP,
		.flags = XDP_FLAGS_SKB_MODE,
	} };
	static unsigned int number;
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "hold%u", number++);
	attr.link_create.target_ifindex = if_nametoindex(name);
	if (sys_bpf(BPF_LINK_CREATE, &attr) < 0)
		die("BPF program on %s", name);
}

static void live_setup(struct cell *cell)
{
	static struct table *table;

	if (!table)
		table = malloc(TABLE_SIZE);
	if (!table)
		die("memory");
	fill_frame(cell);
	fill_table(table, cell);
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		cell->prog[cpu] = load_program(cell, make_map(table, cell->ndests));
	cell->ifindex = if_nametoindex(cell->in);
	if (!cell->ifindex)
		die("device %s", cell->in);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static unsigned int live_send(const struct cell *cell, unsigned int cpu,
			      unsigned int packets)
{
	struct xdp_md ctx = {
		.data_end = cell->len,
		.ingress_ifindex = cell->ifindex,
	};
	union bpf_attr attr = { .test = {
		.prog_fd = cell->prog[cpu],
		.data_in = (uintptr_t)cell->frame,
		.data_size_in = cell->len,
		.ctx_in = (uintptr_t)&ctx,
		.ctx_size_in = sizeof(ctx),
		.repeat = CHUNK,
		.batch_size = BATCH,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES,
	} };
	unsigned int i, chunks = packets / CHUNK;
	uint64_t begin;

	for (i = 0; i < chunks && !__atomic_load_n(&together->over, __ATOMIC_RELAXED); i++) {
		begin = now_ns();
		if (sys_bpf(BPF_PROG_TEST_RUN, &attr))
			die("%s: BPF_PROG_TEST_RUN", cell->name);
		/* the kernel rounds down */
		chunk_ns[i] = cpus > 1 ? (double)(now_ns() - begin) / CHUNK :
					 attr.test.duration + 0.5;
	}
	return i;
}

/* ---- pktgen ---- */

static void __attribute__((format(printf, 2, 3)))
pktgen_write(const char *name, const char *fmt, ...)
{
	char path[128], text[256];
	va_list ap;
	int fd, len;

	snprintf(path, sizeof(path), "/proc/self/net/pktgen/%s", name);
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	/* pgctrl cuts the last character off */
	text[len++] = '\n';
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, len) != len)
		die("pktgen: %s: %.*s", name, len - 1, text);
	close(fd);
}

/* pktgen has no list of destinations: as random as the others, and as many */
static void pktgen_destinations(const struct cell *cell)
{
	unsigned int last = cell->routes - 1;

	if (cell->family == 4) {
		pktgen_write(cell->in, "flag !IPV6");
		pktgen_write(cell->in, "pkt_size %u", FRAME4);
		pktgen_write(cell->in, "src_min 198.51.100.2");
		pktgen_write(cell->in, "src_max 198.51.100.2");
		pktgen_write(cell->in, "dst_min 10.0.0.0");
		if (cell->routes <= 10)
			pktgen_write(cell->in, "dst_max 10.%u.255.255", last);
		else
			pktgen_write(cell->in, "dst_max 10.%u.%u.255",
				     last >> 8, last & 255);
		/* drawn once for each flow, then kept, also from run to run */
		pktgen_write(cell->in, "flag IPDST_RND");
		return;
	}
	/* it wants room for its own header */
	pktgen_write(cell->in, "pkt_size %u", FRAME6 + 16);
	pktgen_write(cell->in, "src6 fd00:0:1::2");
	pktgen_write(cell->in, "dst6 2001:db8::2");
	/* the bits that differ are random: 12 of them */
	pktgen_write(cell->in, "dst6_min 2001:db8::2");
	if (cell->routes <= 10)
		pktgen_write(cell->in, "dst6_max 2001:db8:7::7fe");
	else
		pktgen_write(cell->in, "dst6_max 2001:db8:0:fff::2");
}

/* once in a namespace, which IPv4 and IPv6 share */
static void pktgen_setup(const struct cell *cell)
{
	for (const struct cell *other = cells; other < cell; other++)
		if (!strcmp(other->netns, cell->netns))
			return;
	pktgen_write("kpktgend_0", "add_device %s", cell->in);
	pktgen_write(cell->in, "clone_skb 0");
	pktgen_write(cell->in, "delay 0");
	pktgen_write(cell->in, "udp_src_min 1234");
	pktgen_write(cell->in, "udp_src_max 1234");
	pktgen_write(cell->in, "udp_dst_min 9");
	pktgen_write(cell->in, "udp_dst_max 9");
	pktgen_write(cell->in, "flows %u", DESTS);
	pktgen_write(cell->in, "flowlen 2000000000");
}

static void pktgen_select(const struct cell *cell)
{
	uint8_t mac[6];

	bench_mac(mac, cell->mac);
	pktgen_write(cell->in, "dst_mac %02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		     mac[1], mac[2], mac[3], mac[4], mac[5]);
	pktgen_write(cell->in, "dst_mac_count %u", cell->count);
	pktgen_destinations(cell);
}

/*
 * Starting pktgen takes a quarter of a second, and leaves cold caches. So one
 * start makes many chunks: look at its progress every other millisecond, and
 * take the time from the end of a look to the beginning of the next one.
 */
static unsigned int pktgen_send(const struct cell *cell, unsigned int packets)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	const struct sched_param prio = { .sched_priority = 1 };
	uint64_t first, last, count, begin, end = 0, deadline;
	unsigned int chunks = 0;
	pid_t child;

	pktgen_write(cell->in, "count %u", packets);
	first = tx_packets(cell->in);
	last = first;
	deadline = now_ns() + 60000000000ULL;
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		pktgen_write("pgctrl", "start");
		_exit(0);
	}
	/* pktgen yields when asked to */
	if (sched_setscheduler(0, SCHED_FIFO, &prio))
		die("scheduler");
	do {
		nanosleep(&pause, NULL);
		begin = now_ns();
		count = tx_packets(cell->in);
		/* neither the first nor the last, which are not whole */
		if (last > first && count < first + packets && count > last &&
		    chunks < MAX_CHUNKS)
			chunk_ns[chunks++] = (double)(begin - end) /
					     (count - last);
		last = count;
		end = now_ns();
	} while (count < first + packets && end < deadline);
	waitpid(child, NULL, 0);
	errno = 0;
	if (count < first + packets || !chunks)
		die("%s: pktgen sent %llu of %u packets", cell->name,
		    (unsigned long long)(count - first), packets);
	return chunks;
}

/* ---- one run ---- */

/* send packets, fill chunk_ns, return their number */
static unsigned int send_packets(const struct cell *cell, unsigned int packets)
{
	return cell->pktgen ? pktgen_send(cell, packets) :
			      live_send(cell, 0, packets);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double faster_half(unsigned int chunks)
{
	unsigned int half = (chunks + 1) / 2;
	double sum = 0;

	qsort(chunk_ns, chunks, sizeof(chunk_ns[0]), by_value);
	for (unsigned int i = 0; i < half; i++)
		sum += chunk_ns[i];
	return sum / half;
}

/* how often the softirq thread ran: what it does is not in the kernel's time */
static unsigned long ksoftirqd_runs(void)
{
	unsigned long runs = 0;
	char line[128];
	FILE *file;
	static int pid;

	for (int i = 2; !pid && i < 100; i++) {
		snprintf(line, sizeof(line), "/proc/%d/comm", i);
		file = fopen(line, "r");
		if (!file)
			continue;
		if (fgets(line, sizeof(line), file) &&
		    !strncmp(line, "ksoftirqd/", 10))
			pid = i;
		fclose(file);
	}
	snprintf(line, sizeof(line), "/proc/%d/status", pid);
	file = fopen(line, "r");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &runs) == 1)
			break;
	fclose(file);
	return runs;
}

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("CPU %u", cpu);
}

/* send by all CPUs at once, until the first one is done */
static double send_together(const struct cell *cell, unsigned int packets,
			    unsigned int *sent)
{
	double rate = 0;
	int status;

	memset(together, 0, sizeof(*together));
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		pid_t child = fork();
		unsigned int chunks;

		if (child < 0)
			die("fork");
		if (child)
			continue;
		pin(cpu);
		__atomic_add_fetch(&together->ready, 1, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&together->ready, __ATOMIC_SEQ_CST) < cpus)
			;
		chunks = live_send(cell, cpu, packets);
		__atomic_store_n(&together->over, true, __ATOMIC_RELAXED);
		together->sent[cpu] = chunks * CHUNK;
		together->ns[cpu] = faster_half(chunks);
		_exit(0);
	}
	while (wait(&status) > 0)
		if (status)
			die("%s: one CPU failed", cell->name);
	*sent = 0;
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		rate += 1 / together->ns[cpu];
		*sent += together->sent[cpu];
	}
	memset(together, 0, sizeof(*together));
	return 1 / rate;
}

static void run(const struct cell *cell, unsigned int round,
		unsigned int packets, bool all_cpus)
{
	uint64_t left, before = 0;
	unsigned int sent = packets;
	char suffix[16] = "";
	unsigned long soft;
	double ns;

	enter_netns(cell->netns);
	if (cell->pktgen)
		pktgen_select(cell);
	send_packets(cell, cell->ndests > WARM_UP ? cell->ndests : WARM_UP);
	if (cell->has_sink)
		before = tx_packets(cell->sink);
	soft = ksoftirqd_runs();
	if (all_cpus) {
		snprintf(suffix, sizeof(suffix), "-%ucpus", cpus);
		ns = send_together(cell, packets, &sent);
	} else {
		ns = faster_half(send_packets(cell, packets));
	}
	soft = cpus > 1 ? 0 : ksoftirqd_runs() - soft;
	left = cell->has_sink ? tx_packets(cell->sink) - before : sent;
	printf("%s %s%s %u %u %u %.2f %u %llu %lu\n", cell->harness, cell->name, suffix,
	       cell->family, cell->routes, round, ns, sent,
	       (unsigned long long)left, soft);
	fflush(stdout);
}

static void read_cells(void)
{
	char line[512 + PATH_MAX];

	while (fgets(line, sizeof(line), stdin)) {
		struct cell *cell = &cells[ncells];

		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (ncells == MAX_CELLS ||
		    sscanf(line, "%15s %31s %u %u %63s %15s %15s %7s %u %u %u %4095s",
			   cell->harness, cell->name, &cell->family,
			   &cell->routes, cell->netns, cell->in, cell->sink,
			   cell->action, &cell->mac, &cell->count,
			   &cell->shift, cell->dests) < 11 ||
		    !cell->count || cell->count > MACS ||
		    (cell->count & (cell->count - 1)) || !cell->routes) {
			errno = 0;
			die("bad line: %s", line);
		}
		cell->pktgen = !strcmp(cell->harness, "pktgen");
		cell->has_sink = strcmp(cell->sink, "-");
		ncells++;
	}
}

int main(int argc, char **argv)
{
	unsigned int rounds = 5, packets = 1 << 20;
	int opt;

	while ((opt = getopt(argc, argv, "r:p:c:")) != -1) {
		switch (opt) {
		case 'r':
			rounds = atoi(optarg);
			break;
		case 'p':
			packets = atoi(optarg);
			break;
		case 'c':
			cpus = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	/* whole chunks; and pktgen must take long enough to look at */
	packets = (packets + CHUNK - 1) / CHUNK * CHUNK;
	errno = 0;
	if (!rounds || packets < WARM_UP || packets / CHUNK > MAX_CHUNKS)
		die("too few rounds, or fewer than %u packets", WARM_UP);
	if (!cpus || cpus > MAX_CPUS)
		die("1 to %u CPUs", MAX_CPUS);
	together = mmap(NULL, sizeof(*together), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (together == MAP_FAILED)
		die("memory");
	read_cells();
	for (unsigned int i = 0; i < ncells; i++) {
		enter_netns(cells[i].netns);
		if (cells[i].pktgen)
			pktgen_setup(&cells[i]);
		else
			live_setup(&cells[i]);
	}
	if (cpus > 1) {
		enter_netns("hold");
		for (unsigned int i = 0; i < ncells * cpus; i++)
			hold_program(cells[i / cpus].prog[i % cpus]);
		pin(0);
	}
	for (unsigned int round = 1; round <= rounds; round++) {
		for (unsigned int i = 0; i < ncells; i++) {
			run(&cells[i], round, packets, false);
			if (cpus > 1)
				run(&cells[i], round, packets, true);
		}
	}
	return 0;
}
