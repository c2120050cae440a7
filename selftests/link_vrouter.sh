#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Routers by rtnetlink: how they are made, refused, moved and deleted, and that
# the data plane follows.
# shellcheck disable=SC2154 # vr_ns sets variables
. "$(dirname "$0")/lib/common.sh"
. "$VR_SELFTESTS/lib/run-load.sh"

vr_setup

weight() { ip ${1:+-n "$1"} -d link show "$2" | sed -n 's/.*vrouter weight \([0-9]*\).*/\1/p'; }
rtnl() { vr_in "$r" /usr/bin/python3 "$VR_SELFTESTS/lib/rtnl.py" "$@"; }
stat() { vr_in "$1" cat "/sys/class/net/$2/statistics/$3"; }
gone() { ! ip -n "$1" link show "$2" >/dev/null 2>&1; }
del() { ip -n "$r" link del "$1" 2>/dev/null || true; }
# little endian, as all rigs are
u32() { printf '%02x%02x%02x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24)); }

# ---- creation --------------------------------------------------------------

vr_ns r

t_create()
{
	vr_ok ip -n "$r" link add vr0 type vrouter || return
	vr_expect "weight" 1 "$(weight "$r" vr0)"
	vr_expect "state" down "$(vr_state "$r" vr0)"
	vr_count "$r" vr0
	vr_expect "packets received" 0 "${C[received]}"
	vr_expect "limit in packets" 1000 "${C[limit_packets]}"
	vr_expect "netfilter" honour "${C[netfilter]}"
	vr_expect "ports" 0 "${C[ports]}"
	vr_ok ip -n "$r" link del vr0
	gone "$r" vr0 || vr_fail "vr0 is there after it was deleted"
}
vr_test "create and delete" t_create

t_weight()
{
	local w

	for w in 1 1000; do
		vr_ok ip -n "$r" link add vr0 type vrouter weight $w || return
		vr_expect "weight at creation" $w "$(weight "$r" vr0)"
		del vr0
	done
	vr_ok ip -n "$r" link add vr0 type vrouter weight 7 || return
	vr_ok ip -n "$r" link set vr0 type vrouter weight 1000
	vr_expect "weight by ip" 1000 "$(weight "$r" vr0)"
	vr_ok vrctl -n "$r" set vr0 weight 9
	vr_expect "weight by vrctl" 9 "$(weight "$r" vr0)"
	vr_ok ip -n "$r" link set vr0 up
	vr_ok ip -n "$r" link set vr0 type vrouter weight 10
	vr_expect "weight of one that is up" 10 "$(weight "$r" vr0)"
	del vr0
}
vr_test "weight at creation and after it" t_weight

t_weight_refused()
{
	local w

	for w in 0 1001 65536 4294967295; do
		vr_refuse "ERANGE" rtnl add vr0 vrouter data 1 "$(u32 $w)"
		gone "$r" vr0 || vr_fail "vr0 is there after weight $w"
	done
	vr_ok ip -n "$r" link add vr0 type vrouter weight 7
	for w in 0 1001; do
		vr_refuse "ERANGE" rtnl set vr0 vrouter data 1 "$(u32 $w)"
		vr_refuse "ERANGE" rtnl set vr0 vrouter mtu 1400 data 1 "$(u32 $w)"
	done
	vr_expect "weight after the refusals" 7 "$(weight "$r" vr0)"
	del vr0
}
vr_test "weights 0 and 1001 refused" t_weight_refused

t_no_address()
{
	vr_ok ip -n "$r" link add vr0 type vrouter
	vr_ok ip -n "$r" link set vr0 up
	vr_expect "addresses" "" "$(ip -n "$r" -o addr show dev vr0)"
	vr_wait_for 10 "carrier" vr_carrier "$r" vr0
	vr_expect "addresses with carrier" "" "$(ip -n "$r" -o addr show dev vr0)"
	del vr0
}
vr_test "a router has no addresses" t_no_address

t_transmit()
{
	vr_ok ip -n "$r" link add vr0 type vrouter
	vr_ok ip -n "$r" link set vr0 up
	vr_ok vr_in "$r" /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("vr0", 0x0800))
s.send(bytes(60))'
	vr_expect "dropped" 1 "$(stat "$r" vr0 tx_dropped)"
	vr_expect "sent" 0 "$(stat "$r" vr0 tx_packets)"
	del vr0
}
vr_test "what is sent to a router is dropped, and counted" t_transmit

# ---- one router a domain ---------------------------------------------------

