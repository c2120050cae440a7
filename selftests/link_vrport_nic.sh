#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How ports follow their NIC, and the NIC its ports: MTU, carrier, features, filters,
# addresses, moves, and the end.
# shellcheck disable=SC2154 # port.sh sets variables
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/port.sh"

# ---- MTU, carrier, features ------------------------------------------------

t_mtu()
{
	vr_ok port p0 type vrport
	vr_expect "MTU of a new port" 1500 "$(attribute p0 mtu)"
	refused bad "The MTU is larger than the NIC's" link eth0 mtu 1501 type vrport
	vr_refuse "" ip -n "$host" link set p0 mtu 1501
	vr_expect "MTU after the refusal" 1500 "$(attribute p0 mtu)"
	vr_ok ip -n "$host" link set p0 mtu 1000
	vr_expect "MTU" 1000 "$(attribute p0 mtu)"
	vr_ok ip -n "$host" link set eth0 mtu 9000
	vr_expect "MTU after the NIC's went up" 1000 "$(attribute p0 mtu)"
	vr_ok ip -n "$host" link set p0 mtu 9000
	vr_ok ip -n "$host" link set eth0 mtu 1300
	vr_expect "MTU after the NIC's went down" 1300 "$(attribute p0 mtu)"
	del p0
	ip -n "$host" link set eth0 mtu 1500
}
vr_test "MTU: up to the NIC's, and pulled down with it" t_mtu

t_carrier()
{
	vr_ok port p0 type vrport
	vr_ok ip -n "$host" link set p0 up
	vr_wait_for 10 "carrier at first" vr_carrier "$host" p0
	ip -n "$h0" link set eth0 down
	vr_wait_for 10 "no carrier when the NIC has none" vr_not vr_carrier "$host" p0
	vr_ok port p1 type vrport
	vr_ok ip -n "$host" link set p1 up
	vr_carrier "$host" p1 && vr_fail "a new port on a NIC without carrier has one"
	ip -n "$h0" link set eth0 up
	vr_wait_for 10 "carrier again" vr_carrier "$host" p0
	vr_wait_for 10 "carrier of the second" vr_carrier "$host" p1
	ip -n "$host" link set eth0 down
	vr_wait_for 10 "no carrier when the NIC is down" vr_not vr_carrier "$host" p0
	ip -n "$host" link set eth0 up
	vr_wait_for 10 "carrier with the NIC up" vr_carrier "$host" p0
	del p0
	del p1
}
vr_test "carrier: as the NIC's" t_carrier

feature() { vr_in "$host" ethtool -k "$1" | sed -n "s/^$2: \([a-z]*\).*/\1/p"; }

t_features()
{
	local name

	vr_ok port p0 type vrport
	for name in rx-checksumming tx-checksumming tcp-segmentation-offload \
		generic-segmentation-offload scatter-gather; do
		vr_expect "$name" on "$(feature p0 $name)"
	done
	vr_expect "generic-receive-offload" "$(feature eth0 generic-receive-offload)" \
		"$(feature p0 generic-receive-offload)"
	vr_ok vr_in "$host" ethtool -K eth0 rx off
	vr_expect "rx-checksumming as the NIC's" off "$(feature p0 rx-checksumming)"
	vr_ok vr_in "$host" ethtool -K eth0 rx on
	vr_expect "rx-checksumming as the NIC's" on "$(feature p0 rx-checksumming)"
	vr_expect "tx-vlan-offload" "$(feature eth0 tx-vlan-offload)" "$(feature p0 tx-vlan-offload)"
	vr_ok vr_in "$host" ethtool -K eth0 txvlan off
	vr_expect "tx-vlan-offload as the NIC's" off "$(feature p0 tx-vlan-offload)"
	vr_ok vr_in "$host" ethtool -K eth0 txvlan on
	vr_ok port p1 type vrport vlan 10
	vr_expect "tx-vlan-offload of a VLAN's port" off "$(feature p1 tx-vlan-offload)"
	vr_expect "large-receive-offload" off "$(feature p0 large-receive-offload)"
	vr_ok vr_in "$host" ethtool -i p0
	del p0
	del p1
}
vr_test "features: checksum, TSO, GSO, GRO, VLAN" t_features

