#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Ports by rtnetlink: how they are made and refused, and how they follow
# their NIC. What a port takes off the NIC is demux.sh's.
# shellcheck disable=SC2154 # vr_ns sets variables
. "$(dirname "$0")/lib/common.sh"

vr_setup
vr_need_tool bridge ethtool
modprobe -q tun
vr_ns host r h0
VR_NIC=veth vr_nic_pair eth0 "$host" eth0 "$h0"
# the NIC must not answer for its ports' addresses
vr_sysctl "$host" net.ipv4.conf.all.arp_ignore=1

rtnl() { vr_in "$host" /usr/bin/python3 "$VR_SELFTESTS/lib/rtnl.py" "$@"; }
# port NAME [OPTION...]: make a port on eth0
port() { ip -n "$host" link add link eth0 name "$@"; }
# attribute DEVICE WORD: the word after WORD in ip -d link
attribute() { ip -n "$host" -d link show "$1" | grep -o " $2 [^ ]*" | head -1 | cut -d' ' -f3; }
del() { ip -n "${2:-$host}" link del "$1" 2>/dev/null || true; }
stat() { vr_in "$1" cat "/sys/class/net/$2/statistics/$3"; }
gone() { ! ip -n "$host" link show "$1" >/dev/null 2>&1; }

# ---- creation --------------------------------------------------------------

t_create()
{
	local mac

	vr_ok port p0 type vrport || return
	vr_expect_text "kind" vrport "$(ip -n "$host" -d link show p0)"
	vr_expect_text "NIC" "p0@eth0:" "$(ip -n "$host" link show p0)"
	vr_expect "VLAN" "" "$(attribute p0 vlan)"
	mac=$(vr_mac "$host" p0)
	vr_expect "random MAC: local, unicast" 2 $((0x${mac%%:*} & 3))
	vr_ok port p1 type vrport || return
	[ "$mac" != "$(vr_mac "$host" p1)" ] || vr_fail "two ports got the same random MAC $mac"
	del p0
	del p1
}
vr_test "create: untagged, random MAC" t_create

t_create_vlan()
{
	local vlan

	for vlan in 1 100 4094; do
		vr_ok port p0 type vrport vlan $vlan || return
		vr_expect "VLAN" $vlan "$(attribute p0 vlan)"
		del p0
	done
}
vr_test "create: with a VLAN" t_create_vlan

t_create_mac()
{
	vr_ok port p0 address 02:00:00:00:01:01 mtu 1400 type vrport || return
	vr_expect "MAC" 02:00:00:00:01:01 "$(vr_mac "$host" p0)"
	vr_expect "MTU" 1400 "$(attribute p0 mtu)"
	del p0
}
vr_test "create: given MAC and MTU" t_create_mac

t_create_same_mac()
{
	vr_ok port p0 address 02:00:00:00:01:01 type vrport
	vr_ok port p1 address 02:00:00:00:01:01 type vrport vlan 10
	vr_ok port p2 address 02:00:00:00:01:01 type vrport vlan 11
	vr_ok ip -n "$host" link set p0 up
	vr_ok ip -n "$host" link set p1 up
	vr_ok ip -n "$host" link set p2 up
	del p0
	del p1
	del p2
}
vr_test "create: one MAC in several VLANs, all up" t_create_same_mac

t_create_vlan_nic_mac()
{
	vr_ok port p0 address "$(vr_mac "$host" eth0)" type vrport vlan 10
	vr_ok ip -n "$host" link set p0 up
	del p0
}
vr_test "create: the NIC's MAC in a VLAN" t_create_vlan_nic_mac

t_create_many()
{
	local i

	for i in {1..20}; do
		vr_ok port "m$i" type vrport
		vr_ok ip -n "$host" link set "m$i" up
	done
	vr_expect "ports on the NIC" 20 \
		"$(ip -n "$host" -o link show type vrport 2>/dev/null | grep -c '@eth0:')"
	for i in {1..20}; do
		del "m$i"
	done
}
vr_test "create: 20 ports on one NIC" t_create_many

t_create_netns()
{
	vr_ok ip -n "$host" link add link eth0 name p0 netns "$r" type vrport || return
	vr_expect_text "namespace of the NIC" "link-netns $host" "$(ip -n "$r" -d link show p0)"
	del p0 "$r"
}
vr_test "create: in another namespace than the NIC" t_create_netns

# ---- refusals --------------------------------------------------------------

# refused NAME TEXT ARGUMENT...: port NAME is refused with TEXT, nothing stays
refused()
{
	local name=$1 text=$2
	shift 2

	vr_refuse "$text" ip -n "$host" link add name "$name" "$@"
	gone "$name" || vr_fail "$name is there after the refusal"
	del "$name"
}

