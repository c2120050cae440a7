# SPDX-License-Identifier: GPL-2.0
"""IPv4: each field of the header over its edges. Yields (wire, packet, padding)."""
import struct

from vrtest import csum, flipped, icmp4, ip4, packet, tcp, udp

A, FAR, FAR2 = "10.0.0.2", "198.51.100.7", "192.0.2.9"
MULTI = "198.18.7.7"
LENGTHS = (0, 1, 2, 7, 8, 9, 17, 18, 19, 63, 64, 100, 255, 256, 511, 512, 575, 576,
           1000, 1251, 1252, 1253, 1351, 1352, 1371, 1372, 1373, 1400, 1470, 1471, 1472)
# sources that are fine, that are nobody's, and that must not be
SOURCES = ("10.0.0.2", "10.0.0.3", "10.0.0.0", "10.0.0.255", "10.0.0.1", "10.0.1.1",
           "10.0.1.2", "10.0.2.9", "10.9.0.1", "192.0.2.1", "169.254.3.3",
           "0.0.0.0", "0.0.0.1", "0.255.255.255", "127.0.0.1", "127.255.255.255",
           "128.0.0.0", "172.31.255.255", "223.255.255.255", "224.0.0.1", "224.0.0.0",
           "239.255.255.255", "240.0.0.1", "247.1.2.3", "255.255.255.254",
           "255.255.255.255", "100.64.0.1", "100.65.0.1", "1.0.0.0", "198.51.100.1")
DESTS = ("10.0.1.2", "10.0.1.0", "10.0.1.255", "10.0.1.1", "10.0.1.99", "10.0.0.1",
         "10.0.0.2", "10.0.0.0", "10.0.0.255", "10.0.0.9", "10.0.2.2", "10.0.2.255",
         "198.51.100.1", "198.51.100.255", "192.0.2.1", "203.0.113.250", "198.18.0.1",
         "198.18.0.2", "198.19.255.255", "169.254.1.1", "0.0.0.0", "0.0.0.1",
         "0.1.2.3", "127.0.0.1", "127.9.9.9", "128.0.0.0", "223.255.255.255",
         "224.0.0.1", "224.0.0.5", "224.0.0.251", "225.0.0.0", "232.1.1.1",
         "239.255.255.255", "240.0.0.1", "250.5.5.5", "255.255.255.254",
         "255.255.255.255", "100.64.1.1", "100.65.1.1", "100.66.1.1", "100.67.1.1",
         "100.68.1.1", "1.0.0.0", "8.8.8.8", "172.16.0.1")
# kind of option, and what is in it
OPTIONS = (b"\1\1\1\1", b"\0\0\0\0", b"\1\0\0\0", b"\7\7\4" + bytes(5),
           b"\7\3\4\0", b"\7\1\4\0", b"\7\7\5" + bytes(5), b"\7\x27\4" + bytes(37),
           b"\7\7\10" + b"\1\2\3\4\0", b"\x44\x08\5\0" + bytes(4),
           b"\x44\x0c\5\1" + bytes(8), b"\x44\4\5\xf0", b"\x44\x08\x09\xf0" + bytes(4),
           b"\x83\7\4\12\0\1\2\0", b"\x83\x0b\4\12\0\2\2\12\0\1\2\0", b"\x83\7\10\12\0\1\2\0",
           b"\x89\7\4\12\0\1\2\0", b"\x89\7\10\12\0\1\2\0", b"\x94\4\0\0", b"\x94\4\1\0",
           b"\x94\3\0\0", b"\x88\4\0\1", b"\x86\x0a" + bytes(8) + b"\0\0",
           b"\x82\x0b" + bytes(9) + b"\0",
           b"\x1e\2\1\1", b"\xff\2\0\0", b"\xff\0\0\0", b"\xff\x28\0\0", b"\x9e\4\1\1",
           b"\1\1\1\x94" + b"\4\0\0\0", b"\1" * 40, b"\x94\4\0\0" * 10)


def plain(payload=b"", src=A, dst=FAR, **kw):
    return packet(src, dst, payload, **kw)


