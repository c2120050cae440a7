#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The generic netlink family, by the kernel's YNL library and our spec alone.

Numbers of invariants are those of vrouter-invariants.rst.
"""
import atexit
import copy
import errno
import os
import re
import socket
import struct
import subprocess
import sys
import time

KSFT_DIR = os.environ.get("KSFT_DIR", "")
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SPEC = TOP + "/Documentation/netlink/specs/vrouter.yaml"
sys.path[:0] = [KSFT_DIR + "/kselftest", KSFT_DIR + "/../../net/ynl",
                KSFT_DIR + "/../../net/ynl/pyynl"]
sys.path.append(os.path.dirname(os.path.abspath(__file__)) + "/lib")
# pylint: disable=wrong-import-position,import-error
try:
    import ksft
    from lib.ynl import NlError, NlMsgs, YnlFamily, _genl_msg_finalize
    import yaml
except ImportError as why:
    print("1..0 # SKIP %s" % why)
    sys.exit(4)
import rtnl
import userns
from userns import as_user, call, can_userns

# C instead of Python where there is one: a slow machine takes long enough
yaml.safe_load = lambda stream: yaml.load(
    stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

U32_MAX = 0xffffffff
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR = 1, 4, 0x300, 0x10
DEADLINE = 30
HERE = os.open("/proc/self/ns/net", os.O_RDONLY)
PREFIX = "vr-%d-" % os.getpid()


class Failure(Exception):
    """What was expected, and what came."""


def expect(what, want, got):
    """Both are the same."""
    if want != got:
        raise Failure("%s: expected %r, got %r" % (what, want, got))


def run(line, check=True):
    """Run a command line, return its output."""
    p = subprocess.run(line.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, check=False)
    if check and p.returncode:
        raise Failure("%s: %s" % (line, p.stdout.strip()))
    return p.stdout


def wait(what, test):
    """Poll until test() is true."""
    end = time.monotonic() + DEADLINE
    while not test():
        if time.monotonic() > end:
            raise Failure("not within %d s: %s" % (DEADLINE, what))
        time.sleep(0.05)


class Inside:
    """with Inside(name): in that network namespace."""

    def __init__(self, name):
        self.fd = os.open("/run/netns/" + name, os.O_RDONLY)

    def __enter__(self):
        call("setns", self.fd, userns.CLONE_NEWNET)

    def __exit__(self, *_):
        call("setns", HERE, userns.CLONE_NEWNET)
        os.close(self.fd)


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
    msg = fam.nlproto.message(NLM_F_REQUEST | NLM_F_ACK | flags, op.req_value, 1, 77)
    fam.sock.send(_genl_msg_finalize(msg + attributes))
    messages = []
    while True:
        for m in NlMsgs(fam.sock.recv(65536)):
            if m.done or m.error:
                return -m.error, (m.extack or {}).get("msg", ""), messages
            messages.append(m)


def attribute(kind, payload):
    """An attribute, padded."""
    return rtnl.attr(kind, payload)


# ---- the rig -----------------------------------------------------------------

RED, OTHER, NICS = PREFIX + "red", PREFIX + "other", PREFIX + "nics"
NSID = 4711


def cleanup():
    """Take everything away."""
    call("setns", HERE, userns.CLONE_NEWNET)
    for name in (RED, OTHER, NICS):
        run("ip netns del " + name, False)


def setup():
    """Router vr-red with ports red0, red1 (VLAN 7); vr-other in another namespace."""
    atexit.register(cleanup)
    for name in (RED, OTHER, NICS):
        run("ip netns add " + name)
    run("ip netns set %s %d" % (RED, NSID))
    for i in (0, 1):
        vlan = " vlan 7" if i else ""
        for line in ("ip -n {n} link add eth{i} type veth peer name peer{i}",
                     "ip -n {n} link set eth{i} up", "ip -n {n} link set peer{i} up",
                     "ip -n {n} link add link eth{i} name red{i} netns {r} "
                     "address 02:00:00:00:00:a{i} type vrport" + vlan,
                     "ip -n {r} link set red{i} up",
                     "ip -n {r} addr add 10.0.{i}.1/24 dev red{i}",
                     "ip -n {r} addr add fd0{i}::1/64 dev red{i} nodad",
                     "ip -n {r} neigh add 10.0.{i}.2 lladdr 02:00:00:00:00:b{i} dev red{i}",
                     "ip -n {r} neigh add fd0{i}::2 lladdr 02:00:00:00:00:b{i} dev red{i}"):
            run(line.format(i=i, n=NICS, r=RED))
    run("ip netns exec %s sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "
        "net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.red0.rp_filter=0 "
        "net.ipv4.conf.red1.rp_filter=0" % RED)
    run("ip -n %s link add vr-red type vrouter weight 3" % RED)
    run("ip -n %s link set vr-red up" % RED)
    run("ip -n %s link add link eth0 name other0 netns %s type vrport" % (NICS, OTHER))
    run("ip -n %s link add vr-other type vrouter" % OTHER)


class Red:
    """What tests use: sockets and indices."""

    def __init__(self):
        self.host = family()
        with Inside(RED):
            self.fam = family()
            self.index = socket.if_nametoindex("vr-red")
            self.port = [socket.if_nametoindex("red%d" % i) for i in (0, 1)]
        wait("vr-red is active",
             lambda: self.get()["state"] == "active")

    def get(self):
        """The router."""
        return self.fam.do("router-get", {"ifname": "vr-red"})


# ---- reading -----------------------------------------------------------------

SETTINGS = ("weight", "limit-packets", "limit-bytes", "netfilter", "max-routes",
            "max-routes-warn", "max-rate")
ROUTER_KEYS = {"ifindex", "ifname", "state", "table", "weight", "limit-packets",
               "limit-bytes", "netfilter", "ports", "routes4", "routes6", "nexthops",
               "resyncs", "stats", "max-routes", "max-routes-warn", "routes-refused",
               "mirror", "max-rate"}


def t_router_get(red):
    """One router by index and by name."""
    by_name, by_index = red.get(), red.fam.do("router-get", {"ifindex": red.index})
    for reply in (by_name, by_index):
        expect("attributes", ROUTER_KEYS, set(reply))
        expect("name", "vr-red", reply["ifname"])
        expect("index", red.index, reply["ifindex"])
        expect("weight", 3, reply["weight"])
        expect("netfilter", "honour", reply["netfilter"])
        expect("table", 254, reply["table"])
        expect("ports", 2, reply["ports"])
        expect("mirror", set(SPEC_READ.attr_sets["mirror"]) - {"pad"}, set(reply["mirror"]))
        expect("limit", (0, 80), (reply["max-routes"], reply["max-routes-warn"]))
    with Inside(OTHER):
        other = family().do("router-get", {"ifname": "vr-other"})
    expect("state of a router that is down", "down", other["state"])


def t_stats(red):
    """All counters are there, and add up."""
    def quiet():
        one, two = red.get()["stats"], red.get()["stats"]
        return one if one == two and not one["queued-packets"] else None
    wait("no traffic", quiet)
    stats = quiet() or red.get()["stats"]
    spec = {a for a in SPEC_READ.attr_sets["stats"]} - {"pad", "delay"}
    expect("counters", spec, set(stats) - {"delay"})
    for kind in ("packets", "bytes"):
        expect("received " + kind, stats["rx-" + kind],
               sum(stats["%s-%s" % (w, kind)] for w in
                   ("forwarded", "punted", "dropped", "queued")))
    for word, total in (("punt", "punted-packets"), ("drop", "dropped-packets")):
        reasons = set(SPEC_READ.attr_sets[word]) - {"pad"}
        if not set(stats[word]) <= reasons:
            raise Failure("reasons: expected some of %s, got %s" %
                          (sorted(reasons), sorted(stats[word])))
        expect("sum of " + word, stats[total], sum(stats[word].values()))


def t_router_dump(red):
    """Dumps: of the namespace, and of all."""
    expect("routers of the namespace", ["vr-red"],
           [r["ifname"] for r in red.fam.dump("router-get", {})])
    got = {r["ifname"]: r for r in red.host.dump("router-get", {"all-netns": True})}
    expect("routers of all namespaces", {"vr-red", "vr-other"}, set(got))
    expect("namespace of vr-red", NSID, got["vr-red"]["netnsid"])
    expect("routers of the initial namespace", [], red.host.dump("router-get", {}))


def t_netnsid(red):
    """By the id of the namespace."""
    reply = red.host.do("router-get", {"ifname": "vr-red", "netnsid": NSID})
    expect("netnsid", NSID, reply["netnsid"])
    expect("index", red.index, reply["ifindex"])
    reply = red.host.do("port-get", {"ifname": "red1", "netnsid": NSID})
    expect("port", red.port[1], reply["ifindex"])
    reply = red.host.do("fib-get", {"router-name": "vr-red", "netnsid": NSID,
                                    "dst": socket.inet_aton("10.0.1.2")})
    expect("verdict", "forward", reply["verdict"])
    whose = {"router-name": "vr-red", "netnsid": NSID}
    reply = red.host.do("route-get", dict(whose, prefix=socket.inet_aton("10.0.1.0"),
                                          **{"prefix-len": 24}))
    expect("route", ("forward", [{"oif": red.port[1], "weight": 1}]),
           (reply["verdict"], reply["path"]))
    expect("routes", red.fam.dump("route-get", {"router-name": "vr-red"}),
           red.host.dump("route-get", whose))
    expect("router of the tables", red.index,
           red.host.do("fib-stats", whose)["router-ifindex"])
    red.host.do("router-set", {"ifname": "vr-red", "netnsid": NSID, "weight": 12})
    expect("weight that the host set", 12, red.get()["weight"])
    red.host.do("router-set", {"ifindex": red.index, "netnsid": NSID, "weight": 3})
    expect("weight that the host set", 3, red.get()["weight"])
    red.host.do("router-reset", {"ifname": "vr-red", "netnsid": NSID})


def t_port_get(red):
    """Ports: by index, by name, dumps, filter."""
    by_name = red.fam.do("port-get", {"ifname": "red1"})
    by_index = red.fam.do("port-get", {"ifindex": red.port[1]})
    expect("by name and by index", by_name, by_index)
    want = {"ifindex": red.port[1], "ifname": "red1", "router-ifindex": red.index,
            "router-name": "vr-red", "vlan": 7, "mtu": 1500}
    expect("port", want, {k: by_name.get(k) for k in want})
    expect("MAC", "02:00:00:00:00:a1", by_name["address"].lower()
           if isinstance(by_name["address"], str) else by_name["address"].hex(":"))
    if "lower-ifindex" not in by_name or "lower-netnsid" not in by_name:
        raise Failure("port: expected lower-ifindex and lower-netnsid, got %r" % by_name)
    if "vlan" in red.fam.do("port-get", {"ifname": "red0"}):
        raise Failure("port: expected no VLAN on red0")
    expect("ports of the namespace", ["red0", "red1"],
           sorted(p["ifname"] for p in red.fam.dump("port-get", {})))
    expect("ports of the router", ["red0", "red1"],
           sorted(p["ifname"] for p in
                  red.fam.dump("port-get", {"router-ifindex": red.index})))
    expect("ports of no router", [],
           red.fam.dump("port-get", {"router-ifindex": U32_MAX}))
    expect("ports of all namespaces", ["other0", "red0", "red1"],
           sorted(p["ifname"] for p in red.host.dump("port-get", {"all-netns": True})))


def t_port_blocked(red):
    """Why a port forwards nothing."""
    with Inside(RED):
        run("sysctl -qw net.ipv4.conf.red0.forwarding=0")
    port = red.fam.do("port-get", {"ifname": "red0"})
    with Inside(RED):
        run("sysctl -qw net.ipv4.conf.red0.forwarding=1")
    expect("blocked", "forwarding", port.get("blocked"))
    expect("blocked", None, red.fam.do("port-get", {"ifname": "red0"}).get("blocked"))


# ---- writing -----------------------------------------------------------------

# invariant 55: the edges of every integer
EDGES = {
    "weight": ((1, 2, 999, 1000), (0, 1001, 0x7fffffff, 0x80000000, U32_MAX)),
    "limit-packets": ((1, 2, 1048575, 1048576), (0, 1048577, 0x80000000, U32_MAX)),
    "limit-bytes": ((2048, 2049, 0x7fffffff, 0x80000000, U32_MAX), (0, 1, 2047)),
    "netfilter": ((2, 1), (0, 3, U32_MAX)),
    "max-routes": ((1, 0x7fffffff, 0x80000000, U32_MAX, 0), ()),
    "max-routes-warn": ((0, 1, 99, 100), (101, 0x80000000, U32_MAX)),
    "max-rate": ((1, U32_MAX, 1 << 32, (1 << 64) - 1, 0), ()),
}


def settings(red):
    """The settings, numbers as numbers."""
    reply = red.get()
    names = {"honour": 1, "bypass": 2}
    return {k: names.get(reply[k], reply[k]) for k in SETTINGS}


def t_set(red):
    """Every setting with every edge; nothing changes on refusal."""
    before = settings(red)
    for name, (good, bad) in EDGES.items():
        for value in good:
            red.fam.do("router-set", {"ifname": "vr-red", name: value})
            expect("settings after %s %d" % (name, value),
                   dict(before, **{name: value}), settings(red))
        now = settings(red)
        for value in bad:
            refused("%s %d" % (name, value), errno.ERANGE if name != "netfilter" else
                    errno.ERANGE, "", red.fam, "router-set",
                    {"ifname": "vr-red", name: value})
            expect("settings after %s %d" % (name, value), now, settings(red))
        red.fam.do("router-set", {"ifindex": red.index, name: before[name]})
    expect("settings at the end", before, settings(red))


def t_set_all_or_nothing(red):
    """Several settings at once: all of them are taken, or none."""
    before = settings(red)
    several = {"weight": 77, "limit-packets": 5, "limit-bytes": 4096, "netfilter": 2,
               "max-routes": 100000, "max-routes-warn": 33, "max-rate": 1 << 33}
    red.fam.do("router-set", dict(several, ifname="vr-red"))
    expect("settings", several, settings(red))
    red.fam.do("router-set", dict(before, ifname="vr-red"))
    for name, (_, bad) in EDGES.items():
        for order in (1, -1) if bad else ():
            values = [(k, bad[0] if k == name else v) for k, v in several.items()]
            refused("all with a bad " + name, errno.ERANGE, "", red.fam, "router-set",
                    dict([("ifname", "vr-red")] + values[::order]))
            expect("settings after a bad " + name, before, settings(red))
    red.fam.do("router-set", {"ifname": "vr-red"})
    expect("settings after an empty request", before, settings(red))


def t_reset(red):
    """Counters go to zero; settings stay."""
    with Inside(RED):
        run("ping -c 3 -i 0.05 -W 1 10.0.0.2", False)
    before = settings(red)
    red.fam.do("router-reset", {"ifindex": red.index})
    stats = red.get()["stats"]
    expect("forwarded", 0, stats["forwarded-packets"])
    expect("dropped", 0, stats["dropped-packets"])
    if stats["rx-packets"] > 20:
        raise Failure("received after the reset: expected next to nothing, got %d" %
                      stats["rx-packets"])
    expect("settings", before, settings(red))
    t_stats(red)


# ---- refusals ----------------------------------------------------------------

REFUSALS = [
    # operation, dump, values, errno, text
    ("router-get", 0, {}, errno.EINVAL, "Give either the index or the name"),
    ("router-get", 0, {"ifindex": 1, "ifname": "vr-red"}, errno.EINVAL,
     "Give either the index or the name"),
    ("router-get", 0, {"ifname": "nobody"}, errno.ENODEV, "No such router"),
    ("router-get", 0, {"ifname": "red0"}, errno.ENODEV, "No such router"),
    ("router-get", 0, {"ifindex": 0}, errno.ERANGE, "range"),
    ("router-get", 0, {"ifindex": 0x7fffffff}, errno.ENODEV, "No such router"),
    ("router-get", 0, {"ifindex": U32_MAX}, errno.ENODEV, "No such router"),
    ("router-get", 0, {"ifname": "vr-red", "netnsid": 999}, errno.EINVAL,
     "No namespace has that id"),
    ("router-get", 0, {"ifname": "vr-red", "netnsid": -1}, errno.EINVAL,
     "No namespace has that id"),
    ("router-get", 0, {"ifname": "vr-red", "netnsid": -0x80000000}, errno.EINVAL,
     "No namespace has that id"),
    ("router-get", 0, {"ifname": "a" * 16}, errno.EINVAL, ""),
    ("router-get", 1, {"ifname": "vr-red"}, errno.EINVAL, "Not for a dump"),
    ("router-get", 1, {"ifindex": 1}, errno.EINVAL, "Not for a dump"),
    ("router-get", 1, {"netnsid": NSID}, errno.EINVAL, "Not for a dump"),
    ("router-set", 0, {"weight": 1}, errno.EINVAL, "Give either the index or the name"),
    ("router-set", 0, {"ifname": "nobody", "weight": 1}, errno.ENODEV, "No such router"),
    ("router-set", 0, {"ifname": "red0", "weight": 1}, errno.ENODEV, "No such router"),
    ("router-set", 0, {"ifname": "vr-red", "netnsid": 999, "weight": 1}, errno.EINVAL,
     "No namespace has that id"),
    # what can be read cannot be set
    ("router-set", 0, {"ifname": "vr-red", "state": 1}, errno.EINVAL, ""),
    ("router-set", 0, {"ifname": "vr-red", "ports": 1}, errno.EINVAL, ""),
    ("router-set", 0, {"ifname": "vr-red", "resyncs": 1}, errno.EINVAL, ""),
    ("router-reset", 0, {}, errno.EINVAL, "Give either the index or the name"),
    ("router-reset", 0, {"ifname": "nobody"}, errno.ENODEV, "No such router"),
    ("router-reset", 0, {"ifname": "vr-red", "weight": 4}, errno.EINVAL, ""),
    ("port-get", 0, {}, errno.EINVAL, "Give either the index or the name"),
    ("port-get", 0, {"ifname": "nobody"}, errno.ENODEV, "No such port"),
    ("port-get", 0, {"ifname": "vr-red"}, errno.ENODEV, "No such port"),
    ("port-get", 0, {"ifindex": 1}, errno.ENODEV, "No such port"),
    ("port-get", 1, {"ifname": "red0"}, errno.EINVAL, "Not for a dump"),
    ("fib-get", 0, {"router-name": "vr-red"}, errno.EINVAL, "destination"),
    ("fib-get", 0, {"dst": b"1234"}, errno.EINVAL, "Give either the index or the name"),
    ("fib-get", 0, {"router-name": "nobody", "dst": b"1234"}, errno.ENODEV,
     "No such router"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": b""}, errno.EINVAL, "4 or 16 bytes"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": b"12345"}, errno.EINVAL,
     "4 or 16 bytes"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": bytes(17)}, errno.EINVAL,
     "4 or 16 bytes"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": bytes(4), "src": bytes(16)},
     errno.EINVAL, "different families"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": bytes(4), "iif": 1}, errno.ENODEV,
     "no such port"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": bytes(4), "iif": U32_MAX},
     errno.ENODEV, "no such port"),
    ("router-set", 0, {"ifname": "vr-red", "routes": 1}, errno.EINVAL, ""),
    ("router-set", 0, {"ifname": "vr-red", "quota-state": 1}, errno.EINVAL, ""),
    ("route-get", 0, {}, errno.EINVAL, "Give a prefix, or ask for a dump"),
    ("route-get", 0, {"router-name": "vr-red"}, errno.EINVAL, "Give a prefix"),
    ("route-get", 0, {"prefix": bytes(4), "prefix-len": 0}, errno.EINVAL,
     "Give either the index or the name"),
    ("route-get", 0, {"router-name": "nobody", "prefix": bytes(4), "prefix-len": 0},
     errno.ENODEV, "No such router"),
    ("route-get", 0, {"router-name": "red0", "prefix": bytes(4), "prefix-len": 0},
     errno.ENODEV, "No such router"),
    ("route-get", 0, {"router-name": "vr-red", "prefix": bytes(4), "prefix-len": 0},
     errno.ESRCH, "no such route"),
    ("route-get", 0, {"router-name": "vr-red", "prefix": bytes(4), "prefix-len": 0,
                      "netnsid": 999}, errno.EINVAL, "No namespace has that id"),
    ("route-get", 0, {"router-name": "vr-red", "prefix": bytes(4), "prefix-len": 0,
                      "longer-prefixes": True}, errno.EINVAL, "ask for a dump"),
    ("route-get", 1, {}, errno.EINVAL, "Give either the index or the name"),
    ("route-get", 1, {"router-name": "nobody"}, errno.ENODEV, "No such router"),
    ("route-get", 1, {"router-name": "vr-red", "netnsid": 999}, errno.EINVAL,
     "No namespace has that id"),
    ("route-get", 1, {"router-name": "vr-red", "family": 1}, errno.EINVAL, "IPv4 or IPv6"),
    ("route-get", 1, {"router-name": "vr-red", "family": 258}, errno.EINVAL, "IPv4 or IPv6"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": bytes(4)}, errno.EINVAL,
     "go together"),
    ("route-get", 1, {"router-name": "vr-red", "prefix-len": 4}, errno.EINVAL, "go together"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": b"", "prefix-len": 0}, errno.EINVAL,
     "4 or 16 bytes"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": bytes(5), "prefix-len": 0},
     errno.EINVAL, "4 or 16 bytes"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": bytes(4), "prefix-len": 33},
     errno.EINVAL, "longer than its address"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": bytes(16), "prefix-len": 129},
     errno.ERANGE, ""),
    ("route-get", 1, {"router-name": "vr-red", "prefix": b"\x0a\0\0\1", "prefix-len": 8},
     errno.EINVAL, "beyond its length"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": bytes(4), "prefix-len": 0,
                      "family": 10}, errno.EINVAL, "another family"),
    ("route-get", 1, {"router-name": "vr-red", "longer-prefixes": True}, errno.EINVAL,
     "A prefix is missing"),
    ("fib-stats", 0, {}, errno.EINVAL, "Give either the index or the name"),
    ("fib-stats", 0, {"router-name": "nobody"}, errno.ENODEV, "No such router"),
    ("fib-stats", 0, {"router-ifindex": 1}, errno.ENODEV, "No such router"),
    ("fib-stats", 0, {"router-name": "vr-red", "netnsid": 999}, errno.EINVAL,
     "No namespace has that id"),
]


def t_refusals(red):
    """Every refusal has its errno and a text."""
    before = settings(red)
    bad = []
    for operation, dump, values, code, text in REFUSALS:
        try:
            refused("%s %r" % (operation, values), code, text, red.fam, operation, values,
                    dump)
        except Failure as e:
            bad.append(str(e))
    expect("settings after the refusals", before, settings(red))
    if bad:
        raise Failure("\n".join(bad))


def t_malformed(red):
    """Invariant 54: unknown attributes, wrong lengths, garbage."""
    before = settings(red)
    name = attribute(2, b"vr-red\0")
    cases = [
        ("unknown attribute", "router-set", name + attribute(50, bytes(4))),
        ("attribute 0", "router-set", name + attribute(0, bytes(4))),
        ("largest attribute", "router-set", name + attribute(0x3fff, bytes(4))),
        ("unknown attribute", "router-get", name + attribute(200, b"")),
        ("unknown attribute", "port-get", name + attribute(200, b"")),
        ("unknown attribute", "fib-get", name + attribute(200, b"")),
        ("unknown attribute", "route-get", name + attribute(200, b"")),
        ("unknown attribute", "fib-stats", name + attribute(200, b"")),
        ("name without an end", "router-get", attribute(2, b"vr-red")),
        ("empty name", "router-get", attribute(2, b"")),
        ("name that is too long", "router-get", attribute(2, b"x" * 16 + b"\0")),
        ("garbage behind it", "router-set", name + b"\1\2\3\4"),
        ("length beyond the end", "router-set", name + struct.pack("=HHI", 60000, 9, 5)),
        ("length below the header", "router-set", name + struct.pack("=HHI", 3, 9, 5)),
        ("nest flag", "router-set", name + attribute(9 | 0x8000, struct.pack("=I", 5))),
    ]
    for size in (0, 1, 2, 3, 5, 8):
        cases.append(("weight of %d bytes" % size, "router-set",
                      name + attribute(9, b"\1" + bytes(size - 1) if size else b"")))
        cases.append(("index of %d bytes" % size, "router-get",
                      attribute(1, b"\1" + bytes(size - 1) if size else b"")))
    bad = []
    for what, operation, attributes in cases:
        code, text, _ = raw(red.fam, operation, attributes)
        if code not in (errno.EINVAL, errno.ERANGE, errno.ENODEV) or not text:
            bad.append("%s, %s: expected EINVAL or ERANGE and a text, got %s %r" %
                       (operation, what, errno.errorcode.get(code, code), text))
    expect("settings after it", before, settings(red))
    if bad:
        raise Failure("\n".join(bad))


# ---- the policies (invariant 53) ---------------------------------------------

NL_TYPES = {"flag": 1, "u8": 2, "u16": 3, "u32": 4, "u64": 5, "s32": 8, "binary": 10,
            "string": 12}


def nest(data):
    """[(type, payload)]"""
    out = []
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        out.append((kind & 0x3fff, data[4:size]))
        data = data[(size + 3) & ~3:]
    return out


def kernel_policies(fam):
    """What the kernel says: {operation: {do or dump: index}}, {index: {attribute: ...}}."""
    request = struct.pack("=BBH", 10, 1, 0) + attribute(1, struct.pack(
        "=H", fam.nlproto.family_id))
    head = struct.pack("=IHHII", 16 + len(request), 16, NLM_F_REQUEST | NLM_F_DUMP, 5, 0)
    fam.sock.send(head + request)
    ops, policies, done = {}, {}, False
    while not done:
        for m in NlMsgs(fam.sock.recv(65536)):
            if m.done or m.error:
                done = True
                break
            for kind, payload in nest(m.raw[4:]):
                for number, inner in nest(payload):
                    if kind == 9:
                        ops[number] = {k: struct.unpack("=I", v)[0] for k, v in nest(inner)}
                    elif kind == 8:
                        known = policies.setdefault(number, {})
                        for attr, what in nest(inner):
                            known.setdefault(attr, {}).update(nest(what))
    return ops, policies


def t_policies(red):
    """The kernel's policies are those of the spec."""
    ops, policies = kernel_policies(red.fam)
    for name, op in SPEC_READ.ops.items():
        if op.is_async:
            continue
        spec = {SPEC_READ.attr_sets[op.attr_set.name][a].value: a
                for a in op.yaml["do"]["request"]["attributes"]}
        if op.req_value not in ops:
            raise Failure("%s: expected a policy, got none" % name)
        for which in ops[op.req_value].values():
            have = policies[which]
            expect("%s: attributes" % name, set(spec.values()),
                   {spec.get(a, a) for a in have})
            for number, attr_name in spec.items():
                attr = SPEC_READ.attr_sets[op.attr_set.name][attr_name]
                expect("%s %s: type" % (name, attr_name), NL_TYPES[attr["type"]],
                       struct.unpack("=I", have[number][1])[0])
                checks = attr.yaml.get("checks", {})
                limits = {k: struct.unpack("=Q", have[number][k])[0]
                          for k in (4, 5) if k in have[number]}
                if "min" in checks:
                    expect("%s %s: least" % (name, attr_name), checks["min"], limits.get(4))
                if "max" in checks:
                    most = checks["max"]
                    most = 1000 if most == "weight-max" else most
                    expect("%s %s: most" % (name, attr_name), most, limits.get(5))


