#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every command of vrctl against the real module: text, JSON, exit statuses,
# and that what fails leaves nothing behind.
# shellcheck disable=SC2154 # vr_ns sets variables
. "$(dirname "$0")/lib/common.sh"

vr_setup

# run STATUS CMD...: run it; its output is then in OUT, its complaints in ERR
run()
{
	local want=$1
	shift

	"$@" >"$vr_tmp/out" 2>"$vr_tmp/err"
	vr_expect "status of: $*" "$want" $?
	OUT=$(cat "$vr_tmp/out")
	ERR=$(cat "$vr_tmp/err")
}

# json EXPRESSION: is it true of every line of OUT, as JSON, called x?
json()
{
	# shellcheck disable=SC2016 # Python's
	/usr/bin/python3 -c '
import json, sys
lines = sys.stdin.read().strip()
try:
    xs = [json.loads(lines)]
except ValueError:
    xs = [json.loads(line) for line in lines.splitlines()]
if not xs:
    sys.exit("expected JSON, got nothing")
for x in xs:
    if not eval(sys.argv[1]):
        sys.exit("expected JSON with %s, got %s" % (sys.argv[1], json.dumps(x)[:1500]))
' "$1" <<<"$OUT" 2>"$vr_tmp/err" || vr_fail "$(tail -n 1 "$vr_tmp/err")"
}

links() { ip ${1:+-n "$1"} -o link show | sed 's/^[0-9]*: \([^:@]*\).*/\1/' | sort | tr '\n' ' '; }

vr_topology
vr_ping "$h0" 10.0.1.2 5

# ---- reading ---------------------------------------------------------------

t_list()
{
	run 0 vrctl -n "$r" list
	vr_expect "lines" 1 "$(wc -l <<<"$OUT")"
	vr_expect_text "list" "vr-red " "$OUT"
	vr_expect_text "list" " active " "$OUT"
	vr_expect_text "list" "netns $r" "$OUT"
	vr_expect_text "list" "weight 1 " "$OUT"
	vr_expect_text "list" "ports 2 " "$OUT"
	run 0 vrctl -n "$r" -j list
	json 'len(x) == 1 and x[0]["ifname"] == "vr-red" and x[0]["state"] == "active"'
	run 0 vrctl -n "$h0" list
	vr_expect "list of a namespace without routers" "" "$OUT"
	run 0 vrctl -n "$h0" -j list
	json 'x == []'
	run 0 vrctl -a list
	vr_expect_text "list of all namespaces" "netns $r" "$OUT"
	run 0 vrctl -a -j list
	json '[r["ifname"] for r in x] == ["vr-red"]'
}
vr_test "list" t_list

t_show()
{
	local word

	run 0 vrctl -n "$r" show vr-red
	for word in "vr-red: active" domain weight "queue limit" netfilter ports routes \
		received forwarded punted dropped queued "CPU time"; do
		vr_expect_text "show" "$word" "$OUT"
	done
	run 0 vrctl -n "$r" -d show
	vr_expect_text "show -d" "queue-packets" "$OUT"
	run 0 vrctl -n "$r" -j show vr-red
	json 'len(x) == 1 and x[0]["weight"] == 1 and x[0]["ports"] == 2'
	json 'x[0]["stats"]["forwarded-packets"] >= 10'
	json '(lambda s: s["rx-packets"] >= s["forwarded-packets"] + s["punted-packets"])(x[0]["stats"])'
	run 0 vrctl -a show vr-red
	vr_expect_text "show -a" "vr-red: active" "$OUT"
	run 1 vrctl -n "$r" show nobody
	vr_expect_text "complaint" "No such router" "$ERR"
	vr_expect "output" "" "$OUT"
	run 1 vrctl -a show nobody
	run 1 vrctl -n "$r" show red0
	run 2 vrctl -n "$r" show a b
	run 2 vrctl -n "$r" show name-that-is-too-long
}
vr_test "show" t_show

t_show_fallback()
{
	vr_ok ip -n "$r" rule add from 10.55.0.0/16 table 55
	vr_wait_for 10 "fallback" vr_is_state "$r" vr-red fallback
	run 0 vrctl -n "$r" show vr-red
	vr_expect_text "show" "fallback (rules: " "$OUT"
	run 0 vrctl -n "$r" list
	vr_expect_text "list" "(rules)" "$OUT"
	run 0 vrctl -n "$r" -j show vr-red
	json 'x[0]["state"] == "fallback" and x[0]["fallback-reason"] == "rules"'
	vr_ok ip -n "$r" rule del from 10.55.0.0/16 table 55
	vr_wait_for 10 "active" vr_is_state "$r" vr-red active
}
vr_test "show and list tell why a router is in fallback" t_show_fallback

