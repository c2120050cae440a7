#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Allocations fail where nobody can be told: in the mirrors' work, while a namespace
goes, for packets; memory is fragmented; and the module is loaded.

Numbers of invariants are those of the project's list of risks.
"""
import contextlib
import ctypes
import errno
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import nl  # noqa: E402
import rtnl  # noqa: E402
from faults import (NEVER, PROBE, Socket, Workers, World, clean, leaks, need_faults,  # noqa: E402
                    request)
from nl import NEW, attr, number, u16  # noqa: E402
from rtnl import link, multipath, route, via  # noqa: E402
from vrtest import (CLONE_NEWNET, Failure, Skip, expect, frame, mac, main, packet,  # noqa: E402
                    run, setns, wait)

SYS_finit_module, SYS_delete_module = 313, 176
MODULE = os.environ.get("VR_MODULE", "")
SEED = int(os.environ.get("VR_SEED", random.randrange(1 << 32)))
LIBC = ctypes.CDLL(None, use_errno=True)


class Worlds(World):
    """A router that packets go through, and that can be taken away."""

    def setup(self):
        self.workers = Workers()

    def gone(self):
        """Take it all away, so that the module can be unloaded."""
        if not self.rig:
            return
        self.rig.gone()
        for sock in (self.r, self.n, self.genl):
            sock.close()
        deleting = subprocess.Popen(["ip", "-n", self.rig.nic.name, "link", "del", "eth0"])
        try:
            deleting.wait(60)
        except subprocess.TimeoutExpired as e:
            waits = [line for line in run("dmesg").splitlines() if "waiting for" in line]
            raise Failure(f"a NIC is deleted: expected within 60 s, actual {waits[-2:]}") from e
        self.rig = None

    def resyncs(self):
        return number(self.router()[0][18])

    def check(self):
        """The data plane's tables are the kernel's."""
        self.settled()
        run("vrctl fib check vr0", ns=self.rig.r)


WORLD = Worlds()


def routes():
    """(what, body, family of the probe, wires that it goes out by)"""
    one, two = WORLD.dev["r1"], WORLD.dev["r2"]
    far4, far6 = "198.51.100.0", "2001:db8:ff::"
    yield "IPv4", route(far4, 24, 254, via("10.0.1.2", one)), 4, [1]
    yield "IPv6", route(far6, 64, 254, via("2001:db8:1::2", one)), 6, [1]
    ways4 = multipath([("10.0.1.2", one, 1), ("10.0.2.2", two, 1)])
    ways6 = multipath([("2001:db8:1::2", one, 1), ("2001:db8:2::2", two, 1)])
    yield "IPv4 multipath", route(far4, 24, 254, ways4), 4, [1, 2]
    yield "IPv6 multipath", route(far6, 64, 254, ways6), 6, [1, 2]
    yield "IPv4 by object", route(far4, 24, 254, attr(30, 7)), 4, [1]
    yield "IPv6 by object", route(far6, 64, 254, attr(30, 8)), 6, [1]
    yield "IPv4 on link", route(far4, 25, 254, via("10.0.1.2", one)), 4, [1]
    yield "IPv4 blackhole", route("198.51.101.0", 24, 254, b"", kind=6), 4, [2]


def fails(n, act):
    """Act, while the nth allocation of the mirror's work fails. Return whether it did."""
    WORLD.workers.arm(n)
    try:
        act()
    finally:
        failed = WORLD.workers.disarm()
    return failed


def sweep(once, most=400):
    """Have once(n) let the nth allocation fail, and say whether it did, for all that there
    are. Return how many did."""
    n, failed, quiet = 0, 0, 0
    # the worker may have been another one, which had not been there
    while quiet < 3 and n < most:
        n += 1
        hit = once(n)
        failed += hit
        quiet = 0 if hit else quiet + 1
    print(f"# {n} tries, {failed} with failures")
    return failed


def at_least(least, failed):
    if failed < least:
        raise Failure(f"allocations that failed: expected {least} or more, actual {failed}")


def one_change(n, msg, family, before, after):
    """A change of a route. Return whether an allocation failed."""
    wires = {4: [2], 6: [2]}

    def change():
        expect("change of a route", ("done", 0), WORLD.r.attempt(msg))
        wires[family] = sorted(set(before + after))
        WORLD.probe(wires[4], wires[6])
        WORLD.settled()
    failed = fails(n, change)
    wires[family] = after
    WORLD.probe(wires[4], wires[6])
    return failed


