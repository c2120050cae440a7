#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Forwarding: what comes out is byte for byte what a router makes of a packet,
is what plain Linux makes of it, and is counted as plain Linux counts it."""
import hashlib
import json
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from mib import difference, snmp  # noqa: E402
from vrtest import (Failure, Netns, Rig, Skip, expect, flipped, forwarded, frame,  # noqa: E402
                    icmp4, icmp6, ip4, ip6, in6, main, packet, run, tcp, text,
                    udp, wait)

A4, B4, A6, B6 = "10.0.0.2", "10.0.1.2", "2001:db8:0::2", "2001:db8:1::2"
FAR4, FAR6 = "198.51.100.7", "2001:db8:ff::7"
ROUTES = ["route add {T} 198.51.100.0/24 via 10.0.1.2",
          "route add {T} 240.0.0.0/4 via 10.0.1.2",
          "route add {T} 0.0.0.0/0 via 10.0.1.2 metric 5",
          "route add {T} 2001:db8:ff::/64 via 2001:db8:1::2",
          "route add {T} ::/0 via 2001:db8:1::2 metric 5"]
SOURCES4 = ["10.0.0.2", "192.0.2.1", "169.254.3.3", "240.1.2.3",
            "10.0.2.9"]
DESTS4 = ["10.0.1.2", "198.51.100.1", "198.51.100.255", "240.0.0.1",
          "223.255.255.255", "1.0.0.0", "169.254.1.1", "128.0.0.0"]
SOURCES6 = [A6, "fd00::9", "fec0::1", "2002:a00:1::1", "::a00:1", "64:ff9b::1",
            "2001:db8:0::", "2001:db8:1::1"]
DESTS6 = [B6, "2001:db8:ff::", "fd00::1", "fec0::2", "2002::1", "::a00:2",
          "64:ff9b::1", "ffe::1"]


def packets4():
    """(name, packet, padding behind it)"""
    for n in (0, 1, 17, 18, 19, 512, 1471, 1472):
        yield f"UDP of {n} bytes", packet(A4, FAR4, b"\xa5" * n), b""
    for n in (0, 1, 17):
        yield (f"UDP of {n} bytes, padded", packet(A4, FAR4, b"y" * n),
               b"\xee" * (18 - n))
    yield "padded beyond need", packet(A4, FAR4, b"z" * 100), b"\x55" * 33
    for ttl in (2, 3, 127, 128, 255):
        yield f"TTL {ttl}", packet(A4, FAR4, ttl=ttl), b""
    for tos in (0, 1, 2, 3, 0x10, 0x28, 0x2e << 2, 0x2e << 2 | 2, 0xb8, 0xc0,
                0xe3, 0xff):
        yield f"TOS {tos:#x}", packet(A4, FAR4, tos=tos), b""
    yield "first fragment", packet(A4, FAR4, b"f" * 1472, frag=0x2000), b""
    yield "next fragment", ip4(A4, FAR4, payload=b"g" * 1480, frag=0x20b9), b""
    yield "last fragment", ip4(A4, FAR4, payload=b"h" * 9, frag=0x172), b""
    yield "tiny fragment", ip4(A4, FAR4, payload=b"i" * 8, frag=0x2001), b""
    yield "DF", packet(A4, FAR4, frag=0x4000), b""
    yield "reserved flag", packet(A4, FAR4, frag=0x8000), b""
    for src in SOURCES4:
        yield f"source {src}", packet(src, FAR4), b""
    for dst in DESTS4:
        yield f"destination {dst}", packet(A4, dst), b""
    for ident in range(0, 0x10000, 0x1111):
        yield f"checksum with id {ident:#x}", packet(A4, FAR4, ident=ident), b""
    base = packet(A4, FAR4, ident=0)
    sum0 = int.from_bytes(base[10:12], "big")
    for want in (0x0000, 0xfeff, 0xfefe, 0xff00, 0x00ff):
        # the identification that gives this checksum
        ident = (sum0 - want) % 0xffff
        yield f"checksum {want:#x}", packet(A4, FAR4, ident=ident), b""
    yield "UDP without checksum", ip4(A4, FAR4, payload=udp(A4, FAR4, zero=True)), b""
    yield "UDP with bad checksum", ip4(A4, FAR4, payload=flipped(udp(A4, FAR4), 6)), b""
    yield "UDP cut short", ip4(A4, FAR4, payload=b"\1\2\3"), b""
    yield "no payload", ip4(A4, FAR4, 17), b""
    yield "TCP SYN with options", ip4(A4, FAR4, 6, tcp(
        A4, FAR4, options=b"\2\4\5\xb4\1\3\3\7")), b""
    yield "TCP data", ip4(A4, FAR4, 6, tcp(A4, FAR4, data=b"t" * 700, flags=0x18)), b""
    yield "TCP with ECE and CWR", ip4(A4, FAR4, 6, tcp(A4, FAR4, flags=0xd0)), b""
    yield "ICMP echo", ip4(A4, FAR4, 1, icmp4(8)), b""
    yield "ICMP unreachable", ip4(A4, FAR4, 1, icmp4(3, 1, bytes(4), packet(
        FAR4, A4))), b""
    yield "ICMP frag needed", ip4(A4, FAR4, 1, icmp4(
        3, 4, b"\0\0\5\x14", packet(FAR4, A4))), b""
    yield "ICMP redirect", ip4(A4, FAR4, 1, icmp4(5, 1, bytes(4), packet(
        FAR4, A4))), b""
    yield "ICMP cut short", ip4(A4, FAR4, 1, b"\3"), b""
    for proto in (0, 2, 4, 33, 41, 46, 47, 50, 51, 89, 103, 112, 115, 132, 136,
                  137, 253, 255):
        yield f"protocol {proto}", ip4(A4, FAR4, proto, bytes(range(60))), b""


def ext(nh, data, kind=None):
    """An IPv6 extension header of 8n bytes."""
    body = (bytes([nh, 0]) if kind is None else bytes([nh, 0, kind])) + data
    body += bytes(-len(body) % 8)
    return body[:1] + bytes([len(body) // 8 - 1]) + body[2:]


def packets6():
    u = udp(A6, FAR6)
    for n in (0, 1, 17, 512, 1451, 1452):
        yield f"UDP of {n} bytes", packet(A6, FAR6, b"\xa5" * n), b""
    yield "no next header", ip6(A6, FAR6, 59), b""
    yield "no next header, padded", ip6(A6, FAR6, 59), b"\xee" * 6
    yield "padded beyond need", packet(A6, FAR6), b"\x55" * 33
    for hlim in (2, 3, 127, 128, 255):
        yield f"hop limit {hlim}", packet(A6, FAR6, hlim=hlim), b""
    for tc in (1, 2, 3, 0x10, 0xb8, 0xba, 0xe3, 0xff):
        yield f"traffic class {tc:#x}", packet(A6, FAR6, tc=tc), b""
    yield "flow label", packet(A6, FAR6, flow=0xabcde, tc=0x2a), b""
    yield "fragment", ip6(A6, FAR6, 44, b"\x11\0\0\1\0\0\0\7" + u), b""
    yield "last fragment", ip6(A6, FAR6, 44, b"\x11\0\5\xa8\0\0\0\7" + b"q" * 3), b""
    yield "atomic fragment", ip6(A6, FAR6, 44, b"\x11\0\0\0\0\0\0\7" + u), b""
    yield "destination options", ip6(A6, FAR6, 60, ext(17, b"\1\4" + bytes(4)) + u), b""
    yield "routing header 0", ip6(A6, FAR6, 43, ext(
        17, b"\1" + bytes(4) + in6("2001:db8:9::9"), 0) + u), b""
    yield "routing header 4", ip6(A6, FAR6, 43, ext(
        17, b"\1\0\0\0\0" + in6("2001:db8:9::9"), 4) + u), b""
    yield "hop-by-hop not first", ip6(A6, FAR6, 60, ext(0, bytes(6)) +
                                      ext(17, bytes(6)) + u), b""
    for src in SOURCES6:
        yield f"source {src}", packet(src, FAR6), b""
    for dst in DESTS6:
        yield f"destination {dst}", packet(A6, dst), b""
    yield "UDP with bad checksum", ip6(A6, FAR6, payload=flipped(u, 6)), b""
    yield "UDP without checksum", ip6(A6, FAR6, payload=udp(A6, FAR6, zero=True)), b""
    yield "TCP SYN", ip6(A6, FAR6, 6, tcp(A6, FAR6)), b""
    yield "echo", ip6(A6, FAR6, 58, icmp6(A6, FAR6, 128)), b""
    yield "too big", ip6(A6, FAR6, 58, icmp6(A6, FAR6, 2, 0, b"\0\0\5\0", packet(
        FAR6, A6))), b""
    yield "unreachable", ip6(A6, FAR6, 58, icmp6(A6, FAR6, 1, 0, bytes(4), packet(
        FAR6, A6))), b""
    yield "neighbour solicitation for others", ip6(A6, FAR6, 58, icmp6(
        A6, FAR6, 135, 0, bytes(4), in6(FAR6))), b""
    yield "router advertisement for others", ip6(A6, FAR6, 58, icmp6(
        A6, FAR6, 134, 0, bytes(4), bytes(8))), b""
    for nh in (1, 4, 41, 47, 50, 51, 89, 103, 132, 135, 136, 137, 139, 253, 255):
        yield f"next header {nh}", ip6(A6, FAR6, nh, bytes(range(60))), b""


class Wire:
    """One kind of router, with all packets of all kinds sent through it."""

    def __init__(self, name, **kw):
        self.name, self.kw = name, kw
        self.rig = None

    def start(self):
        if self.rig:
            return
        if self.kw.get("real") and not os.path.exists("/sys/class/net/h1"):
            raise Skip("this rig has no NICs of its own")
        rig = Rig(2, **self.kw)
        rig.r.batch(r.replace("{T}", rig.table) for r in ROUTES)
        rig.sync()
        self.rig = rig

    def frames(self, packets):
        """[(frame sent, frame expected)]"""
        rig = self.rig
        # a NIC that is not just a function call sends no less
        least = 60 if rig.real else 0
        return [((frame(rig.pmac[0], rig.hmac[0], ip, rig.vlan.get(0)) +
                  pad).ljust(least, b"\0"),
                 frame(rig.hmac[1], rig.pmac[1], forwarded(ip),
                       rig.vlan.get(1)).ljust(least, b"\0"))
                for _, ip, pad in packets]

    def each(self, packets):
        """Send them; what comes out is what should."""
        self.start()
        rig = self.rig
        wrong = []
        packets = list(packets)
        frames = self.frames(packets)
        before = rig.counters()
        got = rig.exchange([(0, sent) for sent, _ in frames], len(frames))
        after = rig.counters()
        # control traffic may overtake
        if sorted(got) != sorted((1, want) for _, want in frames):
            wrong.append(f"{len(frames)} packets at once give other frames, "
                         "one by one:")
            for (name, _, _), (sent, want) in zip(packets, frames):
                got = rig.exchange([(0, sent)])
                if got != [(1, want)]:
                    wrong.append(f"{name}: expected {text([(1, want)])}, "
                                 f"actual {text(got)}")
        if wrong:
            raise Failure("\n# ".join(wrong[:8]) + f"\n# {len(wrong)} in all")
        return {k: after[k] - before[k] for k in
                ("rx-packets", "forwarded-packets", "forwarded-bytes",
                 "punted-packets")}, packets

    def forwards(self, packets):
        moved, packets = self.each(packets)
        expect("router counters", {
            "rx-packets": len(packets), "forwarded-packets": len(packets),
            "forwarded-bytes": sum(len(f) - (4 if 0 in self.rig.vlan else 0)
                                   for f, _ in self.frames(packets)),
            "punted-packets": 0}, moved)

    def compare(self, packets):
        """The same frames with the router down: plain Linux. Same frames out,
        same counters of the kernel."""
        self.start()
        rig = self.rig
        sent = [(0, s) for s, _ in self.frames(list(packets))]
        first = rig.counters()
        fast, fast_snmp, times = measure(rig, sent)
        second = rig.counters()
        expect("packets that the router forwarded", len(sent) * times,
               second["forwarded-packets"] - first["forwarded-packets"])
        rig.down()
        slow, slow_snmp, _ = measure(rig, sent)
        expect("packets that the router saw while it was down", 0,
               rig.counters()["rx-packets"] - second["rx-packets"])
        rig.up()
        for i, (f, s) in enumerate(zip(fast, slow)):
            if f != s:
                raise Failure(f"frame {i}: expected as plain Linux "
                              f"{text([s])}, actual {text([f])}")
        expect("number of frames", len(slow), len(fast))
        odd = {k: (slow_snmp.get(k, 0), fast_snmp.get(k, 0))
               for k in set(slow_snmp) | set(fast_snmp)
               if slow_snmp.get(k, 0) != fast_snmp.get(k, 0)}
        expect("kernel counters, name: (plain Linux, router)", {}, odd)
        if not any("ForwDatagrams" in k for k in slow_snmp):
            raise Failure(f"no counter moved: {slow_snmp}")


def wait_stable(rig, before):
    last = difference(before, snmp(rig))
    for _ in range(50):
        run("sleep 0.02")
        now = difference(before, snmp(rig))
        if now == last:
            return now
        last = now
    raise Failure(f"counters do not come to rest: {last}")


def measure(rig, sent):
    """Send; return what comes out, how the kernel's counters moved, and how many
    times it took: the router's own stack may say something in the meantime."""
    for times in range(1, 21):
        before = snmp(rig)
        got = sorted(rig.exchange(sent, len(sent)))
        moved = wait_stable(rig, before)
        if not moved.get("Icmp6OutMsgs"):
            return got, moved, times
    raise Failure("the router's own stack: expected a moment of silence, actual none")


