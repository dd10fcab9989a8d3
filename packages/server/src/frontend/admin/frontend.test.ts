/** The admin routes over real HTTP: statuses, bodies, callers that are refused, and long bodies. */

import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { RegistryError } from '@rollcall/protocol';
import { oneProcess, parsed, startAdmin } from './admin.case.ts';
import type { AdminDeps, ProcessStatus } from './deps.ts';

const open: { close(): Promise<void> }[] = [];

async function start(deps: Partial<AdminDeps> = {}) {
  const started = await startAdmin(deps);
  open.push(started);
  return started;
}

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

function deferred<T = void>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

describe('health of the server itself', () => {
  it('is alive and ready once it serves', async () => {
    const { call } = await start();
    for (const path of ['/healthz', '/readyz']) {
      const reply = await call('GET', path);
      expect([reply.status, reply.body.toString()]).toEqual([200, 'ok\n']);
      expect(reply.headers['cache-control']).toBe('no-store');
    }
  });

  it('stays alive but not ready while it shuts down or does not follow the store, with the reason', async () => {
    const { call } = await start({ notReady: () => 'the store is lost' });
    expect((await call('GET', '/healthz')).status).toBe(200);
    const reply = await call('GET', '/readyz');
    expect(reply.status).toBe(503);
    expect(parsed(reply)).toEqual({
      code: 'unavailable',
      message: 'the store is lost',
    });
  });

  it('answers HEAD without a body', async () => {
    const { call } = await start();
    const reply = await call('HEAD', '/healthz');
    expect([reply.status, reply.body.length, reply.headers['content-length']]).toEqual([200, 0, '3']);
  });
});

describe('paths and methods', () => {
  it('lists the paths in the error for an unknown one', async () => {
    const { call } = await start();
    const reply = await call('GET', '/metrics/nope');
    expect(reply.status).toBe(404);
    expect(parsed(reply)['code']).toBe('not_found');
    expect(parsed(reply)['message']).toContain('/rollcall/v1/backup');
  });

  it('lists the methods in the error for another method', async () => {
    const { call } = await start();
    const reply = await call('DELETE', '/rollcall/v1/restore');
    expect([reply.status, reply.headers.allow]).toEqual([405, 'PUT, POST']);
  });

  it('counts answers by route, not by path', async () => {
    const { call } = await start();
    await call('GET', '/healthz');
    await call('GET', '/healthz/secret-4711');
    const page = (await call('GET', '/metrics')).body.toString();
    expect(page).toContain('rollcall_http_requests_total{route="/healthz",status="200"} 1');
    expect(page).toContain('rollcall_http_requests_total{route="admin",status="404"} 1');
    expect(page).not.toContain('secret-4711');
  });
});

