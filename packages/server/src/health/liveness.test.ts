/** The rules of liveness: a restart, a stall or a cut of the network expires no check; the death of an instance does. */

import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.ts';
import { memory } from '../engine/memory/memory.ts';
import { manualClock } from '../manual-clock.case.ts';
import { encodeRow, keyOf } from '../registry/kinds.ts';
import { findCheck } from '../registry/kind/catalog/find.ts';
import { livenessOfTest, startLiveness, turns } from './liveness.case.ts';

const ttl = (ttlMs: number) => ({ type: 'ttl', definition: { ttlMs } }) as const;
/** The longest that an expiry may come after the deadline: hold, sweep and ticks. */
const slackMs = 1_200;

const names = (count: number, prefix = 'i') => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe('an instance without heartbeats', () => {
  it('becomes critical when its TTL has passed, with its last output', async () => {
    const { register, beat, pass, row } = await livenessOfTest();
    await register('web', ttl(10_000));
    await pass(5_000);
    expect(await beat('web', 'passing', 'all is well')).toBe(true);
    await pass(9_900);
    expect(row('web')?.status).toBe('passing');
    await pass(100 + slackMs);
    expect(row('web')).toMatchObject({
      status: 'critical',
      output: 'TTL expired (last output before timeout follows): all is well',
    });
  });

  it('becomes critical without an output if it never had one, and only once', async () => {
    const { register, pass, row } = await livenessOfTest();
    await register('web', ttl(10_000));
    await pass(10_000 + slackMs);
    expect(row('web')).toMatchObject({ status: 'critical', output: 'TTL expired' });
    const { modified } = row('web')!;
    await pass(60_000);
    expect(row('web')?.modified).toBe(modified);
  });

  it('is passing again with its next heartbeat, and expires again after that', async () => {
    const { register, beat, pass, status } = await livenessOfTest();
    await register('web', ttl(10_000));
    await pass(10_000 + slackMs);
    await beat('web');
    expect(status('web')).toBe('passing');
    await pass(9_900);
    expect(status('web')).toBe('passing');
    await pass(100 + slackMs);
    expect(status('web')).toBe('critical');
  });

  it('stays passing when a heartbeat comes within a second after the deadline', async () => {
    const { register, beat, pass, status, submitted } = await livenessOfTest();
    await register('web', ttl(10_000));
    await pass(10_500);
    await beat('web');
    await pass(5_000);
    expect(status('web')).toBe('passing');
    expect(submitted).toEqual([]);
  });

  it('has a full second, even if others expired shortly before', async () => {
    const { register, beat, pass, status, submitted } = await livenessOfTest();
    await register('first', ttl(10_000));
    await pass(500);
    await register('second', ttl(10_000));
    await pass(9_500 + slackMs);
    await beat('second');
    await pass(3_000);
    expect([status('first'), status('second')]).toEqual(['critical', 'passing']);
    expect(submitted).toHaveLength(1);
  });

  it('ends as passing when its heartbeat comes while its expiry is being committed', async () => {
    const { register, beat, pass, status, holdCommits, submitted } = await livenessOfTest();
    await register('web', ttl(10_000));
    const release = holdCommits();
    await pass(10_000 + slackMs);
    expect(submitted).toHaveLength(1);
    const answered = beat('web');
    release();
    expect(await answered).toBe(true);
    expect(status('web')).toBe('passing');
    await pass(9_000);
    expect(status('web')).toBe('passing');
  });

  it('leaves a check critical that its owner has set to critical, and adds that its heartbeats have stopped', async () => {
    const { register, beat, pass, row } = await livenessOfTest();
    await register('web', ttl(10_000));
    await beat('web', 'critical', 'disk full');
    await pass(10_000 + slackMs);
    expect(row('web')).toMatchObject({
      status: 'critical',
      output: 'TTL expired (last output before timeout follows): disk full',
    });
  });

  it('gets a deadline when another caller sets it to passing', async () => {
    const { replica, register, pass, status } = await livenessOfTest();
    await register('web', ttl(10_000));
    await pass(10_000 + slackMs);
    await replica.submit({
      kind: 'update-checks',
      updates: [{ namespace: 'default', node: 'node-web', id: 'check-web', status: 'passing' }],
    });
    await pass(9_900);
    expect(status('web')).toBe('passing');
    await pass(100 + slackMs);
    expect(status('web')).toBe('critical');
  });

  it('gets a new deadline when its TTL changes, and loses it when its check is removed or gets another type', async () => {
    const { replica, register, pass, status, liveness, beat } = await livenessOfTest();
    for (const name of ['longer', 'removed', 'retyped']) await register(name, ttl(10_000));
    await pass(9_000);
    await register('longer', ttl(30_000));
    await replica.submit({ kind: 'deregister-check', namespace: 'default', node: 'node-removed', id: 'check-removed' });
    await register('retyped', { type: 'none' });
    await pass(29_900);
    expect(status('longer')).toBe('passing');
    expect(status('retyped')).toBe('passing');
    expect(await beat('removed')).toBe(false);
    expect(await beat('retyped')).toBe(false);
    await pass(100 + slackMs);
    expect(status('longer')).toBe('critical');
    expect(liveness.status().held).toBe(0);
  });
});

