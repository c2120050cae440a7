#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: check.sh [SUITE...]
# Run test suites, show their TAP, keep it in build/results/SUITE.tap, and end
# with a line "N passed, N failed, N skipped". Suites: static tools kunit uml
# guest-6.1 guest-6.12 guest-7.2 guest-rt kunit-debug uml-debug uml-kmemleak uml-realloc; without
# arguments those of `make check`.
#   VR_TESTS="a.sh b.py"  only these of the kselftests
#   VR_LIMIT=SECONDS      how long a suite may take (1800)
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$VR_ROOT" || exit 1

results=$VR_ROOT/build/results
mkdir -p "$results"
limit=${VR_LIMIT:-1800}
files=()
# Who has errors injected into notifiers comes last: the module has acted by then.
INJECT=netdev_notifier_error_inject.priority=-1

# What make check leaves to make check-all, since it has 25 minutes, and a third of these
# is for making kernels if nothing is in the cache: other kernels than Debian's 6.12; in
# its guest all but what needs two CPUs or real NICs, and of overload.sh what is a case
# of another test, or waits for half a minute; in UML what repeats tests within a VRF,
# where others are in VRFs, too.
GUEST_TESTS="demux.sh shares.sh overload.sh hotplug.sh races.py"
UML_LATER="routes_vrf.py vrf_isolation.py punt_vrf.py"

