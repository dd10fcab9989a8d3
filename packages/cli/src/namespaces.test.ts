/** Namespaces on the command line: over real processes, through an outage and a restart of the registry. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, type Rollcall } from '@rollcall/client';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../../../conformance/free-ports.mjs';
import { folder, here, rollcall, serve, sharedRegistry, start } from './processes.case.ts';

const { url, ask } = sharedRegistry();

interface Listed {
  readonly instances: readonly { readonly id: string; readonly port: number; readonly status: string }[];
}

async function createNamespaces(registry: string, ...names: readonly string[]): Promise<void> {
  for (const name of names) expect(await here(['namespaces', 'create', name, '--addr', registry])).toEqual({ code: 0, stdout: `created ${name}\n`, stderr: '' });
}

describe('--namespace', () => {
  beforeAll(() => createNamespaces(url(), 'kv-a', 'kv-b', 'kv-env', 'kv-consul'));

  it('separates the reads and writes of commands', async () => {
    expect(await ask(['kv', 'put', 'k', 'a', '--namespace', 'kv-a'])).toMatchObject({ code: 0, stderr: '' });
    expect(await ask(['kv', 'put', 'k', 'b', '--namespace', 'kv-b'])).toMatchObject({ code: 0, stderr: '' });
    expect([(await ask(['kv', 'get', 'k', '--raw', '--namespace', 'kv-a'])).stdout, (await ask(['kv', 'get', 'k', '--raw', '--namespace=kv-b'])).stdout]).toEqual(['a', 'b']);
    expect(await ask(['kv', 'get', 'k'])).toMatchObject({ code: 3 });
    expect((await ask(['services', '--json', '--namespace', 'kv-a'])).stdout.trim()).toBe('[]');
  });

  it('may come from the environment; the option overrides it', async () => {
    const env = { ROLLCALL_NAMESPACE: 'kv-env', ROLLCALL_HTTP_ADDR: url() };
    expect(await here(['kv', 'put', 'k', 'env'], { env })).toMatchObject({ code: 0, stderr: '' });
    expect((await here(['kv', 'get', 'k', '--raw'], { env })).stdout).toBe('env');
    expect((await ask(['kv', 'get', 'k', '--raw', '--namespace', 'kv-env'])).stdout).toBe('env');
    expect(await here(['kv', 'get', 'k', '--namespace', 'default'], { env })).toMatchObject({ code: 3 });
  });

  it('may be written in Consul’s form', async () => {
    expect(await here(['kv', 'put', '-namespace=kv-consul', 'k', 'c', '-http-addr', url()])).toMatchObject({ code: 0, stderr: '' });
    expect((await here(['kv', 'get', '-namespace', 'kv-consul', '-raw', '-http-addr', url(), 'k'])).stdout).toBe('c');
  });

  it('is in the error for a missing service', async () => {
    const missing = await ask(['instances', 'nope', '--namespace', 'team-x']);
    expect(missing).toMatchObject({ code: 3, stderr: 'rollcall: no service "nope" is registered in namespace team-x; "rollcall services" lists those that are\n' });
  });

  it.each([
    [['--namespace', 'a.b'], {}, '--namespace: "a.b" is no namespace; a name has 1 to 63 letters, digits and inner hyphens'],
    [[], { ROLLCALL_NAMESPACE: '-a' }, 'ROLLCALL_NAMESPACE: "-a" is no namespace'],
  ])('is refused before anything is asked: %j %j', async (args, env, message) => {
    for (const command of [['services'], ['kv', 'export'], ['run', 'web', '--port', '1', '--', 'true']]) {
      const [name = '', ...rest] = command;
      const refused = await here([name, ...rest.slice(0, 1), ...args, ...rest.slice(1)], { env: { ...env, ROLLCALL_HTTP_ADDR: 'http://127.0.0.1:1' } });
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain(message);
    }
  });

  it('is sent to Consul’s routes as a header, which default does not need', async () => {
    const heard: unknown[] = [];
    const registry = createServer((request, response) => {
      heard.push(request.headers['x-consul-namespace']);
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('[]');
    }).listen(0, '127.0.0.1');
    await once(registry, 'listening');
    onTestFinished(() => void registry.close());
    const addr = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
    for (const namespace of ['team-a', 'default']) await here(['nodes', '--service', 'web', '--namespace', namespace, '--addr', addr]);
    expect(heard).toEqual(['team-a', undefined]);
  });
});

describe('namespaces', () => {
  it('of a registry are created, listed, used and removed with all of their content', async () => {
    expect(await ask(['kv', 'put', 'k', 'v', '--namespace', 'team-z'])).toMatchObject({ code: 1, stderr: expect.stringContaining('team-z') as string });
    expect(await ask(['namespaces', 'create', 'team-z', '--description', 'of team Z', '--meta', 'owner=zoe'])).toMatchObject({ code: 0, stdout: 'created team-z\n' });
    expect((await ask(['namespaces', 'list'])).stdout).toMatch(/^team-z +of team Z +owner=zoe$/m);
    expect(await ask(['kv', 'put', 'k', 'v', '--namespace', 'team-z'])).toMatchObject({ code: 0 });
    expect((await ask(['kv', 'export', '--namespace', 'team-z'])).stdout).toContain('"k"');
    expect((await ask(['kv', 'export'])).stdout).not.toContain('"k"');
    expect(await rollcall(['lock', 'jobs/a', '--namespace', 'team-z', '--addr', url(), '--', process.execPath, '-e', 'console.log("held")'])).toMatchObject({ code: 0, stdout: 'held\n' });
    expect(await ask(['namespaces', 'delete', 'team-z'])).toMatchObject({ code: 0, stdout: 'removed team-z and everything in it\n' });
    await vi.waitFor(async () => expect((await ask(['namespaces', 'list'])).stdout).not.toContain('team-z'), 10_000);
    expect(await ask(['kv', 'get', 'k', '--namespace', 'team-z'])).toMatchObject({ code: 3 });
    expect(await ask(['namespaces', 'delete', 'default'])).toMatchObject({ code: 1 });
  });

  const namespace = { Name: 'team-a', Description: 'of team A', Meta: { owner: 'ada' }, CreateIndex: 7, ModifyIndex: 7 };

  /** Answers as the namespace API of Consul Enterprise, and records the requests. */
  async function registry(answers: Readonly<Record<string, unknown>>) {
    const heard: string[] = [];
    const server = createServer((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const asked = `${request.method} ${request.url}`;
        heard.push(`${asked} ${Buffer.concat(chunks).toString()}`.trim());
        const answer = answers[asked];
        if (answer === undefined) response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end('no such namespace');
        else if (answer === 'nothing') response.writeHead(200).end();
        else response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
      })();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return { heard, addr: ['--addr', `http://127.0.0.1:${(server.address() as AddressInfo).port}`] };
  }

  it('are created with their descriptions', async () => {
    const { heard, addr } = await registry({ 'PUT /v1/namespace': namespace });
    expect(await here(['namespaces', 'create', 'team-a', '--description', 'of team A', '--meta', 'owner=ada', ...addr])).toEqual({ code: 0, stdout: 'created team-a\n', stderr: '' });
    expect(heard).toEqual(['PUT /v1/namespace {"Name":"team-a","Description":"of team A","Meta":{"owner":"ada"}}']);
    expect(JSON.parse((await here(['namespaces', 'create', 'team-a', '--json', ...addr])).stdout)).toEqual(namespace);
  });

  it('are listed for people and for programs, including those that are being removed', async () => {
    const all = [namespace, { Name: 'old', DeletedAt: '2026-11-29T07:00:00Z', Meta: null }];
    const { addr } = await registry({ 'GET /v1/namespaces': all });
    const { stdout } = await here(['namespaces', 'list', ...addr]);
    expect(stdout).toMatch(/^team-a +of team A +owner=ada$/m);
    expect(stdout).toMatch(/^old \(being removed\)/m);
    expect(JSON.parse((await here(['namespaces', 'list', '--json', ...addr])).stdout)).toEqual(all);
  });

  it('are removed by name; a missing one is exit code 3', async () => {
    const { heard, addr } = await registry({ 'DELETE /v1/namespace/team-a': 'nothing' });
    expect(await here(['namespaces', 'delete', 'team-a', ...addr])).toEqual({ code: 0, stdout: 'removed team-a and everything in it\n', stderr: '' });
    expect(await here(['namespaces', 'delete', 'nope', ...addr])).toEqual({ code: 3, stdout: '', stderr: 'rollcall: no such namespace\n' });
    expect(heard).toEqual(['DELETE /v1/namespace/team-a', 'DELETE /v1/namespace/nope']);
  });
});

