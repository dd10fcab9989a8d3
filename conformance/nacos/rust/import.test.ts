/** `rollcall import nacos` and docs/guides/from-nacos.md with a real Nacos server, which is r-nacos. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playNacosGuide } from '../../../tools/from-nacos.ts';
import { rNacosProblem, startRNacos, type RNacos } from '../r-nacos.mjs';
import { startServer, type NacosServer } from '../start.mjs';

const problem = rNacosProblem();
it('r-nacos is built', () => expect(problem).toBeUndefined());

const command = fileURLToPath(new URL('../../../packages/cli/bin/rollcall.mjs', import.meta.url));

type Form = Readonly<Record<string, string>>;

async function send(url: string, method: string, path: string, form: Form): Promise<string> {
  const answer = await fetch(`${url}/nacos${path}?${new URLSearchParams(form).toString()}`, { method });
  const text = await answer.text();
  expect([path, answer.status, text]).toEqual([path, 200, text]);
  return text;
}

async function importFrom(from: string, to: string): Promise<unknown> {
  const child = spawn(process.execPath, [command, 'import', 'nacos', '--from', from, '--addr', to, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(child, 'close');
  return JSON.parse(text);
}

describe.runIf(problem === undefined)('from r-nacos', () => {
  let old: RNacos;
  let server: NacosServer;
  beforeAll(async () => {
    old = await startRNacos();
    server = await startServer();
  });
  afterAll(async () => {
    await server?.stop();
    await old?.stop();
  });

  it('copies namespaces, configurations of any content, services and persistent instances', async () => {
    await send(old.url, 'POST', '/v1/console/namespaces', { customNamespaceId: 'team-a', namespaceName: 'Team A', namespaceDesc: 'x' });
    const contents = { 'app.yaml': 'a: 1', 'number.json': '7', 'like-an-answer.json': '{"content":"not this","data":{"content":"nor this"}}' };
    for (const [dataId, content] of Object.entries(contents)) await send(old.url, 'POST', '/v1/cs/configs', { dataId, group: 'G', tenant: 'team-a', content });
    await send(old.url, 'POST', '/v1/cs/configs', { dataId: 'of-public', group: 'DEFAULT_GROUP', content: 'p' });
    const database = { serviceName: 'database', ip: '10.0.0.7', port: '5432', ephemeral: 'false', weight: '2', metadata: '{"k":"v"}' };
    await send(old.url, 'POST', '/v1/ns/instance', database);
    await send(old.url, 'POST', '/v1/ns/instance', { ...database, groupName: 'PAY', namespaceId: 'team-a' });
    await send(old.url, 'POST', '/v1/ns/instance', { serviceName: 'web', ip: '10.0.0.8', port: '80' });

    const to = `http://${server.address}`;
    const copied = { namespaces: 1, configurations: 4, 'gray releases': 0, services: 3, instances: 2 };
    const skipped = [{ name: '10.0.0.8:80 of public/DEFAULT_GROUP@@web', reason: expect.stringContaining('its client keeps it alive') as string }];
    expect(await importFrom(old.url, to)).toMatchObject({ copied, failed: [], skipped });
    for (const [dataId, content] of Object.entries(contents)) expect(await send(to, 'GET', '/v1/cs/configs', { dataId, group: 'G', tenant: 'team-a' })).toBe(content);
    expect(await send(to, 'GET', '/v1/cs/configs', { dataId: 'of-public', group: 'DEFAULT_GROUP' })).toBe('p');
    for (const at of [{}, { groupName: 'PAY', namespaceId: 'team-a' }]) {
      expect(JSON.parse(await send(to, 'GET', '/v1/ns/instance/list', { serviceName: 'database', ...at }))).toMatchObject({ hosts: [{ ip: '10.0.0.7', port: 5_432, weight: 2, ephemeral: false, metadata: { k: 'v' } }] });
    }
    expect(await importFrom(old.url, to)).toMatchObject({ copied: { services: 0, instances: 0 }, kept: { namespaces: 1, services: 3, instances: 2 }, failed: [] });
  });

  it('an operator can follow the guide', async () => {
    await expect(playNacosGuide(old.url)).resolves.toBeUndefined();
  });
});
