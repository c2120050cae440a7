#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""usage: tables.py DIR

Make tables, plots and JSON of what bench.sh left in DIR: results (lines of JSON, see
experiments.py), and forward.json, instructions.json and smp.json (see report.py). Prints
the tables.
"""
import collections
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys

import matplotlib
matplotlib.use('svg')
# pylint: disable=wrong-import-position
from matplotlib import pyplot

# what was published for Xen: pps per virtual machine, and loss
XEN_1500 = {1: 81284, 2: 40841, 4: 20486, 8: 10393}
XEN_64 = {1: (109685, 0.60), 2: (12052, 0.96), 4: (0, 1), 8: (0, 1)}
XEN_CLASSICAL = (356494, 0.0006)
XEN_LATENCY = {('idle', 1): 147, ('idle', 2): 150, ('idle', 4): 147, ('idle', 8): 154,
               ('tcp', 2): 888, ('tcp', 4): 1376, ('tcp', 8): 3850}
NAMES = {'plain': 'plain Linux', 'vrf': 'Linux VRF', 'macvlan': 'macvlan + namespace',
         'bridge': 'veth + bridge + namespace', 'flowtable': 'nftables flowtable',
         'ovs': 'Open vSwitch datapath', 'vrouter': 'vrouter'}
COSTS = ('forward', 'instructions', 'smp')     # told by report.py
LINES = []
GOALS = []


def say(text=''):
    LINES.append(text)


def title(text, *notes):
    for line in ('', text, '-' * len(text), *notes):
        say(line)


def goal(what, value, relation, limit):
    if value is None:
        return
    met = value <= limit if relation == 'at most' else value >= limit
    GOALS.append({'what': what, 'value': round(value, 4), 'goal': f'{relation} {limit}',
                  'met': met})


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def number(value, form='.0f', width=10):
    return f'{"-":>{width}}' if value is None else f'{value:>{width}{form}}'


class Results:
    """All measurements, to be asked for medians."""

    def __init__(self, path):
        self.rows = []
        if os.path.exists(path):
            with open(path, encoding='ascii') as file:
                self.rows = [json.loads(line) for line in file]

    def some(self, experiment, **wanted):
        return [r for r in self.rows if r['experiment'] == experiment and
                all(r.get(k) == v for k, v in wanted.items())]

    def value(self, experiment, field, **wanted):
        return median([r.get(field) for r in self.some(experiment, **wanted)])

    def column(self, experiment, field, **wanted):
        """Its values, in the order in which they came."""
        return list(dict.fromkeys(r[field] for r in self.some(experiment, **wanted)))

    def peers(self, experiment):
        found = self.column(experiment, 'peer')
        return [p for p in NAMES if p in found]


def plot(out, name, draw, size=(7, 4)):
    figure, axes = pyplot.subplots(figsize=size)
    draw(axes)
    figure.tight_layout()
    figure.savefig(os.path.join(out, name + '.svg'), metadata={'Date': None})
    pyplot.close(figure)


def costs(out, name):
    """What a packet took in each round, by peer, from a file of report.py's."""
    path = os.path.join(out, name + '.json')
    if not os.path.exists(path):
        return {}
    with open(path, encoding='ascii') as file:
        return {c['peer']: c['runs'] for c in json.load(file)['cells'] if 'median' in c}


def ratio(runs, one, other):
    """What one costs in parts of what the other does; None if one was not measured."""
    if one not in runs or other not in runs:
        return None
    return median([a / b for a, b in zip(runs[one], runs[other])])


def efficiency(runs, unit):
    say(f'{"":32}{unit:>12}{"E":>8}')
    for peer in runs:
        say(f'{peer:32}{median(runs[peer]):12.1f}'
            f'{number(ratio(runs, "plain", peer), ".2f", 8)}')


def goals8(runs, where, least):
    """That of one router, and how much of it is left with eight."""
    goal(f'E of vrouter, 64 bytes, N=1, {where}', ratio(runs, 'plain', 'vrouter'), 'at least',
         least)
    for peer in ('vrouter8', 'vrouter8-runs'):
        goal(f'E of {peer} to that of vrouter, {where}', ratio(runs, 'vrouter', peer),
             'at least', 0.97)