t_port()
{
	run 0 vrctl -n "$r" port list
	vr_expect "lines" 2 "$(wc -l <<<"$OUT")"
	vr_expect_text "port list" "02:00:00:00:00:a0" "$OUT"
	vr_expect_text "port list" "router vr-red" "$OUT"
	run 0 vrctl -n "$r" port
	vr_expect "lines" 2 "$(wc -l <<<"$OUT")"
	run 0 vrctl -n "$r" port list vr-red
	vr_expect "lines" 2 "$(wc -l <<<"$OUT")"
	run 0 vrctl -n "$r" -j port list
	json 'sorted(p["ifname"] for p in x) == ["red0", "red1"]'
	json 'all(p["router-name"] == "vr-red" and p["mtu"] == 1500 for p in x)'
	json 'sorted(p["address"] for p in x) == ["02:00:00:00:00:a0", "02:00:00:00:00:a1"]'
	run 0 vrctl -a port list vr-red
	vr_expect "lines" 2 "$(wc -l <<<"$OUT")"
	run 1 vrctl -n "$r" port list nobody
	run 2 vrctl -n "$r" port show
	vr_sysctl "$r" net.ipv4.conf.red0.forwarding=0
	run 0 vrctl -n "$r" port list
	vr_expect_text "port list" "blocked: forwarding" "$OUT"
	vr_sysctl "$r" net.ipv4.conf.red0.forwarding=1
}
vr_test "port list" t_port

t_stats()
{
	run 0 vrctl -n "$r" stats
	vr_expect_text "stats" "ROUTER" "$OUT"
	vr_expect_text "stats" "vr-red " "$OUT"
	run 0 vrctl -n "$r" stats vr-red
	run 0 vrctl -n "$r" -j stats
	json 'True'
	vr_bg_in "$h0" ping -q -n -i 0.02 10.0.1.2 >/dev/null
	run 0 vrctl -n "$r" stats -c 2 -w 1
	vr_kill "$VR_PID"
	vr_expect "blocks" 2 "$(grep -c '^ROUTER' <<<"$OUT")"
	vr_expect "rows" 2 "$(grep -c '^vr-red ' <<<"$OUT")"
	vr_expect_num "packets a second" "$(awk '/^vr-red /{v=$3} END{printf "%d", v}' <<<"$OUT")" -gt 0
	run 0 vrctl -n "$r" -j stats -c 2 -w 0.5
	vr_expect "lines" 2 "$(wc -l <<<"$OUT")"
	json 'True'
	run 1 vrctl -n "$r" stats nobody
	vr_expect_text "complaint" "nobody" "$ERR"
	run 2 vrctl -n "$r" stats -w 0
	run 2 vrctl -n "$r" stats -c x
}
vr_test "stats" t_stats

t_lookup()
{
	run 0 vrctl -n "$r" lookup vr-red 10.0.1.2
	vr_expect_text "lookup" "forwarded by the data plane" "$OUT"
	vr_expect_text "lookup" "10.0.1.0/24" "$OUT"
	vr_expect_text "lookup" "red1" "$OUT"
	vr_expect_text "lookup" "02:00:00:00:00:b1" "$OUT"
	run 0 vrctl -n "$r" -j lookup vr-red 10.0.1.2
	json 'x["verdict"] == "forward" and x["oif-name"] == "red1" and x["prefix-len"] == 24'
	run 0 vrctl -n "$r" lookup vr-red fd01::2 from fd00::2 iif red0
	vr_expect_text "lookup, IPv6" "forwarded" "$OUT"
	run 0 vrctl -n "$r" lookup vr-red 8.8.8.8
	vr_expect_text "lookup without a route" "punted" "$OUT"
	vr_expect_text "lookup without a route" "no-route" "$OUT"
	run 0 vrctl -n "$r" -j lookup vr-red 8.8.8.8
	json 'x["verdict"] == "punt" and x["reason"] == "no-route" and x["meaning"]'
	run 0 vrctl -n "$r" lookup vr-red 10.0.0.2 iif red0
	vr_expect_text "lookup back out" "same-port" "$OUT"
	run 1 vrctl -n "$r" lookup nobody 10.0.0.2
	run 1 vrctl -n "$r" lookup vr-red 10.0.0.2 iif nobody
	run 1 vrctl -n "$r" lookup vr-red 10.0.0.2 iif lo
	run 2 vrctl -n "$r" lookup vr-red
	run 2 vrctl -n "$r" lookup vr-red 10.0.0.256
	run 2 vrctl -n "$r" lookup vr-red 10.0.0.2 from fd00::2
}
vr_test "lookup" t_lookup

