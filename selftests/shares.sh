#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Shares of the CPU in overload, and what a router under flood still does.
#
# pktgen on one CPU floods a NIC whose packets another CPU takes (RPS); tc filters
# behind the routers, on the NIC that they leave by, make each packet dear enough
# that this CPU cannot forward them all: as many filters as that takes here.
#
# What is shared is CPU time, to 2 %. All packets are alike here, so their numbers
# follow, on a quiet machine to 2 % as well. But on an emulated one the host takes
# its time from whoever is being served, and the one who is served next, in a fresh
# time slice, is safe for a while: lucky for the lighter router. So the test goes on
# for a while until packets are right to 2 %, and fails if they are 50 % off then;
# without weights the light ones would be 150 % off, or 4,950 %.

# shellcheck source=selftests/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
vr_setup
[ "$(nproc)" -ge 2 ] ||
	vr_skip_all "one CPU: whoever floods it takes what the flood would need"
modprobe -q pktgen
[ -d /proc/net/pktgen ] || vr_skip_all "no pktgen"

PG=/proc/net/pktgen
VR_SHARES_PACKETS=${VR_SHARES_PACKETS:-2000}	# of the lightest router
VR_SHARES_SECONDS=${VR_SHARES_SECONDS:-50}	# for the numbers to come right

# Everything stands in the initial namespace: pktgen's devices must.
# flood0 -> in0 (vrports a1.. on CPU 0) ... out0, which drops
shares_nics()
{
	vr_pair_veth flood0 '' in0 ''
	ip link add out0 type dummy
	vr_links+=(out0)
	ip link set flood0 up
	ip link set in0 up
	ip link set out0 up
	echo 1 >/sys/class/net/in0/queues/rx-0/rps_cpus
	tc qdisc add dev out0 clsact
	FILTERS=0
	shares_dearer
}

# shares_dearer: 500 more filters for each packet to pass
shares_dearer()
{
	local i

	for ((i = FILTERS; i < FILTERS + 500; i++)); do
		echo "filter add dev out0 egress prio $((i + 1)) protocol ip u32" \
			"match ip dst 192.0.$((i / 256)).$((i % 256))/32 action pass"
	done >"$vr_tmp/filters"
	tc -batch "$vr_tmp/filters" || vr_bail "cannot set filters"
	FILTERS=$((FILTERS + 500))
}

# shares_router I WEIGHT: namespace s$I with ports on in0 and out0
shares_router()
{
	local i=$1 var=s$1 ns

	vr_ns "$var"
	ns=${!var}
	vr_sysctl "$ns" net.ipv4.ip_forward=1
	ip link add link in0 name "a$i" address "02:00:00:00:01:0$i" type vrport
	ip link add link out0 name "b$i" address "02:00:00:00:02:0$i" type vrport
	ip link set "a$i" netns "$ns"
	ip link set "b$i" netns "$ns"
	ip -n "$ns" addr add 10.0.0.1/24 dev "a$i"
	ip -n "$ns" addr add 10.0.1.1/24 dev "b$i"
	ip -n "$ns" link set "a$i" up
	ip -n "$ns" link set "b$i" up
	ip -n "$ns" neigh replace 10.0.1.2 lladdr "02:00:00:00:03:0$i" dev "b$i"
	ip -n "$ns" neigh replace 10.0.0.2 lladdr 02:00:00:00:04:00 dev "a$i"
	ip -n "$ns" route add 198.18.0.0/15 via 10.0.1.2
	ip -n "$ns" link add vr type vrouter
	# a long queue does not run dry when the generator is held up
	vrctl -n "$ns" set vr weight "$2" limit-packets 4000
	vr_router_up "$ns" vr
}

pg()
{
	printf '%s\n' "$2" >"$PG/$1"
}

# shares_flood N: pktgen sends to the routers 1..N in turn, until shares_calm
shares_flood()
{
	pg kpktgend_1 rem_device_all
	pg kpktgend_1 "add_device flood0"
	pg flood0 "count 0"
	pg flood0 "delay 0"
	pg flood0 "pkt_size 60"
	pg flood0 "src_min 10.0.0.2"
	pg flood0 "src_max 10.0.0.2"
	pg flood0 "dst_min 198.18.0.1"
	pg flood0 "dst_max 198.18.15.255"
	pg flood0 "flag IPDST_RND"
	pg flood0 "src_mac 02:00:00:00:04:00"
	pg flood0 "dst_mac 02:00:00:00:01:01"
	pg flood0 "dst_mac_count $1"
	vr_bg pg pgctrl start
	FLOOD=$VR_PID
}

shares_calm()
{
	pg pgctrl stop
	wait "$FLOOD"
	pg kpktgend_1 rem_device_all
}

