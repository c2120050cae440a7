# SPDX-License-Identifier: GPL-2.0
"""Hostile rtnetlink: links of kind vrport and vrouter, the qdisc vrouter."""
import errno
import os
import random
import re
import socket
import struct
from collections import Counter

import nlfuzz
import rtnl
from nl import CREATE, DUMP, EXCL, REPLACE, Socket, attr, attrs, name_of, u32
from rtnl import (ADDRESS, DELLINK, DELQDISC, DELTCLASS, IFNAME, INFO_DATA, INFO_KIND, LINK,
                  LINK_NETNSID, LINKINFO, MASTER, MTU, NESTED, NET_NS_FD, NET_NS_PID, NEWLINK,
                  NEWQDISC, NEWTCLASS, NEWTFILTER, SETLINK, TARGET_NETNSID)
from vrtest import Failure

# what changes by itself: IFLA_STATS, operstate, stats64, addresses' settings, carrier and
# its counts
RESTLESS = {7, 16, 23, 26, 33, 35, 47, 48}
KEEP = ("eth0", "peer0", "red", "br0", "dum0", "p0", "p1", "vr-a", "vr-b", "lo")
OURS = re.compile("Only the host's administrator|The VLAN of a port cannot change")
ELSEWHERE = {NET_NS_FD, NET_NS_PID, LINK_NETNSID, TARGET_NETNSID}
MOST = 10           # links that are made before they are deleted
UP = 1


class Number:
    """An integer attribute, as Spec has them."""

    def __init__(self, name, size, lo=0, hi=None, kind=None):
        self.name, self.size, self.lo = name, size, lo
        self.hi = (1 << 8 * size) - 1 if hi is None else hi
        self.type, self.max_len = kind or f"u{8 * size}", None


# the table of what rtnetlink carries for us
DATA_POLICY = {"vrport": {1: Number("vlan", 2, 1, 4094)},
               "vrouter": {1: Number("weight", 4, 1, 1000)}}
QDISC_POLICY = {2: Number("bandwidth", 8), 3: Number("limit", 4, 1)}
TOP = {ADDRESS: Number("address", 0, kind="binary"), IFNAME: Number("ifname", 0, kind="string"),
       MTU: Number("mtu", 4, 68, 1500), LINK: Number("link", 4), MASTER: Number("master", 4),
       NET_NS_FD: Number("fd", 4), LINK_NETNSID: Number("nsid", 4, kind="s32")}
TOP[IFNAME].max_len = 15


class Links:
    """All links of the namespace as the kernel tells them, without what is restless."""

    def __init__(self, sock):
        self.sock = sock
        self.request = rtnl.link(more=attr(rtnl.EXT_MASK, 8))   # no statistics

    def read(self):
        """{name: {attribute: payload}}; flags and index under 0."""
        answer = self.sock.ask(rtnl.GETLINK, self.request, DUMP)
        if answer.code:
            raise Failure(f"dump of links: expected success, actual {answer}")
        found = {}
        for data in answer.replies:
            index, flags = struct.unpack_from("=iI", data, 4)
            one = {k: p for k, p in attrs(data[16:]).items() if k not in RESTLESS}
            one[0] = index, flags & 0x1183      # UP, BROADCAST, NOARP, PROMISC, MULTICAST
            found[one[IFNAME].rstrip(b"\0").decode("latin1")] = one
        return found


def info(link):
    """(kind, {attribute: payload}) of a link."""
    got = attrs(link.get(LINKINFO, b""))
    return got.get(INFO_KIND, b"").rstrip(b"\0").decode("latin1"), attrs(got.get(INFO_DATA, b""))