t_set()
{
	run 0 vrctl -n "$r" set vr-red weight 5 limit-packets 77 limit-bytes 65536 netfilter bypass
	vr_count "$r" vr-red
	vr_expect "settings" "5 77 65536 bypass" \
		"${C[weight]} ${C[limit_packets]} ${C[limit_bytes]} ${C[netfilter]}"
	run 1 vrctl -n "$r" set vr-red weight 6 limit-packets 0
	vr_expect_text "complaint" "limit-packets" "$ERR"
	run 1 vrctl -n "$r" set vr-red weight 1001
	vr_expect_text "complaint" "weight" "$ERR"
	run 1 vrctl -n "$r" set nobody weight 1
	run 2 vrctl -n "$r" set vr-red
	run 2 vrctl -n "$r" set vr-red weight
	run 2 vrctl -n "$r" set vr-red weight x
	run 2 vrctl -n "$r" set vr-red netfilter maybe
	run 2 vrctl -n "$r" set vr-red colour 1
	vr_count "$r" vr-red
	vr_expect "settings after the refusals" "5 77 65536 bypass" \
		"${C[weight]} ${C[limit_packets]} ${C[limit_bytes]} ${C[netfilter]}"
	run 0 vrctl -n "$r" set vr-red weight 1 limit-packets 1000 limit-bytes 4194304 netfilter honour
}
vr_test "set" t_set

t_reset()
{
	vr_ping "$h0" 10.0.1.2
	vr_count "$r" vr-red
	vr_expect_num "forwarded before" "${C[forwarded]}" -ge 6
	run 0 vrctl -n "$r" reset vr-red
	vr_count "$r" vr-red
	vr_expect "forwarded after" 0 "${C[forwarded]}"
	vr_sum_check "$r" vr-red
	run 1 vrctl -n "$r" reset nobody
	run 2 vrctl -n "$r" reset
}
vr_test "reset" t_reset

t_monitor()
{
	local mode

	for mode in "" -j; do
		# shellcheck disable=SC2086 # none or one
		vr_bg vrctl -n "$r" $mode monitor >"$vr_tmp/monitor"
		until [ -s "$vr_tmp/monitor" ]; do
			vr_ok vrctl -n "$r" set vr-red weight 2
			sleep 0.1
			kill -0 "$VR_PID" || break
		done
		vr_ok vrctl -n "$r" set vr-red weight 31
		vr_wait_for 10 "the change" grep -q 'weight"*:* *31' "$vr_tmp/monitor"
		kill -TERM "$VR_PID"
		wait "$VR_PID"
		vr_expect "status of monitor after SIGTERM" 0 $?
		OUT=$(cat "$vr_tmp/monitor")
		vr_expect_text "event" "router-change" "$OUT"
	done
	json 'x["event"] == "router-change" and x["router"]["ifname"] == "vr-red"'
	vr_ok vrctl -n "$r" set vr-red weight 1
}
vr_test "monitor" t_monitor

t_usage()
{
	local cmd

	for cmd in list show set port stats lookup fib monitor reset create delete; do
		run 0 vrctl help $cmd
		vr_expect_text "help" "$cmd" "$OUT"
	done
	run 0 vrctl --version
	run 0 vrctl --help
	run 2 vrctl
	run 2 vrctl nonsense
	run 2 vrctl --nonsense list
	run 1 vrctl -n no-such-namespace list
	vr_expect_text "complaint" "no-such-namespace" "$ERR"
	vr_expect "lines of the complaint" 1 "$(wc -l <<<"$ERR")"
}
vr_test "help, version, wrong command lines" t_usage