# ---- permissions (invariant 56) ----------------------------------------------

ATTEMPTS = [
    # name, operation, dump, values
    ("get", "router-get", 0, {"ifname": "vr-red"}),
    ("dump", "router-get", 1, {}),
    ("dump all", "router-get", 1, {"all-netns": True}),
    ("get by netnsid", "router-get", 0, {"ifname": "vr-red", "netnsid": 0}),
    ("set", "router-set", 0, {"ifname": "vr-red", "weight": 4}),
    ("set nothing", "router-set", 0, {"ifname": "vr-red"}),
    ("set limit", "router-set", 0, {"ifname": "vr-red", "limit-packets": 4}),
    ("set by netnsid", "router-set", 0, {"ifname": "vr-red", "netnsid": 0, "weight": 4}),
    ("reset", "router-reset", 0, {"ifname": "vr-red"}),
    ("port", "port-get", 0, {"ifname": "red0"}),
    ("port dump", "port-get", 1, {}),
    ("port dump all", "port-get", 1, {"all-netns": True}),
    ("fib", "fib-get", 0, {"router-name": "vr-red", "dst": b"\x0a\0\1\2"}),
    ("fib by netnsid", "fib-get", 0, {"router-name": "vr-red", "netnsid": 0,
                                      "dst": b"\x0a\0\1\2"}),
    ("routes", "route-get", 1, {"router-name": "vr-red"}),
    ("routes by netnsid", "route-get", 1, {"router-name": "vr-red", "netnsid": 0}),
    ("tables", "fib-stats", 0, {"router-name": "vr-red"}),
    ("tables by netnsid", "fib-stats", 0, {"router-name": "vr-red", "netnsid": 0}),
    ("tables verified", "fib-stats", 0, {"router-name": "vr-red", "verify": True}),
    ("set max-routes", "router-set", 0, {"ifname": "vr-red", "max-routes": 4}),
    ("set max-rate", "router-set", 0, {"ifname": "vr-red", "max-rate": 4}),
]
READ_ONLY = {
    "get": "ok", "dump": "ok", "dump all": "EPERM", "get by netnsid": "EPERM",
    "set": "EPERM", "set nothing": "EPERM", "set limit": "EPERM",
    "set by netnsid": "EPERM", "reset": "EPERM", "port": "ok", "port dump": "ok",
    "port dump all": "EPERM", "fib": "ok", "fib by netnsid": "EPERM",
    "routes": "ok", "routes by netnsid": "EPERM", "tables": "EPERM",
    "tables by netnsid": "EPERM", "tables verified": "EPERM", "set max-routes": "EPERM",
    "set max-rate": "EPERM",
}


