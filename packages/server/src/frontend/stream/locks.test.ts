/** Locks over the native stream: sessions and their ends, waiting over connections, what renewals tell, guarded transactions. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findContender } from '../../registry/kind/lock/find.ts';
import { lockView } from '../../registry/kind/lock/views.ts';
import { findSession } from '../../registry/kind/session/find.ts';
import { sessionsView } from '../../registry/kind/session/views.ts';
import { createServer, type Server } from '../../server.ts';
import { newSession, SocketClient, type Told } from './socket-client.case.ts';

let server: Server;
const clients: SocketClient[] = [];

beforeEach(async () => {
  server = await createServer({});
});
afterEach(async () => {
  for (const { webSocket } of clients.splice(0)) webSocket.terminate();
  await server.close();
});

const name = 'jobs/a';

/** A stream with a session of locks that has one contender. */
async function member(more: object = {}, session = newSession(), contender = newSession().id) {
  const client = await SocketClient.greeted(server.url);
  clients.push(client);
  await client.ask({ type: 'lock-session', session, ttlMs: 60_000, name, ...more });
  const of = { session: session.id, name, contender };
  return {
    client,
    session,
    contender,
    acquire: (with_: object = {}) => client.ask({ type: 'lock-acquire', ...of, ...with_ }),
    release: () => client.ask({ type: 'lock-release', ...of }),
    transfer: (to: string) => client.ask({ type: 'lock-transfer', ...of, to }),
    renew: (token: unknown) => client.ask({ type: 'lock-renew', session: session.id, grants: [{ name, contender, token }] }),
    txn: (token: unknown, ...operations: object[]) => client.ask({ type: 'txn', grants: [{ name, contender, token }], operations }),
    /** Resolves when the registry has the contender. */
    waits: () => becomes(() => findContender(server.registry.state, 'default', name, contender) !== undefined),
  };
}

/** Resolves once it is so; looks after every change of a lock or a session. */
function becomes(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stops: (() => void)[] = [];
    const look = () => {
      if (!holds()) return;
      for (const stop of stops) stop();
      resolve();
    };
    for (const view of ['locks\0default', lockView('default', name), sessionsView('default')]) stops.push(server.registry.views.watch(view, look));
    look();
  });
}

const holds = (told: Told) => (told.type === 'locked' && told.state === 'holds' ? BigInt(told.token as string) : undefined);

describe('a lock over streams', () => {
  it('is given to one, and then to the next, whose token is higher', async () => {
    const [one, two] = [await member(), await member()];
    const first = holds(await one.acquire({ value: 'host-1' })) as bigint;
    const second = two.acquire();
    await two.waits();
    expect(await one.release()).toMatchObject({ type: 'done', applied: true });
    expect(holds(await second)).toBeGreaterThan(first);
    expect(await one.renew(String(first))).toMatchObject({ type: 'lock-renewed', applied: true, lost: [one.contender] });
  });

  it('is shown with the clients that hold it and wait for it', async () => {
    const [one, two] = [await member(), await member()];
    await one.acquire();
    const second = two.acquire();
    await two.waits();
    const about = { client: 'test', address: '127.0.0.1' };
    const shown: unknown = await (await fetch(`${server.url}/rollcall/v1/locks?name=${name}`)).json();
    expect(shown).toMatchObject({ holders: [{ contender: one.contender, ...about }], waiting: [{ contender: two.contender, ...about }] });
    const listed: unknown = await (await fetch(`${server.url}/rollcall/v1/locks/list`)).json();
    expect(listed).toMatchObject({ locks: [{ holders: [{ contender: one.contender, ...about }] }] });
    await one.release();
    await second;
  });

  it('is busy, or late, for a contender with little time, which then does not wait any more', async () => {
    const [one, two] = [await member(), await member()];
    await one.acquire();
    expect(await two.acquire({ waitMs: 0 })).toMatchObject({ type: 'locked', state: 'busy' });
    expect(await two.acquire({ waitMs: 20 })).toMatchObject({ type: 'locked', state: 'late' });
    expect(findContender(server.registry.state, 'default', name, two.contender)).toBeUndefined();
  });

  it('goes to the contender that its holder names', async () => {
    const [one, two, three] = [await member(), await member(), await member()];
    await one.acquire();
    void two.acquire();
    await two.waits();
    const third = three.acquire();
    await three.waits();
    expect(await one.transfer(three.contender)).toMatchObject({ applied: true });
    expect(holds(await third)).toBeDefined();
    expect(await one.transfer(two.contender)).toMatchObject({ applied: false });
  });

  it('is seen by observers, without those that wait', async () => {
    const [one, two] = [await member(), await member()];
    const observer = await SocketClient.greeted(server.url);
    clients.push(observer);
    await observer.ask({ type: 'watch', views: [{ kind: 'lock', name }] });
    const { token } = (await one.acquire({ value: 'host-1' })) as unknown as { token: string };
    const seen = (of: Told): unknown => (of.type === 'snapshot' ? of.items : of.type === 'delta' ? of.put : []);
    expect(seen(await observer.take((told) => (seen(told) as unknown[]).length > 0))).toEqual([{ contender: one.contender, token, sinceMs: expect.any(Number) as number, value: 'host-1' }]);
    void two.acquire();
    await two.waits();
    await one.release();
    expect(seen(await observer.take((told) => JSON.stringify(seen(told)).includes(two.contender)))).toMatchObject([{ contender: two.contender }]);
  });
});

