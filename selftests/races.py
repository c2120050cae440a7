#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Every operation of configuration at random, from many processes at once, against
full traffic. The operations are in lib/churn.py.

VR_SEED=N does the same again, as far as processes that race do; VR_OUT gets a log of
what each of them did. VR_LONG takes ten minutes, VR_RACES so many seconds
(a minute, 20 s where there is one CPU).
Invariants 7, 11, 12 and 70, at random.
"""
import atexit
import collections
import errno
import json
import mmap
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from vrtest import Failure, Skip, expect, main, put, run, wait  # noqa: E402
import churn  # noqa: E402
import nl  # noqa: E402
import rtnl  # noqa: E402

MODULE = os.environ.get("VR_MODULE", "")
SEED = int(os.environ.get("VR_SEED") or random.SystemRandom().randrange(1 << 32))
# one CPU alone has fewer races
SECONDS = int(os.environ.get("VR_RACES") or
              (600 if os.environ.get("VR_LONG") else 60 if os.cpu_count() > 1 else 20))
WORKERS = 8
GRACE = 120         # a process ends as soon as its operation does
BASE = f"vra{os.getpid()}"
PG = "/proc/net/pktgen/"
# what tells nothing of the module; a VRF device says "cycle" when a router that it had
# finds another one in the domain that it comes to; the first ones of those that are
# suppressed are not; an emulated NIC may wait for the host for longer than its driver does
NOISE = re.compile("taint|pktgen|hrtimer: interrupt took|clocksource|"
                   "callbacks suppressed|neighbor table overflow|module verification|Failed to cycle device vr|"
                   r"e1000 .*: (NETDEV WATCHDOG: .* timed out|Reset adapter)")


class Log:
    """The kernel's messages from now on, of level warning or worse."""

    def __init__(self):
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)
        self.bad = []

    def read(self):
        while True:
            try:
                record = os.read(self.fd, 8192).decode(errors="replace")
            except BlockingIOError:
                return
            except BrokenPipeError:     # overwritten before it was read
                continue
            head, _, line = record.partition(";")
            if int(head.split(",")[0]) & 7 <= 4 and not NOISE.search(line):
                self.bad.append(line.split("\n")[0])


class Flood:
    """pktgen sends to all addresses that ports may have, on all NICs: one stream as
    many packets as it can, on a CPU of its own if there are two, the others some."""

    def __init__(self, streams):
        self.pid = 0
        cpus = os.cpu_count()
        for i, (dev, more) in enumerate(streams):
            name = f"{dev}@{i}"
            self.put(f"kpktgend_{0 if i else cpus - 1}", f"add_device {name}")
            for line in ("count 0", f"delay {500000 if i else 0}", "pkt_size 100",
                         "src_min 10.0.0.2", "src_max 10.0.0.2", "flag IPDST_RND",
                         "src_mac 02:00:00:00:01:10", "dst_mac 02:00:00:00:01:00",
                         f"dst_mac_count {churn.MACS}", *more):
                self.put(name, line)
        self.names = [f"{dev}@{i}" for i, (dev, _) in enumerate(streams)]
        # as much as there is time for, but operations first
        for line in run("ps -e -o pid,comm").splitlines():
            if "kpktgend_" in line:
                os.setpriority(os.PRIO_PROCESS, int(line.split()[0]), 10)

    @staticmethod
    def put(name, line):
        put(PG + name, line + "\n")

    def start(self):
        self.pid = os.fork()
        if not self.pid:
            self.put("pgctrl", "start")
            os._exit(0)

    def stop(self):
        if not self.pid:
            return
        self.put("pgctrl", "stop")
        os.waitpid(self.pid, 0)
        self.pid = 0

    def sent(self):
        total = 0
        for name in self.names:
            with open(PG + name, encoding="ascii") as f:
                total += int(re.search(r"pkts-sofar: (\d+)", f.read()).group(1))
        return total

    def forget(self):
        self.stop()
        for i in range(os.cpu_count()):
            self.put(f"kpktgend_{i}", "rem_device_all")


