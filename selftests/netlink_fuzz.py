#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Hostile netlink: the family, both link kinds and the qdisc.

Messages are valid, nearly valid, mutated and nonsense, and the test knows for each to
the family what the answer must be. Invariants 53 to 56, 60 and 61: everything is
answered, a refusal changes nothing and says what it minds, what is taken is what was
said, replies hold nothing but what the spec says, nothing is left behind.

  VR_SEED=N   replay; what fails names the message, VR_STEP=1 looks after each of them
  VR_LONG=1   a million messages and more; give it VR_TIMEOUT=1200
"""
import json
import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
# pylint: disable=wrong-import-position
import fuzzgenl
import fuzzlinks
import rtnl
import userns
from nl import DUMP, GENERIC, NEW, Socket, attr, attrs
from nlspec import Spec
from vrtest import (SLOW, Failure, Skip, expect, main, new_lines, run, slab_objects, wait)

LONG = bool(os.environ.get("VR_LONG"))
SEED = int(os.environ.get("VR_SEED") or random.SystemRandom().randrange(1 << 32))
COUNT = {"family": 1000000 if LONG else 60000, "links": 40000 if LONG else 2500,
         "qdisc": 20000 if LONG else 1500}
if SLOW:
    COUNT = {k: v // 20 for k, v in COUNT.items()}
PREFIX = f"vf{os.getpid()}-"
OTHER_ID, NEXT_ID = 4711, 4712      # of the namespace next door, from `a` and from here


def prepare(name, ports=2):
    """Routers, ports and NICs in a namespace, all of it made from outside."""
    lines = ["link add eth0 type veth peer name peer0", "link set eth0 up",
             "link set peer0 up", "link add red type vrf table 100", "link set red up",
             "link add br0 type bridge", "link add dum0 type dummy"]
    for i in range(ports):
        lines += [f"link add link eth0 name p{i} address 02:00:00:00:00:a{i} type vrport",
                  f"link set p{i} up", f"addr add 10.0.{i}.1/24 dev p{i}"]
    lines += ["link add vr-a type vrouter weight 3", "link set vr-a up",
              "link add vr-b master red type vrouter"]
    run(f"ip -n {name} -batch -", data="\n".join(lines) + "\n")


def links(name):
    """Links of a namespace as ip has them, without what moves by itself."""
    found = json.loads(run(f"ip -d -j -n {name} link show"))
    for link in found:
        for key in ("operstate", "stats64", "qdisc"):
            link.pop(key, None)
        link["flags"] = set(link["flags"]) - {"LOWER_UP", "NO-CARRIER"}
    return found


class Rig:
    """Namespaces `a`, where messages come from, and `b`; routers in both."""

    def __init__(self, who):
        self.a, self.b = f"{PREFIX}{who}-a", f"{PREFIX}{who}-b"
        self.owner = None

    def make(self, work=None):
        """work: of the root of a user namespace that `a` is to belong to."""
        for name in (self.a, self.b):
            if work and name == self.a:
                self.owner = userns.Userns(work)
                run(f"ip netns attach {name} {self.owner.pid}")
            else:
                run(f"ip netns add {name}")
        run(f"ip -n {self.a} netns set {self.b} {OTHER_ID}")
        run(f"ip netns set {self.b} {NEXT_ID}")
        for name in (self.a, self.b):
            prepare(name)
        wait("the router is active",
             lambda: "active" in run(f"vrctl -n {self.a} show vr-a"))
        self.before = links(self.a), links(self.b)

    def gone(self):
        for name in (self.a, self.b):
            run(f"ip netns del {name}", False)


def everyones():
    """All routers' settings and all ports, as the host sees them."""
    sock = Socket(GENERIC)
    family, _ = sock.family()
    spec = Spec()
    found = {}
    for what in ("router", "port"):
        answer = sock.ask(family, spec.pack(f"{what}-get", all_netns=1), DUMP)
        expect("errno of a dump of everything", 0, answer.code)
        for reply in answer.replies:
            got = attrs(reply[4:])
            keep = {"router": fuzzgenl.SETTINGS, "port": range(1, 12)}[what]
            key = (what, got[2], got.get(3))
            found[key] = {k: got[k] for k in keep if k in got}
    sock.close()
    return found


def objects():
    """Objects of the general caches that are in use, and what a module is used by."""
    total = slab_objects("kmalloc-", "skbuff_head", "vr_", "radix_tree")
    with open("/sys/module/vrouter/refcnt", encoding="ascii") as f:
        return total, int(f.read())


