#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: selftests/run.sh [TEST...], inside a rig: run the tests that Makefile
# lists, or those named, and print KTAP.
#        selftests/run.sh -l, anywhere: list them
#   VR_MODULE  vrouter.ko        VR_TOOLS  directory of vrctl
#   VR_RIG     uml or guest      KSFT_DIR  tools/testing/selftests of a kernel
#   VR_IP_LIB  directory of link_vrouter.so for ip, and q_vrouter.so for tc
#   VR_TIMEOUT seconds a test may take (300)
#   VR_LONG    tests that say "# long: N s" may take that
set -uo pipefail
cd "$(dirname "$0")" || exit 1
. lib/run-load.sh

export PATH=${VR_TOOLS:+$VR_TOOLS:}$PATH KSFT_DIR VR_MODULE VR_TOOLS VR_RIG
export KSFT_KTAP_LEVEL=1
[ -z "${VR_IP_LIB:-}" ] || export IP_LIB_DIR=$VR_IP_LIB TC_LIB_DIR=$VR_IP_LIB

if [ $# -eq 0 ] || [ "$1" = -l ]; then
	mapfile -t tests < <(make -s --no-print-directory -f - list <<'END'
include Makefile
list:
	@printf '%s\n' $(TEST_PROGS)
END
	)
else
	tests=("$@")
fi
if [ "${1:-}" = -l ]; then
	printf '%s\n' "${tests[@]}"
	exit
fi

failed=0
echo "KTAP version 1"
echo "1..$((${#tests[@]} + 2))"

if vr_load "$VR_MODULE"; then
	echo "ok 1 load"
else
	echo "not ok 1 load"
	echo "Bail out! the module does not load"
	exit 1
fi

# Packet sockets and ping want time stamps, and the kernel patches its receive path
# when the first one comes or the last one goes. Under QEMU's emulation of two CPUs
# that brings the kernel down (int3) while packets flow: let one ping stay.
ping -q -i 3600 127.0.0.1 >/dev/null 2>&1 &
stamps=$!

n=1
for t in "${tests[@]}"; do
	n=$((n + 1))
	echo "# selftests: vrouter: $t"
	case $t in
	*.py) cmd=(/usr/bin/python3 "./$t") ;;
	*) cmd=("./$t") ;;
	esac
	start=$SECONDS
	limit=${VR_TIMEOUT:-300}
	long=$(sed -n 's/^# long: \([0-9]*\) s$/\1/p' "$t")
	[ -z "${VR_LONG:-}" ] || [ -z "$long" ] || limit=$long
	timeout -k 10 "$limit" "${cmd[@]}" </dev/null 2>&1 |
		sed -u 's/^/    /'
	rc=${PIPESTATUS[0]}
	echo "# $t took $((SECONDS - start)) s"
	name="selftests: vrouter: $t"
	case $rc in
	0) echo "ok $n $name" ;;
	4) echo "ok $n $name # SKIP" ;;
	124 | 137) echo "not ok $n $name # TIMEOUT $limit seconds" ;;
	*) echo "not ok $n $name # exit=$rc" ;;
	esac
	[ "$rc" = 0 ] || [ "$rc" = 4 ] || failed=1
done

kill "$stamps"

# What a test left behind must not hold the module.
n=$((n + 1))
for _ in 1 2 3 4 5; do
	rmmod vrouter && break
	sleep 1
done
if [ ! -d /sys/module/vrouter ]; then
	echo "ok $n unload"
else
	echo "not ok $n unload"
	failed=1
fi
exit $failed
