#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The demo, in the guest; demo.sh starts it.
#
#   CPU 1: the hosts                 CPU 0: the routers
#   red.a  green.a  blue.a  gold.a
#     |101   |102    |103    |104
#     h0 ---------- wire ----------- r0  red0 green0 blue0 gold0
#                                         vr-red  vr-green  vr-blue  vr-gold
#     h1 ---------- wire ----------- r1  red1 green1 blue1 gold1
#     |101   |102    |103    |104
#   red.b  green.b  blue.b  gold.b
#
# Each tenant has a VLAN, and all have the same addresses: a is 10.0.0.2 and
# fd00::2, b is 10.0.1.2 and fd00:0:0:1::2, the router is .1 and ::1.
# shellcheck disable=SC2317 # called through each and check
set -uo pipefail
. "$(dirname "$0")/lib.sh"
. "$VR_ROOT/selftests/lib/run-load.sh"

TENANTS=(red green blue gold)
declare -A WEIGHT=([red]=1 [green]=2 [blue]=3 [gold]=4)
declare -A VLAN=([red]=101 [green]=102 [blue]=103 [gold]=104)
declare -A DOMAIN=([red]="netns red" [green]="netns green"
	[blue]="vrf blue" [gold]="vrf gold")
A4=10.0.0.2 B4=10.0.1.2 B6=fd00:0:0:1::2
SINK4=10.0.1.9 SINK_MAC=02:00:00:00:00:09
TCP_SECONDS=5 UDP_SECONDS=4 SHARE_SECONDS=8 PINGS=15
RING=2048		# descriptors in the NICs' receive rings
QUEUE=8192		# packets in a router's queue, to outlast the pauses that
			# an emulated CPU makes
TOLERANCE=5		# percent of the share
DIR=/run/demo
FAILED=0

if [ -n "${VR_COLOUR:-}" ]; then
	BOLD=$'\e[1m' PLAIN=$'\e[0m'
else
	BOLD='' PLAIN=''
fi

title() { printf '\n%s== %s%s\n' "$BOLD" "$*" "$PLAIN"; }
note() { printf '   %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }
fatal() { echo "demo: $*" >&2; exit 1; }

# check TEXT CMD...: one line of the verdict
check()
{
	local text=$1 word=ok
	shift

	"$@" || word=FAILED FAILED=1
	printf '%-7s %s\n' "$word" "$text"
}

# router NAME CMD...: in the network namespace of a router
router()
{
	local t=$1
	shift

	case ${DOMAIN[$t]} in
	netns*) ip netns exec "$t" "$@" ;;
	*) "$@" ;;
	esac
}

host() { ip netns exec "$@"; }

# each CMD...: run CMD TENANT for all of them at once, and wait
each()
{
	local t pids=()

	for t in "${TENANTS[@]}"; do
		"$@" "$t" &
		pids+=($!)
	done
	wait "${pids[@]}"
}

# --- set-up ---

load()
{
	vr_load "$VR_MODULE" || fatal "the module does not load"
	modprobe -a 8021q vrf pktgen || fatal "a module of the kernel is missing"
	export PATH=$VR_TOOLS:$PATH IP_LIB_DIR=$VR_IP_LIB
	mkdir -p "$DIR"
}

# ping wants time stamps on packets, and the kernel patches its receive path when
# the first one comes and the last one goes. QEMU's emulation has a race there
# that brings the kernel down (int3) while packets flow: let one ping stay.
keep_timestamps()
{
	ping -i 3600 127.0.0.1 >/dev/null 2>&1 &
	sleep 0.2
}

irq_of() { cat "/sys/class/net/$1/device/irq"; }

# The routers' NICs on CPU 0, the hosts' and all else on CPU 1.
place()
{
	local nic pid

	taskset -cp 1 $$ >/dev/null
	for nic in r0 r1 h0 h1; do
		ethtool -G "$nic" rx "$RING"
		ip link set "$nic" up
		case $nic in
		h*) echo 2 ;;
		*) echo 1 ;;
		esac >"/proc/irq/$(irq_of "$nic")/smp_affinity"
	done
	for nic in r0 r1; do
		echo 1 >"/proc/irq/$(irq_of "$nic")/smp_affinity"
	done
	# Where they share an interrupt with r0 or r1, their polls can still move.
	for nic in h0 h1; do
		case $(irq_of "$nic") in
		"$(irq_of r0)" | "$(irq_of r1)") ;;
		*) continue ;;
		esac
		echo 1 >"/sys/class/net/$nic/threaded"
		for pid in $(pgrep "^napi/$nic-"); do
			taskset -cp 1 "$pid" >/dev/null
		done
	done
}

