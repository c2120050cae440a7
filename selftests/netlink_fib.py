#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""fib-get of the generic netlink family: what would become of a packet, and why."""
import os
import socket
import sys

sys.path.append(os.path.dirname(os.path.abspath(__file__)) + "/lib")
# pylint: disable=wrong-import-position
from nlrig import main_red
from rtnl import packed
from vrtest import Failure, expect, run, wait


# what, how to get there, how to get back ("" undoes "add" by "del"), question, answer;
# the commands are ip's in the router's namespace, or others after "!"
FIB = [
    ("connected", "", "", {"dst": "10.0.1.2"},
     {"verdict": "forward", "prefix": "10.0.1.0", "prefix-len": 24, "oif-name": "red1",
      "lladdr": "02:00:00:00:00:b1", "mtu": 1500, "paths": 1, "gateway": None,
      "reason": None}),
    ("connected, IPv6", "", "", {"dst": "fd01::2"},
     {"verdict": "forward", "prefix": "fd01::", "prefix-len": 64, "oif-name": "red1",
      "lladdr": "02:00:00:00:00:b1", "mtu": 1500}),
    ("with source and port", "", "", {"dst": "10.0.1.2", "src": "10.0.0.2", "iif": 0},
     {"verdict": "forward", "oif-name": "red1"}),
    ("gateway", "route add 10.7.0.0/16 via 10.0.1.2", "", {"dst": "10.7.1.1"},
     {"verdict": "forward", "prefix": "10.7.0.0", "prefix-len": 16,
      "gateway": "10.0.1.2", "lladdr": "02:00:00:00:00:b1"}),
    ("gateway, IPv6", "-6 route add fd07::/16 via fd01::2", "", {"dst": "fd07::1"},
     {"verdict": "forward", "gateway": "fd01::2", "prefix-len": 16}),
    ("IPv6 gateway of an IPv4 route", "route add 10.7.0.0/16 via inet6 fd01::2 dev red1",
     "route del 10.7.0.0/16", {"dst": "10.7.1.1"},
     {"verdict": "forward", "gateway": "fd01::2"}),
    ("route with an MTU", "route add 10.7.0.0/16 via 10.0.1.2 mtu 1400", "",
     {"dst": "10.7.1.1"}, {"verdict": "forward", "mtu": 1400}),
    ("two paths", "route add 10.7.0.0/16 nexthop via 10.0.1.2 nexthop via 10.0.0.2",
     "route del 10.7.0.0/16", {"dst": "10.7.1.1"}, {"paths": 2, "prefix-len": 16}),
    ("default route", "route add default via 10.0.1.2", "", {"dst": "8.8.8.8"},
     {"verdict": "forward", "prefix": "0.0.0.0", "prefix-len": 0}),
    ("no route", "", "", {"dst": "8.8.8.8"}, {"verdict": "punt", "reason": "no-route",
                                               "prefix": None, "oif": None}),
    ("no route, IPv6", "", "", {"dst": "2001:db8::1"},
     {"verdict": "punt", "reason": "no-route"}),
    ("local", "", "", {"dst": "10.0.1.1"}, {"verdict": "punt", "reason": "local"}),
    ("local, IPv6", "", "", {"dst": "fd01::1"}, {"verdict": "punt", "reason": "local"}),
    ("subnet broadcast", "", "", {"dst": "10.0.1.255"}, {"verdict": "punt"}),
    ("broadcast", "", "", {"dst": "255.255.255.255"},
     {"verdict": "punt", "reason": "multicast"}),
    ("multicast", "", "", {"dst": "224.0.0.5"}, {"verdict": "punt", "reason": "multicast"}),
    ("multicast, IPv6", "", "", {"dst": "ff02::5"},
     {"verdict": "punt", "reason": "multicast"}),
    ("loopback", "", "", {"dst": "127.0.0.1"}, {"verdict": "punt", "reason": "martian"}),
    ("loopback, IPv6", "", "", {"dst": "::1"}, {"verdict": "punt", "reason": "martian"}),
    ("link-local, IPv6", "", "", {"dst": "fe80::77"},
     {"verdict": "punt", "reason": "martian"}),
    ("zero net", "", "", {"dst": "0.0.0.0"}, {"verdict": "punt", "reason": "martian"}),
    ("own source", "", "", {"dst": "10.0.1.2", "src": "10.0.0.1"},
     {"verdict": "punt", "reason": "martian"}),
    ("multicast source", "", "", {"dst": "10.0.1.2", "src": "224.0.0.5"},
     {"verdict": "punt", "reason": "martian"}),
    ("loopback source", "", "", {"dst": "10.0.1.2", "src": "127.0.0.1"},
     {"verdict": "punt", "reason": "martian"}),
    ("link-local source, IPv6", "", "", {"dst": "fd01::2", "src": "fe80::77"},
     {"verdict": "punt", "reason": "martian"}),
    ("multicast source, IPv6", "", "", {"dst": "fd01::2", "src": "ff02::5"},
     {"verdict": "punt", "reason": "martian"}),
    ("source from elsewhere", "!sysctl -qw net.ipv4.conf.red0.rp_filter=1",
     "!sysctl -qw net.ipv4.conf.red0.rp_filter=0",
     {"dst": "10.0.1.2", "src": "10.0.1.7", "iif": 0},
     {"verdict": "punt", "reason": "rp-filter"}),
    ("source from there", "!sysctl -qw net.ipv4.conf.red0.rp_filter=1",
     "!sysctl -qw net.ipv4.conf.red0.rp_filter=0",
     {"dst": "10.0.1.2", "src": "10.0.0.7", "iif": 0}, {"verdict": "forward"}),
    ("source without a route", "!sysctl -qw net.ipv4.conf.red0.rp_filter=2",
     "!sysctl -qw net.ipv4.conf.red0.rp_filter=0",
     {"dst": "10.0.1.2", "src": "203.0.113.7", "iif": 0},
     {"verdict": "punt", "reason": "rp-filter"}),
    ("blackhole", "route add blackhole 10.8.0.0/16", "", {"dst": "10.8.0.1"},
     {"verdict": "punt", "reason": "route-type", "prefix-len": 16}),
    ("unreachable", "route add unreachable 10.8.0.0/16", "", {"dst": "10.8.0.1"},
     {"verdict": "punt", "reason": "route-type"}),
    ("prohibit", "-6 route add prohibit fd08::/32", "", {"dst": "fd08::1"},
     {"verdict": "punt", "reason": "route-type"}),
    ("throw", "route add throw 10.8.0.0/16", "", {"dst": "10.8.0.1"},
     {"verdict": "punt", "reason": "route-type"}),
    ("no neighbour", "", "", {"dst": "10.0.1.77"},
     {"verdict": "punt", "reason": "neighbour", "prefix-len": 24, "oif-name": "red1",
      "lladdr": None}),
    ("no neighbour, IPv6", "", "", {"dst": "fd01::77"},
     {"verdict": "punt", "reason": "neighbour"}),
    ("encapsulation", "route add 10.8.0.0/16 encap ip id 5 dst 10.0.1.2 via 10.0.1.2",
     "route del 10.8.0.0/16", {"dst": "10.8.0.1"}, {"verdict": "punt", "reason": "encap"}),
    ("device that is no port", "link add dum0 up type dummy;route add 10.8.0.0/16 dev dum0",
     "link del dum0", {"dst": "10.8.0.1"}, {"verdict": "punt", "reason": "nexthop-device"}),
    ("out where it came in", "", "", {"dst": "10.0.0.2", "iif": 0},
     {"verdict": "punt", "reason": "same-port", "oif-name": "red0"}),
    ("forwarding off", "!sysctl -qw net.ipv4.conf.red0.forwarding=0",
     "!sysctl -qw net.ipv4.conf.red0.forwarding=1", {"dst": "10.0.1.2", "iif": 0},
     {"verdict": "punt", "reason": "forwarding"}),
    ("forwarding off, IPv6", "!sysctl -qw net.ipv6.conf.all.forwarding=0",
     "!sysctl -qw net.ipv6.conf.all.forwarding=1", {"dst": "fd01::2", "iif": 0},
     {"verdict": "punt", "reason": "forwarding"}),
    ("rule", "rule add from 10.55.0.0/16 table 55", "", {"dst": "10.0.1.2"},
     {"verdict": "punt", "reason": "rules"}),
    ("IPsec policy", "xfrm policy add src 10.55.0.0/16 dst 10.56.0.0/16 dir fwd action block",
     "xfrm policy flush", {"dst": "10.0.1.2"}, {"verdict": "punt", "reason": "xfrm"}),
    ("qdisc on the port", "!tc qdisc add dev red1 root pfifo",
     "!tc qdisc del dev red1 root", {"dst": "10.0.1.2"},
     {"verdict": "punt", "reason": "tc"}),
    ("netfilter", "!nft add table ip t;!nft add chain ip t c "
     "{ type filter hook forward priority 0 ; }",
     "!nft delete table ip t", {"dst": "10.0.1.2"},
     {"verdict": "punt", "reason": "netfilter"}),
    ("port that is down", "link set red1 down",
     "link set red1 up;addr replace fd01::1/64 dev red1 nodad;"
     "neigh replace 10.0.1.2 lladdr 02:00:00:00:00:b1 dev red1;"
     "neigh replace fd01::2 lladdr 02:00:00:00:00:b1 dev red1",
     {"dst": "10.0.1.2"}, {"verdict": "punt"}),
    ("router that is down", "link set vr-red down", "link set vr-red up",
     {"dst": "10.0.1.2"}, {"verdict": "punt", "reason": "mirror"}),
    ("router that is up again", "", "", {"dst": "10.0.1.2"}, {"verdict": "forward"}),
]


