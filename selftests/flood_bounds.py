#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Nothing on the wire makes a router take memory, time or the log without bound.

Each flood is held back at the other end of the wire and comes all at once, with a few
packets for a second router on the same NIC in between: these are forwarded and answered,
every one of them. The bounds are those of the table in vrouter.rst."""
import atexit
import contextlib
import os
import random
import re
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
# pylint: disable=wrong-import-position
from vrtest import (PACKET_IGNORE_OUTGOING, SLOW, SOL_PACKET, Failure, Netns,
                    Rig, eth, expect, frame, icmp4, icmp6, in6, ip4, ip6,
                    json_show, mac, main, new_lines, packet, put, receive, run,
                    slab_objects, wait)

SEED = int(os.environ.get("VR_SEED") or random.SystemRandom().randrange(1 << 32))
RST = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                   "../Documentation/networking/vrouter.rst")
N = 1500 if SLOW else 4000      # frames of a flood
LIMIT = 300                     # packets in the data queue of the router
CONTROL = 128                   # in its control queue
GC_THRESH3 = 1024               # neighbours of all routers together
PENDING = 212992                # bytes that wait for a neighbour's address
NOISE = 700                     # objects in use that caches of a CPU make of none
BACKLOG = 3 * N
CORE = "/proc/sys/net/core/"
# what the kernel itself says about a full table, at most a few times a minute
KERNEL_SAYS = re.compile("neighbor table overflow|link becomes ready|promiscuous mode|"
                         "hrtimer: interrupt took|callbacks suppressed")


def setting(path, value):
    with open(path, encoding="ascii") as f:
        atexit.register(put, path, f.read())
    put(path, str(value))


def skbs():
    """Packets in the machine's memory."""
    return slab_objects("skbuff_head_cache")


def log():
    return [line for line in run("dmesg").splitlines() if not KERNEL_SAYS.search(line)]


