import { randomBytes, randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { isRegistryError, type Instance } from '@rollcall/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseSeed } from './bootstrap/seeds.ts';
import { Catalog, parseRow, rowValue, type CatalogChange } from './catalog.ts';
import { Group } from './group.ts';
import type { GroupEvent, GroupOptions } from './group-options.ts';

/** Ten times as fast as on a LAN. */
const timing = { probeIntervalMs: 100, probeTimeoutMs: 50, gossipIntervalMs: 20, syncIntervalMs: 3_000, reconnectIntervalMs: 500 };

function instance(id: string, fields: Partial<Instance> = {}): Instance {
  return { ...{ id, service: 'web', node: 'n', address: '127.0.0.1', port: 8_080, tags: [], meta: {}, weight: 1, status: 'passing' }, ...fields };
}

const row = (id: string, fields: Partial<Instance> = {}) => ({ namespace: 'default', instance: instance(id, fields) });

async function open(name: string, seeds: readonly Group[] = [], options: GroupOptions = {}): Promise<Group> {
  const group = await Group.open({ name, port: 0, seeds: seeds.map(({ address }) => `${address.host}:${address.port}`), timing, ...options });
  onTestFinished(() => group.close());
  return group;
}

/** Waits until it holds; the members run on the real clock. */
async function until(what: () => boolean, groups: readonly Group[], timeout = 15_000): Promise<void> {
  await vi.waitFor(() => expect(what(), JSON.stringify(groups.map((group) => group.members()))).toBe(true), { timeout, interval: 10 });
}

const stateOf = (group: Group, name: string) => group.members().find((member) => member.name === name)?.state;
const ids = (group: Group) => group.instances('web').map(({ id }) => id).sort();

describe('members on real sockets', () => {
  it('find each other by one seed, and each sees what the others registered', async () => {
    const a = await open('a');
    const [b, c] = await Promise.all([open('b', [a]), open('c', [a])]);
    a.put(row('one'));
    c.put(row('two'));
    await until(() => [a, b, c].every((group) => ids(group).join() === 'one,two'), [a, b, c]);
    a.put(row('one', { status: 'draining' }));
    await until(() => b.instances('web').some(({ status }) => status === 'draining'), [a, b]);
    a.remove(row('one'));
    await until(() => [b, c].every((group) => ids(group).join() === 'two'), [b, c]);
    expect(b.services()).toEqual([{ service: 'web', tags: [] }]);
  });

  it('see at once that a member leaves, and soon that one is gone without a goodbye', async () => {
    const a = await open('a');
    const [b, c] = await Promise.all([open('b', [a]), open('c', [a])]);
    for (const [group, id] of [[a, 'one'], [b, 'two'], [c, 'three']] as const) group.put(row(id, { node: group.name }));
    await until(() => [a, b, c].every((group) => ids(group).length === 3), [a, b, c]);
    await b.leave();
    await until(() => ids(a).join() === 'one,three' && ids(c).join() === 'one,three', [a, c]);
    // It has said so itself: a member that is only missed is dead.
    expect(stateOf(a, 'b')).toBe('left');
    await c.close();
    await until(() => ids(a).join() === 'one', [a]);
    expect(stateOf(a, 'c')).toBe('dead');
  });

  it('understand each other with a key, and no stranger', async () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    const other = Buffer.alloc(32, 8).toString('base64');
    const events: GroupEvent[] = [];
    const a = await open('a', [], { key, host: '127.0.0.1', onEvent: (event) => events.push(event) });
    const b = await open('b', [a], { key, host: '127.0.0.1' });
    const stranger = await open('s', [a], { key: other, host: '127.0.0.1' });
    const plain = await open('p', [a]);
    await until(() => stateOf(a, 'b') === 'alive' && events.some(({ kind }) => kind === 'warning'), [a, b]);
    b.useKeys([key, other]);
    a.useKeys([key, other]);
    a.useKeys([other, key]);
    b.useKeys([other, key]);
    a.useKeys([other]);
    b.useKeys([other]);
    await until(() => stateOf(a, 's') === 'alive' && stateOf(stranger, 'b') === 'alive', [a, b, stranger]);
    expect(stateOf(a, 'b')).toBe('alive');
    expect(stateOf(plain, 'a')).toBeUndefined();
  });

  it('take no harm from strangers that send bytes of their own', async () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    const a = await open('a', [], { key, host: '127.0.0.1' });
    const strange = createSocket('udp4');
    onTestFinished(() => void strange.close());
    for (let size = 0; size < 200; size++) strange.send(randomBytes(size), a.address.port, '127.0.0.1');
    const stream = connect(a.address.port, '127.0.0.1');
    onTestFinished(() => void stream.destroy());
    stream.on('error', () => {});
    stream.write(randomBytes(10_000));
    const b = await open('b', [a], { key, host: '127.0.0.1' });
    await until(() => stateOf(a, 'b') === 'alive' && stateOf(b, 'a') === 'alive', [a, b]);
  });

  it('carry a row that fits in no datagram', async () => {
    const a = await open('a');
    const b = await open('b', [a]);
    a.put(row('large', { meta: Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, 'v'.repeat(500)])) }));
    await until(() => ids(b).join() === 'large', [a, b]);
  });

  it('find a later seed by its name, when its process has started', async () => {
    const a = await open('a');
    const names = { lookup: () => Promise.resolve([{ address: '127.0.0.1' }]), srv: () => Promise.resolve([{ name: 'host', port: a.address.port }]) };
    const b = await Group.open({ name: 'b', port: 0, seeds: ['srv:_rollcall._tcp.example'], timing }, { names });
    onTestFinished(() => b.close());
    await until(() => stateOf(b, 'a') === 'alive', [a, b]);
  });
});