def commands(red, text):
    """Run commands of the table."""
    for line in filter(None, (part.strip() for part in text.split(";!"))):
        for part in [line] if "{" in line else line.split(";"):
            line = part[1:] if part.startswith("!") else part
            run(line if part.startswith(("!", "nft", "tc")) else "ip " + line, ns=red.ns)


def plain(name, value):
    """An answer's attribute as the table has it."""
    if name in ("prefix", "gateway") and isinstance(value, bytes):
        return socket.inet_ntop(socket.AF_INET if len(value) == 4 else socket.AF_INET6,
                                value)
    if name == "lladdr" and isinstance(value, bytes):
        return value.hex(":")
    return value


def t_fib(red, case):
    """One question."""
    _, there, back, question, want = case
    values = {"router-name": "vr-red", "dst": packed(question["dst"])}
    if "src" in question:
        values["src"] = packed(question["src"])
    if "iif" in question:
        values["iif"] = red.port[question["iif"]]
    if not back:
        back = there.replace("add", "del")
    commands(red, there)
    got = {}

    def test():
        reply = red.fam.do("fib-get", values)
        got.clear()
        got.update({k: plain(k, reply.get(k)) for k in want})
        return got == want
    try:
        # the mirror follows the kernel's tables in its own time
        wait("", test, 30)
    except Failure:
        expect("answer", want, got)
    finally:
        commands(red, back)


