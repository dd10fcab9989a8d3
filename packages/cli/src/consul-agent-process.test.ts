/** `rollcall agent` as programs start `consul agent`: by the shim, with Consul's flags and files. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { folder, rollcall, start, type Process } from './processes.case.ts';

const shim = fileURLToPath(new URL('../../../conformance/consul/bin/consul', import.meta.url));
const quiet = ['-http-port=0', '-dns-port=-1', '-log-level=err'];

async function urlOf(agent: Process): Promise<string> {
  const [, url = ''] = await agent.seen(/HTTP {2}(http:\S+)$/m);
  return url;
}

async function get<T>(url: string): Promise<T> {
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  return (await answer.json()) as T;
}

const services = async (url: string) => Object.keys(await get<object>(`${url}/v1/agent/services`));

describe('rollcall agent', () => {
  it('starts where a program starts consul agent, with its files, and stops at SIGINT', async () => {
    const dir = folder();
    const file = join(dir, 'consul.json');
    const content = { node_name: 'n7', datacenter: 'dc9', ports: { http: 0, dns: -1 }, server: true, telemetry: { disable_hostname: true } };
    writeFileSync(file, JSON.stringify(content));
    const pidFile = join(dir, 'new', 'pid');
    const flags = [`-config-file=${file}`, '-data-dir', join(dir, 'data'), `-pid-file=${pidFile}`, '-log-level=err', '-ui'];
    const agent = start(['agent', ...flags]);
    const url = await urlOf(agent);
    const self = await get<{ Config: Record<string, unknown> }>(`${url}/v1/agent/self`);
    expect(self.Config).toMatchObject({ NodeName: 'n7', Datacenter: 'dc9' });
    expect(readFileSync(pidFile, 'utf8')).toBe(`${agent.child.pid}\n`);
    agent.child.kill('SIGINT');
    const { code, stderr } = await agent.ended;
    expect(code).toBe(0);
    expect(stderr.split('\n')).toEqual([
      `rollcall: ${file}: telemetry has no effect here`,
      'rollcall: command line: ui_config.enabled has no effect here: there is no user interface yet',
      '',
    ]);
    expect(existsSync(pidFile)).toBe(false);
  });

  it('registers the definitions in the files of a folder, in the order of their names, and follows changes at SIGHUP', async () => {
    const dir = join(folder(), 'conf');
    mkdirSync(join(dir, 'below'), { recursive: true });
    writeFileSync(join(dir, 'below', 'c.json'), 'not read');
    writeFileSync(join(dir, 'notes.txt'), 'not read');
    writeFileSync(join(dir, 'b.hcl'), 'node_name = "b"\nservice { name = "db", port = 5432 }');
    writeFileSync(join(dir, 'a.json'), JSON.stringify({ node_name: 'a', node_meta: { rack: 'r1' }, service: { name: 'web' } }));
    const agent = start(['agent', '-dev', ...quiet, '-config-dir', dir]);
    const url = await urlOf(agent);
    expect(await services(url)).toEqual(['db', 'web']);
    expect(await get(`${url}/v1/catalog/nodes?node-meta=rack:r1`)).toMatchObject([{ Node: 'b' }]);
    await fetch(`${url}/v1/agent/service/register`, { method: 'PUT', body: '{"Name": "api"}' });

    writeFileSync(join(dir, 'b.hcl'), 'service { name = "cache" }');
    agent.child.kill('SIGHUP');
    await agent.seen(/reloaded 2 services and 0 checks/, 'stderr');
    expect(await services(url)).toEqual(['api', 'cache', 'web']);

    writeFileSync(join(dir, 'b.hcl'), 'service { name = }');
    agent.child.kill('SIGHUP');
    await agent.seen(/not reloaded: .*b\.hcl is not HCL: line 1, /, 'stderr');
    expect(await services(url)).toEqual(['api', 'cache', 'web']);
    const refused = await fetch(`${url}/v1/agent/reload`, { method: 'PUT' });
    expect([refused.status, await refused.text()]).toEqual([500, expect.stringContaining('b.hcl is not HCL')]);

    writeFileSync(join(dir, 'b.hcl'), '');
    expect((await fetch(`${url}/v1/agent/reload`, { method: 'PUT' })).status).toBe(200);
    expect(await services(url)).toEqual(['api', 'web']);
  });

  it('reads files in the order of the flags, in the given format', async () => {
    const dir = folder();
    for (const name of ['one', 'two']) writeFileSync(join(dir, name), `node_name = "${name}"`);
    const args = ['-config-file', join(dir, 'two'), '-config-dir', join(dir, 'one'), '-config-format=hcl'];
    const url = await urlOf(start(['agent', '-dev', ...quiet, ...args]));
    expect(await get(`${url}/v1/agent/self`)).toMatchObject({ Config: { NodeName: 'one' } });
  });

  it('serves a Unix socket', async () => {
    const path = join(folder(), 'http.sock');
    const agent = start(['agent', '-dev', ...quiet, '-hcl', `addresses { http = "unix://${path}" }`]);
    await agent.seen(/unix:\/\//);
    const status = await new Promise((resolve, reject) => {
      request({ socketPath: path, path: '/v1/status/leader' }, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
  });

  it('refuses impossible settings with exit code 2', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'plain'), '');
    const script = JSON.stringify({ services: [{ name: 'web', check: { args: ['true'], interval: '1s' } }] });
    writeFileSync(join(dir, 'script.json'), script);
    const config = (name: string, content: string) => {
      writeFileSync(join(dir, name), content);
      return ['-config-file', join(dir, name)];
    };
    for (const [args, message] of [
      [config('a.hcl', 'acl { enable = true, default_policy = "deny" }'), 'a.hcl: acl.enable is no setting of Consul; did you mean acl.enabled?'],
      [config('b.json', '{"acl_default_policy": "deny"}'), 'acl.default_policy is set, but acl.enabled is not'],
      [config('c.hcl', 'sevice { name = "web" }'), 'c.hcl: sevice is no setting of Consul; did you mean service?'],
      [config('d.json', '{"Node": "n", "Address": "10.0.0.1", "Service": {"Service": "web"}}'), 'd.json: this is a body of /v1/catalog/register'],
      [config('e.hcl', 'http_config { allow_write_http_from = ["10.0.0.0/8"] }'), '-unsafe-without=http_config.allow_write_http_from'],
      [['-unsafe-without=ecrypt'], 'did you mean encrypt?'],
      [['-acl-enabled'], 'unknown flag -acl-enabled'],
      [['-data-dri=x'], 'unknown flag -data-dri; did you mean -data-dir?'],
      [['extra'], '"extra" is not a flag, nor the value of one'],
      [['-config-file', join(dir, 'none.json')], 'cannot read the configuration'],
      [['-config-file', join(dir, 'plain')], 'ends in neither .hcl nor .json'],
      [['-config-file', join(dir, 'script.json')], 'service "web": Invalid check: script checks are never run here'],
      [['-config-format=yaml'], '-config-format: "yaml" is neither hcl nor json'],
    ] as const) {
      const { code, stderr } = await rollcall(['agent', '-dev', ...quiet, ...args]);
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    }
  });

  it('reports every mistake on a separate line', async () => {
    const file = join(folder(), 'a.hcl');
    writeFileSync(file, 'acl { enable = true }\nverify_outgoing = true');
    const { code, stderr } = await rollcall(['agent', '-dev', ...quiet, '-config-file', file]);
    expect([code, stderr.trimEnd().split('\n')]).toEqual([
      2,
      [expect.stringContaining(`rollcall: ${file}: acl.enable is no`), expect.stringContaining(`rollcall: ${file}: verify_outgoing asks for`)],
    ]);
  });

  it('demands tokens when the old settings switch access control on', async () => {
    const file = join(folder(), 'old.json');
    writeFileSync(file, '{"acl_datacenter": "dc1", "acl_default_policy": "deny", "acl_master_token": "root"}');
    const url = await urlOf(start(['agent', '-dev', ...quiet, '-config-file', file]));
    expect((await fetch(`${url}/v1/kv/a`)).status).toBe(403);
    expect((await fetch(`${url}/v1/kv/a`, { headers: { 'X-Consul-Token': 'root' } })).status).toBe(404);
  });

  it('reports which files it does not read, and that a folder or a file is empty', async () => {
    const dir = folder();
    for (const name of ['full', 'void']) mkdirSync(join(dir, name));
    writeFileSync(join(dir, 'full', 'a.hcl'), '');
    writeFileSync(join(dir, 'full', 'b.yaml'), 'acl: yes');
    const args = ['-config-dir', join(dir, 'full'), '-config-dir', join(dir, 'void')];
    const agent = start(['agent', '-dev', ...quiet, ...args]);
    await urlOf(agent);
    agent.child.kill('SIGINT');
    expect((await agent.ended).stderr.trimEnd().split('\n')).toEqual([
      `rollcall: ${join(dir, 'full', 'b.yaml')} is not read: its name ends in neither .hcl nor .json`,
      `rollcall: ${join(dir, 'void')} holds no file to read`,
      `rollcall: ${join(dir, 'full', 'a.hcl')}: the file is empty`,
    ]);
  });

  it('stays protected when a reload finds a file with which it would not start', async () => {
    const file = join(folder(), 'a.hcl');
    writeFileSync(file, 'service { name = "web" }');
    const agent = start(['agent', '-dev', ...quiet, '-config-file', file]);
    const url = await urlOf(agent);
    writeFileSync(file, 'sevice { name = "web" }');
    agent.child.kill('SIGHUP');
    await agent.seen(/not reloaded: .*a\.hcl: sevice is no setting of Consul/, 'stderr');
    expect(await services(url)).toEqual(['web']);
  });
});

describe('the shim called consul', () => {
  it('is Rollcall with the same arguments', () => {
    const out = execFileSync(shim, ['version', '-format=json'], { encoding: 'utf8' });
    expect(JSON.parse(out)).toEqual({ Version: expect.stringMatching(/^1\.\d+\.\d+\+rollcall\./) as unknown });
    // It changes the name and runs only Rollcall.
    expect(readFileSync(shim, 'utf8').match(/^exec .*$/gm)).toEqual([expect.stringContaining('packages/cli/bin/rollcall.mjs" "$@"')]);
  });
});
