# SPDX-License-Identifier: GPL-2.0
"""Two routers that differ in the data plane alone: plain Linux on macvlan ports,
and vrouter on vrports. Each has NICs and wires of its own; all that can be seen
from outside, MAC addresses to begin with, is the same."""
import atexit
import errno
import itertools
import os
import select
import socket
import struct
import time

from mib import difference, snmp
from vrtest import (PACKET_AUXDATA, PACKET_IGNORE_OUTGOING, SOL_PACKET, Failure, Rig,
                    eth, expect, frame, icmp4, ip4, is_chatter, mac, put, run, wait)

PACKET_STATISTICS, PACKET_VNET_HDR, PACKET_QDISC_BYPASS = 6, 15, 20
VNET = 10  # bytes of struct virtio_net_hdr before each frame
MARK = b"\x02\x5e\xe1"  # first half of the sentinels' MAC address
NO_VNET = bytes(VNET)
ASKER = "10.0.{}.222"
DEADLINE = 10
# Timers would speak when they like: let none of them go off within the test.
NEVER = 36000
NEIGH = {"delay_first_probe_time": NEVER, "gc_stale_time": NEVER,
         "retrans_time_ms": NEVER * 1000, "base_reachable_time_ms": NEVER * 2000,
         "locktime": 0, "proxy_delay": 0, "anycast_delay": 0,
         # one packet waits at most: errors that did would use up the buffer of the
         # ICMP socket, which all namespaces have in common
         "unres_qlen_bytes": 0}
QUIET = {"net.ipv4.ipfrag_time": NEVER, "net.ipv6.ip6frag_time": NEVER,
         "net.ipv4.ipfrag_high_thresh": 1 << 28, "net.ipv6.ip6frag_high_thresh": 1 << 28,
         # what the rate of ICMP depends on is time
         "net.ipv4.icmp_ratelimit": 0, "net.ipv6.icmp.ratelimit": 0,
         "net.ipv4.icmp_msgs_per_sec": 10 ** 9, "net.ipv4.icmp_msgs_burst": 10 ** 9,
         "net.ipv4.conf.all.send_redirects": 0,
         "net.ipv4.conf.default.send_redirects": 0,
         # where membership reports cannot be had without, let them come at once
         "net.ipv4.igmp_qrv": 1,
         "net.ipv6.conf.default.mldv1_unsolicited_report_interval": 1,
         "net.ipv6.conf.default.mldv2_unsolicited_report_interval": 1}
MACHINE = {"/proc/sys/net/ipv6/mld_qrv": 1,
           "/proc/sys/net/ipv4/route/redirect_number": 1 << 30,
           "/proc/sys/net/core/netdev_max_backlog": 100000,
           **{f"/proc/sys/net/ipv{v}/neigh/default/gc_thresh{i}": 1 << 20
              for v in (4, 6) for i in (1, 2, 3)}}


class Linux(Rig):
    """The other side: as Rig, but nothing in it is of this module."""

    def _port(self, i, name):
        lower = f"eth{i}"
        if i in self.vlan:
            lower = f"eth{i}.{self.vlan[i]}"
            run(f"ip link add link eth{i} name {lower} type vlan id {self.vlan[i]}",
                ns=self.nic)
            run(f"ip link set {lower} up", ns=self.nic)
        run(f"ip link add link {lower} name {name} address {self.pmac[i]} type "
            "macvlan mode bridge", ns=self.nic)

    def _plane(self):
        return []

    def up(self, up=True):
        pass

    def sync(self):
        self.mark()

    def counters(self):
        return {}


def machine():
    """Settings that no namespace has of its own, until the end."""
    for path, value in MACHINE.items():
        if os.path.exists(path) and path not in machine.done:
            machine.done.add(path)
            with open(path, encoding="ascii") as f:
                atexit.register(put, path, f.read())
            put(path, str(value))


machine.done = set()


