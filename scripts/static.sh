#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: static.sh [NAME...]
# Checks that run no module; prints TAP. NAME: one or more of the names below.
#   VR_LONG  all of them
# shellcheck disable=SC2317 # functions are called by name
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$VR_ROOT" || exit 1

# Those that others wait for, or that make a kernel, come first.
checks=(build-uml build-6.12 build-6.1 build-7.2 scripts spdx paths checkpatch kernel-doc
	rules analyzer netlink reasons invariants layering tapcount frames sparse)
# what takes minutes, where nothing is in the cache
[ -z "${VR_LONG:-}" ] || checks+=(i386 clang coccinelle)

# Files of the tree, committed or about to be.
tree() { git ls-files --cached --others --exclude-standard -- "$@" | sort -u; }

existing()
{
	local f

	while read -r f; do
		[ ! -f "$f" ] || printf '%s\n' "$f"
	done
}

scripts()
{
	local files

	vr_need shellcheck
	mapfile -t files < <(tree | existing | xargs grep -lIE -m1 '^#!.*\b(ba|da)?sh\b|^# shellcheck shell=')
	# sourced files are checked by themselves
	shellcheck -e SC1091 "${files[@]}" || return 1
	vr_need pyflakes3
	mapfile -t files < <(tree | grep '\.py$' | existing)
	pyflakes3 "${files[@]}"
}

spdx()
{
	local bad

	# Formats without comments, and data, cannot carry the line.
	bad=$(tree | existing | grep -vE '(^|/)(COPYING|LICENSES/.*|.*\.(json|svg|png|gz|patch|txt|csv|pcap))$' |
		while read -r f; do
			[ ! -s "$f" ] || head -5 "$f" | grep -q 'SPDX-License-Identifier:' ||
				echo "no SPDX line: $f"
		done)
	[ -z "$bad" ] || { echo "$bad"; return 1; }
}

# What works on one machine alone must not be committed.
paths()
{
	local bad

	bad=$(tree | existing | xargs grep -nIE \
		'https?://[a-z.]*(deb|snapshot|ftp\.[a-z]*|security)\.debian\.org|/root/\.cache' \
		/dev/null | grep -v '^scripts/static\.sh:')
	[ -z "$bad" ] || { echo "$bad"; return 1; }
}

sources() { tree kernel uapi selftests/host | grep -E '\.[ch]$' | existing; }

