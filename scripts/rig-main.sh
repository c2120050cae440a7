# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# usage: rig-main.sh TMP OUT TTY SHELL, in a rig, in its final root: run
# TMP/cmd on TTY, leave its status and the kernel log in OUT, switch off.
tmp=$1 out=$2 tty=$3 shell=$4

: >"$out/started"

mkdir -p /run/netns /run/lock /dev/pts /dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
ln -sfn /proc/self/fd /dev/fd
ln -sf fd/0 /dev/stdin
ln -sf fd/1 /dev/stdout
ln -sf fd/2 /dev/stderr
hostname vrouter 2>/dev/null || echo vrouter >/proc/sys/kernel/hostname
ip link set lo up

# No udev runs: name the guest's NICs by the addresses guest.sh gave them.
for dev in /sys/class/net/*; do
	read -r mac <"$dev/address"
	case $mac in
	52:54:00:76:72:*) name=r$((16#${mac##*:})) ;;
	52:54:00:76:68:*) name=h$((16#${mac##*:})) ;;
	*) continue ;;
	esac
	ip link set "${dev##*/}" name "$name"
done

if [ -n "$shell" ]; then
	stty -F "$tty" sane rows "${LINES:-40}" columns "${COLUMNS:-120}"
	# shellcheck disable=SC2094 # a terminal
	setsid -c bash "$tmp/cmd" <"$tty" >"$tty" 2>&1
else
	stty -F "$tty" raw -echo
	setsid bash "$tmp/cmd" </dev/null >"$tty" 2>&1
fi
status=$?
dmesg >"$out/dmesg.log"
echo $status >"$out/status"
sync
echo 1 >/proc/sys/kernel/sysrq
echo o >/proc/sysrq-trigger
sleep 30
