/**
 * Which clients read configurations through this node now, which releases they were given, and what they say they have applied.
 * It is in memory, and as true as the connections are: a front end adds a reader when it begins and removes it when it ends.
 */

import type { ConfigName } from '../registry/kind/config/resolve.ts';

/** What a reader says about a release that it got. */
export interface ReaderReport {
  /** Number of the release of the app's own configuration; 0: of none. */
  readonly release: number;
  /** Whether the program uses it now. */
  readonly applied: boolean;
  /** Why not. */
  readonly error?: string;
  /** When it arrived, in milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** One reader, as `who` shows it. */
export interface ReaderEntry {
  /** Name of the client, for people. */
  readonly client: string;
  readonly address?: string;
  /** Its instance, written `NODE/ID`. */
  readonly instance?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly cluster?: string;
  /** Protocol that it reads by. */
  readonly via: string;
  /** Number of the release that it was given; 0: none. */
  readonly release: number;
  /** The rollout that gives it; absent: all get it. */
  readonly rollout?: string;
  readonly report?: ReaderReport;
}

/** All who read one configuration. */
export interface Who {
  /** With the name of the node that each is connected to. */
  readonly readers: readonly (ReaderEntry & { readonly node: string })[];
  /** Readers of the nodes that have answered; more than are listed beyond the limit. */
  readonly count: number;
  /** Nodes that have not answered: their readers are not listed. */
  readonly missing: readonly string[];
}

/** Readers of one configuration in one cluster: how many of them do not use the release that they were given. */
export interface LateReaders {
  readonly app: string;
  readonly name: string;
  /** As the readers say; absent for readers that name none. */
  readonly cluster?: string;
  /** Those that do not use it. */
  readonly late: number;
  /** All of them. */
  readonly of: number;
  /** What one of them says; empty when none does. */
  readonly error: string;
}

/** What the readers of nodes do not use, of every configuration that has readers. */
export interface Drift {
  readonly late: readonly LateReaders[];
  /** Nodes that have not answered. */
  readonly missing: readonly string[];
}

/** Adds up the readers of several nodes. */
export function joinDrift(all: readonly Drift[]): Drift {
  const sums = new Map<string, LateReaders>();
  for (const each of all.flatMap(({ late }) => late)) {
    const key = [each.app, each.name, each.cluster].join('\0');
    const known = sums.get(key);
    sums.set(key, known === undefined ? each : { ...known, late: known.late + each.late, of: known.of + each.of, error: known.error || each.error });
  }
  return { late: [...sums.values()], missing: all.flatMap(({ missing }) => missing) };
}

/** Readers that one answer lists, also of all nodes together; a message between nodes has room for them. */
export const readersMax = 10_000;

export class Readers {
  readonly #byName = new Map<string, Set<() => ReaderEntry>>();

  /**
   * @param entry gives the reader as it is at that moment
   * @returns removes the reader
   */
  add(name: ConfigName, entry: () => ReaderEntry): () => void {
    const key = keyOf(name);
    const all = this.#byName.get(key) ?? new Set();
    all.add(entry);
    this.#byName.set(key, all);
    return () => {
      if (all.delete(entry) && all.size === 0) this.#byName.delete(key);
    };
  }

  /** Of every configuration of a namespace that has readers here, in steps of one reader. */
  *drift(namespace: string): Generator<void, Drift, undefined> {
    const late: LateReaders[] = [];
    for (const [key, readers] of [...this.#byName]) {
      const [of = '', app = '', ...name] = key.split('\0');
      if (of !== namespace) continue;
      const byCluster = new Map<string | undefined, LateReaders>();
      for (const entry of [...readers]) {
        const { cluster, release, report } = entry();
        const known = byCluster.get(cluster) ?? { app, name: name.join('\0'), ...(cluster === undefined ? {} : { cluster }), late: 0, of: 0, error: '' };
        const isLate = report !== undefined && release > 0 && (!report.applied || report.release !== release);
        byCluster.set(cluster, { ...known, of: known.of + 1, late: known.late + (isLate ? 1 : 0), error: known.error || ((isLate ? report.error : undefined) ?? '') });
        yield;
      }
      late.push(...byCluster.values());
    }
    return { late, missing: [] };
  }

  /** Readers of the configuration through this node, whichever cluster they are in. @param node name of this node */
  who(name: ConfigName, node: string): Who {
    const all = this.#byName.get(keyOf(name)) ?? new Set();
    const readers: (ReaderEntry & { readonly node: string })[] = [];
    for (const entry of all) {
      if (readers.length >= readersMax) break;
      readers.push({ ...entry(), node });
    }
    return { readers, count: all.size, missing: [] };
  }
}

function keyOf({ namespace, app, name }: ConfigName): string {
  return `${namespace}\0${app}\0${name}`;
}
