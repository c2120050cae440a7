#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Every reason to give a packet to the Linux stack: a packet made for it is
counted under it and nowhere else, and what comes out is what plain Linux does."""
import os
import platform
import socket
import struct
import sys
from functools import partial

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from punts.cases import BOTH, CASES, NFT, REAL, release  # noqa: E402
from punts.packets import A4, A6, FAR4, H, P, anywhere, arp, bad, nothing, v4, v6  # noqa: E402
from vrtest import (Failure, Netns, Rig, Skip, addr, eth, expect, forwarded, frame,  # noqa: E402
                    icmp6, in6, ip6, is_chatter, mac, main, neutral, packet, run, text,
                    wait)

rig = None


# --- how a case runs ---------------------------------------------------------

def fill(lines):
    return [partial(x, rig) if callable(x) else x.replace("{T}", rig.table) for x in lines]


def own_addresses():
    return {addr(f"10.0.{i}.1") for i in range(3)} | {addr("198.51.104.44")}


def moved(before, after):
    d = {k: after["punt"][k] - before["punt"][k] for k in after["punt"]
         if after["punt"][k] != before["punt"][k]}
    for key in ("forwarded", "dropped"):
        n = after[f"{key}-packets"] - before[f"{key}-packets"]
        if n:
            d[key.upper()] = n
    return d


def plain():
    """IPv4 and IPv6 go the fast way."""
    before = rig.counters()
    got = rig.exchange([v4(), v6()], 2)
    expect("counters of plain packets", {"FORWARDED": 2}, moved(before, rig.counters()))
    anywhere([v4(), v6()], got)


def same_as_linux(case, sent, fast):
    own = own_addresses()
    rig.down()
    rig.r.cmd(fill(case.again))
    slow = rig.exchange(sent, len(fast))
    rig.up()
    expect("frames, as plain Linux", sorted(text((i, neutral(f, own)) for i, f in slow)),
           sorted(text((i, neutral(f, own)) for i, f in fast)))


def one(case):
    def test():
        for line in case.setup[:1]:
            if callable(line) and line.__qualname__.startswith("need."):
                line(rig)
        try:
            rig.r.cmd(fill(case.setup))
            if case.setup:
                rig.sync()
            before = rig.counters()
            # how many are to come is known only to those who look at them
            got = rig.exchange(case.frames)
            after = rig.counters()
            if case.n != "any":
                want = {case.reason or "FORWARDED": len(case.frames)}
                expect("counters", want, moved(before, after))
            if case.out:
                case.out(case.frames, got)
            same_as_linux(case, case.frames, got)
        finally:
            rig.r.cmd(fill(case.undo))
            release()
            if case.undo:
                rig.sync()
        plain()
    return test


# --- cases with a story ------------------------------------------------------

def seen(sniffer):
    """(address, frame)s that wait in a packet socket, but chatter."""
    while True:
        try:
            data, _, _, address = sniffer.recvmsg(2000)
        except BlockingIOError:
            return
        if not is_chatter(data):
            yield address, data


def tap(port, vrf_device=False):
    """A packet socket sees each packet once, and it goes the slow way."""
    def test():
        name = "red" if vrf_device else port
        sniffer = rig.r.packet_socket(name)
        try:
            before = rig.counters()
            sent = [v4(sport=i) for i in range(1, 6)] + [v6(sport=i) for i in range(1, 6)]
            got = rig.exchange(sent, 10)
            taken = [(a[2], data) for a, data in seen(sniffer)]
            expect("counters", {"tap": 10}, moved(before, rig.counters()))
            anywhere(sent, got)
            out = port == "r1" and not vrf_device
            kinds = {k for k, _ in taken}
            # the VRF device passes them to taps as if they left by it
            expect("direction", {4} if out or vrf_device else {0}, kinds)
            if out:
                expect("frames seen", sorted(f.hex() for _, f in got),
                       sorted(f.hex() for _, f in taken))
            else:
                # a VRF device shows them with a header of its own making
                expect("packets seen", sorted(f[14:].hex() for _, f in sent),
                       sorted(f[14:].hex() for _, f in taken))
        finally:
            sniffer.close()
        plain()
    return test


def tap_nic():
    """A packet socket on the NICs sees frames once, as they came, and they go the fast
    way (invariant 25)."""
    for name, out in (("eth0", False), ("eth1", True)):
        sniffer = rig.nic.packet_socket(name)
        try:
            before = rig.counters()
            sent = [v4(), v6()]
            got = rig.exchange(sent, 2)
            taken = [(a[2], data.hex()) for a, data in seen(sniffer)]
            expect("counters", {"FORWARDED": 2}, moved(before, rig.counters()))
            # not yet typed by the port's address: another host's
            want = [(4, f.hex()) for _, f in got] if out else \
                [(3, f.hex()) for _, f in sent]
            expect(f"seen on {name}", sorted(want), sorted(taken))
        finally:
            sniffer.close()


def tap_all():
    """A packet socket on everything sees every packet once at each port."""
    with rig.r:
        sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sniffer.setblocking(False)
    try:
        before = rig.counters()
        got = rig.exchange([v4(), v6()], 2)
        taken = [(a[0], data.hex()) for a, data in seen(sniffer) if a[0] in ("r0", "r1")]
        expect("counters", {"tap": 2}, moved(before, rig.counters()))
        expect("seen", sorted([("r0", f.hex()) for _, f in [v4(), v6()]] +
                              [("r1", f.hex()) for _, f in got]), sorted(taken))
    finally:
        sniffer.close()
    plain()


def tap_elsewhere():
    """A packet socket on everything in a namespace that has none of the devices sees
    nothing, and slows nobody down."""
    if platform.release().startswith("6.1."):
        raise Skip("Linux 6.1 shows nobody whose packet sockets there are")
    with Netns(f"vt{os.getpid()}-x"):
        sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    try:
        plain()
    finally:
        sniffer.close()


def resolve4():
    """Unknown neighbour: the stack asks, keeps the packet, and sends it; then the
    router does it."""
    def story():
        if "10.0.1.77" in run("ip neigh show dev r1", ns=rig.r):
            rig.r.cmd("ip neigh del 10.0.1.77 dev r1")
        ask = rig.exchange([v4("10.0.1.77")], 1)
        answer = rig.exchange([(1, arp(2, H[3], "10.0.1.77", P[1], "10.0.1.1", P[1]))], 1)
        return ask + answer

    before = rig.counters()
    fast = story()
    expect("counters", {"neighbour": 1, "not-ip": 1}, moved(before, rig.counters()))
    want = [(1, arp(1, P[1], "10.0.1.1", "00:00:00:00:00:00", "10.0.1.77",
                    "ff:ff:ff:ff:ff:ff")),
            (1, frame(H[3], P[1], forwarded(packet(A4, "10.0.1.77"))))]
    expect("frames", text(want), text(fast))
    before = rig.counters()
    rig.exchange([v4("10.0.1.77")], 1)
    expect("counters once it is known", {"FORWARDED": 1}, moved(before, rig.counters()))
    rig.down()
    slow = story()
    rig.up()
    expect("frames, as plain Linux", text(slow), text(fast))
    rig.r.cmd("ip neigh del 10.0.1.77 dev r1")


def resolve6():
    dst = "2001:db8:1::77"

    def story():
        if dst in run("ip -6 neigh show dev r1", ns=rig.r):
            rig.r.cmd(f"ip -6 neigh del {dst} dev r1")
        ask = rig.exchange([v6(dst)], 1)
        expect("frames", 1, len(ask))
        ns = ask[0][1]
        expect("neighbour solicitation for", (135, in6(dst).hex()),
               (ns[54], ns[62:78].hex()))
        to = socket.inet_ntop(socket.AF_INET6, ns[22:38])
        na = icmp6(dst, to, 136, 0, b"\x60\0\0\0", in6(dst) + b"\2\1" + mac(H[3]))
        answer = rig.exchange([(1, frame(P[1], H[3], ip6(dst, to, 58, na, hlim=255)))], 1)
        return ask + answer

    before = rig.counters()
    fast = story()
    got = moved(before, rig.counters())
    expect("packets punted because of the neighbour", 1, got.pop("neighbour", 0))
    if got not in ({"local": 1}, {"martian": 1}):
        raise Failure(f"counters: expected local or martian 1, actual {got}")
    expect("frame", text([(1, frame(H[3], P[1], forwarded(packet(A6, dst))))]),
           text(fast[1:]))
    before = rig.counters()
    rig.exchange([v6(dst)], 1)
    expect("counters once it is known", {"FORWARDED": 1}, moved(before, rig.counters()))
    rig.down()
    slow = story()
    rig.up()
    expect("frames, as plain Linux", text(slow), text(fast))
    rig.r.cmd(f"ip -6 neigh del {dst} dev r1")


def stale():
    """A neighbour that has grown stale is asked again, while packets flow."""
    rig.r.cmd(["ip neigh replace 10.0.1.78 lladdr " + H[3] + " dev r1 nud stale",
               "sysctl net.ipv4.neigh.r1.delay_first_probe_time=1"])
    try:
        before = rig.counters()
        got = rig.exchange([v4("10.0.1.78")], 1)
        expect("counters", {"FORWARDED": 1}, moved(before, rig.counters()))
        expect("frames", text([(1, frame(H[3], P[1], forwarded(
            packet(A4, "10.0.1.78"))))]), text(got))

        def probed():
            return any(f[12:14] == b"\x08\x06" and f[:6] == mac(H[3])
                       for _, f in rig.exchange([]))
        wait("probe of the neighbour", probed)
    finally:
        rig.r.cmd(["ip neigh del 10.0.1.78 dev r1",
                   "sysctl net.ipv4.neigh.r1.delay_first_probe_time=5"])


def unresolved():
    """Nobody answers: host unreachable, from the stack."""
    rig.r.cmd(["sysctl net.ipv4.neigh.r1.retrans_time_ms=50",
               "sysctl net.ipv6.neigh.r1.retrans_time_ms=50"])
    try:
        before = rig.counters()
        rig.flush()
        rig.send(*v4("10.0.1.79"))
        rig.send(*v6("2001:db8:1::79"))
        kinds = set()

        def unreachable():
            for i, f in rig.exchange([]):
                if i == 0 and f[12:14] == b"\x08\x00":
                    kinds.add((4, f[34], f[35]))
                elif i == 0:
                    kinds.add((6, f[54], f[55]))
            return len(kinds) == 2
        wait("two unreachables", unreachable)
        expect("ICMP types and codes", {(4, 3, 1), (6, 1, 3)}, kinds)
        expect("counters", {"neighbour": 2}, moved(before, rig.counters()))
    finally:
        rig.r.cmd(["sysctl net.ipv4.neigh.r1.retrans_time_ms=1000",
                   "sysctl net.ipv6.neigh.r1.retrans_time_ms=1000"])


def bypass():
    """Hooks that the operator wants to be passed by."""
    rig.r.cmd([NFT.format("inet", "filter", "forward", ""),
               "nft add rule inet t c counter drop",
               f"vrctl set {rig.name} netfilter bypass"])
    try:
        before = rig.counters()
        got = rig.exchange(BOTH, 2)
        expect("counters", {"FORWARDED": 2}, moved(before, rig.counters()))
        anywhere(BOTH, got)
        # what is punted is the stack's, with its hooks
        got = rig.exchange([bad(options=b"\1\1\1\0")])
        nothing(None, got)
        rig.r.cmd(f"vrctl set {rig.name} netfilter honour")
        before = rig.counters()
        nothing(None, rig.exchange(BOTH))
        expect("counters", {"netfilter": 2}, moved(before, rig.counters()))
    finally:
        rig.r.cmd([f"vrctl set {rig.name} netfilter honour", "nft delete table inet t"])
    plain()


def mirror():
    """A router that has just come up has no routes yet: the stack forwards."""
    for _ in range(20):
        rig.down()
        before = rig.counters()
        rig.r.set_up(rig.name, True)
        got = rig.exchange(BOTH, 2)
        wait("active", lambda: rig.show()["state"] == "active")
        d = moved(before, rig.counters())
        anywhere(BOTH, got)
        if d.get("mirror"):
            if set(d) - {"mirror", "FORWARDED"} or sum(d.values()) != 2:
                raise Failure(f"counters: expected mirror and forwarded, 2 in "
                              f"all, actual {d}")
            plain()
            return
    raise Skip("the mirror was faster than 20 packets")


def vlan_leftover():
    """A second tag is left after the port's own."""
    global rig
    keep = rig
    rig = Rig(2, vlan={0: 10}, tag=5)
    try:
        rig.r.cmd(fill(REAL))
        rig.sync()
        dst, src = rig.pmac[0], rig.hmac[0]
        inner = struct.pack("!HH", 20, 0x800) + packet(A4, FAR4)
        before = rig.counters()
        got = rig.exchange([(0, eth(dst, src, 0x8100, inner, vlan=10))])
        expect("counters", {"vlan": 1}, moved(before, rig.counters()))
        nothing(None, got)
        before = rig.counters()
        got = rig.exchange([(0, frame(dst, src, packet(A4, FAR4), vlan=10))], 1)
        expect("counters", {"FORWARDED": 1}, moved(before, rig.counters()))
        # other tags, and none: not the port's frames
        before = rig.counters()
        got = rig.exchange([(0, frame(dst, src, packet(A4, FAR4), vlan=v))
                            for v in (None, 11, 0)], rx=0)
        nothing(None, got)
        expect("counters", {}, moved(before, rig.counters()))
    finally:
        rig.gone()
        rig = keep


