#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Who sends but a few packets at a time pays for what these cost, too: the clock is not
read for each of them."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from vrtest import Failure, Rig, SLOW, frame, main, packet  # noqa: E402

AT_ONCE = 3         # of each router; fewer than the clock is read for
DEAR = 2            # times as dear, at least, is a packet for which an error is sent
SECONDS = 200 if SLOW else 100
A = B = None


def start():
    global A, B
    A = Rig(2)
    B = Rig(2, nics=A.nic, host=A.h, tag=1, name="vr1")
    A.h.cmd(f"tc qdisc add dev p0 root netem slot 200us 200us packets {2 * AT_ONCE} "
            "limit 10000")


def cost(rig, before):
    """ns a packet since then."""
    now = rig.counters()
    return (now["cpu-ns"] - before["cpu-ns"]) / (now["rx-packets"] - before["rx-packets"])


def dear():
    """One forwards, the other one answers each packet with an error."""
    frames = [frame(A.pmac[0], A.hmac[0], packet("10.0.0.2", "10.0.1.2"))] * AT_ONCE + \
        [frame(B.pmac[0], B.hmac[0], packet("10.0.0.2", "10.0.1.2", ttl=1))] * AT_ONCE
    end = time.monotonic() + SECONDS
    while True:
        before = A.counters(), B.counters()
        for _ in range(200):
            for one in frames:
                A.send(0, one)
        A.flush()
        a, b = cost(A, before[0]), cost(B, before[1])
        if b > DEAR * a:
            return
        if time.monotonic() > end:
            raise Failure(f"ns a packet: expected {DEAR} times as many for errors as for what "
                          f"is forwarded within {SECONDS} s, actual {b:.0f} and {a:.0f}")


if __name__ == "__main__":
    main([("routers", start), ("few packets at a time, dear ones", dear)])
