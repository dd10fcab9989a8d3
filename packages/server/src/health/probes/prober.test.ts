/** When checks are probed, how many at a time, and how results are reported. */

import type { CheckDefinition, CheckStatus } from '@rollcall/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../manual-clock.case.ts';
import type { UpdateChecks } from '../../registry/kind/catalog/commands.ts';
import { checkKey } from '../../registry/kind/catalog/keys.ts';
import type { CheckRow } from '../../registry/kind/catalog/rows.ts';
import type { Registry } from '../../registry/registry.ts';
import { logTo, turns } from '../liveness.case.ts';
import { Reports } from '../reports.ts';
import { Wheel } from '../wheel.ts';
import type { ProbeResult } from './probe.ts';
import { Prober } from './prober.ts';

const probers: Prober[] = [];
afterEach(() => {
  for (const prober of probers.splice(0)) prober.close();
});

const row = (id: string, definition: CheckDefinition = {}, status: CheckStatus = 'critical'): CheckRow => ({
  kind: 'check',
  namespace: 'default',
  node: 'n',
  id,
  name: id,
  status,
  notes: '',
  output: '',
  instance: id,
  type: 'tcp',
  definition: { tcp: `${id}:80`, intervalMs: 10_000, ...definition },
  created: 1,
  modified: 1,
});

/** A prober whose probes are answered by the test. */
function start(options: { runningMax?: number; random?: () => number } = {}) {
  const clock = manualClock();
  const wheel = new Wheel({
    clock,
    onError: (error) => {
      throw error;
    },
  });
  const updates: UpdateChecks['updates'][number][] = [];
  const rows = new Map<string, CheckRow>();
  const follow = (id: string, after: CheckRow | undefined, starting = false) => {
    if (after === undefined) rows.delete(id);
    else rows.set(id, after);
    prober.follow(checkKey('default', 'n', id), after, starting);
  };
  let outage: Error | undefined;
  const registry: Pick<Registry, 'submit'> = {
    submit: (command) => {
      if (outage !== undefined) return Promise.reject(outage);
      for (const update of command.kind === 'update-checks' ? command.updates : []) {
        updates.push(update);
        const before = rows.get(update.id);
        if (before !== undefined) follow(update.id, { ...before, ...update });
      }
      return Promise.resolve(1 as never);
    },
  };
  const log = logTo([]);
  const running: { id: string; signal: AbortSignal; answer: (result: ProbeResult | Error) => void }[] = [];
  const outcomes: string[] = [];
  const probe = ({ tcp = '' }: CheckDefinition, signal: AbortSignal) =>
    new Promise<ProbeResult>((resolve, reject) => {
      const one = {
        id: tcp.replace(':80', ''),
        signal,
        answer: (result: ProbeResult | Error) => {
          running.splice(running.indexOf(one), 1);
          if (result instanceof Error) reject(result);
          else resolve(result);
        },
      };
      running.push(one);
    });
  const prober = new Prober({
    probes: { http: probe, tcp: probe, grpc: probe, mcp: probe },
    wheel,
    reports: new Reports({ registry: registry as Registry, wheel, clock, log }),
    log,
    runningMax: options.runningMax ?? 128,
    random: options.random ?? (() => 0.5),
    onProbed: (kind, outcome) => outcomes.push(`${kind} ${outcome}`),
  });
  probers.push(prober);
  return {
    prober,
    updates,
    outcomes,
    /** Ids of the checks that are being probed, in order. */
    ids: () => running.map(({ id }) => id),
    signal: (id: string) => running.find((one) => one.id === id)?.signal,
    answer: async (id: string, result: CheckStatus | Error, output = 'said'): Promise<void> => {
      const one = running.find((each) => each.id === id);
      if (one === undefined) throw new Error(`${id} is not being probed`);
      one.answer(result instanceof Error ? result : { status: result, output });
      await turns(2);
    },
    setOutage: (error: Error | undefined) => (outage = error),
    add: (id: string, definition?: CheckDefinition, starting = false) => follow(id, row(id, definition), starting),
    follow,
    output: (id: string) => prober.report(checkKey('default', 'n', id))?.output,
    pass: async (ms: number): Promise<void> => {
      clock.advance(ms);
      await turns(2);
    },
  };
}

