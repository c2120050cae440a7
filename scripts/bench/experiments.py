#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""usage: experiments.py OUT EXPERIMENT...

In the guest, by bench.sh: run experiments, and append to the file OUT a line of JSON
for each measurement: {"experiment": ..., "peer": ..., "n": routers, ...}. Environment:
ROUNDS, SECONDS_EACH (of a measurement), PEERS, ECHO (the program), NGINX.
"""
import contextlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '../../selftests/lib')]
# pylint: disable=wrong-import-position
import tclass
from peers import PEERS, SERVER, Hosts, Pktgen, busy, get, ip4, prepare, put, run

ROUNDS = int(os.environ.get('ROUNDS', '3'))
SECONDS = float(os.environ.get('SECONDS_EACH', '3'))
CHOSEN = os.environ.get('PEERS', ','.join(PEERS)).split(',')
ECHO = os.environ.get('ECHO', 'echo')
NGINX = os.environ.get('NGINX', 'nginx')
MANY = [int(n) for n in os.environ.get('MANY', '64,512').split(',') if n]
# more than CPU 0 can forward of packets that are made dear, and what its NIC's poll can
# still take in; pktgen's best would leave neither CPU time for anything else
FLOOD = 20000
OUT = None


def record(**fields):
    OUT.write(json.dumps(fields) + '\n')
    OUT.flush()
    print(' '.join(f'{k}={round(v, 3) if isinstance(v, float) else v}'
                   for k, v in fields.items() if not isinstance(v, (list, dict))), flush=True)


@contextlib.contextmanager
def routers(name, n):
    peer = PEERS[name](n)
    try:
        yield peer
    finally:
        peer.gone()


@contextlib.contextmanager
def hosts(n):
    group = Hosts(n)
    try:
        yield group
    finally:
        group.gone()


@contextlib.contextmanager
def process(proc):
    try:
        yield proc
    finally:
        if proc.poll() is None:
            proc.kill()
        proc.wait()


def cells():
    """(peer, n) of a round, each round in another order."""
    some = [(name, n) for name in CHOSEN for n in PEERS[name].counts]
    random.shuffle(some)
    return some


# --- 1: throughput and loss ---------------------------------------------------

def throughput():
    """pktgen as fast as it can, to all routers in turn; what left by r1."""
    for round_ in range(ROUNDS):
        some = cells()
        if not round_ and 'vrouter' in CHOSEN:
            some += [('vrouter', n) for n in MANY]
        for name, n in some:
            # classical routers are one, whatever is sent to them
            if n > 1 and name in ('plain', 'flowtable'):
                continue
            with routers(name, n) as peer:
                for size in (64, 1500):
                    one_throughput(peer, n, size)


def one_throughput(peer, n, size):
    gen = Pktgen()
    try:
        gen.stream('all', peer, 0, n, size - 4 if size == 64 else size + 14)
        gen.start()
        time.sleep(peer.settle)
        sent, out, each, at = gen.sent('all'), tx(), peer.sent(), time.monotonic()
        # what a few packets cost is chance, and each of many routers has but a few
        time.sleep(SECONDS * max(1, n / 8))
        sent = gen.sent('all') - sent
        out = tx() - out
        each = [b - a for a, b in zip(each, peer.sent())]
        took = time.monotonic() - at
        gen.stop()
    finally:
        gen.forget()
    record(experiment='throughput', peer=peer.name, n=n, size=size, offered=sent / took,
           pps=out / took, each=[x / took for x in each], jain=jain(each, [1] * n),
           loss=1 - out / sent)


def tx():
    return int(get('/sys/class/net/r1/statistics/tx_packets'))


# --- 2: TCP -------------------------------------------------------------------

def iperf(group, count, seconds, options=''):
    """TCP from clients to servers of the first so many; Mbit/s of each."""
    with contextlib.ExitStack() as stack:
        for i in range(count):
            stack.enter_context(process(group.start(f's{i}', 'iperf3 -s')))
        time.sleep(0.5)
        clients = [group.start(f'c{i}', f'iperf3 -J -c {ip4(SERVER, i, 2)} -t {seconds} '
                               f'{options}') for i in range(count)]
        rates = []
        for client in clients:
            out = client.communicate(timeout=seconds + 60)[0]
            result = json.loads(out[out.index('{'):])
            if 'error' in result:
                raise RuntimeError(f'iperf3: {result["error"]}')
            rates.append(result['end']['sum_received']['bits_per_second'] / 1e6)
        return rates


def tcp():
    with hosts(8) as group:
        for _ in range(ROUNDS):
            for name, n in cells():
                with routers(name, n) as peer:
                    group.attach(peer)
                    start = busy()
                    rates = iperf(group, n, int(SECONDS) + 1)
                    record(experiment='tcp', peer=name, n=n, mbit=sum(rates), each=rates,
                           cpu_per_gb=(busy() - start) /
                           (sum(rates) * (int(SECONDS) + 1) / 8000))


def buffers():
    """The multi-parameter study: MTU, application's and socket buffers."""
    sizes = (512, 2048, 8192, 32768, 131072, 1048576)
    names = [n for n in ('plain', 'vrouter', 'bridge') if n in CHOSEN]
    for key in ('rmem_max', 'wmem_max'):
        put(f'/proc/sys/net/core/{key}', 4 << 20)
    with hosts(1) as group:
        for mtu in (500, 1500):
            group.mtu(mtu)
            for name in names:
                with routers(name, 1) as peer:
                    group.attach(peer)
                    for app in sizes:
                        for sock in sizes:
                            rate, = iperf(group, 1, 1, f'-l {app} -w {sock}')
                            record(experiment='buffers', peer=name, n=1, mtu=mtu, app=app,
                                   socket=sock, mbit=rate)


