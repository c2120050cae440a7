// SPDX-License-Identifier: GPL-2.0
/*
 * Make and pack routing tables for bench-fib.sh.
 *
 * usage: table make SHAPE SEED >TEXT	a table of that shape
 *	  table shape <TEXT >SHAPE	learn the shape of a table
 *	  table pack FILE <TEXT		as in table.h; prints how many of each family
 *	  table dests COUNT ROUTES <TEXT	COUNT addresses of each family to send to:
 *					random hosts in random prefixes, of as many
 *					ROUTES as routes.c chooses
 *	  table batch ROUTES DEV <TEXT	lines for ip -batch: these routes
 *	  table stat <TEXT		what make should keep, to compare two tables
 *
 * TEXT is one prefix a line, in any order; what follows a prefix is ignored.
 *
 * The shape is how often the node of a binary trie holds a prefix and has which
 * children, given its depth, its state (does a prefix above cover it, and how many
 * nodes above it, up to three, have both children) and its class: how many prefixes
 * there are below, in powers of four, at the last of two depths, 8 and 16 for IPv4,
 * 20 and 32 for IPv6. "make" grows a trie depth by depth from that, dealing to the
 * nodes of one kind, in random order, what the shape counted there. So lengths,
 * nesting, neighbourhood and the number of prefixes in each /8, /16 and /32 come
 * out as they were, and no prefix does but by chance.
 *
 * shape.txt was learned from the table of a transit provider's router, 901,899 IPv4
 * and 160,147 IPv6 prefixes. What it makes has as many, of the same lengths, in as
 * many /8, /16 and /32 within 1 %; run-length coding pays for 4 % (random next
 * hops), 7 % (local) or 20 % (one) more changes of the next hop for IPv4, and 6 %,
 * 8 % and 11 % more for IPv6: it is a bit harder than the real one.
 *
 * Each line of SHAPE is
 *	FAMILY DEPTH CLASS STATE COUNT*8	by prefix << 2 | left << 1 | right
 *	FAMILY DEPTH class CLASS STATE COUNT*12	by class from here on
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

typedef unsigned __int128 addr_t;

#define DEPTHS		129
#define CLASSES		12
#define OUTCOMES	8
#define STATES		8
#define KINDS		(CLASSES * STATES)

struct prefix {
	addr_t addr;		/* its first bit is the highest one */
	unsigned int plen;
};

struct list {
	struct prefix *at;
	size_t count, room;
};

/* a node of the trie, when it is grown; kind: class * STATES + state */
struct node {
	addr_t addr;
	uint8_t kind;
};

struct nodes {
	struct node *at;
	size_t count, room;
};

struct shape {
	uint32_t outcome[DEPTHS][KINDS][OUTCOMES];
	uint32_t class[DEPTHS][KINDS][CLASSES];
};

static struct list lists[2];		/* IPv4, IPv6 */
static struct shape shapes[2];
static const unsigned int lengths[2] = { 32, 128 };
static uint64_t random_state;

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("table: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void *grow(void *at, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return at;
	*room = *room ? 2 * *room : 4096;
	at = realloc(at, *room * size);
	if (!at)
		die("no memory");
	return at;
}

/* splitmix64 */
static uint64_t random64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t random_below(uint64_t limit)
{
	return (addr_t)random64() * limit >> 64;
}

static addr_t mask(unsigned int plen)
{
	return plen ? ~(addr_t)0 << (128 - plen) : 0;
}

static bool bit(addr_t addr, unsigned int depth)
{
	return addr >> (127 - depth) & 1;
}

static addr_t load(const uint8_t *bytes, unsigned int len)
{
	addr_t addr = 0;

	for (unsigned int i = 0; i < len; i++)
		addr |= (addr_t)bytes[i] << (120 - 8 * i);
	return addr;
}

static void store(uint8_t *bytes, addr_t addr)
{
	for (unsigned int i = 0; i < 16; i++)
		bytes[i] = addr >> (120 - 8 * i);
}

static void add(unsigned int f, addr_t addr, unsigned int plen)
{
	struct list *list = &lists[f];

	list->at = grow(list->at, &list->room, list->count, sizeof(*list->at));
	list->at[list->count++] = (struct prefix) { addr & mask(plen), plen };
}