make_host()
{
	local ns=$1 nic=$2 vlan=$3 net=$4

	ip netns add "$ns"
	ip link add link "$nic" name eth0 netns "$ns" type vlan id "$vlan"
	ip -n "$ns" addr add "10.0.$net.2/24" dev eth0
	ip -n "$ns" addr add "fd00:0:0:$net::2/64" dev eth0 nodad
	ip -n "$ns" link set lo up
	ip -n "$ns" link set eth0 up
	ip -n "$ns" route add default via "10.0.$net.1"
	ip -n "$ns" route add default via "fd00:0:0:$net::1"
}

make_router()
{
	local t=$1 side

	# shellcheck disable=SC2086 # two words
	show vrctl create "vr-$t" ${DOMAIN[$t]} weight "${WEIGHT[$t]}" \
		port "r0:${VLAN[$t]}=${t}0" port "r1:${VLAN[$t]}=${t}1" ||
		fatal "cannot make vr-$t"
	for side in 0 1; do
		router "$t" ip addr add "10.0.$side.1/24" dev "$t$side"
		router "$t" ip addr add "fd00:0:0:$side::1/64" dev "$t$side" nodad
	done
	# Floods go to a station that nobody is: h1's filter ends them for free.
	router "$t" ip neigh add "$SINK4" lladdr "$SINK_MAC" dev "${t}1" nud permanent
}

setup()
{
	local t

	title "1. Four routers on the same two NICs, weights 1 to 4"
	for t in "${TENANTS[@]}"; do
		make_host "$t.a" h0 "${VLAN[$t]}" 0
		make_host "$t.b" h1 "${VLAN[$t]}" 1
		make_router "$t"
	done
	# IPv6 has no switch for one VRF.
	sysctl -qw net.ipv6.conf.all.forwarding=1
	sleep 2
	show vrctl -a list
	note "The hosts of each have VLANs of their own, and all the same addresses."
}

# --- step 2: ping and traceroute ---

# ping_one TENANT ADDRESS COUNT OUTPUT
ping_one() { host "$1.a" ping -n -q -c "$3" -i 0.2 -W 2 "$2" >"$4" 2>&1; }

answered() { sed -n 's/.* \([0-9]*\) received.*/\1/p' "$1"; }
average() { sed -n 's|^rtt[^=]*= [^/]*/\([^/]*\)/.*|\1|p' "$1"; }

reach_one()
{
	local t=$1 v

	for v in 4 6; do
		local to=B$v
		ping_one "$t" "${!to}" 5 "$DIR/ping$v.$t"
		host "$t.a" traceroute -"$v" -n -q 1 -w 3 -m 4 "${!to}" 2>&1 |
			awk 'NR > 1 { printf "%s%s", sep, $2; sep = " -> " }' \
				>"$DIR/trace$v.$t"
	done
}

reach()
{
	local t

	title "2. ping and traceroute from host a to host b, IPv4 and IPv6"
	each reach_one
	for t in "${TENANTS[@]}"; do
		printf '%-6s ping %s of 5, %s of 5   traceroute %s, %s\n' "$t" \
			"$(answered "$DIR/ping4.$t")" "$(answered "$DIR/ping6.$t")" \
			"$(<"$DIR/trace4.$t")" "$(<"$DIR/trace6.$t")"
	done
}

# --- step 3: iperf3 ---

serve() { host "$1.b" iperf3 -s -D -I "$DIR/iperf3.$1.pid" >/dev/null; }

