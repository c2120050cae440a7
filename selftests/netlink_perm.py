#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Who may do what: each cell of the table in vrouter.rst is tried.

Invariants 56 and 57. Every column gets a network namespace like the others', which
the root of a user namespace owns, with ports on a NIC of that namespace and on one of
the host's, and routers of the host's making."""
import atexit
import contextlib
import os
import re
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
# pylint: disable=wrong-import-position,wildcard-import,unused-wildcard-import
import nlraw
import userns
from nlraw import CREATE, DUMP, EXCL, REPLACE, Sock, Spec, attr, name_of
from vrtest import *

RST = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                   "../Documentation/networking/vrouter.rst")
WHO = ("host", "owner", "stranger", "user")
ROUTE = 0
NEWLINK, DELLINK, GETLINK, SETLINK = 16, 17, 18, 19
NEWQDISC, DELQDISC, GETQDISC, GETTCLASS = 36, 37, 38, 42
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER = 1, 3, 4, 5, 10
IFLA_LINKINFO, IFLA_NET_NS_FD, IFLA_LINK_NETNSID = 18, 28, 37
NICS_ID, OTHER_ID = 33, 44
PREFIX = f"vp{os.getpid()}-"
HOME = os.open("/proc/self/ns/net", os.O_RDONLY)
SPEC = Spec()


# ---- the operations ----------------------------------------------------------

def u32(value):
    return struct.pack("=I", value)


class Asker:
    """Sockets in the namespace where it is tried, and what tries need."""

    def __init__(self):
        self.genl, self.route = Sock(), Sock(ROUTE)
        self.family, self.groups = self.genl.family()

    def op(self, name, dump=False, **values):
        """Errno of a request to the family."""
        return self.genl.ask(self.family, SPEC.pack(name, **values), DUMP if dump else 0).code

    def link(self, kind, index=0, flags=(0, 0), rtm=None, **attributes):
        """Errno of a request to rtnetlink; kind: of link, or None. index is that of a
        link that is there; without it, the request makes one."""
        body = struct.pack("=BxHiII", 0, 0, index, *flags)
        data = attributes.pop("data", b"")
        for name, value in attributes.items():
            number = {"name": IFLA_IFNAME, "mac": IFLA_ADDRESS, "mtu": IFLA_MTU,
                      "link": IFLA_LINK, "master": IFLA_MASTER, "fd": IFLA_NET_NS_FD,
                      "netnsid": IFLA_LINK_NETNSID}[name]
            if isinstance(value, str):
                value = value.encode() + b"\0"
            body += attr(number, u32(value) if isinstance(value, int) else value)
        if kind:
            info = attr(1, kind.encode()) + (attr(2, data) if data else b"")
            body += attr(IFLA_LINKINFO, info)
        return self.route.ask(rtm or NEWLINK, body, 0 if index or rtm else CREATE | EXCL).code

    def change(self, dev, kind=None, **what):
        """Errno of a change of a link."""
        return self.link(kind, socket.if_nametoindex(dev), **what)

    def delete(self, name):
        return self.link(None, rtm=DELLINK, name=name)

    def made(self, code, name):
        """It was only a try."""
        return code or self.delete(name)

    def qdisc(self, rtm, flags=0, options=b"", dev="te0"):
        body = struct.pack("=BxxxiIII", 0, socket.if_nametoindex(dev), 0x00100000,
                           0xffffffff, 0)
        body += attr(1, b"vrouter\0")
        if options:
            body += attr(2 | 0x8000, options)
        return self.route.ask(rtm, body, flags).code


def read_links(w, name):
    answer = w.route.ask(GETLINK, struct.pack("=BxHiII", 0, 0, 0, 0, 0) +
                         attr(IFLA_IFNAME, name.encode() + b"\0"))
    return answer.code


def read_qdisc(w):
    """The qdisc, and its classes with the routers' names and shares."""
    code = w.route.ask(GETQDISC, struct.pack("=BxxxiIII", 0, 0, 0, 0, 0), DUMP).code
    answer = w.route.ask(GETTCLASS, struct.pack(
        "=BxxxiIII", 0, socket.if_nametoindex("te1"), 0, 0, 0), DUMP)
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
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, nlraw.GENERIC) as s:
        try:
            if all_namespaces:
                s.setsockopt(nlraw.SOL_NETLINK, nlraw.OPT_LISTEN_ALL, 1)
            s.setsockopt(nlraw.SOL_NETLINK, nlraw.OPT_MEMBER, w.groups["changes"])
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


VLAN = attr(1, struct.pack("=H", 9))
WEIGHT = attr(1, u32(7))

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
    "router-set weight": lambda w: w.op("router-set", weight=6, **whose("router")),
    "router-set limit-packets":
        lambda w: w.op("router-set", limit_packets=9, **whose("router")),
    "router-set limit-bytes":
        lambda w: w.op("router-set", limit_bytes=4096, **whose("router")),
    "router-set netfilter": lambda w: w.op("router-set", netfilter=1, **whose("router")),
    "router-set max-routes": lambda w: w.op("router-set", max_routes=99, **whose("router")),
    "router-set max-routes-warn":
        lambda w: w.op("router-set", max_routes_warn=9, **whose("router")),
    "router-set max-rate": lambda w: w.op("router-set", max_rate=0, **whose("router")),
    "router-set, netnsid": lambda w: w.op("router-set", weight=1, **in_other("router")),
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
    "qdisc, add": lambda w: w.qdisc(NEWQDISC, CREATE | EXCL),
    "qdisc, read with its classes": read_qdisc,
    "qdisc, change": lambda w: w.qdisc(NEWQDISC, REPLACE, attr(3, u32(99))),
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


def column(who):
    """What each row gives for one of WHO."""
    owner = userns.Userns(everything)
    name = PREFIX + who
    netns = f"/run/netns/{name}"
    run(f"ip netns attach {name} {owner.pid}")
    try:
        prepare(name)
        if who == "owner":
            return owner.go()
        if who == "stranger":
            return userns.Userns(everything, netns).go()
        return (userns.as_root if who == "host" else userns.as_user)(everything, netns)
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


def main_perm():
    host()
    columns = Columns()
    tests = [("the table has a row for everything", t_complete)]
    for who in WHO:
        for row, cells in table().items():
            tests.append((f"{who}: {row}: {cells[who]}",
                          lambda row=row, who=who, want=cells[who]:
                          columns.cell(row, who, want)))
    main(tests)


if __name__ == "__main__":
    main_perm()
