#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The tables of a router: what it shows of them, and that they are the kernel's after all that
happens to them."""
import ipaddress
import json
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from fibs import (CHURN, AtOnce, Restless, check, clean, churn_steps,  # noqa: E402
                  rig, routes, tidy, vrctl)
from vrtest import SLOW, Failure, expect, main, run, wait  # noqa: E402


def fib(line, status=0):
    out = vrctl("fib show vr0" + (" " + line if line else ""), status)
    return [x.strip() for x in out.splitlines()]


KINDS = [
    ("route add {T} 198.51.1.0/24 via 10.0.1.2 dev r1 proto 99",
     "198.51.1.0/24 via 10.0.1.2 dev r1"),
    ("route add {T} 198.51.2.0/24 dev r1 proto 99", "198.51.2.0/24 dev r1"),
    ("route add {T} 198.51.3.0/24 via inet6 2001:db8:1::2 dev r1 proto 99",
     "198.51.3.0/24 via inet6 2001:db8:1::2 dev r1"),
    ("route add {T} 198.51.4.0/24 proto 99 nexthop via 10.0.1.2 dev r1 weight 3 "
     "nexthop via 10.0.2.2 dev r2 weight 5",
     "198.51.4.0/24 nexthop via 10.0.1.2 dev r1 weight 3 nexthop via 10.0.2.2 dev r2 weight 5"),
    ("route add {T} 198.51.5.0/24 via 10.0.1.2 dev r1 proto 99 mtu 1300",
     "198.51.5.0/24 via 10.0.1.2 dev r1 mtu 1300"),
    ("route add {T} blackhole 198.51.6.0/24 proto 99", "198.51.6.0/24 punt route-type"),
    ("route add {T} 198.51.7.0/24 tos 4 via 10.0.1.2 dev r1 proto 99",
     "198.51.7.0/24 punt route-unsupported"),
    ("route add {T} 198.51.8.0/24 nhid 11 proto 99", "198.51.8.0/24 via 10.0.1.2 dev r1"),
    ("route add {T} 198.51.9.0/24 nhid 20 proto 99",
     "198.51.9.0/24 nexthop via 10.0.1.2 dev r1 weight 3 nexthop via 10.0.2.2 dev r2 weight 7"),
    ("route add {T} 198.51.10.0/24 nhid 13 proto 99", "198.51.10.0/24 punt route-type"),
    ("-6 route add {T} 2001:db8:f1::/48 via 2001:db8:1::2 dev r1 proto 99",
     "2001:db8:f1::/48 via 2001:db8:1::2 dev r1"),
    ("-6 route add {T} 2001:db8:f2::/48 proto 99 nexthop via 2001:db8:1::2 dev r1 "
     "nexthop via 2001:db8:2::2 dev r2 weight 4",
     "2001:db8:f2::/48 nexthop via 2001:db8:1::2 dev r1 weight 1 "
     "nexthop via 2001:db8:2::2 dev r2 weight 4"),
    ("-6 route add {T} prohibit 2001:db8:f3::/48 proto 99", "2001:db8:f3::/48 punt route-type"),
    ("-6 route add {T} 2001:db8:f4::/48 nhid 31 proto 99",
     "2001:db8:f4::/48 via 2001:db8:1::2 dev r1"),
    ("-6 route add {T} 2001:db8:f5::/48 nhid 40 proto 99",
     "2001:db8:f5::/48 nexthop via 2001:db8:1::2 dev r1 weight 2 "
     "nexthop via 2001:db8:2::2 dev r2 weight 1"),
]
OBJECTS = ["11 via 10.0.1.2 dev r1", "12 via 10.0.2.2 dev r2", "13 blackhole",
           "20 group 11,3/12,7", "31 via 2001:db8:1::2 dev r1", "32 via 2001:db8:2::2 dev r2",
           "40 group 31,2/32"]


def kinds():
    try:
        for o in OBJECTS:
            rig.ip(f"nexthop add id {o}")
        for line, shown in KINDS:
            rig.ip(line)
            rig.sync()
            expect(f"show of {line}", [shown], fib(shown.split()[0]))
            check()
        shown = fib("")
        for _, line in KINDS:
            expect(f"times that {line} is shown", 1, shown.count(line))
        expect("routes shown", routes(), len(shown))
        # nexthops change under the routes
        rig.ip("nexthop replace id 11 via 10.0.1.3 dev r1")
        expect("after a replacement", ["198.51.8.0/24 via 10.0.1.3 dev r1"],
               fib("198.51.8.0/24"))
        check()
        # without what the dump says of nexthop objects there is less to compare
        rig.r.sysctl("net.ipv4.nexthop_compat_mode", 0)
        check()
    finally:
        rig.r.sysctl("net.ipv4.nexthop_compat_mode", 1)
        clean()
        run("ip nexthop flush", False, ns=rig.r)


def shows():
    for line in ("198.51.100.0/24 via 10.0.1.2 dev r1", "198.51.100.128/25 via 10.0.2.2 dev r2",
                 "198.51.100.192/32 via 10.0.1.2 dev r1", "198.51.101.0/24 via 10.0.1.2 dev r1",
                 "2001:db8:f::/48 via 2001:db8:1::2 dev r1",
                 "2001:db8:f:8000::/49 via 2001:db8:2::2 dev r2"):
        rig.ip(f"{'-6 ' if ':' in line else ''}route add {{T}} {line} proto 99")
    rig.sync()
    a, b, c, d = ("198.51.100.0/24 via 10.0.1.2 dev r1", "198.51.100.128/25 via 10.0.2.2 dev r2",
                  "198.51.100.192/32 via 10.0.1.2 dev r1", "198.51.101.0/24 via 10.0.1.2 dev r1")
    e, f = ("2001:db8:f::/48 via 2001:db8:1::2 dev r1",
            "2001:db8:f:8000::/49 via 2001:db8:2::2 dev r2")
    for asked, want in (
            ("198.51.100.0/24", [a]), ("198.51.100.7", [a]), ("198.51.100.0/26", [a]),
            ("198.51.100.129", [b]), ("198.51.100.192", [c]), ("198.51.100.192/31", [b]),
            ("2001:db8:f::1", [e]), ("2001:db8:f:8000::/50", [f]),
            ("198.51.100.0/24 longer-prefixes", [a, b, c]),
            ("198.51.100.128/25 longer-prefixes", [b, c]),
            ("198.51.100.192 longer-prefixes", [c]),
            ("198.51.100.0/23 longer-prefixes", [a, b, c, d]),
            ("198.51.102.0/23 longer-prefixes", []),
            ("2001:db8:f::/48 longer-prefixes", [e, f]),
            ("2001:db8:f:8000::/49 longer-prefixes", [f])):
        expect(f"show of {asked}", want, fib(asked))
    everything = fib("")
    order = [ipaddress.ip_network(x.split()[0]) for x in everything]
    expect("order", sorted(order, key=lambda n: (n.version, n)), order)
    expect("0.0.0.0/0 and longer", [x for x in everything if ":" not in x.split()[0]],
           fib("0.0.0.0/0 longer-prefixes"))
    expect("::/0 and longer", [x for x in everything if ":" in x.split()[0]],
           fib("::/0 longer-prefixes"))
    if not rig.vrf:
        expect("show of no route", ["vrctl: The router has no such route"],
               fib("203.0.113.1", 1))
    expect("show of no router", ["vrctl: No such router"],
           vrctl("fib show nosuch", 1).splitlines())


def many_paths():
    """A route with more paths than one message takes: the first ones are told."""
    hops = " ".join(f"nexthop via 10.0.1.{i} dev r1" for i in range(2, 202))
    rig.ip("route add {T} 198.51.1.0/24 proto 99 " + hops)
    routes()
    shown = json.loads(vrctl("-j fib show vr0 198.51.1.0/24"))
    expect("paths shown", 64, len(shown[0]["path"]))
    if not vrctl("fib show vr0 198.51.1.0/24").rstrip().endswith("nexthop ..."):
        raise Failure("nothing says that there are more paths")
    expect("routes of the check", routes(), check())


def churn_changes(steps, errors):
    """How many of them the kernel announces: not one that replaces like by like."""
    now, changes = {}, 0
    for i, step in enumerate(steps):
        if i in errors:
            continue
        net, way = step[1], step[2:]
        if step[0] == "del":
            now.pop(net)
            changes += 1
        else:
            changes += net.version == 6 or now.get(net) != way
            now[net] = way
    return changes


def churn():
    rnd = random.Random(7)
    base = routes()
    before = rig.show()
    stats = json.loads(vrctl("-j fib stats vr0"))
    alive = set()
    steps, want = churn_steps(rnd, CHURN, alive)
    begin = time.monotonic()
    errors = rig.many.do(steps)
    took = time.monotonic() - begin
    expect("steps that fail", want, errors)
    expect("routes", base + len(alive), routes())
    expect("routes that the check compared", base + len(alive), check())
    after = rig.show()
    expect("resyncs", before["resyncs"], after["resyncs"])
    changes = churn_changes(steps, want)
    expect("changes applied", changes, after["mirror"]["changes"] - before["mirror"]["changes"])
    now = json.loads(vrctl("-j fib stats vr0"))
    expect("updates of the tables", changes, sum(t["updates"] for t in now["table"]) -
           sum(t["updates"] for t in stats["table"]))
    lengths = {(f, n): 0 for f, most in ((4, 33), (6, 129)) for n in range(most)}
    for net in alive:
        lengths[net.version, net.prefixlen] += 1
    for f, table in zip((4, 6), now["table"]):
        told = {x["prefix-len"]: x["prefixes"] for x in table["length"]}
        expect("sum of the lengths", table["prefixes"], sum(told.values()))
        # those of the rig are no longer than any of ours of that length
        for n, number in told.items():
            if number < lengths[f, n]:
                raise Failure(f"/{n}: expected {lengths[f, n]} or more, actual {number}")
    peak = after["mirror"]["pending-peak"]
    lag = after["mirror"]["lag-peak-ns"]
    if not lag or peak < 1 or after["mirror"]["lag-ns"]:
        raise Failure(f"no lag: {after['mirror']}")
    print(f"# {CHURN} steps in {took:.1f} s, {changes} changes, {peak} pending at most, "
          f"{lag / 1e6:.1f} ms behind at most")


def changes_meanwhile():
    """A dump that takes long shows each route that stays, once."""
    stay = [ipaddress.ip_network((0x64400000 + (n << 8), 24)) for n in range(0, 8000, 2)]
    come = [ipaddress.ip_network((0x64400100 + (n << 8), 24)) for n in range(0, 8000, 2)]
    rig.many.do(("add", n, "10.0.1.2", "r1") for n in stay)
    routes()
    with rig.r:
        # the pipe is full long before the end
        with subprocess.Popen(["vrctl", "fib", "show", "vr0"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as p:
            first = p.stdout.readline()
            rig.many.do(("add", n, "10.0.2.2", "r2") for n in come)
            routes()
            rig.many.do(("del", n) for n in come[::2])
            out, err = p.stdout.read(), p.stderr.read()
    expect("exit status", 0, p.returncode)
    if "routes changed meanwhile" not in err:
        raise Failure(f"expected a warning, actual {err!r}")
    shown = [x.split()[0] for x in (first + out).splitlines()]
    expect("routes shown twice", len(shown), len(set(shown)))
    missing = {str(n) for n in stay} - set(shown)
    expect("routes that were there all the time and were not shown", set(), missing)


def ends_meanwhile(how):
    def test():
        nets = [ipaddress.ip_network((0x64400000 + (n << 8), 24)) for n in range(10000)]
        rig.many.do(("add", n, "10.0.1.2", "r1") for n in nets)
        routes()
        with rig.r:
            with subprocess.Popen(["vrctl", "fib", "show", "vr0"], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as p:
                p.stdout.readline()
                if how == "down":
                    rig.down()
                else:
                    rig.ip("link del vr0")
                out, err = p.stdout.read(), p.stderr.read()
        try:
            expect("exit status", 0, p.returncode)
            if "routes changed meanwhile" not in err:
                raise Failure(f"expected a warning, actual {err!r}")
            if len(out.splitlines()) >= len(nets):
                raise Failure("the dump had ended before the router was gone")
            if how == "down":
                vrctl("fib show vr0", 1)
                vrctl("fib check vr0", 1)
                expect("tables while down", [], json.loads(vrctl("-j fib stats vr0"))["table"])
        finally:
            if how != "down":
                rig.ip("link add vr0 type vrouter")
                if rig.vrf:
                    rig.ip("link set vr0 master red")
            rig.up()
        check()
    return test


def rests():
    """Who has everything built anew all the time leaves time for others in between."""
    net = ipaddress.ip_network("198.51.1.0/24")
    rig.ip("route add {T} 198.51.1.0/24 via 10.0.2.2 dev r2 proto 99")
    expect("errors", {}, rig.many.do(("add", ipaddress.ip_network((0x64400000 + n, 32)),
                                      "10.0.1.2", "r1") for n in range(300000)))
    routes()
    with AtOnce(net) as changes:
        for again in (False, True, True):
            begin, before = time.monotonic(), rig.show()["resyncs"]
            # only what is refused is answered
            (answer,) = changes.do(rig.many.message(99999, "add", net))
            sent = time.monotonic()
            expect("the answer's number", 99999, answer[2])
            wait("another resync", lambda: rig.show()["resyncs"] > before)
            paused, since = time.monotonic() - sent, time.monotonic() - begin
            wait("active again", lambda: rig.show()["state"] == "active")
            print(f"# {sent - begin:.2f} s to lose changes, built {paused:.2f} s later")
            # eight times what building took, which is over half a second, and two at most
            if again and paused < 0.25 and since < 1.9:
                raise Failure(f"seconds until it is built again: expected 0.25 or more, "
                              f"actual {paused:.2f}")


def comes_up():
    """A router comes up while its table, a large one, changes all the time."""
    most, during = 30000 if SLOW else 60000, 0
    expect("errors", {}, rig.many.do(("add", ipaddress.ip_network((0x64400000 + n, 32)),
                                      "10.0.1.2", "r1") for n in range(most)))
    for _ in range(5):
        with Restless() as changes:
            wait("changes", lambda: changes.steps)    # pylint: disable=cell-var-from-loop
            rig.down()
            before = changes.steps
            rig.up()
            during += changes.steps - before
        if routes() < most:
            raise Failure(f"routes: expected {most} or more, actual {routes()}")
        check()
    if not during:
        raise Failure("nothing changed meanwhile")
    print(f"# {during} changes until it was up, five times")


def permissions():
    """Looking is free, but for what takes the kernel long."""
    def nobody(line):
        with rig.r:
            p = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "vrctl"] +
                               line.split(), capture_output=True, text=True, check=False)
        return p.returncode, p.stderr.strip()
    expect("show", (0, ""), nobody("fib show vr0"))
    for line in ("fib stats vr0", "fib check vr0"):
        expect(line, (1, "vrctl: That work is for the host's administrator"),
               nobody(line))
    code, text = nobody("set vr0 max-routes 5")
    expect("set", 1, code)
    expect("what it says", True, bool(text))
    expect("limit", 0, rig.show()["max-routes"])


def tests(vrf):
    where = "VRF" if vrf else "namespace"
    yield f"{where}: router", rig.start(vrf)
    yield f"{where}: kinds of routes", kinds
    yield f"{where}: shown by prefix", tidy(shows)
    yield f"{where}: a route of many paths", tidy(many_paths)
    if not vrf:
        yield f"{where}: churn", tidy(churn)
        if not SLOW:
            yield f"{where}: built anew again and again", tidy(rests)
        yield f"{where}: changes while routes are shown", tidy(changes_meanwhile)
        yield f"{where}: down while routes are shown", tidy(ends_meanwhile("down"))
        yield f"{where}: deleted while routes are shown", tidy(ends_meanwhile("deleted"))
        yield f"{where}: up amid changes", tidy(comes_up)
        yield f"{where}: permissions", tidy(permissions)


if __name__ == "__main__":
    main(list(tests(False)) + list(tests(True)))
