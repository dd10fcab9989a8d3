/** Spring Cloud Config over HTTP: the order of sources, labels, files, rights, secrets, and paths that try to leave their folder. */

import { get } from 'node:http';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigServer, managementToken } from '../../config-server.case.ts';

interface Environment {
  readonly name: string;
  readonly profiles: readonly string[];
  readonly label: string | null;
  readonly version: string | null;
  readonly state: string | null;
  readonly propertySources: readonly { readonly name: string; readonly source: Readonly<Record<string, unknown>> }[];
}

let spring: ConfigServer;
beforeAll(async () => {
  spring = await ConfigServer.start();
  await spring.publish('orders/application.yml', 'server: {port: 8080}\nname: orders\nlist: [a, {b: c}]\ngreeting: Hello ${name} ${nothing} ${other:none}\n', { format: 'yaml' });
  await spring.publish('orders/application-prod.properties', 'server.port=80\n', { format: 'properties' });
  await spring.publish('orders/application-dev.json', '{"server": {"port": 9090}, "debug": true}', { format: 'json' });
  await spring.publish('application/application.yml', 'name: shared\nshared: yes\n', { format: 'yaml' });
  await spring.publish('application/application-prod.yml', 'shared: prod\n', { format: 'yaml' });
  await spring.publish('orders/canary/application.yml', 'server: {port: 1}\n', { format: 'yaml' });
  await spring.publish('orders/nginx.conf', 'port ${server.port};', { format: 'text' });
  await spring.publish('orders/nginx-prod.conf', 'prod', { format: 'text' });
  await spring.publish('application/banner.txt', 'hello', { format: 'text' });
});
afterAll(() => spring[Symbol.asyncDispose]());

const environment = (path: string, init: RequestInit = {}) => spring.json<Environment>(`/spring/${path}`, init);
const names = ({ propertySources }: Environment) => propertySources.map(({ name }) => name.replace(/^rollcall:(.*), release .*$/, '$1'));

describe('an environment', () => {
  test('has its sources in Spring’s order, the first wins, with flat keys', async () => {
    const found = await environment('orders/prod');
    expect(found).toMatchObject({ name: 'orders', profiles: ['prod'], label: null, state: null });
    expect(found.version).toMatch(/^[0-9a-f]{40}$/);
    expect(names(found)).toEqual(['orders/application-prod.properties in default', 'application/application-prod.yml in default', 'orders/application.yml in default', 'application/application.yml in default']);
    expect(found.propertySources.map(({ source }) => source)).toEqual([
      { 'server.port': '80' },
      { shared: 'prod' },
      { 'server.port': 8080, name: 'orders', 'list[0]': 'a', 'list[1].b': 'c', greeting: 'Hello ${name} ${nothing} ${other:none}' },
      { name: 'shared', shared: 'yes' },
    ]);
  });

  test('of several profiles has the last one first', async () => {
    expect(names(await environment('orders/dev,prod')).slice(0, 3)).toEqual(['orders/application-prod.properties in default', 'application/application-prod.yml in default', 'orders/application-dev.json in default']);
    expect(names(await environment('orders/prod,dev'))[0]).toBe('orders/application-dev.json in default');
  });

  test('is sent in the type of version 2 to clients that ask for it', async () => {
    const type = 'application/vnd.spring-cloud.config-server.v2+json';
    const two = await spring.ask('/spring/orders/prod', { headers: { accept: type } });
    expect([two.status, two.headers.get('content-type'), two.headers.get('vary')]).toEqual([200, type, 'Accept']);
    expect((await spring.ask('/spring/orders/prod')).headers.get('content-type')).toBe('application/json');
  });

  test('of an app without configurations is empty or shared, as in Spring', async () => {
    expect(names(await environment('unknown/default'))).toEqual(['application/application.yml in default']);
  });

  test('with a label takes the configurations of that cluster first, and 404 tells a client to try its next label', async () => {
    const found = await environment('orders/default/canary');
    expect([found.label, names(found)[0]]).toEqual(['canary', 'orders/application.yml in canary']);
    expect((await spring.ask('/spring/orders/default/nowhere')).status).toBe(404);
    expect((await spring.ask('/spring/orders/default/default')).status).toBe(200);
  });

  test('has another version after a publication, and the same one without', async () => {
    const before = (await environment('orders/prod')).version;
    expect((await environment('orders/prod')).version).toBe(before);
    await spring.publish('orders/application-prod.properties', 'server.port=81\n', { format: 'properties' });
    const after = await environment('orders/prod');
    expect(after.version).not.toBe(before);
    expect(after.propertySources[0]?.source).toEqual({ 'server.port': '81' });
    await spring.publish('orders/application-prod.properties', 'server.port=80\n', { format: 'properties' });
  });

  test('of another namespace is asked for by a header', async () => {
    const { registry } = spring.server;
    await registry.submit({ kind: 'namespace-put', name: 'blue', description: '', meta: {}, foreign: undefined } as never).catch(() => undefined);
    expect(names(await environment('orders/default', { headers: { 'x-rollcall-namespace': 'green' } }))).toEqual([]);
    expect((await spring.ask('/spring/orders/default', { headers: { 'x-rollcall-namespace': '../x' } })).status).toBe(400);
  });
});

