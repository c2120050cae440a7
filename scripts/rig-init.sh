# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# First process of the uml rig; $tmp, $out, $shell and $root stand above this
# text. The host's root is mounted read-only; an overlay takes what is written.
# shellcheck disable=SC2154
export PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin

mount -t tmpfs -o size=90%,mode=755 tmpfs /mnt
mkdir /mnt/up /mnt/work /mnt/new
mount -t overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work,xino=off \
	overlay /mnt/new
new=/mnt/new
mount -t proc proc $new/proc
mount -t sysfs sysfs $new/sys
mount -t devtmpfs devtmpfs $new/dev
mount -t tmpfs -o mode=755 tmpfs $new/run
mkdir -p "$new$out"
mount -t hostfs none "$new$out" -o "$out"
# a new root, not a chroot: user namespaces cannot be made within one
cd $new || exit
pivot_root . mnt
umount -l mnt
exec chroot . /bin/bash "$root/scripts/rig-main.sh" "$tmp" "$out" /dev/tty1 "$shell"