t_second_netns()
{
	vr_ok ip -n "$r" link add vr0 type vrouter
	vr_refuse "$(vr_taken vr0)" ip -n "$r" link add vr1 type vrouter
	vr_ok ip -n "$r" link set vr0 up
	vr_refuse "$(vr_taken vr0)" ip -n "$r" link add vr1 type vrouter
	gone "$r" vr1 || vr_fail "vr1 is there"
	vr_ns other
	vr_ok ip -n "$other" link add vr0 type vrouter
	del vr0
}
vr_test "a second router in a namespace is refused" t_second_netns

t_second_vrf()
{
	ip -n "$r" link add red type vrf table 100
	ip -n "$r" link add blue type vrf table 101
	vr_ok ip -n "$r" link add vr0 type vrouter
	vr_ok ip -n "$r" link add vr1 master red type vrouter
	vr_refuse "$(vr_taken vr1)" ip -n "$r" link add vr2 master red type vrouter
	gone "$r" vr2 || vr_fail "vr2 is there after the refusal at creation"
	vr_refuse "$(vr_taken vr1)" ip -n "$r" link set vr0 master red
	vr_expect "master after the refusal" "" \
		"$(ip -n "$r" link show vr0 | grep -o 'master [^ ]*')"
	vr_ok ip -n "$r" link add vr2 master blue type vrouter
	vr_refuse "$(vr_taken vr2)" ip -n "$r" link set vr1 master blue
	# the core took it out of red before it asked
	vr_ok ip -n "$r" link set vr1 master red
	vr_ok ip -n "$r" link set vr0 up
	vr_ok ip -n "$r" link set vr1 up
	vr_ok ip -n "$r" link set vr2 up
	vr_expect "routers that are up" 3 "$(ip -n "$r" -o link show up type vrouter | wc -l)"
	del vr0
	del vr1
	del vr2
}
vr_test "a second router in a VRF is refused at creation and at enslaving" t_second_vrf

t_up_in_vrf()
{
	vr_ok ip -n "$r" link add vr0 up type vrouter
	# the kernel sets it up before it is in the VRF
	vr_ok ip -n "$r" link add vr1 up master red type vrouter
	vr_expect "domain" red "$(ip -n "$r" -o link show vr1 | sed -n 's/.* master \([^ ]*\) .*/\1/p')"
	vr_expect "state" 1 "$(vr_state "$r" vr1 | grep -c -e active -e fallback)"
	vr_expect "state of the one outside" 1 "$(vr_state "$r" vr0 | grep -c -e active -e fallback)"
	vr_ok ip -n "$r" link set vr1 down
	vr_expect "state of one that is down" down "$(vr_state "$r" vr1)"
	vr_ok ip -n "$r" link set vr1 up
	del vr0
	del vr1
}
vr_test "a router made up in a VRF" t_up_in_vrf

t_second_up()
{
	# moves cannot be refused, but what comes second does not go up
	vr_ok ip -n "$r" link add vr0 type vrouter
	vr_ok ip -n "$r" link add vr1 master red type vrouter
	vr_ok ip -n "$r" link set vr0 up
	vr_ok ip -n "$r" link set vr1 nomaster
	vr_refuse "$(vr_taken vr0)" ip -n "$r" link set vr1 up
	vr_expect "state of the second" down "$(vr_state "$r" vr1)"
	del vr1
	vr_ns x
	vr_ok ip -n "$x" link add vr1 type vrouter
	vr_ok ip -n "$x" link set vr1 netns "$r"
	vr_refuse "$(vr_taken vr0)" ip -n "$r" link set vr1 up
	del vr0
	vr_ok ip -n "$r" link set vr1 up
	del vr1
}
vr_test "a second router that moved in is refused at up" t_second_up

t_second_released()
{
	vr_ok ip -n "$r" link add vr0 type vrouter
	vr_ok ip -n "$r" link add vr1 master red type vrouter
	vr_ok ip -n "$r" link set vr0 up
	vr_ok ip -n "$r" link set vr1 up
	# vr1 leaves the VRF live, into the domain of vr0
	ip -n "$r" link set vr1 nomaster 2>/dev/null
	vr_expect "state of the first" 1 "$(vr_state "$r" vr0 | grep -c -e active -e fallback)"
	vr_expect "state of the one that came" down "$(vr_state "$r" vr1)"
	# which does not keep the first one from going on
	vr_ok ip -n "$r" link set vr0 down
	vr_ok ip -n "$r" link set vr0 up
	vr_refuse "$(vr_taken vr0)" ip -n "$r" link set vr1 up
	vr_ok ip -n "$r" link set vr0 down
	vr_ok ip -n "$r" link set vr1 up
	vr_refuse "$(vr_taken vr1)" ip -n "$r" link set vr0 up
	del vr0
	del vr1
}
vr_test "a router that leaves its VRF into another's domain goes down" t_second_released

