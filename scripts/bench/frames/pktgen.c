// SPDX-License-Identifier: GPL-2.0
/* Packets by pktgen: how it is told, and what it does while it runs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"

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

void pktgen_setup(const struct cell *cell)
{
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

void pktgen_select(const struct cell *cell)
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
unsigned int pktgen_send(const struct cell *cell, unsigned int packets, double *chunk_ns)
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
