# SPDX-License-Identifier: GPL-2.0
"""Numbered packets of several flows all the time, each to be found again: who lost
how many, and where they came out."""
import struct
import threading
import time

from vrtest import Failure, expect, own_frame, receive

MARK = b"a flow has numbers"


class Flow:
    """Packets from a wire of a rig to another one."""

    def __init__(self, rig, wire, out, dst):
        self.rig, self.wire, self.out, self.dst = rig, wire, out, dst
        self.sent, self.got, self.twice = 0, {}, 0

    def lost(self, since=0):
        return self.sent - since - sum(1 for n in self.got if n >= since)


class Flows:
    """with Flows(rig, [Flow...]) as flows: they flow, from a thread."""

    def __init__(self, rig, flows, pause=0.002):
        self.h, self.n, self.flows, self.pause = rig.h, rig.n, flows, pause
        self.socks = {}
        self.lock = threading.Lock()
        self.end = False
        self.error = None
        self.strange = []
        self.thread = threading.Thread(target=self._run)

    def open(self, wire):
        """Listen on a wire, also after it was made anew."""
        with self.lock:
            old = self.socks.pop(wire, None)
            if old:
                old.close()
            self.socks[wire] = self.h.packet_socket(f"p{wire}")

    def _run(self):
        try:
            while not self.end:
                with self.lock:
                    self._send()
                    self._collect()
                time.sleep(self.pause)
        except Exception as e:  # who waits for the flows is to hear of it
            self.error = e

    def _send(self):
        for number, flow in enumerate(self.flows):
            for _ in range(2):
                data = MARK + struct.pack("!HI", number, flow.sent)
                try:
                    self.socks[flow.wire].send(own_frame(flow.rig, flow.wire, flow.dst, data))
                except OSError:
                    break       # this wire is down or gone
                flow.sent += 1

    def _collect(self):
        for wire, sock in self.socks.items():
            while True:
                try:
                    got = receive(sock)
                except OSError:
                    break
                if got is None:
                    break
                self._take(wire, got)

    def _take(self, wire, got):
        # errors quote a packet of ours
        if got[-24:-6] != MARK or got[20 if got[12] == 0x86 else 23] != 17:
            return
        number, seq = struct.unpack("!HI", got[-6:])
        flow = self.flows[number]
        if wire != flow.out or got[:6] != bytes.fromhex(
                flow.rig.hmac[wire].replace(":", "")):
            self.strange.append((wire, got.hex()))
        elif seq in flow.got:
            flow.twice += 1
        else:
            flow.got[seq] = time.monotonic()

    def __enter__(self):
        for wire in range(self.n):
            self.open(wire)
        self.thread.start()
        self.pass_through(*self.flows)
        return self

    def __exit__(self, *_):
        self.end = True
        self.thread.join()
        end = time.monotonic() + 5
        while any(flow.lost() for flow in self.flows) and time.monotonic() < end:
            self._collect()
            time.sleep(0.01)
        for sock in self.socks.values():
            sock.close()

    def pass_through(self, *flows, number=20):
        """Wait until so many packets of each flow come through that are sent from now
        on."""
        before = [flow.sent for flow in flows]
        end = time.monotonic() + 20
        while True:
            if self.error:
                raise self.error
            with self.lock:
                got = [sum(1 for n in list(flow.got) if n >= first)
                       for flow, first in zip(flows, before)]
            if all(n >= number for n in got):
                return
            if time.monotonic() > end:
                raise Failure(f"packets of flows that should pass: expected {number} or more "
                              f"of each, actual {got}")
            time.sleep(0.01)

    def check(self, *whole):
        """Nothing came out where it should not, or twice; those flows lost nothing."""
        if self.error:
            raise self.error
        expect("packets that came out where they should not", [], self.strange[:3])
        for number, flow in enumerate(self.flows):
            expect(f"flow {number}: packets that came twice", 0, flow.twice)
        for flow in whole:
            number = self.flows.index(flow)
            expect(f"flow {number}: packets lost of {flow.sent}", 0, flow.lost())
