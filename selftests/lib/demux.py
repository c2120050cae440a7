#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Send frames onto a wire and out of ports, and tell who gets them.

usage: demux.py TABLE HOST-MAC NAME=NAMESPACE:DEVICE...
TABLE is one of those below. The device "wire" is the other end of the NIC,
"nic" the NIC itself. Prints "ok<TAB>case" or "fail<TAB>case<TAB>why" for each
case, then "end".
"""
import ctypes
import os
import select
import socket
import struct
import sys
import time

ETH_P_ALL = 3
ETH_P_TEST = 0x88b5             # for experiments: no tap, no protocol of Linux
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_AUXDATA = 263, 1, 8
PACKET_MR_PROMISC = 1
TP_STATUS_VLAN_VALID = 0x10
TYPES = ["host", "broadcast", "multicast", "other", "outgoing"]
DEADLINE = 15                   # seconds, for slow machines

BROADCAST = "ff:ff:ff:ff:ff:ff"
GROUP = "01:00:5e:7f:00:01"     # that all ports listen to
GROUP_B0 = "01:00:5e:7f:00:02"  # that one port does
NO_GROUP = "01:00:5e:7f:00:03"
WIRE = "02:00:00:00:00:99"      # a station on the wire
STRANGER = "02:00:00:00:00:77"  # nobody's address
FOREIGN = "02:00:00:00:00:fe"   # a station behind a port
A0 = A10 = "02:00:00:00:00:0a"  # one address in two VLANs
B0 = "02:00:00:00:00:0b"
B10 = "02:00:00:00:00:1b"
B20 = "02:00:00:00:00:2b"
DOWN = "02:00:00:00:00:0d"      # of a port that is down
UPPER = "02:00:00:00:00:ee"     # of a macvlan on port a0
NIC = "NIC"                     # stands for the NIC's own

# Where sentinels must arrive: VLAN -> receivers
SENTINELS = {None: ["a0", "b0"], 10: ["a10", "b10"], 20: ["b20"]}

# (case, sender, destination, source, tags, who gets it as what)
# The receiver "nic" is the host's stack; one with a question mark may get it, or
# not. A tag is a VLAN, or (type, VLAN).
BASE = [
    ("unicast to a port", "wire", A0, WIRE, [], {"a0": "host"}),
    ("unicast to the other port", "wire", B0, WIRE, [], {"b0": "host"}),
    ("unicast in a VLAN", "wire", B10, WIRE, [10], {"b10": "host"}),
    ("unicast in another VLAN", "wire", B20, WIRE, [20], {"b20": "host"}),
    ("one address in two VLANs", "wire", A10, WIRE, [10], {"a10": "host"}),
    ("unicast to the NIC", "wire", NIC, WIRE, [], {"nic": "host"}),
    ("broadcast", "wire", BROADCAST, WIRE, [],
     {"a0": "broadcast", "b0": "broadcast", "nic": "broadcast"}),
    ("broadcast in a VLAN", "wire", BROADCAST, WIRE, [10],
     {"a10": "broadcast", "b10": "broadcast"}),
    ("broadcast in another VLAN", "wire", BROADCAST, WIRE, [20], {"b20": "broadcast"}),
    ("broadcast in a VLAN without ports", "wire", BROADCAST, WIRE, [30], {}),
    ("multicast", "wire", GROUP, WIRE, [],
     {"a0": "multicast", "b0": "multicast", "nic": "multicast"}),
    ("multicast to one port's group", "wire", GROUP_B0, WIRE, [],
     {"b0": "multicast", "nic": "multicast"}),
    # a NIC has a filter, too
    ("multicast to nobody's group", "wire", NO_GROUP, WIRE, [], {"nic?": "multicast"}),
    ("multicast to one port's group, in another VLAN", "wire", GROUP_B0, WIRE, [10], {}),
    ("multicast in a VLAN", "wire", GROUP, WIRE, [10],
     {"a10": "multicast", "b10": "multicast"}),
    ("priority tag, unicast", "wire", A0, WIRE, [0xe000], {"a0": "host"}),
    ("priority tag, broadcast", "wire", BROADCAST, WIRE, [0x2000],
     {"a0": "broadcast", "b0": "broadcast", "nic": "broadcast"}),
    ("priority tag of a service", "wire", A0, WIRE, [(0x88a8, 0xe000)], {"a0": "host"}),
    ("priority tag of a service, broadcast", "wire", BROADCAST, WIRE, [(0x88a8, 0)],
     {"a0": "broadcast", "b0": "broadcast", "nic": "broadcast"}),
    ("VLAN tag with a priority", "wire", B10, WIRE, [0xe000 | 10], {"b10": "host"}),
    ("unknown address", "wire", STRANGER, WIRE, [], {}),
    ("unknown address in a VLAN", "wire", STRANGER, WIRE, [10], {}),
    ("address of a VLAN's port, untagged", "wire", B10, WIRE, [], {}),
    ("address of a VLAN's port, in another VLAN", "wire", B10, WIRE, [20], {}),
    ("address of an untagged port, tagged", "wire", B0, WIRE, [30], {}),
    ("service tag", "wire", B10, WIRE, [(0x88a8, 10)], {}),
    ("service tag and tag", "wire", B10, WIRE, [(0x88a8, 100), 10], {}),
    ("two tags", "wire", B10, WIRE, [10, 20], {"b10": "other"}),
    ("address of a port that is down", "wire", DOWN, WIRE, [], {}),
    ("port to port", "a0", B0, A0, [], {"b0": "host"}),
    ("port to port in a VLAN", "a10", B10, A10, [], {"b10": "host"}),
    ("port to a port in another VLAN", "b20", B10, B20, [], {"wire": 20}),
    ("port to the wire", "a0", WIRE, A0, [], {"wire": None}),
    ("port to the wire in a VLAN", "b20", WIRE, B20, [], {"wire": 20}),
    ("port to a port that is down", "a0", DOWN, A0, [], {"wire": None}),
    ("broadcast from a port", "a0", BROADCAST, A0, [],
     {"b0": "broadcast", "wire": None}),
    ("multicast from a port", "b0", GROUP, B0, [],
     {"a0": "multicast", "wire": None}),
    ("multicast from a port to one port's group", "a0", GROUP_B0, A0, [],
     {"b0": "multicast", "wire": None}),
    ("multicast from a port to its own group", "b0", GROUP_B0, B0, [], {"wire": None}),
    ("broadcast from a VLAN's port", "b10", BROADCAST, B10, [],
     {"a10": "broadcast", "wire": 10}),
    ("broadcast from the only port of a VLAN", "b20", BROADCAST, B20, [], {"wire": 20}),
    # the tag is in the frame
    ("port to a port of a VLAN, tagged", "a0", B20, A0, [20], {"b20": "host"}),
    ("port to an untagged port, tagged", "a0", B0, A0, [20], {"wire": 20}),
    ("broadcast from a port, tagged", "a0", BROADCAST, A0, [20],
     {"b20": "broadcast", "wire": 20}),
    ("port to the wire, tagged", "a0", WIRE, A0, [10], {"wire": 10}),
    ("broadcast from a port, with a priority tag", "a0", BROADCAST, A0, [0xe000],
     {"b0": "broadcast", "wire": 0}),
]

TABLES = {
    "base": BASE,
    "promisc": [
        ("unknown address", "wire", STRANGER, WIRE, [], {"a0": "other"}),
        ("unknown address in a VLAN", "wire", STRANGER, WIRE, [10], {}),
        ("unicast to the port", "wire", A0, WIRE, [], {"a0": "host"}),
        # the host's own: no NIC's filter would show them
        ("unicast to the NIC", "wire", NIC, WIRE, [], {"nic": "host"}),
        ("broadcast once", "wire", BROADCAST, WIRE, [],
         {"a0": "broadcast", "b0": "broadcast", "nic": "broadcast"}),
    ],
    "groups": [
        ("multicast to nobody's group", "wire", NO_GROUP, WIRE, [],
         {"a0": "multicast", "nic": "multicast"}),
        ("multicast to another port's group", "wire", GROUP_B0, WIRE, [],
         {"a0": "multicast", "b0": "multicast", "nic": "multicast"}),
        ("multicast from a port to nobody's group", "b0", NO_GROUP, B0, [],
         {"a0": "multicast", "wire": None}),
    ],
    "macvlan": [
        ("unicast to it", "wire", UPPER, WIRE, [], {"mv": "host"}),
        ("unicast to the port", "wire", A0, WIRE, [], {"a0": "host"}),
        ("broadcast", "wire", BROADCAST, WIRE, [],
         {"a0": "broadcast", "mv": "broadcast", "b0": "broadcast", "nic": "broadcast"}),
        ("unicast from a port", "b0", UPPER, B0, [], {"mv": "host"}),
        ("unicast to a port", "mv", B0, UPPER, [], {"b0": "host"}),
        ("unicast to the wire", "mv", WIRE, UPPER, [], {"wire": None}),
        ("broadcast from it", "mv", BROADCAST, UPPER, [],
         {"b0": "broadcast", "wire": None}),
    ],
    # a0 is in a bridge; st is a station behind it
    "bridge": [
        ("unicast to the station", "wire", FOREIGN, WIRE, [], {"st": "host"}),
        ("broadcast", "wire", BROADCAST, WIRE, [],
         {"st": "broadcast", "b0": "broadcast", "nic": "broadcast"}),
        ("unicast from the station", "st", WIRE, FOREIGN, [], {"wire": None}),
        ("unicast from the station to a port", "st", B0, FOREIGN, [], {"b0": "host"}),
        # the port must not get back what it sent
        ("broadcast from the station", "st", BROADCAST, FOREIGN, [],
         {"b0": "broadcast", "wire": None}),
        ("unicast from the station after it", "wire", FOREIGN, WIRE, [], {"st": "host"}),
        # as with macvlan: ports know each other's addresses only
        ("unicast from a port to the station", "b0", FOREIGN, B0, [], {"wire": None}),
    ],
    # a0 sends for a station behind it
    "foreign": [
        ("broadcast from a station behind a port", "a0", BROADCAST, FOREIGN, [],
         {"b0": "broadcast", "wire": None}),
        ("unicast from a station behind a port", "a0", B0, FOREIGN, [], {"b0": "host"}),
    ],
    # VLAN devices of VLANs 30 and 20 on port a0; port b20 is in VLAN 20, too
    "vlan": [
        ("unicast to it", "wire", A0, WIRE, [30], {"a0.30": "host"}),
        ("broadcast", "wire", BROADCAST, WIRE, [30], {"a0.30": "broadcast"}),
        ("unicast from it", "a0.30", WIRE, A0, [], {"wire": 30}),
        ("unicast in another VLAN", "wire", A10, WIRE, [10], {"a10": "host"}),
        ("untagged unicast", "wire", A0, WIRE, [], {"a0": "host"}),
        ("unicast from it to a port", "a0.20", B20, A0, [], {"b20": "host"}),
        ("unicast from a port", "b20", A0, B20, [], {"a0.20": "host"}),
        ("broadcast from it", "a0.20", BROADCAST, A0, [], {"b20": "broadcast", "wire": 20}),
        ("broadcast from a port", "b20", BROADCAST, B20, [],
         {"a0.20": "broadcast", "wire": 20}),
    ],
    # VLAN devices of service VLAN 30 on each of the ports a0 and b0, and of VLAN 20 on a0
    "service": [
        ("unicast to it", "wire", A0, WIRE, [(0x88a8, 30)], {"a0.s30": "host"}),
        ("broadcast", "wire", BROADCAST, WIRE, [(0x88a8, 30)],
         {"a0.s30": "broadcast", "b0.s30": "broadcast"}),
        ("unicast in the VLAN of that number", "wire", A0, WIRE, [30], {}),
        ("broadcast in the VLAN of that number", "wire", BROADCAST, WIRE, [30], {}),
        ("unicast in another service VLAN", "wire", A0, WIRE, [(0x88a8, 20)], {}),
        ("broadcast in another service VLAN", "wire", BROADCAST, WIRE, [(0x88a8, 20)], {}),
        ("unicast to a VLAN's port, with its number", "wire", B20, WIRE, [(0x88a8, 20)], {}),
        ("unicast from it", "a0.s30", WIRE, A0, [], {"wire": 30}),
        ("unicast from it to another", "a0.s30", B0, A0, [], {"b0.s30": "host"}),
        ("broadcast from it", "a0.s30", BROADCAST, A0, [],
         {"b0.s30": "broadcast", "wire": 30}),
        ("unicast from a port to it, tagged", "b0", A0, B0, [(0x88a8, 30)],
         {"a0.s30": "host"}),
    ],
    # a VLAN device of VLAN 40 on each of the ports a10 and b10
    "qinq": [
        ("unicast from one to the other", "a10.40", B10, A10, [], {"b10.40": "host"}),
        # of two tags, the wire's end tells the inner one
        ("broadcast from one to the other", "b10.40", BROADCAST, B10, [],
         {"a10.40": "broadcast", "wire": 40}),
        ("unicast to it", "wire", A10, WIRE, [10, 40], {"a10.40": "host"}),
        ("broadcast to both", "wire", BROADCAST, WIRE, [10, 40],
         {"a10.40": "broadcast", "b10.40": "broadcast"}),
    ],
}


def mac(text):
    """Six bytes."""
    return bytes.fromhex(text.replace(":", ""))


def enter(name):
    """Go to a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open("/run/netns/" + name, os.O_RDONLY)
    if libc.setns(fd, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns " + name)
    os.close(fd)


class Tap:
    """The end of a device: sends, and receives test frames."""

    def __init__(self, name, namespace, device):
        enter(namespace)
        self.name = name
        self.device = device
        # two sockets: the receiving one must not look like a tap on a port
        self.tx = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.tx.bind((device, 0))
        proto = ETH_P_ALL if name == "wire" else ETH_P_TEST
        self.rx = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(proto))
        self.rx.bind((device, proto))
        self.rx.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        if name == "wire":
            mreq = struct.pack("=iHH8s", socket.if_nametoindex(device),
                               PACKET_MR_PROMISC, 0, b"")
            self.rx.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, mreq)

    def receive(self):
        """Return (number of the test frame, VLAN, packet type), or None."""
        # the name of the device is looked up in the socket's namespace
        data, anc, _, addr = self.rx.recvmsg(2048, 512)
        vlan = None
        for level, kind, raw in anc:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, tci = struct.unpack_from("=I12xH", raw)
                if status & TP_STATUS_VLAN_VALID:
                    vlan = tci & 0xfff
        kind = struct.unpack_from("!H", data, 12)[0]
        pos = 14
        if kind == 0x8100:
            vlan, kind = struct.unpack_from("!HH", data, 14)
            vlan &= 0xfff
            pos = 18
        # what goes on to an upper device is seen here in passing
        if addr[0] != self.device:
            return None
        if kind != ETH_P_TEST or data[pos:pos + 4] != b"vrtr":
            return None
        return struct.unpack_from("!I", data, pos + 4)[0], vlan, TYPES[addr[2]]


