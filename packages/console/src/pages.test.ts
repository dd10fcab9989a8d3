/**
 * Every page in a real browser, light and dark, with content, without, and for a caller who may see nothing: accessible by the rules of axe, no wider than
 * a narrow window, and without an error in the browser's console.
 */

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { ConsoleBrowser, narrow, noBrowser, violations, wide } from './browser.case.ts';
import { pageTable } from './page-table.ts';

const paths = [...pageTable.map(({ part }) => part), 'services/web', 'no-such-page'];
/** Pages of one thing, which exists only in a registry with content. */
const pathsOfContent = [
  'config/default', 'config/default/shop/app.yaml', 'config/default/shop/app.yaml/effective', 'config/default/shop/app.yaml/compare', 'config/default/shop/app.yaml/settings', 'config/default/shop/app.yaml/rollout',
  'flags/shop/features.flags.json', 'flags/shop/features.flags.json/new-checkout',
  'keys?key=greeting', 'locks/jobs%2Fcleanup',
];
const management = 'a management token';

describe.skipIf(noBrowser !== '').each(['full', 'empty', 'denied'] as const)(`a console that is %s${noBrowser}`, (content) => {
  let console: ConsoleBrowser;
  // One tab for all: a new one costs four times as much as a page in it.
  let page: Page;
  /** Fails for each rule of axe that the page breaks, light or dark. */
  const look = async (): Promise<void> => {
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await violations(page)).toEqual([]);
    // Nothing but colours differs.
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await violations(page, ['color-contrast'])).toEqual([]);
  };
  beforeAll(async () => {
    console = await ConsoleBrowser.start(content === 'denied' ? { acl: { initialManagement: management } } : {});
    page = await console.open('');
    if (content === 'empty') return;
    const token = content === 'denied' ? management : '';
    for (let n = 0; n < 20; n++) await console.register(n % 2 === 0 ? 'web' : 'db', `i${n}`, { token, status: n % 5 === 0 ? 'critical' : 'passing' });
    const publish = (body: string) => fetch(`${console.server.url}/rollcall/v1/config/publish?app=shop&name=app.yaml`, { method: 'POST', body, headers: { authorization: `Bearer ${token}` } });
    await publish('{"content": "timeoutMs: 1\\n", "format": "yaml", "message": "first"}');
    await publish('{"content": "timeoutMs: 2\\n", "format": "yaml", "message": "second"}');
    await fetch(`${console.server.url}/v1/kv/greeting`, { method: 'PUT', body: 'hello', headers: { 'x-consul-token': token } });
    const session = { id: randomUUID(), token: randomUUID() };
    const lock = { session, name: 'jobs/cleanup', contender: randomUUID(), value: 'host-1' };
    for (const [path, body] of [['session', { ...lock, ttlMs: 600_000 }], ['acquire', lock]] as const) {
      await fetch(`${console.server.url}/rollcall/v1/locks/${path}`, { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${token}` } });
    }
    const flags = JSON.stringify({ flags: { 'new-checkout': { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', targeting: { fractional: [['on', 10], ['off', 90]] } } } });
    await fetch(`${console.server.url}/rollcall/v1/config/publish?app=shop&name=features.flags.json`, { method: 'POST', body: JSON.stringify({ content: flags, format: 'flags' }), headers: { authorization: `Bearer ${token}` } });
  });
  afterAll(() => console[Symbol.asyncDispose]());

  test.each([...paths, ...(content === 'empty' ? [] : pathsOfContent)])('/ui/%s breaks no rule, light or dark, and fits a narrow window', async (path) => {
    await console.goTo(page, path);
    await page.locator('main[aria-busy=false]').waitFor();
    await look();
    await page.setViewportSize(narrow);
    expect(await page.evaluate('[...document.querySelectorAll("html, main")].filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ tagName }) => tagName)'), 'wider than a narrow window').toEqual([]);
    await page.setViewportSize(wide);
  });

  if (content === 'full') test('the sheet that publishes, a rollout that runs, and the editor of a flag break no rule, light or dark', async () => {
    await console.goTo(page, 'config/default/shop/app.yaml');
    await page.getByRole('textbox', { name: /^Content of/ }).waitFor();
    await page.keyboard.press('e');
    await page.keyboard.insertText('retries: 3\n');
    await page.keyboard.press('Control+Enter');
    const sheet = page.getByRole('dialog', { name: 'Publish shop/app.yaml in default' });
    await sheet.getByLabel('Stages').fill('100%:10m');
    await sheet.getByLabel('or when a program says so').fill('https://checks.example/rollout');
    await sheet.getByText('the environment asks for no approval').waitFor();
    await look();
    await page.keyboard.press('Control+Enter');
    await page.getByText('Release 3 begins its rollout.').waitFor();
    await console.goTo(page, 'config/default/shop/app.yaml/rollout');
    await page.getByText(/or when https:\/\/checks\.example\/rollout says so\.$/).waitFor();
    await look();
    await console.goTo(page, 'flags/shop/features.flags.json/new-checkout');
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByRole('form', { name: 'Edit the flag' }).waitFor();
    await look();
  });

  test('gives no errors', () => {
    // The browser names each request that is refused, and pages of content that may not be read make some.
    const refused = /Failed to load resource: the server responded with a status of 403/;
    expect(console.errors.filter((error) => content !== 'denied' || !refused.test(error))).toEqual([]);
  });

  test(`shows ${content === 'full' ? 'what is registered' : content === 'empty' ? 'the first commands to type' : 'nothing, and a way to sign in'}`, async () => {
    await console.goTo(page, 'services');
    if (content === 'full') await page.getByRole('link', { name: 'web' }).waitFor();
    else await page.getByText(content === 'denied' ? 'No service that you may read is registered' : 'No service is registered yet').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Sign in' }).count()).toBe(content === 'denied' ? 1 : 0);
  });
});
