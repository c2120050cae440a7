#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Routes change under traffic, and there are many of them, or too many."""
import ipaddress
import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from vrtest import (SLOW, Failure, Skip, expect, forwarded, frame,  # noqa: E402
                    is_chatter, main, receive, run, wait)
from ways import (A4, A6, R, VIA, many_nexthops, own, rig,  # noqa: E402
                  to0, wire_of)


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
        rig.flush_routes()


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
        rig.flush_routes()


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
        rig.flush_routes()


def tests(vrf):
    where = "VRF" if vrf else "namespace"
    yield f"{where}: router", rig.start(vrf)
    for f in (4, 6):
        for kind in ("replace", "more specific", "metric", "nexthop"):
            yield f"{where}: IPv{f} under traffic, {kind}", churn(f, kind)
    yield f"{where}: random table against plain Linux", random_table
    if not vrf:
        yield f"{where}: overflow of the mirror", overflow
        yield f"{where}: more nexthops than there are numbers", too_many_nexthops


if __name__ == "__main__":
    main(list(tests(False)))
