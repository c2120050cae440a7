# SPDX-License-Identifier: GPL-2.0
"""The family's numbers and policies, read from its spec."""
import os

import yaml

from nl import attr, genl

SPEC = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../Documentation/netlink/specs/vrouter.yaml")


def _number_of(value, consts):
    return consts.get(value, value)


class Spec:
    """The family as its spec describes it.

    op: {name: Op}; sets: {attribute set: {name: Attribute}}"""

    INT = {"u8": 1, "u16": 2, "u32": 4, "s32": 4, "u64": 8}

    class Attribute:
        """One attribute; lo and hi are limits of an integer, or of a string's length."""

        def __init__(self, value, yam, consts, enums):
            self.value, self.name, self.type = value, yam["name"], yam["type"]
            checks = yam.get("checks", {})
            self.size = Spec.INT.get(self.type, 0)
            self.lo = checks.get("min", 0)
            self.hi = _number_of(checks.get("max", (1 << 8 * self.size) - 1), consts)
            if yam.get("enum"):
                self.lo, self.hi = enums[yam["enum"]]
            self.max_len = checks.get("max-len")
            self.nested = yam.get("nested-attributes")
            self.multi = yam.get("multi-attr", False)

    class Op:
        """One operation; request and reply are {number: Attribute}."""

        def __init__(self, value, yam, attributes):
            def of(what):
                names = what.get("attributes", []) if what else []
                return {attributes[n].value: attributes[n] for n in names}
            self.value, self.name = value, yam["name"]
            do = yam.get("do", {})
            self.request, self.reply = of(do.get("request")), of(do.get("reply"))
            self.reply.update({a.value: a for a in attributes.values() if a.type == "pad"})
            self.dump, self.admin = "dump" in yam, "admin-perm" in yam.get("flags", [])

    def __init__(self):
        with open(SPEC, encoding="utf-8") as f:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            yam = yaml.load(f, Loader=loader)
        consts, enums, self.sets, self.op = {}, {}, {}, {}
        for d in yam["definitions"]:
            if d["type"] == "const":
                consts[d["name"]] = d["value"]
            else:
                first = d.get("value-start", 0)
                enums[d["name"]] = first, first + len(d["entries"]) - 1
        for s in yam["attribute-sets"]:
            self.sets[s["name"]] = {a["name"]: self.Attribute(i, a, consts, enums)
                                    for i, a in enumerate(s["attributes"], 1)}
        for i, op in enumerate(yam["operations"]["list"], 1):
            if "do" in op:
                self.op[op["name"]] = self.Op(i, op, self.sets[op["attribute-set"]])

    def pack(self, op, **values):
        """Payload of a request: attributes by name, with _ for -."""
        by_name = {a.name.replace("-", "_"): a for a in self.op[op].request.values()}
        data = b""
        for name, value in values.items():
            a = by_name[name]
            if a.type == "flag":
                value = b""
            elif a.size:
                value = (value & (1 << 8 * a.size) - 1).to_bytes(a.size, "little")
            data += attr(a.value, value)
        return genl(self.op[op].value, data)
