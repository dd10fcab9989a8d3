/** What an operator does with keys and locks: finds, writes without overwriting others, deletes and takes it back, and frees a lock whose holder hangs. */

import { randomUUID } from 'node:crypto';
import { connect } from '@rollcall/client';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConsoleBrowser, noBrowser, violations } from '../browser.case.ts';

const management = 'a management token';

describe.skipIf(noBrowser !== '')(`an operator${noBrowser}`, () => {
  let console: ConsoleBrowser;
  const put = (key: string, body: string | Uint8Array<ArrayBuffer>) => fetch(`${console.server.url}/v1/kv/${key}`, { method: 'PUT', body });
  const read = async (key: string) => (await fetch(`${console.server.url}/v1/kv/${key}?raw`)).text();
  const lock = async (path: string, body: object) => (await fetch(`${console.server.url}/rollcall/v1/locks/${path}`, { method: 'POST', body: JSON.stringify(body) })).json() as Promise<Record<string, unknown>>;
  const contender = async (value: string, waitMs = 0) => {
    const of = { session: { id: randomUUID(), token: randomUUID() }, name: 'jobs/cleanup', contender: randomUUID(), value };
    await lock('session', { ...of, ttlMs: 600_000 });
    return { ...of, answer: lock('acquire', { ...of, waitMs, purpose: 'election' }) };
  };

  beforeAll(async () => {
    console = await ConsoleBrowser.start();
    for (const key of ['app/eu/1', 'app/eu/2', 'app/us/1']) await put(key, `value of ${key}`);
    await put('app/limits', '{"burst":[1,2]}');
    await put('bytes', Uint8Array.of(0, 255));
  });
  afterAll(() => console[Symbol.asyncDispose]());

  const section = (page: Page, key: string) => page.getByRole('region', { name: `Value of ${key}` });

  test('finds a key by keyboard alone, folder by folder, and sees it change', async () => {
    const page = await console.open('');
    for (const key of ['g', 'k']) await page.keyboard.press(key);
    await page.getByRole('row', { name: /^app\// }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('row', { name: /^limits/ }).focus();
    await page.keyboard.press('Enter');
    await section(page, 'app/limits').getByText('"burst": [').waitFor();
    await expect.poll(() => section(page, 'app/limits').getByRole('button', { name: 'JSON' }).getAttribute('aria-pressed')).toBe('true');
    await put('app/limits', '{"burst":3}');
    await section(page, 'app/limits').getByText('"burst": 3').waitFor();
    await expect.poll(() => new URL(page.url()).searchParams.get('key')).toBe('app/limits');
    expect(await violations(page)).toEqual([]);
    await page.goto(`${console.server.url}/ui/keys?key=bytes`);
    await section(page, 'bytes').getByText('00000000  00 ff').waitFor();
    await expect.poll(() => section(page, 'bytes').getByRole('button', { name: 'Edit' }).getAttribute('aria-disabled')).toBe('true');
    await page.close();
  });

  test('creates, edits and deletes a key, and takes each back', async () => {
    const page = await console.open('keys?in=app/');
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByLabel('Key', { exact: true }).fill('app/new');
    await page.getByLabel('Value', { exact: true }).fill('one');
    await page.getByRole('button', { name: 'Create' }).click();
    await section(page, 'app/new').getByText('one').waitFor();
    await section(page, 'app/new').getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Value', { exact: true }).fill('two ä');
    await page.getByLabel('Flags').fill('7');
    await page.getByLabel('Reason').fill('ticket 7');
    await page.getByRole('button', { name: 'Save' }).click();
    await section(page, 'app/new').getByText('flags 7').waitFor();
    expect(await read('app/new')).toBe('two ä');
    await page.getByRole('button', { name: 'Undo' }).click();
    await section(page, 'app/new').getByText('flags 0').waitFor();
    const activity = async () => JSON.stringify(await (await fetch(`${console.server.url}/rollcall/v1/activity`)).json());
    await expect.poll(activity).toContain('kv-put app/new, because \\"ticket 7\\"');
    expect(await activity()).toContain('kv-put app/new, because \\"taken back in the console\\"');
    expect(await read('app/new')).toBe('one');
    await section(page, 'app/new').getByRole('button', { name: 'Delete' }).click();
    await section(page, 'app/new').getByRole('group', { name: 'Confirm' }).getByRole('button', { name: 'Delete' }).click();
    await section(page, 'app/new').getByText('The key does not exist').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await section(page, 'app/new').getByText('one').waitFor();
    await page.close();
  });

  test('never overwrites a value that was written meanwhile', async () => {
    await put('shared', 'first');
    const page = await console.open('keys?key=shared');
    await section(page, 'shared').getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Value', { exact: true }).fill('mine');
    await put('shared', 'theirs');
    await page.getByRole('alert').getByText('theirs').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Replace it with mine' }).click();
    await page.getByText('shared is written.').waitFor();
    expect(await read('shared')).toBe('mine');
    await page.close();
  });

  test('deletes a folder after its keys were counted, and takes it back', async () => {
    const page = await console.open('keys?in=app/eu/');
    await page.getByRole('button', { name: 'Delete folder' }).click();
    await page.getByText('Delete all 2 keys under').waitFor();
    await page.getByRole('button', { name: 'Delete 2 keys' }).click();
    await page.getByText('The folder has no keys').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('row', { name: /value of app\/eu\/2/ }).waitFor();
    await page.close();
  });

  test('compares a key of a past time with now, and sees both moments', async () => {
    await put('app/rate', 'limit=10');
    const { nowMs } = (await (await fetch(`${console.server.url}/rollcall/v1/history`)).json()) as { nowMs: number };
    await expect.poll(() => Date.now()).toBeGreaterThan(nowMs);
    await put('app/rate', 'limit=20');
    const page = await console.open(`keys?in=app/&key=app/rate&at=${nowMs}`);
    await section(page, 'app/rate').getByText('limit=10').waitFor();
    await section(page, 'app/rate').getByRole('button', { name: 'Compare with now' }).click();
    await page.getByText(/^revision \d+, as of \d\d:\d\d:\d\d$/).waitFor();
    await page.getByText(/^revision \d+, now \(\d\d:\d\d:\d\d\)$/).waitFor();
    await page.getByRole('textbox', { name: /as of/ }).getByText('limit=10').waitFor();
    await page.getByRole('textbox', { name: /now/ }).getByText('limit=20').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  test('takes a lock from a holder that hangs, and sees who has it then', async () => {
    const first = await contender('host-1');
    await first.answer;
    const [second, third] = [await contender('host-2', 60_000), await contender('host-3', 60_000)];
    const page = await console.open('locks');
    await page.getByRole('row', { name: /jobs\/cleanup/ }).getByText('host-1').waitFor();
    await page.getByRole('row', { name: /jobs\/cleanup host-1 2 election \d\d:\d\d:\d\d \d+/ }).waitFor();
    await page.getByRole('row', { name: /jobs\/cleanup/ }).click();
    const holders = page.getByRole('list', { name: 'Holders' });
    await page.getByRole('list', { name: 'Queue' }).getByText('host-3').waitFor();
    await page.getByText('election', { exact: true }).waitFor();
    await holders.getByText(/token \d+ · since \d\d:\d\d:\d\d · session \w{8} · lease of 10 minutes/).waitFor();
    await page.getByRole('list', { name: 'Queue' }).getByText(/waits since \d\d:\d\d:\d\d/).first().waitFor();
    await holders.getByRole('button', { name: 'Take away' }).click();
    await page.getByText('host-2 gets the lock, with a higher token.').waitFor();
    await page.keyboard.type('host-1 hangs');
    await page.keyboard.press('Enter');
    await holders.getByText('host-2').waitFor();
    expect(await second.answer).toMatchObject({ state: 'holds' });
    await page.getByRole('button', { name: 'Give it the lock' }).click();
    await page.getByRole('button', { name: 'Give the lock to host-3' }).click();
    await holders.getByText('host-3').waitFor();
    expect(await third.answer).toMatchObject({ state: 'holds' });
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  test('sees which clients hold a semaphore, though they say nothing of themselves', async () => {
    const clients = await Promise.all(['billing-1', 'billing-2'].map((name) => connect({ servers: [console.server.url], name })));
    await Promise.all(clients.map((client) => client.semaphore('db/permits', 3).acquire()));
    const page = await console.open('locks');
    await page.getByRole('row', { name: /db\/permits billing-\d · 127\.0\.0\.1, billing-\d · 127\.0\.0\.1/ }).click();
    for (const name of ['billing-1', 'billing-2']) await page.getByRole('list', { name: 'Holders' }).getByText(`${name} · 127.0.0.1`, { exact: true }).waitFor();
    await page.close();
    await Promise.all(clients.map((client) => client.close()));
  });

  test('with the right to read locks alone sees that it may not take one away, and its page asks for nothing but the reason', async () => {
    await using denied = await ConsoleBrowser.start({ acl: { initialManagement: management, defaultPolicy: 'deny' } });
    const headers = { 'x-consul-token': management };
    const policy = { Name: 'readers', Rules: 'lock_prefix "" { policy = "read" }' };
    await fetch(`${denied.server.url}/v1/acl/policy`, { method: 'PUT', body: JSON.stringify(policy), headers });
    await fetch(`${denied.server.url}/v1/acl/token/00000000-0000-0000-0000-000000000002`, { method: 'PUT', body: JSON.stringify({ Description: 'anonymous', Policies: [{ Name: 'readers' }] }), headers });
    const client = await connect({ servers: [denied.server.url], token: management, name: 'billing-1' });
    await client.lock('jobs/a');
    const page = await denied.open('locks/jobs%2Fa');
    const asked: string[] = [];
    page.on('request', (request) => request.url().endsWith('/ui/api/can') && asked.push(request.postData() ?? ''));
    await page.reload();
    const holders = page.getByRole('list', { name: 'Holders' });
    // Addresses are for operators.
    await holders.getByText('billing-1', { exact: true }).waitFor();
    await holders.locator('button[aria-disabled=true]', { hasText: 'Take away' }).focus();
    await holders.getByText('operator:write').waitFor();
    expect(asked.map((body) => (JSON.parse(body) as { ask: object[] }).ask.map((each) => (each as { resource: string }).resource))).toEqual([['operator']]);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Token', { exact: true }).fill(management);
    await page.getByRole('dialog').getByRole('button', { name: 'Sign in', exact: true }).click();
    await holders.getByText('billing-1 · 127.0.0.1', { exact: true }).waitFor();
    asked.length = 0;
    await page.reload();
    await holders.locator('button:not([aria-disabled])', { hasText: 'Take away' }).waitFor();
    expect(asked).toEqual([]);
    await page.close();
    await client.close();
  });

  test('without rights sees why an action is not possible', async () => {
    await using denied = await ConsoleBrowser.start({ acl: { initialManagement: management, defaultPolicy: 'deny' } });
    const headers = { 'x-consul-token': management };
    await fetch(`${denied.server.url}/v1/kv/shown`, { method: 'PUT', body: 'x', headers });
    await fetch(`${denied.server.url}/v1/acl/policy`, { method: 'PUT', body: JSON.stringify({ Name: 'all', Rules: 'key_prefix "" { policy = "read" }' }), headers });
    await fetch(`${denied.server.url}/v1/acl/token/00000000-0000-0000-0000-000000000002`, { method: 'PUT', body: JSON.stringify({ Description: 'anonymous', Policies: [{ Name: 'all' }] }), headers });
    const page = await denied.open('keys?key=shown');
    await section(page, 'shown').getByText('x', { exact: true }).waitFor();
    await section(page, 'shown').locator('button[aria-disabled=true]', { hasText: 'Edit' }).focus();
    await section(page, 'shown').getByText('key:write on shown').first().waitFor();
    expect(denied.errors).toEqual([]);
    await page.close();
  });

  test('gives no errors', () => {
    expect(console.errors).toEqual([]);
  });
});