t_netconsole()
{
	modprobe -nq netconsole || { vr_skip "no module netconsole"; return 0; }
	vr_ok port p0 type vrport
	vr_ok ip -n "$host" addr add 10.5.0.1/24 dev p0
	vr_ok ip -n "$host" link set p0 up
	# a module that Linux 6.1 does not load then, later ones load it without a target
	vr_in "$host" modprobe netconsole \
		"netconsole=@10.5.0.1/p0,@10.5.0.2/02:00:00:00:01:02" 2>/dev/null
	vr_expect_text "the kernel's log" "p0 doesn't support polling" "$(dmesg | tail -n 20)"
	[ ! -d /sys/module/netconsole ] || vr_ok modprobe -r netconsole
	del p0
}
vr_test "netconsole: not on a port" t_netconsole

# ---- the NIC's filters -----------------------------------------------------

filter() { bridge -n "${2:-$host}" fdb show dev "${3:-eth0}" | grep -c "^$1 "; }
member() { ip -n "${2:-$host}" maddr show dev "${3:-eth0}" | grep -c "link *$1"; }

t_filter_unicast()
{
	vr_ok port p0 address 02:00:00:00:01:01 type vrport
	vr_expect "filter entry of a port that is down" 0 "$(filter 02:00:00:00:01:01)"
	vr_ok ip -n "$host" link set p0 up
	vr_expect "filter entry of a port that is up" 1 "$(filter 02:00:00:00:01:01)"
	vr_ok ip -n "$host" link set p0 address 02:00:00:00:01:02
	vr_expect "old entry after a change of MAC" 0 "$(filter 02:00:00:00:01:01)"
	vr_expect "new entry after a change of MAC" 1 "$(filter 02:00:00:00:01:02)"
	vr_ok bridge -n "$host" fdb add 02:00:00:00:01:77 dev p0
	vr_expect "entry of an added address" 1 "$(filter 02:00:00:00:01:77)"
	vr_ok bridge -n "$host" fdb del 02:00:00:00:01:77 dev p0
	vr_expect "entry of a removed address" 0 "$(filter 02:00:00:00:01:77)"
	vr_ok bridge -n "$host" fdb add 02:00:00:00:01:77 dev p0
	vr_ok ip -n "$host" link set p0 down
	vr_expect "own entry after down" 0 "$(filter 02:00:00:00:01:02)"
	vr_expect "added entry after down" 0 "$(filter 02:00:00:00:01:77)"
	del p0
}
vr_test "filter: unicast addresses come and go" t_filter_unicast

t_filter_promisc()
{
	local before

	# a NIC that cannot filter unicast addresses is promiscuous from the first on
	vr_ok port p2 type vrport
	vr_ok ip -n "$host" link set p2 up
	before=$(attribute eth0 promiscuity)
	vr_ok port p0 type vrport
	vr_ok port p1 type vrport
	vr_ok ip -n "$host" link set p0 promisc on
	vr_expect "count with the port down" "$before" "$(attribute eth0 promiscuity)"
	vr_ok ip -n "$host" link set p0 up
	vr_expect "count with one" $((before + 1)) "$(attribute eth0 promiscuity)"
	vr_ok ip -n "$host" link set p1 up
	vr_ok ip -n "$host" link set p1 promisc on
	vr_expect "count with two" $((before + 2)) "$(attribute eth0 promiscuity)"
	vr_ok ip -n "$host" link set p0 promisc off
	vr_expect "count with one off" $((before + 1)) "$(attribute eth0 promiscuity)"
	vr_ok ip -n "$host" link set p1 down
	vr_expect "count with the port down" "$before" "$(attribute eth0 promiscuity)"
	vr_ok ip -n "$host" link set p1 up
	vr_expect "count with the port up" $((before + 1)) "$(attribute eth0 promiscuity)"
	del p1
	vr_expect "count without the port" "$before" "$(attribute eth0 promiscuity)"
	del p0
	del p2
	vr_expect "count without ports" 0 "$(attribute eth0 promiscuity)"
}
# invariant 37
vr_test "filter: promiscuity counts up and back" t_filter_promisc

