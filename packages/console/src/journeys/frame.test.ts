/** What all pages share: filters, keys, the palette, time. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from '@rollcall/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../../conformance/free-ports.mjs';
import { pageTable } from '../page-table.ts';
import { ConsoleBrowser, noBrowser, violations, workOf } from '../browser.case.ts';

describe.skipIf(noBrowser !== '')(`the frame of the console${noBrowser}`, () => {
  let console: ConsoleBrowser;
  beforeAll(async () => {
    console = await ConsoleBrowser.start();
    for (let n = 0; n < 5; n++) await console.register('web', `web-${n}`, { tags: [`v${n % 2}`] });
    await console.register('db', 'db-1', { status: 'critical' });
  });
  afterAll(() => console[Symbol.asyncDispose]());

  test('filters by an expression, completes the names of fields, and says what is wrong', async () => {
    const page = await console.open('services');
    await page.keyboard.press('/');
    await page.keyboard.type('crit');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.type(' == 1');
    await page.getByText(/^1 of 3$/).waitFor();
    await expect.poll(() => new URL(page.url()).searchParams.get('filter')).toBe('Critical == 1');
    await page.getByRole('link', { name: 'db' }).waitFor();
    await page.keyboard.type(' and');
    await page.getByText('The expression is not complete.').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('searchbox').fill('"v1" in Tags');
    await page.getByRole('link', { name: 'web' }).waitFor();
    await page.close();
  });

  test('finds anything by the palette, by keyboard alone, and offers what was chosen last', async () => {
    await fetch(`${console.server.url}/v1/kv/app/motd`, { method: 'PUT', body: 'welcome back' });
    const page = await console.open('');
    await page.locator('main[aria-busy=false]').waitFor();
    await page.keyboard.press('Control+k');
    const box = page.getByRole('combobox', { name: /Search services/ });
    await box.waitFor();
    await page.keyboard.type('web-3');
    await page.getByRole('option', { name: /web-3/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'web' }).waitFor();
    await expect.poll(() => new URL(page.url()).searchParams.get('filter')).toBe('web-3');
    await page.keyboard.press('Control+k');
    await expect.poll(() => page.getByRole('listbox').getByRole('option').first().textContent()).toContain('web-3');
    await page.keyboard.type('welcome');
    await page.getByRole('option', { name: /app\/motd.*welcome back/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // A page by letters of its name.
    await page.keyboard.press('Control+k');
    await page.keyboard.type('srvcs');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Services' }).waitFor();
    await page.close();
  });

  test('keeps what is opened just after the palette was closed', async () => {
    const page = await console.open('');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: /Search services/ }).waitFor();
    // Both keys before the browser tells of the closed dialog, as on a busy machine.
    const isOpen = await page.evaluate(`(async () => {
      document.querySelector('dialog').requestClose();
      document.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, bubbles: true }));
      await new Promise((next) => setTimeout(next, 50));
      return document.querySelector('dialog[open]') !== null;
    })()`);
    expect(isOpen).toBe(true);
    await page.keyboard.type('keyboard');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.evaluate(() => new Promise((next) => setTimeout(next, 50)));
    await expect.poll(() => page.getByRole('dialog', { name: 'Keyboard' }).isVisible()).toBe(true);
    await page.close();
  });

  test('opens the palette with less than 100 ms of work, from the key to its box', async () => {
    const page = await console.open('services');
    await expect.poll(() => page.evaluate('performance.getEntriesByType("resource").some(({ name }) => name.includes("palette"))')).toBe(true);
    const ms = await workOf(page, async () => {
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: /Search services/ }).waitFor();
    });
    expect(ms).toBeLessThan(100);
    await page.close();
  });

  test('keeps namespace and time in links, and leads with the keys of all pages', async () => {
    const page = await console.open('services?namespace=team-a');
    for (const { part, key, name } of pageTable) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.locator('nav a[aria-current=page]').filter({ hasText: name }).waitFor();
      const place = () => {
        const url = new URL(page.url());
        return [url.pathname, url.searchParams.get('namespace')];
      };
      await expect.poll(place).toEqual([`/ui/${part}`, 'team-a']);
    }
    await page.close();
  });

  test('goes back in time: what was is shown, nothing can be done, and links keep the time', async () => {
    await console.register('past', 'past-1');
    const { nowMs } = (await (await fetch(`${console.server.url}/rollcall/v1/history`)).json()) as { nowMs: number };
    await console.register('past', 'past-2');
    await fetch(`${console.server.url}/v1/agent/check/fail/service:past-1`, { method: 'PUT' });
    const page = await console.open('services/past');
    await page.getByRole('row', { name: /past-1/ }).getByText('critical').waitFor();
    await page.getByRole('button', { name: /^live/ }).click();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('slider', { name: 'Time that the console shows' }).waitFor();
    await page.keyboard.press('Escape');
    // The slider has steps of a second; the address is exact.
    const then = await console.open(`services/past?at=${nowMs}`);
    await then.getByText(/^as of /).waitFor();
    await then.getByRole('row', { name: /past-1/ }).getByText('passing').waitFor();
    await expect.poll(() => then.getByRole('row', { name: /past-2/ }).count()).toBe(0);
    await then.getByRole('checkbox', { name: 'Select past-1' }).check();
    await expect.poll(() => then.getByRole('button', { name: 'Drain' }).getAttribute('aria-disabled')).toBe('true');
    expect(await violations(then)).toEqual([]);
    await then.getByRole('link', { name: 'Services', exact: true }).first().click();
    await then.getByRole('row', { name: /past/ }).getByText('1 passing').waitFor();
    await expect.poll(() => new URL(then.url()).searchParams.get('at')).toBe(String(nowMs));
    await then.getByRole('link', { name: 'Differences to now' }).click();
    await then.getByRole('heading', { level: 1, name: 'Changes' }).waitFor();
    await then.getByRole('listitem').filter({ hasText: 'past-2' }).getByText('added').waitFor();
    await then.getByRole('searchbox').fill('Change == changed and Name == "past-1"');
    await then.getByText(/^1 of \d+$/).waitFor();
    expect(await violations(then)).toEqual([]);
    await then.goBack();
    await then.getByRole('button', { name: 'Back to now' }).click();
    await then.getByRole('row', { name: /past/ }).getByText('1 critical').waitFor();
    await Promise.all([page.close(), then.close()]);
  });

  test('gives no errors', () => {
    expect(console.errors).toEqual([]);
  });
});

test.skipIf(noBrowser !== '')(`a page goes on after a restart of its server, and offers to load the console of a newer one${noBrowser}`, async () => {
  const port = await freePort();
  await using console = await ConsoleBrowser.start({ http: { port } });
  await console.register('web', 'web-1');
  const page = await console.open('services/web');
  await page.getByRole('row', { name: /web-1/ }).waitFor();
  await console.server.close();
  await page.getByText(/^stale \d+ s$/).waitFor();
  // A newer server, whose console has another program.
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-console-'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><script type="module" src="/ui/assets/index-newer.js"></script>');
  const newer = await createServer({ nodeName: 'server-1', http: { port }, consoleFolder: folder });
  try {
    const body = JSON.stringify({ Name: 'web', ID: 'web-2', Port: 80 });
    await fetch(`${newer.url}/v1/agent/service/register`, { method: 'PUT', body });
    await page.getByRole('row', { name: /web-2/ }).waitFor();
    await page.getByRole('button', { name: 'Load it' }).waitFor();
    await expect.poll(() => page.getByRole('row', { name: /web-1/ }).count()).toBe(0);
  } finally {
    await newer.close();
    rmSync(folder, { recursive: true });
  }
});
