import { beforeEach, describe, expect, it } from 'vitest';
import { RegistryError, type InstanceRegistration, type ReplyFrame, type WelcomeFrame } from '@rollcall/protocol';
import { manualClock, type ManualClock } from '../../../server/src/manual-clock.case.ts';
import { Registrations } from './registrations.ts';
import type { Ask } from './requests.ts';
import type { ConnectionEvent } from './connection-event.ts';

const instance = (id: string, port = 80): InstanceRegistration => ({ id, service: 'web', port });
const greeting = (resumed: boolean) => ({ resumed }) as WelcomeFrame;

class FakeConnection {
  accepting = false;
  urged = 0;
  readonly asked: { ask: Ask; resolve: (reply: ReplyFrame) => void; reject: (error: unknown) => void }[] = [];

  urge(): void {
    this.urged++;
  }

  ask(ask: Ask): Promise<ReplyFrame> {
    return new Promise((resolve, reject) => this.asked.push({ ask, resolve, reject }));
  }

  /** Answers the oldest question; an error code refuses it. */
  async answer(error?: RegistryError): Promise<string> {
    const next = this.asked.shift();
    if (next === undefined) return 'nothing was asked';
    if (error === undefined) next.resolve({ type: 'done', id: 2, applied: true });
    else next.reject(error);
    await new Promise((resolve) => setImmediate(resolve));
    const { ask } = next;
    if (ask.type === 'register') return `register ${ask.instances.map(({ id, port }) => `${id}:${port}`).join()}`;
    return ask.type === 'deregister' ? `deregister ${ask.instances.join()}` : ask.type;
  }
}

let connection: FakeConnection;
let clock: ManualClock;
let registrations: Registrations;
let events: ConnectionEvent[];
const kept = { timeoutMs: 5_000 };
beforeEach(() => {
  events = [];
  connection = new FakeConnection();
  clock = manualClock();
  registrations = new Registrations({ connection, clock, random: () => 0.5, timeoutMs: 5_000, onEvent: (event) => events.push(event) });
});

function open(): void {
  connection.accepting = true;
  registrations.opened();
}

describe('registrations that the registry refuses', () => {
  const denied = new RegistryError('permission_denied', 'no');

  it('reject waiting callers at once, and are tried again slowly until they are closed', async () => {
    open();
    registrations.want('a', instance('a'));
    const failed = expect(registrations.confirmed('a', kept)).rejects.toBe(denied);
    await connection.answer(denied);
    await failed;
    await expect(registrations.confirmed('a', kept)).rejects.toBe(denied);
    clock.advance(4_999);
    expect(connection.asked).toEqual([]);
    clock.advance(5_001);
    expect(await connection.answer(denied)).toBe('register a:80');
    clock.advance(10_000);
    expect(await connection.answer()).toBe('register a:80');
    await registrations.confirmed('a', kept);
    expect(events.map(({ kind }) => kind)).toEqual(['not-registered', 'not-registered', 'registered']);
    expect(events[0]).toEqual({ kind: 'not-registered', id: 'a', service: 'web', code: 'permission_denied', reason: 'no' });
  });

  it('are not tried again once they are closed', async () => {
    open();
    registrations.want('a', instance('a'));
    await connection.answer(denied);
    registrations.want('a', undefined);
    expect(await connection.answer()).toBe('deregister a');
    clock.advance(60_000);
    expect(connection.asked).toEqual([]);
  });

  it('that were never sent are closed without a registry', async () => {
    registrations.want('a', instance('a'));
    const waiting = registrations.confirmed('a', { timeoutMs: Infinity });
    registrations.want('a', undefined);
    await waiting;
    expect(registrations.size).toBe(0);
    clock.advance(60_000);
    expect(events).toEqual([]);
  });

  it('are reported when no registry was reachable within the time limit, and when one is found', async () => {
    registrations.want('a', instance('a'));
    clock.advance(4_999);
    expect(events).toEqual([]);
    clock.advance(1);
    expect(events).toMatchObject([{ kind: 'not-registered', id: 'a', code: 'unavailable' }]);
    open();
    await connection.answer();
    registrations.greeted(greeting(false));
    await connection.answer();
    expect(events.slice(1)).toEqual([{ kind: 'registered', id: 'a', service: 'web' }, { kind: 'registered', id: 'a', service: 'web' }]);
  });

  it('are tried again, slowly, when the registry had them before', async () => {
    open();
    registrations.want('a', instance('a'));
    await connection.answer();
    registrations.greeted(greeting(false));
    expect(await connection.answer(denied)).toBe('register a:80');
    clock.advance(4_999);
    expect(connection.asked).toEqual([]);
    clock.advance(5_001);
    expect(await connection.answer()).toBe('register a:80');
    clock.advance(60_000);
    expect(connection.asked).toEqual([]);
  });

  it('reject waiting callers when no registry accepts the client, and are tried again later', async () => {
    registrations.want('a', instance('a'));
    const confirmed = registrations.confirmed('a', kept);
    expect(connection.urged).toBe(1);
    registrations.refused(denied);
    await expect(confirmed).rejects.toBe(denied);
    open();
    expect(await connection.answer()).toBe('register a:80');
  });
});

