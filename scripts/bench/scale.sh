#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: scale.sh OUT COUNT, in the uml rig, by bench.sh: make COUNT routers with four
# ports each, read all of their counters, delete them; and as many VRFs with four macvlans
# each, for comparison. Appends lines of JSON to OUT.
set -euo pipefail
out=$1 count=$2
export PATH=${VR_TOOLS:+$VR_TOOLS:}$PATH

insmod "$VR_MODULE"
sysctl -qw net.core.devconf_inherit_init_net=1
ulimit -n 65536

# record PEER WHAT VALUE UNIT
record()
{
	printf '{"experiment": "scale", "peer": "%s", "n": %d, "what": "%s", "value": %s, "unit": "%s"}\n' \
		"$1" "$count" "$2" "$3" "$4" | tee -a "$out"
}

# timed PEER WHAT CMD...: seconds that it takes
timed()
{
	local peer=$1 what=$2 start=$EPOCHREALTIME
	shift 2

	"$@"
	record "$peer" "$what" "$(awk "BEGIN { print $EPOCHREALTIME - $start }")" s
}

# ports NUMBER KIND: what makes the four ports of a router
ports()
{
	local k

	for ((k = 0; k < 4; k++)); do
		echo "link add link eth$k name p$1.$k master v$1 type $2"
		echo "link set p$1.$k up"
	done
}

# The routers are in VRFs of one namespace: what namespaces cost is not ours.
for ((k = 0; k < 4; k++)); do
	echo "link add eth$k up type dummy"
done >/tmp/nics
for ((i = 0; i < count; i++)); do
	echo "link add v$i type vrf table $((i + 10))"
	echo "link set v$i up"
done >/tmp/vrfs
for ((i = 0; i < count; i++)); do
	echo "link add vr$i master v$i type vrouter"
	echo "link set vr$i up"
	ports "$i" vrport
done >/tmp/routers
for ((i = 0; i < count; i++)); do
	ports "$i" macvlan
done >/tmp/macvlans
for ((i = 0; i < count; i++)); do
	for ((k = 0; k < 4; k++)); do
		echo "link del p$i.$k"
	done
done >/tmp/ports
for ((i = 0; i < count; i++)); do
	echo "link del vr$i"
done | cat - /tmp/ports >/tmp/gone

ip -batch /tmp/nics
ip -batch /tmp/vrfs
timed macvlan "create and set up, 4 ports each" ip -batch /tmp/macvlans
timed macvlan "delete" ip -batch /tmp/ports
timed vrouter "create and set up, 4 ports each" ip -batch /tmp/routers
vrctl -j show >/tmp/dump	# once before, for the pages that it needs
dump() { vrctl -j show >/tmp/dump; }
timed vrouter "dump of all counters" dump
record vrouter "the same as JSON text" "$(stat -c %s /tmp/dump)" bytes
timed vrouter "delete" ip -batch /tmp/gone
