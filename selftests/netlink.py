#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The generic netlink family, by the kernel's YNL library and our spec alone: what it
tells, what it is told, and notifications.

Numbers of invariants are those of vrouter-invariants.rst.
"""
import errno
import os
import re
import socket
import sys

sys.path.append(os.path.dirname(os.path.abspath(__file__)) + "/lib")
# pylint: disable=wrong-import-position
import nl
from nlrig import (NSID, SPEC_READ, NlMsgs, _genl_msg_finalize, family, main_red, refused)
from vrtest import Failure, expect, run, wait

U32_MAX = 0xffffffff


# ---- reading -----------------------------------------------------------------

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
    with red.other:
        other = family().do("router-get", {"ifname": "vr-other"})
    expect("state of a router that is down", "down", other["state"])


def t_stats(red):
    """All counters are there, and add up."""
    def quiet():
        one, two = red.get()["stats"], red.get()["stats"]
        return one if one == two and not one["queued-packets"] else None
    wait("no traffic", quiet, 30)
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
    with red.ns:
        run("sysctl -qw net.ipv4.conf.red0.forwarding=0")
    port = red.fam.do("port-get", {"ifname": "red0"})
    with red.ns:
        run("sysctl -qw net.ipv4.conf.red0.forwarding=1")
    expect("blocked", "forwarding", port.get("blocked"))
    expect("blocked", None, red.fam.do("port-get", {"ifname": "red0"}).get("blocked"))


# ---- writing -----------------------------------------------------------------

# invariant 55: the edges of every integer
EDGES = {
    "weight": ((1, 2, 999, 1000), (0, 1001, 0x7fffffff, 0x80000000, U32_MAX)),
    "limit-packets": ((1, 2, 1048575, 1048576), (0, 1048577, 0x80000000, U32_MAX)),
    # with another packet on top it is still 32 bits
    "limit-bytes": ((2048, 2049, 0x7fffffff, 0x80000000), (0, 1, 2047, 0x80000001, U32_MAX)),
    "netfilter": ((2, 1), (0, 3, U32_MAX)),
    "max-routes": ((1, 0x7fffffff, 0x80000000, U32_MAX, 0), ()),
    "max-routes-warn": ((0, 1, 99, 100), (101, 0x80000000, U32_MAX)),
    "max-rate": ((1, U32_MAX, 1 << 32, (1 << 64) - 1, 0), ()),
}


def t_set(red):
    """Every setting with every edge; nothing changes on refusal."""
    before = red.settings()
    for name, (good, bad) in EDGES.items():
        for value in good:
            red.fam.do("router-set", {"ifname": "vr-red", name: value})
            expect("settings after %s %d" % (name, value),
                   dict(before, **{name: value}), red.settings())
        now = red.settings()
        for value in bad:
            refused("%s %d" % (name, value), errno.ERANGE if name != "netfilter" else
                    errno.ERANGE, "", red.fam, "router-set",
                    {"ifname": "vr-red", name: value})
            expect("settings after %s %d" % (name, value), now, red.settings())
        red.fam.do("router-set", {"ifindex": red.index, name: before[name]})
    expect("settings at the end", before, red.settings())


def t_set_all_or_nothing(red):
    """Several settings at once: all of them are taken, or none."""
    before = red.settings()
    several = {"weight": 77, "limit-packets": 5, "limit-bytes": 4096, "netfilter": 2,
               "max-routes": 100000, "max-routes-warn": 33, "max-rate": 1 << 33}
    red.fam.do("router-set", dict(several, ifname="vr-red"))
    expect("settings", several, red.settings())
    red.fam.do("router-set", dict(before, ifname="vr-red"))
    for name, (_, bad) in EDGES.items():
        for order in (1, -1) if bad else ():
            values = [(k, bad[0] if k == name else v) for k, v in several.items()]
            refused("all with a bad " + name, errno.ERANGE, "", red.fam, "router-set",
                    dict([("ifname", "vr-red")] + values[::order]))
            expect("settings after a bad " + name, before, red.settings())
    red.fam.do("router-set", {"ifname": "vr-red"})
    expect("settings after an empty request", before, red.settings())


def t_reset(red):
    """Counters go to zero; settings stay."""
    with red.ns:
        run("ping -c 3 -i 0.05 -W 1 10.0.0.2", False)
    before = red.settings()
    red.fam.do("router-reset", {"ifindex": red.index})
    stats = red.get()["stats"]
    expect("forwarded", 0, stats["forwarded-packets"])
    expect("dropped", 0, stats["dropped-packets"])
    if stats["rx-packets"] > 20:
        raise Failure("received after the reset: expected next to nothing, got %d" %
                      stats["rx-packets"])
    expect("settings", before, red.settings())
    t_stats(red)


# ---- notifications (invariant 60) --------------------------------------------

def news(fam, want):
    """Wait for a notification of this name; return all that came."""
    got = []

    def test():
        fam.check_ntf()
        got.extend(fam.async_msg_queue)
        fam.async_msg_queue.clear()
        return any(n["name"] == want for n in got)
    wait("notification " + want, test, 30)
    return got


def told_reason(red, fam, what, words, reason):
    """That the stack has to forward, and that it has not, is told at once; where all is
    read again, first that it is."""
    for do, want in (("add", ("fallback", reason)), ("del", ("active", None))):
        run(f"{what} {do} {words}", ns=red.ns)
        told = "fallback", "mirror"
        while told == ("fallback", "mirror"):
            msg = news(fam, "router-change-ntf")[-1]["msg"]
            told = msg["state"], msg.get("fallback-reason")
        expect(f"{what} {do}", want, told)


def t_notifications(red):
    """Each change of a router or port is told, in its namespace alone."""
    with red.ns:
        fam = family()
    with red.other:
        elsewhere = family()
    fam.ntf_subscribe("changes")
    elsewhere.ntf_subscribe("changes")
    red.fam.do("router-set", {"ifname": "vr-red", "weight": 8})
    got = news(fam, "router-change-ntf")
    expect("name", "vr-red", got[-1]["msg"]["ifname"])
    expect("weight", 8, got[-1]["msg"]["weight"])
    red.fam.do("router-set", {"ifname": "vr-red", "weight": 3})
    run("ip link add link eth1 name red2 netns %s type vrport vlan 9" % red.ns.name,
        ns=red.nics)
    got = news(fam, "port-add-ntf")
    expect("port", ("red2", 9), (got[-1]["msg"]["ifname"], got[-1]["msg"]["vlan"]))
    run("ip link set red2 up", ns=red.ns)
    got = news(fam, "port-change-ntf")
    expect("router of the port", "vr-red", got[-1]["msg"].get("router-name"))
    run("ip link set red2 down", ns=red.ns)
    got = news(fam, "port-change-ntf")
    expect("router of the port", None, got[-1]["msg"].get("router-name"))
    run("ip link del red2", ns=red.ns)
    got = news(fam, "port-del-ntf")
    expect("port", "red2", got[-1]["msg"]["ifname"])
    run("ip link add blue type vrf table 44", ns=red.ns)
    run("ip link add vr-blue master blue type vrouter", ns=red.ns)
    got = news(fam, "router-add-ntf")
    expect("router", "vr-blue", got[-1]["msg"]["ifname"])
    run("ip link del vr-blue", ns=red.ns)
    got = news(fam, "router-del-ntf")
    expect("router", "vr-blue", got[-1]["msg"]["ifname"])
    run("ip link del blue", ns=red.ns)
    told_reason(red, fam, "ip rule", "from 192.0.2.0/24 table 77", "rules")
    told_reason(red, fam, "ip -6 rule", "from 2001:db8::/32 table 77", "rules")
    told_reason(red, fam, "ip -6 route", "2001:db8:1::/48 from 2001:db8::/32 dev red0",
                "route-unsupported")
    elsewhere.check_ntf()
    expect("notifications in another namespace", [], elsewhere.async_msg_queue)


# ---- dumps that see a change (invariant 58) ----------------------------------

def t_dump_interrupted(red):
    """A dump of many ports is whole, and says when it was not of one moment."""
    count = 60
    for i in range(count):
        run("ip link add link eth0 name many%d netns %s type vrport" % (i, red.ns.name),
            ns=red.nics)
    want = {"many%d" % i for i in range(count)} | {"red0", "red1"}
    got = [p["ifname"] for p in red.fam.dump("port-get", {})]
    expect("ports", sorted(want), sorted(got))

    def dump(change):
        with red.ns:
            fam = family()
        op = SPEC_READ.ops["port-get"]
        msg = fam.nlproto.message(nl.REQUEST | nl.DUMP, op.req_value, 1, 9)
        fam.sock.send(_genl_msg_finalize(msg))
        names, interrupted, buffers = [], False, 0
        while True:
            # a small buffer, so that the dump has several parts
            for m in NlMsgs(fam.sock.recv(4096)):
                interrupted = interrupted or bool(m.nl_flags & nl.DUMP_INTR)
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
        lambda: run("ip link del many%d" % (count - 1), ns=red.ns))
    expect("interrupted by a change", True, interrupted)
    expect("each port once", len(names), len(set(names)))
    lost = want - {"many%d" % (count - 1)} - {n.decode() for n in names}
    expect("ports that are missing", set(), lost)
    for i in range(count - 1):
        run("ip link del many%d" % i, ns=red.ns)


def t_dump_parts(red):
    """A dump tells the same, wherever its parts end."""
    red.ns.batch(line.format(i=i, t=50 + i) for i in range(4) for line in (
        "link add b{i} type vrf table {t}", "link add vr-b{i} master b{i} type vrouter"))
    red.nics.batch("link add link eth0 name part%d netns %s type vrport" % (i, red.ns.name)
                   for i in range(60))
    with red.ns, nl.Socket(nl.GENERIC) as sock:
        number, _ = sock.family()

    def dump(op, size):
        with red.ns, nl.Socket(nl.GENERIC) as sock:
            return sock.dump_parts(number, nl.genl(op), size)
    for op, count in ((nl.ROUTER_GET, 5), (nl.PORT_GET, 62)):
        want = dump(op, 1 << 15)
        expect("messages", count, len(want))
        # any place of a message may be where a part is full
        for size in range(4096, 4096 + len(max(want, key=len)) + 24, 4):
            got = dump(op, size)
            # what vr-red counts may change meanwhile
            expect("what is told in parts of %d bytes" % size,
                   [p[4:32] if op == nl.ROUTER_GET else p for p in want],
                   [p[4:32] if op == nl.ROUTER_GET else p for p in got])
    red.ns.batch("link del %s%d" % (name, i) for i in range(4) for name in ("vr-b", "b"))
    red.ns.batch("link del part%d" % i for i in range(60))


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
    ("notifications", t_notifications),
    ("dump of many ports under a change", t_dump_interrupted),
    ("dumps in parts of all sizes", t_dump_parts),
]


if __name__ == "__main__":
    main_red(TESTS)
