#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1090,SC2154 # the variables are in a file
# First process of the guest: the host's root over 9p, an overlay for what is
# written, then rig-main.sh.
b=/bin/busybox
$b mkdir -p /proc /sys /dev /host /rw /new
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
while read -r mod; do
	$b insmod "/mod/$mod"
done </mod/order
opt=trans=virtio,version=9p2000.L,msize=512000
$b mount -t 9p -o $opt,ro,cache=loose host /host
tmp=$($b sed 's/.*vr_tmp=\([^ ]*\).*/\1/' /proc/cmdline)
# tmp, out, shell, root and modules
. "/host$tmp/vars"
$b mount -t tmpfs -o size=90%,mode=755 tmpfs /rw
$b mkdir /rw/up /rw/work
$b mount -t overlay -o lowerdir=/host,upperdir=/rw/up,workdir=/rw/work overlay /new
$b mount -t proc proc /new/proc
$b mount -t sysfs sysfs /new/sys
$b mount -t devtmpfs devtmpfs /new/dev
$b mount -t tmpfs -o mode=755 tmpfs /new/run
release=$($b uname -r)
$b mkdir -p "/new/usr/lib/modules/$release" "/new$out"
$b mount --bind "/new$modules/lib/modules/$release" "/new/usr/lib/modules/$release"
$b mount -t 9p -o $opt out "/new$out"
export PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
exec $b switch_root /new /bin/bash "$root/scripts/rig-main.sh" "$tmp" "$out" /dev/hvc0 "$shell"