# A line for each NIC that cannot carry ports: device, text, how it is made.
# Invariants 15 and 16.
while IFS='|' read -r dev text make; do
	t_refused_lower()
	{
		local line

		case $make in
		*tuntap*) [ -c /dev/net/tun ] || { vr_skip "no tun"; return; } ;;
		esac
		while read -r line; do
			[ -z "$line" ] || vr_in "$host" sh -c "$line" || vr_fail "cannot: $line"
		done < <(tr ';' '\n' <<<"$make")
		refused bad "$text" link "$dev" type vrport
		# all that make has made
		for line in low low2 boss mac ipv; do
			del "$line"
		done
	}
	vr_test "refused: port on $dev ($make)" t_refused_lower
done <<'END'
lo|A loopback device cannot carry ports|
boss|A VRF device cannot carry ports|ip link add boss type vrf table 77
low2|A port cannot carry ports|ip link add low type dummy;ip link add link low name low2 type vrport
low|go to a bridge, bond, macvlan or the like|ip link add low type dummy;ip link add boss type bridge;ip link set low master boss
low|go to a bridge, bond, macvlan or the like|ip link add low type dummy;ip link add boss type bond;ip link set low master boss
low|go to a bridge, bond, macvlan or the like|ip link add low type dummy;ip link add link low name mac type macvlan
low|go to a bridge, bond, macvlan or the like|ip link add low type dummy;ip link add link low name ipv type ipvlan
low|not an Ethernet device|ip link add low type ipip local 10.0.0.1 remote 10.0.0.2
low|not an Ethernet device|ip tuntap add low mode tun
low|not an Ethernet device|ip link add low type vrouter
END

t_refused_reverse()
{
	vr_ok port p0 type vrport
	vr_ok ip -n "$host" link add boss type bridge
	vr_refuse "" ip -n "$host" link set eth0 master boss
	vr_refuse "" ip -n "$host" link add link eth0 name mac type macvlan
	del boss
	del p0
	# and the last port gave the NIC free again
	vr_ok ip -n "$host" link add link eth0 name mac type macvlan
	del mac
}
vr_test "refused: bridge and macvlan on a NIC with ports; free after the last one" \
	t_refused_reverse

t_refused_mac()
{
	refused bad "The NIC itself has that address" link eth0 \
		address "$(vr_mac "$host" eth0)" type vrport
	refused bad "zero or multicast" link eth0 address 01:00:5e:00:00:01 type vrport
	refused bad "zero or multicast" link eth0 address 00:00:00:00:00:00 type vrport
	vr_refuse "EINVAL A MAC address has 6 bytes" rtnl add bad vrport link eth0 mac 0200000001
	vr_refuse "EINVAL A MAC address has 6 bytes" rtnl add bad vrport link eth0 \
		mac 0200000000010203
	gone bad || vr_fail "bad is there"
}
vr_test "refused: bad MAC addresses" t_refused_mac

t_refused_link()
{
	vr_refuse "EINVAL A port needs a NIC" rtnl add bad vrport
	gone bad || vr_fail "bad is there"
}
vr_test "refused: without a NIC" t_refused_link

t_refused_vlan()
{
	local value

	# little and big endian machines alike
	for value in 0000 ffff "$(/usr/bin/python3 -c 'import struct
print(struct.pack("=H", 4095).hex())')"; do
		vr_refuse "ERANGE" rtnl add bad vrport link eth0 data 1 "$value"
	done
	vr_refuse "ERANGE" rtnl add bad vrport link eth0 data 1 00
	gone bad || vr_fail "bad is there"
}
vr_test "refused: VLAN 0, 4095, 65535, of one byte" t_refused_vlan

t_refused_vlan_device()
{
	vr_ok ip -n "$host" link add link eth0 name v10 type vlan id 10
	refused bad "A VLAN device takes that VLAN's frames" link eth0 type vrport vlan 10
	vr_ok port p0 type vrport vlan 11
	del v10
	vr_ok port p1 type vrport vlan 10
	del p0
	del p1
}
vr_test "refused: VLAN of a VLAN device" t_refused_vlan_device

# vlan_on DEVICE OPTION...: make a VLAN device
vlan_on() { ip -n "$host" link add link "$1" name v10 type vlan "${@:2}"; }

