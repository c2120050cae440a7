#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Which frames a port takes off its NIC, and where those go that it sends.
# The cases are in lib/demux.py.
# shellcheck disable=SC2154 # vr_ns sets variables
. "$(dirname "$0")/lib/common.sh"

vr_setup
vr_need_tool bridge
vr_ns host a b h

vr_nic_pair eth0 "$host" wire "$h"
nic_mac=$(vr_mac "$host" eth0)

# port NAME NAMESPACE MAC [OPTION...]
port()
{
	local name=$1 ns=$2 mac=$3
	shift 3

	ip -n "$host" link add link eth0 name "$name" address "$mac" netns "$ns" \
		type vrport "$@" || vr_bail "cannot make port $name"
	# nothing but what the test sends
	vr_sysctl "$ns" "net.ipv6.conf.$name.disable_ipv6=1"
}

port a0 "$a" 02:00:00:00:00:0a
port a10 "$a" 02:00:00:00:00:0a vlan 10
port b0 "$b" 02:00:00:00:00:0b
port b10 "$b" 02:00:00:00:00:1b vlan 10
port b20 "$b" 02:00:00:00:00:2b vlan 20
port d0 "$b" 02:00:00:00:00:0d
for dev in a0 a10; do
	ip -n "$a" link set $dev up
done
for dev in b0 b10 b20; do
	ip -n "$b" link set $dev up
	ip -n "$b" maddr add 01:00:5e:7f:00:01 dev $dev
done
for dev in a0 a10; do
	ip -n "$a" maddr add 01:00:5e:7f:00:01 dev $dev
done
ip -n "$b" maddr add 01:00:5e:7f:00:02 dev b0

result()
{
	[ "$1" = ok ] || vr_fail "$2"
}

# cases PREFIX TABLE [NAME=NAMESPACE:DEVICE...]
cases()
{
	local prefix=$1 table=$2 verdict name why end=
	shift 2

	while IFS=$'\t' read -r verdict name why; do
		if [ "$verdict" = end ]; then
			end=ok
		else
			vr_test "$prefix: $name" result "$verdict" "$why"
		fi
	done < <(/usr/bin/python3 "$VR_SELFTESTS/lib/demux.py" "$table" "$nic_mac" \
		"wire=$h:wire" "nic=$host:eth0" "b0=$b:b0" "a10=$a:a10" \
		"b10=$b:b10" "b20=$b:b20" "$@" 2>&1)
	[ -n "$end" ] || vr_test "$prefix: the table to its end" result fail "$verdict $name $why"
}

cases "no router" base "a0=$a:a0"
cases "no router" foreign "a0=$a:a0"

# the same with a router at each, which is handed what is not IP by the queue
ip -n "$a" link add vr-a type vrouter
ip -n "$b" link add vr-b type vrouter
vr_router_up "$a" vr-a
vr_router_up "$b" vr-b
cases "routers" base "a0=$a:a0"
cases "routers" foreign "a0=$a:a0"
vr_test "routers: all of a's frames accounted for" vr_sum_check "$a" vr-a
vr_test "routers: all of b's frames accounted for" vr_sum_check "$b" vr-b

ip -n "$a" link set a0 promisc on
cases "promiscuous port" promisc "a0=$a:a0"
cases "promiscuous port" groups "a0=$a:a0"
ip -n "$a" link set vr-a down
cases "promiscuous port, no router" promisc "a0=$a:a0"
ip -n "$a" link set vr-a up
ip -n "$a" link set a0 promisc off
ip -n "$a" link set a0 allmulticast on
cases "port for all multicast" groups "a0=$a:a0"
ip -n "$a" link set a0 allmulticast off
cases "port for its own groups again" base "a0=$a:a0"

ip -n "$a" link add link a0 name mv address 02:00:00:00:00:ee type macvlan mode bridge
vr_sysctl "$a" net.ipv6.conf.mv.disable_ipv6=1
ip -n "$a" link set mv up
cases "macvlan on a port" macvlan "a0=$a:a0" "mv=$a:mv"
ip -n "$a" link set vr-a down
cases "macvlan on a port, no router" macvlan "a0=$a:a0" "mv=$a:mv"
ip -n "$a" link set vr-a up
ip -n "$a" link del mv

