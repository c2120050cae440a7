#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The qdisc vrouter: shares of a link, rates, limits, and that it counts right."""
import contextlib
import errno
import json
import os
import random
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
# pylint: disable=wrong-import-position
import tclass
from links import HOST, NIC, WIRE, Link, consistent, near
from vrtest import SLOW, Failure, Netns, Rig, Skip, expect, frame, ip4, main, packet, run, wait

QUANTUM = 256       # bytes a round of weight 1

# --- options -----------------------------------------------------------------

def test_options():
    link = LINK
    link.root()
    q = link.qdisc()["options"]
    expect("options left out", (0, 10240), (q["bandwidth"], q["limit"]))
    link.root("bandwidth 8mbit limit 77")
    q = link.qdisc()["options"]
    expect("options", (1000000, 77), (q["bandwidth"], q["limit"]))
    link.root("limit 78")
    q = link.qdisc()["options"]
    expect("what is left out stays", (1000000, 78), (q["bandwidth"], q["limit"]))
    for text in ("limit 0", "limit -1", "limit x", "limit", "bandwidth", "bandwidth x",
                 "bandwidth 5furlongs", "bandwidth 1bit", "quantum 3"):
        link.refuse(text, f"qdisc replace dev {NIC} root handle 10: vrouter {text}")
    q = link.qdisc()["options"]
    expect("what a refused one changes", (1000000, 78), (q["bandwidth"], q["limit"]))
    text = link.tc(f"qdisc show dev {NIC}")
    if "bandwidth 8Mbit limit 78p" not in text:
        raise Failure(f"text: expected 'bandwidth 8Mbit limit 78p', actual '{text}'")


def test_hierarchy():
    link = LINK
    link.root("bandwidth 8mbit")
    link.refuse("a class by hand", f"class add dev {NIC} parent 10: classid 10:5 vrouter")
    link.refuse("no class", f"class del dev {NIC} classid 10:1")
    link.refuse("a qdisc in a class", f"qdisc add dev {NIC} parent 10:1 pfifo")
    link.refuse("a filter", f"filter add dev {NIC} parent 10: matchall classid 10:1")
    handles = [c["handle"] for c in link.class_list()]
    expect("the host's class is there, the one by hand is not", (True, False),
           ("10:1" in handles, "10:5" in handles))


def test_vrctl():
    link = LINK
    link.tc(f"qdisc del dev {NIC} root", False)
    run(f"vrctl nic {NIC} bandwidth 5mbit", ns=link.nic)
    nic, = json.loads(run("vrctl -j nic", ns=link.nic))
    expect("nic", (NIC, 625000, 10240), (nic["nic"], nic["bandwidth"], nic["limit"]))
    run(f"vrctl nic {NIC} bandwidth 6mbit", ns=link.nic)
    nic, = json.loads(run("vrctl -j nic", ns=link.nic))
    expect("changed", 750000, nic["bandwidth"])
    for args, status in ((f"{NIC} bandwidth 6bananas", 2), (f"{NIC} bandwidth", 2),
                         ("nosuch bandwidth 6mbit", 1), (f"{NIC} depth 6", 2)):
        done = link.nic.attempt(f"vrctl nic {args}")
        expect(f"status of vrctl nic {args}", (status, 1),
               (done.returncode, len(done.stderr.strip().splitlines())))
    rig = link.rigs[0]
    run("vrctl set vr0 max-rate 2mbit", ns=rig.r)
    expect("max-rate", 250000, rig.show()["max-rate"])
    run("vrctl set vr0 max-rate 0", ns=rig.r)
    expect("no max-rate", 0, rig.show()["max-rate"])


# --- whose frames ------------------------------------------------------------

