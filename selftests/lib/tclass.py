# SPDX-License-Identifier: GPL-2.0
"""Classes of a qdisc vrouter as the kernel tells them: tc rounds their backlog, and
has no JSON for them in all versions."""
import socket
import struct

from nl import Socket, attrs
from rtnl import GETQDISC, GETTCLASS, qdisc

TCA_KIND, TCA_OPTIONS, TCA_STATS2 = 1, 2, 7
TCA_STATS_BASIC, TCA_STATS_QUEUE, TCA_STATS_APP = 1, 3, 4
NAME, WEIGHT, MAX_RATE, GONE = 2, 3, 4, 5
XSTATS = ("wire_bytes", "sojourn_us", "codel_drops", "marks", "full_drops",
          "longest_drops")


def parse(payload):
    """One class."""
    handle, = struct.unpack_from("=I", payload, 8)
    top = attrs(payload[20:])
    opts, stats = attrs(top[TCA_OPTIONS]), attrs(top[TCA_STATS2])
    one = {"handle": f"{handle >> 16:x}:{handle & 0xffff:x}",
           "router": opts[NAME].rstrip(b"\0").decode() if NAME in opts else "host",
           "weight": struct.unpack("=I", opts[WEIGHT])[0],
           "max_rate": struct.unpack("=Q", opts[MAX_RATE])[0] if MAX_RATE in opts else 0,
           "gone": GONE in opts}
    one["bytes"], one["packets"] = struct.unpack_from("=QI", stats[TCA_STATS_BASIC])
    one["qlen"], one["backlog"], one["drops"], _, one["overlimits"] = \
        struct.unpack_from("=5I", stats[TCA_STATS_QUEUE])
    one.update(zip(XSTATS, struct.unpack_from("=Q5I", stats[TCA_STATS_APP])))
    return one


def kind(payload):
    """What kind a qdisc is of, or a class."""
    return attrs(payload[20:])[TCA_KIND].rstrip(b"\0").decode()


def dump(dev, size=1 << 15):
    """All classes of our kind of the device in the namespace of the caller, told in parts of
    that size."""
    with Socket() as sock:
        return [parse(payload) for payload in
                sock.dump_parts(GETTCLASS, qdisc(socket.if_nametoindex(dev), 0), size)
                if kind(payload) == "vrouter"]


def qdiscs(size):
    """The kinds of all qdiscs in the namespace of the caller, likewise."""
    with Socket() as sock:
        return [kind(payload) for payload in sock.dump_parts(GETQDISC, qdisc(0, 0), size)]
