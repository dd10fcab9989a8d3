/** What operators do with configurations: edit, propose, approve, publish in stages, stop, and go back, while a real client reads. */

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Rollcall } from '@rollcall/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { ConsoleBrowser, noBrowser, violations } from '../browser.case.ts';

const management = 'a management token';
const schema = JSON.stringify({ properties: { timeoutMs: { type: 'integer', minimum: 1, description: 'How long a call may take' }, mode: { enum: ['fast', 'safe'] } } });

type Query = Readonly<Record<string, string>>;

/** Sends a request as an operator without a browser would. */
async function ask(console: ConsoleBrowser, method: string, path: string, query: Query, body?: object, token = ''): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(`${console.server.url}/rollcall/v1/config${path}?${new URLSearchParams(query)}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as Readonly<Record<string, unknown>>;
}

/** Replaces the content in the editor, by keyboard. */
async function write(page: Page, content: string): Promise<void> {
  await page.getByRole('textbox', { name: /^Content of/ }).waitFor();
  await page.keyboard.press('e');
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(content);
}

describe.skipIf(noBrowser !== '')(`configurations${noBrowser}`, () => {
  let console: ConsoleBrowser;
  let client: Rollcall;
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-console-config-'));
  const post = (path: string, query: Query, body: object) => ask(console, 'POST', path, query, body);
  beforeAll(async () => {
    const file = join(folder, 'keys');
    writeFileSync(file, `k1:${Buffer.alloc(32, 7).toString('base64')}\n`);
    chmodSync(file, 0o600);
    console = await ConsoleBrowser.start({ configKeys: { file } });
    client = await connect({ servers: [console.server.url], onEvent: () => {} });
    await post('/publish', { app: 'base', name: 'common.properties' }, { content: 'log=info\nretries=2\n', format: 'properties', settings: { visibility: 'public' } });
    await post('/publish', { app: 'shop', name: 'app.properties' }, { content: 'retries=5\npassword={secret}hunter2{/secret}\n', format: 'properties', settings: { parents: [{ app: 'base', name: 'common.properties' }] } });
    await post('/publish', { app: 'shop', name: 'app.yaml' }, { content: 'timeoutMs: 500\nmode: safe\n', format: 'yaml', settings: { schema } });
  });
  afterAll(async () => {
    await client.close();
    await console[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test('are published and rolled back by keyboard alone, and a client follows', async () => {
    const config = client.config('shop/app.yaml');
    await config.whenReady();
    const timeoutIs = (wanted: number) => expect.poll(() => config.snapshot()?.content).toContain(`timeoutMs: ${wanted}\n`);
    const before = Date.now();
    const page = await console.open('');
    for (const key of ['g', 'c']) await page.keyboard.press(key);
    await page.getByRole('treeitem', { name: 'app.yaml' }).waitFor();
    await page.getByRole('treeitem', { name: 'default' }).focus();
    for (const key of ['End', 'k', 'ArrowLeft', 'ArrowRight', 'End', 'Enter']) await page.keyboard.press(key);
    await page.getByRole('heading', { level: 1, name: 'shop/app.yaml' }).waitFor();
    await write(page, 'timeoutMs: 700\nmode: fast\n');
    await page.keyboard.press('Control+Enter');
    const sheet = page.getByRole('dialog', { name: 'Publish shop/app.yaml in default' });
    await sheet.getByText('the schema holds').waitFor();
    expect(await violations(page)).toEqual([]);
    await sheet.getByLabel('Reason').focus();
    await page.keyboard.type('faster');
    await page.keyboard.press('Control+Enter');
    await page.getByText('Release 2 goes to all clients.').waitFor();
    await timeoutIs(700);
    await page.getByRole('button', { name: 'roll back' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: /back to release 1/ }).getByLabel('Reason').fill('too fast');
    await page.keyboard.press('Enter');
    await page.getByText('Clients get the content of release 1 again, as release 3.').waitFor();
    await timeoutIs(500);
    await page.getByRole('list', { name: 'State' }).getByText('too fast').waitFor();
    // The past is shown as it was, and nothing can be changed there.
    await page.goto(`${console.server.url}/ui/config/default/shop/app.yaml?at=${before}`);
    await page.getByRole('list', { name: 'State' }).getByText(/^release 1,/).waitFor();
    await page.getByRole('textbox', { name: /^Content of/ }).getByText('500').waitFor();
    await expect.poll(() => page.getByRole('button', { name: /^Publish/ }).getAttribute('aria-disabled')).toBe('true');
    await page.close();
  });

  test('are completed by their schema, and faults stand where they are while they are typed', async () => {
    const page = await console.open('config/default/shop/app.yaml');
    await write(page, 'timeoutMs: 0\n');
    await page.getByText('1 fault.').waitFor();
    await expect.poll(() => page.locator('.cm-lintRange-error').innerText()).toBe('timeoutMs');
    await page.keyboard.type('mo');
    await page.getByRole('option', { name: /mode/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+Space');
    await page.getByRole('option', { name: 'safe' }).waitFor();
    // Nothing was saved, and the publisher is told why it cannot be.
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('dialog').getByText('the content has faults').waitFor();
    await page.keyboard.press('Escape');
    expect((await ask(console, 'GET', '', { app: 'shop', name: 'app.yaml' }))['draft']).toBeUndefined();
    await page.close();
  });

  test('show what they inherit and override, and secrets only on demand', async () => {
    const page = await console.open('config/default/shop/app.properties');
    await page.getByText('overrides base/common.properties: 2').waitFor();
    await page.getByText('1 key inherited').waitFor();
    await expect.poll(() => page.getByText('hunter2').count()).toBe(0);
    await page.getByRole('button', { name: 'Reveal secrets' }).click();
    await page.getByText('password=hunter2').waitFor();
    await page.clock.install();
    await page.getByRole('button', { name: 'Hide' }).click();
    await page.getByRole('button', { name: 'Reveal secrets' }).click();
    await page.getByText('password=hunter2').waitFor();
    await page.clock.fastForward(31_000);
    await expect.poll(() => page.getByText('hunter2').count()).toBe(0);
    await page.getByRole('button', { name: 'Override log' }).click();
    await page.getByText('Not saved.').waitFor();
    await page.getByText('overrides base/common.properties: info').waitFor();
    await page.close();
  });

  test('are never silently overwritten: the second editor sees both versions, and merges', async () => {
    const at = { app: 'shop', name: 'merged.yaml' };
    await post('/publish', at, { content: 'a: 1\nb: 1\n', format: 'yaml' });
    const page = await console.open('config/default/shop/merged.yaml');
    await write(page, 'a: 1\nb: 2\n');
    await post('/draft/save', { ...at, by: 'ann' }, { content: 'a: 2\nb: 1\n', format: 'yaml', cas: 0 });
    await page.getByRole('alert').getByText('has saved the draft while you edited').waitFor();
    await page.getByRole('button', { name: 'Compare and merge' }).click();
    const yours = page.getByRole('textbox', { name: 'Yours' });
    await yours.click();
    await page.keyboard.press('Control+a');
    await page.keyboard.insertText('a: 2\nb: 2\n');
    await page.getByRole('button', { name: 'Save the right side' }).click();
    await page.getByText('The merged draft is saved.').waitFor();
    expect(((await ask(console, 'GET', '/draft', at))['content'])).toBe('a: 2\nb: 2\n');
    await page.close();
  });

  test('of a past time are compared with now, and both moments are said', async () => {
    const at = { app: 'shop', name: 'moments' };
    await post('/publish', at, { content: 'first line\n' });
    const { nowMs } = (await (await fetch(`${console.server.url}/rollcall/v1/history`)).json()) as { nowMs: number };
    await expect.poll(() => Date.now()).toBeGreaterThan(nowMs);
    await post('/publish', at, { content: 'second line\n' });
    await post('/publish', at, { content: 'third line\n' });
    const page = await console.open(`config/default/shop/moments?at=${nowMs}`);
    await page.getByRole('link', { name: 'Compare with now' }).click();
    await page.getByText(/^release 1, as of \d\d:\d\d:\d\d$/).waitFor();
    await page.getByText(/^release 3, now \(\d\d:\d\d:\d\d\)$/).waitFor();
    await page.getByRole('textbox', { name: /as of/ }).getByText('first line').waitFor();
    await page.getByRole('textbox', { name: /now/ }).getByText('third line').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Back to now' }).click();
    await page.getByRole('textbox', { name: 'release 2' }).getByText('second line').waitFor();
    await page.close();
  });

  test('of all open environments come by one request, and stay while another environment is opened', async () => {
    for (const name of ['env-1', 'env-2', 'env-3', 'env-4', 'env-5', 'env-6', 'env-7']) {
      await console.server.registry.submit({ kind: 'namespace-put', name });
      await post('/publish', { environment: name, app: 'far', name: `of-${name}` }, { content: 'a' });
    }
    const page = await console.open('keys');
    const asked: string[] = [];
    page.on('request', (request) => {
      const { pathname, searchParams } = new URL(request.url());
      if (pathname === '/rollcall/v1/config/list') asked.push(searchParams.getAll('environment').join(' '));
    });
    await console.goTo(page, 'config');
    const tree = page.getByRole('tree');
    await tree.getByText('of-env-1').waitFor();
    await tree.getByText('app.yaml').waitFor();
    expect(new Set(asked)).toEqual(new Set(['default env-1 env-2 env-3 env-4 env-5']));
    // The rows of the others are in the page at each moment until those of the new one come.
    await page.evaluate(`{
      const lines = document.querySelector('.config-lines');
      new MutationObserver(() => {
        if (!lines.textContent.includes('of-env-1')) document.title = 'the rows went away';
      }).observe(document.body, { childList: true, subtree: true, characterData: true });
    }`);
    await tree.getByRole('treeitem', { name: 'env-7' }).locator('.twist').click();
    await tree.getByText('of-env-7').waitFor();
    expect([await page.title(), asked.at(-1)]).toEqual([expect.not.stringContaining('went away'), 'default env-1 env-2 env-3 env-4 env-5 env-7']);
    await page.close();
  });

  test('give no errors', () => {
    expect(console.errors).toEqual([]);
  });
});

test.skipIf(noBrowser !== '')(`a reader of a configuration sees its buttons disabled by the row itself, and its page asks for reasons alone${noBrowser}`, async () => {
  await using console = await ConsoleBrowser.start({ acl: { initialManagement: management } });
  const headers = { 'x-consul-token': management };
  const policy = { Name: 'readers', Rules: 'config_prefix "" { policy = "read, edit" }' };
  await fetch(`${console.server.url}/v1/acl/policy`, { method: 'PUT', body: JSON.stringify(policy), headers });
  await fetch(`${console.server.url}/v1/acl/token/00000000-0000-0000-0000-000000000002`, { method: 'PUT', body: JSON.stringify({ Description: 'anonymous', Policies: [{ Name: 'readers' }] }), headers });
  await ask(console, 'POST', '/publish', { app: 'shop', name: 'app.yaml' }, { content: 'a: 1\n', format: 'yaml' }, management);
  await ask(console, 'POST', '/publish', { app: 'shop', name: 'app.yaml' }, { content: 'a: 2\n', format: 'yaml' }, management);
  const page = await console.open('keys');
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/ui/api/can')) asked.push(...(JSON.parse(request.postData() ?? '') as { ask: readonly { resource: string }[] }).ask.map(({ resource }) => resource));
  });
  await console.goTo(page, 'config/default/shop/app.yaml');
  await page.getByRole('button', { name: 'roll back' }).focus();
  await page.getByText('config-publish:write on shop/app.yaml').first().waitFor();
  await write(page, 'a: 3\n');
  await page.keyboard.press('Control+s');
  await page.getByText('The draft is saved.').waitFor();
  expect(asked).toEqual(['config-approve', 'config-publish', 'config-reveal']);
  await page.close();
  expect(console.errors).toEqual([]);
});

test.skipIf(noBrowser !== '')(`a change is proposed by one token, approved and rolled out by another, and stopped${noBrowser}`, async () => {
  await using console = await ConsoleBrowser.start({ acl: { initialManagement: management } });
  const consul = async (path: string, body: object) => (await (await fetch(`${console.server.url}${path}`, { method: 'PUT', body: JSON.stringify(body), headers: { 'x-consul-token': management } })).json()) as { ID: string; SecretID: string };
  const tokenWith = async (name: string, words: string) => {
    const rules = `config_prefix "" { policy = "${words}" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`;
    const { ID } = await consul('/v1/acl/policy', { Name: name, Rules: rules });
    return (await consul('/v1/acl/token', { Description: name, Policies: [{ ID }] })).SecretID;
  };
  const [editor, approver, reader] = [await tokenWith('editor', 'edit'), await tokenWith('approver', 'approve, publish'), await tokenWith('reader', 'read')];
  await ask(console, 'POST', '/publish', { app: 'shop', name: 'app.yaml' }, { content: 'timeoutMs: 500\n', format: 'yaml' }, management);
  await ask(console, 'PUT', '/environment', { environment: 'default' }, { order: 1, policy: { approvals: 1, fourEyes: true } }, management);
  for (const id of ['shop-1', 'shop-2']) await console.register('shop', id, { token: management });
  const client = await connect({ servers: [console.server.url], token: reader, onEvent: () => {} });
  const config = client.config('shop/app.yaml');
  await config.whenReady();
  const timeoutIs = (wanted: number) => expect.poll(() => config.snapshot()?.content).toContain(`timeoutMs: ${wanted}\n`);
  const openAs = async (token: string, path: string): Promise<Page> => {
    const page = await console.open('keys');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Token', { exact: true }).fill(token);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.goto(`${console.server.url}/ui/${path}`);
    return page;
  };

  const first = await openAs(editor, 'config/default/shop/app.yaml');
  await write(first, 'timeoutMs: 900\n');
  await first.keyboard.press('Control+Enter');
  await first.getByLabel('Stages').fill('100%:10m');
  await first.getByLabel('Only for some clients').fill('address:127.0.0.0/8');
  await first.getByText('Reaches first only addresses 127.0.0.0/8: 100 % for 10 minutes → all clients.').waitFor();
  await first.getByText('2 instances').waitFor();
  const canApprove = first.locator('.config-approvers');
  await canApprove.getByText('approver').waitFor();
  await expect.poll(() => canApprove.textContent()).not.toContain('editor');
  await first.getByLabel('Reason').fill('longer calls');
  await first.keyboard.press('Control+Enter');
  await first.getByText(/Proposal \d+ waits for 1 approval/).waitFor();
  await first.getByRole('link', { name: 'review it' }).click();
  const approve = first.getByRole('button', { name: 'Approve' });
  await expect.poll(() => approve.getAttribute('aria-disabled')).toBe('true');
  await first.getByText('Can approve').waitFor();
  await first.getByText('first only addresses 127.0.0.0/8: 100 % for 10 minutes → all clients').waitFor();
  expect(await violations(first)).toEqual([]);

  const second = await openAs(approver, 'config');
  await second.getByRole('link', { name: 'shop/app.yaml' }).click();
  await second.getByLabel('Comment').fill('looked at the diff');
  await second.getByRole('button', { name: 'Approve' }).click();
  await second.getByText(': looked at the diff').waitFor();
  await second.getByRole('button', { name: 'Publish', exact: true }).click();
  await second.getByText('Release 2 begins its rollout.').waitFor();
  await timeoutIs(900);
  await second.getByRole('link', { name: 'watch it' }).click();
  await second.getByText('2 of 3 get release 2').or(second.getByText('3 of 3 get release 2')).waitFor();
  expect(await violations(second)).toEqual([]);
  await second.getByRole('button', { name: 'Stop and roll back' }).click();
  await second.getByText('Stopped: all clients get release 1 again.').waitFor();
  await timeoutIs(500);
  await second.getByText('No rollout is under way.').waitFor();
  await client.close();
  expect(console.errors).toEqual([]);
});