def test_classes():
    link = LINK
    link.tc(f"qdisc del dev {NIC} root", False)
    link.root()
    for i, n in enumerate((7, 11, 13)):
        link.burst(i, n)
    link.settle()
    link.host_frames(5)
    # the stack's own: a ping by the router's namespace
    run("ping -c 2 -i 0.2 -W 0.2 10.0.1.2", False, ns=link.rigs[0].r)
    wait("host frames", lambda: link.classes()["host"]["packets"] == 5)
    got = {name: c["packets"] for name, c in link.classes().items()}
    expect("packets", {"host": 5, "vr0": 7 + 2, "vr1": 11, "vr2": 13}, got)
    c = link.classes()["vr1"]
    expect("bytes, and bytes on the wire", (11 * 400, 11 * (400 + WIRE)),
           (c["bytes"], c["wire_bytes"]))
    q = consistent(link)
    expect("packets of the qdisc", 5 + 9 + 11 + 13, q["packets"])


def test_spoofed():
    """tc writes its classes into frames: no matter which, a frame stays whose it is."""
    link = LINK
    link.tc(f"qdisc del dev {NIC} root", False)
    link.root()
    link.burst(0, 1)
    link.burst(1, 1)
    link.settle()
    minor = link.classes()["vr1"]["handle"].split(":")[1]
    link.tc(f"qdisc add dev {NIC} clsact")
    try:
        for flowid in ("", f"classid 10:{minor}"):
            before = link.classes()
            link.tc(f"filter del dev {NIC} egress")
            link.tc(f"filter add dev {NIC} egress matchall {flowid} action ok")
            link.burst(0, 7)
            link.burst(1, 11)
            link.settle()
            link.host_frames(5)
            wait("host frames",
                 lambda: consistent(link)["packets"] == sum(
                     c["packets"] for c in before.values()) + 23)
            expect(f"packets with a filter '{flowid}'", {"vr0": 7, "vr1": 11, "host": 5},
                   {name: c["packets"] - before[name]["packets"]
                    for name, c in link.classes().items()})
    finally:
        link.tc(f"qdisc del dev {NIC} clsact")


def test_small():
    """A frame is at least 60 bytes, and its trailer, on the wire."""
    link = LINK
    link.tc(f"qdisc del dev {NIC} root", False)
    link.root()
    link.burst(0, 10, 60)
    link.burst(1, 10, 43)
    link.settle()
    got = link.wire()
    expect("wire bytes of short frames", (840, 840), (got["vr0"], got["vr1"]))


def gso(link, i, segments, size=1000, proto=6, at=None):
    """A TCP packet of so many segments for router i to forward, or at a device."""
    rig = link.rigs[i]
    data = b"g" * (segments * size)
    ip = ip4("10.0.0.2", "10.0.1.2", proto=proto,
             payload=struct.pack("!HHIIBBHHH", 1000, 2000, 1, 1, 0x50, 0x10, 1000, 0, 0) +
             data)
    hdr = struct.pack("=BBHHHH", 1, 1, 54, size, 34, 16)
    ns, name = at or (link.rigs[0].h, "p0")
    with contextlib.closing(ns.packet_socket(name)) as s:
        s.setsockopt(263, 15, 1)    # SOL_PACKET, PACKET_VNET_HDR
        s.send(hdr + frame(rig.pmac[0], rig.hmac[0], ip))


def test_gso():
    link = LINK
    link.tc(f"qdisc del dev {NIC} root", False)
    link.root()
    gso(link, 0, 10)
    link.settle()
    c = link.classes()["vr0"]
    expect("one packet of ten segments: packets, wire bytes", (10, 10 * (1054 + WIRE)),
           (c["packets"], c["wire_bytes"]))
    # with a rate, they are queued one by one
    link.root("bandwidth 80kbit")
    gso(link, 0, 10)
    link.settle()
    q = consistent(link)
    # CoDel drops some if they wait for long
    left = 20 - q["drops"]
    expect("frames that were sent or wait", left, q["packets"] + q["qlen"])
    expect("bytes of them", left * 1054, q["bytes"] + q["backlog"])


