# SPDX-License-Identifier: GPL-2.0
"""The cases of punt.py: a reason, a packet for it, what comes out, and how to get there
and back."""
import ctypes
import os
import socket
import struct
from collections import namedtuple

from vrtest import (Failure, Skip, addr, eth, expect, forwarded, frame, icmp4, icmp6, ip4, ip6,
                    packet, run, text, udp, wait)

from .packets import (A4, A6, FAR4, FAR6, H, P, anywhere, arp, arp_reply, bad, bad6, echo4,
                      echo6, error, error4, error6, fragments, nothing, on0, redirect4,
                      redirect6, reply, through, v4, v6)

REAL = ["ip route add {T} 198.51.100.0/24 via 10.0.1.2",
        "ip -6 route add {T} 2001:db8:ff::/64 via 2001:db8:1::2"]


# --- things that need more than a command: functions of the rig ---------------

def host(line):
    return lambda rig: rig.h.cmd(line)


def nic(line):
    return lambda rig: rig.nic.cmd(line)


def need(path, what):
    def check(_):
        if not os.path.exists(path):
            raise Skip(f"this kernel has no {what}")
    return check


def link_state(dst, down):
    def act(rig):
        wait(f"carrier {'lost' if down else 'back'}", lambda: down == (
            "linkdown" in run(f"ip route show {rig.table} {dst}", ns=rig.r)))
    return act


def learn4(rig):
    """Frag needed about an answer of the router's: path MTU 1300."""
    quote = ip4("10.0.1.1", FAR4, 1, icmp4(0))
    rig.exchange([(1, frame(P[1], H[1], ip4(FAR4, "10.0.1.1", 1, icmp4(
        3, 4, struct.pack("!HH", 0, 1300), quote))))])
    out = run(f"ip route get {FAR4}", ns=rig.r)
    if "1300" not in out:
        raise Failure(f"path MTU: expected 1300, actual {out}")


def learn6(rig):
    quote = ip6("2001:db8:1::1", FAR6, 58, icmp6("2001:db8:1::1", FAR6, 129))
    rig.exchange([(1, frame(P[1], H[1], ip6(FAR6, "2001:db8:1::1", 58, icmp6(
        FAR6, "2001:db8:1::1", 2, 0, struct.pack("!I", 1300), quote))))])
    out = run(f"ip -6 route get {FAR6}", ns=rig.r)
    if "1300" not in out:
        raise Failure(f"path MTU: expected 1300, actual {out}")


def bpf(cmd, attr):
    libc = ctypes.CDLL(None, use_errno=True)
    buf = ctypes.create_string_buffer(attr, max(len(attr), 128))
    fd = libc.syscall(321, cmd, buf, len(buf))
    if fd < 0:
        raise Skip(f"bpf command {cmd}: {os.strerror(ctypes.get_errno())}")
    return fd


held = []


def program(kind, *insns):
    """A BPF program of (code, destination, source, offset, immediate)s."""
    code = ctypes.create_string_buffer(b"".join(
        struct.pack("<BBhi", op, src << 4 | dst, off, imm) for op, dst, src, off, imm in insns))
    lic = ctypes.create_string_buffer(b"GPL")
    held.append(bpf(5, struct.pack("<IIQQ", kind, len(insns), ctypes.addressof(code),
                                   ctypes.addressof(lic))))
    return held[-1]


def attach(prog, ns, name, where, flags=0):
    """BPF_LINK_CREATE on a device, by the type of the attachment."""
    with ns:
        index = socket.if_nametoindex(name)
        held.append(bpf(28, struct.pack("<IIII", prog, index, where, flags)))


def xdp_attach(name):
    """A generic XDP program that passes everything."""
    def act(rig):
        # BPF_XDP, XDP_FLAGS_SKB_MODE
        attach(program(6, (0xb7, 0, 0, 0, 2), (0x95, 0, 0, 0, 0)), rig.r, name, 37, 2)
    return act


def give_socket(rig):
    """A program on the first NIC gives each packet to a socket there, as for a
    transparent proxy."""
    with rig.nic:
        held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    held[-1].bind(("0.0.0.0", 7777))
    attach(program(
        3,
        (0xbf, 6, 1, 0, 0),                             # r6 = skb
        (0x62, 10, 0, -12, 0), (0x62, 10, 0, -8, 0x0100007f),   # any to 127.0.0.1
        (0x62, 10, 0, -4, socket.htons(7777) << 16),    # port 7777
        (0xbf, 2, 10, 0, 0), (0x07, 2, 0, 0, -12), (0xb7, 3, 0, 0, 12),
        (0xb7, 4, 0, 0, -1), (0xb7, 5, 0, 0, 0), (0x85, 0, 0, 0, 85),   # bpf_sk_lookup_udp()
        (0x15, 0, 0, 7, 0),                             # none: pass
        (0xbf, 7, 0, 0, 0), (0xbf, 1, 6, 0, 0), (0xbf, 2, 7, 0, 0),
        (0xb7, 3, 0, 0, 0), (0x85, 0, 0, 0, 124),       # bpf_sk_assign()
        (0xbf, 1, 7, 0, 0), (0x85, 0, 0, 0, 86),        # bpf_sk_release()
        (0xb7, 0, 0, 0, -1), (0x95, 0, 0, 0, 0)),       # TCX_NEXT
        rig.nic, "eth0", 46)                            # BPF_TCX_INGRESS


def release(_=None):
    while held:
        fd = held.pop()
        if isinstance(fd, int):
            os.close(fd)
        else:
            fd.close()


# --- the table ---------------------------------------------------------------

Case = namedtuple("Case", "reason name frames out setup undo other again vrf n",
                  defaults=((), (), {}, (), True, None))
NFT = "nft add table {0} t; add chain {0} t c {{ type {1} hook {2} {3} priority 0; }}"
TWO4 = ["ip route add {T} 198.51.102.0/24 nexthop via 10.0.1.2 nexthop via 10.0.2.2"]
NO4 = ["ip route del {T} 198.51.102.0/24"]
TWO6 = ["ip -6 route add {T} 2001:db8:a2::/64 nexthop via 2001:db8:1::2 "
        "nexthop via 2001:db8:2::2"]
