/** What pages do when the server refuses: without a history, and for a caller who may not see a list. */

import { expect, test } from 'vitest';
import { ConsoleBrowser, noBrowser } from '../browser.case.ts';
import { pageTable } from '../page-table.ts';

test.skipIf(noBrowser !== '')(`without a history, no page asks for the past, and a link to it says why it shows nothing${noBrowser}`, async () => {
  await using console = await ConsoleBrowser.start({ history: { bytesMax: 0 } });
  await console.register('web', 'web-1');
  const pages = await console.open('services/web?instance=server-1/web-1');
  await pages.getByRole('region', { name: 'Instance web-1' }).getByText('registered weight').waitFor();
  for (const { key, name } of pageTable) {
    await pages.keyboard.press('g');
    await pages.keyboard.press(key);
    await pages.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    await pages.locator('main[aria-busy=false]').waitFor();
  }
  await pages.close();
  const page = await console.open(`services?at=${Date.now() - 60_000}`);
  await page.getByRole('heading', { level: 1, name: 'This server keeps no history' }).waitFor();
  await page.getByRole('main').getByRole('button', { name: 'Back to now' }).click();
  await page.getByRole('link', { name: 'web', exact: true }).waitFor();
  expect(console.errors).toEqual([]);
});

test.skipIf(noBrowser !== '')(`a list that the caller may not see is asked for once a minute${noBrowser}`, async () => {
  await using console = await ConsoleBrowser.start();
  await console.register('web', 'web-1');
  const context = await console.browser.newContext();
  const page = await context.newPage();
  await page.clock.install();
  let [asked, askedMs] = [0, 0];
  await page.route('**/rollcall/v1/clients?*', async (route) => {
    askedMs = await page.evaluate<number>('Date.now()');
    asked++;
    await route.fulfill({ status: 403, json: { code: 'permission_denied', message: 'the list is denied' } });
  });
  await page.goto(`${console.server.url}/ui/clients`);
  await page.getByText('the list is denied').waitFor();
  // The clock of the page goes on by itself, until it is paused.
  await page.clock.pauseAt(askedMs + 59_000);
  expect(asked).toBe(1);
  // Not much further: the clock would run past the time limit of the request, whose answer takes real time.
  await page.clock.runFor(2_000);
  await expect.poll(() => asked).toBe(2);
});
