# SPDX-License-Identifier: GPL-2.0
"""IPv6: each field of the header over its edges, and chains of extension headers.
Yields (wire, packet, padding)."""
import itertools
import struct

from vrtest import flipped, icmp6, in6, ip6, packet, tcp, udp

A, FAR, FAR2 = "2001:db8:0::2", "2001:db8:ff::7", "2001:db8:fe::9"
MULTI = "2001:db8:a0::7"
LENGTHS = (0, 1, 2, 7, 8, 9, 31, 32, 63, 64, 511, 512, 1000, 1231, 1232, 1233, 1251, 1252,
           1253, 1351, 1352, 1353, 1400, 1450, 1451, 1452)
SOURCES = ("2001:db8:0::2", "2001:db8:0::", "2001:db8:0::1", "2001:db8:1::1",
           "2001:db8:1::2", "2001:db8:f0::1", "2001:db8:ff::7", "fd00::9", "fec0::1",
           "::", "::1", "::2", "::a00:1", "::ffff:1.2.3.4", "64:ff9b::1", "2002:a00:1::1",
           "100::1", "fe80::2", "fe80::200:ff:fe00:20", "fe80:1::1", "ff01::1", "ff02::1",
           "ff0e::1", "3fff::1", "8000::1", "2001:db8:b0::1")
DESTS = ("2001:db8:1::2", "2001:db8:1::", "2001:db8:1::1", "2001:db8:1::99",
         "2001:db8:0::1", "2001:db8:0::", "2001:db8:2::2", "2001:db8:ff::", "2001:db8:fe::1",
         "2001:db8:a0::1", "2001:db8:a0:ffff::1", "2001:db8:b0::1", "2001:db8:b1::1",
         "2001:db8:b2::1", "2001:db8:b3::1", "2001:db8:b4::1", "fd00::1", "fec0::2",
         "::", "::1", "::2", "::a00:2", "::ffff:1.2.3.4", "64:ff9b::1", "2002::1",
         "fe80::2", "fe80::200:ff:fe00:10", "ff01::1", "ff02::1", "ff02::2", "ff02::5",
         "ff02::1:ff00:1", "ff05::2", "ff0e::1", "ff00::", "100::1", "8000::1", "ffe::1")
HOP, DEST, ROUTING, FRAG, AUTH, NONE, MOBILITY = 0, 60, 43, 44, 51, 59, 135


def ext(nh, data, kind=HOP):
    """An extension header with this in it, padded with zeros to 8n bytes."""
    if kind == FRAG:
        return bytes([nh, 0]) + data[:6].ljust(6, b"\0")
    body = bytes([nh, 0]) + data
    body += bytes(-len(body) % 8)
    size = len(body) // 4 - 2 if kind == AUTH else len(body) // 8 - 1
    return body[:1] + bytes([size & 0xff]) + body[2:]


def chain(kinds, last, payload, data=b"\1\4\0\0\0\0"):
    """Headers of these kinds before a payload: (first next header, bytes)."""
    out, nh = payload, last
    for kind in reversed(kinds):
        body = b"\0\0\0\0\0\x07" if kind == FRAG else data
        if kind == ROUTING:
            body = b"\4\0\0\0\0\0"
        elif kind == AUTH:
            body = bytes(10)
        out = ext(nh, body, kind) + out
        nh = kind
    return nh, out


def plain(payload=b"", src=A, dst=FAR, **kw):
    return packet(src, dst, payload, **kw)


def lengths():
    """Invariant 27."""
    for n in LENGTHS:
        yield 0, plain(b"\xa5" * n), b""
    for pad in (1, 2, 17, 40):
        yield 0, plain(b"p" * 64), b"\xee" * pad
    yield 0, ip6(A, FAR, NONE), b"\xee" * 6
    whole = plain(b"t" * 20)
    for n in range(len(whole)):
        yield 0, whole[:n], b""
    base = plain(b"t" * 44)
    for said in (*range(0, len(base) - 40 + 6), 255, 256, 1460, 1461, 0x7fff, 0x8000, 0xffff):
        yield 0, plain(b"t" * 44, length=said), b""
        yield 0, plain(b"t" * 44, length=said), b"\xdd" * 20
    for proto, body in ((6, tcp(A, FAR, data=b"d" * 20)), (58, icmp6(A, FAR, 128)),
                        (58, icmp6(A, FAR, 1, 0, bytes(4), base)), (17, udp(A, FAR))):
        for n in range(len(body) + 1):
            yield 0, ip6(A, FAR, proto, body[:n]), b""
            if n < 12:
                yield 0, ip6(A, MULTI, proto, body[:n]), b""