# who owns a port may not take what is the host's
bridge -n "$a" fdb add "$nic_mac" dev a0
cases "the NIC's address, added to a port" base "a0=$a:a0"
bridge -n "$a" fdb del "$nic_mac" dev a0
ip -n "$a" link add link a0 name mv address "$nic_mac" type macvlan mode bridge
vr_sysctl "$a" net.ipv6.conf.mv.disable_ipv6=1
ip -n "$a" link set mv up
cases "the NIC's address, of a macvlan on a port" base "a0=$a:a0"
ip -n "$a" link del mv

# vlan_device NAMESPACE PORT VLAN, s before that of a service
vlan_device()
{
	local proto=802.1Q

	[ "$3" = "${3#s}" ] || proto=802.1ad
	ip -n "$1" link add link "$2" name "$2.$3" type vlan proto $proto id "${3#s}"
	vr_sysctl "$1" "net.ipv6.conf.$2/$3.disable_ipv6=1"
	ip -n "$1" link set "$2.$3" up
}

# vlans PREFIX
vlans()
{
	cases "VLAN devices on a port$1" vlan "a0=$a:a0" "a0.30=$a:a0.30" "a0.20=$a:a0.20"
	cases "VLAN devices on VLAN ports$1" qinq "a0=$a:a0" "a10.40=$a:a10.40" \
		"b10.40=$b:b10.40"
}

# services PREFIX
services()
{
	cases "service VLAN devices$1" service "a0=$a:a0" "a0.s30=$a:a0.s30" \
		"a0.20=$a:a0.20" "b0.s30=$b:b0.s30"
}

vlan_device "$a" a0 30
vlan_device "$a" a0 20
vlan_device "$a" a10 40
vlan_device "$b" b10 40
vlans ""
ip -n "$a" link set vr-a down
ip -n "$b" link set vr-b down
vlans ", no router"
ip -n "$a" link set vr-a up
ip -n "$b" link set vr-b up
# the port then sends the tag within the frame
if vr_in "$host" ethtool -K eth0 txvlan off; then
	vlans ", NIC without offload"
	vr_in "$host" ethtool -K eth0 txvlan on
fi
ip -n "$a" link del a0.30
vlan_device "$a" a0 s30
vlan_device "$b" b0 s30
services ""
ip -n "$a" link set vr-a down
ip -n "$b" link set vr-b down
services ", no router"
ip -n "$a" link set vr-a up
ip -n "$b" link set vr-b up
for dev in a0.20 a0.s30 a10.40; do
	ip -n "$a" link del "$dev"
done
for dev in b0.s30 b10.40; do
	ip -n "$b" link del "$dev"
done

vr_ns s
ip -n "$a" link add br0 type bridge forward_delay 0
ip -n "$a" link add brst type veth peer name st address 02:00:00:00:00:fe netns "$s"
vr_sysctl "$a" net.ipv6.conf.br0.disable_ipv6=1 net.ipv6.conf.brst.disable_ipv6=1
vr_sysctl "$s" net.ipv6.conf.st.disable_ipv6=1
ip -n "$a" link set brst master br0
ip -n "$a" link set a0 master br0
ip -n "$a" link set br0 up
ip -n "$a" link set brst up
ip -n "$s" link set st up
cases "bridge with a port" bridge "st=$s:st"
ip -n "$a" link set a0 nomaster
ip -n "$a" link del br0
ip -n "$a" link del brst

# ---- the host on the NIC, and two routers in a row on one NIC --------------

