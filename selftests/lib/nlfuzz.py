# SPDX-License-Identifier: GPL-2.0
"""Attributes that are right, nearly right and wrong, and what a policy says to them.

Policies are {number: Spec.Attribute}; judge() is the kernel's strict validation, written
down once more."""
import errno
import struct

from nl import attr, number

NESTED, ORDERED = 0x8000, 0x4000
EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 99, 100, 101, 127, 128, 129, 255, 256,
         999, 1000, 1001, 2047, 2048, 4094, 4095, 4096, 65535, 65536, 1048575, 1048576,
         1048577, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff,
         0x100000000, (1 << 63) - 1, 1 << 63, (1 << 64) - 2, (1 << 64) - 1]
SIZES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 20, 32, 33, 64, 255, 256, 1024]


def value(rng, a, words):
    """What the policy lets pass; words: strings, bytes and numbers that mean something."""
    known = words.get(a.name)
    if known and rng.random() < 0.8:
        return rng.choice(known)
    if a.type == "flag":
        return b""
    if a.type == "string":
        size = rng.randint(1, a.max_len or 15)
        return bytes(rng.choice(b"abcxyz01-") for _ in range(size)) + b"\0"
    if a.size:
        edges = [e for e in EDGES if a.lo <= e <= a.hi] or [a.lo]
        pick = rng.choice(edges) if rng.random() < 0.7 else rng.randint(a.lo, a.hi)
        return pick.to_bytes(a.size, "little")
    return rng.randbytes(rng.choice((4, 16)))


def edge(rng, a):
    """A value at the edge of what the policy takes, on this side of it or the other."""
    if a.size:
        near = [a.lo - 1, a.lo, a.lo + 1, a.hi - 1, a.hi, a.hi + 1] + EDGES
        return (rng.choice(near) & (1 << 8 * a.size) - 1).to_bytes(a.size, "little")
    if a.type == "string":
        size = (a.max_len or 15) + rng.choice((-1, 0, 1, 2, 100))
        return b"x" * size + rng.choice((b"", b"\0", b"\0\0"))
    if a.type == "flag":
        return rng.choice((b"", b"\0", b"\1\0\0\0"))
    return rng.randbytes(rng.choice((0, 3, 4, 5, 15, 16, 17)))


def valid(rng, policy, words):
    """[(type, payload)] that a policy lets pass."""
    kinds = rng.sample(sorted(policy), rng.randint(0, min(4, len(policy))))
    return [(k, value(rng, policy[k], words)) for k in sorted(kinds)]


def deep(rng, depth):
    """A nest in a nest in a nest."""
    data = rng.randbytes(rng.choice((0, 1, 4)))
    for _ in range(depth):
        data = attr(rng.randint(1, 20) | rng.choice((0, NESTED)), data)
    return data


# each takes attributes [(type, payload)] and changes one thing

def m_edge(rng, items, policy):
    if items:
        i = rng.randrange(len(items))
        if items[i][0] in policy:
            items[i] = items[i][0], edge(rng, policy[items[i][0]])


def m_length(rng, items, policy):
    if items:
        i = rng.randrange(len(items))
        payload = (items[i][1] or b"\1") * 1024
        items[i] = items[i][0], payload[:rng.choice(SIZES)]


def m_flag(rng, items, policy):
    if items:
        i = rng.randrange(len(items))
        items[i] = items[i][0] ^ rng.choice((NESTED, ORDERED, NESTED | ORDERED)), items[i][1]


def m_unknown(rng, items, policy):
    kind = rng.choice((0, max(policy) + 1, 50, 200, 0x3ffe, 0x3fff, rng.randint(0, 0x3fff)))
    items.insert(rng.randint(0, len(items)), (kind, rng.randbytes(rng.choice(SIZES[:12]))))


def m_gap(rng, items, policy):
    """Known to the set, but not to this operation."""
    gaps = [n for n in range(1, max(policy)) if n not in policy] or [max(policy) + 1]
    items.append((rng.choice(gaps), rng.randbytes(4)))


def m_twice(rng, items, policy):
    if items:
        kind, payload = rng.choice(items)
        again = edge(rng, policy[kind]) if kind in policy and rng.random() < 0.5 else payload
        items.insert(rng.randint(0, len(items)), (kind, again))


def m_nest(rng, items, policy):
    kind = rng.choice(sorted(policy)) | rng.choice((0, NESTED))
    items.append((kind, deep(rng, rng.choice((1, 2, 8, 32, 200)))))


def m_wrap(rng, items, policy):
    """All of it within one attribute."""
    data = b"".join(attr(k, p) for k, p in items)
    items[:] = [(rng.choice(sorted(policy)) | rng.choice((0, NESTED)), data)]


def m_drop(rng, items, policy):
    if items:
        del items[rng.randrange(len(items))]


def m_shuffle(rng, items, policy):
    rng.shuffle(items)


MUTATORS = (m_edge, m_edge, m_edge, m_length, m_flag, m_unknown, m_gap, m_twice, m_nest,
            m_wrap, m_drop, m_shuffle)


def flip(rng, data):
    """Bytes without respect for what they mean."""
    data = bytearray(data)
    what = rng.random()
    if what < 0.25 and data:
        del data[rng.randrange(len(data)):]
    elif what < 0.4:
        data += rng.randbytes(rng.choice((1, 2, 3, 4, 5, 8, 40)))
    elif what < 0.6 and len(data) >= 4:
        # a length that is a lie
        at = rng.randrange(0, len(data) - 3, 4)
        struct.pack_into("=H", data, at, rng.choice((0, 1, 2, 3, 4, 5, 0x7fff, 0xfffc, 0xffff,
                                                     len(data) - at, len(data) - at + 1)))
    else:
        for _ in range(rng.choice((1, 1, 2, 8))):
            if data:
                data[rng.randrange(len(data))] = rng.choice((0, 1, 255, rng.randrange(256)))
    return bytes(data)


def broken(rng, items, policy):
    """Bytes of attributes after some changes."""
    items = list(items)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice(MUTATORS)(rng, items, policy)
    data = b"".join(attr(k, p) for k, p in items)
    return flip(rng, data) if rng.random() < 0.3 else data


# ---- what is right -----------------------------------------------------------

def _judge_string(a, payload):
    room = payload[:a.max_len + 1] if a.max_len else payload
    if b"\0" not in room:
        return errno.EINVAL
    size = len(payload) - (payload[-1] == 0)
    return errno.ERANGE if a.max_len and size > a.max_len else 0


def judge_one(a, payload):
    """Errno for one attribute of a known type, without flags."""
    if a.type == "flag":
        return errno.ERANGE if payload else 0
    if a.type == "string":
        return _judge_string(a, payload)
    if not a.size:
        return 0
    if len(payload) != a.size:
        return errno.EINVAL
    if a.type == "s32":
        return 0
    return 0 if a.lo <= number(payload) <= a.hi else errno.ERANGE


def judge(data, policy):
    """(errno, {type: payload}) by strict validation; of several the last counts."""
    found, pos, top = {}, 0, max(policy)
    while len(data) - pos >= 4:
        size, kind = struct.unpack_from("=HH", data, pos)
        if size < 4 or size > len(data) - pos:
            break
        payload = data[pos + 4:pos + size]
        pos += size + 3 & ~3
        plain = kind & 0x3fff
        if not 1 <= plain <= top or plain not in policy or kind & NESTED:
            return errno.EINVAL, {}
        code = judge_one(policy[plain], payload)
        if code:
            return code, {}
        found[plain] = payload
    return (errno.EINVAL, {}) if pos < len(data) else (0, found)
