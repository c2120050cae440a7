#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What a packet carries besides its bytes: data that it shares with copies, room for
headers, what each layer notes beside it, and what it says of its way.

Each is tried with packets that come alone, and with many at once, which are queued.
Numbers of invariants are those of vrouter-invariants.rst.
"""
import contextlib
import ctypes
import json
import os
import re
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from vrtest import (Failure, Rig, Skip, addr, expect, eth, forwarded, frame,  # noqa: E402
                    icmp6, ip4, ip6, is_chatter, mac, main, neutral, packet, put, receive, run,
                    text, wait)

SRC = {4: "10.0.0.2", 6: "2001:db8:0::2"}
FAR = {4: "198.51.100.7", 6: "2001:db8:ff::7"}
MANY = 30
rig = None


def start():
    global rig
    rig = Rig(3)
    rig.r.batch(["route add 198.51.100.0/24 via 10.0.1.2",
                 "route add 2001:db8:ff::/64 via 2001:db8:1::2"])
    rig.sync()


@contextlib.contextmanager
def together(ns, dev):
    """What is sent on a device leaves it in bursts."""
    ns.cmd(f"tc qdisc add dev {dev} root netem slot 40ms 40ms limit 10000")
    try:
        yield
    finally:
        ns.cmd(f"tc qdisc del dev {dev} root")


def alone_and_together(test, ns=None, dev="p0"):
    """Run test() with packets that come alone, then with packets that wait in the
    router's queue for each other."""
    test()
    with together(ns or rig.h, dev):
        for _ in range(10):
            run(f"vrctl reset {rig.name}", ns=rig.r)
            test()
            if rig.show()["stats"]["queued-peak"] > 1:
                return
    raise Failure("packets that were in the queue at once: expected 2 or more, actual 1")


def flow(family, number=MANY, **kw):
    return [packet(SRC[family], FAR[family], sport=1000 + i, **kw) for i in range(number)]


def come(sock, number, what):
    """So many frames of a packet socket."""
    got = []

    def all_there():
        data = receive(sock)
        while data is not None:
            if not is_chatter(data):
                got.append(data)
            data = receive(sock)
        return len(got) >= number
    try:
        wait(what, all_there)
    except Failure:
        raise Failure(f"{what}: expected {number}, actual {len(got)}") from None
    return got


# ---- copies ------------------------------------------------------------------

SAME = "02:00:00:00:0e:01"


def make_bridge():
    """A bridge between a sender (f0), a listener (w0) and three NICs, each of which has
    a port with the same address."""
    lines = ["link add br0 type bridge mcast_snooping 0", "link set br0 up"]
    for name, port in (("f0", "f1"), ("w0", "w1")):
        lines += [f"link add {name} type veth peer name {port}"]
    lines += [f"link add b{i} type veth peer name n{i} netns {rig.nic.name}" for i in range(3)]
    for name in ("f1", "w1", "b0", "b1", "b2"):
        lines += [f"link set {name} master br0 up", f"link set {name} type bridge_slave "
                  "learning off flood on"]
    rig.h.batch(lines + ["link set f0 up", "link set w0 up"])
    for i in range(3):
        rig.nic.batch([f"link set n{i} up",
                       f"link add link n{i} name q{i} address {SAME} netns {rig.r.name} "
                       "type vrport"])
    rig.r.batch([f"link set q{i} up" for i in range(3)])
    return [rig.h.packet_socket(name) for name in ("f0", "w0")]


def flooded(family):
    """Invariant 26: a bridge floods a packet to three routers' ports; all copies have the
    same data. Each is rewritten, the others do not change."""
    def test():
        sender, listener = make_bridge()
        packets = flow(family)
        frames = [frame(SAME, rig.hmac[0], p) for p in packets]
        want = sorted(3 * [frame(rig.hmac[1], rig.pmac[1], forwarded(p)).hex()
                           for p in packets])

        def once():
            rig.flush()
            come(listener, 0, "nothing")
            before = rig.counters()["forwarded-packets"]
            for data in frames:
                sender.send(data)
            got = rig.exchange([], answers=len(want))
            expect("wires", {1}, {w for w, _ in got})
            expect("copies that were forwarded", want, sorted(f.hex() for _, f in got))
            expect("copies that the listener has", [f.hex() for f in frames],
                   [f.hex() for f in come(listener, len(frames), "copies on the bridge")])
            expect("packets forwarded", len(want),
                   rig.counters()["forwarded-packets"] - before)
        try:
            alone_and_together(once, dev="f0")
        finally:
            sender.close()
            listener.close()
            rig.h.cmd(["ip link del f0", "ip link del w0", "ip link del br0"] +
                      [f"ip link del b{i}" for i in range(3)])
    return test


