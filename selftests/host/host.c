// SPDX-License-Identifier: GPL-2.0
/*
 * The parts of the kernel that the leaves of the module call, in user space.
 *
 * RCU: a reader notes the number of the grace period that was last begun when it
 * entered. A new one has passed when all who are inside came after it began. What
 * orders readers after writers is a barrier, which ThreadSanitizer does not see: so
 * it knows of no order but that which the code itself makes by what it publishes.
 */
#include <sched.h>
#include <search.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

#define VR_HOST_READERS		16

/**
 * struct vr_host_reader - a thread that has entered RCU
 * @since: grace period last begun when it entered, 0 while it is outside
 * @depth: how many times it has entered
 */
struct vr_host_reader {
	unsigned long since;
	unsigned int depth;
} __aligned(64);

/**
 * struct vr_host_rcu - grace periods
 * @passing: one at a time
 * @begun: number of the last that began
 * @passed: number of the last that has passed
 * @queue_lock: protects the queue
 * @queue: what waits for one to begin
 * @readers: number of threads that entered ever
 * @reader: these threads
 */
struct vr_host_rcu {
	pthread_mutex_t passing;
	unsigned long begun;
	unsigned long passed;
	pthread_mutex_t queue_lock;
	struct rcu_head *queue;
	unsigned int readers;
	struct vr_host_reader reader[VR_HOST_READERS];
};

static struct vr_host_rcu vr_host_rcu = {
	.passing = PTHREAD_MUTEX_INITIALIZER,
	.begun = 1,
	.passed = 1,
	.queue_lock = PTHREAD_MUTEX_INITIALIZER,
};

static __thread struct vr_host_reader *vr_host_self;
static __thread const struct mutex *vr_host_held;

__thread unsigned int vr_host_pauses;
static __thread struct vr_host_rnd vr_host_pause_rnd;

static long vr_host_allocated;
unsigned int vr_host_fail_nth;

unsigned long vr_host_list_moves;
unsigned long vr_host_list_steps;

static char vr_host_name[128];
static unsigned int vr_host_number;

/**
 * struct kmem_cache - memory of one size
 * @size: bytes
 */
struct kmem_cache {
	size_t size;
};

void vr_host_assert(bool fine, const char *file, int line, const char *what)
{
	if (fine)
		return;
	printf("# %s:%d: %s\n", file, line, what);
	fflush(stdout);
	abort();
}

u32 get_random_u32(void)
{
	return 0x9e3779b9;
}

u64 get_random_u64(void)
{
	return 0x9e3779b97f4a7c15;
}

static u32 vr_host_mix(u64 hash, u32 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash >> 32 ^ hash;
}

u32 jhash(const void *key, u32 length, u32 seed)
{
	const u8 *p = key;
	u32 word, n;

	for (; length; length -= n, p += n) {
		n = min_t(u32, length, sizeof(word));
		word = 0;
		memcpy(&word, p, n);
		seed = vr_host_mix(seed, word);
	}
	return seed;
}

u32 jhash2(const u32 *key, u32 length, u32 seed)
{
	return jhash(key, length * sizeof(*key), seed);
}

u32 jhash_3words(u32 a, u32 b, u32 c, u32 seed)
{
	u32 key[] = { a, b, c };

	return jhash2(key, ARRAY_SIZE(key), seed);
}

int ipv6_addr_type(const struct in6_addr *addr)
{
	if (addr->s6_addr[0] == 0xff)
		return IPV6_ADDR_MULTICAST;
	if (IN6_IS_ADDR_LINKLOCAL(addr))
		return IPV6_ADDR_LINKLOCAL | IPV6_ADDR_UNICAST;
	if (IN6_IS_ADDR_LOOPBACK(addr))
		return IPV6_ADDR_LOOPBACK | IPV6_ADDR_UNICAST;
	return IN6_IS_ADDR_UNSPECIFIED(addr) ? IPV6_ADDR_ANY : IPV6_ADDR_UNICAST;
}

