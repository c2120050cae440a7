#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The plugins in the system's own ip. Prints TAP.

Without the module the kernel refuses the kind; that ip got as far as asking
shows that it took the options. parse_opt() and print_opt() are called directly
as well, to see the attributes and the text.
"""
import ctypes
import os
import re
import shutil
import struct
import sys
import tempfile

from tap import Skip, run, tap

O = os.environ.get("O", "../build")
ENV = dict(os.environ, IP_LIB_DIR=O)
NLMSG_HDR, RTA_HDR = 16, 4


class LinkUtil(ctypes.Structure):
    """struct link_util of iproute2 6.1 to 7.1"""
    _fields_ = [("next", ctypes.c_void_p), ("id", ctypes.c_char_p), ("maxattr", ctypes.c_int),
                ("parse_opt", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int,
                                               ctypes.POINTER(ctypes.c_char_p),
                                               ctypes.c_void_p)),
                ("print_opt", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p,
                                               ctypes.c_void_p))]


class QdiscUtil(ctypes.Structure):
    """struct qdisc_util of iproute2 6.1 to 7.1, as far as it is used"""
    _fields_ = [("next", ctypes.c_void_p), ("id", ctypes.c_char_p),
                ("parse_qopt", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int,
                                                ctypes.POINTER(ctypes.c_char_p),
                                                ctypes.c_void_p, ctypes.c_char_p))]


def load(kind):
    lib = ctypes.CDLL(os.path.join(O, "link_%s.so" % kind))
    return lib, LinkUtil.in_dll(lib, kind + "_link_util")


def parse(kind, words, room=1024, used=NLMSG_HDR):
    """Return (status, bytes that were added)."""
    if kind == "qdisc":
        lib = ctypes.CDLL(os.path.join(O, "q_vrouter.so"))
        util = QdiscUtil.in_dll(lib, "vrouter_qdisc_util")
    else:
        _, util = load(kind)
    argv = (ctypes.c_char_p * (len(words) + 1))(*[w.encode() for w in words], None)
    buf = ctypes.create_string_buffer(room + 64)
    struct.pack_into("I", buf, 0, used)
    null, keep = os.open("/dev/null", os.O_WRONLY), os.dup(2)
    os.dup2(null, 2)
    if kind == "qdisc":
        rc = util.parse_qopt(ctypes.addressof(util), len(words), argv,
                             ctypes.addressof(buf), b"eth0")
    else:
        rc = util.parse_opt(ctypes.addressof(util), len(words), argv, ctypes.addressof(buf))
    os.dup2(keep, 2)
    os.close(null)
    os.close(keep)
    size = struct.unpack_from("I", buf, 0)[0]
    return rc, buf.raw[used:size]


def attr(kind, data):
    raw = struct.pack("HH", RTA_HDR + len(data), kind) + data
    return raw + b"\0" * (-len(raw) % 4)


GOOD = [
    ("vrport", [], b""),
    ("vrport", ["vlan", "1"], attr(1, struct.pack("H", 1))),
    ("vrport", ["vlan", "4094"], attr(1, struct.pack("H", 4094))),
    ("vrouter", [], b""),
    ("vrouter", ["weight", "1"], attr(1, struct.pack("I", 1))),
    ("vrouter", ["weight", "1000"], attr(1, struct.pack("I", 1000))),
    ("qdisc", [], attr(0x8002, b"")),
    ("qdisc", ["limit", "4294967295"], attr(0x8002, attr(3, struct.pack("I", 4294967295)))),
    ("qdisc", ["bandwidth", "8mbit", "limit", "5"],
     attr(0x8002, attr(2, struct.pack("Q", 1000000)) + attr(3, struct.pack("I", 5)))),
]
BAD = [
    ("vrport", ["vlan"]), ("vrport", ["vlan", "0"]), ("vrport", ["vlan", "4095"]),
    ("vrport", ["vlan", "-1"]), ("vrport", ["vlan", "x"]), ("vrport", ["vlan", "1x"]),
    ("vrport", ["vlan", ""]), ("vrport", ["vlan", "99999999999999999999999"]),
    ("vrport", ["weight", "1"]), ("vrport", ["help"]),
    ("vrouter", ["weight"]), ("vrouter", ["weight", "0"]), ("vrouter", ["weight", "1001"]),
    ("vrouter", ["weight", "4294967297"]), ("vrouter", ["weight", "+1"]),
    ("vrouter", ["vlan", "1"]), ("vrouter", ["help"]),
    ("qdisc", ["limit"]), ("qdisc", ["limit", "0"]), ("qdisc", ["limit", "4294967296"]),
    ("qdisc", ["bandwidth"]), ("qdisc", ["bandwidth", "1.5mbit"]), ("qdisc", ["weight", "1"]),
    ("qdisc", ["help"]),
]


def good(kind, words, want):
    got = parse(kind, words)
    return None if got == (0, want) else repr(got)


def bad(kind, words):
    rc, added = parse(kind, words)
    # tc gives up the message
    if kind == "qdisc":
        added = None
    return None if rc != 0 and not added else "status %d, %r" % (rc, added)


def no_room():
    rc, added = parse("vrouter", ["weight", "5"], used=1020)
    return None if rc and not added else "status %d, %r" % (rc, added)


def printed(kind, data, want):
    """print_opt() without ip's printer, into a file."""
    lib, util = load(kind)
    libc = ctypes.CDLL(None)
    libc.tmpfile.restype = ctypes.c_void_p
    raw = ctypes.create_string_buffer(attr(1, data)) if data is not None else None
    tb = (ctypes.c_void_p * 2)(None, ctypes.addressof(raw) if raw else None)
    f = libc.tmpfile()
    util.print_opt(ctypes.addressof(util), f, ctypes.addressof(tb))
    libc.rewind(ctypes.c_void_p(f))
    text = ctypes.create_string_buffer(256)
    libc.fgets(text, 256, ctypes.c_void_p(f))
    libc.fclose(ctypes.c_void_p(f))
    del lib
    return None if text.value.decode() == want else repr(text.value)