describe('a session of locks', () => {
  it('survives its stream, and its contender keeps its place', async () => {
    const [one, two, three] = [await member(), await member(), await member()];
    const token = holds(await one.acquire());
    void two.acquire();
    await two.waits();
    void three.acquire();
    await three.waits();
    two.client.webSocket.terminate();
    one.client.webSocket.terminate();
    const back = await member({}, one.session, one.contender);
    expect(await back.renew(String(token))).toMatchObject({ applied: true, lost: [] });
    const again = await member({}, two.session, two.contender);
    const next = again.acquire();
    await back.release();
    expect(holds(await next)).toBeDefined();
  });

  it('that is bound ends with its stream, at once', async () => {
    const [one, two] = [await member({ bound: true }), await member()];
    await one.acquire();
    const next = two.acquire();
    await two.waits();
    one.client.webSocket.terminate();
    expect(holds(await next)).toBeDefined();
    expect(findSession(server.registry.state, 'default', one.session.id)).toBeUndefined();
  });

  it('that is bound stays when its client says that it goes elsewhere, or has opened it on another stream', async () => {
    for (const end of ['left', 'elsewhere'] as const) {
      const one = await member({ bound: true });
      if (end === 'elsewhere') await member({ bound: true }, one.session);
      if (end === 'left') one.client.webSocket.close(4004);
      else one.client.webSocket.terminate();
      const other = await member();
      await other.client.ask({ type: 'get', view: { kind: 'services', name: '' } });
      expect([end, findSession(server.registry.state, 'default', one.session.id)?.strict]).toEqual([end, true]);
    }
  });

  it('belongs to the client with its secret, and to the streams that have opened it', async () => {
    const one = await member();
    const thief = await SocketClient.greeted(server.url);
    clients.push(thief);
    const of = { session: one.session.id, name, contender: one.contender };
    await one.acquire();
    expect(await thief.ask({ type: 'lock-session', session: { ...newSession(), id: one.session.id }, ttlMs: 60_000, name })).toMatchObject({ code: 'permission_denied' });
    for (const frame of [{ type: 'lock-release', ...of }, { type: 'lock-end', session: of.session }, { type: 'lock-renew', session: of.session, grants: [] }]) {
      expect(await thief.ask(frame)).toMatchObject({ code: 'not_found', message: expect.stringContaining('is not open on this stream') });
    }
    // A session that Consul's API has made belongs to no stream.
    const { ID } = (await (await fetch(`${server.url}/v1/session/create`, { method: 'PUT', body: '{}' })).json()) as { ID: string };
    expect(await thief.ask({ type: 'lock-session', session: { ...newSession(), id: ID }, ttlMs: 60_000, name })).toMatchObject({ code: 'permission_denied' });
    expect(await one.release()).toMatchObject({ applied: true });
  });

  it('that an operator ends is told at its next renewal', async () => {
    const one = await member();
    const token = holds(await one.acquire());
    await fetch(`${server.url}/v1/session/destroy/${one.session.id}`, { method: 'PUT' });
    expect(await one.renew(String(token))).toMatchObject({ applied: false, lost: [one.contender] });
  });

  it('is one of 64 that a stream may have open', async () => {
    const client = await SocketClient.greeted(server.url);
    clients.push(client);
    for (let at = 0; at < 64; at++) await client.ask({ type: 'lock-session', session: newSession(), ttlMs: 60_000, name });
    expect(await client.ask({ type: 'lock-session', session: newSession(), ttlMs: 60_000, name })).toMatchObject({ code: 'resource_exhausted' });
  });
});

describe('a transaction', () => {
  const put = (key: string, value: string, cas?: number) => ({ type: 'put', key, value: Buffer.from(value).toString('base64'), ...(cas === undefined ? {} : { cas }) });

  it('writes while the grant stands, and nothing afterwards', async () => {
    const [one, two] = [await member(), await member()];
    const token = String(holds(await one.acquire()));
    expect(await one.txn(token, put('a', '1'), put('b', '1', 0))).toMatchObject({ type: 'committed', applied: true });
    expect(await one.txn(token, put('a', '2'), put('b', '2', 0))).toMatchObject({ applied: false, failed: 1 });
    const next = two.acquire();
    await two.waits();
    await one.release();
    expect(await one.txn(token, put('a', '3'))).toMatchObject({ applied: false, fenced: true });
    expect(await two.txn(String(holds(await next)), { type: 'delete', key: 'b' }, put('a', '4'))).toMatchObject({ applied: true });
    const told = await two.client.ask({ type: 'get', view: { kind: 'prefix', name: '' } });
    expect(told).toMatchObject({ items: [{ key: 'a', value: Buffer.from('4').toString('base64') }] });
  });
});
