#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""`ip route` marks the routes whose packets the data plane takes (rt_offload), and only
these, whatever changes: the routes, the router, its ports, nexthop objects."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from vrtest import expect, main, run, wait  # noqa: E402
from ways import rig  # noqa: E402

VIA = {4: {1: "10.0.1.2", 2: "10.0.2.2"}, 6: {1: "2001:db8:1::2", 2: "2001:db8:2::2"}}
ONE = {4: "198.51.100.0/24", 6: "2001:db8:ff::/64"}
TWO = {4: "198.51.101.0/24", 6: "2001:db8:fe::/64"}


def flags(family):
    """Of each of the tests' routes, whether it is marked."""
    found = {}
    show = "vrf red" if rig.vrf else "table main"
    name = None
    for line in run(f"ip -{family} route show {show}", ns=rig.r).splitlines():
        words = line.split()
        # the paths of a route are indented below it
        if not line[0].isspace():
            name = words[1] if words[0] == "blackhole" else words[0]
        if name in (ONE[family], TWO[family]):
            found[name] = found.get(name, False) or "rt_offload" in words
    return found


def steps(family, todo):
    """Each: what to do, and which routes are marked then."""
    try:
        for act, one, two in todo:
            rig.ip(*([act] if isinstance(act, str) else act))
            rig.sync()
            want = {ONE[family]: one, TWO[family]: two}
            expect(f"rt_offload after {act}", {k: v for k, v in want.items() if v is not None},
                   flags(family))
    finally:
        run(f"ip -{family} route flush {'table 100' if rig.vrf else 'table main'} proto 99",
            False, ns=rig.r)
        for n in (20, 11, 12):
            run(f"ip nexthop del id {n}", False, ns=rig.r)
        rig.sync()


def route(family, verb, dst, how):
    return f"-{family} route {verb} {{T}} {dst} {how} proto 99"


def replaced(family):
    def test():
        gw = f"via {VIA[family][1]}"
        steps(family, [
            ([route(family, "add", ONE[family], gw),
              route(family, "add", "blackhole " + TWO[family], "")], True, False),
            ([route(family, "replace", "blackhole " + ONE[family], ""),
              route(family, "replace", TWO[family], gw)], False, True)])
    return test


def router(family):
    """The router goes down, and up."""
    def test():
        try:
            rig.ip(route(family, "add", ONE[family], f"via {VIA[family][1]}"),
               route(family, "add", "blackhole " + TWO[family], ""))
            rig.sync()
            up = {ONE[family]: True, TWO[family]: False}
            expect("rt_offload", up, flags(family))
            rig.down()
            wait("no rt_offload with the router down",
                 lambda: flags(family) == dict.fromkeys(up, False))
            rig.up()
            wait("rt_offload with the router up", lambda: flags(family) == up)
        finally:
            steps(family, [])
    return test


def metrics(family):
    """Of each route of the first prefix, by its metric, whether it is marked."""
    table = "vrf red" if rig.vrf else "table main"
    lines = run(f"ip -{family} route show {table} {ONE[family]}", ns=rig.r).splitlines()
    words = [line.split() for line in lines if not line[0].isspace()]
    return {int(w[w.index("metric") + 1]): "rt_offload" in w for w in words}


def displaced(family):
    """Of the routes of a prefix, only one is used, or none."""
    def add(metric, how=f"via {VIA[family][1]}"):
        return f"-{family} route add {{T}} {ONE[family]} metric {metric} proto 99 {how}"

    both = " ".join(f"nexthop via {v}" for v in VIA[family].values())
    todo = [([add(300)], 300), ([add(200, f"via {VIA[family][2]}")], 200),
            ([add(190), add(180), add(170)], 170),
            ([f"-{family} route del {{T}} {ONE[family]} metric 170"], 180),
            ([add(100, both)], 100), ([add(90)], 90)]
    if family == 4:
        todo += [([add(95, f"tos 0x10 via {VIA[4][1]}")], None)]
    else:
        todo += [([f"-6 route del {{T}} {ONE[6]} metric 90"], 100),
                 ([route(6, "append", ONE[6], f"metric 100 via {VIA[6][1]}0 mtu 1300")], None),
                 ([add(80, "dev r1")], 80)]

    def test():
        try:
            for lines, used in todo:
                rig.ip(*lines)
                rig.sync()
                now = metrics(family)
                expect(f"rt_offload after {lines}", {m: m == used for m in now}, now)
            rig.down()
            wait("no rt_offload with the router down",
                 lambda: not any(metrics(family).values()))
            rig.up()
            wait("rt_offload with the router up", lambda: metrics(family) == now)
        finally:
            steps(family, [])
    return test


def objects(family):
    """What routes lead over changes, and none of them is announced. Both routes over an
    object, over a group with it, and one over something else meanwhile."""
    def test():
        via = f"via {VIA[family][1]} dev r1"
        gone = f"-{family} nexthop replace id 11 blackhole"
        by = [route(family, "add", ONE[family], "nhid 11"),
              route(family, "add", TWO[family], "nhid 11")]
        steps(family, [
            ([f"nexthop add id 11 {via}", *by], True, True),
            (gone, False, False),
            (f"nexthop replace id 11 {via}", True, True),
            ([f"nexthop add id 12 via {VIA[family][2]} dev r2",
              route(family, "replace", ONE[family], "nhid 12"), gone], True, False),
            ([f"nexthop replace id 11 {via}", "nexthop add id 20 group 11",
              route(family, "replace", ONE[family], "nhid 20")], True, True),
            (f"-{family} nexthop replace id 12 blackhole", True, True),
            ("nexthop replace id 20 group 12", False, True),
            ("nexthop replace id 20 group 11", True, True),
            # in the group alone
            (route(family, "replace", TWO[family], "nhid 20"), True, True),
            (gone, False, False)])
    return test


def ports():
    """A route has another path as well, so that it stays when the port goes down."""
    vrf = ["link set x1 master red", "link set dm master red"] if rig.vrf else []
    rig.nic.batch([f"link add link eth1 name x1 netns {rig.r.name} type vrport"])
    try:
        rig.r.batch(["link add dm type dummy", *vrf, "addr add 10.9.1.1/24 dev x1",
                     "addr add 10.9.2.1/24 dev dm", "link set x1 up", "link set dm up"])
        paths = "nexthop via 10.9.1.2 dev x1 nexthop via 10.9.2.2 dev dm"
        steps(4, [
            ([route(4, "add", ONE[4], "via 10.9.1.2 dev x1"),
              f"route add {{T}} {TWO[4]} proto 99 {paths}"], True, True),
            ("link set x1 down", None, False),
            ("link set x1 up", None, True)])
    finally:
        rig.r.batch(["link del x1", "link del dm"], force=True)


def tests(vrf):
    where = "VRF" if vrf else "namespace"
    yield f"{where}: router", rig.start(vrf)
    for f in (4, 6):
        yield f"{where}: IPv{f} routes replaced", replaced(f)
        yield f"{where}: IPv{f} router down and up", router(f)
        yield f"{where}: IPv{f} nexthop objects", objects(f)
        yield f"{where}: IPv{f} routes of one prefix", displaced(f)
    yield f"{where}: port of one of several paths", ports


if __name__ == "__main__":
    main([*tests(False), *tests(True)])