def test_gso_refused():
    """Where a rate has them apart: no room for any segment, and no segments at all."""
    link = LINK
    link.tc(f"qdisc del dev {NIC} root", False)
    link.tc(f"qdisc replace dev {NIC} root handle 1: htb default 1")
    link.tc(f"class add dev {NIC} parent 1: classid 1:1 htb rate 1gbit")
    link.root("bandwidth 800bit", "parent 1:1 handle 10:")
    run("vrctl set vr0 limit-packets 5", ns=link.rigs[0].r)
    try:
        link.burst(0, 10)
        link.settle()
        before = link.classes()["vr0"]
        gso(link, 0, 7)
        link.settle()
        after = link.classes()["vr0"]
        expect("segments that found no room", 7, after["full_drops"] - before["full_drops"])
        expect("frames that wait", before["qlen"], after["qlen"])
        consistent(link)
        same(link, "1:")
        # the host's own, of a protocol that has none; who sent it is told
        try:
            gso(link, 0, 3, proto=253, at=(link.nic, NIC))
        except OSError as e:
            expect("errno", errno.ENOBUFS, e.errno)
        c = link.classes()["host"]
        expect("what has no segments: drops, frames", (1, 0, 0),
               (c["drops"], c["packets"], c["qlen"]))
        consistent(link)
        same(link, "1:")
    finally:
        run("vrctl set vr0 limit-packets 1000", ns=link.rigs[0].r)
        link.tc(f"qdisc del dev {NIC} root")


def test_many():
    """More routers on a NIC, and more qdiscs, than one message tells of."""
    link, number = LINK, 40
    link.tc(f"qdisc del dev {NIC} root", False)
    link.root()
    ns = Netns(f"qd{os.getpid()}")
    ns.batch(line.format(i=i, t=100 + i) for i in range(number) for line in (
        "link add b{i} type vrf table {t}", "link set b{i} up",
        "link add many{i} type vrouter", "link set many{i} master b{i} up"))
    link.nic.batch(f"link add link {NIC} name m{i} netns {ns.name} type vrport vlan {i + 1}"
                   for i in range(number))
    ns.batch(line.format(i=i) for i in range(number) for line in (
        "link set m{i} addrgenmode none", "link set m{i} master b{i} up"))
    link.nic.batch(f"link add qd{i} type dummy" for i in range(number))
    try:
        for i in range(number):
            link.tc(f"qdisc add dev qd{i} root handle 7: vrouter limit {i + 1}")
            s = ns.packet_socket(f"m{i}")
            s.send(bytes.fromhex((HOST + HOST).replace(":", "")) + b"\x88\xb5" + bytes(46))
            s.close()
        names = {f"many{i}" for i in range(number)}
        for size in (1 << 15, *range(4096, 4500, 4)):
            got = [c["router"] for c in link.class_list(size)]
            expect(f"classes, in parts of {size} bytes", (number + 1, names | {"host"}),
                   (len(got), set(got)))
            with link.nic:
                got = tclass.qdiscs(size)
            expect(f"qdiscs, in parts of {size} bytes", number + 1, got.count("vrouter"))
    finally:
        link.nic.batch(f"link del qd{i}" for i in range(number))
        run(f"ip netns del {ns.name}")


# --- shares ------------------------------------------------------------------

def slowed(link, bits, weights):
    """Bits a second, fewer on a machine that could not offer enough: nobody's queue may
    run dry. And how much longer it then takes."""
    frames = bits / 8 * max(w / (len(f) + WIRE) for w, f in zip(weights, link.frames)) / \
        sum(weights)
    part = min(1, link.forwards() / 4 / frames)
    return int(bits * part), 1 / part


def shares(link, weights, seconds=3, percent=1, bits=1500000):
    """The link's rate is right, and who gets how much of it."""
    bits, longer = slowed(link, bits, weights)
    reset(link, f"bandwidth {bits}bit")
    for i, w in enumerate(weights):
        run(f"vrctl set vr{i} weight {w}", ns=link.rigs[i].r)
    got, rates = link.flood(seconds * longer, list(range(len(weights))))
    total = sum(got.values())
    print(f"# weights {weights}: {[round(100 * v / total, 2) for v in got.values()]} %, "
          f"{bits} bit/s")
    for i, w in enumerate(weights):
        want = total * w / sum(weights)
        # a turn more or less, and a frame
        slack = QUANTUM * w + max(len(f) for f in link.frames) + WIRE
        near(f"wire bytes of weight {w}", want, got[f"vr{i}"],
             percent + 100 * slack / want)
    rated(link, "the link", bits / 8, [sum(r) for r in zip(*rates.values())], 5)


