/**
 * Feeds against a naive model: after any commands, each client has the whole view. Clients come and
 * go, are slow, and come back with the revision that they had.
 */

import type { ItemView } from '@rollcall/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memory } from '../../engine/memory/memory.ts';
import { manualClock } from '../../manual-clock.case.ts';
import type { Command } from '../../registry/kinds.ts';
import { Replica } from '../../replica.ts';
import { FanOut } from '../../net/fan-out.ts';
import { run } from '../../net/turns.case.ts';
import { Pace } from '../../net/turns.ts';
import { ViewContent } from './view-content.ts';
import type { Subscriber, Subscription } from './view-feed.ts';
import { Feeds } from './watches.ts';
import type { Message } from './wire.ts';

const namespaces = ['default', 'blue'];
const services = ['web', 'db'];
const nodes = ['n1', 'n2', ''];
const ids = ['a', 'b', 'c', 'd'];
const keys = ['k/1', 'k/2', 'k/x/3', 'other'];

const views: readonly ItemView[] = [
  ...namespaces.flatMap((namespace) => [
    ...services.map((name) => ({ kind: 'service', namespace, name }) as const),
    { kind: 'services', namespace, name: '' } as const,
  ]),
  { kind: 'prefix', name: 'k/' },
  { kind: 'prefix', name: '' },
  { kind: 'key', name: 'k/1' },
];

type Keyed = { readonly id?: string; readonly node?: string; readonly service?: string; readonly key?: string };

/** A client of the view that checks which content each delta follows. */
class Client implements Subscriber {
  congested = false;
  revision: number | undefined;
  readonly items = new Map<string, unknown>();
  deltas = 0;
  #deferred: Subscription | undefined;
  readonly #view: ItemView;
  #subscription: Subscription | undefined;

  constructor(view: ItemView) {
    this.#view = view;
  }

  join(feeds: Feeds): void {
    this.#subscription = feeds.of(this.#view).add(this, this.revision).subscription;
  }

  leave(): void {
    this.#subscription?.cancel();
    this.#subscription = undefined;
    this.#deferred = undefined;
  }

  get joined(): boolean {
    return this.#subscription !== undefined;
  }

  slow(congested: boolean): void {
    this.congested = congested;
    if (congested) return;
    this.#deferred?.catchUp();
    this.#deferred = undefined;
  }

  push(message: Message): void {
    const payloads = message.map((part) => part.subarray(part[1] === 127 ? 10 : part[1] === 126 ? 4 : 2));
    const frame = JSON.parse(Buffer.concat(payloads).toString()) as { type: string; from: number; revision: number; items: Keyed[]; put: Keyed[]; remove: (string | string[])[] };
    const nameOf = ({ id, node, service, key }: Keyed): string => (id === undefined ? (key ?? service ?? '') : `${node}\0${id}`);
    if (frame.type === 'snapshot') {
      this.items.clear();
      for (const item of frame.items) this.items.set(nameOf(item), item);
    } else {
      this.deltas++;
      expect(frame.from).toBe(this.revision);
      for (const key of frame.remove) this.items.delete(typeof key === 'string' ? key : key.join('\0'));
      for (const item of frame.put) this.items.set(nameOf(item), item);
    }
    expect(frame.revision).toBeGreaterThanOrEqual(this.revision ?? 0);
    this.revision = frame.revision;
  }

  defer(subscription: Subscription): void {
    this.#deferred = subscription;
  }

  ended(): void {
    throw new Error('no view here is too large');
  }
}

const one = <T>(...all: readonly T[]) => fc.constantFrom(...all);
const place = { namespace: one(...namespaces), node: one(...nodes), id: one(...ids) };
const status = one('passing', 'warning', 'critical') as fc.Arbitrary<'passing' | 'warning' | 'critical'>;

