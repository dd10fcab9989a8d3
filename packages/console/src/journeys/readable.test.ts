/** What a person can read at a glance: in a narrow window, in a list that is empty for want of a right, in a link, and of webhooks that fail. */

import { createServer as createReceiver } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConsoleBrowser, narrow, noBrowser, violations } from '../browser.case.ts';

describe.skipIf(noBrowser !== '')(`a person reads${noBrowser}`, () => {
  let console: ConsoleBrowser;
  beforeAll(async () => {
    console = await ConsoleBrowser.start();
    await console.register('web', 'web-1');
  });
  afterAll(() => console[Symbol.asyncDispose]());

  test('in a narrow window what was done, and the arrows of the topology as a table', async () => {
    const page = await console.open('activity');
    await page.setViewportSize(narrow);
    const line = page.getByRole('row', { name: /PUT \/v1\/agent\/service\/register/ });
    await line.waitFor();
    await page.getByRole('columnheader', { name: 'kind' }).waitFor({ state: 'detached' });
    await console.goTo(page, 'topology');
    await expect.poll(() => page.getByLabel('Show as').inputValue()).toBe('table');
    await page.close();
  });

  test('the past by a link that says the time in words', async () => {
    const page = await console.open('services?at=1s');
    await page.getByText('Nothing can be changed here.').waitFor();
    expect(Number(new URL(page.url()).searchParams.get('at'))).toBeGreaterThan(1_600_000_000_000);
    await page.close();
  });

  test('which webhook fails, why, that its event is tried again, and tests it where it is said', async () => {
    let status = 500;
    const receiver = createReceiver((request, response) => {
      request.resume();
      response.writeHead(status).end();
    });
    await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening));
    const body = JSON.stringify({ url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`, secret: `whsec_${Buffer.alloc(24, 1).toString('base64')}`, events: ['config.published'] });
    expect((await fetch(`${console.server.url}/rollcall/v1/webhooks?name=pager`, { method: 'PUT', body })).status).toBe(200);
    const page = await console.open('cluster');
    await page.getByRole('row', { name: /pager/ }).getByText('idle').waitFor();
    await fetch(`${console.server.url}/rollcall/v1/config/publish?app=shop&name=a`, { method: 'POST', body: JSON.stringify({ content: 'a' }) });
    await page.getByRole('row', { name: /pager/ }).getByText('failing').waitFor();
    await page.getByRole('row', { name: /pager/ }).click();
    await page.getByText(/config\.published failed .*: the receiver answered with status 500; it is tried again/).waitFor();
    expect(new URL(page.url()).searchParams.get('webhook')).toBe('pager');
    expect(await violations(page)).toEqual([]);
    await console.goTo(page, '');
    const line = page.getByRole('listitem').filter({ hasText: 'Webhook pager' });
    await line.getByText(/config\.published was not delivered, tried .*: the receiver answered with status 500\. 1 event waits\./).waitFor();
    expect(await violations(page)).toEqual([]);
    await line.getByRole('button', { name: 'Test it' }).click();
    await page.getByText('pager got nothing: the receiver answered with status 500').waitFor();
    status = 200;
    await line.getByRole('button', { name: 'Test it' }).click();
    await page.getByText('pager has got the event test').waitFor();
    await line.waitFor({ state: 'detached' });
    await page.close();
    receiver.closeAllConnections();
    receiver.close();
  });
});

test.skipIf(noBrowser !== '')(`an empty list says which right the caller lacks, and that a sign-in helps${noBrowser}`, async () => {
  await using console = await ConsoleBrowser.start({ acl: { initialManagement: 'a management token' } });
  const page = await console.open('keys');
  for (const [path, right] of [['keys', 'key:read'], ['locks', 'lock:read'], ['flags', 'config:read'], ['', 'service:read']] as const) {
    await console.goTo(page, path);
    await page.getByText('Sign in to see more.').waitFor();
    await page.getByText(right, { exact: true }).waitFor();
    await expect.poll(() => page.getByText('Waiting for the first instance').count()).toBe(0);
  }
  await page.close();
});