describe('a merged file', () => {
  test.each([
    ['orders-prod.properties', 'text/plain; charset=utf-8', 'greeting=Hello orders ${nothing} none\nlist[0]=a\nlist[1].b=c\nname=orders\nserver.port=80\nshared=prod\n'],
    ['orders-prod.json', 'application/json', '{"server":{"port":"80"},"shared":"prod","name":"orders","list":["a",{"b":"c"}],"greeting":"Hello orders ${nothing} none"}'],
    ['orders-prod.yml', 'text/plain; charset=utf-8', 'server:\n  port: "80"\nshared: "prod"\nname: "orders"\nlist:\n  - "a"\n  -\n    b: "c"\ngreeting: "Hello orders ${nothing} none"\n'],
  ])('%s', async (path, type, text) => {
    const answer = await spring.ask(`/spring/${path}`);
    expect([answer.status, answer.headers.get('content-type'), answer.text]).toEqual([200, type, text]);
  });

  test('of a label, and with placeholders left as they are', async () => {
    expect((await spring.ask('/spring/canary/orders-default.json?resolvePlaceholders=false')).text).toBe('{"server":{"port":1},"name":"shared","shared":"yes"}');
  });
});

describe('a plain file', () => {
  test.each([
    ['orders/default/default/nginx.conf', 200, 'port 8080;'],
    ['orders/prod/default/nginx.conf', 200, 'prod'],
    ['orders/default/default/nginx.conf?resolvePlaceholders=false', 200, 'port ${server.port};'],
    ['orders/default/banner.txt?useDefaultLabel', 200, 'hello'],
    ['orders/prod/nginx.conf?useDefaultLabel', 200, 'prod'],
    ['orders/default/nginx.conf?useDefaultLabel=true&resolvePlaceholders=false', 200, 'port ${server.port};'],
    ['application/prod/application.yml?useDefaultLabel', 200, 'shared: prod\n'],
    // Without the parameter, the last part is a label; with a label in the path, the parameter changes nothing.
    ['orders/default/banner.txt', 404, undefined],
    ['orders/default/canary/application.yml?useDefaultLabel', 200, 'server: {port: 1}\n'],
    ['orders/default/missing.txt?useDefaultLabel', 404, undefined],
    ['orders/default/default/missing.txt', 404, undefined],
  ])('%s', async (path, status, text) => {
    const answer = await spring.ask(`/spring/${path}`);
    expect(answer.status).toBe(status);
    if (text !== undefined) expect(answer.text).toBe(text);
  });
});

test('POST encrypt and decrypt answer as a server of Spring without a key', async () => {
  for (const path of ['encrypt', 'decrypt', 'encrypt/orders/prod']) {
    const answer = await spring.ask(`/spring/${path}`, { method: 'POST', body: 'x' });
    expect([answer.status, answer.text]).toEqual([404, expect.stringContaining('"status":"NO_KEY"')]);
  }
  expect((await spring.ask('/spring/key')).status).toBe(404);
});

