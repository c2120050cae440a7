# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the vrouter selftests share. A test sources this file, calls vr_setup,
# then vr_test once for each result, and vr_finish at the end:
#
#	. "$(dirname "$0")/lib/common.sh"
#	vr_setup
#	vr_topology
#	t_ping() { vr_ping "$h0" 10.0.1.2; }
#	vr_test "ping through the router" t_ping
#	vr_finish
#
# A test function fails by vr_fail, by a vr_expect that does not hold, or by
# its status; vr_skip skips it. It runs in the test's own shell.
#
# Everything is made in namespaces of the test's own, and goes with them.
# Waiting is vr_wait with a deadline.
#
# Variables that vr_topology sets: host (namespace of the NICs), r (of the
# router and its ports), h0 and h1 (of the hosts), VRF (name or empty).

set -u
host='' r='' h0='' h1='' VRF=''

: "${VR_RIG:=host}"
VR_SELFTESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export VR_SELFTESTS

if [ ! -f "${KSFT_DIR:-}/kselftest/ktap_helpers.sh" ]; then
	echo "1..0 # SKIP KSFT_DIR has no kselftest/ktap_helpers.sh"
	exit 4
fi
# shellcheck disable=SC1091 # the kernel's
. "$KSFT_DIR/kselftest/ktap_helpers.sh"

# ---- results ---------------------------------------------------------------

vr_failures=()		# of the test that runs
vr_skipped=		# why the test that runs is skipped
vr_running=		# its name
vr_finished=

vr_diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# vr_fail TEXT...: the test that runs has failed; returns 1
vr_fail()
{
	vr_failures+=("$*")
	return 1
}

# vr_skip REASON...: skip the test that runs; use as: vr_skip why; return
vr_skip()
{
	vr_skipped=$*
}

# vr_expect WHAT EXPECTED ACTUAL: both are the same
vr_expect()
{
	[ "$2" = "$3" ] || vr_fail "$1: expected '$2', got '$3'"
}

# vr_expect_num WHAT ACTUAL OP NUMBER: OP is one of -eq -ne -lt -le -gt -ge
vr_expect_num()
{
	case $2 in
	'' | *[!0-9-]*) vr_fail "$1: expected a number $3 $4, got '$2'" ;;
	*) test "$2" "$3" "$4" || vr_fail "$1: expected $3 $4, got $2" ;;
	esac
}

# vr_expect_text WHAT PART TEXT: TEXT contains PART
vr_expect_text()
{
	case $3 in
	*"$2"*) ;;
	*) vr_fail "$1: expected text with '$2', got '$3'" ;;
	esac
}

# vr_ok CMD...: it succeeds; its output is shown when not
vr_ok()
{
	local out rc

	out=$("$@" 2>&1)
	rc=$?
	[ $rc -eq 0 ] || vr_fail "expected success, got status $rc: $*: $out"
}

# vr_refuse TEXT CMD...: it fails and says TEXT
vr_refuse()
{
	local part=$1 out
	shift

	if out=$("$@" 2>&1); then
		vr_fail "expected a refusal with '$part', got success: $*"
	else
		vr_expect_text "refusal of: $*" "$part" "$out"
	fi
}

# vr_taken ROUTER: what a second router in its domain is refused with; before Linux 6.2
# texts cannot hold names
vr_taken()
{
	case $(uname -r) in
	6.1.*) echo "A router drives this domain already" ;;
	*) echo "Router $1 drives this domain already" ;;
	esac
}

# vr_failed NAME: it has failed; print that, and why
vr_failed()
{
	local line

	for line in "${vr_failures[@]}"; do
		vr_diag "$line"
	done
	ktap_test_fail "$1"
	[ -z "${VR_DEBUG:-}" ] || vr_debug
}

# What bash calls where there is no such command or function, in a process of its own.
command_not_found_handle()
{
	[ -z "$vr_tmp" ] || echo "$1" >>"$vr_tmp/no-command"
	echo "no command $1" >&2
	return 127
}

# vr_missed: a test that calls what is not there has looked at less than it says
vr_missed()
{
	local name

	[ -s "$vr_tmp/no-command" ] || return 0
	while read -r name; do
		vr_fail "no command $name"
	done <"$vr_tmp/no-command"
	rm "$vr_tmp/no-command"
}