NO6 = ["ip -6 route del {T} 2001:db8:a2::/64"]
MANY4 = [v4("198.51.102.5", sport=i) for i in range(1, 9)]
MANY6 = [v6("2001:db8:a2::5", sport=i, flow=i) for i in range(1, 9)]
BOTH = [v4(), v6()]
BIG4, BIG6 = b"B" * 1472, b"B" * 1452
FE = "fe80::200:ff:fe00:20"


GROUP = "03:00:5e:11:22:33"
LOCAL99 = [f"ip neigh replace fe80::99 lladdr {H[3]} dev r{i} nud permanent"
           for i in range(3)]
JUMBO = [nic("ip link set eth0 mtu 4000"), host("ip link set p0 mtu 4000"),
         "ip link set r0 mtu 4000"]
NORMAL = ["ip link set r0 mtu 1500", nic("ip link set eth0 mtu 1500"),
          host("ip link set p0 mtu 1500")]


def route(kind):
    return ([f"ip route add {{T}} {kind} 198.51.101.0/24",
             f"ip -6 route add {{T}} {kind} 2001:db8:a1::/64"],
            ["ip route del {T} 198.51.101.0/24",
             "ip -6 route del {T} 2001:db8:a1::/64"])


X4, X6 = v4("198.51.101.5"), v6("2001:db8:a1::5")
CASES = [
    # what is not IP, or not for the router as a frame
    Case("not-ip", "ARP request to the port", [(0, arp(
        1, H[0], A4, "00:00:00:00:00:00", "10.0.0.1", P[0]))], arp_reply),
    Case("not-ip", "unknown type", [(0, eth(P[0], H[0], 0x88b5, bytes(46)))], nothing),
    Case("not-ip", "LLC", [(0, eth(P[0], H[0], 40, b"\xaa\xaa\3" + bytes(43)))], nothing),
    Case("l2", "ARP request to all", [(0, arp(
        1, H[0], A4, "00:00:00:00:00:00", "10.0.0.1", "ff:ff:ff:ff:ff:ff"))], arp_reply),
    Case("l2", "IPv4 in a broadcast frame",
         [on0(packet(A4, FAR4), "ff:ff:ff:ff:ff:ff")], nothing),
    Case("l2", "IPv4 in a multicast frame",
         [on0(packet(A4, FAR4), "01:00:5e:00:00:01")], nothing),
    Case("l2", "IPv6 in a multicast frame",
         [on0(packet(A6, FAR6), "33:33:00:00:00:01")], nothing),
    # one that is down, so that its packets end there
    Case("vlan", "tagged frame for a VLAN device",
         [on0(packet(A4, FAR4), vlan=77), on0(packet(A6, FAR6), vlan=77)], nothing,
         ["ip link add link r0 name r0.77 type vlan id 77"], ["ip link del r0.77"]),
    Case(None, "priority tag of VLAN 0", [on0(packet(A4, FAR4), vlan=0x6000)],
         lambda s, g: expect("frames", text([(1, frame(H[1], P[1], forwarded(
             packet(A4, FAR4))))]), text(g))),
    # headers
    Case("header", "IPv4 checksum", [bad(bad=0x100)], nothing),
    Case("header", "IPv4 version 5", [bad(version=5)], nothing),
    Case("header", "IPv4 header of 16 bytes", [bad(ihl=4)], nothing),
    Case("header", "IPv4 longer than the frame", [bad(length=61)], nothing),
    Case("header", "IPv4 shorter than its header", [bad(length=19)], nothing),
    Case("header", "IPv4 cut short", [(0, eth(P[0], H[0], 0x800, b"\x45" + bytes(9)))],
         nothing),
    Case("header", "IPv6 version 4", [bad6(version=4)], nothing),
    Case("header", "IPv6 longer than the frame", [bad6(length=41)], nothing),
    Case("header", "IPv6 cut short", [(0, eth(P[0], H[0], 0x86dd, b"\x60" + bytes(20)))],
         nothing),
    Case("options", "IPv4 no operation", [bad(options=b"\1\1\1\0")],
         lambda s, g: expect("wires", [1], [i for i, _ in g])),
    Case("options", "IPv4 record route", [bad(options=b"\7\7\4\0\0\0\0\0")],
         lambda s, g: expect("recorded", [bytes([10, 0, 1, 1])],
                             [f[37:41] for _, f in g])),
    Case("options", "IPv4 router alert", [bad(options=b"\x94\4\0\0")],
         lambda s, g: expect("wires", [1], [i for i, _ in g])),
    Case("options", "IPv4 option that is wrong", [bad(options=b"\7\1\4\0")],
         error(12, 0, 0x14000000)),
    Case("options", "IPv6 hop-by-hop", [on0(ip6(A6, FAR6, 0, b"\x11\0\1\4" +
                                                bytes(4) + udp(A6, FAR6)))], through()),
    Case("options", "IPv6 hop-by-hop that must be known",
         [on0(ip6(A6, FAR6, 0, b"\x11\0\x9e\4" + bytes(4) + udp(A6, FAR6)))],
         error(4, 2, 42)),
    Case("ttl", "IPv4 TTL 1", [v4(ttl=1)], error(11, 0)),
    Case("ttl", "IPv4 TTL 0", [v4(ttl=0)], error(11, 0)),
    Case("ttl", "IPv4 TTL 1 in an ICMP error", [on0(ip4(
        A4, FAR4, 1, icmp4(3, 1, bytes(4), packet(FAR4, A4)), ttl=1))], nothing),
    Case("ttl", "IPv4 TTL 1 in a later fragment", [on0(ip4(
        A4, FAR4, payload=bytes(16), ttl=1, frag=0x10))], nothing),
    Case("ttl", "IPv6 hop limit 1", [v6(hlim=1)], error(3, 0)),
    Case("ttl", "IPv6 hop limit 0", [v6(hlim=0)], error(3, 0)),
    # addresses
    *(Case("martian", f"source {a}", [v4(src=a)], nothing) for a in (
        "127.0.0.1", "127.255.255.255", "0.0.0.0", "224.0.0.1",
        "239.255.255.255", "255.255.255.255")),
    Case("martian", "source 10.0.0.1, the router's", [v4(src="10.0.0.1")], nothing),
    Case("martian", "source 10.0.2.1, the router's", [v4(src="10.0.2.1")], nothing),
    *(Case("martian", f"destination {a}", [v4(a)], nothing) for a in (
        "127.0.0.1", "127.9.9.9", "0.0.0.0")),
    Case(None, "source 0.1.2.3", [v4(src="0.1.2.3")], through()),
    Case("no-route", "destination 0.1.2.3", [v4("0.1.2.3")], error(3, 0), vrf=False),
    *(Case("martian", f"source {a}", [v6(src=a)], nothing) for a in (
        "::", "::1", "ff02::1", "ff0e::1")),
    Case("martian", "source fe80::99", [v6(src="fe80::99")], None, LOCAL99),
    *(Case("martian", f"destination {a}", [v6(a)], None) for a in ("::", "::1")),
    # a source may be redirected once a second, and an error counts as well
    Case("martian", "destination fe80::99", [v6("fe80::99")], None,
         LOCAL99 + ["sleep 1.1"], again=["sleep 1.1"]),
    Case(None, "source ::ffff:1.2.3.4, which plain Linux drops or not",
         [v6(src="::ffff:1.2.3.4")], None, n="any"),
    Case(None, "destination ::ffff:1.2.3.4",
         [v6("::ffff:1.2.3.4")], None, n="any",
         setup=["ip -6 route add {T} ::/0 via 2001:db8:1::2 metric 9"],
         undo=["ip -6 route del {T} ::/0 via 2001:db8:1::2 metric 9"]),
    Case("neighbour", "with a multicast address", [v4("10.0.1.78"), v6("2001:db8:1::78")],
         lambda s, g: expect("frames", text([(1, frame(GROUP, P[1], forwarded(f[14:])))
                                             for _, f in s]), text(g)),
         [f"ip neigh replace {a} lladdr {GROUP} dev r1 nud permanent"
          for a in ("10.0.1.78", "2001:db8:1::78")],
         [f"ip neigh del {a} dev r1" for a in ("10.0.1.78", "2001:db8:1::78")]),
    Case("local", "echo to the port", [echo4("10.0.0.1")], reply("10.0.0.1")),
    Case("local", "echo to another port", [echo4("10.0.1.1")], reply("10.0.1.1")),
    Case("local", "IPv6 echo to the port", [echo6("2001:db8:0::1")],
         reply("2001:db8:0::1")),
    Case("local", "IPv6 echo to another port", [echo6("2001:db8:1::1")],
         reply("2001:db8:1::1")),
    Case("local", "IPv6 echo to the routers' anycast address",
         [echo6("2001:db8:0::")], reply("2001:db8:0::1")),
    Case("local", "UDP to a closed port", [v4("10.0.0.1")], error(3, 3)),
    Case("local", "IPv6 UDP to a closed port", [v6("2001:db8:0::1")], error(1, 4)),
    Case("local", "any address of a local prefix", [echo4("198.51.104.44")],
         reply("198.51.104.44"), ["ip route add local 198.51.104.0/24 dev lo"],
         ["ip route del local 198.51.104.0/24 dev lo"], vrf=False),
    Case("local", "any IPv6 address of a local prefix", [echo6("2001:db8:a4::44")],
         reply("2001:db8:a4::44"), ["ip -6 route add local 2001:db8:a4::/64 dev lo"],
         ["ip -6 route del local 2001:db8:a4::/64 dev lo"], vrf=False),
    *(Case("local", f"{net} is replaced", [echo(dst)], reply(dst),
           [f"ip route add local {net} dev lo", f"ip route replace local {net} dev r1"],
           [f"ip route del local {net}"], vrf=False) for echo, net, dst in (
        (echo4, "198.51.104.0/24", "198.51.104.44"),
        (echo4, "198.51.104.44/32", "198.51.104.44"),
        (echo6, "2001:db8:a4::/64", "2001:db8:a4::44"),
        (echo6, "2001:db8:a4::44/128", "2001:db8:a4::44"))),
    Case(None, "next to a local prefix", [v4("198.51.100.44")], through(),
         ["ip route add local 198.51.104.0/24 dev lo"],
         ["ip route del local 198.51.104.0/24 dev lo"], vrf=False),
    *(Case("multicast", f"to {a}", [v4(a)], nothing) for a in (
        "224.0.0.5", "239.1.2.3", "255.255.255.255", "10.0.1.255", "10.0.0.255")),
    Case("multicast", "directed broadcast, switched on", [v4("10.0.1.255")],
         lambda s, g: expect("frames", [(1, "ff" * 6)], [(i, f[:6].hex()) for i, f in g]),
         ["sysctl net.ipv4.conf.all.bc_forwarding=1",
          "sysctl net.ipv4.conf.r0.bc_forwarding=1"],
         ["sysctl net.ipv4.conf.all.bc_forwarding=0",
          "sysctl net.ipv4.conf.r0.bc_forwarding=0"], vrf=False),
    *(Case("multicast", f"to {a}", [v6(a)], None) for a in (
        "ff02::5", "ff0e::1", "ff01::1")),
    # routes
    Case("no-route", "IPv4", [v4("192.0.2.1")], error(3, 0), vrf=False),
    Case("no-route", "IPv6", [v6("fd77::1")], error(1, 0), vrf=False),
    Case("route-type", "VRF without a route", [v4("192.0.2.1"), v6("fd77::1")],
         lambda s, g: expect("frames", 2, len(g)), vrf="only"),
    Case("route-type", "IPv4 blackhole", [X4], nothing, *route("blackhole")),
    Case("route-type", "IPv6 blackhole", [X6], nothing, *route("blackhole")),
    Case("route-type", "IPv4 unreachable", [X4], error(3, 1), *route("unreachable")),
    Case("route-type", "IPv6 unreachable", [X6], error(1, 0), *route("unreachable")),
    Case("route-type", "IPv4 prohibit", [X4], error(3, 13), *route("prohibit")),
    Case("route-type", "IPv6 prohibit", [X6], error(1, 1), *route("prohibit")),
    Case("route-type", "IPv4 throw", [X4], error(3, 0), *route("throw"), vrf=False),
    Case("route-type", "IPv6 throw", [X6], error(1, 0), *route("throw"), vrf=False),
    Case("route-type", "blackhole nexthop object", [X4, X6], nothing,
         ["ip nexthop add id 9 blackhole", "ip -6 nexthop add id 8 blackhole",
          "ip route add {T} 198.51.101.0/24 nhid 9",
          "ip -6 route add {T} 2001:db8:a1::/64 nhid 8"],
         ["ip nexthop del id 9", "ip nexthop del id 8"]),
    Case("route-unsupported", "by TOS", [v4("198.51.103.5", tos=0x10),
                                         v4("198.51.103.5")],
         lambda s, g: expect("wires", [1, 2], sorted(i for i, _ in g)),
         ["ip route add {T} 198.51.103.0/24 via 10.0.1.2",
          "ip route add {T} 198.51.103.0/24 tos 0x10 via 10.0.2.2"],
         ["ip route del {T} 198.51.103.0/24 tos 0x10",
          "ip route del {T} 198.51.103.0/24"]),
    Case("route-unsupported", "by source, after the one for all",
         [v6("2001:db8:a3::5"), v6("2001:db8:a3::5", src="2001:db8:77::1")],
         # plain Linux finds no route for others where there is one by source
         lambda s, g: expect("wires", [2], [i for i, _ in g if i]),
         ["ip -6 route add {T} 2001:db8:a3::/64 via 2001:db8:1::2",
          "ip -6 route add {T} 2001:db8:a3::/64 from 2001:db8:0::/64 via 2001:db8:2::2"],
         ["ip -6 route del {T} 2001:db8:a3::/64 from 2001:db8:0::/64",
          "ip -6 route del {T} 2001:db8:a3::/64"]),
    Case("route-unsupported", "by source, before the one for all",
         [v6("2001:db8:a3::5"), v6("2001:db8:a3::5", src="2001:db8:77::1")],
         lambda s, g: expect("wires", [2], [i for i, _ in g if i]),
         ["ip -6 route add {T} 2001:db8:a3::/64 from 2001:db8:0::/64 via 2001:db8:2::2",
          "ip -6 route add {T} 2001:db8:a3::/64 via 2001:db8:1::2"],
         ["ip -6 route del {T} 2001:db8:a3::/64 from 2001:db8:0::/64",
          "ip -6 route del {T} 2001:db8:a3::/64"]),
    Case("route-unsupported", "by source, under a default for all",
         [v6("2001:db8:a3::5"), v6("2001:db8:a3::5", src="2001:db8:77::1")],
         lambda s, g: expect("wires", [1, 2], sorted(i for i, _ in g)),
         ["ip -6 route add {T} 2001:db8:a3::/64 from 2001:db8:0::/64 via 2001:db8:2::2",
          "ip -6 route add {T} 2001:db8:a3::/48 via 2001:db8:1::2"],
         ["ip -6 route del {T} 2001:db8:a3::/64 from 2001:db8:0::/64",
          "ip -6 route del {T} 2001:db8:a3::/48"]),
    Case(None, "default route by source, a longer one for all",
         [v6("2001:db8:a3::5")], through(1),
         ["ip -6 route add {T} ::/0 from 2001:db8:0::/64 via 2001:db8:2::2",
          "ip -6 route add {T} 2001:db8:a3::/64 via 2001:db8:1::2"],
         ["ip -6 route del {T} ::/0 from 2001:db8:0::/64 via 2001:db8:2::2",
          "ip -6 route del {T} 2001:db8:a3::/64"], n="any"),
    Case("encap", "IPv4", [X4], through(),
         ["ip route add {T} 198.51.101.0/24 encap ip id 5 dst 10.0.1.2 via 10.0.1.2 dev r1"],
         ["ip route del {T} 198.51.101.0/24"]),
    Case("encap", "IPv6", [X6], through(),
         ["ip -6 route add {T} 2001:db8:a1::/64 encap ip6 id 5 dst 2001:db8:1::2 "
          "via 2001:db8:1::2 dev r1"], ["ip -6 route del {T} 2001:db8:a1::/64"]),
    Case("encap", "IPv4 nexthop object", [X4], through(),
         ["ip nexthop add id 9 encap ip id 5 dst 10.0.1.2 via 10.0.1.2 dev r1",
          "ip route add {T} 198.51.101.0/24 nhid 9"], ["ip nexthop del id 9"]),
    Case("nexthop-device", "IPv4 to a plain NIC", [X4],
         lambda s, g: expect("wires", [3], [i for i, _ in g]),
         ["ip route add 198.51.101.0/24 via 10.0.9.2"],
         ["ip route del 198.51.101.0/24"], vrf=False),
    Case("nexthop-device", "IPv6 to a plain NIC", [X6],
         lambda s, g: expect("wires", [3], [i for i, _ in g]),
         ["ip -6 route add 2001:db8:a1::/64 via 2001:db8:9::2"],
         ["ip -6 route del 2001:db8:a1::/64"], vrf=False),
    Case("nexthop-device", "nexthop object of a plain NIC", [X4],
         lambda s, g: expect("wires", [3], [i for i, _ in g]),
         ["ip nexthop add id 9 via 10.0.9.2 dev x0",
          "ip route add 198.51.101.0/24 nhid 9"], ["ip nexthop del id 9"], vrf=False),
    Case("nexthop-device", "a port of no router, in another domain", [X4],
         lambda s, g: expect("wires", [2], [i for i, _ in g]),
         ["ip link set r2 master red2",
          "ip route add 198.51.101.0/24 via 10.0.2.2 dev r2 onlink"],
         ["ip route del 198.51.101.0/24", "ip link set r2 nomaster",
          "ip -6 addr replace 2001:db8:2::1/64 dev r2 nodad",
          "ip neigh replace 10.0.2.2 lladdr " + H[2] + " dev r2 nud permanent",
          "ip neigh replace 2001:db8:2::2 lladdr " + H[2] + " dev r2 nud permanent"],
         vrf=False),
    Case("nexthop-dead", "link down", [X4, X6], nothing,
         ["ip route add {T} 198.51.101.0/24 via 10.0.2.2",
          "ip -6 route add {T} 2001:db8:a1::/64 via 2001:db8:2::2",
          host("ip link set p2 down"), link_state("198.51.101.0/24", True)],
         [host("ip link set p2 up"), link_state("198.51.101.0/24", False),
          "ip route del {T} 198.51.101.0/24", "ip -6 route del {T} 2001:db8:a1::/64"]),
    Case("nexthop-dead", "link down, to be passed over", [X4, X6], through(),
         ["sysctl net.ipv4.conf.r2.ignore_routes_with_linkdown=1",
          "sysctl net.ipv6.conf.r2.ignore_routes_with_linkdown=1",
          "ip route add {T} 198.51.101.0/24 via 10.0.2.2",
          "ip route add {T} 198.51.0.0/16 via 10.0.1.2",
          "ip -6 route add {T} 2001:db8:a1::/64 via 2001:db8:2::2",
          "ip -6 route add {T} 2001:db8:a1::/48 via 2001:db8:1::2",
          host("ip link set p2 down"), link_state("198.51.101.0/24", True)],
         [host("ip link set p2 up"), link_state("198.51.101.0/24", False),
          "ip route del {T} 198.51.101.0/24", "ip route del {T} 198.51.0.0/16",
          "ip -6 route del {T} 2001:db8:a1::/64",
          "ip -6 route del {T} 2001:db8:a1::/48",
          "sysctl net.ipv4.conf.r2.ignore_routes_with_linkdown=0",
          "sysctl net.ipv6.conf.r2.ignore_routes_with_linkdown=0"]),
    Case("exception", "IPv4 path MTU", [v4(data=b"p" * 1400)], through(), [learn4],
         ["ip route del {T} 198.51.100.0/24", REAL[0]], vrf=False),
    Case("exception", "IPv4 path MTU of another destination",
         [v4("198.51.100.8")], through(), [learn4],
         ["ip route del {T} 198.51.100.0/24", REAL[0]], vrf=False),
    Case("exception", "IPv4 path MTU, to be used", [v4(data=b"p" * 1400, frag=0x4000)],
         error(3, 4, 1300), [learn4, "sysctl net.ipv4.ip_forward_use_pmtu=1"],
         ["ip route del {T} 198.51.100.0/24", REAL[0],
          "sysctl net.ipv4.ip_forward_use_pmtu=0"], vrf=False),
    Case("exception", "IPv6 path MTU", [v6(data=b"p" * 1400)], error(2, 0, 1300),
         [learn6], ["ip -6 route flush cache",
                    lambda rig: wait("cache empty", lambda: not run(
                        "ip -6 route show cache", ns=rig.r).strip())], vrf=False),
    *(Case("multipath", f"IPv4 hash policy {p}", MANY4, anywhere,
           TWO4 + [f"sysctl net.ipv4.fib_multipath_hash_policy={p}",
                   "sysctl net.ipv4.fib_multipath_hash_fields=55"],
           NO4 + ["sysctl net.ipv4.fib_multipath_hash_policy=0"]) for p in (2, 3)),
    *(Case("multipath", f"IPv6 hash policy {p}", MANY6, anywhere,
           TWO6 + [f"sysctl net.ipv6.fib_multipath_hash_policy={p}",
                   "sysctl net.ipv6.fib_multipath_hash_fields=55"],
           NO6 + ["sysctl net.ipv6.fib_multipath_hash_policy=0"]) for p in (2, 3)),
    Case("multipath", "IPv4 ICMP error", [error4()], anywhere, TWO4, NO4),
    Case("multipath", "IPv6 ICMP error", [error6()], anywhere, TWO6, NO6),
    Case("multipath", "IPv6 ICMP error, hash policy 1", [error6()], anywhere,
         TWO6 + ["sysctl net.ipv6.fib_multipath_hash_policy=1"],
         NO6 + ["sysctl net.ipv6.fib_multipath_hash_policy=0"]),
    Case("multipath", "by neighbours", MANY4, anywhere,
         TWO4 + ["sysctl net.ipv4.fib_multipath_use_neigh=1"],
         NO4 + ["sysctl net.ipv4.fib_multipath_use_neigh=0"]),
    Case(None, "IPv4 ICMP error, hash policy 1", [error4()], anywhere,
         TWO4 + ["sysctl net.ipv4.fib_multipath_hash_policy=1"],
         NO4 + ["sysctl net.ipv4.fib_multipath_hash_policy=0"], n="any"),
    # the size
    Case("mtu", "IPv4 DF", [v4(data=BIG4, frag=0x4000)], error(3, 4, 1400),
         ["ip link set r1 mtu 1400"], ["ip link set r1 mtu 1500"]),
    Case("mtu", "IPv4 to fragment", [v4(data=BIG4)], fragments(2),
         ["ip link set r1 mtu 1400"], ["ip link set r1 mtu 1500"]),
    Case("mtu", "IPv4 to fragment often", [v4(data=BIG4)], fragments(3),
         ["ip link set r1 mtu 600"],
         ["ip link set r1 mtu 1500", "ip -6 addr replace 2001:db8:1::1/64 dev r1 nodad",
          f"ip -6 neigh replace 2001:db8:1::2 lladdr {H[1]} dev r1 nud permanent",
          REAL[1]]),
    Case(None, "IPv4 that just fits", [v4(data=b"f" * 1372, frag=0x4000)], through(),
         ["ip link set r1 mtu 1400"], ["ip link set r1 mtu 1500"]),
    Case("mtu", "IPv4 that just does not fit", [v4(data=b"f" * 1373, frag=0x4000)],
         error(3, 4, 1400), ["ip link set r1 mtu 1400"], ["ip link set r1 mtu 1500"]),
    Case("mtu", "IPv6", [v6(data=BIG6)], error(2, 0, 1400),
         ["ip link set r1 mtu 1400"], ["ip link set r1 mtu 1500"]),
    Case(None, "IPv6 that just fits", [v6(data=b"f" * 1352)], through(),
         ["ip link set r1 mtu 1400"], ["ip link set r1 mtu 1500"]),
    Case("mtu", "IPv6 that just does not fit", [v6(data=b"f" * 1353)], error(2, 0, 1400),
         ["ip link set r1 mtu 1400"], ["ip link set r1 mtu 1500"]),
    Case("mtu", "IPv4 route with an MTU", [v4("198.51.101.5", data=b"m" * 1300,
                                              frag=0x4000)], error(3, 4, 1300),
         ["ip route add {T} 198.51.101.0/24 via 10.0.1.2 mtu 1300"],
         ["ip route del {T} 198.51.101.0/24"]),
    Case("mtu", "IPv4 route with a locked MTU", [v4("198.51.101.5", data=b"m" * 1300,
                                                    frag=0x4000)], error(3, 4, 1300),
         ["ip route add {T} 198.51.101.0/24 via 10.0.1.2 mtu lock 1300"],
         ["ip route del {T} 198.51.101.0/24"]),
    Case(None, "IPv4 route with a larger MTU than the port's",
         [v4("198.51.101.5", data=b"m" * 1472, frag=0x4000)], through(),
         ["ip route add {T} 198.51.101.0/24 via 10.0.1.2 mtu 4000"],
         ["ip route del {T} 198.51.101.0/24"]),
    Case("mtu", "IPv6 route with an MTU", [v6("2001:db8:a1::5", data=b"m" * 1300)],
         error(2, 0, 1300),
         ["ip -6 route add {T} 2001:db8:a1::/64 via 2001:db8:1::2 mtu 1300"],
         ["ip -6 route del {T} 2001:db8:a1::/64"]),
    Case("mtu", "IPv6 route with a larger MTU than the port's",
         [v6("2001:db8:a1::5", data=b"m" * 2000)], error(2, 0, 1500),
         [*JUMBO, "ip -6 route add {T} 2001:db8:a1::/64 via 2001:db8:1::2 mtu 4000"],
         [*NORMAL, "ip -6 route del {T} 2001:db8:a1::/64"]),
    Case(None, "IPv4 larger than the port's MTU but not the route's",
         [v4("198.51.101.5", data=b"m" * 2000)], None,
         [*JUMBO, "ip route add {T} 198.51.101.0/24 via 10.0.1.2 mtu 4000"],
         [*NORMAL, "ip route del {T} 198.51.101.0/24"], n="any"),
    Case("mtu", "IPv6 MTU of the port by sysctl", [v6(data=b"m" * 1300)],
         error(2, 0, 1300), ["sysctl net.ipv6.conf.r1.mtu=1300"],
         ["sysctl net.ipv6.conf.r1.mtu=1500"]),
    # back where it came from
    Case("same-port", "IPv4, with a redirect", [v4("198.51.106.5")], redirect4,
         ["ip neigh replace 10.0.0.3 lladdr " + H[3] + " dev r0 nud permanent",
          "ip route add {T} 198.51.106.0/24 via 10.0.0.3",
          "sysctl net.ipv4.conf.all.send_redirects=1",
          "sysctl net.ipv4.conf.r0.send_redirects=1"],
         ["ip route del {T} 198.51.106.0/24"], again=["sleep 0.3"]),
    Case("same-port", "IPv4, without", [v4("198.51.106.5")],
         lambda s, g: expect("frames", text([(0, frame(H[3], P[0], forwarded(
             s[0][1][14:])))]), text(g)),
         ["ip neigh replace 10.0.0.3 lladdr " + H[3] + " dev r0 nud permanent",
          "ip route add {T} 198.51.106.0/24 via 10.0.0.3",
          "sysctl net.ipv4.conf.all.send_redirects=0",
          "sysctl net.ipv4.conf.r0.send_redirects=0"],
         ["ip route del {T} 198.51.106.0/24"]),
    Case("same-port", "IPv6, with a redirect", [v6("2001:db8:a6::5")], redirect6,
         ["ip neigh replace fe80::3 lladdr " + H[3] + " dev r0 nud permanent",
          "ip -6 route add {T} 2001:db8:a6::/64 via fe80::3 dev r0", "sleep 1.1"],
         ["ip -6 route del {T} 2001:db8:a6::/64"], again=["sleep 1.1"]),
    # settings
    Case("forwarding", "IPv4 off on the port", [v4()], nothing,
         ["sysctl net.ipv4.conf.r0.forwarding=0"],
         ["sysctl net.ipv4.conf.r0.forwarding=1"]),
    Case(None, "IPv4 off on the port it leaves by", [v4()], through(),
         ["sysctl net.ipv4.conf.r1.forwarding=0"],
         ["sysctl net.ipv4.conf.r1.forwarding=1"]),
    Case("forwarding", "IPv6 off", [v6()], nothing,
         ["sysctl net.ipv6.conf.all.forwarding=0"],
         ["sysctl net.ipv6.conf.all.forwarding=1"]),
    Case("forwarding", "IPv6 disabled on the port", [v6()], nothing,
         ["sysctl net.ipv6.conf.r0.disable_ipv6=1"],
         ["sysctl net.ipv6.conf.r0.disable_ipv6=0",
          "ip -6 addr replace 2001:db8:0::1/64 dev r0 nodad",
          f"ip -6 neigh replace 2001:db8:0::2 lladdr {H[0]} dev r0 nud permanent"]),
    Case("rp-filter", "strict, from the wrong side", [v4(src="10.0.2.9")], nothing,
         ["sysctl net.ipv4.conf.r0.rp_filter=1"], ["sysctl net.ipv4.conf.r0.rp_filter=0"]),
    Case("rp-filter", "strict, without a route", [v4(src="192.0.2.9")], nothing,
         ["sysctl net.ipv4.conf.r0.rp_filter=1"], ["sysctl net.ipv4.conf.r0.rp_filter=0"]),
    Case("rp-filter", "strict for all ports", [v4(src="10.0.2.9")], nothing,
         ["sysctl net.ipv4.conf.all.rp_filter=1"], ["sysctl net.ipv4.conf.all.rp_filter=0"]),
    Case(None, "strict, passes", [v4()], through(),
         ["sysctl net.ipv4.conf.r0.rp_filter=1"], ["sysctl net.ipv4.conf.r0.rp_filter=0"]),
    Case(None, "strict, one of two ways back", [v4(src="198.51.102.9")], through(),
         ["ip route add {T} 198.51.102.0/24 nexthop via 10.0.0.9 nexthop via 10.0.2.2",
          "sysctl net.ipv4.conf.r0.rp_filter=1"],
         ["sysctl net.ipv4.conf.r0.rp_filter=0"] + NO4),
    Case(None, "loose, from the wrong side", [v4(src="10.0.2.9")], through(),
         ["sysctl net.ipv4.conf.r0.rp_filter=2"], ["sysctl net.ipv4.conf.r0.rp_filter=0"]),
    Case("rp-filter", "loose, without a route", [v4(src="192.0.2.9")], nothing,
         ["sysctl net.ipv4.conf.r0.rp_filter=2"], ["sysctl net.ipv4.conf.r0.rp_filter=0"],
         vrf=False),
    Case("rp-filter", "loose, blackhole back", [v4(src="198.51.101.9")], nothing,
         ["sysctl net.ipv4.conf.r0.rp_filter=2", *route("blackhole")[0]],
         ["sysctl net.ipv4.conf.r0.rp_filter=0", *route("blackhole")[1]]),
    Case("rp-filter", "loose, blackhole object back", [v4(src="198.51.101.9")], nothing,
         ["sysctl net.ipv4.conf.r0.rp_filter=2", "ip nexthop add id 9 blackhole",
          "ip route add {T} 198.51.101.0/24 nhid 9"],
         ["sysctl net.ipv4.conf.r0.rp_filter=0", "ip nexthop del id 9"]),
    *(Case(None, f"{what}, object back", [v4(src="198.51.101.9")], through(),
           [f"sysctl net.ipv4.conf.r0.rp_filter={value}",
            "ip nexthop add id 7 via 10.0.2.2 dev r2",
            f"ip nexthop add id 8 via 10.0.{dev}.2 dev r{dev}",
            "ip nexthop add id 9 group 7/8", "ip route add {T} 198.51.101.0/24 nhid 9"],
           ["sysctl net.ipv4.conf.r0.rp_filter=0",
            *(f"ip nexthop del id {i}" for i in (9, 8, 7))])
      for what, value, dev in (("loose", 2, 1), ("strict", 1, 0))),
    Case("rp-filter", "loose, link down on the way back", [v4(src="198.51.101.9")], nothing,
         ["sysctl net.ipv4.conf.r0.rp_filter=2",
          "sysctl net.ipv4.conf.r2.ignore_routes_with_linkdown=1",
          "ip route add {T} 198.51.101.0/24 via 10.0.2.2",
          host("ip link set p2 down"), link_state("198.51.101.0/24", True)],
         [host("ip link set p2 up"), link_state("198.51.101.0/24", False),
          "sysctl net.ipv4.conf.r2.ignore_routes_with_linkdown=0",
          "sysctl net.ipv4.conf.r0.rp_filter=0", "ip route del {T} 198.51.101.0/24"]),
    # Linux looks for no other way back then
    Case("rp-filter", "loose, a port without addresses", [v4(src="10.0.2.9")], nothing,
         ["sysctl net.ipv4.conf.r0.rp_filter=2", "ip addr del 10.0.0.1/24 dev r0"],
         ["sysctl net.ipv4.conf.r0.rp_filter=0", "ip addr add 10.0.0.1/24 dev r0",
          f"ip neigh replace 10.0.0.2 lladdr {H[0]} dev r0 nud permanent"]),
    Case("config", "realms", [v4()], through(),
         [need("/proc/net/rt_acct", "CONFIG_IP_ROUTE_CLASSID"),
          "ip route add {T} 198.51.107.0/24 via 10.0.1.2 realm 7"],
         ["ip route del {T} 198.51.107.0/24"]),
    Case("config", "proxy for neighbours", [v6()], through(),
         ["sysctl net.ipv6.conf.all.proxy_ndp=1"], ["sysctl net.ipv6.conf.all.proxy_ndp=0"]),
    # routes by objects stay when the rest of IPv6 goes
    Case("config", "IPv6 is off where it would leave", [X6], nothing,
         ["ip nexthop add id 8 via 2001:db8:2::2 dev r2",
          "ip -6 route add {T} 2001:db8:a1::/64 nhid 8",
          "sysctl net.ipv6.conf.r2.disable_ipv6=1"],
         ["sysctl net.ipv6.conf.r2.disable_ipv6=0",
          "ip -6 addr replace 2001:db8:2::1/64 dev r2 nodad",
          f"ip neigh replace 2001:db8:2::2 lladdr {H[2]} dev r2 nud permanent router",
          "ip nexthop del id 8"]),
    Case("config", "VRF device down", BOTH, None, ["ip link set red down"],
         ["ip link set red up",
          "ip -6 route replace vrf red unreachable ::/0 metric 4278198272"], vrf="only"),
    Case("rules", "IPv4 by source", [v4(src="10.0.0.99"), v4()],
         lambda s, g: expect("wires", [1, 2], sorted(i for i, _ in g)),
         ["ip rule add from 10.0.0.99 lookup 200 pref 900",
          "ip route add 198.51.100.0/24 via 10.0.2.2 dev r2 onlink table 200"],
         ["ip rule del pref 900", "ip route flush table 200"]),
    Case("rules", "IPv6 by source", [v6(src="2001:db8:0::99"), v6()],
         lambda s, g: expect("wires", [1, 2], sorted(i for i, _ in g)),
         ["ip -6 rule add from 2001:db8:0::99 lookup 200 pref 900",
          "ip -6 route add 2001:db8:ff::/64 via 2001:db8:2::2 dev r2 table 200"],
         ["ip -6 rule del pref 900", "ip -6 route flush table 200"]),
    Case(None, "IPv6 with a rule for IPv4", [v6()], through(),
         ["ip rule add from 10.0.0.99 lookup 200 pref 900"], ["ip rule del pref 900"]),
    Case("rules", "blackhole rule", [v4()], nothing,
         ["ip rule add to 198.51.100.0/24 blackhole pref 900"], ["ip rule del pref 900"]),
    Case("rules", "main table gone from the rules", [v4()], nothing,
         ["ip rule del pref 32766"], ["ip rule add lookup main pref 32766"], vrf=False),
    # a VRF's rule, but not for all
    *(Case("rules", f"IPv{f} l3mdev rule {rule}", [pkt], None,
           [f"ip -{f} rule add pref 900 l3mdev {rule}"], [f"ip -{f} rule del pref 900"],
           vrf="only")
      for f, net, pkt in ((4, "10.66.0.0/16", v4(src="10.66.0.5")),
                          (6, "2001:db8:66::/64", v6(src="2001:db8:66::5")))
      for rule in (f"from {net} prohibit", f"to {net}", "ipproto tcp", "tos 0x10",
                   "sport 5", "fwmark 0/7", "blackhole", "suppress_prefixlength 0")),
    Case("rules", "main table as early as a VRF's, and before it", [v4()], nothing,
         ["ip rule del l3mdev", "ip rule add pref 1000 lookup main",
          "ip rule add pref 1000 l3mdev", "ip route add blackhole 198.51.100.0/24"],
         ["ip route del 198.51.100.0/24", "ip rule del pref 1000 lookup main"], vrf="only"),
    *(Case("rules", f"main table for {what} only", [v4()], nothing,
           [f"ip rule add pref 100 {what} lookup main", "ip rule del pref 32766"],
           ["ip rule add lookup main pref 32766", "ip rule del pref 100"], vrf=False)
      for what in ("ipproto tcp", "fwmark 0/7 tos 0x10")),
    Case("rules", "by mark",
         [v4()], through(),
         ["ip rule add fwmark 7 lookup 200 pref 10"], ["ip rule del pref 10"]),
    Case("xfrm", "policy for others", BOTH,
         lambda s, g: anywhere(s, g),
         ["ip xfrm policy add src 10.77.0.0/16 dst 10.78.0.0/16 dir fwd action block"],
         ["ip xfrm policy flush"]),
    Case("xfrm", "policy that blocks", [v4()], nothing,
         ["ip xfrm policy add src 10.0.0.0/24 dst 198.51.100.0/24 dir fwd action block"],
         ["ip xfrm policy flush"]),
    # those who watch
    Case("tc", "filter on the way in", BOTH, anywhere,
         ["tc qdisc add dev r0 clsact", "tc filter add dev r0 ingress matchall action ok"],
         ["tc qdisc del dev r0 clsact"]),
    Case("tc", "filter that drops on the way in", BOTH, nothing,
         ["tc qdisc add dev r0 clsact", "tc filter add dev r0 ingress matchall action drop"],
         ["tc qdisc del dev r0 clsact"]),
    Case("tc", "filter on the way out", BOTH, anywhere,
         ["tc qdisc add dev r1 clsact", "tc filter add dev r1 egress matchall action ok"],
         ["tc qdisc del dev r1 clsact"]),
    Case("tc", "filter that drops on the way out", BOTH, nothing,
         ["tc qdisc add dev r1 clsact", "tc filter add dev r1 egress matchall action drop"],
         ["tc qdisc del dev r1 clsact"]),
    Case("tc", "qdisc", BOTH, anywhere, ["tc qdisc add dev r1 root pfifo limit 100"],
         ["tc qdisc del dev r1 root"]),
    Case("tc", "generic XDP", BOTH, anywhere, [xdp_attach("r0")], [release]),
    Case("tc", "netfilter at ingress", BOTH, anywhere,
         [NFT.format("netdev", "filter", "ingress", "device r0")],
         ["nft delete table netdev t"]),
    Case("tc", "netfilter at ingress that drops", BOTH, nothing,
         [NFT.format("netdev", "filter", "ingress", "device r0"),
          "nft add rule netdev t c drop"], ["nft delete table netdev t"]),
    Case("tc", "netfilter at egress", BOTH, anywhere,
         [NFT.format("netdev", "filter", "egress", "device r1")],
         ["nft delete table netdev t"]),
    Case("tc", "macvlan on the port", BOTH, anywhere,
         ["ip link add link r0 name mv0 type macvlan", "ip link set mv0 up"],
         ["ip link del mv0"]),
    Case(None, "filter on another port", BOTH, anywhere,
         ["tc qdisc add dev r2 clsact", "tc filter add dev r2 ingress matchall action drop"],
         ["tc qdisc del dev r2 clsact"]),
    Case(None, "qdisc on the NIC", BOTH, anywhere,
         [nic("tc qdisc add dev eth1 root pfifo limit 100")],
         [nic("tc qdisc del dev eth1 root")]),
    Case(None, "filter that drops on the NIC", BOTH, nothing,
         [nic("tc qdisc add dev eth1 clsact"),
          nic("tc filter add dev eth1 egress matchall action drop")],
         [nic("tc qdisc del dev eth1 clsact")]),
    Case("netfilter", "IPv4 and IPv6 accepted", BOTH, anywhere,
         [NFT.format("inet", "filter", "forward", "")], ["nft delete table inet t"]),
    Case("netfilter", "dropped", BOTH, nothing,
         [NFT.format("inet", "filter", "forward", ""), "nft add rule inet t c drop"],
         ["nft delete table inet t"]),
    Case("netfilter", "rejected", [v4()], error(3, 3),
         [NFT.format("ip", "filter", "forward", ""), "nft add rule ip t c reject"],
         ["nft delete table ip t"]),
    *(Case("netfilter", f"hook {h}", [v4()], through(),
           [NFT.format("ip", "filter", h, "")], ["nft delete table ip t"])
      for h in ("prerouting", "postrouting")),
    # where the hook of AppArmor is passed by
    Case("netfilter", "chain with a security module's priority", BOTH, nothing,
         [NFT.format("inet", "filter", "postrouting", "").replace("priority 0", "priority -225"),
          "nft add rule inet t c drop"], ["nft delete table inet t"]),
    Case(None, "hooks input and output alone", [v4()], through(),
         [NFT.format("ip", "filter", "input", ""),
          "nft add chain ip t d { type filter hook output priority 0; }"],
         ["nft delete table ip t"]),
    Case(None, "IPv6 with a hook for IPv4", [v6()], through(),
         [NFT.format("ip", "filter", "forward", "")], ["nft delete table ip t"]),
    Case("netfilter", "masquerade", [v4()],
         lambda s, g: expect("source", [addr("10.0.1.1")], [f[26:30] for _, f in g]),
         [NFT.format("ip", "nat", "postrouting", ""), "nft add rule ip t c masquerade"],
         ["nft delete table ip t"]),
    Case("netfilter", "time to live changed by a rule", [v4()],
         lambda s, g: expect("TTL", [9], [f[22] for _, f in g]),
         [NFT.format("ip", "filter", "forward", ""), "nft add rule ip t c ip ttl set 9"],
         ["nft delete table ip t"]),
    # Linux forwards nothing that is somebody's
    Case("skb", "a BPF program gives it to a socket", BOTH, nothing, [give_socket], [release]),
]
