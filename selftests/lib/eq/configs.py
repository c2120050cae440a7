# SPDX-License-Identifier: GPL-2.0
"""The configurations that both routers get. For the words of a line see Pair.cmd()."""
import os
from collections import namedtuple

from vrtest import addr, run, wait

from .mutate import ETH, VNET
from .sides import NEVER

# kind: which pair of routers; parts: corpora that are sent in full; punts: reasons
# for punting that must be seen; share: how much of all the router must forward by
# itself, in percent; steps: done one after the other, between batches; mode: 0 bursts
# only, 1 one by one only; uncounted: counters that may differ, and why; own: addresses
# that NAT gives to what the router itself sends; only: nothing but the parts; but:
# not those of which this is true; pauses: what comes after a broadcast waits for it.
Config = namedtuple("Config", "name setup undo kind parts punts share steps mode uncounted "
                    "own only but pauses", defaults=((), (), "plain", (), (), 0, (), None, {},
                                                     (), False, None, False))

ROUTES = [
    "ip route add {T} 0.0.0.0/0 via 10.0.1.2",
    "ip route add {T} 198.51.100.0/24 via 10.0.1.2",
    "ip route add {T} 192.0.2.0/24 via 10.0.2.2",
    "ip route add {T} 10.9.0.0/16 via 10.0.0.2",
    "ip route add {T} 198.18.0.0/15 nexthop via 10.0.1.2 nexthop via 10.0.2.2 weight 2",
    "ip route add {T} unreachable 100.64.0.0/16",
    "ip route add {T} blackhole 100.65.0.0/16",
    "ip route add {T} prohibit 100.66.0.0/16",
    "ip route add {T} throw 100.67.0.0/16",
    "ip route add {T} 100.68.0.0/16 via 10.0.2.2 mtu 1300",
    "ip route add {T} ::/0 via 2001:db8:1::2",
    "ip route add {T} 2001:db8:ff::/64 via 2001:db8:1::2",
    "ip route add {T} 2001:db8:fe::/64 via 2001:db8:2::2",
    "ip route add {T} 2001:db8:f0::/48 via 2001:db8:0::2",
    "ip route add {T} 2001:db8:a0::/48 nexthop via 2001:db8:1::2 "
    "nexthop via 2001:db8:2::2 weight 2",
    "ip route add {T} unreachable 2001:db8:b0::/48",
    "ip route add {T} blackhole 2001:db8:b1::/48",
    "ip route add {T} prohibit 2001:db8:b2::/48",
    "ip route add {T} throw 2001:db8:b3::/48",
    "ip route add {T} 2001:db8:b4::/48 via 2001:db8:2::2 mtu 1300"]
BASIC = ("options", "ttl", "header", "martian", "local", "multicast", "route-type")


def conf(key, value, old=None, fam="46"):
    """Set a sysctl of all ports in one or both families: (setup, undo)."""
    keys = [f"net.ipv{f}.conf.{n}.{key}" for f in fam for n in ("all", "r0", "r1", "r2")]
    old = (0 if value else 1) if old is None else old
    return ([f"sysctl {k}={value}" for k in keys], [f"sysctl {k}={old}" for k in keys])


def revive(side):
    """A port that was down has lost what its addresses and neighbours were, and IPv6
    routes over it."""
    side.rig.revive(2)
    side.introduce([2])
    side.rig.r.cmd(["ip link set r2 allmulticast on", "ip addr flush dev r2 scope link"])
    for line in ROUTES:
        if "2001:db8:2::2" in line:
            side.rig.r.attempt(line.replace("{T}", side.rig.table).replace("add", "replace"))
    for line in (ROUTES[2], ROUTES[4], ROUTES[9]):
        side.rig.r.attempt(line.replace("{T}", side.rig.table).replace("add", "replace"))


def carrier(up):
    def test(side):
        def there():
            flag = "LOWER_UP" in run("ip link show r2", ns=side.rig.r)
            dead = "linkdown" in run(f"ip route show {side.rig.table} 192.0.2.0/24",
                                     ns=side.rig.r)
            return flag == up and dead != up
        wait(f"carrier of {side.rig.name} {'on' if up else 'off'}", there)
    return test