def attempts():
    """What becomes of each attempt, with a socket of this process."""
    fam, out = family(), {}
    for name, operation, dump, values in ATTEMPTS:
        try:
            if dump:
                fam.dump(operation, values)
            else:
                fam.do(operation, values)
            out[name] = "ok"
        except NlError as e:
            out[name] = errno.errorcode[-e.nl_msg.error]
    return out


def t_perm_user(red):
    """An unprivileged user reads, and writes nothing."""
    before = settings(red)

    def work():
        out = attempts()
        out["rtnl"] = rtnl.talk("vr-red", "vrouter", ["data", "1", "05000000"], True)[0]
        return out
    got = as_user(work, "/run/netns/" + RED)
    expect("weight by rtnetlink", errno.EPERM, got.pop("rtnl", None))
    expect("attempts of a user", READ_ONLY, got)
    expect("settings after it", before, settings(red))


def t_perm_texts(_):
    """Refusals for want of rights say so, where the family refuses."""
    def work():
        fam, out = family(), []
        for operation, dump, values in (("router-get", 1, {"all-netns": True}),
                                        ("port-get", 1, {"all-netns": True}),
                                        ("router-get", 0, {"ifname": "x", "netnsid": 1}),
                                        ("fib-stats", 0, {"router-name": "x"}),
                                        ("fib-get", 0, {"router-name": "x", "netnsid": 1,
                                                        "dst": b"1234"})):
            try:
                refused(operation, errno.EPERM, "for the host's administrator", fam,
                        operation, values, dump)
            except Failure as e:
                out.append(str(e))
        return out
    expect("what is wrong", [], as_user(work))