describe('pages of other origins', () => {
  it.each([
    ['PUT', '/rollcall/v1/restore'],
    ['POST', '/rollcall/v1/expiry/override'],
    ['GET', '/rollcall/v1/backup'],
    ['GET', '/rollcall/v1/status'],
    ['GET', '/metrics'],
  ])('may not %s %s', async (method, path) => {
    const done: string[] = [];
    const { call, port } = await start({
      restore: () => Promise.resolve(done.push('restore')).then(() => ({ records: 0, revision: 0 })),
      overrideExpiry: async () => ({ expired: done.push('override'), missing: [] }),
      async *backup() {
        done.push('backup');
        yield Buffer.from('secret');
      },
    });
    for (const headers of [
      { origin: 'https://evil.test' },
      { host: 'evil.test', origin: 'http://evil.test' },
      { host: 'rebound.test' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      const reply = await call(method, path, { headers: headers as Record<string, string> });
      expect(reply.status).toBe(403);
      expect(parsed(reply)['code']).toBe('permission_denied');
    }
    expect(done).toEqual([]);
    expect((await call(method, path, { headers: { origin: `http://127.0.0.1:${port}` } })).status).toBe(200);
  });
});

describe('a backup', () => {
  it('is streamed while it is created', async () => {
    const second = deferred();
    const { port } = await start({
      async *backup() {
        yield Buffer.from('one ');
        await second.promise;
        yield Buffer.from('two');
      },
    });
    const body = await new Promise<string>((resolve, reject) => {
      const request = httpRequest({ host: '127.0.0.1', port, path: '/rollcall/v1/backup' }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          // The rest of the backup is made after the first part has arrived here.
          second.resolve();
        });
        response.on('end', () => resolve(text));
      });
      request.on('error', reject);
      request.end();
    });
    expect(body).toBe('one two');
  });

  it('that fails before its first byte is an error', async () => {
    const { call } = await start({
      // oxlint-disable-next-line require-yield
      async *backup() {
        throw new RegistryError('unavailable', 'the registry is shutting down');
      },
    });
    const reply = await call('GET', '/rollcall/v1/backup');
    expect([reply.status, parsed(reply)['code']]).toEqual([503, 'unavailable']);
  });

  it('that fails in the middle is visibly incomplete', async () => {
    const { call } = await start({
      async *backup() {
        yield Buffer.from('half');
        throw new RegistryError('data_loss', 'cannot read on');
      },
    });
    const reply = await call('GET', '/rollcall/v1/backup');
    expect([reply.status, reply.complete]).toEqual([200, false]);
  });

  it('ends when its client disconnects', async () => {
    const ended = deferred();
    const { port } = await start({
      async *backup() {
        try {
          for (;;) yield Buffer.alloc(65_536);
        } finally {
          ended.resolve();
        }
      },
    });
    const request = httpRequest({ host: '127.0.0.1', port, path: '/rollcall/v1/backup' }, (response) => {
      response.on('error', () => {});
      response.destroy();
    });
    request.end();
    await ended.promise;
  });

  it('is aborted when its client reads nothing for 30 s, and another may start', async () => {
    const ended = deferred();
    const full = deferred();
    let chunks = 0;
    const { port, clock, call } = await start({
      async *backup() {
        try {
          // More than any socket buffers; the reader never reads.
          for (;;) {
            if (++chunks === 2) full.resolve();
            yield Buffer.alloc(8_388_608);
          }
        } finally {
          ended.resolve();
        }
      },
    });
    const requests = Array.from({ length: 4 }, () => {
      const request = httpRequest({ host: '127.0.0.1', port, path: '/rollcall/v1/backup', agent: false });
      request.on('response', (response) => response.pause().on('error', () => {}));
      request.on('error', () => {});
      request.end();
      return new Promise((resolve) => request.on('response', resolve));
    });
    await Promise.all([...requests, full.promise]);
    const refused = await call('GET', '/rollcall/v1/backup');
    expect([refused.status, parsed(refused)['code']]).toEqual([429, 'resource_exhausted']);
    // A wheel may fire a deadline a tick late.
    clock.advance(31_000);
    await ended.promise;
  });
});

describe('a restore', () => {
  it('passes the body on and answers with the records and revision', async () => {
    const taken: Buffer[] = [];
    const { call } = await start({
      async restore(backup) {
        for await (const chunk of backup) taken.push(chunk);
        return { records: 3, revision: 1_000_007 };
      },
    });
    const body = Buffer.alloc(300_000, 'x');
    const reply = await call('PUT', '/rollcall/v1/restore', { body });
    expect([reply.status, parsed(reply)]).toEqual([200, { records: 3, revision: 1_000_007 }]);
    expect(Buffer.concat(taken).equals(body)).toBe(true);
  });

  it('of bytes that are not a backup is answered with 400', async () => {
    const { call } = await start({
      restore: () => Promise.reject(new RegistryError('invalid_argument', 'not a Rollcall backup')),
    });
    const reply = await call('PUT', '/rollcall/v1/restore', { body: Buffer.alloc(1_000_000) });
    expect([reply.status, parsed(reply)]).toEqual([
      400,
      { code: 'invalid_argument', message: 'not a Rollcall backup' },
    ]);
  });

  it('that stops reading early is answered as well', async () => {
    const { call } = await start({
      async restore(backup) {
        for await (const chunk of backup) {
          throw new RegistryError('invalid_argument', `not a Rollcall backup: it begins with ${chunk[0]}`);
        }
        return { records: 0, revision: 0 };
      },
    });
    // Far more than sockets buffer: the client is still sending when the answer comes.
    const reply = await call('PUT', '/rollcall/v1/restore', { body: Buffer.alloc(30_000_000, 7) });
    expect([reply.status, parsed(reply)]).toEqual([
      400,
      { code: 'invalid_argument', message: 'not a Rollcall backup: it begins with 7' },
    ]);
  });

  it('larger than the limit is refused before a byte is read', async () => {
    const { port } = await start({ restore: () => Promise.reject(new Error('must not be called')) });
    const status = await new Promise((resolve, reject) => {
      const headers = { 'content-length': '1073741825' };
      const request = httpRequest(
        { host: '127.0.0.1', port, path: '/rollcall/v1/restore', method: 'PUT', headers, agent: false },
        (response) => {
          resolve(response.statusCode);
          request.destroy();
        },
      );
      request.on('error', reject);
      request.flushHeaders();
    });
    expect(status).toBe(413);
  });

  it('is refused while another runs, and shutting down waits for it', async () => {
    const restoring = deferred();
    const begun = deferred();
    const order: string[] = [];
    const { call, frontend } = await start({
      async restore() {
        begun.resolve();
        await restoring.promise;
        order.push('restored');
        return { records: 1, revision: 2 };
      },
    });
    const first = call('PUT', '/rollcall/v1/restore');
    await begun.promise;
    const second = await call('PUT', '/rollcall/v1/restore');
    expect([second.status, parsed(second)['code']]).toEqual([409, 'aborted']);
    const closed = frontend.close().then(() => order.push('closed'));
    restoring.resolve();
    expect((await first).status).toBe(200);
    await closed;
    expect(order).toEqual(['restored', 'closed']);
  });
});