# iperf NAME OPTION... TENANT
iperf()
{
	local name=$1 t=${!#}

	host "$t.a" iperf3 -J "${@:2:$#-2}" -c "$B4" >"$DIR/$name.$t" 2>&1
}

# result NAME TENANT: Mbit/s that arrived, and percent lost if it is UDP
result()
{
	jq -r '.end | (.sum_received // .sum) as $s |
		"\($s.bits_per_second / 1e5 | round / 10) \($s.lost_percent // 0)"' \
		"$DIR/$1.$2" 2>/dev/null || echo "0 100"
}

traffic()
{
	local t tcp udp lost

	title "3. iperf3 through all four at once: TCP, then UDP with 4 Mbit/s each"
	each serve
	sleep 0.5
	each iperf tcp -t "$TCP_SECONDS"
	each iperf udp -t "$UDP_SECONDS" -u -b 4M -l 1200
	for t in "${TENANTS[@]}"; do
		read -r tcp _ < <(result tcp "$t")
		read -r udp lost < <(result udp "$t")
		echo "$tcp" >"$DIR/tcp-rate.$t"
		echo "$udp" >"$DIR/udp-rate.$t"
		printf '%-6s TCP %6.1f Mbit/s   UDP %4.1f Mbit/s, %.1f %% lost\n' \
			"$t" "$tcp" "$udp" "$lost"
	done
	for t in "${TENANTS[@]}"; do
		kill "$(tr -d '\0' <"$DIR/iperf3.$t.pid")"
	done
}

# --- steps 4 and 5: overload ---

pktgen() { echo "$2" >"/proc/net/pktgen/$1" || fatal "pktgen: $2"; }

mac_of() { router "$1" cat "/sys/class/net/$2/address"; }

# aim TENANT PPS: 60-byte packets from a's side, in bursts of 8
aim()
{
	local t=$1 pps=$2 line

	pktgen kpktgend_1 "add_device h0@$t"
	while read -r line; do
		pktgen "h0@$t" "$line"
	done <<-END
		count 0
		clone_skb 1000
		burst 8
		pkt_size 60
		delay $((8000000000 / pps))
		vlan_id ${VLAN[$t]}
		src_mac $(cat /sys/class/net/h0/address)
		dst_mac $(mac_of "$t" "${t}0")
		src_min $A4
		src_max $A4
		dst_min $SINK4
		dst_max $SINK4
		udp_src_min 9
		udp_src_max 9
		udp_dst_min 9
		udp_dst_max 9
	END
}

# flood PPS TENANT...: as many packets to each of them
flood()
{
	local pps=$1 t
	shift

	pktgen pgctrl reset
	while compgen -G "/proc/net/pktgen/h0*" >/dev/null; do
		sleep 0.1
	done
	for t; do
		aim "$t" "$pps"
	done
	(pktgen pgctrl start) &
	FLOOD=$!
	sleep 1
}

calm()
{
	pktgen pgctrl stop
	wait "$FLOOD"
	sleep 0.3
}

sent_by() { awk '$1 == "pkts-sofar:" { print $2; exit }' "/proc/net/pktgen/h0@$1"; }

# counters: a line of each router: name received forwarded punted dropped
# queued cpu-ns queue-packets
counters()
{
	vrctl -a -j show | jq -r '.[] | .stats as $s | [(.ifname | ltrimstr("vr-")),
		$s["rx-packets"], $s["forwarded-packets"], $s["punted-packets"],
		$s["dropped-packets"], $s["queued-packets"], $s["cpu-ns"],
		$s.drop["queue-packets"]] | @tsv'
}

nic() { ethtool -S "$1" | awk -v key="$2:" '$1 == key { print $2 }'; }

# snap: all counters now: routers, the generator, the wire
snap()
{
	local t

	echo "time $(date +%s%N)"
	echo "wire $(nic h0 tx_packets) $(nic r0 rx_packets)"
	awk '$1 == "cpu0" { print "cpu", $5, $2 + $3 + $4 + $5 + $6 + $7 + $8 }' /proc/stat
	for t in "${TENANTS[@]}"; do
		echo "sent $t $(sent_by "$t" 2>/dev/null)"
	done
	counters | sed 's/^/router /'
}

# compare BEFORE AFTER: what happened between two snaps, in packets and ns:
#   wire SENT RECEIVED IDLE-TICKS TICKS NS
#   ROUTER OFFERED RECEIVED FORWARDED PUNTED DROPPED CPU-NS
compare()
{
	awk 'NR == FNR {
			for (i = 2; i <= NF; i++)
				was[$1, ($1 ~ /router|sent/ ? $2 : ""), i] = $i
			next
		}
		$1 == "time" { ns = $2 - was["time", "", 2] }
		$1 == "wire" { wire = $2 - was["wire", "", 2] " " $3 - was["wire", "", 3] }
		$1 == "cpu" { ticks = $2 - was["cpu", "", 2] " " $3 - was["cpu", "", 3] }
		$1 == "sent" { sent[$2] = $3 - was["sent", $2, 3] }
		$1 == "router" {
			printf "%s %d", $2, sent[$2]
			for (i = 3; i <= 8; i++)
				if (i != 7) printf " %d", $i - was["router", $2, i]
			print ""
		}
		END { print "wire", wire, ticks, ns }' "$1" "$2"
}

# overloaded FILE: was every router offered more than it could forward, with
# something always waiting for the CPU?
overloaded()
{
	awk '$1 == "wire" { idle = $4 / $5; next }
		$3 < 1.2 * $4 { enough = 1 }
		END { exit enough || idle > 0.02 }' "$1"
}

