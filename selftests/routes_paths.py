#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Routes of several paths: the router chooses among them as plain Linux does, by weights, and
while paths come and go."""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from vrtest import Failure, expect, main, run, wait  # noqa: E402
from ways import A4, A6, ANY, R, VIA, flows, follows, own, rig, to0, ways  # noqa: E402


def multipath(kind, w1, w2):
    """Lines that make a route of two paths with these weights."""
    def make(family):
        v6 = family == 6
        f = "-6 " if v6 else ""
        if kind == "object":
            return [f"nexthop add id 11 via {VIA[1][v6]} dev r1",
                    f"nexthop add id 12 via {VIA[2][v6]} dev r2",
                    f"nexthop add id 20 group 11,{w1}/12,{w2}",
                    f"{f}route add {{T}} {ANY[family]} nhid 20 proto 99"]
        return [f"{f}route add {{T}} {ANY[family]} proto 99 "
                f"nexthop via {VIA[1][v6]} dev r1 weight {w1} "
                f"nexthop via {VIA[2][v6]} dev r2 weight {w2}"]
    return make


def unmake(family):
    f = "-6 " if family == 6 else ""
    run(f"ip {f}route del {rig.table} {ANY[family]}", False, ns=rig.r)
    for n in (20, 11, 12):
        run(f"ip nexthop del id {n}", False, ns=rig.r)
    for v in ("ipv4", "ipv6"):
        rig.r.sysctl(f"net.{v}.fib_multipath_hash_policy", 0)
    rig.sync()


def spread(family, kind, weights, policy):
    """By the weights, and each flow as plain Linux has it."""
    def test():
        number = 600
        try:
            rig.r.sysctl(f"net.ipv{family}.fib_multipath_hash_policy", policy)
            rig.ip(*multipath(kind, *weights)(family))
            rig.sync()
            before = rig.counters()["forwarded-packets"]
            fast = ways(family, number)
            expect("packets forwarded", number,
                   rig.counters()["forwarded-packets"] - before)
            again = ways(family, number)
            expect("flows that change their way", 0,
                   sum(a != b for a, b in zip(fast, again)))
            rig.down()
            slow = ways(family, number)
            rig.up()
            odd = [i for i, (a, b) in enumerate(zip(fast, slow)) if a != b]
            expect("flows that plain Linux sends elsewhere", [], odd)
            share = fast.count(1) / number
            want = weights[0] / sum(weights)
            # about six standard deviations
            if abs(share - want) > 0.12:
                raise Failure(f"share of the first path: expected {want:.3f} "
                              f"within 0.12, actual {share:.3f}")
        finally:
            unmake(family)
    return test


def by_sender(family):
    """Packets that have a hash of their sender's, as those of local containers have: it
    chooses the path, as in plain Linux."""
    def test():
        v6 = family == 6
        me, dst = (A6, "2001:db8:ff::9") if v6 else (A4, "198.51.100.9")
        gw = "2001:db8:0::1" if v6 else "10.0.0.1"
        socks, number = [], 24

        def ways_of():
            rig.flush()
            for i, s in enumerate(socks):
                s.send(b"sender %2d" % i)
            got = rig.exchange([], number)
            by = {f[-2:]: wire for wire, f in got if wire}
            return [by.get(b"%2d" % i) for i in range(number)]
        try:
            rig.r.sysctl(f"net.ipv{family}.fib_multipath_hash_policy", 1)
            rig.ip(*multipath("route", 1, 1)(family))
            rig.sync()
            rig.h.sysctl("net.ipv6.conf.p0.disable_ipv6", 0)
            rig.h.batch([f"addr add {me}/{64 if v6 else 24} dev p0{' nodad' * v6}",
                         f"neigh add {gw} lladdr {rig.pmac[0]} dev p0 nud permanent",
                         f"route add {ANY[family]} via {gw}"])
            with rig.h:
                socks += [socket.socket(socket.AF_INET6 if v6 else socket.AF_INET,
                                        socket.SOCK_DGRAM) for _ in range(number)]
            for s in socks:
                s.connect((dst, 9))
            before = rig.counters()["forwarded-packets"]
            fast = ways_of()
            expect("packets forwarded", number, rig.counters()["forwarded-packets"] - before)
            expect("wires", {1, 2}, set(fast))
            rig.down()
            slow = ways_of()
            rig.up()
            expect("ways, as in plain Linux", slow, fast)
        finally:
            for s in socks:
                s.close()
            rig.h.batch([f"addr del {me}/{64 if v6 else 24} dev p0",
                         f"neigh del {gw} dev p0"], force=True)
            rig.h.sysctl("net.ipv6.conf.p0.disable_ipv6", 1)
            unmake(family)
    return test


def path_down(family, kind, how):
    """A path goes: its flows take the other one, and all come back."""
    def test():
        try:
            rig.ip(*multipath(kind, 1, 1)(family))
            rig.sync()
            before = ways(family, 200)
            expect("wires", {1, 2}, set(before))
            if how == "carrier":
                for v in ("ipv4", "ipv6"):
                    rig.r.sysctl(f"net.{v}.conf.r2.ignore_routes_with_linkdown", 1)
                rig.h.cmd("ip link set p2 down")
                wait("carrier lost", lambda: "NO-CARRIER" in run(
                    "ip link show r2", ns=rig.r))
            elif how == "nexthop":
                rig.ip("nexthop replace id 20 group 11")
            elif how == "path":
                f = "-6 " if family == 6 else ""
                rig.ip(f"{f}route replace {{T}} {ANY[family]} via {VIA[1][family == 6]} "
                   "dev r1 proto 99")
            rig.sync()
            expect("wires with a path less", {1}, set(ways(family, 200)))
            rig.down()
            expect("wires with a path less, plain Linux", {1}, set(ways(family, 200)))
            rig.up()
        finally:
            rig.h.cmd("ip link set p2 up")
            wait("carrier back", lambda: "NO-CARRIER" not in run(
                "ip link show r2", ns=rig.r))
            for v in ("ipv4", "ipv6"):
                rig.r.sysctl(f"net.{v}.conf.r2.ignore_routes_with_linkdown", 0)
            unmake(family)
    return test


def shares6(how):
    """A path of three goes and comes back: each flow is where plain Linux has it."""
    legs = [f"nexthop via {VIA[i][1]} dev r{i}" for i in (1, 2)] + \
        ["nexthop via 2001:db8:2::2:2 dev r2"]

    def same(taken):
        sent = [to0(p) for p in flows(6, 150)]
        before = rig.counters()["forwarded-packets"]
        fast = rig.exchange(sent, len(sent))
        after = rig.counters()["forwarded-packets"]
        rig.down()
        slow = rig.exchange(sent, len(sent))
        rig.up()
        expect("frames, as from plain Linux", sorted(slow), sorted(fast))
        expect("packets forwarded", taken, after - before)

    def change(down):
        if how == "device":
            rig.r.set_up("dummy9", not down)
        elif how == "carrier":
            rig.h.set_up("p1", not down)
            wait("carrier", lambda: down == ("NO-CARRIER" in run("ip link show r1", ns=rig.r)))
        else:
            rig.r.sysctl("net.ipv6.conf.r1.disable_ipv6", int(down))
        rig.sync()

    def test():
        try:
            rig.ip("-6 neigh replace 2001:db8:2::2:2 lladdr 02:00:00:00:00:23 dev r2 "
                   "nud permanent")
            rig.r.sysctl("net.ipv6.conf.r1.ignore_routes_with_linkdown", 1)
            if how == "device":
                rig.r.batch(["link add dummy9 type dummy", "link set dummy9 up",
                             "addr add 2001:db8:9::1/64 dev dummy9 nodad"])
                legs[:] = ["nexthop via 2001:db8:9::2 dev dummy9"] + legs[:2]
            rig.ip(f"-6 route add {{T}} {ANY[6]} proto 99 {' '.join(legs)}")
            rig.sync()
            if how != "device":
                same(150)
            change(True)
            same(0)
            change(False)
            if how == "carrier":
                same(150)
        finally:
            change(False)
            if how == "device":
                rig.ip("link del dummy9")
            rig.r.sysctl("net.ipv6.conf.r1.ignore_routes_with_linkdown", 0)
            rig.revive(1)
            rig.ip("-6 neigh del 2001:db8:2::2:2 dev r2")
            unmake(6)
    return test


def append6():
    """Single paths come to an IPv6 route and go from it."""
    p = ANY[6]
    try:
        for todo, want in (
                (f"-6 route add {{T}} {p} via {VIA[1][1]} dev r1", {1}),
                (f"-6 route append {{T}} {p} via {VIA[2][1]} dev r2", {1, 2}),
                (f"-6 route del {{T}} {p} via {VIA[1][1]} dev r1", {2}),
                (f"-6 route append {{T}} {p} via {VIA[1][1]} dev r1", {1, 2}),
                (f"-6 route del {{T}} {p} via {VIA[2][1]} dev r2", {1}),
                (f"-6 route append {{T}} {p} nexthop via {VIA[2][1]} dev r2 "
                 "nexthop via 2001:db8:2::2:2 dev r2", {1, 2}),
                (f"-6 route del {{T}} {p} via 2001:db8:2::2:2 dev r2", {1, 2}),
                (f"-6 route replace {{T}} {p} via {VIA[2][1]} dev r2", {2})):
            rig.ip("-6 neigh replace 2001:db8:2::2:2 lladdr 02:00:00:00:00:22 dev r2 "
               "nud permanent", todo)
            rig.sync()
            before = rig.counters()["forwarded-packets"]
            fast = ways(6, 100)
            expect(f"wires after {todo}", want, set(fast))
            expect(f"packets forwarded after {todo}", 100,
                   rig.counters()["forwarded-packets"] - before)
            rig.down()
            expect(f"flows, as plain Linux, after {todo}", ways(6, 100), fast)
            rig.up()
    finally:
        run(f"ip -6 route del {rig.table} {p}", False, ns=rig.r)
        rig.sync()


SHORT6 = "2001:db8:80::/41"    # what is left for packets to ANY[6] without a route
PATHS6 = {1: f"via {VIA[1][1]} dev r1", 2: f"via {VIA[2][1]} dev r2",
          3: "via 2001:db8:2::2:2 dev r2"}


def paths6(verb, *which):
    return (f"-6 route {verb} {{T}} {ANY[6]} proto 99 "
            + " ".join(f"nexthop {PATHS6[i]}" for i in which))


def as_linux6(what):
    """Flows take the ways that they take in plain Linux, and the routes are counted."""
    now = rig.show()
    expect(f"routes as counted, {what}", now["routes4"] + now["routes6"], now["routes"])
    fast = ways(6, 40)
    rig.down()
    slow = ways(6, 40)
    rig.up()
    expect(f"ways, as plain Linux, {what}", slow, fast)
    return set(fast)


def taken_back6():
    """Linux refuses a path that is there already, and takes back those before it, of which
    it told nobody: what was there stays."""
    try:
        run(f"vrctl set {rig.name} max-routes 1000", ns=rig.r)
        rig.ip(f"-6 neigh replace 2001:db8:2::2:2 lladdr {rig.hmac[2]} dev r2 nud permanent",
               R("add", SHORT6, 2))
        resyncs = rig.show()["resyncs"]
        for before, more, want in (((1,), (2, 1), {1}), ((1,), (2, 3, 1), {1}),
                                   ((1, 3), (2, 1), {1, 2})):
            rig.ip(paths6("replace", *before))
            rig.ip(paths6("append", *more), check=False)
            rig.sync()
            expect("wires", want, as_linux6(f"{before} and {more}"))
            rig.ip(f"-6 route del {{T}} {ANY[6]}")
        expect("resyncs", resyncs, rig.show()["resyncs"])
    finally:
        run(f"vrctl set {rig.name} max-routes 0", ns=rig.r)
        rig.flush_routes()


def by_device6():
    """Linux deletes a route by the device of its second path and tells nobody; the router
    finds out, and builds nothing anew for what was announced."""
    def changed(resyncs, least=0):
        wait("resyncs", lambda: rig.show()["resyncs"] - resyncs >= least)
        # no more come
        time.sleep(2)
        return rig.show()["resyncs"] - resyncs
    try:
        run(f"vrctl set {rig.name} max-routes 1000", ns=rig.r)
        rig.ip(f"-6 neigh replace 2001:db8:2::2:2 lladdr {rig.hmac[2]} dev r2 nud permanent",
               R("add", SHORT6, 2))
        resyncs = rig.show()["resyncs"]
        for verb, which in (("add", (1, 2)), ("replace", (1, 3)), ("append", (2,)),
                            ("replace", (2, 1, 3))):
            rig.ip(paths6(verb, *which))
        rig.ip(f"-6 route del {{T}} {ANY[6]} {PATHS6[2]}")
        expect("resyncs while all is there", 0, changed(resyncs))
        rig.ip(f"-6 route del {{T}} {ANY[6]} dev r1")
        expect("resyncs after what is announced", 0, changed(resyncs))
        for more, want in (([], {2}), ([R("add", ANY[6], 1, "metric 2000")], {1})):
            rig.ip(paths6("add", 1, 2), *more)
            rig.sync()
            expect("wires", {1, 2}, as_linux6("before"))
            resyncs = rig.show()["resyncs"]
            rig.ip(f"-6 route del {{T}} {ANY[6]} dev r2")
            more = changed(resyncs, 1)
            expect("wires", want, as_linux6("deleted by the device"))
            expect("resyncs", 1, more)
    finally:
        run(f"vrctl set {rig.name} max-routes 0", ns=rig.r)
        rig.flush_routes()


def between6(prefix):
    """A route of the same metric that is no path of it stands between two paths, and stays when
    Linux deletes these, whatever it tells then: that nothing is left, or one of another
    metric."""
    dst = "2001:db9:1::5"
    cover = [R("add", "2001:db9::/32", 2)] if prefix != "::/0" else []
    mixed = [R("add", prefix, None, PATHS6[1]), R("append", prefix, None, "dev r1"),
             R("append", prefix, None, PATHS6[2])]
    worse = R("append", prefix, None, f"{PATHS6[2]} metric 2000")

    def test():
        rig.ip(f"-6 neigh replace {dst} lladdr {rig.hmac[1]} dev r1 nud permanent")
        resyncs = rig.show()["resyncs"]
        for more, which, want in (([], "", 1), ([worse], "", 1),
                                  ([], PATHS6[1], "route-unsupported")):
            follows([([*cover, *mixed, *more], {dst: "route-unsupported"}),
                     ([R("del", prefix, None, which)], {dst: want})])
        expect("resyncs", resyncs, rig.show()["resyncs"])
        rig.ip(f"-6 neigh del {dst} dev r1")
    return test


def deleted6():
    """Nothing is built anew for routes of several paths that are deleted, forwarded or punted,
    as a whole or path by path."""
    odd = [R("add", ANY[6], None, PATHS6[1]), R("append", ANY[6], None, PATHS6[2] + " mtu 1300")]
    try:
        run(f"vrctl set {rig.name} max-routes 1000", ns=rig.r)
        resyncs = rig.show()["resyncs"]
        for make in ([paths6("add", 1, 2)], odd):
            for which, want in (("", {2}), (PATHS6[1], {2}), (PATHS6[2], {1})):
                rig.ip(R("add", SHORT6, 2), *make)
                rig.sync()
                rig.ip(f"-6 route del {{T}} {ANY[6]} {which}")
                rig.sync()
                before = rig.counters()["forwarded-packets"]
                expect(f"wires without {which}", want, set(ways(6, 40)))
                expect("packets forwarded", 40, rig.counters()["forwarded-packets"] - before)
                expect("resyncs", resyncs, rig.show()["resyncs"])
                as_linux6(f"without {which}")
                rig.flush_routes()
    finally:
        run(f"vrctl set {rig.name} max-routes 0", ns=rig.r)
        rig.flush_routes()


def mtus6():
    """Each path of an IPv6 route has an MTU of its own: too big for one is not for all."""
    sent = [to0(own("2001:db8:ff::9", data=b"x" * 1352, flow=i)) for i in range(24)]

    def begins():
        return sorted((i, len(f), f[:110].hex()) for i, f in rig.exchange(sent, len(sent)))

    def same(what):
        before = rig.counters()["forwarded-packets"]
        fast = begins()
        n = rig.counters()["forwarded-packets"] - before
        rig.down()
        slow = begins()
        rig.up()
        expect(f"frames, as from plain Linux, {what}", slow, fast)
        return n
    try:
        for first, second in (("", "mtu 1300"), ("mtu 1300", "")):
            rig.ip(f"-6 route add {{T}} {ANY[6]} {PATHS6[1]} {first} proto 99",
                   f"-6 route append {{T}} {ANY[6]} {PATHS6[2]} {second} proto 99")
            rig.sync()
            for what in ("as announced", "as dumped"):
                expect(f"packets forwarded, {what}", 0, same(f"{first} {second}, {what}"))
            rig.ip(f"-6 route del {{T}} {ANY[6]} {PATHS6[1 if first else 2]}")
            rig.sync()
            expect("packets forwarded, one MTU", len(sent), same("one MTU"))
            rig.flush_routes()
    finally:
        rig.flush_routes()


def tests(vrf):
    where = "VRF" if vrf else "namespace"
    yield f"{where}: router", rig.start(vrf)
    yield f"{where}: IPv6 paths one by one", append6
    yield f"{where}: IPv6 paths of different MTUs", mtus6
    yield f"{where}: IPv6 paths that are taken back", taken_back6
    yield f"{where}: IPv6 paths deleted by a device", by_device6
    yield f"{where}: IPv6 paths deleted", deleted6
    for p in ("2001:db9:1::/48", "::/0"):
        yield f"{where}: IPv6 route between paths that are deleted, {p}", between6(p)
    for f in (4, 6):
        for kind in ("route", "object"):
            for policy in (0, 1):
                for weights in ((1, 1), (1, 3)) if not vrf else ((2, 5),):
                    yield (f"{where}: IPv{f} multipath {kind}, hash policy {policy}, "
                           f"weights {weights[0]}:{weights[1]}",
                           spread(f, kind, weights, policy))
            if vrf:
                continue
            if kind == "route":
                yield f"{where}: IPv{f} multipath, by the sender's hash", by_sender(f)
            for how in (("carrier", "path") if kind == "route" else
                        ("carrier", "nexthop")):
                yield (f"{where}: IPv{f} multipath {kind}, less one {how}",
                       path_down(f, kind, how))
    for how in () if vrf else ("device", "carrier", "IPv6"):
        yield f"{where}: IPv6 multipath, {how} down and up again", shares6(how)


if __name__ == "__main__":
    main(list(tests(False)))
