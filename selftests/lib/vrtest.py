# SPDX-License-Identifier: GPL-2.0
"""What the Python tests share: a router between dumb wires, raw frames, TAP.

A Rig has three namespaces. N holds the NICs (veth), R the ports and the router,
H the other ends of the wires: no addresses, no stack that would answer, only
packet sockets. So every frame that a test sees is one that it asked for.
"""
import atexit
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["KSFT_DIR"], "kselftest"))
import ksft  # noqa: E402

sys.stdout.reconfigure(line_buffering=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

CLONE_NEWNET = 0x40000000
SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_IGNORE_OUTGOING = 23
ETH_P_ALL = 3
SIOCSIFFLAGS = 0x8914
SLOW = os.environ.get("VR_RIG") == "guest"
SETTLE = 0.05 if SLOW else 0.004
DEADLINE = 20

_libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """What a test found wrong, with what it expected and what it got."""


class Skip(Exception):
    """Why a test cannot be done here."""


def expect(what, want, got):
    if want != got:
        raise Failure(f"{what}: expected {want}, actual {got}")


def setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def run(line, check=True, data=None, ns=None):
    """Run a command line in a namespace; return what it prints."""
    # the child inherits the namespace; doing it there would cost a real fork
    with ns or contextlib.nullcontext():
        p = subprocess.run(line.split() if isinstance(line, str) else line,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           input=data, text=True, check=False)
    if check and p.returncode:
        raise Failure(f"{line}: exit status {p.returncode}: {p.stdout.strip()}")
    return p.stdout


def wait(what, test, deadline=DEADLINE):
    """Poll until test() is true; return what it says."""
    end = time.monotonic() + deadline
    while True:
        got = test()
        if got:
            return got
        if time.monotonic() > end:
            raise Failure(f"{what}: expected within {deadline} s, actual: not yet")
        time.sleep(0.002)


def put(path, value):
    with open(path, "w", encoding="ascii") as f:
        f.write(value)


def new_lines(before, now):
    """What a log got since. It forgets what is old, so that its length tells nothing."""
    if before and before[-1] in now:
        return now[len(now) - now[::-1].index(before[-1]):]
    return now


def slab_objects(*prefixes):
    """How many objects are in use in the slab caches whose names begin so."""
    def lines():
        with open("/proc/slabinfo", encoding="ascii") as f:
            return [line.split()[:2] for line in f if line.startswith(prefixes)]
    for name, _ in lines():
        # KASAN keeps what was freed, until then
        path = f"/sys/kernel/slab/{name}/shrink"
        if os.path.exists(path):
            put(path, "1")
    return sum(int(used) for _, used in lines())


class Netns:
    """A network namespace with a name; entered with `with`."""

    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    def __init__(self, name):
        self.name = name
        run(f"ip netns add {name}")
        atexit.register(run, f"ip netns del {name}", False)
        self.fd = os.open(f"/run/netns/{name}", os.O_RDONLY)

    def __enter__(self):
        setns(self.fd)

    def __exit__(self, *_):
        setns(self.home)

    def read(self, path):
        """A file of /proc/net or /proc/sys as this namespace has it."""
        with self, open(path, encoding="ascii") as f:
            return f.read()

    def sysctl(self, key, value):
        with self, open("/proc/sys/" + key.replace(".", "/"), "w",
                        encoding="ascii") as f:
            f.write(str(value))

    def cmd(self, lines):
        """Do what the lines say: commands, or `sysctl KEY=VALUE`."""
        if isinstance(lines, str):
            lines = [lines]
        for line in lines:
            if callable(line):
                line()
            elif line.startswith("sysctl "):
                key, value = line[7:].split("=")
                self.sysctl(key, value)
            elif line.startswith("nft "):
                run(["nft", line[4:]], ns=self)
            else:
                run(line, ns=self)

    def attempt(self, line):
        """Run a command line that may fail; return what subprocess.run() does."""
        with self:
            return subprocess.run(line.split(), capture_output=True, text=True, check=False)

    def batch(self, lines, force=False):
        """Have ip do many things at once. It knows no -6 there, but the
        family of an address."""
        run("ip -batch -" if not force else "ip -force -batch -",
            not force, "\n".join(lines) + "\n", self)

    def set_up(self, name, up):
        """Set a device up or down at once, without a process."""
        with self, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCSIFFLAGS,
                        struct.pack("16sh14x", name.encode(), 1 if up else 0))

    def packet_socket(self, name):
        """A packet socket on a device. Bound last: an unbound one is a tap on
        all devices of all namespaces."""
        with self:
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        s.setsockopt(socket.SOL_SOCKET, 32, 16 << 20)  # SO_SNDBUFFORCE
        with self:
            s.bind((name, ETH_P_ALL))
        s.setblocking(False)
        return s


