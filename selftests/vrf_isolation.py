#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Four routers on the same two NICs, with the same addresses and routes: two in
namespaces, two in VRFs of one namespace. A packet is its own router's alone."""
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from vrtest import (Failure, Netns, eth, expect, forwarded, frame, icmp4, icmp6,  # noqa: E402
                    ip4, ip6, is_chatter, mac, main, packet, receive,
                    router_settings, run, text, wait, json_show)

A4, A6 = "10.0.0.2", "2001:db8:0::2"
FAR4, FAR6 = "198.51.100.7", "2001:db8:ff::7"


class Domain:
    """A router with a port on each NIC; its tag is in its MAC addresses and in
    those of its hosts, and nothing else tells it from the others."""

    def __init__(self, tag, ns, vrf=None, vlan=None):
        self.tag, self.ns, self.vrf, self.vlan = tag, ns, vrf, vlan
        self.name = f"vr{tag}"
        self.port = [f"d{tag}p{i}" for i in range(2)]
        self.pmac = [f"02:00:00:00:{tag:02x}:1{i}" for i in range(2)]
        self.hmac = [f"02:00:00:00:{tag:02x}:2{i}" for i in range(2)]
        self.table = f"vrf {vrf}" if vrf else ""

    def make(self, nic):
        lines = []
        if self.vrf:
            lines += [f"link add {self.vrf} type vrf table {100 + self.tag}",
                      f"link set {self.vrf} up",
                      f"route add {self.table} unreachable 0.0.0.0/0 metric 4278198272",
                      f"route add {self.table} unreachable ::/0 metric 4278198272"]
        for i in range(2):
            tag = f" vlan {self.vlan}" if self.vlan else ""
            run(f"ip link add link eth{i} name {self.port[i]} address "
                f"{self.pmac[i]} netns {self.ns.name} type vrport{tag}", ns=nic)
            if self.vrf:
                lines.append(f"link set {self.port[i]} master {self.vrf}")
            lines += [f"link set {self.port[i]} up",
                      f"addr add 10.0.{i}.1/24 dev {self.port[i]}",
                      f"addr add 2001:db8:{i}::1/64 dev {self.port[i]} nodad",
                      f"neigh add 10.0.{i}.2 lladdr {self.hmac[i]} dev "
                      f"{self.port[i]} nud permanent",
                      f"neigh add 2001:db8:{i}::2 lladdr {self.hmac[i]} dev "
                      f"{self.port[i]} nud permanent"]
        master = f" master {self.vrf}" if self.vrf else ""
        lines += [f"route add {self.table} 198.51.100.0/24 via 10.0.1.2",
                  f"route add {self.table} 2001:db8:ff::/64 via 2001:db8:1::2",
                  f"link add {self.name}{master} type vrouter",
                  f"link set {self.name} up"]
        self.ns.batch(lines)
        wait(f"{self.name} active", lambda: self.show()["state"] == "active")

    def show(self):
        return json_show(self.ns, self.name)

    def counters(self):
        s = wait("empty queues", lambda: next(
            (s for s in [self.show()["stats"]] if not s["queued-packets"]), None))
        expect(f"{self.name}: received = forwarded + punted + dropped",
               s["rx-packets"], s["forwarded-packets"] + s["punted-packets"] +
               s["dropped-packets"])
        return (s["rx-packets"], s["forwarded-packets"],
                {k: v for k, v in s["punt"].items() if v})

    def to(self, i, ip):
        """A frame for the port on NIC i, from the host there."""
        return (i, frame(self.pmac[i], self.hmac[i], ip, self.vlan))

    def out(self, i, ip):
        return (i, frame(self.hmac[i], self.pmac[i], forwarded(ip), self.vlan))


