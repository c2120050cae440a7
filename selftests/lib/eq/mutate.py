# SPDX-License-Identifier: GPL-2.0
"""Random packets: mutations of good ones, so that most get past the first check."""
import socket
import struct

from vrtest import csum, in6

from .frames2 import H, P
from . import frames4, frames6

EDGES = (0, 1, 2, 0x0f, 0x10, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xfe, 0xff)
VNET, ETH = 10, 14
POOL4 = [socket.inet_aton(a) for a in frames4.DESTS + frames4.SOURCES]
POOL6 = [in6(a) for a in frames6.DESTS + frames6.SOURCES]


def good4(ip):
    """Make an IPv4 header right again, as far as it is there."""
    n = (ip[0] & 15) * 4
    if n < 20 or len(ip) < n:
        return
    ip[10:12] = b"\0\0"
    ip[10:12] = struct.pack("!H", csum(bytes(ip[:n])))


def urgent(kind, ip):
    """A fragment with the priority CS6 or CS7."""
    if kind == b"\x86\xdd":
        return ip[6:7] == b"\x2c" and len(ip) > 1 and ip[0] & 0xf >= 0xc
    return kind == b"\x08\x00" and len(ip) > 8 and ip[1] >= 0xc0 and \
        bool(struct.unpack("!H", ip[6:8])[0] & 0x3fff)


def fair(data):
    """Not what the two sides may treat differently, or at another time:
    tags (plain Linux's macvlan counts those that are for nobody), fragments to many
    (macvlan puts them together, to save work), MLD queries (the answer is late by a
    random time), sources that are the router's own MAC addresses (macvlan takes a
    group's frame for one that it sent), and fragments with a routing protocol's
    priority (with others of the same packet they wait in two queues of the router)."""
    kind = data[VNET + 12:VNET + 14]
    if kind in (b"\x81\x00", b"\x88\xa8") or data[VNET + 6:VNET + 12] in P:
        return False
    ip = data[VNET + ETH:]
    if data[VNET] & 1 and kind == b"\x08\x00" and len(ip) > 8 and \
       struct.unpack("!H", ip[6:8])[0] & 0x3fff:
        return False
    if kind == b"\x86\xdd" and 130 in (ip[40:41] + ip[48:49] + ip[56:57]):
        return False
    if urgent(kind, ip):
        return False
    # IGMP queries as well
    return not (kind == b"\x08\x00" and ip[9:10] == b"\2" and 0x11 in ip[20:61:4])


class Mutator:
    def __init__(self, rng, seeds):
        self.rng, self.seeds = rng, seeds

    def _bytes(self, ip):
        rng = self.rng
        for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
            # headers are where the decisions are
            at = min(int(rng.expovariate(1 / 24)), len(ip) - 1)
            how = rng.randrange(3)
            if how == 0:
                ip[at] ^= 1 << rng.randrange(8)
            elif how == 1:
                ip[at] = rng.choice(EDGES)
            else:
                ip[at] = rng.randrange(256)

    def _size(self, ip):
        rng = self.rng
        how = rng.randrange(5)
        if how == 0:
            del ip[rng.randrange(len(ip)):]
        elif how == 1:
            ip += rng.randbytes(rng.randrange(40))
        elif how == 2:
            ip += bytes(max(0, 1500 - len(ip)))
        elif how == 3:
            at = rng.randrange(len(ip))
            ip[at:at] = rng.randbytes(rng.choice((1, 2, 4, 8)))
        else:
            at = rng.randrange(len(ip))
            del ip[at:at + rng.choice((1, 2, 4, 8))]

    def _address(self, ip):
        rng = self.rng
        if ip[0] >> 4 == 4 and len(ip) >= 20:
            at, pool, size = rng.choice((12, 16)), POOL4, 4
        elif ip[0] >> 4 == 6 and len(ip) >= 40:
            at, pool, size = rng.choice((8, 24)), POOL6, 16
        else:
            return
        ip[at:at + size] = rng.choice(pool)
        if rng.randrange(3) == 0:
            at += rng.randrange(size // 2, size)
            ip[at] = rng.randrange(256)

    def _splice(self, ip):
        other = self.rng.choice(self.seeds)[1][VNET + ETH:]
        at = self.rng.choice((20, 24, 28, 40, 44, 48))
        ip[at:] = other[at if self.rng.randrange(2) else 0:][:1460]

    def _mend(self, ip):
        if not ip:
            return
        if ip[0] >> 4 == 4 and len(ip) >= 20:
            if self.rng.randrange(4):
                ip[2:4] = struct.pack("!H", len(ip))
            if self.rng.randrange(8):
                good4(ip)
        elif ip[0] >> 4 == 6 and len(ip) >= 40 and self.rng.randrange(4):
            ip[4:6] = struct.pack("!H", len(ip) - 40)

    def _one(self):
        rng = self.rng
        wire, data = rng.choice(self.seeds)
        head, ip = data[:VNET + ETH], bytearray(data[VNET + ETH:VNET + ETH + 1500])
        if not ip or any(data[:VNET]):
            return None
        for _ in range(rng.choice((1, 1, 2))):
            if ip:
                rng.choice((self._bytes, self._bytes, self._address, self._size,
                            self._splice))(ip)
        self._mend(ip)
        luck = rng.randrange(64)
        if luck == 0:
            head = head[:VNET] + rng.choice((b"\xff" * 6, b"\x01\x00\x5e" + bytes(ip[17:20]),
                                             b"\x33\x33" + bytes(ip[36:40]))) + head[VNET + 6:]
        elif luck == 1:
            head = head[:-2] + struct.pack("!H", rng.choice((0x800, 0x86dd, 0x806, 0x8847, 46)))
        elif luck < 6:
            wire = rng.randrange(3)
            head = head[:VNET] + P[wire] + H[wire] + head[-2:]
        return wire, bytes(head) + bytes(ip[:1500])

    def take(self, n):
        out = []
        while len(out) < n:
            one = self._one()
            if one and len(one[1]) >= VNET + ETH + 1 and fair(one[1]):
                out.append(one)
        return out
