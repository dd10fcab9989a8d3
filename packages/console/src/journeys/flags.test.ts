/** What an operator does with feature flags: asks why a user gets a variant, by a link that can be shared. */

import { connect } from '@rollcall/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConsoleBrowser, noBrowser, violations } from '../browser.case.ts';

const definition = {
  $evaluators: { staff: { ends_with: [{ var: 'email' }, '@example.org'] } },
  flags: {
    'new-checkout': {
      state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off',
      targeting: { if: [{ in: [{ var: 'country' }, ['de', 'at']] }, 'on', { and: [{ $ref: 'staff' }, { sem_ver: [{ var: 'version' }, '>=', '2.1.0'] }] }, 'on', { fractional: [['on', 25], ['off', 75]] }] },
      metadata: { team: 'shop' },
    },
    banner: { state: 'DISABLED', variants: { on: true }, defaultVariant: 'on' },
    odd: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', targeting: { if: [{ '===': [{ '%': [{ var: 'id' }, 2] }, 0] }, 'on'] } },
  },
};
const content = JSON.stringify(definition, undefined, 2);
const ref = 'app=shop&name=features.flags.json';

describe.skipIf(noBrowser !== '')(`flags${noBrowser}`, () => {
  let console: ConsoleBrowser;
  const post = async (path: string, body: object): Promise<void> => {
    const answer = await fetch(`${console.server.url}/rollcall/v1/config/${path}?${ref}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
  };
  beforeAll(async () => {
    console = await ConsoleBrowser.start();
    await post('publish', { content, format: 'flags' });
  });
  afterAll(() => console[Symbol.asyncDispose]());

  test('are found by keyboard alone, and the playground says which rule decided', async () => {
    const page = await console.open('');
    for (const key of ['g', 'f']) await page.keyboard.press(key);
    await page.getByRole('row', { name: /shop\/features/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByText(/No client follows these flags now.* No client since at least \d\d:\d\d:\d\d\./).waitFor();
    const client = await connect({ servers: [console.server.url], onEvent: () => {} });
    await client.flags('shop/features.flags.json').whenReady();
    await page.getByText('1 client follows these flags.').waitFor();
    await client.close();
    await page.getByRole('row', { name: /new-checkout/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'new-checkout' }).waitFor();
    await page.getByLabel('Targeting key').focus();
    await page.keyboard.type('user-42');
    const rules = page.getByRole('region', { name: 'With the release' }).getByRole('list', { name: 'Rules' }).getByRole('listitem');
    await page.getByText('The hash of').waitFor();
    await expect.poll(() => rules.allInnerTexts()).toMatchObject([expect.stringContaining('does not hold'), expect.stringContaining('does not hold'), expect.stringContaining('decided')]);
    await page.getByLabel('Attributes').fill('country=us\nemail=a@example.org\nversion=2.3.0');
    await rules.nth(1).getByText('decided').waitFor();
    await expect.poll(() => rules.nth(1).innerText()).toContain('(it is 2.3.0)');
    // The link shows the same to another operator.
    const other = await console.open(page.url().split('/ui/')[1] ?? '');
    await other.getByRole('region', { name: 'With the release' }).getByRole('listitem').nth(1).getByText('decided').waitFor();
    await other.close();
    await page.close();
  });

  test('have the shares that their rule says, and show what the draft would change', async () => {
    await post('draft/save', { content: JSON.stringify({ ...definition, flags: { ...definition.flags, 'new-checkout': { ...definition.flags['new-checkout'], targeting: 'on' } } }) });
    const page = await console.open('flags/shop/features.flags.json/new-checkout?key=user-1');
    const release = page.getByRole('region', { name: 'With the release' });
    const shares = release.getByRole('list', { name: 'Of 10000 sample keys' });
    await shares.getByText('off').waitFor();
    const [off] = /[\d.]+/.exec((await shares.innerText()).split('\n')[0] ?? '') ?? [];
    expect(Math.abs(Number(off) - 75)).toBeLessThan(2);
    await page.getByRole('region', { name: 'With the draft' }).getByText('100 % on').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.close();
    await post('draft/discard', {});
  });

  test('are changed in fields, without losing what has none, and wait in the draft until they are published', async () => {
    const page = await console.open('flags/shop/features.flags.json/new-checkout?key=user-1&with=tier%3Dgold%0Acountry%3Dde');
    const release = page.getByRole('region', { name: 'With the release' });
    await release.getByRole('listitem').first().getByText('decided').waitFor();
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByRole('button', { name: 'Add a rule' }).click();
    await page.getByLabel('Rule 3, condition 1: attribute').fill('tier');
    await page.getByLabel('Rule 3, condition 1: test').selectOption('is one of');
    await page.getByLabel('Rule 3, condition 1: value').fill('gold, silver');
    await page.keyboard.press('Tab');
    await page.getByLabel('Rule 3 gives').selectOption('off');
    for (let n = 0; n < 2; n++) await page.getByRole('button', { name: 'Move up' }).nth(2 - n).click();
    // The playground shows what the change would do before it is saved.
    await page.getByRole('region', { name: 'With the change' }).getByRole('listitem').first().getByText('decided').waitFor();
    await page.getByText('They differ for this key.').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Save as draft' }).click();
    await page.getByText('Saved as draft.').waitFor();
    const draft = (await (await fetch(`${console.server.url}/rollcall/v1/config/draft?${ref}`)).json()) as { content: string };
    const [condition, gives, ...rest] = definition.flags['new-checkout'].targeting.if;
    const wanted = { ...definition, flags: { ...definition.flags, 'new-checkout': { ...definition.flags['new-checkout'], targeting: { if: [{ in: [{ var: 'tier' }, ['gold', 'silver']] }, 'off', condition, gives, ...rest] } } } };
    expect(draft.content).toBe(JSON.stringify(wanted, undefined, 2));
    await page.getByRole('link', { name: 'review and publish it' }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Taken back.').waitFor();
    await page.getByRole('link', { name: 'review and publish it' }).waitFor({ state: 'detached' });
    await page.close();
  });

  test('are created off, and a flag that could not be published is not saved', async () => {
    const page = await console.open('flags/shop/features.flags.json');
    await page.getByRole('button', { name: 'New flag' }).click();
    await page.getByRole('dialog').getByLabel('Key').fill('fresh');
    await page.getByRole('button', { name: 'Create in the draft' }).click();
    await page.getByRole('heading', { level: 1, name: 'fresh' }).waitFor();
    await page.getByRole('region', { name: 'With the draft' }).getByText('The flag is off').waitFor();
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByRole('button', { name: 'JSON', exact: true }).click();
    await page.getByLabel('The flag as JSON').fill('{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on","targeting":{"unknown":[1]}}');
    await page.getByLabel('The flag as JSON').blur();
    await page.getByText('there is no operator "unknown"', { exact: true }).waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Save as draft' }).isDisabled()).toBe(true);
    await page.close();
    await post('draft/discard', {});
  });

  test('that are off, and rules that the builder does not know, are explained as well', async () => {
    const page = await console.open('flags/shop/features.flags.json/banner');
    await page.getByText('The flag is off: programs use the default of their code.').waitFor();
    await page.goto(`${console.server.url}/ui/flags/shop/features.flags.json/odd?with=id%3D4`);
    const odd = page.getByRole('region', { name: 'With the release' });
    await odd.getByText('decided').waitFor();
    await odd.getByText('steps').click();
    await odd.getByText('{"%":[{"var":"id"},2]}', { exact: true }).waitFor();
    await page.close();
  });

  test('give no errors', () => {
    expect(console.errors).toEqual([]);
  });
});
