#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: guest.sh run [OPTION...] -- CMD...
#        guest.sh shell [OPTION...]
# Boot a stock Debian kernel in QEMU (software emulation) with the host's files
# as its root, run CMD there, and return CMD's status; 124 on timeout, 125 when
# the kernel log holds a splat. `shell` loads vrouter.ko and gives a shell.
#   -k 6.1|6.12|7.2|rt  kernel (6.12)   -c CPUS     (2)
#   -n PAIRS  e1000 pairs: r0 and h0 on one wire, r1 and h1 on the next (2)
#   -m MEM    memory (1G)               -t SECONDS  time limit (600)
#   -o DIR    writable in the guest as $VR_OUT, gets console.log and dmesg.log
#   -a ARGS   more kernel arguments
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rig.sh"

# initramfs DIR: busybox, and the modules that reach the host's files
initramfs()
{
	local dir=$1 mod file base

	mkdir -p "$dir/t/bin" "$dir/t/mod"
	cp "$(command -v busybox)" "$dir/t/bin/busybox"
	cp "$VR_ROOT/scripts/guest-init.sh" "$dir/t/init"
	chmod +x "$dir/t/init"
	for mod in virtio_pci virtio_console 9pnet_virtio 9p overlay e1000; do
		modprobe -d "$MODULES" -S "$RELEASE" --show-depends "$mod" |
			sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | awk '!seen[$0]++' >"$dir/list"
	while read -r file; do
		base=$(basename "$file")
		base=${base%%.ko*}.ko
		case $file in
		*.xz) xz -dc "$file" ;;
		*.zst) zstd -dc "$file" ;;
		*.gz) gzip -dc "$file" ;;
		*) cat "$file" ;;
		esac >"$dir/t/mod/$base"
		echo "$base" >>"$dir/t/mod/order"
	done <"$dir/list"
	(cd "$dir/t" && find . | cpio -o -H newc --quiet) >"$dir/initrd"
	rm -rf "$dir/t" "$dir/list"
}

