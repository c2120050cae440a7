#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Command lines of vrctl: exit status, messages, output. Prints TAP.

vrctl itself runs without the module here. vrctl-fake has the same code on a
kernel that tests/fake.c makes up; $VRCTL_FAKE says how that one behaves.
"""
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

from tap import Skip, run, tap

try:
    import yaml
except ImportError:
    yaml = None

O = os.environ.get("O", "../build")
VRCTL, FAKE, UNIT = (os.path.join(O, p) for p in ("vrctl", "vrctl-fake", "unit"))
SPEC = "../../Documentation/netlink/specs/vrouter.yaml"
COMMANDS = ("list show set port stats lookup fib monitor reset create delete help").split()
NOT_LOADED = "vrctl: the vrouter module is not loaded\n"

USAGE = [
    "", "bogus", "-x", "--bogus", "-n", "list extra", "list -w 1", "list -c 1", "list -d",
    "show a b", "show sixteen-letters!", "show a/b", "show -n a/b",
    "set", "set vr0", "set vr0 weight", "set vr0 weight -5", "set vr0 weight ten",
    "set vr0 weight 4294967296", "set vr0 weight 1.5", "set vr0 weight 1 weight 2",
    "set vr0 weight 1 limit-packets", "set vr0 limit-packets 99999999999999999999",
    "set vr0 limit-bytes 0x10", "set vr0 netfilter maybe", "set vr0 netfilter 1",
    "set vr0 colour red", "set sixteen-letters! weight 1", "set -j vr0 weight 1",
    "set -a vr0 weight 1", "set vr0 max-routes", "set vr0 max-routes -1",
    "set vr0 max-routes 4294967296", "set vr0 max-rate", "set vr0 max-rate 3",
    "set vr0 max-rate 1.5mbit", "nic eth0", "nic eth0 bandwidth", "nic eth0 bandwidth 1x",
    "nic eth0 rate 1mbit", "nic a/b bandwidth 1mbit", "set vr0 max-routes 5 warn", "set vr0 warn 1 warn 2",
    "reset", "reset a b", "reset a:b", "reset -j a",
    "port bogus", "port list a b", "port list a/b",
    "stats -w", "stats -w 0", "stats -w x", "stats -w -1", "stats -w 1e3", "stats -c 0",
    "stats -c -1", "stats -c x", "stats -c 4294967296", "stats a/b",
    "lookup", "lookup vr0", "lookup vr0 host", "lookup vr0 10.0.0.1/8",
    "lookup vr0 10.0.0.1 from", "lookup vr0 10.0.0.1 from ::1",
    "lookup vr0 10.0.0.1 from x", "lookup vr0 10.0.0.1 via 1.1.1.1",
    "lookup vr0 10.0.0.1 iif", "lookup vr0 10.0.0.1 iif a/b",
    "lookup vr0 10.0.0.1 iif a iif b", "lookup vr0 10.0.0.1 from 1.1.1.1 from 1.1.1.1",
    "lookup -a vr0 10.0.0.1",
    "fib", "fib bogus", "fib show", "fib show a/b", "fib show vr0 host", "fib show vr0 10.0.0.1/8",
    "fib show vr0 10.0.0.0/33", "fib show vr0 ::/129", "fib show vr0 10.0.0.0/",
    "fib show vr0 10.0.0.0/8 shorter", "fib show vr0 10.0.0.0/8 longer-prefixes x",
    "fib show -a vr0", "fib stats", "fib stats a b", "fib stats a/b", "fib check", "fib check a b",
    "fib check a/b", "fib check -d a",
    "monitor now", "monitor -w 1",
    "create", "create vr0", "create vr0 port", "create vr0 port eth0", "create vr0 weight 1",
    "create vr0 port eth0:0=a", "create vr0 port eth0:4095=a", "create vr0 port eth0=",
    "create vr0 port eth0=vr0", "create vr0 port e=a port f=a",
    "create vr0 weight -1 port e=a", "create vr0 weight x port e=a",
    "create vr0 weight 1 weight 1 port e=a", "create vr0 netns a/b port e=a",
    "create vr0 netns a vrf b port e=a", "create vr0 vrf vr0 port e=a",
    "create vr0 vrf a port e=a", "create vr0 vrf a/b port e=a",
    "create vr0 bogus x port e=a", "create vr0 netns .. port e=a", "create -j vr0 port e=a",
    "delete", "delete a/b", "delete vr0 bogus", "delete vr0 netns",
    "delete vr0 netns a/b", "delete vr0 purge purge", "delete vr0 netns a netns b",
    "help bogus", "help list show", "-a -n x list",
]

NEED_MODULE = [
    "list", "list -a", "-j list", "show", "show vr0", "show -d vr0",
    "set vr0 weight 5", "set vr0 weight 5 limit-packets 10 limit-bytes 4096 netfilter bypass",
    "port list", "port", "port list vr0", "stats", "stats vr0 vr1", "stats -w 1",
    "stats -j -w 0.1 -c 3", "lookup vr0 10.0.0.1", "lookup vr0 ::1 from ::2",
    "set vr0 max-routes 1000 warn 90", "set vr0 max-rate 200mbit", "fib show vr0", "fib show vr0 10.0.0.0/8 longer-prefixes",
    "fib show -j vr0 ::1", "fib stats vr0", "fib check vr0", "fib check -j vr0",
    "monitor", "monitor -a", "reset vr0", "create vr0 port lo=p0",
    "create vr0 netns vrctl-test weight 3 port lo:10=p0 port lo=p1", "delete vr0",
    "delete vr0 purge",
]


def split(line):
    return line.split()


def usage(line):
    rc, out, err = run([VRCTL] + split(line))
    if rc != 2 or out or not re.fullmatch(r"vrctl: [^\n]+\n", err):
        return "status %d, stdout %r, stderr %r" % (rc, out, err)
    return None


def not_loaded(line):
    if os.path.isdir("/sys/module/vrouter"):
        raise Skip("the module is loaded")
    rc, out, err = run([VRCTL] + split(line))
    if (rc, out, err) != (1, "", NOT_LOADED):
        return "status %d, stdout %r, stderr %r" % (rc, out, err)
    return None


def fake(line, words="", log=None, fail=None):
    env = dict(os.environ, VRCTL_FAKE=words)
    if log:
        env["VRCTL_FAKE_LOG"] = log
    if fail:
        env["VRCTL_FAKE_FAIL"] = str(fail)
    return run([FAKE] + split(line), env=env)


def expect(line, words="", status=0, out=None, err="", no=None):
    rc, o, e = fake(line, words)
    for want, got in ((out, o), (err or r"\A\Z", e)):
        if want is not None and not re.search(want, got):
            return "status %d, want %r, stdout %r, stderr %r" % (rc, want, o, e)
    if no and re.search(no, o + e):
        return "has %r: %r %r" % (no, o, e)
    return None if rc == status else "status %d, %r" % (rc, e)


def valid_json(line, words, check):
    rc, out, err = fake(line, words)
    if rc:
        return "status %d, %r" % (rc, err)
    docs = [json.loads(text) for text in out.splitlines()]
    return None if check(docs) else out


OUTPUT = [
    # name, command, fake's words, keyword arguments of expect()
    ("list", "list", "", dict(out=r"(?m)^vr-red +active +vrf red +weight 3 +ports 2 +routes 12\+6$")),
    ("list tells why a router falls back", "list", "", dict(out=r"vr-blue +fallback .*\(mirror\)")),
    ("list of nothing", "list", "empty", dict(out=r"\A\Z")),
    ("list -a", "list -a", "", dict(out=r"nsid 7")),
    ("list again after an interruption", "list", "intr", dict(out=r"\A.*vr-red.*\n.*vr-blue.*\n\Z")),
    ("list gives up in the end", "list", "busy",
     dict(out=r"\A.*vr-red.*\n.*vr-blue.*\n\Z", err=r"\Avrctl: warning: .*incomplete\n\Z")),
    ("list that ends with an error", "list", "forbid",
     dict(status=1, out=r"\A\Z", err=r"\Avrctl: Not from here\n\Z")),
    ("list of odd messages", "list", "odd", dict(out=r"unknown-99")),
    ("list does not print escapes", "list", "evil", dict(out=r'a\?"\\b\?', no="\033")),
    ("show", "show vr-red", "", dict(out=r"(?s)weight +3\n.*received +1000 packets, 2000 bytes\n"
                                         r".*no-route +1000  no route; the stack.*"
                                         r"queue-bytes +2000 .*p50 1\.55 us, p99 6\.14 us")),
    ("show has only the reasons that count", "show vr-red", "", dict(out="no-route", no="blackhole")),
    ("show -d has all reasons", "show -d vr-red", "", dict(out="(?s)blackhole.*out of memory")),
    ("show -v is the same", "show -v vr-red", "", dict(out="blackhole")),
    ("show of all", "show", "", dict(out="(?s)vr-red: active.*vr-blue: fallback")),
    ("show -a picks by name", "show -a vr-blue", "", dict(out=r"\Avr-blue", no="vr-red")),
    ("show -a of none", "show -a vr-x", "", dict(status=1, err=r"\Avrctl: .*vr-x\n\Z", out=r"\A\Z")),
    ("show of odd messages", "show", "odd", dict(out="")),
    ("show refused", "show vr0", "refuse", dict(status=1, err=r"\Avrctl: no, thank you\n\Z")),
    ("refused without a word", "show vr0", "mute",
     dict(status=1, err=r"\Avrctl: Numerical result out of range\n\Z")),
    ("set refused names the setting", "set vr-red weight 1001", "refuse where",
     dict(status=1, err=r"\Avrctl: weight: no, thank you\n\Z")),
    ("set refused names nothing else", "set vr-red weight 1", "refuse name",
     dict(status=1, err=r"\Avrctl: no, thank you\n\Z")),
    ("a warning of the kernel", "reset vr0", "warn",
     dict(err=r"\Avrctl: warning: mind the step\n\Z")),
    ("reset refused", "reset vr0", "refuse", dict(status=1, err=r"\Avrctl: no, thank you\n\Z")),
    ("port list", "port list", "", dict(out=r"(?m)^red1 .*vr-red .*eth0:10 .*02:00:00:00:ab:01  mtu 1500  blocked: tap$")),
    ("port list of a router", "port list vr-red", "", dict(out="red0")),
    ("port list -d explains", "port list -d", "", dict(out=r"tap \(a packet socket listens")),
    ("port list of odd messages", "port list", "odd", dict(out=r"\?:10")),
    ("port list of nothing", "port list", "empty", dict(out=r"\A\Z")),
    ("lookup forwards", "lookup vr-red 10.1.1.1", "",
     dict(out=r"(?s)forwarded by.*10\.0\.0\.0/8, one of 2.*192\.0\.2\.1.*red1.*02:00:00:00:cd:01.*1500")),
    ("lookup on link, IPv6", "lookup vr-red 2001:db8::1", "",
     dict(out=r"(?s)2001:db8::/32.*on the link")),
    ("lookup punts", "lookup vr-red 192.0.2.1 from 10.0.0.1", "",
     dict(out=r"(?s)punted.*no-route: no route; the stack answers unreachable")),
    ("lookup with an unknown reason", "lookup vr-red 11.0.0.1", "odd", dict(out="unknown-1000")),
    ("lookup with a port that is not there", "lookup vr-red 11.0.0.1 iif nosuch", "",
     dict(status=1, err=r"\Avrctl: there is no port nosuch\n\Z")),
    ("lookup refused", "lookup vr-red 11.0.0.1", "refuse", dict(status=1, err="no, thank you")),
    ("fib show", "fib show vr-red", "",
     dict(out=r"\A10\.0\.0\.0/8 via 192\.0\.2\.1 dev if21 mtu 1400\n"
              r"10\.1\.0\.0/16 nexthop via 192\.0\.2\.1 dev if21 weight 3 "
              r"nexthop via inet6 fe80::1 dev if22 weight 1\n2001:db8::/32 punt route-type\n\Z")),
    ("fib show of a prefix", "fib show vr-red 10.0.0.0/9", "", dict(out=r"\A10\.0\.0\.0/8 via .*\n\Z")),
    ("fib show of routes that change", "fib show vr-red", "intr",
     dict(out=r"\A10\.0\.0\.0/8 ", err=r"\Avrctl: warning: routes changed meanwhile.*\n\Z")),
    ("fib show of odd messages", "fib show vr-red", "odd", dict(out=r"punt unknown-200")),
    ("fib show of nothing", "fib show vr-red", "empty", dict(out=r"\A\Z")),
    ("fib show refused", "fib show vr-red 10.0.0.0/8", "refuse", dict(status=1, err="no, thank you")),
    ("fib show that ends with an error", "fib show vr-red", "forbid",
     dict(status=1, out=r"\A\Z", err=r"\Avrctl: Not from here\n\Z")),
    ("fib stats", "fib stats vr-red", "",
     dict(out=r"(?s)\Avr-red:\n  IPv4 +2 prefixes, 7 updates\n.*3 nodes, 1000 bytes, of which 100 "
              r"shared\n.*200 bytes, of which 20 shared\n    /8 +1  /16 +1\n.*IPv6 +1 prefixes.*"
              r"mirror +5 changes, 0 pending")),
    ("fib stats of a router that is down", "fib stats vr-red", "empty", dict(out="no tables")),
    ("fib stats refused", "fib stats vr-red", "refuse", dict(status=1, err="no, thank you")),
    ("fib check", "fib check vr-red", "", dict(out=r"\Avr-red: 3 routes, 0 differences\n\Z")),
    ("fib check finds a difference", "fib check vr-red", "wrong",
     dict(status=1, out=r"(?s)\A10\.0\.0\.0/8: gateway\n  kernel +10\.0\.0\.0/8 via 192\.0\.2\.9 .*"
                        r"  router +10\.0\.0\.0/8 via 192\.0\.2\.1 .*3 routes, 1 differences\n\Z")),
    ("fib check finds a route that is missing", "fib check vr-red", "empty",
     dict(status=1, out=r"(?s)10\.0\.0\.0/8: missing\n.*router +none\n.*3 routes, 3 differences")),
    ("fib check finds wrong lookups", "fib check vr-red", "corrupt",
     dict(status=1, out=r"lookups are wrong in 2 places\nvr-red: 3 routes, 0 differences")),
    ("fib check of routes that change once", "fib check vr-red", "intr",
     dict(out=r"\Avr-red: 3 routes, 0 differences\n\Z")),
    ("fib check of routes that always change", "fib check vr-red", "busy",
     dict(status=1, out=r"\A\Z", err=r"\Avrctl: routes change faster.*\n\Z")),
    ("fib check refused", "fib check vr-red", "refuse", dict(status=1, err="no, thank you")),
    ("nic", "nic", "", dict(out=r"\Alo +root +.* sent 7  dropped 2  queued 3\n\Z")),
    ("nic that has sent much", "nic", "many", dict(out=r" sent 4294967303 ")),
    ("nic of odd messages", "nic", "short", dict(out=r" sent 0 ")),
    ("stats of totals", "stats", "", dict(out=r"\AROUTER +RECV .*\nvr-red +1000 +3000 +5000 +7000 ")),
    ("stats of one router", "stats vr-blue", "", dict(out="vr-blue", no="vr-red")),
    ("stats of a router that is not there", "stats vr-x", "",
     dict(status=1, out=r"\A\Z", err=r"\Avrctl: there is no router vr-x\n\Z")),
    ("stats of nothing", "stats", "empty", dict(out=r"\AROUTER.*\n\Z")),
    ("stats -w, most first", "stats -w 0.05 -c 2", "",
     dict(out=r"(?s)\AROUTER.*?\nvr-blue.*?\nvr-red.*?\n\nROUTER.*?\nvr-blue.*?\nvr-red.*?\n\n\Z")),
    ("stats refused", "stats -w 1", "refuse", dict(status=1, err=r"\Avrctl: no, thank you\n\Z")),
    ("stats of odd messages", "stats -w 0.05 -c 1", "odd", dict(out="ROUTER")),
    ("monitor", "monitor", "",
     dict(out=r"(?s)router-add +vr-red .*port-change +red1 .*port-del +red0.*"
              r"router-quota +vr-red .* max-routes 20 routes 18 warning\n", no="unknown")),
    ("monitor lost events", "monitor", "lost",
     dict(out="router-add", err=r"\Avrctl: warning: events were lost.*\n\Z")),
    ("module absent", "list", "absent", dict(status=1, err=NOT_LOADED, out=r"\A\Z")),
]

JSON = [
    ("list", "-j list", "", lambda d: [r["ifname"] for r in d[0]] == ["vr-red", "vr-blue"]),
    ("list, option last", "list --json", "", lambda d: d[0][0]["state"] == "active"),
    ("list of nothing", "list -j", "empty", lambda d: d == [[]]),
    ("list of odd messages", "list -j", "odd", lambda d: d[0][0] == {} and
     d[0][1]["state"] == "unknown-99" and not {"weight", "ifname"} & set(d[0][1])),
    ("list of an evil name", "list -j", "evil",
     lambda d: d[0][0]["ifname"] == "a\033\"\\b\ufffd"),
    ("show", "show -j vr-red", "", lambda d: len(d[0]) == 1 and
     d[0][0]["stats"]["punt"]["no-route"] == 1000 and
     d[0][0]["stats"]["drop"]["memory"] == 0 and
     d[0][0]["stats"]["delay"][1] == {"min-ns": 4096, "packets": 2000}),
    ("show of nothing", "show -j", "empty", lambda d: d == [[]]),
    ("port list", "port list -j", "", lambda d: d[0][1]["vlan"] == 10 and
     d[0][1]["blocked"] == "tap" and "vlan" not in d[0][0]),
    ("port list of nothing", "port list -j", "empty", lambda d: d == [[]]),
    ("lookup", "lookup -j vr-red 10.1.1.1", "", lambda d: d[0]["verdict"] == "forward" and
     d[0]["prefix"] == "10.0.0.0" and d[0]["lladdr"] == "02:00:00:00:cd:01"),
    ("lookup that punts", "lookup -j vr-red 11.1.1.1", "",
     lambda d: d[0]["reason"] == "no-route" and "unreachable" in d[0]["meaning"]),
    ("show of a limit", "show -j vr-red", "", lambda d: d[0][0]["max-routes"] == 20 and
     d[0][0]["routes"] == 18 and d[0][0]["mirror"]["lag-peak-ns"] == 1500),
    ("fib show", "fib show -j vr-red", "", lambda d: [r["prefix-len"] for r in d[0]] == [8, 16, 32] and
     d[0][1]["path"][1] == {"gateway": "fe80::1", "oif": 22, "oif-name": "if22", "weight": 1} and
     d[0][2]["reason"] == "route-type" and d[0][2]["verdict"] == "punt"),
    ("fib show of nothing", "fib show -j vr-red", "empty", lambda d: d == [[]]),
    ("fib stats", "fib stats -j vr-red", "", lambda d: d[0]["table"][0]["length"] ==
     [{"prefix-len": 8, "prefixes": 1}, {"prefix-len": 16, "prefixes": 1}] and
     d[0]["table"][1]["family"] == 10 and d[0]["mirror"]["changes"] == 5),
    ("fib check", "fib check -j vr-red", "", lambda d: d[0] ==
     {"differences": [], "routes": 3, "errors": 0}),
    ("nic", "nic -j", "many", lambda d: d[0][0]["packets"] == 4294967303 and
     d[0][0]["bytes"] == 700),
    ("stats", "stats -j", "", lambda d: len(d) == 1 and
     d[0]["routers"][0]["stats"]["cpu-ns"] == 12000 and
     d[0]["routers"][0]["weight-share-percent"] == 75),
    ("stats of nothing", "stats -j", "empty", lambda d: d[0]["routers"] == []),
    ("stats -w", "stats -j -w 0.05 -c 3", "", lambda d: len(d) == 3 and
     all(s["routers"][0]["forwarded-per-second"] > 0 for s in d)),
    ("monitor", "monitor -j", "", lambda d: [e["event"] for e in d] ==
     ["router-add", "port-change", "port-del", "router-quota"] and
     d[1]["port"]["ifname"] == "red1" and d[3]["router"]["quota-state"] == "warning"),
    ("monitor lost events", "monitor -j", "lost", lambda d: d[0]["event"] == "lost")
]


def help_texts():
    for argv in ([VRCTL, "help"], [VRCTL, "-h"]):
        rc, out, err = run(argv)
        if rc or err or not all("\n  " + c in out for c in COMMANDS):
            return "%r: %d %r %r" % (argv, rc, out, err)
    return None


def help_of(command):
    want = None
    for argv in ([VRCTL, "help", command], [VRCTL, command, "help"], [VRCTL, command, "-h"]):
        if argv[1:] == ["help", "help"]:
            continue
        rc, out, err = run(argv)
        if rc or err or not out.startswith("usage: vrctl %s" % command):
            return "%r: %d %r %r" % (argv, rc, out, err)
        want = want or out
        if out != want:
            return "%r differs" % argv
    return None


def version():
    rc, out, _ = run([VRCTL, "-V"])
    return None if not rc and re.fullmatch(r"vrctl [0-9.]+\n", out) else out


def no_netns():
    rc, out, err = run([VRCTL, "-n", "no-such-netns", "list"])
    ok = rc == 1 and not out and "no-such-netns: No such file" in err
    return None if ok else err


def full_disk():
    with open("/dev/full", "wb") as f:
        p = subprocess.run([VRCTL, "help"], stdout=f, stderr=subprocess.PIPE, check=False)
    return None if p.returncode == 1 and b"cannot write" in p.stderr else p.stderr


def left_nothing():
    return "a namespace was left" if os.path.exists("/run/netns/vrctl-test") else None


def names_as_in_spec():
    if not yaml:
        raise Skip("needs python3-yaml")
    with open(SPEC) as f:
        spec = yaml.safe_load(f)
    enums = {d["name"]: d for d in spec["definitions"]}
    sets = {s["name"]: s for s in spec["attribute-sets"]}
    want = []
    for kind in ("punt", "drop"):
        want += ["%s %d %s %s" % (kind, i, e["name"], e["doc"])
                 for i, e in enumerate(enums[kind + "-reason"]["entries"], 1)]
    skip = {"pad", "nest", "flag"}
    for kind in ("router", "port", "fib", "stats"):
        for i, a in enumerate(sets[kind]["attributes"], 1):
            if kind == "stats" and a["type"] != "u64":
                continue
            want.append("%s %d %s" % (kind, i, "-" if a["type"] in skip else a["name"]))
    want += ["mirror %d %s" % (i, a["name"])
             for i, a in enumerate(sets["mirror"]["attributes"], 1) if a["type"] != "pad"]
    got = run([UNIT, "--names"])[1].splitlines()
    return None if got == want else "\n".join(sorted(set(got) ^ set(want)))


def logged(line, words="", fail=None):
    """Return (status, stderr, lines that the fake kernel logged)."""
    with tempfile.NamedTemporaryFile("r") as f:
        rc, _, err = fake(line, words, f.name, fail)
        return rc, err, f.read().splitlines()


def set_one_message():
    rc, _, log = logged("set vr-red netfilter bypass limit-packets 7 weight 9")
    want = ["cmd 2 vr-red 10=9 11=7 13=2"]
    return None if rc == 0 and log == want else log


def set_limit_message():
    rc, _, log = logged("set vr-red max-routes 1000 warn 75")
    return None if rc == 0 and log == ["cmd 2 vr-red 21=1000 22=75"] else log


def set_rate_message():
    rc, _, log = logged("set vr-red max-rate 200mbit")
    return None if rc == 0 and log == ["cmd 2 vr-red 27=25000000"] else log


def reset_message():
    rc, _, log = logged("reset vr-red")
    return None if rc == 0 and log == ["cmd 3 vr-red"] else log


BEFORE = ["eth0+", "eth1", "far0+", "lo+", "red+", "red0+", "red1+", "vr-red+"]
CREATE = {
    "here": ("create x weight 3 port eth1:10=b0 port eth0=b1",
             ["up eth1", "add vrport b0 lower 3 master 0 vlan 10",
              "add vrport b1 lower 2 master 0", "add vrouter x lower 0 master 0 weight 3",
              "up b0", "up b1", "up x"]),
    "new VRF": ("create x vrf blue port eth0=b1",
                ["add vrf blue lower 0 master 0 table 1002", "route add 2 type 7 table 1002",
                 "route add 10 type 7 table 1002", "up blue",
                 "add vrport b1 lower 2 master 50", "add vrouter x lower 0 master 50",
                 "up b1", "up x"]),
    "VRF that is there": ("create x vrf red port eth0=b1",
                          ["add vrport b1 lower 2 master 4", "add vrouter x lower 0 master 4",
                           "up b1", "up x"]),
}


def create_steps(name):
    line, want = CREATE[name]
    rc, err, log = logged(line)
    if rc or err:
        return err
    return None if log[:-1] == want else "\n".join(log)


def create_undone(name, step):
    line, _ = CREATE[name]
    rc, err, log = logged(line, fail=step)
    left = sorted(log[-1].split()[1:])
    routes = sum(1 if " add " in x else -1 for x in log if x.startswith("route"))
    if rc != 1 or left != BEFORE or routes:
        return "status %d\n%s\n%s" % (rc, err, "\n".join(log))
    return None if re.fullmatch(r"vrctl: .*No luck with this one\n", err) else err


def create_refused(line, text):
    def test():
        rc, err, log = logged(line)
        bad = rc != 1 or text not in err or any(x.startswith("left") and
                                                sorted(x.split()[1:]) != BEFORE for x in log)
        return "%d %r %r" % (rc, err, log) if bad else None
    return test


def in_netns_sandbox(script):
    """Run a script in its own mount and network namespace with an empty /run."""
    argv = ["unshare", "-mn", "sh", "-euc",
            "mount --make-rprivate /; mount -t tmpfs t /run\n" + script, "sh", FAKE, VRCTL]
    if os.geteuid() or run(argv[:2] + ["mount", "-t", "tmpfs", "t", "/run"])[0]:
        raise Skip("needs root and namespaces")
    return run(argv)


def netns_created():
    rc, out, err = in_netns_sandbox("""
        export VRCTL_FAKE_LOG=/dev/stdout
        "$1" create x netns blue port eth0=b1
        ip netns list
        ip netns exec blue cat /proc/sys/net/ipv4/ip_forward
        cat /proc/sys/net/ipv4/ip_forward""")
    want = ["add vrport b1 lower 2 master 0 netns", "add vrouter x lower 0 master 0 netns",
            "up lo", "up b1", "up x"]
    lines = out.splitlines()
    ok = rc == 0 and lines[:5] == want and lines[-3:] == ["blue", "1", "0"]
    return None if ok else "%d %s %s" % (rc, out, err)


def netns_undone():
    rc, out, err = in_netns_sandbox("""
        export VRCTL_FAKE_FAIL=2
        "$1" create x netns blue port eth0=b1 && exit 9
        ls /run/netns
        ip netns add green
        export VRCTL_FAKE_FAIL=2
        "$1" create x netns green port eth0=b1 && exit 9
        ls /run/netns""")
    return None if rc == 0 and out == "green\n" and "No luck" in err else "%d %s %s" % (rc, out, err)


def netns_switched():
    """-n finds out where it is, and the real vrctl goes there."""
    rc, out, err = in_netns_sandbox("""
        ip netns add green
        "$1" -n green -j list
        rc=0
        "$2" -n green list || rc=$?
        exit $((rc + 40))""")
    if rc != 41 or NOT_LOADED not in err:
        return "%d %s %s" % (rc, out, err)
    return None if json.loads(out)[0]["netns"] == "green" else out


def netns_id_again(command, key, want):
    """An id is used again: what has it now is another namespace."""
    rc, out, err = in_netns_sandbox("""
        export VRCTL_FAKE=reuse
        mkdir /run/netns
        echo 7 >/run/netns/blue
        echo 8 >/run/netns/other
        "$1" %s""" % command)
    if rc:
        return err
    got = [key(json.loads(line)) for line in out.splitlines()]
    return None if got == want else got


def netns_of_event(event):
    return event.get("router", event.get("port"))["netns"]


def netns_of_sample(sample):
    """The name, and no rate that subtracts what another router has counted."""
    blue, = (r for r in sample["routers"] if r["ifname"] == "vr-blue")
    packets = blue["forwarded-per-second"] * sample["interval"]
    want = blue["stats"]["forwarded-packets"] if blue["netns"] == "green" else 6000
    return blue["netns"] if abs(packets / want - 1) < 0.1 else (blue["netns"], packets, want)


def real_create_leaves_nothing():
    """Without the module nothing must be made, not even for a moment."""
    rc, out, err = in_netns_sandbox("""
        "$2" create x netns blue port lo=b1 && exit 9
        [ ! -e /run/netns/blue ]; ip -o link | wc -l""")
    return None if rc == 0 and err == NOT_LOADED else "%d %s %s" % (rc, out, err)


def delete_purge():
    rc, err, log = logged("delete vr-red purge")
    want = ["del vr-red", "del red0", "del red1", "route del 2 type 7 table 1001",
            "route del 10 type 7 table 1001", "del red"]
    return None if rc == 0 and log[:-1] == want else "%s %s" % (err, log)


def delete_plain():
    rc, err, log = logged("delete vr-red")
    return None if rc == 0 and log[:-1] == ["del vr-red", "del red0", "del red1"] else \
        "%s %s" % (err, log)


def delete_purge_refused():
    rc, err, log = logged("delete vr-red purge", "tenant")
    ok = rc == 1 and err == "vrctl: purge: the VRF still holds tap0\n" and not log
    return None if ok else "%s %s" % (err, log)


def on_terminal(keys=b"", sig=None):
    """Run stats -w on a terminal. Return (status, output, terminal as before)."""
    master, slave = pty.openpty()
    before = subprocess.run(["stty", "-g"], stdin=slave, capture_output=True, check=True).stdout
    with subprocess.Popen([FAKE, "stats", "-w", "0.1"], stdin=slave, stdout=slave,
                          env=dict(os.environ, TERM="xterm"), start_new_session=True) as p:
        out = b""
        end = time.time() + 10
        told = False
        while p.poll() is None and time.time() < end:
            if select.select([master], [], [], 0.1)[0]:
                out += os.read(master, 65536)
            if b"vr-red" in out and not told:
                told = True
                p.send_signal(signal.SIGWINCH)
                time.sleep(0.3)
                if keys:
                    os.write(master, keys)
                if sig:
                    p.send_signal(sig)
        if p.poll() is None:
            p.kill()
        rc = p.wait()
    while select.select([master], [], [], 0.1)[0]:
        out += os.read(master, 65536)
    after = subprocess.run(["stty", "-g"], stdin=slave, capture_output=True, check=True).stdout
    os.close(master)
    os.close(slave)
    return rc, out, before == after


def terminal(**how):
    rc, out, restored = on_terminal(**how)
    if rc or not restored:
        return "status %d, terminal restored: %s" % (rc, restored)
    ok = b"\033[?1049h" in out and out.rstrip().endswith(b"\033[?1049l")
    return None if ok else repr(out[-200:])


def interrupted(command):
    with subprocess.Popen([FAKE] + command, stdout=subprocess.PIPE) as p:
        # before it writes, it may not have begun
        if not select.select([p.stdout], [], [], 10)[0]:
            p.kill()
            return "no output"
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=5)
        return None if p.returncode == 0 else "status %d" % p.returncode


def main():
    tests = [("usage: vrctl " + u, lambda u=u: usage(u)) for u in USAGE]
    tests += [("not loaded: vrctl " + c, lambda c=c: not_loaded(c)) for c in NEED_MODULE]
    tests += [("no trace without the module", left_nothing), ("help", help_texts)]
    tests += [("help " + c, lambda c=c: help_of(c)) for c in COMMANDS]
    tests += [("version", version), ("no such namespace", no_netns), ("full disk", full_disk),
              ("names as in the spec", names_as_in_spec)]
    tests += [(n, lambda c=c, w=w, k=k: expect(c, w, **k)) for n, c, w, k in OUTPUT]
    tests += [("JSON: " + n, lambda c=c, w=w, f=f: valid_json(c, w, f)) for n, c, w, f in JSON]
    tests += [("set: one message", set_one_message),
              ("set: a limit of routes", set_limit_message),
              ("set: a rate", set_rate_message), ("reset", reset_message)]
    for name, (_, steps) in CREATE.items():
        tests.append(("create: " + name, lambda n=name: create_steps(n)))
        tests += [("create: %s, step %d of %d fails" % (name, i, len(steps)),
                   lambda n=name, i=i: create_undone(n, i)) for i in range(1, len(steps) + 1)]
    tests += [
        ("create: no such NIC", create_refused("create x port nosuch=a port eth0=b",
                                               "NIC nosuch: No such device")),
        ("create: no such NIC, later", create_refused("create x vrf b port eth1=a port no=c",
                                                      "NIC no: No such device")),
        ("create: name is taken", create_refused("create x port eth0=red0", "File exists")),
        ("create: VRF is none", create_refused("create x vrf eth1 port eth0=a", "not a VRF")),
        ("create: makes a namespace", netns_created),
        ("create: unmakes a namespace, but only its own", netns_undone),
        ("create: nothing without the module", real_create_leaves_nothing),
        ("-n", netns_switched),
        ("monitor: an id is used again",
         lambda: netns_id_again("monitor -aj", netns_of_event, ["blue"] * 2 + ["green"] * 2)),
        ("stats: an id is used again",
         lambda: netns_id_again("stats -aj -w 0.1 -c 2", netns_of_sample, ["blue", "green"])),
        ("delete", delete_plain), ("delete purge", delete_purge),
        ("delete purge of what is in use", delete_purge_refused),
        ("stats on a terminal, q", lambda: terminal(keys=b"q")),
        ("stats on a terminal, Ctrl-C", lambda: terminal(sig=signal.SIGINT)),
        ("stats on a terminal, SIGTERM", lambda: terminal(sig=signal.SIGTERM)),
        ("stats -w in a pipe, Ctrl-C", lambda: interrupted(["stats", "-w", "0.1"])),
    ]
    return tap(tests)


if __name__ == "__main__":
    sys.exit(main())