def forward(runs, out):
    title('1a, 6: cost of a 64-byte packet, ns; User-Mode Linux, live frames, one CPU',
          'Frames come in batches of 64. "In turn": each is for the next router; "runs": 16 for',
          'one router follow each other; "one": all for one router, the others have nothing to do.')
    efficiency(runs, 'ns')
    goals8(runs, 'uml', 1.2)
    ns = {peer: median(values) for peer, values in runs.items()}

    def draw(axes):
        for suffix, label in (('', 'in turn'), ('-runs', 'runs of 16'), ('-one', 'one busy')):
            points = sorted((int(p[7:].split('-')[0] or 1), v) for p, v in ns.items()
                            if p.startswith('vrouter') and
                            (p.endswith(suffix) if suffix else '-' not in p))
            if points:
                axes.plot(*zip(*points), marker='o', label=label)
        if 'plain' in ns:
            axes.axhline(ns['plain'], color='gray', linestyle='--', label='plain Linux')
        axes.set(xscale='log', xlabel='routers', ylabel='ns a packet', ylim=0)
        axes.legend()
    plot(out, 'scale', draw)


def instructions(runs, _):
    title('1c: instructions for a 64-byte packet; guest with one CPU, live frames',
          'Emulation makes time meaningless: the guest\'s clock counts instructions instead. The',
          'making of the packet is in them. Between dummy devices, as 1a.')
    efficiency(runs, 'instructions')
    goals8(runs, 'instructions', 1.0)


def smp(runs, _):
    title('7: packets a second by one and by two CPUs; guest, live frames',
          'Two virtual CPUs on as many of the host, which has to serve the emulator as well.')
    say(f'{"":32}{"1 CPU":>10}{"2 CPUs":>10}{"ratio":>8}')
    for peer in runs:
        both = peer + '-2cpus'
        if both in runs:
            say(f'{peer:32}{1e9 / median(runs[peer]):10.0f}{1e9 / median(runs[both]):10.0f}'
                f'{ratio(runs, peer, both):8.2f}')


def scale(results, _):
    title('6: routers in number; User-Mode Linux',
          'Of one namespace, in VRFs; macvlans: the VRFs alone are the routers.')
    for row in results.some('scale'):
        say(f'{row["n"]:6} routers, {row["peer"]:10}{row["what"]:36}{row["value"]:12.2f} '
            f'{row["unit"]}')


def throughput(results, out):
    title('1b: throughput and loss at full offered load; guest, e1000',
          'One CPU takes the frames of the NIC, the other one sends. E is the aggregate to that of',
          'plain Linux. Time is emulated: compare with the peers only.')
    for size in (64, 1500):
        base = results.value('throughput', 'pps', peer='plain', size=size)
        say()
        say(f'{size} bytes{"":20}{"N":>5}{"offered":>10}{"pps":>10}{"a router":>10}{"loss":>8}'
            f'{"E":>8}{"Jain":>8}')
        for peer in results.peers('throughput'):
            for n in sorted(results.column('throughput', 'n', peer=peer)):
                where = {'peer': peer, 'n': n, 'size': size}
                pps = results.value('throughput', 'pps', **where)
                if pps is None:
                    continue
                fair = results.value('throughput', 'jain', **where)
                ratio = pps / base if base else None
                say(f'{NAMES[peer]:28}{n:5}'
                    f'{number(results.value("throughput", "offered", **where))}{number(pps)}'
                    f'{number(pps / n)}'
                    f'{number(results.value("throughput", "loss", **where), ".3f", 8)}'
                    f'{number(ratio, ".2f", 8)}{number(fair, ".4f", 8)}')
                if peer == 'vrouter' and size == 64:
                    goal(f'E of vrouter, 64 bytes, N={n}, e1000', ratio, 'at least', 1.0)
                if peer == 'vrouter' and n in (8, 64):
                    goal(f'Jain, {size} bytes, N={n}', fair, 'at least', 0.999)
        for n in (1, 2, 4, 8):
            pps, loss = XEN_64[n] if size == 64 else (XEN_1500[n], None)
            say(f'{"published: Xen":28}{n:5}{"":10}{number(pps * n)}{number(pps)}'
                f'{number(loss, ".3f", 8)}')
    say(f'{"published: plain Linux, 64":28}{1:5}{"":10}{number(XEN_CLASSICAL[0])}{"":10}'
        f'{number(XEN_CLASSICAL[1], ".4f", 8)}')

    def draw(axes):
        for peer in results.peers('throughput'):
            points = [(n, results.value('throughput', 'pps', peer=peer, n=n, size=64))
                      for n in sorted(results.column('throughput', 'n', peer=peer))]
            axes.plot(*zip(*points), marker='o', label=NAMES[peer])
        axes.set(xscale='log', xlabel='routers', ylabel='packets a second, 64 bytes', ylim=0)
        axes.legend(fontsize=7)
    plot(out, 'throughput', draw)


