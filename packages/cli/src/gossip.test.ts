import { createServer } from '@rollcall/server';
import { connect, type Rollcall } from '@rollcall/client';
import { expect, it, onTestFinished, vi } from 'vitest';
import { rollcall, start } from './processes.case.ts';

async function member(name: string, seeds: readonly string[] = []): Promise<{ readonly client: Rollcall; readonly at: string }> {
  const client = await connect({ gossip: { name, port: 0, seeds } });
  onTestFinished(() => client.close());
  await vi.waitFor(() => expect(client.server).toBeDefined(), { timeout: 20_000 });
  return { client, at: (client.server ?? '').replace('gossip://', '') };
}

it('gossip members lists a group, and says when no member answers', async () => {
  const { at } = await member('one');
  const { stdout, code } = await rollcall(['gossip', 'members', '--seed', at, '--json']);
  expect([code, JSON.parse(stdout)]).toEqual([0, [expect.objectContaining({ name: 'one', state: 'alive' })]]);
  const other = await rollcall(['gossip', 'members', '--seed', at, '--group', 'other']);
  expect([other.code, other.stderr]).toEqual([4, expect.stringContaining('no member of group other answered at')]);
});

it('gossip bridge shows each side what the other has, and takes it back when it is stopped', async () => {
  const server = await createServer();
  onTestFinished(() => server.close());
  const registry = await connect({ servers: [server.url] });
  onTestFinished(() => registry.close());
  await registry.register({ service: 'web', id: 'central', address: '10.0.0.1', port: 80 });
  const { client, at } = await member('one');
  await client.register({ service: 'orders', id: 'o1', address: '10.0.0.2', port: 81, tags: ['edge'] });

  const bridge = start(['gossip', 'bridge', '--addr', server.url, '--seed', at, '--port', '0', '--member', 'gw']);
  await bridge.seen(/gw joins group default/, 'stderr');
  const inRegistry = async () => (await registry.service('orders').instances()).map(({ id, node, status }) => [node, id, status].join(' '));
  const inGroup = async () => (await client.service('web').instances()).map(({ id }) => id);
  await vi.waitFor(async () => expect([await inRegistry(), await inGroup()]).toEqual([['gossip-gw one/o1 passing'], ['central']]), { timeout: 15_000 });
  // Nothing came back to where it is from.
  expect((await client.services()).map(({ service }) => service)).toEqual(['orders', 'rollcall-gateway', 'web']);
  expect((await registry.services()).map(({ service }) => service)).toEqual(['consul', 'orders', 'web']);

  bridge.child.kill('SIGTERM');
  const { code, stderr } = await bridge.ended;
  expect([code, stderr]).toEqual([143, expect.stringContaining('removes 1 instance from the group and 1 instance from the registry')]);
  await vi.waitFor(async () => expect([await inRegistry(), await inGroup()]).toEqual([[], []]), { timeout: 15_000 });
});

it.each([
  [['gossip', 'bridge', '--host', '0.0.0.0'], 2, 'give a key (openssl rand -base64 32)'],
  [['gossip', 'members', '--group-key-file', '/no/such/file'], 2, 'there is no /no/such/file'],
  [['gossip', 'members', '--seed', 'a b'], 2, 'is not HOST, HOST:PORT'],
])('%j is refused', async (args, code, message) => {
  expect(await rollcall(args)).toMatchObject({ code, stderr: expect.stringContaining(message) });
});