def rated(link, what, want, rates, percent):
    """Bytes a second by parts of the time: the machine may have stood still in some. What
    a rate leaves unused then, it makes up for in part at most."""
    slack = want * percent / 100
    mean = sum(rates) / len(rates)
    best = max(rate / max(ran, 0.1) for rate, ran in zip(rates, link.ran))
    if best < want - slack or mean > want + slack:
        raise Failure(f"bytes a second of {what}: expected {want} within {percent} %, "
                      f"actual {best} at best, {mean} on average; the machine ran for "
                      f"{[round(ran, 2) for ran in link.ran]} of the time")


def reset(link, options):
    link.tc(f"qdisc del dev {NIC} root", False)
    link.root(options)
    for i, rig in enumerate(link.rigs):
        run(f"vrctl set vr{i} weight 1 max-rate 0", ns=rig.r)


def test_shares():
    link = LINK
    for weights, seconds in (((1, 1, 1), 3), ((1, 2, 3), 3), ((1, 10, 100), 6)):
        shares(link, weights, seconds)
    q = consistent(link)
    if not q["drops"]:
        raise Failure("drops: expected some in overload, actual 0")


def test_sizes():
    link = LINK
    link.frames = [link.frame(0, 60), link.frame(1, 1400), link.frame(2, 500)]
    try:
        shares(link, (1, 1, 1), percent=2, bits=1000000)
    finally:
        link.frames = [link.frame(i, 400) for i in range(3)]


def test_live():
    """A change of weight is seen within 100 ms."""
    link = LINK
    reset(link, f"bandwidth {slowed(link, 1000000, (1, 9, 0))[0]}bit limit 200")
    send = [(link.rigs[0].socks[0].send, link.frames[i]) for i in (0, 1)]
    link.pump(send, 0.5)
    run("vrctl set vr1 weight 9", ns=link.rigs[1].r)
    link.pump(send, 0.1)
    before = link.wire()
    link.pump(send, 1)
    after = link.wire()
    got = [after[f"vr{i}"] - before[f"vr{i}"] for i in (0, 1)]
    near("share of weight 9 after 100 ms, percent", 90, 100 * got[1] / sum(got), 2)


def test_max_rate():
    link = LINK
    reset(link, "bandwidth 2mbit")
    run("vrctl set vr1 max-rate 500kbit", ns=link.rigs[1].r)
    _, rates = link.flood(3, [0, 1])
    rated(link, "the one with a rate", 62500, rates["vr1"], 5)
    rated(link, "both", 250000, [sum(r) for r in zip(*rates.values())], 6)
    c = link.classes()["vr1"]
    expect("rate told", 62500, c["max_rate"])
    text = link.tc(f"-s class show dev {NIC}")
    for part in ("class vrouter 10:1 root host weight 1",
                 "root router vr1 weight 1 max_rate 500Kbit"):
        if part not in text:
            raise Failure(f"tc: expected '{part}', actual '{text}'")
    if not c["overlimits"]:
        raise Failure("overlimits: expected some, actual 0")
    run("vrctl set vr1 max-rate 0", ns=link.rigs[1].r)
    got, _ = link.flood(2, [0, 1])
    near("share without a rate, percent", 50,
         100 * got["vr1"] / (got["vr0"] + got["vr1"]), 2)
    # a rate alone, on a link without one
    link.root("bandwidth 0")
    run("vrctl set vr1 max-rate 500kbit", ns=link.rigs[1].r)
    got, rates = link.flood(2, [0, 1])
    rated(link, "the one with a rate", 62500, rates["vr1"], 5)
    if got["vr0"] < 3 * got["vr1"]:
        raise Failure(f"the one without: expected {3 * got['vr1']} at least, "
                      f"actual {got['vr0']}")