def tap(side):
    side.held = side.rig.r.packet_socket("r0")


def untap(side):
    side.held.close()


def link_local(side):
    """Addresses that the ports do without elsewhere, since redirects need them."""
    side.rig.r.batch(f"addr add fe80::1{i}/64 dev r{i} nodad" for i in range(3))


def no_link_local(side):
    side.rig.r.batch(f"addr flush dev r{i} scope link" for i in range(3))


def features(side, value, gro):
    off = f"tso {value} gso {value} tx {value} sg {value} tx-udp-segmentation {value}"
    for i in range(3):
        run(f"ethtool -K eth{i} {off} gro {gro}", False, ns=side.rig.nic)


def gro(value, on):
    return lambda side: features(side, value, on)


def patient(side):
    """What connection tracking holds of fragments must not time out within the test."""
    with side.rig.r:
        there = os.path.exists("/proc/sys/net/netfilter/nf_conntrack_frag6_timeout")
    if there:
        side.rig.r.sysctl("net.netfilter.nf_conntrack_frag6_timeout", NEVER)
        side.rig.r.sysctl("net.netfilter.nf_conntrack_frag6_high_thresh", 1 << 28)


def both(*pairs):
    return ([x for s, _ in pairs for x in s], [x for _, u in reversed(pairs) for x in u])


NFT = """nft table inet t {
 chain come { type filter hook prerouting priority -150; ip dscp cs3 drop; ip6 dscp cs3 drop;
  tcp flags syn tcp option maxseg size set 1200; }
 chain way { type filter hook forward priority 0; udp dport 2000 ip ttl 9 reject;
  ip6 hoplimit 9 reject with icmpv6 type admin-prohibited; ip protocol 89 drop;
  ip length 84 meta mark set 7; frag more-fragments 1 drop; }
 chain go { type filter hook postrouting priority 0; ip dscp cs2 ip dscp set cs1;
  ip6 dscp cs2 ip6 dscp set cs1; }
}"""
# To and from addresses that no other packet has: where two flows would become one, NAT
# gives one of them a random port.
NAT = """nft table ip n {
 chain come { type nat hook prerouting priority -100; ip daddr 198.51.100.7 dnat to 172.30.99.201; }
 chain go { type nat hook postrouting priority 100;
  ip saddr 10.0.0.2 oif r2 snat to 172.30.99.202; }
}
table ip6 n {
 chain come { type nat hook prerouting priority -100;
  ip6 daddr 2001:db8:ff::7 dnat to 2001:db8:c7:9::c9; }
}"""
DNATTED = (addr("198.51.100.7"), addr("2001:db8:ff::7"))
SNATTED = addr("10.0.0.2")


def clash(data):
    """A packet of a flow whose other direction, sent before, was given another address:
    its answer would be what that one was, so that NAT gives it a random port."""
    kind, ip = data[VNET + 12:VNET + ETH], data[VNET + ETH:]
    if kind == b"\x08\x00":
        return ip[12:16] in DNATTED or ip[16:20] == SNATTED
    return kind == b"\x86\xdd" and ip[8:24] in DNATTED


INPUT = """nft table inet i {
 chain in { type filter hook input priority 0; udp dport 2000 drop; }
 chain out { type filter hook output priority 0; ip protocol tcp drop; }
}"""
REDIRECTS = """nft table ip6 o {
 chain out { type filter hook output priority 0; icmpv6 type nd-redirect drop; }
}"""
REQUESTS = {f"{port}Ip6OutRequests": "redirects are counted before netfilter drops them"
            for port in ("", "r0 ", "r1 ", "r2 ")}
GRO = {"*": "GRO merges what comes together: as many packets as luck has it count as one"}