# rates: add up what compare printed, a second:
#   wire LOST-PERCENT IDLE-PERCENT
#   ROUTER OFFERED RECEIVED FORWARDED PUNTED DROPPED CPU-SHARE SHARE
rates()
{
	awk '$1 == "wire" {
			for (i = 2; i <= 6; i++) wire[i] += $i
			next
		}
		!($1 in seen) { seen[$1]; name[++n] = $1 }
		{
			for (i = 2; i <= 7; i++) { d[$1, i] += $i; all[i] += $i }
		}
		END {
			s = wire[6] / 1e9
			if (!n || !s) exit
			lost = wire[2] > wire[3] ? 1 - wire[3] / wire[2] : 0
			printf "wire %.1f %.1f\n", 100 * lost, 100 * wire[4] / wire[5]
			for (i = 1; i <= n; i++) {
				printf "%s", name[i]
				for (j = 2; j <= 6; j++)
					printf " %d", d[name[i], j] / s
				printf " %.1f %.1f\n", 100 * d[name[i], 7] / (all[7] + 1e-9),
					100 * d[name[i], 4] / (all[4] + 1e-9)
			}
		}'
}

# measure SECONDS: keep the seconds in which there was overload in DIR/kept, and
# count them in KEPT, of SEEN; give up when there are few.
measure()
{
	KEPT=0 SEEN=0
	: >"$DIR/kept"
	snap >"$DIR/before"
	while [ "$KEPT" -lt "$1" ] && [ "$SEEN" -lt $((3 * $1)) ] &&
	      [ "$SEEN" -lt $((4 * KEPT + 5)) ]; do
		sleep 1
		snap >"$DIR/after"
		compare "$DIR/before" "$DIR/after" >"$DIR/second"
		mv "$DIR/after" "$DIR/before"
		SEEN=$((SEEN + 1))
		overloaded "$DIR/second" || continue
		cat "$DIR/second" >>"$DIR/kept"
		KEPT=$((KEPT + 1))
	done
}

# in_shares FILE: is each router's share of the CPU time its weight's, within the
# tolerance? That of the packets follows, but visits of a light router are shorter, and
# its packets dearer.
in_shares()
{
	awk -v w="$(weights)" -v tolerance="$TOLERANCE" 'BEGIN {
			n = split(w, f)
			for (i = 1; i < n; i += 2) { want[f[i]] = f[i + 1]; sum += f[i + 1] }
		}
		$1 != "wire" {
			share = 100 * want[$1] / sum
			if ($7 < share * (1 - tolerance / 100) ||
			    $7 > share * (1 + tolerance / 100))
				bad = 1
		}
		END { exit bad || NR == 0 }' "$1"
}

weights()
{
	local t

	for t in "${TENANTS[@]}"; do
		printf '%s %d ' "$t" "${WEIGHT[$t]}"
	done
}

# limit PACKETS TENANT
limit() { router "$2" vrctl set "vr-$2" limit-packets "$1"; }

# Offer more until every router gets more than its share.
shares()
{
	local pps

	title "4. Overload: 60-byte packets for all four, the same number for each"
	each limit "$QUEUE"
	for pps in 40000 60000 90000 135000; do
		flood $pps "${TENANTS[@]}"
		measure "$SHARE_SECONDS"
		calm
		[ "$KEPT" -lt "$SHARE_SECONDS" ] || break
	done
	each limit 1000
	PPS=$pps
	rates <"$DIR/kept" >"$DIR/shares"
	awk '$1 != "wire" { o += $2; f += $4; d += $6 }
		$1 == "wire" { lost = $2 }
		END {
			printf "   Offered %d packets/s, forwarded %d, ", o, f
			printf "dropped at the routers'"'"' queues %d,\n", d
			printf "   lost in the ring of the NIC %.1f %%.\n", lost
		}' "$DIR/shares"
	[ "$SEEN" = "$KEPT" ] || note "$KEPT of $SEEN seconds count: in the others" \
		"this machine was too busy to overload the routers."
}

# others TENANT: all but this one
others()
{
	local t

	for t in "${TENANTS[@]}"; do
		[ "$t" = "$1" ] || echo "$t"
	done
}

dropped_by() { counters | awk -v r="$1" '$1 == r { print $5 }'; }

latency()
{
	local t before names

	title "5. ping through each router, idle and while the other three are flooded"
	for t in "${TENANTS[@]}"; do
		ping_one "$t" "$B4" "$PINGS" "$DIR/idle.$t"
	done
	for t in "${TENANTS[@]}"; do
		mapfile -t names < <(others "$t")
		flood "$PPS" "${names[@]}"
		before=$(dropped_by "$t")
		ping_one "$t" "$B4" "$PINGS" "$DIR/busy.$t"
		echo $(($(dropped_by "$t") - before)) >"$DIR/busy-drops.$t"
		calm
		printf '%-6s idle %7s ms   flooded %7s ms, %s of %s answered\n' "$t" \
			"$(average "$DIR/idle.$t")" "$(average "$DIR/busy.$t")" \
			"$(answered "$DIR/busy.$t")" "$PINGS"
	done
}