describe('a check', () => {
  it('is probed within a second of its registration, then in its interval, counted from the answer', async () => {
    const { add, pass, ids, answer } = start();
    add('web');
    await pass(490);
    expect(ids()).toEqual([]);
    await pass(20);
    expect(ids()).toEqual(['web']);
    await pass(4_000);
    await answer('web', 'passing');
    await pass(9_980);
    expect(ids()).toEqual([]);
    await pass(30);
    expect(ids()).toEqual(['web']);
  });

  it('from before the start of the server waits for a random share of its interval, at most half a minute', async () => {
    const { add, pass, ids } = start({ random: () => 0.9 });
    add('often', { intervalMs: 10_000 }, true);
    add('seldom', { intervalMs: 3_600_000 }, true);
    await pass(8_990);
    expect(ids()).toEqual([]);
    await pass(20);
    expect(ids()).toEqual(['often']);
    await pass(18_000);
    expect(ids()).toEqual(['often', 'seldom']);
  });

  it('is probed now when it is asked for, never twice at the same time, and then in its interval', async () => {
    const { add, pass, ids, answer, prober, updates } = start();
    add('web', { intervalMs: 10_000 });
    const key = checkKey('default', 'n', 'web');
    const first = prober.runNow(key);
    // The probe of its registration comes while that one runs.
    await pass(600);
    const second = prober.runNow(key);
    expect(ids()).toEqual(['web']);
    await answer('web', 'passing');
    expect(await Promise.all([first, second])).toEqual([{ status: 'passing', output: 'said' }, { status: 'passing', output: 'said' }]);
    expect(updates).toMatchObject([{ id: 'web', status: 'passing' }]);
    await pass(9_980);
    expect(ids()).toEqual([]);
    await pass(30);
    expect(ids()).toEqual(['web']);
  });

  it('that is removed while it is asked for has no result', async () => {
    const { add, follow, prober } = start();
    add('web');
    const asked = prober.runNow(checkKey('default', 'n', 'web'));
    follow('web', undefined);
    expect(await asked).toBeUndefined();
    expect(await prober.runNow(checkKey('default', 'n', 'web'))).toBeUndefined();
  });

  it('varies its interval by up to 5 %', async () => {
    for (const [random, ms] of [
      [0, 9_500],
      [0.999_999, 10_500],
    ] as const) {
      const { add, pass, ids, answer } = start({ random: () => random });
      add('web');
      await pass(1_010);
      await answer('web', 'passing');
      await pass(ms - 20);
      expect(ids()).toEqual([]);
      await pass(30);
      expect(ids()).toEqual(['web']);
    }
  });

  it('is probed at most once a second', async () => {
    const { add, pass, ids, answer } = start();
    add('web', { intervalMs: 1 });
    await pass(1_010);
    await answer('web', 'passing');
    await pass(980);
    expect(ids()).toEqual([]);
    await pass(30);
    expect(ids()).toEqual(['web']);
  });

  it('is never probed twice at the same time', async () => {
    const { add, pass, ids } = start();
    add('web', { timeoutMs: 3_600_000 });
    await pass(60_000);
    expect(ids()).toEqual(['web']);
  });

  it('becomes critical, with the reason, when no answer comes in time', async () => {
    const { follow, pass, signal, updates, outcomes } = start();
    follow('web', row('web', { timeoutMs: 3_000 }, 'passing'));
    await pass(510);
    const asked = signal('web');
    await pass(2_980);
    expect(asked?.aborted).toBe(false);
    await pass(30);
    expect(asked?.aborted).toBe(true);
    const output = 'TCP connect web:80: no answer within 3000 ms';
    expect(updates).toEqual([{ namespace: 'default', node: 'n', id: 'web', status: 'critical', output }]);
    expect(outcomes).toEqual(['tcp critical']);
  });

  it.each([{}, { timeoutMs: 0 }, { timeoutMs: -1 }])('waits 10 s for an answer by default: %j', async (definition) => {
    const { add, pass, signal } = start();
    add('web', definition);
    await pass(510);
    const asked = signal('web');
    await pass(9_980);
    expect(asked?.aborted).toBe(false);
    await pass(30);
    expect(asked?.aborted).toBe(true);
  });
});

