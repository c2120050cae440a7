#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How many routes a router takes (invariant 62): no more than it may, whatever happens to
them."""
import ctypes
import errno
import fcntl
import ipaddress
import json
import os
import random
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import nl  # noqa: E402
from fibs import (CHURN, AtOnce, check, churn_steps, limit, r4, r6,  # noqa: E402
                  refused, rig, routes, text, tidy, vrctl)
from vrtest import SLOW, Failure, Skip, expect, in6, main, run, wait  # noqa: E402


def refuses():
    have = routes()
    limit(have + 3)
    expect("routes", have, rig.show()["routes"])
    before = rig.show()["routes-refused"]
    rig.ip(r4("add", 1))
    rig.ip(r4("add", 2))
    rig.ip(r6("add", 1))
    refused(r4("add", 3), have + 3)
    refused(r6("add", 2), have + 3)
    refused("-6 route add {T} 2001:db8:f3::/48 proto 99 nexthop via 2001:db8:1::2 dev r1 "
            "nexthop via 2001:db8:2::2 dev r2", have + 3)
    refused("route add {T} blackhole 198.51.4.0/24 proto 99", have + 3)
    refused("-6 route append {T} 2001:db8:f4::/48 via 2001:db8:1::2 dev r1 proto 99", have + 3)
    expect("routes", have + 3, routes())
    s = rig.show()
    expect("refused", before + 5, s["routes-refused"])
    expect("state", "full", s["quota-state"])
    # the kernel has none of them, either
    expect("routes that the check found", have + 3, check())
    # other tables are others' business
    rig.ip("route add table 77 198.51.7.0/24 via 10.0.1.2 dev r1 proto 99")
    rig.ip("route del table 77 198.51.7.0/24")


def old_ioctl(family):
    """Add a route as route(8) does; return the error."""
    with rig.r, socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET,
                              socket.SOCK_DGRAM) as s:
        index, dev = socket.if_nametoindex("r1"), ctypes.create_string_buffer(b"r1")
        if family == 6:     # struct in6_rtmsg
            req = struct.pack("16s16x16sIHHIQIi", in6("2001:db8:f9::"), in6("2001:db8:1::2"),
                              0, 48, 0, 0, 0, 3, index)
        else:               # struct rtentry
            req = struct.pack("@Q", 0) + b"".join(
                struct.pack("@HH4s8x", socket.AF_INET, 0, socket.inet_aton(a))
                for a in ("198.51.9.0", "10.0.1.2", "255.255.255.0"))
            req += struct.pack("@HhQPhPQQH", 3, 0, 0, 0, 0, ctypes.addressof(dev), 0, 0, 0)
        try:
            fcntl.ioctl(s, SIOCADDRT, req)
        except OSError as e:
            return errno.errorcode[e.errno]
    return "ok"


SIOCADDRT = 0x890b


def refuses_ioctl():
    """Who cannot be told why is refused all the same."""
    have = routes()
    limit(have)
    before = rig.show()["routes-refused"]
    try:
        expect("errors", ["ENOSPC", "ENOSPC"], [old_ioctl(4), old_ioctl(6)])
        expect("refused", before + 2, rig.show()["routes-refused"])
        expect("routes", have, routes())
        limit(have + 2)
        expect("errors with room", ["ok", "ok"], [old_ioctl(4), old_ioctl(6)])
        expect("routes", have + 2, routes())
    finally:
        for line in ("route del {T} 198.51.9.0/24", "-6 route del {T} 2001:db8:f9::/48"):
            rig.ip(line, check=False)


def replaces():
    rig.ip(r4("add", 1))
    rig.ip(r6("add", 1))
    have = routes()
    limit(have)
    rig.ip("route replace {T} 198.51.1.0/24 via 10.0.2.2 dev r2 proto 99")
    rig.ip("route add {T} 198.51.1.0/24 via 10.0.1.2 dev r1 proto 99 metric 5")
    rig.ip("route replace {T} blackhole 198.51.1.0/24 proto 99")
    rig.ip("route append {T} 198.51.1.0/24 via 10.0.1.2 dev r1 proto 99")
    rig.ip("-6 route replace {T} 2001:db8:f1::/48 via 2001:db8:2::2 dev r2 proto 99")
    rig.ip("-6 route append {T} 2001:db8:f1::/48 via 2001:db8:1::2 dev r1 proto 99")
    rig.ip("-6 route add {T} 2001:db8:f1::/48 via 2001:db8:1::2 dev r1 proto 99 metric 5")
    refused(r4("add", 2), have)
    refused(r6("add", 2), have)
    expect("routes", have, routes())
    # a prefix is gone when the last of its routes is
    for line, left in (("route del {T} 198.51.1.0/24 metric 5", have),
                       ("route del {T} 198.51.1.0/24", have),
                       ("route del {T} 198.51.1.0/24", have - 1),
                       ("-6 route del {T} 2001:db8:f1::/48 metric 5", have - 1),
                       ("-6 route del {T} 2001:db8:f1::/48 via 2001:db8:1::2", have - 1),
                       ("-6 route del {T} 2001:db8:f1::/48", have - 2)):
        rig.ip(line)
        expect(f"routes after {line}", left, rig.show()["routes"])
    expect("routes", have - 2, routes())
    check()


def frees():
    rig.ip(r4("add", 1))
    rig.ip(r6("add", 1))
    have = routes()
    limit(have)
    for gone, new in ((r4("del", 1), r6("add", 2)), (r6("del", 2), r4("add", 2)),
                      (r6("del", 1), r6("add", 3)), (r4("del", 2), r4("add", 1))):
        refused(new, have)
        rig.ip(gone)
        rig.ip(new)
        refused(r4("add", 9), have)
        refused(r6("add", 9), have)
    expect("routes", have, routes())
    # what nobody has cannot go
    run("ip route del " + rig.table + " 198.51.9.0/24", False, ns=rig.r)
    refused(r4("add", 9), have)


def lowers():
    for n in range(1, 6):
        rig.ip(r4("add", n))
    have = routes()
    limit(have - 3)
    expect("routes", have, routes())
    expect("state", "full", rig.show()["quota-state"])
    rig.ip("route replace {T} 198.51.1.0/24 via 10.0.2.2 dev r2 proto 99")
    for n in range(1, 4):
        refused(r4("add", 9), have - 3)
        rig.ip(f"route del {{T}} 198.51.{n}.0/24")
    refused(r4("add", 9), have - 3)
    rig.ip(r4("del", 4))
    rig.ip(r4("add", 9))
    refused(r4("add", 8), have - 3)
    limit(have)
    rig.ip(r4("add", 8))
    limit(0)
    expect("no count without a limit", False, "routes" in rig.show())
    rig.ip(r4("add", 7))
    check()


def own_addresses():
    """Addresses work, whatever the limit; the routes that they bring count."""
    limit(1)
    have = routes()
    try:
        rig.ip("addr add 192.0.2.1/24 dev r1")
        rig.ip("addr add 2001:db8:a::1/64 dev r1 nodad")
        if routes() <= have:
            raise Failure("the routes of addresses do not count")
        refused(r4("add", 1), 1)
        # who only says so is not the kernel
        refused("route add {T} 198.51.1.0/24 via 10.0.1.2 dev r1 proto kernel", 1)
        refused("-6 route add {T} 2001:db8:f1::/48 via 2001:db8:1::2 dev r1 proto kernel", 1)
        check()
    finally:
        rig.ip("addr del 192.0.2.1/24 dev r1")
        rig.ip("addr del 2001:db8:a::1/64 dev r1")
    expect("routes without them", have, routes())


class Monitor:
    """with Monitor() as m: m.states() are those that listeners were told."""

    def __enter__(self):
        with rig.r:
            # pylint: disable=consider-using-with
            self.p = subprocess.Popen(["vrctl", "-j", "monitor"], stdout=subprocess.PIPE,
                                      text=True)
        os.set_blocking(self.p.stdout.fileno(), False)
        self.text = ""
        # listening, once it tells of this
        weight = [1]

        def heard():
            weight[0] = weight[0] % 900 + 1
            vrctl(f"set vr0 weight {weight[0]}")
            time.sleep(0.02)
            return self.events()
        wait("monitor", heard)
        vrctl("set vr0 weight 1")
        return self

    def __exit__(self, *_):
        self.p.terminate()
        self.p.wait()

    def events(self):
        try:
            self.text += self.p.stdout.read() or ""
        except TypeError:
            pass
        return [json.loads(line) for line in self.text.splitlines() if line.endswith("}")]

    def states(self):
        return [(e["router"]["quota-state"], e["router"]["routes"]) for e in self.events()
                if e["event"] == "router-quota"]

    def told(self, want):
        wait(f"told {want[-1]}", lambda: len(self.states()) >= len(want))
        time.sleep(0.05)
        expect("states told", want, self.states())


def warns():
    base = routes()
    limit(base + 100, 0)
    nets = [ipaddress.ip_network(f"198.18.{n}.0/24") for n in range(101)]

    def change(verb, a, b):
        errors = rig.many.do((verb, n, "10.0.1.2" if verb == "add" else None, "r1")
                         for n in nets[a:b])
        routes()
        return errors

    # 90 % of base + 100, rounded up, is this many of ours
    level = (90 * (base + 100) + 99) // 100 - base
    slack = (base + 100) // 20
    with Monitor() as m:
        limit(base + 100, 90)
        change("add", 0, level - 1)
        change("add", level - 1, level)
        want = [("warning", base + level)]
        m.told(want)
        # some come and go: nobody wants to hear of it again
        for _ in range(3):
            change("del", level - 2, level)
            change("add", level - 2, level)
        m.told(want)
        change("add", level, 100)
        want.append(("full", base + 100))
        m.told(want)
        expect("beyond", {0: "ENOSPC"}, change("add", 100, 101))
        for _ in range(3):
            change("del", 98, 100)
            change("add", 98, 100)
        m.told(want)
        change("del", 100 - slack, 100)
        want.append(("warning", base + 100 - slack))
        m.told(want)
        change("del", level - slack, 100 - slack)
        want.append(("ok", base + level - slack))
        m.told(want)
        # a level that is there already, and none
        limit(base + 100, 50)
        want.append(("warning", base + level - slack))
        m.told(want)
        limit(base + 100, 0)
        want.append(("ok", base + level - slack))
        m.told(want)


def comes_up_full():
    rig.down()
    have = None
    try:
        limit(5)
        for n in range(1, 9):
            rig.ip(r4("add", n))    # nobody counts while it is down
        with Monitor() as m:
            rig.up()
            have = routes()
            m.told([("full", have)])
        expect("state", "active", rig.show()["state"])
        refused(r4("add", 9), 5)
        refused(r6("add", 9), 5)
        rig.ip("route replace {T} 198.51.1.0/24 via 10.0.2.2 dev r2 proto 99")
        expect("routes", have, routes())
        check()
    finally:
        if have is None:
            rig.up()


def churn_limited():
    """Exactly as many as allowed at each moment, however many changes wait."""
    rnd = random.Random(8)
    base = routes()
    most = CHURN // 40
    limit(base + most)
    alive = set()
    steps, want = churn_steps(rnd, CHURN // 4, alive, most)
    if list(want.values()).count("ENOSPC") < 100 or len(alive) > most:
        raise Failure("this does not try the limit")
    expect("steps that fail", want, rig.many.do(steps))
    expect("routes", base + len(alive), routes())
    expect("routes that the check compared", base + len(alive), check())


def loses():
    """More changes at once than are noted: afterwards it counts as before."""
    nets = [ipaddress.ip_network((0x64400000 + n, 32)) for n in range(70000)]
    expect("errors", {}, rig.many.do(("add", n, "10.0.2.2", "r2") for n in nets))
    have = routes()
    limit(have)
    before = rig.show()["resyncs"]
    try:
        # all of them go in one event
        rig.r.set_up("r2", False)
        wait("another resync", lambda: rig.show()["resyncs"] > before)
        wait("active again", lambda: rig.show()["state"] == "active")
        wait("a count", lambda: "routes" in rig.show())
        left = routes()
        if left > have - len(nets):
            raise Failure(f"routes: expected {have - len(nets)} at most, actual {left}")
        expect("routes that the check compared", left, check())
        limit(left + 1)
        rig.ip(r4("add", 1))
        refused(r6("add", 1), left + 1)
        expect("routes", left + 1, routes())
    finally:
        rig.revive(2)


def lost_refuses():
    """Until the routes are read anew, nobody knows how many there are: a new one is to be
    tried again, and one that was there may change."""
    rig.ip(r4("add", 1))
    have = routes()
    limit(have + 10)
    before = rig.show()
    net, new = (ipaddress.ip_network(f"198.51.{n}.0/24") for n in (1, 2))
    with AtOnce(net) as changes:
        (kind, flags, seq, payload), = changes.do(
            rig.many.message(99999, "add", new, "10.0.1.2", "r1"))
    answer = nl.Answer()
    answer.end(payload, flags, False)
    expect("the answer", (nl.NLMSG_ERROR, 99999, errno.EBUSY,
                          text("vr0: routes are being read anew, try again (max-routes)",
                               "Routes are being read anew, try again (max-routes)")),
           (kind, seq, answer.code, answer.text))
    wait("another resync", lambda: rig.show()["resyncs"] > before["resyncs"])
    wait("active again", lambda: rig.show()["state"] == "active")
    wait("a count", lambda: "routes" in rig.show())
    expect("refused", before["routes-refused"] + 1, rig.show()["routes-refused"])
    rig.ip(r4("add", 2))
    expect("routes", have + 1, routes())
    check()


def refuses_for_two():
    """Two routers have one table: what the one refuses, the other one has not taken."""
    rig.r.batch(["link add blue type vrf table 254", "link set blue up",
                 "link add vrb master blue type vrouter", "link set vrb up"])
    try:
        wait("the other router", lambda: json.loads(vrctl("-j show vrb"))[0]["state"] ==
             "active")
        vrctl("set vrb max-routes 1")
        for family, line in ((4, r4("add", 1)), (6, r6("add", 1))):
            done = rig.r.attempt("ip " + line.format(T=""))
            expect(f"IPv{family} route is refused", True, done.returncode != 0)
            wait("both routers", lambda: {r["state"] for r in json.loads(vrctl("-j show"))} ==
                 {"active"})
            # compares with the kernel's
            check()
    finally:
        rig.r.batch(["link del vrb", "link del blue"])


NSIM = "/sys/bus/netdevsim/"


def full_elsewhere():
    """Give netdevsim room for the routes that there are, and no more."""
    show = json.loads(run("devlink -j resource show netdevsim/netdevsim7", ns=rig.r))
    for part in show["resources"]["netdevsim/netdevsim7"]:
        for resource in part.get("resources", ()):
            if resource["name"] == "fib":
                run(f"devlink resource set netdevsim/netdevsim7 path /{part['name']}/fib "
                    f"size {resource['occ']}", ns=rig.r)
    run("devlink dev reload netdevsim/netdevsim7", ns=rig.r)


def refuses_elsewhere():
    """Another driver, which listens since later, refuses a route: the router has not
    taken it."""
    if not os.path.exists(NSIM):
        raise Skip("no netdevsim")
    with rig.r, open(NSIM + "new_device", "w", encoding="ascii") as f:
        f.write("7 1")
    try:
        full_elsewhere()
        have = routes()
        for line in (r4("add", 1), r6("add", 1)):
            out = run("ip " + line.format(T=rig.table), False, ns=rig.r)
            expect(f"{line} is refused", True, "number of supported fib entries" in out)
        expect("routes", have, routes())
        # compares with the kernel's
        check()
    finally:
        with open(NSIM + "del_device", "w", encoding="ascii") as f:
            f.write("7")


def tests(vrf):
    where = "VRF" if vrf else "namespace"
    yield f"{where}: router", rig.start(vrf)
    yield f"{where}: limit refuses", tidy(refuses)
    yield f"{where}: limit refuses an ioctl", tidy(refuses_ioctl)
    yield f"{where}: limit and replacements", tidy(replaces)
    yield f"{where}: limit, one goes, one comes", tidy(frees)
    yield f"{where}: limit lowered", tidy(lowers)
    yield f"{where}: limit and own addresses", tidy(own_addresses)
    yield f"{where}: warnings", tidy(warns)
    yield f"{where}: up with more than the limit", tidy(comes_up_full)
    yield f"{where}: limit under churn", tidy(churn_limited)
    if not vrf:
        yield f"{where}: another driver refuses", tidy(refuses_elsewhere)
        yield f"{where}: limit of one of two routers of a table", tidy(refuses_for_two)
    if not vrf and not SLOW:
        yield f"{where}: limit, changes lost", tidy(loses)
        yield f"{where}: limit, while changes are lost", tidy(lost_refuses)


if __name__ == "__main__":
    main(list(tests(False)) + list(tests(True)))
