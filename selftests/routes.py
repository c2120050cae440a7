#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Routes come, change and go; the router follows each of them as plain Linux does."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from vrtest import Failure, expect, forwarded, frame, main, packet, run, wait  # noqa: E402
from ways import (ANY, R, VIA, follows, many_nexthops, own, rig,  # noqa: E402
                  to0, wire_of)


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


def was_own():
    """A gateway that was the router's own address when the route was made: Linux sends to
    the destination itself, and goes on when the address is a neighbour's."""
    p, dst = "198.51.100.0/24", "198.51.100.9"
    take = ["addr del 10.0.1.9/32 dev r1",
            "neigh replace 10.0.1.9 lladdr 02:00:00:00:00:99 dev r1 nud permanent"]
    give = ["neigh del 10.0.1.9 dev r1", "addr add 10.0.1.9/32 dev r1"]
    # else the stack asks who that is, into the next tests
    rig.ip(give[1], f"neigh add {dst} lladdr {rig.hmac[1]} dev r1 nud permanent")
    try:
        follows([
            ([f"route add {{T}} {p} via 10.0.1.9 dev r1 proto 99"] + take,
             {dst: "route-unsupported"}),
            ([R("replace", p, 1)], {dst: 1}),
            (give + ["nexthop add id 9 via 10.0.1.9 dev r1",
                     f"route replace {{T}} {p} nhid 9 proto 99"] + take,
             {dst: "route-unsupported"}),
            ([R("replace", p, 1), "nexthop del id 9"], {dst: 1})])
    finally:
        rig.ip("neigh del 10.0.1.9 dev r1", f"neigh del {dst} dev r1")


def locked_mtu():
    """A lock without an MTU: behind a gateway that is 576 bytes."""
    p, dst = "198.51.100.0/24", "198.51.100.9"
    follows([
        ([R("add", p, 1, "mtu lock 0")], {dst: "route-unsupported"}),
        ([R("replace", p, 1, "mtu lock 1400")], {dst: 1}),
        ([R("replace", p, 1)], {dst: 1})])


def local6():
    """A prefix of several paths in the table of local addresses loses one of them."""
    p, dst = "2001:db8:ff::/64", "2001:db8:ff::9"
    paths = [f"via {VIA[i][1]} dev r{i}" for i in (1, 2)]
    follows([
        ([R("add", p, 1), f"-6 route add table local {p} nexthop {paths[0]} nexthop {paths[1]}"],
         {dst: "local"}),
        ([f"-6 route del table local {p} {paths[0]}"], {dst: "local"}),
        ([f"-6 route del table local {p} {paths[1]}"], {dst: 1})])


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
        rig.flush_routes()
    rig.ip(R("add", ANY[4], 1))
    rig.sync()
    expect("way, once it is back", 1, wire_of(dst))
    rig.flush_routes()


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
            rig.flush_routes()
    finally:
        rig.flush_routes()
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
            rig.ip(f"-6 route add {{T}} {p} {way} metric 10 expires 3600 proto 99",
                   R("add", p, 2, "metric 20"))
            rig.sync()
            expect(f"{way} in time", want, wire_of(dst, want == 1))
            run(f"vrctl fib check {rig.name}", ns=rig.r)
            rig.ip(f"-6 route del {{T}} {p} {way} metric 10",
                   f"-6 route add {{T}} {p} {way} metric 10 expires 1 proto 99")
            rig.sync()
            time.sleep(2)
            fast, slow, _ = as_linux(0, dst)
            expect(f"wires of {way}, expired, plain Linux", [2], slow)
            expect(f"wires of {way}, expired", slow, fast)
            rig.flush_routes()
    finally:
        rig.flush_routes()
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


def rules():
    """A rule comes: the stack decides. It goes: the router does again."""
    try:
        rig.ip(R("add", "198.51.100.0/24", 1), R("add", "2001:db8:ff::/64", 1))
        rig.sync()
        for dst, f, src in (("198.51.100.9", "", "10.0.0.0/24"),
                            ("2001:db8:ff::9", "-6 ", "2001:db8:0::/64")):
            expect("way without a rule", 1, wire_of(dst))
            other = "198.51.100.9" if f else "2001:db8:ff::9"
            rig.ip(f"{f}route add default via {VIA[2][':' in dst]} dev r2 table 300",
               f"{f}rule add from {src} lookup 300 pref 500")
            got = rig.exchange([to0(own(dst))])
            expect("way with a rule", [2], [i for i, _ in got])
            expect("reason with a rule", "rules", wire_of(dst, False))
            state = rig.show()
            expect("state with a rule", ("fallback", "rules"),
                   (state["state"], state.get("fallback-reason")))
            expect("way of the other address family", 1, wire_of(other))
            rig.ip(f"{f}rule del pref 500", f"{f}route flush table 300")
            wait("no rules", lambda: rig.show()["state"] == "active")
            expect("way without the rule", 1, wire_of(dst))
    finally:
        rig.ip(R("del", "198.51.100.0/24"), R("del", "2001:db8:ff::/64"))
        rig.sync()


def tests(vrf):
    where = "VRF" if vrf else "namespace"
    yield f"{where}: router", rig.start(vrf)
    for f in (4, 6):
        yield f"{where}: IPv{f} longest prefix", longest(f)
        yield f"{where}: IPv{f} metrics", metrics(f)
        yield f"{where}: IPv{f} blackhole in between", between(f)
        yield f"{where}: IPv{f} nexthop objects", objects(f)
        yield f"{where}: IPv{f} neighbour with another MAC address", moves(f)
        yield f"{where}: IPv{f} neighbour deleted", forgets(f)
    yield f"{where}: IPv4 neighbour deleted, many nexthops", forgets_many
    yield f"{where}: IPv4 via IPv6", via6
    yield f"{where}: IPv4 gateway that was its own", was_own
    yield f"{where}: IPv4 MTU that is locked", locked_mtu
    yield f"{where}: by TOS", tos4
    yield f"{where}: by source", by_source6
    yield f"{where}: IPv6 routes of one metric", one_metric6
    yield f"{where}: IPv6 routes that expire", expires6
    if not vrf:
        yield f"{where}: IPv6 paths of a local prefix", local6
        yield f"{where}: rules", rules


if __name__ == "__main__":
    main(list(tests(False)))