describe('a result', () => {
  it('that changes the status is committed at once; one that changes only the output is kept', async () => {
    const { add, pass, answer, updates, output } = start();
    add('web', { timeoutMs: 3_600_000 });
    await pass(510);
    await answer('web', 'passing', 'first');
    expect(updates).toEqual([{ namespace: 'default', node: 'n', id: 'web', status: 'passing', output: 'first' }]);
    await pass(10_010);
    await answer('web', 'passing', 'second');
    expect(updates).toHaveLength(1);
    expect(output('web')).toBe('second');
    await pass(300_010);
    expect(updates.slice(1)).toEqual([{ namespace: 'default', node: 'n', id: 'web', output: 'second' }]);
  });

  it('is subject to the thresholds; below them neither status nor output changes', async () => {
    const { add, pass, answer, updates } = start();
    add('web', { failuresBeforeCritical: 2, timeoutMs: 1_000 }, true);
    await pass(5_010);
    await answer('web', 'passing', 'fine');
    await pass(10_010);
    await answer('web', new Error('refused'));
    expect(updates.map(({ status }) => status)).toEqual(['passing']);
    await pass(10_010);
    await answer('web', new Error('refused'));
    expect(updates.slice(1)).toEqual([{ namespace: 'default', node: 'n', id: 'web', status: 'critical', output: 'TCP connect web:80: refused' }]);
  });

  it('counts at once when it is the first after a registration, and like any other when it is the first after the start of the server', async () => {
    const thresholds = { failuresBeforeCritical: 2 };
    for (const starting of [true, false]) {
      const { follow, pass, answer, updates } = start();
      follow('web', row('web', thresholds, 'passing'), starting);
      await pass(5_010);
      await answer('web', new Error('refused'));
      expect(updates).toHaveLength(starting ? 0 : 1);
    }
  });

  it('that could not be committed is committed with the next one', async () => {
    const { add, pass, answer, updates, setOutage } = start();
    add('web');
    await pass(510);
    setOutage(new Error('no store'));
    await answer('web', 'passing');
    setOutage(undefined);
    await pass(10_010);
    await answer('web', 'passing');
    expect(updates.map(({ status }) => status)).toEqual(['passing']);
  });

  it('is dropped when the check has been removed, and its probe is aborted', async () => {
    const { add, follow, pass, signal, ids, answer, updates, outcomes } = start();
    add('web');
    await pass(510);
    const asked = signal('web');
    follow('web', undefined);
    expect(asked?.aborted).toBe(true);
    await answer('web', 'passing');
    await pass(60_000);
    expect([ids(), updates, outcomes]).toEqual([[], [], []]);
  });

  it('is dropped when the check has been redefined; the new one starts from the beginning', async () => {
    const { add, follow, pass, ids, answer, updates } = start();
    add('web', { timeoutMs: 2_000 });
    await pass(510);
    follow('web', row('web', { timeoutMs: 5_000 }));
    await answer('web', 'passing', 'old');
    expect(updates).toEqual([]);
    await pass(510);
    expect(ids()).toEqual(['web']);
    await answer('web', 'passing', 'new');
    expect(updates).toEqual([{ namespace: 'default', node: 'n', id: 'web', status: 'passing', output: 'new' }]);
  });

  it('still counts when only the status or the notes of the check have changed', async () => {
    const { add, follow, pass, answer, updates } = start();
    add('web');
    await pass(510);
    follow('web', { ...row('web', {}, 'warning'), notes: 'changed' });
    await answer('web', 'passing');
    expect(updates).toHaveLength(1);
  });
});

describe('many checks', () => {
  it('run up to the limit at once; the others wait in order', async () => {
    const { add, pass, ids, answer } = start({ runningMax: 2, random: () => 0 });
    for (const id of ['a', 'b', 'c', 'd']) add(id, { timeoutMs: 100_000 });
    await pass(20);
    expect(ids()).toEqual(['a', 'b']);
    await answer('b', 'passing');
    expect(ids()).toEqual(['a', 'c']);
    // b is due again, but d was first.
    await pass(20_000);
    await answer('a', 'passing');
    expect(ids()).toEqual(['c', 'd']);
    await answer('c', 'passing');
    expect(ids()).toEqual(['d', 'b']);
  });

  it('free their place when they are removed while they run or wait', async () => {
    const { add, follow, pass, ids } = start({ runningMax: 1, random: () => 0 });
    for (const id of ['a', 'b', 'c']) add(id);
    await pass(20);
    follow('b', undefined);
    follow('a', undefined);
    await pass(0);
    expect(ids()).toContain('c');
    expect(ids()).not.toContain('b');
  });

  it('are all aborted by close, and no probe starts after it', async () => {
    const { prober, add, pass, ids, signal } = start({ runningMax: 1, random: () => 0 });
    for (const id of ['a', 'b']) add(id);
    await pass(20);
    const asked = signal('a');
    prober.close();
    await pass(60_000);
    expect(asked?.aborted).toBe(true);
    expect(ids()).toEqual(['a']);
    expect(prober.size).toBe(0);
  });
});
