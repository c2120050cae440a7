# SPDX-License-Identifier: GPL-2.0
"""Many routes at once by raw rtnetlink; ip -batch takes ten times as long."""
import errno
import ipaddress
import socket
import struct

RTM_NEWROUTE, RTM_DELROUTE = 24, 25
NLM_F_REQUEST, NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 1, 0x100, 0x200, 0x400
NLMSG_ERROR = 2
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_TABLE = 1, 4, 5, 6, 15
RTPROT = 99
BATCH = 200
FLAGS = {"add": (RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL),
         "replace": (RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE),
         "del": (RTM_DELROUTE, NLM_F_REQUEST)}


class Routes:
    """A socket in a namespace, for the routes of one table."""

    def __init__(self, ns, table):
        with ns:
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
            self.index = {name: i for i, name in socket.if_nameindex()}
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)    # SO_RCVBUFFORCE
        self.table = table
        self.cache = {}

    def close(self):
        self.sock.close()

    def _ways(self, net, gateway, dev):
        key = (gateway, dev)
        if key not in self.cache:
            raw = ipaddress.ip_address(gateway).packed
            self.cache[key] = \
                struct.pack("=HH", 4 + len(raw), RTA_GATEWAY) + raw + \
                struct.pack("=HHI", 8, RTA_OIF, self.index[dev])
        return self.cache[key]

    def message(self, seq, verb, net, gateway=None, dev=None):
        """One request; net is an ip_network."""
        kind, flags = FLAGS[verb]
        dst = net.network_address.packed
        body = struct.pack("=BBBBBBBBI", 2 if len(dst) == 4 else 10, net.prefixlen, 0, 0, 0,
                           RTPROT, 0, 1 if verb != "del" else 0, 0)
        body += struct.pack("=HHI", 8, RTA_TABLE, self.table)
        body += struct.pack("=HH", 4 + len(dst), RTA_DST) + dst
        if len(dst) == 16:
            # without it, the kernel picks one for IPv6
            body += struct.pack("=HHI", 8, RTA_PRIORITY, 1024)
        if gateway:
            body += self._ways(net, gateway, dev)
        return struct.pack("=IHHII", 16 + len(body), kind, flags, seq, 0) + body

    def do(self, steps):
        """Do (verb, net, gateway, dev) one after the other. Return the errors as
        {number of the step: name of the errno}."""
        errors = {}
        steps = list(steps)
        for at in range(0, len(steps), BATCH):
            self.sock.send(b"".join(self.message(at + i, *step)
                                    for i, step in enumerate(steps[at:at + BATCH])))
            # whoever sends has it done at once; only errors are answered
            while True:
                try:
                    answer = self.sock.recv(1 << 16, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    break
                size, kind, _, seq, _, code = struct.unpack_from("=IHHIIi", answer)
                if kind == NLMSG_ERROR and size and code:
                    errors[seq] = errno.errorcode[-code]
        return errors
