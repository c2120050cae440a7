# SPDX-License-Identifier: GPL-2.0
"""What the experiments compare: ways to make many routers of one machine.

For the guest, see guest.sh. The NICs of routers, r0 and r1, are served by CPU 0; the
NICs at the other ends of their wires, h0 and h1, by CPU 1, where hosts and packet
generators run.

Router i takes what is for MAC address a(i) on r0 and b(i) on r1. Behind r0 is its
client, behind r1 its server, each in a network of its own; 198.18.0.0/15 leads to the
server as well. All neighbours are known, so that nothing waits for one.
"""
import json
import os
import re
import subprocess
import time

CLIENT, SERVER = 0x0A400000, 0x0A800000     # 10.64.0.0 and 10.128.0.0, by /30


def mac(kind, i):
    return f'02:76:{"abcs".index(kind):02x}:00:{i >> 8:02x}:{i & 255:02x}'


def ip4(net, i, host):
    n = net + 4 * i + host
    return '.'.join(str(n >> shift & 255) for shift in (24, 16, 8, 0))


def run(line, stdin=None, check=True):
    done = subprocess.run(line.split() if isinstance(line, str) else line, input=stdin,
                          capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f'{line}: {done.stderr.strip()}\n{stdin or ""}')
    return done.stdout


def batch(lines, ns=None):
    """Lines for ip, many at once; each namespace that it is told keeps a file open."""
    for k in range(0, len(lines), 500):
        run(['ip'] + (['-n', ns] if ns else []) + ['-batch', '-'],
            '\n'.join(lines[k:k + 500]) + '\n')


def put(path, text):
    with open(path, 'w', encoding='ascii') as file:
        file.write(str(text))


def get(path):
    with open(path, encoding='ascii') as file:
        return file.read()


def irq(nic, cpu):
    for line in get('/proc/interrupts').splitlines():
        if re.search(rf'\b{nic}\b', line):
            put(f'/proc/irq/{line.split(":")[0].strip()}/smp_affinity_list', cpu)


def prepare():
    """Once in each guest."""
    run(['insmod', os.environ['VR_MODULE']])
    for key, value in (('net/core/devconf_inherit_init_net', 1),
                       ('net/ipv4/ip_forward', 1),
                       ('net/ipv4/conf/all/rp_filter', 0),
                       ('net/ipv4/conf/default/rp_filter', 0),
                       ('net/ipv6/conf/all/disable_ipv6', 1),
                       ('net/ipv6/conf/default/disable_ipv6', 1),
                       ('net/ipv4/neigh/default/gc_thresh1', 65536),
                       ('net/ipv4/neigh/default/gc_thresh2', 65536),
                       ('net/ipv4/neigh/default/gc_thresh3', 65536)):
        put(f'/proc/sys/{key}', value)
    # the kernel patches itself for the first reader of time stamps, which under
    # emulation may bring it down while packets flow
    subprocess.Popen(['ping', '-q', '-i', '3600', '127.0.0.1'],
                     stdout=subprocess.DEVNULL)
    # and so it does for the first clsact and after the last one
    batch(['link add keep0 type dummy'])
    run('tc qdisc add dev keep0 clsact')
    batch([f'link set {nic} up' for nic in ('r0', 'r1', 'h0', 'h1')])
    for nic in ('r0', 'r1'):
        irq(nic, 0)
    for nic in ('h0', 'h1'):
        irq(nic, 1)
    # hosts are not what is measured: their frames do not wait for who sends others
    run('chrt -f -p 20 ' + run('pgrep -x ksoftirqd/1').strip())
    for nic in ('r0', 'r1', 'h0', 'h1'):
        deadline = time.monotonic() + 30
        while get(f'/sys/class/net/{nic}/operstate').strip() != 'up':
            if time.monotonic() > deadline:
                raise RuntimeError(f'no carrier on {nic}')
            time.sleep(0.1)


def router_lines(i, a, b):
    """Addresses and neighbours of router i, whose devices are a and b."""
    return [f'addr add {ip4(CLIENT, i, 1)}/30 dev {a}',
            f'addr add {ip4(SERVER, i, 1)}/30 dev {b}',
            f'neigh replace {ip4(CLIENT, i, 2)} lladdr {mac("c", i)} dev {a} nud permanent',
            f'neigh replace {ip4(SERVER, i, 2)} lladdr {mac("s", i)} dev {b} nud permanent']


