// SPDX-License-Identifier: GPL-2.0
/* Live frames: the XDP program that makes packets differ, and its test runs. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frames.h"

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

#define BATCH 64

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

void live_setup(struct cell *cell)
{
	static struct table *table;

	if (!table)
		table = malloc(TABLE_SIZE);
	if (!table)
		die("memory");
	fill_packets(table, cell);
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		cell->prog[cpu] = load_program(cell, make_map(table, cell->ndests));
	cell->ifindex = if_nametoindex(cell->in);
	if (!cell->ifindex)
		die("device %s", cell->in);
}

void live_hold(const struct cell *cell)
{
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		hold_program(cell->prog[cpu]);
}

unsigned int live_send(const struct cell *cell, unsigned int cpu, unsigned int packets,
		       const bool *over, double *chunk_ns)
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

	for (i = 0; i < chunks && !__atomic_load_n(over, __ATOMIC_RELAXED); i++) {
		begin = now_ns();
		if (sys_bpf(BPF_PROG_TEST_RUN, &attr))
			die("%s: BPF_PROG_TEST_RUN", cell->name);
		/* the kernel rounds down */
		chunk_ns[i] = cpus > 1 ? (double)(now_ns() - begin) / CHUNK :
					 attr.test.duration + 0.5;
	}
	return i;
}