describe('a session', () => {
  it('with a TTL ends when it was not renewed for two TTLs', async () => {
    const { createSession, session, liveness, pass } = await livenessOfTest();
    await createSession('s', 'ttl', 10_000);
    await pass(15_000);
    expect(liveness.renewSession('default', 's', 'owner')).toBe(true);
    await pass(19_900);
    expect(session('s')).toBeDefined();
    await pass(100 + slackMs);
    expect(session('s')).toBeUndefined();
    expect(liveness.renewSession('default', 's', 'owner')).toBe(false);
  });

  it('without a TTL never ends by time and cannot be renewed', async () => {
    const { createSession, session, liveness, pass } = await livenessOfTest();
    await createSession('s', 'ttl', 0);
    expect(liveness.renewSession('default', 's', 'owner')).toBe(false);
    await pass(60_000);
    expect(session('s')).toBeDefined();
  });

  it('cannot be renewed after its end was submitted to the log', async () => {
    const { createSession, session, liveness, pass, submitted, holdCommits } = await livenessOfTest();
    await createSession('s', 'ttl', 1_000);
    const release = holdCommits();
    await pass(2_000 + slackMs);
    expect(submitted).toEqual([{ kind: 'session-destroy', namespace: 'default', id: 's', judged: { key: 'session\0default\0s', revision: session('s')?.modified } }]);
    expect(session('s')).toBeDefined();
    expect(liveness.renewSession('default', 's', 'owner')).toBe(false);
    release();
    await turns();
    expect(session('s')).toBeUndefined();
  });
});

describe('an instance that a stream vouches for', () => {
  async function withStream(graceMs = 10_000) {
    const one = await livenessOfTest();
    await one.createSession('s', 'stream', graceMs);
    await one.liveness.streamOpened('default', 's', 'owner');
    await one.register('web', { type: 'stream', session: 's' });
    return one;
  }

  it('becomes critical at once when the stream closes, and is removed after the grace', async () => {
    const { liveness, status, exists, session, pass } = await withStream();
    await pass(60_000);
    expect(status('web')).toBe('passing');
    await liveness.streamClosed('default', 's');
    expect(status('web')).toBe('critical');
    await pass(9_900);
    expect(exists('web')).toBe(true);
    await pass(100 + slackMs);
    expect(exists('web')).toBe(false);
    expect(session('s')).toBeUndefined();
  });

  it('passes again and stays when the stream comes back in time', async () => {
    const { liveness, status, pass } = await withStream();
    await liveness.streamClosed('default', 's');
    await pass(9_000);
    await liveness.streamOpened('default', 's', 'owner');
    expect(status('web')).toBe('passing');
    await pass(120_000);
    expect(status('web')).toBe('passing');
  });

  it('does not return after it was removed', async () => {
    const { liveness, replica } = await withStream();
    await replica.submit({ kind: 'session-destroy', namespace: 'default', id: 's' });
    await expect(liveness.streamOpened('default', 's', 'owner')).rejects.toMatchObject({ code: 'not_found' });
    await liveness.streamClosed('default', 's');
  });

  it('gets its state committed after an outage', async () => {
    const { liveness, status, setOutage, pass } = await withStream();
    setOutage(new Error('no store'));
    await liveness.streamClosed('default', 's');
    await pass(3_000);
    expect(status('web')).toBe('passing');
    setOutage(undefined);
    await pass(slackMs);
    expect(status('web')).toBe('critical');
  });

  it('gets only its last state committed, when it changed during an outage', async () => {
    const { liveness, status, setOutage, pass } = await withStream();
    setOutage(new Error('no store'));
    await liveness.streamClosed('default', 's');
    await liveness.streamOpened('default', 's', 'owner');
    setOutage(undefined);
    await pass(slackMs);
    expect(status('web')).toBe('passing');
  });
});

