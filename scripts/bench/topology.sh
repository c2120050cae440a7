# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The things that bench-forward.sh compares, each in network namespaces of its
# own. In the uml rig only; sourced by guest.sh.
#
# Each has two NICs in namespace b-PEER, eth0 and eth1. Packets come in on eth0
# for MAC address number MAC, and leave by eth1. For live frames the NICs are
# dummy devices; for pktgen they are veth, whose other ends are g0, where pktgen
# runs, in the same namespace, and s1, in namespace s-PEER, which drops what it
# gets, as it is for another MAC address.
#
# The routes: connected ones to 198.51.100.0/24 and fd00:0:1::/64 on eth0, to
# 192.0.2.0/24 and fd00:0:2::/64 on eth1, and $ROUTES ones by the gateways 2 to 9
# on eth1, whose MAC addresses are fixed, so that nothing waits for a neighbour.
#
# Who sources this may set BENCH_GATEWAYS, how many gateways; BENCH_TABLE, a file of
# routes instead of these, see routes.c; BENCH_DESTS, a file of destinations, see
# frames.c.

BENCH_GATEWAYS=${BENCH_GATEWAYS:-8}

# A process costs some 10 ms in this rig, hence no $(...) in what is done often.

# bench_sysctls: new namespaces take their settings from the first one
bench_sysctls()
{
	sysctl -qw net.core.devconf_inherit_init_net=1 \
		net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv6.conf.default.forwarding=1 \
		net.ipv4.neigh.default.gc_thresh{1,2,3}=262144 \
		net.ipv6.neigh.default.gc_thresh{1,2,3}=262144 \
		net.ipv6.route.max_size=2147483647
}

# bench_mac NUMBER: the address in $mac, as in frames/packet.c
bench_mac()
{
	printf -v mac '02:76:72:%02x:%02x:%02x' \
		$(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255))
}

# bench_neighbours DEV: ip batch lines for the gateways
bench_neighbours()
{
	local g x

	for ((g = 2; g < 2 + BENCH_GATEWAYS; g++)); do
		printf -v x %02x "$g"
		echo "neigh add 192.0.2.$g lladdr 02:76:72:fe:00:$x dev $1 nud permanent"
		echo "neigh add fd00:0:2::$x lladdr 02:76:72:fe:00:$x dev $1 nud permanent"
	done
}

# bench_addresses IN OUT: ip batch lines
bench_addresses()
{
	cat <<-EOT
		addr add 198.51.100.1/24 dev $1
		addr add fd00:0:1::1/64 dev $1 nodad
		addr add 192.0.2.1/24 dev $2
		addr add fd00:0:2::1/64 dev $2 nodad
		link set $1 up
		link set $2 up
	EOT
}

# bench_routes DEV TABLE NETNS...
bench_routes()
{
	local dev=$1 table=$2
	shift 2

	"$VR_BENCH/routes" ${BENCH_TABLE:+-f "$BENCH_TABLE"} "$ROUTES" \
		"$BENCH_GATEWAYS" "$dev" "$table" "$@"
}

# bench_router NETNS IN OUT [TABLE]: let it forward from device IN to OUT
bench_router()
{
	{
		bench_addresses "$2" "$3"
		bench_neighbours "$3"
	} | ip -n "$1" -batch -
	bench_routes "$3" "${4:-254}" "$1" >&2
}

# bench_nics PEER [MAC]: make the namespaces and the NICs; MAC: number of eth0's
# address, 0 if the NIC itself takes the packets
bench_nics()
{
	local ns=b-$1 mac mac0

	bench_mac "${2:-0}"
	mac0=$mac
	bench_mac $((${2:-0} + 4096))
	ip netns add "$ns"
	if [ "$HARNESS" = live ]; then
		ip -n "$ns" -batch - <<-EOT
			link add eth0 address $mac0 type dummy
			link add eth1 address $mac type dummy
			link set eth0 up arp on
			link set eth1 up arp on
		EOT
	else
		ip netns add "s-$1"
		ip -n "$ns" -batch - <<-EOT
			link add eth0 address $mac0 type veth peer name g0
			link add eth1 address $mac type veth peer name s1 netns s-$1
			link set g0 addrgenmode none
			link set eth0 up
			link set eth1 up
			link set g0 up
		EOT
		ip -n "s-$1" link set s1 addrgenmode none up
	fi
}

# bench_cell NAME PEER MAC COUNT SHIFT [ACTION [SINK]]: print the lines for
# frames.c, for each family
bench_cell()
{
	local family in=eth0

	if [ "$HARNESS" != live ]; then
		# pktgen sends no runs
		[ "$5" -eq 0 ] || return 0
		in=g0
	fi
	for family in $FAMILIES; do
		echo "$HARNESS $1 $family $ROUTES b-$2 $in ${7:-eth1} ${6:-pass} $3 $4 $5" \
			"${BENCH_DESTS:-}"
	done
}

# ---- the peers ----

peer_plain()
{
	bench_nics plain
	bench_router b-plain eth0 eth1
	bench_cell plain plain 0 1 0
}

peer_vrf()
{
	bench_nics vrf
	ip -n b-vrf -batch - <<-EOT
		link add red type vrf table 10
		link set red up
		link set eth0 master red
		link set eth1 master red
	EOT
	bench_router b-vrf eth0 eth1 10
	bench_cell vrf vrf 0 1 0
}

