# SPDX-License-Identifier: GPL-2.0
"""Every operation of configuration, at random: for races.py. An operation returns
its errno; what is refused is as good as what is done, as long as both occur."""
import contextlib
import ctypes
import errno
import os
import socket

import nl
import rtnl
from nl import CREATE, NEW, REPLACE, attr, u16, u64
from rtnl import IFF_UP, link
from vrtest import CLONE_NEWNET, Netns, setns

LIBC = ctypes.CDLL(None, use_errno=True)
MS_BIND, MNT_DETACH = 0x1000, 2
SYS_DELETE_MODULE, SYS_FINIT_MODULE = 176, 313
MACS = 16           # of ports; pktgen sends to each
SPACES = 6
PORTS, ROUTERS = 6, 2
VRFS = {"red": 10, "blue": 11}


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


class Family(nl.Socket):
    """Generic netlink's vrouter. Its number is another one each time that the module
    is loaded, and asking for it while it is not has the kernel look for a module."""

    number = 1023       # nobody's

    def __init__(self):
        super().__init__(nl.GENERIC)

    def do(self, cmd, attributes=b"", flags=0):
        """Send a request; return its errno, 0 for success."""
        body = nl.genl(cmd, attributes)
        code = self.ask(Family.number, body, flags).code
        if code == errno.ENOENT and self._renew():
            code = self.ask(Family.number, body, flags).code
        return code

    def _renew(self):
        """Was it for want of the right number?"""
        old = Family.number
        with contextlib.suppress(OSError):
            Family.number, _ = self.family()
        return Family.number != old

    def do_dump(self, cmd, attributes=b""):
        """As do(), of all that there are."""
        return self.do(cmd, attributes, nl.DUMP)


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
            with nl.Socket() as self.route, Family() as self.family:
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
        with nl.Socket() as self.route, Family() as self.family:
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
            with nl.Socket() as self.route, Family() as self.family:
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

    def ask(self, kind, body, flags=0):
        return self.route.ask(kind, body, flags).code

    def replace(self, kind, body):
        return self.ask(kind, body, CREATE | REPLACE)

    def new_link(self, *args, **kw):
        return self.ask(rtnl.NEWLINK, link(*args, **kw), NEW)

    def set_link(self, number, more=b"", flags=0, change=0):
        return self.ask(rtnl.NEWLINK, link(index=number, flags=flags, change=change, more=more))

    def set_up(self, number):
        return self.set_link(number, flags=IFF_UP, change=IFF_UP)

    def set_down(self, number):
        return self.set_link(number, change=IFF_UP)

    def rename(self, number, name):
        """Before Linux 6.2 a device that is up keeps its name."""
        error = self.set_link(number, attr(rtnl.IFNAME, name))
        if error == errno.EBUSY:
            error = self.set_down(number) or self.set_link(number, attr(rtnl.IFNAME, name))
            self.set_up(number)
        return error

    def del_link(self, number):
        return self.ask(rtnl.DELLINK, link(index=number))

    def move(self, which, *args):
        """To some namespace: the link whose index which() gives."""
        try:
            fd = os.open("/run/netns/" + self.rnd.choice(self.spaces), os.O_RDONLY)
        except OSError as e:
            return e.errno
        try:
            return self.set_link(which(*args), attr(rtnl.NET_NS_FD, fd))
        finally:
            os.close(fd)

    def make_domain(self, i, vrf):
        """A domain that forwards between the NICs of pktgen's, if nobody interferes:
        by steps that are such operations, too."""
        self.do(self.space_add, self.spaces[i])
        with nl.Socket() as self.route:
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
        with nl.Socket() as self.route:
            for nic in self.nics:
                if self.rnd.randrange(4):
                    self.ask(rtnl.DELQDISC, rtnl.qdisc(nic))
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
        lower = self.nics[nic] if nic is not None else self.nic()
        name = name or f"p{rnd.randrange(PORTS)}"
        try:
            fd = os.open("/run/netns/" + (space or rnd.choice(self.spaces)), os.O_RDONLY)
        except OSError as e:
            return e.errno
        error = self.new_link(name, "vrport", attr(1, u16(vlan)) if vlan else b"",
                              more=attr(rtnl.LINK, lower) + attr(rtnl.ADDRESS, mac(number)) +
                              attr(rtnl.NET_NS_FD, fd))
        os.close(fd)
        return error

    def nic_mtu(self):
        return self.set_link(self.nic(), attr(rtnl.MTU, self.rnd.choice((1400, 1500, 1500))))

    def nic_flap(self):
        nic = self.nic()
        return self.set_down(nic) or self.set_up(nic)

    def nic_mac(self):
        return self.set_link(self.nic(), attr(rtnl.ADDRESS, bytes(
            (2, 0, 0, 0, 2, self.rnd.randrange(256)))))

    def nic_rename(self):
        return self.rename(self.rnd.choice(self.nics), f"nic{self.rnd.randrange(8)}")

    def nic_add(self):
        return self.new_link("x0", "veth", attr(1, link("x1"))) or \
            self.set_up(index("x1")) or self.set_up(index("x0"))

    def nic_del(self):
        return self.del_link(index("x1"))

    def nic_move(self):
        return self.move(index, "x0")

    # ---- qdiscs ---------------------------------------------------------------

    def options(self):
        rnd = self.rnd
        return (attr(2, u64(rnd.choice((0, 10 ** 6, 10 ** 8)))) if rnd.randrange(2) else b"") + \
            (attr(3, rnd.choice((16, 1000))) if rnd.randrange(2) else b"")

    def ours(self):
        return rtnl.qdisc(self.nic(), handle=0x10000, kind="vrouter", options=self.options())

    def qdisc_replace(self):
        return self.replace(rtnl.NEWQDISC, self.ours())

    def qdisc_change(self):
        return self.ask(rtnl.NEWQDISC, self.ours())

    def qdisc_queue(self):
        """mq, and one below it"""
        nic = self.nic()
        return self.replace(rtnl.NEWQDISC, rtnl.qdisc(nic, handle=0x20000, kind="mq")) or \
            self.replace(rtnl.NEWQDISC, rtnl.qdisc(nic, parent=0x20001, kind="vrouter"))

    def qdisc_other(self):
        return self.replace(rtnl.NEWQDISC, rtnl.qdisc(
            self.nic(), kind=self.rnd.choice(("pfifo", "fq_codel"))))

    def qdisc_del(self):
        return self.ask(rtnl.DELQDISC, rtnl.qdisc(self.nic()))

    # ---- dumps ----------------------------------------------------------------

    def dump_links(self):
        return self.ask(rtnl.GETLINK, link(), nl.DUMP)

    def dump_classes(self):
        return self.ask(rtnl.GETTCLASS, rtnl.qdisc(self.nic()), nl.DUMP)

    def dump_all_routers(self):
        return self.family.do_dump(nl.ROUTER_GET, attr(20, b""))

    def dump_all_ports(self):
        return self.family.do_dump(nl.PORT_GET, attr(13, b""))

    def dump_routers(self):
        return self.family.do_dump(nl.ROUTER_GET)

    def dump_ports(self):
        return self.family.do_dump(nl.PORT_GET)

    def dump_routes(self):
        return self.family.do_dump(nl.ROUTE_GET, attr(1, self.some("vr")))

    def lookup(self):
        return self.family.do(nl.FIB_GET, attr(1, self.some("vr")) + attr(4, rtnl.packed(
            self.rnd.choice(("198.18.0.1", "10.0.0.2", "2001:db8:18::1")))))

    def fib_check(self):
        return self.family.do(nl.FIB_STATS, attr(1, self.some("vr")) + attr(4, b""))

    # ---- ports ----------------------------------------------------------------

    def port_del(self):
        return self.del_link(self.some("p"))

    def port_move(self):
        return self.move(self.some, "p")

    def port_rename(self):
        return self.rename(self.some("p"), f"p{self.rnd.randrange(PORTS)}")

    def port_up(self, name=None):
        return self.set_up(index(name) if name else self.some("p"))

    def port_down(self):
        return self.set_down(self.some("p"))

    def port_mtu(self):
        return self.set_link(self.some("p"),
                             attr(rtnl.MTU, self.rnd.choice((1280, 1400, 1500, 9000))))

    def port_mac(self):
        return self.set_link(self.some("p"),
                             attr(rtnl.ADDRESS, mac(self.rnd.randrange(MACS))))

    def port_promisc(self):
        return self.set_link(self.some("p"), flags=self.rnd.choice((0, 0x100)), change=0x100)

    def port_master(self, name=None, vrf=None):
        return self.set_link(index(name) if name else self.some("p"),
                             attr(rtnl.MASTER, index(vrf) if vrf else self.some("vrf")))

    def port_release(self):
        return self.set_link(self.some("p"), attr(rtnl.MASTER, 0))

    def vlan_add(self):
        vid = self.rnd.choice((30, 31))
        return self.new_link(f"v{vid}", "vlan", attr(1, u16(vid)),
                             more=attr(rtnl.LINK, self.some("p")))

    # ---- routers and VRFs -----------------------------------------------------

    def vrf_add(self, name=None):
        name = name or self.rnd.choice(list(VRFS))
        return self.new_link(name, "vrf", attr(1, VRFS[name]), flags=IFF_UP, change=IFF_UP)

    def vrf_del(self):
        return self.del_link(self.some("vrf"))

    def router_add(self, name=None, vrf=None):
        name = name or f"vr{self.rnd.randrange(ROUTERS)}"
        more = attr(rtnl.MASTER, index(vrf)) if vrf else b""
        return self.new_link(name, "vrouter", attr(1, self.rnd.randint(1, 9)), more=more)

    def router_del(self):
        return self.del_link(self.some("vr"))

    def router_up(self, name=None):
        return self.set_up(index(name) if name else self.some("vr"))

    def router_down(self):
        return self.set_down(self.some("vr"))

    def router_rename(self):
        return self.rename(self.some("vr"), f"vr{self.rnd.randrange(ROUTERS)}")

    def router_move(self):
        return self.move(self.some, "vr")

    def router_master(self):
        return self.set_link(self.some("vr"), attr(rtnl.MASTER, self.some("vrf")))

    def router_release(self):
        return self.set_link(self.some("vr"), attr(rtnl.MASTER, 0))

    # ---- addresses, routes, neighbours ----------------------------------------

    def address_add(self, port=None, n=None):
        n = self.rnd.randrange(2) if n is None else n
        number = index(port) if port else self.some("p")
        return self.ask(rtnl.NEWADDR, rtnl.address(number, f"2001:db8:{n}::1", 64), NEW) or \
            self.ask(rtnl.NEWADDR, rtnl.address(number, f"10.0.{n}.1", 24), NEW)

    def address_del(self):
        ip = self.rnd.choice(("10.0.0.1", "10.0.1.1", "2001:db8:0::1", "2001:db8:1::1"))
        return self.ask(rtnl.DELADDR, rtnl.address(self.some("p"), ip, 64 if ":" in ip else 24))

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
        return self.replace(rtnl.NEWROUTE, rtnl.route(
            net, plen, table, rtnl.via(via, number) if via else attr(4, number)))

    def route_del(self):
        net, plen, table, _ = self.net()
        return self.ask(rtnl.DELROUTE, rtnl.route(net, plen, table))

    def route_multipath(self):
        net, plen, table, family = self.net()
        paths = [(self.via(family), self.some("p"), self.rnd.randint(1, 4)) for _ in range(2)]
        return self.replace(rtnl.NEWROUTE, rtnl.route(net, plen, table, rtnl.multipath(paths)))

    def route_object(self):
        net, plen, table, family = self.net()
        number = self.rnd.choice((1, 2, 11) if family == 4 else (3, 4, 12))
        return self.replace(rtnl.NEWROUTE, rtnl.route(net, plen, table, attr(30, number)))

    def object_add(self, number=None, via=None, port=None):
        number = number or self.rnd.randint(1, 4)
        dev = index(port) if port else self.some("p")
        raw = rtnl.packed(via or self.via(4 if number < 3 else 6))
        return self.replace(rtnl.NEWNEXTHOP, rtnl.nexthop(
            number, rtnl.family_of(raw), attr(5, dev) + attr(6, raw)))

    def object_group(self):
        group, members = self.rnd.choice(((11, (1, 2)), (12, (3, 4))))
        members = self.rnd.choice((members, members[:1]))
        return self.replace(rtnl.NEWNEXTHOP, rtnl.nexthop(group, more=rtnl.nexthop_group(
            [(n, self.rnd.randint(1, 4)) for n in members])))

    def object_del(self):
        return self.ask(rtnl.DELNEXTHOP, rtnl.nexthop(self.rnd.choice((1, 2, 3, 4, 11, 12))))

    def neigh_add(self, port=None, ip=None, lladdr=None):
        """A host, or a port of somebody: then packets go round until they die."""
        return self.replace(rtnl.NEWNEIGH, rtnl.neighbour(
            index(port) if port else self.some("p"),
            ip or self.via(self.rnd.choice((4, 6))),
            lladdr or mac(self.rnd.randrange(MACS + SPACES)),
            rtnl.NUD_PERMANENT if lladdr else self.rnd.choice((rtnl.NUD_PERMANENT, 2, 4))))

    def neigh_del(self):
        return self.ask(rtnl.DELNEIGH, rtnl.neighbour(
            self.some("p"), self.via(self.rnd.choice((4, 6)))))

    def forwarding(self):
        family = self.rnd.choice(("ipv4/ip_forward", "ipv6/conf/all/forwarding"))
        put("/proc/sys/net/" + family, self.rnd.choice("0111"))
        return 0

    # ---- settings -------------------------------------------------------------

    def set(self, attrs):
        return self.family.do(nl.ROUTER_SET, attr(1, self.some("vr")) + attrs)

    def set_weight(self):
        return self.set(attr(10, self.rnd.randint(1, 1000)))

    def set_limit(self):
        return self.set(attr(11, self.rnd.choice((1, 10, 1000))) +
                        attr(12, self.rnd.choice((2048, 1 << 22))))

    def set_rate(self):
        return self.set(attr(27, u64(self.rnd.choice((0, 10 ** 6, 10 ** 9)))))

    def set_netfilter(self):
        return self.set(attr(13, self.rnd.choice((1, 2))))

    def set_quota(self):
        return self.set(attr(21, self.rnd.choice((0, 0, 5, 1000))))

    def reset(self):
        return self.family.do(nl.ROUTER_RESET, attr(1, self.some("vr")))
