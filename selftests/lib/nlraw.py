# SPDX-License-Identifier: GPL-2.0
"""Netlink messages as bytes, and all that the kernel answers to each; the family's
numbers and policies, read from the spec."""
import errno
import os
import socket
import struct

import yaml

from rtnl import attr

SPEC = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../Documentation/netlink/specs/vrouter.yaml")
GENERIC = 16
REQUEST, ACK, ROOT, DUMP = 1, 4, 0x100, 0x300
CREATE, EXCL, REPLACE = 0x400, 0x200, 0x100
NLMSG_ERROR, NLMSG_DONE = 2, 3
F_MULTI, F_DUMP_INTR, F_CAPPED, F_ACK_TLVS = 2, 0x10, 0x100, 0x200
SOL_NETLINK, OPT_MEMBER, OPT_LISTEN_ALL = 270, 1, 8
PATIENCE = 30       # s for an answer

__all__ = ["attr", "attrs", "pairs", "number", "name_of", "Sock", "Answer", "Spec"]


def pairs(data):
    """[(type with flags, payload)] of well-formed attributes; ends where it is none."""
    found, pos = [], 0
    while pos + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, pos)
        if size < 4 or pos + size > len(data):
            break
        found.append((kind, data[pos + 4:pos + size]))
        pos += size + 3 & ~3
    return found


def attrs(data):
    """Payloads by type; of several with one type the last, as in the kernel."""
    return {kind & 0x3fff: payload for kind, payload in pairs(data)}


def number(payload):
    """An integer of any size."""
    return int.from_bytes(payload, "little")


def name_of(code):
    """How an errno is called; "ok" for none."""
    return errno.errorcode.get(code, str(code)) if code else "ok"


class Answer:
    """What came for one request.

    code: errno, 0 for none; text, offset: what the kernel says about it, or None;
    replies: payloads of messages; interrupted: a dump that saw a change"""

    def __init__(self):
        self.code, self.text, self.offset = None, None, None
        self.replies, self.interrupted = [], False

    def end(self, payload, flags, done):
        """The last message: ACK, error or the end of a dump."""
        code, = struct.unpack_from("=i", payload)
        self.code = -min(code, 0)
        if not flags & F_ACK_TLVS:
            return
        at = 4
        if not done:
            size, = struct.unpack_from("=I", payload, 4)
            at = 20 if flags & F_CAPPED or not code else 4 + (size + 3 & ~3)
        said = attrs(payload[at:])
        if 1 in said:
            self.text = said[1].rstrip(b"\0").decode()
        if 2 in said:
            self.offset = number(said[2])

    def __str__(self):
        return f"{name_of(self.code)} {self.text!r} at {self.offset}"


class Sock:
    """A socket in the namespace of the caller."""

    def __init__(self, proto=GENERIC):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, proto)
        for option in (10, 11, 12):     # capped ACKs, extended ACKs, strict checks
            self.sock.setsockopt(SOL_NETLINK, option, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
                             struct.pack("ll", PATIENCE, 0))
        self.seq = 0

    def close(self):
        self.sock.close()

    def ask(self, kind, payload, flags=0):
        """One request, and its answer."""
        return self.ask_all([(kind, payload, flags)])[0]

    def ask_all(self, requests):
        """Requests in one system call; the answers. Only one may be a dump."""
        out, waiting, data = [], {}, b""
        for kind, payload, flags in requests:
            self.seq += 1
            waiting[self.seq] = answer = Answer()
            out.append(answer)
            data += struct.pack("=IHHII", 16 + len(payload), kind, REQUEST | ACK | flags,
                                self.seq, 0) + payload + bytes(-len(payload) % 4)
        self.sock.send(data)
        while waiting:
            self._take(self.sock.recv(1 << 17), waiting)
        return out

    @staticmethod
    def _take(data, waiting):
        pos = 0
        while pos + 16 <= len(data):
            size, kind, flags, seq, _ = struct.unpack_from("=IHHII", data, pos)
            payload = data[pos + 16:pos + size]
            pos += size + 3 & ~3
            answer = waiting.get(seq)
            if answer is None:
                continue        # a notification, or what we no longer wait for
            answer.interrupted |= bool(flags & F_DUMP_INTR)
            if kind in (NLMSG_ERROR, NLMSG_DONE):
                answer.end(payload, flags, kind == NLMSG_DONE)
                del waiting[seq]
            else:
                answer.replies.append(payload)

    def family(self, name="vrouter"):
        """(number, {multicast group: number}) of a generic netlink family."""
        head = struct.pack("=BBH", 3, 1, 0)     # CTRL_CMD_GETFAMILY
        got = self.ask(16, head + attr(2, name.encode() + b"\0"))
        if got.code:
            raise OSError(got.code, name)
        said = attrs(got.replies[0][4:])
        groups = [attrs(group) for _, group in pairs(said.get(7, b""))]
        return number(said[1]), {g[1].rstrip(b"\0").decode(): number(g[2]) for g in groups}