def splats():
    """Lines of the kernel log that tell of a bug."""
    return [line for line in run("dmesg").splitlines()
            if any(bad in line for bad in ("Call Trace", "BUG", "WARNING:", "KASAN", "RIP:",
                                           "Oops", "general protection", "UBSAN"))]


def report(what, done):
    print(f"# {what}: " + ", ".join(f"{n} {k}" for k, n in sorted(done.items())))


class Run:
    """What tests use."""

    def __init__(self):
        self.base = objects()
        self.total = 0

    def session(self, name, work, who="host"):
        """work(seed, count): in the rig of `who`; check what all sessions promise."""
        count = COUNT.get(name, ADDRESSES)
        if who != "host" and name in COUNT:
            count //= 2 if name == "links" else 4

        def inner():
            try:
                return work(f"{SEED}-{name}-{who}", count)
            except Failure as e:
                return {"failure": str(e)}
        rig = Rig(who)
        seen = splats()
        mine = everyones()
        try:
            rig.make(inner if who != "host" else None)
            before = everyones()
            got = rig.owner.go() if rig.owner else \
                userns.as_root(inner, f"/run/netns/{rig.a}")
            if "failure" in got:
                raise Failure(f"VR_SEED={SEED}: {got['failure']}")
            report(f"{name}, by {who}", got)
            self.total += sum(got.values())
            if who != "host":
                self.unchanged(rig, name, before)
        finally:
            rig.gone()
        expect("splats in the kernel log", [], new_lines(seen, splats()))
        wait("no router and no port is left", lambda: everyones() == mine)

    @staticmethod
    def unchanged(rig, name, before):
        """The host's routers are what they were."""
        def next_door(found):
            return {k: v for k, v in found.items() if k[2] == struct.pack("=i", NEXT_ID)}
        expect("routers and ports next door", 4, len(next_door(before)))
        expect(f"routers and ports of the namespace next door, after {name}",
               next_door(before), next_door(everyones()))
        expect("its links", rig.before[1], links(rig.b))


def t_nothing_left(state):
    """Objects that each message left behind would be many by now."""
    def now():
        total, users = objects()
        return users == state.base[1] and total - state.base[0] < 1500 + state.total // 100
    try:
        wait("", now)
    except Failure:
        total, users = objects()
        raise Failure(f"after {state.total} messages: {total - state.base[0]} more objects in "
                      f"use, the module has {users} users, {state.base[1]} before") from None
    print(f"# {objects()[0] - state.base[0]} objects more than before in use, "
          f"after {state.total} messages")


ADDRESSES = 400 if SLOW else 4000


def addresses(count):
    """Add addresses to a port, as `bridge fdb add` does, and take them away again."""
    sock = Socket()
    dev = socket.if_nametoindex("p0")
    for kind, flags in ((rtnl.NEWNEIGH, NEW), (rtnl.DELNEIGH, 0)):
        for at in range(0, count, 8):
            answers = sock.ask_all([
                (kind, struct.pack("=BxxxiHBB", 7, dev, rtnl.NUD_PERMANENT, 2, 0) +
                 attr(2, b"\2\0\1\0" + struct.pack("!H", i)), flags)
                for i in range(at, at + 8)])
            codes = {a.code for a in answers}
            if codes != {0}:
                return {"failure": f"address {at}: expected success, actual {answers[0]}"}
    return {"addresses": count}


def t_addresses(state):
    """Who has a port may give it addresses. What that costs grows with their number, not
    with its square or worse: it took minutes, and all the time with softirqs off."""
    start = time.monotonic()
    if userns.can_userns():
        state.session("addresses", lambda _, count: addresses(count), "userns")
    else:
        state.session("addresses", lambda _, count: addresses(count))
    took = time.monotonic() - start
    print(f"# {took:.1f} s")
    if took > 60:
        raise Failure(f"seconds for {ADDRESSES} addresses: expected 60 at most, "
                      f"actual {took:.0f}")


def t_userns(state, name, work):
    if not userns.can_userns():
        raise Skip("no user namespaces here")
    state.session(name, work, "userns")


def main_fuzz():
    print(f"# VR_SEED={SEED}")
    state = Run()
    works = (("family", fuzzgenl.work), ("links", fuzzlinks.work_links),
             ("qdisc", fuzzlinks.work_qdisc))
    tests = [(f"{name}, by root", lambda n=name, w=work: state.session(n, w))
             for name, work in works]
    tests += [(f"{name}, by root of a user namespace",
               lambda n=name, w=work: t_userns(state, n, w)) for name, work in works]
    tests.append(("many addresses on a port", lambda: t_addresses(state)))
    tests.append(("nothing is left behind", lambda: t_nothing_left(state)))
    main(tests)


if __name__ == "__main__":
    main_fuzz()
