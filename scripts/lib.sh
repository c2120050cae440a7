# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Shell functions the scripts share: cache, packages, messages, splat check.

VR_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Distribution tools before anything a user put in front of them: Debian's
# python3 is the one that has scapy and yaml.
PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH VR_ROOT
export LC_ALL=C.UTF-8

vr_log() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
vr_die() { vr_log "$@"; exit 1; }

vr_cache_dir() { printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/vrouter"; }

# vr_hash FILE-OR-TEXT...: a short key of what made a cache entry
vr_hash()
{
	local arg

	for arg; do
		if [ -f "$arg" ]; then cat "$arg"; else printf '%s\n' "$arg"; fi
	done | sha256sum | cut -c1-12
}

vr_apt_update()
{
	# Two updates at once fight for a lock apt does not wait for.
	(
		flock 9
		for _ in 1 2 3; do
			apt-get -qq update >&2 && exit 0
			sleep 3
		done
		exit 1
	) 9>"$(vr_cache_dir)/apt-update.lock"
}

# A fresh machine's lists are absent, or name packages that are gone by now.
vr_apt_lists()
{
	local stamp
	stamp=$(vr_cache_dir)/apt/updated

	[ -z "$(find "$stamp" -mtime -7 2>/dev/null)" ] || return 0
	mkdir -p "${stamp%/*}"
	if vr_apt_update; then
		touch "$stamp"
	elif [ -z "$(apt-cache policy "$1" 2>/dev/null)" ]; then
		vr_die "apt has no lists and cannot get them"
	fi
}

# vr_need PACKAGE...: install what is missing
vr_need()
{
	local pkg missing=()

	for pkg; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$pkg" 2>/dev/null)" = installed ] ||
			missing+=("$pkg")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	mkdir -p "$(vr_cache_dir)"
	vr_log "installing ${missing[*]}"
	(
		flock 9
		vr_apt_update
		DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
			-o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 \
			install --no-install-recommends "${missing[@]}"
	) 9>"$(vr_cache_dir)/apt-install.lock" >"$(vr_cache_dir)/apt-install.log" 2>&1 || {
		tail -20 "$(vr_cache_dir)/apt-install.log" >&2
		vr_die "cannot install: ${missing[*]}"
	}
}

# vr_cache_get KEY BUILDER ARG...: print the directory of cache entry KEY.
# When absent, `BUILDER ARG... DIR` fills a directory beside it, which is then
# renamed, so that an entry is whole or not there.
vr_cache_get()
{
	local key=$1 dir tmp log pid
	shift
	dir=$(vr_cache_dir)/$key
	log=$dir.log
	if [ -d "$dir" ]; then
		printf '%s\n' "$dir"
		return
	fi
	mkdir -p "${dir%/*}"
	exec {VR_LOCK}>"$dir.lock"
	flock "$VR_LOCK"
	if [ ! -d "$dir" ]; then
		# Whoever holds the lock may clear what a killed builder left.
		rm -rf "$dir".tmp.*
		tmp=$(mktemp -d "$dir.tmp.XXXXXX")
		chmod 755 "$tmp"
		vr_log "building $key (log: $log)"
		# A job of its own keeps `set -e` alive whatever calls us.
		(set -eu; "$@" "$tmp") >"$log" 2>&1 {VR_LOCK}>&- &
		pid=$!
		if ! wait "$pid"; then
			tail -30 "$log" >&2
			rm -rf "$tmp"
			vr_die "building $key failed, see $log"
		fi
		mv "$tmp" "$dir"
	fi
	exec {VR_LOCK}>&-
	printf '%s\n' "$dir"
}

# vr_apt_opts SUITE: print apt options, one a line, for a private view of
# another Debian suite, served by whoever serves this machine's own.
vr_apt_opts()
{
	local suite=$1 dir
	dir=$(vr_cache_dir)/apt/$suite

	mkdir -p "$dir/none" "$dir/state/lists/partial" "$dir/cache/archives/partial"
	vr_apt_source "$suite" >"$dir/sources.list"
	printf '%s\n' -o "Dir::Etc::sourcelist=$dir/sources.list" \
		-o "Dir::Etc::sourceparts=$dir/none" -o APT::Sandbox::User=root \
		-o "Dir::State=$dir/state" -o "Dir::Cache=$dir/cache" \
		-o Acquire::Retries=3
}

