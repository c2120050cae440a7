#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Each allocation of each request fails once: the request is refused, and nothing has
changed, or it is done. Other routers forward meanwhile.

Numbers of invariants are those of the project's list of risks.
"""
import errno
import gc
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import nl  # noqa: E402
import rtnl  # noqa: E402
from faults import (NEVER, PROBE, STATE_ACTIVE, STATE_DOWN, Socket, World, clean,  # noqa: E402
                    leaks, need_faults, passes, request)
from nl import CREATE, NEW, REPLACE, attr, u16, u64  # noqa: E402
from rtnl import (address, family_of, link, multipath, neighbour, nexthop, packed,  # noqa: E402
                  route, via)
from state import State, difference  # noqa: E402
from vrtest import Failure, Rig, expect, mac, main, wait  # noqa: E402

FAR4, FAR6 = "198.51.100.0", "2001:db8:ff::"


class Worlds(World):
    """The router that faults befall, another one that is to forward meanwhile, and a
    namespace with NICs for links that come and go."""

    settled_states = STATE_ACTIVE, STATE_DOWN

    def make(self):
        if self.rig:
            return
        super().make()
        self.h = Socket(self.rig.h)
        self.state = State((self.rig.nic, self.rig.r, self.rig.h))

    def setup(self):
        self.other = Rig(2, tag=1, name="vr1")
        # what is told of changes needs memory, if somebody listens
        self.ears = [nl.Socket(nl.GENERIC, ns) for ns in (self.rig.nic, self.rig.r, self.rig.h)]
        for ear in self.ears:
            ear.sock.setsockopt(nl.SOL_NETLINK, nl.MEMBER, ear.family()[1]["changes"])
        self.rig.nic.batch(["link add red type vrf table 100", "link set red up",
                            "link add c0 type vrouter",
                            "link add d0 type dummy", "link add br0 type bridge",
                            # with a veth, the kernel forgets that it has no queue once the
                            # default qdisc finds no memory
                            "link add i0 type ifb", "link set i0 up", "link add c1 link eth2 "
                            "address 02:00:00:00:00:78 type vrport"] +
                           # what is up for the first time gets a qdisc
                           [f"link set {name} {how}" for name in ("c0", "c1")
                            for how in ("up", "down")])

    def others_forward(self):
        for addresses in (("10.0.0.2", "10.0.1.2"), ("2001:db8:0::2", "2001:db8:1::2")):
            passes(self.other, "packet of the other router", addresses, [1])


WORLD = Worlds()


class Request:
    """A request that is tried with each allocation failing in turn.

    prepare: what is done before each time; undo: and after it was done; wires: where
    probes come out by the route that is made; loose: the kernel does its best with the
    rest of the state; errors: what it may say beyond that memory is short; route: what
    the kernel makes of what was prepared, when it has time.
    """

    def __init__(self, sock, msg, undo=(), prepare=(), wires=None, loose=False,
                 errors=(), route=None):
        self.sock, self.msg, self.undo, self.prepare = sock, msg, undo, prepare
        self.wires, self.loose, self.errors = wires, loose, errors
        self.route = route and packed(route).hex()

    def sure(self, steps):
        for sock, msg in steps:
            outcome = sock.attempt(msg)
            expect("a request without faults", ("done", 0), outcome)

    def begin(self):
        self.sure(self.prepare)
        if self.route:
            # a prefix of that address may be there before
            wait("what was prepared", lambda: any(
                k[1] == "route" and k[2][1] == 128 and k[3] == self.route
                for k in WORLD.state.read()))
        return WORLD.state.read()

    def check_probe(self, now):
        """Packets go where the routes lead; as soon as they are changed, still as before
        at worst."""
        if self.wires:
            WORLD.probe([2] + self.wires, [2] + self.wires)
        WORLD.settled()
        if self.wires:
            there = {k[3] for k in now if k[1] == "route"}
            WORLD.probe(*(self.wires if packed(far).hex() in there else [2]
                          for far in (FAR4, FAR6)))

    def keys(self, state):
        """What is to be there after it was done."""
        if self.loose:
            return {k for k in state if k[0] == "genl" or k[1] in ("link", "address")}
        return set(state)

    def once(self, n, reference):
        """One try. Return the allocations left, and the state that it led to."""
        before = self.begin()
        left, outcome = WORLD.faults.attempt(n, lambda: self.sock.attempt(self.msg))
        if outcome[1] not in self.errors:
            clean(outcome, f"allocation {n} fails")
        now = WORLD.state.read()
        wrong = difference(before, now)
        if outcome[0] == "refused" and wrong:
            raise Failure(f"allocation {n} fails, errno {outcome[1]}, and yet: {wrong}")
        if outcome[0] == "refused" and left:
            raise Failure(f"no allocation fails, and yet errno {outcome[1]}")
        self.check_probe(now)
        if wrong or outcome[0] == "done":
            if reference is not None and self.keys(now) != self.keys(reference):
                raise Failure(f"allocation {n} fails, {outcome}: expected all of it, actual "
                              f"without {self.keys(reference) - self.keys(now)}, and with "
                              f"{self.keys(now) - self.keys(reference)}")
            self.sure(self.undo)
        elif self.prepare:
            # what was to go is still there
            self.sure([(self.sock, self.msg)])
            self.sure(self.undo)
        return left, now

    def sweep(self):
        """All allocations, one after the other."""
        gc.disable()
        first = WORLD.state.read()
        left, reference = self.once(NEVER, None)
        total, n = NEVER - left, 0
        # it takes a few more or less each time
        while not left or n <= total:
            n += 1
            left, _ = self.once(n, reference)
            if n > 2 * total + 50:
                raise Failure(f"allocations: expected some {total}, actual more than {n}")
            if n % 8 == 0:
                WORLD.others_forward()
        WORLD.others_forward()
        WORLD.settled()
        wrong = difference(first, WORLD.state.read())
        if wrong:
            raise Failure(f"after all: {wrong}")
        print(f"# {n} tries, {total} allocations")
        gc.enable()


    def sweep_two(self):
        """All pairs of allocations that follow each other, or so; none is smaller that is
        tried twice."""
        WORLD.make()
        first, step = WORLD.state.read(), 512
        left, outcome = WORLD.faults.attempt_two(NEVER, lambda: self.sock.attempt(self.msg))
        expect("a request without faults", ("done", 0), outcome)
        self.sure(self.undo)
        total = NEVER - left
        for space in range(0, total + step, step):
            before = WORLD.state.read()
            left, outcome = WORLD.faults.attempt_two(space, lambda: self.sock.attempt(self.msg))
            if outcome[1] not in self.errors:
                clean(outcome, f"two allocations fail after {space} bytes")
            wrong = difference(before, WORLD.state.read())
            if outcome[0] == "refused" and wrong:
                raise Failure(f"two allocations fail after {space} bytes, errno {outcome[1]}, "
                              f"and yet: {wrong}")
            if wrong or outcome[0] == "done":
                self.sure(self.undo)
        wrong = difference(first, WORLD.state.read())
        if wrong:
            raise Failure(f"after all: {wrong}")
        print(f"# {total} bytes")


def each(*requests):
    """A test of requests, which are made when there is a world."""
    def test():
        WORLD.make()
        for make in requests:
            make().sweep()
    return test


# ---- links -------------------------------------------------------------------------

MAC = mac("02:00:00:00:00:77")
# the kernel's answer for a device that got no name in sysfs
NAMELESS = {errno.EINVAL}


def add_port(more=b"", data=b"", nic="eth0"):
    body = link("f0", "vrport", data, more=attr(5, WORLD.nic[nic]) + attr(1, MAC) + more)
    return request(rtnl.NEWLINK, body, NEW)


def add_router(name="f1", more=b"", data=b""):
    return request(rtnl.NEWLINK, link(name, "vrouter", data, more=more), NEW)


def del_link(name):
    return request(rtnl.DELLINK, link(name))


def set_link(index, flags=0, change=0, more=b""):
    return request(rtnl.NEWLINK, link(index=index, flags=flags, change=change, more=more))


def port_new(more=lambda: b"", data=b"", where=lambda: WORLD.n, nic="eth0"):
    return lambda: Request(WORLD.n, add_port(more(), data, nic), [(where(), del_link("f0"))],
                           errors=NAMELESS)


def t_first_port():
    """A NIC without other ports is free again afterwards."""
    each(port_new(nic="d0"))()
    WORLD.rig.nic.batch(["link set d0 master br0", "link set d0 nomaster"])


def t_full_table():
    """The table of all ports has no room, and has to grow: it holds 64 by themselves."""
    WORLD.make()
    _, there = WORLD.genl.collect(
        WORLD.family.message(nl.PORT_GET, attr(13, b""), nl.DUMP | nl.ACK))
    rig = WORLD.rig
    some = [f"x{i}" for i in range(len(there), 63)]
    rig.nic.batch(["link add x0 type dummy"] +
                  [f"link add {name} link x0 netns {rig.h.name} type vrport" for name in some])
    port_new()().sweep_two()
    rig.nic.batch(["link del x0"])


def port_del():
    return Request(WORLD.n, del_link("f0"), prepare=[(WORLD.n, add_port())])


def router_new(more=lambda: b"", data=b""):
    def make():
        sock = WORLD.n if more() else WORLD.h
        return Request(sock, add_router(more=more(), data=data), [(sock, del_link("f1"))],
                       errors=NAMELESS)
    return make


def t_shares():
    """Numbers of shares of links go on and on, and each 64th needs memory. Without, the
    kernel takes a low number that is free again."""
    WORLD.make()
    for _ in range(64):
        for msg in (add_router(), del_link("f1")):
            expect("a request without faults", ("done", 0), WORLD.h.attempt(msg))
    router_new()().sweep_two()


def router_del():
    return Request(WORLD.n, del_link("f1"), prepare=[
        (WORLD.n, add_router(more=attr(10, WORLD.nic["red"])))])


def in_tenant():
    return attr(28, WORLD.rig.r.fd)


def in_vrf():
    return attr(10, WORLD.nic["red"])


def updown(space, name, up):
    """Set a device up, or down."""
    def make():
        sock, index = (WORLD.n, WORLD.nic[name]) if space == "n" else \
            (WORLD.r, WORLD.dev[name])
        yes, no = set_link(index, rtnl.IFF_UP, rtnl.IFF_UP), set_link(index, 0, rtnl.IFF_UP)
        if up:
            return Request(sock, yes, [(sock, no)], loose=True)
        return Request(sock, no, prepare=[(sock, yes)], loose=True)
    return make


def an_address_more(name):
    """An address that `bridge fdb add` gives to a port."""
    return struct.pack("=BxxxiHBB", socket.AF_BRIDGE, WORLD.nic[name], rtnl.NUD_PERMANENT, 2,
                       0) + attr(2, mac("02:00:00:00:00:79"))


def fdb(up):
    """An address comes to a port that is up, or the port goes down with it."""
    def make():
        # it may be there, where only the answer was lost
        new, old = (request(kind, an_address_more("c1"), flags) for kind, flags in
                    ((rtnl.NEWNEIGH, CREATE), (rtnl.DELNEIGH, 0)))
        yes, no = (set_link(WORLD.nic["c1"], flags, rtnl.IFF_UP)
                   for flags in (rtnl.IFF_UP, 0))
        prepare = [(WORLD.n, yes)]
        if up:
            return Request(WORLD.n, new, [(WORLD.n, old), (WORLD.n, no)], prepare, loose=True)
        return Request(WORLD.n, no, [(WORLD.n, old)], prepare + [(WORLD.n, new)], loose=True)
    return make


def restart(up):
    """The router that packets go through: by the stack when it is down."""
    def make():
        index = WORLD.dev["vr0"]
        yes, no = set_link(index, rtnl.IFF_UP, rtnl.IFF_UP), set_link(index, 0, rtnl.IFF_UP)
        steps = [(WORLD.r, no)], [(WORLD.r, yes)]
        return Request(WORLD.r, yes if up else no, prepare=steps[not up],
                       undo=steps[1], wires=[2])
    return make


def enslave(name, up):
    def make():
        index = WORLD.nic[name]
        free = set_link(index, 0, rtnl.IFF_UP, attr(10, 0))
        prepare = [(WORLD.n, set_link(index, rtnl.IFF_UP, rtnl.IFF_UP))] if up else []
        return Request(WORLD.n, set_link(index, more=attr(10, WORLD.nic["red"])),
                       [(WORLD.n, free)], prepare, loose=True)
    return make


def setting(name, more, back):
    """A setting of a link that is up."""
    def make():
        index = WORLD.nic[name]
        return Request(WORLD.n, set_link(index, more=more),
                       [(WORLD.n, set_link(index, 0, rtnl.IFF_UP, back))],
                       [(WORLD.n, set_link(index, rtnl.IFF_UP, rtnl.IFF_UP))])
    return make


# ---- addresses, neighbours, routes ---------------------------------------------------

def both(kind_new, kind_del, body, wires=None, loose=False, name=None, route=None):
    """A thing is made, and a thing is deleted. name: what is told to delete it."""
    name = name or body

    def new():
        return Request(WORLD.r, request(kind_new, body(), NEW),
                       [(WORLD.r, request(kind_del, name()))], wires=wires,
                       loose=loose)

    def delete():
        return Request(WORLD.r, request(kind_del, name()),
                       prepare=[(WORLD.r, request(kind_new, body(), NEW))],
                       wires=wires, loose=loose, route=route)
    return new, delete


def an_address(text_):
    return lambda: address(WORLD.dev["r0"], text_, 8 * len(packed(text_)) - 8)


def addresses(text_, route_=None):
    # the kernel does its best with the routes of an address
    return both(rtnl.NEWADDR, rtnl.DELADDR, an_address(text_), loose=True, route=route_)


def a_neighbour(text_):
    return lambda: neighbour(WORLD.dev["r0"], text_, MAC)


def by_gateway(dst, plen, gateway):
    return lambda: route(dst, plen, 254, via(gateway, WORLD.dev["r1"]))


def by_paths(dst, plen, one, two):
    return lambda: route(dst, plen, 254, multipath([(one, WORLD.dev["r1"], 1),
                                                    (two, WORLD.dev["r2"], 1)]))


def by_object(dst, plen, number):
    return lambda: route(dst, plen, 254, attr(30, number))


def nexthops(gateway):
    raw = packed(gateway)
    family = family_of(raw)
    return both(rtnl.NEWNEXTHOP, rtnl.DELNEXTHOP, name=lambda: nexthop(99, family),
                body=lambda: nexthop(99, family, attr(6, raw) + attr(5, WORLD.dev["r1"])))


def routes(body, wires):
    return both(rtnl.NEWROUTE, rtnl.DELROUTE, body, wires)


# ---- our own family, and the qdisc ------------------------------------------------------

def setting_of_router(number, value, back):
    def make():
        def msg(v):
            return WORLD.family.message(nl.ROUTER_SET, attr(2, "vr0") + attr(number, v))
        return Request(WORLD.genl, msg(value), [(WORLD.genl, msg(back))])
    return make


def in_turn(act):
    """act(socket), with each of its allocations failing in turn, and then none:
    (number, whether it failed, what came of it)"""
    WORLD.make()
    n, left = 0, 0
    while not left:
        n += 1
        with Socket(WORLD.rig.r, nl.GENERIC) as sock:
            left, outcome = WORLD.faults.attempt(n, lambda: act(sock))
        clean(outcome, f"allocation {n} fails")
        yield n, not left, outcome


def dump_all(cmd, body, stable=True):
    """A dump gives all of it, or an error."""
    WORLD.make()
    msg = WORLD.family.message(cmd, body, nl.DUMP)
    with Socket(WORLD.rig.r, nl.GENERIC) as sock:
        _, want = sock.collect(msg)
    n = 0
    for n, failed, (how, got) in in_turn(lambda sock: sock.collect(msg)):
        if how == "done" and (len(got) != len(want) or stable and got != want):
            raise Failure(f"allocation {n} fails: expected {len(want)} messages, "
                          f"actual {len(got)}")
        if how != "done" and not failed:
            raise Failure(f"no allocation fails, and yet errno {got}")
    print(f"# {n} tries, {len(want)} messages")


def ask_one(cmd, body):
    """A question is answered, or refused."""
    WORLD.make()
    msg = WORLD.family.message(cmd, body, 0)
    n = 0
    for n, failed, (how, _) in in_turn(lambda sock: sock.attempt(msg)):
        if not failed:
            expect("an answer without faults", "done", how)
    print(f"# {n} tries")


def t_questions():
    ask_one(nl.ROUTER_GET, attr(2, "vr0"))
    ask_one(nl.PORT_GET, attr(2, "r0"))
    ask_one(nl.FIB_GET, attr(2, "vr0") + attr(4, packed(PROBE[4][1])))
    ask_one(nl.FIB_GET, attr(2, "vr0") + attr(4, packed(PROBE[6][1])))
    ask_one(nl.ROUTE_GET, attr(2, "vr0") + attr(5, packed(FAR4)) + attr(6, 24))
    ask_one(nl.FIB_STATS, attr(2, "vr0"))
    WORLD.others_forward()


def t_dumps():
    dump_all(nl.ROUTER_GET, b"", False)
    dump_all(nl.ROUTER_GET, attr(20, b""), False)
    dump_all(nl.PORT_GET, b"")
    dump_all(nl.ROUTE_GET, attr(2, "vr0"))
    WORLD.others_forward()


def t_verify():
    """Whoever checks the tables needs memory of his own."""
    ask_one(nl.FIB_STATS, attr(2, "vr0") + attr(4, b""))


def qdisc(kind, flags=0, options=b""):
    return request(kind, rtnl.qdisc(WORLD.nic["i0"], handle=0x80010000, kind="vrouter",
                                    options=options), flags)


def qdisc_new(options=b""):
    return lambda: Request(WORLD.n, qdisc(rtnl.NEWQDISC, CREATE | REPLACE, options),
                           [(WORLD.n, qdisc(rtnl.DELQDISC))])


def qdisc_change():
    return Request(WORLD.n, qdisc(rtnl.NEWQDISC, 0, attr(2, u64(125000)) +
                                  attr(3, 77)),
                   prepare=[(WORLD.n, qdisc(rtnl.NEWQDISC, CREATE | REPLACE))],
                   undo=[(WORLD.n, qdisc(rtnl.DELQDISC))])


def qdisc_del():
    return Request(WORLD.n, qdisc(rtnl.DELQDISC), prepare=[
        (WORLD.n, qdisc(rtnl.NEWQDISC, CREATE | REPLACE))])


BANDWIDTH = attr(2, u64(125000000))

# invariant 8: each allocation fails once; invariant 10: and nobody reads what is not there
TESTS = [
    ("port: create", each(port_new())),
    ("port: create the first of a NIC", t_first_port),
    ("port: create with a VLAN", each(port_new(data=attr(1, u16(7))))),
    ("port: create in another namespace",
     each(port_new(in_tenant, where=lambda: WORLD.r))),
    ("port: create the 64th", t_full_table),
    ("port: delete", each(port_del)),
    ("port: up and down", each(updown("n", "c1", True), updown("n", "c1", False))),
    ("port: another address comes, and the port goes down with it",
     each(fdb(True), fdb(False))),
    ("port: MAC address and MTU",
     each(setting("c1", attr(1, MAC), attr(1, mac("02:00:00:00:00:78"))),
          setting("c1", attr(4, 1400), attr(4, 1500)))),
    ("router: create", each(router_new(), router_new(in_vrf, attr(1, 9)))),
    ("router: create, with a number far from others", t_shares),
    ("router: delete", each(router_del)),
    ("router: up and down", each(updown("n", "c0", True), updown("n", "c0", False))),
    ("router with ports and packets: up and down", each(restart(True), restart(False))),
    ("enslave a router", each(enslave("c0", False), enslave("c0", True))),
    ("enslave a port", each(enslave("c1", True))),
    ("address: IPv4", each(*addresses("10.9.0.1"))),
    # IPv6 makes the last route of an address, that of its routers, later
    ("address: IPv6", each(*addresses("2001:db8:9::1", "2001:db8:9::"))),
    ("neighbour: IPv4",
     each(*both(rtnl.NEWNEIGH, rtnl.DELNEIGH, a_neighbour("10.0.0.9")))),
    ("neighbour: IPv6",
     each(*both(rtnl.NEWNEIGH, rtnl.DELNEIGH, a_neighbour("2001:db8:0::9")))),
    ("nexthop object: IPv4", each(*nexthops("10.0.1.2"))),
    ("nexthop object: IPv6", each(*nexthops("2001:db8:1::2"))),
    ("route: IPv4", each(*routes(by_gateway(FAR4, 24, "10.0.1.2"), [1]))),
    ("route: IPv6", each(*routes(by_gateway(FAR6, 64, "2001:db8:1::2"), [1]))),
    ("multipath route: IPv4",
     each(*routes(by_paths(FAR4, 24, "10.0.1.2", "10.0.2.2"), [1, 2]))),
    ("multipath route: IPv6",
     each(*routes(by_paths(FAR6, 64, "2001:db8:1::2", "2001:db8:2::2"), [1, 2]))),
    ("route by nexthop object: IPv4", each(*routes(by_object(FAR4, 24, 7), [1]))),
    ("route by nexthop object: IPv6", each(*routes(by_object(FAR6, 64, 8), [1]))),
    ("router-set", each(setting_of_router(10, 7, 1), setting_of_router(11, 99, 1000),
                        setting_of_router(12, 99999, 4 << 20), setting_of_router(13, 2, 1),
                        setting_of_router(21, 1000, 0), setting_of_router(22, 50, 80),
                        setting_of_router(27, u64(125000), bytes(8)))),
    ("questions", t_questions),
    ("dumps", t_dumps),
    ("check of the tables", t_verify),
    ("qdisc: add", each(qdisc_new(), qdisc_new(BANDWIDTH))),
    ("qdisc: change", each(qdisc_change)),
    ("qdisc: delete", each(qdisc_del)),
    ("nothing leaks", leaks),
]

need_faults()
main(TESTS)
