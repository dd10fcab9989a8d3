/** `/v1/agent/monitor`: lines of the log, to those who stay, as fast as they read. */

import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { type Logger, pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { grantor, management } from '../../../security/grantor.case.ts';
import { LogTap } from '../../../telemetry/log-tap.ts';
import { Consul } from '../consul.case.ts';
import { jsonLine, parseLine, textLine } from './log-line.ts';

let consul: Consul;
let log: Logger;
let tap: LogTap;
const requests: ClientRequest[] = [];
beforeEach(async () => {
  tap = new LogTap({ write: () => undefined });
  log = pino({ level: 'debug', base: null }, tap);
  consul = await Consul.start({ log });
});
afterEach(async () => {
  for (const request of requests.splice(0)) request.destroy();
  await consul[Symbol.asyncDispose]();
});

async function watch(query = '', from = consul, headers = {}): Promise<IncomingMessage> {
  const request = get(`${from.server.url}/v1/agent/monitor${query}`, { headers });
  request.on('error', () => undefined);
  requests.push(request);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

/** The text that has arrived when `enough` accepts it. */
async function read(response: IncomingMessage, enough: (text: string) => boolean): Promise<string> {
  let text = '';
  for await (const chunk of response.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (enough(text)) return text;
  }
  return text;
}

test('sends lines as they are written, from the requested level', async () => {
  const response = await watch();
  expect(response.headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'transfer-encoding': 'chunked' });
  log.debug('too fine');
  log.info({ port: 8500, path: '/a b' }, 'serving');
  log.child({ part: 'liveness' }).error({ err: new Error('no luck') }, 'a check failed');
  const lines = (await read(response, (text) => text.includes('no luck'))).trimEnd().split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z \[INFO\] {2}rollcall: serving: port=8500 path="\/a b"$/),
    expect.stringMatching(/^\d{4}-\S+Z \[ERROR\] rollcall: a check failed: part=liveness err="no luck"$/),
  ]);
});

test('sends JSON with another level', async () => {
  const response = await watch('?loglevel=DEBUG&logjson');
  log.debug({ n: 1 }, 'fine');
  const line = await read(response, (text) => text.endsWith('\n'));
  expect(JSON.parse(line)).toMatchObject({ '@level': 'debug', '@message': 'fine', '@module': 'rollcall', n: 1 });
});

test('refuses an unknown level, and a monitor over the limit until another one ends', async () => {
  const refused = await consul.get('/v1/agent/monitor?loglevel=zz');
  expect([refused.status, refused.text]).toEqual([400, 'Unknown log level: zz']);
  for (let count = 0; count < 16; count++) expect((await watch()).statusCode).toBe(200);
  expect((await consul.get('/v1/agent/monitor')).status).toBe(500);
  requests[0]?.destroy();
  await vi.waitFor(async () => expect((await watch()).statusCode).toBe(200), { interval: 1, timeout: 20_000 });
});

test('sends a slow client no more than the limit, and tells it how many lines are missing', async () => {
  const response = await watch();
  response.pause();
  const line = 'x'.repeat(10_000);
  // Many times what a connection on one machine takes in without a reader.
  for (let count = 0; count < 3_000; count++) log.info(line);
  const reading = read(response, (text) => text.includes('reads too slowly'));
  const more = setInterval(() => log.info('after'), 1);
  const text = await reading;
  clearInterval(more);
  const told = /\[WARN\] {2}rollcall: (\d+) lines were left out, since this client reads too slowly/.exec(text);
  const sent = text.split(line).length - 1;
  expect(Number(told?.[1])).toBeGreaterThanOrEqual(3_000 - sent);
  expect(sent).toBeLessThan(3_000);
});

test('keeps its clients while the log is silent', async () => {
  await using quick = await Consul.start({ log, limits: { stuckMsMax: 50 } });
  const response = await watch('', quick);
  // A request that waits for another change is cut instead; it came later.
  await expect(quick.get('/v1/kv/nothing?index=1000000&wait=60s')).rejects.toThrow('socket hang up');
  log.info('at last');
  expect(await read(response, (text) => text.endsWith('\n'))).toContain('at last');
});

test('ends when the server closes', async () => {
  const response = await watch();
  const rest = read(response, () => false);
  await consul.server.close();
  await rest;
  expect(tap.listening).toBe(0);
});

test('requires the right to read this agent for as long as it runs', async () => {
  await using guarded = await Consul.start({ log, acl: { initialManagement: management } });
  const grants = grantor(guarded.server.registry);
  const token = await grants.token('agent "server-1" { policy = "read" }');
  const other = await grants.token('agent "other" { policy = "read" }');
  const as = (one: typeof token) => ({ 'X-Consul-Token': one.secret });
  expect((await watch('', guarded, as(other))).statusCode).toBe(403);
  const response = await watch('', guarded, as(token));
  expect(response.statusCode).toBe(200);
  const rest = read(response, () => false);
  await grants.change(token, 'agent "server-1" { policy = "deny" }');
  await rest;
  expect(tap.listening).toBe(0);
  grants.close();
});

test('is refused for a log that cannot be followed', async () => {
  await using plain = await Consul.start({ log: pino({ level: 'silent' }) });
  expect((await plain.get('/v1/agent/monitor')).status).toBe(501);
});

describe('a line', () => {
  const line = (fields: object) => parseLine(JSON.stringify({ level: 30, time: '2026-01-01T00:00:00.000Z', msg: 'm', ...fields }));

  test('has no secrets and no stacks at any depth', () => {
    const fields = { secretId: 'abc', a: [{ Token: 'abc' }], headers: { authorization: 'abc' }, err: { message: 'no', stack: 'abc' } };
    const parsed = line(fields);
    for (const form of [textLine, jsonLine]) expect(parsed === undefined ? 'abc' : form(parsed)).not.toContain('abc');
  });

  test.each(['', 'no json', 'null', '[]', '{}', '{"level":"x","time":1}'])('%j is skipped', (text) => {
    expect(parseLine(text)).toBe(undefined);
  });
});