# vr_lost: was there a test that did not come to its end? An error in arithmetic, a
# division by zero for one, ends the script's whole command, vr_test with it, and
# bash goes on with the next: that the test is missing would be all that one saw.
vr_lost()
{
	local name=$vr_running

	[ -n "$name" ] || return 0
	vr_running=
	KSFT_NUM_TESTS=$((KSFT_NUM_TESTS + 1))
	vr_fail "bash ended it, as it does when arithmetic fails"
	vr_failed "$name"
}

# vr_test NAME CMD...: run CMD, print its result
vr_test()
{
	local name=$1 rc
	shift

	vr_lost
	vr_failures=()
	vr_skipped=
	vr_running=$name
	"$@"
	rc=$?
	vr_running=
	vr_missed
	KSFT_NUM_TESTS=$((KSFT_NUM_TESTS + 1))
	if [ -n "$vr_skipped" ] && [ ${#vr_failures[@]} -eq 0 ]; then
		ktap_test_skip "$name ($vr_skipped)"
		return 0
	fi
	if [ $rc -eq 0 ] && [ ${#vr_failures[@]} -eq 0 ]; then
		ktap_test_pass "$name"
		return 0
	fi
	[ ${#vr_failures[@]} -gt 0 ] || vr_failures=("status $rc of: $*")
	vr_failed "$name"
	return 1
}

# vr_debug: what one wants to see after a failure (VR_DEBUG=1)
vr_debug()
{
	local ns

	for ns in "${vr_spaces[@]}"; do
		vr_diag "--- $ns"
		vr_diag "$(ip -n "$ns" -br addr; ip -n "$ns" neigh;
			vrctl -n "$ns" show; vrctl -n "$ns" port list)"
	done 2>&1
}

# vr_bail TEXT...: the test cannot go on
vr_bail()
{
	vr_finished=1
	ktap_exit_fail_msg "$*"
}

# vr_skip_all REASON...
vr_skip_all()
{
	vr_finished=1
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

# vr_finish: print the plan and the sums; exits
vr_finish()
{
	vr_lost
	[ ! -s "$vr_tmp/no-command" ] || vr_test "after the last test" true
	vr_finished=1
	echo "1..$KSFT_NUM_TESTS"
	ktap_finished
}

# vr_need_tool TOOL...: skip everything when one is missing
vr_need_tool()
{
	local tool

	for tool; do
		command -v "$tool" >/dev/null || vr_skip_all "no $tool"
	done
}

# ---- beginning and end -----------------------------------------------------

vr_spaces=()		# namespaces of this test
vr_links=()		# devices of this test in the initial namespace
vr_pids=()		# background jobs of this test
vr_pairs=()		# "RIG-NUMBER NIC NIC-NAMESPACE PEER PEER-NAMESPACE"
vr_tmp=			# a directory for files

# vr_setup: call it first
vr_setup()
{
	if [ "$(id -u)" -ne 0 ]; then
		vr_skip_all "needs root"
	fi
	[ -d /sys/module/vrouter ] || vr_skip_all "the module is not loaded"
	vr_need_tool ip vrctl
	vr_tmp=$(mktemp -d) || vr_bail "no temporary directory"
	trap vr_exit EXIT
	trap 'exit 130' INT TERM
	ktap_print_header
}

vr_exit()
{
	local rc=$?

	trap - EXIT
	vr_cleanup
	rm -rf "$vr_tmp"
	if [ -z "$vr_finished" ]; then
		echo "Bail out! the test ended before its end, with status $rc"
		[ $rc -ne 0 ] || rc=1
	fi
	exit $rc
}

# vr_cleanup: take away all that was made; may be called in between, too
vr_cleanup()
{
	local item pid

	for pid in "${vr_pids[@]}"; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	vr_pids=()
	vr_give_back
	for item in "${vr_links[@]}"; do
		ip link del "$item" 2>/dev/null
	done
	vr_links=()
	for item in "${vr_spaces[@]}"; do
		[ -z "${VR_PID:-}" ] ||
			ip netns pids "$item" 2>/dev/null | xargs -r kill 2>/dev/null
		ip netns del "$item" 2>/dev/null
	done
	vr_spaces=()
}

# vr_bg CMD...: run it in the background until the end; sets VR_PID
vr_bg()
{
	"$@" &
	VR_PID=$!
	vr_pids+=("$VR_PID")
}

# vr_bg_in NAMESPACE CMD...: the same there, so that VR_PID is CMD's own
vr_bg_in()
{
	ip netns exec "$@" &
	VR_PID=$!
	vr_pids+=("$VR_PID")
}

# vr_kill PID [SIGNAL]: end a background job of ours, wait for its end
vr_kill()
{
	kill "-${2:-TERM}" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# ---- waiting ---------------------------------------------------------------

# vr_wait SECONDS CMD...: until CMD succeeds; status 1 when it never does
vr_wait()
{
	local end=$((SECONDS + $1))
	shift

	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# vr_wait_for SECONDS WHAT CMD...: as vr_wait, with a failure that says WHAT
vr_wait_for()
{
	local limit=$1 what=$2
	shift 2

	vr_wait "$limit" "$@" || vr_fail "not within $limit s: $what"
}

vr_not()
{
	! "$@"
}

# vr_same EXPECTED CMD...: CMD prints EXPECTED
vr_same()
{
	local expected=$1
	shift
	[ "$("$@" 2>/dev/null)" = "$expected" ]
}

# ---- namespaces and NICs ---------------------------------------------------

# vr_ns VARIABLE...: make a namespace for each, its unique name in the variable
vr_ns()
{
	local var name

	for var; do
		name=vr-$$-$var
		ip netns add "$name" || vr_bail "cannot make namespace $name"
		vr_spaces+=("$name")
		printf -v "$var" %s "$name"
		ip -n "$name" link set lo up
		# no waiting for duplicate addresses, no noise
		vr_sysctl "$name" net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.default.router_solicitations=0 \
			net.ipv4.conf.all.rp_filter=0 \
			net.ipv4.conf.default.rp_filter=0
	done
}

# vr_in NAMESPACE CMD...: run it there; "" is the initial namespace
vr_in()
{
	local ns=$1
	shift
	if [ -n "$ns" ]; then
		ip netns exec "$ns" "$@"
	else
		"$@"
	fi
}

# vr_ip NAMESPACE ARG...: ip there; "" is the initial namespace
vr_ip()
{
	local ns=$1
	shift
	ip ${ns:+-n "$ns"} "$@"
}

# vr_sysctl NAMESPACE NAME=VALUE...
vr_sysctl()
{
	local ns=$1
	shift
	vr_in "$ns" sysctl -qw "$@"
}

# vr_pair_veth NIC NIC-NAMESPACE PEER PEER-NAMESPACE
vr_pair_veth()
{
	ip link add "$1" ${2:+netns "$2"} type veth peer name "$3" ${4:+netns "$4"} ||
		vr_bail "cannot make veth $1"
	[ -n "$2" ] || vr_links+=("$1")
	[ -n "$4" ] || vr_links+=("$3")
}

# vr_pair_e1000 NIC NIC-NAMESPACE PEER PEER-NAMESPACE: the next pair of the
# guest that nobody uses; status 1 when there is none
vr_pair_e1000()
{
	local i

	for i in 0 1 2 3 4 5 6 7; do
		if [ ! -e "/sys/class/net/r$i" ] || [ ! -e "/sys/class/net/h$i" ]; then
			continue
		fi
		vr_pairs+=("$i $1 ${2:--} $3 ${4:--}")
		ip link set "r$i" down
		ip link set "h$i" down
		ip link set "r$i" ${2:+netns "$2"} name "$1" ||
			vr_bail "cannot take NIC r$i"
		ip link set "h$i" ${4:+netns "$4"} name "$3" ||
			vr_bail "cannot take NIC h$i"
		return 0
	done
	return 1
}

# vr_nic_pair NIC [NIC-NAMESPACE [PEER [PEER-NAMESPACE]]]: two NICs on one wire,
# called NIC and PEER (NICp): e1000 in the guest while there are any, else veth.
# VR_NIC=veth takes veth in any case. Both are up after it.
vr_nic_pair()
{
	local nic=$1 ns=${2:-} peer=${3:-${1}p} peerns=${4:-}

	if [ "$VR_RIG" != guest ] || [ "${VR_NIC:-}" = veth ] ||
	   ! vr_pair_e1000 "$nic" "$ns" "$peer" "$peerns"; then
		vr_pair_veth "$nic" "$ns" "$peer" "$peerns"
	fi
	vr_ip "$ns" link set "$nic" up
	vr_ip "$peerns" link set "$peer" up
	vr_wait 20 vr_carrier "$ns" "$nic" || vr_bail "no carrier on $nic"
	vr_wait 20 vr_carrier "$peerns" "$peer" || vr_bail "no carrier on $peer"
}

# vr_carrier NAMESPACE DEVICE: has it carrier?
vr_carrier()
{
	case $(vr_ip "$1" link show "$2" 2>/dev/null) in
	*LOWER_UP*) return 0 ;;
	esac
	return 1
}

# vr_give_back: the guest's NICs go back to where they were
vr_give_back()
{
	local pair n nic ns peer peerns

	for pair in "${vr_pairs[@]}"; do
		read -r n nic ns peer peerns <<<"$pair"
		vr_give_back_one "$nic" "${ns#-}" "r$n"
		vr_give_back_one "$peer" "${peerns#-}" "h$n"
	done
	vr_pairs=()
}

# vr_give_back_one DEVICE NAMESPACE NAME
vr_give_back_one()
{
	ip ${2:+-n "$2"} -force -batch - >/dev/null 2>&1 <<-END
		link set $1 nomaster
		link set $1 down
		addr flush dev $1
		link set $1 mtu 1500 promisc off allmulticast off multicast on
		link set $1 ${2:+netns 1} name $3
	END
	[ -e "/sys/class/net/$3" ] || vr_diag "cannot give back $1 as $3"
}

# vr_mac NAMESPACE DEVICE: print its MAC address
vr_mac()
{
	vr_ip "$1" link show "$2" | sed -n 's/^ *link\/ether \([^ ]*\).*/\1/p'
}

# vr_index NAMESPACE DEVICE: print its index
vr_index()
{
	vr_ip "$1" -o link show "$2" | cut -d: -f1
}

# ---- a router between two hosts --------------------------------------------

# vr_topology [-m netns|vrf] [-n static|learned] [-d]
#   h0 (eth0 10.0.0.2 fd00::2) -- eth0 red0 (10.0.0.1 fd00::1) \ vr-red
#   h1 (eth0 10.0.1.2 fd01::2) -- eth1 red1 (10.0.1.1 fd01::1) /
# NICs in namespace $host. With -m netns the ports and the router are in
# namespace $r; with -m vrf they are in VRF red (table 100) of $host, and $r
# is $host. -n: neighbours (static). -d: leave the router down.
# The router's ports have the MAC addresses 02:00:00:00:00:a0 and ...a1, the
# hosts 02:00:00:00:00:b0 and ...b1.
vr_topology()
{
	local mode=netns neigh=static up=1 opt OPTIND=1

	while getopts m:n:d opt; do
		case $opt in
		m) mode=$OPTARG ;;
		n) neigh=$OPTARG ;;
		d) up= ;;
		*) vr_bail "vr_topology: bad option" ;;
		esac
	done
	vr_ns host h0 h1
	VRF=
	if [ "$mode" = vrf ]; then
		r=$host
		VRF=red
		vr_batch "$r" <<-END
			link add $VRF type vrf table 100
			link set $VRF up
			route add vrf $VRF unreachable default metric 4278198272
			route add vrf $VRF unreachable ::/0 metric 4278198272
		END
	else
		vr_ns r
	fi
	vr_sysctl "$r" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	vr_topology_side 0 "$h0" "$neigh"
	vr_topology_side 1 "$h1" "$neigh"
	ip -n "$r" link add vr-red ${VRF:+master "$VRF"} type vrouter ||
		vr_bail "cannot make the router"
	[ -z "$up" ] || vr_router_up "$r" vr-red
}

# vr_topology_side I HOST-NAMESPACE NEIGHBOURS
vr_topology_side()
{
	local i=$1 h=$2 static=#

	[ "$3" != static ] || static=
	vr_nic_pair "eth$i" "$host" eth0 "$h"
	ip -n "$host" link add link "eth$i" name "red$i" address "02:00:00:00:00:a$i" \
		netns "$r" type vrport || vr_bail "cannot make port red$i"
	vr_batch "$r" <<-END
		link set red$i ${VRF:+master $VRF} up
		addr add 10.0.$i.1/24 dev red$i
		addr add fd0$i::1/64 dev red$i nodad
		${static}neigh replace 10.0.$i.2 lladdr 02:00:00:00:00:b$i dev red$i
		${static}neigh replace fd0$i::2 lladdr 02:00:00:00:00:b$i dev red$i
	END
	vr_batch "$h" <<-END
		link set eth0 address 02:00:00:00:00:b$i
		addr add 10.0.$i.2/24 dev eth0
		addr add fd0$i::2/64 dev eth0 nodad
		route add default via 10.0.$i.1
		route add ::/0 via fd0$i::1
		${static}neigh replace 10.0.$i.1 lladdr 02:00:00:00:00:a$i dev eth0
		${static}neigh replace fd0$i::1 lladdr 02:00:00:00:00:a$i dev eth0
	END
}

# vr_batch NAMESPACE: ip's command lines on stdin, there, by one process
vr_batch()
{
	local out

	out=$(ip -n "$1" -batch - 2>&1) || vr_bail "ip in $1: $out"
}

# vr_router_up NAMESPACE ROUTER: up, and active; bails out when not
vr_router_up()
{
	vr_ip "$1" link set "$2" up || vr_bail "cannot set $2 up"
	vr_wait 30 vr_is_state "$1" "$2" active ||
		vr_bail "$2 is not active: $(vrctl ${1:+-n "$1"} show "$2" 2>&1)"
}

# ---- the router's state and counters ---------------------------------------

# vr_state NAMESPACE ROUTER: print down, fallback or active
vr_state()
{
	local line

	line=$(vrctl ${1:+-n "$1"} show "$2") || return 1
	line=${line%%$'\n'*}
	line=${line#"$2": }
	printf '%s\n' "${line%% *}"
}

# vr_is_state NAMESPACE ROUTER STATE
vr_is_state()
{
	[ "$(vr_state "$1" "$2")" = "$3" ]
}

# vr_count NAMESPACE ROUTER: read all counters into the array C: received,
# forwarded, punted, dropped, queued (packets), the same with _bytes, and
# punt.REASON and drop.REASON; state, fallback, weight, routes4, routes6,
# ports, nexthops, resyncs
declare -A C=()
vr_count()
{
	local text line part=''
	local -a lines w

	text=$(vrctl ${1:+-n "$1"} -d show "$2") || return 1
	local IFS=$'\n'
	C=()
	# not by read, which asks the kernel for each byte
	set -f
	# shellcheck disable=SC2206 # words are what we want
	lines=($text)
	IFS=' '
	for line in "${lines[@]}"; do
		# shellcheck disable=SC2206
		w=($line)
		case $line in
		"$2: "*)
			C[state]=${w[1]}
			C[fallback]=${w[2]:-}
			C[fallback]=${C[fallback]//[(:]/}
			;;
		"punted, by"* | "  punted, by"*) part=punt ;;
		"dropped, by"* | "  dropped, by"*) part=drop ;;
		"  delay in"*) part= ;;
		"    "[a-z]*) [ -z "$part" ] || C[$part.${w[0]}]=${w[1]} ;;
		"  received "* | "  forwarded "* | "  punted "* | "  dropped "* | \
			"  queued  "*)
			C[${w[0]}]=${w[1]}
			C[${w[0]}_bytes]=${w[3]}
			;;
		"  weight "* | "  ports "* | "  netfilter "*) C[${w[0]}]=${w[1]} ;;
		"  queue limit"*)
			C[limit_packets]=${w[2]}
			C[limit_bytes]=${w[4]}
			;;
		"  queued peak"*) C[peak]=${w[2]} ;;
		"  routes "*)
			C[routes4]=${w[1]}
			C[routes6]=${w[3]}
			C[nexthops]=${w[5]}
			C[resyncs]=${w[7]}
			;;
		esac
	done
	set +f
}

