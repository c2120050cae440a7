#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Routers within their share of the CPU lose nothing while others are offered ten
# times what the CPU can forward, or more, whichever way these others use it.
# Invariant 71. Stalls and lockups meanwhile are a failure of the rig: invariant 72.
#
# What a router drops is exact here. What is lost on the way to it is not ours alone:
# an emulated CPU stands still for milliseconds, and then the NIC's ring runs over, or
# what RPS has for one. So these are long, a few lost packets are no failure, and where
# more are lost there, and nothing else is wrong, it is tried again: a scheduler that
# leaves the NIC no time loses them each time. So it is where the CPU became so slow
# that what is sent as a part of a share was more than that. Where that happens each time,
# and the rig says that the CPUs stood still, nothing can be said: the test is skipped.
#
#   VR_LONG  all seven tests, not the first three; it takes four minutes and more

# shellcheck source=selftests/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
# shellcheck source=selftests/lib/flood.sh
. "$(dirname "$0")/lib/flood.sh"
vr_setup
flood_setup

BACKLOG=$(sysctl -n net.core.netdev_max_backlog)
sysctl -qw net.core.netdev_max_backlog=16384
OVERLOAD_SECONDS=${VR_OVERLOAD_SECONDS:-3}
OVERLOAD_LOST=20	# packets of 1,000 that may be lost before a router has them

# overload_nics NIC: the NICs, and in $RATE what to offer; pktgen's best would leave
# the CPU no time but for the NIC's own poll
overload_nics()
{
	flood_nics "$1" || return
	if [ "$1" = e1000 ]; then
		RATE=50000
		ethtool -G in0 rx "${VR_OVERLOAD_RING:-4096}" || vr_fail "cannot set the ring of in0"
	else
		RATE=100000
	fi
}

# overload_run: send for a while; the counters' difference is what came of it.
# USED: CPU time of each router, ns, while queues were full
declare -A USED
overload_run()
{
	local ns

	# what came before is not to be counted among what is forwarded
	vr_wait_for 10 "queues are empty" overload_drained
	flood_mark
	flood_go
	sleep 1
	flood_read
	for ns in "${vr_spaces[@]}"; do
		USED[$ns]=${CPU[$ns]}
	done
	sleep "$OVERLOAD_SECONDS"
	flood_read
	for ns in "${vr_spaces[@]}"; do
		USED[$ns]=$((CPU[$ns] - USED[$ns]))
	done
	flood_calm
	vr_wait_for 10 "queues are empty" overload_drained
	flood_read
}

overload_drained()
{
	! vrctl -a -j stats | grep -q '"queued-packets":[1-9]'
}

# overload_lost: the failure just noted may be the machine's; overload_try counts them
overload_lost()
{
	LOST=$((LOST + 1))
}

# overload_quiet NETNS STREAM PERCENT: this router got what was sent, and forwarded it
# all. It has a right to somewhat more than so much of what all of them forward.
overload_quiet()
{
	local ns=$1 sent rx fwd punt other all=0

	sent=$(flood_sent "$2")
	for other in "${vr_spaces[@]}"; do
		all=$((all + FWD[$other] - FWD0[$other]))
	done
	if [ $((sent * 100)) -gt $((all * $3)) ]; then
		vr_fail "the CPU became slow: $sent packets sent to it are more than $3 %" \
			"of $all that all forwarded"
		overload_lost
		return 0
	fi
	punt=$((PUNT[$ns] - PUNT0[$ns]))
	rx=$((RX[$ns] - RX0[$ns] - punt))
	fwd=$((FWD[$ns] - FWD0[$ns]))
	vr_diag "router within its share: $sent sent, $rx came, $fwd forwarded"
	vr_expect_num "packets sent to the router within its share" "$sent" -ge 500 || overload_lost
	# broadcasts of the others
	vr_expect_num "packets that it punted" "$punt" -le 50
	vr_expect "packets that it dropped" 0 $((DROP[$ns] - DROP0[$ns]))
	vr_expect "packets that it forwarded, of those that came" "$rx" "$fwd"
	vr_expect_num "packets of 1,000 lost before it" \
		$(((sent - rx) * 1000 / sent)) -le $OVERLOAD_LOST || overload_lost
}