def receive(s):
    """The next frame of a packet socket with its VLAN tag, or None."""
    while True:
        try:
            data, anc, _, addr = s.recvmsg(70000, 64)
        except BlockingIOError:
            return None
        except OSError as e:
            if e.errno == errno.ENETDOWN:
                return None
            raise
        if addr[2] != socket.PACKET_OUTGOING:
            break
    for level, kind, aux in anc:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", aux[:20])
            if status & 0x10:  # TP_STATUS_VLAN_VALID
                tpid = tpid if status & 0x40 else 0x8100
                data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
    return data


def is_chatter(frame):
    """MLD, DAD and router solicitations that the router's own stack sends."""
    off = 18 if frame[12:14] == b"\x81\x00" else 14
    if frame[off - 2:off] != b"\x86\xdd" or frame[0] != 0x33:
        return False
    if frame[off + 6] == 0:  # MLD has a hop-by-hop header
        return True
    if frame[off + 6] != 58:
        return False
    kind = frame[off + 40]
    return kind in (133, 143) or (kind == 135 and
                                  frame[off + 8:off + 24] == bytes(16))


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def csum(data):
    if len(data) & 1:
        data += b"\0"
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def json_show(ns, name):
    """What vrctl tells of a router."""
    return json.loads(run(f"vrctl -j show {name}", ns=ns))[0]


def router_settings(ns):
    """Make the namespace forward, and say nothing by itself."""
    for key, value in (
            ("net.ipv6.conf.default.accept_ra", 0),
            ("net.ipv6.conf.all.accept_ra", 0),
            ("net.ipv6.conf.default.router_solicitations", 0),
            ("net.ipv6.conf.default.accept_dad", 0),
            ("net.ipv4.icmp_ratelimit", 0),
            ("net.ipv6.icmp.ratelimit", 0),
            ("net.ipv4.conf.all.rp_filter", 0),
            ("net.ipv4.conf.default.rp_filter", 0),
            ("net.ipv4.ip_forward", 1),
            ("net.ipv6.conf.all.forwarding", 1)):
        ns.sysctl(key, value)


