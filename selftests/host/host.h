/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the leaves of the module use of the kernel, for programs in user space:
 * whichever header of the kernel they include, they get this one (see Makefile).
 *
 * Marked accesses are atomic operations, so that ThreadSanitizer tells them from
 * those that must not race. READ_ONCE() acquires, since the order that comes from
 * the dependency of addresses is nothing that C knows.
 */
#ifndef VROUTER_HOST_H
#define VROUTER_HOST_H

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* types */

#define __rcu
#define __bitwise
#define __aligned(n)		__attribute__((aligned(n)))
#define __printf(a, b)		__attribute__((format(printf, a, b)))

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef uint16_t __be16;
typedef uint32_t __be32;
typedef uint64_t __be64;
typedef unsigned int __bitwise gfp_t;

#define S64_MAX			INT64_MAX
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define prefetch(p)		__builtin_prefetch(p)
#define L1_CACHE_BYTES		64
#define be32_to_cpu(x)		be32toh(x)
#define be64_to_cpu(x)		be64toh(x)
#define cpu_to_be32(x)		htobe32(x)
#define cpu_to_be64(x)		htobe64(x)

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define offsetofend(t, m)	(offsetof(t, m) + sizeof(((t *)0)->m))
#define container_of(p, t, m)	((t *)((char *)(p) - offsetof(t, m)))
/* not all that the kernel takes for constant is so without its optimizations */
#define BUILD_BUG_ON(x)		vr_host_assert(!(x), __FILE__, __LINE__, #x)
#define WARN_ON_ONCE(x)		vr_host_assert(!(x), __FILE__, __LINE__, #x)

void vr_host_assert(bool fine, const char *file, int line, const char *what);

/* bits and numbers */

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define hweight64(x)		((unsigned int)__builtin_popcountll(x))
#define __ffs64(x)		((unsigned int)__builtin_ctzll(x))
#define ilog2(x)		(63 - __builtin_clzll(x))
#define order_base_2(x)		((x) > 1 ? ilog2((x) - 1) + 1 : 0)
#define is_power_of_2(x)	(hweight64(x) == 1)
#define DIV_ROUND_UP(a, b)	(((a) + (b) - 1) / (b))
#define swap(a, b) \
	do { __typeof__(a) _t = (a); (a) = (b); (b) = _t; } while (0)
#define min_t(t, a, b)		({ t _a = (a), _b = (b); _a < _b ? _a : _b; })
#define max_t(t, a, b)		({ t _a = (a), _b = (b); _a > _b ? _a : _b; })
#define min(a, b)		min_t(__typeof__(a), a, b)
#define max(a, b)		max_t(__typeof__(a), a, b)
#define clamp(x, low, high)	min(max(x, low), high)
#define div64_s64(a, b)		((s64)(a) / (s64)(b))
#define struct_size(p, m, n)	(sizeof(*(p)) + sizeof((p)->m[0]) * (n))
#define GOLDEN_RATIO_64		0x61c8864680b583ebULL

u32 get_random_u32(void);
u64 get_random_u64(void);
/* others than the kernel's, which do not matter here */
u32 jhash(const void *key, u32 length, u32 seed);
u32 jhash2(const u32 *key, u32 length, u32 seed);
u32 jhash_3words(u32 a, u32 b, u32 c, u32 seed);

/* errors in pointers */

static inline void *ERR_PTR(long err)
{
	return (void *)err;
}

static inline long PTR_ERR(const void *p)
{
	return (long)p;
}

static inline bool IS_ERR(const void *p)
{
	return (unsigned long)p >= (unsigned long)-4095;
}

/* memory */

#define GFP_KERNEL		1U
#define __GFP_NOWARN		2U

struct kmem_cache;

/* Have the allocation with this number fail, counted from 1; 0 for none. */
extern unsigned int vr_host_fail_nth;
void *vr_host_alloc(size_t size, bool zero);
long vr_host_live(void);
void kfree(const void *p);
struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     unsigned int align, unsigned int flags,
				     void (*ctor)(void *p));
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
void kmem_cache_destroy(struct kmem_cache *cache);

#define kvfree(p)			kfree(p)
#define kmalloc(size, gfp)		((void)(gfp), vr_host_alloc(size, false))
#define kzalloc(size, gfp)		((void)(gfp), vr_host_alloc(size, true))
#define kmalloc_array(n, size, gfp)	kmalloc((n) * (size), gfp)
#define kvmalloc_array(n, size, gfp)	kmalloc((n) * (size), gfp)
#define kvcalloc(n, size, gfp)		kzalloc((n) * (size), gfp)

#define kvzalloc(size, gfp)		kzalloc(size, gfp)

/* lists */

struct list_head {
	struct list_head *next, *prev;
};

/* Entries that were moved or taken out, and those that loops came by */
extern unsigned long vr_host_list_moves;
extern unsigned long vr_host_list_steps;

void list_add_tail(struct list_head *entry, struct list_head *list);
void list_del_init(struct list_head *entry);
void list_move_tail(struct list_head *entry, struct list_head *list);

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_is_last(const struct list_head *entry,
				const struct list_head *list)
{
	return entry->next == list;
}

static inline bool list_empty(const struct list_head *list)
{
	return list->next == list;
}

#define list_entry(p, t, m)	container_of(p, t, m)
#define list_first_entry(list, t, m)	list_entry((list)->next, t, m)
#define list_first_entry_or_null(list, t, m)				\
	(list_empty(list) ? NULL : list_first_entry(list, t, m))
#define list_for_each_entry(p, list, m)					\
	for (p = list_entry((list)->next, __typeof__(*p), m);		\
	     &p->m != (list) && ++vr_host_list_steps;			\
	     p = list_entry(p->m.next, __typeof__(*p), m))