def t_mirror():
    """Invariant 8, for the mirror: the router gives its packets to the stack, and is
    back soon; packets go where the kernel's routes lead all the time."""
    WORLD.make()
    for what, body, family, wires in routes():
        def both(n, body=body, family=family, wires=wires):
            new = one_change(n, request(rtnl.NEWROUTE, body, NEW), family, [2], wires)
            return one_change(n, request(rtnl.DELROUTE, body), family, wires, [2]) or new
        before = WORLD.resyncs()
        failed = sweep(both, 200)
        print(f"# {what}: {WORLD.resyncs() - before} times built anew")
        if failed < 2 or WORLD.resyncs() == before:
            raise Failure(f"{what}: expected that the mirror had to be built anew, actual: "
                          f"never, {failed} failures")
        WORLD.check()


def set_up(name):
    return request(rtnl.NEWLINK, link(name, flags=rtnl.IFF_UP, change=rtnl.IFF_UP))


def t_start():
    """The first build of the tables fails, at each of its allocations."""
    WORLD.make()

    def start():
        expect("up", ("done", 0), WORLD.r.attempt(set_up("vr0")))
        WORLD.probe([2], [2])
        WORLD.settled()

    def once(n):
        expect("down", ("done", 0), WORLD.r.attempt(request(
            rtnl.NEWLINK, link("vr0", change=rtnl.IFF_UP))))
        return fails(n, start)
    at_least(10, sweep(once))
    WORLD.check()


def t_flags():
    """Invariant 8, where the kernel is told anew by which routes the router forwards: it
    is in the end. And nothing is held for good, which shows where the NIC is deleted, in
    t_load()."""
    WORLD.make()

    ways = ["blackhole", "via 10.0.1.2 dev r1"]
    rig = WORLD.rig

    def flag():
        for way in ways:
            rig.r.batch([f"nexthop replace id 7 {way}"])
            # returns when the mirror has done what it was told
            run("vrctl set vr0 max-routes 0", ns=rig.r)

    def is_flagged():
        return "rt_offload" in run("ip route show 198.51.102.0/24", ns=rig.r)

    def once(n):
        ways.reverse()
        hit = fails(n, flag)
        wait(f"rt_offload is right, allocation {n} failed",
             lambda: is_flagged() == (ways[1] != "blackhole"))
        return hit
    rig.r.batch(["route add 198.51.102.0/24 nhid 7"])
    at_least(5, sweep(once))
    rig.r.batch(["route del 198.51.102.0/24", "nexthop replace id 7 via 10.0.1.2 dev r1"])
    WORLD.check()
    WORLD.probe([2], [2])


