#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the generic netlink family refuses, and to whom; its policies.

Numbers of invariants are those of vrouter-invariants.rst.
"""
import errno
import os
import struct
import sys

sys.path.append(os.path.dirname(os.path.abspath(__file__)) + "/lib")
# pylint: disable=wrong-import-position
import nl
import rtnl
import userns
from nlrig import NSID, SPEC_READ, NlError, NlMsgs, family, main_red, raw, refused
from userns import as_user, can_userns
from vrtest import Failure, Skip, expect, run

U32_MAX = 0xffffffff


# ---- refusals ----------------------------------------------------------------

REFUSALS = [
    # operation, dump, values, errno, text
    ("router-get", 0, {}, errno.EINVAL, "Give either the index or the name"),
    ("router-get", 0, {"ifindex": 1, "ifname": "vr-red"}, errno.EINVAL,
     "Give either the index or the name"),
    ("router-get", 0, {"ifname": "nobody"}, errno.ENODEV, "No such router"),
    ("router-get", 0, {"ifname": "red0"}, errno.ENODEV, "No such router"),
    ("router-get", 0, {"ifindex": 0}, errno.ERANGE, "range"),
    ("router-get", 0, {"ifindex": 0x7fffffff}, errno.ENODEV, "No such router"),
    ("router-get", 0, {"ifindex": U32_MAX}, errno.ENODEV, "No such router"),
    ("router-get", 0, {"ifname": "vr-red", "netnsid": 999}, errno.EINVAL,
     "No namespace has that id"),
    ("router-get", 0, {"ifname": "vr-red", "netnsid": -1}, errno.EINVAL,
     "No namespace has that id"),
    ("router-get", 0, {"ifname": "vr-red", "netnsid": -0x80000000}, errno.EINVAL,
     "No namespace has that id"),
    ("router-get", 0, {"ifname": "a" * 16}, errno.EINVAL, ""),
    ("router-get", 1, {"ifname": "vr-red"}, errno.EINVAL, "Not for a dump"),
    ("router-get", 1, {"ifindex": 1}, errno.EINVAL, "Not for a dump"),
    ("router-get", 1, {"netnsid": NSID}, errno.EINVAL, "Not for a dump"),
    ("router-set", 0, {"weight": 1}, errno.EINVAL, "Give either the index or the name"),
    ("router-set", 0, {"ifname": "nobody", "weight": 1}, errno.ENODEV, "No such router"),
    ("router-set", 0, {"ifname": "red0", "weight": 1}, errno.ENODEV, "No such router"),
    ("router-set", 0, {"ifname": "vr-red", "netnsid": 999, "weight": 1}, errno.EINVAL,
     "No namespace has that id"),
    # what can be read cannot be set
    ("router-set", 0, {"ifname": "vr-red", "state": 1}, errno.EINVAL, ""),
    ("router-set", 0, {"ifname": "vr-red", "ports": 1}, errno.EINVAL, ""),
    ("router-set", 0, {"ifname": "vr-red", "resyncs": 1}, errno.EINVAL, ""),
    ("router-reset", 0, {}, errno.EINVAL, "Give either the index or the name"),
    ("router-reset", 0, {"ifname": "nobody"}, errno.ENODEV, "No such router"),
    ("router-reset", 0, {"ifname": "vr-red", "weight": 4}, errno.EINVAL, ""),
    ("port-get", 0, {}, errno.EINVAL, "Give either the index or the name"),
    ("port-get", 0, {"ifname": "nobody"}, errno.ENODEV, "No such port"),
    ("port-get", 0, {"ifname": "vr-red"}, errno.ENODEV, "No such port"),
    ("port-get", 0, {"ifindex": 1}, errno.ENODEV, "No such port"),
    ("port-get", 1, {"ifname": "red0"}, errno.EINVAL, "Not for a dump"),
    ("fib-get", 0, {"router-name": "vr-red"}, errno.EINVAL, "destination"),
    ("fib-get", 0, {"dst": b"1234"}, errno.EINVAL, "Give either the index or the name"),
    ("fib-get", 0, {"router-name": "nobody", "dst": b"1234"}, errno.ENODEV,
     "No such router"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": b""}, errno.EINVAL, "4 or 16 bytes"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": b"12345"}, errno.EINVAL,
     "4 or 16 bytes"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": bytes(17)}, errno.EINVAL,
     "4 or 16 bytes"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": bytes(4), "src": bytes(16)},
     errno.EINVAL, "different families"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": bytes(4), "iif": 1}, errno.ENODEV,
     "no such port"),
    ("fib-get", 0, {"router-name": "vr-red", "dst": bytes(4), "iif": U32_MAX},
     errno.ENODEV, "no such port"),
    ("router-set", 0, {"ifname": "vr-red", "routes": 1}, errno.EINVAL, ""),
    ("router-set", 0, {"ifname": "vr-red", "quota-state": 1}, errno.EINVAL, ""),
    ("route-get", 0, {}, errno.EINVAL, "Give a prefix, or ask for a dump"),
    ("route-get", 0, {"router-name": "vr-red"}, errno.EINVAL, "Give a prefix"),
    ("route-get", 0, {"prefix": bytes(4), "prefix-len": 0}, errno.EINVAL,
     "Give either the index or the name"),
    ("route-get", 0, {"router-name": "nobody", "prefix": bytes(4), "prefix-len": 0},
     errno.ENODEV, "No such router"),
    ("route-get", 0, {"router-name": "red0", "prefix": bytes(4), "prefix-len": 0},
     errno.ENODEV, "No such router"),
    ("route-get", 0, {"router-name": "vr-red", "prefix": bytes(4), "prefix-len": 0},
     errno.ESRCH, "no such route"),
    ("route-get", 0, {"router-name": "vr-red", "prefix": bytes(4), "prefix-len": 0,
                      "netnsid": 999}, errno.EINVAL, "No namespace has that id"),
    ("route-get", 0, {"router-name": "vr-red", "prefix": bytes(4), "prefix-len": 0,
                      "longer-prefixes": True}, errno.EINVAL, "ask for a dump"),
    ("route-get", 1, {}, errno.EINVAL, "Give either the index or the name"),
    ("route-get", 1, {"router-name": "nobody"}, errno.ENODEV, "No such router"),
    ("route-get", 1, {"router-name": "vr-red", "netnsid": 999}, errno.EINVAL,
     "No namespace has that id"),
    ("route-get", 1, {"router-name": "vr-red", "family": 1}, errno.EINVAL, "IPv4 or IPv6"),
    ("route-get", 1, {"router-name": "vr-red", "family": 258}, errno.EINVAL, "IPv4 or IPv6"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": bytes(4)}, errno.EINVAL,
     "go together"),
    ("route-get", 1, {"router-name": "vr-red", "prefix-len": 4}, errno.EINVAL, "go together"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": b"", "prefix-len": 0}, errno.EINVAL,
     "4 or 16 bytes"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": bytes(5), "prefix-len": 0},
     errno.EINVAL, "4 or 16 bytes"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": bytes(4), "prefix-len": 33},
     errno.EINVAL, "longer than its address"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": bytes(16), "prefix-len": 129},
     errno.ERANGE, ""),
    ("route-get", 1, {"router-name": "vr-red", "prefix": b"\x0a\0\0\1", "prefix-len": 8},
     errno.EINVAL, "beyond its length"),
    ("route-get", 1, {"router-name": "vr-red", "prefix": bytes(4), "prefix-len": 0,
                      "family": 10}, errno.EINVAL, "another family"),
    ("route-get", 1, {"router-name": "vr-red", "longer-prefixes": True}, errno.EINVAL,
     "A prefix is missing"),
    ("fib-stats", 0, {}, errno.EINVAL, "Give either the index or the name"),
    ("fib-stats", 0, {"router-name": "nobody"}, errno.ENODEV, "No such router"),
    ("fib-stats", 0, {"router-ifindex": 1}, errno.ENODEV, "No such router"),
    ("fib-stats", 0, {"router-name": "vr-red", "netnsid": 999}, errno.EINVAL,
     "No namespace has that id"),
]


def t_refusals(red):
    """Every refusal has its errno and a text."""
    before = red.settings()
    bad = []
    for operation, dump, values, code, text in REFUSALS:
        try:
            refused("%s %r" % (operation, values), code, text, red.fam, operation, values,
                    dump)
        except Failure as e:
            bad.append(str(e))
    expect("settings after the refusals", before, red.settings())
    if bad:
        raise Failure("\n".join(bad))


def t_malformed(red):
    """Invariant 54: unknown attributes, wrong lengths, garbage."""
    before = red.settings()
    name = nl.attr(2, b"vr-red\0")
    cases = [
        ("unknown attribute", "router-set", name + nl.attr(50, bytes(4))),
        ("attribute 0", "router-set", name + nl.attr(0, bytes(4))),
        ("largest attribute", "router-set", name + nl.attr(0x3fff, bytes(4))),
        ("unknown attribute", "router-get", name + nl.attr(200, b"")),
        ("unknown attribute", "port-get", name + nl.attr(200, b"")),
        ("unknown attribute", "fib-get", name + nl.attr(200, b"")),
        ("unknown attribute", "route-get", name + nl.attr(200, b"")),
        ("unknown attribute", "fib-stats", name + nl.attr(200, b"")),
        ("name without an end", "router-get", nl.attr(2, b"vr-red")),
        ("empty name", "router-get", nl.attr(2, b"")),
        ("name that is too long", "router-get", nl.attr(2, b"x" * 16 + b"\0")),
        ("garbage behind it", "router-set", name + b"\1\2\3\4"),
        ("length beyond the end", "router-set", name + struct.pack("=HHI", 60000, 9, 5)),
        ("length below the header", "router-set", name + struct.pack("=HHI", 3, 9, 5)),
        ("nest flag", "router-set", name + nl.attr(9 | 0x8000, 5)),
    ]
    for size in (0, 1, 2, 3, 5, 8):
        cases.append(("weight of %d bytes" % size, "router-set",
                      name + nl.attr(9, b"\1" + bytes(size - 1) if size else b"")))
        cases.append(("index of %d bytes" % size, "router-get",
                      nl.attr(1, b"\1" + bytes(size - 1) if size else b"")))
    bad = []
    for what, operation, attributes in cases:
        code, text, _ = raw(red.fam, operation, attributes)
        if code not in (errno.EINVAL, errno.ERANGE, errno.ENODEV) or not text:
            bad.append("%s, %s: expected EINVAL or ERANGE and a text, got %s %r" %
                       (operation, what, errno.errorcode.get(code, code), text))
    expect("settings after it", before, red.settings())
    if bad:
        raise Failure("\n".join(bad))


# ---- the policies (invariant 53) ---------------------------------------------

CTRL_GETPOLICY = 10
NL_TYPES = {"flag": 1, "u8": 2, "u16": 3, "u32": 4, "u64": 5, "s32": 8, "binary": 10,
            "string": 12}


def kernel_policies(fam):
    """What the kernel says: {operation: {do or dump: index}}, {index: {attribute: ...}}."""
    request = nl.genl(CTRL_GETPOLICY, nl.attr(1, nl.u16(fam.nlproto.family_id)))
    fam.sock.send(nl.message(nl.GENL_ID_CTRL, request, nl.DUMP))
    ops, policies, done = {}, {}, False
    while not done:
        for m in NlMsgs(fam.sock.recv(65536)):
            if m.done or m.error:
                done = True
                break
            for kind, payload in nl.pairs(m.raw[4:]):
                for number, inner in nl.pairs(payload):
                    if kind == 9:
                        ops[number] = {k: struct.unpack("=I", v)[0] for k, v in nl.pairs(inner)}
                    elif kind == 8:
                        known = policies.setdefault(number, {})
                        for attr, what in nl.pairs(inner):
                            known.setdefault(attr, {}).update(nl.pairs(what))
    return ops, policies


def t_policies(red):
    """The kernel's policies are those of the spec."""
    ops, policies = kernel_policies(red.fam)
    for name, op in SPEC_READ.ops.items():
        if op.is_async:
            continue
        spec = {SPEC_READ.attr_sets[op.attr_set.name][a].value: a
                for a in op.yaml["do"]["request"]["attributes"]}
        if op.req_value not in ops:
            raise Failure("%s: expected a policy, got none" % name)
        for which in ops[op.req_value].values():
            have = policies[which]
            expect("%s: attributes" % name, set(spec.values()),
                   {spec.get(a, a) for a in have})
            for number, attr_name in spec.items():
                attr = SPEC_READ.attr_sets[op.attr_set.name][attr_name]
                expect("%s %s: type" % (name, attr_name), NL_TYPES[attr["type"]],
                       struct.unpack("=I", have[number][1])[0])
                checks = attr.yaml.get("checks", {})
                limits = {k: struct.unpack("=Q", have[number][k])[0]
                          for k in (4, 5) if k in have[number]}
                if "min" in checks:
                    expect("%s %s: least" % (name, attr_name), checks["min"], limits.get(4))
                if "max" in checks:
                    most = checks["max"]
                    most = 1000 if most == "weight-max" else most
                    expect("%s %s: most" % (name, attr_name), most, limits.get(5))


