# SPDX-License-Identifier: GPL-2.0
"""Where packets go in a router of three wires, by routes that tests make and take away."""
import ipaddress
import random

from vrtest import Failure, Rig, expect, forwarded, frame, ip4, ip6, packet, run, tcp

A4, A6 = "10.0.0.2", "2001:db8:0::2"
VIA = {1: ("10.0.1.2", "2001:db8:1::2"), 2: ("10.0.2.2", "2001:db8:2::2")}
ANY = {4: "198.51.0.0/16", 6: "2001:db8:ff::/64"}


class TheRig:
    """The rig of the file's tests, which the first of them makes."""

    def __init__(self):
        self.now = None

    def __getattr__(self, name):
        return getattr(self.now, name)

    def start(self, vrf):
        """A test that makes it."""
        def test():
            if self.now:
                self.now.gone()
            self.now = Rig(3, vrf=vrf)
        return test

    def flush_routes(self):
        """The tests' routes go, not those that the rig made."""
        for v in ("-4", "-6"):
            run(f"ip {v} route flush {'table 100' if self.vrf else 'table main'} proto 99",
                False, ns=self.r)
        self.sync()


rig = TheRig()


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
        rig.flush_routes()
        for line in (["ip -4 route show", "ip -6 route show"] if not rig.vrf else
                     ["ip -4 route show vrf red", "ip -6 route show vrf red"]):
            for route in run(line, ns=rig.r).splitlines():
                if "proto 99" in route:
                    raise Failure(f"route that is left: {route}")


def R(verb, dst, wire=None, extra="", kind=""):
    """One route, by the wire it leads to."""
    v6 = ":" in dst
    via = f"via {VIA[wire][v6]}" if wire else ""
    return (f"{'-6 ' if v6 else ''}route {verb} {{T}} {kind} {dst} {via} {extra}"
            + (" proto 99" if verb not in ("del",) else ""))


def many_nexthops(number):
    """Routes out by the second wire, each with a metric, and so with a nexthop, of its own."""
    first = int(ipaddress.ip_address("100.64.0.0"))
    for at in range(0, number, 5000):
        rig.r.batch(f"route add {rig.table} {ipaddress.ip_address(first + i)}/32 via {VIA[2][0]} "
                    f"proto 99 metric {i + 1}" for i in range(at, min(at + 5000, number)))


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
