#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Routes come, change and go, under traffic as well; the router follows each of
them and chooses among paths as plain Linux does."""
import ipaddress
import json
import os
import random
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from vrtest import (SLOW, Failure, Rig, Skip, expect, forwarded, frame, ip4, ip6,  # noqa: E402
                    is_chatter, main, packet, receive, run, tcp, wait)

A4, A6 = "10.0.0.2", "2001:db8:0::2"
VIA = {1: ("10.0.1.2", "2001:db8:1::2"), 2: ("10.0.2.2", "2001:db8:2::2")}
rig = None


def start(vrf):
    def test():
        global rig
        if rig:
            rig.gone()
        rig = Rig(3, vrf=vrf)
    return test


def to0(pkt):
    return (0, frame(rig.pmac[0], rig.hmac[0], pkt))


def own(dst, **kw):
    return packet(A6 if ":" in dst else A4, dst, **kw)


def wire_of(dst, fast=True):
    """The wire on which a packet for dst comes out, or the reason why not."""
    before = rig.counters()
    got = rig.exchange([to0(own(dst))], 1 if fast else 0)
    after = rig.counters()
    reasons = [k for k in after["punt"] if after["punt"][k] != before["punt"][k]]
    n = after["forwarded-packets"] - before["forwarded-packets"]
    if reasons:
        return reasons[0]
    expect(f"packets forwarded to {dst}", 1, n)
    expect(f"frames to {dst}", 1, len(got))
    wire, f = got[0]
    expect(f"frame to {dst}", frame(rig.hmac[wire], rig.pmac[wire],
                                    forwarded(own(dst))).hex(), f.hex())
    return wire


def follows(steps):
    """Each step: what to do, and where packets then go."""
    try:
        for todo, want in steps:
            rig.ip(*todo)
            rig.sync()
            got = {d: wire_of(d, isinstance(w, int)) for d, w in want.items()}
            expect(f"ways after {todo}", want, got)
    finally:
        for v in ("-4", "-6"):
            run(f"ip {v} route flush {'table 100' if rig.vrf else 'table main'} proto 99",
                False, ns=rig.r)
        for line in (["ip -4 route show", "ip -6 route show"] if not rig.vrf else
                     ["ip -4 route show vrf red", "ip -6 route show vrf red"]):
            for route in run(line, ns=rig.r).splitlines():
                if "proto 99" in route:
                    raise Failure(f"route that is left: {route}")
        rig.sync()


def R(verb, dst, wire=None, extra="", kind=""):
    """One route, by the wire it leads to."""
    v6 = ":" in dst
    via = f"via {VIA[wire][v6]}" if wire else ""
    return (f"{'-6 ' if v6 else ''}route {verb} {{T}} {kind} {dst} {via} {extra}"
            + (" proto 99" if verb not in ("del",) else ""))


PREFIXES = {
    4: (["0.0.0.0/0", "128.0.0.0/1", "198.0.0.0/8", "198.51.0.0/16", "198.51.96.0/19",
         "198.51.100.0/24", "198.51.100.64/26", "198.51.100.66/31", "198.51.100.67/32"],
        "198.51.100.67"),
    6: (["::/0", "2000::/3", "2001:db8::/29", "2001:db8:ff::/48", "2001:db8:ff:4::/62",
         "2001:db8:ff:5::/64", "2001:db8:ff:5:8000::/65", "2001:db8:ff:5:8000::4/126",
         "2001:db8:ff:5:8000::6/127", "2001:db8:ff:5:8000::7/128"],
        "2001:db8:ff:5:8000::7")}


def longest(family):
    def test():
        prefixes, dst = PREFIXES[family]
        wires = {p: i % 2 + 1 for i, p in enumerate(prefixes)}
        steps = [([R("add", p, wires[p])], {dst: wires[p]}) for p in prefixes]
        for i in range(len(prefixes) - 1, 0, -1):
            steps.append(([R("del", prefixes[i])], {dst: wires[prefixes[i - 1]]}))
        # the other way round: the shorter ones make no difference
        steps.append(([R("add", prefixes[-1], 1)], {dst: 1}))
        steps += [([R("add", p, 2)], {dst: 1}) for p in prefixes[1:-1]]
        steps += [([R("del", p)], {dst: 1}) for p in prefixes[:-1]]
        if rig.vrf:
            nowhere = "route-type"
        else:
            nowhere = "no-route"
        steps.append(([R("del", prefixes[-1])], {dst: nowhere}))
        follows(steps)
    return test


def metrics(family):
    def test():
        p = {4: "198.51.100.0/24", 6: "2001:db8:ff::/64"}[family]
        dst = {4: "198.51.100.9", 6: "2001:db8:ff::9"}[family]
        follows([
            ([R("add", p, 1, "metric 100")], {dst: 1}),
            ([R("add", p, 2, "metric 200")], {dst: 1}),
            ([R("add", p, 2, "metric 50")], {dst: 2}),
            ([R("del", p, None, "metric 50")], {dst: 1}),
            ([R("del", p, None, "metric 100")], {dst: 2}),
            ([R("add", p, 1, "metric 100")], {dst: 1}),
            ([R("replace", p, 2, "metric 100")], {dst: 2}),
            ([R("replace", p, 1, "metric 200")], {dst: 2}),
            ([R("del", p, None, "metric 100")], {dst: 1}),
            ([R("add", p, None, "metric 10", "blackhole")], {dst: "route-type"}),
            ([R("del", p, None, "metric 10", "blackhole")], {dst: 1}),
        ])
    return test


def between(family):
    def test():
        a, b, c = {4: ("198.51.0.0/16", "198.51.100.0/24", "198.51.100.128/25"),
                   6: ("2001:db8:f0::/44", "2001:db8:ff::/64", "2001:db8:ff:0:8000::/65")
                   }[family]
        low, high, out = {4: ("198.51.100.9", "198.51.100.200", "198.51.7.7"),
                          6: ("2001:db8:ff::9", "2001:db8:ff:0:8000::9",
                              "2001:db8:fe::1")}[family]
        steps = [([R("add", a, 1)], {low: 1, high: 1, out: 1})]
        for kind in ("blackhole", "unreachable", "prohibit"):
            steps += [
                ([R("add", b, None, "", kind)],
                 {low: "route-type", high: "route-type", out: 1}),
                ([R("add", c, 2)], {low: "route-type", high: 2, out: 1}),
                ([R("del", b, None, "", kind)], {low: 1, high: 2, out: 1}),
                ([R("del", c)], {low: 1, high: 1, out: 1})]
        follows(steps)
    return test


def via6():
    """IPv4 over an IPv6 nexthop, and back to an IPv4 one."""
    p, dst = "198.51.100.0/24", "198.51.100.9"
    follows([
        ([f"route add {{T}} {p} via inet6 2001:db8:1::2 dev r1 proto 99"], {dst: 1}),
        ([f"route replace {{T}} {p} via inet6 2001:db8:2::2 dev r2 proto 99"], {dst: 2}),
        ([R("replace", p, 1)], {dst: 1}),
        ([f"route replace {{T}} {p} proto 99 nexthop via inet6 2001:db8:2::2 dev r2 "
          "nexthop via inet6 2001:db8:2::2 dev r2"], {dst: 2})])


def moves(family):
    """A neighbour gets another MAC address, goes and comes back; the port gets
    another one, too."""
    def test():
        v6 = family == 6
        f = "-6 " if v6 else ""
        p = ANY[family]
        far = {4: "198.51.100.9", 6: "2001:db8:ff::9"}[family]
        gw = "fe80::22" if v6 else VIA[1][0]
        near = VIA[1][v6]
        mine = rig.pmac[1]

        def goes(lladdr, dsts):
            for dst in dsts:
                before = rig.counters()["forwarded-packets"]
                got = rig.exchange([to0(own(dst))], 1)
                expect(f"frame to {dst}", [(1, frame(lladdr, mine, forwarded(own(dst))).hex())],
                       [(i, x.hex()) for i, x in got])
                expect("packets forwarded", 1,
                       rig.counters()["forwarded-packets"] - before)

        def neigh(verb, lladdr):
            for a in {gw, near}:
                rig.ip(f"{f}neigh {verb} {a} lladdr {lladdr} dev r1 nud permanent"
                   if verb != "del" else f"{f}neigh del {a} dev r1")

        neigh("replace", rig.hmac[1])
        try:
            rig.ip(f"{f}route add {{T}} {p} via {gw} dev r1 proto 99")
            rig.sync()
            goes(rig.hmac[1], (far, near))
            neigh("replace", "02:00:00:00:00:77")
            goes("02:00:00:00:00:77", (far, near))
            neigh("del", None)
            neigh("replace", "02:00:00:00:00:78")
            goes("02:00:00:00:00:78", (far, near))
            # all neighbours of the port go with its address
            mine = "02:00:00:00:00:79"
            rig.ip(f"link set r1 address {mine}")
            neigh("replace", rig.hmac[1])
            goes(rig.hmac[1], (far, near))
        finally:
            rig.ip(f"link set r1 address {rig.pmac[1]}", f"neigh replace {VIA[1][0]} "
               f"lladdr {rig.hmac[1]} dev r1 nud permanent",
               f"-6 neigh replace {VIA[1][1]} lladdr {rig.hmac[1]} dev r1 nud permanent")
            run(f"ip {f}route del {rig.table} {p}", False, ns=rig.r)
            rig.sync()
    return test


def forgets(family):
    """A neighbour that is in use can be deleted, and is gone."""
    def test():
        v6 = family == 6
        f, gw = "-6 " if v6 else "", VIA[1][v6]
        dst = {4: "198.51.100.9", 6: "2001:db8:ff::9"}[family]
        try:
            rig.ip(R("add", ANY[family], 1))
            rig.sync()
            expect("way", 1, wire_of(dst))
            rig.ip(f"{f}neigh del {gw} dev r1")
            left = run(f"ip {f}neigh show {gw} dev r1", ns=rig.r).strip()
            expect("neighbour that was deleted", "", left)
            rig.ip(f"{f}neigh add {gw} lladdr {rig.hmac[1]} dev r1 nud permanent")
            expect("way, once it is back", 1, wire_of(dst))
        finally:
            rig.ip(f"{f}neigh replace {gw} lladdr {rig.hmac[1]} dev r1 nud permanent",
               R("del", ANY[family]))
            rig.sync()
    return test


def many_nexthops(number):
    """Routes out by the second wire, each with a metric, and so with a nexthop, of its own."""
    first = int(ipaddress.ip_address("100.64.0.0"))
    for at in range(0, number, 5000):
        rig.r.batch(f"route add {rig.table} {ipaddress.ip_address(first + i)}/32 via {VIA[2][0]} "
                    f"proto 99 metric {i + 1}" for i in range(at, min(at + 5000, number)))


def forgets_many():
    """Where there are too many nexthops to look at at once, it is let go of a moment later:
    it has failed, and can be deleted then."""
    number, dst, gw = 4200, "198.51.100.9", VIA[1][0]
    try:
        many_nexthops(number)
        rig.ip(R("add", ANY[4], 1))
        rig.sync()
        if rig.show()["nexthops"] <= number:
            raise Failure(f"nexthops: expected over {number}, actual {rig.show()['nexthops']}")
        expect("way", 1, wire_of(dst))

        def is_gone():
            rig.ip(f"neigh del {gw} dev r1", check=False)
            return not run(f"ip neigh show {gw} dev r1", ns=rig.r).strip()
        wait("the neighbour to be gone", is_gone)
    finally:
        rig.ip(f"neigh replace {gw} lladdr {rig.hmac[1]} dev r1 nud permanent")
        flush_all()
    rig.ip(R("add", ANY[4], 1))
    rig.sync()
    expect("way, once it is back", 1, wire_of(dst))
    flush_all()


def objects(family):
    """Nexthop objects are replaced under the routes that use them."""
    def test():
        v6 = family == 6
        p = {4: "198.51.100.0/24", 6: "2001:db8:ff::/64"}[family]
        q = {4: "198.51.101.0/24", 6: "2001:db8:fe::/64"}[family]
        dst = {4: "198.51.100.9", 6: "2001:db8:ff::9"}[family]
        other = {4: "198.51.101.9", 6: "2001:db8:fe::9"}[family]
        f = "-6 " if v6 else ""
        try:
            follows([
                ([f"nexthop add id 11 via {VIA[1][v6]} dev r1",
                  f"nexthop add id 12 via {VIA[2][v6]} dev r2",
                  f"{f}route add {{T}} {p} nhid 11 proto 99",
                  f"{f}route add {{T}} {q} nhid 11 proto 99"], {dst: 1, other: 1}),
                ([f"nexthop replace id 11 via {VIA[2][v6]} dev r2"], {dst: 2, other: 2}),
                ([f"nexthop replace id 11 via {VIA[1][v6]} dev r1"], {dst: 1, other: 1}),
                ([f"{f}route replace {{T}} {p} nhid 12 proto 99"], {dst: 2, other: 1}),
                (["nexthop add id 20 group 11"], {dst: 2}),
                ([f"{f}route replace {{T}} {p} nhid 20 proto 99"], {dst: 1}),
                (["nexthop replace id 20 group 12"], {dst: 2}),
                ([f"{f}nexthop replace id 11 blackhole"] if not v6 else
                 ["-6 nexthop replace id 11 blackhole"], {other: "route-type", dst: 2}),
                ([f"nexthop replace id 11 via {VIA[1][v6]} dev r1"], {other: 1}),
                (["nexthop replace id 20 group 11/12"], {}),
                (["nexthop del id 12"], {dst: 1, other: 1}),
            ])
        finally:
            for n in (20, 11, 12):
                run(f"ip nexthop del id {n}", False, ns=rig.r)
            rig.sync()
    return test


# --- multipath ---------------------------------------------------------------

def flows(family, number):
    """Packets of as many flows, UDP and TCP, from different hosts and ports."""
    rnd = random.Random(number)
    for i in range(number):
        sport, dport = rnd.randrange(1024, 65536), rnd.randrange(1, 65536)
        if family == 4:
            s, d = f"10.0.0.{i % 200 + 10}", f"198.51.{100 + i % 7}.{rnd.randrange(1, 250)}"
            yield (packet(s, d, sport=sport, dport=dport) if i % 2 else
                   ip4(s, d, 6, tcp(s, d, sport, dport)))
        else:
            s, d = f"2001:db8:0::{i % 999 + 16:x}", f"2001:db8:ff::{rnd.randrange(65536):x}"
            flow = rnd.randrange(1 << 20)
            yield (packet(s, d, sport=sport, dport=dport, flow=flow) if i % 2 else
                   ip6(s, d, 6, tcp(s, d, sport, dport), flow=flow))


def ways(family, number):
    """The wire that each flow takes."""
    sent = list(flows(family, number))
    got = rig.exchange([to0(p) for p in sent], number)
    by = {f[14:]: i for i, f in got}
    expect("frames", number, len(got))
    return [by.get(forwarded(p)) for p in sent]


ANY = {4: "198.51.0.0/16", 6: "2001:db8:ff::/64"}


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
            # four to five standard deviations
            if abs(share - want) > 0.09:
                raise Failure(f"share of the first path: expected {want:.3f} "
                              f"within 0.09, actual {share:.3f}")
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
        fast = rig.exchange(sent)
        after = rig.counters()["forwarded-packets"]
        rig.down()
        slow = rig.exchange(sent, len(fast))
        rig.up()
        expect("flows that plain Linux sends elsewhere", 0,
               len(set(f for _, f in fast) - set(f for _, f in slow)))
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
        flush_all()


def by_device6():
    """Linux deletes a route by the device of its second path and tells nobody; the router
    finds out, and builds nothing anew for what was announced."""
    def changed(resyncs):
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
            more = changed(resyncs)
            expect("wires", want, as_linux6("deleted by the device"))
            expect("resyncs", 1, more)
    finally:
        run(f"vrctl set {rig.name} max-routes 0", ns=rig.r)
        flush_all()


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
            flush_all()
    finally:
        flush_all()


def by_source6():
    """Routes by source beside routes for all, in any order of coming and going."""
    p, dst = "2001:db8:ff::/64", "2001:db8:ff::9"
    add_src = f"-6 route add {{T}} {p} from 2001:db8:0::/64 via {VIA[2][1]} dev r2 proto 99"
    del_src = f"-6 route del {{T}} {p} from 2001:db8:0::/64"
    wrong = []
    for steps in (([R("add", p, 1)], [add_src]), ([add_src], [R("add", p, 1)]),
                  ([add_src], [R("add", p, 1)], [R("replace", p, 1)]),
                  ([add_src, R("add", p, 1)], [R("del", p)]),
                  ([R("add", p, 1), add_src], [del_src])):
        for todo in steps:
            rig.ip(*todo)
        rig.sync()
        fast = [i for i, _ in rig.exchange([to0(own(dst))])]
        rig.down()
        slow = [i for i, _ in rig.exchange([to0(own(dst))], len(fast))]
        rig.up()
        if fast != slow:
            wrong.append(f"after {steps}: expected as plain Linux {slow}, actual {fast}")
        for line in (del_src, R("del", p)):
            rig.ip(line, check=False)
        rig.sync()
    if wrong:
        raise Failure("\n# ".join(wrong))


def as_linux(wire, dst):
    """The wires that a packet from a wire comes out on, plain Linux's, and whether the
    router took it."""
    pkt = packet(f"2001:db8:{wire}::2", dst)
    sent = [(wire, frame(rig.pmac[wire], rig.hmac[wire], pkt))]

    def wires(n):
        return [i for i, f in rig.exchange(sent, n) if f[14:] == forwarded(pkt)]
    before = rig.counters()["forwarded-packets"]
    fast = wires(0)
    taken = rig.counters()["forwarded-packets"] - before
    rig.down()
    slow = wires(len(fast))
    rig.up()
    return fast, slow, bool(taken)


def one_metric6():
    """Routes of one metric that are no siblings: plain Linux asks them all."""
    p, q, dst = "2001:db8:ff::/64", "::/0", "2001:db8:ff::9"
    via = {i: f"via {VIA[i][1]} dev r{i}" for i in VIA}
    wrong = []
    rig.ip(*(f"-6 neigh replace {dst} lladdr {rig.hmac[i]} dev r{i} nud permanent"
             for i in (1, 2)), f"nexthop add id 11 via {VIA[1][1]} dev r1",
           f"nexthop add id 12 via {VIA[2][1]} dev r2")
    try:
        for steps in (
                [f"add {{T}} {p} dev r1", f"append {{T}} {p} dev r2"],
                [f"add {{T}} {p} dev r1 metric 9", f"add {{T}} {p} dev r2 metric 10"],
                [f"add {{T}} {p} {via[1]}", f"append {{T}} {p} dev r2;"
                 f"append {{T}} {p} {via[2]}", f"del {{T}} {p} {via[1]}"],
                [f"add {{T}} {q} {via[1]}", f"append {{T}} {q} dev r2"],
                [f"add {{T}} {q} {via[1]}", f"append {{T}} {q} nhid 12 pref high",
                 f"append {{T}} {q} {via[2]}", f"del {{T}} {q} nhid 12"],
                [f"add {{T}} {q} nhid 11 pref low", f"append {{T}} {q} nhid 12 pref high",
                 f"del {{T}} {q} nhid 12"]):
            for i, step in enumerate(steps):
                rig.ip(*(f"-6 route {line}" + " proto 99" * (not line.startswith("del"))
                         for line in step.split(";")))
                rig.sync()
                # a dump leaves out what stands between siblings
                if ";" not in step:
                    run(f"vrctl fib check {rig.name}", ns=rig.r)
                for wire in (2, 0):
                    fast, slow, taken = as_linux(wire, dst)
                    if fast != slow or not (i or taken):
                        wrong.append(f"after {steps[:i + 1]}, from {wire}: expected as plain "
                                     f"Linux {slow}, actual {fast}, taken {taken}")
            flush_all()
    finally:
        flush_all()
        rig.ip("nexthop del id 11", "nexthop del id 12",
               *(f"-6 neigh del {dst} dev r{i}" for i in (1, 2)))
    if wrong:
        raise Failure("\n# ".join(wrong))


def expires6():
    """What has expired is no route any more, though it is in the table."""
    p, dst = "2001:db8:ff::/64", "2001:db8:ff::9"
    rig.r.sysctl("net.ipv6.route.gc_interval", 3600)
    rig.ip(f"-6 neigh replace {dst} lladdr {rig.hmac[1]} dev r1 nud permanent")
    try:
        for way, want in ((f"via {VIA[1][1]} dev r1", "route-unsupported"), ("dev r1", 1)):
            rig.ip(f"-6 route add {{T}} {p} {way} metric 10 expires 2 proto 99",
                   R("add", p, 2, "metric 20"))
            rig.sync()
            expect(f"{way} in time", want, wire_of(dst, want == 1))
            run(f"vrctl fib check {rig.name}", ns=rig.r)
            time.sleep(3)
            fast, slow, _ = as_linux(0, dst)
            expect(f"wires of {way}, expired, plain Linux", [2], slow)
            expect(f"wires of {way}, expired", slow, fast)
            flush_all()
    finally:
        flush_all()
        rig.ip(f"-6 neigh del {dst} dev r1")
        rig.r.sysctl("net.ipv6.route.gc_interval", 30)


def tos4():
    """Routes by TOS beside routes for all, in any order of coming and going."""
    p, dst = "198.51.100.0/24", "198.51.100.9"
    add_tos = f"route add {{T}} {p} tos 0x10 via {VIA[2][0]} proto 99"
    del_tos = f"route del {{T}} {p} tos 0x10"
    wrong = []
    for steps in (([R("add", p, 1)], [add_tos]), ([add_tos], [R("add", p, 1)]),
                  ([add_tos, R("add", p, 1)], [R("replace", p, 1)]),
                  ([R("add", p, 1), add_tos], [del_tos]),
                  ([add_tos, R("add", p, 1)], [R("del", p, 1)])):
        for todo in steps:
            rig.ip(*todo)
        rig.sync()
        sent = [to0(own(dst, tos=t)) for t in (0, 0x10)]
        fast = [i for i, _ in rig.exchange(sent)]
        rig.down()
        slow = [i for i, _ in rig.exchange(sent, len(fast))]
        rig.up()
        if fast != slow:
            wrong.append(f"after {steps}: expected as plain Linux {slow}, actual {fast}")
        for line in (del_tos, R("del", p, 1)):
            rig.ip(line, check=False)
        rig.sync()
    if wrong:
        raise Failure("\n# ".join(wrong))


# --- rules ------------------------------------------------------------------

def rules():
    """A rule comes: the stack decides. It goes: the router does again."""
    try:
        rig.ip(R("add", "198.51.100.0/24", 1), R("add", "2001:db8:ff::/64", 1))
        rig.sync()
        for dst, f, src in (("198.51.100.9", "", "10.0.0.0/24"),
                            ("2001:db8:ff::9", "-6 ", "2001:db8:0::/64")):
            expect("way without a rule", 1, wire_of(dst))
            rig.ip(f"{f}route add default via {VIA[2][':' in dst]} dev r2 table 300",
               f"{f}rule add from {src} lookup 300 pref 500")
            got = rig.exchange([to0(own(dst))])
            expect("way with a rule", [2], [i for i, _ in got])
            expect("reason with a rule", "rules", wire_of(dst, False))
            state = rig.show()
            expect("state with a rule", ("fallback", "rules"),
                   (state["state"], state.get("fallback-reason")))
            rig.ip(f"{f}rule del pref 500", f"{f}route flush table 300")
            wait("no rules", lambda: rig.show()["state"] == "active")
            expect("way without the rule", 1, wire_of(dst))
    finally:
        rig.ip(R("del", "198.51.100.0/24"), R("del", "2001:db8:ff::/64"))
        rig.sync()


# --- under traffic -----------------------------------------------------------

class Traffic:
    """Numbered packets to one destination all the time, from a thread."""

    def __init__(self, dst):
        self.dst, self.sent, self.end = dst, 0, False
        self.got = {}
        self.seen = [0] * rig.n
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.end:
            for _ in range(8):
                data = self.sent.to_bytes(4, "big") * 4
                rig.send(*to0(own(self.dst, data=data)))
                self.sent += 1
            self.collect()
            time.sleep(0.001)

    def collect(self):
        for i, s in enumerate(rig.socks):
            f = receive(s)
            while f is not None:
                if not is_chatter(f):
                    self.got.setdefault(f, []).append(i)
                    self.seen[i] += 1
                f = receive(s)

    def __enter__(self):
        rig.flush()
        self.before = rig.counters()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end = True
        self.thread.join()
        end = time.monotonic() + 20
        while sum(map(len, self.got.values())) < self.sent and time.monotonic() < end:
            self.collect()
            time.sleep(0.01)
        self.after = rig.counters()

    def reach(self, wire):
        """Wait until packets come out there."""
        before = self.seen[wire]
        wait(f"packets on wire {wire}", lambda: self.seen[wire] > before)

    def check(self, wires):
        """Each packet came out once, whole, on one of these wires; some on each."""
        dropped = self.after["dropped-packets"] - self.before["dropped-packets"]
        total = sum(map(len, self.got.values()))
        expect("packets that come out", self.sent - dropped, total)
        expect("packets dropped", 0, dropped)
        count = dict.fromkeys(wires, 0)
        for f, where in self.got.items():
            expect("times that a packet comes out", 1, len(where))
            w = where[0]
            if w not in count:
                raise Failure(f"wire: expected one of {wires}, actual {w}: {f.hex()}")
            count[w] += 1
            off = 48 if ":" not in self.dst else 68
            n = int.from_bytes(f[off - 6:off - 2], "big")
            want = frame(rig.hmac[w], rig.pmac[w], forwarded(
                own(self.dst, data=n.to_bytes(4, "big") * 4)))
            expect("frame", want.hex(), f.hex())
        for w, c in count.items():
            if not c:
                raise Failure(f"packets on wire {w}: expected some, actual none")
        return count


def churn(family, kind):
    """Routes change while packets flow: none is lost, none goes elsewhere."""
    def test():
        v6 = family == 6
        p = {4: "198.51.100.0/24", 6: "2001:db8:ff::/64"}[family]
        q = {4: "198.51.100.9/32", 6: "2001:db8:ff::9/128"}[family]
        dst = q.split("/", maxsplit=1)[0]
        if kind == "replace":
            lines = [R("replace", p, w, "metric 7") for w in (2, 1)]
        elif kind == "more specific":
            lines = [R("add", q, 2), R("del", q)]
        elif kind == "metric":
            lines = [R("add", p, 2, "metric 3"), R("del", p, None, "metric 3")]
        else:
            lines = [f"nexthop replace id 11 via {VIA[w][v6]} dev r{w}" for w in (2, 1)]
        lines = [x.replace("-6 ", "").replace("{T}", rig.table) for x in lines]
        rounds = 50 if SLOW else 400
        try:
            if kind == "nexthop":
                rig.ip(f"nexthop add id 11 via {VIA[1][v6]} dev r1",
                   f"{'-6 ' if v6 else ''}route add {{T}} {p} nhid 11 proto 99")
            else:
                rig.ip(R("add", p, 1, "metric 7"))
            rig.sync()
            with Traffic(dst) as traffic:
                time.sleep(0.1)
                # one by one, so that packets may come in between
                script = "".join(x + "\n" for x in lines * rounds)
                run("ip -batch -", data=script, ns=rig.r)
                # where time is short, none has, or changes were taken together
                for line, wire in zip(lines, (2, 1)):
                    run(f"ip {line}", ns=rig.r)
                    rig.sync()
                    traffic.reach(wire)
            traffic.check({1, 2})
        finally:
            run(f"ip {'-6 ' if v6 else ''}route flush root {p}"
                + (" table 100" if rig.vrf else ""), False, ns=rig.r)
            run("ip nexthop del id 11", False, ns=rig.r)
            rig.sync()
    return test


# --- many routes -------------------------------------------------------------

def gateway(net):
    """Which way a prefix leads is a function of the prefix alone."""
    n = hash((int(net.network_address), net.prefixlen)) & 0xffff
    wire = n % 2 + 1
    host = n // 2 % 50 + 100
    return wire, (f"10.0.{wire}.{host}" if net.version == 4 else
                  f"2001:db8:{wire}::{host:x}")


def random_net(rnd, family):
    if family == 4:
        plen = rnd.choice([8, 12, 16, 18, 20, 22, 24, 24, 24, 25, 28, 30, 31, 32])
        base = int(ipaddress.ip_address("64.0.0.0")) + rnd.getrandbits(26)
        return ipaddress.ip_network((base >> (32 - plen) << (32 - plen), plen))
    plen = rnd.choice([20, 29, 32, 36, 40, 44, 48, 48, 52, 56, 60, 64, 64, 65, 96, 127, 128])
    base = int(ipaddress.ip_address("3000::")) + (rnd.getrandbits(28) << 96) + \
        rnd.getrandbits(96)
    return ipaddress.ip_network((base >> (128 - plen) << (128 - plen), plen))


def route_line(verb, net, kind=None):
    if kind:
        return f"route {verb} {rig.table} {kind} {net} proto 99"
    wire, gw = gateway(net)
    if verb == "del":
        return f"route del {rig.table} {net}"
    return f"route {verb} {rig.table} {net} via {gw} dev r{wire} proto 99"


def linux_way(dst):
    """(device, gateway) that plain Linux takes for a packet to dst, or None."""
    src = A6 if ":" in dst else A4
    out = run(f"ip -j route get {dst} from {src} iif r0", False, ns=rig.r)
    if not out.startswith("["):
        return None
    way = json.loads(out)[0]
    if way.get("type") in ("unreachable", "blackhole", "prohibit", "local"):
        return None
    return way.get("dev"), way.get("gateway")


def router_way(answer):
    if "oif-name" not in answer:
        return None
    return answer["oif-name"], answer.get("gateway")


def agree(nets, rnd, number):
    """The data plane and plain Linux say the same about random destinations."""
    wrong, forwards = [], 0
    for _ in range(number):
        if nets and rnd.random() < 0.8:
            net = rnd.choice(nets)
            span = net.max_prefixlen - net.prefixlen
            dst = str(net.network_address + (rnd.getrandbits(span) if span else 0))
        else:
            dst = str(random_net(rnd, rnd.choice((4, 6))).network_address)
        answer = rig.lookup(dst, "from", A6 if ":" in dst else A4)
        want, got = linux_way(dst), router_way(answer)
        forwards += got is not None
        if want != got:
            wrong.append(f"{dst}: expected as plain Linux {want}, actual {got}: {answer}")
    if wrong:
        raise Failure("\n# ".join(wrong[:5]) + f"\n# {len(wrong)} of {number}")
    if forwards < number // 4:
        raise Failure(f"ways found: expected over {number // 4}, actual {forwards}")


def random_table():
    rnd = random.Random(20)
    number = 40 if SLOW else 120
    nets = list({random_net(rnd, f) for f in (4, 6) for _ in range(1000)})
    kinds = {n: rnd.choice(["blackhole", "unreachable"]) for n in nets
             if rnd.random() < 0.03}
    try:
        rig.r.batch([route_line("add", n, kinds.get(n)) for n in nets])
        rig.sync()
        show = rig.show()
        expect("at least as many routes as were made", True,
               show["routes4"] + show["routes6"] >= len(nets))
        agree(nets, rnd, number)

        # come and go, while the answers stay true to the prefix they name
        plain = [n for n in nets if n not in kinds]
        alive = set(plain)
        script = []
        for _ in range(2000 if SLOW else 8000):
            n = rnd.choice(plain)
            verb = "add" if n not in alive else rnd.choice(("del", "replace"))
            alive = alive - {n} if verb == "del" else alive | {n}
            script.append(route_line(verb, n))
        thread = threading.Thread(target=lambda: rig.r.batch(script))
        thread.start()
        asked = 0
        while thread.is_alive() and asked < number:
            dst = str(rnd.choice(plain).network_address)
            answer = rig.lookup(dst)
            asked += 1
            if "prefix" not in answer or "oif-name" not in answer:
                continue
            net = ipaddress.ip_network((answer["prefix"].split("/")[0],
                                        answer["prefix-len"]))
            if net.prefixlen == 0 or net in kinds:
                continue
            wire, gw = gateway(net)
            expect(f"way to {dst} by {net}, while routes come and go",
                   (f"r{wire}", gw), router_way(answer))
        thread.join()
        rig.sync()
        agree(sorted(alive, key=str), rnd, number)
    finally:
        flush_all()


def flush_all():
    where = "table 100" if rig.vrf else "table main"
    for v in ("-4", "-6"):
        run(f"ip {v} route flush {where} proto 99", False, ns=rig.r)
    rig.sync()


def overflow():
    """More changes at once than the router notes: it falls back to the stack,
    builds everything anew, and no packet goes astray."""
    if SLOW:
        raise Skip("70000 routes take too long in the emulated guest")
    total = 70000
    first = int(ipaddress.ip_address("100.64.0.0"))
    for at in range(0, total, 5000):
        rig.r.batch(f"route add {ipaddress.ip_address(first + at + i)}/32 via "
                    "10.0.2.2 proto 99" for i in range(5000))
    rig.ip(R("add", "198.51.100.0/24", 1))
    rig.sync()
    before = rig.show()
    if before["routes4"] < total:
        raise Failure(f"routes: expected over {total}, actual {before['routes4']}")
    try:
        with Traffic("198.51.100.9") as traffic:
            time.sleep(0.05)
            # all of them go in one event
            rig.r.set_up("r2", False)
            wait("another resync", lambda: rig.show()["resyncs"] > before["resyncs"])
            wait("active again", lambda: rig.show()["state"] == "active")
        traffic.check({1})
        after = rig.show()
        expect("resyncs", before["resyncs"] + 1, after["resyncs"])
        if after["routes4"] > 1000:
            raise Failure(f"routes left: expected few, actual {after['routes4']}")
        mirror = traffic.after["punt"]["mirror"] - traffic.before["punt"]["mirror"]
        print(f"# {traffic.sent} packets in the meantime, {mirror} of them punted "
              "because of the mirror")
        expect("way after it", 1, wire_of("198.51.100.9"))
        expect("way to a route that is gone", "no-route", wire_of("100.64.0.9", False))
    finally:
        rig.revive(2)
        flush_all()


def too_many_nexthops():
    """More ways than the tables can number: the stack forwards, routes come and go, and
    the router is back as soon as there are fewer."""
    if SLOW:
        raise Skip("33000 routes take too long in the emulated guest")
    rig.ip(R("add", "198.51.100.0/24", 1))
    rig.sync()
    try:
        many_nexthops(33000)
        wait("fallback", lambda: rig.show().get("fallback-reason") == "mirror")
        resyncs = rig.show()["resyncs"]
        # nobody can count then, so that nobody is refused
        run(f"vrctl set {rig.name} max-routes 5", ns=rig.r)
        rig.ip(R("add", "198.51.101.0/24", 2))
        for dst, wire in (("198.51.100.9", 1), ("198.51.101.9", 2), ("100.64.0.9", 2)):
            expect(f"wires of packets to {dst}", [wire],
                   [i for i, _ in rig.exchange([to0(own(dst))], 1)])
        wait("another try", lambda: rig.show()["resyncs"] > resyncs)
        expect("state", "fallback", rig.show()["state"])
        run(f"vrctl set {rig.name} max-routes 100000", ns=rig.r)
        rig.ip("route flush table main proto 99 root 100.64.0.0/10")
        wait("active again", lambda: rig.show()["state"] == "active")
        expect("ways", [1, 2], [wire_of("198.51.100.9"), wire_of("198.51.101.9")])
        # the flush may not be over for it: what is not applied yet counts
        rig.sync()
        now = rig.show()
        expect("routes as counted", now["routes4"] + now["routes6"], now["routes"])
        run(f"vrctl fib check {rig.name}", ns=rig.r)
    finally:
        run(f"vrctl set {rig.name} max-routes 0", ns=rig.r)
        flush_all()


def tests(vrf):
    where = "VRF" if vrf else "namespace"
    yield f"{where}: router", start(vrf)
    for f in (4, 6):
        yield f"{where}: IPv{f} longest prefix", longest(f)
        yield f"{where}: IPv{f} metrics", metrics(f)
        yield f"{where}: IPv{f} blackhole in between", between(f)
        yield f"{where}: IPv{f} nexthop objects", objects(f)
        yield f"{where}: IPv{f} neighbour with another MAC address", moves(f)
        yield f"{where}: IPv{f} neighbour deleted", forgets(f)
    yield f"{where}: IPv4 neighbour deleted, many nexthops", forgets_many
    yield f"{where}: IPv4 via IPv6", via6
    yield f"{where}: by TOS", tos4
    yield f"{where}: by source", by_source6
    yield f"{where}: IPv6 routes of one metric", one_metric6
    yield f"{where}: IPv6 routes that expire", expires6
    yield f"{where}: IPv6 paths one by one", append6
    yield f"{where}: IPv6 paths of different MTUs", mtus6
    yield f"{where}: IPv6 paths that are taken back", taken_back6
    yield f"{where}: IPv6 paths deleted by a device", by_device6
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
    for f in (4, 6):
        for kind in ("replace", "more specific", "metric", "nexthop"):
            yield f"{where}: IPv{f} under traffic, {kind}", churn(f, kind)
    if not vrf:
        yield f"{where}: rules", rules
    yield f"{where}: random table against plain Linux", random_table
    if not vrf:
        yield f"{where}: overflow of the mirror", overflow
        yield f"{where}: more nexthops than there are numbers", too_many_nexthops


if __name__ == "__main__":
    main(list(tests(False)))