# ---- permissions (invariant 56) ----------------------------------------------

ATTEMPTS = [
    # name, operation, dump, values
    ("get", "router-get", 0, {"ifname": "vr-red"}),
    ("dump", "router-get", 1, {}),
    ("dump all", "router-get", 1, {"all-netns": True}),
    ("get by netnsid", "router-get", 0, {"ifname": "vr-red", "netnsid": 0}),
    ("set", "router-set", 0, {"ifname": "vr-red", "weight": 4}),
    ("set nothing", "router-set", 0, {"ifname": "vr-red"}),
    ("set limit", "router-set", 0, {"ifname": "vr-red", "limit-packets": 4}),
    ("set by netnsid", "router-set", 0, {"ifname": "vr-red", "netnsid": 0, "weight": 4}),
    ("reset", "router-reset", 0, {"ifname": "vr-red"}),
    ("port", "port-get", 0, {"ifname": "red0"}),
    ("port dump", "port-get", 1, {}),
    ("port dump all", "port-get", 1, {"all-netns": True}),
    ("fib", "fib-get", 0, {"router-name": "vr-red", "dst": b"\x0a\0\1\2"}),
    ("fib by netnsid", "fib-get", 0, {"router-name": "vr-red", "netnsid": 0,
                                      "dst": b"\x0a\0\1\2"}),
    ("routes", "route-get", 1, {"router-name": "vr-red"}),
    ("routes by netnsid", "route-get", 1, {"router-name": "vr-red", "netnsid": 0}),
    ("tables", "fib-stats", 0, {"router-name": "vr-red"}),
    ("tables by netnsid", "fib-stats", 0, {"router-name": "vr-red", "netnsid": 0}),
    ("tables verified", "fib-stats", 0, {"router-name": "vr-red", "verify": True}),
    ("set max-routes", "router-set", 0, {"ifname": "vr-red", "max-routes": 4}),
    ("set max-rate", "router-set", 0, {"ifname": "vr-red", "max-rate": 4}),
]
READ_ONLY = {
    "get": "ok", "dump": "ok", "dump all": "EPERM", "get by netnsid": "EPERM",
    "set": "EPERM", "set nothing": "EPERM", "set limit": "EPERM",
    "set by netnsid": "EPERM", "reset": "EPERM", "port": "ok", "port dump": "ok",
    "port dump all": "EPERM", "fib": "ok", "fib by netnsid": "EPERM",
    "routes": "ok", "routes by netnsid": "EPERM", "tables": "EPERM",
    "tables by netnsid": "EPERM", "tables verified": "EPERM", "set max-routes": "EPERM",
    "set max-rate": "EPERM",
}


