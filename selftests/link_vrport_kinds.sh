#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A port is an ordinary device while there is no router, on each kind of NIC.
# shellcheck disable=SC2154 # port.sh sets variables
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/port.sh"

modprobe -q tun

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

vr_finish
