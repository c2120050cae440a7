# shellcheck shell=bash disable=SC2154,SC2034 # between common.sh and a test
# SPDX-License-Identifier: GPL-2.0
# Routers on one CPU, and a flood that it cannot forward: for tests of shares of the
# CPU and of overload. Sourced after common.sh.
#
# pktgen on CPU 1 floods a NIC whose packets CPU 0 takes; tc filters behind the
# routers, on the NIC that they leave by, make each packet dear enough that this CPU
# cannot forward them all: as many filters as that takes here.
#
# Everything stands in the initial namespace: pktgen's devices must.
# flood0 -> in0 (vrports a1.. on CPU 0) ... out0 (vrports b1..), which drops.
# Router i is in namespace ${vr_spaces[i - 1]}.

PG=/proc/net/pktgen

# flood_setup: what all of this needs
flood_setup()
{
	[ "$(nproc)" -ge 2 ] ||
		vr_skip_all "one CPU: whoever floods it takes what the flood would need"
	modprobe -q pktgen
	[ -d $PG ] || vr_skip_all "no pktgen"
}

# flood_irq NIC CPU: where its interrupts go
flood_irq()
{
	local irq

	irq=$(awk -v nic="$1" '{ for (i = 2; i <= NF; i++) if ($i == nic || $i == nic ",")
		print $1 + 0 }' /proc/interrupts)
	[ -n "$irq" ] || vr_bail "no interrupt of $1"
	echo "$2" >"/proc/irq/$irq/smp_affinity_list"
}

# flood_nics veth|e1000: the NICs
flood_nics()
{
	if [ "$1" = veth ]; then
		vr_pair_veth flood0 '' in0 ''
		echo 1 >/sys/class/net/in0/queues/rx-0/rps_cpus
	elif ! vr_pair_e1000 in0 '' flood0 ''; then
		vr_skip "no e1000"
		return 1
	fi
	ip link add out0 type dummy
	vr_links+=(out0)
	ip link set flood0 up
	ip link set in0 up
	ip link set out0 up
	vr_wait 20 vr_carrier '' in0 || vr_bail "no carrier on in0"
	if [ "$1" != veth ]; then
		flood_irq in0 0
		flood_irq flood0 1
	fi
	tc qdisc add dev out0 clsact
	FILTERS=0
	flood_dearer
}

# flood_dearer: 500 more filters for each packet to pass
flood_dearer()
{
	local i

	for ((i = FILTERS; i < FILTERS + 500; i++)); do
		echo "filter add dev out0 egress prio $((i + 1)) protocol ip u32" \
			"match ip dst 192.0.$((i / 256)).$((i % 256))/32 action pass"
	done >"$vr_tmp/filters"
	tc -batch "$vr_tmp/filters" || vr_bail "cannot set filters"
	FILTERS=$((FILTERS + 500))
}

# flood_router I WEIGHT: namespace s$I with ports on in0 and out0
flood_router()
{
	local i=$1 var=s$1 ns

	vr_ns "$var"
	ns=${!var}
	# no reports of multicast listeners among the packets that are counted
	vr_sysctl "$ns" net.ipv4.ip_forward=1 net.ipv6.conf.default.disable_ipv6=1
	ip link add link in0 name "a$i" address "02:00:00:00:01:0$i" type vrport
	ip link add link out0 name "b$i" address "02:00:00:00:02:0$i" type vrport
	ip link set "a$i" netns "$ns"
	ip link set "b$i" netns "$ns"
	ip -n "$ns" addr add 10.0.0.1/24 dev "a$i"
	ip -n "$ns" addr add 10.0.1.1/24 dev "b$i"
	ip -n "$ns" link set "a$i" up
	ip -n "$ns" link set "b$i" up
	ip -n "$ns" neigh replace 10.0.1.2 lladdr "02:00:00:00:03:0$i" dev "b$i"
	ip -n "$ns" neigh replace 10.0.0.2 lladdr 02:00:00:00:04:00 dev "a$i"
	ip -n "$ns" route add 198.18.0.0/15 via 10.0.1.2
	ip -n "$ns" link add vr type vrouter
	# a long queue does not run dry when the generator is held up
	vrctl -n "$ns" set vr weight "$2" limit-packets 4000
	vr_router_up "$ns" vr
}

pg()
{
	printf '%s\n' "$2" >"$PG/$1"
}

