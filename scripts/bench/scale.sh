#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: scale.sh OUT COUNT, in the uml rig, by bench.sh: make COUNT routers with four
# ports each, read all of their counters, delete them. Appends lines of JSON to OUT.
set -euo pipefail
out=$1 count=$2
export PATH=${VR_TOOLS:+$VR_TOOLS:}$PATH

insmod "$VR_MODULE"
sysctl -qw net.core.devconf_inherit_init_net=1
ulimit -n 65536

# record WHAT VALUE UNIT
record()
{
	printf '{"experiment": "scale", "peer": "vrouter", "n": %d, "what": "%s", "value": %s, "unit": "%s"}\n' \
		"$count" "$1" "$2" "$3" | tee -a "$out"
}

# timed WHAT CMD...: seconds that it takes
timed()
{
	local what=$1 start=$EPOCHREALTIME
	shift

	"$@"
	record "$what" "$(awk "BEGIN { print $EPOCHREALTIME - $start }")" s
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
	for ((k = 0; k < 4; k++)); do
		echo "link add link eth$k name p$i.$k master v$i type vrport"
		echo "link set p$i.$k up"
	done
done >/tmp/routers
for ((i = 0; i < count; i++)); do
	echo "link del vr$i"
	for ((k = 0; k < 4; k++)); do
		echo "link del p$i.$k"
	done
done >/tmp/gone

ip -batch /tmp/nics
ip -batch /tmp/vrfs
timed "create and set up, 4 ports each" ip -batch /tmp/routers
vrctl -j show >/tmp/dump	# once before, for the pages that it needs
dump() { vrctl -j show >/tmp/dump; }
timed "dump of all counters" dump
record "the same as JSON text" "$(stat -c %s /tmp/dump)" bytes
timed "delete" ip -batch /tmp/gone