def tenant(nic):
    """A namespace without a name that has a router and two ports, up, and a route."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if LIBC.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    sock = Socket()
    setns(home)
    os.close(home)
    steps = []
    for i in (0, 1):
        steps += [(WORLD.n, request(rtnl.NEWLINK, link(
            f"t{i}", "vrport", attr(1, u16(30 + i)), more=attr(rtnl.LINK, nic) +
            attr(rtnl.NET_NS_FD, fd) + attr(rtnl.ADDRESS, mac(f"02:00:00:00:00:3{i}"))), NEW)),
                  (sock, set_up(f"t{i}"))]
    steps += [(sock, request(rtnl.NEWLINK, link("t", "vrouter"), NEW)), (sock, set_up("t"))]
    for one, msg in steps:
        expect("make a namespace with a router", ("done", 0), one.attempt(msg))
    sock.close()
    return fd


def count(cmd, flag):
    """How many routers or ports there are in all namespaces."""
    _, got = WORLD.genl.collect(WORLD.family.message(cmd, attr(flag, b""), nl.DUMP | nl.ACK))
    return len(got)


def t_namespace():
    """Invariants 3 and 8: a namespace goes with the routers in it, also without
    memory."""
    WORLD.make()

    def there():
        return count(nl.ROUTER_GET, 20), count(nl.PORT_GET, 13)
    before = there()

    def once(n):
        fd = tenant(WORLD.nic["eth0"])
        expect("routers and ports", (before[0] + 1, before[1] + 2), there())

        def end():
            os.close(fd)
            wait("the namespace's router and ports are gone", lambda: there() == before)
        hit = fails(n, end)
        if n % 8 == 0:
            WORLD.probe([2], [2])
        return hit
    at_least(10, sweep(once))
    WORLD.probe([2], [2])
    WORLD.settled()


def t_fragments():
    """There are single pages only: many nexthops, many addresses, many routes. Either
    it works, or the router falls back and is back when there is memory."""
    WORLD.make()
    if not WORLD.faults.can_filter():
        raise Skip("this kernel cannot tell who asks for memory")
    rig = WORLD.rig
    WORLD.faults.only_module()
    WORLD.faults.set("fail_page_alloc", min_order=1, probability=100)
    try:
        rig.r.batch(f"route add 100.{i >> 8}.{i & 255}.0/24 via 10.0.1.{2 + i % 250} "
                    f"dev r1 metric {i // 250}" for i in range(1500))
        rig.r.batch(f"route add 2001:db8:ee:{i:x}::/64 via 2001:db8:1::{i + 2:x} dev r1"
                    for i in range(1500))
        for i in range(100):
            rig.r.batch([f"link set r0 address 02:00:00:00:01:{i:02x}"])
    finally:
        WORLD.faults.off()
    rig.r.batch([f"link set r0 address {rig.pmac[0]}"])
    WORLD.check()
    WORLD.probe([2], [2])
    rig.r.batch(["link set vr0 down", "link set vr0 up"])
    WORLD.check()
    rig.r.batch(["route flush via 10.0.1.0/24"], force=True)


def t_addresses():
    """Memory is fragmented, and a port has got many addresses: frames for them are taken,
    a moment later."""
    WORLD.make()
    if not WORLD.faults.can_filter():
        raise Skip("this kernel cannot tell who asks for memory")
    rig = WORLD.rig
    macs = [f"02:00:00:00:{i >> 8:02x}:{i & 255:02x}" for i in range(0x300, 0x500)]
    shot = frame(macs[-1], rig.hmac[0], packet("10.0.0.2", PROBE[4][1]))

    def fdb(verb):
        run("bridge -batch -", ns=rig.r,
            data="".join(f"fdb {verb} {one} dev r0\n" for one in macs))

    def received():
        (link_,) = json.loads(run("ip -j -s link show r0", ns=rig.r))
        return link_["stats64"]["rx"]["packets"]

    def is_taken():
        before = received()
        for _ in range(5):
            rig.send(0, shot)
        rig.flush()
        return received() - before >= 5
    expect("frames for an address that no port has are taken", False, is_taken())
    WORLD.faults.only_module()
    WORLD.faults.set("fail_page_alloc", min_order=1, probability=100, times=1 << 20)
    try:
        fdb("add")
        with open("/sys/kernel/debug/fail_page_alloc/times", encoding="ascii") as f:
            failed = (1 << 20) - int(f.read())
    finally:
        WORLD.faults.off()
    print(f"# {failed} allocations failed")
    at_least(10, failed)
    wait("frames for the last address are taken", is_taken)
    fdb("del")
    expect("frames for an address that was taken back are taken", False, is_taken())
    WORLD.probe([2], [2])


def t_packets():
    """Packets find no memory: they are dropped, and counted."""
    WORLD.make()
    rng = random.Random(SEED)
    print(f"# VR_SEED={SEED}")
    rig = WORLD.rig
    tap = rig.nic.packet_socket("eth0")
    if WORLD.faults.can_filter():
        WORLD.faults.only_module()
    before = rig.counters()
    kinds = [packet("10.0.0.2", PROBE[4][1]), packet("2001:db8:0::2", PROBE[6][1]),
             packet("10.0.0.2", PROBE[4][1], b"x" * 1400), packet("10.0.0.2", "10.0.0.255"),
             packet("10.0.0.2", "10.0.0.1"), packet("10.0.0.2", PROBE[4][1], ttl=1)]
    for what in ("failslab", "fail_page_alloc"):
        # not for those who may wait, like us
        WORLD.faults.set(what, times=1 << 20, ignore_gfp_wait="Y", probability=20)
    sent = 0
    try:
        for _ in range(200):
            frames = [(0, frame(rig.pmac[0] if rng.random() < .9 else "ff:ff:ff:ff:ff:ff",
                                rig.hmac[0], rng.choice(kinds))) for _ in range(20)]
            for i, one in frames:
                rig.send(i, one)
            sent += len(frames)
            rig.flush()
        left = 2 << 20
        for what in ("failslab", "fail_page_alloc"):
            with open(f"/sys/kernel/debug/{what}/times", encoding="ascii") as f:
                left -= int(f.read())
    finally:
        WORLD.faults.off()
        tap.close()
    after = rig.counters()
    delta = {k: after[k] - before[k] for k in
             ("rx-packets", "forwarded-packets", "punted-packets", "dropped-packets")}
    print(f"# {sent} frames, {left} faults: {delta}")
    if left < 50:
        raise Failure(f"allocations that failed: expected 50 or more, actual {left}")
    if not delta["forwarded-packets"]:
        raise Failure("packets forwarded: expected some, actual none")
    WORLD.check()
    WORLD.probe([2], [2])


# ---- the module --------------------------------------------------------------------

def load(fd):
    """Load the module; return 0, or an errno."""
    return ctypes.get_errno() if LIBC.syscall(SYS_finit_module, fd, b"", 0) else 0


def unload():
    if LIBC.syscall(SYS_delete_module, b"vrouter", os.O_NONBLOCK):
        raise OSError(ctypes.get_errno(), "unload")


def traces():
    """What a loaded module is known by."""
    found = []
    if os.path.exists("/sys/module/vrouter"):
        found.append("sysfs")
    with contextlib.suppress(FileNotFoundError), nl.Socket(nl.GENERIC) as sock:
        sock.family()
        found.append("generic netlink family")
    with nl.Socket() as sock:
        for kind in ("vrouter", "vrport"):
            code = sock.ask(rtnl.NEWLINK, link("x0", kind), NEW).code
            if code != errno.EOPNOTSUPP:
                found.append(f"link kind {kind}")
            if not code:
                sock.ask(rtnl.DELLINK, link("x0"))
    return found


def load_each(faults, fd):
    """Each allocation of the module's init fails once."""
    left, err = faults.attempt(NEVER, lambda: load(fd))
    expect("load without faults", 0, err)
    total = NEVER - left
    expect("what a loaded module is known by",
           ["sysfs", "generic netlink family", "link kind vrouter", "link kind vrport"],
           traces())
    unload()
    n, failed = 0, 0
    while n <= total:
        n += 1
        left, err = faults.attempt(n, lambda: load(fd))
        failed += not left
        if err:
            clean(("refused", err), f"load, allocation {n} fails")
            expect(f"what is left of the module, allocation {n} failed", [], traces())
        else:
            expect(f"what the module is known by, allocation {n} failed", 4, len(traces()))
            unload()
    print(f"# {n} tries, {total} allocations, {failed} failures")
    if failed < 10:
        raise Failure(f"allocations that failed: expected 10 or more, actual {failed}")


