# SPDX-License-Identifier: GPL-2.0
"""What may differ between two runs of the same Linux, each with the reason why.
Only that is left out of the comparison. Flows: the order is that of each flow, since
the router lets control traffic overtake."""
from vrtest import csum

VNET = 10


def vnet(data):
    """hdr_len of a GSO frame is a hint: how much of it lies in one piece."""
    return data[:2] + b"\0\0" + data[4:]


def time4(ip, n):
    """The answer to an ICMP time stamp request tells the time."""
    icmp = ip[n:]
    if ip[9] != 1 or len(icmp) < 20 or icmp[0] != 14 or csum(icmp):
        return ip
    return ip[:n] + icmp[:2] + b"\0\0" + icmp[4:12] + bytes(8) + icmp[20:]


def stamps(options):
    """The time stamp option of IPv4 is filled with the time."""
    options = bytearray(options)
    at = 0
    while at + 1 < len(options) and options[at]:
        if options[at] == 1:
            at += 1
            continue
        size = options[at + 1]
        if size < 2:
            break
        if options[at] == 68 and size >= 4:
            options[at + 4:at + size] = bytes(len(options[at + 4:at + size]))
        at += size
    return bytes(options)


def header4(ip, own):
    """The identification that the stack itself gives is a hash of a secret of each
    namespace and of time. The header checksum follows from this and from time stamps:
    it is left out only where it is right."""
    n = (ip[0] & 15) * 4
    if n < 20 or len(ip) < n or csum(ip[:n]) or not own and n == 20:
        return ip
    options = stamps(ip[20:n])
    if not own and options == ip[20:n]:
        return ip
    ident = b"\0\0" if own else ip[4:6]
    ip = ip[:4] + ident + ip[6:10] + b"\0\0" + ip[12:20] + options + ip[n:]
    return quote4(time4(ip, n), n) if own else ip


def quote4(ip, n):
    """An error quotes a packet whose time stamp option was filled in before."""
    quote = ip[n + 8:]
    if ip[9] != 1 or len(quote) < 24 or ip[n] not in (3, 11, 12) or csum(ip[n:]):
        return ip
    size = (quote[0] & 15) * 4
    if size <= 20 or stamps(quote[20:size]) == quote[20:size]:
        return ip
    quote = quote[:10] + b"\0\0" + quote[12:20] + stamps(quote[20:size]) + quote[size:]
    return ip[:n + 2] + b"\0\0" + ip[n + 4:n + 8] + quote


def ident6(ip):
    """The same for the identification in a fragment header that the stack made."""
    if ip[6] == 44 and len(ip) >= 48:
        return ip[:44] + bytes(4) + ip[48:]
    return ip


class Masks:
    """For a router with these addresses of its own."""

    def __init__(self, own4, own6):
        self.own4, self.own6 = own4, own6

    def __call__(self, data):
        kind = data[VNET + 12:VNET + 14]
        ip = data[VNET + 14:]
        if data[1]:
            data = vnet(data)
        head = data[:VNET + 14]
        if kind == b"\x08\x00" and len(ip) >= 20:
            return head + header4(ip, ip[12:16] in self.own4 or ip[12] == 127)
        if kind == b"\x86\xdd" and len(ip) >= 40 and ip[8:24] in self.own6:
            return head + ident6(ip)
        return data


def flow(data):
    """Frames with the same key must come in the same order."""
    kind = data[VNET + 12:VNET + 14]
    ip = data[VNET + 14:]
    if kind == b"\x08\x00" and len(ip) >= 20:
        # what an error is about tells which flow it belongs to
        error = ip[28:56] if ip[9] == 1 and len(ip) > 56 and ip[20] in (3, 5, 11, 12) else b""
        return ip[1:2] + ip[9:10] + ip[12:24] + error[1:2] + error[12:24]
    if kind == b"\x86\xdd" and len(ip) >= 40:
        error = ip[48:] if ip[6] == 58 and len(ip) > 88 and ip[40] < 128 else b""
        return ip[:2] + ip[6:7] + ip[8:44] + error[:2] + error[8:44]
    return data[VNET:VNET + 46]


def flows(frames):
    """{key: frames in order}"""
    sorted_out = {}
    for data in frames:
        sorted_out.setdefault(flow(data), []).append(data)
    return sorted_out


def same(a, b, mask):
    """Are two lists of frames the same, but for what may differ?"""
    if a == b:
        return True
    if len(a) != len(b):
        return False
    a, b = [mask(x) for x in a], [mask(x) for x in b]
    return a == b or flows(a) == flows(b)


def shuffled(a, b, mask):
    """The first flow whose order differs, from where it does: (a's frames, b's)."""
    a, b = flows(mask(x) for x in a), flows(mask(x) for x in b)
    for key in a:
        if a[key] != b.get(key):
            k = next(k for k, (x, y) in enumerate(zip(a[key], b[key])) if x != y)
            return a[key][k:], b[key][k:]
    return [], []


def odd(a, b, mask):
    """Frames that only one of the two lists has: (a's, b's)."""
    rest_a, rest_b = [mask(x) for x in a], [mask(x) for x in b]
    only_a = []
    for x in rest_a:
        if x in rest_b:
            rest_b.remove(x)
        else:
            only_a.append(x)
    return only_a, rest_b


def hexa(data):
    """A frame for the log, without the header before it if that says nothing."""
    said = f"[{data[:VNET].hex()}] " if any(data[:VNET]) else ""
    return said + data[VNET:].hex()
