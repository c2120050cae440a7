#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A CPU goes and comes back under traffic: packets that it left behind are served or
# dropped by another one, and never by two at once.

# shellcheck source=selftests/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
vr_setup

CPU=/sys/devices/system/cpu/cpu1/online
[ -w "$CPU" ] || vr_skip_all "CPU 1 cannot be switched off here"
s0='' s1='' r=''
ROUNDS=${VR_LONG:+100}
ROUNDS=${ROUNDS:-8}

# hotplug_ports NETNS: (again) what the router forwards between
hotplug_ports()
{
	ip link add link in0 name a netns "$1" address 02:00:00:00:01:01 type vrport &&
		ip link add link out0 name b netns "$1" address 02:00:00:00:02:01 \
			type vrport &&
		ip -n "$1" addr add 10.0.0.1/24 dev a &&
		ip -n "$1" addr add 10.0.1.1/24 dev b &&
		ip -n "$1" link set dev a up &&
		ip -n "$1" link set dev b up
}

# Frames for the router come in on CPU 1 by RPS, as long as there is one.
hotplug_make()
{
	local dev

	vr_ns s0 s1 r
	VR_NIC=veth vr_nic_pair in0 '' eth0 "$s0"
	VR_NIC=veth vr_nic_pair out0 '' eth0 "$s1"
	for dev in in0 out0; do
		echo 2 >"/sys/class/net/$dev/queues/rx-0/rps_cpus"
	done
	ip -n "$s0" addr add 10.0.0.2/24 dev eth0
	ip -n "$s1" addr add 10.0.1.2/24 dev eth0
	ip -n "$s0" route add default via 10.0.0.1
	ip -n "$s1" route add default via 10.0.1.1
	ip netns exec "$r" sysctl -qw net.ipv4.ip_forward=1
	vr_ok hotplug_ports "$r"
	vr_ok ip -n "$r" link add vr type vrouter
	vr_ok ip -n "$r" link set dev vr up
	vr_wait_for 30 "the router forwards" hotplug_answers
}

hotplug_answers()
{
	vr_in "$s0" ping -n -q -c 1 -W 1 10.0.1.2 >/dev/null
}

hotplug_rounds()
{
	local i pid before

	hotplug_make || return
	vr_bg_in "$s0" ping -n -q -f -s 100 10.0.1.2 >/dev/null
	pid=$VR_PID
	for ((i = 0; i < ROUNDS; i++)); do
		vr_ok sh -c "echo 0 >$CPU" || return
		if ((i % 2)); then
			# while its queues are somebody else's
			vr_ok ip -n "$r" link del dev a
			vr_ok ip -n "$r" link del dev b
			vr_ok hotplug_ports "$r"
		fi
		before=$(vr_counter "$r" vr forwarded)
		vr_wait_for 30 "one CPU forwards, round $i" hotplug_moves "$before" || return
		vr_ok sh -c "echo 1 >$CPU" || return
		before=$(vr_counter "$r" vr forwarded)
		vr_wait_for 30 "two CPUs forward, round $i" hotplug_moves "$before" || return
	done
	vr_kill "$pid"
	vr_sum_check "$r" vr
	vr_cleanup
}

hotplug_moves()
{
	[ "$(vr_counter "$r" vr forwarded)" -gt $(($1 + 20)) ]
}

vr_test "CPU 1 goes and comes back $ROUNDS times under traffic" hotplug_rounds
echo 1 >"$CPU"
vr_finish