def fields():
    """Invariants 30 and 42."""
    for version in range(16):
        yield 0, plain(b"v", version=version), b""
    for hlim in range(256):
        yield 0, plain(b"hlim", hlim=hlim), b""
    for tc in range(256):
        yield 0, plain(b"tc", tc=tc), b""
        yield 0, plain(b"tc", tc=tc, dst=MULTI, flow=tc), b""
    for flow in (0, 1, 0xff, 0x100, 0xffff, 0x10000, 0x7ffff, 0x80000, 0xfffff, 0xabcde):
        for dst in (FAR, MULTI):
            yield 0, plain(b"flow", flow=flow, dst=dst), b""
    for bit in range(64):
        yield 0, flipped(plain(b"bit"), bit >> 3, 0x80 >> (bit & 7)), b""
    for nh in range(256):
        yield 0, ip6(A, FAR, nh, bytes(range(48))), b""
        yield 0, ip6(A, MULTI, nh, bytes(range(48))), b""
        yield 0, ip6(A, FAR, nh, b"\x11" + bytes(47), hlim=1), b""
        yield 0, ip6(A, "2001:db8:0::1", nh, bytes([59]) + bytes(47)), b""
    zero = ip6(A, FAR, payload=udp(A, FAR, zero=True))
    yield 0, zero, b""
    for at in (46, 47):
        yield 0, flipped(plain(b"udp"), at), b""


def addresses():
    """Invariant 47."""
    for src in SOURCES:
        for dst in (FAR, FAR2, MULTI, "2001:db8:1::2", "2001:db8:0::1", "ff02::5", "fe80::2"):
            yield 0, plain(b"src", src=src, dst=dst), b""
            yield 0, plain(b"src", src=src, dst=dst, hlim=1), b""
    for dst in DESTS:
        for src in (A, "2001:db8:f0::1", "fd00::9", "2001:db8:1::2"):
            yield 0, plain(b"dst", src=src, dst=dst), b""
            yield 0, plain(b"dst", src=src, dst=dst, hlim=1), b""
            yield 0, ip6(src, dst, 58, icmp6(src, dst, 128)), b""
        for wire in (1, 2):
            yield wire, plain(b"wire", src=f"2001:db8:{wire}::2", dst=dst), b""
            yield wire, plain(b"wire", src=A, dst=dst), b""
    for n in range(64):
        dst = f"2001:db8:a0:{n}::{n}"
        yield 0, plain(b"way", dst=dst, sport=n, flow=n), b""
        yield 0, plain(b"way", src=f"2001:db8:f0:{n}::1", dst=dst, dport=n), b""
        yield 1, plain(b"way", src="2001:db8:1::2", dst=f"2001:db8:f0:{n}::1"), b""
        yield 0, ip6(A, dst, 6, tcp(A, dst, n, 80, b"x" * n, 0x18)), b""


def chains():
    """Chains of up to four extension headers, in all orders, and long ones."""
    kinds = (HOP, DEST, ROUTING, FRAG, AUTH, MOBILITY)
    u = udp(A, FAR, data=b"ext")
    for n in (1, 2, 3):
        for some in itertools.product(kinds, repeat=n):
            nh, body = chain(some, 17, u)
            yield 0, ip6(A, MULTI if n & 1 else FAR, nh, body), b""
    for n in range(4, 12):
        for kind in kinds:
            nh, body = chain((kind,) * n, 17, u)
            yield 0, ip6(A, FAR, nh, body), b""
            nh, body = chain((DEST,) * n + (kind,), 17, u)
            yield 0, ip6(A, "2001:db8:0::1", nh, body), b""
    for kind in kinds:
        nh, body = chain((kind, DEST), 58, icmp6(A, MULTI, 1, 0, bytes(4), plain(b"q")))
        yield 0, ip6(A, MULTI, nh, body), b""
        for n in range(len(body) + 1):
            yield 0, ip6(A, FAR, nh, body[:n]), b""
    for frag in (0x0000, 0x0001, 0x0008, 0x0009, 0x05a8, 0x05a9, 0xfff8, 0xfff9, 0x0006):
        for n in (0, 1, 8, 40, 1400):
            body = struct.pack("!BBHI", 17, 0, frag, 0xfeed) + b"f" * n
            for dst in (FAR, MULTI, "2001:db8:0::1"):
                yield 0, ip6(A, dst, 44, body), b""