# overload_try FUNCTION ARG: up to three times, see above
overload_try()
{
	local clock i still least=100

	for i in 1 2 3; do
		LOST=0
		clock=$(flood_clock)
		"$@" || return
		if [ "$LOST" -eq 0 ] || [ ${#vr_failures[@]} -ne "$LOST" ]; then
			return
		fi
		still=$(flood_still "$clock")
		[ "$still" -gt "$least" ] || least=$still
		vr_diag "try $i: ${vr_failures[0]}; $still % of CPU time was taken away"
		[ "$i" -eq 3 ] || vr_failures=()
	done
	[ "$least" -lt $FLOOD_AWAY ] && return
	vr_failures=()
	vr_skip "$least % of CPU time was taken away"
}

# overload_flood NIC: one router in overload, one within its share
overload_flood()
{
	local busy quiet rate rx

	overload_nics "$1" || return
	flood_router 1 1
	flood_router 2 1
	busy=${vr_spaces[0]} quiet=${vr_spaces[1]}
	flood_stream busy 1 1 "ratep $RATE"
	flood_go
	flood_overload 10 || { flood_end; return 1; }
	flood_calm
	rate=$(((FWD[$busy] - FWD0[$busy]) / 2))
	flood_stream quiet 2 1 "ratep $((rate / 4))"
	overload_run
	rx=$((RX[$busy] - RX0[$busy]))
	vr_diag "router in overload: $(flood_sent busy) sent, $rx came," \
		"$((FWD[$busy] - FWD0[$busy])) forwarded; $FILTERS filters"
	overload_quiet "$quiet" quiet 40
	vr_expect_num "packets offered to the other one, to one forwarded" \
		$((rx / (FWD[$busy] - FWD0[$busy]))) -ge 5
	flood_forget
	vr_sum_check "$busy" vr
	vr_sum_check "$quiet" vr
	vr_cleanup
}

# Ways to make each packet of router 2 one for the Linux stack
slow_netfilter()
{
	local i

	{
		echo "add table ip t"
		echo "add chain ip t c { type filter hook forward priority 0; }"
		for ((i = 0; i < 200; i++)); do
			echo "add rule ip t c ip daddr 192.0.2.$i counter drop"
		done
	} | ip netns exec "$1" nft -f -
}

slow_neighbour()
{
	ip -n "$1" route replace 198.18.0.0/15 via 10.0.1.99
}

slow_ttl()
{
	tc qdisc add dev in0 clsact
	tc filter add dev in0 ingress protocol ip flower dst_mac 02:00:00:00:01:02 \
		action pedit ex munge ip ttl set 1 pipe action csum ip
}

# overload_slow KIND: router 1 in overload on the fast path, router 2 offered as much
# on the slow path, router 3 within its share
overload_slow()
{
	local fast slow quiet rate

	overload_nics veth || return
	flood_router 1 1
	flood_router 2 1
	flood_router 3 1
	fast=${vr_spaces[0]} slow=${vr_spaces[1]} quiet=${vr_spaces[2]}
	vr_ok "slow_$1" "$slow"
	flood_stream busy 1 2 "ratep $RATE"
	flood_go
	flood_overload 20 || { flood_end; return 1; }
	flood_calm
	rate=$(((FWD[$fast] - FWD0[$fast]) / 2))
	flood_stream quiet 3 1 "ratep $((rate / 4))"
	overload_run
	vr_diag "CPU time: ${USED[$fast]} ns on the fast path, ${USED[$slow]} ns on the" \
		"slow path; packets $((FWD[$fast] - FWD0[$fast]))," \
		"$((PUNT[$slow] - PUNT0[$slow])), dropped $((DROP[$slow] - DROP0[$slow]))"
	vr_expect_num "packets of the slow one punted" \
		$((PUNT[$slow] - PUNT0[$slow])) -gt 100
	vr_expect "packets of the slow one forwarded" 0 $((FWD[$slow] - FWD0[$slow]))
	# packets without a neighbour are cheap, and may all be served
	[ "$1" = neighbour ] ||
		vr_expect_num "packets of the slow one dropped in its queue" \
			$((DROP[$slow] - DROP0[$slow])) -gt 0
	vr_expect_num "CPU time of the slow one, in % of the other's" \
		$((USED[$slow] * 100 / USED[$fast])) -le 110
	overload_quiet "$quiet" quiet 40
	flood_forget
	vr_cleanup
}

# overload_part: of what comes, the part that is forwarded, in percent, over two seconds
overload_part()
{
	local ns rx=0 fwd=0

	flood_mark
	sleep 2
	flood_read
	for ns in "${vr_spaces[@]:0:2}"; do
		rx=$((rx + RX[$ns] - RX0[$ns]))
		fwd=$((fwd + FWD[$ns] - FWD0[$ns]))
	done
	[ "$rx" -gt 0 ] || vr_fail "nothing came"
	PART=$((fwd * 100 / (rx + !rx)))
}

# overload_errors: ICMP errors, with CS6, as Linux sends them
overload_errors()
{
	/usr/bin/python3 - "$VR_SELFTESTS/lib" <<-'END'
		import socket
		import sys
		sys.path.insert(0, sys.argv[1])
		from vrtest import frame, icmp4, ip4
		ip = ip4("10.0.0.2", "198.18.0.1", proto=1, tos=0xc0, payload=icmp4(3))
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
		s.bind(("flood0", 0))
		for _ in range(10):
		    s.send(frame("02:00:00:00:01:01", "02:00:00:00:04:00", ip))
	END
}

# overload_all: if all routers are in overload for half a minute, and none of their packets
# is of a routing protocol, what is too much is left to the NIC; not so any more when one
# within its share comes
overload_all()
{
	local quiet rate i

	overload_nics e1000 || return
	flood_router 1 1
	flood_router 2 1
	flood_router 3 1
	quiet=${vr_spaces[2]}
	flood_stream busy 1 2 "ratep $RATE"
	flood_go
	flood_overload 20 || { flood_end; return 1; }
	rate=$(((FWD[${vr_spaces[0]}] - FWD0[${vr_spaces[0]}]) / 2))
	for ((i = 0; i < 30; i++)); do
		overload_errors || vr_fail "cannot send errors"
		overload_part
		[ "$PART" -lt 70 ] || break
	done
	vr_diag "$PART % of what comes is forwarded after $((2 * i)) s"
	vr_expect_num "percent forwarded of what comes, if all are in overload" "$PART" -ge 70
	flood_calm
	flood_stream quiet 3 1 "ratep $((rate / 4))"
	flood_go
	sleep 2
	overload_part
	flood_calm
	vr_expect_num "percent forwarded of what comes, if one is not" "$PART" -le 50
	# what the ring had when it came is gone
	overload_run
	overload_quiet "$quiet" quiet 26
	flood_forget
	vr_cleanup
}

# overload_weights: who has a larger share than its part of what comes has it also when
# all have been in overload for half a minute. That what is too much is left to the NIC
# then cannot be seen from here: it must not last. A generator that is held up looks the
# same, since the queue is short: so this is tried again, too.
overload_weights()
{
	local light heavy ns ratio

	overload_nics e1000 || return
	flood_router 1 1
	flood_router 2 10
	light=${vr_spaces[0]} heavy=${vr_spaces[1]}
	vr_ok vrctl -n "$heavy" set vr limit-packets 300
	flood_stream busy 1 2 "ratep $RATE"
	flood_go
	flood_overload 20 || { flood_end; return 1; }
	# the last change was three seconds ago
	sleep 22
	flood_mark
	sleep 8
	flood_read
	flood_end
	vr_diag "CPU time: weight 1 $((CPU[$light] - CPU0[$light])) ns, weight 10" \
		"$((CPU[$heavy] - CPU0[$heavy])) ns"
	for ns in "$light" "$heavy"; do
		vr_expect_num "packets dropped by ${ns##*-}" \
			$((DROP[$ns] - DROP0[$ns])) -ge 100
	done
	ratio=$(((CPU[$heavy] - CPU0[$heavy]) * 100 / (CPU[$light] - CPU0[$light])))
	vr_expect_num "CPU time of weight 10, in % of that of weight 1" "$ratio" -ge 900 || overload_lost
	vr_expect_num "CPU time of weight 10, in % of that of weight 1" "$ratio" -le 1100 || overload_lost
	vr_cleanup
}

vr_test "one router in overload, veth and RPS" overload_try overload_flood veth
vr_test "one router in overload, e1000" overload_try overload_flood e1000
vr_test "one router on the slow path, by netfilter" overload_try overload_slow netfilter
if [ -n "${VR_LONG:-}" ]; then
	vr_test "one router on the slow path, without a neighbour" \
		overload_try overload_slow neighbour
	vr_test "one router on the slow path, TTL 1" overload_try overload_slow ttl
	vr_test "all routers in overload, e1000, until one is not" overload_try overload_all
	vr_test "unequal weights, all routers in overload for long" \
		overload_try overload_weights
fi
sysctl -qw "net.core.netdev_max_backlog=$BACKLOG"
vr_finish
