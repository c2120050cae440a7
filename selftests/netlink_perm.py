#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Who may do what: each cell of the table in vrouter.rst is tried.

Invariants 56 and 57. Every column gets a network namespace like the others', which
the root of a user namespace owns, with ports on a NIC of that namespace and on one of
the host's, and routers of the host's making."""
import atexit
import contextlib
import json
import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
# pylint: disable=wrong-import-position
import nl
import rtnl
import userns
from nl import DUMP, NEW, REPLACE, Socket, attr, name_of, u16
from nlspec import Spec
from rtnl import DELLINK, DELQDISC, GETLINK, NEWLINK, NEWQDISC
from vrtest import (Failure, Skip, eth, expect, main, run, setns, wait)

RST = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                   "../Documentation/networking/vrouter.rst")
WHO = ("host", "owner", "stranger", "user")
NICS_ID, OTHER_ID = 33, 44
PREFIX = f"vp{os.getpid()}-"
HOME = os.open("/proc/self/ns/net", os.O_RDONLY)
SPEC = Spec()
SETTINGS = ("weight", "limit-packets", "limit-bytes", "netfilter", "max-routes",
            "max-routes-warn", "max-rate")
CHANGED = "what changed"


# ---- the operations ----------------------------------------------------------

class Asker:
    """Sockets in the namespace where it is tried, and what tries need."""

    def __init__(self):
        self.genl, self.route = Socket(nl.GENERIC), Socket()
        self.family, self.groups = self.genl.family()

    def op(self, name, dump=False, **values):
        """Errno of a request to the family."""
        return self.genl.ask(self.family, SPEC.pack(name, **values), DUMP if dump else 0).code

    def link(self, kind, index=0, flags=(0, 0), rtm=None, **attributes):
        """Errno of a request to rtnetlink; kind: of link, or None. index is that of a
        link that is there; without it, the request makes one."""
        data = attributes.pop("data", b"")
        more = b"".join(attr({"name": rtnl.IFNAME, "mac": rtnl.ADDRESS, "mtu": rtnl.MTU,
                              "link": rtnl.LINK, "master": rtnl.MASTER,
                              "fd": rtnl.NET_NS_FD, "netnsid": rtnl.LINK_NETNSID}[name], value)
                        for name, value in attributes.items())
        body = rtnl.link(None, kind, data, index, *flags, more)
        return self.route.ask(rtm or NEWLINK, body, 0 if index or rtm else NEW).code

    def change(self, dev, kind=None, **what):
        """Errno of a change of a link."""
        return self.link(kind, socket.if_nametoindex(dev), **what)

    def delete(self, name):
        return self.link(None, rtm=DELLINK, name=name)

    def made(self, code, name):
        """It was only a try."""
        return code or self.delete(name)

    def qdisc(self, rtm, flags=0, options=b"", dev="te0"):
        return self.route.ask(rtm, rtnl.qdisc(socket.if_nametoindex(dev), handle=0x00100000,
                                              kind="vrouter", options=options), flags).code


def read_links(w, name):
    return w.route.ask(GETLINK, rtnl.link(name)).code


def read_qdisc(w):
    """The qdisc, and its classes with the routers' names and shares."""
    code = w.route.ask(rtnl.GETQDISC, rtnl.qdisc(parent=0), DUMP).code
    answer = w.route.ask(rtnl.GETTCLASS, rtnl.qdisc(socket.if_nametoindex("te1"), 0), DUMP)
    if not code and not answer.code and not answer.replies:
        return "no classes"
    return code or answer.code


def own_namespace():
    """A descriptor of a namespace that the caller owns, or, where it may not make one,
    of the namespace that it is in."""
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    pid = os.fork()
    if not pid:
        # in a process of its own, since the way back may be closed
        with contextlib.suppress(OSError):
            userns.call("unshare", userns.CLONE_NEWNET)
        socket.send_fds(theirs, [b"x"], [os.open("/proc/thread-self/ns/net", os.O_RDONLY)])
        os._exit(0)             # pylint: disable=protected-access
    theirs.close()
    _, (fd,), _, _ = socket.recv_fds(ours, 1, 1)
    os.waitpid(pid, 0)
    return fd


