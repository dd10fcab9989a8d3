/** A client of a registry with access control and with TLS, over real servers. */

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { TestAuthority, type Issued } from '../../../server/src/net/certificates.case.ts';
import { findInstance } from '../../../server/src/registry/kind/catalog/find.ts';
import { serviceView } from '../../../server/src/registry/kind/catalog/views.ts';
import { grantor, management, type Grantor } from '../../../server/src/security/grantor.case.ts';
import type { ServerOptions } from '../../../server/src/server-options.ts';
import { createServer, type Server } from '../../../server/src/server.ts';
import { stallMeter } from '../../../server/src/stall-meter.case.ts';
import { connect, type ConnectOptions } from '../connect.ts';
import type { Rollcall } from '../client.ts';
import type { ConnectionEvent } from './connection-event.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rollcall-access-'));
  const made = dir;
  onTestFinished(() => rmSync(made, { recursive: true }));
});

/** Writes a file as tools that renew secrets do: whole or not at all. */
function file(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
  return path;
}

async function serve(options: ServerOptions = {}): Promise<{ server: Server; grants: Grantor }> {
  const server = await createServer({ acl: { initialManagement: management }, nodeName: 'here', ...options });
  const grants = grantor(server.registry);
  onTestFinished(async () => {
    grants.close();
    await server.close();
  });
  return { server, grants };
}

interface Told {
  readonly rollcall: Rollcall;
  readonly events: ConnectionEvent[];
  /** The next event of that kind, past or future. */
  readonly event: <K extends ConnectionEvent['kind']>(kind: K) => Promise<Extract<ConnectionEvent, { kind: K }>>;
}

async function client(options: ConnectOptions): Promise<Told> {
  const events: ConnectionEvent[] = [];
  let onEvent = () => {};
  let taken = 0;
  const rollcall = await connect({
    timeoutMs: 20_000,
    ...options,
    onEvent(event) {
      events.push(event);
      onEvent();
    },
  });
  onTestFinished(() => rollcall.close());
  const next = (kind: string) => events.findIndex((event, at) => at >= taken && event.kind === kind);
  return {
    rollcall,
    events,
    event: (kind) =>
      new Promise((resolve) => {
        onEvent = () => {
          const at = next(kind);
          if (at < 0) return;
          taken = at + 1;
          onEvent = () => {};
          resolve(events[at] as never);
        };
        onEvent();
      }),
  };
}

