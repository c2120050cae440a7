#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""usage: catch.py FILE, inside a rig: write what real programs and stacks send to each
other, a few frames of each kind, for the difference test to start from. They are kept
in a file so that the test is the same each time, and so that it need not wait."""
import base64
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from eq.frames2 import H, P  # noqa: E402
from vrtest import PACKET_IGNORE_OUTGOING, SOL_PACKET, Netns, run, wait  # noqa: E402

A = ("10.0.0.2", "10.0.1.2")
B = ("2001:db8:0::2", "2001:db8:1::2")
CAUGHT = 2000
EACH = 2
LARGE, LARGEST, LARGE_ONES = 600, 3100, 16  # bytes, bytes, frames


class Hosts:
    """Two hosts on one wire, with the addresses that they have on two in the test."""

    def __init__(self):
        base = f"eq{os.getpid()}"
        self.ns = [Netns(f"{base}a"), Netns(f"{base}b")]
        self.ns[0].batch([f"link add w0 type veth peer name w1 netns {self.ns[1].name}"])
        self.socks = [self._tap(i) for i in range(2)]
        for i, ns in enumerate(self.ns):
            ns.batch(["link set lo up", f"link set w{i} up", f"addr add {A[i]}/8 dev w{i}",
                      f"addr add {B[i]}/32 dev w{i}"])
        for s in self.socks:  # that the device was down
            s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        wait("addresses in use", lambda: not any(
            "tentative" in run("ip -6 addr show tentative", ns=ns) for ns in self.ns))

    def _tap(self, i):
        s = self.ns[i].packet_socket(f"w{i}")
        s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        s.setsockopt(SOL_PACKET, 15, 1)  # PACKET_VNET_HDR
        return s

    def offload(self, value):
        for i, ns in enumerate(self.ns):
            run(f"ethtool -K w{i} tso {value} gso {value} tx {value}", False, ns=ns)

    def caught(self):
        """What came since the last time: (wire that it goes in on, data)."""
        out = []
        for i, s in enumerate(self.socks):
            for n in range(20000):
                try:
                    data = s.recv(70000)
                except BlockingIOError:
                    break
                if n < CAUGHT:
                    out.append((1 - i, self._turn(1 - i, data)))
        return out

    def _turn(self, wire, data):
        """The frame as the router gets it."""
        dst = data[10:16] if data[10] & 1 else P[wire]
        return data[:10] + dst + H[wire] + data[22:]

    def serve(self, line):
        with self.ns[1]:
            return subprocess.Popen(line.split(), stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)


def programs():
    """iperf3 over TCP and UDP, ping, and the neighbour discovery and duplicate address
    detection of two kernels; with segments by software and by the receiver."""
    hosts = Hosts()
    # of DAD, MLD and router solicitations
    seeds = hosts.caught()
    for value in ("off", "on"):
        hosts.offload(value)
        for family, to in (("-4", A[1]), ("-6", B[1])):
            for more in ("", "-u -b 20M -l 1200", "-u -b 5M -l 3000"):
                server = hosts.serve("iperf3 -s -1")
                try:
                    wait("iperf3", lambda: not hosts.ns[0].attempt(
                        f"iperf3 {family} -c {to} -n 300K {more}").returncode, 10)
                finally:
                    server.kill()
                    server.wait()
                seeds += hosts.caught()
            for size in (0, 56, 1400, 4000):
                run(f"ping {family} -q -c 2 -i 0.01 -s {size} {to}", ns=hosts.ns[0])
            run(f"ping {family} -q -c 1 -t 5 -R {to}" if family == "-4" else
                f"ping {family} -q -c 1 {to}", False, ns=hosts.ns[0])
            seeds += hosts.caught()
    return seeds


def kind(wire, data):
    """Frames of one kind differ in their numbers alone: by protocol and flags, and by
    size, roughly."""
    f = data[10:]
    flags = f[46:48] if f[23:24] == b"\6" else f[66:68] if f[20:21] == b"\6" else f[34:35]
    return wire, data[:2], f[:1], f[12:16], f[20:24], flags, f[54:55], len(f) // 256


def main():
    seen, large = {}, 0
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("# SPDX-License-Identifier: GPL-2.0\n"
                  "# wire, struct virtio_net_hdr and frame; made by catch.py\n")
        for wire, data in programs():
            key = kind(wire, data)
            seen[key] = seen.get(key, 0) + 1
            large += len(data) > LARGE and seen[key] == 1
            if seen[key] <= EACH and len(data) <= LARGE or \
               seen[key] == 1 and large <= LARGE_ONES and len(data) <= LARGEST:
                out.write(f"{wire} {base64.b64encode(data).decode()}\n")


main()
