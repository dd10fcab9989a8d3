/**
 * A network of namespaces on this machine: one for each member, joined by a router in one more. Losses and partitions are
 * rules of nftables in the namespaces of the members, for all packets that arrive. Needs Linux, root, `ip` and `nft`.
 *
 *     member 0 ── veth ─┐
 *     member 1 ── veth ─┼─ router (namespace `hub`)
 *     member 2 ── veth ─┘
 *
 * A router and not a bridge: with a bridge each member would be a neighbour of each other one, and the kernel keeps 1,024
 * neighbours of all namespaces together (`neigh/default/gc_thresh3`). Packets to further ones are lost.
 */

import { spawnSync } from 'node:child_process';

/** @returns why there are no namespaces here; undefined if there are */
export function namespaceProblem() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need Linux and root';
  for (const [command, ...args] of [['ip', '-V'], ['nft', '-v']]) {
    if (spawnSync(command, args).status !== 0) return `there is no ${command}: apt-get install iproute2 nftables`;
  }
  const name = `rollcall-probe-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (made.status !== 0) return `no network namespace could be made: ${made.stderr.trim()}`;
  const filtered = spawnSync('ip', ['netns', 'exec', name, 'nft', '-f', '-'], { input: rules({ loss: 0.5, blocked: [] }), encoding: 'utf8' });
  spawnSync('ip', ['netns', 'del', name]);
  return filtered.status === 0 ? undefined : `the kernel does not lose packets for nftables: ${filtered.stderr.trim()}`;
}

/** The router as every member sees it. */
const router = '169.254.1.1';

export class Namespaces {
  constructor(count) {
    this.count = count;
    this.prefix = `rc${process.pid}`;
    const hub = `${this.prefix}-hub`;
    run('ip', 'netns', 'add', hub);
    const inHub = (...args) => run('ip', 'netns', 'exec', hub, 'ip', ...args);
    run('ip', 'netns', 'exec', hub, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    for (let index = 0; index < count; index++) {
      const name = this.name(index);
      run('ip', 'netns', 'add', name);
      inHub('link', 'add', `v${index}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      inHub('link', 'set', `v${index}`, 'up');
      inHub('address', 'add', `${router}/32`, 'dev', `v${index}`);
      inHub('route', 'add', `${this.address(index)}/32`, 'dev', `v${index}`);
      const inside = (...args) => run('ip', 'netns', 'exec', name, 'ip', ...args);
      inside('link', 'set', 'lo', 'up');
      inside('address', 'add', `${this.address(index)}/32`, 'dev', 'eth0');
      inside('link', 'set', 'eth0', 'up');
      inside('route', 'add', router, 'dev', 'eth0', 'scope', 'link');
      inside('route', 'add', 'default', 'via', router);
    }
  }

  name(index) {
    return `${this.prefix}-${index}`;
  }

  address(index) {
    return `10.77.${Math.floor(index / 200)}.${(index % 200) + 1}`;
  }

  /** The command of a program in the namespace of a member. */
  command(index, command) {
    return ['ip', 'netns', 'exec', this.name(index), ...command];
  }

  /** @param loss share of packets that are lost on arrival  @param blocked indexes of members from which nothing arrives */
  filter(index, { loss = 0, blocked = [] } = {}) {
    const { status, stderr } = spawnSync('ip', ['netns', 'exec', this.name(index), 'nft', '-f', '-'], {
      input: rules({ loss, blocked: blocked.map((other) => this.address(other)) }),
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`nft: ${stderr}`);
  }

  remove() {
    for (let index = 0; index < this.count; index++) spawnSync('ip', ['netns', 'del', this.name(index)]);
    spawnSync('ip', ['netns', 'del', `${this.prefix}-hub`]);
  }
}

function rules({ loss, blocked }) {
  const lines = [
    ...(blocked.length === 0 ? [] : [`ip saddr { ${blocked.join(', ')} } drop`]),
    ...(loss === 0 ? [] : [`numgen random mod 1000 < ${Math.round(1_000 * loss)} drop`]),
  ];
  return `table ip rollcall\ndelete table ip rollcall\ntable ip rollcall {\n chain arrive {\n type filter hook input priority 0;\n iifname "lo" accept\n ${lines.join('\n ')}\n }\n}\n`;
}

function run(...command) {
  const { status, stderr } = spawnSync(command[0], command.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
}