/** Sends the path as it is; fetch would resolve dots. */
function raw(path: string): Promise<{ status: number; text: string }> {
  return new Promise((settle, reject) => {
    get(spring.server.url, { path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => settle({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    }).on('error', reject);
  });
}

describe('a path that leads out of a folder', () => {
  const ways = ['..', '%2e%2e', '.%2e', '%2E%2e', '..%2f..%2fetc', '%2e%2e%2fx', '..%5c..%5cx', '%252e%252e', '%252e%252e%252fetc', '..%252fx', 'a%2f..%2fb', '%00', 'a%00.yml', '..;', '%2e%2e;x', '%c0%ae%c0%ae', '%e0%80%ae', '..%c0%af', '%5c%5chost%5cshare', '.', '%u002e%u002e', '%25252e'];
  test.each(['..(_)..', '..(_)etc', 'a(_)..', '(_)etc', 'a(_)'])('%s is refused as a name and as a label', async (way) => {
    expect([(await raw(`/spring/${way}/prod`)).status, (await raw(`/spring/orders/prod/${way}`)).status]).toEqual([400, 400]);
  });

  test.each(ways)('%s is refused in every part', async (way) => {
    for (const path of [`/spring/${way}/prod`, `/spring/orders/${way}`, `/spring/orders/prod/${way}`, `/spring/${way}/prod/default/nginx.conf`, `/spring/orders/prod/default/${way}`, `/spring/orders/prod/default/${way}/etc/passwd`, `/spring/orders/prod/default/x/${way}/nginx.conf`]) {
      const { status, text } = await raw(path);
      expect([path, status >= 400 && status < 500 ? 'refused' : `${status} ${text}`]).toEqual([path, 'refused']);
    }
  });
});

describe('with access control', () => {
  let guarded: ConfigServer;
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-spring-'));
    const keys = join(folder, 'keys');
    await writeFile(keys, `k1:${Buffer.alloc(32, 7).toString('base64')}\n`);
    await chmod(keys, 0o600);
    guarded = await ConfigServer.start({ acl: { initialManagement: managementToken }, configKeys: { file: keys } });
    // Published as a client would, so that the server seals it.
    const { Configurations } = await import('../../configurations/configurations.ts');
    const { Secrets } = await import('../../config-content/secrets.ts');
    const { loadKeyRing } = await import('../../config-content/key-ring.ts');
    const configurations = new Configurations({ registry: guarded.server.registry, secrets: new Secrets(await loadKeyRing({ file: keys })) });
    await configurations.publish({ namespace: 'default', app: 'orders', cluster: 'default', name: 'application.yml' }, { content: Buffer.from("password: '{secret}hunter2{/secret}'\n"), format: 'yaml' });
    await guarded.publish('application/application.yml', 'a: 1\n', { format: 'yaml' });
  });
  afterAll(async () => {
    await guarded[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const ask = (token: string | undefined, header = 'x-config-token') => guarded.ask('/spring/orders/default', token === undefined ? {} : { headers: { [header]: token } });

  test('a caller needs the right to read each configuration that exists', async () => {
    expect((await ask(undefined)).status).toBe(403);
    expect((await ask('wrong')).status).toBe(401);
    const own = await guarded.tokenWith('config_prefix "orders/" { policy = "read" }');
    expect((await ask(own)).status).toBe(403);
    const both = await guarded.tokenWith('config_prefix "orders/" { policy = "read" }\nconfig_prefix "application/" { policy = "read" }');
    expect((await ask(both)).status).toBe(200);
    const basic = `Basic ${Buffer.from(`user:${both}`).toString('base64')}`;
    expect((await ask(basic, 'authorization')).status).toBe(200);
  });

  test('a secret is masked without the right to reveal, and in clear with it', async () => {
    const readers = 'config_prefix "" { policy = "read" }';
    const masked = await ask(await guarded.tokenWith(readers));
    expect(masked.text).toMatch(/"password":"\{masked\}[\w-]{16}"/);
    const clear = await ask(await guarded.tokenWith('config_prefix "" { policy = "read,reveal" }'));
    expect(clear.text).toContain('"password":"hunter2"');
    expect((await ask(await guarded.tokenWith(readers))).text).not.toContain('hunter2');
  });
});