def lengths():
    """Invariant 27: what the header says and what is there, and padding."""
    for n in LENGTHS:
        yield 0, plain(b"\xa5" * n), b""
        yield 0, plain(b"\xa5" * n, frag=0x4000), b""
    for pad in (1, 2, 17, 40, 63):
        yield 0, plain(b"p" * 64), b"\xee" * pad
    whole = plain(b"t" * 20)
    for n in range(len(whole)):
        yield 0, whole[:n], b""
    base = plain(b"t" * 44)
    for said in (*range(0, len(base) + 6), 255, 256, 1500, 1501, 0x7fff, 0x8000, 0xffff):
        yield 0, plain(b"t" * 44, length=said), b""
        yield 0, plain(b"t" * 44, length=said), b"\xdd" * 20
    for proto, body in ((6, tcp(A, FAR, data=b"d" * 30)), (1, icmp4(8)),
                        (17, udp(A, FAR, data=b"u" * 30)), (1, icmp4(3, 1, bytes(4), base))):
        for n in range(len(body) + 1):
            yield 0, ip4(A, FAR, proto, body[:n]), b""
    for ihl in range(16):
        for n in (0, 20, 44):
            yield 0, ip4(A, FAR, payload=bytes(range(n)), ihl=ihl), b""
            yield 0, ip4(A, FAR, payload=b"\1" * n, ihl=ihl), b""
    for version in range(16):
        yield 0, plain(b"v", version=version), b""


def fields():
    """Invariants 29, 39 and 42."""
    for ttl in range(256):
        yield 0, plain(b"ttl", ttl=ttl), b""
    for tos in range(256):
        yield 0, plain(b"tos", tos=tos), b""
        yield 0, plain(b"tos", tos=tos, dst=MULTI, sport=tos), b""
    for proto in range(256):
        yield 0, ip4(A, FAR, proto, bytes(range(40))), b""
        yield 0, ip4(A, MULTI, proto, bytes(range(40))), b""
    for proto in (1, 2, 6, 17, 47, 50, 89):
        for n in (0, 1, 3, 4, 7):
            yield 0, ip4(A, MULTI, proto, bytes(range(n))), b""
    for bit in range(160):
        wrong = flipped(plain(b"bit"), bit >> 3, 0x80 >> (bit & 7))
        yield 0, wrong, b""
        wrong = wrong[:10] + b"\0\0" + wrong[12:]
        yield 0, wrong[:10] + struct.pack("!H", csum(wrong[:20])) + wrong[12:], b""
    for ident in range(0, 0x10000, 0x333):
        yield 0, plain(b"id", ident=ident), b""
    for frag in (0x2000, 0x4000, 0x8000, 0xe000, 0x6000, 0x0001, 0x2001, 0x00b9, 0x20b9,
                 0x1fff, 0x3fff, 0x5fff, 0xffff, 0x4001):
        for n in (0, 1, 7, 8, 9, 24, 1400, 1480):
            for dst in (FAR, MULTI, "10.0.0.1"):
                yield 0, ip4(A, dst, payload=b"f" * n, frag=frag, ident=frag), b""


def checksums():
    """All that the incremental sum may trip over: ones' complement has two zeros."""
    base = plain(b"sum", ident=0)
    first = int.from_bytes(base[10:12], "big")
    for want in (0x0000, 0xffff, 0xfeff, 0xfefe, 0xff00, 0x00ff, 0x0100, 0x0001, 0xfffe,
                 0xfffd, 0x8000, 0x7fff):
        for ttl in (1, 2, 3, 64, 128, 255):
            base = plain(b"sum", ident=0, ttl=ttl)
            first = int.from_bytes(base[10:12], "big")
            good = plain(b"sum", ident=(first - want) % 0xffff, ttl=ttl)
            yield 0, good, b""
            yield 0, good[:10] + struct.pack("!H", want) + good[12:], b""
    for bad in (1, 2, 0x100, 0x8000, 0xffff):
        yield 0, plain(b"sum", bad=bad), b""
        yield 0, plain(b"sum", ttl=1, bad=bad), b""
    zero = ip4(A, FAR, payload=udp(A, FAR, zero=True))
    yield 0, zero, b""
    for at in (26, 27):
        yield 0, flipped(plain(b"udp"), at), b""
    lite = struct.pack("!HHHH", 1, 2, 8, 0xbeef) + b"lite"
    yield 0, ip4(A, FAR, 136, lite), b""
    yield 0, ip4(A, FAR, 132, struct.pack("!HHII", 5, 6, 7, 0xdeadbeef) + bytes(20)), b""