# shares_read: counters of each router, all in one dump
declare -A RX FWD DROP CPU
shares_read()
{
	local line ns=

	while IFS= read -r line; do
		case $line in
		*netns*) ns=${line##*:\"} ns=${ns%\"} ;;
		*rx-packets*) RX[$ns]=${line##*:} ;;
		*forwarded*) FWD[$ns]=${line##*:} ;;
		*dropped*) DROP[$ns]=${line##*:} ;;
		*cpu-ns*) CPU[$ns]=${line##*:} ;;
		esac
	done < <(vrctl -a -j stats | grep -oE \
		'"(netns":"[^"]*"|(rx|forwarded|dropped)-packets":[0-9]*|cpu-ns":[0-9]*)')
}

# shares_mark: remember the counters
declare -A RX0 FWD0 DROP0 CPU0
shares_mark()
{
	local ns

	shares_read
	for ns in "${vr_spaces[@]}"; do
		RX0[$ns]=${RX[$ns]}
		FWD0[$ns]=${FWD[$ns]}
		DROP0[$ns]=${DROP[$ns]}
		CPU0[$ns]=${CPU[$ns]}
	done
}

# shares_enough: each router has forwarded enough since shares_mark
shares_enough()
{
	local ns

	shares_read
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
	local end=$((SECONDS + VR_SHARES_SECONDS))

	until sleep 3; shares_enough && shares_compare; do
		[ $SECONDS -lt $end ] || break
	done
	shares_enough || vr_fail "too few packets in $VR_SHARES_SECONDS s"
	shares_compare
}

# shares_overload PERCENT: make packets dearer until no more than that part of
# what comes is forwarded, over two seconds
shares_overload()
{
	local try ns rx fwd

	for try in 1 2 3 4 5 6 7 8 9 10; do
		sleep 1		# queues fill, averages settle
		shares_mark
		sleep 2
		shares_read
		rx=0 fwd=0
		for ns in "${vr_spaces[@]}"; do
			rx=$((rx + RX[$ns] - RX0[$ns]))
			fwd=$((fwd + FWD[$ns] - FWD0[$ns]))
		done
		[ $((fwd * 100)) -gt $((rx * $1)) ] || return 0
		[ "$try" = 10 ] || shares_dearer
	done
	vr_fail "no overload with $FILTERS filters: $fwd of $rx packets are forwarded"
}

# shares_test WEIGHT...: CPU time and packets are in the ratio of the weights
shares_test()
{
	local i=0 ns w sum=0 most=0

	shares_nics
	for w; do
		i=$((i + 1))
		shares_router "$i" "$w"
		WEIGHT[${vr_spaces[-1]}]=$w
		sum=$((sum + w))
		[ "$w" -le "$most" ] || most=$w
	done
	shares_flood "$#"
	# each is offered the same: even the heaviest one must not get it all
	shares_overload $((70 * sum / ($# * most))) || { shares_calm; return 1; }
	shares_mark
	shares_collect
	shares_calm
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
	local guest s answers

	shares_nics
	shares_router 1 1
	s=${vr_spaces[0]}
	shares_flood 1
	shares_overload 70 || { shares_calm; return 1; }
	shares_mark
	vr_ns guest
	ip link add link flood0 name mv0 type macvlan mode bridge
	ip link set mv0 netns "$guest"
	ip -n "$guest" addr add 10.0.0.9/24 dev mv0
	ip -n "$guest" link set mv0 up
	# ARP is control, and so is CS6, which routing daemons send with; a few may
	# get lost before they come to the router, as the flood fills what leads there
	vr_wait 20 vr_in "$guest" ping -n -c 1 -W 1 -Q 0xc0 10.0.0.1
	answers=$(vr_in "$guest" ping -n -c 20 -i 0.05 -W 2 -Q 0xc0 10.0.0.1 |
		sed -n 's/.* \([0-9]*\) received.*/\1/p')
	vr_expect_num "answers to 20 pings" "${answers:-0}" -ge 14
	vr_expect_text "neighbour of the flooded router" "lladdr 02:00:00:00:01:01" \
		"$(ip -n "$guest" neigh show 10.0.0.1)"
	shares_read
	# of the flood, far less than what was answered gets through
	vr_expect_num "packets of 100 dropped meanwhile" \
		$(((DROP[$s] - DROP0[$s]) * 100 / (RX[$s] - RX0[$s]))) -ge 50
	shares_calm
	vr_sum_check "$s" vr
	vr_cleanup
}

vr_test "weights 1:1" shares_test 1 1
vr_test "weights 1:2:3:4" shares_test 1 2 3 4
vr_test "weights 1:100" shares_test 1 100
vr_test "a flooded router keeps its ARP and its ping" flood_test
vr_finish
