# SPDX-License-Identifier: GPL-2.0
"""Routers with ports on the same two NICs: what comes in on the first one leaves by the
second, whose qdisc lets through less than is offered."""
import atexit
import errno
import json
import time

import tclass
from vrtest import Failure, Rig, expect, frame, packet, run

WIRE = 24           # preamble, FCS and gap
WINDOWS = 8         # parts of a measurement
STILL = 0.005       # seconds that a few frames never take
NIC = "eth1"
HOST = "02:00:00:00:ff:01"


def near(what, want, got, percent):
    if abs(got - want) > want * percent / 100:
        raise Failure(f"{what}: expected {want} within {percent} %, actual {got}")


def lossy(send, data):
    """Send, or not: the socket's buffer, the backlog of the CPU or a qdisc is full."""
    try:
        send(data)
    except OSError as e:
        if e.errno not in (errno.EAGAIN, errno.ENOBUFS):
            raise


class Link:
    """Routers on the same NICs."""

    def __init__(self, n, sizes=()):
        first = Rig(n=2, name="vr0", queues=2)
        self.rigs = [first] + [Rig(n=2, name=f"vr{i}", nics=first.nic, host=first.h, tag=i)
                               for i in range(1, n)]
        # reports of multicast listeners come when they like, and would be counted
        for rig in self.rigs:
            for port in rig.port:
                rig.r.sysctl(f"net.ipv6.conf.{port}.disable_ipv6", 1)
        self.nic = first.nic
        self.sizes = list(sizes) or [400] * n
        self.frames = [self.frame(i, self.sizes[i]) for i in range(n)]
        self.host = self.nic.packet_socket(NIC)
        self.ran = []
        atexit.register(self.gone)

    def frame(self, i, size):
        """What router i forwards as a frame of this size."""
        rig = self.rigs[i]
        return frame(rig.pmac[0], rig.hmac[0],
                     packet("10.0.0.2", "10.0.1.2", data=b"x" * (size - 42)))

    def tc(self, line, check=True):
        return run(f"tc {line}", check, ns=self.nic)

    def root(self, options="", where="root handle 10:"):
        self.tc(f"qdisc replace dev {NIC} {where} vrouter {options}")

    def refuse(self, what, line):
        """A tc command fails, with a text."""
        done = self.nic.attempt(f"tc {line}")
        if done.returncode == 0 or not done.stderr.strip():
            raise Failure(f"{what}: expected a refusal with a text, actual status "
                          f"{done.returncode} '{done.stderr.strip()}'")

    def qdisc(self, handle="10:"):
        for q in json.loads(self.tc(f"-s -j qdisc show dev {NIC}")):
            if q["kind"] == "vrouter" and q["handle"] == handle:
                return q
        raise Failure(f"no qdisc {handle}")

    def classes(self):
        """By the router's name, or host."""
        return {c["router"]: c for c in self.class_list()}

    def class_list(self, size=1 << 15):
        with self.nic:
            return tclass.dump(NIC, size)

    def wire(self):
        return {name: c["wire_bytes"] for name, c in self.classes().items()}

    def flood(self, seconds, who=None):
        """Offer all routers more than the link takes; return wire bytes by router, and
        how many a second in the parts of that time."""
        who = list(range(len(self.rigs))) if who is None else who
        send = [(self.rigs[0].socks[0].send, self.frames[i]) for i in who]
        self.pump(send, 0.3)
        looks, stood = [(time.monotonic(), self.wire())], []
        for _ in range(WINDOWS):
            stood.append(self.pump(send, seconds / WINDOWS))
            looks.append((time.monotonic(), self.wire()))
        self.ran = [1 - s / (b[0] - a[0]) for s, a, b in zip(stood, looks, looks[1:])]
        names = [f"vr{i}" for i in who]

        def between(a, b, name):
            return b[1][name] - a[1].get(name, 0)
        return ({name: between(looks[0], looks[-1], name) for name in names},
                {name: [between(a, b, name) / (b[0] - a[0])
                        for a, b in zip(looks, looks[1:])] for name in names})

    def forwards(self):
        """Frames a second that each of the routers can forward, all at once."""
        self.root("bandwidth 0")
        got, _ = self.flood(0.4)
        return min(got[f"vr{i}"] / (len(f) + WIRE)
                   for i, f in enumerate(self.frames)) / 0.4

    @staticmethod
    def pump(send, seconds):
        """Send for so long; return for how many seconds the machine stood still."""
        last = time.monotonic()
        end, stood = last + seconds, 0
        while last < end:
            for fn, data in send:
                lossy(fn, data)
            now = time.monotonic()
            if now - last > STILL:
                stood += now - last
            last = now
        return stood

    def burst(self, i, n, size=None):
        data = self.frame(i, size) if size else self.frames[i]
        for _ in range(n):
            self.rigs[0].socks[0].send(data)

    def settle(self):
        """Wait until all routers have done with what was sent."""
        for rig in self.rigs:
            if rig:
                rig.counters()

    def host_frames(self, n, size=100):
        data = bytes.fromhex((HOST + HOST).replace(":", "")) + b"\x88\xb5"
        for _ in range(n):
            lossy(self.host.send, data + b"h" * (size - len(data)))

    def gone(self):
        self.host.close()
        for rig in self.rigs[1:]:
            if rig:
                rig.gone()
        self.rigs[0].gone()


def consistent(link, handle="10:"):
    """The qdisc has what its classes have."""
    while True:
        # while it sends, two looks are of two moments
        a, classes, b = link.qdisc(handle), link.class_list(), link.qdisc(handle)
        if (a["packets"], a["drops"], a["qlen"]) == (b["packets"], b["drops"], b["qlen"]):
            break
    for key in ("qlen", "backlog"):
        expect(f"{key} of the qdisc", sum(c[key] for c in classes), a[key])
    if not a["qlen"]:
        expect("backlog without frames", 0, a["backlog"])
    return a