describe('a token', () => {
  it('of a service is enough to register it and to find others', async () => {
    const { server, grants } = await serve();
    const { secret } = await grants.token('', { serviceIdentities: [{ service: 'web', datacenters: [] }] });
    const { rollcall } = await client({ servers: [server.url], token: secret });
    await rollcall.register({ service: 'web', port: 80 });
    expect((await rollcall.services()).map(({ service }) => service)).toEqual(['consul', 'web']);
    await expect(rollcall.register({ service: 'db' })).rejects.toMatchObject({ code: 'permission_denied', message: expect.stringContaining('service:write') });
    await expect(rollcall.kv.put('a', Buffer.from(''))).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('that is unknown fails waiting calls at once, and is reported once', async () => {
    const { server } = await serve();
    const { rollcall, events } = await client({ servers: [server.url], token: 'wrong' });
    const meter = stallMeter();
    onTestFinished(() => meter.stop());
    const operations = [rollcall.register({ service: 'web' }), rollcall.services(), rollcall.service('web').instances(), rollcall.kv.get('a')];
    for (const ended of await Promise.allSettled(operations)) {
      expect(ended).toMatchObject({ reason: { code: 'unauthenticated', message: expect.stringContaining('no token has this secret') } });
    }
    await expect(rollcall.services()).rejects.toMatchObject({ code: 'unauthenticated' });
    // A second try, started by the last operation, comes after a second.
    expect(meter.elapsedMs()).toBeLessThan(5_000);
    expect(events).toEqual([{ kind: 'refused', server: server.url, code: 'unauthenticated', reason: expect.stringContaining('no token has this secret') }]);
  });

  it('from a file is replaced in the file: no call fails, and nothing is registered again', async () => {
    const { server, grants } = await serve();
    const rules = 'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" }';
    const [first, second] = [await grants.token(rules), await grants.token(rules)];
    const tokenFile = file('token', `${first.secret}\n`);
    const { rollcall, event } = await client({ servers: [server.url], tokenFile });
    await rollcall.register({ service: 'web', id: 'w', port: 80 });
    const { modified } = findInstance(server.registry.state, 'default', 'here', 'w') ?? {};
    await event('connected');
    file('token', second.secret);
    await grants.revoke(first);
    expect(await event('disconnected')).toMatchObject({ reason: 'token gone' });
    expect(await event('connected')).toMatchObject({ resumed: true });
    expect(findInstance(server.registry.state, 'default', 'here', 'w')?.modified).toBe(modified);
  });

  it('from a file that is replaced too late is used within seconds, even without a call', async () => {
    const { server, grants } = await serve();
    const rules = 'service_prefix "" { policy = "write" }';
    const [first, second] = [await grants.token(rules), await grants.token(rules)];
    const tokenFile = file('token', first.secret);
    const { event } = await client({ servers: [server.url], tokenFile });
    await event('connected');
    await grants.revoke(first);
    await event('refused');
    file('token', second.secret);
    const meter = stallMeter();
    onTestFinished(() => meter.stop());
    await event('connected');
    // By itself it would be tried again after 5 to 10 s.
    expect(meter.elapsedMs()).toBeLessThan(4_500);
  });

  it('that was revoked keeps the last known lists', async () => {
    const { server, grants } = await serve();
    const token = await grants.token('service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }');
    const { rollcall, event } = await client({ servers: [server.url], token: token.secret });
    const admin = await client({ servers: [server.url], token: management });
    await admin.rollcall.register({ service: 'web', id: 'w', port: 80 });
    const service = rollcall.service('web');
    expect((await service.instances()).map(({ id }) => id)).toEqual(['w']);
    await grants.revoke(token);
    await event('refused');
    expect(service.snapshot()).toMatchObject({ stale: true, instances: [{ id: 'w' }] });
    expect(await service.instances()).toHaveLength(1);
  });

  it('may be written late: a missing file is read once it exists', async () => {
    const { server } = await serve();
    const tokenFile = join(dir, 'token');
    const { rollcall, event } = await client({ servers: [server.url], tokenFile });
    expect(await event('refused')).toMatchObject({ code: 'unauthenticated', reason: expect.stringContaining('cannot read the token file: ENOENT') });
    file('token', management);
    await rollcall.kv.put('a', Buffer.from('x'));
  });

  it('that loses the right to an instance registers it again when it has the right', async () => {
    const { server, grants } = await serve();
    const rules = 'service "web" { policy = "write" }';
    const token = await grants.token(rules);
    const { rollcall } = await client({ servers: [server.url], token: token.secret });
    await rollcall.register({ service: 'web', id: 'w', port: 80 });
    await grants.change(token, '');
    // An operator ends the session, so that the client registers again, and may not.
    const { session = '' } = findInstance(server.registry.state, 'default', 'here', 'w') ?? {};
    await server.registry.submit({ kind: 'session-destroy', namespace: 'default', id: session });
    expect(findInstance(server.registry.state, 'default', 'here', 'w')).toBeUndefined();
    await grants.change(token, rules);
    await new Promise<void>((resolve) => {
      const unwatch = server.registry.views.watch(serviceView('default', 'web'), () => {
        unwatch();
        resolve();
      });
    });
    expect(findInstance(server.registry.state, 'default', 'here', 'w')?.service).toBe('web');
  });
});

describe('content that may not be read', () => {
  it('is refused, with the name of the permission', async () => {
    const { server } = await serve();
    const { rollcall } = await client({ servers: [server.url] });
    await expect(rollcall.service('web').instances()).rejects.toMatchObject({ code: 'permission_denied', message: expect.stringContaining('service:read') });
    await expect(rollcall.kv.watch({ key: 'a' }).next()).rejects.toMatchObject({ code: 'permission_denied' });
    expect(await rollcall.services()).toEqual([]);
  });

  it('appears once it may be read, although the revision of the view has not changed', async () => {
    const { server, grants } = await serve();
    const admin = await client({ servers: [server.url], token: management });
    await admin.rollcall.register({ service: 'web', id: 'w' });
    await admin.rollcall.register({ service: 'db', id: 'd' });
    const token = await grants.token('service "web" { policy = "read" }');
    const { rollcall } = await client({ servers: [server.url], token: token.secret });
    const lists = rollcall.watchServices();
    const names = async () => ((await lists.next()).value ?? []).map(({ service }) => service);
    expect(await names()).toEqual(['web']);
    await grants.change(token, 'service_prefix "" { policy = "read" }');
    expect(await names()).toEqual(['consul', 'db', 'web']);
  });
});

describe('TLS', () => {
  const authority = new TestAuthority();

  async function serveTls(wanted: Parameters<TestAuthority['issue']>[0] = {}, more: object = {}): Promise<{ url: string; server: Server }> {
    const { cert, key }: Issued = authority.issue(wanted);
    const https = { certFile: file('server.crt', cert), keyFile: file('server.key', key), ...more };
    const { server } = await serve({ http: false, https });
    return { url: server.url, server };
  }

  async function reason(options: ConnectOptions): Promise<string> {
    const { event } = await client({ token: management, ...options });
    return (await event('unreachable')).reason;
  }

  const caFile = () => file('ca.crt', authority.cert);

  it('works for all calls when the authority is configured', async () => {
    const { url } = await serveTls();
    expect(url).toMatch(/^https:/);
    const { rollcall } = await client({ servers: [url], token: management, caFile: caFile() });
    await rollcall.register({ service: 'web', port: 80 });
    expect(await rollcall.service('web').instances()).toHaveLength(1);
  });

  it('sends a certificate to a registry that requires one', async () => {
    const { url } = await serveTls({}, { caFile: caFile(), verifyIncoming: true });
    const own = authority.issue({ names: ['a client'] });
    const files = { certFile: file('client.crt', own.cert), keyFile: file('client.key', own.key) };
    const { rollcall } = await client({ servers: [url], token: management, caFile: caFile(), ...files });
    expect((await rollcall.services()).length).toBe(1);
    expect(await reason({ servers: [url], caFile: caFile() })).toMatch(/wants a certificate of this client.*certFile and keyFile/);
    const other = new TestAuthority('another').issue();
    const foreign = { certFile: file('other.crt', other.cert), keyFile: file('other.key', other.key) };
    expect(await reason({ servers: [url], caFile: caFile(), ...foreign })).toMatch(/wants a certificate of this client.*certFile and keyFile/);
  });

  it('names the fault of a certificate, its host, and the option that helps', async () => {
    const { url } = await serveTls();
    const { host } = new URL(url);
    expect(await reason({ servers: [url] })).toMatch(new RegExp(`^the certificate of ${host} is not signed by an authority that is trusted here .*caFile`));
    expect(await reason({ servers: [url], caFile: file('other.crt', new TestAuthority('another').cert) })).toContain('is not signed by an authority');
    expect(await reason({ servers: [url.replace('https', 'http')] })).toContain('speaks TLS, write https://');
  });

  it('accepts a certificate for another name only with tlsServerName', async () => {
    const { url } = await serveTls({ names: ['registry.internal'] });
    expect(await reason({ servers: [url], caFile: caFile() })).toMatch(/is for another name.*registry\.internal.*tlsServerName/);
    const { rollcall } = await client({ servers: [url], token: management, caFile: caFile(), tlsServerName: 'registry.internal' });
    expect((await rollcall.services()).length).toBe(1);
  });

  it('refuses an expired certificate', async () => {
    const { url } = await serveTls({ notAfter: new Date('2021-01-01T00:00:00Z') });
    expect(await reason({ servers: [url], caFile: caFile() })).toContain('has expired');
  });

  it('is reported as missing on a plain server', async () => {
    const plain = createHttpServer().listen(0, '127.0.0.1');
    onTestFinished(() => void plain.close());
    await new Promise((resolve) => plain.on('listening', resolve));
    const { port } = plain.address() as AddressInfo;
    expect(await reason({ servers: [`https://127.0.0.1:${port}`] })).toContain('does not speak TLS there; write http://');
  });

  it('reads a replaced authority file with the next connection', async () => {
    const { url } = await serveTls();
    const path = file('late.crt', new TestAuthority('another').cert);
    const { rollcall, event } = await client({ servers: [url], token: management, caFile: path });
    await event('unreachable');
    file('late.crt', authority.cert);
    await rollcall.kv.put('a', Buffer.from('x'));
  });
});
