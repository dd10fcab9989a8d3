/** Which connections are accepted, and which are refused. */

import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { manualClock } from '../manual-clock.case.ts';
import { ConnectionGuard, type Refusal } from './connection-guard.ts';

function guarded(connectionsMax: number, connectionsPerAddressMax: number) {
  const clock = manualClock();
  const lines: { msg: string; unlogged: number; address: string }[] = [];
  const refused: Refusal[] = [];
  const guard = new ConnectionGuard({
    limits: { connectionsMax, connectionsPerAddressMax },
    clock,
    log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }),
    onRefused: (reason) => refused.push(reason),
  });
  const from = (remoteAddress: string | undefined) => {
    let destroyed = false;
    const socket = Object.assign(new EventEmitter(), { remoteAddress, destroy: () => (destroyed = true) });
    const admitted = guard.admit(socket as unknown as Socket);
    expect(destroyed).toBe(!admitted);
    return { admitted, leave: () => void socket.emit('close') };
  };
  return { guard, clock, lines, refused, from };
}

describe('one address', () => {
  it('gets connections up to its limit, and new ones after it closes some', () => {
    const { guard, from, refused } = guarded(100, 2);
    const first = from('10.0.0.7');
    expect([first.admitted, from('10.0.0.7').admitted, from('10.0.0.7').admitted]).toEqual([true, true, false]);
    expect(from('10.0.0.8').admitted).toBe(true);
    first.leave();
    expect([from('10.0.0.7').admitted, from('10.0.0.7').admitted]).toEqual([true, false]);
    expect(refused).toEqual(['address', 'address']);
    expect(guard.open).toBe(3);
  });

  it.each([
    ['IPv4 written as IPv6', '10.0.0.7', '::ffff:10.0.0.7'],
    ['two addresses of one /64', '2001:db8:0:1::1', '2001:db8:0:1:ffff::2'],
  ])('is one in every spelling: %s', (_name, one, other) => {
    const { from } = guarded(100, 1);
    expect([from(one).admitted, from(other).admitted]).toEqual([true, false]);
  });

  it.each([['127.0.0.1'], ['::1'], ['::ffff:127.0.0.1'], [undefined]])('has no limit per address here: %s', (address) => {
    const { from, refused } = guarded(100, 1);
    for (let time = 0; time < 5; time++) expect(from(address).admitted).toBe(true);
    expect(refused).toEqual([]);
  });
});

describe('all addresses together', () => {
  it('share the total limit of connections', () => {
    const { from, refused } = guarded(2, 100);
    expect([from('127.0.0.1').admitted, from('10.0.0.7').admitted, from('10.0.0.8').admitted]).toEqual([true, true, false]);
    expect(refused).toEqual(['total']);
  });
});

describe('a flood', () => {
  it('writes one log line a second, with the number of refusals since the last', () => {
    const { from, lines, clock, refused } = guarded(100, 1);
    from('10.0.0.7');
    for (let time = 0; time < 1_000; time++) from('10.0.0.7');
    expect(lines).toMatchObject([{ address: '10.0.0.7', unlogged: 0, msg: 'connection refused: too many are open from its address' }]);
    clock.advance(1_000);
    from('10.0.0.7');
    expect(lines[1]).toMatchObject({ unlogged: 999 });
    expect(refused).toHaveLength(1_001);
  });
});