describe('after a restart of the registry', () => {
  it('every deadline starts with its full time, and no check becomes critical before it', async () => {
    const engine = memory();
    const before = await startLiveness({ engine });
    for (const name of names(8)) await before.register(name, ttl(10_000));
    await before.createSession('lock', 'ttl', 10_000);
    await before.pass(9_000);
    await before.close();

    // A new clock, as in a new process; the heartbeats of an hour are missing.
    const after = await livenessOfTest({ engine });
    await after.pass(9_900);
    for (const name of names(8)) expect(after.status(name)).toBe('passing');
    await after.beat('i0');
    await after.pass(9_000);
    expect(after.status('i0')).toBe('passing');
    expect(after.session('lock')).toBeDefined();
    await after.pass(1_000 + slackMs);
    expect(after.session('lock')).toBeUndefined();
  });

  it('the end of a session that a crash interrupted is completed', async () => {
    const engine = memory();
    const before = await startLiveness({ engine });
    await before.createSession('lock', 'ttl', 0);
    await before.close();
    const cut = { ...before.session('lock')!, ending: true } as const;
    await engine.commit({ expect: [], put: [{ key: keyOf(cut), value: encodeRow(cut) }], delete: [] });

    const after = await livenessOfTest({ engine });
    await after.pass(slackMs);
    expect(after.session('lock')).toBeUndefined();
  });

  it('expiries from before are not committed again', async () => {
    const engine = memory();
    const before = await startLiveness({ engine });
    await before.register('web', { ...ttl(10_000), output: 'fine' });
    await before.pass(10_000 + slackMs);
    const { output, modified } = before.row('web')!;
    await before.close();
    const after = await livenessOfTest({ engine });
    await after.pass(60_000);
    expect(after.row('web')).toMatchObject({ status: 'critical', output, modified });
  });

  it('streams get their grace, at least 10 s, and their checks keep their status', async () => {
    const engine = memory();
    const before = await startLiveness({ engine });
    for (const id of ['back', 'gone']) {
      await before.createSession(id, 'stream', 2_000);
      await before.liveness.streamOpened('default', id, 'owner');
      await before.register(id, { type: 'stream', session: id });
    }
    await before.close();

    const after = await livenessOfTest({ engine });
    await after.pass(9_900);
    expect(after.status('back')).toBe('passing');
    expect(after.status('gone')).toBe('passing');
    await after.liveness.streamOpened('default', 'back', 'owner');
    await after.pass(100 + slackMs);
    expect(after.exists('gone')).toBe(false);
    await after.pass(60_000);
    expect(after.status('back')).toBe('passing');
  });
});

