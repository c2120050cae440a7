# SPDX-License-Identifier: GPL-2.0
"""Every operation of configuration, at random: for races.py. An operation returns
its errno; what is refused is as good as what is done, as long as both occur."""
import contextlib
import ctypes
import errno
import os
import socket
import struct

import nl
from vrtest import CLONE_NEWNET, Netns, setns

LIBC = ctypes.CDLL(None, use_errno=True)
MS_BIND, MNT_DETACH = 0x1000, 2
SYS_DELETE_MODULE, SYS_FINIT_MODULE = 176, 313
MACS = 16           # of ports; pktgen sends to each
SPACES = 6
PORTS, ROUTERS = 6, 2
VRFS = {"red": 10, "blue": 11}
GET, SET, RESET, PORT_GET, FIB_GET, ROUTE_GET, FIB_STATS = 1, 2, 3, 7, 11, 13, 14


class Missing(Exception):
    """Nobody there to do it to."""


def mac(number):
    """Address of a port, or from MACS on of a host."""
    return bytes((2, 0, 0, 0, 1, number))


def index(name):
    try:
        return socket.if_nametoindex(name)
    except OSError:
        raise Missing from None


def put(path, value):
    with contextlib.suppress(OSError), open(path, "w", encoding="ascii") as f:
        f.write(value)


def space_add(name):
    """As ip netns add, without a process."""
    path = "/run/netns/" + name
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o444))
    except OSError as e:
        return e.errno
    error = 0
    if LIBC.unshare(CLONE_NEWNET) or \
       LIBC.mount(b"/proc/thread-self/ns/net", path.encode(), b"none", MS_BIND, None):
        error = ctypes.get_errno()
    put("/proc/sys/net/ipv4/ip_forward", "1")
    put("/proc/sys/net/ipv6/conf/all/forwarding", "1")
    put("/proc/sys/net/ipv6/conf/default/accept_dad", "0")
    put("/proc/sys/net/ipv6/conf/default/router_solicitations", "0")
    setns(Netns.home)
    return error


def space_del(name):
    path = "/run/netns/" + name
    if LIBC.umount2(path.encode(), MNT_DETACH):
        return ctypes.get_errno()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return 0


def module_unload():
    return ctypes.get_errno() if LIBC.syscall(SYS_DELETE_MODULE, b"vrouter",
                                              os.O_NONBLOCK) else 0


def module_load(path):
    fd = os.open(path, os.O_RDONLY)
    error = ctypes.get_errno() if LIBC.syscall(SYS_FINIT_MODULE, fd, b"", 0) else 0
    os.close(fd)
    return error