def tcp(results, _):
    title('2a: TCP by iperf3, MTU 1500; guest, e1000')
    say(f'{"":28}{"N":>5}{"Mbit/s":>10}{"least":>10}{"most":>10}{"CPU s/GB":>10}')
    for peer in results.peers('tcp'):
        for n in sorted(results.column('tcp', 'n', peer=peer)):
            rows = results.some('tcp', peer=peer, n=n)
            say(f'{NAMES[peer]:28}{n:5}{number(results.value("tcp", "mbit", peer=peer, n=n))}'
                f'{number(median([min(r["each"]) for r in rows]), ".1f")}'
                f'{number(median([max(r["each"]) for r in rows]), ".1f")}'
                f'{number(results.value("tcp", "cpu_per_gb", peer=peer, n=n), ".1f")}')


def buffers(results, out):
    title('2b: TCP against buffers, relative to plain Linux; guest, e1000, one router')
    sizes = results.column('buffers', 'app')
    for peer in [p for p in results.peers('buffers') if p != 'plain']:
        for mtu in (500, 1500):
            grid = [[results.value('buffers', 'mbit', peer=peer, mtu=mtu, app=a, socket=s) /
                     results.value('buffers', 'mbit', peer='plain', mtu=mtu, app=a, socket=s)
                     for s in sizes] for a in sizes]
            say()
            say(f'{NAMES[peer]}, MTU {mtu}; down: application\'s buffer, across: socket\'s')
            say(f'{"":10}' + ''.join(f'{s:>10}' for s in sizes))
            for a, row in zip(sizes, grid):
                say(f'{a:>10}' + ''.join(f'{v:10.2f}' for v in row))

            def draw(axes, grid=grid, peer=peer, mtu=mtu):
                image = axes.imshow(grid, vmin=0, vmax=2, cmap='RdYlGn')
                axes.set(xticks=range(len(sizes)), yticks=range(len(sizes)),
                         xticklabels=sizes, yticklabels=sizes, xlabel='socket buffer',
                         ylabel='application buffer',
                         title=f'{NAMES[peer]} / plain Linux, MTU {mtu}')
                axes.figure.colorbar(image)
            plot(out, f'buffers-{peer}-{mtu}', draw, (6, 5))


def latency(results, out):
    title('3: latency of one router, microseconds; guest, e1000',
          'UDP echo, hosts by real-time priority. Others: idle; full-rate TCP each; or a flood of',
          '64-byte frames of which the CPU can forward a part only. Queue: how long 99 % of the',
          "packets waited in vrouter's own queue of the router, by its counter, to a power of two.")
    say(f'{"":28}{"N":>5} {"others":8}{"mean":>8}{"p50":>8}{"p99":>8}{"max":>8}{"lost":>8}'
        f'{"ping":>8}{"p99":>8}{"queue":>8}')
    for peer in results.peers('latency'):
        seen = dict.fromkeys((r['others'], r['n'])
                             for r in results.some('latency', peer=peer))
        for kind, n in seen:
            where = {'peer': peer, 'others': kind, 'n': n}
            rows = results.some('latency', **where)
            lost = 1 - sum(r['received'] for r in rows) / sum(r['sent'] for r in rows)
            say(f'{NAMES[peer]:28}{n:5} {kind:8}' + ''.join(
                number(results.value('latency', f, **where), '.0f', 8)
                for f in ('mean', 'p50', 'p99', 'max')) + f'{lost:8.3f}' +
                ''.join(number(results.value('latency', f, **where), '.0f', 8)
                        for f in ('ping_mean', 'ping_p99', 'queue_p99')))
            if peer == 'vrouter' and n == 8 and kind != 'idle':
                for field, what in (('p99', 'echo'), ('ping_p99', 'ping')):
                    idle = results.value('latency', field, peer=peer, others='idle', n=8)
                    p99 = results.value('latency', field, **where)
                    goal(f'p99 of {what}, 7 others at {kind}, to idle',
                         p99 / idle if idle and p99 else None, 'at most', 2.0)
    say('published: Linux 84; Xen ' +
        ', '.join(f'{k} N={n} {v}' for (k, n), v in XEN_LATENCY.items()))

    def draw(axes):
        kinds = list(dict.fromkeys((r['others'], r['n']) for r in results.some('latency')))
        peers = results.peers('latency')
        for i, peer in enumerate(peers):
            axes.bar([x + i / (len(peers) + 1) for x in range(len(kinds))],
                     [results.value('latency', 'p99', peer=peer, others=k, n=n) or 0
                      for k, n in kinds], 1 / (len(peers) + 1), label=NAMES[peer])
        axes.set(xticks=[x + 0.4 for x in range(len(kinds))],
                 xticklabels=[f'{k}\nN={n}' for k, n in kinds], yscale='log',
                 ylabel='99th percentile, microseconds')
        axes.legend(fontsize=7)
    plot(out, 'latency', draw, (9, 4))


