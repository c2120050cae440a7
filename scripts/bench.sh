#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: bench.sh [EXPERIMENT...]
# The experiments: vrouter next to what else makes many routers of one machine. Leaves
# in build/bench/ bench.txt, bench.json and plots, and prints the first. Of experiments
# that are not named there are the results of the last time, if any. All of them, which
# is what runs when none is named:
#   forward scale                       in the uml rig, at native speed
#   instructions smp                    in the guest, as forward: instructions a packet,
#                                       and what a second CPU adds
#   throughput tcp buffers latency isolation weights-cpu weights-link
#                                       in the guest, on emulated e1000 NICs
# Options, from the environment: ROUNDS=3 (in turn), SECONDS_EACH=3 (a measurement),
# PEERS=plain,vrf,... (see bench/peers.py), MANY=64,512 (further numbers of routers),
# UML_PEERS="plain vrouter ..." (for forward, see bench/topology.sh).
# ROUNDS=1 SECONDS_EACH=2 MANY=64 takes about three quarters of an hour.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

out=$VR_ROOT/build/bench
experiments=("$@")
[ $# -gt 0 ] || experiments=(forward scale instructions smp throughput tcp buffers latency isolation
	weights-cpu weights-link)

# unpack PACKAGE... DIR: what is in packages, without their services
# shellcheck disable=SC2317 # vr_cache_get calls it
unpack()
{
	local dir=${*: -1} package

	(cd "$dir" && apt-get -q -o APT::Sandbox::User=root download "${@:1:$#-1}")
	for package in "$dir"/*.deb; do
		dpkg -x "$package" "$dir"
		rm "$package"
	done
}

# unpacked PACKAGE...: print the directory
unpacked()
{
	local versions

	vr_apt_lists "$1"
	versions=$(apt-cache policy "$@" | awk '/Candidate:/ { print $2 }')
	vr_cache_get "packages-$(vr_hash "$* $versions")" unpack "$@"
}

# chosen EXPERIMENT...: those of them that are to run
chosen()
{
	local name

	for name; do
		[[ " ${experiments[*]} " != *" $name "* ]] || printf '%s ' "$name"
	done
}

# module TARGET: build it, export where it is
module()
{
	VR_MODULE=$("$VR_ROOT/scripts/build.sh" "$1" 2>"$out/build.log" | tail -1) ||
		vr_die "the module does not build, see $out/build.log"
	export VR_MODULE
}

frames()
{
	if [ -n "$(chosen forward)" ]; then
		PEERS="${UML_PEERS:-plain vrf macvlan macvlan2 macvlan4 macvlan8 bridge flowtable
			vrouter vrouter2 vrouter4 vrouter8 vrouter64 vrouter512 vrouter1024}" \
			HARNESS=live FAMILIES=4 ROUTES=10 ROUNDS=${ROUNDS:-3} \
			"$VR_ROOT/scripts/bench-forward.sh" >&2
	fi
	if [ -n "$(chosen instructions)" ]; then
		# the same each time; behind bridge and veth it is ksoftirqd that forwards
		PEERS="plain vrf macvlan macvlan8 flowtable vrouter vrouter2 vrouter4
			vrouter8 vrouter64" RIG=instructions HARNESS=live FAMILIES=4 \
			ROUTES=10 ROUNDS=1 "$VR_ROOT/scripts/bench-forward.sh" >&2
	fi
	if [ -n "$(chosen smp)" ]; then
		PEERS="plain vrf macvlan8 vrouter vrouter8" RIG=smp HARNESS=live FAMILIES=4 \
			ROUTES=10 ROUNDS=${ROUNDS:-3} PACKETS=131072 \
			"$VR_ROOT/scripts/bench-forward.sh" >&2
	fi
}

scale()
{
	[ -n "$(chosen scale)" ] || return 0
	module uml
	"$VR_ROOT/scripts/uml.sh" run -a kunit.enable=0 -m 4G -t 1200 \
		-o "$out/uml" -- scripts/bench/scale.sh "$out/uml/results" 1024 >&2
	cat "$out/uml/results" >>"$out/results"
}

guest()
{
	local names dir

	names=$(chosen throughput tcp buffers latency isolation weights-cpu weights-link)
	[ -n "$names" ] || return 0
	vr_need gcc libc6-dev procps iperf3 apache2-utils nftables ethtool libxdp1 libpcre2-8-0
	dir=$(unpacked openvswitch-switch nginx)
	gcc -O2 -Wall -Wextra -Werror -o "$out/echo" "$VR_ROOT/scripts/bench/echo.c"
	module 6.12
	# shellcheck disable=SC2086 # a list of words
	"$VR_ROOT/scripts/guest.sh" run -k 6.12 -m 2G -t 14400 -o "$out/guest" -- \
		env PATH="$VR_TOOLS:$dir/usr/bin:$dir/usr/sbin:$PATH" \
		IP_LIB_DIR="$VR_IP_LIB" TC_LIB_DIR="$VR_IP_LIB" \
		ECHO="$out/echo" ROUNDS="${ROUNDS:-3}" SECONDS_EACH="${SECONDS_EACH:-3}" \
		${PEERS:+PEERS="$PEERS"} ${MANY+MANY="$MANY"} \
		/usr/bin/python3 scripts/bench/experiments.py "$out/guest/results" $names >&2 || {
		failed=1
		vr_log "the guest failed, see $out/guest"
	}
	cat "$out/guest/results" >>"$out/results"
}

for name in "${experiments[@]}"; do
	case $name in
	forward | scale | instructions | smp | throughput | tcp | buffers | latency | isolation) ;;
	weights-cpu | weights-link) ;;
	*) vr_die "no experiment $name; see the head of $0" ;;
	esac
done
vr_need python3 python3-matplotlib jq
mkdir -p "$out/uml" "$out/guest"
: >"$out/uml/results"
: >"$out/guest/results"
for name in forward instructions smp; do
	[ -z "$(chosen "$name")" ] || rm -f "$out/$name.json"
done
touch "$out/results"
jq -c --arg names " ${experiments[*]} " 'select((.experiment + if .resource then
	"-" + (.resource | ascii_downcase) else "" end) as $name |
	$names | contains(" " + $name + " ") | not)' "$out/results" >"$out/kept"
mv "$out/kept" "$out/results"
vr_tools
failed=0
# each of them takes the lock
frames
# two of these at once measure each other
exec {lock}>"$(vr_cache_dir)/bench.lock"
flock "$lock"
scale
guest
python3 "$VR_ROOT/scripts/bench/tables.py" "$out"
exit "$failed"