def addresses():
    """Invariants 47 and 48."""
    for src in SOURCES:
        for dst in (FAR, FAR2, MULTI, "10.0.1.2", "10.0.0.1", "224.0.0.5"):
            yield 0, plain(b"src", src=src, dst=dst), b""
            yield 0, plain(b"src", src=src, dst=dst, ttl=1), b""
    for dst in DESTS:
        for src in (A, "10.9.0.1", "192.0.2.1", "10.0.1.2"):
            yield 0, plain(b"dst", src=src, dst=dst), b""
            yield 0, plain(b"dst", src=src, dst=dst, ttl=1), b""
            yield 0, ip4(src, dst, 1, icmp4(8)), b""
        for wire in (1, 2):
            yield wire, plain(b"wire", src=f"10.0.{wire}.2", dst=dst), b""
            yield wire, plain(b"wire", src=A, dst=dst), b""
    for n in range(64):
        dst = f"198.18.{n}.{n * 3}"
        yield 0, plain(b"way", dst=dst, sport=n), b""
        yield 0, plain(b"way", src=f"10.9.{n}.1", dst=dst, dport=n), b""
        yield 1, plain(b"way", src="10.0.1.2", dst=f"10.9.{n}.1"), b""
        yield 0, ip4(A, dst, 6, tcp(A, dst, n, 80, b"x" * n, 0x18)), b""


def options():
    """Those that a router fills in, those that are wrong, and those nobody knows."""
    for o in OPTIONS:
        o += bytes(-len(o) % 4)
        for dst in (FAR, MULTI, "10.0.0.1", "10.0.1.255"):
            yield 0, ip4(A, dst, payload=udp(A, dst, data=b"opt"), options=o), b""
        yield 0, ip4(A, FAR, payload=udp(A, FAR), options=o, ttl=1), b""
        yield 0, ip4(A, FAR, payload=b"o" * 1440, options=o[:40], frag=0x4000), b""
        yield 0, ip4(A, FAR, payload=b"o" * 1440, options=o[:40]), b""


def errors():
    """Invariant 40, and errors that follow the flow that they are about."""
    quote = packet(MULTI, A)
    for kind in range(0, 48):
        for code in (0, 1, 4, 15):
            yield 0, ip4(A, MULTI, 1, icmp4(kind, code, bytes(4), quote)), b""
        yield 0, ip4(A, "10.0.0.1", 1, icmp4(kind, 0, bytes(4), bytes(20))), b""
        yield 0, ip4(A, FAR, 1, icmp4(kind, 0, bytes(4), quote), ttl=1), b""
    for n in (0, 4, 8, 12, 27, 28, 29, 36):
        yield 0, ip4(A, MULTI, 1, icmp4(3, 1, bytes(4), quote[:n])), b""
        yield 0, ip4(A, MULTI, 1, icmp4(11, 0, bytes(4), quote)[:n]), b""


def traffic():
    """Much like what goes through a router most of the time."""
    for n in range(200):
        src, dst = f"10.9.{n & 7}.{n}", f"198.51.100.{n}"
        yield 0, packet(src, dst, bytes([n]) * (n * 7 % 1400), sport=n, dport=53), b""
        yield 0, ip4(src, dst, 6, tcp(src, dst, 1024 + n, 443, b"h" * (n * 11 % 1400), 0x18,
                                      b"\1\1\x08\x0a" + bytes(8))), b""
        yield 1, packet(dst, src, bytes([n]) * (n * 5 % 1400), sport=53, dport=n), b""


def everything():
    for part in (lengths, fields, checksums, addresses, options, errors, traffic):
        yield from part()