t_filter_allmulti()
{
	vr_ok port p0 type vrport
	vr_ok ip -n "$host" link set p0 up
	vr_ok ip -n "$host" link set p0 allmulticast on
	vr_expect "allmulti" 1 "$(attribute eth0 allmulti)"
	vr_ok ip -n "$host" link set p0 down
	vr_expect "allmulti with the port down" 0 "$(attribute eth0 allmulti)"
	vr_ok ip -n "$host" link set p0 up
	vr_expect "allmulti with the port up" 1 "$(attribute eth0 allmulti)"
	del p0
	vr_expect "allmulti without the port" 0 "$(attribute eth0 allmulti)"
}
vr_test "filter: allmulticast counts up and back" t_filter_allmulti

t_filter_multicast()
{
	vr_ok port p0 type vrport
	vr_ok ip -n "$host" link set p0 up
	vr_ok ip -n "$host" maddr add 01:00:5e:7f:01:02 dev p0
	vr_expect "group" 1 "$(member 01:00:5e:7f:01:02)"
	vr_ok ip -n "$host" maddr del 01:00:5e:7f:01:02 dev p0
	vr_expect "group that was left" 0 "$(member 01:00:5e:7f:01:02)"
	vr_ok ip -n "$host" maddr add 01:00:5e:7f:01:02 dev p0
	vr_ok ip -n "$host" link set p0 down
	vr_expect "group with the port down" 0 "$(member 01:00:5e:7f:01:02)"
	vr_ok ip -n "$host" link set p0 up
	vr_expect "group with the port up" 1 "$(member 01:00:5e:7f:01:02)"
	del p0
	vr_expect "group without the port" 0 "$(member 01:00:5e:7f:01:02)"
}
vr_test "filter: multicast groups come and go" t_filter_multicast

# unicast: how many frames for one receiver p0 has got
unicast() { echo $(($(stat "$host" p0 rx_packets) - $(stat "$host" p0 multicast))); }

t_nic_lets_go()
{
	local own before

	own=$(vr_mac "$host" eth0)
	vr_ok port p0 type vrport
	vr_ok ip -n "$host" link set p0 up
	vr_ok bridge -n "$host" fdb add "$own" dev p0
	ip -n "$h0" addr add 10.5.0.2/24 dev eth0
	ip -n "$h0" neigh replace 10.5.0.9 lladdr "$own" dev eth0
	before=$(unicast)
	vr_no_ping "$h0" 10.5.0.9
	vr_expect "frames for the NIC's address" "$before" "$(unicast)"
	vr_ok ip -n "$host" link set eth0 address 02:00:00:00:02:01
	vr_no_ping "$h0" 10.5.0.9
	vr_expect_num "frames for the address that the NIC had" "$(unicast)" -gt "$before"
	del p0
	vr_ok ip -n "$host" link set eth0 address "$own"
	ip -n "$h0" neigh del 10.5.0.9 dev eth0
	ip -n "$h0" addr flush dev eth0
}
vr_test "filter: an added address that was the NIC's" t_nic_lets_go

# send_to NAMESPACE DEVICE ADDRESS: frames of a kind that nobody knows, more than
# the stacks send of themselves meanwhile
SENT=20
send_to()
{
	vr_in "$1" python3 -c 'import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for i in range(int(sys.argv[3])):
	s.send(bytes.fromhex(sys.argv[2].replace(":", "") + "020000000009" + "88b5") + bytes(46))' \
		"$2" "$3" "$SENT"
}

# got_them BEFORE NAMESPACE DEVICE
got_them() { [ "$(stat "$2" "$3" rx_packets)" -ge $(($1 + SENT)) ]; }

