// SPDX-License-Identifier: GPL-2.0
/*
 * Measure vrouter's tables by themselves, and the kernel's in the namespace of the
 * caller. A command written to /dev/vr_fib_bench runs at once; reading gives what it
 * found, a line "NAME VALUE..." each. The commands:
 *
 *	load SLOT FILE				a table, as in table.h
 *	lookup FAMILY ROUTES MODEL [SLOT]	ROUTES 0: the whole table
 *	memory FAMILY MODEL
 *	build FAMILY MODEL
 *	update FAMILY MODEL COUNT
 *	many FAMILY MODEL ROUTERS ROUTES same|other
 */
#include <linux/fs.h>
#include <linux/kernel_read_file.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "bench.h"

#define BENCH_TEXT	65536

/**
 * struct bench_table - what "load" has read
 * @at: prefixes
 * @count4: IPv4 prefixes, which come first
 * @count6: IPv6 prefixes
 */
struct bench_table {
	struct bench_prefix *at;
	u32 count4;
	u32 count6;
};

const char * const bench_model_names[] = { "one", "local", "random" };

static struct bench_table bench_tables[2];
static char *bench_text;
static size_t bench_text_len;
static u64 bench_random_state = 1;

/**
 * bench_say() - add to the output of a command
 * @fmt: format
 */
void bench_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bench_text_len += vscnprintf(bench_text + bench_text_len,
				     BENCH_TEXT - bench_text_len, fmt, ap);
	va_end(ap);
}

/**
 * bench_random() - the same numbers each time
 *
 * Return: splitmix64.
 */
