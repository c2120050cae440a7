#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: bench-forward.sh
# How long it takes to forward a packet, next to what Linux offers. Prints a table,
# and leaves it in build/bench/ as text and JSON. Succeeds unless someone did not
# forward what it was sent. Options, from the environment:
#   RIG=forward            where, and the name of the results: forward, in the uml rig;
#                          instructions, in the guest, whose clock counts them; smp, in
#                          the guest, by one CPU and by two at once (live frames only)
#   HARNESS="live pktgen"  how packets are made: live frames, pktgen over veth
#   FAMILIES="4 6"         ROUTES="10 10000"
#   PEERS="..."            see below, and scripts/bench/topology.sh
#   ROUNDS=5               runs of each, taken in turn
#   PACKETS=...            a run; the default depends on the harness
#   RT=0                   do not put the rig above other processes
# `PEERS="plain vrf vrouter" HARNESS=live FAMILIES=4 ROUTES=10 ROUNDS=3` takes
# 15 seconds, everything a quarter of an hour.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

peers=${PEERS:-xdpdrop floor mirred flowtable plain vrf macvlan macvlan64 bridge
	vrouter vrouter64 vrouter512 fqcodel qdisc fqcodel64 qdisc64}
rig=${RIG:-forward}
read -ra harnesses <<<"${HARNESS:-live pktgen}"
read -ra tables <<<"${ROUTES:-10 10000}"
out=$VR_ROOT/build/bench

# peers_for HARNESS ROUTES: those that make sense, in one line
peers_for()
{
	local peer list=()

	for peer in $peers; do
		case $1-$peer in
		pktgen-xdpdrop) continue ;;
		# hundreds of tables of Linux's own take more memory than there is
		*512) [ "$2" -le 1000 ] || continue ;;
		esac
		list+=("$peer")
	done
	printf '%s\n' "${list[*]}"
}

# measure HARNESS ROUTES
measure()
{
	local dir=$out/$rig-$1-$2 packets

	case $1 in
	live) packets=$live_packets ;;
	pktgen) packets=262144 ;;
	*) vr_die "no such harness: $1" ;;
	esac
	rm -rf "$dir"
	mkdir -p "$dir"
	VR_HARNESS=$1 VR_ROUTES=$2 VR_FAMILIES=${FAMILIES:-4 6} \
		VR_ROUNDS=${ROUNDS:-5} VR_PACKETS=${PACKETS:-$packets} \
		VR_PEERS=$(peers_for "$1" "$2") VR_BENCH=$out VR_CPUS=$cpus \
		"${command[@]}" -m 4G -t 3600 -o "$dir" -- scripts/bench/guest.sh >&2 &
	child=$!
	wait "$child" || vr_die "$1 with $2 routes: the rig failed, see $dir"
	child=
	dirs+=("$dir")
}

kernel=6.12 cpus=1 live_packets=65536
case $rig in
forward) kernel=uml live_packets=1048576 ;;
instructions) ;;
smp) cpus=2 ;;
*) vr_die "RIG is forward, instructions or smp" ;;
esac
vr_need gcc libc6-dev python3 iproute2 nftables jq util-linux
mkdir -p "$out" "$(vr_cache_dir)"
# two of these at once measure each other
exec {lock}>"$(vr_cache_dir)/bench.lock"
flock "$lock"

VR_MODULE=$("$VR_ROOT/scripts/build.sh" "$kernel" 2>"$out/build.log" | tail -1) ||
	vr_die "the module does not build, see $out/build.log"
export VR_MODULE
vr_tools
gcc -O2 -Wall -Wextra -Werror -o "$out/frames" "$VR_ROOT"/scripts/bench/frames/*.c
gcc -O2 -Wall -Wextra -Werror -o "$out/routes" "$VR_ROOT/scripts/bench/routes.c"

# Above all other processes, if that is allowed: it makes 30 % noise less than 1 %.
# The kernel keeps 5 % of a CPU for the others, and there may be other CPUs.
prio=()
! [ "${RT:-1}" = 1 ] || ! chrt -r 1 true 2>/dev/null || prio=(chrt -r 1)
child=
trap '[ -z "$child" ] || kill "$child"; exit 143' INT TERM
case $rig in
forward)
	command=("${prio[@]}" "$VR_ROOT/scripts/uml.sh" run -a kunit.enable=0)
	;;
instructions) command=("$VR_ROOT/scripts/guest.sh" run -i -c 1) ;;
smp) command=("$VR_ROOT/scripts/guest.sh" run -c 2) ;;
esac
dirs=()
for harness in "${harnesses[@]}"; do
	for table in "${tables[@]}"; do
		measure "$harness" "$table"
	done
done
python3 "$VR_ROOT/scripts/bench/report.py" "$out/$rig.json" "${dirs[@]}" |
	tee "$out/$rig.txt"