/** Why multicast does not work here; undefined if it does. */
async function multicastProblem(): Promise<string | undefined> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, () => resolve());
    });
    socket.addMembership('224.0.0.251');
    const heard = new Promise<void>((resolve, reject) => {
      socket.once('message', () => resolve());
      // After a stall the timer is due before the socket was read: the turn ends with reading it.
      const late = () => reject(new Error('no datagram came back within a second'));
      setTimeout(() => setImmediate(late), 1_000).unref();
    });
    socket.send('hello', socket.address().port, '224.0.0.251');
    await heard;
    return undefined;
  } catch (error) {
    return `multicast does not work on this machine: ${(error as Error).message}`;
  } finally {
    socket.close();
  }
}

const noMulticast = await multicastProblem();

it.skipIf(noMulticast !== undefined)(`members find each other by multicast DNS without a seed${noMulticast === undefined ? '' : `: ${noMulticast}`}`, async () => {
  // Other tests of this machine have groups, too.
  const group = randomUUID();
  const a = await open('a', [], { group, mdns: true });
  const b = await open('b', [], { group, mdns: true });
  await until(() => stateOf(b, 'a') === 'alive' && stateOf(a, 'b') === 'alive', [a, b]);
});

describe('options', () => {
  it.each([
    [{ host: '0.0.0.0' }, 'give a key (openssl rand -base64 32), or unencrypted: true'],
    [{ host: 'example.com' }, 'must be an IP address'],
    [{ port: 70_000 }, 'must be from 0 to 65535'],
    [{ name: '' }, '1 to 255 bytes'],
    [{ key: 'short' }, 'key 1 is not 32 bytes in base64'],
    [{ key: 'a', keys: ['b'] }, 'exclude each other'],
    [{ seeds: ['no host'] }, 'is not HOST, HOST:PORT'],
    [{ timing: { probeIntervalMs: 10 } }, 'timing.probeIntervalMs is 10; it must be 50 or more'],
    [{ timing: { gossipIntervalMs: Number.NaN } }, 'timing.gossipIntervalMs is NaN; it must be 10 or more'],
  ] satisfies [GroupOptions, string][])('%j are refused with the reason', async (options, reason) => {
    const error: unknown = await Group.open(options).catch((refused: unknown) => refused);
    expect(isRegistryError(error, 'invalid_argument')).toBe(true);
    expect((error as Error).message).toContain(reason);
  });

  it.each([
    ['h', { kind: 'host', host: 'h', port: 8_530 }],
    ['10.0.0.1:99', { kind: 'host', host: '10.0.0.1', port: 99 }],
    ['[::1]:99', { kind: 'host', host: '::1', port: 99 }],
    ['::1', { kind: 'host', host: '::1', port: 8_530 }],
    ['srv:_rollcall._tcp.example', { kind: 'srv', name: '_rollcall._tcp.example' }],
  ])('have the seed %s', (text, seed) => {
    expect(parseSeed(text)).toEqual(seed);
  });
});

describe('the catalog', () => {
  const told: CatalogChange[] = [];
  const catalog = () => {
    told.length = 0;
    return new Catalog((change) => told.push(change));
  };

  it('shows the instances of living members, also of suspects, and those of a dead one again when it is back', () => {
    const of = catalog();
    of.row('a', 'k', rowValue(row('one')));
    of.member('a', 'suspect');
    expect(told).toHaveLength(1);
    of.member('a', 'dead');
    expect(of.instances('default', 'web')).toEqual([]);
    of.member('a', 'alive');
    expect(told.map(({ put, remove }) => [put.length, remove.length])).toEqual([[1, 0], [0, 1], [1, 0]]);
  });

  it('keeps a mirrored instance when its owner dies, and drops it when the owner leaves', () => {
    const of = catalog();
    of.row('a', 'k', rowValue({ ...row('one'), isMirrored: true }));
    of.member('a', 'dead');
    expect(of.instances('default', 'web')).toHaveLength(1);
    of.member('a', 'left');
    expect(of.instances('default', 'web')).toEqual([]);
  });

  it('shows one of several owners of an instance, a living one before a dead one, the same on all members', () => {
    const of = catalog();
    of.row('b', 'k', rowValue({ ...row('one', { port: 2 }), isMirrored: true }));
    of.row('a', 'k', rowValue({ ...row('one', { port: 1 }), isMirrored: true }));
    expect(of.instances('default', 'web')).toMatchObject([{ port: 1 }]);
    of.member('a', 'dead');
    expect(of.instances('default', 'web')).toMatchObject([{ port: 2 }]);
    of.row('b', 'k', undefined);
    expect(of.instances('default', 'web')).toMatchObject([{ port: 1 }]);
  });

  it('moves an instance to another service, and tells of no gap when it only changes', () => {
    const of = catalog();
    of.row('a', 'k', rowValue(row('one')));
    of.row('a', 'k', rowValue(row('one', { port: 9 })));
    expect(told.map(({ put, remove }) => [put.length, remove.length])).toEqual([[1, 0], [1, 0]]);
    of.row('a', 'k', rowValue(row('one', { service: 'api' })));
    expect(of.services('default')).toEqual([{ service: 'api', tags: [] }]);
  });

  it.each(['', 'null', '[]', '{}', '{"namespace":"default"}', '{"namespace":"default","instance":{"id":1}}', '{"namespace":1,"instance":{}}'])('has no row %s', (value) => {
    expect(parseRow(value)).toBeUndefined();
  });
});
