#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: bench-fib.sh
# vrouter's forwarding tables next to the kernel's, with a full Internet table, in
# the uml rig: lookups, memory, building, updates, many routers, loading by rtnetlink,
# forwarding. Prints a table, and leaves it in build/bench/ as text and JSON. Succeeds
# unless something did not work or an answer was wrong. Options, from the environment:
#   BGP_TABLE=FILE   a prefix a line, may be compressed with gzip; made if not given
#   PARTS="lookup memory update many load forward"
#   ROUNDS=5         of forwarding, taken in turn
#   PACKETS=...      a run of forwarding
#   RT=0             do not put the rig above other processes
set -euo pipefail
. "$(dirname "$0")/lib.sh"

out=$VR_ROOT/build/bench
src=$VR_ROOT/scripts/bench
dests=262144
batch=5000

# build_module: the tables alone, as a module, in $out/module
build_module()
{
	local kdir

	kdir=$("$VR_ROOT/scripts/uml.sh" build)
	mkdir -p "$out/module"
	rm -f "$out/module/vr_fib_bench.ko"
	rsync -rlpt --checksum --delete --exclude='*.o' --exclude='.*.cmd' \
		--exclude='*.ko' --exclude='*.mod' --exclude='*.mod.c' \
		--exclude=Module.symvers --exclude=modules.order \
		"$src/fib/module/" "$src/fib/table.h" "$VR_ROOT"/kernel/fib*.[ch] \
		"$VR_ROOT/kernel/compat" "$out/module/"
	make -C "$kdir" ARCH=um M="$out/module" CONFIG_DEBUG_INFO_BTF_MODULES= \
		KCFLAGS="$(vr_uml_cflags)" -j"$(nproc)" modules
}

# make_tables: what the rig reads, in $out
make_tables()
{
	local table=$out/fib-table

	if [ -n "${BGP_TABLE:-}" ]; then
		gzip -cdf "$BGP_TABLE"
	else
		"$out/table" make "$src/fib/shape.txt" 1
	fi >"$table"
	"$out/table" pack "$out/table.bin" <"$table" >"$out/table.count"
	"$out/table" make "$src/fib/shape.txt" 2 |
		"$out/table" pack "$out/other.bin" >/dev/null
	"$out/table" dests $dests 1000000000 <"$table" >"$out/dests.txt"
	"$out/table" dests $dests 10 <"$table" >"$out/dests10.txt"
	"$out/table" batch $batch p1 <"$table" >"$out/batch.txt"
	awk '/:/ { six++; next } { four++ } END { print four + 0, six + 0 }' \
		"$out/batch.txt" >"$out/batch.count"
}

vr_need gcc libc6-dev make rsync python3 iproute2 jq util-linux gzip
mkdir -p "$out" "$(vr_cache_dir)"
# two of these at once measure each other
exec {lock}>"$(vr_cache_dir)/bench.lock"
flock "$lock"

VR_MODULE=$("$VR_ROOT/scripts/build.sh" uml 2>"$out/build.log" | tail -1) ||
	vr_die "the module does not build, see $out/build.log"
build_module >"$out/build-fib.log" 2>&1 ||
	vr_die "the bench's module does not build, see $out/build-fib.log"
export VR_MODULE VR_BENCH_MODULE=$out/module/vr_fib_bench.ko
vr_tools
gcc -O2 -Wall -Wextra -Werror -o "$out/frames" "$src"/frames/*.c
for name in routes fib/table; do
	gcc -O2 -Wall -Wextra -Werror -o "$out/${name##*/}" "$src/$name.c"
done
make_tables

# as in bench-forward.sh
prio=()
! [ "${RT:-1}" = 1 ] || ! chrt -r 1 true 2>/dev/null || prio=(chrt -r 1)
# A kernel's memory is in large pages; so should the file be that is the rig's. The
# mount is seen by nobody else, and goes with the last process in it.
# shellcheck disable=SC2016 # the inner shell's
huge=(unshare -m sh -c 'mount -t tmpfs -o huge=always,size=90%,mode=1777 tmpfs \
	/dev/shm || :; exec "$@"' sh)
! unshare -m true 2>/dev/null && huge=()
child=
trap '[ -z "$child" ] || kill "$child"; exit 143' INT TERM
dir=$out/fib
rm -rf "$dir"
mkdir -p "$dir"
VR_BENCH=$out VR_PARTS=${PARTS:-lookup memory update many load forward} VR_ROUNDS=${ROUNDS:-5} \
	VR_PACKETS=${PACKETS:-1048576} \
	"${prio[@]}" "${huge[@]}" "$VR_ROOT/scripts/uml.sh" run -a kunit.enable=0 -m 6G -t 3600 \
	-o "$dir" -- scripts/bench/fib/guest.sh >&2 &
child=$!
wait "$child" || vr_die "the rig failed, see $dir"
child=
python3 "$src/fib/report.py" "$out/fib.json" "$dir" | tee "$out/fib.txt"