def sum_of_bytes(wire):
    """Octets in and out, one by one, for one packet of a known size."""
    wire.start()
    rig = wire.rig
    for fam, pkt in (("4", packet(A4, FAR4, b"b" * 100)),
                     ("6", packet(A6, FAR6, b"b" * 100))):
        _, moved, _ = measure(rig, [(0, frame(rig.pmac[0], rig.hmac[0], pkt,
                                              rig.vlan.get(0)))])
        want = {"r0 rx_packets": 1, "r0 rx_bytes": len(pkt) + 14,
                "r1 tx_packets": 1, "r1 tx_bytes": len(pkt) + 14}
        if fam == "4":
            # kernels without this counter (before 6.8) count octets out twice
            times = 1 if "IpOutTransmits" in snmp(rig) else 2
            want.update({"IpInReceives": 1, "IpForwDatagrams": 1,
                         "IpExtInOctets": len(pkt),
                         "IpExtOutOctets": times * len(pkt)})
        else:
            want.update({"Ip6InReceives": 1, "Ip6OutForwDatagrams": 1,
                         "Ip6InOctets": len(pkt), "Ip6OutOctets": len(pkt),
                         "r0 Ip6InReceives": 1, "r1 Ip6OutForwDatagrams": 1,
                         "r0 Ip6InOctets": len(pkt), "r1 Ip6OutOctets": len(pkt)})
        expect(f"IPv{fam} counters", want, {k: moved.get(k, 0) for k in want})