class Flood:
    """Two routers on the same NICs: `a` is flooded, `b` is not."""

    def __init__(self):
        self.rng = random.Random(SEED)
        setting(CORE + "netdev_max_backlog", BACKLOG)
        # a qdisc gives the wire everything in one go
        setting(CORE + "dev_weight_tx_bias", 1000)
        self.a = Rig(n=2, name="vr0")
        self.b = Rig(n=2, name="vr1", nics=self.a.nic, host=self.a.h, tag=1)
        for sock in self.a.socks + self.b.socks:
            sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        for rig in (self.a, self.b):
            rig.up()
            # errors to whom they are owed, and as many as Linux sends
            rig.r.cmd("ip route add 198.18.0.0/15 via 10.0.0.2")
            rig.r.sysctl("net.ipv4.icmp_ratelimit", 1000)
        self.shared = not os.path.exists("/proc/sys/net/ipv4/icmp_msgs_per_sec") or \
            self.icmp_budget()
        run(f"vrctl set vr0 limit-packets {LIMIT}", ns=self.a.r)
        for rig in (self.a, self.b):
            rig.sync()

    def icmp_budget(self):
        """Set the budget of ICMP errors; is it one for all namespaces?"""
        shared = False
        for key, value in (("icmp_msgs_per_sec", 1000), ("icmp_msgs_burst", 50)):
            for rig in (self.a, self.b):
                try:
                    rig.r.sysctl(f"net.ipv4.{key}", value)
                except FileNotFoundError:
                    shared = True
                    put(f"/proc/sys/net/ipv4/{key}", str(value))
        return shared

    # ---- frames ----

    def to(self, rig, ip, dst=None, src=None):
        return frame(dst or rig.pmac[0], src or rig.hmac[0], ip)

    def witness(self):
        """What router b gets meanwhile: to be forwarded, and to be answered."""
        out = [self.to(self.b, packet("10.0.0.2", "10.0.1.2", sport=i)) for i in range(20)]
        out += [self.to(self.b, ip4("10.0.0.2", "10.0.0.1", proto=1, payload=icmp4(8)))
                for _ in range(5)]
        return out

    # ---- the flood ----

    def tbf(self, rate, burst):
        run(f"tc qdisc replace dev p0 root handle 1: tbf rate {rate} burst {burst} "
            "limit 200mb", ns=self.a.h)

    def send(self, frames):
        """All at once, with what is for b spread among it; seconds that it took."""
        frames = list(frames)
        for i, one in enumerate(self.witness()):
            frames.insert(len(frames) * (i + 1) // 30 + i, one)
        for rig in (self.a, self.b):
            rig.flush()
        self.tbf("8kbit", "1600b")
        start = time.monotonic()
        for one in frames:
            self.a.send(0, one)
        self.tbf("10gbit", "100mb")
        return start

    def out(self, rig, i):
        """Frames of a router that have come out on wire i since the flood began."""
        found = []
        one = receive(self.b.socks[i])
        while one is not None:
            found.append(one)
            one = receive(self.b.socks[i])
        return [f for f in found if f[6:12] == mac(rig.pmac[i])], found

    def flood(self, frames, reach=True, held=0):
        """Flood a. Return its counters and the frames that came out on wire 0.

        reach: the frames are for a's queues; held: packets that Linux may keep"""
        run("vrctl reset vr0", ns=self.a.r)
        run("vrctl reset vr1", ns=self.b.r)
        before, said = skbs(), log()
        start = self.send(frames)
        want = len(frames) if reach else 0
        wait("all frames are received", lambda: self.a.show()["stats"]["rx-packets"] >= want)
        wait("the other router has its packets",
             lambda: self.b.show()["stats"]["rx-packets"] >= 25)
        c = self.a.counters()
        self.b.counters()
        self.seconds = time.monotonic() - start
        run("tc qdisc del dev p0 root", ns=self.a.h)
        # the reports of its own stack come back from the wire on the other port
        if not want <= c["rx-packets"] <= want + 40:
            raise Failure(f"packets received: expected {want} to {want + 40}, "
                          f"actual {c['rx-packets']}")
        wires = self.witnessed()
        print(f"# {c['rx-packets']} received, {c['forwarded-packets']} forwarded, "
              f"punted {nonzero(c['punt'])}, dropped {nonzero(c['drop'])}, "
              f"peak {c['queued-peak']}")
        self.memory(before, held)
        expect("lines in the kernel log", [], new_lines(said, log()))
        return c, wires

    def witnessed(self):
        """Router b forwarded and answered everything; return wire 0's frames."""
        wires, pings, through = [], 0, 0

        def came():
            nonlocal pings, through
            mine, every = self.out(self.b, 0)
            wires.extend(every)
            pings += sum(f[12:14] == b"\x08\0" and f[23] == 1 and f[34] == 0 for f in mine)
            through += sum(f[12:14] == b"\x08\0" and f[23] == 17 for f in self.out(self.b, 1)[0])
            return pings >= 5 and through >= 20
        try:
            wait("", came)
        except Failure:
            pass
        expect("the other router: pings answered, packets forwarded", (5, 20), (pings, through))
        self.a.flush()
        return wires

    def fragments(self):
        """Queues and bytes of router a's fragments that wait for the others."""
        line = [li for li in self.a.r.read("/proc/thread-self/net/sockstat").splitlines()
                if li.startswith("FRAG")][0].split()
        return int(line[2]), int(line[4])

    def memory(self, before, held):
        """Packets that were there only for the flood are gone, but for `held`."""
        try:
            wait("", lambda: skbs() - before <= held + NOISE, 5)
        except Failure:
            raise Failure(f"packets still in memory: expected at most {held + NOISE} more "
                          f"than before, actual {skbs() - before}") from None
        print(f"# {skbs() - before} packets in memory more than before, "
              f"at most {held} may wait in Linux")


def nonzero(counters):
    return {k: v for k, v in counters.items() if v}


def at_most(what, most, got):
    if got > most:
        raise Failure(f"{what}: expected at most {most}, actual {got}")


def some(what, got):
    if not got:
        raise Failure(f"{what}: expected some, actual none")


# ---- floods ------------------------------------------------------------------

def data_packets(s):
    c, _ = s.flood([s.to(s.a, packet("10.0.0.2", "10.0.1.2", sport=i)) for i in range(N)])
    at_most("peak of the queue", LIMIT + CONTROL, c["queued-peak"])
    some("drops at the data queue", c["drop"]["queue-packets"])
    some("packets forwarded", c["forwarded-packets"])


def data_bytes(s):
    size, limit = 1400, 65536
    run(f"vrctl set vr0 limit-bytes {limit} limit-packets 100000", ns=s.a.r)
    try:
        c, _ = s.flood([s.to(s.a, packet("10.0.0.2", "10.0.1.2", data=bytes(size)))] * N)
    finally:
        run(f"vrctl set vr0 limit-bytes 4194304 limit-packets {LIMIT}", ns=s.a.r)
    at_most("peak of the queue", limit // size + CONTROL, c["queued-peak"])
    some("drops at the data queue", c["drop"]["queue-bytes"])


def neighbours(s, family):
    """Neighbours of router a that were learned."""
    return sum("PERMANENT" not in line
               for line in run(f"ip -{family} neigh show nud all", ns=s.a.r).splitlines()
               if "NOARP" not in line)


def arp(s):
    frames = []
    for _ in range(N):
        who, sip = b"\x02" + s.rng.randbytes(5), b"\xc6\x12" + s.rng.randbytes(2)
        frames.append(mac(s.a.pmac[0]) + who + b"\x08\x06" +
                      struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + who + sip + bytes(6) +
                      socket.inet_aton("10.0.0.1"))
    c, _ = s.flood(frames)
    at_most("peak of the queue", CONTROL, c["queued-peak"])
    some("drops at the control queue", c["drop"]["control"])
    at_most("neighbours", GC_THRESH3, neighbours(s, 4))
    expect("punted and dropped", c["rx-packets"],
           sum(c["punt"].values()) + c["drop"]["control"])


def nd(s):
    frames = []
    for _ in range(N):
        who = b"\x02" + s.rng.randbytes(5)
        src = socket.inet_ntop(socket.AF_INET6, in6("2001:db8::")[:8] + s.rng.randbytes(8))
        ns = icmp6(src, "ff02::1:ff00:1", 135, rest=bytes(4),
                   data=in6("2001:db8::1") + b"\1\1" + who)
        ip = ip6(src, "ff02::1:ff00:1", nh=58, payload=ns, hlim=255)
        frames.append(eth("33:33:ff:00:00:01", who.hex(":"), 0x86dd, ip))
    # both routers have that address here
    c, _ = s.flood(frames)
    at_most("peak of the queue", CONTROL, c["queued-peak"])
    some("drops at the control queue", c["drop"]["control"])
    at_most("neighbours", GC_THRESH3, neighbours(s, 6))


def broadcast(s):
    """Many ports on the NIC, some of them without a router."""
    ports, bare = 30, 5
    crowd, idle = Netns(f"fb{os.getpid()}c"), Netns(f"fb{os.getpid()}i")
    for ns, n in ((crowd, ports), (idle, bare)):
        ns.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        s.a.nic.batch(f"link add link eth0 name c{i} netns {ns.name} type vrport"
                      for i in range(n))
        ns.batch(f"link set c{i} up" for i in range(n))
    crowd.cmd(["ip link add vr-c type vrouter", "ip link set vr-c up"])
    wait("router of the crowd", lambda: json_show(crowd, "vr-c")["state"] != "down")
    count = N // 8
    ip = packet("10.0.0.2", "255.255.255.255")
    try:
        before = json_show(crowd, "vr-c")["stats"]["rx-packets"]
        c, _ = s.flood([frame("ff:ff:ff:ff:ff:ff", s.a.hmac[0], ip)] * count)
        stats = wait("empty queue", lambda: (lambda got: not got["queued-packets"] and got)
                     (json_show(crowd, "vr-c")["stats"]))
    finally:
        run(f"ip netns del {crowd.name}")
        run(f"ip netns del {idle.name}")
    at_most("peak of the queue", LIMIT + CONTROL, c["queued-peak"])
    at_most("peak of the queue of many ports", 1000 + CONTROL, stats["queued-peak"])
    expect("copies for the many ports", count * ports, stats["rx-packets"] - before)
    expect("punted and dropped", stats["rx-packets"],
           stats["punted-packets"] + stats["dropped-packets"])
    some("drops at the queue of many ports", stats["dropped-packets"])


def unknown_mac(s):
    ip = packet("10.0.0.2", "10.0.1.2")
    s.flood([s.to(s.a, ip, dst=(b"\x06" + s.rng.randbytes(5)).hex(":")) for _ in range(N)],
            reach=False)


def unknown_group(s):
    ip = packet("10.0.0.2", "239.255.0.3")
    s.flood([s.to(s.a, ip, dst="01:00:5e:7f:00:03")] * N, reach=False)


def errors(wires, rig):
    return sum(f[6:12] == mac(rig.pmac[0]) and f[12:14] == b"\x08\0" and f[23] == 1 and
               f[34] in (3, 11) for f in wires)


def ttl_one(s):
    """Invariant 46."""
    def one(rig):
        src = socket.inet_ntoa(b"\xc6\x12" + s.rng.randbytes(2))
        return s.to(rig, packet(src, "10.0.1.2", ttl=1))
    frames = [one(s.a) for _ in range(N)]
    late = [one(s.b) for _ in range(5)]
    c, wires = s.flood(frames)
    some("punted for their TTL", c["punt"]["ttl"])
    most = 55 + int(1000 * s.seconds)
    got = errors(wires, s.a)
    some("errors", got)
    print(f"# {got} errors in {s.seconds:.2f} s")
    at_most("errors", most, got)
    at_most("peak of the queue", LIMIT + CONTROL, c["queued-peak"])
    # what is left of the other router's budget while a's is gone
    s.a.flush()
    s.b.flush()
    for f in [one(s.a) for _ in range(200)] + late:
        s.b.send(0, f)
    answered = 0

    def came():
        nonlocal answered
        answered += errors(s.out(s.b, 0)[0], s.b)
        return answered >= 5
    if s.shared:
        print("# this kernel has one budget for all namespaces")
        return
    with contextlib.suppress(Failure):
        wait("", came, 5)
    expect("errors of the other router", 5, answered)


def fragments(s):
    """For the router itself, which has to put them together."""
    key = "/proc/sys/net/ipv4/ipfrag_high_thresh"
    most = int(s.a.r.read(key))
    frames = [s.to(s.a, ip4("10.0.0.2", "10.0.0.1", payload=bytes(800), ident=i & 0xffff,
                            frag=0x2000)) for i in range(N)]
    run(f"vrctl set vr0 limit-packets {N}", ns=s.a.r)
    s.a.r.sysctl("net.ipv4.ipfrag_time", 3)
    try:
        c, _ = s.flood(frames, held=most // 1280)
    finally:
        run(f"vrctl set vr0 limit-packets {LIMIT}", ns=s.a.r)
    # Linux looks at the limit before it takes one more
    at_most("memory of fragments", most + 65536, s.fragments()[1])
    some("punted", c["punt"]["local"])
    wait("fragments time out", lambda: s.fragments() == (0, 0))


def transit_fragments(s):
    """Not for the router: it does not put them together."""
    frames = [s.to(s.a, ip4("10.0.0.2", "10.0.1.2", payload=bytes(800), ident=i & 0xffff,
                            frag=(0x2000, 0x2064)[i & 1])) for i in range(N)]
    c, _ = s.flood(frames)
    at_most("peak of the queue", LIMIT + CONTROL, c["queued-peak"])
    expect("forwarded and dropped", c["rx-packets"] - sum(c["punt"].values()),
           c["forwarded-packets"] + c["drop"]["queue-packets"])
    expect("queues of fragments", 0, s.fragments()[0])


def unresolved(s):
    """One neighbour that does not answer."""
    frames = [s.to(s.a, packet("10.0.0.2", "10.0.1.99", sport=i)) for i in range(N)]
    # what waits is counted by its memory, 576 bytes at least
    c, _ = s.flood(frames, held=PENDING // 576)
    some("punted for their neighbour", c["punt"]["neighbour"])
    at_most("peak of the queue", LIMIT + CONTROL, c["queued-peak"])


def unresolved_many(s):
    """More neighbours than the kernel's table holds."""
    frames = []
    for _ in range(N):
        dst = socket.inet_ntop(socket.AF_INET6, in6("2001:db8:1::")[:8] + s.rng.randbytes(8))
        frames.append(s.to(s.a, packet("2001:db8::2", dst)))
    run(f"vrctl set vr0 limit-packets {N}", ns=s.a.r)
    try:
        c, _ = s.flood(frames, held=GC_THRESH3)
    finally:
        run(f"vrctl set vr0 limit-packets {LIMIT}", ns=s.a.r)
    some("punted for their neighbour", c["punt"]["neighbour"])
    at_most("neighbours", GC_THRESH3, neighbours(s, 6))


def router_down(s):
    s.a.down()
    try:
        c, _ = s.flood([s.to(s.a, packet("10.0.0.2", "10.0.1.2"))] * N, reach=False)
    finally:
        s.a.up()
        s.a.sync()
    expect("queued", 0, c["queued-peak"])


FLOODS = {
    "packets to forward": data_packets,
    "large packets to forward": data_bytes,
    "ARP": arp,
    "IPv6 neighbour discovery": nd,
    "broadcasts, many ports": broadcast,
    "unknown MAC addresses": unknown_mac,
    "groups nobody listens to": unknown_group,
    "TTL 1": ttl_one,
    "fragments for the router": fragments,
    "fragments to forward": transit_fragments,
    "a neighbour that is silent": unresolved,
    "many neighbours that are silent": unresolved_many,
    "router that is down": router_down,
}


def t_table():
    """Each flood has its row in the documentation."""
    with open(RST, encoding="utf-8") as f:
        text = f.read().split("What the wire can do\n")[1]
    lines = text.splitlines()
    rules = [i for i, line in enumerate(lines) if re.match(r"=+ +=+ +=+$", line)]
    width = lines[rules[0]].index(" ")
    rows = [line[:width].strip() for line in lines[rules[1] + 1:rules[2]]]
    expect("rows of the table", sorted(FLOODS), sorted(r for r in rows if r))


def main_flood():
    print(f"# VR_SEED={SEED}")
    state = []

    def one(function):
        if not state:
            state.append(Flood())
        function(state[0])
    tests = [("the table has each flood", t_table)]
    tests += [(name, lambda f=f: one(f)) for name, f in FLOODS.items()]
    main(tests)


if __name__ == "__main__":
    main_flood()