t_refused_vlan_device_later()
{
	local dev

	vr_ok ip -n "$host" link add low type bond
	for dev in eth0 low; do
		vr_ok ip -n "$host" link add link $dev name p0 type vrport
		vr_ok ip -n "$host" link add link $dev name p1 type vrport vlan 10
		vr_refuse "A port takes that VLAN's frames" vlan_on $dev id 10
		gone v10 || vr_fail "v10 is there"
		# what a port does not take
		vr_ok vlan_on $dev id 11
		del v10
		vr_ok vlan_on $dev proto 802.1ad id 10
		del v10
		vr_ok vlan_on p0 id 10
		del v10
		del p1
		vr_ok vlan_on $dev id 10
		del v10
		del p0
	done
	del low
}
vr_test "refused: VLAN device for the VLAN of a port" t_refused_vlan_device_later

t_refused_duplicate()
{
	local vlan

	for vlan in "" "vlan 10"; do
		# shellcheck disable=SC2086 # words
		vr_ok port p0 address 02:00:00:00:01:01 type vrport $vlan
		# shellcheck disable=SC2086
		vr_ok port p1 address 02:00:00:00:01:01 type vrport $vlan
		vr_ok ip -n "$host" link set p0 up
		vr_ok ip -n "$host" link set p1 allmulticast on
		vr_refuse "" ip -n "$host" link set p1 up
		vr_expect "filter entries of the refused port" 1 \
			"$(bridge -n "$host" fdb show dev eth0 | grep -c 02:00:00:00:01:01)"
		vr_expect "allmulti by the refused port" 0 "$(attribute eth0 allmulti)"
		vr_ok ip -n "$host" link set p0 down
		vr_ok ip -n "$host" link set p1 up
		vr_refuse "" ip -n "$host" link set p0 up
		del p0
		del p1
	done
}
vr_test "refused: the same MAC and VLAN twice, at up" t_refused_duplicate

t_refused_change_vlan()
{
	vr_ok port p0 type vrport vlan 10
	vr_refuse "The VLAN of a port cannot change" ip -n "$host" link set p0 type vrport vlan 11
	vr_expect "VLAN after it" 10 "$(attribute p0 vlan)"
	vr_ok ip -n "$host" link set p0 type vrport vlan 10
	del p0
}
vr_test "refused: change of the VLAN" t_refused_change_vlan

t_refused_nic_takes_mac()
{
	local mac

	mac=$(vr_mac "$host" eth0)
	vr_ok port p0 address 02:00:00:00:01:01 type vrport
	vr_ok ip -n "$host" link set p0 up
	vr_refuse "A port on the NIC has that address" ip -n "$host" link set eth0 \
		address 02:00:00:00:01:01
	vr_expect "NIC's MAC" "$mac" "$(vr_mac "$host" eth0)"
	vr_ok ip -n "$host" link set p0 down
	vr_ok ip -n "$host" link set eth0 address 02:00:00:00:01:01
	vr_refuse "" ip -n "$host" link set p0 up
	vr_ok ip -n "$host" link set eth0 address "$mac"
	vr_ok ip -n "$host" link set p0 up
	del p0
	vr_ok ip -n "$host" link set eth0 address 02:00:00:00:01:01
	vr_ok ip -n "$host" link set eth0 address "$mac"
}
vr_test "refused: the NIC takes a port's MAC" t_refused_nic_takes_mac

# stack N: N devices stand on each other, the uppermost is called v
stack()
{
	local i below=low

	ip -n "$host" link add low type dummy
	for ((i = 2; i < $1; i++)); do
		ip -n "$host" link add link $below name "low$i" type vlan id "$i"
		below=low$i
	done
	vr_ok ip -n "$host" link add link $below name v type vlan id 99
}

t_refused_depth()
{
	# eight, as many as the kernel allows
	stack 7
	vr_ok ip -n "$host" link add link v name p0 type vrport
	vr_ok ip -n "$host" link set low up
	vr_ok ip -n "$host" link set p0 up
	vr_refuse "" ip -n "$host" link add link p0 name v9 type vlan id 9
	ip -n "$host" link del low
	gone p0 || vr_fail "p0 is there without its NIC"
	stack 8
	refused p0 "Too many devices stand on each other" link v type vrport
	# nor is it a NIC of ports now: that would be told first
	vr_refuse "Too many links" ip -n "$host" link add link v name mv0 type macvlan
	ip -n "$host" link del low
}
# invariant 17
vr_test "refused: too many devices on each other" t_refused_depth

