/** The commands of operators, against a real registry. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, here, registerInstance, serve, sharedRegistry, start } from './processes.case.ts';

const { url } = sharedRegistry('--node-name', 'home');
const ask = (...args: string[]) => here([...args, '--addr', url()]);
const json = async (...args: string[]): Promise<unknown> => JSON.parse((await ask(...args, '--json')).stdout);

describe('members', () => {
  it('lists agents with their status, as a table and in the form of the API', async () => {
    const { code, stdout } = await ask('members');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^NODE +ADDRESS +STATUS +TYPE +BUILD +DC\nhome +127\.0\.0\.1:8301 +alive +server +1\.21\.0 +dc1\n$/);
    expect(await json('members')).toMatchObject([{ Name: 'home', Status: 1, Tags: { role: 'consul' } }]);
    expect((await ask('members', '--detailed')).stdout).toMatch(/^home .* alive .*dc=dc1,.*role=consul/m);
  });

  it('takes a filter and a pattern of the status, and is exit code 3 when no agent matches', async () => {
    expect(await json('members', '--status', '^alive$', '--filter', 'Tags.role == consul')).toHaveLength(1);
    expect(await ask('members', '--status', 'failed')).toMatchObject({ code: 3, stdout: '', stderr: 'rollcall: no member matches\n' });
    expect(await ask('members', '--status', '(')).toMatchObject({ code: 2, stderr: expect.stringContaining('no regular expression') });
    expect(await ask('members', '--filter', 'nonsense ==')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^rollcall: .*filter|expression/i) });
  });
});

describe('nodes', () => {
  it('lists nodes, those of a service, and those with a meta entry', async () => {
    const register = (Node: string, rack: string, Service: string) =>
      fetch(`${url()}/v1/catalog/register`, {
        method: 'PUT',
        body: JSON.stringify({ Node, Address: '10.0.0.1', NodeMeta: { rack }, Service: { Service } }),
      });
    await register('n1', 'r1', 'pair');
    await register('n2', 'r2', 'pair');
    expect((await ask('nodes')).stdout).toMatch(/^NODE +ID +ADDRESS +DC\n/);
    expect(await json('nodes', '--service', 'pair')).toMatchObject([
      { Node: 'n1', Meta: { rack: 'r1' } },
      { Node: 'n2', Meta: { rack: 'r2' } },
    ]);
    expect(await json('nodes', '--node-meta', 'rack=r2')).toMatchObject([{ Node: 'n2' }]);
    expect(await json('nodes', '--filter', 'Meta.rack == r1')).toMatchObject([{ Node: 'n1' }]);
    expect((await ask('nodes', '--detailed')).stdout).toMatch(/^n1 .*rack=r1$/m);
    expect(await ask('nodes', '--service', 'none')).toMatchObject({ code: 0, stdout: '', stderr: 'rollcall: no node matches\n' });
  });
});

describe('services register and deregister', () => {
  it('read a service from options', async () => {
    const made = await ask('services', 'register', '--name', 'api', '--id', 'api-1', '--port', '8080', '--tag', 'v1', '--tag', 'eu', '--meta', 'a=b');
    expect(made).toMatchObject({ code: 0, stdout: 'registered api-1\n', stderr: '' });
    expect(await json('instances', 'api')).toMatchObject({ instances: [{ id: 'api-1', port: 8080, tags: ['v1', 'eu'], meta: { a: 'b' } }] });
    expect(await ask('services', 'deregister', '--id', 'api-1')).toMatchObject({ code: 0, stdout: 'deregistered api-1\n' });
    expect(await ask('instances', 'api')).toMatchObject({ code: 3 });
  });

  it('read services from files, HCL and JSON', async () => {
    const dir = folder();
    const [hcl, jsonFile] = [join(dir, 'a.hcl'), join(dir, 'b.json')];
    writeFileSync(hcl, 'services { name = "one" }\nservices {\n  name = "two"\n  id = "two-1"\n  check = { ttl = "30s", id = "c" }\n}\n');
    writeFileSync(jsonFile, JSON.stringify({ service: { name: 'three', port: 3, tags: ['t'] } }));
    expect(await ask('services', 'register', hcl, jsonFile)).toMatchObject({ code: 0, stdout: 'registered one\nregistered two-1\nregistered three\n' });
    expect(await json('instances', 'two')).toMatchObject({ instances: [{ id: 'two-1', status: 'critical' }] });
    expect(await json('instances', 'three')).toMatchObject({ instances: [{ port: 3, tags: ['t'] }] });
    expect(await ask('services', 'deregister', hcl, jsonFile)).toMatchObject({ code: 0 });
    expect(await ask('instances', 'three')).toMatchObject({ code: 3 });
  });

  it('send no request when a file or an option is wrong', async () => {
    const dir = folder();
    const [good, empty] = [join(dir, 'good.hcl'), join(dir, 'empty.hcl')];
    writeFileSync(good, 'service { name = "never" }\n');
    writeFileSync(empty, 'data_dir = "x"\n');
    expect(await ask('services', 'register', good, empty)).toMatchObject({ code: 2, stdout: '' });
    expect(await ask('services', 'register', good, join(dir, 'absent.hcl'))).toMatchObject({ code: 2, stderr: expect.stringContaining('ENOENT') });
    expect(await ask('services', 'register', good, '--name', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining('give either files, or options') });
    expect(await ask('services', 'register')).toMatchObject({ code: 2, stderr: expect.stringContaining('--name') });
    expect(await ask('services', 'deregister')).toMatchObject({ code: 2 });
    expect(await ask('services', 'deregister', '--id', 'nope')).toMatchObject({ code: 3, stderr: expect.stringContaining('Unknown service ID') });
    expect(await ask('instances', 'never')).toMatchObject({ code: 3 });
  });
});

describe('maint', () => {
  it('puts an instance and the node into maintenance, lists them, and ends it', async () => {
    await registerInstance(url(), { Name: 'kept', ID: 'kept-1', Port: 1 });
    const passing = async () => ((await (await fetch(`${url()}/v1/health/service/kept?passing`)).json()) as unknown[]).length;
    expect(await ask('maint', '--enable', '--service', 'kept-1', '--reason', 'new disk')).toMatchObject({ code: 0, stdout: 'kept-1 is in maintenance\n' });
    expect(await passing()).toBe(0);
    expect(await json('maint')).toEqual([{ node: 'home', service: 'kept-1', reason: 'new disk' }]);
    expect((await ask('maint')).stdout).toBe('Service:\n  ID:     kept-1\n  Reason: new disk\n\n');
    expect((await ask('maint', '--enable')).stdout).toBe('this node is in maintenance\n');
    await ask('maint', '--disable', '--service', 'kept-1');
    expect(await passing()).toBe(0);
    expect(await json('maint')).toMatchObject([{ node: 'home' }]);
    await ask('maint', '--disable');
    expect(await passing()).toBe(1);
    expect(await ask('maint')).toMatchObject({ code: 0, stdout: '' });
  });

  it('refuses options that do not belong together', async () => {
    expect((await ask('maint', '--reason', 'x')).code).toBe(2);
    expect((await ask('maint', '--disable', '--reason', 'x')).code).toBe(2);
    expect((await ask('maint', '--enable', '--disable')).code).toBe(2);
    expect(await ask('maint', '--enable', '--service', 'nope')).toMatchObject({ code: 3, stderr: expect.stringContaining('Unknown service ID') });
  });
});

describe('info, event and reload', () => {
  it('info prints sections of figures', async () => {
    expect((await ask('info')).stdout).toMatch(/^consul:\n(\t.*\n)*\tleader = true\n/m);
    expect(await json('info')).toMatchObject({ raft: { num_peers: '0' }, rollcall: { nodeName: 'home', counts: { nodes: expect.any(Number) } } });
  });

  it('event sends the payload to the selected agents', async () => {
    expect((await ask('event', '--name', 'deploy', '1.42')).stdout).toMatch(/^Event ID: [0-9a-f-]{36}\n$/);
    const piped = await here(['event', '--name', 'deploy', '--service', '^kept$', '-', '--addr', url()], { input: 'from a pipe' });
    expect(piped.code).toBe(0);
    const heard = (await (await fetch(`${url()}/v1/event/list?name=deploy`)).json()) as { Payload: string; ServiceFilter: string }[];
    expect(heard.map(({ Payload, ServiceFilter }) => [Buffer.from(Payload, 'base64').toString(), ServiceFilter])).toEqual([
      ['1.42', ''],
      ['from a pipe', '^kept$'],
    ]);
    expect((await ask('event', 'x')).code).toBe(2);
  });

  it('reload asks the registry to read its files again', async () => {
    expect(await ask('reload')).toMatchObject({ code: 0, stdout: 'reloaded\n', stderr: '' });
  });
});

describe('monitor', () => {
  it('prints the log as it is written, and reports its end', async () => {
    const registry = await serve('--log-level', 'warn');
    const [text, jsonLines] = [['monitor'], ['monitor', '--log-json', '--log-level', 'debug']].map((args) => start([...args, '--addr', registry.url]));
    // Logs a line each time; when a monitor listens already cannot be seen from here.
    const written = setInterval(() => void fetch(`${registry.url}/rollcall/v1/expiry/override`, { method: 'POST' }).catch(() => undefined), 50);
    try {
      expect((await text?.seen(/^.*\[WARN\].*overridden.*\n/m))?.[0]).toBeDefined();
      expect(JSON.parse((await jsonLines?.seen(/^\{.*\}\n/m))?.[0] ?? '')).toMatchObject({ '@level': 'warn' });
    } finally {
      clearInterval(written);
    }
    registry.child.kill('SIGTERM');
    expect(await text?.ended).toMatchObject({ code: 4, stderr: expect.stringContaining('rollcall: the registry ') });
  });
});
