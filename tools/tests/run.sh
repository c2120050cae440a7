#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# usage: run.sh, by `make check`: host tests of vrctl, its completion and the plugins, KTAP.
#   O  directory with what make built
set -u
cd "$(dirname "$0")" || exit 1
: "${O:=../build}"
export O

. ../../selftests/lib/ktap-run.sh
ktap_plan 5
ktap_run unit "$O/unit"
if command -v valgrind >/dev/null; then
	ktap_run memory valgrind -q --error-exitcode=9 --leak-check=full "$O/unit"
else
	ktap_skip memory "no valgrind"
fi
ktap_run cli /usr/bin/python3 cli.py
ktap_run plugins /usr/bin/python3 plugins.py
ktap_run completion /usr/bin/python3 completion.py
ktap_end