class Hosts:
    """Two hosts with stacks of their own, for TCP."""

    def __init__(self):
        self.rig = rig = Rig(2)
        # real hosts instead of wires
        self.ns = []
        for i in range(2):
            ns = Netns(f"{rig.h.name}{i}")
            run(f"ip link set p{i} netns {ns.name}", ns=rig.h)
            ns.sysctl("net.ipv6.conf.default.accept_dad", 0)
            ns.batch(["link set lo up", f"link set p{i} up",
                      f"addr add 10.0.{i}.2/24 dev p{i}",
                      f"addr add 2001:db8:{i}::2/64 dev p{i} nodad",
                      f"neigh add 10.0.{i}.1 lladdr {rig.pmac[i]} dev p{i}",
                      f"neigh add 2001:db8:{i}::1 lladdr {rig.pmac[i]} dev p{i}",
                      f"route add default via 10.0.{i}.1",
                      f"route add ::/0 via 2001:db8:{i}::1"])
            self.ns.append(ns)

    def offloads(self, value, gro):
        off = f"tso {value} gso {value} tx {value} sg {value}"
        for i in range(2):
            run(f"ethtool -K p{i} {off} gro {gro}", False, ns=self.ns[i])
            run(f"ethtool -K eth{i} gro {gro}", False, ns=self.rig.nic)

    def transfer(self, family, megabytes):
        rig = self.rig
        data = os.urandom(1 << 16)
        blocks = megabytes << 4
        with self.ns[1]:
            server = socket.create_server(
                ("", 5000), family=family, reuse_port=True)
        server.settimeout(60)
        result = {}

        def serve():
            conn, _ = server.accept()
            conn.settimeout(60)
            digest, size = hashlib.sha256(), 0
            while True:
                part = conn.recv(1 << 18)
                if not part:
                    break
                digest.update(part)
                size += len(part)
            result["got"] = (size, digest.hexdigest())
            conn.sendall(b"done")
            conn.close()

        thread = threading.Thread(target=serve)
        thread.start()
        before = rig.counters()
        with self.ns[0]:
            client = socket.socket(family, socket.SOCK_STREAM)
        client.settimeout(60)
        client.connect((B6 if family == socket.AF_INET6 else B4, 5000))
        digest = hashlib.sha256()
        for i in range(blocks):
            part = i.to_bytes(4, "big") + data[4:]
            digest.update(part)
            client.sendall(part)
        client.shutdown(socket.SHUT_WR)
        end = client.recv(16)
        client.close()
        thread.join(60)
        server.close()
        after = rig.counters()
        expect("answer", b"done", end)
        expect("size and SHA-256", (blocks << 16, digest.hexdigest()),
               result.get("got"))
        moved = {k: after[k] - before[k] for k in after
                 if isinstance(after[k], int)}
        punted = {k: after["punt"][k] - before["punt"][k] for k in after["punt"]
                  if after["punt"][k] != before["punt"][k]}
        if moved["forwarded-bytes"] < blocks << 16:
            raise Failure(f"forwarded bytes: expected at least {blocks << 16}, "
                          f"actual {moved['forwarded-bytes']}, punted {punted}")
        # neighbours are asked whether they still live
        allowed = {"not-ip", "l2", "multicast", "local"}
        expect("reasons for punting", set(), set(punted) - allowed)
        expect("dropped", 0, moved["dropped-packets"])
        return moved