t_link_local()
{
	local lldp=01:80:c2:00:00:0e before

	vr_ok port p0 type vrport
	vr_ok port p1 type vrport
	vr_ok ip -n "$host" link set p0 up
	vr_ok ip -n "$host" link set p1 up
	# the kernel keeps it with the unicast addresses
	vr_ok bridge -n "$host" fdb add "$lldp" dev p0
	before=$(stat "$h0" eth0 rx_packets)
	vr_ok send_to "$host" p1 "$lldp"
	vr_wait_for 5 "frames to a group that p0 listens to leave by the wire" \
		got_them "$before" "$h0" eth0
	before=$(stat "$host" p0 rx_packets)
	vr_ok send_to "$h0" eth0 "$lldp"
	vr_wait_for 5 "p0 gets frames to that group" got_them "$before" "$host" p0
	del p0
	del p1
}
vr_test "a link-local group that was added to a port" t_link_local

# reaches ADDRESS: does p0 get what is sent to it?
reaches()
{
	local before

	before=$(stat "$host" p0 rx_packets)
	send_to "$h0" eth0 "$1" && vr_wait 1 got_them "$before" "$host" p0
}

# many VERB: 400 addresses of p0, more than are taken at once
many()
{
	local i

	for ((i = 0; i < 400; i++)); do
		printf 'fdb %s 02:00:00:00:3%d:%02x dev p0\n' "$1" $((i >> 8)) $((i & 255))
	done | bridge -n "$host" -batch -
}

t_many_addresses()
{
	local last=02:00:00:00:31:8f

	vr_ok port p0 type vrport
	vr_ok ip -n "$host" link set p0 up
	vr_ok many add
	vr_wait_for 10 "frames for the last of 400 addresses reach the port" reaches "$last"
	vr_ok reaches 02:00:00:00:30:00
	vr_ok many del
	if reaches "$last"; then
		vr_fail "an address that is gone: expected no frame, actual one"
	fi
	del p0
}
vr_test "many addresses of a port" t_many_addresses

t_no_lro()
{
	local lro=large-receive-offload

	ip -n "$host" link add low0 type team || { vr_skip "no team"; return 0; }
	if [ "$(feature low0 $lro)" = on ]; then
		vr_ok ip -n "$host" link add link low0 name p0 type vrport
		vr_expect "$lro of the NIC" off "$(feature low0 $lro)"
	else
		vr_skip "no device with $lro"
	fi
	ip -n "$host" link del low0
}
# invariant 37
vr_test "filter: no large receive offload below ports" t_no_lro

# ---- the life of a port ----------------------------------------------------

t_deleted()
{
	vr_ok port p0 address 02:00:00:00:01:01 type vrport
	vr_ok port p1 address 02:00:00:00:01:02 type vrport
	vr_ok ip -n "$host" link set p1 up
	ip -n "$h0" addr add 10.5.0.2/24 dev eth0
	ip -n "$h0" neigh replace 10.5.0.1 lladdr 02:00:00:00:01:01 dev eth0
	for _ in 1 2 3; do
		vr_ok ip -n "$host" link set p0 up
		# an address more than its own
		vr_ok ip -n "$host" link add link p0 name mv0 address 02:00:00:00:01:03 type macvlan
		vr_ok ip -n "$host" link set mv0 up
		vr_ok ip -n "$host" addr add 10.5.0.1/24 dev p0
		vr_ping "$h0" 10.5.0.1 1
		del p0
		vr_no_ping "$h0" 10.5.0.1
		# both addresses are free
		vr_ok ip -n "$host" link set p1 address 02:00:00:00:01:01
		vr_ok port p0 address 02:00:00:00:01:03 type vrport
		vr_ok ip -n "$host" link set p0 up
		del p0
		vr_ok ip -n "$host" link set p1 address 02:00:00:00:01:02
		vr_ok port p0 address 02:00:00:00:01:01 type vrport
	done
	del p0
	del p1
	ip -n "$h0" addr del 10.5.0.2/24 dev eth0
}
vr_test "a port that was deleted takes nothing, its addresses are free" t_deleted

