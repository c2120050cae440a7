#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What TAB offers after vrctl, where ip tells names that a tenant chose. Prints TAP."""
import os
import sys
import tempfile

from tap import run, tap

FILE = os.path.abspath("../bash-completion/vrctl")
# The last two words of the line, and what the shell makes of the answer.
SCRIPT = r"""
ip() { [ "$3 $4 $5" != "show type $KIND" ] || printf '%s\n' "$LINKS"; }
. "$0"
: >file
COMP_WORDS=(vrctl "$@") COMP_CWORD=$#
_vrctl
[ ! -e made ] || echo made while completing
eval "set -- ${COMPREPLY[*]}"
[ ! -e made ] || echo made on the command line
[ $# -eq 0 ] || printf '%s\n' "$@"
"""
EVIL = ["$(>made)", "`>made`", "a;>made", "a'>made", '"$(>made)"', "*", "\033c", "$PWD"]


def offers(words, names, want, kind="vrouter"):
    links = "\n".join("%d: %s: <UP> mtu 1500" % (i, n) for i, n in enumerate(names, 2))
    with tempfile.TemporaryDirectory() as d:
        p = run(["env", "-C", d, "LINKS=" + links, "KIND=" + kind,
                 "bash", "-c", SCRIPT, FILE] + words)
    return None if p == (0, "".join(w + "\n" for w in want), "") else repr(p)


TESTS = [
    ("a command", ["sh"], [], ["show"]),
    ("all commands", ["help", ""], [],
     "list show set port nic stats lookup fib monitor reset create delete help".split()),
    ("a router", ["show", "vr-r"], ["vr-red", "vr-blue"], ["vr-red"]),
    ("routers", ["show", ""], ["vr-red", "vr-blue"], ["vr-red", "vr-blue"]),
    ("settings", ["set", "vr-red", "limit-"], ["vr-red"], ["limit-packets", "limit-bytes"]),
    ("no such router", ["show", "x"], ["vr-red"], []),
    ("no routers", ["show", ""], [], []),
]


def main():
    tests = [(n, lambda w=w, l=l, o=o: offers(w, l, o)) for n, w, l, o in TESTS]
    tests += [("a router called %r" % e, lambda e=e: offers(["show", ""], [e, "b"], [e, "b"]))
              for e in EVIL]
    tests += [
        ("a port called so", lambda: offers(["lookup", "vr0", "iif", ""], EVIL, EVIL, "vrport")),
        ("a VRF called so", lambda: offers(["create", "vr0", "vrf", ""], EVIL, EVIL, "vrf")),
        ("such a name, begun", lambda: offers(["show", "\\$\\("], EVIL, EVIL[:1])),
    ]
    return tap(tests)


if __name__ == "__main__":
    sys.exit(main())