def test_isolated():
    """One who sends less than its share loses nothing, whatever the others do."""
    link = LINK
    reset(link, "bandwidth 2mbit limit 300")
    send = [(link.rigs[0].socks[0].send, link.frames[0])]
    link.pump(send, 0.5)
    for _ in range(50):
        link.burst(1, 1)
        link.pump(send, 0.02)
    link.settle()
    wait("the frames", lambda: link.classes()["vr1"]["packets"] == 50)
    c = link.classes()
    expect("drops of the quiet one", 0, c["vr1"]["drops"])
    if not c["vr0"]["drops"]:
        raise Failure("drops of the flood: expected some, actual 0")


# --- counting ----------------------------------------------------------------

def offered(link):
    """Frames that the routers gave to the NIC."""
    return sum(rig.counters()["forwarded-packets"] for rig in link.rigs)


def test_limits():
    link = LINK
    reset(link, "bandwidth 800bit")
    run("vrctl set vr0 limit-packets 20", ns=link.rigs[0].r)
    try:
        link.burst(1, 3)
        for _ in range(6):
            link.burst(0, 15)
            link.settle()
        c = link.classes()["vr0"]
        # one may leave meanwhile
        if not 18 <= c["qlen"] <= 20:
            raise Failure(f"queue of a router with a limit of 20: actual {c['qlen']}")
        expect("drops because it is full", 90, c["full_drops"] + c["qlen"] + c["packets"])
        expect("drops of the other", 0, link.classes()["vr1"]["drops"])
    finally:
        run("vrctl set vr0 limit-packets 1000", ns=link.rigs[0].r)
    # fewer for all: the longest gives
    link.root("limit 5")
    q = consistent(link)
    if q["qlen"] > 5:
        raise Failure(f"qlen: expected 5 at most, actual {q['qlen']}")
    c = link.classes()
    if not c["vr0"]["longest_drops"] or c["vr1"]["longest_drops"]:
        raise Failure("longest queue: expected drops of vr0 alone, actual "
                      f"{c['vr0']['longest_drops']} and {c['vr1']['longest_drops']}")
    link.burst(0, 50)
    link.settle()
    q = consistent(link)
    if q["qlen"] > 5:
        raise Failure(f"qlen: expected 5 at most, actual {q['qlen']}")


def test_random():
    """After each of many random operations, all is where it should be."""
    link = LINK
    seed = int(os.environ.get("VR_SEED", time.time()))
    rnd = random.Random(seed)
    print(f"# VR_SEED={seed}")
    reset(link, "bandwidth 64kbit")
    base, hosts = offered(link), 0
    for _ in range(int(os.environ.get("VR_QDISC_STEPS", 100))):
        what = rnd.randrange(9)
        i = rnd.randrange(3)
        if what < 4:
            link.burst(i, rnd.randrange(1, 60), rnd.choice((60, 100, 400, 1400)))
        elif what == 4:
            n = rnd.randrange(1, 20)
            link.host_frames(n, rnd.choice((60, 500, 1400)))
            hosts += n
        elif what == 5:
            link.root(f"limit {rnd.choice((1, 7, 100, 1000, 10240))}")
        elif what == 6:
            link.root(f"bandwidth {rnd.choice(('0', '64kbit', '2mbit', '1gbit'))}")
        elif what == 7:
            run(f"vrctl set vr{i} weight {rnd.choice((1, 5, 1000))} "
                f"max-rate {rnd.choice(('0', '64kbit', '8mbit'))} "
                f"limit-packets {rnd.choice((1, 30, 1000))}", ns=link.rigs[i].r)
        else:
            link.root(f"limit {rnd.choice((1, 50))} bandwidth 8kbit")
        link.settle()
        q = consistent(link)
        expect("sent + dropped + queued", offered(link) - base + hosts,
               q["packets"] + q["drops"] + q["qlen"])
    for i in range(3):
        run(f"vrctl set vr{i} weight 1 max-rate 0 limit-packets 1000", ns=link.rigs[i].r)
    link.root("bandwidth 0")
    wait("an empty queue", lambda: link.qdisc()["qlen"] == 0)
    consistent(link)


