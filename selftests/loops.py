#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Packets that come back to a router: over another one, over a NIC that leads to
itself, by tc, twice, or through devices that stand on each other. They end when their
TTL does, each hop is counted once, and others are served meanwhile.

Numbers of invariants are those of the project's list of risks.
"""
import contextlib
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from vrtest import (Failure, Rig, SETTLE, SLOW, expect, forwarded, frame, main,  # noqa: E402
                    packet, run, wait)
from flows import Flow, Flows  # noqa: E402

DST = {4: "198.51.100.9", 6: "2001:db8:ff::9"}
SRC = {4: "10.0.0.2", 6: "2001:db8:0::2"}
TTL = 64
PACKETS = 20 if SLOW else 100
A = B = C = None    # routers on the same NICs; C is not concerned


def start():
    global A, B, C
    A = Rig()
    B = Rig(nics=A.nic, host=A.h, tag=1, name="vr1")
    C = Rig(nics=A.nic, host=A.h, tag=2, name="vr2")


def via(rig, wire, lladdr):
    """A route to the far away over a neighbour on that wire that has this address."""
    rig.r.batch([f"neigh replace 10.0.{wire}.9 lladdr {lladdr} dev r{wire} nud permanent",
                 f"neigh replace 2001:db8:{wire}::9 lladdr {lladdr} dev r{wire} nud permanent",
                 f"route replace 198.51.100.0/24 via 10.0.{wire}.9 dev r{wire}",
                 f"route replace 2001:db8:ff::/64 via 2001:db8:{wire}::9 dev r{wire}"])
    rig.sync()


def no_way(rig):
    for line in ("route del 198.51.100.0/24", "-6 route del 2001:db8:ff::/64"):
        run(f"ip {line}", False, ns=rig.r)
    rig.sync()


def send(family, number=PACKETS, ttl=TTL):
    """Packets to far away, which begin their way at A."""
    limit = {4: {"ttl": ttl}, 6: {"hlim": ttl}}[family]
    for i in range(number):
        A.send(0, frame(A.pmac[0], A.hmac[0], packet(
            SRC[family], DST[family], sport=1000 + i, **limit)))


def moved(rigs, before):
    """Packets forwarded, punted for their TTL, and dropped since, by all of them."""
    total = [0, 0, 0]
    for rig, old in zip(rigs, before):
        now = rig.counters()
        for n, (new, was) in enumerate((
                (now["forwarded-packets"], old["forwarded-packets"]),
                (now["punt"].get("ttl", 0), old["punt"].get("ttl", 0)),
                (now["dropped-packets"], old["dropped-packets"]))):
            total[n] += new - was
    return total


def dies(rigs, family, per_packet=TTL - 1):
    """Send; each packet is forwarded as often as its TTL allows, and no more."""
    before = [rig.counters() for rig in rigs]
    send(family)

    got = [0, 0, 0]

    def over():
        got[:] = moved(rigs, before)
        return got[1] + got[2] >= PACKETS
    try:
        wait("the end of all packets", over, 30)
    except Failure:
        punts = [rig.counters()["punt"] for rig in rigs]
        raise Failure(f"packets at their end: expected {PACKETS}, actual {got[1]} by TTL, "
                      f"{got[2]} dropped; {got[0]} hops; punted {punts}") from None
    if got[2]:
        raise Failure(f"packets dropped: expected 0, actual {got[2]}")
    expect("hops of all packets", PACKETS * per_packet, got[0])
    expect("packets whose TTL ended", PACKETS, got[1])


def others_pass(test):
    """A test, while a flow of a router that it does not concern loses nothing."""
    flow = Flow(C, 1, 0, SRC[4])
    with Flows(C, [flow]) as flows:
        test()
        flows.pass_through(flow)
    flows.check(flow)


def two_routers(family):
    """Invariant 18: A's route leads to B, and B's to A."""
    def test():
        via(A, 1, B.pmac[1])
        via(B, 2, A.pmac[2])
        try:
            others_pass(lambda: dies((A, B), family))
        finally:
            no_way(A)
            no_way(B)
    return test


def errors_limited():
    """Invariant 18: and no more errors about it than the limit of their router allows."""
    via(A, 1, B.pmac[1])
    via(B, 2, A.pmac[2])
    for rig in (A, B):
        rig.r.sysctl("net.ipv4.icmp_ratelimit", 1000)
    # the bucket of who was told already is empty
    time.sleep(1.5)
    start_ = time.monotonic()
    try:
        A.flush()
        before = [rig.counters() for rig in (A, B)]
        got = A.exchange([(0, frame(A.pmac[0], A.hmac[0], packet(SRC[4], DST[4], sport=i)))
                          for i in range(1000, 1000 + PACKETS)], answers=1, rx=0)
        wait("the end of all packets", lambda: moved((A, B), before)[1] >= PACKETS, 60)
        got += A.exchange([])
        errors = [f for w, f in got if w == 0 and f[23] == 1 and f[34] == 11]
        # one a second, and a bucket of six
        most = 7 + int(time.monotonic() - start_)
        if not 1 <= len(errors) <= most < PACKETS:
            raise Failure(f"ICMP errors for {PACKETS} packets: expected 1 to {most}, "
                          f"actual {len(errors)}")
    finally:
        for rig in (A, B):
            rig.r.sysctl("net.ipv4.icmp_ratelimit", 0)
            no_way(rig)


def wire_to_itself(family):
    """Invariant 69: a wire has both its ends on this machine, with a port of the same
    router on each. The router sends, and has a packet to receive."""
    def test():
        macs = ("02:00:00:00:0c:01", "02:00:00:00:0c:02")
        A.nic.cmd("ip link add loop0 type veth peer name loop1")
        try:
            for i in (0, 1):
                A.nic.cmd([f"ip link set loop{i} up",
                           f"ip link add link loop{i} name t9 address {macs[i]} type vrport",
                           f"ip link set t9 netns {A.r.name} name l{i}"])
                A.r.batch([f"link set l{i} up", f"addr add 10.9.{i}.1/24 dev l{i}",
                           f"addr add 2001:db8:9{i}::1/64 dev l{i} nodad"])
            A.r.batch([f"neigh add 10.9.0.9 lladdr {macs[1]} dev l0 nud permanent",
                       f"neigh add 2001:db8:90::9 lladdr {macs[1]} dev l0 nud permanent",
                       "route add 198.51.100.0/24 via 10.9.0.9 dev l0",
                       "route add 2001:db8:ff::/64 via 2001:db8:90::9 dev l0"])
            A.sync()
            others_pass(lambda: dies((A,), family))
        finally:
            A.nic.cmd("ip link del loop0")
            A.sync()
    return test


@contextlib.contextmanager
def mirred(ns, out, back):
    """tc takes the packets of a flow that leave by one device back in by the other one, to
    the same router; afterwards, a packet is forwarded, once. The counters before it."""
    via(A, 2, A.pmac[1])
    ns.cmd([f"tc qdisc add dev {out} clsact", f"tc filter add dev {out} egress matchall "
            f"action mirred ingress redirect dev {back}"])
    try:
        before = [A.counters()]
        others_pass(lambda: send(4))
        yield before
    finally:
        ns.cmd(f"tc qdisc del dev {out} clsact")
        no_way(A)
    pkt = packet(SRC[4], "10.0.2.2")
    A.exchange([])
    got = A.exchange([(0, frame(A.pmac[0], A.hmac[0], pkt))], answers=1)
    expect("a packet afterwards", [(2, frame(A.hmac[2], A.pmac[2], forwarded(pkt)).hex())],
           [(w, f.hex()) for w, f in got])


def redirected():
    """Invariant 20: from NIC to NIC. tc ends a packet by itself after some turns."""
    with mirred(A.nic, "eth2", "eth1") as before:
        last = []

        def over():
            now = moved((A,), before)
            same, last[:] = now == last, now
            time.sleep(SETTLE * 10)
            return same and now[0] >= PACKETS
        wait("the end of all packets", over)
        if last[0] > PACKETS * (TTL - 1) or last[2]:
            raise Failure(f"hops, and packets dropped: expected {PACKETS * (TTL - 1)} or fewer, "
                          f"and 0, actual {last[0]}, {last[2]}")


def redirected_ports():
    """Invariant 20: the same between the ports themselves."""
    with mirred(A.r, "r2", "r1") as before:
        if moved((A,), before)[2]:
            raise Failure("packets dropped by the router: expected none")


def twice(kind):
    """Invariant 69: a qdisc puts in again what it sends, on the NIC or on the port."""
    def test():
        ns, dev = (A.nic, "eth2") if kind == "NIC" else (A.r, "r2")
        ns.cmd(f"tc qdisc add dev {dev} root netem duplicate 100%")
        try:
            frames = [(0, frame(A.pmac[0], A.hmac[0], packet(SRC[4], "10.0.2.2", sport=i)))
                      for i in range(1000, 1000 + PACKETS)]
            want = sorted(2 * [frame(A.hmac[2], A.pmac[2], forwarded(packet(
                SRC[4], "10.0.2.2", sport=i))).hex() for i in range(1000, 1000 + PACKETS)])
            got = A.exchange(frames, answers=2 * PACKETS)
            expect("wires", {2}, {w for w, _ in got})
            expect("frames", want, sorted(f.hex() for _, f in got))
            A.counters()
        finally:
            ns.cmd(f"tc qdisc del dev {dev} root")
    return test


def nested():
    """Invariants 19 and 21: a router has a port on a bridge, one on a VLAN of it, and
    the way to the wire is a port of the same router that is in this bridge."""
    macs = ("02:00:00:00:0d:01", "02:00:00:00:0d:02")
    A.r.batch(["link add br0 type bridge forward_delay 0 mcast_snooping 0",
               "link set br0 up", "link add link br0 name br0.50 type vlan id 50",
               "link set br0.50 up"])
    A.nic.batch([f"link add link eth0 name t8 address 02:00:00:00:0d:08 netns {A.r.name} "
                 "type vrport"])
    A.r.batch(["link set t8 master br0", "link set t8 up"])
    try:
        for i, lower in enumerate(("br0", "br0.50")):
            A.r.batch([f"link add link {lower} name n{i} address {macs[i]} type vrport",
                       f"link set n{i} up", f"addr add 10.8.{i}.1/24 dev n{i}",
                       f"neigh add 10.8.{i}.2 lladdr 02:00:00:00:0d:1{i} dev n{i} nud permanent"])
        A.sync()
        before = A.counters()
        frames = [(0, frame(macs[0], "02:00:00:00:0d:10", packet(
            "10.8.0.2", "10.8.1.2", sport=i))) for i in range(1000, 1000 + PACKETS)]
        want = sorted(frame("02:00:00:00:0d:11", macs[1], forwarded(packet(
            "10.8.0.2", "10.8.1.2", sport=i)), 50).hex() for i in range(1000, 1000 + PACKETS))
        got = []

        def through():
            got.extend(A.exchange(frames if not got else [], rx=0))
            return len([f for _, f in got if f.hex() in want]) >= PACKETS
        others_pass(lambda: wait("packets on the wire, in the other VLAN", through))
        expect("frames", want, sorted(f.hex() for w, f in got if w == 0 and f.hex() in want))
        after = A.counters()
        expect("packets forwarded", PACKETS,
               after["forwarded-packets"] - before["forwarded-packets"])
    finally:
        A.r.batch(["link del n0", "link del br0", "link del t8"])


def tests():
    return [(f"two routers' routes lead to each other, IPv{f}", two_routers(f))
            for f in (4, 6)] + [
        ("a loop makes no more errors than allowed", errors_limited)] + [
        (f"a wire leads back to the same router, IPv{f}", wire_to_itself(f))
        for f in (4, 6)] + [
        ("tc redirects from one NIC back in by another", redirected),
        ("tc redirects from one port back in by another", redirected_ports),
        ("netem duplicates on a NIC", twice("NIC")),
        ("netem duplicates on a port", twice("port")),
        ("ports on VLANs on a bridge on a port", nested)]


if __name__ == "__main__":
    start()
    main(tests())