# --- the end ---

# share_row TENANT: its line of DIR/shares, without the name
share_row() { awk -v r="$1" '$1 == r { $1 = ""; print }' "$DIR/shares"; }

reasons()
{
	vrctl -a -j show | jq -r --arg kind "$1" '
		[.[].stats[$kind] | to_entries[]] | group_by(.key) |
		map({key: .[0].key, sum: (map(.value) | add)}) |
		map(select(.sum > 0)) | sort_by(-.sum) |
		map("\(.key) \(.sum)") | join(", ")'
}

table()
{
	local t offered received forwarded punted dropped cpu share total=0

	for t in "${TENANTS[@]}"; do
		total=$((total + WEIGHT[$t]))
	done
	title "The result"
	echo "        weight  offered received forwarded  dropped punted  forw.   CPU weight   ping, ms"
	echo "                     packets a second, step 4            share share share  idle flooded"
	for t in "${TENANTS[@]}"; do
		read -r offered received forwarded punted dropped cpu share \
			< <(share_row "$t")
		printf '%-9s%5d%9d%9d%10d%9d%7d%6s%%%5s%%%4d%%%7s%7s\n' "$t" \
			"${WEIGHT[$t]}" "$offered" "$received" "$forwarded" \
			"$dropped" "$punted" "$share" "$cpu" \
			$((100 * WEIGHT[$t] / total)) \
			"$(average "$DIR/idle.$t")" "$(average "$DIR/busy.$t")"
	done
	note "All dropped: $(reasons drop)"
	note "All punted to the Linux stack: $(reasons punt)"
}

all_active() { [ "$(vrctl -a -j list | jq '[.[] | select(.state == "active")] | length')" = 4 ]; }

all_pings()
{
	local t

	for t in "${TENANTS[@]}"; do
		[ "$(answered "$DIR/ping4.$t") $(answered "$DIR/ping6.$t") $(answered "$DIR/idle.$t")" = \
			"5 5 $PINGS" ] || return
	done
}

all_traces()
{
	local t

	for t in "${TENANTS[@]}"; do
		[ "$(<"$DIR/trace4.$t")" = "10.0.0.1 -> $B4" ] || return
		[ "$(<"$DIR/trace6.$t")" = "fd00::1 -> $B6" ] || return
	done
}

through_each()
{
	local t

	for t in "${TENANTS[@]}"; do
		awk '$1 <= 0 { exit 1 }' "$DIR/tcp-rate.$t" "$DIR/udp-rate.$t" || return
	done
}

enough() { [ "$KEPT" -ge $((SHARE_SECONDS / 2)) ]; }

all_light()
{
	local t

	for t in "${TENANTS[@]}"; do
		[ "$(<"$DIR/busy-drops.$t")" = 0 ] || return
		[ "$(answered "$DIR/busy.$t")" -ge $((PINGS * 2 / 3)) ] || return
	done
}

sums() { counters | awk '$2 != $3 + $4 + $5 + $6 { exit 1 }'; }

clean()
{
	dmesg >"$DIR/dmesg"
	! vr_splat "$DIR/dmesg"
}

remove()
{
	local t

	for t in "${TENANTS[@]}"; do
		# shellcheck disable=SC2046 # two words
		vrctl delete "vr-$t" $(case ${DOMAIN[$t]} in netns*) echo "${DOMAIN[$t]}" ;; esac) \
			purge >/dev/null || return
	done
	rmmod vrouter
}

verdict()
{
	title "Checks"
	check "the data plane of all four routers is active" all_active
	check "all pings answered, IPv4 and IPv6" all_pings
	check "traceroute shows the router, then the host" all_traces
	check "TCP and UDP through each" through_each
	check "every router was offered more than it could forward" enough
	check "share of the CPU time is the weight's, within $TOLERANCE %" \
		in_shares "$DIR/shares"
	check "a light router's queue drops nothing while the others are flooded" all_light
	check "received = forwarded + punted + dropped + queued, in each router" sums
	check "routers deleted, module unloaded" remove
	check "nothing amiss in the kernel log" clean
}

load
keep_timestamps
place
setup
reach
traffic
shares
latency
table
verdict
[ -z "${VR_OUT:-}" ] || cp "$DIR"/* "$VR_OUT"/
exit $FAILED
