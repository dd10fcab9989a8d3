/** Webhooks of real servers: events arrive signed, once, and only where the address policy allows. The signature is checked by the program in the documents. */

import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { memory } from '../engine/memory/memory.ts';
import { turnsUntil } from '../turns-until.case.ts';
import { manualClock, type ManualClock } from '../manual-clock.case.ts';
import { webhookEvents, type CheckStatus } from '@rollcall/protocol';
import type { WebhookSet } from '../registry/kind/webhook/commands.ts';
import type { Command } from '../registry/kinds.ts';
import { createServer, type Server } from '../server.ts';
import { eventsIn } from './events-in.ts';

const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers with the statuses in turn, then with the last one. */
async function receiver(...statuses: number[]): Promise<{ readonly url: string; readonly got: Got[] }> {
  const got: Got[] = [];
  const http = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      got.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(statuses[Math.min(got.length, statuses.length) - 1] ?? 200, { location: 'http://127.0.0.1:1/' }).end();
    });
  });
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook`, got };
}

interface Running {
  readonly server: Server;
  readonly clock: ManualClock;
}

async function started(engine = memory(), nodeName = 'one'): Promise<Running> {
  const clock = manualClock();
  const server = await createServer({ http: { port: 0 }, engine, clock, nodeName });
  onTestFinished(() => server.close());
  return { server, clock };
}

const hook = (url: string, more: Partial<WebhookSet> = {}): Command => ({ kind: 'webhook-set', namespace: 'default', name: 'pager', url, secret, events: [...webhookEvents], ...more });
const register = (id: string, status: CheckStatus): Command => ({
  ...{ kind: 'register', namespace: 'default', node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'ensure' },
  instances: [{ id, service: 'shop' }],
  checks: [{ id: `c-${id}`, name: 'c', instance: id, status }],
});
const turn = (id: string, status: CheckStatus): Command => ({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n', id: `c-${id}`, status }] });

const typesOf = (got: readonly Got[]) => got.map(({ body }) => (JSON.parse(body) as { readonly type: string }).type);
const submit = async ({ server }: Running, ...commands: Command[]) => {
  for (const command of commands) await server.registry.submit(command);
};
/** Time passes with turns of the event loop between, so that each part sees what the one before has found. */
async function pass({ clock }: Running, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    clock.advance(Math.min(left, 50));
    await new Promise((next) => setImmediate(next));
  }
}

async function verifier(): Promise<(secret: string, headers: IncomingHttpHeaders, body: string, nowMs: number) => boolean> {
  const page = readFileSync(new URL('../../../../docs/concepts/webhooks.md', import.meta.url), 'utf8');
  const program = /```js\n([^]*?)```/.exec(page)?.[1] ?? '';
  return ((await import(`data:text/javascript,${encodeURIComponent(program)}`)) as { isGenuine: (secret: string, headers: IncomingHttpHeaders, body: string, nowMs: number) => boolean }).isGenuine;
}

describe('a webhook', () => {
  it('hears of an instance that stays critical, of the empty service and of both recoveries, signed', async () => {
    const { url, got } = await receiver();
    const running = await started();
    await submit(running, register('a', 'passing'), hook(url));
    await pass(running, 1_000);
    await submit(running, turn('a', 'critical'));
    await pass(running, 4_000);
    expect(got).toEqual([]);
    await turnsUntil(() => got.length === 2, () => running.clock.advance(100));
    expect(typesOf(got)).toEqual(['instance.critical', 'service.empty']);
    expect(JSON.parse(got[0]?.body ?? '')).toEqual({ type: 'instance.critical', timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string, data: { namespace: 'default', service: 'shop', node: 'n', instance: 'a', address: '', status: 'critical' } });
    const isGenuine = await verifier();
    const now = running.clock.now();
    for (const { headers, body } of got) expect(isGenuine(secret, headers, body, now)).toBe(true);
    const [{ headers, body } = { headers: {}, body: '' }] = got;
    expect([isGenuine(secret, headers, `${body} `, now), isGenuine(`whsec_${Buffer.alloc(32, 8).toString('base64')}`, headers, body, now), isGenuine(secret, headers, body, now + 3_600_000)]).toEqual([false, false, false]);
    await submit(running, turn('a', 'passing'));
    await turnsUntil(() => got.length === 4, () => running.clock.advance(100));
    expect(typesOf(got).slice(2)).toEqual(['instance.recovered', 'service.recovered']);
  });

  it('hears nothing of a flap, of what was critical before it, of other services, or while it is disabled', async () => {
    const { url, got } = await receiver();
    const running = await started();
    await submit(running, register('a', 'passing'), register('b', 'critical'));
    await submit(running, hook(url), hook(url, { name: 'other', services: ['pay*'], forMs: 0 }), hook(url, { name: 'off', disabled: true, forMs: 0 }));
    await pass(running, 1_000);
    await submit(running, { kind: 'update-checks', updates: [{ namespace: 'default', node: 'n', id: 'c-b', status: 'critical', output: 'again' }] });
    for (let flap = 0; flap < 3; flap++) {
      await submit(running, turn('a', 'critical'));
      await pass(running, 2_000);
      await submit(running, turn('a', 'passing'));
      await pass(running, 2_000);
    }
    await pass(running, 10_000);
    expect(got).toEqual([]);
  });

  it('hears of a service whose last instance was removed, and not of one that never served', async () => {
    const { url, got } = await receiver();
    const running = await started();
    await submit(running, register('a', 'passing'), hook(url, { forMs: 0 }));
    await pass(running, 1_000);
    await submit(running, { kind: 'deregister-instance', namespace: 'default', node: 'n', id: 'a' });
    await turnsUntil(() => got.length === 1, () => running.clock.advance(100));
    await submit(running, { ...register('x', 'critical'), instances: [{ id: 'x', service: 'new' }] } as Command);
    await turnsUntil(() => got.length === 2, () => running.clock.advance(100));
    await pass(running, 1_000);
    expect(typesOf(got)).toEqual(['service.empty', 'instance.critical']);
  });

  it('gets an event again with the same id after a failure and after a redirect, which is not followed', async () => {
    const { url, got } = await receiver(500, 302, 200);
    const running = await started();
    await submit(running, hook(url));
    await submit(running, { kind: 'config-publish', namespace: 'default', app: 'shop', cluster: 'default', name: 'app', content: Buffer.from('x'), md5: 'x', hash: 'x' });
    await turnsUntil(() => got.length === 3, () => running.clock.advance(100));
    expect(new Set(got.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(typesOf(got)).toEqual(['config.published', 'config.published', 'config.published']);
    expect(got.every(({ headers }) => headers['user-agent'] === 'Rollcall-Webhook')).toBe(true);
    await expect.poll(async () => (await (await fetch(`${running.server.url}/metrics`)).text()).match(/^rollcall_webhook_deliveries_total.*$/gm)?.sort()).toEqual([
      'rollcall_webhook_deliveries_total{outcome="delivered"} 1',
      'rollcall_webhook_deliveries_total{outcome="retried"} 2',
    ]);
  });

  it.each(['http://169.254.169.254/latest', 'http://[fe80::1]/', 'http://2852039166/'])('sends nothing to %s', async (url) => {
    const running = await started();
    await submit(running, hook(url));
    const answer = await fetch(`${running.server.url}/rollcall/v1/webhooks/test?name=pager`, { method: 'POST' });
    expect(await answer.json()).toEqual({ delivered: false, final: true, error: expect.stringContaining('connects to no link-local') as string });
  });
});

test('of two nodes on one store one sends', async () => {
  const { url, got } = await receiver();
  const engine = { ...memory(), exclusive: false, close: () => Promise.resolve() };
  const nodes = [await started(engine, 'one'), await started(engine, 'two')] as const;
  await submit(nodes[0], register('a', 'passing'), hook(url, { forMs: 0, events: ['instance.critical'] }));
  await turnsUntil(() => nodes[1].server.registry.state.revision === nodes[0].server.registry.state.revision);
  for (const node of nodes) await pass(node, 1_000);
  await submit(nodes[0], turn('a', 'critical'));
  await turnsUntil(() => got.length > 0, () => nodes.forEach(({ clock }) => clock.advance(100)));
  for (const node of nodes) await pass(node, 2_000);
  expect(got).toHaveLength(1);
  const senders = async () => {
    const all = await Promise.all(nodes.map(async ({ server }) => (await (await fetch(`${server.url}/rollcall/v1/webhooks`)).json()) as { webhooks: [{ isSender: boolean; deliveries: unknown[] }] }));
    return all.map(({ webhooks: [{ isSender, deliveries }] }) => `${isSender} ${deliveries.length}`).toSorted();
  };
  await expect.poll(senders).toEqual(['false 0', 'true 1']);
});

test('events of configurations and members are found in the changes of a transaction', () => {
  const revisions = { created: 1, modified: 1 };
  const release = { ...revisions, kind: 'config-release', namespace: 'blue', app: 'shop', cluster: 'default', name: 'app', number: 3, parent: 2, content: Buffer.of(), md5: '', hash: '', atMs: 1_000 } as const;
  const member = (nodeId: string, more: object = {}) => ({ nodeId, name: nodeId, address: '', version: '1', epoch: 1, ...more });
  const members = (...all: ReturnType<typeof member>[]) => ({ ...revisions, kind: 'members', lastEpoch: 1, members: all }) as const;
  const found = eventsIn(
    [
      { key: 'x', before: undefined, after: { ...release, step: 'rollback' } },
      { key: 'x', before: undefined, after: { ...release, step: 'auto-rollback', rollout: 'next', message: 'half of them failed' } },
      { key: 'x', before: undefined, after: { ...release, step: 'rollout-stop', rollout: 'next', by: 'ann' } },
      { key: 'x', before: undefined, after: { ...release, step: 'rollout-pause', rollout: 'next' } },
      { key: 'x', before: undefined, after: { ...release, step: 'publish', atMs: -600_000 } },
      { key: 'x', before: { ...release, step: 'publish' }, after: undefined },
      { key: 'x', before: members(member('a'), member('b'), member('w', { worker: true })), after: members(member('a')) },
    ],
    1_000,
  );
  expect(found.map(({ type, namespace, service, data }) => [type, namespace, service, data['stoppedBy'] ?? data['isRollback'] ?? data['name']])).toEqual([
    ['config.published', 'blue', 'shop', true],
    ['rollout.stopped', 'blue', 'shop', 'alarm'],
    ['rollout.stopped', 'blue', 'shop', 'person'],
    ['member.left', 'default', undefined, 'b'],
  ]);
});
