# SPDX-License-Identifier: GPL-2.0
"""A router whose routes are counted, limited, shown and compared with the kernel's."""
import ipaddress
import itertools
import json
import platform
import random
import socket
import subprocess
import threading

import nl
from routes import BATCH, Routes
from vrtest import SLOW, Failure, expect, run, wait
from ways import TheRig

CHURN = 10000 if SLOW else 100000
GATEWAYS = {4: [("10.0.1.2", "r1"), ("10.0.2.2", "r2"), ("10.0.1.3", "r1")],
            6: [("2001:db8:1::2", "r1"), ("2001:db8:2::2", "r2"), ("2001:db8:1::3", "r1")]}
V4 = "route {verb} {{T}} 198.51.{n}.0/24 via 10.0.1.2 dev r1 proto 99"
V6 = "-6 route {verb} {{T}} 2001:db8:f{n}::/48 via 2001:db8:1::2 dev r1 proto 99"


class Fibs(TheRig):
    """The rig, and a socket for many routes at once."""
    many = None

    def start(self, vrf):
        make = super().start(vrf)

        def test():
            if self.many:
                self.many.close()
            make()
            self.many = Routes(self.r, 100 if vrf else 254)
        return test


rig = Fibs()


def vrctl(line, status=0):
    """What a command prints; its exit status is as given."""
    with rig.r:
        p = subprocess.run(["vrctl"] + line.split(), capture_output=True, text=True, check=False)
    expect(f"exit status of vrctl {line} ({p.stdout[:300]}{p.stderr.strip()})", status,
           p.returncode)
    return p.stdout if not status else p.stdout + p.stderr


def limit(n, warn=None):
    vrctl(f"set vr0 max-routes {n}" + (f" warn {warn}" if warn is not None else ""))


def text(full, plain):
    """What a refusal tells: before Linux 6.2 it cannot hold names and numbers."""
    return plain if platform.release().startswith("6.1.") else full


def refused(line, most):
    """The kernel refuses it, and says that the router has so many routes."""
    line = "ip " + line.replace("{T}", rig.table)
    out = run(line, False, ns=rig.r)
    want = text(f"vr0: no more than {most} routes (max-routes)",
                "The router has as many routes as it may (max-routes)")
    if want not in out:
        raise Failure(f"{line}: expected {want!r}, actual {out.strip()!r}")


def routes():
    """The router's routes, as counted at once and as applied in the end; they agree
    as soon as nothing is pending."""
    def quiet():
        s = rig.show()
        return not s["mirror"]["pending"] and s
    s = wait("quiet", quiet)
    n = s["routes4"] + s["routes6"]
    if "routes" in s:
        expect("routes as counted", n, s["routes"])
    return n


def check():
    out = json.loads(vrctl("-j fib check vr0"))
    expect("differences", ([], 0), (out["differences"], out["errors"]))
    return out["routes"]


def clean():
    """No limit, and no routes but those that the rig made."""
    limit(0)
    rig.flush_routes()


def tidy(test):
    def wrapped():
        try:
            test()
        finally:
            clean()
    return wrapped


def r4(verb, n):
    return V4.format(verb=verb, n=n)


def r6(verb, n):
    return V6.format(verb=verb, n=n)


def random_net(rnd):
    """Prefixes of all lengths, one within the other."""
    if rnd.random() < 0.7:
        n = rnd.randint(9, 32)
        a = 0x64400000 | rnd.getrandbits(22) & 0x3ff0ff
        return ipaddress.IPv4Network((a >> 32 - n << 32 - n, n))
    n = rnd.randint(33, 128)
    a = 0x20010db9 << 96 | rnd.getrandbits(32) << 64 & 0xff00ff00 << 64 | rnd.getrandbits(4)
    return ipaddress.IPv6Network((a >> 128 - n << 128 - n, n))


def churn_steps(rnd, number, alive, most=None):
    """Steps in random order, with the errors that they should have; alive is what
    is there, and what is there afterwards."""
    pool = list({random_net(rnd) for _ in range(number // 4)})
    pool.sort(key=str)
    rnd.shuffle(pool)
    steps, errors = [], {}
    for i in range(number):
        net = rnd.choice(pool)
        there = net in alive
        verb = rnd.choice(("add", "replace", "replace", "del"))
        if verb == "add" and there:
            errors[i] = "EEXIST"
        elif verb == "del" and not there:
            errors[i] = "ESRCH"
        elif verb != "del" and not there and most is not None and len(alive) >= most:
            errors[i] = "ENOSPC"
        elif verb == "del":
            alive.discard(net)
        else:
            alive.add(net)
        if verb == "del":
            steps.append((verb, net))
        else:
            # another gateway each time, so that each one is a change
            gateways = GATEWAYS[net.version]
            steps.append((verb, net) + gateways[i % len(gateways)])
    return steps, errors


class Restless:
    """Routes come, change and go without a pause, and paths of IPv6 routes."""

    def __init__(self):
        rnd = random.Random(11)
        steps = churn_steps(rnd, 5000, set())[0] + list(self.paths(rnd, 1000))
        rnd.shuffle(steps)
        self.steps = 0
        self.over = threading.Event()
        self.routes = Routes(rig.r, 254)
        self.batches = list(self.routes.batches(steps))
        self.thread = threading.Thread(target=self.go_on)

    def paths(self, rnd, n):
        for _ in range(n):
            net = ipaddress.IPv6Network((0x20010dba << 96 | rnd.randrange(20) << 80, 48))
            yield (rnd.choice(("append", "append", "del")), net) + rnd.choice(GATEWAYS[6])

    def go_on(self):
        # the same ones over and over: many are refused then
        for batch in itertools.cycle(self.batches):
            self.routes.send(batch)
            self.steps += BATCH
            if self.over.is_set():
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.routes.close()


class AtOnce:
    """More changes of a route than are noted, in one go, so that the router gets no turn."""

    def __init__(self, net):
        self.data = b"".join(rig.many.message(i, "replace", net, *GATEWAYS[4][i % 2])
                             for i in range(1, 65600))
        self.sock = nl.Socket(ns=rig.r)
        self.sock.sock.setsockopt(socket.SOL_SOCKET, 32, 4 * len(self.data))    # SO_SNDBUFFORCE

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def do(self, last):
        """Do them, and another message. Return the answers to that one."""
        self.sock.sock.send(self.data + last)
        return list(nl.messages(self.sock.sock.recv(1 << 16)))