u16 ip_fast_csum(const void *iph, unsigned int ihl)
{
	const u16 *word = iph;
	u32 sum = 0;

	for (ihl *= 2; ihl; ihl--)
		sum += *word++;
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

static bool vr_host_fails(void)
{
	return vr_host_fail_nth && !--vr_host_fail_nth;
}

/* Writers alone allocate; what they do not fill must not matter. */
void *vr_host_alloc(size_t size, bool zero)
{
	void *p = vr_host_fails() ? NULL : malloc(size);

	if (!p)
		return NULL;
	memset(p, zero ? 0 : 0xa5, size);
	__atomic_add_fetch(&vr_host_allocated, 1, __ATOMIC_RELAXED);
	return p;
}

long vr_host_live(void)
{
	return __atomic_load_n(&vr_host_allocated, __ATOMIC_RELAXED);
}

void kfree(const void *p)
{
	if (!p)
		return;
	__atomic_sub_fetch(&vr_host_allocated, 1, __ATOMIC_RELAXED);
	free((void *)p);
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     unsigned int align, unsigned int flags,
				     void (*ctor)(void *p))
{
	struct kmem_cache *cache = kmalloc(sizeof(*cache), GFP_KERNEL);

	(void)name;
	(void)flags;
	vr_host_assert(align <= 16 && !ctor, __FILE__, __LINE__, "not done");
	if (cache)
		cache->size = size;
	return cache;
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	return kmalloc(cache->size, gfp);
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	kfree(cache);
}

void list_add_tail(struct list_head *entry, struct list_head *list)
{
	struct list_head *last = list->prev;

	vr_host_assert(last->next == list && entry != list, __FILE__, __LINE__,
		       "list");
	entry->next = list;
	entry->prev = last;
	last->next = entry;
	list->prev = entry;
}

void list_del_init(struct list_head *entry)
{
	vr_host_assert(entry->next->prev == entry && entry->prev->next == entry,
		       __FILE__, __LINE__, "list");
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
	INIT_LIST_HEAD(entry);
	vr_host_list_moves++;
}

void list_move_tail(struct list_head *entry, struct list_head *list)
{
	list_del_init(entry);
	list_add_tail(entry, list);
}

/**
 * struct vr_host_slot - an entry of an xarray
 * @index: index
 * @entry: entry
 */
struct vr_host_slot {
	unsigned long index;
	void *entry;
};

static int vr_host_slot_cmp(const void *a, const void *b)
{
	const struct vr_host_slot *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

void xa_init(struct xarray *xa)
{
	xa->root = NULL;
}

void xa_destroy(struct xarray *xa)
{
	tdestroy(xa->root, free);
	xa->root = NULL;
}

void *xa_load(struct xarray *xa, unsigned long index)
{
	struct vr_host_slot want = { .index = index }, **found;

	found = tfind(&want, &xa->root, vr_host_slot_cmp);
	return found ? (*found)->entry : NULL;
}

void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	struct vr_host_slot *slot, **found;

	(void)gfp;
	slot = vr_host_fails() ? NULL : malloc(sizeof(*slot));
	if (!slot)
		return ERR_PTR(-ENOMEM);
	slot->index = index;
	found = tsearch(slot, &xa->root, vr_host_slot_cmp);
	if (!found) {
		free(slot);
		return ERR_PTR(-ENOMEM);
	}
	if (*found != slot)
		free(slot);
	(*found)->entry = entry;
	return NULL;
}

void mutex_lock(struct mutex *mutex)
{
	pthread_mutex_lock(&mutex->lock);
	vr_host_held = mutex;
}

void mutex_unlock(struct mutex *mutex)
{
	vr_host_held = NULL;
	pthread_mutex_unlock(&mutex->lock);
}

bool lockdep_is_held(const struct mutex *mutex)
{
	return vr_host_held == mutex;
}

void vr_host_pause(void)
{
	struct timespec time = {};

	if (!vr_host_pauses || vr_host_below(&vr_host_pause_rnd, vr_host_pauses))
		return;
	/* 16 us to 8 ms */
	time.tv_nsec = 16000L << vr_host_below(&vr_host_pause_rnd, 10);
	nanosleep(&time, NULL);
}

static struct vr_host_reader *vr_host_reader(void)
{
	unsigned int i;

	if (vr_host_self)
		return vr_host_self;
	i = __atomic_fetch_add(&vr_host_rcu.readers, 1, __ATOMIC_SEQ_CST);
	vr_host_assert(i < VR_HOST_READERS, __FILE__, __LINE__, "threads");
	vr_host_self = &vr_host_rcu.reader[i];
	return vr_host_self;
}

void rcu_read_lock(void)
{
	struct vr_host_reader *reader = vr_host_reader();
	unsigned long begun;

	if (reader->depth++)
		return;
	begun = __atomic_load_n(&vr_host_rcu.begun, __ATOMIC_RELAXED);
	/* may be seen instead of what rcu_read_unlock() stored: say as much */
	smp_store_release(&reader->since, begun);
	/* pairs with the one in vr_host_rcu_wait() */
	smp_mb();
}

void rcu_read_unlock(void)
{
	struct vr_host_reader *reader = vr_host_self;

	if (--reader->depth)
		return;
	/* pairs with the READ_ONCE() in vr_host_rcu_wait() */
	smp_store_release(&reader->since, 0);
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	pthread_mutex_lock(&vr_host_rcu.queue_lock);
	head->next = vr_host_rcu.queue;
	vr_host_rcu.queue = head;
	pthread_mutex_unlock(&vr_host_rcu.queue_lock);
}

static void vr_host_rcu_wait(void)
{
	unsigned long begun = vr_host_rcu.begun + 1, since;
	unsigned int i;

	WRITE_ONCE(vr_host_rcu.begun, begun);
	/* pairs with the one in rcu_read_lock() */
	smp_mb();
	for (i = 0; i < VR_HOST_READERS; i++) {
		for (;;) {
			since = READ_ONCE(vr_host_rcu.reader[i].since);
			if (!since || since >= begun)
				break;
			sched_yield();
		}
	}
	/* pairs with the READ_ONCE() in poll_state_synchronize_rcu() */
	smp_store_release(&vr_host_rcu.passed, begun);
}

void vr_host_rcu_pass(void)
{
	struct rcu_head *head, *next;

	pthread_mutex_lock(&vr_host_rcu.passing);
	pthread_mutex_lock(&vr_host_rcu.queue_lock);
	head = vr_host_rcu.queue;
	vr_host_rcu.queue = NULL;
	pthread_mutex_unlock(&vr_host_rcu.queue_lock);
	vr_host_rcu_wait();
	for (; head; head = next) {
		next = head->next;
		head->func(head);
	}
	pthread_mutex_unlock(&vr_host_rcu.passing);
}

void rcu_barrier(void)
{
	vr_host_rcu_pass();
}

/* A grace period that has begun may have seen readers of before. */
unsigned long get_state_synchronize_rcu(void)
{
	/* pairs with the one in vr_host_rcu_wait() */
	smp_mb();
	return READ_ONCE(vr_host_rcu.begun) + 1;
}

unsigned long start_poll_synchronize_rcu(void)
{
	return get_state_synchronize_rcu();
}

bool poll_state_synchronize_rcu(unsigned long cookie)
{
	return READ_ONCE(vr_host_rcu.passed) >= cookie;
}

void vr_host_plan(unsigned int n)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", n);
}

void vr_host_case(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(vr_host_name, sizeof(vr_host_name), fmt, args);
	va_end(args);
	vr_host_number++;
}

void vr_host_pass(const char *fmt, ...)
{
	va_list args;

	printf("ok %u %s: ", vr_host_number, vr_host_name);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

void vr_host_fail(const char *fmt, ...)
{
	va_list args;

	flockfile(stdout);
	printf("not ok %u %s\n# ", vr_host_number, vr_host_name);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
#ifdef VR_HOST_FUZZ
	abort();
#else
	/* threads still run: nothing is to be cleaned up */
	_exit(1);
#endif
}

void vr_host_rnd_seed(struct vr_host_rnd *rnd, u64 seed)
{
	rnd->state = seed;
}

u64 vr_host_rnd64(struct vr_host_rnd *rnd)
{
	u64 z = rnd->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}