checkpatch()
{
	local src files out

	src=$(scripts/source.sh) || return 1
	vr_need perl python3
	mapfile -t files < <(sources | grep -vE -- \
		'-gen\.[ch]$|^uapi/.*/vrouter\.h$|^kernel/compat/|/host\.h$')
	[ ${#files[@]} -gt 0 ] || { echo "no source"; return 4; }
	# A file of an out-of-tree module may test for what old kernels lack. Qdisc is
	# the kernel's own name, which checkpatch would know within a kernel tree.
	out=$("$src/scripts/checkpatch.pl" --strict --no-tree --no-git --no-summary \
		--terse --ignore LINUX_VERSION_CODE,FILE_PATH_CHANGES \
		--max-line-length=100 -f "${files[@]}") || {
		! grep -v ': CHECK: Avoid CamelCase: <Qdisc' <<<"$out" || return 1
		[ -n "$out" ] || return 1
	}
	# The overlay is made of macros that stand for what a kernel lacks.
	mapfile -t files < <(tree kernel/compat | existing)
	"$src/scripts/checkpatch.pl" --strict --no-tree --no-git --no-summary \
		--terse --max-line-length=100 --ignore \
		MACRO_WITH_FLOW_CONTROL,MACRO_ARG_REUSE,MACRO_ARG_UNUSED,FILE_PATH_CHANGES \
		-f "${files[@]}" || return
	# So is what stands for the kernel in user space.
	"$src/scripts/checkpatch.pl" --strict --no-tree --no-git --no-summary \
		--terse --max-line-length=100 --ignore \
		MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE,MEMORY_BARRIER,PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO \
		-f selftests/host/host.h
}

kernel_doc()
{
	local src files out

	src=$(scripts/source.sh) || return 1
	mapfile -t files < <(sources | grep -vE -- '-gen\.[ch]$|^uapi/')
	[ ${#files[@]} -gt 0 ] || { echo "no source"; return 4; }
	out=$("$src/scripts/kernel-doc" -none -Wall "${files[@]}" 2>&1)
	[ -z "$out" ] || { echo "$out"; return 1; }
}

build()
{
	[ -f kernel/Makefile ] || { echo "no kernel/Makefile"; return 4; }
	STRICT=1 scripts/build.sh "$1" 2>&1
}

# Two kernels: one with many CPUs, the other with the KUnit suites.
sparse()
{
	local out target n without=/tests/

	[ -f kernel/Makefile ] || { echo "no kernel/Makefile"; return 4; }
	for target in 6.12 uml; do
		out=$(STRICT=1 C=2 scripts/build.sh "$target" 2>&1) || { echo "$out"; return 1; }
		! grep -E '(warning|error):' <<<"$out" || return
		# a checker that did not run has nothing to say
		n=$(tree kernel | grep '\.c$' | existing | grep -cv "$without")
		[ "$(grep -c '^  CHECK ' <<<"$out")" -ge "$n" ] || {
			echo "sparse did not see all $n files: $out"
			return 1
		}
		without='^$'
	done
}

# Each reason has its row in the documentation, with the text of the spec.
reasons()
{
	vr_need python3-yaml
	python3 - <<-'END'
		import yaml
		with open("Documentation/netlink/specs/vrouter.yaml") as f:
		    spec = yaml.safe_load(f)
		with open("Documentation/networking/vrouter.rst") as f:
		    rows = {" ".join(line.split()) for line in f}
		want = {f"``{e['name']}`` {e['doc']}" for d in spec["definitions"]
		        if d["name"] in ("punt-reason", "drop-reason")
		        for e in d["entries"] if e["name"] != "none"}
		assert len(want) > 30, want
		for row in sorted(want - rows):
		    print("not in vrouter.rst:", row)
		raise SystemExit(bool(want - rows))
	END
}

# Each invariant of the documentation names its tests, and they name it.
invariants()
{
	python3 - <<-'END'
		import re
		import subprocess
		with open("Documentation/networking/vrouter-invariants.rst") as f:
		    rows = {int(n): " ".join(text.split()) for n, text in
		            re.findall(r"^(\d+)\. (.*(?:\n  +.*)*)", f.read(), re.M)}
		said = {(n, path) for n, text in rows.items()
		        for path in re.findall(r"``((?:selftests|kernel|scripts)/[^`]+)``", text)}
		named = set()
		files = subprocess.run(["git", "ls-files", "--cached", "--others",
		                        "--exclude-standard", "selftests", "kernel", "scripts"],
		                       capture_output=True, text=True, check=True).stdout
		for path in files.split():
		    with open(path, errors="replace") as f:
		        found = re.findall(r"[Ii]nvariants?:? ((?:\d+(?:, and |, | and |-)?)+)", f.read())
		    for some in re.findall(r"\d+-\d+|\d+", " ".join(found)):
		        first, _, last = some.partition("-")
		        named |= {(n, path) for n in range(int(first), int(last or first) + 1)}
		bad = [f"{n}: {path} does not name it" for n, path in said - named]
		bad += [f"{n}: {path} is not in the list" for n, path in named - said]
		bad += [f"{n}: no test, and no reason" for n, text in rows.items()
		        if "``" not in text and "No test" not in text]
		if list(rows) != list(range(1, 73)):
		    bad.append(f"the numbers are {list(rows)}")
		print("\n".join(sorted(bad)))
		raise SystemExit(bool(bad))
	END
}

optional()
{
	[ -x "$1" ] || { echo "there is no $1"; return 4; }
	"$@"
}

one()
{
	case $1 in
	scripts | spdx | paths | checkpatch | sparse | reasons | invariants) "$1" ;;
	kernel-doc) kernel_doc ;;
	rules | frames | clang | i386 | analyzer | coccinelle) scripts/analyse.sh "$1" ;;
	build-*) build "${1#build-}" ;;
	netlink) optional scripts/ynl-regen.sh --check ;;
	layering) optional scripts/layering.sh ;;
	tapcount) scripts/tapcount.py --selftest | grep -v '^1\.\.' | sed 's/^/    /' ;;
	*) echo "no such check"; return 1 ;;
	esac
}

# begin I: in the background
begin()
{
	{
		# who cannot get what it needs exits
		(one "${checks[$1]}") >"$tmp/$1.out" 2>&1
		echo $? >"$tmp/$1.rc"
	} &
}

# result I: of a check that has ended
result()
{
	local name=${checks[$1]} rc=1

	read -r rc 2>/dev/null <"$tmp/$1.rc" || { rc=1; echo "it died" >>"$tmp/$1.out"; }
	# its own cases are results
	if [ "$name" = tapcount ]; then
		cat "$tmp/$1.out"
	elif [ "$rc" -ne 0 ] && [ "$rc" -ne 4 ]; then
		sed 's/^/# /' "$tmp/$1.out"
	fi
	case $rc in
	0) echo "ok $(($1 + 1)) static: $name" ;;
	4) echo "ok $(($1 + 1)) static: $name # SKIP $(cat "$tmp/$1.out")" ;;
	*) echo "not ok $(($1 + 1)) static: $name"
	   failed=1 ;;
	esac
}

[ $# -eq 0 ] || checks=("$@")
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
echo "TAP version 13"
echo "1..${#checks[@]}"
begun=0 shown=0 failed=0
# As many at a time as there are CPUs: each of them has its pauses.
while [ $shown -lt ${#checks[@]} ]; do
	while [ $begun -lt ${#checks[@]} ] && [ "$(jobs -pr | wc -l)" -lt "$(nproc)" ]; do
		begin $begun
		begun=$((begun + 1))
	done
	wait -n
	running=$(jobs -pr | wc -l)
	while [ $shown -lt $begun ] && { [ -s "$tmp/$shown.rc" ] || [ "$running" -eq 0 ]; }; do
		result $shown
		shown=$((shown + 1))
	done
done
exit $failed
