/** A batch needs the rights of each change in it, is limited, and no input makes the server fail. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { memory } from '../../../engine/memory/memory.ts';
import { createServer, type Server } from '../../../server.ts';
import { instanceFields } from '../wire/write-json.ts';
import { fakeEureka, springInstance } from './fake-eureka.case.ts';
import { actions } from './messages.ts';

const management = '5d8f3a1e-0000-4000-8000-000000000001';
let server: Server;
let policies = 0;

const folder = mkdtempSync(join(tmpdir(), 'rollcall-batch-'));
const auditFile = join(folder, 'audit.log');

beforeAll(async () => {
  server = await createServer({ engine: memory(), acl: { initialManagement: management }, auditFile });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const basic = (token: string) => ({ authorization: `Basic ${Buffer.from(`eureka:${token}`).toString('base64')}` });
const post = (body: string | Buffer, headers: Record<string, string>) =>
  fetch(`${server.url}/eureka/peerreplication/batch/`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json', ...headers }, body: new Uint8Array(Buffer.from(body)) });
const change = (action: string, app: string) => ({ appName: app, id: 'i1', action, status: 'UP', lastDirtyTimestamp: 1_000, instanceInfo: instanceFields(springInstance(app, 'i1')) });
const statuses = async (answer: Response) => ((await answer.json()) as { responseList: { statusCode: number }[] }).responseList.map(({ statusCode }) => statusCode);

/** A token that may write `web` only. */
async function webToken(): Promise<string> {
  const put = async (path: string, body: object) =>
    (await fetch(`${server.url}/v1/acl/${path}`, { method: 'PUT', headers: { 'x-consul-token': management }, body: JSON.stringify(body) })).json() as Promise<{ SecretID: string }>;
  const name = `peer-${policies++}`;
  await put('policy', { Name: name, Rules: 'service "web" { policy = "write" }' });
  return (await put('token', { Policies: [{ Name: name }] })).SecretID;
}

it('is done as far as the token of the URL may write', async () => {
  const token = await webToken();
  const batch = JSON.stringify({ replicationList: [...actions.map((action) => change(action, 'WEB')), ...actions.map((action) => change(action, 'ORDERS'))] });
  expect(await statuses(await post(batch, basic(token)))).toEqual([200, 200, 200, 404, 404, 403, 403, 403, 403, 403]);
  expect(await statuses(await post(batch, {}))).toEqual(Array.from({ length: 10 }, () => 403));
  expect((await post(batch, basic('5d8f3a1e-0000-4000-8000-00000000dead'))).status).toBeGreaterThanOrEqual(401);
});

it('is in the audit log: each change and each refusal, and no heartbeat', async () => {
  const token = await webToken();
  const batch = JSON.stringify({ replicationList: [change('Register', 'WEB'), change('Heartbeat', 'WEB'), change('Cancel', 'WEB'), change('Cancel', 'WEB'), change('Register', 'ORDERS')] });
  expect(await statuses(await post(batch, basic(token)))).toEqual([200, 200, 200, 404, 403]);
  const logged = async () => readFileSync(auditFile, 'utf8').split('\n').filter((line) => line.includes('/peerreplication/batch')).slice(-3).map((line) => JSON.parse(line) as Record<string, unknown>);
  await expect.poll(logged).toMatchObject([
    { kind: 'write', via: 'eureka', action: 'POST /eureka/peerreplication/batch Register WEB/i1' },
    { kind: 'write', via: 'eureka', action: 'POST /eureka/peerreplication/batch Cancel WEB/i1' },
    { kind: 'denied', via: 'eureka', action: 'POST /eureka/peerreplication/batch Register ORDERS/i1' },
  ]);
});

it('sends the name and the password of its URL to a peer', async () => {
  const peer = await fakeEureka();
  const other = await createServer({ engine: memory(), eureka: { peers: [peer.url.replace('//', '//joe:s%40cret@')] } });
  try {
    await peer.until(() => peer.headers.length > 0);
    expect(peer.headers[0]?.['authorization']).toBe(`Basic ${Buffer.from('joe:s@cret').toString('base64')}`);
  } finally {
    await other.close();
    await peer.stop();
  }
});

it.each([
  ['ftp://eureka-1', 'a Eureka peer is the URL of its server'],
  ['http://a:1/eureka,http://a:1/eureka/', 'named twice'],
])('does not start with the peers %s', async (urls, message) => {
  await expect(createServer({ engine: memory(), eureka: { peers: urls.split(',') } })).rejects.toThrow(message);
});

it('never connects to a peer at an address that the outbound policy refuses', async () => {
  const said: string[] = [];
  const { pino } = await import('pino');
  const log = pino({ level: 'warn' }, { write: (line: string) => void said.push(line) });
  const other = await createServer({ engine: memory(), log, eureka: { peers: ['http://169.254.169.254/eureka'] } });
  await other.close();
  expect(said.join('')).toContain('connects to no link-local');
});

it('answers anything with a status below 500', async () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('WEB', 'i1', 'UP', ...actions), fc.constant(springInstance('WEB', 'i1')));
  const entry = fc.record({ appName: value, id: value, action: fc.oneof(fc.constantFrom(...actions), value), status: value, overriddenStatus: value, lastDirtyTimestamp: value, instanceInfo: value }, { requiredKeys: [] });
  const body = fc.oneof(
    fc.array(entry, { maxLength: 5 }).map((replicationList) => JSON.stringify({ replicationList })),
    fc.jsonValue().map((json) => JSON.stringify(json)),
    fc.string({ unit: 'binary' }),
  );
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom('application/json', 'application/xml'), async (text, accept) => {
      const answer = await post(text, { ...basic(management), accept });
      expect(answer.status).toBeLessThan(500);
      const answered = await answer.text();
      if (answer.status === 200 && accept === 'application/json') {
        const { responseList } = JSON.parse(answered) as { responseList: { statusCode: number }[] };
        for (const { statusCode } of responseList) expect(statusCode).toBeLessThan(500);
      }
    }),
    { numRuns: 300 },
  );
});
