/** The settings of the port for ZooKeeper's clients: rows of the settings table (`table.ts`). */

import { parseAddress, type Address } from './address.ts';
import type { Setting } from './setting.ts';
import { filled, flag, list, oneOf, text } from './values.ts';

export interface ZookeeperSettings {
  /** Undefined: clients of ZooKeeper are not served. */
  readonly zookeeper: Address | undefined;
  readonly zookeeperTls: boolean;
  readonly zookeeperNamespace: string;
  /** Milliseconds. */
  readonly zookeeperTick: number;
  readonly zookeeperBase: string;
  readonly zookeeperDubboBase: string;
  readonly zookeeperFamily: 'curator' | 'spring' | 'dubbo';
  readonly zookeeperWords: readonly string[];
}

/** From 100 ms, below which pauses of a client end its session, to a minute. */
const tickMsMin = 100;
const tickMsMax = 60_000;

export const zookeeperSettings: { readonly [K in keyof ZookeeperSettings]: Setting<ZookeeperSettings[K]> } = {
  zookeeper: {
    flag: '--zookeeper <host:port>',
    env: 'ROLLCALL_ZOOKEEPER',
    description: "where to serve ZooKeeper's clients, such as 127.0.0.1:2181; off for none",
    fallback: 'off',
    read: (value) => (value === 'off' ? undefined : parseAddress(text(value))),
  },
  zookeeperTls: {
    flag: '--zookeeper-tls',
    env: 'ROLLCALL_ZOOKEEPER_TLS',
    description: 'serve the address of --zookeeper over TLS, with the files of --tls-cert-file and --tls-key-file',
    fallback: false,
    read: flag,
  },
  zookeeperNamespace: {
    flag: '--zookeeper-namespace <name>',
    env: 'ROLLCALL_ZOOKEEPER_NAMESPACE',
    description: "namespace whose znodes and instances ZooKeeper's clients see",
    fallback: 'default',
    read: (value) => filled(text(value)),
  },
  zookeeperTick: {
    flag: '--zookeeper-tick <ms>',
    env: 'ROLLCALL_ZOOKEEPER_TICK',
    description: "unit, in milliseconds, of the time-outs of ZooKeeper's sessions, which are 2 to 20 of them",
    fallback: '2000',
    read: tick,
  },
  zookeeperBase: {
    flag: '--zookeeper-base <path>',
    env: 'ROLLCALL_ZOOKEEPER_BASE',
    description: "path below which Curator's service discovery registers instances",
    fallback: '/services',
    read: path,
  },
  zookeeperDubboBase: {
    flag: '--zookeeper-dubbo-base <path>',
    env: 'ROLLCALL_ZOOKEEPER_DUBBO_BASE',
    description: 'path below which Dubbo registers the providers of interfaces',
    fallback: '/dubbo',
    read: path,
  },
  zookeeperFamily: {
    flag: '--zookeeper-family <family>',
    env: 'ROLLCALL_ZOOKEEPER_FAMILY',
    description: 'whose class instances of other protocols have in their znodes: curator, spring or dubbo',
    fallback: 'curator',
    read: (value) => oneOf(['curator', 'spring', 'dubbo'], text(value)),
  },
  zookeeperWords: {
    flag: '--zookeeper-words <words>',
    env: 'ROLLCALL_ZOOKEEPER_WORDS',
    description: 'commands of four letters that the port answers, with commas between them; * for all',
    fallback: 'srvr',
    read: (value) => (typeof value === 'string' ? value.split(',').map((word) => word.trim()) : list(value).map(text)).filter((word) => word !== ''),
  },
};

function tick(value: unknown): number {
  const ms = typeof value === 'number' ? value : Number(filled(text(value)));
  if (Number.isInteger(ms) && ms >= tickMsMin && ms <= tickMsMax) return ms;
  throw new Error(`${JSON.stringify(value)} is not a number of milliseconds from ${tickMsMin} to ${tickMsMax}`);
}

function path(value: unknown): string {
  const given = text(value);
  if (/^(?:\/[^/]+)+$/.test(given) && !given.startsWith('/zookeeper')) return given;
  throw new Error(`${JSON.stringify(given)} is not a path of znodes; begin with /, do not end with it, and leave /zookeeper to ZooKeeper`);
}