class Churn:
    """Who does it: rnd decides, tell(kind, what, errno) hears of it."""

    def __init__(self, rnd, base, nics, module, tell):
        self.rnd, self.nics, self.module, self.tell = rnd, nics, module, tell
        self.spaces = [f"{base}s{i}" for i in range(SPACES)]
        self.route = self.family = self.space = None
        # doubled by weight
        self.outside = [op for op, n in (
            (self.port_add, 8), (self.space_add, 3), (self.space_del, 1),
            (self.nic_mtu, 1), (self.nic_flap, 1), (self.nic_mac, 1),
            (self.nic_rename, 1), (self.nic_add, 2), (self.nic_del, 1),
            (self.nic_move, 1), (self.qdisc_replace, 2), (self.qdisc_change, 2),
            (self.qdisc_queue, 1), (self.qdisc_other, 1), (self.qdisc_del, 3),
            (self.dump_links, 1), (self.dump_classes, 1), (self.dump_all_routers, 2),
            (self.dump_all_ports, 1)) for _ in range(n)]
        self.inside = [op for op, n in (
            (self.port_del, 2), (self.port_move, 3), (self.port_rename, 2),
            (self.port_up, 6), (self.port_down, 3), (self.port_mtu, 2),
            (self.port_mac, 2), (self.port_promisc, 1), (self.port_master, 3),
            (self.port_release, 2), (self.vlan_add, 1), (self.vrf_add, 2),
            (self.vrf_del, 1), (self.router_add, 4), (self.router_del, 2),
            (self.router_up, 6), (self.router_down, 3), (self.router_rename, 1),
            (self.router_move, 1), (self.router_master, 2), (self.router_release, 1),
            (self.address_add, 4), (self.address_del, 2), (self.route_add, 6),
            (self.route_del, 4), (self.route_multipath, 3), (self.route_object, 3),
            (self.object_add, 3), (self.object_group, 2), (self.object_del, 1),
            (self.neigh_add, 3), (self.neigh_del, 3), (self.set_weight, 2),
            (self.set_limit, 2), (self.set_rate, 1), (self.set_netfilter, 1),
            (self.set_quota, 1), (self.reset, 1), (self.forwarding, 1),
            (self.dump_routers, 1), (self.dump_ports, 1), (self.dump_routes, 1),
            (self.lookup, 2), (self.fib_check, 1)) for _ in range(n)]

    def kinds(self):
        return sorted({op.__name__ for op in self.outside + self.inside} | {"module_reload"})

    def step(self):
        """One visit somewhere."""
        turn = self.rnd.randrange(1000)
        if turn < 8:
            self.do(self.module_reload)
        elif turn < 120:
            i = self.rnd.randrange(SPACES)
            self.make_domain(i, self.rnd.choice((None, None, "red")))
            self.visit(self.spaces[i], self.more_routes)
        elif turn < 400:
            with nl.Netlink() as self.route, nl.Family() as self.family:
                self.do(self.rnd.choice(self.outside))
        else:
            self.visit(self.rnd.choice(self.spaces), self.rummage)

    def attempt(self, kind):
        """This kind of operation, somewhere, so that it may succeed."""
        i = self.rnd.randrange(SPACES)
        self.make_domain(i, self.rnd.choice((None, "red")))
        op = getattr(self, kind)
        if op in self.inside:
            self.visit(self.spaces[i], self.attempt_inside, op)
            return
        with nl.Netlink() as self.route, nl.Family() as self.family:
            if kind.startswith("nic_"):
                self.do(self.nic_add)
            if kind.startswith("qdisc_"):
                self.do(self.qdisc_replace)
            self.do(op)

    def attempt_inside(self, op):
        self.more_routes()
        self.do(op)

    def more_routes(self):
        for op in (self.route_add, self.route_add, self.route_multipath, self.route_object,
                   self.object_group):
            self.do(op)

    def rummage(self):
        for _ in range(self.rnd.randint(1, 6)):
            self.do(self.rnd.choice(self.inside))

    def visit(self, name, work, *args):
        """Do work in a namespace, if it is there, with sockets of it."""
        with contextlib.ExitStack() as stack:
            try:
                fd = os.open("/run/netns/" + name, os.O_RDONLY)
                stack.callback(os.close, fd)
                setns(fd)
            except OSError:     # none, or not mounted yet
                return
            stack.callback(setns, Netns.home)
            self.space = name
            with nl.Netlink() as self.route, nl.Family() as self.family:
                work(*args)
            self.space = None

    def do(self, op, *args):
        try:
            error = op(*args)
        except Missing:
            error = errno.ENODEV
        self.tell(op.__name__, self.space, args, error)
        return error

    def some(self, what):
        """The index of some port (p), router (vr) or VRF."""
        names = {"p": [f"p{i}" for i in range(PORTS)],
                 "vr": [f"vr{i}" for i in range(ROUTERS)], "vrf": list(VRFS)}[what]
        self.rnd.shuffle(names)
        for name in names:
            with contextlib.suppress(OSError):
                return socket.if_nametoindex(name)
        raise Missing

    def set_link(self, number, flags=0, change=0, attrs=b""):
        return self.route.ask(nl.NEWLINK, nl.link(number, flags, change, attrs))

    def make_domain(self, i, vrf):
        """A domain that forwards between the NICs of pktgen's, if nobody interferes:
        by steps that are such operations, too."""
        self.do(self.space_add, self.spaces[i])
        with nl.Netlink() as self.route:
            for n in (0, 1):
                self.do(self.port_add, self.spaces[i], n, f"p{n + (2 if vrf else 0)}",
                        (2 * i + n) % MACS, 10 if vrf else 0)
        self.visit(self.spaces[i], self.make_router, i, vrf)

    def make_router(self, i, vrf):
        name = "vr1" if vrf else "vr0"
        if vrf:
            self.do(self.vrf_add, vrf)
        self.do(self.router_add, name, vrf)
        for n in (0, 1):
            port = f"p{n + (2 if vrf else 0)}"
            if vrf:
                self.do(self.port_master, port, vrf)
            self.do(self.port_up, port)
            self.do(self.address_add, port, n)
            for ip in (f"10.0.{n}.2", f"2001:db8:{n}::2"):
                self.do(self.neigh_add, port, ip, mac(MACS + i))
            self.do(self.object_add, 1 + n, f"10.0.{n}.2", port)
            self.do(self.object_add, 3 + n, f"2001:db8:{n}::2", port)
            for net, plen, via in ((f"198.{18 + n}.0.0", 16, f"10.0.{n}.2"),
                                   (f"2001:db8:{18 + n}::", 48, f"2001:db8:{n}::2")):
                self.do(self.route_add, net, plen, via, port, VRFS[vrf] if vrf else 254)
        self.do(self.router_up, name)

    # ---- the host: NICs, namespaces, the module -------------------------------

    def space_add(self, name=None):
        return space_add(name or self.rnd.choice(self.spaces))

    def space_del(self):
        return space_del(self.rnd.choice(self.spaces))

    def module_reload(self):
        """Unload it with all that there is, unless a qdisc or a request holds it."""
        with nl.Netlink() as self.route:
            for nic in self.nics:
                if self.rnd.randrange(4):
                    self.route.ask(nl.DELQDISC, nl.qdisc(nic))
        error = module_unload()
        for _ in range(20):
            if error or not module_load(self.module):
                break
        return error

    def nic(self):
        """pktgen's, or the one that comes and goes."""
        nics = self.nics + [0]
        return self.rnd.choice(nics) or index("x0")

    def port_add(self, space=None, nic=None, name=None, number=None, vlan=None):
        rnd = self.rnd
        number = rnd.randrange(MACS) if number is None else number
        vlan = rnd.choice((0, 0, 10, 20)) if vlan is None else vlan
        attrs = nl.u32(5, self.nics[nic] if nic is not None else self.nic()) + \
            nl.text(3, name or f"p{rnd.randrange(PORTS)}") + nl.attr(1, mac(number)) + \
            nl.linkinfo("vrport", nl.u16(1, vlan) if vlan else b"")
        try:
            fd = os.open("/run/netns/" + (space or rnd.choice(self.spaces)), os.O_RDONLY)
        except OSError as e:
            return e.errno
        error = self.route.ask(nl.NEWLINK, nl.link(attrs=attrs + nl.u32(28, fd)),
                               nl.CREATE | nl.EXCL)
        os.close(fd)
        return error

    def nic_mtu(self):
        return self.set_link(self.nic(), attrs=nl.u32(4, self.rnd.choice((1400, 1500, 1500))))

    def nic_flap(self):
        nic = self.nic()
        return self.set_link(nic, 0, nl.IFF_UP) or self.set_link(nic, nl.IFF_UP, nl.IFF_UP)

    def nic_mac(self):
        return self.set_link(self.nic(), attrs=nl.attr(
            1, bytes((2, 0, 0, 0, 2, self.rnd.randrange(256)))))

    def nic_rename(self):
        return self.set_link(self.rnd.choice(self.nics), attrs=nl.text(
            3, f"nic{self.rnd.randrange(8)}"))

    def nic_add(self):
        peer = nl.attr(1, nl.link(attrs=nl.text(3, "x1")))
        error = self.route.ask(nl.NEWLINK, nl.link(attrs=nl.text(3, "x0") +
                                                   nl.linkinfo("veth", peer)),
                               nl.CREATE | nl.EXCL)
        return error or self.set_link(index("x1"), nl.IFF_UP, nl.IFF_UP) or \
            self.set_link(index("x0"), nl.IFF_UP, nl.IFF_UP)

    def nic_del(self):
        return self.route.ask(nl.DELLINK, nl.link(index("x1")))

    def nic_move(self):
        try:
            fd = os.open("/run/netns/" + self.rnd.choice(self.spaces), os.O_RDONLY)
        except OSError as e:
            return e.errno
        try:
            return self.set_link(index("x0"), attrs=nl.u32(28, fd))
        finally:
            os.close(fd)

    # ---- qdiscs ---------------------------------------------------------------

    def options(self):
        rnd = self.rnd
        return (nl.u64(2, rnd.choice((0, 10 ** 6, 10 ** 8))) if rnd.randrange(2) else b"") + \
            (nl.u32(3, rnd.choice((16, 1000))) if rnd.randrange(2) else b"")

    def qdisc_replace(self):
        return self.route.ask(nl.NEWQDISC, nl.qdisc(
            self.nic(), handle=0x10000, kind="vrouter", options=self.options()),
            nl.CREATE | nl.REPLACE)

    def qdisc_change(self):
        return self.route.ask(nl.NEWQDISC, nl.qdisc(self.nic(), handle=0x10000,
                                                    kind="vrouter", options=self.options()))

    def qdisc_queue(self):
        """mq, and one below it"""
        nic = self.nic()
        return self.route.ask(nl.NEWQDISC, nl.qdisc(nic, handle=0x20000, kind="mq"),
                              nl.CREATE | nl.REPLACE) or \
            self.route.ask(nl.NEWQDISC, nl.qdisc(nic, parent=0x20001, kind="vrouter"),
                           nl.CREATE | nl.REPLACE)

    def qdisc_other(self):
        return self.route.ask(nl.NEWQDISC, nl.qdisc(
            self.nic(), kind=self.rnd.choice(("pfifo", "fq_codel"))), nl.CREATE | nl.REPLACE)

    def qdisc_del(self):
        return self.route.ask(nl.DELQDISC, nl.qdisc(self.nic()))

    # ---- dumps ----------------------------------------------------------------

    def dump_links(self):
        return self.route.dump(nl.GETLINK, nl.link())[0]

    def dump_classes(self):
        return self.route.dump(nl.GETTCLASS, nl.qdisc(self.nic()))[0]

    def dump_all_routers(self):
        return self.family.dump_all(GET, nl.attr(20, b""))[0]

    def dump_all_ports(self):
        return self.family.dump_all(PORT_GET, nl.attr(13, b""))[0]

    def dump_routers(self):
        return self.family.dump_all(GET)[0]

    def dump_ports(self):
        return self.family.dump_all(PORT_GET)[0]

    def dump_routes(self):
        return self.family.dump_all(ROUTE_GET, nl.u32(1, self.some("vr")))[0]

    def lookup(self):
        return self.family.do(FIB_GET, nl.u32(1, self.some("vr")) + nl.attr(
            4, nl.packed(self.rnd.choice(("198.18.0.1", "10.0.0.2", "2001:db8:18::1")))))

    def fib_check(self):
        return self.family.do(FIB_STATS, nl.u32(1, self.some("vr")) + nl.attr(4, b""))

    # ---- ports ----------------------------------------------------------------

    def port_del(self):
        return self.route.ask(nl.DELLINK, nl.link(self.some("p")))

    def port_move(self):
        try:
            fd = os.open("/run/netns/" + self.rnd.choice(self.spaces), os.O_RDONLY)
        except OSError as e:
            return e.errno
        try:
            return self.set_link(self.some("p"), attrs=nl.u32(28, fd))
        finally:
            os.close(fd)

    def port_rename(self):
        return self.set_link(self.some("p"), attrs=nl.text(3, f"p{self.rnd.randrange(PORTS)}"))

    def port_up(self, name=None):
        return self.set_link(index(name) if name else self.some("p"), nl.IFF_UP, nl.IFF_UP)

    def port_down(self):
        return self.set_link(self.some("p"), 0, nl.IFF_UP)

    def port_mtu(self):
        return self.set_link(self.some("p"),
                             attrs=nl.u32(4, self.rnd.choice((1280, 1400, 1500, 9000))))

    def port_mac(self):
        return self.set_link(self.some("p"), attrs=nl.attr(1, mac(self.rnd.randrange(MACS))))

    def port_promisc(self):
        return self.set_link(self.some("p"), self.rnd.choice((0, 0x100)), 0x100)

    def port_master(self, name=None, vrf=None):
        return self.set_link(index(name) if name else self.some("p"), attrs=nl.u32(
            10, index(vrf) if vrf else self.some("vrf")))

    def port_release(self):
        return self.set_link(self.some("p"), attrs=nl.u32(10, 0))

    def vlan_add(self):
        vid = self.rnd.choice((30, 31))
        return self.route.ask(nl.NEWLINK, nl.link(attrs=nl.u32(5, self.some("p")) + nl.text(
            3, f"v{vid}") + nl.linkinfo("vlan", nl.u16(1, vid))), nl.CREATE | nl.EXCL)

    # ---- routers and VRFs -----------------------------------------------------

    def vrf_add(self, name=None):
        name = name or self.rnd.choice(list(VRFS))
        return self.route.ask(nl.NEWLINK, nl.link(0, nl.IFF_UP, nl.IFF_UP, nl.text(3, name) +
                                                  nl.linkinfo("vrf", nl.u32(1, VRFS[name]))),
                              nl.CREATE | nl.EXCL)

    def vrf_del(self):
        return self.route.ask(nl.DELLINK, nl.link(self.some("vrf")))

    def router_add(self, name=None, vrf=None):
        attrs = nl.text(3, name or f"vr{self.rnd.randrange(ROUTERS)}")
        if vrf:
            attrs += nl.u32(10, index(vrf))
        return self.route.ask(nl.NEWLINK, nl.link(attrs=attrs + nl.linkinfo(
            "vrouter", nl.u32(1, self.rnd.randint(1, 9)))), nl.CREATE | nl.EXCL)

    def router_del(self):
        return self.route.ask(nl.DELLINK, nl.link(self.some("vr")))

    def router_up(self, name=None):
        return self.set_link(index(name) if name else self.some("vr"), nl.IFF_UP, nl.IFF_UP)

    def router_down(self):
        return self.set_link(self.some("vr"), 0, nl.IFF_UP)

    def router_rename(self):
        return self.set_link(self.some("vr"), attrs=nl.text(
            3, f"vr{self.rnd.randrange(ROUTERS)}"))

    def router_move(self):
        try:
            fd = os.open("/run/netns/" + self.rnd.choice(self.spaces), os.O_RDONLY)
        except OSError as e:
            return e.errno
        try:
            return self.set_link(self.some("vr"), attrs=nl.u32(28, fd))
        finally:
            os.close(fd)

    def router_master(self):
        return self.set_link(self.some("vr"), attrs=nl.u32(10, self.some("vrf")))

    def router_release(self):
        return self.set_link(self.some("vr"), attrs=nl.u32(10, 0))

    # ---- addresses, routes, neighbours ----------------------------------------

    def address_add(self, port=None, n=None):
        n = self.rnd.randrange(2) if n is None else n
        number = index(port) if port else self.some("p")
        flags = nl.CREATE | nl.EXCL
        return self.route.ask(nl.NEWADDR, nl.address(number, f"2001:db8:{n}::1", 64), flags) or \
            self.route.ask(nl.NEWADDR, nl.address(number, f"10.0.{n}.1", 24), flags)

    def address_del(self):
        ip = self.rnd.choice(("10.0.0.1", "10.0.1.1", "2001:db8:0::1", "2001:db8:1::1"))
        return self.route.ask(nl.DELADDR, nl.address(self.some("p"), ip, 64 if ":" in ip else 24))

    def net(self):
        """(prefix, its length, table, family): some of those that pktgen sends to"""
        rnd = self.rnd
        table = rnd.choice((254, 254, 254, 10))
        if rnd.randrange(2):
            return f"198.18.{rnd.randrange(4)}.0", 24, table, 4
        return f"2001:db8:18:{rnd.randrange(4):x}::", 64, table, 6

    def via(self, family):
        n = self.rnd.randrange(2)
        return f"10.0.{n}.2" if family == 4 else f"2001:db8:{n}::2"

    def route_add(self, net=None, plen=None, via=None, port=None, table=None):
        if not net:
            net, plen, table, family = self.net()
            via = self.rnd.choice((self.via(family), None))
        number = index(port) if port else self.some("p")
        return self.route.ask(nl.NEWROUTE, nl.route(
            net, plen, table, nl.gateway(via, number) if via else nl.u32(4, number)),
            nl.CREATE | nl.REPLACE)

    def route_del(self):
        net, plen, table, _ = self.net()
        return self.route.ask(nl.DELROUTE, nl.route(net, plen, table))

    def route_multipath(self):
        net, plen, table, family = self.net()
        paths = [(self.via(family), self.some("p"), self.rnd.randint(1, 4)) for _ in range(2)]
        return self.route.ask(nl.NEWROUTE, nl.route(net, plen, table, nl.multipath(paths)),
                              nl.CREATE | nl.REPLACE)

    def route_object(self):
        net, plen, table, family = self.net()
        number = self.rnd.choice((1, 2, 11) if family == 4 else (3, 4, 12))
        return self.route.ask(nl.NEWROUTE, nl.route(net, plen, table, nl.u32(30, number)),
                              nl.CREATE | nl.REPLACE)

    def object_add(self, number=None, via=None, port=None):
        number = number or self.rnd.randint(1, 4)
        family = 4 if number < 3 else 6
        return self.route.ask(nl.NEWNEXTHOP, nl.nexthop(
            number, 2 if family == 4 else 10,
            nl.u32(5, index(port) if port else self.some("p")) +
            nl.attr(6, nl.packed(via or self.via(family)))), nl.CREATE | nl.REPLACE)

    def object_group(self):
        group, members = self.rnd.choice(((11, (1, 2)), (12, (3, 4))))
        members = self.rnd.choice((members, members[:1]))
        return self.route.ask(nl.NEWNEXTHOP, nl.nexthop(group, 0, nl.nexthop_group(
            [(n, self.rnd.randint(1, 4)) for n in members])), nl.CREATE | nl.REPLACE)

    def object_del(self):
        return self.route.ask(nl.DELNEXTHOP, nl.nexthop(
            self.rnd.choice((1, 2, 3, 4, 11, 12)), 0, proto=0))

    def neigh_add(self, port=None, ip=None, lladdr=None):
        """A host, or a port of somebody: then packets go round until they die."""
        return self.route.ask(nl.NEWNEIGH, nl.neighbour(
            index(port) if port else self.some("p"),
            ip or self.via(self.rnd.choice((4, 6))),
            lladdr or mac(self.rnd.randrange(MACS + SPACES)),
            0x80 if lladdr else self.rnd.choice((0x80, 2, 4))), nl.CREATE | nl.REPLACE)

    def neigh_del(self):
        return self.route.ask(nl.DELNEIGH, nl.neighbour(
            self.some("p"), self.via(self.rnd.choice((4, 6)))))

    def forwarding(self):
        family = self.rnd.choice(("ipv4/ip_forward", "ipv6/conf/all/forwarding"))
        put("/proc/sys/net/" + family, self.rnd.choice("0111"))
        return 0

    # ---- settings -------------------------------------------------------------

    def set(self, attrs):
        return self.family.do(SET, nl.u32(1, self.some("vr")) + attrs)

    def set_weight(self):
        return self.set(nl.u32(10, self.rnd.randint(1, 1000)))

    def set_limit(self):
        return self.set(nl.u32(11, self.rnd.choice((1, 10, 1000))) +
                        nl.u32(12, self.rnd.choice((2048, 1 << 22))))

    def set_rate(self):
        return self.set(nl.u64(27, self.rnd.choice((0, 10 ** 6, 10 ** 9))))

    def set_netfilter(self):
        return self.set(nl.u32(13, self.rnd.choice((1, 2))))

    def set_quota(self):
        return self.set(nl.u32(21, self.rnd.choice((0, 0, 5, 1000))))

    def reset(self):
        return self.family.do(RESET, nl.u32(1, self.some("vr")))
