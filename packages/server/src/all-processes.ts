/**
 * What concerns all processes of a server with workers: its page of metrics and its status. The primary asks its workers and adds up; a worker asks the
 * primary. So it does not matter which process an operator reaches.
 */

import type { Clock } from './clock.ts';
import type { Link } from './cluster/channel/link.ts';
import type { Methods, Peer } from './cluster/channel/peer.ts';
import type { ProcessStatus } from './frontend/admin/deps.ts';
import { AddedUp, type Values } from './telemetry/add-up.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** A worker that has not answered within this time is left out; its metrics are the last ones. */
const answerMs = 2_000;

export interface AllProcesses {
  /** The text of a scrape. */
  metricsPage(): Promise<string>;
  /** The primary first; a worker that does not answer is not ready. */
  statuses(): Promise<readonly ProcessStatus[]>;
  /** The requests that other processes of this server may make. */
  readonly methods: Methods;
}

/** Of one process. */
export interface OwnProcess {
  readonly metrics: Metrics;
  readonly status: () => ProcessStatus;
}

/** @param link to the primary */
export function processesOfWorker({ metrics, status }: OwnProcess, link: Link): AllProcesses {
  return {
    metricsPage: async () => (await link.call('metrics-page', Buffer.of())).toString(),
    // While the primary is away, this process says so itself.
    statuses: () => link.call('statuses', Buffer.of()).then((answer) => JSON.parse(answer.toString()) as ProcessStatus[], () => [status()]),
    methods: {
      'metrics-values': { kind: 'answer', run: async () => Buffer.from(JSON.stringify(await metrics.values())) },
      'own-status': { kind: 'answer', run: async () => Buffer.from(JSON.stringify(status())) },
    },
  };
}

/** @param workers their connections, by member id */
export function processesOfPrimary(own: OwnProcess, clock: Clock, workers: () => ReadonlyMap<string, Peer>): AllProcesses {
  let addedUp: AddedUp | undefined;

  async function asked(worker: Peer, method: string): Promise<Buffer | undefined> {
    let cancel = () => {};
    const late = new Promise<undefined>((resolve) => (cancel = clock.timer(answerMs, () => resolve(undefined))));
    const answer = await Promise.race([worker.call(method, Buffer.of()).catch(() => undefined), late]);
    cancel();
    return answer;
  }

  async function valuesOf(worker: Peer): Promise<Values | undefined> {
    const answer = await asked(worker, 'metrics-values');
    return answer && (JSON.parse(answer.toString()) as Values);
  }

  async function metricsPage(): Promise<string> {
    // Most servers have no workers, and nothing to add up.
    if (addedUp === undefined && workers().size === 0) return own.metrics.registry.metrics();
    addedUp ??= new AddedUp();
    const all = [...workers()].map(async ([id, worker]) => [id, await valuesOf(worker)] as const);
    return addedUp.page(new Map([['', await own.metrics.values()], ...(await Promise.all(all))]));
  }

  async function statuses(): Promise<readonly ProcessStatus[]> {
    const others = [...workers()].map(async ([id, worker]): Promise<ProcessStatus> => {
      const answer = await asked(worker, 'own-status');
      if (answer !== undefined) return JSON.parse(answer.toString()) as ProcessStatus;
      return { process: `worker ${id}`, pid: 0, ready: false, reason: `it has not answered within ${answerMs / 1_000} s`, revision: 0, liveness: { frozen: false, held: 0, share: 0 } };
    });
    return [own.status(), ...(await Promise.all(others))];
  }

  return {
    metricsPage,
    statuses,
    methods: {
      statuses: { kind: 'answer', run: async () => Buffer.from(JSON.stringify(await statuses())) },
      'metrics-page': { kind: 'answer', run: async () => Buffer.from(await metricsPage()) },
    },
  };
}
