# SPDX-License-Identifier: GPL-2.0
"""Ethernet: addresses, types, tags; and what the offloads make: packets with segments
or half a checksum, and packets that do not lie in one piece. Yields (wire, vnet
header + frame)."""
import struct

from vrtest import (addr, csum, flipped, icmp4, icmp6, in6, ip4, ip6, l4sum, mac, packet, tcp,
                    udp)

NO_VNET = bytes(10)
A4, FAR4, A6, FAR6 = "10.0.0.2", "198.51.100.7", "2001:db8:0::2", "2001:db8:ff::7"
P = [mac(f"02:00:00:00:00:1{i}") for i in range(3)]
H = [mac(f"02:00:00:00:00:2{i}") for i in range(3)]
TYPES = (0, 1, 45, 46, 60, 0x5dc, 0x5dd, 0x5ff, 0x600, 0x601, 0x800, 0x801, 0x806, 0x842,
         0x8035, 0x86dd, 0x86de, 0x8808, 0x8847, 0x8848, 0x8863, 0x8864, 0x888e, 0x88b5,
         0x88cc, 0x88e5, 0x88f7, 0x8906, 0x9000, 0xffff)
GROUPS = ("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "01:00:5e:00:00:05", "33:33:00:00:00:01",
          "01:80:c2:00:00:00", "01:80:c2:00:00:0e", "01:00:0c:cc:cc:cc", "03:00:00:00:00:10",
          "33:33:ff:00:00:01", "01:00:5e:7f:ff:fa")
TCPV4, UDP, TCPV6, ECN, UDP_L4 = 1, 3, 4, 0x80, 5


def frame2(ip, i=0, dst=None, src=None, kind=None):
    """A frame for the router's port on wire i, in bytes."""
    kind = kind if kind is not None else (0x86dd if ip[:1] and ip[0] >> 4 == 6 else 0x800)
    return (dst or P[i]) + (src or H[i]) + struct.pack("!H", kind) + ip


def wrap(packets, pad=True):
    """(wire, packet, padding)s as (wire, data)s."""
    for i, ip, padding in packets:
        yield i, NO_VNET + frame2(ip, i) + (padding if pad else b"")


def typed(ip):
    return 0x86dd if ip[0] >> 4 == 6 else 0x800


def groups():
    """Invariant 41: what was sent to many is for nobody to forward."""
    packets = [packet(A4, FAR4), packet(A6, FAR6), packet(A4, "10.0.0.1"),
               packet(A4, "255.255.255.255"), packet(A4, "224.0.0.1"), packet(A4, "10.0.1.255"),
               packet(A4, FAR4, ttl=1), packet(A6, FAR6, hlim=1), packet(A6, "ff02::1"),
               packet(A6, "2001:db8:0::1"), packet(A6, "ff05::2"),
               ip4(A4, FAR4, 1, icmp4(8)), ip6(A6, "ff02::1", 58, icmp6(A6, "ff02::1", 128))]
    for group in GROUPS:
        for ip in packets:
            yield 0, NO_VNET + frame2(ip, dst=mac(group), kind=typed(ip))
    for source in GROUPS[:2] + ("00:00:00:00:00:00",):
        for ip in packets:
            yield 0, NO_VNET + frame2(ip, src=mac(source), kind=typed(ip))


def strangers():
    """To others: to the other port, to nobody, to addresses one bit off."""
    for dst in (P[1], H[0], H[1], bytes(6), mac("02:00:00:00:00:99")):
        for ip in (packet(A4, FAR4), packet(A6, FAR6), packet(A4, "10.0.0.1")):
            yield 0, NO_VNET + frame2(ip, dst=dst)
    for bit in range(1, 48):
        dst = flipped(P[0], bit >> 3, 0x80 >> (bit & 7))
        if not dst[0] & 1:
            yield 0, NO_VNET + frame2(packet(A4, FAR4), dst=dst)


