# SPDX-License-Identifier: GPL-2.0
"""Netlink without a process for each request: links, addresses, routes, qdiscs and
our family, as bytes. For those who want very many requests, not their answers."""
import errno
import socket
import struct

from rtnl import attr

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
REPLACE, EXCL, CREATE = 0x100, 0x200, 0x400
NLMSG_ERROR, NLMSG_DONE = 2, 3
NEWLINK, DELLINK, GETLINK, NEWADDR, DELADDR = 16, 17, 18, 20, 21
NEWROUTE, DELROUTE, NEWNEIGH, DELNEIGH = 24, 25, 28, 29
NEWQDISC, DELQDISC, GETTCLASS, NEWNEXTHOP, DELNEXTHOP = 36, 37, 42, 104, 105
NETLINK_GENERIC = 16
IFF_UP = 1
TC_H_ROOT = 0xffffffff
PATIENCE = 100      # seconds until a request that is not answered is an exception


def u16(kind, value):
    return attr(kind, struct.pack("=H", value))


def u32(kind, value):
    return attr(kind, struct.pack("=I", value))


def u64(kind, value):
    return attr(kind, struct.pack("=Q", value))


def text(kind, value):
    return attr(kind, value.encode() + b"\0")


def packed(ip):
    """An address as bytes."""
    return socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip)


class Netlink:
    """A socket in the network namespace that the process is in."""

    def __init__(self, proto=socket.NETLINK_ROUTE):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, proto)
        self.sock.setsockopt(270, 10, 1)    # NETLINK_CAP_ACK
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
                             struct.pack("=qq", PATIENCE, 0))
        self.seq = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def _send(self, kind, flags, body):
        self.seq += 1
        self.sock.send(struct.pack("=IHHII", 16 + len(body), kind,
                                   NLM_F_REQUEST | flags, self.seq, 0) + body)

    def _messages(self):
        data = self.sock.recv(1 << 17)
        at = 0
        while at + 16 <= len(data):
            size, kind, _, seq, _ = struct.unpack_from("=IHHII", data, at)
            if seq == self.seq:
                yield kind, data[at + 16:at + size]
            at += size + 3 & ~3

    def ask(self, kind, body, flags=0):
        """Send a request; return its errno, 0 for success."""
        self._send(kind, NLM_F_ACK | flags, body)
        while True:
            for got, payload in self._messages():
                if got == NLMSG_ERROR:
                    return -struct.unpack_from("=i", payload)[0]

    def dump(self, kind, body):
        """(errno, what came)"""
        self._send(kind, NLM_F_DUMP, body)
        found = []
        while True:
            for got, payload in self._messages():
                if got == NLMSG_ERROR:
                    return -struct.unpack_from("=i", payload)[0], found
                if got == NLMSG_DONE:
                    return -struct.unpack_from("=i", payload)[0], found
                found.append(payload)

    def get(self, kind, body):
        """(errno, the answer)"""
        self._send(kind, NLM_F_ACK, body)
        answer = b""
        while True:
            for got, payload in self._messages():
                if got == NLMSG_ERROR:
                    return -struct.unpack_from("=i", payload)[0], answer
                answer = payload


# ---- rtnetlink: the bodies of requests ---------------------------------------

def link(index=0, flags=0, change=0, attrs=b""):
    return struct.pack("=BxHiII", 0, 0, index, flags, change) + attrs


def linkinfo(kind, data=b""):
    return attr(18, text(1, kind) + (attr(2, data) if data else b""))


def address(index, ip, plen):
    raw = packed(ip)
    family = 2 if len(raw) == 4 else 10
    # IFA_LOCAL, IFA_ADDRESS, and IFA_FLAGS: no DAD
    return struct.pack("=BBBBI", family, plen, 0, 0, index) + attr(2, raw) + \
        attr(1, raw) + u32(8, 2)


def neighbour(index, ip, lladdr=None, state=0x80):
    raw = packed(ip)
    body = struct.pack("=BxHiHBB", 2 if len(raw) == 4 else 10, 0, index, state, 0, 1)
    return body + attr(1, raw) + (attr(2, lladdr) if lladdr else b"")


def route(net, plen, table, attrs=b""):
    raw = packed(net)
    family, metric = (2, b"") if len(raw) == 4 else (10, u32(6, 1024))
    return struct.pack("=BBBBBBBBI", family, plen, 0, 0, 0, 99, 0, 1, 0) + \
        u32(15, table) + attr(1, raw) + metric + attrs


def gateway(ip, index):
    return attr(5, packed(ip)) + u32(4, index)


def multipath(paths):
    """[(gateway, index of the device, weight)]"""
    body = b""
    for ip, index, weight in paths:
        via = attr(5, packed(ip))
        body += struct.pack("=HBBi", 8 + len(via), 0, weight - 1, index) + via
    return attr(9, body)


def nexthop(number, family, attrs=b"", proto=99):
    return struct.pack("=BBBBI", family, 0, proto, 0, 0) + u32(1, number) + attrs


def nexthop_group(members):
    """[(number, weight)]"""
    return attr(2, b"".join(struct.pack("=IBBH", n, w - 1, 0, 0) for n, w in members))


def qdisc(index, parent=TC_H_ROOT, handle=0, kind=None, options=b""):
    body = struct.pack("=BxHiIII", 0, 0, index, handle, parent, 0)
    if kind:
        body += text(1, kind) + (attr(0x8002, options) if options else b"")
    return body


# ---- our family ---------------------------------------------------------------

class Family(Netlink):
    """Generic netlink's vrouter. Its number is another one each time that the module
    is loaded, and asking for it while it is not has the kernel look for a module."""

    number = 1023       # nobody's

    def __init__(self):
        super().__init__(NETLINK_GENERIC)

    def _again(self, error):
        """Was it for want of the right number?"""
        if error != errno.ENOENT:
            return False
        error, answer = self.get(16, struct.pack("=BBH", 3, 1, 0) + text(2, "vrouter"))
        number = 0 if error else find_u16(answer[4:], 1)
        if number in (0, Family.number):
            return False
        Family.number = number
        return True

    def do(self, cmd, attrs):
        """Send a request; return its errno, 0 for success."""
        body = struct.pack("=BBH", cmd, 1, 0) + attrs
        error = self.ask(Family.number, body)
        return self.ask(Family.number, body) if self._again(error) else error

    def dump_all(self, cmd, attrs=b""):
        """(errno, what came)"""
        body = struct.pack("=BBH", cmd, 1, 0) + attrs
        got = self.dump(Family.number, body)
        return self.dump(Family.number, body) if self._again(got[0]) else got


def find_u16(attrs, kind):
    """The value of an attribute."""
    at = 0
    while at + 4 <= len(attrs):
        size, this = struct.unpack_from("=HH", attrs, at)
        if this & 0x3fff == kind:
            return struct.unpack_from("=H", attrs, at + 4)[0]
        at += max(size, 4) + 3 & ~3
    return 0
