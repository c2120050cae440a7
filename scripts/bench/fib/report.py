#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""usage: report.py JSON DIR

Read what guest.sh left in DIR, print the tables and the goals, write all of it to
JSON. Fails when an answer was wrong or someone did not forward all that it was sent.
"""
import datetime
import json
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
import report as forward  # noqa: E402

INTRO = """\
Forwarding tables in User-Mode Linux, one CPU ({cpu}). Lookups: 2^20 random hosts in
random prefixes; "each" one after the other without waiting, "chained" each address
depends on the answer before; the mean of the faster half of chunks, the median of
rounds taken in turn. Linux: fib_table_lookup() and fib6_table_lookup() of a namespace
with the same routes. Quote ratios, not times. MB and kB are powers of ten.
"""
MODELS = {'one': 'one next hop', 'local': '200, local', 'random': '496, random'}
BESIDE = {
    'full': 'the full table',
    'same': 'the same again',
    'percent': 'the same, 1 % of the next hops other',
    'other': 'the same, all next hops other',
    'unrelated': 'an unrelated full table',
    'hundred': '100 routes, alone',
}
BUILDS = {'sorted': 'one by one, sorted', 'random': 'one by one, random order',
          'bulk': 'at once', 'free': 'freed'}
PEERS = ('plain', 'vrouter', 'plain10', 'vrouter10')


class Results:
    """The numbers by name, and what goes wrong with them."""

    def __init__(self, path):
        self.values = {}
        self.errors = []
        with open(path, encoding='ascii') as file:
            for line in file:
                name, *numbers = line.split()
                if name.startswith('wrong.'):
                    if int(numbers[0]):
                        self.errors.append(f'{numbers[0]} wrong answers, IPv{name[6:]}')
                    continue
                self.values[name] = [float(number) for number in numbers]

    def has(self, prefix):
        return any(name.startswith(prefix) for name in self.values)

    def median(self, name):
        runs = self.values.get(name)
        return statistics.median(runs) if runs else None

    def ratio(self, one, two):
        """Median of the ratios round by round."""
        one, two = self.values.get(one), self.values.get(two)
        if not one or not two:
            return None
        return statistics.median(a / b for a, b in zip(one, two))

    def at(self, name, index, scale=1.0):
        value = self.values.get(name)
        return value[index] / scale if value else None


def text(value, form='.1f'):
    return '-' if value is None else format(value, form)


def row(label, *cells):
    print(f'  {label:44}' + ''.join(f'{cell:>12}' for cell in cells))


def head(title, *cells):
    print()
    print(title)
    if cells:
        row('', *cells)


def lookups(results):
    if not results.has('lookup.'):
        return
    for family in 4, 6:
        head(f'IPv{family} lookups, ns', 'vrouter', 'Linux', 'Linux/vr.')
        for where, label in (
                (f'lookup.{family}.10.local', '10 routes'),
                (f'lookup.{family}.10000.local', '10,000 routes'),
                *((f'lookup.{family}.full.{model}', f'full table, {label}')
                  for model, label in MODELS.items()),
                (f'warm.{family}.full.local', 'full table, one destination')):
            for way, how in ('thr', 'each'), ('dep', 'chained'):
                one, two = f'{where}.vrouter.{way}', f'{where}.kernel.{way}'
                row(f'{label}, {how}', text(results.median(one)),
                    text(results.median(two)), text(results.ratio(two, one)))


def memory(results):
    if not results.has('memory.'):
        return
    for family in 4, 6:
        for model, label in MODELS.items():
            head(f'IPv{family} memory, {label}; of what comes last: kB more',
                 'lookups', 'prefixes', 'pages', 'B/prefix')
            for which, what in BESIDE.items():
                use = results.values.get(f'memory.{family}.{model}.{which}')
                if use:
                    # what is less than a page of each kind does not show
                    pages = '' if which == 'hundred' else f'{use[2] / 1e3:.1f}'
                    row(what, f'{use[0] / 1e3:.1f}', f'{use[1] / 1e3:.1f}', pages,
                        f'{(use[0] + use[1]) / use[3]:.1f}')
        use = results.values[f'kernel.memory.{family}']
        row('Linux, full table', '', '', f'{use[0] / 1e3:.1f}',
            f'{use[0] / use[1]:.1f}')


def builds(results):
    if not results.has('build.'):
        return
    head('Building and updating a full table', 'IPv4', 'IPv6')
    for way, label in BUILDS.items():
        row(f'{label}, ms', *(text(results.median(f'build.{family}.local.{way}'))
                              for family in (4, 6)))
    for what, label in (('each', 'update of a random route, ns'),
                        ('default', 'update of a default route, us'),
                        ('rate', 'updates a second while looking up'),
                        ('quiet', 'lookup meanwhile without updates, ns'),
                        ('busy', 'with them, ns')):
        row(label, *(text(results.median(f'update.{family}.local.{what}'),
                          '.0f' if what == 'rate' else '.1f') for family in (4, 6)))


def many(results):
    if not results.has('many.'):
        return
    head('Many routers, 200 next hops, local', 'built', 'lookups MB', 'prefixes MB',
         'pages MB', 'ms each', 'ns each', 'ns chained')
    for family in 4, 6:
        for count, routes in (64, 'full'), (1024, '100'):
            for which in 'same', 'other':
                name = f'many.{family}.local.{count}.{routes}.{which}'
                built = results.values.get(f'{name}.built')
                if not built:
                    continue
                row(f'IPv{family}, {count:,} x {routes}, {which} next hops',
                    f'{built[0]:.0f}',
                    *(f'{value / 1e6:.2f}'
                      for value in results.values[f'{name}.memory']),
                    f'{built[1] / built[0]:.2f}',
                    text(results.median(f'{name}.thr')),
                    text(results.median(f'{name}.dep')))


def loading(results):
    if results.has('replay'):
        head('A router that comes up with the full table', 'seconds')
        row('replay', text(results.median('replay'), '.2f'))
    if results.has('load.'):
        head('Loading by rtnetlink, seconds', 'vrouter up', 'down', 'up/down')
        for how, label in (('fast', 'full table, 100 routes at once'),
                           ('batch', 'ip -batch, 5,000 of each family')):
            row(label, *(text(results.median(f'load.{how}.{way}'), '.2f')
                         for way in ('up', 'down')),
                text(results.ratio(f'load.{how}.up', f'load.{how}.down'), '.2f'))


def cell(cells, peer, family):
    for key, value in cells.items():
        if key.peer == peer and key.family == family:
            return value
    return None


def forwarding(cells):
    if not cells:
        return
    for family in 4, 6:
        head(f'IPv{family} forwarding, 262,144 destinations, ns a packet',
             'ns', 'min', 'max', 'rate/plain')
        for peer in PEERS:
            value = cell(cells, peer, family)
            plain = cell(cells, 'plain', family)
            label = ('vrouter' if peer.startswith('vrouter') else 'Linux, plain') + (
                ', 10 routes' if peer.endswith('10') else ', full table')
            if not value or value.errors:
                row(label, 'FAILED')
                continue
            row(label, text(value.median()), text(min(value.runs)),
                text(max(value.runs)), text(plain.ratio(value), '.2f'))


def most(values):
    values = [value for value in values if value is not None]
    return max(values) if values else None


def goals(results, cells):
    """What, reached, least or most, the goal, unit."""
    def use(family, model, which, parts=(0,), scale=1e6):
        found = results.values.get(f'memory.{family}.{model}.{which}')
        return sum(found[part] for part in parts) / scale if found else None

    def each(family, model):
        found = results.values.get(f'memory.{family}.{model}.full')
        # a table that does not tell has reached nothing
        return found[1] / found[3] if found and found[1] else None

    def rate(peer, other, family):
        one, two = cell(cells, peer, family), cell(cells, other, family)
        return one.ratio(two) if one and two else None

    both = (0, 1)
    update = [results.median(f'update.{family}.local.each') for family in (4, 6)]
    return [
        ('IPv4 full table, any next hops, lookups',
         most(use(4, model, 'full') for model in MODELS), '<=', 4, 'MB'),
        ('IPv4 full table, local, lookups', use(4, 'local', 'full'), '<=', 3, 'MB'),
        ('IPv4 full table, prefixes', each(4, 'local'), '<=', 24, 'B/prefix'),
        ('IPv6 full table, any next hops, lookups',
         most(use(6, model, 'full') for model in MODELS), '<=', 3, 'MB'),
        ('IPv6 full table, prefixes', each(6, 'local'), '<=', 24, 'B/prefix'),
        *((f'IPv{family} the same table again, all',
           use(family, 'local', 'same', both, 1e3), '<=', 32, 'kB')
          for family in (4, 6)),
        ('IPv4 an unrelated table, lookups',
         most(use(4, model, 'unrelated') for model in MODELS), '<=', 4, 'MB'),
        *((f'IPv{family} 100 routes, all',
           use(family, 'local', 'hundred', both, 1e3), '<=', 16, 'kB')
          for family in (4, 6)),
        *((f'IPv{family} lookups a second, full, to Linux',
           results.ratio(f'lookup.{family}.full.local.kernel.thr',
                         f'lookup.{family}.full.local.vrouter.thr'), '>=', goal, '')
          for family, goal in ((4, 8), (6, 10))),
        *((f'IPv{family} updates a second', value and 1e9 / value, '>=', 200000, '')
          for family, value in zip((4, 6), update)),
        *((f'IPv{family} lookup with updates, to without',
           results.ratio(f'update.{family}.local.busy',
                         f'update.{family}.local.quiet'), '<=', 1.2, '')
          for family in (4, 6)),
        *((f'loading with a router up, to down, {how}',
           results.ratio(f'load.{how}.up', f'load.{how}.down'), '<=', 1.1, '')
          for how in ('fast', 'batch')),
        ('replay of both families', results.median('replay'), '<=', 2, 's'),
        *((f'IPv{family} forwarding rate, full, to Linux',
           rate('plain', 'vrouter', family), '>=', goal, '')
          for family, goal in ((4, 2.4), (6, 3.5))),
        *((f'IPv{family} cost of a packet, full, to 10 routes',
           rate('vrouter', 'vrouter10', family), '<=', 1.15, '')
          for family in (4, 6)),
    ]


def judge(results, cells):
    head('Goals', 'reached', 'goal', '')
    verdicts = []
    for what, value, sign, goal, unit in goals(results, cells):
        if value is None:
            row(what, 'not run')
            continue
        met = value <= goal if sign == '<=' else value >= goal
        form = '.0f' if goal > 1000 else '.2f'
        row(what, format(value, form), f'{sign} {goal:,}',
            f'  {unit:10}', 'met' if met else 'MISSED')
        verdicts.append({'goal': what, 'reached': value, 'sign': sign,
                         'target': goal, 'unit': unit, 'met': met})
    return verdicts


def read_forwarding(path):
    cells = {}
    runs = os.path.join(path, 'runs')
    if not os.path.exists(runs):
        return cells
    forward.read_runs(runs, cells)
    for name, peer in ('full', 'vrouter'), ('ten', 'vrouter10'):
        for problem in forward.router_errors(os.path.join(path, f'r-{name}.json')):
            for key, value in cells.items():
                if key.peer == peer:
                    value.errors.append(problem)
    return cells


def main():
    out, path = sys.argv[1:]
    results = Results(os.path.join(path, 'results'))
    cells = read_forwarding(path)
    count4, count6 = results.values['prefixes.0']

    print(INTRO.format(cpu=forward.cpu_model()))
    source = 'given' if os.environ.get('BGP_TABLE') else 'made'
    print(f'The full table: {count4:,.0f} IPv4 and {count6:,.0f} IPv6 prefixes, '
          f'{source}')
    lookups(results)
    memory(results)
    builds(results)
    many(results)
    loading(results)
    forwarding(cells)
    verdicts = judge(results, cells)
    for key, value in cells.items():
        results.errors += [f'{key.peer}, IPv{key.family}: {error}'
                           for error in value.errors[:1]]
    with open(out, 'w', encoding='utf-8') as file:
        json.dump({
            'date': datetime.datetime.now().isoformat(timespec='seconds'),
            'machine': forward.cpu_model(),
            'table': source,
            'values': results.values,
            'forwarding': {f'{key.peer}.{key.family}': value.runs
                           for key, value in cells.items()},
            'goals': verdicts,
            'errors': results.errors,
        }, file, indent=1)
        file.write('\n')
    for error in results.errors:
        print(f'wrong: {error}', file=sys.stderr)
    return 1 if results.errors else 0


if __name__ == '__main__':
    sys.exit(main())
