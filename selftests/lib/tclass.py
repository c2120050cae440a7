# SPDX-License-Identifier: GPL-2.0
"""Classes of a qdisc vrouter as the kernel tells them: tc rounds their backlog, and
has no JSON for them in all versions."""
import socket
import struct

from nl import DUMP, Socket, attrs
from rtnl import GETTCLASS, qdisc

TCA_OPTIONS, TCA_STATS2 = 2, 7
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


def dump(dev):
    """All classes of the device in the namespace of the caller."""
    with Socket() as sock:
        answer = sock.ask(GETTCLASS, qdisc(socket.if_nametoindex(dev), 0), DUMP)
    return [parse(payload) for payload in answer.replies]
