#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# usage: run.sh, by `make check`: host tests of vrctl and the plugins, KTAP.
#   O  directory with what make built
set -u
cd "$(dirname "$0")" || exit 1
: "${O:=../build}"
export O

failed=0
n=0
run()
{
	n=$((n + 1))
	echo "    # $1"
	out=$(mktemp)
	name=$1
	shift
	"$@" >"$out" 2>&1
	rc=$?
	sed 's/^/    /' "$out"
	rm -f "$out"
	if [ $rc -eq 0 ]; then
		echo "ok $n $name"
	else
		echo "not ok $n $name"
		failed=1
	fi
}

echo "KTAP version 1"
echo "1..4"
run unit "$O/unit"
if command -v valgrind >/dev/null; then
	run memory valgrind -q --error-exitcode=9 --leak-check=full "$O/unit"
else
	n=$((n + 1))
	echo "ok $n memory # SKIP no valgrind"
fi
run cli /usr/bin/python3 cli.py
run plugins /usr/bin/python3 plugins.py
exit $failed
