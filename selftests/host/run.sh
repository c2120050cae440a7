#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# usage: run.sh, by `make check`: the tests of the leaves in user space, KTAP.
#        run.sh NAME: one of them, which leaves $O/NAME.out and its status in NAME.rc
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

# one NAME: run a test
one()
{
	case $1 in
	fib_random) "$O/fib_random" -s "$seed" -n $ops ;;
	fib_share) "$O/fib_share" ;;
	fib_race)
		# shellcheck disable=SC2086 # words of a command
		$fixed "$O/fib_race" -s "$seed" -t $seconds
		;;
	*_bytes) "$O/$1" -s "$seed" -n $inputs ;;
	*_fuzz) fuzz "${1%_fuzz}" ;;
	*) echo "no test $1" && return 1 ;;
	esac
}

# said NAME: what it has said
said()
{
	cat "$O/$1.out"
	[ "$(cat "$O/$1.rc")" -eq 0 ]
}

if [ $# -gt 0 ]; then
	one "$1" >"$O/$1.out" 2>&1
	echo $? >"$O/$1.rc"
	exit 0
fi

set -- fib_random fib_share fib_race
for name in fib drr mactable stats header; do
	set -- "$@" ${name}_bytes ${name}_fuzz
done
(cd "$O" && rm -f -- ./*.rc)
export O VR_SEED="$seed"
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 ./run.sh

. ../lib/ktap-run.sh
ktap_plan $#
for name; do
	ktap_run "$name" said "$name"
done
ktap_end