HOSTS = []


def received(rig):
    """Bytes and packets that came in on the first port."""
    link, = json.loads(run("ip -j -s link show r0", ns=rig.r))
    return link["stats64"]["rx"]["bytes"], link["stats64"]["rx"]["packets"]


def transfer(family, value, gro):
    def test():
        if not HOSTS:
            HOSTS.append(Hosts())
        hosts = HOSTS[0]
        hosts.offloads(value, gro)
        before = received(hosts.rig)
        hosts.transfer(family, 4)
        after = received(hosts.rig)
        mean = (after[0] - before[0]) / (after[1] - before[1])
        big = value == "on" or gro == "on"
        # how many packets GRO finds at once is a matter of speed, but not none
        if big and mean <= 1514:
            raise Failure(f"mean packet: expected over 1514 bytes with "
                          f"offloads, actual {mean:.0f}")
        if not big and mean > 1514:
            raise Failure(f"mean packet: expected at most 1514 bytes without "
                          f"offloads, actual {mean:.0f}")
    return test


def small_mtu(family):
    """GSO packets whose segments do not fit must not get through as they are."""
    def test():
        if not HOSTS:
            HOSTS.append(Hosts())
        hosts = HOSTS[0]
        rig = hosts.rig
        hosts.offloads("on", "on")
        rig.r.cmd("ip link set r1 mtu 1400")
        try:
            before = rig.counters()["punt"]["mtu"]
            data = os.urandom(300000)
            with hosts.ns[1]:
                server = socket.create_server(("", 5001), family=family)
            server.settimeout(60)
            with hosts.ns[0]:
                client = socket.socket(family, socket.SOCK_STREAM)
            client.settimeout(60)
            client.connect((B6 if family == socket.AF_INET6 else B4, 5001))
            conn, _ = server.accept()
            conn.settimeout(60)
            thread = threading.Thread(target=lambda: (
                client.sendall(data), client.shutdown(socket.SHUT_WR)))
            thread.start()
            got = b""
            while True:
                part = conn.recv(1 << 18)
                if not part:
                    break
                got += part
            thread.join(60)
            expect("SHA-256", hashlib.sha256(data).hexdigest(),
                   hashlib.sha256(got).hexdigest())
            punted = rig.counters()["punt"]["mtu"] - before
            if punted < 1:
                raise Failure("packets punted because of the MTU: expected at "
                              f"least 1, actual {punted}")
            for s in (client, conn, server):
                s.close()
        finally:
            rig.r.cmd("ip link set r1 mtu 1500")
            for i in range(2):
                hosts.ns[i].cmd(["ip route flush cache", "ip -6 route flush cache"])
    return test