static int by_prefix(const void *a, const void *b)
{
	const struct prefix *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return (int)x->plen - (int)y->plen;
}

static void read_text(void)
{
	unsigned long number = 0;
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		char *slash = strchr(line, '/'), *end;
		unsigned int f = !!strchr(line, ':');
		unsigned long plen;
		uint8_t bytes[16];

		number++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (!slash)
			die("line %lu: no prefix: %s", number, line);
		*slash = 0;
		plen = strtoul(slash + 1, &end, 10);
		if (end == slash + 1 || plen > lengths[f] ||
		    inet_pton(f ? AF_INET6 : AF_INET, line, bytes) != 1)
			die("line %lu: no prefix: %s/%s", number, line, slash + 1);
		add(f, load(bytes, f ? 16 : 4), plen);
	}
	for (unsigned int f = 0; f < 2; f++) {
		struct list *list = &lists[f];
		size_t n = 0;

		qsort(list->at, list->count, sizeof(*list->at), by_prefix);
		for (size_t i = 0; i < list->count; i++)
			if (!n || by_prefix(&list->at[n - 1], &list->at[i]))
				list->at[n++] = list->at[i];
		list->count = n;
	}
}

static void print_addr(unsigned int f, addr_t addr)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	store(bytes, addr);
	fputs(inet_ntop(f ? AF_INET6 : AF_INET, bytes, text, sizeof(text)), stdout);
}

/* ---- the shape ---- */

static bool is_class_depth(unsigned int f, unsigned int depth)
{
	return f ? depth == 20 || depth == 32 : depth == 8 || depth == 16;
}

/* 1, 2 to 7, 8 to 31, 32 to 127 ... */
static unsigned int class_of(size_t count)
{
	unsigned int log2 = 63 - __builtin_clzl(count);

	return (log2 + 1) / 2;
}

/* Few prefixes are long enough for their kind to matter. */
static unsigned int kind_below(unsigned int f, unsigned int depth,
			       unsigned int kind, unsigned int outcome)
{
	unsigned int streak = kind % STATES >> 1, covered = kind & 1;

	covered |= outcome >> 2;
	if (depth >= (f ? 48 : 24))
		return covered;
	if ((outcome & 3) != 3)
		streak = 0;
	else if (streak < 3)
		streak++;
	return kind / STATES * STATES + (streak << 1) + covered;
}

static void learn(unsigned int f, const struct prefix *at, size_t count,
		  unsigned int depth, unsigned int kind)
{
	struct shape *shape = &shapes[f];
	size_t left = 0, total = count;
	unsigned int outcome = 0;

	if (is_class_depth(f, depth)) {
		unsigned int class = class_of(count);

		shape->class[depth][kind][class]++;
		kind = class * STATES + kind % STATES;
	}
	if (at->plen == depth) {
		outcome = 4;
		at++;
		total--;
	}
	while (left < total && !bit(at[left].addr, depth))
		left++;
	outcome |= (left > 0) << 1 | (left < total);
	shape->outcome[depth][kind][outcome]++;
	kind = kind_below(f, depth, kind, outcome);
	if (left)
		learn(f, at, left, depth + 1, kind);
	if (left < total)
		learn(f, at + left, total - left, depth + 1, kind);
}

static void print_row(unsigned int f, unsigned int depth, const char *what,
		      unsigned int kind, const uint32_t *row, unsigned int size)
{
	unsigned int sum = 0;

	for (unsigned int k = 0; k < size; k++)
		sum += row[k];
	if (!sum)
		return;
	printf("%u %u%s %u %u", f ? 6 : 4, depth, what, kind / STATES,
	       kind % STATES);
	for (unsigned int k = 0; k < size; k++)
		printf(" %u", row[k]);
	putchar('\n');
}

static void print_shape(void)
{
	puts("# SPDX-License-Identifier: GPL-2.0\n# see table.c");
	for (unsigned int i = 0; i < 2 * DEPTHS * KINDS; i++) {
		unsigned int kind = i % KINDS, depth = i / KINDS % DEPTHS;
		unsigned int f = i / KINDS / DEPTHS;

		print_row(f, depth, " class", kind, shapes[f].class[depth][kind],
			  CLASSES);
		print_row(f, depth, "", kind, shapes[f].outcome[depth][kind],
			  OUTCOMES);
	}
}