describe('during a stall of the registry', () => {
  it('no check expires after 5 s, even if the heartbeats arrive a second later', async () => {
    const { clock, register, beat, pass, status, metric, lines } = await livenessOfTest();
    // Too few instances for self-preservation, which would keep a dead one here.
    const all = names(8);
    for (const name of all) await register(name, ttl(2_000));
    for (let second = 0; second < 3; second++) {
      await pass(1_000);
      for (const name of all) await beat(name);
    }
    clock.stall(5_000);
    // Due timers run before the data in the sockets is read.
    clock.advance(0);
    await turns();
    await pass(1_000);
    for (const name of all) await beat(name);
    await pass(1_900);
    for (const name of all) expect(status(name)).toBe('passing');
    expect(await metric('rollcall_stalls_total')).toBe(1);
    expect(await metric('rollcall_stall_seconds_total')).toBeCloseTo(4.5, 0);
    expect(lines.some(({ msg }) => msg.includes('stalled'))).toBe(true);
    // Checks of dead instances still expire.
    await pass(100 + slackMs);
    expect(status('i0')).toBe('critical');
  });
});

describe('an expiry that is due when a stall ends', () => {
  it('waits until the sockets were read', async () => {
    const { clock, register, beat, pass, status, submitted } = await livenessOfTest();
    await register('web', ttl(2_000));
    // The deadline has passed; the heartbeat is late, but not too late: it is in the socket.
    await pass(2_600);
    clock.stall(5_000);
    clock.advance(0);
    setImmediate(() => void beat('web'));
    await turns();
    await pass(1_000);
    expect(submitted).toEqual([]);
    expect(status('web')).toBe('passing');
  });
});