describe('the operator’s override', () => {
  it('lets frozen leases expire, and answers with their number and with the nodes that have not answered', async () => {
    let frozen = true;
    const { call } = await start({
      async overrideExpiry() {
        frozen = false;
        return { expired: 12, missing: ['s3'] };
      },
      processes: async () => oneProcess({ liveness: frozen ? { frozen, sinceMs: 1_000, held: 12, share: 0.5 } : { frozen, held: 0, share: 0 } }),
    });
    const before = parsed(await call('GET', '/rollcall/v1/status'));
    expect(before['liveness']).toEqual({ frozen: true, sinceMs: 1_000, held: 12, share: 0.5 });
    const reply = await call('POST', '/rollcall/v1/expiry/override');
    expect([reply.status, parsed(reply)]).toEqual([200, { expired: 12, missing: ['s3'] }]);
    const after = parsed(await call('GET', '/rollcall/v1/status'));
    expect(after['liveness']).toEqual({ frozen: false, held: 0, share: 0 });
  });
});

describe('the status page', () => {
  it('names each process of a server with workers, and adds up the leases that wait', async () => {
    const [first] = oneProcess({ liveness: { frozen: true, sinceMs: 5, held: 2, share: 0.4, kinds: { check: 2 } } });
    const processes = [
      first as ProcessStatus,
      { process: 'worker 1', pid: 2, ready: true, revision: 7, liveness: { frozen: true, sinceMs: 6, held: 5, share: 0.4, kinds: { check: 1, stream: 4 } } },
      { process: 'worker 2', pid: 3, ready: false, reason: 'it is behind', revision: 3, liveness: { frozen: false, held: 0, share: 0.4 } },
    ];
    const { call } = await start({ processes: async () => processes });
    expect(parsed(await call('GET', '/rollcall/v1/status'))).toMatchObject({
      ready: false,
      liveness: { frozen: true, sinceMs: 6, held: 7, kinds: { check: 3, stream: 4 } },
      processes: [{ process: 'primary', held: 2 }, { process: 'worker 1', pid: 2, revision: 7, held: 5 }, { process: 'worker 2', ready: false, reason: 'it is behind' }],
    });
  });

  it('names the server and counts its rows', async () => {
    const { call, replica, port } = await start();
    await replica.submit({
      kind: 'register',
      namespace: 'default',
      node: { name: 'n1', address: '10.0.0.1' },
      nodeMode: 'update',
      instances: [{ id: 'w1', service: 'web' }],
      checks: [{ id: 'c1', name: 'c1', instance: 'w1', status: 'critical' }],
    });
    await replica.submit({ kind: 'kv-put', namespace: 'default', key: 'a/b', value: Buffer.from('1'), flags: 0n });
    expect(parsed(await call('GET', '/rollcall/v1/status'))).toEqual({
      version: '1.2.3',
      datacenter: 'dc1',
      registryId: '22222222-2222-4222-8222-222222222222',
      nodeName: 'here',
      nodeId: '11111111-1111-4111-8111-111111111111',
      httpPort: port,
      ready: true,
      revision: replica.state.revision,
      counts: {
        nodes: 1,
        nodesAvailable: 1,
        services: 1,
        servicesAvailable: 0,
        instances: 1,
        checks: 1,
        sessions: 0,
        kvKeys: 1,
      },
      namespaces: [{ namespace: 'default', services: 1, servicesAvailable: 0, instances: 1 }],
      availability: 0.5,
      liveness: { frozen: false, held: 0, share: 0 },
    });
  });
});