const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ ...place, service: one(...services), tag: one('x', 'y', 'z'), status: fc.option(status), address: one('10.0.0.1', '10.0.0.2') }).map(
    ({ namespace, node, id, service, tag, status: said, address }): Command => ({
      kind: 'register',
      namespace,
      nodeMode: node === '' ? 'none' : 'update',
      node: { name: node, address: node === '' ? '' : address },
      instances: [{ id, service, port: 80, tags: [tag] }],
      ...(said === null ? {} : { checks: [{ id: `c-${id}`, name: 'c', instance: id, status: said }] }),
    }),
  ),
  fc.record(place).map(({ namespace, node, id }): Command => ({ kind: 'deregister-instance', namespace, node, id })),
  fc.record({ node: one('n1', 'n2') }).map(({ node }): Command => ({ kind: 'deregister-node', node })),
  fc.record({ node: one('n1', 'n2'), status }).map(
    ({ node, status: said }): Command => ({ kind: 'register', namespace: 'default', nodeMode: 'ensure', node: { name: node, address: '10.0.0.9' }, checks: [{ id: 'of-node', name: 'c', status: said }] }),
  ),
  fc.record({ ...place, status }).map(({ namespace, node, id, status: said }): Command => ({ kind: 'update-checks', updates: [{ namespace, node, id: `c-${id}`, status: said }] })),
  fc.record({ ...place, override: one(null, 'out_of_service', 'up') }).map(({ namespace, node, id, override }): Command => ({ kind: 'instance-status', namespace, node, id, override: override as 'up' | null })),
  fc.record({ namespace: one(...namespaces), name: one(...services), protectThreshold: one(0, 0.5, 1) }).map((each): Command => ({ kind: 'service-put', ...each })),
  fc.record({ key: one(...keys), value: fc.string({ maxLength: 3 }) }).map(({ key, value }): Command => ({ kind: 'kv-put', namespace: 'default', key, value: Buffer.from(value), flags: 0n })),
  fc.record({ key: one(...keys) }).map(({ key }): Command => ({ kind: 'kv-delete', namespace: 'default', key })),
);

type Step = { readonly commands: readonly Command[] } | { readonly client: number; readonly act: 'toggle' | 'slow' };

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.array(commands, { minLength: 1, maxLength: 3 }).map((all): Step => ({ commands: all })) },
    { weight: 1, arbitrary: fc.record({ client: fc.nat(views.length * 2 - 1), slow: fc.boolean() }).map(({ client, slow }): Step => ({ client, act: slow ? 'slow' : 'toggle' })) },
  ),
  { maxLength: 25 },
);

const turn = () => new Promise((resolve) => setImmediate(resolve));
const settled = async () => {
  for (let turns = 0; turns < 4; turns++) await turn();
};

describe('feeds', () => {
  it('give every client the whole view, after any commands', async () => {
    let deltas = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const registry = new Replica({ engine: memory(), clock: manualClock(), onFatal: () => {} });
        await registry.start();
        try {
          await registry.submit({ kind: 'namespace-put', name: 'blue' });
          const feeds = new Feeds(registry, new FanOut());
          const clients = [...views, ...views].map((view) => new Client(view));
          for (const client of clients.slice(0, views.length)) client.join(feeds);
          for (const step of all) {
            if ('commands' in step) await Promise.all(step.commands.map((command) => registry.submit(command).catch(() => {})));
            else {
              const client = clients[step.client] as Client;
              if (step.act === 'slow') client.slow(!client.congested);
              else if (client.joined) client.leave();
              else client.join(feeds);
            }
          }
          for (const client of clients) {
            client.slow(false);
            if (!client.joined) client.join(feeds);
          }
          await settled();
          clients.forEach((client, at) => {
            const view = views[at % views.length] as ItemView;
            const whole = new ViewContent(view);
            run(whole.lookingAtAll(registry.state, new Pace()));
            const items = whole.all().map((item) => JSON.parse(item.json()) as unknown);
            const sorted = (list: Iterable<unknown>) => Array.from(list, (item) => JSON.stringify(item)).sort();
            expect({ view, items: sorted(client.items.values()) }).toEqual({ view, items: sorted(items) });
            deltas += client.deltas;
            client.leave();
          });
          expect([feeds.size, registry.views.watching]).toEqual([0, 0]);
        } finally {
          await registry.close();
        }
      }),
      { numRuns: 300 },
    );
    expect(deltas).toBeGreaterThan(100);
  });
});