def attempts():
    """What becomes of each attempt, with a socket of this process."""
    fam, out = family(), {}
    for name, operation, dump, values in ATTEMPTS:
        try:
            if dump:
                fam.dump(operation, values)
            else:
                fam.do(operation, values)
            out[name] = "ok"
        except NlError as e:
            out[name] = errno.errorcode[-e.nl_msg.error]
    return out


def t_perm_user(red):
    """An unprivileged user reads, and writes nothing."""
    before = red.settings()

    def work():
        out = attempts()
        out["rtnl"] = rtnl.talk("vr-red", "vrouter", ["data", "1", "05000000"], True)[0]
        return out
    got = as_user(work, "/run/netns/" + red.ns.name)
    expect("weight by rtnetlink", errno.EPERM, got.pop("rtnl", None))
    expect("attempts of a user", READ_ONLY, got)
    expect("settings after it", before, red.settings())


def t_perm_texts(_):
    """Refusals for want of rights say so, where the family refuses."""
    def work():
        fam, out = family(), []
        for operation, dump, values in (("router-get", 1, {"all-netns": True}),
                                        ("port-get", 1, {"all-netns": True}),
                                        ("router-get", 0, {"ifname": "x", "netnsid": 1}),
                                        ("fib-stats", 0, {"router-name": "x"}),
                                        ("fib-get", 0, {"router-name": "x", "netnsid": 1,
                                                        "dst": b"1234"})):
            try:
                refused(operation, errno.EPERM, "for the host's administrator", fam,
                        operation, values, dump)
            except Failure as e:
                out.append(str(e))
        return out
    expect("what is wrong", [], as_user(work))


