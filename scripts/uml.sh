#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: uml.sh build
#        uml.sh run [-m MEM] [-t SECONDS] [-o OUTDIR] [-k] [-a KERNEL-ARGS] -- CMD...
#        uml.sh shell
# build: make User-Mode Linux, print its directory (linux, KDIR).
# run:   boot it with the host's files as its root, run CMD there, and return
#        CMD's status; 124 on timeout, 125 when the kernel log holds a splat.
# shell: a shell in it, with vrouter.ko loaded.
#   -m MEM   memory (2G)         -t SECONDS  time limit (600)
#   -o DIR   writable in the rig as $VR_OUT, gets console.log and dmesg.log
#   -k       keep the run's temporary files
#   -a ARGS  more kernel arguments
# VR_UML_DEBUG=1 takes a kernel with KASAN, lockdep and their like instead,
# VR_UML_GCOV=1 one that tells which lines of the module ran. VR_UML_SERIES is the
# series of the kernel (6.12); 7.2 can let each reallocation of a packet move it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rig.sh"

series=${VR_UML_SERIES:-6.12}
fragments=("$VR_ROOT/scripts/configs/uml.config")
[ -z "${VR_UML_DEBUG:-}" ] || fragments+=("$VR_ROOT/scripts/configs/uml-debug.config")
[ -z "${VR_UML_GCOV:-}" ] || fragments+=("$VR_ROOT/scripts/configs/uml-gcov.config")
[ "$series" = 6.12 ] || fragments+=("$VR_ROOT/scripts/configs/uml-$series.config")

# uml_build SOURCE FRAGMENT... DIR
uml_build()
{
	local src=$1 out=${*: -1}
	local -a mk=(make -C "$src" ARCH=um "O=$out")

	"${mk[@]}" defconfig
	(cd "$out" && ARCH=um "$src/scripts/kconfig/merge_config.sh" -m -O "$out" \
		.config "${@:2:$#-2}")
	"${mk[@]}" olddefconfig
	# no module tree: what is still a module would never load
	"${mk[@]}" mod2noconfig
	vr_config_check "$out/.config" "${@:2:$#-2}"
	"${mk[@]}" -j"$(nproc)"
	[ -s "$out/Module.symvers" ]
	# an external module needs none of the objects
	find "$out" -name '*.o' -not -path '*/scripts/*' -delete
}

uml_dir()
{
	local src key
	src=$("$VR_ROOT/scripts/source.sh" "$series")
	vr_need gcc make flex bison bc libelf-dev libssl-dev
	key=$(vr_hash "${fragments[@]}" "$(gcc -dumpfullversion)" "$(declare -f uml_build)")
	vr_cache_get "uml${VR_UML_DEBUG:+-debug}${VR_UML_GCOV:+-gcov}-${src##*/source-}-$key" \
		uml_build "$src" "${fragments[@]}"
}

uml_run()
{
	local mem=2G limit=600 out='' args='' dir rc=0 shm opt con OPTIND=1

	while getopts m:t:o:ka: opt; do
		case $opt in
		m) mem=$OPTARG ;;
		t) limit=$OPTARG ;;
		o) out=$OPTARG ;;
		k) keep=1 ;;
		a) args=$OPTARG ;;
		*) vr_die "see the head of $0" ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -gt 0 ] || vr_die "no command"
	dir=$(uml_dir)
	vr_need kmod iproute2
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/vr-uml.XXXXXX")
	mkdir -p "${out:=$tmp/out}"
	out=$(cd "$out" && pwd)
	vr_rig_files "$tmp" "$out" uml "$@"
	{
		echo '#!/bin/bash'
		printf 'tmp=%q out=%q shell=%q root=%q\n' "$tmp" "$out" \
			"${VR_SHELL:-}" "$VR_ROOT"
		cat "$VR_ROOT/scripts/rig-init.sh"
	} >"$tmp/init"
	chmod +x "$tmp/init"
	rm -f "$out/status" "$out/dmesg.log"

	# The machine's memory is a file: keep it off the disk.
	shm=/dev/shm
	[ -w "$shm" ] || shm=$tmp
	if [ -n "${VR_SHELL:-}" ]; then
		con=con1=fd:0,fd:3
		exec 3>&1
	else
		# uml cannot wait for a regular file: give it a pipe
		con=con1=null,fd:3
		mkfifo "$tmp/con"
		cat "$tmp/con" &
		cat=$!
		exec 3>"$tmp/con" </dev/null
	fi
	# shellcheck disable=SC2086 # kernel arguments are words
	TMPDIR=$shm timeout ${VR_SHELL:+--foreground} -k 5 "$limit" "$dir/linux" \
		mem="$mem" umid="vr$$" uml_dir="$tmp/" \
		rootfstype=hostfs rootflags=/ ro init="$tmp/init" \
		con=null con0=null,fd:1 "$con" loglevel=7 panic=-1 \
		dummy.numdummies=0 bonding.max_bonds=0 ifb.numifbs=0 fb_tunnels=none \
		$args >"$out/console.log" 2>&1 <&0 &
	child=$!
	exec 3>&-
	wait "$child" 2>/dev/null || rc=$?
	child=
	[ -z "${cat:-}" ] || wait "$cat" || true
	vr_rig_verdict "$out" "$rc"
}

cleanup()
{
	[ -z "${child:-}" ] || kill "$child" 2>/dev/null || true
	[ -n "${keep:-}" ] || [ -z "${tmp:-}" ] || rm -rf "$tmp"
}

trap cleanup EXIT
trap 'exit 130' INT TERM
case ${1:-} in
build) uml_dir ;;
run)
	shift
	uml_run "$@"
	;;
shell)
	shift
	vr_rig_shell uml
	uml_run -t 0 "$@" -- bash -c "$VR_SHELL_CMD"
	;;
*) vr_die "usage: uml.sh build | run [OPTION...] -- CMD... | shell" ;;
esac