def mirrored(family):
    """Invariants 25 and 26: tc mirrors what comes in on the NIC, and a packet socket
    listens there; both have it as it came."""
    def test():
        rig.nic.cmd([f"ip link add m0 type veth peer name m1 netns {rig.h.name}",
                     "ip link set m0 up", "tc qdisc add dev eth0 clsact",
                     "tc filter add dev eth0 ingress matchall action mirred egress mirror "
                     "dev m0"])
        rig.h.cmd("ip link set m1 up")
        mirror, tap = rig.h.packet_socket("m1"), rig.nic.packet_socket("eth0")
        packets = flow(family)
        frames = [frame(rig.pmac[0], rig.hmac[0], p) for p in packets]
        want = [(1, frame(rig.hmac[1], rig.pmac[1], forwarded(p)).hex()) for p in packets]

        def once():
            before = rig.counters()["forwarded-packets"]
            got = rig.exchange([(0, f) for f in frames], answers=len(want))
            expect("packets that were forwarded", want, [(w, f.hex()) for w, f in got])
            expect("packets forwarded by the data plane", len(want),
                   rig.counters()["forwarded-packets"] - before)
            for what, sock in (("the mirror", mirror), ("the packet socket", tap)):
                expect(f"frames that {what} has", [f.hex() for f in frames],
                       [f.hex() for f in come(sock, len(frames), f"frames for {what}")])
        try:
            alone_and_together(once)
        finally:
            mirror.close()
            tap.close()
            rig.nic.cmd(["tc qdisc del dev eth0 clsact", "ip link del m0"])
    return test


def broadcast():
    """Invariant 26: copies for the ports of one NIC. A tag of priority alone is taken off
    for each port, and stays for the NIC."""
    macs = [f"02:00:00:00:0f:0{i}" for i in range(4)]
    for i, address in enumerate(macs):
        rig.nic.cmd(f"ip link add link eth0 name c{i} address {address} "
                    f"netns {rig.r.name} type vrport")
    rig.r.batch([f"link set c{i} up" for i in range(4)])
    names = ["r0"] + [f"c{i}" for i in range(4)]
    number = 128 // len(names)
    socks = [rig.r.packet_socket(name) for name in names]
    host = rig.nic.packet_socket("eth0")
    # ARP for nobody here, as much as a queue for such packets takes
    plain = [eth("ff:ff:ff:ff:ff:ff", rig.hmac[0], 0x0806, struct.pack(
        "!HHBBH6s4s6s4s", 1, 0x800, 6, 4, 1, mac(rig.hmac[0]), bytes([10, 0, 0, 2]),
        bytes(6), bytes([10, 0, 0, 100 + i]))) for i in range(number)]
    tagged = [f[:12] + b"\x81\x00\xe0\x00" + f[12:] for f in plain]

    def once():
        rig.flush()
        for data in tagged:
            rig.send(0, data)
        for name, sock in zip(names, socks):
            expect(f"frames on {name}", [f.hex() for f in plain],
                   [f.hex() for f in come(sock, number, f"frames on {name}")])
        expect("frames on the NIC", [f.hex() for f in tagged],
               [f.hex() for f in come(host, number, "frames on the NIC")])
    try:
        alone_and_together(once)
    finally:
        for sock in socks + [host]:
            sock.close()
        rig.r.batch([f"link del c{i}" for i in range(4)])


# ---- room for headers ----------------------------------------------------------

