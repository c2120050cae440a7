/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests that are told by a string of bytes what to do: random ones (bytes.c), or
 * those that a fuzzer makes up.
 */
#ifndef VROUTER_BYTES_H
#define VROUTER_BYTES_H

#include "host.h"

/**
 * struct vr_bytes - what is left of the string
 * @at: the next byte
 * @end: the one after the last
 */
struct vr_bytes {
	const u8 *at;
	const u8 *end;
};

/**
 * struct vr_bytes_tally - something that must happen if the bytes are random
 * @name: for people
 * @n: how often it has
 */
struct vr_bytes_tally {
	const char *name;
	unsigned long n;
};

/* Each test has these three; the name of the last tally is NULL. */
extern const char * const vr_bytes_name;
extern struct vr_bytes_tally vr_bytes_tally[];
int vr_bytes_run(const u8 *data, size_t size);

static inline bool vr_bytes_left(const struct vr_bytes *bytes)
{
	return bytes->at < bytes->end;
}

/* Zeros follow the end. */
static inline u8 vr_bytes_u8(struct vr_bytes *bytes)
{
	return vr_bytes_left(bytes) ? *bytes->at++ : 0;
}

static inline u16 vr_bytes_u16(struct vr_bytes *bytes)
{
	u16 high = vr_bytes_u8(bytes);

	return high << 8 | vr_bytes_u8(bytes);
}

static inline u32 vr_bytes_u32(struct vr_bytes *bytes)
{
	u32 high = vr_bytes_u16(bytes);

	return high << 16 | vr_bytes_u16(bytes);
}

#endif
