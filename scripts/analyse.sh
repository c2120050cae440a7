#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: analyse.sh coccinelle|clang|i386|analyzer|frames|rules
# Checks that look into the source, or see how else it compiles; static.sh runs them.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$VR_ROOT" || exit 1

# What no part of the module does, or may do: asking takes time. And badzero, which
# needs an OCaml compiler.
VR_COCCI_ABSENT='api/(check_bq27xxx_data|d_find_alias|device_attr_show|memdup_user|platform_.*|pm_runtime|resource_size|simple_open|stream_open|vma_pages)|free/(clk_put|devm_free|iounmap|pci_free_consistent|put_device)|iterators/(device_node_continue|for_each_child)|misc/(add_namespace|irqf_oneshot|of_table)|null/badzero'

cocci_one()
{
	local opts

	opts=$(sed -n 's@^// Options: @@p' "$1")
	# shellcheck disable=SC2086 # words
	timeout 120 spatch -D report --very-quiet --no-show-diff $opts --dir kernel \
		--cocci-file "$1" 2>&1 || echo "$1: exit status $?"
}

coccinelle()
{
	local src out

	vr_need coccinelle
	src=$(scripts/source.sh) || return 1
	export -f cocci_one
	out=$({
		find "$src/scripts/coccinelle" -name '*.cocci' | grep -vE "/($VR_COCCI_ABSENT)\.cocci"
		ls scripts/coccinelle/*.cocci
	} | xargs -P "$(nproc)" -I{} bash -c 'cocci_one {}' | sort -u | grep .)
	[ -z "$out" ] || { echo "$out"; return 1; }
}

# prepared_tree SOURCE ARCH CC DIR: enough of a kernel to compile a module for
prepared_tree()
{
	local -a mk=(make -C "$1" "ARCH=$2" "CC=$3" "O=$4")

	"${mk[@]}" defconfig
	"$1/scripts/config" --file "$4/.config" -m NET_VRF -e NET_L3_MASTER_DEV \
		-e NET_SWITCHDEV -e NETFILTER_INGRESS -e NETFILTER_EGRESS -e NET_CLS_ACT \
		-e IP_MULTIPLE_TABLES -e IPV6_MULTIPLE_TABLES
	"${mk[@]}" olddefconfig
	"${mk[@]}" -j"$(nproc)" modules_prepare
}

# compiled NAME ARCH CC: build the module in build/NAME for a kernel of that kind
compiled()
{
	local src dir

	vr_need make flex bison bc libelf-dev libssl-dev
	src=$(scripts/source.sh) || return 1
	dir=$(vr_cache_get "$1-${src##*/source-}-$(vr_hash "$(declare -f prepared_tree)" \
		"$(command "$3" --version | head -1)")" prepared_tree "$src" "$2" "$3") || return 1
	VR_KDIR=$dir STRICT=1 scripts/build.sh "$1" "ARCH=$2" "CC=$3" 2>&1
}

other_compiler()
{
	vr_need clang
	compiled clang x86_64 clang
}

i386()
{
	local out

	vr_need gcc
	compiled i386 i386 gcc || return 1
	# what the compiler calls for 64 bits, and no kernel has
	out=$(nm build/i386-strict/kernel/vrouter.o | grep -E ' U __u?(div|mod|divmod)(di|ti)[34]')
	[ -z "$out" ] || { echo "$out"; return 1; }
}

analyzer()
{
	local out

	vr_need gcc libmnl-dev
	out=$(find tools -name '*.c' | sort | xargs -P "$(nproc)" -I{} gcc -D_GNU_SOURCE \
		-Iuapi -Itools/vrctl -std=gnu11 -O2 -Wall -Wextra \
		-Wno-missing-field-initializers -fanalyzer -c -o /dev/null {} 2>&1)
	[ -z "$out" ] || { echo "$out"; return 1; }
}

# invariant 23: on the way of a packet a function takes at most 512 bytes of the stack,
# as the compiler counts, elsewhere twice as many.
frames()
{
	local out

	out=$(STRICT=1 scripts/build.sh 6.12 2>&1) || { echo "$out"; return 1; }
	out=$(find build/6.12-strict/kernel -name '*.su' -exec cat {} + | awk -F '\t' '
		{
			n++
			max = $1 ~ /\/(demux|ingress|ingress_queue|guard|ahead|forward|gate|way|egress|sch_vrouter|sch_class|sch_codel|sch_queue|drr|fib|mactable|nexthop|rib|port)\.[ch]:/ ?
				512 : 1024
		}
		$2 > max || $3 == "dynamic" { print $0 ", more than " max }
		END { if (n < 300) print "the compiler has counted " n " functions" }')
	[ -z "$out" ] || { echo "$out"; return 1; }
}

# C and header files without their comments
code() { gcc -fpreprocessed -dD -E -P -w "$1" 2>/dev/null; }

rules()
{
	local file bad=0

	for file in $(git ls-files 'kernel/*.[ch]'); do
		# invariant 14
		if code "$file" | grep -nE '\b(dev_hold|dev_put|__dev_hold|__dev_put|get_net|put_net)\('; then
			echo "$file: a reference without a tracker"
			bad=1
		fi
	done
	# invariant 6
	if grep -qE '\bcall_rcu\(' kernel/*.c &&
	   ! code kernel/main.c | sed -n '/vr_main_exit/,/^}/p' | grep -q 'rcu_barrier()'; then
		echo "kernel/main.c: RCU callbacks may outlive the module"
		bad=1
	fi
	return $bad
}

case ${1:-} in
coccinelle | i386 | analyzer | frames | rules) "$1" ;;
clang) other_compiler ;;
*) vr_die "see the head of $0" ;;
esac
