/** What an operator does, live and by keyboard alone. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConsoleBrowser, noBrowser } from './browser.case.ts';

const management = 'a management token';

describe.skipIf(noBrowser !== '')(`an operator${noBrowser}`, () => {
  let console: ConsoleBrowser;
  beforeAll(async () => {
    console = await ConsoleBrowser.start();
    for (let n = 0; n < 12; n++) await console.register('web', `web-${n}`);
    await console.register('db', 'db-1');
  });
  afterAll(() => console[Symbol.asyncDispose]());

  test('sees a service appear, and an instance turn critical within a second', async () => {
    const page = await console.open('services/live');
    await page.getByText('No instance is registered').waitFor();
    await console.register('live', 'live-1');
    await page.getByRole('row', { name: /live-1/ }).getByText('passing').waitFor();
    let fastest = Infinity;
    // A busy machine draws late; a page that asked for changes would be late each time.
    for (let round = 0; fastest >= 1_000 && round < 10; round++) {
      const [said, shown] = round % 2 === 0 ? ['fail', 'critical'] : ['pass', 'passing'];
      const started = performance.now();
      await fetch(`${console.server.url}/v1/agent/check/${said}/service:live-1`, { method: 'PUT' });
      await page.getByRole('row', { name: /live-1/ }).getByText(shown).waitFor();
      fastest = Math.min(fastest, performance.now() - started);
    }
    expect(fastest).toBeLessThan(1_000);
    await page.close();
  });

  test('gets to an instance by keyboard alone', async () => {
    const page = await console.open('');
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.getByRole('heading', { level: 1, name: 'Services' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('web');
    await page.getByText(/^1 of \d+$/).waitFor();
    // The list has one row: from the filter to the order, and to the row.
    for (const _stop of ['order', 'row']) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'web' }).waitFor();
    await page.getByRole('row', { name: /web-0/ }).waitFor();
    // The first leads from the heading into the list.
    for (const key of ['j', 'j', 'x']) await page.keyboard.press(key);
    await expect.poll(() => page.getByRole('checkbox', { checked: true }).getAttribute('aria-label')).toBe('Select web-1');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(() => page.evaluate('document.activeElement.getAttribute("aria-rowindex")')).toBe('3');
    // A question takes the focus, and gives it back to its button.
    await page.getByRole('button', { name: 'Drain' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('form', { name: 'Confirm' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Drain');
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { level: 1, name: 'Services' }).waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Services');
    await page.close();
  });

  test('has the filter and the order in the address', async () => {
    const page = await console.open('services?sort=size&filter=w');
    await expect.poll(() => page.getByRole('searchbox').inputValue()).toBe('w');
    await page.getByRole('combobox', { name: 'Sort by' }).selectOption('trouble');
    await expect.poll(() => new URL(page.url()).search).toBe('?sort=trouble&filter=w');
    await page.close();
  });

  test('pauses by Space, and sees what has changed when the console goes on', async () => {
    const page = await console.open('services/slow');
    await page.getByText('No instance is registered').waitFor();
    await page.keyboard.press(' ');
    await page.getByText('paused', { exact: true }).waitFor();
    await console.register('slow', 'slow-1');
    // The push has arrived when another page shows it.
    const other = await console.open('services/slow');
    await other.getByRole('row', { name: /slow-1/ }).waitFor();
    await expect.poll(() => page.getByRole('row', { name: /slow-1/ }).count()).toBe(0);
    await page.keyboard.press(' ');
    await page.getByRole('row', { name: /slow-1/ }).waitFor();
    await Promise.all([page.close(), other.close()]);
  });

  test('keeps what is known while the server is away, greyed and with its age', async () => {
    await using own = await ConsoleBrowser.start();
    await own.register('web', 'web-1');
    const page = await own.open('services/web');
    await page.getByRole('row', { name: /web-1/ }).waitFor();
    await own.server.close();
    await page.getByText(/^stale \d+ s/).waitFor();
    await expect.poll(() => page.getByRole('row', { name: /web-1/ }).count()).toBe(1);
    await page.close();
  });

  test('sees that requests get no answer, although the stream goes on: grey and stale, with what is known and the reason in plain words', async () => {
    const page = await console.open('nothing');
    // The limit of 30 s, in less time.
    await page.addInitScript('{ const { timeout } = AbortSignal; AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 60); }');
    await console.goTo(page, 'services');
    await page.getByRole('row', { name: /web/ }).first().waitFor();
    await page.route('**/rollcall/v1/**', () => {});
    await page.getByText(/^stale \d+ s$/).waitFor();
    await page.getByText('the server has not answered for 30 s').waitFor();
    expect([await page.locator('.console.stale').count(), await page.getByRole('row', { name: /web/ }).count()]).toEqual([1, 1]);
    await page.unrouteAll();
    await page.getByRole('button', { name: /^live/ }).waitFor();
    await expect.poll(() => page.getByText('the server has not answered').count()).toBe(0);
    await page.close();
  });

  test('sees that a server has fallen silent, although its connection stands', async () => {
    let isSilent = false;
    const page = await console.open('nothing');
    await page.routeWebSocket(/stream/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => isSilent || server.send(message));
      server.onMessage((message) => isSilent || socket.send(message));
    });
    await page.clock.install();
    await console.goTo(page, 'services/web');
    await page.getByRole('row', { name: /web-1/ }).first().waitFor();
    // As long as it answers, nothing is lost in silence.
    await page.clock.runFor(2_000);
    await expect.poll(() => page.getByText(/^stale/).count()).toBe(0);
    isSilent = true;
    await page.clock.runFor(13_000);
    await page.getByText(/^stale [1-9]\d s$/).waitFor();
    await expect.poll(() => page.getByRole('row', { name: /web-1/ }).count()).toBeGreaterThan(0);
    isSilent = false;
    await page.clock.runFor(10_000);
    await page.getByRole('button', { name: /^live/ }).waitFor();
    await page.close();
  });
});

test.skipIf(noBrowser !== '')(`a caller signs in, sees more, and cannot do what the token may not${noBrowser}`, async () => {
  await using console = await ConsoleBrowser.start({ acl: { initialManagement: management } });
  await console.register('web', 'web-1', { token: management });
  const page = await console.open('services');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Token').fill('wrong');
  await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  const policy = { Name: 'readers', Rules: 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }' };
  const consul = async (path: string, body: object) => (await (await fetch(`${console.server.url}${path}`, { method: 'PUT', body: JSON.stringify(body), headers: { 'x-consul-token': management } })).json()) as { ID: string; SecretID: string };
  const { ID } = await consul('/v1/acl/policy', policy);
  const { SecretID } = await consul('/v1/acl/token', { Description: 'a reader', Policies: [{ ID }] });
  await page.getByLabel('Token').fill(SecretID);
  await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'web' }).click();
  await page.getByText('a reader', { exact: true }).waitFor();
  await page.getByRole('checkbox', { name: 'Select web-1' }).check();
  const drain = page.getByRole('button', { name: 'Drain' });
  // It keeps its place and can get the focus, and says which rule decides and who can change that.
  await drain.focus();
  const reason = await page.getByRole('tooltip').filter({ visible: true }).textContent();
  expect(reason).toContain('a reader lacks service:write on web in namespace default: policy readers says service_prefix "" { policy = "read" }.');
  expect(reason).toContain('Can be granted by: Initial Management Token.');
  await expect.poll(() => drain.getAttribute('aria-disabled')).toBe('true');
  // The page has the token nowhere.
  expect(await page.evaluate('document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)')).not.toContain(SecretID);
});
