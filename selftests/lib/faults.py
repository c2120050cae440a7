# SPDX-License-Identifier: GPL-2.0
"""Allocations that fail on purpose, by the kernel's fault injection, and what is done
meanwhile."""
import atexit
import errno
import glob
import os
import socket
import sys
import time

import nl
from nl import attr, attrs, number
from vrtest import (Failure, Rig, Skip, expect, forwarded, frame, packet, put, text,
                    wait)

DEBUG = "/sys/kernel/debug"
KMEMLEAK = DEBUG + "/kmemleak"
NEVER = 1 << 30
STATE_DOWN, STATE_ACTIVE = 1, 3
PROBE = {4: ("10.0.0.2", "198.51.100.7"), 6: ("2001:db8:0::2", "2001:db8:ff::7")}
# where packets go without the routes of the tests, and objects for these
WAYS = ["route add 198.51.0.0/16 via 10.0.2.2",
        "route add 2001:db8:f0::/44 via 2001:db8:2::2",
        "nexthop add id 7 via 10.0.1.2 dev r1",
        "nexthop add id 8 via 2001:db8:1::2 dev r1"]
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
        self.fail = os.open("/proc/thread-self/make-it-fail", os.O_RDWR)

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


    def attempt_two(self, space, act):
        """Let two allocations in a row fail, as soon as so many bytes were allocated: some
        ask twice. Return (bytes left, what act() returns)."""
        self.set("failslab", task_filter="Y", space=space, times=2, probability=100)
        os.pwrite(self.fail, b"1", 0)
        try:
            result = act()
        finally:
            os.pwrite(self.fail, b"0", 0)
            with open(DEBUG + "/failslab/space", encoding="ascii") as f:
                left = int(f.read())
            self.off()
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


class Socket(nl.Socket):
    """For requests that may fail for want of memory at any place. What comes of one is
    ("done", 0), ("refused", errno), or ("unknown", errno) when only the answer is lost."""

    def __init__(self, ns=None, proto=nl.ROUTE):
        super().__init__(proto, ns, options=(), patience=20)
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 20)    # SO_RCVBUFFORCE

    def attempt(self, msg):
        """Send bytes that are acknowledged, or answered."""
        try:
            self.sock.send(msg)
        except OSError as e:
            return "refused", e.errno
        try:
            kind, _, _, payload = next(nl.messages(self.sock.recv(1 << 16)))
        except OSError as e:
            return "unknown", e.errno
        code = nl.error_of(payload) if kind == nl.NLMSG_ERROR else 0
        return ("refused", code) if code else ("done", 0)

    def collect(self, msg):
        """Send bytes that ask for many messages. Return ("done", [payload]), or as
        attempt() does."""
        payloads = []
        try:
            self.sock.send(msg)
            while True:
                for kind, _, _, payload in nl.messages(self.sock.recv(1 << 18)):
                    if kind in (nl.NLMSG_DONE, nl.NLMSG_ERROR):
                        code = nl.error_of(payload)
                        return ("refused", code) if code else ("done", payloads)
                    payloads.append(payload)
        except OSError as e:
            return "refused", e.errno


def request(kind, body, flags=0):
    """Bytes of a request that is acknowledged."""
    return nl.message(kind, body, nl.ACK | flags)


class Family:
    """Our generic netlink family."""

    def __init__(self):
        with nl.Socket(nl.GENERIC) as sock:
            self.number, _ = sock.family()

    def message(self, cmd, attributes, flags=nl.ACK):
        """Bytes of a request to it."""
        return nl.message(self.number, nl.genl(cmd, attributes), flags)


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


# ---- a router that faults befall ---------------------------------------------------

def indices(ns):
    """{name: index} of the devices of a namespace."""
    with ns:
        return {name: i for i, name in socket.if_nameindex()}


def passes(rig, what, addresses, wires):
    """A packet (from, to) that comes in by wire 0 comes out, once, on one of the
    wires."""
    pkt = packet(*addresses)
    got = rig.exchange([(0, frame(rig.pmac[0], rig.hmac[0], pkt))], 1)
    want = [[(i, frame(rig.hmac[i], rig.pmac[i], forwarded(pkt)))] for i in wires]
    if got not in want:
        raise Failure(f"{what} to {addresses[1]}: expected it on one of the wires {wires}, "
                      f"actual {text(got)}")


class World:
    """A router that packets go through, and sockets around it; there once make() was
    called."""

    settled_states = (STATE_ACTIVE,)

    def __init__(self):
        self.rig = None

    def make(self):
        """Do it. What else there is to be is made by setup()."""
        if self.rig:
            return
        self.faults = Faults()
        watch_leaks()
        self.rig = rig = Rig(3)
        rig.r.batch(WAYS)
        self.setup()
        self.family = Family()
        self.r, self.n, self.genl = Socket(rig.r), Socket(rig.nic), Socket(rig.r, nl.GENERIC)
        self.dev, self.nic = indices(rig.r), indices(rig.nic)
        self.settled()

    def setup(self):
        """For those who need more."""

    def router(self):
        """The router's attributes, and its mirror's."""
        _, got = self.genl.collect(self.family.message(nl.ROUTER_GET, attr(2, "vr0")))
        top = attrs(got[0][4:])
        return top, attrs(top[26])

    def is_settled(self):
        top, mirror = self.router()
        return number(top[5]) in self.settled_states and number(mirror[1]) == 0

    def settled(self):
        """The router knows all routes."""
        wait("the router is active and knows all routes", self.is_settled)

    def probe(self, wires4, wires6):
        """A packet of each family to where the routes lead comes out, once, on one of
        the wires."""
        passes(self.rig, "packet", PROBE[4], wires4)
        passes(self.rig, "packet", PROBE[6], wires6)