class Rig:
    """All devices."""

    def __init__(self, host_mac, taps):
        self.host_mac = host_mac
        self.taps = taps
        self.number = int(time.time() * 1000) & 0x3fffffff
        self.poll = select.poll()
        self.by_fd = {}
        for tap in taps.values():
            self.poll.register(tap.rx, select.POLLIN)
            self.by_fd[tap.rx.fileno()] = tap
        self.seen = {}

    def send(self, sender, dst, src, tags):
        """Send a test frame, return its number."""
        self.number += 1
        frame = mac(self.host_mac if dst == NIC else dst) + mac(src)
        for tag in tags:
            kind, vlan = tag if isinstance(tag, tuple) else (0x8100, tag)
            frame += struct.pack("!HH", kind, vlan)
        frame += struct.pack("!H4sI", ETH_P_TEST, b"vrtr", self.number)
        self.taps[sender].tx.send(frame.ljust(60, b"\0"))
        return self.number

    def collect(self, wanted):
        """Receive until all (number, receiver) are seen; return those missing."""
        end = time.monotonic() + DEADLINE
        wanted = set(wanted)
        while True:
            wanted = {w for w in wanted
                      if not any(t == w[1] for t, _, _ in self.seen.get(w[0], []))}
            left = end - time.monotonic()
            if not wanted or left < 0:
                return wanted
            for fd, _ in self.poll.poll(left * 1000):
                tap = self.by_fd[fd]
                got = tap.receive()
                if got:
                    self.seen.setdefault(got[0], []).append((tap.name,) + got[1:])

    def sentinels(self):
        """What was sent before has arrived, if it does at all, when these have."""
        wanted = []
        for vlan, receivers in SENTINELS.items():
            n = self.send("wire", BROADCAST, WIRE, [] if vlan is None else [vlan])
            wanted += [(n, r) for r in receivers if r in self.taps]
            if "st" in self.taps and vlan is None:
                wanted = [w for w in wanted if w[1] != "a0"] + [(n, "st")]
        # and the other way, for the wire
        n = self.send("b0", WIRE, B0, [])
        return self.collect(wanted + [(n, "wire")])

    def run(self, case):
        """Return what is wrong with a case, or None."""
        _, sender, dst, src, tags, expected = case
        n = self.send(sender, dst, src, tags)
        self.collect([(n, r) for r in expected if not r.endswith("?")])
        late = self.sentinels()
        if late:
            return "sentinels do not arrive: %s" % sorted(r for _, r in late)
        got = []
        for name, vlan, kind in self.seen.get(n, []):
            if name == "wire":
                if kind != "outgoing":
                    got.append((name, vlan))
            elif not (name == "nic" and kind == "other"):
                # frames for others on the NIC itself are its filter's business
                got.append((name, kind))
        may = [(r[:-1], kind) for r, kind in expected.items() if r.endswith("?")]
        want = [item for item in expected.items() if not item[0].endswith("?")]
        if sorted((g for g in got if g not in may), key=str) != sorted(want, key=str):
            return "expected %s, got %s" % (sorted(expected.items(), key=str),
                                            sorted(got, key=str))
        return None


def main(argv):
    """Run a table."""
    taps = {}
    for arg in argv[3:]:
        name, _, where = arg.partition("=")
        namespace, _, device = where.partition(":")
        taps[name] = Tap(name, namespace, device)
    rig = Rig(argv[2], taps)
    late = rig.sentinels()
    if late:
        print("fail\tfirst frames\tthey do not arrive: %s" % sorted(r for _, r in late))
    for case in TABLES[argv[1]]:
        wrong = rig.run(case)
        print("fail\t%s\t%s" % (case[0], wrong) if wrong else "ok\t%s\t" % case[0],
              flush=True)
    print("end\t\t")


if __name__ == "__main__":
    main(sys.argv)