NICS = {
    # kind: (how it is made, bytes before the inner frame, without the outer MAC header)
    "veth": ("", -14),
    "vxlan": ("type vxlan id 7 local 192.0.2.1 remote 192.0.2.2 dstport 4789 nolearning", 36),
    "geneve": ("type geneve id 7 remote 192.0.2.2 dstport 6081", 36),
    "gretap": ("type gretap local 192.0.2.1 remote 192.0.2.2 ttl 64", 24),
    "ip6gretap": ("type ip6gretap local 2001:db8:99::1 remote 2001:db8:99::2 encaplimit none",
                  44),
}


@contextlib.contextmanager
def stacked(kind, vlan=False):
    """A port "t0" of the router on NIC 2 or a tunnel over it, or on a VLAN of a VLAN on
    that, with a neighbour to send to; the routes lead there."""
    how, _ = NICS[kind]
    base = "tun0" if how else "eth2"
    nic = "low" if vlan else base
    rig.nic.sysctl("net.ipv6.conf.eth2.disable_ipv6", 0)
    rig.nic.batch(["addr add 192.0.2.1/24 dev eth2", "addr add 2001:db8:99::1/64 dev eth2 nodad",
                   f"neigh add 192.0.2.2 lladdr {rig.hmac[2]} dev eth2 nud permanent",
                   f"neigh add 2001:db8:99::2 lladdr {rig.hmac[2]} dev eth2 nud permanent"])
    try:
        if how:
            rig.nic.batch([f"link add tun0 {how}", "link set tun0 up"])
        else:
            # the tags are to need the room
            run("ethtool -K eth2 txvlan off", ns=rig.nic)
        if vlan:
            rig.nic.batch([f"link add link {base} name low type vlan id 5", "link set low up"])
        run(f"ip link add link {nic} name t0 address 02:00:00:00:10:01 netns {rig.r.name} "
            "type vrport" + (" vlan 6" if vlan else ""), ns=rig.nic)
        rig.r.batch(["link set t0 up", "addr add 10.7.0.1/24 dev t0",
                     "addr add 2001:db8:7::1/64 dev t0 nodad",
                     "neigh add 10.7.0.2 lladdr 02:00:00:00:10:02 dev t0 nud permanent",
                     "neigh add 2001:db8:7::2 lladdr 02:00:00:00:10:02 dev t0 nud permanent",
                     "route replace 198.51.100.0/24 via 10.7.0.2 dev t0",
                     "route replace 2001:db8:ff::/64 via 2001:db8:7::2 dev t0"])
        if rig.show()["state"] != "down":
            rig.sync()
        yield
    finally:
        rig.r.batch(["link del t0"], force=True)
        rig.nic.batch(["link del low", "link del tun0", "addr del 192.0.2.1/24 dev eth2"],
                      force=True)
        run("ethtool -K eth2 txvlan on", ns=rig.nic)
        rig.nic.sysctl("net.ipv6.conf.eth2.disable_ipv6", 1)
        rig.r.batch(["route replace 198.51.100.0/24 via 10.0.1.2",
                     "route replace 2001:db8:ff::/64 via 2001:db8:1::2"])
        if rig.show()["state"] != "down":
            rig.sync()