class World:
    """NICs, traffic and the processes."""

    def __init__(self):
        if not os.path.exists(MODULE):
            raise Skip("VR_MODULE does not name the module")
        subprocess.run(["modprobe", "-q", "pktgen"], check=False)
        if not os.path.isdir(PG):
            raise Skip("no pktgen")
        self.log = Log()
        self.before = devices()
        self.workers = {}
        self.failed = []
        self.shared = mmap.mmap(-1, 4096)   # its first byte ends the processes
        self.nics = self._nics()
        self.flood = Flood(self._streams())
        atexit.register(self.end)

    def _nics(self):
        for n in (0, 1):
            # one queue: frames go past dev_queue_xmit(); two: mq
            run(f"ip link add rin{n} numtxqueues {n + 1} numrxqueues {n + 1} type veth peer "
                f"name rflood{n}")
        self.pairs = [("rin0", "rflood0"), ("rin1", "rflood1")]
        self.real = os.path.exists("/sys/class/net/r0") and os.path.exists("/sys/class/net/h0")
        if self.real:
            self.pairs.append(("r0", "h0"))
        for pair in self.pairs:
            for dev in pair:
                put(f"/proc/sys/net/ipv6/conf/{dev}/disable_ipv6", "1")
                run(f"ip link set {dev} up")
        nics = [socket.if_nametoindex(nic) for nic, _ in self.pairs]
        if self.real:
            self.mac = open("/sys/class/net/r0/address", encoding="ascii").read()
        return nics

    def _streams(self):
        v4 = ["dst_min 198.18.0.1", "dst_max 198.19.15.255"]
        tag = ["vlan_id 10"]
        v6 = ["src6 2001:db8:0::2", "dst6_min 2001:db8:18::1", "dst6_max 2001:db8:19::ffff"]
        streams = [("rflood0", v4), ("rflood1", v4), ("rflood0", v4 + tag), ("rflood1", v6)]
        return streams + ([("h0", v4)] if self.real else [])

    def left(self):
        """Packets that left each of the NICs."""
        counts = []
        for nic in self.nics:
            with open(f"/sys/class/net/{name_of(nic)}/statistics/tx_packets",
                      encoding="ascii") as f:
                counts.append(int(f.read()))
        return counts

    def start(self):
        self.left_before = self.left()
        self.flood.start()
        for n in range(WORKERS):
            r, w = os.pipe()
            pid = os.fork()
            if not pid:
                os.close(r)
                work(n, self, w)    # never returns
            os.close(w)
            self.workers[pid] = r

    def stop(self):
        """End the processes; return what each did: [{kind: {errno: times}}]"""
        self.shared[0] = 1
        told = []
        end = time.monotonic() + GRACE
        for pid, r in list(self.workers.items()):
            while not os.waitpid(pid, os.WNOHANG)[0]:
                if time.monotonic() > end:
                    with open(f"/proc/{pid}/stack", encoding="ascii") as f:
                        self.failed.append(f"a process hangs: {f.read().split()}")
                    os.kill(pid, signal.SIGKILL)
                    break
                time.sleep(0.05)
                self.log.read()
            with open(r, encoding="utf-8") as f:
                told.append(json.loads(f.read() or "{}"))
            del self.workers[pid]
        return told

    def clear(self):
        """Everything that may be there goes."""
        with nl.Socket() as route:
            for nic in self.nics:
                route.ask(rtnl.DELQDISC, rtnl.qdisc(nic))
        for i in range(churn.SPACES):
            churn.space_del(f"{BASE}s{i}")
        for dev in ("x1", "x0"):
            run(f"ip link del {dev}", False)

    def end(self):
        if self.workers:
            self.stop()
        self.flood.forget()
        self.clear()
        for i, (_, peer) in enumerate(self.pairs):
            if self.real and peer == "h0":
                run("ip link set h0 down", False)
                # down first: Linux 6.1 renames nothing that is up
                run(f"ip link set {name_of(self.nics[i])} down", False)
                run(f"ip link set {name_of(self.nics[i])} mtu 1500 name r0 "
                    f"address {self.mac.strip()}", False)
            else:
                run(f"ip link del {peer}", False)
        self.pairs = []


def name_of(index):
    try:
        return socket.if_indextoname(index)
    except OSError:
        return "?"


