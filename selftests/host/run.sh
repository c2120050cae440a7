#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# usage: run.sh, by `make check`: the tests of the leaves in user space, KTAP.
#   O        directory with what make built
#   VR_LONG  take half an hour rather than a minute
#   VR_SEED  for the tests, to do again what failed (the time)
set -u
cd "$(dirname "$0")" || exit 1
: "${O:=../../build/host}"
seed=${VR_SEED:-$(date +%s)}
ops=80000
seconds=6
inputs=1000
fuzz=4
if [ -n "${VR_LONG:-}" ]; then
	ops=10000000
	seconds=300
	inputs=200000
	fuzz=120
fi

# Where the kernel spreads addresses more than ThreadSanitizer expects
fixed="setarch $(uname -m) -R"
$fixed true 2>/dev/null || fixed=

export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1

# What it has learned stays in $O, and so does an input that fails; run again by
# naming that file. All that it has learned is run first, however long that takes: new
# inputs may need more time.
fuzz()
{
	mkdir -p "$O/corpus-$1"
	known=$(find "$O/corpus-$1" -type f | wc -l)
	limit=$fuzz
	for _ in 1 2 3; do
		begin=$(date +%s)
		"$O/$1_fuzz" -seed="$((seed % 2000000000))" -max_total_time="$limit" \
			-len_control=0 -max_len=1024 -timeout=20 -print_final_stats=1 \
			-verbosity=0 -artifact_prefix="$O/$1-" "$O/corpus-$1" \
			>"$O/$1_fuzz.log" 2>&1 || {
			sed 's/^/# /' "$O/$1_fuzz.log"
			return 1
		}
		inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$O/$1_fuzz.log")
		echo "# ${inputs:=0} inputs in $limit s, $known of them known"
		[ "$inputs" -le $((known + 100)) ] || break
		limit=$((($(date +%s) - begin) * 2 + fuzz))
	done
	# one that runs nothing new is no test
	[ "$inputs" -gt $((known + 100)) ] && fuzz_merge "$1"
}

# Of what it has learned, keep what is not in the rest, once that has doubled.
fuzz_merge()
{
	least=$(cat "$O/corpus-$1.least" 2>/dev/null)
	[ "$known" -gt $((${least:-0} * 2 + 100)) ] || return 0
	rm -rf "$O/corpus-$1.new"
	mkdir "$O/corpus-$1.new"
	"$O/$1_fuzz" -merge=1 -max_len=1024 -timeout=20 "$O/corpus-$1.new" "$O/corpus-$1" \
		>"$O/$1_merge.log" 2>&1 || {
		sed 's/^/# /' "$O/$1_merge.log"
		return 1
	}
	rm -rf "$O/corpus-$1"
	mv "$O/corpus-$1.new" "$O/corpus-$1"
	find "$O/corpus-$1" -type f | wc -l >"$O/corpus-$1.least"
	echo "# of $known inputs that it had learned, $(cat "$O/corpus-$1.least") are kept"
}

. ../lib/ktap-run.sh
ktap_plan 13
ktap_run fib_random "$O/fib_random" -s "$seed" -n $ops
ktap_run fib_share "$O/fib_share"
# shellcheck disable=SC2086 # words of a command
ktap_run fib_race $fixed "$O/fib_race" -s "$seed" -t $seconds
for name in fib drr mactable stats header; do
	ktap_run "${name}_bytes" "$O/${name}_bytes" -s "$seed" -n $inputs
	ktap_run "${name}_fuzz" fuzz $name
done
ktap_end
