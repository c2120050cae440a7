#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Make uapi/linux/vrouter.h and kernel/netlink-gen.[ch] from the YAML spec;
# with --check, only say whether they are up to date.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$top/scripts/lib.sh"

check=0
case "${1-}" in
--check) check=1 ;;
"") ;;
*) vr_die "usage: ynl-regen.sh [--check]" ;;
esac

vr_need python3-yaml python3-jsonschema
src=$("$top/scripts/source.sh")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The generator looks for the schema beside the spec, and for MAINTAINERS
# above it to know where a kernel tree begins.
specs=Documentation/netlink/specs
mkdir -p "$tmp/$specs"
touch "$tmp/MAINTAINERS"
cp "$src"/Documentation/netlink/genetlink*.yaml "$tmp/Documentation/netlink/"
cp "$top/$specs/vrouter.yaml" "$tmp/$specs/"
cd "$tmp"

gen() {
	/usr/bin/python3 "$src/tools/net/ynl/ynl-gen-c.py" \
		--spec "$specs/vrouter.yaml" "$@"
}

gen --mode uapi --header -o vrouter.h
gen --mode kernel --header -o netlink-gen.h
gen --mode kernel --source -o netlink-gen.c

stale=0
put() {
	cmp -s "$1" "$top/$2" && return
	if [ "$check" = 1 ]; then
		diff -u "$top/$2" "$1" >&2 || stale=1
	else
		cp "$1" "$top/$2"
	fi
}

put vrouter.h uapi/linux/vrouter.h
put netlink-gen.h kernel/netlink-gen.h
put netlink-gen.c kernel/netlink-gen.c
exit "$stale"
