#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Somebody else's notifier refuses what happens to a device: nothing has changed.

Numbers of invariants are those of the project's list of risks.
"""
import atexit
import errno
import fcntl
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import rtnl  # noqa: E402
from faults import DEBUG, Socket, indices, leaks, need, request, watch_leaks  # noqa: E402
from nl import NEW, attr, u16  # noqa: E402
from rtnl import IFF_UP, link  # noqa: E402
from state import State, difference  # noqa: E402
from vrtest import Failure, Netns, expect, mac, main, put, run  # noqa: E402

INJECT = DEBUG + "/notifier-error-inject/netdev/actions/"
ERROR = errno.EL2HLT            # that nobody else gives
TUNSETIFF, TUNSETLINK = 0x400454ca, 0x400454cd
ARPHRD_PPP = 512


def inject(event, code):
    put(f"{INJECT}{event}/error", str(-code))


class World:
    """A NIC with a port, a router, and a VRF."""

    def __init__(self):
        self.sock = None

    def make(self):
        if self.sock:
            return
        atexit.register(self.off)
        watch_leaks()
        self.ns = Netns(f"fe{os.getpid()}")
        # it has work of its own, which takes its time
        for which in ("all", "default"):
            self.ns.sysctl(f"net.ipv6.conf.{which}.disable_ipv6", 1)
        self.ns.batch(["link add eth0 type veth peer name peer0", "link set eth0 up",
                       "link set peer0 up", "link add red type vrf table 100",
                       "link set red up", "link add vr0 type vrouter",
                       "link add p0 link eth0 type vrport vlan 9"])
        with self.ns:
            # a NIC whose type can change
            self.tap = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(self.tap, TUNSETIFF, struct.pack("16sH22x", b"tap0", 0x1002))
        self.ns.batch(["link add p1 link tap0 type vrport"] +
                      # what is up for the first time gets a qdisc
                      [f"link set {name} {how}" for name in ("p0", "p1", "vr0")
                       for how in ("up", "down")])
        self.sock = Socket(self.ns)
        self.state = State((self.ns,))
        self.index = indices(self.ns)

    @staticmethod
    def off():
        for event in os.listdir(INJECT):
            inject(event, 0)

    def refused(self, event, what, act, undo=None, but=lambda state: state):
        """act() is refused when the event is, and has no effect; and it is done when
        it is not."""
        self.off()
        before = self.state.read()
        inject(event, ERROR)
        try:
            got = act()
        finally:
            inject(event, 0)
        expect(f"{what}, {event} refused", ("refused", ERROR), got)
        wrong = difference(but(before), but(self.state.read()))
        if wrong:
            raise Failure(f"{what}, {event} refused: {wrong}")
        expect(f"{what}, {event} not refused", ("done", 0), act())
        if undo:
            expect(f"undo of: {what}", ("done", 0), undo())
            wrong = difference(but(before), but(self.state.read()))
            if wrong:
                raise Failure(f"{what}, done and undone: {wrong}")

    def ask(self, kind, body, flags=0):
        return lambda: self.sock.attempt(request(kind, body, flags))

    def change(self, name, flags=0, change=0, more=b""):
        return self.ask(rtnl.NEWLINK, link(index=self.index[name], flags=flags, change=change,
                                           more=more))

    def delete(self, name):
        return self.ask(rtnl.DELLINK, link(name))

    def up(self, name):
        return self.change(name, IFF_UP, IFF_UP)

    def down(self, name):
        return self.change(name, 0, IFF_UP)


WORLD = World()


def creations():
    """(what, request) of each kind of link that can be made."""
    port = attr(5, WORLD.index["eth0"]) + attr(1, mac("02:00:00:00:00:77"))
    for what, kind, data, more in (
            ("port", "vrport", b"", port),
            ("port with a VLAN", "vrport", attr(1, u16(7)), port),
            ("first port of a NIC", "vrport", b"", attr(5, WORLD.index["peer0"])),
            ("router in a VRF", "vrouter", b"", attr(10, WORLD.index["red"]))):
        yield what, WORLD.ask(rtnl.NEWLINK, link("new0", kind, data, more=more), NEW)


# invariant 9
def t_create():
    WORLD.make()
    for event in ("NETDEV_POST_INIT", "NETDEV_REGISTER"):
        for what, act in creations():
            WORLD.refused(event, f"create a {what}", act, WORLD.delete("new0"))


def t_create_upper():
    """A port is an upper device of its NIC."""
    WORLD.make()
    for event in ("NETDEV_PRECHANGEUPPER", "NETDEV_CHANGEUPPER"):
        for what, act in creations():
            WORLD.refused(event, f"create a {what}", act, WORLD.delete("new0"))


def t_up():
    WORLD.make()
    for name in ("p0", "p1", "vr0"):
        WORLD.refused("NETDEV_PRE_UP", f"{name} up", WORLD.up(name), WORLD.down(name))


def t_enslave():
    """Up or not: a VRF takes what comes to it down and up again."""
    WORLD.make()
    for event in ("NETDEV_PRECHANGEUPPER", "NETDEV_CHANGEUPPER"):
        for name in ("p0", "vr0"):
            for up in (False, True):
                if up:
                    expect("up", ("done", 0), WORLD.up(name)())
                WORLD.refused(event, f"enslave {name}",
                              WORLD.change(name, more=attr(10, WORLD.index["red"])),
                              WORLD.change(name, more=attr(10, 0)))
                expect("down", ("done", 0), WORLD.down(name)())


def t_enslave_up():
    """The VRF takes it down and cannot set it up again: it is a slave all the same, as
    other devices are."""
    WORLD.make()
    for name in ("p0", "vr0"):
        expect("up", ("done", 0), WORLD.up(name)())
        inject("NETDEV_PRE_UP", ERROR)
        WORLD.change(name, more=attr(10, WORLD.index["red"]))()
        inject("NETDEV_PRE_UP", 0)
        expect("free", ("done", 0), WORLD.change(name, 0, IFF_UP, attr(10, 0))())
        expect("up", ("done", 0), WORLD.up(name)())
        expect("down", ("done", 0), WORLD.down(name)())


def t_mtu():
    WORLD.make()
    for event in ("NETDEV_PRECHANGEMTU", "NETDEV_CHANGEMTU"):
        for name in ("p0", "vr0"):
            WORLD.refused(event, f"MTU of {name}", WORLD.change(name, more=attr(4, 1400)),
                          WORLD.change(name, more=attr(4, 1500)))


def t_nic_mtu():
    """The NIC's MTU stays, and that of its port is no larger."""
    WORLD.make()
    for event in ("NETDEV_PRECHANGEMTU", "NETDEV_CHANGEMTU"):
        inject(event, ERROR)
        got = WORLD.change("eth0", more=attr(4, 1300))()
        inject(event, 0)
        expect(f"MTU of a NIC, {event} refused", ("refused", ERROR), got)
        show = run("ip -o link show", ns=WORLD.ns)
        mtu = {line.split()[1].split("@")[0].rstrip(":"): int(line.split(" mtu ")[1].split()[0])
               for line in show.splitlines()}
        expect("the NIC's MTU", 1500, mtu["eth0"])
        if not 1300 <= mtu["p0"] <= 1500:
            raise Failure(f"MTU of the port: expected 1300 to 1500, actual {mtu['p0']}")
        expect("MTU of the port", ("done", 0), WORLD.change("p0", more=attr(4, 1500))())


