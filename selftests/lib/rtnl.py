#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The bodies of rtnetlink's requests. As a program: make or change a link, with values
that ip would not send.

usage: rtnl.py add|set NAME KIND [link DEV] [master DEV] [mtu N] [mac HEX]
                  [data TYPE HEX]...
KIND "-" leaves out the link info. Prints "ok", or the errno's name and the
kernel's text; exit status 0 or 1.
"""
import socket
import struct
import sys

from nl import NEW, Socket, attr, name_of

NEWLINK, DELLINK, GETLINK, SETLINK = 16, 17, 18, 19
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
NEWNEIGH, DELNEIGH, GETNEIGH = 28, 29, 30
NEWQDISC, DELQDISC, GETQDISC = 36, 37, 38
NEWTCLASS, DELTCLASS, GETTCLASS, NEWTFILTER = 40, 41, 42, 44
NEWNEXTHOP, DELNEXTHOP, GETNEXTHOP = 104, 105, 106
# attributes of links
ADDRESS, IFNAME, MTU, LINK, MASTER, LINKINFO = 1, 3, 4, 5, 10, 18
NET_NS_PID, NET_NS_FD, EXT_MASK, LINK_NETNSID, TARGET_NETNSID = 19, 28, 29, 37, 46
INFO_KIND, INFO_DATA = 1, 2
NESTED = 0x8000
IFF_UP, NUD_PERMANENT, NODAD = 1, 0x80, 2
TC_H_ROOT = 0xffffffff
PROTO = 99          # of the tests' routes


def packed(ip):
    """An address as bytes."""
    return socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip)


def family_of(raw):
    return socket.AF_INET if len(raw) == 4 else socket.AF_INET6


def link(name=None, kind=None, data=b"", index=0, flags=0, change=0, more=b""):
    """A link, by its name or index; data: what is its kind's, more: other attributes."""
    body = struct.pack("=BxHiII", 0, 0, index, flags, change) + more
    if name:
        body += attr(IFNAME, name)
    if kind:
        # as ip does: without a NUL
        body += attr(LINKINFO, attr(INFO_KIND, kind.encode()) +
                     (attr(INFO_DATA, data) if data else b""))
    return body


def address(index, ip, plen):
    """An address of a device, in use at once."""
    raw = packed(ip)
    return struct.pack("=BBBBI", family_of(raw), plen, NODAD, 0, index) + \
        attr(1, raw) + attr(2, raw)


def neighbour(index, ip, lladdr=None, state=NUD_PERMANENT):
    raw = packed(ip)
    body = struct.pack("=BxHiHBB", family_of(raw), 0, index, state, 0, 0)
    return body + attr(1, raw) + (attr(2, lladdr) if lladdr else b"")


def route(dst, plen, table, more=b"", kind=1):
    """A route; dst: text or bytes, kind: RTN_UNICAST or another one, more: where to."""
    raw = packed(dst) if isinstance(dst, str) else dst
    # without a metric, the kernel picks one for IPv6
    metric = b"" if len(raw) == 4 else attr(6, 1024)
    return struct.pack("=BBBBBBBBI", family_of(raw), plen, 0, 0, 0, PROTO, 0, kind, 0) + \
        attr(15, table) + attr(1, raw) + metric + more


def via(gateway, index):
    """Where a route goes to: a gateway, and the index of the device."""
    return attr(5, packed(gateway)) + attr(4, index)


def multipath(paths):
    """Where a route goes to: [(gateway, index of the device, weight)]."""
    body = b""
    for gateway, index, weight in paths:
        way = attr(5, packed(gateway))
        body += struct.pack("=HBBi", 8 + len(way), 0, weight - 1, index) + way
    return attr(9, body)


def nexthop(number, family=0, more=b""):
    """A nexthop object; more: what it is."""
    return struct.pack("=BBBBI", family, 0, 0, 0, 0) + attr(1, number) + more


def nexthop_group(members):
    """What an object is: [(number, weight)]."""
    return attr(2, b"".join(struct.pack("=IBBH", n, w - 1, 0, 0) for n, w in members))


def qdisc(index=0, parent=TC_H_ROOT, handle=0, kind=None, options=b""):
    """A qdisc or class of a device."""
    body = struct.pack("=BxxxiIII", 0, index, handle, parent, 0)
    if kind:
        body += attr(1, kind) + (attr(2 | NESTED, options) if options else b"")
    return body


# ---- the program -----------------------------------------------------------------

def talk(name, kind, args, change):
    """Make a link, or change it, as the usage says; return (errno, text)."""
    more, data = b"", b""
    args = list(args)
    while args:
        word = args.pop(0)
        if word in ("link", "master"):
            more += attr({"link": LINK, "master": MASTER}[word],
                         socket.if_nametoindex(args.pop(0)))
        elif word == "mtu":
            more += attr(MTU, int(args.pop(0)))
        elif word == "mac":
            more += attr(ADDRESS, bytes.fromhex(args.pop(0)))
        elif word == "data":
            number = int(args.pop(0))
            data += attr(number, bytes.fromhex(args.pop(0)))
        else:
            sys.exit(__doc__)
    with Socket() as sock:
        answer = sock.ask(NEWLINK, link(name, None if kind == "-" else kind, data, more=more),
                          0 if change else NEW)
    return answer.code, answer.text or ""


def main(argv):
    if len(argv) < 4 or argv[1] not in ("add", "set"):
        sys.exit(__doc__)
    code, text = talk(argv[2], argv[3], argv[4:], argv[1] == "set")
    print(f"{name_of(code)} {text}" if code else "ok")
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