u64 bench_random(void)
{
	u64 z = bench_random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/**
 * bench_below() - a random number
 * @limit: what it is less than
 *
 * Return: it.
 */
u32 bench_below(u32 limit)
{
	return (bench_random() >> 32) * limit >> 32;
}

/**
 * bench_set_init() - choose routes
 * @set: gets them
 * @slot: number of the table
 * @family: 4 or 6
 * @count: how many, 0 for all
 * @model: name of the next hops' model
 *
 * Return: 0 or -EINVAL.
 */
int bench_set_init(struct bench_set *set, unsigned int slot,
		   unsigned int family, u32 count, const char *model)
{
	const struct bench_table *table;
	int m;

	m = match_string(bench_model_names, BENCH_MODELS, model);
	if (slot >= ARRAY_SIZE(bench_tables) || m < 0 ||
	    (family != 4 && family != 6))
		return -EINVAL;
	table = &bench_tables[slot];
	*set = (struct bench_set) {
		.at = family == 4 ? table->at : table->at + table->count4,
		.total = family == 4 ? table->count4 : table->count6,
		.bits = family == 4 ? 32 : 128,
		.model = m,
	};
	set->count = count ?: set->total;
	return set->count && set->count <= set->total ? 0 : -EINVAL;
}

/**
 * bench_nth() - a route of a set; routes.c chooses the same ones
 * @set: routes
 * @i: which one
 *
 * Return: it.
 */
const struct bench_prefix *bench_nth(const struct bench_set *set, u32 i)
{
	return &set->at[(u64)i * set->total / set->count];
}

/**
 * bench_nexthop() - the next hop of a route
 * @set: routes
 * @p: route
 *
 * Return: it, not 0.
 */
u16 bench_nexthop(const struct bench_set *set, const struct bench_prefix *p)
{
	static const u16 size[] = { 1, BENCH_LOCAL, BENCH_RANDOM };
	u32 nh = set->model == BENCH_MODEL_LOCAL ? p->local :
		 set->model == BENCH_MODEL_RANDOM ? p->random : 1;

	if (!set->shift || (set->one_of && (p - set->at) % set->one_of))
		return nh;
	/* where all have one, others have another one */
	if (size[set->model] == 1)
		return nh + set->shift;
	return (nh - 1 + set->shift) % size[set->model] + 1;
}

/**
 * bench_free_pages() - free memory
 *
 * Return: bytes, once nothing waits for a grace period.
 */
s64 bench_free_pages(void)
{
	struct sysinfo si;

	rcu_barrier();
	si_meminfo(&si);
	return (s64)si.freeram * si.mem_unit;
}

/**
 * bench_table_use() - what a table takes besides what it shares
 * @fib: table
 * @use: gets it, but for the pages
 */
void bench_table_use(const struct vr_fib *fib, struct bench_use *use)
{
	struct vr_fib_info info;

	vr_fib_get_info(fib, &info);
	use->data = info.bytes - info.shared_bytes;
	use->store = info.store_bytes - info.store_shared_bytes;
}

/**
 * bench_build() - build a table as a router that comes up does
 * @set: routes
 * @use: gets what memory this took, or NULL
 *
 * Return: the table, or an error pointer.
 */
struct vr_fib *bench_build(const struct bench_set *set, struct bench_use *use)
{
	s64 before = use ? bench_free_pages() : 0;
	struct vr_fib *fib;
	int err;
	u32 i;

	fib = vr_fib_alloc(set->bits, GFP_KERNEL);
	if (!fib)
		return ERR_PTR(-ENOMEM);
	err = vr_fib_bulk_begin(fib);
	for (i = 0; !err && i < set->count; i++) {
		const struct bench_prefix *p = bench_nth(set, i);

		err = vr_fib_set(fib, p->addr, p->plen, bench_nexthop(set, p),
				 NULL, GFP_KERNEL);
		if (i % 1024 == 0)
			cond_resched();
	}
	err = vr_fib_bulk_end(fib, GFP_KERNEL) ?: err;
	if (!err && vr_fib_count(fib) != set->count)
		err = -EBADMSG;
	if (err) {
		vr_fib_free(fib);
		return ERR_PTR(err);
	}
	if (use) {
		use->pages = before - bench_free_pages();
		bench_table_use(fib, use);
	}
	return fib;
}

/* Networks of topology.sh, which the kernel's table has besides. */
static bool bench_is_own(__be32 addr)
{
	u32 net = be32_to_cpu(addr) >> 8;

	return net == 0xc00002 || net == 0xc63364;
}

/* A random address in a prefix. */
static void bench_host(const struct bench_prefix *p, unsigned int bits, u8 *addr)
{
	u64 host[2] = { bench_random(), bench_random() };
	unsigned int i, left;

	memcpy(addr, host, bits / 8);
	for (i = 0; i < bits / 8; i++) {
		left = p->plen > 8 * i ? p->plen - 8 * i : 0;
		if (left >= 8)
			addr[i] = p->addr[i];
		else
			addr[i] = p->addr[i] | (addr[i] & (0xff >> left));
	}
}

/**
 * bench_keys_init() - choose random hosts in random prefixes
 * @keys: gets BENCH_KEYS addresses
 * @set: routes
 *
 * Return: 0 or -ENOMEM.
 */
int bench_keys_init(struct bench_keys *keys, const struct bench_set *set)
{
	const struct bench_prefix *p;
	u32 i;

	memset(keys, 0, sizeof(*keys));
	if (set->bits == 32)
		keys->v4 = vmalloc(BENCH_KEYS * sizeof(*keys->v4));
	else
		keys->v6 = vmalloc(BENCH_KEYS * sizeof(*keys->v6));
	if (!keys->v4 && !keys->v6)
		return -ENOMEM;
	for (i = 0; i < BENCH_KEYS;) {
		p = bench_nth(set, bench_below(set->count));
		if (!keys->v4) {
			bench_host(p, 128, (u8 *)&keys->v6[i++]);
			continue;
		}
		bench_host(p, 32, (u8 *)&keys->v4[i]);
		/* a table of nothing else would be no table */
		i += !bench_is_own(keys->v4[i]);
	}
	return 0;
}

/**
 * bench_keys_free() - free them
 * @keys: addresses
 */
void bench_keys_free(struct bench_keys *keys)
{
	vfree(keys->v4);
	vfree(keys->v6);
}

static int bench_by_value(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/**
 * bench_faster_half() - the rest shows what other processes on the host do
 * @ps: times; are sorted
 * @count: how many
 *
 * Return: mean of the faster half.
 */
u64 bench_faster_half(u32 *ps, unsigned int count)
{
	unsigned int half = (count + 1) / 2, i;
	u64 sum = 0;

	sort(ps, count, sizeof(*ps), bench_by_value, NULL);
	for (i = 0; i < half; i++)
		sum += ps[i];
	return div_u64(sum, half);
}

/**
 * bench_say_ps() - tell times
 * @name: what they are of
 * @ps: picoseconds, a round each; told in ns
 * @count: how many
 */
void bench_say_ps(const char *name, const u32 *ps, unsigned int count)
{
	unsigned int i;

	bench_say("%s", name);
	for (i = 0; i < count; i++)
		bench_say(" %u.%03u", ps[i] / 1000, ps[i] % 1000);
	bench_say("\n");
}

static int bench_load(const char *args)
{
	struct bench_table *table;
	unsigned int slot;
	void *data = NULL;
	char path[256];
	ssize_t size;
	u32 i;

	if (sscanf(args, "%u %255s", &slot, path) != 2 ||
	    slot >= ARRAY_SIZE(bench_tables))
		return -EINVAL;
	size = kernel_read_file_from_path(path, 0, &data, INT_MAX, NULL,
					  READING_UNKNOWN);
	if (size < 0)
		return size;
	table = &bench_tables[slot];
	vfree(table->at);
	memset(table, 0, sizeof(*table));
	table->at = data;
	for (i = 0; i < size / sizeof(*table->at); i++) {
		if (table->at[i].family == 4)
			table->count4++;
		else
			table->count6++;
	}
	bench_say("prefixes.%u %u %u\n", slot, table->count4, table->count6);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(const char *args);
} bench_commands[] = {
	{ "load", bench_load },
	{ "lookup", bench_lookup },
	{ "memory", bench_memory },
	{ "build", bench_builds },
	{ "many", bench_many },
	{ "update", bench_update },
};

static ssize_t bench_write(struct file *file, const char __user *data,
			   size_t len, loff_t *pos)
{
	char line[512], *args = line;
	const char *name;
	unsigned int i;
	int err = -EINVAL;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, data, len))
		return -EFAULT;
	line[len] = 0;
	strim(line);
	name = strsep(&args, " ");
	bench_text_len = 0;
	for (i = 0; i < ARRAY_SIZE(bench_commands); i++)
		if (args && !strcmp(name, bench_commands[i].name))
			err = bench_commands[i].run(args);
	return err ?: len;
}

static ssize_t bench_read(struct file *file, char __user *data, size_t len,
			  loff_t *pos)
{
	return simple_read_from_buffer(data, len, pos, bench_text,
				       bench_text_len);
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.read = bench_read,
	.write = bench_write,
};

static struct miscdevice bench_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vr_fib_bench",
	.fops = &bench_fops,
};

static int __init bench_init(void)
{
	int err;

	bench_text = vmalloc(BENCH_TEXT);
	if (!bench_text)
		return -ENOMEM;
	err = vr_fib_init();
	if (err)
		goto err_text;
	err = misc_register(&bench_device);
	if (err)
		goto err_fib;
	return 0;

err_fib:
	vr_fib_exit();
err_text:
	vfree(bench_text);
	return err;
}

static void __exit bench_exit(void)
{
	unsigned int i;

	misc_deregister(&bench_device);
	vr_fib_exit();
	for (i = 0; i < ARRAY_SIZE(bench_tables); i++)
		vfree(bench_tables[i].at);
	vfree(bench_text);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("Bench of vrouter's forwarding tables");
MODULE_LICENSE("GPL");