def start(vrf):
    def test():
        global rig
        if rig:
            rig.gone()
        rig = Rig(3, vrf=vrf)
        rig.r.cmd(fill(REAL))
        if not vrf:
            rig.r.batch([f"link add x0 type veth peer name px netns {rig.h.name}",
                         "link set x0 up", "addr add 10.0.9.1/24 dev x0",
                         "addr add 2001:db8:9::1/64 dev x0 nodad",
                         f"neigh add 10.0.9.2 lladdr {H[3]} dev x0 nud permanent",
                         f"neigh add 2001:db8:9::2 lladdr {H[3]} dev x0 nud permanent",
                         "link add red2 type vrf table 102", "link set red2 up"])
            # a VRF brings its rules with it
            rig.r.cmd(["ip rule del l3mdev", "ip -6 rule del l3mdev"])
            rig.h.cmd("ip link set px up")
            rig.socks.append(rig.h.packet_socket("px"))
        rig.sync()
        plain()
    return test


def tests(vrf):
    where = "VRF" if vrf else "namespace"
    yield f"{where}: plain packets", start(vrf)
    for case in CASES:
        if case.vrf is True or case.vrf == ("only" if vrf else False):
            yield f"{where}: {case.reason or 'not punted'}: {case.name}", one(case)
    for name, test in (("tap: on the way in", tap("r0")),
                       ("tap: on the way out", tap("r1")),
                       ("tap: on all devices", tap_all),
                       ("not punted: tap on the NIC", tap_nic),
                       ("not punted: tap on all devices of another namespace",
                        tap_elsewhere),
                       ("neighbour: IPv4, asked for and found", resolve4),
                       ("neighbour: IPv6, asked for and found", resolve6),
                       ("neighbour: never found", unresolved),
                       ("not punted: stale neighbour", stale),
                       ("netfilter: bypass and honour", bypass),
                       ("mirror: not yet built", mirror)):
        yield f"{where}: {name}", test
    if vrf:
        yield f"{where}: tap: on the VRF device", tap("r0", True)
    else:
        yield "vlan: second tag", vlan_leftover


if __name__ == "__main__":
    main(list(tests(False)))
