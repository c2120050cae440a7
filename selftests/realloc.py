#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Each time a packet's data may be moved, it is moved: what goes on with a pointer into the
old place reads or writes freed memory, which KASAN sees. Forwarding is the same.

Invariant 24. For a kernel with CONFIG_FAIL_SKB_REALLOC, Linux 6.13 or newer; the tests that
are run under it look at what comes out byte for byte.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "lib"))
from vrtest import Failure, Skip, main, put  # noqa: E402

FAULT = "/sys/kernel/debug/fail_skb_realloc"
TESTS = ("forward.py", "packets.py", "punt.py", "loops.py", "equivalence.py")
TIMES = 2_000_000_000
# each packet is moved several times, by a kernel that is slow
FEWER = {} if os.environ.get("VR_LONG") else {"VR_PACKETS": "20000"}


def left():
    with open(f"{FAULT}/times", encoding="ascii") as f:
        return int(f.read())


def under_fault(test):
    if not os.path.isdir(FAULT):
        raise Skip("the kernel has no CONFIG_FAIL_SKB_REALLOC")
    for name, value in (("verbose", 0), ("interval", 1), ("times", TIMES),
                        ("probability", 100)):
        put(f"{FAULT}/{name}", str(value))
    try:
        done = subprocess.run([sys.executable, os.path.join(HERE, test)], text=True,
                              env={**os.environ, **FEWER}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
    finally:
        put(f"{FAULT}/probability", "0")
    moved = TIMES - left()
    print(f"# {test}: packets were moved {moved} times")
    if done.returncode:
        lines = done.stdout.splitlines()
        bad = [line for i, line in enumerate(lines)
               if "not ok" in "".join(lines[i:i + 2]) or "Totals" in line]
        raise Failure(f"{test}: expected exit status 0, actual {done.returncode}:\n# " +
                      "\n# ".join(bad[:40]))
    if moved < 100:
        raise Failure(f"packets moved: expected 100 or more, actual {moved}")


if __name__ == "__main__":
    main([(f"{test}, while packets move", lambda t=test: under_fault(t)) for test in TESTS])