class LinkSession:
    """Messages about links, one after the other."""

    def __init__(self, seed, host):
        self.rng, self.host = random.Random(seed), host
        self.sock = Socket()
        self.links = Links(self.sock)
        self.now = self.links.read()
        self.base = dict(self.now)
        self.done = Counter()
        self.number = 0
        self.fds = [os.open("/proc/self/ns/net", os.O_RDONLY),
                    os.open("/dev/null", os.O_RDONLY), 9999, 0x7fffffff]

    def index(self, name):
        return self.now[name][0][0]

    def words(self):
        index = [u32(link[0][0]) for link in self.now.values()] + [u32(self.index("eth0"))] * 20
        names = [f"x{i}\0".encode() for i in range(6)] + \
                [n.encode("latin1") + b"\0" for n in self.now if n not in KEEP]
        macs = [bytes([2, 0, 0, 0, 9, i]) for i in range(6)] + \
               [bytes(6), b"\1\0\0\0\0\1", b"\xff" * 6, self.now["eth0"][ADDRESS]]
        return {"link": index, "master": [u32(self.index(n)) for n in ("red", "red", "br0")] +
                [u32(0)], "ifname": names, "address": macs, "fd": [u32(f) for f in self.fds],
                "nsid": [struct.pack("=i", i) for i in (4711, 0, -1, 99)]}

    def message(self):
        """(type, flags, payload, promise): a promise is an errno that is sure, or None."""
        rng = self.rng
        kind = rng.choice(("vrport", "vrport", "vrouter"))
        policy = DATA_POLICY[kind]
        promise = None
        data = nlfuzz.valid(rng, policy, {})
        if rng.random() < 0.5:
            inner = nlfuzz.broken(rng, data, policy)
        else:
            inner = b"".join(attr(k, p) for k, p in data)
            promise = 0
        top = dict(nlfuzz.valid(rng, {k: TOP[k] for k in (ADDRESS, MTU)}, self.words()))
        flags = rng.choice((CREATE | EXCL, CREATE | EXCL, CREATE | EXCL, 0, 0, CREATE, REPLACE))
        if flags & CREATE or rng.random() < 0.3:
            top[IFNAME] = rng.choice(self.words()["ifname"])
        if kind == "vrport":
            top[LINK] = rng.choice(self.words()["link"])
        elif rng.random() < 0.7:
            top[MASTER] = rng.choice(self.words()["master"])
        if rng.random() < 0.1:
            top[NET_NS_FD] = rng.choice(self.words()["fd"])
        if rng.random() < 0.05:
            top[LINK_NETNSID] = rng.choice(self.words()["nsid"])
        linkinfo = attr(INFO_KIND, kind.encode()) + \
            attr(INFO_DATA | rng.choice((0, NESTED)), inner)
        if rng.random() < 0.2:
            linkinfo = nlfuzz.flip(rng, linkinfo)
            promise = None
        items = list(top.items()) + [(LINKINFO, linkinfo)]
        body = b"".join(attr(k, p) for k, p in items)
        if rng.random() < 0.3:
            body = nlfuzz.broken(rng, items, TOP)
            promise = None
        rtm = rng.choice((NEWLINK,) * 12 + (SETLINK, DELLINK, DELLINK))
        head = struct.pack("=BxHiII", rng.choice((0, 0, 0, 0, 0, 7, 255)), 0,
                           self.target(rtm, flags, kind), *rng.choice(((0, 0), (0, 0), (UP, UP),
                                                                 (0, UP))))
        return rtm, flags, head + body, promise if flags & EXCL and rtm == NEWLINK else None

    def target(self, rtm, flags, kind):
        """Index of the link that a message is about; 0: it has a name."""
        if rtm == NEWLINK and flags & CREATE and self.rng.random() > 0.05:
            return 0
        same = [n for n, link in self.now.items() if info(link)[0] == kind]
        if self.rng.random() < 0.8:
            return self.index(self.rng.choice(same))
        return self.rng.choice((0, 0, self.index("p0"), self.index("vr-a"), 77777, -1))

    def dangerous(self, rtm, payload):
        """It would take the floor from under our feet, or go where we do not look."""
        top = attrs(payload[16:])
        if NET_NS_PID in top or len(payload) < 16:
            return True
        index, = struct.unpack_from("=i", payload, 4)
        named = top.get(IFNAME, b"").split(b"\0")[0].decode("latin1")
        target = [n for n, link in self.now.items() if link[0][0] == index] or [named]
        if rtm == DELLINK:
            # neither what stands there from the beginning, nor a group, nor all
            return target[0] in KEEP or target[0] not in self.now
        return target[0] in KEEP[:5] + ("lo",) or target[0] in KEEP and IFNAME in top

    def step(self):
        """One message, and what it did."""
        rtm, flags, payload, promise = self.message()
        if self.dangerous(rtm, payload):
            return
        self.number += 1
        answer = self.sock.ask(rtm, payload, flags)
        after = self.links.read()
        try:
            self.judge(rtm, payload, promise, answer, after)
        except Failure as e:
            raise Failure(f"message {self.number}: type {rtm} flags {flags:#x} "
                          f"{payload.hex()[:600]}: {answer}: {e}") from None
        self.done["refused" if answer.code else "taken"] += 1
        self.now = after
        if len(self.now) - len(self.base) > MOST:
            self.clean()

    def judge(self, rtm, payload, promise, answer, after):
        if answer.code:
            before, now = self.now, after
            if len(before) == len(now) and not OURS.search(answer.text or ""):
                # a change of a link is done in steps by the core, after asking us, up to
                # what is refused; NICs and bridges may feel it
                about = self.about(payload, self.now) + self.about(payload, after)
                before, now = self.others(before, about), self.others(now, about)
            if before != now:
                raise Failure(f"a refusal changed {difference(before, now)}")
            self.judge_refusal(payload, promise, answer)
            return
        new = set(after) - set(self.now)
        gone = set(self.now) - set(after)
        if rtm == NEWLINK and len(new) > 1 or rtm == DELLINK and new:
            raise Failure(f"new links: {new}")
        for name in new & {attrs(payload[16:]).get(IFNAME, b"").rstrip(b"\0").decode("latin1")}:
            if not gone and promise == 0:
                self.judge_new(payload, after[name])
        for name in set(KEEP) - set(self.about(payload, self.now)):
            old, now = self.now[name], after.get(name, {})
            same = old.get(LINK) == now.get(LINK)
            if info(old)[0] in DATA_POLICY:
                same &= old.get(ADDRESS) == now.get(ADDRESS) and info(old) == info(now)
            if not same:
                raise Failure(f"changed: {difference({name: old}, {name: now})}")

    @staticmethod
    def about(payload, links):
        """Names of the link that a message names."""
        index, = struct.unpack_from("=i", payload, 4)
        name = attrs(payload[16:]).get(IFNAME, b"").split(b"\0")[0].decode("latin1")
        return [n for n, link in links.items() if link[0][0] == index or n == name]

    @staticmethod
    def others(links, about):
        """Our links, without those that a message is about: ports follow a NIC's MTU."""
        nics = [u32(link[0][0]) for n, link in links.items() if n in about]
        return {n: {k: info(link) if k == LINKINFO else p for k, p in link.items()
                    if k != MTU or link.get(LINK) not in nics}
                for n, link in links.items()
                if n not in about and info(link)[0] in DATA_POLICY}

    def judge_refusal(self, payload, promise, answer):
        """What is ours says what it minds."""
        top = attrs(payload[16:])
        kind, data = info({LINKINFO: top.get(LINKINFO, b"")})
        weight = kind == "vrouter" and data.get(1)
        if promise == 0 and answer.code == errno.ERANGE:
            raise Failure("expected no refusal for a value out of range")
        if answer.code == errno.EPERM and not self.host and ELSEWHERE & set(top):
            return      # the core's word, about another namespace; it has no text
        if weight and answer.code == errno.EPERM and not (answer.text and not self.host):
            raise Failure("EPERM is for weights, but for the host's, and with a text")

    def judge_new(self, payload, link):
        """It is what was asked for."""
        asked = attrs(payload[16:])
        want = info({LINKINFO: asked[LINKINFO]})
        kind, data = info(link)
        if kind != want[0]:
            raise Failure(f"kind: expected {want[0]}, actual {kind}")
        if kind == "vrouter":
            want[1].setdefault(1, u32(1))
            if not self.host and want[1][1] != u32(1):
                raise Failure("a weight that was not the host's business")
        if {1: want[1].get(1)} != {1: data.get(1)}:
            raise Failure(f"data: expected {want[1]}, actual {data}")
        for kind in (ADDRESS, MTU, LINK, MASTER):
            if kind == LINK and want[0] == "vrouter" or kind == ADDRESS and want[0] == "vrouter":
                continue
            if kind in asked and asked[kind] != u32(0) and asked[kind] != link.get(kind):
                raise Failure(f"attribute {kind}: expected {asked[kind].hex()}, "
                              f"actual {link.get(kind, b'').hex()}")

    def clean(self):
        """Delete what was made; it must go."""
        for name in [n for n in self.now if n not in KEEP]:
            answer = self.sock.ask(DELLINK, rtnl.link(index=self.index(name)))
            if answer.code:
                raise Failure(f"deleting {name} after message {self.number}: {answer}")
        self.now = self.links.read()
        lost = set(self.base) - set(self.now)
        if set(self.now) - set(self.base) or lost:
            raise Failure(f"links after message {self.number}: "
                          f"expected {sorted(self.base)}, actual {sorted(self.now)}")

    def run(self, count):
        while self.number < count:
            self.step()
        self.clean()
        return dict(self.done)


