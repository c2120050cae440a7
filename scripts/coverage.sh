#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: coverage.sh
# Run the unit tests and the kselftests in User-Mode Linux with a module that notes
# which of its lines ran. Prints a table and the lines that did not, and fails if they
# are too many.
#   VR_TESTS="a.sh b.py"  only these of the kselftests
#   VR_COVERED=PERCENT    as many lines must have run (90)
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$VR_ROOT" || exit 1

export VR_UML_GCOV=1 VR_TIMEOUT=${VR_TIMEOUT:-600}
out=$VR_ROOT/build/coverage
rm -rf "$out"
mkdir -p "$out"
VR_MODULE=$(scripts/build.sh uml 2>"$out/build.log") || {
	tail "$out/build.log" >&2
	vr_die "the module does not build"
}
KSFT_DIR=$(scripts/source.sh)/tools/testing/selftests
export VR_MODULE VR_KSFT_DIR=$KSFT_DIR
vr_tools

# in_rig NAME KERNEL-ARGS COMMAND: run it, and keep what the module's lines counted;
# the kernel has it in debugfs, also for a module that is unloaded
in_rig()
{
	echo "# $1"
	# shellcheck disable=SC2016 # for the rig's shell
	scripts/uml.sh run -m 3G -t 1800 -o "$out/$1" -a "$2" -- bash -c '
		export KSFT_DIR=$VR_KSFT_DIR
		'"$3"'
		status=$?
		cd /sys/kernel/debug/gcov"${VR_MODULE%/*}" &&
			find . -name "*.gcda" -exec sh -c '\''
				for f; do mkdir -p "$VR_OUT/${f%/*}"; cat "$f" >"$VR_OUT/$f"; done
			'\'' sh {} +
		exit $status' >"$out/$1.tap" || {
		grep -E "^ *not ok|Bail out" "$out/$1.tap"
		vr_log "$1 fails, see $out/$1.tap"
		rc=1
	}
}

rc=0
# shellcheck disable=SC2016 # for the rig's shell
in_rig kunit kunit.enable=1 '. selftests/lib/run-load.sh
		echo vr-kunit-starts >/dev/kmsg
		vr_load "$VR_MODULE" && rmmod vrouter'
scripts/kunit-tap.sh "$out/kunit/dmesg.log" >"$out/kunit.tap"
scripts/tapcount.py "$out/kunit.tap" || rc=1
in_rig kselftests kunit.enable=0 "selftests/run.sh ${VR_TESTS:-}"
scripts/coverage.py "${VR_MODULE%/*}" "${VR_COVERED:-90}" "$out/kunit" "$out/kselftests" || rc=1
exit $rc
