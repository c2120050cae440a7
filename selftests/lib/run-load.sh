# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Load a module file, and before it what it depends on.

vr_load()
{
	local file=$1 dep

	# uml has everything built in and no module tree to ask
	for dep in $(modinfo -F depends "$file" | tr ',' ' '); do
		modprobe "$dep" 2>/dev/null || [ -d "/sys/module/$dep" ] || {
			echo "# cannot load $dep, which vrouter needs" >&2
			return 1
		}
	done
	insmod "$file"
}
