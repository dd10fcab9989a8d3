/** A body arrives byte for byte, sent together with the head or after it. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Body } from './answers.ts';
import { endWith } from './end-with.ts';

let server: Server | undefined;
afterEach(() => server?.close());

test.each([
  ['no byte', 0],
  ['every byte', 256],
  ['the largest body that is sent together with the head', 4_096],
  ['one more', 4_097],
])('%s arrives as it was sent', async (_what, length) => {
  const body = Buffer.from(Array.from({ length }, (_, at) => at % 256));
  const kept = new Body([body]);
  server = createServer(({ url }, response) => {
    response.writeHead(200, ['Content-Length', String(length)]);
    endWith(response, url === '/kept' ? kept : body);
  });
  await new Promise<void>((ready) => void server?.listen(0, '127.0.0.1', ready));
  for (const path of ['/', '/kept', '/kept']) {
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
  }
});