def _number_of(value, consts):
    return consts.get(value, value)


class Spec:
    """The family as its spec describes it.

    op: {name: Op}; sets: {attribute set: {name: Attribute}}"""

    INT = {"u8": 1, "u16": 2, "u32": 4, "s32": 4, "u64": 8}

    class Attribute:
        """One attribute; lo and hi are limits of an integer, or of a string's length."""

        def __init__(self, value, yam, consts, enums):
            self.value, self.name, self.type = value, yam["name"], yam["type"]
            checks = yam.get("checks", {})
            self.size = Spec.INT.get(self.type, 0)
            self.lo = checks.get("min", 0)
            self.hi = _number_of(checks.get("max", (1 << 8 * self.size) - 1), consts)
            if yam.get("enum"):
                self.lo, self.hi = enums[yam["enum"]]
            self.max_len = checks.get("max-len")
            self.nested = yam.get("nested-attributes")
            self.multi = yam.get("multi-attr", False)

    class Op:
        """One operation; request and reply are {number: Attribute}."""

        def __init__(self, value, yam, attributes):
            def of(what):
                names = what.get("attributes", []) if what else []
                return {attributes[n].value: attributes[n] for n in names}
            self.value, self.name = value, yam["name"]
            do = yam.get("do", {})
            self.request, self.reply = of(do.get("request")), of(do.get("reply"))
            self.reply.update({a.value: a for a in attributes.values() if a.type == "pad"})
            self.dump, self.admin = "dump" in yam, "admin-perm" in yam.get("flags", [])

    def __init__(self):
        with open(SPEC, encoding="utf-8") as f:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            yam = yaml.load(f, Loader=loader)
        consts, enums, self.sets, self.op = {}, {}, {}, {}
        for d in yam["definitions"]:
            if d["type"] == "const":
                consts[d["name"]] = d["value"]
            else:
                first = d.get("value-start", 0)
                enums[d["name"]] = first, first + len(d["entries"]) - 1
        for s in yam["attribute-sets"]:
            self.sets[s["name"]] = {a["name"]: self.Attribute(i, a, consts, enums)
                                    for i, a in enumerate(s["attributes"], 1)}
        for i, op in enumerate(yam["operations"]["list"], 1):
            if "do" in op:
                self.op[op["name"]] = self.Op(i, op, self.sets[op["attribute-set"]])

    def pack(self, op, **values):
        """Payload of a request: attributes by name, with _ for -."""
        by_name = {a.name.replace("-", "_"): a for a in self.op[op].request.values()}
        data = struct.pack("=BBH", self.op[op].value, 1, 0)
        for name, value in values.items():
            a = by_name[name]
            if a.type == "flag":
                value = b""
            elif a.type == "string":
                value = value.encode() + b"\0"
            elif a.size:
                value = (value & (1 << 8 * a.size) - 1).to_bytes(a.size, "little")
            data += attr(a.value, value)
        return data