def join(w, all_namespaces):
    """Listen to changes."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, nl.GENERIC) as s:
        try:
            if all_namespaces:
                s.setsockopt(nl.SOL_NETLINK, nl.LISTEN_ALL, 1)
            s.setsockopt(nl.SOL_NETLINK, nl.MEMBER, w.groups["changes"])
        except OSError as e:
            return e.errno
    return 0


DST = socket.inet_aton("10.9.0.2")
NET = socket.inet_aton("10.9.0.0")
OTHER = {"netnsid": OTHER_ID}


def whose(op):
    """The router, as an operation names it."""
    return {"ifname": "vr-t"} if op.startswith("router") else {"router_name": "vr-t"}


def in_other(op):
    return dict({k: "vr-other" for k in whose(op)}, **OTHER)


def up_and_down(w, name):
    return w.change(name, flags=(0, 1)) or w.change(name, flags=(1, 1))


VLAN = attr(1, u16(9))
WEIGHT = attr(1, 7)

ROWS = {
    "router-get": lambda w: w.op("router-get", **whose("router")),
    "router-get, netnsid": lambda w: w.op("router-get", **in_other("router")),
    "router-get, dump": lambda w: w.op("router-get", dump=True),
    "router-get, dump, all-netns": lambda w: w.op("router-get", dump=True, all_netns=1),
    "port-get": lambda w: w.op("port-get", ifname="t0"),
    "port-get, netnsid": lambda w: w.op("port-get", ifname="other0", **OTHER),
    "port-get, dump": lambda w: w.op("port-get", dump=True),
    "port-get, dump, all-netns": lambda w: w.op("port-get", dump=True, all_netns=1),
    "fib-get": lambda w: w.op("fib-get", dst=DST, **whose("fib")),
    "fib-get, netnsid": lambda w: w.op("fib-get", dst=DST, **in_other("fib")),
    "route-get": lambda w: w.op("route-get", prefix=NET, prefix_len=24, **whose("route")),
    "route-get, netnsid": lambda w: w.op("route-get", prefix=NET, prefix_len=24,
                                         **in_other("route")),
    "route-get, dump": lambda w: w.op("route-get", dump=True, **whose("route")),
    "route-get, dump, netnsid": lambda w: w.op("route-get", dump=True, **in_other("route")),
    "fib-stats": lambda w: w.op("fib-stats", **whose("fib")),
    "fib-stats, netnsid": lambda w: w.op("fib-stats", **in_other("fib")),
    "fib-stats, verify": lambda w: w.op("fib-stats", verify=1, **whose("fib")),
    "router-set weight": lambda w: w.op("router-set", weight=5, **whose("router")),
    "router-set limit-packets":
        lambda w: w.op("router-set", limit_packets=9, **whose("router")),
    "router-set limit-bytes":
        lambda w: w.op("router-set", limit_bytes=4096, **whose("router")),
    "router-set netfilter": lambda w: w.op("router-set", netfilter=1, **whose("router")),
    "router-set max-routes": lambda w: w.op("router-set", max_routes=99, **whose("router")),
    "router-set max-routes-warn":
        lambda w: w.op("router-set", max_routes_warn=9, **whose("router")),
    "router-set max-rate": lambda w: w.op("router-set", max_rate=125000, **whose("router")),
    "router-set, netnsid": lambda w: w.op("router-set", weight=4, **in_other("router")),
    "router-reset": lambda w: w.op("router-reset", **whose("router")),
    "router-reset, netnsid": lambda w: w.op("router-reset", **in_other("router")),
    "changes, listen": lambda w: join(w, False),
    "changes, listen, all namespaces": lambda w: join(w, True),
    "vrport, read": lambda w: read_links(w, "t0"),
    "vrport, add": lambda w: w.made(w.link("vrport", name="n0", link=w.nic, data=VLAN), "n0"),
    "vrport, add, other NIC": lambda w: w.made(
        w.link("vrport", name="n1", link=w.host_nic, netnsid=NICS_ID), "n1"),
    "vrport, change": lambda w: w.change("t0", "vrport", mtu=1400),
    "vrport, change, other NIC": lambda w: w.change("h0", "vrport", mtu=1400),
    "vrport, address": lambda w: w.change("t0", mac=bytes.fromhex("0200000009aa")),
    "vrport, address, other NIC":
        lambda w: w.change("h0", mac=bytes.fromhex("0200000009bb")),
    "vrport, up and down": lambda w: up_and_down(w, "h0"),
    "vrport, promiscuous": lambda w: w.change("t0", flags=(0x100, 0x100)),
    "vrport, master": lambda w: w.change("mv0", master=w.vrf),
    "vrport, move to own namespace": lambda w: w.change("mv0", fd=w.own),
    "vrport, move to the initial namespace": lambda w: w.change("mv1", fd=HOME),
    "vrport, delete": lambda w: w.delete("del0"),
    "vrouter, read": lambda w: read_links(w, "vr-t"),
    "vrouter, add": lambda w: w.made(w.link("vrouter", name="vr-n", master=w.vrf), "vr-n"),
    "vrouter, add, weight": lambda w: w.made(
        w.link("vrouter", name="vr-n", master=w.vrf, data=WEIGHT), "vr-n"),
    "vrouter, change": lambda w: w.change("vr-t", "vrouter"),
    "vrouter, weight": lambda w: w.change("vr-t", "vrouter", data=WEIGHT),
    "vrouter, up and down": lambda w: up_and_down(w, "vr-del"),
    "vrouter, rename": lambda w: w.change("vr-name", name="vr-named"),
    "vrouter, master": lambda w: w.change("vr-del", master=w.vrf),
    "vrouter, move to own namespace": lambda w: w.change("vr-mv0", fd=w.own),
    "vrouter, move to the initial namespace": lambda w: w.change("vr-mv1", fd=HOME),
    "vrouter, delete": lambda w: w.delete("vr-del"),
    "qdisc, add": lambda w: w.qdisc(NEWQDISC, NEW),
    "qdisc, read with its classes": read_qdisc,
    "qdisc, change": lambda w: w.qdisc(NEWQDISC, REPLACE, attr(3, 99)),
    "qdisc, delete": lambda w: w.qdisc(DELQDISC),
}


def everything():
    """Try all rows, in order; what came of each."""
    w = Asker()
    w.nic = socket.if_nametoindex("te0")
    w.host_nic = int(os.environ["VP_HOST_NIC"])
    w.vrf = socket.if_nametoindex("spare")
    w.own = own_namespace()
    out = {}
    for row, function in ROWS.items():
        code = function(w)
        out[row] = code if isinstance(code, str) else name_of(code).replace("ok", "yes")
    return out


# ---- where it is tried -------------------------------------------------------

def host():
    """A NIC of the host, and a router in another namespace."""
    for name in ("nics", "other"):
        run(f"ip netns add {PREFIX}{name}")
        atexit.register(run, f"ip netns del {PREFIX}{name}", False)
    run(f"ip -n {PREFIX}nics link add eth0 type veth peer name peer0")
    run(f"ip -n {PREFIX}nics link add link eth0 name other0 netns {PREFIX}other type vrport")
    run(f"ip -n {PREFIX}other link set other0 up")
    run(f"ip -n {PREFIX}other addr add 10.9.0.1/24 dev other0")
    run(f"ip -n {PREFIX}other link add vr-other type vrouter")
    run(f"ip -n {PREFIX}other link set vr-other up")
    wait("the other router has its routes",
         lambda: "active" in run(f"vrctl -n {PREFIX}other show vr-other"))
    line = run(f"ip -n {PREFIX}nics -o link show eth0")
    os.environ["VP_HOST_NIC"] = line.split(":")[0]


def prepare(name):
    """The namespace of a tenant, by the host."""
    run(f"ip -n {name} netns set {PREFIX}nics {NICS_ID}")
    run(f"ip -n {name} netns set {PREFIX}other {OTHER_ID}")
    lines = ["link add te0 type veth peer name te1", "link set te0 up", "link set te1 up",
             "link add spare type vrf table 77"]
    lines += [f"link add link te0 name {port} type vrport"
              for port in ("t0", "mv0", "mv1", "del0")]
    lines += ["link set t0 up", "addr add 10.9.0.1/24 dev t0",
              "link add vr-t type vrouter weight 6", "link set vr-t up"]
    for i, router in enumerate(("vr-mv0", "vr-mv1", "vr-del", "vr-name")):
        lines += [f"link add vrf{i} type vrf table {80 + i}",
                  f"link add {router} master vrf{i} type vrouter"]
    run(f"ip -n {name} -batch -", data="\n".join(lines) + "\n")
    run(f"tc -n {name} qdisc add dev te1 root vrouter")
    run(f"ip -n {PREFIX}nics link add link eth0 name h0 netns {name} type vrport")
    wait("the router has its routes", lambda: "active" in run(f"vrctl -n {name} show vr-t"))
    knock(name)


def knock(name):
    """A frame for the tenant's router, so that there is something to reset."""
    fd = os.open(f"/run/netns/{name}", os.O_RDONLY)
    setns(fd)
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind(("te1", 0))
            s.send(eth("ff:ff:ff:ff:ff:ff", "02:00:00:00:09:cc", 0x88b5, bytes(46)))
    finally:
        setns(HOME)
        os.close(fd)
    wait("a frame for the router", lambda: json.loads(
        run(f"vrctl -n {name} -j show vr-t"))[0]["stats"]["rx-packets"])