def t_fib_tap(red):
    """A packet socket on the way out."""
    with red.ns, socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as tap:
        tap.bind(("red1", 3))
        reply = red.fam.do("fib-get", {"router-name": "vr-red",
                                       "dst": packed("10.0.1.2")})
    expect("answer", ("punt", "tap"), (reply["verdict"], reply.get("reason")))


def t_fib_bypass(red):
    """Netfilter hooks are honoured, or not, as set."""
    commands(red, "!nft add table ip t;!nft add chain ip t c "
                  "{ type filter hook forward priority 0 ; }")
    try:
        ask = {"router-name": "vr-red", "dst": packed("10.0.1.2")}
        expect("reason", "netfilter", red.fam.do("fib-get", ask).get("reason"))
        expect("state", ("fallback", "netfilter"),
               (red.get()["state"], red.get().get("fallback-reason")))
        red.fam.do("router-set", {"ifname": "vr-red", "netfilter": 2})
        expect("verdict with bypass", "forward", red.fam.do("fib-get", ask)["verdict"])
        expect("state with bypass", "active", red.get()["state"])
        red.fam.do("router-set", {"ifname": "vr-red", "netfilter": 1})
        expect("state with honour", "fallback", red.get()["state"])
    finally:
        commands(red, "!nft delete table ip t")
    expect("state without hooks", "active", red.get()["state"])


TESTS = [
    ("fib-get: tap", t_fib_tap),
    ("fib-get: netfilter honoured and bypassed", t_fib_bypass),
] + [("fib-get: " + c[0], lambda red, c=c: t_fib(red, c)) for c in FIB]


if __name__ == "__main__":
    main_red(TESTS)
