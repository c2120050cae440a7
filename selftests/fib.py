#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The tables of a router: how many routes it takes, what it shows of them, and
that they are the kernel's after all that happens to them (invariant 62)."""
import ctypes
import errno
import fcntl
import ipaddress
import json
import os
import platform
import random
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import nl  # noqa: E402
from routes import Routes  # noqa: E402
from vrtest import SLOW, Failure, Rig, expect, in6, main, run, wait  # noqa: E402

SIOCADDRT = 0x890b
CHURN = 10000 if SLOW else 100000
rig = None
many = None


def start(vrf):
    def test():
        global rig, many
        if rig:
            many.close()
            rig.gone()
        rig = Rig(3, vrf=vrf)
        many = Routes(rig.r, 100 if vrf else 254)
    return test


def vrctl(line, status=0):
    """What a command prints; its exit status is as given."""
    with rig.r:
        p = subprocess.run(["vrctl"] + line.split(), capture_output=True, text=True, check=False)
    expect(f"exit status of vrctl {line} ({p.stdout[:300]}{p.stderr.strip()})", status,
           p.returncode)
    return p.stdout if not status else p.stdout + p.stderr


def limit(n, warn=None):
    vrctl(f"set vr0 max-routes {n}" + (f" warn {warn}" if warn is not None else ""))


def text(full, plain):
    """What a refusal tells: before Linux 6.2 it cannot hold names and numbers."""
    return plain if platform.release().startswith("6.1.") else full


def refused(line, most):
    """The kernel refuses it, and says that the router has so many routes."""
    line = "ip " + line.replace("{T}", rig.table)
    out = run(line, False, ns=rig.r)
    want = text(f"vr0: no more than {most} routes (max-routes)",
                "The router has as many routes as it may (max-routes)")
    if want not in out:
        raise Failure(f"{line}: expected {want!r}, actual {out.strip()!r}")


def routes():
    """The router's routes, as counted at once and as applied in the end; they agree
    as soon as nothing is pending."""
    def quiet():
        s = rig.show()
        return not s["mirror"]["pending"] and s
    s = wait("quiet", quiet)
    n = s["routes4"] + s["routes6"]
    if "routes" in s:
        expect("routes as counted", n, s["routes"])
    return n


def check():
    out = json.loads(vrctl("-j fib check vr0"))
    expect("differences", ([], 0), (out["differences"], out["errors"]))
    return out["routes"]


def clean():
    """No limit, and no routes but those that the rig made."""
    limit(0)
    where = "table 100" if rig.vrf else "table main"
    for v in ("-4", "-6"):
        run(f"ip {v} route flush {where} proto 99", False, ns=rig.r)
    rig.sync()


def tidy(test):
    def wrapped():
        try:
            test()
        finally:
            clean()
    return wrapped


# --- limit --------------------------------------------------------------------

V4 = "route {verb} {{T}} 198.51.{n}.0/24 via 10.0.1.2 dev r1 proto 99"
V6 = "-6 route {verb} {{T}} 2001:db8:f{n}::/48 via 2001:db8:1::2 dev r1 proto 99"


def r4(verb, n):
    return V4.format(verb=verb, n=n)