def devices():
    return {name for _, name in socket.if_nameindex()}


def work(n, world, pipe):
    """What one of the processes does, until it is told to end."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    counts = collections.defaultdict(collections.Counter)
    out = os.environ.get("VR_OUT")
    log = open(f"{out}/races-{n}.log", "w", buffering=1 << 14, encoding="ascii") if out else None

    def tell(kind, space, args, error):
        counts[kind][error] += 1
        if log:
            log.write(f"{time.monotonic():.4f} {space} {kind} {args} "
                      f"{errno.errorcode.get(error, error)}\n")

    code = 1
    try:
        one = churn.Churn(random.Random(f"{SEED}/{n}"), BASE, world.nics, MODULE, tell)
        while not world.shared[0]:
            one.step()
        code = 0
    except BaseException:
        counts["traceback"][traceback.format_exc()] += 1
    finally:
        if log:
            log.close()
        with os.fdopen(pipe, "w", encoding="utf-8") as f:
            json.dump(counts, f)
        os._exit(code)


W = None
KINDS = churn.Churn(random.Random(0), "", [], "", None).kinds()


def catch_up(total):
    """What had no luck until now, for the machine may be slow, has more of it without
    others who interfere; under traffic as well."""
    one = churn.Churn(random.Random(SEED), BASE, W.nics, MODULE,
                      lambda kind, _, __, error: total[kind].update({str(error): 1}))
    for _ in range(30):
        lacking = [kind for kind in KINDS if not total[kind]["0"]]
        for kind in lacking:
            one.attempt(kind)
            W.log.read()
        if not lacking:
            break
    # for those who count, some traffic in peace: to what is left, and to new routers
    nics_up()
    for i in range(0, churn.SPACES, 2):
        churn.space_del(f"{BASE}s{i}")
    # a work of the kernel's takes their ports down
    time.sleep(2)
    for i in range(churn.SPACES):
        one.make_domain(i, None)
    time.sleep(2)


def nics_up():
    """Whatever happened to them."""
    with nl.Socket() as route:
        for nic in W.nics:
            route.ask(rtnl.NEWLINK, rtnl.link(index=nic, flags=rtnl.IFF_UP, change=rtnl.IFF_UP,
                                              more=nl.attr(rtnl.MTU, 1500)))


def races():
    """Until the time is over and each kind of operation has succeeded."""
    global W
    W = World()
    W.start()
    start = time.monotonic()
    while time.monotonic() - start < SECONDS:
        time.sleep(1)
        W.log.read()
    told = W.stop()
    spent = time.monotonic() - start
    total = collections.defaultdict(collections.Counter)
    for one in told:
        for why in one.pop("traceback", {}):
            W.failed.append(why)
        for kind, results in one.items():
            total[kind].update(results)
    if not W.failed:
        catch_up(total)
    done = sum(sum(results.values()) for results in total.values())
    left = sum(W.left()) - sum(W.left_before)
    print(f"# {done} operations in {spent:.0f} s; pktgen sent {W.flood.sent()} packets, "
          f"{left} left the NICs")
    for kind in KINDS:
        results = total[kind]
        why = " ".join(f"{errno.errorcode.get(int(e), e)} {n}"
                       for e, n in results.most_common() if e != "0")
        print(f"# {kind}: {results['0']} done, "
              f"{sum(results.values()) - results['0']} refused: {why}")
    expect("what no process was to do", [], W.failed)
    expect("kinds of operations that never succeeded", [],
           [kind for kind in KINDS if not total[kind]["0"]])
    if left < 1000:
        raise Failure(f"packets that left the NICs: expected 1000 or more, actual {left}")
    if done < 10 * WORKERS:
        raise Failure(f"operations: expected {10 * WORKERS} or more, actual {done}")


def there():
    if not W:
        raise Skip("there was no race")


def routers():
    """[(name, counters)] of all routers of all namespaces"""
    return [(r.get("netns", "") + "/" + r["ifname"], r["stats"])
            for r in json.loads(run("vrctl -a -j show"))]


def received(now):
    return sum(stats["rx-packets"] for _, stats in now)


def adds_up():
    """The traffic ends, the queues run empty, and no packet is missing."""
    there()
    end = time.monotonic() + 20
    # those that are left may be new
    while received(routers()) < 100 and time.monotonic() < end:
        time.sleep(0.5)
    W.flood.stop()
    last = []

    def quiet():
        now = routers()
        same, last[:] = now == last, now
        if not same:
            time.sleep(0.3)
        return same and not any(stats["queued-packets"] for _, stats in now)
    wait("no traffic", quiet, 60)
    if not last:
        raise Failure("routers: expected one or more, actual none")
    for name, stats in last:
        for what in ("packets", "bytes"):
            expect(f"{name}: {what} received = forwarded + punted + dropped",
                   stats["rx-" + what], stats["forwarded-" + what] +
                   stats["punted-" + what] + stats["dropped-" + what])
        for what in ("punt", "drop"):
            total = {"punt": "punted", "drop": "dropped"}[what] + "-packets"
            expect(f"{name}: {total} = sum of the reasons", stats[total],
                   sum(stats[what].values()))
    print(f"# {len(last)} routers; received {received(last)} packets, forwarded "
          f"{sum(stats['forwarded-packets'] for _, stats in last)}")
    if received(last) < 100:
        raise Skip("no router that is left gets packets")


def works():
    """A router that is made now forwards traffic, fast."""
    there()
    W.clear()
    no_ports()
    nics_up()
    refused = []

    def tell(kind, _, args, error):
        if error:
            refused.append((kind, args, errno.errorcode.get(error, error)))
    one = churn.Churn(random.Random(SEED), BASE, W.nics, MODULE, tell)
    one.make_domain(0, None)
    expect("what is refused", [], refused)
    W.flood.start()

    def forwards():
        time.sleep(0.2)
        return any(stats["forwarded-packets"] > 100 for _, stats in routers())
    try:
        wait("100 packets forwarded", forwards, 60)
    finally:
        W.flood.stop()


def no_ports():
    """Those of dead namespaces are taken down by a work of the kernel's."""
    wait("no router", lambda: not json.loads(run("vrctl -a -j show")), 120)
    wait("no port", lambda: not json.loads(run("vrctl -a -j port list")), 120)


