/** What an operator does from the overview: check, choose, stop; what a caller without the right sees instead; and what an alarm did, told once. */

import { createServer as createProbed } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { ConsoleBrowser, noBrowser, violations } from '../browser.case.ts';

const management = 'a management token';

describe.skipIf(noBrowser !== '')(`the overview${noBrowser}`, () => {
  let console: ConsoleBrowser;
  let probedStatus = 500;
  const probed = createProbed((_request, response) => response.writeHead(probedStatus, { connection: 'close' }).end());
  const publish = async (name: string, plan: object): Promise<void> => {
    for (const [content, more] of [['a: 1\n', {}], ['a: 2\n', { rollout: { name: 'release', plan } }]] as const) {
      const answer = await fetch(`${console.server.url}/rollcall/v1/config/publish?app=web&name=${name}`, { method: 'POST', body: JSON.stringify({ content, format: 'yaml', ...more }), headers: { authorization: `Bearer ${management}` } });
      if (!answer.ok) throw new Error(await answer.text());
    }
  };
  const signedIn = async (token: string): Promise<Page> => {
    const page = await console.open('keys');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Token', { exact: true }).fill(token);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await console.goTo(page, '');
    return page;
  };
  const line = (page: Page, name: string) => page.getByRole('main').getByRole('listitem').filter({ has: page.getByRole('link', { name, exact: true }) });
  beforeAll(async () => {
    await new Promise<void>((listening) => probed.listen(0, '127.0.0.1', listening));
    console = await ConsoleBrowser.start({ acl: { initialManagement: management } });
    const check = { HTTP: `http://127.0.0.1:${(probed.address() as AddressInfo).port}/`, Interval: '600s', Status: 'critical' };
    await fetch(`${console.server.url}/v1/agent/service/register`, { method: 'PUT', body: JSON.stringify({ Name: 'probed', ID: 'probed-1', Port: 80, Check: check }), headers: { 'x-consul-token': management } });
    await console.register('web', 'web-1', { token: management, status: 'critical' });
    await console.register('web', 'web-2', { token: management });
  });
  afterAll(async () => {
    await console[Symbol.asyncDispose]();
    probed.close();
  });

  test('checks the instances of a service now, says which cannot be checked, and leads to those that an action needs a choice of', async () => {
    const page = await signedIn(management);
    const web = line(page, 'web');
    await web.getByText('1 of 2 get traffic').waitFor();
    await web.getByRole('button', { name: 'Check now' }).click();
    await page.getByText(/^web: 1 cannot be checked: web-1: /).waitFor();
    probedStatus = 200;
    await line(page, 'probed').getByRole('button', { name: 'Check now' }).click();
    await page.getByText(/^probed: Checked 1: 1 passing\./).waitFor();
    await line(page, 'probed').waitFor({ state: 'detached' });
    expect(await violations(page)).toEqual([]);
    await web.getByRole('link', { name: 'Choose instances' }).click();
    await page.getByRole('row', { name: /web-1/ }).waitFor();
    await expect.poll(() => page.getByRole('row', { name: /web-2/ }).count()).toBe(0);
    await page.close();
  });

  test('stops a rollout, and says once that an alarm has ended another, which the activity gives as the one who did it', async () => {
    await publish('calm.yaml', { stages: [{ percent: 100, bakeMs: 600_000 }] });
    await publish('alarmed.yaml', { stages: [{ percent: 100, bakeMs: 600_000 }], alarm: { on: ['unhealthy'], share: 0.1 } });
    const page = await signedIn(management);
    await line(page, 'web/alarmed.yaml').getByText(/^At [\d:]+ the alarm of rollout release ended it at stage 1 of 1: .* release 1 again\.$/).waitFor();
    await line(page, 'web/calm.yaml').getByRole('button', { name: 'Stop and roll back' }).click();
    await page.getByText('The rollout release of web/calm.yaml is stopped: release 2 is taken back.').waitFor();
    await line(page, 'web/calm.yaml').waitFor({ state: 'detached' });
    await console.goTo(page, 'activity');
    await page.getByRole('row', { name: /rollout release of config "web\/alarmed\.yaml"/ }).getByText('the alarm', { exact: true }).waitFor();
    await page.close();
  });

  test('shows a caller without the right disabled actions, with the reason', async () => {
    await publish('running.yaml', { stages: [{ percent: 100, bakeMs: 600_000 }] });
    const put = async (path: string, body: object) => (await (await fetch(`${console.server.url}${path}`, { method: 'PUT', body: JSON.stringify(body), headers: { 'x-consul-token': management } })).json()) as { ID: string; SecretID: string };
    const { ID } = await put('/v1/acl/policy', { Name: 'reader', Rules: 'config_prefix "" { policy = "read" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }' });
    const page = await signedIn((await put('/v1/acl/token', { Description: 'reader', Policies: [{ ID }] })).SecretID);
    for (const [name, button, lacks] of [['web', 'Check now', 'service:write on web'], ['web/running.yaml', 'Stop and roll back', 'config-publish:write on web/running.yaml']] as const) {
      const action = line(page, name).getByRole('button', { name: button });
      await expect.poll(() => action.getAttribute('aria-disabled')).toBe('true');
      await action.focus();
      await line(page, name).getByRole('tooltip').getByText(lacks).waitFor();
    }
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  test('and the page of a rollout of the past count from that time, not from today', async () => {
    await publish('long.yaml', { stages: [{ percent: 100, bakeMs: 600_000 }] });
    const page = await signedIn(management);
    await line(page, 'web/long.yaml').waitFor();
    const atMs = Date.now();
    await page.clock.setFixedTime(atMs + 3_600_000);
    await console.goTo(page, `config/default/web/long.yaml/rollout?at=${atMs}`);
    await page.getByText(/^(10|9) minutes left$/).waitFor();
    await expect.poll(() => page.getByText('due', { exact: true }).count()).toBe(0);
    await console.goTo(page, `config/default/web/long.yaml?at=${atMs}`);
    await page.getByRole('list', { name: 'State' }).getByText(/^release 1, (just now|\d+ seconds? ago)/).waitFor();
    await page.close();
  });

  test('gives no errors', () => {
    expect(console.errors).toEqual([]);
  });
});