OBJECTS = ["ip nexthop add id 1 via 10.0.1.2 dev r1", "ip nexthop add id 2 via 10.0.2.2 dev r2",
           "ip nexthop add id 3 via 2001:db8:1::2 dev r1",
           "ip nexthop add id 4 via 2001:db8:2::2 dev r2",
           "ip nexthop add id 5 blackhole", "ip nexthop add id 10 group 1/2,3",
           "ip nexthop add id 11 group 3,2/4,3",
           "ip route replace {T} 198.18.0.0/15 nhid 10",
           "ip route replace {T} 198.51.100.0/24 nhid 1",
           "ip route replace {T} 192.0.2.0/24 nhid 2",
           "ip route replace {T} 2001:db8:ff::/64 nhid 3",
           "ip route del {T} 2001:db8:a0::/48", "ip route add {T} 2001:db8:a0::/48 nhid 11"]
NO_OBJECTS = ["ip route replace {T} 198.18.0.0/15 nexthop via 10.0.1.2 nexthop via 10.0.2.2 "
              "weight 2", "ip route replace {T} 198.51.100.0/24 via 10.0.1.2",
              "ip route replace {T} 192.0.2.0/24 via 10.0.2.2",
              "ip route del {T} 2001:db8:ff::/64", "ip route del {T} 2001:db8:a0::/48",
              ROUTES[11], ROUTES[14], "ip nexthop flush"]
CHANGES = [["ip nexthop replace id 1 via 10.0.2.2 dev r2"],
           ["ip nexthop replace id 10 group 2"], ["ip nexthop replace id 1 blackhole"],
           ["ip nexthop replace id 1 via 10.0.1.2 dev r1"],
           ["ip nexthop replace id 10 group 1,4/2,1"],
           ["ip nexthop replace id 11 group 4"], ["ip nexthop replace id 11 group 3,4"],
           ["ip nexthop replace id 3 via 2001:db8:2::2 dev r2"],
           ["ip nexthop replace id 3 via 2001:db8:1::2 dev r1"]]
MOVES = [["ip route replace {T} 198.51.100.0/24 via 10.0.2.2"],
         ["ip route add {T} 198.51.100.0/25 via 10.0.1.2", "ip route add {T} 198.51.100.7/32 "
          "via 10.0.2.2", "ip route add {T} 2001:db8:ff::7/128 via 2001:db8:2::2"],
         ["ip route del {T} 198.51.100.7/32", "ip route del {T} 2001:db8:ff::7/128"],
         ["ip route replace {T} blackhole 198.51.100.0/25"],
         ["ip route del {T} 198.51.100.0/25", "ip route replace {T} 198.51.100.0/24 via 10.0.1.2"],
         ["ip neigh replace 10.0.1.2 lladdr 02:00:00:00:00:77 dev r1 nud permanent"],
         ["ip neigh replace 10.0.1.2 lladdr 02:00:00:00:00:21 dev r1 nud permanent"]]

KNOWN = [[f"ip neigh replace {a} lladdr 02:00:00:00:00:22 dev r2 nud {state}"
          for a in ("10.0.2.2", "2001:db8:2::2")] for state in ("reachable", "stale", "failed")]
STILL = ["TRY ip route del {T} 198.51.100.0/25", "TRY ip route del {T} 198.51.100.7/32",
         "TRY ip route del {T} 2001:db8:ff::7/128", MOVES[4][1], MOVES[6][0]]