def r6(verb, n):
    return V6.format(verb=verb, n=n)


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
        errors = many.do((verb, n, "10.0.1.2" if verb == "add" else None, "r1")
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


# --- churn --------------------------------------------------------------------

GATEWAYS = {4: [("10.0.1.2", "r1"), ("10.0.2.2", "r2"), ("10.0.1.3", "r1")],
            6: [("2001:db8:1::2", "r1"), ("2001:db8:2::2", "r2"), ("2001:db8:1::3", "r1")]}


def random_net(rnd):
    """Prefixes of all lengths, one within the other."""
    if rnd.random() < 0.7:
        n = rnd.randint(9, 32)
        a = 0x64400000 | rnd.getrandbits(22) & 0x3ff0ff
        return ipaddress.IPv4Network((a >> 32 - n << 32 - n, n))
    n = rnd.randint(33, 128)
    a = 0x20010db9 << 96 | rnd.getrandbits(32) << 64 & 0xff00ff00 << 64 | rnd.getrandbits(4)
    return ipaddress.IPv6Network((a >> 128 - n << 128 - n, n))


def churn_steps(rnd, number, alive, most=None):
    """Steps in random order, with the errors that they should have; alive is what
    is there, and what is there afterwards."""
    pool = list({random_net(rnd) for _ in range(number // 4)})
    pool.sort(key=str)
    rnd.shuffle(pool)
    steps, errors = [], {}
    for i in range(number):
        net = rnd.choice(pool)
        there = net in alive
        verb = rnd.choice(("add", "replace", "replace", "del"))
        if verb == "add" and there:
            errors[i] = "EEXIST"
        elif verb == "del" and not there:
            errors[i] = "ESRCH"
        elif verb != "del" and not there and most is not None and len(alive) >= most:
            errors[i] = "ENOSPC"
        elif verb == "del":
            alive.discard(net)
        else:
            alive.add(net)
        if verb == "del":
            steps.append((verb, net))
        else:
            # another gateway each time, so that each one is a change
            gateways = GATEWAYS[net.version]
            steps.append((verb, net) + gateways[i % len(gateways)])
    return steps, errors


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
    errors = many.do(steps)
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
    expect("steps that fail", want, many.do(steps))
    expect("routes", base + len(alive), routes())
    expect("routes that the check compared", base + len(alive), check())


def loses():
    """More changes at once than are noted: afterwards it counts as before."""
    nets = [ipaddress.ip_network((0x64400000 + n, 32)) for n in range(70000)]
    expect("errors", {}, many.do(("add", n, "10.0.2.2", "r2") for n in nets))
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
    # in one go, so that the router gets no turn
    steps = [("replace", net) + GATEWAYS[4][i % 2] for i in range(1, 65600)]
    data = b"".join(many.message(i, *step) for i, step in enumerate(steps))
    with nl.Socket(ns=rig.r) as sock:
        sock.sock.setsockopt(socket.SOL_SOCKET, 32, 2 * len(data))      # SO_SNDBUFFORCE
        sock.sock.send(data + many.message(99999, "add", new, "10.0.1.2", "r1"))
        (kind, flags, seq, payload), = nl.messages(sock.sock.recv(1 << 16))
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


# --- looking at them ----------------------------------------------------------

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


def changes_meanwhile():
    """A dump that takes long shows each route that stays, once."""
    stay = [ipaddress.ip_network((0x64400000 + (n << 8), 24)) for n in range(0, 8000, 2)]
    come = [ipaddress.ip_network((0x64400100 + (n << 8), 24)) for n in range(0, 8000, 2)]
    many.do(("add", n, "10.0.1.2", "r1") for n in stay)
    routes()
    with rig.r:
        # the pipe is full long before the end
        with subprocess.Popen(["vrctl", "fib", "show", "vr0"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as p:
            first = p.stdout.readline()
            many.do(("add", n, "10.0.2.2", "r2") for n in come)
            routes()
            many.do(("del", n) for n in come[::2])
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
        many.do(("add", n, "10.0.1.2", "r1") for n in nets)
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
    yield f"{where}: router", start(vrf)
    yield f"{where}: kinds of routes", kinds
    yield f"{where}: shown by prefix", tidy(shows)
    yield f"{where}: limit refuses", tidy(refuses)
    yield f"{where}: limit refuses an ioctl", tidy(refuses_ioctl)
    yield f"{where}: limit and replacements", tidy(replaces)
    yield f"{where}: a route of many paths", tidy(many_paths)
    yield f"{where}: limit, one goes, one comes", tidy(frees)
    yield f"{where}: limit lowered", tidy(lowers)
    yield f"{where}: limit and own addresses", tidy(own_addresses)
    yield f"{where}: warnings", tidy(warns)
    yield f"{where}: up with more than the limit", tidy(comes_up_full)
    yield f"{where}: limit under churn", tidy(churn_limited)
    if not vrf:
        yield f"{where}: churn", tidy(churn)
        if not SLOW:
            yield f"{where}: limit, changes lost", tidy(loses)
            yield f"{where}: limit, while changes are lost", tidy(lost_refuses)
        yield f"{where}: changes while routes are shown", tidy(changes_meanwhile)
        yield f"{where}: down while routes are shown", tidy(ends_meanwhile("down"))
        yield f"{where}: deleted while routes are shown", tidy(ends_meanwhile("deleted"))
        yield f"{where}: permissions", tidy(permissions)


if __name__ == "__main__":
    main(list(tests(False)) + list(tests(True)))
