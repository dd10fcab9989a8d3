/** Webhooks across starts and between nodes: what waits is sent with its id, what happened meanwhile is found, and a gap is said. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { webhookEvents, type CheckStatus } from '@rollcall/protocol';
import type { Engine } from '../engine/engine.ts';
import { memory } from '../engine/memory/memory.ts';
import { manualClock, type ManualClock } from '../manual-clock.case.ts';
import type { Command } from '../registry/kinds.ts';
import { createServer, type Server } from '../server.ts';

interface Receiver {
  readonly url: string;
  /** `TYPE ID` of each request. */
  readonly got: string[];
  status: number;
}

async function receiver(): Promise<Receiver> {
  const got: string[] = [];
  const http = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      got.push(`${(JSON.parse(Buffer.concat(chunks).toString()) as { type: string }).type} ${String(request.headers['webhook-id'])}`);
      response.writeHead(self.status).end();
    });
  });
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const self: Receiver = { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook`, got, status: 200 };
  return self;
}

interface Running {
  readonly server: Server;
  readonly clock: ManualClock;
}

const lasting = (exclusive: boolean): Engine => ({ ...memory(), exclusive, close: () => Promise.resolve() });

async function started(engine: Engine, { history, nodeName = 'one', clock = manualClock() }: { readonly history?: string; readonly nodeName?: string; readonly clock?: ManualClock } = {}): Promise<Running> {
  const server = await createServer({ http: { port: 0 }, engine, clock, nodeName, ...(history === undefined ? {} : { history: { folder: history } }) });
  onTestFinished(() => server.close());
  return { server, clock };
}

const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const hook = (url: string): Command => ({ kind: 'webhook-set', namespace: 'default', name: 'pager', url, secret, events: [...webhookEvents] });
const register = (id: string, service: string, status: CheckStatus): Command => ({
  ...{ kind: 'register', namespace: 'default', node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'ensure' },
  instances: [{ id, service }],
  checks: [{ id: `c-${id}`, name: 'c', instance: id, status }],
});
const turn = (id: string, status: CheckStatus): Command => ({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n', id: `c-${id}`, status }] });
const publish = (content: string): Command => ({ kind: 'config-publish', namespace: 'default', app: 'shop', cluster: 'default', name: 'app', content: Buffer.from(content), md5: content, hash: content });

const submit = async ({ server }: Running, ...commands: Command[]) => {
  for (const command of commands) await server.registry.submit(command);
};
/** The clocks of the servers go on until it holds; files and sockets have the time that they need. */
const until = async (holds: () => boolean | Promise<boolean>, ...running: Running[]) => {
  const look = async () => {
    for (const { clock } of running) clock.advance(100);
    return holds();
  };
  await expect.poll(look, { interval: 2, timeout: 60_000 }).toBe(true);
};
const types = ({ got }: Receiver) => got.map((each) => each.split(' ')[0]);

interface Shown {
  readonly isSender: boolean;
  readonly waiting: number;
  readonly lastSuccess?: { readonly type: string; readonly status: number };
  readonly lastFailure?: { readonly type: string; readonly status: number; readonly tries: number };
  readonly gap?: { readonly from: number; readonly to: number };
}
const shown = async ({ server }: Running) => ((await (await fetch(`${server.url}/rollcall/v1/webhooks`)).json()) as { webhooks: [Shown] }).webhooks[0];
/** The sender has written that it begins. */
const begun = (running: Running) => until(() => [...running.server.registry.state.bucket('webhooks')].length > 0 && running.server.registry.state.get('webhook-progress\0default\0pager') !== undefined, running);

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rollcall-webhooks-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test('what waits is sent by the next process with the same id', async () => {
  const [pager, engine] = [await receiver(), lasting(true)];
  const first = await started(engine);
  await submit(first, hook(pager.url));
  await begun(first);
  pager.status = 500;
  await submit(first, publish('a'), publish('b'));
  await until(async () => (await shown(first)).lastFailure !== undefined, first);
  await first.server.close();
  pager.status = 200;
  const second = await started(engine);
  await until(() => new Set(pager.got).size === 2, second);
  expect(new Set(pager.got.filter((each) => each === pager.got[0])).size).toBe(1);
  expect(new Set(types(pager))).toEqual(new Set(['config.published']));
  await until(async () => (await shown(second)).waiting === 0, second);
  expect(await shown(second)).toMatchObject({ lastSuccess: { type: 'config.published', status: 200, tries: 1 }, lastFailure: { status: 500 } });
});

test('what turns while nothing sends is found by the history, and what was told is not told again', async () => {
  const [pager, engine, history] = [await receiver(), lasting(true), folder()];
  const first = await started(engine, { history });
  await submit(first, register('a', 'shop', 'passing'), register('b', 'bills', 'critical'), hook(pager.url));
  await begun(first);
  await submit(first, turn('b', 'passing'));
  await until(() => pager.got.length === 2, first);
  expect(types(pager).toSorted()).toEqual(['instance.recovered', 'service.recovered']);
  await until(async () => (await shown(first)).waiting === 0, first);
  // It waits for five seconds when the process ends.
  await submit(first, turn('a', 'critical'));
  await until(() => pager.got.length === 2, first);
  await first.server.close();
  const second = await started(engine, { history });
  await until(() => pager.got.length === 4, second);
  expect(types(pager).slice(2).toSorted()).toEqual(['instance.critical', 'service.empty']);
  await until(async () => (await shown(second)).waiting === 0, second);
  expect((await shown(second)).gap).toBeUndefined();
  await second.server.close();
  const third = await started(engine, { history });
  await submit(third, turn('a', 'passing'));
  await until(() => pager.got.length === 6, third);
  expect(types(pager).slice(4).toSorted()).toEqual(['instance.recovered', 'service.recovered']);
});

test('without a history that reaches back, releases are found, and the gap is shown', async () => {
  const [pager, engine] = [await receiver(), lasting(true)];
  const first = await started(engine);
  await submit(first, register('a', 'shop', 'passing'), hook(pager.url));
  await begun(first);
  await first.server.close();
  // Another program has written meanwhile.
  const other = await createServer({ http: { port: 0 }, engine: { ...engine, close: () => Promise.resolve() }, clock: manualClock() });
  await other.registry.submit(publish('a'));
  await other.registry.submit(turn('a', 'critical'));
  await other.close();
  const second = await started(engine);
  await until(() => pager.got.length === 1, second);
  expect(types(pager)).toEqual(['config.published']);
  await until(async () => (await shown(second)).gap !== undefined, second);
});

test('when its sender leaves, another node goes on, and every node shows how deliveries ended', async () => {
  const [pager, engine] = [await receiver(), lasting(false)];
  const nodes = [await started(engine, { nodeName: 'one' }), await started(engine, { nodeName: 'two' })];
  const [one, two] = nodes as [Running, Running];
  await submit(one, hook(pager.url));
  await until(async () => (await Promise.all(nodes.map(shown))).filter((each) => each.isSender).length === 1 && two.server.registry.state.get('webhook-progress\0default\0pager') !== undefined, ...nodes);
  pager.status = 500;
  await submit(one, publish('a'));
  await until(async () => (await Promise.all(nodes.map(shown))).every(({ waiting, lastFailure }) => waiting === 1 && lastFailure?.status === 500), ...nodes);
  const [sender, next] = (await shown(one)).isSender ? [one, two] : [two, one];
  pager.status = 200;
  const tries = pager.got.length;
  await sender.server.close();
  await until(async () => pager.got.length > tries && (await shown(next)).waiting === 0, next);
  expect(new Set(pager.got.filter((each) => each.startsWith('config.published'))).size).toBe(1);
  await until(() => types(pager).includes('member.left'), next);
  expect(await shown(next)).toMatchObject({ isSender: true, lastSuccess: { status: 200 } });
});

test('a restore drops what waits, and tells nothing of what it has changed', async () => {
  const [pager, engine] = [await receiver(), lasting(true)];
  const running = await started(engine);
  const { url } = running.server;
  await submit(running, register('a', 'shop', 'passing'), hook(pager.url));
  await begun(running);
  const backup = Buffer.from(await (await fetch(`${url}/rollcall/v1/backup`)).arrayBuffer());
  await submit(running, turn('a', 'critical'));
  await until(async () => pager.got.length === 2 && (await shown(running)).waiting === 0, running);
  pager.status = 500;
  await submit(running, publish('a'));
  await until(async () => (await shown(running)).waiting === 1, running);
  expect((await fetch(`${url}/rollcall/v1/restore`, { method: 'PUT', body: backup })).status).toBe(200);
  pager.status = 200;
  const before = pager.got.length;
  await begun(running);
  expect(await shown(running)).toMatchObject({ waiting: 0 });
  // What happens from now on is told.
  await submit(running, turn('a', 'critical'));
  await until(() => pager.got.length > before, running);
  expect(new Set(types(pager).slice(before))).not.toContain('instance.recovered');
  await until(() => types(pager).slice(before).includes('service.empty'), running);
  expect(types(pager).slice(before).toSorted()).toEqual(['instance.critical', 'service.empty']);
});
