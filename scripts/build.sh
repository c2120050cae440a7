#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: build.sh uml|6.1|6.12|7.2|rt|i386|clang [make argument...]
# Build the module for a rig's kernel in build/TARGET, and print its path.
#   STRICT=1  warnings are errors      C=2  run sparse, compiled or not
# i386 and clang are for the compilers only, with a prepared kernel tree in VR_KDIR.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

target=${1:?usage: build.sh uml|6.1|6.12|7.2|rt [make argument...]}
shift
# STRICT=1 leaves more behind than a plain build: how much of the stack functions take.
dir=$VR_ROOT/build/$target${VR_UML_SERIES:+-$VR_UML_SERIES}${VR_UML_DEBUG:+-debug}${VR_UML_GCOV:+-gcov}${STRICT:+-strict}

CHROOT=
cflags=
if [ "$target" = uml ]; then
	cflags=$(vr_uml_cflags)
	KDIR=$("$VR_ROOT/scripts/uml.sh" build)
	# newer kernels note where they were built, and the cache has moved that
	set -- "O=$KDIR" "$@"
	set -- ARCH=um CONFIG_VROUTER_KUNIT_TEST=y ${VR_UML_GCOV:+GCOV_PROFILE=y} "$@"
elif [ "$target" = i386 ] || [ "$target" = clang ]; then
	KDIR=$VR_KDIR
	# nobody knows there what the kernel exports
	set -- KBUILD_MODPOST_WARN=1 "$@"
else
	vr_need gcc make libelf1
	assign=$("$VR_ROOT/scripts/kernel.sh" "$target")
	eval "$assign"
fi
[ -z "${C:-}" ] || vr_need sparse

# One builder a directory at a time.
mkdir -p "$dir/kernel" "$dir/uapi"
exec {lock}>"$dir/.lock"
flock "$lock"

# Copy only what changed, so that make rebuilds only that.
vr_need rsync
rsync -rlpt --checksum --delete --exclude='*.o' --exclude='.*.cmd' --exclude='*.ko' \
	--exclude='*.mod' --exclude='*.mod.c' --exclude=Module.symvers \
	--exclude=modules.order --exclude='*.order' --exclude='.*.d' \
	--exclude='*.gcno' --exclude='*.su' \
	"$VR_ROOT/kernel/" "$dir/kernel/"
rsync -rlpt --checksum --delete "$VR_ROOT/uapi/" "$dir/uapi/"
[ ! -f "$VR_ROOT/Kconfig" ] || cp -p "$VR_ROOT/Kconfig" "$dir/"

# BTF needs a vmlinux that Debian's headers do not carry.
set -- CONFIG_DEBUG_INFO_BTF_MODULES= CONFIG_VROUTER=m W=1 "$@"
set -- KCFLAGS="$cflags${STRICT:+ -Werror -fstack-usage}" "$@"
[ -z "${C:-}" ] || set -- C="$C" "$@"

in_chroot()
{
	local root=$1
	shift

	# The tree keeps its path inside, so that messages name it right.
	mkdir -p "$root$dir"
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare -m sh -euc 'root=$1 dir=$2; shift 2
		mount --bind "$dir" "$root$dir"
		mount -t proc proc "$root/proc"
		mount --bind /dev "$root/dev"
		exec chroot "$root" "$@"' sh "$root" "$dir" "$@"
}

run=()
[ -z "$CHROOT" ] || run=(in_chroot "$CHROOT")
"${run[@]}" make -C "$KDIR" M="$dir/kernel" -j"$(nproc)" "$@" modules >&2
[ -s "$dir/kernel/vrouter.ko" ] || vr_die "no vrouter.ko was built"
printf '%s\n' "$dir/kernel/vrouter.ko"