def in_userns(work):
    """work() as root of a new user and network namespace that has router vr-red and
    port red0, both given to it by the host."""
    who = userns.Userns(work)
    try:
        run("ip link add vr-red netns %d type vrouter weight 6" % who.pid)
        run("ip -n %s link add link eth0 name red0 netns %d type vrport" % (NICS, who.pid))
    except Failure:
        who.give_up()
        raise
    return who.go()


def t_perm_userns(_):
    """Root of a user namespace reads its own, and writes nothing."""
    # its router is down, and has no routes to tell
    expect("attempts", {**READ_ONLY, "routes": "ENETDOWN"}, in_userns(attempts))


def t_perm_userns_rtnl(_):
    """Root of a user namespace makes and deletes routers, but sets no weight."""
    def work():
        out = []
        weight = ["data", "1", struct.pack("=I", 5).hex()]
        out.append(rtnl.talk("vr-red", "vrouter", weight, True))
        out.append(rtnl.talk("vr-red", "vrouter", [], True))
        weights = family().do("router-get", {"ifname": "vr-red"})["weight"]
        run("ip link set vr-red up")
        run("ip link set red0 up")
        run("ip link del vr-red")
        out.append(rtnl.talk("vr-new", "vrouter", weight, False))
        out.append(rtnl.talk("vr-new", "vrouter", [], False))
        return out + [weights, family().do("router-get", {"ifname": "vr-new"})["weight"]]
    text = "Only the host's administrator may set weights"
    want = [[errno.EPERM, text], [0, ""], [errno.EPERM, text], [0, ""], 6, 1]
    expect("weight of an old router, nothing, weight of a new one, new one; weights", want,
           in_userns(work))