def held():
    """Invariant 6: a qdisc that is in use holds the module."""
    there()
    with nl.Socket() as route:
        expect("errno of a new qdisc", 0, route.ask(rtnl.NEWQDISC, rtnl.qdisc(
            W.nics[0], handle=0x10000, kind="vrouter"), nl.CREATE | nl.REPLACE).code)
        expect("errno of unloading while a qdisc is in use", errno.EAGAIN,
               churn.module_unload())
        expect("errno of deleting it", 0, route.ask(rtnl.DELQDISC, rtnl.qdisc(W.nics[0])).code)


def all_goes():
    """Everything is deleted, and nothing stays behind."""
    there()
    W.clear()
    W.flood.forget()
    for space in range(churn.SPACES):
        expect("namespace", False, os.path.exists(f"/run/netns/{BASE}s{space}"))
    no_ports()
    W.end()
    wait("no device but those of before", lambda: devices() <= W.before, 60)


def unloads():
    """It unloads, and loads again."""
    there()
    wait("the module unloads", lambda: not churn.module_unload(), 60)
    expect("errno of loading it", 0, churn.module_load(MODULE))
    # a new namespace's devices are as usual
    expect("space", 0, churn.space_add(f"{BASE}s0"))
    expect("space", 0, churn.space_del(f"{BASE}s0"))


def quiet_log():
    """Nothing in the kernel's log of level warning or worse."""
    there()
    W.log.read()
    expect("messages of the kernel", [], W.log.bad)


if __name__ == "__main__":
    print(f"# VR_SEED={SEED}")
    main([
        ("all operations at once, under traffic", races),
        ("the counters add up when traffic ends", adds_up),
        ("a new router forwards afterwards", works),
        ("a qdisc holds the module", held),
        ("all is deleted, nothing stays", all_goes),
        ("the module unloads and loads again", unloads),
        ("nothing in the kernel's log", quiet_log),
    ])