def t_name():
    WORLD.make()
    for name in ("p0", "vr0"):
        WORLD.refused("NETDEV_CHANGENAME", f"name of {name}",
                      WORLD.change(name, more=attr(3, "other0")),
                      WORLD.change(name, more=attr(3, name)))


def t_type():
    """Ports refuse another type of their NIC, whoever else does."""
    WORLD.make()

    def act():
        try:
            fcntl.ioctl(WORLD.tap, TUNSETLINK, ARPHRD_PPP)
        except OSError as e:
            return "refused", e.errno
        return "done", 0
    before = WORLD.state.read()
    for code in (ERROR, 0):
        inject("NETDEV_PRE_TYPE_CHANGE", code)
        got = act()
        inject("NETDEV_PRE_TYPE_CHANGE", 0)
        expect("type of a NIC with ports", "refused", got[0])
        wrong = difference(before, WORLD.state.read())
        if wrong:
            raise Failure(f"type of a NIC: {wrong}")


TESTS = [
    ("create links, and registering fails", t_create),
    ("create links, and so does linking them", t_create_upper),
    ("set up", t_up),
    ("enslave to a VRF", t_enslave),
    ("enslave what is up to a VRF, and going up fails", t_enslave_up),
    ("MTU", t_mtu),
    ("MTU of the NIC", t_nic_mtu),
    ("rename", t_name),
    ("type of the NIC", t_type),
    ("nothing leaks", leaks),
]

need("this kernel cannot have notifiers fail on purpose", INJECT)
main(TESTS)