# vr_counter NAMESPACE ROUTER NAME: print one of them
vr_counter()
{
	vr_count "$1" "$2" && printf '%s\n' "${C[$3]:-0}"
}

# vr_mark NAMESPACE ROUTER: remember the counters; vr_delta then reads what
# came on top of them
declare -A VR_MARK=()
vr_mark()
{
	vr_quiet "$1" "$2" && vr_mark_now
}

# vr_mark_now: remember what was read last
vr_mark_now()
{
	local key

	VR_MARK=()
	for key in "${!C[@]}"; do
		VR_MARK[$key]=${C[$key]}
	done
}

# vr_delta NAME: growth of a counter from vr_mark to the last vr_count
vr_delta()
{
	echo $((${C[$1]:-0} - ${VR_MARK[$1]:-0}))
}

# vr_quiet NAMESPACE ROUTER: wait until nothing is queued and two readings are
# the same; C has the counters. Status 1 when it never gets quiet.
vr_quiet()
{
	local end=$((SECONDS + 30)) last='' now

	while [ $SECONDS -lt $end ]; do
		vr_count "$1" "$2" || { vr_fail "cannot read the counters of $2"; return 1; }
		now="${C[received]} ${C[forwarded]} ${C[punted]} ${C[dropped]} ${C[queued]}"
		[ "$now" != "$last" ] || [ "${C[queued]}" != 0 ] || return 0
		last=$now
		sleep 0.1
	done
	vr_fail "router $2 does not get quiet: $now"
}