def sysctls():
    for value in (1, 2):
        yield Config(f"rp_filter {value}", *conf("rp_filter", value, 0, "4"),
                     punts=("rp-filter",), parts=("sources",), share=20)
    for policy in (1, 2, 3):
        fields = [f"sysctl net.ipv{f}.fib_multipath_hash_fields=63" for f in (4, 6)]
        yield Config(f"hash policy {policy}",
                     [f"sysctl net.ipv{f}.fib_multipath_hash_policy={policy}" for f in (4, 6)]
                     + fields,
                     [f"sysctl net.ipv{f}.fib_multipath_hash_policy=0" for f in (4, 6)],
                     parts=("cuts",), share=10 if policy > 1 else 30, punts=("multipath",))
    yield Config("multipath by neighbours", ["sysctl net.ipv4.fib_multipath_use_neigh=1"],
                 ["sysctl net.ipv4.fib_multipath_use_neigh=0"], punts=("multipath",))
    yield Config("IPv4 forwarding off on a port", ["sysctl net.ipv4.conf.r0.forwarding=0"],
                 ["sysctl net.ipv4.conf.r0.forwarding=1"], punts=("forwarding",))
    yield Config("IPv6 forwarding off", ["sysctl net.ipv6.conf.all.forwarding=0"],
                 ["sysctl net.ipv6.conf.all.forwarding=1"], punts=("forwarding",))
    yield Config("IPv6 disabled on the port out", ["sysctl net.ipv6.conf.r2.disable_ipv6=1"],
                 ["sysctl net.ipv6.conf.r2.disable_ipv6=0", revive])
    # invariant 45
    yield Config("errors from the address that packets came in on",
                 ["sysctl net.ipv4.icmp_errors_use_inbound_ifaddr=1"],
                 ["sysctl net.ipv4.icmp_errors_use_inbound_ifaddr=0"], share=20)
    yield Config("own and loopback addresses from outside", *both(
        conf("accept_local", 1, 0, "4"), conf("route_localnet", 1, 0, "4")), punts=("martian",))
    yield Config("directed broadcast", *conf("bc_forwarding", 1, 0, "4"), punts=("multicast",))
    yield Config("priorities kept, learned MTUs used",
                 ["sysctl net.ipv4.ip_forward_update_priority=0",
                  "sysctl net.ipv4.ip_forward_use_pmtu=1", "sysctl net.ipv4.ip_default_ttl=77"],
                 ["sysctl net.ipv4.ip_forward_update_priority=1",
                  "sysctl net.ipv4.ip_forward_use_pmtu=0", "sysctl net.ipv4.ip_default_ttl=64"])
    yield Config("proxies", *both(conf("proxy_arp", 1, 0, "4"), conf("proxy_ndp", 1, 0, "6")),
                 punts=("config",))
    yield Config("no source routes, unicast in many frames dropped", *both(
        conf("accept_source_route", 1, 0), conf("drop_unicast_in_l2_multicast", 1, 0)))


