# SPDX-License-Identifier: GPL-2.0
"""Netlink requests as bytes, sent without a process; and what there is, by dumps."""
import contextlib
import socket
import struct

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400
NLMSG_ERROR, NLMSG_DONE = 2, 3
NEW = NLM_F_CREATE | NLM_F_EXCL
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
RTM_NEWQDISC, RTM_DELQDISC, RTM_GETQDISC = 36, 37, 38
RTM_NEWNEXTHOP, RTM_DELNEXTHOP, RTM_GETNEXTHOP = 104, 105, 106
IFF_UP = 1
TC_H_ROOT = 0xffffffff
CMD_ROUTER_GET, CMD_ROUTER_SET, CMD_ROUTER_RESET = 1, 2, 3
CMD_PORT_GET, CMD_FIB_GET, CMD_ROUTE_GET, CMD_FIB_STATS = 7, 11, 13, 14


def attr(kind, payload):
    """One attribute, padded; payload: bytes, text, or a number of 32 bits."""
    if isinstance(payload, int):
        payload = struct.pack("=I", payload)
    elif isinstance(payload, str):
        payload = payload.encode() + b"\0"
    raw = struct.pack("=HH", len(payload) + 4, kind) + payload
    return raw + bytes(-len(raw) % 4)


def attrs(data):
    """[(kind, payload)] of what is packed in data."""
    found, at = [], 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        if size < 4:
            break
        found.append((kind & 0x3fff, data[at + 4:at + size]))
        at += size + 3 & ~3
    return found


def message(kind, flags, body):
    return struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | flags, 7, 0) + body


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


class Netlink:
    """A socket in a namespace; proto 0 is rtnetlink, 16 generic netlink."""

    def __init__(self, ns=None, proto=0):
        self.ns, self.proto = ns, proto
        self.open()

    def open(self):
        """A new socket, without what an old one may still have in it."""
        with self.ns or contextlib.nullcontext():
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, self.proto)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 20, 0))
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 20)    # SO_RCVBUFFORCE

    def ask(self, msg):
        """Send a request that is acknowledged. Return ("done", 0), ("refused", errno),
        or ("unknown", errno) when only the answer is lost."""
        try:
            self.sock.send(msg)
        except OSError as e:
            return "refused", e.errno
        try:
            answer = self.sock.recv(1 << 16)
        except OSError as e:
            return "unknown", e.errno
        _, kind, _, _, _, code = struct.unpack_from("=IHHIIi", answer)
        if kind != NLMSG_ERROR or code == 0:
            return "done", 0
        return "refused", -code

    def collect(self, msg):
        """Send a request for a dump. Return ("done", [payload]) or as ask() does."""
        payloads = []
        try:
            self.sock.send(msg)
        except OSError as e:
            return "refused", e.errno
        while True:
            try:
                data = self.sock.recv(1 << 18)
            except OSError as e:
                return "refused", e.errno
            at = 0
            while at + 16 <= len(data):
                size, kind = struct.unpack_from("=IH", data, at)
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    code = struct.unpack_from("=i", data, at + 16)[0] if size >= 20 else 0
                    return ("refused", -code) if code else ("done", payloads)
                payloads.append(data[at + 16:at + size])
                at += size + 3 & ~3

    def dump(self, kind, body):
        """The payloads of a dump that is not to fail."""
        how, got = self.collect(message(kind, NLM_F_DUMP, body))
        if how != "done":
            raise OSError(got, f"dump {kind}")
        return got


# ---- requests ------------------------------------------------------------------

def link(name=None, kind=None, data=b"", index=0, flags=0, change=0, more=b""):
    """The body of RTM_NEWLINK and its like."""
    body = struct.pack("=BxHiII", 0, 0, index, flags, change) + more
    if name:
        body += attr(3, name)
    if kind:
        body += attr(18, attr(1, kind.encode()) + (attr(2, data) if data else b""))
    return body


def route(dst, plen, table, more, family=None, kind=1, scope=0, tos=0):
    """The body of RTM_NEWROUTE; more: where to."""
    raw = address(dst)
    family = family or (10 if len(raw) == 16 else 2)
    return struct.pack("=BBBBBBBBI", family, plen, 0, tos, 0, 99, scope, kind, 0) + \
        attr(15, table) + attr(1, raw) + (attr(6, 1024) if family == 10 else b"") + more


def via(gateway, index):
    return attr(5, address(gateway)) + attr(4, index)


def paths(ways):
    """Several ways out: (gateway, index)."""
    raw = b""
    for gateway, index in ways:
        inner = attr(5, address(gateway))
        raw += struct.pack("=HBBi", 8 + len(inner), 0, 0, index) + inner
    return attr(9, raw)