class World:
    def __init__(self):
        base = f"vi{os.getpid()}"
        self.nic, self.h = Netns(base + "n"), Netns(base + "h")
        one, two, three = (Netns(f"{base}r{i}") for i in range(3))
        for ns in (self.nic, self.h):
            ns.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
            ns.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        for ns in (one, two, three):
            router_settings(ns)
            ns.batch(["link set lo up"])
        self.nic.batch(f"link add eth{i} type veth peer name p{i} netns {self.h.name}"
                       for i in range(2))
        self.nic.batch(f"link set eth{i} up" for i in range(2))
        self.h.batch(f"link set p{i} promisc on up" for i in range(2))
        self.domains = [Domain(1, one), Domain(2, two), Domain(3, three, "red"),
                        Domain(4, three, "blue"), Domain(5, one_more(base), vlan=30)]
        for d in self.domains:
            d.make(self.nic)
        self.socks = [self.h.packet_socket(f"p{i}") for i in range(2)]
        self.received()

    def received(self, number=0, quiet=0.03):
        """Frames that came out; at least so many, unless time is up."""
        import time
        got, end = [], time.monotonic() + 20
        last = time.monotonic()
        while True:
            for i, s in enumerate(self.socks):
                f = receive(s)
                while f is not None:
                    if not is_chatter(f):
                        got.append((i, f))
                    last = time.monotonic()
                    f = receive(s)
            now = time.monotonic()
            if now > end or (now - last > quiet and len(got) >= number):
                return got
            time.sleep(0.002)

    def exchange(self, frames, number, multicast=False):
        """Send; return the frames that come out and what each router counted,
        without what the routers on one NIC hear of each other's MLD."""
        self.received()
        before = [d.counters() for d in self.domains]
        for i, f in frames:
            self.socks[i].send(f)
        got = self.received(number)
        after = [d.counters() for d in self.domains]
        moved = {}
        for d, (r0, f0, p0), (r1, f1, p1) in zip(self.domains, before, after):
            punt = {k: p1[k] - p0.get(k, 0) for k in p1 if p1[k] != p0.get(k, 0)}
            if not multicast:
                r1 -= punt.pop("l2", 0)
            if r1 != r0:
                moved[d.name] = (r1 - r0, f1 - f0, punt)
        return got, moved


def one_more(base):
    ns = Netns(base + "r3")
    for key, value in (("net.ipv6.conf.default.accept_dad", 0),
                       ("net.ipv6.conf.default.router_solicitations", 0),
                       ("net.ipv4.ip_forward", 1), ("net.ipv6.conf.all.forwarding", 1)):
        ns.sysctl(key, value)
    return ns


world = None


def setup():
    global world
    world = World()


def back(ip):
    """The way back: from behind the second NIC to the first one's host."""
    return (packet(FAR4, A4) if ip[0] >> 4 == 4 else packet(FAR6, A6))


def alone(n, is6, reverse):
    """A packet through one router: its own host gets it, others count nothing."""
    def test():
        d = world.domains[n]
        ip = packet(A6, FAR6) if is6 else packet(A4, FAR4)
        i = 0
        if reverse:
            ip, i = back(ip), 1
        got, moved = world.exchange([d.to(i, ip)], 1)
        expect("frames", text([d.out(1 - i, ip)]), text(got))
        expect("counters (received, forwarded, punted)", {d.name: (1, 1, {})}, moved)
    return test


def interleaved():
    """All at once, both ways, each with a payload of its own."""
    sent, want = [], []
    for k in range(40):
        for d in world.domains:
            data = struct.pack("!BB", d.tag, k) * 8
            for i, ip in ((0, packet(A4, FAR4, data)), (0, packet(A6, FAR6, data)),
                          (1, packet(FAR4, A4, data)), (1, packet(FAR6, A6, data))):
                sent.append(d.to(i, ip))
                want.append(d.out(1 - i, ip))
    got, moved = world.exchange(sent, len(want))
    if sorted(got) != sorted(want):
        bad = [x for x in got if x not in want]
        raise Failure(f"frames: expected {len(want)}, actual {len(got)}, "
                      f"{len(bad)} of them wrong: {text(bad[:4])}")
    expect("counters", {d.name: (160, 160, {}) for d in world.domains}, moved)


def crossed(n, m):
    """The MAC address of one router, the host of another: the MAC decides."""
    def test():
        d, e = world.domains[n], world.domains[m]
        for ip in (packet(A4, FAR4), packet(A6, FAR6)):
            got, moved = world.exchange(
                [(0, frame(d.pmac[0], e.hmac[0], ip, d.vlan))], 1)
            expect("frames", text([d.out(1, ip)]), text(got))
            expect("counters", {d.name: (1, 1, {})}, moved)
    return test