t_master()
{
	vr_ok ip -n "$r" link add vr0 type vrouter
	ip -n "$r" link add br0 type bridge
	vr_refuse "" ip -n "$r" link set vr0 master br0
	# of all bonds, these ask least of a slave
	if ip -n "$r" link add bond0 type bond mode active-backup 2>/dev/null; then
		vr_refuse "slave of a VRF device only" ip -n "$r" link set vr0 master bond0
	fi
	vr_ok ip -n "$r" link set vr0 master red
	vr_ok ip -n "$r" link set vr0 nomaster
	ip -n "$r" link del br0
	ip -n "$r" link del bond0 2>/dev/null
	del vr0
}
vr_test "only a VRF can be its master" t_master

vr_cleanup

# ---- the data plane follows ------------------------------------------------

vr_topology

t_forward()
{
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
	vr_forwards "$r" vr-red "$h0" fd01::2
	vr_sum_check "$r" vr-red
	vr_expect "ports" 2 "${C[ports]}"
}
vr_test "up: the data plane forwards" t_forward

t_link_stats()
{
	local rx tx rxb txb

	vr_quiet "$r" vr-red
	rx=$(stat "$r" vr-red rx_packets) tx=$(stat "$r" vr-red tx_packets)
	rxb=$(stat "$r" vr-red rx_bytes) txb=$(stat "$r" vr-red tx_bytes)
	vr_expect "packets received" "${C[received]}" "$rx"
	vr_expect "bytes received" "${C[received_bytes]}" "$rxb"
	vr_expect "packets sent" "${C[forwarded]}" "$tx"
	vr_expect "bytes sent" "${C[forwarded_bytes]}" "$txb"
	vr_expect_num "packets sent" "$tx" -ge 20
	# a reset is the counters' of vrctl alone
	vr_ok vrctl -n "$r" reset vr-red
	vr_expect_num "packets sent after a reset" "$(stat "$r" vr-red tx_packets)" -ge "$tx"
	vr_count "$r" vr-red
	vr_expect_num "packets forwarded after a reset" "${C[forwarded]}" -lt "$tx"
	vr_expect_text "ip -s" " $tx " "$(ip -n "$r" -s link show vr-red)"
}
vr_test "ip -s link counts what was forwarded" t_link_stats

t_down()
{
	vr_ok ip -n "$r" link set vr-red down
	vr_expect "state" down "$(vr_state "$r" vr-red)"
	vr_mark "$r" vr-red
	vr_ping "$h0" 10.0.1.2 5
	vr_ping "$h0" fd01::2 5
	vr_count "$r" vr-red
	vr_expect "packets received while down" 0 "$(vr_delta received)"
	vr_expect "ports while down" 0 "${C[ports]}"
	vr_router_up "$r" vr-red
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
	vr_sum_check "$r" vr-red
}
vr_test "down: Linux forwards; up: the data plane again" t_down

t_up_down_traffic()
{
	local i

	vr_bg_in "$h0" ping -q -n -i 0.01 10.0.1.2 >"$vr_tmp/ping" 2>&1
	for i in {1..10}; do
		vr_ok ip -n "$r" link set vr-red down
		vr_ok ip -n "$r" link set vr-red up
	done
	vr_kill "$VR_PID"
	vr_wait_for 30 "active after it" vr_is_state "$r" vr-red active
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
	vr_sum_check "$r" vr-red
}
vr_test "up and down under traffic: every packet accounted for" t_up_down_traffic

t_port_down()
{
	vr_ok ip -n "$r" link set red1 down
	vr_count "$r" vr-red
	vr_expect "ports" 1 "${C[ports]}"
	vr_no_ping "$h0" 10.0.1.2
	vr_ok ip -n "$r" link set red1 up
	vr_count "$r" vr-red
	vr_expect "ports" 2 "${C[ports]}"
	# IPv6 addresses go at down, static neighbours too
	vr_ok ip -n "$r" neigh replace 10.0.1.2 lladdr 02:00:00:00:00:b1 dev red1
	vr_ok ip -n "$r" addr replace fd01::1/64 dev red1 nodad
	vr_ok ip -n "$r" neigh replace fd01::2 lladdr 02:00:00:00:00:b1 dev red1
	vr_wait_for 20 "ping with the port up" vr_in "$h0" ping -c 1 -W 1 10.0.1.2
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
	vr_forwards "$r" vr-red "$h0" fd01::2
}
vr_test "a port goes down and up" t_port_down