# bench_many PEER COUNT LINK-TYPE...: COUNT routers in namespaces r-PEER-NUMBER,
# with devices of that type on the two NICs that they share
bench_many()
{
	local peer=$1 count=$2 i mac file=/tmp/bench-$1 spaces=()
	shift 2

	bench_nics "$peer" 65536
	for ((i = 0; i < count; i++)); do
		spaces+=("r-$peer-$i")
		echo "netns add r-$peer-$i"
	done >"$file"
	ip -batch "$file"
	for ((i = 0; i < count; i++)); do
		bench_mac "$i"
		echo "link add link eth0 name in0 address $mac netns r-$peer-$i type $*"
		bench_mac $((4096 + i))
		echo "link add link eth1 name out0 address $mac netns r-$peer-$i type $*"
	done >"$file"
	ip -n "b-$peer" -batch "$file"
	{
		bench_addresses in0 out0
		bench_neighbours out0
		[ "$1" != vrport ] || echo "link add vr0 up type vrouter"
	} >"$file"
	for i in "${spaces[@]}"; do
		ip -n "$i" -batch "$file"
	done
	bench_routes out0 254 "${spaces[@]}" >&2
	[ "$1" != vrport ] || bench_settle "${spaces[-1]}"
}

# bench_settle NETNS: until the router there has taken in its routes
bench_settle()
{
	local _

	for _ in {1..600}; do
		sleep 0.1
		vrctl -n "$1" -j show >/tmp/router
		if jq -e ".[0] | .state == \"active\" and .routes4 >= $ROUTES and
				.routes6 >= $ROUTES" /tmp/router >/dev/null; then
			return 0
		fi
	done
	echo "the router in $1 is not ready" >&2
	return 1
}

# bench_number NAME: how many routers a peer has, in $count: its name says so
bench_number()
{
	count=${1##*[a-z]}
	count=${count:-1}
}

# bench_group PEER LINK-TYPE...: peers of several routers, in turn and, if they are
# many enough to matter, in runs of 16
bench_group()
{
	local peer=$1 count
	shift

	bench_number "$peer"
	bench_many "$peer" "$count" "$@"
	bench_cell "$peer" "$peer" 0 "$count" 0
	[ "$count" -eq 1 ] || bench_cell "$peer-runs" "$peer" 0 "$count" 4
	# what the others cost that have nothing to do
	[ "$count" -lt 64 ] || bench_cell "$peer-one" "$peer" 0 1 0
}

# bench_peer PEER: vrouter, vrouter64, ..., or one of the functions below
bench_peer()
{
	case $1 in
	vrouter*) bench_group "$1" vrport ;;
	macvlan*) bench_group "$1" macvlan mode bridge ;;
	*) "peer_$1" ;;
	esac
}

# bench_queued PEER COUNT QDISC: vrouter, with a qdisc on the NIC that frames leave by
bench_queued()
{
	bench_many "$1" "$2" vrport
	tc -n "b-$1" qdisc add dev eth1 root "$3"
	bench_cell "$1" "$1" 0 "$2" 0
}

peer_fqcodel() { bench_queued fqcodel 1 fq_codel; }
peer_fqcodel64() { bench_queued fqcodel64 64 fq_codel; }
peer_qdisc() { bench_queued qdisc 1 vrouter; }
peer_qdisc64() { bench_queued qdisc64 64 vrouter; }

# the harness itself: frames dropped by the XDP program
peer_xdpdrop()
{
	bench_nics xdpdrop
	bench_cell xdpdrop xdpdrop 0 1 0 drop -
}

# the harness and the making of the packets: frames for an unknown address
peer_floor()
{
	bench_nics floor
	bench_router b-floor eth0 eth1
	bench_cell floor floor 99 1 0 pass -
}

# NIC to NIC, no routing
peer_mirred()
{
	bench_nics mirred
	tc -n b-mirred qdisc add dev eth0 clsact
	tc -n b-mirred filter add dev eth0 ingress matchall \
		action mirred egress redirect dev eth1
	bench_cell mirred mirred 0 1 0
}

# a router in a guest, as Xen and others attach one: a bridge to each NIC
peer_bridge()
{
	local g mac in

	bench_nics bridge 65536
	bench_mac 0
	in=$mac
	bench_mac 4096
	ip netns add r-bridge
	ip -n b-bridge -batch - <<-EOT
		link add br0 type bridge mcast_snooping 0
		link add br1 type bridge mcast_snooping 0
		link add v0 type veth peer name in0 address $in netns r-bridge
		link add v1 type veth peer name out0 address $mac netns r-bridge
		link set eth0 master br0
		link set eth1 master br1
		link set v0 master br0 up
		link set v1 master br1 up
		link set br0 up
		link set br1 up
	EOT
	bench_router r-bridge in0 out0
	for ((g = 2; g < 2 + BENCH_GATEWAYS; g++)); do
		bridge -n b-bridge fdb add "02:76:72:fe:00:0$g" dev eth1 master static
	done
	bench_cell bridge bridge 0 1 0
}

peer_flowtable()
{
	bench_nics flowtable
	bench_router b-flowtable eth0 eth1
	ip netns exec b-flowtable nft -f - <<-EOT
		table inet bench {
			flowtable fast {
				hook ingress priority 0
				devices = { eth0, eth1 }
			}
			chain forward {
				type filter hook forward priority 0
				meta l4proto udp flow add @fast
			}
		}
	EOT
	ip netns exec b-flowtable sysctl -qw \
		net.netfilter.nf_conntrack_udp_timeout=3600 \
		net.netfilter.nf_flowtable_udp_timeout=3600
	bench_cell flowtable flowtable 0 1 0
}
