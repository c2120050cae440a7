# SPDX-License-Identifier: GPL-2.0
"""Many routes at once by raw rtnetlink; ip -batch takes ten times as long."""
import socket

from nl import APPEND, CREATE, EXCL, NLMSG_ERROR, REPLACE, Socket, error_of, message, messages, name_of
from rtnl import DELROUTE, NEWROUTE, route, via

BATCH = 200
VERBS = {"add": (NEWROUTE, CREATE | EXCL), "replace": (NEWROUTE, CREATE | REPLACE),
         "append": (NEWROUTE, CREATE | APPEND), "del": (DELROUTE, 0)}


class Routes:
    """A socket in a namespace, for the routes of one table."""

    def __init__(self, ns, table):
        self.nl = Socket(ns=ns, options=())
        with ns:
            self.index = {name: i for i, name in socket.if_nameindex()}
        self.nl.sock.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)     # SO_RCVBUFFORCE
        self.table = table
        self.cache = {}

    def close(self):
        self.nl.close()

    def _ways(self, gateway, dev):
        if not gateway:
            return b""
        key = (gateway, dev)
        if key not in self.cache:
            self.cache[key] = via(gateway, self.index[dev])
        return self.cache[key]

    def message(self, seq, verb, net, gateway=None, dev=None):
        """One request; net is an ip_network."""
        kind, flags = VERBS[verb]
        body = route(net.network_address.packed, net.prefixlen, self.table,
                     self._ways(gateway, dev), 0 if verb == "del" else 1)
        return message(kind, body, flags, seq)

    def batches(self, steps):
        """(verb, net, gateway, dev) as requests, BATCH of them at a time."""
        steps = list(steps)
        for at in range(0, len(steps), BATCH):
            yield b"".join(self.message(at + i, *step)
                           for i, step in enumerate(steps[at:at + BATCH]))

    def send(self, batch):
        """Do what a batch says. Return the errors as {number of the step: name of the
        errno}."""
        errors = {}
        self.nl.sock.send(batch)
        # whoever sends has it done at once; only errors are answered
        while True:
            try:
                data = self.nl.sock.recv(1 << 16, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return errors
            for kind, _, seq, payload in messages(data):
                if kind == NLMSG_ERROR and error_of(payload):
                    errors[seq] = name_of(error_of(payload))

    def do(self, steps):
        """Do them one after the other. Return the errors."""
        errors = {}
        for batch in self.batches(steps):
            errors.update(self.send(batch))
        return errors