# vr_sum_check NAMESPACE ROUTER: every packet is accounted for, exactly, also
# by reason (invariant 36)
vr_sum_check()
{
	local key punt=0 drop=0

	vr_quiet "$1" "$2" || return 1
	vr_expect "$2: received = forwarded + punted + dropped + queued" "${C[received]}" \
		$((C[forwarded] + C[punted] + C[dropped] + C[queued])) || return 1
	vr_expect "$2: bytes received = forwarded + punted + dropped + queued" \
		"${C[received_bytes]}" $((C[forwarded_bytes] + C[punted_bytes] +
			C[dropped_bytes] + C[queued_bytes])) || return 1
	for key in "${!C[@]}"; do
		case $key in
		punt.*) punt=$((punt + C[$key])) ;;
		drop.*) drop=$((drop + C[$key])) ;;
		esac
	done
	vr_expect "$2: punted = sum of its reasons" "${C[punted]}" "$punt" &&
		vr_expect "$2: dropped = sum of its reasons" "${C[dropped]}" "$drop"
}

# ---- traffic ---------------------------------------------------------------

# vr_ping NAMESPACE ADDRESS [COUNT [PING-OPTION...]]: all COUNT (3) come back
vr_ping()
{
	local ns=$1 addr=$2 n=${3:-3} out

	shift 2
	[ $# -eq 0 ] || shift
	out=$(vr_in "$ns" ping -n -c "$n" -i 0.05 -W 10 "$@" "$addr" 2>&1)
	case $out in
	*" $n received"*) return 0 ;;
	esac
	vr_fail "ping $* $addr in ${ns:-the initial namespace}: expected $n answers," \
		"got: $(tail -n 3 <<<"$out" | tr '\n' ' ')"
}