# vr_apt_source SUITE: the one-line source for SUITE
vr_apt_source()
{
	local suite=$1 found files
	mapfile -t files < <(find /etc/apt/sources.list /etc/apt/sources.list.d \
		-name '*.list' -o -name '*.sources' 2>/dev/null)
	found=$(awk '
		function flush() {
			if (uri != "" && (" " suites " ") ~ / (bookworm|stable) /)
				print uri, key
			uri = suites = key = ""
		}
		FNR == 1 { flush() }
		/^[[:space:]]*#/ { next }
		/^[[:space:]]*$/ { flush(); next }
		/^deb[[:space:]]/ {
			k = ""
			if (match($0, /signed-by=[^] ]+/))
				k = substr($0, RSTART + 10, RLENGTH - 10)
			sub(/\[[^]]*\]/, "")
			if ($3 == "bookworm" || $3 == "stable") print $2, k
			next
		}
		/^URIs:/ { uri = $2 }
		/^Suites:/ { sub(/^[^:]*:[[:space:]]*/, ""); suites = $0 }
		/^Signed-By:/ { key = $2 }
		END { flush() }' "${files[@]}" | head -1) || true
	[ -n "$found" ] || vr_die "no apt source for bookworm found"
	set -- "${found% *}" "${found#* }"
	printf 'deb %s%s %s main\n' "${2:+[signed-by=$2] }" "$1" "$suite"
}

# What a kernel log must not hold after a test.
VR_SPLAT='BUG: |kernel BUG at|Kernel panic|WARNING: |UBSAN: |\] RIP: |\]  ?Call Trace:|\] ref_tracker: |unregister_netdevice: waiting|unreferenced object|suspected memory leak|buffer overflow|Oops|soft lockup|hung task|blocked for more than|detected stall'

# vr_splat DMESG: show the lines and succeed when there is a splat
vr_splat()
{
	# a tracker that gets no memory only says so; who switches the machine off, with
	# its files gone, may die of that
	[ -f "$1" ] && sed '/ sysrq: Power Off/,$d' "$1" | grep -anE "$VR_SPLAT" |
		grep -v 'ref_tracker: memory allocation failure' >&2
}

# vr_uml_cflags: for modules of the uml rig
vr_uml_cflags()
{
	! grep -qsw popcnt /proc/cpuinfo ||
		printf '%s\n' "-mpopcnt -include $VR_ROOT/scripts/configs/uml-popcnt.h"
}

# vr_config_check CONFIG FRAGMENT...: every option asked for is really set
vr_config_check()
{
	local config=$1 line missing=()
	shift

	# a later fragment overrules an earlier one
	while read -r line; do
		case $line in
		CONFIG_*=*) grep -qxF -- "$line" "$config" || missing+=("$line") ;;
		*) ! grep -q "^${line%% *}=" "$config" || missing+=("!${line%% *}") ;;
		esac
	done < <(sed -nE 's/^# (CONFIG_[A-Z0-9_]+ is not set)$/\1/p; /^CONFIG_/p' "$@" |
		awk '{ name = $0; sub(/[ =].*/, "", name); last[name] = $0 }
			END { for (name in last) print last[name] }')
	[ ${#missing[@]} -eq 0 ] || vr_die "options not taken: ${missing[*]}"
}

# vr_tools: build the tools; export VR_TOOLS, where vrctl is, and VR_IP_LIB,
# where ip finds the plugin for our link kinds
vr_tools()
{
	local bin plugin

	[ ! -f "$VR_ROOT/tools/Makefile" ] || {
		vr_need libmnl-dev libbpf-dev libelf-dev
		make -s -C "$VR_ROOT/tools" >&2 || return 1
	}
	bin=$(find "$VR_ROOT/tools" -name vrctl -type f -perm -u+x \
		-print -quit 2>/dev/null) || true
	plugin=$(find "$VR_ROOT/tools" -name link_vrouter.so \
		-print -quit 2>/dev/null) || true
	VR_TOOLS=${bin:+${bin%/*}}
	VR_IP_LIB=${plugin:+${plugin%/*}}
	export VR_TOOLS VR_IP_LIB
}

# vr_apt_fresh SUITE OPTION...: update a private view that is over a day old
vr_apt_fresh()
{
	local stamp
	stamp=$(vr_cache_dir)/apt/$1/updated
	shift

	[ -z "$(find "$stamp" -mmin -1440 2>/dev/null)" ] || return 0
	(
		flock 9
		apt-get "$@" -qq update
	) 9>"$stamp.lock" >&2 || return 1
	touch "$stamp"
}