class Dear:
    """Filters behind the routers that make each packet dear for the CPU."""

    def __init__(self, filters):
        run('tc qdisc add dev r1 clsact')
        run(['tc', '-batch', '-'], ''.join(
            f'filter add dev r1 egress prio {i + 1} protocol ip u32 match ip dst '
            f'192.0.{i // 256}.{i % 256}/32 action pass\n' for i in range(filters)))

    @staticmethod
    def gone():
        run('tc qdisc del dev r1 clsact')


# --- 3: latency ---------------------------------------------------------------

def echo(group):
    out = group.start('c0', f'{ECHO} {ip4(SERVER, 0, 2)} 1000 4000',
                      fifo=True).communicate(timeout=120)[0].split()
    if len(out) != 6:
        raise RuntimeError(f'echo: {out}')
    names = ('sent', 'received', 'mean', 'p50', 'p99', 'max')
    return {k: None if v == '-' else float(v) for k, v in zip(names, out)}


def ping():
    """The kernel answers: no process of the server has to be scheduled."""
    out = run('ip netns exec c0 taskset -c 1 chrt -f 10 ping -c 300 -i 0.01 -W 1 '
              f'{ip4(SERVER, 0, 2)}', check=False)
    times = sorted(float(t) * 1e3 for t in re.findall(r' time=([\d.]+) ms', out))
    if not times:
        return {f'ping_{k}': None for k in ('mean', 'p50', 'p99', 'max')}
    return {'ping_mean': sum(times) / len(times), 'ping_p50': times[len(times) // 2],
            'ping_p99': times[int(len(times) * 0.99)], 'ping_max': times[-1]}


def queued(peer):
    """Where that is counted: how long packets waited in the router's queue."""
    if peer.name != 'vrouter':
        return {}
    stats = peer.stats()[0]
    return {f'queue_{p}': stats[f'delay-{p}-ns'] / 1e3 for p in ('p50', 'p99')}


@contextlib.contextmanager
def stress(kind, group, peer, n):
    """Keep routers 1 to n - 1 busy."""
    with contextlib.ExitStack() as stack:
        if kind == 'tcp':
            for i in range(1, n):
                stack.enter_context(process(group.start(f's{i}', 'iperf3 -s')))
            time.sleep(0.5)
            for i in range(1, n):
                stack.enter_context(process(group.start(
                    f'c{i}', f'iperf3 -c {ip4(SERVER, i, 2)} -t 600')))
            time.sleep(1)
        elif kind == 'flood':
            stack.callback(Dear(500).gone)
            gen = Pktgen()
            stack.callback(gen.forget)
            gen.stream('others', peer, 1, n - 1, pps=FLOOD)
            gen.start()
            stack.callback(gen.stop)
            time.sleep(0.5)
        yield


def latency():
    names = [n for n in CHOSEN if n != 'flowtable']
    kinds = [('idle', 1), ('idle', 8), ('tcp', 2), ('tcp', 4), ('tcp', 8), ('flood', 2),
             ('flood', 8)]
    with hosts(8) as group:
        for _ in range(ROUNDS):
            random.shuffle(names)
            for name in names:
                for kind, n in kinds:
                    with routers(name, n) as peer:
                        group.attach(peer)
                        group.ping()
                        with process(group.start('s0', f'{ECHO} serve', fifo=True)):
                            time.sleep(0.3)
                            with stress(kind, group, peer, n):
                                record(experiment='latency', peer=name, n=n, others=kind,
                                       **echo(group), **ping(), **queued(peer))


# --- 4: isolation -------------------------------------------------------------

def nginx(group, i, path):
    """A web server of host s{i}, with one small page."""
    where = f'{path}/{i}'
    os.makedirs(f'{where}/www', exist_ok=True)
    put(f'{where}/www/index.html', 'x' * 1000)
    put(f'{where}/conf', f'''daemon off; master_process off; pid {where}/pid;
        error_log {where}/error.log; worker_rlimit_nofile 8192;
        events {{ worker_connections 4096; }}
        http {{ access_log off; client_body_temp_path {where}/b; proxy_temp_path {where}/p;
            fastcgi_temp_path {where}/f; uwsgi_temp_path {where}/u;
            scgi_temp_path {where}/s;
            server {{ listen 80 backlog=4096; root {where}/www; }} }}''')
    return group.start(f's{i}', f'{NGINX} -c {where}/conf -e {where}/error.log')


def ab(group, i, requests, concurrent):
    return group.start(f'c{i}', f'ab -q -n {requests} -c {concurrent} -s 60 '
                       f'http://{ip4(SERVER, i, 2)}/')


BURN = {
    'cpu': 'while True: pass',
    'memory': 'while True: bytearray(64 << 20)',
    'disk': 'import os\nwhile True:\n f = os.open("{0}", os.O_CREAT | os.O_RDWR)\n'
            ' os.write(f, b"x" * (1 << 20)); os.fsync(f); os.close(f)',
}


@contextlib.contextmanager
def load(kind, group, peer, path):
    """What router 1 and its tenant do meanwhile."""
    with contextlib.ExitStack() as stack:
        if kind.startswith('connections'):
            stack.enter_context(process(nginx(group, 1, path)))
            time.sleep(0.5)
            stack.enter_context(process(ab(group, 1, 10000000, kind.split('-')[1])))
            time.sleep(3)
        elif kind == 'flood':
            stack.enter_context(stress('flood', group, peer, 2))
        elif kind in BURN:
            space = peer.space(1)
            inside = ['ip', 'netns', 'exec', space] if space else []
            stack.enter_context(process(subprocess.Popen(
                inside + ['taskset', '-c', '0', 'python3', '-c',
                          BURN[kind].format(f'{path}/burn')])))
            time.sleep(1)
        yield


def isolation():
    names = [n for n in ('plain', 'vrf', 'macvlan', 'bridge', 'vrouter') if n in CHOSEN]
    with hosts(2) as group, tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        with process(nginx(group, 0, path)):
            for _ in range(ROUNDS):
                random.shuffle(names)
                for name in names:
                    with routers(name, 2) as peer:
                        group.attach(peer)
                        group.ping()
                        for kind in ('none', 'connections-500', 'connections-1000', 'flood',
                                     'cpu', 'memory', 'disk'):
                            with load(kind, group, peer, path):
                                web(group, name, kind)


def web(group, name, kind):
    client = ab(group, 0, 50, 5)
    try:
        out = client.communicate(timeout=90)[0]
    except subprocess.TimeoutExpired:
        client.kill()
        out = ''
    fields = {}
    for line in out.splitlines():
        words = line.split()
        if line.startswith('Total:'):
            fields = {'min': int(words[1]), 'mean': float(words[2]), 'p50': int(words[4]),
                      'max': int(words[5])}
        elif line.startswith('Failed requests:'):
            fields['failed'] = int(words[2])
    record(experiment='isolation', peer=name, n=2, load=kind, **fields)


# --- 5: weights ---------------------------------------------------------------

def errors(got, weights):
    """How far each is off its share, in percent of the share."""
    total, sum_ = sum(got), sum(weights)
    return [100 * (g * sum_ / (total * w) - 1) if total else None
            for g, w in zip(got, weights)]


def jain(got, weights):
    x = [g / w for g, w in zip(got, weights)]
    return sum(x) ** 2 / (len(x) * sum(v * v for v in x)) if any(x) else None


MIXES = {'1:1': (1, 1), '1:2:3:4': (1, 2, 3, 4), '1:10:100': (1, 10, 100),
         '8 equal': (1,) * 8, '64 equal': (1,) * 64, '512 equal': (1,) * 512}


def share_record(resource, mix, weights, got, **more):
    off = errors(got, weights)
    record(experiment='weights', peer='vrouter', n=len(weights), resource=resource, mix=mix,
           worst=max((abs(e) for e in off), default=None) if None not in off else None,
           jain=jain(got, weights), errors=off, **more)


# of the scheduler: the one that is not over yet is a quarter of a percent of that
ROUNDS_MEASURED = 400
QUANTUM = 8     # packets of the lightest router in a round (VR_INGRESS_CLOCK)


def weights_seconds(stats, weights):
    """How long to measure; the counters tell what a packet costs."""
    packet = sum(s['cpu-ns'] for s in stats) / sum(s['forwarded-packets'] for s in stats)
    return max(2 * SECONDS, ROUNDS_MEASURED * QUANTUM * packet / 1e9 *
               sum(weights) / min(weights))


def weights_cpu():
    """CPU time that each router gets, all in overload."""
    for mix, weights in MIXES.items():
        if len(weights) > max(MANY + [8]):
            continue
        n = len(weights)
        with routers('vrouter', n) as peer:
            dear, gen = Dear(1000), Pktgen()
            try:
                peer.weigh(weights)
                gen.stream('all', peer, 0, n, pps=2 * FLOOD)
                gen.start()
                time.sleep(2)
                before = peer.stats()
                time.sleep(weights_seconds(before, weights))
                after = peer.stats()
                gen.stop()
            finally:
                gen.forget()
                dear.gone()
        diff = {k: [b[k] - a[k] for a, b in zip(before, after)]
                for k in ('cpu-ns', 'forwarded-packets', 'dropped-packets')}
        share_record('CPU', mix, weights, diff['cpu-ns'],
                     overload=min(diff['dropped-packets']) > 0,
                     jain_packets=jain(diff['forwarded-packets'], weights))


def weights_link():
    """Bytes on a link that is too slow for what is offered."""
    mixes = dict(MIXES)
    mixes['64 against 1500 bytes'] = (1, 1)
    mixes['TCP against UDP'] = (1, 1)
    for mix, weights in mixes.items():
        if len(weights) > max(MANY + [8]):
            continue
        n = len(weights)
        with routers('vrouter', n) as peer:
            peer.weigh(weights)
            run('vrctl nic r1 bandwidth 8mbit')
            try:
                got = link_bytes(peer, mix, n)
            finally:
                run('tc qdisc del dev r1 root')
            share_record('link', mix, weights, got)


def link_bytes(peer, mix, n):
    with contextlib.ExitStack() as stack:
        gen = Pktgen()
        stack.callback(gen.forget)
        if mix == 'TCP against UDP':
            group = stack.enter_context(hosts(1))
            group.attach(peer)
            stack.enter_context(process(group.start('s0', 'iperf3 -s')))
            time.sleep(0.5)
            stack.enter_context(process(group.start(
                'c0', f'iperf3 -c {ip4(SERVER, 0, 2)} -t 600')))
            gen.stream('udp', peer, 1, 1, size=1014, pps=2000)
        elif mix == '64 against 1500 bytes':
            gen.stream('small', peer, 0, 1, pps=20000)
            gen.stream('big', peer, 1, 1, size=1514, pps=1500)
        else:
            gen.stream('all', peer, 0, n, size=250, pps=20000)
        gen.start()
        stack.callback(gen.stop)
        time.sleep(3)
        before = link_classes(n)
        time.sleep(SECONDS * (4 if n < 64 else 20))
        return [b - a for a, b in zip(before, link_classes(n))]


def link_classes(n):
    """Wire bytes of each router."""
    by_name = {c['router']: c['wire_bytes'] for c in tclass.dump('r1')}
    return [by_name.get(f'vr{i}', 0) for i in range(n)]


EXPERIMENTS = {'throughput': throughput, 'tcp': tcp, 'buffers': buffers, 'latency': latency,
               'isolation': isolation, 'weights-cpu': weights_cpu,
               'weights-link': weights_link}


def main():
    global OUT          # pylint: disable=global-statement
    path, *names = sys.argv[1:]
    # CPU 0 is the routers'
    os.sched_setaffinity(0, {1})
    prepare()
    failed = 0
    with open(path, 'a', encoding='ascii') as OUT:
        for name in names:
            start = time.monotonic()
            try:
                EXPERIMENTS[name]()
            except (RuntimeError, subprocess.TimeoutExpired, ValueError) as error:
                # the others may still tell something
                print(f'{name} FAILED: {error}', file=sys.stderr, flush=True)
                failed = 1
            print(f'{name} took {time.monotonic() - start:.0f} s', flush=True)
    return failed


if __name__ == '__main__':
    sys.exit(main())