def t_load():
    """Invariant 8, for the steps of the module's init: it is loaded as a whole, or not
    at all."""
    WORLD.make()
    faults = WORLD.faults
    if not faults.can_filter():
        raise Skip("this kernel cannot tell who asks for memory")
    WORLD.gone()
    unload()
    expect("what is left of the module", [], traces())
    # what the module asks for itself: code behind that of the kernel
    with open("/proc/kallsyms", encoding="ascii") as f:
        symbols = sorted((int(line.split()[0], 16), line.split()[2])
                         for line in f if "[" not in line)
    first, last = [(addr, symbols[i + 1][0]) for i, (addr, name) in enumerate(symbols)
                   if name == "__kmem_cache_create_args"][0]
    for what in ("failslab", "fail_page_alloc"):
        # who cannot make a slab cache gets a trace in the log, as if it were a bug
        faults.set(what, require_start=symbols[-1][0] + 1, require_end=1 << 63,
                   reject_start=first, reject_end=last, stacktrace_depth=32)
    fd = os.open(MODULE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        load_each(faults, fd)
    finally:
        faults.off()
        if not os.path.exists("/sys/module/vrouter"):
            expect("load", 0, load(fd))
        os.close(fd)
    WORLD.make()
    WORLD.probe([2], [2])


TESTS = [
    ("routes change, and the mirror finds no memory", t_mirror),
    ("a router goes up, and the mirror finds no memory", t_start),
    ("routes are flagged anew, without memory", t_flags),
    ("a namespace with a router goes, without memory", t_namespace),
    ("memory is fragmented", t_fragments),
    ("memory is fragmented, and a port has many addresses", t_addresses),
    ("packets find no memory", t_packets),
    ("the module is loaded without memory", t_load),
    ("nothing leaks", leaks),
]

need_faults()
main(TESTS)