def server_route(i, table=''):
    return [f'route add 198.18.0.0/15 {table} via {ip4(SERVER, i, 2)}']


def come_up(ns, links):
    """Set links of a namespace up; another one that is being deleted may still have
    their MAC addresses."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return batch([f'link set {link} up' for link in links], ns)
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class Peer:
    """Routers 0 to n - 1 of some kind."""

    name = label = ''
    settle = 1.5        # seconds until all is as it stays, under full load
    counts = (1, 2, 4, 8)

    def __init__(self, n):
        self.n = n
        self.spaces = []
        self.links = []
        self.macs = [run(['cat', f'/sys/class/net/{nic}/address']).strip()
                     for nic in ('r0', 'r1')]
        self.make()

    def make(self):
        raise NotImplementedError

    def mac(self, side, i):
        """MAC address of router i on r0 (a) or r1 (b)."""
        return mac(side, i)

    def space(self, i):
        """Name of the namespace that router i is in, None for the first one."""
        return f't{i}'

    def make_spaces(self):
        self.spaces = [f't{i}' for i in range(self.n)]
        batch([f'netns add {ns}' for ns in self.spaces])

    def sent(self):
        """Packets that each router has sent to its server, None if not known."""
        return [int(get_in(self.space(i), 'out0')) for i in range(self.n)]

    def gone(self):
        if self.spaces:
            batch([f'netns del {ns}' for ns in self.spaces])
        if self.links:
            batch([f'link del {name}' for name in self.links])
        for nic, address in zip(('r0', 'r1'), self.macs):
            batch([f'addr flush dev {nic}', f'link set {nic} nomaster promisc off',
                   f'link set {nic} address {address}'])
            run(f'ip neigh flush dev {nic} nud permanent', check=False)


def get_in(ns, dev):
    out = run(f'ip -n {ns} -s -j link show {dev}')
    return json.loads(out)[0]['stats64']['tx']['packets']


class Plain(Peer):
    """One router for all."""

    name, label = 'plain', 'plain Linux'

    def make(self):
        batch([f'link set r0 address {mac("a", 0)}', f'link set r1 address {mac("b", 0)}'] +
              sum((router_lines(i, 'r0', 'r1') for i in range(self.n)), []) +
              server_route(0))

    def mac(self, side, i):
        return mac(side, 0)

    def space(self, i):
        return None

    def sent(self):
        return None if self.n > 1 else [int(get('/sys/class/net/r1/statistics/tx_packets'))]


class Flowtable(Plain):
    name, label = 'flowtable', 'nftables flowtable'

    def make(self):
        super().make()
        run('nft -f -', '''add table inet bench
add flowtable inet bench fast { hook ingress priority 0; devices = { r0, r1 }; }
add chain inet bench forward { type filter hook forward priority 0; }
add rule inet bench forward meta l4proto { tcp, udp } flow add @fast
''')

    def gone(self):
        run('nft delete table inet bench')
        super().gone()


class Vrf(Peer):
    """Macvlans in VRFs, since the routers share the NICs."""

    name, label = 'vrf', 'Linux VRF'

    def make(self):
        lines = []
        for i in range(self.n):
            lines += [f'link add v{i} type vrf table {100 + i}', f'link set v{i} up']
            for dev, nic, side in ((f'a{i}', 'r0', 'a'), (f'b{i}', 'r1', 'b')):
                lines += [f'link add link {nic} name {dev} address {mac(side, i)} '
                          'type macvlan mode bridge',
                          f'link set {dev} master v{i} up']
                self.links.append(dev)
            lines += router_lines(i, f'a{i}', f'b{i}')
            lines += server_route(i, f'table {100 + i}')
            self.links.append(f'v{i}')
        batch(lines)

    def space(self, i):
        return None

    def sent(self):
        return [int(get(f'/sys/class/net/b{i}/statistics/tx_packets'))
                for i in range(self.n)]


class Macvlan(Peer):
    name, label = 'macvlan', 'macvlan + namespace'
    kind = 'macvlan mode bridge'

    def more(self, i):
        """What router i needs besides."""
        return []

    def make(self):
        self.make_spaces()
        batch([f'link add link {nic} name {dev} address {mac(side, i)} netns t{i} '
               f'type {self.kind}' for i in range(self.n)
               for nic, dev, side in (('r0', 'in0', 'a'), ('r1', 'out0', 'b'))])
        for i in range(self.n):
            come_up(f't{i}', ('in0', 'out0'))
            batch(router_lines(i, 'in0', 'out0') + server_route(i) + self.more(i), f't{i}')


class Vrouter(Macvlan):
    name, label = 'vrouter', 'vrouter'
    kind = 'vrport'
    settle = 40         # for half a minute it guards who might be within its share

    def more(self, i):
        return [f'link add vr{i} up type vrouter']

    def make(self):
        super().make()
        deadline = time.monotonic() + 30
        while any(r['state'] != 'active' for r in self.show()):
            if time.monotonic() > deadline:
                raise RuntimeError('routers are not active')
            time.sleep(0.1)

    @staticmethod
    def show():
        return json.loads(run('vrctl -a -j show'))

    def stats(self):
        """What the routers counted, in their order."""
        by_name = {r['netns']: r['stats'] for r in self.show()}
        return [by_name[f't{i}'] for i in range(self.n)]

    def sent(self):
        return [s['forwarded-packets'] for s in self.stats()]

    def weigh(self, weights):
        for i, weight in enumerate(weights):
            run(f'vrctl -n t{i} set vr{i} weight {weight}')


class Bridge(Peer):
    """A veth of each router in a bridge on each NIC, as with Xen."""

    name, label = 'bridge', 'veth + bridge + namespace'

    def make(self):
        self.make_spaces()
        self.links = ['br0', 'br1']
        batch([f'link add br{k} type bridge mcast_snooping 0' for k in (0, 1)] +
              [f'link set r{k} master br{k}' for k in (0, 1)] +
              [f'link set br{k} up' for k in (0, 1)] +
              [f'link add v{k}.{i} type veth peer name {dev} address {mac(side, i)} '
               f'netns t{i}' for i in range(self.n)
               for k, dev, side in ((0, 'in0', 'a'), (1, 'out0', 'b'))] +
              [f'link set v{k}.{i} master br{k} up' for i in range(self.n) for k in (0, 1)])
        for i in range(self.n):
            batch(['link set in0 up', 'link set out0 up'] +
                  router_lines(i, 'in0', 'out0') + server_route(i), f't{i}')
            for k, kind in ((0, 'c'), (1, 's')):
                run(f'bridge fdb replace {mac(kind, i)} dev r{k} master static')


class Ovs(Peer):
    """The kernel's datapath alone, with flows that route."""

    name, label = 'ovs', 'Open vSwitch, kernel datapath'

    def make(self):
        run('modprobe openvswitch')
        run('ovs-dpctl add-dp bench')
        run('ovs-dpctl add-if bench r0 r1')
        port = {m[2]: m[1] for m in re.finditer(r'port (\d+): (\S+)', run('ovs-dpctl show'))}
        for i in range(self.n):
            for src, dst, side, out, host in (('r0', 'r1', 'a', 'b', 's'),
                                              ('r1', 'r0', 'b', 'a', 'c')):
                for ttl in (32, 64):
                    run(['ovs-dpctl', 'add-flow', 'bench',
                         f'in_port({port[src]}),eth(dst={mac(side, i)}),eth_type(0x0800),'
                         f'ipv4(ttl={ttl})',
                         f'set(eth(src={mac(out, i)},dst={mac(host, i)})),'
                         f'set(ipv4(ttl={ttl - 1})),{port[dst]}'])

    def space(self, i):
        return None

    def sent(self):
        flows = run('ovs-dpctl dump-flows bench')
        return [sum(int(m) for m in re.findall(
            rf'dst={mac("a", i)}.*?packets:(\d+)', flows)) for i in range(self.n)]

    def gone(self):
        run('ovs-dpctl del-dp bench')
        super().gone()


