/**
 * Reports to the registry how often this client has chosen instances of each service, so that operators see who calls whom. It sends a report only
 * if the registry has asked for them in its welcome, and only when there was a request. Nothing depends on a report: one that is lost is not
 * sent again. It counts nothing itself.
 */

import { defaultNamespace, frameLimits, type ReplyFrame, type ServicePicks, type WelcomeFrame } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { ConnectionPart, RegistryConnection } from './registry-connection.ts';

/** Counts the requests to one service. */
export interface PickCounter {
  /** The counts since the last call; undefined when there was no request. */
  take(): Omit<ServicePicks, 'service' | 'namespace'> | undefined;
}

/** Names a service for its report. */
export interface CountedService {
  readonly namespace: string;
  readonly service: string;
}

export interface PickReportsOptions {
  readonly connection: Pick<RegistryConnection, 'ask'>;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

export class PickReports implements ConnectionPart {
  readonly #options: PickReportsOptions;
  readonly #counted = new Map<PickCounter, CountedService>();
  #stop: () => void = () => {};
  #sinceMs = 0;

  constructor(options: PickReportsOptions) {
    this.#options = options;
  }

  /** Reports the counts of a service from now on. @returns ends it */
  add(service: CountedService, counter: PickCounter): () => void {
    this.#counted.set(counter, service);
    return () => this.#counted.delete(counter);
  }

  opened(): void {}

  greeted({ pickReportMs }: WelcomeFrame): void {
    this.#stop();
    if (pickReportMs === undefined) return;
    // Counts from before are those of another time than the next interval.
    for (const counter of this.#counted.keys()) counter.take();
    this.#sinceMs = this.#options.clock.monotonic();
    this.#schedule(pickReportMs);
  }

  pushed(_frame: ReplyFrame): void {}

  lost(): void {
    this.#stop();
  }

  refused(): void {}

  closed(): void {
    this.#stop();
  }

  #schedule(everyMs: number): void {
    this.#stop = this.#options.clock.timer(everyMs, () => {
      this.#report();
      this.#schedule(everyMs);
    });
  }

  #report(): void {
    const { connection, clock, timeoutMs } = this.#options;
    const nowMs = clock.monotonic();
    const intervalMs = Math.max(1, Math.round(nowMs - this.#sinceMs));
    this.#sinceMs = nowMs;
    const services: ServicePicks[] = [];
    for (const [counter, { namespace, service }] of this.#counted) {
      const counts = counter.take();
      if (counts !== undefined) services.push({ ...(namespace === defaultNamespace ? {} : { namespace }), service, ...counts });
    }
    for (let at = 0; at < services.length; at += frameLimits.listMax) {
      connection.ask({ type: 'pick-report', intervalMs, services: services.slice(at, at + frameLimits.listMax) }, { repeatable: false, timeoutMs }).catch(() => {});
    }
  }
}
