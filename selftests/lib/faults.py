# SPDX-License-Identifier: GPL-2.0
"""Allocations that fail on purpose, by the kernel's fault injection."""
import atexit
import errno
import glob
import os
import sys
import time

from vrtest import Failure, Skip, expect, put

DEBUG = "/sys/kernel/debug"
KMEMLEAK = DEBUG + "/kmemleak"
NEVER = 1 << 30
# what a lack of memory may be called
SHORT = {errno.ENOMEM, errno.ENOBUFS}


def need(why, *paths):
    """Skip all tests unless the kernel has these files."""
    if not all(os.path.exists(p) for p in paths):
        print(f"1..0 # SKIP {why}")
        sys.exit(4)


def need_faults():
    need("this kernel cannot fail allocations on purpose", "/proc/thread-self/fail-nth",
         DEBUG + "/failslab")


class Faults:
    """The switches; all is off again at the end."""

    def __init__(self):
        self.off()
        atexit.register(self.off)
        self.nth = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def off(self):
        """No faults but by fail-nth, which takes in all sizes and allocations that
        may sleep. Memory of user space is spared."""
        for what in ("failslab", "fail_page_alloc"):
            for key, value in (("probability", 0), ("verbose", 0), ("times", -1),
                               ("interval", 1), ("space", 0), ("task-filter", "N"),
                               ("ignore-gfp-wait", "N"), ("require-start", 0),
                               ("require-end", (1 << 64) - 1), ("reject-start", 0),
                               ("reject-end", 0)):
                path = f"{DEBUG}/{what}/{key}"
                if os.path.exists(path):
                    put(path, str(value))
        put(DEBUG + "/fail_page_alloc/min-order", "0")

    def set(self, what, **keys):
        for key, value in keys.items():
            put(f"{DEBUG}/{what}/{key.replace('_', '-')}", str(value))

    def can_filter(self):
        return os.path.exists(DEBUG + "/failslab/require-start")

    def only_module(self):
        """Only what the module asks for, by the addresses on the stack."""
        first, last = text_range()
        for what in ("failslab", "fail_page_alloc"):
            self.set(what, require_start=first, require_end=last, stacktrace_depth=32)

    def attempt(self, n, act):
        """Let the nth allocation of act() fail. Return (allocations left until it would
        have, what act() returns)."""
        os.pwrite(self.nth, b"%d" % n, 0)
        try:
            result = act()
        finally:
            left = int(os.pread(self.nth, 16, 0).rstrip(b"\0\n"))
            os.pwrite(self.nth, b"0", 0)
        return left, result


class Workers:
    """fail-nth of the kernel's unbound workers, of which one does a mirror's work, or
    takes a namespace down."""

    def __init__(self):
        self.armed = []

    def arm(self, n):
        """The nth allocation of each of them is to fail."""
        self.armed = []
        for path in glob.glob("/proc/[0-9]*/comm"):
            pid = path.split("/")[2]
            try:
                with open(path, encoding="ascii") as f:
                    if not f.read().startswith("kworker/u"):
                        continue
                put(f"/proc/{pid}/fail-nth", str(n))
            except OSError:     # it ended
                continue
            self.armed.append(pid)

    def disarm(self):
        """Return whether an allocation failed."""
        failed = False
        for pid in self.armed:
            try:
                with open(f"/proc/{pid}/fail-nth", encoding="ascii") as f:
                    failed |= int(f.read().rstrip("\0\n")) == 0
                put(f"/proc/{pid}/fail-nth", "0")
            except OSError:
                pass
        return failed


def text_range():
    """Where the module's code is: first and last address."""
    found = []
    with open("/proc/kallsyms", encoding="ascii") as f:
        for line in f:
            if line.endswith("[vrouter]\n"):
                addr, kind = line.split()[:2]
                if kind in "tT":
                    found.append(int(addr, 16))
    return min(found), max(found) + 4096


def leaks():
    """Nothing is left that nobody knows any more. kmemleak's answer is right only
    after a while."""
    try:
        put(KMEMLEAK, "scan")
    except OSError as e:
        raise Skip("no kmemleak here") from e
    # what is on its way through RCU, or in registers
    time.sleep(5)
    put(KMEMLEAK, "scan")
    with open(KMEMLEAK, encoding="utf-8", errors="replace") as f:
        expect("kmemleak's report", "", f.read()[:4000])


def watch_leaks():
    """What is there before us is not ours. Return whether leaks are looked for."""
    try:
        put(KMEMLEAK, "scan=off")
        put(KMEMLEAK, "scan")
        put(KMEMLEAK, "clear")
    except OSError:
        return False
    return True


def clean(outcome, what):
    """An error is one of those that a lack of memory has."""
    how, code = outcome
    if how == "refused" and code not in SHORT:
        raise Failure(f"{what}: expected one of {sorted(SHORT)}, actual {code}")
