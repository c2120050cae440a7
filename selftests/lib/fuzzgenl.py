# SPDX-License-Identifier: GPL-2.0
"""Hostile messages to the family: what to send, what must come back."""
import errno
import os
import random
import socket
import struct
from collections import Counter

import nlfuzz
from nl import DUMP, GENERIC, Socket, attr, attrs, name_of, number, u32
from nlspec import Spec
from vrtest import Failure

BATCH = 8
SETTINGS = (10, 11, 12, 13, 21, 22, 27)     # weight ... max-rate, see the spec
OTHER_ID = 4711
STEP = bool(os.environ.get("VR_STEP"))
POINTER = 1 << 47                           # kernel addresses are above that


class Mirror:
    """What the namespace has: names and indices of links, settings of routers."""

    def __init__(self, sock, family, spec):
        self.sock, self.family, self.spec = sock, family, spec
        self.links = dict((n, i) for i, n in socket.if_nameindex())
        self.routers, self.ports = {}, {}
        self.other = None
        self.read()

    def dump(self, op, **what):
        answer = self.sock.ask(self.family, self.spec.pack(op, **what), DUMP)
        if answer.code:
            raise Failure(f"dump of {op}: expected success, actual {answer}")
        return [reply[4:] for reply in answer.replies]

    def settings(self):
        """{name: {attribute: payload}} of the routers here."""
        found = {}
        for data in self.dump("router-get"):
            got = attrs(data)
            found[got[2]] = {k: got[k] for k in SETTINGS}
        return found

    def all_ports(self):
        return sorted(self.dump("port-get"))

    def read(self):
        self.routers, self.ports = self.settings(), self.all_ports()

    def check(self):
        """The kernel has what it should have by what it said."""
        for what, want, got in (("settings", self.routers, self.settings()),
                                ("ports", self.ports, self.all_ports())):
            if want != got:
                raise Failure(f"{what}: expected {want}, actual {got}")


class Oracle:
    """What must become of a request."""

    def __init__(self, mirror, host):
        self.mirror, self.host = mirror, host
        self.port_names = {n.encode() + b"\0" for n in mirror.links if n in ("p0", "p1")}

    def _find(self, op, found):
        """(errno, name) of the device that a request is about."""
        index, name = found.get(1), found.get(2)
        if (index is None) == (name is None):
            return errno.EINVAL, None
        links = self.mirror.links
        if index is not None:
            names = [n for n, i in links.items() if i == number(index)]
            name = (names + [""])[0].encode() + b"\0"
        name = name.split(b"\0")[0] + b"\0"
        known = self.port_names if op.name.startswith("port") else set(self.mirror.routers)
        return (0, name) if name in known else (errno.ENODEV, None)

    def _net(self, found, attribute=3):
        if attribute not in found:
            return 0
        if not self.host:
            return errno.EPERM
        nsid = int.from_bytes(found[attribute], "little", signed=True)
        return 0 if nsid == OTHER_ID else errno.EINVAL

    def _dump(self, op, found):
        by_name = {a.name: n for n, a in op.request.items()}
        if op.name == "route-get":
            return None
        if by_name["all-netns"] in found and not self.host:
            return errno.EPERM
        return errno.EINVAL if {1, 2, 3} & set(found) else 0

    def expected(self, op, data, dump):
        """(errnos that are right, attributes that the kernel understood)."""
        if data[2:4] != b"\0\0":
            return {errno.EINVAL}, {}
        data = data[4:]
        may = not op.admin or self.host
        if dump and not op.dump:
            # Linux 6.1 asks first whether one may
            return {errno.EOPNOTSUPP} | (set() if may else {errno.EPERM}), {}
        if not may:
            return {errno.EPERM}, {}
        code, found = nlfuzz.judge(data, op.request)
        if code:
            return {code}, {}
        if dump:
            code = self._dump(op, found)
            return ({0, 1, 2, 3, errno.EPERM, errno.EINVAL, errno.ENODEV, errno.ENETDOWN}
                    if code is None else {code}), found
        if op.name == "fib-stats" and not self.host:
            return {errno.EPERM}, found
        if not op.name.startswith(("router", "port")):
            return {0, errno.EINVAL, errno.ENODEV, errno.EPERM, errno.ENETDOWN,
                    errno.ESRCH}, found
        code = self._net(found)
        if not code and 3 in found:
            # next door, whose routers have the same names
            return {0, errno.EINVAL, errno.ENODEV}, found
        return {code or self._find(op, found)[0]}, found

    def taken(self, op, found):
        """A request was taken: what it changes."""
        if op.name != "router-set" or 3 in found:
            return
        _, name = self._find(op, found)
        for kind in SETTINGS:
            if kind in found:
                self.mirror.routers[name][kind] = found[kind]