# flood_stream NAME FIRST COUNT [SETTING...]: pktgen is to send to the routers FIRST
# to FIRST + COUNT - 1 in turn, with settings of pktgen's
flood_stream()
{
	local dev=flood0@$1 first=$2 count=$3 setting
	shift 3

	pg kpktgend_1 "add_device $dev"
	for setting in "count 0" "delay 0" "pkt_size 60" \
			"src_min 10.0.0.2" "src_max 10.0.0.2" \
			"dst_min 198.18.0.1" "dst_max 198.18.15.255" "flag IPDST_RND" \
			"src_mac 02:00:00:00:04:00" \
			"dst_mac 02:00:00:00:01:0$first" "dst_mac_count $count" "$@"; do
		pg "$dev" "$setting"
	done
}

# flood_go: pktgen sends, until flood_calm
flood_go()
{
	vr_bg pg pgctrl start
	FLOOD=$VR_PID
}

flood_calm()
{
	pg pgctrl stop
	wait "$FLOOD"
}

# flood_forget: the streams
flood_forget()
{
	pg kpktgend_1 rem_device_all
}

flood_end()
{
	flood_calm
	flood_forget
}

# flood_away: for how many ms the CPUs stood still so far, all in all; 0 if the rig does
# not tell
flood_away()
{
	cat "${VR_OUT:-/nowhere}/away" 2>/dev/null || echo 0
}

FLOOD_AWAY=10		# percent of CPU time without which losses say nothing

# flood_clock: the time, for flood_still
flood_clock()
{
	echo "$(flood_away) $(date +%s%3N)"
}

# flood_still CLOCK: for how many percent of the time since then the CPUs stood still
flood_still()
{
	local away=${1% *} begin=${1#* }

	echo $((($(flood_away) - away) * 100 / ($(date +%s%3N) - begin) / $(nproc)))
}

# flood_sent NAME: packets that a stream has sent, or tried to
flood_sent()
{
	awk '{ for (i = 1; i < NF; i++) if ($i == "pkts-sofar:" || $i == "errors:")
		n[$i] = $(i + 1) } END { print n["pkts-sofar:"] + n["errors:"] }' \
		"$PG/flood0@$1"
}

# flood_read: counters of each router, all in one dump
declare -A RX FWD DROP PUNT CPU
flood_read()
{
	local line ns=

	while IFS= read -r line; do
		case $line in
		*netns*) ns=${line##*:\"} ns=${ns%\"} ;;
		*rx-packets*) RX[$ns]=${line##*:} ;;
		*forwarded*) FWD[$ns]=${line##*:} ;;
		*dropped*) DROP[$ns]=${line##*:} ;;
		*punted*) PUNT[$ns]=${line##*:} ;;
		*cpu-ns*) CPU[$ns]=${line##*:} ;;
		esac
	done < <(vrctl -a -j stats | grep -oE \
		'"(netns":"[^"]*"|(rx|forwarded|dropped|punted)-packets":[0-9]*|cpu-ns":[0-9]*)')
}

# flood_mark: remember the counters
declare -A RX0 FWD0 DROP0 PUNT0 CPU0
flood_mark()
{
	local ns

	flood_read
	for ns in "${vr_spaces[@]}"; do
		RX0[$ns]=${RX[$ns]}
		FWD0[$ns]=${FWD[$ns]}
		DROP0[$ns]=${DROP[$ns]}
		PUNT0[$ns]=${PUNT[$ns]}
		CPU0[$ns]=${CPU[$ns]}
	done
}

# flood_overload PERCENT: make packets dearer until something comes, and no more than
# that part of it is forwarded, over two seconds
flood_overload()
{
	local try ns rx fwd

	for try in 1 2 3 4 5 6 7 8 9 10; do
		sleep 1		# queues fill, averages settle
		flood_mark
		sleep 2
		flood_read
		rx=0 fwd=0
		for ns in "${vr_spaces[@]}"; do
			rx=$((rx + RX[$ns] - RX0[$ns]))
			fwd=$((fwd + FWD[$ns] - FWD0[$ns]))
		done
		[ "$rx" -gt 0 ] || continue
		[ $((fwd * 100)) -gt $((rx * $1)) ] || return 0
		[ "$try" = 10 ] || flood_dearer
	done
	vr_fail "no overload with $FILTERS filters: $fwd of $rx packets are forwarded"
}