t_refused_loop()
{
	local i

	for i in 0 1; do
		ip -n "$host" link add "br$i" type bridge
		vr_ok ip -n "$host" link add link "br$i" name "p$i" type vrport
		vr_refuse "busy" ip -n "$host" link set "p$i" master "br$i"
	done
	vr_ok ip -n "$host" link set p0 master br1
	vr_refuse "busy" ip -n "$host" link set p1 master br0
	vr_expect "master of the port" "" "$(vr_in "$host" bridge link show dev p1)"
	vr_ok ip -n "$host" link add link p1 name p1.5 type vlan id 5
	vr_refuse "busy" ip -n "$host" link set p1.5 master br0
	# as soon as there is no loop
	vr_ok ip -n "$host" link set p0 nomaster
	vr_ok ip -n "$host" link set p1 master br0
	ip -n "$host" link del br0
	ip -n "$host" link del br1
	gone p0 || vr_fail "p0 is there without its NIC"
	gone p1 || vr_fail "p1 is there without its NIC"
}
# invariant 17
vr_test "refused: a port below itself" t_refused_loop

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
	local i

	vr_ok port p0 address 02:00:00:00:01:01 type vrport
	vr_ok port p1 address 02:00:00:00:01:02 type vrport
	vr_ok ip -n "$host" link set p1 up
	ip -n "$h0" addr add 10.5.0.2/24 dev eth0
	ip -n "$h0" neigh replace 10.5.0.1 lladdr 02:00:00:00:01:01 dev eth0
	for i in 1 2 3; do
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

# ---- an ordinary device ----------------------------------------------------

t_ordinary()
{
	local rx tx many

	vr_ok port p0 type vrport || return
	vr_ok port p1 type vrport vlan 20
	vr_ok ip -n "$host" link set p0 netns "$r"
	vr_ok ip -n "$host" link set p1 netns "$r"
	ip -n "$r" addr add 10.5.0.1/24 dev p0
	ip -n "$r" addr add fd05::1/64 dev p0 nodad
	ip -n "$r" addr add 10.6.0.1/24 dev p1
	vr_ok ip -n "$r" link set p0 up
	vr_ok ip -n "$r" link set p1 up
	ip -n "$h0" addr add 10.5.0.2/24 dev eth0
	ip -n "$h0" addr add fd05::2/64 dev eth0 nodad
	ip -n "$h0" link add link eth0 name v20 type vlan id 20
	ip -n "$h0" addr add 10.6.0.2/24 dev v20
	ip -n "$h0" link set v20 up
	vr_ping "$h0" 10.5.0.1
	vr_ping "$r" 10.5.0.2
	vr_ping "$h0" fd05::1
	vr_ping "$h0" 10.6.0.1
	vr_ping "$r" 10.6.0.2
	# fragments, and frames of the full size
	vr_ping "$h0" 10.5.0.1 3 -s 6000
	vr_ping "$h0" 10.6.0.1 3 -s 1472 -M "do"
	rx=$(stat "$r" p0 rx_packets) tx=$(stat "$r" p0 tx_packets)
	vr_ping "$h0" 10.5.0.1 10
	vr_expect_num "packets that the port received" $(($(stat "$r" p0 rx_packets) - rx)) -ge 10
	vr_expect_num "packets that the port sent" $(($(stat "$r" p0 tx_packets) - tx)) -ge 10
	vr_expect_num "bytes that the port received" "$(stat "$r" p0 rx_bytes)" -ge 980
	# as a macvlan counts them: all that is for many
	many=$(stat "$r" p0 multicast)
	vr_in "$h0" ping -c 3 -i 0.2 -W 1 -b 10.5.0.255 >/dev/null 2>&1
	vr_expect_num "broadcasts that the port received" \
		$(($(stat "$r" p0 multicast) - many)) -ge 3
	vr_ok ip -n "$r" link set p0 down
	vr_no_ping "$h0" 10.5.0.1
	del v20 "$h0"
	del p0 "$r"
	del p1 "$r"
	ip -n "$h0" addr flush dev eth0
}
vr_test "an ordinary device while there is no router: ping, counters" t_ordinary

# ---- kinds of NICs ---------------------------------------------------------