def same(link, top):
    """The parent has what the qdisc has; what is sent between two looks is not."""
    def looks():
        q = {q["handle"]: (q["qlen"], q["backlog"])
             for q in json.loads(link.tc(f"-s -j qdisc show dev {NIC}"))}
        return q[top] == q["10:"]
    wait("the parent's queue to be right", looks, 5)


def test_under(parent):
    """Within another qdisc, whose lengths have to be right as well."""
    link = LINK
    link.tc(f"qdisc del dev {NIC} root", False)
    if parent == "mq":
        link.tc(f"qdisc replace dev {NIC} root handle 1: mq")
        where, top = "parent 1:1 handle 10:", "1:"
    else:
        link.tc(f"qdisc replace dev {NIC} root handle 1: htb default 1")
        link.tc(f"class add dev {NIC} parent 1: classid 1:1 htb rate 1gbit")
        where, top = "parent 1:1 handle 10:", "1:"
    link.root("bandwidth 8kbit limit 40", where)
    for n in (5, 30, 60, 200):
        link.burst(0, n)
        link.burst(1, 3)
        gso(link, 2, 5)
        link.settle()
        same(link, top)
    link.root("limit 3", where)
    link.root("bandwidth 0", where)
    wait("an empty queue", lambda: link.qdisc()["qlen"] == 0)
    same(link, top)
    link.tc(f"qdisc del dev {NIC} root")


def test_peeked():
    """Invariant 67, under a parent that looks at a frame before it takes it, as CoDel drops
    the one before: the class goes on."""
    link = LINK
    # an emulated machine does not send 20 Mbit/s
    mbit, bursts = (2, 5) if SLOW else (20, 20)
    link.tc(f"qdisc del dev {NIC} root", False)
    link.tc(f"qdisc replace dev {NIC} root handle 1: htb default 1")
    link.tc(f"class add dev {NIC} parent 1: classid 1:1 htb rate {mbit}mbit")
    if link.nic.attempt(f"tc qdisc add dev {NIC} parent 1:1 handle 2: qfq").returncode:
        raise Skip("this kernel has no qfq")
    link.tc(f"class add dev {NIC} parent 2: classid 2:1 qfq weight 1 maxpkt 65536")
    link.tc(f"filter add dev {NIC} parent 2: matchall classid 2:1")
    link.root("", "parent 2:1 handle 10:")
    for _ in range(bursts):
        for _ in range(100):
            gso(link, 0, 10)
        wait("an empty queue", lambda: not link.qdisc()["qlen"], 30)
        same(link, "2:")
        same(link, "1:")
    dropped = link.classes()["vr0"]["codel_drops"]
    if not dropped:
        raise Failure("frames that CoDel dropped: expected some, actual none")
    link.tc(f"qdisc del dev {NIC} root")


def test_traffic():
    """Replaced, changed and deleted under traffic."""
    link = LINK
    link.tc(f"qdisc del dev {NIC} root", False)
    send = [(link.rigs[0].socks[0].send, f) for f in link.frames]
    for _ in range(20):
        for line in (f"qdisc replace dev {NIC} root handle 10: vrouter bandwidth 16mbit",
                     f"qdisc replace dev {NIC} root handle 10: vrouter limit 10",
                     f"qdisc replace dev {NIC} root handle 11: pfifo limit 5",
                     f"qdisc replace dev {NIC} root handle 10: vrouter bandwidth 1mbit",
                     f"qdisc del dev {NIC} root"):
            link.tc(line)
            link.pump(send, 0.01)
    link.root("bandwidth 16mbit")
    link.pump(send, 0.1)
    link.settle()
    consistent(link)


