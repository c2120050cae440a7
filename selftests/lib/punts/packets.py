# SPDX-License-Identifier: GPL-2.0
"""Packets that punt.py sends, and what may come out of them."""
import socket
import struct

from vrtest import (Failure, addr, csum, eth, expect, forwarded, frame, icmp4, icmp6, in6,
                    ip4, ip6, mac, packet, text, udp)

P = [f"02:00:00:00:00:1{i}" for i in range(3)]
H = [f"02:00:00:00:00:2{i}" for i in range(3)] + ["02:00:00:00:00:99"]
A4, A6 = "10.0.0.2", "2001:db8:0::2"
FAR4, FAR6 = "198.51.100.7", "2001:db8:ff::7"


# --- packets -----------------------------------------------------------------

def on0(ip, dst=P[0], vlan=None):
    """A frame with this packet to the router's first port."""
    return (0, frame(dst, H[0], ip, vlan))


def v4(dst=FAR4, src=A4, **kw):
    return on0(packet(src, dst, **kw))


def v6(dst=FAR6, src=A6, **kw):
    return on0(packet(src, dst, **kw))


def echo4(dst, src=A4):
    return on0(ip4(src, dst, 1, icmp4(8)))


def echo6(dst, src=A6):
    return on0(ip6(src, dst, 58, icmp6(src, dst, 128)))


def arp(op, sha, spa, tha, tpa, dst, src=None):
    body = struct.pack("!HHBBH", 1, 0x800, 6, 4, op)
    body += mac(sha) + socket.inet_aton(spa) + mac(tha) + socket.inet_aton(tpa)
    return eth(dst, src or sha, 0x806, body)


def bad(**kw):
    return on0(ip4(A4, FAR4, payload=udp(A4, FAR4), **kw))


def bad6(**kw):
    return on0(ip6(A6, FAR6, payload=udp(A6, FAR6), **kw))


def error4(code=1):
    """An ICMP error about a packet that came from behind the router."""
    return on0(ip4(A4, "198.51.102.5", 1, icmp4(3, code, bytes(4), packet(
        "198.51.102.5", A4))))


def error6():
    dst = "2001:db8:a2::5"
    return on0(ip6(A6, dst, 58, icmp6(A6, dst, 1, 0, bytes(4), packet(dst, A6))))


# --- what comes out ----------------------------------------------------------
# Each is a function of the packets that went in and the frames that came out.

def nothing(sent, got):
    expect("frames", [], text(got))


def through(wire=1):
    """Forwarded as it is, by the stack."""
    def check(sent, got):
        want = [(wire, frame(H[wire], P[wire], forwarded(f[14:]))) for _, f in sent]
        expect("frames", text(want), text(got))
    return check


def anywhere(sent, got):
    """Forwarded to one wire or another."""
    expect("packets", sorted(forwarded(f[14:]).hex() for _, f in sent),
           sorted(f[14:].hex() for _, f in got))


def icmp_of(got, number, src, dst):
    expect("frames", number, len(got))
    wire, f = got[-1]
    expect("wire of the answer", 0, wire)
    expect("MAC addresses of the answer", (H[0], P[0]),
           tuple(":".join(f"{b:02x}" for b in m) for m in (f[:6], f[6:12])))
    v6p = f[14] >> 4 == 6
    ip = f[14:]
    if v6p:
        expect("addresses", (in6(src).hex(), in6(dst).hex()),
               (ip[8:24].hex(), ip[24:40].hex()))
        expect("protocol", 58, ip[6])
        return ip[40:]
    expect("addresses", (addr(src).hex(), addr(dst).hex()),
           (ip[12:16].hex(), ip[16:20].hex()))
    expect("header checksum", 0, csum(ip[:20]))
    expect("protocol", 1, ip[9])
    expect("ICMP checksum", 0, csum(ip[20:]))
    return ip[20:]


def error(kind, code, rest=0, src=None, number=1):
    """An ICMP error that quotes what was sent."""
    def check(sent, got):
        ip = sent[-1][1][14:]
        is6 = ip[0] >> 4 == 6
        own = src or ("2001:db8:0::1" if is6 else "10.0.0.1")
        to = socket.inet_ntop(socket.AF_INET6, ip[8:24]) if is6 else \
            socket.inet_ntoa(ip[12:16])
        icmp = icmp_of(got, number, own, to)
        expect("ICMP type, code, value", (kind, code, rest),
               (icmp[0], icmp[1], struct.unpack("!I", icmp[4:8])[0]))
        quote = icmp[8:]
        if kind == 5 and not is6:
            # a redirect goes out before the packet gets older, or after
            expect("quoted addresses", ip[12:20].hex(), quote[12:20].hex())
            return
        most = 1280 - 48 if is6 else 576 - 28
        want = ip[:most]
        # past the check of the size, it is older by one hop
        if is6 and quote[7] == ip[7] - 1:
            want = forwarded(ip)[:most]
        if not is6 and quote[8] == ip[8] - 1:
            want = forwarded(ip)[:most]
        expect("quote", want[:len(quote)].hex(), quote.hex())
        if len(quote) < min(len(want), 28):
            raise Failure(f"length of the quote: expected {len(want)}, "
                          f"actual {len(quote)}")
    return check


def reply(src):
    def check(sent, got):
        f = sent[-1][1]
        is6 = f[14] >> 4 == 6
        icmp = icmp_of(got, 1, src, A6 if is6 else A4)
        expect("ICMP type and code", (129 if is6 else 0, 0), (icmp[0], icmp[1]))
        data = f[14 + (40 if is6 else 20):]
        expect("data", data[4:].hex(), icmp[4:].hex())
    return check


def arp_reply(sent, got):
    want = [(0, arp(2, P[0], "10.0.0.1", H[0], A4, H[0]))]
    expect("frames", text(want), text([(i, f[:42]) for i, f in got]))


def fragments(number):
    """So many fragments that are the packet again, when put together."""
    def check(sent, got):
        ip = sent[0][1][14:]
        expect("fragments", number, len(got))
        data, offset = b"", 0
        for n, (wire, f) in enumerate(got):
            expect("wire", 1, wire)
            h = f[14:34]
            expect("header checksum", 0, csum(h))
            length = struct.unpack("!H", h[2:4])[0]
            frag = struct.unpack("!H", h[6:8])[0]
            expect("identification", ip[4:6].hex(), h[4:6].hex())
            expect("TTL", ip[8] - 1, h[8])
            expect("offset", offset, (frag & 0x1fff) * 8)
            expect("more fragments", n + 1 < number, bool(frag & 0x2000))
            data += f[34:14 + length]
            offset += length - 20
        expect("payload", ip[20:].hex(), data.hex())
    return check


def redirect4(sent, got):
    error(5, 1, 0x0a000003, number=2)(sent, sorted(got, key=lambda g: g[1][:6] == mac(H[0])))
    one = [f for _, f in got if f[:6] == mac(H[3])]
    expect("forwarded", [frame(H[3], P[0], forwarded(sent[0][1][14:])).hex()],
           [f.hex() for f in one])


def redirect6(sent, got):
    expect("frames", 2, len(got))
    one = [f for _, f in got if f[:6] == mac(H[3])]
    expect("forwarded", [frame(H[3], P[0], forwarded(sent[0][1][14:])).hex()],
           [f.hex() for f in one])
    red = [f for _, f in got if f[:6] == mac(H[0])][0][54:]
    expect("redirect, its target and destination",
           (137, 0, in6("fe80::3").hex(), in6("2001:db8:a6::5").hex()),
           (red[0], red[1], red[8:24].hex(), red[24:40].hex()))