# Each makes low in $host, and peer in $h0 at its other end.
lower_veth() { ip -n "$host" link add low type veth peer name peer netns "$h0"; }
lower_vlan()
{
	ip -n "$host" link add link eth0 name low type vlan id 30
	ip -n "$h0" link add link eth0 name peer type vlan id 30
}
lower_qinq()
{
	ip -n "$host" link add link eth0 name low type vlan proto 802.1ad id 31
	ip -n "$h0" link add link eth0 name peer type vlan proto 802.1ad id 31
}
lower_bond()
{
	ip -n "$host" link add low type bond mode active-backup miimon 50
	ip -n "$host" link add s0 type veth peer name peer netns "$h0"
	ip -n "$host" link set s0 master low
	ip -n "$host" link set s0 up
}
lower_bridge()
{
	ip -n "$host" link add low type bridge forward_delay 0
	ip -n "$host" link add s0 type veth peer name peer netns "$h0"
	ip -n "$host" link set s0 master low
	ip -n "$host" link set s0 up
}
lower_vxlan()
{
	ip -n "$host" addr add 10.8.0.1/24 dev eth0
	ip -n "$h0" addr add 10.8.0.2/24 dev eth0
	ip -n "$host" link add low type vxlan id 9 remote 10.8.0.2 dstport 4789 dev eth0
	ip -n "$h0" link add peer type vxlan id 9 remote 10.8.0.1 dstport 4789 dev eth0
}
lower_gretap()
{
	ip -n "$host" addr add 10.8.0.1/24 dev eth0
	ip -n "$h0" addr add 10.8.0.2/24 dev eth0
	ip -n "$host" link add low type gretap local 10.8.0.1 remote 10.8.0.2
	ip -n "$h0" link add peer type gretap local 10.8.0.2 remote 10.8.0.1
}
lower_nic() { vr_nic_pair low "$host" peer "$h0"; }

t_lower()
{
	local kind=$1 dev

	if ! "lower_$kind" 2>/dev/null; then
		vr_skip "cannot make $kind"
	elif vr_ok ip -n "$host" link add link low name p0 type vrport &&
	     vr_ok ip -n "$host" link add link low name p1 type vrport vlan 40; then
		ip -n "$host" link set low up
		ip -n "$h0" link set peer up
		vr_ok ip -n "$host" link set p0 netns "$r"
		vr_ok ip -n "$host" link set p1 netns "$r"
		ip -n "$r" addr add 10.9.0.1/24 dev p0
		ip -n "$r" addr add 10.9.1.1/24 dev p1
		ip -n "$h0" addr add 10.9.0.2/24 dev peer
		ip -n "$h0" link add link peer name peer.40 type vlan id 40
		ip -n "$h0" addr add 10.9.1.2/24 dev peer.40
		ip -n "$h0" link set peer.40 up
		vr_ok ip -n "$r" link set p0 up
		vr_ok ip -n "$r" link set p1 up
		vr_wait_for 20 "carrier" vr_carrier "$r" p0
		vr_wait_for 20 "first answer" vr_in "$h0" ping -c 1 -W 1 10.9.0.1
		vr_ping "$h0" 10.9.0.1
		vr_ping "$h0" 10.9.1.1
	fi
	if [ "$kind" = nic ]; then
		del p0 "$r"
		del p1 "$r"
		del peer.40 "$h0"
		vr_give_back
		del low
		return
	fi
	for dev in peer.40 peer; do
		del $dev "$h0"
	done
	for dev in low s0; do
		del $dev
	done
	ip -n "$host" addr flush dev eth0
	ip -n "$h0" addr flush dev eth0
	! ip -n "$r" link show p0 >/dev/null 2>&1 || vr_fail "p0 is there after its NIC is gone"
}
for kind in veth vlan qinq bond bridge vxlan gretap; do
	vr_test "NIC of kind $kind" t_lower $kind
done
vr_test "NIC of the rig" t_lower nic

t_lower_dummy()
{
	local tx

	ip -n "$host" link add sink type dummy
	ip -n "$host" link set sink up
	vr_ok ip -n "$host" link add link sink name p0 type vrport
	vr_ok ip -n "$host" addr add 10.9.0.1/24 dev p0
	vr_ok ip -n "$host" link set p0 up
	vr_ok ip -n "$host" neigh add 10.9.0.2 lladdr 02:00:00:00:00:09 dev p0
	tx=$(stat "$host" sink tx_packets)
	vr_no_ping "$host" 10.9.0.2
	vr_expect_num "packets that the NIC sent" $(($(stat "$host" sink tx_packets) - tx)) -ge 1
	del sink
}
vr_test "NIC of kind dummy" t_lower_dummy

t_lower_tap()
{
	[ -c /dev/net/tun ] || { vr_skip "no tap"; return 0; }
	vr_ok ip -n "$host" tuntap add low mode tap
	ip -n "$host" link set low up
	vr_ok ip -n "$host" link add link low name p0 type vrport
	vr_ok ip -n "$host" link set p0 up
	vr_expect "filter entry" 1 \
		"$(bridge -n "$host" fdb show dev low | grep -c "$(vr_mac "$host" p0)")"
	vr_carrier "$host" p0 && vr_fail "carrier without a reader of the tap"
	vr_ok ip -n "$host" tuntap del low mode tap
	gone p0 || vr_fail "p0 is there"
}
vr_test "NIC of kind tap" t_lower_tap

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