static void read_shape(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[512];

	if (!file)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		unsigned int family, depth, class, state, size = OUTCOMES;
		int used = 0, more;
		uint32_t *row;

		if (line[0] == '#')
			continue;
		if (sscanf(line, "%u %u class %u %u%n", &family, &depth, &class,
			   &state, &used) == 4)
			size = CLASSES;
		else if (sscanf(line, "%u %u %u %u%n", &family, &depth, &class,
				&state, &used) != 4)
			die("%s: %s", path, line);
		if (depth >= DEPTHS || class >= CLASSES || state >= STATES)
			die("%s: %s", path, line);
		class = class * STATES + state;
		row = size == CLASSES ? shapes[family == 6].class[depth][class] :
					shapes[family == 6].outcome[depth][class];
		for (unsigned int k = 0; k < size; k++, used += more)
			if (sscanf(line + used, "%u%n", &row[k], &more) != 1)
				die("%s: %s", path, line);
	}
	fclose(file);
}

static void shuffle(struct node *at, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t k = random_below(i);
		struct node swap = at[i - 1];

		at[i - 1] = at[k];
		at[k] = swap;
	}
}

/* What the i-th of count nodes gets: the row's proportions, all over. */
static unsigned int deal(const uint32_t *row, unsigned int size, size_t i,
			 size_t count)
{
	uint64_t total = 0, at;

	for (unsigned int k = 0; k < size; k++)
		total += row[k];
	if (!total)
		return size;
	at = i * total / count;
	for (unsigned int k = 0; ; k++) {
		if (at < row[k])
			return k;
		at -= row[k];
	}
}

static void push(struct nodes *nodes, addr_t addr, unsigned int kind)
{
	nodes->at = grow(nodes->at, &nodes->room, nodes->count,
			 sizeof(*nodes->at));
	nodes->at[nodes->count++] = (struct node) { addr, kind };
}

/* Shuffle, and bring together those of one kind. */
static void sort_kinds(struct nodes *nodes, size_t start[KINDS + 1])
{
	struct node *sorted = malloc((nodes->count + 1) * sizeof(*sorted));
	size_t next[KINDS];

	if (!sorted)
		die("no memory");
	shuffle(nodes->at, nodes->count);
	memset(start, 0, (KINDS + 1) * sizeof(*start));
	for (size_t i = 0; i < nodes->count; i++)
		start[nodes->at[i].kind + 1]++;
	for (unsigned int k = 0; k < KINDS; k++) {
		start[k + 1] += start[k];
		next[k] = start[k];
	}
	for (size_t i = 0; i < nodes->count; i++)
		sorted[next[nodes->at[i].kind]++] = nodes->at[i];
	memcpy(nodes->at, sorted, nodes->count * sizeof(*sorted));
	free(sorted);
}

static void set_classes(struct nodes *nodes, uint32_t rows[KINDS][CLASSES])
{
	size_t start[KINDS + 1];

	sort_kinds(nodes, start);
	for (unsigned int k = 0; k < KINDS; k++)
		for (size_t i = start[k]; i < start[k + 1]; i++) {
			unsigned int class = deal(rows[k], CLASSES, i - start[k],
						  start[k + 1] - start[k]);

			nodes->at[i].kind = class % CLASSES * STATES + k % STATES;
		}
}

static void grow_node(unsigned int f, const struct node *node,
		      struct nodes *below, unsigned int depth,
		      unsigned int outcome)
{
	unsigned int kind = kind_below(f, depth, node->kind, outcome);

	/* a kind that was never seen ends here */
	if (outcome >= 4)
		add(f, node->addr, depth);
	if (outcome == OUTCOMES)
		return;
	if (outcome & 2)
		push(below, node->addr, kind);
	if (outcome & 1)
		push(below, node->addr | (addr_t)1 << (127 - depth), kind);
}