it('keeps programs of one service name apart, through an outage of the registry and its restart', async () => {
  const [registryPort, portA, portB] = [await freePort(), await freePort(), await freePort()];
  const args = ['--data-dir', folder(), '--http', `127.0.0.1:${registryPort}`];
  const first = await serve(...args);
  await createNamespaces(first.url, 'team-a', 'team-b');
  const program = (name: string, port: number) =>
    `require('node:http').createServer((request, response) => response.end('${name}')).listen(${port}, '127.0.0.1', () => console.log('listening'));`;
  const running = [
    { namespace: 'team-a', port: portA, name: 'of team-a' },
    { namespace: 'team-b', port: portB, name: 'of team-b' },
  ].map(({ namespace, port, name }) => ({
    ...{ namespace, port, name },
    process: start(['run', 'web', '--id', 'web-1', '--port', String(port), '--namespace', namespace, '--addr', first.url, '--', process.execPath, '-e', program(name, port)]),
  }));
  // Before the processes are killed: `run` takes its program with it only when it is asked.
  onTestFinished(async () => {
    for (const { process } of running) process.child.kill('SIGTERM');
    await Promise.all(running.map(({ process }) => process.ended));
  });
  const clients = new Map<string, Rollcall>();
  for (const namespace of ['team-a', 'team-b', 'default']) {
    const client = await connect({ servers: [first.url], namespace });
    onTestFinished(() => client.close());
    clients.set(namespace, client);
  }
  const webOf = (namespace: string) => (clients.get(namespace) as Rollcall).service('web');
  /** Waits until every client knows its own instance and no other; `known` gives the instances of a client. */
  const allApart = async (known: { readonly stale: boolean; readonly status?: string }) => {
    const { stale, ...more } = known;
    for (const { namespace, port, name } of running) {
      const service = webOf(namespace);
      await vi.waitFor(() => expect(service.snapshot()).toMatchObject({ stale, instances: [{ id: 'web-1', port, ...more }] }), 20_000);
      expect(await (await service.fetch('/')).text()).toBe(name);
    }
    expect(await webOf('default').instances()).toEqual([]);
  };
  await allApart({ stale: false, status: 'passing' });

  first.child.kill('SIGKILL');
  await first.ended;
  await allApart({ stale: true });

  const second = await serve(...args);
  await allApart({ stale: false, status: 'passing' });
  for (const { namespace, port } of running) {
    const listed = await rollcall(['instances', 'web', '--json', '--namespace', namespace, '--addr', second.url]);
    expect((JSON.parse(listed.stdout) as Listed).instances).toMatchObject([{ id: 'web-1', port }]);
  }
  expect(await rollcall(['instances', 'web', '--addr', second.url])).toMatchObject({ code: 3 });

  // One of them ends; the other stays registered.
  const [a, b] = running as [(typeof running)[0], (typeof running)[0]];
  a.process.child.kill('SIGTERM');
  await a.process.ended;
  await vi.waitFor(async () => expect(await webOf('team-a').instances()).toEqual([]), 20_000);
  expect((await webOf('team-b').instances()).map((instance) => instance.port)).toEqual([b.port]);
});