class Rig:
    """A router with n ports between n wires; wire i is 10.0.i.0/24 and
    2001:db8:i::/64, the router is .1 there, and the wire's end .2."""

    count = 0

    def __init__(self, n=3, vrf=False, vlan=None, name="vr0", nics=None,
                 host=None, tag=0, real=False, queues=0):
        Rig.count += 1
        base = f"vt{os.getpid()}-{Rig.count}"
        self.n, self.vrf, self.name = n, vrf, name
        self.vlan = vlan or {}
        self.table = "vrf red" if vrf else ""
        self.nic = nics or Netns(base + "n")
        self.h = host or Netns(base + "h")
        self.r = Netns(base + "r")
        self.port = [f"r{i}" for i in range(n)]
        self.pmac = [f"02:00:00:00:{tag:02x}:1{i}" for i in range(n)]
        self.hmac = [f"02:00:00:00:{tag:02x}:2{i}" for i in range(n)]
        self.queues = queues
        self._quiet()
        self.real = real
        if real:
            self._real_wires()
        else:
            self._wires(make=not nics)
        self._router(tag)
        self.socks = [self.h.packet_socket(f"p{i}") for i in range(n)]

    def _quiet(self):
        for ns in (self.nic, self.h):
            ns.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
            ns.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        router_settings(self.r)
        # settings of the machine, or so up to 6.12
        for key, value in (("icmp_msgs_per_sec", 1000000),
                           ("icmp_msgs_burst", 1000000),
                           ("route/error_cost", 0)):
            path = f"/proc/sys/net/ipv4/{key}"
            if os.path.exists(path):
                with open(path, encoding="ascii") as f:
                    atexit.register(put, path, f.read())
                put(path, str(value))

    def _wires(self, make):
        if not make:
            return
        queues = f"numtxqueues {self.queues}" if self.queues else ""
        self.nic.batch(f"link add eth{i} {queues} type veth peer name p{i} {queues} netns "
                       f"{self.h.name}" for i in range(self.n))
        self.nic.batch(f"link set eth{i} up" for i in range(self.n))
        self.h.batch(f"link set p{i} address {self.hmac[i]} up"
                     for i in range(self.n))

    def _real_wires(self):
        """The emulated NICs of the guest, for as long as the rig lives."""
        for i in range(self.n):
            for old, new, ns in ((f"r{i}", f"eth{i}", self.nic),
                                 (f"h{i}", f"p{i}", self.h)):
                run(f"ip link set {old} down")
                run(f"ip link set {old} netns {ns.name} name {new}")
                address = run(f"ip -j link show {new}", ns=ns)
                address = json.loads(address)[0]["address"]
                atexit.register(run, f"ip link set {new} down address {address} "
                                f"netns 1 name {old}", False, None, ns)
        self.nic.batch(f"link set eth{i} up" for i in range(self.n))
        self.h.batch(f"link set p{i} address {self.hmac[i]} up"
                     for i in range(self.n))
        for i in range(self.n):
            for name, ns in ((f"eth{i}", self.nic), (f"p{i}", self.h)):
                wait(f"carrier of {name}", lambda name=name, ns=ns: "LOWER_UP" in
                     run(f"ip link show {name}", ns=ns))

    def _port(self, i, name):
        vlan = f" vlan {self.vlan[i]}" if i in self.vlan else ""
        run(f"ip link add link eth{i} name {name} address {self.pmac[i]} "
            f"type vrport{vlan}", ns=self.nic)

    def _plane(self):
        lines = [f"link add {self.name} type vrouter"]
        if self.vrf:
            lines.append(f"link set {self.name} master red")
        return lines

    def _router(self, tag):
        for i in range(self.n):
            tmp = f"t{tag}{i}"
            self._port(i, tmp)
            run(f"ip link set {tmp} netns {self.r.name} name r{i}", ns=self.nic)
        lines = ["link set lo up"]
        if self.vrf:
            lines += ["link add red type vrf table 100", "link set red up"]
            lines += [f"link set r{i} master red" for i in range(self.n)]
            lines += [f"route add vrf red unreachable {dst} metric 4278198272"
                      for dst in ("0.0.0.0/0", "::/0")]
        lines += self._plane()
        for i in range(self.n):
            lines += [f"addr add 10.0.{i}.1/24 dev r{i}",
                      f"addr add 2001:db8:{i}::1/64 dev r{i} nodad",
                      f"link set r{i} up",
                      f"neigh add 10.0.{i}.2 lladdr {self.hmac[i]} dev r{i} "
                      "nud permanent",
                      f"neigh add 2001:db8:{i}::2 lladdr {self.hmac[i]} dev "
                      f"r{i} nud permanent router"]
        self.r.batch(lines)
        wait("addresses in use", lambda: "tentative" not in run(
            "ip -6 addr show tentative", ns=self.r))
        self.up()

    def revive(self, i):
        """Set a port up that was down, with what went with that."""
        self.r.set_up(self.port[i], True)
        self.r.batch([f"addr replace 2001:db8:{i}::1/64 dev r{i} nodad",
                      f"neigh replace 10.0.{i}.2 lladdr {self.hmac[i]} dev r{i} nud permanent",
                      f"neigh replace 2001:db8:{i}::2 lladdr {self.hmac[i]} dev r{i} nud "
                      "permanent router"])

    def up(self, up=True):
        self.r.set_up(self.name, up)
        state = "active" if up else "down"

        def there():
            s = self.show()
            # by rules, hooks or the like it falls back for as long as they last
            return s["state"] == state or up and s["state"] == "fallback" and \
                s["fallback-reason"] != "mirror"
        wait(f"router {state}", there)

    def down(self):
        self.up(False)

    def show(self):
        return json_show(self.r, self.name)

    def lookup(self, dst, *more):
        return json.loads(run(f"vrctl -j lookup {self.name} {dst} "
                              + " ".join(more), ns=self.r))

    def ip(self, *lines, check=True):
        """Commands for ip in the router's namespace; {T} is its table."""
        for line in lines:
            run("ip " + line.replace("{T}", self.table), check, ns=self.r)

    def mark(self):
        """Change a route that no packet takes."""
        # the one from last time goes, or a new one comes
        self.marker = not getattr(self, "marker", False)
        dst = "203.0.113.250"
        self.r.cmd(f"ip route {'add' if self.marker else 'del'} {self.table} "
                   f"blackhole {dst}")
        return dst

    def sync(self):
        """Wait until the router has all the routes that the kernel has. It takes
        them in the order in which they were made."""
        dst = self.mark()
        wait("routes", lambda: (self.lookup(dst).get("prefix-len") == 32) ==
             self.marker)

    def counters(self):
        """All counters of the router; they must add up."""
        def now():
            s = self.show()["stats"]
            c = {k: v for k, v in s.items() if isinstance(v, int)}
            c["punt"], c["drop"] = s["punt"], s["drop"]
            return c if not c["queued-packets"] else None
        c = wait("empty queues", now)
        for what in ("packets", "bytes"):
            expect(f"{what} received = forwarded + punted + dropped",
                   c[f"rx-{what}"], c[f"forwarded-{what}"] +
                   c[f"punted-{what}"] + c[f"dropped-{what}"])
        expect("punted = the sum of the reasons", c["punted-packets"],
               sum(c["punt"].values()))
        return c

    def rx_packets(self):
        """Frames that came in on the ports."""
        total = 0
        for line in self.r.read("/proc/thread-self/net/dev").splitlines()[2:]:
            name, rest = line.split(":")
            if name.strip() in self.port:
                total += int(rest.split()[1])
        return total

    def send(self, i, frame):
        self.socks[i].send(frame)

    def flush(self):
        for s in self.socks:
            while receive(s) is not None:
                pass

    def exchange(self, frames, answers=None, rx=None):
        """Send (wire, frame)s; return the (wire, frame)s that come out.

        answers: how many to wait for; rx: how many of frames reach a port.
        Without frames to send, what came since the last time is returned.
        """
        if frames:
            self.flush()
        before = self.rx_packets()
        for i, frame in frames:
            self.send(i, frame)
        rx = len(frames) if rx is None else rx
        got = []
        end = time.monotonic() + DEADLINE
        quiet = time.monotonic() + SETTLE
        while True:
            ready = select.select(self.socks, [], [], SETTLE / 2)[0]
            for s in ready:
                frame = receive(s)
                while frame is not None:
                    if not is_chatter(frame):
                        got.append((self.socks.index(s), frame))
                    quiet = time.monotonic() + SETTLE
                    frame = receive(s)
            now = time.monotonic()
            if now > end:
                return got
            if now > quiet and self.rx_packets() - before >= rx and \
               len(got) >= (answers or 0):
                return got

    def gone(self):
        """Delete everything of this rig that others do not use."""
        for s in self.socks:
            s.close()
        run(f"ip netns del {self.r.name}")


