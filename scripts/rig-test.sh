#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Whatever a debug kernel complains of makes a rig's run fail, and nothing else does;
# and what the shell does not run to its end in a rig has failed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rig.sh"

n=0 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# result NAME EXPECTED ACTUAL [WHAT]
result()
{
	n=$((n + 1))
	if [ "$3" = "$2" ]; then
		echo "ok $n $1"
	else
		echo "# expected $2, actual $3${4:+: $4}"
		echo "not ok $n $1"
		failed=1
	fi
}

# verdict WHAT EXPECTED RC STATUS LINE [CONSOLE-LINE...]: of a run whose log has LINE,
# and what the console has seen
verdict()
{
	local got=0 start
	start=('[    1.000000] Linux version 6.12.117' '[    2.500000] vrouter: loading')

	printf '%s\n' "${start[@]}" "$5" >"$tmp/dmesg.log"
	printf '%s\n' "${start[@]}" "${@:6}" >"$tmp/console.log"
	rm -f "$tmp/status"
	[ -z "$4" ] || echo "$4" >"$tmp/status"
	vr_rig_verdict "$tmp" "$3" 2>/dev/null || got=$?
	result "$1" "$2" "$got" "$5"
}

# tests NAME EXPECTED LINE...: the results that a test script of these lines prints
tests()
{
	local name=$1 want=$2
	shift 2

	printf '%s\n' ". '$VR_ROOT/selftests/lib/common.sh'" "$@" vr_finish >"$tmp/test"
	result "$name" "$want" "$(bash "$tmp/test" 2>&1 |
		grep -E '^(ok|not ok|1\.\.|Bail)' | paste -sd '|')"
}

# shell_tests: of selftests/lib
# shellcheck disable=SC2016 # it is the scripts that expand
shell_tests()
{
	KSFT_DIR=${KSFT_DIR:-$("$VR_ROOT/scripts/source.sh")/tools/testing/selftests}
	export KSFT_DIR
	tests 'a test that bash ends has failed' 'ok 1 a|not ok 2 b|ok 3 c|not ok 4 d|1..4' \
		'zero=0; t_div() { vr_expect_num x $((1 / zero)) -ge 0; }' \
		'vr_test a true' 'vr_test b t_div' 'vr_test c true' 'vr_test d t_div'
	tests 'so has one in a loop' 'not ok 1 b|ok 2 c|1..2' \
		't_div() { : $((1 / $1)); }' \
		'for i in 0 1; do vr_test b t_div $i; done' 'vr_test c true'
	tests 'it is no overload if nothing comes' 'not ok 1 a|1..1' \
		'. "$VR_SELFTESTS/lib/flood.sh"; vr_spaces=(r); RX[r]=0 FWD[r]=0 FILTERS=0' \
		'sleep() { :; }; flood_read() { :; }; flood_dearer() { :; }' \
		'flood_mark() { RX0[r]=0 FWD0[r]=0; }' 'vr_test a flood_overload 10'
}

splats=(
	'] RIP: 0010:vr_nic_find+0x12/0x40'
	'] Call Trace:'
	']  Call Trace:'
	'] BUG: KASAN: slab-use-after-free in vr_port_find+0x1b/0x40'
	'] BUG: sleeping function called from invalid context at include/linux/sched/mm.h:337'
	'] BUG: unable to handle page fault for address: ffff888000000000'
	'] BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 37s!'
	'] kernel BUG at mm/slub.c:553!'
	'] WARNING: CPU: 0 PID: 12 at lib/debugobjects.c:612 debug_print_object+0xd9/0x110'
	'] WARNING: possible circular locking dependency detected'
	'] WARNING: suspicious RCU usage'
	'] UBSAN: shift-out-of-bounds in kernel/drr.c:12:3'
	'] memcpy: detected buffer overflow: 8 byte write of buffer size 6'
	'] ref_tracker: eth%d@00000000 has 1/1 users at'
	'] unregister_netdevice: waiting for eth0 to become free. Usage count = 2'
	'] unreferenced object 0x61a3b800 (size 64):'
	'] kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)'
	'] Kernel panic - not syncing: Segfault with no mm'
	'] Oops: general protection fault, probably for non-canonical address: 0000 [#1]'
	'] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [ping:12]'
	'] INFO: task ip:312 blocked for more than 120 seconds.'
	'] rcu: INFO: rcu_sched self-detected stall on CPU'
)
harmless=(
	'] vrouter: loading out-of-tree module taints kernel.'
	'] kmemleak: Kernel memory leak detector initialized (mem pool available: 63000)'
	'] Injecting error (-12) to NETDEV_REGISTER'
	'] FAULT_INJECTION: forcing a failure.'
	'] ref_tracker: memory allocation failure, unreliable refcount tracker.'
	'] # kunit: drr: pass:12 fail:0 skip:0 total:12'
)

echo 'TAP version 13'
echo "1..$((${#splats[@]} + ${#harmless[@]} + 10))"
for line in "${splats[@]}"; do
	verdict "fails: $line" 125 0 0 "[   12.345678$line"
done
for line in "${harmless[@]}"; do
	verdict "passes: $line" 0 0 0 "[   12.345678$line"
done
verdict 'the status is that of the command' 4 0 4 ''
verdict 'fails: no status' 125 0 '' ''
verdict 'a timeout is one' 124 137 '' ''
verdict 'also with a splat' 124 124 '' '[   12.345678] Call Trace:'
verdict 'fails: what dmesg has forgotten' 125 0 0 '[   99.000000] vrouter: loading' \
	'[   12.345678] Call Trace:'
verdict 'passes: a death once it is switched off' 0 0 0 '' '[   90.000000] sysrq: Power Off' \
	'[   90.100000] Kernel panic - not syncing: Attempted to kill init!'
verdict 'fails: what came before that' 125 0 0 '' '[   12.345678] Call Trace:' \
	'[   90.000000] sysrq: Power Off'

shell_tests
exit $failed
