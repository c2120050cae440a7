# SPDX-License-Identifier: GPL-2.0
"""What netlink*.py share: the kernel's YNL library with our spec, and a rig with router
vr-red. Without the library, it skips all tests."""
import copy
import errno
import os
import socket
import sys

KSFT_DIR = os.environ.get("KSFT_DIR", "")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPEC = TOP + "/Documentation/netlink/specs/vrouter.yaml"
# before selftests, which has a directory lib, too
sys.path[:0] = [KSFT_DIR + "/../../net/ynl", KSFT_DIR + "/../../net/ynl/pyynl"]
# pylint: disable=wrong-import-position,import-error
try:
    from lib.ynl import NlError, NlMsgs, YnlFamily, _genl_msg_finalize
    import yaml
except ImportError as why:
    print("1..0 # SKIP %s" % why)
    sys.exit(4)
import nl
from vrtest import Failure, Netns, expect, main, run, wait

# C instead of Python where there is one: a slow machine takes long enough
yaml.safe_load = lambda stream: yaml.load(
    stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

PREFIX = "vr-%d-" % os.getpid()
NSID = 4711         # of vr-red's namespace, from the initial one
SETTINGS = ("weight", "limit-packets", "limit-bytes", "netfilter", "max-routes",
            "max-routes-warn", "max-rate")


class Family(YnlFamily):
    """Knows that pads mean nothing, which the library of 6.12 does not."""

    def _decode_unknown(self, attr):
        return attr.as_bin()

    def _decode(self, attrs, space, outer_attrs=None):
        got = super()._decode(attrs, space, outer_attrs)
        got.pop("pad", None)
        return got


SPEC_READ = Family(SPEC, schema="", process_unknown=True)


def family():
    """A family with a socket of its own in the current namespace."""
    new = copy.copy(SPEC_READ)
    old = SPEC_READ.sock
    new.sock = socket.socket(old.family, old.type, old.proto)
    for option in (10, 11, 12):     # capped ACKs, extended ACKs, strict checks
        new.sock.setsockopt(270, option, 1)
    new.async_msg_queue = []
    return new


def refused(what, code, text, fam, operation, values, dump=False):
    """The operation fails with this errno and a text that holds this one."""
    try:
        if dump:
            got = fam.dump(operation, values)
        else:
            got = fam.do(operation, values)
    except NlError as e:
        expect("%s: errno" % what, errno.errorcode[code], errno.errorcode[-e.nl_msg.error])
        said = (e.nl_msg.extack or {}).get("msg", "")
        if text is not None and (text not in said or not said):
            raise Failure("%s: expected a text with %r, got %r" %
                          (what, text, said)) from None
        return e.nl_msg.extack or {}
    raise Failure("%s: expected %s, got success: %r" % (what, errno.errorcode[code], got))


def raw(fam, operation, attributes, flags=0):
    """Send bytes as attributes; return (errno, text, messages)."""
    op = SPEC_READ.ops[operation]
    msg = fam.nlproto.message(nl.REQUEST | nl.ACK | flags, op.req_value, 1, 77)
    fam.sock.send(_genl_msg_finalize(msg + attributes))
    messages = []
    while True:
        for m in NlMsgs(fam.sock.recv(65536)):
            if m.done or m.error:
                return -m.error, (m.extack or {}).get("msg", ""), messages
            messages.append(m)


class Red:
    """What tests use: router vr-red with ports red0 and red1 (VLAN 7) in namespace ns;
    vr-other in another one; the NICs; sockets and indices."""

    def __init__(self):
        self.ns, self.other, self.nics = (Netns(PREFIX + name)
                                          for name in ("red", "other", "nics"))
        run("ip netns set %s %d" % (self.ns.name, NSID))
        for i in (0, 1):
            self._port(i, " vlan 7" if i else "")
        for key, value in (("ipv4.ip_forward", 1), ("ipv6.conf.all.forwarding", 1),
                           ("ipv4.conf.all.rp_filter", 0), ("ipv4.conf.red0.rp_filter", 0),
                           ("ipv4.conf.red1.rp_filter", 0)):
            self.ns.sysctl("net." + key, value)
        self.ns.batch(["link add vr-red type vrouter weight 3", "link set vr-red up"])
        run("ip link add link eth0 name other0 netns %s type vrport" % self.other.name,
            ns=self.nics)
        run("ip link add vr-other type vrouter", ns=self.other)
        self.host = family()
        with self.ns:
            self.fam = family()
            self.index = socket.if_nametoindex("vr-red")
            self.port = [socket.if_nametoindex("red%d" % i) for i in (0, 1)]
        wait("vr-red is active", lambda: self.get()["state"] == "active", 30)

    def _port(self, i, vlan):
        """A NIC, and port i on it, with two neighbours."""
        self.nics.batch([line.format(i=i) for line in (
            "link add eth{i} type veth peer name peer{i}", "link set eth{i} up",
            "link set peer{i} up")])
        run("ip link add link eth%d name red%d netns %s address 02:00:00:00:00:a%d "
            "type vrport%s" % (i, i, self.ns.name, i, vlan), ns=self.nics)
        self.ns.batch([line.format(i=i) for line in (
            "link set red{i} up", "addr add 10.0.{i}.1/24 dev red{i}",
            "addr add fd0{i}::1/64 dev red{i} nodad",
            "neigh add 10.0.{i}.2 lladdr 02:00:00:00:00:b{i} dev red{i}",
            "neigh add fd0{i}::2 lladdr 02:00:00:00:00:b{i} dev red{i}")])

    def get(self):
        """The router."""
        return self.fam.do("router-get", {"ifname": "vr-red"})

    def settings(self):
        """The settings, numbers as numbers."""
        reply = self.get()
        names = {"honour": 1, "bypass": 2}
        return {k: names.get(reply[k], reply[k]) for k in SETTINGS}


def main_red(tests):
    """Run (name, function of a Red) pairs."""
    red = []

    def one(test):
        if not red:
            red.append(Red())
        test(red[0])
    main([(name, lambda test=test: one(test)) for name, test in tests])
