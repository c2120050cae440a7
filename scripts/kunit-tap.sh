#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# usage: kunit-tap.sh DMESG
# Print the KTAP that KUnit left in a kernel log after the line vr-kunit-starts.
set -euo pipefail
# check.sh marks where the module was loaded: the kernel may have run suites of
# its own at boot. Other messages are noise; indentation tells the depth.
sed -E 's/^(<[0-9]+>)?\[ *[0-9]+\.[0-9]+\] //' "$1" |
	awk '/^vr-kunit-starts/ { marked = 1; on = 0; next }
		/^KTAP version/ { on = marked }
		on && /^ *(KTAP version|ok |not ok |1\.\.|# |Bail out!)/ { print; n++ }
		END { if (!n) print "Bail out! no KUnit results in the kernel log" }'
