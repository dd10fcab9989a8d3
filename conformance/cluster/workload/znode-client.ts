/**
 * A client of znodes: gets, creations, sets and deletions of a few znodes that other clients use at the same time. Its session moves between
 * nodes, also with a write in flight; it ends, or its client is silent until its time is over, and its ephemeral znodes must go with it.
 */

import type { ZnodeInput, ZnodeOperation, ZnodeOutput } from '../check/znode-model.ts';
import type { Random } from '../seeded.ts';
import { epochOf, moments, sleep, type Scene, type ZooKeeperEntry } from './scene.ts';
import { ZnodeSession, type ZnodeOutcome } from './znode-session.ts';

export const znodeAcl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];

const znodesPerEpoch = 3;

const sessionMs = 2_000;

/** How long a silent client is silent, in milliseconds. */
const silentMs = 1.5 * sessionMs;

const kinds = ['get', 'get', 'get', 'create', 'create-ephemeral', 'set', 'set-version', 'set-version', 'delete'] as const;
type Kind = (typeof kinds)[number];
type Request = Exclude<ZnodeInput, { readonly kind: 'end' }>;

export async function runZnodeClient(scene: Scene, client: number, random: Random, meanMs: number): Promise<void> {
  const { history } = scene;
  /** Writes of unknown outcome that may still take effect. */
  const open: { readonly path: string; readonly operation: Omit<ZnodeOperation, 'output' | 'return'> }[] = [];
  /** Paths of the ephemeral znodes that this session may have. */
  const ephemerals = new Set<string>();
  let endedSessions = 0;
  /** When the last request that found the session alive was sent. */
  let aliveAt = 0;
  const session = new ZnodeSession(scene.zookeepers, client, {
    timeoutMs: sessionMs,
    patienceMs: 800,
    onSettled() {
      const until = history.now();
      for (const { path, operation } of open.splice(0)) history.add({ t: 'znode', path, operation: { ...operation, until } });
    },
    onEnded() {
      const input = { kind: 'end', session: `${client}-${endedSessions++}` } as const;
      for (const path of ephemerals) history.add({ t: 'znode', path, operation: { client, input, output: { kind: 'done' }, call: aliveAt, return: history.now() } });
      ephemerals.clear();
    },
  });
  const known = new Map<string, number>();
  let writes = 0;
  for await (const at of moments(scene, random, meanMs)) {
    const path = pathAt(at, random);
    const kind = random.pick(kinds) ?? 'get';
    const value = `${client}-${++writes}`;
    const chance = random.next();
    const leaves = kind !== 'get' && random.chance(0.1);
    if (chance < 0.15) session.move();
    else if (chance < 0.22) await session.end();
    else if (chance < 0.23 && at + silentMs < scene.runMs) {
      session.move();
      await sleep(silentMs, scene.signal);
    }
    const version = known.get(path) ?? -1;
    const input = inputOf(kind, { value, version, session: `${client}-${endedSessions}` });
    const call = history.now();
    const outcome = await send(session, path, input, leaves);
    const end = history.now();
    if (outcome.kind === 'unsent') continue;
    if (kind === 'create-ephemeral') ephemerals.add(path);
    const operation = { client, input, call };
    if (outcome.kind !== 'answer') {
      if (kind !== 'get') open.push({ path, operation });
      continue;
    }
    aliveAt = call;
    const output = outputOf(outcome);
    if (output.kind === 'found') known.set(path, output.version);
    if (output.kind === 'no-node') known.delete(path);
    history.add({ t: 'znode', path, operation: { ...operation, output, return: end } });
    history.add({ t: 'index', seen: { client: `znode-client-${client}`, view: 'zxid', node: outcome.node, index: outcome.zxid } });
  }
  await session.end();
  for (const { path, operation } of open) history.add({ t: 'znode', path, operation });
}

/** A client of one node that only reads, so that it goes on reading where writers have to wait, and leave. */
export async function runZnodeReader(scene: Scene, node: ZooKeeperEntry, client: number, random: Random, meanMs: number): Promise<void> {
  const { history } = scene;
  const session = new ZnodeSession([node], 0, { patienceMs: 800 });
  for await (const at of moments(scene, random, meanMs)) {
    const path = pathAt(at, random);
    const input = { kind: 'get' } as const;
    const call = history.now();
    const outcome = await send(session, path, input, false);
    if (outcome.kind === 'answer') history.add({ t: 'znode', path, operation: { client, input, output: outputOf(outcome), call, return: history.now() } });
  }
  await session.end();
}

const pathAt = (at: number, random: Random): string => `/chaos-${epochOf(at)}-${random.below(znodesPerEpoch)}`;

function inputOf(kind: Kind, { value, version, session }: { readonly value: string; readonly version: number; readonly session: string }): Request {
  switch (kind) {
    case 'get':
      return { kind };
    case 'create':
      return { kind, value };
    case 'create-ephemeral':
      return { kind: 'create', value, session };
    case 'delete':
      return { kind, version };
    case 'set':
    case 'set-version':
      return { kind: 'set', value, version: kind === 'set' ? -1 : version };
  }
}

type Asked = 'getData' | 'create' | 'setData' | 'delete';

async function send(session: ZnodeSession, path: string, input: Request, leaves: boolean): Promise<ZnodeOutcome<Asked>> {
  switch (input.kind) {
    case 'get': {
      const synced = await session.ask('sync', { path });
      return synced.kind === 'answer' ? session.ask('getData', { path, watch: false }) : synced;
    }
    case 'create':
      return session.ask('create', { path, data: Buffer.from(input.value), acl: znodeAcl, flags: input.session === undefined ? 0 : 1 }, leaves);
    case 'set':
      return session.ask('setData', { path, data: Buffer.from(input.value), version: input.version }, leaves);
    case 'delete':
      return session.ask('delete', { path, version: input.version }, leaves);
  }
}

const refusals: Readonly<Record<number, ZnodeOutput>> = { [-101]: { kind: 'no-node' }, [-103]: { kind: 'bad-version' }, [-110]: { kind: 'node-exists' } };

/** @throws Error for an error that no such request has */
function outputOf(outcome: Extract<ZnodeOutcome<Asked>, { readonly kind: 'answer' }>): ZnodeOutput {
  const { body, err } = outcome;
  if (body === undefined) {
    const refusal = refusals[err];
    if (refusal === undefined) throw new Error(`a node answered with error ${err}`);
    return refusal;
  }
  return 'data' in body ? { kind: 'found', value: Buffer.from(body.data ?? []).toString(), version: body.stat.version } : { kind: 'done' };
}