def headroom(kind, vlan):
    """Invariant 35: out through a port on a device that adds headers, frames that have
    next to no room for any: those of a packet socket have two bytes. Behind a port on a
    tunnel they are the stack's."""
    tunnel = kind != "veth"

    def test():
        packets = [packet(SRC[f], FAR[f], data=bytes(range(n % 256)) * (n // 256 + 1),
                          sport=2000 + n) for f in (4, 6) for n in (1, 40, 255, 600)]
        frames = [frame(rig.pmac[0], rig.hmac[0], p) for p in packets]
        inner = [frame("02:00:00:00:10:02", "02:00:00:00:10:01", forwarded(p))
                 for p in packets]
        at = 14 + NICS[kind][1]
        if vlan:
            inner = [f[:12] + b"\x81\x00\x00\x05\x81\x00\x00\x06" + f[12:] for f in inner]

        def once():
            before, got = rig.counters(), []
            for data in frames:
                rig.send(0, data)

            def all_there():
                # the port says by itself that it is there
                got.extend((w, f) for w, f in rig.exchange([]) if
                           f[at:at + 6] == mac("02:00:00:00:10:02"))
                return len(got) >= len(frames)
            wait("frames", all_there)
            expect("wires", {2}, {w for w, _ in got})
            expect("inner frames", [f.hex() for f in inner], [f[at:].hex() for _, f in got])
            if tunnel:
                expect("outer addresses", {mac(rig.hmac[2]).hex()},
                       {f[:6].hex() for _, f in got})
            after = rig.counters()
            expect("packets forwarded by the data plane, and punted",
                   (0, len(frames)) if tunnel else (len(frames), 0),
                   (after["forwarded-packets"] - before["forwarded-packets"],
                    after["punt"].get("encap", 0) - before["punt"].get("encap", 0)))
        with skip_without(kind), stacked(kind, vlan):
            alone_and_together(once)
    return test


@contextlib.contextmanager
def skip_without(kind):
    try:
        yield
    except Failure as e:
        if "Unknown device type" in str(e) or "not supported" in str(e):
            raise Skip(f"no {kind} here") from e
        raise


def tunnel_too_big(kind):
    """Invariant 43: a path MTU that a tunnel finds below it reaches the sender as it
    does behind plain Linux: with the first packet, or when it has been learned."""
    def test():
        frames = [(0, frame(rig.pmac[0], rig.hmac[0], p)) for _ in range(2) for p in (
            packet(SRC[4], FAR[4], b"b" * 1372, frag=0x4000),
            packet(SRC[6], FAR[6], b"b" * 1352))]
        ways = [f"{ip} dev eth2 mtu 1400" for ip in ("192.0.2.2", "2001:db8:99::2")]

        def answers():
            with stacked(kind):
                rig.nic.batch(f"route add {way}" for way in ways)
                got = [neutral(f, [socket.inet_aton("10.0.0.1")])
                       for one in frames for w, f in rig.exchange([one]) if w == 0]
                rig.nic.batch(f"route del {way}" for way in ways)
            return [f.hex() for f in got]
        with skip_without(kind):
            rig.down()
            try:
                want = answers()
            finally:
                rig.up()
            # vxlan and geneve tell IPv4 only what came over a bridge
            expect("protocols of plain Linux's answers",
                   {"0800", "86dd"} if "gre" in kind else {"86dd"}, {f[24:28] for f in want})
            expect("answers, as plain Linux", want, answers())
    return test


def tunnel_joins():
    """A port on a bridge is on a tunnel for as long as the bridge is."""
    def reason():
        return rig.lookup("198.51.100.7").get("reason")
    rig.nic.batch(["link add b9 type bridge", "link set b9 up",
                   "link add d9 type dummy", "link set d9 up master b9",
                   "link add v9 type vxlan id 9 remote 192.0.2.9 dstport 4789",
                   f"link add link b9 name t9 netns {rig.r.name} type vrport"])
    try:
        rig.r.batch(["link set t9 up", "addr add 10.9.0.1/24 dev t9",
                     "neigh add 10.9.0.2 lladdr 02:00:00:00:10:02 dev t9 nud permanent",
                     "route replace 198.51.100.0/24 via 10.9.0.2"])
        rig.sync()
        expect("reason before", None, reason())
        for master, want in (("master b9", "encap"), ("nomaster", None),
                             ("master b9", "encap")):
            run(f"ip link set v9 {master}", ns=rig.nic)
            expect(f"reason with {master}", want, reason())
        run("ip link del v9", ns=rig.nic)
        expect("reason without the tunnel", None, reason())
    finally:
        rig.nic.batch(["link del v9", "link del b9", "link del d9"], force=True)
        rig.r.batch(["route replace 198.51.100.0/24 via 10.0.1.2"])
        rig.sync()


# ---- notes beside the packet -----------------------------------------------------

def no_options(got):
    """All packets of these frames have a plain header."""
    for wire, data in got:
        version = data[14]
        if data[12:14] == b"\x08\x00" and version != 0x45 or \
           data[12:14] == b"\x86\xdd" and data[20] not in (17, 58, 44):
            raise Failure(f"wire {wire}: expected a packet without options, actual {data.hex()}")


def as_the_stack(name, packets, number):
    """Invariant 38: packets that are punted from the queue, where the data plane noted
    things beside them; the stack answers, or makes fragments, as if they had come from
    the NIC: without options."""
    def test():
        frames = [(0, frame(rig.pmac[0], rig.hmac[0], p)) for p in packets]
        own = [socket.inet_aton(f"10.0.{i}.1") for i in range(3)]

        def answers():
            got = rig.exchange(frames, answers=number)
            return [(w, neutral(f, own)) for w, f in got]
        rig.down()
        want = answers()
        rig.up()
        expect(f"{name}: frames of plain Linux", number, len(want))
        no_options(want)

        def once():
            before = rig.counters()
            got = answers()
            no_options(got)
            expect(f"{name}, as plain Linux", text(want), text(got))
            after = rig.counters()
            expect("packets punted", len(frames),
                   after["punted-packets"] - before["punted-packets"])
        alone_and_together(once)
    return test


def punted():
    """(name, packets, frames that come of them)"""
    for f in (4, 6):
        yield f"IPv{f} time exceeded", flow(f, **{{4: "ttl", 6: "hlim"}[f]: 1}), MANY
        yield (f"IPv{f} unreachable", [packet(SRC[f], {4: "203.0.113.9", 6: "2001:dba::9"}[f],
                                              sport=1000 + i) for i in range(MANY)], MANY)
    yield ("IPv4 too big", [packet(SRC[4], "198.51.101.7", b"b" * 1400, sport=1000 + i,
                                   frag=0x4000) for i in range(MANY)], MANY)
    yield ("IPv6 too big", [packet(SRC[6], "2001:db8:fe::7", b"b" * 1400, sport=1000 + i)
                            for i in range(MANY)], MANY)
    yield ("IPv4 fragments", [packet(SRC[4], "198.51.101.7", bytes([i]) * 1400, sport=1000 + i)
                              for i in range(MANY)], 2 * MANY)


@contextlib.contextmanager
def bonded():
    """A port "t0" of the router on a bond of one queue, over a NIC of four."""
    rig.nic.batch(["link add s0 numtxqueues 4 type veth peer name s1 numrxqueues 4 "
                   f"netns {rig.h.name}",
                   "link add bd0 numtxqueues 1 type bond mode active-backup miimon 50"])
    try:
        rig.h.batch(["link set s1 up"])
        rig.nic.cmd(["ip link set s0 master bd0", "ip link set s0 up", "ip link set bd0 up",
                     "tc qdisc add dev s0 root handle 1: mq"])
        run(f"ip link add link bd0 name t0 netns {rig.r.name} type vrport", ns=rig.nic)
        rig.r.sysctl("net.ipv6.conf.t0.disable_ipv6", 1)
        rig.r.batch(["link set t0 up", "addr add 10.7.0.1/24 dev t0",
                     "neigh add 10.7.0.2 lladdr 02:00:00:00:10:02 dev t0 nud permanent",
                     "route replace 198.51.100.0/24 via 10.7.0.2 dev t0"])
        wait("carrier", lambda: "LOWER_UP" in run("ip link show t0", ns=rig.r))
        rig.sync()
        yield
    finally:
        rig.r.batch(["link del t0"], force=True)
        rig.nic.batch(["link del bd0", "link del s0"], force=True)
        rig.r.batch(["route replace 198.51.100.0/24 via 10.0.1.2"])
        rig.sync()


def below_a_bond():
    """Invariant 38: what chooses a queue below a bond of a single one finds no note of
    the data plane's, and chooses as it would for plain Linux."""
    frames = [(0, frame(rig.pmac[0], rig.hmac[0], p)) for p in flow(4)]

    def queues():
        return [q["packets"] for q in json.loads(run("tc -j -s qdisc show dev s0", ns=rig.nic))
                if q.get("parent", "").startswith("1:")]

    def chosen(sock):
        before = queues()
        rig.exchange(frames, answers=0)
        come(sock, len(frames), "packets below the bond")
        return [n - m for m, n in zip(before, queues())]
    with bonded(), contextlib.closing(rig.h.packet_socket("s1")) as sock:
        rig.down()
        slow = chosen(sock)
        rig.up()
        if max(slow) == len(frames):
            raise Failure(f"packets in each queue: expected in more than one, actual {slow}")

        def once():
            before = rig.counters()["forwarded-packets"]
            fast = chosen(sock)
            expect("packets forwarded by the data plane", len(frames),
                   rig.counters()["forwarded-packets"] - before)
            expect("packets in each queue, as plain Linux", slow, fast)
        alone_and_together(once)


def shaped_by_ifb(family):
    """What ifb gave back has not been through netfilter's egress hook of the NIC that it
    leaves by."""
    def test():
        frames = [(0, frame(rig.pmac[0], rig.hmac[0], p)) for p in flow(family)]
        rig.nic.cmd(["ip link add ifb9 up type ifb", "tc qdisc add dev eth0 clsact",
                     "tc filter add dev eth0 ingress matchall action mirred egress redirect "
                     "dev ifb9", "nft add table netdev f",
                     "nft add chain netdev f out { type filter hook egress device eth1 "
                     "priority 0 ; }", "nft add rule netdev f out counter"])

        def once():
            chain = json.loads(run("nft -j list chain netdev f out", ns=rig.nic))["nftables"]
            before, forwarded_before = counted(chain), rig.counters()["forwarded-packets"]
            expect("frames", len(frames), len(rig.exchange(frames, answers=len(frames))))
            expect("packets forwarded by the data plane", len(frames),
                   rig.counters()["forwarded-packets"] - forwarded_before)
            chain = json.loads(run("nft -j list chain netdev f out", ns=rig.nic))["nftables"]
            expect("packets that the hook has seen", len(frames), counted(chain) - before)

        def counted(chain):
            return sum(e["counter"]["packets"] for part in chain if "rule" in part
                       for e in part["rule"]["expr"] if "counter" in e)
        try:
            alone_and_together(once)
        finally:
            rig.nic.cmd(["nft delete table netdev f", "tc qdisc del dev eth0 clsact",
                         "ip link del ifb9"])
    return test


def small_way():
    rig.r.batch(["route add 198.51.101.0/24 via 10.0.1.2 mtu lock 1300",
                 "route add 2001:db8:fe::/64 via 2001:db8:1::2 mtu 1300"])
    rig.sync()


# ---- what a packet says of its way ---------------------------------------------

# of struct __sk_buff: (offset, size)
FIELDS = {"pkt_type": (4, 4), "mark": (8, 4), "queue": (12, 4), "protocol": (16, 4),
          "vlan_present": (20, 4), "priority": (32, 4), "input device": (36, 4),
          "device": (40, 4), "tstamp": (152, 8), "gso_segs": (164, 4)}
SLOTS = {name: 8 * i for i, name in enumerate(FIELDS)}
COUNT = 8 * len(FIELDS)


def bpf(cmd, fields):
    """The system call; fields: the beginning of union bpf_attr."""
    libc = ctypes.CDLL(None, use_errno=True)
    buf = ctypes.create_string_buffer(fields, 128)
    fd = libc.syscall(321, cmd, buf, 128)
    if fd < 0:
        raise Skip(f"bpf command {cmd}: {os.strerror(ctypes.get_errno())}")
    return fd


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("=BBhi", code, src << 4 | dst, off, imm)


class Spy:
    """A program at a device's egress that notes what the last packet says."""

    PIN = f"/sys/fs/bpf/vrouter-packets-{os.getpid()}"

    def __init__(self, ns, dev):
        self.ns, self.dev = ns, dev
        self.map = bpf(0, struct.pack("=IIII", 2, 4, COUNT + 8, 1))   # an array of one
        code = insn(0xbf, 6, 1) + insn(0x62, 10, 0, -4) + \
            insn(0x18, 1, 1, 0, self.map) + insn(0) + insn(0xbf, 2, 10) + \
            insn(0x07, 2, 0, 0, -4) + insn(0x85, imm=1) + \
            insn(0x55, 0, 0, 2) + insn(0xb7, 0, imm=-1) + insn(0x95)
        for name, (off, size) in FIELDS.items():
            code += insn(0x61 if size == 4 else 0x79, 2, 6, off) + insn(0x7b, 0, 2, SLOTS[name])
        code += insn(0x79, 2, 0, COUNT) + insn(0x07, 2, imm=1) + insn(0x7b, 0, 2, COUNT)
        code += insn(0xb7, 0, imm=-1) + insn(0x95)
        insns, gpl = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
        prog = bpf(5, struct.pack("=IIQQ", 3, len(code) // 8, ctypes.addressof(insns),
                                  ctypes.addressof(gpl)))
        path = ctypes.create_string_buffer(self.PIN.encode())
        bpf(6, struct.pack("=QI", ctypes.addressof(path), prog))
        os.close(prog)
        ns.cmd([f"tc qdisc add dev {dev} clsact",
                f"tc filter add dev {dev} egress bpf da object-pinned {self.PIN}"])

    def read(self):
        """(packets, {field: value})"""
        key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(COUNT + 8)
        bpf(1, struct.pack("=IxxxxQQQ", self.map, ctypes.addressof(key),
                           ctypes.addressof(value), 0))
        numbers = struct.unpack(f"={len(FIELDS) + 1}Q", value.raw[:COUNT + 8])
        return numbers[-1], dict(zip(FIELDS, numbers))

    def close(self):
        self.ns.cmd(f"tc qdisc del dev {self.dev} clsact")
        os.unlink(self.PIN)
        os.close(self.map)


class Trace:
    """A tracepoint where the stack gives packets to a driver."""

    DIR = f"/sys/kernel/tracing/instances/vrouter-packets-{os.getpid()}"
    EVENT = DIR + "/events/net/net_dev_start_xmit/"

    def __init__(self, dev):
        try:
            os.mkdir(self.DIR)
        except OSError as e:
            raise Skip(f"tracing: {e}") from e
        put(self.EVENT + "filter", f'name == "{dev}"')
        put(self.EVENT + "enable", "1")

    def transport(self):
        """Where the transport headers of the packets since the last time begin."""
        with open(self.DIR + "/trace", encoding="ascii") as f:
            got = re.findall(r"transport_offset_valid=(\d+) transport_offset=(\d+)", f.read())
        put(self.DIR + "/trace", "")
        return [int(at) if valid == "1" else None for valid, at in got]

    def close(self):
        os.rmdir(self.DIR)


def its_way(family, vrf):
    """Invariant 34: what a packet says of its way when it leaves is what it would say
    behind plain Linux. It comes by one of many queues."""
    def test():
        here = Rig(2, vrf=vrf, queues=4)
        try:
            the_same_is_said(here, family)
        finally:
            here.gone()
    return test


def the_same_is_said(here, family):
    key = {4: "tos", 6: "tc"}[family]
    packets = [packet(SRC[family], FAR[family], **{key: value})
               for value in (0, 0x08, 0x10, 0xb8)]
    # whoever sends a packet finds the transport header within
    packets.append({4: ip4, 6: ip6}[family](SRC[family], FAR[family], 4,
                                            packet("192.0.2.1", "192.0.2.2")))
    if family == 6:
        packets.append(ip6(SRC[6], FAR[6], 58, icmp6(SRC[6], FAR[6], 135, 0, bytes(4),
                                                     addr(FAR[6]))))
    here.r.batch([f"route add {here.table} 198.51.100.0/24 via 10.0.1.2",
                  f"route add {here.table} 2001:db8:ff::/64 via 2001:db8:1::2"])
    here.sync()
    came = "red" if here.vrf else "r0"
    index = {name: int(run(f"ip -o link show {name}", ns=ns).split(":")[0])
             for ns, name in ((here.r, came), (here.nic, "eth1"))}
    here.h.cmd(["tc qdisc add dev p0 clsact",
                "tc filter add dev p0 egress matchall action skbedit queue_mapping 3"])
    here.nic.cmd(["tc qdisc add dev eth0 clsact",
                  "tc filter add dev eth0 ingress matchall action skbedit mark 7 priority 5"])

    def once(data, fast):
        before, n = here.counters()["forwarded-packets"], spy.read()[0]
        trace.transport()
        got = here.exchange([(0, frame(here.pmac[0], here.hmac[0], data))], answers=1)
        expect("packets on the wire", [1], [w for w, _ in got])
        expect("packets forwarded by the data plane", int(fast),
               here.counters()["forwarded-packets"] - before)
        count, one = spy.read()
        one["transport headers"] = trace.transport()
        return one if count - n == len(one["transport headers"]) == 1 else None

    def what_it_says(fast):
        said = []
        for update in (1, 0):
            here.r.sysctl("net.ipv4.ip_forward_update_priority", update)
            for i, data in enumerate(packets):
                said.append((update, i, wait("silence of the router's own stack",
                                             lambda data=data: once(data, fast))))
        return said
    with contextlib.closing(Spy(here.nic, "eth1")) as spy, \
            contextlib.closing(Trace("eth1")) as trace:
        fast = what_it_says(True)
        here.down()
        slow = what_it_says(False)
    for one, other in zip(slow, fast):
        expect(f"ip_forward_update_priority {one[0]}, packet {one[1]}", one[2], other[2])
    expect("mark, queue, input device, device, time stamp, transport headers",
           (7, 0, index[came], index["eth1"], 0, [{4: 34, 6: 54}[family]]),
           tuple(fast[0][2][name] for name in (
               "mark", "queue", "input device", "device", "tstamp", "transport headers")))
    # by the type of service, or as it came
    want = [0, 2, 6, 4, 0] + [5] * 5 if family == 4 else [5] * len(fast)
    expect("priorities", want, [one[2]["priority"] for one in fast])


def tagged():
    """A tag of priority within another one makes no control packet of what
    is in it. The flow keeps its order where the control packets before it, which are
    more than the data, still wait."""
    def frames():
        for _ in range(60):
            yield eth(rig.pmac[0], rig.hmac[0], 0x88b5, bytes(46))
        for i, ip in enumerate(flow(4)):
            tags = bytes.fromhex("8100e0008100e000") if i & 1 else b""
            yield mac(rig.pmac[0]) + mac(rig.hmac[0]) + tags + b"\x08\0" + ip
    out = rig.h.packet_socket("p1")
    with contextlib.closing(out), together(rig.h, "p0"):
        before = rig.counters()["punt"].get("vlan", 0)
        for one in frames():
            rig.send(0, one)
        got = come(out, MANY, "frames on wire 1")
    expect("source ports, in order", list(range(1000, 1000 + MANY)),
           [struct.unpack("!H", f[34:36])[0] for f in got])
    expect("frames that were punted for their tag", MANY // 2,
           rig.counters()["punt"].get("vlan", 0) - before)


def tests():
    yield "a router", start
    yield "tags of priority, between other frames of their flow", tagged
    for f in (4, 6):
        yield f"a bridge floods to ports, IPv{f}", flooded(f)
        yield f"a mirror and a packet socket, IPv{f}", mirrored(f)
    yield "broadcasts for many ports", broadcast
    for kind in NICS:
        yield f"a port on {kind}", headroom(kind, False)
        yield f"a port on VLANs on {kind}", headroom(kind, True)
    for kind in list(NICS)[1:]:
        yield f"too big for what is below {kind}", tunnel_too_big(kind)
    yield "a bridge gets a tunnel", tunnel_joins
    yield "queues below a bond", below_a_bond
    for f in (4, 6):
        yield f"netfilter's egress hook after ifb, IPv{f}", shaped_by_ifb(f)
    yield "a way with a small MTU", small_way
    for name, packets, number in punted():
        yield name, as_the_stack(name, packets, number)
    for f in (4, 6):
        yield f"what a packet says of its way, IPv{f}", its_way(f, False)
        yield f"what a packet says of its way through a VRF, IPv{f}", its_way(f, True)


if __name__ == "__main__":
    main(list(tests()))
