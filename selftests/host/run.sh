#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# usage: run.sh, by `make check`: the tests of the FIB in user space, KTAP.
#   O        directory with what make built
#   VR_LONG  take a quarter of an hour rather than of a minute
#   VR_SEED  for the tests, to do again what failed (the time)
set -u
cd "$(dirname "$0")" || exit 1
: "${O:=../../build/host}"
seed=${VR_SEED:-$(date +%s)}
ops=80000
seconds=6
if [ -n "${VR_LONG:-}" ]; then
	ops=10000000
	seconds=300
fi

# Where the kernel spreads addresses more than ThreadSanitizer expects
fixed="setarch $(uname -m) -R"
$fixed true 2>/dev/null || fixed=

export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1

. ../lib/ktap-run.sh
ktap_plan 2
ktap_run fib_random "$O/fib_random" -s "$seed" -n $ops
# shellcheck disable=SC2086 # words of a command
ktap_run fib_race $fixed "$O/fib_race" -s "$seed" -t $seconds
ktap_end