# ---- notifications (invariant 60) --------------------------------------------

def news(fam, want):
    """Wait for a notification of this name; return all that came."""
    got = []

    def test():
        fam.check_ntf()
        got.extend(fam.async_msg_queue)
        fam.async_msg_queue.clear()
        return any(n["name"] == want for n in got)
    wait("notification " + want, test)
    return got


def t_notifications(red):
    """Each change of a router or port is told, in its namespace alone."""
    with Inside(RED):
        fam = family()
    with Inside(OTHER):
        elsewhere = family()
    fam.ntf_subscribe("changes")
    elsewhere.ntf_subscribe("changes")
    red.fam.do("router-set", {"ifname": "vr-red", "weight": 8})
    got = news(fam, "router-change-ntf")
    expect("name", "vr-red", got[-1]["msg"]["ifname"])
    expect("weight", 8, got[-1]["msg"]["weight"])
    red.fam.do("router-set", {"ifname": "vr-red", "weight": 3})
    run("ip -n %s link add link eth1 name red2 netns %s type vrport vlan 9" % (NICS, RED))
    got = news(fam, "port-add-ntf")
    expect("port", ("red2", 9), (got[-1]["msg"]["ifname"], got[-1]["msg"]["vlan"]))
    run("ip -n %s link set red2 up" % RED)
    got = news(fam, "port-change-ntf")
    expect("router of the port", "vr-red", got[-1]["msg"].get("router-name"))
    run("ip -n %s link set red2 down" % RED)
    got = news(fam, "port-change-ntf")
    expect("router of the port", None, got[-1]["msg"].get("router-name"))
    run("ip -n %s link del red2" % RED)
    got = news(fam, "port-del-ntf")
    expect("port", "red2", got[-1]["msg"]["ifname"])
    run("ip -n %s link add blue type vrf table 44" % RED)
    run("ip -n %s link add vr-blue master blue type vrouter" % RED)
    got = news(fam, "router-add-ntf")
    expect("router", "vr-blue", got[-1]["msg"]["ifname"])
    run("ip -n %s link del vr-blue" % RED)
    got = news(fam, "router-del-ntf")
    expect("router", "vr-blue", got[-1]["msg"]["ifname"])
    run("ip -n %s link del blue" % RED)
    elsewhere.check_ntf()
    expect("notifications in another namespace", [], elsewhere.async_msg_queue)


