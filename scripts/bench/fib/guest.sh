#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: guest.sh, in the uml rig, started by bench-fib.sh with VR_BENCH, where the
# tools and the tables are, VR_BENCH_MODULE, VR_MODULE, VR_PARTS, VR_ROUNDS,
# VR_PACKETS: measure, and leave in $VR_OUT the files results, lines "NAME VALUE...",
# and runs, see frames.c, and what the forwarding routers counted in NETNS.json.
# shellcheck disable=SC2034 # for topology.sh
set -euo pipefail

BENCH_GATEWAYS=200 BENCH_TABLE=$VR_BENCH/table.bin
HARNESS=live FAMILIES='4 6'
. scripts/bench/topology.sh

export PATH=${VR_TOOLS:+$VR_TOOLS:}$PATH
results=$VR_OUT/results
read -r count4 count6 <"$VR_BENCH/table.count"
full=$((count4 > count6 ? count4 : count6))

has_part() { [[ " $VR_PARTS " == *" $1 "* ]]; }

bench_sysctls

# Else up to an eighth of the memory is kept on lists where it does not count as free.
sysctl -qw vm.percpu_pagelist_high_fraction=1000000

# tell TEXT...: what goes on
tell() { printf 'bench-fib: %3d s: %s\n' $SECONDS "$*" >&2; }

# ask NETNS COMMAND...: run a command of the bench's module
ask()
{
	local ns=$1
	shift

	tell "$*"
	# shellcheck disable=SC2016 # the inner shell's
	ip netns exec "$ns" bash -c 'printf "%s\n" "$*" >/dev/vr_fib_bench' \
		sh "$@" || {
		echo "bench-fib: $* failed" >&2
		cat /dev/vr_fib_bench >&2
		dmesg | tail -3 >&2
		return 1
	}
	cat /dev/vr_fib_bench >>"$results"
}

# memory_free: kB in $free, when nothing is cached or about to be freed
memory_free()
{
	local key value _

	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 0.2
	while read -r key value _; do
		[ "$key" != MemFree: ] || free=$value
	done </proc/meminfo
}

# since BEGIN: seconds in $seconds; no process, which would take 10 ms
since()
{
	local now=${EPOCHREALTIME/./} begin=${1/./}

	printf -v seconds '%d.%06d' $(((now - begin) / 1000000)) \
		$(((now - begin) % 1000000))
}

# ---- plain Linux, who is compared with ----

linux_tables()
{
	local n family before

	bench_nics plain
	{
		bench_addresses eth0 eth1
		bench_neighbours eth1
	} | ip -n b-plain -batch -
	for family in 4 6; do
		tell "IPv$family routes for Linux"
		memory_free
		before=$free
		"$VR_BENCH/routes" -f "$BENCH_TABLE" -$family "$full" \
			"$BENCH_GATEWAYS" eth1 254 b-plain >/tmp/loaded
		memory_free
		read -r _ n seconds </tmp/loaded
		echo "kernel.memory.$family $(((before - free) * 1024)) $n" >>"$results"
	done
	for n in 10 10000; do
		bench_nics "plain$n"
		ROUTES=$n bench_router "b-plain$n" eth0 eth1
	done
}

# ---- the tables by themselves ----

tables()
{
	local family model n

	for family in 4 6; do
		if has_part lookup; then
			for n in 10 10000; do
				ask "b-plain$n" lookup $family "$n" local
			done
		fi
		for model in one local random; do
			! has_part lookup || ask b-plain lookup $family 0 $model
			! has_part memory || ask b-plain memory $family $model
		done
		if has_part update; then
			ask b-plain build $family local
			ask b-plain update $family local 1000000
		fi
		has_part many || continue
		for n in same other; do
			ask b-plain many $family local 64 0 $n
			ask b-plain many $family local 1024 100 $n
		done
	done
}

# ---- in a router ----

# new_router NAME: ports that stand in no router yet, in namespace r-NAME
new_router()
{
	local mac

	bench_nics "$1" 65536
	ip netns add "r-$1"
	for n in 0 1; do
		bench_mac $((4096 * n))
		echo "link add link eth$n name p$n address $mac netns r-$1 type vrport"
	done >/tmp/batch
	ip -n "b-$1" -batch /tmp/batch
	{
		bench_addresses p0 p1
		bench_neighbours p1
		echo "link add vr0 type vrouter"
	} | ip -n "r-$1" -batch -
}

# delete_router NAME: with the routes, and wait for that
delete_router()
{
	ip -n "r-$1" link del vr0
	ip -n "r-$1" link del p1
	ip netns del "r-$1"
	ip netns del "b-$1"
}

