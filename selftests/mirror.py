#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A router whose tables cannot be built, since they have too many next hops: it tries
ever more rarely, whatever happens around it, and it goes at once when it is told to."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
# pylint: disable=wrong-import-position
from vrtest import SLOW, Failure, Netns, Rig, expect, main, run, wait

MOST = 32767        # next hops of a router
TRIES = 8           # within SECONDS: 0.1 s to the second one, then twice as long each
SECONDS = 10
WATCHED = os.environ.get("VR_UML_DEBUG")    # by KASAN
GONE = 30 if SLOW else 8    # seconds that a router may take to go; 13 to the next try


class Flapping:
    """A device of the namespace goes up and down all the time."""

    def __init__(self, rig):
        rig.r.cmd("ip link add d1 type dummy")
        loop = "while :; do ip link set d1 up; ip link set d1 down; done"
        self.shell = subprocess.Popen(  # pylint: disable=consider-using-with
            ["ip", "netns", "exec", rig.r.name, "sh", "-c", loop],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shell.kill()
        self.shell.wait()


def routes(n):
    """As many next hops, of metrics of their own: Linux looks for one like it among all
    that have the same device and metric."""
    for i in range(1, n + 1):
        yield (f"route add 172.16.{i >> 8}.{i & 255}/32 via 10.100.{i >> 8}.{i & 255} dev r0 "
               f"metric {i}")


def crowded():
    """A router with more next hops than there can be, and the namespace's devices busy."""
    rig = Rig(n=2)
    rig.r.batch(["addr add 10.100.255.254/16 dev r0"])
    rig.r.batch(routes(MOST + 10))
    wait("fallback", lambda: rig.show()["state"] == "fallback", 60)
    return rig


def went(what, start):
    took = time.monotonic() - start
    print(f"# {what} took {took:.1f} s")
    if took > GONE:
        raise Failure(f"{what}: expected within {GONE} s, actual {took:.1f} s")


def rests():
    rig = crowded()
    try:
        with Flapping(rig):
            rig.r.cmd(["ip link set vr0 down", "ip link set vr0 up"])
            first, start = rig.show()["resyncs"], time.monotonic()
            time.sleep(SECONDS)
            tries, took = rig.show()["resyncs"] - first, time.monotonic() - start
        print(f"# {tries} tries in {took:.1f} s")
        if not 1 <= tries <= TRIES:
            raise Failure(f"tries in {took:.1f} s: expected 1 to {TRIES}, actual {tries}")
        # enough next hops again: it forwards by itself soon
        rig.r.batch(line.replace("add", "del") for line in list(routes(MOST + 10))[100:])
        wait("active", lambda: rig.show()["state"] == "active", 60)
    finally:
        rig.gone()


def deleted():
    rig = crowded()
    try:
        with Flapping(rig):
            for _ in range(2):
                rig.r.cmd(["ip link set vr0 down", "ip link set vr0 up"])
                time.sleep(SECONDS / 2)
                start = time.monotonic()
                rig.r.cmd("ip link del vr0")
                went("deletion of the router", start)
                rig.r.cmd("ip link add vr0 up type vrouter")
    finally:
        rig.gone()


def moved():
    """Nothing is left of it in the namespace that it leaves, which ends."""
    rig, other = crowded(), Netns("other")
    with Flapping(rig):
        time.sleep(SECONDS / 2)
        rig.r.cmd(f"ip link set vr0 netns {other.name}")
    rig.r.cmd([f"ip link set r{i} netns {other.name}" for i in range(rig.n)])
    rig.gone()
    os.close(rig.r.fd)
    start = time.monotonic()
    run("ip link set vr0 up", ns=other)
    wait("active", lambda: "active" in run("vrctl list", ns=other), 60)
    went("the move", start)
    if WATCHED:
        # what comes later than it should finds the namespace gone
        time.sleep(14)
    expect("the router in its new namespace", True, "active" in run("vrctl list", ns=other))


if __name__ == "__main__":
    main([("tries that fail rest", rests), ("deletion meanwhile", deleted),
          ("a move meanwhile", moved)])
