#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What may happen to NICs, neighbours and routes while packets flow: who is not
concerned loses nothing, and who is recovers with it.

Numbers of invariants are those of the project's list of risks.
"""
import os
import random
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from vrtest import (Failure, Netns, Rig, SLOW, Skip, expect, forwarded, frame,  # noqa: E402
                    main, own_frame, packet, put, receive, run, wait)
from flows import Flow, Flows  # noqa: E402
from routes import BATCH, Routes  # noqa: E402

MARK = b"a probe of a route"
LONG = bool(os.environ.get("VR_LONG"))
SEED = int(os.environ.get("VR_SEED") or random.SystemRandom().randrange(1 << 32))
A = B = None        # two routers on the same NICs


def start():
    global A, B
    A = Rig()
    B = Rig(nics=A.nic, host=A.h, tag=1, name="vr1")


# ---- NICs --------------------------------------------------------------------

def make_port(rig, i):
    """Port i of a router, which went with its NIC."""
    run(f"ip link add link eth{i} name t{i} address {rig.pmac[i]} type vrport", ns=rig.nic)
    run(f"ip link set t{i} netns {rig.r.name} name r{i}", ns=rig.nic)
    run(f"ip addr add 10.0.{i}.1/24 dev r{i}", ns=rig.r)
    rig.revive(i)


def ports(rig):
    return sorted(line.split(":")[1].split("@")[0].strip() for line in
                  run("ip -o link show type vrport", ns=rig.r).splitlines())


def remove(_):
    """Invariant 2: its ports go with it, and hold nothing."""
    A.nic.cmd("ip link del eth2")
    for rig in (A, B):
        wait("ports of the NICs that are left", lambda rig=rig: ports(rig) == ["r0", "r1"])
    expect("the other end of a NIC that was deleted", "",
           run("ip -o link show type veth", ns=A.h) and
           run(["sh", "-c", "ip -o link show p2 2>/dev/null || true"], ns=A.h))


def bring(flows):
    A.nic.cmd([f"ip link add eth2 type veth peer name p2 netns {A.h.name}",
               "ip link set eth2 up"])
    A.h.cmd(f"ip link set p2 address {A.hmac[2]} up")
    for rig in (A, B):
        make_port(rig, 2)
        rig.socks[2].close()
        rig.socks[2] = rig.h.packet_socket("p2")
    flows.open(2)


def rename(old, new):
    def change(_):
        if A.nic.attempt(f"ip link set {old} name {new}").returncode:
            # kernels before 6.2 do it only while it is down
            raise Skip("this kernel renames no device that is up")
    return change


def move(_):
    """It goes down on its way, and is set up there."""
    other = Netns(f"vc{os.getpid()}o")
    A.nic.cmd(f"ip link set eth2 netns {other.name}")
    other.cmd("ip link set eth2 up")
    A.away = other


def move_back(_):
    A.away.cmd(f"ip link set eth2 netns {A.nic.name}")
    A.nic.cmd("ip link set eth2 up")
    run(f"ip netns del {A.away.name}")


def flap(_):
    for _ in range(5 if SLOW else 20):
        A.nic.set_up("eth2", False)
        time.sleep(0.01)
        A.nic.set_up("eth2", True)


def unplug(_):
    A.h.set_up("p2", False)
    wait("no carrier on the port", lambda: "NO-CARRIER" in run("ip link show r2", ns=A.r))


def plug(flows):
    A.h.set_up("p2", True)
    wait("carrier on the port", lambda: "NO-CARRIER" not in run("ip link show r2", ns=A.r))
    flows.open(2)


def mtu(size, want):
    def change(_):
        A.nic.cmd(f"ip link set eth2 mtu {size}")
        for rig in (A, B):
            wait("MTU of the port", lambda rig=rig: f" mtu {want} " in
                 run("ip link show r2", ns=rig.r))
    return change


def ports_mtu(flows):
    mtu(1500, 1300)(flows)      # ports follow downwards only
    for rig in (A, B):
        rig.r.cmd("ip link set r2 mtu 1500")


def qdiscs(_):
    for _ in range(3 if SLOW else 10):
        for kind in ("pfifo", "vrouter", "fq_codel", "vrouter bandwidth 1gbit"):
            A.nic.cmd(f"tc qdisc replace dev eth2 root {kind.split()[0]}")
        A.nic.cmd("tc qdisc del dev eth2 root")


def address(mac):
    return lambda _: A.nic.cmd(f"ip link set eth2 address {mac}")


def nothing(_):
    pass


def at_most(percent):
    """Of the flows over the NIC, so much may be lost."""
    def check(flows, over):
        for flow in over:
            if flow.lost() * 100 > flow.sent * percent:
                raise Failure(f"packets lost of {flow.sent}: expected at most {percent} %, "
                              f"actual {flow.lost()}")
        flows.check()
    return check


def lossless(flows, over):
    flows.check(*over)


def fault(change, heal, over):
    """Change something about NIC 2, and heal it. Flows between the NICs 0 and 1 lose
    nothing; those by NIC 2 pass again; over(flows, those) says what else."""
    def test():
        others = [Flow(A, 0, 1, "10.0.1.2"), Flow(A, 1, 0, "2001:db8:0::2"),
                  Flow(B, 1, 0, "10.0.0.2"), Flow(B, 0, 1, "2001:db8:1::2")]
        those = [Flow(A, 0, 2, "10.0.2.2"), Flow(B, 1, 2, "2001:db8:2::2"),
                 Flow(B, 2, 1, "10.0.1.2")]
        with Flows(A, others + those) as flows:
            change(flows)
            flows.pass_through(*others)
            heal(flows)
            flows.pass_through(*others, *those)
        flows.check(*others)
        over(flows, those)
        for rig in (A, B):
            rig.counters()
    return test


def unbind():
    """A driver lets go of its NIC, and takes it again: another device to the kernel."""
    pci = os.path.basename(os.readlink("/sys/class/net/r1/device"))
    driver = os.path.realpath(f"/sys/bus/pci/devices/{pci}/driver")
    real = Rig(n=2, tag=4, name="vr4", real=True)
    pkt = packet("10.0.0.2", "10.0.1.2")
    there = [(0, frame(real.pmac[0], real.hmac[0], pkt))]
    want = [(1, frame(real.hmac[1], real.pmac[1], forwarded(pkt)).hex())]

    def answer():
        return [(w, f.hex()) for w, f in real.exchange(there, answers=1)]
    expect("a packet", want, answer())
    other = Flow(B, 1, 0, "10.0.0.2")
    with Flows(B, [other]) as flows:
        for _ in range(3):
            # in the queues, and in the driver
            real.socks[0].send(there[0][1])
            put(driver + "/unbind", pci)
            wait("ports of the NICs that are left", lambda: ports(real) == ["r0"])
            flows.pass_through(other)
            put(driver + "/bind", pci)
            name = wait("a new device", lambda: os.listdir(
                f"/sys/bus/pci/devices/{pci}/net"))[0]
            run(f"ip link set {name} netns {real.nic.name} name eth1")
            real.nic.cmd("ip link set eth1 up")
            wait("carrier", lambda: "LOWER_UP" in run("ip link show eth1", ns=real.nic))
            make_port(real, 1)
            real.sync()
            real.exchange([])
            expect("a packet by the new device", want, answer())
            flows.pass_through(other)
    flows.check(other)
    real.counters()
    real.gone()


# ---- what is queued ------------------------------------------------------------

DEAR = 1000         # tc filters that each packet passes
QUEUED = 800 if SLOW else 3000


def delete(ns, name):
    """Delete a link at once, without a process."""
    body = struct.pack("=16xHH", 4 + len(name) + 1, 3) + name.encode() + b"\0"
    body += bytes(-len(body) % 4)
    with ns, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.send(struct.pack("=IHHII", 16 + len(body), 17, 5, 1, 0) + body)
        expect(f"errno of deleting {name}", 0, struct.unpack_from("=i", s.recv(4096), 16)[0])


def port_deleted():
    return lambda: delete(A.r, "r0"), lambda: make_port(A, 0)


def port_down():
    return lambda: A.r.set_up("r0", False), lambda: A.revive(0)


def router_down():
    return lambda: A.r.set_up("vr0", False), A.up


def queued(act, reason):
    """Invariants 2 and 11: a burst of packets that are dear waits in the queue, in both
    of its bands, and their port goes. They are dropped, and counted; whoever served them
    later would use a port that is no more."""
    def test():
        run(f"vrctl set vr0 limit-packets {QUEUED}", ns=A.r)
        A.nic.cmd("tc qdisc add dev eth1 clsact")
        with A.nic:
            subprocess.run(["tc", "-batch", "-"], check=True, text=True, input="\n".join(
                f"filter add dev eth1 egress prio {i + 1} protocol ip u32 match ip dst "
                f"192.0.{i // 256}.{i % 256}/32 action pass" for i in range(DEAR)) + "\n")
        A.h.cmd("tc qdisc add dev p0 root netem slot 300ms 300ms limit 10000")
        data = own_frame(A, 0, "10.0.1.2", b"dear" * 6)
        control = frame(A.pmac[0], A.hmac[0], packet("10.0.0.2", "10.0.1.2", tos=0xc0))
        # of these, a queue takes 128
        frames = ([data] * 15 + [control]) * 6
        frames += [data] * (QUEUED - len(frames))
        try:
            for tries in range(1, 31):
                do, undo = act()
                before = A.counters()
                for one in frames:
                    A.send(0, one)
                # a burst begins, unless the last one was over in no time
                seen, end = A.rx_packets(), time.monotonic() + 2
                while A.rx_packets() == seen and time.monotonic() < end:
                    pass
                do()
                after = A.counters()
                undo()
                A.sync()
                dropped = {k: n - before["drop"][k] for k, n in after["drop"].items()
                           if n != before["drop"][k]}
                expect("reasons for drops", set(), set(dropped) - {reason})
                if dropped:
                    print(f"# try {tries}: {dropped}, of {QUEUED}")
                    return
            raise Failure(f"packets dropped by {reason}, in {tries} tries: expected some, "
                          "actual none")
        finally:
            A.h.cmd("tc qdisc del dev p0 root")
            A.nic.cmd("tc qdisc del dev eth1 clsact")
            run("vrctl set vr0 limit-packets 1000", ns=A.r)
    return test


# ---- namespaces that go under traffic ------------------------------------------

def spaces():
    """Invariant 3: namespaces with a router and ports go, again and again, while
    packets come for them. They are never waited for."""
    rounds = 200 if LONG else 8 if SLOW else 30
    macs = [f"02:00:00:00:09:1{i}" for i in range(2)]
    other = [Flow(A, 0, 1, "10.0.1.2"), Flow(B, 1, 0, "2001:db8:0::2")]
    seen = 0
    with Flows(A, other) as flows:
        class Gone:
            """A rig that comes and goes, for frames to it."""
            pmac, hmac, n = macs, A.hmac, 2
        # what is for it may be lost, and what comes out of it is no flow's
        lost = Flow(Gone, 0, 1, "10.0.1.2")
        for _ in range(rounds):
            ns = f"vc{os.getpid()}g"
            run(f"ip netns add {ns}")
            for i in range(2):
                run(f"ip link add link eth{i} name g{i} netns {ns} address {macs[i]} type vrport",
                    ns=A.nic)
            batch = ["link add vg type vrouter"] + [line for i in range(2) for line in (
                f"link set g{i} up", f"addr add 10.0.{i}.1/24 dev g{i}",
                f"neigh add 10.0.{i}.2 lladdr 02:00:00:00:09:2{i} dev g{i}")]
            run(["ip", "-n", ns, "-batch", "-"], data="\n".join(batch + ["link set vg up", ""]))
            run(f"ip netns exec {ns} sysctl -qw net.ipv4.ip_forward=1")
            with flows.lock:
                for _ in range(50):
                    flows.socks[0].send(own_frame(lost.rig, 0, lost.dst, b"lost" * 6))
            seen += "rx-packets" in run(f"vrctl -n {ns} -j show vg")
            run(f"ip netns del {ns}")
        flows.pass_through(*other)
    expect("rounds", rounds, seen)
    flows.check(*other)
    wait("no port of a namespace that is gone", lambda: "g0" not in run("vrctl -a port list"), 60)


# ---- neighbours ----------------------------------------------------------------

def fulls(family):
    """How often the kernel found no room for a neighbour."""
    with open(f"/proc/net/stat/{'arp' if family == 4 else 'ndisc'}_cache",
              encoding="ascii") as f:
        head, *cpus = [line.split() for line in f]
    return sum(int(cpu[head.index("table_fulls")], 16) for cpu in cpus)


def neighbours_full(family):
    """The table is full; neighbours that are known are served all the same."""
    def test():
        v6 = family == 6
        dst = "2001:db8:1::2" if v6 else "10.0.1.2"
        home = f"/proc/sys/net/ipv{family}/neigh/default/gc_thresh"
        old = []
        for i in "123":
            with open(home + i, encoding="ascii") as f:
                old.append(f.read())
        A.r.sysctl(f"net.ipv{family}.neigh.r1.base_reachable_time_ms", 3600000)
        A.r.cmd(f"ip neigh replace {dst} lladdr {A.hmac[1]} dev r1 nud reachable")
        known = Flow(A, 0, 1, dst)
        before = fulls(family)
        try:
            with Flows(A, [known]) as flows:
                for i, value in enumerate("124"):
                    put(f"{home}{i + 1}", value)
                for host in range(0x30, 0xa0):
                    with flows.lock:
                        flows.socks[0].send(own_frame(
                            A, 0, f"2001:db8:1::{host:x}" if v6 else f"10.0.1.{host}", b"x" * 40))
                    time.sleep(0.002)
                flows.pass_through(known, number=200)
            if fulls(family) == before:
                raise Failure("times that the table was full: expected some, actual none")
            flows.check(known)
        finally:
            for i in (2, 1, 0):
                put(f"{home}{i + 1}", old[i])
            A.r.cmd(f"ip neigh replace {dst} lladdr {A.hmac[1]} dev r1 nud permanent")
    return test


# ---- routes ----------------------------------------------------------------------

class Net:
    """What Routes wants of an ip_network, at less cost."""
    __slots__ = ("packed", "prefixlen")

    def __init__(self, packed, prefixlen):
        self.packed, self.prefixlen = packed, prefixlen

    @property
    def network_address(self):
        return self


class Table:
    """Very many prefixes. In pass k, prefix i leads to hop (i + k * 7) % HOPS; a hop is
    a neighbour on one of two wires."""

    HOPS = 100

    def __init__(self, family, number):
        self.v6, self.number = family == 6, number
        self.hops = [(1 + h % 2, f"2001:db8:{1 + h % 2}::{h + 256:x}" if self.v6 else
                      f"10.0.{1 + h % 2}.{h + 100}", f"02:00:00:00:0a:{h:02x}")
                     for h in range(self.HOPS)]
        self.routes = Routes(A.r, 254)
        if self.v6:
            self.nets = [Net(b"\x20\x01\x0d\xb9" + i.to_bytes(4, "big") + bytes(8), 64)
                         for i in range(number)]
        else:
            self.nets = [Net((0x14000000 + (i << 8)).to_bytes(4, "big"), 24)
                         for i in range(number)]
        self.begun, self.done = [], []      # of each pass: of each batch, of all
        A.r.batch(f"neigh replace {ip} lladdr {mac} dev r{w} nud permanent"
                  for w, ip, mac in self.hops)

    def dst(self, i):
        if self.v6:
            return f"2001:db9:{i >> 16:x}:{i & 0xffff:x}::9"
        return f"{20 + (i >> 16)}.{i >> 8 & 255}.{i & 255}.9"

    def hop(self, i, k):
        return self.hops[(i + k * 7) % self.HOPS]

    def batches(self, k, verb):
        """Do a pass; after each batch, yield the number of a prefix in it."""
        self.begun.append([])
        for first in range(0, self.number, BATCH):
            part = range(first, min(first + BATCH, self.number))
            self.begun[k].append(time.monotonic())
            errors = self.routes.do([(verb, self.nets[i], self.hop(i, k)[1],
                                      f"r{self.hop(i, k)[0]}") for i in part])
            expect("errors of routes", {}, errors)
            yield part[len(part) // 2]
        A.sync()
        self.done.append(time.monotonic())

    def valid(self, i, sent, got):
        """The hops that a packet to prefix i may have taken, sent and got when."""
        return [self.hop(i, k) for k in range(len(self.begun))
                if i // BATCH < len(self.begun[k]) and self.begun[k][i // BATCH] <= got and
                (k + 1 >= len(self.done) or sent <= self.done[k + 1])]

    def forget(self):
        self.routes.do(("del", net, None, None) for net in self.nets)
        self.routes.close()
        A.r.batch(f"neigh del {ip} dev r{w}" for w, ip, _ in self.hops)
        A.sync()


class Probes:
    """Packets to prefixes, and where they came out."""

    def __init__(self, table):
        self.table, self.sent, self.got = table, [], {}

    def send(self, i):
        data = MARK + len(self.sent).to_bytes(6, "big")
        self.sent.append((i, time.monotonic()))
        A.send(0, own_frame(A, 0, self.table.dst(i), data))

    def collect(self):
        for wire, sock in enumerate(A.socks):
            got = receive(sock)
            while got is not None:
                if got[-24:-6] == MARK and got[20 if got[12] == 0x86 else 23] == 17:
                    self.take(wire, got)
                got = receive(sock)

    def take(self, wire, got):
        number = int.from_bytes(got[-6:], "big")
        i, sent = self.sent[number]
        where = (wire, got[:6].hex(":"))
        valid = [(w, mac) for w, _, mac in self.table.valid(i, sent, time.monotonic())]
        if where not in valid:
            raise Failure(f"packet to {self.table.dst(i)}: expected at one of {valid}, "
                          f"actual at {where}")
        if number in self.got:
            raise Failure(f"packet to {self.table.dst(i)}: expected once, actual twice")
        self.got[number] = len(valid)


def many_routes(family):
    """Invariant 52: a packet takes a route of those that were valid while it was on its
    way, and is never lost between two of them."""
    def test():
        number = 100000 if LONG or not SLOW else 10000
        rnd = random.Random(SEED)
        table = Table(family, number)
        probes = Probes(table)
        A.flush()
        before = A.show()
        try:
            for _ in table.batches(0, "add"):
                pass
            for k in range(1, 6 if LONG else 3):
                for i in table.batches(k, "replace"):
                    for to in (i, rnd.randrange(number), rnd.randrange(i + 1)):
                        probes.send(to)
                    probes.collect()
                for _ in range(200):
                    probes.send(rnd.randrange(number))

            def all_back():
                probes.collect()
                return len(probes.got) == len(probes.sent)
            try:
                wait("packets", all_back)
            except Failure:
                expect("packets lost", 0, len(probes.sent) - len(probes.got))
            after = A.show()
            moved = {k: after["stats"][k] - before["stats"][k]
                     for k in ("forwarded-packets", "punted-packets", "dropped-packets")}
            print(f"# {number} routes, {len(probes.sent)} packets, "
                  f"{sum(1 for n in probes.got.values() if n > 1)} while their route changed, "
                  f"{after['resyncs'] - before['resyncs']} resyncs; {moved}")
            expect("packets dropped", 0, moved["dropped-packets"])
            if moved["forwarded-packets"] * 2 < len(probes.sent):
                raise Failure("packets on the fast path: expected half or more of "
                              f"{len(probes.sent)}, actual {moved['forwarded-packets']}")
            if not any(n > 1 for n in probes.got.values()):
                raise Failure("packets whose route changed meanwhile: expected some, actual none")
        finally:
            table.forget()
    return test


def tests():
    return [
        ("a NIC is deleted and comes back", fault(remove, bring, at_most(99))),
        ("a NIC is renamed", fault(rename("eth2", "wan2"), rename("wan2", "eth2"), lossless)),
        ("a NIC moves to another namespace and back", fault(move, move_back, at_most(99))),
        ("a NIC flaps", fault(flap, nothing, at_most(99))),
        ("a NIC loses its carrier", fault(unplug, plug, at_most(99))),
        ("a NIC's MTU changes", fault(mtu(1300, 1300), ports_mtu, lossless)),
        ("a NIC's qdisc is replaced", fault(qdiscs, nothing, at_most(50))),
        ("a NIC's MAC address changes", fault(address("02:00:00:00:0b:01"),
                                              address("02:00:00:00:0b:02"), lossless)),
        *([("a driver lets go of its NIC", unbind)] if SLOW else []),
        ("a port is deleted, with packets in the queue", queued(port_deleted, "port")),
        ("a port is set down, with packets in the queue", queued(port_down, "port")),
        ("a router is set down, with packets in the queue", queued(router_down, "down")),
        ("namespaces go under traffic", spaces),
        ("the neighbour table is full, IPv4", neighbours_full(4)),
        ("the neighbour table is full, IPv6", neighbours_full(6)),
        ("very many routes are replaced, IPv4", many_routes(4)),
        ("very many routes are replaced, IPv6", many_routes(6)),
    ]


if __name__ == "__main__":
    print(f"# VR_SEED={SEED}")
    start()
    main(tests())
