# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# Results of whole programs as KTAP, for the tests that run outside of a rig:
#
#	. .../lib/ktap-run.sh
#	ktap_plan 2
#	ktap_run NAME COMMAND...
#	ktap_skip NAME WHY
#	ktap_end

ktap_failed=0
ktap_n=0

ktap_plan()
{
	echo "KTAP version 1"
	echo "1..$1"
}

# What the command prints may be results of its own.
ktap_run()
{
	ktap_n=$((ktap_n + 1))
	ktap_name=$1
	shift
	ktap_out=$(mktemp)
	"$@" >"$ktap_out" 2>&1
	ktap_rc=$?
	sed 's/^/    /' "$ktap_out"
	rm -f "$ktap_out"
	if [ $ktap_rc -eq 0 ]; then
		echo "ok $ktap_n $ktap_name"
	else
		echo "not ok $ktap_n $ktap_name"
		ktap_failed=1
	fi
}

ktap_skip()
{
	ktap_n=$((ktap_n + 1))
	echo "ok $ktap_n $1 # SKIP $2"
}

ktap_end()
{
	exit $ktap_failed
}