# ---- dumps that see a change (invariant 58) ----------------------------------

def t_dump_interrupted(red):
    """A dump of many ports is whole, and says when it was not of one moment."""
    count = 60
    for i in range(count):
        run("ip -n %s link add link eth0 name many%d netns %s type vrport" %
            (NICS, i, RED))
    want = {"many%d" % i for i in range(count)} | {"red0", "red1"}
    got = [p["ifname"] for p in red.fam.dump("port-get", {})]
    expect("ports", sorted(want), sorted(got))

    def dump(change):
        with Inside(RED):
            fam = family()
        op = SPEC_READ.ops["port-get"]
        msg = fam.nlproto.message(NLM_F_REQUEST | NLM_F_DUMP, op.req_value, 1, 9)
        fam.sock.send(_genl_msg_finalize(msg))
        names, interrupted, buffers = [], False, 0
        while True:
            # a small buffer, so that the dump has several parts
            for m in NlMsgs(fam.sock.recv(4096)):
                interrupted = interrupted or bool(m.nl_flags & NLM_F_DUMP_INTR)
                if m.done:
                    return names, interrupted, buffers
                names += re.findall(rb"(?:many|red)\d+", m.raw)[:1]
            buffers += 1
            if buffers == 1:
                change()
    names, interrupted, buffers = dump(lambda: None)
    if buffers < 2:
        raise Failure("parts of the dump: expected several, got %d" % buffers)
    expect("ports without a change", len(want), len(set(names)))
    expect("interrupted without a change", False, interrupted)
    names, interrupted, _ = dump(
        lambda: run("ip -n %s link del many%d" % (RED, count - 1)))
    expect("interrupted by a change", True, interrupted)
    expect("each port once", len(names), len(set(names)))
    lost = want - {"many%d" % (count - 1)} - {n.decode() for n in names}
    expect("ports that are missing", set(), lost)
    for i in range(count - 1):
        run("ip -n %s link del many%d" % (RED, i))