def settings(name):
    """What is set in a tenant's namespace, and at the other router: (of the routers, of
    all links)."""
    routers = {}
    for ns, router in ((name, "vr-t"), (PREFIX + "other", "vr-other")):
        told = json.loads(run(f"vrctl -n {ns} -j show {router}"))[0]
        routers[router] = {key: told[key] for key in SETTINGS}
        routers[router]["counted"] = told["stats"]["rx-packets"] > 0
    links = {}
    for link in json.loads(run(f"ip -n {name} -d -j link show")):
        info = link.get("linkinfo", {})
        links[link["ifname"]] = {
            "kind": info.get("info_kind"), "data": info.get("info_data"),
            "flags": sorted({"UP", "PROMISC"} & set(link["flags"])),
            **{key: link.get(key) for key in ("mtu", "address", "master", "qdisc")}}
    return routers, links


def same(who, before, after):
    """Who may change nothing has changed nothing; and no tenant changes settings."""
    return {key: (one[key], other.get(key))
            for one, other in zip(before, after) for key in one
            if one[key] != other.get(key) and not (who == "owner" and one is before[1])}


def column(who):
    """What each row gives for one of WHO."""
    owner = userns.Userns(everything)
    name = PREFIX + who
    netns = f"/run/netns/{name}"
    run(f"ip netns attach {name} {owner.pid}")
    try:
        prepare(name)
        before = settings(name)
        if who == "owner":
            out = owner.go()
        elif who == "stranger":
            out = userns.Userns(everything, netns).go()
        else:
            out = (userns.as_root if who == "host" else userns.as_user)(everything, netns)
        out[CHANGED] = same(who, before, settings(name))
        return out
    finally:
        if who != "owner":
            owner.give_up()
        run(f"ip netns del {name}", False)
        for gone in ("mv1", "vr-mv1"):      # where the host had it moved to
            run(f"ip link del {gone}", False)