describe('during a network cut', () => {
  /** Live instances on 21 hosts, of which eleven fall silent at once. */
  async function cut() {
    const one = await livenessOfTest();
    for (const name of names(21)) await one.register(name, ttl(10_000));
    const keepAlive = async (count: number, ms: number) => {
      for (let left = ms; left > 0; left -= 5_000) {
        for (const name of names(count)) await one.beat(name);
        await one.pass(Math.min(5_000, left));
      }
    };
    await keepAlive(10, 20_000);
    return { ...one, keepAlive };
  }

  it('a mass loss expires no check, and is shown in log and metrics', async () => {
    const { keepAlive, status, liveness, metric, lines } = await cut();
    await keepAlive(10, 60_000);
    for (const name of names(21)) expect(status(name)).toBe('passing');
    expect(liveness.status()).toMatchObject({ frozen: true, held: 11, share: 11 / 21, kinds: { check: 11 } });
    expect(liveness.status().sinceMs).toBeGreaterThan(0);
    expect(await metric('rollcall_expiry_frozen')).toBe(1);
    expect(await metric('rollcall_expiries_total')).toBe(0);
    expect(lines.filter(({ msg }) => msg.includes('frozen')).map(({ level }) => level)).toEqual([50]);
  });

  it('it ends when most are back, and the missing ones get another TTL', async () => {
    const { keepAlive, status, liveness, metric } = await cut();
    // All but three are back: without one of them, 10 % are missing.
    await keepAlive(18, 9_000);
    expect(liveness.status()).toEqual({ frozen: false, held: 0, share: 0 });
    expect(await metric('rollcall_expiry_frozen')).toBe(0);
    expect(status('i19')).toBe('passing');
    await keepAlive(18, 5_000);
    expect([status('i17'), status('i18'), status('i19')]).toEqual(['passing', 'critical', 'critical']);
  });

  it('an operator can declare the instances dead', async () => {
    const { keepAlive, status, liveness, metric } = await cut();
    expect(liveness.override()).toBe(11);
    await turns();
    expect([status('i9'), status('i10'), status('i19')]).toEqual(['passing', 'critical', 'critical']);
    expect(liveness.status()).toEqual({ frozen: false, held: 0, share: 0 });
    expect(await metric('rollcall_expiry_frozen')).toBe(0);
    expect(await metric('rollcall_expiries_total')).toBe(11);
    // The same loss does not start another freeze; the next death of a single instance counts.
    await keepAlive(9, 10_000 + 2 * slackMs);
    expect(status('i9')).toBe('critical');
    expect(liveness.status().frozen).toBe(false);
  });

  it('many checks expire in batches, except those that are renewed before their turn', async () => {
    const { replica, liveness, pass, submitted } = await livenessOfTest();
    const ids = names(2_500);
    for (const [node, from] of [['n', 0], ['m', 1_250]] as const) {
      const checks = ids.slice(from, from + 1_250).map((id) => ({ id, name: id, status: 'passing' as const, ...ttl(10_000) }));
      await replica.submit({ kind: 'register', namespace: 'default', node: { name: node, address: '10.0.0.1' }, nodeMode: 'ensure', checks });
    }
    await pass(10_000 + slackMs);
    expect(liveness.override()).toBe(2_500);
    expect(await liveness.beat('default', 'm', 'i2499', 'passing', '', 'owner')).toBe(true);
    await turns(40);
    const sizes = submitted.map((command) => (command.kind === 'update-checks' ? command.updates.length : 0));
    expect(sizes).toEqual([1_024, 1_024, 451]);
    expect(findCheck(replica.state, 'default', 'm', 'i2498')?.status).toBe('critical');
    expect(findCheck(replica.state, 'default', 'm', 'i2499')?.status).toBe('passing');
  });

  it('an override holds for the rest of the same event, too', async () => {
    const { beat, pass, status, liveness } = await cut();
    for (const name of names(9)) await beat(name);
    await pass(4_000);
    expect(liveness.override()).toBe(11);
    await pass(1_000 + slackMs);
    expect(status('i9')).toBe('critical');
    expect(liveness.status().frozen).toBe(false);
  });

  it('a gradual loss freezes, too, after a part of it has expired', async () => {
    const { register, pass, status, liveness } = await livenessOfTest();
    for (let pair = 0; pair < 20; pair++) {
      await register(`a${pair}`, ttl(10_000));
      await register(`b${pair}`, ttl(10_000));
      await pass(300);
    }
    await pass(30_000);
    expect(liveness.status().frozen).toBe(true);
    const lost = names(20, 'a').concat(names(20, 'b')).filter((name) => status(name) === 'critical');
    expect(lost.length).toBeLessThanOrEqual(8);
    expect(lost.length).toBeGreaterThan(0);
  });

  it('while it lasts, no other check expires either', async () => {
    const { keepAlive, status, liveness } = await cut();
    await keepAlive(9, 30_000);
    expect(status('i9')).toBe('passing');
    expect(liveness.status().held).toBe(12);
  });

  it('the share counts only leases that vouch for an instance now', async () => {
    const { register, beat, pass, replica, liveness } = await livenessOfTest();
    for (const name of names(12)) await register(name, ttl(10_000));
    for (const name of names(30, 'failed')) await register(name, ttl(3_600_000));
    for (const name of names(30, 'failed')) await beat(name, 'critical');
    for (const name of names(30, 'removed')) await register(name, ttl(3_600_000));
    for (const name of names(30, 'removed')) {
      await replica.submit({ kind: 'deregister-instance', namespace: 'default', node: `node-${name}`, id: name });
    }
    for (const name of names(3, 'repaired')) await register(name, { ...ttl(3_600_000), status: 'critical' });
    for (const name of names(3, 'repaired')) await beat(name, 'passing');
    await pass(10_000 + slackMs);
    expect(liveness.status()).toMatchObject({ frozen: true, held: 12, share: 12 / 15 });
  });

  it('streams that break together become critical, but are not removed', async () => {
    const { createSession, liveness, register, pass, status, exists } = await livenessOfTest();
    for (const id of names(20)) {
      await createSession(id, 'stream', 10_000, `host-${id}`);
      await liveness.streamOpened('default', id, `address of ${id}`);
      await register(id, { type: 'stream', session: id });
    }
    for (const id of names(12)) await liveness.streamClosed('default', id);
    for (const id of names(12)) expect(status(id)).toBe('critical');
    await pass(60_000);
    for (const id of names(20)) expect(exists(id)).toBe(true);
    expect(liveness.status()).toMatchObject({ frozen: true, held: 12, share: 0.6 });
    for (const id of names(12)) await liveness.streamOpened('default', id, `address of ${id}`);
    await pass(2_000);
    expect(liveness.status().frozen).toBe(false);
    for (const id of names(12)) expect(status(id)).toBe('passing');
  });

  it('the death of one process counts as one loss, for any number of instances', async () => {
    const { createSession, liveness, register, pass, exists } = await livenessOfTest();
    await createSession('big', 'stream', 10_000);
    await liveness.streamOpened('default', 'big', 'owner');
    for (const name of names(30)) await register(name, { type: 'stream', session: 'big' });
    await liveness.streamClosed('default', 'big');
    await pass(10_000 + slackMs);
    for (const name of names(30)) expect(exists(name)).toBe(false);
  });

  it('checks that vouch for no instance do not count: critical from the start, never reported', async () => {
    const { register, beat, pass, row, liveness } = await livenessOfTest();
    for (const name of names(30)) await register(name, { ...ttl(10_000), status: 'critical' });
    for (const name of names(5, 'live')) await register(name, ttl(60_000));
    await register('dead', ttl(10_000));
    await pass(10_000 + slackMs);
    expect(liveness.status().frozen).toBe(false);
    expect(row('i0')).toMatchObject({ status: 'critical', output: 'TTL expired' });
    expect(row('dead')?.status).toBe('critical');
    expect(await beat('live0')).toBe(true);
  });
});