def burst(wire):
    """Every packet of a burst is forwarded or dropped at the queue, and counted."""
    wire.start()
    rig = wire.rig
    sent = frame(rig.pmac[0], rig.hmac[0], packet(A4, FAR4), rig.vlan.get(0))
    before, total = rig.counters(), 3000
    rx = rig.rx_packets()
    # what a NIC's ring of 256 has no room for does not come to the router
    step = 200 if rig.real else total
    for n in range(step, total + 1, step):
        for _ in range(step):
            rig.send(0, sent)
        wait("burst received", lambda n=n: rig.counters()["rx-packets"] -
             before["rx-packets"] >= n)
    after = rig.counters()
    moved = {k: after[k] - before[k] for k in
             ("rx-packets", "forwarded-packets", "dropped-packets",
              "punted-packets")}
    expect("received", total, moved["rx-packets"])
    expect("forwarded + dropped", total,
           moved["forwarded-packets"] + moved["dropped-packets"])
    expect("punted", 0, moved["punted-packets"])
    wait("counter of the port", lambda: rig.rx_packets() - rx ==
         moved["forwarded-packets"])


def below(wire):
    """What the NIC's qdisc drops, the port counts as it does behind plain Linux."""
    wire.start()
    rig = wire.rig
    first, rest = ([(0, frame(rig.pmac[0], rig.hmac[0], p, rig.vlan.get(0)))] * n for p, n in (
        (packet(A4, FAR4, b"b" * 500), 3), (packet(A6, FAR6, b"b" * 500), 9)))

    def over(before):
        moved = difference(before, snmp(rig))
        return (moved.get("Icmp6OutMsgs") or moved.get("r1 tx_packets", 0) +
                moved.get("r1 tx_drop", 0) >= len(first + rest))

    def counted():
        before = snmp(rig)
        # tokens for two frames, and then for none in a while: whatever the
        # router's own stack sends from now on is seen below
        rig.nic.cmd(["tc qdisc add dev eth1 root handle 1: tbf rate 80bit burst 1100 "
                     "limit 100000", "tc qdisc add dev eth1 parent 1:1 pfifo limit 1"])
        rig.exchange(first + rest)
        # of what the stack sends meanwhile, the tokens are gone: wait for no answers
        wait("all packets sent or dropped, or a word of the stack", lambda: over(before))
        moved = wait_stable(rig, before)
        rig.nic.cmd("tc qdisc del dev eth1 root")
        return moved if not moved.get("Icmp6OutMsgs") else None
    before = rig.counters()
    fast = wait("silence of the router's own stack", counted)
    expect("packets punted", 0, rig.counters()["punted-packets"] - before["punted-packets"])
    rig.down()
    slow = wait("silence of plain Linux", counted)
    rig.up()
    expect("packets that plain Linux sent, and dropped", (len(first), len(rest)),
           (slow["r1 tx_packets"], slow["r1 tx_drop"]))
    expect("counters, as plain Linux", slow, fast)


