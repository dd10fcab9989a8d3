/** A server that is killed between an event and its delivery: every event arrives at least once, and repeats have the same id. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { folder, here, registerInstance, serve } from './processes.case.ts';

interface Got {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly release?: number; readonly service?: string };
}

interface Receiver {
  readonly url: string;
  readonly got: Got[];
  /** While it is false, requests get no answer. */
  answers: boolean;
}

async function receiver(): Promise<Receiver> {
  const got: Got[] = [];
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      got.push({ id: String(request.headers['webhook-id']), ...(JSON.parse(Buffer.concat(chunks).toString()) as Omit<Got, 'id'>) });
      if (self.answers) response.writeHead(204).end();
    });
  });
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const self: Receiver = { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook`, got, answers: true };
  return self;
}

async function call(url: string, method: string, path: string, body?: object): Promise<string> {
  const response = await fetch(`${url}${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.text();
}

const publish = (url: string, content: string) => call(url, 'POST', '/rollcall/v1/config/publish?app=shop&name=app', { content });

it('kill -9 loses no event, before it was sent and before it was answered', async () => {
  const pager = await receiver();
  const args = ['--data-dir', folder()];
  let registry = await serve(...args);
  const again = async () => {
    registry.child.kill('SIGKILL');
    await registry.ended;
    registry = await serve(...args);
  };
  await registerInstance(registry.url, { Name: 'orders', ID: 'orders-1', Check: { TTL: '1h', Status: 'passing' } });
  await here(['webhook', 'set', 'pager', pager.url, '--event', 'config.published', 'instance.critical', 'service.empty', '--for', '1s', '--addr', registry.url]);
  await publish(registry.url, 'first');
  await expect.poll(() => pager.got.length, { timeout: 30_000 }).toBe(1);

  // In flight: the receiver has it, and the server never learns that.
  pager.answers = false;
  await publish(registry.url, 'second');
  await expect.poll(() => pager.got.length, { timeout: 30_000 }).toBe(2);
  // Not sent yet, at once after its acknowledgement.
  await publish(registry.url, 'third');
  await call(registry.url, 'PUT', '/v1/agent/check/fail/service:orders-1');
  await again();
  pager.answers = true;
  const releases = () => new Set(pager.got.map(({ data: { release } }) => release).filter((release) => release !== undefined));
  const types = () => new Set(pager.got.map(({ type }) => type));
  await expect.poll(() => [releases().size, types().size], { timeout: 60_000 }).toEqual([3, 3]);

  // One id for each event, however often it came.
  const about = new Map<string, Set<string>>();
  for (const { id, type, data } of pager.got) about.set(`${type} ${data.release ?? data.service}`, (about.get(`${type} ${data.release ?? data.service}`) ?? new Set()).add(id));
  expect([...about.values()].map((ids) => ids.size)).toEqual(Array.from(about, () => 1));
  // The second one came twice at least.
  expect(pager.got.filter(({ data }) => data.release === 2).length).toBeGreaterThan(1);
});
