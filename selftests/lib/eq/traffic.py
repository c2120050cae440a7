# SPDX-License-Identifier: GPL-2.0
"""Seeds: frames of real programs and stacks (iperf3 over TCP and UDP, ping, neighbour
discovery, DAD, MLD; see catch.py), and of protocols that nobody here speaks, made with
scapy (DNS, OSPF, BGP, VRRP, DHCP, router advertisements)."""
import base64
import logging
import os
import struct

from .frames2 import H, P

A = ("10.0.0.2", "10.0.1.2")
B = ("2001:db8:0::2", "2001:db8:1::2")


def caught():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "caught.txt")
    with open(path, encoding="ascii") as f:
        lines = [line.split() for line in f if line[0] != "#"]
    return [(int(wire), base64.b64decode(data)) for wire, data in lines]


def scapy_made():
    logging.getLogger("scapy").setLevel(logging.ERROR)
    from scapy.all import (BOOTP, DHCP, DNS, DNSQR, DNSRR, ICMPv6ND_NA, ICMPv6ND_NS,
                           ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6NDOptPrefixInfo,
                           ICMPv6NDOptSrcLLAddr, IP, IPv6, TCP, UDP, VRRP, conf, raw)
    from scapy.contrib.bgp import BGPHeader, BGPKeepAlive, BGPOpen, BGPUpdate
    from scapy.contrib.ospf import OSPF_DBDesc, OSPF_Hdr, OSPF_Hello, OSPF_LSReq
    conf.verb = 0
    v4, v6 = IP(src=A[0], dst=A[1]), IPv6(src=B[0], dst=B[1])
    ask = DNS(rd=1, qd=DNSQR(qname="www.example.org", qtype="AAAA"))
    answer = DNS(qr=1, qd=DNSQR(qname="www.example.org"),
                 an=DNSRR(rrname="www.example.org", rdata="192.0.2.1"))
    bgp = [BGPHeader(type=1) / BGPOpen(my_as=64512, hold_time=90, bgp_id="10.0.0.2"),
           BGPHeader(type=4) / BGPKeepAlive(), BGPHeader(type=2) / BGPUpdate()]
    hello = OSPF_Hdr(src="10.0.0.2") / OSPF_Hello(router="10.0.0.2", neighbors=["10.0.1.2"])
    made = []
    for ip in (v4, v6):
        made += [ip / UDP(sport=33333) / ask, ip / UDP(dport=33333, sport=53) / answer]
        made += [ip / TCP(dport=179, flags="PA") / b for b in bgp]
        made += [ip / TCP(flags="S", options=[("MSS", 1460), ("SAckOK", b""), ("WScale", 7)])]
    made += [IP(src=A[0], dst=d, ttl=1, tos=0xc0) / hello for d in ("224.0.0.5", "10.0.0.1", A[1])]
    made += [IP(src=A[0], dst=A[1], ttl=64, tos=0xc0) / o for o in (
        hello, OSPF_Hdr() / OSPF_DBDesc(), OSPF_Hdr() / OSPF_LSReq())]
    made += [IP(src=A[0], dst="224.0.0.18", ttl=255, proto=112) / VRRP(addrlist=["10.0.0.9"]),
             IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67) / BOOTP() /
             DHCP(options=[("message-type", "discover"), "end"])]
    lla = ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:20")
    for dst in ("ff02::1", "ff02::2", "2001:db8:0::1", B[1]):
        ip = IPv6(src=B[0], dst=dst, hlim=255)
        made += [ip / ICMPv6ND_RS() / lla, ip / ICMPv6ND_RA() / ICMPv6NDOptPrefixInfo(),
                 ip / ICMPv6ND_NS(tgt="2001:db8:0::1") / lla,
                 ip / ICMPv6ND_NA(tgt=B[0]) / lla]
    return [(0, _framed(raw(p))) for p in made]


def _framed(ip):
    dst = P[0]
    kind = 0x86dd if ip[0] >> 4 == 6 else 0x800
    if kind == 0x800 and 224 <= ip[16] < 240:
        dst = b"\x01\x00\x5e" + ip[17:20]
    elif kind == 0x800 and ip[16:20] == b"\xff" * 4:
        dst = b"\xff" * 6
    elif ip[24] == 0xff and kind == 0x86dd:
        dst = b"\x33\x33" + ip[36:40]
    return bytes(10) + dst + H[0] + struct.pack("!H", kind) + ip