def in_userns(red, work):
    """work() as root of a new user and network namespace that has router vr-red and
    port red0, both given to it by the host."""
    if not can_userns():
        raise Skip("no user namespaces here")
    who = userns.Userns(work)
    try:
        run("ip link add vr-red netns %d type vrouter weight 6" % who.pid)
        run("ip link add link eth0 name red0 netns %d type vrport" % who.pid, ns=red.nics)
    except Failure:
        who.give_up()
        raise
    return who.go()


def t_perm_userns(red):
    """Root of a user namespace reads its own, and writes nothing."""
    # its router is down, and has no routes to tell
    expect("attempts", {**READ_ONLY, "routes": "ENETDOWN"}, in_userns(red, attempts))


def t_perm_userns_rtnl(red):
    """Root of a user namespace makes and deletes routers, but sets no weight."""
    def work():
        out = []
        weight = ["data", "1", nl.u32(5).hex()]
        out.append(rtnl.talk("vr-red", "vrouter", weight, True))
        out.append(rtnl.talk("vr-red", "vrouter", [], True))
        weights = family().do("router-get", {"ifname": "vr-red"})["weight"]
        run("ip link set vr-red up")
        run("ip link set red0 up")
        run("ip link del vr-red")
        out.append(rtnl.talk("vr-new", "vrouter", weight, False))
        out.append(rtnl.talk("vr-new", "vrouter", [], False))
        return out + [weights, family().do("router-get", {"ifname": "vr-new"})["weight"]]
    text = "Only the host's administrator may set weights"
    want = [[errno.EPERM, text], [0, ""], [errno.EPERM, text], [0, ""], 6, 1]
    expect("weight of an old router, nothing, weight of a new one, new one; weights", want,
           in_userns(red, work))


TESTS = [
    ("refusals: errno and text", t_refusals),
    ("refusals: malformed requests", t_malformed),
    ("policies are the spec's", t_policies),
    ("permissions: user", t_perm_user),
    ("permissions: texts", t_perm_texts),
    ("permissions: root of a user namespace", t_perm_userns),
    ("permissions: weights by rtnetlink", t_perm_userns_rtnl),
]


if __name__ == "__main__":
    main_red(TESTS)