PEERS = {p.name: p for p in (Plain, Vrf, Macvlan, Bridge, Flowtable, Ovs, Vrouter)}


class Hosts:
    """Clients and servers of n routers, on CPU 1."""

    def __init__(self, n):
        self.n = n
        self.spaces = [f'{k}{i}' for i in range(n) for k in 'cs']
        batch([f'netns add {ns}' for ns in self.spaces] +
              [f'link add link {nic} name eth0 address {mac(k, i)} netns {k}{i} '
               'type macvlan mode private'
               for i in range(n) for k, nic in (('c', 'h0'), ('s', 'h1'))])
        # what is not theirs is not sent back to the router, to come again
        for ns in self.spaces:
            run(f'ip netns exec {ns} sysctl -qw net.ipv4.ip_forward=0')

    def attach(self, peer):
        """Make this peer's routers the hosts' gateways."""
        for i in range(self.n):
            for kind, net, side in (('c', CLIENT, 'a'), ('s', SERVER, 'b')):
                batch(['link set lo up', 'link set eth0 up',
                       f'addr replace {ip4(net, i, 2)}/30 dev eth0',
                       f'neigh replace {ip4(net, i, 1)} lladdr {peer.mac(side, i)} dev eth0 '
                       'nud permanent',
                       f'route replace default via {ip4(net, i, 1)}'], f'{kind}{i}')

    def mtu(self, mtu):
        for ns in self.spaces:
            batch([f'link set eth0 mtu {mtu}'], ns)

    def start(self, ns, line, fifo=False, **options):
        """A process of host ns, on CPU 1."""
        line = f'ip netns exec {ns} taskset -c 1 ' + ('chrt -f 10 ' if fifo else '') + line
        return subprocess.Popen(line.split(), text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, **options)

    def ping(self, i=0):
        out = run(f'ip netns exec c{i} ping -c 1 -W 2 {ip4(SERVER, i, 2)}', check=False)
        if ' 1 received' not in out:
            raise RuntimeError(f'host {i} does not reach its server: {out}')

    def gone(self):
        batch([f'netns del {ns}' for ns in self.spaces])