# --- frames ------------------------------------------------------------------

def eth(dst, src, kind, payload, vlan=None):
    tag = struct.pack("!HH", 0x8100, vlan) if vlan is not None else b""
    return mac(dst) + mac(src) + tag + struct.pack("!H", kind) + payload


def ip4(src, dst, proto=17, payload=b"", ttl=64, tos=0, ident=0x1234, frag=0,
        options=b"", length=None, version=4, ihl=None, bad=0):
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    length = 20 + len(options) + len(payload) if length is None else length
    h = struct.pack("!BBHHHBBH4s4s", version << 4 | ihl, tos, length, ident,
                    frag, ttl, proto, 0, socket.inet_aton(src),
                    socket.inet_aton(dst)) + options
    return h[:10] + struct.pack("!H", csum(h) ^ bad) + h[12:] + payload


def in6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def ip6(src, dst, nh=17, payload=b"", hlim=64, tc=0, flow=0, length=None,
        version=6):
    length = len(payload) if length is None else length
    return struct.pack("!IHBB", version << 28 | tc << 20 | flow, length, nh,
                       hlim) + in6(src) + in6(dst) + payload


def l4sum(src, dst, proto, data):
    return csum(src + dst + struct.pack("!IHBB", len(data), 0, 0, proto) + data)