t_user()
{
	run 0 setpriv --reuid 65534 --regid 65534 --clear-groups vrctl list
	run 1 setpriv --reuid 65534 --regid 65534 --clear-groups vrctl -a list
	vr_expect_text "complaint" "administrator" "$ERR"
	run 1 ip netns exec "$r" setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$(command -v vrctl)" set vr-red weight 9
	run 0 ip netns exec "$r" setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$(command -v vrctl)" show vr-red
	vr_expect_text "show by a user" "vr-red: active" "$OUT"
}
if command -v setpriv >/dev/null; then
	vr_test "a user reads, and sets nothing" t_user
fi

vr_cleanup

# ---- create and delete -----------------------------------------------------

# create works from the namespace of the NICs
vr_ns host h0 h1
vr_nic_pair eth0 "$host" eth0 "$h0"
vr_nic_pair eth1 "$host" eth0 "$h1"
ip -n "$host" link set eth1 down
blue=vr-$$-blue
# without the numbers that they have here, which whoever asks gives them
spaces() { ip netns list | cut -d" " -f1 | sort; }
before=$(links "$host")
spaces=$(spaces)

# connect NAMESPACE: addresses for the ports red0 and red1 there, and traffic
connect()
{
	local i h

	for i in 0 1; do
		h=$h0
		[ $i = 0 ] || h=$h1
		ip -n "$1" addr replace "10.0.$i.1/24" dev "red$i"
		ip -n "$h" addr replace "10.0.$i.2/24" dev "${2:-eth0}"
		ip -n "$h" route replace default via "10.0.$i.1"
		# the port before this one had another MAC address
		ip -n "$h" neigh flush all
		vr_ok vr_wait 20 vr_carrier "$1" "red$i"
	done
	vr_wait_for 30 "active" vr_is_state "$1" vr-red active
	vr_wait_for 30 "ping" vr_in "$h0" ping -c 1 -W 1 10.0.1.2
	vr_forwards "$1" vr-red "$h0" 10.0.1.2
}

# nothing_left: devices and namespaces are as they were
nothing_left()
{
	vr_expect "devices" "$before" "$(links "$host")"
	vr_expect "namespaces" "$spaces" "$(spaces)"
	vr_expect "routers" "" "$(vrctl -a list)"
	vr_expect "ports" "" "$(vrctl -a port list)"
}

t_create_netns()
{
	run 0 vrctl -n "$host" create vr-red netns "$blue" weight 4 port eth0=red0 port eth1=red1
	vr_spaces+=("$blue")
	vr_count "$blue" vr-red
	vr_expect "weight" 4 "${C[weight]}"
	vr_expect "ports" 2 "${C[ports]}"
	connect "$blue"
	run 0 vrctl delete vr-red netns "$blue" purge
	[ ! -e "/run/netns/$blue" ] || vr_fail "the namespace is there after purge"
	nothing_left
	vr_expect "the NIC stays up" 0 "$(vr_carrier "$host" eth1; echo $?)"
}
vr_test "create netns, delete purge" t_create_netns

# What the README shows is what works: its commands, up to their comments.
t_readme()
{
	local line lines=0

	while read -r line; do
		lines=$((lines + 1))
		[[ $line != "vrctl stats"* ]] || line+=" -c 1"
		[[ $line == *" -"[na]" "* ]] || line=${line/ / -n $host }
		# shellcheck disable=SC2086 # words
		run 0 $line
	done < <(sed -n '/^## Use it/,/^## Read on/s/^    \(\(vrctl\|ip\|tc\) [^#]*[^ #]\) *\(#.*\)\?$/\1/p' \
		../README.md)
	[ "$lines" -ge 9 ] || vr_fail "commands: expected 9 and more, got $lines"
	run 0 tc -n "$host" qdisc del dev eth1 root
	run 0 vrctl delete vr-red netns red purge
	run 0 vrctl -n "$host" delete vr-blue purge
	nothing_left
}
vr_test "the commands of README.md" t_readme

t_create_here()
{
	run 0 vrctl -n "$host" create vr-red port eth0:12=red0 port eth1=red1
	run 0 vrctl -n "$host" port list
	vr_expect_text "port with a VLAN" "on eth0:12" "$OUT"
	vr_expect "forwarding of a port" 1 \
		"$(vr_in "$host" sysctl -n net.ipv4.conf.red0.forwarding)"
	run 0 vrctl -n "$host" delete vr-red
	nothing_left
}
vr_test "create in this namespace, with a VLAN, and delete" t_create_here