def check_reply(spec, known, data, where=""):
    """Every byte of a reply is what the spec says it is (invariant 61)."""
    pos = 0
    while pos < len(data):
        if len(data) - pos < 4:
            raise Failure(f"reply{where}: {len(data) - pos} bytes too many")
        size, kind = struct.unpack_from("=HH", data, pos)
        end = pos + (size + 3 & ~3)
        a = known.get(kind & 0x3fff)
        payload, pad = data[pos + 4:pos + size], data[pos + size:end]
        if size < 4 or end > len(data) or a is None:
            raise Failure(f"reply{where}: attribute {kind} of {size} bytes")
        if any(pad):
            raise Failure(f"{a.name}{where}: padding {pad.hex()}, expected zeros")
        why = wrong(a, payload)
        if why:
            raise Failure(f"{a.name}{where}: {why}: {payload.hex()}")
        if a.nested:
            inner = {i.value: i for i in spec.sets[a.nested].values()}
            check_reply(spec, inner, payload, f" in {a.name}")
        pos = end


def wrong(a, payload):
    """Why a payload is not of the attribute, or None."""
    if a.size:
        if len(payload) != a.size:
            return f"expected {a.size} bytes"
        if a.size == 8 and a.name != "max-rate" and number(payload) >= POINTER:
            return "looks like an address"
    elif a.type == "string" and payload.find(b"\0") != len(payload) - 1:
        return "expected one NUL, at the end"
    elif a.type == "pad" and payload:
        return "expected nothing"
    elif a.type == "binary" and len(payload) not in (4, 6, 16):
        return "expected an address"
    return None


class Generator:
    """Requests."""

    def __init__(self, rng, spec, mirror):
        self.rng, self.spec = rng, spec
        index = [u32(i) for i in (*mirror.links.values(), 0, 77777, 0x7fffffff, 0xffffffff)]
        names = [n.encode() + b"\0" for n in mirror.links] + [b"nobody\0"]
        self.own = {"router": [b"vr-a\0", b"vr-b\0"], "port": [b"p0\0", b"p1\0"]}
        nsid = [struct.pack("=i", i) for i in (OTHER_ID, OTHER_ID, 0, -1, 999, -1 << 31)]
        dst = [socket.inet_aton(a) for a in ("10.0.1.2", "10.0.0.1", "255.255.255.255",
                                             "224.0.0.1", "0.0.0.0", "127.0.0.1")]
        self.words = {"ifindex": index, "router-ifindex": index, "ifname": names,
                      "router-name": names, "netnsid": nsid, "dst": dst, "src": dst,
                      "iif": index,
                      "family": [u32(f) for f in (2, 10)],
                      "prefix": [b"\x0a\0\0\0", bytes(4), bytes(16)],
                      "prefix-len": [u32(n) for n in (0, 8, 24, 32)]}

    def one(self):
        """(operation, head and attributes, dump)"""
        rng = self.rng
        op = rng.choice(list(self.spec.op.values()))
        dump = rng.random() < (0.25 if op.dump else 0.02)
        items = nlfuzz.valid(rng, op.request, self.words)
        if rng.random() < 0.6:
            items = self.aim(op, items, dump)
        if rng.random() < 0.4:
            data = b"".join(attr(k, p) for k, p in items)
        elif rng.random() < 0.03:
            data = rng.randbytes(rng.choice((0, 1, 3, 4, 5, 8, 20, 200)))
        else:
            data = nlfuzz.broken(rng, items, op.request)
        # the rest of the head
        head = struct.pack("=BBH", op.value, rng.choice((1, 1, 1, 0, 2, 255)),
                           rng.choice((1, 0x8000)) if rng.random() < 0.02 else 0)
        return op, head + data[:60000], dump

    def aim(self, op, items, dump):
        """Have a request be about what is there."""
        rng, names = self.rng, {a.name: n for n, a in op.request.items()}
        items = [(k, p) for k, p in items if op.request[k].name not in
                 ("ifindex", "ifname", "router-ifindex", "router-name", "netnsid", "iif")]
        if dump and op.name != "route-get":
            return items
        if op.name == "port-get":
            return items + [(names["ifname"], rng.choice(self.own["port"]))]
        if op.name == "fib-get":
            items = [(k, p) for k, p in items if k != names["src"]]
            items.append((names["dst"], rng.choice(self.words["dst"])))
        which = names.get("ifname") or names["router-name"]
        return items + [(which, rng.choice(self.own["router"]))]