def types():
    for kind in TYPES:
        for body in (b"", b"\0" * 46, packet(A4, FAR4), packet(A6, FAR6), b"\xaa\xaa\3\0\0\0\x08\0"
                     + packet(A4, FAR4), b"\xff\xff" + bytes(60)):
            yield 0, NO_VNET + frame2(body, kind=kind)
    for body in (packet(A4, FAR4), packet(A6, FAR6)):
        for n in range(61):
            yield 0, NO_VNET + frame2(body, kind=typed(body))[:14 + n]


def arps():
    """Requests and answers, right and wrong; the same neighbours as before."""
    def arp(op, sha, spa, tpa, hw=1, pro=0x800, hlen=6, plen=4, dst=b"\xff" * 6):
        return NO_VNET + dst + H[0] + struct.pack("!HHHBBH", 0x806, hw, pro, hlen, plen, op) + \
            sha + bytes(map(int, spa.split("."))) + bytes(6) + bytes(map(int, tpa.split(".")))
    for op in (0, 1, 2, 3, 8, 9, 0xffff):
        for spa in (A4, "10.0.0.1", "0.0.0.0", "224.0.0.1", "10.0.1.2", "255.255.255.255"):
            for tpa in ("10.0.0.1", "10.0.1.1", FAR4, "10.0.0.255", "0.0.0.0", A4):
                yield 0, arp(op, H[0], spa, tpa)
                yield 0, arp(op, H[0], spa, tpa, dst=P[0])
    for kw in ({"hw": 6}, {"hw": 2}, {"pro": 0x86dd}, {"hlen": 8}, {"plen": 16}, {"plen": 0}):
        yield 0, arp(1, H[0], A4, "10.0.0.1", **kw)
    whole = arp(1, H[0], A4, "10.0.0.1")
    for n in range(14, 42):
        yield 0, whole[:10 + n]


def tags():
    """Invariant 33: tags for nobody, tags of priority alone, two tags."""
    def tagged(ip, *tag):
        head = b"".join(struct.pack("!HH", *t) for t in tag)
        return NO_VNET + P[0] + H[0] + head + struct.pack("!H", typed(ip)) + ip
    for ip in (packet(A4, FAR4), packet(A6, FAR6), packet(A4, "10.0.0.1"), packet(A4, FAR4, ttl=1)):
        for tpid in (0x8100, 0x88a8, 0x9100, 0x9200):
            for tci in (0, 1, 0x2000, 0xe000, 0x1000, 10, 100, 4094, 4095, 0xffff):
                yield 0, tagged(ip, (tpid, tci))
                for inner in (0, 0xe000, 10):
                    yield 0, tagged(ip, (tpid, tci), (0x8100, inner))
        yield 0, tagged(ip, *[(0x8100, 0)] * 3)
    whole = tagged(packet(A4, FAR4), (0x8100, 0))
    for n in range(14, 42):
        yield 0, whole[:10 + n]


def pseudo(ip):
    """What a sender that leaves the sum to its NIC puts there: the pseudo header's."""
    if ip[0] >> 4 == 4:
        n = (ip[0] & 15) * 4
        data = ip[12:20] + struct.pack("!HH", ip[9], len(ip) - n)
        return n, ~csum(data) & 0xffff
    return 40, ~csum(ip[8:40] + struct.pack("!II", len(ip) - 40, ip[6])) & 0xffff


def partial(ip, gso=0, size=0, linear=0, flags=1):
    """Invariant 31: a packet whose L4 checksum is still to be made. The header says
    how much of the packet is to lie in one piece, which works from a page on."""
    n, start = pseudo(ip)
    offset = 6 if ip[9 if ip[0] >> 4 == 4 else 6] == 17 else 16
    ip = ip[:n + offset] + struct.pack("!H", start) + ip[n + offset + 2:]
    head = struct.pack("<BBHHHH", flags, gso, linear or 14 + n + 20, size, 14 + n, offset)
    return head + frame2(ip)


