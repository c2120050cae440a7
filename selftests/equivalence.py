#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The promise, by difference: the same packets through plain Linux on macvlan ports
and through the router on vrports. What comes out is the same byte for byte, and so are
the kernel's counters. What may differ all the same stands in lib/eq/masks.py and in
the configurations of lib/eq/configs.py, with the reason.

  VR_SEED     replays a run (it is printed)
  VR_LONG     10,000,000 packets, which takes hours; a difference that comes once, and
              not again, is let pass for each million
  VR_PACKETS  so many packets (100,000; 50,000 where emulation is slow)
Arguments: only the configurations whose names have one of these words in them."""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from eq.check import Chance, Check, Corpus, moved  # noqa: E402
from eq.configs import ROUTES, configs  # noqa: E402
from eq.sides import Pair  # noqa: E402
from vrtest import SLOW, Failure, expect, main  # noqa: E402

# long: 14400 s
LONG = os.environ.get("VR_LONG") and not SLOW
TOTAL = int(os.environ.get("VR_PACKETS") or
            (10_000_000 if LONG else 50_000 if SLOW else 100_000))
ROUND = 20_000  # frames that are made at a time
SEED = int(os.environ.get("VR_SEED") or random.SystemRandom().randrange(1 << 32))
KINDS = {"plain": {}, "vrf": {"vrf": True}, "vlan": {"vlan": {0: 10, 1: 20}}}
JUMBO = [f"{ns}: ip link set {name}{i} mtu 9000" for i in range(3)
         for ns, name in (("N", "eth"), ("H", "p"))]
SEEN = {"frames": 0, "forwarded": 0, "punt": set()}
# punted by the configurations all in all; others need what does not fit in here
REASONS = {"not-ip", "l2", "vlan", "options", "header", "ttl", "martian", "local",
           "multicast", "no-route", "route-type", "route-unsupported", "encap",
           "nexthop-device", "nexthop-dead", "neighbour", "multipath", "mtu", "same-port",
           "forwarding", "rp-filter", "rules", "netfilter", "tc", "tap", "xfrm", "config"}
pairs = {}
corpus = None
chance = Chance(TOTAL // 1_000_000)


def seeded(side):
    """The same hash on both sides, and the same each time for a seed."""
    path = "/proc/sys/net/ipv4/fib_multipath_hash_seed"
    with side.rig.r:
        there = os.path.exists(path)
    # without it both take the machine's own seed: the same, but another each boot
    if there:
        side.rig.r.sysctl("net.ipv4.fib_multipath_hash_seed", SEED | 1)


def pair_of(kind):
    if kind not in pairs:
        pairs[kind] = Pair(**KINDS[kind])
        pairs[kind].cmd([*JUMBO, *ROUTES, seeded])
    return pairs[kind]


def rounds(config, share):
    """So many packets for a configuration, no matter which ran before it, in rounds."""
    corpus.rng.seed(f"{SEED} {config.name}")
    full = sum(len(corpus.parts.get(p, ())) for p in config.parts)
    left = 0 if config.only else max(share - full, 1000)
    frames = corpus.take(config.parts, min(left, ROUND), config.but)
    # an emulated machine has no time for all
    yield corpus.rng.sample(frames, min(len(frames), share + 1000)) if SLOW else frames
    for done in range(ROUND, left, ROUND):
        yield corpus.take((), min(left - done, ROUND), config.but)


def undo(pair, config, failed=False):
    """What comes next must not suffer from what was wrong here."""
    try:
        pair.cmd(config.undo)
    except Exception:
        del pairs[config.kind]
        if not failed:
            raise


def same(config, share):
    def test():
        pair = pair_of(config.kind)
        start = time.monotonic()
        try:
            pair.forget()
            pair.cmd(config.setup)
            check = Check(pair, config, chance)
            first = pair.rig.counters()
            for frames in rounds(config, share):
                check.run(frames)
            got = moved(first, pair.rig.counters())
        except Exception:
            undo(pair, config, True)
            raise
        undo(pair, config)
        expect("frames that came faster than they were read", [0, 0],
               [s.lost() for s in pair.sides])
        forwarded = got["forwarded-packets"]
        SEEN["frames"] += check.sent
        SEEN["forwarded"] += forwarded
        SEEN["punt"] |= set(got["punt"])
        expect("dropped by the router itself", {}, got["drop"])
        missing = set(config.punts) - set(got["punt"])
        if missing:
            raise Failure(f"reasons for punting: expected {sorted(config.punts)}, actual "
                          f"{got['punt']}")
        if forwarded * 100 < config.share * check.sent:
            raise Failure(f"forwarded by the router itself: expected at least {config.share} "
                          f"% of {check.sent}, actual {forwarded}; punted {got['punt']}")
        print(f"# {config.name}: {check.sent} frames, {forwarded} forwarded, "
              f"{sum(got['punt'].values())} punted, {time.monotonic() - start:.1f} s")
    return test


def enough():
    """The fast path was in it, and the slow path with all its reasons."""
    print(f"# {SEEN['frames']} frames, {SEEN['forwarded']} forwarded by the router itself")
    expect("reasons for punting that were not seen", set(), REASONS - SEEN["punt"])
    if SEEN["frames"] < TOTAL:
        raise Failure(f"frames: expected at least {TOTAL}, actual {SEEN['frames']}")
    if SEEN["forwarded"] * 5 < SEEN["frames"]:
        raise Failure(f"forwarded by the router itself: expected at least a fifth of "
                      f"{SEEN['frames']}, actual {SEEN['forwarded']}")


def seeds():
    global corpus
    start = time.monotonic()
    corpus = Corpus(SEED)
    sizes = {name: len(part) for name, part in corpus.parts.items()}
    print(f"# {corpus.caught} frames caught, corpus {sizes}, {time.monotonic() - start:.1f} s")
    if corpus.caught < 100:
        raise Failure(f"frames of real programs: expected at least 100, actual {corpus.caught}")


def tests():
    every = list(configs())
    yield "packets", seeds
    share = TOTAL // sum(not config.only for config in every) + 1
    for config in every:
        yield config.name, same(config, share)
    if len(sys.argv) == 1:
        yield "enough of everything", enough


print(f"# VR_SEED={SEED}")
if len(sys.argv) > 1:
    sys.argv.append("packets")
main(list(tests()))
