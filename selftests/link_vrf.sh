#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Routers and ports move into VRFs, between them and out of them, and the data
# plane follows.
# shellcheck disable=SC2154 # vr_topology sets variables
. "$(dirname "$0")/lib/common.sh"

vr_setup
vr_topology -m vrf

t_vrf()
{
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
	vr_forwards "$r" vr-red "$h0" fd01::2
	vr_sum_check "$r" vr-red
	vr_expect_text "domain" "vrf red, table 100" "$(vrctl -n "$r" show vr-red)"
}
vr_test "VRF: the data plane forwards" t_vrf

t_vrf_port_leaves()
{
	vr_ok ip -n "$r" link set red1 nomaster
	vr_count "$r" vr-red
	vr_expect "ports" 1 "${C[ports]}"
	vr_no_ping "$h0" 10.0.1.2
	vr_ok ip -n "$r" link set red1 master red
	vr_ok ip -n "$r" addr replace fd01::1/64 dev red1 nodad
	vr_count "$r" vr-red
	vr_expect "ports" 2 "${C[ports]}"
	vr_wait_for 20 "ping" vr_in "$h0" ping -c 1 -W 1 10.0.1.2
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
}
vr_test "VRF: a port leaves and comes back" t_vrf_port_leaves

t_vrf_move()
{
	ip -n "$r" link add blue type vrf table 200
	ip -n "$r" link set blue up
	vr_ok ip -n "$r" link set vr-red master blue
	vr_count "$r" vr-red
	vr_expect "ports of a router that moved away" 0 "${C[ports]}"
	vr_ping "$h0" 10.0.1.2
	vr_ok ip -n "$r" link set red0 master blue
	vr_ok ip -n "$r" link set red1 master blue
	vr_ok ip -n "$r" addr replace fd00::1/64 dev red0 nodad
	vr_ok ip -n "$r" addr replace fd01::1/64 dev red1 nodad
	vr_wait_for 30 "active" vr_is_state "$r" vr-red active
	vr_expect_text "domain" "vrf blue, table 200" "$(vrctl -n "$r" show vr-red)"
	vr_wait_for 20 "ping" vr_in "$h0" ping -c 1 -W 1 10.0.1.2
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
	vr_forwards "$r" vr-red "$h0" fd01::2
	vr_sum_check "$r" vr-red
}
vr_test "VRF: router and ports move to another one, live" t_vrf_move

t_vrf_leave()
{
	vr_ok ip -n "$r" link set vr-red nomaster
	vr_ok ip -n "$r" link set red0 nomaster
	vr_ok ip -n "$r" link set red1 nomaster
	vr_ok ip -n "$r" addr replace fd00::1/64 dev red0 nodad
	vr_ok ip -n "$r" addr replace fd01::1/64 dev red1 nodad
	vr_wait_for 30 "active" vr_is_state "$r" vr-red active
	vr_wait_for 20 "ping" vr_in "$h0" ping -c 1 -W 1 10.0.1.2
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
	vr_expect_text "table" "table 254" "$(vrctl -n "$r" show vr-red)"
	vr_ok ip -n "$r" link set vr-red master red
	vr_ok ip -n "$r" link set red0 master red
	vr_ok ip -n "$r" link set red1 master red
	vr_wait_for 30 "active" vr_is_state "$r" vr-red active
	vr_wait_for 20 "ping" vr_in "$h0" ping -c 1 -W 1 10.0.1.2
	vr_forwards "$r" vr-red "$h0" 10.0.1.2
}
vr_test "VRF: router and ports leave for the namespace, and come back" t_vrf_leave

t_vrf_deleted()
{
	vr_ok ip -n "$r" link del red
	vr_expect "master" "" "$(ip -n "$r" link show vr-red | grep -o 'master [^ ]*')"
	vr_wait_for 30 "active" vr_is_state "$r" vr-red active
	vr_expect_text "table" "table 254" "$(vrctl -n "$r" show vr-red)"
	vr_wait_for 20 "ping" vr_in "$h0" ping -c 1 -W 1 10.0.1.2
	vr_sum_check "$r" vr-red
}
vr_test "VRF: deleted under the router" t_vrf_deleted

vr_finish