class Side:
    """One of the two, and the wires' ends: frames go in and out with a
    struct virtio_net_hdr before them, which tells of checksums and segments."""

    def __init__(self, make, n, **kw):
        machine()
        self.rig = rig = make(n, **kw)
        self.name = "plain Linux" if make is Linux else "the router"
        for s in rig.socks:
            s.close()
        self.down = set()
        self.snip = {i: struct.pack("!HH", 0x8100, v) for i, v in rig.vlan.items()}
        self._settle()
        self.rx = [self._receiver(i) for i in range(n)]
        self.poll = select.poll()
        for s in self.rx:
            self.poll.register(s, select.POLLIN)
        # one way into the wire is at once; the other waits for the next of the
        # qdisc's slots, so that a burst comes out of it
        rig.h.cmd(f"tc qdisc replace dev p{i} root netem slot 2ms 2ms limit 100000"
                  for i in range(n))
        self.tx = [[self._sender(i, at_once) for i in range(n)] for at_once in (0, 1)]

    def _settle(self):
        rig = self.rig
        for ns in (rig.r, rig.nic):
            for key, value in QUIET.items():
                with ns:
                    there = os.path.exists("/proc/sys/" + key.replace(".", "/"))
                if there:
                    ns.sysctl(key, value)
        for i in range(rig.n):
            for fam in ("ipv4", "ipv6"):
                for key, value in NEIGH.items():
                    rig.r.sysctl(f"net.{fam}.neigh.r{i}.{key}", value)
            rig.r.sysctl(f"net.ipv4.conf.r{i}.send_redirects", 0)
            for version in (1, 2):
                rig.r.sysctl(f"net.ipv6.conf.r{i}.mldv{version}_unsolicited_report_interval", 1)
        # a macvlan has a filter of groups as a NIC has; a vrport hears them all
        rig.r.batch([f"link set r{i} allmulticast on" for i in range(rig.n)] +
                    [f"addr flush dev r{i} scope link" for i in range(rig.n)])
        self.introduce(range(rig.n))

    def introduce(self, wires):
        """Whom the router answers the sentinels."""
        self.rig.r.batch(f"neigh replace {ASKER.format(i)} lladdr {self.rig.hmac[i]} dev r{i} "
                         "nud permanent" for i in wires)

    def _receiver(self, i):
        s = self.rig.h.packet_socket(f"p{i}")
        s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        return s

    def _sender(self, i, at_once):
        with self.rig.h:
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        s.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, at_once)
        s.setsockopt(socket.SOL_SOCKET, 32, 1 << 28)  # SO_SNDBUFFORCE
        with self.rig.h:
            s.bind((f"p{i}", 0))
        return s

    def _tag(self, i, data):
        return data[:VNET + 12] + self.snip[i] + data[VNET + 12:]

    def send(self, batch, at_once):
        """Send (wire, vnet header + frame)s; return how many the wire refused:
        too large for it, or a header that makes no sense."""
        out = [s.send for s in self.tx[at_once]]
        refused = 0
        for i, data in batch:
            if i in self.snip:
                data = self._tag(i, data)
            try:
                out[i](data)
            except OSError as e:
                if e.errno not in (errno.EMSGSIZE, errno.EINVAL, errno.ENOBUFS):
                    raise
                refused += 1
        return refused

    def sentinels(self, number):
        """What the router answers when it is through with all that came before:
        an echo in the queue of data, and a request to all, which is in the queue
        of control traffic, and on plain Linux in that of broadcast."""
        tail = struct.pack("!I", number)
        for i in self.wires():
            src = f"02:5e:e1:{tail[1]:02x}:{tail[2]:02x}:{tail[3]:02x}"
            ask = eth("ff:ff:ff:ff:ff:ff", src, 0x806,
                      struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + mac(src) + bytes(10) +
                      socket.inet_aton(f"10.0.{i}.1"))
            echo = ip4(ASKER.format(i), f"10.0.{i}.1", 1,
                       icmp4(8, 0, MARK[1:] + tail[2:], MARK + tail))
            yield i, NO_VNET + ask
            yield i, NO_VNET + frame(self.rig.pmac[i], self.rig.hmac[i], echo)

    def wires(self):
        return [i for i in range(self.rig.n) if i not in self.down]

    def collect(self, number):
        """All that comes out before the answers to the sentinels have all come."""
        tail = struct.pack("!I", number)
        arp, echo = MARK + tail[1:], MARK + tail
        waiting = {(i, kind) for i in self.wires() for kind in "ae"}
        got = [[] for _ in self.rx]
        end = time.monotonic() + DEADLINE
        while waiting:
            if time.monotonic() > end:
                raise Failure(f"{self.name}: answers of the sentinels, wire and kind: "
                              f"expected within {DEADLINE} s, actual not yet: {waiting}")
            self.poll.poll(100)
            for i, s in enumerate(self.rx):
                for data in self._take(i, s):
                    f = data[VNET:]
                    if f[:6] == arp:
                        waiting.discard((i, "a"))
                    elif f[42:49] == echo and f[34] == 0:
                        waiting.discard((i, "e"))
                    elif f[:3] != MARK and not is_chatter(f):
                        got[i].append(data)
        return got

    def _take(self, i, s):
        snip = self.snip.get(i)
        while True:
            try:
                data, anc, _, _ = s.recvmsg(70000, 64)
            except BlockingIOError:
                return
            except OSError as e:
                if e.errno == errno.ENETDOWN:
                    return
                raise
            for level, kind, aux in anc:
                if level == SOL_PACKET and kind == PACKET_AUXDATA and aux[0] & 0x10:
                    tci, tpid = struct.unpack("HH", aux[16:20])
                    tag = struct.pack("!HH", tpid if aux[0] & 0x40 else 0x8100, tci)
                    if tag != snip:
                        data = data[:VNET + 12] + tag + data[VNET + 12:]
                    break
            else:
                if snip:  # none where there should be one
                    data = data[:VNET + 12] + b"\0\0\0\0" + data[VNET + 12:]
            yield data

    def lost(self):
        """Frames that came faster than they were read: there must be none."""
        return sum(struct.unpack("II", s.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
                   for s in self.rx)

    def cmd(self, lines):
        """See Pair.cmd(). What ip can do at once it does at once."""
        batch = []
        for line in lines:
            line = line if callable(line) else line.replace("{T}", self.rig.table)
            if not callable(line) and line.startswith("ip ") and line[3] != "-":
                batch.append(line[3:])
                continue
            if batch:
                self.rig.r.batch(batch)
                batch = []
            self._do(line)
        if batch:
            self.rig.r.batch(batch)

    def _do(self, line):
        rig = self.rig
        if callable(line):
            line(self)
            return
        word, _, rest = line.partition(" ")
        if word == "DOWN":
            self.down.add(int(rest))
        elif word == "UP":
            self.down.discard(int(rest))
        elif word == "TRY":
            rig.r.attempt(rest)
        else:
            ns = {"N:": rig.nic, "H:": rig.h}.get(word)
            (ns or rig.r).cmd(rest if ns else line)


class Pair:
    """Both of them, with the same done to both."""

    def __init__(self, n=3, **kw):
        # what two CPUs send comes in any order
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        self.sides = [Side(Linux, n, **kw), Side(Rig, n, **kw)]
        self.linux, self.router = self.sides
        self.rig = self.router.rig
        self.number = itertools.count(1)

    def cmd(self, lines):
        """Do what the lines say in both. N: in the namespace of the NICs, H: at the
        ends of the wires, else in the router's. TRY: it may fail. DOWN n and UP n: the
        n-th wire is, or is not, one that nothing can be sent on. {T}: the table."""
        for side in self.sides:
            side.cmd(lines)
        for side in self.sides:
            side.rig.sync()
        self.rest()

    def forget(self):
        """The neighbours that nobody knows. What waits for them is answered now, and
        the answer may ask for another one: twice. In which order, and so how often it
        is asked, is as the hash table has it: this is not to be counted."""
        for side in self.sides:
            side.rig.r.cmd(["ip neigh flush all"] * 2)
        self.rest()

    def rest(self):
        """Wait until neither has anything to say by itself."""
        def calm():
            before = [snmp(s.rig) for s in self.sides]
            time.sleep(0.02)
            return before == [snmp(s.rig) for s in self.sides]
        wait("no counter moves", calm)
        for side in self.sides:
            for i, s in enumerate(side.rx):
                for _ in side._take(i, s):
                    pass

    def paused(self, batch, at_once):
        """As exchange(), but what follows a frame to many is not sent before all have
        heard it: a macvlan leaves these to a work."""
        got = [[[] for _ in range(self.rig.n)] for _ in self.sides]
        start = 0
        for k, (_, data) in enumerate(batch, 1):
            if data[VNET] & 1 or k == len(batch):
                for side, more in zip(got, self.exchange(batch[start:k], at_once)):
                    for wire, frames in zip(side, more):
                        wire += frames
                start = k
        return got

    def exchange(self, batch, at_once):
        """Through both; return what comes out of each, by wire."""
        number = next(self.number)
        got, refused = [], []
        down = self.linux.down
        if down:
            batch = [(i, data) for i, data in batch if i not in down]
        for side in self.sides:
            refused.append(side.send(batch, at_once))
            side.send(side.sentinels(number), at_once)
        for side in self.sides:
            got.append(side.collect(number))
        expect("frames that the wire refused, plain Linux's and the router's",
               refused[0], refused[1])
        return got

    def counters(self):
        return [snmp(s.rig) for s in self.sides]

    def moved(self, before):
        return [difference(b, snmp(s.rig)) for b, s in zip(before, self.sides)]
