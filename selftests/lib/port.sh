# shellcheck shell=bash disable=SC2154,SC2034 # between common.sh and a test
# SPDX-License-Identifier: GPL-2.0
# A NIC eth0 in namespace $host, whose peer is eth0 in $h0, for tests of ports on it; and
# an empty namespace $r. Sourced after common.sh.

vr_setup
vr_need_tool bridge ethtool
vr_ns host r h0
VR_NIC=veth vr_nic_pair eth0 "$host" eth0 "$h0"
# the NIC must not answer for its ports' addresses
vr_sysctl "$host" net.ipv4.conf.all.arp_ignore=1

# port NAME [OPTION...]: make a port on eth0
port() { ip -n "$host" link add link eth0 name "$@"; }
# attribute DEVICE WORD: the word after WORD in ip -d link
attribute() { ip -n "$host" -d link show "$1" | grep -o " $2 [^ ]*" | head -1 | cut -d' ' -f3; }
del() { ip -n "${2:-$host}" link del "$1" 2>/dev/null || true; }
stat() { vr_in "$1" cat "/sys/class/net/$2/statistics/$3"; }
gone() { ! ip -n "$host" link show "$1" >/dev/null 2>&1; }

# refused NAME TEXT ARGUMENT...: port NAME is refused with TEXT, nothing stays
refused()
{
	local name=$1 text=$2
	shift 2

	vr_refuse "$text" ip -n "$host" link add name "$name" "$@"
	gone "$name" || vr_fail "$name is there after the refusal"
	del "$name"
}