describe('an expiry that cannot be committed', () => {
  it('is not lost: it is committed when the store is back', async () => {
    const { register, createSession, pass, status, session, setOutage, lines } = await livenessOfTest();
    await register('web', ttl(10_000));
    await createSession('s', 'ttl', 5_000);
    setOutage(new Error('no store'));
    await pass(20_000);
    expect(status('web')).toBe('passing');
    expect(lines.some(({ msg }) => msg.includes('could not be committed'))).toBe(true);
    setOutage(undefined);
    await pass(slackMs);
    expect(status('web')).toBe('critical');
    expect(session('s')).toBeUndefined();
  });

  it('is dropped when the instance comes back before that', async () => {
    const { register, beat, pass, status, setOutage } = await livenessOfTest();
    await register('web', ttl(10_000));
    setOutage(new Error('no store'));
    await pass(15_000);
    await beat('web').catch(() => {});
    setOutage(undefined);
    await pass(5_000);
    expect(status('web')).toBe('passing');
  });
});

describe('a row with an impossible time', () => {
  it('harms no other client', async () => {
    const { register, createSession, pass, status } = await livenessOfTest();
    await register('negative', ttl(-5));
    await register('timeless', { type: 'ttl' });
    await createSession('s', 'ttl', -1);
    await register('web', ttl(10_000));
    await pass(10_000 + slackMs);
    expect([status('negative'), status('timeless'), status('web')]).toEqual(['critical', 'passing', 'critical']);
  });
});

describe('after close', () => {
  it('no check expires, and no timer is left that could wake the process', async () => {
    const clock = manualClock();
    let waiting = 0;
    const counting: Clock = {
      ...clock,
      timer: (ms, callback) => {
        waiting++;
        let over = false;
        const end = () => {
          if (!over) waiting--;
          over = true;
        };
        const cancel = clock.timer(ms, () => {
          end();
          callback();
        });
        return () => {
          end();
          cancel();
        };
      },
    };
    const { register, liveness, submitted } = await livenessOfTest({ clock: counting });
    await register('web', ttl(1_000));
    await register('probed', { type: 'tcp', definition: { tcp: '127.0.0.1:9', intervalMs: 1_000 } });
    expect(waiting).toBeGreaterThan(0);
    liveness.close();
    expect(waiting).toBe(0);
    clock.advance(60_000);
    await turns();
    expect(submitted).toEqual([]);
    expect(waiting).toBe(0);
  });
});
