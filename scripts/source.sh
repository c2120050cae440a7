#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: source.sh [6.12|7.2]
# Print the directory of Debian's kernel source, unpacked in the cache.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

series=${1:-6.12}
pkg=linux-source-$series

unpack()
{
	cd "$1"
	apt-get "${opts[@]}" -o Acquire::Retries=3 download "$pkg=$version"
	dpkg-deb --fsys-tarfile ./*.deb | tar -xO "./usr/src/$pkg.tar.xz" |
		tar -xJ --strip-components=1
	rm -f ./*.deb
}

vr_need xz-utils
# the machine's own suites before Debian's newest
opts=()
vr_apt_lists "$pkg"
for suite in own sid; do
	if [ "$suite" != own ]; then
		mapfile -t opts < <(vr_apt_opts "$suite")
		vr_apt_fresh "$suite" "${opts[@]}" || continue
	fi
	version=$(apt-cache "${opts[@]}" policy "$pkg" | awk '$1 == "Candidate:" { print $2 }')
	[ "${version:-(none)}" = "(none)" ] || break
done
[ "${version:-(none)}" != "(none)" ] || vr_die "apt knows no $pkg"
vr_cache_get "source-$version" unpack
