/**
 * Watchers: over the native stream, over all nodes or bound to one, and over Consul's blocking queries. They record their
 * messages. Like every client of the stream, they drop a snapshot that is older than their content.
 */

import { WebSocket } from 'ws';
import type { Random } from '../seeded.ts';
import { Caller, type Entry } from './caller.ts';
import { sleep, type Scene } from './scene.ts';

export interface Target {
  readonly kind: 'prefix' | 'service';
  readonly name: string;
}

export const viewOf = ({ kind, name }: Target): string => `${kind} ${name}`;

interface Item {
  readonly key?: string;
  readonly value?: string;
  readonly node?: string;
  readonly id?: string;
  readonly status?: string;
}

interface Push {
  readonly type: string;
  readonly id?: number;
  readonly registry?: string;
  readonly from?: number;
  readonly revision?: number;
  readonly items?: readonly Item[];
  readonly put?: readonly Item[];
  readonly remove?: readonly (string | readonly [string, string])[];
}

export interface StreamWatcherOptions {
  readonly name: string;
  readonly target: Target;
  /** A watcher uses the first of these, and the next one when a connection ends. */
  readonly entries: readonly Entry[];
  /** Called with the content after each event. */
  readonly told?: (content: Readonly<Record<string, string>>, node: string) => void;
}

/** Watches until the scene ends, and resumes after each lost connection. */
export async function runStreamWatcher(scene: Scene, { name, target, entries, told }: StreamWatcherOptions, first: number): Promise<void> {
  const view = viewOf(target);
  const content: Record<string, string> = {};
  let revision: number | undefined;
  let registry: string | undefined;
  const { history, signal } = scene;

  const apply = (push: Push, node: string): void => {
    if ((push.type !== 'snapshot' && push.type !== 'delta') || push.revision === undefined) return;
    if (push.type === 'snapshot' && revision !== undefined && push.revision < revision) return;
    if (push.type === 'snapshot') for (const key of Object.keys(content)) delete content[key];
    for (const item of push.items ?? push.put ?? []) content[keyOf(item)] = item.value ?? item.status ?? '';
    for (const key of push.remove ?? []) delete content[typeof key === 'string' ? key : key.join('/')];
    revision = push.revision;
    const event = { at: history.now(), revision, content: { ...content } };
    history.add({ t: 'watch', view, watcher: name, event, ...(push.type === 'delta' ? { from: push.from ?? -1 } : {}) });
    told?.(event.content, node);
  };

  const connection = (entry: Entry): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`${entry.url.replace(/^http/, 'ws')}/rollcall/v1/stream`, { handshakeTimeout: 2_000 });
      let silent: NodeJS.Timeout | undefined;
      let welcomed = false;
      // The registry pings each second or so; like the client, the watcher gives up a connection without a sign of life for
      // longer.
      const alive = (): void => {
        clearTimeout(silent);
        silent = setTimeout(() => socket.terminate(), 4_000);
      };
      const end = (): void => socket.terminate();
      signal.addEventListener('abort', end);
      socket.on('open', () => socket.send(JSON.stringify({ id: 1, type: 'hello', protocol: 1, client: name })));
      socket.on('ping', alive);
      socket.on('message', (data: Buffer) => {
        alive();
        const push = JSON.parse(data.toString()) as Push;
        if (push.type === 'welcome') {
          welcomed = true;
          if (registry !== undefined && push.registry !== registry) history.add({ t: 'breach', text: `${name}: node ${entry.node} is another registry: ${push.registry ?? 'none'}, before ${registry}` });
          registry = push.registry;
          const { kind, name: of } = target;
          socket.send(JSON.stringify({ id: 2, type: 'watch', views: [{ kind, name: of, ...(revision === undefined ? {} : { revision }) }] }));
        } else if (signal.aborted) return;
        else apply(push, entry.node);
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        clearTimeout(silent);
        signal.removeEventListener('abort', end);
        resolve(welcomed);
      });
    });

  let connected = false;
  for (let at = first; !signal.aborted; at++) {
    const entry = entries[at % entries.length];
    if (entry === undefined) break;
    connected = await connection(entry);
    if (!signal.aborted) await sleep(100, signal);
  }
  history.add({ t: 'watch-end', view, watcher: name, connected });
}

const keyOf = ({ key, node, id }: Item): string => key ?? `${node ?? ''}/${id ?? ''}`;

/** A blocking query on all keys below a prefix; it moves to another node now and then, and takes its index along. */
export async function runBlockingWatcher(scene: Scene, name: string, prefix: string, random: Random, first: number): Promise<void> {
  const caller = new Caller({ name, entries: scene.entries, first, timeoutMs: 8_000 });
  const { history, signal } = scene;
  const view = viewOf({ kind: 'prefix', name: prefix });
  let index = 0;
  while (!signal.aborted) {
    if (random.chance(0.3)) caller.move();
    const asked = caller.get(`/v1/kv/${prefix}?recurse&index=${index}&wait=3s`);
    const outcome = await Promise.race([asked, sleep(Infinity, signal)]);
    if (outcome === undefined) break;
    if (outcome.kind !== 'answer' || (outcome.status !== 200 && outcome.status !== 404)) {
      await sleep(100, signal);
      continue;
    }
    history.add({ t: 'index', seen: { client: name, view, node: outcome.node, index: outcome.index } });
    if (outcome.index > index) {
      const entries = outcome.status === 404 ? [] : (JSON.parse(outcome.text) as { readonly Key: string; readonly Value: string | null }[]);
      const content = Object.fromEntries(entries.map(({ Key, Value }) => [Key, Value ?? '']));
      history.add({ t: 'watch', view, watcher: name, event: { at: history.now(), revision: outcome.index, content } });
    }
    index = outcome.index;
  }
  history.add({ t: 'watch-end', view, watcher: name, connected: false });
  await caller.close();
}

/**
 * Writes two keys in one transaction, always with the same value: a watcher that sees different values has seen half of a
 * transaction.
 */
export async function runPairWriter(scene: Scene, name: string, random: Random, every: AsyncIterable<number>): Promise<void> {
  const caller = new Caller({ name, entries: scene.entries, first: random.below(scene.entries.length) });
  let count = 0;
  for await (const _ of every) {
    const pair = random.below(2);
    const removes = random.chance(0.15);
    const Value = Buffer.from(`${name}-${++count}`).toString('base64');
    const operation = (Key: string) => ({ KV: removes ? { Verb: 'delete', Key } : { Verb: 'set', Key, Value } });
    await caller.put('/v1/txn', [operation(`chaos/pair/${pair}/a`), operation(`chaos/pair/${pair}/b`)]);
  }
  await caller.close();
}
