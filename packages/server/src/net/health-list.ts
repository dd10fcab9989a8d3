/**
 * A list of services or nodes with the number of their instances by effective status, in slices and from one moment of the registry. An entry is kept
 * under the revision of its view, so a list costs what has changed.
 */

import { instanceStatuses, type InstanceStatus, type CountsByStatus } from '@rollcall/protocol';
import type { Frozen } from '../registry/frozen.ts';
import { statuses } from '../registry/kind/catalog/effective-status.ts';
import type { InstanceRow } from '../registry/kind/catalog/rows.ts';
import type { Authorizer } from '../security/authorizer.ts';
import { MemoryShare } from './answer-memory.ts';
import { Body } from './answers.ts';
import type { Context } from './frontend.ts';
import type { ListBodies } from './list-bodies.ts';
import { ListWriter } from './list-writer.ts';
import type { Pace, Work } from './turns.ts';

/** What is listed, and for whom. */
export interface Listing<T> {
  readonly namespace: string;
  readonly authorizer: Authorizer;
  /** Name of the list in the answer, and of the form of its entries among kept answers. */
  readonly list: 'services' | 'nodes';
  /** The permission that an entry needs; with `write` as well, the caller may change it. */
  readonly resource: 'service' | 'node';
  /** In order. */
  readonly things: Iterable<T>;
  readonly nameOf: (thing: T) => string;
  readonly viewOf: (name: string) => string;
  /** Whether an entry is the same for every caller, and kept. */
  readonly isShared: boolean;
  /** Without what the caller may do with it. */
  readonly entry: (thing: T) => Work<object>;
}

/** Microseconds, about. */
const unitsPerThing = 2;

export class HealthList {
  readonly #context: Pick<Context, 'answers' | 'registry'>;
  readonly #lists: ListBodies;

  constructor(context: Pick<Context, 'answers' | 'registry'>, lists: ListBodies) {
    this.#context = context;
    this.#lists = lists;
  }

  *write<T>(frozen: Frozen, listing: Listing<T>): Work<Body> {
    const { namespace, authorizer, list, resource, things, nameOf } = listing;
    const { memory, turns: { pace } } = this.#lists;
    const share = new MemoryShare(memory);
    try {
      const out = new ListWriter(share);
      out.write(`{"${list}":[`);
      let isFirst = true;
      for (const thing of things) {
        const name = nameOf(thing);
        if (pace.spend(unitsPerThing)) yield;
        if (!authorizer.allows(namespace, resource, 'read', name)) continue;
        if (!isFirst) out.write(',\n');
        isFirst = false;
        out.append((yield* this.#entry(frozen, listing, thing)).buffers);
        out.write(`,"can":${authorizer.allows(namespace, resource, 'write', name) ? '["read","write"]' : '["read"]'}}`);
      }
      out.write(']}\n');
      return new Body(out.finish());
    } finally {
      share.free();
    }
  }

  /** Open at its end: what the caller may do is not a part of it. */
  *#entry<T>(frozen: Frozen, { list, nameOf, viewOf, isShared, entry }: Listing<T>, thing: T): Work<Body> {
    const { answers, registry: { views } } = this.#context;
    const view = viewOf(nameOf(thing));
    const revision = views.revision(view);
    // If the view is newer than the moment, its rows are not those of the moment.
    const isKept = isShared && revision <= frozen.revision;
    const form = `health of ${list}`;
    const known = isKept ? answers.find(view, revision, form) : undefined;
    if (known !== undefined) return known;
    const body = new Body([Buffer.from(JSON.stringify(yield* entry(thing)).slice(0, -1))]);
    if (isKept) answers.keep(view, revision, form, body);
    return body;
  }
}

/** @param unitsPerRow of looking at one row, about microseconds */
export function* countsOf(frozen: Frozen, rows: Iterable<InstanceRow>, pace: Pace, unitsPerRow: number): Work<CountsByStatus & { readonly instances: number }> {
  const counts = Object.fromEntries(instanceStatuses.map((status) => [status, 0])) as Record<InstanceStatus, number>;
  const statusOf = statuses(frozen);
  let instances = 0;
  for (const row of rows) {
    counts[statusOf(row)]++;
    instances++;
    if (pace.spend(unitsPerRow)) yield;
  }
  return { instances, ...counts };
}