def test_router_goes():
    """Invariant 70, where packets wait for the link."""
    link = LINK
    reset(link, "bandwidth 8kbit")
    link.burst(2, 30)
    link.burst(0, 5)
    link.settle()
    before = link.classes()["vr2"]
    if before["qlen"] < 20:
        raise Failure(f"queued: expected 20 at least, actual {before['qlen']}")
    run("ip link del vr2", ns=link.rigs[2].r)
    after = link.classes()["vr2"]
    expect("the class is of one who is gone", True, after["gone"])
    if not after["qlen"]:
        raise Failure("the queue of a router that goes: expected frames, actual none")
    consistent(link)
    link.root("bandwidth 0")
    wait("an empty queue", lambda: link.qdisc()["qlen"] == 0)
    # a new one of that name is another one
    run("ip link add vr2 up type vrouter", ns=link.rigs[2].r)
    wait("router active", lambda: link.rigs[2].show()["state"] == "active")
    link.burst(2, 4)
    link.settle()
    expect("classes of vr2", [4], [c["packets"] for c in link.class_list()
                                   if c["router"] == "vr2"])
    # one that is down keeps its share
    run("ip link set vr2 down", ns=link.rigs[2].r)
    host = link.classes()["host"]["packets"]
    run("ping -c 2 -i 0.2 -W 0.2 10.0.1.2", False, ns=link.rigs[2].r)
    expect("packets of the host", host, link.classes()["host"]["packets"])
    expect("packets of a router that is down", 6, link.classes()["vr2"]["packets"])
    # up to 6.2, only what is down can be renamed
    run("ip link set vr2 name vr2x", ns=link.rigs[2].r)
    expect("name", True, "vr2x" in link.classes())
    run("ip link set vr2x name vr2", ns=link.rigs[2].r)
    # one that moves away takes its share along, and its new name
    run(f"ip link set vr2 netns {link.nic.name} name vr2y", ns=link.rigs[2].r)
    host = link.classes()["host"]["packets"]
    run("ping -c 2 -i 0.2 -W 0.2 10.0.1.2", False, ns=link.rigs[2].r)
    expect("packets of the host, which has the ports now", host + 2,
           link.classes()["host"]["packets"])
    expect("packets of a router that moved", 6, link.classes()["vr2y"]["packets"])
    run(f"ip link set vr2y netns {link.rigs[2].r.name} name vr2", ns=link.nic)
    run("ping -c 2 -i 0.2 -W 0.2 10.0.1.2", False, ns=link.rigs[2].r)
    expect("packets of a router that is back", 8, link.classes()["vr2"]["packets"])
    run("ip link set vr2 up", ns=link.rigs[2].r)


def test_connections():
    """Frames that wait on the NIC must not hold up the end of the namespace that their
    connections are of, nor that of all others."""
    rig, other = Rig(n=2, name="vr8", queues=2), Netns(f"vt{os.getpid()}-other")
    rig.nic.batch([f"link add o0 type veth peer name o1 netns {other.name}"])
    run(f"tc qdisc replace dev {NIC} root handle 10: vrouter bandwidth 8kbit", ns=rig.nic)
    rig.r.cmd(["nft add table ip f", "nft add chain ip f c { type filter hook forward "
               "priority 0 ; }", "nft add rule ip f c ct state new,established accept"])
    data = frame(rig.pmac[0], rig.hmac[0], packet("10.0.0.2", "10.0.1.2", data=b"x" * 900))
    punted = rig.counters()["punted-packets"]
    # a second on the NIC each, which a slow end of a namespace must not outlast
    for _ in range(100):
        rig.send(0, data)
    wait("packets that are punted", lambda: rig.counters()["punted-packets"] - punted >= 100)
    for ns in (rig.r, other):
        os.close(ns.fd)
        run(f"ip netns del {ns.name}")
    # one after the other comes to its end
    wait("the end of another namespace", lambda: "o0" not in run("ip link", ns=rig.nic), 30)
    queued = sum(q["qlen"] for q in json.loads(run(f"tc -s -j qdisc show dev {NIC}",
                                                   ns=rig.nic)) if q["kind"] == "vrouter")
    if not queued:
        raise Failure("frames that wait meanwhile: expected some, actual none")


