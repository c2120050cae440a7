/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Addresses and prefixes.
 *
 * For the files of the FIB only.
 */
#ifndef VROUTER_FIB_KEY_H
#define VROUTER_FIB_KEY_H

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "fib_node.h"

/* One key of 128 bits needs that many levels of VR_FIB_STRIDE bits. */
#define VR_FIB_LEVELS		16

/**
 * struct vr_fib_key - an address; IPv4 stands in the upper half of @hi
 * @hi: the first 64 bits
 * @lo: the last 64 bits
 */
struct vr_fib_key {
	u64 hi;
	u64 lo;
};

/**
 * struct vr_fib_entry - a prefix
 * @key: address, host bits 0
 * @nh: next hop; 0 for none
 * @plen: bits
 */
struct vr_fib_entry {
	struct vr_fib_key key;
	u16 nh;
	u8 plen;
};

static inline struct vr_fib_key vr_fib_mask(unsigned int plen)
{
	struct vr_fib_key mask = {
		.hi = plen ? ~0ULL << (64 - min(plen, 64U)) : 0,
		.lo = plen > 64 ? ~0ULL << (128 - plen) : 0,
	};

	return mask;
}

static inline struct vr_fib_key vr_fib_and(struct vr_fib_key a,
					   struct vr_fib_key b)
{
	a.hi &= b.hi;
	a.lo &= b.lo;
	return a;
}

/* The eight bits of an address that a level decides. */
static inline unsigned int vr_fib_byte(struct vr_fib_key key, unsigned int level)
{
	return (level < 64 ? key.hi >> (56 - level) : key.lo >> (120 - level)) &
	       (VR_FIB_SLOTS - 1);
}

/* The same, set where they are 0. */
static inline struct vr_fib_key
vr_fib_with_byte(struct vr_fib_key key, unsigned int level, unsigned int byte)
{
	if (level < 64)
		key.hi |= (u64)byte << (56 - level);
	else
		key.lo |= (u64)byte << (120 - level);
	return key;
}

/* By address, the shorter one first. */
static inline int vr_fib_cmp(const struct vr_fib_entry *a,
			     const struct vr_fib_entry *b)
{
	if (a->key.hi != b->key.hi)
		return a->key.hi < b->key.hi ? -1 : 1;
	if (a->key.lo != b->key.lo)
		return a->key.lo < b->key.lo ? -1 : 1;
	return (int)a->plen - b->plen;
}

/**
 * vr_fib_load() - read an address
 * @bits: length of an address, 32 or 128
 * @addr: address, network order
 *
 * Return: the address.
 */
static inline struct vr_fib_key vr_fib_load(unsigned int bits, const void *addr)
{
	struct vr_fib_key key = {};
	__be64 half[2] = {};

	memcpy(half, addr, bits / 8);
	key.hi = be64_to_cpu(half[0]);
	key.lo = be64_to_cpu(half[1]);
	return key;
}

/**
 * vr_fib_save() - write an address
 * @bits: length of an address, 32 or 128
 * @key: address
 * @addr: gets it, network order
 */
static inline void vr_fib_save(unsigned int bits, struct vr_fib_key key,
			       void *addr)
{
	__be64 half[2] = { cpu_to_be64(key.hi), cpu_to_be64(key.lo) };

	memcpy(addr, half, bits / 8);
}

/**
 * vr_fib_read() - read a prefix
 * @bits: length of an address, 32 or 128
 * @prefix: address, network order
 * @plen: length of the prefix
 * @nh: its next hop
 * @entry: filled in
 *
 * Return: 0, or -EINVAL if it is too long, or has bits beyond its length.
 */
static inline int vr_fib_read(unsigned int bits, const void *prefix, u8 plen,
			      u16 nh, struct vr_fib_entry *entry)
{
	struct vr_fib_key net;

	if (plen > bits)
		return -EINVAL;
	entry->key = vr_fib_load(bits, prefix);
	entry->plen = plen;
	entry->nh = nh;
	net = vr_fib_and(entry->key, vr_fib_mask(plen));
	return net.hi == entry->key.hi && net.lo == entry->key.lo ? 0 : -EINVAL;
}

#endif
