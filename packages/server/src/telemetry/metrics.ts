/**
 * Metrics of the server, in Prometheus' conventions. Each server has a separate registry, so that several servers in one
 * process, as in tests, do not share numbers. docs/reference/metrics.md explains each metric.
 */

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics, type Aggregator, type Metric } from 'prom-client';
import type { Values } from './add-up.ts';
import { PlainHistogram } from './plain-histogram.ts';
import { RequestCounts } from './request-counts.ts';

const seconds = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export class Metrics {
  readonly registry = new Registry();
  readonly #requests = new RequestCounts();
  readonly commitSeconds = new Histogram({
    name: 'rollcall_commit_duration_seconds',
    help: 'Time from handing a transaction to the engine until it is durable',
    buckets: seconds,
    registers: [this.registry],
  });
  readonly commands = this.#counter('rollcall_commands_total', 'Commands committed');
  readonly commitConflicts = this.#counter('rollcall_commit_conflicts_total', 'Transactions decided again since another writer was faster');
  readonly feedLosses = this.#counter('rollcall_feed_losses_total', 'Times that the feed of the store was lost or stuck');
  readonly stale = this.#gauge('rollcall_stale', '1 while the state does not follow the store', [], 'max');
  readonly applyLagSeconds = new Histogram({
    name: 'rollcall_apply_lag_seconds',
    help: 'Time from a durable commit until the state has applied it',
    buckets: seconds,
    registers: [this.registry],
  });
  readonly querySeconds = new PlainHistogram({
    name: 'rollcall_registry_query_duration_seconds',
    help: 'Time to answer an HTTP query that did not wait for a change, until its last byte is handed over',
    buckets: seconds,
  });
  readonly heartbeats = this.#counter('rollcall_heartbeats_total', 'Heartbeats of TTL checks and sessions');
  readonly strays = this.#counter(
    'rollcall_stray_heartbeats_total',
    'Heartbeats of deadlines that other nodes watch, by what became of them',
    ['outcome'],
  );
  readonly expiries = this.#counter('rollcall_expiries_total', 'Deadlines that passed', ['kind']);
  readonly expiryFrozen = this.#gauge('rollcall_expiry_frozen', '1 while self-preservation holds expiries back', [], 'max');
  readonly expiryFrozenUntil = this.#gauge(
    'rollcall_expiry_frozen_until_timestamp_seconds',
    'When the freeze ends unless there is new evidence; 0 while nothing is frozen',
    [],
    'max',
  );
  readonly expiryLossShare = this.#gauge(
    'rollcall_expiry_loss_share',
    'Share of a loss that froze expiry which one node, service or principal has; those with most',
    ['by', 'name'],
    'max',
  );
  readonly stalls = this.#counter('rollcall_stalls_total', 'Times that the event loop was blocked for over 0.5 s');
  readonly stallSeconds = this.#counter('rollcall_stall_seconds_total', 'Time by which deadlines were extended');
  readonly probes = this.#counter('rollcall_probes_total', 'Probes finished', ['kind', 'outcome']);
  readonly parked = this.#gauge('rollcall_parked_queries', 'Blocking queries that wait for a change');
  readonly configListeners = this.#gauge('rollcall_config_listeners', 'Requests of Nacos clients that wait for a change of a configuration');
  readonly connectionsRefused = this.#counter('rollcall_connections_refused_total', 'Connections closed as soon as they were made', [
    'reason',
  ]);
  readonly tlsHandshakesFailed = this.#counter('rollcall_tls_handshakes_failed_total', 'TLS handshakes that failed');
  readonly denials = this.#counter('rollcall_acl_denied_total', 'Permissions that callers were found to lack', ['namespace', 'resource', 'verb']);
  readonly streams = this.#gauge('rollcall_streams', 'Open native streams');
  readonly streamsCut = this.#counter('rollcall_streams_cut_total', 'Streams closed by the server', ['reason']);

  readonly eurekaReplicated = this.#counter('rollcall_eureka_replicated_total', 'Changes of instances sent to Eureka servers', ['action']);
  readonly webhookDeliveries = this.#counter('rollcall_webhook_deliveries_total', 'Tries to deliver an event to a webhook, and events that were dropped', ['outcome']);
  readonly xdsResponses = this.#counter('rollcall_xds_responses_total', 'Responses sent to clients of xDS', ['type']);
  readonly xdsRefused = this.#counter('rollcall_xds_refused_total', 'Responses that clients of xDS refused', ['type']);

  constructor() {
    const requests: Counter<'route' | 'status'> = new Counter({
      name: 'rollcall_http_requests_total',
      help: 'HTTP requests answered',
      labelNames: ['route', 'status'],
      registers: [this.registry],
      collect: () => {
        requests.reset();
        for (const { labels, count } of this.#requests) requests.inc(labels, count);
      },
    });
    // The registry uses only methods that this class has.
    this.registry.registerMetric(this.querySeconds as unknown as Metric);
    collectDefaultMetrics({ register: this.registry });
  }

  /** Counts an answered request. `route` comes from a route table, never from a client. */
  request(route: string, status: number): void {
    this.#requests.add(route, status);
  }

  /** Of this process alone, for one that adds them up (`add-up.ts`). */
  values(): Promise<Values> {
    return this.registry.getMetricsAsJSON();
  }

  /**
   * A gauge whose value is read when it is scraped.
   * @param together what the values of several processes come to: `max` for what each of them reads from the state, which they share
   */
  observe(name: string, help: string, read: () => number | Promise<number>, together: Aggregator = 'sum'): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      aggregator: together,
      registers: [this.registry],
      collect: async () => gauge.set(await read()),
    });
  }

  /** The same with one label. @param read gives all values of the label; a value that it leaves out is not in the scrape */
  observeBy(name: string, help: string, label: string, read: () => Promise<Iterable<readonly [string, number]>>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      // All of them are read from the state.
      aggregator: 'max',
      labelNames: [label],
      registers: [this.registry],
      collect: async () => {
        const values = await read();
        gauge.reset();
        for (const [value, number] of values) gauge.set({ [label]: value }, number);
      },
    });
  }

  /** A counter whose value is kept elsewhere; it must not decrease. */
  observeTotal(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.registry],
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = [], together: Aggregator = 'sum'): Gauge<L> {
    return new Gauge({ name, help, aggregator: together, labelNames: [...labelNames], registers: [this.registry] });
  }
}
