/**
 * The metrics page of a server with workers: the primary asks its workers for their values and adds them up, and a worker asks the
 * primary for the page. So every process shows the same page, and a scrape sees one server.
 */

import type { Clock } from './clock.ts';
import type { Link } from './cluster/channel/link.ts';
import type { Methods, Peer } from './cluster/channel/peer.ts';
import { AddedUp, type Values } from './telemetry/add-up.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** A worker that has not answered within this time is shown with its last values. */
const answerMs = 2_000;

export interface MetricsSource {
  /** The text of a scrape. */
  page(): Promise<string>;
  /** What other processes of this server may ask. */
  readonly methods: Methods;
}

/** @param link to the primary */
export function metricsOfWorker(metrics: Metrics, link: Link): MetricsSource {
  return {
    page: async () => (await link.call('metrics-page', Buffer.of())).toString(),
    methods: { 'metrics-values': { kind: 'answer', run: async () => Buffer.from(JSON.stringify(await metrics.values())) } },
  };
}

/** @param workers their connections, by member id */
export function metricsOfPrimary(metrics: Metrics, clock: Clock, workers: () => ReadonlyMap<string, Peer>): MetricsSource {
  let addedUp: AddedUp | undefined;

  async function valuesOf(worker: Peer): Promise<Values | undefined> {
    let cancel = () => {};
    const late = new Promise<undefined>((resolve) => (cancel = clock.timer(answerMs, () => resolve(undefined))));
    const asked = worker.call('metrics-values', Buffer.of()).then(
      (body) => JSON.parse(body.toString()) as Values,
      () => undefined,
    );
    const values = await Promise.race([asked, late]);
    cancel();
    return values;
  }

  async function page(): Promise<string> {
    // Most servers have no workers, and nothing to add up.
    if (addedUp === undefined && workers().size === 0) return metrics.registry.metrics();
    addedUp ??= new AddedUp();
    const all = [...workers()].map(async ([id, worker]) => [id, await valuesOf(worker)] as const);
    const own = ['', await metrics.values()] as const;
    return addedUp.page(new Map([own, ...(await Promise.all(all))]));
  }

  return { page, methods: { 'metrics-page': { kind: 'answer', run: async () => Buffer.from(await page()) } } };
}