def hop_options():
    """Options from hop to hop: of all four kinds of unknown, jumbo, router alert."""
    u = udp(A, FAR, data=b"hbh")
    bodies = [b"", b"\1\4" + bytes(4), b"\5\2\0\0\1\0", b"\5\2\0\0", b"\5\1\0", b"\0" * 6,
              b"\xc2\4\0\1\0\0", b"\xc2\4\0\0\0\0", b"\xc2\2\0\0", b"\1\x7f", b"\1\0" * 3,
              b"\x31\4" + bytes(4), b"\1\xfe" + bytes(254), b"\1\5" + bytes(5) + b"\0",
              bytes(2038), b"\1\xff" + bytes(100), b"\1\4\1\1\1\1", b"\7\4\0\0\0\0"]
    for action in (0, 0x40, 0x80, 0xc0):
        for kind in (0x1e, 0x3e, 9):
            bodies += [bytes([action | kind, 4]) + bytes(4),
                       bytes([action | kind, 0xff]) + bytes(4),
                       b"\5\2\0\0" + bytes([action | kind, 0])]
    for o in bodies:
        if len(o) > 1300:
            o = o[:1300]
        for kind in (HOP, DEST):
            for dst in (FAR, "2001:db8:0::1", "ff02::1", "2001:db8:b0::1"):
                yield 0, ip6(A, dst, kind, ext(17, o) + u), b""
            yield 0, ip6(A, FAR, kind, ext(17, o) + u, hlim=1), b""
    for size in (0, 1, 2, 7, 31, 255):
        yield 0, ip6(A, FAR, HOP, bytes([17, size]) + b"\1\4" + bytes(4) + u), b""
    for n in (0, 1, 4, 65535):
        yield 0, ip6(A, FAR, HOP, ext(17, struct.pack("!BBI", 0xc2, 4, n)) + u, length=0), b""
    for kind in range(8):
        for left in (0, 1, 2, 255):
            body = bytes([kind, left]) + bytes(4) + in6(FAR) + in6(FAR2)
            yield 0, ip6(A, "2001:db8:0::1", ROUTING, ext(17, body) + u), b""
            yield 0, ip6(A, FAR, ROUTING, ext(17, body) + u), b""


def errors():
    """Invariant 40, and errors that follow the flow that they are about."""
    quote = packet(MULTI, A)
    for kind in (*range(0, 6), 100, 101, 127, 128, 129, *range(133, 162), 200, 201, 255):
        for code in (0, 1, 4):
            yield 0, ip6(A, MULTI, 58, icmp6(A, MULTI, kind, code, bytes(4), quote)), b""
        yield 0, ip6(A, FAR, 58, icmp6(A, FAR, kind, 0, bytes(4), quote), hlim=1), b""
        yield 0, ip6(A, FAR, 58, icmp6(A, FAR, kind, 0, bytes(4), quote), hlim=255), b""
        yield 0, ip6(A, "2001:db8:0::1", 58, icmp6(A, "2001:db8:0::1", kind, 0, bytes(4),
                                                   bytes(32))), b""
    for n in (0, 4, 39, 40, 41, 48, 60):
        yield 0, ip6(A, MULTI, 58, icmp6(A, MULTI, 1, 0, bytes(4), quote[:n])), b""


def discovery():
    """Neighbour discovery with and without what RFC 4861 asks for, and on its way
    through the router, where it is like any other packet."""
    lla = b"\1\1\2\0\0\0\0\x20"
    for dst in ("2001:db8:0::1", FAR, "ff02::1:ff00:1"):
        for target in ("2001:db8:0::1", "2001:db8:1::1", FAR, "ff02::1"):
            for hlim in (255, 64, 2):
                for kind in (135, 136):
                    yield 0, ip6(A, dst, 58, icmp6(A, dst, kind, 0, bytes(4),
                                                   in6(target) + lla), hlim=hlim), b""
    for size in range(0, 40, 3):
        body = icmp6(A, "2001:db8:0::1", 135, 0, bytes(4), (in6("2001:db8:0::1") + lla)[:size])
        yield 0, ip6(A, "2001:db8:0::1", 58, body, hlim=255), b""
    frag = struct.pack("!BBHI", 58, 0, 0, 9) + icmp6(A, "2001:db8:0::1", 135, 0, bytes(4),
                                                     in6("2001:db8:0::1") + lla)
    yield 0, ip6(A, "2001:db8:0::1", 44, frag, hlim=255), b""


def traffic():
    for n in range(200):
        src, dst = f"2001:db8:f0:{n & 7}::{n:x}", f"2001:db8:ff::{n:x}"
        yield 0, packet(src, dst, bytes([n]) * (n * 7 % 1400), sport=n, dport=53, flow=n * 77), b""
        yield 0, ip6(src, dst, 6, tcp(src, dst, 1024 + n, 443, b"h" * (n * 11 % 1400), 0x18,
                                      b"\1\1\x08\x0a" + bytes(8)), flow=n), b""
        yield 1, packet(dst, src, bytes([n]) * (n * 5 % 1400), sport=53, dport=n), b""


def everything():
    for part in (lengths, fields, addresses, chains, hop_options, errors, discovery, traffic):
        yield from part()
