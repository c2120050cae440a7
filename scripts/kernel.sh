#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: kernel.sh 6.1|6.12|7.2|rt
# Unpack Debian's newest stock amd64 kernel of a series in the cache, and print
# shell assignments; rt is 6.12 with PREEMPT_RT.
#   RELEASE  as uname -r says
#   IMAGE    vmlinuz
#   MODULES  directory that holds lib/modules/RELEASE
#   KDIR     headers to build against; inside CHROOT when that is set
#   CHROOT   system with the compiler and libc those headers need, or empty
set -euo pipefail
. "$(dirname "$0")/lib.sh"

series=${1:?usage: kernel.sh 6.1|6.12|7.2|rt}
flavour=amd64
if [ "$series" = rt ]; then
	series=6.12 flavour=rt-amd64
fi
host_suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

# newest NAME-PREFIX: the newest amd64 package name of the series
newest()
{
	apt-cache "${opts[@]}" pkgnames "linux-$1-$series" |
		grep -E "^linux-$1-${series//./\\.}\.[.0-9]*([+~-][0-9a-z.+~]+)?-$flavour\$" |
		grep -vE -- "-(cloud|rt)-$flavour\$" | sort -V | tail -1 || true
}

# find_suite: the first suite that has the series, own ones before others
find_suite()
{
	local try

	opts=()
	vr_apt_lists linux-image-amd64
	suite=$host_suite image=$(newest image)
	[ -z "$image" ] || return 0
	for try in "$host_suite-backports" sid trixie-backports trixie; do
		mapfile -t opts < <(vr_apt_opts "$try")
		vr_apt_fresh "$try" "${opts[@]}" || continue
		suite=$try image=$(newest image)
		[ -z "$image" ] || return 0
	done
	vr_die "no Debian suite within reach has linux-image-$series*-amd64"
}

# fetch DIR PACKAGE...: download and unpack
fetch()
{
	local dir=$1 deb
	shift

	mkdir -p "$dir/debs"
	(cd "$dir/debs" && apt-get "${opts[@]}" -o Acquire::Retries=3 download "$@")
	for deb in "$dir"/debs/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$dir/debs"
}

get_image()
{
	local dir=$1

	# shellcheck disable=SC2046 # one word a package
	fetch "$dir" "$image" $(depends "$image")
	# merged /usr in newer suites
	[ -d "$dir/lib/modules" ] || ln -s usr/lib "$dir/lib"
	[ -e "$dir/boot/vmlinuz-$release" ] || {
		mkdir -p "$dir/boot"
		ln -s "../usr/lib/modules/$release/vmlinuz" "$dir/boot/vmlinuz-$release"
	}
	[ -s "$dir/boot/vmlinuz-$release" ]
	depmod -b "$dir" "$release"
}

# Headers name each other by absolute paths: point them into the cache.
get_headers()
{
	local dir=$1 final link to
	final=${1%.tmp.*}

	# shellcheck disable=SC2046
	fetch "$dir" "$headers" $(depends "$headers")
	find "$dir" -type l | while read -r link; do
		to=$(readlink "$link")
		case $to in
		/usr/*) ln -sfn "$final$to" "$link" ;;
		esac
	done
	grep -rlIE '/usr/(src|lib)/linux-' "$dir/usr/src/linux-headers-$release" \
		--include='Makefile*' --include='*.sh' --include='.kernelvariables' |
		xargs -r sed -i -E "s@/usr/(src|lib)/linux-@$final&@g"
}

# depends PACKAGE: the kernel packages it needs
depends()
{
	apt-cache "${opts[@]}" show --no-all-versions "$1" |
		sed -n 's/^Depends: //p' | tr -d ' ' | sed 's/([^)]*)//g' | tr ',|' '\n' |
		grep -E '^linux-(headers|kbuild|binary|modules|base-[0-9])' || true
}

# A newer suite's host programs need its libc, and its modules its compiler:
# a small system of that suite, with the headers installed in it.
get_chroot()
{
	local check=true

	# As this machine's own apt does it: mirrors may be frozen snapshots.
	eval "$(apt-config shell check Acquire::Check-Valid-Until/b)"
	mmdebstrap --variant=essential --mode=root --architectures=amd64 \
		--include="$headers,make,gcc,libc6-dev,kmod" \
		--aptopt="Acquire::Check-Valid-Until \"$check\"" \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$suite" "$1.root" "$(vr_apt_source "$suite")"
	rmdir "$1"
	mv "$1.root" "$1"
}

vr_need kmod xz-utils
find_suite
release=${image#linux-image-}
release=${release#unsigned-}
headers=linux-headers-$release
version=$(apt-cache "${opts[@]}" policy "$image" |
	awk '$1 == "Candidate:" { print $2 }')
# An entry is keyed by what made it: package version and builder.
root=$(vr_cache_get "kernel-$release-$version-$(vr_hash "$(declare -f get_image fetch depends)")" get_image)
if [ "$suite" = "$host_suite" ]; then
	chroot=
	kdir=$(vr_cache_get "headers-$release-$version-$(vr_hash "$(declare -f get_headers fetch depends)")" get_headers)/usr/src/$headers
else
	vr_need mmdebstrap
	chroot=$(vr_cache_get "chroot-$suite-$release-$version-$(vr_hash "$(declare -f get_chroot)")" get_chroot)
	kdir=/usr/src/$headers
fi
printf '%s=%q\n' RELEASE "$release" IMAGE "$root/boot/vmlinuz-$release" \
	MODULES "$root" KDIR "$kdir" CHROOT "$chroot"
