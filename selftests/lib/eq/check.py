# SPDX-License-Identifier: GPL-2.0
"""Sends a configuration's packets through both routers, compares, and finds out which
packet it was when they differ."""
import itertools
import random
import time

from vrtest import Failure, addr, in6

from . import frames2, frames4, frames6, traffic
from .masks import Masks, hexa, odd, same, shuffled
from .mutate import Mutator, fair

CHUNK = 256
SHOWN = 4  # frames of one difference
FOUND = 3  # differences
FORGET = 8  # chunks
APART = ("link", "hairpins")  # parts that belong to one configuration alone
OWN4 = {bytes([10, 0, i, 1]) for i in range(3)} | {bytes([10, 77, 0, 1])}
OWN6 = {in6(f"2001:db8:{i}::1") for i in range(3)} | {in6(f"fe80::1{i}") for i in range(3)}


class Corpus:
    """All packets that there are, by part."""

    def __init__(self, seed):
        real = traffic.caught()
        self.caught = len(real)
        seeds = real + traffic.scapy_made()
        self.parts = {
            "4": list(frames2.wrap(frames4.everything())),
            "6": list(frames2.wrap(frames6.everything())),
            "link": list(frames2.everything()), "segments": list(frames2.segments()),
            "sums": list(frames2.half_sums()), "splits": list(frames2.splits()),
            "cuts": list(frames2.cuts()), "trains": list(frames2.trains()),
            "sources": list(frames2.sources()),
            "hairpins": list(frames2.hairpins()), "sizes": list(frames2.sizes()),
            "seeds": seeds}
        for name, part in self.parts.items():
            if name not in APART:
                self.parts[name] = [x for x in part if fair(x[1])]
        self.all = [x for name, part in self.parts.items() if name not in APART for x in part]
        self.rng = random.Random(seed)
        self.mutator = Mutator(self.rng, self.all)

    def take(self, parts, more, but=None):
        """The parts named in full, and so many more: half of them of all parts, half
        of them mutations. Those of which `but` is true are not taken, but others."""
        out = [x for name in parts for x in self.parts.get(name, ())]
        known = min(more // 2, len(self.all))
        out += self.rng.sample(self.all, known) + self.mutator.take(more - known)
        if not but:
            return out
        want, out = len(out), [x for x in out if not but(x[1])]
        while len(out) < want:
            out += [x for x in self.mutator.take(want - len(out)) if not but(x[1])]
        return out


class Chance:
    """Differences that come once and not again: the two are not sent the same at the same
    time, and a machine that is busy may stop one of them in the middle. So many are
    let pass, and shown."""

    def __init__(self, most):
        self.most, self.seen = most, 0

    def once(self, story):
        self.seen += 1
        if self.seen > self.most:
            raise Failure(f"{story}; differences that come once: expected at most "
                          f"{self.most}, actual {self.seen}")
        print(f"# once, and not again: {story}")


class Check:
    """One configuration of one pair of routers."""

    def __init__(self, pair, config, chance):
        self.pair, self.config, self.chance = pair, config, chance
        self.exchange = pair.paused if config.pauses else pair.exchange
        self.sent = 0
        self.steps = itertools.cycle(config.steps)
        own = {addr(a) for a in config.own}
        self.mask = Masks(OWN4 | own, OWN6 | own)

    def run(self, frames):
        """Send all and compare all; what was found wrong as a Failure."""
        pair = self.pair
        before, start = pair.counters(), 0
        for k in range(0, len(frames), CHUNK):
            chunk = frames[k:k + CHUNK]
            if self.config.steps and k:
                pair.cmd(next(self.steps))
            if k and not k // CHUNK % FORGET:
                self.counters(frames[start:k], before)
                pair.forget()
                before, start = pair.counters(), k
            at_once = self.config.mode if self.config.mode is not None else k // CHUNK & 1
            # bursts of several wires would mix as luck has it
            for wire in range(pair.rig.n if not at_once else 1):
                some = [x for x in chunk if at_once or x[0] == wire]
                if some:
                    self.compare(some, at_once)
            self.sent += len(chunk)
        self.counters(frames[start:], before)

    def compare(self, chunk, at_once):
        a, b = self.exchange(chunk, at_once)
        if all(same(x, y, self.mask) for x, y in zip(a, b)):
            return
        story = self.story(a, b)
        one = self.blame(chunk, at_once, self.frames_differ)
        if not one:
            how = "one by one" if at_once else "at once"
            self.again(chunk, at_once, self.frames_differ, f"{len(chunk)} frames sent, {how}; "
                       f"not one of them alone does it: {story}")
            return
        raise Failure("\n# ".join(self.explain(x, at_once) for x in one))

    def again(self, frames, at_once, differ, story):
        """No frame alone makes the difference: do all of them?"""
        if differ(frames, at_once):
            raise Failure(f"{story}; and again, when all were sent again")
        self.chance.once(story)

    def explain(self, one, at_once):
        wire, data = one
        a, b = self.exchange([one], at_once)
        return f"sent on wire {wire}: {hexa(data)}\n# {self.story(a, b)}"

    def story(self, a, b):
        lines = []
        for wire, (x, y) in enumerate(zip(a, b)):
            if same(x, y, self.mask):
                continue
            only_a, only_b = odd(x, y, self.mask)
            order = ""
            if not only_a and not only_b:
                order = ", but in another order: " + " ".join(
                    str([hexa(f) for f in some[:SHOWN]]) for some in shuffled(x, y, self.mask))
            lines.append(f"wire {wire}: expected as plain Linux {len(x)} frames, actual "
                         f"{len(y)}; only plain Linux: {[hexa(f) for f in only_a[:SHOWN]]}, "
                         f"only the router: {[hexa(f) for f in only_b[:SHOWN]]}"
                         f"{order}")
        return "\n# ".join(lines) or "no difference this time"

    def frames_differ(self, frames, at_once):
        a, b = self.exchange(frames, at_once)
        return not all(same(x, y, self.mask) for x, y in zip(a, b))

    def counters_differ(self, frames, at_once):
        before = self.pair.counters()
        self.exchange(frames, at_once)
        return bool(self.odd_counters(before, 3))

    def blame(self, frames, at_once, differ):
        """Halve until single frames are left; a few of those that do it alone."""
        todo = [frames[k:k + CHUNK] for k in range(0, len(frames), CHUNK)][::-1]
        found = []
        while todo and len(found) < FOUND:
            some = todo.pop()
            if not differ(some, at_once):
                continue
            if len(some) == 1:
                found += some
            else:
                half = len(some) // 2
                todo += [some[half:], some[:half]]
        return found

    def odd_counters(self, before, tries=25):
        """Counters that moved otherwise: {name: (plain Linux, router)}."""
        for k in range(tries):
            a, b = self.pair.moved(before)
            wrong = {n: (a.get(n, 0), b.get(n, 0)) for n in sorted(set(a) | set(b))
                     if a.get(n, 0) != b.get(n, 0) and not self.excused(n)}
            if not wrong:
                return {}
            time.sleep(0.01 * (k > 0))
        return wrong

    def excused(self, name):
        return "*" in self.config.uncounted or name in self.config.uncounted

    def counters(self, frames, before):
        wrong = self.odd_counters(before)
        if not wrong:
            return
        one = self.blame(frames, 1, self.counters_differ)
        lines = [f"counters, name: (plain Linux, router): expected the same, actual {wrong}"]
        for wire, data in one:
            start = self.pair.counters()
            self.exchange([(wire, data)], 1)
            lines.append(f"sent on wire {wire}: {hexa(data)}: {self.odd_counters(start, 3)}")
        if not one:
            self.again(frames, 1, self.counters_differ, lines[0])
            return
        raise Failure("\n# ".join(lines))


def moved(first, last):
    """What the router counted, reasons for punting among them."""
    out = {k: last[k] - first[k] for k in last if isinstance(last[k], int)}
    out["punt"] = {k: v - first["punt"].get(k, 0) for k, v in last["punt"].items()
                   if v != first["punt"].get(k, 0)}
    out["drop"] = {k: v - first["drop"].get(k, 0) for k, v in last["drop"].items()
                   if v != first["drop"].get(k, 0)}
    return out
