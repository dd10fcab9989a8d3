/** What an operator sees of others: who did what, who may do what, and how the servers are. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { ConsoleBrowser, noBrowser, violations } from '../browser.case.ts';

const management = 'a management token';

/** Signs in with a token. */
async function signIn(page: Page, token: string): Promise<void> {
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('dialog').getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

describe.skipIf(noBrowser !== '')(`an operator${noBrowser}`, () => {
  let console: ConsoleBrowser;
  const put = (path: string, body: string, token = management) => fetch(`${console.server.url}${path}`, { method: 'PUT', body, headers: { 'x-consul-token': token } });
  beforeAll(async () => {
    console = await ConsoleBrowser.start({ acl: { initialManagement: management } });
    await put('/v1/kv/app/first', '1');
  });
  afterAll(() => console[Symbol.asyncDispose]());

  test('follows the activity live, filters it in the address, and goes to what a line is about', async () => {
    const page = await console.open('activity');
    await page.getByText('The anonymous token lacks').waitFor();
    await signIn(page, management);
    await page.getByRole('row', { name: /sign in to the console with a token/ }).waitFor();
    await page.getByRole('row', { name: /PUT \/v1\/kv\/app\/first/ }).waitFor();
    await put('/v1/kv/app/second', '1');
    await page.getByRole('row', { name: /PUT \/v1\/kv\/app\/second/ }).waitFor();
    await put('/v1/kv/app/third', '1', 'a wrong token');
    await page.getByRole('row', { name: /an unknown token/ }).getByText('wrong token').waitFor();
    await page.getByLabel('Kind').selectOption('change');
    await page.getByRole('row', { name: /an unknown token/ }).waitFor({ state: 'detached' });
    await page.getByRole('searchbox').fill('second');
    await page.getByRole('row', { name: /app\/first/ }).waitFor({ state: 'detached' });
    await expect.poll(() => new URL(page.url()).searchParams.get('filter')).toBe('second');
    await page.getByRole('row', { name: /app\/second/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Go to keys app/second' }).click();
    await page.getByRole('heading', { level: 1, name: 'Keys' }).waitFor();
    expect(console.errors.filter((error) => !error.includes('401'))).toEqual([]);
    await page.close();
  });

  test('creates a policy that is checked while it is typed, a token whose secret is shown once, and asks what the token may do', async () => {
    const page = await console.open('access/policies');
    await page.getByText('The anonymous token lacks').waitFor();
    await signIn(page, management);
    await page.getByRole('button', { name: 'Create a policy' }).click();
    await page.getByLabel('Name', { exact: true }).fill('web-writers');
    await page.getByLabel('Rules').fill('service "web" { policy = "eat" }');
    await page.getByRole('dialog').getByText(/eat/).first().waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
    await page.getByRole('dialog').getByRole('alert').waitFor();
    await page.getByLabel('Rules').fill('service "web" { policy = "write" }');
    await page.getByText('The rules can be read.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
    await page.getByRole('row', { name: /web-writers/ }).waitFor();

    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByRole('button', { name: 'Create a token' }).click();
    await page.getByLabel('Description', { exact: true }).fill('instances of web');
    await page.getByRole('checkbox', { name: 'web-writers' }).check();
    await page.getByLabel('Ends after').selectOption('1 day');
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
    const secret = (await page.getByLabel('Secret', { exact: true }).textContent()) ?? '';
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'I have it' }).click();
    expect((await put('/v1/agent/service/register', JSON.stringify({ Name: 'web', Port: 80 }), secret)).status).toBe(200);
    expect(await page.content()).not.toContain(secret);

    await page.getByRole('row', { name: /instances of web/ }).click();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'What it may do' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('web');
    await page.getByRole('textbox', { name: 'Name' }).press('Tab');
    const service = page.getByRole('region', { name: 'What it may do' }).getByRole('row', { name: /^service/ });
    await service.getByText('policy web-writers: service "web" { policy = "write" }').waitFor();
    await page.getByRole('region', { name: 'Who may' }).getByText('2 tokens may write service web').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await violations(page, ['color-contrast'])).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });

    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByRole('row', { name: /instances of web/ }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('group', { name: 'Confirm' }).getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('row', { name: /instances of web/ }).waitFor({ state: 'detached' });
    expect((await put('/v1/agent/service/register', JSON.stringify({ Name: 'web', Port: 80 }), secret)).status).toBe(403);
    await page.close();
  });

  test('creates an auth method with a binding rule, and a role; the pages break no rule', async () => {
    const page = await console.open('access/methods');
    await signIn(page, management);
    await page.getByRole('button', { name: 'Create an auth method' }).click();
    await page.getByLabel('Type').selectOption('jwt');
    await page.getByLabel('Name', { exact: true }).fill('programs');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
    await page.getByRole('row', { name: /programs/ }).click();
    await page.getByText('None: every login is refused').waitFor();
    await page.getByRole('button', { name: 'Add a binding rule' }).click();
    await page.getByLabel('What they get').selectOption('service');
    await page.getByLabel('Its name').fill('${value.name}');
    await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
    await page.getByRole('region', { name: 'Auth method programs' }).getByText('Every login get').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'Roles' }).click();
    await page.getByRole('button', { name: 'Create a role' }).click();
    await page.getByLabel('Name', { exact: true }).fill('operators');
    await page.getByRole('checkbox', { name: 'global-management' }).check();
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
    await page.getByRole('row', { name: /operators/ }).getByText('global-management').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  test('sees the servers of the store, and what each of them says of itself', async () => {
    const page = await console.open('cluster');
    await signIn(page, management);
    await page.getByRole('row', { name: /server-1/ }).getByText('ready').waitFor();
    await page.getByText('This server has its store for itself').waitFor();
    await page.getByRole('button', { name: 'Add a webhook' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Name', { exact: true }).fill('pager');
    await form.getByLabel('URL').fill('http://169.254.169.254/hook');
    await form.getByRole('checkbox', { name: 'service.empty' }).check();
    expect(await violations(page)).toEqual([]);
    await form.getByRole('button', { name: 'Add' }).click();
    await page.getByText(/^whsec_/).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'I have it' }).click();
    expect(await page.content()).not.toContain('whsec_');
    await page.getByRole('row', { name: /pager/ }).getByText('none yet').waitFor();
    await page.getByRole('button', { name: 'Test' }).click();
    await page.getByText(/pager got nothing: address 169\.254\.169\.254 is refused/).waitFor();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('button', { name: 'Delete the webhook' }).click();
    await page.getByRole('row', { name: /pager/ }).waitFor({ state: 'detached' });
    await page.getByText('No program is told of events.').waitFor();
    await page.close();
  });
});