def wrong_nic(n):
    """The MAC address of the router's other port: nobody takes it."""
    def test():
        d = world.domains[n]
        got, moved = world.exchange([
            (0, frame(d.pmac[1], d.hmac[0], packet(A4, FAR4), d.vlan)),
            (0, frame(d.pmac[1], d.hmac[0], packet(A6, FAR6), d.vlan))], 0)
        expect("frames", [], text(got))
        expect("counters", {}, moved)
    return test


def wrong_vlan():
    """The VLAN keeps apart: its router's MAC without the tag or with another,
    and the tag with another router's MAC."""
    d, e = world.domains[4], world.domains[0]
    ip = packet(A4, FAR4)
    for name, f in (("no tag", frame(d.pmac[0], d.hmac[0], ip)),
                    ("another tag", frame(d.pmac[0], d.hmac[0], ip, 31)),
                    ("priority tag", frame(d.pmac[0], d.hmac[0], ip, 0)),
                    ("tag, other router", frame(e.pmac[0], e.hmac[0], ip, 30))):
        got, moved = world.exchange([(0, f)], 0)
        expect(f"{name}: frames and counters", ([], {}), (text(got), moved))


def answers(n):
    """Echo and errors come from the router that was asked, and from it alone."""
    def test():
        d = world.domains[n]
        for name, ip, kind in (
                ("echo", ip4(A4, "10.0.0.1", 1, icmp4(8)), 0),
                ("time exceeded", packet(A4, FAR4, ttl=1), 11),
                ("IPv6 echo", ip6(A6, "2001:db8:0::1", 58,
                                  icmp6(A6, "2001:db8:0::1", 128)), 129),
                ("IPv6 time exceeded", packet(A6, FAR6, hlim=1), 3)):
            got, moved = world.exchange([d.to(0, ip)], 1)
            expect(f"{name}: number of frames", 1, len(got))
            expect(f"{name}: NIC, MAC addresses",
                   (0, mac(d.hmac[0]).hex(), mac(d.pmac[0]).hex()),
                   (got[0][0], got[0][1][:6].hex(), got[0][1][6:12].hex()))
            f = got[0][1]
            off = (18 if d.vlan else 14) + (40 if ip[0] >> 4 == 6 else 20)
            expect(f"{name}: ICMP type", kind, f[off])
            expect(f"{name}: who counts", [d.name], list(moved))
    return test


def broadcast():
    """Who has 10.0.0.1? Each router without VLAN answers for itself, with its own
    MAC address; the one in the VLAN does not hear it."""
    ask = eth("ff:ff:ff:ff:ff:ff", "02:00:00:00:77:77", 0x806,
              struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + mac("02:00:00:00:77:77") +
              socket.inet_aton("10.0.0.77") + bytes(6) + socket.inet_aton("10.0.0.1"))
    got, moved = world.exchange([(0, ask)], 4, multicast=True)
    expect("MAC addresses that answer", sorted(d.pmac[0] for d in world.domains[:4]),
           sorted(":".join(f"{b:02x}" for b in f[22:28]) for _, f in got))
    expect("who hears it", sorted(d.name for d in world.domains[:4]), sorted(moved))


def routes():
    """A route in one domain is no route in another."""
    dst4, dst6 = "203.0.113.5", "2001:db8:cc::5"
    for d in world.domains:
        d.ns.cmd([f"ip route add {d.table} 203.0.113.0/24 via 10.0.1.2",
                  f"ip -6 route add {d.table} 2001:db8:cc::/64 via 2001:db8:1::2"])
        wait("route", lambda: d_lookup(d, dst6).get("prefix-len") == 64)
        try:
            for e in world.domains:
                for ip in (packet(A4, dst4), packet(A6, dst6)):
                    got, moved = world.exchange([e.to(0, ip)], 1)
                    if e is d:
                        expect(f"{d.name}: frames", text([d.out(1, ip)]), text(got))
                        expect("counters", {d.name: (1, 1, {})}, moved)
                        continue
                    # unreachable, to its own host
                    expect(f"{e.name} with a route in {d.name}: frames",
                           [(0, mac(e.hmac[0]).hex())],
                           [(i, f[:6].hex()) for i, f in got])
                    expect("who counts", [e.name], list(moved))
        finally:
            d.ns.cmd([f"ip route del {d.table} 203.0.113.0/24",
                      f"ip -6 route del {d.table} 2001:db8:cc::/64"])


