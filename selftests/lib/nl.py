# SPDX-License-Identifier: GPL-2.0
"""Netlink as bytes: attributes, messages, and sockets that hear all that the kernel
answers. rtnl.py has the bodies of rtnetlink's requests, nlspec.py our family as its
spec has it, state.py what there is in namespaces."""
import contextlib
import errno
import socket
import struct

ROUTE, GENERIC = 0, 16
REQUEST, ACK, DUMP = 1, 4, 0x300
REPLACE, EXCL, CREATE, APPEND = 0x100, 0x200, 0x400, 0x800
NEW = CREATE | EXCL
NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE = 1, 2, 3
DUMP_INTR, CAPPED, ACK_TLVS = 0x10, 0x100, 0x200        # flags of answers
SOL_NETLINK = 270
MEMBER, LISTEN_ALL, CAP_ACK, EXT_ACK, STRICT = 1, 8, 10, 11, 12    # its options
GENL_ID_CTRL, CTRL_GETFAMILY = 16, 3
# our family's operations, for those who do not read the spec
ROUTER_GET, ROUTER_SET, ROUTER_RESET, PORT_GET = 1, 2, 3, 7
FIB_GET, ROUTE_GET, FIB_STATS = 11, 13, 14
PATIENCE = 100      # s for an answer; who waits for longer gets BlockingIOError


# ---- attributes and messages ---------------------------------------------------

def u16(value):
    return struct.pack("=H", value)


def u32(value):
    return struct.pack("=I", value)


def u64(value):
    return struct.pack("=Q", value)


def attr(kind, payload):
    """One attribute, padded; payload: bytes, text, or a number of 32 bits."""
    if isinstance(payload, int):
        payload = u32(payload)
    elif isinstance(payload, str):
        payload = payload.encode() + b"\0"
    raw = struct.pack("=HH", len(payload) + 4, kind) + payload
    return raw + bytes(-len(raw) % 4)


def pairs(data):
    """[(type without flags, payload)] of well-formed attributes; ends where it is none."""
    found, pos = [], 0
    while pos + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, pos)
        if size < 4 or pos + size > len(data):
            break
        found.append((kind & 0x3fff, data[pos + 4:pos + size]))
        pos += size + 3 & ~3
    return found


def attrs(data):
    """Payloads by type; of several with one type the last, as in the kernel."""
    return dict(pairs(data))


def number(payload):
    """An integer of any size."""
    return int.from_bytes(payload, "little")


def name_of(code):
    """How an errno is called; "ok" for none."""
    return errno.errorcode.get(code, str(code)) if code else "ok"


def genl(cmd, attributes=b""):
    """The body of a message to a generic netlink family."""
    return struct.pack("=BBH", cmd, 1, 0) + attributes


def message(kind, body, flags=0, seq=1):
    """A request; acknowledged with ACK in flags."""
    return struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, seq, 0) + body + \
        bytes(-len(body) % 4)


def messages(data):
    """(type, flags, sequence number, payload) of each message in what was received."""
    pos = 0
    while pos + 16 <= len(data):
        size, kind, flags, seq, _ = struct.unpack_from("=IHHII", data, pos)
        yield kind, flags, seq, data[pos + 16:pos + size]
        pos += size + 3 & ~3


def error_of(payload):
    """The errno of an ACK, an error, or the end of a dump; 0 for none."""
    return -min(struct.unpack_from("=i", payload)[0], 0)


# ---- sockets -------------------------------------------------------------------

class Answer:
    """What came for one request.

    code: errno, 0 for none; text, offset: what the kernel says about it, or None;
    replies: payloads of messages; interrupted: a dump that saw a change"""

    def __init__(self):
        self.code, self.text, self.offset = None, None, None
        self.replies, self.interrupted = [], False

    def end(self, payload, flags, done):
        """The last message: ACK, error or the end of a dump."""
        self.code = error_of(payload)
        if not flags & ACK_TLVS:
            return
        at = 4
        if not done:
            size, = struct.unpack_from("=I", payload, 4)
            at = 20 if flags & CAPPED or not self.code else 4 + (size + 3 & ~3)
        said = attrs(payload[at:])
        if 1 in said:
            self.text = said[1].rstrip(b"\0").decode()
        if 2 in said:
            self.offset = number(said[2])

    def __str__(self):
        return f"{name_of(self.code)} {self.text!r} at {self.offset}"


class Socket:
    """A socket in a namespace: the caller's, or ns, which is entered by `with`."""

    def __init__(self, proto=ROUTE, ns=None, options=(CAP_ACK, EXT_ACK, STRICT),
                 patience=PATIENCE):
        with ns or contextlib.nullcontext():
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, proto)
        for option in options:
            self.sock.setsockopt(SOL_NETLINK, option, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
                             struct.pack("ll", patience, 0))
        self.seq = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def ask(self, kind, body, flags=0):
        """One request, and its answer."""
        return self.ask_all([(kind, body, flags)])[0]

    def ask_all(self, requests):
        """Requests (type, body, flags) in one system call; the answers. Only one may be
        a dump."""
        out, waiting, data = [], {}, b""
        for kind, body, flags in requests:
            self.seq += 1
            waiting[self.seq] = answer = Answer()
            out.append(answer)
            data += message(kind, body, ACK | flags, self.seq)
        self.sock.send(data)
        while waiting:
            for kind, flags, seq, payload in messages(self.sock.recv(1 << 17)):
                answer = waiting.get(seq)
                if answer is None:
                    continue    # a notification, or what we no longer wait for
                answer.interrupted |= bool(flags & DUMP_INTR)
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    answer.end(payload, flags, kind == NLMSG_DONE)
                    del waiting[seq]
                else:
                    answer.replies.append(payload)
        return out

    def dump(self, kind, body):
        """The payloads of a dump that is not to fail, or OSError."""
        answer = self.ask(kind, body, DUMP)
        if answer.code:
            raise OSError(answer.code, f"dump {kind}")
        return answer.replies

    def dump_parts(self, kind, body, size):
        """The payloads of a dump that comes in parts of so many bytes, or OSError."""
        # the first one aside, the kernel makes them as large as what was last asked for
        self.sock.send(message(NLMSG_NOOP, b"", ACK))
        self.sock.recv(size)
        self.sock.send(message(kind, body, DUMP))
        got, answer = [], Answer()
        while True:
            for what, flags, _, payload in messages(self.sock.recv(size)):
                if what in (NLMSG_ERROR, NLMSG_DONE):
                    answer.end(payload, flags, what == NLMSG_DONE)
                    if answer.code:
                        raise OSError(answer.code, f"dump {kind}")
                    return got
                got.append(payload)

    def family(self, name="vrouter"):
        """(number, {multicast group: number}) of a generic netlink family, or OSError."""
        got = self.ask(GENL_ID_CTRL, genl(CTRL_GETFAMILY, attr(2, name)))
        if got.code:
            raise OSError(got.code, name)
        said = attrs(got.replies[0][4:])
        groups = [attrs(group) for _, group in pairs(said.get(7, b""))]
        return number(said[1]), {g[1].rstrip(b"\0").decode(): number(g[2]) for g in groups}
