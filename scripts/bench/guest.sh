#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: guest.sh, in a rig, started by bench-forward.sh with VR_HARNESS, VR_PEERS,
# VR_ROUTES, VR_FAMILIES, VR_ROUNDS, VR_PACKETS, VR_CPUS, VR_BENCH: make what is
# compared, measure, and leave in $VR_OUT the file runs, see frames.c, and what
# some of the routers counted in NETNS.json.
set -euo pipefail
. scripts/bench/topology.sh

# shellcheck disable=SC2034 # for topology.sh
HARNESS=$VR_HARNESS ROUTES=$VR_ROUTES FAMILIES=$VR_FAMILIES
export PATH=${VR_TOOLS:+$VR_TOOLS:}$PATH

ulimit -n 32768
insmod "$VR_MODULE"

bench_sysctls

# devices that hold the programs of frames/live.c
if [ "$VR_CPUS" -gt 1 ]; then
	ip netns add hold
	for ((i = 0; i < 48; i++)); do
		echo "link add hold$i type dummy"
	done | ip -n hold -batch -
fi

# measure PEER...
measure()
{
	local peer

	for peer; do
		bench_peer "$peer"
	done >/tmp/cells
	"$VR_BENCH/frames" -r "$VR_ROUNDS" -p "$VR_PACKETS" -c "$VR_CPUS" </tmp/cells |
		tee -a "$VR_OUT/runs"
}

# These put hooks on the way of the packets, for which all namespaces pay a bit as
# soon as one has them: last, so that Linux is measured at its best.
last=()
first=()
for peer in $VR_PEERS; do
	case $peer in
	mirred | flowtable) last+=("$peer") ;;
	*) first+=("$peer") ;;
	esac
done
[ ${#first[@]} -eq 0 ] || measure "${first[@]}"
[ ${#last[@]} -eq 0 ] || measure "${last[@]}"

for peer in $VR_PEERS; do
	case $peer in vrouter*) ;; *) continue ;; esac
	count=${peer#vrouter}
	for ns in "r-$peer-0" "r-$peer-$((${count:-1} - 1))"; do
		vrctl -n "$ns" -j show >"$VR_OUT/$ns.json"
	done
done
