// SPDX-License-Identifier: GPL-2.0
/*
 * How long a UDP packet takes to a server and back.
 *
 * usage: echo serve
 *        echo ADDRESS COUNT INTERVAL-MICROSECONDS
 *
 * The client prints one line, in microseconds: sent, received, mean, median, 99th
 * percentile, most. It waits a second for the last ones; each reply finds the time at
 * which its packet was sent in itself.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT 7007
#define MAX 100000

static double times[MAX];
static int ntimes;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static void serve(int fd)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
	}, from;
	socklen_t len;
	char data[64];
	ssize_t n;

	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("bind");
	for (;;) {
		len = sizeof(from);
		n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &len);
		/* what cannot be sent is lost, and counted by the client */
		if (n > 0)
			sendto(fd, data, n, 0, (struct sockaddr *)&from, len);
	}
}

/* take replies until a moment */
static void receive(int fd, double until)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct timespec left;
	double sent, wait;

	while ((wait = until - now()) > 0) {
		left.tv_sec = wait / 1e6;
		left.tv_nsec = (long)(wait * 1e3) % 1000000000;
		if (ppoll(&pfd, 1, &left, NULL) <= 0)
			continue;
		if (recv(fd, &sent, sizeof(sent), MSG_DONTWAIT) == sizeof(sent) &&
		    ntimes < MAX)
			times[ntimes++] = now() - sent;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	double start, sum = 0, stamp;
	int fd, i, count, sent = 0;

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		die("socket");
	if (argc == 2 && !strcmp(argv[1], "serve"))
		serve(fd);
	if (argc != 4 || inet_pton(AF_INET, argv[1], &addr.sin_addr) != 1) {
		fprintf(stderr, "usage: echo serve | echo ADDRESS COUNT INTERVAL\n");
		return 2;
	}
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("connect");
	count = atoi(argv[2]);
	start = now();
	for (i = 0; i < count; i++) {
		stamp = now();
		if (send(fd, &stamp, sizeof(stamp), 0) < 0 && errno != ENOBUFS &&
		    errno != ECONNREFUSED)
			die("send");
		sent++;
		receive(fd, start + (i + 1) * atof(argv[3]));
	}
	receive(fd, now() + 1e6);
	if (!ntimes) {
		printf("%d 0 - - - -\n", sent);
		return 0;
	}
	qsort(times, ntimes, sizeof(times[0]), compare);
	for (i = 0; i < ntimes; i++)
		sum += times[i];
	printf("%d %d %.1f %.1f %.1f %.1f\n", sent, ntimes, sum / ntimes, times[ntimes / 2],
	       times[(int)(ntimes * 0.99)], times[ntimes - 1]);
	return 0;
}