def ip_text(argv, status, want):
    if not shutil.which("ip"):
        raise Skip("no ip")
    rc, out, err = run(["ip"] + argv, env=ENV)
    ok = re.search(want, out + err) and (status is None or rc == status)
    return None if ok else "status %d, %r" % (rc, out + err)


def tc_class(name, want):
    """What tc shows of a class that came in a message."""
    if not shutil.which("tc"):
        raise Skip("no tc")
    # TCA_KIND; TCA_OPTIONS with TCA_VROUTER_CLASS_NAME and _WEIGHT
    attrs = attr(1, b"vrouter\0") + attr(2, attr(2, name) + attr(3, struct.pack("I", 3)))
    # struct nlmsghdr of RTM_NEWTCLASS, struct tcmsg of device 1, class 1:1
    msg = struct.pack("IHHII BxxxiIII", 36 + len(attrs), 40, 0, 0, 0,
                      0, 1, 0x10001, 0x10000, 0) + attrs
    with tempfile.NamedTemporaryFile() as f:
        f.write(msg)
        f.flush()
        _, out, err = run(["tc", "monitor", "file", f.name],
                          env=dict(os.environ, TC_LIB_DIR=O))
    return None if want in out and not err else repr((out, err))


def needed():
    """Nothing but libc, so that any ip can load them."""
    for file, symbol in (("link_vrport.so", "vrport_link_util"),
                         ("link_vrouter.so", "vrouter_link_util"),
                         ("q_vrouter.so", "vrouter_qdisc_util")):
        _, out, _ = run(["readelf", "-d", os.path.join(O, file)])
        libs = re.findall(r"NEEDED.*\[(.*)\]", out)
        if libs != ["libc.so.6"]:
            return "%s: %r" % (file, libs)
        _, out, _ = run(["nm", "-D", "--defined-only", os.path.join(O, file)])
        if [line.split()[-1] for line in out.splitlines()] != [symbol]:
            return out
    return None


def main():
    tests = [("%s %s" % (k, " ".join(w)), lambda k=k, w=w, a=a: good(k, w, a))
             for k, w, a in GOOD]
    tests += [("%s %s is refused" % (k, " ".join(w)), lambda k=k, w=w: bad(k, w))
              for k, w in BAD]
    tests += [("tc: a router called %r" % n, lambda n=n, w=w: tc_class(n, "router %s weight 3 " % w))
              for n, w in ((b"vr-red\0", "vr-red"), (b"a\033cb\x9b1m\xff\0", "a?cb?1m?"),
                           (b"fifteen-letters\0", "fifteen-letters"),
                           (b"no-end-x", "no-end-x"), (b"", ""))]
    ask = "RTNETLINK answers|Error: (Unknown device type|.*NIC)|not permitted"
    tests += [
        ("no room in the message", no_room),
        ("libc and one symbol only", needed),
        ("print vlan", lambda: printed("vrport", struct.pack("H", 10), "vlan 10 ")),
        ("print no vlan", lambda: printed("vrport", None, "")),
        ("print a short vlan", lambda: printed("vrport", b"", "")),
        ("print weight", lambda: printed("vrouter", struct.pack("I", 7), "weight 7 ")),
        ("print no weight", lambda: printed("vrouter", None, "")),
        ("ip: vrport help", lambda: ip_text(["link", "help", "vrport"], None, "vlan VLANID")),
        ("ip: vrouter help", lambda: ip_text(["link", "help", "vrouter"], None, "weight WEIGHT")),
        ("ip: bad vlan", lambda: ip_text("link add link lo name p0 type vrport vlan 5000".split(),
                                         None, 'Error: "vlan" wants a number from 1 to 4094')),
    ]
    if os.path.isdir("/sys/module/vrouter"):
        return tap(tests)
    tests += [
        ("ip: vrport vlan goes to the kernel",
         lambda: ip_text("link add link lo name p0 type vrport vlan 10".split(), 2, ask)),
        ("ip: vrouter weight goes to the kernel",
         lambda: ip_text("link add vr0 type vrouter weight 10".split(), 2, ask)),
    ]
    return tap(tests)


if __name__ == "__main__":
    sys.exit(main())