# ---- fib-get -----------------------------------------------------------------

def address(text):
    """Bytes of an IPv4 or IPv6 address."""
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


# what, how to get there, how to get back ("" undoes "add" by "del"), question, answer;
# the commands are ip's in the router's namespace, or others after "!"
FIB = [
    ("connected", "", "", {"dst": "10.0.1.2"},
     {"verdict": "forward", "prefix": "10.0.1.0", "prefix-len": 24, "oif-name": "red1",
      "lladdr": "02:00:00:00:00:b1", "mtu": 1500, "paths": 1, "gateway": None,
      "reason": None}),
    ("connected, IPv6", "", "", {"dst": "fd01::2"},
     {"verdict": "forward", "prefix": "fd01::", "prefix-len": 64, "oif-name": "red1",
      "lladdr": "02:00:00:00:00:b1", "mtu": 1500}),
    ("with source and port", "", "", {"dst": "10.0.1.2", "src": "10.0.0.2", "iif": 0},
     {"verdict": "forward", "oif-name": "red1"}),
    ("gateway", "route add 10.7.0.0/16 via 10.0.1.2", "", {"dst": "10.7.1.1"},
     {"verdict": "forward", "prefix": "10.7.0.0", "prefix-len": 16,
      "gateway": "10.0.1.2", "lladdr": "02:00:00:00:00:b1"}),
    ("gateway, IPv6", "-6 route add fd07::/16 via fd01::2", "", {"dst": "fd07::1"},
     {"verdict": "forward", "gateway": "fd01::2", "prefix-len": 16}),
    ("IPv6 gateway of an IPv4 route", "route add 10.7.0.0/16 via inet6 fd01::2 dev red1",
     "route del 10.7.0.0/16", {"dst": "10.7.1.1"},
     {"verdict": "forward", "gateway": "fd01::2"}),
    ("route with an MTU", "route add 10.7.0.0/16 via 10.0.1.2 mtu 1400", "",
     {"dst": "10.7.1.1"}, {"verdict": "forward", "mtu": 1400}),
    ("two paths", "route add 10.7.0.0/16 nexthop via 10.0.1.2 nexthop via 10.0.0.2",
     "route del 10.7.0.0/16", {"dst": "10.7.1.1"}, {"paths": 2, "prefix-len": 16}),
    ("default route", "route add default via 10.0.1.2", "", {"dst": "8.8.8.8"},
     {"verdict": "forward", "prefix": "0.0.0.0", "prefix-len": 0}),
    ("no route", "", "", {"dst": "8.8.8.8"}, {"verdict": "punt", "reason": "no-route",
                                               "prefix": None, "oif": None}),
    ("no route, IPv6", "", "", {"dst": "2001:db8::1"},
     {"verdict": "punt", "reason": "no-route"}),
    ("local", "", "", {"dst": "10.0.1.1"}, {"verdict": "punt", "reason": "local"}),
    ("local, IPv6", "", "", {"dst": "fd01::1"}, {"verdict": "punt", "reason": "local"}),
    ("subnet broadcast", "", "", {"dst": "10.0.1.255"}, {"verdict": "punt"}),
    ("broadcast", "", "", {"dst": "255.255.255.255"},
     {"verdict": "punt", "reason": "multicast"}),
    ("multicast", "", "", {"dst": "224.0.0.5"}, {"verdict": "punt", "reason": "multicast"}),
    ("multicast, IPv6", "", "", {"dst": "ff02::5"},
     {"verdict": "punt", "reason": "multicast"}),
    ("loopback", "", "", {"dst": "127.0.0.1"}, {"verdict": "punt", "reason": "martian"}),
    ("loopback, IPv6", "", "", {"dst": "::1"}, {"verdict": "punt", "reason": "martian"}),
    ("link-local, IPv6", "", "", {"dst": "fe80::77"},
     {"verdict": "punt", "reason": "martian"}),
    ("zero net", "", "", {"dst": "0.0.0.0"}, {"verdict": "punt", "reason": "martian"}),
    ("own source", "", "", {"dst": "10.0.1.2", "src": "10.0.0.1"},
     {"verdict": "punt", "reason": "martian"}),
    ("blackhole", "route add blackhole 10.8.0.0/16", "", {"dst": "10.8.0.1"},
     {"verdict": "punt", "reason": "route-type", "prefix-len": 16}),
    ("unreachable", "route add unreachable 10.8.0.0/16", "", {"dst": "10.8.0.1"},
     {"verdict": "punt", "reason": "route-type"}),
    ("prohibit", "-6 route add prohibit fd08::/32", "", {"dst": "fd08::1"},
     {"verdict": "punt", "reason": "route-type"}),
    ("throw", "route add throw 10.8.0.0/16", "", {"dst": "10.8.0.1"},
     {"verdict": "punt", "reason": "route-type"}),
    ("no neighbour", "", "", {"dst": "10.0.1.77"},
     {"verdict": "punt", "reason": "neighbour", "prefix-len": 24, "oif-name": "red1",
      "lladdr": None}),
    ("no neighbour, IPv6", "", "", {"dst": "fd01::77"},
     {"verdict": "punt", "reason": "neighbour"}),
    ("encapsulation", "route add 10.8.0.0/16 encap ip id 5 dst 10.0.1.2 via 10.0.1.2",
     "route del 10.8.0.0/16", {"dst": "10.8.0.1"}, {"verdict": "punt", "reason": "encap"}),
    ("device that is no port", "link add dum0 up type dummy;route add 10.8.0.0/16 dev dum0",
     "link del dum0", {"dst": "10.8.0.1"}, {"verdict": "punt", "reason": "nexthop-device"}),
    ("out where it came in", "", "", {"dst": "10.0.0.2", "iif": 0},
     {"verdict": "punt", "reason": "same-port", "oif-name": "red0"}),
    ("forwarding off", "!sysctl -qw net.ipv4.conf.red0.forwarding=0",
     "!sysctl -qw net.ipv4.conf.red0.forwarding=1", {"dst": "10.0.1.2", "iif": 0},
     {"verdict": "punt", "reason": "forwarding"}),
    ("forwarding off, IPv6", "!sysctl -qw net.ipv6.conf.all.forwarding=0",
     "!sysctl -qw net.ipv6.conf.all.forwarding=1", {"dst": "fd01::2", "iif": 0},
     {"verdict": "punt", "reason": "forwarding"}),
    ("rule", "rule add from 10.55.0.0/16 table 55", "", {"dst": "10.0.1.2"},
     {"verdict": "punt", "reason": "rules"}),
    ("IPsec policy", "xfrm policy add src 10.55.0.0/16 dst 10.56.0.0/16 dir fwd action block",
     "xfrm policy flush", {"dst": "10.0.1.2"}, {"verdict": "punt", "reason": "xfrm"}),
    ("qdisc on the port", "!tc qdisc add dev red1 root pfifo",
     "!tc qdisc del dev red1 root", {"dst": "10.0.1.2"},
     {"verdict": "punt", "reason": "tc"}),
    ("netfilter", "!nft add table ip t;!nft add chain ip t c "
     "{ type filter hook forward priority 0 ; }",
     "!nft delete table ip t", {"dst": "10.0.1.2"},
     {"verdict": "punt", "reason": "netfilter"}),
    ("port that is down", "link set red1 down",
     "link set red1 up;addr replace fd01::1/64 dev red1 nodad;"
     "neigh replace 10.0.1.2 lladdr 02:00:00:00:00:b1 dev red1;"
     "neigh replace fd01::2 lladdr 02:00:00:00:00:b1 dev red1",
     {"dst": "10.0.1.2"}, {"verdict": "punt"}),
    ("router that is down", "link set vr-red down", "link set vr-red up",
     {"dst": "10.0.1.2"}, {"verdict": "punt", "reason": "mirror"}),
    ("router that is up again", "", "", {"dst": "10.0.1.2"}, {"verdict": "forward"}),
]