#define list_for_each_entry_safe(p, n, list, m)				\
	for (p = list_entry((list)->next, __typeof__(*p), m),		\
	     n = list_entry(p->m.next, __typeof__(*p), m);		\
	     &p->m != (list) && ++vr_host_list_steps;			\
	     p = n, n = list_entry(n->m.next, __typeof__(*n), m))

/* bytes at any address */

static inline u16 get_unaligned_be16(const void *p)
{
	u16 v;

	memcpy(&v, p, sizeof(v));
	return be16toh(v);
}

static inline u32 get_unaligned_be32(const void *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

/* addresses, and the header of IPv4 */

#define NEXTHDR_HOP		0
#define IPV6_ADDR_ANY		0x0000
#define IPV6_ADDR_UNICAST	0x0001
#define IPV6_ADDR_MULTICAST	0x0002
#define IPV6_ADDR_LOOPBACK	0x0010
#define IPV6_ADDR_LINKLOCAL	0x0020

struct ipv6hdr {
	u8 priority : 4;
	u8 version : 4;
	u8 flow_lbl[3];
	__be16 payload_len;
	u8 nexthdr;
	u8 hop_limit;
	struct in6_addr saddr;
	struct in6_addr daddr;
};

int ipv6_addr_type(const struct in6_addr *addr);
u16 ip_fast_csum(const void *iph, unsigned int ihl);

static inline bool ipv4_is_loopback(__be32 addr)
{
	return ntohl(addr) >> 24 == 127;
}

static inline bool ipv4_is_zeronet(__be32 addr)
{
	return !addr;
}

static inline bool ipv4_is_multicast(__be32 addr)
{
	return ntohl(addr) >> 28 == 14;
}

static inline bool ipv4_is_lbcast(__be32 addr)
{
	return addr == htonl(INADDR_BROADCAST);
}

/* counters, of a machine with 64 bits */

struct u64_stats_sync {
};

struct vr_host_counter {
	u64 v;
};

#define u64_stats_t				struct vr_host_counter

#define u64_stats_read(p)			READ_ONCE((p)->v)
#define u64_stats_add(p, n)			((p)->v += (n))
#define u64_stats_inc(p)			u64_stats_add(p, 1)
#define u64_stats_update_begin(sync)		((void)(sync))
#define u64_stats_update_end(sync)		((void)(sync))
#define u64_stats_fetch_begin(sync)		((void)(sync), 0U)
#define u64_stats_fetch_retry(sync, start)	((void)(sync), (start) != 0U)

/* the xarray, as far as it maps numbers to values */

struct xarray {
	void *root;
};

void xa_init(struct xarray *xa);
void xa_destroy(struct xarray *xa);
void *xa_load(struct xarray *xa, unsigned long index);
/* returns NULL or an error, not what was there before */
void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);

#define xa_err(p)		((int)PTR_ERR(p))
#define xa_mk_value(v)		((void *)((unsigned long)(v) << 1 | 1))
#define xa_to_value(p)		((unsigned long)(p) >> 1)

/* order of memory */

/* This thread pauses before one in so many marked accesses, for others to come in
 * between; 0 for never.
 */
extern __thread unsigned int vr_host_pauses;
void vr_host_pause(void);

#define READ_ONCE(x)							\
	(vr_host_pause(), __atomic_load_n(&(x), __ATOMIC_ACQUIRE))
#define WRITE_ONCE(x, v)						\
	(vr_host_pause(), __atomic_store_n(&(x), v, __ATOMIC_RELAXED))
#define smp_store_release(p, v)						\
	(vr_host_pause(), __atomic_store_n(p, v, __ATOMIC_RELEASE))
/* ThreadSanitizer takes no notice of this one */
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)

/* locks and the scheduler */

struct mutex {
	pthread_mutex_t lock;
};

#define DEFINE_MUTEX(m)		struct mutex m = { PTHREAD_MUTEX_INITIALIZER }
#define cond_resched()		do { } while (0)

void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
bool lockdep_is_held(const struct mutex *mutex);

/* RCU */

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

#define rcu_dereference(p)	READ_ONCE(p)
#define rcu_assign_pointer(p, v)	smp_store_release(&(p), v)
#define RCU_INIT_POINTER(p, v)	WRITE_ONCE(p, v)
#define rcu_dereference_protected(p, held)				\
	(vr_host_assert(held, __FILE__, __LINE__, #held), (p))

void rcu_read_lock(void);
void rcu_read_unlock(void);
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void rcu_barrier(void);
unsigned long get_state_synchronize_rcu(void);
unsigned long start_poll_synchronize_rcu(void);
bool poll_state_synchronize_rcu(unsigned long cookie);
/* Wait for a grace period, then call what waited for one when it began. */
void vr_host_rcu_pass(void);

/* TAP */

void vr_host_plan(unsigned int n);
/* What the next checks belong to */
void vr_host_case(const char *fmt, ...) __printf(1, 2);
void vr_host_pass(const char *fmt, ...) __printf(1, 2);
/* The case has failed: say why, and end; where there is a fuzzer, so that it sees */
void vr_host_fail(const char *fmt, ...) __printf(1, 2)
	__attribute__((noreturn));

#define vr_host_check(cond, ...)					\
	do {								\
		if (!(cond))						\
			vr_host_fail(__VA_ARGS__);			\
	} while (0)

/* Numbers for tests: the same ones for the same seed */
struct vr_host_rnd {
	u64 state;
};

void vr_host_rnd_seed(struct vr_host_rnd *rnd, u64 seed);
u64 vr_host_rnd64(struct vr_host_rnd *rnd);

static inline u32 vr_host_below(struct vr_host_rnd *rnd, u32 n)
{
	return (vr_host_rnd64(rnd) >> 32) % n;
}

#endif
