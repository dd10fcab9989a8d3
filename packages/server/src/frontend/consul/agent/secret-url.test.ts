/** A password in the URL of a check reaches the check's target only. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { Consul } from '../consul.case.ts';

test('the password in the URL of a check is in no output, list or log line', async () => {
  const seen: (string | undefined)[] = [];
  const target = createServer((request, response) => void response.end(String(seen.push(request.headers.authorization) > 0)));
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  const { port } = target.address() as AddressInfo;
  const lines: string[] = [];
  await using consul = await Consul.start({ log: pino({ level: 'trace' }, { write: (line: string) => lines.push(line) }) });
  const check = (name: string, to: string) => ({ Name: name, HTTP: to, Interval: '1s', Timeout: '1s' });
  const Checks = [check('good', `http://user:geheim@127.0.0.1:${port}/`), check('bad', 'http://user:geheim@127.0.0.1:1/')];
  await consul.put('/v1/agent/service/register', { Name: 'web', Checks });
  const paths = ['/v1/agent/checks', '/v1/agent/service/web', '/v1/health/service/web', '/v1/health/state/any', '/v1/health/checks/web', '/v1/internal/ui/services'];
  const shown = async () => (await Promise.all(paths.map((path) => consul.get(path)))).map(({ text }) => text).join('\n');
  await vi.waitFor(async () => expect(await shown()).toMatch(/127\.0\.0\.1:\d+\/: 200 OK[^]*ECONNREFUSED/), { timeout: 20_000 });
  expect(seen[0]).toBe(`Basic ${Buffer.from('user:geheim').toString('base64')}`);
  expect(await shown()).not.toContain('geheim');
  expect(lines.join('')).not.toContain('geheim');
  target.close();
});
