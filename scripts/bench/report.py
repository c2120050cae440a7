#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""usage: report.py JSON DIR...

Read what guest.sh left in each DIR, print the table and the verdict, write them
to JSON. Fails when someone did not forward all that it was sent.
"""
import collections
import datetime
import glob
import json
import os
import platform
import statistics
import sys

HARNESSES = {
    'live': 'BPF_PROG_TEST_RUN with live frames, batches of 64, 4,096 '
            'destinations, between dummy devices',
    'pktgen': 'pktgen over veth, 4,096 destinations, the sink drops early',
}
WHERE = {
    'forward': 'Forwarding in User-Mode Linux, one CPU ({cpu})',
    'instructions': 'Forwarding in an emulated guest with one CPU, whose clock counts a '
                    'nanosecond\nfor each instruction (interrupts of the timer are in it)',
    'smp': 'Forwarding in an emulated guest: first by one CPU, then by two ("-2cpus") at '
           'the\nsame time, whose packets are for the same routers',
}
INTRO = """\
{where}, UDP in frames of 64 bytes with
their checksum (IPv6: 66 for live frames, 82 for pktgen, the least there can be).
Rounds are interleaved, but for mirred and flowtable, whose hooks would slow
all others: those come last. A run is the mean of the faster half of its chunks of
some milliseconds, by the clock of the test kernel, so that what other processes
on this host take falls out. Ratios are medians of the ratios round by round:
quote these, not the times.
"""
LABELS = {
    'xdpdrop': 'XDP_DROP: the harness alone',
    'floor': 'made, dropped in ip_rcv: the floor',
    'mirred': 'tc mirred redirect, no routing',
    'flowtable': 'nftables flowtable',
    'plain': 'Linux, plain',
    'vrf': 'Linux, VRF',
    'macvlan': 'Linux, macvlan in a namespace',
    'macvlan64': 'the same, 64, in turn',
    'macvlan64-runs': 'the same, 64, runs of 16',
    'bridge': 'Linux behind bridge and veth',
    'vrouter': 'vrouter, 1 router',
    'vrouter64': 'vrouter, 64, in turn',
    'vrouter64-runs': 'vrouter, 64, runs of 16',
    'vrouter512': 'vrouter, 512, in turn',
    'vrouter512-runs': 'vrouter, 512, runs of 16',
    'fqcodel': 'vrouter, fq_codel on the NIC',
    'qdisc': 'vrouter, qdisc vrouter on the NIC',
    'fqcodel64': 'vrouter, 64 in turn, fq_codel',
    'qdisc64': 'vrouter, 64 in turn, qdisc vrouter',
}
# harness, peer, other peer, at most; in User-Mode Linux
GOALS = [
    ('live', 'vrouter', 'plain', 0.72),
    ('live', 'vrouter', 'vrf', 0.56),
    ('live', 'vrouter64', 'vrouter', 1.1),
    ('live', 'vrouter64-runs', 'vrouter', 1.1),
    ('pktgen', 'vrouter', 'plain', 0.82),
]
# packets that others send, such as multicast reports
NOISE = 100
# share of packets that a router may leave to Linux, or that ksoftirqd may serve
# outside of the measured time
PUNTED = 0.001
UNSEEN = 0.05

Key = collections.namedtuple('Key', 'harness routes family peer')


class Cell:
    """One thing measured: a peer in one setting."""

    def __init__(self):
        self.runs = []
        self.errors = []

    def add(self, ns, sent, left, unseen):
        if not sent <= left <= sent + NOISE:
            self.errors.append(f'{left} of {sent} packets left')
        if unseen > UNSEEN * sent:
            self.errors.append('ksoftirqd did too much of the work')
        self.runs.append(ns)

    def median(self):
        return statistics.median(self.runs)

    def ratio(self, other):
        """Median of the ratios round by round."""
        if not other or self.errors or other.errors:
            return None
        return statistics.median(
            a / b for a, b in zip(self.runs, other.runs))


def read_runs(path, cells):
    with open(path, encoding='ascii') as file:
        for line in file:
            (harness, peer, family, routes, _, ns, sent, left,
             softirqd) = line.split()
            key = Key(harness, int(routes), int(family), peer)
            # at most a batch each time; pktgen's clock sees them
            unseen = int(softirqd) * 64 if harness == 'live' else 0
            cells.setdefault(key, Cell()).add(
                float(ns), int(sent), int(left), unseen)


def router_errors(path):
    """A vrouter that left its packets to Linux has not been measured."""
    with open(path, encoding='utf-8') as file:
        router = json.load(file)[0]
    stats = router['stats']
    # less the multicast that the routers send each other
    sent = stats['rx-packets'] - stats['punt']['l2']
    left = stats['forwarded-packets']
    if router['state'] != 'active':
        return [f"a router is {router['state']}"]
    if sent - left > NOISE + PUNTED * sent:
        return [f'a router forwarded {left} of {sent} itself']
    return []


def check_router(path, runs):
    peer = os.path.basename(path).split('-')[1]
    for key, cell in runs.items():
        if key.peer.split('-')[0] == peer:
            cell.errors += router_errors(path)


def number(value):
    return f'{value:8.2f}' if value is not None else f'{"-":>8}'


def table(cells, harness, routes, family):
    def cell(peer):
        return cells.get(Key(harness, routes, family, peer))

    print(f'{harness}, IPv{family}, {routes} routes; ns per packet')
    print(f'  {"":38}{"median":>8}{"min":>8}{"max":>8}{"/plain":>8}{"/VRF":>8}')
    for key, value in cells.items():
        if key[:3] != (harness, routes, family):
            continue
        label = LABELS.get(key.peer, key.peer)
        if value.errors:
            print(f'  {label:38}  FAILED: {value.errors[0]}')
            continue
        print(f'  {label:38}{value.median():8.1f}{min(value.runs):8.1f}'
              f'{max(value.runs):8.1f}{number(value.ratio(cell("plain")))}'
              f'{number(value.ratio(cell("vrf")))}')
    print()


def judge(cells):
    verdicts = []
    for harness, routes, family in groups(cells):
        for where, peer, other, goal in GOALS:
            if where != harness:
                continue
            one = cells.get(Key(harness, routes, family, peer))
            two = cells.get(Key(harness, routes, family, other))
            ratio = one.ratio(two) if one else None
            if ratio is not None:
                verdicts.append({
                    'harness': harness, 'family': family, 'routes': routes,
                    'peer': peer, 'to': other, 'ratio': round(ratio, 4),
                    'goal': goal, 'met': ratio <= goal})
    return verdicts


def groups(cells):
    return list(dict.fromkeys(key[:3] for key in sorted(cells)))


def as_json(cells, verdicts):
    rows = []
    for key, value in cells.items():
        row = key._asdict()
        row['runs'] = value.runs
        if value.errors:
            row['errors'] = value.errors
        else:
            row.update(median=value.median(), min=min(value.runs),
                       max=max(value.runs))
            for name in 'plain', 'vrf':
                other = cells.get(key._replace(peer=name))
                ratio = value.ratio(other)
                row[f'to-{name}'] = round(ratio, 4) if ratio else None
        rows.append(row)
    return {
        'date': datetime.datetime.now().isoformat(timespec='seconds'),
        'machine': cpu_model(), 'unit': 'ns per packet', 'cells': rows,
        'goals': verdicts,
    }


def cpu_model():
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        for line in file:
            if line.startswith('model name'):
                return line.split(':')[1].strip()
    return platform.machine()


def main():
    out, *dirs = sys.argv[1:]
    cells = {}
    for path in dirs:
        fresh = {}
        read_runs(os.path.join(path, 'runs'), fresh)
        for router in glob.glob(os.path.join(path, 'r-*.json')):
            check_router(router, fresh)
        cells.update(fresh)

    rig = os.path.basename(out).partition('.')[0]
    print(INTRO.format(where=WHERE[rig].format(cpu=cpu_model())))
    for name in dict.fromkeys(key.harness for key in cells):
        print(f'{name}: {HARNESSES.get(name, name)}')
    print()
    for group in groups(cells):
        table(cells, *group)

    verdicts = judge(cells) if rig == 'forward' else []
    print('Goals' if verdicts else '')
    for goal in verdicts:
        where = f"{goal['harness']}, IPv{goal['family']}, {goal['routes']} routes"
        what = f"{goal['peer']} / {goal['to']}"
        print(f"  {where:28}{what:26}{goal['ratio']:6.2f}, goal {goal['goal']:.2f}: "
              f"{'met' if goal['met'] else 'MISSED'}")
    with open(out, 'w', encoding='utf-8') as file:
        json.dump(as_json(cells, verdicts), file, indent=1)
        file.write('\n')

    failed = [key for key, value in cells.items() if value.errors]
    for key in failed:
        print(f'did not forward: {" ".join(map(str, key))}: '
              f'{cells[key].errors[0]}', file=sys.stderr)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
