# SPDX-License-Identifier: GPL-2.0
"""What there is in namespaces, by dumps: to be compared before and after."""
import struct

import nl
import rtnl
from nl import attr, pairs

# statistics, times, and what the kernel does later
LINK_VOLATILE = {7, 16, 17, 23, 26, 33, 35, 43, 47, 48}
ROUTER_VOLATILE = {1, 5, 6, 15, 16, 17, 18, 19, 23, 24, 25, 26}
PORT_VOLATILE = {1, 4, 12}
NO_STATISTICS = attr(rtnl.EXT_MASK, 8)


def _links(sock):
    for p in sock.dump(rtnl.GETLINK, rtnl.link(more=NO_STATISTICS)):
        _, kind, _, flags, _ = struct.unpack_from("=BxHiII", p)
        found = pairs(p[16:])
        name = dict(found)[rtnl.IFNAME].rstrip(b"\0").decode()
        yield ("link", name), (kind, flags & ~0x30040,
                               [a for a in found if a[0] not in LINK_VOLATILE])


def _others(sock):
    for p in sock.dump(rtnl.GETADDR, bytes(8)):
        family, plen, _, _, index = struct.unpack_from("=BBBBI", p)
        found = pairs(p[8:])
        yield ("address", index, family, dict(found)[1].hex(), plen), \
            [a for a in found if a[0] not in (6, 8)]
    for family in (2, 10):
        for p in sock.dump(rtnl.GETROUTE, struct.pack("=B11x", family)):
            head = struct.unpack_from("=BBBBBBBB", p)
            found = pairs(p[12:])
            a = dict(found)
            yield ("route", head, a.get(1, b"").hex(), a.get(6, b"").hex(),
                   a.get(4, b"").hex() if head[4] == 255 else ""), \
                [x for x in found if x[0] != 12]
    for p in sock.dump(rtnl.GETNEIGH, bytes(12)):
        family, index, state = struct.unpack_from("=B3xiH", p)
        found = [a for a in pairs(p[12:]) if a[0] not in (3, 4)]
        if state & rtnl.NUD_PERMANENT:
            yield ("neighbour", family, index, dict(found)[1].hex()), found
    for p in sock.dump(rtnl.GETNEXTHOP, bytes(8)):
        found = pairs(p[8:])
        yield ("nexthop", dict(found)[1].hex()), found
    for p in sock.dump(rtnl.GETQDISC, bytes(20)):
        _, index, handle, parent = struct.unpack_from("=B3xiII", p)
        yield ("qdisc", index, handle, parent), \
            [a for a in pairs(p[20:]) if a[0] not in (3, 4, 7)]


class State:
    """All that namespaces have, and all routers and ports."""

    def __init__(self, spaces):
        # strict checks would leave out routes that the kernel has for single hosts
        self.route = {ns.name: nl.Socket(ns=ns, options=()) for ns in spaces}
        self.genl = nl.Socket(nl.GENERIC)
        self.family, _ = self.genl.family()

    def read(self):
        """{what: its settings}"""
        now = {}
        for name, sock in self.route.items():
            for part in (_links, _others):
                for key, value in part(sock):
                    now[(name,) + key] = value
        for cmd, all_netns, volatile in ((nl.ROUTER_GET, 20, ROUTER_VOLATILE),
                                         (nl.PORT_GET, 13, PORT_VOLATILE)):
            for p in self.genl.dump(self.family, nl.genl(cmd, attr(all_netns, b""))):
                found = pairs(p[4:])
                now[("genl", cmd, dict(found)[2].rstrip(b"\0").decode(),
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