# vr_no_ping NAMESPACE ADDRESS [PING-OPTION...]: no answer comes
vr_no_ping()
{
	local ns=$1 addr=$2
	shift 2

	! vr_in "$ns" ping -n -c 1 -W 1 "$@" "$addr" >/dev/null 2>&1 ||
		vr_fail "ping $addr in $ns: expected no answer, got one"
}

# vr_grew NAMESPACE ROUTER NAME N: a counter has grown by N or more since vr_mark
vr_grew()
{
	vr_count "$1" "$2" && [ $((${C[$3]} - ${VR_MARK[$3]})) -ge "$4" ]
}

# vr_forwards NAMESPACE ROUTER FROM-NAMESPACE ADDRESS [COUNT]: ping goes through,
# and the router's data plane forwards both ways
vr_forwards()
{
	local n=${5:-5}

	# neighbours, and the mirror, may be news
	vr_in "$3" ping -n -c 2 -i 0.05 -W 5 "$4" >/dev/null 2>&1
	vr_count "$1" "$2" || return 1
	vr_mark_now
	vr_ping "$3" "$4" "$n" || return 1
	vr_wait 5 vr_grew "$1" "$2" forwarded $((2 * n)) ||
		vr_fail "packets that $2 forwarded: expected $((2 * n)) or more," \
			"got $(vr_delta forwarded)"
}
