#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# long: 1200 s
# Shares of the CPU in overload, and what a router under flood still does.
#
# What is shared is CPU time, to 2 %. All packets are alike here, so their numbers
# follow, on a quiet machine to 2 % as well. But on an emulated one the host takes
# its time from whoever is being served, and the one who is served next, in a fresh
# time slice, is safe for a while: lucky for the lighter router. So the test goes on
# for a while until packets are right to 2 %, and fails if they are 50 % off then;
# without weights the light ones would be 150 % off, or 4,950 %.

# shellcheck source=selftests/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
# shellcheck source=selftests/lib/flood.sh
. "$(dirname "$0")/lib/flood.sh"
vr_setup
flood_setup

VR_SHARES_PACKETS=${VR_SHARES_PACKETS:-2000}	# of the lightest router
VR_SHARES_SECONDS=${VR_SHARES_SECONDS:-50}	# for the numbers to come right
SHARES_LAST=$((4 * VR_SHARES_SECONDS))		# for enough, if the CPUs are busy elsewhere

# shares_enough: each router has forwarded enough since flood_mark
shares_enough()
{
	local ns

	flood_read
	for ns in "${vr_spaces[@]}"; do
		[ $((FWD[$ns] - FWD0[$ns])) -ge "$VR_SHARES_PACKETS" ] || return 1
	done
}

# shares_off PART TOTAL WEIGHT SUM: parts in a million off its share
shares_off()
{
	local ppm=$(($1 * 1000 / ($2 / 1000)))

	echo $((ppm * $4 / $3 - 1000000))
}

# shares_compare: fill OFF_CPU and OFF_FWD, ppm that each router is off its share;
# false if packets are off by more than SHARES_FWD
SHARES_CPU=20000 SHARES_FWD=20000 SHARES_NOISE=500000	# ppm
declare -A OFF_CPU OFF_FWD WEIGHT
shares_compare()
{
	local ns sum=0 cpu=0 fwd=0 rc=0

	for ns in "${vr_spaces[@]}"; do
		sum=$((sum + WEIGHT[$ns]))
		cpu=$((cpu + CPU[$ns] - CPU0[$ns]))
		fwd=$((fwd + (FWD[$ns] - FWD0[$ns]) * 1000))
	done
	for ns in "${vr_spaces[@]}"; do
		OFF_CPU[$ns]=$(shares_off $((CPU[$ns] - CPU0[$ns])) $cpu \
			"${WEIGHT[$ns]}" $sum)
		OFF_FWD[$ns]=$(shares_off $(((FWD[$ns] - FWD0[$ns]) * 1000)) $fwd \
			"${WEIGHT[$ns]}" $sum)
		[ "${OFF_FWD[$ns]#-}" -le $SHARES_FWD ] || rc=1
	done
	return $rc
}

# shares_collect: wait for enough packets; looking disturbs the generator
shares_collect()
{
	local begin=$SECONDS limit

	while sleep 3; do
		limit=$SHARES_LAST
		if shares_enough; then
			shares_compare && return
			limit=$VR_SHARES_SECONDS
		fi
		[ $((SECONDS - begin)) -lt "$limit" ] || break
	done
	shares_enough || vr_fail "too few packets in $((SECONDS - begin)) s"
	shares_compare
}

# shares_test WEIGHT...: CPU time and packets are in the ratio of the weights
shares_test()
{
	local i=0 ns w sum=0 most=0

	flood_nics veth
	for w; do
		i=$((i + 1))
		flood_router "$i" "$w"
		WEIGHT[${vr_spaces[-1]}]=$w
		sum=$((sum + w))
		[ "$w" -le "$most" ] || most=$w
	done
	flood_stream all 1 $#
	flood_go
	# each is offered the same: even the heaviest one must not get it all
	flood_overload $((70 * sum / ($# * most))) || { flood_end; return 1; }
	flood_mark
	shares_collect
	flood_end
	for ns in "${vr_spaces[@]}"; do
		vr_diag "weight ${WEIGHT[$ns]}: $((FWD[$ns] - FWD0[$ns])) packets," \
			"${OFF_FWD[$ns]} ppm off; CPU time ${OFF_CPU[$ns]} ppm off"
		vr_expect_num "packets dropped, weight ${WEIGHT[$ns]} was in overload" \
			$((DROP[$ns] - DROP0[$ns])) -gt 0
		vr_expect_num "CPU time of weight ${WEIGHT[$ns]}, ppm off" \
			"${OFF_CPU[$ns]#-}" -le $SHARES_CPU
		vr_expect_num "packets of weight ${WEIGHT[$ns]}, ppm off" \
			"${OFF_FWD[$ns]#-}" -le $SHARES_NOISE
	done
	for ns in "${vr_spaces[@]}"; do
		vr_sum_check "$ns" vr
	done
	vr_cleanup
}

# A router whose data queue is always full still answers ARP and ping.
flood_test()
{
	local guest s answers clock least=100 still try

	flood_nics veth
	flood_router 1 1
	s=${vr_spaces[0]}
	flood_stream all 1 1
	flood_go
	flood_overload 70 || { flood_end; return 1; }
	flood_mark
	vr_ns guest
	ip link add link flood0 name mv0 type macvlan mode bridge
	ip link set mv0 netns "$guest"
	ip -n "$guest" addr add 10.0.0.9/24 dev mv0
	ip -n "$guest" link set mv0 up
	# ARP is control, and so is CS6, which routing daemons send with; a few may
	# get lost before they come to the router, as the flood fills what leads there
	vr_wait 20 vr_in "$guest" ping -n -c 1 -W 1 -Q 0xc0 10.0.0.1
	# that a daemon sends them is what keeps the way free
	vr_in "$guest" /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0xc0)
for _ in range(20):
    s.sendto(b"hello", ("10.0.0.1", 3784))' || vr_fail "cannot send"
	# an emulated CPU stands still now and then, and what leads to the router fills
	for try in 1 2 3; do
		clock=$(flood_clock)
		answers=$(vr_in "$guest" ping -n -c 20 -i 0.05 -W 2 -Q 0xc0 10.0.0.1 |
			sed -n 's/.* \([0-9]*\) received.*/\1/p')
		still=$(flood_still "$clock")
		[ "$still" -gt "$least" ] || least=$still
		vr_diag "try $try: ${answers:-0} answers to 20 pings; $still % of CPU time was" \
			"taken away"
		[ "${answers:-0}" -lt 14 ] || break
	done
	if [ "${answers:-0}" -lt 14 ] && [ "$least" -ge $FLOOD_AWAY ]; then
		vr_skip "$least % of CPU time was taken away"
	else
		vr_expect_num "answers to 20 pings" "${answers:-0}" -ge 14
	fi
	vr_expect_text "neighbour of the flooded router" "lladdr 02:00:00:00:01:01" \
		"$(ip -n "$guest" neigh show 10.0.0.1)"
	flood_read
	# of the flood, far less than what was answered gets through
	vr_expect_num "packets of 100 dropped meanwhile" \
		$(((DROP[$s] - DROP0[$s]) * 100 / (RX[$s] - RX0[$s]))) -ge 50
	flood_end
	vr_sum_check "$s" vr
	vr_cleanup
}

vr_test "weights 1:1" shares_test 1 1
vr_test "weights 1:2:3:4" shares_test 1 2 3 4
[ -z "${VR_LONG:-}" ] || vr_test "weights 1:100" shares_test 1 100
vr_test "a flooded router keeps its ARP and its ping" flood_test
vr_finish
