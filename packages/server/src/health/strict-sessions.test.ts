/** Strict sessions: they end after one TTL without renewal, at once, also while others are frozen. */

import { describe, expect, it } from 'vitest';
import { findSession } from '../registry/kind/session/find.ts';
import type { SessionCreate } from '../registry/kind/session/commands.ts';
import { livenessOfTest } from './liveness.case.ts';

const ttlMs = 2_000;
const create = (id: string, strict: boolean): SessionCreate => ({ kind: 'session-create', namespace: 'default', id, name: '', node: '', liveness: 'ttl', ttlMs, lockDelayMs: 0, behavior: 'release', checks: [], ...(strict ? { strict } : {}) });

describe('a strict session', () => {
  it('ends after one TTL without a renewal, where another one has two', async () => {
    const { replica, liveness, pass } = await livenessOfTest();
    for (const [id, strict] of [['strict', true], ['renewed', true], ['usual', false]] as const) await replica.submit(create(id, strict));
    await pass(ttlMs - 200);
    const left = () => ['strict', 'renewed', 'usual'].filter((id) => findSession(replica.state, 'default', id) !== undefined);
    expect(left()).toEqual(['strict', 'renewed', 'usual']);
    expect(liveness.renewSession('default', 'renewed', 'p')).toBe(true);
    await pass(300);
    expect(left()).toEqual(['renewed', 'usual']);
    await pass(ttlMs);
    expect(left()).toEqual(['usual']);
  });

  it('has the time of an exact one, which a freeze keeps', async () => {
    const { replica, pass } = await livenessOfTest();
    await replica.submit({ ...create('exact', false), exact: true });
    await pass(ttlMs - 200);
    expect(findSession(replica.state, 'default', 'exact')).toBeDefined();
    await pass(1_500);
    expect(findSession(replica.state, 'default', 'exact')).toBeUndefined();
  });

  it('ends also while expiry is frozen, where another one stays', async () => {
    const { replica, liveness, pass, createSession } = await livenessOfTest();
    for (let at = 0; at < 12; at++) {
      const [id, node] = [`stream${at}`, `host${at}`];
      await createSession(id, 'stream', 1_000, node);
      await liveness.streamOpened('default', id, node);
      const instances = [0, 1].map((nth) => ({ id: `${id}-${nth}`, service: `service${at}`, session: id }));
      await replica.submit({ kind: 'register', namespace: 'default', node: { name: node, address: '10.0.0.1' }, nodeMode: 'exists', instances });
    }
    for (let at = 0; at < 12; at++) await liveness.streamClosed('default', `stream${at}`);
    await pass(2_500);
    expect(liveness.status().frozen).toBe(true);
    await replica.submit(create('strict', true));
    await pass(ttlMs + 200);
    expect([findSession(replica.state, 'default', 'strict'), liveness.status().frozen, findSession(replica.state, 'default', 'stream1')?.id]).toEqual([undefined, true, 'stream1']);
  });

  it('its end is tried again when it cannot be committed', async () => {
    const { replica, pass, setOutage } = await livenessOfTest();
    await replica.submit(create('s', true));
    setOutage(new Error('the disk is full'));
    await pass(ttlMs + 200);
    expect(findSession(replica.state, 'default', 's')).toBeDefined();
    setOutage(undefined);
    await pass(1_000);
    expect(findSession(replica.state, 'default', 's')).toBeUndefined();
  });

  it('a verdict on it does nothing once it was renewed in the log, and its time starts again', async () => {
    const { replica } = await livenessOfTest();
    await replica.submit(create('s', true));
    await replica.submit(create('usual', false));
    const judged = { key: 'session\0default\0s', revision: findSession(replica.state, 'default', 's')?.modified ?? 0 };
    expect(await replica.submit({ kind: 'session-renew', namespace: 'default', id: 's' })).toBe(true);
    expect(await replica.submit({ kind: 'session-destroy', namespace: 'default', id: 's', judged })).toBe(false);
    expect(await replica.submit({ kind: 'session-renew', namespace: 'default', id: 'usual' })).toBe(false);
    expect(await replica.submit({ kind: 'session-renew', namespace: 'default', id: 'none' })).toBe(false);
  });
});