# away PID: note in $out/away, each second, for how many ms the guest's CPUs stood still
# all in all: this machine's own host took CPUs away, or QEMU, a child of that process,
# waited for one
away()
{
	local hz steal qemu task name waited

	hz=$(getconf CLK_TCK)
	while sleep 1 && qemu=$(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		read -r _ _ _ _ _ _ _ _ steal _ </proc/stat
		waited=$(for task in "/proc/${qemu% }/task"/*; do
			read -r name <"$task/comm"
			[[ $name != CPU* ]] || cat "$task/schedstat"
		done 2>/dev/null | awk '{ ns += $2 } END { printf "%d", ns / 1000000 }')
		echo $((steal * 1000 / hz + waited)) >"$out/away.new"
		mv "$out/away.new" "$out/away"
	done
}

# boot: run the guest to its end, its status in rc; for guest, with its variables
boot()
{
	rc=0
	rm -f "$out/status" "$out/started" "$out/dmesg.log" "$out/away"
	if [ -n "${VR_SHELL:-}" ]; then
		console=stdio,id=out,signal=off
	else
		[ -p "$tmp/con" ] || mkfifo "$tmp/con"
		cat "$tmp/con" &
		cat=$!
		exec 3>"$tmp/con" </dev/null
		console=file,id=out,path=/dev/fd/3
	fi
	timeout ${VR_SHELL:+--foreground} -k 5 "$limit" qemu-system-x86_64 \
		-name "vrouter-$kernel,debug-threads=on" -M pc "${accel[@]}" -cpu max \
		-smp "$cpus" -m "$mem" -nodefaults -no-user-config -display none -no-reboot \
		-kernel "$IMAGE" -initrd "$initrd" \
		-append "console=ttyS0 loglevel=7 log_buf_len=8M panic=-1 nokaslr mitigations=off tsc=reliable random.trust_cpu=on vr_tmp=$tmp $args" \
		-chardev "file,id=log,path=$out/console.log" -serial chardev:log \
		-device virtio-serial-pci -chardev "$console" -device virtconsole,chardev=out \
		-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=host,mount_tag=host \
		-fsdev "local,id=out,path=$out,security_model=none" \
		-device virtio-9p-pci,fsdev=out,mount_tag=out \
		"${nic[@]}" 2>"$tmp/qemu.err" <&0 &
	child=$!
	exec 3>&-
	away "$child" </dev/null >/dev/null 2>&1 &
	watch=$!
	wait "$child" 2>/dev/null || rc=$?
	child=
	kill "$watch" 2>/dev/null || true
	wait "$watch" 2>/dev/null || true
	[ -z "${cat:-}" ] || wait "$cat" || true
}

guest()
{
	local cpus=2 pairs=2 mem=1G limit=600 out='' args='' rc=0 i slot opt OPTIND=1
	local console=file nic=() accel=(-accel 'tcg,thread=multi')

	kernel=6.12
	while getopts k:c:n:m:t:o:a:i opt; do
		case $opt in
		k) kernel=$OPTARG ;;
		c) cpus=$OPTARG ;;
		n) pairs=$OPTARG ;;
		m) mem=$OPTARG ;;
		t) limit=$OPTARG ;;
		o) out=$OPTARG ;;
		a) args=$OPTARG ;;
		i) accel=(-accel 'tcg,thread=single' -icount shift=0) ;;
		*) vr_die "see the head of $0" ;;
		esac
	done
	shift $((OPTIND - 1))
	if [ -n "${VR_SHELL:-}" ]; then
		limit=0
		vr_rig_shell "$kernel"
		set -- bash -c "$VR_SHELL_CMD"
	fi
	[ $# -gt 0 ] || vr_die "no command"

	vr_need qemu-system-x86 busybox-static cpio kmod xz-utils zstd iproute2
	assign=$("$VR_ROOT/scripts/kernel.sh" "$kernel")
	eval "$assign"
	initrd=$(vr_cache_get "initrd-${MODULES##*/kernel-}-$(vr_hash \
		"$VR_ROOT/scripts/guest-init.sh" "$(declare -f initramfs)")" initramfs)/initrd

	tmp=$(mktemp -d "${TMPDIR:-/tmp}/vr-guest.XXXXXX")
	mkdir -p "${out:=$tmp/out}"
	out=$(cd "$out" && pwd)
	vr_rig_files "$tmp" "$out" guest "$@"
	printf 'tmp=%q out=%q shell=%q root=%q modules=%q\n' "$tmp" "$out" \
		"${VR_SHELL:-}" "$VR_ROOT" "$MODULES" >"$tmp/vars"

	for ((i = 0; i < pairs; i++)); do
		# slots such that r0, r1 ... have one interrupt line, h0, h1 ... another
		slot=$((5 + (i & ~1) * 2 + (i & 1)))
		nic+=(-netdev "hubport,hubid=$i,id=r$i"
			-device "$(printf 'e1000,netdev=r%d,addr=%x,mac=52:54:00:76:72:%02x' \
				$i $slot $i)"
			-netdev "hubport,hubid=$i,id=h$i"
			-device "$(printf 'e1000,netdev=h%d,addr=%x,mac=52:54:00:76:68:%02x' \
				$i $((slot + 2)) $i)")
	done
	# Under emulation a kernel dies while it boots, once in hundreds of times:
	# nothing of ours has run by then.
	for _ in 1 2 3; do
		boot
		if [ -n "${VR_SHELL:-}" ] || [ -e "$out/started" ] ||
		   ! grep -q 'Kernel panic' "$out/console.log"; then
			break
		fi
		vr_log "the guest's kernel died while it booted; once more"
	done
	[ "$rc" -eq 0 ] || cat "$tmp/qemu.err" >&2
	vr_rig_verdict "$out" "$rc"
}

cleanup()
{
	[ -z "${child:-}" ] || kill "$child" 2>/dev/null || true
	[ -z "${tmp:-}" ] || rm -rf "$tmp"
}

trap cleanup EXIT
trap 'exit 130' INT TERM
case ${1:-} in
run)
	shift
	guest "$@"
	;;
shell)
	shift
	VR_SHELL=1
	guest "$@"
	;;
*) vr_die "usage: guest.sh run [OPTION...] -- CMD... | shell [OPTION...]" ;;
esac