def difference(old, new):
    """What differs between two tables of tables."""
    out = []
    for name in sorted(set(old) | set(new)):
        a, b = old.get(name, {}), new.get(name, {})
        out += [f"{name} {k}: {a.get(k)} became {b.get(k)}"
                for k in sorted(set(a) | set(b)) if a.get(k) != b.get(k)]
    return "; ".join(out)


STAB = 8  # TCA_STAB


class QdiscSession:
    """Messages about the qdisc on a NIC, and about its classes."""

    def __init__(self, seed, host):
        self.rng, self.host = random.Random(seed), host
        self.sock = Socket()
        self.dev = socket.if_nametoindex("eth0")
        self.done, self.number = Counter(), 0
        self.now = self.read()

    def read(self):
        """{parent and handle: {attribute: payload}} of the NIC's qdiscs."""
        answer = self.sock.ask(rtnl.GETQDISC, rtnl.qdisc(parent=0), DUMP)
        if answer.code:
            raise Failure(f"dump of qdiscs: expected success, actual {answer}")
        found = {}
        for data in answer.replies:
            dev, handle, parent = struct.unpack_from("=iII", data, 4)
            if dev == self.dev:
                # without statistics
                found[f"{parent:x} {handle:x}"] = {k: v for k, v in attrs(data[20:]).items()
                                                   if k in (1, 2)}
        return found

    def classes(self):
        answer = self.sock.ask(rtnl.GETTCLASS, rtnl.qdisc(self.dev, 0), DUMP)
        if answer.code:
            raise Failure(f"dump of classes: expected success, actual {answer}")

    def message(self):
        """(type, flags, payload, options): options are None where they are not sure."""
        rng = self.rng
        items = nlfuzz.valid(rng, QDISC_POLICY, {})
        options = b"".join(attr(k, p) for k, p in items) if rng.random() < 0.4 else \
            nlfuzz.broken(rng, items, QDISC_POLICY)
        nested = rng.choice((0x8000, 0x8000, 0x8000, 0))
        body = attr(1, b"vrouter\0") + attr(2 | nested, options)
        sure = options if nested else None
        if rng.random() < 0.2:
            body, sure = nlfuzz.flip(rng, body), None
        rtm = rng.choice((NEWQDISC,) * 14 + (DELQDISC, NEWTCLASS, DELTCLASS, NEWTFILTER))
        flags = rng.choice((CREATE | REPLACE, CREATE | REPLACE, CREATE | EXCL, CREATE, 0,
                            REPLACE))
        handle = rng.choice((0x100000,) * 20 + (0, 0x200000, 0xffff0000, 0x100001,
                                                0xffffffff))
        parent = rng.choice((0xffffffff,) * 25 + (0, 0x100000, 0x100001, 0xfffffff1,
                                                  0x10ffff))
        if rtm in (NEWTCLASS, DELTCLASS, NEWTFILTER):
            handle, parent = rng.choice((0x100001, 0x100002, 0)), 0x100000
        head = struct.pack("=BxxxiIII", 0, self.dev, handle, parent,
                           rng.choice((0, 0x10003, 0xffffffff)))
        if (handle, parent) != (0x100000, 0xffffffff) or rtm != NEWQDISC:
            sure = None
        return rtm, flags, head + body, sure

    def step(self):
        rtm, flags, payload, options = self.message()
        self.number += 1
        answer = self.sock.ask(rtm, payload, flags)
        after = self.read()
        try:
            self.judge(rtm, options, answer, after, STAB in attrs(payload[20:]))
        except Failure as e:
            raise Failure(f"message {self.number}: type {rtm} flags {flags:#x} "
                          f"{payload.hex()[:600]}: {answer}: {e}") from None
        self.done["refused" if answer.code else "taken"] += 1
        self.now = after
        if not self.number % 50:
            self.classes()

    def judge(self, rtm, options, answer, after, sized):
        # Linux takes the options before it looks at a table of sizes
        if answer.code and after != self.now and not sized:
            raise Failure(f"a refusal changed {difference(self.now, after)}")
        if not answer.code and rtm in (NEWTCLASS, DELTCLASS, NEWTFILTER):
            raise Failure("expected no classes and filters by hand")
        if options is None or rtm != NEWQDISC:
            return
        code, found = judge_options(options)
        if not answer.code:
            if code:
                raise Failure(f"expected {name_of(code)}")
            self.judge_taken(found, after)
        elif code and answer.code in (errno.EINVAL, errno.ERANGE) and not answer.text and \
                answer.offset is None:
            raise Failure("expected a text or a place")
        elif not code and answer.code not in (errno.EEXIST, errno.EOPNOTSUPP, errno.ENOENT):
            raise Failure("expected no refusal of these options")

    def judge_taken(self, found, after):
        have = attrs(after["ffffffff 100000"][2])
        old = attrs(self.now.get("ffffffff 100000", {}).get(2, b""))
        new = "ffffffff 100000" not in self.now
        for kind, default in ((2, bytes(8)), (3, u32(10240))):
            want = found.get(kind, default if new else old[kind])
            if have[kind] != want:
                raise Failure(f"option {kind}: expected {want.hex()}, "
                              f"actual {have[kind].hex()}")

    def run(self, count):
        while self.number < count:
            self.step()
        return dict(self.done)


def judge_options(options):
    return nlfuzz.judge(options, QDISC_POLICY)


def _host():
    with open("/proc/self/uid_map", encoding="ascii") as f:
        return int(f.read().split()[2]) > 1


def work_links(seed, count):
    return LinkSession(seed, _host()).run(count)


def work_qdisc(seed, count):
    return QdiscSession(seed, _host()).run(count)