WIRES = [Wire("namespace"), Wire("VRF", vrf=True),
         Wire("VLAN to untagged", vlan={0: 10}),
         Wire("untagged to VLAN", vlan={1: 20}),
         Wire("VLAN to VLAN in a VRF", vlan={0: 10, 1: 4094}, vrf=True),
         Wire("emulated NICs", real=True)]


def tests():
    for w in WIRES:
        for fam, packets in (("IPv4", packets4), ("IPv6", packets6)):
            yield (f"{w.name}: {fam} byte for byte, {len(list(packets()))} packets",
                   lambda w=w, p=packets: w.forwards(p()))
            yield (f"{w.name}: {fam} as plain Linux, frames and counters",
                   lambda w=w, p=packets: w.compare(p()))
        yield f"{w.name}: octets", lambda w=w: sum_of_bytes(w)
        yield f"{w.name}: burst", lambda w=w: burst(w)
        yield f"{w.name}: the NIC's qdisc drops", lambda w=w: below(w)
    for fam, name in ((socket.AF_INET, "IPv4"), (socket.AF_INET6, "IPv6")):
        for value, gro in (("on", "on"), ("on", "off"), ("off", "on"),
                           ("off", "off")):
            yield (f"TCP over {name}, TSO {value}, GRO {gro}",
                   transfer(fam, value, gro))
        yield f"TCP over {name} into a smaller MTU", small_mtu(fam)


main(list(tests()))