def routes():
    yield Config("nexthop objects, changed", OBJECTS, NO_OBJECTS, steps=CHANGES, share=20)
    yield Config("routes changed", (), STILL, steps=MOVES, share=20)
    yield Config("no default routes", ["ip route del {T} 0.0.0.0/0", "ip route del {T} ::/0"],
                 [ROUTES[0], ROUTES[10]], punts=("no-route",))
    yield Config("rules", ["ip rule add from 10.9.0.0/16 lookup 77", "ip rule add iif r0 tos 0x10 "
                           "lookup 77", "ip rule add to 203.0.113.0/24 prohibit",
                           "ip route add 0.0.0.0/0 via 10.0.2.2 table 77",
                           "ip -6 rule add from 2001:db8:f0::/48 lookup 77",
                           "ip route add ::/0 via 2001:db8:2::2 table 77"],
                 ["ip rule del from 10.9.0.0/16", "ip rule del iif r0 tos 0x10",
                  "ip rule del to 203.0.113.0/24", "ip -6 rule del from 2001:db8:f0::/48",
                  "ip route flush table 77", "ip -6 route flush table 77"], punts=("rules",))
    yield Config("routes by TOS and by source",
                 ["ip route add {T} 198.51.100.0/24 tos 0x10 via 10.0.2.2",
                  "ip route add {T} 2001:db8:ff::/64 from 2001:db8:f0::/48 via 2001:db8:2::2"],
                 ["ip route del {T} 198.51.100.0/24 tos 0x10",
                  "ip route del {T} 2001:db8:ff::/64 from 2001:db8:f0::/48"],
                 punts=("route-unsupported",))
    yield Config("encapsulation", [
        "ip route add {T} 198.51.100.0/26 encap ip id 5 dst 10.0.1.2 via 10.0.1.2 dev r1",
        "ip route add {T} 2001:db8:ff::/96 encap ip6 id 5 dst 2001:db8:1::2 via 2001:db8:1::2 "
        "dev r1"], ["ip route del {T} 198.51.100.0/26", "ip route del {T} 2001:db8:ff::/96"],
        punts=("encap",))
    yield Config("IPv4 over IPv6 neighbours", [
        "ip route replace {T} 198.51.100.0/24 via inet6 2001:db8:1::2 dev r1",
        "ip route replace {T} 198.18.0.0/15 nexthop via 10.0.1.2 nexthop via inet6 2001:db8:2::2"],
        [NO_OBJECTS[1], NO_OBJECTS[0]], share=20)
    yield Config("a port down", ["ip link set r2 down", "DOWN 2"], ["UP 2", revive], share=20)
    yield Config("no carrier", ["DOWN 2", "H: ip link set p2 down", carrier(False)],
                 ["H: ip link set p2 up", carrier(True), "UP 2", revive], punts=("nexthop-dead",))
    dead = conf("ignore_routes_with_linkdown", 1, 0)
    yield Config("no carrier, passed over",
                 [*dead[0], "DOWN 2", "H: ip link set p2 down", carrier(False)],
                 ["H: ip link set p2 up", carrier(True), "UP 2", revive, *dead[1]])
    # Whether ARP of others may change a neighbour depends on how long ago it was changed,
    # and whether there is a redirect on how long ago the last one was. What a macvlan
    # hears by broadcast it hears later than a packet that comes next.
    locktime = "sysctl net.ipv4.neigh.r1.locktime={}".format
    yield Config("neighbours unknown", [
        locktime(100000), "ip neigh del 10.0.2.2 dev r2",
        "ip neigh del 2001:db8:2::2 dev r2", link_local, REDIRECTS,
        "ip neigh replace 10.0.1.2 lladdr 02:00:00:00:00:21 dev r1 nud stale",
        "ip neigh replace 2001:db8:1::2 lladdr 02:00:00:00:00:21 dev r1 nud stale"],
        [locktime(100), "ip neigh flush dev r2", "ip neigh flush dev r1", no_link_local,
         "nft delete table ip6 o",
         "ip neigh replace 10.0.2.2 lladdr 02:00:00:00:00:22 dev r2 nud permanent",
         "ip neigh replace 2001:db8:2::2 lladdr 02:00:00:00:00:22 dev r2 nud permanent",
         "ip neigh replace 10.0.1.2 lladdr 02:00:00:00:00:21 dev r1 nud permanent",
         "ip neigh replace 2001:db8:1::2 lladdr 02:00:00:00:00:21 dev r1 nud permanent"],
        # the last packet waits for each: in a burst control traffic would be before it
        steps=KNOWN, punts=("neighbour",), mode=1, uncounted=REQUESTS, pauses=True)
    # a source gets one at once and then, by a limit of time, perhaps another one:
    # each packet is from and for somebody else
    on = conf("send_redirects", 1, 0, "4")
    yield Config("redirects", [
        *on[0], link_local, "ip route add {T} 198.51.106.0/24 via 10.0.0.3",
        "ip route add {T} 2001:db8:a6::/48 via fe80::3 dev r0",
        "ip neigh add 10.0.0.3 lladdr 02:00:00:00:00:23 dev r0 nud permanent",
        "ip neigh add fe80::3 lladdr 02:00:00:00:00:23 dev r0 nud permanent"],
        ["ip neigh del 10.0.0.3 dev r0", "ip neigh del fe80::3 dev r0",
         "ip route del {T} 198.51.106.0/24", "ip route del {T} 2001:db8:a6::/48",
         no_link_local, *on[1]], parts=("hairpins",), only=True, punts=("same-port",))


def sizes():
    """Invariants 43 and 44; and 38: what the router notes in skb->cb must not come out
    as options of fragments and errors that the stack makes."""
    for mtu in (1400, 1280):
        yield Config(f"MTU {mtu} on the way out", [f"ip link set r1 mtu {mtu}"],
                     ["ip link set r1 mtu 1500"], punts=("mtu",), parts=("segments", "sizes"))
    yield Config("MTU 9000 on the way in", ["ip link set r0 mtu 9000"],
                 ["ip link set r0 mtu 1500"], punts=("mtu",), parts=("segments", "splits"))
    yield Config("NICs without offloads", [gro("off", "off")], [gro("on", "off")],
                 parts=("segments", "sums"))
    yield Config("GRO, one by one", [gro("off", "on")], [gro("on", "off")], mode=1,
                 parts=("trains", "segments"), share=20)
    yield Config("GRO, bursts", [gro("off", "on")], [gro("on", "off")], mode=0,
                 parts=("trains",), uncounted=GRO)