class Pktgen:
    """Streams of packets from h0, sent by CPU 1."""

    def __init__(self):
        run('modprobe pktgen')
        self.names = []
        self.thread = None

    @staticmethod
    def put(name, text):
        put(f'/proc/net/pktgen/{name}', text + '\n')

    def stream(self, name, peer, first, count, size=60, pps=0):
        """To routers first to first + count - 1 in turn; size without the FCS; as fast as
        it can if pps is 0."""
        dev = f'h0@{name}'
        self.put('kpktgend_1', f'add_device {dev}')
        self.names.append(dev)
        dst = peer.mac('a', first)
        same = count == 1 or dst == peer.mac('a', first + 1)
        for setting in ('count 0', 'clone_skb 0', f'pkt_size {size}', 'delay 0',
                        f'src_min {ip4(CLIENT, 0, 2)}', f'src_max {ip4(CLIENT, 0, 2)}',
                        'dst_min 198.18.0.1', 'dst_max 198.18.15.255', 'flag IPDST_RND',
                        f'src_mac {mac("c", 0)}', f'dst_mac {dst}',
                        f'dst_mac_count {0 if same else count}',
                        f'ratep {pps}' if pps else 'delay 0'):
            self.put(dev, setting)

    def start(self):
        self.thread = subprocess.Popen(['sh', '-c',
                                        'echo start >/proc/net/pktgen/pgctrl'])

    def stop(self):
        self.put('pgctrl', 'stop')
        self.thread.wait()

    def sent(self, name):
        text = get(f'/proc/net/pktgen/h0@{name}')
        return sum(int(n) for n in re.findall(r'(?:pkts-sofar|errors): (\d+)', text)[:2])

    def forget(self):
        self.put('kpktgend_1', 'rem_device_all')
        self.names = []


def busy(cpu=0):
    """Seconds that a CPU was busy."""
    for line in get('/proc/stat').splitlines():
        if line.startswith(f'cpu{cpu} '):
            user, nice, system, _, _, irq_, softirq = map(int, line.split()[1:8])
            return (user + nice + system + irq_ + softirq) / os.sysconf('SC_CLK_TCK')
    raise RuntimeError(f'no CPU {cpu}')