t_host()
{
	ip -n "$host" addr add 10.3.0.1/24 dev eth0
	ip -n "$h" addr add 10.3.0.2/24 dev wire
	vr_ping "$h" 10.3.0.1 10
	vr_ping "$host" 10.3.0.2 10
	ip -n "$host" link add link eth0 name v40 type vlan id 40
	ip -n "$host" addr add 10.3.40.1/24 dev v40
	ip -n "$host" link set v40 up
	ip -n "$h" link add link wire name v40 type vlan id 40
	ip -n "$h" addr add 10.3.40.2/24 dev v40
	ip -n "$h" link set v40 up
	vr_ping "$h" 10.3.40.1 10
	ip -n "$host" link del v40
	ip -n "$h" link del v40
}
vr_test "the host's own addresses on the NIC, and its VLAN device" t_host

# wire 10.0.0.2 - a0 10.0.0.1 [a] a10 10.0.10.1 - b10 10.0.10.2 [b] b20 10.0.20.1
# - VLAN 20 of the wire 10.0.20.2, in a namespace of its own
t_two_routers()
{
	ip -n "$h" addr add 10.0.0.2/24 dev wire
	ip -n "$h" route add 10.0.20.0/24 via 10.0.0.1
	ip -n "$h" link add link wire name w20 type vlan id 20
	ip -n "$h" link set w20 netns "$s"
	ip -n "$s" addr add 10.0.20.2/24 dev w20
	ip -n "$s" link set w20 up
	ip -n "$s" route add default via 10.0.20.1
	vr_sysctl "$a" net.ipv4.ip_forward=1
	vr_sysctl "$b" net.ipv4.ip_forward=1
	ip -n "$a" addr add 10.0.0.1/24 dev a0
	ip -n "$a" addr add 10.0.10.1/24 dev a10
	ip -n "$a" route add 10.0.20.0/24 via 10.0.10.2
	ip -n "$b" addr add 10.0.10.2/24 dev b10
	ip -n "$b" addr add 10.0.20.1/24 dev b20
	ip -n "$b" route add 10.0.0.0/24 via 10.0.10.1
	vr_wait_for 30 "a first answer" vr_in "$h" ping -c 1 -W 1 10.0.20.2
	vr_mark "$b" vr-b
	vr_forwards "$a" vr-a "$h" 10.0.20.2 10
	vr_ping "$s" 10.0.0.2 10
	vr_mark "$b" vr-b
	vr_forwards "$b" vr-b "$h" 10.0.20.2 10
	vr_sum_check "$a" vr-a
	vr_sum_check "$b" vr-b
}
vr_test "two routers in a row on one NIC" t_two_routers

t_two_routers_large()
{
	vr_ping "$h" 10.0.20.2 5 -s 1472 -M "do"
	vr_ping "$h" 10.0.20.2 5 -s 4000
	vr_sum_check "$a" vr-a
	vr_sum_check "$b" vr-b
}
vr_test "two routers in a row on one NIC: full size and fragments" t_two_routers_large

# What a priority tag is worth: nothing to the router, which forwards it
t_priority()
{
	vr_mark "$a" vr-a
	vr_in "$h" /usr/bin/python3 -c '
import socket, struct, sys
head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0,
                   socket.inet_aton("10.0.0.2"), socket.inet_aton("10.0.20.2"))
total = sum(struct.unpack("!10H", head))
total = (total >> 16) + (total & 0xffff)
head = head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.bind(("wire", 0))
for _ in range(20):
    s.send(bytes.fromhex("02000000000a020000000099") +
           struct.pack("!HHH", 0x8100, 0x6000, 0x0800) + head +
           struct.pack("!HHHH", 9, 9, 8, 0) + bytes(18))
' || vr_fail "cannot send"
	vr_wait_for 10 "20 packets forwarded" vr_grew "$a" vr-a forwarded 20
	vr_count "$a" vr-a
	vr_expect "packets punted for their tag" 0 "$(vr_delta punt.vlan)"
}
vr_test "IP packets with a priority tag are forwarded" t_priority

t_down()
{
	ip -n "$b" link set b20 down
	vr_no_ping "$h" 10.0.20.2
	ip -n "$b" link set b20 up
	vr_wait_for 30 "an answer again" vr_in "$h" ping -c 1 -W 1 10.0.20.2
	vr_sum_check "$b" vr-b
}
vr_test "a port goes down and up on the way" t_down

vr_finish
