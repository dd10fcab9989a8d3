/** Liveness over a registry in memory and a clock that the test moves; for the tests of this folder. */

import type { CheckDefinition, CheckKind, CheckStatus } from '@rollcall/protocol';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Engine } from '../engine/engine.ts';
import { memory } from '../engine/memory/memory.ts';
import { manualClock, type ManualClock } from '../manual-clock.case.ts';
import { addressPolicy } from '../outbound/address-policy.ts';
import { findCheck, findInstance } from '../registry/kind/catalog/find.ts';
import { findSession } from '../registry/kind/session/find.ts';
import type { Command, Result } from '../registry/kinds.ts';
import type { Observer } from '../registry/observer.ts';
import { Replica } from '../replica.ts';
import { soleOwner, type Ownership } from './ownership.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { Liveness, type LivenessOptions } from './liveness.ts';

export interface LogLine {
  readonly level: number;
  readonly msg: string;
}

export interface RegisteredCheck {
  readonly type: CheckKind;
  readonly definition?: CheckDefinition;
  readonly status?: CheckStatus;
  readonly output?: string;
  /** The session that vouches for the instance. */
  readonly session?: string;
}

/** Lets all pending work of the event loop finish, without any time passing. */
export async function turns(count = 12): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
}

/** Collects what is logged. */
export function logTo(lines: LogLine[]) {
  return pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) });
}

/** Liveness that is closed when the test ends. */
export async function livenessOfTest(options?: Parameters<typeof startLiveness>[0]): Promise<Started> {
  const started = await startLiveness(options);
  onTestFinished(() => started.close());
  return started;
}

interface StartOptions extends Partial<LivenessOptions> {
  readonly engine?: Engine;
  readonly ownership?: Ownership;
  /** Called after the first turn of the start. */
  readonly whileStarting?: (parts: { replica: Replica; clock: ManualClock; submitted: readonly Command[] }) => Promise<void>;
}

export async function startLiveness(options: StartOptions = {}) {
  const clock = manualClock();
  const engine = options.engine ?? memory();
  const replica = new Replica({
    engine,
    clock,
    onFatal: (error) => {
      throw error;
    },
  });
  await replica.start();
  const lines: LogLine[] = [];
  const metrics = new Metrics();
  /** While set, every commit fails with it. */
  let outage: Error | undefined;
  /** Commits start when it resolves. */
  let gate: Promise<void> = Promise.resolve();
  const submitted: Command[] = [];
  const registry = {
    state: replica.state,
    views: replica.views,
    barrier: () => replica.barrier(),
    notOlderThan: (revision: number) => replica.notOlderThan(revision),
    isOnlyWriter: true,
    staleMs: 0,
    watchStaleness: (listener: () => void) => replica.watchStaleness(listener),
    observe: (observer: Observer) => replica.observe(observer),
    async submit<C extends Command>(command: C): Promise<Result<C>> {
      submitted.push(command);
      await gate;
      if (outage !== undefined) throw outage;
      return replica.submit(command);
    },
  };
  const liveness = new Liveness({
    registry,
    clock,
    log: logTo(lines),
    metrics,
    limits: { probesMax: 128 },
    random: () => 0.5,
    resolve: addressPolicy(() => Promise.reject(new Error('no names here'))),
    ...options,
  });
  replica.observe(liveness);
  const starting = liveness.start(options.ownership ?? soleOwner('this-node'));
  await options.whileStarting?.({ replica, clock, submitted });
  await starting;

  return {
    clock,
    engine,
    replica,
    liveness,
    metrics,
    lines,
    /** Every command that liveness submitted. */
    submitted,
    setOutage: (error: Error | undefined) => (outage = error),
    /** Makes commits wait. @returns a function that lets them continue */
    holdCommits: (): (() => void) => {
      let open: () => void = () => {};
      gate = new Promise((resolve) => (open = resolve));
      return open;
    },

    /** Lets time pass, as in an idle process. */
    pass: async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 100) {
        clock.advance(Math.min(100, left));
        await turns(8);
      }
    },

    /** An instance on a node with its name, with one check. */
    register: async (name: string, check: RegisteredCheck): Promise<void> => {
      const { type, definition = {}, status = 'passing', output = '', session } = check;
      await replica.submit({
        kind: 'register',
        namespace: 'default',
        node: { name: `node-${name}`, address: '10.0.0.1' },
        nodeMode: 'ensure',
        instances: [{ id: name, service: 'web', ...(session === undefined ? {} : { session }) }],
        checks: [{ id: `check-${name}`, name, instance: name, type, definition, status, output }],
      });
    },

    createSession: async (id: string, liveness: 'ttl' | 'stream', ttlMs: number, node = 'clients'): Promise<void> => {
      await replica.submit({ kind: 'register', namespace: 'default', node: { name: node, address: '10.0.0.2' }, nodeMode: 'ensure' });
      await replica.submit({
        kind: 'session-create',
        namespace: 'default',
        id,
        name: '',
        node,
        liveness,
        ttlMs,
        lockDelayMs: 0,
        behavior: 'release',
        checks: [],
      });
    },

    /** Sent by the instance's own node, as the only principal there. */
    beat: async (name: string, status: CheckStatus = 'passing', output = '') =>
      liveness.beat('default', `node-${name}`, `check-${name}`, status, output, `address of ${name}`),
    row: (name: string) => findCheck(replica.state, 'default', `node-${name}`, `check-${name}`),
    status: (name: string) => findCheck(replica.state, 'default', `node-${name}`, `check-${name}`)?.status,
    exists: (name: string) => findInstance(replica.state, 'default', `node-${name}`, name) !== undefined,
    session: (id: string) => findSession(replica.state, 'default', id),
    /** Value of a metric without labels, or of all its labels together. */
    metric: async (name: string): Promise<number> => {
      const values = (await metrics.registry.getSingleMetric(name)?.get())?.values ?? [];
      return values.reduce((sum, { value }) => sum + value, 0);
    },

    close: async (): Promise<void> => {
      liveness.close();
      await replica.close();
    },
  };
}

export type Started = Awaited<ReturnType<typeof startLiveness>>;