def segments():
    """Invariant 32: what a sender's TSO and USO make, larger than any MTU."""
    for total in (1400, 1448, 1449, 2896, 2897, 5000, 14480, 40000, 65000):
        data = bytes(range(256)) * 256
        for src, dst, kind in ((A4, FAR4, TCPV4), (A6, FAR6, TCPV6)):
            make = ip6 if ":" in src else ip4
            for size in (1, 100, 536, 1220, 1352, 1368, 1428, 1440, 1448, 1460):
                if total // size > 600:
                    continue
                for flags in (0x10, 0x18, 0x11):
                    t = tcp(src, dst, 1000, 80, data[:total], flags)
                    yield 0, partial(make(src, dst, 6, t), kind, size)
                if ":" not in src:
                    t = tcp(src, dst, 1000, 80, data[:total], 0x18)
                    yield 0, partial(make(src, dst, 6, t, frag=0x4000), kind, size)
            t = tcp(src, dst, 1000, 80, data[:total], 0xd0)
            yield 0, partial(make(src, dst, 6, t), kind | ECN, 1400)
            t = tcp(src, dst, 1000, 80, data[:total], 0x18)
            hop = {"ttl": 1} if ":" not in src else {"hlim": 1}
            yield 0, partial(make(src, dst, 6, t, **hop), kind, 1400)
            for size in (100, 1000, 1200, 1400, 1452, 1472):
                u = udp(src, dst, 9, 10, data[:total])
                if 40 < total // size < 128 or total // size < 40:
                    yield 0, partial(make(src, dst, 17, u), UDP_L4, size)


def half_sums():
    """Invariant 31, without segments; also to the router itself, and into errors."""
    for src, dst in ((A4, FAR4), (A6, FAR6), (A4, "10.0.0.1"), (A6, "2001:db8:0::1"),
                     (A4, "198.18.3.3"), (A6, "2001:db8:a0::3")):
        make = ip6 if ":" in src else ip4
        for n in (0, 1, 2, 3, 100, 1371, 1372, 1400, 1432):
            yield 0, partial(make(src, dst, 17, udp(src, dst, data=b"c" * n)))
            yield 0, partial(make(src, dst, 6, tcp(src, dst, data=b"c" * n)))
        hop = {"ttl": 1} if ":" not in src else {"hlim": 1}
        yield 0, partial(make(src, dst, 17, udp(src, dst, data=b"last"), **hop))
        # and where it is to go lies behind the packet's end
        n = 24 if ":" not in src else 4
        yield 0, partial(make(src, dst, 17, udp(src, dst), length=n))
        yield 0, partial(make(src, dst, 17, udp(src, dst), length=n + 4)) + bytes(9)
    # it says that the sum was found right
    yield 0, struct.pack("<BBHHHH", 2, 0, 0, 0, 0, 0) + frame2(packet(A4, FAR4))


def splits():
    """Invariant 28: more than a page, the first n bytes in one piece, the rest not.
    What the packet does not need is padding."""
    ips = [packet(A4, FAR4, b"s" * 80), packet(A6, FAR6, b"s" * 80),
           ip4(A4, FAR4, 17, udp(A4, FAR4), options=b"\x94\4\0\0"), packet(A4, FAR4, ttl=1),
           ip4(A4, "198.18.3.3", 6, tcp(A4, "198.18.3.3", data=b"d" * 30)),
           ip6(A6, "2001:db8:a0::3", 60, b"\x11\0\1\4\0\0\0\0" + udp(A6, "2001:db8:a0::3")),
           ip6(A6, FAR6, 0, b"\x11\0\1\4\0\0\0\0" + udp(A6, FAR6)),
           ip4(A4, "198.18.3.3", 1, icmp4(3, 1, bytes(4), packet("198.18.3.3", A4))),
           ip6(A6, "2001:db8:a0::3", 58, icmp6(A6, "2001:db8:a0::3", 136, 0, bytes(4), in6(FAR6))),
           packet(A4, "10.0.0.1"), packet(A4, FAR4, b"s" * 5000), packet(A6, FAR6, b"s" * 5000),
           packet(A4, FAR4, b"s" * 5000, frag=0x4000)]
    for ip in ips:
        for n in range(14, 120):
            yield 0, struct.pack("<BBHHHH", 0, 0, n, 0, 0, 0) + frame2(ip).ljust(4300, b"\xee")
    for ip in ips[:2]:
        for n in range(14, 110, 3):
            yield 0, partial(ip[:40] if ip[0] >> 4 == 4 else ip, linear=n).ljust(4400, b"\xee")