# ---- the table ---------------------------------------------------------------

def table():
    """{row: {who: yes or an errno}} of the table in the documentation."""
    with open(RST, encoding="utf-8") as f:
        text = f.read().split("Who may do what\n")[1]
    lines = text.splitlines()
    rules = [i for i, line in enumerate(lines) if re.match(r"=+( +=+){4}$", line)]
    head = lines[rules[0] + 1].split()
    expect("columns of the table", ["what", *WHO], head)
    rows = {}
    for line in lines[rules[1] + 1:rules[2]]:
        cells = line.split()
        name = " ".join(cells[:-len(WHO)]).replace("``", "")
        rows[name] = dict(zip(WHO, cells[-len(WHO):]))
    return rows


def t_complete():
    """The table has a row for each operation, setting, and way to other namespaces."""
    want = set()
    for name, op in SPEC.op.items():
        names = {a.name for a in op.request.values()}
        want.add(name)
        if "netnsid" in names:
            want.add(f"{name}, netnsid")
        if op.dump:
            want.add(f"{name}, dump")
            if "all-netns" in names:
                want.add(f"{name}, dump, all-netns")
        if op.admin:
            want |= {f"{name} {n}" for n in names - {"ifindex", "ifname", "netnsid"}}
    want.discard("router-set")      # its settings have rows
    expect("rows that are missing in the table", set(), want - set(table()))
    expect("rows of the table and of this test", sorted(table()), sorted(ROWS))


class Columns:
    """Each is tried once, when it is asked for first."""

    def __init__(self):
        self.got = {}

    def cell(self, row, who, want):
        """One cell."""
        if who in ("owner", "stranger") and not userns.can_userns():
            raise Skip("no user namespaces here")
        if who not in self.got:
            self.got[who] = None
            self.got[who] = column(who)
        if self.got[who] is None:
            raise Failure(f"the column of {who} could not be tried, see above")
        expect(f"{row}, by {who}", want, self.got[who].get(row, "not tried"))


    def changes(self):
        """The comparison would see a change."""
        self.cell("router-get", "host", "yes")
        expect("routers that the host has changed", {"vr-t", "vr-other"},
               {"vr-t", "vr-other"} & set(self.got["host"][CHANGED]))


def main_perm():
    host()
    columns = Columns()
    tests = [("the table has a row for everything", t_complete)]
    for who in WHO:
        if who == "host":
            tests.append(("host: settings change", lambda: columns.changes()))
        else:
            tests.append((f"{who}: what is refused changes nothing",
                          lambda who=who: columns.cell(CHANGED, who, {})))
        for row, cells in table().items():
            tests.append((f"{who}: {row}: {cells[who]}",
                          lambda row=row, who=who, want=cells[who]:
                          columns.cell(row, who, want)))
    main(tests)


if __name__ == "__main__":
    main_perm()