t_mac_down()
{
	vr_ok port p0 address 02:00:00:00:01:01 type vrport
	vr_ok ip -n "$host" link set p0 address 02:00:00:00:01:02
	vr_expect "address while down" 02:00:00:00:01:02 "$(vr_mac "$host" p0)"
	# it has not taken the old one, nor keeps it
	vr_ok port p1 address 02:00:00:00:01:01 type vrport
	vr_ok ip -n "$host" link set p1 up
	vr_ok ip -n "$host" link set p0 up
	vr_refuse "" ip -n "$host" link set p0 address 02:00:00:00:01:01
	vr_expect "address after a refusal" 02:00:00:00:01:02 "$(vr_mac "$host" p0)"
	del p0
	del p1
}
vr_test "MAC address changed while down" t_mac_down

t_mac_live()
{
	vr_ok port p0 address 02:00:00:00:01:01 type vrport
	vr_ok ip -n "$host" addr add 10.5.0.1/24 dev p0
	vr_ok ip -n "$host" link set p0 up
	ip -n "$h0" addr add 10.5.0.2/24 dev eth0
	vr_ping "$h0" 10.5.0.1
	vr_ok ip -n "$host" link set p0 address 02:00:00:00:01:02
	ip -n "$h0" neigh flush dev eth0
	vr_ping "$h0" 10.5.0.1
	vr_expect_text "neighbour entry" 02:00:00:00:01:02 "$(ip -n "$h0" neigh show 10.5.0.1)"
	vr_refuse "" ip -n "$host" link set p0 address "$(vr_mac "$host" eth0)"
	vr_refuse "" ip -n "$host" link set p0 address 01:00:00:00:00:01
	vr_expect "MAC after the refusals" 02:00:00:00:01:02 "$(vr_mac "$host" p0)"
	vr_ok port p1 address 02:00:00:00:01:03 type vrport
	vr_ok ip -n "$host" link set p1 up
	vr_refuse "" ip -n "$host" link set p1 address 02:00:00:00:01:02
	vr_expect "MAC after another port's was refused" 02:00:00:00:01:03 "$(vr_mac "$host" p1)"
	vr_ping "$h0" 10.5.0.1
	del p1
	vr_ping "$h0" 10.5.0.1
	ip -n "$h0" addr del 10.5.0.2/24 dev eth0
	del p0
}
vr_test "the MAC changes while the port is up" t_mac_live

t_netns_move()
{
	local out

	vr_ok port p0 type vrport vlan 7
	vr_ok ip -n "$host" link set p0 netns "$r"
	out=$(ip -n "$r" -d link show p0)
	vr_expect_text "VLAN after the move" "vrport vlan 7" "$out"
	vr_expect_text "NIC after the move" "p0@if$(vr_index "$host" eth0):" "$out"
	vr_expect_text "namespace of the NIC" "link-netns $host" "$out"
	vr_ok ip -n "$r" link set p0 up
	vr_ok ip -n "$r" link set p0 netns "$host"
	vr_expect_text "NIC after the move back" "p0@eth0:" "$(ip -n "$host" -d link show p0)"
	del p0
}
# invariant 4
vr_test "moves to another namespace and back" t_netns_move

# nic_has WHEN COUNT NAMESPACE DEVICE: how often the NIC's filter has the port's addresses
nic_has()
{
	local mac

	for mac in "$(vr_mac "$r" p0)" 02:00:00:00:01:02; do
		vr_expect "filter $1: $mac" "$2" "$(filter "$mac" "$3" "$4")"
	done
	vr_expect "groups $1" "$2" "$(member 01:00:5e:7f:01:02 "$3" "$4")"
}

