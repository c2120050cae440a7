# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the uml and the guest rig share: the first process in the rig, and the
# verdict on how it ended.

# vr_env: the variables a rig hands to its command, as shell assignments
vr_env()
{
	local name

	for name in $(compgen -e); do
		case $name in
		VR_LOCK | VR_ROOT | VR_SHELL*) ;;
		VR_*) printf 'export %s=%q\n' "$name" "${!name}" ;;
		esac
	done
}

# vr_rig_files TMP OUT RIG CMD...: write TMP/cmd, which runs CMD in the rig
# with the caller's VR_ variables.
vr_rig_files()
{
	local tmp=$1 out=$2 rig=$3
	shift 3

	{
		echo '#!/bin/bash'
		echo '# the command and its environment'
		vr_env
		printf 'export VR_OUT=%q VR_RIG=%q\n' "$out" "$rig"
		printf 'export HOME=/root TERM=%q LC_ALL=C.UTF-8\n' "${TERM:-dumb}"
		printf 'export PATH=%q\n' "$PATH"
		printf 'cd %q || exit 125\n' "$VR_ROOT"
		printf '%q ' "$@"
		echo
	} >"$tmp/cmd"

}

# vr_rig_splat OUT: did the kernel complain? dmesg forgets what is old, and the console
# leaves out what comes too fast.
vr_rig_splat()
{
	local log

	for log in "$1/console.log" "$1/dmesg.log"; do
		if vr_splat "$log"; then
			vr_log "the kernel log holds a splat: $log"
			return 0
		fi
	done
	return 1
}

# vr_rig_verdict OUT RC: say how the rig's run ended. RC is the machine's.
vr_rig_verdict()
{
	local out=$1 rc=$2 status

	if vr_rig_splat "$out"; then
		[ "$rc" -eq 124 ] || [ "$rc" -eq 137 ] || return 125
	fi
	if [ "$rc" -eq 124 ] || [ "$rc" -eq 137 ]; then
		vr_log "timeout"
		tail -5 "$out/console.log" >&2
		return 124
	fi
	status=$(cat "$out/status" 2>/dev/null) || status=
	if [ -z "$status" ]; then
		vr_log "the rig died (exit $rc)"
		tail -20 "$out/console.log" >&2
		return 125
	fi
	return "$status"
}

# vr_rig_shell TARGET: make the module and the tools ready for a shell
vr_rig_shell()
{
	VR_SHELL=1
	VR_MODULE=$("$VR_ROOT/scripts/build.sh" "$1" 2>/dev/null) ||
		vr_die "the module does not build: scripts/build.sh $1"
	vr_tools
	# shellcheck disable=SC2016,SC2034 # for the rig's shell
	VR_SHELL_CMD='. selftests/lib/run-load.sh && vr_load "$VR_MODULE"
		export PATH="${VR_TOOLS:+$VR_TOOLS:}$PATH" ${VR_IP_LIB:+IP_LIB_DIR="$VR_IP_LIB" TC_LIB_DIR="$VR_IP_LIB"}
		exec bash -i'
	export VR_SHELL VR_MODULE
}
