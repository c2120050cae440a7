#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Ports by rtnetlink: how they are made and refused. How they follow their NIC is
# link_vrport_nic.sh's, what a port takes off it demux.sh's.
# shellcheck disable=SC2154 # port.sh sets variables
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/port.sh"

modprobe -q tun

rtnl() { vr_in "$host" /usr/bin/python3 "$VR_SELFTESTS/lib/rtnl.py" "$@"; }

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

vr_finish
