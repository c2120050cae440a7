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
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"

#define WARM_UP 32768		/* packets */
#define MAX_CELLS 256

unsigned int cpus = 1;

static struct cell cells[MAX_CELLS];
static unsigned int ncells;
static double chunk_ns[MAX_CHUNKS];

/* What the processes that send at the same time know of each other. */
static struct together {
	unsigned int ready;
	bool over;
	double ns[MAX_CPUS];
	unsigned int sent[MAX_CPUS];
} *together;

void die(const char *fmt, ...)
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
uint64_t tx_packets(const char *dev)
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

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* ---- one run ---- */

/* send packets, fill chunk_ns, return their number */
static unsigned int send_packets(const struct cell *cell, unsigned int packets)
{
	return cell->pktgen ? pktgen_send(cell, packets, chunk_ns) :
			      live_send(cell, 0, packets, &together->over, chunk_ns);
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
		chunks = live_send(cell, cpu, packets, &together->over, chunk_ns);
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

/* pktgen: once in a namespace, which IPv4 and IPv6 share */
static void setup(struct cell *cell)
{
	enter_netns(cell->netns);
	if (!cell->pktgen) {
		live_setup(cell);
		return;
	}
	for (const struct cell *other = cells; other < cell; other++)
		if (!strcmp(other->netns, cell->netns))
			return;
	pktgen_setup(cell);
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
	for (unsigned int i = 0; i < ncells; i++)
		setup(&cells[i]);
	if (cpus > 1) {
		enter_netns("hold");
		for (unsigned int i = 0; i < ncells; i++)
			live_hold(&cells[i]);
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