def addr(text):
    return in6(text) if ":" in text else socket.inet_aton(text)


def udp(src, dst, sport=1000, dport=2000, data=b"x" * 32, zero=False):
    h = struct.pack("!HHHH", sport, dport, 8 + len(data), 0)
    s = 0 if zero else l4sum(addr(src), addr(dst), 17, h + data) or 0xffff
    return h[:6] + struct.pack("!H", s) + data


def tcp(src, dst, sport=1000, dport=2000, data=b"", flags=2, options=b""):
    h = struct.pack("!HHIIBBHHH", sport, dport, 1, 0,
                    (5 + len(options) // 4) << 4, flags, 65535, 0, 0) + options
    s = l4sum(addr(src), addr(dst), 6, h + data)
    return h[:16] + struct.pack("!H", s) + h[18:] + data


def icmp4(kind, code=0, rest=b"\0\1\0\1", data=b"abcdefgh"):
    h = struct.pack("!BBH", kind, code, 0) + rest + data
    return h[:2] + struct.pack("!H", csum(h)) + h[4:]


def icmp6(src, dst, kind, code=0, rest=b"\0\1\0\1", data=b"abcdefgh"):
    h = struct.pack("!BBH", kind, code, 0) + rest + data
    return h[:2] + struct.pack("!H", l4sum(in6(src), in6(dst), 58, h)) + h[4:]


def flipped(data, at, mask=0xff):
    """Data with other bits in one byte."""
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1:]


def packet(src, dst, data=b"x" * 32, sport=1000, dport=2000, **kw):
    """A UDP packet of either family."""
    payload = udp(src, dst, sport, dport, data)
    make = ip6 if ":" in dst else ip4
    return make(src, dst, payload=payload, **kw)


def frame(dst, src, ip, vlan=None):
    return eth(dst, src, 0x86dd if ip[0] >> 4 == 6 else 0x0800, ip, vlan)


def own_frame(rig, wire, dst, data):
    """A frame to a rig's router on that wire, from the host at its end."""
    src = f"2001:db8:{wire}::2" if ":" in dst else f"10.0.{wire}.2"
    return frame(rig.pmac[wire], rig.hmac[wire], packet(src, dst, data=data))


def forwarded(ip):
    """What a router makes of a packet: without padding, one hop older."""
    if ip[0] >> 4 == 6:
        ip = ip[:40 + struct.unpack("!H", ip[4:6])[0]]
        return ip[:7] + bytes([ip[7] - 1]) + ip[8:]
    ip = ip[:struct.unpack("!H", ip[2:4])[0]]
    # RFC 1624 and a sum from scratch differ for no packet that is valid
    n = (ip[0] & 15) * 4
    h = ip[:8] + bytes([ip[8] - 1]) + ip[9:10] + b"\0\0" + ip[12:n]
    return h[:10] + struct.pack("!H", csum(h)) + h[12:] + ip[n:]


def neutral(data, own):
    """The frame without what differs from one time to the next: the IPv4
    identification that the stack of address own gives."""
    if data[12:14] == b"\x08\x00" and data[26:30] in own:
        return data[:18] + b"\0\0" + data[20:24] + b"\0\0" + data[26:]
    return data


def text(frames):
    return [f"{i}:{f.hex()}" for i, f in frames]


# --- TAP ---------------------------------------------------------------------

def main(tests):
    """Run (name, function) pairs and say how they went."""
    debug = os.environ.get("VR_DEBUG")
    only = sys.argv[1:]
    if only:
        tests = [t for t in tests if any(o in t[0] for o in only)]
    ksft.print_header()
    ksft.set_plan(len(tests))
    for name, test in tests:
        start = time.monotonic()
        try:
            test()
        except Skip as e:
            print(f"# {name}: {e}")
            ksft.test_result_skip(name)
        except Exception as e:  # one test is not to end the others
            print(f"# {name}: {type(e).__name__}: {e}")
            if not isinstance(e, Failure):
                import traceback
                for line in traceback.format_exc().splitlines():
                    print(f"# {line}")
            ksft.test_result_fail(name)
        else:
            ksft.test_result_pass(name)
        if debug:
            print(f"# {time.monotonic() - start:.2f} s")
    ksft.finished()