# status NETNS: of its router, in $state, $routes4, $routes6
status()
{
	local text

	text=$(vrctl -n "$1" -j show)
	[[ $text =~ '"state"':\ *'"'([a-z-]+) ]] || return 1
	state=${BASH_REMATCH[1]}
	[[ $text =~ '"routes4"':\ *([0-9]+) ]] || return 1
	routes4=${BASH_REMATCH[1]}
	[[ $text =~ '"routes6"':\ *([0-9]+) ]] || return 1
	routes6=${BASH_REMATCH[1]}
}

# settle NETNS ROUTES4 ROUTES6: until the router there has so many
settle()
{
	local end=$((SECONDS + 300))

	while [ $SECONDS -lt $end ]; do
		status "$1"
		[ "$state" != active ] || [ "$routes4" -lt "$2" ] ||
			[ "$routes6" -lt "$3" ] || return 0
		sleep 0.05
	done
	echo "bench-fib: the router in $1 has $routes4 and $routes6 routes, is $state" >&2
	return 1
}

# load NAME HOW: the routes into r-NAME, and until its router, if up, has them; in
# $seconds. HOW: fast or batch
load()
{
	local begin base4=0 base6=0 up=0 add4=$count4 add6=$count6

	tell "$2 loading, $1"
	if [ "$2" = batch ]; then
		read -r add4 add6 <"$VR_BENCH/batch.count"
	fi
	if [ "$(<"/tmp/up-$1")" = up ]; then
		up=1
		settle "r-$1" 0 0
		base4=$routes4 base6=$routes6
	fi
	begin=$EPOCHREALTIME
	if [ "$2" = batch ]; then
		ip -n "r-$1" -batch "$VR_BENCH/batch.txt"
	else
		ROUTES=$full bench_routes p1 254 "r-$1" >/dev/null
	fi
	[ $up = 0 ] || settle "r-$1" $((base4 + add4)) $((base6 + add6))
	since "$begin"
}

# loading HOW ROUNDS: without and with a router that is up
loading()
{
	local round with values_off='' values_on=''

	for ((round = 1; round <= $2; round++)); do
		for with in down up; do
			new_router "load-$with"
			ip -n "r-load-$with" link set vr0 "$with"
			echo "$with" >"/tmp/up-load-$with"
			load "load-$with" "$1"
			if [ $with = up ]; then
				values_on+=" $seconds"
			else
				values_off+=" $seconds"
			fi
			delete_router "load-$with"
		done
	done
	{
		echo "load.$1.down$values_off"
		echo "load.$1.up$values_on"
	} >>"$results"
}

# replay NAME ROUNDS: the router of r-NAME comes up
replay()
{
	local round begin values=''

	for ((round = 1; round <= $2; round++)); do
		tell replay
		ip -n "r-$1" link set vr0 down
		sleep 0.5
		begin=$EPOCHREALTIME
		ip -n "r-$1" link set vr0 up
		settle "r-$1" "$count4" "$count6"
		since "$begin"
		values+=" $seconds"
	done
	echo "replay$values" >>"$results"
}

# ---- forwarding ----

forwarding()
{
	local ns

	tell forwarding
	{
		ROUTES=$full BENCH_DESTS=$VR_BENCH/dests.txt
		bench_cell plain plain 0 1 0
		bench_cell vrouter full 0 1 0
		BENCH_DESTS=$VR_BENCH/dests10.txt
		bench_cell plain10 plain10 0 1 0
		bench_cell vrouter10 ten 0 1 0
	} >/tmp/cells
	"$VR_BENCH/frames" -r "$VR_ROUNDS" -p "$VR_PACKETS" </tmp/cells >>"$VR_OUT/runs"
	for ns in full ten; do
		vrctl -n "r-$ns" -j show >"$VR_OUT/r-$ns.json"
	done
}

: >"$results"
insmod "$VR_BENCH_MODULE"
ip netns add bench
ask bench load 0 "$BENCH_TABLE"
ask bench load 1 "$VR_BENCH/other.bin"
linux_tables
tables
rmmod vr_fib_bench
insmod "$VR_MODULE"
if has_part forward || has_part load; then
	new_router full
	echo down >/tmp/up-full
	load full fast
	replay full 3
fi
if has_part forward; then
	new_router ten
	ROUTES=10 bench_routes p1 254 r-ten >/dev/null
	ip -n r-ten link set vr0 up
	settle r-ten 10 10
	forwarding
fi
if has_part load; then
	loading fast 5
	loading batch 5
fi