t_delete_router()
{
	vr_ok ip -n "$r" link del vr-red
	vr_ping "$h0" 10.0.1.2
	vr_expect "router of the ports" 2 "$(vrctl -n "$r" port list | grep -c 'router -')"
	vr_ok ip -n "$r" link add vr-red type vrouter
	vr_router_up "$r" vr-red
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
}
vr_test "a router with ports is deleted; Linux forwards" t_delete_router

t_rename()
{
	vr_ok ip -n "$r" link set vr-red down
	vr_ok ip -n "$r" link set vr-red name other
	vr_router_up "$r" other
	vr_forwards "$r" other "$h0" 10.0.1.2
	vr_ok ip -n "$r" link set other down
	vr_ok ip -n "$r" link set other name vr-red
	vr_router_up "$r" vr-red
}
vr_test "a router gets another name" t_rename

# addresses DEVICE I: a port's addresses go when it changes its namespace
addresses()
{
	ip -n "$1" link set "red$2" up
	ip -n "$1" addr replace "10.0.$2.1/24" dev "red$2"
	ip -n "$1" addr replace "fd0$2::1/64" dev "red$2" nodad
}

t_move_netns()
{
	local i

	vr_ns s
	vr_sysctl "$s" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
	vr_ok ip -n "$r" link set vr-red netns "$s"
	# the ports are where they were, without a router
	vr_ping "$h0" 10.0.1.2
	vr_expect "state of the moved router" down "$(vr_state "$s" vr-red)"
	for i in 0 1; do
		vr_ok ip -n "$r" link set "red$i" netns "$s"
		addresses "$s" $i
	done
	vr_router_up "$s" vr-red
	vr_wait_for 20 "ping" vr_in "$h0" ping -c 1 -W 1 10.0.1.2
	vr_forwards "$s" vr-red "$h0" 10.0.1.2
	vr_forwards "$s" vr-red "$h0" fd01::2
	vr_sum_check "$s" vr-red
	# one port moves away from a router that is up
	vr_ok ip -n "$s" link set red1 netns "$r"
	vr_count "$s" vr-red
	vr_expect "ports after one moved away" 1 "${C[ports]}"
	vr_expect_text "router of the port that moved" "router - " "$(vrctl -n "$r" port list)"
	vr_no_ping "$h0" 10.0.1.2
	vr_ok ip -n "$r" link set red1 netns "$s"
	addresses "$s" 1
	vr_wait_for 20 "ping" vr_in "$h0" ping -c 1 -W 1 10.0.1.2
	vr_forwards "$s" vr-red "$h0" 10.0.1.2
	vr_sum_check "$s" vr-red
}
# invariant 5
vr_test "router and ports move to another namespace" t_move_netns

t_netns_deleted()
{
	# the NICs and hosts stay, the namespace goes with router and ports
	vr_ok ip netns del "$s"
	vr_wait_for 60 "the ports are gone" vr_same "" vrctl -a port list
	vr_wait_for 60 "the router is gone" vr_same "" vrctl -a list
	vr_expect "carrier of the NIC" 0 "$(vr_carrier "$host" eth0; echo $?)"
}
vr_test "a namespace with router and ports inside is deleted" t_netns_deleted

vr_cleanup

# ---- notifications ---------------------------------------------------------

vr_ns host r

