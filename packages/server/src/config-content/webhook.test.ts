/** A webhook must clearly agree to a publication, and is asked at allowed addresses only. */

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { addressPolicy } from '../outbound/address-policy.ts';
import { lossOf } from './loss.ts';
import { askWebhook } from './webhook.ts';

const question = { namespace: 'prod', app: 'orders', cluster: 'default', name: 'db', format: 'json', content: '{"a":"{masked}x"}', author: 'ann' };
const resolve = addressPolicy((host) => Promise.resolve(host === 'hook.test' ? [{ address: '127.0.0.1', family: 4 }] : [{ address: '169.254.169.254', family: 4 }]));

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function hook(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return `http://user:secret@hook.test:${(server.address() as AddressInfo).port}/check?token=secret`;
}

const ask = (url: string, timeoutMs = 5_000) => askWebhook(url, question, { resolve, timeoutMs });

describe('a webhook', () => {
  it('that agrees lets the content through, and has been sent everything about it', async () => {
    let seen: unknown;
    const url = await hook((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen = JSON.parse(Buffer.concat(chunks).toString());
        response.end('{"valid": true}');
      });
    });
    expect(await ask(url)).toBeUndefined();
    expect(seen).toEqual(question);
  });

  it.each([
    [200, '{"valid": false, "message": "replicas must be odd"}', /refuses the content: replicas must be odd$/],
    [200, '{"valid": false}', /refuses the content$/],
    [200, '{"valid": "true"}', /status 200 and no/],
    [200, 'true', /status 200 and no/],
    [200, '', /status 200 and no/],
    [204, '', /status 204/],
    [302, '{"valid": true}', /status 302/],
    [500, '{"valid": true}', /status 500/],
    [200, `{"valid": true, "x": "${'y'.repeat(20_000)}"}`, /more than 16384 bytes/],
  ])('that answers %i %s refuses', async (status, body, reason) => {
    const url = await hook((request, response) => {
      request.resume();
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body);
    });
    const refusal = await ask(url);
    expect(refusal).toMatch(reason);
    expect(refusal).not.toContain('secret');
  });

  it('without an answer in time refuses', async () => {
    const url = await hook((request) => request.resume());
    expect(await ask(url, 50)).toMatch(/^the webhook http:\/\/hook\.test:\d+\/check gave no answer within 50 ms; nothing was published$/);
  });

  it('whose answer never ends, or whose name is never found, refuses', async () => {
    const url = await hook((_request, response) => void response.write('{'));
    expect(await ask(url, 50)).toContain('gave no answer within 50 ms');
    const never = { resolve: () => new Promise<never>(() => {}), timeoutMs: 20 };
    expect(await askWebhook('http://slow.test/', question, never)).toContain('gave no answer within 20 ms');
  });

  it.each([
    ['http://metadata.test/', /refused/],
    ['http://2852039166/', /169\.254\.169\.254 is refused/],
    ['http://hook.test:1/', /ECONNREFUSED/],
    ['ftp://hook.test/', /neither http nor https/],
    ['nonsense', /unreadable URL/],
  ])('at %s refuses', async (url, reason) => {
    expect(await ask(url)).toMatch(reason);
  });
});

describe('a loss', () => {
  it.each([
    [undefined, '', undefined],
    ['', '', undefined],
    [' \n', '', undefined],
    ['a=1\n', '', 'emptied'],
    ['a=1\n', ' \n', 'emptied'],
    ['a=1\nb=2\nc=3\n', 'a=1\n', 'halved'],
    ['a=1\nb=2\n', 'a=1\n', 'halved'],
    ['abcd', 'ab', undefined],
    ['a=1\n', 'a=1\nb=2\n', undefined],
  ])('from %j to %j is %s', (before, after, loss) => {
    expect(lossOf(before, after)).toBe(loss);
  });
});
