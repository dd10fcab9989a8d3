/**
 * Who reads a configuration through any node of the store: this node asks all others, and names those that have not answered. A node that
 * follows another one asks that one, which is connected to all. Each node knows its own readers only (`configurations/readers.ts`).
 */

import type { Clock } from './clock.ts';
import type { Methods } from './cluster/channel/peer.ts';
import { readersMax, type Readers, type Who } from './configurations/readers.ts';
import type { ConfigName } from './registry/kind/config/resolve.ts';

/** A node that has not answered within this time is named as missing. */
const answerMs = 2_000;

/** Another node, and the way to ask it. */
export interface OtherNode {
  readonly name: string;
  call(method: string, body: Buffer): Promise<Buffer>;
}

export interface AllReadersOptions {
  readonly readers: Readers;
  /** Of this node, for people. */
  readonly nodeName: string;
  readonly clock: Clock;
  /** The node that this one follows; undefined for none. */
  readonly primary: OtherNode | undefined;
  /** All other nodes of the store, each once. */
  readonly others: () => Iterable<OtherNode>;
}

export interface AllReaders {
  who(name: ConfigName): Promise<Who>;
  /** The requests that other nodes may make. */
  readonly methods: Methods;
}

export function allReaders({ readers, nodeName, clock, primary, others }: AllReadersOptions): AllReaders {
  const own = (name: ConfigName) => readers.who(name, nodeName);

  async function asked(node: OtherNode, method: string, name: ConfigName): Promise<Who> {
    const nothing: Who = { readers: [], count: 0, missing: [node.name] };
    let cancel = () => {};
    const late = new Promise<Who>((resolve) => (cancel = clock.timer(answerMs, () => resolve(nothing))));
    // A node of an older version refuses the request.
    const answer = node.call(method, bodyOf(name)).then((body) => JSON.parse(body.toString()) as Who, () => nothing);
    try {
      return await Promise.race([answer, late]);
    } finally {
      cancel();
    }
  }

  async function who(name: ConfigName): Promise<Who> {
    if (primary !== undefined) {
      const all = await asked(primary, 'config-who', name);
      return all.missing.includes(primary.name) ? joined([own(name), all]) : all;
    }
    return joined([own(name), ...(await Promise.all(Array.from(others(), (node) => asked(node, 'config-readers', name))))]);
  }

  return {
    who,
    methods: {
      'config-readers': { kind: 'answer', run: async (body) => toBody(own(nameFrom(body))) },
      'config-who': { kind: 'answer', run: async (body) => toBody(await who(nameFrom(body))) },
    },
  };
}

function joined(all: readonly Who[]): Who {
  return {
    readers: all.flatMap(({ readers }) => readers).slice(0, readersMax),
    count: all.reduce((sum, { count }) => sum + count, 0),
    missing: all.flatMap(({ missing }) => missing),
  };
}

function bodyOf({ namespace, app, name }: ConfigName): Buffer {
  return toBody({ namespace, app, name });
}

function toBody(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function nameFrom(body: Buffer): ConfigName {
  const { namespace, app, name } = JSON.parse(body.toString()) as Record<keyof ConfigName, unknown>;
  return { namespace: String(namespace), app: String(app), name: String(name) };
}