t_monitor()
{
	local want

	ip -n "$host" link add low netns "$r" type dummy
	ip -n "$r" link set low up
	vr_bg vrctl -n "$r" monitor >"$vr_tmp/monitor"
	# it listens once it shows something
	ip -n "$r" link add vr0 type vrouter
	until [ -s "$vr_tmp/monitor" ]; do
		ip -n "$r" link set vr0 type vrouter weight 2
		sleep 0.1
		[ $SECONDS -lt 200 ] || break
	done
	ip -n "$r" link set vr0 type vrouter weight 17
	ip -n "$r" link set vr0 up
	ip -n "$r" link add link low name p0 type vrport vlan 3
	ip -n "$r" link set p0 up
	ip -n "$r" link set p0 down
	ip -n "$r" link del p0
	ip -n "$r" link set vr0 down
	ip -n "$r" link del vr0
	ip -n "$r" link add vr1 type vrouter weight 5
	vr_wait_for 10 "news of the last step" grep -q 'router-add  *vr1' "$vr_tmp/monitor"
	for want in 'router-change  *vr0 .* weight 17 ' 'router-change  *vr0 state fallback' \
		'router-change  *vr0 state down .* weight 17' \
		'port-add  *p0 .* low:3 ' 'port-change  *p0 .* vr0 ' 'port-change  *p0 .* - ' \
		'port-del  *p0 ' 'router-del  *vr0 ' 'router-add  *vr1 .* weight 5 '; do
		grep -q -- "$want" "$vr_tmp/monitor" ||
			vr_fail "expected a notification '$want', got: $(tail -n 20 "$vr_tmp/monitor")"
	done
	# another namespace's is not told
	ip -n "$host" link add vr9 type vrouter
	ip -n "$r" link set vr1 type vrouter weight 6
	vr_wait_for 10 "news of the last step" grep -q 'vr1 .* weight 6 ' "$vr_tmp/monitor"
	vr_expect "notifications of another namespace" 0 "$(grep -c vr9 "$vr_tmp/monitor")"
	# what leaves for another namespace is gone here, and what comes is new
	ip -n "$r" link add link low name p1 type vrport
	ip -n "$r" link set p1 netns "$host" name p2
	ip -n "$host" link set p2 netns "$r" name p3
	ip -n "$r" link set vr1 netns "$host" name vr2
	ip -n "$host" link set vr2 netns "$r" name vr3
	vr_wait_for 10 "news of the last step" grep -q 'router-change  *vr3' "$vr_tmp/monitor"
	# the name changes after the move
	for want in 'port-del  *p1 ' 'port-add  *p2 ' 'port-change  *p3 ' 'router-del  *vr1 ' \
		'router-add  *vr2 '; do
		grep -q -- "$want" "$vr_tmp/monitor" ||
			vr_fail "expected a notification '$want', got: $(tail -n 20 "$vr_tmp/monitor")"
	done
}
vr_test "notifications: routers and ports" t_monitor

kernel_memory() { awk '$1 == "kernel" { print $2 }' "$cg/maker/memory.stat"; }
is_active() { [ "$(vr_state "$payer" vr0)" = active ]; }

# invariant 62: who makes a router pays for its routes, whoever adds them
t_memory()
{
	local cg=$vr_tmp/cgroup i before=0 after=0

	grep -q '^memory.*1$' /proc/cgroups || { vr_skip "no memory cgroups"; return; }
	mkdir -p "$cg"
	vr_ns payer
	mount -t cgroup2 none "$cg" || return
	if ! echo +memory >"$cg/cgroup.subtree_control" || ! mkdir "$cg/maker"; then
		vr_fail "a memory cgroup cannot be made"
	else
		bash -c "echo \$\$ >'$cg/maker/cgroup.procs' &&
			exec ip -n '$payer' link add vr0 up type vrouter" || vr_fail "no vr0"
		ip -n "$payer" link add x0 up type dummy
		ip -n "$payer" addr add 192.0.2.1/24 dev x0
		vr_wait_for 10 "vr0 is active" is_active
		before=$(kernel_memory)
		# parts of tables that are the same are there once, for all routers
		for ((i = 0; i < 20000; i++)); do
			echo "route add 10.$((i >> 8)).$((i & 255)).0/24" \
				"via 192.0.2.$((RANDOM % 200 + 2))"
		done | ip -n "$payer" -batch -
		# returns when the router has them
		vr_ok vrctl -n "$payer" set vr0 max-routes 0
		after=$(kernel_memory)
		echo "# $((after - before)) bytes for 20000 routes"
		[ $((after - before)) -gt 100000 ] ||
			vr_fail "bytes charged for 20000 routes: expected 100000 or more," \
				"got $((after - before))"
		vr_ok ip -n "$payer" link del vr0
		rmdir "$cg/maker"
	fi
	umount "$cg"
}
vr_test "routes are charged to who made the router" t_memory

vr_cleanup

# ---- the module goes and comes ---------------------------------------------

t_unload()
{
	# shellcheck disable=SC2034 # read by vr_nic_pair
	local VR_NIC=veth

	vr_topology
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
	vr_bg_in "$h0" ping -q -n -i 0.01 10.0.1.2 >"$vr_tmp/ping" 2>&1
	vr_ok rmmod vrouter
	vr_kill "$VR_PID"
	gone "$r" vr-red || vr_fail "vr-red is there without the module"
	gone "$r" red0 || vr_fail "red0 is there without the module"
	ip -n "$host" link show eth0 >/dev/null || vr_fail "the NIC went with the module"
	vr_ok vr_load "$VR_MODULE"
	[ -d /sys/module/vrouter ] || vr_bail "the module did not come back"
	vr_cleanup
	vr_topology -m vrf
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
	vr_sum_check "$r" vr-red
}
if [ -f "${VR_MODULE:-}" ]; then
	vr_test "the module is unloaded under traffic, and loaded again" t_unload
fi

vr_finish
