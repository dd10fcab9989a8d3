/** Webhooks on the command line, against a registry and a receiver. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { here, sharedRegistry } from './processes.case.ts';

const { url } = sharedRegistry();
const webhook = (...args: string[]) => here(['webhook', ...args, '--addr', url()]);

async function receiver(status: number): Promise<string> {
  const http = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end());
  });
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook`;
}

it('sets a webhook with a new secret, which it prints once, tests it, lists it and deletes it', async () => {
  const at = await receiver(204);
  const set = await webhook('set', 'pager', at, '--event', 'service.empty', 'member.left', '--service', 'pay*', '--for', '30s');
  expect(set).toMatchObject({ code: 0, stdout: expect.stringMatching(/^the webhook pager is set\nits secret, which is shown only now: whsec_[\w+/]{43}=\n$/) as string });
  expect(await webhook('set', 'pager', at, '--event', 'service.empty', '--service', 'pay*')).toMatchObject({ code: 0, stdout: 'the webhook pager is set\n' });
  expect(await webhook('test', 'pager')).toMatchObject({ code: 0, stdout: 'delivered; the receiver answered with status 204\n' });
  expect(JSON.parse((await webhook('list', '--json')).stdout)).toMatchObject([{ name: 'pager', url: at, events: ['service.empty'], services: ['pay*'], forMs: 5_000 }]);
  expect((await webhook('list')).stdout).toContain(at);
  expect(await webhook('delete', 'pager')).toMatchObject({ code: 0, stdout: 'the webhook pager is deleted\n' });
});

it('says what is missing or was refused', async () => {
  const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
  expect(await webhook('set', 'bad', 'ftp://example.org', '--event', 'service.empty')).toMatchObject({ code: 1, stderr: expect.stringContaining('http or https URL') as string });
  expect(await webhook('set', 'bad', 'http://example.org')).toMatchObject({ code: 2, stderr: expect.stringContaining('--event service.empty') as string });
  expect(await here(['webhook', 'set', 'bad', await receiver(500), '--event', 'service.empty', '--secret-file', '-', '--addr', url()], { input: `${secret}\n` })).toMatchObject({ code: 0, stdout: 'the webhook bad is set\n' });
  expect(await webhook('test', 'bad')).toMatchObject({ code: 1, stderr: 'rollcall: the webhook bad got nothing: the receiver answered with status 500\n' });
  expect(await webhook('delete', 'bad')).toMatchObject({ code: 0 });
  expect(await webhook('delete', 'bad')).toMatchObject({ code: 3, stderr: 'rollcall: there is no webhook bad\n' });
  expect((await webhook('list')).stderr).toContain('there is no webhook');
});