t_nic_moves()
{
	vr_ok port p0 type vrport
	vr_ok ip -n "$host" link set p0 netns "$r"
	vr_ok ip -n "$r" addr add 10.5.0.1/24 dev p0
	vr_ok ip -n "$r" link set p0 up
	ip -n "$h0" addr add 10.5.0.2/24 dev eth0
	vr_ping "$h0" 10.5.0.1
	vr_ok ip -n "$r" maddr add 01:00:5e:7f:01:02 dev p0
	vr_ok bridge -n "$r" fdb add 02:00:00:00:01:02 dev p0
	nic_has "before" 1 "$host" eth0
	vr_ok ip -n "$host" link set eth0 netns "$h0" name moved
	nic_has "after the NIC's move" 1 "$h0" moved
	vr_ok ip -n "$h0" link set moved up
	vr_ok ip -n "$r" link show p0
	vr_wait_for 10 "carrier after the NIC's move" vr_carrier "$r" p0
	vr_ping "$h0" 10.5.0.1
	vr_ok ip -n "$h0" link set moved netns "$host" name eth0
	ip -n "$host" link set eth0 up
	vr_wait_for 10 "carrier after the NIC's move back" vr_carrier "$r" p0
	vr_ping "$h0" 10.5.0.1
	nic_has "after the NIC's move back" 1 "$host" eth0
	vr_ok ip -n "$r" link set p0 down
	nic_has "with the port down" 0 "$host" eth0
	vr_ok ip -n "$host" link set eth0 netns "$h0" name moved
	vr_ok ip -n "$h0" link set moved netns "$host" name eth0
	nic_has "after a move with the port down" 0 "$host" eth0
	vr_ok ip -n "$r" link set p0 up
	nic_has "with the port up again" 1 "$host" eth0
	ip -n "$host" link set eth0 up
	ip -n "$h0" addr del 10.5.0.2/24 dev eth0
	del p0 "$r"
}
vr_test "the NIC moves to another namespace, its port stays" t_nic_moves

t_nic_deleted()
{
	ip -n "$host" link add low type dummy
	ip -n "$host" link set low up
	vr_ok ip -n "$host" link add link low name p0 type vrport
	vr_ok ip -n "$host" link add link low name p1 type vrport vlan 5
	vr_ok ip -n "$host" link add link low name p2 type vrport
	vr_ok ip -n "$host" link set p2 netns "$r"
	ip -n "$host" link set p0 up
	ip -n "$r" link set p2 up
	vr_ok ip -n "$host" link del low
	gone p0 || vr_fail "p0 is there after its NIC is gone"
	gone p1 || vr_fail "p1 is there after its NIC is gone"
	! ip -n "$r" link show p2 >/dev/null 2>&1 || vr_fail "p2 is there after its NIC is gone"
}
vr_test "the NIC is deleted, and its ports with it" t_nic_deleted

# ---- deleted in one go with the NIC ----------------------------------------

t_group_deleted()
{
	ip -n "$host" link add low group 5 type dummy
	vr_ok ip -n "$host" link add link low name p0 group 5 type vrport
	ip -n "$host" link set low up
	ip -n "$host" link set p0 up
	vr_ok ip -n "$host" link del group 5
	gone p0 || vr_fail "p0 is there"
	gone low || vr_fail "low is there"
}
vr_test "NIC and port are deleted in one go" t_group_deleted

t_netns_deleted()
{
	vr_ns x
	ip -n "$host" link add low type dummy
	vr_ok ip -n "$host" link add link low name p0 type vrport
	vr_ok ip -n "$host" link set p0 netns "$x"
	ip -n "$x" link set p0 up
	# the NIC is the younger one there
	vr_ok ip -n "$host" link set low netns "$x"
	ip -n "$x" link set low up
	vr_ok ip netns del "$x"
	# what deletes a namespace runs in the background, one after the other
	vr_ns y
	vr_ok ip -n "$host" link add low netns "$y" type dummy
	vr_ok ip -n "$y" link add link low name p0 type vrport
	vr_ok ip netns del "$y"
}
vr_test "a namespace with NIC and port is deleted" t_netns_deleted

vr_finish
