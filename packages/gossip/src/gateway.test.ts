import type { Instance, ServiceEntry } from '@rollcall/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Gateway, originKey, type BridgedRegistry, type GatewayOptions, type GatewayRegistration } from './gateway.ts';
import { Group } from './group.ts';

/** Ten times as fast as on a LAN. */
const timing = { probeIntervalMs: 100, probeTimeoutMs: 50, gossipIntervalMs: 20, reconnectIntervalMs: 500 };

/** A registry in memory, as one client sees it. */
class FakeRegistry implements BridgedRegistry {
  readonly namespace = 'default';
  readonly registered = new Map<string, GatewayRegistration>();
  stale = false;
  #instances: Instance[] = [];
  readonly #listeners = new Map<string, Set<(snapshot: { instances: readonly Instance[]; stale: boolean }) => void>>();
  #wake: () => void = () => {};

  readonly source: BridgedRegistry['source'] = {
    watch: (service, listener) => {
      const of = this.#listeners.get(service) ?? new Set();
      this.#listeners.set(service, of.add(listener));
      listener({ instances: this.#of(service), stale: this.stale });
      return () => of.delete(listener);
    },
  };

  set(...instances: Instance[]): void {
    this.#instances = instances;
    for (const [service, listeners] of this.#listeners) for (const listener of listeners) listener({ instances: this.#of(service), stale: this.stale });
    this.#wake();
  }

  async *watchServices({ signal }: { readonly signal: AbortSignal }): AsyncIterable<readonly ServiceEntry[]> {
    signal.addEventListener('abort', () => this.#wake());
    while (!signal.aborted) {
      yield [...new Set(this.#instances.map(({ service }) => service))].map((service) => ({ service, tags: [] }));
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  announce(registration: GatewayRegistration): ReturnType<BridgedRegistry['announce']> {
    this.registered.set(registration.id, registration);
    return {
      update: async (change) => void this.registered.set(registration.id, { ...registration, ...change }),
      close: async () => void this.registered.delete(registration.id),
    };
  }

  #of(service: string): Instance[] {
    return this.#instances.filter((instance) => instance.service === service);
  }
}

function instance(id: string, fields: Partial<Instance> = {}): Instance {
  return { ...{ id, service: 'web', node: 'n', address: '10.0.0.1', port: 80, tags: [], meta: {}, weight: 1, status: 'passing' }, ...fields };
}

async function open(name: string, seed?: Group): Promise<Group> {
  const group = await Group.open({ name, port: 0, timing, seeds: seed === undefined ? [] : [`127.0.0.1:${seed.address.port}`] });
  onTestFinished(() => group.close());
  return group;
}

function gateway(group: Group, registry: FakeRegistry, options: Partial<GatewayOptions> = {}): Gateway {
  const made = new Gateway({ group, registry, ...options });
  onTestFinished(() => made.close());
  return made;
}

const seen = (group: Group) => group.instances('web').map(({ node, id }) => `${node}/${id}`).sort();
const until = (what: () => void) => vi.waitFor(what, { timeout: 15_000, interval: 10 });

describe('a gateway', () => {
  it('shows each side what the other has, and nothing twice', async () => {
    const registry = new FakeRegistry();
    const a = await open('a');
    const b = await open('b', a);
    b.put({ namespace: 'default', instance: instance('own', { node: 'b', tags: ['t'] }) });
    const bridge = gateway(a, registry);
    await until(() => expect([...registry.registered.keys()]).toEqual(['b/own']));
    expect(registry.registered.get('b/own')).toMatchObject({ service: 'web', status: 'up', tags: ['t'], meta: { [originKey]: 'default' } });
    // The registry shows what the gateway registered, and an instance of its own.
    registry.set(instance('b/own', { node: 'gateway', meta: { [originKey]: 'default' } }), instance('foreign'));
    await until(() => expect(seen(b)).toEqual(['b/own', 'n/foreign']));
    expect([...registry.registered.keys()]).toEqual(['b/own']);
    expect(bridge.counts).toEqual({ inGroup: 1, inRegistry: 1 });
    b.put({ namespace: 'default', instance: instance('own', { node: 'b', status: 'draining' }) });
    await until(() => expect(registry.registered.get('b/own')?.status).toBe('draining'));
    registry.set();
    await until(() => expect(seen(b)).toEqual(['b/own']));
    b.remove({ namespace: 'default', instance: instance('own', { node: 'b' }) });
    await until(() => expect(registry.registered.size).toBe(0));
  });

  it('removes nothing from the group while the registry cannot be asked', async () => {
    const registry = new FakeRegistry();
    const a = await open('a');
    registry.set(instance('foreign'));
    gateway(a, registry);
    await until(() => expect(seen(a)).toEqual(['n/foreign']));
    registry.stale = true;
    registry.set(instance('other'));
    expect(seen(a)).toEqual(['n/foreign']);
  });

  it('that dies leaves what it mirrored in the group, and another one writes to the registry', async () => {
    const [first, second] = [new FakeRegistry(), new FakeRegistry()];
    for (const registry of [first, second]) registry.set(instance('foreign'));
    const a = await open('a');
    const b = await open('b', a);
    const c = await open('c', a);
    c.put({ namespace: 'default', instance: instance('own', { node: 'c' }) });
    gateway(a, first);
    gateway(b, second);
    await until(() => expect(seen(c)).toEqual(['c/own', 'n/foreign']));
    await until(() => expect([first.registered.size, second.registered.size]).toEqual([1, 0]));
    const gone: string[] = [];
    c.onChange(({ service, remove }) => remove.length > 0 && gone.push(service));
    await a.close();
    await until(() => expect(second.registered.size).toBe(1));
    expect(seen(c)).toEqual(['c/own', 'n/foreign']);
    expect(gone.filter((service) => service === 'web')).toEqual([]);
  });

  it('that is cut off from its group removes nothing from the registry', async () => {
    const registry = new FakeRegistry();
    const a = await open('a');
    const b = await open('b', a);
    b.put({ namespace: 'default', instance: instance('own', { node: 'b' }) });
    gateway(a, registry);
    await until(() => expect(registry.registered.size).toBe(1));
    await b.close();
    await until(() => expect(seen(a)).toEqual([]));
    expect(a.isAlone).toBe(true);
    expect(registry.registered.size).toBe(1);
  });

  it('mirrors in one direction, and only what has the tag, when it is told so', async () => {
    const registry = new FakeRegistry();
    registry.set(instance('foreign', { tags: ['out'] }), instance('inner'));
    const a = await open('a');
    a.put({ namespace: 'default', instance: instance('own', { node: 'a', tags: ['out'] }) });
    gateway(a, registry, { direction: 'to-group', tag: 'out' });
    await until(() => expect(seen(a)).toEqual(['a/own', 'n/foreign']));
    expect(registry.registered.size).toBe(0);
  });
});
