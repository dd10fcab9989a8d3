/**
 * The reaper: deregisters an instance whose check has been critical for longer than it allows
 * (`deregisterCriticalAfterMs`; Consul's `DeregisterCriticalServiceAfter`). The time counts from when
 * this process saw the check turn critical: after its own start, and after a freeze, in full.
 */

import type { Command } from '../registry/command.ts';
import { keys, type CheckRow } from '../registry/rows.ts';
import type { Expiry } from './expiry.ts';
import { Lease } from './lease.ts';
import type { Wheel } from './wheel.ts';

/** The time that a critical check is allowed. It runs while the check is critical. */
class Removal extends Lease {
  readonly kind = 'removal';
  readonly node: string;
  readonly instance: string;

  constructor(wheel: Wheel, expiry: Expiry, row: CheckRow, allowedMs: number) {
    super(wheel, expiry, allowedMs);
    this.node = row.node;
    this.instance = row.instance;
  }

  vouches(): boolean {
    return true;
  }

  *instances(): Generator<string> {
    yield keys.instance(this.node, this.instance);
  }

  verdict(): Command {
    return { kind: 'deregister-instance', node: this.node, id: this.instance };
  }
}

export interface ReaperOptions {
  readonly wheel: Wheel;
  readonly expiry: Expiry;
}

export class Reaper {
  readonly #options: ReaperOptions;
  readonly #removals = new Map<string, Removal>();

  constructor(options: ReaperOptions) {
    this.#options = options;
  }

  /** How many checks can remove their instance. */
  get size(): number {
    return this.#removals.size;
  }

  /** Follows a row of the log. @param key its record key */
  follow(key: string, row: CheckRow | undefined): void {
    const allowedMs = row?.definition.deregisterCriticalAfterMs;
    let removal = this.#removals.get(key);
    if (row === undefined || row.instance === '' || allowedMs === undefined || allowedMs <= 0) {
      removal?.stop();
      this.#removals.delete(key);
      return;
    }
    if (removal?.instance !== row.instance) {
      removal?.stop();
      removal = new Removal(this.#options.wheel, this.#options.expiry, row, allowedMs);
      this.#removals.set(key, removal);
    }
    const changed = removal.lengthMs !== allowedMs;
    removal.lengthMs = allowedMs;
    if (row.status !== 'critical') removal.stop();
    else if (changed || removal.state === 'stopped') removal.renew();
  }

  /** Every time that runs starts anew. */
  restart(): void {
    for (const removal of this.#removals.values()) if (removal.state !== 'stopped') removal.renew();
  }
}