class Family:
    """The generic netlink family, for requests by their numbers."""

    def __init__(self):
        nl = Netlink(proto=16)
        nl.sock.send(message(16, NLM_F_ACK, struct.pack("=BBH", 3, 1, 0) + attr(2, "vrouter")))
        data = nl.sock.recv(1 << 16)
        found = dict(attrs(data[20:struct.unpack_from("=I", data)[0]]))
        self.number = struct.unpack("=H", found[1][:2])[0]

    def message(self, cmd, body, flags=NLM_F_ACK):
        return message(self.number, flags, struct.pack("=BBH", cmd, 1, 0) + body)


# ---- what there is ---------------------------------------------------------------

# statistics, times, and what the kernel does later
LINK_VOLATILE = {7, 16, 17, 23, 26, 33, 35, 43, 47, 48}
ROUTER_VOLATILE = {1, 5, 6, 15, 16, 17, 18, 19, 23, 24, 25, 26}
PORT_VOLATILE = {1, 4, 12}


def _links(nl):
    for p in nl.dump(RTM_GETLINK, link(more=attr(29, 8))):
        _, kind, _, flags, _ = struct.unpack_from("=BxHiII", p)
        found = attrs(p[16:])
        name = dict(found)[3].rstrip(b"\0").decode()
        yield ("link", name), (kind, flags & ~0x30040,
                               [a for a in found if a[0] not in LINK_VOLATILE])


def _others(nl):
    for p in nl.dump(RTM_GETADDR, bytes(8)):
        family, plen, _, _, index = struct.unpack_from("=BBBBI", p)
        found = attrs(p[8:])
        yield ("address", index, family, dict(found)[1].hex(), plen), \
            [a for a in found if a[0] not in (6, 8)]
    for family in (2, 10):
        for p in nl.dump(RTM_GETROUTE, struct.pack("=B11x", family)):
            head = struct.unpack_from("=BBBBBBBB", p)
            found = attrs(p[12:])
            a = dict(found)
            yield ("route", head, a.get(1, b"").hex(), a.get(6, b"").hex(),
                   a.get(4, b"").hex() if head[4] == 255 else ""), \
                [x for x in found if x[0] != 12]
    for p in nl.dump(RTM_GETNEIGH, bytes(12)):
        family, index, state = struct.unpack_from("=B3xiH", p)
        found = [a for a in attrs(p[12:]) if a[0] not in (3, 4)]
        if state & 0x80:
            yield ("neighbour", family, index, dict(found)[1].hex()), found
    for p in nl.dump(RTM_GETNEXTHOP, bytes(8)):
        found = attrs(p[8:])
        yield ("nexthop", dict(found)[1].hex()), found
    for p in nl.dump(RTM_GETQDISC, bytes(20)):
        _, index, handle, parent = struct.unpack_from("=B3xiII", p)
        yield ("qdisc", index, handle, parent), \
            [a for a in attrs(p[20:]) if a[0] not in (3, 4, 7)]


class State:
    """All that namespaces have, and all routers and ports, to be compared."""

    def __init__(self, spaces, family):
        self.nl = {ns.name: Netlink(ns) for ns in spaces}
        self.genl, self.family = Netlink(proto=16), family

    def read(self):
        """{what: its settings}"""
        now = {}
        for name, nl in self.nl.items():
            for part in (_links, _others):
                for key, value in part(nl):
                    now[(name,) + key] = value
        for cmd, flag, volatile, name in ((CMD_ROUTER_GET, 20, ROUTER_VOLATILE, 2),
                                          (CMD_PORT_GET, 13, PORT_VOLATILE, 2)):
            for p in self.genl.dump(self.family.number,
                                    struct.pack("=BBH", cmd, 1, 0) + attr(flag, b"")):
                found = attrs(p[4:])
                now[("genl", cmd, dict(found)[name].rstrip(b"\0").decode(),
                     dict(found).get(3, b"").hex())] = \
                    [a for a in found if a[0] not in volatile]
        return now


def _flat(value):
    """Settings as a list."""
    if value is None:
        return ["nothing"]
    return list(value[:-1]) + value[-1] if isinstance(value, tuple) else value


def difference(before, after):
    """What is not the same, as text, or nothing."""
    lines = []
    for key in sorted(set(before) | set(after), key=str):
        if before.get(key) != after.get(key):
            one, two = _flat(before.get(key)), _flat(after.get(key))
            lines.append(f"{key}: expected {[a for a in one if a not in two]}, "
                         f"actual {[a for a in two if a not in one]}")
    return "; ".join(lines[:4])
