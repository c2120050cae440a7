#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Routers are made, used in all ways, and deleted: the kernel's leak detector finds
nothing that is left of them.

Numbers of invariants are those of the project's list of risks.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from faults import KMEMLEAK, leaks, need, watch_leaks  # noqa: E402
from vrtest import Rig, expect, frame, main, packet, run  # noqa: E402

ROUTES = ["route {verb} {T} 198.51.100.0/24 via 10.0.1.2",
          "route {verb} {T} 198.51.101.0/24 nexthop via 10.0.1.2 nexthop via 10.0.2.2",
          "route {verb} {T} blackhole 198.51.102.0/24",
          "route {verb} {T} 2001:db8:ff::/64 via 2001:db8:1::2",
          "route {verb} {T} 2001:db8:fe::/64 nexthop via 2001:db8:1::2 nexthop via "
          "2001:db8:2::2",
          "route {verb} {T} 198.51.103.0/24 nhid 7"]


def packets():
    """Some to forward, some for the stack, some for nobody."""
    for last in ("100.1", "101.1", "101.2", "102.1", "103.1"):
        yield packet("10.0.0.2", "198.51." + last)
    for dst in ("2001:db8:ff::1", "2001:db8:fe::1", "2001:db8:0::1", "ff02::1"):
        yield packet("2001:db8:0::2", dst)
    yield packet("10.0.0.2", "198.51.100.1", ttl=1)
    yield packet("10.0.0.2", "10.0.0.1")
    yield packet("10.0.0.2", "198.51.100.1", b"x" * 1400)


def life(**kw):
    """One router from its beginning to its end."""
    rig = Rig(3, **kw)
    rig.r.batch(["nexthop add id 7 via 10.0.1.2 dev r1"])
    rig.r.batch([r.format(verb="add", T=rig.table) for r in ROUTES])
    rig.sync()
    run("tc qdisc replace dev eth1 root vrouter", ns=rig.nic)
    run("vrctl set vr0 weight 3 max-routes 1000 limit-packets 50", ns=rig.r)
    for to in (rig.pmac[0], "ff:ff:ff:ff:ff:ff", "02:00:00:00:00:99"):
        rig.exchange([(0, frame(to, rig.hmac[0], p, rig.vlan.get(0))) for p in packets()],
                     rx=0)
    if not rig.counters()["forwarded-packets"]:
        expect("packets forwarded", "some", "none")
    rig.nic.batch(["link set eth2 mtu 1400", "link set eth2 down"])
    rig.r.batch([r.format(verb="replace", T=rig.table) for r in ROUTES[:2]])
    rig.r.batch(["link set r0 address 02:00:00:00:00:44", "link set r0 promisc on",
                 "link set r1 down"])
    rig.r.batch([ROUTES[3].format(verb="del", T=rig.table)], force=True)
    rig.down()
    rig.up()
    run("tc qdisc del dev eth1 root", ns=rig.nic)
    rig.gone()
    for ns in (rig.nic, rig.h):
        run(f"ip netns del {ns.name}")


# invariants 1 and 3: what was there before is there after
def t_lives():
    watch_leaks()
    for kw in ({}, {"vrf": True}, {"vlan": {0: 5, 1: 6}}):
        life(**kw)


need("no kmemleak here", KMEMLEAK)
main([("routers live and go", t_lives), ("nothing leaks", leaks)])