def test_down_in_vrf():
    """One that is down takes its share along to the ports of another VRF, and back."""
    rig = Rig(n=2, vrf=True, name="vr9", queues=2)
    try:
        for port in rig.port:
            rig.r.sysctl(f"net.ipv6.conf.{port}.disable_ipv6", 1)
        run(f"tc qdisc replace dev {NIC} root handle 10: vrouter", ns=rig.nic)
        run("ip link set vr9 down", ns=rig.r)
        for command in ("", "nomaster", "master red"):
            if command:
                run(f"ip link set vr9 {command}", ns=rig.r)
            with rig.nic:
                before = {c["router"]: c["packets"] for c in tclass.dump(NIC)}
            run("ping -I red -c 2 -i 0.2 -W 0.2 10.0.1.2", False, ns=rig.r)
            with rig.nic:
                after = {c["router"]: c["packets"] for c in tclass.dump(NIC)}
            who = "host" if command == "nomaster" else "vr9"
            expect(f"packets of {who}, down, {command or 'in its VRF'}", 2,
                   after[who] - before.get(who, 0))
    finally:
        rig.gone()


def flood_from(link, cpu, seconds):
    os.sched_setaffinity(0, {cpu})
    link.pump([(link.rigs[0].socks[0].send, data) for data in link.frames], seconds)


def test_cpus():
    """Two CPUs send at once: from Linux 7.2 on, the one that comes first enqueues what
    the other one sends meanwhile."""
    link = LINK
    if os.cpu_count() < 2:
        raise Skip("one CPU")
    link.tc(f"qdisc del dev {NIC} root", False)
    link.root()
    before = [rig.counters()["forwarded-packets"] for rig in link.rigs]
    cpus, seconds = os.sched_getaffinity(0), 20 if SLOW else 3
    child = os.fork()
    if not child:
        try:
            flood_from(link, 1, seconds)
        finally:
            os._exit(0)
    flood_from(link, 0, seconds)
    os.sched_setaffinity(0, cpus)
    os.waitpid(child, 0)
    link.settle()
    classes = link.classes()
    for i, rig in enumerate(link.rigs):
        c = classes[f"vr{i}"]
        sent = rig.counters()["forwarded-packets"] - before[i]
        if sent < 1000:
            raise Failure(f"packets of vr{i}: expected at least 1000, actual {sent}")
        expect(f"packets of vr{i}", sent, c["packets"] + c["drops"] + c["qlen"])
    expect("packets of the host", (0, 0),
           (classes["host"]["packets"], classes["host"]["drops"]))


LINK = Link(3)

if __name__ == "__main__":
    main([("options", test_options),
          ("what is no class, qdisc or filter", test_hierarchy),
          ("vrctl nic, max-rate", test_vrctl),
          ("whose frames are whose", test_classes),
          ("whose frames are whose, whatever tc says", test_spoofed),
          ("short frames", test_small),
          ("segments", test_gso),
          ("segments that are refused", test_gso_refused),
          ("many classes and qdiscs", test_many),
          ("shares", test_shares),
          ("shares with frames of other lengths", test_sizes),
          ("a weight changes", test_live),
          ("max-rate", test_max_rate),
          ("a quiet router loses nothing", test_isolated),
          ("limits", test_limits),
          ("counts after random operations", test_random),
          ("under htb", lambda: test_under("htb")),
          ("under mq", lambda: test_under("mq")),
          ("under one that peeks", test_peeked),
          ("replaced under traffic", test_traffic),
          ("a router goes", test_router_goes),
          ("a router that is down moves to a VRF", test_down_in_vrf),
          ("connections of a namespace that goes", test_connections),
          ("two CPUs", test_cpus)])