t_create_vrf()
{
	run 0 vrctl -n "$host" create vr-red vrf blue port eth0=red0 port eth1=red1
	vr_expect_text "domain" "vrf blue, table 1001" "$(vrctl -n "$host" show vr-red)"
	connect "$host"
	vr_expect_text "the VRF's last route" "unreachable default" \
		"$(ip -n "$host" route show vrf blue)"
	run 0 vrctl -n "$host" delete vr-red
	vr_expect_text "devices after delete" " blue " " $(links "$host")"
	run 0 vrctl -n "$host" create vr-red vrf blue port eth0=red0
	run 0 vrctl -n "$host" delete vr-red purge
	nothing_left
	vr_expect "routes of the VRF's table" "" "$(ip -n "$host" route show table 1001 2>/dev/null)"
}
vr_test "create vrf, delete, delete purge" t_create_vrf

# What fails, with its status and complaint: arguments
while IFS='|' read -r status text args; do
	t_create_fails()
	{
		local up

		up=$(ip -n "$host" -o link show up | wc -l)
		# shellcheck disable=SC2086 # words
		run "$status" vrctl -n "$host" create ${args//BLUE/$blue}
		vr_expect_text "complaint" "$text" "$ERR"
		vr_expect "lines of the complaint" 1 "$(wc -l <<<"$ERR")"
		nothing_left
		vr_expect "devices that are up" "$up" "$(ip -n "$host" -o link show up | wc -l)"
	}
	vr_test "create fails, and is undone: $args" t_create_fails
done <<'END'
1|NIC nobody|vr-red netns BLUE port eth0=red0 port nobody=red1
1|NIC nobody|vr-red vrf blue port eth0=red0 port nobody=red1
1|NIC nobody|vr-red port eth0=red0 port eth1=red1 port nobody=red2
1|lo|vr-red netns BLUE port lo=red0
1|range|vr-red netns BLUE weight 1001 port eth0=red0
1||eth1 port eth0=red0
1||vr-red port eth0=eth1
1|eth1 is there, and is not a VRF|vr-red vrf eth1 port eth0=red0
2|4095|vr-red port eth0:4095=red0
2||vr-red
2|twice|vr-red port eth0=red0 port eth1=red0
2|netns and vrf|vr-red netns a vrf b port eth0=red0
2||name-that-is-too-long port eth0=red0
END

t_create_second()
{
	run 0 vrctl -n "$host" create vr-red netns "$blue" port eth0=red0
	run 1 vrctl -n "$host" create vr-two netns "$blue" port eth1=two0
	vr_expect_text "complaint" "$(vr_taken vr-red)" "$ERR"
	vr_expect "devices of the namespace" "lo red0 vr-red " \
		"$(links "$blue" | tr ' ' '\n' | grep -xE 'lo|red.*|two.*|vr-.*' | tr '\n' ' ')"
	run 0 vrctl delete vr-red netns "$blue" purge
	nothing_left
}
vr_test "create of a second router fails, and is undone" t_create_second

t_delete_fails()
{
	run 1 vrctl -n "$host" delete nobody
	run 1 vrctl -n "$host" delete eth0
	run 1 vrctl delete vr-red netns no-such-namespace
	run 0 vrctl -n "$host" create vr-red netns "$blue" port eth0=red0
	ip -n "$blue" link add guest type dummy
	run 1 vrctl delete vr-red netns "$blue" purge
	vr_expect_text "complaint" "still holds guest" "$ERR"
	run 0 vrctl -n "$blue" show vr-red
	ip -n "$blue" link del guest
	run 0 vrctl delete vr-red netns "$blue" purge
	nothing_left
}
vr_test "delete fails where there is more" t_delete_fails

t_delete_down()
{
	run 0 vrctl -n "$host" create vr-red vrf blue port eth0=red0 port eth1=red1
	ip -n "$host" link set vr-red down
	ip -n "$host" link add link eth0 name mine type vrport
	run 0 vrctl -n "$host" delete vr-red purge
	vr_expect "another domain's port stays" "mine" \
		"$(links "$host" | tr ' ' '\n' | grep -x mine)"
	ip -n "$host" link del mine
	nothing_left
}
vr_test "delete a router that is down, and its ports alone" t_delete_down

vr_finish