static int by_addr(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/*
 * Not all of IPv4 is for routes: put the /8 where they may be, in their order, and
 * leave out those for which there is no place.
 */
static void move_to_unicast(struct nodes *nodes)
{
	unsigned int net = 1;
	size_t n = 0;

	qsort(nodes->at, nodes->count, sizeof(*nodes->at), by_addr);
	for (; n < nodes->count && net < 224; net++)
		if (net != 10 && net != 127)
			nodes->at[n++].addr = (addr_t)net << 120;
	nodes->count = n;
}

static void grow_depth(unsigned int f, struct nodes *nodes, struct nodes *below,
		       unsigned int depth)
{
	size_t start[KINDS + 1];

	if (!f && depth == 8)
		move_to_unicast(nodes);
	if (is_class_depth(f, depth))
		set_classes(nodes, shapes[f].class[depth]);
	sort_kinds(nodes, start);
	below->count = 0;
	for (unsigned int k = 0; k < KINDS; k++)
		for (size_t i = start[k]; i < start[k + 1]; i++)
			grow_node(f, &nodes->at[i], below, depth,
				  deal(shapes[f].outcome[depth][k], OUTCOMES,
				       i - start[k], start[k + 1] - start[k]));
}

static void make(void)
{
	for (unsigned int f = 0; f < 2; f++) {
		struct nodes nodes = {}, below = {}, swap;

		push(&nodes, 0, 0);
		for (unsigned int depth = 0; depth <= lengths[f]; depth++) {
			grow_depth(f, &nodes, &below, depth);
			swap = nodes;
			nodes = below;
			below = swap;
			if (!nodes.count)
				break;
		}
		qsort(lists[f].at, lists[f].count, sizeof(*lists[f].at),
		      by_prefix);
		for (size_t i = 0; i < lists[f].count; i++) {
			print_addr(f, lists[f].at[i].addr);
			printf("/%u\n", lists[f].at[i].plen);
		}
	}
}

/* ---- the file ---- */

static void set_nexthops(struct bench_prefix *p, addr_t addr, unsigned int f)
{
	uint64_t save = random_state;

	/* a number that all of this /16 or /32 have in common */
	random_state = (uint64_t)(addr >> (f ? 96 : 112)) ^ 0x5eed << 4 ^ f;
	p->local = 1 + random_below(BENCH_LOCAL);
	random_state = save;
	if (random_below(5) == 0)
		p->local = 1 + random_below(BENCH_LOCAL);
	p->random = 1 + random_below(BENCH_RANDOM);
}

static void pack(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		die("%s: %s", path, strerror(errno));
	random_state = 1;
	for (unsigned int f = 0; f < 2; f++) {
		for (size_t i = 0; i < lists[f].count; i++) {
			const struct prefix *prefix = &lists[f].at[i];
			struct bench_prefix p = { .family = f ? 6 : 4 };

			store(p.addr, prefix->addr);
			p.plen = prefix->plen;
			set_nexthops(&p, prefix->addr, f);
			fwrite(&p, sizeof(p), 1, file);
		}
	}
	if (fclose(file))
		die("%s: %s", path, strerror(errno));
	printf("%zu %zu\n", lists[0].count, lists[1].count);
}

/* Nobody forwards to these; and the networks of topology.sh are not the table's. */
static bool is_special(unsigned int f, addr_t addr)
{
	unsigned int first = addr >> 120;
	uint32_t net = addr >> 104;

	if (f)
		return first >= 0xfc || !first;
	return !first || first == 127 || first >= 224 || net == 0xc00002 ||
	       net == 0xc63364;
}

static size_t at_most(size_t routes, unsigned int f)
{
	return routes < lists[f].count ? routes : lists[f].count;
}

static const struct prefix *nth(unsigned int f, size_t i, size_t routes)
{
	const struct list *list = &lists[f];

	return &list->at[i * list->count / at_most(routes, f)];
}

static void dests(unsigned long count, size_t routes)
{
	random_state = 2;
	for (unsigned int f = 0; f < 2; f++) {
		for (unsigned long i = 0; lists[f].count && i < count;) {
			const struct prefix *p =
				nth(f, random_below(at_most(routes, f)), routes);
			addr_t addr = (addr_t)random64() << 64 | random64();

			addr = p->addr | (addr & ~mask(p->plen));
			/* the end of an IPv6 address is the checksum's */
			if (is_special(f, addr) || (f && p->plen > 112))
				continue;
			print_addr(f, addr);
			putchar('\n');
			i++;
		}
	}
}

static void batch(size_t routes, const char *dev)
{
	for (unsigned int f = 0; f < 2; f++) {
		for (size_t i = 0; i < at_most(routes, f); i++) {
			const struct prefix *p = nth(f, i, routes);

			printf("route add ");
			print_addr(f, p->addr);
			printf("/%u via %s%zx dev %s\n", p->plen,
			       f ? "fd00:0:2::" : "192.0.2.", 2 + i % 8, dev);
		}
	}
}

/* ---- what it is like ---- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* how many prefixes there are in each block that has any */
static void occupancy(unsigned int f, unsigned int depth)
{
	const struct list *list = &lists[f];
	uint32_t *count = calloc(list->count + 1, sizeof(*count));
	static const unsigned int part[] = { 10, 25, 50, 75, 90, 99, 100 };
	size_t n = 0;

	if (!count)
		die("no memory");
	for (size_t i = 0; i < list->count; i++) {
		if (list->at[i].plen < depth)
			continue;
		if (!n || (list->at[i].addr & mask(depth)) !=
			  (list->at[i - 1].addr & mask(depth)))
			n++;
		count[n - 1]++;
	}
	qsort(count, n, sizeof(*count), by_number);
	printf("  %zu of /%u have any; percentiles", n, depth);
	for (unsigned int i = 0; n && i < sizeof(part) / sizeof(part[0]); i++)
		printf(" %u:%u", part[i], count[(n - 1) * part[i] / 100]);
	putchar('\n');
	free(count);
}

/*
 * Where the value changes when one walks along the addresses, and does not start
 * a block of eight bits anyway: what run-length coding pays for.
 */
static size_t runs(unsigned int f, unsigned int model)
{
	const struct list *list = &lists[f];
	uint32_t stack[DEPTHS + 1];
	addr_t end[DEPTHS + 1];
	unsigned int top = 0;
	uint32_t last = 0;
	size_t changes = 0;

	random_state = 1;
	stack[0] = 0;
	end[0] = ~(addr_t)0;
	for (size_t i = 0; i <= list->count; i++) {
		const struct prefix *p = &list->at[i];
		struct bench_prefix nh = {};

		while (top && (i == list->count || end[top] < p->addr)) {
			addr_t next = end[top--] + 1;

			/* a sibling that starts here says it itself */
			if ((i < list->count && p->addr == next) ||
			    end[top] == next - 1)
				continue;
			changes += last != stack[top];
			last = stack[top];
		}
		if (i == list->count)
			break;
		set_nexthops(&nh, p->addr, f);
		stack[++top] = !model ? 1 : model == 1 ? nh.local : nh.random;
		end[top] = p->addr | ~mask(p->plen);
		if (i + 1 < list->count && list->at[i + 1].addr == p->addr)
			continue;
		changes += last != stack[top];
		last = stack[top];
	}
	return changes;
}

static void stat(void)
{
	for (unsigned int f = 0; f < 2; f++) {
		const struct list *list = &lists[f];
		unsigned int by_len[DEPTHS] = {};

		printf("IPv%u: %zu prefixes\n ", f ? 6 : 4, list->count);
		for (size_t i = 0; i < list->count; i++)
			by_len[list->at[i].plen]++;
		for (unsigned int i = 0; i < DEPTHS; i++)
			if (by_len[i])
				printf(" /%u:%u", i, by_len[i]);
		putchar('\n');
		occupancy(f, f ? 20 : 8);
		occupancy(f, f ? 32 : 16);
		occupancy(f, f ? 48 : 24);
		printf("  runs: one %zu, local %zu, random %zu\n", runs(f, 0),
		       runs(f, 1), runs(f, 2));
	}
}

static void learn_all(void)
{
	for (unsigned int f = 0; f < 2; f++)
		if (lists[f].count)
			learn(f, lists[f].at, lists[f].count, 0, 0);
	print_shape();
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "make") && argc == 4) {
		read_shape(argv[2]);
		random_state = strtoull(argv[3], NULL, 10);
		make();
		return 0;
	}
	read_text();
	if (!strcmp(what, "pack") && argc == 3)
		pack(argv[2]);
	else if (!strcmp(what, "dests") && argc == 4)
		dests(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	else if (!strcmp(what, "batch") && argc == 4)
		batch(strtoul(argv[2], NULL, 10), argv[3]);
	else if (!strcmp(what, "stat") && argc == 2)
		stat();
	else if (!strcmp(what, "shape") && argc == 2)
		learn_all();
	else
		die("see the head of table.c");
	return 0;
}
