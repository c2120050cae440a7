#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Load, use and unload the module again and again under traffic: nothing in the
# kernel's log, no memory lost (invariants 1 and 6).

# shellcheck source=selftests/lib/common.sh
. "$(dirname "$0")/lib/common.sh"
# shellcheck source=selftests/lib/run-load.sh
. "$(dirname "$0")/lib/run-load.sh"
vr_setup
[ -f "${VR_MODULE:-}" ] || vr_skip_all "VR_MODULE does not name the module"

ROUNDS=${VR_RELOADS:-${VR_LONG:+100}}
ROUNDS=${ROUNDS:-20}
WARM=$((ROUNDS / 5))	# rounds before memory is first looked at
GROWTH=2048		# kB that caches may grow by after that

# Two hosts and the NICs stay; pings flood through and to all of it, without end.
reload_hosts()
{
	local s0 s1

	vr_ns s0 s1
	VR_NIC=veth vr_nic_pair in0 '' eth0 "$s0"
	VR_NIC=veth vr_nic_pair out0 '' eth0 "$s1"
	ip -n "$s0" addr add 10.0.0.2/24 dev eth0
	ip -n "$s1" addr add 10.0.1.2/24 dev eth0
	ip -n "$s0" route add default via 10.0.0.1
	ip -n "$s1" route add default via 10.0.1.1
	ip -n "$s0" neigh add 10.0.0.1 lladdr 02:00:00:00:01:01 dev eth0
	ip -n "$s1" neigh add 10.0.1.1 lladdr 02:00:00:00:02:01 dev eth0
	vr_bg ip netns exec "$s0" ping -n -q -f -W 1 10.0.1.2 >/dev/null
	vr_bg ip netns exec "$s1" ping -n -q -i 0.002 -s 1400 10.0.0.2 >/dev/null
	vr_bg ip netns exec "$s0" ping -n -q -b -i 0.002 10.0.0.255 >/dev/null 2>&1
}

# One life of the module: a router in a namespace and one in a VRF, unloaded while
# both have packets.
reload_once()
{
	local ns=vr-$$-life dev

	vr_load "$VR_MODULE" || return 1
	ip netns add "$ns" || return 1
	ip netns exec "$ns" sysctl -qw net.ipv4.ip_forward=1
	ip link add link in0 name a netns "$ns" address 02:00:00:00:01:01 type vrport &&
		ip link add link out0 name b netns "$ns" address 02:00:00:00:02:01 \
			type vrport &&
		ip -n "$ns" link add v type vrf table 10 &&
		ip -n "$ns" link add vr type vrouter &&
		ip -n "$ns" link add vr2 master v type vrouter || return 1
	ip -n "$ns" addr add 10.0.0.1/24 dev a
	ip -n "$ns" addr add 10.0.1.1/24 dev b
	for dev in v a b vr vr2; do
		ip -n "$ns" link set dev "$dev" up || return 1
	done
	vr_wait 30 reload_forwards "$ns" || vr_fail "round $round: nothing is forwarded"
	rmmod vrouter || vr_fail "round $round: cannot unload"
	ip netns del "$ns"
}

reload_forwards()
{
	[ "$(vr_counter "$1" vr forwarded)" -gt 20 ]
}

# What the kernel has allocated, kB
reload_memory()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^(Slab|Percpu|VmallocUsed|KernelStack|PageTables):/ { sum += $2 }
		END { print sum }' /proc/meminfo
}

reload_all()
{
	local round before after

	rmmod vrouter || return 1
	for ((round = 1; round <= ROUNDS; round++)); do
		reload_once || return 1
		[ "$round" != "$WARM" ] || before=$(reload_memory)
	done
	after=$(reload_memory)
	vr_diag "kernel memory: $before kB after $WARM rounds, $after kB after $ROUNDS"
	vr_expect_num "growth of kernel memory, kB" $((after - before)) -le "$GROWTH"
}

reload_warnings()
{
	dmesg --level emerg,alert,crit,err,warn |
		grep -v 'taint\|pktgen\|hrtimer: interrupt took'
}

reload_log()
{
	local new

	new=$(reload_warnings)
	# the log forgets what is old: if the line that was the last one is gone, all is new
	[ -z "$LAST" ] || new=${new##*"$LAST"}
	vr_expect "warnings in the kernel's log" "" "$new"
}

LAST=$(reload_warnings | tail -1)
reload_hosts
vr_test "load, use and unload $ROUNDS times under traffic" reload_all
vr_test "nothing in the kernel's log" reload_log
vr_load "$VR_MODULE"
vr_finish
