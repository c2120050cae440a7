#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: demo.sh [-k 6.1|6.12|7.2] [-o DIR]
# See vrouter work: build it for a stock Debian kernel (6.12), boot that in QEMU
# and run demo-guest.sh there. The status says whether the demo's own checks
# passed. Takes about two minutes, longer the first time.
#   -k  another kernel    -o DIR  keep the guest's logs and the counters here
set -euo pipefail
. "$(dirname "$0")/lib.sh"

kernel=6.12 out=
while getopts k:o: opt; do
	case $opt in
	k) kernel=$OPTARG ;;
	o) out=$OPTARG ;;
	*) vr_die "see the head of $0" ;;
	esac
done

tmp=$(mktemp -d "${TMPDIR:-/tmp}/vr-demo.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

vr_need ethtool iperf3 iproute2 iputils-ping jq traceroute
echo "Building the module for Debian's Linux $kernel, and the tools ..."
if [ -z "${VR_MODULE:-}" ]; then
	VR_MODULE=$("$VR_ROOT/scripts/build.sh" "$kernel" 2>"$tmp/build.log") || {
		tail -20 "$tmp/build.log" >&2
		vr_die "the module does not build"
	}
fi
[ ! -t 1 ] || VR_COLOUR=1
export VR_MODULE VR_COLOUR
vr_tools >"$tmp/tools.log" 2>&1 || {
	tail -20 "$tmp/tools.log" >&2
	vr_die "the tools do not build"
}
[ -n "$VR_TOOLS" ] || vr_die "there is no vrctl"

echo "Booting it in QEMU, all software: two CPUs, four e1000 NICs ..."
rc=0
"$VR_ROOT/scripts/guest.sh" run -k "$kernel" -n 2 -t 400 ${out:+-o "$out"} -- \
	bash "$VR_ROOT/scripts/demo-guest.sh" || rc=$?
exit "$rc"