def commands(text):
    """Run commands of the table."""
    for line in filter(None, (part.strip() for part in text.split(";!"))):
        for part in [line] if "{" in line else line.split(";"):
            line = part[1:] if part.startswith("!") else part
            with Inside(RED):
                if part.startswith(("!", "nft", "tc")):
                    run(line)
                else:
                    run("ip " + line)


def plain(name, value):
    """An answer's attribute as the table has it."""
    if name in ("prefix", "gateway") and isinstance(value, bytes):
        return socket.inet_ntop(socket.AF_INET if len(value) == 4 else socket.AF_INET6,
                                value)
    if name == "lladdr" and isinstance(value, bytes):
        return value.hex(":")
    return value


def t_fib(red, case):
    """One question."""
    _, there, back, question, want = case
    values = {"router-name": "vr-red", "dst": address(question["dst"])}
    if "src" in question:
        values["src"] = address(question["src"])
    if "iif" in question:
        values["iif"] = red.port[question["iif"]]
    if not back:
        back = there.replace("add", "del")
    commands(there)
    got = {}

    def test():
        reply = red.fam.do("fib-get", values)
        got.clear()
        got.update({k: plain(k, reply.get(k)) for k in want})
        return got == want
    try:
        # the mirror follows the kernel's tables in its own time
        wait("", test)
    except Failure:
        expect("answer", want, got)
    finally:
        commands(back)


def t_fib_tap(red):
    """A packet socket on the way out."""
    with Inside(RED), socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                    socket.htons(3)) as tap:
        tap.bind(("red1", 3))
        reply = red.fam.do("fib-get", {"router-name": "vr-red",
                                       "dst": address("10.0.1.2")})
    expect("answer", ("punt", "tap"), (reply["verdict"], reply.get("reason")))


def t_fib_bypass(red):
    """Netfilter hooks are honoured, or not, as set."""
    commands("!nft add table ip t;!nft add chain ip t c "
             "{ type filter hook forward priority 0 ; }")
    try:
        ask = {"router-name": "vr-red", "dst": address("10.0.1.2")}
        expect("reason", "netfilter", red.fam.do("fib-get", ask).get("reason"))
        expect("state", ("fallback", "netfilter"),
               (red.get()["state"], red.get().get("fallback-reason")))
        red.fam.do("router-set", {"ifname": "vr-red", "netfilter": 2})
        expect("verdict with bypass", "forward", red.fam.do("fib-get", ask)["verdict"])
        expect("state with bypass", "active", red.get()["state"])
        red.fam.do("router-set", {"ifname": "vr-red", "netfilter": 1})
        expect("state with honour", "fallback", red.get()["state"])
    finally:
        commands("!nft delete table ip t")
    expect("state without hooks", "active", red.get()["state"])


TESTS = [
    ("router-get: by index and name", t_router_get),
    ("router-get: counters add up", t_stats),
    ("router-get: dumps", t_router_dump),
    ("netnsid: every operation", t_netnsid),
    ("port-get: by index and name, dumps, filter", t_port_get),
    ("port-get: blocked", t_port_blocked),
    ("router-set: edges of every setting", t_set),
    ("router-set: all or nothing", t_set_all_or_nothing),
    ("router-reset", t_reset),
    ("refusals: errno and text", t_refusals),
    ("refusals: malformed requests", t_malformed),
    ("policies are the spec's", t_policies),
    ("permissions: user", t_perm_user),
    ("permissions: texts", t_perm_texts),
    ("permissions: root of a user namespace", t_perm_userns),
    ("permissions: weights by rtnetlink", t_perm_userns_rtnl),
    ("notifications", t_notifications),
    ("dump of many ports under a change", t_dump_interrupted),
    ("fib-get: tap", t_fib_tap),
    ("fib-get: netfilter honoured and bypassed", t_fib_bypass),
]


def main():
    """Run them all."""
    ksft.print_header()
    tests = TESTS + [("fib-get: " + c[0], lambda red, c=c: t_fib(red, c)) for c in FIB]
    ksft.set_plan(len(tests))
    setup()
    red = Red()
    for name, test in tests:
        sys.stdout.flush()
        try:
            if "userns" in test.__name__ and not can_userns():
                ksft.test_result_skip(name)
                continue
            test(red)
            ksft.test_result_pass(name)
        except (Failure, NlError, OSError, KeyError) as e:
            for line in (str(e) if isinstance(e, Failure) else repr(e)).splitlines():
                ksft.print_msg(line)
            ksft.test_result_fail(name)
    sys.stdout.flush()
    ksft.finished()


if __name__ == "__main__":
    main()