def cuts():
    """The header says that the packet ends within what else would be its ports, or in
    the headers before them: what a hash is made of ends there, too."""
    for src, dst, protos in ((A4, "198.18.7.7", (6, 17, 33, 47, 50, 51, 132, 136)),
                             (A6, "2001:db8:a0::7", (6, 17, 43, 44, 47, 50, 51, 60))):
        make = ip6 if ":" in src else ip4
        for proto in protos:
            for sport in (0, 1, 1000, 1001, 1002, 0xffff):
                body = udp(src, dst, sport, 53)
                if proto in (43, 44, 60):  # an extension header, UDP comes next
                    body = b"\x11\0" + struct.pack("!HHH", sport, 53, sport) + body
                for n in (0, 1, 3, 4, 7, 8, 11, 12, 16):
                    length = n if ":" in src else 20 + n
                    yield 0, NO_VNET + frame2(make(src, dst, proto, body, length=length))
        # all that lies in one piece is the header
        for sport in range(4000, 4008):
            for n in (1, 2, 3, 4, 8):
                ip = make(src, dst, 17, udp(src, dst, sport, 53),
                          length=n if ":" in src else 20 + n)
                yield 0, struct.pack("<BBHHHH", 0, 0, 54 if ":" in src else 34, 0, 0, 0) + \
                    frame2(ip).ljust(4300, b"\xee")


def trains():
    """Segments of some connections that follow each other, as GRO likes them."""
    for n in range(24):
        src, dst = (f"10.9.0.{n}", FAR4) if n & 1 else (f"2001:db8:f0::{n}", FAR6)
        make = ip6 if ":" in src else ip4
        size = (1448, 1200, 100, 1)[n & 3]
        for k in range(12):
            more = {} if ":" in src else {"ident": k, "frag": 0x4000 if n & 4 else 0}
            t = segment(src, dst, 4000 + n, 1 + k * size, bytes([k]) * size,
                        0x18 if k == 11 else 0x10)
            yield 0, NO_VNET + frame2(make(src, dst, 6, t, **more))


def sizes():
    """One byte more than fits, and one less."""
    for size in (1279, 1280, 1281, 1299, 1300, 1301, 1399, 1400, 1401, 1499, 1500):
        for dst in (FAR4, "100.68.0.1", "198.18.0.1"):
            for frag in (0, 0x4000, 0x2000, 0x2001):
                yield 0, NO_VNET + frame2(packet(A4, dst, b"z" * (size - 28), frag=frag))
        for dst in (FAR6, "2001:db8:b4::1", "2001:db8:a0::1"):
            yield 0, NO_VNET + frame2(packet(A6, dst, b"z" * (size - 48)))


def sources():
    """From senders behind each kind of route."""
    for n in range(1, 17):
        for net in ("10.0.0", "10.9.0", "198.51.100", "192.0.2", "198.18.0", "203.0.113",
                    "100.64.0", "100.65.0", "100.66.0", "100.67.0"):
            yield 0, NO_VNET + frame2(packet(f"{net}.{n + 100}", f"198.51.100.{n + 200}"))


def hairpins():
    """Out where they came in, each with addresses of its own."""
    for n in range(60):
        yield 0, NO_VNET + frame2(packet(f"10.0.0.{n + 100}", f"198.51.106.{n}"))
        yield 0, NO_VNET + frame2(packet(f"2001:db8::1:{n:x}", f"2001:db8:a6:{n:x}::1"))


def segment(src, dst, sport, seq, data, flags):
    """TCP data with a sequence number."""
    h = bytearray(tcp(src, dst, sport, 443, data, flags))
    h[4:8] = struct.pack("!I", seq)
    h[16:18] = b"\0\0"
    h[16:18] = struct.pack("!H", l4sum(addr(src), addr(dst), 6, bytes(h)))
    return bytes(h)


def everything():
    for part in (groups, strangers, types, arps, tags):
        yield from part()