def hooks():
    yield Config("netfilter", [NFT], ["nft delete table inet t"], punts=("netfilter",))
    yield Config("NAT", ["ip route add {T} 172.30.99.201/32 via 10.0.2.2",
                         "ip route add {T} 2001:db8:c7:9::c9/128 via 2001:db8:2::2", NAT,
                         patient],
                 ["nft delete table ip n; delete table ip6 n",
                  "ip route del {T} 172.30.99.201/32", "ip route del {T} 2001:db8:c7:9::c9/128"],
                 punts=("netfilter",), own=("198.51.100.7", "172.30.99.202", "2001:db8:ff::7"),
                 but=clash)
    yield Config("netfilter on the router itself", [INPUT], ["nft delete table inet i"], share=20)
    yield Config("tc on the way in", [
        "tc qdisc add dev r0 clsact",
        "tc filter add dev r0 ingress protocol ip flower ip_tos 0x20 action drop",
        "tc filter add dev r0 ingress protocol ipv6 flower dst_ip 2001:db8:fe::/48 "
        "action drop"], ["tc qdisc del dev r0 clsact"], punts=("tc",))
    yield Config("tc on the way out", [
        "tc qdisc add dev r1 clsact",
        "tc filter add dev r1 egress protocol ip flower ip_tos 0x20 action drop",
        "tc qdisc add dev r2 root pfifo limit 1000"],
        ["tc qdisc del dev r1 clsact", "tc qdisc del dev r2 root"], punts=("tc",))
    yield Config("a packet socket on a port", [tap], [untap], punts=("tap",))
    policy = "dir fwd priority 1 action block"
    yield Config("IPsec policies", [
        f"ip xfrm policy add src 10.9.0.0/16 dst 0.0.0.0/0 {policy}",
        f"ip xfrm policy add src 2001:db8:f0::/48 dst ::/0 {policy}"], ["ip xfrm policy flush"],
        punts=("xfrm",))


def domains():
    """Invariants 49 and 50."""
    yield Config("VRF", kind="vrf", punts=BASIC, share=20)
    yield Config("VRF, strict rp_filter", *conf("rp_filter", 1, 0, "4"), kind="vrf",
                 punts=("rp-filter",))
    yield Config("VRF with leaks", [
        "ip link add out0 type dummy", "ip link set out0 up", "ip addr add 10.77.0.1/24 dev out0",
        "ip route add {T} 198.51.100.0/25 dev out0", "ip route add {T} 2001:db8:ff::/80 dev out0",
        "ip route add 10.0.1.0/24 dev r1", "ip route add 172.16.0.0/12 via 10.0.1.2 dev r1",
        "ip route add {T} 8.8.8.0/24 via 10.77.0.9 dev out0"],
        ["ip link del out0", "ip route del 10.0.1.0/24", "ip route del 172.16.0.0/12"],
        kind="vrf", punts=("nexthop-device",))
    yield Config("VLAN", kind="vlan", punts=BASIC, share=20)
    yield Config("link layer", parts=("link",), punts=("vlan", "not-ip", "l2"), uncounted={
        # an address is a macvlan's in all VLANs: what has the tag of another comes in,
        # is counted, and dropped; a vrport takes its own VLANs only
        **{f"r0 {c}": "macvlan counts frames with tags that are for nobody"
           for c in ("rx_packets", "rx_bytes", "rx_drop")}})


def configs():
    yield Config("plain", parts=("4", "6", "splits",
                                 "segments", "sizes", "sums", "seeds", "trains"),
                 punts=BASIC + ("mtu", "multipath", "same-port"), share=30)
    for make in (sysctls, routes, sizes, hooks, domains):
        yield from make()
