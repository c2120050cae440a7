#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Make or change a link by raw rtnetlink, with values that ip would not send.

usage: rtnl.py add|set NAME KIND [link DEV] [master DEV] [mtu N] [mac HEX]
                  [data TYPE HEX]...
KIND "-" leaves out the link info. Prints "ok", or the errno's name and the
kernel's text; exit status 0 or 1.
"""
import errno
import os
import socket
import struct
import sys

RTM_NEWLINK = 16
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 1, 4, 0x200, 0x400
NLM_F_ACK_TLVS = 0x200
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER = 1, 3, 4, 5, 10
IFLA_LINKINFO, IFLA_INFO_KIND, IFLA_INFO_DATA = 18, 1, 2
SOL_NETLINK, NETLINK_EXT_ACK = 270, 11
NLMSGERR_ATTR_MSG = 1


def attr(kind, payload):
    """One attribute, padded."""
    raw = struct.pack("=HH", len(payload) + 4, kind) + payload
    return raw + bytes(-len(raw) % 4)


def talk(name, kind, args, change):
    """Send the request; return (errno, text)."""
    body = attr(IFLA_IFNAME, name.encode() + b"\0")
    data = b""
    args = list(args)
    while args:
        word = args.pop(0)
        if word == "link":
            body += attr(IFLA_LINK, struct.pack("=I", socket.if_nametoindex(args.pop(0))))
        elif word == "master":
            body += attr(IFLA_MASTER, struct.pack("=I", socket.if_nametoindex(args.pop(0))))
        elif word == "mtu":
            body += attr(IFLA_MTU, struct.pack("=I", int(args.pop(0))))
        elif word == "mac":
            body += attr(IFLA_ADDRESS, bytes.fromhex(args.pop(0)))
        elif word == "data":
            number = int(args.pop(0))
            data += attr(number, bytes.fromhex(args.pop(0)))
        else:
            sys.exit(__doc__)
    if kind != "-":
        info = attr(IFLA_INFO_KIND, kind.encode())
        if data:
            info += attr(IFLA_INFO_DATA, data)
        body += attr(IFLA_LINKINFO, info)
    flags = NLM_F_REQUEST | NLM_F_ACK
    if not change:
        flags |= NLM_F_CREATE | NLM_F_EXCL
    payload = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        sock.send(struct.pack("=IHHII", len(payload) + 16, RTM_NEWLINK, flags, 1, 0) +
                  payload)
        reply = sock.recv(65536)
    return answer(reply)


def answer(reply):
    """What an ACK says."""
    _, _, flags, _, _ = struct.unpack_from("=IHHII", reply)
    err, inner = struct.unpack_from("=iI", reply, 16)
    text = ""
    if flags & NLM_F_ACK_TLVS:
        # not capped: the whole request is quoted when it was refused
        pos = 20 + (inner + 3 & ~3 if err and not flags & 0x100 else 16)
        while pos + 4 <= len(reply):
            size, kind = struct.unpack_from("=HH", reply, pos)
            if size < 4:
                break
            if kind & 0x3fff == NLMSGERR_ATTR_MSG:
                text = reply[pos + 4:pos + size].rstrip(b"\0").decode()
            pos += size + 3 & ~3
    return -err, text


def main(argv):
    if len(argv) < 4 or argv[1] not in ("add", "set"):
        sys.exit(__doc__)
    err, text = talk(argv[2], argv[3], argv[4:], argv[1] == "set")
    if not err:
        print("ok")
        return 0
    print(errno.errorcode.get(err, os.strerror(err)), text)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
