// SPDX-License-Identifier: GPL-2.0
/*
 * A test that is told by bytes what to do, with random ones.
 *
 * usage: NAME_random [-s SEED] [-n INPUTS]
 */
#include <time.h>
#include <unistd.h>

#include "bytes.h"

#define VR_BYTES_MAX		2048

static void vr_bytes_random(u64 seed)
{
	struct vr_host_rnd rnd;
	u8 *data, *end;
	size_t size;

	vr_host_rnd_seed(&rnd, seed);
	size = vr_host_below(&rnd, vr_host_below(&rnd, VR_BYTES_MAX) + 1);
	/* of this very size, so that who reads on is caught */
	data = malloc(size ? : 1);
	vr_host_check(data, "no memory");
	for (end = data; end < data + size; end++)
		*end = vr_host_rnd64(&rnd) >> 32;
	vr_bytes_run(data, size);
	free(data);
}

int main(int argc, char **argv)
{
	const struct vr_bytes_tally *tally;
	u64 seed = time(NULL), n = 10000, i;
	int opt;

	while ((opt = getopt(argc, argv, "s:n:")) != -1) {
		if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'n')
			n = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	vr_host_plan(1);
	printf("# -s %lu -n %lu\n", seed, n);
	vr_host_case("%s", vr_bytes_name);
	for (i = 0; i < n; i++)
		vr_bytes_random(seed * 1000003 + i);
	for (tally = vr_bytes_tally; tally->name; tally++) {
		vr_host_check(tally->n, "never: %s", tally->name);
		printf("# %lu times: %s\n", tally->n, tally->name);
	}
	vr_host_pass("%lu random inputs", n);
	return 0;
}