describe('registrations', () => {
  it('wait for a registry and go in one frame', async () => {
    registrations.want('a', instance('a'));
    registrations.want('b', instance('b'));
    const confirmed = registrations.confirmed('b', kept);
    expect(connection.asked).toEqual([]);
    open();
    expect(await connection.answer()).toBe('register a:80,b:80');
    await confirmed;
    expect(connection.asked).toEqual([]);
  });

  it('are sent in their newest form after the frame that was under way', async () => {
    open();
    registrations.want('a', instance('a', 1));
    registrations.want('a', instance('a', 2));
    registrations.want('a', instance('a', 3));
    expect(await connection.answer()).toBe('register a:1');
    expect(await connection.answer()).toBe('register a:3');
    registrations.want('a', undefined);
    expect(await connection.answer()).toBe('deregister a');
    expect(registrations.size).toBe(0);
  });

  it('are sent again when the registry has lost them, and only then', async () => {
    open();
    registrations.want('a', instance('a'));
    await connection.answer();
    connection.accepting = false;
    registrations.lost();
    connection.accepting = true;
    registrations.greeted(greeting(true));
    expect(await connection.answer()).toBe('nothing was asked');
    registrations.greeted(greeting(false));
    expect(await connection.answer()).toBe('register a:80');
    registrations.pushed({ type: 'session-lost' });
    expect(await connection.answer()).toBe('nothing was asked');
    clock.advance(500);
    expect(await connection.answer()).toBe('register a:80');
  });

  it('whose answer was lost with the link are sent again', async () => {
    open();
    registrations.want('a', instance('a'));
    const confirmed = registrations.confirmed('a', kept);
    connection.accepting = false;
    await connection.answer(new RegistryError('unknown_outcome', 'the connection broke'));
    expect(connection.asked).toEqual([]);
    connection.accepting = true;
    registrations.greeted(greeting(true));
    expect(await connection.answer()).toBe('register a:80');
    await confirmed;
  });

  it('that are refused together are sent one by one, so that only the wrong one fails', async () => {
    registrations.want('a', instance('a'));
    registrations.want('bad', instance('bad'));
    registrations.want('c', instance('c'));
    const results = Promise.allSettled(['a', 'bad', 'c'].map((id) => registrations.confirmed(id, kept)));
    open();
    const refused = new RegistryError('already_exists', 'taken');
    expect(await connection.answer(refused)).toBe('register a:80,bad:80,c:80');
    expect(await connection.answer()).toBe('register a:80');
    expect(await connection.answer(refused)).toBe('register bad:80');
    expect(await connection.answer()).toBe('register c:80');
    expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    registrations.want('d', instance('d'));
    registrations.want('e', instance('e'));
    expect(await connection.answer()).toBe('register d:80');
    expect(await connection.answer()).toBe('register e:80');
  });

  it('are tried again later when the registry is unavailable, up to the deadline of the waiting caller', async () => {
    open();
    registrations.want('a', instance('a'));
    const confirmed = registrations.confirmed('a', kept);
    await connection.answer(new RegistryError('unavailable', 'shutting down'));
    expect(connection.asked).toEqual([]);
    clock.advance(750);
    await connection.answer(new RegistryError('unavailable', 'still shutting down'));
    clock.advance(4_250);
    await expect(confirmed).rejects.toMatchObject({ message: 'still shutting down' });
    // The registration is still tried: only the waiting caller has given up.
    expect(await connection.answer()).toBe('register a:80');
  });

  it('that are new are refused by a registry without room; those that it had are tried again', async () => {
    open();
    registrations.want('old', instance('old'));
    await connection.answer();
    const full = new RegistryError('resource_exhausted', 'no room');
    registrations.want('new', instance('new'));
    const refused = expect(registrations.confirmed('new', kept)).rejects.toMatchObject({ code: 'resource_exhausted' });
    await connection.answer(full);
    await refused;
    registrations.want('new', undefined);
    expect(await connection.answer()).toBe('deregister new');
    registrations.greeted(greeting(false));
    expect(await connection.answer(full)).toBe('register old:80');
    expect(connection.asked).toEqual([]);
    clock.advance(750);
    expect(await connection.answer()).toBe('register old:80');
  });

  it('end with the client', async () => {
    registrations.want('a', instance('a'));
    const confirmed = registrations.confirmed('a', kept);
    registrations.closed();
    await expect(confirmed).rejects.toMatchObject({ code: 'cancelled' });
    expect(registrations.size).toBe(0);
  });
});