def d_lookup(d, dst):
    import json
    return json.loads(run(f"vrctl -j lookup {d.name} {dst}", ns=d.ns))


def down(n):
    """One router down: its packets go through the stack, with the same result, and
    the others do not notice."""
    def test():
        d = world.domains[n]
        d.ns.set_up(d.name, False)
        try:
            for e in world.domains:
                for ip in (packet(A4, FAR4), packet(A6, FAR6)):
                    got, moved = world.exchange([e.to(0, ip)], 1)
                    expect(f"{e.name}: frames", text([e.out(1, ip)]), text(got))
                    expect(f"{e.name}: counters",
                           {} if e is d else {e.name: (1, 1, {})}, moved)
        finally:
            d.ns.set_up(d.name, True)
            wait("active", lambda: d.show()["state"] == "active")
    return test


def between():
    """The MAC address of another router's port as nexthop: routers on one NIC are
    hosts to each other."""
    a, b = world.domains[0], world.domains[2]
    a.ns.cmd([f"ip neigh replace 10.0.1.9 lladdr {b.pmac[1]} dev {a.port[1]} nud permanent",
              f"ip -6 neigh replace 2001:db8:1::9 lladdr {b.pmac[1]} dev {a.port[1]} "
              "nud permanent",
              "ip route add 192.0.2.0/24 via 10.0.1.9",
              "ip -6 route add 2001:db8:dd::/64 via 2001:db8:1::9"])
    b.ns.cmd([f"ip route add {b.table} 192.0.2.0/24 via 10.0.0.2",
              f"ip -6 route add {b.table} 2001:db8:dd::/64 via 2001:db8:0::2"])
    try:
        wait("route", lambda: d_lookup(b, "2001:db8:dd::1").get("prefix-len") == 64)
        for ip in (packet(A4, "192.0.2.1"), packet(A6, "2001:db8:dd::1")):
            got, moved = world.exchange([a.to(0, ip)], 1)
            expect("frames", text([(0, frame(b.hmac[0], b.pmac[0],
                                             forwarded(forwarded(ip))))]), text(got))
            expect("counters", {a.name: (1, 1, {}), b.name: (1, 1, {})}, moved)
    finally:
        a.ns.cmd([f"ip neigh del 10.0.1.9 dev {a.port[1]}",
                  f"ip -6 neigh del 2001:db8:1::9 dev {a.port[1]}",
                  "ip route del 192.0.2.0/24", "ip -6 route del 2001:db8:dd::/64"])
        b.ns.cmd([f"ip route del {b.table} 192.0.2.0/24",
                  f"ip -6 route del {b.table} 2001:db8:dd::/64"])


NAMES = ["a namespace", "another namespace", "VRF red", "VRF blue", "a VLAN"]


def tests():
    yield "five routers on two NICs", setup
    for n, name in enumerate(NAMES):
        for is6 in (False, True):
            for reverse in (False, True):
                yield (f"{name}: IPv{6 if is6 else 4}, "
                       f"{'back' if reverse else 'there'}", alone(n, is6, reverse))
    yield "all at once", interleaved
    for n, m in ((0, 1), (1, 0), (2, 3), (3, 2), (0, 2), (2, 0), (4, 1)):
        yield f"to {NAMES[n]} from a host of {NAMES[m]}", crossed(n, m)
    for n, name in enumerate(NAMES):
        yield f"{name}: on the wrong NIC", wrong_nic(n)
        yield f"{name}: its answers", answers(n)
        yield f"{name}: down", down(n)
    yield "the wrong VLAN", wrong_vlan
    yield "broadcast", broadcast
    yield "routes of one domain", routes
    yield "from one router to another", between


main(list(tests()))