class Session:
    """Messages in batches, and what came of them."""

    def __init__(self, seed, host):
        self.spec, self.sock = Spec(), Socket(GENERIC)
        self.family, _ = self.sock.family()
        self.mirror = Mirror(self.sock, self.family, self.spec)
        self.oracle = Oracle(self.mirror, host)
        self.generator = Generator(random.Random(seed), self.spec, self.mirror)
        self.done = Counter()
        self.number = 0

    def judge(self, request, answer):
        """The answer is a right one."""
        op, data, dump = request
        want, found = self.oracle.expected(op, data, dump)
        what = f"{op.name}{' dump' if dump else ''} {data.hex()[:400]}"
        if answer.code not in want:
            raise Failure(f"{what}: expected {' or '.join(map(name_of, want))}, "
                          f"actual {answer}")
        if answer.code in (errno.EINVAL, errno.ERANGE) and not answer.text and \
           answer.offset is None:
            raise Failure(f"{what}: {name_of(answer.code)} without a text and a place")
        if answer.code:
            self.done["refused"] += 1
            return
        self.done["taken"] += 1
        self.oracle.taken(op, found)
        for reply in answer.replies:
            if reply[0] != op.value or reply[2:4] != b"\0\0":
                raise Failure(f"{what}: head of the reply: {reply[:4].hex()}")
            check_reply(self.spec, op.reply, reply[4:])

    def send(self, requests):
        """Send requests; check answers."""
        packed = [(self.family, data, DUMP if dump else 0) for _, data, dump in requests]
        for i, (request, answer) in enumerate(zip(requests, self.sock.ask_all(packed))):
            try:
                self.judge(request, answer)
            except Failure as e:
                raise Failure(f"message {self.number + i}: {e}") from None
        self.number += len(requests)

    def check(self, since):
        try:
            self.mirror.check()
        except Failure as e:
            raise Failure(f"after messages {since} to {self.number}: {e}") from None

    def run(self, count):
        since, pending = 0, []
        while self.number < count:
            request = self.generator.one()
            pending.append(request)
            # a socket has one dump at a time
            if request[2] or len(pending) >= BATCH or STEP:
                self.send(pending)
                pending = []
            if self.number - since >= (1 if STEP else 200) and not pending:
                self.check(since)
                since = self.number
        self.check(since)
        return dict(self.done)


def work(seed, count):
    """In the namespace that it is about."""
    with open("/proc/self/uid_map", encoding="ascii") as f:
        host = int(f.read().split()[2]) > 1
    return Session(seed, host).run(count)