[ $# -gt 0 ] || set -- static tools kunit uml guest-6.12

host_env()
{
	local src

	vr_need gcc make python3-yaml python3-jsonschema python3-scapy \
		nftables tcpdump ethtool iproute2 iputils-ping
	src=$("$VR_ROOT/scripts/source.sh") || return 1
	export KSFT_DIR=$src/tools/testing/selftests VR_KSFT_DIR
	VR_KSFT_DIR=$KSFT_DIR
	vr_tools || vr_log "the tools do not build"
}

# module TARGET: build it, export where it is; the log is shown on failure. It is what
# the static checks have built, if they came before.
module()
{
	VR_MODULE=$(STRICT=1 scripts/build.sh "$1" 2>"$results/build-$1.log") || {
		sed 's/^/# /' "$results/build-$1.log"
		echo "Bail out! the module does not build for $1"
		return 1
	}
	export VR_MODULE
}

# inside OUT RIG-COMMAND...: run the kselftests in a rig, which logs to OUT
inside()
{
	local out=$results/$1.out
	shift

	mkdir -p "$out"
	# shellcheck disable=SC2016,SC2086 # for the rig's shell; words of a list
	"$@" -t "$limit" -o "$out" -- bash -c \
		'export KSFT_DIR=$VR_KSFT_DIR; exec selftests/run.sh "$@"' sh ${VR_TESTS:-}
}

# now: of a list of tests, those that there is time for
now()
{
	if [ -n "${VR_LONG:-}${VR_UML_DEBUG:-}" ]; then
		cat
	else
		grep -vxF "${UML_LATER// /$'\n'}"
	fi
}

# inside_two SUITE RIG-COMMAND...: each half of the kselftests in a rig of its own,
# at the same time: User-Mode Linux has one CPU
inside_two()
{
	local name=$1 half tests pids=() rc=0
	shift

	mapfile -t tests < <(selftests/run.sh -l | now)
	for half in 0 1; do
		VR_TESTS=$(printf '%s\n' "${tests[@]}" | awk "NR % 2 == $half") \
			inside "$name-$half" "$@" >"$results/$name-$half.half" &
		pids+=($!)
	done
	for half in 0 1; do
		wait "${pids[half]}" || rc=$?
		cat "$results/$name-$half.half"
	done
	return $rc
}

# kselftests SUITE RIG-COMMAND...: all of them, or those in VR_TESTS
kselftests()
{
	module uml || return
	if [ -n "${VR_TESTS:-}" ]; then inside "$@"; else inside_two "$@"; fi
}

suite()
{
	case $1 in
	static) timeout "$limit" scripts/static.sh ;;
	tools)
		local rc=0 host
		vr_need clang libclang-rt-dev
		# what else needs no kernel, at the same time
		timeout "$limit" make -s -j"$(nproc)" -C selftests/host check \
			>"$results/host.half" 2>&1 &
		host=$!
		timeout "$limit" make -s -C tools check || rc=$?
		wait $host || rc=$?
		cat "$results/host.half"
		scripts/rig-test.sh || rc=$?
		return $rc
		;;
	kunit | kunit-debug)
		[ "$1" = kunit ] || export VR_UML_DEBUG=1
		module uml || return
		mkdir -p "$results/$1.out"
		# shellcheck disable=SC2016
		scripts/uml.sh run -m 3G -t "$limit" -o "$results/$1.out" -- bash -c '
			. selftests/lib/run-load.sh
			echo vr-kunit-starts >/dev/kmsg
			vr_load "$VR_MODULE" || echo "Bail out! the module does not load"
			rmmod vrouter || echo "Bail out! the module does not unload"' &&
			scripts/kunit-tap.sh "$results/$1.out/dmesg.log"
		;;
	# the unit tests had their turn
	uml) kselftests "$1" scripts/uml.sh run -a kunit.enable=0 ;;
	uml-debug)
		# invariants 13 and 22 hold for all tests
		export VR_UML_DEBUG=1 VR_TIMEOUT=${VR_TIMEOUT:-1200}
		kselftests "$1" scripts/uml.sh run -m 3G \
			-a "kunit.enable=0 kasan_multi_shot slab_debug=- kmemleak=off $INJECT"
		;;
	uml-kmemleak)
		# it costs so much that it is not on for all the tests
		local VR_TESTS=${VR_TESTS:-leaks.py faults.py faults_events.py faults_work.py}
		export VR_UML_DEBUG=1 VR_TIMEOUT=${VR_TIMEOUT:-1200}
		kselftests "$1" scripts/uml.sh run -m 3G \
			-a "kunit.enable=0 slab_debug=- kmemleak=on $INJECT"
		;;
	uml-realloc)
		# a fault that 6.12 does not have
		local VR_TESTS=${VR_TESTS:-realloc.py}
		export VR_UML_SERIES=7.2 VR_UML_DEBUG=1 VR_TIMEOUT=${VR_TIMEOUT:-1200}
		kselftests "$1" scripts/uml.sh run -m 3G \
			-a "kunit.enable=0 kasan_multi_shot slab_debug=- kmemleak=off"
		;;
	guest-*)
		export VR_TIMEOUT=${VR_TIMEOUT:-600}
		# emulation is slow; where softirqs can be preempted, it is about races
		if [ "$1" = guest-rt ]; then
			local VR_TESTS=${VR_TESTS:-reload.sh forward.py races.py}
		elif [ -z "${VR_TESTS:-}${VR_LONG:-}" ]; then
			local VR_TESTS=$GUEST_TESTS
		fi
		module "${1#guest-}" && inside "$1" scripts/guest.sh run -k "${1#guest-}"
		;;
	*) vr_die "no suite $1" ;;
	esac
}

host_env || exit 1
for name; do
	tap=$results/$name.tap
	echo "# suite: $name"
	start=$SECONDS
	suite "$name" 2>"$results/$name.err" </dev/null | tee "$tap"
	rc=${PIPESTATUS[0]}
	[ ! -s "$results/$name.err" ] || sed 's/^/# /' "$results/$name.err"
	# A suite that ended badly without saying so in TAP is a failure too.
	case $rc in
	0) ;;
	124) echo "not ok 9999 $name: timeout after $limit s" | tee "$tap.end" ;;
	125) echo "not ok 9999 $name: splat or death, see $results/$name.out" | tee "$tap.end" ;;
	*)
		if scripts/tapcount.py "$tap" >/dev/null; then
			echo "not ok 9999 $name: exit status $rc" | tee "$tap.end"
		fi
		;;
	esac
	files+=("$tap")
	if [ -e "$tap.end" ]; then
		mv "$tap.end" "$results/$name-end.tap"
		files+=("$results/$name-end.tap")
	else
		rm -f "$results/$name-end.tap"
	fi
	echo "# suite: $name took $((SECONDS - start)) s"
done

scripts/tapcount.py "${files[@]}"
