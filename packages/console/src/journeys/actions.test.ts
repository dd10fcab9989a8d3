/** What an operator does with instances and nodes, live, by pointer and by keyboard alone. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConsoleBrowser, noBrowser, violations } from '../browser.case.ts';

describe.skipIf(noBrowser !== '')(`an operator${noBrowser}`, () => {
  let console: ConsoleBrowser;
  beforeAll(async () => {
    console = await ConsoleBrowser.start();
    for (let n = 0; n < 12; n++) await console.register('web', `web-${String(n).padStart(2, '0')}`);
  });
  afterAll(async () => {
    expect(console.errors).toEqual([]);
    await console[Symbol.asyncDispose]();
  });

  test('drains two instances with a reason, sees before how many are left, and takes it back', async () => {
    const page = await console.open('services/web');
    await page.getByRole('img', { name: /^Last 24 hours/ }).waitFor();
    await page.getByText(/^History begins/).waitFor();
    for (const id of ['web-00', 'web-01']) await page.getByRole('checkbox', { name: `Select ${id}`, exact: true }).check();
    await page.getByRole('button', { name: 'Drain' }).click();
    await page.getByText('2 of 12 leave the traffic; 10 of 12 get traffic then; 0 clients use the service.').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Reason').fill('kernel update');
    await page.getByRole('form', { name: 'Confirm' }).getByRole('button', { name: 'Drain' }).click();
    await page.getByText('2 of 12 instances are draining; 10 get traffic.').waitFor();
    await page.getByText('2 draining').waitFor();
    await page.getByRole('row', { name: /web-00/ }).click();
    await page.getByText(/status draining, set by an operator .*: kernel update/).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Taken back for 2.').waitFor();
    await page.getByText('12 passing').waitFor();
    await page.close();
  });

  test('chooses a range and drains it by keyboard alone', async () => {
    const page = await console.open('services/web');
    await page.getByRole('row', { name: /web-03/ }).focus();
    await page.keyboard.press('x');
    for (const key of ['j', 'j', 'X']) await page.keyboard.press(key);
    await page.getByText('3 selected').waitFor();
    // From the row back past the box of all, and the other five actions.
    for (let stops = 0; stops < 20 && (await page.evaluate('document.activeElement.textContent')) !== 'Drain'; stops++) await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByText('3 of 12 leave the traffic').waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.placeholder')).toBe('for the audit log');
    await page.keyboard.type('by keyboard');
    await page.keyboard.press('Enter');
    await page.getByText('3 draining').waitFor();
    await page.getByRole('button', { name: 'Undo' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('12 passing').waitFor();
    await page.close();
  });

  test('sees where the request of a caller goes, and why it goes to no other instance', async () => {
    for (const [id, tags, status] of [['p-1', ['v1'], 'passing'], ['p-2', ['v2'], 'passing'], ['p-3', ['v2'], 'critical']] as const) await console.register('picked', id, { tags, status });
    const page = await console.open('services/picked');
    await page.getByRole('button', { name: 'Explain a pick' }).click();
    const shown = page.getByRole('region', { name: 'Explain a pick' });
    await shown.getByText('2 of 3 get such requests.').waitFor();
    await shown.getByRole('row', { name: /p-1 .*yes 50 %/ }).waitFor();
    await shown.getByRole('row', { name: /p-3 .*no 0 % critical/ }).waitFor();
    await shown.getByLabel('Selects the tag').fill('v2');
    await shown.getByRole('row', { name: /p-1 .*no 0 % not selected/ }).waitFor();
    await shown.getByRole('row', { name: /p-2 .*yes 100 %/ }).waitFor();
    await expect.poll(() => new URL(page.url()).searchParams.get('with-tag')).toBe('v2');
    expect(await violations(page)).toEqual([]);
    await console.server.registry.submit({ kind: 'route-set', namespace: 'default', service: 'picked', route: { balancer: 'ringHash', keyHeader: 'x-user' } });
    await shown.getByText('The route decides balancer, keyHeader.').waitFor();
    await shown.getByLabel('Selects the tag').fill('');
    await shown.getByLabel('Headers').fill('X-User: 42');
    await shown.getByText('1 of 3 get such requests.').waitFor();
    await shown.getByText('the balancer goes to another one').waitFor();
    await page.close();
  });

  test('overrides a weight, sees it in the list, and gives the own weight back', async () => {
    const page = await console.open('services/web');
    await page.getByRole('checkbox', { name: 'Select web-05', exact: true }).check();
    await page.getByRole('button', { name: 'Set weight' }).click();
    await page.getByLabel('Weight').fill('0.5');
    await page.getByRole('form', { name: 'Confirm' }).getByRole('button', { name: 'Set weight' }).click();
    await page.getByRole('row', { name: /web-05.*0\.5 not 1/ }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('row', { name: /web-05.*not 1/ }).waitFor({ state: 'detached' });
    await page.close();
  });

  test('is told why an instance cannot be checked, and that a deregistration cannot be taken back', async () => {
    await console.register('leaving', 'leaving-1');
    const page = await console.open('services/leaving');
    await page.getByRole('checkbox', { name: 'Select leaving-1' }).check();
    await page.getByRole('button', { name: 'Check now' }).click();
    await page.getByText('the registry cannot run its checks (ttl): the instance reports them itself').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Deregister' }).click();
    await page.getByText('which cannot be taken back').waitFor();
    await page.getByRole('form', { name: 'Confirm' }).getByRole('button', { name: 'Deregister' }).click();
    // The pointer is over the list now, which keeps its rows.
    await page.mouse.move(0, 0);
    await page.getByText('No instance is registered').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Undo' }).count()).toBe(0);
    await page.close();
  });

  test('points at a list whose rows keep their places: what is new waits, and a status changes in place', async () => {
    for (const id of ['steady-2', 'steady-4']) await console.register('steady', id);
    const page = await console.open('services/steady');
    const second = page.getByRole('row', { name: /steady-4/ });
    await second.hover();
    const before = await second.boundingBox();
    await console.register('steady', 'steady-1');
    await page.getByRole('button', { name: '1 new' }).waitFor();
    await fetch(`${console.server.url}/v1/agent/check/fail/service:steady-4`, { method: 'PUT' });
    await second.getByText('critical').waitFor();
    await fetch(`${console.server.url}/v1/agent/service/deregister/steady-2`, { method: 'PUT' });
    await page.locator('.row.gone').waitFor();
    const after = await second.boundingBox();
    await expect.poll(() => page.getByRole('row').filter({ hasText: 'steady-' }).allTextContents()).toEqual([expect.stringContaining('steady-2'), expect.stringContaining('steady-4')]);
    expect(after?.y).toBe(before?.y);
    await page.getByRole('button', { name: '1 new' }).click();
    await page.getByRole('row', { name: /steady-1/ }).waitFor();
    await expect.poll(() => page.locator('.row.gone').count()).toBe(0);
    await page.close();
  });

  test('finds a failed node, and from it the instance', async () => {
    await console.server.registry.submit({
      ...{ kind: 'register', namespace: 'default', node: { name: 'host-7', address: '10.0.0.7', meta: { rack: 'r1' } }, nodeMode: 'update' },
      instances: [{ id: 'api-1', service: 'api', port: 80, zone: 'z1' }],
      checks: [{ id: 'serfHealth', name: 'Serf', status: 'critical', output: 'no answer for 30 s' }],
    });
    const page = await console.open('nodes?sort=trouble');
    await expect.poll(() => page.getByRole('row').nth(1).textContent()).toContain('host-7');
    await page.getByRole('link', { name: 'host-7' }).click();
    await page.getByText('no answer for 30 s').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('row', { name: /api-1/ }).click();
    await page.getByRole('heading', { level: 1, name: 'api' }).waitFor();
    const detail = page.getByRole('region', { name: 'Instance api-1' });
    await detail.getByText('no answer for 30 s', { exact: true }).waitFor();
    await detail.getByText('serfHealth: new → critical').waitFor();
    await page.getByRole('button', { name: 'z1 0/1' }).click();
    await expect.poll(() => new URL(page.url()).searchParams.get('zone')).toBe('z1');
    await page.close();
  });
});
