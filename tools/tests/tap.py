# SPDX-License-Identifier: GPL-2.0
"""TAP from a list of (name, function): a function returns what is wrong."""
import subprocess
import sys


class Skip(Exception):
    """A test that cannot be done here."""


def run(argv, env=None, stdin=subprocess.DEVNULL, timeout=20):
    """Return (status, stdout, stderr)."""
    p = subprocess.run(argv, env=env, stdin=stdin, capture_output=True, timeout=timeout,
                       check=False)
    return (p.returncode, p.stdout.decode(errors="replace"),
            p.stderr.decode(errors="replace"))


def tap(tests):
    """Run the tests, print the results, return the exit status."""
    bad = 0
    print("1..%d" % len(tests))
    for i, (name, test) in enumerate(tests, 1):
        name = name.replace("#", " ").replace("\n", " ")
        try:
            wrong = test()
        except Skip as e:
            print("ok %d %s # SKIP %s" % (i, name, e))
            continue
        except (AssertionError, ValueError, LookupError, TypeError,
                subprocess.TimeoutExpired, OSError) as e:
            wrong = "%s: %s" % (type(e).__name__, e)
        print("%sok %d %s" % ("not " if wrong else "", i, name))
        if wrong:
            bad = 1
            for line in str(wrong).splitlines():
                print("# " + line)
        sys.stdout.flush()
    return bad