def isolation(results, _):
    title('4: a web server behind router A, while B is loaded; ms for a request of ab',
          '"-": not one run of 50 requests came to its end within 90 s.')
    kinds = results.column('isolation', 'load')
    say(f'{"mean (most)":28}' + ''.join(f'{k.replace("connections-", "conn "):>14}'
                                         for k in kinds))
    for peer in results.peers('isolation'):
        cells = [(results.value('isolation', 'mean', peer=peer, load=k),
                  results.value('isolation', 'max', peer=peer, load=k)) for k in kinds]
        say(f'{NAMES[peer]:28}' + ''.join(
            f'{"-":>14}' if mean is None else f'{f"{mean:.0f} ({most:.0f})":>14}'
            for mean, most in cells))
    say('published: Xen 2, at worst 8; without virtualization 270 to 410')


def weights(results, _):
    title('5: shares by weight; guest',
          'How far the worst router is off its share, in percent of that. CPU: CPU time, all in',
          'overload, but for "no" where one was not. Link: bytes on an 8 Mbit/s wire.')
    say(f'{"":8}{"weights":28}{"N":>5}{"worst %":>10}{"Jain":>10}{"overload":>10}')
    for row in results.some('weights'):
        full = {True: 'yes', False: 'no', None: ''}[row.get('overload')]
        say(f'{row["resource"]:8}{row["mix"]:28}{row["n"]:5}{number(row["worst"], ".2f")}'
            f'{number(row["jain"], ".5f")}{full:>10}')
        if row.get('overload') is not False:
            goal(f'share error, {row["resource"]}, {row["mix"]}, %', row['worst'], 'at most', 1)
        if row['mix'] in ('8 equal', '64 equal'):
            goal(f'Jain, {row["resource"]}, {row["mix"]}', row['jain'], 'at least', 0.999)


def machine():
    model = collections.defaultdict(str)
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        for line in file:
            key, _, value = line.partition(':')
            model[key.strip()] = value.strip()
    versions = {}
    for name in ('qemu-system-x86', 'iperf3', 'openvswitch-switch', 'nginx', 'nftables'):
        out = subprocess.run(['apt-cache', 'policy', name], capture_output=True, text=True,
                             check=False).stdout
        found = [line.split()[1] for line in out.splitlines() if 'Candidate' in line]
        versions[name] = found[0] if found else None
    return {'cpu': model['model name'], 'cpus': os.cpu_count(),
            'kernel': platform.release(), 'versions': versions}


def main():
    out = sys.argv[1]
    results = Results(os.path.join(out, 'results'))
    host = machine()
    date = datetime.date.today().isoformat()
    say(f'vrouter, the experiments; {date}, {host["cpus"]} CPUs {host["cpu"]}')
    say('User-Mode Linux and guest: Debian\'s 6.12; the guest is QEMU without hardware support')
    say(', '.join(f'{k} {v}' for k, v in host['versions'].items() if v))
    for tell in (forward, instructions, throughput, tcp, buffers, latency, isolation, weights,
                 scale, smp):
        name = tell.__name__
        if name in COSTS:
            found = costs(out, name)
        else:
            found = results if results.some(name) else None
        if found:
            tell(found, out)
    title('Goals')
    for one in GOALS:
        say(f'{one["what"]:52}{one["value"]:10.3f}  {one["goal"]:16}'
            f'{"met" if one["met"] else "MISSED"}')
    text = '\n'.join(LINES) + '\n'
    with open(os.path.join(out, 'bench.txt'), 'w', encoding='utf-8') as file:
        file.write(text)
    with open(os.path.join(out, 'bench.json'), 'w', encoding='utf-8') as file:
        json.dump({'date': date, 'machine': host, 'goals': GOALS, 'results': results.rows},
                  file, indent=1)
        file.write('\n')
    print(text, end='')


if __name__ == '__main__':
    main()
