# SPDX-License-Identifier: GPL-2.0
"""What the kernel counts in a router's namespace and on its ports."""


def snmp(rig):
    """All counters of the namespace and its ports that forwarding may touch."""
    values = {}
    for path in ("snmp", "netstat"):
        lines = rig.r.read(f"/proc/thread-self/net/{path}").splitlines()
        for names, numbers in zip(lines[::2], lines[1::2]):
            for name, number in zip(names.split()[1:], numbers.split()[1:]):
                values[names.split(":")[0] + name] = int(number)
    for port in ["", *rig.port]:
        path = f"dev_snmp6/{port}" if port else "snmp6"
        for line in rig.r.read(f"/proc/thread-self/net/{path}").splitlines():
            name, number = line.split()
            if name != "ifIndex":
                values[f"{port} {name}".strip()] = int(number)
    devices = rig.port + (["red"] if rig.vrf else [])
    for line in rig.r.read("/proc/thread-self/net/dev").splitlines()[2:]:
        name, rest = line.split(":")
        if name.strip() in devices:
            for what, number in zip(
                    ("rx_bytes", "rx_packets", "rx_errs", "rx_drop", "rx_fifo",
                     "rx_frame", "rx_compressed", "multicast", "tx_bytes",
                     "tx_packets", "tx_errs", "tx_drop"), rest.split()):
                values[f"{name.strip()} {what}"] = int(number)
    return values


def difference(before, after):
    """What moved; a counter of a kind of message is there from the first one on."""
    moved = {k: n - before.get(k, 0) for k, n in after.items()}
    return {k: n for k, n in moved.items() if n}
